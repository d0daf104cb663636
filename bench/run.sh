#!/usr/bin/env bash
# Measures every promise of docs/performance.md on this machine and ends with one line for each. About 15 minutes; the
# machine should do nothing else. Installs nginx, HAProxy and the load tools (Debian packages), builds the release preset.
#
# usage: bench/run.sh [PART...]     headline h2 pipes limits large tls bulk json_ratio syscalls allocs latency scale memory slow reload chaos sse micro (all)
set -uo pipefail
cd "$(dirname "$0")/.."
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(headline h2 pipes limits large tls bulk json_ratio syscalls allocs latency scale memory slow reload chaos sse micro)

bash scripts/install-deps.sh bench || exit 1
bash scripts/build.sh release || exit 1

log=$(mktemp)
trap 'rm -f "$log"' EXIT
side=(--rounds "${ROUNDS:-4}" --only relay,gladius,gladius_log,nginx,haproxy --bars)
for part in "${parts[@]}"; do
    echo "=== $part" | tee -a "$log"
    case $part in
    headline) python3 -B bench/bench.py "${side[@]}" ;;
    h2) python3 -B bench/bench.py --tls --h2 --rounds "${ROUNDS:-4}" --only gladius,nginx,haproxy --bars ;;
    pipes) python3 -B bench/bench.py --rounds "${ROUNDS:-8}" --only gladius --work noop,json,filter,merge --bars ;;
    limits) python3 -B bench/bench.py --rounds "${ROUNDS:-8}" --only gladius,nginx --work noop,limit --bars ;;
    large) python3 -B bench/bench.py "${side[@]}" --body 65536 ;;
    bulk | json_ratio | syscalls | allocs | latency | scale | memory | slow | reload | chaos | sse) python3 -B "bench/$part.py" ;;
    tls)
        tls=(--rounds "${ROUNDS:-4}" --only gladius,nginx,haproxy --tls --bars)
        python3 -B bench/bench.py "${tls[@]}"
        kept=$?
        python3 -B bench/bench.py "${tls[@]}" --close --conns 16 && [ $kept -eq 0 ]
        ;;
    micro) build/release/gladius_bench --benchmark_min_time=0.2 ;;
    *)
        echo "bench: no part '$part'"
        false
        ;;
    esac 2>&1 | tee -a "$log"
    [ "${PIPESTATUS[0]}" -eq 0 ] || echo "FAIL: $part has failures or could not be measured; see its lines" | tee -a "$log"
done
echo
grep -E '^(===|PASS|FAIL)' "$log"
! grep -q '^FAIL' "$log"
