#!/usr/bin/env python3
"""Memory, and what large configurations cost. The parts, in this order, or those named with --only:

  idle         RSS with examples/quickstart/krakend.json                               bar: 8 MiB
  connections  10,000 idle client connections that each had one answer                 bar: +30 MiB
  endpoints    10,000 endpoints: start until it listens, memory, and the CPU cost of   bar: 300 ms, 60 MiB, and
               a request beside a configuration of 10                                       at most 1.05 x
  gzip         1 GiB that the backend compresses through a no-op endpoint              bar: +1 MiB
  json         1 MiB of JSON filtered to three fields, with Content-Length and in     bar: body + 64 KiB, 2 x body
               chunks: what one request adds
  budget       500 clients ask for 8 MiB JSON documents, gladius/limits max_memory     bar: bounded (+10 %), 503 for what
               256 MiB                                                                      does not fit, whole answers else
"""
import asyncio, collections, os, random, socket, statistics, struct, time, zlib
import lab
from backend import Backend, get, whole


def idle(a):
    port = lab.free_port()
    with open(os.path.join(lab.ROOT, "examples/quickstart/krakend.json")) as f:
        text = f.read()
    path = lab.write("quickstart.json", text)
    g = lab.start([a.gateway, "run", "-c", path, "-p", str(port)], lab.GATEWAY_CPU)
    if not lab.up(port):
        raise SystemExit("the gateway does not listen")
    time.sleep(1)
    lab.table("idle with the quickstart file", ["", "RSS MiB", "PSS MiB"], [["gladius", lab.rss(g.pid), lab.pss(g.pid)]])
    lab.verdict(lab.rss(g.pid) <= 8, f"{lab.rss(g.pid):.1f} MiB idle (bar: at most 8)")
    lab.stop(g)



def connections(a):
    lab.raise_descriptors(a.connections + 1000)
    port = lab.free_port()
    _, backend = lab.fixed_backend()
    g = lab.gateway(a.gateway, lab.config(port, [lab.endpoint("/noop", backend)]))
    time.sleep(0.5)
    before, open_before = lab.rss(g.pid), lab.descriptors(g.pid)
    open_ones = []
    for i in range(a.connections):  # several addresses, or the ports of one would run out
        s = socket.socket()
        s.bind((f"127.0.0.{2 + i % 20}", 0))
        s.settimeout(10)
        s.connect(("127.0.0.1", port))
        s.sendall(b"GET /noop HTTP/1.1\r\nHost: bench\r\n\r\n")
        open_ones.append(s)
        if len(open_ones) % 100 == 0:
            for s in open_ones[-100:]:
                if not s.recv(65536).startswith(b"HTTP/1.1 200"):
                    raise SystemExit("an answer was not 200")
    time.sleep(1)
    after = lab.rss(g.pid)
    there = lab.descriptors(g.pid) - open_before
    lab.table(f"{a.connections} idle connections", ["RSS before", "RSS with them", "KiB each", "descriptors"],
              [[before, after, (after - before) * 1024 / a.connections, there]])
    lab.verdict(after - before <= 30 and there >= a.connections, f"+{after - before:.1f} MiB for {a.connections} idle connections (bar: +30)")
    for s in open_ones:
        s.close()
    lab.stop(g)


