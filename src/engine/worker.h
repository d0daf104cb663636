// Purpose: one worker: a thread with its loop, connections, peers, pools and its pointer to the current snapshot.
// Owner: app::Supervisor. Thread: everything here runs on the worker's thread, except post(). Lifetime: as the process;
// snapshots come and go between two turns. Errors: none; a worker that cannot go on ends the process.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/budget.h"
#include "http/date.h"
#include "net/pipes.h"
#include "net/resolver.h"
#include "net/tls_transport.h"
#include "plan/plan.h"
#include "rt/loop.h"
#include "telemetry/access_log.h"
#include "telemetry/counters.h"
#include "telemetry/log.h"
#include "upstream/context.h"
#include "upstream/peer.h"

namespace gladius::engine {

struct ClientConn;
struct Exchange;
class Listener;

// An endpoint as this worker uses it: keeps the plan alive while exchanges run on it, without touching a counter that
// other workers touch.
struct LocalEndpoint {
    std::shared_ptr<const plan::EndpointPlan> plan;
    uint32_t active = 0;
    bool retired = false;  // its snapshot was replaced; freed with the last exchange
};

// An exchange that goes on long after its request, such as an open tunnel: a reload that removes its endpoint ends it.
struct Held : ListHook {
    using Call = void (*)(Held&);
    Held(const plan::EndpointPlan& p, Call on_removed, Call on_drain = nullptr)
        : plan(p), removed(on_removed), draining(on_drain) {}
    const plan::EndpointPlan& plan;
    Call removed;
    Call draining;  // nullptr: it goes on until the drain's time is up
};

// What the TLS settings of a snapshot became, for one worker. Replaced by a reload, or when a file changed.
struct TlsParts {
    std::shared_ptr<const net::TlsServer> server;                // none: clients speak plain HTTP
    std::vector<std::shared_ptr<const net::TlsClient>> clients;  // as Snapshot::client_tls
};

class Worker : public upstream::Context {
  public:
    Worker(rt::Loop& loop, uint32_t index, uint32_t count, Budget& budget, telemetry::CounterShard& counters,
           telemetry::LogWriter* log, bool log_colour);
    ~Worker() override;

    // Takes a new snapshot, between two requests. Requests that run go on with their own plans.
    void adopt(std::shared_ptr<const plan::Snapshot> s, TlsParts tls = {});
    // Only new certificates: connections keep those with which they began.
    void adopt(TlsParts tls);
    void take_ticket_keys(std::shared_ptr<const net::TicketKeys> keys) {
        if (tls_.server) tls_.server->library().tickets = std::move(keys);
    }
    const plan::Snapshot& snapshot() const { return *snapshot_; }
    const plan::RouterPlan& service() const { return *snapshot_->service; }

    // Listeners: descriptors stay the supervisor's; a worker accepts from its own ones.
    void listen(int fd, std::shared_ptr<const plan::ListenerPlan> plan);
    void unlisten(int fd);

    // No new connections; idle ones are closed, running requests end with Connection: close. Sockets in `kept` go on in
    // another process: who waits in them is left to it. With idle_ms an idle connection may ask once more in that time,
    // because its client cannot know that it is about to be closed.
    struct Drain {
        std::vector<int> kept;
        uint64_t idle_ms = 0;
    };
    void drain(const Drain& how);
    bool draining() const { return draining_; }
    bool closes_idle() const { return closes_idle_; }
    // Ends every connection now (the drain's time is up).
    void cut_all();
    bool at_connection_limit() const;
    // Whether one more line about something that anybody can cause goes into the log: a few each second.
    bool may_complain() { return complaints_++ < 10; }
    // Generations of which an exchange still holds an endpoint.
    size_t retired_endpoints() const { return retired_endpoints_; }
    void accept(int fd, const net::Address& from, const plan::ListenerPlan& at = {});
    // The first byte of the connection is to come next. False: there are no keys, and nothing may be served.
    bool begin_tls(ClientConn& c);
    void close(ClientConn* c);
    size_t connections() const { return connections_; }

