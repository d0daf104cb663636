// Purpose: the deadlines of an endpoint with "gladius/stream" (docs/streaming.md). While a body moves, in either
// direction, only the gap between two bytes is bounded; while nothing moves because the backend is thinking, the
// endpoint's timeout is. The server's read_timeout and write_timeout are off meanwhile: they would cut every stream.
// Does nothing for other endpoints. Owner: a local of the relay. Thread: one worker. Lifetime: ex.stream points to it
// while it lives. Errors: what waits in the exchange's scope ends with Wake::timeout. Cost: a piece that moved is one
// store; the timer looks at the time that is left when it fires.
#pragma once
#include "engine/exchange.h"

namespace gladius::engine {

class StreamWatch {
  public:
    explicit StreamWatch(Exchange& ex);
    ~StreamWatch() { stop(); }
    StreamWatch(const StreamWatch&) = delete;

    // The request's body is being sent to `backend`: from now on gaps count, and after its end the wait for the head.
    void upload_begins(rt::Io& backend);
    void upload_ended();
    // The answer's head is here: from now on gaps count.
    void answer_begins();
    // A piece of either body came or went.
    void moved() { moved_ms_ = ex_.w.loop.now_ms(); }
    // Back to the server's limits: what is said from now on is no stream.
    void stop();
    bool timed_out() const { return timed_out_; }

  private:
    void watch();
    void look();
    bool receiver_took_bytes();

    Exchange& ex_;
    const uint64_t idle_ms_;
    rt::Timer timer_;
    rt::Io* backend_ = nullptr;  // while it is sent to
    uint64_t moved_ms_ = 0;
    uint64_t unsent_ = 0;  // at the last look
    bool answering_ = false;
    bool timed_out_ = false;
};

}  // namespace gladius::engine
