#include "telemetry/log_format.h"

#include <gtest/gtest.h>
#include <syslog.h>
#include <unistd.h>

#include <regex>

namespace gladius::telemetry {
namespace {

constexpr int64_t kMoment = 1'700'000'000'012'345'678;

std::string line(const LogOptions& o, Level level, std::string_view prefix, std::string_view text) {
    Result<LogFormat> f = LogFormat::make(o);
    EXPECT_TRUE(f) << (f ? "" : f.error().message);
    std::string out;
    if (f) f->append_line(out, {kMoment, level, prefix, text, 7});
    return out;
}
std::string custom(std::string pattern, std::string_view text = "hello") {
    LogOptions o;
    o.layout = LogLayout::custom;
    o.prefix = "[NOT]";
    o.custom_format = std::move(pattern);
    return line(o, Level::warning, "", text);
}
bool matches(const std::string& s, const char* pattern) {
    return std::regex_match(s, std::regex(pattern));
}

TEST(LogFormatTest, Names) {
    EXPECT_EQ(parse_level("debug"), Level::debug);
    EXPECT_EQ(parse_level("Critical"), Level::critical);
    EXPECT_EQ(parse_level("NOTICE"), Level::warning);
    EXPECT_FALSE(parse_level("FATAL"));
    EXPECT_FALSE(parse_level(""));
    EXPECT_EQ(parse_facility("local0"), 0);
    EXPECT_EQ(parse_facility("local7"), 7);
    EXPECT_FALSE(parse_facility("local8"));
    EXPECT_FALSE(parse_facility("user"));
    EXPECT_EQ(syslog_severity(Level::fatal), LOG_CRIT);
    EXPECT_EQ(syslog_severity(Level::debug), LOG_DEBUG);
}

TEST(LogFormatTest, BasicWithoutComponent) {
    EXPECT_TRUE(matches(line({}, Level::error, "[ENDPOINT: /f]", "Status 500"),
                        "\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d KRAKEND ERROR: \\[ENDPOINT: /f\\] Status 500\n"));
    EXPECT_TRUE(line({}, Level::fatal, "", "x").ends_with(" KRAKEND FATAL: x\n"));
}

TEST(LogFormatTest, StandardIsColouredAsTheReference) {
    LogOptions o;
    o.layout = LogLayout::standard;
    o.prefix = "[MINE]";
    EXPECT_TRUE(matches(line(o, Level::error, "[ENDPOINT: /f]", "bad"),
                        "\\[MINE\\] \\d{4}/\\d\\d/\\d\\d - \\d\\d:\\d\\d:\\d\\d\\.012 \x1b\\[31m▶ ERROR\x1b\\[0m "
                        "\\[ENDPOINT: /f\\] bad\n"));
    // INFO has no colour of its own; FATAL is written as CRITICAL.
    EXPECT_NE(line(o, Level::info, "", "x").find(".012 ▶ INFO\x1b[0m x\n"), std::string::npos);
    EXPECT_NE(line(o, Level::fatal, "", "x").find("\x1b[35m▶ CRITICAL\x1b[0m x\n"), std::string::npos);
    o.prefix.clear();
    EXPECT_EQ(line(o, Level::info, "", "x")[0], ' ');
}

TEST(LogFormatTest, LogstashLine) {
    LogOptions o;
    o.layout = LogLayout::logstash;
    o.prefix = "[NOT]";
    EXPECT_TRUE(
        matches(line(o, Level::error, "[ENDPOINT: /f]", "code 500"),
                "\\{\"@timestamp\":\"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.012\\+00:00\", \"@version\": 1, "
                "\"level\": \"ERROR\", \"message\": \"\\[ENDPOINT: /f\\] code 500\", \"module\": \"KRAKEND\"\\}\n"));
    EXPECT_NE(line(o, Level::info, "", "a\", \"level\": \"x")
                  .find("\"message\": \"a\\\", \\\"level\\\": \\\"x\", \"module\""),
              std::string::npos);
}

TEST(LogFormatTest, CustomPatterns) {
    EXPECT_EQ(custom("%{message}"), "hello\n");
    EXPECT_EQ(custom("%{message}\n"), "hello\n");
    EXPECT_EQ(custom("%{level} %{level:.4s} %{level:10s}| %{level:-9s}| %{id} %{id:04d} %{id:x}"),
              "WARNING WARN    WARNING| WARNING  | 7 0007 7\n");
    EXPECT_EQ(custom("%{module}:%{pid}"), "KRAKEND:" + std::to_string(getpid()) + "\n");
    EXPECT_EQ(custom("%{color}a%{color:bold}b%{color:reset}c"), "\x1b[33ma\x1b[33;1mb\x1b[0mc\n");
    EXPECT_EQ(custom("100% %{ %{X} %{message:5s} %{message"), "100% %{ %{X} hello %{message\n");
}

TEST(LogFormatTest, PatternsThatAreRefused) {
    LogOptions o;
    o.layout = LogLayout::custom;
    for (const char* pattern : {"", "no verb", "100% %{ %{X} %{message", "%{nothing}", "%{message:}"}) {
        o.custom_format = pattern;
        EXPECT_FALSE(LogFormat::make(o)) << pattern;
    }
    o.custom_format = "%{nothing}";
    EXPECT_EQ(LogFormat::make(o).error().message, "logger: unknown variable: nothing");
}

TEST(LogFormatTest, HugeWidthsAreBounded) {
    EXPECT_LT(custom("%{level:999999999999999999999s}").size(), 2000u);
}

TEST(LogFormatTest, TextCannotEndTheLine) {
    for (LogLayout layout : {LogLayout::basic, LogLayout::standard, LogLayout::logstash, LogLayout::custom}) {
        for (bool record : {false, true}) {
            LogOptions o;
            o.layout = layout;
            o.custom_format = "%{message}";
            o.logstash_record = record;
            std::string out = line(o, Level::info, "[ENDPOINT: /\n]", "a\r\nb\x1b[2J\xC2\x85");
            EXPECT_EQ(out.find('\n'), out.size() - 1);
            EXPECT_EQ(out.find('\r'), std::string::npos);
            EXPECT_EQ(out.find("\x1b[2J"), std::string::npos);
            EXPECT_EQ(out.find("\xC2\x85"), std::string::npos);
        }
    }
}

TEST(LogFormatTest, LogstashRecordInsideThePattern) {
    LogOptions o;
    o.layout = LogLayout::custom;
    o.custom_format = "%{message}";
    o.logstash_record = true;
    o.prefix = "svc";
    EXPECT_TRUE(matches(
        line(o, Level::info, "[A]", "say \"hi\""),
        "\\{\"@timestamp\":\"[-0-9T:.]+[-+]\\d\\d:\\d\\d\",\"@version\":1,\"host\":\"[^\"]+\",\"level\":\"INFO\","
        "\"message\":\"\\[A\\] say \\\\\"hi\\\\\"\",\"module\":\"svc\"\\}\n"));
}

TEST(LogFormatTest, SyslogText) {
    Result<LogFormat> f = LogFormat::make({});
    ASSERT_TRUE(f);
    std::string out;
    f->append_syslog(out, {kMoment, Level::critical, "[A]", "b\nc", 1});
    EXPECT_EQ(out, "CRITICAL > [A] b\\nc");
}

}  // namespace
}  // namespace gladius::telemetry
