#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "http/h1.h"

namespace gladius::http {
namespace {

std::string canonical(std::string_view name) {
    std::string out(name.size(), '?');
    canonicalise(name, out.data());
    return out;
}

TEST(Tokens, EveryNameIsFoundInAnyCase) {
    for (unsigned t = 1; t < static_cast<unsigned>(Token::count); ++t) {
        std::string name(canonical_name(static_cast<Token>(t)));
        ASSERT_FALSE(name.empty());
        std::string lower = name, upper = name;
        std::transform(name.begin(), name.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
        std::transform(name.begin(), name.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
        bool is_canonical = false;
        EXPECT_EQ(find_token(name, is_canonical), static_cast<Token>(t)) << name;
        EXPECT_TRUE(is_canonical) << name;
        EXPECT_EQ(find_token(lower, is_canonical), static_cast<Token>(t)) << name;
        EXPECT_FALSE(is_canonical) << name;
        EXPECT_EQ(find_token(upper), static_cast<Token>(t)) << name;
        EXPECT_EQ(canonical(lower), name);
        EXPECT_EQ(canonical(upper), name);
    }
}

TEST(Tokens, EveryChangedByteIsNoticed) {
    for (unsigned t = 1; t < static_cast<unsigned>(Token::count); ++t) {
        std::string name(canonical_name(static_cast<Token>(t)));
        for (size_t i = 0; i < name.size(); ++i) {
            for (unsigned c = 0; c < 256; ++c) {
                std::string other = name;
                other[i] = static_cast<char>(c);
                bool same = std::tolower(static_cast<unsigned char>(name[i])) == std::tolower(static_cast<int>(c));
                if (c >= 128) same = false;
                if (same) {
                    EXPECT_EQ(find_token(other), static_cast<Token>(t));
                } else {
                    EXPECT_NE(find_token(other), static_cast<Token>(t)) << other;
                }
            }
        }
        EXPECT_NE(find_token(name + "x"), static_cast<Token>(t));
        EXPECT_NE(find_token(name.substr(1)), static_cast<Token>(t));
        EXPECT_NE(find_token(name.substr(0, name.size() - 1)), static_cast<Token>(t));
    }
    EXPECT_EQ(find_token(""), Token::unknown);
    EXPECT_EQ(find_token(std::string(100, 'a')), Token::unknown);
}

TEST(Tokens, CanonicalAsGoHasIt) {
    EXPECT_EQ(canonical("x-a"), "X-A");
    EXPECT_EQ(canonical("ETAG"), "Etag");
    EXPECT_EQ(canonical("x_y"), "X_y");
    EXPECT_EQ(canonical("a b"), "a b");
    EXPECT_EQ(canonical("x-\xc3\xa9"), "x-\xc3\xa9");
    EXPECT_EQ(canonical("--a"), "--A");
    EXPECT_EQ(canonical("wWW-auTH"), "Www-Auth");
    EXPECT_EQ(canonical("x.y-z"), "X.y-Z");
    EXPECT_EQ(canonical("1-a"), "1-A");
    EXPECT_EQ(canonical(""), "");
}

TEST(Tokens, TheFlagAgreesWithTheSpelling) {
    for (std::string_view name :
         {"X-A", "x-a", "X-a", "XA", "Xa", "a b", "X_Y", "X_y", "Content-type", "Content-Type", "Etag", "ETag",
          "A-Name-That-Is-Longer-Than-All-Others", "A-name-That-Is-Longer-Than-All-Others"}) {
        bool is_canonical = false;
        find_token(name, is_canonical);
        EXPECT_EQ(is_canonical, canonical(name) == name) << name;
    }
}

TEST(Tokens, HopByHop) {
    for (Token t : {Token::connection, Token::keep_alive, Token::proxy_connection, Token::te, Token::trailer,
                    Token::transfer_encoding, Token::upgrade, Token::proxy_authenticate, Token::proxy_authorization})
        EXPECT_TRUE(is_hop_by_hop(t)) << canonical_name(t);
    for (Token t :
         {Token::unknown, Token::host, Token::content_length, Token::authorization, Token::cookie, Token::count})
        EXPECT_FALSE(is_hop_by_hop(t));
}

}  // namespace
}  // namespace gladius::http
