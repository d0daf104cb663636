"""Never two requests out of one: whatever makes the framing of a request ambiguous ends the connection with 400 (501 for a coding that is not known,
505 for a version), whole and split at every byte, and a backend never sees the smuggled part. RFC 9112 sections 2.2, 3, 5, 6, 7.1, 11.2."""
import time

from harness import Closed, get, post, wait_until

INNER = "GET /n/smuggled HTTP/1.1\r\nHost: gw\r\n\r\n"


def request(*lines, body=""):
    return ("POST /n/victim HTTP/1.1\r\n" + "".join(x + "\r\n" for x in lines) + "\r\n" + body).encode("latin-1")


def battery():
    host = "Host: gw"
    te = "Transfer-Encoding: chunked"
    b = {}
    b["CL.TE"] = request(host, "Content-Length: 6", te, body="0\r\n\r\n" + INNER)
    b["TE.CL"] = request(host, te, "Content-Length: 4", body="5c\r\n" + INNER + "0\r\n\r\n")
    b["CL.TE equal"] = request(host, "Content-Length: 5", te, body="0\r\n\r\n" + INNER)
    for name, line in {
        "xchunked": "Transfer-Encoding: xchunked", "quoted": "Transfer-Encoding: \"chunked\"", "comma": "Transfer-Encoding: chunked,",
        "identity": "Transfer-Encoding: identity", "identity chunked": "Transfer-Encoding: identity, chunked", "twice in one": "Transfer-Encoding: chunked, chunked",
        "gzip chunked": "Transfer-Encoding: gzip, chunked", "chunked gzip": "Transfer-Encoding: chunked, gzip", "parameter": "Transfer-Encoding: chunked;q=1",
        "vertical tab": "Transfer-Encoding:\x0bchunked", "trailing ctl": "Transfer-Encoding: chunked\x0c", "nul": "Transfer-Encoding: chunked\0",
        "empty": "Transfer-Encoding:", "cow": "Transfer-Encoding: cow", "space inside": "Transfer-Encoding: chun ked", "nbsp": "Transfer-Encoding: chunked\xa0",
        "bare cr": "Transfer-Encoding: chunked\rX: y", "name bare lf": "X: y\nTransfer-Encoding: chunked",
    }.items():
        b["TE " + name] = request(host, line, body="0\r\n\r\n" + INNER)
        b["TE.CL " + name] = request(host, line, "Content-Length: %d" % (5 + len(INNER)), body="0\r\n\r\n" + INNER)
    b["TE.TE"] = request(host, te, "Transfer-Encoding: identity", body="0\r\n\r\n" + INNER)
    b["TE.TE equal"] = request(host, te, te, body="0\r\n\r\n" + INNER)
    b["TE.TE folded case"] = request(host, te, "transfer-encoding: x", body="0\r\n\r\n" + INNER)
    b["TE 1.0"] = request(host, te, body="0\r\n\r\n" + INNER).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    for name, value in {
        "negative": "-1", "plus": "+5", "hex": "0x5", "float": "5.0", "list": "5, 5", "list different": "5, 6", "comma": "5,", "space": "5 5", "empty": "",
        "word": "five", "quoted": '"5"', "huge": "99999999999999999999", "over int64": "9223372036854775808", "wrap 2^64": "18446744073709551621",
        "underscore": "1_0", "exponent": "1e1", "minus zero": "-0", "non-ascii digit": "\xb2", "nul": "5\0", "vertical tab": "5\x0b",
    }.items():
        b["CL " + name] = request(host, "Content-Length: " + value, body="hello" + INNER)
    b["CL twice"] = request(host, "Content-Length: 5", "Content-Length: %d" % (5 + len(INNER)), body="hello" + INNER)
    b["CL twice equal"] = request(host, "Content-Length: 5", "Content-Length: 5", body="hello" + INNER)
    b["CL twice other case"] = request(host, "Content-Length: 5", "content-length: 0", body="hello" + INNER)
    for name, line in {
        "space before colon": "Content-Length : 5", "tab before colon": "Content-Length\t: 5", "TE space before colon": "Transfer-Encoding : chunked",
        "obs-fold": "X: a\r\n Content-Length: 5", "obs-fold tab": "X: a\r\n\tb", "fold first": " X: a", "bare lf": "X: a\nContent-Length: 5",
        "bare cr": "X: a\rContent-Length: 5", "cr cr lf": "X: a\r", "nul in value": "X: a\0b", "nul in name": "X\0: b", "ctl in value": "X: a\x01b",
        "del in value": "X: a\x7fb", "no colon": "Content-Length 5", "empty name": ": a", "name with brackets": "X[a]: b", "name with slash": "a/b: c",
        "name non-ascii": "X\xe9: b", "name with quote": "\"X\": b", "lf only line": "\nX: b",
    }.items():
        b["field " + name] = request(host, line, body="hello" + INNER)
    b["host twice"] = request(host, "Host: other", "Content-Length: 0", body=INNER)
    b["host missing"] = request("X: y", "Content-Length: 0", body=INNER)
    b["host with space"] = request("Host: a b", "Content-Length: 0", body=INNER)
    b["host with slash"] = request("Host: a/b", "Content-Length: 0", body=INNER)
    for name, line in {
        "two spaces": "POST  /n/victim HTTP/1.1", "tab": "POST\t/n/victim\tHTTP/1.1", "no version": "POST /n/victim", "lower version": "POST /n/victim http/1.1",
        "version 2": "POST /n/victim HTTP/2.0", "version 1.2": "POST /n/victim HTTP/1.2", "version 1.10": "POST /n/victim HTTP/1.10", "version 0.9": "POST /n/victim HTTP/0.9",
        "extra word": "POST /n/victim x HTTP/1.1", "trailing space": "POST /n/victim HTTP/1.1 ", "leading space": " POST /n/victim HTTP/1.1", "bare cr": "POST /n/victim\rHTTP/1.1",
        "nul": "POST /n/vic\0tim HTTP/1.1", "ctl": "POST /n/vic\x01tim HTTP/1.1", "bad method": "PO(ST /n/victim HTTP/1.1", "no slash": "POST n/victim HTTP/1.1",
        "version plus": "POST /n/victim HTTP/+1.1", "space in version": "POST /n/victim HTTP/ 1.1",
    }.items():
        b["line " + name] = (line + "\r\nHost: gw\r\nContent-Length: 0\r\n\r\n" + INNER).encode("latin-1")
    b["line bare lf"] = ("POST /n/victim HTTP/1.1\nHost: gw\nContent-Length: 0\n\n" + INNER).encode()
    b["lf end"] = ("POST /n/victim HTTP/1.1\r\nHost: gw\r\nContent-Length: 0\r\n\n" + INNER).encode()
    chunks = {
        "negative": "-1\r\n", "plus": "+5\r\nhello\r\n0\r\n\r\n", "0x": "0x5\r\nhello\r\n0\r\n\r\n", "blank behind size": "5 \r\nhello\r\n0\r\n\r\n", "tab behind last size": "5\r\nhello\r\n0\t\r\n\r\n", "empty size": "\r\nhello\r\n0\r\n\r\n", "leading space": " 5\r\nhello\r\n0\r\n\r\n",
        "bare lf size": "5\nhello\r\n0\r\n\r\n", "bare lf data": "5\r\nhello\n0\r\n\r\n", "cr only": "5\rhello\r\n0\r\n\r\n", "too long": "5\r\nhelloo\r\n0\r\n\r\n", "short": "6\r\nhello\r\n0\r\n\r\n",
        "huge": "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "overflow": "10000000000000005\r\nhello\r\n0\r\n\r\n", "g": "5g\r\nhello\r\n0\r\n\r\n", "underscore": "1_0\r\n",
        "extension bare lf": "5;a\nb\r\nhello\r\n0\r\n\r\n", "extension nul": "5;a\0\r\nhello\r\n0\r\n\r\n", "extension bare cr": "5;a\rb\r\nhello\r\n0\r\n\r\n", "comma": "5,5\r\nhello\r\n0\r\n\r\n",
        "last bare lf": "5\r\nhello\r\n0\n\n", "last cr lf lf": "5\r\nhello\r\n0\r\n\n", "trailer fold": "0\r\nX: y\r\n z\r\n\r\n", "trailer no colon": "0\r\nGET /n/smuggled HTTP/1.1\r\n\r\n",
        "trailer bare lf": "0\r\nX: y\nZ: a\r\n\r\n", "trailer nul": "0\r\nX: \0\r\n\r\n", "trailer space before colon": "0\r\nX : y\r\n\r\n", "missing crlf": "5\r\nhello0\r\n\r\n",
        "zeros": "0" * 20 + "5\r\nhello\r\n0\r\n\r\n", "long extension": "5;" + "a" * 5000 + "\r\nhello\r\n0\r\n\r\n", "long trailer": "0\r\nX: " + "a" * 20000 + "\r\n\r\n",
    }
    for name, body in chunks.items():
        b["chunk " + name] = request(host, te, body=body + INNER)
    return b


