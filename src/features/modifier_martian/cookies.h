// Purpose: cookies as Go's net/http reads and writes them. Owner: none; views point into the text. Thread: any; pure.
// Errors: what Go drops in silence is not reported. Source: Go net/http cookie.go; RFC 6265.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gladius::features::martian {

struct Cookie {
    std::string name, value, path, domain;
    std::optional<int64_t> expires;  // seconds of Unix time
    int64_t max_age = 0;
    bool secure = false, http_only = false;
};

// "name=value", as it is added to a Cookie header.
std::string request_cookie(const Cookie& c);
// The value of Set-Cookie; empty when the name is no token.
std::string set_cookie(const Cookie& c);

// Whether a Cookie header holds a cookie with this name and, unless it is empty, this value.
bool cookie_header_has(std::string_view line, std::string_view name, std::string_view value);
// The same of one Set-Cookie header.
bool set_cookie_is(std::string_view line, std::string_view name, std::string_view value);

// RFC 3339 as Go's time.Time reads it from JSON: seconds of Unix time. A year before 1601 is a time too, which no
// cookie shows.
std::optional<int64_t> parse_rfc3339(std::string_view s);

}  // namespace gladius::features::martian
