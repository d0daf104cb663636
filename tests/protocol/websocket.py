"""WebSocket ends for the tests: frames written by hand, as a fuzzing client needs them, and a server by wsproto, which nobody here wrote.

The battery follows the classes of cases of the Autobahn test suite (framing, pings and pongs, reserved bits, opcodes, fragmentation, UTF-8,
closing, limits); its cases are our own. A case is what a client sends, and what an end that is right does about it: the messages it echoes, the
pongs it sends, the code it closes with.
"""
import base64
import hashlib
import json
import os
import socket
import struct
import sys
import threading

try:
    import wsproto  # noqa: F401
except ImportError:  # another Python than Debian's
    sys.path.append("/usr/lib/python3/dist-packages")
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from harness import SLOW, Client, Closed

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True, length=None):
    """length: what the frame says, when it is not the payload's."""
    n = len(payload) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if mask else 0
    if n < 126:
        head = struct.pack("!BB", first, bit | n)
    elif n < 65536:
        head = struct.pack("!BBH", first, bit | 126, n)
    else:
        head = struct.pack("!BBQ", first, bit | 127, n)
    if not mask:
        return head + payload
    key = os.urandom(4)
    pad = (key * (len(payload) // 4 + 1))[:len(payload)]
    return head + key + (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(payload), "big")


def close_frame(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


class Frame:
    def __init__(self, fin, rsv, opcode, payload, masked):
        self.fin, self.rsv, self.opcode, self.payload, self.masked = fin, rsv, opcode, payload, masked

    @property
    def code(self):
        return struct.unpack("!H", self.payload[:2])[0] if len(self.payload) >= 2 else None

    def __repr__(self):
        return "Frame(%d, %r%s)" % (self.opcode, self.payload[:40], "" if self.fin else ", more")

    def __eq__(self, other):
        return (self.fin, self.rsv, self.opcode, self.payload) == (other.fin, other.rsv, other.opcode, other.payload)


class WsClient(Client):
    """A client that says what it is told to."""

    KEY = "dGhlIHNhbXBsZSBub25jZQ=="

    def upgrade(self, path, extra="", key=KEY, version=13):
        self.send("GET %s HTTP/1.1\r\nHost: gw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                  "Sec-WebSocket-Version: %d\r\n%s\r\n" % (path, key, version, extra))
        self.head_of_101 = self.head()
        return self.head_of_101

    def opened(self, path, extra=""):
        m = self.upgrade(path, extra)
        assert m.status == 101, m.line
        assert m.get("Sec-WebSocket-Accept") == accept_of(self.KEY), m.fields
        assert (m.get("Upgrade") or "").lower() == "websocket" and (m.get("Connection") or "").lower() == "upgrade", m.fields
        return self

    def frame(self):
        first, second = self.exactly(2)
        n = second & 0x7f
        if n == 126:
            n = struct.unpack("!H", self.exactly(2))[0]
        elif n == 127:
            n = struct.unpack("!Q", self.exactly(8))[0]
        key = self.exactly(4) if second & 0x80 else None
        return Frame(bool(first & 0x80), first >> 4 & 7, first & 15, self.exactly(n), key is not None)

    def message(self):
        """The next data message, whole."""
        data, opcode = b"", None
        while True:
            f = self.frame()
            if f.opcode == PING:
                self.send(frame(PONG, f.payload))
                continue
            if f.opcode >= 8:
                raise AssertionError("wanted a message: %r" % f)
            opcode = opcode or f.opcode
            data += f.payload
            if f.fin:
                return data

    def text(self, payload):
        self.send(frame(TEXT, payload))


def switch(c, m, extra="", behind=b""):
    """The 101 of a backend."""
    c.send(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n"
            % (accept_of(m.get("Sec-Websocket-Key")), extra)).encode() + behind)


class Echo:
    """A WebSocket server by wsproto behind a path of the scripted backend: echoes messages, answers pings, closes as it was closed."""

    def __init__(self, backend, path, protocol=None):
        self.requests = []
        self.open = 0
        self.ends = []
        self.lock = threading.Lock()
        self.protocol = protocol
        self.socks = []
        backend.on(path, self.serve, raw=True)

    def serve(self, c, m):
        with self.lock:
            self.requests.append(m)
            self.open += 1
            self.socks.append(c)
        try:
            c.sock.settimeout(60 * SLOW)
            switch(c, m, "Sec-WebSocket-Protocol: %s\r\n" % self.protocol if self.protocol else "")
            self.run(c)
        finally:
            with self.lock:
                self.open -= 1
        return False

    def run(self, c):
        ws = Connection(ConnectionType.SERVER)
        parts = []
        data, c.buf = c.buf, b""
        while True:
            if data:
                ws.receive_data(data)
                for e in ws.events():
                    if isinstance(e, Ping):
                        c.sock.sendall(ws.send(e.response()))
                    elif isinstance(e, CloseConnection):
                        try:
                            c.sock.sendall(ws.send(e.response()))
                        except LocalProtocolError:
                            pass
                        self.ends.append(e.code)
                        finish(c.sock)
                        return
                    elif isinstance(e, (TextMessage, BytesMessage)):
                        parts.append(e.data)
                        if e.message_finished:
                            whole = type(e.data)().join(parts)
                            parts = []
                            self.on_message(c, ws, whole)
            data = c.sock.recv(262144)
            if not data:
                self.ends.append("eof")
                return

    def on_message(self, c, ws, whole):
        kind = TextMessage if isinstance(whole, str) else BytesMessage
        c.sock.sendall(ws.send(kind(data=whole)))


def finish(sock):
    """Ends our side, and reads what is still to come, so that the last bytes are not lost."""
    try:
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(5 * SLOW)
        while sock.recv(65536):
            pass
    except OSError:
        pass


# --- the battery --------------------------------------------------------------------------------------------------------------------------


class Case:
    """sends: pieces, each in a call of its own. echoes: frames that must come, in this order. closes: the codes that are right; None: no code."""

    def __init__(self, name, sends, echoes=(), closes=(1000,)):
        self.name, self.sends, self.echoes, self.closes = name, sends, list(echoes), closes


BYE = close_frame(1000)
FAIL = (1002,)
BAD_UTF8 = (1007,)


def battery():
    out = []

    def add(name, sends, echoes=(), closes=(1000,)):
        out.append(Case(name, sends, echoes, closes))

    def echo(payload, opcode=TEXT):
        return (opcode, payload)

    # Framing: every form of a length, whole and in pieces.
    for opcode, kind in ((TEXT, "text"), (BINARY, "binary")):
        for n in (0, 1, 125, 126, 127, 128, 65535, 65536):
            body = (b"*" if opcode == TEXT else b"\xfe") * n
            add("1 %s %d" % (kind, n), [frame(opcode, body), BYE], [echo(body, opcode)])
        body = (b"*" if opcode == TEXT else b"\x00") * 65536
        whole = frame(opcode, body)
        add("1 %s 65536 in pieces" % kind, [whole[i:i + 997] for i in range(0, len(whole), 997)] + [BYE], [echo(body, opcode)])
    add("1 all bytes", [frame(BINARY, bytes(range(256)) * 5), BYE], [echo(bytes(range(256)) * 5, BINARY)])
    add("1 not masked", [frame(TEXT, b"plain", mask=False), BYE], closes=FAIL)
    add("1 length not the shortest, 16 bits", [b"\x81\xfe\x00\x05\0\0\0\0hello", BYE], closes=FAIL + (1000,))
    add("1 length with the first bit set", [b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", BYE], closes=FAIL + (1009,))

    # Pings and pongs.
    for n in (0, 1, 125):
        add("2 ping %d" % n, [frame(PING, b"p" * n), BYE], [(PONG, b"p" * n)])
    add("2 ping with bytes", [frame(PING, bytes([0, 255, 254, 253, 252, 0])), BYE], [(PONG, bytes([0, 255, 254, 253, 252, 0]))])
    add("2 ping 126", [frame(PING, b"x" * 126), BYE], closes=FAIL)
    one = frame(PING, b"x" * 125)
    add("2 ping byte by byte", [one[i:i + 1] for i in range(len(one))] + [BYE], [(PONG, b"x" * 125)])
    add("2 pong that nobody asked for", [frame(PONG), BYE])
    add("2 pong with a payload", [frame(PONG, b"unsolicited"), BYE])
    add("2 pong, then ping", [frame(PONG, b"a"), frame(PING, b"b"), BYE], [(PONG, b"b")])
    add("2 ten pings", [b"".join(frame(PING, b"%d" % i) for i in range(10)), BYE], [(PONG, b"%d" % i) for i in range(10)])

    # Reserved bits.
    hello = frame(TEXT, b"Hello")
    for rsv in range(1, 8):
        add("3 rsv %d text" % rsv, [hello, frame(TEXT, b"Hello", rsv=rsv), frame(PING), BYE], [echo(b"Hello")], FAIL)
    add("3 rsv 4 ping", [frame(PING, b"x", rsv=4), BYE], closes=FAIL)
    add("3 rsv 1 close", [frame(CLOSE, b"\x03\xe8", rsv=1)], closes=FAIL)
    add("3 rsv 2 binary in pieces", [frame(BINARY, b"x", rsv=2)[i:i + 1] for i in range(7)] + [BYE], closes=FAIL)

    # Opcodes that mean nothing.
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        add("4 opcode %d" % opcode, [frame(opcode), BYE], closes=FAIL)
        add("4 opcode %d after a text" % opcode, [hello, frame(opcode, b"x"), frame(PING), BYE], [echo(b"Hello")], FAIL)

    # Fragmentation.
    def parts(*fragments, opcode=TEXT):
        last = len(fragments) - 1
        return [frame(opcode if i == 0 else CONT, p, fin=i == last) for i, p in enumerate(fragments)]
    add("5 two fragments", parts(b"frag", b"ment") + [BYE], [echo(b"fragment")])
    add("5 two fragments in one piece", [b"".join(parts(b"frag", b"ment")) + BYE], [echo(b"fragment")])
    add("5 two fragments byte by byte", [bytes([x]) for x in b"".join(parts(b"frag", b"ment"))] + [BYE], [echo(b"fragment")])
    add("5 empty fragments", parts(b"", b"", b"") + [BYE], [echo(b"")])
    add("5 empty, full, empty", parts(b"", b"middle", b"") + [BYE], [echo(b"middle")])
    add("5 a binary in 100 fragments", parts(*[bytes([i]) * 7 for i in range(100)], opcode=BINARY) + [BYE],
        [echo(b"".join(bytes([i]) * 7 for i in range(100)), BINARY)])
    add("5 a fragmented ping", [frame(PING, b"a", fin=False), frame(CONT, b"b"), BYE], closes=FAIL)
    add("5 a fragmented pong", [frame(PONG, b"a", fin=False), frame(CONT, b"b"), BYE], closes=FAIL)
    add("5 a fragmented close", [frame(CLOSE, b"\x03\xe8", fin=False), frame(CONT, b"b")], closes=FAIL)
    a, b = parts(b"one", b"two")
    add("5 a ping between fragments", [a, frame(PING, b"now"), b, BYE], [(PONG, b"now"), echo(b"onetwo")])
    add("5 a pong between fragments", [a, frame(PONG, b"now"), b, BYE], [echo(b"onetwo")])
    five = parts(b"1", b"2", b"3", b"4", b"5")
    add("5 two pings between fragments", [five[0], five[1], frame(PING, b"x"), five[2], five[3], frame(PING, b"y"), five[4], BYE],
        [(PONG, b"x"), (PONG, b"y"), echo(b"12345")])
    add("5 a continuation of nothing", [frame(CONT, b"x"), hello, BYE], closes=FAIL)
    add("5 a continuation of nothing, not the last", [frame(CONT, b"x", fin=False), hello, BYE], closes=FAIL)
    add("5 a continuation after a whole message", [hello, frame(CONT, b"x"), BYE], [echo(b"Hello")], FAIL)
    add("5 a second text inside of a message", [a, frame(TEXT, b"other"), b, BYE], closes=FAIL)
    add("5 a binary inside of a text", [a, frame(BINARY, b"other"), b, BYE], closes=FAIL)
    add("5 a close inside of a message", [a, BYE])

    # UTF-8.
    for text in ("", "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!", "\u03ba\u1f79\u03c3\u03bc\u03b5", "\u0080", "\u07ff", "\u0800",
                 "\uffff", "\U00010000", "\ud7ff", "\ue000", "\ufffd", "\U0010ffff", "\0", "\ufeff", "\U0001f600" * 100):
        body = text.encode()
        add("6 good %s" % body.hex()[:24], [frame(TEXT, body), BYE], [echo(body)])
        add("6 good %s, a fragment for each byte" % body.hex()[:24],
            (parts(*[bytes([x]) for x in body[:60]]) if len(body) in range(1, 61) else [frame(TEXT, body)]) + [BYE], [echo(body)])
    for bad in ("80", "bf", "8080808080808080", "c0", "c1bf", "c0af", "e08080", "e09fbf", "f0808080", "f08fbfbf", "f4908080", "f5808080", "f8888080 80",
                "fc8480808080", "fe", "ff", "fefeffff", "eda080", "edafbf", "edb080", "edbfbf", "eda080edb080", "c3", "e282", "f09f98", "c328", "e28228",
                "f0288cbc", "f09028bc", "f0908c28", "cebae1bdb9cf83cebcceb5eda080656469746564", "cebae1bdb9cf83cebcceb5f4908080656469746564"):
        body = bytes.fromhex(bad.replace(" ", ""))
        add("6 bad %s" % bad[:30], [frame(TEXT, body), BYE], closes=BAD_UTF8)
        add("6 bad %s behind 70 good ones" % bad[:30], [frame(TEXT, b"x" * 70 + body + b"y" * 3), BYE], closes=BAD_UTF8)
        if len(body) > 1:
            add("6 bad %s, cut in two" % bad[:30], parts(body[:len(body) // 2], body[len(body) // 2:]) + [BYE], closes=BAD_UTF8)
    add("6 a letter cut by a ping", [frame(TEXT, b"\xf0\x9f", fin=False), frame(PING), frame(CONT, b"\x98\x80"), BYE], [(PONG, b""), echo("\U0001f600".encode())])
    add("6 bad bytes are good in a binary", [frame(BINARY, b"\xff\xfe\x80"), BYE], [echo(b"\xff\xfe\x80", BINARY)])

    # Closing.
    add("7 close", [BYE])
    add("7 close without a code", [close_frame()], closes=(None, 1000, 1005))
    add("7 close twice", [BYE, BYE])
    add("7 ping after close", [BYE, frame(PING, b"x")])
    add("7 text after close", [BYE, hello])
    add("7 close after half a message", [a, BYE, b])
    add("7 big text, then close", [frame(TEXT, b"b" * 200000), BYE], [echo(b"b" * 200000)])
    add("7 a code of one byte", [frame(CLOSE, b"\x03")], closes=FAIL)
    add("7 a reason", [close_frame(1000, b"going")])
    add("7 the longest reason", [close_frame(1000, b"r" * 123)])
    add("7 a reason too long", [frame(CLOSE, struct.pack("!H", 1000) + b"r" * 124)], closes=FAIL)
    add("7 a reason that is no UTF-8", [close_frame(1000, b"\xce\xba\xe1\xed\xa0\x80")], closes=BAD_UTF8 + FAIL)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        add("7 code %d" % code, [close_frame(code)], closes=(code, 1000))
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        add("7 no code %d" % code, [close_frame(code)], closes=FAIL)

    # Limits.
    for n in (1 << 18, 1 << 20):
        body = os.urandom(1024) * (n >> 10)
        add("9 binary %d" % n, [frame(BINARY, body), BYE], [echo(body, BINARY)])
        add("9 binary %d in fragments of 4096" % n, parts(*[body[i:i + 4096] for i in range(0, n, 4096)], opcode=BINARY) + [BYE], [echo(body, BINARY)])
    add("9 text 262144 in pieces of 1000", [x for w in [frame(TEXT, b"t" * 262144)] for x in [w[i:i + 1000] for i in range(0, len(w), 1000)]] + [BYE],
        [echo(b"t" * 262144)])
    add("9 500 messages", [b"".join(frame(BINARY, b"m%d" % i) for i in range(500)), BYE], [echo(b"m%d" % i, BINARY) for i in range(500)])
    return out


def play(port, path, case):
    """What the server said to this case: its frames, and how it ended."""
    with WsClient(port) as c:
        c.opened(path)
        reader = Reader(c)
        try:
            for piece in case.sends:
                c.send(piece)
        except OSError:
            pass  # the other side had enough
        return reader.result()


class Reader(threading.Thread):
    """Reads while the case is still being sent, so that neither side waits for the other."""

    def __init__(self, c):
        super().__init__(daemon=True)
        self.c, self.frames, self.end = c, [], None
        self.start()

    def run(self):
        try:
            while True:
                self.frames.append(self.c.frame())
        except Closed:
            self.end = "end"
        except ConnectionError:
            self.end = "reset"
        except OSError as e:
            self.end = repr(e)

    def result(self):
        self.join(30 * SLOW)
        assert self.end in ("end", "reset"), "the server does not end: %r, %r" % (self.end, self.frames[-3:])
        return self.frames, self.end


def messages_of(frames):
    """Whole messages, pongs, and the code of the close."""
    said, parts, opcode, code = [], b"", None, "none"
    for f in frames:
        assert not f.masked, "a server does not mask"
        if f.opcode == CLOSE:
            code = f.code
        elif f.opcode >= 8:
            said.append((f.opcode, f.payload))
        else:
            opcode = f.opcode or opcode
            parts += f.payload
            if f.fin:
                said.append((opcode, parts))
                parts = b""
    return said, code


HELLO = '{"msg":"KrakenD WS proxy starting"}'


class SharedBackend(Echo):
    """The backend of many clients: says OK to the hello, and gives every client its own messages back."""

    def __init__(self, backend, path):
        super().__init__(backend, path)
        self.envelopes = []
        self.raw = []
        self.up = []     # (connection, wsproto connection), in the order of their hellos
        self.echoes = True

    def on_message(self, c, ws, whole):
        if whole == HELLO:
            self.say(c, ws, "OK")
            self.up.append((c, ws))
            return
        self.raw.append(whole)
        e = json.loads(whole)
        with self.lock:
            self.envelopes.append(e)
        if self.echoes and e["event"] == "":
            self.say(c, ws, json.dumps({"session": {"uuid": e["session"]["uuid"]}, "body": e["body"]}))

    def say(self, c, ws, text, at=-1):
        c.sock.sendall(ws.send(TextMessage(data=text)))

    def tell(self, **envelope):
        c, ws = self.up[-1]
        self.say(c, ws, json.dumps(envelope))

    def events(self, *kinds):
        with self.lock:
            return [e for e in self.envelopes if e["event"] in kinds]
