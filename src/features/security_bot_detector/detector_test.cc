#include "features/security_bot_detector/detector.h"

#include <gtest/gtest.h>

namespace gladius::features::bots {
namespace {

Detector detector() {
    Detector d;
    d.allow = {"Good/1", "curl/8 special"};
    d.deny = {"Bad", "Good/1"};
    for (const char* p : {"^curl/", "(?i)crawler"})
        d.patterns.push_back(*regex::Pattern::compile(p));
    return d;
}

TEST(BotDetector, AllowedNamesWinThenDeniedThenPatterns) {
    Detector d = detector();
    Arena arena;
    for (const char* good : {"Good/1", "curl/8 special", "Bad/2", "bad", "x curl/8", ""})
        EXPECT_FALSE(d.is_bot(good, arena)) << good;
    for (const char* bad : {"Bad", "curl/8", "BIG CRAWLER 2"})
        EXPECT_TRUE(d.is_bot(bad, arena)) << bad;
}

TEST(BotDetector, NoNameIsABotOnlyWhenItIsSaidSo) {
    Detector d = detector();
    Arena arena;
    d.patterns.push_back(*regex::Pattern::compile(""));  // finds itself in everything
    EXPECT_FALSE(d.is_bot("", arena));
    EXPECT_TRUE(d.is_bot("Mozilla", arena));
    d.empty_is_bot = true;
    EXPECT_TRUE(d.is_bot("", arena));
}

TEST(BotDetector, BytesThatAreNoTextAreNoWayAround) {
    Arena arena;
    EXPECT_TRUE(detector().is_bot("\xff\xfe cRaWlEr \x80", arena));
}

}  // namespace
}  // namespace gladius::features::bots
