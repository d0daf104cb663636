"""HTTP/2 without TLS: both ways to begin, the sections of RFC 9113 that h2spec looks at, flow control, and what must not reach a backend."""
import json
import socket
import threading
import time

from h2 import (ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS,
                INTERNAL_ERROR, NO_ERROR, PADDED, PING, PREFACE, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM, SETTINGS,
                STREAM_CLOSED, WINDOW_UPDATE, COMPRESSION_ERROR, H2Client, block, frame, literal, request, settings, u32)
from harness import SLOW, ends, get, usual_config, wait_until


def gateway(t, **root):
    """One gateway with use_h2c for the tests of this file."""
    if root:
        return t.start(usual_config(t.backend.port, use_h2c=True, **root))
    if not t.shared_gateway:
        import harness
        t.shared_gateway = harness.Gateway(usual_config(t.backend.port, use_h2c=True))
    return t.shared_gateway


def client(t, *pairs, **kw):
    return H2Client(gateway(t).port, pairs, slow=SLOW, **kw)


# --- beginning --------------------------------------------------------------------------------------------------------------------------


def test_first_frames(t):
    with client(t) as c:
        a = c.ask(1)
        assert a.status == 200 and a.whole and json.loads(a.body)["path"] == "/a", (a.status, a.body)
        first = c.frames[0]
        assert first.kind == SETTINGS and not first.flags & ACK, c.frames
        said = {int.from_bytes(first.payload[i:i + 2], "big"): int.from_bytes(first.payload[i + 2:i + 6], "big") for i in range(0, len(first.payload), 6)}
        assert said[3] == 250 and said[6] == (1 << 20) + 320 and said[9] == 1, said
        assert not c.goaways


def test_preface_in_pieces(t):
    for each in (1, 3, 17, 18, 23):
        c = H2Client(gateway(t).port, preface=False, slow=SLOW)
        data = PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS | END_STREAM, 1, request())
        for i in range(0, len(data), each):
            c.send(data[i:i + each])
            if i < 30:
                time.sleep(0.002)
        assert c.answer(1).status == 200, each
        c.sock.close()


def test_prior_knowledge_after_a_request(t):
    """The reference's handler sees every request, so also a later one may turn the connection into HTTP/2."""
    c = H2Client(gateway(t).port, preface=False, slow=SLOW)
    c.send(get("/n/first").encode())
    while b"\r\n\r\n" not in c.buf or b'"n": 0}' not in c.buf:
        c.buf += c.sock.recv(65536)
    c.buf = b""
    c.send(PREFACE, frame(SETTINGS, 0, 0), frame(HEADERS, END_HEADERS | END_STREAM, 1, request()))
    assert c.answer(1).status == 200


def test_broken_preface_ends_the_connection(t):
    for data in (b"PRI * HTTP/2.0\r\n\r\nXXXXXX", PREFACE[:-1] + b"x", b"INVALID CONNECTION PREFACE\r\n\r\n"):
        with gateway(t).client() as c:
            c.send(data)
            assert c.at_end(), data


def test_not_spoken_is_an_unknown_path(t):
    """Without use_h2c the preface is a request for "*", as in the reference."""
    g = t.start(usual_config(t.backend.port))
    for data, each in ((PREFACE + frame(SETTINGS, 0, 0), 0), (PREFACE[:18], 0), (PREFACE[:18], 1)):
        with g.client() as c:
            c.send(data, each=each, pause=0.001)
            a = c.answer()
            assert a.status == 404 and a.get("Connection") == "close" and a.body == b"404 page not found", (a.line, a.body)


def upgrade(extra="HTTP2-Settings: AAMAAABkAAQAAP__\r\n", method="GET", path="/n/up", connection="Upgrade, HTTP2-Settings", body=""):
    return ("%s %s HTTP/1.1\r\nHost: gw\r\nConnection: %s\r\nUpgrade: h2c\r\n%s\r\n%s" % (method, path, connection, extra, body)).encode()


def test_upgrade(t):
    for body, extra in (("", ""), ("abc", "Content-Length: 3\r\n"), ("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n")):
        c = H2Client(gateway(t).port, preface=False, slow=SLOW)
        c.send(upgrade("HTTP2-Settings: AAMAAABkAAQAAP__\r\n" + extra, "POST" if body else "GET", body=body))
        while b"\r\n\r\n" not in c.buf:
            c.buf += c.sock.recv(65536)
        head, c.buf = c.buf.split(b"\r\n\r\n", 1)
        assert head == b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c", head
        c.send(PREFACE, frame(SETTINGS, 0, 0))
        a = c.answer(1)
        assert a.status == 200 and json.loads(a.body) == {"path": "/up", "n": 3 if body else 0}, (a.status, a.body)
        assert c.ask(3, "/n/next").status == 200
        c.sock.close()


