"""HTTP/2 to backends ("gladius/http2", docs/http2-backends.md): streams of one connection, bodies both ways, resets, GOAWAY, limits. RFC 9113."""
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time

from certificates import Certificates
from h2_backend import H2Backend, h2
from harness import SLOW, BehindTls, Closed, at_once, chunked, endpoint, free_port, get, one_chunk, post, usual_config, wait_until

ErrorCodes = h2.errors.ErrorCodes


def config(port, timeout="10s", http2=None, **root):
    c = {"version": 3, "timeout": timeout, "endpoints": [], "extra_config": {"telemetry/logging": {"level": "INFO", "stdout": True}}, **root}
    for method in ("GET", "POST", "PUT", "HEAD"):
        for path, encoding in (("/n/{p}", "no-op"), ("/j/{p}", None)):
            if method == "HEAD":
                continue
            e = endpoint(path, port, "/{p}", method, encoding, input_headers=["*"], input_query_strings=["*"])
            e["backend"][0]["extra_config"] = {"gladius/http2": http2 or {}}
            c["endpoints"].append(e)
    e = endpoint("/head/{p}", port, "/{p}", "GET", "no-op")
    e["backend"][0].update(method="HEAD", extra_config={"gladius/http2": {}})
    c["endpoints"].append(e)
    e = endpoint("/c/{p}", port, "/{p}", "POST", "no-op")  # the length does not pass: sent without
    e["backend"][0]["extra_config"] = {"gladius/http2": {}}
    c["endpoints"].append(e)
    return c


def begin(t, settings=None, **more):
    b = H2Backend(settings)
    t.own.append(b)
    return b, t.start(config(b.port, **more))


def workers_of(g):
    """Sessions are a worker's own: how many a test sees depends on them."""
    return g.counters()["shards"]


def test_a_request_as_the_backend_sees_it(t):
    b, g = begin(t)
    a = g.ask(get("/n/a?x=1&y=", "X-One: 1\r\nCookie: a=b; c=d\r\nConnection: X-Gone\r\nX-Gone: 1\r\nTE: trailers\r\n"))
    assert a.status == 200 and a.get("X-Krakend") and a.get("Content-Length") == "7", a.raw_head
    c = b.seen[-1]
    assert c.headers[:4] == [(":method", "GET"), (":scheme", "http"), (":authority", "127.0.0.1:%d" % b.port), (":path", "/a?x=1&y=")], c.headers
    assert c.get("x-one") == "1" and c.get("cookie") == "a=b; c=d"
    assert not {"host", "connection", "x-gone", "transfer-encoding", "te", "keep-alive"} & set(c.names()), c.names()
    assert c.whole.is_set() and not b.faults


def test_answers_of_all_shapes(t):
    b, g = begin(t)

    @b.on("/empty")
    def _(c):
        c.head(200, [("x-a", "1")], ends=True)

    @b.on("/empty-data")
    def _(c):
        c.head(200)
        c.send(ends=True)

    @b.on("/no-content")
    def _(c):
        c.head(204, ends=True)

    @b.on("/not-modified")
    def _(c):
        c.head(304, [("etag", '"x"')], ends=True)

    @b.on("/unknown-length")
    def _(c):
        c.head(200, [("content-type", "text/plain")])
        for i in range(10):
            c.send(b"%d" % i)
        c.send(b"!", ends=True)

    @b.on("/trailers")
    def _(c):
        c.head(200, [("content-type", "text/plain"), ("trailer", "x-sum")])
        c.send(b"hello")
        c.end_with([("x-sum", "1")])

    @b.on("/interim")
    def _(c):
        c.head(103, [("link", "</a>; rel=preload")])
        c.head(103)
        c.ok(b"[]")

    @b.on("/many-fields")
    def _(c):
        c.ok(b"x", [("x-f%d" % i, "v" * 100) for i in range(200)] + [("set-cookie", "a=1"), ("set-cookie", "b=2")])

    @b.on("/error")
    def _(c):
        c.head(503, [("content-length", "3")])
        c.send(b"bad", ends=True)

    with g.client() as c:
        for _ in range(2):
            a = c.ask(get("/n/empty"))
            assert a.status == 200 and a.body == b"" and a.get("X-A") == "1" and a.get("Content-Length") == "0", a.raw_head
            assert c.ask(get("/n/empty-data")).body == b""
            assert c.ask(get("/n/no-content")).status == 204
            a = c.ask(get("/n/not-modified"))
            assert a.status == 304 and a.get("Etag") == '"x"'
            a = c.ask(get("/n/unknown-length"))
            assert a.body == b"0123456789!" and a.get("Transfer-Encoding") == "chunked"
            a = c.ask(get("/n/trailers"))
            assert a.body == b"hello" and not a.trailers and not a.get("Trailer")
            a = c.ask(get("/n/interim"))
            assert a.status == 200 and a.body == b"[]" and not a.get("Link")
            a = c.ask(get("/n/many-fields"))
            assert a.get("X-F199") == "v" * 100 and a.all("Set-Cookie") == ["a=1", "b=2"]
            a = c.ask(get("/n/error"))
            assert a.status == 503 and a.body == b"bad"
            assert c.ask(get("/j/error")).status == 500
            assert json.loads(c.ask(get("/j/plain")).body) == {"n": 0}
            assert c.ask(get("/head/plain")).body == b""
    assert b.calls("/plain")[-1].get(":method") == "HEAD"
    assert not b.faults, b.faults
    g.idle()


