"""Backends behind a unix socket: "unix:/path" as a host. docs/listeners.md."""
import os
import socket
import threading
import time

from harness import SLOW, Backend, endpoint, get, post, wait_until


class LocalBackend(Backend):
    """The scripted backend behind a unix socket."""

    def __init__(self, path, backlog=512):
        self.port, self.path = 0, path
        self.scripts, self.seen, self.bytes = {}, [], {}
        self.connections = self.open = 0
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(backlog)
        self.stopping = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        import harness
        while not self.stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open += 1
                conn = harness.BackendConn(self, sock, self.connections)
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def stop(self):
        super().stop()
        if os.path.exists(self.path):
            os.unlink(self.path)


def config(path, **more):
    def with_host(e):
        for b in e["backend"]:
            b["host"] = ["unix:" + path]
        return e
    return {"version": 3, "timeout": "5s", "endpoints": [
        with_host(endpoint("/n/{p}", 0, "/{p}", encoding="no-op", input_headers=["*"])),
        with_host(endpoint("/n/{p}", 0, "/{p}", "POST", "no-op")),
        with_host(endpoint("/j/{p}", 0, "/{p}")),
    ], "extra_config": {"telemetry/logging": {"level": "INFO", "stdout": True}, "router": {"return_error_msg": True}}, **more}


def test_requests_and_answers(t):
    path = "/tmp/gladius-backend-%d.sock" % os.getpid()
    b = LocalBackend(path)
    t.own.append(b)
    b.on("/hello", lambda c, m: c.ok('{"a":1}'))
    g = t.start(config(path), arguments=("--workers", "1"))
    with g.client() as c:
        for p in ("/n/hello", "/j/hello", "/n/hello"):
            a = c.ask(get(p))
            assert a.status == 200 and a.body == b'{"a":1}', a.body
        assert c.ask(post("/n/up", b"x" * 300000)).status == 200
    assert [m.get("Host") for m in b.requests()] == ["localhost"] * 4
    assert len(b.requests("/up")[0].body) == 300000
    assert b.connections == 1, "it is kept"
    g.idle()


def test_redirects_to_itself_stay(t):
    path = "/tmp/gladius-redirect-%d.sock" % os.getpid()
    b = LocalBackend(path)
    t.own.append(b)
    b.on("/relative", lambda c, m: c.send("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"))
    b.on("/absolute", lambda c, m: c.send("HTTP/1.1 302 Found\r\nLocation: http://localhost/there\r\nContent-Length: 0\r\n\r\n"))
    b.on("/there", lambda c, m: c.ok("{}"))
    g = t.start(config(path))
    for p in ("/n/relative", "/n/absolute", "/j/relative"):
        assert g.ask(get(p)).status == 200, p
    assert len(b.requests("/there")) == 3


def test_nobody_there(t):
    path = "/tmp/gladius-nobody-%d.sock" % os.getpid()
    g = t.start(config(path))
    a = g.ask(get("/j/x"))
    assert a.status == 500
    assert a.body == ('Get "http://localhost/x": dial unix %s: connect: no such file or directory' % path).encode(), a.body
    b = LocalBackend(path)
    t.own.append(b)
    assert g.ask(get("/j/x")).status == 200, "it is looked for each time"


def test_a_full_queue_is_waited_for(t):
    path = "/tmp/gladius-full-%d.sock" % os.getpid()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(0)
    g = t.start(config(path), arguments=("--workers", "1"))
    clients = [g.client() for _ in range(6)]
    try:
        for c in clients:
            c.send(get("/j/x"))
        time.sleep(0.2)

        def serve():
            for _ in clients:
                s, _ = listener.accept()
                s.settimeout(5 * SLOW)
                while b"\r\n\r\n" not in s.recv(4096):
                    pass
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                s.close()
                time.sleep(0.02)
        threading.Thread(target=serve, daemon=True).start()
        for c in clients:
            assert c.answer().status == 200
    finally:
        for c in clients:
            c.close()
        listener.close()
        os.unlink(path)
    g.idle()
