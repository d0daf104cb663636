// Purpose: one request and its answer: where all of it lives while it runs. Views point into the arena; the arena goes
// with the exchange. Owner: the client connection's coroutine. Thread: one worker. Lifetime: from the complete head to
// the end of the answer. Errors: none.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "engine/draft.h"
#include "engine/worker.h"
#include "http/h1.h"
#include "http/url.h"
#include "json/node.h"
#include "plan/router.h"
#include "rt/loop.h"
#include "upstream/call.h"

namespace gladius::engine {

// Bytes that were read but not used yet: the beginning of a head, a body, the next request. Empty costs nothing; what
// is more than usual counts against the memory budget.
class InputBuffer {
  public:
    explicit InputBuffer(Budget& budget) : budget_(budget) {}
    ~InputBuffer() { clear(); }
    const char* data() const { return p_ + pos_; }
    char* data() { return p_ + pos_; }
    size_t size() const { return len_ - pos_; }
    bool empty() const { return len_ == pos_; }
    // False: there is no memory for it, and nothing was added.
    [[nodiscard]] bool append(const char* d, size_t n);
    void consume(size_t n) {
        pos_ += n;
        if (pos_ == len_) clear();
    }
    void clear();

  private:
    Budget& budget_;
    char* p_ = nullptr;
    size_t cap_ = 0, pos_ = 0, len_ = 0;
};

class H2Connection;

// A connection of a client, or one stream of it (HTTP/2): what carries one request after the other, or a single one.
struct ClientConn : ListHook {
    ClientConn(Worker& worker, const net::Address& from);
    // A stream of `connection`, under a scope of it.
    ClientConn(ClientConn& connection, rt::Scope& parent);
    Worker& w;
    rt::Io io;
    net::TlsTransport* tls = nullptr;  // below io; none: plain HTTP
    rt::Scope scope;                   // everything of the connection; its deadline is the phase's (idle, head, write)
    InputBuffer in;
    Exchange* exchange = nullptr;           // nullptr: between requests
    bool behind = true;                     // not known to take much at once
    bool over_tls = false;                  // the client speaks TLS with us
    bool begins_with_proxy_header = false;  // of the listener; before TLS and HTTP
    bool sends_proxy_header = false;        // and this peer may say one
    bool is_local = false;                  // came through a unix socket
    bool speaks_tls = false;                // of the listener
    H2Connection* h2 = nullptr;             // of a connection that speaks HTTP/2
    bool is_stream = false;                 // what is sent ends with it: no chunks, nothing to keep alive
    uint8_t ip_len = 0;
    char ip[46];
    std::string_view address() const { return {ip, ip_len}; }
    // Who came through a unix socket is on this machine.
    void set_address(const net::Address& from);
};

struct Answer;

// What a reference means in this exchange; beside plan::EndpointPlan::step_values.
struct StepText {
    std::string_view text;
    json::Value value;
    bool known = false;
};

// How much of the request's body has been taken from the connection.
struct RequestBody {
    http::Framing framing = http::Framing::none;
    uint64_t remaining = 0;  // with a length
    uint64_t seen = 0;
    http::ChunkedDecoder chunked;
    bool done = true;
    bool failed = false;  // bad framing, too large, or the client is gone
    bool too_large = false;
    bool continue_due = false;  // the client waits for 100 Continue
    std::string_view whole;     // all of it, in the arena, once it was read in one piece
};

class StreamWatch;

struct Exchange {
    static constexpr size_t kSize = 1792;

    Exchange(ClientConn& conn);
    Exchange(const Exchange&) = delete;

    Worker& w;
    ClientConn& c;
    rt::Scope scope;  // deadline: the endpoint's timeout; cancelled when the client goes

    const char* base = nullptr;  // the head, in the arena
    http::RequestHead head;
    const http::Field* fields = nullptr;
    http::Target target;
    std::string_view client_ip;  // after X-Forwarded-For and friends
    LocalEndpoint* endpoint = nullptr;
    const plan::EndpointPlan* plan = nullptr;
    plan::RouteMatch match;
    plan::Builtin builtin = plan::Builtin::none;
    StepText* steps = nullptr;      // of endpoints that refer to something
    StreamWatch* stream = nullptr;  // of endpoints with "gladius/stream", while bodies may move
    RequestBody body;

    uint64_t start_ns = 0;
    uint64_t sent_bytes = 0;
    uint64_t charged = 0;
    uint16_t status = 0;    // 0: nothing answered yet
    bool close = false;     // the connection ends with this answer
    bool gone = false;      // the client left, or the answer was cut: nothing more can be said
    bool unlogged = false;  // the reference's access log does not see it
    uint8_t error_count = 0;
    std::string_view* errors = nullptr;  // for the access log; the first one makes room for kMaxErrors
    static constexpr uint8_t kMaxErrors = 8;

    // What stages put into the head of the answer, whoever makes it; nullptr: nothing. They come before those of a
    // backend. Names in canonical spelling; texts in the arena, or constants of the program.
    DraftHeaders* stage_headers = nullptr;
    const Answer* stage_answer = nullptr;  // of a stage that said reply

    Arena arena;  // continues in the rest of the slab

    std::string_view method() const { return {base, head.method_len}; }
    std::string_view name(const http::Field& f) const { return http::name_of(base, f); }
    std::string_view value(const http::Field& f) const { return http::value_of(base, f); }
    std::span<const http::Field> all_fields() const { return {fields, head.field_count}; }
    bool has(http::Token t) const { return head.mask & http::bit(t); }
    // The first field with this token; nullptr when there is none.
    const http::Field* find(http::Token t) const;
    // Counts a large buffer against the memory budget; all of it is given back with the exchange.
    bool charge(uint64_t n) {
        if (n < 16 * 1024) return true;
        if (!w.budget().take(n)) return false;
        charged += n;
        return true;
    }
    void add_error(std::string_view text) {
        if (!errors) errors = arena.array<std::string_view>(kMaxErrors);
        if (error_count < kMaxErrors) errors[error_count++] = arena.copy(text);
    }
    DraftHeaders& answer_headers() {
        if (!stage_headers) {
            stage_headers = arena.make<DraftHeaders>(arena);
            stage_headers->reserve(6);
        }
        return *stage_headers;
    }
    size_t stage_header_bytes() const { return stage_headers ? stage_headers->bytes() : 0; }
    // Whom the client asks: the target's authority, or Host.
    std::string_view host() const {
        if (!target.authority.empty()) return target.authority;
        return head.host_field == UINT32_MAX ? std::string_view() : value(fields[head.host_field]);
    }
    // The first value of a header of the client; empty when there is none. `name` in canonical spelling.
    std::string_view header(std::string_view name) const;
};

Exchange* new_exchange(ClientConn& c);
void free_exchange(Exchange* ex);

}  // namespace gladius::engine
