// Purpose: the character sets that an XML text may declare, made UTF-8: the single-byte ones of the WHATWG Encoding
// standard, by all their names (so ISO-8859-1 is windows-1252, as in Go's html/charset). Not the Asian multi-byte ones
// (docs/differences.md). Owner: the arena, or the text itself when it is ASCII. Thread: any. Lifetime: the arena's and
// the text's. Errors: find_charset() says false; bytes without meaning become U+FFFD. At most 3 bytes for one.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/arena.h"

namespace gladius::encodings {

using Charset = uint8_t;  // index of a table, 0 is UTF-8
inline constexpr Charset kUtf8 = 0;

bool find_charset(std::string_view label, Charset* out);

// A line end is added, as KrakenD does; it shows in the line numbers of errors only.
std::string_view to_utf8(Charset charset, std::string_view text, Arena& arena);

}  // namespace gladius::encodings
