#include "features/qos_ratelimit/bucket.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "features/qos_ratelimit/shared_bucket.h"

namespace gladius::features::ratelimit {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr double kRates[] = {0.001, 0.5, 1, 3, 7.5, 50, 333, 1000, 20000, 1e6};
constexpr uint64_t kCapacities[] = {1, 10, 1000};

TEST(Bucket, RatesAreRoundedToNanosecondsOfAToken) {
    EXPECT_EQ(rate_of(3, 0, 1).fill_ns, 333333333u);
    EXPECT_EQ(rate_of(3, 0, 1).capacity, 1u);
    EXPECT_EQ(rate_of(3, 0, 1).stock, 0u);
    EXPECT_EQ(rate_of(3, 7, 1).stock, 7u);
    EXPECT_EQ(rate_of(1e-12, 5, 1).fill_ns, 1'000'000'000'000'000'000u);
    EXPECT_EQ(rate_of(1e12, 5, 1).fill_ns, 1u);
}

TEST(Bucket, FillsOnlyWhenItIsEmpty) {
    Rate r = rate_of(1, 3, 1);
    uint64_t tokens = 3, filled = 0, now = 0;
    EXPECT_TRUE(take(r, tokens, filled, now).ok);
    now = 2 * kSecond;  // two came, but there are two
    EXPECT_TRUE(take(r, tokens, filled, now).ok);
    EXPECT_TRUE(take(r, tokens, filled, now).ok);
    EXPECT_TRUE(take(r, tokens, filled, now).ok);  // now they are counted
    EXPECT_TRUE(take(r, tokens, filled, now).ok);
    Taken none = take(r, tokens, filled, now);
    EXPECT_FALSE(none.ok);
    EXPECT_EQ(none.wait_ns, kSecond);
}

TEST(Bucket, OneThatWouldOverflowGivesOneMore) {
    Rate r = rate_of(1, 2, 1);
    uint64_t tokens = 0, filled = 0;
    uint64_t now = 10 * kSecond;
    int passed = 0;
    while (take(r, tokens, filled, now).ok)
        ++passed;
    EXPECT_EQ(passed, 3);
}

TEST(Bucket, SaysWhatIsLeftAndHowLongToWait) {
    Rate r = rate_of(2, 2, 1);
    uint64_t tokens = 2, filled = 0;
    Taken first = take(r, tokens, filled, 100);
    EXPECT_EQ(first.left, 1u);
    EXPECT_EQ(first.wait_ns, 0u);
    Taken second = take(r, tokens, filled, 100);
    EXPECT_EQ(second.left, 0u);
    EXPECT_EQ(second.wait_ns, kSecond / 2 - 100);
}

TEST(Bucket, AClockThatGoesBackGivesNothing) {
    Rate r = rate_of(1, 1, 1);
    uint64_t tokens = 0, filled = 5 * kSecond;
    EXPECT_FALSE(take(r, tokens, filled, 4 * kSecond).ok);
    EXPECT_EQ(filled, 5 * kSecond);
}

// What the arithmetic admits of requests that come twice as often as they may, for `seconds`.
struct Demand {
    Rate rate;
    uint64_t step_ns, count;
};
Demand demand_of(double per_second, uint64_t capacity) {
    Demand d{rate_of(per_second, capacity, 1), 0, 0};
    d.step_ns = std::max<uint64_t>(1, d.rate.fill_ns / 2);
    d.count = 2 * capacity + 4000;
    return d;
}
double arithmetic(const Demand& d) {
    return static_cast<double>(d.rate.capacity) +
           std::floor(static_cast<double>((d.count - 1) * d.step_ns) / static_cast<double>(d.rate.fill_ns));
}

TEST(SharedBucket, AdmitsWhatTheArithmeticSaysWithOneWorkerAndWithTwo) {
    for (double rate : kRates) {
        for (uint64_t capacity : kCapacities) {
            Demand d = demand_of(rate, capacity);
            for (int workers : {1, 2}) {
                SharedBucket bucket;
                bucket.start(d.rate, kSecond);
                std::atomic<uint64_t> next{0}, passed{0};
                auto work = [&] {
                    for (uint64_t i; (i = next.fetch_add(1)) < d.count;)
                        passed += bucket.take(d.rate, kSecond + i * d.step_ns).ok;
                };
                std::vector<std::thread> threads;
                for (int i = 1; i < workers; ++i)
                    threads.emplace_back(work);
                work();
                for (std::thread& t : threads)
                    t.join();
                double want = arithmetic(d);
                EXPECT_NEAR(static_cast<double>(passed.load()), want, 1 + want / 100)
                    << rate << "/s, capacity " << capacity << ", " << workers << " workers";
            }
        }
    }
}

TEST(SharedBucket, KeepsWhatWasSpentWhenTheRateChanges) {
    SharedBucket bucket;
    Rate slow = rate_of(1, 10, 1), fast = rate_of(100, 20, 2);
    bucket.start(slow, kSecond);
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(bucket.take(slow, kSecond).ok);
    bucket.start(fast, kSecond);  // by the next plan; nothing begins anew
    // Half a second at the old rate is no token, and from now on they come faster.
    uint64_t now = kSecond + kSecond / 2;
    EXPECT_FALSE(bucket.take(fast, now).ok);
    EXPECT_FALSE(bucket.take(fast, now + kSecond / 100 - 1).ok);
    EXPECT_TRUE(bucket.take(fast, now + kSecond / 100).ok);
    // A request that still runs on the old plan is held to the new rate.
    EXPECT_FALSE(bucket.take(slow, now + kSecond / 100).ok);
    EXPECT_TRUE(bucket.take(slow, now + kSecond / 50).ok);
}

TEST(SharedBucket, ANewPlanWithTheSameRateChangesNothing) {
    SharedBucket bucket;
    bucket.start(rate_of(100, 100, 1), kSecond);
    uint64_t passed = 0;
    for (uint64_t ms = 0; ms < 10'000; ++ms)  // a reload each second
        passed += bucket.take(rate_of(100, 100, 1 + ms / 1000), kSecond + ms * 1'000'000).ok;
    EXPECT_NEAR(static_cast<double>(passed), 1100, 1);
}

TEST(SharedBucket, ASmallerCapacityHoldsAtOnce) {
    SharedBucket bucket;
    bucket.start(rate_of(1, 100, 1), kSecond);
    Rate small = rate_of(1, 2, 2);
    EXPECT_TRUE(bucket.take(small, kSecond).ok);
    EXPECT_TRUE(bucket.take(small, kSecond).ok);
    EXPECT_FALSE(bucket.take(small, kSecond).ok);
}

}  // namespace
}  // namespace gladius::features::ratelimit
