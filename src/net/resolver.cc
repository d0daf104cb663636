#include "net/resolver.h"

#include <ares.h>
#include <poll.h>
#include <strings.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/list.h"

namespace gladius::net {
namespace {

constexpr uint64_t kMinTtlMs = 1000;
constexpr uint64_t kFileTtlMs = 5000;  // answers out of the hosts file carry no TTL
constexpr uint64_t kNegativeMs = 1000;
constexpr uint64_t kMaxRetryMs = 30000;
// How long a refresh may take before its waiters go on with the last good answer.
constexpr uint64_t kStaleWaitMs = 250;
constexpr uint64_t kFileCheckMs = 2000;

const char* error_text(int status) {
    switch (status) {
        case ARES_ENOTFOUND:
        case ARES_ENODATA:
        case ARES_EBADNAME:
        case ARES_ENONAME:
        case ARES_ESERVICE:
            return "no such host";
        case ARES_ETIMEOUT:
            return "i/o timeout";
        default:  // c-ares 1.18 says ARES_ECONNREFUSED when every server answered with a failure, too
            return "server misbehaving";
    }
}

// What can be asked for at all; everything else would only be cut off or refused by c-ares.
bool plausible(const std::string& name) {
    if (name.empty() || name.size() > 254) return false;
    return std::all_of(name.begin(), name.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
}

struct Found {
    std::vector<Address> addresses;
    uint64_t ttl_ms = 0;
    void add(const Address& a) {
        if (std::find(addresses.begin(), addresses.end(), a) == addresses.end()) addresses.push_back(a);
    }
};

bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// RFC 6761 6.3: these never leave the machine.
bool is_local(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    size_t dot = name.rfind('.');
    return same_name(dot == std::string_view::npos ? name : name.substr(dot + 1), "localhost");
}

// Out of the hosts file, or the loopback addresses. Not left to c-ares 1.18, which loses memory when the file does not
// know the name.
Found local_addresses(std::string_view name, const std::string& hosts) {
    Found found;
    found.ttl_ms = kFileTtlMs;
    if (name.ends_with('.')) name.remove_suffix(1);
    std::ifstream file(hosts);
    for (std::string line; std::getline(file, line);) {
        line.resize(std::min(line.find('#'), line.size()));
        std::istringstream words(line);
        std::string ip, alias;
        Address a;
        if (!(words >> ip) || !parse_ip(ip, 0, a)) continue;
        while (words >> alias)
            if (same_name(alias, name)) found.add(a);
    }
    if (found.addresses.empty()) {
        for (const char* ip : {"127.0.0.1", "::1"}) {
            Address a;
            parse_ip(ip, 0, a);
            found.add(a);
        }
    }
    return found;
}

// Changes when a file is rewritten or replaced.
struct Stamp {
    int64_t seconds = 0, nanoseconds = 0;
    uint64_t inode = 0, size = 0;
    bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const std::string& path) {
    struct stat st;
    if (::stat(path.c_str(), &st) != 0) return {};
    return Stamp{st.st_mtim.tv_sec, st.st_mtim.tv_nsec, st.st_ino, static_cast<uint64_t>(st.st_size)};
}

struct WaiterHook : ListHook {};
struct Waiter;

// One name.
struct Entry : ListHook {  // in order of use
    Resolver::Impl* impl = nullptr;
    const std::string* name = nullptr;  // the key in the map
    Resolver::Answer answer;
    List<Waiter, WaiterHook> waiters;
    uint64_t started_ms = 0;
    uint32_t pins = 0;      // coroutines that look at this entry
    uint32_t failures = 0;  // in a row
    bool running = false;
    bool restart = false;  // its query was taken back with the channel and is asked again
};

// A coroutine that waits for the lookup of an entry. Leaves it when its scope ends; the lookup goes on.
struct Waiter : rt::Wait, WaiterHook {
    Entry& entry;
    rt::Scope& scope;
    Waiter(Entry& e, rt::Scope& s) : entry(e), scope(s) {}
    bool await_ready() {
        if (scope.ended()) result = scope.why();
        return scope.ended();
    }
    void await_suspend(std::coroutine_handle<> h) {
        handle = h;
        detach = [](rt::Wait& w) { static_cast<WaiterHook&>(static_cast<Waiter&>(w)).unlink(); };
        entry.waiters.push_back(*this);
        scope.enter(*this);
    }
    rt::Wake await_resume() { return result; }
};

// A socket of c-ares in the loop.
struct Socket {
    rt::Io io;
    int fd = -1;
    bool want_read = false, want_write = false;
};

}  // namespace

struct Resolver::Impl {
    explicit Impl(rt::Loop& l) : loop(l) {
        drive.arg = this;
        drive.fire = [](rt::Timer&, void* self) { static_cast<Impl*>(self)->pump(); };
    }
    ~Impl() {
        close_channel();
        for (auto& [name, e] : entries)
            GL_CHECK(e.pins == 0);
    }

