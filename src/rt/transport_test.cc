#include "rt/transport.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "rt/loop.h"

namespace gladius::rt {
namespace {

// A stream without a descriptor: `in` is what can be read, `room` how much may be written.
struct Stream final : Transport {
    std::string in, out;
    size_t room = 0;
    bool end = false, closed = false;
    ssize_t recv(char* buf, size_t n) override {
        if (in.empty()) {
            if (end) return 0;
            errno = EAGAIN;
            return -1;
        }
        n = std::min(n, in.size());
        std::memcpy(buf, in.data(), n);
        in.erase(0, n);
        return static_cast<ssize_t>(n);
    }
    ssize_t send(const char* data, size_t n) override {
        if (room == 0) {
            errno = EAGAIN;
            return -1;
        }
        n = std::min(n, room);
        out.append(data, n);
        room -= n;
        return static_cast<ssize_t>(n);
    }
    ssize_t peek() override {
        if (!in.empty()) return 1;
        if (end) return 0;
        errno = EAGAIN;
        return -1;
    }
    bool has_more() const override { return !in.empty() || end; }
    void shutdown_write() override {}
    void close() override { closed = true; }
};

// On a socket: every byte has its highest bit turned. The first word of the other side must be "hi".
struct Turned final : Transport {
    Io& io;
    bool closed = false;
    bool full = false;  // the last recv took all it could
    explicit Turned(Io& i) : io(i) {}
    ssize_t recv(char* buf, size_t n) override {
        ssize_t k = ::recv(io.fd(), buf, n, 0);
        full = k == static_cast<ssize_t>(n);
        for (ssize_t i = 0; i < k; ++i)
            buf[i] = static_cast<char>(buf[i] ^ 0x80);
        return k;
    }
    ssize_t send(const char* data, size_t n) override {
        std::string t(data, n);
        for (char& c : t)
            c = static_cast<char>(c ^ 0x80);
        return ::send(io.fd(), t.data(), n, MSG_NOSIGNAL);
    }
    ssize_t peek() override {
        char c;
        return ::recv(io.fd(), &c, 1, MSG_PEEK);
    }
    bool has_more() const override { return full; }
    ssize_t handshake() override {
        char word[2];
        ssize_t n = recv(word, 2);
        if (n < 0) return -1;
        errno = EPROTO;
        return n == 2 && word[0] == 'h' ? 1 : -1;
    }
    void shutdown_write() override {}
    void close() override { closed = true; }
};

struct Seen {
    std::string text;
    std::vector<IoResult> results;
    bool end = false;
};

Detached read_all(Io& io, Scope& scope, Seen& seen) {
    char buf[4];
    for (;;) {
        IoResult r = co_await io.read(buf, sizeof buf, scope);
        seen.results.push_back(r);
        if (!r.ok()) break;
        seen.text.append(buf, static_cast<size_t>(r.n));
    }
    seen.end = true;
}

Detached write_all(Io& io, const std::string& text, Scope& scope, Seen& seen) {
    seen.results.push_back(co_await io.write(text.data(), text.size(), scope));
    seen.end = true;
}

Detached shake(Io& io, Scope& scope, Seen& seen) {
    seen.results.push_back(co_await io.handshake(scope));
    seen.end = true;
}

TEST(Transport, StreamIsReadWhenItIsSignalled) {
    Loop loop;
    Scope scope(loop);
    Stream s;
    Io io;
    io.open(loop, s);
    Seen seen;
    read_all(io, scope, seen);
    s.in = "hello world";
    loop.turn(0);
    EXPECT_EQ("", seen.text);  // nobody said so
    io.signal(Io::kReadable);
    EXPECT_EQ("", seen.text);  // never inside the call
    loop.turn(-1);             // does not wait while there is a signal
    EXPECT_EQ("hello world", seen.text);
    EXPECT_FALSE(seen.end);
    s.end = true;
    io.signal(Io::kReadable);
    loop.turn(0);
    EXPECT_TRUE(seen.end);
    EXPECT_EQ(0, seen.results.back().n);
    io.close();
    EXPECT_TRUE(s.closed);
    EXPECT_FALSE(io.is_open());
}

TEST(Transport, StreamIsWrittenAsThereIsRoom) {
    Loop loop;
    Scope scope(loop);
    Stream s;
    s.room = 3;
    Io io;
    io.open(loop, s);
    EXPECT_EQ(2, io.write_now("ab", 2));
    Seen seen;
    std::string text = "cdef";
    write_all(io, text, scope, seen);
    EXPECT_EQ("abc", s.out);
    s.room = 100;
    io.signal(Io::kWritable);
    loop.turn(0);
    EXPECT_EQ("abcdef", s.out);
    EXPECT_EQ(4, seen.results.at(0).n);
    io.close();
}

TEST(Transport, BrokenStreamHangsUp) {
    Loop loop;
    Stream s;
    Io io;
    io.open(loop, s);
    int calls = 0;
    io.on_hangup([](Io&, void* n) { ++*static_cast<int*>(n); }, &calls);
    io.signal(Io::kBroken);
    io.signal(Io::kBroken);
    loop.turn(0);
    EXPECT_EQ(1, calls);
    EXPECT_TRUE(io.broken());
    io.close();
}

TEST(Transport, ClosedStreamIsNotDispatched) {
    Loop loop;
    Stream s;
    Io io;
    io.open(loop, s);
    int calls = 0;
    io.on_hangup([](Io&, void* n) { ++*static_cast<int*>(n); }, &calls);
    io.signal(Io::kBroken);
    io.close();
    io.signal(Io::kReadable);  // of nobody any more
    loop.turn(0);
    EXPECT_EQ(0, calls);
}

struct SocketPair {
    Io a;
    int b = -1;
    explicit SocketPair(Loop& loop) {
        int fd[2];
        EXPECT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd));
        EXPECT_TRUE(a.open(loop, fd[0]));
        b = fd[1];
        loop.turn(0);
    }
    ~SocketPair() {
        a.close();
        ::close(b);
    }
    void send_turned(std::string text) const {
        for (char& c : text)
            c = static_cast<char>(c ^ 0x80);
        EXPECT_EQ(static_cast<ssize_t>(text.size()), ::send(b, text.data(), text.size(), MSG_NOSIGNAL));
    }
};

