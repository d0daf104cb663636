#include "conf/normalise.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "conf/flatmap.h"
#include "conf/listeners.h"
#include "conf/reference.h"
#include "conf/scalar.h"
#include "conf/tls.h"
#include "conf/url.h"

namespace gladius::conf {

namespace {

using namespace std::chrono_literals;

// As Go prints a list: [a b].
std::string go_list(const std::vector<std::string>& list) {
    std::string out = "[";
    for (const std::string& s : list) {
        if (out.size() > 1) out += ' ';
        out += s;
    }
    return out + "]";
}

// Every text inside a value.
template <class Fn>
void for_each_text(const Node& n, const Fn& fn) {
    if (!n) return;
    if (n.is(Kind::string)) fn(n);
    if (n.is(Kind::array))
        for (Node e : n.elements())
            for_each_text(e, fn);
    if (n.is(Kind::object))
        for (Member m : n.members())
            for_each_text(m.value, fn);
}

class Normaliser {
  public:
    Normaliser(Service& service, const NormaliseOptions& options, Diagnostics& diagnostics)
        : service_(service), options_(options), diagnostics_(diagnostics) {}

    void run();

  private:
    void say(Severity s, const Node& at, std::string message, std::string advice = {}) {
        if (diagnostics_.full(s)) return diagnostics_.count_only(s);
        diagnostics_.add(s, at.place(), std::move(message), std::move(advice));
    }
    // The member if it is there, else the object.
    static Node at(const Node& object, std::string_view key) {
        Node n = object.find(key);
        return n ? n : object;
    }
    static Node element(const Node& list, size_t index) {
        if (!list.is(Kind::array)) return list;
        for (Node e : list.elements()) {
            if (index-- == 0) return e;
        }
        return list;
    }

    bool version();
    void globals();
    void router();
    void tls();
    void hosts(std::vector<std::string>& list, const Node& object, bool sanitize, std::string_view where);
    void host_remarks(const std::string& host, const Node& n, std::string_view where);
    void endpoint(Endpoint& e);
    bool endpoint_path(Endpoint& e);
    void backend(Backend& b, size_t index, Endpoint& e);
    void proxy_rules(Endpoint& e);
    void call_rules(const Endpoint& e);
    void stream_rules(const Endpoint& e);
    void backend_common(Backend& b, std::string_view where);
    void backend_flatmap(Backend& b, std::string_view where);
    void endpoint_flatmap(Endpoint& e, std::string_view where);
    void backend_parameters(Backend& b, size_t index, const Endpoint& e);
    void agent(AsyncAgent& a, size_t index);

