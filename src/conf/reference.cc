#include "conf/reference.h"

#include <charconv>

namespace gladius::conf {

namespace {

bool takes(std::string_view& s, std::string_view prefix) {
    if (!s.starts_with(prefix)) return false;
    s.remove_prefix(prefix.size());
    return true;
}

bool is_name(std::string_view s) {
    if (s.empty() || s.front() == '.' || s.back() == '.' || s.find("..") != s.npos) return false;
    for (char c : s) {
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                  c == '.' || c == ':' || c == '/';
        if (!ok) return false;
    }
    return true;
}

}  // namespace

Reference parse_reference(std::string_view name) {
    using Kind = Reference::Kind;
    if (!is_name(name)) return {};
    std::string_view s = name;
    if (takes(s, "input_headers.")) return {Kind::client_header, 0, s};
    if (takes(s, "input_query_strings.")) return {Kind::client_query, 0, s};
    if (s == "each") return {Kind::each, 0, {}};
    if (takes(s, "each.")) return {Kind::each, 0, s};
    if (takes(s, "resp")) {
        uint32_t backend = 0;
        auto number = std::from_chars(s.data(), s.data() + s.size(), backend);
        if (number.ec == std::errc()) {
            s.remove_prefix(static_cast<size_t>(number.ptr - s.data()));
            if (s == ".status") return {Kind::status, backend, {}};
            if (takes(s, ".header.")) return {Kind::header, backend, s};
            if (takes(s, "_")) return {s.empty() ? Kind::none : Kind::field, backend, s};
        }
    }
    // A parameter has no dots that would make it look like one of the above.
    return {name.find('.') == name.npos ? Kind::param : Kind::none, 0, name};
}

}  // namespace gladius::conf
