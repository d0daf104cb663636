// Purpose: the event loop of one thread, on edge-triggered epoll: descriptors (Io), timers, work for later in the turn.
// Operations on an Io complete (read into, write from, connect), so that an io_uring back-end can stand behind the same
// interface: nothing above this file knows that there is an epoll. Owner: a worker or the control thread. Thread: all
// methods on the loop's thread, except post_remote() and wake(). Lifetime: an Io is closed before its memory goes;
// memory of things closed inside a turn is given back at the end of the turn (retire()), because an event for them may
// already be in the array. Errors: IoResult carries errno; the loop itself ends the process only when epoll cannot be
// made. Cost: on a kept-alive connection one recv and one send a message and a share of one epoll_wait, no call that
// ends in EAGAIN.
#pragma once
#include <sys/socket.h>
#include <sys/types.h>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/list.h"
#include "rt/scope.h"
#include "rt/task.h"
#include "rt/transport.h"
#include "rt/wheel.h"

namespace gladius::rt {

struct IoResult {
    ssize_t n = 0;  // bytes; 0 at a read means end of stream; -1: see error
    int error = 0;  // errno when n < 0 and wake is ready
    Wake wake = Wake::ready;
    bool ok() const { return n > 0; }
};

class Loop;

// One system call on a socket, as the loop makes it; for transports.
ssize_t socket_recv(int fd, char* buf, size_t n);
ssize_t socket_send(int fd, const char* data, size_t n);

// A non-blocking descriptor in the loop, a descriptor with a Transport on top, or a Transport alone. At most one read
// and one write wait at a time.
class Io : public ListHook {
  public:
    // What the owner of a Transport without a descriptor reports.
    static constexpr uint32_t kReadable = 1;  // bytes, or the end of the stream
    static constexpr uint32_t kWritable = 2;
    static constexpr uint32_t kBroken = 4;  // nothing can be said or heard any more

    Io() = default;
    ~Io() { GL_ASSERT(!is_open()); }
    Io(const Io&) = delete;
    Io& operator=(const Io&) = delete;

    // Takes fd (non-blocking) and registers it once, edge-triggered, for both directions.
    bool open(Loop& loop, int fd);
    // Bytes of the open descriptor go through t from now on. Nothing waits at this moment.
    void attach(Transport& t);
    // The end of attach(): the descriptor's own bytes again. Nothing waits at this moment.
    void detach() {
        GL_ASSERT(fd_ >= 0 && !reader_ && !writer_);
        transport_ = nullptr;
    }
    // A stream without a descriptor. Its owner calls signal() when there is something to read, or room.
    void open(Loop& loop, Transport& t);
    // Acts on it later in this turn, or in the next one; never inside the call.
    void signal(uint32_t what);
    void close();
    // Takes the descriptor out of the loop without closing it (its owner is a library, such as c-ares).
    int release();
    bool is_open() const { return fd_ >= 0 || transport_; }
    Transport* transport() const { return transport_; }
    int fd() const { return fd_; }
    Loop& loop() const { return *loop_; }

    struct ReadAwait;
    struct WriteAwait;
    // Reads once, up to n bytes, waiting for readiness first when there is none. buf is written in the turn in which
    // the wait ends, just before the coroutine goes on: it may be the worker's receive buffer, shared by all
    // connections.
    ReadAwait read(char* buf, size_t n, Scope& scope);
    // Writes all of it. What the kernel does not take at once stays where it is: the memory must live until the wait
    // ends.
    WriteAwait write(const char* data, size_t n, Scope& scope);
    // Writes what the kernel takes now, without waiting; -1 with errno EAGAIN when it takes nothing.
    ssize_t write_now(const char* data, size_t n);
    // Bytes that a write would take now, as far as that is known without trying. For whoever would have to keep what is
    // not taken.
    size_t room() { return transport_ ? transport_->room() : SIZE_MAX; }
    // Reads what is there now, without waiting; 0 at the end of the stream, -1 with errno EAGAIN when there is nothing.
    ssize_t read_now(char* buf, size_t n);
    // Waits until the pending connect() is decided: n = 1 when connected, else error.
    WriteAwait connected(Scope& scope);
    // Waits until the Transport has agreed with the other side: n = 1, else error.
    WriteAwait handshake(Scope& scope);
    // Looks whether a read would find something: 1 bytes, 0 the end, -1 with errno.
    ssize_t peek();
    // Nothing more will be written: the other side sees the end, and may go on sending.
    void shutdown_write();

