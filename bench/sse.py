#!/usr/bin/env python3
"""Server-sent events through a no-op endpoint: the backend sends the next event only when the client has the one before, so
an event that is held back anywhere stops the stream. With and without gzip by the backend (flushed after each event).

Bar: every event arrives before the next is sent, within 100 ms.
"""
import asyncio, statistics, time, zlib
import lab
from backend import Backend, get


def main():
    a = lab.options(__doc__, events=(int, 300, "events of a stream"))
    seen = asyncio.Event()
    sent, was_packed = {}, {}

    async def answer(path, headers, reader, writer):
        packed = path == "/gzip" and "gzip" in headers.get("accept-encoding", "")
        was_packed[path] = packed
        z = zlib.compressobj(6, zlib.DEFLATED, 31)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n" + b"Content-Encoding: gzip\r\n" * packed + b"\r\n")
        for i in range(a.events):
            event = b"id: %d\ndata: {\"tick\":%d}\n\n" % (i, i * 7919)
            data = z.compress(event) + z.flush(zlib.Z_SYNC_FLUSH) if packed else event
            seen.clear()
            sent[i] = time.perf_counter()
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            await writer.drain()
            await asyncio.wait_for(seen.wait(), 2)
        data = z.flush() if packed else b""
        writer.write((b"%x\r\n%s\r\n" % (len(data), data) if data else b"") + b"0\r\n\r\n")
        await writer.drain()
        return False

    b = Backend(answer)
    port = lab.free_port()
    lab.gateway(a.gateway, lab.config(port, [lab.endpoint(p, b.port, url=p, timeout="120s") for p in ("/plain", "/gzip")]))
    rows = []
    for path in ("/plain", "/gzip"):
        s, reply = get(port, path, 5)
        text, times, why = b"", [], ""
        try:
            for piece in reply.body():
                text += piece
                while b"id: %d\n" % len(times) in text and text.endswith(b"\n\n"):
                    times.append((time.perf_counter() - sent[len(times)]) * 1e6)
                    b.loop.call_soon_threadsafe(seen.set)
        except (OSError, ValueError) as e:
            why = f"{type(e).__name__}: {e}"
        s.close()
        ended = len(times) == a.events and not why and was_packed[path] == (path == "/gzip") and reply.headers.get("content-encoding") is None
        rows.append([path, reply.status, len(times), int(statistics.median(times)) if times else "-", int(max(times)) if times else "-", ended])
        lab.verdict(ended and max(times) < 100000, f"{path}: {len(times)} of {a.events} events, each before the next was sent {why}")
    lab.table("microseconds from the backend's write to the client's read", ["stream", "status", "events", "median", "longest", "whole, packed only behind"], rows)
    lab.done()


main()
