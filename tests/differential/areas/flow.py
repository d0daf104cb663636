"""How backends are combined: one after the other, with static data, shadows, races; flatmap; Martian."""
import base64
from . import answers, documents

JSON = [["Content-Type", "application/json"]]
STRATEGIES = ["always", "success", "complete", "errored", "incomplete", "nonsense", None]


def static(rng):
    out = {"data": {rng.choice(documents.SMALL + ["<s>"]): rng.choice([1, "x", None, [1], {"q": 1.5}]) for _ in range(rng.randrange(0, 3))}}
    strategy = rng.choice(STRATEGIES)
    if strategy:
        out["strategy"] = strategy
    return {"static": out}


def sequential(rng):
    """Values of earlier answers in later URLs."""
    endpoints, routes = [], []
    deep = lambda step: rng.choice([f"resp{step}_{documents.path_in(rng)}", f"resp{step}_{documents.path_in(rng, 2)}", f"resp{step}_g.{documents.path_in(rng, 1)}", f"resp{step}_collection", f"resp{step}_content", f"resp{step}_a"])
    for n in range(25):
        backends = []
        for i in range(rng.choice([2, 2, 3])):
            pattern = f"/b{n}-{i}"
            if i:
                value = "{" + deep(rng.randrange(i)) + "}"
                pattern += rng.choice([f"/{value}", f"/x-{value}/y", f"?q={value}", f"/{value}?z={value}", ""])
            b = {"url_pattern": pattern}
            if rng.random() < 0.25:
                b["group"] = rng.choice(["g", "a"])
            if rng.random() < 0.2:
                documents.rules(rng, b)
            if rng.random() < 0.1:
                b["encoding"] = rng.choice(["string", "safejson"])
            extra = answers.error_options(rng, f"s{i}") if rng.random() < 0.3 else {}
            if extra:
                b["extra_config"] = extra
            backends.append(b)
            path = f"/b{n}-{i}*"
            if rng.random() < 0.12:
                routes.append({**answers.failing(rng, path), "path": path})
                continue
            body = documents.document(rng, documents.SMALL, depth=2)
            routes.append({"path": path, "body_b64": base64.b64encode(body).decode(), "headers": JSON})
        proxy = {"sequential": True}
        if rng.random() < 0.2:
            proxy["sequential_propagated_params"] = [deep(0)]
        if rng.random() < 0.15:
            proxy.update(static(rng))
        method = rng.choice(["GET", "GET", "GET", "POST"])
        e = {"endpoint": f"/e{n}", "method": method, "backend": backends, "timeout": "5s", "extra_config": {"proxy": proxy}, "input_headers": rng.choice([[], ["*"], ["X-A"]])}
        for b in backends[:-1] if method != "GET" else []:
            b["method"] = "GET"
        endpoints.append(e)
    conf = {"version": 3, "host": ["{{backend}}"], "cache_ttl": "9s", "endpoints": endpoints}
    if rng.random() < 0.3:
        conf["extra_config"] = {"router": {"return_error_msg": True}}
    closing = tuple(r["path"][:-1] for r in routes if r.get("close") or "raw" in r)
    unsure = lambda e: {"compare": ["status", "headers", "body"]} if any(b["url_pattern"].startswith(closing) for b in e["backend"]) else {}
    steps = [{"path": e["endpoint"], "method": e["method"], "headers": [["X-A", "1"]], **unsure(e), **({"body": rng.choice(["", "x"])} if e["method"] == "POST" else {})} for e in endpoints]
    return {"config": conf, "routes": routes, "steps": steps, "normalise": [[r"127\.0\.0\.1:\d+", "HOST"]]}


