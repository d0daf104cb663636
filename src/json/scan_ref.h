// Purpose: scan() as it is meant, readable and a byte at a time: the specification of scan_fast(), which must give the
// same nodes, flags, errors and offsets, and the scanner of processors without SSE 4.2.
// Owner, Lifetime, Errors: as scan(). Thread: any.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "json/scan.h"

namespace gladius::json {

Document* scan_ref(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection,
                   const Permit& permit = {});

}  // namespace gladius::json
