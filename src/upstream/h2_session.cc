#include "upstream/h2_session.h"

#include <errno.h>

#include <algorithm>

#include "base/pool.h"
#include "net/tls_transport.h"

namespace gladius::upstream {

using telemetry::Counter;

namespace {

constexpr int kReadsPerTurn = 8;  // then the other connections have their turn
constexpr uint64_t kPongMs = 15'000;

proto::H2ClientLimits limits_of(const PeerKey& key) {
    proto::H2ClientLimits limits;
    if (key.http2.max_streams) limits.max_streams = key.http2.max_streams;
    return limits;
}

}  // namespace

H2Session::H2Session(Context& ctx, Peer& peer, BackendConn* conn)
    : ctx_(ctx),
      conn_(conn),
      peer_(peer),
      ping_ms_(peer.key().http2.ping_ms),
      h2_(*this, limits_of(peer.key()), peer.key().https) {}

H2Session* H2Session::begin(Context& ctx, Peer& peer, BackendConn* conn) {
    auto* s = new (pool_allocate(sizeof(H2Session))) H2Session(ctx, peer, conn);
    conn->io.on_readable([](rt::Io&, void* self) { static_cast<H2Session*>(self)->on_readable(); }, s);
    conn->io.on_writable([](rt::Io&, void* self) { static_cast<H2Session*>(self)->on_writable(); }, s);
    s->heard_ms_ = ctx.loop.now_ms();
    s->silence_.arg = s;
    s->silence_.fire = [](rt::Timer&, void* self) { static_cast<H2Session*>(self)->on_time(); };
    s->listen_for_silence(s->ping_ms_);
    conn->io.signal(rt::Io::kWritable);
    if (conn->io.readable()) conn->io.signal(rt::Io::kReadable);
    return s;
}

BackendConn* H2Session::open_stream() {
    proto::H2ClientStream* stream = ended_ ? nullptr : h2_.open();
    if (!stream) return nullptr;
    set_idle(false);
    auto* c = new (pool_allocate(sizeof(BackendConn))) BackendConn;
    c->peer = &peer_;
    c->stream = stream;
    c->io.open(ctx_.loop, *stream);
    stream->attach(c->io);
    if (ctx_.settings->disable_keep_alives) h2_.retire();
    return c;
}

void H2Session::set_idle(bool idle) {
    if (idle == idle_) return;
    idle_ = idle;
    if (idle) {
        idle_since_ms_ = ctx_.loop.now_ms();
        ctx_.counters.add(Counter::backend_connections_idle);
    } else {
        ctx_.counters.sub(Counter::backend_connections_idle);
    }
}

void H2Session::h2_output() {
    if (!ended_) conn_->io.signal(rt::Io::kWritable);
}

void H2Session::h2_stream_closed() {
    if (h2_.streams() > 0) return;
    if (!ended_) {
        set_idle(true);
        if (h2_.retired()) conn_->io.signal(rt::Io::kWritable);
        return;
    }
    if (freed_) return;
    freed_ = true;
    ctx_.loop.retire(
        [](void* p) {
            static_cast<H2Session*>(p)->~H2Session();
            pool_free(p, sizeof(H2Session));
        },
        this);
}

void H2Session::on_readable() {
    for (int i = 0; i < kReadsPerTurn && conn_->io.readable(); ++i) {
        ssize_t n = conn_->io.read_now(ctx_.rx(), Context::kReceive);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (n <= 0) return end();
        heard_ms_ = ctx_.loop.now_ms();
        pinged_ = false;
        if (!h2_.receive(ctx_.rx(), static_cast<size_t>(n))) {
            on_writable();  // why
            return end();
        }
    }
    if (conn_->io.readable()) conn_->io.signal(rt::Io::kReadable);
}

void H2Session::on_writable() {
    if (ended_) return;
    proto::ByteQueue& out = h2_.output();
    while (!out.empty()) {
        ssize_t n = conn_->io.write_now(out.data(), out.size());
        if (n > 0) {
            out.consume(static_cast<size_t>(n));
            continue;
        }
        if (n == 0 || errno == EAGAIN || errno == EWOULDBLOCK) return h2_.set_blocked(true);
        return end();
    }
    h2_.sent();
    if (h2_.retired() && h2_.streams() == 0) end();
}

void H2Session::listen_for_silence(uint64_t ms) {
    if (ms) ctx_.loop.wheel().arm(silence_, ctx_.loop.now_ms() + ms);
}

// Nothing was heard for a while: ask, and when that is not answered either, nobody is there.
void H2Session::on_time() {
    uint64_t silent = ctx_.loop.now_ms() - heard_ms_;
    if (pinged_) return end();
    if (silent < ping_ms_) return listen_for_silence(ping_ms_ - silent);
    pinged_ = true;
    h2_.ping();
    listen_for_silence(std::min(ping_ms_, kPongMs));
}

void H2Session::retire() {
    h2_.retire();
    if (h2_.streams() == 0) end();
}

void H2Session::end() {
    if (ended_) return;
    if (h2_.streams() == 0) {
        h2_.goodbye();
        proto::ByteQueue& out = h2_.output();
        if (!out.empty()) (void)conn_->io.write_now(out.data(), out.size());
    }
    set_idle(false);
    ended_ = true;
    unlink();
    silence_.disarm();
    conn_->peer->close(conn_);
    h2_.fail();
    h2_stream_closed();
}

// --- opening
// -------------------------------------------------------------------------------------------------------------

namespace {

struct WaitForSession : rt::Wait {
    Peer& peer;
    rt::Scope& scope;
    StreamWaiter waiter;
    WaitForSession(Peer& p, rt::Scope& s) : peer(p), scope(s) {}
    bool await_ready() {
        result = scope.why();
        return scope.ended();
    }
    void await_suspend(std::coroutine_handle<> h) {
        handle = h;
        waiter.wait = this;
        detach = [](rt::Wait& w) { static_cast<WaitForSession&>(w).waiter.unlink(); };
        peer.waiters.push_back(waiter);
        scope.enter(*this);
    }
    rt::Wake await_resume() { return result; }
};

// With an error, when the connection could not be made: it is everybody's.
void wake_all(Context& ctx, Peer& peer, const CallError* error) {
    while (StreamWaiter* w = peer.waiters.pop_front()) {
        if (error) w->error = *error;
        w->wait->unlink();
        w->wait->result = rt::Wake::ready;
        ctx.loop.ready(*w->wait);
    }
}

}  // namespace

rt::Task<BackendConn*> open_h2_stream(Context& ctx, Peer& peer, rt::Scope& scope, CallError& error) {
    for (;;) {
        if (BackendConn* c = peer.take_stream()) co_return c;
        if (peer.opens_session) {
            WaitForSession wait(peer, scope);
            rt::Wake why = co_await wait;
            if (why != rt::Wake::ready) {
                error.kind = why == rt::Wake::timeout ? Failure::timeout : Failure::cancelled;
                co_return nullptr;
            }
            if (wait.waiter.error.kind != Failure::none) {
                error = wait.waiter.error;
                co_return nullptr;
            }
            continue;
        }
        bool alone = !peer.wants_h1;
        if (alone) peer.opens_session = true;
        BackendConn* made = co_await dial(ctx, peer, scope, error);
        if (alone) peer.opens_session = false;
        if (!made) {
            // Who gave up says nothing about the backend: the next one tries.
            wake_all(ctx, peer, scope.ended() ? nullptr : &error);
            co_return nullptr;
        }
        peer.wants_h1 = made->tls && made->tls->alpn() != "h2";
        if (peer.wants_h1) {
            wake_all(ctx, peer, nullptr);
            co_return made;
        }
        H2Session* session = H2Session::begin(ctx, peer, made);
        peer.add_session(*session);
        BackendConn* c = session->open_stream();
        wake_all(ctx, peer, nullptr);
        co_return c;
    }
}

}  // namespace gladius::upstream
