// Purpose: whole bodies of decoded backends, unpacked by their Content-Encoding. gzip as the reference does it;
// deflate, br and zstd are ours (the reference would take the packed bytes for JSON). Owner: the result is the
// exchange's arena's. Thread: one worker. Lifetime: the arena's. Errors: Unpacked::error, in the words of the reference
// for gzip. Output is bounded by gladius/limits.max_backend_body, all memory (windows too) by the budget.
#pragma once
#include <string_view>

#include "engine/exchange.h"

namespace gladius::engine {

enum class Coding : uint8_t { none, gzip, deflate, br, zstd };

// Of a Content-Encoding with one name in it; others are none: such a body is read as it is.
Coding coding_named(std::string_view content_encoding);

struct Unpacked {
    std::string_view body;
    std::string_view error;
    bool no_memory = false;
    bool too_large = false;  // more than max_backend_body
    bool ok() const { return error.empty() && !no_memory; }
};

Unpacked unpack(Exchange& ex, Coding coding, std::string_view packed);

}  // namespace gladius::engine
