#!/usr/bin/env python3
"""Conformance cases for a KrakenD-compatible gateway: run a gateway on a case's configuration, send its requests,
and compare what the client and the backend saw with what the reference gateway (KrakenD CE 2.13.8) answered.

    conformance.py run    --gateway BIN [--only TEXT] [--verbose] PATH...   compare; the last line is 'N passed, N failed'
    conformance.py record --gateway BIN [--only TEXT] PATH...               write what BIN answers into the files

PATH is a case file or a folder of them. Python 3.11 standard library only. Everything stays on 127.0.0.1.

A case file is one JSON object:
  name, about   what it shows
  config        the gateway's configuration, version 3. In every string of it, {{backend}} is the mock backend's URL
                (http://127.0.0.1:PORT), {{backend_host}} its HOST:PORT, {{dead}} a URL on which nothing listens, and
                {{dir}} the folder of the case file's own "files". The runner sets the port.
  files         optional {name: text}: written to {{dir}} before the start
  env           optional {name: value}: environment of the gateway
  args          optional list: the gateway's arguments instead of ["run", "-c", "{{config}}"]; with "exits": true the
                process must end by itself, and its exit status (and "output_has" texts) are compared instead of answers
  routes        what the mock backend answers: a list of {path, method?, status?, headers?, body?, json?, gzip?, chunked?,
                delay_ms?, close?, raw?, times?}. The first route that matches the path (without query; '*' at the end
                matches any rest) and method wins. 'times' limits how often a route answers, 'close' drops the
                connection without an answer, 'raw' is written to the socket as it is. With "echo": true the answer is a
                JSON object of what arrived: method, path, query, headers (lower-case names, sorted), body.
                'body_b64' (here and in a step) is a body in base64; 'body_parts': [[text, N], ...] is each text N times over;
                'body_delay_ms' waits between the headers and the body.
  normalise     optional list of [regex, replacement] applied to bodies and header values before comparing
  ignore_headers optional list of client-side header names left out, besides Date
  ignore_backend_headers optional list of header names left out of what the backend saw and of its echo
  steps         a list of requests: {name, method?, path, headers? ([[n, v], ...]), body?, raw?, wait_ms?, repeat?,
                compare?: "exact" (default) | "json" | "status" | "none" | a list of the parts to compare, out of "status",
                "headers", "body", "backend", redirects?: false, backend_order?: "any", backend_body?: "json",
                settle_ms? (time for what reaches the backend after the answer), expect}. With raw, the text is sent as it
                is on a fresh connection and the answer is read until the connection closes or goes quiet. A raw that is a
                list is sent piece by piece, 50 ms apart. answers: ["GET", "HEAD", ...] reads that many answers (to these
                methods) from the one connection: expect then has a list of statuses, the last answer's headers, and the
                bodies with a line of ---- between them.
                expect is recorded: {status, headers, body, backend: [what the backend saw, in order]}; with repeat it is
                a list of statuses. expect_any is a list of acceptable expects, for behaviour that is a race.
                A body that is not UTF-8 is recorded as 'base64:...', one over 20000 bytes as 'sha256:... length:...'.
  More, all optional (services):
  backends      a list of further mock backends {routes, tls?: {cert, key, client_ca?}}: the first is {{backend2}} (a URL, https
                with tls) and {{backend2_host}}, the next {{backend3}}, ... cert, key and client_ca name entries of "files"
  {{port2}}, {{port3}}, {{port4}}  further free ports;  "set_port": false  leaves "port" out of the configuration
  tls           how the client speaks TLS to the gateway: {ca?, cert?, key?, server_name?, min?, max?, alpn?, ciphers?}; ca, cert
                and key name "files", min and max are ssl.TLSVersion names. Also per step (false: plain). expect then has
                tls: {version, alpn, cert: a short hash of the gateway's certificate}
  log_has, log_lacks   regular expressions that the gateway's output must (not) match after the steps; each counts as a check
  output_lacks  with "exits": texts that must not be in the output; wait_s: how long to wait for the end (10);
                "exit": "any"  any end will do
  runs          instead of steps: a list of objects that each replace parts of the case (name, args, config, files, env,
                output_has, ...) and are run like a case with "exits": true
  files_after   {name: [regular expressions]}: what files of {{dir}} must hold in the end; each counts as a check
  "date": true  in a route adds a Date header with the present time
  ignore_backend_paths   list of paths (without query; '*' at the end matches any rest) left out of what the backend saw
  step keys: http2: true (HTTP/2 with prior knowledge, or by ALPN with tls), port: "{{port2}}" (another port), address (another address of this machine), write: {name: text}
                (files of {{dir}} written before the request), spread: true (with repeat: the statuses counted, and which hosts
                the backends were asked as), gap_ms (between repeats), pick: REGEX (the body becomes its sorted distinct matches,
                one a line), metrics: REGEX (the body becomes what a Prometheus page says of the metrics so named), within_ms: [least, most], term_after_ms (the gateway gets SIGTERM so long after the request),
                until_close: true (the gateway must close the connection after the answer by itself), note (for the reader)
"""
import argparse, asyncio, base64, email.utils, gzip, hashlib, json, os, random, re, shutil, socket, ssl, subprocess, sys, tempfile, threading, time, warnings, zlib
from urllib.parse import urlsplit, unquote

