#include "conf/scalar.h"

#include <gtest/gtest.h>

using namespace gladius::conf;
using namespace std::chrono_literals;

TEST(Duration, ReadsWhatGoReads) {
    EXPECT_EQ(parse_duration("2s"), 2s);
    EXPECT_EQ(parse_duration("1h30m"), 90min);
    EXPECT_EQ(parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration(".5s"), 500ms);
    EXPECT_EQ(parse_duration("1.s"), 1s);
    EXPECT_EQ(parse_duration("-1m"), -1min);
    EXPECT_EQ(parse_duration("10µs"), 10us);
    EXPECT_EQ(parse_duration("10us"), 10us);
    EXPECT_EQ(parse_duration("7ns"), 7ns);
    EXPECT_EQ(parse_duration("0"), 0ns);
    EXPECT_EQ(parse_duration("1m0s"), 1min);
    EXPECT_EQ(parse_duration("9223372036854775807ns").value().count(), INT64_MAX);
    EXPECT_EQ(parse_duration("-9223372036854775808ns").value().count(), INT64_MIN);
}

TEST(Duration, RefusesWhatGoRefuses) {
    for (const char* s : {"", "3000", "s", "1 s", "2 seconds", "1d", "-", "+", ".s", "1h30", "9223372036854775808ns",
                          "300000000000000000000h", "1S", "0x1s"}) {
        EXPECT_FALSE(parse_duration(s)) << s;
    }
}

TEST(Duration, IsPrintedAsGoPrintsIt) {
    EXPECT_EQ(format_duration(60s), "1m0s");
    EXPECT_EQ(format_duration(700ms), "700ms");
    EXPECT_EQ(format_duration(2s), "2s");
    EXPECT_EQ(format_duration(0s), "0s");
    EXPECT_EQ(format_duration(3000ns), "3µs");
    EXPECT_EQ(format_duration(1500us), "1.5ms");
    EXPECT_EQ(format_duration(90min), "1h30m0s");
    EXPECT_EQ(format_duration(-1500ms), "-1.5s");
    EXPECT_EQ(format_duration(1ns), "1ns");
    EXPECT_EQ(format_duration(std::chrono::nanoseconds(INT64_MIN)), "-2562047h47m16.854775808s");
}

TEST(Integer, ReadsBaseZero) {
    EXPECT_EQ(parse_integer("8080"), 8080);
    EXPECT_EQ(parse_integer("-1"), -1);
    EXPECT_EQ(parse_integer("0x10"), 16);
    EXPECT_EQ(parse_integer("010"), 8);
    EXPECT_EQ(parse_integer("0b11"), 3);
    EXPECT_EQ(parse_integer("0"), 0);
    EXPECT_EQ(parse_integer("-9223372036854775808"), INT64_MIN);
    for (const char* s : {"", "x", "1x", "1.5", "9223372036854775808", "08", "0x", "1__0", "1_0", " 1"})
        EXPECT_FALSE(parse_integer(s)) << s;
}

TEST(Bytes, ReadsUnits) {
    EXPECT_EQ(parse_bytes("1024"), 1024);
    EXPECT_EQ(parse_bytes("16MiB"), 16 << 20);
    EXPECT_EQ(parse_bytes("1 GiB"), 1 << 30);
    EXPECT_EQ(parse_bytes("500KB"), 500000);
    for (const char* s : {"", "MiB", "-1", "1TiB", "99999999999GiB"})
        EXPECT_FALSE(parse_bytes(s)) << s;
}

TEST(Header, IsCanonical) {
    EXPECT_EQ(canonical_header("x-forwarded-for"), "X-Forwarded-For");
    EXPECT_EQ(canonical_header("X-API-KEY"), "X-Api-Key");
    EXPECT_EQ(canonical_header("*"), "*");
    EXPECT_EQ(canonical_header(""), "");
    EXPECT_EQ(canonical_header("no name"), "no name");
}

TEST(EditDistance, CountsEditsUpToTheLimit) {
    EXPECT_EQ(edit_distance("timeout", "timeout", 2), 0u);
    EXPECT_EQ(edit_distance("timeuot", "timeout", 2), 1u);  // a swap is one
    EXPECT_EQ(edit_distance("timeot", "timeout", 2), 1u);
    EXPECT_EQ(edit_distance("abc", "xyz", 2), 3u);
    EXPECT_EQ(edit_distance("a", "abcdefgh", 2), 3u);
}
