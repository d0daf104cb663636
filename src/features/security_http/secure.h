// Purpose: `security/http`: which hosts may be asked for, that TLS is used, and headers that tell browsers to be
// careful. Levels: service, endpoint (as in the Enterprise edition: on top of the service's). Phases:
// transport_security, endpoint_transport. Owner: the plan. Thread: compiled on the control thread, run on workers.
// Lifetime: of the plan. Errors: a block that cannot be read, or a pattern of a host, refuses to start. Source:
// unrolled/secure 1.15.0 as krakend-httpsecure sets it up; ledger 1 section 3.10; cases security/http-headers*,
// allowed-hosts, ssl-redirect; docs/features/security-http.md.
#pragma once
#include "plan/feature.h"

namespace gladius::features {

extern const plan::Feature security_http;

}  // namespace gladius::features
