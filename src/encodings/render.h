// Purpose: writes the data of an answer as the `output_encoding` of the endpoint says (ledger 4.5).
// Owner: the caller's Output; scratch memory comes from the arena. Thread: one worker. Errors: none, a value can always
// be printed.
//   ArenaOutput out(arena, json::estimate(data));
//   render(renderer, &data, arena, out);   head.content_type = content_type(renderer);
#pragma once
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "json/node.h"
#include "json/output.h"

namespace gladius::encodings {

// Every way to render an answer; the table in render.cc has a row for each.
enum class Renderer : uint8_t { json, json_collection, string, no_op };

// The renderer of an endpoint: the one named by output_encoding (exact letters); for an unknown or empty name the one
// named like the encoding of the only backend (empty when there are several), else json.
Renderer find_renderer(std::string_view output_encoding, std::string_view only_backend_encoding);

// Empty for no_op, where the backend's own is used.
std::string_view content_type(Renderer r);

// Writes the body. data == nullptr: there is no response object. no_op writes nothing: its body never was a value.
void render(Renderer r, const json::Value* data, Arena& arena, json::Output& out);

}  // namespace gladius::encodings
