#include "features/qos_circuit_breaker/circuit.h"

#include <gtest/gtest.h>

namespace gladius::features::breaker {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

class CircuitTest : public testing::Test {
  protected:
    Circuit::Answer enter() {
        change = {};
        return circuit.enter(rules, now, ticket, change);
    }
    bool pass() { return enter() == Circuit::Answer::pass; }
    void fail() {
        change = {};
        circuit.failed(rules, now, ticket, change);
    }
    void succeed() {
        change = {};
        circuit.succeeded(rules, now, ticket, change);
    }
    void fail_times(int n) {
        for (; n > 0; --n) {
            ASSERT_TRUE(pass());
            fail();
        }
    }

    Circuit circuit;
    Rules rules{.interval_ns = 60 * kSecond, .timeout_ns = 5 * kSecond, .max_errors = 2};
    uint64_t now = kSecond, ticket = 0;
    Change change;
};

TEST_F(CircuitTest, OpensAfterOneFailureMoreThanItForgives) {
    fail_times(2);
    EXPECT_FALSE(change.happened());
    fail_times(1);
    EXPECT_EQ(change.from, State::closed);
    EXPECT_EQ(change.to, State::open);
    EXPECT_EQ(enter(), Circuit::Answer::open);
}

TEST_F(CircuitTest, ASuccessOrTheEndOfTheIntervalForgetsFailures) {
    fail_times(2);
    ASSERT_TRUE(pass());
    succeed();
    fail_times(2);
    now += 61 * kSecond;
    fail_times(2);
    EXPECT_TRUE(pass());
}

TEST_F(CircuitTest, WithoutAnIntervalFailuresAreKept) {
    rules.interval_ns = 0;
    fail_times(2);
    now += 1'000'000 * kSecond;
    fail_times(1);
    EXPECT_EQ(enter(), Circuit::Answer::open);
}

TEST_F(CircuitTest, AfterTheTimeoutOneTryDecides) {
    fail_times(3);
    now += 5 * kSecond;
    EXPECT_EQ(enter(), Circuit::Answer::open);  // until it is over
    ++now;
    EXPECT_TRUE(pass());
    EXPECT_EQ(change.to, State::half_open);
    EXPECT_EQ(enter(), Circuit::Answer::too_many);
    fail();
    EXPECT_EQ(change.to, State::open);
    now += 5 * kSecond + 1;
    EXPECT_TRUE(pass());
    succeed();
    EXPECT_EQ(change.to, State::closed);
    fail_times(2);
    EXPECT_TRUE(pass());
}

TEST_F(CircuitTest, ATryThatWasGivenUpMayBeRepeated) {
    fail_times(3);
    now += 5 * kSecond + 1;
    EXPECT_TRUE(pass());
    circuit.unjudged(rules, now, ticket, change);
    EXPECT_TRUE(pass());
    EXPECT_EQ(enter(), Circuit::Answer::too_many);
}

TEST_F(CircuitTest, WhatBeganInAnEarlierPeriodDoesNotCount) {
    ASSERT_TRUE(pass());
    uint64_t old = ticket;
    fail_times(3);
    now += 5 * kSecond + 1;
    ASSERT_TRUE(pass());  // half-open
    uint64_t probe = ticket;
    ticket = old;
    succeed();
    EXPECT_FALSE(change.happened());
    circuit.unjudged(rules, now, old, change);
    EXPECT_EQ(enter(), Circuit::Answer::too_many);
    ticket = probe;
    fail();
    EXPECT_EQ(change.to, State::open);
}

TEST_F(CircuitTest, WithoutForgivenessTheFirstFailureOpensIt) {
    rules.max_errors = 0;
    fail_times(1);
    EXPECT_EQ(enter(), Circuit::Answer::open);
}

}  // namespace
}  // namespace gladius::features::breaker
