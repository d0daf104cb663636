"""An HTTP/2 backend for the tests, by the Python package h2, which nobody here wrote: prior knowledge on a plain socket.

Every request runs a script of its path in a thread of its own; it answers by the Call it gets. What the gateway sent is checked by h2 itself.
"""
import os
import socket
import sys
import threading

# The package, not h2.py of this folder; and of Debian, whatever Python runs.
_path = sys.path[:]
sys.path[:] = [p for p in _path if os.path.abspath(p) != os.path.dirname(os.path.abspath(__file__))] + ["/usr/lib/python3/dist-packages"]
import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
sys.path[:] = _path

from harness import SLOW, free_port


class Gone(Exception):
    """The stream or its connection has ended."""


class Call:
    """One stream: the request, and what a script does to it."""

    def __init__(self, conn, stream, headers):
        self.conn, self.stream = conn, stream
        self.headers = [(n.decode(), v.decode()) for n, v in headers]
        self.trailers = []
        self.pieces = []
        self.whole = threading.Event()
        self.changed = threading.Condition(conn.lock)
        self.reset = None

    @property
    def body(self):
        return b"".join(self.pieces)

    def get(self, name):
        return next((v for n, v in self.headers if n == name), None)

    def names(self):
        return [n for n, _ in self.headers]

    def head(self, status=200, headers=(), ends=False):
        self.conn.do(lambda h: h.send_headers(self.stream, [(":status", str(status)), *headers], end_stream=ends))

    def send(self, data=b"", ends=False):
        """All of it, as the gateway's windows allow."""
        while data or ends:
            with self.conn.lock:
                if self.reset is not None or self.conn.over:
                    raise Gone()
                room = min(self.conn.h2.local_flow_control_window(self.stream), self.conn.h2.max_outbound_frame_size, len(data))
                if data and room <= 0:
                    if not self.changed.wait(20 * SLOW):
                        raise Gone("no window for 20 s")
                    continue
                piece, data = data[:room], data[room:]
                last = ends and not data
                self.conn.h2.send_data(self.stream, piece, end_stream=last)
                self.conn.flush()
                if last:
                    return

    def ok(self, body=b"{}", headers=(), length=True):
        fields = [("content-type", "application/json"), *headers]
        if length:
            fields.append(("content-length", str(len(body))))
        self.head(200, fields)
        self.send(body, ends=True)

    def end_with(self, trailers):
        self.conn.do(lambda h: h.send_headers(self.stream, trailers, end_stream=True))

    def cut(self, error=h2.errors.ErrorCodes.INTERNAL_ERROR):
        self.conn.do(lambda h: h.reset_stream(self.stream, error))

    def wait_reset(self, seconds=5.0):
        with self.conn.lock:
            self.changed.wait_for(lambda: self.reset is not None or self.conn.over, seconds * SLOW)
            return self.reset is not None or self.conn.over


class Connection:
    def __init__(self, backend, sock, number):
        self.backend, self.sock, self.number = backend, sock, number
        self.lock = threading.RLock()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        self.calls = {}
        self.over = False
        self.pings = 0
        self.unacknowledged = 2 if backend.settings else 1
        self.most = 0  # streams at the same time, once the gateway has seen our settings
        self.goaway = None

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.sock.sendall(data)

    def do(self, fn):
        with self.lock:
            if self.over:
                raise Gone()
            try:
                fn(self.h2)
                self.flush()
            except (h2.exceptions.ProtocolError, OSError) as e:
                raise Gone(str(e))

    def raw(self, data):
        with self.lock:
            self.sock.sendall(data)

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def run(self):
        try:
            with self.lock:
                self.h2.initiate_connection()
                if self.backend.settings:
                    self.h2.update_settings(self.backend.settings)
                self.flush()
            while True:
                data = self.sock.recv(262144)
                if not data:
                    break
                with self.lock:
                    for e in self.h2.receive_data(data):
                        self.event(e)
                    self.flush()
        except OSError:
            pass
        except h2.exceptions.ProtocolError as e:
            self.backend.faults.append(repr(e))
        with self.lock:
            self.over = True
            for c in self.calls.values():
                c.changed.notify_all()
                c.whole.set()
        self.sock.close()

    def event(self, e):
        c = self.calls.get(getattr(e, "stream_id", None))
        if isinstance(e, h2.events.RequestReceived):
            c = self.calls[e.stream_id] = Call(self, e.stream_id, e.headers)
            if not self.unacknowledged:
                self.most = max(self.most, self.h2.open_inbound_streams)
            with self.backend.lock:
                self.backend.seen.append(c)
            self.backend.start(c)
        elif isinstance(e, h2.events.DataReceived):
            if c and e.data:
                c.pieces.append(e.data)
            if not self.backend.holds_windows:
                self.h2.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
        elif isinstance(e, h2.events.TrailersReceived):
            c.trailers = e.headers
        elif isinstance(e, h2.events.StreamEnded):
            c.whole.set()
        elif isinstance(e, h2.events.StreamReset):
            if c:
                c.reset = e.error_code
                c.whole.set()
        elif isinstance(e, h2.events.SettingsAcknowledged):
            self.unacknowledged -= 1
        elif isinstance(e, h2.events.PingReceived):
            self.pings += 1
        elif isinstance(e, h2.events.ConnectionTerminated):
            self.goaway = e
        for x in self.calls.values():
            x.changed.notify_all()


class H2Backend:
    def __init__(self, settings=None, tls=None):
        self.tls = tls  # an ssl context that agrees on h2
        self.port = free_port()
        self.settings = settings
        self.scripts = {}
        self.seen, self.connections, self.faults = [], [], []
        self.holds_windows = False
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, path, raw=False):
        """The script of a path (the longest prefix that fits); with raw it runs at the head, else when the request is whole."""
        def add(fn):
            self.scripts[path] = (fn, raw)
            return fn
        return add

    def calls(self, path):
        with self.lock:
            return [c for c in self.seen if c.get(":path").split("?")[0] == path]

    def open(self):
        return [c for c in self.connections if not c.over]

    def start(self, call):
        path = call.get(":path").split("?")[0]
        best = max((p for p in self.scripts if path.startswith(p)), key=len, default=None)
        fn, raw = self.scripts.get(best, (lambda c: c.ok(b'{"n":%d}' % len(c.body)), False))

        def run():
            try:
                if not raw:
                    call.whole.wait(30 * SLOW)
                fn(call)
            except (Gone, OSError, h2.exceptions.ProtocolError):
                pass
        threading.Thread(target=run, daemon=True).start()

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for c in self.connections:
            c.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except OSError:
                return
            assert sock.selected_alpn_protocol() == "h2"
        c = Connection(self, sock, len(self.connections) + 1)
        self.connections.append(c)
        c.run()
