#!/usr/bin/env python3
"""Side by side: the gateway and its peers on the same work, in one run.

The gateway is pinned to CPU 1; the load (wrk) and the backends (fixedserver) share CPU 0. Because CPU 0 can be the
bottleneck, the figure that counts is the gateway's own CPU time per request (user + system of its whole process tree,
from /proc), which stays meaningful whoever saturates first. Peers run in turn, round after round, and the median of the
rounds is compared.

usage: bench.py [--gateway PATH] [--rounds N] [--seconds S] [--work W,W|all] [--only NAME,NAME] [--conns N] [--body BYTES] [--tls] [--h2] [--close]
--bars: verdicts against the bars of docs/performance.md: of noop against relay and peers in the same run; of json, filter and merge against our own
  noop, which must be in --work before them.
--tls: the client speaks TLS 1.3 to the gateway (nginx, haproxy, krakend, gladius; X25519 and AES-128-GCM for all, and a certificate on P-256); --h2: with h2load over HTTP/2, 16 streams a connection;
--close: a new connection for every request (with --tls: full handshakes). --log: with access logs on (gladius, krakend); the peer
  gladius_log is ours with its access log on, for a comparison in one run.
--body: bytes of one fixed document, or 'mix' (default): 64 documents of 1 to 3 KiB in turn, arrays of objects, escapes, unsorted keys.
Python 3.11 standard library; wrk, openssl and g++ (with liburing for relay_uring) on PATH. The small C++ programs beside this file
are built into --bin on first use. Peers that are neither on PATH (nginx, haproxy, caddy) nor in --bin (krakend, traefik) are left out.
Everything stays on 127.0.0.1; CPU 0 and CPU 1 should be otherwise idle.
"""
import argparse, json, os, re, shutil, statistics, subprocess, time, base64
import lab
from lab import cpu, documents, free, helper, pss, start, stop, tmp, up, write

PORT, B1, B2, B3, JW = 8080, 9001, 9002, 9003, 9010
TLS = H2 = LOG = False
CHOSEN = []  # the work of this run, of WORK

H = lambda p: [f"http://127.0.0.1:{p}"]
jwtv = {"auth/validator": {"alg": "RS256", "jwk_url": f"http://127.0.0.1:{JW}/jwks", "cache": True, "disable_jwk_security": True,
                           "propagate_claims": [["sub", "x-user"]]}}


def krakend_config(log):
    """Only the endpoints of the chosen work: a gateway that lacks a feature can be measured on the rest."""
    be = lambda p, **k: {"url_pattern": "/x", "host": H(p), **k}
    noop = lambda path, **k: {"endpoint": path, "output_encoding": "no-op", "backend": [be(B1, encoding="no-op")], **k}
    endpoints = {
        "noop": noop("/noop"),
        "json": {"endpoint": "/json", "backend": [be(B1)]},
        "filter": {"endpoint": "/filter", "backend": [be(B1, allow=["id", "name", "tags"], mapping={"id": "key"})]},
        "merge": {"endpoint": "/merge", "backend": [be(B1, group="a"), be(B2, group="b"), be(B3, group="c")]},
        "limit": noop("/limit", extra_config={"qos/ratelimit/router": {"max_rate": 10000000, "client_max_rate": 10000000, "strategy": "ip"}}),
        "jwt": noop("/jwt", input_headers=["x-user"], extra_config=jwtv),
        "params": {"endpoint": "/users/{id}/orders/{order}", "output_encoding": "no-op", "input_query_strings": ["page"], "input_headers": ["X-Trace"],
                   "backend": [{"url_pattern": "/u/{id}/o/{order}", "host": H(B1), "encoding": "no-op"}]},
    }
    tls = {"tls": {"keys": [{"public_key": tmp + "/cert.pem", "private_key": tmp + "/server.key"}], "curve_preferences": [29]}} if TLS else {}
    return lab.config(PORT, [endpoints[w] for w in CHOSEN], log=log, **tls)


def nginx_conf():
    return lab.nginx_conf(PORT, [B1], "limit_req_zone $binary_remote_addr zone=z:10m rate=10000000r/s;",
                          (f"ssl_certificate {tmp}/cert.pem; ssl_certificate_key {tmp}/server.key; ssl_protocols TLSv1.3; ssl_ecdh_curve X25519; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; " if TLS else "")
                          + "location /limit { limit_req zone=z burst=100000 nodelay; proxy_pass http://b; }", ("ssl http2" if H2 else "ssl") if TLS else "")


