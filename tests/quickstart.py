#!/usr/bin/env python3
"""The example that the README begins with: the demo backend and the gateway run with examples/quickstart/krakend.json, and every
endpoint of it answers what the README says. The last line is 'N passed, N failed'.

usage: quickstart.py --gateway BIN
"""
import argparse, json, os, random, socket, subprocess, sys, time, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, "..", "examples", "quickstart", "krakend.json")


def free_port():
    while True:
        p = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", p))
                return p
            except OSError:
                pass


def up(port):
    end = time.time() + 20
    while time.time() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on {port}")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--gateway", required=True)
    a = ap.parse_args()
    demo, port = free_port(), free_port()
    env = {**os.environ, "KRAKEND_HOST": f"http://127.0.0.1:{demo}"}
    procs = [subprocess.Popen([a.gateway, "demo", "-p", str(demo)], stdout=subprocess.DEVNULL),
             subprocess.Popen([a.gateway, "run", "-c", CONFIG, "-p", str(port)], env=env, stdout=subprocess.DEVNULL)]
    good = bad = 0

    def check(what, ok):
        nonlocal good, bad
        if ok:
            good += 1
        else:
            bad += 1
            print("FAIL", what)

    def ask(path, data=None):
        r = urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, headers={"Content-Type": "application/json"} if data else {}), timeout=5)
        return json.loads(r.read()), r.headers

    try:
        up(demo)
        up(port)
        body, head = ask("/hello?name=you&other=1")
        check("the body of /hello comes through, with the query that is allowed", body["path"] == "/echo" and "other" not in json.dumps(body["query"]) and "name" in json.dumps(body["query"]))
        check("/hello is passed through", head["X-Krakend-Completed"] == "false")
        body, head = ask("/users/7")
        check("/users/7 has the chosen fields under their new names", sorted(body) == ["contact", "id", "name"] and body["id"] == 7)
        body, head = ask("/dashboard/7")
        check("/dashboard/7 is merged from three", sorted(body) == ["last_order", "posts", "user"] and head["X-Krakend-Completed"] == "true")
        check("/dashboard/7 may be cached", head["Cache-Control"] == "public, max-age=60")
        body, head = ask("/orders", b'{"n":1}')
        check("POST /orders passes the body", '{"n":1}' in json.dumps(body["body"]).replace('\\"', '"'))
    finally:
        for p in procs:
            p.terminate()
        for p in procs:
            p.wait(10)
    print(f"{good} passed, {bad} failed")
    sys.exit(1 if bad else 0)


main()