def test_upgrade_refused(t):
    """Settings that cannot be read: 500 with an empty body, and the connection goes on as it was."""
    for extra in ("", "HTTP2-Settings: AAMAAABkAAQAAP__==\r\n", "HTTP2-Settings: A\r\n", "HTTP2-Settings: AAMAAABk\r\nHTTP2-Settings: AAMAAABk\r\n"):
        with gateway(t).client() as c:
            a = c.ask(upgrade(extra))
            assert a.status == 500 and a.body == b"" and a.get("X-Krakend") is None, (extra, a.line)
            assert c.ask(get("/n/x")).status == 200
    for connection in ("Upgrade", "close"):
        with gateway(t).client() as c:
            assert c.ask(upgrade(connection=connection)).status == 200


# --- requests ---------------------------------------------------------------------------------------------------------------------------


def test_what_a_backend_gets(t):
    t.backend.forget()
    with client(t) as c:
        a = c.ask(1, "/n/fields?q=1", "POST", ("x-one", " 1\t"), ("cookie", "a=1"), ("x-two", "2"), ("cookie", "b=2"), ("te", "trailers"),
                  ("content-length", "2"), body=b"hi")
        assert a.status == 200
    m = t.backend.requests("/fields")[0]
    assert m.line == "POST /fields?q=1 HTTP/1.1" and m.body == b"hi"
    assert m.get("X-One") == "1" and m.get("X-Two") == "2" and m.all("Cookie") == ["a=1; b=2"], m.fields
    assert m.get("X-Forwarded-Host") == "gw" and m.get("Content-Length") == "2" and m.get("Te") is None, m.fields


def test_host_without_authority(t):
    t.backend.forget()
    with client(t) as c:
        assert c.ask(1, "/n/h1", "GET", ("host", "one"), authority=None).status == 200
        assert c.ask(3, "/n/h2", "GET", ("host", "one"), authority="two").status == 200
    assert t.backend.requests("/h1")[0].get("X-Forwarded-Host") == "one"
    assert t.backend.requests("/h2")[0].get("X-Forwarded-Host") == "two"


def test_own_answers(t):
    with client(t) as c:
        a = c.ask(1, "/nowhere")
        assert a.status == 404 and a.body == b"404 page not found" and a.get("content-length") == "18", (a.status, a.fields)
        a = c.ask(3, "/__health")
        assert a.status == 200 and b"ok" in a.body
        assert c.ask(5, "/n/a", "PATCH").status in (404, 405)
        a = c.ask(7, "*", "OPTIONS")
        assert a.status == 404  # the reference's server answers it over HTTP/1 only
        a = c.ask(9, "/j/x")
        assert a.status == 200 and a.get("x-krakend-completed") == "true"
        a = c.ask(11, "/m/x")
        assert set(json.loads(a.body)) == {"a", "b"}
        for n, f in [(x.stream, x) for x in c.frames if x.kind == HEADERS]:
            names = [k for k, _ in c.answers[n].fields]
            assert all(k == k.lower() for k in names) and not {"connection", "transfer-encoding", "keep-alive"} & set(names), names


def test_connect(t):
    with client(t) as c:
        c.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block((":method", "CONNECT"), (":authority", "gw:80"))))
        assert c.answer(1).status in (404, 405)
        c.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, block((":method", "CONNECT"), (":scheme", "http"), (":path", "/"), (":authority", "gw:80"))))
        assert c.answer(3).reset == PROTOCOL_ERROR


