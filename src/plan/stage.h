// Purpose: a Stage is one step of a compiled pipe in front of an executor: authentication, limits, validation...
// Features add stages; the engine runs them in order and knows none by name. Owner: the EndpointPlan owns the list;
// config points into memory that `keep` holds. Thread: read-only after compiling. Errors: a stage that refuses writes
// the answer itself (Exchange::answer) and returns reply.
#pragma once
#include <cstdint>
#include <memory>

#include "rt/task.h"

namespace gladius::engine {
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
    std::shared_ptr<const void> config;
    Phase phase = Phase::validation;
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
