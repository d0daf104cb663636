// Purpose: the life of one request after its head: routing, stages, executor. See docs/architecture.md, "life of a
// request". Owner: functions on an Exchange. Thread: one worker. Errors: every way ends in an answer, or in ex.gone.
#pragma once
#include "engine/exchange.h"

namespace gladius::engine {

// Serves one client connection to its end; frees it.
rt::Detached serve(ClientConn* c);

// The client ended its side: whatever runs for it is cancelled, unless it only ended its sending
// side and further requests of it are waiting to be read.
void client_hung_up(ClientConn& c);

// What stands before and after handle() on every connection or stream: the time that the client has, its leaving, the
// counters; then the records.
void begin_exchange(Exchange& ex);
void end_exchange(Exchange& ex);
// Says goodbye in a way that lets the client read the last answer: a close with unread input would destroy it.
rt::Task<void> linger(ClientConn& c);

// Finds the route, runs the stages and the executor.
rt::Task<void> handle(Exchange& ex);

// Executors.
rt::Task<void> relay(Exchange& ex);   // one backend, no-op: streams both ways
rt::Task<void> tunnel(Exchange& ex);  // one backend, asked for an upgrade
rt::Task<void> gather(Exchange& ex);  // decodes, filters, merges, renders

// Answers of the gateway's own routes.
rt::Task<void> answer_builtin(Exchange& ex, plan::Builtin what);
rt::Task<void> answer_not_found(Exchange& ex);
rt::Task<void> answer_not_allowed(Exchange& ex);
rt::Task<void> answer_redirect(Exchange& ex);
std::string_view allow_line(Exchange& ex);  // of a 405: what ex.match allows
// A request that is no valid HTTP: 400 (or another status) and the end of the connection. `why` is for the log,
// `explained` follows the status in the answer.
rt::Task<void> refuse(ClientConn& c, int status, std::string_view why, std::string_view explained);

// A failed call in the words and with the status of the reference.
rt::Task<void> answer_failure(Exchange& ex, int status, std::string_view message, std::string_view content_type = {});
std::string failure_text(const upstream::CallError& e, std::string_view method, std::string_view url);

// The client's address after X-Forwarded-For and the trusted proxies (ledger 1 section 3.5).
std::string_view find_client_ip(Exchange& ex);

// What the reference writes as Content-Type when there is none: by the first bytes (the WHATWG rules of Go's
// DetectContentType).
std::string_view sniff_content_type(std::string_view first);

}  // namespace gladius::engine
