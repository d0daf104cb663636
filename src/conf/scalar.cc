#include "conf/scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace gladius::conf {

namespace {

constexpr uint64_t kMaxNs = 1ull << 63;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
bool digit(char c) {
    return c >= '0' && c <= '9';
}

uint64_t unit_ns(std::string_view u) {
    if (u == "ns") return 1;
    if (u == "us" || u == "\xC2\xB5s" || u == "\xCE\xBCs") return 1000;  // micro sign and Greek mu
    if (u == "ms") return 1'000'000;
    if (u == "s") return 1'000'000'000;
    if (u == "m") return 60'000'000'000;
    if (u == "h") return 3'600'000'000'000;
    return 0;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view s) {
    bool negative = false;
    if (!s.empty() && (s[0] == '-' || s[0] == '+')) {
        negative = s[0] == '-';
        s.remove_prefix(1);
    }
    if (s == "0") return std::chrono::nanoseconds(0);
    if (s.empty()) return std::nullopt;
    unsigned __int128 total = 0;
    while (!s.empty()) {
        size_t i = 0;
        unsigned __int128 whole = 0;
        while (i < s.size() && digit(s[i])) {
            whole = whole * 10 + static_cast<unsigned>(s[i] - '0');
            if (whole > kMaxNs) return std::nullopt;
            ++i;
        }
        bool any = i > 0;
        double fraction = 0;
        if (i < s.size() && s[i] == '.') {
            size_t begin = ++i;
            double scale = 1;
            while (i < s.size() && digit(s[i])) {
                // Digits below a nanosecond of an hour change nothing.
                if (i - begin < 18) {
                    scale *= 10;
                    fraction = fraction * 10 + (s[i] - '0');
                }
                ++i;
            }
            any = any || i > begin;
            fraction /= scale;
        }
        if (!any) return std::nullopt;
        size_t unit_begin = i;
        while (i < s.size() && s[i] != '.' && !digit(s[i]))
            ++i;
        uint64_t unit = unit_ns(s.substr(unit_begin, i - unit_begin));
        if (unit == 0) return std::nullopt;
        total += whole * unit + static_cast<uint64_t>(fraction * static_cast<double>(unit) + 1e-6);
        if (total > kMaxNs) return std::nullopt;
        s.remove_prefix(i);
    }
    if (negative) return std::chrono::nanoseconds(static_cast<int64_t>(-static_cast<__int128>(total)));
    if (total > kMaxNs - 1) return std::nullopt;
    return std::chrono::nanoseconds(static_cast<int64_t>(total));
}

std::string format_duration(std::chrono::nanoseconds d) {
    int64_t n = d.count();
    if (n == 0) return "0s";
    uint64_t u = n < 0 ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n);
    std::string out = n < 0 ? "-" : "";
    auto fraction = [](uint64_t value, uint64_t unit) {  // value/unit without trailing zeros
        std::string text = std::to_string(value / unit);
        uint64_t rest = value % unit;
        if (rest == 0) return text;
        std::string digits = std::to_string(unit + rest).substr(1);
        digits.erase(digits.find_last_not_of('0') + 1);
        return text + "." + digits;
    };
    if (u < 1000) return out + std::to_string(u) + "ns";
    if (u < 1'000'000) return out + fraction(u, 1000) + "µs";
    if (u < 1'000'000'000) return out + fraction(u, 1'000'000) + "ms";
    uint64_t hours = u / 3'600'000'000'000;
    uint64_t minutes = u / 60'000'000'000 % 60;
    uint64_t rest = u % 60'000'000'000;
    if (hours) out += std::to_string(hours) + "h";
    if (hours || minutes) out += std::to_string(minutes) + "m";
    return out + fraction(rest, 1'000'000'000) + "s";
}

std::optional<int64_t> parse_integer(std::string_view s) {
    bool negative = false;
    if (!s.empty() && (s[0] == '-' || s[0] == '+')) {
        negative = s[0] == '-';
        s.remove_prefix(1);
    }
    if (s.empty()) return std::nullopt;
    int base = 10;
    bool prefixed = false;
    if (s[0] == '0' && s.size() > 1) {
        prefixed = true;
        char p = lower(s[1]);
        base = p == 'x' ? 16 : p == 'o' ? 8 : p == 'b' ? 2 : 8;
        s.remove_prefix(p == 'x' || p == 'o' || p == 'b' ? 2 : 1);
    }
    std::string digits;
    for (size_t i = 0; i < s.size(); ++i) {
        if (s[i] != '_') {
            digits += s[i];
        } else if (!prefixed || i + 1 == s.size() || s[i + 1] == '_') {
            return std::nullopt;
        }
    }
    uint64_t value = 0;
    auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (ec != std::errc() || digits.empty() || end != digits.data() + digits.size()) return std::nullopt;
    if (value > kMaxNs || (!negative && value == kMaxNs)) return std::nullopt;
    return negative ? static_cast<int64_t>(0 - value) : static_cast<int64_t>(value);
}

std::optional<bool> parse_bool(std::string_view s) {
    for (std::string_view t : {"1", "t", "T", "TRUE", "true", "True"}) {
        if (s == t) return true;
    }
    for (std::string_view f : {"0", "f", "F", "FALSE", "false", "False"}) {
        if (s == f) return false;
    }
    return std::nullopt;
}

std::optional<double> parse_number(std::string_view s) {
    double value = 0;
    if (!s.empty() && s[0] == '+') s.remove_prefix(1);
    auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), value);
    if (ec == std::errc::result_out_of_range || ec != std::errc() || end != s.data() + s.size()) return std::nullopt;
    return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
}

