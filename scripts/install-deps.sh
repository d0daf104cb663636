#!/usr/bin/env bash
# Installs what Gladius needs, from Debian 12's own packages. Does nothing when everything is there already.
#
# usage: scripts/install-deps.sh [run|test|bench]
#   run     build and run the gateway
#   test    + unit tests, conformance, fuzzers, format check (default)
#   bench   + the peers and load tools of bench/ (their services are not started)
set -euo pipefail

run=(build-essential g++ cmake ninja-build ccache mold git pkg-config curl
     libc-ares-dev libssl-dev libnghttp2-dev libfmt-dev zlib1g-dev libbrotli-dev libzstd-dev libre2-dev libcli11-dev libgtest-dev libbenchmark-dev)
test=("${run[@]}" python3 python3-wsproto python3-h2 nghttp2-server brotli zstd rapidjson-dev libsimdjson-dev clang-14 libclang-rt-14-dev llvm-14 clang-format-19)
bench=("${test[@]}" nginx-light haproxy wrk nghttp2-client strace openssl liburing-dev slowhttptest)

what=${1:-test}
case $what in
run) want=("${run[@]}") ;;
test) want=("${test[@]}") ;;
bench) want=("${bench[@]}") ;;
*)
    sed -n '2,7s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "install-deps: this machine has no apt. Gladius is built on Debian 12; elsewhere install by hand what corresponds to: ${want[*]}" >&2
    exit 1
fi

missing=()
for p in "${want[@]}"; do
    [ "$p" = nginx-light ] && command -v nginx >/dev/null && continue # any nginx will do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "install-deps: everything for '$what' is here"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps: these packages are missing: ${missing[*]}" >&2
        echo "Run this script as root, or as a user who may sudo, or ask an administrator for: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "install-deps: installing ${missing[*]}"
policy=/usr/sbin/policy-rc.d
if [ "$what" = bench ] && [ ! -e $policy ]; then # a benchmark wants the programs, not running services
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod 755 $policy
    trap '"${as_root[@]}" rm -f $policy' EXIT
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
if ! "${apt[@]}" update || ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null; then
    echo "install-deps: apt could not install ${missing[*]}. Is the network there, and is this Debian 12 ($(. /etc/os-release && echo "$PRETTY_NAME"))?" >&2
    exit 1
fi
