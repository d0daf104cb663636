"""`websocket` without direct communication: all clients of an endpoint share one connection to the backend. We are the clients' WebSocket server
and the backend's client. RFC 6455, ledger 2 section 44, docs/websocket.md."""
import base64
import json
import re
import signal
import socket
import time

from harness import SLOW, ends, get, wait_until
from websocket import (BINARY, BYE, CLOSE, PING, PONG, TEXT, SharedBackend, WsClient, battery, frame, messages_of, play, switch)


def b64(data):
    return base64.b64encode(data).decode()


def shared(path, port, pattern="/hub", **options):
    return {"endpoint": path, "input_query_strings": ["*"],
            "backend": [{"url_pattern": pattern, "disable_host_sanitize": True, "host": ["ws://127.0.0.1:%d" % port]}],
            "extra_config": {"websocket": options}}


def config(port, *endpoints, **root):
    return {"version": 3, "timeout": "2s", "extra_config": {"telemetry/logging": {"level": "DEBUG", "stdout": True},
                                                          "router": {"return_error_msg": True}},
            "endpoints": list(endpoints), **root}


def started(t, *endpoints, workers=2, **root):
    g = t.start(config(t.backend.port, *endpoints, **root), arguments=["--workers", str(workers)])
    return g


def client(g, path="/chat/a", extra=""):
    return WsClient(g.port).opened(path, extra)


def test_envelopes(t):
    hub = SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port, connect_event=True, disconnect_event=True))
    wait_until(lambda: hub.up)  # before the first client
    m = hub.requests[0]
    assert m.target == "/hub" and m.get("Sec-Websocket-Version") == "13" and m.get("User-Agent") == "KrakenD Version 2.13.8"
    a = client(g, "/chat/krak%20end?x=1")
    a.text(b"Hello World!")
    assert a.message() == b"Hello World!"
    connected, said = hub.envelopes[:2]
    uuid = said["session"]["uuid"]
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uuid)
    assert connected == {"event": "connected", "url": "/chat/krak end", "session": {"uuid": uuid, "Room": "krak end"}, "body": ""}
    assert hub.raw[1] == ('{"event":"","url":"/chat/krak end","session":{"Room":"krak end","uuid":"%s"},"body":"SGVsbG8gV29ybGQh"}' % uuid)
    a.send(BYE)
    assert a.frame().code == 1000 and a.at_end()
    wait_until(lambda: hub.events("disconnected"))
    assert hub.events("disconnected")[0]["session"]["uuid"] == uuid
    b = client(g)
    b.reset()
    wait_until(lambda: len(hub.events("disconnected")) == 2, 1)
    assert len(hub.up) == 1, "one connection for all"


def test_who_gets_a_message(t):
    hub = SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port))
    wait_until(lambda: hub.up)
    who = {}
    for name, room in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b"), ("b3", "b")):
        c = who[name] = client(g, "/chat/" + room)
        c.text(name.encode())
        assert c.message() == name.encode()
        c.uuid = hub.envelopes[-1]["session"]["uuid"]

    def expect(wanted, **envelope):
        hub.tell(**envelope)
        hub.tell(body=b64(b"end"))  # to everybody
        for name, c in who.items():
            got = []
            while True:
                data = c.message()
                if data == b"end":
                    break
                got.append(data)
            assert got == ([b"x"] if name in wanted else []), (envelope, name, got)
    expect(who, body=b64(b"x"))
    expect(["a1", "a2"], url="/chat/a", body=b64(b"x"))
    expect(["b2"], session={"uuid": who["b2"].uuid}, body=b64(b"x"))
    expect([], session={"uuid": who["b2"].uuid}, url="/chat/a", body=b64(b"x"))
    expect([], session={"uuid": "nobody"}, body=b64(b"x"))
    expect(["b1", "b2", "b3"], session={"Room": "b"}, body=b64(b"x"))
    expect([], session={"Room": "b", "Other": "1"}, body=b64(b"x"))
    c, ws = hub.up[-1]
    for text in ("no envelope", '{"url":"/chat/a"}', '{"body":"!"}'):
        hub.say(c, ws, text)
        assert all(one.message() == text.encode() for one in who.values()), text
    hub.tell(body=b64(b"\xff\x00"))
    for one in who.values():
        f = one.frame()
        assert f.opcode == BINARY and f.payload == b"\xff\x00", "what is no text"


def test_the_battery_against_our_own_end(t):
    SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port, max_message_size=2 << 20, message_buffer_size=1000, read_buffer_size=65536,
                          write_buffer_size=65536))
    wrong = []
    for case in battery():
        frames, _ = play(g.port, "/chat/x", case)
        said, code = messages_of(frames)
        # Messages come by way of the backend: pongs may overtake them, and those after a mistake may have no time.
        controls = [m for m in said if m[0] == PONG]
        data = [m[1] for m in said if m[0] != PONG]
        want = [m[1] for m in case.echoes if m[0] != PONG]
        ok = controls == [m for m in case.echoes if m[0] == PONG] and code in case.closes and data == want[:len(data)]
        if not ok:
            wrong.append((case.name, said[:3], code))
    assert not wrong, "%d wrong: %r" % (len(wrong), wrong[:5])


