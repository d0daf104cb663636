// Purpose: the running gateway: loads and compiles configurations, owns listeners and workers, swaps snapshots, drains,
// reports to systemd. Owner: main. Thread: the control thread; workers are told things by posts to their loops.
// Lifetime: one run. Errors: start() says why it cannot; a reload that fails leaves the old snapshot serving and says
// why in the log.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "app/tls_keeper.h"
#include "conf/load.h"
#include "engine/budget.h"
#include "engine/worker.h"
#include "plan/compile.h"
#include "rt/loop.h"
#include "telemetry/counters.h"
#include "telemetry/log.h"

namespace gladius::app {

struct RunOptions {
    std::string config;
    int port = 0;
    bool debug = false;
    bool watch = false;
    bool allow_unsupported = false;
    unsigned workers = 0;  // 0: one per usable core
};

class Supervisor {
  public:
    explicit Supervisor(RunOptions options);
    ~Supervisor();
    // Serves until a signal; the process's exit status.
    int run();

  private:
    struct WorkerThread;
    struct ListenAddress {
        std::string ip;
        uint16_t port = 0;
        std::vector<int> fds;  // one per worker
    };

    // Which file the path leads to, and which version of it; all zero when there is none.
    struct FileState {
        uint64_t device = 0, inode = 0, size = 0;
        int64_t changed_ns = 0;
        bool operator==(const FileState&) const = default;
    };

    std::shared_ptr<plan::Snapshot> load(conf::Diagnostics& diagnostics, std::shared_ptr<conf::Service>& service,
                                         std::shared_ptr<const TlsKeeper::Loaded>& tls);
    bool open_listener(const std::string& ip, uint16_t port, ListenAddress& out, std::string& error);
    void reload(const char* why);
    void post_to_workers(void (*fn)(engine::Worker&, void*), std::shared_ptr<void> arg);
    void shut_down(int signal);
    void on_signal();
    void on_watch();
    void start_watch();
    void look();
    void look_at_certificates();
    void post_tls(std::shared_ptr<const plan::Snapshot> snapshot);
    void rotate_tickets();
    void say_tls(const TlsKeeper::Loaded& tls);
    void reload_soon();
    FileState file_state() const;
    void log_options(const conf::Service& s);
    void log_start(const conf::Service& s);
    void info(const std::string& text);
    void dump_counters();
    static void on_check(rt::Timer& t, void* self);

    RunOptions options_;
    rt::Loop loop_;
    engine::Budget budget_;
    std::unique_ptr<telemetry::Log> log_;
    std::unique_ptr<telemetry::Counters> counters_;
    std::vector<std::unique_ptr<WorkerThread>> workers_;
    std::shared_ptr<const plan::Snapshot> snapshot_;
    std::vector<std::weak_ptr<const plan::Snapshot>> generations_;
    ListenAddress listen_;
    uint64_t generation_ = 0;
    plan::StateStore states_;
    uint64_t reloads_ = 0, failed_reloads_ = 0;
    rt::Io signals_, watch_;
    rt::Timer check_timer_, reload_timer_, look_timer_, certificates_timer_, tickets_timer_;
    TlsKeeper tls_;
    FileState loaded_, seen_;  // when it was read last, and when somebody looked last
    bool stopping_ = false;
    uint64_t stop_deadline_ms_ = 0;
    int exit_code_ = 0;
};

}  // namespace gladius::app