def judge(t, name, c, allowed):
    """One answer of refusal and the end, or just the end; never a 2xx and never a second answer."""
    data = c.everything(3)
    assert data is not None, name + ": the connection stays open"
    assert data.count(b"HTTP/1.1 ") <= 1, (name, data)
    if data:
        status = int(data.split(b" ")[1])
        assert status in allowed, (name, data)
        assert b"Connection: close" in data, (name, data)
    return data


def allowed(name):
    return (400, 501) if "TE" in name else (400, 505) if "version" in name else (400, 431)


def no_trace(t, name):
    assert not t.backend.requests("/smuggled"), name
    for m in t.backend.requests("/victim"):
        assert b"smuggled" not in m.raw_head and b"smuggled" not in m.body, (name, m.raw_head, m.body)
        assert not m.complete, (name, m.raw_head, m.body)
    t.backend.forget()


def test_whole(t):
    for name, data in battery().items():
        with t.gateway.client() as c:
            c.send(data)
            assert judge(t, name, c, allowed(name)) != b"", name
        no_trace(t, name)
    t.gateway.idle()


def test_behind_a_good_request(t):
    for name, data in battery().items():
        with t.gateway.client() as c:
            c.send(get("/n/good").encode() + data)
            assert c.answer().status == 200, name
            judge(t, name, c, allowed(name))
        no_trace(t, name)


