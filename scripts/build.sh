#!/usr/bin/env bash
# Configures and builds one preset of CMakePresets.json into build/<preset>.
#
# usage: scripts/build.sh PRESET [TARGET...]     presets: release dev asan-ubsan tsan clang fuzz
# BUILD_JOBS=N overrides the number of compilers at a time; CMAKE_ARGS adds options (-DGLADIUS_WERROR=ON).
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:?usage: scripts/build.sh PRESET [TARGET...]}
shift
targets=()
for t in "$@"; do
    targets+=(--target "$t")
done

# A compiler of this project wants up to 1 GiB.
jobs=$(nproc)
fits=$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)
[ "$fits" -ge 1 ] || fits=1
[ "$jobs" -le "$fits" ] || jobs=$fits

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! cmake --preset "$preset" ${CMAKE_ARGS:-} >"$log" 2>&1; then
    cat "$log" >&2
    echo "build: cmake could not configure '$preset' (a missing package is named above; scripts/install-deps.sh installs them all)" >&2
    exit 1
fi
echo "build: $preset ${*:-all}"
cmake --build "build/$preset" -j "${BUILD_JOBS:-$jobs}" "${targets[@]}"
