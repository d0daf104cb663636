#include "regex/pattern.h"

#include <gtest/gtest.h>

namespace gladius::regex {
namespace {

bool found(std::string_view pattern, std::string_view text) {
    Result<Pattern> p = Pattern::compile(pattern);
    EXPECT_TRUE(p) << pattern;
    Arena arena;
    return p && p->found_in(text, arena);
}

TEST(Pattern, IsLookedForAnywhereUnlessItSaysOtherwise) {
    EXPECT_TRUE(found("curl", "a curl/8"));
    EXPECT_FALSE(found("^curl", "a curl/8"));
    EXPECT_FALSE(found("spider$", "spider a"));
    EXPECT_FALSE(found("a$", "a\n"));  // the end of the text, not of a line
    EXPECT_TRUE(found("(?m)a$", "a\nb"));
    EXPECT_TRUE(found("(?i)CRAWLER", "Big crawler"));
    EXPECT_TRUE(found("", ""));
}

TEST(Pattern, HasGosNamesOfGroups) {
    EXPECT_TRUE(found("(?<name>a)(?P<other>b)", "ab"));
    EXPECT_TRUE(found(R"(\Q(?<x>\E)", "(?<x>"));
    EXPECT_TRUE(found(R"(\(?<x>)", "(<x>"));
    EXPECT_TRUE(found("[(?<x]>", "<>"));
    EXPECT_TRUE(found("[](?<]", "<"));
    EXPECT_TRUE(found("[[:alpha:](?<]+>", "a<>"));
    EXPECT_TRUE(found(R"([\](?<]>)", "]>"));
}

TEST(Pattern, WhatGoDoesNotReadIsNoPattern) {
    for (const char* p : {"(unclosed", "a**", "[", "\\", "a{2000}", R"(\C)", "(?=a)", "(?!a)", R"(\1)"})
        EXPECT_FALSE(Pattern::compile(p)) << p;
    EXPECT_TRUE(Pattern::compile(R"(\\C)"));
    EXPECT_TRUE(Pattern::compile(R"(\Q\C\E)"));
}

TEST(Pattern, BytesThatAreNoUtf8AreCharacters) {
    EXPECT_TRUE(found("^.*curl", "\xff\xfe curl"));
    EXPECT_TRUE(found("^a.b$",
                      "a\xff"
                      "b"));
    EXPECT_FALSE(found("^a.b$",
                       "a\xff\xfe"
                       "b"));
    EXPECT_TRUE(found("^a.b$",
                      "a\xc3\xa4"
                      "b"));
    EXPECT_TRUE(found("^[^a]$", "\x80"));
}

}  // namespace
}  // namespace gladius::regex
