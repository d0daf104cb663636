#include "json/scan_fast.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "json/filter.h"
#include "json/scan.h"
#include "json/scan_compare.h"
#include "json/scan_ref.h"

namespace gladius::json {
namespace {

std::vector<simd::Level> levels() {
    std::vector<simd::Level> all;
    for (auto l : {simd::Level::sse42, simd::Level::avx2})
        if (l <= simd::level()) all.push_back(l);
    return all;
}

const Selection* some_selection() {
    static const std::vector<std::string> allow = {"a", "b.c", "b.d.e", "x.y"};
    static const FilterProgram program = FilterProgram::compile({.allow = allow});
    return program.selection();
}
const Selection* other_selection() {
    static const std::vector<std::string> deny = {"a", "b.c", "x.y.z"};
    static const FilterProgram program = FilterProgram::compile({.target = "b", .deny = deny});
    return program.selection();
}

// In memory of its own size, so that a sanitizer sees a read past the end.
::testing::AssertionResult same(std::string_view text) {
    std::unique_ptr<char[]> copy(new char[text.size()]);
    std::copy(text.begin(), text.end(), copy.get());
    std::string_view exact(copy.get(), text.size());
    for (simd::Level level : levels()) {
        for (uint32_t depth : {0U, 1U, 2U, kKeepAll}) {
            for (const Selection* s : {static_cast<const Selection*>(nullptr), some_selection(), other_selection()}) {
                Arena arena;
                std::string d =
                    difference(*scan_ref(exact, arena, depth, s), *scan_fast(exact, arena, depth, s, {}, level));
                if (!d.empty())
                    return ::testing::AssertionFailure() << d << " in " << text.substr(0, 300) << " at depth " << depth
                                                         << ", level " << static_cast<int>(level);
            }
        }
    }
    return ::testing::AssertionSuccess();
}

std::string times(std::string_view s, size_t n) {
    std::string r;
    for (size_t i = 0; i < n; ++i)
        r += s;
    return r;
}

// A text that is nearly always good, made of everything that matters.
class Maker {
  public:
    explicit Maker(unsigned seed) : random_(seed) {}

    std::string text(int depth) {
        std::string s = space();
        switch (depth == 0 ? below(6) + 2 : below(10)) {
            case 0:
            case 8: {
                s += '{';
                for (int i = 0, n = below(6); i < n; ++i)
                    s += (i ? "," : "") + space() + key() + space() + ":" + text(depth - 1);
                return s + space() + "}" + space();
            }
            case 1:
            case 9: {
                s += '[';
                for (int i = 0, n = below(6); i < n; ++i)
                    s += (i ? "," : "") + text(depth - 1);
                return s + space() + "]" + space();
            }
            case 2:
                s += pick({"true", "false", "null", "[]", "{}"});
                break;
            case 3:
            case 4:
                s += pick({"0", "-0", "1", "12345678", "123456789012345678", "-1.50", "1e5", "1.0E-7", "0.1", "9e+9"});
                break;
            default:
                s += string();
                break;
        }
        return s + space();
    }

  private:
    int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    std::string pick(std::vector<std::string> of) {
        return of[static_cast<size_t>(below(static_cast<int>(of.size())))];
    }
    std::string space() { return below(8) ? "" : pick({" ", "\n", "\t ", "\r\n    ", times(" ", 40)}); }
    std::string key() {
        return below(4)
                   ? '"' +
                         pick({"a", "b", "c", "d", "e", "x", "y", "z", "ab", "longer than eight", "longer than nine"}) +
                         '"'
                   : string();
    }
    std::string string() {
        std::string s = "\"";
        for (int i = 0, n = below(8); i < n; ++i) {
            s += pick({"a",
                       "bc",
                       times("plain text ", 1 + static_cast<size_t>(below(9))),
                       "\\n",
                       "\\\\",
                       "\\\"",
                       "\\/",
                       "\\u00e9",
                       "\\u003C",
                       "\\ud83d\\ude00",
                       "<",
                       "&",
                       "\xC3\xA9",
                       "\xE2\x82\xAC",
                       "\xE2\x80\xA8",
                       "\xE2\x80\xA7",
                       "\xF0\x9F\x98\x80",
                       times("\xE6\x97\xA5", 20),
                       "\x7f",
                       "\xFF",
                       "\xE2\x82",
                       "\xED\xA0\x80",
                       "\xC0\x80",
                       "{",
                       "]",
                       ","});
        }
        return s + '"';
    }

