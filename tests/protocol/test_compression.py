"""Answers that are packed when the client takes it: gladius/compression, docs/compression.md."""
import gzip
import json
import subprocess
import threading
import time
import zlib

from harness import SLOW, Client, Closed, endpoint, get, usual_config, wait_until

TEXT = json.dumps({"items": [{"id": i, "name": "item %d" % (i % 17)} for i in range(400)]}).encode()


def config(t, options=None, **more):
    return usual_config(t.backend.port, extra_config={"gladius/compression": options if options is not None else {"min_size": 100}}, **more)


def unbrotli(data):
    return subprocess.run(["brotli", "-dc"], input=data, capture_output=True, check=True).stdout


def serve(t, path, body=TEXT, extra="", content_type="application/json"):
    t.backend.on(path, lambda c, m: c.ok(body, extra, content_type))


def shared(t):
    if not hasattr(t, "packing"):
        t.packing = t.start(config(t))
    return t.packing


def test_what_the_client_takes(t):
    serve(t, "/text")
    g = t.start(config(t))
    for path in ("/n/text", "/j/text", "/m/text"):
        plain = g.ask(get(path))
        assert plain.get("Content-Encoding") is None and plain.get("Vary") == "Accept-Encoding", plain.raw_head
        for accept, coding in (("gzip", "gzip"), ("br", "br"), ("gzip, br", "br"), ("gzip;q=1, br;q=0.9", "gzip"), ("br;q=0, *", "gzip"),
                               ("gzip;q=0", None), ("deflate, zstd", None), ("identity", None), ("gzip;q=0.001", "gzip")):
            with g.client() as c:
                for _ in range(2):
                    a = c.ask(get(path, "Accept-Encoding: %s\r\n" % accept))
                    assert a.status == 200 and a.get("Content-Encoding") == coding, (path, accept, a.raw_head)
                    assert a.all("Vary") == ["Accept-Encoding"]
                    body = gzip.decompress(a.body) if coding == "gzip" else unbrotli(a.body) if coding == "br" else a.body
                    assert body == plain.body, (path, accept)
                    assert not coding or len(a.body) < len(plain.body) / 4
    g.idle()


