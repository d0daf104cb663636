// Purpose: the tunnel executor: the request for an upgrade is a request like any other until its backend says 101; from
// then on bytes go both ways as they come, by two coroutines that share the worker's receive buffer. Neither side is
// read while the other does not take what was read (back-pressure); what waits for a slow side is at most one read,
// copied and counted. Owner: the exchange of the upgrade, for as long as the tunnel is open. Thread: one worker.
// Lifetime: until both sides have ended, one of them broke, nothing came for TunnelPlan::idle_timeout_ms, the endpoint
// was removed by a reload, or the drain's time is up. Errors: an upgrade that the backend does not take is answered
// with the backend's answer; a call that fails with 502. Source: RFC 9110 7.8, RFC 6455, docs/websocket.md.
#pragma once
#include "engine/exchange.h"
#include "engine/open.h"

namespace gladius::engine {

// A request for the upgrade that this endpoint serves: HTTP/1.1, no body, and the one protocol it offers.
bool asks_for_upgrade(const Exchange& ex, std::string_view protocol);
// What every other request gets: 400 and the plan's lines.
rt::Task<void> refuse_upgrade(Exchange& ex, std::string_view extra);

// After the backend's 101: passes it on, then the bytes of both sides until the end.
rt::Task<void> run_tunnel(Exchange& ex, BackendCall& backend);

}  // namespace gladius::engine
