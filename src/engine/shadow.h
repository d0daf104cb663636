// Purpose: shadow backends: they get the same request, nobody waits for them and nothing they say reaches the client
// (ledger 1 section 5.14). Owner: a shadow is an exchange of its own, with its own arena and deadline; it outlives the
// client's. Thread: one worker. Lifetime: until its backends answered or its time is over. Errors: none; a shadow that
// finds no room (too many at a time, memory budget) is left out and counted.
#pragma once
#include "engine/exchange.h"

namespace gladius::engine {

// Starts the shadow of the exchange's endpoint. The request's body has been read: take_whole_body().
void start_shadow(Exchange& ex, std::string_view whole);

}  // namespace gladius::engine
