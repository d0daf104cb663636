#include "rt/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <utility>

#include "base/pool.h"

namespace gladius::rt {

namespace {
constexpr int kEvents = 512;
uint64_t clock_ns(clockid_t id) {
    timespec t;
    clock_gettime(id, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}
}  // namespace

// The C library's wrappers are cancellation points, which costs every call a little in a program with threads; nobody
// cancels threads here.
ssize_t socket_recv(int fd, char* buf, size_t n) {
    return ::syscall(SYS_recvfrom, fd, buf, n, 0, nullptr, nullptr);
}
ssize_t socket_send(int fd, const char* data, size_t n) {
    return ::syscall(SYS_sendto, fd, data, n, MSG_NOSIGNAL, nullptr, 0);
}

struct Loop::Retired {
    Retired* next;
    void (*fn)(void*);
    void* p;
};

// --- Io
// ---------------------------------------------------------------------------------------------------------------------------

bool Io::open(Loop& loop, int fd) {
    GL_ASSERT(fd_ < 0);
    epoll_event ev{};
    ev.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    ev.data.ptr = this;
    if (epoll_ctl(loop.epoll_, EPOLL_CTL_ADD, fd, &ev) != 0) return false;
    reset(loop, fd, nullptr);
    return true;
}

void Io::open(Loop& loop, Transport& t) {
    GL_ASSERT(!is_open());
    reset(loop, -1, &t);
}

void Io::attach(Transport& t) {
    GL_ASSERT(fd_ >= 0 && !transport_ && !reader_ && !writer_);
    transport_ = &t;
}

void Io::reset(Loop& loop, int fd, Transport* t) {
    loop_ = &loop;
    transport_ = t;
    fd_ = fd;
    opened_turn_ = loop.turns_;
    signals_ = 0;
    can_read_ = can_write_ = peer_closed_ = broken_ = connecting_ = handshaking_ = false;
}

void Io::signal(uint32_t what) {
    if (!is_open()) return;
    signals_ |= what;
    if (!linked()) loop_->signalled_.push_back(*this);
}

void Io::close() {
    if (!is_open()) return;
    GL_ASSERT(!reader_ && !writer_);
    unlink();
    if (Transport* t = std::exchange(transport_, nullptr)) t->close();
    if (fd_ >= 0) {
        // A closed descriptor leaves the epoll set only when it was the last of its file: one that a successor was
        // given, or a child has until its exec, would go on to report events for memory that is no more.
        epoll_ctl(loop_->epoll_, EPOLL_CTL_DEL, fd_, nullptr);
        ::close(fd_);
    }
    fd_ = -1;
    hangup_ = event_ = wevent_ = nullptr;
}

int Io::release() {
    GL_ASSERT(!reader_ && !writer_ && !transport_);
    if (fd_ >= 0) epoll_ctl(loop_->epoll_, EPOLL_CTL_DEL, fd_, nullptr);
    hangup_ = event_ = wevent_ = nullptr;
    return std::exchange(fd_, -1);
}

ssize_t Io::recv_some(char* buf, size_t n) {
    return transport_ ? transport_->recv(buf, n) : socket_recv(fd_, buf, n);
}

ssize_t Io::send_some(const char* data, size_t n) {
    return transport_ ? transport_->send(data, n) : socket_send(fd_, data, n);
}

ssize_t Io::peek() {
    if (transport_) return transport_->peek();
    char byte;
    return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

void Io::shutdown_write() {
    if (transport_) transport_->shutdown_write();
    if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
}

ssize_t Io::read_now(char* buf, size_t n) {
    for (;;) {
        ssize_t r = recv_some(buf, n);
        if (r > 0) {
            bool drained = transport_ ? !transport_->has_more() : static_cast<size_t>(r) < n;
            if (drained && !peer_closed_) can_read_ = false;
            return r;
        }
        if (r == 0) peer_closed_ = true;
        if (r < 0 && errno == EINTR) continue;
        if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) can_read_ = false;
        return r;
    }
}

bool Io::try_read(ReadAwait& w) {
    for (;;) {
        ssize_t n = recv_some(w.buf, w.cap);
        if (n > 0) {
            // A short read means that the socket is drained: readiness comes again with new bytes. Not so after the
            // other side closed: then only a further read tells.
            bool drained = transport_ ? !transport_->has_more() : static_cast<size_t>(n) < w.cap;
            if (drained && !peer_closed_) can_read_ = false;
            w.res = IoResult{n, 0, Wake::ready};
            return true;
        }
        if (n == 0) {
            peer_closed_ = true;
            w.res = IoResult{0, 0, Wake::ready};
            return true;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            can_read_ = false;
            return false;
        }
        w.res = IoResult{-1, errno, Wake::ready};
        return true;
    }
}

bool Io::try_write(WriteAwait& w) {
    if (connecting_) {
        int err = 0;
        socklen_t len = sizeof err;
        if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &err, &len) != 0) err = errno;
        connecting_ = false;
        w.res = err ? IoResult{-1, err, Wake::ready} : IoResult{1, 0, Wake::ready};
        return true;
    }
    if (handshaking_) {
        ssize_t n = transport_->handshake();
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
        handshaking_ = false;
        w.res = IoResult{n, n < 0 ? errno : 0, Wake::ready};
        return true;
    }
    if (w.data == nullptr && !can_write_) return false;  // writable()
    while (w.left > 0) {
        ssize_t n = send_some(w.data, w.left);
        if (n >= 0) {
            w.data += n;
            w.left -= static_cast<size_t>(n);
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            can_write_ = false;
            return false;
        }
        w.res = IoResult{-1, errno, Wake::ready};
        return true;
    }
    w.res = IoResult{static_cast<ssize_t>(w.total), 0, Wake::ready};
    return true;
}

