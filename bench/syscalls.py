#!/usr/bin/env python3
"""System calls per proxied request at load: strace -c on all threads of the gateway while wrk runs.

Tracing slows the gateway down, so more events come with one epoll_wait than without; the number of data calls per request
does not depend on that.
Bar: 4 data calls (receive and send on both sides) and a share of one epoll_wait.
"""
import os, re, signal, subprocess, time
import lab

DATA = {"read", "write", "readv", "writev", "recv", "send", "recvfrom", "sendto", "recvmsg", "sendmsg", "splice"}


def main():
    a = lab.options(__doc__, conns=(int, 64, "client connections"), seconds=(int, 5, "of load"), body=(str, "mix", "bytes, or mix"))
    _, backend = lab.fixed_backend("@" + lab.documents() if a.body == "mix" else a.body)
    port = lab.free_port()
    g = lab.gateway(a.gateway, lab.config(port, [lab.endpoint("/noop", backend)]))
    url = f"http://127.0.0.1:{port}/noop"
    lab.wrk(url, 1, a.conns)
    out = os.path.join(lab.tmp, "strace")
    tracer = subprocess.Popen(["strace", "-c", "-f", "-o", out] + [x for p in lab.tree(g.pid) for x in ("-p", str(p))],
                              stderr=subprocess.PIPE, text=True, start_new_session=True)
    lab.started.append(tracer)
    time.sleep(0.7)
    if tracer.poll() is not None:
        raise SystemExit("strace cannot attach (ptrace may be forbidden here): " + tracer.stderr.read())
    n, bad, err, _ = lab.wrk(url, a.seconds, a.conns)
    tracer.send_signal(signal.SIGINT)
    tracer.wait(10)
    calls = {}
    with open(out) as f:
        for line in f:
            m = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:(\d+)\s+)?(\w+)$", line)
            if m and m.group(3) != "total":
                calls[m.group(3)] = (int(m.group(1)), int(m.group(2) or 0))
    rows = [[name, c, e, f"{c / n:.3f}"] for name, (c, e) in sorted(calls.items(), key=lambda x: -x[1][0]) if c / n >= 0.001]
    lab.table(f"system calls of {n} requests, {a.conns} connections", ["call", "count", "errors", "per request"], rows)
    data = sum(c for k, (c, _) in calls.items() if k in DATA) / n
    failed = sum(e for k, (_, e) in calls.items() if k in DATA) / n
    wait = sum(c for k, (c, _) in calls.items() if k.startswith("epoll_") and "wait" in k) / n
    rest = sum(c for c, _ in calls.values()) / n - data - wait
    lab.verdict(data <= 4.05 and wait < 1 and rest <= 0.05,
                f"{data:.2f} data calls, {wait:.2f} epoll_wait and {rest:.3f} others per request (bar: 4, a share of one, none)")
    lab.verdict(failed <= 0.01, f"{failed:.3f} data calls per request ended in EAGAIN or an error (bar: none)")
    lab.verdict(not bad and not err, f"{bad} bad answers {err}")
    lab.done()


main()
