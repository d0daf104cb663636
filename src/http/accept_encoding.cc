#include "http/accept_encoding.h"

#include <strings.h>

namespace gladius::http {

namespace {

std::string_view trim(std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t'))
        s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t'))
        s.remove_suffix(1);
    return s;
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// "1", "0.5", "0.125", "1.000": thousandths. Anything else is 0.
int16_t weight(std::string_view s) {
    if (s.empty() || s.size() > 5 || (s[0] != '0' && s[0] != '1') || (s.size() > 1 && s[1] != '.')) return 0;
    int v = (s[0] - '0') * 1000, place = 100;
    for (size_t i = 2; i < s.size(); ++i, place /= 10) {
        if (s[i] < '0' || s[i] > '9') return 0;
        v += (s[i] - '0') * place;
    }
    return static_cast<int16_t>(v > 1000 ? 0 : v);
}

}  // namespace

void AcceptedCodings::add(std::string_view value) {
    while (!value.empty()) {
        size_t comma = value.find(',');
        std::string_view item = value.substr(0, comma);
        value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
        size_t semicolon = item.find(';');
        std::string_view name = trim(item.substr(0, semicolon));
        int16_t q = 1000;
        if (semicolon != std::string_view::npos) {
            std::string_view rest = trim(item.substr(semicolon + 1));
            bool is_weight = rest.size() > 2 && (rest[0] == 'q' || rest[0] == 'Q') && rest[1] == '=';
            q = is_weight ? weight(rest.substr(2)) : int16_t{0};
        }
        int16_t* known = same(name, "gzip") || same(name, "x-gzip") ? &gzip_
                         : same(name, "br")                         ? &br_
                         : name == "*"                              ? &any_
                                                                    : nullptr;
        if (known && *known == kUnsaid) *known = q;
    }
}

}  // namespace gladius::http
