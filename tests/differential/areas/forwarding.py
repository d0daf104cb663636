"""What of a request reaches the backends: headers, query, body, methods; and how plain answers come back."""
import base64, gzip

HEADERS = ["X-A", "x-b", "X-a", "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host",
           "X-Forwarded-Via", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Content-Type", "Content-Length", "Content-Encoding", "Host", "Connection", "Te", "Upgrade", "Keep-Alive",
           "Proxy-Connection", "If-None-Match", "Range", "Referer", "Origin", "Date", "x_under", "X-Ünder", "X-1", "x-krakend", "Via", "Cache-Control", "Transfer-Encoding", "Trailer",
           "X-B3-Traceid", "Max-Forwards", "Content-Language", "Expect"]
SENT = ["X-A", "x-a", "X-B", "x-b", "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host",
        "X-Forwarded-Via", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Content-Type", "Referer", "Origin", "x_under", "X-1", "x-krakend", "Via", "If-None-Match", "Range",
        "CACHE-CONTROL", "Te", "Keep-Alive", "Date", "Pragma", "Upgrade-Insecure-Requests", "Content-Language", "X-Empty", "aCcEpT"]
VALUES = ["1", "a, b", "", "a\tb", "  padded  ", "ä", "\"q\"", "x" * 200, "text/html", "gzip", "a=1; b=2", "Bearer abc", "10.1.1.1", "1.1.1.1, 2.2.2.2", "::1", "bad ip", "a;b,c",
          "identity", "gzip, br", "bytes=0-3", "http://x/", "W/\"x\"", "[::1]:80", "1.2.3.4:90", "unknown", " 9.9.9.9 , 8.8.8.8"]
NAMES = ["a", "b", "A", "c", "d e", "ä", "x[]", "a.b", "", "limit", "q", "z-z", "a_b"]
PAIRS = ["a=1", "a=2", "b=x%20y", "b=x+y", "c", "c=", "A=up", "=v", "d+e=1", "d%20e=2", "%C3%A4=1", "x[]=1", "x%5B%5D=2", "a.b=%2F", "limit=10", "q=a%26b", "q=%zz", "q=1;r=2",
         "z-z=%E4%BD%A0", "a=%00", "a=b=c", "a=%3D", "&", "a=<b>", "a='\"", "q=" + "y" * 100, "a_b=*", "a=~!", "b=%2b", "q=%ff", "q=?", "q=/", "q=:@", "%61=7", "a%3D=8"]


def names_of(rng, pool, star):
    if rng.random() < 0.2:
        return None
    out = rng.sample(pool, rng.randrange(0, min(7, len(pool))))
    if rng.random() < star:
        out.insert(rng.randrange(len(out) + 1), "*")
    return out


def query(rng):
    if rng.random() < 0.3:
        return ""
    return "?" + "&".join(rng.choice(PAIRS) for _ in range(rng.randrange(0, 7)))


def headers(rng):
    out = []
    for _ in range(rng.randrange(0, 9)):
        name = rng.choice(SENT)
        value = rng.choice(VALUES)
        if name in ("Te", "Keep-Alive") and rng.random() < 0.7:
            continue
        out.append([name, value])
    if rng.random() < 0.15:
        out.insert(0, ["Host", rng.choice(["gateway.test", "GW.test:8080", "127.0.0.1", "[::1]:9", "localhost"])])
    return out


def backend(rng, n, params):
    pattern = rng.choice([f"/b{n}", f"/b{n}/", f"/b{n}?fixed=1", f"/b{n}?z=1&a=2", f"/b{n}?a=%20", f"/b{n}?x=a b" if rng.random() < 0.1 else f"/b{n}?x", f"/b{n}?", f"b{n}", f"/b{n}/a%20b",
                          f"/b{n}//x", f"/b{n}/./y"])
    if params and rng.random() < 0.6:
        p = rng.choice(params)
        pattern = rng.choice([f"/b{n}/{p}", f"/b{n}?id={p}", f"/b{n}/{p}/x?y=1&id={p}", f"/{p}", f"/b{n}#{p}", f"/b{n}?a=1&{p}=2"])
    b = {"url_pattern": pattern}
    h, q = names_of(rng, HEADERS, 0.1), names_of(rng, NAMES, 0.1)
    if h is not None and rng.random() < 0.35:
        b["input_headers"] = h
    if q is not None and rng.random() < 0.35:
        b["input_query_strings"] = q
    if rng.random() < 0.25:
        b["method"] = rng.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "post"])
    return b


