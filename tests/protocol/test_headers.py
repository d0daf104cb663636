"""What crosses the gateway and what does not, in both directions. RFC 9110 5.1, 7.6.1; ledger 1 sections 4.2, 4.3."""
from harness import endpoint, get, post, usual_config

HOP = ["Keep-Alive: timeout=5", "TE: trailers", "Trailer: X-Sum", "Upgrade: websocket", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic x",
       "Proxy-Authenticate: Basic", "X-Listed: secret", "x-listed-two: secret", "Cookie: a=b"]
NAMES = {"keep-alive", "te", "trailer", "upgrade", "proxy-connection", "proxy-authorization", "proxy-authenticate", "x-listed", "x-listed-two", "cookie", "connection"}


def test_hop_by_hop_from_clients(t):
    lines = "".join(x + "\r\n" for x in HOP)
    for connection in ("Connection: x-listed, X-LISTED-TWO, cookie, te, upgrade\r\n", "Connection: x-listed\r\nConnection: ,,x-listed-two ,\tcookie\r\n"):
        for path in ("/n/hop", "/j/hop"):
            t.backend.forget()
            assert t.gateway.ask(get(path, connection + lines + "X-Other: kept\r\n")).status == 200
            m = t.backend.requests("/hop")[0]
            left = {n.lower() for n in m.names()} & NAMES
            assert not left, (path, left)
            assert m.get("X-Other") == "kept"


def test_hop_by_hop_from_backends(t):
    lines = "".join(x + "\r\n" for x in HOP)

    @t.backend.on("/hop")
    def _(c, m):
        c.ok("{}", "Connection: x-listed, keep-alive, X-Listed-Two, cookie\r\n" + lines + "X-Other: kept\r\n")
    with t.gateway.client() as c:
        for _ in range(2):
            a = c.ask(get("/n/hop"))
            left = {n.lower() for n in a.names()} & NAMES
            assert not left, left
            assert a.get("X-Other") == "kept" and a.body == b"{}"


def test_framing_cannot_be_nominated_away(t):
    @t.backend.on("/nominated")
    def _(c, m):
        c.send("HTTP/1.1 200 OK\r\nConnection: content-length, transfer-encoding, host, date, content-type\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello")
    with t.gateway.client() as c:
        a = c.ask(get("/n/nominated"))
        assert a.body == b"hello" and a.get("Date")
        c.send("POST /n/echo HTTP/1.1\r\nHost: gw\r\nConnection: content-length, host, expect, x-forwarded-for\r\nContent-Length: 5\r\n\r\nhello")
        assert c.answer().status == 200
        m = t.backend.requests("/echo")[-1]
        assert m.body == b"hello" and m.get("Host") == "127.0.0.1:%d" % t.backend.port and m.get("X-Forwarded-For")


def test_forwarded_fields(t):
    t.backend.forget()
    t.gateway.ask(get("/n/fwd", "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Via: v\r\nX-Forwarded-Proto: https\r\n"))
    m = t.backend.requests("/fwd")[0]
    assert m.all("X-Forwarded-For") == ["1.2.3.4"] and m.all("X-Forwarded-Host") == ["gw"], m.fields
    t.gateway.ask(get("/n/fwd2", "X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Host: evil2\r\n"))
    m = t.backend.requests("/fwd2")[0]
    assert len(m.all("X-Forwarded-For")) == 1 and m.all("X-Forwarded-Host") == ["gw"], m.fields
    t.gateway.ask(get("/n/fwd3", "X-Forwarded-For: not an address\r\n"))
    assert t.backend.requests("/fwd3")[0].all("X-Forwarded-For") == ["127.0.0.1"]


def test_client_addresses_are_passed_as_they_are_written(t):
    for address in ("1.2.3.4", "2001:DB8::1", "2001:db8:0:0:0:0:0:1", "::ffff:1.2.3.4"):
        t.backend.forget()
        t.gateway.ask(get("/j/from", "X-Forwarded-For: %s , 10.0.0.1\r\nConnection: close\r\n" % address))
        assert t.backend.requests()[-1].get("X-Forwarded-For") == address, address
    g = t.start(usual_config(t.backend.port, extra_config={"router": {"app_engine": True}}))
    g.ask(get("/j/from", "X-Forwarded-For: 1.2.3.4\r\nx-appengine-remote-addr: 5.6.7.8\r\n"))
    assert t.backend.requests()[-1].get("X-Forwarded-For") == "5.6.7.8"
    g.ask(get("/j/from", "X-Forwarded-For: 1.2.3.4\r\n"))
    assert t.backend.requests()[-1].get("X-Forwarded-For") == "1.2.3.4"


