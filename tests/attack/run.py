#!/usr/bin/env python3
"""Runs the batteries of hostile clients and backends: tests/attack/run.py --gateway build/dev/gladius [--long] [--only TEXT]

Without --long a sample that takes a minute on a quiet machine (CI); with it everything, each split at every byte. Last line: "N passed, N failed".
With a sanitizer build set PROTOCOL_SLOW=4.
"""
import argparse
import os
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "protocol")]

import downgrade  # noqa: E402
import harness  # noqa: E402
import responses  # noqa: E402
import smuggling  # noqa: E402
from recorder import Recorder  # noqa: E402


class Run:
    def __init__(self, long):
        self.long, self.wrong, self.shown = long, 0, 0

    def report(self, text):
        self.wrong += 1
        if self.wrong <= 12:
            print("  WRONG: " + text[:1500], flush=True)

    def smuggling(self, make):
        recorder = Recorder()
        gateway = harness.Gateway(harness.usual_config(recorder.port), arguments=("--workers", "1"))
        battery = smuggling.Battery(gateway, recorder, self.report)
        try:
            n = battery.all(make())
            print("  %d connections, %d backend connections" % (n, recorder.connections()))
            for v in battery.victims:
                v.close()
            gateway.idle()
            gateway.check()
        finally:
            gateway.stop()
            recorder.stop()

    def smuggling_whole_noop(self):
        self.smuggling(lambda: smuggling.whole("n"))

    def smuggling_whole_json(self):
        self.smuggling(lambda: smuggling.whole("j"))

    def smuggling_whole_merged(self):
        self.smuggling(lambda: smuggling.whole("m"))

    def smuggling_split_noop(self):
        self.smuggling(lambda: smuggling.split("n", 1 if self.long else 7))

    def smuggling_split_json(self):
        self.smuggling(lambda: smuggling.split("j", 1 if self.long else 17))

    def smuggling_split_merged(self):
        self.smuggling(lambda: smuggling.split("m", 1 if self.long else 29))

    def smuggling_mutated(self):
        for pipe in ("n", "j"):
            self.smuggling(lambda: smuggling.mutated(pipe, 60000 if self.long else 3000, 1))

    def responses(self, pipe):
        process, port, played = responses.start()
        config = harness.usual_config(port)
        config["timeout"] = "800ms"
        gateway = harness.Gateway(config, arguments=("--workers", "1"))
        try:
            battery = responses.Battery(gateway, played, self.report)
            battery.all(pipe)
            print("  %d answers, %d victims" % (len(responses.NAMES), battery.asked))
            for v in battery.victims:
                v.close()
            gateway.idle()
            gateway.check()
        finally:
            gateway.stop()
            process.terminate()
            process.join()

    def downgrade_h2(self):
        recorder = Recorder()
        gateway = harness.Gateway(harness.usual_config(recorder.port, use_h2c=True), arguments=("--workers", "1"))
        try:
            print("  %d streams, %d backend connections" % (downgrade.run(gateway, recorder, self.report), recorder.connections()))
            gateway.idle()
            gateway.check()
        finally:
            gateway.stop()
            recorder.stop()

    def responses_noop(self):
        self.responses(b"n")

    def responses_json(self):
        self.responses(b"j")

    def responses_to_head(self):
        self.responses(b"head")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--long", action="store_true")
    a = parser.parse_args()
    harness.Gateway.binary = os.path.abspath(a.gateway)
    passed = failed = 0
    for name in [n for n in vars(Run) if "_" in n and not n.startswith("_")]:
        if a.only not in name:
            continue
        run, begin, error = Run(a.long), time.monotonic(), None
        print(name, flush=True)
        try:
            getattr(run, name)()
        except Exception:
            error = traceback.format_exc()
            print(error)
        bad = run.wrong or error
        passed, failed = passed + (not bad), failed + bool(bad)
        print("%s %s: %s (%.1f s)" % ("FAIL" if bad else "ok  ", name, "%d wrong" % run.wrong if bad else "as it shall be", time.monotonic() - begin), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