    // Bytes that go from one plain socket to another through a pipe, without being seen. As read and write_now: up to n
    // bytes now; 0 at the end of the stream; -1 with errno EAGAIN when there is nothing, or no room.
    bool plain() const { return fd_ >= 0 && !transport_; }
    ssize_t splice_to_pipe(int pipe, size_t n);
    ssize_t splice_from_pipe(int pipe, size_t n);
    // Waits until there is room again, after EAGAIN or where room() is 0.
    WriteAwait writable(Scope& scope);
    // Somebody waits until the other side has taken something.
    bool writing() const { return writer_ != nullptr; }
    // Bytes that were written and that the other side has not taken, as far as the kernel knows.
    size_t unsent() const;
    // Whether a write of n bytes would be taken at once, as far as the kernel tells.
    bool has_room(size_t n) const;

    bool readable() const { return can_read_ || (transport_ && transport_->has_more()); }
    // Of the socket alone, for the Transport on top of it.
    bool socket_readable() const { return can_read_; }
    // Somebody looked and found nothing more to read: readiness comes again with new bytes.
    void mark_drained() { can_read_ = false; }
    bool peer_closed() const { return peer_closed_; }
    // Reset, or closed both ways: nothing can be said any more either.
    bool broken() const { return broken_; }

    // Called when the other side closed (or reset) the connection and nobody waits for a read: the client of a running
    // request, a pooled connection. One at a time; nullptr to stop.
    using Hangup = void (*)(Io&, void*);
    void on_hangup(Hangup fn, void* arg) {
        hangup_ = fn;
        hangup_arg_ = arg;
    }
    // Called instead of waking a reader, for descriptors that are no streams (listeners, eventfd, signalfd, c-ares) and
    // for connections in a pool; earlier in a turn than any reader.
    void on_readable(Hangup fn, void* arg) {
        event_ = fn;
        event_arg_ = arg;
    }
    void on_writable(Hangup fn, void* arg) {
        wevent_ = fn;
        wevent_arg_ = arg;
    }

  private:
    friend class Loop;
    friend struct ReadAwait;
    friend struct WriteAwait;
    void reset(Loop& loop, int fd, Transport* t);
    void dispatch(uint32_t events);
    bool stale() const;
    ssize_t recv_some(char* buf, size_t n);
    ssize_t send_some(const char* data, size_t n);
    bool try_read(ReadAwait& w);
    bool try_write(WriteAwait& w);

    Loop* loop_ = nullptr;
    Transport* transport_ = nullptr;
    ReadAwait* reader_ = nullptr;
    WriteAwait* writer_ = nullptr;
    Hangup hangup_ = nullptr;
    void* hangup_arg_ = nullptr;
    Hangup event_ = nullptr;
    void* event_arg_ = nullptr;
    Hangup wevent_ = nullptr;
    void* wevent_arg_ = nullptr;
    uint64_t opened_turn_ = 0;
    int fd_ = -1;
    uint32_t signals_ = 0;
    bool can_read_ = false, can_write_ = false, peer_closed_ = false, broken_ = false;
    bool connecting_ = false, handshaking_ = false;
};

struct Io::ReadAwait : Wait {
    Io& io;
    Scope& scope;
    char* buf;
    size_t cap;
    IoResult res;
    ReadAwait(Io& i, Scope& s, char* b, size_t n) : io(i), scope(s), buf(b), cap(n) {}
    bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    IoResult await_resume() {
        if (result != Wake::ready) return IoResult{-1, 0, result};
        return res;
    }
};

struct Io::WriteAwait : Wait {
    Io& io;
    Scope& scope;
    const char* data;
    size_t left;
    size_t total;
    IoResult res;
    WriteAwait(Io& i, Scope& s, const char* d, size_t n) : io(i), scope(s), data(d), left(n), total(n) {}
    bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    IoResult await_resume() {
        if (result != Wake::ready) return IoResult{-1, 0, result};
        return res;
    }
};

// Work posted from another thread; runs on the loop's thread, in order. The poster gives the object away, run() frees
// it.
struct Remote {
    std::atomic<Remote*> next{nullptr};
    void (*run)(Remote*) = nullptr;
};

class Loop {
  public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();  // until stop()
    void stop() { stopping_ = true; }
    void turn(int max_wait_ms);  // one turn, for tests

