"""The backend side: every framing of an answer, in every piece; answers that are wrong, late, cut or too early; connections that are kept."""
import gzip
import json
import os
import random
import socket
import threading
import time

from harness import SLOW, Backend, Closed, chunked, endpoint, free_port, get, post, usual_config, wait_until

BODY = b'{"a":1,"text":"hello world"}'


def ok(body=BODY, extra=""):
    return ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n" % (len(body), extra)).encode() + body


def chunky(body=BODY, sizes=(5,), ext="", trailers="", extra=""):
    return ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n%s\r\n" % extra).encode() + chunked(body, sizes, ext, trailers)


def fixed(t, path, data, close=False, each=0):
    @t.backend.on(path)
    def _(c, m):
        c.send(data, each)
        return not close


def test_framings(t):
    cases = {
        "length": (ok(), False), "chunked": (chunky(), False), "odd chunks": (chunky(sizes=(1, 2, 3, 16), ext=';x="y"', trailers="X-T: 1\r\n"), False),
        "close": (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY, True),
        "1.0": (b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY, True),
        "1.0 length": (b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY, True),
        "interim": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + ok(), False),
        "continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + chunky(), False),
        "no reason": (ok().replace(b"200 OK", b"200 "), False), "no reason no blank": (ok().replace(b"200 OK", b"200"), False),
        "length twice equal": (ok(extra="Content-Length: %d\r\n" % len(BODY)), False),
    }
    for name, (data, close) in cases.items():
        fixed(t, "/frame", data, close)
        for path in ("/n/frame", "/j/frame"):
            for request, version in ((get(path), 1), (get(path, version="1.0"), 0), (post(path, "x"), 1)):
                with t.gateway.client() as c:
                    a = c.ask(request)
                    assert a.status == 200 and a.body == BODY, (name, path, a.line, a.body)
                    assert len(a.all("Content-Length") + a.all("Transfer-Encoding")) <= 1, (name, a.fields)
                    assert not a.trailers and a.get("Link") is None


def test_answers_split_at_every_offset(t):
    answers = {
        "length": (ok(), False), "chunked": (chunky(sizes=(1, 9, 30), ext=";a=b", trailers="X-T: 1\r\nY: z\r\n"), False),
        "close": (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY, True),
        "interim": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok(), False),
        "gzip": (ok(gzip.compress(BODY, mtime=0), "Content-Encoding: gzip\r\n"), False),
        "gzip chunked": (chunky(gzip.compress(BODY[:9], mtime=0) + gzip.compress(BODY[9:], mtime=0), (3, 20), extra="Content-Encoding: gzip\r\n"), False),
    }

    @t.backend.on("/cut-")
    def _(c, m):
        _, name, at = m.target.split("-")
        data, close = answers[name.replace("_", " ")]
        c.send(data[:int(at)])
        time.sleep(0.003)
        c.send(data[int(at):])
        return not close

    for name, (data, _) in answers.items():
        for kind in ("n", "j"):
            clients = []
            for at in range(1, len(data)):
                c = t.gateway.client()
                c.send(get("/%s/cut-%s-%d" % (kind, name.replace(" ", "_"), at)))
                clients.append((at, c))
                if len(clients) == 60 or at == len(data) - 1:
                    for at, c in clients:
                        a = c.answer()
                        assert a.status == 200 and a.body == BODY, (name, kind, at, a.line, a.body)
                        c.close()
                    clients = []
    t.gateway.idle()


def test_answers_byte_by_byte(t):
    for data, close in ((ok(), False), (chunky(sizes=(1, 4)), False), (b"HTTP/1.1 200 OK\r\n\r\n" + BODY, True),
                        (chunky(gzip.compress(BODY), extra="Content-Encoding: gzip\r\n"), False)):
        fixed(t, "/bytes", data, close, each=1)
        for path in ("/n/bytes", "/j/bytes", "/m/bytes"):
            a = t.gateway.ask(get(path))
            assert a.status == 200 and json.loads(a.body) in (json.loads(BODY), {"a": json.loads(BODY), "b": json.loads(BODY)}), (path, a.body)


