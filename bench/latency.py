#!/usr/bin/env python3
"""Latency at a fixed rate (open loop): h2load --h1 --rps at 60 % of what nginx can serve here, the gateway and nginx in
turn, in each of several rounds; the median of the rounds counts.

Bar: p99 at most 1.1 x nginx's.
"""
import os, statistics, subprocess
import lab


def p(values, q):
    return values[min(len(values) - 1, int(len(values) * q))]


def rate_run(url, rate, conns, seconds):
    log = os.path.join(lab.tmp, "h2load.log")
    if os.path.exists(log):
        os.unlink(log)
    cmd = ["taskset", "-c", lab.LOAD_CPU, "h2load", "--h1", "-t1", f"-c{conns}", f"--rps={rate / conns:.3f}", f"-D{seconds}", f"--log-file={log}", url]
    out = subprocess.run(cmd, capture_output=True, text=True).stdout
    if "requests:" not in out:
        raise SystemExit(f"{' '.join(cmd)}: {out}")
    with open(log) as f:
        lines = [l.split() for l in f]
    begin = min(int(l[0]) for l in lines)
    took = sorted(int(l[2]) for l in lines if int(l[0]) > begin + 500000)  # the first half second opens connections
    bad = sum(l[1] != "200" for l in lines)
    return took, bad, len(lines) / seconds


def main():
    a = lab.options(__doc__, rounds=(int, 5, "rounds"), seconds=(int, 6, "a run"), conns=(int, 64, "connections"), share=(float, 0.6, "of nginx's capacity"),
                    body=(str, "mix", "bytes, or mix"))
    _, backend = lab.fixed_backend("@" + lab.documents() if a.body == "mix" else a.body)
    ports = {"nginx": lab.free_port(), "gladius": lab.free_port()}
    start = {"nginx": lambda: lab.nginx(ports["nginx"], [backend]),
             "gladius": lambda: lab.gateway(a.gateway, lab.config(ports["gladius"], [lab.endpoint("/noop", backend)]))}
    url = {n: f"http://127.0.0.1:{q}/noop" for n, q in ports.items()}
    server = start["nginx"]()
    lab.wrk(url["nginx"], 1, a.conns)
    capacity = statistics.median(lab.wrk(url["nginx"], 3, a.conns)[0] / 3 for _ in range(3))
    lab.stop(server)
    rate = capacity * a.share
    print(f"nginx serves {capacity:.0f} requests per second here; the rate is {rate:.0f}", flush=True)
    got = {n: {"p50": [], "p99": [], "p999": [], "bad": 0, "rate": []} for n in start}
    for r in range(a.rounds):
        for name in ("nginx", "gladius") if r % 2 else ("gladius", "nginx"):
            server = start[name]()
            lab.wrk(url[name], 1, a.conns)
            took, bad, real = rate_run(url[name], rate, a.conns, a.seconds)
            lab.stop(server)
            for q, f in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999)):
                got[name][q].append(p(took, f))
            got[name]["bad"] += bad
            got[name]["rate"].append(real)
    m = lambda n, k: statistics.median(got[n][k])
    lab.table(f"microseconds at {rate:.0f} requests per second, median of {a.rounds} rounds", ["", "req/s", "p50", "p99", "p99.9", "bad", "p99 of each round"],
              [[n, int(m(n, "rate")), m(n, "p50"), m(n, "p99"), m(n, "p999"), got[n]["bad"], " ".join(map(str, got[n]["p99"]))] for n in got])
    lab.verdict(min(m(n, "rate") for n in got) > 0.97 * rate, f"the rate was kept: {min(m(n, 'rate') for n in got) / rate:.2f} of it")
    ratio = m("gladius", "p99") / m("nginx", "p99")
    lab.verdict(ratio <= 1.1 and not got["gladius"]["bad"], f"p99 is {ratio:.2f} x nginx's (bar: at most 1.1 x), {got['gladius']['bad']} bad answers")
    lab.done()


main()
