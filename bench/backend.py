"""A scripted backend for measurements that need more than fixed bytes: asyncio in a thread of its own."""
import asyncio, logging, socket, threading

logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it tells of every connection that a peer has cut


class Backend:
    """answer(path, headers, reader, writer) writes one answer; it returns False when the connection is to be closed."""

    def __init__(self, answer, port=0):
        self.answer, self.connections = answer, set()
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda *_: None)
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.port = port
        self.listen()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def listen(self):
        async def begin():
            self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port, backlog=4096, limit=1 << 20)
            self.port = self.server.sockets[0].getsockname()[1]

        self.run(begin())

    def stop_listening(self, cut=True):
        """New connections are refused from now on; with cut, the open ones are reset."""
        async def end():
            self.server.close()
            if cut:
                for w in list(self.connections):
                    w.transport.abort()

        self.run(end())

    async def serve(self, reader, writer):
        self.connections.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {k.lower(): v.strip() for k, v in (l.split(":", 1) for l in head[1:] if ":" in l)}
                if await self.answer(head[0].split(" ")[1], headers, reader, writer) is False:
                    break
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError, IndexError):
            pass
        finally:
            self.connections.discard(writer)
            writer.close()


async def whole(writer, body, kind="application/json", more=""):
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)
    await writer.drain()


class Answer:
    """One answer read from a blocking socket; body() yields its pieces as they come, without the framing."""

    def __init__(self, sock):
        self.f = sock.makefile("rb", buffering=1 << 18)
        line = self.f.readline(65536)
        if not line.startswith(b"HTTP/1."):
            raise ConnectionError(f"not an answer: {line[:60]!r}")
        self.status = int(line[9:12])
        self.headers = {}
        while (l := self.f.readline(65536)) not in (b"\r\n", b""):
            k, v = l.decode("latin-1").split(":", 1)
            self.headers[k.lower()] = v.strip()

    def body(self):
        if self.headers.get("transfer-encoding") == "chunked":
            while n := int(self.f.readline().split(b";")[0], 16):
                while n:
                    piece = self.f.read1(min(n, 1 << 18))
                    if not piece:
                        raise ConnectionError("cut short")
                    n -= len(piece)
                    yield piece
                self.f.readline()
            self.f.readline()
        elif "content-length" in self.headers:
            n = int(self.headers["content-length"])
            while n:
                piece = self.f.read1(min(n, 1 << 18))
                if not piece:
                    raise ConnectionError("cut short")
                n -= len(piece)
                yield piece
        else:
            while piece := self.f.read1(1 << 18):
                yield piece


def get(port, path, timeout=10, source=None, headers=""):
    """Sends a GET on a new connection: (socket, Answer)."""
    s = socket.create_connection(("127.0.0.1", port), timeout, source_address=(source, 0) if source else None)
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode())
    return s, Answer(s)
