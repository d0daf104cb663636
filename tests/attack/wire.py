"""A second reading of HTTP/1.1, written after RFC 9112 and sharing nothing with the gateway: what the batteries of this folder hold it against.

`requests(data)` says what a client's bytes mean: the requests that are certain, and how the rest stands. `Strict` reads what the gateway wrote to a
backend and `answers(data, methods)` what it wrote to a client; both forgive nothing, since the gateway composes those bytes itself.
"""
import re

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
TARGET = re.compile(rb"[\x21-\x7e\x80-\xff]+")
HOST = re.compile(rb"[A-Za-z0-9\-._~:%\[\]!$&'()*+,;=]*")


class Bad(Exception):
    """These bytes are no message."""


class More(Exception):
    """Nothing wrong so far, but the end is not there."""


class Request:
    def __init__(self, method, target, fields, body=b"", last=False):
        self.method, self.target, self.fields, self.body, self.last = method, target, fields, body, last

    def get(self, name):
        return [v for n, v in self.fields if n.lower() == name]

    def __repr__(self):
        return "%s %s %r" % (self.method.decode("latin-1"), self.target.decode("latin-1"), self.body[:80])


def line_of(data, at):
    end = data.find(b"\r\n", at)
    if end < 0:
        rest = data[at:]
        if b"\n" in rest or b"\r" in rest[:-1] or b"\0" in rest:
            raise Bad("a line that does not end in CR LF")
        raise More()
    line = data[at:end]
    if b"\n" in line or b"\r" in line or b"\0" in line:
        raise Bad("a line that does not end in CR LF")
    return line, end + 2


def fields_of(data, at):
    fields = []
    while True:
        line, at = line_of(data, at)
        if not line:
            return fields, at
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.fullmatch(name):
            raise Bad("field name %r" % name)
        value = value.strip(b" \t")
        if not VALUE.fullmatch(value):
            raise Bad("field value %r" % value)
        fields.append((name, value))


def chunked_of(data, at, strict=False):
    """(body, position behind it); strict: as the gateway writes it, without extensions and trailers."""
    body = b""
    while True:
        line, at = line_of(data, at)
        m = re.fullmatch(rb"([0-9A-Fa-f]{1,16})([ \t]*;.*)?", line, re.S)
        if not m or (strict and m.group(2)) or (m.group(2) and not VALUE.fullmatch(m.group(2))):
            raise Bad("chunk size %r" % line)
        n = int(m.group(1), 16)
        if n > 1 << 60:
            raise Bad("chunk size %r" % line)
        if n == 0:
            break
        if len(data) < at + n + 2:
            end = data[at + n:at + n + 2]
            if end and not b"\r\n".startswith(end):
                raise Bad("a chunk without its end")
            raise More()
        body += data[at:at + n]
        if data[at + n:at + n + 2] != b"\r\n":
            raise Bad("a chunk without its end")
        at += n + 2
    trailers, at = fields_of(data, at)
    if strict and trailers:
        raise Bad("trailers")
    return body, at


def framing_of(fields, minor):
    """('none' | 'length' | 'chunked', length)"""
    lengths = [v for n, v in fields if n.lower() == b"content-length"]
    codings = [v for n, v in fields if n.lower() == b"transfer-encoding"]
    if lengths and codings:
        raise Bad("Content-Length and Transfer-Encoding")
    if codings:
        if len(codings) > 1 or codings[0].lower() != b"chunked" or minor == 0:
            raise Bad("Transfer-Encoding")
        return "chunked", 0
    if lengths:
        if len(lengths) > 1 or not re.fullmatch(rb"[0-9]+", lengths[0]) or int(lengths[0]) >= 1 << 63:
            raise Bad("Content-Length")
        return "length", int(lengths[0])
    return "none", 0


