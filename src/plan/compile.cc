#include "plan/compile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <optional>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "base/arena.h"
#include "conf/listeners.h"
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

// The reference reads the numbers of its file as float64, and prints them so.
void append_number(std::string& out, std::string_view text) {
    double d = 0;
    auto read = std::from_chars(text.data(), text.data() + text.size(), d);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
        out += text;
        return;
    }
    // The shortest digits that give the number again: "-1.2345e+03".
    char shortest[40];
    char* end = std::to_chars(shortest, std::end(shortest), d, std::chars_format::scientific).ptr;
    std::string_view written(shortest, static_cast<size_t>(end - shortest));
    if (written[0] == '-') {
        out += '-';
        written.remove_prefix(1);
    }
    size_t e = written.find('e');
    int exponent = 0;
    std::from_chars(written.data() + e + (written[e + 1] == '+' ? 2 : 1), end, exponent);
    double size = std::fabs(d);
    if (size != 0 && (size < 1e-6 || size >= 1e21)) {
        out += written.substr(0, e);
        out += exponent < 0 ? "e-" : "e+";
        out += std::to_string(std::abs(exponent));
        return;
    }
    std::string digits(written.substr(0, 1));
    if (e > 2) digits += written.substr(2, e - 2);
    auto whole = static_cast<size_t>(std::max(exponent + 1, 0));  // digits before the point
    if (exponent < 0) {
        out += "0.";
        out.append(static_cast<size_t>(-exponent - 1), '0');
        out += digits;
    } else if (whole >= digits.size()) {
        out += digits;
        out.append(whole - digits.size(), '0');
    } else {
        out += digits.substr(0, whole) + "." + digits.substr(whole);
    }
}

void append_text(std::string& out, std::string_view s) {
    Arena arena;
    json::ArenaOutput o(arena, s.size() + 16);
    json::quote(s, o);
    out += o.view();
}

