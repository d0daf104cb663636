"""HTTP/2 to HTTP/1 (Kettle 2021): what a stream says must reach the backend as one request or not at all. In front of the strict recorder."""
import h2
import wire
from h2 import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, H2Client, frame, literal

SMUGGLED = "GET /s HTTP/1.1\r\nHost: g\r\n\r\n"


def heads():
    """{name: [(name, value)] that is added to or replaces the usual pseudo-headers}"""
    usual = {":method": "POST", ":scheme": "http", ":path": "/n/p", ":authority": "g"}
    out = {}

    def add(name, *fields, **pseudo):
        head = dict(usual)
        head.update({":" + k: v for k, v in pseudo.items()})
        out[name] = [(k, v) for k, v in head.items() if v is not None] + list(fields)

    for end in ("\r\n", "\n", "\r", "\0", "\r\n\r\n" + SMUGGLED, "\nTransfer-Encoding: chunked", "\r\nContent-Length: 5", "\x0b", "\x7f", "\x01"):
        add("value %r" % end, ("x-a", "y" + end))
        add("value first %r" % end, ("x-a", end + "y"))
        add("value inner %r" % end, ("x-a", "y" + end + "z"))
        add("name %r" % end, ("x-a" + end, "y"))
        add("path %r" % end, path="/n/p" + end + "x")
        add("method %r" % end, method="POST" + end + "x")
        add("authority %r" % end, authority="g" + end + "x")
        add("scheme %r" % end, scheme="http" + end + "x")
        add("cookie %r" % end, ("cookie", "a=b" + end + "c"))
        add("host %r" % end, ("host", "g" + end + "x"))
    for fields in (("transfer-encoding", "chunked"), ("Transfer-Encoding", "chunked"), ("transfer-encoding", "identity"), ("transfer_encoding", "chunked"), ("connection", "keep-alive"), ("connection", "content-length"),
                   ("keep-alive", "1"), ("proxy-connection", "close"), ("upgrade", "h2c"), ("te", "chunked"), ("te", "trailers"), ("content-length", "3"), ("content-length", "300"), ("content-length", "-1"), ("content-length", "+5"),
                   ("content-length", "5, 5"), ("content-length", "0x5"), ("content-length", ""), ("content-length", "99999999999999999999"), ("expect", "100-continue"), ("x a", "b"), ("x:a", "b"), (" x", "b"), ("x ", "b"), ("", "b"),
                   ("X-A", "b"), ("host", "other"), ("trailer", "x"), (":path", "/n/s"), (":method", "GET"), (":status", "200"), (":x", "y"), (":authority", "other")):
        add("field %r" % (fields,), fields)
    for pair in ((("content-length", "5"), ("content-length", "5")), (("content-length", "5"), ("content-length", "0")), (("host", "a"), ("host", "b")), (("x-a", "b"), (":path", "/n/s"))):
        add("fields %r" % (pair,), *pair)
    for path in ("", "n/p", "*", "http://g/n/p", "/n/p HTTP/1.1\r\nX: y", "/n/p HTTP/1.1", "/n/p x", "/n/p\tx", "/n/p#x", "/n/%0d%0aX:y", "//n/p", "/n/p?\r\n", None):
        add("path %r" % path, path=path)
    for method in ("", "GET /n/s HTTP/1.1", "G T", "CONNECT", "get", "PRI", None):
        add("method %r" % method, method=method)
    for authority in ("", "a b", "a/b", "a@b", "a\tb", "g, h", None):
        add("authority %r" % authority, authority=authority)
    for scheme in ("", "ftp", "http://x/?", "x y", None):
        add("scheme %r" % scheme, scheme=scheme)
    return out


def run(gateway, recorder, report):
    """Each head with bodies of 0 and 5 bytes and a smuggled one, whole and cut into CONTINUATION frames; a neighbour stream and connection."""
    count = 0
    recorder.take()
    for name, head in heads().items():
        block = b"".join(literal(k, v) for k, v in head)
        for body in (b"", b"hello", SMUGGLED.encode()):
            for cut in (False, True):
                count += 1
                with H2Client(gateway.port, timeout=5) as c:
                    end = 0 if body else END_STREAM
                    if cut:
                        parts = [block[i:i + 7] for i in range(0, len(block), 7)]
                        c.send(frame(HEADERS, end, 1, parts[0]), *[frame(CONTINUATION, 0, 1, p) for p in parts[1:8]], frame(CONTINUATION, END_HEADERS, 1, b"".join(parts[8:])))
                    else:
                        c.send(frame(HEADERS, END_HEADERS | end, 1, block))
                    if body:
                        c.send(frame(DATA, END_STREAM, 1, body))
                    try:
                        c.request(3, "/n/m%d" % count)
                        first, second = c.answer(1), c.answer(3)
                    except (TimeoutError, ConnectionError):
                        if not c.ended:
                            report("%s: no end" % name)
                        continue
                    if second.status is not None and (second.status != 200 or b"/m%d\"" % count not in second.body):
                        report("%s: the neighbour stream got %r %r" % (name, second.status, second.body))
                    if first.status is not None and first.status == 200 and b'"target"' in first.body and b"/p" not in first.body and b'"/"' not in first.body:
                        report("%s: got %r" % (name, first.body))
        for s in recorder.take():
            # A body that does not add up to its length ends the backend's connection inside of the request: nothing follows it there.
            if s.kind != "request" and not (s.kind == "cut" and "content-length" in name):
                report("%s: the gateway wrote %r" % (name, s))
            elif s.target.startswith(b"/s"):
                report("%s: smuggled: %r" % (name, s))
            elif s.target.startswith(b"/m") and s.body:
                report("%s: a neighbour with a body: %r" % (name, s))
            elif not s.target.startswith(b"/m") and s.body not in (b"", b"hello", SMUGGLED.encode()):
                report("%s: a body that nobody sent: %r" % (name, s))
    return count
