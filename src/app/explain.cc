#include "app/explain.h"

#include <algorithm>

#include "app/explain_item.h"
#include "base/arena.h"
#include "conf/scalar.h"
#include "http/h1.h"
#include "http/url.h"

namespace gladius::app {

namespace {

std::string duration(uint64_t ms) {
    return conf::format_duration(std::chrono::milliseconds(ms));
}
std::string limit(uint64_t ms) {
    return ms ? duration(ms) : "none";
}
std::string count(size_t n, std::string_view what) {
    return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& list, std::string_view between = ", ") {
    std::string out;
    for (const std::string& s : list) {
        if (!out.empty()) out += between;
        out += s;
    }
    return out;
}

std::string_view name_of(encodings::Decoder d) {
    switch (d) {
        case encodings::Decoder::json:
            return "json";
        case encodings::Decoder::json_collection:
            return "json, a list";
        case encodings::Decoder::safejson:
            return "safejson";
        case encodings::Decoder::string:
            return "string";
        case encodings::Decoder::xml:
            return "xml";
        case encodings::Decoder::rss:
            return "rss";
        case encodings::Decoder::xml_collection:
            return "xml, below \"collection\"";
        case encodings::Decoder::no_op:
            return "no-op";
    }
    return "?";
}

std::string_view name_of(encodings::Renderer r) {
    switch (r) {
        case encodings::Renderer::json:
            return "json";
        case encodings::Renderer::json_collection:
            return "json-collection";
        case encodings::Renderer::string:
            return "string";
        case encodings::Renderer::xml:
            return "xml";
        case encodings::Renderer::yaml:
            return "yaml";
        case encodings::Renderer::negotiate:
            return "negotiate";
        case encodings::Renderer::no_op:
            return "no-op";
    }
    return "?";
}

std::string_view name_of(plan::Builtin b) {
    switch (b) {
        case plan::Builtin::health:
            return "health";
        case plan::Builtin::debug:
            return "debug";
        case plan::Builtin::echo:
            return "echo";
        case plan::Builtin::options:
            return "options";
        case plan::Builtin::none:
            break;
    }
    return "none";
}

// --- rules of names --------------------------------------------------------------------------------------------------

std::vector<std::string> header_names(const plan::NameRule& r) {
    std::vector<std::string> out;
    for (unsigned t = 0; t < 64; ++t) {
        if (r.tokens >> t & 1) out.emplace_back(http::canonical_name(static_cast<http::Token>(t)));
    }
    for (const std::string& n : r.names)
        out.push_back(n);
    std::sort(out.begin(), out.end());
    if (r.all) out.insert(out.begin(), "*");
    return out;
}

Item headers_item(const plan::BackendPlan& b) {
    std::vector<std::string> list = header_names(b.headers);
    std::string text = b.headers.all  ? "all of the client's but hop-by-hop ones"
                       : list.empty() ? "none of the client's"
                                      : joined(list);
    return names("headers_passed", "headers passed", list, text);
}

Item query_item(const plan::BackendPlan& b) {
    std::vector<std::string> list = b.query.text;
    std::string text = b.query.all ? "all of the client's" : list.empty() ? "none of the client's" : joined(list);
    return names("query_passed", "query passed", list, text);
}

// --- backends --------------------------------------------------------------------------------------------------------

std::string pattern_of(const plan::EndpointPlan& e, const plan::BackendPlan& b,
                       const std::vector<std::string>& params) {
    std::string out;
    for (const plan::Template::Piece& p : b.url.pieces) {
        out += p.literal;
        if (p.param >= 0)
            out +=
                "{" + (static_cast<size_t>(p.param) < params.size() ? params[static_cast<size_t>(p.param)] : "?") + "}";
        if (p.step >= 0) {
            // "{{.Resp0_id}}" in the plan is "{resp0_id}" in the file.
            const std::string& placeholder = e.step_values[static_cast<size_t>(p.step)].placeholder;
            out += "{r" + placeholder.substr(4, placeholder.size() - 6) + "}";
        }
    }
    if (b.append_rest) out += "/*";
    return out;
}

Item hosts_item(const plan::BackendPlan& b) {
    std::vector<std::string> urls;
    std::string proxy;
    for (const plan::HostRef& h : b.hosts) {
        urls.push_back(h.host->url);
        const plan::Proxy& p = h.host->proxy;
        if (!p.host.empty()) proxy = p.host + ":" + std::to_string(p.port);
    }
    std::string text = joined(urls);
    if (urls.empty()) text = "none: every request to this backend fails";
    if (urls.size() > 1) text += " (one at random for each request)";
    if (!proxy.empty()) text += " (through the proxy " + proxy + ")";
    if (!b.hosts.empty() && b.hosts[0].host->http2.on) text += " (HTTP/2)";
    return names("hosts", "hosts", urls, text);
}

void filter_items(const conf::Backend& b, const plan::BackendPlan& p, std::vector<Item>& out) {
    if (p.no_op) return;
    std::vector<std::string> steps;
    if (!b.target.empty()) {
        out.push_back(said("target", {}, b.target));
        steps.push_back("take " + b.target);
    }
    // The reference does not look at deny when there is an allow.
    if (!b.allow.empty()) {
        out.push_back(names("allow", {}, b.allow, {}));
        steps.push_back("keep only " + joined(b.allow));
    } else if (!b.deny.empty()) {
        out.push_back(names("deny", {}, b.deny, {}));
        steps.push_back("remove " + joined(b.deny));
    }
    if (!b.mapping.empty()) {
        Item map = group("mapping", {}, {});
        std::vector<std::string> renames;
        for (const auto& [from, to] : b.mapping) {
            map.children.push_back(said(from, {}, to));
            renames.push_back(from + " to " + to);
        }
        out.push_back(std::move(map));
        steps.push_back("rename " + joined(renames));
    }
    if (!b.group.empty()) {
        out.push_back(said("group", {}, b.group));
        steps.push_back("put into " + b.group);
    }
    Item line;
    line.label = "filter";
    line.text = steps.empty() ? "none" : joined(steps, ", then ");
    out.push_back(std::move(line));
}

Item errors_item(const plan::EndpointPlan& e, const plan::BackendPlan& b) {
    if (e.executor == plan::Executor::tunnel)
        return said("errors", "errors", "what is no 101 passes as it is; no answer from the backend is a 502");
    if (e.executor == plan::Executor::relay)
        return said("errors", "errors", "statuses of the backend pass as they are; no answer from it is a 500");
    if (!b.return_error_details.empty())
        return said(
            "errors", "errors",
            "a status other than 200 and 201 becomes the member error_" + b.return_error_details + " of the answer");
    if (b.return_error_code && e.backends.size() == 1)
        return said("errors", "errors", "a status other than 200 and 201 is the client's too");
    if (e.backends.size() == 1)
        return said("errors", "errors", "a status other than 200 and 201, or no answer, is a 500");
    return said("errors", "errors",
                "a status other than 200 and 201, or no answer: the answer is partial; a 500 when no backend is left");
}

void components_item(const conf::ExtraConfig& config, std::vector<Item>& out) {
    std::vector<std::string> list;
    for (const auto& e : config.entries)
        list.emplace_back(e.name);
    if (!list.empty()) out.push_back(names("components", "components", list, joined(list)));
}

Item backend_item(const conf::Endpoint& conf_endpoint, const conf::Backend& c, const plan::EndpointPlan& e,
                  size_t index) {
    const plan::BackendPlan& b = e.backends[index];
    std::string kind = c.proxy.shadow ? "shadow" : "backend";
    std::string label = e.backends.size() == 1 ? kind : kind + " " + std::to_string(index + 1);
    std::string pattern = pattern_of(e, b, conf_endpoint.params);
    Item out = group({}, label, b.method_name + " " + pattern);
    out.children.push_back(said("method", {}, b.method_name));
    out.children.push_back(said("url_pattern", {}, pattern));
    out.children.push_back(hosts_item(b));
    if (b.filters_headers) {
        std::vector<std::string> list = header_names(b.header_filter);
        out.children.push_back(
            names("only_headers", "of those headers", list, list.empty() ? "none" : "only " + joined(list)));
    }
    if (b.filters_query) {
        out.children.push_back(names("only_query", "of that query", b.query_filter.text,
                                     b.query_filter.all ? "all" : "only " + joined(b.query_filter.text)));
    }
    std::vector<std::string> added;
    added.push_back(b.sends_user_agent ? "User-Agent: " + e.service->user_agent : "User-Agent: Go-http-client/1.1");
    if (b.sends_forwarded_for) added.emplace_back("X-Forwarded-For");
    if (b.sends_forwarded_host) added.emplace_back("X-Forwarded-Host");
    out.children.push_back(names("headers_added", "headers added", added, joined(added)));
    if (e.executor == plan::Executor::gather) {
        out.children.push_back(said("decoder", "decoder", std::string(name_of(b.decoder))));
        filter_items(c, b, out.children);
    }
    out.children.push_back(errors_item(e, b));
    components_item(c.extra_config, out.children);
    return out;
}

// --- endpoints -------------------------------------------------------------------------------------------------------

std::string_view name_of(plan::Executor x) {
    switch (x) {
        case plan::Executor::relay:
            return "relay";
        case plan::Executor::gather:
            return "gather";
        case plan::Executor::tunnel:
            return "tunnel";
        case plan::Executor::feature:
            return "feature";
        case plan::Executor::none:
            return "none";
    }
    return {};
}

// "always: age, name"
std::string static_text(const conf::StaticOptions& o) {
    std::vector<std::string> list;
    for (conf::Member m : o.data.members())
        list.emplace_back(m.key);
    return o.strategy + ": " + joined(list);
}

std::string executor_text(const plan::EndpointPlan& e) {
    if (e.executor == plan::Executor::none) return "none: there are only shadow backends, every request gets 500";
    if (e.executor == plan::Executor::feature) return e.feature.text;
    if (e.executor == plan::Executor::tunnel)
        return "tunnel: the request for an upgrade is passed on; after the backend's 101 the bytes go both ways";
    if (e.executor == plan::Executor::relay) return "relay: the one backend's status, headers and body stream through";
    if (e.backends.size() == 1) return "gather: the backend's answer is decoded, filtered and rendered anew";
    return "gather: " + std::to_string(e.backends.size()) +
           (e.sequential ? " backends one after the other" : " backends at the same time") + ", their answers merged";
}

Item endpoint_item(const conf::Endpoint& c, const plan::EndpointPlan& e) {
    Item out = group({}, e.method + " " + c.endpoint, {});
    out.gap = true;
    out.children.push_back(said("method", {}, e.method));
    out.children.push_back(said("path", {}, c.endpoint));
    out.children.push_back(number("line", {}, c.node ? c.node.place().line : 0, {}));
    out.children.push_back(said("executor", {}, std::string(name_of(e.executor))));
    Item how;
    how.label = "executor";
    how.text = executor_text(e);
    out.children.push_back(std::move(how));
    std::string timeout = duration(e.timeout_ms);
    if (e.backends.size() > 1)
        timeout += "; at " + duration(e.merge_timeout_ms) + " (85 %) it answers with what is there";
    out.children.push_back(number("timeout_ms", "timeout", e.timeout_ms, timeout));
    if (e.stream_idle_ms) {
        out.children.push_back(
            number("stream_idle_ms", "stream", e.stream_idle_ms,
                   "the timeout is that of the head; then " + duration(e.stream_idle_ms) + " without a byte end it"));
    }
    if (e.backends.size() > 1) out.children.push_back(number("merge_timeout_ms", {}, e.merge_timeout_ms, {}));
    if (e.concurrent_calls > 1) {
        out.children.push_back(number(
            "concurrent_calls", "concurrent calls", e.concurrent_calls,
            std::to_string(e.concurrent_calls) + "; each may take " + duration(e.concurrent_timeout_ms) + " (75 %)"));
    }
    if (e.static_data) out.children.push_back(said("static", "static data", static_text(c.proxy.static_data)));
    if (e.shadow)
        out.children.push_back(
            number("shadow_timeout_ms", "shadow timeout", e.shadow->timeout_ms, duration(e.shadow->timeout_ms)));
    std::vector<std::string> stages;
    for (const plan::Stage& s : e.pre)
        stages.emplace_back(s.name);
    out.children.push_back(number("stages", "stages before", e.pre.size(), stages.empty() ? "none" : joined(stages)));
    components_item(c.extra_config, out.children);
    if (!e.backends.empty()) {
        out.children.push_back(headers_item(e.backends[0]));
        out.children.push_back(query_item(e.backends[0]));
    }
    Item backends = list("backends");
    size_t real = 0, shadows = 0;
    for (const conf::Backend& b : c.backend) {
        const plan::EndpointPlan* of = b.proxy.shadow ? e.shadow.get() : &e;
        size_t& index = b.proxy.shadow ? shadows : real;
        if (of && index < of->backends.size()) backends.children.push_back(backend_item(c, b, *of, index++));
    }
    out.children.push_back(std::move(backends));

    std::string type(encodings::content_type(e.renderer));
    bool streams = e.renderer == encodings::Renderer::no_op;
    if (e.executor == plan::Executor::tunnel || e.executor == plan::Executor::feature) return out;
    Item answer =
        group("answer", "answer", streams ? "as the backend's" : std::string(name_of(e.renderer)) + " (" + type + ")");
    answer.children.push_back(said("renderer", {}, std::string(name_of(e.renderer))));
    if (!streams) answer.children.push_back(said("content_type", {}, type));
    if (!streams && !e.cache_control.empty()) {
        std::string line = e.cache_control.substr(0, e.cache_control.find('\r'));
        std::string value = line.substr(line.find(": ") + 2);
        Item cache = said("cache_control", "Cache-Control", value);
        cache.text += " (complete answers only)";
        answer.children.push_back(std::move(cache));
    }
    out.children.push_back(std::move(answer));
    return out;
}

// The endpoints of the file in the order of the plan: those that cannot be routed have none.
std::vector<const conf::Endpoint*> routed(const conf::Service& s) {
    std::vector<const conf::Endpoint*> out;
    for (const conf::Endpoint& e : s.endpoints) {
        if (e.is_routed) out.push_back(&e);
    }
    return out;
}

// --- the service -----------------------------------------------------------------------------------------------------

std::string place_text(const plan::ListenerPlan& l) {
    std::string out = l.is_unix() ? "unix socket " + l.path
                                  : (l.ip.empty() ? "every address" : l.ip) + ", port " + std::to_string(l.port);
    if (l.proxy_protocol) out += ", PROXY header first";
    return out;
}

Item service_item(const conf::Service& s, const plan::Snapshot& snap) {
    Item out = group("service", "service", s.name.empty() ? "(no name)" : s.name);
    const plan::ServerPlan& v = snap.server;
    out.children.push_back(said("name", {}, s.name));
    const plan::ListenerPlan* main =
        !v.listeners.empty() && v.listeners[0]->name == "main" ? v.listeners[0].get() : nullptr;
    out.children.push_back(said("listen_ip", {}, main ? main->ip : ""));
    out.children.push_back(number("port", "listener", main ? main->port : 0, main ? place_text(*main) : "none"));
    Item more = list("listeners");
    for (const auto& l : v.listeners) {
        if (l.get() == main) continue;
        Item one = group({}, "listener " + l->name, place_text(*l));
        one.children.push_back(said("name", {}, l->name));
        one.children.push_back(said("place", {}, l->key()));
        one.children.push_back(truth("tls", {}, l->tls, {}));
        one.children.push_back(truth("proxy_protocol", {}, l->proxy_protocol, {}));
        more.children.push_back(std::move(one));
    }
    if (!more.children.empty()) out.children.push_back(std::move(more));
    Item workers;
    workers.label = "workers";
    workers.text = "one per usable core, or as run --workers says; each accepts and answers by itself";
    out.children.push_back(std::move(workers));
    out.children.push_back(number("read_timeout_ms", {}, v.read_timeout_ms, {}));
    out.children.push_back(number("read_header_timeout_ms", {}, v.read_header_timeout_ms, {}));
    out.children.push_back(number("write_timeout_ms", {}, v.write_timeout_ms, {}));
    out.children.push_back(number("idle_timeout_ms", {}, v.idle_timeout_ms, {}));
    Item limits;
    limits.label = "client timeouts";
    limits.text = "head " + limit(v.read_header_timeout_ms) + ", request " + limit(v.read_timeout_ms) + ", answer " +
                  limit(v.write_timeout_ms) + ", idle " + limit(v.idle_timeout_ms);
    out.children.push_back(std::move(limits));
    out.children.push_back(number(
        "max_header_bytes", "client limits", v.max_header_bytes,
        "head " + std::to_string(v.max_header_bytes) + " bytes, body " +
            (v.max_request_body ? std::to_string(v.max_request_body) + " bytes" : "no limit") + ", connections " +
            (v.max_connections ? std::to_string(v.max_connections) : "as many as descriptors")));
    const upstream::Settings& t = snap.transport;
    Item transport = group("backend_connections", "to backends", {});
    transport.text =
        t.disable_keep_alives
            ? "a new connection for each request"
            : "HTTP/1.1, at most " + std::to_string(t.max_idle_per_host) + " idle per host, " +
                  (t.idle_timeout_ms ? "kept for " + duration(t.idle_timeout_ms) : "kept until the backend closes");
    transport.children.push_back(truth("keep_alive", {}, !t.disable_keep_alives, {}));
    transport.children.push_back(number("max_idle_per_host", {}, t.max_idle_per_host, {}));
    transport.children.push_back(number("idle_timeout_ms", {}, t.idle_timeout_ms, {}));
    transport.children.push_back(number("dialer_timeout_ms", {}, t.dialer_timeout_ms, {}));
    transport.children.push_back(number("response_header_timeout_ms", {}, t.response_header_timeout_ms, {}));
    transport.children.push_back(number("dns_ttl_ms", {}, t.dns_ttl_ms, {}));
    out.children.push_back(std::move(transport));
    std::vector<std::string> own;
    if (!s.router.disable_health) own.push_back("GET " + s.router.health_path);
    if (s.debug_endpoint) own.emplace_back("/__debug/*");
    if (s.echo_endpoint) own.emplace_back("/__echo/*");
    if (s.router.auto_options) own.emplace_back("OPTIONS of every path");
    out.children.push_back(names("own_routes", "own routes", own, own.empty() ? "none" : joined(own)));
    components_item(s.extra_config, out.children);
    return out;
}

Item unrouted_item(const conf::Service& s) {
    Item out = list("not_routed");
    for (const conf::Endpoint& e : s.endpoints) {
        if (e.is_routed) continue;
        Item i = said({}, e.method + " " + e.endpoint, "cannot be reached: its method cannot be routed");
        i.json = json_string(e.method + " " + e.endpoint);
        i.gap = out.children.empty();
        out.children.push_back(std::move(i));
    }
    return out;
}

// --- requests --------------------------------------------------------------------------------------------------------

// The URL that a backend is asked for, as engine/request.cc builds it.
std::string bound_url(const plan::BackendPlan& b, const plan::RouteMatch& m, const http::Target& t, Arena& arena) {
    std::string path;
    for (const plan::Template::Piece& p : b.url.pieces) {
        path += p.literal;
        if (p.param >= 0) path += m.param(static_cast<uint32_t>(p.param));
    }
    if (b.append_rest) path += b.rest_param < 0 ? t.path : m.param(static_cast<uint32_t>(b.rest_param));
    path = path.substr(0, path.find('#'));
    size_t q = path.find('?');
    auto escaped = http::escape_url_path_like_go_parse(std::string_view(path).substr(0, q), arena);
    if (!escaped) return "(no request: '" + path + "' is no path, the backend fails)";
    std::string out(*escaped);
    if (q != std::string::npos) out += path.substr(q);
    if (out.empty()) out = "/";
    if (!b.query.none() && t.has_query) {
        http::NameSet first{b.query.names.data(), static_cast<uint32_t>(b.query.names.size())};
        std::string_view query = http::encode_query(t.query, b.query.all ? nullptr : &first, arena);
        if (b.filters_query && !query.empty()) {
            http::NameSet second{b.query_filter.names.data(), static_cast<uint32_t>(b.query_filter.names.size())};
            query = http::encode_query(query, &second, arena);
        }
        if (!query.empty()) out += (out.find('?') == std::string::npos ? "?" : "&") + std::string(query);
    }
    return (b.hosts.empty() ? std::string("(no host)") : b.hosts[0].host->url) + out;
}

class RequestExplainer {
  public:
    RequestExplainer(const conf::Service& s, const plan::Snapshot& snap, std::string_view file)
        : s_(s), snap_(snap), file_(file) {}