void append_json(std::string& out, conf::Node n) {
    switch (n.kind()) {
        case conf::Kind::null:
            out += "null";
            break;
        case conf::Kind::boolean:
            out += n.boolean() ? "true" : "false";
            break;
        case conf::Kind::number:
            append_number(out, n.text());
            break;
        case conf::Kind::string:
            append_text(out, n.text());
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
                append_text(out, m.key);
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

// "unix:/run/app.sock"
constexpr std::string_view kUnixHost = "unix:";

class Hosts {
  public:
    explicit Hosts(Snapshot& s) : snapshot_(s) {}

    // With the TLS settings and the proxy of a backend. One place, spoken to in different ways, is several hosts.
    bool add(const std::string& url, const BackendPlan& backend, HostRef& out, const upstream::Http2& http2 = {}) {
        const Proxy* own = backend.proxy ? &*backend.proxy : nullptr;
        std::string key = url + '\n' + std::to_string(reinterpret_cast<uintptr_t>(backend.tls.get()));
        if (own) key += '\n' + own->authorization + '@' + own->host + ':' + std::to_string(own->port);
        if (http2.on) key += " h2 " + std::to_string(http2.max_streams) + " " + std::to_string(http2.ping_ms);
        auto it = by_url_.find(key);
        if (it == by_url_.end()) {
            auto h = std::make_shared<HostPlan>();
            if (!parse(url, own, *h)) return false;
            h->tls = backend.tls;
            // A proxy speaks HTTP/1.1, unless it only leads to the host.
            if (h->proxy.host.empty() || h->https) h->http2 = http2;
            it = by_url_.emplace(std::move(key), static_cast<uint32_t>(snapshot_.hosts.size())).first;
            snapshot_.hosts.push_back(std::move(h));
        }
        out.index = it->second;
        out.host = snapshot_.hosts[it->second];
        return true;
    }

    // The one with these settings; shared by all backends that have them.
    std::shared_ptr<const net::TlsClientSpec> tls(const net::TlsClientSpec& spec) {
        for (const auto& s : snapshot_.client_tls)
            if (*s == spec) return s;
        return snapshot_.client_tls.emplace_back(std::make_shared<const net::TlsClientSpec>(spec));
    }

    const std::shared_ptr<const net::TlsClientSpec>& service_tls() const { return snapshot_.client_tls[0]; }

  private:
    bool parse(const std::string& text, const Proxy* own, HostPlan& h) {
        std::string_view s = text;
        if (s.starts_with(kUnixHost)) {
            h.host = text;
            h.url = "http://localhost";
            h.header = "localhost";
            return true;
        }
        h.websocket = s.starts_with("ws://") || s.starts_with("wss://");
        h.https = s.starts_with("https://") || s.starts_with("wss://");
        std::string_view scheme = h.https ? "https://" : "http://";
        if (!h.websocket && !s.starts_with(scheme)) return false;
        s.remove_prefix(s.find("://") + 3);
        size_t end = std::min(s.find_first_of("/?#"), s.size());
        h.base = base_path(s.substr(end));
        s = s.substr(0, end);
        h.url = std::string(scheme) + std::string(s);
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
        const Proxy* p = own ? own : h.websocket ? nullptr : snapshot_.proxy.for_host(h.host, h.port, h.https);
        if (p) h.proxy = *p;
        return true;
    }

    // The reference puts the whole of a host that it was told to leave alone in front of the path.
    static std::string base_path(std::string_view rest) {
        Arena arena;
        auto escaped = http::escape_url_path_like_go_parse(rest.substr(0, rest.find_first_of("?#")), arena);
        return escaped ? std::string(*escaped) : std::string();
    }

    Snapshot& snapshot_;
    std::unordered_map<std::string, uint32_t> by_url_;
};

// --- URLs
// -----------------------------------------------------------------------------------------------------------------------------------

// A pattern without parameters, escaped as the reference escapes the parsed whole. Nothing: it is no URL, and every
// request of it fails.
std::optional<std::string> escaped_url(std::string_view s) {
    Arena arena;
    s = s.substr(0, s.find('#'));
    size_t q = s.find('?');
    auto path = http::escape_url_path_like_go_parse(s.substr(0, q), arena);
    if (!path) return std::nullopt;
    std::string out(*path);
    if (out.empty()) out = "/";
    if (q != std::string_view::npos) out += s.substr(q);
    return out;
}

// What calls refer to, by the names it has in URLs: "Resp0_user.name", "Each.id".
class StepNames {
  public:
    StepNames(EndpointPlan& plan, const conf::Endpoint& e, const std::vector<const conf::Backend*>& backends)
        : plan_(plan) {
        plan.step_lookups.resize(backends.size());
        for (size_t i = 0; i < backends.size(); ++i) {
            const conf::Backend& b = *backends[i];
            if (plan.sequential && i > 0) {
                in_url(b.path_template, i);
                for (const std::string& name : e.proxy.sequential_propagated_params)
                    propagated(name, i);
            }
            if (b.call.node)
                for (const std::string& name : conf::backend_params(b.url_pattern))
                    refer(name, i);
        }
    }
    int32_t find(std::string_view key) const {
        for (size_t i = 0; i < names_.size(); ++i)
            if (names_[i] == key) return static_cast<int32_t>(i);
        return -1;
    }
    // A reference of step `step` in "gladius/call"; -1 when it is none, or a parameter of the path.
    int32_t refer(const std::string& name, size_t step) {
        using Kind = conf::Reference::Kind;
        conf::Reference r = conf::parse_reference(name);
        if (r.kind == Kind::none || r.kind == Kind::param) return -1;
        return add(conf::param_key(name), r, step);
    }

  private:
    static bool is_path(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '-';
    }
    // The number at the front of `s`, which is cut off.
    static bool number(std::string_view& s, uint32_t& n) {
        auto r = std::from_chars(s.data(), s.data() + s.size(), n);
        if (r.ec != std::errc()) return false;
        s.remove_prefix(static_cast<size_t>(r.ptr - s.data()));
        return true;
    }
    // As the reference looks for them.
    void in_url(std::string_view url, size_t step) {
        constexpr std::string_view kOpen = "{{.Resp";
        for (size_t at; (at = url.find(kOpen)) != url.npos;) {
            url.remove_prefix(at + kOpen.size());
            std::string_view s = url;
            uint32_t backend = 0;
            if (!number(s, backend) || s.empty() || s[0] != '_') continue;
            s.remove_prefix(1);
            size_t n = 0;
            while (n < s.size() && is_path(s[n]))
                ++n;
            if (n > 0 && s.substr(n, 2) == "}}") add_field(backend, s.substr(0, n), step);
        }
    }
    // resp0_name; resp0 alone is a whole body, which no URL can ask for.
    void propagated(std::string_view name, size_t step) {
        size_t at = name.find("esp");
        if (at == name.npos || at == 0 || (name[at - 1] != 'r' && name[at - 1] != 'R')) return;
        name.remove_prefix(at + 3);
        uint32_t backend = 0;
        if (!number(name, backend) || name.size() < 2 || name[0] != '_') return;
        size_t n = 1;
        while (n < name.size() && is_path(name[n]))
            ++n;
        if (n > 1) add_field(backend, name.substr(1, n - 1), step);
    }
    void add_field(uint32_t backend, std::string_view path, size_t step) {
        conf::Reference r{conf::Reference::Kind::field, backend, path};
        add("Resp" + std::to_string(backend) + "_" + std::string(path), r, step);
    }
    int32_t add(std::string name, const conf::Reference& r, size_t step) {
        using Kind = conf::Reference::Kind;
        int32_t index = find(name);
        if (index < 0) {
            index = static_cast<int32_t>(names_.size());
            StepValue v;
            v.kind = r.kind;
            v.backend = r.backend;
            v.placeholder = "{{." + name + "}}";
            if (r.kind == Kind::field || r.kind == Kind::each) {
                std::string_view path = r.path;
                while (!path.empty()) {
                    size_t dot = path.find('.');
                    v.path.emplace_back(path.substr(0, dot));
                    path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
                }
            } else {
                v.name = r.kind == Kind::client_query ? std::string(r.path) : conf::canonical_header(r.path);
            }
            plan_.step_values.push_back(std::move(v));
            names_.push_back(std::move(name));
        }
        bool earlier = r.kind == Kind::field || r.kind == Kind::status || r.kind == Kind::header;
        if (r.kind != Kind::each && (!earlier || r.backend < step)) {
            auto& lookups = plan_.step_lookups[step];
            auto i = static_cast<uint32_t>(index);
            if (std::find(lookups.begin(), lookups.end(), i) == lookups.end()) lookups.push_back(i);
        }
        return index;
    }

    EndpointPlan& plan_;
    std::vector<std::string> names_;
};

// "/a/{{.Id}}/b" with the parameters of the endpoint in their order. A name that no parameter has stays as it is
// written.
//
// A name like Resp0_user.name is a value of an earlier step, when `steps` knows it.
Template compile_url(std::string_view text, const std::vector<std::string>& keys, const StepNames& steps) {
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
        int32_t param = it == keys.rend() ? -1 : static_cast<int32_t>(keys.rend() - it - 1);
        int32_t step = param < 0 ? steps.find(key) : -1;
        if (param < 0 && step < 0) {
            literal += text.substr(0, end + 2);
        } else {
            literal += text.substr(0, at);
            t.pieces.push_back({std::move(literal), param, step});
            literal.clear();
        }
        text.remove_prefix(end + 2);
    }
    if (!literal.empty() || t.pieces.empty()) t.pieces.push_back({std::move(literal), -1, -1});
    if (t.fixed()) {
        auto escaped = escaped_url(t.pieces[0].literal);
        t.plain = escaped.has_value();
        if (escaped) t.pieces[0].literal = std::move(*escaped);
        return t;
    }
    bool in_query = false;
    for (const Template::Piece& piece : t.pieces) {
        for (char c : piece.literal) {
            in_query |= c == '?';
            bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            bool fits = letter || std::string_view("/-_.~").find(c) != std::string_view::npos;
            t.plain = t.plain && (in_query ? c > ' ' && c < '\x7f' && c != '#' : fits);
        }
    }
    return t;
}

// --- the service
// ---------------------------------------------------------------------------------------------------------------------

std::shared_ptr<const CompressionPlan> compile_compression(const conf::CompressionOptions& o) {
    if (!o.node || o.algorithms.empty()) return nullptr;
    auto c = std::make_shared<CompressionPlan>();
    for (const std::string& name : o.algorithms)
        if (name == "br" || name == "gzip") c->order.push_back(name == "br" ? Coding::br : Coding::gzip);
    c->types = o.types;
    c->min_size = static_cast<uint64_t>(o.min_size);
    c->gzip_level = static_cast<int>(o.gzip_level);
    c->br_level = static_cast<int>(o.br_level);
    return c;
}

std::shared_ptr<RouterPlan> compile_router_options(const conf::Service& s) {
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
        Cidr c;
        if (!parse_cidr(p, c)) break;  // as the reference: those before it count
        // An IPv4 address that is written as IPv6 gets the length of an IPv4 one: ::/32, which it is not in.
        if (p.find(':') != std::string::npos && p.find('.') != std::string::npos && p.find('/') == std::string::npos)
            c.bits = 32;
        all4 |= c.bits == 96 && c.bytes[10] == 0xff;
        all6 |= c.bits == 0;
        r->trusted.push_back(c);
    }
    r->trust_all = all4 && all6;
    r->compression = compile_compression(s.compression);
    r->not_found_body = rendered(o.error_body_404);
    r->not_allowed_body = rendered(o.error_body_405);
    r->krakend_header = o.hide_version_header ? "Version undefined" : "Version " + std::string(kReferenceVersion);
    r->user_agent =
        o.hide_version_header ? "KrakenD Version undefined" : "KrakenD Version " + std::string(kReferenceVersion);
    return r;
}

