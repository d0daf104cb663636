#include "features/plugin_ip_filter/ip_filter.h"

#include <fmt/format.h>

#include <algorithm>

#include "conf/scalar.h"
#include "engine/exchange.h"
#include "engine/respond.h"
#include "features/plugin_ip_filter/networks.h"

namespace gladius::features {

namespace {

using engine::Exchange;
using ip_filter::Bytes;
using ip_filter::Hops;
using ip_filter::Networks;
using plan::Verdict;

constexpr std::string_view kName = "ip-filter";

struct Config {
    Networks list;
    bool allow = false;  // only these; else all but these
    std::vector<std::string> headers;
    Hops hops;
};

// False: nobody knows.
bool find_client(const Config& c, const Exchange& ex, Bytes& who) {
    if (!ip_filter::parse(ex.c.address(), who)) return false;
    if (!c.hops.trusts(who)) return true;
    for (const std::string& name : c.headers) {
        std::string_view said = ex.header(name);
        Bytes found;
        if (said.empty() || !c.hops.walk(said, found)) continue;
        who = found;
        return true;
    }
    return true;
}

Verdict run(const void* config, Exchange& ex) {
    const auto& c = *static_cast<const Config*>(config);
    Bytes who;
    bool known = find_client(c, ex, who);
    bool passes = known ? c.list.holds(who) == c.allow : false;
    return passes ? Verdict::next : engine::refuse_request(ex, 403);
}

struct FilterOptions {
    std::vector<std::string> cidr, client_ip_headers = {"X-Forwarded-For", "X-Real-IP", "X-Appengine-Remote-Addr"};
    std::vector<std::string> trusted_proxies;
    bool allow = false;
};

constexpr conf::Field kFields[] = {
    conf::field<&FilterOptions::cidr>("CIDR", "", "Networks or addresses.").required(),
    conf::field<&FilterOptions::allow>("allow", "false", "true: only these may ask; false: all but these.").required(),
    conf::field<&FilterOptions::client_ip_headers>(
        "client_ip_headers", "[\"X-Forwarded-For\", \"X-Real-IP\", \"X-Appengine-Remote-Addr\"]",
        "Where a trusted proxy says who asks; the first that is an address."),
    conf::field<&FilterOptions::trusted_proxies>("trusted_proxies", "[]", "Whose headers are believed."),
};
constexpr conf::FieldTable kTable{"ip-filter", kFields, conf::Reading::strict};

bool is_named(const conf::Node& plugins) {
    conf::Node name = plugins.find("name");
    auto is_it = [](const conf::Node& n) { return n.is(conf::Kind::string) && n.text() == kName; };
    if (is_it(name)) return true;
    for (conf::Node n : name.elements())
        if (is_it(n)) return true;
    return false;
}

void add_networks(const std::vector<std::string>& texts, const conf::Node& at, plan::Builder& builder, Networks& out) {
    for (const std::string& text : texts)
        if (!out.add(text))
            builder.refuse(at, fmt::format("ip-filter: \"{}\" is no network", text), "write it as \"10.0.0.0/8\"");
    out.sort();
}

void compile(const conf::Node& plugins, plan::ServiceBuilder& builder) {
    conf::Node config = plugins.find(kName);
    bool named = is_named(plugins);
    if (!config && !named) return;
    if (!config || !named)
        return builder.refuse(plugins,
                              config ? "ip-filter is not among the names in \"name\", so it would filter nothing"
                                     : "ip-filter is named, but \"ip-filter\" does not say what it should filter",
                              "write both \"name\": [\"ip-filter\"] and \"ip-filter\": {...}");
    FilterOptions o;
    conf::Reader reader(builder.diagnostics);
    reader.set_context("\"plugin/http-server\": ip-filter: ");
    reader.set_lenient(builder.allow_unsupported);
    if (!reader.read(config, kTable, &o)) return;
    auto c = std::make_shared<Config>();
    c->allow = o.allow;
    add_networks(o.cidr, config.find("CIDR"), builder, c->list);
    add_networks(o.trusted_proxies, config.find("trusted_proxies"), builder, c->hops.trusted);
    for (const std::string& name : o.client_ip_headers)
        c->headers.push_back(conf::canonical_header(name));
    if (o.trusted_proxies.empty())
        builder.left_out(config,
                         "ip-filter: without \"trusted_proxies\" the address of the connection counts, and no header",
                         "name the proxies in front, if there are any");
    builder.add(plan::Phase::server_plugins, {.run = &run, .config = std::move(c)});
}

constexpr std::string_view kPlugins[] = {kName};

}  // namespace

const plan::Feature plugin_ip_filter = {
    .info = {.name = "plugin/http-server",
             .alias = "github_com/devopsfaith/krakend/transport/http/server/handler",
             .levels = static_cast<uint8_t>(conf::Level::service),
             .posture = conf::Posture::shaping,
             .built = true,
             .plugins = kPlugins},
    .compile_service = &compile,
};

}  // namespace gladius::features
