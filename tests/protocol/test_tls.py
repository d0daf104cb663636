"""TLS of clients and to backends: docs/tls.md; ledger 1 sections 3.2 and 3.3."""
import functools
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

from certificates import Certificates
from harness import SLOW, Accepting, BehindTls, Client, Closed, Gateway, Stream, free_port, get, post, usual_config, wait_until


@functools.cache
def keys():
    c = Certificates()
    c.make("server")
    return c


def server_tls(name="server", **more):
    return {"keys": [{"public_key": keys().path(name + ".pem"), "private_key": keys().path(name + ".key")}], **more}


def client_context(cert=None, name=None, **more):
    x = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    x.load_verify_locations(keys().ca)
    if cert:
        x.load_cert_chain(keys().path(cert + ".pem"), keys().path(cert + ".key"))
    for k, v in more.items():
        setattr(x, k, v)
    return x


class TlsClient(Client):
    def __init__(self, port, context=None, name="gw.test", session=None, **kw):
        super().__init__(port, **kw)
        self.sock = (context or client_context()).wrap_socket(self.sock, server_hostname=name, session=session)


def gateway(t):
    """One gateway with TLS for the tests that change nothing of it."""
    if not t.shared_gateway:
        t.shared_gateway = Gateway(usual_config(t.backend.port, tls=server_tls(min_version="TLS12")))
    return t.shared_gateway


def test_requests_and_bodies(t):
    g = gateway(t)
    big = bytes(range(256)) * 20000  # 5 MB

    @t.backend.on("/echo")
    def _(c, m):
        c.ok(m.body, content_type="application/octet-stream")
    for version in ("TLSv1_2", "TLSv1_3"):
        x = client_context(maximum_version=getattr(ssl.TLSVersion, version))
        with TlsClient(g.port, x) as c:
            for _ in range(3):
                assert c.ask(get("/n/a")).status == 200
            a = c.ask(post("/n/echo", big))
            assert a.status == 200 and a.body == big
            # Several requests at once, and one that comes byte by byte, each byte a record.
            c.send(get("/n/a") + get("/n/b") + get("/n/c"))
            assert [json.loads(c.answer().body)["path"] for _ in range(3)] == ["/a", "/b", "/c"]
            c.send(get("/n/slow"), each=1)
            assert c.answer().status == 200


def test_a_handshake_byte_by_byte(t):
    g = gateway(t)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    s = client_context().wrap_bio(incoming, outgoing, server_hostname="gw.test")
    with socket.create_connection(("127.0.0.1", g.port)) as raw:
        raw.settimeout(10 * SLOW)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def until(step):
            while True:
                try:
                    result = step()
                    done = True
                except ssl.SSLWantReadError:
                    done = False
                data = outgoing.read()
                for i in range(len(data)):
                    raw.sendall(data[i:i + 1])
                if done:
                    return result
                incoming.write(raw.recv(3))
        until(s.do_handshake)
        until(lambda: s.write(get("/n/a").encode()))
        assert until(lambda: s.read(100)).startswith(b"HTTP/1.1 200 OK")


def test_sessions_are_resumed(t):
    g = gateway(t)
    x = client_context()
    with TlsClient(g.port, x) as c:
        assert c.ask(get("/n/a")).status == 200
        session = c.sock.session
        assert not c.sock.session_reused
    before = g.counters()["tls_resumed"]
    for _ in range(4):  # whichever worker it meets
        with TlsClient(g.port, x, session=session) as c:
            assert c.ask(get("/n/a")).status == 200
            assert c.sock.session_reused
    assert g.counters()["tls_resumed"] == before + 4


def test_goodbye_cancels_what_runs(t):
    g = gateway(t)
    started, ended = threading.Event(), threading.Event()

    @t.backend.on("/forever")
    def _(c, m):
        started.set()
        assert c.wait_closed(5)
        ended.set()
        return False
    c = TlsClient(g.port)
    c.send(get("/n/forever"))
    assert started.wait(5 * SLOW)
    c.sock.settimeout(0.05)
    try:
        c.sock.unwrap()  # says goodbye, and does not close
    except (TimeoutError, OSError):
        pass
    assert ended.wait(5 * SLOW)
    c.close()


def test_what_is_no_handshake(t):
    g = gateway(t)
    with Client(g.port) as c:
        c.send(get("/n/a"))
        assert c.everything() == b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    for rubbish in (b"\x16\x03\x01\x40\x00" + b"x" * 16384, b"\x80\x2e\x01\x03\x01\x00\x00", b"\x17\x03\x03\x00\x05hello", b"PRI * HTTP/2.0\r\n\r\n"):
        with Client(g.port) as c:
            c.send(rubbish)
            c.everything()
    wait_until(lambda: "http: TLS handshake error from 127.0.0.1: client sent an HTTP request to an HTTPS server" in g.log())
    assert "tls: first record does not look like a TLS handshake" in g.log()
    with TlsClient(g.port) as c:
        assert c.ask(get("/n/a")).status == 200


