#include "simd/utf8.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>
#include <bit>
#include <cstring>

// The kernels exist once for each kind of processor. Everything is inlined into the functions with a target at the end
// of the file (`flatten`), so nothing here may be used by others.
namespace gladius::simd {
namespace {

// UTF-8: tables of the pairs of neighbours that are wrong. Each kind of mistake has a bit; it is made when the bit is
// set in all three tables: for the high and the low nibble of the first byte and for the high nibble of the second.
// Source: J. Keiser, D. Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte", 2021.
struct Utf8Tables {
    std::array<uint8_t, 16> first_high{};
    std::array<uint8_t, 16> first_low{};
    std::array<uint8_t, 16> second_high{};

    constexpr void wrong(uint8_t bit, unsigned high_from, unsigned high_to, unsigned low_from, unsigned low_to,
                         unsigned next_from, unsigned next_to) {
        for (unsigned i = high_from; i <= high_to; ++i)
            first_high[i] |= bit;
        for (unsigned i = low_from; i <= low_to; ++i)
            first_low[i] |= bit;
        for (unsigned i = next_from; i <= next_to; ++i)
            second_high[i] |= bit;
    }
};

constexpr uint8_t kTwoContinuations = 0x80;  // good behind a longer lead: decided with the bytes before

constexpr Utf8Tables make_utf8_tables() {
    Utf8Tables t;
    t.wrong(0x01, 0xC, 0xF, 0, 15, 0x0, 0x7);               // a lead, then ASCII
    t.wrong(0x01, 0xC, 0xF, 0, 15, 0xC, 0xF);               // a lead, then a lead
    t.wrong(0x02, 0x0, 0x7, 0, 15, 0x8, 0xB);               // ASCII, then a continuation
    t.wrong(0x04, 0xE, 0xE, 0, 0, 0x8, 0x9);                // E0 80..9F: overlong
    t.wrong(0x08, 0xF, 0xF, 4, 15, 0x9, 0xB);               // F4 90..BF and above: too large
    t.wrong(0x10, 0xE, 0xE, 13, 13, 0xA, 0xB);              // ED A0..BF: a surrogate
    t.wrong(0x20, 0xC, 0xC, 0, 1, 0x8, 0xB);                // C0, C1: overlong
    t.wrong(0x40, 0xF, 0xF, 0, 0, 0x8, 0x8);                // F0 80..8F: overlong
    t.wrong(0x40, 0xF, 0xF, 5, 15, 0x8, 0x8);               // F5 and above with 80..8F: too large
    t.wrong(kTwoContinuations, 0x8, 0xB, 0, 15, 0x8, 0xB);  // a continuation, then a continuation
    return t;
}
constexpr Utf8Tables kUtf8 = make_utf8_tables();

struct Sse42 {
    static constexpr size_t kWidth = 16;

    [[gnu::target("sse4.2")]] static __m128i load(const char* p) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    }
    [[gnu::target("sse4.2")]] static __m128i table(const std::array<uint8_t, 16>& t) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(t.data()));
    }
    [[gnu::target("sse4.2")]] static uint32_t bits(__m128i v) { return static_cast<uint32_t>(_mm_movemask_epi8(v)); }
    [[gnu::target("sse4.2")]] static __m128i is(__m128i x, char c) { return _mm_cmpeq_epi8(x, _mm_set1_epi8(c)); }
    // < and > differ in one bit.
    [[gnu::target("sse4.2")]] static __m128i html(__m128i x) {
        return _mm_or_si128(is(x, '&'), is(_mm_or_si128(x, _mm_set1_epi8(2)), '>'));
    }
    [[gnu::target("sse4.2")]] static __m128i control(__m128i x) {
        return _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1F)), x);
    }

    struct Text {
        uint32_t ends, html, e2, errors;
    };
    [[gnu::target("sse4.2")]] static Text text(const char* p) {
        __m128i x = load(p);
        Text t;
        t.ends = bits(_mm_or_si128(control(x), _mm_or_si128(is(x, '"'), is(x, '\\'))));
        t.html = bits(html(x));
        t.e2 = bits(is(x, '\xE2'));
        __m128i before1 = _mm_slli_si128(x, 1), before2 = _mm_slli_si128(x, 2), before3 = _mm_slli_si128(x, 3);
        __m128i low = _mm_set1_epi8(0x0F);
        __m128i wrong = _mm_and_si128(
            _mm_and_si128(_mm_shuffle_epi8(table(kUtf8.first_high), _mm_and_si128(_mm_srli_epi16(before1, 4), low)),
                          _mm_shuffle_epi8(table(kUtf8.first_low), _mm_and_si128(before1, low))),
            _mm_shuffle_epi8(table(kUtf8.second_high), _mm_and_si128(_mm_srli_epi16(x, 4), low)));
        // The high bit where the byte is the third of three or four, or the fourth of four.
        __m128i must =
            _mm_or_si128(_mm_subs_epu8(before2, _mm_set1_epi8(0x60)), _mm_subs_epu8(before3, _mm_set1_epi8(0x70)));
        must = _mm_and_si128(must, _mm_set1_epi8(static_cast<char>(kTwoContinuations)));
        t.errors = bits(_mm_cmpeq_epi8(_mm_xor_si128(must, wrong), _mm_setzero_si128())) ^ 0xFFFF;
        return t;
    }
};

