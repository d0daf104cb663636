"""What the protocol tests stand on: a gateway process of their own, a backend that is scripted in raw bytes, a client that sends raw bytes.

Standard library only. Ports are taken below the ephemeral range, so that no outgoing connection can hold one of them.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

# A sanitizer build is several times slower; waits that only bound a failure are longer there.
SLOW = float(os.environ.get("PROTOCOL_SLOW", "1"))

_port_lock = threading.Lock()
_next_port = 20000 + (os.getpid() * 37) % 9000


def free_port():
    global _next_port
    with _port_lock:
        while True:
            _next_port += 1
            if _next_port > 32000:
                _next_port = 20000
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", _next_port))
                except OSError:
                    continue
            with socket.socket(socket.AF_INET6) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("::", _next_port))
                except OSError:
                    continue
            return _next_port


def wait_until(what, seconds=5.0, step=0.01):
    """Polls until what() is true; the test fails when it never is."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("never came true: " + (what.__doc__ or getattr(what, "__name__", "condition")))
        time.sleep(step)


# --- messages -----------------------------------------------------------------------------------------------------------------------------


class Closed(Exception):
    """The other side ended the connection before the message was complete."""


class Message:
    """A request or an answer as it stood on the wire."""

    def __init__(self, head):
        self.raw_head = head
        lines = head.split(b"\r\n")
        self.line = lines[0].decode("latin-1")
        self.fields = []
        for line in lines[1:]:
            if not line:
                continue
            name, _, value = line.partition(b":")
            self.fields.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        self.body = b""
        self.trailers = b""
        self.complete = False
        self.chunks = []

    @property
    def status(self):
        return int(self.line.split(" ")[1])

    @property
    def method(self):
        return self.line.split(" ")[0]

    @property
    def target(self):
        return self.line.split(" ")[1]

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def names(self):
        return [n for n, _ in self.fields]


class Stream:
    """A socket with a buffer, and messages read from it."""

    def __init__(self, sock):
        self.sock = sock
        self.buf = b""

    def more(self):
        data = self.sock.recv(262144)
        if not data:
            raise Closed("end of stream after %r" % self.buf[-200:])
        self.buf += data

    def exactly(self, n):
        while len(self.buf) < n:
            self.more()
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def line(self):
        while b"\r\n" not in self.buf:
            self.more()
        line, self.buf = self.buf.split(b"\r\n", 1)
        return line

    def head(self):
        while b"\r\n\r\n" not in self.buf:
            self.more()
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        return Message(head)

    def chunked(self, m):
        try:
            while True:
                size = int(self.line().split(b";")[0], 16)
                if size == 0:
                    while True:
                        line = self.line()
                        if not line:
                            return
                        m.trailers += line + b"\r\n"
                m.chunks.append(self.exactly(size))
                if self.exactly(2) != b"\r\n":
                    raise AssertionError("chunk without CRLF")
        finally:
            m.body = b"".join(m.chunks)

    def read_body(self, m, bodiless=False, request=False):
        encoding = (m.get("Transfer-Encoding") or "").lower()
        length = m.get("Content-Length")
        if bodiless:
            pass
        elif encoding == "chunked":
            self.chunked(m)
        elif length is not None:
            want = int(length)
            parts, have = [], 0
            while have < want:
                if not self.buf:
                    try:
                        self.more()
                    except Closed:
                        m.body = b"".join(parts)
                        raise
                take, self.buf = self.buf[: want - have], self.buf[want - have:]
                parts.append(take)
                have += len(take)
            m.body = b"".join(parts)
        elif not request:
            try:
                while True:
                    self.more()
            except Closed:
                m.body, self.buf = self.buf, b""
        m.complete = True
        return m


