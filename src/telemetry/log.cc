#include "telemetry/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace gladius::telemetry {
namespace {

constexpr size_t kBatchBytes = 64 * 1024;
constexpr int64_t kNapNs = 20'000'000;
constexpr int64_t kShortNapNs = 2'000'000;
// Above this many records in a nap's time the thread naps between batches, which costs the writers nothing; below it,
// it sleeps and every record wakes it, so that a quiet gateway's lines are there at once.
constexpr uint64_t kBusyRecords = 40;
constexpr int64_t kDropReportNs = 1'000'000'000;

std::atomic<Log*> g_process_log{nullptr};

int64_t wall_ns() {
    timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

int64_t steady_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

void futex_wait(std::atomic<uint32_t>& word, uint32_t expected, int64_t ns) {
    timespec t{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, expected, ns < 0 ? nullptr : &t, nullptr,
            0);
}

}  // namespace

void LogShared::wake() {
    if (state.exchange(kRunning) != kRunning) {
        syscall(SYS_futex, reinterpret_cast<uint32_t*>(&state), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
}

// Touched by nobody before it is used: a ring that stays short costs little memory.
LogWriter::LogWriter(LogShared& shared) : shared_(shared), ring_(new char[kRingBytes]) {}

char* LogWriter::reserve(size_t payload) {
    size_t need = record_bytes(payload);
    uint64_t tail = tail_.load(std::memory_order_relaxed);
    size_t offset = tail & (kRingBytes - 1);
    size_t gap = offset + need > kRingBytes ? kRingBytes - offset : 0;
    if (tail + gap + need - head_seen_ > kRingBytes) {
        head_seen_ = head_.load(std::memory_order_acquire);
        if (tail + gap + need - head_seen_ > kRingBytes) {
            dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
            return nullptr;
        }
    }
    if (gap) {
        // The record begins anew at the front; it becomes visible together with the hole before it.
        Header hole{static_cast<uint32_t>(gap - sizeof(Header)), 0, skip, 0, 0};
        std::memcpy(ring_.get() + offset, &hole, sizeof hole);
        offset = 0;
    }
    record_at_ = tail + gap;
    return ring_.get() + offset + sizeof(Header);
}

void LogWriter::commit(const Header& header) {
    std::memcpy(ring_.get() + (record_at_ & (kRingBytes - 1)), &header, sizeof header);
    uint64_t tail = record_at_ + record_bytes(header.bytes);
    // Sequentially consistent against rest(): either the log thread sees the record before it sleeps, or we see it
    // sleep.
    tail_.store(tail, std::memory_order_seq_cst);
    uint32_t state = shared_.state.load(std::memory_order_seq_cst);
    if (state == LogShared::kRunning) return;
    if (state == LogShared::kSleeping) {
        shared_.wake();
    } else if (tail - head_seen_ > kRingBytes / 2) {
        head_seen_ = head_.load(std::memory_order_acquire);
        if (tail - head_seen_ > kRingBytes / 2) shared_.wake();
    }
}

bool LogWriter::write(Level level, std::string_view prefix, std::string_view text) {
    prefix = prefix.substr(0, kMaxText);
    text = text.substr(0, kMaxText);
    char* p = reserve(prefix.size() + text.size());
    if (!p) return false;
    if (!prefix.empty()) std::memcpy(p, prefix.data(), prefix.size());
    if (!text.empty()) std::memcpy(p + prefix.size(), text.data(), text.size());
    commit({static_cast<uint32_t>(prefix.size() + text.size()), static_cast<uint16_t>(prefix.size()), message,
            static_cast<uint8_t>(level), wall_ns()});
    return true;
}

char* LogWriter::reserve_line(size_t n) {
    GL_CHECK(record_bytes(n) <= kRingBytes / 2);
    return reserve(n);
}

void LogWriter::commit_line(size_t n) {
    commit({static_cast<uint32_t>(n), 0, line, 0, 0});
}

const char* LogWriter::peek(Header& header) {
    uint64_t head = head_.load(std::memory_order_relaxed);
    uint64_t tail = tail_.load(std::memory_order_acquire);
    while (head != tail) {
        const char* at = ring_.get() + (head & (kRingBytes - 1));
        std::memcpy(&header, at, sizeof header);
        head += record_bytes(header.bytes);
        if (header.kind != skip) {
            next_head_ = head;
            return at + sizeof header;
        }
    }
    return nullptr;
}

void LogWriter::release() {
    head_.store(next_head_, std::memory_order_release);
}

bool LogWriter::crowded() const {
    return tail_.load(std::memory_order_seq_cst) - head_.load(std::memory_order_relaxed) > kRingBytes / 2;
}

Log::Log(const LogOptions& options, int fd) : fd_(fd) {
    LogOptions usable = options;
    if (!check(options)) usable = LogOptions{};
    wanted_ = std::make_shared<const Active>(Active{usable, std::move(*LogFormat::make(usable))});
    active_ = wanted_;
    shared_.level.store(static_cast<uint8_t>(usable.level), std::memory_order_relaxed);
    control_ = add_writer();
    open_output();
    // Signals belong to the control thread; SIGPIPE of a closed stdout must not end the process from here.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread_.native_handle(), "gladius-log");
}

Log::~Log() {
    stop();
    if (process_log() == this) set_process_log(nullptr);
    if (own_fd_ >= 0) close(own_fd_);
}

Log* Log::process_log() {
    return g_process_log.load(std::memory_order_acquire);
}

void Log::set_process_log(Log* log) {
    g_process_log.store(log, std::memory_order_release);
}

Result<void> Log::check(const LogOptions& options) {
    Result<LogFormat> format = LogFormat::make(options);
    if (!format) return format.error();
    return {};
}

Result<void> Log::reconfigure(const LogOptions& options) {
    Result<LogFormat> format = LogFormat::make(options);
    if (!format) return format.error();
    flush(std::chrono::milliseconds(200));
    {
        std::lock_guard lock(mutex_);
        wanted_ = std::make_shared<const Active>(Active{options, std::move(*format)});
    }
    shared_.level.store(static_cast<uint8_t>(options.level), std::memory_order_relaxed);
    changes_.fetch_add(1);
    return {};
}

LogWriter* Log::add_writer() {
    std::lock_guard lock(mutex_);
    writers_.push_back(std::make_unique<LogWriter>(shared_));
    changes_.fetch_add(1);
    return writers_.back().get();
}

void Log::write(Level level, std::string_view prefix, std::string_view text) {
    if (!enabled(level)) return;
    std::lock_guard lock(control_mutex_);
    // Once a wait was in vain, the next ones are saved: the control thread has signals to serve.
    if (!control_->crowded()) control_patient_ = true;
    for (int left_ms = 200; control_patient_ && control_->crowded() && !stopping_.load(); --left_ms) {
        if (left_ms == 0) control_patient_ = false;
        shared_.wake();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    control_->write(level, prefix, text);
}

bool Log::flush(std::chrono::milliseconds patience) {
    uint64_t wanted = flush_wanted_.fetch_add(1) + 1;
    shared_.wake();
    std::unique_lock lock(mutex_);
    done_.wait_for(lock, patience, [this, wanted] { return flushed_ >= wanted || ended_; });
    return flushed_ >= wanted;
}

void Log::stop(std::chrono::milliseconds patience) {
    if (!thread_.joinable()) return;
    give_up_at_ns_.store(steady_ns() + std::chrono::nanoseconds(patience).count());
    stopping_.store(true);
    shared_.wake();
    thread_.join();
}

uint64_t Log::dropped() const {
    std::lock_guard lock(mutex_);
    uint64_t n = lost_.load(std::memory_order_relaxed);
    for (const auto& w : writers_)
        n += w->dropped();
    return n;
}

bool Log::terminal() const {
    const char* term = std::getenv("TERM");
    return isatty(fd_) == 1 && !(term && std::strcmp(term, "dumb") == 0);
}

void Log::run() {
    for (;;) {
        bool last = stopping_.load();
        uint64_t flush_wanted = flush_wanted_.load();
        adopt_options();
        bool worked = drain();
        report_drops(last);
        write_out();
        {
            std::lock_guard lock(mutex_);
            if (flushed_ < flush_wanted) flushed_ = flush_wanted;
            ended_ = last;
        }
        if (flush_wanted || last) done_.notify_all();
        if (last) return;
        rest(worked);
    }
}

// New writers and new options; a line that is already in the buffer keeps its form.
void Log::adopt_options() {
    uint64_t changes = changes_.load();
    if (changes == changes_seen_) return;
    changes_seen_ = changes;
    std::lock_guard lock(mutex_);
    rings_.clear();
    for (const auto& w : writers_)
        rings_.push_back(w.get());
    active_ = wanted_;
    if (!active_->options.syslog_on) return;
    closelog();
    // openlog keeps the pointer.
    syslog_ident_ = active_->options.prefix;
    openlog(syslog_ident_.empty() ? nullptr : syslog_ident_.c_str(), LOG_PID,
            LOG_LOCAL0 + (active_->options.syslog_local << 3));
}

bool Log::drain() {
    bool any = false;
    half_full_ = false;
    for (LogWriter* ring : rings_) {
        half_full_ = half_full_ || ring->crowded();
        // One ring's fill at a time, so that a busy worker cannot keep the others waiting.
        uint64_t until = ring->tail_.load(std::memory_order_acquire);
        LogWriter::Header header;
        while (ring->head_.load(std::memory_order_relaxed) < until) {
            const char* payload = ring->peek(header);
            if (!payload) break;
            consume(header, payload);
            ring->release();
            ++window_records_;
            any = true;
            if (out_.size() >= kBatchBytes) write_out();
        }
    }
    return any;
}

void Log::consume(const LogWriter::Header& header, const char* payload) {
    if (header.kind == LogWriter::line) {
        out_.append(payload, header.bytes);
        return;
    }
    LogMessage m{header.unix_ns, static_cast<Level>(header.level), {payload, header.prefix_bytes}, {}, ++sequence_};
    m.text = {payload + header.prefix_bytes, header.bytes - header.prefix_bytes};
    const LogOptions& options = active_->options;
    if (options.stdout_on) {
        active_->format.append_line(out_, m);
    }
    if (options.syslog_on) {
        std::string text;
        active_->format.append_syslog(text, m);
        syslog(syslog_severity(m.level), "%s", text.c_str());
    }
}

// Said at most once a second, and once more at the end.
void Log::report_drops(bool last) {
    uint64_t now_dropped = lost_.load(std::memory_order_relaxed);
    for (LogWriter* ring : rings_)
        now_dropped += ring->dropped();
    drop_report_due_ns_ = 0;
    if (now_dropped == drops_reported_) return;
    int64_t now = steady_ns();
    if (!last && drops_reported_at_ns_ && now - drops_reported_at_ns_ < kDropReportNs) {
        drop_report_due_ns_ = drops_reported_at_ns_ + kDropReportNs;
        return;
    }
    std::string text = std::to_string(now_dropped - drops_reported_) + " log lines dropped";
    drops_reported_ = now_dropped;
    drops_reported_at_ns_ = now;
    constexpr std::string_view kPrefix = "[SERVICE: Logging]";
    std::string payload = std::string(kPrefix) + text;
    consume({static_cast<uint32_t>(payload.size()), kPrefix.size(), LogWriter::message,
             static_cast<uint8_t>(Level::warning), wall_ns()},
            payload.data());
}

// Lets the log thread wait for a reader without being stuck in write(2): a pipe or terminal is opened once more, as our
// own non-blocking description (the inherited one is shared with other processes and stays as it is).
void Log::open_output() {
    struct stat st;
    if (fstat(fd_, &st) != 0) return;
    if (S_ISSOCK(st.st_mode)) {
        output_ = Output::socket;
    } else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
        std::string path = "/proc/self/fd/" + std::to_string(fd_);
        own_fd_ = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_APPEND);
        output_ = own_fd_ >= 0 ? Output::nonblocking : Output::small_writes;
    }
}

long Log::write_some(const char* p, size_t n) {
    switch (output_) {
        case Output::file:
            return ::write(fd_, p, n);
        case Output::nonblocking:
            return ::write(own_fd_, p, n);
        case Output::socket:
            return send(fd_, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        case Output::small_writes:
            // A pipe that polls writable takes PIPE_BUF bytes without blocking.
            pollfd ready{fd_, POLLOUT, 0};
            if (poll(&ready, 1, 0) == 0) {
                errno = EAGAIN;
                return -1;
            }
            return ::write(fd_, p, std::min<size_t>(n, PIPE_BUF));
    }
    return -1;
}

bool Log::gave_up() const {
    return stopping_.load() && steady_ns() >= give_up_at_ns_.load();
}

bool Log::wait_writable() {
    while (!gave_up()) {
        pollfd ready{own_fd_ >= 0 ? own_fd_ : fd_, POLLOUT, 0};
        if (poll(&ready, 1, 50) != 0) return true;
    }
    return false;
}

void Log::write_out() {
    size_t done = 0;
    while (done < out_.size()) {
        long n = write_some(out_.data() + done, out_.size() - done);
        if (n > 0) {
            done += static_cast<size_t>(n);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (!(n < 0 && errno == EAGAIN && wait_writable())) {
            // Closed, full, or nobody reads until the end: the gateway goes on without these lines.
            lost_.fetch_add(static_cast<uint64_t>(std::count(out_.begin() + static_cast<long>(done), out_.end(), '\n')),
                            std::memory_order_relaxed);
            break;
        }
    }
    out_.clear();
}

bool Log::work_waits() {
    if (stopping_.load() || changes_.load() != changes_seen_) return true;
    uint64_t wanted = flush_wanted_.load();
    std::lock_guard lock(mutex_);
    return flushed_ != wanted;
}

// While lines come the thread naps and lets them gather; after a while without any it sleeps until it is woken, or
// until it has drops to report.
void Log::rest(bool worked) {
    if (window_records_ > kBusyRecords) busy_ = true;
    if (int64_t now = steady_ns(); now - window_start_ns_ >= kNapNs) {
        busy_ = worked && window_records_ > kBusyRecords;
        window_start_ns_ = now;
        window_records_ = 0;
    }
    bool sleeps = !busy_;
    uint32_t state = sleeps ? LogShared::kSleeping : LogShared::kNapping;
    shared_.state.store(state, std::memory_order_seq_cst);
    bool waits = work_waits();
    for (LogWriter* ring : rings_)
        waits = waits || (sleeps ? !ring->empty() : ring->crowded());
    int64_t ns = sleeps ? -1 : half_full_ ? kShortNapNs : kNapNs;
    if (sleeps && drop_report_due_ns_) ns = std::max<int64_t>(drop_report_due_ns_ - steady_ns(), 0);
    if (!waits) futex_wait(shared_.state, state, ns);
    shared_.state.store(LogShared::kRunning, std::memory_order_seq_cst);
}

}  // namespace gladius::telemetry
