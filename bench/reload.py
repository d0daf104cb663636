#!/usr/bin/env python3
"""Reloads under full load: every 100 ms the file is replaced and SIGHUP sent. Every second file is broken (half written, wrong
version, a bad host, an unknown protective namespace); a good one changes the host, the timeout, the url and the routes in use.
Then the same with 1,000 slow downloads open, with a configuration large enough to see how many of its generations are kept.

Bars: 0 failed requests; every good file seen in answers within 1 s; memory flat (+4 MiB after the first 5 s); with the downloads
open at most 2 generations alive, and each download whole in the end.
"""
import asyncio, http.client, json, os, signal, socket, statistics, threading, time
import lab
from backend import Backend, get, whole


def replace(path, text):
    """As a careful operator does it: a new file, renamed over the old one."""
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


def good(port, generation, hosts, probe, filler=0):
    host = hosts[generation % len(hosts)]
    more = [lab.endpoint(f"/filler-{i}/{{id}}", host, url=f"/f{i}/{{id}}") for i in range(filler)]
    items = lab.endpoint("/items/{id}", host, url="/i/{id}") if generation % 2 else lab.endpoint("/items/7", host, url=f"/seven/{generation}")
    return json.dumps(lab.config(port, [
        lab.endpoint("/noop", host, url=f"/x{generation}", timeout=f"{5 + generation % 5}s"),
        items,
        lab.endpoint("/generation", probe, url=f"/generation/{generation}", timeout=f"{2000 + generation}ms"),
        lab.endpoint("/slow", probe, url="/slow", timeout="300s"),
        lab.endpoint(f"/only-{generation}", host), *more]))