class Client(Stream):
    """One connection to the gateway."""

    def __init__(self, port, timeout=20.0, rcvbuf=None):
        sock = socket.socket()
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        sock.settimeout(timeout * SLOW)
        sock.connect(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def send(self, data, each=0, pause=0.0):
        if isinstance(data, str):
            data = data.encode("latin-1")
        if not each:
            self.sock.sendall(data)
            return
        for i in range(0, len(data), each):
            self.sock.sendall(data[i:i + each])
            if pause:
                time.sleep(pause)

    def answer(self, head_only=False):
        """The next final answer; raises Closed (with .partial) when it is cut."""
        while True:
            m = self.head()
            if m.status >= 200:
                break
        try:
            return self.read_body(m, bodiless=head_only or m.status in (204, 304))
        except Closed as e:
            e.partial = m
            raise

    def interim(self):
        m = self.head()
        assert 100 <= m.status < 200, m.line
        return m

    def ask(self, data, **kw):
        self.send(data)
        return self.answer(**kw)

    def at_end(self, seconds=5.0):
        """True when the gateway closes (or resets) without another byte."""
        self.sock.settimeout(seconds * SLOW)
        if self.buf:
            return False
        try:
            self.buf = self.sock.recv(65536)
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return not self.buf

    def everything(self, seconds=5.0):
        """All bytes until the gateway closes; None for a connection that stays open."""
        self.sock.settimeout(seconds * SLOW)
        data, self.buf = self.buf, b""
        try:
            while True:
                more = self.sock.recv(262144)
                if not more:
                    return data
                data += more
        except ConnectionError:
            return data
        except TimeoutError:
            return None


def get(path="/", extra="", version="1.1"):
    return "GET %s HTTP/%s\r\nHost: gw\r\n%s\r\n" % (path, version, extra)


def post(path, body, extra=""):
    if isinstance(body, str):
        body = body.encode("latin-1")
    return ("POST %s HTTP/1.1\r\nHost: gw\r\nContent-Length: %d\r\n%s\r\n" % (path, len(body), extra)).encode("latin-1") + body


def chunked(body, sizes=(7,), ext="", trailers=""):
    out, at, i = b"", 0, 0
    while at < len(body):
        n = sizes[i % len(sizes)]
        piece = body[at:at + n]
        out += b"%x%s\r\n%s\r\n" % (len(piece), ext.encode(), piece)
        at += n
        i += 1
    return out + b"0\r\n" + trailers.encode("latin-1") + b"\r\n"


def chunk(data):
    if isinstance(data, str):
        data = data.encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


def one_chunk(c):
    n = int(c.line(), 16)
    data = c.exactly(n)
    c.exactly(2)
    return data


def at_once(*calls):
    """Runs them in threads; the first failure is the test's."""
    failures = []

    def run(fn, arguments):
        try:
            fn(*arguments)
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=run, args=(fn, arguments)) for fn, *arguments in calls]
    for x in threads:
        x.start()
    for x in threads:
        x.join()
    if failures:
        raise failures[0]


# --- backend ------------------------------------------------------------------------------------------------------------------------------


