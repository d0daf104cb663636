#include "net/pipes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace gladius::net {
namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(Pipes, AreUsedAgainWhenEmpty) {
    Pipes pipes;
    Pipe* p = pipes.take();
    ASSERT_NE(nullptr, p);
    EXPECT_EQ(static_cast<int>(Pipe::kBytes), ::fcntl(p->write_end, F_GETPIPE_SZ));
    int end = p->read_end;
    pipes.give_back(p);
    p = pipes.take();
    ASSERT_NE(nullptr, p);
    EXPECT_EQ(end, p->read_end);
    pipes.give_back(p);
    pipes.trim();
    EXPECT_FALSE(is_open(end));
}

TEST(Pipes, OneWithBytesInItIsClosed) {
    Pipes pipes;
    Pipe* p = pipes.take();
    ASSERT_NE(nullptr, p);
    int end = p->read_end;
    ASSERT_EQ(5, ::write(p->write_end, "other", 5));
    p->filled = 5;
    pipes.give_back(p);
    EXPECT_FALSE(is_open(end));
}

TEST(Pipes, HaveALimit) {
    Pipes pipes;
    std::vector<Pipe*> taken;
    for (size_t i = 0; i < Pipes::kMost; ++i) {
        taken.push_back(pipes.take());
        ASSERT_NE(nullptr, taken.back());
    }
    EXPECT_EQ(nullptr, pipes.take());
    pipes.give_back(taken.back());
    taken.back() = pipes.take();
    EXPECT_NE(nullptr, taken.back());
    for (Pipe* p : taken)
        pipes.give_back(p);
}

}  // namespace
}  // namespace gladius::net
