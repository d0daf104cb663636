#include "rt/wheel.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace gladius::rt {
namespace {

struct Probe {
    Timer timer;
    uint64_t due = 0;
    std::vector<uint64_t> fired;
    Wheel* wheel = nullptr;
};

void arm(Wheel& w, Probe& p, uint64_t at) {
    p.wheel = &w;
    p.due = at;
    p.timer.arg = &p;
    p.timer.fire = [](Timer& t, void* self) {
        auto* probe = static_cast<Probe*>(self);
        EXPECT_FALSE(t.armed());
        probe->fired.push_back(probe->wheel->now());
    };
    w.arm(p.timer, at);
}

TEST(Wheel, FiresInItsTickAndNotBefore) {
    // Around every border of a level, from several phases of the wheel.
    std::vector<uint64_t> distances = {1, 2, 3};
    for (int level = 1; level <= 5; ++level)
        for (int64_t off : {-2, -1, 0, 1, 2})
            distances.push_back(static_cast<uint64_t>((int64_t{1} << (6 * level)) + off));
    for (uint64_t start :
         {uint64_t{0}, uint64_t{1}, uint64_t{62}, uint64_t{63}, uint64_t{64}, uint64_t{4095}, uint64_t{4096},
          uint64_t{262143}, uint64_t{16777215}, uint64_t{16777216 + 4095}, uint64_t{987654321}}) {
        for (uint64_t d : distances) {
            Wheel w(start);
            Probe p;
            arm(w, p, start + d);
            w.advance(start + d - 1);
            EXPECT_TRUE(p.fired.empty()) << start << " + " << d;
            EXPECT_EQ(1u, w.armed());
            w.advance(start + d);
            EXPECT_EQ(std::vector<uint64_t>{start + d}, p.fired) << start << " + " << d;
            EXPECT_EQ(0u, w.armed());
            EXPECT_EQ(UINT64_MAX, w.next_in());
        }
    }
}

TEST(Wheel, BeyondTheLastLevel) {
    for (uint64_t start : {uint64_t{0}, uint64_t{12345678}}) {
        for (uint64_t d : {(uint64_t{1} << 30) - 1, uint64_t{1} << 30, (uint64_t{1} << 31) + 7, uint64_t{5000000000}}) {
            Wheel w(start);
            Probe p;
            arm(w, p, start + d);
            w.advance(start + d - 1);
            EXPECT_TRUE(p.fired.empty());
            w.advance(start + d + 1000);
            EXPECT_EQ(std::vector<uint64_t>{start + d}, p.fired);
        }
    }
}

TEST(Wheel, ThePastFiresNext) {
    Wheel w(1000);
    Probe p, q;
    arm(w, p, 10);
    arm(w, q, 1000);
    EXPECT_EQ(1u, w.next_in());
    w.advance(1000);
    EXPECT_TRUE(p.fired.empty());
    w.advance(1001);
    EXPECT_EQ(1u, p.fired.size());
    EXPECT_EQ(1u, q.fired.size());
}

TEST(Wheel, NextInIsNeverLateAndMostlyExact) {
    // Following next_in() alone finds every timer in its tick, in a handful of steps: a loop with one far timer sleeps.
    std::mt19937_64 random(7);
    for (int round = 0; round < 300; ++round) {
        uint64_t now = random() % 100000000;
        Wheel w(now);
        uint64_t d = 1 + random() % (uint64_t{1} << (1 + random() % 29));
        Probe p;
        arm(w, p, now + d);
        int steps = 0;
        while (p.fired.empty()) {
            uint64_t in = w.next_in();
            ASSERT_NE(UINT64_MAX, in);
            ASSERT_GT(in, 0u);
            now += in;
            ASSERT_LE(now, p.due);
            w.advance(now);
            ++steps;
        }
        EXPECT_EQ(p.due, p.fired.front());
        EXPECT_LE(steps, Wheel::kLevels);
    }
}

TEST(Wheel, RandomScheduleAsAPlainList) {
    std::mt19937_64 random(42);
    uint64_t now = 5000;
    Wheel w(now);
    constexpr int kTimers = 400;
    std::vector<std::unique_ptr<Probe>> probes;
    std::vector<uint64_t> due(kTimers, 0);  // 0: not armed
    for (int i = 0; i < kTimers; ++i)
        probes.push_back(std::make_unique<Probe>());
    for (int step = 0; step < 30000; ++step) {
        int i = static_cast<int>(random() % kTimers);
        switch (random() % 4) {
            case 0:
            case 1:
                due[i] = now + 1 + random() % (uint64_t{1} << (random() % 24));
                arm(w, *probes[i], due[i]);
                break;
            case 2:
                probes[i]->timer.disarm();
                due[i] = 0;
                break;
            case 3:
                uint64_t to = now + random() % (uint64_t{1} << (random() % 16));
                w.advance(to);
                now = to;
                for (int k = 0; k < kTimers; ++k) {
                    bool expired = due[k] != 0 && due[k] <= now;
                    ASSERT_EQ(expired ? 1u : 0u, probes[k]->fired.size());
                    if (!expired) continue;
                    ASSERT_EQ(due[k], probes[k]->fired[0]);
                    probes[k]->fired.clear();
                    due[k] = 0;
                }
                break;
        }
        uint64_t armed = 0, soonest = UINT64_MAX;
        for (uint64_t d : due)
            if (d) ++armed, soonest = std::min(soonest, d);
        ASSERT_EQ(armed, w.armed());
        if (armed) {
            ASSERT_LE(w.next_in(), soonest - now);
        } else {
            ASSERT_EQ(UINT64_MAX, w.next_in());
        }
    }
}

struct Chain {
    Wheel& wheel;
    Timer a, b, c;
    int fired_a = 0, fired_b = 0, fired_c = 0;
};

TEST(Wheel, FiringTimersDisarmAndArmOthers) {
    Wheel w(0);
    Chain chain{w, {}, {}, {}, 0, 0, 0};
    chain.a.arg = chain.b.arg = chain.c.arg = &chain;
    chain.a.fire = [](Timer& t, void* p) {
        auto& ch = *static_cast<Chain*>(p);
        ++ch.fired_a;
        ch.b.disarm();                            // due in the same tick
        ch.wheel.arm(t, ch.wheel.now());          // the past: the next tick
        ch.wheel.arm(ch.c, ch.wheel.now() + 64);  // the same slot, a round later
    };
    chain.b.fire = [](Timer&, void* p) { ++static_cast<Chain*>(p)->fired_b; };
    chain.c.fire = [](Timer&, void* p) { ++static_cast<Chain*>(p)->fired_c; };
    w.arm(chain.a, 10);
    w.arm(chain.b, 10);
    w.advance(10);
    EXPECT_EQ(1, chain.fired_a);
    EXPECT_EQ(0, chain.fired_b);
    EXPECT_EQ(2u, w.armed());
    w.advance(11);
    EXPECT_EQ(2, chain.fired_a);
    chain.a.disarm();
    w.advance(74);
    EXPECT_EQ(0, chain.fired_c);
    w.advance(75);
    EXPECT_EQ(1, chain.fired_c);
    EXPECT_EQ(0u, w.armed());
}

TEST(Wheel, ADestroyedTimerIsDisarmed) {
    Wheel w(0);
    {
        Probe p;
        arm(w, p, 5);
        EXPECT_EQ(1u, w.armed());
    }
    EXPECT_EQ(0u, w.armed());
    EXPECT_EQ(UINT64_MAX, w.next_in());
    w.advance(100);
    EXPECT_EQ(100u, w.now());
}

}  // namespace
}  // namespace gladius::rt