def round_of(rng):
    endpoints = []
    for n in range(rng.randrange(4, 12)):
        params = rng.choice([[], [], ["{id}"], ["{id}", "{other_one}"]])
        e = {"endpoint": f"/e{n}" + "".join("/" + p for p in params), "method": rng.choice(["GET", "GET", "POST", "PUT", "DELETE", "PATCH"]),
             "backend": [backend(rng, n, params) for _ in range(rng.choice([1, 1, 1, 2]))]}
        h, q = names_of(rng, HEADERS, 0.3), names_of(rng, NAMES, 0.3)
        if h is not None:
            e["input_headers"] = h
        if q is not None:
            e["input_query_strings"] = q
        if len(e["backend"]) == 1 and rng.random() < 0.4:
            e["output_encoding"] = "no-op"
        for i, b in enumerate(e["backend"]):
            if len(e["backend"]) > 1:
                b["group"] = f"g{i}"
        endpoints.append(e)
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}
    if rng.random() < 0.2:
        conf["extra_config"] = {"router": rng.choice([{"forwarded_by_client_ip": False}, {"forwarded_by_client_ip": True, "trusted_proxies": ["10.0.0.0/8", "127.0.0.1/32"]},
                                                      {"forwarded_by_client_ip": True, "remote_ip_headers": ["X-A", "x-real-ip"]}, {"hide_version_header": True}])}
    steps = []
    values = ["1", "a b", "%20", "ä", "%E4%BD%A0", "a&b", "a%26b", "a=b", "a+b", "%2b", "..", "a:b", "a;b", "%25", "'", "%22", "a,b", "{x}", "%7Bx%7D", "|"]
    for _ in range(60):
        e = rng.choice(endpoints)
        path = "/".join(rng.choice(values).replace(" ", "%20") if s.startswith("{") else s for s in e["endpoint"].split("/"))
        step = {"path": path + query(rng), "method": e["method"], "headers": headers(rng), "backend_order": "any"}
        # Backends that all use GET or HEAD share one body in the reference: who reads it first has it.
        copied = any(b.get("method", e["method"]) not in ("GET", "HEAD") for b in e["backend"])
        if copied or len(e["backend"]) == 1 and (e["method"] != "GET" or rng.random() < 0.1):
            if rng.random() < 0.7:
                step["body"] = rng.choice(["", "x", "{\"a\":1}", "a=1&b=2", "y" * 3000])
        steps.append(step)
    return {"config": conf, "routes": [{"path": "*", "json": {"ok": True}}], "steps": steps}


def bodies(rng):
    """Bodies of requests in all framings, and of answers."""
    endpoints, routes = [], []
    blob = lambda: rng.choice([b"", b"x", b"{}", b'{"a":1}', b"[1]", b"\x00\xff\xfe", "ä€".encode(), b"<html><body>x</body></html>", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n0000", b"GIF89a...",
                               b"text\n" * 50, b'{"k":"' + b"v" * 5000 + b'"}', b"\xef\xbb\xbf{}", b" \n{}", b"<?xml version=\"1.0\"?><a/>", b"\x1f\x8b\x08junk", b"PK\x03\x04", b"\xff\xd8\xff\xe0", b"a" * 70000])
    for n in range(10):
        routes.append({"path": f"/b{n}", "status": rng.choice([200, 200, 200, 200, 201, 201, 202, 203, 204, 205, 206, 304, 400, 404, 418, 500, 503]),
                       "body_b64": base64.b64encode(blob()).decode(), "headers": rng.choice([[], [["Content-Type", rng.choice(["text/plain", "application/json", "image/png", "", "x/y; charset=latin1"])]],
                                                                                            [["X-A", "1"], ["X-A", "2"], ["Content-Type", "a/b"]]]),
                       **({"gzip": True} if rng.random() < 0.2 else {}), **({"chunked": True} if rng.random() < 0.3 else {})})
    for n in range(10):
        e = {"endpoint": f"/e{n}", "method": rng.choice(["GET", "POST", "PUT", "PATCH", "DELETE"]), "backend": [{"url_pattern": rng.choice([f"/b{n}", "/echo", "/echo"])}]}
        how = rng.randrange(5)
        if how < 2:
            e["output_encoding"] = "no-op"
        elif how == 2:
            e["output_encoding"] = "string"
            e["backend"][0]["encoding"] = "string"
        elif how == 3:
            e["backend"][0]["encoding"] = "no-op"
        e["input_headers"] = rng.choice([["*"], [], ["Content-Length"], ["Content-Type"], ["Content-Length", "Content-Type", "Content-Encoding"], ["Accept-Encoding"]])
        if rng.random() < 0.3:
            e["backend"][0]["method"] = rng.choice(["GET", "POST", "PUT", "HEAD", "DELETE"])
        if rng.random() < 0.15 and e.get("output_encoding") != "no-op":
            e["backend"].append({"url_pattern": "/echo", "group": "second", "method": "POST"})
        endpoints.append(e)
    steps = []
    for _ in range(50):
        e = rng.choice(endpoints)
        step = {"path": e["endpoint"], "method": e["method"], "headers": [], "backend_order": "any"}
        body = blob()
        how = rng.randrange(6)
        if how == 0:
            pass
        elif how == 1:
            step["raw"] = chunked(rng, e, body)
        elif how == 2:
            step["body_b64"] = base64.b64encode(gzip.compress(body, mtime=0)).decode()
            step["headers"].append(["Content-Encoding", "gzip"])
        else:
            step["body_b64"] = base64.b64encode(body).decode()
        if rng.random() < 0.5:
            step["headers"].append(["Content-Type", rng.choice(["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])])
        if rng.random() < 0.2:
            step["headers"].append(["Accept-Encoding", rng.choice(["gzip", "identity", "br", "deflate, gzip"])])
        if how == 0 and rng.random() < 0.3:
            step["headers"].append(["Content-Length", "0"])
        steps.append(step)
    return {"config": {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}, "routes": routes + [{"path": "*", "json": {"ok": True}}], "steps": steps}


def chunked(rng, endpoint, body):
    text, at = "", 0
    while at < len(body):
        n = rng.randrange(1, 4000)
        text += "%x\r\n%s\r\n" % (len(body[at:at + n]), body[at:at + n].decode("latin-1"))
        at += n
    return f"{endpoint['method']} {endpoint['endpoint']} HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{text}0\r\n\r\n"
