#!/usr/bin/env python3
"""Compares two gateways on random configurations and requests: what the client gets and what the backends see.

usage: differential.py --gateway build/dev/gladius --reference PATH [--seed N] [--count N | --seconds N] [--areas a,b]
                       [--out DIR] [--no-shrink] [--verbose]
       differential.py --gateway build/dev/gladius --self ...      the gateway against itself: crashes and chance
       differential.py --list                                      the areas

PATH is a KrakenD-compatible gateway that the user has; it is started on ports of 127.0.0.1, without usage reports. A
round is one random configuration with its requests, made from (seed, area, round) alone, so that --seed repeats it.
Rounds are conformance cases (tests/conformance/conformance.py explains the format) and both gateways play them side by
side. A difference is shrunk to one request and as little configuration as still differs, and written to --out as a case
whose `expect` is the reference's answer; `conformance.py run` replays it. Differences that are meant are listed in
intended.py, each with its row in docs/differences.md; they are counted, not reported.

Beyond what a case compares, the spelling of header names counts, on both sides.
The last line is 'N passed, N failed': requests alike, different kinds of differences. Python 3.11 standard library only.
"""
import argparse, copy, json, os, random, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "conformance"), HERE]
sys.dont_write_bytecode = True
import conformance
import areas
import intended

SHRINK_TRIES = 60
CHANCES = 6


class Backend(conformance.Backend):
    """The scripted backend, which also keeps the names of header fields as they were written."""

    def __init__(self, *args):
        self.spelled = []
        super().__init__(*args)

    async def client(self, rd, wr):
        keep = self.spelled

        class Reader:
            async def readuntil(self, end):
                head = await rd.readuntil(end)
                keep.append(sorted(l.split(b":")[0].decode("latin-1") for l in head.split(b"\r\n")[1:] if l))
                return head

            def __getattr__(self, name):
                return getattr(rd, name)

        await super().client(Reader(), wr)


conformance.Backend = Backend


class Side:
    """One gateway playing a round."""

    def __init__(self, gateway, doc):
        self.case = conformance.Case("", doc, gateway)

    def __enter__(self):
        self.case.__enter__()
        return self

    def __exit__(self, *a):
        self.case.__exit__(*a)

    def ends(self):
        try:
            code = self.case.proc.wait(self.case.doc.get("wait_s", 10))
        except conformance.subprocess.TimeoutExpired:
            return {"exit": "still running"}
        return {"exit": 0 if code == 0 else "crash" if code < 0 else "non-zero"}

    def observe(self, step):
        backends = [self.case.backend] + [b for b, _ in self.case.more]
        for b in backends:
            b.spelled.clear()
        got = self.case.observe(step)
        if isinstance(got, dict) and step.get("compare", "exact") == "exact":
            ignored = {h.lower() for h in self.case.doc.get("ignore_backend_headers", [])}
            got["spelled"] = sorted([n for n in names if n.lower() not in ignored and n.lower() not in conformance.SEEN_IGNORED]
                                    for b in backends for names in b.spelled)
        if self.case.proc.poll() is not None:
            got = {"status": "the gateway ended", "output": self.case.logged()[-400:]}
        return got


class Pair:
    """Both gateways on one round; answers come as (reference's, ours)."""

    def __init__(self, ours, reference, doc):
        self.sides = [Side(reference, doc), Side(ours, doc)]

    def __enter__(self):
        self.pool = ThreadPoolExecutor(2)
        list(self.pool.map(lambda s: s.__enter__(), self.sides))
        return self

    def __exit__(self, *a):
        list(self.pool.map(lambda s: s.__exit__(), self.sides))
        self.pool.shutdown()

    def observe(self, step):
        return tuple(self.pool.map(lambda s: s.observe(step), self.sides))

    def by_chance(self, step, got):
        """Whether the reference, asked again, answers as we did: what it does varies (the order of a Go map)."""
        return any(alike(step, self.sides[0].observe(step), got) for _ in range(CHANCES))

    def ends(self):
        return tuple(self.pool.map(lambda s: s.ends(), self.sides))


def alike(step, want, got):
    if want == got:
        return True
    how = step.get("compare", "exact")
    if isinstance(how, list):
        want, got = ({k: v for k, v in d.items() if k in how} for d in (want, got))
        return want == got
    if how == "json":
        return conformance.same(step, want, got)
    return how == "none" or how == "status" and want.get("status") == got.get("status")


