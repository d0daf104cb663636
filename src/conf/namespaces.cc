#include "conf/namespaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "conf/scalar.h"

namespace gladius::conf {

namespace {

constexpr uint8_t S = static_cast<uint8_t>(Level::service);
constexpr uint8_t E = static_cast<uint8_t>(Level::endpoint);
constexpr uint8_t B = static_cast<uint8_t>(Level::backend);
constexpr uint8_t A = static_cast<uint8_t>(Level::async_agent);

constexpr auto P = Posture::protective;
constexpr auto H = Posture::shaping;
constexpr auto O = Posture::observing;
constexpr auto D = Posture::describing;

const NamespaceInfo kTable[] = {
    // built
    {"router", "github_com/luraproject/lura/router/gin", S, H, true, &kRouterTable},
    {"telemetry/logging", "github_com/devopsfaith/krakend-gologging", S, O, true, &kLoggingTable},
    {"proxy", "github.com/devopsfaith/krakend/proxy", E | B | A, H, true, &kProxyTable},
    {"backend/http", "github.com/devopsfaith/krakend/http", B, H, true, &kBackendHttpTable},
    {"backend/http/client", "", B, H, true, &kBackendHttpClientTable},
    {"gladius/arrays", "", B, P, true, &kArraysTable},
    {"gladius/limits", "", S, P, true, &kLimitsTable},
    {"gladius/compression", "", S | E, H, true, &kCompressionTable},
    {"gladius/listeners", "", S, P, true, &kListenersTable},
    {"gladius/call", "", B, H, true, &kCallTable},
    {"gladius/reload", "", S, H, true, &kReloadTable},
    {"gladius/stream", "", E, H, true, &kStreamTable},
    {"gladius/http2", "", B, H, true, &kHttp2Table},
    // protective
    {"auth/validator", "github.com/devopsfaith/krakend-jose/validator", S | E, P},
    {"auth/signer", "github.com/devopsfaith/krakend-jose/signer", E, P},
    {"auth/revoker", "github_com/devopsfaith/bloomfilter", S, P},
    {"auth/client-credentials", "github.com/devopsfaith/krakend-oauth2-clientcredentials", B, P},
    {"auth/api-keys", "", S | E, P},
    {"auth/basic", "", S | E, P},
    {"auth/gcp", "", B, P},
    {"auth/ntlm", "", B, P},
    {"auth/aws-sigv4", "", B, P},
    {"security/cors", "github_com/devopsfaith/krakend-cors", S | E, P},
    {"security/http", "github_com/devopsfaith/krakend-httpsecure", S | E, P},
    {"security/bot-detector", "github_com/devopsfaith/krakend-botdetector", S | E, P},
    {"security/policies", "", E | B, P},
    {"validation/cel", "github.com/devopsfaith/krakend-cel", E | B | A, P},
    {"validation/json-schema", "github.com/devopsfaith/krakend-jsonschema", E | A, P},
    {"validation/response-json-schema", "", E | B, P},
    {"qos/ratelimit/router", "", E, P},
    {"qos/ratelimit/proxy", "", B, P},
    {"qos/ratelimit/service", "", S, P},
    {"qos/ratelimit/tiered", "", S | E, P},
    {"qos/ratelimit/service/redis", "", S, P},
    {"qos/ratelimit/router/redis", "", E, P},
    {"governance/processors", "", S, P},
    {"governance/quota", "", S | E | B, P},
    {"modifier/lua-endpoint", "github.com/devopsfaith/krakend-lua/router", S | E, P},
    {"modifier/lua-proxy", "github.com/devopsfaith/krakend-lua/proxy", E | A, P},
    {"modifier/lua-backend", "github.com/devopsfaith/krakend-lua/proxy/backend", B, P},
    // shaping
    {"plugin/http-server", "github_com/devopsfaith/krakend/transport/http/server/handler", S, H},
    {"plugin/http-client", "github.com/devopsfaith/krakend/transport/http/client/executor", B, H},
    {"plugin/req-resp-modifier", "github.com/devopsfaith/krakend/proxy/plugin", E | B | A, H},
    {"plugin/middleware", "", E | B, H},
    {"qos/http-cache", "github.com/devopsfaith/krakend-httpcache", B, H},
    {"qos/circuit-breaker", "github.com/devopsfaith/krakend-circuitbreaker/gobreaker", B, H},
    {"qos/circuit-breaker/http", "", B, H},
    {"modifier/martian", "github.com/devopsfaith/krakend-martian", B, H},
    {"modifier/jmespath", "", E | B, H},
    {"modifier/body-generator", "", B, H},
    {"modifier/request-body-generator", "", E | B, H},
    {"modifier/response-body-generator", "", E | B, H},
    {"modifier/response-body", "", E | B, H},
    {"modifier/response-headers", "", S, H},
    {"modifier/request-body-extractor", "", S | E, H},
    {"modifier/request-body-extractor/early", "", E, H},
    {"async/amqp", "github.com/devopsfaith/krakend-amqp/agent", A, H},
    {"async/kafka", "", A, H},
    {"backend/amqp/consumer", "github.com/devopsfaith/krakend-amqp/consume", B, H},
    {"backend/amqp/producer", "github.com/devopsfaith/krakend-amqp/produce", B, H},
    {"backend/lambda", "github.com/devopsfaith/krakend-lambda", B, H},
    {"backend/pubsub/publisher", "github.com/devopsfaith/krakend-pubsub/publisher", B, H},
    {"backend/pubsub/subscriber", "github.com/devopsfaith/krakend-pubsub/subscriber", B, H},
    {"backend/pubsub/publisher/kafka", "", B, H},
    {"backend/pubsub/subscriber/kafka", "", B, H},
    {"backend/graphql", "github.com/devopsfaith/krakend/transport/http/client/graphql", B, H},
    {"backend/soap", "", B, H},
    {"backend/grpc", "", B, H},
    {"backend/conditional", "", B, H},
    {"backend/static-filesystem", "", B, H},
    {"server/static-filesystem", "", S, H},
    {"server/virtualhost", "", S, H},
    {"workflow", "", B, H},
    {"websocket", "", E, H},
    {"grpc", "", S, H},
    {"redis", "", S, H},
    {"ai/llm", "", B, H},
    {"ai/mcp", "", S | E, H},
    // observing
    {"telemetry/metrics", "github_com/devopsfaith/krakend-metrics", S, O},
    {"telemetry/influx", "github_com/letgoapp/krakend-influx", S, O},
    {"telemetry/opencensus", "github_com/devopsfaith/krakend-opencensus", S | E | B, O},
    {"telemetry/opentelemetry", "", S | E | B, O},
    {"telemetry/gelf", "github_com/devopsfaith/krakend-gelf", S, O},
    {"telemetry/logstash", "github_com/devopsfaith/krakend-logstash", S, O},
    {"telemetry/opentelemetry-security", "", S, O},
    {"telemetry/newrelic", "", S, O},
    {"telemetry/moesif", "", S, O},
    {"telemetry/ganalytics", "", S, O},
    {"telemetry/instana", "", S, O},
    // describing
    {"documentation/openapi", "", S | E, D},
    {"documentation/postman", "", S | E, D},
};

// 1.x names that no version-3 reference reads any more, and what they were.
constexpr std::pair<std::string_view, std::string_view> kDeadNames[] = {
    {"github.com/devopsfaith/krakend-ratelimit/juju/router", "qos/ratelimit/router"},
    {"github.com/devopsfaith/krakend-ratelimit/juju/proxy", "qos/ratelimit/proxy"},
    {"github.com/devopsfaith/krakend-ratelimit/rate/router", "qos/ratelimit/router"},
    {"github.com/devopsfaith/krakend-ratelimit/rate/proxy", "qos/ratelimit/proxy"},
    {"github.com/luraproject/lura/proxy", "proxy"},
    {"github.com/luraproject/lura/http", "backend/http"},
};

// Beginnings after which everything is meant to protect.
constexpr std::string_view kProtectivePrefixes[] = {"auth/",       "security/",    "validation/",   "qos/ratelimit",
                                                    "governance/", "modifier/lua", "qos/rate-limit"};
// Go modules, behind the owner: devopsfaith at first, later krakend and krakendio.
constexpr std::string_view kProtectiveModules[] = {
    "krakend-jose",       "krakend-ratelimit",     "krakend-botdetector", "krakend-httpsecure", "krakend-cel",
    "krakend-jsonschema", "krakend-oauth2-client", "bloomfilter",         "krakend-lua",        "krakend-cors"};

// Families of the reference: a name that begins so was meant for it.
constexpr std::string_view kFamilies[] = {"telemetry/", "backend/", "qos/",    "modifier/", "async/",      "server/",
                                          "ai/",        "proxy/",   "router/", "plugin/",   "github.com/", "gladius/"};

// Lower case, one spelling for separators: Auth-Validator, auth.validator and auth/validator are one.
std::string folded(std::string_view name) {
    std::string out;
    for (char c : to_lower(name)) {
        if (c == ' ' || c == '\t') continue;
        out += c == '_' || c == '-' || c == '.' || c == '\\' ? '-' : c;
    }
    while (!out.empty() && out.back() == '/')
        out.pop_back();
    while (!out.empty() && out.front() == '/')
        out.erase(0, 1);
    return out;
}

std::string squeezed(std::string_view name) {
    std::string out = folded(name);
    std::erase_if(out, [](char c) { return c == '-' || c == '/'; });
    return out;
}

// The folded forms, made once.
struct Names {
    struct Form {
        std::string folded;
        std::string squeezed;
        const NamespaceInfo* info;
        bool is_long;
    };
    std::vector<Form> forms;
};

void add_forms(std::vector<Names::Form>& forms, const NamespaceInfo& info) {
    forms.push_back({folded(info.name), squeezed(info.name), &info, false});
    if (!info.alias.empty()) forms.push_back({folded(info.alias), squeezed(info.alias), &info, true});
}

const NamespaceInfo* row_of(std::string_view name) {
    for (const NamespaceInfo& row : kTable) {
        if (row.name == name) return &row;
    }
    return nullptr;
}

const Names& names() {
    static const Names all = [] {
        Names n;
        for (const NamespaceInfo& row : kTable)
            add_forms(n.forms, row);
        for (auto [dead, now] : kDeadNames)
            n.forms.push_back({folded(dead), squeezed(dead), row_of(now), true});
        return n;
    }();
    return all;
}

bool begins(std::string_view s, std::string_view prefix) {
    return s.substr(0, prefix.size()) == prefix;
}

// Names of plugins that keep something out: those of the Enterprise edition, and whatever is called like one.
bool protective_plugin(std::string_view written) {
    std::string name = squeezed(written);
    for (std::string_view word : {"auth",      "jwt",       "jwk",       "ratelimit",       "ipfilter",
                                  "geoip",     "firewall",  "apikey",    "schemavalidator", "oauth",
                                  "whitelist", "blacklist", "allowlist", "denylist",        "captcha",
                                  "rbac",      "keycloak",  "csrf",      "security",        "throttl",
                                  "quota",     "botdetect", "validat"}) {
        if (name.find(word) != std::string::npos) return true;
    }
    return name == "waf" || name == "acl";
}

bool sounds_protective(std::string_view written) {
    std::string name = folded(written);
    for (std::string_view p : kProtectivePrefixes) {
        if (begins(name, p) || name + "/" == p) return true;
    }
    // A first segment with a typo: autth/validator, secruity/cors, "validations/x".
    std::string_view first = std::string_view(name).substr(0, name.find('/'));
    for (std::string_view word : {"auth", "authentication", "authorization", "security", "validation", "governance"}) {
        if (first.size() != name.size() && edit_distance(first, word, 2) <= (word.size() < 6 ? 1u : 2u)) return true;
    }
    if (begins(name, "github-com/")) {
        std::string_view module = std::string_view(name).substr(11);
        module.remove_prefix(std::min(module.size(), module.find('/') + 1));
        for (std::string_view m : kProtectiveModules) {
            if (begins(module, m)) return true;
        }
    }
    // The words of qos/ratelimit/router in another order, and its neighbours.
    std::string tight = squeezed(written);
    if (begins(name, "qos/") && (tight.find("limit") != std::string::npos || tight.find("quota") != std::string::npos))
        return true;
    if (begins(tight, "ratelimit") && first.size() != name.size()) return true;
    return begins(name, "plugin/") && protective_plugin(std::string_view(name).substr(7));
}

std::string levels_text(uint8_t levels) {
    std::string out;
    for (Level l : {Level::service, Level::endpoint, Level::backend, Level::async_agent}) {
        if (!(levels & static_cast<uint8_t>(l))) continue;
        if (!out.empty()) out += " or ";
        out += to_string(l);
    }
    return out;
}

class Checker {
  public:
    Checker(ExtraConfig& config, const NamespaceContext& context, std::span<const NamespaceSink> sinks,
            Diagnostics& diagnostics)
        : config_(config), context_(context), sinks_(sinks), diagnostics_(diagnostics) {}

