"""Request smuggling: every payload of payloads.py, whole and split in two writes, in front of a backend that reads strictly.

What holds for each connection, whatever was sent on it:
  - what the backend got are exactly requests that the bytes mean by the oracle of wire.py, with their own bodies, once each;
  - the i-th answer is the answer to the i-th request; the marker behind the payload gets its own answer, or the connection is closed;
  - after a refusal nothing more is said, and the connection ends;
  - every backend connection is a sequence of whole requests (one that is cut ends its connection);
and a victim on another client connection always gets its own answer.
"""
import hashlib
import json
import random
import re
import select
import socket
import time

import payloads
import wire

ID = re.compile(rb"/([psmv][0-9]+)")
BATCH = 192


class Probe:
    """One client connection: what is sent, and what that means."""

    number = 0

    def __init__(self, name, text, want, pipe, split):
        Probe.number += 1
        self.name, self.want, self.pipe = name, want, pipe
        self.id = Probe.number
        self.payload = payloads.fill(text, "/%s/p%d" % (pipe, self.id), "/%s/s%d" % (pipe, self.id))
        self.data = self.payload + b"GET /%s/m%d HTTP/1.1\r\nHost: g\r\n\r\n" % (pipe.encode(), self.id)
        self.split = split
        self.meant, self.state, self.begun = wire.requests(self.data)
        self.got, self.ended, self.done = b"", False, False
        self.expected = len(self.meant) + (self.state == "error")
        self.sock = None

    def __repr__(self):
        return "%s [%s, split at %s]: sent %r, got %r" % (self.name, self.pipe, self.split, self.data[:300], self.got[:300])

    def finished(self):
        """True when nothing more is to come."""
        if self.ended:
            return True
        if self.state in ("error", "last") or self.want == "limit":
            return False
        try:
            got, rest = wire.answers(self.got, [r.method for r in self.meant], False)
        except wire.Bad:
            return True
        return len(got) >= self.expected and not rest


