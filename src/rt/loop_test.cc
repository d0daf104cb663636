#include "rt/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "base/pool.h"

namespace gladius::rt {
namespace {

struct Pair {
    Io a;
    int b = -1;
    explicit Pair(Loop& loop, int type = SOCK_STREAM) {
        int fd[2];
        EXPECT_EQ(0, ::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd));
        EXPECT_TRUE(a.open(loop, fd[0]));
        b = fd[1];
    }
    ~Pair() {
        a.close();
        close_b();
    }
    void close_b() {
        if (b >= 0) ::close(b);
        b = -1;
    }
    void send(std::string_view s) {
        EXPECT_EQ(static_cast<ssize_t>(s.size()), ::send(b, s.data(), s.size(), MSG_NOSIGNAL));
    }
};

struct Log {
    std::string text;
    std::vector<IoResult> results;
    bool end = false;
};

Detached read_all(Io& io, size_t at_most, Scope& scope, Log& log) {
    char buf[64];
    for (;;) {
        IoResult r = co_await io.read(buf, std::min(at_most, sizeof buf), scope);
        log.results.push_back(r);
        if (!r.ok()) break;
        log.text.append(buf, static_cast<size_t>(r.n));
    }
    log.end = true;
}

Detached write_all(Io& io, const std::string& data, Scope& scope, Log& log) {
    IoResult r = co_await io.write(data.data(), data.size(), scope);
    log.results.push_back(r);
    log.end = true;
}

// Another process may hold the file of a closed Io: a successor its listeners, a child everything until its exec.
TEST(Loop, ClosedIoIsSilentAlthoughItsFileIsOpenElsewhere) {
    Loop loop;
    int one[2], two[2];
    ASSERT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, one));
    ASSERT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, two));
    Io io;
    ASSERT_TRUE(io.open(loop, one[0]));
    int copy = ::dup(one[0]);
    io.close();
    ASSERT_TRUE(io.open(loop, two[0]));
    int events = 0;
    io.on_readable([](Io&, void* n) { ++*static_cast<int*>(n); }, &events);
    loop.turn(0);
    EXPECT_EQ(1, ::send(one[1], "x", 1, MSG_NOSIGNAL));
    loop.turn(0);
    EXPECT_EQ(0, events);
    io.close();
    for (int fd : {copy, one[1], two[1]})
        ::close(fd);
}

TEST(Loop, ReadsWhatComesAndSeesTheEnd) {
    Loop loop;
    Scope scope(loop);
    Pair p(loop);
    Log log;
    read_all(p.a, 64, scope, log);
    loop.turn(0);
    EXPECT_TRUE(log.results.empty());
    p.send("one");
    loop.turn(0);
    EXPECT_EQ("one", log.text);
    p.send("two");
    p.send("three");
    loop.turn(0);
    EXPECT_EQ("onetwothree", log.text);
    EXPECT_FALSE(p.a.peer_closed());
    p.send("last");
    p.close_b();
    loop.turn(0);
    EXPECT_EQ("onetwothreelast", log.text);
    EXPECT_TRUE(log.end);
    EXPECT_EQ(0, log.results.back().n);
    EXPECT_EQ(Wake::ready, log.results.back().wake);
    EXPECT_TRUE(p.a.peer_closed());
}

TEST(Loop, SmallBuffersLoseNothing) {
    // Edge-triggered: a full buffer must not be taken for a drained socket, whatever the sizes.
    for (size_t cap : {size_t{1}, size_t{3}, size_t{4}, size_t{5}, size_t{64}}) {
        Loop loop;
        Scope scope(loop);
        Pair p(loop);
        Log log;
        p.send("12345678");
        read_all(p.a, cap, scope, log);
        loop.turn(0);
        EXPECT_EQ("12345678", log.text);
        p.send("abcd");
        loop.turn(0);
        EXPECT_EQ("12345678abcd", log.text);
        EXPECT_FALSE(log.end);
        scope.cancel(Wake::cancelled);
        loop.turn(0);
        EXPECT_TRUE(log.end);
    }
}

