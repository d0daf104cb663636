"""The client side: pipelining, pieces, persistence, Expect, uploads, clients that leave. RFC 9112 sections 2, 6, 7, 9; RFC 9110 10.1.1."""
import json
import socket
import threading
import time

from harness import SLOW, Client, Closed, chunked, get, post, usual_config, wait_until


def test_pipelined_gets_in_one_write(t):
    for count in (2, 3, 10, 50):
        with t.gateway.client() as c:
            c.send("".join(get("/n/p%d" % i) for i in range(count)))
            for i in range(count):
                a = c.answer()
                assert a.status == 200 and json.loads(a.body)["path"] == "/p%d" % i, (count, i, a.body)
            c.sock.settimeout(0.05)
            try:
                extra = c.sock.recv(10)
                assert False, extra
            except TimeoutError:
                pass


def test_pipelined_mixture(t):
    """Own answers, no-op, JSON, merged, unknown paths, bodies with a length and chunked, in one write and in odd pieces."""
    parts, want = b"", []
    for i in range(6):
        parts += get("/n/a%d" % i).encode()
        want.append((200, lambda a, i=i: json.loads(a.body)["path"] == "/a%d" % i))
        parts += get("/__health").encode()
        want.append((200, lambda a: b"ok" in a.body))
        parts += post("/n/b%d" % i, "x" * (i * 1000))
        want.append((200, lambda a, i=i: json.loads(a.body)["n"] == i * 1000))
        parts += get("/nowhere").encode()
        want.append((404, lambda a: True))
        parts += b"POST /j/c HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"y" * 333, (1, 100, 5))
        want.append((200, lambda a: json.loads(a.body)["n"] == 333))
        parts += get("/m/d").encode()
        want.append((200, lambda a: set(json.loads(a.body)) == {"a", "b"}))
        parts += post("/m/e", "z" * 10)
        want.append((200, lambda a: json.loads(a.body)["a"]["n"] == 10))
    for each in (0, 1, 17, 1000):
        with t.gateway.client() as c:
            threading.Thread(target=c.send, args=(parts, each), daemon=True).start()
            for i, (status, good) in enumerate(want):
                a = c.answer()
                assert a.status == status and good(a), (each, i, a.line, a.body)


def test_byte_by_byte(t):
    with t.gateway.client() as c:
        for _ in range(2):
            c.send(get("/n/slow", "X-A: b\r\n"), each=1, pause=0.001)
            assert c.answer().status == 200


def test_split_at_every_offset(t):
    requests = [
        get("/n/split", "X-Some: thing\r\n").encode(),
        post("/n/split", "0123456789abcdef"),
        b"POST /n/split HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"0123456789abcdef", (3, 7), ext=";a=b", trailers="X-T: 1\r\n"),
        b"POST /j/split HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"0123456789abcdef", (16,)),
    ]
    for r in requests:
        n = json.loads(t.gateway.ask(r).body)["n"]
        assert n == (0 if r.startswith(b"GET") else 16)
        with t.gateway.client() as c:
            for i in range(1, len(r)):
                c.send(r[:i])
                time.sleep(0.0005)
                c.send(r[i:])
                a = c.answer()
                assert a.status == 200 and json.loads(a.body)["n"] == n, (i, a.line, a.body)


def test_empty_lines_before_a_request(t):
    """RFC 9112 2.2: an empty line before the request line is ignored, also when it comes in pieces (after a body, say)."""
    with t.gateway.client() as c:
        c.send(b"\r\n" + get("/n/a").encode())
        assert c.answer().status == 200
        c.send(post("/n/a", "abc") + b"\r\n" + get("/n/b").encode())
        assert c.answer().status == 200
        assert c.answer().status == 200
        c.send(b"\r")
        time.sleep(0.02)
        c.send(b"\n" + get("/n/c").encode())
        assert c.answer().status == 200
        c.send(post("/n/a", "abc") + b"\r")
        assert c.answer().status == 200
        time.sleep(0.02)
        c.send(b"\n" + get("/n/d").encode())
        assert c.answer().status == 200


