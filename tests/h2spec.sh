#!/usr/bin/env bash
# Runs h2spec against both listeners of a gateway, HTTP/2 without TLS and over TLS, for paths of every kind. The last line
# is 'N passed, N failed', counting runs; every run must pass all of its cases.
#
# usage: tests/h2spec.sh [GATEWAY]      h2spec is looked for on PATH, or as $H2SPEC; without it nothing is run, and said so.
# tests/protocol/test_h2.py looks at the same sections and needs no h2spec.
set -euo pipefail
cd "$(dirname "$0")/.."
gateway=$(realpath "${1:-build/dev/gladius}")
h2spec=${H2SPEC:-$(command -v h2spec || true)}
if [ -z "$h2spec" ]; then
    echo "h2spec: not on PATH (it is the Go module github.com/summerwind/h2spec); skipped"
    exit 0
fi
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

free_port() {
    python3 -c 'import random, socket
while True:
    s, p = socket.socket(), random.randrange(20000, 32000)
    try:
        s.bind(("127.0.0.1", p))
    except OSError:
        continue
    print(p)
    break'
}

backend=$(free_port)
"$gateway" demo -p "$backend" >"$work/demo.log" 2>&1 &
pids+=($!)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
start() { # NAME PORT MEMBERS
    cat >"$work/$1.json" <<JSON
{ "version": 3, "port": $2, $3,
  "endpoints": [
    { "endpoint": "/no-op", "output_encoding": "no-op", "backend": [{ "host": ["http://127.0.0.1:$backend"], "url_pattern": "/users/1" }] },
    { "endpoint": "/post", "method": "POST", "output_encoding": "no-op", "input_headers": ["*"],
      "backend": [{ "host": ["http://127.0.0.1:$backend"], "url_pattern": "/users" }] },
    { "endpoint": "/json", "backend": [{ "host": ["http://127.0.0.1:$backend"], "url_pattern": "/users/1" }] }
  ] }
JSON
    "$gateway" run -c "$work/$1.json" >"$work/$1.log" 2>&1 &
    pids+=($!)
    for _ in $(seq 100); do
        grep -q "Listening on port: $2" "$work/$1.log" && return
        sleep 0.1
    done
    cat "$work/$1.log"
    exit 1
}
plain=$(free_port)
tls=$(free_port)
start plain "$plain" '"use_h2c": true'
start tls "$tls" "\"tls\": { \"keys\": [{ \"public_key\": \"$work/cert.pem\", \"private_key\": \"$work/key.pem\" }] }"

passed=0
failed=0
for path in / /no-op /post /json; do
    for listener in plain tls; do
        how=(-p "$plain")
        [ $listener = tls ] && how=(-t -k -p "$tls")
        if "$h2spec" -h 127.0.0.1 "${how[@]}" -P "$path" -o 3 >"$work/out" 2>&1; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            sed -n '/^Failures/,$p' "$work/out"
        fi
        echo "h2spec $listener $path: $(tail -1 "$work/out")"
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