TEST(Loop, PartialWritesGoOn) {
    Loop loop;
    Scope scope(loop);
    Pair p(loop);
    std::string data(3 * 1024 * 1024, 0);
    for (size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<char>(i * 31 >> 3);
    Log log;
    write_all(p.a, data, scope, log);
    EXPECT_FALSE(log.end);  // more than the kernel takes
    std::string got;
    char buf[50000];
    while (!log.end || got.size() < data.size()) {
        ssize_t n = ::recv(p.b, buf, sizeof buf, MSG_DONTWAIT);
        if (n > 0) got.append(buf, static_cast<size_t>(n));
        loop.turn(0);
    }
    EXPECT_EQ(data, got);
    ASSERT_EQ(1u, log.results.size());
    EXPECT_EQ(static_cast<ssize_t>(data.size()), log.results[0].n);
}

TEST(Loop, AClosedReceiverEndsTheWriter) {
    Loop loop;
    Scope scope(loop);
    Pair p(loop);
    std::string data(3 * 1024 * 1024, 'x');
    Log log;
    write_all(p.a, data, scope, log);
    p.close_b();
    loop.turn(0);
    ASSERT_TRUE(log.end);
    EXPECT_EQ(-1, log.results[0].n);
    EXPECT_EQ(Wake::ready, log.results[0].wake);
    EXPECT_TRUE(log.results[0].error == EPIPE || log.results[0].error == ECONNRESET);
    Log again;
    write_all(p.a, data, scope, again);
    EXPECT_TRUE(again.end);
    EXPECT_EQ(EPIPE, again.results[0].error);
    EXPECT_EQ(-1, p.a.write_now("x", 1));
}

// A listener on this machine, and a connection to it.
struct Tcp {
    int listener, client;
    sockaddr_in address{};
    Tcp() {
        listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(0, ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address));
        socklen_t n = sizeof address;
        EXPECT_EQ(0, ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &n));
        EXPECT_EQ(0, ::listen(listener, 0));
        client = start();
    }
    ~Tcp() {
        ::close(listener);
        if (client >= 0) ::close(client);
    }
    // A connection that may be under way still.
    int start() {
        int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int r = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
        EXPECT_TRUE(r == 0 || errno == EINPROGRESS);
        return fd;
    }
    int accept() { return ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }
};

Detached connect(Io& io, Scope& scope, Log& log) {
    IoResult r = co_await io.connected(scope);
    log.results.push_back(r);
    log.end = true;
}

