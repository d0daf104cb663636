#!/usr/bin/env python3
"""Replays all conformance cases in parallel and holds the result against what is expected of the build.

not_yet.txt lists what is not expected to pass yet, one line each: a case file (relative to cases/), or FILE#STEP for
one step or check of it. The list only shrinks: a listed case of which everything passes, and a listed step that passes,
is a failure that says "take it off the list". disputed.json lists {"file", "step", "why"}: recorded answers which we
deliberately do not give; they count neither way, and docs/differences.md has to explain each.

cases-own/ holds further cases of ours, mostly differences that tests/differential found; they are named own/FILE and
all have to pass.

usage: replay.py --gateway PATH [--jobs N] [--only TEXT] [--cases DIR] [--list FILE] [--shrink] [--verbose]
--shrink takes what passes now off not_yet.txt.

A case with a time in it (within_ms, or answers that are delayed on purpose) gets a second try alone, when the others
are through, because its bounds were recorded on a machine that did nothing else; the second try is printed.
Sanitizers write their reports into files here, so that leaks reported at the end of a process count too.
Python 3.11 standard library only.
"""
import argparse, ctypes, glob, json, multiprocessing, multiprocessing.connection, os, shutil, signal, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "cases")
OWN = os.path.join(HERE, "cases-own")
sys.path.insert(0, HERE)
import conformance

CASE_SECONDS = 150
PR_SET_CHILD_SUBREAPER = 36


class Stop(Exception):
    """Enough is known of the case."""


def timed(doc):
    steps = [s for d in [doc, *doc.get("runs", [])] for s in d.get("steps", [])]
    routes = doc.get("routes", []) + [r for b in doc.get("backends", []) for r in b.get("routes", [])]
    return any(k in s for s in steps for k in ("within_ms", "term_after_ms", "wait_ms", "settle_ms")) or any(
        "delay_ms" in r or "body_delay_ms" in r for r in routes)


def replay(job, answer):
    """One case, in a process of its own: sends (checks passed, {name of a failed check: what was said}, seconds)."""
    path, gateway, stop_early = job
    failures, said, good = {}, [], 0

    def listen(*text, **_):
        line = " ".join(str(t) for t in text)
        if line.startswith("FAIL "):
            check = line.split("\n")[0].split(": ", 1)[1]
            said.append(failures.setdefault(check, []))
            if stop_early:
                raise Stop
        if said and not line.startswith("ok "):
            said[-1].append(line)

    def late(*_):
        raise TimeoutError(f"the case did not end within {CASE_SECONDS} s")

    conformance.print = listen
    signal.signal(signal.SIGALRM, late)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.alarm(CASE_SECONDS)
    at = time.time()
    try:
        with open(path) as f:
            doc = json.load(f)
        parts = [{**doc, **r, "exits": True} for r in doc["runs"]] if "runs" in doc else [doc]
        for part in parts:
            good += conformance.play(path, part, part, gateway, "run", True)[0]
    except Stop:
        pass
    except Exception as e:  # the runner could not play the case: that is a failure of the case, whatever it is
        failures["the case itself"] = [f"FAIL {path}: {type(e).__name__}: {e}"]
    finally:
        signal.alarm(0)
    answer.send((good, failures, time.time() - at))


def replay_all(jobs, at_once):
    """Yields (file, result of replay) as the cases end; at most at_once run at a time."""
    todo, running = list(reversed(jobs.items())), {}
    try:
        while todo or running:
            while todo and len(running) < at_once:
                name, job = todo.pop()
                mine, theirs = multiprocessing.Pipe(duplex=False)
                process = multiprocessing.Process(target=replay, args=(job, theirs))
                process.start()
                theirs.close()
                running[mine] = (name, process)
            for end in multiprocessing.connection.wait(list(running)):
                name, process = running.pop(end)
                try:
                    result = end.recv()
                except EOFError:
                    result = (0, {"the case itself": [f"FAIL {name}: its runner ended without a result"]}, 0)
                process.join()
                yield name, result
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.join(10)


def read_list(path):
    """not_yet.txt as {file: None (all of it) or a set of steps}."""
    out = {}
    with open(path) as f:
        for line in f:
            line = line.strip()
            if not line or line.startswith("//"):
                continue
            name, _, step = line.partition("#")
            if not step:
                out[name] = None
            elif out.setdefault(name, set()) is not None:
                out[name].add(step)
    return out


def shrink(path, done):
    with open(path) as f:
        lines = f.readlines()
    with open(path, "w") as f:
        f.writelines(l for l in lines if l.strip() not in done)


