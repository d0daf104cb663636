"""Examples in a page of docs/, as fenced blocks whose first line says what they are: `config` is an endpoint, `backend /path` what the
backend says there, `client [header line]` what a client of the last endpoint (asking with that header) gets."""
import json
import os
import re
import subprocess
import tempfile

from harness import Gateway, get

FENCE = re.compile(r"^```\w+ (config|client|backend)(?: ([^\n]+))?\n(.*?)^```$", re.M | re.S)


class Page:
    def __init__(self, name):
        docs = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs")
        with open(os.path.join(docs, name), encoding="utf-8") as f:
            text = f.read()
        self.bodies, self.endpoints, self.wanted = {}, [], []
        for kind, more, body in FENCE.findall(text):
            if kind == "backend":
                self.bodies[more] = body.strip()
            elif kind == "config":
                self.endpoints.append(dict(json.loads(body), endpoint="/example/%d" % len(self.endpoints)))
            else:
                self.wanted.append((len(self.endpoints) - 1, more, body.strip()))

    def answer(self, t):
        """Every endpoint has a client and every client gets what the page says."""
        assert {i for i, _, _ in self.wanted} == set(range(len(self.endpoints))), "an example without an answer"
        for path, body in self.bodies.items():
            t.backend.on(path, lambda c, m, body=body: c.ok(body.encode()))
        g = t.start({"version": 3, "host": ["http://127.0.0.1:%d" % t.backend.port], "endpoints": self.endpoints})
        for i, header, body in self.wanted:
            a = g.ask(get("/example/%d" % i, header + "\r\n" if header else ""))
            assert a.status == 200 and a.body.decode().strip() == body, (i, header, a.body.decode(), body)

    def check(self):
        """`gladius check` finds nothing to say."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "krakend.json")
            with open(path, "w", encoding="utf-8") as f:
                json.dump({"version": 3, "host": ["http://127.0.0.1:8081"], "endpoints": self.endpoints}, f)
            r = subprocess.run([Gateway.binary, "check", "-c", path], capture_output=True, text=True)
        assert r.returncode == 0 and "warning" not in r.stderr, r.stderr
