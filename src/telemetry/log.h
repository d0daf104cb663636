// Purpose: the gateway's log. Every worker writes complete records into a ring of its own (LogWriter); one log thread
// drains the rings, puts messages into the configured format and writes to the descriptor and to syslog. A worker never
// waits and makes no system call per line: a full ring drops the line and counts it, a pipe nobody reads stops the log
// thread only.
// Owner: main, one Log per process (tests make their own). Thread: Log::write and the other members of Log from any
// thread (control plane, short lock); a LogWriter from the one thread it was made for. Lifetime: writers live as long
// as their Log; the Log outlives the workers. Errors: an unusable pattern is refused by check()/reconfigure(); a write
// error of the descriptor discards the lines. Format: ledger 2, section 23; the text of a message cannot end its line.
//   Log log(options);                       Log::set_process_log(&log);
//   LogWriter* w = log.add_writer();        // one per worker, by the control thread
//   if (w->enabled(Level::debug)) w->write(Level::debug, "[ENDPOINT: /a]", text);
//   log.write(Level::info, "", "Starting KrakenD v2.13.8");   log.stop();
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "telemetry/log_format.h"

namespace gladius::telemetry {

// What the log thread and the writers share.
struct LogShared {
    // The log thread works, naps for a moment, or sleeps until somebody wakes it; also its futex.
    static constexpr uint32_t kRunning = 0, kNapping = 1, kSleeping = 2;
    alignas(64) std::atomic<uint32_t> state{kRunning};
    alignas(64) std::atomic<uint8_t> level{0};

    void wake();
};

class LogWriter {
  public:
    static constexpr size_t kRingBytes = 256 * 1024;  // a power of two
    // Longer texts are cut; a record must stay well below the ring.
    static constexpr size_t kMaxText = 16 * 1024;

    explicit LogWriter(LogShared& shared);
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    bool enabled(Level level) const {
        return static_cast<uint8_t>(level) >= shared_.level.load(std::memory_order_relaxed);
    }
    // A message; the log thread formats it. False when it was dropped.
    bool write(Level level, std::string_view prefix, std::string_view text);

    // A line that is written as it is: room for `n` bytes, or nothing when the ring is full (counted as dropped).
    // commit_line publishes the first `n` of them, which hold complete lines. Nothing else may come in between.
    char* reserve_line(size_t n);
    void commit_line(size_t n);

    uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  private:
    friend class Log;
    struct Header {
        uint32_t bytes;  // of the payload
        uint16_t prefix_bytes;
        uint8_t kind;
        uint8_t level;
        int64_t unix_ns;
    };
    static_assert(sizeof(Header) == 16);
    enum Kind : uint8_t { skip, line, message };
    static size_t record_bytes(size_t payload) { return (sizeof(Header) + payload + 15) & ~size_t{15}; }

    char* reserve(size_t payload);
    void commit(const Header& header);

    // Side of the log thread: the oldest record, nothing when the ring is empty.
    const char* peek(Header& header);
    void release();
    bool empty() const { return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_seq_cst); }
    bool crowded() const;

    // Positions count bytes since the start; each side writes its own line only.
    alignas(64) std::atomic<uint64_t> tail_{0};
    uint64_t head_seen_ = 0;
    uint64_t record_at_ = 0;
    std::atomic<uint64_t> dropped_{0};
    alignas(64) std::atomic<uint64_t> head_{0};
    uint64_t next_head_ = 0;
    alignas(64) LogShared& shared_;
    std::unique_ptr<char[]> ring_;
};

class Log {
  public:
    // Starts the log thread. Options that check() refuses are replaced by the basic format. `fd` stays open.
    explicit Log(const LogOptions& options, int fd = 1);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    static Result<void> check(const LogOptions& options);
    // New options from now on; what was written before keeps the old ones.
    Result<void> reconfigure(const LogOptions& options);

    LogWriter* add_writer();

    bool enabled(Level level) const { return control_->enabled(level); }
    // Control plane. Level::fatal ends nothing by itself: the caller calls stop() and leaves with 1. Waits a moment for
    // room when the log thread is behind, so that the start may write thousands of lines.
    void write(Level level, std::string_view prefix, std::string_view text);

    // True when all that was written before the call has left the process.
    bool flush(std::chrono::milliseconds patience = std::chrono::seconds(2));
    // Writes what is left, for at most `patience`, and ends the log thread. Idempotent.
    void stop(std::chrono::milliseconds patience = std::chrono::seconds(2));

    // Lines lost since the start: full rings and failed writes.
    uint64_t dropped() const;

    // gin colours its lines when the descriptor is a terminal and TERM is not "dumb".
    bool terminal() const;

    // The default for control-plane code that has no Log at hand; null until main has set it.
    static Log* process_log();
    static void set_process_log(Log* log);

  private:
    struct Active {
        LogOptions options;
        LogFormat format;
    };
    using Clock = std::chrono::steady_clock;

    void run();
    bool drain();
    void consume(const LogWriter::Header& header, const char* payload);
    void report_drops(bool last);
    void adopt_options();
    void open_output();
    void write_out();
    long write_some(const char* p, size_t n);
    bool wait_writable();
    bool gave_up() const;
    void rest(bool worked);
    bool work_waits();

    LogShared shared_;
    const int fd_;

    mutable std::mutex mutex_;  // below: control plane against control plane and, rarely, against the log thread
    std::condition_variable done_;
    std::vector<std::unique_ptr<LogWriter>> writers_;
    std::shared_ptr<const Active> wanted_;
    uint64_t flushed_ = 0;
    bool ended_ = false;
    std::mutex control_mutex_;  // one control-plane thread at a time is the producer of control_
    bool control_patient_ = true;
    LogWriter* control_;

    std::atomic<uint64_t> changes_{1};  // writers or options changed
    std::atomic<uint64_t> flush_wanted_{0};
    std::atomic<bool> stopping_{false};
    std::atomic<int64_t> give_up_at_ns_{INT64_MAX};
    std::atomic<uint64_t> lost_{0};

    // The log thread's own.
    uint64_t changes_seen_ = 0;
    std::vector<LogWriter*> rings_;
    std::shared_ptr<const Active> active_;
    std::string out_;
    uint64_t sequence_ = 0;
    uint64_t drops_reported_ = 0;
    int64_t drops_reported_at_ns_ = 0;
    int64_t drop_report_due_ns_ = 0;  // 0: nothing to report
    int64_t window_start_ns_ = 0;     // how many records come in the time of a nap
    uint64_t window_records_ = 0;
    bool busy_ = false;
    bool half_full_ = false;
    int own_fd_ = -1;  // a description of our own of the same pipe or terminal, which may be non-blocking
    enum class Output : uint8_t { file, nonblocking, small_writes, socket } output_ = Output::file;
    std::string syslog_ident_;

    std::thread thread_;
};

}  // namespace gladius::telemetry