class Accepting:
    """A listener that hands every connection to _serve(socket) in a thread of its own, once listen() was called."""

    def listen(self, t):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        t.own.append(self)

    def stop(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()


class BackendConn(Stream):
    """A connection at the scripted backend; `seen` holds what was asked on it."""

    def __init__(self, backend, sock, number):
        super().__init__(sock)
        self.backend = backend
        self.number = number
        self.closed = threading.Event()   # the gateway ended it

    def send(self, data, each=0, pause=0.0):
        if isinstance(data, str):
            data = data.encode("latin-1")
        if not each:
            self.sock.sendall(data)
            return
        for i in range(0, len(data), each):
            self.sock.sendall(data[i:i + each])
            if pause:
                time.sleep(pause)

    def ok(self, body=b"{}", extra="", content_type="application/json"):
        if isinstance(body, str):
            body = body.encode("latin-1")
        self.send(("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (content_type, len(body), extra)).encode("latin-1") + body)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def wait_closed(self, seconds=5.0):
        """Reads until the gateway closes; True when it did."""
        self.sock.settimeout(seconds * SLOW)
        try:
            while self.sock.recv(65536):
                pass
            self.closed.set()
            return True
        except ConnectionError:
            self.closed.set()
            return True
        except TimeoutError:
            return False


class Backend:
    """Accepts connections; every request is answered by the script registered for its path (the longest prefix that fits).

    A script gets (connection, request); the body is read before it runs unless it was registered with raw=True. It answers by itself; when it
    returns False the connection is closed, otherwise the next request is read from it.
    """

    def __init__(self, port=None):
        self.port = port or free_port()
        self.scripts = {}
        self.seen = []          # (connection number, Message)
        self.bytes = {}         # connection number -> everything that was read before a script ran
        self.connections = 0
        self.open = 0
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(512)
        self.stopping = False
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, path, script=None, raw=False):
        if script is None:
            return lambda fn: self.on(path, fn, raw)
        self.scripts[path] = (script, raw)
        return script

    def requests(self, path=None):
        with self.lock:
            return [m for _, m in self.seen if path is None or m.target.split("?")[0] == path]

    def numbers(self, path):
        with self.lock:
            return [n for n, m in self.seen if m.target.split("?")[0] == path]

    def forget(self):
        with self.lock:
            self.seen.clear()

    def stop(self):
        self.stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
        except OSError:
            pass
        self.listener.close()

    def _accept(self):
        while not self.stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                self.open += 1
                conn = BackendConn(self, sock, self.connections)
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        try:
            while True:
                m = conn.head()
                path = m.target.split("?")[0]
                best = max((p for p in self.scripts if path.startswith(p)), key=len, default=None)
                script, raw = self.scripts.get(best, (None, False))
                m.conn = conn
                if raw:
                    with self.lock:
                        self.seen.append((conn.number, m))
                else:
                    try:
                        conn.read_body(m, request=True)
                    except Closed:
                        m.cut = True
                        with self.lock:
                            self.seen.append((conn.number, m))
                        raise
                    with self.lock:
                        self.seen.append((conn.number, m))
                if script is None:
                    conn.ok(json.dumps({"path": m.target, "n": len(m.body)}))
                elif script(conn, m) is False:
                    return
        except (Closed, OSError, ValueError):
            conn.closed.set()
        finally:
            try:
                conn.sock.close()
            except OSError:
                pass
            with self.lock:
                self.open -= 1


class BehindTls(Accepting):
    """A plain Backend behind TLS."""

    def __init__(self, t, plain, context):
        self.plain = plain
        self.context = context
        self.resumed = []
        self.listen(t)

    def _serve(self, s):
        try:
            s = self.context.wrap_socket(s, server_side=True)
            self.resumed.append(s.session_reused)
            b = self.plain
            with b.lock:
                b.connections += 1
                b.open += 1
            b._serve(BackendConn(b, s, b.connections))
        except OSError:
            s.close()


# --- gateway ------------------------------------------------------------------------------------------------------------------------------


def endpoint(path, port, pattern=None, method="GET", encoding=None, timeout=None, backends=None, **more):
    backend = {"url_pattern": pattern or path, "host": ["http://127.0.0.1:%d" % port], "method": method}
    if encoding:
        backend["encoding"] = encoding
    e = {"endpoint": path, "method": method, "backend": backends or [backend]}
    if encoding == "no-op":
        e["output_encoding"] = "no-op"
    if timeout:
        e["timeout"] = timeout
    e.update(more)
    return e


def usual_config(port, **root):
    """/n/*: no-op, everything passes; /j/*: JSON, nothing passes but the length; /m/*: two backends merged."""
    endpoints = []
    for method in ("GET", "POST", "PUT", "DELETE"):
        endpoints.append(endpoint("/n/{p}", port, "/{p}", method, "no-op", input_headers=["*"], input_query_strings=["*"]))
    for method in ("GET", "POST"):
        endpoints.append(endpoint("/j/{p}", port, "/{p}", method, input_headers=["*"], input_query_strings=["*"]))
        two = [{"url_pattern": "/{p}", "host": ["http://127.0.0.1:%d" % port], "method": method, "group": g} for g in ("a", "b")]
        endpoints.append(endpoint("/m/{p}", port, method=method, backends=two))
    endpoints.append(endpoint("/head/{p}", port, backends=[
        {"url_pattern": "/{p}", "host": ["http://127.0.0.1:%d" % port], "method": "HEAD", "encoding": "no-op"}], output_encoding="no-op"))
    config = {"$schema": "https://www.krakend.io/schema/v2.13/krakend.json", "version": 3, "timeout": "5s", "endpoints": endpoints,
              "extra_config": {"telemetry/logging": {"level": "INFO", "stdout": True}}}
    extra = root.pop("extra_config", {})
    config.update(root)
    config["extra_config"].update(extra)
    return config


class Gateway:
    binary = None

    def __init__(self, config, workers=None, nofile=None, arguments=(), environment=None):
        self.dir = tempfile.mkdtemp(prefix="gladius-protocol-")
        self.port = config.setdefault("port", free_port())
        self.config = config
        self.file = os.path.join(self.dir, "krakend.json")
        self.write(config)
        self.log_path = os.path.join(self.dir, "log")
        self.log_file = open(self.log_path, "wb")
        env = dict(os.environ)
        for name in list(env):
            if name.lower() in ("http_proxy", "no_proxy", "all_proxy", "https_proxy"):
                del env[name]
        # Freed memory that a sanitizer holds back would look like a leak.
        env["ASAN_OPTIONS"] = "quarantine_size_mb=8:" + env.get("ASAN_OPTIONS", "")
        env.update(environment or {})

        def limit():
            if nofile:
                import resource
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))

        self.process = subprocess.Popen([self.binary, "run", "-c", self.file, *arguments], stdout=self.log_file, stderr=self.log_file,
                                        env=env, preexec_fn=limit if nofile else None)
        self.wait_listening(self.port)

    def write(self, config):
        text = config if isinstance(config, str) else json.dumps(config)
        with open(self.file + ".new", "w") as f:
            f.write(text)
        os.rename(self.file + ".new", self.file)

    def wait_listening(self, port):
        def listening():
            if self.process.poll() is not None:
                raise AssertionError("the gateway ended: " + self.log()[-2000:])
            return "Listening on port: %d" % port in self.log()
        wait_until(listening, 20)

    def log(self):
        with open(self.log_path, "r", errors="replace") as f:
            return f.read()

    def client(self, **kw):
        return Client(self.port, **kw)

    def ask(self, data, **kw):
        with self.client() as c:
            return c.ask(data, **kw)

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, config):
        self.write(config)
        done = len(re.findall(r"Reload \(", self.log()))
        self.signal(signal.SIGHUP)
        wait_until(lambda: len(re.findall(r"Reload \(", self.log())) > done)
        time.sleep(0.05 * SLOW)  # it is said when the workers were told; each takes it up in its next turn

    def counters(self):
        before = self.log().count("Counters: {")
        self.signal(signal.SIGUSR1)
        wait_until(lambda: self.log().count("Counters: {") > before and self.log().endswith("\n"))
        line = [x for x in self.log().splitlines() if "Counters: {" in x][-1]
        return json.loads(line[line.index("Counters: {") + len("Counters: "):])

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def open_files(self):
        out = []
        for n in os.listdir("/proc/%d/fd" % self.process.pid):
            try:
                out.append(n + " " + os.readlink("/proc/%d/fd/%s" % (self.process.pid, n)))
            except OSError:
                pass
        return out

    def rss(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) * 1024

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            parts = f.read().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def check(self):
        """Fails when the process died or a sanitizer spoke."""
        log = self.log()
        at = log.find("Sanitizer")
        if at < 0:
            at = log.find("runtime error:")
        if at >= 0:
            raise AssertionError("sanitizer report:\n" + log[max(0, at - 300):at + 5000])
        code = self.process.poll()
        if code is not None:
            raise AssertionError("the gateway died with %d:\n%s" % (code, log[-3000:]))

    def idle(self, seconds=6.0):
        """Waits until no client connection, no exchange and no counted memory is left, and says the counters.

        A connection gives its memory back at the end of the turn in which it was counted as closed.
        """
        def quiet():
            c = self.counters()
            self.last = c
            # A stream of HTTP/2 whose answer is complete may still be ended by its backend.
            backends = c["backend_connections_open"] == c["backend_connections_idle"]
            return c["connections_open"] == 0 and c["exchanges_in_flight"] == 0 and c["memory_budget_used"] == 0 and backends
        try:
            wait_until(quiet, seconds, 0.05)
        except AssertionError:
            raise AssertionError("connections, exchanges or memory leak: %r" % self.last)
        assert self.last["backend_connections_open"] == self.last["backend_connections_idle"], self.last
        return self.last

    def stop(self, kill=True):
        if self.process.poll() is None and kill:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log_file.close()
        shutil.rmtree(self.dir, ignore_errors=True)


