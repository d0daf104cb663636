"""Where clients connect: addresses, unix sockets, the PROXY header, changes at reload. docs/listeners.md."""
import os
import signal
import socket
import stat
import struct
import threading
import time

from harness import SLOW, Client, Closed, Stream, ends, free_port, get, usual_config, wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def listeners(**value):
    return {"gladius/listeners": value}


def config_of(t, main=None, more=(), extra=None, **root):
    value = {}
    if main is not None:
        value["main"] = main
    if more:
        value["more"] = list(more)
    namespaces = listeners(**value)
    namespaces.update(extra or {})
    port = root.pop("port", None)
    config = usual_config(t.backend.port, extra_config=namespaces, **root)
    if port:
        config["port"] = port
    return config


def local(path):
    """A client of a unix socket."""
    c = Client.__new__(Client)
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10 * SLOW)
    s.connect(path)
    Stream.__init__(c, s)
    return c


def at(family, *address):
    c = Client.__new__(Client)
    s = socket.socket(family)
    s.settimeout(10 * SLOW)
    s.connect(address)
    Stream.__init__(c, s)
    return c


def forwarded_for(t, c, path="/n/who", extra=""):
    t.backend.forget()
    a = c.ask(get(path, extra))
    assert a.status == 200, a.line
    return t.backend.requests()[-1].get("X-Forwarded-For")


def binary(body=b"\x0a\x01\x02\x03\x7f\0\0\x01\x30\x39\0\x50", command=0x21, kind=0x11):
    return SIGNATURE + bytes([command, kind]) + struct.pack(">H", len(body)) + body


def test_listen_ip(t):
    g = t.start(config_of(t, listen_ip="::1"))
    with at(socket.AF_INET6, "::1", g.port) as c:
        assert forwarded_for(t, c) == "::1"
    try:
        at(socket.AF_INET, "127.0.0.1", g.port)
        raise AssertionError("listens on more than listen_ip")
    except ConnectionRefusedError:
        pass


def test_unspecified_addresses_are_all_addresses(t):
    """As in Go: 0.0.0.0 listens on IPv6 too."""
    for ip in ("0.0.0.0", "::", ""):
        root = {"listen_ip": ip} if ip else {}
        g = t.start(config_of(t, **root))
        with at(socket.AF_INET, "127.0.0.1", g.port) as c:
            assert forwarded_for(t, c) == "127.0.0.1"
        with at(socket.AF_INET6, "::1", g.port) as c:
            assert forwarded_for(t, c) == "::1"


def test_several_listeners(t):
    ports = [free_port(), free_port()]
    g = t.start(config_of(t, more=[{"port": ports[0], "address": "127.0.0.1", "name": "internal"}, {"port": ports[1], "address": "::1"}]))
    assert g.ask(get("/n/a")).status == 200
    with at(socket.AF_INET, "127.0.0.1", ports[0]) as c:
        assert c.ask(get("/n/a")).status == 200
    with at(socket.AF_INET6, "::1", ports[1]) as c:
        assert c.ask(get("/n/a")).status == 200
    assert "Listening on port: %d (internal)" % ports[0] in g.log()


@ends
def test_unix_socket(t):
    path = "/tmp/gladius-listener-%d.sock" % os.getpid()
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()
    g = t.start(config_of(t, more=[{"path": path, "mode": "0600"}]))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with local(path) as c:
        assert forwarded_for(t, c) == "127.0.0.1"
        assert forwarded_for(t, c, extra="X-Forwarded-For: 10.9.8.7\r\n") == "10.9.8.7"
    # All workers accept from it.
    def ask():
        with local(path) as c:
            for _ in range(5):
                assert c.ask(get("/n/a")).status == 200
    threads = [threading.Thread(target=ask) for _ in range(40)]
    for x in threads:
        x.start()
    for x in threads:
        x.join()
    assert g.counters()["requests"] >= 200
    g.config["extra_config"]["gladius/listeners"]["more"][0]["mode"] = "0666"
    with local(path) as c:
        assert c.ask(get("/n/a")).status == 200
        g.reload(g.config)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
        assert c.ask(get("/n/a")).status == 200
    with local(path) as c:
        assert c.ask(get("/n/a")).status == 200
    g.signal(signal.SIGTERM)
    assert g.process.wait(5 * SLOW) == 0
    assert not os.path.exists(path), "the file goes with its listener"


