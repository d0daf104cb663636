// Purpose: where a run of bytes of one class ends: the inner loops of the HTTP/1 parser.
//   token_end   first byte that is no token character (RFC 9110 5.6.2)
//   value_end   first byte that may not stand in a field value: controls other than HTAB, and DEL (RFC 9110 5.5)
//   target_end  first byte that may not stand in a request target: controls, space, DEL
// Owner: nobody; pure functions. Thread: any. Errors: none; `end` is returned when the whole run belongs to the class.
// No function reads outside [p, end).
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gladius::simd {

enum ByteClass : uint8_t { kTokenByte = 1, kValueByte = 2, kTargetByte = 4, kHostByte = 8, kHexByte = 16 };

constexpr std::array<uint8_t, 256> make_byte_classes() {
    std::array<uint8_t, 256> t{};
    for (unsigned c = 0; c < 256; ++c) {
        bool digit = c >= '0' && c <= '9';
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool hex = digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        uint8_t k = 0;
        if (digit || alpha) k |= kTokenByte | kHostByte;
        if (hex) k |= kHexByte;
        if ((c >= 0x20 && c != 0x7f) || c == '\t') k |= kValueByte;
        if (c > 0x20 && c != 0x7f) k |= kTargetByte;
        t[c] = k;
    }
    for (char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
        t[static_cast<uint8_t>(c)] |= kTokenByte;
    // reg-name, IP literal and port (RFC 3986 3.2.2); no '@', '/', '?', '#', quotes or blanks.
    for (char c : {'!', '$', '%', '&', '(', ')', '*', '+', ',', '-', '.', ':', ';', '=', '[', '\'', ']', '_', '~'})
        t[static_cast<uint8_t>(c)] |= kHostByte;
    return t;
}
inline constexpr std::array<uint8_t, 256> kByteClasses = make_byte_classes();

inline bool is(char c, ByteClass k) {
    return (kByteClasses[static_cast<uint8_t>(c)] & k) != 0;
}

inline const char* class_end(const char* p, const char* end, ByteClass k) {
    while (p != end && is(*p, k))
        ++p;
    return p;
}

// One byte at a time: what every other version must agree with.
struct Scalar {
    static const char* token_end(const char* p, const char* end) { return class_end(p, end, kTokenByte); }
    static const char* value_end(const char* p, const char* end) { return class_end(p, end, kValueByte); }
    static const char* target_end(const char* p, const char* end) { return class_end(p, end, kTargetByte); }
};

#if defined(__SSE2__)
// The rest of a long value, with the widest registers this processor has (bytes.cc).
const char* long_value_end(const char* p, const char* end);

// Sixteen bytes at a time with what every x86-64 has, so the code is inlined into its caller and names and short
// values, which is most of a head, pay for no call.
struct Sse2 {
    static __m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    // Bytes of v in [first, last], as 0xff.
    static __m128i within(__m128i v, char first, char last) {
        __m128i from = _mm_sub_epi8(v, _mm_set1_epi8(first));
        return _mm_cmpeq_epi8(_mm_min_epu8(from, _mm_set1_epi8(static_cast<char>(last - first))), from);
    }
    static unsigned bits(__m128i v) { return static_cast<unsigned>(_mm_movemask_epi8(v)); }

    static const char* token_end(const char* p, const char* end) {
        while (end - p >= 16) {
            __m128i v = load(p);
            // What names are made of nearly always; the rarer token characters are looked up one by one.
            __m128i usual = _mm_or_si128(within(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'z'),
                                         _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('-')), within(v, '0', '9')));
            unsigned other = bits(usual) ^ 0xffff;
            if (other == 0) {
                p += 16;
                continue;
            }
            p += std::countr_zero(other);
            if (!is(*p, kTokenByte)) return p;
            ++p;
        }
        return class_end(p, end, kTokenByte);
    }

    static unsigned bad_value_bytes(__m128i v) {
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
        control = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\t')), control);
        return bits(_mm_or_si128(control, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f))));
    }

    static const char* value_end(const char* p, const char* end) {
        for (int i = 0; i < kShortBlocks && end - p >= 16; ++i, p += 16)
            if (unsigned bad = bad_value_bytes(load(p)); bad != 0) return p + std::countr_zero(bad);
        return end - p >= 16 ? long_value_end(p, end) : class_end(p, end, kValueByte);
    }

    static const char* target_end(const char* p, const char* end) {
        for (; end - p >= 16; p += 16) {
            __m128i v = load(p);
            unsigned bad = bits(_mm_or_si128(within(v, 0, 0x20), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f))));
            if (bad != 0) return p + std::countr_zero(bad);
        }
        return class_end(p, end, kTargetByte);
    }

    static constexpr int kShortBlocks = 6;
};
using Best = Sse2;
#else
using Best = Scalar;
#endif

}  // namespace gladius::simd
