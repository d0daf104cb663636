"""Configurations a little off: does `check` (and `run`) take them, and do they serve the same?"""
import copy, json

PORT = "{{port}}"
ODD = [None, True, False, 0, 1, -1, 1.5, "1", "0", "true", "false", "x", "", [], {}, ["x"], [1], {"a": 1}, "1s", "10", "-1s", "1h2m", "abc", 10**18, [[]], [{}], "1.5", "0x10", "1e3", " 1", "5 s", "1µs", "1d"]
ROOT = ["version", "name", "port", "listen_ip", "host", "timeout", "cache_ttl", "output_encoding", "endpoints", "extra_config", "debug_endpoint", "echo_endpoint", "sequential_start", "disable_rest", "dns_cache_ttl",
        "read_timeout", "write_timeout", "idle_timeout", "read_header_timeout", "max_header_bytes", "use_h2c", "dialer_timeout", "dialer_keep_alive", "dialer_fallback_delay", "disable_compression", "disable_keep_alives",
        "max_idle_connections", "max_idle_connections_per_host", "idle_connection_timeout", "response_header_timeout", "expect_continue_timeout", "allow_insecure_connections", "max_shutdown_wait_time", "plugin", "async_agent", "unknown"]
ENDPOINT = ["endpoint", "method", "backend", "input_headers", "input_query_strings", "output_encoding", "timeout", "cache_ttl", "concurrent_calls", "extra_config", "headers_to_pass", "querystring_params", "unknown"]
BACKEND = ["url_pattern", "host", "method", "encoding", "is_collection", "target", "allow", "deny", "mapping", "group", "input_headers", "input_query_strings", "disable_host_sanitize", "sd", "sd_scheme", "extra_config", "whitelist", "blacklist",
           "timeout", "concurrent_calls", "unknown"]
PATHS = ["/a", "a", "", "/", "/a/{id}", "/a/{id}/{b}", "/{a}/{a}", "/a/*", "/a*", "*", "/__debug", "/__debug/x", "/__health", "/__health/", "/x/__health", "/__healthy", "/__echo/a", "/a?b=1", "/a%20b", "/a b", "/ä", "//a", "/a//b",
         "/a/", "/{id}", "/{}", "/{a b}", "/{a.b}", "/x{id}", "/{id}x", "/a/:id", "/a:b", "/a/{id-x}", "/a/{id_x}", "/{a}/{b}/{c}/{d}", "/a&b", "/a#b", "/A", "/a/{ID}", "/a/{1}", "/{id}/*", "/a/..", "/a/./b", "/a{", "/a}", "/{{id}}"]
PATTERNS = ["/x", "", "x", "/{id}", "/x/{id}/{id}", "/{other}", "/x?{id}", "/{resp0_a}", "/{resp0_a.b}", "/{resp1_x}", "/{JWT.sub}", "/{id", "/id}", "/{}", "/{a b}", "/{Id}", "/{id}/{b}", "/x#y", "/ä", "/a b", "/%zz", "http://x/y", "/{{.Id}}", "/{resp0}", "/{a.b}", "/{JWT}"]
HOSTS = ["http://127.0.0.1:8000", "127.0.0.1:8000", "localhost", "https://a.b.c", "http://x/", "http://x/y", "ftp://x", "", "http://", "x:1", "x:99999999", "http://x:80/", "http://[::1]:80", "http://u:p@x", "HTTP://x", "http://a_b", "http://a b", "http://ä",
         "//x", "http://x:80:90", "x.y.z:8080/", "http://x//", "http://x?y", "srv+http://x", "http://x,http://y", "http:x", "https://x:443/#"]
METHODS = ["GET", "get", "Post", "", "HEAD", "OPTIONS", "FOO", "CONNECT", "PATCH", " GET", "GET,POST", "*"]


