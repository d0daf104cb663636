// Purpose: `security/bot-detector`: requests of some User-Agents get 403. Levels: service (every path but the health
// route's), endpoint. Phases: service_bots, bot_detection. Owner: the plan. Thread: compiled on the control thread, run
// on workers. Lifetime: of the plan. Errors: a pattern that cannot be read refuses to start, where the reference would
// let every bot pass. Source: krakend-botdetector 2.3.1; ledger 1 section 3.11; cases security/bots-service,
// failclosed/bots-pattern*; docs/features/security-bot-detector.md.
#pragma once
#include "plan/feature.h"

namespace gladius::features {

extern const plan::Feature security_bot_detector;

}  // namespace gladius::features
