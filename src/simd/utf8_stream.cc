#include "simd/utf8_stream.h"

#include <bit>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gladius::simd {

namespace {

const char* skip_ascii(const char* p, const char* end) {
#if defined(__SSE2__)
    for (; end - p >= 16; p += 16) {
        int bits = _mm_movemask_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
        if (bits != 0) return p + std::countr_zero(static_cast<unsigned>(bits));
    }
#endif
    while (p != end && static_cast<uint8_t>(*p) < 0x80)
        ++p;
    return p;
}

}  // namespace

bool Utf8Stream::feed(const char* p, size_t n) {
    const char* end = p + n;
    while (p != end) {
        if (need_ == 0) {
            p = skip_ascii(p, end);
            if (p == end) return true;
            auto c = static_cast<uint8_t>(*p++);
            low_ = 0x80;
            high_ = 0xBF;
            if (c >= 0xC2 && c <= 0xDF) {
                need_ = 1;
            } else if (c >= 0xE0 && c <= 0xEF) {
                need_ = 2;
                if (c == 0xE0) low_ = 0xA0;
                if (c == 0xED) high_ = 0x9F;
            } else if (c >= 0xF0 && c <= 0xF4) {
                need_ = 3;
                if (c == 0xF0) low_ = 0x90;
                if (c == 0xF4) high_ = 0x8F;
            } else {
                return false;
            }
            continue;
        }
        auto c = static_cast<uint8_t>(*p++);
        if (c < low_ || c > high_) return false;
        low_ = 0x80;
        high_ = 0xBF;
        --need_;
    }
    return true;
}

}  // namespace gladius::simd
