#include "simd/json_strings.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>
#include <bit>
#include <cstring>

// The kernels exist once for each kind of processor. Everything is inlined into the functions with a target at the end
// of the file (`flatten`), so nothing here may be used by others.
namespace gladius::simd {
namespace {

// Bit i for byte i of a block.
struct Masks {
    uint64_t quote, backslash;
    uint64_t html;   // < > &
    uint64_t other;  // controls and what is not ASCII
};

using Table = std::array<uint8_t, 16>;
// < > & by the low nibble, or a byte that cannot have it.
constexpr uint8_t kNo = 0xFF;
constexpr Table kHtml = {kNo, kNo, kNo, kNo, kNo, kNo, '&', kNo, kNo, kNo, kNo, kNo, '<', kNo, '>', kNo};
// " \ b f n r t: a bit for each high nibble, in the table of high nibbles and for the low ones that go with it.
constexpr Table kSimpleHigh = {0, 0, 1, 0, 0, 2, 4, 8};
constexpr Table kSimpleLow = {0, 0, 1 | 4 | 8, 0, 8, 0, 4, 0, 0, 0, 0, 0, 2, 0, 4, 0};

// Bit i: an odd number of the bits 0..i is set.
uint64_t parity_so_far(uint64_t v) {
    v ^= v << 1;
    v ^= v << 2;
    v ^= v << 4;
    v ^= v << 8;
    v ^= v << 16;
    v ^= v << 32;
    return v;
}

struct Sse42 {
    static constexpr size_t kWidth = 16;

    [[gnu::target("sse4.2")]] static Masks masks(const char* p) {
        Masks m{};
#pragma GCC unroll 4
        for (unsigned i = 0; i < JsonStrings::kBlock; i += kWidth) {
            __m128i x = load(p + i);
            m.quote |= bits(_mm_cmpeq_epi8(x, _mm_set1_epi8('"'))) << i;
            m.backslash |= bits(_mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))) << i;
            m.html |= bits(_mm_cmpeq_epi8(x, _mm_shuffle_epi8(table(kHtml), x))) << i;
            // Signed: what is not ASCII is below zero.
            m.other |= bits(_mm_cmplt_epi8(x, _mm_set1_epi8(' '))) << i;
        }
        return m;
    }
    // What behind a backslash need not be looked at.
    [[gnu::target("sse4.2")]] static uint64_t no_simple_escapes(const char* p) {
        uint64_t m = 0;
#pragma GCC unroll 4
        for (unsigned i = 0; i < JsonStrings::kBlock; i += kWidth) {
            __m128i x = load(p + i);
            __m128i high = _mm_and_si128(_mm_srli_epi16(x, 4), _mm_set1_epi8(0x0F));
            __m128i kind =
                _mm_and_si128(_mm_shuffle_epi8(table(kSimpleLow), x), _mm_shuffle_epi8(table(kSimpleHigh), high));
            m |= bits(_mm_cmpeq_epi8(kind, _mm_setzero_si128())) << i;
        }
        return m;
    }
    static uint64_t parity(uint64_t v) { return parity_so_far(v); }

  private:
    [[gnu::target("sse4.2")]] static __m128i load(const char* p) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    }
    [[gnu::target("sse4.2")]] static __m128i table(const Table& t) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(t.data()));
    }
    [[gnu::target("sse4.2")]] static uint64_t bits(__m128i v) { return static_cast<uint32_t>(_mm_movemask_epi8(v)); }
};

struct Avx2 {
    static constexpr size_t kWidth = 32;

    [[gnu::target("avx2,bmi,bmi2,pclmul")]] static Masks masks(const char* p) {
        Masks m{};
#pragma GCC unroll 2
        for (unsigned i = 0; i < JsonStrings::kBlock; i += kWidth) {
            __m256i x = load(p + i);
            m.quote |= bits(_mm256_cmpeq_epi8(x, _mm256_set1_epi8('"'))) << i;
            m.backslash |= bits(_mm256_cmpeq_epi8(x, _mm256_set1_epi8('\\'))) << i;
            m.html |= bits(_mm256_cmpeq_epi8(x, _mm256_shuffle_epi8(table(kHtml), x))) << i;
            m.other |= bits(_mm256_cmpgt_epi8(_mm256_set1_epi8(' '), x)) << i;
        }
        return m;
    }
    [[gnu::target("avx2,bmi,bmi2,pclmul")]] static uint64_t no_simple_escapes(const char* p) {
        uint64_t m = 0;
#pragma GCC unroll 2
        for (unsigned i = 0; i < JsonStrings::kBlock; i += kWidth) {
            __m256i x = load(p + i);
            __m256i high = _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(0x0F));
            __m256i kind = _mm256_and_si256(_mm256_shuffle_epi8(table(kSimpleLow), x),
                                            _mm256_shuffle_epi8(table(kSimpleHigh), high));
            m |= bits(_mm256_cmpeq_epi8(kind, _mm256_setzero_si256())) << i;
        }
        return m;
    }
    // A product without carries with all bits.
    [[gnu::target("avx2,bmi,bmi2,pclmul")]] static uint64_t parity(uint64_t v) {
        __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<int64_t>(v)), _mm_set1_epi8('\xFF'), 0);
        return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
    }

  private:
    [[gnu::target("avx2,bmi,bmi2,pclmul")]] static __m256i load(const char* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    [[gnu::target("avx2,bmi,bmi2,pclmul")]] static __m256i table(const Table& t) {
        return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t.data())));
    }
    [[gnu::target("avx2,bmi,bmi2,pclmul")]] static uint64_t bits(__m256i v) {
        return static_cast<uint32_t>(_mm256_movemask_epi8(v));
    }
};

