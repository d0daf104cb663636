// Purpose: a circuit breaker: after more than max_errors failures in a row it is open, and nothing passes until
// `timeout` is over; then one try decides. Pure; the time is given. Owner: plan/state.h keeps it from one plan to the
// next. Thread: any; a short lock. Lifetime: of the plans that have it. Errors: none. Source: sony/gobreaker 2.4.0 as
// krakend-circuitbreaker sets it up.
#pragma once
#include <cstdint>

#include "base/spin.h"

namespace gladius::features::breaker {

struct Rules {
    uint64_t interval_ns = 0;  // failures are forgotten so often while it is closed; 0: never
    uint64_t timeout_ns = 60'000'000'000;
    uint32_t max_errors = 0;
};

enum class State : uint8_t { closed, half_open, open };

// A change of state, to be told.
struct Change {
    State from = State::closed;
    State to = State::closed;
    bool happened() const { return from != to; }
};

class Circuit {
  public:
    enum class Answer : uint8_t { pass, open, too_many };

    // `ticket` says in which period of the circuit the call began: what is known of it later counts only there.
    Answer enter(const Rules& rules, uint64_t now_ns, uint64_t& ticket, Change& change);
    void succeeded(const Rules& rules, uint64_t now_ns, uint64_t ticket, Change& change);
    void failed(const Rules& rules, uint64_t now_ns, uint64_t ticket, Change& change);
    void unjudged(const Rules& rules, uint64_t now_ns, uint64_t ticket, Change& change);

  private:
    void advance(const Rules& rules, uint64_t now_ns, Change& change);
    void begin_period(const Rules& rules, uint64_t now_ns);
    void set(State to, const Rules& rules, uint64_t now_ns, Change& change);

    SpinLock lock_;
    State state_ = State::closed;
    uint64_t period_ = 0;    // 0: nothing was ever asked
    uint64_t ends_ns_ = 0;   // 0: never
    uint32_t tries_ = 0;     // in this period, but for those that were not judged
    uint32_t failures_ = 0;  // in a row
};

}  // namespace gladius::features::breaker
