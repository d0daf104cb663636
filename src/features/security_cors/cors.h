// Purpose: `security/cors`: which other origins a browser may let read the answers, at the service and, as in the
// Enterprise edition, at an endpoint. Preflights are answered before a route is looked for; other requests are served
// whatever their origin, with or without the headers that let a page read the answer. Levels: service, endpoint (for
// its own requests it takes the place of the service's). Phase: cross_origin. Owner: the plan. Thread: compiled on the
// control thread, run on workers. Lifetime: of the plan. Errors: a block that cannot be read refuses to start, where
// the reference would allow every origin. Source: rs/cors 1.11.1 as krakend-cors sets it up; ledger 1 section 3.9;
// cases security/cors-*; docs/features/security-cors.md.
#pragma once
#include "plan/feature.h"

namespace gladius::features {

extern const plan::Feature security_cors;

}  // namespace gladius::features
