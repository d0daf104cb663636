#!/usr/bin/env python3
"""Heap allocations per request: a preloaded malloc (malloc_count.c) counts while wrk runs; the middle of the run counts,
so that opening the connections does not.

Works on a build that links glibc dynamically (as ours does), without sanitizers.
Bars: 0 on the no-op pipe; at most 2 on json, filter and merge, also with a document of 200 KiB (json_large, filter_large).
"""
import struct, threading, time
import lab


def decoded(backend, **more):
    return {"url_pattern": "/x", "host": [f"http://127.0.0.1:{backend}"], **more}


def main():
    a = lab.options(__doc__, conns=(int, 64, "client connections"), seconds=(int, 6, "of load"), work=(str, "noop,params,large,json,filter,merge,json_large,filter_large", "which endpoints"))
    shim = lab.helper("malloc_count", ("-shared", "-fPIC", "-ldl"))
    _, small = lab.fixed_backend("@" + lab.documents())
    _, large = lab.fixed_backend("65536")
    _, document = lab.fixed_backend("@" + lab.write("document.json", {"name": "x", "items": [{"name": f"item {i}", "id": i, "text": "t" * 50} for i in range(2400)], "id": 7}))
    port = lab.free_port()
    counters = lab.write("counters", "\0" * 4096)
    conf = lab.config(port, [
        lab.endpoint("/noop", small),
        lab.endpoint("/large", large),
        {"endpoint": "/json", "backend": [decoded(small)]},
        {"endpoint": "/json-large", "backend": [decoded(document)]},
        {"endpoint": "/filter", "backend": [decoded(small, allow=["id", "name", "tags"], mapping={"id": "key"})]},
        {"endpoint": "/filter-large", "backend": [decoded(document, allow=["id", "name"])]},
        {"endpoint": "/merge", "backend": [decoded(small, group=g) for g in "abc"]},
        lab.endpoint("/users/{id}/orders/{order}", small, url="/u/{id}/o/{order}", input_headers=["X-Trace"], input_query_strings=["page"])])
    g = lab.gateway(a.gateway, conf, env={"LD_PRELOAD": shim, "MALLOC_COUNT_FILE": counters})

    def read():
        with open(counters, "rb") as f:
            return struct.unpack("QQ", f.read(16))

    if read()[0] == 0:
        raise SystemExit("nothing was counted: is the gateway linked statically, or built with a sanitizer?")
    works = {n: ("/" + n.replace("_", "-"), []) for n in ("noop", "large", "json", "filter", "merge", "json_large", "filter_large")} | {"params": ("/users/42/orders/7?page=3", ["X-Trace: abc"])}
    rows, each = [], {}
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
        each[name] = allocs / requests
        rows.append([name, int(requests), allocs, frees, f"{allocs / requests:.4f}", bad])
    lab.table(f"heap allocations, {a.conns} connections", ["work", "requests", "allocations", "frees", "per request", "bad"], rows)
    for kind, bar, names in (("no-op", 0.001, ("noop", "params", "large")), ("decoded", 2, ("json", "filter", "merge", "json_large", "filter_large"))):
        if some := [each[n] for n in names if n in each]:
            lab.verdict(max(some) <= bar, f"{max(some):.4f} allocations per {kind} request (bar: {'0' if bar < 1 else f'at most {bar}'})")
    lab.done()


main()