def test_messages_come_back_before_the_end(t):
    """The battery's messages again, with a client that waits for them."""
    SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port, max_message_size=2 << 20))
    c = client(g)
    for case in battery():
        if case.closes != (1000,) or not case.echoes:
            continue
        for piece in case.sends:
            if piece != BYE:
                c.send(piece.removesuffix(BYE))
        want = [m for m in case.echoes]
        while want:
            f = c.frame()
            if f.opcode == PONG:
                want.remove((PONG, f.payload))
                continue
            data = next(m for m in want if m[0] != PONG)
            want.remove(data)
            assert f.payload == data[1], case.name


def test_limits_of_messages(t):
    hub = SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port))
    c = client(g)
    c.text(b"x" * 512)
    assert c.message() == b"x" * 512
    hub.tell(body=b64(b"y" * 513))
    hub.tell(body=b64(b"z" * 512))
    assert c.message() == b"z" * 512, "too large for clients: left out"
    c.text(b"x" * 513)
    assert c.frame().code == 1009 and c.at_end()


def test_subprotocols_and_bad_handshakes(t):
    SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port, subprotocols=["v2", "v1"]))
    for offers, want in (("v1", "v1"), ("x, v1,v2", "v2"), ("x", None)):
        assert client(g, extra="Sec-WebSocket-Protocol: %s\r\n" % offers).head_of_101.get("Sec-Websocket-Protocol") == want
    c = client(g, extra="Sec-WebSocket-Extensions: permessage-deflate\r\n")
    assert not c.head_of_101.all("Sec-Websocket-Extensions"), "not negotiated"
    assert WsClient(g.port).upgrade("/chat/a", key="short").status == 400
    m = WsClient(g.port).upgrade("/chat/a", version=8)
    assert m.status == 400 and m.get("Sec-Websocket-Version") == "13"
    assert g.ask(get("/chat/a")).status == 400
    client(g, extra="Origin: http://evil.test\r\n")


def test_the_backend_comes_back(t):
    hub = SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port, return_error_details=True))
    wait_until(lambda: hub.up)
    c = client(g)
    c.text(b"one")
    assert c.message() == b"one"
    hub.up[0][0].sock.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: "is lost" in g.log() or len(hub.up) > 1)
    c.text(b"two")
    first = c.message()
    assert first in (b"two", b'{"error":"the backend is not connected"}', b'{"error":"the connection to the backend is lost"}'), first
    wait_until(lambda: len(hub.up) == 2, 5)

    def works():
        c.text(b"three")
        return c.message() == b"three"
    wait_until(works)


def test_a_backend_that_does_not_say_ok(t):
    said = []

    @t.backend.on("/hub", raw=True)
    def _(c, m):
        switch(c, m)
        said.append(1)
        c.send(frame(TEXT, b"NO", mask=False))
        c.wait_closed()
        return False
    g = started(t, shared("/chat/{room}", t.backend.port, max_retries=1, return_error_details=True))
    c = client(g)
    wait_until(lambda: "given up" in g.log(), 6)
    assert len(said) == 2
    f = c.frame()
    assert f.code == 1011, f
    c.send(BYE)
    assert c.at_end()
    assert WsClient(g.port).upgrade("/chat/a").status == 502
    assert "the backend did not say OK" in g.log()
    # A reload tries again.
    hub = SharedBackend(t.backend, "/hub")
    g.reload(g.config)
    wait_until(lambda: hub.up)
    c = client(g)
    c.text(b"x")
    assert c.message() == b"x"


def test_a_connection_for_each_url_with_parameters(t):
    hub = SharedBackend(t.backend, "/rooms/")
    g = started(t, shared("/chat/{room}", t.backend.port, "/rooms/{room}", connect_event=True))
    time.sleep(0.1)
    assert not hub.up, "nobody is there"
    a, b, c = client(g, "/chat/a"), client(g, "/chat/b"), client(g, "/chat/b")
    for who in (a, b, c):
        who.text(b"mine")
        assert who.message() == b"mine"
    assert sorted(m.target for m in hub.requests) == ["/rooms/a", "/rooms/b"]
    assert len(hub.events("connected")) == 3, "those of the first client too"
    of_b = hub.socks[[m.target for m in hub.requests].index("/rooms/b")]
    hub.say(*next(up for up in hub.up if up[0] is of_b), json.dumps({"body": b64(b"to b")}))
    assert b.message() == b"to b" and c.message() == b"to b"
    a.send(BYE)
    assert a.frame().opcode == CLOSE
    wait_until(lambda: hub.open == 1)


def test_slow_clients(t):
    """Messages for a client that takes none are left out; the others get all of theirs."""
    hub = SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port, max_message_size=100000, message_buffer_size=16, write_wait="%ds" % SLOW))
    slow = WsClient(g.port, rcvbuf=4096).opened("/chat/a")
    good = client(g, "/chat/b")
    wait_until(lambda: hub.up)
    n = 150
    for i in range(n):
        hub.tell(body=b64(b"%03d" % i + b"x" * 90000))
        assert good.message()[:3] == b"%03d" % i
    counters = g.counters()
    assert counters["messages_left_out"] > 50
    assert counters["memory_budget_used"] < 4 << 20
    wait_until(lambda: g.counters()["upgrades_open"] == 1, 6)  # after write_wait
    slow.close()
    wait_until(lambda: g.counters()["memory_budget_used"] == 0)