def sanitizer_reports(folder):
    for kind in ("ASAN", "UBSAN", "TSAN", "LSAN"):
        key = kind + "_OPTIONS"
        os.environ[key] = ":".join(x for x in (os.environ.get(key), f"log_path={folder}/{kind.lower()}") if x)


def end_children():
    """Ends what is left of the processes this run started: as a subreaper it has adopted them."""
    with open(f"/proc/self/task/{os.getpid()}/children") as f:
        left = [int(p) for p in f.read().split()]
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--gateway", required=True)
    ap.add_argument("--jobs", type=int, default=min(4, 2 * (os.cpu_count() or 1)))
    ap.add_argument("--only", default="", help="only case files whose name contains this")
    ap.add_argument("--cases", default=CASES)
    ap.add_argument("--list", default=os.path.join(HERE, "not_yet.txt"))
    ap.add_argument("--shrink", action="store_true")
    ap.add_argument("--verbose", action="store_true", help="print failures of what is not expected to pass, too")
    a = ap.parse_args()
    gateway = os.path.abspath(a.gateway)
    if not os.access(gateway, os.X_OK):
        print(f"replay: there is no gateway at {a.gateway}; build it first: bash scripts/build.sh dev gladius")
        print("0 passed, 1 failed")
        return 1
    not_yet = read_list(a.list)
    with open(os.path.join(HERE, "disputed.json")) as f:
        disputed = {(d["file"], d["step"]): d["why"] for d in json.load(f)}
    docs, jobs = {}, {}
    roots = [(a.cases, "")] + ([(OWN, "own")] if a.cases == CASES else [])
    for root, path in [(r, p) for r in roots for p in conformance.files([r[0]])]:
        name = os.path.join(root[1], os.path.relpath(path, root[0]))
        if a.only not in name:
            continue
        with open(path) as f:
            docs[name] = json.load(f)
        whole = name in not_yet and not_yet[name] is None
        jobs[name] = (path, gateway, whole and not a.verbose)
    jobs = dict(sorted(jobs.items(), key=lambda j: not timed(docs[j[0]])))  # the long ones first

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    reports = tempfile.mkdtemp(prefix="gladius-sanitizer-")
    sanitizer_reports(reports)
    at = time.time()
    try:
        results = dict(replay_all(jobs, max(1, a.jobs)))
        again = {n: j for n, j in jobs.items() if timed(docs[n]) and not_yet.get(n, set()) is not None
                 and set(results[n][1]) - not_yet.get(n, set())}
        for name, result in replay_all(again, 1):
            print(f"again {name}: alone, {len(results[name][1])} failed before and {len(result[1])} now")
            results[name] = result
    finally:
        end_children()

    good = bad = expected = 0
    done = set()
    for name in sorted(results):
        passed, failures, _ = results[name]
        listed = not_yet.get(name, set())
        if listed is None:
            if failures:
                expected += 1
                if a.verbose:
                    print("\n".join(l for f in failures.values() for l in f))
            else:
                done.add(name)
                good += passed
            continue
        good += passed
        for check, lines in failures.items():
            if (name, check) in disputed:
                print(f"disputed {name}#{check}: {disputed[name, check]}")
            elif check in listed:
                expected += 1
            else:
                bad += 1
                print("\n".join(lines))
        if "the case itself" not in failures:
            done |= {f"{name}#{step}" for step in listed if step not in failures}
    for name in sorted(set(not_yet) - set(docs) if not a.only else ()):
        bad += 1
        print(f"FAIL {name} is on {os.path.basename(a.list)}, but there is no such case")
    if done and a.shrink:
        shrink(a.list, done)
        print("taken off the list:", *sorted(done), sep="\n  ")
    elif done:
        bad += len(done)
        print(f"FAIL these pass now; take them off {os.path.relpath(a.list)} (--shrink does it):", *sorted(done), sep="\n  ")
    for report in sorted(glob.glob(reports + "/*")):
        bad += 1
        with open(report, errors="replace") as f:
            print(f"FAIL a sanitizer spoke:\n{f.read()[:4000]}")
    shutil.rmtree(reports, ignore_errors=True)
    if a.verbose:
        for name, r in sorted(results.items(), key=lambda r: -r[1][2])[:8]:
            print(f"{r[2]:6.1f} s {name}")
    print(f"{len(results)} cases in {time.time() - at:.0f} s; {expected} not expected to pass yet")
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
