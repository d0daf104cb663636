#include "engine/tunnel.h"

#include <errno.h>

#include <algorithm>
#include <cstring>

#include "engine/handle.h"
#include "engine/respond.h"

namespace gladius::engine {

using http::Token;
using telemetry::Counter;

namespace {

constexpr size_t kFairBytes = 512 * 1024;  // then the other connections have their turn
constexpr size_t kSlowPiece = 16 * 1024;   // of what a slow side is sent at once
// Silence after which a tunnel ends of which one side has ended.
constexpr uint64_t kHalfOpenMs = 30'000;

// One direction.
struct Flow {
    rt::Io& from;
    rt::Io& to;
    Counter received, sent;
    bool of_backend;
    bool ended = false;  // nothing more is read
    Flow(rt::Io& f, rt::Io& t, Counter r, Counter s, bool b) : from(f), to(t), received(r), sent(s), of_backend(b) {}
};

struct Tunnel : Held {
    Tunnel(Exchange& exchange, rt::Io& backend)
        : Held(*exchange.plan, &removed),
          ex(exchange),
          scope(exchange.w.loop, &exchange.scope),
          up(exchange.c.io, backend, Counter::client_bytes_received, Counter::backend_bytes_sent, false),
          down(backend, exchange.c.io, Counter::backend_bytes_received, Counter::client_bytes_sent, true),
          idle_ms(exchange.plan->tunnel->idle_timeout_ms) {}

    Exchange& ex;
    rt::Scope scope;
    rt::Join join;
    Flow up, down;
    uint64_t idle_ms;