IGNORED = {"date"}
SEEN_IGNORED = {"traceparent", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled"}


def text_of(b):
    """A body as a case file holds it."""
    if len(b) > 20000:
        return f"sha256:{hashlib.sha256(b).hexdigest()} length:{len(b)}"
    try:
        return b.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(b).decode()


def agent(v):
    """How a gateway names itself, in User-Agent and X-Forwarded-Via."""
    return re.sub(r"^KrakenD Version .*|^Go-http-client/.*|^[A-Z][a-z]+/[0-9][^ ]*.*gateway.*", "GATEWAY", v)


def free_port():
    while True:  # below the range of the ports of outgoing connections
        p = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("0.0.0.0", p))
                return p
            except OSError:
                pass


class Backend:
    """A scripted HTTP/1.1 backend that records what it receives."""
    unseen = SEEN_IGNORED

    def __init__(self, routes, log=None, tls=None):
        self.routes, self.port = routes, None
        self.used = {}
        self.seen, self.lock = log or ([], threading.Lock())
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda *a: None)
        ready = threading.Event()

        def main():
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(asyncio.start_server(self.client, "127.0.0.1", 0, limit=1 << 24, ssl=tls))
            self.port = self.server.sockets[0].getsockname()[1]
            ready.set()
            self.loop.run_forever()

        self.thread = threading.Thread(target=main, daemon=True)
        self.thread.start()
        ready.wait(10)

    def stop(self):
        def end():
            self.server.close()
            for t in asyncio.all_tasks(self.loop):
                t.cancel()
            self.loop.call_soon(self.loop.stop)

        self.loop.call_soon_threadsafe(end)
        self.thread.join(5)

    def take(self):
        with self.lock:
            out = self.seen[:]
            self.seen.clear()
        return out

    def route(self, method, path):
        for i, r in enumerate(self.routes):
            p = r["path"]
            if not (path == p or (p.endswith("*") and path.startswith(p[:-1]))):
                continue
            if r.get("method") and r["method"] != method:
                continue
            if "times" in r and self.used.get(i, 0) >= r["times"]:
                continue
            self.used[i] = self.used.get(i, 0) + 1
            return r
        return {"status": 404, "body": "no such route", "headers": [["Content-Type", "text/plain"]]}

    async def client(self, rd, wr):
        try:
            while True:
                head = await rd.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                method, target, _ = lines[0].split(" ", 2)
                hs = [tuple(x.strip() for x in l.split(":", 1)) for l in lines[1:] if l]
                low = {k.lower(): v for k, v in hs}
                body = b""
                if low.get("transfer-encoding", "").lower() == "chunked":
                    while True:
                        n = int((await rd.readline()).split(b";")[0], 16)
                        body += await rd.readexactly(n)
                        await rd.readline()
                        if n == 0:
                            break
                elif "content-length" in low:
                    body = await rd.readexactly(int(low["content-length"]))
                u = urlsplit(target)
                hdr = {}
                for k, v in hs:
                    hdr.setdefault(k.lower(), []).append(v)
                got = {"method": method, "target": target, "headers": dict(sorted(hdr.items())), "body": text_of(body)}
                with self.lock:
                    self.seen.append(got)
                r = self.route(method, u.path)
                if r.get("delay_ms"):
                    await asyncio.sleep(r["delay_ms"] / 1000)
                if r.get("close"):
                    wr.close()
                    return
                if "raw" in r:
                    wr.write(r["raw"].encode("latin-1"))
                    await wr.drain()
                    wr.close()
                    return
                out = [[k, v] for k, v in r.get("headers", [])]
                names = {k.lower() for k, _ in out}
                if r.get("echo"):
                    data = json.dumps({"method": method, "path": u.path, "query": u.query, "headers": {
                        k: [agent(x) for x in v] for k, v in sorted(hdr.items()) if k not in self.unseen}, "body": got["body"]}).encode()
                    ct = "application/json"
                elif "json" in r:
                    data, ct = json.dumps(r["json"], ensure_ascii=False).encode(), "application/json"
                else:
                    data, ct = r.get("body", "").encode(), "text/plain; charset=utf-8"
                if "body_b64" in r:
                    data = base64.b64decode(r["body_b64"])
                if "body_parts" in r:
                    data = b"".join(t.encode() * n for t, n in r["body_parts"])
                if "content-type" not in names:
                    out.append(["Content-Type", ct])
                if r.get("date"):
                    out.append(["Date", email.utils.formatdate(usegmt=True)])
                if r.get("gzip"):
                    data = gzip.compress(data, mtime=0)
                    out.append(["Content-Encoding", "gzip"])
                status = r.get("status", 200)
                bodiless = method == "HEAD" or status in (204, 304)
                if r.get("chunked"):
                    out.append(["Transfer-Encoding", "chunked"])
                    half = max(1, len(data) // 2)
                    parts = [data[i:i + half] for i in range(0, len(data), half)]
                    data = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"
                elif "content-length" not in names and not (bodiless and status == 204):
                    out.append(["Content-Length", str(len(data))])
                if low.get("connection", "").lower() == "close" and "connection" not in names:
                    out.append(["Connection", "close"])
                wr.write((f"HTTP/1.1 {status} Status\r\n" + "".join(f"{k}: {v}\r\n" for k, v in out) + "\r\n").encode("latin-1"))
                if r.get("body_delay_ms"):
                    await wr.drain()
                    await asyncio.sleep(r["body_delay_ms"] / 1000)
                wr.write(b"" if bodiless else data)
                await wr.drain()
                if low.get("connection", "").lower() == "close":
                    wr.close()
                    return
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            try:
                wr.close()
            except Exception:
                pass


class Answer(Exception):
    """What came is not an HTTP answer."""


BAD = (Answer, OSError, ValueError, EOFError, zlib.error)


def read_answer(f, method):
    line = f.readline(65536)
    if not line:
        raise Answer("connection closed without an answer")
    m = re.match(rb"HTTP/1\.[01] (\d{3})", line)
    if not m:
        raise Answer("not an HTTP answer: %r" % line[:80])
    status, hs = int(m.group(1)), []
    while True:
        l = f.readline(65536)
        if l in (b"\r\n", b"\n", b""):
            break
        k, v = l.decode("latin-1").split(":", 1)
        hs.append((k.strip(), v.strip()))
    if 100 <= status < 200 and status != 101:
        return read_answer(f, method)
    low = {k.lower(): v for k, v in hs}
    body = b""
    if method == "HEAD" or status in (204, 304, 101):
        pass
    elif low.get("transfer-encoding", "").lower() == "chunked":
        while True:
            n = int(f.readline().split(b";")[0] or b"0", 16)
            body += f.read(n)
            f.readline()
            if n == 0:
                break
    elif "content-length" in low:
        body = f.read(int(low["content-length"]))
    else:
        body = f.read()
    return status, hs, body


def client_context(t, folder):
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # the old versions of TLS are meant
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    c.set_ciphers(t.get("ciphers", "ALL:@SECLEVEL=0"))
    c.minimum_version = getattr(ssl.TLSVersion, t.get("min", "TLSv1"))
    if "max" in t:
        c.maximum_version = getattr(ssl.TLSVersion, t["max"])
    if "ca" in t:
        c.load_verify_locations(os.path.join(folder, t["ca"]))
        c.verify_mode = ssl.CERT_REQUIRED
    if "cert" in t:
        c.load_cert_chain(os.path.join(folder, t["cert"]), os.path.join(folder, t["key"]))
    if "alpn" in t:
        c.set_alpn_protocols(t["alpn"])
    return c


def ask(port, step, fill, tls=None, folder="", facts=None):
    port = int(fill(step["port"])) if "port" in step else port
    s = socket.create_connection((step.get("address", "127.0.0.1"), port), 5)
    s.settimeout(step.get("timeout_s", 10))
    if step.get("tls", tls):
        t = step.get("tls", tls)
        s = client_context(t, folder).wrap_socket(s, server_hostname=t.get("server_name", "gateway.test"))
        if facts is not None:
            facts["tls"] = {"version": s.version(), "alpn": s.selected_alpn_protocol(),
                            "cert": hashlib.sha256(s.getpeercert(True)).hexdigest()[:12]}
    with s:
        if step.get("http2"):
            sys.dont_write_bytecode = True
            import h2mini
            body = step.get("body", "")
            body = (json.dumps(body) if not isinstance(body, str) else fill(body)).encode()
            return h2mini.request(s, step.get("method", "GET"), fill(step["path"]), [[k, fill(v)] for k, v in step.get("headers", [])],
                                  body, "https" if step.get("tls", tls) else "http")
        if "raw" in step:
            pieces = step["raw"] if isinstance(step["raw"], list) else [step["raw"]]
            for i, piece in enumerate(pieces):
                time.sleep(0.05 if i else 0)
                s.sendall(fill(piece).encode("latin-1"))
            method = pieces[0].split(" ")[0]
        else:
            method = step.get("method", "GET")
            hs = [[k, fill(v)] for k, v in step.get("headers", [])]
            names = {k.lower() for k, _ in hs}
            body = step.get("body", "")
            body = (json.dumps(body) if not isinstance(body, str) else fill(body)).encode()
            if "body_b64" in step:
                body = base64.b64decode(step["body_b64"])
            if "body_parts" in step:
                body = b"".join(t.encode() * n for t, n in step["body_parts"])
            if "host" not in names:
                hs.insert(0, ["Host", "gateway.test"])
            if body and "content-length" not in names and "transfer-encoding" not in names:
                hs.append(["Content-Length", str(len(body))])
            head = f"{method} {fill(step['path'])} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in hs) + "\r\n"
            s.sendall(head.encode("latin-1") + body)
        with s.makefile("rb") as f:
            if "answers" in step:
                got = [read_answer(f, m) for m in step["answers"]]
                return [a[0] for a in got], got[-1][1], b"\n----\n".join(a[2] for a in got)
            answer = read_answer(f, method)
            if step.get("until_close") and f.read(1):
                raise Answer("more after the answer")
            return answer


def metrics_of(text, names):
    """What a Prometheus page says of the metrics whose names match: types, labels in order (none of the library's own), the
    values of counts, the bounds of buckets."""
    out = set()
    for line in text.splitlines():
        m = re.match(r"# TYPE (\S+) |([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
        if not m or not re.fullmatch(names, m.group(1) or m.group(2)):
            continue
        if m.group(1):
            out.add(line)
            continue
        labels = sorted(l for l in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m.group(3) or "") if not l[0].startswith("otel_scope_"))
        if m.group(2).endswith("_bucket"):
            out.add(f"{m.group(2)} le={float(dict(labels).get('le', 'nan'))}")
        else:
            out.add(m.group(2) + "{" + ",".join(f'{k}="{v}"' for k, v in labels) + "}" + (f" {float(m.group(4)):g}" if m.group(2).endswith("_count") else ""))
    return "\n".join(sorted(out))


class Case:
    def __init__(self, path, doc, gateway):
        self.path, self.doc, self.gateway = path, doc, gateway

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="conf")
        self.backend = Backend(self.doc.get("routes", []))
        self.backend.unseen = SEEN_IGNORED | {h.lower() for h in self.doc.get("ignore_backend_headers", [])}
        self.more = []
        for b in self.doc.get("backends", []):
            ctx = None
            if "tls" in b:
                at = {}
                for k, n in b["tls"].items():
                    at[k] = os.path.join(self.dir, n)
                    open(at[k], "w").write(self.doc["files"][n])
                ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                ctx.load_cert_chain(at["cert"], at["key"])
                if "client_ca" in at:
                    ctx.load_verify_locations(at["client_ca"])
                    ctx.verify_mode = ssl.CERT_REQUIRED
            self.more.append((Backend(b.get("routes", []), (self.backend.seen, self.backend.lock), ctx), "https" if ctx else "http"))
        self.port = free_port()
        self.nobody = socket.socket()  # bound, never listening: refuses connections, and nobody else can take the port
        self.nobody.bind(("127.0.0.1", 0))
        dead = self.nobody.getsockname()[1]
        bh = f"127.0.0.1:{self.backend.port}"
        self.subst = {"{{backend}}": "http://" + bh, "{{backend_host}}": bh, "{{dead}}": f"http://127.0.0.1:{dead}",
                      "{{dead_host}}": f"127.0.0.1:{dead}", "{{dir}}": self.dir, "{{port}}": str(self.port)}
        for i, (b, scheme) in enumerate(self.more, 2):
            self.subst["{{backend%d}}" % i] = f"{scheme}://127.0.0.1:{b.port}"
            self.subst["{{backend%d_host}}" % i] = f"127.0.0.1:{b.port}"
        for i in (2, 3, 4):
            self.subst["{{port%d}}" % i] = str(free_port())
        for n, t in self.doc.get("files", {}).items():
            p = os.path.join(self.dir, n)
            os.makedirs(os.path.dirname(p), exist_ok=True)
            open(p, "w").write(self.fill(t if isinstance(t, str) else json.dumps(t)))
        cfg = os.path.join(self.dir, self.doc.get("config_name", "gateway.json"))
        conf = self.doc.get("config")
        if isinstance(conf, dict):
            conf = {**conf}
            if self.doc.get("set_port", True):
                conf.setdefault("port", self.port)
            text = json.dumps(conf)
        else:
            text = conf or ""
        if conf is not None:
            open(cfg, "w").write(self.fill(text))
        self.subst["{{config}}"] = cfg
        args = [self.fill(a) for a in self.doc.get("args", ["run", "-c", "{{config}}"])]
        env = {**os.environ, "USAGE_DISABLE": "1", **{k: self.fill(v) for k, v in self.doc.get("env", {}).items()}}
        self.log = open(os.path.join(self.dir, "gateway.log"), "wb")
        self.proc = subprocess.Popen([self.gateway] + args, stdout=self.log, stderr=subprocess.STDOUT, env=env, cwd=self.dir)
        if not self.doc.get("exits"):
            end = time.time() + 10
            while time.time() < end and self.proc.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                    break
                except OSError:
                    time.sleep(0.02)
            else:
                pass
        return self

    def __exit__(self, *a):
        if self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(3)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.backend.stop()
        for b, _ in self.more:
            b.stop()
        self.nobody.close()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def logged(self):
        self.log.flush()
        return open(self.log.name, errors="replace").read()

    def fill(self, s):
        for k, v in self.subst.items():
            s = s.replace(k, v)
        return s

    def norm(self, s):
        for k in ("{{backend}}", "{{backend_host}}", "{{dead}}", "{{dead_host}}", "{{dir}}", *(k for k in self.subst if re.match(r"{{backend\d", k))):
            s = s.replace(self.subst[k], k)
        s = s.replace(f"127.0.0.1:{self.port}", "{{gateway_host}}")
        s = re.sub(r"127\.0\.0\.1:\d{4,5}->", "127.0.0.1:*->", s)
        for pat, rep in self.doc.get("normalise", []):
            s = re.sub(pat, rep, s)
        return s

    def observe(self, step):
        if step.get("wait_ms"):
            time.sleep(step["wait_ms"] / 1000)
        for n, t in step.get("write", {}).items():
            open(os.path.join(self.dir, n), "w").write(self.fill(t))
        if "term_after_ms" in step:
            threading.Timer(step["term_after_ms"] / 1000, self.proc.terminate).start()
        tls, facts = self.doc.get("tls"), {}
        if step.get("repeat"):
            out = []
            self.backend.take()
            for _ in range(step["repeat"]):
                try:
                    out.append(ask(self.port, step, self.fill, tls, self.dir)[0])
                except BAD as e:
                    out.append(type(e).__name__)
                time.sleep(step.get("gap_ms", 0) / 1000)
            seen = self.backend.take()
            if step.get("spread"):
                return {"statuses": {str(x): out.count(x) for x in sorted(set(out), key=str)},
                        "hosts": sorted({self.norm(r["headers"].get("host", [""])[0]) for r in seen})}
            return out
        self.backend.take()
        start = time.time()
        try:
            status, hs, body = ask(self.port, step, self.fill, tls, self.dir, facts)
            took = (time.time() - start) * 1000
            if any(k.lower() == "content-encoding" and v == "gzip" for k, v in hs) and body:
                body = gzip.decompress(body)
        except BAD as e:
            took = (time.time() - start) * 1000
            if "within_ms" in step and not step["within_ms"][0] <= took <= step["within_ms"][1]:
                return {"status": "no answer", "took_ms": int(took)}
            return {"status": "no answer"}
        skip = IGNORED | {h.lower() for h in self.doc.get("ignore_headers", [])}
        headers = {}
        for k, v in hs:
            if k.lower() in skip:
                continue
            if k.lower() == "x-krakend":
                v = re.sub(r"^Version (?!undefined).*", "Version *", v)
            headers.setdefault(k.lower(), []).append(self.norm(v))
        if "transfer-encoding" in headers or "content-length" in headers:  # how a body is framed is the gateway's choice
            headers.pop("transfer-encoding", None)
            headers.pop("content-length", None)
        headers.pop("connection", None)
        if step.get("settle_ms"):
            time.sleep(step["settle_ms"] / 1000)
        seen, unseen = [], {h.lower() for h in self.doc.get("ignore_backend_headers", [])}
        for r in self.backend.take():
            p = r["target"].split("?")[0]
            if any(p == i or (i.endswith("*") and p.startswith(i[:-1])) for i in self.doc.get("ignore_backend_paths", [])):
                continue
            h = {k: [self.norm(x) for x in v] for k, v in r["headers"].items() if k not in SEEN_IGNORED and k not in unseen}
            for k in ("user-agent", "x-forwarded-via"):  # a gateway names itself
                if k in h:
                    h[k] = [agent(x) for x in h[k]]
            seen.append({"method": r["method"], "target": self.norm(r["target"]), "headers": h, "body": self.norm(r["body"])})
        if step.get("backend_order") == "any":
            seen.sort(key=lambda r: json.dumps(r, sort_keys=True))
        text = self.norm(body.decode("utf-8", "replace") if "pick" in step or "metrics" in step else text_of(body))
        text = re.sub(r"KrakenD Version [0-9.]+", "GATEWAY", text)
        if "metrics" in step:
            text = metrics_of(text, step["metrics"])
        if "pick" in step:
            text = "\n".join(sorted({m.group(0) for m in re.finditer(step["pick"], text)}))
        if "within_ms" in step and not step["within_ms"][0] <= took <= step["within_ms"][1]:
            facts["took_ms"] = int(took)
        return {"status": status, "headers": dict(sorted(headers.items())), "body": text, "backend": seen, **facts}


