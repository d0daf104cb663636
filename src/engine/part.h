// Purpose: what one backend contributes to an answer: it is called, its body is read, decoded and filtered. Owner: a
// local or the arena of the executor (gather.cc). Thread: one worker. Lifetime: data and texts are in the arena or, for
// the only backend, in the receive buffer (use them before the next co_await). Errors: Part.error, in the words of the
// reference. Source: ledger 1 sections 4.3, 5.2, 5.9.
#pragma once
#include <span>
#include <string_view>

#include "engine/draft.h"
#include "engine/exchange.h"
#include "json/node.h"

namespace gladius::engine {

// What one backend came to.
struct Part {
    json::Value data;
    bool ok = false;
    bool complete = false;
    bool cancelled = false;
    bool unjudged = false;   // failed, and that says nothing about the backend (plan::CallEnd)
    int status = 500;        // of the error, for an endpoint with this backend only
    std::string_view error;  // in the arena; with has_body what the backend said (return_error_code)
    std::string_view content_type;
    bool has_body = false;
    bool excused = false;                       // failed, but the answer is complete without it
    int answer_status = 0;                      // what the backend said, when a later call refers to it
    std::span<const DraftField> answer_fields;  // and its headers
};

// Calls one backend and decodes its answer. whole: the request's body when it was read before; alone: no other backend
// is called meanwhile, so that the answer may stay in the receive buffer.
rt::Task<void> run_backend(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view* whole,
                           bool alone, Part& p);

}  // namespace gladius::engine
