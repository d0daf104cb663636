# Sourced by scripts/test.sh and .ci/run: runs steps one after the other, times them and adds up what they counted.
#
#   step NAME COMMAND...   The command's last line 'N passed, N failed' counts; without one the step itself counts as one
#                          check. A command that ends badly without counting a failure is one failure, and so is one
#                          that has not ended after STEP_SECONDS.
#   finish                 Prints the total, alone on the last line, and exits 1 when anything failed.
STEP_SECONDS=${STEP_SECONDS:-1200}
passed=0
failed=0
started=$SECONDS
summary=()
step_log=$(mktemp)
trap 'rm -f "$step_log"' EXIT

step() {
    local name=$1 at=$SECONDS rc=0 good=0 bad=0 line limit=()
    shift
    [ "$(type -t "$1")" = function ] || limit=(timeout -k 10 "$STEP_SECONDS") # a function limits itself
    echo
    echo "=== $name"
    "${limit[@]}" "$@" </dev/null 2>&1 | tee "$step_log" || rc=$?
    [ $rc -ne 124 ] || echo "=== $name: no end after $STEP_SECONDS s"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$step_log" | tail -n 1) || true
    if [ -n "$line" ]; then
        read -r good _ bad _ <<<"$line"
    elif [ $rc -eq 0 ]; then
        good=1
    fi
    if [ $rc -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
    summary+=("$(printf '%-34s %6d passed %4d failed %5d s' "$name" "$good" "$bad" $((SECONDS - at)))")
    echo "=== $name: $good passed, $bad failed, $((SECONDS - at)) s"
    [ "$bad" -eq 0 ]
}

finish() {
    echo
    printf '%s\n' "${summary[@]}"
    printf '%-34s %27s %5d s\n' "" "" $((SECONDS - started))
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# A unit test binary that takes longer than this hangs; the test it hangs in is named and counts as failed.
UNIT_TEST_SECONDS=${UNIT_TEST_SECONDS:-600}

unit_tests() { # BINARY [OPTION...]: GoogleTest's own summary as a counting line
    local rc=0 out good bad
    out=$(mktemp)
    timeout -k 10 "$UNIT_TEST_SECONDS" "$@" >"$out" 2>&1 || rc=$?
    grep -vE '^\[( RUN      |       OK |----------|==========)\]|^$' "$out"
    good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) tests\{0,1\}\..*/\1/p' "$out")
    bad=$(grep -cE '^\[  FAILED  \] [^ ,]+\.[^ ,]+,? .*\([0-9]+ ms\)' "$out")
    if [ $rc -eq 124 ] || [ $rc -eq 137 ]; then
        echo "no end after $UNIT_TEST_SECONDS s in: $(grep '^\[ RUN      \]' "$out" | tail -n 1)"
        bad=$((bad + 1))
    fi
    rm -f "$out"
    echo "${good:-0} passed, ${bad:-0} failed"
    return $rc
}