TEST(Loop, AResetIsAnError) {
    Loop loop;
    Scope scope(loop);
    Tcp tcp;
    Io io;
    ASSERT_TRUE(io.open(loop, tcp.accept()));
    Log log;
    read_all(io, 64, scope, log);
    loop.turn(0);
    linger hard{1, 0};
    ::setsockopt(tcp.client, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(std::exchange(tcp.client, -1));
    while (!log.end)
        loop.turn(-1);
    EXPECT_EQ(-1, log.results.back().n);
    EXPECT_EQ(ECONNRESET, log.results.back().error);
    io.close();
}

TEST(Loop, ConnectsOrSaysWhyNot) {
    Loop loop;
    Scope scope(loop);
    Tcp tcp;
    Io good, bad;
    ASSERT_TRUE(good.open(loop, std::exchange(tcp.client, -1)));
    Log log;
    connect(good, scope, log);
    while (!log.end)
        loop.turn(-1);
    EXPECT_EQ(1, log.results[0].n);
    good.close();
    ::close(tcp.accept());
    sockaddr_in gone = tcp.address;
    {
        Tcp other;
        gone = other.address;
    }
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r = ::connect(fd, reinterpret_cast<sockaddr*>(&gone), sizeof gone);
    ASSERT_EQ(-1, r);
    if (errno == EINPROGRESS) {
        ASSERT_TRUE(bad.open(loop, fd));
        Log why;
        connect(bad, scope, why);
        while (!why.end)
            loop.turn(-1);
        EXPECT_EQ(-1, why.results[0].n);
        EXPECT_EQ(ECONNREFUSED, why.results[0].error);
        bad.close();
    } else {
        EXPECT_EQ(ECONNREFUSED, errno);
        ::close(fd);
    }
}

TEST(Loop, HangupIsSeenWithoutAReader) {
    Loop loop;
    Pair p(loop);
    int calls = 0;
    p.a.on_hangup([](Io&, void* n) { ++*static_cast<int*>(n); }, &calls);
    loop.turn(0);
    p.send("data");
    loop.turn(0);
    EXPECT_EQ(0, calls);
    EXPECT_TRUE(p.a.readable());
    p.close_b();
    loop.turn(0);
    EXPECT_EQ(1, calls);
}

TEST(Loop, WhatNobodyWaitsForComesFirst) {
    // The reader's bytes were there earlier; still the handler runs before it.
    Loop loop;
    Pair reads(loop), idles(loop);
    Scope scope(loop);
    Log log;
    read_all(reads.a, 64, scope, log);
    struct Seen {
        Log* log;
        std::string before = "not called";
    } seen{&log};
    idles.a.on_readable(
        [](Io& io, void* arg) {
            auto* s = static_cast<Seen*>(arg);
            s->before = s->log->text;
            io.close();
        },
        &seen);
    loop.turn(0);
    reads.send("request");
    idles.send("unasked");
    loop.turn(0);
    EXPECT_EQ("", seen.before);
    EXPECT_EQ("request", log.text);
    scope.cancel(Wake::cancelled);
    loop.turn(0);
    EXPECT_TRUE(log.end);
}

struct Two {
    Io* first;
    Io* second;
    int calls = 0;
    int reopen_with = -1;
};

TEST(Loop, ClosingInATurnWithAPendingEvent) {
    // Both have an event in the same array; whoever comes first closes the other, whose event must go nowhere.
    Loop loop;
    Pair p(loop), q(loop);
    loop.turn(0);
    Two two{&p.a, &q.a};
    auto handler = [](Io& io, void* arg) {
        auto* t = static_cast<Two*>(arg);
        ++t->calls;
        (&io == t->first ? t->second : t->first)->close();
    };
    p.a.on_readable(handler, &two);
    q.a.on_readable(handler, &two);
    p.send("x");
    q.send("x");
    loop.turn(0);
    EXPECT_EQ(1, two.calls);
    loop.turn(0);
    EXPECT_EQ(1, two.calls);
}

TEST(Loop, RetiredMemoryLivesToTheEndOfTheTurn) {
    Loop loop;
    struct Owned {
        Io io;
        Loop* loop;
        int* freed;
    };
    int freed = 0;
    Pair p(loop);
    std::vector<int> others;
    std::vector<Owned*> all;
    for (int i = 0; i < 8; ++i) {
        int fd[2];
        ASSERT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd));
        auto* o = new Owned{{}, &loop, &freed};
        ASSERT_TRUE(o->io.open(loop, fd[0]));
        others.push_back(fd[1]);
        all.push_back(o);
    }
    loop.turn(0);
    // The first event closes and retires all of them, although the events of the rest are still in the array.
    for (Owned* o : all)
        o->io.on_readable(
            [](Io&, void* arg) {
                for (Owned* x : *static_cast<std::vector<Owned*>*>(arg)) {
                    x->io.close();
                    x->loop->retire(
                        [](void* m) {
                            ++*static_cast<Owned*>(m)->freed;
                            delete static_cast<Owned*>(m);
                        },
                        x);
                }
            },
            &all);
    for (int fd : others)
        ASSERT_EQ(1, ::send(fd, "x", 1, 0));
    EXPECT_EQ(0, freed);
    loop.turn(0);
    EXPECT_EQ(8, freed);
    for (int fd : others)
        ::close(fd);
}

