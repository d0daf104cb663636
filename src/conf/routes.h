// Purpose: routes that cannot stand beside each other: the same method and path twice, two names for one parameter, two
// parameters in one segment. The reference's `check` accepts them and its router panics at the start; the caller
// decides what they are: a warning in `check`, an error in `check -t` and `run` (cases cli/check-routes, startup).
// Thread: control thread. Errors: as diagnostics. Source: ledger 1, section 2.2 ("Router-level failures").
// Wildcard endpoints (/a/*) and /__catchall are no conflict: our router serves them beside all others.
#pragma once
#include "conf/config.h"
#include "conf/diagnostic.h"

namespace gladius::conf {

Diagnostics find_route_conflicts(const Service& service, Severity severity);

}  // namespace gladius::conf
