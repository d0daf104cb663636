"""The published classes of request smuggling, written anew: CL.TE, TE.CL, TE.TE, CL.0, 0.CL, length and coding variants, names and line ends that
parsers read differently, chunk syntax, folds, request lines, Host, Expect, Upgrade and CONNECT, pipelining.

Sources of the classes (not of the bytes): RFC 9112 section 11.2; Linhart et al. 2005; Kettle 2019 (desync), 2021 (HTTP/2), 2022 (browser-powered),
2025 (endgame: 0.CL, Expect); Jabiyev et al. 2021 (T-Reqs); the chunk classes TERM.EXT, EXT.TERM, TERM.SPILL, SPILL.TERM, ONE.TWO, TWO.ONE (2025).

A payload is text with @T for the path of its own request and @S for a path that must never be asked unless the bytes mean it; @L is the length of
SMUGGLED in digits, @H in hex, @M five more. The expectation beside it is 'refuse' (one 4xx or 5xx and the end), 'limit' (the same, for bytes that mean something but are too much), 'serve' (every request that the bytes mean is answered), or 'either' (as the oracle in wire.py reads it).
"""

SMUGGLED = "GET @S HTTP/1.1\r\nHost: g\r\n\r\n"
HOST = "Host: g"
TE = "Transfer-Encoding: chunked"
LINE = "POST @T HTTP/1.1"


def post(*lines, body="", line=LINE):
    return line + "\r\n" + "".join(x + "\r\n" for x in lines) + "\r\n" + body


def both_framings():
    last, whole = "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"
    yield "CL.TE", post(HOST, "Content-Length: 6", TE, body=last + "G"), "refuse"
    yield "CL.TE inner", post(HOST, "Content-Length: @M", TE, body=last + SMUGGLED), "refuse"
    yield "CL.TE TE first", post(HOST, TE, "Content-Length: 6", body=last + "G"), "refuse"
    yield "TE.CL", post(HOST, TE, "Content-Length: 4", body="@H\r\n" + SMUGGLED + "\r\n0\r\n\r\n"), "refuse"
    yield "TE.CL CL first", post(HOST, "Content-Length: 4", TE, body="@H\r\n" + SMUGGLED + "\r\n0\r\n\r\n"), "refuse"
    yield "CL=TE", post(HOST, "Content-Length: 5", TE, body=last), "refuse"
    yield "CL=0 TE", post(HOST, "Content-Length: 0", TE, body=last), "refuse"
    yield "CL empty TE", post(HOST, "Content-Length:", TE, body=whole), "refuse"
    yield "CL bad TE", post(HOST, "Content-Length: x", TE, body=whole), "refuse"
    yield "TE bad CL", post(HOST, "Transfer-Encoding: x", "Content-Length: 5", body="hello" + SMUGGLED), "refuse"
    yield "CL TE nominated", post(HOST, "Connection: Content-Length", "Content-Length: 6", TE, body=last + "G"), "refuse"
    yield "TE CL nominated", post(HOST, "Connection: Transfer-Encoding", "Content-Length: 6", TE, body=last + "G"), "refuse"
    yield "CL.TE on GET", post(HOST, "Content-Length: 6", TE, body=last + "G", line="GET @T HTTP/1.1"), "refuse"
    yield "CL.TE far apart", post(HOST, "Content-Length: 6", *["X-%d: y" % i for i in range(8)], TE, body=last + "G"), "refuse"


