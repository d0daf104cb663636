// Purpose: scan() in one pass with vector instructions; gives exactly what scan_ref() gives. It knows good texts only:
// whenever something is wrong or too deep it starts again with the reference, which finds the words for it.
// Owner, Lifetime, Errors: as scan(). Thread: any. Memory: as scan(), and 4.5 KiB of stack.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "json/scan.h"
#include "simd/level.h"

namespace gladius::json {

// level: at most what this processor has; baseline is the reference itself.
Document* scan_fast(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection,
                    const Permit& permit = {}, simd::Level level = simd::level());

}  // namespace gladius::json
