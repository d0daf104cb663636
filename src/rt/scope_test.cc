#include "rt/scope.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "base/pool.h"
#include "rt/loop.h"

namespace gladius::rt {
namespace {

struct Pair {
    Io a;
    int b = -1;
    explicit Pair(Loop& loop) {
        int fd[2];
        EXPECT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd));
        EXPECT_TRUE(a.open(loop, fd[0]));
        b = fd[1];
    }
    ~Pair() {
        a.close();
        ::close(b);
    }
};

struct Seen {
    int done = 0;
    Wake wake = Wake::ready;
};

Detached read_one(Io& io, Scope& scope, Seen& seen) {
    char buf[16];
    IoResult r = co_await io.read(buf, sizeof buf, scope);
    seen.wake = r.wake;
    ++seen.done;
}

Detached write_much(Io& io, Scope& scope, Seen& seen) {
    std::string much(8 * 1024 * 1024, 'x');
    IoResult r = co_await io.write(much.data(), much.size(), scope);
    seen.wake = r.wake;
    ++seen.done;
}

Detached connect_one(Io& io, Scope& scope, Seen& seen) {
    IoResult r = co_await io.connected(scope);
    seen.wake = r.wake;
    ++seen.done;
}

Detached sleep_one(Loop& loop, uint64_t ms, Scope& scope, Seen& seen) {
    seen.wake = co_await loop.sleep(ms, scope);
    ++seen.done;
}

TEST(Scope, CancelEndsEveryLeafInTheSameTurn) {
    for (Wake why : {Wake::cancelled, Wake::timeout}) {
        Loop loop;
        long before = pool_live_bytes();
        Pair r(loop), w(loop), c(loop);
        Scope scope(loop);
        Seen read, write, connect, sleep;
        read_one(r.a, scope, read);
        write_much(w.a, scope, write);
        c.a.on_writable([](Io&, void*) {}, nullptr);  // its readiness is not an end of the wait
        connect_one(c.a, scope, connect);
        sleep_one(loop, 1000000, scope, sleep);
        loop.turn(0);
        for (Seen* s : {&read, &write, &connect, &sleep})
            EXPECT_EQ(0, s->done);
        scope.cancel(why);
        EXPECT_EQ(0, read.done);  // resumed by the loop, not inside cancel()
        loop.turn(0);
        for (Seen* s : {&read, &write, &connect, &sleep}) {
            EXPECT_EQ(1, s->done);
            EXPECT_EQ(why, s->wake);
        }
        EXPECT_EQ(0u, loop.wheel().armed());
        EXPECT_EQ(before, pool_live_bytes());
        // What comes later wakes nobody.
        ASSERT_EQ(1, ::send(r.b, "x", 1, 0));
        loop.turn(0);
        EXPECT_EQ(1, read.done);
    }
}

TEST(Scope, LaterWaitsEndAtOnce) {
    Loop loop;
    Pair p(loop);
    Scope scope(loop);
    scope.cancel(Wake::timeout);
    scope.cancel(Wake::cancelled);  // the first reason stays
    Seen read, write, connect, sleep;
    ASSERT_EQ(1, ::send(p.b, "x", 1, 0));
    loop.turn(0);
    read_one(p.a, scope, read);
    write_much(p.a, scope, write);
    connect_one(p.a, scope, connect);
    sleep_one(loop, 5, scope, sleep);
    for (Seen* s : {&read, &write, &connect, &sleep}) {
        EXPECT_EQ(1, s->done);
        EXPECT_EQ(Wake::timeout, s->wake);
    }
    EXPECT_EQ(0u, loop.wheel().armed());
    char c;
    EXPECT_EQ(-1, ::recv(p.b, &c, 1, MSG_DONTWAIT));  // nothing was written
}

TEST(Scope, ChildrenEndWithTheirParentAndNotTheOtherWay) {
    Loop loop;
    Scope top(loop);
    Scope left(loop, &top), right(loop, &top), deep(loop, &left);
    Seen t, l, r, d;
    sleep_one(loop, 1000000, top, t);
    sleep_one(loop, 1000000, left, l);
    sleep_one(loop, 1000000, right, r);
    sleep_one(loop, 1000000, deep, d);
    left.cancel(Wake::timeout);
    loop.turn(0);
    EXPECT_EQ(0, t.done);
    EXPECT_EQ(0, r.done);
    EXPECT_EQ(1, l.done);
    EXPECT_EQ(1, d.done);
    EXPECT_EQ(Wake::timeout, d.wake);
    EXPECT_FALSE(top.ended());
    top.cancel(Wake::cancelled);
    loop.turn(0);
    EXPECT_EQ(1, t.done);
    EXPECT_EQ(1, r.done);
    EXPECT_EQ(Wake::cancelled, r.wake);
    EXPECT_EQ(Wake::timeout, left.why());
    Scope late(loop, &top);
    EXPECT_TRUE(late.ended());
    EXPECT_EQ(Wake::cancelled, late.why());
}