void compile_trusted(const std::vector<std::string>& texts, ListenerPlan& to) {
    for (const std::string& t : texts) {
        Cidr c;
        if (parse_cidr(t, c)) to.trusted.push_back(c);
    }
}

std::vector<std::shared_ptr<const ListenerPlan>> compile_listeners(const conf::Service& s) {
    std::vector<std::shared_ptr<const ListenerPlan>> out;
    const conf::ListenersOptions& o = s.listeners;
    if (!o.main.disabled) {
        auto l = std::make_shared<ListenerPlan>();
        l->name = "main";
        l->ip = s.listen_ip;
        l->port = static_cast<uint16_t>(s.port);
        l->tls = s.tls && !s.tls->disabled;
        l->proxy_protocol = o.main.proxy_protocol;
        compile_trusted(o.main.trusted, *l);
        out.push_back(std::move(l));
    }
    for (const conf::ListenerOptions& m : o.more) {
        auto l = std::make_shared<ListenerPlan>();
        l->name = m.name;
        l->ip = m.address;
        l->port = static_cast<uint16_t>(m.port);
        l->path = m.path;
        l->mode = conf::parse_mode(m.mode).value_or(0600);
        l->tls = m.tls.value_or(false);
        l->proxy_protocol = m.proxy_protocol;
        compile_trusted(m.trusted, *l);
        out.push_back(std::move(l));
    }
    return out;
}