    rt::Task<Answer> resolve(const std::string& name, rt::Scope& scope);
    Entry* find_or_add(const std::string& name);
    void start(Entry& e);
    void ask(Entry& e);
    void finish(Entry& e, int status, Found found);
    Found read(const ares_addrinfo& answer) const;
    void check_files();
    bool open_channel();
    void close_channel();
    void pump();
    void arm();
    void watch(int fd, bool read, bool write);
    static void on_answer(void* arg, int status, int timeouts, ares_addrinfo* found);

    rt::Loop& loop;
    uint64_t max_ttl_ms = 30000;
    std::string servers;
    std::string resolv_conf = "/etc/resolv.conf";
    std::string hosts = std::getenv("CARES_HOSTS") ? std::getenv("CARES_HOSTS") : "/etc/hosts";
    bool other_resolv_conf = false;
    int first_timeout_ms = 2000, attempts = 3;

    std::unordered_map<std::string, Entry> entries;
    List<Entry> by_use;  // the front was not used for longest
    uint64_t lookups = 0;

    ares_channel channel = nullptr;
    std::vector<Socket*> sockets;
    rt::Timer drive;
    bool restarting = false;
    bool asking = false;  // inside ares_getaddrinfo: an answer that comes now is out of the hosts file
    bool stamped = false;
    uint64_t next_check_ms = 0;
    Stamp resolv_stamp, hosts_stamp;
};

// --- the channel

bool Resolver::Impl::open_channel() {
    if (channel) return true;
    static const int ready = ares_library_init(ARES_LIB_INIT_ALL);  // once a process, whichever worker comes first
    if (ready != ARES_SUCCESS) return false;
    ares_options options{};
    int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
        static_cast<Impl*>(self)->watch(fd, read != 0, write != 0);
    };
    options.sock_state_cb_data = this;
    options.timeout = first_timeout_ms;
    options.tries = attempts;
    if (other_resolv_conf) {
        options.resolvconf_path = resolv_conf.data();
        mask |= ARES_OPT_RESOLVCONF;
    }
    if (ares_init_options(&channel, &options, mask) != ARES_SUCCESS) {
        channel = nullptr;
        return false;
    }
    if (!servers.empty() && ares_set_servers_ports_csv(channel, servers.c_str()) != ARES_SUCCESS) {
        close_channel();
        return false;
    }
    return true;
}

void Resolver::Impl::close_channel() {
    drive.disarm();
    if (channel) ares_destroy(std::exchange(channel, nullptr));
}

// c-ares opens and closes its own sockets and says here what it waits for.
void Resolver::Impl::watch(int fd, bool read, bool write) {
    auto it = std::find_if(sockets.begin(), sockets.end(), [fd](Socket* s) { return s->fd == fd; });
    if (!read && !write) {
        if (it == sockets.end()) return;
        Socket* s = *it;
        sockets.erase(it);
        s->io.release();
        loop.retire([](void* p) { delete static_cast<Socket*>(p); }, s);
        return;
    }
    if (it == sockets.end()) {
        auto* s = new Socket;
        s->fd = fd;
        it = sockets.insert(sockets.end(), s);
        // Without a place in the loop the query runs into its timeout, and is asked again then.
        if (s->io.open(loop, fd)) {
            auto event = [](rt::Io&, void* self) { static_cast<Impl*>(self)->pump(); };
            s->io.on_readable(event, this);
            s->io.on_writable(event, this);
        }
    }
    (*it)->want_read = read;
    (*it)->want_write = write;
}

// c-ares expects level triggering: it leaves bytes unread and asks for writability that came long ago. So every event
// of the loop only says that it is time to look; what is ready is asked of the kernel. Lookups are rare, an extra
// poll() is cheap.
void Resolver::Impl::pump() {
    if (!channel) return;
    constexpr int kRounds = 16;
    constexpr size_t kSockets = 16;
    pollfd fds[kSockets];
    bool more = true;
    for (int round = 0; more && round < kRounds; ++round) {
        size_t n = 0;
        for (Socket* s : sockets) {
            if (n == kSockets) break;
            auto events = static_cast<short>((s->want_read ? POLLIN : 0) | (s->want_write ? POLLOUT : 0));
            fds[n++] = pollfd{s->fd, events, 0};
        }
        more = n > 0 && ::poll(fds, n, 0) > 0;
        for (size_t i = 0; more && i < n; ++i) {
            bool broken = (fds[i].revents & (POLLERR | POLLHUP)) != 0;
            bool r = broken || (fds[i].revents & POLLIN), w = (fds[i].revents & POLLOUT) != 0;
            if (r || w) ares_process_fd(channel, r ? fds[i].fd : ARES_SOCKET_BAD, w ? fds[i].fd : ARES_SOCKET_BAD);
        }
    }
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // timeouts
    if (more)
        loop.wheel().arm(drive, loop.now_ms() + 1);
    else
        arm();
}

void Resolver::Impl::arm() {
    timeval left{};
    if (!channel || !ares_timeout(channel, nullptr, &left)) {
        drive.disarm();
        return;
    }
    auto ms = static_cast<uint64_t>(left.tv_sec) * 1000 + static_cast<uint64_t>(left.tv_usec) / 1000 + 1;
    // A socket that waits for writability may be writable already, and the loop tells only changes.
    if (std::any_of(sockets.begin(), sockets.end(), [](Socket* s) { return s->want_write; }))
        ms = std::min<uint64_t>(ms, 5);
    loop.wheel().arm(drive, loop.now_ms() + ms);
}

// --- the cache

Entry* Resolver::Impl::find_or_add(const std::string& name) {
    auto it = entries.find(name);
    if (it != entries.end()) {
        Entry& e = it->second;
        e.unlink();
        by_use.push_back(e);
        return &e;
    }
    if (entries.size() >= kMaxNames) {
        Entry* old = by_use.front();
        while (old && (old->running || old->pins > 0))
            old = by_use.next(*old);
        if (!old) return nullptr;
        entries.erase(*old->name);
    }
    it = entries.try_emplace(name).first;
    Entry& e = it->second;
    e.impl = this;
    e.name = &it->first;
    by_use.push_back(e);
    return &e;
}

// Sees changes of the two files; asks the file system every few seconds at most, and never while nothing is resolved.
void Resolver::Impl::check_files() {
    if (loop.now_ms() < next_check_ms) return;
    next_check_ms = loop.now_ms() + kFileCheckMs;
    Stamp resolv_now = stamp_of(resolv_conf), hosts_now = stamp_of(hosts);
    bool resolv_changed = stamped && resolv_now != resolv_stamp;
    bool hosts_changed = stamped && hosts_now != hosts_stamp;
    stamped = true;
    resolv_stamp = resolv_now;
    hosts_stamp = hosts_now;
    if (!resolv_changed && !hosts_changed) return;
    for (auto& [name, e] : entries) {
        e.answer.valid_until_ms = 0;
        e.failures = 0;
    }
    if (!resolv_changed || !channel) return;
    // Lookups that run are asked again, of the new servers.
    restarting = true;
    close_channel();
    restarting = false;
    for (auto& [name, e] : entries)
        if (std::exchange(e.restart, false)) ask(e);
}

void Resolver::Impl::start(Entry& e) {
    e.running = true;
    e.started_ms = loop.now_ms();
    ++lookups;
    ask(e);
}

void Resolver::Impl::ask(Entry& e) {
    if (is_local(*e.name)) {
        finish(e, ARES_SUCCESS, local_addresses(*e.name, hosts));
        return;
    }
    if (!open_channel()) {
        finish(e, ARES_ESERVFAIL, {});
        return;
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_ENVHOSTS;  // CARES_HOSTS in the environment names another hosts file
    asking = true;
    ares_getaddrinfo(channel, e.name->c_str(), nullptr, &hints, &on_answer, &e);
    asking = false;
    arm();
}

void Resolver::Impl::on_answer(void* arg, int status, int, ares_addrinfo* found) {
    auto& e = *static_cast<Entry*>(arg);
    if (e.impl->restarting)
        e.restart = true;
    else
        e.impl->finish(e, status, found ? e.impl->read(*found) : Found());
    if (found) ares_freeaddrinfo(found);
}

// The addresses of an answer, and how long it may be used.
Found Resolver::Impl::read(const ares_addrinfo& answer) const {
    Found found;
    int ttl_s = INT32_MAX;
    for (const ares_addrinfo_node* n = answer.nodes; n; n = n->ai_next) {
        if ((n->ai_family != AF_INET && n->ai_family != AF_INET6) || n->ai_addrlen > sizeof(sockaddr_storage)) continue;
        Address a;
        std::memcpy(&a.storage, n->ai_addr, n->ai_addrlen);
        a.length = n->ai_addrlen;
        found.add(a);
        ttl_s = std::min(ttl_s, n->ai_ttl);
    }
    for (const ares_addrinfo_cname* c = answer.cnames; c; c = c->next)
        ttl_s = std::min(ttl_s, c->ttl);
    found.ttl_ms = asking ? kFileTtlMs : static_cast<uint64_t>(std::max(ttl_s, 0)) * 1000;
    return found;
}

void Resolver::Impl::finish(Entry& e, int status, Found found) {
    e.running = false;
    if (status == ARES_SUCCESS && !found.addresses.empty()) {
        e.failures = 0;
        e.answer.addresses = std::move(found.addresses);
        e.answer.error.clear();
        e.answer.valid_until_ms = loop.now_ms() + std::max(kMinTtlMs, std::min(found.ttl_ms, max_ttl_ms));
    } else if (!e.answer.addresses.empty()) {
        uint64_t wait = std::min(kMaxRetryMs, kNegativeMs << std::min<uint32_t>(e.failures, 10));
        ++e.failures;
        e.answer.valid_until_ms = loop.now_ms() + wait;
    } else {
        e.answer.error = error_text(status == ARES_SUCCESS ? ARES_ENODATA : status);
        e.answer.valid_until_ms = loop.now_ms() + kNegativeMs;
    }
    while (Waiter* w = e.waiters.pop_front()) {
        static_cast<rt::Wait&>(*w).unlink();
        w->result = rt::Wake::ready;
        loop.ready(*w);
    }
}

rt::Task<Resolver::Answer> Resolver::Impl::resolve(const std::string& name, rt::Scope& scope) {
    Answer answer;
    Address literal;
    if (parse_ip(name, 0, literal)) {
        answer.addresses.push_back(literal);
        answer.valid_until_ms = UINT64_MAX;
        co_return answer;
    }
    if (!plausible(name)) {
        answer.error = "no such host";
        co_return answer;
    }
    check_files();
    Entry* e = find_or_add(name);
    if (!e) {
        answer.error = "too many lookups";
        co_return answer;
    }
    if (e->answer.valid_until_ms <= loop.now_ms() && !e->running) start(*e);
    if (!e->running) co_return e->answer;

    bool stale = !e->answer.addresses.empty();
    uint64_t waited = loop.now_ms() - e->started_ms;
    if (!stale || waited < kStaleWaitMs) {
        rt::Scope patience(loop, &scope);
        if (stale) patience.deadline_in(kStaleWaitMs - waited);
        Waiter waiter(*e, patience);
        ++e->pins;
        rt::Wake wake = co_await waiter;
        --e->pins;
        if (wake == rt::Wake::ready) co_return e->answer;
        if (scope.ended()) {
            answer.error = scope.why() == rt::Wake::timeout ? "i/o timeout" : "operation was canceled";
            co_return answer;
        }
    }
    answer = e->answer;
    answer.valid_until_ms = loop.now_ms() + kNegativeMs;
    co_return answer;
}

// --- the face

Resolver::Resolver(rt::Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}
Resolver::~Resolver() = default;

void Resolver::set_max_ttl(uint64_t ms) {
    impl_->max_ttl_ms = ms;
}

rt::Task<Resolver::Answer> Resolver::resolve(const std::string& name, rt::Scope& scope) {
    return impl_->resolve(name, scope);
}

void Resolver::set_servers(std::string servers) {
    impl_->servers = std::move(servers);
}

void Resolver::set_attempts(int first_timeout_ms, int attempts) {
    impl_->first_timeout_ms = first_timeout_ms;
    impl_->attempts = attempts;
}

void Resolver::set_files(std::string resolv_conf, std::string hosts) {
    impl_->resolv_conf = std::move(resolv_conf);
    impl_->hosts = std::move(hosts);
    impl_->other_resolv_conf = true;
    // c-ares 1.18 takes another hosts file out of the environment only.
    ::setenv("CARES_HOSTS", impl_->hosts.c_str(), 1);
}

size_t Resolver::cached_names() const {
    return impl_->entries.size();
}
uint64_t Resolver::lookups_started() const {
    return impl_->lookups;
}

}  // namespace gladius::net
