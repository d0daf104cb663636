"""`websocket` with direct communication: the request for the upgrade is a request like any other, and then bytes go both ways. RFC 6455, RFC 9110
7.8, ledger 2 section 44, docs/websocket.md."""
import json
import os
import signal
import socket
import ssl
import tempfile
import threading
import time

from harness import SLOW, ends, endpoint, free_port, get, wait_until
from websocket import BINARY, BYE, CLOSE, TEXT, Echo, SharedBackend, WsClient, battery, frame, play, switch


def ws_endpoint(path, port, pattern, **options):
    return {"endpoint": path, "backend": [{"url_pattern": pattern, "disable_host_sanitize": True, "host": ["ws://127.0.0.1:%d" % port]}],
            "extra_config": {"websocket": {"enable_direct_communication": True, **options}}}


def config(port, *more, **root):
    return {"version": 3, "timeout": "2s", "extra_config": {"telemetry/logging": {"level": "INFO", "stdout": True}, "router": {"return_error_msg": True}},
            "endpoints": [ws_endpoint("/ws/{room}", port, "/echo/{room}", input_headers=["Cookie"]), endpoint("/plain", port, "/plain", encoding="no-op"),
                          *more], **root}


def client(g, path="/ws/a", **kw):
    return WsClient(g.port, **kw).opened(path)


def test_the_handshake(t):
    echo = Echo(t.backend, "/echo", protocol="b")
    g = t.start(config(t.backend.port, ws_endpoint("/sub", t.backend.port, "/echo/sub", subprotocols=["b", "c"], input_headers=["*"]),
                       ws_endpoint("/star", t.backend.port, "/echo/star", input_headers=["*"])))
    c = client(g)
    m = echo.requests[-1]
    assert (m.method, m.target) == ("GET", "/echo/a")
    assert m.get("Upgrade") == "websocket" and m.get("Connection") == "Upgrade"
    assert m.get("Sec-Websocket-Key") == WsClient.KEY and m.get("Sec-Websocket-Version") == "13"
    assert m.get("X-Forwarded-For") == "127.0.0.1" and m.get("X-Forwarded-Host") == "gw" and m.get("User-Agent", ) == "KrakenD Version 2.13.8"
    assert not m.all("Accept-Encoding"), "what is no 101 passes as it is"
    assert c.head_of_101.get("Sec-Websocket-Protocol") == "b", "what the backend says passes"
    c.text(b"hello")
    assert c.message() == b"hello"

    # Headers by the list of the namespace, subprotocols by theirs, extensions always.
    sent = "Cookie: a=1\r\nX-Other: 2\r\nSec-WebSocket-Protocol: a, b,c\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    WsClient(g.port).opened("/ws/x", sent)
    m = echo.requests[-1]
    assert m.get("Cookie") == "a=1" and not m.all("X-Other")
    assert not m.all("Sec-Websocket-Protocol"), "none is allowed"
    assert m.get("Sec-Websocket-Extensions") == "permessage-deflate; client_max_window_bits"
    WsClient(g.port).opened("/sub", sent)
    m = echo.requests[-1]
    assert m.get("Sec-Websocket-Protocol") == "b, c" and m.all("X-Other") == ["2"]
    for name in ("Upgrade", "Connection", "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol"):
        assert len(m.all(name)) == 1, name
    WsClient(g.port).opened("/star", sent)
    assert echo.requests[-1].get("Sec-Websocket-Protocol") == "a, b,c"


def test_what_is_no_upgrade(t):
    Echo(t.backend, "/echo")
    g = t.start(config(t.backend.port))
    up = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n" % WsClient.KEY
    for request in (get("/ws/none"), get("/ws/none", "Upgrade: h2c\r\nConnection: Upgrade\r\n"), get("/ws/none", "Upgrade: websocket\r\n"),
                    get("/ws/none", up, version="1.0"), get("/ws/none", up + "Content-Length: 2\r\n") + "hi"):
        c = g.client()
        m = c.ask(request)
        assert m.status == 400 and m.body == b"Bad Request\n" and m.get("Sec-Websocket-Version") == "13", (request, m.line)
    assert not t.backend.requests("/echo/none")
    c = g.client()
    assert c.ask(get("/ws/a")).status == 400 and c.ask(get("/plain")).status == 200, "the connection goes on"
    assert g.ask(get("/ws/a").replace("GET", "POST")).status == 405


