// The executor of everything that is decoded: one or several backends are called (part.h), what came is merged,
// completed with static data and rendered. One backend is the same with one call, the whole time and its own status
// rules (ledger 1 sections 4.3, 4.4, 4.7, 4.8, 4.9, 5.9).
#include "engine/gather.h"

#include "encodings/render.h"
#include "engine/body.h"
#include "engine/handle.h"
#include "engine/part.h"
#include "engine/references.h"
#include "engine/respond.h"
#include "json/emit.h"
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
rt::Task<void> call_plainly(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view& whole,
                            Part& p) {
    return ex.plan->concurrent_calls > 1 ? run_race(ex, b, scope, whole, p)
                                         : run_backend(ex, b, scope, &whole, false, p);
}

// The answers of the earlier steps.
struct Earlier {
    std::span<const Part> parts;
    json::Merge* merge = nullptr;       // null: there are none
    uint32_t merged_into = UINT32_MAX;  // the first part that has data
};

// --- "gladius/call"
// ---------------------------------------------------------------------------------------------------------

// One call for each element of an array, so many at a time.
struct Walk {
    std::span<json::Value> elements;
    Part* parts = nullptr;
    uint32_t next = 0;
    rt::Join join;
};

rt::Detached run_lane(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view& whole,
                      Walk& walk) {
    walk.join.add();
    while (walk.next < walk.elements.size() && !scope.ended()) {
        uint32_t i = walk.next++;
        // The request is composed before the first wait: what is said here is for this call.
        refer_to_element(ex, walk.elements[i]);
        co_await call_plainly(ex, b, scope, whole, walk.parts[i]);
    }
    walk.join.done();
}

void excuse(Part& p, const plan::CallPlan& call) {
    p.ok = p.complete = p.excused = true;
    p.data = call.fallback ? call.fallback->data : json::Value::of(static_cast<json::Member*>(nullptr), 0);
}

rt::Task<void> run_walk(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view& whole,
                        const Earlier& earlier, Part& p) {
    using Need = plan::CallPlan::Need;
    const plan::CallPlan& call = *b.call;
    Walk walk;
    walk.elements = elements_to_walk(ex, call.foreach);
    size_t all = walk.elements.size();
    if (all > call.foreach.max) walk.elements = walk.elements.first(call.foreach.max);
    p.ok = p.complete = true;
    p.data = json::Value::of(static_cast<json::Member*>(nullptr), 0);
    if (walk.elements.empty()) co_return;
    walk.parts = ex.arena.array<Part>(walk.elements.size());
    for (uint32_t lane = 0; lane < call.foreach.parallel && lane < walk.elements.size(); ++lane)
        run_lane(ex, b, scope, whole, walk);
    co_await walk.join.all();

    std::span<json::Value> array = ex.arena.copy_array<json::Value>(elements_to_walk(ex, call.foreach));
    for (size_t i = 0; i < walk.elements.size(); ++i) {
        Part& one = walk.parts[i];
        p.cancelled |= one.cancelled;
        if (!one.ok) {
            // Those that were never made, because the time was over, have no error of their own.
            if (one.error.empty()) one.error = "context deadline exceeded";
            if (call.need == Need::required) {
                p = one;
                co_return;
            }
            if (p.error.empty()) p.error = one.error;
            if (call.need == Need::part) p.complete = false;
            if (call.need == Need::part || !call.fallback) continue;
            excuse(one, call);
        }
        p.complete = p.complete && one.complete;
        array[i] = joined(ex, array[i], one.data, call.foreach.into);
    }
    if (all > walk.elements.size()) {
        p.complete = false;
        if (p.error.empty())
            p.error = ex.arena.copy("gladius/call: the array has " + std::to_string(all) + " elements, \"max\" is " +
                                    std::to_string(call.foreach.max));
    }
    p.excused = p.complete && !p.error.empty();
    p.data = with_array(ex, call.foreach, earlier.parts, *earlier.merge, earlier.merged_into, array);
}

rt::Task<void> call_by_rules(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view& whole,
                             const Earlier& earlier, Part& p) {
    const plan::CallPlan& call = *b.call;
    if (!holds(ex, call.condition)) {
        p.ok = p.complete = true;
        p.data = json::Value::of(static_cast<json::Member*>(nullptr), 0);
        co_return;
    }
    if (call.foreach.array >= 0 && earlier.merge)
        co_await run_walk(ex, b, scope, whole, earlier, p);
    else
        co_await call_plainly(ex, b, scope, whole, p);
    if (!p.ok && !p.cancelled && call.need == plan::CallPlan::Need::optional) excuse(p, call);
}

