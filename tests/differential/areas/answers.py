"""What the gateway makes of the backends' answers: merging, failures, headers, deadlines."""
import base64
from . import documents

STATUSES = [200, 200, 200, 201, 202, 203, 204, 205, 206, 300, 304, 307, 400, 401, 403, 404, 405, 409, 418, 422, 429, 451, 500, 501, 502, 503, 504, 599, 999]
RAW = ["", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":1}", "HTTP/1.0 200 OK\r\n\r\n{\"a\":1}",
       "HTTP/1.1 200\r\nContent-Length: 7\r\n\r\n{\"a\":1}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}", "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
       "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n{\"a\":1}", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 7\r\n\r\n{\"a\":1}", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
       "HTTP/1.1 500 Oops\r\n\r\nno", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n", "HTTP/1.1 2000 High\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\n{\"a\":1}", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nContent-Type: a/b\r\n\r\nno",
       "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}trailing rubbish"]
JSON = [["Content-Type", "application/json"]]


def error_options(rng, name="be"):
    """Random return_error_code and return_error_details of a backend."""
    how = rng.randrange(6)
    if how == 0:
        return {"backend/http": {"return_error_code": True}}
    if how == 1:
        return {"backend/http": {"return_error_details": name + rng.choice(["x", "", "a b", "<x>", "A"])}}
    if how == 2:
        return {"backend/http": {"return_error_code": True, "return_error_details": name}}
    return {}


def failing(rng, path):
    """A backend's route that may well fail."""
    how = rng.randrange(10)
    if how == 0:
        return {"path": path, "close": True}
    if how == 1:
        return {"path": path, "raw": rng.choice(RAW)}
    body = rng.choice([b"", b"no", b'{"error":"<x>"}', b"<html>", b"[1]", b"not json", b'{"a":1}', b'{"a":1}', b"\xff\xfe", b"null", b"x" * 5000])
    route = {"path": path, "status": rng.choice(STATUSES), "body_b64": base64.b64encode(body).decode(), "headers": list(rng.choice([[], JSON, [["Content-Type", "text/html"]], [["Content-Type", ""]],
             [["Content-Type", "a/b"], ["X-A", "1"]]]))}
    if route["status"] == 307 or rng.random() < 0.1:
        route["status"] = rng.choice([301, 302, 303, 307, 308])
        route["headers"].append(["Location", rng.choice(["/ok", "/{a}/ok", "ok", "", "//", "http://[bad", "/ok?x=1#f", "/loop", "?q=1", "ftp://x/"])])
    if rng.random() < 0.1:
        route["gzip"] = True
    return route


def failures(rng):
    endpoints, routes = [], [{"path": "/ok", "body": '{"ok":true}', "headers": JSON}, {"path": "/loop", "status": 302, "headers": [["Location", "/loop"]]}]
    for n in range(30):
        backends = []
        for i in range(rng.choice([1, 1, 1, 2, 3])):
            b = {"url_pattern": f"/b{n}-{i}", "group": f"g{i}"} if i else {"url_pattern": f"/b{n}-{i}"}
            if rng.random() < 0.08:
                b["host"] = ["{{dead}}"]
            extra = error_options(rng, f"b{i}")
            if extra:
                b["extra_config"] = extra
            if rng.random() < 0.2:
                b["encoding"] = rng.choice(["string", "safejson", "no-op"])
            if rng.random() < 0.1:
                b["is_collection"] = True
            if rng.random() < 0.1:
                b["target"] = "a"
            if rng.random() < 0.1:
                b["mapping"] = {"a": "b"}
            backends.append(b)
            routes.append(failing(rng, f"/b{n}-{i}") if rng.random() < 0.8 else {"path": f"/b{n}-{i}", "json": {"k%d" % i: n}})
        e = {"endpoint": f"/e{n}", "backend": backends, "method": rng.choice(["GET", "GET", "POST"]), "timeout": "5s"}
        if rng.random() < 0.35 and len(backends) == 1:
            e["output_encoding"] = "no-op"
        elif rng.random() < 0.1:
            e["output_encoding"] = rng.choice(["string", "json-collection", "nonsense"])
        if rng.random() < 0.3:
            e["cache_ttl"] = "60s"
        endpoints.append(e)
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}
    if rng.random() < 0.5:
        conf["extra_config"] = {"router": {"return_error_msg": True}}
    # A request on a kept connection that is closed without an answer is repeated as often as there are such connections.
    closing = {r["path"] for r in routes if r.get("close") or "raw" in r}
    told = "extra_config" in conf  # of several failures the messages come in the order of arrival
    parts = lambda e: {"compare": ["status", "headers"]} if told and len(e["backend"]) > 1 else {"compare": ["status", "headers", "body"]} if any(b["url_pattern"] in closing for b in e["backend"]) else {"backend_order": "any"}
    steps = [{"path": e["endpoint"], "method": e["method"], **parts(e), **({"body": "x=1"} if e["method"] == "POST" and rng.random() < 0.5 else {})} for e in endpoints]
    return {"config": conf, "routes": routes, "steps": steps, "normalise": [[r"127\.0\.0\.1:\d+", "HOST"]]}


def merging(rng):
    """Two to four backends; what they answer arrives in a random order, 60 ms apart."""
    endpoints, routes = [], []
    for n in range(14):
        count = rng.choice([2, 2, 3, 4])
        backends, order = [], rng.sample(range(count), count)
        for i in range(count):
            b = documents.rules(rng, {"url_pattern": f"/b{n}-{i}"}) if rng.random() < 0.5 else {"url_pattern": f"/b{n}-{i}"}
            if rng.random() < 0.1:
                b["encoding"] = rng.choice(["safejson", "string", "no-op"])
            backends.append(b)
            if rng.random() < 0.15:
                routes.append({**failing(rng, f"/b{n}-{i}"), "delay_ms": 60 * order[i]})
                b.update({"extra_config": error_options(rng, f"b{i}")} if rng.random() < 0.5 else {})
                continue
            body = documents.document(rng, documents.SMALL, depth=2)
            if rng.random() < 0.1:
                b["is_collection"] = True
                body = b"[" + body + b"]"
            routes.append({"path": f"/b{n}-{i}", "body_b64": base64.b64encode(body).decode(), "headers": JSON, "delay_ms": 60 * order[i]})
        e = {"endpoint": f"/e{n}", "backend": backends, "timeout": "5s"}
        if rng.random() < 0.15:
            e["output_encoding"] = rng.choice(["json-collection", "string"])
        if rng.random() < 0.3:
            e["cache_ttl"] = "60s"
        endpoints.append(e)
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}
    if rng.random() < 0.3:
        conf["extra_config"] = {"router": {"return_error_msg": True}}
    closing = {r["path"] for r in routes if r.get("close") or "raw" in r}
    unsure = lambda e: {"compare": ["status", "headers", "body"]} if any(b["url_pattern"] in closing for b in e["backend"]) else {"backend_order": "any"}
    return {"config": conf, "routes": routes, "steps": [{"path": e["endpoint"], **unsure(e)} for e in endpoints], "normalise": [[r"127\.0\.0\.1:\d+", "HOST"]]}


