#include "app/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
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

// A peer that takes nothing and says nothing for so long is gone.
constexpr int kUserTimeoutMs = 300'000;
// Between two looks at the watched file.
constexpr uint64_t kLookMs = 500;
// A ticket of TLS is good for a day: four keys, each the newest for so long (net/tls_library.h).
constexpr uint64_t kTicketKeyMs = 8 * 3600 * 1000;

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

struct SwapListeners {
    std::vector<int> add, remove;  // per worker
    std::atomic<unsigned> left{0};
    std::promise<void> done;
};

}  // namespace

Supervisor::Supervisor(RunOptions options) : options_(std::move(options)) {}
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

bool Supervisor::open_listener(const std::string& ip, uint16_t port, ListenAddress& out, std::string& error) {
    out.ip = ip;
    out.port = port;
    // When only the address changes, the port is held by ourselves.
    if (port != listen_.port) {
        if (Result<void> free = net::port_is_free(ip, port); !free) {
            error = free.error().message;
            return false;
        }
    }
    for (size_t i = 0; i < workers_.size(); ++i) {
        Result<int> fd = net::listen_tcp(ip, port);
        if (!fd) {
            error = fd.error().message;
            for (int f : out.fds)
                ::close(f);
            out.fds.clear();
            return false;
        }
        // Accepted sockets inherit these.
        net::tune(*fd, 15, kUserTimeoutMs);
        out.fds.push_back(*fd);
    }
    return true;
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
    for (int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1})
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
    if (!open_listener(snapshot->server.listen_ip, snapshot->server.port, listen_, error)) {
        log_->write(Level::error, "[SERVICE: Gin]", error);
        log_->stop();
        return 1;
    }
    install_crash_handler(all);
    snapshot.reset();
    service.reset();
    malloc_trim(0);

    for (unsigned i = 0; i < n; ++i) {
        workers_[i]->worker->listen(listen_.fds[i]);
        WorkerThread* w = workers_[i].get();
        w->thread = std::thread([w, i] {
            char name[16];
            std::snprintf(name, sizeof name, "worker-%u", i);
            pthread_setname_np(pthread_self(), name);
            w->loop->run();
        });
    }
    log_->write(Level::info, "[SERVICE: Gin]", "Listening on port: " + std::to_string(listen_.port));
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
    for (int f : listen_.fds)
        ::close(f);
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
    notify_reloading();
    conf::Diagnostics diagnostics;
    std::shared_ptr<conf::Service> service;
    std::shared_ptr<const TlsKeeper::Loaded> tls;
    auto snapshot = load(diagnostics, service, tls);
    std::string error;
    ListenAddress fresh;
    bool moved = snapshot && (snapshot->server.port != listen_.port || snapshot->server.listen_ip != listen_.ip);
    if (snapshot && moved && !open_listener(snapshot->server.listen_ip, snapshot->server.port, fresh, error))
        snapshot.reset();
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
    if (moved) {
        auto swap = std::make_shared<SwapListeners>();
        swap->add = fresh.fds;
        swap->remove = listen_.fds;
        swap->left = static_cast<unsigned>(workers_.size());
        auto done = swap->done.get_future();
        post_to_workers(
            [](engine::Worker& w, void* a) {
                auto& s = *static_cast<SwapListeners*>(a);
                w.listen(s.add[w.index()]);
                w.unlisten(s.remove[w.index()]);
                if (--s.left == 0) s.done.set_value();
            },
            swap);
        // The old descriptors are closed when every worker has let go of them.
        done.wait();
        for (int f : listen_.fds)
            ::close(f);
        listen_ = std::move(fresh);
        log_->write(Level::info, "[SERVICE: Gin]", "Listening on port: " + std::to_string(listen_.port));
    }
    info(std::string("Reload (") + why + ") done: generation " + std::to_string(snapshot_->generation));
    notify_service_manager("READY=1");
    snapshot.reset();
    service.reset();
    malloc_trim(0);
}

void Supervisor::shut_down(int sig) {
    if (stopping_) {
        info("Second signal: ending at once");
        log_->stop(std::chrono::milliseconds(500));
        _exit(exit_code_);
    }
    stopping_ = true;
    notify_service_manager("STOPPING=1");
    info(std::string("Signal intercepted: ") + (sig == SIGINT ? "interrupt" : "terminated"));
    stop_deadline_ms_ =
        snapshot_->server.max_shutdown_wait_ms ? loop_.now_ms() + snapshot_->server.max_shutdown_wait_ms : 0;
    post_to_workers([](engine::Worker& w, void*) { w.drain(); }, nullptr);
    check_timer_.arg = this;
    check_timer_.fire = &on_check;
    loop_.wheel().arm(check_timer_, loop_.now_ms() + 5);
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