def test_a_handshake_has_a_limit(t):
    g = t.start(usual_config(t.backend.port, tls=server_tls(), read_header_timeout="300ms"))
    stuck = [Client(g.port) for _ in range(5)]
    for c in stuck[1:]:
        c.send(b"\x16\x03\x01\x02\x00\x01")
    for c in stuck:
        assert c.at_end(3)


def test_slow_clients_cost_little(t):
    g = t.start(usual_config(t.backend.port, tls=server_tls()), workers=1)

    @t.backend.on("/large")
    def _(c, m):
        c.ok(b"x" * 3_000_000)
    with TlsClient(g.port) as c:
        assert c.ask(get("/n/a")).status == 200
    before = g.rss()
    n = 200
    held = []
    x = client_context()
    for i in range(n):
        c = TlsClient(g.port, x)
        c.send("GET /n/a HTTP/1.1\r\nHost: gw\r\n")  # a head without its end
        held.append(c)
    wait_until(lambda: g.counters()["tls_handshakes"] > n)
    time.sleep(0.2)
    each = (g.rss() - before) / n
    assert each < 46 * 1024 * (4 if SLOW > 1 else 1), each
    for c in held:
        c.close()


def test_bad_files_refuse_to_start(t):
    k = keys()
    k.make("second")
    with open(k.path("garbage.pem"), "w") as f:
        f.write("no certificate\n")
    subprocess.run(["openssl", "ec", "-in", k.path("second.key"), "-aes128", "-passout", "pass:x", "-out", k.path("locked.key")], check=True, capture_output=True)

    def said(**tls):
        config = {**usual_config(t.backend.port, tls=tls), "port": free_port()}
        file = k.path("krakend.json")
        with open(file, "w") as f:
            json.dump(config, f)
        p = subprocess.run([Gateway.binary, "run", "-c", file], capture_output=True, text=True, timeout=20 * SLOW)
        assert p.returncode != 0
        return p.stdout + p.stderr
    pair = lambda a, b: [{"public_key": a and k.path(a), "private_key": b and k.path(b)}]
    assert "private key does not match public key" in said(keys=pair("server.pem", "second.key"))
    assert "/nothing.pem: no such file or directory" in said(keys=pair("nothing.pem", "server.key"))
    assert "garbage.pem holds no certificate in PEM form" in said(keys=pair("garbage.pem", "server.key"))
    assert "garbage.pem holds no private key in PEM form" in said(keys=pair("server.pem", "garbage.pem"))
    assert "locked.key is protected by a passphrase" in said(keys=pair("second.pem", "locked.key"))
    assert "tls: public key not defined" in said(keys=[])
    assert "tls: private key not defined" in said(keys=pair("server.pem", ""))


def served_name(port):
    with TlsClient(port, client_context(check_hostname=False)) as c:
        return dict(x[0] for x in c.sock.getpeercert()["subject"])["commonName"]


def test_certificates_are_swapped_under_load(t):
    """Ten times, without a failed request; then files that are no good change nothing."""
    k = keys()
    for i in range(2):
        k.make("swap%d" % i)
    for end in ("pem", "key"):
        shutil.copy(k.path("swap0." + end), k.path("live." + end))
    g = t.start(usual_config(t.backend.port, tls=server_tls("live")))
    stop, failed, done = threading.Event(), [], [0]

    def load(keep):
        x = client_context()
        c = None
        while not stop.is_set():
            try:
                c = c or TlsClient(g.port, x)
                if c.ask(get("/n/a")).status != 200:
                    failed.append("status")
                done[0] += 1
                if not keep:
                    c.close()
                    c = None
            except (OSError, Closed) as e:
                failed.append(repr(e))
                c = None
    threads = [threading.Thread(target=load, args=(i < 2,)) for i in range(4)]
    for x in threads:
        x.start()
    try:
        for i in range(1, 11):
            for end in ("key", "pem"):
                shutil.copy(k.path("swap%d.%s" % (i % 2, end)), k.path("live.new"))
                os.rename(k.path("live.new"), k.path("live." + end))
            wait_until(lambda: served_name(g.port) == "swap%d" % (i % 2), 5, 0.05)
        shutil.copy(k.path("ca.key"), k.path("live.key"))
        wait_until(lambda: "the certificates of before go on being used" in g.log(), 5)
        assert served_name(g.port) == "swap0"
    finally:
        stop.set()
        for x in threads:
            x.join()
    assert not failed, failed[:5]
    assert done[0] > 100
    assert g.log().count("Certificates were read again") == 10
    assert "private key does not match public key" in g.log()


