// Purpose: the dates of feeds: about a hundred ways to write one, tried in a fixed order, read and printed as Go does
// (time.Parse, time.Time in JSON). Source: mmcdole/gofeed's order of layouts (ledger 5.3). Owner: the arena. Thread:
// any. Lifetime: the arena's. Errors: false for what is no date. Names of zones have no offset but GMT+n, EST, MST and
// HST.
#pragma once
#include <string_view>

#include "base/arena.h"

namespace gladius::encodings {

// *out: as RFC 3339, in UTC or with the offset that was written.
bool feed_date(std::string_view text, bool utc, Arena& arena, std::string_view* out);

}  // namespace gladius::encodings
