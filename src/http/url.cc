#include "http/url.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "simd/bytes.h"

namespace gladius::http {
namespace {

// Which bytes stand for themselves, by place.
enum Place : uint8_t {
    kPath = 1,       // Go leaves it alone when it escapes a path
    kQuery = 2,      // ... or a query component
    kValidPath = 4,  // may stand in an escaped path that is kept as it is
    kUserInfo = 8,   // before the '@' of an authority
};

constexpr std::array<uint8_t, 256> make_places() {
    std::array<uint8_t, 256> t{};
    for (unsigned c = 0; c < 128; ++c)
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
            t[c] = kPath | kQuery | kValidPath | kUserInfo;
    for (char c : {'-', '_', '.', '~'})
        t[static_cast<uint8_t>(c)] = kPath | kQuery | kValidPath | kUserInfo;
    for (char c : {'$', '&', '+', ',', '/', ':', ';', '=', '@'})
        t[static_cast<uint8_t>(c)] |= kPath | kValidPath;
    for (char c : {'!', '\'', '(', ')', '*', '[', ']', '%'})
        t[static_cast<uint8_t>(c)] |= kValidPath;
    for (char c : {'!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=', ':', '%', '@'})
        t[static_cast<uint8_t>(c)] |= kUserInfo;
    return t;
}
constexpr std::array<uint8_t, 256> kPlaces = make_places();

bool fits(char c, Place place) {
    return (kPlaces[static_cast<uint8_t>(c)] & place) != 0;
}

bool all_fit(std::string_view s, Place place) {
    return std::all_of(s.begin(), s.end(), [place](char c) { return fits(c, place); });
}

bool is_control(char c) {
    return static_cast<uint8_t>(c) < 0x20 || c == 0x7f;
}

unsigned hex_value(char c) {
    return c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

bool good_escape(std::string_view s, size_t i) {
    return s.size() - i > 2 && simd::is(s[i + 1], simd::kHexByte) && simd::is(s[i + 2], simd::kHexByte);
}

template <bool PlusIsSpace>
std::optional<std::string_view> unescape(std::string_view s, Arena& arena) {
    size_t escapes = 0;
    bool plus = PlusIsSpace && s.find('+') != std::string_view::npos;
    for (size_t i = s.find('%'); i < s.size(); ++i) {
        if (s[i] == '%') {
            if (!good_escape(s, i)) return std::nullopt;
            ++escapes;
            i += 2;
        }
    }
    if (escapes == 0 && !plus) return s;
    char* out = arena.chars(s.size() - 2 * escapes);
    char* w = out;
    for (size_t i = 0; i < s.size(); ++i) {
        if (s[i] == '%') {
            *w++ = static_cast<char>(hex_value(s[i + 1]) << 4 | hex_value(s[i + 2]));
            i += 2;
        } else {
            *w++ = PlusIsSpace && s[i] == '+' ? ' ' : s[i];
        }
    }
    return std::string_view{out, static_cast<size_t>(w - out)};
}

// How long the text is once it is escaped.
size_t escaped_size(std::string_view s, Place place) {
    size_t n = s.size();
    for (char c : s)
        if (!fits(c, place) && !(c == ' ' && place == kQuery)) n += 2;
    return n;
}

char* write_escaped(std::string_view s, Place place, char* w) {
    for (char c : s) {
        if (fits(c, place)) {
            *w++ = c;
        } else if (c == ' ' && place == kQuery) {
            *w++ = '+';
        } else {
            *w++ = '%';
            *w++ = "0123456789ABCDEF"[static_cast<uint8_t>(c) >> 4];
            *w++ = "0123456789ABCDEF"[static_cast<uint8_t>(c) & 15];
        }
    }
    return w;
}

std::string_view escape(std::string_view s, Place place, Arena& arena) {
    if (all_fit(s, place)) return s;
    size_t n = escaped_size(s, place);
    char* out = arena.chars(n);
    write_escaped(s, place, out);
    return {out, n};
}

// ":" and digits, or nothing.
bool good_port(std::string_view s) {
    if (s.empty()) return true;
    return s[0] == ':' && std::all_of(s.begin() + 1, s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The host of an absolute-form target: registered name or address with a port, or an IPv6 literal in brackets. An
// escape may only stand for a byte outside ASCII, as in Go. Zones ("%25en0") have no meaning on the wire and are
// refused.
std::optional<std::string_view> host_of(std::string_view authority, Arena& arena) {
    if (size_t at = authority.rfind('@'); at != std::string_view::npos) {
        std::string_view user = authority.substr(0, at);
        for (size_t i = 0; i < user.size(); ++i)
            if (!fits(user[i], kUserInfo) || (user[i] == '%' && !good_escape(user, i))) return std::nullopt;
        authority.remove_prefix(at + 1);
    }
    if (authority.starts_with('[')) {
        size_t close = authority.find(']');
        if (close == std::string_view::npos || close < 3 || !good_port(authority.substr(close + 1)))
            return std::nullopt;
        std::string_view address = authority.substr(1, close - 1);
        bool good = std::all_of(address.begin(), address.end(),
                                [](char c) { return simd::is(c, simd::kHexByte) || c == ':' || c == '.'; });
        if (!good || address.find(':') == std::string_view::npos) return std::nullopt;
        return authority;
    }
    size_t colon = std::min(authority.find(':'), authority.size());
    if (!good_port(authority.substr(colon))) return std::nullopt;
    for (size_t i = 0; i < colon; ++i) {
        char c = authority[i];
        if (static_cast<uint8_t>(c) >= 0x80) continue;
        if (!simd::is(c, simd::kHostByte) || c == '[' || c == ']') return std::nullopt;
        if (c == '%' && (!good_escape(authority, i) || hex_value(authority[i + 1]) < 8)) return std::nullopt;
    }
    return unescape<false>(authority, arena);
}

// Length of "scheme" in "scheme://", 0 when the text does not begin so.
size_t scheme_length(std::string_view s) {
    for (size_t i = 0; i < s.size(); ++i) {
        char c = s[i];
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') continue;
        if (i == 0) return 0;
        if ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.') continue;
        return s.substr(i).starts_with("://") ? i : 0;
    }
    return 0;
}

}  // namespace

std::optional<Target> parse_target(std::string_view target, Arena& arena) {
    Target out;
    const char* end = target.data() + target.size();
    if (target.empty() || simd::Best::target_end(target.data(), end) != end) return std::nullopt;
    if (target == "*") {
        out.raw_path = out.path = target;
        return out;
    }
    std::string_view rest = target;
    if (size_t q = rest.find('?'); q != std::string_view::npos) {
        out.has_query = true;
        out.query = rest.substr(q + 1);
        rest = rest.substr(0, q);
    }
    if (!rest.starts_with('/')) {
        size_t scheme = scheme_length(rest);
        if (scheme == 0) return std::nullopt;
        rest.remove_prefix(scheme + 3);
        size_t slash = std::min(rest.find('/'), rest.size());
        auto host = host_of(rest.substr(0, slash), arena);
        if (!host) return std::nullopt;
        out.authority = *host;
        rest.remove_prefix(slash);
    }
    auto path = unescape_path(rest, arena);
    if (!path) return std::nullopt;
    out.raw_path = rest;
    out.path = *path;
    return out;
}

std::optional<std::string_view> unescape_path(std::string_view s, Arena& arena) {
    return unescape<false>(s, arena);
}
std::optional<std::string_view> unescape_query(std::string_view s, Arena& arena) {
    return unescape<true>(s, arena);
}

std::string_view escape_path(std::string_view s, Arena& arena) {
    if (s == "*") return s;
    return escape(s, kPath, arena);
}
std::string_view escape_query(std::string_view s, Arena& arena) {
    return escape(s, kQuery, arena);
}

std::optional<std::string_view> escape_url_path_like_go_parse(std::string_view raw, Arena& arena) {
    if (std::any_of(raw.begin(), raw.end(), is_control)) return std::nullopt;
    auto path = unescape_path(raw, arena);
    if (!path) return std::nullopt;
    if (all_fit(raw, kValidPath)) return raw;
    return escape_path(*path, arena);
}

namespace detail {

bool within_pair_limit(std::string_view query) {
    return static_cast<size_t>(std::count(query.begin(), query.end(), '&')) < kMaxPairs;
}

bool next_pair(std::string_view& rest, Arena& arena, Pair& out) {
    while (!rest.empty()) {
        size_t amp = std::min(rest.find('&'), rest.size());
        std::string_view pair = rest.substr(0, amp);
        rest.remove_prefix(std::min(amp + 1, rest.size()));
        if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
        size_t eq = std::min(pair.find('='), pair.size());
        auto name = unescape_query(pair.substr(0, eq), arena);
        if (!name) continue;
        auto value = unescape_query(pair.substr(std::min(eq + 1, pair.size())), arena);
        if (!value) continue;
        out = {*name, *value};
        return true;
    }
    return false;
}

}  // namespace detail

std::string_view encode_query(std::string_view query, const NameSet* keep, Arena& arena) {
    if (query.empty() || !detail::within_pair_limit(query)) return {};
    size_t room = static_cast<size_t>(std::count(query.begin(), query.end(), '&')) + 1;
    Pair* pairs = arena.array<Pair>(room);
    size_t count = 0;
    size_t bytes = 0;
    bool sorted = true;
    for_each_pair(query, arena, [&](const Pair& pair) {
        if (keep && !keep->contains(pair.name)) return;
        if (count != 0 && pair.name < pairs[count - 1].name) sorted = false;
        pairs[count++] = pair;
        bytes += escaped_size(pair.name, kQuery) + escaped_size(pair.value, kQuery) + 2;
    });
    if (count == 0) return {};
    uint32_t* order = nullptr;
    if (!sorted) {
        // By name, then by place: std::stable_sort would take memory from the heap.
        order = arena.array<uint32_t>(count);
        for (size_t i = 0; i < count; ++i)
            order[i] = static_cast<uint32_t>(i);
        std::sort(order, order + count, [pairs](uint32_t a, uint32_t b) {
            int c = pairs[a].name.compare(pairs[b].name);
            return c != 0 ? c < 0 : a < b;
        });
    }
    char* out = arena.chars(bytes);
    char* w = out;
    for (size_t i = 0; i < count; ++i) {
        const Pair& pair = pairs[order ? order[i] : i];
        if (i != 0) *w++ = '&';
        w = write_escaped(pair.name, kQuery, w);
        *w++ = '=';
        w = write_escaped(pair.value, kQuery, w);
    }
    return {out, static_cast<size_t>(w - out)};
}

bool is_same_or_below(std::string_view host, std::string_view parent) {
    if (host == parent) return true;
    if (host.find_first_of(":%") != std::string_view::npos || !host.ends_with(parent)) return false;
    return host.size() > parent.size() && host[host.size() - parent.size() - 1] == '.';
}

std::string_view clean_path(std::string_view path, Arena& arena) {
    char* out = arena.chars(path.size() + 2);
    char* w = out;  // "/element" for every element that is kept
    bool trailing = path.ends_with('/');
    size_t i = 0;
    while (i < path.size()) {
        if (path[i] == '/') {
            ++i;
            continue;
        }
        size_t stop = std::min(path.find('/', i), path.size());
        std::string_view element = path.substr(i, stop - i);
        i = stop;
        if (element == ".") {
            trailing = trailing || stop == path.size();
        } else if (element == "..") {
            while (w != out && *--w != '/') {
            }
        } else {
            *w++ = '/';
            std::memcpy(w, element.data(), element.size());
            w += element.size();
        }
    }
    if (w == out || trailing) *w++ = '/';
    return {out, static_cast<size_t>(w - out)};
}

}  // namespace gladius::http
