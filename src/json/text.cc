#include "json/text.h"

#include <emmintrin.h>

#include <bit>
#include <cstdint>

namespace gladius::json {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr char kReplacement[] = "\xEF\xBF\xBD";

bool ordinary(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

unsigned hex_value(char c) {
    if (c <= '9') return static_cast<unsigned>(c - '0');
    return static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

uint32_t hex4(const char* p) {
    return hex_value(p[0]) << 12 | hex_value(p[1]) << 8 | hex_value(p[2]) << 4 | hex_value(p[3]);
}

char* write_utf8(uint32_t r, char* w) {
    if (r < 0x80) {
        *w++ = static_cast<char>(r);
    } else if (r < 0x800) {
        *w++ = static_cast<char>(0xC0 | r >> 6);
        *w++ = static_cast<char>(0x80 | (r & 0x3F));
    } else if (r < 0x10000) {
        *w++ = static_cast<char>(0xE0 | r >> 12);
        *w++ = static_cast<char>(0x80 | (r >> 6 & 0x3F));
        *w++ = static_cast<char>(0x80 | (r & 0x3F));
    } else {
        *w++ = static_cast<char>(0xF0 | r >> 18);
        *w++ = static_cast<char>(0x80 | (r >> 12 & 0x3F));
        *w++ = static_cast<char>(0x80 | (r >> 6 & 0x3F));
        *w++ = static_cast<char>(0x80 | (r & 0x3F));
    }
    return w;
}

// The character that an escape means. p stands on the backslash and goes behind the escape; of two \u that are a
// surrogate pair both are taken, half a pair is U+FFFD.
uint32_t read_escape(const char*& p, const char* end) {
    char c = p[1];
    p += 2;
    switch (c) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case 'u':
            break;
        default:
            return static_cast<unsigned char>(c);
    }
    uint32_t r = hex4(p);
    p += 4;
    if (r < 0xD800 || r > 0xDFFF) return r;
    if (r < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
        uint32_t low = hex4(p + 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            p += 6;
            return 0x10000 + ((r - 0xD800) << 10 | (low - 0xDC00));
        }
    }
    return 0xFFFD;
}

// Decodes the characters of an escaped source one by one: next() gives the UTF-8 bytes of the next one.
struct Reader {
    const char* p;
    const char* end;
    char bytes[4];

    size_t next() {
        auto c = static_cast<unsigned char>(*p);
        if (c == '\\') return static_cast<size_t>(write_utf8(read_escape(p, end), bytes) - bytes);
        size_t n = c < 0x80 ? 1 : utf8_sequence(p, end);
        if (n == 0) {
            ++p;
            std::memcpy(bytes, kReplacement, 3);
            return 3;
        }
        std::memcpy(bytes, p, n);
        p += n;
        return n;
    }
};

// Room for any of the escapes below.
constexpr size_t kEscapeMax = 6;

char* write_escaped(unsigned char c, char* w) {
    *w++ = '\\';
    switch (c) {
        case '"':
        case '\\':
            *w++ = static_cast<char>(c);
            return w;
        case '\b':
            *w++ = 'b';
            return w;
        case '\f':
            *w++ = 'f';
            return w;
        case '\n':
            *w++ = 'n';
            return w;
        case '\r':
            *w++ = 'r';
            return w;
        case '\t':
            *w++ = 't';
            return w;
        default:
            std::memcpy(w, "u00", 3);
            w[3] = kHex[c >> 4];
            w[4] = kHex[c & 15];
            return w + 5;
    }
}

// U+2028 and U+2029 are the two sequences E2 80 A8 and E2 80 A9.
bool line_separator(const char* p, size_t n) {
    return n == 3 && p[0] == '\xE2' && p[1] == '\x80' && (p[2] == '\xA8' || p[2] == '\xA9');
}

// One decoded character as Go prints it; four bytes are read and up to kEscapeMax written.
char* write_char(const char* p, size_t n, char* w) {
    if (n == 1 && !ordinary(static_cast<unsigned char>(*p))) return write_escaped(static_cast<unsigned char>(*p), w);
    if (line_separator(p, n)) {
        std::memcpy(w, p[2] == '\xA8' ? "\\u2028" : "\\u2029", 6);
        return w + 6;
    }
    std::memcpy(w, p, 4);
    return w + n;
}

__m128i load(const char* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

// Of sixteen bytes: those that are not ordinary, as bits.
unsigned specials(__m128i x) {
    // Signed: everything below 0x20 is a control character or has its high bit set.
    __m128i hit = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(x, _mm_set1_epi8('"')));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(x, _mm_set1_epi8('&')));
    // < and > differ in one bit.
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_or_si128(x, _mm_set1_epi8(2)), _mm_set1_epi8('>')));
    return static_cast<unsigned>(_mm_movemask_epi8(hit));
}

}  // namespace

