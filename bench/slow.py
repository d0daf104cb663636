#!/usr/bin/env python3
"""Slow clients: memory of the gateway for each connection that is stuck, and what good clients notice of them.

  headers   a head that never ends                                     bar: 6 KiB each
  body      a body that never ends, to a no-op endpoint                bar: 6 KiB each
  upload    the same to an endpoint that decodes                       bar: 6 KiB each
  range     whole requests with a Range of 1,300 pieces                bar: 24 KiB each
  read      answers of 256 KiB that are not read, three deep           bar: 24 KiB each

The clients are those of slow_peer.py; with slowhttptest installed (Debian package) its -H and -B run as well. Its -X needs a network with segments of
1,460 bytes: on loopback the kernel takes the whole answer. Good traffic is 32 connections of wrk: its p99 with the stuck ones beside it, against without
(slowhttptest writes to all of its connections at once, on the core of wrk: its rows say nothing about p99).
"""
import os, shutil, signal, subprocess, sys, time
import lab

PEER = os.path.join(lab.HERE, "slow_peer.py")
BARS = {"headers": 6, "body": 6, "upload": 6, "range": 24, "read": 24}
TOOL = {"headers": ["-H", "-t", "GET"], "body": ["-B", "-t", "POST", "-s", "8192", "-x", "10"]}
PATHS = {"headers": "/small", "body": "/upload"}


def endpoints(backend):
    out = []
    for path, method, encoding in (("/small", "GET", "no-op"), ("/big", "GET", "no-op"), ("/upload", "POST", "no-op"), ("/json", "POST", "json")):
        out.append({"endpoint": path, "method": method, "output_encoding": encoding, "timeout": "1h",
                    "backend": [{"url_pattern": path, "method": method, "host": [f"http://127.0.0.1:{backend}"], "encoding": encoding}]})
    return out


def p99(port, secs):
    n, bad, errors, latency = lab.wrk(f"http://127.0.0.1:{port}/small", secs, 32)
    if bad or errors or not n:
        raise SystemExit(f"good traffic failed: {bad} bad answers of {n}, {errors}")
    text = latency["99"]
    return float(text.rstrip("musecond")) * {"us": 1, "ms": 1000}.get(text.lstrip("0123456789."), 1e6)


def stuck(a, mode, tool):
    backend, port = lab.free_port(), lab.free_port()
    b = lab.start([sys.executable, "-B", PEER, "backend", str(backend), "262144"], lab.LOAD_CPU)
    lab.up(backend)
    g = lab.gateway(a.gateway, lab.config(port, endpoints(backend)))
    quiet = p99(port, a.seconds)
    time.sleep(1)
    memory, open_before = lab.rss(g.pid), lab.descriptors(g.pid)
    if tool:
        c = lab.start(["slowhttptest", *TOOL[mode], "-u", f"http://127.0.0.1:{port}{PATHS[mode]}", "-c", str(a.connections), "-r", "1000", "-i", "10", "-l", "60", "-p", "30"],
                      lab.LOAD_CPU)
        time.sleep(a.connections / 1000 + 5)
    else:
        c = subprocess.Popen(["taskset", "-c", lab.LOAD_CPU, sys.executable, "-B", PEER, "clients", mode, str(a.connections), "127.0.0.1", str(port)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        c.stdout.readline()
    there = lab.descriptors(g.pid) - open_before
    each = (lab.rss(g.pid) - memory) * 1024 / a.connections
    busy = p99(port, a.seconds)
    if tool:
        lab.stop(c)
    else:
        c.stdin.close()
        c.wait()
    lab.stop(g)
    lab.stop(b)
    if there < a.connections:
        raise SystemExit(f"only {there} connections were open in {mode}")
    return [f"{mode}{' (slowhttptest)' if tool else ''}", there, each, quiet / 1000, busy / 1000, busy / quiet]


def main():
    a = lab.options(__doc__, connections=(int, 5000, "stuck connections"), seconds=(int, 3, "seconds of good traffic for each p99"), only=(str, ",".join(BARS), "modes"))
    lab.raise_descriptors(2 * a.connections + 2000)
    rows = []
    for mode in a.only.split(","):
        rows.append(stuck(a, mode, False))
        if mode in TOOL and shutil.which("slowhttptest"):
            rows.append(stuck(a, mode, True))
    lab.table(f"{a.connections} stuck clients", ["", "descriptors", "KiB each", "p99 ms before", "p99 ms beside", "ratio"], rows)
    for row in rows:
        bar = BARS[row[0].split()[0]]
        lab.verdict(row[2] <= bar, f"{row[0]}: {row[2]:.2f} KiB each (bar: {bar})")
    worst = max(row[5] for row in rows if "slowhttptest" not in row[0])
    lab.verdict(worst <= 1.5, f"p99 of good traffic at most {worst:.2f} x what it was (bar: 1.5)")
    lab.done()


main()
