#include "json/text.h"

#include <gtest/gtest.h>

#include <string>

namespace gladius::json {
namespace {

using std::string_literals::operator""s;

std::string literal(std::string_view s) {
    Arena arena;
    ArenaOutput out(arena, 1);
    quote(s, out);
    return std::string(out.view());
}

TEST(Text, QuoteAsGo) {
    EXPECT_EQ(literal(""), "\"\"");
    EXPECT_EQ(literal("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    EXPECT_EQ(literal("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
    EXPECT_EQ(literal("\0\x01\v\x1f\x7f"s), "\"\\u0000\\u0001\\u000b\\u001f\x7f\"");
    EXPECT_EQ(literal("<a>&'"), "\"\\u003ca\\u003e\\u0026'\"");
    EXPECT_EQ(literal("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"), "\"\\u2028\\u2029\xE2\x80\xAA\"");
    EXPECT_EQ(literal("\xC3\xB1\xE2\x82\xAC\xF0\x9F\x98\x80"), "\"\xC3\xB1\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    // A text that is no UTF-8 gets the escape; U+FFFD itself stays a character.
    EXPECT_EQ(literal("a\xff\xE2\x82z\xEF\xBF\xBD"), "\"a\\ufffd\\ufffd\\ufffdz\xEF\xBF\xBD\"");
}

TEST(Text, QuoteAtEveryOffset) {
    for (size_t n = 0; n < 36; ++n) {
        std::string a(n, 'a');
        EXPECT_EQ(literal(a + "\n" + a + "\xff"), "\"" + a + "\\n" + a + "\\ufffd\"");
    }
}

TEST(Text, Utf8Sequence) {
    auto length = [](std::string_view s) { return utf8_sequence(s.data(), s.data() + s.size()); };
    EXPECT_EQ(length("\xC2\x80"), 2U);
    EXPECT_EQ(length("\xE0\xA0\x80"), 3U);
    EXPECT_EQ(length("\xED\x9F\xBF"), 3U);
    EXPECT_EQ(length("\xF0\x90\x80\x80"), 4U);
    EXPECT_EQ(length("\xF4\x8F\xBF\xBF"), 4U);
    for (std::string_view bad :
         {"\x80", "\xBF", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE1\x80", "\xED\xA0\x80",
          "\xF0\x8F\xBF\xBF", "\xF1\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
        EXPECT_EQ(length(bad), 0U) << testing::PrintToString(std::string(bad));
    }
}

TEST(Text, Unescape) {
    Arena arena;
    EXPECT_EQ(unescape("a\\n\\u00e9\\\\\\/\\\"", arena), "a\n\xC3\xA9\\/\"");
    EXPECT_EQ(unescape("\\u0000x", arena), "\0x"s);
    EXPECT_EQ(unescape("\\uD83D\\uDE00", arena), "\xF0\x9F\x98\x80");
    EXPECT_EQ(unescape("\\ud83d\\u0041", arena),
              "\xEF\xBF\xBD"
              "A");
    EXPECT_EQ(unescape("\xff\xfe", arena), "\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_TRUE(unescapes_to("\\u0061b", "ab"));
    EXPECT_FALSE(unescapes_to("\\u0061b", "a"));
    EXPECT_FALSE(unescapes_to("\\u0061", "ab"));
    EXPECT_TRUE(unescapes_to("", ""));
}

}  // namespace
}  // namespace gladius::json