def parts(want, got):
    """Which parts differ, as text: one kind of difference."""
    out = []
    for k in sorted(set(want) | set(got)):
        w, g = want.get(k), got.get(k)
        if w == g:
            continue
        if k == "status":
            out.append(f"status {w}/{g}")
        elif k == "headers":
            out.append("headers " + ",".join(sorted(n for n in set(w or {}) | set(g or {}) if (w or {}).get(n) != (g or {}).get(n))))
        elif k == "backend" and len(w or []) == len(g or []):
            for a, b in zip(w or [], g or []):
                out += ["backend " + n for n in a if n != "headers" and a[n] != b[n]]
                h, i = a["headers"], b["headers"]
                out += ["backend header " + n for n in sorted(set(h) | set(i)) if h.get(n) != i.get(n)]
        elif k == "backend":
            out.append(f"backend calls {len(w or [])}/{len(g or [])}")
        else:
            out.append(k)
    return "; ".join(sorted(set(out)))


class Shrinker:
    """Takes away what is not needed for a difference: other requests, endpoints, keys, list elements."""

    def __init__(self, ours, reference, kind):
        self.ours, self.reference, self.kind, self.left = ours, reference, kind, SHRINK_TRIES

    def differs(self, doc):
        if self.left <= 0:
            return None
        self.left -= 1
        try:
            with Pair(self.ours, self.reference, doc) as pair:
                if doc.get("exits"):
                    answers = [pair.ends()]
                    steps = [doc]
                else:
                    answers = [pair.observe(s) for s in doc["steps"]]
                    steps = doc["steps"]
        except Exception:
            return None
        for step, (want, got) in zip(steps, answers):
            if not alike(step, want, got) and parts(want, got) == self.kind and not intended.which(doc, step, want, got):
                return step, want, got
        return None

    def places(self, node, path=()):
        """Every key and element that may go, the big ones first."""
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for k, v in list(items):
            yield path + (k,)
        for k, v in list(items):
            yield from self.places(v, path + (k,))

    def without(self, doc, place):
        doc = copy.deepcopy(doc)
        node = doc
        for k in place[:-1]:
            node = node[k]
        del node[place[-1]]
        return doc

    def halve(self, doc, at):
        """Leaves out as many elements of a list as the difference allows, big pieces first."""
        items = doc
        for k in at:
            items = items.get(k, []) if isinstance(items, dict) else []
        if not isinstance(items, list):
            return doc
        size = len(items) // 2
        while size >= 1 and self.left > 0:
            i = 0
            while i < len(items):
                fewer = items[:i] + items[i + size:]
                smaller = {**doc, "config": {**doc["config"], "endpoints": fewer}} if at[0] == "config" else {**doc, "routes": fewer}
                if fewer and self.differs(smaller):
                    doc, items = smaller, fewer
                else:
                    i += size
            size //= 2
        return doc

    def shrink(self, doc, at):
        one = dict(doc, steps=[doc["steps"][at]]) if at is not None else doc
        if not self.differs(one):
            one = dict(doc, steps=doc["steps"][:at + 1]) if at is not None else doc  # what came before matters
            if not self.differs(one):
                return doc, False
        for at in (("config", "endpoints"), ("routes",)):
            one = self.halve(one, at)
        again = True
        while again and self.left > 0:
            again = False
            whole = {"config": one["config"], "steps": one.get("steps", []), "routes": one.get("routes", [])}
            for place in sorted(self.places(whole), key=len):
                if place in (("config",), ("steps",), ("routes",), ("config", "version"), ("config", "endpoints")):
                    continue
                try:
                    smaller = {**one, **self.without(whole, place)}
                except (KeyError, IndexError, TypeError):
                    continue
                if one.get("steps") and not smaller["steps"]:
                    continue
                try:
                    if self.differs(smaller):
                        one, again = smaller, True
                        break
                except KeyError:
                    continue
                if self.left <= 0:
                    break
        return one, True


