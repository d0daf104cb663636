#include "telemetry/log_format.h"

#include <errno.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "telemetry/escape.h"
#include "telemetry/go_time.h"

namespace gladius::telemetry {
namespace {

constexpr std::string_view kStandard = " %{time:2006/01/02 - 15:04:05.000} %{color}▶ %{level}%{color:reset} %{message}";
constexpr std::string_view kLogstash =
    "{\"@timestamp\":\"%{time:2006-01-02T15:04:05.000+00:00}\", \"@version\": 1, \"level\": \"%{level}\", "
    "\"message\": \"%{message}\", \"module\": \"%{module}\"}";
constexpr std::string_view kModule = "KRAKEND";
// Widths come from the configuration; nobody needs more.
constexpr size_t kWidestField = 1024;

std::string upper(std::string_view text) {
    std::string s(text);
    for (char& c : s)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return s;
}

// go-logging knows no FATAL: it writes CRITICAL and ends the process.
std::string_view pattern_level(Level level) {
    return level_name(level == Level::fatal ? Level::critical : level);
}

int color_code(Level level) {
    switch (level) {
        case Level::debug:
            return 36;
        case Level::info:
            return 0;
        case Level::warning:
            return 33;
        case Level::error:
            return 31;
        case Level::critical:
        case Level::fatal:
            return 35;
    }
    return 0;
}

// The flags, width, precision and verb letter of Go's fmt, as far as a log pattern can use them.
struct Spec {
    bool left = false;
    bool zero = false;
    size_t width = 0;
    size_t precision = std::string::npos;
    char letter = 's';
};

Spec parse_spec(std::string_view layout) {
    Spec s;
    size_t i = 0;
    for (; i < layout.size() && (layout[i] == '-' || layout[i] == '0'); ++i) {
        (layout[i] == '-' ? s.left : s.zero) = true;
    }
    auto number = [&layout, &i] {
        size_t v = 0;
        for (; i < layout.size() && layout[i] >= '0' && layout[i] <= '9'; ++i) {
            v = std::min(kWidestField, v * 10 + static_cast<size_t>(layout[i] - '0'));
        }
        return v;
    };
    s.width = number();
    if (i < layout.size() && layout[i] == '.') {
        ++i;
        s.precision = number();
    }
    if (i < layout.size()) s.letter = layout[i];
    return s;
}

std::string_view first_runes(std::string_view text, size_t runes) {
    size_t i = 0;
    while (i < text.size() && runes) {
        ++i;
        while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80)
            ++i;
        --runes;
    }
    return text.substr(0, i);
}

void append_padded(std::string& out, const Spec& spec, std::string_view text, char fill) {
    size_t n = rune_count(text);
    size_t pad = spec.width > n ? spec.width - n : 0;
    if (!spec.left) out.append(pad, fill);
    out += text;
    if (spec.left) out.append(pad, ' ');
}

void append_text(std::string& out, std::string_view layout, std::string_view text) {
    Spec spec = parse_spec(layout);
    text = first_runes(text, spec.precision);
    if (spec.letter == 'q') {
        std::string quoted = "\"" + std::string(text) + "\"";
        append_padded(out, spec, quoted, ' ');
    } else {
        append_padded(out, spec, text, ' ');
    }
}

void append_number(std::string& out, std::string_view layout, uint64_t v) {
    Spec spec = parse_spec(layout);
    char digits[32];
    int n = std::snprintf(digits, sizeof digits,
                          spec.letter == 'x'   ? "%lx"
                          : spec.letter == 'X' ? "%lX"
                                               : "%lu",
                          static_cast<unsigned long>(v));
    append_padded(out, spec, {digits, static_cast<size_t>(n)}, spec.zero && !spec.left ? '0' : ' ');
}

void append_safe(std::string& out, std::string_view text) {
    size_t at = out.size();
    out.resize(at + escaped_bound(text.size()));
    char* end = write_escaped(out.data() + at, out.size() - at, text);
    out.resize(static_cast<size_t>(end - out.data()));
}

std::string host_name() {
    char name[256] = "localhost";
    if (gethostname(name, sizeof name - 1) != 0) return "localhost";
    return name;
}

}  // namespace

std::optional<Level> parse_level(std::string_view text) {
    std::string s = upper(text);
    if (s == "DEBUG") return Level::debug;
    if (s == "INFO") return Level::info;
    if (s == "NOTICE" || s == "WARNING") return Level::warning;
    if (s == "ERROR") return Level::error;
    if (s == "CRITICAL") return Level::critical;
    return std::nullopt;
}

std::string_view level_name(Level level) {
    constexpr std::string_view kNames[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "FATAL"};
    return kNames[static_cast<size_t>(level)];
}

int syslog_severity(Level level) {
    constexpr int kSeverity[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR, LOG_CRIT, LOG_CRIT};
    return kSeverity[static_cast<size_t>(level)];
}

std::optional<int> parse_facility(std::string_view text) {
    if (text.size() != 6 || !text.starts_with("local") || text[5] < '0' || text[5] > '7') return std::nullopt;
    return text[5] - '0';
}

Result<LogFormat> LogFormat::make(const LogOptions& options) {
    LogFormat f;
    f.options_ = options;
    std::string_view pattern;
    switch (options.layout) {
        case LogLayout::basic:
            return f;
        case LogLayout::standard:
            pattern = kStandard;
            break;
        case LogLayout::logstash:
            pattern = kLogstash;
            break;
        case LogLayout::custom:
            pattern = options.custom_format;
            break;
    }
    Result<std::vector<Part>> parts = parse(pattern);
    if (!parts) return parts.error();
    f.parts_ = std::move(*parts);
    // telemetry/logstash takes the prefix as the name of the module and writes none before the line.
    if (options.layout == LogLayout::standard && !options.logstash_record && !options.prefix.empty()) {
        f.parts_.insert(f.parts_.begin(), Part{Verb::text, options.prefix});
    }
    return f;
}

