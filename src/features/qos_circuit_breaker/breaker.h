// Purpose: `qos/circuit-breaker` at a backend: one that keeps failing is left alone for a while. Level: backend; a gate
// outside of the backend's own rate limit, whose refusals count as failures. Owner: plans; the circuit lives on while
// its block is unchanged. Thread: compiled on the control thread, run on workers, which share the circuit. Lifetime: of
// the plans. Errors: "circuit breaker is open", "too many requests" as errors of the backend. Source:
// krakend-circuitbreaker 3, ledger 1 section 5.6; cases throttling/breaker*; docs/features/qos-circuit-breaker.md.
#pragma once
#include "plan/feature.h"

namespace gladius::features {

extern const plan::Feature qos_circuit_breaker;

}  // namespace gladius::features