def test_malformed_requests_are_reset(t):
    """Each a stream error, and nothing of them at a backend (RFC 9113 8.1.1, 8.2, 8.3)."""
    good = [(":method", "GET"), (":scheme", "http"), (":path", "/n/bad"), (":authority", "gw")]
    bad = [
        good + [("X-A", "1")],
        good + [("x a", "1")],
        good + [("", "1")],
        good + [("x-a", "a\r\nb: c")],
        good + [("x-a", "a\0b")],
        good + [("x-a", "a\nb")],
        good + [("connection", "close")],
        good + [("connection", "keep-alive")],
        good + [("transfer-encoding", "chunked")],
        good + [("keep-alive", "1")],
        good + [("proxy-connection", "close")],
        good + [("upgrade", "h2c")],
        good + [("te", "gzip")],
        good + [(":path", "/n/bad")],
        good + [(":status", "200")],
        good + [(":protocol", "websocket")],
        good + [("content-length", "x")],
        good + [("content-length", "-1")],
        good + [("content-length", "1"), ("content-length", "1")],
        good + [("content-length", "5")],
        [("x-a", "1")] + good,
        good[1:], good[:1] + good[2:], good[:2] + good[3:],
        good[:2] + [(":path", "")] + good[3:],
        good[:2] + [(":path", "n/bad")] + good[3:],
        good[:2] + [(":path", "*")] + good[3:],
        good[:2] + [(":path", "http://gw/n/bad")] + good[3:],
        good[:2] + [(":path", "/n/bad x")] + good[3:],
        good[:2] + [(":path", "/n/bad%zz")] + good[3:],
        good[:2] + [(":path", "/n/bad\r\nx: y")] + good[3:],
        good[:1] + [(":scheme", "ftp")] + good[2:],
        good[:3] + [(":authority", "user@gw")],
        good[:3] + [(":authority", "g w")],
        good[:3],
        [(":method", "GE T")] + good[1:],
    ]
    t.backend.forget()
    with client(t) as c:
        for i, fields in enumerate(bad):
            n = 2 * i + 1
            c.send(frame(HEADERS, END_HEADERS | END_STREAM, n, block(*fields)))
            a = c.answer(n)
            assert a.reset == PROTOCOL_ERROR and a.status is None, (fields, a.reset, a.status)
        assert c.ask(2 * len(bad) + 1, "/n/good").status == 200
    assert [m.target for m in t.backend.requests()] == ["/good"]


def test_length_that_is_not_the_bodys(t):
    """DATA must add up to content-length; the pooled connection to the backend is none the worse."""
    t.backend.forget()
    with client(t) as c:
        n = 1
        for length, parts in (("3", [b"abcd"]), ("5", [b"abc"]), ("4", [b"abc", b""]), ("2", [b"a", b"b", b"c"]), ("0", [b"x"]), ("9", [b"GET /n/smuggled HTTP/1.1\r\n\r\n"])):
            for gap in (0, 0.05):
                c.send(frame(HEADERS, END_HEADERS, n, request("/n/short", "POST", ("content-length", length))))
                for i, p in enumerate(parts):
                    time.sleep(gap)
                    c.send(frame(DATA, END_STREAM if i == len(parts) - 1 else 0, n, p))
                a = c.answer(n)
                # Too much may come when the backend has all that was announced, and has answered.
                assert a.reset in (PROTOCOL_ERROR, STREAM_CLOSED) or a.status == 200 and length in "02", (length, parts, a.reset, a.status)
                n += 2
                assert c.ask(n, "/n/next%d" % n).body == b'{"path": "/next%d", "n": 0}' % n
                n += 2
    for m in t.backend.requests():
        assert m.target.startswith(("/next", "/short")), m.line
        assert not m.complete or m.target != "/short" or len(m.body) == int(m.get("Content-Length") or 0), (m.line, m.fields, m.body)


def test_trailers_are_dropped(t):
    t.backend.forget()
    with client(t) as c:
        c.send(frame(HEADERS, END_HEADERS, 1, request("/n/trailers", "POST", ("trailer", "x-after"))), frame(DATA, 0, 1, b"body"),
               frame(HEADERS, END_HEADERS | END_STREAM, 1, block(("x-after", "1"))))
        assert c.answer(1).status == 200
    m = t.backend.requests("/trailers")[0]
    assert m.body == b"body" and m.get("X-After") is None and m.get("Trailer") is None and b"fter" not in m.trailers, (m.fields, m.trailers)


def test_continue(t):
    with client(t) as c:
        c.send(frame(HEADERS, END_HEADERS, 1, request("/n/expect", "POST", ("expect", "100-continue"))))
        a = c.answers.setdefault(1, __import__("h2").Answer())
        assert c.until(lambda: a.interim) and a.interim == [100]
        c.send(frame(DATA, END_STREAM, 1, b"now"))
        assert c.answer(1).status == 200 and json.loads(a.body)["n"] == 3
        assert c.ask(3, "/n/other", "POST", ("expect", "other"), body=b"x").status == 200