def static_data(rng):
    endpoints, routes = [], []
    for n in range(25):
        backends = []
        for i in range(rng.choice([1, 1, 2])):
            b = {"url_pattern": f"/b{n}-{i}"}
            extra = answers.error_options(rng, f"s{i}")
            if extra:
                b["extra_config"] = extra
            if rng.random() < 0.2:
                b["group"] = rng.choice(documents.SMALL)
            backends.append(b)
            if rng.random() < 0.4:
                routes.append(answers.failing(rng, f"/b{n}-{i}"))
            else:
                routes.append({"path": f"/b{n}-{i}", "json": rng.choice([{"a": 1}, {}, {"b": {"c": 1}}]), "delay_ms": 60 * i})
        e = {"endpoint": f"/e{n}", "backend": backends, "timeout": "5s", "extra_config": {"proxy": static(rng)}}
        if rng.random() < 0.2:
            e["cache_ttl"] = "5s"
        if rng.random() < 0.15:
            e["output_encoding"] = rng.choice(["string", "json-collection"])
        endpoints.append(e)
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}
    return {"config": conf, "routes": routes, "steps": [{"path": e["endpoint"], "compare": ["status", "headers", "body"]} for e in endpoints]}


def shadow(rng):
    endpoints, routes = [], []
    for n in range(15):
        backends = []
        for i in range(rng.choice([1, 2, 2, 3])):
            b = {"url_pattern": f"/b{n}-{i}", "group": f"g{i}"} if i else {"url_pattern": f"/b{n}-{i}"}
            proxy = {}
            if i and rng.random() < 0.6:
                proxy = {"shadow": rng.choice([True, True, True, False, "true", 1])}
                if rng.random() < 0.2:
                    proxy["shadow_timeout"] = "1s"
            if proxy:
                b["extra_config"] = {"proxy": proxy}
            if rng.random() < 0.3:
                b["method"] = rng.choice(["GET", "POST", "PUT"])
            backends.append(b)
            routes.append({"path": f"/b{n}-{i}", "json": {"k": n}} if rng.random() < 0.8 else {"path": f"/b{n}-{i}", "status": 500, "body": "no"})
        e = {"endpoint": f"/e{n}", "method": rng.choice(["GET", "POST"]), "backend": backends, "timeout": "5s", "input_headers": rng.choice([[], ["*"]])}
        if rng.random() < 0.15:
            e["concurrent_calls"] = rng.choice([2, 3])
            for b in backends:
                b["group"] = "same"
        endpoints.append(e)
    # Backends that all use GET share one body in the reference.
    copied = lambda e: e["method"] == "POST" and all(b.get("method", "POST") != "GET" for b in e["backend"])
    races = {e["endpoint"] for e in endpoints if "concurrent_calls" in e}
    steps = [{"path": e["endpoint"], "method": e["method"], "settle_ms": 60, "backend_order": "any", **({"compare": ["status", "headers", "body"]} if e["endpoint"] in races else {}),
              **({"body": rng.choice(["", "x=1"])} if copied(e) else {})} for e in endpoints]
    return {"config": {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}, "routes": routes, "steps": steps}


def flatmap_path(rng):
    return ".".join(rng.choice(documents.SMALL + ["*", "*", "0", "1", "collection"]) for _ in range(rng.choice([1, 1, 2, 2, 3])))


def flatmap(rng):
    endpoints, routes = [], []
    operation = lambda: rng.choice([{"type": "move", "args": [flatmap_path(rng), flatmap_path(rng)]}, {"type": "del", "args": [flatmap_path(rng) for _ in range(rng.choice([1, 1, 2]))]},
                                    {"type": "append", "args": [flatmap_path(rng), flatmap_path(rng)]}, {"type": rng.choice(["move", "del", "append", "nonsense"]), "args": [flatmap_path(rng) for _ in range(rng.randrange(2, 4))]}])
    for n in range(50):
        several = rng.random() < 0.2
        backends = [{"url_pattern": f"/b{n}-{i}"} for i in range(2 if several else 1)]
        for i, b in enumerate(backends):
            if not several or rng.random() < 0.3:
                b["extra_config"] = {"proxy": {"flatmap_filter": [operation() for _ in range(rng.choice([1, 1, 2, 3]))]}}
            if rng.random() < 0.2:
                documents.rules(rng, b)
            collection = rng.random() < 0.2
            if collection:
                b["is_collection"] = True
            body = (b"[" + b",".join(documents.value(rng, 3, documents.SMALL) for _ in range(rng.randrange(0, 4))) + b"]") if collection else documents.document(rng, documents.SMALL, depth=4)
            routes.append({"path": f"/b{n}-{i}", "body_b64": base64.b64encode(body).decode(), "headers": JSON, "delay_ms": 60 * i})
        e = {"endpoint": f"/e{n}", "backend": backends}
        if several or rng.random() < 0.1:
            e["extra_config"] = {"proxy": {"flatmap_filter": [operation() for _ in range(rng.choice([1, 2]))]}}
        endpoints.append(e)
    return {"config": {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}, "routes": routes, "steps": [{"path": e["endpoint"], "backend_order": "any"} for e in endpoints]}


