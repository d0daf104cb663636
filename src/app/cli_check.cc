#include "app/cli_check.h"

#include "app/registry.h"
#include "conf/dump.h"
#include "telemetry/log.h"

namespace gladius::app {

namespace {

constexpr std::string_view kRed = "\x1b[31m", kGreen = "\x1b[32m", kYellow = "\x1b[33m", kPlain = "\x1b[0m";

std::string painted(std::string_view text, std::string_view colour, bool on) {
    if (!on) return std::string(text);
    return std::string(colour) + std::string(text) + std::string(kPlain);
}

}  // namespace

CheckedFile check_file(const Invocation& in, const Environment& env, bool routes_are_errors) {
    CheckedFile out;
    conf::LoadOptions o;
    o.environment = env;
    o.allow_unsupported = in.allow_unsupported;
    o.namespaces = feature_namespaces();
    if (in.command == Command::run) {
        o.port = in.port;
        o.debug = in.debug > 0;
    }
    conf::LoadResult r = conf::load_file(in.config, o);
    out.diagnostics.append(r.diagnostics);
    out.service = std::move(r.service);
    out.loaded = out.service && !out.diagnostics.has_errors();
    if (!out.loaded) return out;
    // As the start does: a logger that cannot be made is said, and the gateway serves without it.
    if (Result<void> log = telemetry::Log::check(logging_options(*out.service)); !log) {
        out.diagnostics.add(conf::Severity::warning, out.service->logging.node.place(),
                            "the logger cannot be made: " + log.error().message,
                            "until it can, the gateway logs with the default settings");
    }
    plan::CompileOptions c;
    c.routes_are_errors = routes_are_errors;
    c.http_proxy = http_proxy_of(env);
    c.https_proxy = https_proxy_of(env);
    c.no_proxy = no_proxy_of(env);
    c.features = features();
    c.allow_unsupported = in.allow_unsupported;
    out.snapshot = plan::compile(*out.service, c, out.diagnostics);
    out.diagnostics.sort();
    return out;
}

std::string diagnostics_text(const conf::Diagnostics& diagnostics, bool colour) {
    std::string text = diagnostics.text();
    if (!colour) return text;
    std::string out;
    while (!text.empty()) {
        size_t end = text.find('\n');
        std::string line = text.substr(0, end == std::string::npos ? end : end + 1);
        text.erase(0, line.size());
        // The first of the words is the severity: a file or a message may hold them too, but behind it.
        struct Word {
            std::string_view text, colour;
        };
        size_t at = std::string::npos;
        Word found{};
        for (Word w : {Word{": error: ", kRed}, Word{": warning: ", kYellow}}) {
            size_t i = line.find(w.text);
            if (i < at) {
                at = i;
                found = w;
            }
        }
        if (at == std::string::npos) {
            out += line;
            continue;
        }
        size_t n = found.text.size() - 4;  // without ": " on both sides
        out += line.substr(0, at + 2) + painted(line.substr(at + 2, n), found.colour, true) + line.substr(at + 2 + n);
    }
    return out;
}

int run_check(const Invocation& in, const Environment& env, bool colour, std::string& said) {
    said += "Parsing configuration file: " + in.config + "\n";
    CheckedFile file = check_file(in, env, in.test_routes);
    bool lints = in.lint == Lint::online || in.lint == Lint::embedded;
    bool forgiven = file.ok();
    if (lints) file.diagnostics.raise_warnings();
    said += diagnostics_text(file.diagnostics, colour);
    auto failed = [&](std::string_view doing) {
        said += painted("ERROR " + std::string(doing) + " the configuration file:", kRed, colour) + "\t" +
                file.diagnostics.summary(in.config) + "\n";
        return kFailed;
    };
    if (!file.loaded) return failed("parsing");
    if (in.lint == Lint::schema) {
        said += painted("ERROR linting the configuration file:", kRed, colour) +
                "\t--lint-schema is not built yet; --lint finds misspelt and unknown keys as well\n";
        return kFailed;
    }
    if (in.debug > 0) said += conf::dump(*file.service, in.debug > 3 ? 3 : in.debug, in.indent);
    if (!file.ok()) return failed(lints && forgiven ? "linting" : in.test_routes ? "testing" : "parsing");
    said += painted("Syntax OK!", kGreen, colour) + "\n";
    return kFine;
}

}  // namespace gladius::app
