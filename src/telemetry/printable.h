// Purpose: table of the printable runes above ASCII, sorted, for escape.cc. Generated from the Unicode data.
// Owner: static. Thread: any. Lifetime: the process. Errors: none.
#pragma once
#include <cstdint>

namespace gladius::telemetry {

struct RuneRange {
    uint32_t first;
    uint32_t last;
};
extern const RuneRange kPrintable[];
extern const unsigned kPrintableCount;

}  // namespace gladius::telemetry
