"""What slow.py starts in processes of their own: the backend, and the clients that are stuck.

backend PORT BYTES            reads bodies and answers when they are whole; GET gets BYTES; writes only what is taken
clients MODE COUNT HOST PORT  opens COUNT connections that are stuck in MODE (below), says "ready", keeps them until its stdin ends

  headers   a head that never ends, one more line every ten seconds (slowhttptest -H)
  body      a body that never ends, some bytes every ten seconds (-B)
  range     whole requests with a Range of many pieces, the answer left alone (-R)
  read      a whole request with a small window, the answer never read; pipelined three deep (-X)
  upload    as body, on the endpoint that decodes
"""
import select, socket, sys, time


def backend(port, size):
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size + b"\"" + b"x" * (size - 2) + b"\""
    small = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    listener.bind(("127.0.0.1", port))
    listener.listen(8192)
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    socks, waiting, wanted = {}, {}, {}

    def close(fd):
        socks.pop(fd).close()
        waiting.pop(fd, None)
        wanted.pop(fd, None)

    def write(fd, data):
        try:
            n = socks[fd].send(data)
        except BlockingIOError:
            n = 0
        except OSError:
            return close(fd)
        if n < len(data):
            waiting[fd] = data[n:]
            poll.modify(fd, select.EPOLLIN | select.EPOLLOUT)
        elif waiting.pop(fd, None) is not None:
            poll.modify(fd, select.EPOLLIN)

    while True:
        for fd, events in poll.poll():
            if fd == listener.fileno():
                try:
                    while True:
                        s, _ = listener.accept()
                        s.setblocking(False)
                        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        socks[s.fileno()] = s
                        poll.register(s.fileno(), select.EPOLLIN)
                except BlockingIOError:
                    continue
            if events & select.EPOLLOUT and fd in waiting:
                write(fd, waiting[fd])
            if fd in socks and events & ~select.EPOLLOUT:
                try:
                    data = socks[fd].recv(65536)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if not data:
                    close(fd)
                elif fd in wanted or data.startswith(b"POST"):
                    wanted[fd] = True  # these never end
                else:
                    write(fd, memoryview(answer if b" /big" in data else small))


def head(line, *fields):
    return ("\r\n".join([line, "Host: slow", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "Referer: http://slow.test/", *fields]) + "\r\n").encode()


def clients(mode, count, host, port):
    first = {
        "headers": head("GET /small HTTP/1.1"),
        "body": head("POST /upload HTTP/1.1", "Content-Length: 8192", "Content-Type: application/x-www-form-urlencoded") + b"\r\nfoo=bar",
        "upload": head("POST /json HTTP/1.1", "Content-Length: 8192", "Content-Type: application/x-www-form-urlencoded") + b"\r\nfoo=bar",
        "range": head("GET /small HTTP/1.1", "Range: bytes=0-" + "".join(",5-%d" % i for i in range(1300)), "Accept-Encoding: gzip") + b"\r\n",
        "read": (head("GET /big HTTP/1.1") + b"\r\n") * 3,
    }[mode]
    more = {"headers": b"X-abcdef: ghijkl\r\n", "body": b"&x=y", "upload": b"&x=y"}.get(mode)
    socks = []
    for i in range(count):
        s = socket.socket()
        s.bind(("127.0.0.%d" % (2 + i % 50), 0))
        if mode == "read":  # as across a network: segments of its size, and a window of nearly nothing
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        s.settimeout(20)
        s.connect((host, port))
        s.sendall(first)
        socks.append(s)
        if i % 50 == 49:
            time.sleep(0.01)
    time.sleep(2)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 10)[0]:
        for s in socks:
            try:
                if more:
                    s.sendall(more)
                elif mode == "read":
                    s.recv(32)
            except OSError:
                pass


if __name__ == "__main__":
    if sys.argv[1] == "backend":
        backend(int(sys.argv[2]), int(sys.argv[3]))
    else:
        clients(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
