#include "app/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>

#include "app/crash.h"
#include "app/environment.h"
#include "app/notify.h"
#include "app/registry.h"
#include "net/socket.h"

namespace gladius::app {

using telemetry::Level;

struct Supervisor::WorkerThread {
    std::unique_ptr<rt::Loop> loop;
    std::unique_ptr<engine::Worker> worker;
    std::thread thread;
};

namespace {

// Between two looks at the watched file.
constexpr uint64_t kLookMs = 500;
// A ticket of TLS is good for a day: four keys, each the newest for so long (net/tls_library.h).
constexpr uint64_t kTicketKeyMs = 8 * 3600 * 1000;
// A handshake that had begun when a listener was removed has so long to end.
constexpr uint64_t kLastHandshakesMs = 200;
// After an upgrade, idle connections have so long for a last request, whose answer says that the connection ends.
constexpr uint64_t kLastRequestMs = 5000;

unsigned usable_cores() {
    cpu_set_t set;
    unsigned n = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0) n = static_cast<unsigned>(CPU_COUNT(&set));
    // A container's quota: cpu.max holds "max 100000" or "<quota> <period>".
    std::ifstream f("/sys/fs/cgroup/cpu.max");
    std::string quota;
    double period = 0;
    if (f >> quota >> period && quota != "max" && period > 0) {
        auto q = static_cast<unsigned>(std::ceil(std::strtod(quota.c_str(), nullptr) / period));
        n = std::min(n, std::max(1u, q));
    }
    return n;
}

uint64_t machine_memory() {
    uint64_t total = 0;
    struct sysinfo si{};
    if (sysinfo(&si) == 0) total = static_cast<uint64_t>(si.totalram) * si.mem_unit;
    std::ifstream f("/sys/fs/cgroup/memory.max");
    std::string text;
    if (f >> text && text != "max") total = std::min<uint64_t>(total, std::strtoull(text.c_str(), nullptr, 10));
    return total;
}

// A function that runs on a worker's loop, with an argument that lives as long as it is needed.
struct Post : rt::Remote {
    engine::Worker* worker = nullptr;
    void (*fn)(engine::Worker&, void*) = nullptr;
    std::shared_ptr<void> arg;
};

struct PostedListeners {
    PostedListeners(std::vector<OpenListener> l, unsigned n) : listeners(std::move(l)), workers(n), left(n) {}
    std::vector<OpenListener> listeners;
    unsigned workers;
    std::atomic<unsigned> left;
    std::promise<void> done;
};

}  // namespace

Supervisor::Supervisor(RunOptions options)
    : options_(std::move(options)), upgrades_(loop_, *this, uint64_t{options_.upgrade_seconds} * 1000) {}
Supervisor::~Supervisor() = default;

std::shared_ptr<plan::Snapshot> Supervisor::load(conf::Diagnostics& diagnostics,
                                                 std::shared_ptr<conf::Service>& service,
                                                 std::shared_ptr<const TlsKeeper::Loaded>& tls) {
    auto env = environment_pairs();
    conf::LoadOptions o;
    o.environment = env;
    o.port = options_.port;
    o.debug = options_.debug;
    o.allow_unsupported = options_.allow_unsupported;
    o.namespaces = feature_namespaces();
    loaded_ = file_state();
    conf::LoadResult r = conf::load_file(options_.config, o);
    diagnostics.append(r.diagnostics);
    service = r.service;
    if (!r.ok()) return nullptr;
    plan::CompileOptions c;
    c.generation = ++generation_;
    c.http_proxy = http_proxy_of(env);
    c.https_proxy = https_proxy_of(env);
    c.no_proxy = no_proxy_of(env);
    c.features = features();
    c.allow_unsupported = options_.allow_unsupported;
    c.states = &states_;
    auto s = plan::compile(*r.service, c, diagnostics);
    if (diagnostics.has_errors()) return nullptr;
    tls = tls_.load(*s, diagnostics);
    if (!tls) return nullptr;
    return s;
}

