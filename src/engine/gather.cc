// The executor of everything that is decoded: one or several backends are called (part.h), what came is merged,
// completed with static data and rendered. One backend is the same with one call, the whole time and its own status
// rules (ledger 1 sections 4.3, 4.4, 4.7, 4.8, 4.9, 5.9).
#include "engine/gather.h"

#include "encodings/render.h"
#include "engine/body.h"
#include "engine/handle.h"
#include "engine/part.h"
#include "engine/respond.h"
#include "json/emit.h"
#include "json/lookup.h"
#include "json/merge.h"

namespace gladius::engine {

namespace {

// --- one backend
// ------------------------------------------------------------------------------------------------------------

// concurrent_calls: the same request several times; the first complete answer wins and ends the others.
struct Race {
    static constexpr uint32_t kNone = UINT32_MAX;
    Race(Exchange& ex, rt::Scope& parent) : scope(ex.w.loop, &parent) {}
    rt::Scope scope;
    rt::Join join;
    Part* parts = nullptr;
    uint32_t winner = kNone;
    uint32_t last_answer = kNone;  // that was not complete
    uint32_t last_error = kNone;
};

rt::Detached run_racer(Exchange& ex, const plan::BackendPlan& b, Race& race, const std::string_view& whole,
                       uint32_t index) {
    race.join.add();
    Part& p = race.parts[index];
    co_await run_backend(ex, b, race.scope, &whole, false, p);
    if (race.winner == Race::kNone) {
        if (p.ok && p.complete) {
            race.winner = index;
            race.scope.cancel(rt::Wake::cancelled);
        } else {
            (p.ok ? race.last_answer : race.last_error) = index;
        }
    }
    race.join.done();
}

rt::Task<void> run_race(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view& whole,
                        Part& p) {
    uint32_t n = ex.plan->concurrent_calls;
    Race race(ex, scope);
    race.scope.deadline_in(ex.plan->concurrent_timeout_ms);
    race.parts = ex.arena.array<Part>(n);
    for (uint32_t i = 0; i < n; ++i)
        run_racer(ex, b, race, whole, i);
    co_await race.join.all();
    uint32_t best = race.winner != Race::kNone        ? race.winner
                    : race.last_answer != Race::kNone ? race.last_answer
                                                      : race.last_error;
    p = race.parts[best];
    if (best == race.last_answer && race.last_error != Race::kNone) p.error = race.parts[race.last_error].error;
}

// What the client sent is at hand in `whole`.
rt::Task<void> call_backend(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view& whole,
                            Part& p) {
    return ex.plan->concurrent_calls > 1 ? run_race(ex, b, scope, whole, p)
                                         : run_backend(ex, b, scope, &whole, false, p);
}

// --- several backends
// -------------------------------------------------------------------------------------------------------

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
    co_await call_backend(ex, b, scope, whole, p);
    c.arrived[c.count++] = index;
    c.join.done();
}

// Without anything that was said: the answer of the first step that failed, or of the only backend.
void fail_with(const Part& p, Outcome& out) {
    out.failed = true;
    out.status = p.status;
    out.message = p.error;
    out.content_type = p.content_type;
}

rt::Task<void> run_one(Exchange& ex, const std::string_view* whole, Outcome& out) {
    Part p;
    const plan::BackendPlan& b = ex.plan->backends[0];
    if (ex.plan->concurrent_calls > 1)
        co_await run_race(ex, b, ex.scope, *whole, p);
    else
        co_await run_backend(ex, b, ex.scope, whole, true, p);
    if (p.cancelled && (ex.gone || !ex.body.failed)) {
        ex.gone = true;
        co_return;
    }
    if (!p.ok) {
        fail_with(p, out);
        co_return;
    }
    out.has_answer = true;
    out.data = p.data;
    out.complete = p.complete;
    if (!p.error.empty()) {  // one of several concurrent calls
        out.failed = true;
        ex.add_error(p.error);
    }
}

rt::Task<void> run_parallel(Exchange& ex, const std::string_view& whole, Outcome& out) {
    const auto& backends = ex.plan->backends;
    auto n = static_cast<uint32_t>(backends.size());
    Part* parts = ex.arena.array<Part>(n);
    Children children;
    if (n > 64) children.arrived = ex.arena.array<uint32_t>(n);
    {
        rt::Scope scope(ex.w.loop, &ex.scope);
        scope.deadline_in(ex.plan->merge_timeout_ms);
        for (uint32_t i = 0; i < n; ++i)
            run_child(ex, backends[i], scope, whole, parts[i], children, i);
        co_await children.join.all();
    }
    json::Merge merge(ex.arena, n);
    uint32_t good = 0;
    bool busy = false;
    for (uint32_t i = 0; i < children.count; ++i) {
        const Part& p = parts[children.arrived[i]];
        if (!p.error.empty()) ex.add_error(p.error);
        if (p.ok) {
            ++good;
            merge.add(p.data, p.complete);
        } else {
            busy |= p.status == 503;
        }
    }
    out.failed = ex.error_count > 0 || good < n;
    if (good > 0) {
        json::Merged m = merge.finish();
        out.has_answer = true;
        out.data = m.data;
        out.complete = m.complete && good == n;
        co_return;
    }
    std::string all;
    for (uint32_t i = 0; i < children.count; ++i) {
        if (i) all += '\n';
        all += parts[children.arrived[i]].error;
    }
    out.message = ex.arena.copy(all);
    out.status = busy ? 503 : 500;
    out.said_errors = true;
}

// --- one after the other
// ----------------------------------------------------------------------------------------------------

constexpr uint32_t kNoPart = UINT32_MAX;

// Puts what the URL of step `i` wants to know into ex.steps. A value that was found once stays (an empty one is looked
// up again), as in the reference.
void look_up(Exchange& ex, const Part* parts, json::Merge& merge, uint32_t merged_into, uint32_t step) {
    for (uint32_t index : ex.plan->step_lookups[step]) {
        StepText& t = ex.steps[index];
        if (!t.text.empty()) continue;
        const plan::StepValue& v = ex.plan->step_values[index];
        std::span<const std::string> path = v.path;
        json::Value value;
        bool found = false;
        if (v.backend == merged_into) {
            // The reference merges into the first answer that has data, and sees there what came later.
            json::Value first;
            if (path.size() > 1 && merge.find(path[0], ex.arena, &first) && first.is_object())
                found = json::find_path(first, path.subspan(1), ex.arena, &value);
            else
                found = merge.find(path.back(), ex.arena, &value);
        } else {
            found = json::find_path(parts[v.backend].data, path, ex.arena, &value);
        }
        if (!found) continue;
        t.text = json::text_in_url(value, ex.arena);
        t.known = true;
    }
}

rt::Task<void> run_sequence(Exchange& ex, const std::string_view& whole, Outcome& out) {
    const auto& backends = ex.plan->backends;
    auto n = static_cast<uint32_t>(backends.size());
    Part* parts = ex.arena.array<Part>(n);
    ex.steps = ex.arena.array<StepText>(ex.plan->step_values.size());
    json::Merge merge(ex.arena, n);
    uint32_t merged_into = kNoPart;
    rt::Scope scope(ex.w.loop, &ex.scope);
    scope.deadline_in(ex.plan->merge_timeout_ms);
    for (uint32_t i = 0; i < n; ++i) {
        if (i > 0) look_up(ex, parts, merge, merged_into, i);
        Part& p = parts[i];
        co_await call_backend(ex, backends[i], scope, whole, p);
        if (!p.error.empty() && (p.ok || i > 0)) ex.add_error(p.error);
        if (!p.ok) {
            out.failed = true;
            if (i == 0) {
                fail_with(p, out);
                co_return;
            }
            break;
        }
        merge.add(p.data, p.complete);
        if (merged_into == kNoPart && !p.data.is_null()) merged_into = i;
        if (!p.complete) break;
    }
    json::Merged m = merge.finish();
    out.has_answer = true;
    out.data = m.data;
    out.complete = m.complete && !out.failed;
    out.failed = out.failed || ex.error_count > 0;
}

// --- the answer
// -------------------------------------------------------------------------------------------------------------

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
    encodings::Renderer renderer = ex.plan->renderer;
    if (renderer == encodings::Renderer::negotiate) {
        const http::Field* accept = ex.find(http::Token::accept);
        renderer = encodings::negotiated(accept ? ex.value(*accept) : std::string_view());
    }
    a.content_type = encodings::content_type(renderer);
    a.completed = complete && has_keys(data) ? 1 : 0;
    if (a.completed && !ex.plan->cache_control.empty()) a.extra = ex.plan->cache_control;
    size_t guess = json::estimate(data) + 64;
    if (!ex.charge(guess)) {
        co_await answer_failure(ex, 503, "the memory budget of the gateway is used up; try again later");
        co_return;
    }
    json::ArenaOutput out(ex.arena, guess);
    if (!encodings::render(renderer, &data, ex.arena, out)) {
        co_await answer_failure(ex, 500, "the data is too deep to be written as YAML");
        co_return;
    }
    a.body = out.view();
    co_await answer(ex, a);
}