ssize_t Io::write_now(const char* data, size_t n) {
    for (;;) {
        ssize_t r = send_some(data, n);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) can_write_ = false;
        return r;
    }
}

ssize_t Io::splice_to_pipe(int pipe, size_t n) {
    for (;;) {
        ssize_t r = ::splice(fd_, nullptr, pipe, nullptr, n, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0 && errno == EAGAIN) can_read_ = false;
        if (r == 0) peer_closed_ = true;
        return r;
    }
}

ssize_t Io::splice_from_pipe(int pipe, size_t n) {
    for (;;) {
        ssize_t r = ::splice(pipe, nullptr, fd_, nullptr, n, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0 && errno == EAGAIN) can_write_ = false;
        return r;
    }
}

Io::WriteAwait Io::writable(Scope& scope) {
    if (room() == 0) can_write_ = false;
    return WriteAwait(*this, scope, nullptr, 0);
}

size_t Io::unsent() const {
    int n = 0;
    return fd_ >= 0 && ioctl(fd_, SIOCOUTQ, &n) == 0 && n > 0 ? static_cast<size_t>(n) : 0;
}

bool Io::has_room(size_t n) const {
    uint32_t info[SK_MEMINFO_VARS];
    socklen_t len = sizeof info;
    if (fd_ < 0 || getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, info, &len) != 0) return false;
    return info[SK_MEMINFO_WMEM_QUEUED] + n <= info[SK_MEMINFO_SNDBUF];
}

Io::WriteAwait Io::connected(Scope& scope) {
    connecting_ = true;
    can_write_ = false;
    return WriteAwait(*this, scope, nullptr, 0);
}

Io::WriteAwait Io::handshake(Scope& scope) {
    GL_ASSERT(transport_);
    handshaking_ = true;
    return WriteAwait(*this, scope, nullptr, 0);
}

bool Io::ReadAwait::await_ready() {
    if (scope.ended()) {
        result = scope.why();
        return true;
    }
    return io.readable() && io.try_read(*this);
}

