"""Response smuggling: a backend whose answers are ambiguous, twice, too long, too early, or cut, on connections that the gateway pools.

The evil bytes carry EVIL. What holds: nobody but the client that asked for them ever gets an evil byte, that client gets one answer at most, what it
gets is a well-formed message, and its next request gets its own answer or the connection is closed. Victims on other connections use the same
backend, so they get the connections that the evil answers leave behind in the pool.
"""
import glob
import json
import multiprocessing
import select
import signal
import socket
import time

import harness
import wire

EVIL = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"target\":\"EVIL\"}"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DOC = b"{\"a\":1}"  # 7 bytes
FULL = OK + b"Content-Length: 7\r\n\r\n" + DOC
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n7\r\n" + DOC + b"\r\n0\r\n\r\n"


def kinds():
    """{name: pieces}: bytes to send one after the other; a number waits so many milliseconds, None closes."""
    k = {
        "two answers": [FULL + EVIL], "two answers in two writes": [FULL, EVIL], "three answers": [FULL + EVIL + EVIL], "answer and rubbish": [FULL + b"EVIL"], "answer and CRLF": [FULL + b"\r\n"],
        "answer and one byte": [FULL + b"E"], "chunked and answer": [CHUNKED + EVIL], "chunked and rubbish": [CHUNKED + b"EVIL"], "chunked and CRLF": [CHUNKED + b"\r\n"], "chunked, then answer": [CHUNKED, EVIL],
        "answer, later another": [FULL, 20, EVIL], "chunked, later another": [CHUNKED, 20, EVIL], "answer, later a byte": [FULL, 20, b"E"], "answer, later 100": [FULL, 20, b"HTTP/1.1 100 Continue\r\n\r\n"],
        "answer, later 408": [FULL, 20, b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 4\r\n\r\nEVIL", None], "answer, then close": [FULL, None], "answer, later close": [FULL, 10, None],
        "head, body and more later": [FULL[:-7], 5, DOC + EVIL], "body split with more": [FULL[:-3], 5, FULL[-3:] + EVIL],
    }
    for name, fields in {
        "CL and TE": b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", "TE and CL": b"Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", "CL twice": b"Content-Length: 7\r\nContent-Length: 30\r\n",
        "CL list": b"Content-Length: 7, 7\r\n", "CL list differs": b"Content-Length: 7, 30\r\n", "CL plus": b"Content-Length: +7\r\n", "CL minus": b"Content-Length: -7\r\n", "CL hex": b"Content-Length: 0x7\r\n",
        "CL empty": b"Content-Length:\r\n", "CL overflow": b"Content-Length: 18446744073709551623\r\n", "CL space": b"Content-Length: 7 7\r\n", "CL name space": b"Content-Length : 7\r\n", "TE x": b"Transfer-Encoding: x\r\n",
        "TE xchunked": b"Transfer-Encoding: xchunked\r\n", "TE chunked twice": b"Transfer-Encoding: chunked, chunked\r\n", "TE two fields": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "TE identity": b"Transfer-Encoding: identity\r\nContent-Length: 7\r\n", "TE gzip": b"Transfer-Encoding: gzip, chunked\r\n", "TE vt": b"Transfer-Encoding: \x0bchunked\r\n", "TE name space": b"Transfer-Encoding : chunked\r\n",
        "fold": b"X: y\r\n Content-Length: 7\r\n", "bare LF": b"X: y\nContent-Length: 7\r\n", "bare CR": b"X: y\rContent-Length: 7\r\n", "nul": b"X: \0\r\nContent-Length: 7\r\n", "no colon": b"EVIL\r\nContent-Length: 7\r\n",
        "split name": b"X\r\nEVIL: y\r\nContent-Length: 7\r\n", "set by CR": b"X: a\rSet-Cookie: EVIL=1\r\nContent-Length: 7\r\n",
    }.items():
        k[name] = [OK + fields + b"\r\n" + DOC + EVIL]
        k[name + ", chunked body"] = [OK + fields + b"\r\n7\r\n" + DOC + b"\r\n0\r\n\r\n" + EVIL]
        k[name + ", head alone"] = [OK + fields + b"\r\n", 2, DOC, 2, EVIL]
    for name, body in {
        "negative": b"-7\r\n" + DOC, "0x": b"0x7\r\n" + DOC + b"\r\n0\r\n\r\n", "LF": b"7\n" + DOC + b"\r\n0\r\n\r\n", "huge": b"ffffffffffffffff\r\n" + DOC, "overflow": b"10000000000000007\r\n" + DOC + b"\r\n0\r\n\r\n", "no end": b"7\r\n" + DOC + b"0\r\n\r\n",
        "too long": b"7\r\n" + DOC + b"E\r\n0\r\n\r\n", "ext LF": b"7;a\nb\r\n" + DOC + b"\r\n0\r\n\r\n", "trailer": b"7\r\n" + DOC + b"\r\n0\r\nContent-Length: 5\r\nX: EVIL\r\n\r\n", "trailer answer": b"7\r\n" + DOC + b"\r\n0\r\n" + EVIL,
        "trailer LF": b"7\r\n" + DOC + b"\r\n0\r\nX: y\n\r\n", "last LF": b"7\r\n" + DOC + b"\r\n0\n\n", "cut": b"7\r\n" + DOC + b"\r\n",
    }.items():
        k["chunk " + name] = [OK + b"Transfer-Encoding: chunked\r\n\r\n" + body + EVIL]
        k["chunk " + name + ", then close"] = [OK + b"Transfer-Encoding: chunked\r\n\r\n" + body, 2, EVIL, None]
    for status in (b"204 No Content", b"304 Not Modified", b"205 Reset Content", b"100 Continue", b"101 Switching Protocols", b"102 Processing", b"103 Early Hints", b"199 X"):
        line = b"HTTP/1.1 " + status + b"\r\n"
        k["%s with length" % status.decode()] = [line + b"Content-Length: %d\r\n\r\n" % len(EVIL) + EVIL + FULL]
        k["%s chunked" % status.decode()] = [line + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(EVIL) + EVIL + b"\r\n0\r\n\r\n" + FULL]
        k["%s and body" % status.decode()] = [line + b"\r\n", 2, EVIL]
        k["%s and body at once" % status.decode()] = [line + b"\r\n" + b"EVIL", 2, FULL]
        k["%s, answer" % status.decode()] = [line + b"\r\n" + FULL + EVIL]
    for name, line in {"1.0": b"HTTP/1.0 200 OK\r\n", "1.0 kept": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", "0.9": b"", "2.0": b"HTTP/2.0 200 OK\r\n", "1.2": b"HTTP/1.2 200 OK\r\n", "no reason": b"HTTP/1.1 200\r\n", "two digits": b"HTTP/1.1 20\r\n",
                       "four digits": b"HTTP/1.1 2000 OK\r\n", "status 099": b"HTTP/1.1 099 OK\r\n", "status 999": b"HTTP/1.1 999 OK\r\n", "lower": b"http/1.1 200 OK\r\n", "space first": b" HTTP/1.1 200 OK\r\n", "CRLF first": b"\r\nHTTP/1.1 200 OK\r\n", "LF": b"HTTP/1.1 200 OK\n",
                       "reason CR": b"HTTP/1.1 200 O\rK\r\n", "reason nul": b"HTTP/1.1 200 O\0K\r\n", "tab": b"HTTP/1.1\t200\tOK\r\n", "close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n"}.items():
        k["line " + name] = [line + b"Content-Length: 7\r\n\r\n" + DOC + EVIL]
        k["line " + name + " chunked"] = [line + b"Transfer-Encoding: chunked\r\n\r\n7\r\n" + DOC + b"\r\n0\r\n\r\n" + EVIL]
        k["line " + name + " without length"] = [line + b"\r\n" + DOC + EVIL, None]
    k["short, then close"] = [OK + b"Content-Length: 70\r\n\r\n" + DOC, 2, None]
    k["short, then another"] = [OK + b"Content-Length: 9\r\n\r\n" + DOC, 2, EVIL]
    k["many 1xx"] = [b"HTTP/1.1 100 Continue\r\n\r\n" * 5000 + EVIL]
    k["1xx for ever"] = [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 4000, 5, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 4000]
    k["nominates"] = [OK + b"Connection: Content-Length, close, Set-Cookie\r\nSet-Cookie: a=b\r\nContent-Length: 7\r\n\r\n" + DOC + EVIL]
    k["upgrade"] = [OK + b"Connection: upgrade\r\nUpgrade: EVIL\r\nContent-Length: 7\r\n\r\n" + DOC + EVIL]
    return k


KINDS = kinds()
NAMES = list(KINDS)


def backend(listener, played):
    """One process, many connections; `played` counts the scripts that are at their end. /k<i>x<n>: KINDS[NAMES[i]]; /early<n>: the answer before the body; else an echo."""
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    open_, timers = {}, []

    def close(fd):
        if fd in open_:
            open_.pop(fd)[0].close()

    def play(fd, sock, pieces):
        for i, p in enumerate(pieces):
            if isinstance(p, int):
                timers.append((time.monotonic() + p / 1000, fd, sock, pieces[i + 1:]))
                return
            if fd not in open_ or open_[fd][0] is not sock:
                break
            try:
                if p is None:
                    close(fd)
                else:
                    sock.sendall(p)
            except OSError:
                close(fd)
        played.value += 1

    while True:
        now = time.monotonic()
        for t in [t for t in timers if t[0] <= now]:
            timers.remove(t)
            play(t[1], t[2], t[3])
        for fd, _ in poll.poll(0.002 if timers else 0.5):
            if fd == listener.fileno():
                try:
                    while True:
                        sock, _ = listener.accept()
                        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        open_[sock.fileno()] = [sock, b""]
                        poll.register(sock.fileno(), select.EPOLLIN)
                except BlockingIOError:
                    continue
            if fd not in open_:
                continue
            sock, buf = open_[fd]
            try:
                data = sock.recv(65536)
            except OSError:
                data = b""
            if not data:
                close(fd)
                continue
            buf += data
            while buf:
                early = buf.find(b"\r\n\r\n") > 0 and b" /early" in buf[:12]
                try:
                    r, at = wire.request_of(buf, 0)
                except (wire.More, wire.Bad):
                    if early and not buf.startswith(b"DONE"):
                        play(fd, sock, [FULL])
                        buf = b"DONE"  # the rest of this request is not read as one
                    break
                buf = buf[at:]
                name = r.target[1:]
                if name.startswith(b"k"):
                    play(fd, sock, KINDS[NAMES[int(name[1:].split(b"x")[0])]])
                else:
                    body = json.dumps({"target": r.target.decode("latin-1")}).encode()
                    play(fd, sock, [OK + b"X-Target: %s\r\nContent-Length: %d\r\n\r\n" % (r.target, len(body)) + (b"" if r.method == b"HEAD" else body)])
            if fd in open_:
                open_[fd][1] = buf


class Client:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data, self.ended, self.asked = b"", False, []

    def send(self, method, target, more=b""):
        self.asked.append((method, target))
        try:
            self.sock.sendall(b"%s %s HTTP/1.1\r\nHost: v\r\n" % (method, target) + (more or b"\r\n"))
        except OSError:
            self.ended = True

    def wait(self, count, seconds=6):
        """The answers so far, once there are `count` or the connection ended."""
        end = time.monotonic() + seconds
        while True:
            got, rest = wire.answers(self.data, [m for m, _ in self.asked], self.ended)
            if self.ended or len(got) >= count or time.monotonic() > end:
                return got, rest
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                more = self.sock.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                more = b""
            self.data += more
            self.ended = not more

    def close(self):
        self.sock.close()


class Battery:
    def __init__(self, gateway, played, report):
        self.gateway, self.played, self.report, self.number, self.asked = gateway, played, report, 0, 0
        self.victims = [Client(gateway.port) for _ in range(8)]

    def ask_victims(self, pipe):
        """All at once, so that they take every connection that is in the pool."""
        for v in self.victims:
            self.number += 1
            v.data, v.asked = b"", []
            v.name = b"/v%d" % self.number
            v.send(b"GET", b"/" + pipe + v.name)

    def check_victims(self, pipe, after, asked=False):
        if not asked:
            self.ask_victims(pipe)
        for i, v in enumerate(self.victims):
            self.asked += 1
            got, rest = v.wait(1)
            if len(got) != 1 or rest or got[0].status != 200 or v.name not in got[0].body + b"".join(got[0].get(b"x-target")):
                self.report("after %r a victim got %r %r" % (after, got, v.data[:300]))
                v.close()
                self.victims[i] = Client(self.gateway.port)

    def run(self, pipe, kind, method=b"GET"):
        c = Client(self.gateway.port)
        self.number += 1
        where = "%s %s [%s]" % (method.decode(), NAMES[kind], pipe.decode())
        played = self.played.value
        c.send(method, b"/%s/k%dx%d" % (pipe, kind, self.number))
        try:
            got, rest = c.wait(1)
            if len(got) > 1 or (len(got) == 1 and rest and not c.ended):
                self.report("%s: more than an answer: %r" % (where, c.data[:500]))
            if not got and not c.ended:
                self.report("%s: no answer" % where)
            # Bytes that come after the victim has asked cannot be told from its answer by anybody: all are there before.
            end = time.monotonic() + 1
            while self.played.value == played and time.monotonic() < end:
                time.sleep(0.001)
            self.check_victims(pipe, where)
            if len(got) == 1 and not c.ended:
                c.send(b"GET", b"/%s/m%d" % (pipe, self.number))
                got, rest = c.wait(2)
                if len(got) == 2 and (rest or got[1].status != 200 or b"/m" not in got[1].body + b"".join(got[1].get(b"x-target"))) or len(got) > 2:
                    self.report("%s: the next answer on the connection is %r" % (where, c.data[:500]))
        except wire.Bad as e:
            self.report("%s: not an answer: %s in %r" % (where, e, c.data[:500]))
        finally:
            c.close()

    def stands_still(self):
        for task in glob.glob("/proc/%d/task/*/stat" % self.gateway.process.pid):
            with open(task) as f:
                if f.read().rsplit(")", 1)[1].split()[0] != "T":
                    return False
        return True

    def in_one_turn(self, pipe):
        """The gateway stands still while victims ask and a pooled connection gets bytes that nobody asked for: it sees both in one look."""
        kind = NAMES.index("answer, later another")
        for _ in range(10):
            c = Client(self.gateway.port)
            self.number += 1
            played = self.played.value
            c.send(b"GET", b"/%s/k%dx%d" % (pipe, kind, self.number))
            c.wait(1)
            self.gateway.signal(signal.SIGSTOP)
            try:
                harness.wait_until(self.stands_still)
                self.ask_victims(pipe)
                end = time.monotonic() + 1
                while self.played.value == played and time.monotonic() < end:
                    time.sleep(0.001)
            finally:
                self.gateway.signal(signal.SIGCONT)
            self.check_victims(pipe, "an answer too many in the turn of the request", asked=True)
            c.close()

    def early(self, pipe):
        """An answer before the request's body is whole: the backend's connection is in an unknown state."""
        for lead in (b"Content-Length: 20\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhalf"):
            c = Client(self.gateway.port)
            self.number += 1
            c.send(b"POST", b"/%s/early%d" % (pipe, self.number), lead)
            got, rest = c.wait(1, 2)
            self.check_victims(pipe, "an early answer")
            try:
                c.sock.sendall(b"GET /%s/s1 HTTP/1.1\r\nHost: v\r\n\r\n" % pipe)
            except OSError:
                pass
            time.sleep(0.02)
            got, rest = c.wait(2, 0.5)
            if len(got) > 1 and (got[1].status < 400 or not c.ended):  # what follows the body may be refused
                self.report("an early answer and then %r" % c.data[:600])
            self.check_victims(pipe, "an early answer and the rest of the body")
            c.close()

    def all(self, pipe):
        for kind in range(len(NAMES)):
            self.run(pipe, kind)
        self.in_one_turn(pipe)
        self.early(pipe)


def start():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    listener.setblocking(False)
    fork = multiprocessing.get_context("fork")
    played = fork.Value("q", 0, lock=False)
    process = fork.Process(target=backend, args=(listener, played), daemon=True)
    process.start()
    port = listener.getsockname()[1]
    listener.close()
    return process, port, played
