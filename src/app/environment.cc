#include "app/environment.h"

#include <cstring>
#include <optional>

extern char** environ;

namespace gladius::app {

Environment environment_pairs() {
    Environment out;
    for (char** e = environ; *e; ++e) {
        const char* eq = std::strchr(*e, '=');
        if (eq) out.emplace_back(std::string(*e, static_cast<size_t>(eq - *e)), eq + 1);
    }
    return out;
}

namespace {
std::string value_of(const Environment& env, const char* upper, const char* lower) {
    for (const char* name : {upper, lower})
        for (const auto& [k, v] : env)
            if (k == name && !v.empty()) return v;
    return {};
}
}  // namespace

std::string http_proxy_of(const Environment& env) {
    return value_of(env, "HTTP_PROXY", "http_proxy");
}
std::string https_proxy_of(const Environment& env) {
    return value_of(env, "HTTPS_PROXY", "https_proxy");
}
std::string no_proxy_of(const Environment& env) {
    return value_of(env, "NO_PROXY", "no_proxy");
}

telemetry::LogOptions logging_options(const conf::Service& s) {
    telemetry::LogOptions o;
    if (!s.has_logging) return o;
    const conf::LoggingOptions& l = s.logging;
    o.layout = l.format == "logstash" ? telemetry::LogLayout::logstash
               : l.format == "custom" ? telemetry::LogLayout::custom
                                      : telemetry::LogLayout::standard;
    if (auto level = telemetry::parse_level(l.level)) o.level = *level;
    o.prefix = l.prefix;
    o.stdout_on = l.stdout_;
    o.syslog_on = l.syslog;
    if (auto f = telemetry::parse_facility(l.syslog_facility)) o.syslog_local = *f;
    o.custom_format = l.custom_format;
    return o;
}

}  // namespace gladius::app