void Io::ReadAwait::await_suspend(std::coroutine_handle<> h) {
    GL_ASSERT(!io.reader_);
    handle = h;
    detach = [](Wait& w) { static_cast<ReadAwait&>(w).io.reader_ = nullptr; };
    io.reader_ = this;
    scope.enter(*this);
}

bool Io::WriteAwait::await_ready() {
    if (scope.ended()) {
        result = scope.why();
        return true;
    }
    return !io.connecting_ && io.try_write(*this);
}

void Io::WriteAwait::await_suspend(std::coroutine_handle<> h) {
    GL_ASSERT(!io.writer_);
    handle = h;
    detach = [](Wait& w) { static_cast<WriteAwait&>(w).io.writer_ = nullptr; };
    io.writer_ = this;
    scope.enter(*this);
}

// An event that was fetched for what this Io held before: it was closed in this turn, and perhaps opened again.
bool Io::stale() const {
    return !is_open() || (fd_ >= 0 && opened_turn_ == loop_->turns_);
}

void Io::dispatch(uint32_t events) {
    if (stale()) return;
    // What a Transport waits for has no fixed side: a read of TLS may have to write first.
    if (transport_ && fd_ >= 0 && (reader_ || writer_)) events |= (reader_ ? EPOLLIN : 0u) | (writer_ ? EPOLLOUT : 0u);
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        can_read_ = true;
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) peer_closed_ = true;
        if (events & (EPOLLHUP | EPOLLERR)) broken_ = true;
        if (event_) {
            event_(*this, event_arg_);
            if (stale()) return;
        } else if (ReadAwait* r = reader_) {
            if (try_read(*r)) {
                reader_ = nullptr;
                r->unlink();
                loop_->current_ = &r->scope;
                r->handle.resume();
                if (stale()) return;
            }
        } else if ((peer_closed_ || transport_) && hangup_) {  // a Transport knows other goodbyes
            hangup_(*this, hangup_arg_);
            if (stale()) return;
        }
    }
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        can_write_ = true;
        if (wevent_) {
            wevent_(*this, wevent_arg_);
        } else if (WriteAwait* w = writer_) {
            if (try_write(*w)) {
                writer_ = nullptr;
                w->unlink();
                loop_->current_ = &w->scope;
                w->handle.resume();
            }
        }
    }
}

uint64_t Loop::clock_now_ns() {
    return clock_ns(CLOCK_MONOTONIC);
}

// --- Loop
// -------------------------------------------------------------------------------------------------------------------------

Loop::Loop() : wheel_(0) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    GL_CHECK(epoll_ >= 0);
    event_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    GL_CHECK(event_fd_ >= 0);
    read_clock();
    wheel_.advance(now_ms());
    GL_CHECK(wakeup_.open(*this, event_fd_));
    wakeup_.on_readable(
        [](Io& io, void*) {
            uint64_t n;
            while (::read(io.fd(), &n, sizeof n) > 0) {
            }
        },
        nullptr);
}

Loop::~Loop() {
    run_remote();
    run_ready();
    run_retired();
    wakeup_.close();
    ::close(epoll_);
}

void Loop::read_clock() {
    now_ns_ = clock_ns(CLOCK_MONOTONIC);
    timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    unix_s_ = t.tv_sec;
}

void Loop::run_signalled() {
    List<Io> now;
    signalled_.splice_to(now);
    while (Io* io = now.pop_front()) {
        uint32_t what = std::exchange(io->signals_, 0);
        uint32_t events = what & Io::kReadable ? EPOLLIN : 0u;
        if (what & Io::kWritable) events |= EPOLLOUT;
        if (what & Io::kBroken) events |= EPOLLHUP | EPOLLERR;
        io->dispatch(events);
    }
}

void Loop::run_ready() {
    while (Wait* w = ready_.pop_front())
        w->handle.resume();
}

void Loop::run_retired() {
    while (retired_) {
        Retired* r = retired_;
        retired_ = r->next;
        r->fn(r->p);
        pool_free(r, sizeof *r);
    }
}

