"""Start, reload, drain: ledger 1 sections 3.1 and 3.5, docs/architecture.md (life cycle)."""
import json
import os
import signal
import socket
import threading
import time

from harness import SLOW, Client, Closed, ends, endpoint, free_port, get, post, usual_config, wait_until


def slow_script(t, path, seconds=0.5, body=b"{}"):
    started = threading.Event()

    @t.backend.on(path)
    def _(c, m):
        started.set()
        time.sleep(seconds)
        c.ok(body)
    return started


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return False
    except OSError:
        return True


@ends
def test_drain(t):
    started = slow_script(t, "/slow", 0.8)
    g = t.start(usual_config(t.backend.port))
    idle = g.client()
    assert idle.ask(get("/n/a")).status == 200
    fresh = g.client()
    running = [g.client() for _ in range(3)]
    for c, path in zip(running, ("/n/slow", "/j/slow", "/m/slow")):
        c.send(get(path))
    wait_until(started.is_set)
    time.sleep(0.05)
    g.signal(signal.SIGTERM)
    assert idle.at_end(1), "idle connections end at once"
    assert fresh.at_end(1)
    wait_until(lambda: refused(g.port), 1)
    for c in running:
        a = c.answer()
        assert a.status == 200 and a.get("Connection") == "close" and c.at_end(2)
    assert g.process.wait(3 * SLOW) == 0
    assert "Router execution ended" in g.log()


@ends
def test_drain_lets_a_stream_finish(t):
    step = threading.Semaphore(0)

    @t.backend.on("/stream")
    def _(c, m):
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        step.acquire(timeout=5)
        c.send("6\r\nsecond\r\n0\r\n\r\n")
    g = t.start(usual_config(t.backend.port))
    with g.client() as c:
        c.send(get("/n/stream"))
        m = c.head()
        g.signal(signal.SIGTERM)
        wait_until(lambda: refused(g.port), 1)
        step.release()
        c.read_body(m)
        assert m.body == b"firstsecond"
        assert c.at_end(2)  # although the head had said keep-alive
    assert g.process.wait(3 * SLOW) == 0


@ends
def test_drain_has_an_end(t):
    started = slow_script(t, "/slow", 5)
    g = t.start(usual_config(t.backend.port, max_shutdown_wait_time="400ms", timeout="10s"))
    with g.client() as c:
        c.send(get("/n/slow"))
        wait_until(started.is_set)
        begin = time.monotonic()
        g.signal(signal.SIGTERM)
        c.everything(3)
        g.process.wait(3 * SLOW)
        assert 0.3 < time.monotonic() - begin < 1.5 * SLOW
    assert "were cut" in g.log()


@ends
def test_second_signal_ends_at_once(t):
    started = slow_script(t, "/slow", 5)
    g = t.start(usual_config(t.backend.port, timeout="10s"))
    with g.client() as c:
        c.send(get("/n/slow"))
        wait_until(started.is_set)
        g.signal(signal.SIGTERM)
        wait_until(lambda: "intercepted" in g.log())
        begin = time.monotonic()
        g.signal(signal.SIGTERM)
        g.process.wait(2 * SLOW)
        assert time.monotonic() - begin < 1.5 * SLOW


@ends
def test_interrupt_without_connections(t):
    g = t.start(usual_config(t.backend.port))
    g.signal(signal.SIGINT)
    assert g.process.wait(2 * SLOW) == 0


@ends
def test_drain_with_half_a_head(t):
    """A head that never ends does not hold the drain longer than its limit."""
    g = t.start(usual_config(t.backend.port, max_shutdown_wait_time="500ms"))
    with g.client() as c:
        c.send("GET /n/a HTTP/1.1\r\nHo")
        time.sleep(0.05)
        g.signal(signal.SIGTERM)
        g.process.wait(3 * SLOW)


def one(port, version, path="/v/a"):
    config = usual_config(port)
    config["endpoints"].append(endpoint(path, port, "/v%d" % version, encoding="no-op"))
    return config


def test_reload(t):
    for v in (1, 2, 3):
        t.backend.on("/v%d" % v, lambda c, m, v=v: c.ok("v%d" % v))
    config = one(t.backend.port, 1)
    g = t.start(config)
    with g.client() as c:
        assert c.ask(get("/v/a")).body == b"v1"
        for v in (2, 3, 1):
            new = one(t.backend.port, v)
            new["port"] = g.port
            g.reload(new)
            assert c.ask(get("/v/a")).body == b"v%d" % v  # the same connection
            assert g.ask(get("/v/a")).body == b"v%d" % v
        for bad in ("", "{", '{"version": 2}', "null", '{"version":3,"endpoints":[{"endpoint":"x"}]}', "\0\0\0", "[" * 100000):
            g.reload(bad)
            assert c.ask(get("/v/a")).body == b"v1"
        assert "refused, the old configuration goes on serving" in g.log()
        n = g.counters()
        assert n["reloads"] == 3 and n["reloads_failed"] == 7, n
        os.unlink(g.file)
        done = g.log().count("Reload (")
        g.signal(signal.SIGHUP)
        wait_until(lambda: g.log().count("Reload (") > done)
        assert c.ask(get("/v/a")).body == b"v1"


