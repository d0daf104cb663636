"""A backend in a process of its own that reads what the gateway writes, connection by connection, with the strict parser of wire.py, answers every
request with what it was asked (an echo that only fits this request), keeps connections open, and hands over what it saw.
"""
import hashlib
import json
import multiprocessing
import select
import socket

import wire


class Seen:
    """One thing that happened on a backend connection: kind is 'request', 'cut' (the connection ended inside of a request) or 'bad'."""

    def __init__(self, connection, kind, target=b"", method=b"", body=b"", text=""):
        self.connection, self.kind, self.target, self.method, self.body, self.text = connection, kind, target, method, body, text

    def __repr__(self):
        return "connection %d: %s %s %s %r %s" % (self.connection, self.kind, self.method.decode("latin-1"), self.target.decode("latin-1"), self.body[:200], self.text)


def echo(r):
    body = json.dumps({"target": r.target.decode("latin-1"), "n": len(r.body), "sum": hashlib.md5(r.body).hexdigest()}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head if r.method == b"HEAD" else head + body


def serve(listener, control):
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    poll.register(control.fileno(), select.EPOLLIN)
    open_, seen, count = {}, [], 0

    def ended(fd):
        sock, parser, number = open_.pop(fd)
        if parser.data and not parser.bad:
            seen.append(Seen(number, "cut", text=repr(parser.data[:300])))
        sock.close()

    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                try:
                    while True:
                        sock, _ = listener.accept()
                        sock.setblocking(False)
                        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        count += 1
                        open_[sock.fileno()] = (sock, wire.Strict(), count)
                        poll.register(sock.fileno(), select.EPOLLIN)
                except BlockingIOError:
                    pass
            elif fd == control.fileno():
                try:
                    what = control.recv()
                except EOFError:
                    return
                if what == "take":
                    control.send([(s.connection, s.kind, s.target, s.method, s.body, s.text) for s in seen])
                    seen = []
                elif what == "count":
                    control.send(count)
            elif fd in open_:
                sock, parser, number = open_[fd]
                try:
                    data = sock.recv(65536)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if not data:
                    ended(fd)
                    continue
                out = b""
                for r in parser.feed(data):
                    seen.append(Seen(number, "request", r.target, r.method, r.body))
                    out += echo(r)
                if parser.bad:
                    seen.append(Seen(number, "bad", text=parser.bad))
                    out += b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                try:
                    if out:
                        sock.sendall(out)
                except OSError:
                    ended(fd)
                    continue
                if parser.bad:
                    ended(fd)


class Recorder:
    def __init__(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(4096)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self.control, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=serve, args=(listener, other), daemon=True)
        self.process.start()
        listener.close()

    def take(self):
        self.control.send("take")
        return [Seen(*s) for s in self.control.recv()]

    def connections(self):
        self.control.send("count")
        return self.control.recv()

    def stop(self):
        self.process.terminate()
        self.process.join()