class Run:
    def __init__(self, a):
        self.ours = os.path.abspath(a.gateway)
        self.reference = self.ours if a.self else os.path.abspath(a.reference)
        self.a, self.out = a, a.out or tempfile.mkdtemp(prefix="differential-")
        self.kinds, self.meant, self.same = {}, {}, 0

    def judge(self, pair, doc, at, step, want, got, name):
        if alike(step, want, got) or at is not None and pair.by_chance(step, got):
            self.same += 1
            return
        why = intended.which(doc, step, want, got)
        if why:
            self.meant[why] = self.meant.get(why, 0) + 1
            return
        kind = parts(want, got)
        key = (doc["area"], kind + (f" of {name}" if at is None else ""))
        self.kinds[key] = self.kinds.get(key, 0) + 1
        if self.kinds[key] > 1:
            return
        print(f"FAIL {name}: {kind}\n     {json.dumps({k: v for k, v in step.items() if k in ('method', 'path', 'headers', 'body', 'raw')})[:600]}")
        for line in conformance.diff(want, got):
            print("     " + line)
        if want.get("spelled") != got.get("spelled"):
            print(f"     spelled: want {want.get('spelled')}\n              got  {got.get('spelled')}")
        small, shrunk = (doc, False) if self.a.no_shrink else Shrinker(self.ours, self.reference, kind).shrink(doc, at)
        self.write(small, name, kind, shrunk)

    def write(self, doc, name, kind, shrunk):
        doc = {k: copy.deepcopy(v) for k, v in doc.items() if k != "area"}
        doc = {"name": name, "about": kind, **doc}
        try:
            with Pair(self.ours, self.reference, doc) as pair:
                if doc.get("exits"):
                    doc["expect"] = pair.ends()[0]
                for step in doc.get("steps", []):
                    step["expect"] = {k: v for k, v in pair.observe(step)[0].items() if k != "spelled"}
        except Exception as e:
            doc["about"] += f" (not recorded: {e})"
        os.makedirs(self.out, exist_ok=True)
        path = os.path.join(self.out, name.replace("/", "-") + ".json")
        with open(path, "w") as f:
            json.dump(doc, f, indent=1, ensure_ascii=False)
            f.write("\n")
        text = {k: v for k, v in doc.items() if k in ("config", "routes", "args")}
        print(f"     {'shrunk' if shrunk else 'as it was'}: {path}")
        if shrunk:
            print(f"     {json.dumps(text)[:1500]}", flush=True)

    def round(self, area, number):
        name = f"{area}/{self.a.seed}-{number}"
        doc = areas.AREAS[area](random.Random(f"{self.a.seed} {area} {number}"))
        doc["area"] = area
        parts_of = doc.pop("rounds", None) or [doc]
        for i, part in enumerate(parts_of):
            part["area"] = area
            with Pair(self.ours, self.reference, part) as pair:
                if part.get("exits"):
                    answers = [(None, part, *pair.ends())]
                else:
                    answers = [(n, step, *pair.observe(step)) for n, step in enumerate(part["steps"])]
                for side in pair.sides[0 if self.a.self else 1:]:
                    if "Sanitizer" in side.case.logged():
                        self.kinds[area, "a sanitizer spoke"] = 1
                        print(f"FAIL {name}: a sanitizer spoke\n{side.case.logged()[-3000:]}")
                for n, step, want, got in answers:
                    self.judge(pair, part, n, step, want, got, f"{name}-{i}-{n}" if n is not None else f"{name}-{i}")

    def all(self):
        chosen = self.a.areas.split(",") if self.a.areas else list(areas.AREAS)
        end = time.time() + self.a.seconds if self.a.seconds else None
        number = self.a.first
        while time.time() < end if end else number < self.a.first + self.a.count:
            for area in chosen:
                self.round(area, number)
            number += 1
        print(f"seed {self.a.seed}, rounds {self.a.first} to {number - 1} of {','.join(chosen)}")
        for why, n in sorted(self.meant.items()):
            print(f"meant: {n} x {why}")
        for (area, kind), n in sorted(self.kinds.items()):
            print(f"differs: {n} x {area}: {kind}")
        print(f"{self.same} passed, {len(self.kinds)} failed")
        return 1 if self.kinds else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--gateway")
    ap.add_argument("--reference")
    ap.add_argument("--self", action="store_true")
    ap.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    ap.add_argument("--first", type=int, default=0, help="the first round")
    ap.add_argument("--count", type=int, default=3, help="rounds of each area")
    ap.add_argument("--seconds", type=int, default=0)
    ap.add_argument("--areas", default="")
    ap.add_argument("--out", default="")
    ap.add_argument("--no-shrink", action="store_true")
    ap.add_argument("--list", action="store_true")
    a = ap.parse_args()
    if a.list:
        print("\n".join(areas.AREAS))
        return 0
    if not a.gateway or not (a.reference or a.self):
        ap.error("--gateway and --reference (or --self) are needed")
    intended.check_documented()
    print(f"seed {a.seed}", flush=True)
    return Run(a).all()


if __name__ == "__main__":
    sys.exit(main())