std::optional<int64_t> parse_bytes(std::string_view s) {
    uint64_t value = 0;
    auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), value);
    if (ec != std::errc()) return std::nullopt;
    std::string unit = to_lower(s.substr(static_cast<size_t>(end - s.data())));
    unit.erase(0, unit.find_first_not_of(' ') == std::string::npos ? unit.size() : unit.find_first_not_of(' '));
    static constexpr std::pair<std::string_view, uint64_t> kUnits[] = {{"", 1},
                                                                       {"b", 1},
                                                                       {"k", 1ull << 10},
                                                                       {"kib", 1ull << 10},
                                                                       {"kb", 1000},
                                                                       {"m", 1ull << 20},
                                                                       {"mib", 1ull << 20},
                                                                       {"mb", 1'000'000},
                                                                       {"g", 1ull << 30},
                                                                       {"gib", 1ull << 30},
                                                                       {"gb", 1'000'000'000}};
    for (auto [name, factor] : kUnits) {
        if (unit != name) continue;
        if (value > static_cast<uint64_t>(INT64_MAX) / factor) return std::nullopt;
        return static_cast<int64_t>(value * factor);
    }
    return std::nullopt;
}

std::string canonical_header(std::string_view name) {
    static constexpr std::string_view kToken = "!#$%&'*+-.^_`|~";
    std::string out(name);
    for (char c : name) {
        bool alnum = digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
        if (!alnum && kToken.find(c) == std::string_view::npos) return out;
    }
    bool begin = true;
    for (char& c : out) {
        c = begin ? upper(c) : lower(c);
        begin = c == '-';
    }
    return out;
}

size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
    if (a.size() > b.size()) std::swap(a, b);
    if (b.size() - a.size() > limit || b.size() > 200) return limit + 1;
    std::array<uint16_t, 201> before{}, row{}, next{};
    for (size_t j = 0; j <= b.size(); ++j)
        row[j] = static_cast<uint16_t>(j);
    for (size_t i = 1; i <= a.size(); ++i) {
        next[0] = static_cast<uint16_t>(i);
        size_t least = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            size_t v = std::min({row[j] + 1u, next[j - 1] + 1u, row[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                v = std::min<size_t>(v, before[j - 2] + 1u);
            next[j] = static_cast<uint16_t>(v);
            least = std::min(least, v);
        }
        if (least > limit) return limit + 1;
        before = row;
        row = next;
    }
    return row[b.size()];
}

std::string to_lower(std::string_view s) {
    std::string out(s);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

std::string to_upper(std::string_view s) {
    std::string out(s);
    std::transform(out.begin(), out.end(), out.begin(), upper);
    return out;
}

bool equal_fold(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace gladius::conf
