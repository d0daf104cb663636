#!/usr/bin/env python3
"""Holds every #include under src/ against the arrows of docs/architecture.md; fails on one that points the wrong way.

The arrows are the first fenced block there whose lines read

    src/<folder>   what it holds   -> folder folder ...

'-> a b' means: files of the folder may include from itself, from a and b, and from whatever those may include. 'all' is
every folder, 'std only' none, 'a/x.h' one file of a folder. A file that includes against an arrow is listed with its
line. Besides: no cycle between folders, 'features' never from one feature to another, and nothing outside tests includes
a *_test or *_fuzz file. x_test.cc, x_bench.cc and x_fuzz.cc may include every folder.

usage: check_layers.py [--root DIR] [--print]
"""
import argparse, os, re, sys

ARROW = re.compile(r"^src/(\w+)\S*\s.*->\s*(.+?)\s*$")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def arrows(text):
    """{folder: (set of folders, set of single files)} as the block says, not yet transitive."""
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
        found = {}
        for line in block.splitlines():
            m = ARROW.match(line)
            if not m:
                continue
            words = re.sub(r"\(.*?\)|,|;.*", " ", m.group(2)).split()
            found[m.group(1)] = ({w for w in words if "/" not in w}, {w for w in words if "/" in w})
        if found:
            for folder, (folders, _) in found.items():
                if "all" in folders:
                    folders |= set(found) - {folder}
                folders.discard("all")
                unknown = folders - set(found)
                if unknown:
                    raise SystemExit(f"check_layers: src/{folder} points at {', '.join(sorted(unknown))}, which the block does not define")
            return found
    raise SystemExit("check_layers: docs/architecture.md has no block of arrows ('src/base ... -> ...')")


def closure(direct):
    """What each folder may include, with what its arrows may include; a cycle ends the check."""
    done = {}

    def visit(folder, path):
        if folder in path:
            raise SystemExit("check_layers: the arrows go in a circle: " + " -> ".join(path[path.index(folder):] + [folder]))
        if folder not in done:
            done[folder] = {folder}
            reach = {folder}
            for f in direct[folder][0]:
                reach |= visit(f, path + [folder])
            done[folder] = reach
        return done[folder]

    for folder in direct:
        visit(folder, [])
    return done


def check(root):
    with open(os.path.join(root, "docs/architecture.md")) as f:
        direct = arrows(f.read())
    may = closure(direct)
    src = os.path.join(root, "src")
    wrong, count = [], 0
    for folder, _, names in sorted(os.walk(src)):
        for name in sorted(names):
            if not name.endswith((".h", ".cc")):
                continue
            path = os.path.relpath(os.path.join(folder, name), src)
            here = path.split(os.sep)[0]
            count += 1
            if here not in direct:
                wrong.append(f"src/{path}:1: folder '{here}' is not in the block of arrows")
                continue
            beside = re.search(r"_(test|bench|fuzz)\.cc$", name)
            with open(os.path.join(folder, name), errors="replace") as f:
                for n, line in enumerate(f, 1):
                    m = INCLUDE.match(line)
                    if not m:
                        continue
                    to = m.group(1)
                    there = to.split("/")[0]
                    where = f"src/{path}:{n}: #include \"{to}\""
                    if not os.path.exists(os.path.join(src, to)):
                        wrong.append(f"{where}: no such file below src/ (ours are included by their path below src/, others in <>)")
                    elif re.search(r"_(test|fuzz|bench)\.(h|cc)$", to) and not beside:
                        wrong.append(f"{where}: only tests may include that")
                    elif beside:
                        continue
                    elif there not in may[here] and to not in direct[here][1]:
                        wrong.append(f"{where}: {here} may include {' '.join(sorted(may[here] - {here})) or 'nothing of ours'}")
                    elif here == there == "features" and path.split(os.sep)[1] != to.split("/")[1]:
                        wrong.append(f"{where}: a feature never includes another one")
    return wrong, count, may


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    ap.add_argument("--print", action="store_true", help="print what each folder may include")
    a = ap.parse_args()
    wrong, count, may = check(a.root)
    if a.print:
        for folder, reach in may.items():
            print(f"{folder:10} -> {' '.join(sorted(reach - {folder}))}")
    for w in wrong:
        print(w)
    print(f"check_layers: {count} files, {len(wrong)} wrong includes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
