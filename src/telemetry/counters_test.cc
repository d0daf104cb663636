#include "telemetry/counters.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "telemetry/histogram.h"

namespace gladius::telemetry {
namespace {

TEST(CountersTest, EveryCounterHasANameOfItsOwn) {
    std::set<std::string_view> names;
    for (std::string_view n : kCounterNames) {
        EXPECT_FALSE(n.empty());
        names.insert(n);
    }
    EXPECT_EQ(names.size(), kCounters);
    EXPECT_EQ(kCounterNames[static_cast<size_t>(Counter::exchanges_in_flight)], "exchanges_in_flight");
    EXPECT_EQ(kCounterNames[static_cast<size_t>(Counter::memory_refused)], "memory_refused");
}

TEST(CountersTest, GaugeRaisedAndLoweredInDifferentShards) {
    Counters c(2);
    c.shard(0).add(Counter::connections_open, 3);
    c.shard(1).sub(Counter::connections_open, 2);
    EXPECT_EQ(c.sum(Counter::connections_open), 1u);
}

TEST(CountersTest, StatusClasses) {
    Counters c(1);
    for (int status : {100, 200, 204, 301, 404, 405, 499, 500, 599})
        c.shard(0).add_response(status);
    for (int status : {-1, 0, 99, 600, 1000})
        c.shard(0).add_response(status);
    EXPECT_EQ(c.sum(Counter::responses_1xx), 1u);
    EXPECT_EQ(c.sum(Counter::responses_2xx), 2u);
    EXPECT_EQ(c.sum(Counter::responses_3xx), 1u);
    EXPECT_EQ(c.sum(Counter::responses_4xx), 3u);
    EXPECT_EQ(c.sum(Counter::responses_5xx), 2u);
    EXPECT_EQ(c.sum(Counter::requests), 0u);
    EXPECT_EQ(c.sum(Counter::exchanges_in_flight), 0u);
}

TEST(CountersTest, DumpIsOneLineWithEverySum) {
    Counters c(2);
    c.shard(0).add(Counter::requests, 5);
    c.shard(1).add(Counter::requests, 7);
    std::string json = c.dump_json();
    EXPECT_EQ(json.find('\n'), std::string::npos);
    EXPECT_TRUE(json.starts_with("{\"shards\":2,\"connections_accepted\":0,"));
    EXPECT_NE(json.find("\"requests\":12,"), std::string::npos);
    for (std::string_view n : kCounterNames)
        EXPECT_NE(json.find("\"" + std::string(n) + "\":"), std::string::npos) << n;
}

TEST(CountersTest, ReadersBesideWriters) {
    constexpr uint64_t kEach = 100'000;
    Counters c(2);
    std::vector<std::thread> workers;
    for (size_t i = 0; i < 2; ++i) {
        workers.emplace_back([&c, i] {
            for (uint64_t n = 0; n < kEach; ++n)
                c.shard(i).add(Counter::requests);
        });
    }
    uint64_t before = 0;
    for (int i = 0; i < 100; ++i) {
        uint64_t now = c.sum(Counter::requests);
        EXPECT_GE(now, before);
        before = now;
    }
    for (std::thread& t : workers)
        t.join();
    EXPECT_EQ(c.sum(Counter::requests), 2 * kEach);
}

TEST(HistogramTest, BucketsAreContiguousAndNarrow) {
    EXPECT_EQ(HistogramBuckets::index(0), 0u);
    EXPECT_EQ(HistogramBuckets::index(UINT64_MAX), HistogramBuckets::kCount - 1);
    uint64_t lower = 0;
    for (size_t i = 0; i < HistogramBuckets::kCount; ++i) {
        uint64_t upper = HistogramBuckets::upper(i);
        ASSERT_EQ(HistogramBuckets::index(lower), i);
        ASSERT_EQ(HistogramBuckets::index(upper), i);
        ASSERT_LE((upper - lower) * 32, lower) << i;
        lower = upper + 1;
    }
    EXPECT_EQ(lower, uint64_t{1} << HistogramBuckets::kValueBits);
}

TEST(HistogramTest, Percentiles) {
    Histogram a, b;
    for (uint64_t v = 1; v <= 1000; ++v)
        (v % 2 ? a : b).record(v * 1000);
    HistogramSum s;
    EXPECT_EQ(s.percentile(50), 0u);
    s.add(a);
    s.add(b);
    EXPECT_EQ(s.count(), 1000u);
    EXPECT_EQ(s.sum(), 500'500'000u);
    EXPECT_EQ(s.max(), 1'000'000u);
    for (double p : {1.0, 50.0, 90.0, 99.0}) {
        double exact = p * 10'000;
        EXPECT_GE(static_cast<double>(s.percentile(p)), exact);
        EXPECT_LE(static_cast<double>(s.percentile(p)), exact * 33 / 32);
    }
    EXPECT_EQ(s.percentile(100), 1'000'000u);
    EXPECT_EQ(s.percentile(0), 1007u);
}

TEST(HistogramTest, ValuesBeyondTheRange) {
    Histogram h;
    h.record(UINT64_MAX / 2);
    HistogramSum s;
    s.add(h);
    EXPECT_EQ(s.percentile(50), UINT64_MAX / 2);
}

}  // namespace
}  // namespace gladius::telemetry