TEST(Loop, AnEventOfTheFormerDescriptorIsNotForTheNewOne) {
    // The reader sees the end, opens the same Io on a connection that is under way, and waits for it: that the former
    // descriptor was writable says nothing about the new one.
    Loop loop;
    Scope scope(loop);
    Tcp tcp;
    std::vector<int> queued;  // fill the listener's queue, so that a connection stays under way
    for (int i = 0; i < 4; ++i)
        queued.push_back(tcp.start());
    int pending = tcp.start();
    Pair p(loop);
    loop.turn(0);
    Log log;
    struct Reopen {
        int fd;
        Scope* scope;
        Log* log;
        Loop* loop;
    } reopen{pending, &scope, &log, &loop};
    p.a.on_readable(
        [](Io& io, void* arg) {
            auto* r = static_cast<Reopen*>(arg);
            io.close();
            ASSERT_TRUE(io.open(*r->loop, r->fd));
            connect(io, *r->scope, *r->log);
        },
        &reopen);
    p.close_b();  // readable, writable and hung up in one event
    loop.turn(0);
    EXPECT_FALSE(log.end);
    scope.cancel(Wake::cancelled);
    loop.turn(0);
    EXPECT_TRUE(log.end);
    for (int fd : queued)
        ::close(fd);
}

TEST(Loop, ReleaseLeavesTheDescriptorOpen) {
    Loop loop;
    Pair p(loop);
    int calls = 0;
    p.a.on_readable([](Io&, void* n) { ++*static_cast<int*>(n); }, &calls);
    int fd = p.a.release();
    EXPECT_FALSE(p.a.is_open());
    EXPECT_EQ(-1, p.a.release());
    p.send("x");
    loop.turn(0);
    EXPECT_EQ(0, calls);
    EXPECT_NE(-1, ::fcntl(fd, F_GETFD));
    ::close(fd);
}

Detached spin(Loop& loop, int rounds, std::vector<int>& order, int me) {
    for (int i = 0; i < rounds; ++i) {
        order.push_back(me);
        co_await loop.yield();
    }
    order.push_back(-me);
}

Detached wait_for_room(Io& io, Scope& scope, Log& log) {
    log.results.push_back(co_await io.writable(scope));
    log.end = true;
}

