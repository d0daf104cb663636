"""HTTP_PROXY and NO_PROXY of the environment: ledger 1 section 3.4, the rules of Go's httpproxy."""
from harness import endpoint, get, usual_config


def config(t, host):
    return {"version": 3, "timeout": "1s", "endpoints": [
        endpoint("/e%d" % i, t.backend.port, "/x?y=1", encoding="no-op", backends=[{"url_pattern": "/x?y=1", "host": [h], "encoding": "no-op"}])
        for i, h in enumerate(host)]}


def test_through_the_proxy(t):
    proxy = t.new_backend()
    proxy.on("", lambda c, m: c.ok("by proxy"))
    c = config(t, ["http://backend.example:8000", "http://10.1.2.3:8000", "http://127.0.0.1:%d" % t.backend.port])
    g = t.start(c, environment={"HTTP_PROXY": "http://user:pass@127.0.0.1:%d" % proxy.port, "NO_PROXY": "other.example,192.168.0.0/16"})
    for i, host in ((0, "backend.example:8000"), (1, "10.1.2.3:8000")):
        assert g.ask(get("/e%d" % i)).body == b"by proxy"
        m = proxy.requests()[-1]
        assert m.target == "http://%s/x?y=1" % host and m.get("Host") == host, m.raw_head
        assert m.get("Proxy-Authorization") == "Basic dXNlcjpwYXNz", m.raw_head
    a = g.ask(get("/e2"))
    assert a.status == 200 and a.body != b"by proxy"  # loopback is always asked directly
    assert t.backend.requests()[-1].get("Proxy-Authorization") is None


def test_what_no_proxy_names_is_asked_directly(t):
    proxy = t.new_backend()
    g = t.start(config(t, ["http://127.0.0.1:%d" % t.backend.port, "http://skip.invalid:8000", "http://10.1.2.3:8000"]),
                environment={"http_proxy": "127.0.0.1:%d" % proxy.port, "no_proxy": ".invalid, 10.0.0.0/8"})
    assert g.ask(get("/e0")).status == 200
    assert g.ask(get("/e1")).status == 500
    g.ask(get("/e2"))  # whatever lives there
    assert not proxy.requests()


def test_redirects_choose_anew(t):
    proxy = t.new_backend()

    @proxy.on("http://first.example")
    def _(c, m):
        c.send("HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % proxy.location)
    proxy.on("http://second.example", lambda c, m: c.ok("second"))
    g = t.start(config(t, ["http://first.example"]), environment={"HTTP_PROXY": "http://127.0.0.1:%d" % proxy.port})
    proxy.location = "http://second.example:81/z?q=1"
    assert g.ask(get("/e0")).body == b"second"
    assert [m.target for m in proxy.requests()] == ["http://first.example/x?y=1", "http://second.example:81/z?q=1"]
    proxy.location = "http://127.0.0.1:%d/direct" % t.backend.port
    assert g.ask(get("/e0")).status == 200
    assert t.backend.requests()[-1].target == "/direct"
    proxy.location = "/again"
    proxy.forget()
    proxy.on("http://first.example/again", lambda c, m: c.ok("again"))
    assert g.ask(get("/e0")).body == b"again"
    assert proxy.requests()[-1].target == "http://first.example/again"


def test_a_proxy_that_cannot_be_used(t):
    for value in ("socks5://127.0.0.1:1", "http://"):
        try:
            t.start(usual_config(t.backend.port), environment={"HTTP_PROXY": value})
        except AssertionError as e:
            assert "environment variable HTTP_PROXY" in str(e), e
        else:
            raise AssertionError(value)