def test_bodiless(t):
    for status in (204, 304):
        for extra in ("", "Content-Length: 5\r\n", "Content-Encoding: gzip\r\n"):
            fixed(t, "/bodiless", "HTTP/1.1 %d X\r\nX-A: b\r\n%s\r\n" % (status, extra))
            with t.gateway.client() as c:
                a = c.ask(get("/n/bodiless"))
                assert a.status == status and a.get("Content-Length") is None and a.get("Transfer-Encoding") is None, a.fields
                assert c.ask(get("/n/after")).status == 200
    fixed(t, "/bodiless", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Encoding: gzip\r\n\r\n")
    with t.gateway.client() as c:
        a = c.ask(get("/n/bodiless"))
        assert a.status == 200 and a.body == b""
        assert c.ask(get("/n/after")).status == 200
    fixed(t, "/bodiless", chunky(b"", extra="Content-Encoding: gzip\r\n"))
    with t.gateway.client() as c:
        a = c.ask(get("/n/bodiless"))
        assert a.status == 200 and a.body == b""
        assert c.ask(get("/n/after")).status == 200


def test_backend_asked_with_head(t):
    @t.backend.on("/h")
    def _(c, m):
        assert m.method == "HEAD"
        c.send("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 10\r\n\r\n")
    t.backend.forget()
    for _ in range(3):
        with t.gateway.client() as c:
            c.send(get("/head/h", "Connection: close\r\n"))
            m = c.head()
            assert m.status == 200 and m.get("X-A") == "b"
            assert c.everything(3) in (b"", b"0\r\n\r\n")
    assert len(set(t.backend.numbers("/h"))) <= 2, "a HEAD answer is complete with its head"  # one of each worker


def wrong(t, name, data, close=True, path="/n/wrong", statuses=(500,)):
    fixed(t, "/wrong", data, close)
    with t.gateway.client() as c:
        c.send(get(path))
        try:
            a = c.answer()
        except Closed:
            return "cut"
        assert a.status in statuses, (name, a.line)
        assert c.ask(get("/n/after")).status == 200, name
        return a


def test_wrong_heads(t):
    """A clean 500, and the client's connection goes on."""
    garbage = {
        "nothing": b"", "text": b"hello\r\n", "binary": bytes(range(256)), "html": b"<html></html>\r\n\r\n", "http/2": b"HTTP/2 200\r\n\r\n", "status word": b"HTTP/1.1 OK\r\n\r\n",
        "status 20": b"HTTP/1.1 20\r\n\r\n", "status 2000": b"HTTP/1.1 2000 X\r\n\r\n", "status 099": b"HTTP/1.1 099 X\r\n\r\n", "cut head": b"HTTP/1.1 200 OK\r\nContent-Len",
        "space before colon": b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "fold": b"HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", "bare lf": b"HTTP/1.1 200 OK\nX: y\n\n", "nul": b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        "cl and te": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "cl differ": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "cl negative": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "te unknown": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: cow\r\n\r\n", "switching": b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n",
        "endless line": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100000, "only interim": b"HTTP/1.1 100 Continue\r\n\r\n", "tls alert": b"\x15\x03\x01\x00\x02\x02\x46",
    }
    for name, data in garbage.items():
        for path in ("/n/wrong", "/j/wrong", "/m/wrong"):
            assert wrong(t, name, data, path=path) != "cut", (name, path)
    t.gateway.idle()


def test_large_head(t):
    """Up to 64 KiB pass (less what the gateway adds); more is a clean 500."""
    for n, good in ((1000, True), (40000, True), (64000, True), (70000, False), (200000, False)):
        data = ok(extra="X-Big: %s\r\n" % ("v" * n))
        for each in (0, 9000):
            fixed(t, "/wrong", data, True, each)
            a = t.gateway.ask(get("/n/wrong"))
            assert a.status == (200 if good else 500), (n, each, a.line)
            if good:
                assert len(a.get("X-Big")) == n and a.body == BODY
    fixed(t, "/wrong", ok(extra="".join("X-F%d: %d\r\n" % (i, i) for i in range(200))), True)
    assert len([n for n in t.gateway.ask(get("/n/wrong")).names() if n.startswith("X-F")]) == 200
    fixed(t, "/wrong", ok(extra="".join("X-F%d: %d\r\n" % (i, i) for i in range(1000))), True)
    assert t.gateway.ask(get("/n/wrong")).status in (200, 500)
    fixed(t, "/wrong", chunky(b"z" * 60000, (65536,), extra="x-low: %s\r\n" % ("v" * 60000)), True)
    assert t.gateway.ask(get("/n/wrong")).body == b"z" * 60000


def test_short_and_broken_bodies_are_visibly_cut(t):
    big = b"x" * 300000
    cases = {
        "short length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", "short large": b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + big,
        "chunked no end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "chunked in chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello",
        "chunked bad size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", "chunked last only": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "chunked overrun": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloo\r\n0\r\n\r\n",
        "gzip cut": ok(gzip.compress(os.urandom(5000))[:3000], "Content-Encoding: gzip\r\n"), "gzip crc": ok(gzip.compress(b"hello" * 100)[:-8] + b"\0" * 8, "Content-Encoding: gzip\r\n"),
        "gzip cut close": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(os.urandom(5000))[:3000],
        "gzip trailer cut": ok(gzip.compress(b"hello")[:-3], "Content-Encoding: gzip\r\n"), "gzip garbage behind": ok(gzip.compress(b"hello") + b"garbage!", "Content-Encoding: gzip\r\n"),
        "gzip second cut": chunky(gzip.compress(b"hello") + gzip.compress(b"world")[:-5], (1000,), extra="Content-Encoding: gzip\r\n"),
    }
    for name, data in cases.items():
        for split in (0, 40):
            @t.backend.on("/cutbody")
            def _(c, m):
                if split:
                    c.send(data[:-split])
                    time.sleep(0.01)
                    c.send(data[-split:])
                else:
                    c.send(data)
                return False
            with t.gateway.client() as c:
                c.send(get("/n/cutbody"))
                try:
                    a = c.answer()
                    assert a.status == 500 and name == "gzip crc", (name, split, a.line, a.body[:50])  # nothing had been said yet
                except Closed:
                    pass
            a = t.gateway.ask(get("/j/cutbody"))
            assert a.status == 500, (name, a.line)
            with t.gateway.client() as c:  # 1.0: the length says it, or nothing can
                c.send(get("/n/cutbody", version="1.0"))
                assert c.everything(3) is not None
    t.gateway.idle()


def test_not_gzip_at_all(t):
    fixed(t, "/nogzip", ok(b"this is no gzip", "Content-Encoding: gzip\r\n"))
    with t.gateway.client() as c:
        a = c.ask(get("/n/nogzip"))
        assert a.status == 500
    assert t.gateway.ask(get("/j/nogzip")).status == 500


def test_reset_in_a_body(t):
    for head in ("Content-Length: 100000", "Transfer-Encoding: chunked", "X-Until: close"):
        @t.backend.on("/reset")
        def _(c, m):
            c.send("HTTP/1.1 200 OK\r\n%s\r\n\r\n" % head)
            c.send(b"1000\r\n" + b"y" * 4096 + b"\r\n" if "chunked" in head else b"y" * 4096)
            time.sleep(0.05)
            c.reset()
            return False
        with t.gateway.client() as c:
            c.send(get("/n/reset"))
            try:
                c.answer()
                assert False, head
            except Closed as e:
                assert e.partial.status == 200
        assert t.gateway.ask(get("/j/reset")).status == 500
    t.gateway.idle()


def test_excess_bytes_end_the_connection(t):
    for name, data in {
        "length": ok() + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "chunked": chunky() + b"x", "bodiless": b"HTTP/1.1 204 X\r\n\r\nevil",
        "zero": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nevil", "304": b"HTTP/1.1 304 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    }.items():
        for path in ("/n/excess", "/j/excess"):
            for pause in (0, 0.03):
                sent = threading.Event()

                @t.backend.on("/excess")
                def _(c, m):
                    if pause:
                        at = len(data) - 1 if name == "chunked" else data.rindex(b"HTTP/1.1 200") if data.rindex(b"HTTP/1.1") else len(data) - 4
                        c.send(data[:at])
                        time.sleep(pause)
                        c.send(data[at:])
                    else:
                        c.send(data)
                    sent.set()
                t.backend.forget()
                with t.gateway.client() as c:
                    for _ in range(3):
                        a = c.ask(get(path))
                        assert a.status in (200, 204, 304, 500) and b"evil" not in a.body, (name, a.body)
                        sent.wait()
                        sent.clear()
                        time.sleep(pause)
                numbers = t.backend.numbers("/excess")
                assert len(set(numbers)) == len(numbers) == 3, (name, pause, numbers)
    t.gateway.idle()


def test_bytes_on_an_idle_connection(t):
    @t.backend.on("/unasked")
    def _(c, m):
        c.ok(BODY)
        time.sleep(0.02)
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    for _ in range(3):
        a = t.gateway.ask(get("/n/unasked"))
        assert a.body == BODY
        time.sleep(0.05)


def test_retry_on_a_stale_connection(t):
    """A kept connection that dies before a byte of the answer: what is safe is asked once more, on a new one; what is not gets a clean 500 or was
    never sent on the dead one."""
    for end in ("close", "reset"):
        count = {"n": 0}

        @t.backend.on("/stale")
        def _(c, m):
            count["n"] += 1
            if count["n"] % 2 == 0:  # the second request of the connection
                if end == "reset":
                    c.reset()
                return False
            c.ok(BODY)

        for request, retried in ((get("/n/stale"), True), (get("/j/stale"), True), ("DELETE /n/stale HTTP/1.1\r\nHost: gw\r\n\r\n", True),
                                 (post("/n/stale", "x").replace(b"POST", b"PUT"), True), (post("/n/stale", "x"), False), (post("/j/stale", "x"), False)):
            b = t.new_backend()
            b.scripts = t.backend.scripts
            g = t.start(usual_config(b.port))
            with g.client() as c:
                count["n"] = 0
                assert c.ask(get("/n/stale")).status == 200
                a = c.ask(request)
                if retried:
                    assert a.status == 200 and count["n"] == 3 and b.connections == 2, (end, request, a.line, count, b.connections)
                else:
                    assert a.status == 500 and count["n"] == 2, (end, request, a.line, count)
                assert c.ask(get("/__health")).status == 200
            g.idle()


def test_close_before_answer_on_a_new_connection(t):
    @t.backend.on("/dead")
    def _(c, m):
        return False
    for path in ("/n/dead", "/j/dead", "/m/dead"):
        t.backend.forget()
        with t.gateway.client() as c:
            assert c.ask(get(path, )).status == 500
            assert c.ask(post(path, "x")).status == 500
            assert c.ask(get("/n/after")).status == 200
        for m in t.backend.requests("/dead"):
            pass
        assert len(t.backend.requests("/dead")) <= 6
    t.gateway.idle()


def test_post_on_a_connection_that_was_closed_meanwhile(t):
    """The backend ended an idle connection: a POST takes a new one."""
    @t.backend.on("/once")
    def _(c, m):
        c.ok(BODY)
        return False
    with t.gateway.client() as c:
        for _ in range(20):
            assert c.ask(post("/n/once", "x")).status == 200
            time.sleep(0.005)  # its end has arrived by then; one that crosses the request on the way is a 500, as for everybody


def test_stalled_backend(t):
    """500 when the endpoint's time is over: before the answer, within a JSON body; a stream is cut."""
    g = t.start(usual_config(t.backend.port, timeout="500ms"))
    stalls = {"none": b"", "half head": b"HTTP/1.1 200 OK\r\nConten", "interim": b"HTTP/1.1 100 Continue\r\n\r\n", "head": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
              "half body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"a\"", "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\""}
    for name, data in stalls.items():
        closed = []

        @t.backend.on("/stall")
        def _(c, m):
            c.send(data)
            closed.append(c.wait_closed(3))
            return False
        for path in ("/n/stall", "/j/stall", "/m/stall"):
            closed.clear()
            begin = time.monotonic()
            with g.client() as c:
                c.send(get(path))
                if path == "/n/stall" and name in ("head", "half body", "chunk"):
                    try:
                        c.answer()
                        assert False, name
                    except Closed:
                        pass
                else:
                    a = c.answer()
                    assert a.status == 500, (name, path, a.line)
                    assert c.ask(get("/__health")).status == 200
            assert 0.3 < time.monotonic() - begin < 1.2 * SLOW, (name, path, time.monotonic() - begin)
            wait_until(lambda: closed and all(closed), 2)
    g.idle()


def test_error_answer_with_a_stalled_body(t):
    """The status is known: nobody waits for a body that is not wanted."""
    @t.backend.on("/errstall")
    def _(c, m):
        c.send("HTTP/1.1 503 X\r\nContent-Length: 100\r\n\r\nhal")
        c.wait_closed(4)
        return False
    g = t.start(usual_config(t.backend.port, timeout="3s"))
    for path in ("/j/errstall", "/m/errstall"):
        begin = time.monotonic()
        assert g.ask(get(path)).status == 500
        assert time.monotonic() - begin < 1 * SLOW, path


def test_gzip_verbatim_when_the_client_asked(t):
    packed = gzip.compress(BODY * 1000)
    fixed(t, "/packed", ok(packed, "Content-Encoding: gzip\r\n"))
    a = t.gateway.ask(get("/n/packed", "Accept-Encoding: gzip, br\r\n"))
    assert a.get("Content-Encoding") == "gzip" and a.body == packed and a.get("Content-Length") == str(len(packed))
    assert t.backend.requests("/packed")[-1].all("Accept-Encoding") == ["gzip, br"]
    a = t.gateway.ask(get("/n/packed"))
    assert a.get("Content-Encoding") is None and a.body == BODY * 1000 and a.get("Transfer-Encoding") == "chunked"
    assert t.backend.requests("/packed")[-1].all("Accept-Encoding") == ["gzip"]
    a = t.gateway.ask(get("/n/packed", version="1.0"))
    assert a.body == BODY * 1000 and a.get("Content-Encoding") is None


def test_gzip_shapes(t):
    text = bytes(random.Random(1).choices(b"abcdefgh \n", k=300000))
    members = b"".join(gzip.compress(text[i:i + 1000]) for i in range(0, len(text), 1000))
    for name, body in (("one", gzip.compress(text)), ("members", members), ("empty members", gzip.compress(b"") + gzip.compress(text) + gzip.compress(b"")),
                       ("stored", gzip.compress(text, 0))):
        for data, close in ((ok(body, "Content-Encoding: gzip\r\n"), False), (chunky(body, (4096, 1, 16384), extra="Content-Encoding: GZIP\r\n"), False),
                            (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + body, True)):
            fixed(t, "/shape", data, close)
            with t.gateway.client() as c:
                a = c.ask(get("/n/shape"))
                assert a.body == text, (name, len(a.body))
                assert c.ask(get("/n/after")).status == 200


def test_gzip_members_that_end_with_a_segment(t):
    """A member's end at the end of what was read is not the end of the body."""
    pieces = [b"hello ", b"gzip ", b"world"]
    framed = [gzip.compress(p) for p in pieces]

    @t.backend.on("/segments")
    def _(c, m):
        c.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % sum(map(len, framed)))
        for f in framed:
            c.send(f)
            time.sleep(0.03)
    t.backend.forget()
    with t.gateway.client() as c:
        for _ in range(2):
            a = c.ask(get("/n/segments"))
            assert a.body == b"hello gzip world", a.body
    assert len(set(t.backend.numbers("/segments"))) == 1