// --- backends and endpoints
// ----------------------------------------------------------------------------------------------------------------

void cannot_be_called(const conf::Backend& b, const std::string& host, conf::Diagnostics& diagnostics) {
    diagnostics.add(conf::Severity::warning, b.node.place(),
                    "the host " + host + " is nothing that can be called over HTTP",
                    "requests to this backend fail until it is http://name:port");
}

// ws:// means something only where a feature made the endpoint one that upgrades.
void drop_websocket_hosts(const conf::Backend& b, BackendPlan& plan, conf::Diagnostics& diagnostics) {
    std::erase_if(plan.hosts, [&](const HostRef& h) {
        if (h.host->websocket) cannot_be_called(b, (h.host->https ? "wss://" : "ws://") + h.host->header, diagnostics);
        return h.host->websocket;
    });
}

void compile_backend(const conf::Endpoint& e, const conf::Backend& b, const std::vector<std::string>& keys,
                     const StepNames& steps, uint32_t kept, Hosts& hosts, BackendPlan& out,
                     conf::Diagnostics& diagnostics) {
    const conf::BackendHttpClient& client = b.http_client;
    out.send_body_on_redirect = client.send_body_on_redirect;
    out.no_redirect = client.no_redirect;
    out.tls = client.client_tls ? hosts.tls(client.client_tls->spec) : hosts.service_tls();
    if (!client.proxy_address.empty()) {
        Result<Proxy> p = parse_proxy(client.proxy_address);
        if (p)
            out.proxy = std::move(*p);
        else
            diagnostics.add(conf::Severity::error, b.node.place(),
                            "backend/http/client: proxy_address: " + p.error().message, "write http://host:port");
    }
    upstream::Http2 http2;
    if (b.http2.node) http2 = {true, static_cast<uint32_t>(b.http2.max_streams), ms(b.http2.ping_interval)};
    for (const std::string& h : b.host) {
        HostRef ref;
        if (hosts.add(h, out, ref, http2))
            out.hosts.push_back(std::move(ref));
        else
            cannot_be_called(b, h, diagnostics);
    }
    out.pattern = b.url_pattern;
    out.method_name = conf::to_upper(b.method);
    out.method = http::method_of(out.method_name);
    // The pattern as messages show it, and as it is sent.
    out.pattern = b.path_template.empty() ? b.url_pattern : b.path_template;
    out.url = compile_url(out.pattern, keys, steps);
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
        out.headers = NameRule::of(e.input_headers);
    }
    out.filters_headers = !b.input_headers.empty();
    if (out.filters_headers) {
        out.header_filter = NameRule::of(b.input_headers);
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
    f.walk = b.arrays.walk;
    f.keep_depth = kept;
    out.filter = json::FilterProgram::compile(f);
    out.return_error_code = b.http.return_error_code && b.http.return_error_details.empty();
    out.return_error_details = b.http.return_error_details;
}