def test_split_at_every_byte(t):
    """Both halves in turn; connections are opened side by side, so that it does not take long."""
    def run(batch):
        clients = []
        for name, data, at in batch:
            c = t.gateway.client()
            c.send(data[:at])
            clients.append((name, data, at, c))
        time.sleep(0.01)
        for name, data, at, c in clients:
            try:
                c.send(data[at:])
            except OSError:
                pass
        for name, data, at, c in clients:
            judge(t, "%s at %d" % (name, at), c, allowed(name))
            c.close()
        no_trace(t, batch[0][0])

    batch = []
    for name, data in battery().items():
        end = len(data) - len(INNER) + 8
        step = 1 if end < 300 else 397
        for at in range(1, end, step):
            if step == 1 and at > 24 and name.split()[0] in ("line",):
                break
            batch.append((name, data, at))
            if len(batch) == 100:
                run(batch)
                batch = []
    if batch:
        run(batch)
    t.gateway.idle()


def test_byte_by_byte(t):
    clients = []
    for name, data in battery().items():
        if len(data) > 1000:
            continue
        clients.append((name, data, t.gateway.client()))
    for i in range(max(len(d) for _, d, _ in clients)):
        for name, data, c in clients:
            if i < len(data):
                try:
                    c.sock.send(data[i:i + 1])
                except OSError:
                    pass
    for name, data, c in clients:
        judge(t, name, c, allowed(name))
        c.close()
    no_trace(t, "byte by byte")
    t.gateway.idle()


