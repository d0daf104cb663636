#include "telemetry/escape.h"

#include <algorithm>
#include <cstring>

#include "base/printable.h"

namespace gladius::telemetry {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr size_t kLongestEscape = 10;  // \U0010ffff
constexpr std::string_view kCut = "...";

struct Rune {
    uint32_t value;
    uint32_t bytes;
    bool valid;
};

bool continuation(unsigned char c) {
    return (c & 0xC0) == 0x80;
}

// One rune of text that does not begin with ASCII; what is not valid UTF-8 is one bad byte (RFC 3629, as Go does).
Rune decode(const char* p, size_t n) {
    auto b = [p](size_t i) { return static_cast<unsigned char>(p[i]); };
    uint32_t c = b(0);
    if (c >= 0xC2 && c <= 0xDF && n >= 2 && continuation(b(1))) return {(c & 0x1F) << 6 | (b(1) & 0x3Fu), 2, true};
    if ((c & 0xF0) == 0xE0 && n >= 3 && continuation(b(1)) && continuation(b(2))) {
        uint32_t r = (c & 0x0F) << 12 | (b(1) & 0x3Fu) << 6 | (b(2) & 0x3Fu);
        if (r >= 0x800 && (r < 0xD800 || r > 0xDFFF)) return {r, 3, true};
    }
    if (c >= 0xF0 && c <= 0xF4 && n >= 4 && continuation(b(1)) && continuation(b(2)) && continuation(b(3))) {
        uint32_t r = (c & 0x07) << 18 | (b(1) & 0x3Fu) << 12 | (b(2) & 0x3Fu) << 6 | (b(3) & 0x3Fu);
        if (r >= 0x10000 && r <= 0x10FFFF) return {r, 4, true};
    }
    return {c, 1, false};
}

char* write_hex(char* out, uint32_t v, int digits) {
    for (int i = digits - 1; i >= 0; --i)
        *out++ = kHex[v >> (4 * i) & 0xF];
    return out;
}

char* write_control(char* out, unsigned char c) {
    *out++ = '\\';
    switch (c) {
        case '\a':
            *out++ = 'a';
            break;
        case '\b':
            *out++ = 'b';
            break;
        case '\f':
            *out++ = 'f';
            break;
        case '\n':
            *out++ = 'n';
            break;
        case '\r':
            *out++ = 'r';
            break;
        case '\t':
            *out++ = 't';
            break;
        case '\v':
            *out++ = 'v';
            break;
        default:
            *out++ = 'x';
            out = write_hex(out, c, 2);
    }
    return out;
}

// True when one of the eight bytes is a control, DEL, above ASCII, or (quoted) a quote or a backslash.
template <bool kQuoted>
bool special8(uint64_t w) {
    constexpr uint64_t kOnes = 0x0101010101010101u;
    constexpr uint64_t kHigh = 0x8080808080808080u;
    auto has_zero = [](uint64_t x) { return (x - kOnes) & ~x; };
    uint64_t hit = w | (w - kOnes * 0x20) | has_zero(w ^ kOnes * 0x7F);
    if constexpr (kQuoted) hit |= has_zero(w ^ kOnes * '"') | has_zero(w ^ kOnes * '\\');
    return (hit & kHigh) != 0;
}

template <bool kQuoted>
char* write(char* out, size_t limit, std::string_view text) {
    const char* p = text.data();
    const char* end = p + text.size();
    char* stop = out + limit;
    while (p < end) {
        if (static_cast<size_t>(stop - out) < kLongestEscape + kCut.size()) {
            // Every round keeps room for the mark, except when the limit was smaller than the mark from the start.
            size_t n = std::min(kCut.size(), static_cast<size_t>(stop - out));
            std::memcpy(out, kCut.data(), n);
            return out + n;
        }
        if (end - p >= 8) {
            uint64_t w;
            std::memcpy(&w, p, 8);
            if (!special8<kQuoted>(w)) {
                std::memcpy(out, &w, 8);
                p += 8;
                out += 8;
                continue;
            }
        }
        auto c = static_cast<unsigned char>(*p);
        if (c < 0x80) {
            ++p;
            if (c < 0x20 || c == 0x7F) {
                out = write_control(out, c);
            } else {
                if (kQuoted && (c == '"' || c == '\\')) *out++ = '\\';
                *out++ = static_cast<char>(c);
            }
            continue;
        }
        Rune r = decode(p, static_cast<size_t>(end - p));
        if (!r.valid) {
            *out++ = '\\';
            *out++ = 'x';
            out = write_hex(out, r.value, 2);
        } else if (printable(r.value)) {
            std::memcpy(out, p, r.bytes);
            out += r.bytes;
        } else {
            bool wide = r.value > 0xFFFF;
            *out++ = '\\';
            *out++ = wide ? 'U' : 'u';
            out = write_hex(out, r.value, wide ? 8 : 4);
        }
        p += r.bytes;
    }
    return out;
}

}  // namespace

char* write_quoted(char* out, size_t limit, std::string_view text) {
    return write<true>(out, limit, text);
}

char* write_escaped(char* out, size_t limit, std::string_view text) {
    return write<false>(out, limit, text);
}

void append_json(std::string& out, std::string_view text) {
    const char* p = text.data();
    const char* end = p + text.size();
    while (p < end) {
        auto c = static_cast<unsigned char>(*p);
        Rune r = c < 0x80 ? Rune{c, 1, true} : decode(p, static_cast<size_t>(end - p));
        if (!r.valid) {
            out += "\xEF\xBF\xBD";
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (r.value < 0x10000 && !printable(r.value)) {
            char hex[6] = {'\\', 'u'};
            write_hex(hex + 2, r.value, 4);
            out.append(hex, sizeof hex);
        } else {
            out.append(p, r.bytes);
        }
        p += r.bytes;
    }
}

size_t rune_count(std::string_view text) {
    size_t n = 0;
    for (size_t i = 0; i < text.size(); ++n) {
        i += static_cast<unsigned char>(text[i]) < 0x80 ? 1 : decode(text.data() + i, text.size() - i).bytes;
    }
    return n;
}

}  // namespace gladius::telemetry
