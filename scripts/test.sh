#!/usr/bin/env bash
# Installs what is needed, builds, and runs all tests: unit tests, the recorded conformance cases, the checks of the tree.
# The last line is 'N passed, N failed'.
#
# usage: scripts/test.sh [PRESET]      dev (default), release, asan-ubsan, clang
set -uo pipefail
cd "$(dirname "$0")/.."
case ${1:-dev} in
-h | --help)
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
dev | release | asan-ubsan | clang) preset=${1:-dev} ;;
*)
    echo "test: no preset '$1' for tests; there are dev, release, asan-ubsan and clang" >&2
    exit 2
    ;;
esac
. scripts/steps.sh

bash scripts/install-deps.sh test || exit 1
step "build $preset" bash scripts/build.sh "$preset" gladius gladius_tests || finish
step "unit tests ($preset)" unit_tests "build/$preset/gladius_tests"
step "conformance ($preset)" bash tests/conformance/run.sh "build/$preset/gladius"
step "quickstart ($preset)" python3 -B tests/quickstart.py --gateway "build/$preset/gladius"
step "examples of the docs ($preset)" python3 -B tests/docs.py --gateway "build/$preset/gladius"
step "random rounds ($preset)" python3 -B tests/differential/differential.py --gateway "build/$preset/gladius" --self \
    --seed 1 --count 1 --areas routing,forwarding,bodies,json,manipulation,headers-out,sequential,encodings,martian
step "protocol ($preset)" python3 -B tests/protocol/run.py --gateway "build/$preset/gladius"
step "hostile clients and backends ($preset)" python3 -B tests/attack/run.py --gateway "build/$preset/gladius"
step "real configurations ($preset)" python3 -B tests/real_configs.py --gateway "build/$preset/gladius"
step "layers" python3 tools/check_layers.py
step "format" bash tools/check_format.sh
finish
