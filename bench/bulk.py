#!/usr/bin/env python3
"""Downloads and uploads of gigabytes: CPU for each GiB, and memory, beside nginx with its buffering off (as it comes, and with buffers of
64 KiB, which suit it better) and HAProxy with splicing. All peers in turn, round after round, in one run; the median counts. Ours also in
chunks, which cannot go through a pipe of the kernel and are copied: that is what splicing is compared with.

Bars: every byte arrives; memory grows by at most 4 MiB; CPU for each GiB at most that of the better nginx, both ways.
"""
import statistics, subprocess
import lab

WAYS = ("download", "upload")


def haproxy(port, backend):
    conf = lab.write("haproxy.cfg", f"""
global
  nbthread 1
defaults
  mode http
  option splice-auto
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  server s 127.0.0.1:{backend}
""")
    return lab.start(["haproxy", "-db", "-f", conf], lab.GATEWAY_CPU)


def nginx(port, backend, more=""):
    server = "proxy_buffering off; proxy_request_buffering off; client_max_body_size 0; " + more
    return lab.start(["nginx", "-p", lab.tmp, "-c", lab.nginx_conf(port, [backend], server=server)], lab.GATEWAY_CPU)


def main():
    a = lab.options(__doc__, gib=(float, 4.0, "GiB of each transfer"), rounds=(int, 3, "rounds"), only=(str, "", "peers, comma-separated"))
    size = int(a.gib * 1024) << 20
    program, backend, port = lab.helper("bulk"), lab.free_port(), lab.free_port()
    lab.start([program, "serve", str(backend)], lab.LOAD_CPU)
    assert lab.up(backend)
    ours = lab.config(port, [
        lab.endpoint("/{a}", backend, url="/{a}", timeout="600s"),
        lab.endpoint("/chunked/{a}", backend, url="/chunked/{a}", timeout="600s"),
        {**lab.endpoint("/up", backend, timeout="600s", method="POST", input_headers=["Content-Length"])},
    ])
    for e in ours["endpoints"]:
        e["backend"][0]["method"] = e.get("method", "GET")
    peers = {
        "gladius": lambda: lab.gateway(a.gateway, ours),
        "nginx": lambda: nginx(port, backend),
        "nginx 64k": lambda: nginx(port, backend, "proxy_buffer_size 64k; proxy_buffers 4 64k; client_body_buffer_size 64k;"),
        "haproxy splice": lambda: haproxy(port, backend),
    }
    if a.only:
        peers = {n: peers[n] for n in a.only.split(",")}
    cost, grown, fast = {}, {}, {}
    for _ in range(a.rounds):
        for name, run in peers.items():
            lab.free(port)
            p = run()
            assert lab.up(port), name + " does not listen"
            kinds = {"download": ["get", f"/{size}"], "upload": ["put", "/up"]}
            if name == "gladius":
                kinds.update({"download, chunks": ["get", f"/chunked/{size}"], "upload, chunks": ["put", "/up", "chunked"]})
            for kind, (what, path, *more) in kinds.items():
                warm = path.replace(str(size), "65536")
                transfer = lambda path, n: subprocess.run(["taskset", "-c", lab.LOAD_CPU, program, what, str(port), path, str(n), *more],
                                                          check=True, capture_output=True, text=True).stdout
                transfer(warm, 65536)
                before, used = lab.rss(p.pid), lab.cpu(p.pid)
                for q in lab.tree(p.pid):
                    with open(f"/proc/{q}/clear_refs", "w") as f:
                        f.write("5")  # the peak is counted anew
                seconds = float(transfer(path, size))
                key = (name, kind)
                cost.setdefault(key, []).append((lab.cpu(p.pid) - used) / a.gib)
                grown.setdefault(key, []).append(lab.peak(p.pid) - before)
                fast.setdefault(key, []).append(a.gib / seconds)
            lab.stop(p)
    m = {k: statistics.median(v) for k, v in cost.items()}
    lab.table(f"{a.gib:g} GiB each, median of {a.rounds}", ["peer", "way", "CPU s/GiB", "GiB/s", "RSS + MiB at most"],
              [[n, kind, m[n, kind], statistics.median(fast[n, kind]), max(grown[n, kind])] for n, kind in m])
    if "gladius" not in peers:
        return
    for kind in WAYS:
        worst = max(grown["gladius", kind] + grown["gladius", kind + ", chunks"])
        lab.verdict(worst <= 4, f"{kind} of {a.gib:g} GiB: memory +{worst:.2f} MiB (bar: +4)")
        mine = m["gladius", kind]
        print(f"      {kind}: {mine / m['gladius', kind + ', chunks']:.2f} x of copying chunks")
        for n in peers:
            if n != "gladius":
                print(f"      {kind}: {mine / m[n, kind]:.2f} x {n}")
        nginxes = [m[n, kind] for n in peers if n.startswith("nginx")]
        if nginxes:
            lab.verdict(mine <= min(nginxes), f"{kind}: {mine / min(nginxes):.2f} x the CPU of nginx with its buffering off (bar: at most 1)")
    lab.done()


main()