XML = ["<a/>", "<a>x</a>", "<a b=\"1\">x</a>", "<a><b>1</b><b>2</b></a>", "<a><b/><c></c></a>", "<a>t<b>1</b>u</a>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>é</a>", "<a><![CDATA[<x>&]]></a>", "<a>&lt;&amp;&#65;</a>", "<n:a xmlns:n=\"u\"><n:b n:c=\"1\"/></n:a>",
       "<a><!-- c --><b>1</b></a>", "<a>", "", "x", "<a></b>", "<a>1</a><b>2</b>", "<a  b='x' c=\"&quot;\"  />", "<a>\n  <b> x </b>\n</a>", "<a><b><c><d>1</d></c></b></a>", "<?xml version=\"1.0\"?><!DOCTYPE a><a/>", "<a>&nbsp;</a>", "<a b=1/>", "<A><a/></A>",
       "<a><b x=\"1\">t</b><b>u</b><c>v</c></a>", "<a>1.50</a>", "<a>true</a>", "<a><b></b><b/><b>x</b></a>", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>x</a>"]


def encodings(rng):
    endpoints, routes = [], []
    out = ["json", "xml", "yaml", "string", "negotiate", "json-collection", "no-op", "fast-json", "JSON", "Xml", ""]
    for n in range(50):
        encoding = rng.choice(["json", "json", "safejson", "string", "xml", "xml", "no-op", "XML", "SafeJson", "fast-json", "nonsense"])
        keys = documents.SMALL + ["é"]
        body = rng.choice(XML).encode() if encoding.lower() == "xml" else documents.document(rng, keys, depth=3) if rng.random() < 0.8 else documents.value(rng, 2, documents.SMALL)
        b = {"url_pattern": f"/b{n}", "encoding": encoding}
        if rng.random() < 0.15:
            b["is_collection"] = True
        if rng.random() < 0.2:
            documents.rules(rng, b)
        e = {"endpoint": f"/e{n}", "output_encoding": rng.choice(out), "backend": [b]}
        if rng.random() < 0.1 and e["output_encoding"] != "no-op":
            e["backend"].append({"url_pattern": "/other", "group": "other"})
        if rng.random() < 0.2:
            e["input_headers"] = ["*"]
        endpoints.append(e)
        routes.append({"path": f"/b{n}", "body_b64": base64.b64encode(body).decode(), "headers": [["Content-Type", "application/json"]], **({"gzip": True} if rng.random() < 0.1 else {})})
    routes.append({"path": "/other", "json": {"o": [1, "x"]}})
    accept = ["application/json", "application/xml", "text/xml", "text/plain", "application/x-yaml", "application/yaml", "*/*", "text/html", "application/xml;q=0.1, application/json", "application/*", "", "text/plain, application/xml", "nonsense"]
    steps = [{"path": e["endpoint"], "backend_order": "any", **({"headers": [["Accept", rng.choice(accept)]]} if rng.random() < 0.6 else {})} for e in endpoints]
    return {"config": {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}, "routes": routes, "steps": steps}


def modifier(rng, depth=0):
    scope = rng.choice([["request"], ["request"], ["response"], ["request", "response"], [], None])
    name = rng.choice(["X-A", "x-b", "X-New", "Host", "Content-Type", "Authorization", "User-Agent", "Accept"])
    value = rng.choice(["1", "", "a b", "text/plain", "x.test"])
    kinds = [("header.Modifier", {"name": name, "value": value}), ("header.Append", {"name": name, "value": value}), ("header.Copy", {"from": name, "to": rng.choice(["X-To", "x-a"])}), ("header.Blacklist", {"names": [name, "X-A"]}),
             ("querystring.Modifier", {"name": rng.choice(["a", "q", "z z"]), "value": value}), ("url.Modifier", {"path": rng.choice(["/new", "/a b", ""]), **({"query": "u=1"} if rng.random() < 0.5 else {})}),
             ("body.Modifier", {"contentType": "application/json", "body": base64.b64encode(rng.choice([b'{"m":1}', b"", b"x"])).decode()}), ("status.Modifier", {"statusCode": rng.choice([200, 201, 204, 404, 500])}),
             ("cookie.Modifier", {"name": "c", "value": value, "path": "/p"}), ("header.Id", {}), ("nonsense.Modifier", {"a": 1})]
    if depth < 2 and rng.random() < 0.35:
        inner = modifier(rng, depth + 1)
        kinds = [("fifo.Group", {"aggregateErrors": True, "modifiers": [modifier(rng, depth + 1) for _ in range(rng.choice([1, 2, 3]))]}),
                 ("priority.Group", {"modifiers": [{"priority": rng.randrange(3), "modifier": modifier(rng, depth + 1)} for _ in range(2)]}),
                 ("header.Filter", {"name": name, "value": value, "modifier": inner}), ("url.Filter", {"path": "/b0", "modifier": inner}), ("querystring.Filter", {"name": "a", "value": "1", "modifier": inner}),
                 ("header.RegexFilter", {"header": name, "regex": rng.choice([".*", "^1$", "("]), "modifier": inner}), ("url.RegexFilter", {"regex": ".*b[0-4]", "modifier": inner}), ("cookie.Filter", {"name": "c", "value": "1", "modifier": inner})]
    kind, body = rng.choice(kinds)
    if kind == "header.Id":
        scope = ["request"]
    if scope is not None:
        body = {"scope": scope, **body}
    return {kind: body}


def martian(rng):
    endpoints, routes = [], []
    for n in range(30):
        e = {"endpoint": f"/e{n}", "method": rng.choice(["GET", "GET", "POST"]), "input_headers": rng.choice([[], ["*"]]), "input_query_strings": ["*"],
             "backend": [{"url_pattern": rng.choice([f"/b{n}", f"/b{n}?a=1"]), "extra_config": {"modifier/martian": modifier(rng)}}]}
        if rng.random() < 0.6:
            e["output_encoding"] = "no-op"
        endpoints.append(e)
    routes = [{"path": "*", "json": {"ok": True}, "headers": [["X-A", "1"], ["X-B", "back"], ["Set-Cookie", "c=1"]]}]
    steps = [{"path": e["endpoint"] + rng.choice(["", "?a=1", "?q=2&a=3"]), "method": e["method"], "headers": [["X-A", "1"], ["Authorization", "t"], ["Cookie", "c=1"]][:rng.randrange(4)],
              **({"body": "x=1"} if e["method"] == "POST" else {})} for e in endpoints]
    return {"config": {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}, "routes": routes, "steps": steps, "ignore_backend_headers": ["X-Krakend-Id", "X-Martian-Id"]}


RSS = ["<rss version=\"2.0\"><channel><title>t</title><link>http://x/</link><description>d</description><item><title>i</title><link>http://x/1</link><guid>g</guid><pubDate>Mon, 02 Jan 2006 15:04:05 GMT</pubDate></item></channel></rss>",
       "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>t</title><id>u</id><updated>2020-01-02T03:04:05Z</updated><entry><title>e</title><id>1</id><link href=\"http://x/\"/><summary>s</summary></entry></feed>",
       "<rss version=\"2.0\"><channel></channel></rss>", "<rss/>", "not xml", "{\"version\":\"https://jsonfeed.org/version/1\",\"title\":\"t\",\"items\":[{\"id\":\"1\",\"content_text\":\"c\"}]}"]


def mixed(rng):
    """Everything together on one endpoint."""
    endpoints, routes = [], []
    operation = lambda: rng.choice([{"type": "move", "args": [flatmap_path(rng).replace("*", "0"), rng.choice(["n", "n.m", "d.n"])]}, {"type": "del", "args": [flatmap_path(rng)]}])
    for n in range(30):
        method = rng.choice(["GET", "GET", "POST"])
        count = rng.choice([1, 1, 2, 3])
        backends = []
        for i in range(count):
            b = {"url_pattern": f"/b{n}-{i}" + rng.choice(["", "?fix=1", "/{id}", "?id={id}"])}
            extra = answers.error_options(rng, f"m{i}") if rng.random() < 0.3 else {}
            if rng.random() < 0.25:
                extra["modifier/martian"] = modifier(rng)
            proxy = {}
            if rng.random() < 0.2:
                proxy["flatmap_filter"] = [operation()]
            if i and rng.random() < 0.15:
                proxy["shadow"] = True
            if proxy:
                extra["proxy"] = proxy
            if extra:
                b["extra_config"] = extra
            if rng.random() < 0.4:
                documents.rules(rng, b)
            kind = rng.random()
            if kind < 0.1:
                b["encoding"], body = "xml", rng.choice(XML).encode()
            elif kind < 0.15:
                b["encoding"], body = "rss", rng.choice(RSS).encode()
            elif kind < 0.2:
                b["encoding"], body = "string", rng.choice([b"text", b"", b"<x>&"])
            elif kind < 0.3:
                b["is_collection"], body = True, b"[" + documents.value(rng, 2, documents.SMALL) + b"]"
            else:
                body = documents.document(rng, documents.SMALL, depth=3)
            if rng.random() < 0.2:
                b["input_headers"] = rng.choice([["X-A"], ["User-Agent", "X-B"], [""]])
            if method == "POST":
                b["method"] = "POST"
            backends.append(b)
            status = rng.choice([200] * 8 + [201, 404, 500])
            routes.append({"path": f"/b{n}-{i}*", "status": status, "body_b64": base64.b64encode(body).decode(), "headers": JSON, "delay_ms": 60 * i if count > 1 else 0})
        e = {"endpoint": f"/e{n}/{{id}}", "method": method, "backend": backends, "timeout": "5s", "input_headers": rng.choice([[], ["*"], ["X-A", "Content-Type"]]), "input_query_strings": rng.choice([[], ["*"], ["a"]])}
        proxy = {}
        if rng.random() < 0.2:
            proxy.update(static(rng))
        if count > 1 and rng.random() < 0.3:
            proxy["flatmap_filter"] = [operation()]
        if count > 1 and rng.random() < 0.2 and method == "GET":
            proxy["sequential"] = True
            backends[1]["url_pattern"] = f"/b{n}-1/{{resp0_{documents.path_in(rng, 2)}}}"
        if proxy:
            e["extra_config"] = {"proxy": proxy}
        if rng.random() < 0.4:
            e["output_encoding"] = rng.choice(["json", "json-collection", "xml", "yaml", "negotiate", "string"] + (["no-op"] if count == 1 else []))
        if rng.random() < 0.3:
            e["cache_ttl"] = "60s"
        endpoints.append(e)
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}
    steps = [{"path": e["endpoint"].replace("{id}", rng.choice(["1", "a%20b", "x"])) + rng.choice(["", "?a=1", "?a=1&b=2"]), "method": e["method"], "headers": [["X-A", "1"], ["X-B", "2"], ["User-Agent", "me"], ["Accept", "application/xml"]][:rng.randrange(5)],
              "settle_ms": 80 if any(b.get("extra_config", {}).get("proxy", {}).get("shadow") for b in e["backend"]) else 0, "backend_order": "any", **({"body": "x=1"} if e["method"] == "POST" else {})} for e in endpoints]
    return {"config": conf, "routes": routes, "steps": steps, "normalise": [[r"127\.0\.0\.1:\d+", "HOST"]], "ignore_backend_headers": ["X-Krakend-Id", "X-Martian-Id"]}
