"""What stands in front of the router: origins, security headers, bots."""

ORIGINS = ["https://app.test", "http://*.dev.test", "https://*", "*", "null", "HTTPS://Big.test", "app://x", "*.test", "a*b*c", ""]
ASKED_ORIGINS = ["https://app.test", "HTTPS://APP.test", "http://x.dev.test", "http://.dev.test", "http://dev.test", "https://evil.test", "null", "", "https://big.test",
                 "app://x", "https://", "a*b*c", "aXb*c", "https://app.test/", "https://app.test:443"]
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "", "FOO"]
HEADERS = ["X-One", "content-type", "x-two", "Authorization", "*", "X-ONE", "accept"]
ASKED_HEADERS = ["x-one", "X-One", "content-type,x-one", "x-one,content-type", "content-type, x-one", "content-type,  x-one", "x-one,", ",x-one", ",,,,,,,,,,,,,,,,x-one",
                 ",,,,,,,,,,,,,,,,,x-one", "", "x-three", "authorization,content-type,x-one,x-two", "x-one,x-one", "x-one ;", "\tx-one", "accept"]


def some(rng, values, most=3):
    return rng.sample(values, rng.randrange(0, most + 1))


def cors(rng):
    out = {}
    if rng.random() < 0.8:
        out["allow_origins"] = some(rng, ORIGINS)
    if rng.random() < 0.6:
        out["allow_methods"] = some(rng, METHODS, 4)
    if rng.random() < 0.6:
        out["allow_headers"] = some(rng, HEADERS, 4)
    if rng.random() < 0.4:
        out["expose_headers"] = some(rng, ["x-out", "ETag", "content-length", "X-REQUEST-id"])
    for name in ["allow_credentials", "allow_private_network", "options_passthrough", "debug"]:
        if rng.random() < 0.25:
            out[name] = rng.random() < 0.8
    if rng.random() < 0.5:
        out["max_age"] = rng.choice(["12h", "90s", "1500ms", "500ms", "0", "0s", "-1s", "-300ms", "86400", "1h30m", ""])
    if rng.random() < 0.3:
        out["options_success_status"] = rng.choice([200, 202, 204, 299, 304, 404, 0, 500])
    return out


def service(rng):
    """A service with a few endpoints, and the extra_config that the caller fills."""
    routes = [{"path": "/x*", "json": {"ok": True}, "headers": rng.choice([[], [["Vary", "Accept"], ["Access-Control-Allow-Origin", "https://b.test"]],
                                                                          [["X-Frame-Options", "SAMEORIGIN"], ["Strict-Transport-Security", "max-age=1"], ["Referrer-Policy", "a"]]])}]
    endpoints = [{"endpoint": "/a", "backend": [{"url_pattern": "/x"}]},
                 {"endpoint": "/n", "output_encoding": "no-op", "backend": [{"url_pattern": "/x"}]},
                 {"endpoint": "/n", "method": "POST", "output_encoding": "no-op", "backend": [{"url_pattern": "/x", "method": "POST"}]},
                 {"endpoint": "/u/{id}", "method": rng.choice(["PUT", "DELETE", "PATCH"]), "backend": [{"url_pattern": "/x/{id}"}]},
                 {"endpoint": "/broken", "backend": [{"url_pattern": "/gone", "host": ["{{dead}}"]}]}]
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints, "extra_config": {}}
    router = {}
    for name in ["auto_options", "disable_redirect_trailing_slash", "return_error_msg"]:
        if rng.random() < 0.3:
            router[name] = True
    if router:
        conf["extra_config"]["router"] = router
    if rng.random() < 0.3:
        conf["echo_endpoint"] = True
    return conf, routes


PATHS = ["/a", "/n", "/u/1", "/u/a%2520b", "/none", "/a/", "/A", "/broken", "/__health", "/__echo/x", "/", "*", "/a?x=1&y=%3Cb%3E"]


def step(rng, headers, methods=("GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS")):
    path = rng.choice(PATHS)
    out = {"path": path, "method": rng.choice(methods), "headers": headers}
    if path == "/__health":
        out["compare"] = ["status", "headers"]
    return out


def origins(rng):
    conf, routes = service(rng)
    conf["extra_config"]["security/cors"] = cors(rng)
    steps = []
    for _ in range(60):
        headers = []
        for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 2])):
            headers.append(["Origin", rng.choice(ASKED_ORIGINS)])
        if rng.random() < 0.6:
            headers.append(["Access-Control-Request-Method", rng.choice(METHODS)])
            for _ in range(rng.choice([0, 0, 1, 1, 2])):
                headers.append([rng.choice(["Access-Control-Request-Headers", "access-control-request-headers"]), rng.choice(ASKED_HEADERS)])
            if rng.random() < 0.3:
                headers.append(["Access-Control-Request-Private-Network", rng.choice(["true", "True", "1", ""])])
            steps.append(step(rng, headers, ("OPTIONS", "OPTIONS", "OPTIONS", "GET", "POST")))
        else:
            steps.append(step(rng, headers))
    return {"config": conf, "routes": routes, "steps": steps, "normalise": [[r"127\.0\.0\.1:\d+", "HOST"], [r"reads of.*|dial tcp.*", "X"]]}


