#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <iterator>

namespace gladius::net {

uint16_t Address::port() const {
    if (family() == AF_UNIX) return 0;
    if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

void Address::set_port(uint16_t port) {
    if (family() == AF_UNIX) return;
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

void write_mapped(const Address& a, uint8_t (&out)[16]) {
    std::memset(out, 0, sizeof out);
    if (a.family() == AF_INET6) {
        std::memcpy(out, &reinterpret_cast<const sockaddr_in6*>(&a.storage)->sin6_addr, 16);
    } else if (a.family() == AF_INET) {
        out[10] = out[11] = 0xff;
        std::memcpy(out + 12, &reinterpret_cast<const sockaddr_in*>(&a.storage)->sin_addr, 4);
    }
}

std::string format(const Address& a) {
    if (a.family() == AF_UNIX) return reinterpret_cast<const sockaddr_un*>(&a.storage)->sun_path;
    char buf[64];
    std::string ip(buf, format_ip(a, buf));
    if (ip.find(':') != std::string::npos) ip = "[" + ip + "]";
    return ip + ":" + std::to_string(a.port());
}

bool unix_address(std::string_view path, Address& out) {
    out = Address{};
    auto* a = reinterpret_cast<sockaddr_un*>(&out.storage);
    if (path.empty() || path.size() >= sizeof a->sun_path || path.find('\0') != std::string_view::npos) return false;
    a->sun_family = AF_UNIX;
    std::memcpy(a->sun_path, path.data(), path.size());
    out.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return true;
}

std::string error_words(int error) {
    std::string s = std::strerror(error);
    if (!s.empty() && s[0] >= 'A' && s[0] <= 'Z') s[0] = static_cast<char>(s[0] - 'A' + 'a');
    return s;
}

bool is_any(std::string_view ip) {
    return ip.empty() || ip == "0.0.0.0" || ip == "::";
}

namespace {
// "listen tcp :80: bind: address already in use"
std::string bind_error(std::string_view ip, uint16_t port, int error) {
    std::string host = ip.find(':') != std::string_view::npos ? "[" + std::string(ip) + "]" : std::string(ip);
    return "listen tcp " + host + ":" + std::to_string(port) + ": bind: " + error_words(error);
}
}  // namespace

Result<int> listen_tcp(std::string_view ip, uint16_t port, int backlog) {
    Address a;
    bool any = is_any(ip);
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
        return fail(bind_error(ip, port, e));
    }
    return fd;
}

Result<void> port_is_free(std::string_view ip, uint16_t port) {
    Address a;
    bool any = is_any(ip);
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
    if (r) return fail(bind_error(ip, port, r));
    return {};
}

uint16_t local_port(int fd) {
    Address a;
    a.length = sizeof a.storage;
    if (getsockname(fd, a.sa(), &a.length) != 0) return 0;
    return a.port();
}

void stop_new_connections(int fd) {
    // The program sees the TCP header; byte 13 holds the flags.
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

FileIdentity identity_of(const std::string& path) {
    struct stat st{};
    if (::lstat(path.c_str(), &st) != 0) return {};
    return {st.st_dev, st.st_ino};
}

void remove_socket_file(const std::string& path, const FileIdentity& ours) {
    if (ours != FileIdentity{} && identity_of(path) == ours) ::unlink(path.c_str());
}

Result<int> listen_unix(const std::string& path, uint32_t mode, int backlog, int type) {
    Address a;
    if (!unix_address(path, a)) return fail("listen unix " + path + ": the path is empty or too long");
    struct stat st{};
    if (::lstat(path.c_str(), &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) return fail("listen unix " + path + ": there is a file that is no socket");
        int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (probe < 0) return fail("cannot make a socket: " + error_words(errno));
        bool stale = ::connect(probe, a.sa(), a.length) != 0 && errno == ECONNREFUSED;
        ::close(probe);
        if (!stale) return fail("listen unix " + path + ": bind: " + error_words(EADDRINUSE));
        if (::unlink(path.c_str()) != 0) return fail("cannot remove " + path + ": " + error_words(errno));
    }
    int fd = ::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail("cannot make a socket: " + error_words(errno));
    // The file gets the permissions of the socket, less the umask: so it is at no time more open than asked for.
    ::fchmod(fd, mode);
    if (::bind(fd, a.sa(), a.length) != 0 || ::chmod(path.c_str(), mode) != 0 || ::listen(fd, backlog) != 0) {
        int e = errno;
        ::close(fd);
        return fail("listen unix " + path + ": bind: " + error_words(e));
    }
    return fd;
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
