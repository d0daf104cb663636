// Purpose: what character references of HTML mean, as Go's html.UnescapeString reads them: all named ones, those that
// may lack their semicolon, numbers with the meaning that browsers give them. Owner: the caller's Output. Thread: any.
// Lifetime: none. Errors: none; what is no reference stays. Time is linear; the output is never longer than the input
// by more than a half.
#pragma once
#include <string_view>

#include "json/output.h"

namespace gladius::encodings {

void unescape_html(std::string_view text, json::Output& out);

}  // namespace gladius::encodings
