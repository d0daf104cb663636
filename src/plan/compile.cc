#include "plan/compile.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <unordered_map>

#include "base/arena.h"
#include "conf/scalar.h"
#include "conf/url.h"
#include "http/url.h"
#include "json/emit.h"
#include "json/scan.h"
#include "json/text.h"

namespace gladius::plan {

namespace {

constexpr std::string_view kReferenceVersion = "2.13.8";

uint64_t ms(conf::Duration d) {
    auto n = std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
    if (n <= 0) return d.count() > 0 ? 1 : 0;
    return static_cast<uint64_t>(n);
}

// --- values of the configuration as the gateway writes JSON
// ------------------------------------------------------------------------------

void append_json(std::string& out, conf::Node n) {
    auto text = [&](std::string_view s) {
        Arena arena;
        json::ArenaOutput o(arena, s.size() + 16);
        json::quote(s, o);
        out += o.view();
    };
    switch (n.kind()) {
        case conf::Kind::null:
            out += "null";
            break;
        case conf::Kind::boolean:
            out += n.boolean() ? "true" : "false";
            break;
        case conf::Kind::number:
            out += n.text();
            break;
        case conf::Kind::string:
            text(n.text());
            break;
        case conf::Kind::array: {
            out += '[';
            bool first = true;
            for (conf::Node e : n.elements()) {
                if (!first) out += ',';
                first = false;
                append_json(out, e);
            }
            out += ']';
            break;
        }
        case conf::Kind::object: {
            out += '{';
            bool first = true;
            for (conf::Member m : n.members()) {
                if (!first) out += ',';
                first = false;
                text(m.key);
                out += ':';
                append_json(out, m.value);
            }
            out += '}';
            break;
        }
    }
}

std::string rendered(conf::Node n) {
    if (!n) return {};
    std::string source;
    append_json(source, n);
    Arena arena;
    json::Document* doc = json::scan(source, arena);
    json::ArenaOutput out(arena, source.size() + 64);
    json::emit(json::Value::of(doc, 0), arena, out);
    return std::string(out.view());
}

// --- names
// ----------------------------------------------------------------------------------------------------------------------------------

NameRule name_rule(const std::vector<std::string>& names) {
    NameRule r;
    for (const std::string& n : names) {
        if (n == "*") {
            r.all = true;
            continue;
        }
        http::Token t = http::find_token(n);
        if (t != http::Token::unknown)
            r.tokens |= http::bit(t);
        else
            r.names.push_back(n);
    }
    return r;
}

QueryRule query_rule(const std::vector<std::string>& names) {
    QueryRule r;
    for (const std::string& n : names) {
        if (n == "*") r.all = true;
    }
    r.text = names;
    // Short texts live inside std::string: views are taken when the vector moves no more (see fix_views).
    return r;
}

void fix_views(QueryRule& r) {
    r.names.clear();
    for (const std::string& s : r.text)
        r.names.push_back(s);
}

// --- hosts
// ----------------------------------------------------------------------------------------------------------------------------------

bool matches_no_proxy(std::string_view list, std::string_view host) {
    if (host == "localhost" || host.starts_with("127.") || host == "::1") return true;
    while (!list.empty()) {
        size_t comma = list.find(',');
        std::string_view item = list.substr(0, comma);
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
        while (!item.empty() && item.front() == ' ')
            item.remove_prefix(1);
        while (!item.empty() && item.back() == ' ')
            item.remove_suffix(1);
        if (item.empty()) continue;
        if (item == "*" || item == host) return true;
        if (item.starts_with("*.")) item.remove_prefix(1);
        if (item.front() == '.'
                ? host.ends_with(item)
                : (host.size() > item.size() && host.ends_with(item) && host[host.size() - item.size() - 1] == '.'))
            return true;
    }
    return false;
}

class Hosts {
  public:
    Hosts(Snapshot& s, const CompileOptions& o) : snapshot_(s), options_(o) {}

    bool add(const std::string& url, HostRef& out) {
        auto it = by_url_.find(url);
        if (it == by_url_.end()) {
            auto h = std::make_shared<HostPlan>();
            if (!parse(url, *h)) return false;
            it = by_url_.emplace(url, static_cast<uint32_t>(snapshot_.hosts.size())).first;
            snapshot_.hosts.push_back(std::move(h));
        }
        out.index = it->second;
        out.host = snapshot_.hosts[it->second];
        return true;
    }

