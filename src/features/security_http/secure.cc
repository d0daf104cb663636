#include "features/security_http/secure.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>

#include "conf/scalar.h"
#include "engine/exchange.h"
#include "engine/respond.h"
#include "regex/pattern.h"

namespace gladius::features {

namespace {

using engine::Exchange;
using plan::Verdict;

struct SecureOptions {
    std::vector<std::string> allowed_hosts, host_proxy_headers;
    bool allowed_hosts_are_regex = false;
    bool ssl_redirect = false;
    std::string ssl_host;
    conf::TextMap ssl_proxy_headers;
    double sts_seconds = 0;
    bool sts_include_subdomains = false, force_sts_header = false;
    bool frame_deny = false;
    std::string custom_frame_options_value;
    bool content_type_nosniff = false, browser_xss_filter = false;
    std::string content_security_policy, referrer_policy;
    bool is_development = false;
};

struct Config {
    std::vector<std::string> hosts;  // empty, like host_patterns: every host
    std::vector<regex::Pattern> host_patterns;
    std::vector<std::string> host_headers;
    bool redirects = false;
    std::string ssl_host;
    conf::TextMap tls_proofs;  // header and value
    std::string sts;           // empty: none
    bool sts_without_tls = false;
    std::vector<std::pair<std::string_view, std::string>> headers;  // that every answer gets
    std::vector<std::string> policy;  // Content-Security-Policy, cut where a nonce stands; empty: none
};

bool is_allowed(const Config& c, std::string_view host, Arena& arena) {
    if (c.hosts.empty() && c.host_patterns.empty()) return true;
    auto same = [&](const std::string& h) { return http::same_name(h, host); };
    return std::any_of(c.hosts.begin(), c.hosts.end(), same) ||
           std::any_of(c.host_patterns.begin(), c.host_patterns.end(),
                       [&](const regex::Pattern& p) { return p.found_in(host, arena); });
}

Verdict bad_host(Exchange& ex) {
    ex.answer_headers().set("X-Content-Type-Options", "nosniff");
    engine::Answer a;
    a.status = 500;
    a.content_type = "text/plain; charset=utf-8";
    a.body = "Bad Host\n";
    a.krakend = false;
    return engine::reply(ex, a);
}

bool came_over_tls(const Config& c, const Exchange& ex) {
    std::string_view target{ex.base + ex.head.target_off, ex.head.target_len};
    if (ex.c.over_tls || (!ex.target.authority.empty() && http::same_name(target.substr(0, 8), "https://")))
        return true;
    return std::any_of(c.tls_proofs.begin(), c.tls_proofs.end(),
                       [&](const auto& proof) { return ex.header(proof.first) == proof.second; });
}

// As Go writes the host of a URL.
std::string escaped_host(std::string_view host) {
    std::string out;
    for (char c : host) {
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || std::string_view("-_.~!$&'()*+,;=:[]<>\"").find(c) != std::string_view::npos)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

Verdict redirect(const Config& c, std::string_view host, Exchange& ex) {
    if (!c.ssl_host.empty()) host = c.ssl_host;
    std::string_view path = ex.target.raw_path;
    if (auto escaped = http::escape_url_path_like_go_parse(path, ex.arena)) path = *escaped;
    bool glued = !host.empty() && !path.empty() && path[0] != '/';  // "*"
    std::string_view location =
        ex.arena.concat(ex.arena.concat("https://", escaped_host(host), glued ? "/" : ""), path);
    if (ex.target.has_query) location = ex.arena.concat(location, "?", ex.target.query);
    return engine::reply(ex, engine::redirect_answer(ex, 301, location));
}

std::string nonce() {
    unsigned char bytes[16];
    GL_CHECK(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    uint32_t bits = 0, n = 0;
    for (unsigned char b : bytes) {
        bits = bits << 8 | b;
        for (n += 8; n >= 6; n -= 6)
            out += kDigits[bits >> (n - 6) & 63];
    }
    if (n) out += kDigits[bits << (6 - n) & 63];
    return out;
}

std::string_view policy_with_nonce(const Config& c, Arena& arena) {
    std::string out = c.policy[0];
    std::string once = c.policy.size() > 1 ? "'nonce-" + nonce() + "'" : std::string();
    for (size_t i = 1; i < c.policy.size(); ++i)
        out += once + c.policy[i];
    return arena.copy(out);
}

Verdict run(const void* config, Exchange& ex) {
    const Config& c = *static_cast<const Config*>(config);
    std::string_view host = ex.host();
    for (const std::string& name : c.host_headers) {
        if (std::string_view said = ex.header(name); !said.empty()) {
            host = said;
            break;
        }
    }
    if (!is_allowed(c, host, ex.arena)) return bad_host(ex);
    bool tls = came_over_tls(c, ex);
    if (c.redirects && !tls) return redirect(c, host, ex);
    engine::DraftHeaders& out = ex.answer_headers();
    if (!c.sts.empty() && (tls || c.sts_without_tls)) out.set("Strict-Transport-Security", ex.arena.copy(c.sts));
    for (const auto& [name, value] : c.headers)
        out.set(name, ex.arena.copy(value));
    if (!c.policy.empty()) out.set("Content-Security-Policy", policy_with_nonce(c, ex.arena));
    return Verdict::next;
}

// --- compiling
// ----------------------------------------------------------------------------------------------------------------------

constexpr conf::Field kFields[] = {
    conf::field<&SecureOptions::allowed_hosts>(
        "allowed_hosts", "[]",
        "Hosts that may be asked for, with the port if there is one; case does not "
        "count. Empty: any."),
    conf::field<&SecureOptions::allowed_hosts_are_regex>(
        "allowed_hosts_are_regex", "false", "allowed_hosts are regular expressions that match a whole host."),
    conf::field<&SecureOptions::host_proxy_headers>(
        "host_proxy_headers", "[]", "Headers of a proxy in front; the first that is set counts as the host."),
    conf::field<&SecureOptions::ssl_redirect>("ssl_redirect", "false", "Requests without TLS are sent to https."),
    conf::field<&SecureOptions::ssl_host>("ssl_host", "", "Where they are sent; empty: the host that was asked for."),
    conf::field<&SecureOptions::ssl_proxy_headers>(
        "ssl_proxy_headers", "{}", "Headers with values by which a proxy in front says that TLS was used."),
    conf::field<&SecureOptions::sts_seconds>("sts_seconds", "0", "max-age of Strict-Transport-Security; 0: not sent."),
    conf::field<&SecureOptions::sts_include_subdomains>("sts_include_subdomains", "false", "Adds includeSubDomains."),
    conf::field<&SecureOptions::force_sts_header>("force_sts_header", "false", "Sends it also without TLS."),
    conf::field<&SecureOptions::frame_deny>("frame_deny", "false", "X-Frame-Options: DENY."),
    conf::field<&SecureOptions::custom_frame_options_value>("custom_frame_options_value", "",
                                                            "Another value of X-Frame-Options."),
    conf::field<&SecureOptions::content_type_nosniff>("content_type_nosniff", "false",
                                                      "X-Content-Type-Options: nosniff."),
    conf::field<&SecureOptions::browser_xss_filter>("browser_xss_filter", "false", "X-Xss-Protection: 1; mode=block."),
    conf::field<&SecureOptions::content_security_policy>(
        "content_security_policy", "", "Content-Security-Policy; $NONCE becomes a new nonce each time."),
    conf::field<&SecureOptions::referrer_policy>("referrer_policy", "", "Referrer-Policy."),
    conf::field<&SecureOptions::is_development>(
        "is_development", "false", "Leaves out the check of hosts, the redirect and Strict-Transport-Security."),
    conf::known("hpkp_public_key", conf::FieldType::text, "", "Nothing, as in the reference: browsers dropped it."),
};
constexpr conf::FieldTable kTable{"security/http", kFields, conf::Reading::strict};

void compile_hosts(const SecureOptions& o, const conf::Node& config, plan::Builder& builder, Config& out) {
    if (o.is_development) return;
    if (!o.allowed_hosts_are_regex) {
        out.hosts = o.allowed_hosts;
        return;
    }
    for (const std::string& text : o.allowed_hosts) {
        Result<regex::Pattern> p = regex::Pattern::compile("^" + text + "$");
        if (p)
            out.host_patterns.push_back(std::move(*p));
        else
            builder.refuse(config.find("allowed_hosts"),
                           fmt::format("the pattern \"{}\" of a host cannot be read: {}", text, p.error().message),
                           "write it in the syntax of RE2");
    }
}

void compile_headers(const SecureOptions& o, Config& out) {
    auto seconds = static_cast<int64_t>(std::clamp(o.sts_seconds, -9e18, 9e18));
    if (seconds != 0 && !o.is_development)
        out.sts = fmt::format("max-age={}{}", seconds, o.sts_include_subdomains ? "; includeSubDomains" : "");
    out.sts_without_tls = o.force_sts_header;
    if (!o.custom_frame_options_value.empty() || o.frame_deny)
        out.headers.emplace_back("X-Frame-Options",
                                 o.custom_frame_options_value.empty() ? "DENY" : o.custom_frame_options_value);
    if (o.content_type_nosniff) out.headers.emplace_back("X-Content-Type-Options", "nosniff");
    if (o.browser_xss_filter) out.headers.emplace_back("X-Xss-Protection", "1; mode=block");
    if (!o.referrer_policy.empty()) out.headers.emplace_back("Referrer-Policy", o.referrer_policy);
    constexpr std::string_view kNonce = "$NONCE";
    std::string_view rest = o.content_security_policy;
    while (!rest.empty()) {
        size_t at = rest.find(kNonce);
        out.policy.emplace_back(rest.substr(0, at));
        if (at == std::string_view::npos) return;
        rest.remove_prefix(at + kNonce.size());
        if (rest.empty()) out.policy.emplace_back();
    }
}

std::shared_ptr<const Config> build(const conf::Node& config, plan::Builder& builder) {
    SecureOptions o;
    conf::Diagnostics said_while_loading;
    conf::Reader(said_while_loading).read(config, kTable, &o);
    auto c = std::make_shared<Config>();
    compile_hosts(o, config, builder, *c);
    for (const std::string& name : o.host_proxy_headers)
        if (!http::same_name(name, "Host")) c->host_headers.push_back(conf::canonical_header(name));
    c->redirects = o.ssl_redirect && !o.is_development;
    c->ssl_host = o.ssl_host;
    for (const auto& [name, value] : o.ssl_proxy_headers)
        c->tls_proofs.emplace_back(conf::canonical_header(name), value);
    compile_headers(o, *c);
    return c;
}

void compile_service(const conf::Node& config, plan::ServiceBuilder& builder) {
    builder.add(plan::Phase::transport_security, {.run = &run, .config = build(config, builder)});
}

void compile_endpoint(const conf::Node& config, plan::EndpointBuilder& builder) {
    builder.add(plan::Phase::endpoint_transport, {.run = &run, .config = build(config, builder)});
}

}  // namespace

const plan::Feature security_http = {
    .info = {.name = "security/http",
             .alias = "github_com/devopsfaith/krakend-httpsecure",
             .levels = conf::Level::service | conf::Level::endpoint,
             .posture = conf::Posture::protective,
             .built = true,
             .fields = &kTable},
    .compile_service = &compile_service,
    .compile_endpoint = &compile_endpoint,
};

}  // namespace gladius::features
