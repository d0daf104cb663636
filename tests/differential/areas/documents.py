"""JSON: texts as backends write them, and the rules that shape them."""
import base64, json

KEYS = ["a", "b", "c", "A", "id", "name", "data", "items", "collection", "content", "a.b", "", "ä", "<k>", "k k", "10", "9", "_", "z", "aa", "a b", "a\"b", "a\\b", "\u2028", "é", "€", "😀", "\x7f", "-x", "#text", "$ref"]
SMALL = ["a", "b", "c", "d"]
NUMBERS = ["0", "-0", "1", "-1", "1.0", "1.50", "1e5", "1E5", "1e+5", "1E-07", "-0.0", "0.1", "12345678901234567890", "1" * 60, "1e400", "0e0", "3.141592653589793238", "-1.5e-10", "9007199254740993", "100"]
BAD_NUMBERS = ["01", "1.", ".5", "+1", "-", "1e", "0x1", "NaN", "Infinity", "1_0", "--1", "1.e1", "- 1", "00"]
PIECES = ["x", "hello", "<b>&", "\\u003c", "\\n", "\\t", "\\\"", "\\\\", "\\/", "/", "\\b\\f\\r", "\\u0000", "\\u001f", "\x7f", "ä", "\\u00e4", "€", "😀", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\ud83dx", "\\uD83D\\u0041",
          "\u2028", "\\u2029", "\\u2028", "\\uFFFD", "\ufffd", "\\uffff", "'", "`", " ", "&amp;", "\ufeff", "\\u0041", "\\u007f", "\u0080", "\\u0085", "{{.x}}", "=", ">"]
BAD_PIECES = ["\\x", "\\u12", "\\uZZZZ", "\x01", "\n", "\t", "\\", "\\'"]
BYTES = [b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\x80", b"\xf0\x9f\x98", b"\xc3\xa4", b"\xe2\x80\xa8"]
BLANKS = ["", "", "", "", " ", "\n", "\t", "\r\n", "  "]


def string(rng, bad=0.0):
    """A JSON string as bytes."""
    out = b""
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 6])):
        if rng.random() < 0.04:
            out += rng.choice(BYTES)
        elif rng.random() < bad:
            out += rng.choice(BAD_PIECES).encode()
        else:
            out += rng.choice(PIECES).encode()
    return b'"' + out + b'"'


def key(rng, keys, bad):
    if rng.random() < 0.1:
        return string(rng, bad)
    return json.dumps(rng.choice(keys), ensure_ascii=rng.random() < 0.3).encode()


def value(rng, depth, keys, bad=0.0):
    """A JSON value as bytes, written with blanks."""
    blank = lambda: rng.choice(BLANKS).encode()
    kind = rng.random()
    if depth > 0 and kind < 0.33:
        parts = [blank() + key(rng, keys, bad) + blank() + b":" + blank() + value(rng, depth - 1, keys, bad) + blank() for _ in range(rng.choice([0, 1, 1, 2, 3, 4]))]
        comma = b"," if rng.random() >= bad else rng.choice([b",,", b"", b";"])
        return b"{" + (comma.join(parts) if parts else blank()) + (b"," if rng.random() < bad else b"") + b"}"
    if depth > 0 and kind < 0.55:
        parts = [blank() + value(rng, depth - 1, keys, bad) + blank() for _ in range(rng.choice([0, 1, 2, 2, 3]))]
        return b"[" + b",".join(parts) + (b"," if rng.random() < bad else b"") + b"]"
    if kind < 0.75:
        return (rng.choice(BAD_NUMBERS) if rng.random() < bad else rng.choice(NUMBERS)).encode()
    if kind < 0.9:
        return string(rng, bad)
    if rng.random() < bad:
        return rng.choice([b"nul", b"True", b"NULL", b"undefined", b"truex", b"'a'", b""])
    return rng.choice([b"true", b"false", b"null"])


def document(rng, keys=KEYS, bad=0.0, depth=4):
    blank = lambda: rng.choice(BLANKS).encode()
    members = [blank() + key(rng, keys, bad) + b":" + blank() + value(rng, depth, keys, bad) for _ in range(rng.choice([0, 1, 2, 3, 5, 8]))]
    return b"{" + b",".join(members) + b"}"


