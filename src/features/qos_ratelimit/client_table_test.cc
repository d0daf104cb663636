#include "features/qos_ratelimit/client_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace gladius::features::ratelimit {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

class ClientTableTest : public testing::Test {
  protected:
    bool take(const std::string& who, uint64_t now, const Rate& at) {
        return table.take(who, at, patience, now, budget).ok;
    }
    bool take(const std::string& who, uint64_t now = kSecond) { return take(who, now, rate); }
    int taken(const std::string& who, uint64_t now) {
        int n = 0;
        while (n < 1000 && take(who, now))
            ++n;
        return n;
    }

    engine::Budget budget;
    ClientTable table;
    ClientTable::Patience patience;
    Rate rate = rate_of(1, 3, 1);
};

TEST_F(ClientTableTest, EachClientHasABucketOfItsOwn) {
    EXPECT_EQ(taken("a", kSecond), 3);
    EXPECT_EQ(taken("b", kSecond), 3);
    EXPECT_EQ(taken("a", kSecond), 0);
    EXPECT_EQ(taken("a", 3 * kSecond), 2);
    EXPECT_EQ(taken(std::string("a\0", 2), kSecond), 3);
    EXPECT_EQ(table.clients(), 3u);
}

TEST_F(ClientTableTest, ACapacityOfNothingBeginsEmpty) {
    rate = rate_of(1, 0, 1);
    EXPECT_EQ(taken("a", kSecond), 0);
    EXPECT_EQ(taken("a", 2 * kSecond), 1);
}

TEST_F(ClientTableTest, AMillionClientsFitIntoAHundredMebibytes) {
    constexpr int kMany = 1'000'000;
    for (int i = 0; i < kMany; ++i)
        ASSERT_TRUE(take("203.0.113.7, client " + std::to_string(i)));
    EXPECT_EQ(table.clients(), static_cast<size_t>(kMany));
    EXPECT_LE(table.bytes(), 100u << 20);
    EXPECT_EQ(budget.used(), table.bytes());
    // Nobody was mixed up with anybody.
    for (int i = 0; i < kMany; i += 9973) {
        std::string who = "203.0.113.7, client " + std::to_string(i);
        EXPECT_EQ(taken(who, kSecond), 2) << who;
    }
}

TEST_F(ClientTableTest, TheTableIsBoundedAndForgetsWhoWasNotSeenForLong) {
    for (size_t i = 0; i < ClientTable::kMaxClients + 300'000; ++i) {
        ASSERT_TRUE(take("old " + std::to_string(i)));
        // One that comes all the time is not pushed out by a flood.
        if (i % 1000 == 0) take("regular", (1 + i / 1000) * kSecond);
    }
    EXPECT_LE(table.clients(), ClientTable::kMaxClients);
    EXPECT_LE(table.bytes(), 64u << 20);
    EXPECT_EQ(taken("regular", 2 * kSecond), 0);
}

TEST_F(ClientTableTest, IdleClientsAreForgottenAndTheirMemoryIsGivenBack) {
    for (int i = 0; i < 100'000; ++i)
        take("c" + std::to_string(i));
    size_t full = table.bytes();
    uint64_t later = kSecond + patience.idle_ns / 2;
    for (int i = 0; i < 2000; ++i)
        take("kept" + std::to_string(i), later);
    EXPECT_EQ(table.clients(), 102'000u);
    later = 2 * kSecond + patience.idle_ns;
    later += kSecond;
    for (int i = 0; i < 2000; ++i)
        take("kept" + std::to_string(i), later);
    EXPECT_EQ(table.clients(), 2000u);
    EXPECT_LT(table.bytes(), full / 8);
    EXPECT_EQ(budget.used(), table.bytes());
    EXPECT_EQ(taken("c1", later), 3);  // begins anew
}

TEST_F(ClientTableTest, AChangedRateKeepsWhatWasSpent) {
    EXPECT_EQ(taken("a", kSecond), 3);
    Rate fast = rate_of(100, 50, 2);
    EXPECT_FALSE(take("a", kSecond, fast));
    EXPECT_TRUE(take("a", kSecond + kSecond / 100, fast));
    EXPECT_FALSE(take("a", kSecond + kSecond / 100, fast));
    Rate small = rate_of(100, 2, 3);
    for (int i = 0; i < 3; ++i)
        take("b", kSecond + kSecond / 100, fast);
    int n = 0;
    while (take("b", kSecond + kSecond / 100, small))
        ++n;
    EXPECT_EQ(n, 2);
}

TEST_F(ClientTableTest, WithoutMemoryNobodyNewPassesAndWithLittleTheOldestGo) {
    budget.set_limit(1000);
    EXPECT_FALSE(take("a"));
    budget.set_limit(200 * 1024);
    for (int i = 0; i < 50'000; ++i)
        take("c" + std::to_string(i), kSecond + static_cast<uint64_t>(i));
    EXPECT_LE(budget.used(), 160u * 1024 + 1);
    EXPECT_GT(table.clients(), 1000u);
}

TEST_F(ClientTableTest, TwoWorkersCountTogether) {
    rate = rate_of(1, 1000, 1);
    std::atomic<int> passed{0};
    auto work = [&] {
        for (int i = 0; i < 40'000; ++i)
            passed += table.take("c" + std::to_string(i % 20), rate, patience, kSecond, budget).ok;
    };
    std::thread other(work);
    work();
    other.join();
    EXPECT_EQ(passed.load(), 20 * 1000);
}

}  // namespace
}  // namespace gladius::features::ratelimit