void Supervisor::info(const std::string& text) {
    log_->write(Level::info, "", text);
}

void Supervisor::log_options(const conf::Service& s) {
    telemetry::LogOptions o = logging_options(s);
    Result<void> ok = telemetry::Log::check(o);
    if (!ok) {
        log_->write(Level::error, "[SERVICE: Logging]", "Unable to create the logger: " + ok.error().message);
        return;
    }
    (void)log_->reconfigure(o);
}

void Supervisor::log_start(const conf::Service& s) {
    char cwd[4096];
    info("Starting KrakenD v2.13.8 (Gladius " GLADIUS_VERSION ")");
    info(std::string("Working directory is ") + (getcwd(cwd, sizeof cwd) ? cwd : "?"));
    info("Starting the KrakenD instance");
    if (!log_->enabled(Level::debug) || s.endpoints.size() > 2000) return;
    for (const conf::Endpoint& e : s.endpoints) {
        std::string prefix = "[ENDPOINT: " + e.endpoint + "]";
        log_->write(Level::debug, prefix, "Building the proxy pipe");
        for (const conf::Backend& b : e.backend)
            log_->write(Level::debug, "[BACKEND: " + b.url_pattern + "]", "Building the backend pipe");
        if (e.backend.size() > 1)
            log_->write(Level::debug, prefix + "[Merge]",
                        "Backends: " + std::to_string(e.backend.size()) + ", sequential: false, combiner: default");
        log_->write(Level::debug, prefix, "Building the http handler");
    }
}

void Supervisor::post_to_workers(void (*fn)(engine::Worker&, void*), std::shared_ptr<void> arg) {
    for (auto& w : workers_) {
        auto* p = new Post;
        p->worker = w->worker.get();
        p->fn = fn;
        p->arg = arg;
        p->run = [](rt::Remote* r) {
            auto* post = static_cast<Post*>(r);
            post->fn(*post->worker, post->arg.get());
            delete post;
        };
        w->loop->post_remote(p);
    }
}

