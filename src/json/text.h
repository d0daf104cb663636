// Purpose: the text inside JSON strings, both ways: what an escaped string means and how Go writes a text.
// Source: RFC 8259 section 7; Go's encoding/json (ledger 4.5): < > & U+2028 U+2029 are escaped, \b \f \n \r \t are
// short, other control characters \u00XX, DEL as it is. Bytes that are no UTF-8 become U+FFFD one by one when they are
// read from JSON, and the six characters \ufffd when a raw text is written. Owner, Lifetime: results live in the source
// or the given arena. Thread: any. Errors: none; sources given to unescape() and its relatives were accepted by scan()
// before.
#pragma once
#include <cstddef>
#include <string_view>

#include "base/arena.h"
#include "json/output.h"

namespace gladius::json {

// Length of the UTF-8 sequence at p (first byte >= 0x80), or 0 when it is none: overlong, surrogate, too large, cut
// off.
size_t utf8_sequence(const char* p, const char* end);

// First byte of [p, end) that a string must look at: " \ < > &, control characters and everything not ASCII.
const char* skip_ordinary(const char* p, const char* end);

// True for the letters behind \u that Go would write itself for that character.
bool escape_is_canonical(const char* four_digits);

// What the bytes between the quotes of a JSON string mean.
std::string_view unescape(std::string_view source, Arena& arena);

// unescape(source) == plain, without memory.
bool unescapes_to(std::string_view source, std::string_view plain);

// Writes a raw text as a JSON string, quotes included.
void quote(std::string_view text, Output& out);

// Writes the bytes between the quotes of a scanned JSON string as Go would print the string, quotes included. What lies
// between the source and `readable` may be read as well.
void requote(std::string_view source, const char* readable, Output& out);

}  // namespace gladius::json
