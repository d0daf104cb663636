#include "http/url.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gladius::http {
namespace {

using namespace std::string_view_literals;

std::string bytes_of_class(std::string_view hex) {
    std::string out;
    for (size_t i = 0; i < hex.size(); i += 2)
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return out;
}

// Recorded from Go 1.26: the bytes each function leaves alone.
const std::string kPathBytes = bytes_of_class(
    "24262b2c2d2e2f303132333435363738393a3b3d404142434445464748494a4b4c4d4e4f505152535455565758595a5f61626364656667"
    "68696a6b6c6d6e6f707172737475767778797a7e");
const std::string kQueryBytes = bytes_of_class(
    "2d2e303132333435363738394142434445464748494a4b4c4d4e4f505152535455565758595a5f6162636465666768696a6b6c6d6e6f70"
    "7172737475767778797a7e");
const std::string kKeptBytes = bytes_of_class(
    "2124262728292a2b2c2d2e2f303132333435363738393a3b3d404142434445464748494a4b4c4d4e4f505152535455565758595a5b5d5f"
    "6162636465666768696a6b6c6d6e6f707172737475767778797a7e");

TEST(Url, EveryByteIsEscapedAsGoDoes) {
    for (unsigned c = 0; c < 256; ++c) {
        Arena arena;
        std::string byte(1, static_cast<char>(c));
        const std::string path = "/" + byte;  // the results may point into it
        char escaped[4];
        std::snprintf(escaped, sizeof escaped, "%%%02X", c);
        bool in_path = kPathBytes.find(byte) != std::string::npos;
        EXPECT_EQ(escape_path(path, arena), "/" + (in_path ? byte : escaped)) << c;
        bool in_query = kQueryBytes.find(byte) != std::string::npos;
        EXPECT_EQ(escape_query(byte, arena), in_query ? byte : c == ' ' ? "+" : escaped) << c;
        if (c == '?' || c == '#' || c == '%') continue;
        bool kept = kKeptBytes.find(byte) != std::string::npos;
        auto parsed = escape_url_path_like_go_parse(path, arena);
        if (c < 0x20 || c == 0x7f) {
            EXPECT_FALSE(parsed) << c;
        } else {
            ASSERT_TRUE(parsed) << c;
            EXPECT_EQ(*parsed, "/" + (kept ? byte : escaped)) << c;
        }
    }
}

TEST(Url, EscapedTextIsNotCopiedWhenNothingChanges) {
    Arena arena;
    std::string_view s = "/a/b";
    EXPECT_EQ(escape_path(s, arena).data(), s.data());
    EXPECT_EQ(unescape_path(s, arena)->data(), s.data());
    EXPECT_EQ(escape_url_path_like_go_parse(s, arena)->data(), s.data());
    EXPECT_EQ(arena.reserved(), 0u);
}

TEST(Url, PathOfAParsedUrl) {
    struct {
        std::string_view raw, sent;
    } cases[] = {
        {"/a b", "/a%20b"},
        {"/a%2Fb", "/a%2Fb"},
        {"/a b%2Fc", "/a%20b/c"},
        {"/%61", "/%61"},
        {"/a!b", "/a!b"},
        {"/a\"%61", "/a%22a"},
        {"/caf\xc3\xa9", "/caf%C3%A9"},
        {"/caf\xc3\xa9%C3%A9", "/caf%C3%A9%C3%A9"},
        {"/{{.Var}}", "/%7B%7B.Var%7D%7D"},
        {"/a|b%7C", "/a%7Cb%7C"},
        {"/[x]", "/[x]"},
        {"/a%00b", "/a%00b"},
        {"", ""},
        {"/\xff%ff", "/%FF%FF"},
        {"/a;b,c", "/a;b,c"},
        {"/a+b%2B", "/a+b%2B"},
        {"/*", "/*"},
        {"/a%2fb", "/a%2fb"},
        {"/a%20b c%2f", "/a%20b%20c/"},
    };
    for (const auto& c : cases) {
        Arena arena;
        auto sent = escape_url_path_like_go_parse(c.raw, arena);
        ASSERT_TRUE(sent) << c.raw;
        EXPECT_EQ(*sent, c.sent) << c.raw;
    }
    for (std::string_view bad : {"/%zz", "/%4", "/%", "/a\x01", "/a\x7f", "/%%41", "/a\r\nX: y"}) {
        Arena arena;
        EXPECT_FALSE(escape_url_path_like_go_parse(bad, arena)) << bad;
    }
}

TEST(Url, Unescape) {
    Arena arena;
    EXPECT_EQ(*unescape_path("a%20b+c%2f%C3%a9", arena), "a b+c/\xc3\xa9");
    EXPECT_EQ(*unescape_query("a%20b+c", arena), "a b c");
    EXPECT_EQ(*unescape_path("%00", arena), "\0"sv);
    EXPECT_EQ(*unescape_path("%2541", arena), "%41");
    EXPECT_EQ(*unescape_path("", arena), "");
    for (std::string_view bad : {"%", "a%", "%4", "%zz", "%4g", "%g4", "a%20%", "%%20"}) {
        EXPECT_FALSE(unescape_path(bad, arena)) << bad;
        EXPECT_FALSE(unescape_query(bad, arena)) << bad;
    }
}

TEST(Url, Targets) {
    struct {
        std::string_view target, path, authority, query;
        bool has_query;
    } cases[] = {
        {"/a?b", "/a", "", "b", true},
        {"/a?", "/a", "", "", true},
        {"/?", "/", "", "", true},
        {"/a", "/a", "", "", false},
        {"/a?b?c", "/a", "", "b?c", true},
        {"/a?b=%zz", "/a", "", "b=%zz", true},
        {"*", "*", "", "", false},
        {"http://h/a?b", "/a", "h", "b", true},
        {"http://h", "", "h", "", false},
        {"http://h?x", "", "h", "x", true},
        {"http://u:p@h:80/a", "/a", "h:80", "", false},
        {"HTTP://H/", "/", "H", "", false},
        {"http://[::1]:80/x", "/x", "[::1]:80", "", false},
        {"//h/a", "//h/a", "", "", false},
        {"/a#b?c", "/a#b", "", "c", true},
        {"/%C3%A9%2F", "/\xc3\xa9/", "", "", false},
        {"/\xc3\xa9", "/\xc3\xa9", "", "", false},
        {"http:///a", "/a", "", "", false},
        {"http://a@b@c/", "/", "c", "", false},
        {"http://%C3%A9/", "/", "\xc3\xa9", "", false},
        {"http://h:/x", "/x", "h:", "", false},
        {"http://h/?a=http://b/", "/", "h", "a=http://b/", true},
    };
    for (const auto& c : cases) {
        Arena arena;
        auto t = parse_target(c.target, arena);
        ASSERT_TRUE(t) << c.target;
        EXPECT_EQ(t->path, c.path) << c.target;
        EXPECT_EQ(t->authority, c.authority) << c.target;
        EXPECT_EQ(t->query, c.query) << c.target;
        EXPECT_EQ(t->has_query, c.has_query) << c.target;
    }
    Arena arena;
    EXPECT_EQ(parse_target("/%C3%A9?x", arena)->raw_path, "/%C3%A9");
}

TEST(Url, BadTargets) {
    for (std::string_view bad : {"",
                                 "a",
                                 "?a",
                                 "mailto:x",
                                 "http:/a",
                                 "http://[::1/x",
                                 "http://h:8a/",
                                 "/%zz",
                                 "/a%4",
                                 "/a b",
                                 "/\x01",
                                 "/a\x7f",
                                 "http://h h/",
                                 "http://%41/",
                                 "http://a:1:2/",
                                 "1a://h/",
                                 "http://h<x/",
                                 "http://[1.2.3.4]/",
                                 "://h/a",
                                 "http://[::gg]/",
                                 "http://[::1]x/",
                                 "http://a/%zz",
                                 "http://u%zz@h/",
                                 "http://u\"@h/",
                                 "http://x[::1]/"}) {
        Arena arena;
        EXPECT_FALSE(parse_target(bad, arena)) << bad;
    }
}

TEST(Url, PairsThatGoKeeps) {
    Arena arena;
    std::vector<std::string> seen;
    for_each_pair("a=1&b=%zz&c=2;d=3&&=v&e&f=x=y&%zz=1&g+h=i+j", arena,
                  [&](const Pair& p) { seen.push_back(std::string(p.name) + "|" + std::string(p.value)); });
    EXPECT_EQ(seen, (std::vector<std::string>{"a|1", "|v", "e|", "f|x=y", "g h|i j"}));
}

TEST(Url, EncodeQuery) {
    struct {
        std::string_view query, encoded;
    } cases[] = {
        {"", ""},
        {"b=1&a=2&b=0&a=1", "a=2&a=1&b=1&b=0"},
        {"a", "a="},
        {"=", "="},
        {"&&", ""},
        {"=v&=u", "=v&=u"},
        {"a=1;b=2&c=3", "c=3"},
        {"%61=%zz&%zz=1&c=%41", "c=A"},
        {"a+b=c+d", "a+b=c+d"},
        {"x=1%23f&y=%", "x=1%23f"},
        {"a==b", "a=%3Db"},
        {"a=b=c&a%3Db=", "a=b%3Dc&a%3Db="},
        {"\xff=\xfe", "%FF=%FE"},
        {"Z=1&a=2&_=3", "Z=1&_=3&a=2"},
        {"a=1&A=2&a=0", "A=2&a=1&a=0"},
        {"%00=1", "%00=1"},
        {"a=%F0%9F%98%80", "a=%F0%9F%98%80"},
        {"a=\x01 ", "a=%01+"},
        {"q=1&page=2&q=3&empty=&flag&sp=a+b&sp=c%20d&enc=%C3%A9%26%3D&Case=U&case=l",
         "Case=U&case=l&empty=&enc=%C3%A9%26%3D&flag=&page=2&q=1&q=3&sp=a+b&sp=c+d"},
        {"z=1&a=2&m=3&A=4&_=5&~=6", "A=4&_=5&a=2&m=3&z=1&~=6"},
        {"a[]=1&a[]=2&b[x]=3", "a%5B%5D=1&a%5B%5D=2&b%5Bx%5D=3"},
        {"x=!*'():@$,/[]~-._", "x=%21%2A%27%28%29%3A%40%24%2C%2F%5B%5D~-._"},
    };
    for (const auto& c : cases) {
        Arena arena;
        EXPECT_EQ(encode_query(c.query, nullptr, arena), c.encoded) << c.query;
    }
}

TEST(Url, EncodeQueryKeepsOnlyTheNamesAskedFor) {
    Arena arena;
    std::string_view names[] = {"q", "sp", "empty"};
    NameSet keep{names, 3};
    EXPECT_EQ(encode_query("q=1&page=2&q=3&empty=&flag&sp=a+b&Q=4", &keep, arena), "empty=&q=1&q=3&sp=a+b");
    EXPECT_EQ(encode_query("%71=1", &keep, arena), "q=1");
    NameSet none{nullptr, 0};
    EXPECT_EQ(encode_query("q=1", &none, arena), "");
}

TEST(Url, TooManyPairsAreNone) {
    Arena arena;
    std::string query = "a=1";
    for (size_t i = 1; i < kMaxPairs; ++i)
        query += "&b";
    EXPECT_FALSE(encode_query(query, nullptr, arena).empty());
    query += "&";
    EXPECT_TRUE(encode_query(query, nullptr, arena).empty());
    for_each_pair(query, arena, [](const Pair&) { FAIL(); });
}

TEST(Url, CleanPath) {
    struct {
        std::string_view path, clean;
    } cases[] = {
        {"", "/"},
        {"/", "/"},
        {".", "/"},
        {"a", "/a"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"//a", "/a"},
        {"/a//b", "/a/b"},
        {"/a/../b//c/", "/b/c/"},
        {"/a/..", "/"},
        {"/a/b/..", "/a"},
        {"/a/b/../", "/a/"},
        {"/a/.", "/a/"},
        {"/a/./b", "/a/b"},
        {"/..", "/"},
        {"/../a", "/a"},
        {"..", "/"},
        {"a/../..", "/"},
        {"/...", "/..."},
        {"/.a/..b", "/.a/..b"},
        {"/a/...", "/a/..."},
        {"///", "/"},
        {"/.", "/"},
        {"/docs/../docs", "/docs"},
        {"/a/b/../../c/./", "/c/"},
        {"abc/def", "/abc/def"},
        {"./a", "/a"},
        {"/a./b.", "/a./b."},
    };
    for (const auto& c : cases) {
        Arena arena;
        EXPECT_EQ(clean_path(c.path, arena), c.clean) << c.path;
    }
}

TEST(Url, SameOrBelow) {
    EXPECT_TRUE(is_same_or_below("b.test", "b.test"));
    EXPECT_TRUE(is_same_or_below("a.b.test", "b.test"));
    EXPECT_TRUE(is_same_or_below("x.a.b.test", "b.test"));
    EXPECT_FALSE(is_same_or_below("b.test", "a.b.test"));
    EXPECT_FALSE(is_same_or_below("evilb.test", "b.test"));
    EXPECT_FALSE(is_same_or_below("B.test", "b.test"));
    EXPECT_FALSE(is_same_or_below("b.test.evil", "b.test"));
    EXPECT_FALSE(is_same_or_below("fe80::1%x.b.test", "b.test"));
    EXPECT_FALSE(is_same_or_below("", "b.test"));
}

}  // namespace
}  // namespace gladius::http
