#!/usr/bin/env python3
"""Floods of HTTP/2 against a gateway: tests/protocol/h2_floods.py --gateway build/release/gladius [--seconds 60] [--only NAME]

The attacker connects again at most once a second. For each flood: memory that the gateway grew by, requests that its backend saw, its share of a
core, answers that a neighbour got and missed, and whether a frame was handled after GOAWAY. Last line: "N passed, N failed".
"""
import argparse
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from h2 import (CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM,  # noqa: E402
                SETTINGS, WINDOW_UPDATE, H2Client, block, frame, literal, request, settings, u32)


def rapid_reset(n):
    return b"".join(frame(HEADERS, END_HEADERS | END_STREAM, i, request("/n/flood")) + frame(RST_STREAM, 0, i, u32(CANCEL)) for i in range(n, n + 200, 2)), n + 200


def late_reset(n):
    """The resets come in another packet, so that the requests are started."""
    heads = b"".join(frame(HEADERS, END_HEADERS | END_STREAM, i, request("/n/flood")) for i in range(n, n + 100, 2))
    return (heads, b"".join(frame(RST_STREAM, 0, i, u32(CANCEL)) for i in range(n, n + 100, 2))), n + 100


def continuation(n):
    if n == 1:
        return frame(HEADERS, END_STREAM, 1, request()), 3
    return frame(CONTINUATION, 0, 1, b"") * 100, n


def continuation_full(n):
    if n == 1:
        return frame(HEADERS, END_STREAM, 1, request()), 3
    return frame(CONTINUATION, 0, 1, literal("x-a", "y" * 16000)), n


def settings_flood(n):
    return frame(SETTINGS, 0, 0, settings((4, 65535), (1, 4096))) * 100, n


def settings_empty(n):
    return frame(SETTINGS, 0, 0, b"") * 100, n


def ping(n):
    return frame(PING, 0, 0, b"12345678") * 100, n


def priority(n):
    return b"".join(frame(PRIORITY, 0, i, u32(0) + b"\x10") for i in range(n, n + 200, 2)), n + 200


def window_update(n):
    return frame(WINDOW_UPDATE, 0, 0, u32(1)) * 100, n


def empty_data(n):
    if n == 1:
        return frame(HEADERS, END_HEADERS, 1, request("/n/flood", "POST")), 3
    return frame(DATA, 0, 1, b"") * 100, n


def padded_data(n):
    """Frames of padding only, on a closed stream."""
    if n == 1:
        return frame(HEADERS, END_HEADERS | END_STREAM, 1, request("/nowhere")), 3
    return frame(DATA, 8, 1, b"\x00") * 100, n


def unknown(n):
    return frame(99, 0, 0, b"") * 100, n


def hpack_bomb(n):
    """A large field in the table, then a block of references to it."""
    if n == 1:
        big = b"\x40" + literal("x-bomb", "b" * 4000)[1:]
        return frame(HEADERS, END_HEADERS | END_STREAM, 1, request("/nowhere") + big), 3
    return frame(HEADERS, END_HEADERS | END_STREAM, n, request("/nowhere") + b"\xbe" * 16000), n + 2


def many_fields(n):
    return frame(HEADERS, END_HEADERS | END_STREAM, n, request("/nowhere") + literal("a", "") * 4000), n + 2


def zero_window(n):
    """Answers that nobody takes."""
    if n == 1:
        return frame(SETTINGS, 0, 0, settings((4, 0))), 3
    return b"".join(frame(HEADERS, END_HEADERS | END_STREAM, i, request("/n/large")) for i in range(n, n + 200, 2)), n + 200


FLOODS = {f.__name__: f for f in (rapid_reset, late_reset, continuation, continuation_full, settings_flood, settings_empty, ping, priority,
                                  window_update, empty_data, padded_data, unknown, hpack_bomb, many_fields, zero_window)}


class Result:
    def __init__(self):
        self.goaway = self.after = self.grown = self.requests = self.neighbour_ok = self.neighbour_failed = self.connections = 0
        self.cpu = 0.0

    def __repr__(self):
        return str(self.__dict__)


