"""Streams through no-op: flushed as they come, gladius/stream, bodies that are cut, clients and backends that leave, large bodies (splice).

docs/streaming.md; issue 5 item 3.
"""
import hashlib
import os
import socket
import threading
import time

from h2 import DATA, END_HEADERS, END_STREAM, HEADERS, WINDOW_UPDATE, H2Client, frame, request, u32
from harness import SLOW, Closed, at_once, chunk, chunked, endpoint, get, one_chunk, post, usual_config, wait_until

EVENTS = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def streaming_config(port, idle=None, timeout="400ms", **root):
    """/s/*: no-op with that timeout, and gladius/stream when idle is given."""
    config = usual_config(port, **root)
    for method in ("GET", "POST"):
        e = endpoint("/s/{p}", port, "/{p}", method, "no-op", timeout=timeout, input_headers=["*"])
        if idle:
            e["extra_config"] = {"gladius/stream": {"idle_timeout": idle}}
        config["endpoints"].append(e)
    return config


def test_a_piece_arrives_before_the_next_one_is_sent(t):
    seen = threading.Semaphore(0)

    @t.backend.on("/events")
    def _(c, m):
        c.send(EVENTS)
        for i in range(50):
            c.send(chunk("data: %d\n\n" % i))
            assert seen.acquire(timeout=5 * SLOW)
        c.send("0\r\n\r\n")

    with t.gateway.client() as c:
        c.send(get("/n/events"))
        assert c.head().status == 200
        for i in range(50):
            assert one_chunk(c) == b"data: %d\n\n" % i
            seen.release()
        assert c.line() == b"0" and c.line() == b""
        assert c.ask(get("/n/after")).status == 200


