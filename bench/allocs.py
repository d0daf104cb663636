#!/usr/bin/env python3
"""Heap allocations per request: a preloaded malloc (malloc_count.c) counts while wrk runs; the middle of the run counts,
so that opening the connections does not.

Works on a build that links glibc dynamically (as ours does), without sanitizers.
Bar: 0 on the no-op pipe.
"""
import struct, threading, time
import lab


def main():
    a = lab.options(__doc__, conns=(int, 64, "client connections"), seconds=(int, 6, "of load"), work=(str, "noop,params,large", "which endpoints"))
    shim = lab.helper("malloc_count", ("-shared", "-fPIC", "-ldl"))
    _, small = lab.fixed_backend("@" + lab.documents())
    _, large = lab.fixed_backend("65536")
    port = lab.free_port()
    counters = lab.write("counters", "\0" * 4096)
    conf = lab.config(port, [
        lab.endpoint("/noop", small),
        lab.endpoint("/large", large),
        lab.endpoint("/users/{id}/orders/{order}", small, url="/u/{id}/o/{order}", input_headers=["X-Trace"], input_query_strings=["page"])])
    g = lab.gateway(a.gateway, conf, env={"LD_PRELOAD": shim, "MALLOC_COUNT_FILE": counters})

    def read():
        with open(counters, "rb") as f:
            return struct.unpack("QQ", f.read(16))

    if read()[0] == 0:
        raise SystemExit("nothing was counted: is the gateway linked statically, or built with a sanitizer?")
    works = {"noop": ("/noop", []), "large": ("/large", []), "params": ("/users/42/orders/7?page=3", ["X-Trace: abc"])}
    rows, worst = [], 0
    for name in a.work.split(","):
        path, headers = works[name]
        url = f"http://127.0.0.1:{port}{path}"
        lab.wrk(url, 1, a.conns, headers)
        got = {}

        def sample():
            time.sleep(a.seconds * 0.25)
            got["first"], got["at"] = read(), time.time()
            time.sleep(a.seconds * 0.5)
            got["last"], got["end"] = read(), time.time()

        t = threading.Thread(target=sample)
        t.start()
        n, bad, err, _ = lab.wrk(url, a.seconds, a.conns, headers)
        t.join()
        requests = n / a.seconds * (got["end"] - got["at"])
        allocs, frees = (y - x for x, y in zip(got["first"], got["last"]))
        worst = max(worst, allocs / requests)
        rows.append([name, int(requests), allocs, frees, f"{allocs / requests:.4f}", bad])
    lab.table(f"heap allocations, {a.conns} connections", ["work", "requests", "allocations", "frees", "per request", "bad"], rows)
    lab.verdict(worst < 0.001, f"{worst:.4f} allocations per request (bar: 0)")
    lab.done()


main()