def same(step, want, got):
    if isinstance(want, list) or isinstance(got, list):
        return want == got
    how = step.get("compare", "exact")
    if isinstance(how, list):
        how = how + ["took_ms"]
        want, got = ({k: v for k, v in d.items() if k in how} for d in (want, got))
    if how == "none":
        return True
    if want.get("status") != got.get("status") or "took_ms" in got:
        return False
    if how == "status":
        return True
    w, g = dict(want), dict(got)
    if how == "json":
        try:
            w["body"], g["body"] = json.loads(w.get("body") or "null"), json.loads(g.get("body") or "null")
        except ValueError:
            return False
    if step.get("backend_body") == "json":
        for d in (w, g):
            d["backend"] = [{**r, "body": json.loads(r["body"] or "null"), "headers": {k: v for k, v in r["headers"].items() if k != "content-length"}} for r in d.get("backend", [])]
    return w == g


def diff(want, got):
    if not isinstance(want, dict) or not isinstance(got, dict):
        return [f"want {want}", f"got  {got}"]
    out = []
    for k in ("status", "headers", "body", "backend", "tls", "took_ms", "statuses", "hosts"):
        if want.get(k) != got.get(k):
            out += [f"{k}: want {json.dumps(want.get(k))[:700]}", f"{' ' * len(k)}  got  {json.dumps(got.get(k))[:700]}"]
    return out