def test_reload_keeps_warm_connections(t):
    g = t.start(usual_config(t.backend.port))
    with g.client() as c:
        c.ask(get("/n/warm1"))
        new = usual_config(t.backend.port, timeout="4s")
        new["port"] = g.port
        g.reload(new)
        c.ask(get("/n/warm2"))
    assert t.backend.numbers("/warm1") == t.backend.numbers("/warm2")
    other = t.new_backend()
    new = usual_config(other.port)
    new["port"] = g.port
    g.reload(new)
    g.ask(get("/n/a"))
    wait_until(lambda: g.counters()["backend_connections_open"] == 1)  # those of the host that left are closed


def test_running_exchanges_survive_a_reload(t):
    """A download, a gzip stream, an upload and a waiting request go on while their endpoint and backend go away."""
    gate = threading.Event()
    count = threading.Semaphore(0)

    @t.backend.on("/download")
    def _(c, m):
        c.sock.settimeout(10)
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        count.release()
        gate.wait(8)
        for _ in range(100):
            c.send(b"2710\r\n" + b"z" * 10000 + b"\r\n")
        c.send("0\r\n\r\n")

    @t.backend.on("/wait")
    def _(c, m):
        count.release()
        gate.wait(8)
        c.ok('{"ok":true}')

    @t.backend.on("/redirected")
    def _(c, m):
        count.release()
        gate.wait(8)
        c.send("HTTP/1.1 302 X\r\nLocation: /final\r\nContent-Length: 0\r\n\r\n")

    @t.backend.on("/upload", raw=True)
    def _(c, m):
        count.release()
        c.exactly(10)
        c.ok('{"ok":true}')

    other = t.new_backend()
    g = t.start(usual_config(t.backend.port, timeout="10s"))
    clients = {}
    for path in ("/n/download", "/n/wait", "/j/wait", "/m/wait", "/n/redirected", "/j/redirected"):
        clients[path] = g.client()
        clients[path].send(get(path))
    clients["/n/upload"] = g.client()
    clients["/n/upload"].send("POST /n/upload HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\n01234")
    for _ in range(8):
        assert count.acquire(timeout=5)
    for i in range(5):
        new = {"version": 3, "port": g.port, "timeout": "%ds" % (i + 1), "endpoints": [endpoint("/other", other.port)]}
        g.reload(new)
    assert g.ask(get("/n/wait")).status == 404
    alive = g.counters()
    gate.set()
    clients["/n/upload"].send("56789")
    for path, c in clients.items():
        a = c.answer()
        assert a.status == 200, (path, a.line)
        if path == "/n/download":
            assert len(a.body) == 1000005
        assert c.ask(get("/other")).status == 200, path  # the connection lives in the new configuration
        c.close()
    assert alive["generations_alive"] <= 2, alive
    wait_until(lambda: g.counters()["generations_alive"] == 1)
    wait_until(lambda: g.idle()["backend_connections_open"] <= 2)


def test_reload_changes_the_port(t):
    g = t.start(usual_config(t.backend.port))
    old = g.port
    with g.client() as c:
        assert c.ask(get("/n/a")).status == 200
        new = usual_config(t.backend.port)
        new["port"] = free_port()
        g.reload(new)
        g.wait_listening(new["port"])
        assert c.ask(get("/n/a")).status == 200, "a connection of before goes on"
    with Client(new["port"]) as c:
        assert c.ask(get("/n/a")).status == 200
    wait_until(lambda: refused(old), 2)
    # A port that is taken: the old configuration goes on.
    taken = dict(usual_config(t.backend.port))
    taken["port"] = t.backend.port
    g.reload(taken)
    with Client(new["port"]) as c:
        assert c.ask(get("/n/a")).status == 200
    assert g.counters()["reloads_failed"] == 1


def test_reload_changes_the_address(t):
    g = t.start(usual_config(t.backend.port))
    new = usual_config(t.backend.port, listen_ip="127.0.0.1")
    new["port"] = g.port
    g.reload(new)
    assert g.ask(get("/n/a")).status == 200
    assert g.counters()["reloads_failed"] == 0, g.log()[-600:]
    new = usual_config(t.backend.port)
    new["port"] = g.port
    g.reload(new)
    assert g.ask(get("/n/a")).status == 200
    assert g.counters()["reloads_failed"] == 0, g.log()[-600:]


def test_watch(t):
    for v in (1, 2):
        t.backend.on("/v%d" % v, lambda c, m, v=v: c.ok("v%d" % v))
    g = t.start(one(t.backend.port, 1), arguments=("--watch",))
    assert g.ask(get("/v/a")).body == b"v1"
    new = one(t.backend.port, 2)
    new["port"] = g.port
    g.write(new)  # by rename
    wait_until(lambda: g.ask(get("/v/a")).body == b"v2")
    new = one(t.backend.port, 1)
    new["port"] = g.port
    with open(g.file, "w") as f:  # in place, in two steps
        text = json.dumps(new)
        f.write(text[:100])
        f.flush()
        time.sleep(0.02)
        f.write(text[100:])
    wait_until(lambda: g.ask(get("/v/a")).body == b"v1")
    g.write("{ broken")
    wait_until(lambda: "file changed) refused" in g.log())
    assert g.ask(get("/v/a")).body == b"v1"