    // Time of this turn, monotonic. Read once a turn.
    uint64_t now_ns() const { return now_ns_; }
    // The clock itself, for what must be finer than a turn.
    static uint64_t clock_now_ns();
    uint64_t now_ms() const { return now_ns_ / 1000000; }
    int64_t unix_seconds() const { return unix_s_; }

    Wheel& wheel() { return wheel_; }

    // Resumes w later in this turn.
    void ready(Wait& w) { ready_.push_back(w); }
    // Frees something at the end of the turn.
    void retire(void (*fn)(void*), void* p);

    struct SleepAwait;
    SleepAwait sleep(uint64_t ms, Scope& scope);
    // Lets the other descriptors have their turn before going on (fairness of long bodies).
    struct YieldAwait;
    YieldAwait yield();

    // Thread-safe: hands work to this loop and wakes it.
    void post_remote(Remote* r);

    // The scope of the coroutine that was resumed last; for the crash handler.
    const Scope* current() const { return current_; }
    void set_current(const Scope* s) { current_ = s; }
    uint64_t turns() const { return turns_; }
    // Longest turn since the last call, in ns (stall detector).
    uint64_t take_longest_turn() {
        uint64_t t = longest_ns_;
        longest_ns_ = 0;
        return t;
    }

  private:
    friend class Io;
    void read_clock();
    void run_signalled();
    void run_ready();
    void run_remote();
    void run_retired();

    int epoll_ = -1;
    int event_fd_ = -1;
    bool stopping_ = false;
    const Scope* current_ = nullptr;
    uint64_t now_ns_ = 0;
    int64_t unix_s_ = 0;
    uint64_t turns_ = 0;
    uint64_t longest_ns_ = 0;
    Wheel wheel_;
    List<Wait> ready_;
    List<Wait> yielded_;
    List<Io> signalled_;
    struct Retired;
    Retired* retired_ = nullptr;
    Io wakeup_;
    std::atomic<Remote*> remote_head_{nullptr};
};

struct Loop::SleepAwait : Wait {
    Loop& loop;
    Scope& scope;
    uint64_t ms;
    Timer timer;
    SleepAwait(Loop& l, Scope& s, uint64_t m) : loop(l), scope(s), ms(m) {}
    bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    Wake await_resume() { return result; }
};

struct Loop::YieldAwait : Wait {
    Loop& loop;
    explicit YieldAwait(Loop& l) : loop(l) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        handle = h;
        loop.yielded_.push_back(*this);
    }
    void await_resume() {}
};

inline Loop::YieldAwait Loop::yield() {
    return YieldAwait(*this);
}
inline Loop::SleepAwait Loop::sleep(uint64_t ms, Scope& scope) {
    return SleepAwait(*this, scope, ms);
}
inline Io::ReadAwait Io::read(char* buf, size_t n, Scope& scope) {
    return ReadAwait(*this, scope, buf, n);
}
inline Io::WriteAwait Io::write(const char* data, size_t n, Scope& scope) {
    return WriteAwait(*this, scope, data, n);
}

}  // namespace gladius::rt
