#include "encodings/feed_date.h"

#include <gtest/gtest.h>

#include <string>

namespace gladius::encodings {
namespace {

std::string read(std::string_view text, bool utc = true) {
    Arena arena;
    std::string_view out;
    return feed_date(text, utc, arena, &out) ? std::string(out) : "none";
}

// Every answer here is the reference's.
TEST(FeedDate, InUtc) {
    EXPECT_EQ(read("Mon, 02 Jan 2023 15:04:05 GMT"), "2023-01-02T15:04:05Z");
    EXPECT_EQ(read("Tue, 3 Jan 2023 15:04:05 +0100"), "2023-01-03T14:04:05Z");
    EXPECT_EQ(read("2023-01-01T00:30:00+02:00"), "2022-12-31T22:30:00Z");
    EXPECT_EQ(read("2024-02-29T23:59:59.120-01:00"), "2024-03-01T00:59:59.12Z");
    EXPECT_EQ(read("Mon, 02 Jan 2006 15:04:05 EST"), "2006-01-02T15:04:05Z");
    EXPECT_EQ(read("Mon, 2 Jan 2006 15:04:05 EST"), "2006-01-02T20:04:05Z");
    EXPECT_EQ(read("Mon, 02 Jan 2006 15:04:05 GMT+3"), "2006-01-02T15:04:05Z");
    EXPECT_EQ(read("June 5, 2020 3:04 PM"), "2020-06-05T15:04:00Z");
    EXPECT_EQ(read("13/02/2023"), "2023-02-13T00:00:00Z");
    EXPECT_EQ(read("02/13/2023"), "2023-02-13T00:00:00Z");
    EXPECT_EQ(read("Monday, 02-Jan-06 15:04:05 PST"), "2006-01-02T15:04:05Z");
    EXPECT_EQ(read(" Mon,  02  Jan 2006 15:04:05 -0700\n"), "2006-01-02T22:04:05Z");
    EXPECT_EQ(read("5 Jan 2020"), "2020-01-05T00:00:00Z");
}

TEST(FeedDate, AsWritten) {
    EXPECT_EQ(read("2019-10-12T07:20:50.52Z", false), "2019-10-12T07:20:50.52Z");
    EXPECT_EQ(read("2023-01-02T15:04:05-07:30", false), "2023-01-02T15:04:05-07:30");
    EXPECT_EQ(read("2023-01-02T15:04:05+00:00", false), "2023-01-02T15:04:05Z");
}

TEST(FeedDate, NoDates) {
    for (std::string_view s : {"", " ", "bad", "Mon, 30 Feb 2023 10:00:00 GMT", "2023-13-01", "25:00", "2023-02-29"})
        EXPECT_EQ(read(s), "none") << s;
    EXPECT_EQ(read(std::string(200, '1')), "none");
}

}  // namespace
}  // namespace gladius::encodings
