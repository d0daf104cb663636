// Purpose: `websocket` at an endpoint: its one backend is a WebSocket server. With `enable_direct_communication` every
// client has a connection of its own to the backend, and the engine's tunnel passes bytes; without, they share one
// (hub.h, session.h, link.h). Owner: the plan. Thread:
// compiled on the control thread. Lifetime: of the plan. Errors: what can never work (no ws:// host, several backends,
// a method that is not GET) is an error with its place. Source: ledger 2 section 44; RFC 6455; docs/websocket.md.
#pragma once
#include "plan/feature.h"

namespace gladius::features {

extern const plan::Feature websocket;

}  // namespace gladius::features