  private:
    bool parse(const std::string& text, HostPlan& h) {
        std::string_view s = text;
        if (s.starts_with("http://")) {
            s.remove_prefix(7);
        } else if (s.starts_with("https://")) {
            s.remove_prefix(8);
            h.https = true;
        } else {
            return false;
        }
        h.url = text;
        s = s.substr(0, s.find_first_of("/?#"));
        if (size_t at = s.rfind('@'); at != std::string_view::npos) s.remove_prefix(at + 1);
        h.header = std::string(s);
        h.port = h.https ? 443 : 80;
        std::string_view host = s;
        size_t colon = s.rfind(':');
        if (colon != std::string_view::npos && s.find(']', colon) == std::string_view::npos) {
            host = s.substr(0, colon);
            std::string_view port = s.substr(colon + 1);
            unsigned n = 0;
            auto r = std::from_chars(port.data(), port.data() + port.size(), n);
            if (r.ec != std::errc() || n == 0 || n > 65535) return false;
            h.port = static_cast<uint16_t>(n);
        }
        if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
        if (host.empty()) return false;
        h.host = std::string(host);
        use_proxy(h);
        return true;
    }

    void use_proxy(HostPlan& h) {
        if (h.https || options_.http_proxy.empty() || matches_no_proxy(options_.no_proxy, h.host)) return;
        std::string_view p = options_.http_proxy;
        if (p.starts_with("http://")) p.remove_prefix(7);
        p = p.substr(0, p.find('/'));
        if (size_t at = p.rfind('@'); at != std::string_view::npos) p.remove_prefix(at + 1);
        size_t colon = p.rfind(':');
        h.proxy = std::string(p.substr(0, colon));
        unsigned port = 80;
        if (colon != std::string_view::npos) std::from_chars(p.data() + colon + 1, p.data() + p.size(), port);
        h.proxy_port = static_cast<uint16_t>(port);
    }