def test_what_is_not_packed(t):
    g = t.start(config(t))
    accept = "Accept-Encoding: gzip\r\n"
    serve(t, "/small", b'{"a":1}')
    serve(t, "/coded", b"\x1f\x8b" + b"x" * 2000, "Content-Encoding: br\r\n")
    serve(t, "/kept", TEXT, "Cache-Control: public, no-transform\r\n")
    serve(t, "/image", TEXT, content_type="image/png")
    serve(t, "/range", TEXT, "Content-Range: bytes 0-5/6\r\n")
    t.backend.on("/part", lambda c, m: c.send(b"HTTP/1.1 206 Partial Content\r\nContent-Type: text/plain\r\nContent-Length: 2000\r\n\r\n" + b"a" * 2000))
    t.backend.on("/none", lambda c, m: c.send(b"HTTP/1.1 204 No Content\r\n\r\n"))
    t.backend.on("/same", lambda c, m: c.send(b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"))
    for path, status in (("small", 200), ("coded", 200), ("kept", 200), ("image", 200), ("range", 200), ("part", 206), ("none", 204), ("same", 304)):
        a = g.ask(get("/n/" + path, accept))
        assert a.status == status and a.get("Content-Encoding") == ("br" if path == "coded" else None), (path, a.raw_head)
        assert a.get("Vary") is None, (path, a.raw_head)
        if path == "same":
            assert a.get("ETag") == '"a"'
    off = t.start(config(t, {"algorithms": []}))
    serve(t, "/text")
    assert off.ask(get("/n/text", accept)).raw_head.count(b"Vary") == 0
    nothing = t.start(usual_config(t.backend.port))
    assert nothing.ask(get("/j/text", accept)).raw_head.count(b"Vary") == 0


def test_the_head(t):
    g = t.start(config(t))
    serve(t, "/text", TEXT, 'ETag: "abc"\r\nAccept-Ranges: bytes\r\nVary: Origin\r\nX-Other: 1\r\n')
    a = g.ask(get("/n/text", "Accept-Encoding: gzip\r\n"))
    assert a.get("ETag") == 'W/"abc"' and a.get("Accept-Ranges") is None and a.all("Vary") == ["Origin", "Accept-Encoding"]
    assert a.get("X-Other") == "1" and a.get("Content-Type") == "application/json" and a.get("Transfer-Encoding") == "chunked"
    assert a.get("Content-Length") is None and a.get("X-Krakend-Completed") == "false"
    plain = g.ask(get("/n/text"))
    assert plain.get("ETag") == '"abc"' and plain.get("Accept-Ranges") == "bytes" and plain.get("Content-Length") == str(len(TEXT))
    serve(t, "/weak", TEXT, 'ETag: W/"abc"\r\nVary: Accept-Encoding, Origin\r\n')
    a = g.ask(get("/n/weak", "Accept-Encoding: gzip\r\n"))
    assert a.get("ETag") == 'W/"abc"' and a.all("Vary") == ["Accept-Encoding, Origin"]
    a = g.ask(get("/j/text", "Accept-Encoding: gzip\r\n"))
    assert int(a.get("Content-Length")) == len(a.body) and a.get("Transfer-Encoding") is None
    with g.client() as c:      # HTTP/1.0 has no chunks
        a = c.ask(get("/n/text", "Accept-Encoding: gzip\r\n", version="1.0"))
        assert a.get("Transfer-Encoding") is None and gzip.decompress(a.body) == TEXT


def test_what_the_backend_packed_for_us_passes(t):
    packed = gzip.compress(TEXT)

    @t.backend.on("/packed")
    def _(c, m):
        if "gzip" in (m.get("Accept-Encoding") or ""):
            c.ok(packed, "Content-Encoding: gzip\r\n")
        else:
            c.ok(TEXT)
    conf = config(t)
    for e in conf["endpoints"]:
        e["input_headers"] = []      # Accept-Encoding is our own
    g = t.start(conf)
    a = g.ask(get("/n/packed", "Accept-Encoding: gzip, br\r\n"))
    assert a.body == packed and a.get("Content-Encoding") == "gzip" and a.get("Vary") == "Accept-Encoding" and a.get("Content-Length") == str(len(packed))
    a = g.ask(get("/n/packed", "Accept-Encoding: br\r\n"))
    assert a.body == TEXT and a.get("Content-Encoding") is None
    a = g.ask(get("/j/packed", "Accept-Encoding: br\r\n"))
    assert json.loads(unbrotli(a.body)) == json.loads(TEXT)


def test_a_stream_is_flushed_piece_by_piece(t):
    step = threading.Semaphore(0)

    @t.backend.on("/events")
    def _(c, m):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(4):
            step.acquire(timeout=5)
            c.send("9\r\nevent %02d\n\r\n" % i)
        step.acquire(timeout=5)
        c.send("0\r\n\r\n")
    g = t.start(config(t))
    with g.client() as c:
        c.send(get("/n/events", "Accept-Encoding: gzip\r\n"))
        m = c.head()                  # before anything was said
        assert m.get("Content-Encoding") == "gzip"
        z, said = zlib.decompressobj(31), b""
        for i in range(4):
            step.release()
            while len(said) < 9 * (i + 1):
                said += z.decompress(c.exactly(int(c.line(), 16)))
                assert c.exactly(2) == b"\r\n"
            assert said.endswith(b"event %02d\n" % i)
        step.release()
        while True:
            n = int(c.line(), 16)
            if not n:
                break
            said += z.decompress(c.exactly(n))
            c.exactly(2)
        assert c.line() == b"" and z.eof and len(said) == 36
        assert c.ask(get("/n/a")).status == 200
    g.idle()


def test_a_stream_that_is_cut_is_cut(t):
    @t.backend.on("/cut")
    def _(c, m):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nonly this")
        return False
    g = t.start(config(t))
    with g.client() as c:
        c.send(get("/n/cut", "Accept-Encoding: gzip\r\n"))
        try:
            c.answer()
            raise AssertionError("whole")
        except Closed:
            pass
    g.idle()


def test_large_bodies_in_bounded_memory(t):
    big = b"".join(b"line %d of a long text\n" % i for i in range(1500000))      # 38 MB

    @t.backend.on("/big")
    def _(c, m):
        c.ok(big, content_type="text/plain")
    g = t.start(config(t), arguments=("--workers", "1"))
    g.ask(get("/n/a"))
    for coding in ("gzip", "br"):
        before = g.rss()
        a = g.ask(get("/n/big", "Accept-Encoding: %s\r\n" % coding))
        assert (gzip.decompress(a.body) if coding == "gzip" else unbrotli(a.body)) == big
        assert g.rss() - before < (12 << 20 if SLOW == 1 else 256 << 20), (coding, g.rss() - before)
    g.idle()


def test_head_and_endpoints_of_their_own(t):
    serve(t, "/text")
    conf = config(t)
    own = endpoint("/own", t.backend.port, "/text", encoding="no-op")
    own["extra_config"] = {"gladius/compression": {"algorithms": ["gzip"], "types": ["application/*"], "min_size": 0}}
    never = endpoint("/never", t.backend.port, "/text", encoding="no-op")
    never["extra_config"] = {"gladius/compression": {"algorithms": []}}
    conf["endpoints"] += [own, never]
    g = t.start(conf)
    assert g.ask(get("/own", "Accept-Encoding: br, gzip;q=0.1\r\n")).get("Content-Encoding") == "gzip"
    a = g.ask(get("/never", "Accept-Encoding: gzip\r\n"))
    assert a.get("Content-Encoding") is None and a.get("Vary") is None


def test_without_memory_it_goes_as_it_is(t):
    serve(t, "/text")
    conf = config(t)
    conf["extra_config"]["gladius/limits"] = {"max_memory": 1 << 20}
    g = t.start(conf, arguments=("--workers", "1"))
    a = g.ask(get("/n/text", "Accept-Encoding: br\r\n"))
    assert a.get("Content-Encoding") is None and a.body == TEXT and a.get("Vary") == "Accept-Encoding"
    a = g.ask(get("/j/text", "Accept-Encoding: gzip\r\n"))
    assert a.get("Content-Encoding") == "gzip"
    g.idle()