    LocalEndpoint* endpoint(uint32_t index);
    void retain(LocalEndpoint* e) { ++e->active; }
    void release(LocalEndpoint* e);
    void hold(Held& h) { held_.push_back(h); }
    // Shadow requests (engine/shadow.h) belong to no client: this one has no socket and never goes.
    ClientConn& nobody() { return *nobody_; }
    uint32_t shadows() const { return shadows_; }
    void add_shadow() { ++shadows_; }
    void remove_shadow() { --shadows_; }
    upstream::Peer& peer(const plan::EndpointPlan& plan, const plan::HostRef& host);
    upstream::Peer& find_peer(const upstream::PeerKey& key) { return peers_.find_or_add(key); }
    upstream::PeerKey key_of(std::string_view host, uint16_t port, bool https, const plan::Proxy& proxy,
                             const net::TlsClientSpec& tls, const upstream::Http2& http2 = {}) const;

    // "Date: ...\r\n" of this second.
    std::string_view date_line();
    uint64_t random();

    uint32_t index() const { return index_; }
    uint32_t count() const { return count_; }
    // All workers of the process; without, there is this one only. Before their threads run.
    void set_neighbours(std::span<Worker* const> all) { neighbours_.assign(all.begin(), all.end()); }
    // Whose thread it is that may touch it: only its loop's mailbox is for others.
    Worker& neighbour(uint32_t index) { return neighbours_.empty() ? *this : *neighbours_[index]; }
    // Which worker does what only one of them does, by its name.
    Worker& home_of(std::string_view name) {
        return neighbour(static_cast<uint32_t>(std::hash<std::string_view>()(name) % count_));
    }
    Budget& budget() { return budget_; }
    bool take_memory(uint64_t n) override { return budget_.take(n); }
    void give_memory(uint64_t n) override { budget_.give(n); }
    net::Pipes& pipes() { return pipes_; }
    telemetry::LogWriter* log() { return log_; }
    telemetry::AccessLog& access_log() { return access_log_; }
    // Scratch for heads that are being composed; the same rule as for the receive buffer.
    static constexpr size_t kTransmit = kReceive + kHeadroom;
    char* tx() { return tx_memory_; }

    // The exchange that this worker runs right now, as far as it is known; for the crash handler.
    const Exchange* running() const;

  private:
    upstream::PeerKey key_of(const plan::HostPlan& h) const {
        return key_of(h.host, h.port, h.https, h.proxy, *h.tls, h.http2);
    }
    void take_tls(TlsParts fresh);
    void take_peers();
    void end_removed();
    void sync_residents();
    void tick();
    void close_idle();
    static void on_tick(rt::Timer& t, void* arg);

    uint32_t index_, count_;
    Budget& budget_;
    net::Pipes pipes_;
    telemetry::LogWriter* log_;
    telemetry::AccessLog access_log_;
    std::unique_ptr<net::Resolver> resolver_owned_;
    std::shared_ptr<const plan::Snapshot> snapshot_;
    TlsParts tls_;
    net::TlsScratch tls_scratch_memory_;
    upstream::Settings settings_;  // of the snapshot, with this worker's share of the caps
    std::vector<LocalEndpoint*> endpoints_;
    upstream::PeerTable peers_;
    std::vector<upstream::Peer*> peer_by_host_;
    List<ClientConn> clients_;
    List<Held> held_;
    std::vector<Worker*> neighbours_;
    std::vector<plan::Resident> residents_;  // those that run here
    std::vector<std::unique_ptr<Listener>> listeners_;
    size_t connections_ = 0;
    size_t retired_endpoints_ = 0;
    std::unique_ptr<ClientConn> nobody_;
    uint32_t shadows_ = 0;
    uint32_t complaints_ = 0;
    bool draining_ = false, closes_idle_ = false;
    char* tx_memory_ = nullptr;
    int64_t date_second_ = -1;
    char date_[6 + http::kDateLen + 2];
    uint64_t random_;
    rt::Timer tick_timer_, idle_timer_;
};

}  // namespace gladius::engine
