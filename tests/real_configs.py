#!/usr/bin/env python3
"""Runs configurations that people really use: what `check`, `check -t` and a short `run` say of each file is held against
what the reference said of it (index.json beside the files).

A file whose protections this build does not have must be refused, by all three, with each of them named; started with
--allow-unsupported it must behave as the reference did. Made-up protections (files 20, 49 and 72) must always be refused.
What is built is asked of the gateway itself, one component at a time, so that this file needs no list of it.

usage: real_configs.py --gateway PATH [--only TEXT] [--verbose] [FOLDER]
FOLDER holds the files and index.json (default: ../shared/real-configs beside the project; without it nothing is done).
The last line is 'N passed, N failed'. Python 3.11 standard library only.
"""
import argparse, http.client, json, os, random, signal, socket, subprocess, sys, tempfile, time

MADE_UP = {"20", "49", "72"}
# Where this gateway cannot know what the reference found out at its start, because the part that would is not built.
NEEDS_A_FEATURE = {"validator-cache-with-local-keys", "validator-key-file-missing"}
REASONS = ("is not built yet", "is no namespace", "is not how", "does nothing at")
ENV = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


def free_port():
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("0.0.0.0", port))
                return port
            except OSError:
                pass


class Gateway:
    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.asked = {}

    def check(self, file, *options):
        p = subprocess.run([self.path, "check", *options, "-c", file], cwd=os.path.dirname(file), env=ENV, capture_output=True,
                           text=True, errors="replace", timeout=60)
        return p.returncode, p.stdout + p.stderr

    def run(self, file, *options):
        """(whether it served, its answer to /__health, its exit status, what it said)"""
        port = free_port()
        with tempfile.TemporaryFile() as log:
            p = subprocess.Popen([self.path, "run", *options, "-p", str(port), "-c", file], cwd=os.path.dirname(file), env=ENV,
                                 stdout=log, stderr=subprocess.STDOUT)
            served, health = False, None
            until = time.monotonic() + 10
            while p.poll() is None and time.monotonic() < until and not served:
                try:
                    c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                    c.request("GET", "/__health")
                    health, served = c.getresponse().status, True
                    c.close()
                except OSError:
                    time.sleep(0.02)
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
            try:
                status = p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                status = "did not end after SIGTERM"
                p.wait()
            log.seek(0)
            return served, health, status, log.read().decode(errors="replace")

    def refuses(self, level, name, value):
        """Whether a file with nothing but this component is refused for what would be unprotected."""
        key = json.dumps([level, name, value])
        if key not in self.asked:
            extra = {"extra_config": {name: value}}
            backend = {"url_pattern": "/", "host": ["http://h.test"], **(extra if level == "backend" else {})}
            endpoint = {"endpoint": "/a", "backend": [backend], **(extra if level == "endpoint" else {})}
            with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
                json.dump({"version": 3, "endpoints": [endpoint], **(extra if level == "service" else {})}, f)
                f.flush()
                status, said = self.check(f.name)
            errors = [line for line in said.splitlines() if ": error: " in line]
            self.asked[key] = status != 0 and any(r in line for line in errors for r in REASONS)
        return self.asked[key]


def components(doc):
    """(level, name, value) of every component of a configuration"""
    def of(level, obj):
        extra = obj.get("extra_config") if isinstance(obj, dict) else None
        if isinstance(extra, dict):
            for name, value in extra.items():
                yield level, name, value

    yield from of("service", doc)
    for e in doc.get("endpoints") or []:
        yield from of("endpoint", e)
        for b in e.get("backend") or []:
            yield from of("backend", b)


def checks_of(entry, folder, gateway):
    """Yields (what was looked at, None or what is wrong)."""
    number, file = entry["file"][:2], os.path.join(folder, entry["file"])
    there = {"check": entry["check"]["verdict"] == "ok", "check -t": entry["check_t"]["verdict"] == "ok",
             "run": entry["run"]["starts"]}
    try:
        with open(file, encoding="utf-8") as f:
            doc = json.load(f)
    except ValueError:
        doc = {}
    refused = sorted({name for level, name, value in components(doc) if gateway.refuses(level, name, value)}) if there["check"] else []
    plain = gateway.check(file, "--allow-unsupported")
    if there["check"] and entry["format"] != "json" and "is not supported yet" in plain[1]:
        yield "another format", None
        return

    def got(what, *options):
        if what == "run":
            served, health, status, said = gateway.run(file, *options)
            if served and status != 0:
                return served, said, f"ended with {status} after SIGTERM"
            if served and health != entry["run"].get("health_status", health):
                return served, said, f"/__health answered {health}, the reference {entry['run']['health_status']}"
            if not served and status == 0:
                return served, said, "did not serve and ended with 0"
            return served, said, None
        status, said = gateway.check(file, *(["-t"] if what == "check -t" else []), *options)
        if status not in (0, 1) or (status == 0) != ("Syntax OK!" in said):
            return status == 0, said, f"ended with {status}"
        return status == 0, said, None

    for what in ("check", "check -t", "run"):
        good, said, wrong = got(what)
        if not wrong and number in MADE_UP and good:
            wrong = "accepts made-up protections"
        if not wrong and refused and good:
            wrong = f"accepts {', '.join(refused)}"
        if not wrong and (missing := [n for n in refused if n not in said]):
            wrong = f"does not name {', '.join(missing)}"
        if not wrong and not refused and number not in MADE_UP and good != there[what]:
            wrong = f"{'accepts' if good else 'refuses'} what the reference {'accepts' if there[what] else 'refuses'}"
        yield what, wrong and f"{wrong}\n{said[-1500:]}"
    if not refused or number in MADE_UP:
        return
    for what in ("check", "check -t", "run"):
        if what == "run" and entry["run"].get("kind") in NEEDS_A_FEATURE:
            continue
        good, said, wrong = got(what, "--allow-unsupported")
        if not wrong and good != there[what]:
            wrong = f"{'accepts' if good else 'refuses'} what the reference {'accepts' if there[what] else 'refuses'}"
        yield f"{what} --allow-unsupported", wrong and f"{wrong}\n{said[-1500:]}"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gateway", required=True)
    p.add_argument("--only", default="")
    p.add_argument("--verbose", action="store_true")
    p.add_argument("folder", nargs="?", default=os.path.join(here, "..", "..", "shared", "real-configs"))
    a = p.parse_args()
    folder = os.path.abspath(a.folder)
    if not os.path.exists(os.path.join(folder, "index.json")):
        print(f"no index.json in {a.folder}: nothing to compare with (give the folder as argument)")
        print("0 passed, 0 failed")
        return 0
    with open(os.path.join(folder, "index.json"), encoding="utf-8") as f:
        entries = [e for e in json.load(f)["files"] if a.only in e["file"]]
    gateway = Gateway(a.gateway)
    good = bad = 0
    for e in entries:
        for what, wrong in checks_of(e, folder, gateway):
            if wrong:
                bad += 1
                print(f"FAIL {e['file']}: {what}: {wrong}")
            else:
                good += 1
                if a.verbose:
                    print(f"ok   {e['file']}: {what}")
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
