// Purpose: what the bytes of a block of JSON text are, as a mask with a bit for each byte: the inner loops of the fast
// scanner. Each struct is one kind of processor; who uses it is a function with the same target attribute that inlines
// all it calls (`flatten`), chosen once for a text by simd::level().
// Owner: nobody; pure functions. Thread: any. Errors: none. Each reads kWidth bytes at p.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace gladius::simd {

struct JsonTables {
    // By the low nibble: the byte of the class that has it, or one that cannot have it.
    static constexpr uint8_t kNo = 0xFF;
    static constexpr std::array<uint8_t, 16> kSpecial = {kNo, kNo, '"', kNo, kNo, kNo, '&', kNo,
                                                         kNo, kNo, kNo, kNo, '<', kNo, '>', kNo};
    static constexpr std::array<uint8_t, 16> kBlank = {' ', kNo,  kNo,  kNo, kNo, kNo,  kNo, kNo,
                                                       kNo, '\t', '\n', kNo, kNo, '\r', kNo, kNo};
};

struct JsonSse42 {
    static constexpr size_t kWidth = 16;

    // What a string cannot just hold: " \ < > & controls and everything not ASCII.
    [[gnu::target("sse4.2")]] static uint32_t specials(const char* p) {
        __m128i x = load(p);
        __m128i hit = _mm_cmpeq_epi8(x, _mm_shuffle_epi8(table(JsonTables::kSpecial), x));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
        // Signed: what is not ASCII is below zero.
        return bits(_mm_or_si128(hit, _mm_cmplt_epi8(x, _mm_set1_epi8(' '))));
    }
    [[gnu::target("sse4.2")]] static uint32_t no_digits(const char* p) {
        __m128i x = _mm_sub_epi8(load(p), _mm_set1_epi8('0'));
        return bits(_mm_cmpeq_epi8(x, _mm_min_epu8(x, _mm_set1_epi8(9)))) ^ 0xFFFF;
    }
    [[gnu::target("sse4.2")]] static uint32_t no_blanks(const char* p) {
        __m128i x = load(p);
        return bits(_mm_cmpeq_epi8(x, _mm_shuffle_epi8(table(JsonTables::kBlank), x))) ^ 0xFFFF;
    }

  private:
    [[gnu::target("sse4.2")]] static __m128i load(const char* p) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    }
    [[gnu::target("sse4.2")]] static __m128i table(const std::array<uint8_t, 16>& t) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(t.data()));
    }
    [[gnu::target("sse4.2")]] static uint32_t bits(__m128i v) { return static_cast<uint32_t>(_mm_movemask_epi8(v)); }
};

struct JsonAvx2 {
    static constexpr size_t kWidth = 32;

    [[gnu::target("avx2,bmi,bmi2")]] static uint32_t specials(const char* p) {
        __m256i x = load(p);
        __m256i hit = _mm256_cmpeq_epi8(x, _mm256_shuffle_epi8(table(JsonTables::kSpecial), x));
        hit = _mm256_or_si256(hit, _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\\')));
        return bits(_mm256_or_si256(hit, _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), x)));
    }
    [[gnu::target("avx2,bmi,bmi2")]] static uint32_t no_digits(const char* p) {
        __m256i x = _mm256_sub_epi8(load(p), _mm256_set1_epi8('0'));
        return ~bits(_mm256_cmpeq_epi8(x, _mm256_min_epu8(x, _mm256_set1_epi8(9))));
    }
    [[gnu::target("avx2,bmi,bmi2")]] static uint32_t no_blanks(const char* p) {
        __m256i x = load(p);
        return ~bits(_mm256_cmpeq_epi8(x, _mm256_shuffle_epi8(table(JsonTables::kBlank), x)));
    }

  private:
    [[gnu::target("avx2,bmi,bmi2")]] static __m256i load(const char* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    [[gnu::target("avx2,bmi,bmi2")]] static __m256i table(const std::array<uint8_t, 16>& t) {
        return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t.data())));
    }
    [[gnu::target("avx2,bmi,bmi2")]] static uint32_t bits(__m256i v) {
        return static_cast<uint32_t>(_mm256_movemask_epi8(v));
    }
};

}  // namespace gladius::simd
#endif