rt::Task<void> call_backend(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view& whole,
                            const Earlier& earlier, Part& p) {
    return b.call ? call_by_rules(ex, b, scope, whole, earlier, p) : call_plainly(ex, b, scope, whole, p);
}

bool is_required(const plan::BackendPlan& b) {
    return b.call && b.call->need == plan::CallPlan::Need::required;
}

// --- several backends
// -------------------------------------------------------------------------------------------------------

// Several backends at once: each has a coroutine, and tells when it is done.
struct Children {
    rt::Join join;
    uint32_t order[64];  // in the order of arrival
    uint32_t* arrived = order;
    uint32_t count = 0;
    uint32_t missing = UINT32_MAX;  // a required one that failed
};

rt::Detached run_child(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view& whole,
                       Part& p, Children& c, uint32_t index) {
    c.join.add();
    co_await call_backend(ex, b, scope, whole, Earlier(), p);
    c.arrived[c.count++] = index;
    // Without it there is no answer: nobody waits for the others.
    if (!p.ok && is_required(b) && c.missing == UINT32_MAX) {
        c.missing = index;
        scope.cancel(rt::Wake::cancelled);
    }
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
    if (b.call)
        co_await call_by_rules(ex, b, ex.scope, *whole, Earlier(), p);
    else if (ex.plan->concurrent_calls > 1)
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
    if (!p.error.empty()) {  // of one of several concurrent calls, or excused
        out.failed = !p.excused;
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
    if (children.missing != UINT32_MAX) {
        fail_with(parts[children.missing], out);
        co_return;
    }
    json::Merge merge(ex.arena, n);
    uint32_t good = 0;
    bool busy = false;
    for (uint32_t i = 0; i < children.count; ++i) {
        const Part& p = parts[children.arrived[i]];
        if (!p.error.empty()) {
            ex.add_error(p.error);
            out.failed |= !p.excused;
        }
        if (p.ok) {
            ++good;
            merge.add(p.data, p.complete);
        } else {
            busy |= p.status == 503 && !p.has_body;  // ours, not what a backend said
            out.failed = true;
        }
    }
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

rt::Task<void> run_sequence(Exchange& ex, const std::string_view& whole, Outcome& out) {
    const auto& backends = ex.plan->backends;
    auto n = static_cast<uint32_t>(backends.size());
    Part* parts = ex.arena.array<Part>(n);
    json::Merge merge(ex.arena, n);
    Earlier earlier;
    earlier.parts = {parts, n};
    earlier.merge = &merge;
    rt::Scope scope(ex.w.loop, &ex.scope);
    scope.deadline_in(ex.plan->merge_timeout_ms);
    for (uint32_t i = 0; i < n; ++i) {
        if (i > 0) refer_to_answers(ex, earlier.parts, merge, earlier.merged_into, i);
        Part& p = parts[i];
        co_await call_backend(ex, backends[i], scope, whole, earlier, p);
        bool ends = !p.ok && (i == 0 || is_required(backends[i]));
        if (!p.error.empty() && !ends) ex.add_error(p.error);
        if (ends) {
            fail_with(p, out);
            co_return;
        }
        if (!p.error.empty() || !p.ok) out.failed |= !p.excused;
        if (!p.ok) break;
        merge.add(p.data, p.complete);
        if (earlier.merged_into == UINT32_MAX && !p.data.is_null()) earlier.merged_into = i;
        if (!p.complete) break;
    }
    json::Merged m = merge.finish();
    out.has_answer = true;
    out.data = m.data;
    out.complete = m.complete && !out.failed;
}

// --- the answer
// -------------------------------------------------------------------------------------------------------------

rt::Task<void> answer_data(Exchange& ex, const json::Value& data, bool complete) {
    Answer a;
    encodings::Renderer renderer = ex.plan->renderer;
    if (renderer == encodings::Renderer::negotiate) {
        const http::Field* accept = ex.find(http::Token::accept);
        renderer = encodings::negotiated(accept ? ex.value(*accept) : std::string_view());
    }
    a.content_type = encodings::content_type(renderer);
    a.completed = complete && !json::empty(data) ? 1 : 0;
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
    if (ex.plan->backends.size() > 1 || ex.plan->concurrent_calls > 1 || ex.plan->backends[0].call) {
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
