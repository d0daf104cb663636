// Purpose: writes a value as KrakenD's renderers do (ledger 4.5), byte for byte like Go's encoding/json: compact, keys
// ascending by bytes at every depth, HTML characters escaped, number text as it came.
// A node whose bytes are canonical is copied; the rest is printed anew.
// Owner: the caller's Output; scratch memory comes from the arena. Thread: one worker. Errors: none, a value can always
// be printed. No recursion: memory grows with depth (24 bytes per level) and with the names of the objects on one path.
//   ArenaOutput out(arena, estimate(data));
//   render(renderer, &data, arena, out);   head.content_type = content_type(renderer);
#pragma once
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "json/node.h"
#include "json/output.h"

namespace gladius::json {

// Every way to render an answer; the table in emit.cc has a row for each.
enum class Renderer : uint8_t { json, json_collection, string, no_op };

// The renderer of an endpoint: the one named by output_encoding (exact letters); for an unknown or empty name the one
// named like the encoding of the only backend (empty when there are several), else json.
Renderer find_renderer(std::string_view output_encoding, std::string_view only_backend_encoding);

// Empty for no_op, where the backend's own is used.
std::string_view content_type(Renderer r);

// Writes the body. data == nullptr: there is no response object. no_op writes nothing: its body never was a value.
void render(Renderer r, const Value* data, Arena& arena, Output& out);

enum class Canonical : uint8_t { copy, print };  // print: the slow way even for canonical bytes, for tests

// Writes any value as JSON. With Canonical::print the document must have been scanned with kKeepAll.
void emit(const Value& v, Arena& arena, Output& out, Canonical canonical = Canonical::copy);

// About how many bytes the value takes as JSON: enough for nearly all, not a bound.
size_t estimate(const Value& v);

}  // namespace gladius::json
