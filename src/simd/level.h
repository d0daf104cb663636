// Purpose: which vector instructions this processor has, for code that comes in several versions: each version is a
// function with a target attribute, and the caller chooses once for a whole piece of work.
// Owner: nobody. Thread: any. Errors: none.
//   if (simd::level() == simd::Level::avx2) return scan_avx2(text);
#pragma once
#include <cstdint>

namespace gladius::simd {

// Each has what those before it have.
enum class Level : uint8_t { baseline, sse42, avx2 };

// Asked of the processor by the first call.
Level level();

}  // namespace gladius::simd
