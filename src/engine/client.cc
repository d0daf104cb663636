// One client connection, from accept to close: read a head, run the exchange, find the next one.
#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/pool.h"
#include "engine/body.h"
#include "engine/handle.h"
#include "engine/respond.h"
#include "engine/serve_h2.h"
#include "net/proxy_protocol.h"
#include "proto/h2_common.h"

namespace gladius::engine {

using telemetry::Counter;

namespace {

// Below this size a head that is not complete is parsed anew with every piece, so that rubbish is refused early. Above,
// only when the end of a head arrived: a client that sends byte by byte costs time in proportion to its bytes.
constexpr size_t kEagerBytes = 4096;

bool has_head_end(const char* data, size_t n, size_t fresh) {
    size_t from = n > fresh + 3 ? n - fresh - 3 : 0;
    return memmem(data + from, n - from, "\r\n\r\n", 4) != nullptr;
}

// The CR of an empty line whose LF is still to come.
bool is_half_line(const char* data, size_t n) {
    return n == 1 && data[0] == '\r';
}

// "HTTP/2.0" and "HTTP/1.2" are versions, only not ours; the byte at `wrong` is the first that does not fit. The rest
// is no HTTP.
bool is_other_version(const char* data, size_t wrong) {
    constexpr std::string_view kName = "HTTP/", kMajor = "HTTP/1.";
    std::string_view before{data, wrong};
    return data[wrong] >= '0' && data[wrong] <= '9' && (before.ends_with(kName) || before.ends_with(kMajor));
}

bool names_version(std::string_view data) {
    std::string_view line = data.substr(0, data.find_first_of("\r\n"));
    return line.substr(line.rfind(' ') + 1).starts_with("HTTP/");
}

// What the reference adds to the status of a head it refuses; it does so for a few reasons only.
std::string_view explanation(const http::RequestHead& head, std::string_view data) {
    using http::HeadError;
    switch (head.error) {
        case HeadError::missing_host:
            return ": missing required Host header";
        case HeadError::bad_host:
            return ": malformed Host header";
        case HeadError::bad_field_value:
            return ": invalid header value";
        case HeadError::bad_version:
            return is_other_version(data.data(), head.error_off) ? ": unsupported protocol version" : "";
        case HeadError::bad_field_name: {
            // A blank in a name, but a name it is.
            std::string_view rest = data.substr(std::min<size_t>(head.error_off, data.size()));
            rest = rest.substr(0, rest.find('\n'));
            return rest.starts_with(' ') && rest.find(':') != std::string_view::npos ? ": invalid header name" : "";
        }
        default:
            return "";
    }
}

constexpr uint64_t kProxyHeaderMs = 10'000;

// So many requests of a pipelining client are answered in one turn; then the other connections have theirs. It bounds
// the stack as well: without optimisation, coroutines that never wait resume each other as nested calls.
constexpr uint32_t kRequestsPerTurn = 32;

// For a handshake, where the file sets no limit (the reference then waits for ever).
constexpr uint64_t kHandshakeMs = 10'000;

uint64_t first_of(uint64_t a, uint64_t b) {
    return a ? a : b;
}

void on_client_hangup(rt::Io&, void* arg) {
    client_hung_up(*static_cast<ClientConn*>(arg));
}

// Takes exactly the PROXY header from the socket, so that TLS or HTTP finds its own first byte there. It is looked at
// with every piece that comes, and left in the socket until it is whole.
class ProxyHeaderReader final : public rt::Transport {
  public:
    ProxyHeaderReader(rt::Io& io, char* buf) : io_(io), buf_(buf) {}
    ssize_t handshake() override {
        ssize_t n = ::recv(io_.fd(), buf_, net::kMaxProxyHeader, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0) return -1;
        net::ProxyVerdict v = net::parse_proxy_header(buf_, static_cast<size_t>(n), header);
        if (v == net::ProxyVerdict::done)
            return ::recv(io_.fd(), buf_, header.length, MSG_DONTWAIT) == static_cast<ssize_t>(header.length) ? 1 : -1;
        bool wait = v == net::ProxyVerdict::need_more && n > 0 && !io_.peer_closed();
        errno = wait ? EAGAIN : EPROTO;
        return -1;
    }
    ssize_t recv(char*, size_t) override { return refuse(); }
    ssize_t send(const char*, size_t) override { return refuse(); }
    ssize_t peek() override { return refuse(); }
    bool has_more() const override { return false; }
    void shutdown_write() override {}
    void close() override {}