@ends
def test_only_a_unix_socket(t):
    path = "/tmp/gladius-only-%d.sock" % os.getpid()
    g = None
    config = config_of(t, main={"disabled": True}, more=[{"path": path}])
    import harness
    wait = harness.Gateway.wait_listening
    harness.Gateway.wait_listening = lambda self, port: wait_until(lambda: "unix socket" in self.log(), 20)
    try:
        g = t.start(config)
    finally:
        harness.Gateway.wait_listening = wait
    with local(path) as c:
        assert c.ask(get("/n/a")).status == 200
    try:
        at(socket.AF_INET, "127.0.0.1", g.port)
        raise AssertionError("the main listener is disabled")
    except ConnectionRefusedError:
        pass
    g.signal(signal.SIGTERM)
    assert g.process.wait(5 * SLOW) == 0


def test_a_socket_in_use_is_refused(t):
    path = "/tmp/gladius-used-%d.sock" % os.getpid()
    used = socket.socket(socket.AF_UNIX)
    used.bind(path)
    used.listen(1)
    try:
        g = t.start(config_of(t))
        g.reload(config_of(t, more=[{"path": path}], port=g.port))
        assert "refused, the old configuration goes on serving: listen unix %s: bind: address already in use" % path in g.log()
        assert g.ask(get("/n/a")).status == 200
    finally:
        used.close()
        os.unlink(path)