// Bytes behind a backslash that is not escaped itself. In a run of backslashes every second one is, counted from its
// first; adding that one carries through the run, so runs are told by whether they begin at an even or an odd place.
uint64_t find_escaped(uint64_t backslash, uint64_t* carry) {
    constexpr uint64_t kEven = 0x5555555555555555;
    uint64_t first = *carry;
    backslash &= ~first;
    uint64_t starts = backslash & ~(backslash << 1);
    uint64_t even = backslash & ~(backslash + (starts & kEven));
    uint64_t odd = backslash & ~even;
    *carry = odd >> 63;
    return ((even << 1) & ~kEven) | ((odd << 1) & kEven) | first;
}

// For each string whether a bit is set in it. `inside` has a run of bits for each string, from the opening quote to
// before the closing one: what is added within a run is carried to the closing quote, where neither has a bit. *carry
// is for a string that goes on in the next block.
uint64_t any_in_string(uint64_t inside, uint64_t bits, unsigned char* carry) {
    unsigned long long sum;
    *carry = _addcarry_u64(*carry, inside, bits & inside, &sum);
    return sum;
}

// Most blocks have few places, and a loop that ends somewhere else each time is mispredicted.
uint32_t* write_places(uint64_t places, uint32_t base, uint32_t* out) {
    uint32_t* end = out + std::popcount(places);
    do {
#pragma GCC unroll 16
        for (size_t i = 0; i < JsonStrings::kAtOnce; ++i) {
            // Without a bit left this is any number; it is written over.
            out[i] = base + static_cast<uint32_t>(std::countr_zero(places));
            places &= places - 1;
        }
        out += JsonStrings::kAtOnce;
    } while (places != 0);
    return end;
}

}  // namespace

template <class K>
void fill_window(JsonStrings& strings) {
    uint32_t* out = strings.at;
    size_t size = strings.text_.size(), at = strings.next_;
    size_t stop = size - at > JsonStrings::kWindow ? at + JsonStrings::kWindow : size;
    uint64_t escaped_next = strings.escaped_, in_string = strings.in_string_;
    unsigned char html = strings.html_, escape = strings.escape_, look = strings.look_;
    JsonStrings::Flags* flags = strings.flags_;
    for (; at < stop; at += JsonStrings::kBlock) {
        const char* p = strings.text_.data() + at;
        char rest[JsonStrings::kBlock];
        if (size - at < JsonStrings::kBlock) [[unlikely]] {
            std::memset(rest, ' ', sizeof(rest));
            std::memcpy(rest, p, size - at);
            p = rest;
        }
        Masks m = K::masks(p);
        uint64_t escaped = escaped_next;
        if ((m.backslash | escaped) != 0) {
            escaped = find_escaped(m.backslash, &escaped_next);
            m.other |= escaped & K::no_simple_escapes(p);
        }
        uint64_t quote = m.quote & ~escaped;
        // From the opening quote up to the closing one, without that.
        uint64_t inside = K::parity(quote) ^ in_string;
        in_string = static_cast<uint64_t>(static_cast<int64_t>(inside) >> 63);
        uint64_t with_html = any_in_string(inside, m.html, &html);
        uint64_t with_escape = any_in_string(inside, m.backslash, &escape);
        uint64_t with_other = any_in_string(inside, m.other, &look);
        *flags = {with_html, with_escape, with_other, with_html | with_escape | with_other};
        ++flags;
        out = write_places(quote & ~inside, static_cast<uint32_t>(at), out);
    }
    strings.escaped_ = escaped_next;
    strings.in_string_ = in_string;
    strings.html_ = html;
    strings.escape_ = escape;
    strings.look_ = look;
    strings.next_ = at;
    strings.count = static_cast<uint32_t>(out - strings.at);
}

namespace {

[[gnu::flatten, gnu::noinline, gnu::target("sse4.2")]] void fill_sse42(JsonStrings& strings) {
    fill_window<Sse42>(strings);
}
[[gnu::flatten, gnu::noinline, gnu::target("avx2,bmi,bmi2,pclmul,popcnt")]] void fill_avx2(JsonStrings& strings) {
    fill_window<Avx2>(strings);
}

}  // namespace

bool JsonStrings::fill() {
    do {
        if (next_ >= text_.size()) return false;
        level_ == Level::avx2 ? fill_avx2(*this) : fill_sse42(*this);
    } while (count == 0);
    return true;
}

}  // namespace gladius::simd
#endif