    Explained run(std::string_view method, std::string_view target) {
        root_ = group({}, {}, {});
        root_.children.push_back(said("file", {}, std::string(file_)));
        Item request = group("request", std::string(method) + " " + std::string(target), {});
        request.children.push_back(said("method", {}, std::string(method)));
        request.children.push_back(said("target", {}, std::string(target)));
        root_.children.push_back(std::move(request));
        Explained out;
        out.answered = decide(http::method_of(method), target);
        out.text = as_text(root_);
        out.json = as_json(root_);
        return out;
    }

  private:
    void result(std::string_view kind, int status, std::string text) {
        Item r = group("result", "result", std::move(text));
        r.children.push_back(said("kind", {}, std::string(kind)));
        if (status) r.children.push_back(number("status", {}, static_cast<uint64_t>(status), {}));
        for (Item& i : more_)
            r.children.push_back(std::move(i));
        root_.children[1].children.push_back(std::move(r));
    }

    bool decide(http::Method method, std::string_view written) {
        auto target = http::parse_target(written, arena_);
        if (!target)
            return result("bad_request", 400, "400: '" + std::string(written) + "' cannot be read as a request target"),
                   false;
        target_ = *target;
        if (target_.path != target_.raw_path)
            root_.children[1].children.push_back(said("decoded_path", "decoded path", std::string(target_.path)));
        snap_.router->find(method, target_.path, arena_, match_);
        switch (match_.kind) {
            case plan::RouteMatch::found: {
                const plan::Route& route = snap_.routes[match_.target];
                if (route.builtin == plan::Builtin::none) return endpoint(route.endpoint);
                result("own_route", 200, "200: the gateway's own " + std::string(name_of(route.builtin)) + " route");
                return true;
            }
            case plan::RouteMatch::auto_options: {
                std::string allow(plan::Router::allow_sorted(match_.allowed, arena_));
                more_.push_back(said("allow", {}, allow));
                result("auto_options", 200, "200: answered by auto_options with Allow: " + allow);
                return true;
            }
            case plan::RouteMatch::redirect:
                return redirect(method);
            case plan::RouteMatch::not_allowed:
            case plan::RouteMatch::not_found:
                break;
        }
        const plan::Route& all = snap_.catch_all[static_cast<unsigned>(method)];
        if (all.endpoint != UINT32_MAX) return endpoint(all.endpoint);
        if (match_.kind == plan::RouteMatch::not_allowed) {
            std::string allow(snap_.router->allow(match_.allowed, arena_));
            more_.push_back(said("allow", {}, allow));
            result("not_allowed", 405, "405: the path has endpoints, but only for " + allow);
            return false;
        }
        result("not_found", 404, "404: no endpoint has this path" + other_methods(method));
        return false;
    }