def endpoints(a):
    _, backend = lab.fixed_backend()
    port = lab.free_port()

    def conf(n):
        return lab.config(port, [lab.endpoint(f"/service-{i % 97}/v{i % 3}/things-{i}/{{id}}/parts", backend, url=f"/t{i}/{{id}}") for i in range(n)])

    def script(name, chosen):
        requests = ", ".join(f'"GET /service-{i % 97}/v{i % 3}/things-{i}/42/parts HTTP/1.1\\r\\nHost: bench\\r\\n\\r\\n"' for i in chosen)
        return lab.write(name + ".lua", f"math.randomseed(7)\nlocal requests = {{ {requests} }}\nrequest = function() return requests[math.random(#requests)] end\n")

    files = {n: lab.write(f"endpoints{n}.json", conf(n)) for n in (10, a.endpoints)}
    runs = {(n, "the same ten"): script(f"ten{n}", range(0, n, n // 10)) for n in files}
    runs[a.endpoints, "all at random"] = script("all", range(a.endpoints))
    starts, memory, cost, bad = {n: [] for n in files}, {n: [] for n in files}, {r: [] for r in runs}, 0
    for _ in range(3):
        for n, path in files.items():
            lab.free(port)
            at = time.time()
            g = lab.start([a.gateway, "run", "-c", path], lab.GATEWAY_CPU)
            if not lab.up(port, 30, 0.002):
                raise SystemExit("the gateway does not listen")
            starts[n].append((time.time() - at) * 1000)
            time.sleep(0.5)
            memory[n].append(lab.rss(g.pid))
            for r in [r for r in runs if r[0] == n]:
                url = f"http://127.0.0.1:{port}/"
                lab.wrk(url, 1, 64, script=runs[r])
                used = lab.cpu(g.pid)
                requests, wrong, err, _ = lab.wrk(url, 4, 64, script=runs[r])
                cost[r].append((lab.cpu(g.pid) - used) / requests * 1e6)
                bad += wrong
            lab.stop(g)
    m = statistics.median
    few, many = files
    lab.table("number of endpoints, median of 3", ["endpoints", "asked for", "start ms", "RSS MiB", "cpu us/req"],
              [[n, which, int(m(starts[n])), m(memory[n]), m(cost[n, which])] for n, which in runs])
    ratio, cold = (m(cost[many, which]) / m(cost[few, "the same ten"]) for which in ("the same ten", "all at random"))
    lab.verdict(m(starts[many]) <= 300, f"listens after {m(starts[many]):.0f} ms with {many} endpoints (bar: 300)")
    lab.verdict(m(memory[many]) <= 60, f"{m(memory[many]):.1f} MiB with {many} endpoints (bar: 60)")
    lab.verdict(ratio <= 1.05 and not bad, f"a request costs {ratio:.2f} x of that with {few} endpoints (bar: at most 1.05 x; {cold:.2f} x when all are asked at random, "
                f"which is the processor's caches), {bad} bad answers")


def gzip(a):
    """Stored blocks in one gzip stream: cheap to make, and as long packed as unpacked."""
    block = random.Random(3).randbytes(65535)
    frame = b"\0" + struct.pack("<HH", len(block), len(block) ^ 0xffff) + block
    count = a.gzip_mib * 1048576 // len(block)
    crc = 0
    for _ in range(count):
        crc = zlib.crc32(block, crc)
    end = b"\1\0\0\xff\xff" + struct.pack("<II", crc, count * len(block) & 0xffffffff)

    async def answer(path, headers, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
                     b"a\r\n\x1f\x8b\x08\0\0\0\0\0\0\xff\r\n")
        sixteen = frame * 16
        for i in range(0, count, 16):
            data = sixteen if count - i >= 16 else frame * (count - i)
            writer.write(b"%x\r\n" % len(data) + data + b"\r\n")
            await writer.drain()
        writer.write(b"%x\r\n" % len(end) + end + b"\r\n0\r\n\r\n")
        await writer.drain()

    b = Backend(answer)
    port = lab.free_port()
    g = lab.gateway(a.gateway, lab.config(port, [lab.endpoint("/big", b.port, timeout="600s"),
                                                 lab.endpoint("/packed", b.port, timeout="600s", input_headers=["Accept-Encoding"])], write_timeout="0s"))
    time.sleep(0.5)
    rows, worst, wrong = [], 0, 0
    for path, headers in (("/big", ""), ("/packed", "Accept-Encoding: gzip\r\n")):
        before = high = lab.rss(g.pid)
        s, reply = get(port, path, 60, headers=headers)
        got, size, next_look, at, why = 0, 0, 0, time.time(), ""
        packed = reply.headers.get("content-encoding") == "gzip"
        unpack = zlib.decompressobj(31) if packed else None
        try:
            for piece in reply.body():
                piece = unpack.decompress(piece) if packed else piece
                got, size = zlib.crc32(piece, got), size + len(piece)
                if time.time() > next_look:
                    high, next_look = max(high, lab.rss(g.pid)), time.time() + 0.02
        except (OSError, ValueError) as e:
            why = f"{path} was cut: {e}"
        s.close()
        whole_one = got == crc and size == count * len(block)
        wrong += not whole_one
        worst = max(worst, high - before)
        if why:
            print(why)
        rows.append([path, "gzip" if packed else "unpacked", size // 1048576, f"{time.time() - at:.1f}", before, high, whole_one])
    lab.table("a large gzip answer through no-op", ["endpoint", "client saw", "MiB", "seconds", "RSS before", "RSS highest", "whole"], rows)
    lab.verdict(worst <= 1 and not wrong, f"+{worst:.2f} MiB while {a.gzip_mib} MiB passed (bar: +1), {wrong} answers not whole")
    lab.stop(g)
    b.stop_listening()


def json(a):
    """Over a smaller document first, so that what every request needs is there; then what the large one adds to the highest."""
    items = b",".join(b'{"name":"item %d","id":%d,"text":"%s","price":12.50}' % (i, i, b"y" * 40) for i in range(11000))
    document = b'{"total":7,"items":[' + items + b'],"page":1,"meta":{"took":12}}'

    async def answer(path, headers, reader, writer):
        body = document if "large" in path else b'{"total":7,"items":[],"page":1,"meta":{"took":12}}'
        if "chunked" not in path:
            await whole(writer, body)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 16384):
            piece = body[at:at + 16384]
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    b = Backend(answer)
    rows = []
    for kind, bar in (("length", len(document) + 64 * 1024), ("chunked", 2 * len(document))):
        port = lab.free_port()
        g = lab.gateway(a.gateway, lab.config(port, [{"endpoint": f"/{size}-{kind}", "backend": [{"url_pattern": f"/{size}-{kind}", "host": [f"http://127.0.0.1:{b.port}"],
                                                                                                  "allow": ["total", "page", "meta.took"]}]} for size in ("small", "large")]), name=kind)
        for _ in range(5):
            ask(port, f"/small-{kind}")
        before = lab.peak(g.pid)
        for _ in range(5):
            ask(port, f"/large-{kind}")
        added = (lab.peak(g.pid) - before) * 1048576
        rows.append([kind, len(document), int(added), int(bar)])
        lab.stop(g)
        lab.verdict(added <= bar, f"{kind}: a body of {len(document)} bytes added {int(added)} (bar: {int(bar)})")
    lab.table("1 MiB of JSON filtered to three fields, bytes", ["framing", "body", "added", "bar"], rows)
    b.stop_listening()


def ask(port, path):
    s, reply = get(port, path, 20)
    body = b"".join(reply.body())
    s.close()
    if reply.status != 200 or body != b'{"meta":{"took":12},"page":1,"total":7}':
        raise SystemExit(f"{path}: {reply.status} {body[:200]}")


def budget(a):
    limit = 256
    document = b'{"items":[' + b",".join(b'{"id":%d,"name":"item %d","text":"%s"}' % (i, i, b"x" * 150) for i in range(43000)) + b"]}"

    async def answer(path, headers, reader, writer):
        await whole(writer, document if path == "/document" else b'{"small":true}')

    b = Backend(answer)
    port = lab.free_port()
    conf = lab.config(port, [{"endpoint": p, "timeout": "60s", "backend": [{"url_pattern": p, "host": [f"http://127.0.0.1:{b.port}"]}]} for p in ("/document", "/small")],
                      extra={"gladius/limits": {"max_memory": f"{limit}MiB"}})
    g = lab.gateway(a.gateway, conf)
    time.sleep(0.5)
    before, outcome, high = lab.rss(g.pid), collections.Counter(), [0]
    clients = 500

    async def client():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 18)
            writer.write(b"GET /document HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            size = 0
            while piece := await reader.read(1 << 18):
                size += len(piece)
                await asyncio.sleep(0.01)  # a client on a slow line
            writer.close()
            status = head[9:12]
            if status == "200":
                status = "200 whole" if size >= len(document) else "200 cut"
            outcome[status] += 1
        except (OSError, asyncio.IncompleteReadError) as e:
            outcome[type(e).__name__] += 1

    async def all_clients():
        async def watch():
            while True:
                high[0] = max(high[0], lab.rss(g.pid))
                await asyncio.sleep(0.05)

        w = asyncio.create_task(watch())
        await asyncio.wait_for(asyncio.gather(*(client() for _ in range(clients))), 180)
        w.cancel()

    asyncio.run(all_clients())
    time.sleep(1)
    try:
        s, reply = get(port, "/small", 5)
        after = f"{reply.status}"
        s.close()
    except OSError as e:
        after = str(e)
    lab.table(f"{clients} clients, documents of {len(document) / 1048576:.1f} MiB, {limit} MiB allowed", ["RSS before", "highest", "after", "then"], [[before, high[0], lab.rss(g.pid), after]])
    print("  answers:", dict(outcome))
    lab.verdict(high[0] <= limit * 1.1, f"at most {high[0]:.0f} MiB with {limit} allowed (bar: +10 %)")
    lab.verdict(set(outcome) <= {"200 whole", "503"} and outcome["200 whole"] and outcome["503"] and g.poll() is None and after == "200",
                "whole answers or 503, some of both, and the gateway still serves")
    lab.stop(g)
    b.stop_listening()


PARTS = {"idle": idle, "connections": connections, "endpoints": endpoints, "gzip": gzip, "json": json, "budget": budget}


def main():
    a = lab.options(__doc__, only=(str, ",".join(PARTS), "parts"), connections=(int, 10000, "idle connections"), endpoints=(int, 10000, "endpoints"),
                    gzip_mib=(int, 1024, "MiB of the large answer"))
    for name in a.only.split(","):
        PARTS[name](a)
    lab.done()


main()