NAMES = ["Content-Type", "content-type", "X-A", "x-a", "X-B", "Set-Cookie", "set-cookie", "Cache-Control", "ETag", "Server", "Vary", "Location", "X-Krakend", "X-Krakend-Completed", "Access-Control-Allow-Origin",
         "x_under", "Content-Language", "Content-Disposition", "Last-Modified", "Expires", "Via", "Age", "WWW-Authenticate", "Retry-After", "Link", "Warning", "Strict-Transport-Security", "Allow", "x-1", "Connection", "Keep-Alive",
         "Upgrade", "Trailer", "Proxy-Authenticate", "Content-Encoding", "Accept-Ranges", "Content-Range"]


def headers_out(rng):
    endpoints, routes = [], []
    ttl = lambda: rng.choice(["60s", "1s", "999ms", "1500ms", "0s", "1m30s", "1h", "-5s", "100us", "2h45m"])
    for n in range(30):
        headers = [[rng.choice(NAMES), rng.choice(["a", "b", "", "text/plain", "a, b", "x=1; Path=/", "ä", "  sp ", "no-cache", "*", "close", "gzip" if rng.random() < 0.1 else "z"])] for _ in range(rng.randrange(0, 7))]
        headers = [h for h in headers if h[0] != "Content-Encoding" or h[1] not in ("a", "")]
        body = rng.choice([b'{"a":1}', b'{"a":1}', b"{}", b"<html>x", b"", b"plain text", b"\x00\x01", b"[1]", b"null"])
        routes.append({"path": f"/b{n}", "status": rng.choice([200, 200, 200, 201, 204, 404, 301, 304, 500]), "body_b64": base64.b64encode(body).decode(), "headers": headers})
        e = {"endpoint": f"/e{n}", "method": rng.choice(["GET", "GET", "POST", "PUT", "DELETE"]), "backend": [{"url_pattern": f"/b{n}"}]}
        if rng.random() < 0.6:
            e["output_encoding"] = "no-op"
        if rng.random() < 0.5:
            e["cache_ttl"] = ttl()
        if rng.random() < 0.2:
            e["backend"][0]["group"] = "g"
        endpoints.append(e)
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}
    if rng.random() < 0.3:
        conf["cache_ttl"] = ttl()
    if rng.random() < 0.2:
        conf["output_encoding"] = rng.choice(["json", "no-op", "string"])
    if rng.random() < 0.3:
        conf["extra_config"] = {"router": {"hide_version_header": rng.random() < 0.5, "return_error_msg": rng.random() < 0.5}}
    return {"config": conf, "routes": routes, "steps": [{"path": e["endpoint"], "method": e["method"]} for e in endpoints]}


def timeouts(rng):
    """Delays that are clearly within or beyond the deadlines: 400 ms for one backend, 340 for several."""
    endpoints, routes = [], []
    for n in range(6):
        backends = []
        for i in range(rng.choice([1, 1, 2, 3])):
            backends.append({"url_pattern": f"/b{n}-{i}"})
            delay = rng.choice([0, 0, 100, 700])
            part = rng.choice(["delay_ms", "delay_ms", "body_delay_ms"])
            routes.append({"path": f"/b{n}-{i}", "json": {"k%d" % i: 1}, part: delay})
            extra = error_options(rng, f"b{i}")
            if extra:
                backends[-1]["extra_config"] = extra
        e = {"endpoint": f"/e{n}", "timeout": "400ms", "backend": backends, "cache_ttl": "60s"}
        if len(backends) == 1 and rng.random() < 0.4:
            e["output_encoding"] = "no-op"
        endpoints.append(e)
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}
    if rng.random() < 0.5:
        conf["extra_config"] = {"router": {"return_error_msg": True}}
    return {"config": conf, "routes": routes, "steps": [{"path": e["endpoint"], "backend_order": "any"} for e in endpoints], "normalise": [[r"127\.0\.0\.1:\d+", "HOST"]]}
