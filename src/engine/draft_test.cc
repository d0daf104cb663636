#include "engine/draft.h"

#include <gtest/gtest.h>

namespace gladius::engine {
namespace {

TEST(Draft, HeadersKeepTheOrderOfAdding) {
    Arena arena;
    DraftHeaders h(arena);
    for (int i = 0; i < 40; ++i)
        h.add("X-N", "n");
    h.add("X-A", "1");
    h.add("X-B", "2");
    h.add("X-A", "3");
    EXPECT_EQ(h.get("X-A"), "1");
    h.set("X-A", "4");
    EXPECT_EQ(h.all().size(), 42u);
    EXPECT_EQ(h.all()[41].value, "4");
    h.remove("X-N");
    ASSERT_EQ(h.all().size(), 2u);
    EXPECT_EQ(h.all()[0].name, "X-B");
    EXPECT_FALSE(h.has("X-N"));
    EXPECT_EQ(h.bytes(), 2 * (3 + 1 + 4u));
}

TEST(Draft, UrlsAreTakenApartAndPutTogether) {
    Arena arena;
    auto same = [&](std::string_view url) { return DraftUrl::parse(url, arena).text(arena); };
    for (std::string_view url : {"http://h/", "http://h:80/a%2Fb?x=1", "http://h/a?", "http://[::1]:8/%61", "http://h"})
        EXPECT_EQ(same(url), url);
    EXPECT_EQ(same("http://u:p@h/a#f"), "http://h/a");
    DraftUrl u = DraftUrl::parse("http://h/a%2Fb%20c", arena);
    EXPECT_EQ(u.path, "/a/b c");
    EXPECT_EQ(u.target(arena), "/a%2Fb%20c");
    u.path = "/a/b d";  // what was written does not mean it any more
    EXPECT_EQ(u.target(arena), "/a/b%20d");
    u.path = "rel";
    EXPECT_EQ(u.target(arena), "rel");
    EXPECT_EQ(u.text(arena), "http://h/rel");
    u = DraftUrl::parse("http://h", arena);
    EXPECT_EQ(u.target(arena), "/");
}

TEST(Draft, WhatMayStandInAHead) {
    EXPECT_TRUE(valid_header_name("X-A_b!"));
    for (std::string_view bad : {"", "a b", "a:", "a\r", "\xc3\xa9"})
        EXPECT_FALSE(valid_header_name(bad)) << bad;
    EXPECT_FALSE(valid_header_name(std::string_view("a\0", 2)));
    EXPECT_TRUE(valid_header_value("a\tb \xc3\xa9"));
    for (std::string_view bad : {"a\r\nb", "\n", "\x7f"})
        EXPECT_FALSE(valid_header_value(bad));
    EXPECT_TRUE(valid_host_header("[::1]:80"));
    EXPECT_TRUE(valid_host_header(""));
    for (std::string_view bad : {"a b", "a/b", "a\r\n", "a@b"})
        EXPECT_FALSE(valid_host_header(bad)) << bad;
    EXPECT_EQ(trimmed_value(" \t a b\r\n"), "a b");
}

}  // namespace
}  // namespace gladius::engine