def haproxy_conf():
    return write("haproxy.cfg", f"""
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:{PORT}{f" ssl crt {tmp}/both.pem alpn h2,http/1.1 ssl-min-ver TLSv1.3 curves X25519 ciphersuites TLS_AES_128_GCM_SHA256" if TLS else ""}
  stick-table type ip size 100k expire 30s store http_req_rate(10s)
  http-request track-sc0 src if {{ path /limit }}
  http-request deny deny_status 429 if {{ path /limit }} {{ sc_http_req_rate(0) gt 1000000000 }}
  default_backend b
backend b
  server s1 127.0.0.1:{B1}
""")


def caddy_conf():
    return write("Caddyfile", f"""{{
 admin off
 auto_https off
 log {{
  output discard
 }}
}}
http://127.0.0.1:{PORT} {{
 reverse_proxy 127.0.0.1:{B1}
}}
""")


def traefik_conf():
    dyn = write("dyn.toml", f"""
[http.routers.r]
 entryPoints=["web"]
 rule="PathPrefix(`/`)"
 service="s"
[http.services.s.loadBalancer]
 [[http.services.s.loadBalancer.servers]]
  url="http://127.0.0.1:{B1}"
""")
    return write("traefik.toml", f"""
[global]
 checkNewVersion=false
 sendAnonymousUsage=false
[entryPoints.web]
 address="127.0.0.1:{PORT}"
[providers.file]
 filename="{dyn}"
[log]
 level="ERROR"
""")


def gw(name, ours):
    log = os.path.join(tmp, name + ".log")
    if name in ("gladius", "gladius_log"):
        return start([ours, "run", "-c", write("k.json", krakend_config(LOG or name == "gladius_log"))], "1", log=log)
    if name == "krakend":
        return start([f"{lab.BIN}/krakend", "run", "-c", write("k.json", krakend_config(LOG))], "1",
                     env={"GOMAXPROCS": "1", "USAGE_DISABLE": "1", "GIN_MODE": "release"}, log=log)
    if name == "nginx":
        return start(["nginx", "-p", tmp, "-c", nginx_conf()], "1", log=log)
    if name == "haproxy":
        return start(["haproxy", "-db", "-f", haproxy_conf()], "1", log=log)
    if name == "caddy":
        return start(["caddy", "run", "--adapter", "caddyfile", "--config", caddy_conf()], "1", env={"GOMAXPROCS": "1", "HOME": tmp}, log=log)
    if name == "traefik":
        return start([f"{lab.BIN}/traefik", "--configFile=" + traefik_conf()], "1", env={"GOMAXPROCS": "1"}, log=log)
    if name in ("relay", "relay_uring"):
        return start([f"{lab.BIN}/{name}", str(PORT), str(B1)], "1", log=log)
    raise SystemExit("unknown gateway " + name)


WORK = {  # path, headers, who can do it
    "noop": ("/noop", [], "all"),
    "params": ("/users/42/orders/7?page=3", ["X-Trace: abc"], "all"),
    "limit": ("/limit", [], "krakend gladius gladius_log nginx haproxy"),
    "json": ("/json", [], "krakend gladius gladius_log"),
    "filter": ("/filter", [], "krakend gladius gladius_log"),
    "merge": ("/merge", [], "krakend gladius gladius_log"),
    "jwt": ("/jwt", ["JWT"], "krakend gladius gladius_log"),
}


def b64(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


def make_jwt():
    """An RSA key, its JWK set in a file, and an RS256 token that is good for ten hours."""
    key = os.path.join(tmp, "key.pem")
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    mod = subprocess.run(["openssl", "rsa", "-in", key, "-noout", "-modulus"], check=True, capture_output=True, text=True).stdout
    n = bytes.fromhex(mod.strip().split("=")[1])
    jwk = {"kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig", "n": b64(n), "e": "AQAB"}
    head = b64(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "k1"}).encode())
    claims = b64(json.dumps({"sub": "user-42", "iss": "bench", "exp": int(time.time()) + 36000, "roles": ["a", "b"]}).encode())
    sig = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=f"{head}.{claims}".encode(), check=True, capture_output=True).stdout
    return write("jwks.json", {"keys": [jwk]}), f"{head}.{claims}.{b64(sig)}"


def make_cert():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", tmp + "/server.key", "-out", tmp + "/cert.pem"], check=True, capture_output=True)
    write("both.pem", open(tmp + "/cert.pem").read() + open(tmp + "/server.key").read())


def available(name, ours):
    if name in ("gladius", "gladius_log"):
        return bool(ours) and os.access(ours, os.X_OK)
    return bool(shutil.which(name)) or os.access(os.path.join(lab.BIN, name), os.X_OK)