int Supervisor::run() {
    signal(SIGPIPE, SIG_IGN);
    // Two arenas are enough for the few allocations off the data path; the default keeps one per core and its memory.
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024);
    net::raise_descriptor_limit();

    // Signals are read by the control loop; threads inherit the mask.
    sigset_t set;
    sigemptyset(&set);
    for (int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD})
        sigaddset(&set, s);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);

    conf::Diagnostics diagnostics;
    std::shared_ptr<conf::Service> service;
    unsigned n = options_.workers ? options_.workers : usable_cores();
    tls_.set_workers(n);
    std::shared_ptr<const TlsKeeper::Loaded> tls;
    auto snapshot = load(diagnostics, service, tls);
    if (!snapshot) {
        std::fputs(diagnostics.text().c_str(), stderr);
        std::fprintf(stderr, "ERROR parsing the configuration file: %s\n",
                     diagnostics.summary(options_.config).c_str());
        return 1;
    }
    telemetry::LogOptions log_options_now = logging_options(*service);
    Result<void> log_ok = telemetry::Log::check(log_options_now);
    log_ = std::make_unique<telemetry::Log>(log_ok ? log_options_now : telemetry::LogOptions{});
    telemetry::Log::set_process_log(log_.get());
    if (!log_ok)
        log_->write(Level::error, "[SERVICE: Logging]", "Unable to create the logger: " + log_ok.error().message);
    for (const conf::Diagnostic& d : diagnostics.all())
        if (d.severity == conf::Severity::warning) log_->write(Level::warning, "", conf::format(d));
    log_start(*service);

    budget_.set_limit(snapshot->server.max_memory ? snapshot->server.max_memory : machine_memory() / 4 * 3);
    tls_.adopt(std::move(tls));
    say_tls(tls_.current());
    counters_ = std::make_unique<telemetry::Counters>(n);
    snapshot_ = snapshot;
    generations_.push_back(snapshot_);
    std::vector<engine::Worker*> all;
    for (unsigned i = 0; i < n; ++i) {
        auto w = std::make_unique<WorkerThread>();
        w->loop = std::make_unique<rt::Loop>();
        w->worker = std::make_unique<engine::Worker>(*w->loop, i, n, budget_, counters_->shard(i), log_->add_writer(),
                                                     log_->terminal());
        w->worker->adopt(snapshot_, tls_.current().parts(i));
        all.push_back(w->worker.get());
        workers_.push_back(std::move(w));
    }
    for (engine::Worker* w : all)
        w->set_neighbours(all);
    std::string error;
    listeners_ = std::make_unique<ListenerSet>(n);
    if (!open_listeners(error)) {
        log_->write(Level::error, "[SERVICE: Gin]", error);
        log_->stop();
        return 1;
    }
    install_crash_handler(all);
    snapshot.reset();
    service.reset();
    malloc_trim(0);

    for (unsigned i = 0; i < n; ++i) {
        WorkerThread* w = workers_[i].get();
        w->thread = std::thread([w, i] {
            char name[16];
            std::snprintf(name, sizeof name, "worker-%u", i);
            pthread_setname_np(pthread_self(), name);
            w->loop->run();
        });
    }
    // From here on it serves. A predecessor lets go at this moment, and goes on when it is not told to.
    if (predecessor_) {
        std::vector<std::string> places;
        for (const OpenListener& l : listeners_->all())
            places.push_back(l.plan->key());
        if (Result<void> r = predecessor_->take_over(places); !r) {
            log_->write(Level::error, "[SERVICE: Upgrade]", r.error().message);
            log_->stop();
            _exit(1);  // workers run, and serve nothing
        }
        predecessor_.reset();
        notify_service_manager("MAINPID=" + std::to_string(::getpid()));
        // It serves without them, too.
        if (Result<void> r = listeners_->grow(); !r) log_->write(Level::error, "[SERVICE: Gin]", r.error().message);
    }
    add_listeners(listeners_->all());
    if (!options_.upgrade_socket.empty()) {
        if (Result<void> r = upgrades_.open(options_.upgrade_socket); !r)
            log_->write(Level::error, "[SERVICE: Upgrade]",
                        "the next upgrade will not find this process: " + r.error().message);
    }
    notify_service_manager("READY=1");

    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    GL_CHECK(fd >= 0 && signals_.open(loop_, fd));
    signals_.on_readable([](rt::Io&, void* self) { static_cast<Supervisor*>(self)->on_signal(); }, this);
    if (options_.watch) start_watch();
    look_at_certificates();
    tickets_timer_.arg = this;
    tickets_timer_.fire = [](rt::Timer&, void* self) { static_cast<Supervisor*>(self)->rotate_tickets(); };
    loop_.wheel().arm(tickets_timer_, loop_.now_ms() + kTicketKeyMs);
    loop_.run();

    for (auto& w : workers_) {
        if (w->thread.joinable()) w->thread.join();
    }
    listeners_->close_all();
    signals_.close();
    watch_.close();
    log_->write(Level::info, "[SERVICE: Gin]", "Router execution ended");
    log_->stop();
    // Workers end with the process: connections that the drain cut may still have coroutines that wait, and nobody
    // needs their memory back.
    std::fflush(nullptr);
    _exit(exit_code_);
}

void Supervisor::on_signal() {
    signalfd_siginfo s;
    while (::read(signals_.fd(), &s, sizeof s) == sizeof s) {
        switch (s.ssi_signo) {
            case SIGHUP:
                reload("SIGHUP");
                break;
            case SIGUSR1:
                dump_counters();
                break;
            case SIGUSR2:
                start_successor();
                break;
            case SIGCHLD:
                while (::waitpid(-1, nullptr, WNOHANG) > 0) {
                }
                break;
            default:
                shut_down(static_cast<int>(s.ssi_signo));
        }
    }
}

