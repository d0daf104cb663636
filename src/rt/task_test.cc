#include "rt/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/pool.h"
#include "rt/loop.h"

namespace gladius::rt {
namespace {

// What may be a parameter. That an aggregate is refused is a matter of compiling: the concept is what coroutine_traits
// asserts.
struct Plain {
    std::string text;
};
enum class Kind : uint8_t { a };
static_assert(!SafeArgument<Plain>);
static_assert(!SafeArgument<std::pair<int, int>> || !std::is_aggregate_v<std::pair<int, int>>);
static_assert(!SafeArgument<IoResult>);
static_assert(SafeArgument<Plain&>);
static_assert(SafeArgument<const Plain&>);
static_assert(SafeArgument<std::string>);
static_assert(SafeArgument<std::string_view>);
static_assert(SafeArgument<std::unique_ptr<int>>);
static_assert(SafeArgument<Plain*>);
static_assert(SafeArgument<Kind>);

// Counts how many of it live.
struct Counted {
    static inline int live = 0;
    int value;
    explicit Counted(int v) : value(v) { ++live; }
    Counted(const Counted& o) : value(o.value) { ++live; }
    Counted(Counted&& o) noexcept : value(o.value) { ++live; }
    ~Counted() { --live; }
};

Task<int> value_of(Counted c) {
    co_return c.value;
}
Task<Counted> counted(int n) {
    co_return Counted(n);
}

Task<int> sum(int depth) {
    if (depth == 0) co_return 0;
    int below = co_await sum(depth - 1);
    co_return below + depth;
}

Task<> note(std::vector<std::string>& log, std::string text) {
    log.push_back(std::move(text));
    co_return;
}

template <class T>
Detached collect(Task<T> task, T& out, bool& done) {
    out = co_await task;
    done = true;
}

TEST(Task, ValuesComeBack) {
    long before = pool_live_bytes();
    int n = 0;
    bool done = false;
    collect(sum(1000), n, done);  // symmetric transfer: the depth is in frames, not on the stack
    EXPECT_TRUE(done);
    EXPECT_EQ(500500, n);
    EXPECT_EQ(before, pool_live_bytes());
}

Detached temporaries(int& out) {
    out = co_await value_of(Counted(7));
    Counted c = co_await counted(8);
    out += c.value;
    Counted named(9);
    out += co_await value_of(std::move(named));
}

TEST(Task, TemporariesAreDestroyedOnce) {
    int out = 0;
    temporaries(out);
    EXPECT_EQ(24, out);
    EXPECT_EQ(0, Counted::live);
}

TEST(Task, IsLazyAndFreesWhatNeverRan) {
    long before = pool_live_bytes();
    std::vector<std::string> log;
    {
        Task<> t = note(log, "ran");
        EXPECT_TRUE(log.empty());
        EXPECT_GT(pool_live_bytes(), before);
        Task<> moved = std::move(t);
    }
    {
        Task<int> t = value_of(Counted(1));
        EXPECT_EQ(1, Counted::live);
    }
    EXPECT_TRUE(log.empty());
    EXPECT_EQ(0, Counted::live);
    EXPECT_EQ(before, pool_live_bytes());
}

Task<int> slow(Loop& loop, Scope& scope, Counted c) {
    co_await loop.sleep(1, scope);
    co_return c.value;
}

Detached many(Loop& loop, Scope& scope, std::string name, int& done) {
    int a = co_await slow(loop, scope, Counted(1));
    int b = co_await slow(loop, scope, Counted(2));
    if (a + b == 3 && name.size() > 20) ++done;
}

TEST(Task, FramesGoBackToThePool) {
    Loop loop;
    long before = pool_live_bytes();
    {
        Scope scope(loop);
        int done = 0;
        for (int i = 0; i < 100; ++i)
            many(loop, scope, "a name that is not short", done);
        EXPECT_GT(pool_live_bytes(), before);
        while (done < 100)
            loop.turn(-1);
        EXPECT_EQ(before, pool_live_bytes());
        // And when they are cancelled in the middle.
        for (int i = 0; i < 100; ++i)
            many(loop, scope, "a name that is not short", done);
        scope.cancel(Wake::cancelled);
        loop.turn(0);
        EXPECT_EQ(200, done);
    }
    EXPECT_EQ(before, pool_live_bytes());
    EXPECT_EQ(0, Counted::live);
}

}  // namespace
}  // namespace gladius::rt
