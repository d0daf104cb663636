"""Whose address counts: ledger 1 section 3.5, docs/listeners.md. Peers are 127.0.0.1; every row was compared with the reference."""

from harness import endpoint, get

PRIVATE = ["127.0.0.1/32", "10.0.0.0/8"]

# (router options, headers, X-Forwarded-For that the backend gets)
ROWS = [
    # Everybody is trusted: the leftmost.
    ({}, ["X-Forwarded-For: 1.1.1.1, 2.2.2.2"], "1.1.1.1"),
    ({}, ["X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 2.2.2.2"], "1.1.1.1"),
    ({}, ["X-Real-Ip: 3.3.3.3"], "3.3.3.3"),
    ({}, ["x-real-ip: 3.3.3.3", "X-Forwarded-For: 1.1.1.1"], "1.1.1.1"),
    ({}, ["X-Forwarded-For: no", "X-Real-Ip: 3.3.3.3"], "3.3.3.3"),
    ({}, ["X-Forwarded-For: ", "X-Real-Ip: 3.3.3.3"], "3.3.3.3"),
    ({}, ["X-Forwarded-For: 1.1.1.1,", "X-Real-Ip: 3.3.3.3"], "3.3.3.3"),
    ({}, ["X-Forwarded-For: 1.1.1.1,no"], "127.0.0.1"),
    ({}, ["X-Forwarded-For: no,1.1.1.1"], "127.0.0.1"),
    ({}, ["X-Forwarded-For: 1.1.1.1:80"], "127.0.0.1"),
    ({}, ["X-Forwarded-For: 01.1.1.1"], "127.0.0.1"),
    ({}, ["X-Forwarded-For: 1.1.1"], "127.0.0.1"),
    ({}, ["X-Forwarded-For: ::1"], "::1"),
    ({}, ["X-Forwarded-For: [::1]"], "127.0.0.1"),
    ({}, ["X-Forwarded-For: 2001:DB8::1"], "2001:DB8::1"),
    ({}, ["X-Forwarded-For: ::ffff:1.2.3.4"], "::ffff:1.2.3.4"),
    ({}, ["X-Forwarded-For: fe80::1%eth0"], "127.0.0.1"),
    ({}, ["X-Forwarded-For:\t1.1.1.1 \t,  2.2.2.2 "], "1.1.1.1"),
    ({}, ["Forwarded: for=1.1.1.1"], "127.0.0.1"),
    ({}, ["X-Appengine-Remote-Addr: 9.9.9.9"], "127.0.0.1"),
    # Only some are: from the right, the first that is not.
    ({"trusted_proxies": PRIVATE}, ["X-Forwarded-For: 1.1.1.1, 2.2.2.2, 10.1.1.1"], "2.2.2.2"),
    ({"trusted_proxies": PRIVATE}, ["X-Forwarded-For: 10.2.2.2, 10.1.1.1"], "10.2.2.2"),
    ({"trusted_proxies": PRIVATE}, ["X-Forwarded-For: no, 2.2.2.2, 10.1.1.1"], "2.2.2.2"),
    ({"trusted_proxies": PRIVATE}, ["X-Forwarded-For: 2.2.2.2, no, 10.1.1.1", "X-Real-Ip: 3.3.3.3"], "3.3.3.3"),
    ({"trusted_proxies": PRIVATE}, ["X-Forwarded-For: 1.1.1.1, ::1"], "::1"),
    ({"trusted_proxies": ["10.0.0.0/8"]}, ["X-Forwarded-For: 1.1.1.1"], "127.0.0.1"),
    ({"trusted_proxies": ["127.0.0.1"]}, ["X-Forwarded-For: 1.1.1.1, 2.2.2.2"], "2.2.2.2"),
    ({"trusted_proxies": []}, ["X-Forwarded-For: 1.1.1.1"], "1.1.1.1"),
    # Networks of IPv6 hold no IPv4 address.
    ({"trusted_proxies": ["::/0"]}, ["X-Forwarded-For: 1.1.1.1"], "127.0.0.1"),
    ({"trusted_proxies": ["::/64"]}, ["X-Forwarded-For: 1.1.1.1"], "127.0.0.1"),
    ({"trusted_proxies": ["0.0.0.0/0"]}, ["X-Forwarded-For: 1.1.1.1, 2.2.2.2"], "1.1.1.1"),
    ({"trusted_proxies": ["0.0.0.0/0"]}, ["X-Forwarded-For: 1.1.1.1, ::2"], "::2"),
    ({"trusted_proxies": ["::ffff:127.0.0.1"]}, ["X-Forwarded-For: 1.1.1.1"], "127.0.0.1"),
    # What is no network ends the list.
    ({"trusted_proxies": ["nonsense", "127.0.0.1"]}, ["X-Forwarded-For: 1.1.1.1"], "127.0.0.1"),
    ({"trusted_proxies": ["127.0.0.1", "nonsense", "2.2.2.2"]}, ["X-Forwarded-For: 1.1.1.1, 2.2.2.2"], "2.2.2.2"),
    # Which headers.
    ({"forwarded_by_client_ip": False}, ["X-Forwarded-For: 1.1.1.1", "X-Real-Ip: 3.3.3.3"], "127.0.0.1"),
    ({"remote_ip_headers": ["x-client"]}, ["X-Client: 4.4.4.4", "X-Forwarded-For: 1.1.1.1"], "4.4.4.4"),
    ({"remote_ip_headers": ["x-client"]}, ["X-Forwarded-For: 1.1.1.1"], "127.0.0.1"),
    ({"remote_ip_headers": ["X-Real-Ip", "X-Forwarded-For"]}, ["X-Forwarded-For: 1.1.1.1", "X-Real-Ip: 3.3.3.3"], "3.3.3.3"),
    ({"remote_ip_headers": []}, ["X-Forwarded-For: 1.1.1.1"], "1.1.1.1"),
    ({"app_engine": True}, ["X-Appengine-Remote-Addr: 9.9.9.9", "X-Forwarded-For: 1.1.1.1"], "9.9.9.9"),
    ({"app_engine": True}, ["X-Appengine-Remote-Addr: anything"], "anything"),
    ({"app_engine": True}, ["X-Appengine-Remote-Addr: ", "X-Forwarded-For: 1.1.1.1"], "1.1.1.1"),
    ({"app_engine": True, "forwarded_by_client_ip": False}, ["X-Appengine-Remote-Addr: 9.9.9.9"], "9.9.9.9"),
    ({"app_engine": True}, ["X-Appengine-Remote-Addr: ", "X-Appengine-Remote-Addr: 9.9.9.9"], "127.0.0.1"),
]


def test_whose_address_counts(t):
    gateways, wrong = {}, []
    for options, headers, want in ROWS:
        key = repr(options)
        if key not in gateways:
            gateways[key] = t.start({"version": 3, "endpoints": [endpoint("/who", t.backend.port, encoding="no-op")],
                                     "extra_config": {"router": options, "telemetry/logging": {"level": "INFO", "stdout": True}}},
                                    arguments=("--workers", "1"))
        t.backend.forget()
        a = gateways[key].ask(get("/who", "".join(h + "\r\n" for h in headers)))
        got = t.backend.requests()[-1].get("X-Forwarded-For") if a.status == 200 else a.line
        if got != want:
            wrong.append((options, headers, got, want))
    assert not wrong, "\n".join(map(repr, wrong))
