"""Shadow backends, concurrent calls and steps: nobody waits for what nobody needs, and what is over is cancelled (ledger 1 sections 4.7, 4.8, 5.14)."""
import json
import time

from harness import SLOW, get, post, wait_until


def config(backend_port, *endpoints, **more):
    return {"version": 3, "timeout": "20s", "host": ["http://127.0.0.1:%d" % backend_port], "endpoints": list(endpoints),
            "extra_config": {"telemetry/logging": {"level": "INFO", "stdout": True}, "router": {"return_error_msg": True}}, **more}


def shadow(pattern, **more):
    return {"url_pattern": pattern, "extra_config": {"proxy": {"shadow": True, **more}}}


def holding(t, path):
    """A backend path whose answers wait; returns the list of connections that hang there."""
    held = []

    @t.backend.on(path)
    def _(c, m):
        held.append((c, m))
        c.wait_closed(15 * SLOW)
        return False
    return held


def quiet(g):
    g.idle()
    wait_until(lambda: g.counters()["memory_budget_used"] == 0)


def test_a_shadow_delays_nobody_and_ends_at_its_time(t):
    held = holding(t, "/hangs")
    t.backend.on("/real", lambda c, m: c.ok(b'{"a":1}'))
    g = t.start(config(t.backend.port,
                       {"endpoint": "/s", "backend": [{"url_pattern": "/real"}, shadow("/hangs", shadow_timeout="300ms")]},
                       {"endpoint": "/n", "output_encoding": "json", "method": "POST",
                        "backend": [{"url_pattern": "/real"}, shadow("/hangs", shadow_timeout="300ms"), shadow("/gone-too", shadow_timeout="10ms")]}))
    for request in (get("/s"), post("/n", "x" * 100000)):
        held.clear()
        a = g.ask(request)
        assert a.status == 200 and a.body == b'{"a":1}' and a.get("X-Krakend-Completed") == "true", (a.line, a.body)
        wait_until(lambda: held)
        assert not held[0][0].closed.is_set(), "the shadow was cancelled with its client"
        wait_until(lambda: held[0][0].closed.is_set())
    assert held[0][1].method == "POST" and held[0][1].body == b"x" * 100000
    quiet(g)


def test_a_shadow_outlives_its_client_and_a_reload(t):
    held = holding(t, "/hangs")
    slow = holding(t, "/slow")
    one = config(t.backend.port, {"endpoint": "/s", "backend": [{"url_pattern": "/slow"}, shadow("/hangs")]})
    g = t.start(one)
    c = g.client()
    c.send(get("/s"))
    wait_until(lambda: held and slow)
    c.close()
    wait_until(lambda: slow[0][0].closed.is_set())
    g.reload(config(t.backend.port, {"endpoint": "/other", "backend": [{"url_pattern": "/slow"}]}, port=g.port))
    assert not held[0][0].closed.is_set()
    held[0][0].ok(b"{}")
    quiet(g)


def test_shadows_have_a_limit(t):
    """A backend that nobody waits for does not pile up requests: one client connection is one worker, which keeps 1024 at most."""
    holding(t, "/hangs")
    t.backend.on("/real", lambda c, m: c.ok(b'{"a":1}'))
    g = t.start(config(t.backend.port, {"endpoint": "/s", "backend": [{"url_pattern": "/real"}, shadow("/hangs", shadow_timeout="%ds" % (4 * SLOW))]}))
    total = 1024 + 50
    with g.client() as c:
        for _ in range(total):
            assert c.ask(get("/s")).status == 200
    n = g.counters()
    assert n["shadows"] + n["shadows_left_out"] == total and n["exchanges_in_flight"] <= 1024, n
    quiet(g)