TEST(Scope, AChildThatLeftIsNotCancelled) {
    Loop loop;
    Scope top(loop);
    auto a = std::make_unique<Scope>(loop, &top), b = std::make_unique<Scope>(loop, &top),
         c = std::make_unique<Scope>(loop, &top);
    b.reset();
    a.reset();
    Seen seen;
    sleep_one(loop, 1000000, *c, seen);
    top.cancel(Wake::cancelled);
    loop.turn(0);
    EXPECT_EQ(1, seen.done);
    c.reset();
}

// A child scope lives in a coroutine that its parent's end resumes: it is gone before the parent's.
Task<Wake> nested_sleep(Loop& loop, Scope& parent) {
    Scope child(loop, &parent);
    child.deadline_in(1000000);
    Wake w = co_await loop.sleep(2000000, child);
    co_return w;
}

Detached outer(Loop& loop, Scope& parent, std::vector<Wake>& seen) {
    Scope mine(loop, &parent);
    Wake first = co_await nested_sleep(loop, mine);
    seen.push_back(first);
    Wake second = co_await nested_sleep(loop, mine);
    seen.push_back(second);
}

TEST(Scope, NestedInCoroutines) {
    Loop loop;
    Scope top(loop);
    std::vector<Wake> seen;
    outer(loop, top, seen);
    outer(loop, top, seen);
    top.cancel(Wake::cancelled);
    loop.turn(0);
    EXPECT_EQ((std::vector<Wake>(4, Wake::cancelled)), seen);
    EXPECT_EQ(0u, loop.wheel().armed());
}

TEST(Scope, Deadlines) {
    Loop loop;
    Scope slow(loop);
    slow.deadline_in(1000000);
    Scope scope(loop, &slow);
    scope.deadline_in(1000000);
    scope.deadline_in(20);  // the last call wins
    Seen seen;
    sleep_one(loop, 1000000, scope, seen);
    uint64_t start = loop.now_ns();
    while (!seen.done)
        loop.turn(-1);
    EXPECT_GE(loop.now_ns() - start, 20000000u);
    EXPECT_EQ(Wake::timeout, seen.wake);
    EXPECT_EQ(Wake::timeout, scope.why());
    EXPECT_FALSE(slow.ended());
    Scope none(loop);
    none.deadline_in(10);
    none.deadline_in(0);
    Scope cleared(loop);
    cleared.deadline_in(10);
    cleared.clear_deadline();
    EXPECT_EQ(1u, loop.wheel().armed());  // the deadline of `slow`
}

TEST(Scope, OnCancelRunsOnceAndFirst) {
    Loop loop;
    Scope top(loop), scope(loop, &top);
    struct Calls {
        int n = 0;
        Seen seen;
    } calls;
    sleep_one(loop, 1000000, scope, calls.seen);
    scope.on_cancel(
        [](void* p) {
            auto* c = static_cast<Calls*>(p);
            EXPECT_EQ(0, c->seen.done);
            ++c->n;
        },
        &calls);
    top.cancel(Wake::timeout);
    top.cancel(Wake::timeout);
    scope.cancel(Wake::timeout);
    loop.turn(0);
    EXPECT_EQ(1, calls.n);
    EXPECT_EQ(1, calls.seen.done);
}

TEST(Scope, AWaitThatIsReadyIsNotCancelledAnyMore) {
    Loop loop;
    Scope scope(loop);
    Seen a;
    sleep_one(loop, 1, scope, a);
    // Fires in the same advance() as the sleep and after it: the sleeper is in the list of the ready by then.
    Timer later;
    later.arg = &scope;
    later.fire = [](Timer&, void* s) { static_cast<Scope*>(s)->cancel(Wake::cancelled); };
    loop.wheel().arm(later, loop.now_ms() + 2);
    while (!a.done)
        loop.turn(-1);
    EXPECT_EQ(Wake::ready, a.wake);
    EXPECT_TRUE(scope.ended());
}

// --- Join

Detached child(Loop& loop, uint64_t ms, Scope& scope, Join& join, int& finished) {
    Wake w = co_await loop.sleep(ms, scope);
    if (w == Wake::ready) ++finished;
    join.done();
}

Detached gather(Loop& loop, Scope& parent, std::vector<std::string>& log) {
    Scope scope(loop, &parent);
    Join join;
    int finished = 0;
    for (uint64_t ms : {1, 1, 1000000}) {
        join.add();
        child(loop, ms, scope, join, finished);
    }
    co_await join.any();
    log.push_back("any " + std::to_string(join.open() < 3));
    co_await join.any();
    log.push_back("two " + std::to_string(finished));
    scope.cancel(Wake::cancelled);
    co_await join.all();
    log.push_back("all " + std::to_string(join.open()) + " " + std::to_string(finished));
    co_await join.any();  // nobody is open: at once
    co_await join.all();
    log.push_back("end");
}

TEST(Join, AnyAndAll) {
    Loop loop;
    long before = pool_live_bytes();
    Scope scope(loop);
    std::vector<std::string> log;
    gather(loop, scope, log);
    while (log.size() < 4)
        loop.turn(-1);
    EXPECT_EQ((std::vector<std::string>{"any 1", "two 2", "all 0 2", "end"}), log);
    EXPECT_EQ(before, pool_live_bytes());
}

}  // namespace
}  // namespace gladius::rt
