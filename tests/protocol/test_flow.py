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
    assert n["shadows"] + n["shadows_left_out"] == total and n["exchanges_in_flight"] <= 1024 + 1, n  # the last one may still be ending
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
    wait_until(lambda: "connection refused" in g.log())


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


# --- gladius/call ---------------------------------------------------------------------------------------------------------


def call(pattern, rules, **more):
    return {"url_pattern": pattern, "extra_config": {"gladius/call": rules}, **more}


SEQUENTIAL = {"proxy": {"sequential": True}}


def test_what_is_required_and_what_is_not(t):
    t.backend.on("/good", lambda c, m: c.ok(b'{"a":1}'))
    t.backend.on("/bad", lambda c, m: c.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"))
    g = t.start(config(
        t.backend.port,
        {"endpoint": "/required", "backend": [{"url_pattern": "/good"}, call("/bad", {"required": True})]},
        {"endpoint": "/code", "backend": [{"url_pattern": "/good"}, {"url_pattern": "/bad", "extra_config": {
            "backend/http": {"return_error_code": True}, "gladius/call": {"required": True}}}]},
        {"endpoint": "/optional", "backend": [{"url_pattern": "/good"}, call("/bad", {"required": False})]},
        {"endpoint": "/fallback", "cache_ttl": "60s", "backend": [{"url_pattern": "/good"}, call("/bad", {"fallback": {"stock": "unknown", "n": 1}})]},
        {"endpoint": "/alone", "backend": [call("/bad", {"fallback": {"stock": "unknown"}})]},
        {"endpoint": "/chain", "extra_config": SEQUENTIAL, "backend": [
            call("/bad", {"fallback": {"id": 5}}), {"url_pattern": "/good/{resp0_id}", "group": "g"}]}))
    for path, status, body, completed in (
            ("/required", 500, None, "false"), ("/code", 404, b"no", "false"), ("/optional", 200, b'{"a":1}', "true"),
            ("/fallback", 200, b'{"a":1,"n":1,"stock":"unknown"}', "true"), ("/alone", 200, b'{"stock":"unknown"}', "true"),
            ("/chain", 200, b'{"g":{"a":1},"id":5}', "true")):
        for _ in range(2):  # what the plan holds is not used up
            a = g.ask(get(path))
            assert (a.status, a.get("X-Krakend-Completed")) == (status, completed), (path, a.line, a.fields)
            assert body is None or a.body == body, (path, a.body)
    assert g.ask(get("/fallback")).get("Cache-Control") == "public, max-age=60"
    assert t.backend.requests("/good/5")
    assert "invalid status code 404" in g.log()


def test_conditions(t):
    t.backend.on("/user", lambda c, m: c.ok(b'{"role":"admin","none":null}', "X-Level: 7\r\n"))
    t.backend.on("/extra", lambda c, m: c.ok(b'{"extra":true}'))
    steps = [
        ({"value": "{resp0_role}", "equals": "admin"}, True), ({"value": "{resp0_role}", "equals": "guest"}, False),
        ({"value": "{resp0_role}", "not_equals": "admin"}, False), ({"value": "{resp0_role}", "in": ["x", "admin"]}, True),
        ({"value": "{resp0.header.X-Level}-{resp0.status}", "equals": "7-200"}, True), ({"value": "{resp0_gone}", "exists": True}, False),
        ({"value": "{resp0_none}", "exists": False}, True), ({"value": "{id}", "equals": "9"}, True),
        ({"value": "{input_headers.X-Plan}", "equals": "gold"}, True), ({"value": "{input_query_strings.q}", "equals": "a b"}, True),
        ({"value": "{input_query_strings.q}", "equals": "a b", "not_equals": "a b"}, False),
    ]
    g = t.start(config(t.backend.port, *[
        {"endpoint": "/%d/{id}" % i, "extra_config": SEQUENTIAL, "input_headers": ["X-Plan"], "input_query_strings": ["q"],
         "backend": [{"url_pattern": "/user"}, call("/extra", {"if": rule})]} for i, (rule, _) in enumerate(steps)],
        {"endpoint": "/parallel", "input_headers": ["X-Plan"],
         "backend": [call("/user", {"if": {"value": "{input_headers.X-Plan}", "exists": False}}), call("/extra", {"if": {"value": "{input_headers.X-Plan}", "exists": True}})]}))
    for i, (rule, called) in enumerate(steps):
        a = g.ask(get("/%d/9?q=a+b" % i, "X-Plan: gold\r\n"))
        assert (b"extra" in a.body) == called and a.get("X-Krakend-Completed") == "true", (rule, a.body)
    assert g.ask(get("/parallel", "X-Plan: x\r\n")).body == b'{"extra":true}'
    assert g.ask(get("/parallel")).body == b'{"none":null,"role":"admin"}'


def test_values_in_headers_query_body_and_path(t):
    t.backend.on("/user", lambda c, m: c.ok(b'{"id":7,"name":"A \\"quoted\\" \\u00e9","tags":["x",{"y":1}],"evil":"a\\r\\nX-Evil: 1"}', "X-Total: 12\r\n"))
    g = t.start(config(
        t.backend.port,
        {"endpoint": "/go/{p}", "method": "POST", "extra_config": SEQUENTIAL, "input_headers": ["X-Plan"], "input_query_strings": ["q", "keep"], "backend": [
            {"url_pattern": "/user", "method": "GET"},
            call("/to/{resp0.header.X-Total}/{resp0.status}/{input_query_strings.q}/{p}", {
                "headers": {"x-user": "{resp0_id}", "X-Name": "n={resp0_name}"}, "query": {"total": "{resp0.header.X-Total}", "q": "{resp0_name}"},
                "body": {"id": "{resp0_id}", "text": "no {resp0_id}: {resp0_name}", "tags": "{resp0_tags}", "gone": "{resp0_gone}", "n": [1, True, None, "{p}"]}})]},
        {"endpoint": "/evil", "extra_config": SEQUENTIAL, "backend": [
            {"url_pattern": "/user"}, call("/never", {"headers": {"X-A": "{resp0_evil}"}})]}))
    a = g.ask(post("/go/P?q=1&keep=2", "ignored", "X-Plan: gold\r\n"))
    assert a.status == 200
    m = [x for x in t.backend.requests() if x.target.startswith("/to/")][0]
    assert m.target == "/to/12/200/1/P?keep=2&total=12&q=A+%22quoted%22+%C3%A9", m.target
    assert m.get("X-User") == "7" and m.get("X-Plan") == "gold" and m.get("Content-Type") == "application/json"
    assert json.loads(m.body) == {"id": 7, "text": "no 7: A \"quoted\" \u00e9", "tags": ["x", {"y": 1}], "gone": None, "n": [1, True, None, "P"]}, m.body
    assert g.ask(get("/evil")).get("X-Krakend-Completed") == "false" and not t.backend.requests("/never")


def test_foreach(t):
    running = []
    most = [0]

    @t.backend.on("/item")
    def _(c, m):
        running.append(m)
        most[0] = max(most[0], len(running))
        time.sleep(0.02)
        running.remove(m)
        n = m.target.rsplit("/", 1)[1]
        if n == "13":
            c.send(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
        else:
            c.ok(('{"id":"ignored","price":%s.50}' % n).encode())

    t.backend.on("/list", lambda c, m: c.ok(b'{"page":1,"box":{"x":0,"orders":[{"id":1,"q":2},{"id":2},{"id":3}]},"ids":[4,5],"bad":[{"id":1},{"id":13}],"many":' + json.dumps(list(range(30, 60))).encode() + b'}'))
    def over(path, rules, **more):
        return {"endpoint": path, "extra_config": SEQUENTIAL, "backend": [
            {"url_pattern": "/list", **more}, call("/item/{each.id}" if "ids" not in rules["foreach"]["array"] and "many" not in rules["foreach"]["array"] else "/item/{each}", rules, allow=["price"])]}
    g = t.start(config(
        t.backend.port,
        over("/into", {"foreach": {"array": "resp0_box.orders", "into": "detail"}}, allow=["box", "page"]),
        over("/merged", {"foreach": {"array": "resp0_box.orders"}}, allow=["box"]),
        over("/scalars", {"foreach": {"array": "resp0_ids"}}, allow=["ids"]),
        over("/wrapped", {"foreach": {"array": "resp0_ids", "into": "d"}}, allow=["ids"]),
        over("/failing", {"foreach": {"array": "resp0_bad", "into": "d"}}, allow=["bad"]),
        over("/excused", {"required": False, "foreach": {"array": "resp0_bad", "into": "d"}}, allow=["bad"]),
        over("/fallback", {"fallback": {"price": 0}, "foreach": {"array": "resp0_bad", "into": "d"}}, allow=["bad"]),
        over("/required", {"required": True, "foreach": {"array": "resp0_bad", "into": "d"}}, allow=["bad"]),
        over("/none", {"foreach": {"array": "resp0_gone.ids"}}, allow=["page"]),
        over("/many", {"foreach": {"array": "resp0_many", "parallel": 3}}, allow=["many"]),
        over("/capped", {"foreach": {"array": "resp0_many", "max": 2}}, allow=["many"])))
    for path, completed, want in (
            ("/into", "true", {"page": 1, "box": {"x": 0, "orders": [{"id": 1, "q": 2, "detail": {"price": 1.5}}, {"id": 2, "detail": {"price": 2.5}}, {"id": 3, "detail": {"price": 3.5}}]}}),
            ("/merged", "true", {"box": {"x": 0, "orders": [{"id": 1, "q": 2, "price": 1.5}, {"id": 2, "price": 2.5}, {"id": 3, "price": 3.5}]}}),
            ("/scalars", "true", {"ids": [{"price": 4.5}, {"price": 5.5}]}), ("/wrapped", "true", {"ids": [{"value": 4, "d": {"price": 4.5}}, {"value": 5, "d": {"price": 5.5}}]}),
            ("/failing", "false", {"bad": [{"id": 1, "d": {"price": 1.5}}, {"id": 13}]}), ("/excused", "true", {"bad": [{"id": 1, "d": {"price": 1.5}}, {"id": 13}]}),
            ("/fallback", "true", {"bad": [{"id": 1, "d": {"price": 1.5}}, {"id": 13, "d": {"price": 0}}]}), ("/required", "false", None),
            ("/none", "true", {"page": 1}), ("/many", "true", {"many": [{"price": n + 0.5} for n in range(30, 60)]}),
            ("/capped", "false", {"many": [{"price": 30.5}, {"price": 31.5}] + list(range(32, 60))})):
        most[0] = 0
        for _ in range(2):
            a = g.ask(get(path))
            assert a.get("X-Krakend-Completed") == completed and a.status == (200 if want else 500), (path, a.line, a.body)
            assert not want or json.loads(a.body) == want, (path, a.body)
        assert most[0] <= (3 if path == "/many" else 8), (path, most)
    quiet(g)