def test_a_slow_backend(t):
    """A client is not read while its messages wait for the backend."""
    hub = SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port, max_message_size=100000, write_wait="30s"))
    wait_until(lambda: hub.up)
    hub.echoes = False
    on_message = hub.on_message

    def deaf(c, ws, whole):
        time.sleep(2 * SLOW)
        hub.on_message = on_message
    hub.on_message = deaf
    c = client(g)
    c.sock.settimeout(0.7 * SLOW)
    n = 0
    try:
        while n < 200 << 20:
            c.sock.sendall(frame(BINARY, b"y" * 50000))
            n += 50000
    except OSError:
        pass
    assert n < 60 << 20, n
    assert g.counters()["memory_budget_used"] < 1 << 20


def test_pings_and_silence(t):
    SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port, ping_period="200ms", pong_wait="600ms"))
    c, silent = client(g), client(g)
    begin = time.monotonic()
    while time.monotonic() - begin < 1.5:
        f = c.frame()
        assert f.opcode == PING
        c.send(frame(PONG, f.payload))
    wait_until(lambda: g.counters()["upgrades_open"] == 1, 2)
    assert silent.everything(2) is not None


def test_timeouts_of_the_server_do_not_count(t):
    SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port), timeout="300ms", read_timeout="300ms", write_timeout="300ms", idle_timeout="300ms")
    c = client(g)
    time.sleep(1)
    c.text(b"still here")
    assert c.message() == b"still here"


def test_a_reload(t):
    hub = SharedBackend(t.backend, "/hub")
    other = SharedBackend(t.backend, "/other")
    g = started(t, shared("/chat/{room}", t.backend.port), shared("/gone", t.backend.port))
    kept, lost = client(g), client(g, "/gone")
    wait_until(lambda: len(hub.up) == 2)
    changed = dict(config(t.backend.port, shared("/chat/{room}", t.backend.port)), port=g.port)
    g.reload(changed)
    f = lost.frame()
    assert f.code == 1001, "its endpoint is gone"
    lost.send(BYE)
    assert lost.at_end()
    kept.text(b"x")
    assert kept.message() == b"x" and len(hub.up) == 2, "on the same connection"
    wait_until(lambda: hub.open == 1)
    # Another backend: the clients stay.
    changed["endpoints"][0]["backend"][0]["url_pattern"] = "/other"
    g.reload(changed)
    wait_until(lambda: other.up)
    kept.text(b"y")
    assert kept.message() == b"y"
    assert other.envelopes[-1]["body"] == b64(b"y")
    wait_until(lambda: hub.open == 0)


@ends
def test_the_drain(t):
    hub = SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port, disconnect_event=True), max_shutdown_wait_time="5s")
    good, deaf = client(g), client(g)
    wait_until(lambda: hub.up)
    good.text(b"x")
    assert good.message() == b"x"
    g.signal(signal.SIGTERM)
    assert good.frame().code == 1001 and deaf.frame().code == 1001
    for c in (good, deaf):
        c.send(frame(CLOSE, b"\x03\xe9"))
        assert c.at_end()
    assert g.process.wait(5 * SLOW) == 0
    wait_until(lambda: len(hub.events("disconnected")) == 2)
    wait_until(lambda: hub.ends)
    assert hub.ends == [1001]


def test_many_clients_and_reloads(t):
    """A thousand clients of one connection, and reloads: none is dropped, and memory stays."""
    hub = SharedBackend(t.backend, "/hub")
    g = started(t, shared("/chat/{room}", t.backend.port, message_buffer_size=2000))
    wait_until(lambda: hub.up)
    base = g.rss()
    many = [client(g, "/chat/%d" % (i % 10)) for i in range(1000)]
    each = (g.rss() - base) / 1000
    changed = dict(config(t.backend.port, shared("/chat/{room}", t.backend.port, message_buffer_size=2000)), port=g.port)
    g.reload(changed)
    first = g.rss()
    for _ in range(8):
        g.reload(changed)
    assert g.rss() - first < 2 << 20 or SLOW > 1, "memory grows with reloads"
    for i, c in enumerate(many):
        c.text(b"%d" % i)
    for i, c in enumerate(many):
        assert c.message() == b"%d" % i
    hub.tell(url="/chat/3", body=b64(b"room 3"))
    hub.tell(body=b64(b"all"))
    for i, c in enumerate(many):
        if i % 10 == 3:
            assert c.message() == b"room 3"
        assert c.message() == b"all"
    assert g.counters()["upgrades_open"] == 1000 and len(hub.up) == 1
    assert each < 24 * 1024 or SLOW > 1, "%d bytes a client" % each
    for c in many:
        c.close()
    wait_until(lambda: g.counters()["upgrades_open"] == 0)
    wait_until(lambda: g.counters()["memory_budget_used"] == 0)