def test_gzip_connection_is_kept(t):
    fixed(t, "/kept", chunky(gzip.compress(BODY), extra="Content-Encoding: gzip\r\n"))
    t.backend.forget()
    with t.gateway.client() as c:
        for _ in range(5):
            assert c.ask(get("/n/kept")).body == BODY
    assert len(set(t.backend.numbers("/kept"))) == 1


def test_gzip_events_come_one_by_one(t):
    import zlib
    step = threading.Semaphore(0)

    @t.backend.on("/events")
    def _(c, m):
        z = zlib.compressobj(6, zlib.DEFLATED, 31)
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(5):
            data = z.compress(b"data: %d\n\n" % i) + z.flush(zlib.Z_SYNC_FLUSH)
            c.send(b"%x\r\n%s\r\n" % (len(data), data))
            step.acquire(timeout=5)
        data = z.flush()
        c.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))
    with t.gateway.client() as c:
        c.send(get("/n/events"))
        m = c.head()
        assert m.get("Content-Type") == "text/event-stream"
        for i in range(5):
            assert c.exactly(int(c.line(), 16)) == b"data: %d\n\n" % i
            c.exactly(2)
            step.release()
        assert c.line() == b"0"


def test_gzip_twenty_megabytes(t):
    rnd = random.Random(2)
    block = bytes(rnd.choices(b"abcdefghijklmnopqrstuvwxyz", k=1 << 16))
    text = block * 320
    packed = gzip.compress(text, 1)

    @t.backend.on("/twenty")
    def _(c, m):
        c.sock.settimeout(20)
        c.ok(packed, "Content-Encoding: gzip\r\n")
    t.gateway.ask(get("/n/warm"))
    before = t.gateway.rss()
    with t.gateway.client() as c:
        assert c.ask(get("/n/twenty")).body == text
    assert t.gateway.rss() - before < 6 * 1024 * 1024 * SLOW


