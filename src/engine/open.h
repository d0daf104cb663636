// Purpose: from a backend of the plan to an answer's head: choose a host, build the request, call, follow redirects as
// the reference does. Owner: a local of an executor. Thread: one worker. Lifetime: the answer's head is in the receive
// buffer after open() (see upstream/call.h). Errors: call_error with the reference's words, failure_text() makes the
// sentence. Source: ledger 1 sections 3.4 (redirects), 5.13 (balancing).
#pragma once
#include <optional>
#include <string>

#include "engine/body.h"
#include "engine/request.h"
#include "upstream/call.h"

namespace gladius::engine {

class BackendCall {
  public:
    explicit BackendCall(Exchange& ex) : ex_(ex), feed_(ex) {}
    ~BackendCall();
    // whole_body: the request's body when it was read before (several backends); nullptr: take it from the client while
    // it comes. Three steps, because the usual request needs no coroutine of its own for the first and the last:
    //   bool ok = backend.prepare(b, whole) && co_await backend.start(scope);
    //   if (ok && backend.redirected()) ok = co_await backend.follow(scope);
    bool prepare(const plan::BackendPlan& backend, const std::string_view* whole_body);
    rt::Task<bool> start(rt::Scope& scope);
    bool redirected() const {
        // Who asks for an upgrade sees the redirect too.
        if (!call_ || ex_.plan->tunnel || backend_->no_redirect) return false;
        int s = call_->head.status;
        return s >= 301 && s <= 308 && s != 304 && s != 305 && s != 306;
    }
    rt::Task<bool> follow(rt::Scope& scope);
    // After a failed start().
    void take_call_error() {
        if (call_ && error.kind == upstream::Failure::none) error = std::move(call_->error);
    }
    // All of it.
    rt::Task<bool> open(const plan::BackendPlan& backend, rt::Scope& scope, const std::string_view* whole_body);
    // Ends the call: stops an upload, gives the connection back.
    rt::Task<void> end();
    void end_now();  // when nothing is being uploaded

    // With stages: whether a backend was called at all, and the answer after them (made once, right after the start,
    // while the answer's head is in the receive buffer).
    bool staged() const { return draft_ != nullptr; }
    bool called() const { return call_.has_value(); }
    bool body_replaced() const { return draft_ && (draft_->body_replaced || draft_->skips_backend); }
    AnswerDraft& answer_draft();

    upstream::Call& call() { return *call_; }
    // The answer is packed because we asked for it: it is unpacked before anybody sees it.
    bool inflates();
    BackendHead head;
    std::string_view method;  // of the last request
    std::string_view url();   // of the last request, for messages
    upstream::CallError error;

  private:
    bool no_memory();  // false
    bool compose();
    bool run_request_stages();
    bool refused_by_stage();  // false
    bool reads_body_first() const {
        return how_ == BodyPlan::stream && (backend_->send_body_on_redirect || backend_->reads_body);
    }
    upstream::Peer& chosen_peer();
    rt::Task<bool> start_on(upstream::Peer& peer, http::Method m, rt::Scope& scope);
    rt::Task<bool> start_with_whole_body(rt::Scope& scope);

    Exchange& ex_;
    ClientBodyFeed feed_;
    std::optional<upstream::Call> call_;
    upstream::Peer* peer_ = nullptr;
    upstream::BackendRequest request_;
    const plan::BackendPlan* backend_ = nullptr;
    const plan::HostRef* host_ = nullptr;
    RequestDraft* draft_ = nullptr;
    std::string_view url_;  // where a redirect or a stage led; empty: the first request
    std::string_view body_;
    BodyPlan how_ = BodyPlan::none;
};

}  // namespace gladius::engine