size_t utf8_sequence(const char* p, const char* end) {
    auto at = [&](ptrdiff_t i) { return static_cast<unsigned char>(p[i]); };
    auto continues = [&](ptrdiff_t i) { return end - p > i && (at(i) & 0xC0) == 0x80; };
    unsigned char c = at(0);
    if (c < 0xC2 || c > 0xF4) return 0;
    if (!continues(1)) return 0;
    if (c < 0xE0) return 2;
    if (c < 0xF0) {
        if (c == 0xE0 && at(1) < 0xA0) return 0;
        if (c == 0xED && at(1) > 0x9F) return 0;
        return continues(2) ? 3 : 0;
    }
    if (c == 0xF0 && at(1) < 0x90) return 0;
    if (c == 0xF4 && at(1) > 0x8F) return 0;
    return continues(2) && continues(3) ? 4 : 0;
}

const char* skip_ordinary(const char* p, const char* end) {
    for (; end - p >= 16; p += 16) {
        if (unsigned found = specials(load(p)); found != 0) return p + std::countr_zero(found);
    }
    while (p != end && ordinary(static_cast<unsigned char>(*p)))
        ++p;
    return p;
}

bool escape_is_canonical(const char* four_digits) {
    for (int i = 0; i < 4; ++i) {
        if (four_digits[i] >= 'A' && four_digits[i] <= 'F') return false;
    }
    uint32_t r = hex4(four_digits);
    if (r < 0x20) return r != '\b' && r != '\f' && r != '\n' && r != '\r' && r != '\t';
    return r == '<' || r == '>' || r == '&' || r == 0x2028 || r == 0x2029;
}

std::string_view unescape(std::string_view source, Arena& arena) {
    // An escape is never shorter than what it means; only a byte that is no UTF-8 grows, from one to three.
    size_t bad = 0;
    const char* end = source.data() + source.size();
    for (const char* p = source.data(); p != end;) {
        size_t n = static_cast<unsigned char>(*p) < 0x80 ? 1 : utf8_sequence(p, end);
        if (n == 0) {
            ++bad;
            n = 1;
        }
        p += n;
    }
    char* begin = arena.chars(source.size() + 2 * bad);
    char* w = begin;
    Reader r{source.data(), end, {}};
    while (r.p != end) {
        size_t n = r.next();
        std::memcpy(w, r.bytes, n);
        w += n;
    }
    return {begin, static_cast<size_t>(w - begin)};
}

bool unescapes_to(std::string_view source, std::string_view plain) {
    Reader r{source.data(), source.data() + source.size(), {}};
    while (r.p != r.end) {
        size_t n = r.next();
        if (plain.substr(0, n) != std::string_view(r.bytes, n)) return false;
        plain.remove_prefix(n);
    }
    return plain.empty();
}

void quote(std::string_view text, Output& out) {
    const char* p = text.data();
    const char* end = p + text.size();
    out.put('"');
    while (p != end) {
        const char* stop = skip_ordinary(p, end);
        out.append(p, static_cast<size_t>(stop - p));
        p = stop;
        if (p == end) break;
        size_t n = static_cast<unsigned char>(*p) < 0x80 ? 1 : utf8_sequence(p, end);
        if (n == 0) {
            out.append("\\ufffd");
            ++p;
            continue;
        }
        char bytes[4] = {};
        std::memcpy(bytes, p, n);
        out.commit(write_char(bytes, n, out.reserve(kEscapeMax)));
        p += n;
    }
    out.put('"');
}

void requote(std::string_view source, const char* readable, Output& out) {
    // A block that is copied as it is, a character behind it, and the last quote.
    constexpr size_t kBlock = 16, kRoom = kBlock + kEscapeMax + 2;
    const char* p = source.data();
    const char* end = p + source.size();
    char* w = out.reserve(source.size() + kRoom);
    *w++ = '"';
    for (;;) {
        if (out.end() - w < static_cast<ptrdiff_t>(kRoom)) [[unlikely]] {
            out.commit(w);
            w = out.reserve(kRoom);
        }
        if (readable - p >= static_cast<ptrdiff_t>(kBlock)) [[likely]] {
            __m128i x = load(p);
            _mm_storeu_si128(reinterpret_cast<__m128i*>(w), x);
            unsigned found = specials(x);
            size_t n = found != 0 ? static_cast<size_t>(std::countr_zero(found)) : kBlock;
            if (n >= static_cast<size_t>(end - p)) {
                w += end - p;
                break;
            }
            p += n;
            w += n;
            if (found == 0) continue;
        } else if (p == end) {
            break;
        } else if (ordinary(static_cast<unsigned char>(*p))) {
            *w++ = *p++;
            continue;
        }
        if (*p == '\\' && p[1] != 'u' && p[1] != '/') {
            // The short escapes are those of Go.
            std::memcpy(w, p, 2);
            w += 2;
            p += 2;
            continue;
        }
        Reader r{p, end, {}};
        size_t n = r.next();
        p = r.p;
        w = write_char(r.bytes, n, w);
    }
    *w++ = '"';
    out.commit(w);
}

}  // namespace gladius::json