TEST(Transport, OnASocketAllBytesGoThroughIt) {
    Loop loop;
    Scope scope(loop);
    SocketPair p(loop);
    Turned t(p.a);
    p.a.attach(t);
    Seen hands, read;
    shake(p.a, scope, hands);
    loop.turn(0);
    EXPECT_FALSE(hands.end);
    p.send_turned("hi");
    loop.turn(0);
    ASSERT_TRUE(hands.end);
    EXPECT_EQ(1, hands.results[0].n);
    read_all(p.a, scope, read);
    p.send_turned("some more");
    loop.turn(0);
    EXPECT_EQ("some more", read.text);
    EXPECT_EQ(2, p.a.write_now("ok", 2));
    char back[2];
    EXPECT_EQ(2, ::recv(p.b, back, 2, 0));
    EXPECT_EQ(static_cast<char>('o' ^ 0x80), back[0]);
    scope.cancel(Wake::cancelled);
    loop.turn(0);
    p.a.close();
    EXPECT_TRUE(t.closed);
}

TEST(Transport, FailedHandshakeSaysWhy) {
    Loop loop;
    Scope scope(loop);
    SocketPair p(loop);
    Turned t(p.a);
    p.a.attach(t);
    Seen hands;
    shake(p.a, scope, hands);
    p.send_turned("no");
    loop.turn(0);
    ASSERT_TRUE(hands.end);
    EXPECT_EQ(-1, hands.results[0].n);
    EXPECT_EQ(EPROTO, hands.results[0].error);
}

}  // namespace
}  // namespace gladius::rt
