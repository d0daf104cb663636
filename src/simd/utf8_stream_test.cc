#include "simd/utf8_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gladius::simd {
namespace {

// By the table of RFC 3629 section 4, one character at a time.
bool is_utf8(const std::string& s) {
    auto at = [&](size_t i) { return i < s.size() ? static_cast<uint8_t>(s[i]) : 0; };
    auto tail = [&](size_t i) { return at(i) >= 0x80 && at(i) <= 0xBF; };
    for (size_t i = 0; i < s.size();) {
        uint8_t c = at(i), d = at(i + 1);
        if (c < 0x80) {
            i += 1;
        } else if (c >= 0xC2 && c <= 0xDF && tail(i + 1)) {
            i += 2;
        } else if (((c == 0xE0 && d >= 0xA0 && d <= 0xBF) || (c >= 0xE1 && c <= 0xEC && tail(i + 1)) ||
                    (c == 0xED && d >= 0x80 && d <= 0x9F) || (c >= 0xEE && c <= 0xEF && tail(i + 1))) &&
                   tail(i + 2)) {
            i += 3;
        } else if (((c == 0xF0 && d >= 0x90 && d <= 0xBF) || (c >= 0xF1 && c <= 0xF3 && tail(i + 1)) ||
                    (c == 0xF4 && d >= 0x80 && d <= 0x8F)) &&
                   tail(i + 2) && tail(i + 3)) {
            i += 4;
        } else {
            return false;
        }
    }
    return true;
}

bool checked(const std::string& s, size_t cut) {
    Utf8Stream u;
    return u.feed(s.data(), cut) && u.feed(s.data() + cut, s.size() - cut) && u.complete();
}

TEST(Utf8Stream, AgreesWithTheTableForEveryPairAndTripleOfInterestingBytes) {
    const int bytes[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
                         0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    for (int a : bytes)
        for (int b : bytes)
            for (int c : bytes)
                for (int d : {0x41, 0x80, 0xBF, 0xC2}) {
                    std::string s;
                    for (int x : {a, b, c, d})
                        s += static_cast<char>(x);
                    for (const std::string& text : {s, "0123456789abcde" + s, s.substr(0, 3), s.substr(0, 2)})
                        for (size_t cut = 0; cut <= text.size(); cut += text.size() > 4 ? 7 : 1)
                            ASSERT_EQ(checked(text, cut), is_utf8(text)) << a << ' ' << b << ' ' << c << ' ' << d;
                }
}

TEST(Utf8Stream, ATextMayNotEndInsideOfACharacter) {
    Utf8Stream u;
    EXPECT_TRUE(u.feed("a\xF0\x9F\x98", 4));
    EXPECT_FALSE(u.complete());
    EXPECT_TRUE(u.feed("\x80", 1));
    EXPECT_TRUE(u.complete());
    EXPECT_FALSE(u.feed("\xED\xA0", 2)) << "a surrogate is known by its second byte";
}

}  // namespace
}  // namespace gladius::simd
