"""Differences that are meant: predicates over a round's configuration, the request and both answers. Each names words of
the row in docs/differences.md that explains it."""
import json, os, re
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


def connection_fields(step):
    names = set(HOP)
    for k, v in step.get("headers", []):
        if k.lower() == "connection":
            names |= {x.strip().lower() for x in v.split(",")}
    for piece in [step["raw"]] if isinstance(step.get("raw"), str) else step.get("raw", []):
        if "connection:" in piece.lower():
            names |= {"connection", "close"}
    return names


def blank_in_query(doc, step, want, got):
    """The scripted backend takes the target up to the blank."""
    theirs, ours = want.get("backend", []), got.get("backend", [])
    if len(theirs) != len(ours):
        return False

    def cut(target):
        path, mark, query = target.partition("?")
        return path + mark + query.split("%20")[0]

    def referer(b):  # of a redirect: the same blank
        return {**b, "headers": {k: [x.replace(" ", "%20") for x in v] if k == "referer" else v for k, v in b["headers"].items()}}

    return theirs != ours and all(w == g or referer(w) in (g, {**g, "target": cut(g["target"])}) for w, g in zip(theirs, ours)) and {**want, "backend": ours} == {**got, "backend": ours}


def placeholder(doc, step, want, got):
    return "{{." in unquote(step.get("path", ""))


def other_host(doc, step, want, got):
    return want.get("headers", {}).get("location", [""])[0].startswith("//") and got.get("headers", {}).get("location", ["//"])[0].startswith("/")


def sent_twice(doc, step, want, got):
    """Static data of a no-op endpoint: the reference sends the backend's headers twice."""
    theirs, ours = want.get("headers", {}), got.get("headers", {})
    return theirs != ours and theirs.keys() == ours.keys() and all(v in (ours[k], ours[k] * 2) for k, v in theirs.items()) and {**want, "headers": ours} == got


def feed_in_words(doc, step, want, got):
    """A feed as XML or YAML: the reference prints Go's internals."""
    kind = (want.get("headers", {}).get("content-type") or [""])[0]
    if '"rss"' not in json.dumps(doc["config"]) or not ("xml" in kind or "yaml" in kind):
        return False
    same = {**want, "body": got.get("body")}
    return same == got or blank_in_query(doc, step, same, got)


CONNECTION = "headers that belong to a connection"
BAD_PORT = "a port that does not exist"
def static_numbers(doc, step, want, got):
    """Numbers of static data as YAML: floats there, written like the backends' numbers here."""
    kind = (want.get("headers", {}).get("content-type") or [""])[0]
    if "yaml" not in kind or '"static"' not in json.dumps(doc["config"]):
        return False

    def numbers(body):
        return re.sub(r'(^|[ -])"?(-?\d+(?:\.\d+)?)"?$', lambda m: m[1] + (m[2][:-2] if m[2].endswith(".0") else m[2]), body, flags=re.M)

    return {**want, "body": numbers(want["body"])} == {**got, "body": numbers(got["body"])}


MARK = "a byte order mark in front of the configuration"
OBJECT_LIST = "a list of objects for `extra_config`"
WILDCARDS = "endpoints that end in `/*`"
# Words of docs/differences.md, and what tells that a difference is that one.
INTENDED = [
    ("put into the query of a `url_pattern`", blank_in_query),
    ("a parameter whose value reads like a placeholder", placeholder),
    ("redirect of a path that begins with `//`", other_host),
    ("`no-op` with static data that is used", sent_twice),
    ("a feed written as `xml` or `yaml`", feed_in_words),
    ("numbers of static data in `yaml` output", static_numbers),
]


def which(doc, step, want, got):
    if not isinstance(want, dict) or not isinstance(got, dict):
        return None
    if "exit" in want:
        if '*"' in doc["config"] and got["exit"] == 0:
            return WILDCARDS
        if doc["config"].startswith("\ufeff") and got["exit"] == 0:
            return MARK
        if re.search(r'"extra_config": \[[{\[]', doc["config"]) and got["exit"] == "non-zero":
            return OBJECT_LIST
        return BAD_PORT if re.search(r'"port": (-\d|6[6-9]\d\d\d|6553[6-9]|[7-9]\d{4})', doc["config"]) and got["exit"] == "non-zero" else None
    if "status" not in want or "status" not in got:
        return None
    names = connection_fields(step)  # these may come together with another one
    want, got = without(want, names), without(got, names)
    if want == got:
        return CONNECTION
    for words, meant in INTENDED:
        if meant(doc, step, want, got):
            return words
    return None


def check_documented():
    with open(DOCS) as f:
        text = " ".join(f.read().split())
    for words in [words for words, _ in INTENDED] + [WILDCARDS, BAD_PORT, CONNECTION, MARK, OBJECT_LIST]:
        if words not in text:
            raise SystemExit(f"intended.py: docs/differences.md does not say '{words}'")
