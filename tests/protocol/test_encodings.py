"""The examples of docs/encodings.md, and packed bodies of decoded backends: what is unpacked, and how much of it."""
import gzip
import json
import shutil
import subprocess
import zlib

from doc_examples import Page
from harness import get

PAGE = Page("encodings.md")
LIMIT = 1 << 20


def test_every_example_answers_as_it_says(t):
    assert len(PAGE.endpoints) >= 6
    PAGE.answer(t)


def test_nothing_is_wrong_with_the_examples(t):
    PAGE.check()


def packers():
    def tool(*command):
        return lambda b: subprocess.run(command, input=b, capture_output=True, check=True).stdout

    out = {"gzip": gzip.compress, "deflate": zlib.compress}
    if shutil.which("brotli"):
        out["br"] = tool("brotli", "-c")
    if shutil.which("zstd"):
        out["zstd"] = tool("zstd", "-qc")
    return out


def start(t, bodies):
    for path, (coding, body) in bodies.items():
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding.encode(), len(body))
        t.backend.on(path, lambda c, m, all=head + body: c.send(all))
    ends = [{"endpoint": "/j" + p, "backend": [{"url_pattern": p}]} for p in bodies]
    ends += [{"endpoint": "/s" + p, "backend": [{"url_pattern": p, "encoding": "string"}]} for p in bodies]
    return t.start({"version": 3, "host": ["http://127.0.0.1:%d" % t.backend.port], "endpoints": ends,
                    "extra_config": {"gladius/limits": {"max_backend_body": LIMIT}}})


def test_packed_bodies_are_unpacked(t):
    text = json.dumps({"k": ["x" * 100] * 500})
    wanted = json.loads(text)
    g = start(t, {"/" + name: (name, pack(text.encode())) for name, pack in packers().items()})
    for name in packers():
        a = g.ask(get("/j/" + name))
        assert a.status == 200 and json.loads(a.body) == wanted, (name, a.line, a.body[:80])


def test_bombs_stop_at_the_limit(t):
    big = b'{"a":"' + b"0" * (200 * LIMIT) + b'"}'
    near = b'{"a":"' + b"0" * (LIMIT - 100) + b'"}'
    bodies = {"/bomb-" + n: (n, pack(big)) for n, pack in packers().items()}
    bodies.update({"/near-" + n: (n, pack(near)) for n, pack in packers().items()})
    g = start(t, bodies)
    g.ask(get("/j/near-gzip"))
    before = g.rss()
    for path in bodies:
        a = g.ask(get("/j" + path))
        assert a.status == (200 if path.startswith("/near") else 500), (path, a.line)
    # The windows of br and zstd, and four times the limit while the output grows.
    assert g.rss() - before < 48 << 20, (g.rss() - before) >> 20


def test_broken_packing_is_an_error(t):
    whole = {n: pack(b'{"a":1}' + b" " * 5000 + bytes(range(256)) * 8) for n, pack in packers().items()}
    g = start(t, {"/cut-" + n: (n, w[: len(w) // 2]) for n, w in whole.items()})
    for name in whole:
        a = g.ask(get("/j/cut-" + name))
        assert a.status == 500, (name, a.line, a.body[:60])


def test_what_only_says_that_it_is_packed_is_read_as_it_is(t):
    """As the reference does, which knows gzip only; texts are never unpacked otherwise."""
    g = start(t, {"/plain-" + n: (n, b'{"a":1}') for n in ("br", "zstd", "deflate", "identity")})
    for name in ("br", "zstd", "deflate", "identity"):
        assert g.ask(get("/j/plain-" + name)).body == b'{"a":1}', name
        assert g.ask(get("/s/plain-" + name)).body == b'{"content":"{\\"a\\":1}"}', name


def test_what_breaks_off_behind_the_root_element_is_not_seen(t):
    ends, bodies = [], {"/whole": b"<a>1</a>", "/half": b"<a>1"}
    for path, body in bodies.items():
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
        t.backend.on(path, lambda c, m, all=head + body: (c.send(all), False)[1])
        ends.append({"endpoint": path, "backend": [{"url_pattern": path, "encoding": "xml"}]})
    g = t.start({"version": 3, "host": ["http://127.0.0.1:%d" % t.backend.port], "endpoints": ends})
    assert g.ask(get("/whole")).body == b'{"a":"1"}'
    assert g.ask(get("/half")).status == 500
