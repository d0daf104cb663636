#!/usr/bin/env bash
# From nothing to a running gateway: installs what is needed, builds, and starts Gladius with
# examples/quickstart/krakend.json in front of its embedded demo backend. Ctrl-C ends both.
#
# usage: scripts/run.sh       GLADIUS_PORT=8080: the port of the gateway (the demo backend is on 8081)
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
-h | --help)
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

port=${GLADIUS_PORT:-8080}
[[ $port =~ ^[0-9]{1,5}$ ]] && port=$((10#$port))
demo=8081
config=examples/quickstart/krakend.json
gladius=build/release/gladius

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

if ! [[ $port =~ ^[0-9]{1,5}$ ]] || [ "$port" -lt 1 ] || [ "$port" -gt 65535 ] || [ "$port" -eq $demo ]; then
    echo "run: GLADIUS_PORT must be a port other than $demo, not '$port'" >&2
    exit 2
fi
if listening "$port"; then
    echo "run: something listens on port $port already. Choose another one: GLADIUS_PORT=9090 bash scripts/run.sh" >&2
    exit 1
fi
if listening $demo; then
    echo "run: something listens on port $demo already, where the demo backend of the example has to be. End it and try again." >&2
    exit 1
fi

bash scripts/install-deps.sh run
bash scripts/build.sh release gladius

pids=()
end() {
    trap - EXIT INT TERM
    [ ${#pids[@]} -eq 0 ] || kill -TERM "${pids[@]}" 2>/dev/null || true
    wait
}
trap end EXIT
trap 'echo; echo "run: ending"; exit 0' INT TERM

await() { # PORT PID NAME
    for _ in $(seq 100); do
        listening "$1" && return
        kill -0 "$2" 2>/dev/null || break
        sleep 0.1
    done
    echo "run: $3 does not listen on port $1; what it said is above" >&2
    exit 1
}

"$gladius" demo -p $demo &
pids+=($!)
await $demo $! "the demo backend"
"$gladius" run -c $config -p "$port" &
pids+=($!)
await "$port" $! "the gateway"

cat <<EOF

Gladius runs on port $port with $config. Try:

  curl -i http://127.0.0.1:$port/hello           one backend, passed through untouched
  curl -s http://127.0.0.1:$port/users/7         a parameter; fields chosen and renamed
  curl -s http://127.0.0.1:$port/dashboard/7     three backends merged into one answer

Which endpoint a request hits, and what happens to it:  $gladius explain -c $config GET /users/7
Ctrl-C ends the gateway and the demo backend.
EOF
wait -n || true
echo "run: one of the two ended by itself; ending the other" >&2
exit 1