def test_proxy_header(t):
    g = t.start(config_of(t, main={"proxy_protocol": True, "trusted": ["127.0.0.0/8"]}))
    six = struct.pack(">16s16sHH", socket.inet_pton(socket.AF_INET6, "2001:db8::7"), b"\0" * 16, 1, 2)
    cases = [
        (b"PROXY TCP4 10.1.2.3 127.0.0.1 12345 80\r\n", "10.1.2.3"),
        (b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "2001:db8::1"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (binary(), "10.1.2.3"),
        (binary(six, kind=0x21), "2001:db8::7"),
        (binary(command=0x20), "127.0.0.1"),
        (binary(b"", 0x20, 0), "127.0.0.1"),
        (binary(binary()[16:] + b"\x02\0\x03abc"), "10.1.2.3"),
    ]
    for header, address in cases:
        with g.client() as c:      # together with the request
            t.backend.forget()
            assert c.ask(header + get("/n/one").encode()).status == 200, header
            assert t.backend.requests()[-1].get("X-Forwarded-For") == address, header
            assert c.ask(get("/n/two")).status == 200
            assert t.backend.requests()[-1].get("X-Forwarded-For") == address, header
    for header, address in cases[:4]:
        with g.client() as c:      # byte by byte
            c.send(header + get("/n/one").encode(), each=1, pause=0.0005)
            assert c.answer().status == 200
        with g.client() as c:      # with a pause at each place
            c.send(header[:7])
            time.sleep(0.02)
            c.send(header[7:])
            time.sleep(0.02)
            assert forwarded_for(t, c) == address
    # The header of the request counts as well, as for any peer that is trusted.
    with g.client() as c:
        c.send(cases[0][0])
        assert forwarded_for(t, c, extra="X-Forwarded-For: 10.7.7.7\r\n") == "10.7.7.7"


def test_wrong_proxy_headers_end_the_connection(t):
    g = t.start(config_of(t, main={"proxy_protocol": True, "trusted": ["127.0.0.1"]}, read_header_timeout="1s"))
    t.backend.forget()
    for bad in (get("/n/a").encode(), b"PROXY TCP4 10.1.2.3\r\n" + get("/n/a").encode(), b"PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n",
                binary(command=0x31) + get("/n/a").encode(), b"PROXY " + b"a" * 200, SIGNATURE[:-1] + b"\r"):
        with g.client() as c:
            c.send(bad)
            assert c.at_end(3), bad
    with g.client() as c:      # ends in the middle
        c.send(b"PROXY TCP4 10.1.2.3 127")
        c.sock.shutdown(socket.SHUT_WR)
        assert c.at_end(0.9)
    begin = time.monotonic()
    with g.client() as c:      # and one that never comes
        c.send(b"PROXY TCP4 10.1.2.3 127")
        assert c.at_end(5)
        assert time.monotonic() - begin > 0.8
    assert not t.backend.requests()
    assert g.counters()["proxy_headers_refused"] == 8
    g.idle()


def test_strangers_send_no_proxy_header(t):
    g = t.start(config_of(t, main={"proxy_protocol": True, "trusted": ["10.0.0.0/8"]}))
    for data in (b"PROXY TCP4 10.1.2.3 127.0.0.1 12345 80\r\n" + get("/n/a").encode(), get("/n/a")):
        with g.client() as c:
            c.send(data)
            assert c.at_end(3)
    assert not [m for m in t.backend.requests("/a")]


def test_proxy_header_on_a_unix_socket(t):
    path = "/tmp/gladius-proxy-%d.sock" % os.getpid()
    g = t.start(config_of(t, more=[{"path": path, "proxy_protocol": True}]))
    with local(path) as c:
        c.send(binary())
        assert forwarded_for(t, c) == "10.1.2.3"
    assert g.ask(get("/n/a")).status == 200, "the main listener expects none"


def test_reload_changes_listeners(t):
    """Kept ones keep their connections; new ones answer; what goes is refused."""
    ports = [free_port() for _ in range(3)]
    path = "/tmp/gladius-reload-%d.sock" % os.getpid()
    g = t.start(config_of(t, more=[{"port": ports[0], "address": "127.0.0.1"}]))
    old = at(socket.AF_INET, "127.0.0.1", ports[0])
    assert old.ask(get("/n/a")).status == 200
    g.reload(config_of(t, more=[{"port": ports[1], "address": "127.0.0.1"}, {"path": path}], port=g.port))
    with at(socket.AF_INET, "127.0.0.1", ports[1]) as c:
        assert c.ask(get("/n/a")).status == 200
    with local(path) as c:
        assert c.ask(get("/n/a")).status == 200
    assert old.ask(get("/n/a")).status == 200, "its connections go on"
    try:
        at(socket.AF_INET, "127.0.0.1", ports[0])
        raise AssertionError("still listens")
    except ConnectionRefusedError:
        pass
    # What is spoken changes with the next connection.
    g.reload(config_of(t, more=[{"port": ports[1], "address": "127.0.0.1", "proxy_protocol": True, "trusted": ["127.0.0.1"]}], port=g.port))
    assert not os.path.exists(path)
    with at(socket.AF_INET, "127.0.0.1", ports[1]) as c:
        c.send(b"PROXY TCP4 10.1.2.3 127.0.0.1 1 2\r\n")
        assert forwarded_for(t, c) == "10.1.2.3"
    # One that cannot be had changes nothing.
    used = socket.socket()
    used.bind(("127.0.0.1", ports[2]))
    used.listen(1)
    g.reload(config_of(t, more=[{"port": ports[2], "address": "127.0.0.1"}], port=g.port))
    assert "address already in use" in g.log()
    with at(socket.AF_INET, "127.0.0.1", ports[1]) as c:
        c.send(b"PROXY TCP4 10.1.2.3 127.0.0.1 1 2\r\n")
        assert forwarded_for(t, c) == "10.1.2.3"
    used.close()
    old.close()
    g.idle()


def test_moving_the_port_back_and_forth_loses_nothing(t):
    """Under load, the main port moves; every connection that was made is answered."""
    ports = [free_port(), free_port()]
    g = t.start(config_of(t, port=ports[0]))
    stop, failed, served = threading.Event(), [], [0]

    def load(port):
        while not stop.is_set():
            sock = socket.socket()
            sock.settimeout(0.1)      # a first packet that is dropped is sent again after a second
            try:
                sock.connect(("127.0.0.1", port))
            except (ConnectionRefusedError, TimeoutError):
                sock.close()
                continue
            except OSError as e:
                failed.append(repr(e))
                continue
            sock.settimeout(10 * SLOW)
            c = Client.__new__(Client)
            Stream.__init__(c, sock)
            try:
                with c:
                    if c.ask(get("/n/a", "Connection: close\r\n")).status == 200:
                        served[0] += 1
            except (Closed, OSError) as e:
                failed.append(repr(e))
    threads = [threading.Thread(target=load, args=(port,)) for port in ports * 2]
    for x in threads:
        x.start()
    for i in range(10):
        g.reload(config_of(t, port=ports[(i + 1) % 2]))
        time.sleep(0.2 if i % 2 else 0.4)
    stop.set()
    for x in threads:
        x.join()
    assert served[0] > 100, served
    assert not failed, (len(failed), served, failed[:3])