def files(paths):
    for p in paths:
        if os.path.isdir(p):
            for root, _, names in sorted(os.walk(p)):
                yield from (os.path.join(root, n) for n in sorted(names) if n.endswith(".json"))
        else:
            yield p


def play(path, doc, keep, gateway, what, verbose):
    """Runs one case, or one of its "runs"; what is recorded goes into keep. Returns how much was good and bad."""
    good = bad = 0
    with Case(path, doc, gateway) as c:
        if doc.get("exits"):
            try:
                code = c.proc.wait(doc.get("wait_s", 10))
            except subprocess.TimeoutExpired:
                code = "still running"
            text = c.logged()
            crashed = (isinstance(code, int) and code < 0) or "Sanitizer" in text
            got = {"exit": 0 if code == 0 else "still running" if code == "still running" else "crash" if crashed else "non-zero"}
            if what == "record":
                keep["expect"] = got
                keep["recorded_output"] = c.norm(text)[:2000 if keep is doc else 500]
            elif (got == doc["expect"] or doc.get("exit") == "any" and got["exit"] != "still running") and all(t.lower() in text.lower() for t in doc.get("output_has", [])) and not any(
                    t.lower() in text.lower() for t in doc.get("output_lacks", [])):
                good += 1
            else:
                bad += 1
                print(f"FAIL {path}: {doc['name']}\n     want {doc['expect']} and {doc.get('output_has', [])} in the output\n     got  {got}: {text[:600]}")
        for step in doc.get("steps", []):
            got = c.observe(step)
            if what == "record":
                step["expect"] = got
                continue
            wants = step["expect_any"] if "expect_any" in step else [step["expect"]]
            if any(same(step, w, got) for w in wants):
                good += 1
                if verbose:
                    print(f"ok   {os.path.basename(path)}: {step.get('name', step.get('path'))}")
            else:
                bad += 1
                print(f"FAIL {path}: {step.get('name', step.get('path'))}")
                for l in diff(wants[0], got):
                    print("     " + l)
        for n, pats in doc.get("files_after", {}).items() if what == "run" else ():
            p = os.path.join(c.dir, n)
            text = c.norm(open(p, errors="replace").read()) if os.path.exists(p) else ""
            for pat in pats:
                if re.search(pat, text, re.M):
                    good += 1
                else:
                    bad += 1
                    print(f"FAIL {path}: {n} lacks {pat}\n     it is: {text[:600]}")
        if what == "run" and not doc.get("exits"):
            # The gateway's log is written by a thread of its own, after the answer: what must be there may come a moment later.
            end = time.time() + 3
            text = c.norm(c.logged())
            while time.time() < end and not all(re.search(pat, text, re.M) for pat in doc.get("log_has", [])):
                time.sleep(0.02)
                text = c.norm(c.logged())
            for key in ("log_has", "log_lacks"):
                for pat in doc.get(key, []):
                    if bool(re.search(pat, text, re.M)) == (key == "log_has"):
                        good += 1
                    else:
                        bad += 1
                        print(f"FAIL {path}: {key} {pat}\n     the output ends with: {text[-900:]}")
        if what == "run" and not doc.get("exits"):
            if c.proc.poll() is not None and not any("term_after_ms" in x for x in doc.get("steps", [])):
                bad += 1
                print(f"FAIL {path}: the gateway ended with {c.proc.returncode}: {c.logged()[-600:]}")
            elif "Sanitizer" in c.logged():
                bad += 1
                print(f"FAIL {path}: a sanitizer spoke: {c.logged()[-1500:]}")
    return good, bad


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=["run", "record"])
    ap.add_argument("--gateway", required=True)
    ap.add_argument("--only", default="")
    ap.add_argument("--verbose", action="store_true")
    ap.add_argument("paths", nargs="+")
    a = ap.parse_args()
    gateway = os.path.abspath(a.gateway)
    good = bad = 0
    for path in files(a.paths):
        doc = json.load(open(path))
        if "steps" not in doc and not doc.get("exits") and "runs" not in doc:
            continue
        if a.only and a.only not in path and a.only not in doc.get("name", ""):
            continue
        subs = [({**doc, **r, "exits": True}, r) for r in doc["runs"]] if "runs" in doc else [(doc, doc)]
        for sub, keep in subs:
            g, b = play(path, sub, keep, gateway, a.what, a.verbose)
            good, bad = good + g, bad + b
        if a.what == "record":
            json.dump(doc, open(path, "w"), indent=1, ensure_ascii=False)
            open(path, "a").write("\n")
            print("recorded", path)
    if a.what == "run":
        print(f"{good} passed, {bad} failed")
        sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
