// Purpose: how one log message becomes one line: levels, the reference's formats and its `%{verb:layout}` patterns
// (ledger 2, section 23 and 24; the pattern language is that of go-logging).
// Owner: Log. Thread: a LogFormat is used by the log thread only; parsing is pure. Lifetime: until the next reload.
// Errors: an unknown verb or a pattern without any is refused by LogFormat::make.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gladius::telemetry {

enum class Level : uint8_t { debug, info, warning, error, critical, fatal };

// As the configuration spells it, in any case. NOTICE is a filter only: nothing is written at that level.
std::optional<Level> parse_level(std::string_view text);
std::string_view level_name(Level level);
int syslog_severity(Level level);

enum class LogLayout : uint8_t {
    basic,     // no telemetry/logging: `2006/01/02 15:04:05 KRAKEND INFO: text`
    standard,  // "default": `[PREFIX] 2006/01/02 - 15:04:05.000 ▶ INFO text`, always in colour, as the reference
    logstash,  // one JSON object per line, without prefix
    custom,    // custom_format, without prefix
};

struct LogOptions {
    Level level = Level::debug;
    LogLayout layout = LogLayout::basic;
    std::string prefix;
    bool stdout_on = true;
    bool syslog_on = false;
    int syslog_local = 3;  // facility local0..local7
    std::string custom_format;
    bool logstash_record = false;  // telemetry/logstash: the message is a JSON record inside the pattern
};

// The facility number of "local0".."local7"; nothing for any other text.
std::optional<int> parse_facility(std::string_view text);

struct LogMessage {
    int64_t unix_ns;
    Level level;
    std::string_view prefix;  // "[ENDPOINT: /a]"; one blank stands between it and the text
    std::string_view text;
    uint64_t id;
};

class LogFormat {
  public:
    static Result<LogFormat> make(const LogOptions& options);

    // One line with its newline; whatever the message holds, no second line can come of it.
    void append_line(std::string& out, const LogMessage& message) const;
    // What goes to syslog: `LEVEL > text`, no newline.
    void append_syslog(std::string& out, const LogMessage& message) const;

  private:
    enum class Verb : uint8_t { text, time, level, id, pid, program, module, message, color, place };
    struct Part {
        Verb verb;
        std::string layout;
    };

    LogFormat() = default;
    static Result<std::vector<Part>> parse(std::string_view pattern);
    void append_part(std::string& out, const Part& part, const LogMessage& message, std::string_view body) const;
    std::string body(const LogMessage& message) const;

    LogOptions options_;
    std::vector<Part> parts_;
};

}  // namespace gladius::telemetry
