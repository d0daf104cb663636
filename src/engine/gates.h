// Purpose: the gates of a backend around one call (plan/stage.h, BackendGate). Owner: a local around the call. Thread:
// one worker. Lifetime: enter() before, leave() after, on every way. Errors: enter() says why not.
#pragma once
#include <span>
#include <string_view>

#include "engine/exchange.h"

namespace gladius::engine {

class Gates {
  public:
    Gates(Exchange& ex, const plan::BackendPlan& b) : ex_(ex), gates_(b.gates) {}
    ~Gates() { leave(plan::CallEnd::unjudged); }
    Gates(const Gates&) = delete;

    // Empty: go on, and leave() once it has ended. A text: one of them refused, and the others know it.
    std::string_view enter() {
        if (gates_.empty()) [[likely]]
            return {};
        return ask_all();
    }
    void leave(plan::CallEnd end) {
        while (passed_ > 0) {
            const plan::BackendGate& gate = gates_[--passed_];
            if (gate.leave) gate.leave(gate.config.get(), ex_, tickets_[passed_], end);
        }
    }

  private:
    std::string_view ask_all() {
        tickets_ = ex_.arena.array<uint64_t>(gates_.size());
        for (; passed_ < gates_.size(); ++passed_) {
            const plan::BackendGate& gate = gates_[passed_];
            tickets_[passed_] = 0;
            std::string_view refused = gate.enter(gate.config.get(), ex_, tickets_[passed_]);
            if (refused.empty()) continue;
            leave(plan::CallEnd::failed);
            return refused;
        }
        return {};
    }

    Exchange& ex_;
    std::span<const plan::BackendGate> gates_;
    size_t passed_ = 0;
    uint64_t* tickets_ = nullptr;
};

// What a failed call says about its backend: nothing, when the client or the gateway gave it up, or when there was
// nothing that could be called.
inline plan::CallEnd end_of(const Exchange& ex, upstream::Failure why) {
    using upstream::Failure;
    bool ours = why == Failure::cancelled || why == Failure::too_large || why == Failure::bad_url ||
                why == Failure::no_hosts || ex.body.failed;
    return ours ? plan::CallEnd::unjudged : plan::CallEnd::failed;
}

}  // namespace gladius::engine