    // With disable_handle_method_not_allowed a 404 may hide that only the method is wrong.
    std::string other_methods(http::Method method) {
        std::string found;
        for (unsigned i = 0; i < plan::kMethodCount; ++i) {
            auto m = static_cast<http::Method>(i);
            if (m == method) continue;
            plan::RouteMatch match;
            snap_.router->find(m, target_.path, arena_, match);
            if (match.kind != plan::RouteMatch::found) continue;
            if (!found.empty()) found += ", ";
            found += http::method_name(m);
        }
        return found.empty() ? std::string() : " with this method; it has one for " + found;
    }

    bool redirect(http::Method method) {
        std::string location(http::escape_path(match_.redirect_path, arena_));
        if (target_.has_query) location += "?" + std::string(target_.query);
        int status = method == http::Method::get ? 301 : 307;
        std::string why =
            match_.by_slash ? "only the slash at the end differs" : "a route has this path spelt otherwise";
        more_.push_back(said("location", {}, location));
        more_.push_back(said("reason", {}, why));
        result("redirect", status, std::to_string(status) + " to " + location + ": " + why);
        return true;
    }

    bool endpoint(uint32_t index) {
        std::vector<const conf::Endpoint*> all = routed(s_);
        const plan::EndpointPlan& e = *snap_.endpoints[index];
        const conf::Endpoint& c = *all[index];
        Item params = group("parameters", {}, {});
        for (uint32_t i = 0; i < match_.param_count; ++i) {
            bool rest = i >= c.params.size();
            params.children.push_back(said(rest ? "*" : c.params[i], rest ? "the rest" : "{" + c.params[i] + "}",
                                           std::string(match_.param(i))));
        }
        std::string_view error = snap_.service->disable_path_decoding || match_.param_count == 0
                                     ? std::string_view()
                                     : plan::encoded_params_error(match_, arena_);
        std::string where = e.method + " " + c.endpoint + " (" + std::string(file_) + ":" +
                            std::to_string(c.node ? c.node.place().line : 0) + ")";
        more_.push_back(std::move(params));
        if (!error.empty()) {
            result("bad_request", 400, "400 of " + where + ": " + std::string(error));
            return false;
        }
        Item calls = list("calls");
        for (const plan::BackendPlan& b : e.backends) {
            std::string url = bound_url(b, match_, target_, arena_);
            Item call = said({}, "calls", b.method_name + " " + url);
            calls.children.push_back(std::move(call));
        }
        more_.push_back(std::move(calls));
        result("endpoint", 0, where);
        Item plan = endpoint_item(c, e);
        plan.key = "endpoint";
        root_.children.push_back(std::move(plan));
        return true;
    }