def attack(port, make, end, result):
    """One connection: writes until the gateway ends it, and looks at what comes back."""
    c = H2Client(port, timeout=5, slow=harness.SLOW)
    c.open_windows = False
    reader_done = threading.Event()

    def read():
        try:
            c.everything(max(0.1, min(3.0, end - time.monotonic())))
        except (OSError, ValueError, KeyError):
            pass
        reader_done.set()
    threading.Thread(target=read, daemon=True).start()
    n, seen = 1, False
    try:
        c.sock.settimeout(5)
        while time.monotonic() < end and not c.ended and not reader_done.is_set():
            data, n = make(n)
            for part in data if isinstance(data, tuple) else (data,):
                c.send(part)
                if isinstance(data, tuple):
                    time.sleep(0.002)
            if c.goaways and not seen:
                seen = True
                time.sleep(0.01)  # what was written before it was read does not count as handled
                c.send(frame(PING, 0, 0, b"after it"))
    except OSError:
        pass
    reader_done.wait(3)
    if any(f.kind == GOAWAY and f.error == ENHANCE_YOUR_CALM for f in c.goaways):
        result.goaway += 1
    elif c.goaways:
        result.goaway += 1
    result.after += sum(1 for f in c.frames if f.kind == PING and f.payload == b"after it")
    result.connections += 1
    c.sock.close()


def run(g, backend, name, seconds):
    backend.on("/large", lambda conn, m: conn.ok(b"x" * 200000))
    r = Result()
    stop = threading.Event()

    def neighbour():
        while not stop.is_set():
            try:
                with g.client(timeout=5) as c:
                    for _ in range(20):
                        if c.ask(harness.get("/j/neighbour")).status == 200:
                            r.neighbour_ok += 1
                        else:
                            r.neighbour_failed += 1
                        time.sleep(0.02)
                        if stop.is_set():
                            return
            except Exception:  # noqa: BLE001 - whatever went wrong, an answer is missing
                r.neighbour_failed += 1
    t = threading.Thread(target=neighbour, daemon=True)
    t.start()
    time.sleep(0.3)
    backend.forget()
    before, cpu, begin, most = g.rss(), g.cpu_seconds(), time.monotonic(), 0
    watching = threading.Event()
    peak = [before]

    def watch():
        while not watching.wait(0.02):
            peak[0] = max(peak[0], g.rss())
    threading.Thread(target=watch, daemon=True).start()
    end = begin + seconds
    while time.monotonic() < end:
        next_one = time.monotonic() + 1
        attack(g.port, FLOODS[name], end, r)
        time.sleep(max(0, min(next_one, end) - time.monotonic()))
    took = time.monotonic() - begin
    r.cpu = (g.cpu_seconds() - cpu) / took
    r.requests = sum(1 for m in backend.requests() if m.target.startswith(("/flood", "/large")))
    watching.set()
    stop.set()
    t.join(10)
    r.grown = peak[0] - before
    return r


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", default="")
    a = parser.parse_args()
    harness.Gateway.binary = os.path.abspath(a.gateway)
    backend = harness.Backend()
    g = harness.Gateway(harness.usual_config(backend.port, use_h2c=True))
    passed = failed = 0
    print("%-18s %11s %9s %9s %8s %10s %7s %6s" % ("flood", "connections", "grown", "requests", "cores", "neighbour", "missed", "after"))
    for name in FLOODS:
        if a.only and a.only != name:
            continue
        r = run(g, backend, name, a.seconds)
        good = r.goaway and not r.after and r.grown <= 8 << 20 and r.cpu <= 0.25 and not r.neighbour_failed and r.neighbour_ok
        passed, failed = passed + bool(good), failed + (not good)
        print("%-18s %11d %6.1f MiB %9d %8.2f %10d %7d %6d%s" % (name, r.connections, r.grown / 1048576, r.requests, r.cpu, r.neighbour_ok,
                                                                  r.neighbour_failed, r.after, "" if good else "  FAILED"), flush=True)
    g.check()
    g.stop()
    backend.stop()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