    net::ProxyHeader header;

  private:
    static ssize_t refuse() {
        errno = ENOTCONN;
        return -1;
    }
    rt::Io& io_;
    char* buf_;
};

// The header that a listener with proxy_protocol expects first. False: there was none, and the connection ends.
rt::Task<bool> read_proxy_header(ClientConn& c) {
    if (!c.sends_proxy_header) co_return false;
    ProxyHeaderReader reader(c.io, c.w.rx());
    c.io.attach(reader);
    rt::IoResult r = co_await c.io.handshake(c.scope);
    c.io.detach();
    if (!r.ok()) co_return false;
    if (reader.header.has_source) c.set_address(reader.header.source);
    co_return true;
}

// One line an error, as the reference words them (ledger 1 section 8).
void log_errors(Exchange& ex) {
    telemetry::LogWriter* log = ex.w.log();
    // What a stage refused is in the access log only.
    if (ex.error_count == 0 || !ex.plan || ex.stage_answer || !log->enabled(telemetry::Level::error)) return;
    std::string prefix = "[ENDPOINT: " + ex.plan->path + "]";
    for (int i = 0; i < ex.error_count; ++i) {
        std::string text(ex.errors[i]);
        log->write(telemetry::Level::error, prefix,
                   ex.error_count == 1 ? text : "Error #" + std::to_string(i) + ": " + text);
    }
}

void log_access(Exchange& ex) {
    const plan::RouterPlan& service = ex.w.service();
    if (service.disable_access_log || ex.unlogged) return;
    std::string_view path = ex.target.path;
    for (const std::string& skip : service.skip_log_paths)
        if (skip == path) return;
    telemetry::AccessRecord r;
    r.status = ex.status ? ex.status : 500;
    // The time of the turn is good enough, but for an answer given in the turn of its request.
    uint64_t now = ex.w.loop.now_ns();
    r.latency_ns = static_cast<int64_t>((now != ex.start_ns ? now : ex.w.loop.clock_now_ns()) - ex.start_ns);
    r.unix_seconds = ex.w.loop.unix_seconds();
    r.client_ip = ex.client_ip.empty() ? find_client_ip(ex) : ex.client_ip;
    r.method = ex.method();
    r.path = path;
    r.query = ex.target.query;
    r.errors = {ex.errors, ex.error_count};
    ex.w.access_log().write(r);
}

// What the bytes of a request are that began: a head, or the preface of HTTP/2.
struct Begun {
    http::Status status = http::Status::need_more;
    http::RequestHead head;
    const char* text = nullptr;  // of the head
    bool http2 = false;          // the preface stands there
    bool nothing = false;  // a preface that breaks off: the connection ends without a word, as the reference's does
};

// The first line of the preface makes a head of HTTP/1 with the empty line behind it. Without use_h2c the reference
// sees an unknown path, and the end of the connection.
constexpr size_t kPrefaceLine = 18;
constexpr std::string_view kPrefaceAsHead = "PRI * HTTP/1.0\r\n\r\n";
static_assert(kPrefaceAsHead.size() == kPrefaceLine);

void take_head(Worker& w, const char* data, size_t n, const http::Limits& limits, Begun& out) {
    out.text = data;
    if (n > 1 && data[0] == 'P' && data[1] == 'R') [[unlikely]] {
        constexpr std::string_view kPreface = proto::kH2Preface;
        bool speaks = w.snapshot().server.use_h2c;
        size_t most = std::min(n, speaks ? kPreface.size() : kPrefaceLine), same = 0;
        while (same < most && data[same] == kPreface[same])
            ++same;
        if (same == n && same < (speaks ? kPreface.size() : kPrefaceLine)) return;  // need_more
        if (same >= kPrefaceLine) {
            out.http2 = speaks && same == kPreface.size();
            out.nothing = speaks && !out.http2;
            out.status = http::Status::complete;
            if (speaks) return;
            out.text = kPrefaceAsHead.data();
            n = kPrefaceLine;
        }
    }
    out.status = http::parse_request(out.text, n, limits, w.fields, Worker::kMaxFields, out.head);
}

}  // namespace

rt::Task<void> linger(ClientConn& c) {
    c.io.shutdown_write();
    rt::Scope scope(c.w.loop, &c.scope);
    scope.deadline_in(1000);
    size_t eaten = 0;
    while (eaten < 1024 * 1024) {
        rt::IoResult r = co_await c.io.read(c.w.rx(), Worker::kReceive, scope);
        if (!r.ok()) break;
        eaten += static_cast<size_t>(r.n);
    }
}

void begin_exchange(Exchange& ex) {
    Worker& w = ex.w;
    ClientConn& c = ex.c;
    const plan::ServerPlan& s = w.snapshot().server;
    uint64_t left = s.write_timeout_ms;
    if (!ex.body.done && s.read_timeout_ms && (!left || s.read_timeout_ms < left)) left = s.read_timeout_ms;
    c.scope.deadline_in(left);
    c.io.on_hangup(&on_client_hangup, &c);
    if (c.io.peer_closed()) on_client_hangup(c.io, &c);
    w.loop.set_current(&ex.scope);
    w.counters.add(Counter::requests);
    w.counters.add(Counter::exchanges_in_flight);
}

void end_exchange(Exchange& ex) {
    Worker& w = ex.w;
    w.counters.sub(Counter::exchanges_in_flight);
    ex.c.io.on_hangup(nullptr, nullptr);
    w.counters.add_response(ex.status ? ex.status : 500);
    w.counters.add(Counter::client_bytes_sent, ex.sent_bytes);
    log_errors(ex);
    log_access(ex);
    if (ex.endpoint) w.release(ex.endpoint);
}

namespace {

// These are no coroutines, so that the frame of serve(), which idle connections have, holds none of their arguments.
rt::Task<void> refuse_head(ClientConn& c, const http::RequestHead& head, std::string_view data) {
    bool large = head.error == http::HeadError::head_too_large || head.error == http::HeadError::too_many_fields;
    int status = large                                                                                         ? 431
                 : head.error == http::HeadError::bad_version && is_other_version(data.data(), head.error_off) ? 505
                 : head.error == http::HeadError::bad_transfer_encoding                                        ? 501
                                                                                                               : 400;
    return refuse(c, status, http::text(head.error), explanation(head, data));
}

rt::Task<void> refuse_for_memory(ClientConn& c) {
    return refuse(c, 503, "no memory for its head", ": the memory budget of the gateway is used up; try again later");
}

}  // namespace

void client_hung_up(ClientConn& c) {
    Exchange* ex = c.exchange;
    if (!ex || ex->gone) return;
    if (!c.io.broken()) {
        if (c.is_stream) return;
        if (!c.in.empty()) return;
        ssize_t n = c.io.peek();
        if (n > 0 || (n < 0 && errno == EAGAIN && !c.io.peer_closed())) return;
    }
    // Not `gone`: what needs no backend is still said, the client may only have ended its sending side.
    ex->close = true;
    ex->scope.cancel(rt::Wake::cancelled);
}

namespace {

// TLS, before the first request.
rt::Task<bool> agree(ClientConn& c) {
    const plan::ServerPlan& s = c.w.snapshot().server;
    uint64_t limit = 0;
    for (uint64_t ms : {s.read_header_timeout_ms, s.read_timeout_ms, s.write_timeout_ms})
        if (ms && (!limit || ms < limit)) limit = ms;
    c.scope.deadline_in(limit ? limit : kHandshakeMs);
    rt::IoResult r = co_await c.io.handshake(c.scope);
    if (r.ok()) {
        c.over_tls = true;
        c.w.counters.add(Counter::tls_handshakes);
        if (c.tls->resumed()) c.w.counters.add(Counter::tls_resumed);
        co_return true;
    }
    c.w.counters.add(Counter::tls_failures);
    std::string_view why = c.tls->error();
    if (r.wake == rt::Wake::cancelled) co_return false;
    // Who only looks whether the port is open is not worth a line.
    auto level = why == "EOF" ? telemetry::Level::debug : telemetry::Level::warning;
    if (c.w.log()->enabled(level) && c.w.may_complain()) {
        std::string text = "http: TLS handshake error from " + std::string(c.address()) + ": ";
        text += r.wake == rt::Wake::timeout ? "i/o timeout"
                : !why.empty()              ? why
                                            : std::string_view(net::error_words(r.error));
        c.w.log()->write(level, "[SERVICE: Gin]", text);
    }
    co_return false;
}

}  // namespace

rt::Detached serve(ClientConn* cp) {
    ClientConn& c = *cp;
    Worker& w = c.w;
    if (c.begins_with_proxy_header) {
        const plan::ServerPlan& s = w.snapshot().server;
        // Whoever sends it sends it at once.
        c.scope.deadline_in(first_of(first_of(s.read_header_timeout_ms, s.read_timeout_ms), kProxyHeaderMs));
        if (!co_await read_proxy_header(c)) {
            w.counters.add(Counter::proxy_headers_refused);
            if (telemetry::LogWriter* log = w.log(); log->enabled(telemetry::Level::debug))
                log->write(telemetry::Level::debug, "[SERVICE: Gin]",
                           "closed a connection of " + std::string(c.address()) +
                               (c.sends_proxy_header ? ": no PROXY header, or a wrong one"
                                                     : ": it is not among those who may send a PROXY header"));
            w.close(cp);
            co_return;
        }
    }
    if (c.speaks_tls && (!w.begin_tls(c) || !co_await agree(c))) {
        w.close(cp);
        co_return;
    }
    bool lingering = false;
    uint64_t turn = 0;
    uint32_t in_turn = 0;
    bool http2 = c.tls && c.tls->alpn() == "h2";
    if (http2) lingering = co_await serve_h2(c, {});
    for (uint64_t served = 0; !http2; ++served) {
        {
            const plan::ServerPlan& s = w.snapshot().server;
            uint64_t idle = first_of(s.idle_timeout_ms, first_of(s.read_timeout_ms, s.read_header_timeout_ms));
            c.scope.deadline_in(served == 0 ? first_of(s.read_header_timeout_ms, s.read_timeout_ms) : idle);
        }
        // --- a head
        // -------------------------------------------------------------------------------------------------------------
        Begun found;
        const char* data = c.in.data();
        size_t n = c.in.size();
        bool in_rx = false;
        bool begun = false;  // more than empty lines (or the first half of one) is there
        if (n > 0) {
            size_t skip = http::skip_empty_lines(data, n);
            if (skip) {
                c.in.consume(skip);
                data = c.in.data();
                n = c.in.size();
            }
            begun = n > 0 && !is_half_line(data, n);
            if (begun) {
                http::Limits limits;
                limits.max_head_bytes = w.snapshot().server.max_header_bytes + 4096;
                take_head(w, data, n, limits, found);
            }
        }
        bool closed = false, no_memory = false;
        while (found.status == http::Status::need_more) {
            if (w.closes_idle() && !begun && served > 0) {
                closed = true;
                break;
            }
            rt::IoResult r = co_await c.io.read(w.rx(), Worker::kReceive, c.scope);
            if (!r.ok()) {
                closed = true;
                break;
            }
            auto fresh = static_cast<size_t>(r.n);
            w.counters.add(Counter::client_bytes_received, fresh);
            const plan::ServerPlan& s = w.snapshot().server;
            if (!begun && served > 0) c.scope.deadline_in(first_of(s.read_header_timeout_ms, s.read_timeout_ms));
            http::Limits limits;
            limits.max_head_bytes = s.max_header_bytes + 4096;
            in_rx = c.in.empty();
            if (in_rx) {
                data = w.rx();
                n = fresh;
            } else {
                no_memory = !c.in.append(w.rx(), fresh);
                if (no_memory) break;
                data = c.in.data();
                n = c.in.size();
            }
            if (!begun) {
                size_t skip = http::skip_empty_lines(data, n);
                data += skip;
                n -= skip;
                if (!in_rx) c.in.consume(skip);
                if (n == 0) continue;
                if (is_half_line(data, n)) {
                    no_memory = in_rx && !c.in.append(data, n);
                    if (no_memory) break;
                    continue;
                }
                begun = true;
            }
            if (in_rx || n <= kEagerBytes || n > limits.max_head_bytes || has_head_end(data, n, fresh))
                take_head(w, data, n, limits, found);
            no_memory = found.status == http::Status::need_more && in_rx && !c.in.append(data, n);
            if (no_memory) break;
        }
        if (closed || found.nothing) break;
        if (found.http2) {
            lingering = co_await serve_h2(c, {data, n});
            break;
        }
        const http::RequestHead& head = found.head;
        if (found.status == http::Status::error) {
            // Where HTTP/2 may begin, a line that names no version of HTTP is a wrong preface: no word that its sender
            // understands.
            if (served == 0 && w.snapshot().server.use_h2c && !names_version({data, n})) break;
            co_await refuse_head(c, head, {data, n});
            lingering = true;
            break;
        }

        // What follows the head stays, and the head itself becomes part of the exchange.
        if (!no_memory && in_rx) no_memory = !c.in.append(data + head.head_len, n - head.head_len);
        Exchange* made = no_memory ? nullptr : new_exchange(c);
        if (made && !made->charge(head.head_len)) {
            free_exchange(made);
            made = nullptr;
        }
        if (!made) {
            co_await refuse_for_memory(c);
            lingering = true;
            break;
        }

        // --- an exchange
        // --------------------------------------------------------------------------------------------------------
        Exchange& ex = *made;
        ex.head = head;
        ex.base = ex.arena.copy({found.text, head.head_len}).data();
        auto* fields =
            static_cast<http::Field*>(ex.arena.allocate(sizeof(http::Field) * head.field_count, alignof(http::Field)));
        if (head.field_count) std::memcpy(fields, w.fields, sizeof(http::Field) * head.field_count);
        ex.fields = fields;
        if (!in_rx) c.in.consume(head.head_len);
        ex.close = !head.keep_alive;
        begin_body(ex);
        if (w.snapshot().server.use_h2c && asks_for_h2c(ex)) {
            // What follows on this connection is HTTP/2, unless the upgrade was refused.
            H2Upgrade done = co_await upgrade_to_h2c(ex);
            if (done != H2Upgrade::refused) {
                lingering = done == H2Upgrade::served;
                free_exchange(&ex);
                break;
            }
        } else {
            begin_exchange(ex);
            co_await handle(ex);
            end_exchange(ex);
        }
        bool gone = ex.gone;
        bool keep = !ex.close && !gone;
        if (keep && !ex.body.done) keep = co_await drain_body(ex);
        lingering = !gone && !keep && (!ex.body.done || !c.in.empty() || c.io.readable());
        free_exchange(&ex);
        if (!keep || c.scope.ended()) break;
        if (!c.in.empty()) {
            if (turn != w.loop.turns()) {
                turn = w.loop.turns();
                in_turn = 0;
            }
            if (++in_turn >= kRequestsPerTurn) co_await w.loop.yield();
        }
    }
    if (lingering && !c.scope.ended()) co_await linger(c);
    w.close(cp);
}

rt::Task<void> refuse(ClientConn& c, int status, std::string_view why, std::string_view explained) {
    if (telemetry::LogWriter* log = c.w.log(); log->enabled(telemetry::Level::debug))
        log->write(telemetry::Level::debug, "[SERVICE: Gin]",
                   "refused a request of " + std::string(c.address()) + ": " + std::string(why));
    HeadWriter h(c.w.tx());
    auto line = [&] {  // "400 Bad Request: missing required Host header" is both the status line and the body
        h.number(static_cast<uint64_t>(status));
        h.raw(" ");
        h.raw(http::reason_of(status));
        h.raw(explained);
    };
    h.raw("HTTP/1.1 ");
    line();
    h.raw("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n");
    if (status == 501)
        h.raw("Unsupported transfer encoding");
    else
        line();
    c.w.counters.add(Counter::requests);
    c.w.counters.add_response(status);
    std::string_view all = h.bytes();
    ssize_t n = c.io.write_now(all.data(), all.size());
    if (n >= 0 && n < static_cast<ssize_t>(all.size()))
        co_await upstream::write_rest(c.io, all.data() + n, all.size() - static_cast<size_t>(n), c.scope);
}

}  // namespace gladius::engine
