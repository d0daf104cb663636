"""Floods of HTTP/2 for a few seconds each: the connection ends with ENHANCE_YOUR_CALM, memory stays, a neighbour is served.
tests/protocol/h2_floods.py runs the same for a minute each and prints figures."""
import harness
import h2_floods
from harness import SLOW, usual_config


def test_floods(t):
    g = t.start(usual_config(t.backend.port, use_h2c=True), workers=None)
    for name in h2_floods.FLOODS:
        r = h2_floods.run(g, t.backend, name, seconds=1.5 * harness.SLOW)
        assert r.goaway, (name, r)
        assert r.after == 0, (name, r)
        assert r.grown < (8 << 20 if SLOW == 1 else 256 << 20), (name, r)
        assert r.neighbour_failed == 0 and r.neighbour_ok > 0, (name, r)
    g.idle()
