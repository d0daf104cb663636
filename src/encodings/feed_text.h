// Purpose: the texts inside of feeds, as mmcdole/gofeed reads them (ledger 5.3): white space taken off, CDATA and
// references resolved, names and addresses told apart. Source: its behaviour, with what it loses (text between two
// CDATA sections, references behind the first ampersand that is none). Owner: the arena, or the source. Thread: any.
// Lifetime: the arena's and the source's. Errors: none. Time is linear.
#pragma once
#include <string_view>

#include "base/arena.h"

namespace gladius::encodings {

// Without white space at both ends, that of Unicode.
std::string_view trim_space(std::string_view s);

std::string_view decode_entities(std::string_view s, Arena& arena);
std::string_view strip_cdata(std::string_view s, Arena& arena);

// The inner XML of an element as text.
std::string_view feed_text(std::string_view inner, Arena& arena);

struct Person {
    std::string_view name;
    std::string_view email;
};

// "Ana (ana@x.test)", "ana@x.test (Ana)", either alone; anything else is nobody.
Person name_and_address(std::string_view s);

// Standard base64 with padding; false: it is none.
bool decode_base64(std::string_view s, Arena& arena, std::string_view* out);

// XHTML content: when a <div> is all there is, what is inside of it, written as an HTML parser would print it. Elements
// are taken as they are nested; what HTML would nest otherwise is not rearranged.
std::string_view strip_wrapping_div(std::string_view s, Arena& arena);

}  // namespace gladius::encodings