void Supervisor::dump_counters() {
    std::erase_if(generations_, [](const auto& g) { return g.expired(); });
    const std::pair<const char*, uint64_t> more[] = {{"generations_alive", generations_.size()},
                                                     {"generation", snapshot_->generation},
                                                     {"reloads", reloads_},
                                                     {"reloads_failed", failed_reloads_},
                                                     {"memory_budget", budget_.limit()},
                                                     {"memory_budget_used", budget_.used()},
                                                     {"memory_budget_refused", budget_.refused()},
                                                     {"log_dropped", log_->dropped()}};
    std::string text = counters_->dump_json();
    text.pop_back();  // the closing brace
    for (const auto& [name, value] : more)
        text += ",\"" + std::string(name) + "\":" + std::to_string(value);
    info("Counters: " + text + "}");
}

void Supervisor::reload(const char* why) {
    if (stopping_) return;
    if (upgrades_.busy()) {  // the successor was given the listeners of this configuration, and reads the file itself
        reload_when_free_ = true;
        return;
    }
    notify_reloading();
    drop_removed_listeners();  // of the reload before: their place may be wanted again
    conf::Diagnostics diagnostics;
    std::shared_ptr<conf::Service> service;
    std::shared_ptr<const TlsKeeper::Loaded> tls;
    auto snapshot = load(diagnostics, service, tls);
    std::string error;
    ListenerSet::Change change;
    if (snapshot) {
        auto prepared = listeners_->prepare(snapshot->server.listeners);
        if (prepared) {
            change = std::move(*prepared);
        } else {
            error = prepared.error().message;
            snapshot.reset();
        }
    }
    if (!snapshot) {
        ++failed_reloads_;
        log_->write(Level::error, "",
                    std::string("Reload (") + why + ") refused, the old configuration goes on serving: " +
                        (error.empty() ? diagnostics.summary(options_.config) : error));
        for (const conf::Diagnostic& d : diagnostics.all())
            if (d.severity == conf::Severity::error) log_->write(Level::error, "", conf::format(d));
        notify_service_manager("READY=1");
        return;
    }
    ++reloads_;
    log_options(*service);
    for (const conf::Diagnostic& d : diagnostics.all())
        if (d.severity == conf::Severity::warning) log_->write(Level::warning, "", conf::format(d));
    budget_.set_limit(snapshot->server.max_memory ? snapshot->server.max_memory : machine_memory() / 4 * 3);
    snapshot_ = snapshot;
    states_.sweep();
    std::erase_if(generations_, [](const auto& g) { return g.expired(); });
    generations_.push_back(snapshot_);
    tls_.adopt(std::move(tls));
    say_tls(tls_.current());
    post_tls(snapshot_);
    if (!certificates_timer_.armed()) look_at_certificates();
    listeners_->commit(change, snapshot->server.listeners);
    add_listeners(std::move(change.added));
    info(std::string("Reload (") + why + ") done: generation " + std::to_string(snapshot_->generation));
    notify_service_manager("READY=1");
    snapshot.reset();
    service.reset();
    malloc_trim(0);
}

// Workers accept from new sockets at once, and for a while from the removed ones too.
void Supervisor::add_listeners(std::vector<OpenListener> added) {
    log_listeners(added);
    post_to_workers(
        [](engine::Worker& w, void* a) {
            auto& s = *static_cast<PostedListeners*>(a);
            for (const OpenListener& l : s.listeners)
                for (int fd : l.of_worker(w.index(), s.workers))
                    w.listen(fd, l.plan);
        },
        std::make_shared<PostedListeners>(std::move(added), listeners_->workers()));
    if (listeners_->removed().empty()) return;
    removed_timer_.arg = this;
    removed_timer_.fire = [](rt::Timer&, void* self) { static_cast<Supervisor*>(self)->drop_removed_listeners(); };
    loop_.wheel().arm(removed_timer_, loop_.now_ms() + kLastHandshakesMs);
}

