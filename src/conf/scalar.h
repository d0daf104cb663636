// Purpose: the texts of a configuration as Go's standard library reads them: durations, integers, booleans.
// Thread: any (pure). Errors: std::nullopt. Source: ledger 1, sections 0 and 2.1.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gladius::conf {

// 1h30m, 1.5s, -2ms, 10µs, 0; no blanks, no bare number but 0.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view s);
// As Go prints it: 2s, 1m0s, 1.5ms, 0s.
std::string format_duration(std::chrono::nanoseconds d);

// strconv.ParseInt with base 0: decimal, 0x, 0o, 0b, 010, underscores between digits of a prefixed number.
std::optional<int64_t> parse_integer(std::string_view s);
// strconv.ParseBool: 1 t T true True TRUE and their opposites.
std::optional<bool> parse_bool(std::string_view s);
std::optional<double> parse_number(std::string_view s);
// 1048576, 64KiB, 16MiB, 2GiB, 500KB, 10M (powers of two for K, M, G alone); nullopt when negative or too large.
std::optional<int64_t> parse_bytes(std::string_view s);

// Accept-Encoding from accept-encoding; a text with a character no header name has comes back as it is.
std::string canonical_header(std::string_view name);

// Number of edits (insert, delete, replace, swap) between two names, at most `limit` + 1; linear memory, names are
// short.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit);

std::string to_lower(std::string_view s);
std::string to_upper(std::string_view s);
bool equal_fold(std::string_view a, std::string_view b);

}  // namespace gladius::conf