bool matches(plan::StaticData::When when, const Outcome& out) {
    using When = plan::StaticData::When;
    switch (when) {
        case When::always:
            return true;
        case When::success:
            return !out.failed;
        case When::complete:
            return !out.failed && out.has_answer && out.complete;
        case When::errored:
            return out.failed;
        case When::incomplete:
            return !out.has_answer || !out.complete;
    }
    return false;
}

// An error becomes an answer, but stays an error in the log.
void add_static(Exchange& ex, const plan::StaticData& fixed, Outcome& out) {
    if (!matches(fixed.when, out)) return;
    if (!out.has_answer && !out.said_errors) ex.add_error(out.message);
    json::Merge merge(ex.arena, 2);
    if (out.has_answer) merge.add(out.data, true);
    merge.add(fixed.data, true);
    out.data = merge.finish().data;
    out.has_answer = true;
}

}  // namespace

rt::Task<bool> take_whole_body(Exchange& ex, std::string_view& whole) {
    if (body_at_hand(ex, &whole)) co_return true;
    WholeBody read = co_await read_whole_body(ex, ex.scope, whole);
    if (read == WholeBody::complete) co_return true;
    if (read == WholeBody::no_memory) {
        ex.close = true;
        co_await answer_failure(ex, 503, "the memory budget of the gateway is used up; try again later");
    } else if (ex.body.failed) {
        if (!ex.gone)
            co_await answer_failure(ex, ex.body.too_large ? 413 : 400, "the request's body could not be read");
    } else if (ex.scope.why() == rt::Wake::timeout) {
        co_await answer_failure(ex, 500, "context deadline exceeded");
    } else {
        ex.gone = true;
    }
    co_return false;
}