void Supervisor::drop_removed_listeners() {
    if (removed_timer_.armed()) removed_timer_.disarm();
    if (listeners_->removed().empty()) return;
    auto posted = std::make_shared<PostedListeners>(listeners_->removed(), listeners_->workers());
    auto done = posted->done.get_future();
    post_to_workers(
        [](engine::Worker& w, void* a) {
            auto& s = *static_cast<PostedListeners*>(a);
            for (const OpenListener& l : s.listeners)
                for (int fd : l.of_worker(w.index(), s.workers))
                    w.unlisten(fd);
            if (--s.left == 0) s.done.set_value();
        },
        posted);
    // The descriptors are closed when every worker has let go of them.
    done.wait();
    listeners_->close_removed();
}

void Supervisor::log_listeners(const std::vector<OpenListener>& listeners) {
    for (const OpenListener& l : listeners) {
        std::string text = l.plan->is_unix() ? "Listening on unix socket: " + l.plan->path
                                             : "Listening on port: " + std::to_string(l.plan->port);
        if (l.plan->name != "main" && l.plan->name != l.plan->path) text += " (" + l.plan->name + ")";
        log_->write(Level::info, "[SERVICE: Gin]", text);
    }
}

void Supervisor::shut_down(int sig) {
    if (handed_over_) {  // it drains already; now without waiting for idle connections
        handed_over_ = false;
        return drain(0);
    }
    if (stopping_) {
        info("Second signal: ending at once");
        log_->stop(std::chrono::milliseconds(500));
        _exit(exit_code_);
    }
    stopping_ = true;
    notify_service_manager("STOPPING=1");
    info(std::string("Signal intercepted: ") + (sig == SIGINT ? "interrupt" : "terminated"));
    upgrades_.close();
    listeners_->pass_on({});
    drain(0);
}

void Supervisor::drain(uint64_t idle_ms) {
    stopping_ = true;
    stop_deadline_ms_ =
        snapshot_->server.max_shutdown_wait_ms ? loop_.now_ms() + snapshot_->server.max_shutdown_wait_ms : 0;
    auto how = std::make_shared<engine::Worker::Drain>();
    how->kept = listeners_->kept_descriptors();
    how->idle_ms = idle_ms;
    post_to_workers([](engine::Worker& w, void* a) { w.drain(*static_cast<engine::Worker::Drain*>(a)); }, how);
    check_timer_.arg = this;
    check_timer_.fire = &on_check;
    loop_.wheel().arm(check_timer_, loop_.now_ms() + 5);
}

bool Supervisor::open_listeners(std::string& error) {
    if (!options_.upgrade_socket.empty()) {
        Result<std::unique_ptr<Predecessor>> found = Predecessor::find(options_.upgrade_socket);
        if (!found) {
            error = found.error().message;
            return false;
        }
        predecessor_ = std::move(*found);
    }
    Result<net::FdManifest> inherited = net::take_activation_manifest();
    if (!inherited) {
        error = inherited.error().message;
        return false;
    }
    if (predecessor_) {
        info("Taking over from process " + std::to_string(predecessor_->pid) + " (version " + predecessor_->version +
             ")");
        inherited->close();
        inherited = std::exchange(predecessor_->manifest, {});
    }
    listeners_->inherit(std::move(*inherited));
    auto change = listeners_->prepare(snapshot_->server.listeners);
    if (!change) {
        error = change.error().message;
        return false;
    }
    listeners_->commit(*change, snapshot_->server.listeners);
    for (const std::string& place : listeners_->close_inherited())
        log_->write(Level::warning, "[SERVICE: Gin]", "no listener of the configuration is at " + place);
    return true;
}

// --- a successor
// -----------------------------------------------------------------------------------------------------------------------