def test_backend_body_limit(t):
    g = t.start(usual_config(t.backend.port, extra_config={"gladius/limits": {"max_backend_body": "1MiB"}}))
    big = json.dumps({"a": "x" * 2000000}).encode()
    small = json.dumps({"a": "x" * 900000}).encode()
    for data, status in ((ok(small), 200), (chunky(small, (60000,)), 200), (ok(gzip.compress(small), "Content-Encoding: gzip\r\n"), 200), (ok(big), 500), (chunky(big, (60000,)), 500),
                         (ok(gzip.compress(big), "Content-Encoding: gzip\r\n"), 500), (ok(gzip.compress(b"[" + b"0," * 30000000 + b"0]"), "Content-Encoding: gzip\r\n"), 500)):
        fixed(t, "/limit", data, True)
        for path in ("/j/limit", "/m/limit"):
            assert g.ask(get(path)).status == status
    assert g.rss() < 60 * 1024 * 1024 * SLOW, g.rss()
    assert g.idle()["memory_budget_used"] == 0


def test_redirects(t):
    b2 = t.new_backend()
    for status in (301, 302, 303, 307, 308):
        for location, final in (("/final", "/final"), ("final?x=1", "/final?x=1"), ("./a/../final", "/final"), ("http://127.0.0.1:%d/other" % t.backend.port, "/other"),
                                ("//127.0.0.1:%d/other" % t.backend.port, "/other"), ("?q=2", "/redir?q=2"), ("/with blank", "/with%20blank"), ("/frag#ment", "/frag")):
            @t.backend.on("/redir")
            def _(c, m):
                if "q=2" in m.target:
                    return c.ok(json.dumps({"path": m.target}))
                body = b"moved" * 10
                c.send(("HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: %d\r\n\r\n" % (status, location, len(body))).encode() + body)
            for path in ("/n/redir", "/j/redir"):
                t.backend.forget()
                a = t.gateway.ask(get(path, "Accept-Encoding: identity\r\n"))
                assert a.status == 200 and json.loads(a.body)["path"] == final, (status, location, a.line, a.body)
                last = t.backend.requests()[-1]
                assert last.method == "GET" and last.get("Referer", ) == "http://127.0.0.1:%d/redir" % t.backend.port
    # Methods and bodies.
    for status in (301, 302, 303, 307, 308):
        fixed(t, "/redir", "HTTP/1.1 %d X\r\nLocation: /final\r\nContent-Length: 0\r\n\r\n" % status)
        t.backend.forget()
        a = t.gateway.ask(post("/n/redir", "hello"))
        if status < 304:
            assert a.status == 200 and t.backend.requests("/final")[-1].method == "GET" and not t.backend.requests("/final")[-1].body
            assert t.backend.requests("/final")[-1].get("Content-Length") is None
        else:
            assert a.status == status and not t.backend.requests("/final")
    # To another host, and on from there: what is secret stays behind for good.
    fixed(t, "/redir", "HTTP/1.1 302 X\r\nLocation: http://localhost:%d/second\r\nContent-Length: 0\r\n\r\n" % b2.port)

    @b2.on("/second")
    def _(c, m):
        c.send("HTTP/1.1 302 X\r\nLocation: /third\r\nContent-Length: 0\r\n\r\n")
    a = t.gateway.ask(get("/n/redir", "Authorization: Basic x\r\nCookie: a=b\r\nX-Plain: y\r\n"))
    assert a.status == 200
    assert t.backend.requests("/redir")[-1].get("Authorization") == "Basic x"
    for path in ("/second", "/third"):
        m = b2.requests(path)[-1]
        assert m.get("Authorization") is None and m.get("Cookie") is None and m.get("X-Plain") == "y", (path, m.fields)
        assert m.get("Host") == "localhost:%d" % b2.port
    # Loops, and no place at all.
    fixed(t, "/redir", "HTTP/1.1 302 X\r\nLocation: /redir\r\nContent-Length: 0\r\n\r\n")
    t.backend.forget()
    assert t.gateway.ask(get("/n/redir")).status == 500
    assert len(t.backend.requests("/redir")) == 10
    for location, status in (("http://", (500, 302)), ("ftp://x/y", (500,)), ("http://127.0.0.1:%d/" % free_port(), (500,)), ("http://127.0.0.1:99999/", (500,)), ("http://[::1/", (500,))):
        fixed(t, "/redir", "HTTP/1.1 302 X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location)
        assert t.gateway.ask(get("/n/redir")).status in status, location
    fixed(t, "/redir", "HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n")
    assert t.gateway.ask(get("/n/redir")).status == 302
    t.gateway.idle()


def test_location_with_a_bad_host(t):
    """The words of Go's URL parser, for a client that is told."""
    fixed(t, "/redir", "HTTP/1.1 302 X\r\nLocation: http://[bad\r\nContent-Length: 0\r\n\r\n")
    a = t.gateway.ask(get("/n/redir"))
    assert a.status == 500
    if a.body:
        assert b"missing ']' in host" in a.body, a.body


def test_type_guessed_from_a_body_that_comes_later(t):
    """The head and the body in two segments, gzipped or not: as in one."""
    packed = gzip.compress(b"<html><body>x</body></html>")
    for coding, body, kind in (("", b"hello", "text/plain; charset=utf-8"), ("", b"<html><p>", "text/html; charset=utf-8"), ("Content-Encoding: gzip\r\n", packed, "text/html; charset=utf-8")):
        for framing in ("Content-Length: %d\r\n" % len(body), "Transfer-Encoding: chunked\r\n"):
            for pause in (0, 0.15):
                @t.backend.on("/later")
                def _(c, m):
                    c.send(("HTTP/1.1 200 OK\r\n" + coding + framing + "\r\n").encode())
                    time.sleep(pause)
                    c.send(body if "Length" in framing else b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
                a = t.gateway.ask(get("/n/later"))
                assert a.status == 200 and a.get("Content-Type") == kind, (coding, framing, pause, a.raw_head)
                assert a.body == (b"<html><body>x</body></html>" if coding else body)
    # Nothing to guess from.
    @t.backend.on("/later")
    def _(c, m):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        time.sleep(0.1)
        c.send(b"0\r\n\r\n")
    a = t.gateway.ask(get("/n/later"))
    assert a.status == 200 and a.get("Content-Type") is None and a.body == b"", a.raw_head


def test_empty_accept_encoding_of_the_client(t):
    """Go's client looks at the first of several fields: an empty one is none."""
    for lines, ours in (("Accept-Encoding:\r\nAccept-Encoding: x\r\n", True), ("Accept-Encoding: x\r\nAccept-Encoding:\r\n", False), ("Accept-Encoding:\r\n", True)):
        t.backend.forget()
        assert t.gateway.ask(get("/n/ae", lines)).status == 200
        values = [v for k, v in t.backend.requests()[-1].fields if k == "Accept-Encoding"]
        assert (values[-1:] == ["gzip"]) == ours, values


def test_locations_become_valid_targets(t):
    """What a backend writes into Location never breaks the next request line."""
    for location, target in (("/x y", "/x%20y"), ("/x\xe9", "/x%E9"), ("/a%20b?q=1 2", "/a%20b?q=1%202"), ("/a\tb", None), ("/%zz", None),
                             ("http://127.0.0.1:%d/a HTTP/1.1" % t.backend.port, "/a%20HTTP/1.1"), ("?q=1", "/where?q=1")):
        t.backend.forget()

        @t.backend.on("/where")
        def _(c, m, location=location):
            if "?" in m.target:
                c.ok()
            else:
                c.send("HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location)
        a = t.gateway.ask(get("/n/where"))
        assert a.status == (200 if target else 500), (location, a.line)
        assert [m.target for m in t.backend.requests()][1:] == ([target] if target else []), location


def test_redirect_with_a_large_or_endless_body(t):
    @t.backend.on("/redir")
    def _(c, m):
        c.send("HTTP/1.1 302 X\r\nLocation: /final\r\nContent-Length: 100000000\r\n\r\nabc")
        c.wait_closed()
        return False
    begin = time.monotonic()
    assert t.gateway.ask(get("/n/redir")).status == 200
    assert time.monotonic() - begin < 2 * SLOW


def test_redirect_while_the_upload_is_running(t):
    """The backend sends the client elsewhere without reading the body: that answer counts, not the broken upload."""
    @t.backend.on("/early302", raw=True)
    def _(c, m):
        c.send("HTTP/1.1 303 X\r\nLocation: /final\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        c.wait_closed(2)
        return False
    for path in ("/n/early302", "/j/early302"):
        with t.gateway.client() as c:
            c.send("POST %s HTTP/1.1\r\nHost: gw\r\nContent-Length: 1000\r\n\r\nabc" % path)
            a = c.answer()
            assert a.status == 200, (path, a.line)
            assert c.at_end(3)
    t.gateway.idle()


def test_early_answer(t):
    """413 while the upload is still running: the client reads it although its body was not taken."""
    for size in (1000, 50000000):
        for end in ("close", "keep"):
            @t.backend.on("/early413", raw=True)
            def _(c, m):
                c.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n%s\r\nbig" % ("Connection: close\r\n" if end == "close" else ""))
                if end == "keep":
                    c.wait_closed(3)
                return False
            for path, status in (("/n/early413", 413), ("/j/early413", 500)):
                with t.gateway.client() as c:
                    c.send("POST %s HTTP/1.1\r\nHost: gw\r\nContent-Length: %d\r\n\r\n" % (path, size))
                    sender = threading.Thread(target=lambda: quietly(c, b"x" * (min(size, 3000000) - 10)), daemon=True)
                    sender.start()
                    a = c.answer()
                    assert a.status == status, (path, a.line)
                    assert a.get("Connection") == "close"
                    assert c.at_end(4)
                    sender.join(5)
    t.gateway.idle()


def quietly(c, data):
    try:
        c.send(data)
    except OSError:
        pass


def test_answer_before_the_upload_ends_and_then_more(t):
    """An answer may begin before the request ended: both go on."""
    @t.backend.on("/both", raw=True)
    def _(c, m):
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        got = c.exactly(10)
        c.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(got), got))
    with t.gateway.client() as c:
        c.send("POST /n/both HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\n01234")
        m = c.head()
        assert m.status == 200
        c.send("56789")
        c.read_body(m)
        assert m.body == b"first0123456789"


def test_connections_are_kept(t):
    g = t.start(usual_config(t.backend.port), arguments=())
    t.backend.forget()
    with g.client() as c:
        for i in range(50):
            assert c.ask(get("/n/keep")).status == 200
            assert c.ask(get("/j/keep")).status == 200
    assert len(set(t.backend.numbers("/keep"))) == 1
    t.backend.forget()
    fixed(t, "/closing", ok(extra="Connection: close\r\n"), True)
    with g.client() as c:
        for i in range(5):
            a = c.ask(get("/n/closing"))
            assert a.status == 200 and a.get("Connection") is None
    numbers = t.backend.numbers("/closing")
    assert len(set(numbers)) == 5
    fixed(t, "/old", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}")
    t.backend.forget()
    with g.client() as c:
        for i in range(5):
            assert c.ask(get("/n/old")).status == 200
    assert len(set(t.backend.numbers("/old"))) == 1
    g.idle()


def test_disable_keep_alives(t):
    g = t.start(usual_config(t.backend.port, disable_keep_alives=True))
    t.backend.forget()
    with g.client() as c:
        for _ in range(5):
            assert c.ask(get("/n/nokeep")).status == 200
    seen = t.backend.requests("/nokeep")
    assert len(set(t.backend.numbers("/nokeep"))) == 5 and all(m.get("Connection") == "close" for m in seen)
    assert g.idle()["backend_connections_idle"] == 0


def test_max_idle_connections(t):
    def concurrent(g, n):
        gate = threading.Barrier(n)

        @t.backend.on("/par")
        def _(c, m):
            gate.wait(5)
            c.ok("{}")
        clients = [g.client() for _ in range(n)]
        for c in clients:
            c.send(get("/n/par"))
        for c in clients:
            assert c.answer().status == 200
            c.close()
    g = t.start(usual_config(t.backend.port, max_idle_connections_per_host=4))
    concurrent(g, 20)
    workers = 2
    assert g.idle()["backend_connections_idle"] <= 4 + workers
    g = t.start(usual_config(t.backend.port))
    concurrent(g, 20)
    assert g.idle()["backend_connections_idle"] == 20


def test_idle_connection_timeout(t):
    g = t.start(usual_config(t.backend.port, idle_connection_timeout="1s"))
    g.ask(get("/n/a"))
    g.idle()
    wait_until(lambda: g.counters()["backend_connections_idle"] == 0, 4, 0.2)


def test_response_header_timeout(t):
    @t.backend.on("/late")
    def _(c, m):
        c.wait_closed(3)
        return False
    g = t.start(usual_config(t.backend.port, response_header_timeout="300ms", timeout="3s"))
    for path in ("/n/late", "/j/late"):
        begin = time.monotonic()
        assert g.ask(get(path)).status == 500
        assert 0.25 < time.monotonic() - begin < 1.5 * SLOW
    wait_until(lambda: "timeout awaiting response headers" in g.log())


def test_dialer_timeout(t):
    """A listening socket whose backlog is full: the kernel drops what comes."""
    s = socket.socket()
    s.bind(("127.0.0.1", free_port()))
    s.listen(0)
    fill = []
    for _ in range(4):
        f = socket.socket()
        f.setblocking(False)
        try:
            f.connect(s.getsockname())
        except BlockingIOError:
            pass
        fill.append(f)
    time.sleep(0.1)
    g = t.start(usual_config(s.getsockname()[1], dialer_timeout="300ms", timeout="3s"))
    for path in ("/n/a", "/j/a", "/m/a"):
        begin = time.monotonic()
        assert g.ask(get(path)).status == 500
        assert 0.25 < time.monotonic() - begin < 1.5 * SLOW, time.monotonic() - begin
    wait_until(lambda: "i/o timeout" in g.log())
    # And the endpoint's time, when it is shorter.
    g = t.start(usual_config(s.getsockname()[1], dialer_timeout="3s", timeout="300ms"))
    begin = time.monotonic()
    assert g.ask(get("/n/a")).status == 500
    assert time.monotonic() - begin < 1.5 * SLOW
    assert g.idle()["backend_connections_open"] == 0
    for f in fill:
        f.close()
    s.close()


def test_refused(t):
    g = t.start(usual_config(free_port()))
    for path in ("/n/a", "/j/a", "/m/a"):
        with g.client() as c:
            assert c.ask(get(path)).status == 500
            assert c.ask(post(path, "x" * 100000)).status == 500
            assert c.ask(get("/__health")).status == 200
    wait_until(lambda: "connection refused" in g.log())
    assert g.idle()["backend_connections_open"] == 0


def test_backend_restarts(t):
    b = Backend()
    g = t.start(usual_config(b.port))
    port = b.port
    with g.client() as c:
        assert c.ask(get("/n/a")).status == 200
        b.stop()
        wait_until(lambda: g.counters()["backend_connections_idle"] == 1)
    # The port again, by another backend: warm connections of the old one may still be used, nothing fails.
    b2 = None

    def bound():
        nonlocal b2
        try:
            b2 = Backend(port)
            return True
        except OSError:
            return False
    wait_until(bound)
    with g.client() as c:
        for _ in range(5):
            assert c.ask(get("/n/a")).status == 200
    b2.stop()


def test_slow_head_in_many_pieces_costs_linear_time(t):
    data = ok(extra="".join("X-F%d: %s\r\n" % (i, "v" * 200) for i in range(200)))

    @t.backend.on("/pieces")
    def _(c, m):
        c.send(data, each=10)
    before = t.gateway.cpu_seconds()
    assert t.gateway.ask(get("/n/pieces")).status == 200
    assert t.gateway.cpu_seconds() - before < 2 * SLOW


def test_interim_answers(t):
    """However they come, they are left out; a backend that sends nothing else is given up."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
    for n in (1, 2, 7, 500):
        for each in (0, 50, 4001):
            fixed(t, "/interim", early * n + ok(), False, each)
            for path in ("/n/interim", "/j/interim"):
                a = t.gateway.ask(get(path))
                assert a.status == 200 and (a.body == BODY or path[1] == "j"), (n, each, path, a.line)

    @t.backend.on("/endless")
    def _(c, m):
        while True:
            c.send(early * 1000)
    before = t.gateway.cpu_seconds()
    start = time.monotonic()
    assert t.gateway.ask(get("/n/endless")).status == 500
    assert time.monotonic() - start < 2 * SLOW and t.gateway.cpu_seconds() - before < 0.5 * SLOW
    t.gateway.idle()


def test_body_sent_again_on_redirect(t):
    backends = [{"url_pattern": "/{p}", "host": ["http://127.0.0.1:%d" % t.backend.port], "method": "POST", "encoding": "no-op",
                 "extra_config": {"backend/http/client": {"send_body_on_redirect": True}}}]
    config = usual_config(t.backend.port, timeout="700ms")
    config["endpoints"].append(endpoint("/again/{p}", t.backend.port, method="POST", backends=backends, output_encoding="no-op", input_headers=["*"]))
    g = t.start(config)
    fixed(t, "/moved", "HTTP/1.1 307 X\r\nLocation: /target\r\nContent-Length: 0\r\n\r\n")
    for body in (b"hello", b"y" * 300000):
        t.backend.forget()
        with g.client() as c:
            a = c.ask(post("/again/moved", body))
            if a.status == 200:
                assert [m.body for m in t.backend.requests()] == [body, body]
            else:
                assert a.status == 307, a.line
    with g.client() as c:  # the body never comes
        c.send("POST /again/moved HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\nabc")
        assert c.answer().status in (500, 307)
    g.idle()
