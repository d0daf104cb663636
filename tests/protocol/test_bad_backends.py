"""One backend of several (or the only one) behaves badly: the client gets a clean answer, the data of the others are kept, memory is bounded."""
import gzip
import json
import time
import zlib

from harness import SLOW, Closed, get, wait_until

GOOD = b'{"good":true}'
LIMIT = 1024 * 1024


def config(port, **limits):
    host = ["http://127.0.0.1:%d" % port]
    endpoints = [{"endpoint": "/one/{p}", "backend": [{"url_pattern": "/{p}", "host": host}]},
                 {"endpoint": "/two/{p}", "backend": [{"url_pattern": "/fine", "host": host}, {"url_pattern": "/{p}", "host": host, "group": "bad"}]},
                 {"endpoint": "/xml/{p}", "backend": [{"url_pattern": "/fine", "host": host}, {"url_pattern": "/{p}", "host": host, "group": "bad", "encoding": "xml"}]}]
    return {"version": 3, "timeout": "2s", "endpoints": endpoints, "extra_config": {
        "telemetry/logging": {"level": "INFO", "stdout": True}, "gladius/limits": {"max_backend_body": "1MiB", **limits}}}


def fixed(t, path, body, extra=""):
    t.backend.on(path, lambda c, m: c.ok(body, extra))


def partial(g, path):
    a = g.ask(get("/two/" + path))
    assert a.status == 200 and a.body == GOOD and a.get("X-Krakend-Completed") == "false", (path, a.line, a.body[:200])
    a = g.ask(get("/one/" + path))
    assert a.status == 500 and a.body == b"" and a.get("X-Krakend-Completed") == "false", (path, a.line, a.body[:200])


def test_bodies_that_are_no_data(t):
    fixed(t, "/fine", GOOD)
    bad = {"truncated": b'{"a":{"b":[1,2', "cut-text": b'{"a":"b', "array": b"[1,2]", "number": b"7", "empty": b"", "html": b"<html></html>", "bom": b'\xef\xbb\xbf{}',
           "deep": b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}", "commas": b'{"a":1,}', "control": b'{"a":"\x01"}', "binary": bytes(range(256)) * 40}
    g = t.start(config(t.backend.port))
    for name, body in bad.items():
        fixed(t, "/" + name, body)
        partial(g, name)
    a = g.ask(get("/xml/html"))
    assert a.status == 200 and json.loads(a.body) == {"bad": {"html": ""}, "good": True}, a.body
    for name in ("truncated", "binary", "empty"):
        a = g.ask(get("/xml/" + name))
        assert a.status == 200 and a.body == GOOD, (name, a.body[:200])
    g.idle()


def test_bodies_that_are_too_large(t):
    """100 MB where 1 MiB is allowed, announced, in chunks, to the end of the connection, and packed."""
    fixed(t, "/fine", GOOD)
    block = b'"' + b"x" * 65533 + b'",'
    total = 100 * 1000 * 1000

    def stream(c, head, wrap=lambda b: b):
        c.send(head)
        sent = 0
        while sent < total:
            c.send(wrap(block))
            sent += len(block)

    @t.backend.on("/length")
    def _(c, m):
        stream(c, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)

    @t.backend.on("/chunks")
    def _(c, m):
        stream(c, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", lambda b: b"%x\r\n%s\r\n" % (len(b), b))

    @t.backend.on("/close")
    def _(c, m):
        stream(c, b"HTTP/1.1 200 OK\r\n\r\n")
        return False

    fixed(t, "/bomb", gzip.compress(b'{"a":"' + b"x" * total + b'"}', 9), "Content-Encoding: gzip\r\n")
    fixed(t, "/bomb-of-bombs", gzip.compress(gzip.compress(b"0" * total, 9), 9), "Content-Encoding: gzip\r\n")
    fixed(t, "/deflated", zlib.compress(b'{"a":"' + b"x" * total + b'"}', 9), "Content-Encoding: deflate\r\n")
    g = t.start(config(t.backend.port))
    g.ask(get("/two/fine"))
    before = g.rss()
    for path in ("length", "chunks", "close", "bomb", "bomb-of-bombs", "deflated"):
        partial(g, path)
    if SLOW == 1:  # a sanitizer holds freed memory back
        assert g.rss() - before < 8 * LIMIT, (before, g.rss())
    c = g.idle()
    assert c["memory_budget_used"] == 0, c


def test_slow_drip(t):
    """A body that comes byte by byte ends with the endpoint's time; the others are not held up longer than that."""
    fixed(t, "/fine", GOOD)

    @t.backend.on("/drip")
    def _(c, m):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
        while not c.closed.is_set():
            try:
                c.send(b" ")
            except OSError:
                return False
            time.sleep(0.02)
        return False

    @t.backend.on("/drip-head")
    def _(c, m):
        for b in b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 100000:
            try:
                c.send(bytes([b]))
            except OSError:
                return False
            time.sleep(0.02)
        return False

    g = t.start(config(t.backend.port))
    for path in ("drip", "drip-head"):
        partial(g, path)
    g.idle()
    wait_until(lambda: g.counters()["backend_connections_open"] == g.counters()["backend_connections_idle"])