net::FdManifest Supervisor::manifest() {
    drop_removed_listeners();
    return listeners_->manifest();
}

void Supervisor::hand_over(int pid, const std::vector<std::string>& taken) {
    handed_over_ = true;
    // Nobody has to tell this process about files any more; `gladius reload` looks for one that cares.
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    signal(SIGHUP, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, &hangup, nullptr);
    notify_service_manager("MAINPID=" + std::to_string(pid));
    listeners_->pass_on(taken);
    drain(kLastRequestMs);
}

void Supervisor::upgrade_said(const std::string& text, bool failed) {
    log_->write(failed ? Level::error : Level::info, "[SERVICE: Upgrade]", text);
    if (failed && reload_when_free_ && !upgrades_.busy()) {
        reload_when_free_ = false;
        reload("after a failed upgrade");
    }
}

// The same command again, which may be another binary by now. It finds this process by the upgrade socket.
void Supervisor::start_successor() {
    if (stopping_) return;
    if (options_.upgrade_socket.empty() || options_.command.empty()) {
        log_->write(Level::error, "[SERVICE: Upgrade]", "SIGUSR2 starts a successor only with --upgrade-socket");
        return;
    }
    std::vector<char*> words;
    for (std::string& w : options_.command)
        words.push_back(w.data());
    words.push_back(nullptr);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_t how;
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
    pid_t pid = 0;
    int e = posix_spawnp(&pid, words[0], nullptr, &how, words.data(), environ);
    posix_spawnattr_destroy(&how);
    if (e)
        log_->write(Level::error, "[SERVICE: Upgrade]",
                    "cannot start " + options_.command[0] + ": " + net::error_words(e));
    else
        log_->write(Level::info, "[SERVICE: Upgrade]", "started process " + std::to_string(pid));
}

void Supervisor::on_check(rt::Timer&, void* p) {
    auto* self = static_cast<Supervisor*>(p);
    uint64_t open = 0;
    for (size_t i = 0; i < self->workers_.size(); ++i)
        open += self->counters_->shard(i).get(telemetry::Counter::connections_open);
    bool late = self->stop_deadline_ms_ && self->loop_.now_ms() >= self->stop_deadline_ms_;
    if (open > 0 && !late) {
        self->loop_.wheel().arm(self->check_timer_, self->loop_.now_ms() + 10);
        return;
    }
    if (open > 0) {
        self->log_->write(Level::error, "[SERVICE: Gin]",
                          "context deadline exceeded: " + std::to_string(open) + " connections were cut");
        self->post_to_workers([](engine::Worker& w, void*) { w.cut_all(); }, nullptr);
    }
    self->post_to_workers([](engine::Worker& w, void*) { w.loop.stop(); }, nullptr);
    self->loop_.stop();
}

// --- watching the file
// -----------------------------------------------------------------------------------------------------------------------

void Supervisor::start_watch() {
    // What no event tells of (a link further up the path that is swapped, a file system of the network) is seen by
    // looking.
    look_timer_.arg = this;
    look_timer_.fire = [](rt::Timer&, void* self) { static_cast<Supervisor*>(self)->look(); };
    loop_.wheel().arm(look_timer_, loop_.now_ms() + kLookMs);
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) return;
    if (!watch_.open(loop_, fd)) {
        ::close(fd);
        return;
    }
    // The folder, not the file: editors and config maps replace the file by renaming.
    std::string dir = options_.config;
    size_t slash = dir.rfind('/');
    dir = slash == std::string::npos ? "." : slash == 0 ? "/" : dir.substr(0, slash);
    inotify_add_watch(fd, dir.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE);
    watch_.on_readable([](rt::Io&, void* self) { static_cast<Supervisor*>(self)->on_watch(); }, this);
}

// --- certificates
// -----------------------------------------------------------------------------------------------------------------------

