#!/usr/bin/env python3
"""Two workers against one. With five cores or more, the gateway has one or two of its own, and requests per second count;
with fewer, load and backend need the same cores, and CPU per request counts.

Bar: 1.9 x the requests per second where the cores are free, else the same CPU per request (at most 1.05 x).
"""
import os, statistics
import lab


def main():
    a = lab.options(__doc__, rounds=(int, 3, "rounds"), seconds=(int, 4, "a run"), conns=(int, 128, "connections"))
    cores = os.cpu_count() or 1
    if cores < 2:
        raise SystemExit("two workers need two cores")
    free = cores >= 5
    one, two = ("1", "1,2") if free else ("1", "0,1")
    load, back = (f"3-{cores - 1}", f"3-{cores - 1}") if free else ("0", "0")
    port = lab.free_port()
    _, backend = lab.fixed_backend("@" + lab.documents(), cpus=back)
    conf = lab.config(port, [lab.endpoint("/noop", backend)])
    got = {1: [], 2: []}
    for _ in range(a.rounds):
        for n, cpus in ((1, one), (2, two)):
            lab.free(port)
            g = lab.gateway(a.gateway, conf, cpus=cpus)
            url = f"http://127.0.0.1:{port}/noop"
            lab.wrk(url, 1, a.conns, cpus=load)
            before = lab.cpu(g.pid)
            requests, bad, err, _ = lab.wrk(url, a.seconds, a.conns, cpus=load)
            got[n].append((requests / a.seconds, (lab.cpu(g.pid) - before) / requests * 1e6, bad))
            lab.stop(g)
    m = lambda n, i: statistics.median(x[i] for x in got[n])
    lab.table(f"workers, {cores} cores, median of {a.rounds} rounds", ["workers", "req/s", "cpu us/req", "bad"],
              [[n, int(m(n, 0)), f"{m(n, 1):.1f}", sum(x[2] for x in got[n])] for n in got])
    if free:
        lab.verdict(m(2, 0) >= 1.9 * m(1, 0), f"{m(2, 0) / m(1, 0):.2f} x the requests per second (bar: at least 1.9 x)")
    else:
        lab.verdict(m(2, 1) <= 1.05 * m(1, 1), f"{m(2, 1) / m(1, 1):.2f} x the CPU per request on shared cores (bar: at most 1.05 x)")
    lab.done()


main()