def test_names_are_canonical_both_ways(t):
    @t.backend.on("/names")
    def _(c, m):
        c.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-lower-CASE: 1\r\nETAG: \"x\"\r\nx_under-score: 2\r\nWWW-authenticate: y\r\n\r\n{}")
    a = t.gateway.ask(get("/n/names", "x-some-HEADER: 1\r\nDNT: 1\r\nsec-ch-ua: z\r\nx_under: u\r\n"))
    for n in ("Content-Length", "X-Lower-Case", "Etag", "X_under-Score", "Www-Authenticate"):
        assert n in a.names(), (n, a.names())
    m = t.backend.requests("/names")[-1]
    for n in ("X-Some-Header", "Dnt", "Sec-Ch-Ua", "X_under"):
        assert n in m.names(), (n, m.names())


def test_values_pass_unchanged(t):
    values = ["", "a", "x" * 20000, "\xe4\xf6\xfc\xff", "a\tb", "\"q\"; x=\"y,z\"", "a  b", "\x80"]
    lines = "".join("X-V%d:%s%s\r\n" % (i, " " if i % 2 else "  \t", v) for i, v in enumerate(values))

    @t.backend.on("/values")
    def _(c, m):
        c.ok("{}", lines)
    t.backend.forget()
    a = t.gateway.ask(get("/n/values", lines))
    m = t.backend.requests("/values")[0]
    for where in (m, a):
        for i, v in enumerate(values):
            assert where.all("X-V%d" % i) == [v], (i, v[:20], where.all("X-V%d" % i))


def test_duplicates_are_kept_in_order(t):
    @t.backend.on("/dup")
    def _(c, m):
        c.ok("{}", "Set-Cookie: a=1\r\nX-D: 1\r\nset-cookie: b=2\r\nX-D: 1\r\nx-d: 3\r\nSet-Cookie: a=1\r\n")
    t.backend.forget()
    a = t.gateway.ask(get("/n/dup", "X-D: 1\r\nX-E: e\r\nx-d: 1\r\nX-D: 2\r\n"))
    assert t.backend.requests("/dup")[0].all("X-D") == ["1", "1", "2"]
    assert a.all("Set-Cookie") == ["a=1", "b=2", "a=1"] and a.all("X-D") == ["1", "1", "3"]


def test_nothing_passes_by_default(t):
    config = usual_config(t.backend.port)
    config["endpoints"].append(endpoint("/closed/{p}", t.backend.port, "/{p}", "POST", "no-op"))
    config["endpoints"].append(endpoint("/some/{p}", t.backend.port, "/{p}", "POST", "no-op", input_headers=["x-a", "Content-Type"]))
    g = t.start(config)
    t.backend.forget()
    g.ask(post("/closed/c?x=1", "hello", "X-A: b\r\nCookie: c\r\nAuthorization: d\r\nAccept: e\r\nContent-Type: f/g\r\n"))
    m = t.backend.requests()[0]
    assert m.target == "/c" and m.body == b"hello"
    assert set(m.names()) == {"Host", "Content-Type", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "Accept-Encoding", "Transfer-Encoding"}, m.names()
    t.backend.forget()
    g.ask(post("/some/c?x=1", "hello", "X-A: b\r\nX-a: c\r\nX-Ab: d\r\nCookie: c\r\nContent-Type: f/g\r\n"))
    m = t.backend.requests()[0]
    assert m.all("X-A") == ["b", "c"] and m.get("X-Ab") is None and m.get("Cookie") is None and m.get("Content-Type") == "f/g"


def test_answers_have_a_date_and_the_version(t):
    for path in ("/n/a", "/j/a", "/m/a", "/__health", "/nowhere"):
        a = t.gateway.ask(get(path))
        assert a.get("Date"), path
        if path != "/nowhere" and path != "/__health":
            assert a.get("X-Krakend") == "Version 2.13.8"

    @t.backend.on("/dated")
    def _(c, m):
        c.ok("{}", "Date: Mon, 01 Jan 2001 00:00:00 GMT\r\n")
    assert t.gateway.ask(get("/n/dated")).all("Date") == ["Mon, 01 Jan 2001 00:00:00 GMT"]
