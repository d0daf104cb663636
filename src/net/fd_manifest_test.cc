#include "net/fd_manifest.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "net/socket.h"

namespace gladius::net {
namespace {

struct Pair {
    int a = -1, b = -1;
    Pair() {
        int fds[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0) a = fds[0], b = fds[1];
    }
    ~Pair() {
        ::close(a);
        ::close(b);
    }
};

size_t open_descriptors() {
    size_t n = 0;
    for (int fd = 0; fd < 1024; ++fd)
        n += ::fcntl(fd, F_GETFD) >= 0;
    return n;
}

TEST(FdManifest, ArrivesWhole) {
    size_t before = open_descriptors();
    {
        Pair p;
        FdManifest m;
        m.entries.push_back({"tcp *:80", "", false, std::vector<int>(300, STDOUT_FILENO)});
        m.entries.push_back({"unix /run/a", "a.socket", true, {STDIN_FILENO}});
        m.data.emplace_back("keys", std::string("\0\n\xff", 3));
        std::thread sender([&] { EXPECT_TRUE(bool(send_manifest(p.a, m))); });
        Result<FdManifest> got = receive_manifest(p.b);
        sender.join();
        ASSERT_TRUE(bool(got)) << got.error().message;
        ASSERT_EQ(2u, got->entries.size());
        EXPECT_EQ("tcp *:80", got->entries[0].key);
        EXPECT_EQ(300u, got->entries[0].fds.size());
        EXPECT_FALSE(got->entries[0].kept);
        EXPECT_EQ("a.socket", got->entries[1].name);
        EXPECT_TRUE(got->entries[1].kept);
        EXPECT_TRUE(::fcntl(got->entries[1].fds[0], F_GETFD) & FD_CLOEXEC);
        ASSERT_EQ(1u, got->data.size());
        EXPECT_EQ(m.data[0], got->data[0]);
        got->close();
    }
    EXPECT_EQ(before, open_descriptors());
}

TEST(FdManifest, WhatIsNoneIsRefusedAndClosed) {
    size_t before = open_descriptors();
    struct {
        std::string text;
        std::vector<int> fds;
        std::string said;
    } cases[] = {
        {"no an upgrade is under way\n", {}, "what the other side sent is no manifest"},
        {"no\nan upgrade is under way\n", {}, "an upgrade is under way"},
        {"own\nkey\nname\n", {}, "what the other side sent is no manifest"},
        {"own\nkey\n", {0}, "what the other side sent is no manifest"},
        {"own\nkey\nname\nmore\n", {0}, "what the other side sent is no manifest"},
        {"mine\nkey\nname\n", {0}, "what the other side sent is no manifest"},
        {"end\n", {0}, "what the other side sent is no manifest"},
        {"data\nkeys\n" + std::string(kMaxManifestData + 1, 'a'), {}, "what the other side sent is no manifest"},
        {"data\nkeys", {}, "what the other side sent is no manifest"},
    };
    for (const auto& c : cases) {
        Pair p;
        ASSERT_TRUE(bool(send_message(p.a, "own\nfirst\n\n", {0})));
        ASSERT_TRUE(bool(send_message(p.a, c.text, c.fds)));
        Result<FdManifest> got = receive_manifest(p.b);
        ASSERT_FALSE(bool(got)) << c.text;
        EXPECT_EQ(c.said, got.error().message);
    }
    Pair gone;
    ::shutdown(gone.a, SHUT_WR);
    EXPECT_EQ("the other side went away", receive_manifest(gone.b).error().message);
    ::close(gone.a);
    ::close(gone.b);
    gone.a = gone.b = -1;
    EXPECT_EQ(before, open_descriptors());
}

TEST(FdManifest, ManyPlacesAreRefused) {
    Pair p;
    std::thread sender([&] {
        for (size_t i = 0; i < kMaxManifestEntries + 1; ++i)
            if (!send_message(p.a, "own\n" + std::to_string(i) + "\n\n", {0})) return;
    });
    Result<FdManifest> got = receive_manifest(p.b);
    EXPECT_FALSE(bool(got));
    sender.join();
}

TEST(FdManifest, KeysOfListeners) {
    Result<int> fd = listen_tcp("127.0.0.1", 0);
    ASSERT_TRUE(bool(fd));
    EXPECT_EQ("tcp 127.0.0.1:" + std::to_string(local_port(*fd)), key_of_listener(*fd));
    ::close(*fd);
    fd = listen_tcp("", 0);
    ASSERT_TRUE(bool(fd));
    EXPECT_EQ("tcp *:" + std::to_string(local_port(*fd)), key_of_listener(*fd));
    ::close(*fd);
    std::string path = "/tmp/gladius-manifest-test-" + std::to_string(getpid());
    fd = listen_unix(path, 0600);
    ASSERT_TRUE(bool(fd));
    EXPECT_EQ("unix " + path, key_of_listener(*fd));
    ::close(*fd);
    ::unlink(path.c_str());
    EXPECT_EQ("", key_of_listener(STDIN_FILENO));
    int s = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ("", key_of_listener(s));
    ::close(s);
}

TEST(FdManifest, ActivationIsForOneProcess) {
    ::setenv("LISTEN_PID", "1", 1);
    ::setenv("LISTEN_FDS", "2", 1);
    Result<FdManifest> m = take_activation_manifest();
    ASSERT_TRUE(bool(m));
    EXPECT_TRUE(m->entries.empty());
    EXPECT_EQ(nullptr, ::getenv("LISTEN_FDS")) << "not for the children either";
    ::setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "two", 1);
    EXPECT_FALSE(bool(take_activation_manifest()));
}

}  // namespace
}  // namespace gladius::net