def test_clients_need_a_certificate(t):
    k = keys()
    k.make("client", "", "clientAuth")
    k.make("stranger", "", "clientAuth", signed=False)
    g = t.start(usual_config(t.backend.port, tls=server_tls(enable_mtls=True, ca_certs=[k.ca], disable_system_ca_pool=True, min_version="TLS12")))
    with TlsClient(g.port, client_context("client")) as c:
        assert c.ask(get("/n/a")).status == 200
    for cert, said, seen in ((None, "CERTIFICATE_REQUIRED", "tls: client didn't provide a certificate"),
                             ("stranger", "UNKNOWN_CA", "certificate signed by unknown authority"),
                             ("server", "", "")):
        if not seen:
            continue
        for version in ("TLSv1_3", "TLSv1_2"):
            try:
                with TlsClient(g.port, client_context(cert, maximum_version=getattr(ssl.TLSVersion, version))) as c:
                    c.ask(get("/n/a"))
                raise AssertionError("served without a good certificate")
            except ssl.SSLError as e:
                assert version == "TLSv1_2" or said in str(e), e
        wait_until(lambda: seen in g.log())


# --- to backends --------------------------------------------------------------------------------------------------------------------------


class TlsBackend(BehindTls):
    """A backend behind TLS: every connection is handed to the script of a plain one (harness.Backend)."""

    def __init__(self, t, cert="server", **settings):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys().path(cert + ".pem"), keys().path(cert + ".key"))
        for name, value in settings.items():
            setattr(context, name, value)
        self.names = []
        context.sni_callback = lambda s, name, x: self.names.append(name)
        super().__init__(t, t.new_backend(), context)


def backend_gateway(t, port, tls=None, host="127.0.0.1", scheme="https", extra=None, **kw):
    backend = lambda encoding: {"url_pattern": "/{p}", "host": ["%s://%s:%d" % (scheme, host, port)], "encoding": encoding,
                                **({"extra_config": {"backend/http/client": extra}} if extra else {})}
    endpoints = []
    for method in ("GET", "POST"):
        endpoints.append({"endpoint": "/n/{p}", "method": method, "output_encoding": "no-op", "input_headers": ["*"], "backend": [{**backend("no-op"), "method": method}]})
    endpoints.append({"endpoint": "/j/{p}", "backend": [backend("json")]})
    config = {"version": 3, "timeout": "5s", "endpoints": endpoints,
              "extra_config": {"telemetry/logging": {"level": "INFO", "stdout": True}, "router": {"return_error_msg": True}}}
    if tls is None:
        tls = {"ca_certs": [keys().ca], "min_version": "TLS12"}
    if tls:
        config["client_tls"] = tls
    return t.start(config, **kw)


def test_backends_over_tls(t):
    b = TlsBackend(t)
    big = bytes(range(256)) * 20000

    @b.plain.on("/echo")
    def _(c, m):
        c.ok(m.body, content_type="application/octet-stream")
    g = backend_gateway(t, b.port, host="localhost")
    with g.client() as c:
        for _ in range(5):
            assert c.ask(get("/n/a")).status == 200
        assert json.loads(c.ask(get("/j/a")).body)["path"] == "/a"
        a = c.ask(post("/n/echo", big))
        assert a.status == 200 and a.body == big
    assert b.plain.connections == 1, "a kept-alive connection is used again"
    assert b.names == ["localhost"]


def test_backend_sessions_are_resumed(t):
    b = TlsBackend(t)

    @b.plain.on("/close")
    def _(c, m):
        c.ok(extra="Connection: close\r\n")
        return False
    g = backend_gateway(t, b.port, arguments=("--workers", "1"))
    for _ in range(4):
        assert g.ask(get("/n/close")).status == 200
    assert b.resumed[0] is False and all(b.resumed[1:]), b.resumed


def test_a_backend_with_another_name_or_authority(t):
    keys().make("elsewhere", "DNS:else.test")
    b = TlsBackend(t, "elsewhere")
    g = backend_gateway(t, b.port)
    a = g.ask(get("/j/a"))
    assert a.status == 500
    assert a.body.decode() == "Get \"https://127.0.0.1:%d/a\": tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs" % b.port
    g = backend_gateway(t, b.port, host="localhost")
    assert b"x509: certificate is valid for else.test, not localhost" in g.ask(get("/j/a")).body
    g = backend_gateway(t, b.port, tls={})
    assert b"x509: certificate signed by unknown authority" in backend_gateway(t, TlsBackend(t).port, tls={}).ask(get("/j/a")).body
    # For one backend alone it may be switched off.
    g = backend_gateway(t, b.port, extra={"client_tls": {"allow_insecure_connections": True}})
    assert g.ask(get("/j/a")).status == 200
    assert not b.plain.requests("/nothing")


