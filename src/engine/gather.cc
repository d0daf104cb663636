// The executor of everything that is decoded: one or several backends are called (part.h), what came is merged and
// rendered. One backend is the same with one call, the whole time and its own status rules (ledger 1 sections 4.3, 4.4,
// 5.9).
#include "encodings/render.h"
#include "engine/body.h"
#include "engine/handle.h"
#include "engine/part.h"
#include "engine/respond.h"
#include "json/emit.h"
#include "json/merge.h"

namespace gladius::engine {

namespace {

// Several backends at once: each has a coroutine, and tells when it is done.
struct Children {
    rt::Join join;
    uint32_t order[64];  // in the order of arrival
    uint32_t* arrived = order;
    uint32_t count = 0;
};

rt::Detached run_child(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view& whole,
                       Part& p, Children& c, uint32_t index) {
    c.join.add();
    co_await run_backend(ex, b, scope, &whole, false, p);
    c.arrived[c.count++] = index;
    c.join.done();
}

bool has_keys(const json::Value& v) {
    if (v.kind == json::Value::Kind::members) return v.n > 0;
    if (v.kind != json::Value::Kind::node) return v.kind == json::Value::Kind::raw && v.n > 2;
    const json::Node& root = v.node();
    if (root.kind != json::Kind::object) return false;
    if (root.has(json::Node::collapsed)) return root.end - root.begin > 2;
    for (uint32_t i = v.n + 1; i < root.next; i = v.document->nodes[i].next)
        if (v.document->nodes[i].live()) return true;
    return false;
}

rt::Task<void> answer_data(Exchange& ex, const json::Value& data, bool complete) {
    Answer a;
    a.content_type = encodings::content_type(ex.plan->renderer);
    a.completed = complete && has_keys(data) ? 1 : 0;
    if (a.completed && !ex.plan->cache_control.empty()) a.extra = ex.plan->cache_control;
    size_t guess = json::estimate(data) + 64;
    if (!ex.charge(guess)) {
        co_await answer_failure(ex, 503, "the memory budget of the gateway is used up; try again later");
        co_return;
    }
    json::ArenaOutput out(ex.arena, guess);
    encodings::render(ex.plan->renderer, &data, ex.arena, out);
    a.body = out.view();
    co_await answer(ex, a);
}

rt::Task<void> gather_one(Exchange& ex) {
    Part p;
    co_await run_backend(ex, ex.plan->backends[0], ex.scope, nullptr, true, p);
    if (p.cancelled && (ex.gone || !ex.body.failed)) {
        ex.gone = true;
        co_return;
    }
    if (p.ok) {
        co_await answer_data(ex, p.data, p.complete);
        co_return;
    }
    if (p.has_body) {
        co_await answer_failure(ex, p.status, p.error, p.content_type);
        co_return;
    }
    co_await answer_failure(ex, p.status, p.error);
}

rt::Task<void> gather_many(Exchange& ex) {
    const auto& backends = ex.plan->backends;
    auto n = static_cast<uint32_t>(backends.size());
    // Every backend gets the whole body: it is read before the first call.
    std::string_view whole;
    if (!body_at_hand(ex, &whole)) {
        WholeBody read = co_await read_whole_body(ex, ex.scope, whole);
        if (read == WholeBody::no_memory) {
            ex.close = true;
            co_await answer_failure(ex, 503, "the memory budget of the gateway is used up; try again later");
            co_return;
        }
        if (read == WholeBody::failed) {
            if (ex.body.failed) {
                if (!ex.gone)
                    co_await answer_failure(ex, ex.body.too_large ? 413 : 400, "the request's body could not be read");
            } else if (ex.scope.why() == rt::Wake::timeout) {
                co_await answer_failure(ex, 500, "context deadline exceeded");
            } else {
                ex.gone = true;
            }
            co_return;
        }
    }
    Part* parts = ex.arena.array<Part>(n);
    Children children;
    if (n > 64) children.arrived = ex.arena.array<uint32_t>(n);
    json::Merge merge(ex.arena, n);
    uint32_t good = 0, seen = 0;
    bool busy = false;
    {
        rt::Scope scope(ex.w.loop, &ex.scope);
        scope.deadline_in(ex.plan->merge_timeout_ms);
        for (uint32_t i = 0; i < n; ++i)
            run_child(ex, backends[i], scope, whole, parts[i], children, i);
        co_await children.join.all();
    }
    for (; seen < children.count; ++seen) {
        const Part& p = parts[children.arrived[seen]];
        if (!p.ok) {
            if (!p.error.empty()) ex.add_error(p.error);
            busy |= p.status == 503;
            continue;
        }
        ++good;
        merge.add(p.data, p.complete);
    }
    if (ex.scope.why() == rt::Wake::cancelled) ex.gone = true;
    if (ex.gone) co_return;
    if (good > 0) {
        json::Merged m = merge.finish();
        if (good == n) m.data = ex.plan->flatmap.apply(m.data, ex.arena);
        co_await answer_data(ex, m.data, m.complete && good == n);
        co_return;
    }
    std::string all;
    for (uint32_t i = 0; i < children.count; ++i) {
        if (i) all += '\n';
        all += parts[children.arrived[i]].error;
    }
    ex.error_count = 0;
    co_await answer_failure(ex, busy ? 503 : 500, all);
}

}  // namespace

rt::Task<void> gather(Exchange& ex) {
    if (ex.plan->backends.size() == 1)
        co_await gather_one(ex);
    else
        co_await gather_many(ex);
}

}  // namespace gladius::engine
