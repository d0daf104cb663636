#include "engine/shadow.h"

#include <cstring>
#include <new>

#include "base/pool.h"
#include "engine/gather.h"
#include "engine/references.h"

namespace gladius::engine {

using telemetry::Counter;

namespace {

// At a time, for each worker: a backend that nobody waits for must not pile up requests.
constexpr uint32_t kMaxShadows = 1024;

// The request as a shadow needs it: a copy of the head and the body, routed as it was.
Exchange* copy_of(Exchange& ex, std::string_view whole) {
    Worker& w = ex.w;
    auto* s = new (pool_allocate(Exchange::kSize)) Exchange(w.nobody());
    if (!s->charge(whole.size() + ex.head.head_len)) {
        free_exchange(s);
        return nullptr;
    }
    Arena& arena = s->arena;
    s->head = ex.head;
    s->base = arena.copy({ex.base, ex.head.head_len}).data();
    s->fields = arena.copy_array(ex.all_fields()).data();
    // It parsed once, so it does again.
    s->target = *http::parse_target({s->base + s->head.target_off, s->head.target_len}, arena);
    s->match = ex.match;
    s->match.path = arena.copy(ex.match.path);
    s->client_ip = arena.copy(ex.client_ip);
    s->endpoint = ex.endpoint;
    w.retain(s->endpoint);
    s->plan = ex.plan->shadow.get();
    s->body.framing = ex.body.framing;
    s->body.seen = ex.body.seen;
    s->body.whole = arena.copy(whole);
    return s;
}

rt::Detached run(Exchange* s) {
    Worker& w = s->w;
    w.add_shadow();
    w.counters.add(Counter::shadows);
    w.counters.add(Counter::exchanges_in_flight);
    s->scope.deadline_in(s->plan->timeout_ms);
    begin_references(*s);
    Outcome nobody_asks;
    co_await call_backends(*s, &s->body.whole, nobody_asks);
    w.release(s->endpoint);
    w.remove_shadow();
    w.counters.sub(Counter::exchanges_in_flight);
    free_exchange(s);
}

}  // namespace

void start_shadow(Exchange& ex, std::string_view whole) {
    Exchange* s = ex.w.shadows() < kMaxShadows ? copy_of(ex, whole) : nullptr;
    if (s)
        run(s);
    else
        ex.w.counters.add(Counter::shadows_left_out);
}

}  // namespace gladius::engine