def test_head_and_bodiless(t):
    @t.backend.on("/204")
    def none(conn, m):
        conn.send("HTTP/1.1 204 No Content\r\nX-B: 1\r\n\r\n")

    @t.backend.on("/304")
    def same(conn, m):
        conn.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")

    @t.backend.on("/103")
    def hints(conn, m):
        conn.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with client(t) as c:
        for n, (path, status) in enumerate((("/n/204", 204), ("/n/304", 304), ("/n/103", 200))):
            a = c.ask(2 * n + 1, path)
            assert a.status == status and a.whole and a.body == (b"ok" if status == 200 else b""), (path, a.status, a.body)
        a = c.ask(7, "/head/x", "GET")
        assert a.status == 200 and a.whole


# --- answers ----------------------------------------------------------------------------------------------------------------------------


def test_bodies_of_all_kinds(t):
    """With a length, chunked, until the backend closes; small, and larger than every window."""
    data = bytes(range(256)) * 3000

    @t.backend.on("/len")
    def with_length(conn, m):
        conn.ok(data)

    @t.backend.on("/chunks")
    def chunks(conn, m):
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(0, len(data), 50000):
            piece = data[i:i + 50000]
            conn.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        conn.send("0\r\n\r\n")

    @t.backend.on("/close")
    def until_close(conn, m):
        conn.send("HTTP/1.0 200 OK\r\n\r\n")
        conn.send(data)
        return False
    for pairs in ((), ((4, 1000),), ((4, 1 << 20), (5, 1 << 20))):
        with client(t, *pairs) as c:
            for n, path in enumerate(("/n/len", "/n/chunks", "/n/close")):
                a = c.ask(2 * n + 1, path)
                assert a.status == 200 and a.whole and a.body == data, (pairs, path, a.status, len(a.body), a.reset)


def test_many_at_the_same_time(t):
    with client(t) as c:
        for n in range(200):
            c.request(2 * n + 1, ("/n/s%d", "/j/s%d", "/m/s%d")[n % 3] % n)
        for n in range(200):
            a = c.answer(2 * n + 1)
            assert a.status == 200 and b"/s%d\"" % n in a.body, (n, a.status, a.body)
    gateway(t).idle()


def test_cut_answer_is_a_reset(t):
    @t.backend.on("/cut")
    def cut(conn, m):
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        time.sleep(0.05)
        return False

    @t.backend.on("/cutchunk")
    def cut_chunk(conn, m):
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        time.sleep(0.05)
        return False
    with client(t) as c:
        for n, path in ((1, "/n/cut"), (3, "/n/cutchunk")):
            a = c.ask(n, path)
            assert a.status == 200 and a.body == b"half" and not a.whole and a.reset == INTERNAL_ERROR, (a.status, a.body, a.reset)
        assert c.ask(5).status == 200


def test_zero_window(t):
    """The head comes at once, the body with the window; other streams go on meanwhile."""
    with client(t, (4, 0)) as c:
        c.open_windows = False
        c.request(1, "/n/zero")
        a = c.answers.setdefault(1, __import__("h2").Answer())
        c.until(lambda: a.status)
        assert a.status == 200 and a.body == b""
        c.send(frame(WINDOW_UPDATE, 0, 1, u32(1)))
        c.until(lambda: a.body)
        assert len(a.body) == 1 and not a.whole
        c.send(frame(SETTINGS, 0, 0, settings((4, 5))))
        c.until(lambda: len(a.body) >= 6)
        assert len(a.body) == 6
        c.send(frame(SETTINGS, 0, 0, settings((4, 65535))))
        assert c.answer(1).whole and json.loads(a.body)["path"] == "/zero"
        assert c.ask(3, "/n/after").status == 200
    gateway(t).idle()


def test_the_connections_window_is_shared(t):
    @t.backend.on("/share")
    def share(conn, m):
        conn.ok(b"x" * 50000)
    with client(t) as c:
        c.open_windows = False
        for n in range(8):
            c.request(2 * n + 1, "/n/share%d" % n)
        c.until(lambda: sum(len(a.body) for a in c.answers.values()) == 65535)
        c.send(frame(PING, 0, 0, b"12345678"))
        assert c.settled()
        assert sum(len(a.body) for a in c.answers.values()) == 65535
        c.send(frame(WINDOW_UPDATE, 0, 0, u32(8 * 50000)))
        for n in range(8):
            a = c.answer(2 * n + 1)
            assert a.whole and len(a.body) == 50000, (n, len(a.body))
    gateway(t).idle()