    void run() {
        config_.entries.reserve(config_.node.size());
        for (Member m : config_.node.members())
            one(m);
    }

  private:
    std::string prefix() const { return context_.where.empty() ? std::string() : context_.where + ": "; }

    void say(Severity s, const Node& at, std::string message, std::string advice) {
        if (diagnostics_.full(s)) return diagnostics_.count_only(s);
        diagnostics_.add(s, at.place(), prefix() + message, std::move(advice));
    }
    // What would be served open: an error, unless the operator takes it upon himself.
    void refuse(const Node& at, std::string message, std::string advice) {
        if (context_.allow_unsupported) {
            say(Severity::warning, at, message + " (--allow-unsupported: it is served without)", std::move(advice));
        } else {
            say(Severity::error, at, std::move(message), advice + "; --allow-unsupported starts without it");
        }
    }

    void one(const Member& m) {
        Resolved r = resolve_namespace(m.key, context_.overrides);
        std::string_view key = m.key.substr(0, 200);
        switch (r.how) {
            case Resolved::How::comment:
                return;
            case Resolved::How::unknown:
                return unknown(m, key, r);
            case Resolved::How::misspelt: {
                std::string message = fmt::format("\"{}\" is not how \"{}\" is written here: the reference ignores it",
                                                  key, r.info->name);
                std::string advice = fmt::format("write \"{}\"", r.info->name);
                if (r.protective) {
                    refuse(m.key_node, message + ", and what it protects would be open", std::move(advice));
                } else {
                    say(Severity::warning, m.key_node, message + ", and so do we", std::move(advice));
                    if (begins(r.info->name, "plugin/")) plugins(m, *r.info, Read::no);
                }
                return;
            }
            case Resolved::How::exact:
                break;
        }
        const NamespaceInfo& info = *r.info;
        std::string called =
            m.key == info.name ? fmt::format("\"{}\"", info.name) : fmt::format("\"{}\" ({})", info.name, key);
        if (!(info.levels & static_cast<uint8_t>(context_.level))) {
            std::string message = fmt::format("{} does nothing at {} level", called, to_string(context_.level));
            std::string advice = fmt::format("write it at {} level", levels_text(info.levels));
            if (info.posture == Posture::protective) {
                refuse(m.key_node, message + ", so what it protects would be open", std::move(advice));
            } else {
                say(Severity::warning, m.key_node, std::move(message), std::move(advice));
                if (begins(info.name, "plugin/")) plugins(m, info, Read::no);
            }
            return;
        }
        if (config_.has(info.name)) {
            std::string message =
                fmt::format("{} stands here twice, under its short and its old name; the first counts", called);
            if (info.posture == Posture::protective) {
                refuse(m.key_node, message + ", so what the second protects would be open", "remove one of the two");
            } else {
                say(Severity::warning, m.key_node, std::move(message), "remove one of the two");
                if (begins(info.name, "plugin/")) plugins(m, info, Read::no);
            }
            return;
        }
        config_.entries.push_back({info.name, m.value});
        if (begins(info.name, "plugin/")) plugins(m, info, Read::yes);
        if (!info.built) return not_built(m, info, called);
        fields(m, info);
    }