std::shared_ptr<StaticData> fixed_data(const conf::Node& data) {
    auto out = std::make_shared<StaticData>();
    append_json(out->text, data);
    out->data = json::Value::of(json::scan(out->text, out->arena), 0);
    return out;
}

std::shared_ptr<const StaticData> compile_static(const conf::StaticOptions& o) {
    if (!o.data) return nullptr;
    auto out = fixed_data(o.data);
    using When = StaticData::When;
    constexpr std::pair<std::string_view, When> kStrategies[] = {{"success", When::success},
                                                                 {"complete", When::complete},
                                                                 {"errored", When::errored},
                                                                 {"incomplete", When::incomplete}};
    for (const auto& [name, when] : kStrategies)
        if (o.strategy == name) out->when = when;
    return out;
}

// Text with {references}; every reference was checked (conf/normalise.cc).
Template compile_text(std::string_view text, const std::vector<std::string>& keys, size_t step, StepNames& steps) {
    Template t;
    std::string literal;
    for (const std::string& name : conf::backend_params(text)) {
        std::string written = "{" + name + "}";
        size_t at = text.find(written);
        int32_t value = steps.refer(name, step);
        auto key = std::find(keys.rbegin(), keys.rend(), conf::param_key(name));
        literal += text.substr(0, at);
        text.remove_prefix(at + written.size());
        t.pieces.push_back({std::move(literal),
                            value < 0 && key != keys.rend() ? static_cast<int32_t>(keys.rend() - key - 1) : -1, value});
        literal.clear();
    }
    literal += text;
    if (!literal.empty() || t.pieces.empty()) t.pieces.push_back({std::move(literal), -1, -1});
    return t;
}

void compile_body(const conf::Node& n, const std::vector<std::string>& keys, size_t step, StepNames& steps,
                  std::vector<CallPlan::BodyPiece>& out) {
    if (out.empty()) out.emplace_back();
    if (n.is(conf::Kind::object) || n.is(conf::Kind::array)) {
        bool object = n.is(conf::Kind::object);
        out.back().literal += object ? '{' : '[';
        bool first = true;
        auto separate = [&] {
            if (!first) out.back().literal += ',';
            first = false;
        };
        if (object) {
            for (conf::Member m : n.members()) {
                separate();
                append_text(out.back().literal, m.key);
                out.back().literal += ':';
                compile_body(m.value, keys, step, steps, out);
            }
        } else {
            for (conf::Node e : n.elements()) {
                separate();
                compile_body(e, keys, step, steps, out);
            }
        }
        out.back().literal += object ? '}' : ']';
        return;
    }
    if (!n.is(conf::Kind::string)) return append_json(out.back().literal, n);
    Template text = compile_text(n.text(), keys, step, steps);
    if (text.fixed()) return append_text(out.back().literal, n.text());
    const Template::Piece& first = text.pieces[0];
    if (text.pieces.size() == 1 && first.literal.empty() && first.step >= 0)
        out.back().whole = first.step;
    else
        out.back().text = std::move(text);
    out.emplace_back();
}

