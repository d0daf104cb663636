// Purpose: the yaml renderer: data as YAML, as gin writes it for KrakenD with goccy/go-yaml (ledger 4.5): keys
// ascending, two spaces for a level, lists not indented below their key, numbers as texts (so in quotes, when they look
// like numbers to YAML), texts with line ends as literal blocks unless something in them asks for quotes. Owner: the
// caller's Output; scratch memory is the arena's. Thread: one worker. Errors: none. No recursion; an output line
// repeats the indentation of its level, so the output can be (depth * lines * 2) longer than the data: render() bounds
// it.
#pragma once
#include "base/arena.h"
#include "json/node.h"
#include "json/output.h"

namespace gladius::encodings {

// The root of `doc` is an object or null; all of it was kept, its members are ascending and unique (json::emit made
// it). False: it would be longer than `limit`; nothing of use is written.
bool write_yaml(const json::Document& doc, Arena& arena, size_t limit, json::Output& out);

// Whether YAML would take the text for something else than a text, so that it needs quotes.
bool yaml_needs_quotes(std::string_view text);

}  // namespace gladius::encodings