def base():
    return {"version": 3, "port": PORT, "host": ["http://127.0.0.1:8000"], "timeout": "2s", "endpoints": [
        {"endpoint": "/a/{id}", "method": "GET", "backend": [{"url_pattern": "/x/{id}", "host": ["http://127.0.0.1:8001"]}]},
        {"endpoint": "/b", "method": "POST", "backend": [{"url_pattern": "/y"}, {"url_pattern": "/z", "method": "GET"}]}]}


def odd(rng, name):
    pool = {"endpoint": PATHS, "url_pattern": PATTERNS, "method": METHODS, "output_encoding": ["json", "no-op", "JSON", "No-Op", "xml", "nonsense", "string", "negotiate", "yaml", "json-collection"],
            "encoding": ["json", "no-op", "safejson", "xml", "rss", "string", "JSON", "nonsense", "fast-json", "yaml"], "sd": ["static", "dns", "nonsense", "DNS", "dns-shared"], "listen_ip": ["127.0.0.1", "::", "0.0.0.0", "300.1.1.1", "localhost", "::1", "127.1"],
            "version": [2, 3, "3", 3.0, 4, "2", 1, 3.5], "port": [PORT, 70000, -1, 0, 65536]}.get(name, [])
    if name == "host":
        return rng.choice([[rng.choice(HOSTS)], [rng.choice(HOSTS)], [rng.choice(HOSTS), "http://ok"], rng.choice(HOSTS)]) if rng.random() < 0.8 else rng.choice(ODD)
    if pool and rng.random() < 0.85:
        return rng.choice(pool)
    return copy.deepcopy(rng.choice(ODD))


def spoil(rng, conf):
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        level = rng.randrange(6)
        target, names = conf, ROOT
        endpoints = conf.get("endpoints")
        if level > 1 and isinstance(endpoints, list) and endpoints and isinstance(endpoints[0], dict):
            target, names = rng.choice([e for e in endpoints if isinstance(e, dict)]), ENDPOINT
            backends = target.get("backend")
            if level > 3 and isinstance(backends, list) and backends and isinstance(backends[0], dict):
                target, names = rng.choice([b for b in backends if isinstance(b, dict)]), BACKEND
        name = rng.choice(names)
        how = rng.random()
        if how < 0.1:
            target.pop(name, None)
        elif how < 0.2:
            target[rng.choice([name.upper(), name.title(), name.replace("_", "-"), name + "s", name.replace("_", "")])] = odd(rng, name)
        else:
            target[name] = odd(rng, name)
        if rng.random() < 0.08 and isinstance(conf.get("endpoints"), list):
            conf["endpoints"].append({"endpoint": rng.choice(PATHS), "method": rng.choice(METHODS), "backend": [{"url_pattern": rng.choice(PATTERNS)}]})
    return conf


def broken(rng, text):
    how = rng.randrange(8)
    i = rng.randrange(len(text))
    if how == 0:
        return text[:i]
    if how == 1:
        return text[:i] + text[i + 1:]
    if how == 2:
        return text[:i] + rng.choice(",:{}[]\"x0 \n") + text[i:]
    if how == 3:
        return text + rng.choice([" ", "x", "{}", "\n\n", "\x00"])
    if how == 4:
        return rng.choice(["\ufeff", " ", "// c\n", "\n"]) + text
    if how == 5:
        return text.replace('"timeout"', '"timeout": "1s", "timeout"', 1)
    if how == 6:
        return rng.choice(["", "{}", "[]", "null", "3", '"x"', "version: 3\n", "{\"version\":3}", "{\"version\":3,\"endpoints\":null}", "{\"version\":3,\"endpoints\":[null]}"])
    return text.replace(",", ",,", 1)


def round_of(rng):
    out = []
    for _ in range(12):
        conf = spoil(rng, base())
        text = json.dumps(conf)
        if rng.random() < 0.12:
            text = broken(rng, text)
        args = rng.choice([["check", "-c", "{{config}}"], ["check", "-c", "{{config}}"], ["check", "-t", "-c", "{{config}}"]])
        out.append({"config": text, "args": args, "exits": True, "wait_s": 20})
    return {"rounds": out}
