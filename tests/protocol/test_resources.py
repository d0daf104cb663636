"""Whatever clients and backends do, nothing is left behind: connections, descriptors, exchanges, budget, memory."""
import gzip
import os
import random
import socket
import threading
import time

from harness import SLOW, Closed, chunked, get, post, usual_config, wait_until


# A sanitizer build has red zones and a quarantine of its own in the same memory: there only a leak would be seen.
ROOM = 1 if SLOW == 1 else 8


def baseline(g):
    c = g.idle(10)
    assert c["memory_budget_used"] == 0, c
    return g.fds() - c["backend_connections_idle"]


def back_to(g, before):
    """The same descriptors as before. A connection that the kernel still held when the counters were read may come and go."""
    try:
        wait_until(lambda: baseline(g) == before)
    except AssertionError:
        raise AssertionError((before, g.open_files(), g.counters()))


def test_chaos(t):
    """Many connections at once, each side doing one of its bad things at a random moment."""
    rnd = random.Random(7)
    packed = gzip.compress(os.urandom(20000) + b"a" * 200000)
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b'{"a":"' + b"b" * 70000 + b'"}', (1, 1000, 30000)),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 200000,
        b"HTTP/1.1 500 X\r\nContent-Length: 3\r\n\r\nbad",
        b"HTTP/1.1 302 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 X\r\n\r\n",
        b"garbage\r\n\r\n",
    ]

    @t.backend.on("/chaos", raw=True)
    def _(c, m):
        r = random.Random()
        if r.random() < 0.5:  # takes the body first
            c.read_body(m, request=True)
        data = r.choice(answers)
        cut = r.random() < 0.4
        if cut:
            data = data[:r.randrange(len(data))]
        at = r.randrange(len(data)) if data else 0
        c.send(data[:at])
        time.sleep(r.choice((0, 0.001, 0.02)))
        c.send(data[at:])
        if cut and r.random() < 0.5:
            c.reset()
        return not cut and not data.startswith(b"HTTP/1.1 200 OK\r\n\r\n") and bool(m.complete or not (m.get("Content-Length") or m.get("Transfer-Encoding")))

    g = t.start(usual_config(t.backend.port, timeout="700ms"))
    g.ask(get("/n/warm"))
    before = baseline(g)
    rss = 0

    def client(seed):
        r = random.Random(seed)
        for _ in range(25):
            try:
                c = g.client(timeout=3, rcvbuf=r.choice((None, 4096)))
            except OSError:
                continue
            try:
                request = b""
                for _ in range(r.choice((1, 1, 3))):
                    path = r.choice(("/n/chaos", "/j/chaos", "/m/chaos", "/__health", "/nowhere"))
                    extra = r.choice(("", "Accept-Encoding: gzip\r\n", "Connection: close\r\n"))
                    kind = r.randrange(4)
                    if kind == 0 or path in ("/__health", "/nowhere"):
                        request += get(path, extra).encode()
                    elif kind == 1:
                        request += post(path, b"x" * r.choice((5, 3000, 300000)), extra)
                    elif kind == 2:
                        request += ("POST %s HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n%s\r\n" % (path, extra)).encode() + chunked(b"z" * 20000, (1000, 7))
                    else:
                        request += post(path, b"x" * 10, "Expect: 100-continue\r\n" + extra)
                if r.random() < 0.3:
                    request = request[:r.randrange(len(request))]
                at = r.randrange(len(request)) if request else 0
                c.send(request[:at])
                time.sleep(r.choice((0, 0.001, 0.01)))
                c.send(request[at:])
                end = r.random()
                if end < 0.2:
                    c.reset()
                elif end < 0.3:
                    c.sock.shutdown(socket.SHUT_WR)
                    c.everything(1)
                elif end < 0.5:
                    pass
                else:
                    c.sock.settimeout(r.choice((0.01, 0.2, 1)))
                    c.sock.recv(r.choice((10, 100000)))
            except (OSError, Closed):
                pass
            finally:
                c.close()
    threads = [threading.Thread(target=client, args=(rnd.random(),)) for _ in range(16)]
    for x in threads:
        x.start()
    for x in threads:
        x.join()
    back_to(g, before)
    assert g.counters()["bugs"] == 0
    assert g.rss() < 60 * 1024 * 1024 * SLOW, g.rss()


def test_gzip_clients_that_leave(t):
    packed = gzip.compress(b"a" * 30000000)

    @t.backend.on("/bomb")
    def _(c, m):
        c.ok(packed, "Content-Encoding: gzip\r\n")
    g = t.start(usual_config(t.backend.port, timeout="700ms"))
    g.ask(get("/__health"))
    before = baseline(g)
    for how in range(30):
        c = g.client(rcvbuf=4096)
        c.send(get("/n/bomb"))
        c.sock.recv(1000)
        if how % 2:
            c.reset()
        else:
            c.close()
    back_to(g, before)
    assert g.rss() < 40 * 1024 * 1024 * SLOW