void Supervisor::say_tls(const TlsKeeper::Loaded& tls) {
    for (const std::string& text : tls.problems)
        log_->write(Level::error, "[SERVICE: HTTP Server]", text);
    for (const std::string& text : tls.remarks)
        log_->write(Level::warning, "[SERVICE: HTTP Server]", text);
}

// To all workers: what they speak TLS with, and the snapshot when there is a new one.
void Supervisor::post_tls(std::shared_ptr<const plan::Snapshot> snapshot) {
    struct News {
        std::shared_ptr<const plan::Snapshot> snapshot;
        std::vector<engine::TlsParts> parts;
    };
    auto news = std::make_shared<News>();
    news->snapshot = std::move(snapshot);
    for (size_t i = 0; i < workers_.size(); ++i)
        news->parts.push_back(tls_.current().parts(i));
    post_to_workers(
        [](engine::Worker& w, void* arg) {
            auto& n = *static_cast<News*>(arg);
            if (n.snapshot)
                w.adopt(n.snapshot, std::move(n.parts[w.index()]));
            else
                w.adopt(std::move(n.parts[w.index()]));
        },
        std::move(news));
}

void Supervisor::look_at_certificates() {
    std::string complaint;
    if (tls_.watches() && !stopping_) {
        if (auto fresh = tls_.look(complaint)) {
            say_tls(*fresh);
            post_tls(nullptr);
            info("Certificates were read again: new connections get the new ones");
        } else if (!complaint.empty()) {
            log_->write(Level::error, "[SERVICE: HTTP Server]",
                        complaint + "; the certificates of before go on being used");
        }
    }
    if (!tls_.watches()) return;  // a reload calls again
    certificates_timer_.arg = this;
    certificates_timer_.fire = [](rt::Timer&, void* self) { static_cast<Supervisor*>(self)->look_at_certificates(); };
    loop_.wheel().arm(certificates_timer_, loop_.now_ms() + kLookMs);
}

void Supervisor::rotate_tickets() {
    if (auto keys = tls_.rotate())
        post_to_workers([](engine::Worker& w,
                           void* k) { w.take_ticket_keys(*static_cast<std::shared_ptr<const net::TicketKeys>*>(k)); },
                        std::make_shared<std::shared_ptr<const net::TicketKeys>>(std::move(keys)));
    loop_.wheel().arm(tickets_timer_, loop_.now_ms() + kTicketKeyMs);
}

Supervisor::FileState Supervisor::file_state() const {
    struct stat st{};
    if (::stat(options_.config.c_str(), &st) != 0) return {};
    return {st.st_dev, st.st_ino, static_cast<uint64_t>(st.st_size),
            st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec};
}

// A change counts when two looks see the same: who writes may need a while.
void Supervisor::look() {
    FileState now = file_state();
    if (now != loaded_ && now == seen_) reload_soon();
    seen_ = now;
    loop_.wheel().arm(look_timer_, loop_.now_ms() + kLookMs);
}

void Supervisor::reload_soon() {
    reload_timer_.arg = this;
    reload_timer_.fire = [](rt::Timer&, void* self) { static_cast<Supervisor*>(self)->reload("file changed"); };
    loop_.wheel().arm(reload_timer_, loop_.now_ms() + 50);
}

void Supervisor::on_watch() {
    alignas(inotify_event) char buf[4096];
    std::string name = options_.config.substr(options_.config.rfind('/') + 1);
    bool ours = false;
    ssize_t n;
    while ((n = ::read(watch_.fd(), buf, sizeof buf)) > 0) {
        for (char* p = buf; p < buf + n;) {
            auto* e = reinterpret_cast<inotify_event*>(p);
            // "..data" is what Kubernetes swaps when a config map changes.
            if (e->len && (name == e->name || std::strncmp(e->name, "..data", 6) == 0)) ours = true;
            p += sizeof(inotify_event) + e->len;
        }
    }
    if (ours) reload_soon();  // a writer may need several steps: when it is quiet
}

}  // namespace gladius::app
