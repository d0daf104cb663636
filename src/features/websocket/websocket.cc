#include "features/websocket/websocket.h"

#include <algorithm>

#include "conf/scalar.h"
#include "features/websocket/options.h"

namespace gladius::features {

namespace {

using ws::Options;

uint64_t in_ms(std::chrono::nanoseconds d) {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
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
    if (!all)
        wrong(at(backend.node, "host"), "every host must begin with ws:// or wss://",
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
    if (o.input_headers.empty() && !b.endpoint.input_headers.empty())
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

void compile(const conf::Node& config, plan::EndpointBuilder& builder) {
    if (!fits(config, builder)) return;
    Options o;
    conf::Diagnostics said;  // the table was checked while loading
    conf::Reader(said).read(config, ws::kTable, &o);
    check_values(o, config, builder);
    if (!o.enable_direct_communication) {
        builder.left_out(config, "one connection for all clients is not built yet: every request fails",
                         "write \"enable_direct_communication\": true");
        return;
    }
    plan::EndpointPlan& plan = builder.plan;
    plan::BackendPlan& backend = plan.backends[0];
    for (std::string& h : o.input_headers)
        h = conf::canonical_header(h);
    backend.headers = plan::NameRule::of(o.input_headers);
    backend.method = http::Method::get;
    backend.method_name = "GET";
    plan.executor = plan::Executor::tunnel;
    plan.tunnel = make_tunnel(o);
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
