#include "features/qos_circuit_breaker/circuit.h"

#include <mutex>

namespace gladius::features::breaker {

void Circuit::begin_period(const Rules& rules, uint64_t now_ns) {
    ++period_;
    tries_ = failures_ = 0;
    ends_ns_ = state_ == State::open                              ? now_ns + rules.timeout_ns
               : state_ == State::closed && rules.interval_ns > 0 ? now_ns + rules.interval_ns
                                                                  : 0;
}

void Circuit::set(State to, const Rules& rules, uint64_t now_ns, Change& change) {
    if (!change.happened()) change.from = state_;
    change.to = state_ = to;
    begin_period(rules, now_ns);
}

void Circuit::advance(const Rules& rules, uint64_t now_ns, Change& change) {
    if (period_ == 0) begin_period(rules, now_ns);
    if (ends_ns_ == 0 || ends_ns_ >= now_ns) return;
    if (state_ == State::closed)
        begin_period(rules, now_ns);
    else if (state_ == State::open)
        set(State::half_open, rules, now_ns, change);
}

Circuit::Answer Circuit::enter(const Rules& rules, uint64_t now_ns, uint64_t& ticket, Change& change) {
    std::lock_guard lock(lock_);
    advance(rules, now_ns, change);
    if (state_ == State::open) return Answer::open;
    if (state_ == State::half_open && tries_ >= 1) return Answer::too_many;
    ++tries_;
    ticket = period_;
    return Answer::pass;
}

void Circuit::succeeded(const Rules& rules, uint64_t now_ns, uint64_t ticket, Change& change) {
    std::lock_guard lock(lock_);
    advance(rules, now_ns, change);
    if (ticket != period_) return;
    failures_ = 0;
    if (state_ == State::half_open) set(State::closed, rules, now_ns, change);
}

void Circuit::failed(const Rules& rules, uint64_t now_ns, uint64_t ticket, Change& change) {
    std::lock_guard lock(lock_);
    advance(rules, now_ns, change);
    if (ticket != period_) return;
    ++failures_;
    if (state_ == State::half_open || failures_ > rules.max_errors) set(State::open, rules, now_ns, change);
}

void Circuit::unjudged(const Rules& rules, uint64_t now_ns, uint64_t ticket, Change& change) {
    std::lock_guard lock(lock_);
    advance(rules, now_ns, change);
    if (ticket == period_) --tries_;  // a half-open circuit may be tried again
}

}  // namespace gladius::features::breaker
