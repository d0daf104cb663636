#include "net/fd_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "net/socket.h"

namespace gladius::net {

namespace {

constexpr int kFirstActivated = 3;  // SD_LISTEN_FDS_START
constexpr int kSendWaitMs = 2000;   // for the other side to take what was sent before

void close_all(std::vector<int>& fds) {
    for (int fd : fds)
        ::close(fd);
    fds.clear();
}

bool take_line(std::string_view& text, std::string_view& line) {
    size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return true;
}

std::string environment(const char* name) {
    const char* v = std::getenv(name);
    return v ? v : "";
}

int option_of(int fd, int option) {
    int v = 0;
    socklen_t n = sizeof v;
    return getsockopt(fd, SOL_SOCKET, option, &v, &n) == 0 ? v : -1;
}

}  // namespace

void FdManifest::close() {
    for (Entry& e : entries)
        close_all(e.fds);
    entries.clear();
}

Result<void> send_message(int socket, std::string_view text, const std::vector<int>& fds) {
    if (text.size() > kMaxFdMessage || fds.size() > kFdsPerMessage) return fail("the message is too large");
    iovec part{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kFdsPerMessage)];
    msghdr m{};
    m.msg_iov = &part;
    m.msg_iovlen = 1;
    if (!fds.empty()) {
        size_t bytes = sizeof(int) * fds.size();
        std::memset(control, 0, sizeof control);
        m.msg_control = control;
        m.msg_controllen = CMSG_SPACE(bytes);
        cmsghdr* c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(bytes);
        std::memcpy(CMSG_DATA(c), fds.data(), bytes);
    }
    for (;;) {
        if (::sendmsg(socket, &m, MSG_NOSIGNAL) >= 0) return {};
        if (errno == EINTR) continue;
        pollfd room{socket, POLLOUT, 0};
        if ((errno == EAGAIN || errno == EWOULDBLOCK) && ::poll(&room, 1, kSendWaitMs) > 0) continue;
        return fail(error_words(errno));
    }
}

Result<FdMessage> receive_message(int socket) {
    FdMessage out;
    out.text.resize(kMaxFdMessage);
    iovec part{out.text.data(), out.text.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 256)];
    msghdr m{};
    m.msg_iov = &part;
    m.msg_iovlen = 1;
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    ssize_t n;
    do {
        n = ::recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return fail(error_words(errno));
    for (cmsghdr* c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        size_t had = out.fds.size();
        out.fds.resize(had + count);
        std::memcpy(out.fds.data() + had, CMSG_DATA(c), count * sizeof(int));
    }
    if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        close_all(out.fds);
        return fail("a message was cut: too large, or no descriptor is free");
    }
    out.text.resize(static_cast<size_t>(n));
    return out;
}

Result<void> send_manifest(int socket, const FdManifest& m) {
    for (const FdManifest::Entry& e : m.entries) {
        for (size_t i = 0; i < e.fds.size(); i += kFdsPerMessage) {
            std::vector<int> some(e.fds.begin() + static_cast<ptrdiff_t>(i),
                                  e.fds.begin() + static_cast<ptrdiff_t>(std::min(e.fds.size(), i + kFdsPerMessage)));
            std::string text = std::string(e.kept ? "kept" : "own") + "\n" + e.key + "\n" + e.name + "\n";
            if (Result<void> r = send_message(socket, text, some); !r) return r;
        }
    }
    for (const auto& [name, bytes] : m.data)
        if (Result<void> r = send_message(socket, "data\n" + name + "\n" + bytes); !r) return r;
    return send_message(socket, "end\n");
}

Result<FdManifest> receive_manifest(int socket) {
    FdManifest out;
    auto give_up = [&](std::string why) {
        out.close();
        return fail(std::move(why));
    };
    size_t descriptors = 0;
    for (;;) {
        Result<FdMessage> got = receive_message(socket);
        if (!got) return give_up(got.error().message);
        FdMessage& m = *got;
        std::string_view rest = m.text, kind, key, name;
        bool known = take_line(rest, kind);
        if (known && kind == "end" && m.fds.empty()) return out;
        if (known && kind == "data" && m.fds.empty() && take_line(rest, name) && rest.size() <= kMaxManifestData &&
            out.data.size() < kMaxManifestEntries) {
            out.data.emplace_back(name, rest);
            continue;
        }
        descriptors += m.fds.size();
        bool whole = known && (kind == "own" || kind == "kept") && take_line(rest, key) && take_line(rest, name) &&
                     rest.empty() && !m.fds.empty() && descriptors <= kMaxManifestFds;
        if (whole && (out.entries.empty() || out.entries.back().key != key)) {
            whole = out.entries.size() < kMaxManifestEntries;
            if (whole) out.entries.push_back({std::string(key), std::string(name), kind == "kept", {}});
        }
        if (!whole) {
            close_all(m.fds);
            if (m.text.empty()) return give_up("the other side went away");
            if (known && kind == "no") return give_up(std::string(rest.substr(0, rest.find('\n'))));
            return give_up("what the other side sent is no manifest");
        }
        std::vector<int>& fds = out.entries.back().fds;
        fds.insert(fds.end(), m.fds.begin(), m.fds.end());
    }
}

std::string key_of_listener(int fd) {
    if (option_of(fd, SO_ACCEPTCONN) != 1 || option_of(fd, SO_TYPE) != SOCK_STREAM) return {};
    Address a;
    a.length = sizeof a.storage;
    if (getsockname(fd, a.sa(), &a.length) != 0) return {};
    if (a.family() == AF_UNIX) return "unix " + format(a);
    if (a.family() != AF_INET && a.family() != AF_INET6) return {};
    char text[64];
    std::string ip(text, format_ip(a, text));
    if (is_any(ip)) ip = "*";
    if (ip.find(':') != std::string::npos) ip = "[" + ip + "]";
    return "tcp " + ip + ":" + std::to_string(a.port());
}

Result<FdManifest> take_activation_manifest() {
    FdManifest out;
    std::string pid = environment("LISTEN_PID"), count = environment("LISTEN_FDS"),
                names = environment("LISTEN_FDNAMES");
    for (const char* v : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
        ::unsetenv(v);
    if (pid.empty() || pid != std::to_string(::getpid())) return out;  // meant for another process
    int n = 0;
    auto r = std::from_chars(count.data(), count.data() + count.size(), n);
    if (r.ec != std::errc() || n < 0 || static_cast<size_t>(n) > kMaxManifestFds)
        return fail("LISTEN_FDS is no number");
    std::string_view rest = names;
    for (int fd = kFirstActivated; fd < kFirstActivated + n; ++fd) {
        size_t colon = rest.find(':');
        std::string name(rest.substr(0, colon));
        rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
        std::string key = key_of_listener(fd);
        if (key.empty())
            return fail("descriptor " + std::to_string(fd) + " of LISTEN_FDS (" + name +
                        ") is no listening stream socket");
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
        FdManifest::Entry* same = nullptr;
        for (FdManifest::Entry& e : out.entries)
            if (e.key == key) same = &e;
        if (!same) same = &out.entries.emplace_back(FdManifest::Entry{key, name, true, {}});
        same->fds.push_back(fd);
    }
    return out;
}

}  // namespace gladius::net
