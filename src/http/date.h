// Purpose: the Date header value (RFC 9110 5.6.7, IMF-fixdate). Thread: any; pure.
// Errors: none. Writes exactly kDateLen bytes.
#pragma once
#include <cstddef>
#include <cstdint>
namespace gladius::http {
constexpr size_t kDateLen = 29;
void write_date(int64_t unix_seconds, char* out);
}  // namespace gladius::http
