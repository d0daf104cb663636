#!/usr/bin/env bash
# Fuzzes every parser for its share of time, starting from its corpus in fuzz/corpus/<target>. The last line is
# 'N passed, N failed', counting targets.
#
# usage: scripts/fuzz.sh [SECONDS-PER-TARGET] [TARGET...]     60 seconds and every fuzz_* by default
#   SECONDS 0 only replays the corpora. FUZZ_ADD=1 merges what was found into fuzz/corpus (one file an input, named by hash).
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
-h | --help)
    sed -n '2,6s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    seconds=$1
    shift
fi

bash scripts/install-deps.sh test
bash scripts/build.sh fuzz
build=build/fuzz
mapfile -t all < <(find $build -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x -printf '%f\n' | sort)
targets=()
for t in "$@"; do
    targets+=("fuzz_${t#fuzz_}")
done
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
if [ ${#targets[@]} -eq 0 ]; then
    echo "fuzz: there is no fuzz_* in $build; a fuzzer is a file x_fuzz.cc below src/" >&2
    echo "0 passed, 1 failed"
    exit 1
fi

# One target on each core. Found inputs go to a scratch folder: the corpus in the tree grows only when FUZZ_ADD asks.
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}

fuzz() { # TARGET
    local t=$1 corpus=fuzz/corpus/${1#fuzz_} found=$work/$1 crashes=$build/crashes/${1#fuzz_} log=$work/$1.log rc=0
    local limits=(-rss_limit_mb=2048 -timeout=10 -artifact_prefix="$crashes/")
    mkdir -p "$found" "$crashes"
    if [ ! -x "$build/$t" ]; then
        echo "fuzz: no target $t; there are: ${all[*]}" >"$log"
        return 1
    fi
    local seeds=()
    [ -d "$corpus" ] && seeds=("$corpus")
    if [ "$seconds" -eq 0 ]; then
        "$build/$t" "${limits[@]}" -runs=0 "$found" "${seeds[@]}" >"$log" 2>&1 || rc=$?
    else
        "$build/$t" "${limits[@]}" -max_total_time="$seconds" -use_value_profile=1 "$found" "${seeds[@]}" >"$log" 2>&1 || rc=$?
    fi
    if [ $rc -eq 0 ] && [ "${FUZZ_ADD:-0}" = 1 ]; then
        mkdir -p "$corpus"
        "$build/$t" -merge=1 "$corpus" "$found" >>"$log" 2>&1 || rc=$?
    fi
    return $rc
}

good=0
bad=0
report() { # TARGET STATUS
    local log=$work/$1.log artifact
    if [ "$2" -eq 0 ]; then
        good=$((good + 1))
        printf '%-28s ok     %s inputs in the corpus, %s executions\n' "$1" "$(find "fuzz/corpus/${1#fuzz_}" -type f 2>/dev/null | wc -l)" \
            "$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p; s/^#\([0-9]*\)[[:space:]]*DONE.*/\1/p' "$log" | tail -n 1)"
        return
    fi
    bad=$((bad + 1))
    printf '%-28s FAILED\n' "$1"
    tail -n 40 "$log"
    artifact=$(sed -n 's/.*Test unit written to \(.*\)$/\1/p' "$log" | tail -n 1)
    [ -z "$artifact" ] || printf 'input:     %s\nreproduce: %s %s\n' "$artifact" "$build/$1" "$artifact"
}

declare -A name_of
queue=("${targets[@]}")
running=0
while [ ${#queue[@]} -gt 0 ] || [ $running -gt 0 ]; do
    while [ ${#queue[@]} -gt 0 ] && [ $running -lt "$(nproc)" ]; do
        fuzz "${queue[0]}" &
        name_of[$!]=${queue[0]}
        queue=("${queue[@]:1}")
        running=$((running + 1))
    done
    rc=0
    wait -n -p ended || rc=$?
    running=$((running - 1))
    report "${name_of[$ended]}" $rc
done
echo "$good passed, $bad failed"
[ $bad -eq 0 ]
