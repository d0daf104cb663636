// Purpose: a text in double quotes as Go's strconv.Quote writes it, which is also how go-yaml writes texts that need
// quotes. Owner: the caller's Output. Thread: any. Lifetime: none. Errors: none; bytes that are no UTF-8 become \x80.
#pragma once
#include <string_view>

#include "json/output.h"

namespace gladius::encodings {

void go_quote(std::string_view text, json::Output& out);

}  // namespace gladius::encodings
