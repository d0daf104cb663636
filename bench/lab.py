"""What the programs of this folder share: starting and ending processes on chosen cores, reading their cost from /proc,
driving load, and printing a table with a verdict against a bar.

Every program here runs alone, on 127.0.0.1 only, for a bounded time, and ends only what it started. CPU 1 is the gateway's,
CPU 0 is for load and backends, so the machine should be idle otherwise. Python 3.11 standard library; bash
scripts/install-deps.sh bench installs the rest.
"""
import argparse, atexit, ctypes, json, os, re, resource, shutil, signal, socket, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BIN = os.environ.get("BIN") or os.path.join(tempfile.gettempdir(), "gladius-bench-bin")
HZ = os.sysconf("SC_CLK_TCK")
GATEWAY_CPU, LOAD_CPU = ("1", "0") if (os.cpu_count() or 1) > 1 else ("0", "0")

tmp = tempfile.mkdtemp(prefix="gladius-bench-")
started = []


def clean_up():
    for p in list(started):
        stop(p)
    shutil.rmtree(tmp, ignore_errors=True)


atexit.register(clean_up)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def options(doc, **more):
    """The options of a program; more: name=(type, default, help). --gateway is always there."""
    ap = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--gateway", default=os.path.join(ROOT, "build/release/gladius"))
    for name, (kind, default, text) in more.items():
        flag = "--" + name.replace("_", "-")
        if kind is bool:
            ap.add_argument(flag, action="store_true", help=text)
        else:
            ap.add_argument(flag, type=kind, default=default, help=f"{text} ({default})")
    a = ap.parse_args()
    a.gateway = os.path.abspath(a.gateway)
    if not os.access(a.gateway, os.X_OK):
        raise SystemExit(f"there is no gateway at {a.gateway}; build it: bash scripts/build.sh release gladius")
    return a


def write(name, text):
    p = os.path.join(tmp, name)
    with open(p, "w") as f:
        f.write(text if isinstance(text, str) else json.dumps(text))
    return p


def tree(pid):
    """The process and its descendants."""
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{t}/children") as f:
                    todo += [int(x) for x in f.read().split()]
        except OSError:
            pass
    return out


def cpu(pid):
    """Seconds of CPU that the process and its children have used."""
    s = 0
    for p in tree(pid):
        try:
            with open(f"/proc/{p}/stat") as stat:
                f = stat.read().rsplit(")", 1)[1].split()
            s += int(f[11]) + int(f[12])
        except OSError:
            pass
    return s / HZ


def kib(pid, file, key):
    s = 0
    for p in tree(pid):
        try:
            with open(f"/proc/{p}/{file}") as f:
                s += int(re.search(key + r":\s+(\d+)", f.read()).group(1))
        except (OSError, AttributeError):
            pass
    return s / 1024


def rss(pid):
    return kib(pid, "status", "VmRSS")


def peak(pid):
    return kib(pid, "status", "VmHWM")


def pss(pid):
    return kib(pid, "smaps_rollup", "Pss")


def descriptors(pid):
    n = 0
    for p in tree(pid):
        try:
            n += len(os.listdir(f"/proc/{p}/fd"))
        except OSError:
            pass
    return n


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nothing is left behind, however this program ends


def start(cmd, cpus, env=None, cwd=None, log=None):
    with open(log or os.devnull, "ab") as out:
        p = subprocess.Popen(["taskset", "-c", cpus] + cmd, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                             env={**os.environ, **(env or {})}, cwd=cwd, start_new_session=True, preexec_fn=end_with_parent)
    started.append(p)
    return p


def stop(p, patience=5):
    for sig in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(p.pid, sig)
        except ProcessLookupError:
            pass
        try:
            p.wait(patience)
            break
        except subprocess.TimeoutExpired:
            pass
    if p in started:
        started.remove(p)


def free_port():
    """A port on which nobody listens, below the range of outgoing connections."""
    for p in range(21000 + os.getpid() * 7 % 8000, 32000):
        if p in taken:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", p))
                taken.add(p)
                return p
            except OSError:
                pass
    raise SystemExit("no free port")


taken = set()


def free(port, t=5):
    """Waits until the port can be bound again: an io_uring listener lives on for a moment after its process."""
    end = time.time() + t
    while time.time() < end:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return
            except OSError:
                time.sleep(0.02)


def up(port, t=15, step=0.05):
    end = time.time() + t
    while time.time() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return True
        except OSError:
            time.sleep(step)
    return False


def helper(name, libs=()):
    """Builds a C or C++ program of this folder on first use and returns its path."""
    os.makedirs(BIN, exist_ok=True)
    src = next(os.path.join(HERE, name + e) for e in (".cc", ".c") if os.path.exists(os.path.join(HERE, name + e)))
    out = os.path.join(BIN, name + (".so" if "-shared" in libs else ""))
    if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(src):
        cmd = ["g++", "-std=c++17"] if src.endswith(".cc") else ["gcc"]
        subprocess.run(cmd + ["-O2", "-Wno-unused-result", "-o", out, src, *libs], check=True)
    return out


def fixed_backend(body="2048", port=None, cpus=LOAD_CPU):
    """fixedserver on a port: (process, port)."""
    port = port or free_port()
    p = start([helper("fixedserver"), str(port), body], cpus, env={"MAX_S": "3600"})
    assert up(port), "the backend does not listen"
    return p, port