def h2load(path, headers, secs, conns):
    cmd = ["taskset", "-c", "0", "h2load", "-t1", f"-c{max(1, conns // 16)}", "-m16", f"-D{secs}", f"{'https' if TLS else 'http'}://127.0.0.1:{PORT}{path}"]
    for h in headers:
        cmd += ["-H", h]
    out = subprocess.run(cmd, capture_output=True, text=True).stdout
    done, bad = re.search(r"(\d+) done, \d+ succeeded, (\d+) failed", out).groups()
    non2 = re.search(r"status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out)
    return int(done), int(bad) + sum(int(x) for x in non2.groups()), "", {}


def wrk(path, headers, secs, conns):
    return lab.wrk(f"{'https' if TLS else 'http'}://127.0.0.1:{PORT}{path}", secs, conns, headers)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--seconds", type=int, default=4)
    ap.add_argument("--conns", type=int, default=64)
    ap.add_argument("--work", default="noop")
    ap.add_argument("--only", default="relay,relay_uring,gladius,gladius_log,nginx,haproxy,krakend,traefik,caddy")
    ap.add_argument("--ours", "--gateway", default=os.path.join(lab.ROOT, "build/release/gladius"))
    ap.add_argument("--bin", default="", help="folder of the helper programs and of peers that are not on PATH")
    ap.add_argument("--body", default="mix")
    for o in ("tls", "h2", "close", "log", "bars"):
        ap.add_argument("--" + o, action="store_true")
    a = ap.parse_args()
    global TLS, H2, LOG
    TLS, H2, LOG = a.tls, a.h2, a.log
    load = h2load if a.h2 else wrk
    lab.BIN = os.path.abspath(a.bin) if a.bin else lab.BIN
    a.ours = os.path.abspath(a.ours) if a.ours else ""
    if a.work == "all":
        a.work = ",".join(WORK)
    CHOSEN.extend(w for w in WORK if w in a.work.split(","))
    make_cert()
    for n, libs in (("fixedserver", ()), ("relay", ()), ("relay_uring", ("-luring",))):
        helper(n, libs)
    names = [n for n in a.only.split(",") if available(n, a.ours) and not (a.tls and n not in "gladius gladius_log nginx haproxy krakend".split())]
    jwks, tok = make_jwt()
    env = {"MAX_S": "3600"}
    body = "@" + documents() if a.body == "mix" else a.body
    backends = [start([f"{lab.BIN}/fixedserver", str(p), body], "0", env=env) for p in (B1, B2, B3)]
    backends.append(start([f"{lab.BIN}/fixedserver", str(JW), "@" + jwks], "0", env=env))
    res = {}
    try:
        for p in (B1, B2, B3, JW):
            assert up(p)
        for r in range(a.rounds):
            for name in names:
                free(PORT)
                g = gw(name, a.ours)
                try:
                    if not up(PORT, 40):
                        print(name, "did not start", open(os.path.join(tmp, name + ".log")).read()[-600:])
                        continue
                    time.sleep(0.5)
                    idle = pss(g.pid)
                    for w in a.work.split(","):
                        path, hs, who = WORK[w]
                        if who != "all" and name not in who.split():
                            continue
                        hs = ["Authorization: Bearer " + tok if h == "JWT" else h for h in hs]
                        hs += ["Connection: close"] if a.close else []
                        load(path, hs, 1, a.conns)
                        c0 = cpu(g.pid)
                        t0 = time.time()
                        n, bad, err, lat = load(path, hs, a.seconds, a.conns)
                        dt = time.time() - t0
                        c = cpu(g.pid) - c0
                        res.setdefault((w, name), []).append(
                            dict(rps=n / dt, us=c / max(n, 1) * 1e6, util=c / dt, bad=bad, err=err, p99=lat.get("99"), p50=lat.get("50"), idle=idle, rss=pss(g.pid)))
                finally:
                    stop(g)
    finally:
        for b in backends:
            stop(b)
    for w in a.work.split(","):
        rows = {n: v for (ww, n), v in res.items() if ww == w}
        if not rows:
            continue
        print(f"\n{w}: {'tls ' * a.tls}{'h2 ' * a.h2}{'close ' * a.close}conns={a.conns} body={a.body} rounds={a.rounds} (median)")
        base = statistics.median(x["us"] for x in rows["gladius"]) if "gladius" in rows else None
        print(f"{'gateway':9} {'req/s':>8} {'cpu us/req':>10} {'util':>5} {'p50':>8} {'p99':>8} {'idle MiB':>8} {'load MiB':>8} {'bad':>6}  vs ours")
        for n, v in rows.items():
            m = lambda k: statistics.median(x[k] for x in v)
            print(f"{n:9} {m('rps'):8.0f} {m('us'):10.1f} {m('util'):5.2f} {v[-1]['p50'] or '-':>8} {v[-1]['p99'] or '-':>8} {m('idle'):8.1f} {m('rss'):8.1f} {sum(x['bad'] for x in v):6}  "
                  + (f"{m('us')/base:.2f}x" if base else "") + " " + v[-1]["err"])
        if a.bars and w == "noop" and a.h2:
            h2_bars(rows)
        elif a.bars and w == "noop" and "relay" in names:
            bars(rows)
        elif a.bars and w == "noop" and TLS:
            tls_bar(rows, "a full handshake and a request" if a.close else "kept-alive TLS 1.3")
        if a.bars and w in OWN_BARS:
            own_bar(w, res)
    if a.bars:
        lab.done()


OWN_BARS = {"json": 1.35, "filter": 1.3, "merge": 3.0, "limit": 1.05}  # x our own no-op pipe on the same documents


def own_bar(w, res):
    ours, noop = res.get((w, "gladius")), res.get(("noop", "gladius"))
    if not ours or not noop:
        raise SystemExit(f"the bar of {w} needs gladius with the works noop and {w} in the run")
    # Of each round, so that what the machine does besides in that time is in both.
    ratio = statistics.median(x["us"] / y["us"] for x, y in zip(ours, noop))
    lab.verdict(ratio <= OWN_BARS[w], f"{w}: CPU per request {ratio:.2f} x our own no-op pipe (bar: at most {OWN_BARS[w]} x)")
    lab.verdict(not any(x["bad"] or x["err"] for x in ours), f"{w}: every answer was good")
    if w == "limit" and (w, "nginx") in res:
        median = lambda name: statistics.median(x["us"] for x in res[w, name])
        lab.verdict(median("gladius") < median("nginx"), f"{w}: CPU per request {median('gladius') / median('nginx'):.2f} x nginx with limit_req (bar: below 1)")


def tls_bar(rows, what):
    us = {n: statistics.median(x["us"] for x in v) for n, v in rows.items()}
    peers = {n: us[n] for n in ("nginx", "haproxy") if n in us}
    if "gladius" not in us or not peers:
        raise SystemExit("the bar of TLS needs gladius, and nginx or haproxy, in the run")
    best = min(peers, key=peers.get)
    lab.verdict(us["gladius"] <= 1.03 * us[best], f"{what}: CPU {us['gladius'] / us[best]:.2f} x {best} (bar: at most 1.03 x the better of nginx and HAProxy)")
    lab.verdict(not any(x["bad"] or x["err"] for x in rows["gladius"]), f"{what}: every answer of ours was good")


def bars(rows):
    us = {n: statistics.median(x["us"] for x in v) for n, v in rows.items()}
    if "gladius" not in us or "relay" not in us:
        raise SystemExit("the bars need gladius and relay in the run")
    lab.verdict(us["gladius"] <= 1.10 * us["relay"], f"CPU per request {us['gladius'] / us['relay']:.2f} x the blind relay (bar: at most 1.10 x)")
    for peer in ("nginx", "haproxy"):
        if peer in us:
            lab.verdict(us["gladius"] < us[peer], f"CPU per request {us['gladius'] / us[peer]:.2f} x {peer} (bar: below 1)")
    if "gladius_log" in us:
        lab.verdict(us["gladius_log"] <= 1.08 * us["gladius"], f"access log on: {us['gladius_log'] / us['gladius']:.2f} x the same without (bar: at most 1.08 x)")
    lab.verdict(not any(x["bad"] or x["err"] for n, v in rows.items() if n.startswith("gladius") for x in v), "every answer of ours was good")


def h2_bars(rows):
    us = {n: statistics.median(x["us"] for x in v) for n, v in rows.items()}
    if "gladius" not in us:
        raise SystemExit("the bars need gladius in the run")
    for peer, bar in (("nginx", 1.0), ("haproxy", 1.15)):
        if peer in us:
            lab.verdict(us["gladius"] <= bar * us[peer], f"HTTP/2: CPU per request {us['gladius'] / us[peer]:.2f} x {peer} (bar: at most {bar:.2f} x)")
    lab.verdict(not any(x["bad"] or x["err"] for x in rows["gladius"]), "HTTP/2: every answer of ours was good")


if __name__ == "__main__":
    main()
