#include "simd/level.h"

#include <atomic>

namespace gladius::simd {
namespace {

Level ask() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    // What came with avx2 or before it, but has flags of its own: tzcnt and its relatives, and the product without
    // carries.
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("pclmul"))
        return Level::avx2;
    if (__builtin_cpu_supports("sse4.2")) return Level::sse42;
#endif
    return Level::baseline;
}

constexpr uint8_t kUnknown = 255;
// Several threads may ask at once: they are told the same.
constinit std::atomic<uint8_t> known{kUnknown};

}  // namespace

Level level() {
    uint8_t l = known.load(std::memory_order_relaxed);
    if (l == kUnknown) [[unlikely]] {
        l = static_cast<uint8_t>(ask());
        known.store(l, std::memory_order_relaxed);
    }
    return static_cast<Level>(l);
}

}  // namespace gladius::simd
