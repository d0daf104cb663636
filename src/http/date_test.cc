#include "http/date.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

namespace gladius::http {
namespace {

std::string date(int64_t t) {
    std::string out(kDateLen, '?');
    write_date(t, out.data());
    return out;
}

TEST(Date, KnownMoments) {
    EXPECT_EQ(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(date(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
    EXPECT_EQ(date(951782399), "Mon, 28 Feb 2000 23:59:59 GMT");
    EXPECT_EQ(date(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
    EXPECT_EQ(date(951868800), "Wed, 01 Mar 2000 00:00:00 GMT");
    EXPECT_EQ(date(1709164800), "Thu, 29 Feb 2024 00:00:00 GMT");
    EXPECT_EQ(date(1582979696), "Sat, 29 Feb 2020 12:34:56 GMT");
    EXPECT_EQ(date(4102444800), "Fri, 01 Jan 2100 00:00:00 GMT");
    EXPECT_EQ(date(-2203891200), "Thu, 01 Mar 1900 00:00:00 GMT");
    EXPECT_EQ(date(-62167219200), "Sat, 01 Jan 0000 00:00:00 GMT");
    EXPECT_EQ(date(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(Date, BeyondFourDigitsIsClamped) {
    EXPECT_EQ(date(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    EXPECT_EQ(date(INT64_MIN), "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(Date, AgreesWithTheLibraryOnEveryDayOfFourCenturies) {
    for (int64_t day = 0; day < 146097; ++day) {
        time_t t = static_cast<time_t>(day * 86400 + day % 86400);
        struct tm tm;
        gmtime_r(&t, &tm);
        char expected[64];
        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        ASSERT_EQ(date(t), expected);
    }
}

}  // namespace
}  // namespace gladius::http