    void unknown(const Member& m, std::string_view key, const Resolved& r) {
        if (r.protective) {
            return refuse(
                m.key_node,
                fmt::format(
                    "\"{}\" is no namespace of the reference, which ignores it: what it should protect would be open",
                    key),
                "write the name of the component that is meant, such as auth/validator, or remove it");
        }
        std::string name = folded(key);
        bool family = std::any_of(std::begin(kFamilies), std::end(kFamilies),
                                  [&](std::string_view f) { return begins(name, folded(f)); });
        // People's own names are not ours to judge, but an access rule under one may be meant seriously.
        std::string squeezed_name = squeezed(key);
        bool serious = false;
        for (std::string_view word : {"auth", "jwt", "ratelimit", "cors", "security"}) {
            serious = serious || squeezed_name.find(word) != std::string::npos;
        }
        if (family || serious) {
            say(Severity::warning, m.key_node,
                fmt::format("\"{}\" is no namespace of the reference and has no effect", key),
                "remove it, or write @ in front if it is a comment");
        } else {
            say(Severity::note, m.key_node,
                fmt::format("\"{}\" is no namespace of the reference and has no effect", key), {});
        }
    }

    void not_built(const Member& m, const NamespaceInfo& info, const std::string& called) {
        if (info.posture == Posture::describing) {
            return say(Severity::note, m.key_node,
                       fmt::format("{} describes the API and has no effect while running", called), {});
        }
        if (info.posture == Posture::protective) {
            return refuse(m.key_node, fmt::format("{} is not built yet, and what it protects would be open", called),
                          "remove it where nothing needs its protection");
        }
        say(Severity::warning, m.key_node, fmt::format("{} is not built yet and has no effect", called), {});
    }