def test_the_first_complete_answer_ends_the_other_calls(t):
    calls = []

    @t.backend.on("/race")
    def _(c, m):
        calls.append(c)
        if len(calls) == 2:
            c.ok(b'{"winner":true}')
            return True
        c.wait_closed(15 * SLOW)
        return False

    g = t.start(config(t.backend.port, {"endpoint": "/c", "concurrent_calls": 3, "backend": [{"url_pattern": "/race"}]}))
    a = g.ask(get("/c"))
    assert a.status == 200 and a.body == b'{"winner":true}'
    wait_until(lambda: len(calls) == 3)
    wait_until(lambda: sum(c.closed.is_set() for c in calls) == 2)
    quiet(g)


def test_a_client_that_leaves_ends_the_race_and_the_chain(t):
    t.backend.on("/first", lambda c, m: c.ok(b'{"id":7}'))
    held = holding(t, "/second")
    third = []
    t.backend.on("/third", lambda c, m: (third.append(m), c.ok(b"{}")))
    g = t.start(config(
        t.backend.port,
        {"endpoint": "/chain", "extra_config": {"proxy": {"sequential": True}},
         "backend": [{"url_pattern": "/first"}, {"url_pattern": "/second-{resp0_id}"}, {"url_pattern": "/third"}]},
        {"endpoint": "/race", "concurrent_calls": 4, "backend": [{"url_pattern": "/second"}]}))
    for path, count in (("/chain", 1), ("/race", 4)):
        held.clear()
        c = g.client()
        c.send(get(path))
        wait_until(lambda: len(held) == count)
        c.close()
        wait_until(lambda: all(x.closed.is_set() for x, _ in held))
    assert not third
    quiet(g)


def test_a_failed_step_can_be_covered_by_static_data(t):
    t.backend.on("/first", lambda c, m: c.ok(b'{"id":7}'))
    g = t.start(config(
        t.backend.port,
        {"endpoint": "/chain", "extra_config": {"proxy": {"sequential": True, "static": {"strategy": "errored", "data": {"name": "unknown", "n": 1.0}}}},
         "backend": [{"url_pattern": "/first"}, {"url_pattern": "/second/{resp0_id}", "host": ["http://127.0.0.1:19"]}]},
        {"endpoint": "/raw", "output_encoding": "no-op", "extra_config": {"proxy": {"static": {"strategy": "errored", "data": {"a": 1}}}},
         "backend": [{"url_pattern": "/x", "host": ["http://127.0.0.1:19"]}]}))
    a = g.ask(get("/chain"))
    assert a.status == 200 and json.loads(a.body) == {"id": 7, "n": 1, "name": "unknown"} and b'"n":1,' in a.body, a.body
    assert a.get("X-Krakend-Completed") == "false"
    a = g.ask(get("/raw"))
    assert a.status == 200 and a.body == b"" and a.get("X-Krakend-Completed") == "false"
    assert "connection refused" in g.log()


def test_a_value_cannot_break_the_request_line(t):
    """What an answer holds is the backend's to choose: it must not become a second request, a header, or another path segment by accident."""
    nasty = "a b\r\nX-Evil: 1\r\n\r\nGET /stolen HTTP/1.1\r\n\x00\t\u00e9"
    t.backend.on("/first", lambda c, m: c.ok(json.dumps({"v": nasty, "ok": "x y"}).encode()))
    seen = []
    t.backend.on("/second", lambda c, m: (seen.append(m), c.ok(b"{}")))
    g = t.start(config(
        t.backend.port,
        {"endpoint": "/path", "extra_config": {"proxy": {"sequential": True}}, "backend": [{"url_pattern": "/first"}, {"url_pattern": "/second/{resp0_v}"}]},
        {"endpoint": "/query", "extra_config": {"proxy": {"sequential": True}}, "backend": [{"url_pattern": "/first"}, {"url_pattern": "/second?q={resp0_v}&r={resp0_ok}"}]}))
    for path in ("/path", "/query"):
        g.ask(get(path))
    time.sleep(0.1)
    for m in seen:
        assert " " not in m.target and "X-Evil" not in m.names() and "\r" not in m.target, m.raw_head
    assert not t.backend.requests("/stolen")
    quiet(g)