    Service& service_;
    const NormaliseOptions& options_;
    Diagnostics& diagnostics_;
    std::unordered_set<std::string> said_hosts_;
};

bool Normaliser::version() {
    if (service_.version == 3) return true;
    Node n = at(service_.node, "version");
    std::string advice;
    if (service_.version == 2 || service_.version == 1) {
        advice =
            "this is a file for KrakenD 1.x; set \"version\": 3 and rename headers_to_pass to input_headers, "
            "querystring_params to "
            "input_query_strings, whitelist to allow, blacklist to deny, and the namespaces github.com/devopsfaith/... "
            "to their short "
            "names (https://www.krakend.io/docs/configuration/migrating/)";
    } else if (service_.version == 0) {
        advice = "add \"version\": 3";
    } else {
        advice = "write \"version\": 3";
    }
    say(Severity::error, n, fmt::format("unsupported version: {} (want: 3)", service_.version), std::move(advice));
    return false;
}

void Normaliser::run() {
    if (!version()) return;  // every other remark would be about another language
    globals();
    for (Endpoint& e : service_.endpoints)
        endpoint(e);
    for (size_t i = 0; i < service_.async_agent.size(); ++i)
        agent(service_.async_agent[i], i);
}

void Normaliser::globals() {
    Service& s = service_;
    if (s.port == 0) s.port = 8080;
    if (s.max_idle_connections_per_host == 0) s.max_idle_connections_per_host = 250;
    if (s.timeout == 0ns) s.timeout = 2s;
    if (s.dns_cache_ttl < 1s) s.dns_cache_ttl = 30s;
    if (s.dialer_keep_alive == 0ns) s.dialer_keep_alive = 15s;
    if (s.dialer_fallback_delay == 0ns) s.dialer_fallback_delay = 300ms;
    if (s.max_header_bytes <= 0) s.max_header_bytes = 1 << 20;
    if (s.output_encoding.empty()) s.output_encoding = "json";
    if (!s.listen_ip.empty() && !is_ip(s.listen_ip)) {
        say(Severity::error, at(s.node, "listen_ip"), fmt::format("invalid ip address {}", s.listen_ip),
            "write an address such as 127.0.0.1, or leave it out to listen on all");
    }
    hosts(s.host, s.node, true, "");
    tls();
    NamespaceContext context{Level::service, "", options_.namespaces, options_.allow_unsupported};
    const NamespaceSink sinks[] = {{"router", &s.router},
                                   {"telemetry/logging", &s.logging},
                                   {"gladius/limits", &s.limits},
                                   {"gladius/listeners", &s.listeners},
                                   {"gladius/compression", &s.compression},
                                   {"gladius/reload", &s.reload}};
    check_misplaced(s.node, kServiceTable, context, diagnostics_);
    check_namespaces(s.extra_config, context, sinks, diagnostics_);
    s.has_router = s.extra_config.has("router");
    s.has_logging = s.extra_config.has("telemetry/logging");
    s.logging.node = s.extra_config.find("telemetry/logging");
    if (s.has_router) router();
    s.compression.node = s.extra_config.find("gladius/compression");
    check_listeners(s, diagnostics_);
}

void Normaliser::router() {
    RouterOptions& r = service_.router;
    Node n = service_.extra_config.find("router");
    r.error_body_404 = r.error_body.find("404");
    r.error_body_405 = r.error_body.find("405");
    if (r.health_path.empty()) r.health_path = "/__health";
    if (r.health_path[0] != '/') r.health_path = "/" + r.health_path;
    const RouterOptions defaults;
    if (r.remote_ip_headers.empty()) r.remote_ip_headers = defaults.remote_ip_headers;
    if (r.trusted_proxies.empty()) r.trusted_proxies = defaults.trusted_proxies;
    for (std::string& h : r.remote_ip_headers)
        h = canonical_header(h);
    for (const std::string& p : r.trusted_proxies) {
        if (is_ip_or_cidr(p)) continue;
        say(Severity::warning, at(n, "trusted_proxies"),
            fmt::format("router: \"{}\" in trusted_proxies is no address and no network: it and all behind it are not "
                        "trusted",
                        p),
            "write an address such as 10.0.0.1 or a network such as 10.0.0.0/8");
        break;
    }
}

void Normaliser::tls() {
    if (service_.tls && !service_.tls->disabled) service_.tls->spec = tls_server_spec(*service_.tls, diagnostics_);
    service_.backend_tls = service_.client_tls ? tls_client_spec(*service_.client_tls, "client_tls", diagnostics_)
                                               : default_tls_client_spec();
    if (service_.allow_insecure_connections) {
        // As in the reference, where it makes a "client_tls" with that one field.
        if (!service_.client_tls) service_.backend_tls = tls_client_spec({}, "client_tls", diagnostics_);
        service_.backend_tls.verify = false;
    }
}

void Normaliser::host_remarks(const std::string& host, const Node& n, std::string_view where) {
    std::string_view rest = host;
    if (rest.substr(0, 8) == "https://") {
        rest.remove_prefix(8);
    } else if (rest.substr(0, 7) == "http://") {
        rest.remove_prefix(7);
    } else {
        return;
    }
    rest = rest.substr(0, rest.find('/'));
    size_t colon = rest.rfind(':');
    if (colon != std::string_view::npos && rest.find(']') == std::string_view::npos) {
        auto port = parse_integer(rest.substr(colon + 1));
        std::string_view text = rest.substr(colon + 1);
        while (text.size() > 1 && text[0] == '0')
            text.remove_prefix(1);
        port = parse_integer(text);
        if (!port || *port < 1 || *port > 65535) {
            say(Severity::warning, n,
                fmt::format("{}host {} has no usable port; every request to it will fail", where, host),
                "write a port from 1 to 65535");
        }
        rest = rest.substr(0, colon);
    }
    bool numeric = !rest.empty() && rest.find_first_not_of("0123456789.") == std::string_view::npos;
    bool bad_label = rest.size() > 253 || rest.empty() || rest[0] == '.' || rest[0] == '-' ||
                     rest.find("..") != std::string_view::npos;
    if (bad_label || (numeric && !is_ip(rest))) {
        say(Severity::warning, n,
            fmt::format("{}host {} is no address and no name that DNS knows; every request to it will fail", where,
                        host));
    }
}

void Normaliser::hosts(std::vector<std::string>& list, const Node& object, bool sanitize, std::string_view where) {
    Node written = object.find("host");
    for (size_t i = 0; i < list.size(); ++i) {
        std::string& host = list[i];
        if (host.starts_with("unix:")) {  // ours
            if (!is_unix_host(host))
                say(Severity::error, written ? element(written, i) : object,
                    fmt::format("{}host {} not valid: invalid host", where, host.substr(0, 200)),
                    "write the whole path of a unix socket, at most 107 bytes: \"unix:/run/app.sock\"");
            continue;
        }
        if (!sanitize) {
            if (host.find("://") == std::string::npos && said_hosts_.insert("raw " + host).second) {
                say(Severity::warning, element(written, i),
                    fmt::format("{}host \"{}\" has no scheme and is not cleaned; every request to it will fail", where,
                                host),
                    fmt::format("write \"http://{}\"", host));
            } else {
                host_remarks(host, element(written, i), where);
            }
            continue;
        }
        std::optional<CleanHost> clean = clean_host(host);
        if (!clean) {
            say(Severity::error, written ? element(written, i) : object,
                fmt::format("{}host {} not valid: invalid host", where, host.substr(0, 200)), host_advice(host));
            continue;
        }
        Node n = written ? element(written, i) : object;
        if ((clean->scheme_added || clean->trimmed) && said_hosts_.insert(host).second) {
            say(Severity::warning, n,
                fmt::format("{}host \"{}\" {}: {} is used", where, host,
                            clean->trimmed ? "has characters that are dropped" : "has no scheme", clean->host),
                fmt::format("write \"{}\"", clean->host));
        }
        host = clean->host;
        host_remarks(host, n, where);
    }
}

bool Normaliser::endpoint_path(Endpoint& e) {
    e.endpoint = clean_path(e.endpoint);
    bool ok = true;
    if (is_illegal_endpoint(e.endpoint)) {
        std::string advice = e.endpoint.find('*') != std::string::npos
                                 ? "a * may stand only at the end: /path/*"
                                 : "/__debug, /__echo and /__health are the gateway's own: use another path";
        say(Severity::error, at(e.node, "endpoint"),
            fmt::format("ignoring the '{} {}' endpoint, since it is invalid!!!", e.method, e.endpoint),
            std::move(advice));
        ok = false;
    }
    if (e.backend.empty()) {
        say(Severity::error, at(e.node, "backend"),
            fmt::format("ignoring the '{} {}' endpoint, since it has 0 backends defined!", e.method, e.endpoint),
            "add at least one backend: \"backend\": [{ \"host\": [\"http://...\"], \"url_pattern\": \"/...\" }]");
        ok = false;
    }
    if (!e.node.find("endpoint") && e.endpoint == "/") {
        say(Severity::warning, e.node, "this endpoint has no \"endpoint\": it answers at /",
            "add \"endpoint\": \"/path\"");
    }
    return ok;
}

void Normaliser::endpoint(Endpoint& e) {
    const Service& s = service_;
    endpoint_path(e);
    for (std::string& h : e.input_headers)
        h = canonical_header(h);
    e.params = endpoint_params(e.endpoint, s.disable_rest);
    e.path = router_path(e.endpoint, e.params);
    e.is_catch_all = e.endpoint == "/__catchall";
    e.is_wildcard = e.endpoint.size() >= 2 && e.endpoint.compare(e.endpoint.size() - 2, 2, "/*") == 0;

    std::string_view rest = e.path;
    if (rest.find('{') != std::string_view::npos || rest.find('}') != std::string_view::npos) {
        say(Severity::warning, at(e.node, "endpoint"),
            fmt::format("endpoint {}: the braces are no parameter and stand for themselves", e.endpoint),
            s.disable_rest
                ? "a parameter's name has letters, digits and _ - . : /"
                : "a parameter fills a whole segment, as in /a/{id}; \"disable_rest\": true allows it inside one");
    }
    if (e.endpoint.find_first_of("?&%") != std::string::npos) {
        say(Severity::warning, at(e.node, "endpoint"),
            fmt::format("endpoint {}: a path with ? & or % in it is never asked for", e.endpoint),
            "query strings pass with input_query_strings, not in the path");
    }
    if (e.endpoint.find(':') != std::string::npos && e.params.empty()) {
        say(Severity::warning, at(e.node, "endpoint"),
            fmt::format(
                "endpoint {}: the router reads what follows a colon as the name of a parameter that no backend can use",
                e.endpoint),
            "write a parameter as {name}");
    }

    std::string written_method = e.method.empty() ? "GET" : e.method;
    e.method = to_upper(written_method);
    static constexpr std::string_view kRouted[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    e.is_routed = std::find(std::begin(kRouted), std::end(kRouted), e.method) != std::end(kRouted);
    if (!e.is_routed) {
        say(Severity::warning, at(e.node, "method"),
            fmt::format("[ENDPOINT: {} ] Unsupported method {}: this endpoint is left out", e.path, written_method),
            "write GET, POST, PUT, PATCH or DELETE");
    }
    if (e.cache_ttl == 0ns) e.cache_ttl = s.cache_ttl;
    if (e.timeout == 0ns) e.timeout = s.timeout;
    if (e.concurrent_calls == 0) e.concurrent_calls = 1;
    if (e.concurrent_calls < 1) {
        say(Severity::warning, at(e.node, "concurrent_calls"),
            fmt::format("endpoint {}: concurrent_calls is {}, read as 1", e.endpoint, e.concurrent_calls),
            "write 1 or more");
        e.concurrent_calls = 1;
    }
    if (e.output_encoding.empty()) e.output_encoding = s.output_encoding;
    if (e.output_encoding == "no-op" && e.backend.size() > 1) {
        say(Severity::error, at(e.node, "output_encoding"),
            fmt::format(
                "endpoint {} {}: can not use NoOp encoding with more than one backends connected to the same endpoint",
                e.method, e.endpoint),
            "keep one backend, or use another output_encoding");
    }
    std::string where = fmt::format("endpoint {} {}", e.method, e.endpoint);
    NamespaceContext context{Level::endpoint, where, options_.namespaces, options_.allow_unsupported};
    check_misplaced(e.node, kEndpointTable, context, diagnostics_);
    const NamespaceSink sinks[] = {
        {"proxy", &e.proxy}, {"gladius/stream", &e.stream}, {"gladius/compression", &e.compression}};
    check_namespaces(e.extra_config, context, sinks, diagnostics_);
    e.compression.node = e.extra_config.find("gladius/compression");
    for (size_t i = 0; i < e.backend.size(); ++i)
        backend(e.backend[i], i, e);
    endpoint_flatmap(e, where);
    proxy_rules(e);
    call_rules(e);
    stream_rules(e);
}

void Normaliser::stream_rules(const Endpoint& e) {
    Node block = e.extra_config.find("gladius/stream");
    if (!block) return;
    std::string where = fmt::format("endpoint {} {}: gladius/stream", e.method, e.endpoint);
    if (e.output_encoding != "no-op") {
        say(Severity::error, block, where + " has nothing to do: only no-op passes a body on while it comes",
            "write \"output_encoding\": \"no-op\", or remove the block");
    }
    if (block.find("idle_timeout") && e.stream.idle_timeout <= 0ns) {
        say(Severity::error, at(block, "idle_timeout"), where + ": idle_timeout has to be longer than nothing",
            "write a time such as \"30s\", or remove the block: then `timeout` covers the whole stream");
    }
}

// What the reference accepts in silence, and what it then does not do.
void Normaliser::proxy_rules(Endpoint& e) {
    std::string where = fmt::format("endpoint {} {}: proxy: ", e.method, e.endpoint);
    StaticOptions& fixed = e.proxy.static_data;
    if (fixed.node && !fixed.data.is(Kind::object)) {
        say(Severity::warning, fixed.data ? fixed.data : fixed.node,
            where + "\"static\" has no \"data\" that is an object: nothing is added to the answer",
            "write \"data\": { \"name\": \"value\" }");
        fixed = {};
    }
    auto shadows = static_cast<size_t>(
        std::count_if(e.backend.begin(), e.backend.end(), [](const Backend& b) { return b.proxy.shadow; }));
    if (shadows > 0 && shadows == e.backend.size()) {
        say(Severity::warning, at(e.node, "backend"),
            fmt::format("endpoint {} {} has only shadow backends: there is nobody to answer, every request gets 500",
                        e.method, e.endpoint),
            "keep at least one backend without \"shadow\": true");
    }
    if (e.proxy.sequential && e.backend.size() - shadows < 2) {
        say(Severity::warning, at(e.extra_config.find("proxy"), "sequential"),
            where + "\"sequential\" does nothing with fewer than two backends", "add a backend, or leave it out");
    }
    if (e.proxy.shadow) {
        say(Severity::warning, at(e.extra_config.find("proxy"), "shadow"),
            where + "\"shadow\" does nothing at an endpoint", "write it into the extra_config of a backend");
    }
}

// "gladius/call": every reference leads to something that is there when the call is made.
void Normaliser::call_rules(const Endpoint& e) {
    uint32_t real = 0, shadows = 0;
    for (const Backend& b : e.backend) {
        uint32_t position = b.proxy.shadow ? shadows++ : real++;
        const CallOptions& c = b.call;
        if (!c.node) continue;
        std::string where = fmt::format("endpoint {} {}: gladius/call: ", e.method, e.endpoint);
        auto wrong = [&](const Node& n, std::string message, std::string advice) {
            say(options_.allow_unsupported ? Severity::warning : Severity::error, n, where + message,
                std::move(advice));
        };
        auto listed = [](const std::vector<std::string>& list, std::string_view name) {
            return std::any_of(list.begin(), list.end(),
                               [&](const std::string& s) { return s == "*" || equal_fold(s, name); });
        };
        auto references = [&](const Node& n, std::string_view text) {
            for (const std::string& name : backend_params(text)) {
                Reference r = parse_reference(name);
                switch (r.kind) {
                    case Reference::Kind::none:
                        wrong(n, fmt::format("{{{}}} is no reference", name),
                              "write {resp0_field}, {resp0.status}, {resp0.header.Name}, {input_headers.Name}, "
                              "{input_query_strings.name}, {each.field} or a parameter of the path");
                        break;
                    case Reference::Kind::param:
                        if (std::find(e.params.begin(), e.params.end(), name) == e.params.end())
                            wrong(n, fmt::format("the path of the endpoint has no parameter {{{}}}", name),
                                  "use one that it has, or a reference such as {resp0_field}");
                        break;
                    case Reference::Kind::field:
                    case Reference::Kind::status:
                    case Reference::Kind::header:
                        if (!e.proxy.sequential || r.backend >= position)
                            wrong(n, fmt::format("{{{}}} is not known when this backend is called", name),
                                  "set \"sequential\": true in \"proxy\" and refer to an earlier backend, counted from "
                                  "0");
                        break;
                    case Reference::Kind::client_header:
                        if (!listed(e.input_headers, r.path))
                            wrong(n, fmt::format("the header {} does not pass this endpoint", r.path),
                                  "add it to the endpoint's \"input_headers\"");
                        break;
                    case Reference::Kind::client_query:
                        if (!listed(e.input_query_strings, r.path))
                            wrong(n, fmt::format("the query string {} does not pass this endpoint", r.path),
                                  "add it to the endpoint's \"input_query_strings\"");
                        break;
                    case Reference::Kind::each:
                        if (!c.foreach.node)
                            wrong(n, fmt::format("{{{}}} means something with \"foreach\" only", name),
                                  "add \"foreach\": { \"array\": \"resp0_items\" }");
                        break;
                }
            }
        };
        references(at(b.node, "url_pattern"), b.url_pattern);
        for (const auto& [name, value] : c.headers)
            references(c.node.find("headers"), value);
        for (const auto& [name, value] : c.query)
            references(c.node.find("query"), value);
        for_each_text(c.body, [&](const Node& n) { references(n, n.text()); });
        if (c.condition.node) {
            references(c.condition.node, c.condition.value);
            if (!c.condition.equals && !c.condition.not_equals && c.condition.in.empty() && !c.condition.exists)
                wrong(c.condition.node, "\"if\" compares \"value\" with nothing",
                      "add one of \"equals\", \"not_equals\", \"in\", \"exists\"");
        }
        if (c.fallback && !c.fallback.is(Kind::object))
            wrong(c.fallback, "\"fallback\" is no object", "write the members that stand in for the answer's");
        if (c.fallback && c.required.value_or(false))
            wrong(c.fallback, "what is \"required\" has no use for a \"fallback\"", "remove one of the two");
        if (c.foreach.node) {
            Reference r = parse_reference(c.foreach.array);
            if (r.kind != Reference::Kind::field || !e.proxy.sequential || r.backend >= position)
                wrong(c.foreach.node, fmt::format("\"{}\" is no array that is known here", c.foreach.array),
                      "set \"sequential\": true in \"proxy\" and name a field of an earlier backend: \"resp0_items\"");
        }
        if (e.output_encoding == "no-op" && (c.condition.node || c.foreach.node || c.fallback || c.required))
            wrong(c.node, "\"if\", \"foreach\", \"fallback\" and \"required\" need an answer that is decoded",
                  "use another \"output_encoding\" than no-op");
    }
}

void Normaliser::backend_common(Backend& b, std::string_view where) {
    if (b.host.empty()) {
        b.host = service_.host;
        if (b.host.empty()) {
            say(Severity::warning, b.node,
                fmt::format(
                    "{} has no host, and the service has none either: every request fails with \"no hosts available\"",
                    where),
                "add \"host\": [\"http://...\"]");
        }
    } else {
        // With service discovery, what is not cleaned is a name for DNS and needs no scheme.
        bool name_of_service = b.disable_host_sanitize && !b.sd.empty() && b.sd != "static";
        if (!name_of_service) hosts(b.host, b.node, !b.disable_host_sanitize, fmt::format("{}: ", where));
    }
    for (std::string& h : b.input_headers)
        h = canonical_header(h);
    if (b.encoding.empty()) b.encoding = "json";
    if (b.sd_scheme.empty()) b.sd_scheme = "http";
    if (b.sd.empty()) b.sd = "static";
    if (b.sd != "static") {
        say(Severity::warning, at(b.node, "sd"),
            fmt::format("{}: \"sd\": \"{}\" is not built yet and has no effect", where, b.sd),
            "list the hosts in \"host\"");
    }
    if (!b.allow.empty() && !b.deny.empty()) {
        say(Severity::warning, at(b.node, "deny"),
            fmt::format("{} has \"allow\" and \"deny\": \"deny\" is ignored", where), "remove one of the two");
    }
    b.url_pattern = clean_path(b.url_pattern);
}

void Normaliser::backend_flatmap(Backend& b, std::string_view where) {
    b.flatmap = read_flatmap(b.extra_config.find("proxy"), where, diagnostics_);
    bool filters = b.flatmap.empty() && !(b.allow.empty() && b.deny.empty() && b.mapping.empty());
    if (b.arrays.walk && !filters && b.target.empty() && b.group.empty()) {
        say(Severity::warning, at(b.extra_config.find("gladius/arrays"), "walk"),
            fmt::format(
                "{}: gladius/arrays has nothing to do: there is no target, allow, deny, mapping or group that it "
                "could change",
                where),
            "remove it");
    }
    if (b.flatmap.empty()) return;
    for (std::string_view key : {"allow", "deny", "mapping"}) {
        Node n = b.node.find(key);
        if (n.size() == 0) continue;
        say(Severity::warning, n, fmt::format("{}: \"{}\" is ignored, because there is a flatmap_filter", where, key),
            "remove it, or do the same with \"del\" and \"move\" in flatmap_filter");
    }
}

void Normaliser::endpoint_flatmap(Endpoint& e, std::string_view where) {
    e.flatmap = read_flatmap(e.extra_config.find("proxy"), where, diagnostics_);
    // Those that answer, without shadows.
    auto answering =
        std::count_if(e.backend.begin(), e.backend.end(), [](const Backend& b) { return !b.proxy.shadow; });
    if (e.flatmap.empty() || answering > 1) return;
    say(Severity::warning, at(e.extra_config.find("proxy"), "flatmap_filter"),
        fmt::format("{}: flatmap_filter of an endpoint works with two or more backends only", where),
        "write it into the extra_config of the backend");
    e.flatmap.clear();
}

void Normaliser::backend(Backend& b, size_t index, Endpoint& e) {
    if (b.method.empty()) b.method = e.method;
    b.method = to_upper(b.method);
    std::string where =
        fmt::format("backend {} {} of endpoint {} {}", b.method, clean_path(b.url_pattern), e.method, e.endpoint);
    backend_common(b, where);
    b.timeout = e.timeout;
    b.concurrent_calls = e.concurrent_calls;
    if (e.output_encoding == "no-op") b.encoding = "no-op";
    backend_parameters(b, index, e);
    NamespaceContext context{Level::backend, std::move(where), options_.namespaces, options_.allow_unsupported};
    const NamespaceSink sinks[] = {{"backend/http", &b.http},   {"backend/http/client", &b.http_client},
                                   {"proxy", &b.proxy},         {"gladius/call", &b.call},
                                   {"gladius/http2", &b.http2}, {"gladius/arrays", &b.arrays}};
    check_misplaced(b.node, kBackendTable, context, diagnostics_);
    check_namespaces(b.extra_config, context, sinks, diagnostics_);
    if (auto& own = b.http_client.client_tls)
        own->spec = tls_client_spec(*own, context.where + ": client_tls", diagnostics_);
    b.call.node = b.extra_config.find("gladius/call");
    b.http2.node = b.extra_config.find("gladius/http2");
    if (b.http2.node && b.http2.ping_interval < 0ns) {
        say(Severity::error, at(b.http2.node, "ping_interval"),
            fmt::format("{}: gladius/http2: ping_interval cannot be negative", context.where),
            "write a time such as \"30s\", or \"0s\" for never");
    }
    if (b.http2.node && e.extra_config.find("websocket")) {
        say(Severity::error, b.http2.node,
            fmt::format("{}: gladius/http2 and the endpoint's \"websocket\" exclude each other", context.where),
            "remove one of the two: a WebSocket is asked for with HTTP/1.1");
    }
    backend_flatmap(b, context.where);
}

void Normaliser::backend_parameters(Backend& b, size_t index, const Endpoint& e) {
    b.path_template = b.url_pattern;
    std::vector<std::string> output = backend_params(b.url_pattern);
    if (output.empty()) return;
    std::sort(output.begin(), output.end());
    output.erase(std::unique(output.begin(), output.end()), output.end());
    std::vector<std::string> input = e.params;
    std::sort(input.begin(), input.end());
    input.erase(std::unique(input.begin(), input.end()), input.end());
    // The reference counts all but the last of the names; which of its two messages comes depends on it.
    size_t counted = 0;
    bool has_call = static_cast<bool>(b.extra_config.node.find("gladius/call"));
    auto computed = [has_call](std::string_view name) {
        if (is_computed_param(name)) return true;
        Reference::Kind kind = has_call ? parse_reference(name).kind : Reference::Kind::none;
        return kind != Reference::Kind::none && kind != Reference::Kind::param;
    };
    for (size_t i = 0; i + 1 < output.size(); ++i)
        counted += computed(output[i]) ? 0 : 1;
    std::string tail = fmt::format("endpoint: {} {}, backend: {}. input: {}, output: {}", e.method, e.path, index,
                                   go_list(input), go_list(output));
    auto advice = [&](std::string_view name) -> std::string {
        for (std::string_view kind : {"input_headers.", "input_query_strings."}) {
            if (name.substr(0, kind.size()) == kind)
                return "routing by header or query string is a field of the Enterprise edition and is not built yet";
        }
        for (const std::string& i : input) {
            if (equal_fold(i, name) || edit_distance(i, name, 2) <= (i.size() > 3 ? 2u : 0u))
                return fmt::format("did you mean {{{}}}?", i);
        }
        return fmt::format("add {{{}}} to the path of the endpoint, or use one that is there", name);
    };
    if (counted > input.size()) {
        say(Severity::error, at(b.node, "url_pattern"), "input and output params do not match. " + tail,
            "the backend may use only parameters that the endpoint's path has");
    } else {
        for (const std::string& name : output) {
            if (computed(name) || std::binary_search(input.begin(), input.end(), name)) continue;
            say(Severity::error, at(b.node, "url_pattern"), fmt::format("undefined output param '{}'! {}", name, tail),
                advice(name));
        }
    }
    for (const std::string& name : output) {
        std::string key = param_key(name);
        std::string from = "{" + name + "}";
        std::string to = "{{." + key + "}}";
        for (size_t i = b.path_template.find(from); i != std::string::npos;
             i = b.path_template.find(from, i + to.size())) {
            b.path_template.replace(i, from.size(), to);
        }
        b.params.push_back(std::move(key));
    }
}

void Normaliser::agent(AsyncAgent& a, size_t index) {
    if (a.name.empty()) a.name = fmt::format("AsyncAgent-{:02}", index);
    if (a.consumer.timeout == 0ns) a.consumer.timeout = service_.timeout;
    if (a.consumer.workers < 1) a.consumer.workers = 1;
    if (a.connection.health_interval < 1s) a.connection.health_interval = 1s;
    std::string where = fmt::format("async agent {}", a.name);
    NamespaceContext context{Level::async_agent, where, options_.namespaces, options_.allow_unsupported};
    check_namespaces(a.extra_config, context, {}, diagnostics_);
    for (Backend& b : a.backend) {
        b.method = b.method.empty() ? "GET" : to_upper(b.method);
        std::string of = fmt::format("backend {} {} of {}", b.method, clean_path(b.url_pattern), where);
        backend_common(b, of);
        b.path_template = b.url_pattern;
        b.timeout = a.consumer.timeout;
        NamespaceContext inner{Level::backend, std::move(of), options_.namespaces, options_.allow_unsupported};
        const NamespaceSink sinks[] = {
            {"backend/http", &b.http}, {"backend/http/client", &b.http_client}, {"gladius/arrays", &b.arrays}};
        check_namespaces(b.extra_config, inner, sinks, diagnostics_);
        backend_flatmap(b, inner.where);
    }
}

}  // namespace

void normalise(Service& service, const NormaliseOptions& options, Diagnostics& diagnostics) {
    Normaliser(service, options, diagnostics).run();
}

}  // namespace gladius::conf
