#include "conf/dump.h"

#include <fmt/format.h>

#include <algorithm>

#include "conf/namespaces.h"
#include "conf/scalar.h"

namespace gladius::conf {

namespace {

std::string go_list(const std::vector<std::string>& list) {
    std::string out = "[";
    for (const std::string& s : list) {
        if (out.size() > 1) out += ' ';
        out += s;
    }
    return out + "]";
}

// A value as Go prints it with %v; depth is that of the document, which the parser bounds.
void go_value(const Node& n, std::string& out) {
    switch (n.kind()) {
        case Kind::null:
            out += "<nil>";
            break;
        case Kind::boolean:
            out += n.boolean() ? "true" : "false";
            break;
        case Kind::number:
        case Kind::string:
            out += n.text();
            break;
        case Kind::array: {
            out += '[';
            bool first = true;
            for (Node e : n.elements()) {
                if (!first) out += ' ';
                first = false;
                go_value(e, out);
            }
            out += ']';
            break;
        }
        case Kind::object: {
            std::vector<Member> members;
            for (Member m : n.members())
                members.push_back(m);
            std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
            out += "map[";
            bool first = true;
            for (const Member& m : members) {
                if (!first) out += ' ';
                first = false;
                out += m.key;
                out += ':';
                go_value(m.value, out);
            }
            out += ']';
            break;
        }
    }
}

class Dumper {
  public:
    Dumper(const Service& service, int level, std::string_view indent) : s_(service), level_(level), indent_(indent) {}

    std::string run();

  private:
    template <class T>
    void line(int depth, std::string_view name, const T& value) {
        for (int i = 0; i < depth; ++i)
            out_ += indent_;
        out_ += fmt::format("{}: {}\n", name, value);
    }
    void line(int depth, std::string_view name, Duration value) { line(depth, name, format_duration(value)); }
    void text(int depth, std::string_view value) {
        for (int i = 0; i < depth; ++i)
            out_ += indent_;
        out_ += value;
        out_ += '\n';
    }
    void components(int depth, std::string_view whose, const ExtraConfig& config);
    void transport();
    void backends(const std::vector<Backend>& list);

