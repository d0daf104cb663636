#include "app/listeners.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace gladius::app {

namespace {
// A peer that takes nothing and says nothing for so long is gone.
constexpr int kUserTimeoutMs = 300'000;
constexpr int kKeepAliveS = 15;

Result<void> add_sockets(const plan::ListenerPlan& plan, size_t n, std::vector<int>& out) {
    for (size_t i = 0; i < n; ++i) {
        Result<int> fd = net::listen_tcp(plan.ip, plan.port);
        if (!fd) return fail(fd.error().message);
        net::tune(*fd, kKeepAliveS, kUserTimeoutMs);  // accepted sockets inherit it
        out.push_back(*fd);
    }
    return {};
}
}  // namespace

std::vector<int> OpenListener::of_worker(unsigned index, unsigned workers) const {
    std::vector<int> out;
    if (fds.size() < workers) {
        if (!fds.empty()) out.push_back(fds[index % fds.size()]);
        return out;
    }
    for (size_t i = index; i < fds.size(); i += workers)
        out.push_back(fds[i]);
    return out;
}

void OpenListener::close() {
    if (plan && plan->is_unix() && !kept) net::remove_socket_file(plan->path, file);
    for (int fd : fds)
        ::close(fd);
    fds.clear();
}

ListenerSet::~ListenerSet() {
    close_all();
}

void ListenerSet::close_removed() {
    for (OpenListener& l : removed_) {
        if (l.kept)  // it may be wanted again
            inherited_.entries.push_back({l.plan->key(), l.name, true, std::move(l.fds)});
        else
            l.close();
    }
    removed_.clear();
}

void ListenerSet::close_all() {
    close_removed();
    for (OpenListener& l : open_)
        l.close();
    open_.clear();
    inherited_.close();
}

const OpenListener* ListenerSet::find(const std::string& key) const {
    for (const OpenListener& l : open_)
        if (l.plan->key() == key) return &l;
    return nullptr;
}

bool ListenerSet::is_our_port(uint16_t port) const {
    std::string end = ":" + std::to_string(port);
    return std::any_of(open_.begin(), open_.end(),
                       [&](const OpenListener& l) { return !l.plan->is_unix() && l.plan->port == port; }) ||
           std::any_of(inherited_.entries.begin(), inherited_.entries.end(),
                       [&](const net::FdManifest::Entry& e) { return e.key.ends_with(end); });
}

bool ListenerSet::take_inherited(const plan::ListenerPlan& plan, OpenListener& out) {
    std::string key = plan.key();
    for (auto& e : inherited_.entries) {
        bool fits = e.key == key || (e.kept && e.name == plan.name);
        if (!fits || e.fds.empty()) continue;
        out.fds = std::move(e.fds);
        out.kept = e.kept;
        out.name = e.name;
        if (plan.is_unix() && !e.kept) out.file = net::identity_of(plan.path);
        inherited_.entries.erase(inherited_.entries.begin() + (&e - inherited_.entries.data()));
        return true;
    }
    return false;
}

std::vector<std::string> ListenerSet::close_inherited() {
    std::vector<std::string> out;
    for (auto& e : inherited_.entries) {
        out.push_back(e.name.empty() ? e.key : e.key + " (" + e.name + ")");
        if (e.kept) continue;  // a reload may want it
        for (int fd : e.fds)
            ::close(fd);
    }
    std::erase_if(inherited_.entries, [](const auto& e) { return !e.kept; });
    return out;
}

Result<void> ListenerSet::open(const plan::ListenerPlan& plan, OpenListener& out) {
    if (take_inherited(plan, out)) return {};
    if (plan.is_unix()) {
        Result<int> fd = net::listen_unix(plan.path, plan.mode);
        if (!fd) return fail(fd.error().message);
        out.fds.push_back(*fd);
        out.file = net::identity_of(plan.path);
        return {};
    }
    // SO_REUSEPORT would share the port with a stranger of the same user; on a port that is ours already only the
    // address is new.
    if (!is_our_port(plan.port)) {
        if (Result<void> free = net::port_is_free(plan.ip, plan.port); !free) return free;
    }
    return add_sockets(plan, workers_, out.fds);
}

Result<void> ListenerSet::grow() {
    for (OpenListener& l : open_) {
        if (l.plan->is_unix() || l.kept || l.fds.size() >= workers_) continue;
        if (Result<void> r = add_sockets(*l.plan, workers_ - l.fds.size(), l.fds); !r) return r;
    }
    return {};
}

net::FdManifest ListenerSet::manifest() const {
    net::FdManifest out;
    for (const OpenListener& l : open_)
        out.entries.push_back({l.plan->key(), l.name, l.kept, l.fds});
    out.entries.insert(out.entries.end(), inherited_.entries.begin(), inherited_.entries.end());
    return out;
}

Result<ListenerSet::Change> ListenerSet::prepare(const WantedListeners& wanted) {
    Change change;
    for (const auto& plan : wanted) {
        if (find(plan->key())) continue;
        OpenListener& fresh = change.added.emplace_back();
        fresh.plan = plan;
        if (Result<void> r = open(*plan, fresh); !r) {
            for (OpenListener& l : change.added)
                l.close();
            return fail(r.error().message);
        }
    }
    for (const OpenListener& l : open_) {
        std::string key = l.plan->key();
        bool stays = std::any_of(wanted.begin(), wanted.end(), [&](const auto& p) { return p->key() == key; });
        if (!stays) change.removed.push_back(l);
    }
    return change;
}

void ListenerSet::pass_on(const std::vector<std::string>& places) {
    for (OpenListener& l : open_) {
        if (std::find(places.begin(), places.end(), l.plan->key()) != places.end())
            l.kept = true;
        else if (!l.kept && !l.plan->is_unix())
            for (int fd : l.fds)
                net::stop_new_connections(fd);
    }
}

std::vector<int> ListenerSet::kept_descriptors() const {
    std::vector<int> out;
    for (const auto* list : {&open_, &removed_})
        for (const OpenListener& l : *list)
            if (l.kept) out.insert(out.end(), l.fds.begin(), l.fds.end());
    return out;
}

void ListenerSet::commit(const Change& change, const WantedListeners& wanted) {
    for (const OpenListener& gone : change.removed) {
        std::erase_if(open_, [&](const OpenListener& l) { return l.plan == gone.plan; });
        if (gone.kept) {
            // What comes from now on waits for whoever the service manager starts next.
        } else if (gone.plan->is_unix())
            net::remove_socket_file(gone.plan->path, gone.file);
        else
            for (int fd : gone.fds)
                net::stop_new_connections(fd);
        removed_.push_back(gone);
    }
    open_.insert(open_.end(), change.added.begin(), change.added.end());
    for (OpenListener& l : open_) {
        std::string key = l.plan->key();
        for (const auto& plan : wanted) {
            if (plan->key() != key) continue;
            if (plan->is_unix() && !l.kept && plan->mode != l.plan->mode) ::chmod(plan->path.c_str(), plan->mode);
            l.plan = plan;
        }
    }
}

}  // namespace gladius::app
