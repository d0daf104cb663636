#!/usr/bin/env bash
# Fails when a C++ file of the tree is not formatted as .clang-format says.
#
# usage: tools/check_format.sh [--fix] [FILE...]
set -euo pipefail
cd "$(dirname "$0")/.."
format=clang-format-19
if ! command -v $format >/dev/null; then
    echo "check_format: $format is missing; bash scripts/install-deps.sh test installs it" >&2
    exit 1
fi
fix=0
if [ "${1:-}" = --fix ]; then
    fix=1
    shift
fi
if [ $# -gt 0 ]; then
    files=("$@")
else
    mapfile -t files < <(git ls-files -- 'src/*.h' 'src/*.cc')
fi
wrong=()
for f in "${files[@]}"; do
    if [ $fix -eq 1 ]; then
        $format -i "$f"
    elif ! $format --dry-run -Werror "$f" 2>/dev/null; then
        wrong+=("$f")
    fi
done
echo "check_format: ${#files[@]} files, ${#wrong[@]} not formatted"
if [ ${#wrong[@]} -gt 0 ]; then
    printf '  %s\n' "${wrong[@]}"
    echo "bash tools/check_format.sh --fix formats them"
    exit 1
fi
