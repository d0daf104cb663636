// Purpose: `qos/ratelimit/router` (endpoint), `qos/ratelimit/service`, `qos/ratelimit/tiered` (service, endpoint) and
// `qos/ratelimit/proxy` (backend): how often something may be asked for, by all together or by each client. Phases:
// client_limit and endpoint_limit, service_limit; a backend's is a gate. Owner: plans; the buckets live on from plan to
// plan (plan/state.h). Thread: compiled on the control thread, run on workers, which share the buckets. Lifetime: of
// the plans. Errors: a client limit that does not know its clients refuses to start, where the reference would serve
// without. Source: krakend-ratelimit 3.3.1; ledger 1 sections 4.13, 5.7, 6.1, 6.2, 6.5; cases throttling/*,
// failclosed/limit-strategy*; docs/features/qos-ratelimit.md.
#pragma once
#include "plan/feature.h"

namespace gladius::features {

extern const plan::Feature qos_ratelimit_router;
extern const plan::Feature qos_ratelimit_service;
extern const plan::Feature qos_ratelimit_tiered;
extern const plan::Feature qos_ratelimit_proxy;
// `gladius/ratelimit`, ours: whether answers say what is left.
extern const plan::Feature gladius_ratelimit;

}  // namespace gladius::features
