"""A client of HTTP/2 that writes frames as it is told, right or wrong: what the tests of HTTP/2 stand on. HPACK comes from h2mini.py."""
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conformance"))
from h2mini import Hpack, _lit as literal, frame  # noqa: E402

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FLAG = 1, 1, 4, 8, 32
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, \
    COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(12)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def block(*fields):
    return b"".join(literal(n, v) for n, v in fields)


def request(path="/n/a", method="GET", *fields, authority="gw", scheme="http"):
    pseudo = [(":method", method), (":scheme", scheme), (":path", path)]
    if authority is not None:
        pseudo.append((":authority", authority))
    return block(*pseudo, *fields)


def settings(*pairs):
    return b"".join(struct.pack(">HI", k, v) for k, v in pairs)


def u32(n):
    return struct.pack(">I", n)


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    @property
    def error(self):
        return int.from_bytes(self.payload[4:8] if self.kind == GOAWAY else self.payload[:4], "big")

    @property
    def last_stream(self):
        return int.from_bytes(self.payload[:4], "big")

    def __repr__(self):
        return "Frame(%d, flags %d, stream %d, %r)" % (self.kind, self.flags, self.stream, self.payload[:60])


class Answer:
    def __init__(self):
        self.status, self.fields, self.body, self.whole, self.reset, self.interim = None, [], b"", False, None, []

    def get(self, name):
        return next((v for n, v in self.fields if n == name), None)


class H2Client:
    def __init__(self, port, pairs=(), preface=True, timeout=20.0, slow=1.0, sock=None):
        self.sock = sock or socket.create_connection(("127.0.0.1", port), timeout=timeout * slow)
        self.sock.settimeout(timeout * slow)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b""
        self.hpack = Hpack()
        self.frames = []
        self.answers = {}
        self.goaways = []
        self.ended = False
        self.open_windows = True   # give back what comes
        self.head = b""
        if preface:
            self.send(PREFACE + frame(SETTINGS, 0, 0, settings(*pairs)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, *parts):
        self.sock.sendall(b"".join(parts))

    def request(self, stream, path="/n/a", method="GET", *fields, body=None, **kw):
        """HEADERS, and DATA when there is a body."""
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if body is None else 0), stream, request(path, method, *fields, **kw)),
                  b"" if body is None else frame(DATA, END_STREAM, stream, body))

    def take(self, kind, flags, stream, payload):
        f = Frame(kind, flags, stream, payload)
        self.frames.append(f)
        a = self.answers.setdefault(stream, Answer()) if stream else None
        if kind == SETTINGS and not flags & ACK:
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            self.goaways.append(f)
        elif kind == RST_STREAM:
            a.reset = f.error
        elif kind in (HEADERS, CONTINUATION):
            self.head += payload
            if flags & END_HEADERS:
                fields = self.hpack.decode(self.head)
                self.head = b""
                status = int(dict(fields)[":status"])
                if status < 200:
                    a.interim.append(status)
                else:
                    a.status, a.fields = status, [x for x in fields if x[0] != ":status"]
        elif kind == DATA:
            a.body += payload
            if payload and self.open_windows:
                self.send(frame(WINDOW_UPDATE, 0, 0, u32(len(payload))))
                if not flags & END_STREAM:
                    self.send(frame(WINDOW_UPDATE, 0, stream, u32(len(payload))))
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            a.whole = True
        return f

    def next(self, seconds=None):
        """The next frame; None when the gateway closed, or nothing came in the time."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            if len(self.buf) >= 9:
                n = int.from_bytes(self.buf[:3], "big")
                if len(self.buf) >= 9 + n:
                    kind, flags, stream = self.buf[3], self.buf[4], int.from_bytes(self.buf[5:9], "big") & 0x7fffffff
                    payload, self.buf = self.buf[9:9 + n], self.buf[9 + n:]
                    return self.take(kind, flags, stream, payload)
            old = self.sock.gettimeout()
            try:
                if end is not None:
                    self.sock.settimeout(max(0.001, end - time.monotonic()))
                data = self.sock.recv(262144)
            except TimeoutError:
                if end is None:
                    raise
                return None
            except ConnectionError:
                data = b""
            finally:
                self.sock.settimeout(old)
            if not data:
                self.ended = True
                return None
            self.buf += data

    def until(self, what):
        """Reads frames until what() is true or the connection ends."""
        while not what() and not self.ended:
            try:
                self.next()
            except (BrokenPipeError, ConnectionResetError):
                self.ended = True
        return what()

    def answer(self, stream):
        a = self.answers.setdefault(stream, Answer())
        self.until(lambda: a.whole or a.reset is not None)
        return a

    def ask(self, stream, *args, **kw):
        self.request(stream, *args, **kw)
        return self.answer(stream)

    def everything(self, seconds=3.0):
        """All frames until the gateway closes, or says nothing for so long."""
        while not self.ended and self.next(seconds):
            pass
        return self.frames

    def settled(self):
        """Reads until the gateway has taken all that was sent: its answer to a PING says so."""
        mark = b"settled!"
        self.send(frame(PING, 0, 0, mark))
        n = len(self.frames)
        return self.until(lambda: any(f.kind == PING and f.flags & ACK and f.payload == mark for f in self.frames[n:]))
