"""A new process takes over from the old one, and sockets from the service manager. docs/upgrade.md, ADR 0008."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import harness
from harness import SLOW, Client, Closed, Gateway, Stream, ends, free_port, get, usual_config, wait_until


def upgrade_path(name):
    return "/tmp/gladius-upgrade-%s-%d.sock" % (name, os.getpid())


class Next:
    """A process that is started beside a running gateway with the same file and upgrade socket."""

    def __init__(self, gateway, *arguments, config=None, environment=None, binary=None):
        self.log_path = tempfile.mktemp(prefix="gladius-next-")
        if config is not None:
            gateway.write(config)
        env = dict(os.environ)
        env.update(environment or {})
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([binary or Gateway.binary, "run", "-c", gateway.file, *arguments], stdout=log, stderr=log, env=env)

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def ready(self):
        def listening():
            if self.process.poll() is not None:
                raise AssertionError("it ended: " + self.log())
            return "Listening on" in self.log()
        wait_until(listening, 20)
        return self

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)
        os.unlink(self.log_path)


class Load:
    """Clients that keep their connection, and clients that make a new one for each request; every failure is kept."""

    def __init__(self, port, kept=4, fresh=4, paths=("/n/a", "/j/a")):
        self.port, self.stop, self.failed, self.served, self.connections = port, threading.Event(), [], 0, 0
        self.lock = threading.Lock()
        self.paths = paths
        self.threads = [threading.Thread(target=self._run, args=(i < kept,)) for i in range(kept + fresh)]
        for t in self.threads:
            t.start()

    def _run(self, keep):
        n = 0
        while not self.stop.is_set():
            try:
                with Client(self.port) as c:
                    with self.lock:
                        self.connections += 1
                    while not self.stop.is_set():
                        n += 1
                        a = c.ask(get(self.paths[n % len(self.paths)], "" if keep else "Connection: close\r\n"))
                        if a.status != 200:
                            raise Closed("status %d" % a.status)
                        with self.lock:
                            self.served += 1
                        if a.get("Connection") == "close":
                            break
                        time.sleep(0.001)
            except (Closed, OSError) as e:
                with self.lock:
                    self.failed.append("%s (%s)" % (repr(e)[:200], "kept" if keep else "new"))

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        return self.served, self.connections, self.failed


@ends
def test_ten_upgrades_under_load(t):
    path = upgrade_path("ten")
    g = t.start(usual_config(t.backend.port), arguments=("--upgrade-socket", path, "--workers", "2"))
    load = Load(g.port)
    running, begin = g, time.monotonic()
    try:
        for i in range(10):
            time.sleep(0.3)
            # Fewer workers than sockets, and more.
            fresh = Next(g, "--upgrade-socket", path, "--workers", str((2, 1, 4, 2)[i % 4])).ready()
            wait_until(lambda: "handing over" in running.log())
            if running is not g:
                threading.Thread(target=running.process.wait).start()
            running = fresh
        time.sleep(0.3)
        took = time.monotonic() - begin
        served, connections, failed = load.end()
        assert g.process.wait(10 * SLOW) == 0, "the first one ended with its last connection"
        print("10 upgrades in %.1f s under load: %d requests on %d connections, %d failed" % (took, served, connections, len(failed)), flush=True)
        assert not failed, failed[:5]
        assert served > 1000, served
        with Client(g.port) as c:
            assert c.ask(get("/n/a")).status == 200
    finally:
        load.end()
        if isinstance(running, Next):
            running.end()
    assert not os.path.exists(path), "the last one takes its socket away"


@ends
def test_what_waits_in_the_queue_is_served_by_the_next(t):
    """Connections that nobody accepted yet, and idle ones, lose nothing."""
    path = upgrade_path("queue")
    g = t.start(usual_config(t.backend.port), arguments=("--upgrade-socket", path, "--workers", "1"))
    idle, fresh = g.client(), g.client()
    assert idle.ask(get("/n/a")).status == 200
    g.signal(signal.SIGSTOP)
    waiting = [g.client() for _ in range(20)]     # in the queue of a process that does not run
    for c in waiting:
        c.send(get("/n/a"))
    n = Next(g, "--upgrade-socket", path, "--workers", "1")
    time.sleep(0.3)
    g.signal(signal.SIGCONT)
    n.ready()
    for c in waiting:
        assert c.answer().status == 200
    a = idle.ask(get("/n/a"))
    assert a.status == 200 and a.get("Connection") == "close", "one more, and it says that it is the last"
    assert fresh.ask(get("/n/a")).status == 200
    silent = time.monotonic()
    assert g.process.wait(8 * SLOW) == 0
    assert time.monotonic() - silent < 6 * SLOW
    n.end()


@ends
def test_idle_connections_end_after_a_while(t):
    path = upgrade_path("idle")
    g = t.start(usual_config(t.backend.port), arguments=("--upgrade-socket", path))
    idle = g.client()
    assert idle.ask(get("/n/a")).status == 200
    n = Next(g, "--upgrade-socket", path).ready()
    begin = time.monotonic()
    assert idle.at_end(8)
    assert 3 < time.monotonic() - begin < 7 * SLOW
    assert g.process.wait(5 * SLOW) == 0
    n.end()


def test_failures_leave_the_old_one_serving(t):
    path = upgrade_path("bad")
    config = usual_config(t.backend.port)
    g = t.start(config, arguments=("--upgrade-socket", path, "--upgrade-timeout", "1"))
    load = Load(g.port, 2, 2)

    def still_serves(what):
        assert g.process.poll() is None, what
        assert g.ask(get("/n/a")).status == 200, what
    # A file that is not good.
    n = Next(g, "--upgrade-socket", path, config="{")
    assert n.process.wait(10 * SLOW) == 1
    g.write(config)
    still_serves("bad configuration")
    n.end()
    # A place that cannot be had.
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen(1)
        more = {"gladius/listeners": {"more": [{"address": "127.0.0.1", "port": used.getsockname()[1]}]}}
        n = Next(g, "--upgrade-socket", path, config=usual_config(t.backend.port, port=g.port, extra_config=more) if False else
                 dict(usual_config(t.backend.port, extra_config=more), port=g.port))
        assert n.process.wait(10 * SLOW) == 1
        assert "address already in use" in n.log()
    g.write(config)
    wait_until(lambda: "it ended before it was ready" in g.log())
    still_serves("no listener")
    n.end()

    def connect():
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(5 * SLOW)
        s.connect(path)
        return s

    def hello(s, version=1):
        s.send(b"gladius-upgrade %d\n9.9\n1\n" % version)
    # One that ends after the manifest (a crash).
    s = connect()
    hello(s)
    first = s.recv(4096)
    assert first.startswith(b"gladius-upgrade 1\n")
    _, fds, _, _ = socket.recv_fds(s, 4096, 64)
    assert fds
    assert s.recv(4096) == b"end\n"
    # While it gets ready a second one is refused, and a reload waits.
    other = connect()
    assert b"another upgrade is under way" in other.recv(4096)
    other.close()
    reloads = g.log().count("Reload (")
    g.signal(signal.SIGHUP)
    time.sleep(0.1)
    assert g.log().count("Reload (") == reloads
    s.close()
    for fd in fds:
        os.close(fd)
    wait_until(lambda: "Reload (after a failed upgrade) done" in g.log())
    still_serves("crash")
    # One that never gets ready.
    s = connect()
    hello(s)
    begin = time.monotonic()
    for _ in range(20):
        data = s.recv(4096)
        if data.startswith(b"no\n"):
            break
    assert b"it was not ready in time" in data and 0.8 < time.monotonic() - begin < 4 * SLOW
    s.close()
    still_serves("timeout")
    # Nonsense.
    for text in (b"hello", b"gladius-upgrade 2\n1\n1\n", b"\n", b"x" * 40000):
        s = connect()
        try:
            s.send(text)
            assert s.recv(4096).startswith(b"no\n"), text[:40]
        except ConnectionError:
            pass
        s.close()
        still_serves(text[:40])
    s = connect()
    hello(s)
    s.send(b"steady\n")
    wait_until(lambda: "it said what was not expected" in g.log())
    s.close()
    still_serves("a wrong word")
    served, _, failed = load.end()
    assert not failed and served > 50, (served, failed[:3])
    assert os.stat(path).st_mode & 0o777 == 0o600
    g.idle()


@ends
def test_places_change_with_an_upgrade(t):
    """New ones are opened, those that go let nobody down."""
    path, local = upgrade_path("places"), "/tmp/gladius-upgrade-local-%d.sock" % os.getpid()
    old_port, new_port = free_port(), free_port()
    config = usual_config(t.backend.port, extra_config={"gladius/listeners": {"more": [
        {"address": "127.0.0.1", "port": old_port}, {"path": local}]}})
    g = t.start(config, arguments=("--upgrade-socket", path))
    config["extra_config"]["gladius/listeners"]["more"] = [{"address": "127.0.0.1", "port": new_port}, {"path": local}]
    n = Next(g, "--upgrade-socket", path, config=config).ready()
    assert "no listener of the configuration is at tcp 127.0.0.1:%d" % old_port in n.log()
    for port in (g.port, new_port):
        with Client(port) as c:
            assert c.ask(get("/n/a")).status == 200

    def gone():
        try:
            Client(old_port, timeout=1 / SLOW).close()
            return False
        except OSError:
            return True
    wait_until(gone)
    assert g.process.wait(8 * SLOW) == 0
    assert os.path.exists(local), "it is the successor's"
    s = socket.socket(socket.AF_UNIX)
    s.connect(local)
    c = Client.__new__(Client)
    Stream.__init__(c, s)
    assert c.ask(get("/n/a")).status == 200
    c.close()
    n.end()
    wait_until(lambda: not os.path.exists(local))


@ends
def test_sigusr2_starts_a_successor(t):
    path = upgrade_path("usr2")
    g = t.start(usual_config(t.backend.port), arguments=("--upgrade-socket", path))
    load = Load(g.port, 2, 2)
    g.signal(signal.SIGUSR2)
    wait_until(lambda: "handing over to process" in g.log(), 10)
    successor = int(g.log().split("[SERVICE: Upgrade] started process ")[1].split()[0])
    time.sleep(0.2)
    served, _, failed = load.end()
    assert not failed and served > 50, (served, failed[:3])
    assert g.process.wait(8 * SLOW) == 0
    with Client(g.port) as c:
        assert c.ask(get("/n/a")).status == 200
    os.kill(successor, signal.SIGTERM)
    wait_until(lambda: not os.path.exists("/proc/%d" % successor) or "Z" in open("/proc/%d/stat" % successor).read().split()[2])


def test_without_a_socket_there_is_no_successor(t):
    g = t.start(usual_config(t.backend.port))
    g.signal(signal.SIGUSR2)
    wait_until(lambda: "only with --upgrade-socket" in g.log())
    assert g.ask(get("/n/a")).status == 200


@ends
def test_the_service_manager_learns_of_it(t):
    path, notify = upgrade_path("notify"), "/tmp/gladius-notify-%d" % os.getpid()
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(notify)
    manager.settimeout(5 * SLOW)
    g = t.start(usual_config(t.backend.port), arguments=("--upgrade-socket", path), environment={"NOTIFY_SOCKET": notify})
    assert manager.recv(1000) == b"READY=1"
    n = Next(g, "--upgrade-socket", path, environment={"NOTIFY_SOCKET": notify}).ready()
    said = [manager.recv(1000) for _ in range(3)]
    assert said.count(b"MAINPID=%d" % n.process.pid) == 2 and b"READY=1" in said, said
    assert g.process.wait(8 * SLOW) == 0
    manager.settimeout(0.1)
    try:
        raise AssertionError(manager.recv(1000))      # no STOPPING=1: the service goes on
    except TimeoutError:
        pass
    n.end()
    os.unlink(notify)


ACTIVATE = """
import os, socket, sys
names, command = sys.argv[1], sys.argv[2:]
fds = [int(x) for x in os.environ.pop("ACTIVATE_FDS").split(",")]
for i, fd in enumerate(fds):      # they come from 10 on: nothing is overwritten
    os.dup2(fd, 3 + i, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=names)
