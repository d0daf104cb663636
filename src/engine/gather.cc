// The executor of everything that is decoded: one or several backends are called, their bodies read, decoded and
// filtered, what came is merged and rendered. One backend is the same with one call, the whole time and its own status
// rules (ledger 1 sections 4.3, 4.4, 5.9).
#include <cstring>
#include <new>

#include "engine/handle.h"
#include "engine/inflate.h"
#include "engine/open.h"
#include "engine/respond.h"
#include "json/emit.h"
#include "json/merge.h"

namespace gladius::engine {

using upstream::BodyRun;
using upstream::Failure;

namespace {

// What one backend came to.
struct Part {
    json::Value data;
    bool ok = false;
    bool complete = false;
    bool cancelled = false;
    int status = 500;        // of the error, for an endpoint with this backend only
    std::string_view error;  // in the arena
    std::string_view body;   // return_error_code: what the backend said
    std::string_view content_type;
    bool has_body = false;
};

void set_error(Exchange& ex, Part& p, std::string_view text) {
    p.error = ex.arena.copy(text);
}

void no_memory(Exchange& ex, Part& p) {
    p.status = 503;
    set_error(ex, p, "the memory budget of the gateway is used up; try again later");
}

// Reads a whole body into one piece. When all of it came with the head and `borrow` says that nothing will be awaited
// before it is used, it stays in the receive buffer.
rt::Task<bool> read_all(Exchange& ex, BackendCall& backend, bool borrow, Part& p, std::string_view& out) {
    upstream::Call& call = backend.call();
    uint64_t limit = ex.w.snapshot().server.max_backend_body;
    auto over = [&](uint64_t n) {
        if (!limit || n <= limit) return false;
        set_error(ex, p, "the backend's body is larger than gladius/limits.max_backend_body");
        return true;
    };
    bool known = call.head.framing == http::Framing::length;
    uint64_t length = call.head.content_length;
    if (known && over(length)) co_return false;
    BodyRun run = call.first();
    if (run.done && borrow && !run.failed) {
        if (over(run.n)) co_return false;
        out = {run.data, run.n};
        co_return true;
    }
    char* body = nullptr;
    size_t n = 0, cap = 0;
    for (;;) {
        if (n + run.n > cap || (known && !body)) {
            size_t want = known ? static_cast<size_t>(length) : cap ? cap * 2 : 8 * 1024;
            while (want < n + run.n)
                want *= 2;
            if (!ex.charge(want)) {
                no_memory(ex, p);
                co_return false;
            }
            char* bigger = ex.arena.chars(want);
            if (n) std::memcpy(bigger, body, n);
            body = bigger;
            cap = want;
        }
        if (run.n) std::memcpy(body + n, run.data, run.n);
        n += run.n;
        if (over(n)) co_return false;
        if (run.failed) {
            set_error(ex, p,
                      call.error.kind == Failure::timeout     ? "context deadline exceeded"
                      : call.error.kind == Failure::cancelled ? "context canceled"
                                                              : std::string_view(call.error.text));
            p.cancelled = call.error.kind == Failure::cancelled;
            co_return false;
        }
        if (run.done) break;
        run = co_await call.next();
    }
    out = {body, n};
    co_return true;
}

bool inflate_all(Exchange& ex, std::string_view packed, Part& p, std::string_view& out) {
    uint64_t limit = ex.w.snapshot().server.max_backend_body;
    Inflater z;
    size_t cap = packed.size() * 4 + 1024, n = 0;
    if (!ex.charge(cap)) return no_memory(ex, p), false;
    char* body = ex.arena.chars(cap);
    for (;;) {
        size_t produced = 0;
        Inflater::State st = z.run(packed, body + n, cap - n, produced);
        n += produced;
        if (limit && n > limit)
            return set_error(ex, p, "the backend's body is larger than gladius/limits.max_backend_body"), false;
        if (st == Inflater::State::bad) return set_error(ex, p, "gzip: invalid header"), false;
        if (packed.empty() && z.complete()) break;
        if (produced == 0 && packed.empty()) return set_error(ex, p, "unexpected EOF"), false;
        if (n == cap) {
            if (!ex.charge(cap * 2)) return no_memory(ex, p), false;
            char* bigger = ex.arena.chars(cap * 2);
            std::memcpy(bigger, body, n);
            body = bigger;
            cap *= 2;
        }
    }
    out = {body, n};
    return true;
}

std::string_view content_type_of(Exchange& ex, const upstream::Call& call) {
    for (uint32_t i = 0; i < call.head.field_count; ++i)
        if (call.fields()[i].token == http::Token::content_type)
            return ex.arena.copy(http::value_of(call.base, call.fields()[i]));
    return {};
}

// Calls one backend and decodes its answer.
rt::Task<void> run_backend(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view* whole,
                           bool alone, Part& p) {
    BackendCall backend(ex);
    if (!co_await backend.open(b, scope, whole)) {
        p.cancelled = backend.error.kind == Failure::cancelled;
        if (backend.error.kind == Failure::too_large) p.status = 503;
        if (ex.body.failed && !ex.gone) p.status = ex.body.too_large ? 413 : 400;
        set_error(ex, p, failure_text(backend.error, backend.method, backend.url()));
        co_return;
    }
    upstream::Call& call = backend.call();
    int status = call.head.status;
    bool good = status == 200 || status == 201;
    bool wants_body =
        good ? b.decoder != encodings::Decoder::no_op : b.return_error_code || !b.return_error_details.empty();
    std::string_view type = good ? std::string_view() : content_type_of(ex, call);
    std::string_view url = good ? std::string_view() : backend.url();
    bool packed = (call.head.mask & http::bit(http::Token::content_encoding)) && is_gzip(call);
    std::string_view body;
    if (wants_body) {
        // Borrowing is for the only backend: with several, the others use the same receive buffer while this one waits.
        bool read = co_await read_all(ex, backend, alone, p, body);
        if (read && packed && call.head.status != 204 && !(body.empty() && !good))
            read = inflate_all(ex, body, p, body);
        if (!read) {
            co_await backend.end();
            co_return;
        }
    } else {
        // What is not wanted is not waited for: the connection is kept when all of it came with the head.
        (void)call.first();
    }
    if (call.uploading()) {
        if (alone && !body.empty()) body = ex.arena.copy(body);
        co_await backend.end();
    } else {
        backend.end_now();
    }
    if (good) {
        if (b.decoder == encodings::Decoder::no_op) {
            p.ok = p.complete = true;
            p.data = json::Value::of(static_cast<json::Member*>(nullptr), 0);
            co_return;
        }
        encodings::Decoded d = encodings::decode(b.decoder, body, ex.arena, b.filter.keep_depth());
        if (!d.ok()) {
            set_error(ex, p, d.error);
            co_return;
        }
        p.data = b.filter.apply(d.data, ex.arena);
        p.ok = p.complete = true;
        co_return;
    }
    if (!b.return_error_details.empty()) {
        // The details are an answer, but not a complete one.
        p.data =
            json::error_details(b.return_error_details, status, alone ? ex.arena.copy(body) : body, type, ex.arena);
        p.ok = true;
        co_return;
    }
    if (b.return_error_code) {
        p.status = status;
        p.error = ex.arena.copy(body);
        p.content_type = type;
        p.has_body = true;
        co_return;
    }
    std::string text = "invalid status code " + std::to_string(status) + " [" + b.method_name + " " + b.pattern +
                       "]: " + std::string(url);
    set_error(ex, p, text);
}

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
