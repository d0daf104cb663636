// Purpose: makes text that a client or a backend chose safe to stand in a log line: nobody can end the line, begin
// another one, or talk to the terminal. The notation is that of Go's strconv.Quote, because gin prints paths with it.
// Owner: none. Thread: any; pure. Lifetime: none. Errors: none; text that does not fit into `limit` ends in "...".
// A text of n bytes never becomes longer than escaped_bound(n).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gladius::telemetry {

constexpr size_t escaped_bound(size_t n) {
    return 4 * n + 16;
}

// The body of a quoted text, without the quotes around it: '"' and '\' are escaped too. Returns the end.
char* write_quoted(char* out, size_t limit, std::string_view text);

// For text without quotes around it: only what is not printable is escaped, valid UTF-8 stays.
char* write_escaped(char* out, size_t limit, std::string_view text);

// The body of a JSON string: as write_escaped for bad UTF-8 (U+FFFD), JSON's own escapes for the rest.
void append_json(std::string& out, std::string_view text);

// Number of runes of a text, a bad byte counting as one; what Go's fmt pads by.
size_t rune_count(std::string_view text);

}  // namespace gladius::telemetry
