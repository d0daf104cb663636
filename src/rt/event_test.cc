#include "rt/event.h"

#include <gtest/gtest.h>

#include <vector>

namespace gladius::rt {
namespace {

Detached note(Event& e, Scope& scope, std::vector<Wake>& out, int times) {
    for (int i = 0; i < times; ++i)
        out.push_back(co_await e.wait(scope));
}

TEST(Event, WakesInTheTurnInWhichItIsSet) {
    Loop loop;
    Scope scope(loop);
    Event e(loop);
    std::vector<Wake> out;
    note(e, scope, out, 2);
    loop.turn(0);
    EXPECT_TRUE(out.empty());
    e.set();
    loop.turn(0);
    EXPECT_EQ(out, std::vector<Wake>{Wake::ready});
    e.set();
    loop.turn(0);
    EXPECT_EQ(out.size(), 2u);
}

TEST(Event, KeepsWhatNobodyWaitedFor) {
    Loop loop;
    Scope scope(loop);
    Event e(loop);
    e.set();
    e.set();
    std::vector<Wake> out;
    note(e, scope, out, 2);
    EXPECT_EQ(out.size(), 1u) << "several count as one";
    scope.cancel(Wake::cancelled);
    loop.turn(0);
    EXPECT_EQ(out.back(), Wake::cancelled);
}

TEST(Event, EndsWithItsScope) {
    Loop loop;
    Scope scope(loop);
    Event e(loop);
    std::vector<Wake> out;
    note(e, scope, out, 2);
    scope.cancel(Wake::timeout);
    loop.turn(0);
    EXPECT_EQ(out, (std::vector<Wake>{Wake::timeout, Wake::timeout})) << "and so does every later wait";
    e.set();  // nobody is there
}

}  // namespace
}  // namespace gladius::rt