std::shared_ptr<const CallPlan> compile_call(const conf::CallOptions& o, const std::vector<std::string>& keys,
                                             size_t step, StepNames& steps) {
    if (!o.node) return nullptr;
    auto out = std::make_shared<CallPlan>();
    bool optional = o.fallback || (o.required && !*o.required);
    if (optional) out->need = CallPlan::Need::optional;
    if (o.required && *o.required) out->need = CallPlan::Need::required;
    if (o.fallback) out->fallback = fixed_data(o.fallback);
    if (const conf::CallCondition& c = o.condition; c.node) {
        out->condition.present = true;
        out->condition.value = compile_text(c.value, keys, step, steps);
        out->condition.equals = c.equals;
        out->condition.not_equals = c.not_equals;
        out->condition.in = c.in;
        out->condition.exists = c.exists;
    }
    for (const auto& [name, value] : o.headers)
        out->headers.emplace_back(conf::canonical_header(name), compile_text(value, keys, step, steps));
    for (const auto& [name, value] : o.query)
        out->query.emplace_back(name, compile_text(value, keys, step, steps));
    if (o.body) compile_body(o.body, keys, step, steps, out->body);
    if (o.foreach.node) {
        out->foreach.array = steps.refer(o.foreach.array, step);
        out->foreach.into = o.foreach.into;
        out->foreach.parallel = static_cast<uint32_t>(o.foreach.parallel);
        out->foreach.max = static_cast<uint32_t>(o.foreach.max);
    }
    return out;
}

// `backends`: all of the endpoint's, or its shadows.
std::shared_ptr<EndpointPlan> compile_endpoint(const conf::Endpoint& e,
                                               const std::vector<const conf::Backend*>& backends, Hosts& hosts,
                                               const std::shared_ptr<const RouterPlan>& service, uint64_t generation,
                                               conf::Diagnostics& diagnostics) {
    auto p = std::make_shared<EndpointPlan>();
    p->path = e.endpoint;
    p->pattern = e.path;
    p->method = conf::to_upper(e.method);
    p->timeout_ms = ms(e.timeout);
    if (p->timeout_ms == 0) p->timeout_ms = 1;
    if (e.stream.idle_timeout.count() > 0) p->stream_idle_ms = std::max<uint64_t>(1, ms(e.stream.idle_timeout));
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
    std::string only = backends.size() == 1 ? backends[0]->encoding : std::string();
    p->renderer = encodings::find_renderer(e.output_encoding, only);
    p->flatmap = json::FlatmapProgram::compile(e.flatmap);
    p->sequential = e.proxy.sequential && backends.size() > 1;
    StepNames steps(*p, e, backends);
    p->backends.resize(backends.size());
    for (size_t i = 0; i < backends.size(); ++i) {
        compile_backend(e, *backends[i], keys, steps, p->flatmap.keep_depth(), hosts, p->backends[i], diagnostics);
        fix_views(p->backends[i].query);
        fix_views(p->backends[i].query_filter);
        p->backends[i].call = compile_call(backends[i]->call, keys, i, steps);
    }
    for (const StepValue& v : p->step_values) {
        bool of_head = v.kind == conf::Reference::Kind::status || v.kind == conf::Reference::Kind::header;
        if (of_head && v.backend < p->backends.size()) p->backends[v.backend].keeps_head = true;
    }
    bool unsafe = std::any_of(p->backends.begin(), p->backends.end(), [](const BackendPlan& b) {
        return b.method != http::Method::get && b.method != http::Method::head;
    });
    p->copies_body = p->concurrent_calls > 1 || (backends.size() > 1 && (unsafe || p->sequential));
    bool streams = p->renderer == encodings::Renderer::no_op && p->backends.size() == 1;
    p->executor = backends.empty() ? Executor::none : streams ? Executor::relay : Executor::gather;
    p->compression =
        e.extra_config.has("gladius/compression") ? compile_compression(e.compression) : service->compression;
    p->service = service;
    p->generation = generation;
    return p;
}

