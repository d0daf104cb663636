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

if [ -e "build/$preset" ] && [ ! -w "build/$preset" ]; then
    echo "build: build/$preset belongs to $(stat -c %U "build/$preset"), probably from a run as root; make it yours: sudo chown -R $(id -un) build" >&2
    exit 1
fi

log=$(mktemp)
end() {
    rm -f "$log"
    # What was built through sudo belongs to who called it: the next run needs no sudo.
    if [ "$(id -u)" -eq 0 ] && [ "${SUDO_UID:-0}" -ne 0 ] && [ "$(stat -c %u .)" -eq "$SUDO_UID" ] && [ -d build ]; then
        chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" build
    fi
}
trap end EXIT
# shellcheck disable=SC2086
if ! cmake --preset "$preset" ${CMAKE_ARGS:-} >"$log" 2>&1; then
    cat "$log" >&2
    echo "build: cmake could not configure '$preset' (a missing package is named above; scripts/install-deps.sh installs them all)" >&2
    exit 1
fi
echo "build: $preset ${*:-all}"
cmake --build "build/$preset" -j "${BUILD_JOBS:-$jobs}" "${targets[@]}"