    // Whether anything reads an object where it stands; where nothing does, what is built helps nobody.
    enum class Read : uint8_t { yes, no };

    // plugin/*: the names in `name` and the keys beside it.
    void plugins(const Member& m, const NamespaceInfo& info, Read read) {
        auto is_built = [&](std::string_view name) {
            return read == Read::yes && std::find(info.plugins.begin(), info.plugins.end(), name) != info.plugins.end();
        };
        auto check = [&](std::string_view name, const Node& at) {
            if (is_built(name)) return;
            if (!protective_plugin(name)) {
                if (info.built && read == Read::yes)
                    say(Severity::warning, at,
                        fmt::format("the plugin \"{}\" in \"{}\" is not built yet and has no effect",
                                    name.substr(0, 100), info.name),
                        {});
                return;
            }
            refuse(
                at,
                fmt::format("the plugin \"{}\" in \"{}\" {}, and what it protects would be open", name.substr(0, 100),
                            info.name, read == Read::yes ? "is not built yet" : "is not read here"),
                "protect it with a component of the configuration");
        };
        for (Member p : m.value.all_members()) {
            if (is_comment_key(p.key)) continue;
            if (!equal_fold(p.key, "name")) {
                check(p.key, p.key_node);
                continue;
            }
            auto named = [&](const Node& n) {
                // Its own object, when there is one, has said it already.
                if (n.is(Kind::string) && !m.value.find(n.text())) check(n.text(), n);
            };
            named(p.value);
            for (Node e : p.value.elements())
                named(e);
        }
    }