def broken(port, n, text):
    return [text[:len(text) // 2], text.replace('"version": 3', '"version": 2'), text.replace("http://127.0.0.1", "ftp://u@127.0.0.1/x"),
            text.replace('"router":', '"auth/validatr": {}, "router":')][n % 4]


class Probe(threading.Thread):
    """Asks for /generation all the time on one kept connection, and remembers when each generation was first seen."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.first, self.failed, self.stop, self.count, self.times = port, {}, [], False, 0, []

    def run(self):
        c = None
        while not self.stop:
            try:
                c = c or http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                c.request("GET", "/generation")
                r = c.getresponse()
                text = r.read()
                self.count += 1
                self.times.append(time.time())
                if r.status != 200:
                    self.failed.append(f"status {r.status}")
                else:
                    self.first.setdefault(int(text), time.time())
                if r.will_close:
                    c = None
            except (OSError, http.client.HTTPException, ValueError) as e:
                self.failed.append(f"{type(e).__name__}: {e}")
                c = None
            time.sleep(0.003)


def full_load(a, hosts, probe):
    port = lab.free_port()
    path = lab.write("gateway.json", good(port, 0, hosts, probe))
    g = lab.gateway(a.gateway, path)
    script = lab.write("paths.lua", """
local reqs = {}
for i, p in ipairs({"/noop", "/items/7", "/noop", "/noop"}) do reqs[i] = "GET " .. p .. " HTTP/1.1\\r\\nHost: bench\\r\\n\\r\\n" end
local n = 0
request = function() n = n + 1; return reqs[n % #reqs + 1] end
""")
    p = Probe(port)
    p.start()
    result = []
    load = threading.Thread(target=lambda: result.append(lab.wrk(f"http://127.0.0.1:{port}/", a.seconds + 2, 64, script=script)))
    load.start()
    time.sleep(1)
    written, memory, at = {}, [], time.time()
    for i in range(int(a.seconds * 10)):
        generation = i // 2 + 1
        text = good(port, generation, hosts, probe)
        if i % 2:
            text = broken(port, i // 2, text)
        replace(path, text)
        if not i % 2:
            written[generation] = time.time()
        g.send_signal(signal.SIGHUP)
        memory.append(lab.rss(g.pid))
        time.sleep(max(0, at + (i + 1) * 0.1 - time.time()))
    time.sleep(1)
    load.join()
    p.stop = True
    p.join()
    n, bad, err, _ = result[0]
    took, missed, gaps = [], 0, []
    for generation, when in written.items():
        if generation in p.first:
            took.append((p.first[generation] - when) * 1000)
        else:
            missed += 1
            near = [t for t in p.times if when - 0.5 < t < when + 0.5]
            gaps.append(max((b - a) * 1000 for a, b in zip(near, near[1:])))
    early, late = max(memory[:max(1, len(memory) // 6)]), max(memory[-len(memory) // 6:])
    lab.table(f"a reload every 100 ms for {a.seconds} s", ["requests", "bad", "errors", "good files", "seen", "median ms", "longest ms", "MiB early", "MiB late"],
              [[n + p.count, bad + len(p.failed), err or "none", len(written), len(took), int(statistics.median(took)) if took else "-", int(max(took)) if took else "-", early, late]])
    if gaps:
        print(f"  longest pause of the probe around each file that was not seen: {', '.join(f'{x:.0f}' for x in gaps)} ms")
    for f in sorted(set(p.failed))[:5]:
        print("  probe:", f)
    lab.verdict(not bad and not err and not p.failed, f"{bad + len(p.failed)} failed requests {err}(bar: 0)")
    lab.verdict(not missed and took and max(took) <= 1000, f"{len(took)} of {len(written)} good files seen in answers, each within {max(took, default=0):.0f} ms (bar: all, 1000 ms)")
    lab.verdict(late <= early + 4 and g.poll() is None, f"memory {early:.1f} -> {late:.1f} MiB (bar: flat, +4)")
    lab.stop(g)


def downloads(a, hosts, probe, finish):
    lab.raise_descriptors(a.downloads * 2 + 1000)
    port = lab.free_port()
    small = lab.gateway(a.gateway, lab.write("small.json", good(port, 0, hosts, probe)))
    time.sleep(0.5)
    base = lab.rss(small.pid)
    lab.stop(small)
    lab.free(port)
    path = lab.write("gateway.json", good(port, 0, hosts, probe, a.filler))
    g = lab.gateway(a.gateway, path)
    time.sleep(0.5)
    generation_size = lab.rss(g.pid) - base
    open_ones = []
    for _ in range(a.downloads):
        s = socket.create_connection(("127.0.0.1", port), 10)
        s.sendall(b"GET /slow HTTP/1.1\r\nHost: bench\r\n\r\n")
        open_ones.append(s)
    heads = [s.recv(4096) for s in open_ones]
    time.sleep(0.5)
    before = lab.rss(g.pid)
    high, p = before, Probe(port)
    p.start()
    for generation in range(1, 31):
        replace(path, good(port, generation, hosts, probe, a.filler))
        g.send_signal(signal.SIGHUP)
        end = time.time() + 5
        while generation not in p.first and time.time() < end:
            time.sleep(0.01)
        time.sleep(0.1)
        high = max(high, lab.rss(g.pid))
    time.sleep(1)
    after = lab.rss(g.pid)
    p.stop = True
    p.join()
    finish()
    complete = 0
    for s, head in zip(open_ones, heads):
        s.settimeout(30)
        text = head
        try:
            while not text.endswith(b"0\r\n\r\n") and (piece := s.recv(65536)):
                text += piece
        except OSError:
            pass
        complete += text.startswith(b"HTTP/1.1 200") and b"the end" in text and text.endswith(b"0\r\n\r\n")
        s.close()
    lab.table(f"30 reloads of {a.filler} endpoints with {a.downloads} downloads open", ["MiB of a generation", "before", "highest", "after", "seen", "failed probes", "downloads whole"],
              [[generation_size, before, high, after, len(p.first), len(p.failed), complete]])
    # One generation is in "before"; a second one may be there, and for the moment of a reload the one that is being built.
    lab.verdict(after - before <= 1.1 * generation_size + 2, f"+{(after - before) / max(generation_size, 0.1):.1f} generations of {generation_size:.1f} MiB after 30 reloads (bar: at most one more)")
    lab.verdict(complete == a.downloads and not p.failed and len(p.first) >= 31, f"{complete} of {a.downloads} downloads whole, {len(p.failed)} failed requests, {len(p.first)} of 31 generations seen")
    lab.stop(g)


def main():
    a = lab.options(__doc__, seconds=(int, 30, "of reloads"), downloads=(int, 1000, "slow downloads"), filler=(int, 3000, "endpoints of the large configuration"),
                    only=(str, "load,downloads", "parts"))
    released = asyncio.Event()

    async def answer(path, headers, reader, writer):
        if path != "/slow":
            return await whole(writer, path.rsplit("/", 1)[1].encode(), "text/plain")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nbegin\n\r\n")
        while not released.is_set():
            writer.write(b"1\r\n.\r\n")
            await writer.drain()
            try:
                await asyncio.wait_for(released.wait(), 1)
            except asyncio.TimeoutError:
                pass
        writer.write(b"7\r\nthe end\r\n0\r\n\r\n")
        await writer.drain()

    b = Backend(answer)
    hosts = [lab.fixed_backend(str(n))[1] for n in (1500, 2500)]
    if "load" in a.only:
        full_load(a, hosts, b.port)
    if "downloads" in a.only:
        downloads(a, hosts, b.port, lambda: b.loop.call_soon_threadsafe(released.set))
    lab.done()


main()
