#include "telemetry/escape.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace gladius::telemetry {
namespace {

// Guard bytes behind the room show whether a function keeps to it.
template <class F>
std::string run(F write, std::string_view text, size_t limit) {
    std::vector<char> room(limit + 8, '\x7E');
    char* end = write(room.data(), limit, text);
    EXPECT_LE(static_cast<size_t>(end - room.data()), limit);
    for (size_t i = limit; i < room.size(); ++i)
        EXPECT_EQ(room[i], '\x7E');
    return {room.data(), end};
}
std::string in_quotes(std::string_view t) {
    return run(write_quoted, t, escaped_bound(t.size()));
}
std::string in_message(std::string_view t) {
    return run(write_escaped, t, escaped_bound(t.size()));
}

TEST(EscapeTest, AsGoQuotes) {
    EXPECT_EQ(in_quotes("/plain/path?x=1&y=2"), "/plain/path?x=1&y=2");
    EXPECT_EQ(in_quotes("a\"b\\c"), "a\\\"b\\\\c");
    EXPECT_EQ(in_quotes("\a\b\f\n\r\t\v"), "\\a\\b\\f\\n\\r\\t\\v");
    EXPECT_EQ(in_quotes(std::string_view("\0\x1b\x7f", 3)), "\\x00\\x1b\\x7f");
    EXPECT_EQ(in_quotes("caf\xC3\xA9 \xE2\x96\xB6 \xF0\x9F\x98\x80"), "caf\xC3\xA9 \xE2\x96\xB6 \xF0\x9F\x98\x80");
    EXPECT_EQ(in_quotes("\xEF\xBF\xBD"), "\xEF\xBF\xBD");
    EXPECT_EQ(in_quotes("\xC2\x9B[31m"), "\\u009b[31m");                 // a control of one rune
    EXPECT_EQ(in_quotes("\xC2\xA0\xC2\xAD"), "\\u00a0\\u00ad");          // no-break space, soft hyphen
    EXPECT_EQ(in_quotes("\xE2\x80\xA8\xE2\x80\xAE"), "\\u2028\\u202e");  // line separator, right-to-left override
    EXPECT_EQ(in_quotes("\xF3\xA0\x80\x81"), "\\U000e0001");
    EXPECT_EQ(in_quotes("\xFF\xC3"), "\\xff\\xc3");
    EXPECT_EQ(in_quotes("\xC0\xAF"), "\\xc0\\xaf");                    // overlong
    EXPECT_EQ(in_quotes("\xED\xA0\x80"), "\\xed\\xa0\\x80");           // surrogate
    EXPECT_EQ(in_quotes("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond Unicode
    EXPECT_EQ(in_quotes(""), "");
}

TEST(EscapeTest, MessagesKeepQuotesAndBackslashes) {
    EXPECT_EQ(in_message("say \"hi\" \\o/\n2024/01/01 KRAKEND INFO: forged"),
              "say \"hi\" \\o/\\n2024/01/01 KRAKEND INFO: forged");
}

TEST(EscapeTest, EveryPositionOfASpecialByte) {
    for (int c : {0x00, 0x1f, 0x20, 0x22, 0x5c, 0x7e, 0x7f, 0x80, 0xff}) {
        for (size_t at = 0; at < 24; ++at) {
            std::string text(24, 'x');
            text[at] = static_cast<char>(c);
            std::string want = in_quotes({text.data() + at, 1});
            EXPECT_EQ(in_quotes(text), std::string(at, 'x') + want + std::string(23 - at, 'x')) << c << " at " << at;
        }
    }
}

TEST(EscapeTest, CutTextSaysSo) {
    std::string text(1000, 'a');
    std::string cut = run(write_quoted, text, 100);
    EXPECT_TRUE(cut.ends_with("..."));
    EXPECT_GE(cut.size(), 85u);
    for (size_t limit = 0; limit < 40; ++limit) {
        run(write_quoted, text, limit);
        run(write_escaped, std::string(50, '\n'), limit);
    }
}

TEST(EscapeTest, RandomTextNeverLeavesItsLine) {
    std::mt19937 random(7);
    for (int round = 0; round < 20'000; ++round) {
        std::string text(random() % 40, ' ');
        for (char& c : text) {
            uint32_t r = random();
            c = static_cast<char>(r % 3 ? r >> 8 : "\n\r\"\\\x1b\xC2\xE2\x80"[(r >> 8) % 8]);
        }
        for (const std::string& out : {in_quotes(text), in_message(text)}) {
            ASSERT_LE(out.size(), 4 * text.size());
            ASSERT_EQ(in_message(out), out) << "what came out is printable";
            for (char c : out)
                ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
        }
        // Every quote of a quoted text has a backslash of its own before it.
        std::string q = in_quotes(text);
        for (size_t i = 0; i < q.size(); ++i) {
            if (q[i] == '\\') {
                ++i;
            } else {
                ASSERT_NE(q[i], '"');
            }
        }
        std::string json;
        append_json(json, text);
        for (char c : json)
            ASSERT_GE(static_cast<unsigned char>(c), 0x20);
    }
}

TEST(EscapeTest, JsonStrings) {
    std::string out;
    append_json(out, "a\"b\\c\n\x01\xFF\xE2\x80\xA8\xC3\xA9");
    EXPECT_EQ(out, "a\\\"b\\\\c\\n\\u0001\xEF\xBF\xBD\\u2028\xC3\xA9");
}

TEST(EscapeTest, RuneCount) {
    EXPECT_EQ(rune_count("\xC2\xB5s"), 2u);
    EXPECT_EQ(rune_count("\xFF\xFE"), 2u);
    EXPECT_EQ(rune_count("\xE2\x96"), 2u);
}

}  // namespace
}  // namespace gladius::telemetry
