#include "features/security_cors/cors.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "conf/scalar.h"
#include "engine/exchange.h"
#include "engine/respond.h"
#include "features/security_cors/policy.h"

namespace gladius::features {

namespace {

using cors::Options;
using cors::Policy;
using engine::Exchange;
using plan::Verdict;

// --- the request
// ------------------------------------------------------------------------------------------------------------------

// What a request asks for; empty: there is no such header.
struct Asked {
    std::string_view origin, method;
    uint32_t headers = 0;  // how many Access-Control-Request-Headers
};

constexpr std::string_view kRequestMethod = "Access-Control-Request-Method";
constexpr std::string_view kRequestHeaders = "Access-Control-Request-Headers";

Asked asked_by(const Exchange& ex) {
    Asked out;
    out.origin = ex.header("Origin");
    if (ex.head.method == http::Method::options) {
        out.method = ex.header(kRequestMethod);
        for (const http::Field& f : ex.all_fields())
            if (http::same_name(ex.name(f), kRequestHeaders)) ++out.headers;
    }
    return out;
}

// Every value of a header of the request, under another name: what was asked is what is answered.
void echo(Exchange& ex, std::string_view asked, std::string_view name) {
    for (const http::Field& f : ex.all_fields())
        if (http::same_name(ex.name(f), asked)) ex.answer_headers().add(name, ex.value(f));
}

// --- the log of "debug"
// ----------------------------------------------------------------------------------------------------------------------

bool says(const Policy& policy, const Exchange& ex) {
    return policy.debug && ex.w.log()->enabled(telemetry::Level::debug);
}

// Texts are made only when somebody reads them.
template <class... Args>
void say(const Policy& policy, const Exchange& ex, fmt::format_string<Args...> text, Args&&... args) {
    if (!says(policy, ex)) return;
    std::time_t now = ex.w.loop.unix_seconds();
    std::tm t{};
    localtime_r(&now, &t);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y/%m/%d %H:%M:%S ", &t);
    ex.w.log()->write(telemetry::Level::debug, "[CORS]", stamp + fmt::format(text, std::forward<Args>(args)...));
}

// As Go prints a map of lists.
std::string shown(const engine::DraftHeaders& headers) {
    std::map<std::string_view, std::string> lists;
    for (const engine::DraftField& f : headers.all()) {
        std::string& list = lists[f.name];
        list += (list.empty() ? "" : " ") + std::string(f.value);
    }
    std::string out;
    for (const auto& [name, list] : lists)
        out += fmt::format("{}{}:[{}]", out.empty() ? "" : " ", name, list);
    return "map[" + out + "]";
}

// --- answers
// ----------------------------------------------------------------------------------------------------------------------

void allow_origin(const Policy& policy, Exchange& ex) {
    if (policy.every_origin())
        ex.answer_headers().add("Access-Control-Allow-Origin", "*");
    else
        echo(ex, "Origin", "Access-Control-Allow-Origin");
}

void answer_preflight(const Policy& policy, const Asked& asked, Exchange& ex) {
    engine::DraftHeaders& out = ex.answer_headers();
    out.add("Vary", policy.preflight_vary());
    if (asked.origin.empty()) return say(policy, ex, "  Preflight aborted: empty origin");
    if (!policy.allows_origin(asked.origin))
        return say(policy, ex, "  Preflight aborted: origin '{}' not allowed", asked.origin);
    if (!policy.allows_method(asked.method))
        return say(policy, ex, "  Preflight aborted: method '{}' not allowed", asked.method);
    auto* values = ex.arena.array<std::string_view>(asked.headers);
    uint32_t n = 0;
    for (const http::Field& f : ex.all_fields())
        if (http::same_name(ex.name(f), kRequestHeaders)) values[n++] = ex.value(f);
    if (!policy.allows_headers({values, n})) {
        std::string list;
        for (uint32_t i = 0; i < n; ++i)
            list += (i ? " " : "") + std::string(values[i]);
        return say(policy, ex, "  Preflight aborted: headers '[{}]' not allowed", list);
    }
    allow_origin(policy, ex);
    echo(ex, kRequestMethod, "Access-Control-Allow-Methods");
    if (n > 0 && !values[0].empty()) echo(ex, kRequestHeaders, "Access-Control-Allow-Headers");
    if (policy.allow_credentials) out.add("Access-Control-Allow-Credentials", "true");
    if (policy.allow_private_network && ex.header("Access-Control-Request-Private-Network") == "true")
        out.add("Access-Control-Allow-Private-Network", "true");
    if (!policy.max_age.empty()) out.add("Access-Control-Max-Age", ex.arena.copy(policy.max_age));
    if (says(policy, ex)) say(policy, ex, "  Preflight response headers: {}", shown(out));
}

void mark_answer(const Policy& policy, const Asked& asked, Exchange& ex) {
    engine::DraftHeaders& out = ex.answer_headers();
    out.add("Vary", "Origin");
    if (asked.origin.empty()) return say(policy, ex, "  Actual request no headers added: missing origin");
    if (!policy.allows_origin(asked.origin))
        return say(policy, ex, "  Actual request no headers added: origin '{}' not allowed", asked.origin);
    if (!policy.allows_method(ex.method()))
        return say(policy, ex, "  Actual request no headers added: method '{}' not allowed", ex.method());
    allow_origin(policy, ex);
    if (!policy.exposed.empty()) out.add("Access-Control-Expose-Headers", ex.arena.copy(policy.exposed));
    if (policy.allow_credentials) out.add("Access-Control-Allow-Credentials", "true");
    if (says(policy, ex)) say(policy, ex, "  Actual response added headers: {}", shown(out));
}

Verdict on_preflight(const Policy& policy, const Asked& asked, Exchange& ex) {
    say(policy, ex, "Handler: Preflight request");
    answer_preflight(policy, asked, ex);
    if (policy.options_passthrough) return Verdict::next;
    ex.unlogged = true;  // it never reaches the router, which writes the log
    return engine::refuse_request(ex, policy.success_status);
}

// --- stages
// ----------------------------------------------------------------------------------------------------------------------

Verdict at_endpoint(const void* config, Exchange& ex);

// The policy of the endpoint that the preflight asks about; nullptr: it has none of its own.
const Policy* policy_of_endpoint(std::string_view method, Exchange& ex) {
    const plan::Snapshot& s = ex.w.snapshot();
    plan::RouteMatch match;
    s.router->find(http::method_of(method), ex.target.path, ex.arena, match);
    if (match.kind != plan::RouteMatch::found || s.routes[match.target].endpoint == UINT32_MAX) return nullptr;
    for (const plan::Stage& stage : s.endpoints[s.routes[match.target].endpoint]->pre)
        if (stage.run == &at_endpoint) return static_cast<const Policy*>(stage.config.get());
    return nullptr;
}

// config: nullptr when only endpoints have a policy.
Verdict at_service(const void* config, Exchange& ex) {
    const auto* policy = static_cast<const Policy*>(config);
    Asked asked = asked_by(ex);
    if (!asked.method.empty()) {
        if (const Policy* own = policy_of_endpoint(asked.method, ex)) policy = own;
        return policy ? on_preflight(*policy, asked, ex) : Verdict::next;
    }
    if (policy) {
        say(*policy, ex, "Handler: Actual request");
        mark_answer(*policy, asked, ex);
    }
    return Verdict::next;
}

Verdict at_endpoint(const void* config, Exchange& ex) {
    Asked asked = asked_by(ex);
    if (!asked.method.empty()) return Verdict::next;  // a preflight that was passed through has its headers
    for (std::string_view name :
         {"Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Allow-Credentials"})
        ex.answer_headers().remove(name);
    mark_answer(*static_cast<const Policy*>(config), asked, ex);
    return Verdict::next;
}

// --- compiling
// ----------------------------------------------------------------------------------------------------------------------

struct Written : Options {
    std::string max_age;
};

constexpr conf::Field kFields[] = {
    conf::field<&Written::allow_origins>("allow_origins", "[\"*\"]",
                                         "Origins that may read answers; one star in each, case does not count."),
    conf::field<&Written::allow_methods>("allow_methods", "[\"GET\", \"HEAD\", \"POST\"]",
                                         "Methods that other origins may use, in capitals."),
    conf::field<&Written::allow_headers>("allow_headers", "[\"*\"]", "Request headers that other origins may send."),
    conf::field<&Written::expose_headers>("expose_headers", "[]", "Headers of answers that a page may read."),
    conf::field<&Written::allow_credentials>("allow_credentials", "false", "Whether cookies and the like may be sent."),
    conf::field<&Written::allow_private_network>("allow_private_network", "false",
                                                 "Whether public pages may ask this private address."),
    conf::field<&Written::options_passthrough>("options_passthrough", "false",
                                               "Preflights go on to the router, with their headers."),
    conf::field<&Written::options_success_status>("options_success_status", "204", "Status of a preflight's answer."),
    conf::field<&Written::max_age>("max_age", "0h", "How long a browser may remember a preflight's answer.")
        .with([](conf::Field& f) { f.type = conf::FieldType::duration; }),
    conf::field<&Written::debug>("debug", "false", "Logs every decision, at level DEBUG."),
};
constexpr conf::FieldTable kTable{"security/cors", kFields, conf::Reading::strict};

std::shared_ptr<const Policy> build(const conf::Node& config, plan::Builder& builder) {
    Written w;
    conf::Diagnostics said_while_loading;
    conf::Reader(said_while_loading).read(config, kTable, &w);
    if (!w.max_age.empty()) {
        std::optional<conf::Duration> age = conf::parse_duration(w.max_age);
        if (age)
            w.max_age_seconds = std::chrono::duration_cast<std::chrono::seconds>(*age).count();
        else
            builder.left_out(config.find("max_age"), "max_age \"" + w.max_age + "\" is no duration and is ignored",
                             "write it with a unit, such as \"12h\"");
    }
    int64_t status = w.options_success_status;
    if (status != 0 && (status < 200 || status > 999)) {
        builder.refuse(config.find("options_success_status"),
                       std::to_string(status) + " is no status of an answer; the reference breaks off every preflight",
                       "write 204 or 200");
        w.options_success_status = 0;
    }
    return std::make_shared<Policy>(w);
}

bool has_service_stage(const plan::RouterPlan& service) {
    return std::any_of(service.before_routing.begin(), service.before_routing.end(),
                       [](const plan::Stage& s) { return s.run == &at_service; });
}

void compile_service(const conf::Node& config, plan::ServiceBuilder& builder) {
    builder.add(plan::Phase::cross_origin, {.run = &at_service, .config = build(config, builder)});
}

void compile_endpoint(const conf::Node& config, plan::EndpointBuilder& builder) {
    builder.add(plan::Phase::endpoint_origin, {.run = &at_endpoint, .config = build(config, builder)});
    if (!has_service_stage(builder.service.plan)) builder.service.add(plan::Phase::cross_origin, {.run = &at_service});
}

}  // namespace

const plan::Feature security_cors = {
    .info = {.name = "security/cors",
             .alias = "github_com/devopsfaith/krakend-cors",
             .levels = conf::Level::service | conf::Level::endpoint,
             .posture = conf::Posture::protective,
             .built = true,
             .fields = &kTable},
    .compile_service = &compile_service,
    .compile_endpoint = &compile_endpoint,
};

}  // namespace gladius::features
