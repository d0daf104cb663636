// Purpose: writes the data of an answer as the `output_encoding` of the endpoint says (ledger 4.5).
// Owner: the caller's Output; scratch memory comes from the arena. Thread: one worker. Errors: none but the one of
// render().
//   ArenaOutput out(arena, json::estimate(data));
//   render(renderer, &data, arena, out);   head.content_type = content_type(renderer);
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "json/node.h"
#include "json/output.h"

namespace gladius::encodings {

// Every way to render an answer; the table in render.cc has a row for each.
enum class Renderer : uint8_t {
    json,
    json_collection,  // the member "collection", as it is
    string,           // the member "content", when it is a text
    xml,
    yaml,
    negotiate,  // chosen for each request: negotiated() says json, xml or yaml
    no_op,
};

// The renderer of an endpoint: the one named by output_encoding (exact letters); for an unknown or empty name the one
// named like the encoding of the only backend (empty when there are several), else json.
Renderer find_renderer(std::string_view output_encoding, std::string_view only_backend_encoding);

inline constexpr size_t kYamlGrowth = 64;

// Empty for no_op, where the backend's own is used.
std::string_view content_type(Renderer r);

// What the Accept header of a request chooses: the first type in it that is known; weights are not looked at.
Renderer negotiated(std::string_view accept);

// Writes the body. data == nullptr: there is no response object. no_op writes nothing: its body never was a value.
// False: the data is so deep that its YAML would be more than kYamlGrowth times as long as its JSON.
bool render(Renderer r, const json::Value* data, Arena& arena, json::Output& out);

}  // namespace gladius::encodings