def test_many_streams_on_one_connection(t):
    b, g = begin(t)
    together = threading.Barrier(40, timeout=10 * SLOW)

    @b.on("/together")
    def _(c):
        together.wait()
        c.ok(c.get(":path").encode())

    def ask(i):
        with g.client() as c:
            assert c.ask(get("/n/together%d" % i)).body == b"/together%d" % i

    at_once(*((ask, i) for i in range(40)))
    workers = workers_of(g)
    assert len(b.connections) <= workers and max(c.most for c in b.connections) * workers >= 40
    assert not b.faults
    c = g.idle()
    assert c["backend_connections_open"] == len(b.open())


def test_bodies_of_requests(t):
    b, g = begin(t)
    sizes = (0, 1, 100, 16384, 65535, 65536, 1 << 20)

    @b.on("/up")
    def _(c):
        c.ok(b'{"n":%d}' % len(c.body))

    with g.client() as c:
        for size in sizes:
            body = os.urandom(size)
            for path in ("/n/up", "/c/up", "/j/up"):
                for request in (post(path, body), ("POST %s HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n" % path).encode() + chunked(body, (1000, 70000, 3))):
                    a = c.ask(request)
                    assert a.status == 200, (a.line, path, size, request[:100], g.log()[-500:])
                    seen = b.calls("/up")[-1]
                    assert seen.body == body, (path, size, len(seen.body))
                    length = seen.get("content-length")
                    assert length is None or int(length) == size, (path, size, length)
    assert not b.faults, b.faults
    g.idle()


