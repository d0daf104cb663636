#include "engine/listener.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gladius::engine {

using telemetry::Counter;

namespace {
// A flood of connections must not keep the running requests waiting.
constexpr uint32_t kAcceptsPerTurn = 128;
}  // namespace

Listener::Listener(Worker& w, int fd, std::shared_ptr<const plan::ListenerPlan> plan)
    : w_(w), fd_(fd), plan_(std::move(plan)) {
    GL_CHECK(io_.open(w.loop, fd));
    io_.on_readable(&on_ready, this);
    timer_.arg = this;
    timer_.fire = &on_timer;
    // Connections may have queued before this worker looked.
    w.loop.wheel().arm(timer_, w.loop.now_ms() + 1);
}

Listener::~Listener() {
    io_.release();
}

void Listener::adopt(const plan::ServerPlan& server) {
    std::string key = plan_->key();
    for (const auto& l : server.listeners) {
        if (l->key() != key) continue;
        plan_ = l;
        return;
    }
}

void Listener::on_ready(rt::Io&, void* self) {
    static_cast<Listener*>(self)->accept_up_to(kAcceptsPerTurn);
}
void Listener::on_timer(rt::Timer&, void* self) {
    static_cast<Listener*>(self)->accept_up_to(kAcceptsPerTurn);
}

void Listener::pause() {
    w_.counters.add(Counter::accept_pauses);
    w_.loop.wheel().arm(timer_, w_.loop.now_ms() + 100);
}

void Listener::accept_all() {
    accept_up_to(UINT32_MAX);
}

void Listener::accept_up_to(uint32_t n) {
    if (timer_.armed()) timer_.disarm();
    for (uint32_t taken = 0;;) {
        if (taken == n) {
            // The requests that run have their turn; readiness will not come again for what is queued.
            w_.loop.wheel().arm(timer_, w_.loop.now_ms() + 1);
            return;
        }
        // At the limit the kernel's queue waits; edge-triggered readiness will not come again, so look by timer.
        if (w_.at_connection_limit()) return pause();
        net::Address from;
        from.length = sizeof from.storage;
        int fd = ::accept4(fd_, from.sa(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            w_.accept(fd, from, *plan_);
            ++taken;
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        return pause();  // EMFILE, ENFILE, ENOBUFS, ENOMEM
    }
}

}  // namespace gladius::engine