def test_watch_follows_links(t):
    """As config maps of Kubernetes do it, and a file that is changed behind a link in another folder."""
    for v in (1, 2, 3):
        t.backend.on("/v%d" % v, lambda c, m, v=v: c.ok("v%d" % v))
    g = t.start(one(t.backend.port, 1), arguments=("--watch",))

    def write(folder, v):
        os.makedirs(folder, exist_ok=True)
        new = one(t.backend.port, v)
        new["port"] = g.port
        with open(os.path.join(folder, "krakend.json"), "w") as f:
            json.dump(new, f)

    def point(link, target):
        os.symlink(target, link + ".new")
        os.rename(link + ".new", link)

    def answers(body):
        wait_until(lambda: g.ask(get("/v/a")).body == body)

    write(g.dir + "/..first", 2)
    point(g.dir + "/..data", "..first")
    point(g.file, "..data/krakend.json")
    answers(b"v2")
    write(g.dir + "/..second", 3)
    point(g.dir + "/..data", "..second")
    answers(b"v3")
    write(g.dir + "/elsewhere/a", 1)
    point(g.dir + "/elsewhere/current", "a")
    point(g.file, "elsewhere/current/krakend.json")
    answers(b"v1")
    write(g.dir + "/elsewhere/b", 2)
    point(g.dir + "/elsewhere/current", "b")
    answers(b"v2")
    write(g.dir + "/elsewhere/b", 3)
    answers(b"v3")
    assert g.counters()["reloads_failed"] == 0, g.log()[-600:]


def test_reloads_under_load(t):
    """Every request is answered by one of the configurations, none fails."""
    for v in (1, 2):
        t.backend.on("/v%d" % v, lambda c, m, v=v: c.ok("v%d" % v))
    g = t.start(one(t.backend.port, 1))
    stop, bad, done = threading.Event(), [], [0]

    def load(new_connections):
        c = g.client()
        while not stop.is_set():
            try:
                a = c.ask(get("/v/a"))
                if a.status != 200 or a.body not in (b"v1", b"v2"):
                    bad.append((a.line, a.body))
                done[0] += 1
                if new_connections:
                    c.close()
                    c = g.client()
            except Exception as e:
                bad.append(repr(e))
                return
        c.close()
    threads = [threading.Thread(target=load, args=(i % 2,)) for i in range(6)]
    for x in threads:
        x.start()
    for i in range(20):
        new = one(t.backend.port, 1 + i % 2)
        new["port"] = g.port
        new["timeout"] = "%ds" % (3 + i % 3)
        g.write("{ broken" if i % 4 == 3 else new)
        g.signal(signal.SIGHUP)
        time.sleep(0.05)
    stop.set()
    for x in threads:
        x.join()
    assert not bad, bad[:5]
    assert done[0] > 50
    g.idle()
    wait_until(lambda: g.counters()["generations_alive"] == 1)


def test_no_descriptors_with_a_limit(t):
    """64 descriptors, 200 connections: no spinning, and all is well afterwards."""
    g = t.start(usual_config(t.backend.port), nofile=64)
    clients = []
    for _ in range(200):
        s = socket.socket()
        s.setblocking(False)
        try:
            s.connect(("127.0.0.1", g.port))
        except BlockingIOError:
            pass
        clients.append(s)
    time.sleep(0.3)
    before = g.cpu_seconds()
    time.sleep(1)
    assert g.cpu_seconds() - before < 0.15 * SLOW, "it spins"
    for s in clients:
        s.close()
    wait_until(lambda: g.counters()["connections_open"] == 0, 5)
    for _ in range(5):
        assert g.ask(get("/n/a")).status == 200
        assert g.ask(get("/j/a")).status == 200
    assert g.counters()["accept_pauses"] > 0
    g.idle()


def test_max_connections(t):
    g = t.start(usual_config(t.backend.port, extra_config={"gladius/limits": {"max_connections": 10}}))
    clients = []
    for _ in range(40):
        s = socket.create_connection(("127.0.0.1", g.port))
        s.sendall(get("/__health").encode())
        s.setblocking(False)
        clients.append(s)
    time.sleep(0.3)
    assert g.counters()["connections_open"] <= 10
    answered = 0
    for s in clients:
        try:
            answered += bool(s.recv(100))
        except BlockingIOError:
            pass
    assert 0 < answered <= 10
    # Those that wait are served when others leave.
    deadline = time.monotonic() + 8 * SLOW
    waiting = clients
    served = 0
    while waiting and time.monotonic() < deadline:
        still = []
        for s in waiting:
            try:
                s.recv(10000)
                s.close()
                served += 1
            except BlockingIOError:
                still.append(s)
        waiting = still
        time.sleep(0.02)
    assert served >= 40 - 10, served
    for s in waiting:
        s.close()
    g.idle()
