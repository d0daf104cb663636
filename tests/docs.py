#!/usr/bin/env python3
"""The examples of the documentation run: every ```json block of docs/ that is a whole configuration ("version": 3) is started before the
demo backend, and the ```console blocks that follow it say what they say. A line "$ curl ..." is run, what stands below is what it prints; a
line that ends in ... needs to begin so. A ```sh block that begins with "openssl" makes files for what follows on its page. The last line is 'N passed, N failed'.

usage: docs.py --gateway BIN [--only TEXT] [--show]    --show prints what the commands say, to write an example with
"""
import argparse
import glob
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)


def free_port():
    while True:
        p = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", p))
                return p
            except OSError:
                pass


def up(port, process):
    end = time.time() + 20
    while time.time() < end:
        if process.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return True
        except OSError:
            time.sleep(0.02)
    return False


def fits(want, got):
    want, got = want.strip("\n").split("\n"), got.replace("\r", "").strip("\n").split("\n")
    return len(want) == len(got) and all(g.startswith(w[:-3]) if w.endswith("...") else g == w for w, g in zip(want, got))


def end(process):
    if process and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--gateway", required=True)
    ap.add_argument("--only", default="")
    ap.add_argument("--show", action="store_true")
    a = ap.parse_args()
    gateway = os.path.abspath(a.gateway)
    good = bad = 0
    demo_port = free_port()
    demo = subprocess.Popen([gateway, "demo", "-p", str(demo_port)], stdout=subprocess.DEVNULL)
    up(demo_port, demo)
    env = {**os.environ, "KRAKEND_HOST": "http://127.0.0.1:%d" % demo_port}
    for page in sorted(glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True)):
        name = os.path.relpath(page, ROOT)
        if a.only not in name:
            continue
        process, port = None, 0
        folder = tempfile.mkdtemp()
        with open(page) as f:
            text = f.read()
        for m in FENCE.finditer(text):
            place = "%s:%d" % (name, text.count("\n", 0, m.start()) + 1)
            if m.group(1) == "json" and '"version": 3' in m.group(2):
                end(process)
                with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".json", delete=False) as f:
                    f.write(m.group(2))
                port = free_port()
                process = subprocess.Popen([gateway, "run", "-c", f.name, "-p", str(port)], env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                if up(port, process):
                    good += 1
                else:
                    bad += 1
                    print("FAIL %s does not start: %s" % (place, process.stdout.read().decode()[:2000]))
                    process = None
            elif m.group(1) == "sh" and m.group(2).startswith("openssl "):
                subprocess.run(["bash", "-ec", m.group(2)], cwd=folder, check=True, capture_output=True)
            elif m.group(1) == "console" and process:
                for command, want in re.findall(r"^\$ (curl .*)\n((?:(?!\$ ).*\n)*)", m.group(2), re.M):
                    got = subprocess.run(["bash", "-c", command.replace(":8080", ":%d" % port)], cwd=folder, capture_output=True, text=True, timeout=20).stdout
                    if a.show:
                        print("%s\n$ %s\n%s" % (place, command, got))
                    if fits(want, got):
                        good += 1
                    else:
                        bad += 1
                        print("FAIL %s: %s\n  says   %s\n  wanted %s" % (place, command, got.strip(), want.strip()))
        end(process)
        shutil.rmtree(folder)
    end(demo)
    print("%d passed, %d failed" % (good, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
