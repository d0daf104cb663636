// Purpose: the head of a backend request: where headers are added, dropped and passed on. This is the place.
// Owner: functions on an Exchange; bytes live in its arena. Thread: one worker.
// Errors: a parameter that makes no valid URL gives an empty result and an error text.
// Source: ledger 1 section 4.2 (forwarding), NOTES-proxy.md; RFC 9110 7.6.1 (hop-by-hop).
#pragma once
#include <string>
#include <string_view>

#include "engine/draft.h"
#include "engine/exchange.h"

namespace gladius::engine {

struct BackendHead {
    std::string_view bytes;   // head, and the body when `body` was given
    std::string_view target;  // "/path?query", for messages and redirects
    bool asked_gzip = false;  // we asked for gzip ourselves: the answer is unpacked
    bool chunked = false;     // the body must be framed as chunks
    bool has_body = false;
    std::string error;
    BackendHead() {}
};

enum class BodyPlan : uint8_t {
    none,
    whole,   // `body` holds all of it; it may turn out to be empty
    stream,  // it follows, sent by a ClientBodyFeed
};

void build_head(Exchange& ex, const plan::BackendPlan& backend, const plan::HostPlan& host, BodyPlan how,
                std::string_view body, BackendHead& out);

// The path and query of a backend's URL for this request; empty: see out.error.
std::string_view backend_target(Exchange& ex, const plan::BackendPlan& backend, const plan::HostPlan& host,
                                BackendHead& out);

// The same request for another place after a redirect.
struct Redirect {
    std::string_view method;
    std::string_view target;
    std::string_view host_header;
    std::string_view authority;  // of the URL
    bool https = false;
    const plan::Proxy* proxy = nullptr;  // it is asked through
    std::string_view referer;
    bool same_host = true;  // or a name below the first one; else Authorization, Cookie and the like stay behind
    bool with_body = false;
    Redirect() {}
};
void build_redirect(Exchange& ex, const plan::BackendPlan& backend, const Redirect& to, std::string_view body,
                    const RequestDraft* draft, BackendHead& out);

// For backends with stages, in two steps: what build_head would write, to be changed; and what became of it. nullptr:
// see out.error.
RequestDraft* make_draft(Exchange& ex, const plan::BackendPlan& backend, const plan::HostPlan& host, BodyPlan how,
                         std::string_view body, BackendHead& out);
void build_from_draft(Exchange& ex, const plan::BackendPlan& backend, const plan::Proxy* proxy,
                      const RequestDraft& draft, BodyPlan how, BackendHead& out);

}  // namespace gladius::engine