    const conf::Service& s_;
    const plan::Snapshot& snap_;
    std::string_view file_;
    Arena arena_;
    http::Target target_;
    plan::RouteMatch match_;
    Item root_;
    std::vector<Item> more_;
};

}  // namespace

Explained explain_all(const conf::Service& s, const plan::Snapshot& snap, std::string_view file) {
    Item root = group({}, {}, {});
    root.children.push_back(said("file", std::string(file),
                                 count(snap.endpoints.size(), "endpoint") + ", " + count(snap.hosts.size(), "host")));
    root.children.back().json = json_string(file);
    root.children.push_back(service_item(s, snap));
    std::vector<const conf::Endpoint*> all = routed(s);
    Item endpoints = list("endpoints");
    for (size_t i = 0; i < snap.endpoints.size(); ++i)
        endpoints.children.push_back(endpoint_item(*all[i], *snap.endpoints[i]));
    root.children.push_back(std::move(endpoints));
    if (all.size() < s.endpoints.size()) root.children.push_back(unrouted_item(s));
    Explained out;
    out.text = as_text(root);
    out.json = as_json(root);
    return out;
}

Explained explain_request(const conf::Service& s, const plan::Snapshot& snap, std::string_view file,
                          std::string_view method, std::string_view target) {
    return RequestExplainer(s, snap, file).run(method, target);
}

}  // namespace gladius::app