// The same in every generation, wherever the backend stands in the file: what it is asked for, where, and the how
// many-th of the kind it is in its endpoint.
std::string identity_of(const conf::Endpoint& e, size_t index) {
    auto text = [](const conf::Backend& b) {
        std::string out = conf::to_upper(b.method) + " " + b.url_pattern;
        for (const std::string& host : b.host)
            out += " " + host;
        return out;
    };
    std::string own = text(e.backend[index]);
    auto before = std::count_if(e.backend.begin(), e.backend.begin() + static_cast<std::ptrdiff_t>(index),
                                [&](const conf::Backend& b) { return text(b) == own; });
    return conf::to_upper(e.method) + " " + e.endpoint + " " + own + " " + std::to_string(before);
}

// Real backends answer, shadows get the same request and nobody waits for them (ledger 1 section 5.14). of_backend: the
// plan of each backend of the configuration, in its order; none when nobody would ever ask it.
std::shared_ptr<EndpointPlan> compile_endpoint(const conf::Endpoint& e, Hosts& hosts,
                                               const std::shared_ptr<const RouterPlan>& service, uint64_t generation,
                                               conf::Diagnostics& diagnostics, std::vector<BackendPlan*>& of_backend) {
    std::vector<const conf::Backend*> real, shadows;
    conf::Duration patience{0};
    for (const conf::Backend& b : e.backend) {
        (b.proxy.shadow ? shadows : real).push_back(&b);
        if (b.proxy.shadow)
            patience = std::max(patience, b.proxy.shadow_timeout.count() ? b.proxy.shadow_timeout : b.timeout);
    }
    auto plan = compile_endpoint(e, real, hosts, service, generation, diagnostics);
    plan->static_data = compile_static(e.proxy.static_data);
    std::shared_ptr<EndpointPlan> shadow;
    if (!shadows.empty() && !real.empty()) {
        shadow = compile_endpoint(e, shadows, hosts, service, generation, diagnostics);
        shadow->timeout_ms = std::max<uint64_t>(1, ms(patience));
        shadow->stream_idle_ms = 0;
        plan->copies_body = shadow->copies_body = true;
        plan->shadow = shadow;
    }
    size_t next_real = 0, next_shadow = 0;
    for (const conf::Backend& b : e.backend) {
        BackendPlan* own = nullptr;
        if (!b.proxy.shadow)
            own = &plan->backends[next_real++];
        else if (shadow)
            own = &shadow->backends[next_shadow++];
        of_backend.push_back(own);
    }
    return plan;
}

}  // namespace