def codings():
    last, whole = "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"
    served = {
        "upper": "Transfer-Encoding: CHUNKED", "mixed": "Transfer-Encoding: cHuNkEd", "name lower": "transfer-encoding: chunked",
        "name upper": "TRANSFER-ENCODING: chunked", "no blank": "Transfer-Encoding:chunked", "tab": "Transfer-Encoding:\tchunked",
        "blanks": "Transfer-Encoding: \t chunked \t", "behind": "Transfer-Encoding: chunked ",
    }
    for name, line in served.items():
        yield "TE " + name, post(HOST, line, body=whole + SMUGGLED), "serve"
        yield "TE.CL " + name, post(HOST, line, "Content-Length: 5", body=last + SMUGGLED), "refuse"
    refused = [
        "xchunked", "chunkedx", "x chunked", "chunked x", '"chunked"', "'chunked'", "chunked,", ",chunked", ", chunked", "chunked, chunked", "chunked,chunked",
        "identity", "identity, chunked", "chunked, identity", "gzip, chunked", "chunked, gzip", "deflate", "compress, chunked", "chunked;q=1", "chunked; a=b",
        "chunked ;a", "trailers, chunked", "", " ", "cow", "chunked, cow", "cow, chunked", "chun ked", "chunke", "hunked", "\\chunked", "(chunked)", "chunked (x)",
        "=chunked", "chunked=", "chunked\x0b", "\x0bchunked", "chunked\x0c", "chunked\0", "\0chunked", "chunked\xa0", "\xa0chunked", "chunked\x85", "\x7fchunked",
        "chun\xadked", "chunKed\xe2\x84\xaa", "c\xcc\x81hunked", "chunked\x08", "chunked\x1f", "chunked\x80", "%63hunked", "&#99;hunked", "chunked\\r\\n",
        "[chunked]", "<chunked>", "{chunked}", "chunked.", "chunked/1.0", "1", "none", "*", "chunk", "TE", "chunked\rX: y", "chunked\r", "\rchunked",
        "chunked\nX: y", "\nchunked", "\r\n chunked", "\r\n\tchunked", " \r\n chunked", "chunked\r\n ", "chunked\r\n\t", "x\r\n chunked", "chunked\r\n , identity",
    ]
    for value in refused:
        line = "Transfer-Encoding: " + value
        yield "TE %r" % value, post(HOST, line, body=last + SMUGGLED), "refuse"
        yield "TE %r CL" % value, post(HOST, line, "Content-Length: @M", body=last + SMUGGLED), "refuse"
    second = ["identity", "cow", "chunked", "", "x, chunked", "chunked,", '"chunked"', "Chunked"]
    for value in second:
        for a, b in ((TE, "Transfer-Encoding: " + value), ("Transfer-Encoding: " + value, TE), (TE, "transfer-encoding: " + value), (TE, "Transfer-encoding:" + value)):
            yield "TE.TE %s / %s" % (a, b), post(HOST, a, b, body=last + SMUGGLED), "refuse"
    yield "TE in 1.0", post(HOST, TE, body=last + SMUGGLED, line="POST @T HTTP/1.0"), "refuse"
    yield "TE in 1.0 kept alive", post(HOST, "Connection: keep-alive", TE, body=last + SMUGGLED, line="POST @T HTTP/1.0"), "refuse"
    yield "TE and CL in 1.0", post(HOST, TE, "Content-Length: 5", body=last + SMUGGLED, line="POST @T HTTP/1.0"), "refuse"
    for name in ("Content-Encoding", "X-Transfer-Encoding", "Transfer_Encoding", "TransferEncoding", "Transfer-Encodin", "Transfer-Encoding2", "TE", "Te", "Trailer",
                 "Tranfer-Encoding", "Transfer-Encodings", "Transfer--Encoding", "Transfer-Encoding-"):
        yield "not TE: " + name, post(HOST, name + ": chunked", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    for c in range(256):  # a byte at each place where parsers are known to forgive one
        ch = chr(c)
        yield "TE byte %02x behind the name" % c, post(HOST, "Transfer-Encoding" + ch + ": chunked", body=last + SMUGGLED), "either"
        yield "TE byte %02x in front of the name" % c, post(HOST, ch + "Transfer-Encoding: chunked", body=last + SMUGGLED), "either"
        yield "TE byte %02x in front of the value" % c, post(HOST, "Transfer-Encoding:" + ch + "chunked", body=last + SMUGGLED), "either"
        yield "TE byte %02x behind the value" % c, post(HOST, "Transfer-Encoding: chunked" + ch, body=last + SMUGGLED), "either"
        yield "TE byte %02x as a line end" % c, post(HOST, "X: y" + ch + "Transfer-Encoding: chunked", body=last + SMUGGLED), "either"
        yield "CL byte %02x behind the name" % c, post(HOST, "Content-Length" + ch + ": 5", body="hello" + SMUGGLED), "either"
        yield "CL byte %02x in front of the value" % c, post(HOST, "Content-Length:" + ch + "5", body="hello" + SMUGGLED), "either"
        yield "CL byte %02x behind the value" % c, post(HOST, "Content-Length: 5" + ch, body="hello" + SMUGGLED), "either"


def lengths():
    for name, value in {"zeros": "0005", "many zeros": "0" * 30 + "5", "blanks": " \t5\t ", "none": "5"}.items():
        yield "CL " + name, post(HOST, "Content-Length:" + value, body="hello" + SMUGGLED), "serve"
    for value in ("+5", "-5", "-0", "+0", "0x5", "0X5", "5.0", "5e0", "5,5", "5, 5", "5 , 5", "5, 6", "5,", ",5", "5;5", "5 5", "5\t5", "", " ", "five", '"5"', "'5'", "5_0", "0o5",
                  "0b101", "5h", "5\0", "5\x0b", "\x0b5", "5\xa0", "\xb2", "\u0665".encode().decode("latin-1"), "99999999999999999999", "9223372036854775808",
                  "18446744073709551615", "18446744073709551616", "18446744073709551621", "340282366920938463463374607431768211461", "4294967301 ,5", "1e1", "5\r\n 0",
                  "\r\n 5", "5\r\n\t", "5\n", "\n5", "5\r", "NaN", "inf", "0 5", "(5)", "5 bytes", "5;a=b", "=5", "5%", "%35"):
        yield "CL %r" % value, post(HOST, "Content-Length: " + value, body="hello" + SMUGGLED), "refuse"
    for a, b in (("5", "5"), ("5", "0"), ("0", "5"), ("5", ""), ("", "5"), ("5", "05"), ("5", "x"), ("5", "-1"), ("5", "@M")):
        yield "CL twice %r %r" % (a, b), post(HOST, "Content-Length: " + a, "content-length: " + b, body="hello" + SMUGGLED), "refuse"
        yield "CL twice apart %r %r" % (a, b), post("Content-Length: " + a, HOST, "Content-Length: " + b, body="hello" + SMUGGLED), "refuse"
    for name in ("Content_Length", "ContentLength", "X-Content-Length", "Content-Length2", "Content-Lengt", "Content--Length", "Content-Length-", "Content-Range"):
        yield "not CL: " + name, post(HOST, name + ": 5", body=SMUGGLED), "serve"  # no body: what follows is a request
        yield "not CL with CL: " + name, post(HOST, name + ": 0", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    yield "CL nominated", post(HOST, "Connection: content-length", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    yield "CL.0", post(HOST, "Content-Length: @L", body=SMUGGLED), "serve"
    yield "CL.0 unknown path", post(HOST, "Content-Length: @L", body=SMUGGLED, line="POST /nowhere HTTP/1.1"), "serve"
    yield "CL.0 wrong method", post(HOST, "Content-Length: @L", body=SMUGGLED, line="PUT /__health HTTP/1.1"), "serve"
    yield "CL.0 health", post(HOST, "Content-Length: @L", body=SMUGGLED, line="GET /__health HTTP/1.1"), "serve"
    yield "CL.0 redirect", post(HOST, "Content-Length: @L", body=SMUGGLED, line="GET @T/ HTTP/1.1"), "serve"
    yield "CL.0 options", post(HOST, "Content-Length: @L", body=SMUGGLED, line="OPTIONS * HTTP/1.1"), "serve"
    yield "TE.0", post(HOST, TE, body="@H\r\n" + SMUGGLED + "\r\n0\r\n\r\n"), "serve"
    yield "TE.0 options", post(HOST, TE, body="@H\r\n" + SMUGGLED + "\r\n0\r\n\r\n", line="OPTIONS * HTTP/1.1"), "serve"
    yield "TE.0 unknown path", post(HOST, TE, body="@H\r\n" + SMUGGLED + "\r\n0\r\n\r\n", line="POST /nowhere HTTP/1.1"), "serve"
    yield "0.CL", post(HOST, "Content-Length:\r\n @L", body=SMUGGLED), "refuse"
    yield "0.CL hidden", post(" Content-Length: @L", HOST, body=SMUGGLED), "refuse"
    yield "GET with body", post(HOST, "Content-Length: @L", body=SMUGGLED, line="GET @T HTTP/1.1"), "serve"
    yield "GET with chunked body", post(HOST, TE, body="@H\r\n" + SMUGGLED + "\r\n0\r\n\r\n", line="GET @T HTTP/1.1"), "serve"
    yield "GET without length", post(HOST, body=SMUGGLED, line="GET @T HTTP/1.1"), "serve"


def heads():
    for line in ("Content-Length : 5", "Content-Length\t: 5", "Content-Length \t : 5", "Transfer-Encoding : chunked", "Transfer-Encoding\t:chunked", "Host : g", "X : y", "X: a\r\n b", "X: a\r\n\tb",
                 "X: a\r\n Content-Length: 5", "X: a\r\n\tTransfer-Encoding: chunked", " X: a", "\tX: a", "X: a\nContent-Length: 5", "X: a\n Content-Length: 5", "X: a\rContent-Length: 5",
                 "X: a\r\rY: b", "X: a\r", "\rX: a", "\nX: a", "X: a\n", "X\r: a", "X\n: a", "X: a\0b", "X\0: a", "\0X: a", "X: \0", "X: a\x01b", "X: a\x0bb", "X: a\x1fb", "X: a\x7fb", "X\x7f: a", "X",
                 ":", ": a", ":: a", "X[a]: b", "a/b: c", "X\xe9: b", "\xefX: b", '"X": b', "X(a): b", "X,Y: b", "X;Y: b", "X=Y: b", "X@Y: b", "X{}: b", "X\\: b", "X?: b", "X<>: b", "X Y: b",
                 "GET @S HTTP/1.1", "GET @S HTTP/1.1\r\nHost: g", "HTTP/1.1 200 OK", "Content-Length 5", "Content-Length=5", "Content-Length; 5", "Content\xadLength: 5", "Content\u2011Length: 5".encode().decode("latin-1"),
                 "Tran\u017ffer-Encoding: chunked".encode().decode("latin-1")):
        yield "field %r" % line, post(HOST, line, body="hello" + SMUGGLED), "refuse" if not line.startswith(("Tran", "Content")) or ":" not in line or " :" in line or "\t" in line else "either"
        yield "field first %r" % line, post(line, HOST, "Content-Length: 0", body=SMUGGLED), "either"
        yield "field last %r" % line, post(HOST, "Content-Length: 0", line, body=SMUGGLED), "either"
    yield "256 fields", post(HOST, *["X: y"] * 255, body=SMUGGLED), "serve"
    yield "257 fields", post(HOST, *["X: y"] * 256, body=SMUGGLED), "limit"
    yield "length in the 257th field", post(HOST, *["X: y"] * 256, "Content-Length: 5", body="hello" + SMUGGLED), "limit"
    yield "long name", post(HOST, "X" * 70000 + ": y", body=SMUGGLED), "limit"
    yield "long value", post(HOST, "X: " + "y" * 70000, "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    yield "many options", post(HOST, "Connection: " + ",".join("x%d" % i for i in range(40)), "Content-Length: 5", body="hello" + SMUGGLED), "limit"
    for a, b in (("Host: g", "Host: g"), ("Host: g", "host: h"), ("Host: g", "Host:"), ("Host:", "Host: g")):
        yield "Host twice %r %r" % (a, b), post(a, b, "Content-Length: 0", body=SMUGGLED), "refuse"
    for value in ("a b", "a/b", "a@b", "a?b", "a#b", "a\\b", 'a"b', "<a>", "a\tb", "a\x7f", "\xe9", "a\0", "a, b"):
        yield "Host %r" % value, post("Host: " + value, "Content-Length: 0", body=SMUGGLED), "refuse" if value != "a, b" else "refuse"
    yield "Host missing", post("X: y", "Content-Length: 0", body=SMUGGLED), "refuse"
    yield "Host missing in 1.0", post("X: y", "Connection: keep-alive", "Content-Length: 0", body=SMUGGLED, line="POST @T HTTP/1.0"), "serve"
    yield "Host folded", post("Host:\r\n g", "Content-Length: 0", body=SMUGGLED), "refuse"
    yield "Host blank first line", post(" Host: g", "Content-Length: 0", body=SMUGGLED), "refuse"
    yield "Host nominated", post(HOST, "Connection: host", "Content-Length: 0", body=SMUGGLED), "serve"
    for target in ("http://g@T", "http://other@T", "http://g:80@T", "HTTP://g@T", "http://u:p@g@T"):
        yield "absolute %s" % target, post(HOST, "Content-Length: 5", body="hello" + SMUGGLED, line="POST %s HTTP/1.1" % target), "serve"
    for target in ("http:@T", "http:/@T", "//g@T", "g@T", "ftp:", "*", "http://", "http://a b/@T", "http:///x", "?x", "#x", "g:80"):
        yield "target %s" % target, post(HOST, "Content-Length: 5", body="hello" + SMUGGLED, line="POST %s HTTP/1.1" % target), "either"


def lines():
    for line in ("POST  @T HTTP/1.1", "POST\t@T\tHTTP/1.1", "POST @T", "POST @T ", "POST @T http/1.1", "POST @T HTTP/2.0", "POST @T HTTP/2", "POST @T HTTP/1.2", "POST @T HTTP/1.10", "POST @T HTTP/0.9",
                 "POST @T HTTP/3", "POST @T HTTP/1", "POST @T HTTP/1.", "POST @T HTTP/.1", "POST @T HTTP/01.1", "POST @T HTTP/1.01", "POST @T HTTP/11", "POST @T HTTP1.1", "POST @T HTTPS/1.1",
                 "POST @T ICAP/1.0", "POST @T x HTTP/1.1", "POST @T HTTP/1.1 ", "POST @T HTTP/1.1 HTTP/1.1", " POST @T HTTP/1.1", "\tPOST @T HTTP/1.1", "POST @T\rHTTP/1.1", "POST\r@T HTTP/1.1",
                 "POST @T\x0bHTTP/1.1", "POST\x0b@T HTTP/1.1", "POST\x0c@T\x0cHTTP/1.1", "POST @T\0 HTTP/1.1", "\0POST @T HTTP/1.1", "POST @T\x01 HTTP/1.1", "POST @T\x7f HTTP/1.1", "PO(ST @T HTTP/1.1",
                 "PO\xe9ST @T HTTP/1.1", "POST:@T HTTP/1.1", ": @T HTTP/1.1", " HTTP/1.1", "POST HTTP/1.1", "", "HTTP/1.1 200 OK", "POST @T HTTP/+1.1", "POST @T HTTP/ 1.1", "POST @T HTTP/1 .1", "POST @T HTTP/1. 1",
                 "POST @T HTTP/1.1;x", "POST @T HTTP/1,1", "POST @T\xa0HTTP/1.1", "POST\xa0@T HTTP/1.1", "POST @T  HTTP/1.1", "PRI * HTTP/2.0", "POST \r\n@T HTTP/1.1", "POST @T\r\n HTTP/1.1"):
        yield "line %r" % line, post(HOST, "Content-Length: 0", body=SMUGGLED, line=line), "either" if line in ("", "HTTP/1.1 200 OK", " HTTP/1.1") else "refuse"
    yield "line bare LF", "POST @T HTTP/1.1\nHost: g\nContent-Length: 0\n\n" + SMUGGLED, "refuse"
    yield "line bare CR", "POST @T HTTP/1.1\rHost: g\rContent-Length: 0\r\r" + SMUGGLED, "refuse"
    yield "head ends in LF", "POST @T HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\n" + SMUGGLED, "refuse"
    yield "head ends in LF LF", "POST @T HTTP/1.1\r\nHost: g\r\nContent-Length: 0\n\n" + SMUGGLED, "refuse"
    yield "head ends in CR LF CR", "POST @T HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\rX" + SMUGGLED, "refuse"
    yield "head ends in CR CR LF", "POST @T HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\r\n" + SMUGGLED, "refuse"
    yield "blank line inside", "POST @T HTTP/1.1\r\nHost: g\r\n \r\nContent-Length: 5\r\n\r\nhello" + SMUGGLED, "refuse"
    yield "empty lines in front", "\r\n\r\n" + post(HOST, "Content-Length: 5", body="hello") + "\r\n" + SMUGGLED, "serve"
    yield "LF in front", "\n" + post(HOST, "Content-Length: 5", body="hello"), "refuse"
    yield "CR in front", "\r" + post(HOST, "Content-Length: 5", body="hello"), "refuse"
    yield "HTTP/0.9", "GET @T\r\n", "refuse"
    yield "HTTP/0.9 LF", "GET @T\n", "refuse"
    yield "HTTP/0.9 with more", "GET @T\r\n" + SMUGGLED, "refuse"
    yield "preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", "refuse"
    yield "preface behind a request", SMUGGLED.replace("@S", "@T") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", "either"
    yield "long method", "X" * 100 + " @T HTTP/1.1\r\nHost: g\r\n\r\n" + SMUGGLED, "limit"
    yield "1.0 closes", post(HOST, "Content-Length: 5", body="hello" + SMUGGLED, line="POST @T HTTP/1.0"), "serve"
    yield "close", post(HOST, "Connection: close", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    yield "close in a list", post(HOST, "Connection: keep-alive, Close", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    yield "pipelined", "".join(post(HOST, "Content-Length: 5", body="hello") for _ in range(3)) + SMUGGLED, "serve"
    yield "pipelined mixed", post(HOST, TE, body="5\r\nhello\r\n0\r\n\r\n") + "GET @T HTTP/1.1\r\nHost: g\r\n\r\n" + post(HOST, "Content-Length: 1", body="x") + SMUGGLED, "serve"
    yield "HEAD with body", post(HOST, "Content-Length: @L", body=SMUGGLED, line="HEAD @T HTTP/1.1"), "either"
    yield "unknown method", post(HOST, "Content-Length: @L", body=SMUGGLED, line="BREW @T HTTP/1.1"), "either"


def chunks():
    def chunked(body):
        return post(HOST, TE, body=body + SMUGGLED)

    served = {
        "plain": "5\r\nhello\r\n0\r\n\r\n", "two": "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", "upper": "A\r\nhellohello\r\n0\r\n\r\n", "lower": "a\r\nhellohello\r\n0\r\n\r\n", "zeros": "0005\r\nhello\r\n000\r\n\r\n",
        "16 digits": "0000000000000005\r\nhello\r\n0\r\n\r\n", "extension": "5;a\r\nhello\r\n0\r\n\r\n", "extension value": "5;a=b\r\nhello\r\n0;c=d\r\n\r\n", "quoted": '5;a="b;c"\r\nhello\r\n0\r\n\r\n',
        "blank in front of an extension": "5 ;a\r\nhello\r\n0\r\n\r\n", "trailer": "5\r\nhello\r\n0\r\nX: y\r\n\r\n", "trailer CL": "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
        "trailer TE": "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "trailer Host": "0\r\nHost: other\r\n\r\n", "trailer many": "0\r\n" + "X: y\r\n" * 20 + "\r\n", "empty": "0\r\n\r\n",
        "inner last chunk": "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "bytes": "".join("1\r\n%s\r\n" % c for c in "hello") + "0\r\n\r\n",
    }
    for name, body in served.items():
        yield "chunk " + name, chunked(body), "serve"
    refused = {
        "negative": "-5\r\nhello\r\n0\r\n\r\n", "plus": "+5\r\nhello\r\n0\r\n\r\n", "0x": "0x5\r\nhello\r\n0\r\n\r\n", "0X": "0X5\r\nhello\r\n0\r\n\r\n", "underscore": "0_5\r\nhello\r\n0\r\n\r\n", "h": "5h\r\nhello\r\n0\r\n\r\n",
        "no size": "\r\nhello\r\n0\r\n\r\n", "only extension": ";a\r\nhello\r\n0\r\n\r\n", "g": "g\r\nhello\r\n0\r\n\r\n", "5g": "5g\r\nhello\r\n0\r\n\r\n", "quoted size": '"5"\r\nhello\r\n0\r\n\r\n',
        "blank behind": "5 \r\nhello\r\n0\r\n\r\n", "tab behind": "5\t\r\nhello\r\n0\r\n\r\n", "blank in front": " 5\r\nhello\r\n0\r\n\r\n", "vertical tab": "5\x0b\r\nhello\r\n0\r\n\r\n", "form feed": "\x0c5\r\nhello\r\n0\r\n\r\n",
        "nul": "5\0\r\nhello\r\n0\r\n\r\n", "comma": "5,5\r\nhello\r\n0\r\n\r\n", "two sizes": "5 5\r\nhello\r\n0\r\n\r\n", "point": "5.0\r\nhello\r\n0\r\n\r\n", "percent": "%35\r\nhello\r\n0\r\n\r\n",
        "size LF": "5\nhello\r\n0\r\n\r\n", "size CR": "5\rhello\r\n0\r\n\r\n", "size CR CR LF": "5\r\r\nhello\r\n0\r\n\r\n", "size LF CR": "5\n\rhello\r\n0\r\n\r\n", "size X LF": "5\rX\nhello\r\n0\r\n\r\n",
        "data LF": "5\r\nhello\n0\r\n\r\n", "data CR": "5\r\nhello\r0\r\n\r\n", "data nothing": "5\r\nhello0\r\n\r\n", "data XX": "5\r\nhelloXX0\r\n\r\n", "data LF LF": "5\r\nhello\n\n0\r\n\r\n", "data one too long": "5\r\nhelloo\r\n0\r\n\r\n",
        "data one too short": "6\r\nhello\r\n0\r\n\r\n", "data CR LF CR LF": "5\r\nhello\r\n\r\n0\r\n\r\n",
        "TERM.EXT": "5;\nxx\r\nhello\r\n0\r\n\r\n", "EXT.TERM": "5;a\nhello\r\n0\r\n\r\n", "EXT CR": "5;a\rb\r\nhello\r\n0\r\n\r\n", "EXT CR end": "5;a\rhello\r\n0\r\n\r\n", "EXT nul": "5;a\0b\r\nhello\r\n0\r\n\r\n", "EXT ctl": "5;a\x01\r\nhello\r\n0\r\n\r\n",
        "EXT del": "5;a\x7f\r\nhello\r\n0\r\n\r\n", "EXT quoted LF": '5;a="\n"\r\nhello\r\n0\r\n\r\n', "TERM.SPILL": "5\r\nhello\n2\r\n0\n\r\n\r\n", "SPILL.TERM": "5\nhello\r\n45\r\n0\r\n\r\n", "ONE.TWO": "5\r\nhello\n0\r\n\r\n",
        "TWO.ONE": "5\r\nhello\r\n0\n\n", "ZERO.TWO": "5\r\nhello0\r\n\r\n", "TWO.ZERO": "5\r\nhello\r\n0\r\nX\r\n\r\n",
        "17 digits": "00000000000000005\r\nhello\r\n0\r\n\r\n", "2^64+5": "10000000000000005\r\nhello\r\n0\r\n\r\n", "2^64-1": "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "2^63": "8000000000000000\r\nhello\r\n0\r\n\r\n", "2^60+1": "1000000000000001\r\nhello\r\n0\r\n\r\n",
        "long extension": "5;" + "a" * 5000 + "\r\nhello\r\n0\r\n\r\n", "long blank": "5" + " " * 5000 + ";a\r\nhello\r\n0\r\n\r\n",
        "last LF": "5\r\nhello\r\n0\n\n", "last LF CR LF": "5\r\nhello\r\n0\n\r\n", "last CR LF LF": "5\r\nhello\r\n0\r\n\n", "last CR LF CR X": "5\r\nhello\r\n0\r\n\rX", "last extension LF": "0;a\n\r\n\r\n", "last minus": "-0\r\n\r\n",
        "trailer fold": "0\r\nX: y\r\n z\r\n\r\n", "trailer first blank": "0\r\n X: y\r\n\r\n", "trailer no colon": "0\r\nX\r\n\r\n", "trailer request": "0\r\nGET @S HTTP/1.1\r\nHost: g\r\n\r\n", "trailer LF": "0\r\nX: y\nZ: a\r\n\r\n",
        "trailer CR": "0\r\nX: y\rZ: a\r\n\r\n", "trailer nul": "0\r\nX: \0\r\n\r\n", "trailer blank colon": "0\r\nX : y\r\n\r\n", "trailer empty name": "0\r\n: y\r\n\r\n", "trailer LF end": "0\r\nX: y\r\n\n", "trailer long": "0\r\nX: " + "a" * 20000 + "\r\n\r\n",
        "trailer many": "0\r\n" + "Xyzzy: y\r\n" * 2000 + "\r\n", "response": "0\r\nHTTP/1.1 200 OK\r\n\r\n",
    }
    for name, body in refused.items():
        yield "chunk " + name, chunked(body), "limit" if name in ("long extension", "long blank", "trailer long", "trailer many") else "refuse"
    for c in range(256):
        ch = chr(c)
        yield "chunk byte %02x behind the size" % c, chunked("5" + ch + "\r\nhello\r\n0\r\n\r\n"), "either"
        yield "chunk byte %02x in front of the size" % c, chunked(ch + "5\r\nhello\r\n0\r\n\r\n"), "either"
        yield "chunk byte %02x in an extension" % c, chunked("5;a" + ch + "\r\nhello\r\n0\r\n\r\n"), "either"
        yield "chunk byte %02x as a line end" % c, chunked("5" + ch + "hello\r\n0\r\n\r\n"), "either"
        yield "chunk byte %02x behind the data" % c, chunked("5\r\nhello" + ch + "\n0\r\n\r\n"), "either"


def other():
    yield "Expect", post(HOST, "Expect: 100-continue", "Content-Length: @L", body=SMUGGLED), "serve"
    yield "Expect chunked", post(HOST, "Expect: 100-continue", TE, body="@H\r\n" + SMUGGLED + "\r\n0\r\n\r\n"), "serve"
    yield "Expect upper", post(HOST, "Expect: 100-CONTINUE", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    yield "Expect without body", post(HOST, "Expect: 100-continue", body=SMUGGLED, line="GET @T HTTP/1.1"), "serve"
    yield "Expect empty", post(HOST, "Expect:", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    yield "Expect in 1.0", post(HOST, "Connection: keep-alive", "Expect: 100-continue", "Content-Length: 5", body="hello" + SMUGGLED, line="POST @T HTTP/1.0"), "serve"
    for value in ("y 100-continue", "100-continue, x", "100-continue; a", "x", "100", "200-ok", "100-continue\r\n x", "100-continue,", '"100-continue"'):
        yield "Expect %r" % value, post(HOST, "Expect: " + value, "Content-Length: @L", body=SMUGGLED), "limit"
    yield "Expect twice", post(HOST, "Expect: 100-continue", "Expect: 100-continue", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    yield "Expect unknown path", post(HOST, "Expect: 100-continue", "Content-Length: @L", body=SMUGGLED, line="POST /nowhere HTTP/1.1"), "either"
    for up in ("websocket", "h2c", "TLS/1.0", "HTTP/2.0", "x"):
        more = ["HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"] if up == "h2c" else []
        yield "Upgrade " + up, post(HOST, "Connection: Upgrade", "Upgrade: " + up, *more, body=SMUGGLED, line="GET @T HTTP/1.1"), "serve"
        yield "Upgrade with body " + up, post(HOST, "Connection: Upgrade, HTTP2-Settings", "Upgrade: " + up, *more, "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    yield "Upgrade websocket whole", post(HOST, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", body=SMUGGLED, line="GET @T HTTP/1.1"), "serve"
    yield "Upgrade websocket bad version", post(HOST, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 777", "Sec-WebSocket-Key: x", body=SMUGGLED, line="GET @T HTTP/1.1"), "serve"
    yield "Upgrade preface follows", post(HOST, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", body="PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", line="GET @T HTTP/1.1"), "either"
    yield "CONNECT", post("Host: g:80", body=SMUGGLED, line="CONNECT g:80 HTTP/1.1"), "either"
    yield "CONNECT path", post(HOST, body=SMUGGLED, line="CONNECT @T HTTP/1.1"), "either"
    yield "CONNECT path with body", post(HOST, "Content-Length: @L", body=SMUGGLED, line="CONNECT @T HTTP/1.1"), "either"
    yield "CONNECT absolute", post(HOST, body=SMUGGLED, line="CONNECT http://g@T HTTP/1.1"), "either"
    yield "TRACE", post(HOST, "Content-Length: @L", body=SMUGGLED, line="TRACE @T HTTP/1.1"), "either"
    yield "Keep-Alive", post(HOST, "Connection: keep-alive", "Keep-Alive: timeout=1, max=1", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    yield "Proxy-Connection", post(HOST, "Proxy-Connection: close", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    for name in ("X-Forwarded-For", "X-Forwarded-Host", "User-Agent", "Content-Type", "Host", "Cookie", "X-Krakend"):
        yield "nominated " + name, post(HOST, "Connection: " + name, "X: y", "Content-Length: 5", body="hello" + SMUGGLED), "serve"
    for path in ("%0d%0aX:%20y", "a%0aX:y", "a%20HTTP/1.1%0d%0aHost:%20h%0d%0a%0d%0aGET%20@S", "?a=%0d%0aX:%20y", "?%0d%0a=y", "%00", "a%23b", "%3fx"):
        yield "path " + path, post(HOST, "Content-Length: 5", body="hello" + SMUGGLED, line="POST @T%s HTTP/1.1" % path), "either"
    for c in list(range(1, 32)) + [127, 128, 133, 160, 173, 255]:
        yield "target byte %02x" % c, post(HOST, "Content-Length: 0", body=SMUGGLED, line="POST @T" + chr(c) + "x HTTP/1.1"), "either"
    for name in ("X-A", "Cookie", "User-Agent", "Content-Type"):
        yield "value with high bytes in " + name, post(HOST, name + ": \x80\x85\xa0\xad\xff", "Content-Length: 5", body="hello" + SMUGGLED), "serve"


def fill(text, own, smuggled):
    """The bytes of a payload, with these two paths."""
    n = len(SMUGGLED.replace("@S", smuggled))
    for mark, value in (("@T", own), ("@S", smuggled), ("@L", "%d" % n), ("@H", "%x" % n), ("@M", "%d" % (5 + n))):
        text = text.replace(mark, value)
    return text.encode("latin-1")


def all_payloads():
    """[(name, text, expectation)]"""
    out = []
    for group in (both_framings, codings, lengths, heads, lines, chunks, other):
        for name, text, want in group():
            out.append((group.__name__ + ": " + name, text, want))
    return out