    std::mt19937 random_;
};

TEST(ScanFast, GivesWhatTheReferenceGives) {
    Maker maker(1);
    std::mt19937 random(2);
    const std::string bytes = "{}[]:,\"\\ \n0-.eE+tfnul<&/\x01\x80\xC3\xFFu";
    for (int i = 0; i < 1500; ++i) {
        std::string text = maker.text(4);
        ASSERT_TRUE(same(text));
        // Broken somewhere, or cut off.
        for (int k = 0; k < 6 && !text.empty(); ++k) {
            std::string bad = text;
            size_t at = random() % bad.size();
            switch (random() % 4) {
                case 0:
                    bad.erase(at, 1);
                    break;
                case 1:
                    bad.insert(at, 1, bytes[random() % bytes.size()]);
                    break;
                case 2:
                    bad[at] = bytes[random() % bytes.size()];
                    break;
                default:
                    bad.resize(at);
                    break;
            }
            ASSERT_TRUE(same(bad));
        }
    }
}

// Every special byte at every place of a block and of a window of the index.
TEST(ScanFast, EveryPlaceOfABlock) {
    for (std::string_view special : {"\\\"", "\\\\", "\\u00e9", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                     "\xE2\x80\xA9", "\x80", "\xE2\x82", "\xF0\x9F\x98", "<", "\x01", "\"", "\\x"}) {
        for (size_t n = 0; n < 140; ++n)
            ASSERT_TRUE(same("[\"" + std::string(n, 'a') + std::string(special) + std::string(70, 'z') + "\",1]")) << n;
    }
    for (size_t n = 980; n < 1100; ++n) {
        ASSERT_TRUE(same("{\"a\":\"" + std::string(n, '\\') + "\",\"b\":[1,2]}"));
        ASSERT_TRUE(same("{\"a\":\"" + std::string(n, 'x') + "\\\"\xC3\xA9\",\"b\":[123,true,\"c\"]}"));
        ASSERT_TRUE(same("[" + std::string(n, ' ') + "1234567890123,null]"));
        ASSERT_TRUE(same("[" + times("1,", n / 2) + "2]"));
        ASSERT_TRUE(same("[\"" + times("\xE6\x97\xA5", n / 3) + std::string(n % 3, 'x') + "\"]"));
    }
}

TEST(ScanFast, DepthIsLimited) {
    ASSERT_TRUE(same(times("[", 10000) + times("]", 10000)));
    ASSERT_TRUE(same(times("[", 10001) + times("]", 10001)));
    ASSERT_TRUE(same("{\"skipped\":" + times("[", 9999) + times("]", 9999) + "}"));
    ASSERT_TRUE(same("{\"skipped\":" + times("[", 10000) + times("]", 10000) + "}"));
    ASSERT_TRUE(same("{\"b\":{\"skipped\":" + times("{\"a\":", 9998) + "1" + times("}", 10000)));
    ASSERT_TRUE(same("{\"b\":{\"skipped\":" + times("{\"a\":", 9999) + "1" + times("}", 10001)));
}

TEST(ScanFast, AMillionLevelsCostLittle) {
    std::string deep = times("[", 1000000);
    std::string skipped = "{\"skipped\":" + deep;
    for (const std::string* text : {&deep, &skipped}) {
        Arena arena;
        EXPECT_FALSE(scan(*text, arena, 1, some_selection())->ok());
        EXPECT_LT(arena.reserved(), size_t{1} << 20);
    }
}

TEST(ScanFast, WhatIsSkippedCostsNoMemory) {
    std::string text = "{\"a\":1,\"skipped\":[" + times("{\"z\": 1, \"a\": [ 2 ]},", 50000) + "1],\"b\":{\"c\":2}}";
    for (simd::Level level : levels()) {
        Arena arena;
        Document* doc = scan_fast(text, arena, 2, some_selection(), {}, level);
        ASSERT_TRUE(doc->ok());
        EXPECT_EQ(doc->node_count, 5U);
        EXPECT_LT(arena.reserved(), size_t{64} * 1024);
    }
}

std::vector<simd::Level> all_levels() {
    std::vector<simd::Level> all = levels();
    all.push_back(simd::Level::baseline);
    return all;
}

// Memory is asked for before it is taken, and what is refused is not taken.
TEST(ScanFast, AsksBeforeNodesTakeMore) {
    struct Budget {
        size_t left, asked = 0;
        static bool take(void* from, size_t bytes) {
            auto* b = static_cast<Budget*>(from);
            b->asked += bytes;
            if (bytes > b->left) return false;
            b->left -= bytes;
            return true;
        }
    };
    std::string text = "[1, " + times("1,", 200'000) + "1]";
    for (simd::Level level : all_levels()) {
        Arena arena;
        Budget enough{SIZE_MAX};
        const Document* doc = scan_fast(text, arena, kKeepAll, nullptr, {&Budget::take, &enough}, level);
        ASSERT_TRUE(doc->ok()) << doc->error;
        size_t nodes = sizeof(Node) * doc->node_count;
        EXPECT_GE(enough.asked + sizeof(Node) * 1024, nodes);
        EXPECT_LE(enough.asked, 2 * nodes);

        Arena small;
        Budget little{nodes / 2};
        doc = scan_fast(text, small, kKeepAll, nullptr, {&Budget::take, &little}, level);
        EXPECT_EQ(doc->error, kNoMemory);
        EXPECT_LT(small.reserved(), nodes);
    }
}

// As many nodes as allowed are kept, one more is an error of ours.
TEST(ScanFast, LimitOfNodes) {
    constexpr uint32_t kMost = 5000;
    Permit permit;
    EXPECT_EQ(permit.max_nodes, 1U << 24);
    permit.max_nodes = kMost;
    for (simd::Level level : all_levels()) {
        for (uint32_t elements : {kMost - 1, kMost}) {
            for (const char* one : {"1,", "[],", "{\"a\":1 },"}) {
                uint32_t each = one[0] == '{' ? 2 : 1;
                std::string text = "[" + times(one, elements / each) + (each == 1 || elements % 2 == 0 ? "" : "1,");
                text.back() = ']';
                Arena arena;
                const Document* doc = scan_fast(text, arena, kKeepAll, nullptr, permit, level);
                if (elements == kMost) {
                    EXPECT_EQ(doc->error, "the text has too many values") << one;
                } else {
                    EXPECT_EQ(doc->error, "") << one;
                    EXPECT_EQ(doc->node_count, kMost) << one;
                }
            }
        }
    }
}

}  // namespace
}  // namespace gladius::json