def test_memory_budget(t):
    """What does not fit gets 503 and says why; all of it is given back."""
    body = b'{"a":"' + b"x" * (8 << 20) + b'"}'

    @t.backend.on("/eight")
    def _(c, m):
        c.sock.settimeout(15)
        c.ok(body)
    config = usual_config(t.backend.port, timeout="20s", extra_config={"gladius/limits": {"max_memory": 64 << 20}, "router": {"return_error_msg": True}})
    g = t.start(config)
    g.ask(get("/__health"))
    clients = [g.client(timeout=20, rcvbuf=4096) for _ in range(20)]
    for c in clients:
        c.send(get("/j/eight"))
    time.sleep(1)
    assert g.rss() < 150 * 1024 * 1024 * SLOW, g.rss()
    statuses = []
    for c in clients:
        a = c.answer()
        statuses.append(a.status)
        if a.status == 503:
            assert b"memory budget" in a.body
        c.close()
    assert set(statuses) <= {200, 503} and 200 in statuses and 503 in statuses, statuses
    c = g.idle()
    assert c["memory_budget_used"] == 0 and c["memory_budget_refused"] > 0
    a = g.ask(get("/j/eight"))
    assert a.status == 200 and len(a.body) > 8 << 20


def test_request_bodies_count_against_the_budget(t):
    """A body that is buffered for several backends, or to be sent again, is not for free."""
    config = usual_config(t.backend.port, timeout="20s", extra_config={"gladius/limits": {"max_memory": 64 << 20}})
    again = {"url_pattern": "/{p}", "host": ["http://127.0.0.1:%d" % t.backend.port], "method": "POST", "encoding": "no-op",
             "extra_config": {"backend/http/client": {"send_body_on_redirect": True}}}
    config["endpoints"].append({"endpoint": "/again/{p}", "method": "POST", "output_encoding": "no-op", "backend": [again]})
    g = t.start(config)
    big = b"x" * (60 << 20)
    for path in ("/m/a", "/again/a"):
        with g.client() as c:
            try:
                c.send(post(path, big))
            except OSError:
                pass
            a = c.answer()
            assert a.status in (413, 503), (path, a.line)
    assert g.rss() < 120 * 1024 * 1024 * SLOW, g.rss()
    assert g.idle()["memory_budget_used"] == 0


def test_heads_count_against_the_budget(t):
    """Beginnings of large heads, and whole ones whose requests run: what does not fit is told so, or closed."""
    @t.backend.on("/waits")
    def _(c, m):
        time.sleep(1)
        c.ok()
    g = t.start(usual_config(t.backend.port, extra_config={"gladius/limits": {"max_memory": 32 << 20}}))
    lines = b"".join(b"X%d: %s\r\n" % (i, b"v" * 7900) for i in range(120))
    for end in (b"", b"\r\n"):
        clients = []
        for _ in range(150):
            c = g.client()
            try:
                c.send(b"GET /n/waits HTTP/1.1\r\nHost: x\r\n" + lines + end)
            except OSError:
                pass
            clients.append(c)
        wait_until(lambda: g.counters()["memory_budget_refused"] > 0)
        assert g.rss() < 100 * 1024 * 1024 * SLOW, g.rss()
        refused = [c for c in clients if (c.everything(0.1) or b"").startswith(b"HTTP/1.1 503 ")]
        assert refused
        for c in clients:
            c.close()
        assert g.idle()["memory_budget_used"] == 0
        assert g.ask(get("/n/after")).status == 200


def test_echoed_bodies_count_against_the_budget(t):
    g = t.start(usual_config(t.backend.port, echo_endpoint=True, debug_endpoint=True, extra_config={"gladius/limits": {"max_memory": 32 << 20}}))
    for path in ("/__echo/", "/__debug/"):
        with g.client() as c:
            assert c.ask(post(path, b"x" * 100_000)).status == 200
            try:
                c.send(post(path, b"x" * (12 << 20)))
            except OSError:
                pass
            assert c.answer().status == 503, path
    assert g.idle()["memory_budget_used"] == 0


def test_many_idle_connections(t):
    g = t.start(usual_config(t.backend.port))
    g.ask(get("/n/a"))
    before = baseline(g)
    rss = g.rss()
    clients = []
    for _ in range(2000):
        c = g.client()
        clients.append(c)
        c.send(get("/__health"))
    for c in clients:
        assert c.answer().status == 200
    assert (g.rss() - rss) / 2000 < 4096 * ROOM, (g.rss() - rss) / 2000
    for c in clients:
        c.close()
    back_to(g, before)


def test_slow_heads_cost_little(t):
    """Heads that are not complete: a small buffer each."""
    g = t.start(usual_config(t.backend.port))
    g.ask(get("/n/a"))
    rss = g.rss()
    clients = [g.client() for _ in range(1000)]
    for c in clients:
        c.send("GET /n/a HTTP/1.1\r\nHost: gw\r\nX-Slow: ")
    time.sleep(0.3)
    assert (g.rss() - rss) / 1000 < 4096 * ROOM
    for c in clients:
        c.close()
    g.idle()
