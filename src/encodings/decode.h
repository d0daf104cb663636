// Purpose: turns the body of a backend into data, by the `encoding` of the backend (ledger 5.3).
// Owner: what comes out lives in the arena and points into the body, which must live as long. Thread: one worker.
// Errors: Decoded::error, as KrakenD shows it with return_error_msg.
//   Decoded d = decode(plan.decoder, body, arena, plan.filter.keep_depth());
//   if (!d.ok()) return failed(d.error);
#pragma once
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "json/node.h"
#include "json/scan.h"
#include "json/selection.h"

namespace gladius::encodings {

// Every way to read a body; the table in decode.cc names them.
enum class Decoder : uint8_t {
    json,             // an object, or null: no data
    json_collection,  // an array -> {"collection": [...]}
    safejson,         // object as is, array -> {"collection": ...}, anything else -> {"content": ...}
    string,           // the whole body -> {"content": "..."}
    xml,              // a document -> an object with its root element
    rss,              // RSS, Atom or JSON Feed -> {"title": ..., "items": [...], ...}
    xml_collection,   // the same -> {"collection": {...}}
    no_op,            // nothing is read -> {}; such data is complete and passes no filter
};

// Letters of either case; an unknown name is json. is_collection matters for json and xml.
Decoder find_decoder(std::string_view encoding, bool is_collection);

struct Decoded {
    json::Value data;
    std::string_view error;
    bool ok() const { return error.empty(); }
};

// keep_depth: how deep members of the data are looked up later (1, its own members, at least); see scan.h.
// selection: what nobody looks at when the data is the document itself, an object; see selection.h.
// permit: asked before the nodes of the document take more; without its leave the error is json::kNoMemory.
Decoded decode(Decoder decoder, std::string_view body, Arena& arena, uint32_t keep_depth = 1,
               const json::Selection* selection = nullptr, const json::Permit& permit = {});

}  // namespace gladius::encodings
