#include "upstream/peer.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/pool.h"
#include "net/resolver.h"
#include "upstream/h2_session.h"

namespace gladius::upstream {

using telemetry::Counter;

rt::Task<bool> write_rest(rt::Io& io, const char* data, size_t n, rt::Scope& scope) {
    char* copy = static_cast<char*>(pool_allocate(n));
    std::memcpy(copy, data, n);
    rt::IoResult r = co_await io.write(copy, n, scope);
    pool_free(copy, n);
    co_return r.n >= 0 && r.wake == rt::Wake::ready&& r.error == 0;
}

Peer::Peer(PeerTable& table, PeerKey key) : table_(table), key_(std::move(key)) {
    net::Address a;
    const std::string& host = key_.proxy.empty() ? key_.host : key_.proxy;
    uint16_t port = key_.proxy.empty() ? key_.port : key_.proxy_port;
    constexpr std::string_view kUnix = "unix:";
    bool fixed = host.starts_with(kUnix) ? net::unix_address(std::string_view(host).substr(kUnix.size()), a)
                                         : net::parse_ip(host, port, a);
    if (fixed) {
        addresses.push_back(a);
        addresses_until_ms = UINT64_MAX;
    }
    if (key_.https) session_ = std::make_shared<net::TlsSession>();
}

Peer::~Peer() {
    close_idle();
    end_sessions(true);
}

void Peer::add_session(H2Session& s) {
    sessions_.push_back(s);
}

BackendConn* Peer::take_stream() {
    for (H2Session* s = sessions_.front(); s; s = sessions_.next(*s))
        if (BackendConn* c = s->open_stream()) return c;
    return nullptr;
}

void Peer::end_sessions(bool now) {
    for (H2Session *s = sessions_.front(), *next = nullptr; s; s = next) {
        next = sessions_.next(*s);
        if (now)
            s->end();
        else
            s->retire();
    }
}

void Peer::on_idle_event(rt::Io& io, void* arg) {
    auto* c = static_cast<BackendConn*>(arg);
    // TLS may have something to say between two answers: tickets for the next session.
    if (c->tls && !io.broken() && io.peek() < 0 && errno == EAGAIN) return;
    c->peer->drop_idle(c);
}

void Peer::drop_idle(BackendConn* c) {
    c->unlink();
    --idle_count_;
    --table_.idle_total_;
    table_.ctx_.counters.sub(Counter::backend_connections_idle);
    close(c);
}

BackendConn* Peer::take_idle() {
    BackendConn* c = idle_.pop_back();
    if (!c) {
        c = key_.http2.on ? take_stream() : nullptr;
        if (c) table_.ctx_.counters.add(Counter::backend_connections_reused);
        return c;
    }
    --idle_count_;
    --table_.idle_total_;
    table_.ctx_.counters.sub(Counter::backend_connections_idle);
    c->io.on_readable(nullptr, nullptr);
    table_.ctx_.counters.add(Counter::backend_connections_reused);
    return c;
}

void Peer::give_back(BackendConn* c) {
    if (c->stream) return close(c);
    const Settings& s = *table_.ctx_.settings;
    if (c->io.readable() && !c->io.peer_closed()) {
        // The last read filled its buffer: only a look tells whether there is more.
        if (c->io.peek() < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) c->io.mark_drained();
    }
    // Bytes that nobody asked for, or a close: not reusable.
    if (s.disable_keep_alives || c->io.readable() || c->io.peer_closed() || c->epoch != epoch_ ||
        idle_count_ >= s.max_idle_per_host || (s.max_idle && table_.idle_total_ >= s.max_idle) || refs_ == 0) {
        close(c);
        return;
    }
    c->idle_since_ms = table_.ctx_.loop.now_ms();
    // Whatever arrives while it idles (a close, or bytes without a question) ends it.
    c->io.on_readable(&on_idle_event, c);
    idle_.push_back(*c);
    ++idle_count_;
    ++table_.idle_total_;
    table_.ctx_.counters.add(Counter::backend_connections_idle);
}

void Peer::close(BackendConn* c) {
    c->io.close();
    if (!c->stream) table_.ctx_.counters.sub(Counter::backend_connections_open);
    table_.ctx_.loop.retire(
        [](void* p) {
            static_cast<BackendConn*>(p)->~BackendConn();
            pool_free(p, sizeof(BackendConn));
        },
        c);
}

uint64_t Peer::table_now_ms() const {
    return table_.ctx_.loop.now_ms();
}

void Peer::take_addresses(std::vector<net::Address> fresh, uint64_t until_ms) {
    for (net::Address& a : fresh)
        a.set_port(key_.proxy.empty() ? key_.port : key_.proxy_port);
    // Names with several addresses come in another order each time: only other addresses are a change.
    if (!std::is_permutation(fresh.begin(), fresh.end(), addresses.begin(), addresses.end())) {
        ++epoch_;
        close_idle();
        end_sessions(false);
    }
    addresses = std::move(fresh);
    addresses_until_ms = until_ms;
}

rt::Detached Peer::refresh() {
    refreshing_ = true;
    ref();
    rt::Scope scope(table_.ctx_.loop);
    scope.deadline_in(10000);
    net::Resolver::Answer answer = co_await table_.ctx_.resolver->resolve(lookup_name(), scope);
    if (!answer.addresses.empty())
        take_addresses(std::move(answer.addresses), answer.valid_until_ms);
    else
        addresses_until_ms = table_now_ms() + 1000;  // the last good answer is kept
    refreshing_ = false;
    unref();
}

void Peer::close_idle() {
    while (BackendConn* c = idle_.pop_front()) {
        --idle_count_;
        --table_.idle_total_;
        table_.ctx_.counters.sub(Counter::backend_connections_idle);
        close(c);
    }
}

void Peer::unref() {
    GL_ASSERT(refs_ > 0);
    if (--refs_ > 0) return;
    table_.peers_.erase(key_);  // destroys this
}

PeerTable::PeerTable(Context& ctx) : ctx_(ctx) {}
PeerTable::~PeerTable() = default;

Peer& PeerTable::find_or_add(const PeerKey& key) {
    auto it = peers_.find(key);
    if (it == peers_.end()) it = peers_.emplace(key, std::make_unique<Peer>(*this, key)).first;
    return *it->second;
}

void PeerTable::sweep() {
    uint64_t limit = ctx_.settings->idle_timeout_ms;
    if (!limit) return;
    uint64_t now = ctx_.loop.now_ms();
    for (auto& [key, peer] : peers_) {
        // The oldest are in front: give_back() appends, take_idle() takes from the back.
        while (BackendConn* c = peer->idle_.front()) {
            if (now - c->idle_since_ms < limit) break;
            peer->drop_idle(c);
        }
        for (H2Session *s = peer->sessions_.front(), *next = nullptr; s; s = next) {
            next = peer->sessions_.next(*s);
            if (s->idle_since_ms() && now - s->idle_since_ms() >= limit) s->retire();
        }
    }
}

namespace {

BackendConn* new_conn(Context& ctx, Peer& peer) {
    auto* c = new (pool_allocate(sizeof(BackendConn))) BackendConn;
    c->peer = &peer;
    c->epoch = peer.epoch();
    ctx.counters.add(Counter::backend_connections_open);
    return c;
}

constexpr uint64_t kMaxPauseMs = 32;

std::string dialled(const net::Address& a) {
    return (a.family() == AF_UNIX ? "dial unix " : "dial tcp ") + net::format(a);
}

// Connects to one address: 0, or an errno. The connection is open afterwards only with 0.
rt::Task<int> dial_one(Context& ctx, const net::Address& a, BackendConn& c, rt::Scope& scope) {
    int fd = net::connect_start(a);
    // A unix socket whose queue is full says so at once, where TCP would wait.
    for (uint64_t pause = 1; fd == -EAGAIN && a.family() == AF_UNIX && !scope.ended();
         pause = std::min(pause * 2, kMaxPauseMs)) {
        co_await ctx.loop.sleep(pause, scope);
        fd = net::connect_start(a);
    }
    if (fd < 0) co_return -fd;
    if (!c.io.open(ctx.loop, fd)) {
        int e = errno;
        ::close(fd);
        co_return e;
    }
    rt::IoResult r = co_await c.io.connected(scope);
    if (r.wake == rt::Wake::ready && r.error == 0) co_return 0;
    c.io.close();
    co_return r.wake == rt::Wake::ready ? r.error : ETIMEDOUT;
}

// Several addresses race: the next one starts when dialer_fallback_delay has passed or the one before failed; the first
// that connects wins (RFC 8305).
struct Race {
    rt::Join join;
    rt::Scope* pause = nullptr;
    BackendConn* winner = nullptr;
    net::Address last;
    int error = EHOSTUNREACH;
};

rt::Detached run_attempt(Context& ctx, Peer& peer, const net::Address& to, rt::Scope& scope, Race& race) {
    race.join.add();
    net::Address a = to;
    BackendConn* c = new_conn(ctx, peer);
    int e = co_await dial_one(ctx, a, *c, scope);
    if (e == 0 && !race.winner) {
        race.winner = c;
        scope.cancel(rt::Wake::cancelled);
    } else {
        if (e != 0 && !race.winner) {
            race.error = e;
            race.last = a;
        }
        peer.close(c);
    }
    if (race.pause) race.pause->cancel(rt::Wake::cancelled);
    race.join.done();
}

rt::Task<void> run_race(Context& ctx, Peer& peer, rt::Scope& parent, Race& race) {
    rt::Scope attempts(ctx.loop, &parent);
    std::vector<net::Address> addresses = peer.addresses;  // another call may refresh them meanwhile
    for (size_t i = 0; i < addresses.size() && !race.winner && !attempts.ended(); ++i) {
        rt::Scope pause(ctx.loop, &attempts);
        race.pause = &pause;
        run_attempt(ctx, peer, addresses[i], attempts, race);
        if (i + 1 < addresses.size()) co_await ctx.loop.sleep(ctx.settings->dialer_fallback_delay_ms, pause);
        race.pause = nullptr;
    }
    co_await race.join.all();
}

}  // namespace

namespace {

constexpr uint64_t kHandshakeMs = 10'000;  // as the reference's transport
constexpr uint64_t kConnectMs = 60'000;    // that a proxy has for its answer
constexpr size_t kConnectHead = 16 * 1024;

Failure failure_of(const rt::Scope& scope) {
    return scope.why() == rt::Wake::timeout ? Failure::timeout : Failure::cancelled;
}

// What a read or write said, in the words of Go's net.
std::string read_words(const rt::IoResult& r) {
    return r.n == 0 && !r.error ? "EOF" : "read tcp: read: " + net::error_words(r.error);
}

// Asks the proxy for a way to the backend (RFC 9110 9.3.6). An error is said as the reference does: the text of the
// proxy's status.
rt::Task<bool> ask_for_tunnel(const PeerKey& key, BackendConn& c, rt::Scope& parent, std::string& error) {
    rt::Scope scope(parent.loop(), &parent);
    scope.deadline_in(kConnectMs);
    bool v6 = key.host.find(':') != std::string::npos;
    std::string to = (v6 ? "[" + key.host + "]" : key.host) + ":" + std::to_string(key.port);
    std::string head = "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\nUser-Agent: Go-http-client/1.1\r\n";
    if (!key.proxy_authorization.empty()) head += "Proxy-Authorization: " + key.proxy_authorization + "\r\n";
    head += "\r\n";
    rt::IoResult r = co_await c.io.write(head.data(), head.size(), scope);
    if (!r.ok()) {
        error = r.wake == rt::Wake::timeout ? "i/o timeout" : "write tcp: write: " + net::error_words(r.error);
        co_return false;
    }
    std::string answer;
    size_t end = std::string::npos;
    while (end == std::string::npos) {
        char buf[1024];
        r = co_await c.io.read(buf, sizeof buf, scope);
        if (!r.ok()) {
            error = r.wake == rt::Wake::timeout ? "i/o timeout" : r.n == 0 ? "unexpected EOF" : read_words(r);
            co_return false;
        }
        size_t seen = answer.size() < 3 ? 0 : answer.size() - 3;
        answer.append(buf, static_cast<size_t>(r.n));
        end = answer.find("\r\n\r\n", seen);
        if (end == std::string::npos && answer.size() > kConnectHead) {
            error = "the proxy's answer is too large";
            co_return false;
        }
    }
    std::string_view line = std::string_view(answer).substr(0, answer.find("\r\n"));
    size_t space = line.find(' ');
    bool http = line.starts_with("HTTP/1.") && space != std::string_view::npos;
    std::string_view status = http ? line.substr(space + 1) : std::string_view();
    if (status.substr(0, 3) == "200" && (status.size() == 3 || status[3] == ' ')) {
        if (end + 4 == answer.size()) co_return true;
        error = "the proxy said more than it was asked for";
        co_return false;
    }
    size_t text = status.find(' ');
    error = !http                            ? "malformed HTTP response \"" + std::string(line.substr(0, 80)) + "\""
            : text == std::string_view::npos ? "unknown status code"
                                             : std::string(status.substr(text + 1));
    co_return false;
}

// TLS on a connection that was just made.
rt::Task<bool> secure(Context& ctx, Peer& peer, BackendConn& c, rt::Scope& parent, CallError& error) {
    const PeerKey& key = peer.key();
    error.kind = Failure::connect;
    if (!key.proxy.empty() && !co_await ask_for_tunnel(key, c, parent, error.text)) {
        if (parent.ended()) error.kind = failure_of(parent);
        co_return false;
    }
    c.tls = key.tls
                ? net::TlsTransport::connect(c.io, *ctx.tls_scratch, key.tls, key.host, peer.session(), key.http2.on)
                : nullptr;
    if (!c.tls) {
        error.text = "tls: cannot be spoken with these settings";
        co_return false;
    }
    c.io.attach(*c.tls);
    rt::Scope scope(ctx.loop, &parent);
    scope.deadline_in(kHandshakeMs);
    rt::IoResult r = co_await c.io.handshake(scope);
    if (r.ok()) {
        error.kind = Failure::none;
        co_return true;
    }
    if (parent.ended())
        error.kind = failure_of(parent);
    else if (r.wake == rt::Wake::timeout)
        error.text = "net/http: TLS handshake timeout";
    else
        error.text = c.tls->error().empty() ? read_words(r) : c.tls->error();
    co_return false;
}

}  // namespace

rt::Task<BackendConn*> dial(Context& ctx, Peer& peer, rt::Scope& parent, CallError& error) {
    rt::Scope scope(ctx.loop, &parent);
    scope.deadline_in(ctx.settings->dialer_timeout_ms);
    if (peer.addresses_until_ms < ctx.loop.now_ms() || peer.addresses.empty()) {
        net::Resolver::Answer answer = co_await ctx.resolver->resolve(peer.lookup_name(), scope);
        if (answer.addresses.empty()) {
            error.kind = scope.ended() ? (scope.why() == rt::Wake::timeout ? Failure::timeout : Failure::cancelled)
                                       : Failure::connect;
            error.text = "dial tcp: lookup " + peer.lookup_name() + ": " + answer.error;
            co_return nullptr;
        }
        peer.take_addresses(std::move(answer.addresses), answer.valid_until_ms);
    }
    Race race;
    race.last = peer.addresses.front();
    if (peer.addresses.size() == 1) {
        BackendConn* c = new_conn(ctx, peer);
        race.error = co_await dial_one(ctx, race.last, *c, scope);
        if (race.error == 0)
            race.winner = c;
        else
            peer.close(c);
    } else {
        co_await run_race(ctx, peer, scope, race);
    }
    if (race.winner) {
        net::tune(race.winner->io.fd(), ctx.settings->keep_alive_s, 300'000);
        ctx.counters.add(Counter::backend_connections_opened);
        if (!peer.key().https || co_await secure(ctx, peer, *race.winner, parent, error)) co_return race.winner;
        peer.close(race.winner);
        co_return nullptr;
    }
    if (parent.ended()) {
        error.kind = parent.why() == rt::Wake::timeout ? Failure::timeout : Failure::cancelled;
    } else {
        error.kind = Failure::connect;
        error.text = peer.key().proxy.empty() ? "" : "proxyconnect tcp: ";
        error.text += scope.ended() ? dialled(race.last) + ": i/o timeout"
                                    : dialled(race.last) + ": connect: " + net::error_words(race.error);
    }
    co_return nullptr;
}

}  // namespace gladius::upstream
