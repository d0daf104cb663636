#include "engine/worker.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <unordered_set>

#include "base/pool.h"
#include "engine/exchange.h"
#include "engine/handle.h"
#include "engine/listener.h"
#include "engine/serve_h2.h"

namespace gladius::engine {

using telemetry::Counter;

Worker::Worker(rt::Loop& l, uint32_t index, uint32_t count, Budget& budget, telemetry::CounterShard& shard,
               telemetry::LogWriter* log, bool log_colour)
    : Context(l, shard),
      index_(index),
      count_(count),
      budget_(budget),
      log_(log),
      access_log_(*log, log_colour),
      peers_(*this) {
    // Room behind what is received for the end of a chunk.
    rx_memory = static_cast<char*>(std::malloc(kHeadroom + kReceive + 64));
    tx_memory_ = static_cast<char*>(std::malloc(kTransmit));
    fields = static_cast<http::Field*>(std::malloc(sizeof(http::Field) * kMaxFields));
    GL_CHECK(rx_memory && tx_memory_ && fields);
    resolver_owned_ = std::make_unique<net::Resolver>(l);
    resolver = resolver_owned_.get();
    settings = &settings_;
    tls_scratch = &tls_scratch_memory_;
    nobody_ = std::make_unique<ClientConn>(*this, net::Address{});
    if (getrandom(&random_, sizeof random_, 0) != sizeof random_) random_ = l.now_ns();
    random_ |= 1;
    std::memcpy(date_, "Date: ", 6);
    std::memcpy(date_ + 6 + http::kDateLen, "\r\n", 2);
    tick_timer_.arg = this;
    tick_timer_.fire = &on_tick;
    l.wheel().arm(tick_timer_, l.now_ms() + 1000);
}

Worker::~Worker() {
    for (LocalEndpoint* e : endpoints_)
        delete e;
    listeners_.clear();
    for (upstream::Peer* p : peer_by_host_)
        p->unref();
    std::free(rx_memory);
    std::free(tx_memory_);
    std::free(fields);
}

// Holds the peers of this snapshot instead of those of the last one: what both have stays warm.
void Worker::take_peers() {
    std::vector<upstream::Peer*> peers;
    peers.reserve(snapshot_->hosts.size());
    for (const auto& h : snapshot_->hosts) {
        upstream::Peer& p = peers_.find_or_add(key_of(*h));
        p.ref();
        peers.push_back(&p);
    }
    std::swap(peer_by_host_, peers);
    for (upstream::Peer* p : peers)
        p->unref();
}

upstream::PeerKey Worker::key_of(std::string_view host, uint16_t port, bool https, const plan::Proxy& proxy,
                                 const net::TlsClientSpec& tls, const upstream::Http2& http2) const {
    upstream::PeerKey key{std::string(host), port, https, proxy.host, proxy.port, http2, {}, nullptr};
    if (!https) return key;
    key.proxy_authorization = proxy.authorization;
    for (const auto& client : tls_.clients)
        if (client->spec() == tls) {
            key.tls = client;
            break;
        }
    return key;
}

void Worker::take_tls(TlsParts fresh) {
    // Requests that run on an older plan may still ask for what it had.
    for (auto& old : tls_.clients) {
        if (retired_endpoints_ == 0) break;
        bool there = std::any_of(fresh.clients.begin(), fresh.clients.end(),
                                 [&](const auto& f) { return f->spec() == old->spec(); });
        if (!there) fresh.clients.push_back(std::move(old));
    }
    tls_ = std::move(fresh);
}

void Worker::adopt(TlsParts tls) {
    take_tls(std::move(tls));
    take_peers();
}

void Worker::adopt(std::shared_ptr<const plan::Snapshot> s, TlsParts tls) {
    settings_ = s->transport;
    auto share = [this](uint32_t n) { return n ? (n + count_ - 1) / count_ : 0; };
    settings_.max_idle_per_host = share(settings_.max_idle_per_host);
    settings_.max_idle = share(settings_.max_idle);
    resolver->set_max_ttl(settings_.dns_ttl_ms);
    for (LocalEndpoint* e : endpoints_) {
        if (!e) continue;
        if (e->active == 0) {
            delete e;
        } else {
            e->retired = true;
            ++retired_endpoints_;
        }
    }
    endpoints_.assign(s->endpoints.size(), nullptr);
    take_tls(std::move(tls));
    snapshot_ = std::move(s);
    for (auto& l : listeners_)
        l->adopt(snapshot_->server);
    take_peers();
    end_removed();
    if (residents_.empty() && snapshot_->residents.empty()) return;
    // On the worker's thread: the first snapshot is adopted before it runs.
    struct Sync : rt::Remote {
        Worker* w;
    };
    auto* sync = new Sync;
    sync->w = this;
    sync->run = [](rt::Remote* r) {
        std::unique_ptr<Sync> mine(static_cast<Sync*>(r));
        mine->w->sync_residents();
    };
    loop.post_remote(sync);
}

void Worker::sync_residents() {
    std::vector<plan::Resident> wanted;
    for (const plan::Resident& r : snapshot_->residents)
        if (&home_of(r.name) == this) wanted.push_back(r);
    for (const plan::Resident& r : residents_) {
        bool goes_on = std::any_of(wanted.begin(), wanted.end(), [&](const auto& x) { return x.name == r.name; });
        if (!goes_on) r.stop(r.config.get(), *this);
    }
    residents_ = std::move(wanted);
    for (const plan::Resident& r : residents_)
        r.start(r.config, *this);
}

void Worker::end_removed() {
    if (held_.empty()) return;
    auto name = [](const plan::EndpointPlan& e) { return e.method + " " + e.pattern; };
    std::unordered_set<std::string> there;
    for (const auto& e : snapshot_->endpoints)
        if (e->executor == plan::Executor::tunnel || e->executor == plan::Executor::feature) there.insert(name(*e));
    for (Held* h = held_.front(); h; h = held_.next(*h))
        if (!there.contains(name(h->plan))) h->removed(*h);
}

LocalEndpoint* Worker::endpoint(uint32_t index) {
    LocalEndpoint*& e = endpoints_[index];
    if (!e) e = new LocalEndpoint{snapshot_->endpoints[index], 0, false};
    ++e->active;
    return e;
}

void Worker::release(LocalEndpoint* e) {
    if (--e->active == 0 && e->retired) {
        --retired_endpoints_;
        delete e;
    }
}

upstream::Peer& Worker::peer(const plan::EndpointPlan& plan, const plan::HostRef& ref) {
    if (plan.generation == snapshot_->generation) [[likely]]
        return *peer_by_host_[ref.index];
    return peers_.find_or_add(key_of(*ref.host));
}

std::string_view Worker::date_line() {
    if (loop.unix_seconds() != date_second_) {
        date_second_ = loop.unix_seconds();
        http::write_date(date_second_, date_ + 6);
    }
    return {date_, sizeof date_};
}

uint64_t Worker::random() {  // xorshift64*: for balancing, not for secrets
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return (random_ * 2685821657736338717ull) >> 32;
}

void Worker::listen(int fd, std::shared_ptr<const plan::ListenerPlan> plan) {
    listeners_.push_back(std::make_unique<Listener>(*this, fd, std::move(plan)));
}

void Worker::unlisten(int fd) {
    for (auto& l : listeners_)
        if (l->fd() == fd) l->accept_all();
    std::erase_if(listeners_, [fd](const auto& l) { return l->fd() == fd; });
}

bool Worker::at_connection_limit() const {
    uint64_t limit = snapshot_->server.max_connections;
    return limit && connections_ >= (limit + count_ - 1) / count_;
}

void Worker::accept(int fd, const net::Address& from, const plan::ListenerPlan& at) {
    auto* c = new (pool_allocate(sizeof(ClientConn))) ClientConn(*this, from);
    if (!c->io.open(loop, fd)) {
        ::close(fd);
        c->~ClientConn();
        pool_free(c, sizeof(ClientConn));
        return;
    }
    c->speaks_tls = at.tls;
    c->begins_with_proxy_header = at.proxy_protocol;
    if (at.proxy_protocol) {
        uint8_t address[16];
        net::write_mapped(from, address);
        c->sends_proxy_header = at.is_unix() || plan::any_holds(at.trusted, address);
    }
    clients_.push_back(*c);
    ++connections_;
    counters.add(Counter::connections_accepted);
    counters.add(Counter::connections_open);
    serve(c);
}

bool Worker::begin_tls(ClientConn& c) {
    if (!tls_.server) return false;
    c.tls = net::TlsTransport::accept(c.io, *tls_scratch, tls_.server);
    c.io.attach(*c.tls);
    return true;
}

void Worker::close(ClientConn* c) {
    c->io.close();
    c->unlink();
    --connections_;
    counters.add(Counter::connections_closed);
    counters.sub(Counter::connections_open);
    loop.retire(
        [](void* p) {
            static_cast<ClientConn*>(p)->~ClientConn();
            pool_free(p, sizeof(ClientConn));
        },
        c);
}

void Worker::drain(const Drain& how) {
    draining_ = true;
    for (auto& l : listeners_) {
        if (std::find(how.kept.begin(), how.kept.end(), l->fd()) != how.kept.end()) continue;
        l->accept_all();
        ::shutdown(l->fd(), SHUT_RDWR);  // refused from now on, not queued for nobody
    }
    listeners_.clear();
    for (Held* h = held_.front(); h; h = held_.next(*h))
        if (h->draining) h->draining(*h);
    for (const plan::Resident& r : residents_)
        r.drain(r.config.get(), *this);
    for (ClientConn* c = clients_.front(); c; c = clients_.next(*c))
        if (c->h2) engine::drain(*c->h2);
    if (!how.idle_ms) return close_idle();
    idle_timer_.arg = this;
    idle_timer_.fire = [](rt::Timer&, void* self) { static_cast<Worker*>(self)->close_idle(); };
    loop.wheel().arm(idle_timer_, loop.now_ms() + how.idle_ms);
}

void Worker::close_idle() {
    closes_idle_ = true;
    for (ClientConn* c = clients_.front(); c; c = clients_.next(*c))
        if (!c->h2 && !c->exchange && c->in.empty()) c->scope.cancel(rt::Wake::cancelled);
}

void Worker::cut_all() {
    for (ClientConn* c = clients_.front(); c; c = clients_.next(*c))
        c->scope.cancel(rt::Wake::cancelled);
}

void Worker::on_tick(rt::Timer&, void* arg) {
    static_cast<Worker*>(arg)->tick();
}

const Exchange* Worker::running() const {
    return loop.current() ? static_cast<const Exchange*>(loop.current()->owner()) : nullptr;
}

void Worker::tick() {
    complaints_ = 0;
    if (uint64_t ns = loop.take_longest_turn(); ns > 50'000'000)
        log_->write(telemetry::Level::warning, "[SERVICE: Loop]",
                    "a turn of worker " + std::to_string(index_) + " took " + std::to_string(ns / 1000000) + " ms");
    if (snapshot_) peers_.sweep();
    pipes_.trim();
    loop.wheel().arm(tick_timer_, loop.now_ms() + 1000);
}

}  // namespace gladius::engine
