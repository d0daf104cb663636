#include "engine/handle.h"

#include <sys/socket.h>

#include "engine/body.h"
#include "engine/gather.h"
#include "engine/references.h"
#include "engine/respond.h"
#include "engine/shadow.h"

namespace gladius::engine {

namespace {

rt::Task<void> bad_request(Exchange& ex, std::string_view body, std::string_view extra = {}) {
    Answer a;
    a.status = 400;
    a.extra = extra;
    a.content_type = "text/plain; charset=utf-8";
    a.body = body;
    a.krakend = false;
    co_await answer(ex, a);
}

rt::Task<void> too_large(Exchange& ex) {
    co_await answer_failure(ex, 413, "request body too large");
}

rt::Task<void> run_executor(Exchange& ex) {
    switch (ex.plan->executor) {
        case plan::Executor::relay:
            return relay(ex);
        case plan::Executor::tunnel:
            return tunnel(ex);
        case plan::Executor::feature:
            return ex.plan->feature.run(ex.plan->feature.config.get(), ex);
        default:
            return gather(ex);
    }
}

// The shadow gets all of the request before the real backends are asked, as in the reference.
rt::Task<void> run_with_shadow(Exchange& ex) {
    std::string_view whole;
    if (!co_await take_whole_body(ex, whole)) co_return;
    start_shadow(ex, whole);
    co_await run_executor(ex);
}

rt::Task<void> nobody_answers(Exchange& ex) {
    ex.add_error("all endpoints must have at least one backend");
    Answer a;
    a.status = 500;
    a.krakend = false;
    co_await answer(ex, a);
}

rt::Task<void> execute(Exchange& ex) {
    // The time of the endpoint begins here: what stands before it has its own limits (ledger 1 section 1.1).
    ex.scope.deadline_in(ex.plan->timeout_ms);
    if (ex.plan->executor == plan::Executor::none) return nobody_answers(ex);
    begin_references(ex);
    return ex.plan->shadow ? run_with_shadow(ex) : run_executor(ex);
}

rt::Task<void> nothing() {
    co_return;
}

// A stage has said reply.
rt::Task<void> answer_of_stage(Exchange& ex) {
    if (!ex.stage_answer) return nothing();
    // gin has found out what is allowed before its middlewares run.
    if (ex.match.kind == plan::RouteMatch::not_allowed && !ex.endpoint)
        ex.answer_headers().add("Allow", ex.w.snapshot().router->allow(ex.match.allowed, ex.arena));
    return answer(ex, *ex.stage_answer);
}

rt::Task<void> arrive(Exchange& ex) {
    if (ex.body.too_large) return too_large(ex);
    return execute(ex);
}

// What follows a list of stages.
using Then = rt::Task<void> (*)(Exchange& ex);

// A stage has to wait: the rest of the stages, and what follows them, run in a coroutine of their own. `keep` holds the
// stages of a service, which a reload may replace meanwhile; those of an endpoint belong to the exchange's plan.
rt::Task<void> finish_stages(Exchange& ex, const std::vector<plan::Stage>& stages, size_t from, Then then,
                             [[maybe_unused]] std::shared_ptr<const plan::RouterPlan> keep) {
    for (size_t i = from; i < stages.size(); ++i) {
        const plan::Stage& stage = stages[i];
        plan::Verdict v = i == from ? plan::Verdict::suspend : stage.run(stage.config.get(), ex);
        if (v == plan::Verdict::suspend) v = co_await stage.run_async(stage.config.get(), ex);
        if (v == plan::Verdict::reply) {
            co_await answer_of_stage(ex);
            co_return;
        }
    }
    co_await then(ex);
}

// No coroutine itself, as long as no stage waits.
rt::Task<void> run_stages(Exchange& ex, const std::vector<plan::Stage>& stages, Then then,
                          const std::shared_ptr<const plan::RouterPlan>& owner) {
    for (size_t i = 0; i < stages.size(); ++i) {
        const plan::Stage& stage = stages[i];
        plan::Verdict v = stage.run(stage.config.get(), ex);
        if (v == plan::Verdict::suspend) return finish_stages(ex, stages, i, then, owner);
        if (v == plan::Verdict::reply) return answer_of_stage(ex);
    }
    return then(ex);
}

rt::Task<void> run_endpoint(Exchange& ex) {
    ex.plan = ex.endpoint->plan.get();
    if (ex.client_ip.empty()) ex.client_ip = find_client_ip(ex);
    return run_stages(ex, ex.plan->pre, &arrive, nullptr);
}

rt::Task<void> bad_expectation(Exchange& ex) {
    Answer a;
    a.status = 417;
    a.krakend = false;
    a.close = true;
    co_await answer(ex, a);
}

// "OPTIONS *" asks the server, not a route; the reference's server answers by itself, over HTTP/1.
rt::Task<void> answer_server_options(Exchange& ex) {
    Answer a;
    a.krakend = false;
    co_await answer(ex, a);
}

// Where the route leads.
rt::Task<void> go_on(Exchange& ex) {
    if (ex.endpoint) return run_endpoint(ex);
    switch (ex.match.kind) {
        case plan::RouteMatch::found:
            return answer_builtin(ex, ex.builtin);
        case plan::RouteMatch::auto_options:
            return answer_builtin(ex, plan::Builtin::options);
        case plan::RouteMatch::not_allowed:
            return answer_not_allowed(ex);
        default:
            return answer_not_found(ex);
    }
}

rt::Task<void> find_route(Exchange& ex) {
    const plan::Snapshot& s = ex.w.snapshot();
    s.router->find(ex.head.method, ex.target.path, ex.arena, ex.match);
    if (ex.match.kind == plan::RouteMatch::redirect) return answer_redirect(ex);
    // Looked at whatever was found: gin runs its middlewares for a 404 or 405 too, with what its walk had bound by
    // then.
    if (ex.match.param_count > 0 && !ex.w.service().disable_path_decoding) {
        std::string_view error = plan::encoded_params_error(ex.match, ex.arena);
        if (!error.empty())
            return bad_request(ex, error,
                               ex.match.kind == plan::RouteMatch::not_allowed ? allow_line(ex) : std::string_view());
    }
    // The endpoint is held from here on: its index means something in this snapshot only.
    uint32_t endpoint = UINT32_MAX;
    if (ex.match.kind == plan::RouteMatch::found) {
        ex.builtin = s.routes[ex.match.target].builtin;
        endpoint = s.routes[ex.match.target].endpoint;
        if (ex.builtin == plan::Builtin::health) return go_on(ex);
    } else if (ex.match.kind != plan::RouteMatch::auto_options) {
        ex.match.param_count = 0;
        endpoint = s.catch_all[static_cast<unsigned>(ex.head.method)].endpoint;
    }
    if (endpoint != UINT32_MAX) ex.endpoint = ex.w.endpoint(endpoint);
    if (s.service->after_routing.empty()) return go_on(ex);
    return run_stages(ex, s.service->after_routing, &go_on, s.service);
}

}  // namespace

// No coroutine itself: the usual request goes straight to its executor's.
rt::Task<void> handle(Exchange& ex) {
    std::string_view written{ex.base + ex.head.target_off, ex.head.target_len};
    // The authority form (RFC 9112 3.2.3) has no path, and so no route.
    bool authority = ex.head.method == http::Method::connect && !written.starts_with('/');
    auto target = http::parse_target(authority ? ex.arena.concat("http://", written) : written, ex.arena);
    if (!target) {
        ex.close = true;
        ex.target.path = written;
        return bad_request(ex, "400 Bad Request");
    }
    ex.target = *target;
    if (ex.head.bad_expect) return bad_expectation(ex);
    if (ex.target.path == "*" && ex.head.method == http::Method::options && !ex.c.is_stream)
        return answer_server_options(ex);
    const std::shared_ptr<const plan::RouterPlan>& service = ex.w.snapshot().service;
    if (service->before_routing.empty()) return find_route(ex);
    return run_stages(ex, service->before_routing, &find_route, service);
}

rt::Task<void> answer_failure(Exchange& ex, int status, std::string_view message, std::string_view content_type) {
    if (!message.empty()) ex.add_error(message);
    Answer a;
    a.status = status;
    a.completed = 0;
    if (ex.w.service().return_error_msg) {
        a.body = ex.arena.copy(message);
        bool guess = content_type.empty() && !a.body.empty() && status != 204 && status != 304;
        a.content_type = guess ? sniff_content_type(a.body) : content_type;
    }
    // The deadline has passed for the backends, not for saying so.
    co_await answer(ex, a);
}

std::string failure_text(const upstream::CallError& e, std::string_view method, std::string_view url) {
    using upstream::Failure;
    switch (e.kind) {
        case Failure::timeout:
            return "context deadline exceeded";
        case Failure::cancelled:
            return "context canceled";
        case Failure::no_hosts:
        case Failure::bad_url:
        case Failure::too_large:
        case Failure::refused:
            return e.text;
        default:
            break;
    }
    if (url.empty()) return e.text;
    // Go: Get "http://host/path": <what happened>
    std::string out;
    bool first = true;
    for (char c : method) {
        out += first ? c : static_cast<char>(c >= 'A' && c <= 'Z' ? c | 32 : c);
        first = false;
    }
    out += " \"";
    out += url;
    out += "\": ";
    out += e.text;
    return out;
}

// --- the client's address
// -------------------------------------------------------------------------------------------------------------

namespace {

bool trusted(const plan::RouterPlan& s, std::string_view ip) {
    net::Address a;
    if (!net::parse_ip(ip, 0, a)) return false;
    uint8_t bytes[16];
    net::write_mapped(a, bytes);
    return plan::any_holds(s.trusted, bytes);
}

// One header, from right to left: the first address that is not trusted, or the leftmost. Empty when an element is no
// address.
std::string_view walk_header(const plan::RouterPlan& s, std::string_view value) {
    std::string_view found;
    while (true) {
        size_t comma = value.rfind(',');
        std::string_view item = comma == std::string_view::npos ? value : value.substr(comma + 1);
        while (!item.empty() && (item.front() == ' ' || item.front() == '\t'))
            item.remove_prefix(1);
        while (!item.empty() && (item.back() == ' ' || item.back() == '\t'))
            item.remove_suffix(1);
        net::Address a;
        if (!net::parse_ip(item, 0, a)) return {};
        found = item;
        if (comma == std::string_view::npos) return found;
        if (!s.trust_all && !trusted(s, item)) return found;
        value = value.substr(0, comma);
    }
}

constexpr uint64_t kUsualIpHeaders = http::bit(http::Token::x_forwarded_for) | http::bit(http::Token::x_real_ip);

}  // namespace

std::string_view find_client_ip(Exchange& ex) {
    const plan::RouterPlan& s = ex.w.service();
    std::string_view peer = ex.c.address();
    if (s.app_engine) [[unlikely]] {
        for (const http::Field& f : ex.all_fields())
            if (http::same_name(ex.name(f), "X-Appengine-Remote-Addr")) {
                if (!ex.value(f).empty()) return ex.value(f);
                break;
            }
    }
    if (s.usual_ip_headers && !(ex.head.mask & kUsualIpHeaders)) [[likely]]
        return peer;
    if (!s.forwarded_by_client_ip || !(s.trust_all || ex.c.is_local || trusted(s, peer))) return peer;
    for (const std::string& name : s.remote_ip_headers) {
        std::string_view all;  // several fields of the name count as one list
        for (const http::Field& f : ex.all_fields()) {
            if (http::same_name(ex.name(f), name))
                all = all.empty() ? ex.value(f) : ex.arena.concat(all, ",", ex.value(f));
        }
        std::string_view ip = all.empty() ? all : walk_header(s, all);
        if (!ip.empty()) return ip;  // as it was written
    }
    return peer;
}

}  // namespace gladius::engine