HOSTS = ["good.test", "GOOD.test", "other.test:8080", "evil.test", "good.test:80", "a.good.test", "good.test.", "x"]


def secure(rng):
    out = {}
    if rng.random() < 0.4:
        out["allowed_hosts"] = some(rng, ["good.test", "Other.test:8080", "x", "*.good.test"])
    if rng.random() < 0.25:
        out["allowed_hosts"] = some(rng, [r".*\.good\.test", "good.test", "(?i)GOOD\\.test(:\\d+)?", "x|good.test", ""])
        out["allowed_hosts_are_regex"] = True
    if rng.random() < 0.3:
        out["host_proxy_headers"] = some(rng, ["X-Real-Host", "x-forwarded-host", "Host"])
    if rng.random() < 0.3:
        out["ssl_redirect"] = True
        if rng.random() < 0.6:
            out["ssl_host"] = rng.choice(["secure.test", "secure.test:8443", ""])
    if rng.random() < 0.5:
        out["ssl_proxy_headers"] = rng.choice([{"X-Forwarded-Proto": "https"}, {"x-forwarded-proto": "https", "X-Tls": "1"}, {}, {"X-Nothing": ""}])
    if rng.random() < 0.5:
        out["sts_seconds"] = rng.choice([0, 60, 31536000, -5, 1.9])
    for name in ["sts_include_subdomains", "force_sts_header", "frame_deny", "content_type_nosniff", "browser_xss_filter"]:
        if rng.random() < 0.4:
            out[name] = True
    if rng.random() < 0.15:
        out["is_development"] = True
    if rng.random() < 0.3:
        out["custom_frame_options_value"] = rng.choice(["ALLOW-FROM https://x.test", "SAMEORIGIN", ""])
    if rng.random() < 0.3:
        out["content_security_policy"] = rng.choice(["default-src 'self'", "script-src $NONCE; style-src $NONCE", "$NONCE"])
    if rng.random() < 0.3:
        out["referrer_policy"] = rng.choice(["same-origin", "no-referrer"])
    if rng.random() < 0.1:
        out["hpkp_public_key"] = "k"
    return out


def hardening(rng):
    conf, routes = service(rng)
    conf["extra_config"]["security/http"] = secure(rng)
    if rng.random() < 0.3:
        conf["extra_config"]["security/cors"] = cors(rng)
    steps = []
    for _ in range(60):
        headers = [["Host", rng.choice(HOSTS)]] if rng.random() < 0.8 else []
        for name, values in [("X-Real-Host", HOSTS + [""]), ("X-Forwarded-Host", HOSTS), ("X-Forwarded-Proto", ["https", "http", "HTTPS"]), ("X-Tls", ["1", "0"])]:
            if rng.random() < 0.25:
                headers.append([name, rng.choice(values)])
        steps.append(step(rng, headers))
    return {"config": conf, "routes": routes, "steps": steps, "normalise": [[r"127\.0\.0\.1:\d+", "HOST"], [r"reads of.*|dial tcp.*", "X"], [r"nonce-[A-Za-z0-9+/]{22}'", "nonce-N'"]]}


AGENTS = ["curl/8.1", "x curl/8", "Mozilla/5.0 (X11)", "Googlebot/2.1", "BadBot", "badbot", "MyBot/1.0", "MyBot/1.0.1", "a spider", "spider a", "", "Big CRAWLER x", "\u00e4 bot",
          "b\u00ff\u00fe curl", "Pingdom.com_bot_version_1.1"]
PATTERNS = [r"(?i)crawler", "^curl/", "spider$", r"(Pingdom.com_bot_version_)(\d+)\.(\d+)", "bot", r"^.*curl", r"\bbot\b", "[^a-z]bot", r"^[\x00-\x7f]*$", r"^\w+$", r"(?<name>Google)bot", r"^.{5}$", r"\pL bot"]


def detector(rng):
    out = {}
    if rng.random() < 0.5:
        out["allow"] = some(rng, AGENTS)
    if rng.random() < 0.5:
        out[rng.choice(["deny", "deny", "Deny"])] = some(rng, AGENTS)
    if rng.random() < 0.8:
        out["patterns"] = some(rng, PATTERNS)
    if rng.random() < 0.4:
        out["empty_user_agent_is_bot"] = True
    if rng.random() < 0.4:
        out["cache_size"] = rng.choice([0, 1, 100])
    return out