NameRule NameRule::of(const std::vector<std::string>& names) {
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

bool TunnelPlan::of_handshake(std::string_view name) const {
    return std::any_of(headers.begin(), headers.end(), [&](const std::string& h) { return http::same_name(h, name); });
}

std::shared_ptr<Snapshot> compile(const conf::Service& s, const CompileOptions& options,
                                  conf::Diagnostics& diagnostics) {
    auto out = std::make_shared<Snapshot>();
    out->generation = options.generation;
    ServerPlan& sv = out->server;
    sv.listeners = compile_listeners(s);
    sv.read_timeout_ms = ms(s.read_timeout);
    sv.read_header_timeout_ms = ms(s.read_header_timeout);
    sv.write_timeout_ms = ms(s.write_timeout);
    sv.idle_timeout_ms = ms(s.idle_timeout);
    sv.max_header_bytes =
        s.max_header_bytes > 0 ? static_cast<uint32_t>(std::min<int64_t>(s.max_header_bytes, 64 << 20)) : 1 << 20;
    sv.max_shutdown_wait_ms = ms(s.max_shutdown_wait_time);
    sv.use_h2c = s.use_h2c || s.router.use_h2c;
    sv.max_connections = static_cast<uint64_t>(s.limits.max_connections);
    sv.max_request_body = static_cast<uint64_t>(s.limits.max_request_body);
    sv.max_backend_body = static_cast<uint64_t>(s.limits.max_backend_body);
    sv.max_memory = static_cast<uint64_t>(s.limits.max_memory);
    if (s.tls && !s.tls->disabled) {
        sv.tls = s.tls->spec;
        sv.tls->http2 = true;
        sv.tls_place = s.tls->node.place();
    }

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

    std::shared_ptr<RouterPlan> service = compile_router_options(s);
    out->service = service;
    auto builder_of = [&](const Feature& f, std::string where) {
        return Builder{f.info,         std::move(where),  diagnostics, *service, options.allow_unsupported,
                       options.states, options.generation};
    };
    for (const Feature* f : options.features) {
        conf::Node config = s.extra_config.find(f->info.name);
        if (!config || !f->compile_service) continue;
        ServiceBuilder builder{builder_of(*f, ""), s, *service};
        f->compile_service(config, builder);
    }

    RouterBuilder routes;
    RouterOptions ro;
    ro.disable_redirect_trailing_slash = s.router.disable_redirect_trailing_slash;
    ro.disable_redirect_fixed_path = s.router.disable_redirect_fixed_path;
    ro.disable_handle_method_not_allowed = s.router.disable_handle_method_not_allowed;
    ro.remove_extra_slash = s.router.remove_extra_slash;
    ro.auto_options = s.router.auto_options;
    auto add = [&](http::Method m, const std::string& pattern, Route route, const conf::Node& node) {
        auto target = static_cast<uint32_t>(out->routes.size());
        Result<void> r = routes.add(m, pattern, target, route.builtin == Builtin::none);
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

    out->client_tls.push_back(std::make_shared<const net::TlsClientSpec>(s.backend_tls));
    out->proxy = ProxyRules(options.http_proxy, options.https_proxy, options.no_proxy);
    if (!out->proxy.error().empty())
        diagnostics.add(conf::Severity::error, {}, "environment variable " + out->proxy.error(),
                        "write http://host:port, or unset it");
    Hosts hosts(*out);
    for (const conf::Endpoint& e : s.endpoints) {
        if (!e.is_routed) continue;
        auto index = static_cast<uint32_t>(out->endpoints.size());
        std::vector<BackendPlan*> of_backend;
        auto plan = compile_endpoint(e, hosts, out->service, options.generation, diagnostics, of_backend);
        http::Method m = http::method_of(plan->method);
        std::string where = "endpoint " + plan->method + " " + e.endpoint + ": ";
        for (const Feature* f : options.features) {
            conf::Node config = e.extra_config.find(f->info.name);
            if (config && f->compile_endpoint) {
                ServiceBuilder above{builder_of(*f, where), s, *service};
                EndpointBuilder builder{builder_of(*f, where), e, *plan, above};
                f->compile_endpoint(config, builder);
            }
            for (size_t i = 0; f->compile_backend && i < e.backend.size(); ++i) {
                conf::Node own = e.backend[i].extra_config.find(f->info.name);
                if (!own || !of_backend[i]) continue;
                const conf::Backend& b = e.backend[i];
                std::string place = "backend " + conf::to_upper(b.method) + " " + b.url_pattern + " of " + where;
                BackendBuilder one{builder_of(*f, std::move(place)), e, b, *of_backend[i], identity_of(e, i)};
                f->compile_backend(own, one);
                HostRef kept;  // by the snapshot
                for (const std::string& url : one.other_hosts)
                    hosts.add(url, *of_backend[i], kept);
            }
        }
        for (size_t i = 0;
             i < e.backend.size() && plan->executor != Executor::tunnel && plan->executor != Executor::feature; ++i)
            if (of_backend[i]) drop_websocket_hosts(e.backend[i], *of_backend[i], diagnostics);
        Route route{Builtin::none, index};
        if (e.is_catch_all) {
            out->catch_all[static_cast<unsigned>(m)] = route;
        } else {
            std::string pattern = e.path;
            if (e.is_wildcard) pattern += "rest";  // "/a/*" -> "/a/*rest"
            add(m, pattern, route, e.node);
        }
        if (plan->resident) out->residents.push_back(*plan->resident);
        out->endpoints.push_back(std::move(plan));
    }
    out->router = std::make_unique<Router>(std::move(routes).build(ro));
    return out;
}

}  // namespace gladius::plan