def test_a_piece_of_an_upload_arrives_before_the_next_one_is_sent(t):
    got = threading.Semaphore(0)

    @t.backend.on("/pieces", raw=True)
    def _(c, m):
        for i in range(50):
            assert one_chunk(c) == b"piece %d" % i
            got.release()
        assert c.line() == b"0" and c.line() == b""
        c.ok("{}")

    with t.gateway.client() as c:
        c.send("POST /n/pieces HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(50):
            c.send(chunk("piece %d" % i))
            assert got.acquire(timeout=5 * SLOW), i
        c.send("0\r\n\r\n")
        assert c.answer().status == 200


def test_both_directions_at_once(t):
    """A conversation: each piece of the answer is the echo of a piece of the request that is still being sent."""
    @t.backend.on("/talk", raw=True)
    def _(c, m):
        c.send(EVENTS)
        while True:
            n = int(c.line(), 16)
            c.exactly(n + 2) if n == 0 else c.send(chunk(b"echo " + c.exactly(n))) or c.exactly(2)
            if n == 0:
                break
        c.send("0\r\n\r\n")

    g = t.start(streaming_config(t.backend.port, idle="5s"))
    with g.client() as c:
        c.send("POST /s/talk HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(20):
            c.send(chunk("%d" % i))
            if i == 0:
                assert c.head().status == 200
            assert one_chunk(c) == b"echo %d" % i
            time.sleep(0.05)  # longer than the timeout of the endpoint, taken together
        c.send("0\r\n\r\n")
        assert c.line() == b"0" and c.line() == b""
    g.idle()


def test_without_the_block_the_timeout_covers_the_whole_stream(t):
    ended = threading.Event()

    @t.backend.on("/long")
    def _(c, m):
        c.send(EVENTS)
        try:
            for i in range(100):
                c.send(chunk("data: %d\n\n" % i))
                time.sleep(0.05)
        except OSError:
            ended.set()

    g = t.start(streaming_config(t.backend.port))
    with g.client() as c:
        begin = time.monotonic()
        c.send(get("/s/long"))
        try:
            c.answer()
            assert False, "whole"
        except Closed as e:
            assert 1 < len(e.partial.chunks) < 60 * SLOW
        assert 0.39 < time.monotonic() - begin < 3 * SLOW
    wait_until(ended.is_set)
    g.idle()


def test_idle_timeout_counts_gaps_only(t):
    """Longer than the endpoint's timeout and than the server's, which are all 400 ms here; and it is whole."""
    @t.backend.on("/ticks")
    def _(c, m):
        packed = m.get("Accept-Encoding") == "gzip"
        assert packed
        c.send(EVENTS)
        for i in range(15):
            c.send(chunk("data: %d\n\n" % i))
            time.sleep(0.1)
        c.send("0\r\n\r\n")

    g = t.start(streaming_config(t.backend.port, idle="%dms" % (600 * SLOW), read_timeout="400ms", write_timeout="400ms"))
    with g.client() as c:
        begin = time.monotonic()
        a = c.ask(get("/s/ticks"))
        assert len(a.chunks) == 15 and a.complete and time.monotonic() - begin > 1.4
        # The server's limits are back.
        c.send(get("/__health"))
        assert c.answer().status == 200
    g.idle()


def test_a_gap_ends_the_stream_visibly(t):
    ended = threading.Event()

    @t.backend.on("/silent")
    def _(c, m):
        if "length" in m.target:
            c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
        else:
            c.send(EVENTS + "5\r\nhello\r\n")
        c.wait_closed(10)
        ended.set()

    g = t.start(streaming_config(t.backend.port, idle="300ms", timeout="20s"))
    for path in ("/s/silent", "/s/silentlength"):
        ended.clear()
        with g.client() as c:
            begin = time.monotonic()
            c.send(get(path))
            try:
                c.answer()
                assert False, "whole"
            except Closed as e:
                assert e.partial.body == b"hello"
            assert 0.29 < time.monotonic() - begin < 3 * SLOW
        assert ended.wait(3 * SLOW)
    assert "gladius/stream: not a byte within idle_timeout" in g.log()
    g.idle()


def test_until_the_head_the_timeout_counts(t):
    @t.backend.on("/never")
    def _(c, m):
        c.wait_closed(10)
        return False

    g = t.start(streaming_config(t.backend.port, idle="20s", timeout="300ms"))
    for request in (get("/s/never"), post("/s/never", "x"), post("/s/never", "x" * 300000)):
        with g.client() as c:
            begin = time.monotonic()
            assert c.ask(request).status == 500
            assert 0.29 < time.monotonic() - begin < 3 * SLOW
    g.idle()


def test_a_slow_upload_has_gaps_only_and_then_the_timeout(t):
    @t.backend.on("/slowly-read", raw=True)
    def _(c, m):
        c.read_body(m, request=True)
        if "late" in m.target:
            c.wait_closed(10)
            return False
        c.ok(b"%d" % len(m.body))

    g = t.start(streaming_config(t.backend.port, idle="%dms" % (500 * SLOW), timeout="%dms" % (300 * SLOW), read_timeout="200ms", write_timeout="200ms"))
    for path, status in (("/s/slowly-read", 200), ("/s/slowly-read-late", 500)):
        for framing in ("Content-Length: 10", "Transfer-Encoding: chunked"):
            with g.client() as c:
                c.send("POST %s HTTP/1.1\r\nHost: gw\r\n%s\r\n\r\n" % (path, framing))
                for i in range(10):
                    time.sleep(0.1)
                    c.send(chunk("x") if "chunked" in framing else "x")
                if "chunked" in framing:
                    c.send("0\r\n\r\n")
                begin = time.monotonic()
                a = c.answer()
                took = time.monotonic() - begin
                assert a.status == status, (path, framing, a.line)
                assert a.body == b"10" if status == 200 else took > 0.25 * SLOW, (path, framing, a.body, took)
    g.idle()


def test_a_client_that_stalls_in_its_upload(t):
    ended = threading.Event()

    @t.backend.on("/stalled", raw=True)
    def _(c, m):
        c.wait_closed(10)
        ended.set()
        return False

    g = t.start(streaming_config(t.backend.port, idle="300ms", timeout="20s"))
    with g.client() as c:
        begin = time.monotonic()
        c.send("POST /s/stalled HTTP/1.1\r\nHost: gw\r\nContent-Length: 100\r\n\r\nhello")
        assert c.answer().status == 500
        assert 0.29 < time.monotonic() - begin < 3 * SLOW
        assert c.at_end()
    assert ended.wait(3 * SLOW)
    g.idle()


def test_a_backend_that_does_not_read_an_upload(t):
    @t.backend.on("/deaf", raw=True)
    def _(c, m):
        time.sleep(3 * SLOW)
        return False

    g = t.start(streaming_config(t.backend.port, idle="300ms", timeout="20s"))
    with g.client() as c:
        begin = time.monotonic()
        c.sock.settimeout(10)
        c.send("POST /s/deaf HTTP/1.1\r\nHost: gw\r\nContent-Length: 100000000\r\n\r\n")
        try:
            for _ in range(1500):
                c.send(b"x" * 65536)
        except OSError:
            pass
        assert 0.29 < time.monotonic() - begin < 3 * SLOW
    g.idle()


def test_a_slow_reader_is_no_gap_and_a_stuck_one_is(t):
    """The kernel wakes a writer only when a third of its buffer is free again, which takes a slow reader longer than idle_timeout."""
    size = 6 * 1024 * 1024
    ended = threading.Event()

    @t.backend.on("/large")
    def _(c, m):
        c.sock.settimeout(30)
        try:
            if "length" in m.target:
                c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"y" * size)
            else:
                c.send(EVENTS)
                for _ in range(size // 65536):
                    c.send(chunk(b"y" * 65536))
                c.send("0\r\n\r\n")
        except OSError:
            ended.set()

    g = t.start(streaming_config(t.backend.port, idle="%dms" % (400 * SLOW), timeout="300ms"))

    def slow(path):
        with g.client(rcvbuf=65536) as c:
            c.send(get(path, "Accept-Encoding: identity\r\n"))
            got = 0
            while got < size:
                c.sock.settimeout(5 * SLOW)
                n = len(c.sock.recv(40000))
                assert n, (path, got)
                got += n
                time.sleep(0.02)

    at_once((slow, "/s/large"), (slow, "/s/largelength"))
    g.check()
    assert "not a byte" not in g.log()
    size = 40 << 20  # more than all buffers of the kernel
    for path in ("/s/large", "/s/largelength"):
        ended.clear()
        with g.client(rcvbuf=65536) as c:
            c.send(get(path, "Accept-Encoding: identity\r\n"))
            assert ended.wait(5 * SLOW), path
            try:
                c.answer()
                assert False, "whole"
            except (Closed, ConnectionError):
                pass
    g.idle()


def test_http10_sees_that_a_stream_was_cut(t):
    """The end of the connection is the end of the body there, so a cut one ends with a reset."""
    @t.backend.on("/cut")
    def _(c, m):
        c.send(EVENTS + "5\r\nhello\r\n")
        time.sleep(0.2)
        if "whole" in m.target:
            c.send("0\r\n\r\n")
        return False

    for path, whole in (("/n/cutwhole", True), ("/n/cut", False)):
        with t.gateway.client() as c:
            c.send(get(path, version="1.0"))
            c.head()
            data = b""
            try:
                while more := c.buf or c.sock.recv(100):
                    c.buf = b""
                    data += more
                ended = True
            except ConnectionResetError:
                ended = False
            assert data == b"hello" and ended == whole, (path, data, ended)


def test_trailers_end_here(t):
    """As in the reference: no trailer passes, in either direction, and nothing says that there was one."""
    seen = []

    @t.backend.on("/trailers", raw=True)
    def _(c, m):
        c.read_body(m, request=True)
        seen.append(m)
        c.send("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")

    for _ in range(2):
        a = t.gateway.ask(b"POST /n/trailers HTTP/1.1\r\nHost: gw\r\nTrailer: X-Up\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc", trailers="X-Up: 1\r\n"))
        assert a.body == b"hello" and a.trailers == b"" and not a.get("Trailer"), (a.raw_head, a.trailers)
        assert seen[-1].body == b"abc" and seen[-1].trailers == b"" and not seen[-1].get("Trailer")


def test_a_client_that_leaves_ends_the_call_at_once(t):
    """Also between two events, and while both sides are blocked on each other."""
    gone, sent = threading.Event(), threading.Event()
    at = {}

    @t.backend.on("/leave", raw=True)
    def _(c, m):
        if "flood" in m.target:
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
            sent.set()
            try:
                while True:
                    c.send(b"z" * 65536)
            except OSError:
                pass
        else:
            c.send(EVENTS + "5\r\nhello\r\n")
            sent.set()
            c.wait_closed(10)
        at["end"] = time.monotonic()
        gone.set()

    for path in ("/n/leave", "/n/leaveflood"):
        for how in ("close", "reset"):
            gone.clear()
            sent.clear()
            with t.gateway.client() as c:
                c.send(get(path, "Accept-Encoding: identity\r\n"))
                assert c.head().status == 200
                assert sent.wait(5)
                time.sleep(0.1)
                begin = time.monotonic()
                c.close() if how == "close" else c.reset()
                assert gone.wait(5 * SLOW), (path, how)
                assert at["end"] - begin < 0.25 * SLOW, (path, how, at["end"] - begin)
    t.gateway.idle()


# --- the same with clients that speak HTTP/2 ---------------------------------------------------------------------------------------------


def test_h2_pieces_of_both_directions(t):
    @t.backend.on("/h2talk", raw=True)
    def _(c, m):
        c.send(EVENTS)
        while n := int(c.line(), 16):
            c.send(chunk(b"echo " + c.exactly(n)))
            c.exactly(2)
        c.line()
        c.send("0\r\n\r\n")

    g = t.start(streaming_config(t.backend.port, idle="%dms" % (600 * SLOW), use_h2c=True, write_timeout="400ms", read_timeout="400ms"))
    with H2Client(g.port, slow=SLOW) as c:
        c.send(frame(HEADERS, END_HEADERS, 1, request("/s/h2talk", "POST")))
        want = b""
        for i in range(15):
            c.send(frame(DATA, 0, 1, b"%d" % i))
            want += b"echo %d" % i
            assert c.until(lambda: 1 in c.answers and len(c.answers[1].body) >= len(want)) and c.answers[1].body == want
            time.sleep(0.05)  # taken together longer than every timeout
        c.send(frame(DATA, END_STREAM, 1))
        assert c.answer(1).whole and c.answers[1].reset is None
    g.idle()


def test_h2_gaps_and_slow_readers(t):
    @t.backend.on("/h2silent")
    def _(c, m):
        c.send(EVENTS + "5\r\nhello\r\n")
        c.wait_closed(10)

    @t.backend.on("/h2large")
    def _(c, m):
        c.send(EVENTS)
        for _ in range(20):
            c.send(chunk(b"y" * 10000))
        c.send("0\r\n\r\n")

    g = t.start(streaming_config(t.backend.port, idle="%dms" % (400 * SLOW), timeout="300ms", use_h2c=True))
    with H2Client(g.port, slow=SLOW) as c:
        begin = time.monotonic()
        a = c.ask(1, "/s/h2silent")
        assert a.body == b"hello" and not a.whole and a.reset == 2 and 0.39 < time.monotonic() - begin < 4 * SLOW
        # Another stream of the same connection, whose reader takes little at a time.
        c.open_windows = False
        c.request(3, "/s/h2large", "GET", ("accept-encoding", "identity"))
        assert c.until(lambda: 3 in c.answers and len(c.answers[3].body) >= 65530)
        for _ in range(14):
            time.sleep(0.1)
            c.send(frame(WINDOW_UPDATE, 0, 0, u32(1000)), frame(WINDOW_UPDATE, 0, 3, u32(1000)))
            c.next(0.05)
        assert c.answers[3].reset is None
        c.send(frame(WINDOW_UPDATE, 0, 0, u32(1 << 20)), frame(WINDOW_UPDATE, 0, 3, u32(1 << 20)))
        a = c.answer(3)
        assert a.whole and len(a.body) == 200000
        # And one that takes nothing.
        c.request(5, "/s/h2large")
        assert c.until(lambda: 5 in c.answers and c.answers[5].reset is not None or 5 in c.answers and c.answers[5].whole)
    assert "gladius/stream: not a byte within idle_timeout" in g.log()
    g.idle()


# --- large bodies: through a pipe of the kernel when both sides are fast and have a length ------------------------------------------------


def test_large_downloads_are_whole(t):
    block = os.urandom(1 << 20)
    size = 48 * len(block) + 777
    digest = hashlib.sha256(block * 48 + block[:777]).hexdigest()

    @t.backend.on("/bulk")
    def _(c, m):
        c.sock.settimeout(60)
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(48):
            c.send(block)
        c.send(block[:777])

    g = t.start(usual_config(t.backend.port, timeout="60s"))
    g.ask(get("/n/warm"))
    before = g.rss()

    def fetch(pause, version):
        with g.client(timeout=60, rcvbuf=65536 if pause else None) as c:
            c.send(get("/n/bulk", "Accept-Encoding: identity\r\n", version=version))
            a = c.head()
            assert a.status == 200
            h, left = hashlib.sha256(c.buf), size - len(c.buf)
            while left:
                data = c.sock.recv(min(left, 1 << 18))
                assert data
                h.update(data)
                left -= len(data)
                if pause:
                    time.sleep(pause)
            assert h.hexdigest() == digest
            c.buf = b""
            if version == "1.1":
                assert c.ask(get("/n/after")).status == 200

    at_once((fetch, 0, "1.1"), (fetch, 0, "1.1"), (fetch, 0.001, "1.1"), (fetch, 0, "1.0"))
    g.check()
    assert g.counters()["backend_bytes_received"] >= 4 * size
    assert g.rss() - before < 4 * 1024 * 1024 * SLOW
    g.idle()


def test_large_uploads_are_whole(t):
    block = os.urandom(1 << 20)
    size = 48 * len(block) + 777
    digest = hashlib.sha256(block * 48 + block[:777]).hexdigest()
    got = []

    @t.backend.on("/up", raw=True)
    def _(c, m):
        c.sock.settimeout(60)
        h, n = hashlib.sha256(), 0
        if m.get("Content-Length"):
            while n < int(m.get("Content-Length")):
                data = c.buf or c.sock.recv(1 << 18)
                c.buf = b""
                h.update(data)
                n += len(data)
                if "slow" in m.target:
                    time.sleep(0.001)
        else:
            while k := int(c.line(), 16):
                h.update(c.exactly(k))
                assert c.exactly(2) == b"\r\n"
                n += k
            assert c.line() == b""
        got.append((m.target, n, h.hexdigest(), m.get("Content-Length")))
        c.ok("{}")

    config = usual_config(t.backend.port, timeout="60s")
    # The reference sends a body of unknown length, unless Content-Length is among the headers that pass.
    config["endpoints"].append(endpoint("/c/{p}", t.backend.port, "/{p}", "POST", "no-op"))
    g = t.start(config)
    g.ask(get("/n/warm"))
    before = g.rss()

    def push(path):
        with g.client(timeout=60) as c:
            c.send("POST %s HTTP/1.1\r\nHost: gw\r\nContent-Length: %d\r\n\r\n" % (path, size))
            for _ in range(48):
                c.send(block)
            c.send(block[:777] + get("/n/next").encode())
            assert c.answer().status == 200
            assert c.answer().status == 200

    at_once(*((push, p) for p in ("/n/up1", "/c/up2", "/n/upslow")))
    assert len(got) == 3 and all(n == size and h == digest for _, n, h, _ in got), got
    assert {p: bool(length) for p, _, _, length in got} == {"/up1": True, "/up2": False, "/upslow": True}
    g.check()
    assert g.rss() - before < 4 * 1024 * 1024 * SLOW
    g.idle()


def test_large_bodies_that_break(t):
    """Cut by the backend, by the client, by a reset of either: seen on the other side, and no pipe with bytes in it is used again."""
    size = 64 << 20
    ended = threading.Event()

    @t.backend.on("/break", raw=True)
    def _(c, m):
        c.sock.settimeout(20)
        if m.method == "POST":
            n = 0
            try:
                while more := c.sock.recv(1 << 18):
                    n += len(more)
                    if "reset" in m.target and n > size / 3:
                        c.reset()
                        return False
            except OSError:
                pass
            ended.set()
            return False
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        try:
            for i in range(64):
                if i == 20 and "cut" in m.target:
                    return False
                if i == 20 and "reset" in m.target:
                    c.reset()
                    return False
                c.send(b"v" * (1 << 20))
        except OSError:
            ended.set()
            return False

    g = t.start(usual_config(t.backend.port, timeout="20s"))
    for path in ("/n/breakcut", "/n/breakreset"):
        with g.client() as c:
            c.send(get(path, "Accept-Encoding: identity\r\n"))
            try:
                c.answer()
                assert False, "whole"
            except (Closed, ConnectionError):
                pass
    for method in ("GET", "POST"):
        for how in ("close", "reset"):
            ended.clear()
            with g.client() as c:
                if method == "GET":
                    c.send(get("/n/break", "Accept-Encoding: identity\r\n"))
                    for _ in range(50):
                        c.sock.recv(1 << 18)
                else:
                    c.send("POST /n/break HTTP/1.1\r\nHost: gw\r\nContent-Length: %d\r\n\r\n" % size)
                    for _ in range(20):
                        c.send(b"u" * (1 << 20))
                c.close() if how == "close" else c.reset()
            assert ended.wait(5 * SLOW), (method, how)
    with g.client() as c:
        c.send("POST /n/breakreset HTTP/1.1\r\nHost: gw\r\nContent-Length: %d\r\n\r\n" % size)
        try:
            for _ in range(64):
                c.send(b"u" * (1 << 20))
            assert c.answer().status == 500
        except (OSError, Closed):
            pass
    g.idle()
    for _ in range(3):
        assert g.ask(get("/n/fine")).status == 200
    # Pipes that nobody uses are closed within seconds.
    wait_until(lambda: not [x for x in g.open_files() if "pipe:" in x and int(x.split()[0]) > 2], 5)