# --- tests --------------------------------------------------------------------------------------------------------------------------------


class Env:
    """What a test gets: the gateway and the backend that the tests of its file share, and what it starts for itself."""

    def __init__(self):
        self.own = []
        self.shared_gateway = None
        self.shared_backend = None

    @property
    def backend(self):
        if not self.shared_backend:
            self.shared_backend = Backend()
        return self.shared_backend

    @property
    def gateway(self):
        if not self.shared_gateway:
            self.shared_gateway = Gateway(usual_config(self.backend.port))
        return self.shared_gateway

    def start(self, config, **kw):
        g = Gateway(config, **kw)
        self.own.append(g)
        return g

    def new_backend(self, port=None):
        b = Backend(port)
        self.own.append(b)
        return b

    def after_test(self, expect_end):
        """Checks and ends what the test started; says what was wrong."""
        try:
            if self.shared_gateway:
                self.shared_gateway.check()
            for x in self.own:
                if isinstance(x, Gateway):
                    if expect_end and x.process.poll() is not None:
                        log = x.log()
                        assert "Sanitizer" not in log and "runtime error:" not in log, log[-5000:]
                    else:
                        x.check()
        finally:
            for x in self.own:
                x.stop()
            self.own.clear()
            if self.shared_gateway and self.shared_gateway.process.poll() is not None:
                self.shared_gateway.stop()
                self.shared_gateway = None

    def end(self):
        if self.shared_gateway:
            self.shared_gateway.stop()
        if self.shared_backend:
            self.shared_backend.stop()


def ends(fn):
    """A test that ends its gateway itself."""
    fn.ends = True
    return fn
