#include "telemetry/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace gladius::telemetry {
namespace {

using std::chrono::milliseconds;

// A file in memory that the log writes to.
class Sink {
  public:
    Sink() : fd_(memfd_create("log", MFD_CLOEXEC)) {}
    ~Sink() { close(fd_); }
    int fd() const { return fd_; }
    std::string text() const {
        std::string out;
        char buf[4096];
        for (off_t at = 0;;) {
            ssize_t n = pread(fd_, buf, sizeof buf, at);
            if (n <= 0) return out;
            out.append(buf, static_cast<size_t>(n));
            at += n;
        }
    }
    std::vector<std::string> lines() const {
        std::vector<std::string> out;
        std::string all = text();
        for (size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1) {
            out.push_back(all.substr(at, end - at));
        }
        return out;
    }

  private:
    int fd_;
};

LogOptions plain() {
    LogOptions o;
    o.layout = LogLayout::custom;
    o.custom_format = "%{level} %{message}";
    return o;
}

bool put_line(LogWriter& w, std::string_view text) {
    char* p = w.reserve_line(text.size() + 1);
    if (!p) return false;
    std::memcpy(p, text.data(), text.size());
    p[text.size()] = '\n';
    w.commit_line(text.size() + 1);
    return true;
}

TEST(LogTest, MessagesAndLinesInOrder) {
    Sink sink;
    Log log(plain(), sink.fd());
    LogWriter* w = log.add_writer();
    EXPECT_TRUE(w->write(Level::info, "[A]", "one"));
    EXPECT_TRUE(put_line(*w, "raw"));
    EXPECT_TRUE(w->write(Level::error, "", "two"));
    log.stop();
    EXPECT_EQ(sink.text(), "INFO [A] one\nraw\nERROR two\n");
}

TEST(LogTest, LevelFilters) {
    Sink sink;
    LogOptions o = plain();
    o.level = Level::error;
    Log log(o, sink.fd());
    EXPECT_FALSE(log.enabled(Level::warning));
    EXPECT_TRUE(log.enabled(Level::error));
    log.write(Level::info, "", "no");
    log.write(Level::critical, "", "yes");
    log.stop();
    EXPECT_EQ(sink.text(), "CRITICAL yes\n");
}

TEST(LogTest, WithoutStdoutOnlyAccessLinesAreWritten) {
    Sink sink;
    LogOptions o = plain();
    o.stdout_on = false;
    Log log(o, sink.fd());
    LogWriter* w = log.add_writer();
    w->write(Level::critical, "", "nowhere");
    put_line(*w, "[GIN] line");
    log.stop();
    EXPECT_EQ(sink.text(), "[GIN] line\n");
}

TEST(LogTest, UnusableOptionsGiveTheBasicFormat) {
    Sink sink;
    LogOptions o = plain();
    o.custom_format = "%{nothing}";
    EXPECT_FALSE(Log::check(o));
    Log log(o, sink.fd());
    log.write(Level::debug, "", "x");
    EXPECT_FALSE(log.reconfigure(o));
    log.stop();
    EXPECT_NE(sink.text().find(" KRAKEND DEBUG: x\n"), std::string::npos);
}

TEST(LogTest, ReconfigureBetweenLines) {
    Sink sink;
    Log log(plain(), sink.fd());
    LogWriter* w = log.add_writer();
    w->write(Level::debug, "", "old");
    LogOptions o = plain();
    o.level = Level::warning;
    o.custom_format = "<%{message}>";
    ASSERT_TRUE(log.reconfigure(o));
    EXPECT_FALSE(w->enabled(Level::debug));
    w->write(Level::error, "", "new");
    log.stop();
    EXPECT_EQ(sink.text(), "DEBUG old\n<new>\n");
}

TEST(LogTest, ManyWritersManyLines) {
    constexpr int kWriters = 3, kLines = 20'000;
    Sink sink;
    Log log(plain(), sink.fd());
    std::vector<std::thread> threads;
    std::atomic<uint64_t> refused{0};
    for (int i = 0; i < kWriters; ++i) {
        threads.emplace_back([w = log.add_writer(), i, &refused] {
            for (int n = 0; n < kLines; ++n) {
                std::string text = std::to_string(i) + " " + std::to_string(n) + " " + std::string(n % 97, 'x') + ".";
                bool ok = n % 5 ? put_line(*w, "INFO " + text) : w->write(Level::info, "", text);
                if (!ok) refused.fetch_add(1);
            }
        });
    }
    for (int n = 0; n < 50; ++n) {
        log.write(Level::info, "", "control " + std::to_string(n));
        if (n % 10 == 0) {
            ASSERT_TRUE(log.reconfigure(plain()));
        }
    }
    for (std::thread& t : threads)
        t.join();
    log.stop();
    EXPECT_EQ(log.dropped(), refused.load());
    int last[kWriters] = {-1, -1, -1};
    uint64_t seen = 0;
    int control = 0;
    for (const std::string& line : sink.lines()) {
        int i = 0, n = 0;
        char tail[128] = {};
        if (std::sscanf(line.c_str(), "INFO control %d", &n) == 1) {
            EXPECT_EQ(n, control++);
        } else if (std::sscanf(line.c_str(), "INFO %d %d %127s", &i, &n, tail) == 3) {
            ASSERT_TRUE(i >= 0 && i < kWriters) << line;
            ASSERT_GT(n, last[i]) << line;
            ASSERT_EQ(std::strlen(tail), static_cast<size_t>(n % 97 + 1)) << line;
            last[i] = n;
            ++seen;
        } else {
            EXPECT_NE(line.find("log lines dropped"), std::string::npos) << line;
        }
    }
    EXPECT_EQ(control, 50);
    EXPECT_EQ(seen + refused.load(), static_cast<uint64_t>(kWriters) * kLines);
}

TEST(LogTest, RecordsOfAllSizesAroundTheEndOfTheRing) {
    Sink sink;
    Log log(plain(), sink.fd());
    LogWriter* w = log.add_writer();
    std::mt19937 random(3);
    std::string want;
    for (int n = 0; n < 2000; ++n) {
        std::string text(random() % (n % 50 ? 300 : 60'000), static_cast<char>('a' + n % 26));
        while (!put_line(*w, text))
            ASSERT_TRUE(log.flush());
        want += text + "\n";
    }
    log.stop();
    std::string got;
    for (const std::string& line : sink.lines()) {
        if (line.find("log lines dropped") == std::string::npos) got += line + "\n";
    }
    EXPECT_EQ(got.size(), want.size());
    EXPECT_TRUE(got == want);
}

TEST(LogTest, LongTextIsCut) {
    Sink sink;
    Log log(plain(), sink.fd());
    log.write(Level::info, "", std::string(100'000, 'a'));
    log.write(Level::info, "", std::string(100'000, '\x01'));
    log.stop();
    std::vector<std::string> lines = sink.lines();
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[0].size(), LogWriter::kMaxText + 5);
    EXPECT_EQ(lines[1].size(), 4 * LogWriter::kMaxText + 5);
}

TEST(LogTest, StartMayWriteThousandsOfLines) {
    Sink sink;
    Log log(plain(), sink.fd());
    std::string text(200, 'x');
    for (int n = 0; n < 10'000; ++n)
        log.write(Level::debug, "[ENDPOINT: /x]", text);
    log.stop();
    EXPECT_EQ(log.dropped(), 0u);
    EXPECT_EQ(sink.lines().size(), 10'000u);
}

// fds[0] is read by nobody until the test does.
struct Pipe {
    int fds[2];
    Pipe() { EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0); }
    ~Pipe() {
        close_reader();
        close(fds[1]);
    }
    void close_reader() {
        if (fds[0] >= 0) close(fds[0]);
        fds[0] = -1;
    }
    std::string read_until(std::string_view end) {
        std::string out;
        char buf[65536];
        while (out.find(end) == std::string::npos) {
            size_t n = read_some(buf, sizeof buf);
            if (n == 0) break;
            out.append(buf, n);
        }
        return out;
    }
    // What is there, after a wait if need be; 0 when nothing comes at all, so that a missing line fails and does not
    // hang.
    size_t read_some(char* buf, size_t size) {
        pollfd readable{fds[0], POLLIN, 0};
        if (poll(&readable, 1, 20'000) != 1) return 0;
        return static_cast<size_t>(std::max<ssize_t>(read(fds[0], buf, size), 0));
    }
};

// The sum of all reports in the output.
uint64_t dropped_as_reported(std::string_view out) {
    constexpr std::string_view kBefore = "WARNING [SERVICE: Logging] ", kBehind = " log lines dropped\n";
    uint64_t sum = 0;
    for (size_t at = 0; (at = out.find(kBefore, at)) != out.npos;) {
        at += kBefore.size();
        size_t digits = std::min(out.find_first_not_of("0123456789", at), out.size()) - at;
        if (out.substr(at + digits, kBehind.size()) == kBehind) sum += std::stoull(std::string(out.substr(at, digits)));
    }
    return sum;
}

TEST(LogTest, BlockedPipeDropsAndSaysSo) {
    Pipe pipe;
    Log log(plain(), pipe.fds[1]);
    LogWriter* w = log.add_writer();
    std::string text(100, 'x');
    uint64_t ok = 0, refused = 0;
    std::string all;
    // The second round's drops come too soon after the first report; they are reported later, without a further line.
    for (int round = 0; round < 2; ++round) {
        uint64_t before = refused;
        // More than pipe, buffer and ring together; no call waits for anybody.
        for (int n = 0; n < 20'000; ++n)
            (put_line(*w, text) ? ok : refused) += 1;
        EXPECT_GT(refused, before);
        EXPECT_EQ(log.dropped(), refused);
        EXPECT_FALSE(log.flush(milliseconds(10)));
        char buf[65536];
        for (size_t n; dropped_as_reported(all) < refused && (n = pipe.read_some(buf, sizeof buf)) > 0;)
            all.append(buf, n);
        EXPECT_EQ(dropped_as_reported(all), refused);
    }
    log.stop();
    EXPECT_EQ(fcntl(pipe.fds[1], F_GETFL) & O_NONBLOCK, 0) << "the inherited description is left alone";
}

TEST(LogTest, ControlPlaneGetsPastABlockedPipe) {
    Pipe pipe;
    Log log(plain(), pipe.fds[1]);
    for (int n = 0; n < 20'000; ++n)
        log.write(Level::info, "", std::string(100, 'x'));
    EXPECT_GT(log.dropped(), 0u);
    log.stop(milliseconds(1));
}

TEST(LogTest, SyslogBesideStdoutNeedsNoDaemon) {
    Sink sink;
    LogOptions o = plain();
    o.syslog_on = true;
    o.prefix = "gladius-test";
    Log log(o, sink.fd());
    log.write(Level::debug, "", "both %s%n");
    ASSERT_TRUE(log.reconfigure(plain()));
    log.write(Level::debug, "", "one");
    log.stop();
    EXPECT_EQ(sink.text(), "DEBUG both %s%n\nDEBUG one\n");
}

TEST(LogTest, StopDoesNotWaitForeverForAReader) {
    Pipe pipe;
    Log log(plain(), pipe.fds[1]);
    LogWriter* w = log.add_writer();
    for (int n = 0; n < 2000; ++n)
        put_line(*w, std::string(100, 'x'));
    log.stop(milliseconds(20));
    EXPECT_GT(log.dropped(), 0u);
    EXPECT_FALSE(log.flush(milliseconds(1)));
}

TEST(LogTest, ReaderThatWentAway) {
    Pipe pipe;
    Log log(plain(), pipe.fds[1]);
    pipe.close_reader();
    log.write(Level::info, "", "lost");
    EXPECT_TRUE(log.flush());
    log.stop();
    EXPECT_GE(log.dropped(), 1u);
}

TEST(LogTest, SocketAsOutput) {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    Log log(plain(), fds[1]);
    log.write(Level::info, "", "hello");
    log.stop();
    char buf[64];
    ssize_t n = read(fds[0], buf, sizeof buf);
    EXPECT_EQ(std::string(buf, n > 0 ? static_cast<size_t>(n) : 0), "INFO hello\n");
    close(fds[0]);
    close(fds[1]);
}

TEST(LogTest, ALineWakesASleepingLog) {
    Pipe pipe;
    Log log(plain(), pipe.fds[1]);
    LogWriter* w = log.add_writer();
    // From shortly before the log thread falls asleep to long after. The read ends only when the line came by itself.
    for (int wait_ms : {0, 190, 200, 205, 210, 215, 220, 225, 230, 240, 400}) {
        std::this_thread::sleep_for(milliseconds(wait_ms));
        std::string text = "after " + std::to_string(wait_ms);
        ASSERT_TRUE(put_line(*w, text));
        EXPECT_EQ(pipe.read_until("\n"), text + "\n");
    }
}

TEST(LogTest, ProcessLog) {
    Sink sink;
    EXPECT_EQ(Log::process_log(), nullptr);
    {
        Log log(plain(), sink.fd());
        Log::set_process_log(&log);
        Log::process_log()->write(Level::info, "", "here");
    }
    EXPECT_EQ(Log::process_log(), nullptr);
    EXPECT_EQ(sink.text(), "INFO here\n");
}

}  // namespace
}  // namespace gladius::telemetry