def test_persistence(t):
    with t.gateway.client() as c:
        for path in ("/n/a", "/j/a", "/__health", "/nowhere"):
            a = c.ask(get(path))
            assert a.get("Connection") is None, (path, a.fields)
    for path in ("/n/a", "/j/a", "/m/a", "/__health", "/nowhere"):
        with t.gateway.client() as c:
            a = c.ask(get(path, "Connection: close\r\n"))
            assert a.get("Connection") == "close" and c.at_end(), path
        with t.gateway.client() as c:
            a = c.ask(get(path, version="1.0"))
            assert a.get("Connection") == "close" and a.get("Transfer-Encoding") is None and c.at_end(), (path, a.fields)
        with t.gateway.client() as c:
            for _ in range(3):
                a = c.ask(get(path, "Connection: keep-alive\r\n", version="1.0"))
                assert a.get("Connection") == "keep-alive", (path, a.fields)
                assert a.get("Content-Length") is not None


def test_http10_without_length(t):
    """A chunked answer for a client that knows no chunks: to the end of the connection."""
    @t.backend.on("/chunky")
    def _(c, m):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello world" * 50))
    with t.gateway.client() as c:
        a = c.ask("GET /n/chunky HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert a.body == b"hello world" * 50 and a.get("Transfer-Encoding") is None and a.get("Connection") == "close"


def test_head_of_what_can_be_asked_so(t):
    for path, status in (("/__health", None), ("/nowhere", None), ("/n/a", None)):
        with t.gateway.client() as c:
            c.send("HEAD %s HTTP/1.1\r\nHost: gw\r\n\r\n" % path)
            c.answer(head_only=True)
            a = c.ask(get("/n/after"))
            assert a.status == 200 and json.loads(a.body)["path"] == "/after", path


def test_expect_is_answered_when_the_body_is_wanted(t):
    for path in ("/n/exp", "/j/exp", "/m/exp"):
        for body in (b"hello", b"x" * 300000):
            with t.gateway.client() as c:
                t.backend.forget()
                c.send("POST %s HTTP/1.1\r\nHost: gw\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % (path, len(body)))
                assert c.interim().line == "HTTP/1.1 100 Continue"
                c.send(body)
                a = c.answer()
                assert a.status == 200, a.line
                for m in t.backend.requests("/exp"):
                    assert m.body == body and m.get("Expect") is None
                assert c.ask(get("/n/after")).status == 200
    with t.gateway.client() as c:  # chunked
        c.send("POST /n/exp HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n")
        c.interim()
        c.send(chunked(b"hello"))
        assert json.loads(c.answer().body)["n"] == 5


def test_expect_with_the_body_at_once(t):
    with t.gateway.client() as c:
        c.send(post("/n/exp", "hello", "Expect: 100-continue\r\n"))
        head = c.head()  # no interim answer is needed (RFC 9110 10.1.1), one that comes is tolerated
        if head.status == 100:
            head = c.head()
        assert head.status == 200


def test_expect_refused_without_reading(t):
    with t.gateway.client() as c:
        a = c.ask("POST /nowhere HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
        assert a.status == 404 and a.get("Connection") == "close" and c.at_end()
    with t.gateway.client() as c:
        a = c.ask("POST /n/a HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\nExpect: the-spanish-inquisition\r\n\r\n")
        assert a.status == 417 and c.at_end()


def test_unread_bodies_do_not_become_requests(t):
    """An endpoint that takes no body: what was sent is read away, or the connection ends."""
    inner = get("/n/smuggled")
    with t.gateway.client() as c:
        t.backend.forget()
        c.send(post("/nowhere", inner) + get("/n/after").encode())
        assert c.answer().status == 404
        assert json.loads(c.answer().body)["path"] == "/after"
    with t.gateway.client() as c:
        c.send(b"POST /nowhere HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(inner.encode(), (10,)) + get("/n/after").encode())
        assert c.answer().status == 404
        assert json.loads(c.answer().body)["path"] == "/after"
    with t.gateway.client() as c:  # too much to be read for nothing
        c.send(b"POST /nowhere HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            c.send(chunked(b"x" * 400_000, (10_000,)) + get("/n/after").encode())
        except OSError:
            pass
        assert c.answer().status == 404 and c.everything(3) == b""
    with t.gateway.client() as c:
        c.send(b"POST /nowhere HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n" + inner.encode())
        assert c.answer().status == 404 and c.everything(3) == b""
    assert not t.backend.requests("/smuggled")


def test_options_of_the_server(t):
    with t.gateway.client() as c:
        a = c.ask("OPTIONS * HTTP/1.1\r\nHost: gw\r\n\r\n")
        assert a.status == 200 and a.body == b"" and a.get("X-Krakend") is None and a.get("Content-Type") is None, a.raw_head
        assert c.ask("GET * HTTP/1.1\r\nHost: gw\r\n\r\n").status == 404
        assert c.ask(get("/n/after")).status == 200


def test_connect_has_no_route(t):
    """What the reference answers; the connection goes on as HTTP, no tunnel is opened."""
    with t.gateway.client() as c:
        for target, status in (("a.test:443", 404), ("a.test", 404), ("[::1]:2", 404), ("http://a.test/x", 404), ("*", 404), ("/n/x", 405), ("a.test:443/n/x", 405)):
            assert c.ask("CONNECT %s HTTP/1.1\r\nHost: a.test\r\n\r\n" % target).status == status, target
    assert t.gateway.ask("CONNECT a.test:443:2 HTTP/1.1\r\nHost: a.test\r\n\r\n").status == 400


def test_what_the_reference_says_to_bad_heads(t):
    for head, line in (("GET / HTTP/1.1\r\n\r\n", "400 Bad Request: missing required Host header"),
                       ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 Bad Request: malformed Host header"),
                       ("GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n", "400 Bad Request: invalid header name"),
                       ("GET / HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n", "400 Bad Request"),
                       ("GET / HTTP/1.1\r\nHost: x\r\na/b: y\r\n\r\n", "400 Bad Request"),
                       ("GET / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n", "400 Bad Request: invalid header value"),
                       ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400 Bad Request"),
                       ("GET / HTTP/2.5\r\nHost: x\r\n\r\n", "505 HTTP Version Not Supported: unsupported protocol version"),
                       ("hello\r\n\r\n", "400 Bad Request")):
        with t.gateway.client() as c:
            c.send(head)
            a = c.answer()
            assert a.line == "HTTP/1.1 " + line and a.body == line.encode(), (head, a.line, a.body)
            assert a.get("Connection") == "close" and a.get("Content-Type") == "text/plain; charset=utf-8", a.raw_head


def test_chunked_uploads(t):
    body = bytes(range(256)) * 40
    for path in ("/n/chunks", "/j/chunks", "/m/chunks"):
        for sizes in ((1,), (10240,), (1, 2, 3, 4096), (255, 256, 257)):
            with t.gateway.client() as c:
                t.backend.forget()
                c.send(b"POST " + path.encode() + b" HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" +
                       chunked(body, sizes, ext=';name="va;lue"', trailers="X-Sum: 1\r\nContent-Length: 3\r\n"))
                assert c.answer().status == 200
                for m in t.backend.requests("/chunks"):
                    assert m.body == body and not m.trailers and m.get("Trailer") is None
                assert c.ask(get("/n/after")).status == 200


def test_large_uploads_in_constant_memory(t):
    size = 50 * 1024 * 1024
    total = {}

    @t.backend.on("/big", raw=True)
    def _(c, m):
        n = 0
        if m.get("Content-Length"):
            n = int(m.get("Content-Length"))
            left = n - len(c.buf)
            c.buf = b""
            while left:
                left -= len(c.sock.recv(min(left, 1 << 20)))
        else:
            while True:
                k = int(c.line().split(b";")[0], 16)
                if k == 0:
                    c.line()
                    break
                c.exactly(k + 2)
                n += k
        total[m.target] = n
        c.ok("{}")

    piece = b"a" * 65536
    t.gateway.ask(get("/n/warm"))
    before = t.gateway.rss()
    peak = 0
    for path, how in (("/n/big1", "length"), ("/n/big2", "chunked"), ("/j/big3", "length")):
        with t.gateway.client() as c:
            c.send("POST %s HTTP/1.1\r\nHost: gw\r\n%s\r\n\r\n" % (
                path, "Content-Length: %d" % size if how == "length" else "Transfer-Encoding: chunked"))
            for i in range(size // len(piece)):
                c.send(piece if how == "length" else b"%x\r\n" % len(piece) + piece + b"\r\n")
                if i % 100 == 0:
                    peak = max(peak, t.gateway.rss())
            if how == "chunked":
                c.send("0\r\n\r\n")
            assert c.answer().status == 200
        assert total["/big" + path[-1]] == size
    assert peak - before < 8 * 1024 * 1024 * SLOW, (before, peak)


def test_slow_upload(t):
    for path in ("/n/trickle", "/j/trickle", "/m/trickle"):
        with t.gateway.client() as c:
            c.send("POST %s HTTP/1.1\r\nHost: gw\r\nContent-Length: 20\r\n\r\n" % path)
            for i in range(20):
                c.send(b"%d" % (i % 10))
                time.sleep(0.01)
            assert c.answer().status == 200


def test_client_leaves_in_the_middle_of_an_upload(t):
    ended = []

    @t.backend.on("/leaving", raw=True)
    def _(c, m):
        ended.append(c)
        assert c.wait_closed()
        return False

    for how in ("close", "reset", "half"):
        for framing in ("Content-Length: 1000", "Transfer-Encoding: chunked"):
            ended.clear()
            c = t.gateway.client()
            c.send("POST /n/leaving HTTP/1.1\r\nHost: gw\r\n%s\r\n\r\n" % framing)
            c.send("5\r\nhello\r\n" if "chunked" in framing else "hello")
            wait_until(lambda: ended)
            if how == "close":
                c.close()
            elif how == "reset":
                c.reset()
            else:
                c.sock.shutdown(socket.SHUT_WR)
            wait_until(lambda: ended[0].closed.is_set(), 2)
            c.close()
    t.gateway.idle()


def test_client_leaves_while_the_backend_is_slow(t):
    """The backend sees the end of its connection at once, however the client went and whatever kind the endpoint is."""
    waiting = []

    @t.backend.on("/slowly")
    def _(c, m):
        waiting.append(c)
        c.wait_closed()
        return False

    for path, count in (("/n/slowly", 1), ("/j/slowly", 1), ("/m/slowly", 2)):
        for body in (b"", b"hello", b"x" * 200000):
            for how in ("close", "reset", "half"):
                waiting.clear()
                c = t.gateway.client()
                c.send(post(path, body) if body else get(path))
                wait_until(lambda: len(waiting) == count)
                begin = time.monotonic()
                if how == "close":
                    c.close()
                elif how == "reset":
                    c.reset()
                else:
                    c.sock.shutdown(socket.SHUT_WR)
                wait_until(lambda: all(w.closed.is_set() for w in waiting), 2)
                assert time.monotonic() - begin < 2 * SLOW
                c.close()
    t.gateway.idle()


def test_pipelining_client_that_resets(t):
    """Further requests wait to be read, but nobody will hear the answers."""
    waiting = []

    @t.backend.on("/pipereset")
    def _(c, m):
        waiting.append(c)
        c.wait_closed()
        return False

    for late in (False, True):
        waiting.clear()
        c = t.gateway.client()
        c.send(get("/n/pipereset") + ("" if late else get("/n/pipereset")))
        wait_until(lambda: waiting)
        if late:
            c.send(get("/n/pipereset"))
        time.sleep(0.02)
        c.reset()
        wait_until(lambda: waiting[0].closed.is_set(), 2)
        assert len(waiting) == 1
    t.gateway.idle()


def test_client_ends_its_side_with_its_last_body_bytes(t):
    """The end of the stream comes in one segment with the end of a streamed body."""
    waiting = []

    @t.backend.on("/lastbytes", raw=True)
    def _(c, m):
        waiting.append(c)
        c.wait_closed()
        return False

    c = t.gateway.client()
    c.send("POST /n/lastbytes HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\n12345")
    wait_until(lambda: waiting)
    c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    c.send("67890")
    c.sock.shutdown(socket.SHUT_WR)
    wait_until(lambda: waiting[0].closed.is_set(), 2)
    c.close()
    t.gateway.idle()


def test_client_closes_after_the_last_answer(t):
    with t.gateway.client() as c:
        assert c.ask(get("/n/a")).status == 200
        c.sock.shutdown(socket.SHUT_WR)
        assert c.at_end(2)
    t.gateway.idle()


def test_pipelining_client_that_half_closes_later(t):
    with t.gateway.client() as c:
        c.send(get("/n/a") + get("/n/b") + get("/n/c"))
        assert c.answer().status == 200


def test_half_closed_client_gets_what_needs_no_backend(t):
    """As a probe that pipes its request through netcat: the end of its side comes with the request."""
    for path, status in (("/__health", 200), ("/nowhere", 404)):
        for count in (1, 3):
            with t.gateway.client() as c:
                c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                c.send(get(path) * count)
                c.sock.shutdown(socket.SHUT_WR)
                for _ in range(count):
                    assert c.answer().status == status, (path, count)
                assert c.at_end(3)


def test_slow_reader_of_a_large_answer(t):
    """Back-pressure: the backend is not read faster than the client takes it, and nothing is lost."""
    size = 50 * 1024 * 1024
    sent = {"n": 0}
    block = bytes(range(256)) * 256

    @t.backend.on("/fifty")
    def _(c, m):
        c.sock.settimeout(30)
        if "chunked" in m.target:
            c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        else:
            c.send("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // len(block)):
            c.send(block if "chunked" not in m.target else b"%x\r\n" % len(block) + block + b"\r\n")
            sent["n"] += len(block)
        if "chunked" in m.target:
            c.send("0\r\n\r\n")

    g = t.start(usual_config(t.backend.port, timeout="40s"))
    g.ask(get("/n/warm"))
    before = g.rss()
    for path in ("/n/fiftylength", "/n/fiftychunked"):
        sent["n"] = 0
        with g.client(rcvbuf=65536) as c:
            c.send(get(path, "Accept-Encoding: identity\r\n"))
            time.sleep(0.5)
            assert sent["n"] < size * 0.7, "the gateway swallowed it"
            assert g.rss() - before < 8 * 1024 * 1024 * SLOW
            a = c.answer()
            assert len(a.body) == size and a.body[:65536] == block and a.body[-65536:] == block
            assert a.body == block * (size // len(block))
    assert g.rss() - before < 8 * 1024 * 1024 * SLOW


def test_slow_reader_on_a_fresh_connection(t):
    """The first answer that does not fit, right after a dial: whatever errno holds by then is not the client's fault."""
    body = b"q" * (8 * 1024 * 1024)

    @t.backend.on("/eight")
    def _(c, m):
        c.sock.settimeout(20)
        c.ok(body, "Connection: close\r\n")

    for _ in range(5):
        with t.gateway.client(rcvbuf=4096) as c:
            c.send(get("/n/eight", "Accept-Encoding: identity\r\n"))
            time.sleep(0.1)
            assert len(c.answer().body) == len(body)


def test_slow_reader_of_a_json_answer(t):
    body = json.dumps({"a": ["x" * 1000] * 4000}).encode()

    @t.backend.on("/largejson")
    def _(c, m):
        c.sock.settimeout(20)
        c.ok(body)

    for path in ("/j/largejson", "/m/largejson"):
        with t.gateway.client(rcvbuf=4096) as c:
            c.send(get(path))
            time.sleep(0.1)
            assert c.answer().status == 200


def test_head_limits(t):
    with t.gateway.client() as c:  # the default is 1 MiB
        a = c.ask(get("/n/a", "X-Big: %s\r\n" % ("v" * 900000)))
        assert a.status == 200
        assert len(t.backend.requests("/a")[-1].get("X-Big")) == 900000
    with t.gateway.client() as c:
        a = c.ask(get("/n/a", "X-Big: %s\r\n" % ("v" * 1200000)))
        assert a.status == 431 and c.at_end()
    g = t.start(usual_config(t.backend.port, max_header_bytes=2000))
    with g.client() as c:
        assert c.ask(get("/n/a", "X-Big: %s\r\n" % ("v" * 1900))).status == 200
    for each in (0, 1000):
        with g.client() as c:
            c.send(get("/n/a", "X-Big: %s\r\n" % ("v" * 20000)), each, 0.001)
            assert c.answer().status == 431 and c.at_end()
    with g.client() as c:  # it never ends
        try:
            c.send("GET /n/a HTTP/1.1\r\nHost: gw\r\n")
            for _ in range(100000):
                c.send("X-A: bbbbbbbbbbbbbbbb\r\n")
            assert False, "it reads on and on"
        except OSError:
            pass


def test_thousand_fields(t):
    with t.gateway.client() as c:
        a = c.ask(get("/n/a", "".join("X-F%d: %d\r\n" % (i, i) for i in range(1000))))
        assert a.status in (200, 431), a.line
        if a.status == 431:
            assert c.at_end()
    with t.gateway.client() as c:
        a = c.ask(get("/n/fields", "".join("X-F%d: %d\r\n" % (i, i) for i in range(200))))
        assert a.status == 200
        m = t.backend.requests("/fields")[-1]
        assert [v for n, v in m.fields if n.startswith("X-F") and n[3:].isdigit()] == [str(i) for i in range(200)]


def test_pipelining_without_reading_answers_is_bounded(t):
    """A client that only asks: at most a buffer's worth of its requests is held."""
    t.gateway.ask(get("/n/warm"))
    before = t.gateway.rss()
    request = get("/__debug/x", "X-Fill: %s\r\n" % ("f" * 3000)).encode() * 20
    clients = []
    for _ in range(10):
        c = t.gateway.client(rcvbuf=4096)
        clients.append(c)
        c.sock.setblocking(False)
    for _ in range(200):
        for c in clients:
            try:
                c.sock.send(request)
            except OSError:
                pass
        time.sleep(0.002)
    assert t.gateway.rss() - before < 12 * 1024 * 1024 * SLOW, (before, t.gateway.rss())
    for c in clients:
        c.close()
    t.gateway.idle()


def test_idle_and_header_timeouts(t):
    g = t.start(usual_config(t.backend.port, read_header_timeout="300ms", idle_timeout="400ms"))
    with g.client() as c:
        begin = time.monotonic()
        assert c.at_end(3) and 0.2 < time.monotonic() - begin < 2 * SLOW
    with g.client() as c:
        c.send("GET /n/a HTTP/1.1\r\nHo")
        assert c.everything(3) is not None
    with g.client() as c:
        assert c.ask(get("/n/a")).status == 200
        begin = time.monotonic()
        assert c.at_end(3) and 0.3 < time.monotonic() - begin < 2 * SLOW
    with g.client() as c:  # every byte is not a new deadline
        begin = time.monotonic()
        try:
            for _ in range(30):
                c.send("G")
                time.sleep(0.05)
            assert False, "still open"
        except OSError:
            assert time.monotonic() - begin < 1.5 * SLOW
    g.idle()


def test_read_timeout_of_a_body(t):
    g = t.start(usual_config(t.backend.port, read_timeout="400ms"))
    for path in ("/n/a", "/j/a", "/m/a"):
        with g.client() as c:
            begin = time.monotonic()
            c.send("POST %s HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\n12345" % path)
            data = c.everything(4)
            assert data is not None and time.monotonic() - begin < 3 * SLOW, path
    g.idle()


def test_write_timeout(t):
    """It counts from the head of the request: a late answer says that the connection ends, a large one is cut."""
    g = t.start(usual_config(t.backend.port, timeout="10s", write_timeout="300ms"))
    t.backend.on("/late", lambda c, m: time.sleep(1) or c.ok("late"))
    t.backend.on("/large", lambda c, m: c.ok(b"x" * 30_000_000))
    for path in ("/n/late", "/j/late", "/m/late"):
        with g.client() as c:
            a = c.ask(get(path))
            assert a.status == 500 and a.get("Connection") == "close" and c.at_end(), (path, a.raw_head)
    with g.client(rcvbuf=4096) as c:
        c.send(get("/n/large"))
        time.sleep(1 * SLOW)
        try:
            c.answer()
        except (Closed, ConnectionError):
            pass
        else:
            raise AssertionError("not cut")
    g.idle()


def test_endpoint_timeout_while_the_upload_is_slow(t):
    """It is the time that ran out, not the request that was wrong: 500, within the endpoint's timeout."""
    g = t.start(usual_config(t.backend.port, timeout="400ms"))
    for path in ("/n/a", "/j/a", "/m/a"):
        with g.client() as c:
            begin = time.monotonic()
            c.send("POST %s HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\n12345" % path)
            a = c.answer()
            assert a.status == 500, (path, a.line)
            assert time.monotonic() - begin < 2 * SLOW
            assert c.everything(3) is not None
    g.idle()


def test_broken_chunks_in_a_streamed_body(t):
    for path in ("/n/a", "/j/a", "/m/a"):
        with t.gateway.client() as c:
            c.send("POST %s HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" % path)
            time.sleep(0.05)
            c.send("zz\r\nGET /n/smuggled HTTP/1.1\r\nHost: gw\r\n\r\n")
            a = c.answer()
            assert a.status == 400, (path, a.line)
            assert c.at_end(), path
    assert not t.backend.requests("/smuggled")
    t.gateway.idle()


def test_request_body_limit(t):
    g = t.start(usual_config(t.backend.port, extra_config={"gladius/limits": {"max_request_body": 1000}}))
    for path in ("/n/a", "/j/a", "/m/a"):
        with g.client() as c:
            assert c.ask(post(path, "x" * 1000)).status == 200
            t.backend.forget()
            a = c.ask(post(path, "x" * 1001))
            assert a.status == 413, (path, a.line)
        assert not [m for m in t.backend.requests("/a") if m.complete], path
        with g.client() as c:
            c.send("POST %s HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n" % path)
            c.send(chunked(b"x" * 3000, (500,)))
            assert c.answer().status == 413
            assert c.everything(3) is not None
        with g.client() as c:  # whole in one piece
            c.send(("POST %s HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n" % path).encode() + chunked(b"x" * 3000, (500,)) + get("/n/b").encode())
            assert c.answer().status == 413
        with g.client() as c:
            assert c.ask("POST %s HTTP/1.1\r\nHost: gw\r\nContent-Length: 9223372036854775807\r\n\r\n" % path).status == 413
        with g.client() as c:  # 413 is readable although the client sends on
            body = b"x" * 4000000
            try:
                c.send(post(path, body))
            except OSError:
                pass
            assert c.answer().status == 413
    g.idle()
