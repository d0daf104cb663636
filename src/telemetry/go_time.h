// Purpose: Go's spelling of times and durations, which every line of the reference uses: time.Format layouts
// ("2006/01/02 - 15:04:05.000"), time.Duration as text ("44.15ms", "1m30s"). Local time zone, as the reference.
// Owner: none. Thread: any. Lifetime: none. Errors: none; what is no element of a layout is copied.
#pragma once
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace gladius::telemetry {

// Longest duration: "2562047h47m16.854775807s" and a sign.
constexpr size_t kDurationBound = 32;
char* write_duration(char* out, int64_t ns);

// Appends the moment `unix_ns` after the layout.
void append_go_time(std::string& out, std::string_view layout, int64_t unix_ns);

// "2006/01/02 - 15:04:05" of a broken-down time; 21 bytes.
constexpr size_t kGinDateLen = 21;
void write_gin_date(char* out, const std::tm& tm);

}  // namespace gladius::telemetry
