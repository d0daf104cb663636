#include "simd/bytes.h"

#if defined(__SSE2__)
#include <immintrin.h>

#include <atomic>

namespace gladius::simd {
namespace {

const char* value_end_sse2(const char* p, const char* end) {
    for (; end - p >= 16; p += 16) {
        unsigned bad = Sse2::bad_value_bytes(Sse2::load(p));
        if (bad != 0) return p + std::countr_zero(bad);
    }
    return class_end(p, end, kValueByte);
}

__attribute__((target("avx2"))) const char* value_end_avx2(const char* p, const char* end) {
    const __m256i tab = _mm256_set1_epi8('\t');
    const __m256i last_control = _mm256_set1_epi8(0x1f);
    const __m256i del = _mm256_set1_epi8(0x7f);
    for (; end - p >= 32; p += 32) {
        __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(v, last_control), v);
        control = _mm256_andnot_si256(_mm256_cmpeq_epi8(v, tab), control);
        auto bad = static_cast<unsigned>(_mm256_movemask_epi8(_mm256_or_si256(control, _mm256_cmpeq_epi8(v, del))));
        if (bad != 0) return p + std::countr_zero(bad);
    }
    return value_end_sse2(p, end);
}

using Scan = const char* (*)(const char* p, const char* end);

const char* choose_and_scan(const char* p, const char* end);

// Chosen by the first call, so that nothing has to run before main(). Several threads may choose at once: they choose
// the same.
constinit std::atomic<Scan> chosen{choose_and_scan};

const char* choose_and_scan(const char* p, const char* end) {
    __builtin_cpu_init();
    Scan scan = __builtin_cpu_supports("avx2") ? value_end_avx2 : value_end_sse2;
    chosen.store(scan, std::memory_order_relaxed);
    return scan(p, end);
}

}  // namespace

const char* long_value_end(const char* p, const char* end) {
    return chosen.load(std::memory_order_relaxed)(p, end);
}

}  // namespace gladius::simd
#endif
