#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

namespace gladius::net {

uint16_t Address::port() const {
    if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

void Address::set_port(uint16_t port) {
    if (family() == AF_INET6)
        reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
    else
        reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
}

bool Address::operator==(const Address& o) const {
    return length == o.length && std::memcmp(&storage, &o.storage, length) == 0;
}

bool parse_ip(std::string_view text, uint16_t port, Address& out) {
    char buf[64];
    if (text.empty() || text.size() >= sizeof buf) return false;
    std::memcpy(buf, text.data(), text.size());
    buf[text.size()] = 0;
    std::memset(&out.storage, 0, sizeof out.storage);
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    if (inet_pton(AF_INET, buf, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        out.length = sizeof *v4;
        return true;
    }
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    if (inet_pton(AF_INET6, buf, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        out.length = sizeof *v6;
        return true;
    }
    return false;
}

size_t format_ip(const Address& a, char* out) {
    char buf[INET6_ADDRSTRLEN];
    const char* s = nullptr;
    if (a.family() == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&a.storage);
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
            s = inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, buf, sizeof buf);
        else
            s = inet_ntop(AF_INET6, &v6->sin6_addr, buf, sizeof buf);
    } else if (a.family() == AF_INET) {
        s = inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&a.storage)->sin_addr, buf, sizeof buf);
    }
    if (!s) return 0;
    size_t n = std::strlen(s);
    std::memcpy(out, s, n);
    return n;
}

std::string format(const Address& a) {
    char buf[64];
    std::string ip(buf, format_ip(a, buf));
    if (ip.find(':') != std::string::npos) ip = "[" + ip + "]";
    return ip + ":" + std::to_string(a.port());
}

std::string error_words(int error) {
    std::string s = std::strerror(error);
    if (!s.empty() && s[0] >= 'A' && s[0] <= 'Z') s[0] = static_cast<char>(s[0] - 'A' + 'a');
    return s;
}

Result<int> listen_tcp(std::string_view ip, uint16_t port, int backlog) {
    Address a;
    bool any = ip.empty();
    if (!parse_ip(any ? "::" : ip, port, a)) return fail("invalid ip address " + std::string(ip));
    int fd = ::socket(a.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 && any && errno == EAFNOSUPPORT) {  // a machine without IPv6
        parse_ip("0.0.0.0", port, a);
        fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    if (fd < 0) return fail("cannot make a socket: " + error_words(errno));
    int one = 1, zero = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (a.family() == AF_INET6 && any) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    if (::bind(fd, a.sa(), a.length) != 0 || ::listen(fd, backlog) != 0) {
        int e = errno;
        ::close(fd);
        return fail("listen tcp " + (any ? ":" + std::to_string(port) : format(a)) + ": bind: " + error_words(e));
    }
    return fd;
}

Result<void> port_is_free(std::string_view ip, uint16_t port) {
    Address a;
    bool any = ip.empty();
    if (!parse_ip(any ? "::" : ip, port, a)) return fail("invalid ip address " + std::string(ip));
    int fd = ::socket(a.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 && any) {
        parse_ip("0.0.0.0", port, a);
        fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    if (fd < 0) return {};
    int one = 1, zero = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a.family() == AF_INET6 && any) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    int r = ::bind(fd, a.sa(), a.length) != 0 ? errno : 0;
    ::close(fd);
    if (r) return fail("listen tcp " + (any ? ":" + std::to_string(port) : format(a)) + ": bind: " + error_words(r));
    return {};
}

uint16_t local_port(int fd) {
    Address a;
    a.length = sizeof a.storage;
    if (getsockname(fd, a.sa(), &a.length) != 0) return 0;
    return a.port();
}

void tune(int fd, int keep_alive_s, int user_timeout_ms) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (keep_alive_s > 0) {
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keep_alive_s, sizeof keep_alive_s);
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &keep_alive_s, sizeof keep_alive_s);
    }
    if (user_timeout_ms > 0) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
}

void reset_on_close(int fd) {
    linger at_once{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

int connect_start(const Address& to) {
    int fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (::connect(fd, to.sa(), to.length) != 0 && errno != EINPROGRESS) {
        int e = errno;
        ::close(fd);
        return -e;
    }
    return fd;
}

uint64_t raise_descriptor_limit() {
    rlimit r{};
    getrlimit(RLIMIT_NOFILE, &r);
    if (r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
        getrlimit(RLIMIT_NOFILE, &r);
    }
    return r.rlim_cur;
}

}  // namespace gladius::net
