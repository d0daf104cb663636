// Purpose: a Stage is one step of a compiled pipe in front of an executor: authentication, limits, validation...
// Features add stages; the engine runs them in order and knows none by name. Owner: the RouterPlan owns those of the
// service, the EndpointPlan its own. Thread: read-only after compiling. Errors: a stage that refuses says so with
// engine::reply() and returns reply.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "rt/task.h"

namespace gladius::engine {
class Worker;
struct Exchange;
struct RequestDraft;
struct AnswerDraft;
}  // namespace gladius::engine

namespace gladius::plan {

enum class Verdict : uint8_t {
    next,     // go on
    reply,    // the stage has answered
    suspend,  // run_async decides
};

// The order in front of the executor, outermost first: that of the reference (ledger 1 section 1.1), which clients can
// see. A phase has its place in this list and a reason.
enum class Phase : uint8_t {
    // Of the service, before a route is looked for: a browser asks for leave also where there is no path, and the
    // health route's and a redirect's answers say what it may read.
    cross_origin,
    server_plugins,  // what the reference runs in front of its router

    // Of the service, once the route is known: for every request but those of the health route and redirects to another
    // spelling, so also for a 404 or 405.
    transport_security,  // a wrong host or scheme: nothing else of the request counts
    service_script,
    service_bots,
    service_limit,  // behind everything that says no for free, before anything is spent for the endpoint

    // Of an endpoint.
    endpoint_origin,  // an endpoint that does otherwise than the service
    endpoint_transport,
    bot_detection,   // cheap, and says no before anything is spent
    authentication,  // who is it: a refused token must not use up a rate limit
    signing,         // needs what authentication found
    script,          // modifier/lua-endpoint sees claims, and may change what the limits look at
    client_limit,    // before the endpoint's, so that one noisy client does not spend everybody's tokens
    endpoint_limit,
    validation,  // reads the body: last, when everything cheap has passed
};

struct Stage {
    Verdict (*run)(const void* config, engine::Exchange& ex) = nullptr;
    rt::Task<Verdict> (*run_async)(const void* config, engine::Exchange& ex) = nullptr;
    std::shared_ptr<const void> config = {};
    Phase phase = Phase::validation;
    std::string_view name = {};  // of the feature
};

// How a call ended, for those who count.
enum class CallEnd : uint8_t {
    good,
    failed,
    unjudged,  // given up by us, or by the client: it says nothing about the backend
};

// Who decides whether a backend is called at all, and is told how that went: limits, breakers. Outside of the stages of
// the backend, and inside of concurrent calls. Gates are asked in the order of the registry.
struct BackendGate {
    std::shared_ptr<const void> config = {};
    // Empty: the call may be made; else it fails with this text, a constant. `ticket` comes back in leave().
    std::string_view (*enter)(const void* config, engine::Exchange& ex, uint64_t& ticket) = nullptr;
    // For each call that this gate has let pass, whatever became of it; may be null.
    void (*leave)(const void* config, engine::Exchange& ex, uint64_t ticket, CallEnd end) = nullptr;
};

// A step around the call of one backend: after everything that shapes the request, and before anything looks at the
// answer (engine/draft.h). Requests go through the steps in the order of the registry, answers the other way round.
// Either function may be null.
struct BackendStage {
    std::shared_ptr<const void> config;
    void (*on_request)(const void* config, engine::RequestDraft& request) = nullptr;
    void (*on_answer)(const void* config, engine::AnswerDraft& answer) = nullptr;
    bool reads_body = false;  // on_request looks at the client's body: it is read whole before
};

}  // namespace gladius::plan