    void fields(const Member& m, const NamespaceInfo& info) {
        if (!info.fields) return;
        void* target = nullptr;
        for (const NamespaceSink& s : sinks_) {
            if (s.name == info.name) target = s.target;
        }
        Reader reader(diagnostics_);
        reader.set_context(fmt::format("{}\"{}\": ", prefix(), info.name));
        reader.set_lenient(context_.allow_unsupported);
        reader.read(m.value, *info.fields, target);
    }

    ExtraConfig& config_;
    const NamespaceContext& context_;
    std::span<const NamespaceSink> sinks_;
    Diagnostics& diagnostics_;
};

class MisplacedCheck {
  public:
    MisplacedCheck(const NamespaceContext& context, Diagnostics& diagnostics)
        : context_(context), diagnostics_(diagnostics) {}

    void run(const Node& object, const FieldTable& table) {
        for (Member m : object.all_members()) {
            if (is_comment_key(m.key)) continue;
            if (is_field(table, m.key)) {
                if (m.repeated && m.key == "extra_config") inside(m);
                continue;
            }
            bool folded_one = equal_fold(m.key, "extra_config");
            if (folded_one && !object.find("extra_config") && !m.repeated) continue;  // read, whatever its case
            if (folded_one || edit_distance(squeezed_key(m.key), "extraconfig", 2) <= 2) {
                inside(m);
                continue;
            }
            bool container = m.value.is(Kind::object) || m.value.is(Kind::array);
            if (!container || m.key.find('/') == std::string_view::npos) continue;
            Resolved r = resolve_namespace(m.key, context_.overrides);
            if (r.protective)
                refuse(m.key_node, fmt::format("\"{}\" stands outside of extra_config, where nothing reads it",
                                               m.key.substr(0, 200)));
        }
    }

