#include "app/upgrade.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/environment.h"

namespace gladius::app {

namespace {

constexpr std::string_view kProtocol = "gladius-upgrade 1";
constexpr uint64_t kHelloMs = 5000;
constexpr int kAnswerSeconds = 10;

std::string hello() {
    return std::string(kProtocol) + "\n" GLADIUS_VERSION "\n" + std::to_string(::getpid()) + "\n";
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        size_t end = text.find('\n');
        out.emplace_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    return out;
}

// Of the same user, as the kernel says; its process.
bool is_ours(int fd, int& pid) {
    ucred c{};
    socklen_t n = sizeof c;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) != 0 || c.uid != ::geteuid()) return false;
    pid = c.pid;
    return true;
}

}  // namespace

// --- the old process -------------------------------------------------------------------------------------------------

Result<void> UpgradeServer::open(const std::string& path) {
    // Renamed into its place, so that there is always somebody at it.
    std::string fresh = path + ".new";
    ::unlink(fresh.c_str());
    Result<int> fd = net::listen_unix(fresh, 0600, 4, SOCK_SEQPACKET);
    if (!fd) return fail(fd.error().message);
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        int e = errno;
        ::close(*fd);
        ::unlink(fresh.c_str());
        return fail("cannot listen at " + path + ": " + net::error_words(e));
    }
    path_ = path;
    file_ = net::identity_of(path);
    GL_CHECK(listener_.open(loop_, *fd));
    listener_.on_readable([](rt::Io&, void* self) { static_cast<UpgradeServer*>(self)->on_connection(); }, this);
    deadline_.arg = this;
    deadline_.fire = [](rt::Timer&, void* self) {
        auto* s = static_cast<UpgradeServer*>(self);
        s->end(s->phase_ == Phase::hello ? "it said nothing" : "it was not ready in time");
    };
    return {};
}

void UpgradeServer::close() {
    if (deadline_.armed()) deadline_.disarm();
    session_.close();
    if (!listener_.is_open()) return;
    net::remove_socket_file(path_, file_);
    listener_.close();
}

void UpgradeServer::refuse(int fd, const std::string& why) {
    owner_.upgrade_said("refused an upgrade: " + why, true);
    (void)net::send_message(fd, "no\n" + why + "\n");
    ::close(fd);
}

void UpgradeServer::on_connection() {
    for (;;) {
        int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        int pid = 0;
        if (!is_ours(fd, pid))
            refuse(fd, "it is of another user");
        else if (session_.is_open())
            refuse(fd, "another upgrade is under way");
        else
            begin(fd);
    }
}

void UpgradeServer::begin(int fd) {
    if (!session_.open(loop_, fd)) {
        ::close(fd);
        return;
    }
    is_ours(fd, pid_);
    who_ = "process " + std::to_string(pid_);
    phase_ = Phase::hello;
    session_.on_readable([](rt::Io&, void* self) { static_cast<UpgradeServer*>(self)->on_message(); }, this);
    loop_.wheel().arm(deadline_, loop_.now_ms() + kHelloMs);
}

void UpgradeServer::end(const std::string& why) {
    if (deadline_.armed()) deadline_.disarm();
    (void)net::send_message(session_.fd(), "no\n" + why + "\n");
    session_.close();
    owner_.upgrade_said("the upgrade by " + who_ + " failed, this process goes on serving: " + why, true);
}