// go-logging: %{([a-z]+)(?::(.*?[^\\]))?}, where the layout ends at the first brace that has no backslash before it.
Result<std::vector<LogFormat::Part>> LogFormat::parse(std::string_view pattern) {
    struct Name {
        std::string_view name;
        Verb verb;
    };
    constexpr Name kNames[] = {
        {"time", Verb::time},       {"level", Verb::level},     {"id", Verb::id},           {"pid", Verb::pid},
        {"program", Verb::program}, {"module", Verb::module},   {"message", Verb::message}, {"color", Verb::color},
        {"longfile", Verb::place},  {"shortfile", Verb::place}, {"longpkg", Verb::place},   {"shortpkg", Verb::place},
        {"longfunc", Verb::place},  {"shortfunc", Verb::place}, {"callpath", Verb::place},
    };
    std::vector<Part> parts;
    std::string text;
    bool any = false;
    for (size_t i = 0; i < pattern.size();) {
        size_t name_end = i + 2;
        while (name_end < pattern.size() && pattern[name_end] >= 'a' && pattern[name_end] <= 'z')
            ++name_end;
        bool named = pattern.substr(i).starts_with("%{") && name_end > i + 2 && name_end < pattern.size();
        size_t close = std::string_view::npos;
        if (named && pattern[name_end] == '}') close = name_end;
        if (named && pattern[name_end] == ':') {
            close = pattern.find('}', name_end + 2);
            while (close != std::string_view::npos && pattern[close - 1] == '\\')
                close = pattern.find('}', close + 1);
        }
        if (close == std::string_view::npos) {
            text += pattern[i++];
            continue;
        }
        std::string_view name = pattern.substr(i + 2, name_end - i - 2);
        const Name* known =
            std::find_if(std::begin(kNames), std::end(kNames), [name](const Name& n) { return n.name == name; });
        if (known == std::end(kNames)) return fail("logger: unknown variable: " + std::string(name));
        if (!text.empty()) parts.push_back({Verb::text, std::move(text)});
        text.clear();
        std::string layout;
        if (name_end < close) layout = pattern.substr(name_end + 1, close - name_end - 1);
        if (layout.empty() && known->verb == Verb::time) layout = "2006-01-02T15:04:05.999Z07:00";
        parts.push_back({known->verb, std::move(layout)});
        any = true;
        i = close + 1;
    }
    if (!any) return fail("logger: invalid log format: " + std::string(pattern));
    if (!text.empty()) parts.push_back({Verb::text, std::move(text)});
    return parts;
}

std::string LogFormat::body(const LogMessage& message) const {
    std::string out;
    if (options_.logstash_record) {
        // Members sorted by name, as Go prints a map.
        out = "{\"@timestamp\":\"";
        append_go_time(out, "2006-01-02T15:04:05.000000-07:00", message.unix_ns);
        out += "\",\"@version\":1,\"host\":\"";
        append_json(out, host_name());
        out.append("\",\"level\":\"").append(pattern_level(message.level)).append("\",\"message\":\"");
        append_json(out, message.prefix);
        if (!message.prefix.empty()) out += ' ';
        append_json(out, message.text);
        out += "\",\"module\":\"";
        append_json(out, options_.prefix.empty() ? kModule : std::string_view(options_.prefix));
        out += "\"}";
        return out;
    }
    // The reference puts the message into its JSON line as it is, which lets a client forge members; here it is
    // escaped.
    auto append = options_.layout == LogLayout::logstash ? append_json : append_safe;
    append(out, message.prefix);
    if (!message.prefix.empty()) out += ' ';
    append(out, message.text);
    return out;
}

void LogFormat::append_part(std::string& out, const Part& part, const LogMessage& message,
                            std::string_view text) const {
    switch (part.verb) {
        case Verb::text:
            out += part.layout;
            break;
        case Verb::time:
            append_go_time(out, part.layout, message.unix_ns);
            break;
        case Verb::level:
            append_text(out, part.layout, pattern_level(message.level));
            break;
        case Verb::id:
            append_number(out, part.layout, message.id);
            break;
        case Verb::pid:
            append_number(out, part.layout, static_cast<uint64_t>(getpid()));
            break;
        case Verb::program:
            append_text(out, part.layout, program_invocation_short_name);
            break;
        case Verb::module:
            append_text(out, part.layout, kModule);
            break;
        case Verb::message:
            append_text(out, part.layout, text);
            break;
        case Verb::place:
            out += "???";
            break;
        case Verb::color:
            if (part.layout == "reset") {
                out += "\033[0m";
            } else if (int code = color_code(message.level)) {
                out += "\033[" + std::to_string(code) + (part.layout == "bold" ? ";1m" : "m");
            }
            break;
    }
}

void LogFormat::append_line(std::string& out, const LogMessage& message) const {
    std::string text = body(message);
    if (options_.layout == LogLayout::basic) {
        append_go_time(out, "2006/01/02 15:04:05 ", message.unix_ns);
        out.append(kModule).append(" ").append(level_name(message.level)).append(": ").append(text);
    } else {
        for (const Part& part : parts_)
            append_part(out, part, message, text);
    }
    // A pattern may end in its own newline; Go adds one only where none is.
    if (out.empty() || out.back() != '\n') out += '\n';
}

void LogFormat::append_syslog(std::string& out, const LogMessage& message) const {
    out.append(pattern_level(message.level)).append(" > ").append(body(message));
}

}  // namespace gladius::telemetry
