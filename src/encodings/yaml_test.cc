#include "encodings/yaml.h"

#include <gtest/gtest.h>

#include <string>

#include "json/emit.h"
#include "json/scan.h"

namespace gladius::encodings {
namespace {

std::string written(std::string_view json, size_t limit = 1 << 20) {
    Arena arena;
    json::ArenaOutput text(arena, 64), out(arena, 64);
    json::emit(json::Value::of(json::scan(json, arena), 0), arena, text);
    if (!write_yaml(*json::scan(text.view(), arena), arena, limit, out)) return "too long";
    return std::string(out.view());
}

// Every answer here is the reference's renderer's.
TEST(Yaml, Structure) {
    EXPECT_EQ(written(R"({"b":[1,{"c":"x","d":[]},[2,"y"]],"a":1,"e":{},"n":null,"t":true})"),
              "a: \"1\"\nb:\n- \"1\"\n- c: x\n  d: []\n- - \"2\"\n  - \"y\"\ne: {}\n\"n\": null\nt: true\n");
    EXPECT_EQ(written(R"({"x":{"a":[{"b":{"c":1},"d":[[]]}]}})"),
              "x:\n  a:\n  - b:\n      c: \"1\"\n    d:\n    - []\n");
    EXPECT_EQ(written("{}"), "{}\n");
    EXPECT_EQ(written("null"), "{}\n");
}

TEST(Yaml, Quotes) {
    for (std::string_view s : {"",
                               "true",
                               "No",
                               "y",
                               "~",
                               "1",
                               "-1",
                               "+1",
                               "1_000",
                               "017",
                               "0x1F",
                               "0o17",
                               "0b11",
                               "1.5",
                               ".5",
                               "5.",
                               "1.5e3",
                               "1.5e999",
                               "-",
                               "a: b",
                               "a:",
                               "- x",
                               "a# b",
                               "a\\b",
                               " a",
                               "a ",
                               "*a",
                               "`a",
                               "10:30",
                               "2020-01-01",
                               "@a",
                               "'a",
                               "!a",
                               "%a",
                               "[a",
                               "{",
                               ",",
                               "2020-01-01T10:00:00+01:00",
                               "2020-01-01 10:00:00.5"})
        EXPECT_TRUE(yaml_needs_quotes(s)) << s;
    for (std::string_view s : {"x", "1e5", "089", "1.2.3", "_1", "a:b", "-x", "a -b", "NaN", ".inf", "2020-02-30",
                               "25:00", "a\tb", "=", "<<", "? a", "0x", "yEs", "\xC3\xA9"})
        EXPECT_FALSE(yaml_needs_quotes(s)) << s;
}

TEST(Yaml, QuotedAsGoDoes) {
    EXPECT_EQ(written(R"({"k":"a: \"\\\t\u0001\u007f\u0085\u00e9\u2028\ud83d\ude00"})"),
              "k: \"a: \\\"\\\\\\t\\x01\\x7f\\u0085\xC3\xA9\\u2028\xF0\x9F\x98\x80\"\n");
}

TEST(Yaml, Blocks) {
    EXPECT_EQ(written(R"({"s":"l1\nl2"})"), "s: |-\n  l1\n  l2\n");
    EXPECT_EQ(written(R"({"s":"l1\n\nl2\n","t":1})"), "s: |\n  l1\n  \n  l2\nt: \"1\"\n");
    EXPECT_EQ(written(R"({"s":"a\n\n","t":1})"), "s: |+\n  a\n\nt: \"1\"\n");
    EXPECT_EQ(written(R"({"k":["l1\n\nl2"],"m":{"z":[{"a":"x\ny"}]}})"),
              "k:\n- |-\n  l1\n\n  l2\nm:\n  z:\n  - a: |-\n      x\n      y\n");
    EXPECT_EQ(written(R"({"s":"a: b\nc"})"), "s: \"a: b\\nc\"\n");
}

TEST(Yaml, DepthIsBoundedByTheLimit) {
    std::string deep, close;
    for (int i = 0; i < 9999; ++i) {
        deep += R"({"a":)";
        close += '}';
    }
    EXPECT_EQ(written(deep + "1" + close), "too long");
    std::string lists(9000, '[');
    EXPECT_EQ(written("{\"a\":" + lists + std::string(9000, ']') + "}").size(), 2 * 8999 + 6U);
}

}  // namespace
}  // namespace gladius::encodings
