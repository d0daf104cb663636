// Purpose: backends as a worker sees them: a Peer is one place (host, port, transport) with its addresses and its
// kept-alive connections. Owner: PeerTable of a worker; plans point to peers by LocalPlan and hold a reference, so a
// reload that keeps a host keeps its warm connections, and one that drops it closes them when the last exchange has
// gone. Thread: one worker. Lifetime: reference-counted, not atomic. Errors: CallError with the reference's words.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/list.h"
#include "net/socket.h"
#include "net/tls_transport.h"
#include "rt/loop.h"
#include "upstream/context.h"

namespace gladius::upstream {

class Peer;
class H2Session;
}  // namespace gladius::upstream
namespace gladius::proto {
class H2ClientStream;
}
namespace gladius::upstream {

// A connection to a backend. In the idle list of its peer, or owned by one Call.
struct BackendConn : ListHook {
    rt::Io io;
    net::TlsTransport* tls = nullptr;  // below io; none: plain
    Peer* peer = nullptr;
    proto::H2ClientStream* stream = nullptr;  // not a connection, but a stream of one
    uint64_t idle_since_ms = 0;
    uint32_t uses = 0;
    uint32_t epoch = 0;  // of the peer's addresses when it was made
};

struct PeerKey {
    std::string host;
    uint16_t port = 80;
    bool https = false;
    std::string proxy;
    uint16_t proxy_port = 0;
    Http2 http2 = {};
    std::string proxy_authorization;
    std::shared_ptr<const net::TlsClient> tls;  // with https: how, and whom to trust
    bool operator==(const PeerKey&) const = default;
};

class PeerTable;

enum class Failure : uint8_t {
    none,
    connect,     // nothing was sent
    io,          // broken while sending or before the answer was complete
    closed,      // closed before a byte of the answer
    bad_answer,  // not HTTP, or ambiguous framing
    too_large,   // more than the limits allow
    timeout,
    cancelled,
    no_hosts,
    bad_url,  // what a parameter made of it
    unsupported,
    refused,  // by a stage of the gateway, in words of its own
};

// Why a call failed, and in which words the reference says it. Text is built only on the way of failure.
struct CallError {
    Failure kind = Failure::none;
    std::string text;
};

// A call that waits until another one has made a session.
struct StreamWaiter : ListHook {
    rt::Wait* wait = nullptr;
    CallError error;
};

class Peer {
  public:
    Peer(PeerTable& table, PeerKey key);
    ~Peer();
    const PeerKey& key() const { return key_; }
    const std::string& lookup_name() const { return key_.proxy.empty() ? key_.host : key_.proxy; }
    // The youngest idle connection that is still alive, or nullptr.
    BackendConn* take_idle();
    // Gives a connection back for reuse (or closes it when enough are kept).
    void give_back(BackendConn* c);
    void close(BackendConn* c);
    void close_idle();
    size_t idle_count() const { return idle_count_; }
    const std::shared_ptr<net::TlsSession>& session() const { return session_; }

    void ref() { ++refs_; }
    void unref();

    // Asks again for the addresses when their time is up, in the background: warm connections are used meanwhile.
    void refresh_if_due() {
        if (addresses_until_ms <= table_now_ms() && !addresses.empty() && !refreshing_) refresh();
    }
    // Takes a resolver's answer; when the name moved, connections to where it was are not used again.
    void take_addresses(std::vector<net::Address> fresh, uint64_t until_ms);
    uint32_t epoch() const { return epoch_; }

    // Addresses to try, in order; refreshed by the dialer.
    std::vector<net::Address> addresses;
    uint64_t addresses_until_ms = 0;  // UINT64_MAX for a literal address

    // Of peers with HTTP/2 (h2_session.h). A stream for one call, if a session has room for it.
    BackendConn* take_stream();
    void add_session(H2Session& s);
    bool opens_session = false;  // somebody dials; the others wait
    bool wants_h1 = false;       // by ALPN, the last time: everybody dials, as without HTTP/2
    List<StreamWaiter> waiters;
    PeerTable& table() { return table_; }

  private:
    friend class PeerTable;
    rt::Detached refresh();
    uint64_t table_now_ms() const;
    static void on_idle_event(rt::Io& io, void* arg);
    void drop_idle(BackendConn* c);
    PeerTable& table_;
    PeerKey key_;
    void end_sessions(bool now);
    std::shared_ptr<net::TlsSession> session_;
    List<BackendConn> idle_;
    List<H2Session> sessions_;
    size_t idle_count_ = 0;
    uint32_t refs_ = 0;
    uint32_t epoch_ = 0;
    bool refreshing_ = false;
};

class PeerTable {
  public:
    explicit PeerTable(Context& ctx);
    ~PeerTable();
    Peer& find_or_add(const PeerKey& key);  // the caller refs it
    // Closes connections that idled for too long; called now and then by the worker.
    void sweep();
    Context& context() { return ctx_; }
    size_t size() const { return peers_.size(); }
    uint32_t idle_total() const { return idle_total_; }

  private:
    friend class Peer;
    struct Hash {
        size_t operator()(const PeerKey& k) const {
            return std::hash<std::string>()(k.host) ^ (size_t{k.port} << 1) ^ k.https ^
                   std::hash<const void*>()(k.tls.get());
        }
    };
    Context& ctx_;
    std::unordered_map<PeerKey, std::unique_ptr<Peer>, Hash> peers_;
    uint32_t idle_total_ = 0;
};

// A new connection to the peer, within dialer_timeout. nullptr: see error.
rt::Task<BackendConn*> dial(Context& ctx, Peer& peer, rt::Scope& scope, CallError& error);

}  // namespace gladius::upstream