def test_what_is_allowed(t):
    """The other side of strictness: correct messages that look odd pass, once each."""
    good = {
        "te case": b"POST /n/good HTTP/1.1\r\nHost: gw\r\ntransfer-ENCODING: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "te blanks": b"POST /n/good HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding:\t chunked \t\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "cl blanks": b"POST /n/good HTTP/1.1\r\nHost: gw\r\nContent-Length: \t5\t \r\n\r\nhello",
        "cl zeros": b"POST /n/good HTTP/1.1\r\nHost: gw\r\nContent-Length: 0005\r\n\r\nhello",
        "upper hex": b"POST /n/good HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nhellohello\r\n0\r\n\r\n",
        "size zeros": b"POST /n/good HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n0000A\r\nhellohello\r\n000\r\n\r\n",
        "quoted extension": b'POST /n/good HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n5;a="b;c"\r\nhello\r\n0;x\r\n\r\n',
        "absolute form": b"POST http://gw/n/good HTTP/1.1\r\nHost: gw\r\nContent-Length: 5\r\n\r\nhello",
        "te nominated": b"POST /n/good HTTP/1.1\r\nHost: gw\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "cl nominated": b"POST /n/good HTTP/1.1\r\nHost: gw\r\nConnection: content-length\r\nContent-Length: 5\r\n\r\nhello",
    }
    for name, data in good.items():
        t.backend.forget()
        with t.gateway.client() as c:
            c.send(data + get("/n/after").encode())
            assert c.answer().status == 200, name
            assert c.answer().status == 200, name
        seen = [m for m in t.backend.requests() if m.target != "/victim"]  # cut ones of before may be noted late
        assert [m.target for m in seen] == ["/good", "/after"], (name, [m.raw_head for m in seen])
        assert seen[0].body in (b"hello", b"hellohello") and len(seen[0].all("Content-Length") + seen[0].all("Transfer-Encoding")) == 1, name


def test_no_continue_behind_an_answer(t):
    """A backend answered without the body: a client that still waits for 100 Continue must not get it now, since it may send its next request
    instead of the body. The connection ends."""
    import base64
    from harness import endpoint
    mine = {"modifier/martian": {"body.Modifier": {"scope": ["request"], "contentType": "text/plain", "body": base64.b64encode(b"mine").decode()}}}
    endpoints = []
    for path, encoding in (("/a", "no-op"), ("/b", None)):
        e = endpoint(path, t.backend.port, "/x", "POST", encoding)
        e["backend"][0]["extra_config"] = mine
        endpoints.append(e)
    g = t.start({"version": 3, "endpoints": endpoints})
    for path in ("/a", "/b"):
        for framing in ("Content-Length: 50", "Transfer-Encoding: chunked"):
            with g.client() as c:
                a = c.ask("POST %s HTTP/1.1\r\nHost: gw\r\nExpect: 100-continue\r\n%s\r\n\r\n" % (path, framing))
                assert a.status == 200 and a.get("Connection") == "close" and c.at_end(), (path, framing, a.raw_head, c.buf)
            # Without Expect the body is on its way, and read away.
            with g.client() as c:
                body = b"x" * 50 if framing.startswith("C") else b"32\r\n" + b"x" * 50 + b"\r\n0\r\n\r\n"
                assert c.ask(("POST %s HTTP/1.1\r\nHost: gw\r\n%s\r\n\r\n" % (path, framing)).encode() + body).status == 200
                assert c.ask(post(path, "y")).status == 200


def test_injection_through_the_target(t):
    """What stands in a path or a query never becomes a line of the backend's head."""
    g = t.gateway
    for path in ("/n/%0d%0aX-Evil:%20y", "/n/a%0aX-Evil:y", "/n/a?%0d%0aX-Evil:%20y=1", "/n/a?x=%0d%0aX-Evil:%20y", "/n/a%20HTTP/1.1%0d%0aX-Evil:y",
                 "/n/%3Fa%20b%0d%0aX-Evil:y", "/n/%23%0d%0aX-Evil:y", "/n/a%00b", "/n/a%7fb", "/n/%ff"):
        t.backend.forget()
        a = g.ask(get(path, "Connection: close\r\n"))
        for m in t.backend.requests():
            assert m.get("X-Evil") is None and len(m.line.split(" ")) == 3, (path, m.raw_head)
            assert all(0x20 < ord(x) < 0x7f for x in m.target), (path, m.target)


def test_injection_without_path_decoding(t):
    from harness import usual_config
    g = t.start(usual_config(t.backend.port, extra_config={"router": {"disable_path_decoding": True}}))
    for path in ("/n/%0d%0aX-Evil:%20y", "/n/a%0aX-Evil:y", "/n/%3F%0d%0aX-Evil:y", "/n/%3Fa%20b", "/n/%23%0d%0aX-Evil:y", "/n/%253F%250d%250aX-Evil:y", "/n/a%20b"):
        t.backend.forget()
        g.ask(get(path, "Connection: close\r\n"))
        for m in t.backend.requests():
            assert m.get("X-Evil") is None and len(m.line.split(" ")) == 3, (path, m.raw_head)
