#include "features/modifier_martian/cookies.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "engine/draft.h"
#include "http/date.h"

namespace gladius::features::martian {

namespace {

bool value_byte(char ch) {
    auto c = static_cast<unsigned char>(ch);
    return c >= 0x20 && c < 0x7f && c != '"' && c != ';' && c != '\\';
}
bool path_byte(char ch) {
    auto c = static_cast<unsigned char>(ch);
    return c >= 0x20 && c < 0x7f && c != ';';
}

std::string only(std::string_view s, bool (*good)(char)) {
    std::string out;
    std::copy_if(s.begin(), s.end(), std::back_inserter(out), good);
    return out;
}

std::string written_value(std::string_view v) {
    std::string out = only(v, value_byte);
    if (out.find_first_of(" ,") != std::string::npos) return '"' + out + '"';
    return out;
}

bool is_domain_name(std::string_view s) {
    if (s.empty() || s.size() > 255) return false;
    if (s[0] == '.') s.remove_prefix(1);
    char last = '.';
    bool letter = false;
    size_t part = 0;
    for (char c : s) {
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
            letter = true;
            ++part;
        } else if (c >= '0' && c <= '9') {
            ++part;
        } else if (c == '-') {
            if (last == '.') return false;
            ++part;
        } else if (c == '.') {
            if (last == '.' || last == '-' || part > 63 || part == 0) return false;
            part = 0;
        } else {
            return false;
        }
        last = c;
    }
    return last != '-' && part <= 63 && letter;
}

bool is_domain(const std::string& s) {
    in_addr v4;
    return is_domain_name(s) || inet_pton(AF_INET, s.c_str(), &v4) == 1;
}

std::string_view trim(std::string_view s) {
    return engine::trimmed_value(s);
}

// One "name=value" of either header.
struct Pair {
    std::string_view name, value;
};
std::optional<Pair> pair_of(std::string_view part, bool needs_equals) {
    size_t eq = part.find('=');
    if (eq == std::string_view::npos && needs_equals) return std::nullopt;
    Pair p;
    p.name = trim(part.substr(0, eq));
    if (!engine::valid_header_name(p.name)) return std::nullopt;
    if (eq != std::string_view::npos) p.value = part.substr(eq + 1);
    if (p.value.size() > 1 && p.value.front() == '"' && p.value.back() == '"')
        p.value = p.value.substr(1, p.value.size() - 2);
    if (!std::all_of(p.value.begin(), p.value.end(), value_byte)) return std::nullopt;
    return p;
}

bool is(const std::optional<Pair>& p, std::string_view name, std::string_view value) {
    return p && p->name == name && (value.empty() || p->value == value);
}

}  // namespace

std::string request_cookie(const Cookie& c) {
    std::string name = c.name;
    std::replace_if(name.begin(), name.end(), [](char b) { return b == '\r' || b == '\n'; }, '-');
    return name + "=" + written_value(c.value);
}

std::string set_cookie(const Cookie& c) {
    if (!engine::valid_header_name(c.name)) return {};
    std::string out = c.name + "=" + written_value(c.value);
    if (!c.path.empty()) out += "; Path=" + only(c.path, path_byte);
    if (!c.domain.empty() && is_domain(c.domain)) out += "; Domain=" + c.domain.substr(c.domain[0] == '.');
    constexpr int64_t kYear1601 = -11644473600;
    if (c.expires && *c.expires >= kYear1601) {
        char date[http::kDateLen];
        http::write_date(*c.expires, date);
        out += "; Expires=" + std::string(date, sizeof date);
    }
    if (c.max_age > 0) out += "; Max-Age=" + std::to_string(c.max_age);
    if (c.max_age < 0) out += "; Max-Age=0";
    if (c.http_only) out += "; HttpOnly";
    if (c.secure) out += "; Secure";
    return out;
}

bool cookie_header_has(std::string_view line, std::string_view name, std::string_view value) {
    line = trim(line);
    while (!line.empty()) {
        size_t end = std::min(line.find(';'), line.size());
        std::string_view part = trim(line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
        if (!part.empty() && is(pair_of(part, false), name, value)) return true;
    }
    return false;
}

bool set_cookie_is(std::string_view line, std::string_view name, std::string_view value) {
    line = trim(line);
    return is(pair_of(trim(line.substr(0, line.find(';'))), true), name, value);
}

std::optional<int64_t> parse_rfc3339(std::string_view s) {
    auto number = [&](size_t at, size_t n, int lo, int hi) -> std::optional<int> {
        if (s.size() < at + n) return std::nullopt;
        int v = 0;
        for (size_t i = at; i < at + n; ++i) {
            if (s[i] < '0' || s[i] > '9') return std::nullopt;
            v = v * 10 + (s[i] - '0');
        }
        return v < lo || v > hi ? std::nullopt : std::optional<int>(v);
    };
    // As lenient as Go: an hour of one digit, a comma before the fraction, a zone of 24:60.
    if (s.size() < 13 || s[4] != '-' || s[7] != '-' || s[10] != 'T') return std::nullopt;
    auto year = number(0, 4, 0, 9999), month = number(5, 2, 1, 12), day = number(8, 2, 1, 31);
    size_t wide = s[12] == ':' ? 1 : 2;
    auto hour = number(11, wide, 0, 23);
    size_t at = 11 + wide;
    auto minute = number(at + 1, 2, 0, 59), second = number(at + 4, 2, 0, 59);
    if (!year || !month || !day || !hour || !minute || !second || s[at] != ':' || s[at + 3] != ':') return std::nullopt;
    bool leap = (*year % 4 == 0 && *year % 100 != 0) || *year % 400 == 0;
    constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (*day > kDays[static_cast<size_t>(*month - 1)] + (*month == 2 && leap)) return std::nullopt;
    at += 6;
    auto digit = [&](size_t i) { return i < s.size() && s[i] >= '0' && s[i] <= '9'; };
    if (at < s.size() && (s[at] == '.' || s[at] == ',') && digit(at + 1)) {
        ++at;
        while (digit(at))
            ++at;
    }
    int64_t offset = 0;
    if (s.substr(at) != "Z") {
        if (s.size() != at + 6 || (s[at] != '+' && s[at] != '-') || s[at + 3] != ':') return std::nullopt;
        auto h = number(at + 1, 2, 0, 24), m = number(at + 4, 2, 0, 60);
        if (!h || !m) return std::nullopt;
        offset = (*h * 60 + *m) * 60 * (s[at] == '-' ? -1 : 1);
    }
    // Days since 1970 (Howard Hinnant's civil calendar).
    int64_t y = *year - (*month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (*month + (*month > 2 ? -3 : 9)) + 2) / 5 + *day - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    return days * 86400 + *hour * 3600 + *minute * 60 + *second - offset;
}

}  // namespace gladius::features::martian