def crawlers(rng):
    conf, routes = service(rng)
    if rng.random() < 0.6:
        conf["extra_config"]["security/bot-detector"] = detector(rng)
    for e in conf["endpoints"]:
        if rng.random() < 0.3:
            e["extra_config"] = {"security/bot-detector": detector(rng)}
    if rng.random() < 0.3:
        conf["extra_config"]["security/cors"] = cors(rng)
    steps = []
    for _ in range(60):
        headers = [["User-Agent", rng.choice(AGENTS)] for _ in range(rng.choice([0, 1, 1, 1, 1, 2]))]
        steps.append(step(rng, headers))
    return {"config": conf, "routes": routes, "steps": steps, "normalise": [[r"127\.0\.0\.1:\d+", "HOST"], [r"reads of.*|dial tcp.*", "X"]]}


def limit(rng, params):
    out = {}
    if rng.random() < 0.6:
        out["max_rate"] = rng.choice([0, 1, 2, 3.5, 40000, 98, 0.01, -1])
    if rng.random() < 0.3:
        out["capacity"] = rng.choice([0, 1, 2, 4, 2.9])
    if out.get("max_rate") == 40000:  # eleven come back in a second
        out["capacity"] = 5000
    if rng.random() < 0.6:
        out["client_max_rate"] = rng.choice([1, 2, 0, 0.5])
        out["strategy"] = rng.choice(["ip", "IP", "header", "param", "Header"])
        if rng.random() < 0.7:
            out["key"] = rng.choice(["X-Client", "x-client", "Host", "Cookie", ""] + params)
    if rng.random() < 0.3:
        out["client_capacity"] = rng.choice([0, 1, 2, 3])
    out["every"] = rng.choice(["1h", "1h", "2h30m", "49m"])
    return out


def limits(rng):
    """Long periods, so that no token comes back while a round runs."""
    endpoints = []
    for n in range(8):
        params = rng.choice([[], ["id"], ["id", "who"]])
        e = {"endpoint": f"/l{n}" + "".join("/{%s}" % p for p in params), "backend": [{"url_pattern": "/x"}]}
        if rng.random() < 0.8:
            e["extra_config"] = {"qos/ratelimit/router": limit(rng, params)}
        if rng.random() < 0.3:
            e["output_encoding"] = "no-op"
        elif rng.random() < 0.3:
            e["backend"].append({"url_pattern": "/y", "group": "y"})
        for b in e["backend"]:
            extra = {}
            if rng.random() < 0.35:
                extra["qos/ratelimit/proxy"] = {"max_rate": rng.choice([0, 1, 3]), "every": rng.choice(["1h", "3h"]), **({"capacity": rng.choice([1, 3])} if rng.random() < 0.5 else {})}
            if rng.random() < 0.35:
                extra["qos/circuit-breaker"] = {"interval": rng.choice([0, 600]), "timeout": rng.choice([0, 600]), "max_errors": rng.choice([0, 1, 2])}
            if rng.random() < 0.2:
                extra["backend/http"] = rng.choice([{"return_error_details": "e"}, {"return_error_code": True}])
            if extra:
                b["extra_config"] = extra
            if rng.random() < 0.3:
                b["url_pattern"] = rng.choice(["/bad", "/junk", "/some"])
        endpoints.append(e)
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints, "extra_config": {"router": {"return_error_msg": all(len(e["backend"]) == 1 for e in endpoints)}}}
    routes = [{"path": "/bad", "status": 503, "json": {"m": 1}}, {"path": "/junk", "body": "{junk"}, {"path": "/some", "status": 500, "times": 2}, {"path": "*", "json": {"ok": True}}]
    steps = []
    for _ in range(90):
        path = rng.choice(endpoints)["endpoint"].replace("{id}", rng.choice("ab")).replace("{who}", rng.choice(["ann", "Ann", "a%20b"]))
        headers = []
        for name, values in [("X-Client", ["1", "2", "1.1.1.1", "1.1.1.1:80, 2.2.2.2", "::1", "01.1.1.1", ""]), ("X-Forwarded-For", ["9.9.9.9", "9.9.9.9, 8.8.8.8", "x", "2001:db8::1", "2001:DB8::1"]),
                             ("X-Real-IP", ["7.7.7.7"]), ("Cookie", ["a=1", "b=2"]), ("User-Agent", ["u"])]:
            if rng.random() < 0.35:
                headers.append([name, rng.choice(values)])
        steps.append({"path": path, "headers": headers, "backend_order": "any"})
    return {"config": conf, "routes": routes, "steps": steps, "normalise": [[r"127\.0\.0\.1:\d+", "HOST"]]}
