#include "telemetry/access_log.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

namespace gladius::telemetry {
namespace {

class AccessLogTest : public testing::Test {
  protected:
    void SetUp() override {
        if (const char* old = std::getenv("TZ")) before_ = old;
        setenv("TZ", "UTC", 1);
        tzset();
    }
    void TearDown() override {
        before_.empty() ? unsetenv("TZ") : setenv("TZ", before_.c_str(), 1);
        tzset();
    }

    static std::string line(const AccessRecord& r, bool color = false) {
        int fd = memfd_create("log", MFD_CLOEXEC);
        std::string out;
        {
            Log log({}, fd);
            AccessLog access(*log.add_writer(), color);
            access.write(r);
        }
        char buf[4096];
        ssize_t n;
        for (off_t at = 0; (n = pread(fd, buf, sizeof buf, at)) > 0; at += n)
            out.append(buf, static_cast<size_t>(n));
        close(fd);
        return out;
    }
    static AccessRecord record() { return {200, 44'151'234, 1'700'000'000, "127.0.0.1", "GET", "/path", "query"}; }
    static std::string latency(int64_t ns) {
        AccessRecord r = record();
        r.latency_ns = ns;
        std::string s = line(r);
        return s.substr(35, s.find(" |", 35) - 35);
    }

  private:
    std::string before_;
};

TEST_F(AccessLogTest, AsTheReference) {
    EXPECT_EQ(line(record()),
              "[GIN] 2023/11/14 - 22:13:20 | 200 |  44.15ms |       127.0.0.1 | GET      \"/path?query\"\n");
}

TEST_F(AccessLogTest, Widths) {
    AccessRecord r = record();
    r.status = 5;
    r.client_ip = "2001:db8:1111:2222::1";
    r.method = "PROPPATCH";
    r.query = "";
    EXPECT_EQ(line(r), "[GIN] 2023/11/14 - 22:13:20 |   5 |  44.15ms | 2001:db8:1111:2222::1 | PROPPATCH  \"/path\"\n");
    r.client_ip = r.method = r.path = "";
    EXPECT_EQ(line(r), "[GIN] 2023/11/14 - 22:13:20 |   5 |  44.15ms |                 |          \"\"\n");
}

TEST_F(AccessLogTest, LatencyIsTruncatedAsGinDoes) {
    EXPECT_EQ(latency(0), "       0s");
    EXPECT_EQ(latency(850), "    850ns");
    EXPECT_EQ(latency(4'529), "  4.529\xC2\xB5s");
    EXPECT_EQ(latency(999'999), " 999.999\xC2\xB5s");
    EXPECT_EQ(latency(1'000'000), "      1ms");
    EXPECT_EQ(latency(1'239'999), "   1.23ms");
    EXPECT_EQ(latency(999'999'999), " 999.99ms");
    EXPECT_EQ(latency(1'000'000'000), "       1s");
    EXPECT_EQ(latency(2'039'999'999), "    2.03s");
    EXPECT_EQ(latency(60'000'000'000), "     1m0s");
    EXPECT_EQ(latency(99'000'000'000), "    1m30s");
    EXPECT_EQ(latency(3'700'000'000'000), "  1h1m40s");
}

TEST_F(AccessLogTest, Errors) {
    std::string_view errors[] = {"rate limit exceded", "two\nlines"};
    AccessRecord r = record();
    r.errors = errors;
    EXPECT_TRUE(line(r).ends_with("\"/path?query\"\nError #01: rate limit exceded\nError #02: two\\nlines\n"));
}

TEST_F(AccessLogTest, NothingAClientSendsForgesALine) {
    AccessRecord r = record();
    r.path = "/a\"\n[GIN] 2023\x1b[31m\\";
    r.query = "\r\n\xFF";
    r.client_ip = "1\n2";
    r.method = "G\nT";
    EXPECT_EQ(line(r),
              "[GIN] 2023/11/14 - 22:13:20 | 200 |  44.15ms |             1\\n2 | G\\nT     "
              "\"/a\\\"\\n[GIN] 2023\\x1b[31m\\\\?\\r\\n\\xff\"\n");
}

TEST_F(AccessLogTest, HugeTextsAreCut) {
    std::string huge(1 << 20, '\n');
    std::string_view errors[20];
    for (std::string_view& e : errors)
        e = huge;
    std::string line_text = line({999'999'999, INT64_MIN, 1'700'000'000, huge, huge, huge, huge, errors}, true);
    EXPECT_EQ(std::count(line_text.begin(), line_text.end(), '\n'), 9);
    EXPECT_TRUE(line_text.starts_with("[GIN] 2023/11/14"));
    EXPECT_TRUE(line_text.ends_with("...\n"));
    EXPECT_LT(line_text.size(), LogWriter::kRingBytes / 2);
}

TEST_F(AccessLogTest, ColoursOfATerminal) {
    AccessRecord r = record();
    r.status = 404;
    r.latency_ns = 1'500'000'000;
    r.method = "POST";
    EXPECT_EQ(line(r, true),
              "[GIN] 2023/11/14 - 22:13:20 |\033[90;43m 404 \033[0m|\033[97;45m     1.5s \033[0m|       127.0.0.1 "
              "|\033[97;46m POST    \033[0m \"/path?query\"\n");
}

TEST_F(AccessLogTest, DateFollowsTheSecond) {
    int fd = memfd_create("log", MFD_CLOEXEC);
    {
        Log log({}, fd);
        AccessLog access(*log.add_writer(), false);
        AccessRecord r = record();
        access.write(r);
        r.unix_seconds += 1;
        access.write(r);
    }
    char buf[512];
    ssize_t n = pread(fd, buf, sizeof buf, 0);
    std::string all(buf, n > 0 ? static_cast<size_t>(n) : 0);
    EXPECT_NE(all.find("22:13:20 |"), std::string::npos);
    EXPECT_NE(all.find("22:13:21 |"), std::string::npos);
    close(fd);
}

}  // namespace
}  // namespace gladius::telemetry
