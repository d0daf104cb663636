#include "features/modifier_martian/ranges.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gladius::features::martian {

namespace {

// The reference takes any number; each may be the whole body again.
constexpr size_t kMaxRanges = 32;

struct Span {
    size_t begin = 0, end = 0;  // both included
};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

std::string_view number_text(uint64_t n, Arena& arena) {
    char* p = arena.chars(20);
    return {p, static_cast<size_t>(std::to_chars(p, p + 20, n).ptr - p)};
}

std::string_view content_range(Span s, size_t size, Arena& arena) {
    std::string_view front = arena.concat("bytes ", number_text(s.begin, arena), "-");
    return arena.concat(front, arena.concat(number_text(s.end, arena), "/", number_text(size, arena)));
}

void not_satisfiable(engine::AnswerDraft& a) {
    a.status = 416;
    a.replace_body({});
}

// One element of the list, as the reference reads it: "a-b", "a-" to the end. False when the answer is decided.
bool read_range(engine::AnswerDraft& a, std::string_view text, size_t size, Span& out) {
    bool open_end = text.ends_with('-');
    size_t dash = text.find('-');
    size_t dashes = static_cast<size_t>(std::count(text.begin(), text.end(), '-'));
    if (dashes != 1) return not_satisfiable(a), false;
    int64_t bounds[2] = {0, static_cast<int64_t>(size) - 1};
    std::string_view parts[2] = {text.substr(0, dash), text.substr(dash + 1)};
    for (int i = 0; i < (open_end ? 1 : 2); ++i) {
        std::string_view part = engine::trimmed_value(parts[i]);
        Number n = parse_number(part, bounds[i]);
        if (n == Number::good) continue;
        a.fail(not_a_number("strconv.Atoi", part, n == Number::out_of_range, a.arena));
        return false;
    }
    // Beyond the end the reference falls over.
    if (bounds[0] > bounds[1] || bounds[0] < 0 || bounds[1] >= static_cast<int64_t>(size))
        return not_satisfiable(a), false;
    out = {static_cast<size_t>(bounds[0]), static_cast<size_t>(bounds[1])};
    return true;
}

}  // namespace

Number parse_number(std::string_view s, int64_t& out) {
    std::string_view digits = s;
    if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
    auto r = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (r.ec == std::errc::invalid_argument || r.ptr != digits.data() + digits.size()) return Number::bad;
    return r.ec == std::errc() ? Number::good : Number::out_of_range;
}

std::string_view not_a_number(std::string_view function, std::string_view text, bool out_of_range, Arena& arena) {
    constexpr char kHex[] = "0123456789abcdef";
    char* p = arena.chars(4 * text.size() + 2);
    char* w = p;
    *w++ = '"';
    for (char c : text) {
        auto b = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            *w++ = '\\';
            *w++ = c;
        } else if (c == '\t' || c == '\n' || c == '\r') {
            *w++ = '\\';
            *w++ = c == '\t' ? 't' : c == '\n' ? 'n' : 'r';
        } else if (b < 0x20 || b == 0x7f) {
            for (char x : {'\\', 'x', kHex[b >> 4], kHex[b & 15]})
                *w++ = x;
        } else {
            *w++ = c;
        }
    }
    *w++ = '"';
    return arena.concat(arena.concat(function, ": parsing "), {p, static_cast<size_t>(w - p)},
                        out_of_range ? ": value out of range" : ": invalid syntax");
}

void answer_with(engine::AnswerDraft& a, std::string_view bytes, std::string_view type, std::string_view boundary) {
    std::string_view asked = a.request.headers.get("Range");
    if (asked.empty()) return a.replace_body(bytes);
    char* low = a.arena.chars(asked.size());
    std::transform(asked.begin(), asked.end(), low, lower);
    std::string_view list{low, asked.size()};
    list.remove_prefix(std::min(list.find_first_not_of("bytes="), list.size()));
    Span spans[kMaxRanges];
    size_t n = 0;
    uint64_t total = 0;
    for (bool more = true; more;) {
        size_t comma = list.find(',');
        more = comma != std::string_view::npos;
        if (n == kMaxRanges) return not_satisfiable(a);
        if (!read_range(a, list.substr(0, comma), bytes.size(), spans[n])) return;
        total += spans[n].end - spans[n].begin + 1;
        ++n;
        if (more) list.remove_prefix(comma + 1);
    }
    a.status = 206;
    if (n == 1) {
        a.headers.set("Content-Range", content_range(spans[0], bytes.size(), a.arena));
        return a.replace_body(bytes.substr(spans[0].begin, spans[0].end - spans[0].begin + 1));
    }
    size_t room = static_cast<size_t>(total) + n * (boundary.size() + type.size() + 160) + boundary.size() + 16;
    if (!a.charge || !a.charge(a.charge_from, room))
        return a.fail("the memory budget of the gateway is used up; try again later");
    char* out = a.arena.chars(room);
    char* w = out;
    auto put = [&](std::string_view s) {
        if (!s.empty()) std::memcpy(w, s.data(), s.size());
        w += s.size();
    };
    for (size_t i = 0; i < n; ++i) {
        put(i == 0 ? "--" : "\r\n--");
        put(boundary);
        put("\r\nContent-Range: ");
        put(content_range(spans[i], bytes.size(), a.arena));
        put("\r\nContent-Type: ");
        put(type);
        put("\r\n\r\n");
        put(bytes.substr(spans[i].begin, spans[i].end - spans[i].begin + 1));
    }
    put("\r\n--");
    put(boundary);
    put("--\r\n");
    a.replace_body({out, static_cast<size_t>(w - out)});
    a.headers.set("Content-Type", a.arena.concat("multipart/byteranges; boundary=", boundary));
}

}  // namespace gladius::features::martian