def endpoint(path, *hosts, url="/x", **more):
    """A no-op endpoint of a configuration."""
    return {"endpoint": path, "output_encoding": "no-op", **more,
            "backend": [{"url_pattern": url, "host": [h if isinstance(h, str) else f"http://127.0.0.1:{h}" for h in hosts], "encoding": "no-op"}]}


def config(port, endpoints, log=False, **more):
    extra = {"telemetry/logging": {"level": "ERROR", "stdout": True, "syslog": False}, "router": {"disable_access_log": not log}}
    extra.update(more.pop("extra", {}))
    return {"version": 3, "port": port, "timeout": "10s", "max_idle_connections_per_host": 250, "extra_config": extra,
            "endpoints": endpoints, **more}


def gateway(binary, conf, cpus=GATEWAY_CPU, env=None, name="gateway", wait=40):
    """Starts the gateway on a configuration (an object or a path) and waits until it listens."""
    path = conf if isinstance(conf, str) else write(name + ".json", conf)
    with open(path) as f:
        port = json.load(f)["port"]
    log = os.path.join(tmp, name + ".log")
    p = start([binary, "run", "-c", path], cpus, env=env, log=log)
    if not up(port, wait):
        with open(log, errors="replace") as f:
            raise SystemExit(f"the gateway does not listen on {port}: {f.read()[-2000:]}")
    return p


def nginx_conf(port, backends, http="", server="", listen=""):
    """One worker, no logs, kept-alive backends; the texts are further lines of its http and server blocks, and words of listen."""
    servers = " ".join(f"server 127.0.0.1:{b};" for b in backends)
    paths = "".join(f"{k}_temp_path {tmp}; " for k in ("proxy", "fastcgi", "uwsgi", "scgi"))
    return write("nginx.conf", f"""
daemon off; worker_processes 1; pid {tmp}/nginx.pid; error_log /dev/null crit;
events {{ worker_connections 20000; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {tmp}; {paths}{http}
 upstream b {{ {servers} keepalive 250; keepalive_requests 100000000; }}
 proxy_http_version 1.1; proxy_set_header Connection "";
 server {{ listen 127.0.0.1:{port} backlog=4096 {listen}; {server} location / {{ proxy_pass http://b; }} }} }}
""")


def nginx(port, backends, cpus=GATEWAY_CPU):
    p = start(["nginx", "-p", tmp, "-c", nginx_conf(port, backends)], cpus)
    assert up(port), "nginx does not listen"
    return p


def wrk(url, secs, conns, headers=(), cpus=LOAD_CPU, script=None):
    """(requests, answers that were not 2xx or 3xx, socket errors, {percentile: text})"""
    cmd = ["taskset", "-c", cpus, "wrk", "-t1", f"-c{conns}", f"-d{secs}s", "--latency", "--timeout", "10s", url]
    for h in headers:
        cmd += ["-H", h]
    if script:
        cmd += ["-s", script]
    p = subprocess.run(cmd, capture_output=True, text=True)
    out = p.stdout
    if "requests in" not in out:
        raise SystemExit(f"{' '.join(cmd)}: {out} {p.stderr}")
    n = int(re.search(r"(\d+) requests in", out).group(1))
    bad = sum(int(x) for x in re.findall(r"Non-2xx or 3xx responses: (\d+)", out))
    err = re.search(r"Socket errors: (.*)", out)
    lat = {k: v for k, v in re.findall(r"\s+(50|75|90|99)%\s+(\S+)", out)}
    return n, bad, err.group(1) if err else "", lat


def documents():
    """A folder of 64 JSON documents as an API answers them; the same ones in every run."""
    import random
    r, d = random.Random(1), os.path.join(tmp, "documents")
    os.makedirs(d, exist_ok=True)
    word = lambda: r.choice(["alpha", "b\"eta", "gamma\n", "d\u00e9lta", "<eps&ilon>", "zeta", "http://x.test/a?b=c", "\\u00e9"])
    for n in range(64):
        item = lambda: {k: r.choice([r.randint(0, 10 ** 9), round(r.random() * 100, 3), word(), None, True, [word(), r.randint(0, 9)], {"w": word(), "n": 1}])
                        for k in r.sample(["sku", "price", "currency", "stock", "title", "rating", "seller", "createdAt", "active"], 6)}
        doc = {"tags": [word(), word()], "name": word(), "id": n, "total": r.random(), "owner": {"zip": "08001", "city": word()}, "items": []}
        while len(json.dumps(doc)) < 1024 + n * 32:
            doc["items"].append(item())
        with open(os.path.join(d, f"{n:02}.json"), "w") as f:
            json.dump(doc, f, ensure_ascii=n % 2 == 0, separators=((",", ":") if n % 3 else (", ", ": ")))
    return d


def raise_descriptors(want):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, want), max(hard, want)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if hard < want:
            raise SystemExit(f"this needs {want} open files, and the limit is {hard}: ulimit -Hn")


verdicts = []


def table(title, head, rows):
    rows = [[f"{c:.2f}" if isinstance(c, float) else str(c) for c in r] for r in [head, *rows]]
    width = [max(len(r[i]) for r in rows) for i in range(len(head))]
    print(f"\n{title}")
    for r in rows:
        print("  " + "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, width))))


def verdict(ok, text):
    """One line against a bar; done() ends the program by them."""
    verdicts.append(bool(ok))
    print(f"{'PASS' if ok else 'FAIL'}: {text}", flush=True)
    return ok


def done():
    sys.exit(0 if verdicts and all(verdicts) else 1)
