#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gladius::net {
namespace {

TEST(Address, ParsesAndPrints) {
    Address a;
    ASSERT_TRUE(parse_ip("127.0.0.1", 80, a));
    EXPECT_EQ(AF_INET, a.family());
    EXPECT_EQ(80, a.port());
    EXPECT_EQ("127.0.0.1:80", format(a));
    a.set_port(65535);
    EXPECT_EQ("127.0.0.1:65535", format(a));
    ASSERT_TRUE(parse_ip("2001:DB8:0::1", 443, a));
    EXPECT_EQ(AF_INET6, a.family());
    EXPECT_EQ("[2001:db8::1]:443", format(a));
    a.set_port(1);
    EXPECT_EQ(1, a.port());
    ASSERT_TRUE(parse_ip("::ffff:10.0.0.1", 9, a));
    EXPECT_EQ("10.0.0.1:9", format(a));
    char buf[45];
    ASSERT_TRUE(parse_ip("1111:2222:3333:4444:5555:6666:7777:8888", 0, a));
    EXPECT_EQ("1111:2222:3333:4444:5555:6666:7777:8888", std::string(buf, format_ip(a, buf)));
    EXPECT_EQ(0u, format_ip(Address(), buf));
}

TEST(Address, RefusesWhatIsNoAddress) {
    Address a;
    for (std::string_view s : {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "01.2.3.4.",
                               "[::1]", ":::1", "1::2::3", "g::1", "300.1.1.1"})
        EXPECT_FALSE(parse_ip(s, 1, a)) << s;
    EXPECT_FALSE(parse_ip(std::string(1000, '1'), 1, a));
    EXPECT_FALSE(parse_ip(std::string(63, ':'), 1, a));
}

TEST(Address, Equality) {
    Address a, b;
    parse_ip("10.0.0.1", 1, a);
    parse_ip("2001:db8::1", 1, b);
    EXPECT_FALSE(a == b);
    parse_ip("10.0.0.1", 1, b);  // over an IPv6 address: nothing of it is left
    EXPECT_TRUE(a == b);
    b.set_port(2);
    EXPECT_FALSE(a == b);
}

TEST(Socket, ListensConnectsAndIsPrivate) {
    for (std::string_view ip : {"127.0.0.1", ""}) {
        Result<int> l = listen_tcp(ip, 0);
        ASSERT_TRUE(bool(l)) << l.error().message;
        uint16_t port = local_port(*l);
        EXPECT_NE(0, port);
        EXPECT_TRUE(::fcntl(*l, F_GETFD) & FD_CLOEXEC);
        EXPECT_TRUE(::fcntl(*l, F_GETFL) & O_NONBLOCK);
        // Another worker's queue at the same address.
        Result<int> again = listen_tcp(ip, port);
        ASSERT_TRUE(bool(again)) << again.error().message;
        ::close(*again);
        Address to;
        parse_ip("127.0.0.1", port, to);
        int fd = connect_start(to);
        ASSERT_GE(fd, 0);
        EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
        EXPECT_TRUE(::fcntl(fd, F_GETFL) & O_NONBLOCK);
        pollfd p{fd, POLLOUT, 0};
        EXPECT_EQ(1, ::poll(&p, 1, -1));
        tune(fd, 15, 3000);
        int v = 0;
        socklen_t n = sizeof v;
        ASSERT_EQ(0, ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, &n));
        EXPECT_NE(0, v);
        ASSERT_EQ(0, ::getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &v, &n));
        EXPECT_EQ(15, v);
        ASSERT_EQ(0, ::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &v, &n));
        EXPECT_EQ(3000, v);
        ::close(fd);
        ::close(*l);
    }
}

TEST(Socket, ErrorsAreSentences) {
    Result<int> bad = listen_tcp("300.1.1.1", 80);
    ASSERT_FALSE(bool(bad));
    EXPECT_EQ("invalid ip address 300.1.1.1", bad.error().message);
    // A port somebody holds without SO_REUSEPORT.
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Address a;
    parse_ip("127.0.0.1", 0, a);
    ASSERT_EQ(0, ::bind(fd, a.sa(), a.length));
    ASSERT_EQ(0, ::listen(fd, 1));
    Result<int> used = listen_tcp("127.0.0.1", local_port(fd));
    ASSERT_FALSE(bool(used));
    EXPECT_EQ("listen tcp 127.0.0.1:" + std::to_string(local_port(fd)) + ": bind: address already in use",
              used.error().message);
    ::close(fd);
    EXPECT_EQ(0, local_port(-1));
}

TEST(Socket, UnixSocketsHaveTheirPermissionsAndReplaceStaleOnes) {
    std::string path = "/tmp/gladius-socket-test-" + std::to_string(getpid());
    ::umask(0);
    Result<int> fd = listen_unix(path, 0640);
    ASSERT_TRUE(bool(fd)) << fd.error().message;
    struct stat st{};
    ASSERT_EQ(0, ::stat(path.c_str(), &st));
    EXPECT_EQ(0640u, st.st_mode & 0777);
    FileIdentity first = identity_of(path);
    Result<int> second = listen_unix(path, 0640);
    ASSERT_FALSE(bool(second));
    EXPECT_EQ("listen unix " + path + ": bind: address already in use", second.error().message);

    Address a, b;
    ASSERT_TRUE(unix_address(path, a));
    EXPECT_EQ(AF_UNIX, a.family());
    EXPECT_EQ(0, a.port());
    EXPECT_EQ(path, format(a));
    int c = connect_start(a);
    EXPECT_GE(c, 0);
    ::close(c);

    ::unlink(path.c_str());
    Result<int> third = listen_unix(path, 0600);
    ASSERT_TRUE(bool(third)) << third.error().message;
    remove_socket_file(path, first);  // is another's now
    EXPECT_NE(FileIdentity{}, identity_of(path));
    ::close(*fd);
    ::close(*third);  // the file stays, nobody listens
    Result<int> fourth = listen_unix(path, 0600);
    ASSERT_TRUE(bool(fourth)) << fourth.error().message;
    remove_socket_file(path, identity_of(path));
    EXPECT_EQ(FileIdentity{}, identity_of(path));
    ::close(*fourth);

    EXPECT_FALSE(unix_address("", b));
    EXPECT_FALSE(unix_address(std::string(108, 'a'), b));
    EXPECT_TRUE(unix_address(std::string(107, 'a'), b));
    EXPECT_FALSE(bool(listen_unix("/tmp", 0600)));
    EXPECT_FALSE(bool(listen_unix("/nowhere/a.sock", 0600)));
}

TEST(Socket, RaisesTheDescriptorLimit) {
    uint64_t now = raise_descriptor_limit();
    EXPECT_GT(now, 0u);
    EXPECT_EQ(now, raise_descriptor_limit());
}

}  // namespace
}  // namespace gladius::net
