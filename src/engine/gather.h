// Purpose: calling the backends of an endpoint and joining what they say, before it is said to anybody: the parallel
// and sequential flows and concurrent calls (ledger 1 sections 4.4, 4.7, 4.8). Owner: functions on an Exchange. Thread:
// one worker. Lifetime: data is in the arena or, with one backend, in the receive buffer (use it before the next
// co_await). Errors: Outcome, in the words of the reference; ex.gone when nobody is left to be told.
#pragma once
#include <string_view>

#include "engine/exchange.h"
#include "json/node.h"

namespace gladius::engine {

struct Outcome {
    json::Value data;
    bool has_answer = false;
    bool complete = false;
    bool failed = false;  // there was an error, beside an answer or instead of one
    int status = 500;     // of the error, when there is no answer
    std::string_view message;
    std::string_view content_type;
    bool said_errors = false;  // the parts of `message` are in the exchange's list already
};

// whole: the request's body; nullptr (only with one backend and one call): it is taken from the client while it comes.
rt::Task<void> call_backends(Exchange& ex, const std::string_view* whole, Outcome& out);

// Reads the request's body before the first call. False: it could not be read, and that has been answered.
rt::Task<bool> take_whole_body(Exchange& ex, std::string_view& whole);

}  // namespace gladius::engine