    const Service& s_;
    int level_;
    std::string_view indent_;
    std::string out_;
};

void Dumper::components(int depth, std::string_view whose, const ExtraConfig& config) {
    std::vector<std::pair<std::string, Node>> shown;
    for (Member m : config.node.members()) {
        Resolved r = resolve_namespace(m.key);
        if (r.how == Resolved::How::comment) continue;
        shown.emplace_back(r.how == Resolved::How::exact ? std::string(r.info->name) : std::string(m.key), m.value);
    }
    if (shown.empty() && level_ < 2) return;
    std::sort(shown.begin(), shown.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    text(depth, fmt::format("{} {} component configuration(s):", shown.size(), whose));
    for (const auto& [name, value] : shown) {
        text(depth, "- " + name);
        if (level_ < 2) continue;
        std::vector<Member> members;
        for (Member m : value.members())
            members.push_back(m);
        std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
        for (const Member& m : members) {
            std::string v;
            go_value(m.value, v);
            line(depth + 1, m.key, v);
        }
    }
}

void Dumper::transport() {
    line(1, "Read timeout", s_.read_timeout);
    line(1, "Write timeout", s_.write_timeout);
    line(1, "Idle timeout", s_.idle_timeout);
    line(1, "Read header timeout", s_.read_header_timeout);
    line(1, "Idle connection timeout", s_.idle_connection_timeout);
    line(1, "Response header timeout", s_.response_header_timeout);
    line(1, "Expect continue timeout", s_.expect_continue_timeout);
    line(1, "Dialer timeout", s_.dialer_timeout);
    line(1, "Dialer fallback delay", s_.dialer_fallback_delay);
    line(1, "Dialer keep alive", s_.dialer_keep_alive);
    line(1, "Disable keep alives", s_.disable_keep_alives);
    line(1, "Disable compression", s_.disable_compression);
    line(1, "Max idle connections", s_.max_idle_connections);
    line(1, "Max idle connections per host", s_.max_idle_connections_per_host);
    line(1, "Max header bytes", s_.max_header_bytes);
    line(1, "Max shutdown wait time", s_.max_shutdown_wait_time);
    line(1, "DNS cache TTL", s_.dns_cache_ttl);
    line(1, "Default output encoding", s_.output_encoding);
    line(1, "Disable REST", s_.disable_rest);
    line(1, "Debug endpoint", s_.debug_endpoint);
    line(1, "Echo endpoint", s_.echo_endpoint);
    line(1, "Sequential start", s_.sequential_start);
    line(1, "Use h2c", s_.use_h2c);
}

void Dumper::backends(const std::vector<Backend>& list) {
    text(1, fmt::format("Connecting to {} backend(s):", list.size()));
    for (const Backend& b : list) {
        text(2, fmt::format("[+] {} {}", b.method, b.path_template));
        line(2, "Timeout", b.timeout);
        line(2, "Hosts", go_list(b.host));
        if (level_ >= 2) {
            line(2, "Concurrent calls", b.concurrent_calls);
            line(2, "Host sanitization disabled", b.disable_host_sanitize);
            line(2, "Target", b.target);
            line(2, "Deny", go_list(b.deny));
            line(2, "Allow", go_list(b.allow));
            std::string mapping;
            for (const auto& [from, to] : b.mapping)
                mapping += fmt::format("{}{}:{}", mapping.empty() ? "" : " ", from, to);
            line(2, "Mapping", "map[" + mapping + "]");
            line(2, "Group", b.group);
            line(2, "Encoding", b.encoding);
            line(2, "Is collection", b.is_collection);
            line(2, "SD", b.sd);
            line(2, "SD Scheme", b.sd_scheme);
            line(2, "Headers to pass", go_list(b.input_headers));
            line(2, "QueryString", go_list(b.input_query_strings));
        }
        components(2, "backend", b.extra_config);
        out_ += '\n';
    }
}

std::string Dumper::run() {
    text(0, "Global settings");
    line(1, "Name", s_.name);
    line(1, "Version", s_.version);
    line(1, "Address", s_.listen_ip);
    line(1, "Port", s_.port);
    if (level_ >= 2) {
        line(1, "Default cache TTL", s_.cache_ttl);
        line(1, "Default timeout", s_.timeout);
        line(1, "Default backend hosts", go_list(s_.host));
        if (level_ >= 3) transport();
        if (!s_.tls) {
            text(1, "No TLS section defined");
        } else {
            text(1, "TLS section:");
            line(2, "Disabled", s_.tls->disabled);
            for (const KeyPair& k : s_.tls->keys) {
                line(2, "Public key", k.public_key);
                line(2, "Private key", k.private_key);
            }
            line(2, "Enable MTLS", s_.tls->enable_mtls);
            line(2, "Min version", s_.tls->min_version);
            line(2, "Max version", s_.tls->max_version);
        }
        if (!s_.plugin) {
            text(1, "No Plugin section defined");
        } else {
            text(1, "Plugin section:");
            line(2, "Folder", s_.plugin->folder);
            line(2, "Pattern", s_.plugin->pattern);
        }
    }
    components(0, "global", s_.extra_config);
    text(0, fmt::format("{} API endpoint(s):", s_.endpoints.size()));
    for (const Endpoint& e : s_.endpoints) {
        text(1, fmt::format("- {} {}", e.method, e.path));
        line(1, "Timeout", e.timeout);
        if (level_ >= 2 || !e.input_query_strings.empty()) line(1, "QueryString", go_list(e.input_query_strings));
        if (level_ >= 2) {
            line(1, "CacheTTL", e.cache_ttl);
            line(1, "Headers to pass", go_list(e.input_headers));
            line(1, "OutputEncoding", e.output_encoding);
            line(1, "Concurrent calls", e.concurrent_calls);
        }
        components(1, "endpoint", e.extra_config);
        backends(e.backend);
    }
    text(0, fmt::format("{} async agent(s):", s_.async_agent.size()));
    for (const AsyncAgent& a : s_.async_agent) {
        text(1, "- " + a.name);
        if (level_ >= 2) {
            line(1, "Encoding", a.encoding);
            line(1, "Consumer Timeout", a.consumer.timeout);
            line(1, "Consumer Workers", a.consumer.workers);
            line(1, "Consumer Topic", a.consumer.topic);
            line(1, "Consumer Max Rate", fmt::format("{:f}", a.consumer.max_rate));
            line(1, "Connection Max Retries", a.connection.max_retries);
            line(1, "Connection Backoff Strategy", a.connection.backoff_strategy);
            line(1, "Connection Health Interval", a.connection.health_interval);
        }
        components(1, "agent", a.extra_config);
        backends(a.backend);
    }
    return std::move(out_);
}

}  // namespace

std::string dump(const Service& service, int level, std::string_view indent) {
    if (level < 1) return {};
    return Dumper(service, level, indent).run();
}

}  // namespace gladius::conf
