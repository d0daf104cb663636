#include "telemetry/go_time.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace gladius::telemetry {
namespace {

std::string duration(int64_t ns) {
    char out[kDurationBound];
    return {out, write_duration(out, ns)};
}

class Zone {
  public:
    explicit Zone(const char* tz) {
        if (const char* old = std::getenv("TZ")) before_ = old;
        setenv("TZ", tz, 1);
        tzset();
    }
    ~Zone() {
        before_.empty() ? unsetenv("TZ") : setenv("TZ", before_.c_str(), 1);
        tzset();
    }

  private:
    std::string before_;
};

std::string go_time(std::string_view layout, int64_t ns) {
    std::string out;
    append_go_time(out, layout, ns);
    return out;
}

constexpr int64_t kMoment = 1'700'000'000'012'345'678;  // 2023-11-14T22:13:20Z, a Tuesday

TEST(GoTimeTest, Durations) {
    EXPECT_EQ(duration(0), "0s");
    EXPECT_EQ(duration(1), "1ns");
    EXPECT_EQ(duration(999), "999ns");
    EXPECT_EQ(duration(1000), "1\xC2\xB5s");
    EXPECT_EQ(duration(4529), "4.529\xC2\xB5s");
    EXPECT_EQ(duration(1'100'000), "1.1ms");
    EXPECT_EQ(duration(44'150'000), "44.15ms");
    EXPECT_EQ(duration(1'000'000'000), "1s");
    EXPECT_EQ(duration(2'030'000'000), "2.03s");
    EXPECT_EQ(duration(90'000'000'000), "1m30s");
    EXPECT_EQ(duration(3'600'000'000'000), "1h0m0s");
    EXPECT_EQ(duration(3'661'500'000'000), "1h1m1.5s");
    EXPECT_EQ(duration(-1'500'000), "-1.5ms");
    EXPECT_EQ(duration(INT64_MAX), "2562047h47m16.854775807s");
    EXPECT_EQ(duration(INT64_MIN), "-2562047h47m16.854775808s");
}

TEST(GoTimeTest, LayoutsOfTheReference) {
    Zone zone("UTC");
    EXPECT_EQ(go_time("2006/01/02 15:04:05", kMoment), "2023/11/14 22:13:20");
    EXPECT_EQ(go_time("2006/01/02 - 15:04:05.000", kMoment), "2023/11/14 - 22:13:20.012");
    EXPECT_EQ(go_time("2006-01-02T15:04:05.000+00:00", kMoment), "2023-11-14T22:13:20.012+00:00");
    EXPECT_EQ(go_time("2006-01-02T15:04:05.999Z07:00", kMoment), "2023-11-14T22:13:20.012Z");
    EXPECT_EQ(go_time("2006-01-02T15:04:05.000000-07:00", kMoment), "2023-11-14T22:13:20.012345+00:00");
    EXPECT_EQ(go_time("05.999", 1'700'000'000'500'000'000), "20.5");
    EXPECT_EQ(go_time("05.999", 1'700'000'000'000'000'000), "20");
}

TEST(GoTimeTest, OtherElements) {
    Zone zone("XYZ-05:30");  // POSIX: east of Greenwich
    EXPECT_EQ(go_time("Mon Monday Jan January _2 2 1 06", kMoment), "Wed Wednesday Nov November 15 15 11 23");
    EXPECT_EQ(go_time("03:04PM 3:4:5pm", kMoment), "03:43AM 3:43:20am");
    EXPECT_EQ(go_time("-0700 -07:00 -07 Z07:00 MST", kMoment), "+0530 +05:30 +05 +05:30 XYZ");
    EXPECT_EQ(go_time("002 __2", 1'704'067'200'000'000'000), "001   1");
    EXPECT_EQ(go_time("text", kMoment), "text");
    EXPECT_EQ(go_time("", kMoment), "");
}

TEST(GoTimeTest, BeforeTheEpoch) {
    Zone zone("UTC");
    EXPECT_EQ(go_time("2006-01-02 15:04:05.000", -1'000'000), "1969-12-31 23:59:59.999");
}

TEST(GoTimeTest, GinDate) {
    std::tm tm{};
    tm.tm_year = 124, tm.tm_mon = 0, tm.tm_mday = 9, tm.tm_hour = 7, tm.tm_min = 5, tm.tm_sec = 3;
    char out[kGinDateLen];
    write_gin_date(out, tm);
    EXPECT_EQ(std::string(out, kGinDateLen), "2024/01/09 - 07:05:03");
}

}  // namespace
}  // namespace gladius::telemetry
