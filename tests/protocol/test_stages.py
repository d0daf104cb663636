"""Stages around the call of a backend (modifier/martian): what they change streams where it can, is bounded, and never mixes two messages up."""
import threading

from harness import chunked, get, post


def modifier(endpoint, pattern, martian, encoding="no-op", method="GET", **more):
    return {"endpoint": endpoint, "method": method, "output_encoding": encoding, "input_headers": ["*"],
            "backend": [{"url_pattern": pattern, "extra_config": {"modifier/martian": martian}}], **more}


def config(port, *endpoints, **more):
    return {"version": 3, "timeout": "20s", "host": ["http://127.0.0.1:%d" % port], "endpoints": list(endpoints),
            "extra_config": {"router": {"return_error_msg": True}}, **more}


def post_chunked(path, body):
    return b"POST %s HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n" % path.encode() + chunked(body, (100,))


SET = {"header.Modifier": {"name": "X-Set", "value": "1"}}
OWN = {"body.Modifier": {"contentType": "text/own", "body": "b3duIGJvZHk="}}


def test_an_answer_with_new_headers_streams(t):
    step = threading.Semaphore(0)

    @t.backend.on("/stream")
    def _(c, m):
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        step.acquire(timeout=10)
        c.send("6\r\nsecond\r\n0\r\n\r\n")
    g = t.start(config(t.backend.port, modifier("/s", "/stream", SET)))
    c = g.client()
    c.send(get("/s"))
    head = c.head()
    assert head.get("X-Set") == "1"
    assert c.line() == b"5" and c.exactly(7) == b"first\r\n", "the first part waits for the second"
    step.release()
    assert c.line() == b"6" and c.exactly(8) == b"second\r\n"


def test_a_large_body_is_not_held(t):
    body = b"x" * (8 << 20)
    t.backend.on("/big", lambda c, m: c.ok(body))
    g = t.start(config(t.backend.port, modifier("/b", "/big", SET)))
    a = g.ask(get("/b"))
    assert a.body == body and a.get("X-Set") == "1" and a.get("Content-Length") == str(len(body))


def test_an_own_body_replaces_both_sides(t):
    seen = []

    @t.backend.on("/o")
    def _(c, m):
        seen.append(m)
        c.ok(b"theirs" * 50000)
    g = t.start(config(t.backend.port, modifier("/o", "/o", OWN, method="POST")))
    c = g.client()
    for request in (post("/o", "from the client"), post("/o", "y" * 200000), post_chunked("/o", b"z" * 1000), post("/o", "")):
        a = c.ask(request)
        assert a.status == 200 and a.body == b"own body" and a.get("Content-Length") == "8", (a.line, a.body)
        assert a.get("Content-Type") == "text/own"
    assert [m.body for m in seen] == [b"own body"] * 4 and {m.get("Content-Length") for m in seen} == {"8"}


def test_without_a_call_the_connection_goes_on(t):
    g = t.start(config(t.backend.port, modifier("/none", "/f", {"static.Modifier": {"scope": ["request"]}}, method="POST"),
                       modifier("/json", "/f", {"fifo.Group": {"modifiers": [{"static.Modifier": {"scope": ["request"]}},
                                {"body.Modifier": {"scope": ["response"], "body": "eyJhIjoxfQ=="}}]}}, encoding="json")))
    c = g.client()
    for request in (post("/none", "x"), post_chunked("/none", b"z" * 1000), post("/none", "y" * 100000)):
        a = c.ask(request)
        assert a.status == 200 and a.body == b"", (a.line, a.body)
    assert c.ask(get("/json")).body == b'{"a":1}'
    assert not t.backend.requests("/f")


def test_a_head_may_grow_beyond_every_buffer(t):
    long = "v" * 30000
    t.backend.on("/h", lambda c, m: c.ok(b"body" * 1000, extra="X-Long: %s\r\n" % long))
    copies = {"fifo.Group": {"scope": ["response"], "modifiers": [
        {"header.Copy": {"from": "X-Long", "to": "X-Copy-%d" % i}} for i in range(20)]}}
    own = {"fifo.Group": {"scope": ["response"], "modifiers": copies["fifo.Group"]["modifiers"] + [OWN]}}
    requests = {"fifo.Group": {"scope": ["request"], "modifiers": [
        {"header.Copy": {"from": "X-Long", "to": "X-Copy-%d" % i}} for i in range(20)]}}
    g = t.start(config(t.backend.port, modifier("/c", "/h", copies), modifier("/o", "/h", own), modifier("/r", "/echo", requests)))
    got = []

    @t.backend.on("/echo")
    def _(c, m):
        got.append(m)
        c.ok(b"{}")
    for path, body in (("/c", b"body" * 1000), ("/o", b"own body")):
        a = g.ask(get(path))
        assert a.status == 200 and a.body == body, (a.line, len(a.body))
        assert all(a.get("X-Copy-%d" % i) == long for i in range(20))
    g.ask(get("/r", "X-Long: %s\r\n" % long))
    assert all(got[0].get("X-Copy-%d" % i) == long for i in range(20))


def test_what_a_modifier_sets_cannot_make_two_messages_of_one(t):
    t.backend.on("/x", lambda c, m: c.ok(b"{}"))
    names = (("Content-Length", "3"), ("X-Bad", "a\r\nX-Evil: 1"), ("X Bad", "1"), ("Transfer-Encoding", "identity"))
    endpoints = [modifier("/e%d" % i, "/x", {"header.Modifier": {"scope": ["request"], "name": n, "value": v}}, method="POST")
                 for i, (n, v) in enumerate(names)]
    endpoints += [modifier("/a%d" % i, "/x", {"header.Modifier": {"scope": ["response"], "name": n, "value": v}})
                  for i, (n, v) in enumerate(names)]
    g = t.start(config(t.backend.port, *endpoints))
    statuses = [g.ask(post("/e%d" % i, "four")).status for i in range(4)]
    assert statuses == [500, 500, 500, 200], statuses
    assert [m.body for m in t.backend.requests("/x")] == [b"four"]
    for i in range(4):
        a = g.ask(get("/a%d" % i))
        assert a.status == 200 and a.body == b"{}" and a.get("X-Evil") is None and a.get("Content-Length") == "2", (i, a.line)


def test_a_changed_host_has_a_pool_of_its_own(t):
    other = t.new_backend()
    other.on("/moved", lambda c, m: c.ok(b'{"other":1}'))
    g = t.start(config(t.backend.port, modifier("/x", "/moved", {"url.Modifier": {"host": "127.0.0.1:%d" % other.port}}, encoding="json"),
                       modifier("/nowhere", "/moved", {"url.Modifier": {"host": "127.0.0.1:bad"}})))
    c = g.client()
    for _ in range(3):
        assert c.ask(get("/x")).body == b'{"other":1}'
    assert len(set(other.numbers("/moved"))) == 1, other.numbers("/moved")
    assert g.ask(get("/nowhere")).status == 500
    assert not t.backend.requests("/moved")
