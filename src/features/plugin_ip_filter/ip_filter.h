// Purpose: the plugin `ip-filter` of `plugin/http-server`: only some addresses, or all but some, may ask for anything
// (health and preflights: see below). Level: service. Phase: server_plugins, before a route is looked for; preflights
// are answered before it. Owner: the plan. Thread: compiled on the control thread, run on workers. Lifetime: of the
// plan. Errors: a filter that cannot be read, or that is not named, refuses to start. Source: ledger 2 section 18 (an
// Enterprise feature: where it is silent the stricter way is taken); docs/features/ip-filter.md.
#pragma once
#include "plan/feature.h"

namespace gladius::features {

extern const plan::Feature plugin_ip_filter;

}  // namespace gladius::features
