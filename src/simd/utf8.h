// Purpose: goes over UTF-8 inside of JSON strings, a block at a time and without a branch for each character.
// Owner: nobody; a pure function. Thread: any. Errors: null.
#pragma once
#include "simd/level.h"

namespace gladius::simd {

// Goes over text inside a string from a byte that begins a character to the first quote, backslash or control, and
// maybe stops earlier at the beginning of a character. *odd tells whether there was < > & U+2028 or U+2029. Null: not
// UTF-8, and nothing is known. The level is at least sse42 and not above this processor's.
const char* utf8_run(const char* p, const char* end, Level level, bool* odd);

}  // namespace gladius::simd
