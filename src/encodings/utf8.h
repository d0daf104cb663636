// Purpose: one character at a time out of and into UTF-8. Owner: none. Thread: any. Lifetime: none. Errors: read_rune()
// says false for bytes that are none.
#pragma once
#include <cstddef>
#include <cstdint>

#include "json/text.h"

namespace gladius::encodings {

inline constexpr size_t kRuneBytes = 4;

// Takes the character at p; false, and one byte taken, when there is none.
inline bool read_rune(const char*& p, const char* end, uint32_t* r) {
    auto c = static_cast<unsigned char>(*p);
    if (c < 0x80) {
        *r = c;
        ++p;
        return true;
    }
    size_t n = json::utf8_sequence(p, end);
    if (n == 0) {
        ++p;
        return false;
    }
    uint32_t v = n == 2 ? c & 0x1F : n == 3 ? c & 0x0F : c & 0x07;
    for (size_t i = 1; i < n; ++i)
        v = v << 6 | (static_cast<unsigned char>(p[i]) & 0x3F);
    p += n;
    *r = v;
    return true;
}

// Writes up to kRuneBytes and returns the end. What is no character (half a surrogate pair, too large) becomes U+FFFD.
inline char* write_rune(uint32_t r, char* w) {
    if (r > 0x10FFFF || (r >= 0xD800 && r <= 0xDFFF)) r = 0xFFFD;
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

}  // namespace gladius::encodings
