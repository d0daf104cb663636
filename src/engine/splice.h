// Purpose: moves a large body of known length from one plain socket to the other inside the kernel, for the relay
// (downloads) and the body feed (uploads). Both copy as long as the source gives little at a time, and come here when
// it fills their buffer. Owner: functions on an Exchange; the pipe is the worker's. Thread: one worker. Errors: false
// when the receiver is gone or the scope ended. What goes wrong at the source is left for the next read to find.
#pragma once
#include "engine/exchange.h"

namespace gladius::engine {

constexpr uint64_t kLeastSpliced = 256 * 1024;  // below it two copies cost less than the pipe

inline bool can_splice(const rt::Io& from, const rt::Io& to) {
    return from.plain() && to.plain();
}

struct SpliceRun {
    uint64_t left;         // of the body; lowered by what was moved
    bool chunked = false;  // frame what is moved
    bool slow = false;     // the receiver let us wait: a pipe is not for it
    explicit SpliceRun(uint64_t n) : left(n) {}
};

// Until nothing is left, or the source has nothing at the moment, or there is no pipe for it.
rt::Task<bool> splice_body(Exchange& ex, rt::Io& from, rt::Io& to, SpliceRun& run, rt::Scope& scope);

}  // namespace gladius::engine