    bool half_open() const { return up.ended || down.ended; }
    // Time counts from the last bytes of the backend; of either side when the other has ended.
    void moved(const Flow& f) {
        if (half_open())
            scope.deadline_in(idle_ms ? std::min(idle_ms, kHalfOpenMs) : kHalfOpenMs);
        else if (f.of_backend)
            scope.deadline_in(idle_ms);
    }
    void end() { scope.cancel(rt::Wake::cancelled); }
    static void removed(Held& held) { static_cast<Tunnel&>(held).end(); }
    // Nobody reads from this side now: the other one is slow.
    static void on_broken(rt::Io& io, void* arg) {
        auto* t = static_cast<Tunnel*>(arg);
        bool still_written = &io == &t->up.from ? !t->down.ended : !t->up.ended;
        if (io.broken() && still_written) t->end();
    }
};

// Sends n bytes that may be in the receive buffer. False: that side takes nothing any more.
rt::Task<bool> send_slowly(Tunnel& t, Flow& f, const char* data, size_t n) {
    Worker& w = t.ex.w;
    if (!w.budget().take_last(n)) co_return false;
    bool ok = co_await upstream::write_rest(f.to, data, n, t.scope);
    w.budget().give(n);
    co_return ok;
}

rt::Detached run_flow(Tunnel& t, Flow& f) {
    Worker& w = t.ex.w;
    t.join.add();
    size_t piece = Worker::kReceive, moved = 0;
    bool taken = true;  // the other side still takes bytes
    // What the client sent behind its request.
    InputBuffer& early = t.ex.c.in;
    if (!f.of_backend && !early.empty()) {
        rt::IoResult r = co_await f.to.write(early.data(), early.size(), t.scope);
        taken = r.wake == rt::Wake::ready && r.error == 0;
        w.counters.add(f.sent, early.size());
        early.clear();
    }
    for (;;) {
        rt::IoResult r = co_await f.from.read(w.rx(), piece, t.scope);
        if (!r.ok()) {
            if (r.wake != rt::Wake::ready || r.error) t.end();
            break;
        }
        auto n = static_cast<size_t>(r.n);
        t.moved(f);
        w.counters.add(f.received, n);
        if (!taken) continue;  // the backend reads no more; what it says is still to come
        ssize_t k = f.to.write_now(w.rx(), n);
        if (k != static_cast<ssize_t>(n)) [[unlikely]] {
            bool slow = k >= 0 || errno == EAGAIN;
            size_t done = k < 0 ? 0 : static_cast<size_t>(k);
            piece = kSlowPiece;
            taken = slow && co_await send_slowly(t, f, w.rx() + done, n - done);
            if (!taken && f.of_backend) {
                t.end();
                break;
            }
        }
        w.counters.add(f.sent, n);
        moved += n;
        if (moved > kFairBytes) {
            moved = 0;
            co_await w.loop.yield();
        }
    }
    f.ended = true;
    if (!t.scope.ended()) {
        if (taken) f.to.shutdown_write();
        t.moved(f);
    }
    t.join.done();
}

// The backend's 101 as the client gets it.
void compose_switch(const upstream::Call& call, const plan::TunnelPlan& plan, HeadWriter& h) {
    h.status_line(101);
    h.field("Upgrade", plan.protocol);
    h.raw("Connection: Upgrade\r\n");
    for (uint32_t i = 0; i < call.head.field_count; ++i) {
        const http::Field& f = call.fields()[i];
        if (http::is_hop_by_hop(f.token) || f.token == Token::content_length || (f.flags & http::Field::kNominated))
            continue;
        h.canonical_name(http::name_of(call.base, f));
        h.raw(": ");
        h.raw(http::value_of(call.base, f));
        h.raw("\r\n");
    }
    h.raw("\r\n");
}

bool lists(std::string_view value, std::string_view token) {
    bool found = false;
    http::each_listed(value, [&](std::string_view item) { found |= http::same_name(item, token); });
    return found;
}

bool switches_to(const upstream::Call& call, std::string_view protocol) {
    for (uint32_t i = 0; i < call.head.field_count; ++i) {
        const http::Field& f = call.fields()[i];
        if (f.token == Token::upgrade && lists(http::value_of(call.base, f), protocol)) return true;
    }
    return false;
}

}  // namespace

bool asks_for_upgrade(const Exchange& ex, std::string_view protocol) {
    if (!ex.head.upgrade || ex.head.method != http::Method::get || !ex.body.done || ex.head.content_length > 0)
        return false;
    for (const http::Field& f : ex.all_fields())
        if (f.token == Token::upgrade && lists(ex.value(f), protocol)) return true;
    return false;
}

rt::Task<void> refuse_upgrade(Exchange& ex, std::string_view extra) {
    Answer a;
    a.status = 400;
    a.extra = extra;
    a.content_type = "text/plain; charset=utf-8";
    a.body = "Bad Request\n";
    a.krakend = false;
    co_await answer(ex, a);
}

rt::Task<void> tunnel(Exchange& ex) {
    const plan::TunnelPlan& plan = *ex.plan->tunnel;
    if (!asks_for_upgrade(ex, plan.protocol)) return refuse_upgrade(ex, plan.refusal);
    return relay(ex);
}

rt::Task<void> run_tunnel(Exchange& ex, BackendCall& backend) {
    Worker& w = ex.w;
    upstream::Call& call = backend.call();
    const plan::TunnelPlan& plan = *ex.plan->tunnel;
    std::string_view early;
    upstream::BackendConn* conn = call.take_switched(early);
    if (!switches_to(call, plan.protocol)) {
        conn->peer->close(conn);
        co_await answer_failure(ex, 502, "the backend switched to a protocol that nobody asked for");
        co_return;
    }
    ex.status = 101;
    // The timeouts of the server and of the endpoint are for the handshake.
    ex.scope.clear_deadline();
    ex.c.scope.clear_deadline();
    HeadWriter h(w.tx());
    compose_switch(call, plan, h);
    h.raw(early);
    w.counters.add(Counter::upgrades);
    w.counters.add(Counter::upgrades_open);
    size_t done;
    if (write_fast(ex, w.tx(), h.size(), done) || co_await write_slow(ex, w.tx() + done, h.size() - done, ex.scope)) {
        Tunnel t(ex, conn->io);
        w.hold(t);
        t.moved(t.down);
        ex.c.io.on_hangup(&Tunnel::on_broken, &t);
        conn->io.on_hangup(&Tunnel::on_broken, &t);
        run_flow(t, t.up);
        run_flow(t, t.down);
        co_await t.join.all();
        ex.c.io.on_hangup(nullptr, nullptr);
    }
    conn->peer->close(conn);
    w.counters.sub(Counter::upgrades_open);
    ex.close = true;
    ex.gone = true;
}

}  // namespace gladius::engine
