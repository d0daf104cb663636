"""Paths: parameters, literals beside them, redirects, 404 and 405, escapes, slashes, dots."""
from urllib.parse import unquote

LITERALS = ["a", "b", "users", "Users", "static", "x-y", "x_y", "x.y", "1", "v1", "api", "aa", "ab", "abc", "é", "a b", "%41", "a%20b", "~", "a,b", "a;b", "a=b", "a@b"]
PLAIN = LITERALS[:14]
VALUES = ["1", "abc", "ABC", "a b", "%20", "%2F", "%2f", "a%2Fb", "%3F", "%23", "%25", "%2520", "a%2520b", "%zz", "%", "%1", "..", ".", "", "+", ";", "a=b",
          ":", "@", "*", "{x}", "|", "^", "`", '"', "<b>", "\\", "%00", "%0a", "%0D%0A", "%7f", "%80", "%ff%fe", "%E4%BD%A0", "ä", "\u00ff", "~", "!$&'()*+,;=",
          "a:b", "%3A", "%5B", "[", "]", "%22", "%7B%7B.P0%7D%7D", "{{.P0}}", "{{.P1}}", "users", "static", "Static", "%61", "%2e%2e", "%2E", "a.b", "a.", ".a", "...", "a%26b", "a&b",
          "-", "_", "%F0%9F%98%80", "%e2%80%a8", "a%3fb", "a%5Cb", "%09", "%2b", "%252F", "%3D", "x" * 300]
QUERIES = ["", "", "", "?", "?a=1", "?a=1&b=2", "?x", "?a=b?c", "?%zz", "?a=%2F", "?redirect=/x//y", "?;", "?a=1;b=2", "?&&", "??", "?a=ä"]
METHODS = ["GET", "GET", "GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "FOO", "PROPFIND"]


def endpoint_path(rng, literals=PLAIN):
    depth = rng.choice([1, 1, 2, 2, 3, 4])
    return "/" + "/".join("{p%d}" % i if rng.random() < 0.4 else rng.choice(literals) for i in range(depth))


def router_options(rng):
    out = {}
    for name, value in [("disable_redirect_trailing_slash", True), ("disable_redirect_fixed_path", True), ("disable_handle_method_not_allowed", True),
                        ("remove_extra_slash", True), ("disable_path_decoding", True), ("auto_options", True), ("hide_version_header", True),
                        ("return_error_msg", True), ("disable_health", True), ("health_path", "/a/health"),
                        ("error_body", {"404": {"code": 404, "why": "<none>"}}), ("error_body", {"405": {"z": 1.50, "a": [1]}})]:
        if rng.random() < 0.12:
            out[name] = value
    return out


def fill(rng, path):
    """A request path for an endpoint's path."""
    return "/".join(rng.choice(VALUES) if s.startswith("{") else s for s in path.split("/"))


def bend(rng, path):
    """A path that is a little off."""
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        i = rng.randrange(len(path) + 1)
        slash = [j for j, c in enumerate(path) if c == "/"] or [0]
        j = rng.choice(slash)
        how = rng.randrange(12)
        if how == 0:
            path += "/"
        elif how == 1:
            path = path[:j] + "/" + path[j:]
        elif how == 2:
            path = path[:j] + "/." + path[j:]
        elif how == 3:
            path = path[:j] + "/x/.." + path[j:]
        elif how == 4:
            path = path.swapcase() if "%" not in path else path
        elif how == 5:
            path = path[:i] + rng.choice(["%20", "%2F", "%41", "%00", "ä", " ", "?", "#", "%", "+", ";"]) + path[i:]
        elif how == 6:
            path = path[:j] + "/.." + path[j:]
        elif how == 7:
            path = path + "/" + rng.choice(VALUES)
        elif how == 8:
            path = path[:j] or "/"
        elif how == 9:
            path = path + "//"
        elif how == 10:
            path = "".join("%%%02X" % ord(c) if c.isalpha() and ord(c) < 128 and rng.random() < 0.3 else c for c in path)
        elif how == 11:
            path = path.title() if "%" not in path else path
    return path


def usable(path):
    """A request target that is one: no blank, nothing that this text file cannot hold as latin-1."""
    return all(c > " " and ord(c) < 256 and c != "\x7f" for c in path)


def round_of(rng):
    endpoints, taken = [], set()
    literals = LITERALS if rng.random() < 0.3 else PLAIN
    for n in range(rng.randrange(3, 14)):
        path, method = endpoint_path(rng, literals), rng.choice(["GET", "GET", "GET", "POST", "PUT", "DELETE", "PATCH"])
        if (path, method) in taken:
            continue
        taken.add((path, method))
        names = ["{p%d}" % i for i in range(5) if "{p%d}" % i in path]
        pattern = f"/e{n}" + "".join(rng.choice(["/", "/x-", "?q=" if "?" not in "" else "&q="]) + p if i == 0 else rng.choice(["/", "-"]) + p
                                     for i, p in enumerate(rng.sample(names, len(names))))
        e = {"endpoint": path, "backend": [{"url_pattern": pattern}], "input_query_strings": ["*"]}
        if method != "GET" or rng.random() < 0.3:
            e["method"] = method
        if rng.random() < 0.4:
            e["output_encoding"] = "no-op"
        endpoints.append(e)
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}
    options = router_options(rng)
    if options:
        conf["extra_config"] = {"router": options}
    if rng.random() < 0.15:
        conf["debug_endpoint"] = True
    if rng.random() < 0.15:
        conf["echo_endpoint"] = True
    steps = []
    extra = ["/", "/__health", "/__debug", "/__debug/x", "/__echo", "/__echo/y?a=1", "/nothing", "/a/health", "*", "//", "/.", "/..", "/%2e"]
    while len(steps) < 70:
        path = fill(rng, rng.choice(endpoints)["endpoint"]) if rng.random() < 0.93 else rng.choice(extra)
        path = "".join("%%%02X" % b if b >= 128 or b == 32 else chr(b) for b in path.encode("latin-1")) if rng.random() < 0.5 else path
        path = bend(rng, path) + rng.choice(QUERIES)
        if not usable(path):
            continue
        health = "health" in unquote(path).lower()
        steps.append({"path": path, "method": rng.choice(METHODS), **({"compare": ["status", "headers"]} if health else {})})
    return {"config": conf, "routes": [{"path": "*", "json": {"ok": True}}], "steps": steps}
