// Purpose: writes a value as JSON, byte for byte like Go's encoding/json (ledger 4.5): compact, keys
// ascending by bytes at every depth, HTML characters escaped, number text as it came.
// A node whose bytes are canonical is copied; the rest is printed anew.
// Owner: the caller's Output; scratch memory comes from the arena. Thread: one worker. Errors: none, a value can always
// be printed. No recursion: memory grows with depth (24 bytes per level) and with the names of the objects on one path.
//   ArenaOutput out(arena, estimate(data));
//   emit(data, arena, out);
#pragma once
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "json/node.h"
#include "json/output.h"

namespace gladius::json {

enum class Canonical : uint8_t { copy, print };  // print: the slow way even for canonical bytes, for tests

// Writes any value as JSON. With Canonical::print the document must have been scanned with kKeepAll.
void emit(const Value& v, Arena& arena, Output& out, Canonical canonical = Canonical::copy);

// About how many bytes the value takes as JSON: enough for nearly all, not a bound.
size_t estimate(const Value& v);

}  // namespace gladius::json
