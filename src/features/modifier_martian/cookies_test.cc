#include "features/modifier_martian/cookies.h"

#include <gtest/gtest.h>

namespace gladius::features::martian {
namespace {

TEST(MartianCookies, AreWrittenAsGoWritesThem) {
    Cookie c;
    c.name = "sid";
    c.value = "a b";
    EXPECT_EQ(request_cookie(c), "sid=\"a b\"");
    EXPECT_EQ(set_cookie(c), "sid=\"a b\"");
    c.value = "a\"b;c\\d\xc3\xa9";  // what a value cannot hold is dropped
    c.path = "/p;q";
    c.domain = ".x.test";
    c.expires = 1893553445;
    c.max_age = 60;
    c.secure = c.http_only = true;
    EXPECT_EQ(set_cookie(c),
              "sid=abcd; Path=/pq; Domain=x.test; Expires=Wed, 02 Jan 2030 03:04:05 GMT; Max-Age=60; HttpOnly; Secure");
    c.max_age = -1;
    c.domain = "under_score";
    c.expires = -11644473601;  // 1600
    EXPECT_EQ(set_cookie(c), "sid=abcd; Path=/pq; Max-Age=0; HttpOnly; Secure");
    c.domain = "1.2.3.4";
    EXPECT_NE(set_cookie(c).find("Domain=1.2.3.4"), std::string::npos);
    c.name = "no token";
    EXPECT_EQ(set_cookie(c), "");
    c.name = "a\r\nb";
    EXPECT_EQ(request_cookie(c), "a--b=abcd");
}

TEST(MartianCookies, AreFoundAsGoReadsThem) {
    EXPECT_TRUE(cookie_header_has("a=b; sid=1", "sid", "1"));
    EXPECT_TRUE(cookie_header_has("a=b; sid=1", "sid", ""));
    EXPECT_FALSE(cookie_header_has("a=b; sid=1", "sid", "2"));
    EXPECT_TRUE(cookie_header_has(" ;; sid=\"x y\" ", "sid", "x y"));
    EXPECT_TRUE(cookie_header_has("flag", "flag", ""));
    EXPECT_FALSE(cookie_header_has("sid=a\"b", "sid", ""));  // a value that is none
    EXPECT_FALSE(cookie_header_has("s id=1", "s id", "1"));  // a name that is none
    EXPECT_TRUE(set_cookie_is("sid=1; Path=/", "sid", "1"));
    EXPECT_FALSE(set_cookie_is("other=1; sid=1", "sid", "1"));
    EXPECT_FALSE(set_cookie_is("sid", "sid", ""));
}

TEST(MartianCookies, TimesAreReadAsGoReadsThem) {
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(parse_rfc3339("2030-01-02T03:04:05Z"), 1893553445);
    EXPECT_EQ(parse_rfc3339("2030-01-02T3:04:05Z"), 1893553445);
    EXPECT_EQ(parse_rfc3339("2030-01-02T03:04:05,25+02:00"), 1893553445 - 7200);
    EXPECT_EQ(parse_rfc3339("2028-02-29T23:59:59-01:30"), 1835486999);
    for (std::string_view bad :
         {"", "2030-01-02", "2029-02-29T00:00:00Z", "2030-13-01T00:00:00Z", "2030-01-02t03:04:05Z",
          "2030-01-02T24:00:00Z", "2030-01-02T03:04:60Z", "2030-01-02T03:04:05", "2030-01-02T03:04:05.Z",
          "2030-01-02T03:04:05+0200", "2030-01-02T03:04:05+25:00", "2030-01-02T03:04:05Zx", "20300-01-02T03:04:05Z",
          "2030-01-02T03:04:05+02:00:00"})
        EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

}  // namespace
}  // namespace gladius::features::martian