def request_of(data, at, strict=False, heads=None):
    line, at = line_of(data, at)
    parts = line.split(b" ")
    if len(parts) != 3 or not TOKEN.fullmatch(parts[0]) or not TARGET.fullmatch(parts[1]):
        raise Bad("request line %r" % line)
    m = re.fullmatch(rb"HTTP/1\.([01])", parts[2])
    if not m or (strict and m.group(1) != b"1"):
        raise Bad("version %r" % parts[2])
    minor = int(m.group(1))
    fields, at = fields_of(data, at)
    hosts = [v for n, v in fields if n.lower() == b"host"]
    if len(hosts) > 1 or (minor == 1 and not hosts) or (hosts and not HOST.fullmatch(hosts[0])):
        raise Bad("Host")
    options = [x.strip(b" \t").lower() for n, v in fields if n.lower() == b"connection" for x in v.split(b",")]
    last = b"close" in options or (minor == 0 and b"keep-alive" not in options)
    how, n = framing_of(fields, minor)
    r = Request(parts[0], parts[1], fields, b"", last)
    if heads is not None:
        heads.append(r)
    if how == "chunked":
        r.body, at = chunked_of(data, at, strict)
    elif how == "length":
        if len(data) < at + n:
            raise More()
        r.body, at = data[at:at + n], at + n
    return r, at


def requests(data):
    """([Request], 'clean' | 'partial' | 'error' | 'last', begun): 'last' when the client said that nothing follows; begun is a request whose head is
    complete, while its body is not, or is wrong."""
    out, at = [], 0
    while True:
        for _ in range(4):  # RFC 9112 2.2: empty lines in front of a request line may be ignored
            if data[at:at + 2] == b"\r\n":
                at += 2
        if at == len(data):
            return out, "clean", None
        heads = []
        try:
            r, at = request_of(data, at, heads=heads)
        except (Bad, More) as e:
            return out, "error" if isinstance(e, Bad) else "partial", heads[0] if heads else None
        out.append(r)
        if r.last:
            return out, "last", None


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def get(self, name):
        return [v for n, v in self.fields if n.lower() == name]

    def __repr__(self):
        return "%d %r" % (self.status, self.body[:80])


def answers(data, methods, ended):
    """([Answer], rest): final answers; the i-th belongs to methods[i]. Raises Bad. `ended`: the connection is closed."""
    out, at, interim = [], 0, 0
    while at < len(data):
        begin = at
        try:
            line, at = line_of(data, at)
            m = re.fullmatch(rb"HTTP/1\.1 ([1-9][0-9]{2}) [\t\x20-\x7e]*", line)
            if not m:
                raise Bad("status line %r" % line)
            status = int(m.group(1))
            fields, at = fields_of(data, at)
            if status == 100:
                interim += 1
                if interim > 1 or fields:
                    raise Bad("100 Continue twice or with fields")
                continue
            if status < 200:
                raise Bad("interim answer %d" % status)
            how, n = framing_of(fields, 1)
            method = methods[len(out)] if len(out) < len(methods) else b"GET"
            if method == b"HEAD" or status in (204, 304):
                body = b""
            elif how == "chunked":
                body, at = chunked_of(data, at, strict=True)
            elif how == "length":
                if len(data) < at + n:
                    raise More()
                body, at = data[at:at + n], at + n
            elif ended:
                body, at = data[at:], len(data)
            else:
                raise More()
        except More:
            return out, data[begin:]
        interim = 0
        out.append(Answer(status, fields, body))
    return out, b""


class Strict:
    """Reads one backend connection as it grows; `bad` says what the gateway wrote that is no request."""

    def __init__(self):
        self.data, self.bad = b"", None

    def feed(self, data):
        """The requests that are complete now."""
        out = []
        self.data += data
        while self.data and not self.bad:
            try:
                r, at = request_of(self.data, 0, strict=True)
            except More:
                break
            except Bad as e:
                self.bad = "%s in %r" % (e, self.data[:400])
                break
            if b"connection" in [n.lower() for n, _ in r.fields] or len(r.get(b"host")) != 1:
                self.bad = "fields of the connection in %r" % self.data[:400]
            self.data = self.data[at:]
            out.append(r)
        return out