void UpgradeServer::on_message() {
    while (session_.is_open()) {
        errno = 0;
        Result<net::FdMessage> got = net::receive_message(session_.fd());
        if (!got) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) return;
            return end(got.error().message);
        }
        for (int fd : got->fds)
            ::close(fd);
        if (got->text.empty()) return end("it ended before it was ready");
        std::vector<std::string> lines = lines_of(got->text);
        if (phase_ == Phase::hello) {
            if (lines.size() < 3 || lines[0] != kProtocol)
                return end("it speaks another protocol: " + lines[0].substr(0, 64));
            who_ += " (version " + lines[1].substr(0, 64) + ")";
            owner_.upgrade_said("an upgrade by " + who_ + " begins", false);
            if (Result<void> r = net::send_message(session_.fd(), hello()); !r) return end(r.error().message);
            if (Result<void> r = net::send_manifest(session_.fd(), owner_.manifest()); !r)
                return end(r.error().message);
            phase_ = Phase::ready;
            loop_.wheel().arm(deadline_, loop_.now_ms() + ready_ms_);
            continue;
        }
        if (lines[0] != "ready") return end("it said what was not expected");
        lines.erase(lines.begin());
        deadline_.disarm();
        // Who does not hear this does not serve: it is sent before anything is let go.
        if (Result<void> r = net::send_message(session_.fd(), "yours\n"); !r) return end(r.error().message);
        owner_.upgrade_said("handing over to " + who_, false);
        int pid = pid_;
        // Not the file: it is, or will be, the successor's.
        session_.close();
        listener_.close();
        owner_.hand_over(pid, lines);
        return;
    }
}

// --- the new process -------------------------------------------------------------------------------------------------

Predecessor::~Predecessor() {
    manifest.close();
    if (fd_ >= 0) ::close(fd_);
}

Result<std::unique_ptr<Predecessor>> Predecessor::find(const std::string& path) {
    auto p = std::make_unique<Predecessor>();
    net::Address a;
    if (!net::unix_address(path, a)) return fail("--upgrade-socket " + path + ": the path is empty or too long");
    struct stat st{};
    if (::lstat(path.c_str(), &st) != 0) {
        if (errno == ENOENT) return std::unique_ptr<Predecessor>();
        return fail("--upgrade-socket " + path + ": " + net::error_words(errno));
    }
    if (!S_ISSOCK(st.st_mode)) return fail("--upgrade-socket " + path + ": there is a file that is no socket");
    p->fd_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (p->fd_ < 0) return fail("cannot make a socket: " + net::error_words(errno));
    timeval wait{kAnswerSeconds, 0};
    setsockopt(p->fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(p->fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (::connect(p->fd_, a.sa(), a.length) != 0) {
        if (errno == ECONNREFUSED) return std::unique_ptr<Predecessor>();  // of a process that is no more
        return fail("--upgrade-socket " + path + ": " + net::error_words(errno));
    }
    int pid = 0;
    if (!is_ours(p->fd_, pid)) return fail("--upgrade-socket " + path + ": the process behind it is of another user");
    auto failed = [&](const std::string& why) { return fail("the running process did not hand over: " + why); };
    if (Result<void> r = net::send_message(p->fd_, hello()); !r) return failed(r.error().message);
    Result<net::FdMessage> first = net::receive_message(p->fd_);
    if (!first) return failed(first.error().message);
    for (int fd : first->fds)
        ::close(fd);
    std::vector<std::string> lines = lines_of(first->text);
    if (lines.size() == 2 && lines[0] == "no") return failed(lines[1]);
    if (lines.size() < 3 || lines[0] != kProtocol) return failed("it speaks another protocol");
    p->version = lines[1].substr(0, 64);
    p->pid = pid;
    Result<net::FdManifest> m = net::receive_manifest(p->fd_);
    if (!m) return failed(m.error().message);
    p->manifest = std::move(*m);
    return p;
}

Result<void> Predecessor::take_over(const std::vector<std::string>& places) {
    std::string text = "ready\n";
    for (const std::string& place : places)
        text += place + "\n";
    std::string why;
    if (Result<void> r = net::send_message(fd_, text); !r) {
        why = r.error().message;
    } else if (Result<net::FdMessage> got = net::receive_message(fd_); !got) {
        why = got.error().message;
    } else {
        std::vector<std::string> lines = lines_of(got->text);
        if (!lines.empty() && lines[0] == "yours") return {};
        why = lines.size() == 2 && lines[0] == "no" ? lines[1] : "it went away";
    }
    // A process that is no more cannot let go, and need not.
    if (::kill(pid, 0) != 0 && errno == ESRCH) return {};
    return fail("the running process did not hand over: " + why);
}

}  // namespace gladius::app