class Battery:
    def __init__(self, gateway, recorder, report):
        self.gateway, self.recorder, self.report = gateway, recorder, report
        self.victims, self.victim_number, self.connections = [], 0, 0
        self.known = {}  # id in a target -> the probe
        self.broken = set()  # ids of probes that break off

    # --- the victims and the barrier: ordinary clients beside the attacker

    def ask(self, sock, target):
        sock.sendall(b"GET %s HTTP/1.1\r\nHost: v\r\n\r\n" % target)
        data = b""
        while True:
            more = sock.recv(65536)
            if not more:
                raise AssertionError("the victim's connection ended after %r" % data)
            data += more
            got, rest = wire.answers(data, [b"GET"], False)
            if got:
                if rest or len(got) > 1:
                    raise AssertionError("the victim got more than its answer: %r" % data)
                return got[0]

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.gateway.port), 10)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def check_victims(self):
        for pipe in ("n", "j", "m"):
            self.victim_number += 1
            name = "v%d" % self.victim_number
            while len(self.victims) < 3:
                self.victims.append(self.connect())
            a = self.ask(self.victims[self.victim_number % 3], ("/%s/%s" % (pipe, name)).encode())
            if a.status != 200 or not self.is_echo(a.body, name.encode(), b"", pipe):
                self.report("a victim got %r instead of its own answer" % a)

    def barrier(self):
        # One worker: what was readable before is read before an answer to what came later.
        for _ in range(2):
            self.ask(self.victims[0], b"/__health")

    # --- judging

    @staticmethod
    def is_echo(body, name, sent, pipe):
        try:
            doc = json.loads(body)
        except ValueError:
            return False
        for d in ([doc.get("a", {}), doc.get("b", {})] if pipe == "m" else [doc]):
            m = ID.match(d.get("target", "").encode("latin-1"))
            if not m or m.group(1) != name or (sent is not None and d["sum"] != hashlib.md5(sent).hexdigest()):
                return False
        return True

    @staticmethod
    def name_of(request):
        m = ID.search(request.target)
        return m.group(1) if m else b""

    def judge(self, p):
        try:
            got, rest = wire.answers(p.got, [r.method for r in p.meant], p.ended)
        except wire.Bad as e:
            return self.report("not an answer (%s): %r" % (e, p))
        if rest and p.ended:
            return self.report("a cut answer: %r" % p)
        for i, a in enumerate(got):
            # A request whose body is broken or not there may be answered before that is known.
            if i > len(p.meant) or p.state == "last" and i == len(p.meant) or i == len(p.meant) and a.status < 400 and not p.begun:
                self.report("one answer too many: %r" % p)
                continue
            if i == len(p.meant):
                if b'"target"' in a.body:
                    self.report("a request that is not whole was passed on: %r" % p)
                continue
            r = p.meant[i]
            if a.status == 200 and r.method != b"HEAD" and b'"target"' in a.body:
                body = r.body if r.method == b"POST" else None  # a GET may lose its body on the way, never take another's
                if not self.is_echo(a.body, self.name_of(r), body, p.pipe):
                    self.report("answer %d is not that of %r: %r" % (i, r, p))
        if p.state in ("error", "last") and not p.ended:
            self.report("the connection stays open: %r" % p)
        if p.want in ("refuse", "limit"):
            if p.want == "refuse" and p.meant or p.state == "last":
                self.report("the oracle does not refuse it (%s, %r): %r" % (p.state, p.meant, p))
            elif len(got) > 1 or (got and (got[0].status < 400 or b"close" not in got[0].get(b"connection"))):
                self.report("not refused: %r" % p)
            elif not p.ended and p.state != "partial":
                self.report("refused, but open: %r" % p)
            elif not got and p.state == "error":
                self.report("closed without a word: %r" % p)
        elif p.want == "serve":
            if p.state not in ("clean", "last") or (p.state == "clean" and self.name_of(p.meant[-1]) != b"m%d" % p.id):
                self.report("the oracle does not serve it (%s): %r" % (p.state, p))
            elif len(got) < len(p.meant):
                self.report("%d answers to %d requests: %r" % (len(got), len(p.meant), p))
        elif len(got) < p.expected and not p.ended and p.state != "partial":
            self.report("no answer: %r" % p)

    def judge_backend(self, probes):
        left = {}
        for p in probes:
            for r in p.meant:
                copies = 2 if p.pipe == "m" else 1
                left.setdefault(self.name_of(r), []).extend([r] * copies)
        self.broken |= {b"%d" % p.id for p in probes if p.state in ("error", "partial") or p.want == "limit"}
        for s in self.recorder.take():
            if s.kind == "bad":
                self.report("the gateway wrote %r" % s)
                continue
            if s.kind == "cut":
                m = ID.search(s.text.encode("latin-1"))
                if not m or m.group(1)[1:] not in self.broken:
                    self.report("a cut request of a good client: %r" % s)
                continue
            m = ID.match(s.target)
            name = m.group(1) if m else b""
            if name.startswith(b"v"):
                if s.body:
                    self.report("a victim's request with a body: %r" % s)
                continue
            fits = [r for r in left.get(name, []) if r.body == s.body or (r.method != b"POST" and not s.body)]
            if not fits:
                self.report("nobody asked for this: %r; sent was %r" % (s, self.known.get(name[1:])))
            else:
                left[name].remove(fits[0])

    # --- running

    def run(self, probes):
        self.connections += len(probes)
        self.known = {b"%d" % p.id: p for p in probes}
        for p in probes:
            p.sock = self.connect()
            p.sock.sendall(p.data[:p.split] if p.split else p.data)
            p.sock.setblocking(False)
        if any(p.split for p in probes):
            self.barrier()
            for p in probes:
                if p.split:
                    try:
                        p.sock.sendall(p.data[p.split:])
                    except OSError:
                        pass  # refused already
        poll = select.epoll()
        by_fd = {}
        for p in probes:
            poll.register(p.sock.fileno(), select.EPOLLIN)
            by_fd[p.sock.fileno()] = p
        end = time.monotonic() + 8
        waiting = len(probes)
        while waiting and time.monotonic() < end:
            for fd, _ in poll.poll(0.2):
                p = by_fd[fd]
                was = p.done
                self.read(p)
                if p.ended:
                    poll.unregister(fd)
                p.done = was or p.finished()
                waiting -= p.done and not was
            if waiting and all(p.done or (p.state == "partial") for p in probes):
                break
        self.check_victims()
        for p in probes:
            if not p.ended:
                self.read(p)  # what came behind the last answer
            self.judge(p)
            p.sock.close()
        poll.close()
        self.judge_backend(probes)

    @staticmethod
    def read(p):
        try:
            data = p.sock.recv(65536)
            p.got += data
            p.ended = not data
        except BlockingIOError:
            pass
        except OSError:
            p.ended = True

    def all(self, probes):
        batch = []
        self.check_victims()
        for p in probes:
            batch.append(p)
            if len(batch) == BATCH:
                self.run(batch)
                batch = []
        if batch:
            self.run(batch)
        return self.connections


def whole(pipe):
    for name, text, want in payloads.all_payloads():
        yield Probe(name, text, want, pipe, 0)


def split(pipe, step):
    """Every payload split in two writes, at every `step`th place; the places rotate from payload to payload."""
    for n, (name, text, want) in enumerate(payloads.all_payloads()):
        if " byte " in name:
            continue
        size = Probe(name, text, want, pipe, 0)
        end = len(size.payload) + 1
        own = step if end <= 500 else max(step, end // 40)
        for at in range(1 + n % own, end, own):
            yield Probe(name, text, want, pipe, at)


def mutated(pipe, count, seed):
    """Payloads with a few bytes changed; only the oracle says what they mean."""
    rng = random.Random(seed)
    base = [p for p in payloads.all_payloads() if len(p[1]) < 1000]
    spice = ["\r", "\n", "\r\n", " ", "\t", "\0", ":", ",", ";", "0", "5", "a", "\x0b", "\xa0", "chunked", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "\r\n\r\n", "0\r\n\r\n", payloads.SMUGGLED]
    for _ in range(count):
        name, text, _ = rng.choice(base)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text) + 1)
            what = rng.randrange(4)
            if what == 0:
                text = text[:at] + rng.choice(spice) + text[at:]
            elif what == 1:
                text = text[:at] + text[at + rng.randint(1, 4):]
            elif what == 2:
                text = text[:at] + chr(rng.randrange(256)) + text[at + 1:]
            else:
                other = rng.choice(base)[1]
                text = text[:at] + other[rng.randrange(len(other)):]
        yield Probe("mutated: " + name, text, "either", pipe, rng.choice([0, rng.randint(1, len(text))]))
