#include "rt/scope.h"

#include "rt/loop.h"

namespace gladius::rt {

Scope::Scope(Loop& loop, Scope* parent) : loop_(loop), parent_(parent) {
    if (parent_) {
        parent_->children_.push_back(*this);
        why_ = parent_->why_;
    }
}

Scope::~Scope() {
    GL_ASSERT(waits_.empty());
    if (loop_.current() == this) loop_.set_current(parent_);
}

void Scope::deadline_in(uint64_t ms) {
    if (ms == 0) {
        timer_.disarm();
        return;
    }
    timer_.arg = this;
    timer_.fire = [](Timer&, void* self) { static_cast<Scope*>(self)->cancel(Wake::timeout); };
    loop_.wheel().arm(timer_, loop_.now_ms() + ms + 1);  // never early
}

void Scope::cancel(Wake why) {
    if (why_ != Wake::ready) return;
    why_ = why;
    timer_.disarm();
    if (on_cancel_) on_cancel_(on_cancel_arg_);
    while (Wait* w = waits_.pop_front()) {
        if (w->detach) w->detach(*w);
        w->result = why;
        loop_.ready(*w);
    }
    for (Scope* c = children_.front(); c; c = children_.next(*c))
        c->cancel(why);
}

void Join::done() {
    GL_ASSERT(open_ > 0);
    --open_;
    ++finished_;
    if (!waiter_) return;
    if (want_all_ && open_ > 0) return;
    auto h = waiter_;
    waiter_ = {};
    h.resume();
}

}  // namespace gladius::rt