os.execv(command[0], command)
"""


def activated(g_file, sockets, names, *arguments):
    """Starts the gateway as systemd does: sockets from descriptor 3 on."""
    high = []
    for s in sockets:
        import fcntl
        high.append(fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 10))
        os.set_inheritable(high[-1], True)
    log_path = tempfile.mktemp(prefix="gladius-activated-")
    with open(log_path, "wb") as log:
        p = subprocess.Popen([sys.executable, "-c", ACTIVATE, ":".join(names), Gateway.binary, "run", "-c", g_file, *arguments],
                             stdout=log, stderr=log, env=dict(os.environ, ACTIVATE_FDS=",".join(map(str, high))), close_fds=False)
    for fd in high:
        os.close(fd)

    def log():
        with open(log_path, errors="replace") as f:
            return f.read()
    return p, log


def test_socket_activation(t):
    main, other, stranger = socket.socket(socket.AF_INET6), socket.socket(socket.AF_UNIX), socket.socket()
    local = "/tmp/gladius-activated-%d.sock" % os.getpid()
    main.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    main.bind(("::", 0))
    other.bind(local)
    stranger.bind(("127.0.0.1", 0))
    for s in (main, other, stranger):
        s.listen(100)
    port = main.getsockname()[1]
    config = dict(usual_config(t.backend.port, extra_config={"gladius/listeners": {"more": [{"path": "/nowhere/a.sock", "name": "local"}]}}),
                  port=port)
    path = tempfile.mktemp(prefix="gladius-activated-", suffix=".json")
    with open(path, "w") as f:
        json.dump(config, f)
    try:
        for round in range(2):     # what came while nobody ran is served by the next start
            early = Client(port)
            early.send(get("/n/a"))
            p, log = activated(path, (main, other, stranger), ("gladius.socket", "local", "what"), "--workers", "3")
            try:
                assert early.answer().status == 200
                early.close()
                for _ in range(20):
                    with Client(port) as c:
                        assert c.ask(get("/n/a")).status == 200
                s = socket.socket(socket.AF_UNIX)
                s.connect(local)
                c = Client.__new__(Client)
                Stream.__init__(c, s)
                assert c.ask(get("/n/a")).status == 200
                c.close()
                assert "no listener of the configuration is at tcp 127.0.0.1:%d (what)" % stranger.getsockname()[1] in log()
            finally:
                p.terminate()
                p.wait(5 * SLOW)
            assert os.path.exists(local), "it belongs to the service manager"
    finally:
        for s in (main, other, stranger):
            s.close()
        os.unlink(local)
        os.unlink(path)


def test_what_is_no_listener_is_refused(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        path = tempfile.mktemp(prefix="gladius-activated-", suffix=".json")
        with open(path, "w") as f:
            json.dump(dict(usual_config(t.backend.port), port=free_port()), f)
        p, log = activated(path, (s,), ("a",))
        assert p.wait(10 * SLOW) == 1
        assert "descriptor 3 of LISTEN_FDS (a) is no listening stream socket" in log()
        os.unlink(path)
