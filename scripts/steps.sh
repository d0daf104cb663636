# Sourced by scripts/test.sh and .ci/run: runs steps one after the other, times them and adds up what they counted.
#
#   step NAME COMMAND...   The command's last line 'N passed, N failed' counts; without one the step itself counts as one
#                          check. A command that ends badly without counting a failure is one failure.
#   finish                 Prints the total, alone on the last line, and exits 1 when anything failed.
passed=0
failed=0
started=$SECONDS
summary=()
step_log=$(mktemp)
trap 'rm -f "$step_log"' EXIT

step() {
    local name=$1 at=$SECONDS rc=0 good=0 bad=0 line
    shift
    echo
    echo "=== $name"
    "$@" </dev/null 2>&1 | tee "$step_log" || rc=$?
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

unit_tests() { # BINARY [OPTION...]: GoogleTest's own summary as a counting line
    local rc=0 out
    out=$(mktemp)
    "$@" --gtest_brief=1 2>&1 | tee "$out" || rc=$?
    local good bad
    good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) tests\{0,1\}\..*/\1/p' "$out")
    bad=$(grep -cE '^\[  FAILED  \] [^ ,]+\.[^ ,]+,? .*\([0-9]+ ms\)' "$out")
    rm -f "$out"
    echo "${good:-0} passed, ${bad:-0} failed"
    return $rc
}
