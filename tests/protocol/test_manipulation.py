"""The examples of docs/manipulation.md: what they configure, what the backend says, and what the client gets."""
import json
import os
import re
import subprocess
import tempfile

from harness import Gateway, get

DOC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "manipulation.md")
FENCE = re.compile(r"^```json (config|client|backend)(?: (\S+))?\n(.*?)^```$", re.M | re.S)


def examples():
    with open(DOC, encoding="utf-8") as f:
        text = f.read()
    bodies, endpoints, wanted = {}, [], []
    for kind, path, body in FENCE.findall(text):
        if kind == "backend":
            bodies[path] = body.strip()
        elif kind == "config":
            endpoints.append(json.loads(body))
        else:
            wanted.append(body.strip())
    return bodies, endpoints, wanted


def test_every_example_answers_as_it_says(t):
    bodies, endpoints, wanted = examples()
    assert len(endpoints) == len(wanted) >= 10, (len(endpoints), len(wanted))
    for path, body in bodies.items():
        t.backend.on(path, lambda c, m, body=body: c.ok(body.encode()))
    for i, e in enumerate(endpoints):
        e["endpoint"] = "/example/%d" % i
    g = t.start({"version": 3, "host": ["http://127.0.0.1:%d" % t.backend.port], "endpoints": endpoints})
    for i, body in enumerate(wanted):
        a = g.ask(get("/example/%d" % i))
        assert a.status == 200 and a.body.decode() == body, (i, a.body.decode(), body)


def test_nothing_is_wrong_with_the_examples(t):
    _, endpoints, _ = examples()
    for i, e in enumerate(endpoints):
        e["endpoint"] = "/example/%d" % i
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "krakend.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"version": 3, "host": ["http://127.0.0.1:8081"], "endpoints": endpoints}, f)
        r = subprocess.run([Gateway.binary, "check", "-c", path], capture_output=True, text=True)
    assert r.returncode == 0 and "warning" not in r.stderr, r.stderr