def test_little_is_started_for_who_takes_nothing(t):
    """With a window of nothing few requests run and few wait; the others are refused, and may be asked again."""
    @t.backend.on("/stuck")
    def stuck(conn, m):
        conn.ok(b"x" * 100000)
    t.backend.forget()
    with client(t, (4, 0)) as c:
        c.send(b"".join(frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, request("/n/stuck%d" % n)) for n in range(100)))
        c.everything(0.5 * SLOW)
        refused = [n for n, a in c.answers.items() if a.reset == REFUSED_STREAM]
        assert len(refused) > 80, len(refused)
        assert len(t.backend.requests()) <= 6
        c.send(frame(SETTINGS, 0, 0, settings((4, 65535))))
        for n in range(1, 201, 2):
            if n not in refused:
                a = c.answer(n)
                assert a.whole and len(a.body) == 100000, n
    gateway(t).idle()


# --- uploads ----------------------------------------------------------------------------------------------------------------------------


def upload(c, stream, data, piece=16384):
    """Sends a body as the windows of the gateway allow."""
    windows = {0: 65535, stream: 65535}
    seen = 0
    for f in c.frames:
        if f.kind == SETTINGS and not f.flags & ACK:
            for i in range(0, len(f.payload), 6):
                if f.payload[i:i + 2] == b"\0\4":
                    windows[stream] = int.from_bytes(f.payload[i + 2:i + 6], "big")
    at = 0
    while at < len(data):
        for f in c.frames[seen:]:
            if f.kind == WINDOW_UPDATE and f.stream in windows:
                windows[f.stream] += int.from_bytes(f.payload, "big")
        seen = len(c.frames)
        n = min(piece, len(data) - at, windows[0], windows[stream])
        if n <= 0:
            assert c.next() is not None
            continue
        c.send(frame(DATA, END_STREAM if at + n == len(data) else 0, stream, data[at:at + n]))
        windows[0] -= n
        windows[stream] -= n
        at += n


def test_large_upload(t):
    data = bytes(range(256)) * 8000
    with client(t) as c:
        c.settled()
        c.send(frame(HEADERS, END_HEADERS, 1, request("/n/up", "POST")))
        upload(c, 1, data)
        a = c.answer(1)
        assert a.status == 200 and json.loads(a.body)["n"] == len(data), a.body
    assert t.backend.requests("/up")[-1].body == data


def test_windows_open_as_the_backend_takes(t):
    """A backend that reads nothing stops the client, and not the other streams."""
    go = threading.Event()

    @t.backend.on("/slow", raw=True)
    def slow(conn, m):
        go.wait(10)
        conn.read_body(m, request=True)
        conn.ok("done")
    with client(t) as c:
        c.settled()
        c.send(frame(HEADERS, END_HEADERS, 1, request("/n/slow", "POST")))
        sent, window, quiet = 0, 64 * 1024, False
        while not quiet and sent < 32 << 20:
            n = min(16384, window - sent)
            if n > 0:
                c.send(frame(DATA, 0, 1, b"y" * n))
                sent += n
            f = c.next(0.001 if n > 0 else 0.5)
            quiet = f is None and n == 0
            if f and f.kind == WINDOW_UPDATE and f.stream == 1:
                window += int.from_bytes(f.payload, "big")
        assert quiet, "the window never closed"  # what the kernel's buffers hold went through
        assert c.ask(3, "/n/meanwhile").status == 200
        go.set()
        c.send(frame(DATA, END_STREAM, 1, b""))
        a = c.answer(1)
        assert a.status == 200, (a.status, a.reset, a.body, sent)


def test_more_than_the_window_allows(t):
    with client(t) as c:
        c.settled()
        c.send(frame(HEADERS, END_HEADERS, 1, request("/n/hold", "POST")))
        t.backend.on("/hold", lambda conn, m: time.sleep(0.3), raw=True)
        for _ in range(40):
            try:
                c.send(frame(DATA, 0, 1, b"z" * 16384))
            except OSError:
                break
        c.everything(2)
        assert c.goaways and c.goaways[-1].error == FLOW_CONTROL_ERROR or c.answers[1].reset == FLOW_CONTROL_ERROR, c.frames[-5:]


def test_answer_before_the_body_is_sent(t):
    """The client may stop: after a short while it is told so with NO_ERROR, and its stream is gone."""
    with client(t) as c:
        c.send(frame(HEADERS, END_HEADERS, 1, request("/nowhere", "POST")))
        a = c.answer(1)
        assert a.status == 404 and a.whole
        assert c.until(lambda: a.reset is not None) and a.reset == NO_ERROR
        c.send(frame(DATA, 0, 1, b"late"))
        assert c.ask(3).status == 200
        # Whoever ends it in time is not told.
        c.send(frame(HEADERS, END_HEADERS, 5, request("/nowhere", "POST")))
        a = c.answer(5)
        c.send(frame(DATA, END_STREAM, 5, b"rest"))
        time.sleep(0.4)
        assert c.settled() and a.reset is None