struct Avx2 {
    static constexpr size_t kWidth = 32;

    [[gnu::target("avx2,bmi")]] static __m256i load(const char* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    [[gnu::target("avx2,bmi")]] static __m256i table(const std::array<uint8_t, 16>& t) {
        return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t.data())));
    }
    [[gnu::target("avx2,bmi")]] static uint32_t bits(__m256i v) {
        return static_cast<uint32_t>(_mm256_movemask_epi8(v));
    }
    [[gnu::target("avx2,bmi")]] static __m256i is(__m256i x, char c) {
        return _mm256_cmpeq_epi8(x, _mm256_set1_epi8(c));
    }
    [[gnu::target("avx2,bmi")]] static __m256i html(__m256i x) {
        return _mm256_or_si256(is(x, '&'), is(_mm256_or_si256(x, _mm256_set1_epi8(2)), '>'));
    }
    [[gnu::target("avx2,bmi")]] static __m256i control(__m256i x) {
        return _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(0x1F)), x);
    }

    struct Text {
        uint32_t ends, html, e2, errors;
    };
    [[gnu::target("avx2,bmi")]] static Text text(const char* p) {
        __m256i x = load(p);
        Text t;
        t.ends = bits(_mm256_or_si256(control(x), _mm256_or_si256(is(x, '"'), is(x, '\\'))));
        t.html = bits(html(x));
        t.e2 = bits(is(x, '\xE2'));
        // The lower half moved up, with zeros before the block.
        __m256i carry = _mm256_permute2x128_si256(x, x, 0x08);
        __m256i before1 = _mm256_alignr_epi8(x, carry, 15);
        __m256i before2 = _mm256_alignr_epi8(x, carry, 14);
        __m256i before3 = _mm256_alignr_epi8(x, carry, 13);
        __m256i low = _mm256_set1_epi8(0x0F);
        __m256i wrong = _mm256_and_si256(
            _mm256_and_si256(
                _mm256_shuffle_epi8(table(kUtf8.first_high), _mm256_and_si256(_mm256_srli_epi16(before1, 4), low)),
                _mm256_shuffle_epi8(table(kUtf8.first_low), _mm256_and_si256(before1, low))),
            _mm256_shuffle_epi8(table(kUtf8.second_high), _mm256_and_si256(_mm256_srli_epi16(x, 4), low)));
        __m256i must = _mm256_or_si256(_mm256_subs_epu8(before2, _mm256_set1_epi8(0x60)),
                                       _mm256_subs_epu8(before3, _mm256_set1_epi8(0x70)));
        must = _mm256_and_si256(must, _mm256_set1_epi8(static_cast<char>(kTwoContinuations)));
        t.errors = ~bits(_mm256_cmpeq_epi8(_mm256_xor_si256(must, wrong), _mm256_setzero_si256()));
        return t;
    }
};

// How many bytes before `end` begin a character that goes on behind it; what is before it is good UTF-8.
size_t cut_off(const char* end) {
    constexpr unsigned char kLeads[] = {0xC0, 0xE0, 0xF0};
    for (size_t back = 1; back <= 3; ++back) {
        if (static_cast<unsigned char>(*(end - back)) >= kLeads[back - 1]) return back;
    }
    return 0;
}

template <class K>
const char* utf8_blocks(const char* p, const char* end, bool* odd) {
    while (static_cast<size_t>(end - p) >= K::kWidth) {
        typename K::Text t = K::text(p);
        size_t n = t.ends != 0 ? static_cast<size_t>(std::countr_zero(t.ends)) : K::kWidth;
        // With the byte at n, which shows when the character before it was cut off.
        auto up_to = [](size_t k) { return static_cast<uint32_t>((uint64_t{1} << k) - 1); };
        if ((t.errors & up_to(n == K::kWidth ? n : n + 1)) != 0) return nullptr;
        if (t.ends == 0) n -= cut_off(p + n);
        if ((t.html & up_to(n)) != 0) *odd = true;
        for (uint32_t e2 = t.e2 & up_to(n); e2 != 0; e2 &= e2 - 1) {
            const char* s = p + std::countr_zero(e2);
            if (s[1] == '\x80' && (s[2] == '\xA8' || s[2] == '\xA9')) *odd = true;
        }
        p += n;
        if (t.ends != 0) return p;
    }
    return p;
}

[[gnu::flatten, gnu::noinline, gnu::target("sse4.2")]] const char* utf8_sse42(const char* p, const char* end,
                                                                              bool* odd) {
    return utf8_blocks<Sse42>(p, end, odd);
}
[[gnu::flatten, gnu::noinline, gnu::target("avx2,bmi")]] const char* utf8_avx2(const char* p, const char* end,
                                                                               bool* odd) {
    return utf8_blocks<Avx2>(p, end, odd);
}

}  // namespace

const char* utf8_run(const char* p, const char* end, Level level, bool* odd) {
    return level == Level::avx2 ? utf8_avx2(p, end, odd) : utf8_sse42(p, end, odd);
}

}  // namespace gladius::simd
#endif
