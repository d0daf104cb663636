#!/usr/bin/env python3
"""Backends that misbehave at load. Each request names what its backend shall do (/mode/id), so the client knows what it may get:
a correct answer of its own (the body is derived from the id), or a clean 5xx within the endpoint's timeout; through the no-op
endpoint also a visibly cut answer where the backend cut it. Meanwhile wrk keeps the good path busy, and in the last third the
backend restarts again and again.

Bars: no wrong or foreign answer, none late, none missing; no descriptor left over; memory flat; the same process still serves.
"""
import asyncio, collections, hashlib, random, socket, struct, threading, time
import lab
from backend import Backend, get

TIMEOUT = 1.0


def body_of(name):
    seed = hashlib.sha256(name.encode()).hexdigest()
    return (f'{{"id":"{name}","pad":"' + seed * (1 + int(seed[:2], 16) % 40) + '"}').encode()


def head_of(body, more=""):
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode()


async def answer(path, headers, reader, writer):
    mode, name = path.split("/")[-2:]
    body = body_of(name)
    send = writer.write
    if mode == "ok":
        send(head_of(body) + body)
    elif mode == "chunked":
        send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
             b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 97]), body[i:i + 97]) for i in range(0, len(body), 97)) + b"0\r\n\r\n")
    elif mode == "drip":
        data = head_of(body) + body
        step = len(data) // 12 + 1
        for i in range(0, len(data), step):
            send(data[i:i + step])
            await asyncio.sleep(0.01)
    elif mode == "last":  # answers, then closes without having said so
        send(head_of(body) + body)
        await writer.drain()
        return False
    elif mode == "continue":
        send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + head_of(body) + body)
    elif mode == "until-close":
        send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)
        await writer.drain()
        return False
    elif mode == "kill":
        return False
    elif mode == "reset":
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False
    elif mode == "stall":
        await asyncio.sleep(TIMEOUT * 4)
        return False
    elif mode == "half-head":
        send(head_of(body)[:30])
        await writer.drain()
        writer.write_eof()
        await asyncio.sleep(0.2)
        return False
    elif mode == "half-body":
        send(head_of(body) + body[:len(body) // 2])
        await writer.drain()
        return False
    elif mode == "half-chunk":
        send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body[:len(body) // 2])
        await writer.drain()
        return False
    elif mode == "stall-body":
        send(head_of(body) + body[:len(body) // 2])
        await writer.drain()
        await asyncio.sleep(TIMEOUT * 4)
        return False
    elif mode == "garbage":
        send(random.Random(name).randbytes(700))
        await writer.drain()
        return False
    elif mode == "smtp":
        send(b"220 mail.example.test ESMTP\r\n")
    elif mode == "two-lengths":
        send(head_of(body, f"Content-Length: {len(body) + 3}\r\n") + body)
    elif mode == "bad-chunk":
        send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + body + b"\r\n0\r\n\r\n")
    elif mode == "huge-head":
        send(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"y" * (8 << 20) + b"\r\n\r\n")
        await writer.drain()
        return False
    elif mode == "extra":  # bytes after the answer that nobody asked for: the connection must not be used again
        foreign = body_of("foreign")
        send(head_of(body) + body + head_of(foreign) + foreign)
    else:
        send(head_of(body) + body)
    await writer.drain()


GOOD = ["ok", "chunked", "drip", "last", "continue", "until-close", "extra"]
CUT = ["half-body", "half-chunk", "stall-body", "bad-chunk"]  # the head was good: no-op has passed it on
BAD = ["kill", "reset", "stall", "half-head", "garbage", "smtp", "two-lengths", "huge-head"]


async def ask(port, pipe, mode, name):
    """What came, in one word: correct, 5xx, cut, or what is wrong with it."""
    at = time.time()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    except OSError as e:
        return f"WRONG no connection: {e}", 0
    try:
        writer.write(f"GET /{pipe}/{mode}/{name} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        try:
            head = "HTTP/1.1 1"
            while head.startswith("HTTP/1.1 1"):  # interim answers may be passed on
                head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT * 4)).decode("latin-1")
        except asyncio.IncompleteReadError as e:
            return f"WRONG connection closed after {len(e.partial)} bytes of a head", time.time() - at
        status = int(head[9:12])
        fields = {k.lower(): v.strip() for k, v in (l.split(":", 1) for l in head.split("\r\n")[1:] if ":" in l)}
        body = b""
        try:
            if fields.get("transfer-encoding") == "chunked":
                while n := int((await asyncio.wait_for(reader.readuntil(b"\r\n"), TIMEOUT * 4)).split(b";")[0], 16):
                    body += (await asyncio.wait_for(reader.readexactly(n + 2), TIMEOUT * 4))[:-2]
                await reader.readexactly(2)
            elif "content-length" in fields:
                body = await asyncio.wait_for(reader.readexactly(int(fields["content-length"])), TIMEOUT * 4)
            else:
                body = await asyncio.wait_for(reader.read(-1), TIMEOUT * 4)
        except (asyncio.IncompleteReadError, ConnectionError):
            took = time.time() - at
            return ("cut" if pipe == "noop" and mode in CUT else "WRONG cut answer"), took
        took = time.time() - at
        if 500 <= status <= 599:
            return "5xx", took
        if status != 200:
            return f"WRONG status {status}", took
        if body == body_of(name):  # json: the same bytes, since the document is canonical
            return "correct", took
        return f"WRONG body of {len(body)} bytes: {body[:50]!r}", took
    except asyncio.TimeoutError:
        return "WRONG no answer in four times the timeout", time.time() - at
    except (OSError, ValueError, asyncio.IncompleteReadError) as e:
        return f"WRONG {type(e).__name__}: {e}", time.time() - at
    finally:
        writer.close()


def main():
    a = lab.options(__doc__, seconds=(int, 30, "of chaos"), clients=(int, 48, "clients at a time"), seed=(int, 1, "of the choice of modes"))
    lab.raise_descriptors(8000)
    b = Backend(answer)
    _, calm = lab.fixed_backend()
    port = lab.free_port()
    timeout = f"{int(TIMEOUT * 1000)}ms"
    target = {"url_pattern": "/{mode}/{id}", "host": [f"http://127.0.0.1:{b.port}"]}
    conf = lab.config(port, [
        lab.endpoint("/calm", calm),
        {"endpoint": "/noop/{mode}/{id}", "output_encoding": "no-op", "timeout": timeout, "backend": [target]},
        {"endpoint": "/json/{mode}/{id}", "timeout": timeout, "backend": [target]}])
    g = lab.gateway(a.gateway, conf)
    for pipe in ("noop", "json"):
        s, reply = get(port, f"/{pipe}/ok/first")
        body = b"".join(reply.body())
        s.close()
        if reply.status != 200 or body != body_of("first"):
            raise SystemExit(f"the {pipe} endpoint does not even serve a good backend: {reply.status} {body[:200]!r}")
    lab.wrk(f"http://127.0.0.1:{port}/calm", 1, 32)
    time.sleep(1)
    descriptors, memory = lab.descriptors(g.pid), lab.rss(g.pid)
    outcome, slowest, wrong, restarts, lost = collections.Counter(), collections.Counter(), [], [], []
    restarting = [False]
    end = time.time() + a.seconds
    calm_result = []
    load = threading.Thread(target=lambda: calm_result.append(lab.wrk(f"http://127.0.0.1:{port}/calm", a.seconds, 16)))
    load.start()

    async def client(n):
        choose, i = random.Random(a.seed * 1000 + n), 0
        while time.time() < end:
            i += 1
            pipe, mode = choose.choice(["noop", "json"]), choose.choice(GOOD * 6 + CUT + BAD)
            what, took = await ask(port, pipe, mode, f"{n}-{i}")
            if what.startswith("WRONG cut") and pipe == "noop" and restarting[0]:
                what = "cut"  # the restart has cut the backend's answer
            if what.startswith("WRONG") or took > TIMEOUT + 0.5:
                wrong.append(f"{pipe}/{mode}: {what} after {took:.2f} s")
            if what == "correct" and mode in BAD + CUT:
                wrong.append(f"{pipe}/{mode}: a correct answer is not possible")
            outcome[pipe, mode, what.split(" ")[0]] += 1
            slowest[pipe, mode] = max(slowest[pipe, mode], took)
            if what == "5xx" and mode in GOOD and not restarting[0]:
                lost.append(f"{pipe}/{mode}")

    async def restarter():
        await asyncio.sleep(a.seconds * 0.66)
        restarting[0] = True
        while time.time() < end - 1:
            await asyncio.to_thread(b.stop_listening)
            await asyncio.sleep(0.1)
            await asyncio.to_thread(b.listen)
            restarts.append(time.time())
            await asyncio.sleep(0.4)

    async def everyone():
        await asyncio.gather(restarter(), *(client(n) for n in range(a.clients)))

    asyncio.run(everyone())
    load.join()
    b.stop_listening()
    until = time.time() + 15
    while time.time() < until and lab.descriptors(g.pid) > descriptors:
        time.sleep(0.2)
    left, high = lab.descriptors(g.pid), lab.rss(g.pid)
    words = ["correct", "5xx", "cut", "WRONG"]
    rows = [[f"{pipe} {mode}", *(outcome[pipe, mode, w] for w in words), f"{slowest[pipe, mode] * 1000:.0f}"] for pipe in ("noop", "json") for mode in GOOD + CUT + BAD]
    lab.table(f"{sum(outcome.values())} requests, {len(restarts)} restarts of the backend, timeout {timeout}", ["pipe and mode", *words, "slowest ms"], rows)
    for w, n in collections.Counter(wrong).most_common(12):
        print(f"  {n} x {w}")
    n, bad, err, _ = calm_result[0]
    s, reply = get(port, "/calm")
    s.close()
    good = sum(outcome[p, m, w] for p in ("noop", "json") for m in GOOD for w in words)
    lab.verdict(not wrong, f"{len(wrong)} wrong, late or missing answers (bar: 0)")
    lab.verdict(len(lost) <= 0.001 * good, f"{len(lost)} of {good} answers of a good backend lost while it was up {dict(collections.Counter(lost))} (bar: 0.1 %)")
    lab.verdict(not bad and not err, f"{bad} of {n} requests to a calm neighbour failed {err}(bar: 0)")
    lab.verdict(left <= descriptors, f"descriptors {descriptors} before, {left} after (bar: none left over)")
    lab.verdict(high <= memory + 8 and reply.status == 200 and g.poll() is None, f"memory {memory:.1f} -> {high:.1f} MiB (bar: +8), and the same process still serves")
    lab.done()


main()