def around(rng, text):
    """The text with what may stand around it, or cut."""
    how = rng.randrange(30)
    if how == 0:
        return text + rng.choice([b" ", b"\n\n", b"x", b"{}", b",", b"\x00", b"]"])
    if how == 1:
        return rng.choice([b" ", b"\r\n\t ", b"\xef\xbb\xbf", b"\x00", b"x", b"\x0b", b"\xc2\xa0"]) + text
    if how == 2:
        return text[:rng.randrange(len(text) + 1)]
    if how == 3:
        i = rng.randrange(len(text) + 1)
        return text[:i] + bytes([rng.randrange(256)]) + text[i:]
    if how == 4 and text:
        i = rng.randrange(len(text))
        return text[:i] + text[i + 1:]
    if how == 5:
        return rng.choice([b"null", b"1", b'"x"', b"true", b"", b"[]", b"{}", b"[null]", b"[[]]", b"  ", b"nul", b"[1,2", b"{\"a\"}", b"[{}]", b"-", b"\"", b"[" * 200 + b"]" * 200,
                           b'{"a":' * 300 + b"1" + b"}" * 300])
    return text


def texts(rng):
    endpoints, routes = [], []
    for n in range(60):
        bad = rng.choice([0, 0, 0, 0.03, 0.1])
        b = {"url_pattern": f"/b{n}"}
        body = document(rng, bad=bad) if rng.random() < 0.7 else value(rng, 3, KEYS, bad)
        how = rng.randrange(12)
        if how < 3:
            b["is_collection"] = True
        if how == 3:
            b["encoding"] = "safejson"
        if how == 4:
            b["group"] = rng.choice(KEYS)
        if how == 5:
            b["target"] = rng.choice(KEYS + ["a.b", "data.items"])
        e = {"endpoint": f"/e{n}", "backend": [b]}
        if rng.random() < 0.15:
            e["output_encoding"] = rng.choice(["json-collection", "string", "fast-json", "json"])
        if rng.random() < 0.1:
            e["backend"].append({"url_pattern": "/other", "group": rng.choice(["g", "zz", "A", "<"])})
        endpoints.append(e)
        routes.append({"path": f"/b{n}", "body_b64": base64.b64encode(around(rng, body)).decode(), "headers": [["Content-Type", "application/json"]],
                       **({"gzip": True} if rng.random() < 0.1 else {}), **({"chunked": True} if rng.random() < 0.2 else {})})
    routes.append({"path": "/other", "json": {"o": 1}})
    conf = {"version": 3, "host": ["{{backend}}"], "endpoints": endpoints}
    if rng.random() < 0.3:
        conf["extra_config"] = {"router": {"return_error_msg": True}}
    return {"config": conf, "routes": routes, "steps": [{"path": e["endpoint"], "backend_order": "any"} for e in endpoints]}


def path_in(rng, depth=3, keys=SMALL):
    return ".".join(rng.choice(keys) for _ in range(rng.choice([1, 1, 2, 2, depth])))


def rules(rng, b):
    """Random target, allow, deny, mapping and group for a backend."""
    odd = ["a..b", ".a", "a.", "", "a.0", "0", "a.*", "*", "A", "a.b.c.d", "collection", "collection.a", "content"]
    some = lambda n: [rng.choice(odd) if rng.random() < 0.06 else path_in(rng) for _ in range(rng.randrange(1, n))]
    if rng.random() < 0.3:
        b["target"] = some(2)[0]
    if rng.random() < 0.4:
        b["allow"] = some(5)
    if rng.random() < 0.4:
        b["deny"] = some(5)
    if rng.random() < 0.4:
        b["mapping"] = {rng.choice(SMALL + odd[:8] + ["a.b", "collection"]): rng.choice(SMALL + ["x", "y", "x.y", "", "a.b", "<", "z"]) for _ in range(rng.randrange(1, 4))}
    if rng.random() < 0.3:
        b["group"] = rng.choice(["g", "a", "b", "a.b", "x y", "<g>"])
    return b


def manipulation(rng):
    endpoints, routes = [], []
    for n in range(60):
        b = rules(rng, {"url_pattern": f"/b{n}"})
        collection = rng.random() < 0.15
        if collection:
            b["is_collection"] = True
        if rng.random() < 0.06:
            b["encoding"] = "safejson"
        body = (b"[" + b",".join(value(rng, 3, SMALL) for _ in range(rng.randrange(0, 4))) + b"]") if collection else document(rng, SMALL, depth=4)
        e = {"endpoint": f"/e{n}", "backend": [b]}
        if collection and rng.random() < 0.3:
            e["output_encoding"] = "json-collection"
        endpoints.append(e)
        routes.append({"path": f"/b{n}", "body_b64": base64.b64encode(body).decode(), "headers": [["Content-Type", "application/json"]]})
    conf = {"version": 3, "host": ["{{backend}}"], "cache_ttl": "30s", "endpoints": endpoints}
    return {"config": conf, "routes": routes, "steps": [{"path": e["endpoint"]} for e in endpoints]}