    Snapshot& snapshot_;
    const CompileOptions& options_;
    std::unordered_map<std::string, uint32_t> by_url_;
};

// --- URLs
// -----------------------------------------------------------------------------------------------------------------------------------

// The literal parts of a pattern, escaped as the reference escapes the parsed whole.
std::string escaped_url(std::string_view s) {
    Arena arena;
    s = s.substr(0, s.find('#'));
    size_t q = s.find('?');
    auto path = http::escape_url_path_like_go_parse(s.substr(0, q), arena);
    std::string out(path ? *path : s.substr(0, q));
    if (out.empty()) out = "/";
    if (q != std::string_view::npos) out += s.substr(q);
    return out;
}

// "/a/{{.Id}}/b" with the parameters of the endpoint in their order. A name that no parameter has stays as it is
// written.
Template compile_url(std::string_view text, const std::vector<std::string>& keys) {
    Template t;
    std::string literal;
    while (true) {
        size_t at = text.find("{{.");
        size_t end = at == std::string_view::npos ? at : text.find("}}", at);
        if (end == std::string_view::npos) {
            literal += text;
            break;
        }
        std::string_view key = text.substr(at + 3, end - at - 3);
        // Of two parameters with one name the last counts.
        auto it = std::find(keys.rbegin(), keys.rend(), key);
        if (it == keys.rend()) {
            literal += text.substr(0, end + 2);
        } else {
            literal += text.substr(0, at);
            t.pieces.push_back({std::move(literal), static_cast<int32_t>(keys.rend() - it - 1)});
            literal.clear();
        }
        text.remove_prefix(end + 2);
    }
    if (!literal.empty() || t.pieces.empty()) t.pieces.push_back({std::move(literal), -1});
    if (t.fixed()) t.pieces[0].literal = escaped_url(t.pieces[0].literal);
    return t;
}

// --- trusted proxies
// ---------------------------------------------------------------------------------------------------------------------

bool parse_cidr(std::string_view s, RouterPlan::Cidr& c) {
    size_t slash = s.find('/');
    std::string ip(s.substr(0, slash));
    std::memset(c.bytes, 0, sizeof c.bytes);
    in_addr v4{};
    in6_addr v6{};
    int width;
    if (inet_pton(AF_INET, ip.c_str(), &v4) == 1) {
        c.bytes[10] = c.bytes[11] = 0xff;
        std::memcpy(c.bytes + 12, &v4, 4);
        width = 32;
    } else if (inet_pton(AF_INET6, ip.c_str(), &v6) == 1) {
        std::memcpy(c.bytes, &v6, 16);
        width = 128;
    } else {
        return false;
    }
    int bits = width;
    if (slash != std::string_view::npos) {
        auto r = std::from_chars(s.data() + slash + 1, s.data() + s.size(), bits);
        if (r.ec != std::errc() || bits < 0 || bits > width) return false;
    }
    c.bits = static_cast<uint8_t>(width == 32 ? bits + 96 : bits);
    return true;
}

std::shared_ptr<const RouterPlan> compile_router_options(const conf::Service& s) {
    auto r = std::make_shared<RouterPlan>();
    const conf::RouterOptions& o = s.router;
    r->return_error_msg = o.return_error_msg;
    r->disable_path_decoding = o.disable_path_decoding;
    r->auto_options = o.auto_options;
    r->disable_access_log = o.disable_access_log;
    r->skip_log_paths = o.logger_skip_paths;
    r->forwarded_by_client_ip = o.forwarded_by_client_ip;
    r->remote_ip_headers = o.remote_ip_headers;
    r->usual_ip_headers = true;
    for (const std::string& h : o.remote_ip_headers) {
        http::Token t = http::find_token(h);
        if (t != http::Token::x_forwarded_for && t != http::Token::x_real_ip) r->usual_ip_headers = false;
    }
    r->app_engine = o.app_engine;
    r->trust_all = false;
    bool all4 = false, all6 = false;
    for (const std::string& p : o.trusted_proxies) {
        RouterPlan::Cidr c;
        if (!parse_cidr(p, c)) continue;
        all4 |= c.bits == 96 && c.bytes[10] == 0xff;
        all6 |= c.bits == 0;
        r->trusted.push_back(c);
    }
    r->trust_all = all4 && all6;
    r->not_found_body = rendered(o.error_body_404);
    r->not_allowed_body = rendered(o.error_body_405);
    r->krakend_header = o.hide_version_header ? "Version undefined" : "Version " + std::string(kReferenceVersion);
    r->user_agent =
        o.hide_version_header ? "KrakenD Version undefined" : "KrakenD Version " + std::string(kReferenceVersion);
    return r;
}

// --- backends and endpoints
// ----------------------------------------------------------------------------------------------------------------

void compile_backend(const conf::Endpoint& e, const conf::Backend& b, const std::vector<std::string>& keys,
                     uint32_t kept, Hosts& hosts, BackendPlan& out, conf::Diagnostics& diagnostics) {
    for (const std::string& h : b.host) {
        HostRef ref;
        if (hosts.add(h, ref))
            out.hosts.push_back(std::move(ref));
        else
            diagnostics.add(conf::Severity::warning, b.node.place(),
                            "the host " + h + " is nothing that can be called over HTTP",
                            "requests to this backend fail until it is http://name:port");
    }
    out.pattern = b.url_pattern;
    out.method_name = conf::to_upper(b.method);
    out.method = http::method_of(out.method_name);
    // The pattern as messages show it, and as it is sent.
    out.pattern = b.path_template.empty() ? b.url_pattern : b.path_template;
    out.url = compile_url(out.pattern, keys);
    if (e.is_wildcard || e.is_catch_all) {
        out.append_rest = true;
        out.rest_param = e.is_catch_all ? -1 : static_cast<int32_t>(keys.size());
        // "/legacy/" + "/a" would double the slash; "/" alone means: the rest is all.
        if (!out.url.pieces.empty() && out.url.pieces.back().param < 0) {
            std::string& last = out.url.pieces.back().literal;
            if (!last.empty() && last.back() == '/') last.pop_back();
        }
    }
    out.query = query_rule(e.input_query_strings);
    out.filters_query = !b.input_query_strings.empty();
    if (out.filters_query) out.query_filter = query_rule(b.input_query_strings);
    if (e.input_headers.empty()) {
        out.headers.tokens = http::bit(http::Token::content_type);
    } else {
        out.headers = name_rule(e.input_headers);
    }
    out.filters_headers = !b.input_headers.empty();
    if (out.filters_headers) {
        out.header_filter = name_rule(b.input_headers);
        out.header_filter.all = false;  // "*" is a name like any other here, and no header has it
        out.sends_user_agent = out.header_filter.passes(http::Token::user_agent, "User-Agent");
        out.sends_forwarded_for = out.header_filter.passes(http::Token::x_forwarded_for, "X-Forwarded-For");
        out.sends_forwarded_host = out.header_filter.passes(http::Token::x_forwarded_host, "X-Forwarded-Host");
    }
    out.no_op = conf::to_lower(b.encoding) == "no-op";
    out.decoder = encodings::find_decoder(b.encoding, b.is_collection);
    json::FilterSpec f;
    f.target = b.target;
    f.allow = b.allow;
    f.deny = b.deny;
    f.mapping = b.mapping;
    f.group = b.group;
    f.flatmap = b.flatmap;
    f.keep_depth = kept;
    out.filter = json::FilterProgram::compile(f);
    out.return_error_code = b.http.return_error_code && b.http.return_error_details.empty();
    out.return_error_details = b.http.return_error_details;
    out.send_body_on_redirect = b.http_client.send_body_on_redirect;
}

std::shared_ptr<EndpointPlan> compile_endpoint(const conf::Endpoint& e, Hosts& hosts,
                                               const std::shared_ptr<const RouterPlan>& service, uint64_t generation,
                                               conf::Diagnostics& diagnostics) {
    auto p = std::make_shared<EndpointPlan>();
    p->path = e.endpoint;
    p->pattern = e.path;
    p->method = conf::to_upper(e.method);
    p->timeout_ms = ms(e.timeout);
    if (p->timeout_ms == 0) p->timeout_ms = 1;
    p->merge_timeout_ms = static_cast<uint64_t>(e.timeout.count() * 85 / 100 / 1000000);
    p->concurrent_timeout_ms = static_cast<uint64_t>(e.timeout.count() * 75 / 100 / 1000000);
    if (p->merge_timeout_ms == 0) p->merge_timeout_ms = 1;
    p->concurrent_calls = static_cast<uint32_t>(std::max<int64_t>(1, e.concurrent_calls));
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(e.cache_ttl).count();
    if (e.cache_ttl.count() != 0)
        p->cache_control = "Cache-Control: public, max-age=" + std::to_string(seconds) + "\r\n";
    std::vector<std::string> keys;
    for (const std::string& name : e.params)
        keys.push_back(conf::param_key(name));
    std::string only = e.backend.size() == 1 ? conf::to_lower(e.backend[0].encoding) : std::string();
    p->renderer = encodings::find_renderer(e.output_encoding, only);
    p->flatmap = json::FlatmapProgram::compile(e.flatmap);
    p->backends.resize(e.backend.size());
    for (size_t i = 0; i < e.backend.size(); ++i) {
        compile_backend(e, e.backend[i], keys, p->flatmap.keep_depth(), hosts, p->backends[i], diagnostics);
        fix_views(p->backends[i].query);
        fix_views(p->backends[i].query_filter);
    }
    p->executor =
        p->renderer == encodings::Renderer::no_op && p->backends.size() == 1 ? Executor::relay : Executor::gather;
    p->service = service;
    p->generation = generation;
    return p;
}

}  // namespace

std::shared_ptr<Snapshot> compile(const conf::Service& s, const CompileOptions& options,
                                  conf::Diagnostics& diagnostics) {
    auto out = std::make_shared<Snapshot>();
    out->generation = options.generation;
    ServerPlan& sv = out->server;
    sv.listen_ip = s.listen_ip;
    sv.port = static_cast<uint16_t>(s.port);
    sv.read_timeout_ms = ms(s.read_timeout);
    sv.read_header_timeout_ms = ms(s.read_header_timeout);
    sv.write_timeout_ms = ms(s.write_timeout);
    sv.idle_timeout_ms = ms(s.idle_timeout);
    sv.max_header_bytes =
        s.max_header_bytes > 0 ? static_cast<uint32_t>(std::min<int64_t>(s.max_header_bytes, 64 << 20)) : 1 << 20;
    sv.max_shutdown_wait_ms = ms(s.max_shutdown_wait_time);
    sv.max_connections = static_cast<uint64_t>(s.limits.max_connections);
    sv.max_request_body = static_cast<uint64_t>(s.limits.max_request_body);
    sv.max_backend_body = static_cast<uint64_t>(s.limits.max_backend_body);
    sv.max_memory = static_cast<uint64_t>(s.limits.max_memory);

    upstream::Settings& t = out->transport;
    t.dialer_timeout_ms = ms(s.dialer_timeout);
    t.dialer_fallback_delay_ms = s.dialer_fallback_delay.count() == 0 ? 300 : ms(s.dialer_fallback_delay);
    t.keep_alive_s = s.dialer_keep_alive.count() == 0 ? 15
                     : s.dialer_keep_alive.count() < 0
                         ? 0
                         : static_cast<int>(std::max<uint64_t>(1, ms(s.dialer_keep_alive) / 1000));
    t.idle_timeout_ms = ms(s.idle_connection_timeout);
    t.response_header_timeout_ms = ms(s.response_header_timeout);
    t.max_idle_per_host =
        s.max_idle_connections_per_host > 0 ? static_cast<uint32_t>(s.max_idle_connections_per_host) : 250;
    t.max_idle = s.max_idle_connections > 0 ? static_cast<uint32_t>(s.max_idle_connections) : 0;
    t.disable_compression = s.disable_compression;
    t.disable_keep_alives = s.disable_keep_alives;
    t.dns_ttl_ms = s.dns_cache_ttl.count() >= 1000000000 ? ms(s.dns_cache_ttl) : 30000;

    out->service = compile_router_options(s);

    RouterBuilder routes;
    RouterOptions ro;
    ro.disable_redirect_trailing_slash = s.router.disable_redirect_trailing_slash;
    ro.disable_redirect_fixed_path = s.router.disable_redirect_fixed_path;
    ro.disable_handle_method_not_allowed = s.router.disable_handle_method_not_allowed;
    ro.remove_extra_slash = s.router.remove_extra_slash;
    ro.auto_options = s.router.auto_options;
    auto add = [&](http::Method m, const std::string& pattern, Route route, const conf::Node& node) {
        auto target = static_cast<uint32_t>(out->routes.size());
        Result<void> r = routes.add(m, pattern, target);
        if (r) {
            out->routes.push_back(route);
            return;
        }
        diagnostics.add(options.routes_are_errors ? conf::Severity::error : conf::Severity::warning,
                        node ? node.place() : conf::Place{}, r.error().message,
                        "give each route its own method and path, and one name to a parameter in one place");
    };
    if (!s.router.disable_health) add(http::Method::get, s.router.health_path, Route{Builtin::health}, s.node);
    static constexpr http::Method kAny[] = {http::Method::get,   http::Method::post,    http::Method::put,
                                            http::Method::patch, http::Method::head,    http::Method::options,
                                            http::Method::del,   http::Method::connect, http::Method::trace};
    if (s.debug_endpoint)
        for (http::Method m : kAny)
            add(m, "/__debug/*any", Route{Builtin::debug}, s.node);
    if (s.echo_endpoint)
        for (http::Method m : kAny)
            add(m, "/__echo/*any", Route{Builtin::echo}, s.node);

    Hosts hosts(*out, options);
    for (const conf::Endpoint& e : s.endpoints) {
        if (!e.is_routed) continue;
        auto index = static_cast<uint32_t>(out->endpoints.size());
        auto plan = compile_endpoint(e, hosts, out->service, options.generation, diagnostics);
        http::Method m = http::method_of(plan->method);
        EndpointBuilder builder{e, *plan, diagnostics};
        for (const Feature* f : options.features) {
            if (!f->compile_endpoint) continue;
            if (conf::Node config = e.extra_config.find(f->info.name)) f->compile_endpoint(config, builder);
        }
        Route route{Builtin::none, index};
        if (e.is_catch_all) {
            out->catch_all[static_cast<unsigned>(m)] = route;
        } else {
            std::string pattern = e.path;
            if (e.is_wildcard) pattern += "rest";  // "/a/*" -> "/a/*rest"
            add(m, pattern, route, e.node);
        }
        out->endpoints.push_back(std::move(plan));
    }
    out->router = std::make_unique<Router>(std::move(routes).build(ro));
    return out;
}

}  // namespace gladius::plan