rt::Task<void> call_backends(Exchange& ex, const std::string_view* whole, Outcome& out) {
    if (ex.plan->backends.size() == 1) return run_one(ex, whole, out);
    return ex.plan->sequential ? run_sequence(ex, *whole, out) : run_parallel(ex, *whole, out);
}

rt::Task<void> gather(Exchange& ex) {
    // Several calls need the whole body: it is read before the first. One takes it from the client while it comes.
    std::string_view body;
    const std::string_view* whole = nullptr;
    if (ex.plan->backends.size() > 1 || ex.plan->concurrent_calls > 1) {
        if (!co_await take_whole_body(ex, body)) co_return;
        whole = &body;
    }
    Outcome out;
    co_await call_backends(ex, whole, out);
    if (ex.scope.why() == rt::Wake::cancelled && !ex.body.failed) ex.gone = true;
    if (ex.gone) co_return;
    if (ex.plan->backends.size() > 1 && out.has_answer && !out.failed)
        out.data = ex.plan->flatmap.apply(out.data, ex.arena);
    if (ex.plan->static_data) add_static(ex, *ex.plan->static_data, out);
    if (out.has_answer) {
        co_await answer_data(ex, out.data, out.complete);
        co_return;
    }
    if (out.said_errors) ex.error_count = 0;  // the joined text says them all
    co_await answer_failure(ex, out.status, out.message, out.content_type);
}

}  // namespace gladius::engine
