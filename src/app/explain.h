// Purpose: the compiled plan in words, as text and as JSON, and what the router does with one request. Both say what
// the plan holds, not what the file says; where the plan has no names (filters, components) those of the file are used.
// Owner: cli.cc prints what comes back. Thread: any; pure. Lifetime: the result points to nothing.
// Errors: none; a target that cannot be parsed is explained as the 400 it gets.
// Source: ARCHITECTURE 2.8 (plan), ledger 1 sections 3.5, 4.1-4.7, 5.1-5.3, 5.9.
#pragma once
#include <string>
#include <string_view>

#include "conf/config.h"
#include "plan/plan.h"

namespace gladius::app {

struct Explained {
    std::string text, json;  // both end in a newline
    bool answered = true;    // explain_request: an endpoint, a route of the gateway's own or a redirect
};

Explained explain_all(const conf::Service& service, const plan::Snapshot& snapshot, std::string_view file);
// `target` as in a request line: "/a?b=1", or a whole URL.
Explained explain_request(const conf::Service& service, const plan::Snapshot& snapshot, std::string_view file,
                          std::string_view method, std::string_view target);

}  // namespace gladius::app