  private:
    static bool is_field(const FieldTable& table, std::string_view key) {
        return std::any_of(table.fields.begin(), table.fields.end(), [&](const Field& f) { return f.name == key; });
    }
    static std::string squeezed_key(std::string_view key) { return key.size() > 40 ? std::string() : squeezed(key); }

    void inside(const Member& outer) {
        for (Member m : outer.value.all_members()) {
            Resolved r = resolve_namespace(m.key, context_.overrides);
            if (!r.protective) continue;
            refuse(m.key_node,
                   fmt::format("\"{}\" stands in an \"{}\" that nothing reads{}", m.key.substr(0, 200),
                               outer.key.substr(0, 60), outer.repeated ? ", because another one follows" : ""));
        }
    }

    void refuse(const Node& at, std::string message) {
        Severity s = context_.allow_unsupported ? Severity::warning : Severity::error;
        if (diagnostics_.full(s)) return diagnostics_.count_only(s);
        std::string where = context_.where.empty() ? std::string() : context_.where + ": ";
        diagnostics_.add(s, at.place(), where + message + ", and what it protects would be open",
                         "move it into the one \"extra_config\" of this object");
    }

    const NamespaceContext& context_;
    Diagnostics& diagnostics_;
};

}  // namespace

void check_misplaced(const Node& object, const FieldTable& table, const NamespaceContext& context,
                     Diagnostics& diagnostics) {
    MisplacedCheck(context, diagnostics).run(object, table);
}

std::string_view to_string(Level l) {
    switch (l) {
        case Level::service:
            return "service";
        case Level::endpoint:
            return "endpoint";
        case Level::backend:
            return "backend";
        case Level::async_agent:
            return "async agent";
    }
    return "service";
}

std::span<const NamespaceInfo> known_namespaces() {
    return kTable;
}

Resolved resolve_namespace(std::string_view written, std::span<const NamespaceInfo> overrides) {
    Resolved r;
    if (is_comment_key(written)) {
        r.how = Resolved::How::comment;
        return r;
    }
    auto found = [&](Resolved::How how, const NamespaceInfo* info) {
        for (const NamespaceInfo& o : overrides) {
            if (o.name == info->name) info = &o;
        }
        r.how = how;
        r.info = info;
        r.protective = info->posture == Posture::protective;
        return r;
    };
    auto exactly = [&](std::span<const NamespaceInfo> rows) -> const NamespaceInfo* {
        for (const NamespaceInfo& row : rows) {
            if (row.name == written || (!row.alias.empty() && row.alias == written)) return &row;
        }
        return nullptr;
    };
    if (const NamespaceInfo* row = exactly(overrides)) return found(Resolved::How::exact, row);
    if (const NamespaceInfo* row = exactly(kTable)) return found(Resolved::How::exact, row);
    if (written.size() > 200) {
        r.protective = sounds_protective(written);
        return r;
    }
    std::string name = folded(written);
    std::string tight = squeezed(written);
    std::vector<Names::Form> mine;
    for (const NamespaceInfo& o : overrides)
        add_forms(mine, o);
    const std::vector<Names::Form>* lists[] = {&mine, &names().forms};
    for (const auto* list : lists) {
        for (const Names::Form& f : *list) {
            if (f.folded == name || f.squeezed == tight) return found(Resolved::How::misspelt, f.info);
        }
    }
    // A typo. Short names need care: "proxy" and "redis" have many neighbours that are people's own names.
    const NamespaceInfo* nearest = nullptr;
    size_t least = 3;
    for (const auto* list : lists) {
        for (const Names::Form& f : *list) {
            size_t limit = f.is_long ? 2 : f.folded.size() < 8 ? 1 : 2;
            if (limit >= least) limit = least - 1;
            if (limit == 0) continue;
            size_t d = edit_distance(f.folded, name, limit);
            if (d <= limit) {
                nearest = f.info;
                least = d;
            }
        }
    }
    if (nearest) return found(Resolved::How::misspelt, nearest);
    r.protective = sounds_protective(written);
    return r;
}

void check_namespaces(ExtraConfig& config, const NamespaceContext& context, std::span<const NamespaceSink> sinks,
                      Diagnostics& diagnostics) {
    Checker(config, context, sinks, diagnostics).run();
}

}  // namespace gladius::conf
