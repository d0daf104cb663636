"""Differences that are meant: predicates over a round's configuration, the request and both answers. Each names words of
the row in docs/differences.md that explains it."""
import os
from urllib.parse import unquote

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "differences.md")
HOP = {"connection", "keep-alive", "te", "trailer", "upgrade", "proxy-connection", "proxy-authenticate", "proxy-authorization",
       "transfer-encoding", "expect"}


def without(answer, names):
    """An answer without these header names, on both sides."""
    low = {n.lower() for n in names}
    out = dict(answer)
    out["headers"] = {k: v for k, v in answer.get("headers", {}).items() if k not in low}
    out["backend"] = [{**b, "headers": {k: v for k, v in b["headers"].items() if k not in low}} for b in answer.get("backend", [])]
    out["spelled"] = [[n for n in names_ if n.lower() not in low] for names_ in answer.get("spelled", [])]
    return out


def hop_by_hop(doc, step, want, got):
    if step.get("headers") is None and "raw" not in step:
        return False
    names = set(HOP)
    for k, v in step.get("headers", []):
        if k.lower() == "connection":
            names |= {x.strip().lower() for x in v.split(",")}
    for piece in [step["raw"]] if isinstance(step.get("raw"), str) else step.get("raw", []):
        if "connection:" in piece.lower():
            names |= {"connection", "close"}
    return without(want, names) == without(got, names)


def blank_in_query(doc, step, want, got):
    """The scripted backend takes the target up to the blank."""
    if len(want.get("backend", [])) != len(got.get("backend", [])):
        return False
    cut = [{**b, "target": b["target"].split("%20")[0] if "?" in b["target"].split("%20")[0] else b["target"]} for b in got["backend"]]
    return cut != got["backend"] and {**want, "backend": cut} == {**got, "backend": cut} and all(
        w == g or w == c for w, g, c in zip(want["backend"], got["backend"], cut))


def placeholder(doc, step, want, got):
    return "{{." in unquote(step.get("path", ""))


def other_host(doc, step, want, got):
    return want.get("headers", {}).get("location", [""])[0].startswith("//") and got.get("headers", {}).get("location", ["//"])[0].startswith("/")


# Words of docs/differences.md, and what tells that a difference is that one.
INTENDED = [
    ("headers that belong to a connection", hop_by_hop),
    ("put into the query of a `url_pattern`", blank_in_query),
    ("a parameter whose value reads like a placeholder", placeholder),
    ("redirect of a path that begins with `//`", other_host),
]


def which(doc, step, want, got):
    if not isinstance(want, dict) or not isinstance(got, dict) or "status" not in want or "status" not in got:
        return None
    for words, meant in INTENDED:
        if meant(doc, step, want, got):
            return words
    return None


def check_documented():
    with open(DOCS) as f:
        text = " ".join(f.read().split())
    for words, _ in INTENDED:
        if words not in text:
            raise SystemExit(f"intended.py: docs/differences.md does not say '{words}'")
