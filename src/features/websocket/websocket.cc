#include "features/websocket/websocket.h"

#include <algorithm>

#include "conf/scalar.h"
#include "conf/url.h"
#include "features/websocket/hub.h"
#include "features/websocket/options.h"
#include "features/websocket/session.h"

namespace gladius::features {

namespace {

using ws::Options;

uint64_t in_ms(std::chrono::nanoseconds d) {
    return std::max<uint64_t>(1,
                              static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()));
}

// False: this endpoint can never serve a WebSocket.
bool fits(const conf::Node& config, plan::EndpointBuilder& b) {
    const conf::Endpoint& e = b.endpoint;
    auto at = [](const conf::Node& object, std::string_view key) {
        conf::Node n = object.find(key);
        return n ? n : object;
    };
    bool ok = true;
    auto wrong = [&](const conf::Node& where, const std::string& message, std::string advice) {
        b.error(where, message, std::move(advice));
        ok = false;
    };
    if (!config.is(conf::Kind::object)) wrong(config, "it must be an object", "write {} for the defaults");
    if (e.method != "GET")
        wrong(at(e.node, "method"), "a WebSocket begins with GET", "set the endpoint's \"method\" to \"GET\"");
    if (e.backend.size() != 1) {
        wrong(at(e.node, "backend"), "there must be exactly one backend, with one or more hosts",
              "keep one backend; its hosts take turns");
        return false;
    }
    const conf::Backend& backend = e.backend[0];
    if (backend.proxy.shadow) wrong(backend.node, "the one backend is a shadow", "remove \"shadow\"");
    const auto& hosts = b.plan.backends.empty() ? std::vector<plan::HostRef>() : b.plan.backends[0].hosts;
    bool all = hosts.size() == backend.host.size() && !hosts.empty() &&
               std::all_of(hosts.begin(), hosts.end(), [](const plan::HostRef& h) { return h.host->websocket; });
    // Spoken to the same way; files that the Community edition reads without the namespace have them.
    if (hosts.empty())
        wrong(at(backend.node, "host"), "there is no host to connect to", "write \"host\": [\"ws://name:port\"]");
    else if (!all)
        b.left_out(at(backend.node, "host"),
                   "hosts of a WebSocket begin with ws:// or wss://: http:// is read as ws://",
                   "write \"ws://name:port\", and \"disable_host_sanitize\": true at the backend");
    return ok;
}

void check_values(Options& o, const conf::Node& config, plan::EndpointBuilder& b) {
    auto warn = [&](std::string_view key, const std::string& message, std::string advice) {
        conf::Node at = config.find(key);
        b.left_out(at ? at : config, message, std::move(advice));
    };
    if (o.timeout < std::chrono::minutes(1)) {
        warn("timeout", "a \"timeout\" below 1m is read as 1m", "write 1m or more");
        o.timeout = std::chrono::minutes(1);
    }
    if (!o.enable_direct_communication && !o.input_headers.empty())
        warn("input_headers", "\"input_headers\" has no effect on a connection that all clients share",
             "set \"enable_direct_communication\", or leave it out");
    if (!o.enable_direct_communication && o.ping_period >= o.pong_wait)
        warn("ping_period", "\"ping_period\" is not less than \"pong_wait\": clients that say nothing are disconnected",
             "write a \"ping_period\" below \"pong_wait\"");
    if (o.enable_direct_communication && o.input_headers.empty() && !b.endpoint.input_headers.empty())
        warn("input_headers", "the \"input_headers\" of the endpoint do not count here: no header of the client passes",
             "write those that should pass into \"input_headers\" of \"websocket\"");
}

std::shared_ptr<const plan::TunnelPlan> make_tunnel(const Options& o) {
    auto t = std::make_shared<plan::TunnelPlan>();
    t->protocol = "websocket";
    t->refusal = "Sec-Websocket-Version: 13\r\nX-Content-Type-Options: nosniff\r\n";
    t->headers = {"Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol"};
    t->offers_header = "Sec-Websocket-Protocol";
    t->offers = o.subprotocols;
    t->idle_timeout_ms = in_ms(o.timeout);
    return t;
}

ws::Settings::Backoff backoff_of(std::string_view name) {
    using Backoff = ws::Settings::Backoff;
    constexpr std::pair<std::string_view, Backoff> kNames[] = {{"linear", Backoff::linear},
                                                               {"linear-jitter", Backoff::linear_jitter},
                                                               {"exponential", Backoff::exponential},
                                                               {"exponential-jitter", Backoff::exponential_jitter}};
    for (const auto& [written, backoff] : kNames)
        if (name == written) return backoff;
    return Backoff::fallback;
}

std::shared_ptr<const ws::Settings> make_settings(const Options& o, plan::EndpointBuilder& b) {
    auto s = std::make_shared<ws::Settings>();
    const plan::BackendPlan& backend = b.plan.backends[0];
    s->name = "GET " + b.plan.pattern;
    s->hub = b.state<ws::Hub>(s->name);
    s->endpoint = b.plan.path;
    for (const std::string& name : b.endpoint.params)
        s->params.push_back(conf::param_key(name));
    s->one_link = backend.url.fixed() && !backend.append_rest;
    if (s->one_link) s->target = backend.url.pieces.empty() ? "/" : backend.url.pieces[0].literal;
    for (const plan::HostRef& h : backend.hosts)
        s->hosts.push_back(h.host);
    s->user_agent = b.plan.service->user_agent;
    s->subprotocols = o.subprotocols;
    s->connect_event = o.connect_event;
    s->disconnect_event = o.disconnect_event;
    s->error_details = o.return_error_details;
    s->read_bytes = std::min(static_cast<size_t>(o.read_buffer_size), engine::Worker::kReceive);
    s->write_bytes = static_cast<size_t>(o.write_buffer_size);
    s->max_message = static_cast<size_t>(o.max_message_size);
    s->max_waiting = static_cast<uint32_t>(o.message_buffer_size);
    s->write_wait_ms = in_ms(o.write_wait);
    s->pong_wait_ms = in_ms(o.pong_wait);
    s->ping_period_ms = in_ms(o.ping_period);
    s->handshake_ms = b.plan.timeout_ms;
    s->max_retries = static_cast<uint32_t>(std::max<int64_t>(0, std::min<int64_t>(o.max_retries, UINT32_MAX)));
    s->backoff = backoff_of(o.backoff_strategy);
    return s;
}

ws::Hub& hub_of(const void* config) {
    return *static_cast<const ws::Settings*>(config)->hub;
}

void compile(const conf::Node& config, plan::EndpointBuilder& builder) {
    if (!fits(config, builder)) return;
    Options o;
    conf::Diagnostics said;  // the table was checked while loading
    conf::Reader(said).read(config, ws::kTable, &o);
    check_values(o, config, builder);
    plan::EndpointPlan& plan = builder.plan;
    plan::BackendPlan& backend = plan.backends[0];
    for (std::string& h : o.input_headers)
        h = conf::canonical_header(h);
    backend.headers = plan::NameRule::of(o.input_headers);
    backend.method = http::Method::get;
    backend.method_name = "GET";
    if (o.enable_direct_communication) {
        plan.executor = plan::Executor::tunnel;
        plan.tunnel = make_tunnel(o);
        return;
    }
    // The query strings of one client mean nothing to the connection of all.
    backend.query = {};
    std::shared_ptr<const ws::Settings> settings = make_settings(o, builder);
    plan.executor = plan::Executor::feature;
    plan.feature = {&ws::run_session, settings,
                    settings->one_link
                        ? "websocket: all clients share one connection to the backend"
                        : "websocket: clients share a connection to the backend, one for each URL of it"};
    plan.resident = {
        .name = "websocket " + settings->name,
        .config = settings,
        .start =
            [](const std::shared_ptr<const void>& c, engine::Worker& w) {
                auto s = std::static_pointer_cast<const ws::Settings>(c);
                s->hub->start(s, w);
            },
        .stop = [](const void* c, engine::Worker& w) { hub_of(c).stop(w); },
        .drain = [](const void* c, engine::Worker&) { hub_of(c).drain(); },
    };
}

}  // namespace

const plan::Feature websocket = {
    .info = {.name = "websocket",
             .alias = "",
             .levels = static_cast<uint8_t>(conf::Level::endpoint),
             .posture = conf::Posture::shaping,
             .built = true,
             .fields = &ws::kTable},
    .compile_endpoint = &compile,
};

}  // namespace gladius::features