# --- leaving ----------------------------------------------------------------------------------------------------------------------------


def test_reset_cancels_the_backend(t):
    gone = threading.Event()

    @t.backend.on("/long")
    def long(conn, m):
        if conn.wait_closed(5):
            gone.set()
        return False
    with client(t) as c:
        c.request(1, "/n/long")
        wait_until(lambda: t.backend.requests("/long"))
        begin = time.monotonic()
        c.send(frame(RST_STREAM, 0, 1, u32(CANCEL)))
        assert gone.wait(2 * SLOW)
        assert time.monotonic() - begin < 0.5 * SLOW
        assert c.ask(3).status == 200
    gateway(t).idle()


def test_reset_in_the_same_turn_starts_nothing(t):
    t.backend.forget()
    with client(t) as c:
        for n in range(50):
            c.send(frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, request("/n/never")) + frame(RST_STREAM, 0, 2 * n + 1, u32(CANCEL)))
        assert c.settled()
    assert not t.backend.requests("/never")
    gateway(t).idle()


def test_closing_cancels_all(t):
    @t.backend.on("/forever")
    def forever(conn, m):
        conn.wait_closed(5)
        return False
    t.backend.forget()
    for reset in (False, True):
        c = client(t)
        for n in range(20):
            c.request(2 * n + 1, "/n/forever%d" % n)
        wait_until(lambda: len(t.backend.requests()) >= 20)
        if reset:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        c.sock.close()
        t.backend.forget()
        wait_until(lambda: gateway(t).counters()["exchanges_in_flight"] == 0, 2)
    gateway(t).idle()


def test_shutdown_says_goaway_twice(t):
    g = gateway(t, max_shutdown_wait_time="10s")

    @t.backend.on("/late")
    def late(conn, m):
        time.sleep(0.6)
        conn.ok("late")
    with H2Client(g.port, slow=SLOW) as c, H2Client(g.port, slow=SLOW) as idle:
        assert c.ask(1).status == 200 and idle.ask(1).status == 200
        c.request(3, "/n/late")
        wait_until(lambda: t.backend.requests("/late"))
        g.signal(15)
        a = c.answer(3)
        assert a.status == 200 and a.whole, (a.status, a.reset)
        for x, last in ((c, 3), (idle, 1)):
            x.everything(5)
            assert x.ended and [f.error for f in x.goaways] == [NO_ERROR, NO_ERROR], x.goaways
            assert x.goaways[0].last_stream == 0x7fffffff and x.goaways[1].last_stream == last, x.goaways
        g.process.wait(10 * SLOW)


test_shutdown_says_goaway_twice.ends = True


def test_idle_time(t):
    g = gateway(t, idle_timeout="300ms")

    @t.backend.on("/busy")
    def busy(conn, m):
        time.sleep(0.8)
        conn.ok("busy")
    with H2Client(g.port, slow=SLOW) as c:
        assert c.ask(1, "/n/busy").status == 200
        begin = time.monotonic()
        c.everything(5)
        assert c.ended and c.goaways and c.goaways[-1].error == NO_ERROR and time.monotonic() - begin < 2.5 * SLOW, c.frames[-3:]


def test_silence_is_not_waited_for(t):
    """Connections that never say SETTINGS do not stay (ten seconds); looked at here only with the idle time off."""
    with gateway(t).client() as c:
        c.send(PREFACE)
        first = c.sock.recv(100)
        assert first[3] == SETTINGS


# --- frames -----------------------------------------------------------------------------------------------------------------------------


