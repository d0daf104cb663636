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

#include "app/listeners.h"
#include "app/tls_keeper.h"
#include "app/upgrade.h"
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
    unsigned workers = 0;        // 0: one per usable core
    std::string upgrade_socket;  // where a successor finds this process, and this one its predecessor; empty: nowhere
    unsigned upgrade_seconds = 60;     // a successor is ready in this time
    std::vector<std::string> command;  // of this process, to start a successor with the same
};

class Supervisor final : private UpgradeServer::Owner {
  public:
    explicit Supervisor(RunOptions options);
    ~Supervisor();
    // Serves until a signal; the process's exit status.
    int run();

  private:
    struct WorkerThread;

    // Which file the path leads to, and which version of it; all zero when there is none.
    struct FileState {
        uint64_t device = 0, inode = 0, size = 0;
        int64_t changed_ns = 0;
        bool operator==(const FileState&) const = default;
    };

    std::shared_ptr<plan::Snapshot> load(conf::Diagnostics& diagnostics, std::shared_ptr<conf::Service>& service,
                                         std::shared_ptr<const TlsKeeper::Loaded>& tls);
    void add_listeners(std::vector<OpenListener> added);
    void drop_removed_listeners();
    void log_listeners(const std::vector<OpenListener>& listeners);
    void reload(const char* why);
    void post_to_workers(void (*fn)(engine::Worker&, void*), std::shared_ptr<void> arg);
    void shut_down(int signal);
    void drain(uint64_t idle_ms);
    // Listens: with the sockets of a predecessor or the service manager, when there are. False: `error` says why not.
    bool open_listeners(std::string& error);
    net::FdManifest manifest() override;
    void hand_over(int pid, const std::vector<std::string>& taken) override;
    void upgrade_said(const std::string& text, bool failed) override;
    void start_successor();
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
    std::unique_ptr<ListenerSet> listeners_;
    UpgradeServer upgrades_;
    std::unique_ptr<Predecessor> predecessor_;
    bool handed_over_ = false, reload_when_free_ = false;
    uint64_t generation_ = 0;
    plan::StateStore states_;
    uint64_t reloads_ = 0, failed_reloads_ = 0;
    rt::Io signals_, watch_;
    rt::Timer check_timer_, reload_timer_, look_timer_, removed_timer_, certificates_timer_, tickets_timer_;
    TlsKeeper tls_;
    FileState loaded_, seen_;  // when it was read last, and when somebody looked last
    bool stopping_ = false;
    uint64_t stop_deadline_ms_ = 0;
    int exit_code_ = 0;
};

}  // namespace gladius::app