TEST(Loop, SplicedBytesWaitForRoom) {
    Loop loop;
    Scope scope(loop);
    Pair from(loop), to(loop);
    int ends[2];
    ASSERT_EQ(0, ::pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    ASSERT_TRUE(from.a.plain());
    loop.turn(0);
    EXPECT_EQ(-1, from.a.splice_to_pipe(ends[1], 100));
    EXPECT_EQ(EAGAIN, errno);
    EXPECT_FALSE(from.a.readable());
    from.send("hello");
    loop.turn(0);
    ASSERT_EQ(5, from.a.splice_to_pipe(ends[1], 100));
    ASSERT_EQ(5, to.a.splice_from_pipe(ends[0], 5));
    char got[8];
    ASSERT_EQ(5, ::recv(to.b, got, sizeof got, 0));
    EXPECT_EQ("hello", std::string_view(got, 5));
    EXPECT_EQ(0u, to.a.unsent());

    // A receiver that takes nothing.
    std::string block(4096, 'x');
    ssize_t n;
    size_t sent = 0;
    do {
        ASSERT_EQ(4096, ::write(ends[1], block.data(), block.size()));
        while ((n = to.a.splice_from_pipe(ends[0], 4096)) > 0 && (sent += static_cast<size_t>(n)) % 4096 != 0) {
        }
    } while (n > 0);
    EXPECT_EQ(EAGAIN, errno);
    EXPECT_GT(to.a.unsent(), 0u);
    Log log;
    wait_for_room(to.a, scope, log);
    EXPECT_TRUE(to.a.writing());
    loop.turn(0);
    EXPECT_FALSE(log.end);
    std::vector<char> sink(1 << 20);
    while (::recv(to.b, sink.data(), sink.size(), MSG_DONTWAIT) > 0) {
    }
    loop.turn(0);
    ASSERT_TRUE(log.end);
    EXPECT_EQ(Wake::ready, log.results[0].wake);
    EXPECT_EQ(0, log.results[0].error);
    EXPECT_FALSE(to.a.writing());
    // There is room, or so we think: no wait.
    Log again;
    wait_for_room(to.a, scope, again);
    EXPECT_TRUE(again.end);
    from.close_b();
    loop.turn(0);
    EXPECT_EQ(0, from.a.splice_to_pipe(ends[1], 100));
    EXPECT_TRUE(from.a.peer_closed());
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(Loop, YieldLetsTheOthersHaveTheirTurn) {
    Loop loop;
    Scope scope(loop);
    Pair p(loop);
    std::vector<int> order;
    spin(loop, 3, order, 1);
    spin(loop, 3, order, 2);
    Log log;
    read_all(p.a, 64, scope, log);
    p.send("x");
    uint64_t before = loop.turns();
    loop.turn(-1);  // does not sleep while somebody yields
    EXPECT_EQ("x", log.text);
    EXPECT_EQ((std::vector<int>{1, 2, 1, 2}), order);
    loop.turn(-1);
    loop.turn(-1);
    EXPECT_EQ((std::vector<int>{1, 2, 1, 2, 1, 2, -1, -2}), order);
    EXPECT_EQ(before + 3, loop.turns());
    scope.cancel(Wake::cancelled);
    loop.turn(0);
}

Detached sleeper(Loop& loop, Scope& scope, uint64_t ms, std::vector<uint64_t>& log) {
    uint64_t start = loop.now_ns();
    co_await loop.sleep(ms, scope);
    EXPECT_GE(loop.now_ns() - start, ms * 1000000);
    log.push_back(ms);
}

TEST(Loop, SleepsAreNeverShort) {
    Loop loop;
    Scope scope(loop);
    std::vector<uint64_t> log;
    for (uint64_t ms : {30, 10, 0, 20})
        sleeper(loop, scope, ms, log);
    while (log.size() < 4)
        loop.turn(-1);
    EXPECT_EQ((std::vector<uint64_t>{0, 10, 20, 30}), log);
}

TEST(Loop, AnIdleLoopWithAFarTimerSleeps) {
    Loop loop;
    Timer far;
    far.fire = [](Timer&, void*) {};
    loop.wheel().arm(far, loop.now_ms() + 3600 * 1000);
    EXPECT_GT(loop.wheel().next_in(), 60000u);
}

struct Posted : Remote {
    std::vector<int>* log;
    int n;
    Loop* stop;
};

TEST(Loop, RemotePostsFromManyThreadsInOrder) {
    Loop loop;
    constexpr int kThreads = 4, kEach = 5000;
    std::vector<int> log;  // touched by the loop's thread only
    auto run = [](Remote* r) {
        auto* p = static_cast<Posted*>(r);
        p->log->push_back(p->n);
        if (p->log->size() == kThreads * kEach) p->stop->stop();
        delete p;
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kEach; ++i) {
                auto* p = new Posted;
                p->run = run;
                p->log = &log;
                p->n = t * kEach + i;
                p->stop = &loop;
                loop.post_remote(p);
            }
        });
    loop.run();
    for (std::thread& t : threads)
        t.join();
    ASSERT_EQ(static_cast<size_t>(kThreads * kEach), log.size());
    int next[kThreads] = {};
    for (int n : log)
        EXPECT_EQ(next[n / kEach]++, n % kEach);
}

TEST(Loop, APostBeforeTheEndRunsAtTheEnd) {
    std::vector<int> log;
    {
        Loop loop;
        auto* p = new Posted;
        p->run = [](Remote* r) {
            auto* x = static_cast<Posted*>(r);
            x->log->push_back(x->n);
            x->stop->retire([](void* m) { delete static_cast<Posted*>(m); }, x);
        };
        p->log = &log;
        p->n = 7;
        p->stop = &loop;
        loop.post_remote(p);
    }
    EXPECT_EQ(std::vector<int>{7}, log);
}

}  // namespace
}  // namespace gladius::rt
