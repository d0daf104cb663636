"""The areas: each a function that makes one random round (a case without answers) from a random generator."""
from . import answers, config, documents, door, flow, forwarding, routing

AREAS = {
    "routing": routing.round_of,
    "forwarding": forwarding.round_of,
    "bodies": forwarding.bodies,
    "json": documents.texts,
    "manipulation": documents.manipulation,
    "merging": answers.merging,
    "failures": answers.failures,
    "headers-out": answers.headers_out,
    "config": config.round_of,
    "timeouts": answers.timeouts,
    "sequential": flow.sequential,
    "static": flow.static_data,
    "shadow": flow.shadow,
    "flatmap": flow.flatmap,
    "encodings": flow.encodings,
    "martian": flow.martian,
    "mixed": flow.mixed,
    "origins": door.origins,
    "hardening": door.hardening,
    "crawlers": door.crawlers,
    "limits": door.limits,
}