def connection_errors():
    """(what, frames, code) that end the connection; after them nothing is answered."""
    open_stream = frame(HEADERS, END_HEADERS, 1, request("/n/open", "POST"))
    whole = frame(HEADERS, END_HEADERS | END_STREAM, 1, request())
    big = request()
    yield "DATA on stream 0", frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR
    yield "DATA on an idle stream", frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR
    yield "padding of more than the payload", open_stream + frame(DATA, PADDED, 1, b"\x09abc"), PROTOCOL_ERROR
    yield "HEADERS on stream 0", frame(HEADERS, END_HEADERS | END_STREAM, 0, request()), PROTOCOL_ERROR
    yield "HEADERS on an even stream", frame(HEADERS, END_HEADERS | END_STREAM, 2, request()), PROTOCOL_ERROR
    yield "HEADERS that depend on themselves", frame(HEADERS, END_HEADERS | END_STREAM | 32, 1, u32(1) + b"\x10" + request()), PROTOCOL_ERROR
    yield "HEADERS of a lower stream", frame(HEADERS, END_HEADERS | END_STREAM, 5, request()) + frame(HEADERS, END_HEADERS | END_STREAM, 3, request()), None
    yield "HEADERS after the end", whole + frame(HEADERS, END_HEADERS | END_STREAM, 1, request()), STREAM_CLOSED
    yield "a block that is no HPACK", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\xff\xff"), COMPRESSION_ERROR
    yield "an index of nothing", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x80"), COMPRESSION_ERROR
    yield "a table of more than was allowed", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xe2\x1f" + request()), COMPRESSION_ERROR
    yield "CONTINUATION without HEADERS", frame(CONTINUATION, END_HEADERS, 1, request()), PROTOCOL_ERROR
    yield "CONTINUATION after the end of the block", whole + frame(CONTINUATION, END_HEADERS, 1, b""), PROTOCOL_ERROR
    yield "another frame in a block", frame(HEADERS, END_STREAM, 1, big[:5]) + frame(PING, 0, 0, b"12345678"), PROTOCOL_ERROR
    yield "CONTINUATION of another stream", frame(HEADERS, END_STREAM, 1, big[:5]) + frame(CONTINUATION, END_HEADERS, 3, big[5:]), PROTOCOL_ERROR
    yield "PRIORITY on stream 0", frame(PRIORITY, 0, 0, u32(1) + b"\x10"), PROTOCOL_ERROR
    yield "PRIORITY of the stream itself", frame(PRIORITY, 0, 3, u32(3) + b"\x10"), PROTOCOL_ERROR
    yield "RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, u32(8)), PROTOCOL_ERROR
    yield "RST_STREAM of an idle stream", frame(RST_STREAM, 0, 1, u32(8)), PROTOCOL_ERROR
    yield "RST_STREAM too short", open_stream + frame(RST_STREAM, 0, 1, b"abc"), FRAME_SIZE_ERROR
    yield "SETTINGS on a stream", frame(SETTINGS, 0, 1, b""), PROTOCOL_ERROR
    yield "SETTINGS of an odd size", frame(SETTINGS, 0, 0, b"abc"), FRAME_SIZE_ERROR
    yield "SETTINGS ACK with something", frame(SETTINGS, ACK, 0, settings((1, 1))), FRAME_SIZE_ERROR
    yield "ENABLE_PUSH of 2", frame(SETTINGS, 0, 0, settings((2, 2))), PROTOCOL_ERROR
    yield "a window beyond 2^31", frame(SETTINGS, 0, 0, settings((4, 1 << 31))), FLOW_CONTROL_ERROR
    yield "frames below the least", frame(SETTINGS, 0, 0, settings((5, 16383))), PROTOCOL_ERROR
    yield "frames beyond the most", frame(SETTINGS, 0, 0, settings((5, 1 << 24))), PROTOCOL_ERROR
    yield "PUSH_PROMISE", frame(PUSH_PROMISE, END_HEADERS, 1, u32(2) + request()), PROTOCOL_ERROR
    yield "PING on a stream", frame(PING, 0, 1, b"12345678"), PROTOCOL_ERROR
    yield "PING too short", frame(PING, 0, 0, b"1234"), FRAME_SIZE_ERROR
    yield "GOAWAY on a stream", frame(GOAWAY, 0, 1, u32(0) + u32(0)), PROTOCOL_ERROR
    yield "WINDOW_UPDATE of nothing", frame(WINDOW_UPDATE, 0, 0, u32(0)), PROTOCOL_ERROR
    yield "WINDOW_UPDATE too long", frame(WINDOW_UPDATE, 0, 0, b"12345"), FRAME_SIZE_ERROR
    yield "WINDOW_UPDATE beyond 2^31", frame(WINDOW_UPDATE, 0, 0, u32(0x7fffffff)), FLOW_CONTROL_ERROR
    yield "WINDOW_UPDATE of an idle stream", frame(WINDOW_UPDATE, 0, 1, u32(1)), PROTOCOL_ERROR
    yield "a frame that is too large", frame(PING, 0, 0, b"x" * 20000), FRAME_SIZE_ERROR