void Loop::retire(void (*fn)(void*), void* p) {
    auto* r = static_cast<Retired*>(pool_allocate(sizeof(Retired)));
    *r = Retired{retired_, fn, p};
    retired_ = r;
}

void Loop::post_remote(Remote* r) {
    Remote* head = remote_head_.load(std::memory_order_relaxed);
    do {
        r->next.store(head, std::memory_order_relaxed);
    } while (!remote_head_.compare_exchange_weak(head, r, std::memory_order_release, std::memory_order_relaxed));
    if (head == nullptr) {
        uint64_t one = 1;
        [[maybe_unused]] ssize_t n = ::write(event_fd_, &one, sizeof one);
    }
}

void Loop::run_remote() {
    if (remote_head_.load(std::memory_order_relaxed) == nullptr) return;
    Remote* list = remote_head_.exchange(nullptr, std::memory_order_acquire);
    Remote* in_order = nullptr;
    while (list) {
        Remote* next = list->next.load(std::memory_order_relaxed);
        list->next.store(in_order, std::memory_order_relaxed);
        in_order = list;
        list = next;
    }
    while (in_order) {
        Remote* next = in_order->next.load(std::memory_order_relaxed);
        in_order->run(in_order);
        in_order = next;
    }
}

void Loop::turn(int max_wait_ms) {
    int wait = max_wait_ms;
    if (!ready_.empty() || !yielded_.empty() || !signalled_.empty()) {
        wait = 0;
    } else {
        uint64_t next = wheel_.next_in();
        // The wheel's time is the start of the last turn.
        if (next != UINT64_MAX) {
            uint64_t spent = clock_ns(CLOCK_MONOTONIC) / 1000000 - wheel_.now();
            int64_t left = static_cast<int64_t>(next) - static_cast<int64_t>(spent);
            if (left < 0) left = 0;
            if (wait < 0 || left < wait) wait = static_cast<int>(left);
        }
    }
    epoll_event events[kEvents];
    int n = epoll_wait(epoll_, events, kEvents, wait);
    read_clock();
    uint64_t start = now_ns_;
    ++turns_;
    // First what nobody waits for: a pooled connection on which something came without a question must be out of the
    // pool before a request of the same turn could take it, and take those bytes for its answer.
    for (int i = 0; i < n; ++i) {
        auto* io = static_cast<Io*>(events[i].data.ptr);
        if (!io->event_) continue;
        io->dispatch(events[i].events);
        events[i].data.ptr = nullptr;
    }
    for (int i = 0; i < n; ++i)
        if (auto* io = static_cast<Io*>(events[i].data.ptr)) io->dispatch(events[i].events);
    run_signalled();
    wheel_.advance(now_ms());
    if (!yielded_.empty()) {
        List<Wait> again;
        yielded_.splice_to(again);
        while (Wait* w = again.pop_front())
            w->handle.resume();
    }
    current_ = nullptr;
    run_ready();
    run_remote();
    run_ready();
    run_signalled();
    run_ready();
    run_retired();
    if (wait == 0 || n > 0) {
        uint64_t took = clock_ns(CLOCK_MONOTONIC) - start;
        if (took > longest_ns_) longest_ns_ = took;
    }
}

void Loop::run() {
    while (!stopping_)
        turn(-1);
}

bool Loop::SleepAwait::await_ready() {
    if (scope.ended()) {
        result = scope.why();
        return true;
    }
    return false;
}

void Loop::SleepAwait::await_suspend(std::coroutine_handle<> h) {
    handle = h;
    detach = [](Wait& w) { static_cast<SleepAwait&>(w).timer.disarm(); };
    timer.arg = this;
    timer.fire = [](Timer&, void* self) {
        auto* s = static_cast<SleepAwait*>(self);
        s->unlink();
        s->result = Wake::ready;
        s->loop.ready(*s);
    };
    loop.wheel().arm(timer, loop.now_ms() + ms + 1);  // never early
    scope.enter(*this);
}

}  // namespace gladius::rt
