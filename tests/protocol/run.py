#!/usr/bin/env python3
"""Runs the protocol tests against a gateway binary: tests/protocol/run.py --gateway build/release/gladius [--only TEXT] [--jobs N]

Every file test_*.py runs in a process of its own, with a gateway and a backend of its own. Last line: "N passed, N failed". With a sanitizer
build set PROTOCOL_SLOW=4.
"""
import argparse
import glob
import importlib
import multiprocessing
import os
import queue
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def run_file(name, binary, only, verbose, results):
    sys.stdout.flush()
    import harness
    harness.Gateway.binary = binary
    try:
        module = importlib.import_module(name)
    except Exception:
        results.put((name, "import", traceback.format_exc(), 0.0))
        return
    env = harness.Env()
    for test in [n for n in vars(module) if n.startswith("test_")]:
        if only and only not in name + "." + test:
            continue
        fn = getattr(module, test)
        begin = time.monotonic()
        error = None
        for step in (lambda: fn(env), lambda: env.after_test(getattr(fn, "ends", False))):
            try:
                step()
            except BaseException:
                error = (error or "") + traceback.format_exc()
        results.put((name, test, error, time.monotonic() - begin))
    env.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--verbose", action="store_true")
    a = parser.parse_args()
    binary = os.path.abspath(a.gateway)
    waiting = sorted(os.path.basename(p)[:-3] for p in glob.glob(os.path.join(HERE, "test_*.py")))
    results = multiprocessing.Queue()
    running, passed, failed = [], 0, 0
    begin = time.monotonic()
    while waiting or running or not results.empty():
        while waiting and len(running) < a.jobs:
            p = multiprocessing.Process(target=run_file, args=(waiting.pop(0), binary, a.only, a.verbose, results))
            p.start()
            running.append(p)
        try:
            name, test, error, took = results.get(timeout=0.2)
            if error:
                failed += 1
                print("FAIL %s.%s (%.1f s)\n%s" % (name, test, took, error), flush=True)
            else:
                passed += 1
                if a.verbose:
                    print("ok   %s.%s (%.1f s)" % (name, test, took), flush=True)
        except queue.Empty:
            pass
        for p in list(running):
            if not p.is_alive():
                if p.exitcode:
                    failed += 1
                    print("FAIL a test process ended with %d" % p.exitcode)
                running.remove(p)
    print("%.0f s" % (time.monotonic() - begin))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