def test_connection_errors(t):
    for what, data, code in connection_errors():
        for each in (0, 1):
            with client(t) as c:
                try:
                    for i in range(0, len(data), each or len(data)):
                        c.send(data[i:i + (each or len(data))])
                    c.send(frame(HEADERS, END_HEADERS | END_STREAM, 101, request("/n/after")))
                except OSError:
                    pass
                c.everything(5)
                assert c.goaways, (what, each, c.frames)
                assert c.ended, (what, each)
                assert code is None or c.goaways[-1].error == code, (what, each, c.goaways)
                assert 101 not in c.answers, (what, each)
    gateway(t).idle()


def test_stream_errors(t):
    """What ends a stream only: the connection goes on."""
    with client(t) as c:
        c.settled()
        c.send(frame(HEADERS, END_HEADERS, 1, request("/n/e1", "POST")), frame(HEADERS, END_HEADERS, 1, block(("x-a", "1"))))
        assert c.answer(1).reset == PROTOCOL_ERROR
        c.send(frame(HEADERS, END_HEADERS, 3, request("/n/e3", "POST")), frame(WINDOW_UPDATE, 0, 3, u32(0x7fffffff)))
        assert c.answer(3).reset == FLOW_CONTROL_ERROR
        c.ask(5)
        c.send(frame(DATA, END_STREAM, 5, b"x"))
        assert c.until(lambda: c.answers[5].reset is not None) and c.answers[5].reset == STREAM_CLOSED
        c.send(frame(HEADERS, END_HEADERS, 7, request("/n/e7", "POST")), frame(HEADERS, END_HEADERS | END_STREAM, 7, block((":path", "/x"))))
        assert c.answer(7).reset == PROTOCOL_ERROR
        assert c.ask(9).status == 200 and not c.goaways


def test_what_is_ignored(t):
    with client(t) as c:
        c.send(frame(77, 0xff, 0, b"unknown"), frame(77, 0, 5, b"x" * 100), frame(SETTINGS, 0, 0, settings((999, 1))), frame(PRIORITY, 0, 9, u32(0) + b"\x10"),
               frame(PING, ACK, 0, b"nobody's"), frame(16, 0, 0, u32(1) + b"u=1"))
        c.send(frame(HEADERS, END_HEADERS | PADDED | 32, 11, b"\x02" + u32(3) + b"\x10" + request("/n/padded", "POST") + b"\0\0"),
               frame(DATA, END_STREAM | PADDED, 11, b"\x05hi" + b"\0" * 5))
        a = c.answer(11)
        assert a.status == 200 and json.loads(a.body)["n"] == 2, (a.status, a.reset, a.body)
        c.send(frame(HEADERS, END_STREAM, 13, request("/n/parts")[:7]), frame(CONTINUATION, 0, 13, request("/n/parts")[7:9]),
               frame(CONTINUATION, END_HEADERS, 13, request("/n/parts")[9:]))
        assert c.answer(13).status == 200


def test_streams_are_limited(t):
    release = threading.Event()

    @t.backend.on("/limit")
    def limit(conn, m):
        release.wait(10)
        conn.ok("x")
    with client(t) as c:
        c.settled()
        for n in range(250):
            c.request(2 * n + 1, "/n/limit")
        c.request(501, "/n/limit")
        c.everything(1)
        assert c.answers[501].reset in (REFUSED_STREAM, PROTOCOL_ERROR) if 501 in c.answers else c.goaways[-1].error == PROTOCOL_ERROR
        release.set()


def test_heads_are_limited(t):
    g = gateway(t, max_header_bytes=8000)
    t.backend.forget()
    with H2Client(g.port, slow=SLOW) as c:
        c.settled()
        assert c.ask(1, "/n/ok", "GET", ("x-a", "y" * 7000)).status == 200
        a = c.ask(3, "/n/large", "GET", *[("x-%d" % i, "y" * 1000) for i in range(12)])
        assert a.status == 431 and a.body == b"<h1>HTTP Error 431</h1><p>Request Header Field(s) Too Large</p>", (a.status, a.body)
        assert a.get("content-type") == "text/html; charset=utf-8" and a.get("x-krakend") is None, a.fields
        a = c.ask(5, "/n/many", "GET", *[("x-%d" % i, "") for i in range(300)])
        assert a.status == 431 or a.reset is not None
        assert c.ask(7, "/n/ok").status == 200
    # Those of the test before may still come.
    assert [m.target for m in t.backend.requests() if m.target != "/limit"] == ["/ok", "/ok"]