def test_a_cut_body_is_an_error(t):
    b = TlsBackend(t)

    @b.plain.on("/cut")
    def _(c, m):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nsome of it")
        socket.socket.shutdown(c.sock, socket.SHUT_RDWR)  # without TLS's goodbye
        return False

    @b.plain.on("/whole")
    def _(c, m):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it")
        c.sock.settimeout(0.2)
        try:
            c.sock.unwrap()
        except (TimeoutError, OSError):
            pass
        return False
    g = backend_gateway(t, b.port)
    assert g.ask(get("/n/whole")).body == b"all of it"
    try:
        g.ask(get("/n/cut"))
        raise AssertionError("a cut body looks whole")
    except Closed:
        pass


class Proxy(Accepting):
    """A proxy that only knows CONNECT."""

    def __init__(self, t, answer=b"HTTP/1.1 200 Connection established\r\n\r\n"):
        self.asked = []
        self.answer = answer
        self.listen(t)

    def _serve(self, s):
        head = Stream(s).head()
        self.asked.append(head)
        s.sendall(self.answer)
        if b" 200 " not in self.answer:
            return s.close()
        host, port = head.target.rsplit(":", 1)
        far = socket.create_connection(("127.0.0.1", int(port)))

        def copy(a, b):
            try:
                while data := a.recv(65536):
                    b.sendall(data)
                b.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        threading.Thread(target=copy, args=(s, far), daemon=True).start()
        copy(far, s)


def test_through_a_proxy(t):
    b = TlsBackend(t)
    proxy = Proxy(t)
    g = backend_gateway(t, b.port, extra={"proxy_address": "http://me:secret@127.0.0.1:%d" % proxy.port})
    for _ in range(3):
        assert g.ask(get("/n/a")).status == 200
    assert [m.line for m in proxy.asked] == ["CONNECT 127.0.0.1:%d HTTP/1.1" % b.port] * len(proxy.asked)
    assert proxy.asked[0].get("Proxy-Authorization") == "Basic bWU6c2VjcmV0"
    assert all(m.target == "/a" and not m.get("Proxy-Authorization") for m in b.plain.requests())
    no = Proxy(t, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    g = backend_gateway(t, b.port, extra={"proxy_address": "http://127.0.0.1:%d" % no.port})
    assert g.ask(get("/j/a")).body.decode() == "Get \"https://127.0.0.1:%d/a\": Forbidden" % b.port
    g = backend_gateway(t, b.port, host="localhost", environment={"HTTPS_PROXY": "http://127.0.0.1:%d" % proxy.port, "NO_PROXY": "x"})
    assert g.ask(get("/n/a")).status == 200  # localhost is asked directly, whatever HTTPS_PROXY says
    assert all("127.0.0.1" in m.target for m in proxy.asked)


def test_redirects_between_http_and_https(t):
    b = TlsBackend(t)

    @t.backend.on("/to-https")
    def _(c, m):
        c.send("HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:%d/there\r\nContent-Length: 0\r\n\r\n" % b.port)

    @b.plain.on("/to-http")
    def _(c, m):
        c.send("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/here\r\nContent-Length: 0\r\n\r\n" % t.backend.port)
    g = backend_gateway(t, t.backend.port, scheme="http")
    a = g.ask(get("/n/to-https"))
    assert a.status == 200, a.body
    there = b.plain.requests("/there")[0]
    assert there.get("Referer") == "http://127.0.0.1:%d/to-https" % t.backend.port
    g = backend_gateway(t, b.port)
    assert g.ask(get("/n/to-http")).status == 200
    assert t.backend.requests("/here")[0].get("Referer") is None
    g = backend_gateway(t, b.port, extra={"no_redirect": True, "client_tls": {"ca_certs": [keys().ca]}})
    a = g.ask(get("/n/to-http"))
    assert a.status == 302 and a.get("Location").endswith("/here")


def test_a_backend_asks_for_a_certificate(t):
    k = keys()
    k.make("ours", "", "clientAuth")
    b = TlsBackend(t, verify_mode=ssl.CERT_REQUIRED)
    b.context.load_verify_locations(k.ca)
    tls = {"ca_certs": [k.ca], "client_certs": [{"certificate": k.path("nothing.pem"), "private_key": k.path("nothing.key")},
                                                {"certificate": k.path("ours.pem"), "private_key": k.path("ours.key")}]}
    g = backend_gateway(t, b.port, tls=tls)
    assert g.ask(get("/j/a")).status == 200
    assert "Cannot load client certificate %s" % k.path("nothing.pem") in g.log()
    g = backend_gateway(t, b.port, tls={"ca_certs": [k.ca]})
    a = g.ask(get("/j/a"))
    assert a.status == 500 and a.body.decode().endswith("remote error: tls: certificate required"), a.body