def test_the_backend_says_no(t):
    t.backend.on("/echo/no", lambda c, m: c.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\nWWW-Authenticate: Bearer\r\n\r\nwhat") and None)
    t.backend.on("/echo/there", lambda c, m: c.send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /plain\r\n\r\n") and None)
    t.backend.on("/echo/version", lambda c, m: c.send("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n") and None)
    t.backend.on("/echo/other", lambda c, m: c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n") and None)
    t.backend.on("/echo/late", lambda c, m: time.sleep(3) and None)
    g = t.start(config(t.backend.port, ws_endpoint("/nobody", free_port(), "/"), timeout="500ms"))
    c = WsClient(g.port)

    def ask(path, **kw):
        c.send("GET %s HTTP/1.1\r\nHost: gw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
               "Sec-WebSocket-Version: 13\r\n\r\n" % (path, WsClient.KEY))
        return c.answer()
    m = ask("/ws/no")
    assert m.status == 401 and m.body == b"what" and m.get("Www-Authenticate") == "Bearer" and not m.all("Upgrade")
    assert ask("/ws/there").get("Location") == "/plain"
    assert ask("/ws/version").status == 426
    assert ask("/ws/other").status == 502
    m = ask("/nobody")
    assert m.status == 502 and b"connection refused" in m.body
    m = ask("/ws/late")
    assert m.status == 502 and m.body == b"context deadline exceeded"
    assert c.ask(get("/plain")).status == 200, "all on one connection"


def test_a_101_that_nobody_asked_for(t):
    t.backend.on("/plain", lambda c, m: c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n") and None)
    g = t.start(config(t.backend.port))
    assert g.ask(get("/plain", "Upgrade: websocket\r\nConnection: Upgrade\r\n")).status == 500


def test_the_battery_is_the_backends_own(t):
    """Every case once at the backend itself and once through the gateway: byte for byte the same."""
    Echo(t.backend, "/echo")
    g = t.start(config(t.backend.port))
    cases = battery()
    assert len(cases) > 200
    wrong = []
    for case in cases:
        own = play(t.backend.port, "/echo/b", case)
        ours = play(g.port, "/ws/b", case)
        if own[0] != ours[0]:
            wrong.append((case.name, own, ours))
    assert not wrong, "%d of %d differ: %r" % (len(wrong), len(cases), wrong[:3])


def test_bytes_that_come_with_the_heads(t):
    """Frames right behind the request and right behind the 101 are part of the tunnel."""
    @t.backend.on("/echo/early", raw=True)
    def _(c, m):
        switch(c, m, behind=frame(TEXT, b"first", mask=False))
        c.send(frame(BINARY, c.exactly(3), mask=False))
        return False
    g = t.start(config(t.backend.port))
    c = WsClient(g.port)
    c.send("GET /ws/early HTTP/1.1\r\nHost: gw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
           "Sec-WebSocket-Version: 13\r\n\r\nabc" % WsClient.KEY)
    assert c.head().status == 101
    assert c.frame().payload == b"first" and c.frame().payload == b"abc"
    assert c.at_end()


def test_slow_sides_hold_the_fast_ones(t):
    """Neither side is read while the other takes nothing: what waits in the gateway is bounded."""
    sent = {"down": 0}
    go = threading.Event()

    @t.backend.on("/echo/flood", raw=True)
    def _(c, m):
        switch(c, m)
        piece = frame(BINARY, b"x" * 60000, mask=False)
        c.sock.settimeout(1 * SLOW)
        try:
            while sent["down"] < 200 << 20:
                c.sock.sendall(piece)
                sent["down"] += len(piece)
        except TimeoutError:
            pass
        go.wait(20 * SLOW)
        return False
    g = t.start(config(t.backend.port))
    before = g.rss()
    many = [WsClient(g.port, rcvbuf=4096).opened("/ws/flood") for _ in range(10)]
    time.sleep(1.5 * SLOW)
    counters = g.counters()
    assert counters["upgrades_open"] == 10
    assert counters["memory_budget_used"] <= 10 * 128 * 1024, counters
    assert g.rss() - before < 24 << 20 or SLOW > 1
    go.set()
    for c in many:
        c.close()
    wait_until(lambda: g.counters()["upgrades_open"] == 0)
    assert g.counters()["memory_budget_used"] == 0

    # The other way.
    t.backend.on("/echo/deaf", lambda c, m: (switch(c, m), time.sleep(1.5 * SLOW)) and False, raw=True)
    c = WsClient(g.port).opened("/ws/deaf")
    c.sock.settimeout(0.5 * SLOW)
    n = 0
    try:
        while n < 100 << 20:
            c.sock.sendall(b"y" * 65536)
            n += 65536
    except OSError:
        pass
    assert n < 50 << 20
    assert g.counters()["memory_budget_used"] <= 128 * 1024


def test_half_closed(t):
    """The end of one side reaches the other, which may still speak."""
    @t.backend.on("/echo/half", raw=True)
    def _(c, m):
        switch(c, m)
        data = b""
        while True:
            piece = c.sock.recv(65536)
            if not piece:
                break
            data += piece
        c.send(b"got %d" % len(data))
        return False
    g = t.start(config(t.backend.port))
    c = WsClient(g.port).opened("/ws/half")
    c.send(b"z" * 3000000)
    c.sock.shutdown(socket.SHUT_WR)
    assert c.everything() == b"got 3000000"
    wait_until(lambda: g.counters()["upgrades_open"] == 0)


def test_who_goes_is_missed_at_once(t):
    echo = Echo(t.backend, "/echo")
    g = t.start(config(t.backend.port))
    c = client(g)
    c.close()
    wait_until(lambda: echo.open == 0, 1)
    wait_until(lambda: g.counters()["upgrades_open"] == 0, 1)
    c = client(g)
    c.reset()
    wait_until(lambda: echo.open == 0, 1)
    c = client(g)
    echo.socks[-1].sock.shutdown(socket.SHUT_RDWR)
    assert c.at_end(1)
    c.close()
    wait_until(lambda: g.counters()["upgrades_open"] == 0 and g.counters()["backend_connections_open"] == 0, 2)


def test_timeouts_of_the_server_do_not_count(t):
    Echo(t.backend, "/echo")
    g = t.start(config(t.backend.port, timeout="300ms", read_timeout="300ms", write_timeout="300ms", idle_timeout="300ms", read_header_timeout="300ms"))
    c = client(g)
    time.sleep(1.2)
    c.text(b"still here")
    assert c.message() == b"still here"
    time.sleep(0.5)
    c.send(BYE)
    assert c.frame().opcode == CLOSE and c.at_end()


def test_a_reload_leaves_sockets_open(t):
    Echo(t.backend, "/echo")
    other = ws_endpoint("/other/{x}", t.backend.port, "/echo/{x}")
    g = t.start(config(t.backend.port, other))
    kept, lost = client(g), client(g, "/other/b")
    changed = config(t.backend.port)
    changed["endpoints"][0]["backend"][0]["url_pattern"] = "/echo/new"
    changed["port"] = g.port
    g.reload(changed)
    assert lost.at_end(1), "its endpoint is gone"
    for i in range(3):
        g.reload(changed)
        kept.text(b"after %d" % i)
        assert kept.message() == b"after %d" % i
    assert WsClient(g.port).upgrade("/other/b").status == 404
    client(g).close()
    assert g.counters()["generations_alive"] <= 2


@ends
def test_the_drain_waits_for_sockets(t):
    Echo(t.backend, "/echo")
    g = t.start(config(t.backend.port, max_shutdown_wait_time="700ms"))
    c, early = client(g), client(g)
    g.signal(signal.SIGTERM)
    time.sleep(0.2)
    early.send(BYE)
    assert early.frame().opcode == CLOSE and early.at_end()
    c.text(b"x")
    assert c.message() == b"x", "until max_shutdown_wait_time"
    assert c.at_end(3)
    assert g.process.wait(3 * SLOW) == 0


def test_many_sockets_and_reloads(t):
    """A thousand open sockets, and reloads: none is dropped, and memory stays."""
    Echo(t.backend, "/echo")
    g = t.start(config(t.backend.port))
    base = g.rss()
    many = [client(g, "/ws/%d" % i) for i in range(1000)]
    assert g.counters()["upgrades_open"] == 1000
    full = g.rss()
    changed = config(t.backend.port)
    changed["port"] = g.port
    g.reload(changed)
    first = g.rss()
    for _ in range(8):
        g.reload(changed)
    assert g.rss() - first < 2 << 20 or SLOW > 1, "memory grows with reloads"
    for i, c in enumerate(many):
        c.text(b"%d" % i)
    for i, c in enumerate(many):
        assert c.message() == b"%d" % i
    assert g.counters()["upgrades_open"] == 1000
    each = (full - base) / 1000
    assert each < 24 * 1024 or SLOW > 1, "%d bytes a socket" % each
    for c in many:
        c.close()
    wait_until(lambda: g.counters()["upgrades_open"] == 0)


def test_over_tls(t):
    """wss:// of a client: the tunnel and the shared connection do not know what is below them."""
    case = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance/cases/service/tls-versions.json")
    with open(case) as f:
        files = json.load(f)["files"]
    folder = tempfile.mkdtemp(prefix="gladius-protocol-")
    for name, text in files.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    Echo(t.backend, "/echo")
    hub = SharedBackend(t.backend, "/hub")
    shared = ws_endpoint("/shared", t.backend.port, "/hub", max_message_size=1 << 20)
    shared["extra_config"]["websocket"]["enable_direct_communication"] = False
    g = t.start(config(t.backend.port, shared, tls={"keys": [{"public_key": folder + "/srvrsa.pem", "private_key": folder + "/srvrsa.key"}]}))
    wait_until(lambda: hub.up)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for path in ("/ws/a", "/shared"):
        c = WsClient(g.port)
        c.sock = context.wrap_socket(c.sock)
        c.opened(path)
        for body in (b"small", b"l" * 300000, b"\xff" * 70000):
            c.send(frame(BINARY, body))
            assert c.message() == body
        c.send(BYE)
        assert c.frame().code == 1000 and c.at_end()
    wait_until(lambda: g.counters()["upgrades_open"] == 0)
