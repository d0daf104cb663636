#include "base/pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace gladius {
namespace {

// Sanitizer builds and GL_POOLS=off keep nothing.
bool keeps() {
    void* p = pool_allocate(100);
    pool_free(p, 100);
    return pool_idle_bytes() > 0;
}

TEST(Pool, Classes) {
    EXPECT_EQ(32u, pool_round(0));
    EXPECT_EQ(32u, pool_round(1));
    EXPECT_EQ(128u, pool_round(128));
    EXPECT_EQ(160u, pool_round(129));
    EXPECT_EQ(2048u, pool_round(2048));
    EXPECT_EQ(4096u, pool_round(2049));
    EXPECT_EQ(4096u, pool_round(4096));
    EXPECT_EQ(8192u, pool_round(4097));
    EXPECT_EQ(262144u, pool_round(262144));
    EXPECT_EQ(262145u, pool_round(262145));
    for (size_t n = 1; n <= 300000; n += 97) {
        EXPECT_GE(pool_round(n), n);
        EXPECT_EQ(pool_round(n), pool_round(pool_round(n)));
    }
}

TEST(Pool, EveryByteOfTheClassIsUsable) {
    for (size_t n :
         {size_t{1}, size_t{128}, size_t{1000}, size_t{2049}, size_t{70000}, size_t{262144}, size_t{1000000}}) {
        auto* p = static_cast<char*>(pool_allocate(n));
        EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(p) % 16);
        std::memset(p, 1, pool_round(n));
        pool_free(p, n);
    }
    pool_free(nullptr, 10);
}

TEST(Pool, LiveBytesReturnToTheStart) {
    long before = pool_live_bytes();
    std::vector<std::pair<void*, size_t>> all;
    long sum = 0;
    for (size_t n = 1; n < 600000; n = n * 3 / 2 + 1) {
        all.emplace_back(pool_allocate(n), n);
        sum += static_cast<long>(pool_round(n));
        EXPECT_EQ(before + sum, pool_live_bytes());
    }
    for (auto [p, n] : all)
        pool_free(p, n);
    EXPECT_EQ(before, pool_live_bytes());
}

TEST(Pool, GivesTheYoungestAgainOfTheSameClass) {
    if (!keeps()) return;
    void* p = pool_allocate(1000);
    pool_free(p, 1000);
    void* q = pool_allocate(1024);
    EXPECT_EQ(p, q);
    void* r = pool_allocate(1025);
    EXPECT_NE(p, r);
    pool_free(q, 1024);
    pool_free(r, 1025);
}

TEST(Pool, ABurstIsNotKept) {
    bool kept = keeps();
    std::vector<void*> all;
    for (int i = 0; i < 100; ++i)
        all.push_back(pool_allocate(65536));
    size_t before = pool_idle_bytes();
    for (void* p : all)
        pool_free(p, 65536);
    EXPECT_LE(pool_idle_bytes(), before + 1024 * 1024);
    EXPECT_EQ(kept, pool_idle_bytes() > before);
    size_t idle = pool_idle_bytes();
    pool_free(pool_allocate(300000), 300000);  // above the classes: straight back
    EXPECT_EQ(idle, pool_idle_bytes());
}

TEST(Pool, EachThreadHasItsOwn) {
    long before = pool_live_bytes();
    void* p = nullptr;
    std::thread([&] {
        EXPECT_EQ(0, pool_live_bytes());
        EXPECT_EQ(0u, pool_idle_bytes());
        p = pool_allocate(100);
        EXPECT_EQ(128, pool_live_bytes());
    }).join();
    EXPECT_EQ(before, pool_live_bytes());
    pool_free(p, 100);  // it stays with the thread that frees it
    EXPECT_EQ(before - 128, pool_live_bytes());
    void* back = pool_allocate(100);
    std::thread([&] { pool_free(back, 100); }).join();
    EXPECT_EQ(before, pool_live_bytes());
}

}  // namespace
}  // namespace gladius