def test_pieces_of_both_directions_arrive_at_once(t):
    b, g = begin(t)

    @b.on("/talk", raw=True)
    def _(c):
        c.head(200, [("content-type", "text/event-stream")])
        done = 0
        while not c.whole.is_set() or done < len(c.pieces):
            with c.conn.lock:
                c.changed.wait_for(lambda: len(c.pieces) > done or c.whole.is_set(), 5 * SLOW)
            while done < len(c.pieces):
                c.send(b"echo " + c.pieces[done])
                done += 1
        c.send(ends=True)

    with g.client() as c:
        c.send("POST /n/talk HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(20):
            data = b"%d" % i
            c.send(b"%x\r\n%s\r\n" % (len(data), data))
            if i == 0:
                assert c.head().status == 200
            assert one_chunk(c) == b"echo " + data
        c.send("0\r\n\r\n")
        last = c.line()
        assert last == b"0", last
    g.idle()


def test_large_bodies_in_constant_memory(t):
    b, g = begin(t, timeout="60s")
    size, block = 48 << 20, os.urandom(1 << 20)

    @b.on("/big")
    def _(c):
        c.head(200, [("content-length", str(size))] if "length" in c.get(":path") else [])
        for i in range(48):
            c.send(block, ends=i == 47)

    @b.on("/swallow")
    def _(c):
        assert c.body == block * 48
        c.pieces.clear()
        c.ok(b"whole")

    g.ask(get("/n/warm"))
    before = g.rss()
    for path in ("/n/biglength", "/n/big"):
        with g.client(timeout=60) as c:
            a = c.ask(get(path))
            assert a.body == block * 48
    assert g.rss() - before < (4 if SLOW == 1 else 256) * 1024 * 1024, (before, g.rss())
    for path in ("/n/swallow", "/c/swallow"):
        with g.client(timeout=60) as c:
            c.send("POST %s HTTP/1.1\r\nHost: gw\r\nContent-Length: %d\r\n\r\n" % (path, size))
            for _ in range(48):
                c.send(block)
            assert c.answer().body == b"whole"
    assert g.rss() - before < (4 if SLOW == 1 else 256) * 1024 * 1024, (before, g.rss())
    assert not b.faults
    g.idle()


def test_a_slow_client_holds_up_its_own_stream_only(t):
    b, g = begin(t, timeout="30s")
    sent = {}

    @b.on("/endless")
    def _(c):
        c.head(200)
        n = 0
        try:
            while n < 64 << 20:
                c.send(b"x" * 65536)
                n += 65536
                sent[c.get(":path")] = n
        finally:
            sent[c.get(":path")] = n

    g.ask(get("/n/warm"))
    before = g.rss()
    stuck = [g.client(rcvbuf=65536) for _ in range(10)]
    for i, c in enumerate(stuck):
        c.send(get("/n/endless%d" % i))
    wait_until(lambda: len(sent) == 10, 10)
    time.sleep(0.5)
    with g.client() as c:
        for _ in range(50):
            assert c.ask(get("/n/quick")).status == 200
    assert all(n < 40 << 20 for n in sent.values()), sent
    assert g.rss() - before < 16 * 1024 * 1024 * SLOW
    for c in stuck:
        c.close()
    assert all(c.wait_reset() for c in b.seen if c.get(":path").startswith("/endless"))
    g.idle()


def test_a_body_that_is_reset_is_visibly_cut(t):
    b, g = begin(t)

    @b.on("/cut")
    def _(c):
        c.head(200, [("content-length", "100")] if "length" in c.get(":path") else [])
        c.send(b"hello")
        time.sleep(0.05)
        if "connection" in c.get(":path"):
            c.conn.close()
        else:
            c.cut()

    @b.on("/short")
    def _(c):
        c.head(200, [("content-length", "100")])
        c.conn.raw(b"\0\0\5\0\1" + c.stream.to_bytes(4, "big") + b"hello")  # fewer bytes than announced, and the end

    for path in ("/n/cut", "/n/cutlength", "/n/cutconnection", "/n/cutlengthconnection", "/n/short"):
        with g.client() as c:
            c.send(get(path))
            try:
                c.answer()
                assert False, path
            except (Closed, ConnectionError) as e:
                body = getattr(e, "partial", None)
                assert body is None or body.body in (b"", b"hello"), body.body
    assert g.ask(get("/j/cut")).status == 500
    assert g.ask(get("/n/fine")).status == 200
    g.idle()


def test_a_client_that_leaves_resets_its_stream_only(t):
    b, g = begin(t)
    waiting = threading.Event()

    @b.on("/wait", raw=True)
    def _(c):
        if "begun" in c.get(":path"):
            c.head(200)
            c.send(b"hello")
        waiting.set()
        c.wait_reset(5)

    g.ask(get("/n/warm"))
    for request in (get("/n/wait"), get("/n/waitbegun"), "POST /n/wait HTTP/1.1\r\nHost: gw\r\nContent-Length: 100\r\n\r\nhello"):
        for how in ("close", "reset"):
            waiting.clear()
            with g.client() as c:
                c.send(request)
                assert waiting.wait(5 * SLOW)
                time.sleep(0.05)
                at = time.monotonic()
                c.close() if how == "close" else c.reset()
            call = b.seen[-1]
            assert call.wait_reset(2) and call.reset == ErrorCodes.CANCEL and time.monotonic() - at < SLOW
    assert g.ask(get("/n/fine")).status == 200
    assert len(b.connections) <= workers_of(g)
    g.idle()


def test_a_refused_stream_is_asked_again_even_when_it_must_not_be_done_twice(t):
    b, g = begin(t)
    times = {"n": 0}

    @b.on("/refuse", raw=True)
    def _(c):
        times["n"] += 1
        if times["n"] == 1 or "always" in c.get(":path"):
            c.cut(ErrorCodes.REFUSED_STREAM)
        else:
            c.whole.wait(5)
            c.ok(c.body or b"none")

    @b.on("/break", raw=True)
    def _(c):
        times["n"] += 1
        c.cut()

    for request, body in ((get("/n/refuse"), b"none"), (post("/n/refuse", "hello"), b"hello"), (post("/c/refuse", "hello"), b"hello")):
        times["n"] = 0
        a = g.ask(request)
        assert a.status == 200 and a.body == body and times["n"] == 2, (request, a.body, times)
    times["n"] = 0
    assert g.ask(post("/n/refusealways", "hello")).status == 500 and times["n"] == 2
    # Whatever else is wrong is no reason to do it twice, unless it may be done twice and the connection was not new.
    for request, most in ((post("/n/break", "hello"), 1), (get("/n/break"), 2)):
        times["n"] = 0
        assert g.ask(request).status == 500 and times["n"] <= most, (request, times)
    assert g.counters()["retries"] >= 4
    g.idle()


def test_goaway_under_load_loses_nothing(t):
    """Each connection is ended every so often; requests that were not looked at go to the next one, the others end as usual."""
    b, g = begin(t)
    stop = threading.Event()
    ended = {"n": 0}

    @b.on("/work")
    def _(c):
        time.sleep(0.002)
        c.ok(c.get(":path").encode())

    # h2 refuses to send on a connection that it has closed, so this one is written by hand.
    def goaway():
        while not stop.is_set():
            time.sleep(0.05)
            for c in b.open():
                with c.lock:
                    if hasattr(c, "ignore_above"):
                        continue  # once: a later one must not name a later stream
                    last = c.h2.highest_inbound_stream_id
                    c.ignore_above = last
                    c.sock.sendall(b"\0\0\x08\7\0\0\0\0\0" + last.to_bytes(4, "big") + b"\0\0\0\0")
                    ended["n"] += 1

    original = b.start

    def start(call):
        if call.stream <= getattr(call.conn, "ignore_above", 1 << 31):
            original(call)
    b.start = start

    bad = []

    def work(k):
        with g.client() as c:
            for i in range(150):
                if i % 3 == 0:
                    a = c.ask(post("/n/work%d-%d" % (k, i), "x" * 100))
                else:
                    a = c.ask(get("/n/work%d-%d" % (k, i)))
                if a.status != 200 or a.body != b"/work%d-%d" % (k, i):
                    bad.append((k, i, a.line, a.body))

    ending = threading.Thread(target=goaway)
    ending.start()
    try:
        at_once(*((work, k) for k in range(16)))
    finally:
        stop.set()
        ending.join()
    assert not bad, (len(bad), bad[:3], g.log()[-1000:])
    assert ended["n"] > 3
    g.check()


def test_the_backend_says_how_many_streams(t):
    b, g = begin(t, {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 3})

    @b.on("/some")
    def _(c):
        time.sleep(0.05)
        c.ok(b"1")

    g.ask(get("/n/some"))

    def work():
        with g.client() as c:
            for _ in range(5):
                assert c.ask(get("/n/some")).status == 200

    at_once(*((work,) for _ in range(24)))
    most = [c.most for c in b.connections]
    assert max(most) <= 3 and len(most) > 1, (most, b.faults, len(b.seen), g.counters())
    assert not b.faults, b.faults
    g.idle()


def test_our_limit_of_streams(t):
    b, g = begin(t, http2={"max_streams": 2})

    @b.on("/some")
    def _(c):
        time.sleep(0.05)
        c.ok(b"1")

    def work():
        with g.client() as c:
            for _ in range(3):
                assert c.ask(get("/n/some")).status == 200

    at_once(*((work,) for _ in range(12)))
    assert max(c.most for c in b.connections) <= 2
    g.idle()


def test_a_backend_that_does_not_open_its_window(t):
    b, g = begin(t, timeout="1s")
    b.holds_windows = True

    @b.on("/deaf", raw=True)
    def _(c):
        c.wait_reset(10)

    with g.client() as c:
        c.send("POST /n/deaf HTTP/1.1\r\nHost: gw\r\nContent-Length: 10000000\r\n\r\n")
        c.sock.settimeout(10)
        try:
            for _ in range(100):
                c.send(b"x" * 100000)
        except OSError:
            pass
    call = b.seen[-1]
    assert call.wait_reset(5) and len(call.body) == 65535, (call.reset, len(call.body))
    b.holds_windows = False
    g.idle()


def test_a_silent_backend_is_asked_and_given_up(t):
    b, g = begin(t, http2={"ping_interval": "300ms"}, timeout="20s")

    @b.on("/hold", raw=True)
    def _(c):
        c.wait_reset(10)

    assert g.ask(get("/n/warm")).status == 200
    wait_until(lambda: b.connections[0].pings >= 2, 5)
    assert not b.connections[0].over
    # Now it hears nothing any more: the lock of the connection keeps it from reading.
    conn = b.connections[0]
    with g.client() as c:
        c.send(post("/n/hold", "x"))  # a GET would be asked again
        wait_until(lambda: b.calls("/hold"))
        conn = b.calls("/hold")[0].conn
        with conn.lock:
            at = time.monotonic()
            assert c.answer().status == 500
            assert 0.25 < time.monotonic() - at < 5 * SLOW
    assert g.ask(get("/n/again")).status == 200
    g.idle()


def test_idle_sessions_end(t):
    b, g = begin(t, idle_connection_timeout="1s")
    assert g.ask(get("/n/a")).status == 200
    wait_until(lambda: b.connections[0].over, 5)
    assert b.connections[0].goaway is not None and not b.faults
    c = g.idle()
    assert c["backend_connections_open"] == 0
    assert g.ask(get("/n/a")).status == 200


def test_reload_keeps_the_session_and_removal_ends_it(t):
    b, g = begin(t)
    assert g.ask(get("/n/a")).status == 200
    n = len(b.connections)
    g.reload(dict(g.config, timeout="9s"))
    for _ in range(5):
        assert g.ask(get("/n/a")).status == 200
    assert len(b.connections) <= max(n, workers_of(g))
    other = usual_config(t.backend.port)
    other["port"] = g.port
    g.reload(other)
    wait_until(lambda: all(c.over for c in b.connections), 5)
    assert not b.faults
    g.idle()


def test_what_is_no_http2(t):
    """A backend that speaks HTTP/1.1 only."""
    import socket
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                c, _ = listener.accept()
                c.recv(65536)
                c.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                c.close()
            except OSError:
                return
    threading.Thread(target=serve, daemon=True).start()
    g = t.start(config(listener.getsockname()[1]))
    for _ in range(3):
        assert g.ask(get("/n/a")).status == 500
    g.idle()
    listener.close()


def test_nghttpd(t):
    """A server that nobody here wrote."""
    if not shutil.which("nghttpd"):
        raise AssertionError("nghttpd is missing: bash scripts/install-deps.sh test")
    root = tempfile.mkdtemp(prefix="gladius-nghttpd-")
    port = free_port()
    data = os.urandom(3 << 20)
    with open(os.path.join(root, "file"), "wb") as f:
        f.write(data)
    server = subprocess.Popen(["nghttpd", "--no-tls", "-d", root, "--echo-upload", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        import socket

        def up():
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False
        wait_until(up, 10)
        g = t.start(config(port))

        def work(k):
            with g.client() as c:
                for i in range(10):
                    assert c.ask(get("/n/file", "Accept-Encoding: identity\r\n")).body == data
                    body = os.urandom(100000 + k)
                    a = c.ask(post("/n/echo", body))
                    assert a.status == 200 and a.body == body, (a.line, len(a.body), g.log()[-1000:])
                    assert c.ask(get("/n/missing")).status == 404

        at_once(*((work, k) for k in range(8)))
        g.idle()
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(root, ignore_errors=True)


def test_over_tls_and_when_the_backend_does_not_want_it(t):
    keys = Certificates()
    cert, key = keys.make("server")

    def context(*protocols):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(cert, key)
        if protocols:
            c.set_alpn_protocols(list(protocols))
        return c

    b = H2Backend(tls=context("h2", "http/1.1"))
    t.own.append(b)
    body = os.urandom(300000)

    @b.on("/up")
    def _(c):
        c.ok(b'{"same":%s}' % (b"true" if c.body == body else b"false"))

    @b.on("/cut")
    def _(c):
        c.head(200)
        c.send(b"hello")
        c.conn.close()

    def over_tls(port):
        c = config(port, client_tls={"ca_certs": [keys.ca], "min_version": "TLS12"})
        for e in c["endpoints"]:
            e["backend"][0]["host"] = ["https://localhost:%d" % port]
        return t.start(c)

    g = over_tls(b.port)

    def work():
        with g.client() as c:
            for _ in range(10):
                assert c.ask(get("/n/a")).body == b'{"n":0}'
                assert c.ask(post("/n/up", body)).body == b'{"same":true}'

    at_once(*((work,) for _ in range(8)))
    assert len(b.connections) <= workers_of(g) and not b.faults
    assert b.seen[-1].get(":scheme") == "https" and b.seen[-1].get(":authority") == "localhost:%d" % b.port
    with g.client() as c:
        c.send(get("/n/cut"))
        try:
            c.answer()
            assert False
        except (Closed, ConnectionError):
            pass
    assert g.ask(get("/n/a")).status == 200
    g.idle()

    for protocols in ((), ("http/1.1",)):
        plain = t.new_backend()
        server = BehindTls(t, plain, context(*protocols))
        g = over_tls(server.port)

        def ask():
            with g.client() as c:
                for _ in range(5):
                    a = c.ask(post("/n/echo", "hello"))
                    assert a.status == 200 and json.loads(a.body)["n"] == 5, a.line

        at_once(*((ask,) for _ in range(8)))
        assert plain.connections <= 16
        assert plain.requests("/echo")[-1].line.endswith("HTTP/1.1")
        g.idle()
        server.stop()
