#include "engine/stream_watch.h"

#include <algorithm>

namespace gladius::engine {

StreamWatch::StreamWatch(Exchange& ex) : ex_(ex), idle_ms_(ex.plan->stream_idle_ms) {
    if (!idle_ms_) return;
    ex.stream = this;
    ex.c.scope.clear_deadline();
    timer_.arg = this;
    timer_.fire = [](rt::Timer&, void* self) { static_cast<StreamWatch*>(self)->look(); };
}

void StreamWatch::stop() {
    if (!idle_ms_ || !ex_.stream) return;
    ex_.stream = nullptr;
    timer_.disarm();
    ex_.c.scope.deadline_in(ex_.w.snapshot().server.write_timeout_ms);
}

void StreamWatch::watch() {
    ex_.scope.clear_deadline();
    moved();
    ex_.w.loop.wheel().arm(timer_, ex_.w.loop.now_ms() + idle_ms_ + 1);
}

void StreamWatch::upload_begins(rt::Io& backend) {
    backend_ = &backend;
    watch();
}

void StreamWatch::upload_ended() {
    backend_ = nullptr;
    if (answering_ || timed_out_) return;
    timer_.disarm();
    ex_.scope.deadline_in(ex_.plan->timeout_ms);
}

void StreamWatch::answer_begins() {
    if (!idle_ms_) return;
    answering_ = true;
    watch();
}

// A receiver that takes little at a time wakes its writer seldom: the kernel says whether anything moved.
bool StreamWatch::receiver_took_bytes() {
    uint64_t unsent = ex_.c.io.unsent() + (backend_ ? backend_->unsent() : 0);
    return std::exchange(unsent_, unsent) != unsent;
}

void StreamWatch::look() {
    bool writing = ex_.c.io.writing() || (backend_ && backend_->writing());
    if (writing && receiver_took_bytes()) moved();
    uint64_t now = ex_.w.loop.now_ms();
    uint64_t gap = now - moved_ms_;
    if (gap >= idle_ms_) {
        timed_out_ = true;
        ex_.scope.cancel(rt::Wake::timeout);
        return;
    }
    uint64_t left = idle_ms_ - gap;
    if (writing) left = std::min(left, idle_ms_ / 4);
    ex_.w.loop.wheel().arm(timer_, now + left + 1);
}

}  // namespace gladius::engine
