#include "engine/serve_h2.h"

#include <algorithm>
#include <cstring>

#include "base/pool.h"
#include "engine/body.h"
#include "engine/handle.h"
#include "engine/respond.h"
#include "proto/h2_server.h"

namespace gladius::engine {

using telemetry::Counter;

namespace {

// Go's server gives the first SETTINGS two seconds and the preface ten; here both come in one.
constexpr uint64_t kGreetingMs = 10'000;
// So long the client has to see a GOAWAY before new requests are refused, when it does not answer the PING.
constexpr uint64_t kShutdownMs = 1000;
// Twice that, and a request whose answer is complete need not be sent to its end.
constexpr uint64_t kLingerMs = 100;
// Last frames that a client does not take.
constexpr uint64_t kLastWriteMs = 1000;

uint64_t first_of(uint64_t a, uint64_t b) {
    return a ? a : b;
}

// Wakes one coroutine at the end of the turn, however often it was raised in it.
class Bell {
  public:
    explicit Bell(rt::Loop& loop) : loop_(loop) {}
    void ring() {
        if (rung_) return;
        rung_ = true;
        if (wait_.handle) loop_.ready(wait_);
    }
    bool await_ready() const { return rung_; }
    void await_suspend(std::coroutine_handle<> h) { wait_.handle = h; }
    void await_resume() {
        wait_.handle = nullptr;
        rung_ = false;
    }

  private:
    rt::Loop& loop_;
    rt::Wait wait_;
    bool rung_ = false;
};

proto::H2ServerLimits limits_of(const Worker& w) {
    proto::H2ServerLimits limits;
    limits.max_header_bytes = w.snapshot().server.max_header_bytes;
    return limits;
}

}  // namespace

class H2Connection final : public proto::H2Owner {
  public:
    explicit H2Connection(ClientConn& conn)
        : c(conn),
          w(conn.w),
          reading(w.loop, &conn.scope),
          writing(w.loop, &conn.scope),
          streams(w.loop, &conn.scope),
          bell(w.loop),
          session(*this, limits_of(w)) {
        c.h2 = this;
        goaway.arg = this;
        goaway.fire = [](rt::Timer&, void* self) { static_cast<H2Connection*>(self)->session.shutdown_now(); };
        lingering.arg = this;
        lingering.fire = [](rt::Timer&, void* self) {
            auto* h = static_cast<H2Connection*>(self);
            if (h->session.end_lingering()) h->w.loop.wheel().arm(h->lingering, h->w.loop.now_ms() + kLingerMs);
        };
    }
    ~H2Connection() { c.h2 = nullptr; }

    void h2_output() override { bell.ring(); }
    bool h2_take_memory(size_t n) override { return w.budget().take(n); }
    void h2_give_memory(size_t n) override { w.budget().give(n); }

    void start_requests() {
        while (proto::H2Stream* s = session.next_request())
            serve_stream(s);
        set_idle_time();
    }
    // A connection without requests waits for so long.
    void set_idle_time() {
        if (!session.greeted()) return;
        const plan::ServerPlan& s = w.snapshot().server;
        reading.deadline_in(session.streams() > 0 ? 0 : first_of(s.idle_timeout_ms, s.read_timeout_ms));
    }

    rt::Detached serve_stream(proto::H2Stream* stream);
    rt::Detached write_out();
    rt::Task<void> run(std::string_view first);
    rt::Task<void> end();

    ClientConn& c;
    Worker& w;
    rt::Scope reading, writing, streams;
    Bell bell;
    rt::Join writers, exchanges;
    rt::Timer goaway, lingering;
    bool over = false;
    proto::H2Server session;
};

// One request, on its stream.
rt::Detached H2Connection::serve_stream(proto::H2Stream* stream) {
    exchanges.add();
    auto* sc = new (pool_allocate(sizeof(ClientConn))) ClientConn(c, streams);
    sc->io.open(w.loop, *stream);
    Exchange& ex = *new_exchange(*sc);
    const proto::H2Request& request = stream->request();
    if (request.too_large) {
        // As Go's server answers it, without the gateway seeing the request.
        ex.close = true;
        Answer a;
        a.status = 431;
        a.krakend = false;
        a.content_type = "text/html; charset=utf-8";
        a.body = "<h1>HTTP Error 431</h1><p>Request Header Field(s) Too Large</p>";
        w.counters.add(Counter::requests);
        w.counters.add_response(431);
        stream->attach(sc->io);
        co_await answer(ex, a);
    } else if (request.text && !ex.charge(request.head.head_len)) {
        stream->finish(false);
    } else {
        ex.head = request.head;
        ex.base = ex.arena.copy({request.text, request.head.head_len}).data();
        size_t index = sizeof(http::Field) * request.head.field_count;
        void* fields = ex.arena.allocate(index, alignof(http::Field));
        std::memcpy(fields, request.fields, index);
        ex.fields = static_cast<const http::Field*>(fields);
        stream->release_request();
        stream->attach(sc->io);
        begin_body(ex);
        begin_exchange(ex);
        co_await handle(ex);
        end_exchange(ex);
    }
    stream->finish(!ex.gone && ex.status != 0);
    if (stream->lingers() && !lingering.armed()) w.loop.wheel().arm(lingering, w.loop.now_ms() + kLingerMs);
    free_exchange(&ex);
    sc->io.close();
    w.loop.retire(
        [](void* p) {
            static_cast<ClientConn*>(p)->~ClientConn();
            pool_free(p, sizeof(ClientConn));
        },
        sc);
    // One more may be started now; not from here, where the stack belongs to who resumed this.
    bell.ring();
    exchanges.done();
}

// Frames wait for the end of the turn, so that all streams share one system call.
rt::Detached H2Connection::write_out() {
    writers.add();
    proto::ByteQueue sending;
    bool broken = false;
    while (!over || (!session.output().empty() && !broken)) {
        co_await bell;
        if (!over) start_requests();
        while (!session.output().empty() && !broken) {
            sending.swap(session.output());
            ssize_t n = c.io.write_now(sending.data(), sending.size());
            if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
                broken = true;
                break;
            }
            sending.consume(n > 0 ? static_cast<size_t>(n) : 0);
            if (!sending.empty()) {
                session.set_blocked(true);
                rt::IoResult r = co_await c.io.write(sending.data(), sending.size(), writing);
                broken = r.wake != rt::Wake::ready || r.error != 0;
                sending.clear();
            }
            session.sent();
        }
        if (broken) {
            session.output().clear();
            reading.cancel(rt::Wake::cancelled);
        } else if (session.finished()) {
            reading.cancel(rt::Wake::cancelled);
        }
    }
    writers.done();
}

rt::Task<void> H2Connection::run(std::string_view first) {
    reading.deadline_in(kGreetingMs);
    write_out();
    if (w.draining()) drain(*this);
    bool goes_on = first.empty() || session.receive(first.data(), first.size(), w.loop.now_ms());
    c.in.clear();  // where `first` may have been
    while (goes_on) {
        start_requests();
        if (session.finished()) break;
        rt::IoResult r = co_await c.io.read(w.rx(), Worker::kReceive, reading);
        if (r.wake == rt::Wake::timeout && !c.scope.ended()) session.stop(NGHTTP2_NO_ERROR);
        if (!r.ok()) break;
        auto n = static_cast<size_t>(r.n);
        w.counters.add(Counter::client_bytes_received, n);
        goes_on = session.receive(w.rx(), n, w.loop.now_ms());
    }
}

// Whatever still runs has nobody to answer; then the last frames go out.
rt::Task<void> H2Connection::end() {
    streams.cancel(rt::Wake::cancelled);
    co_await exchanges.all();
    goaway.disarm();
    lingering.disarm();
    over = true;
    writing.deadline_in(kLastWriteMs);
    bell.ring();
    co_await writers.all();
}

void drain(H2Connection& h) {
    h.session.shutdown();
    h.w.loop.wheel().arm(h.goaway, h.w.loop.now_ms() + kShutdownMs);
}

rt::Task<bool> serve_h2(ClientConn& c, std::string_view first) {
    c.scope.clear_deadline();
    H2Connection h(c);
    co_await h.run(first);
    co_await h.end();
    co_return !c.scope.ended();
}

// --- Upgrade: h2c
// -------------------------------------------------------------------------------------------------------------

namespace {

bool lists(const Exchange& ex, http::Token token, std::string_view word) {
    for (const http::Field& f : ex.all_fields())
        if (f.token == token && http::has_item(ex.value(f), word)) return true;
    return false;
}

// Base64 as Go's RawURLEncoding reads it: no padding, line ends are skipped, bits that are left over do not matter.
bool decode_settings(std::string_view text, Arena& arena, std::string_view& out) {
    char* begin = arena.chars(text.size());
    char* p = begin;
    uint32_t bits = 0, have = 0, digits = 0;
    for (char c : text) {
        uint32_t v;
        if (c >= 'A' && c <= 'Z')
            v = static_cast<uint32_t>(c - 'A');
        else if (c >= 'a' && c <= 'z')
            v = static_cast<uint32_t>(c - 'a' + 26);
        else if (c >= '0' && c <= '9')
            v = static_cast<uint32_t>(c - '0' + 52);
        else if (c == '-' || c == '_')
            v = c == '-' ? 62 : 63;
        else
            return false;
        bits = bits << 6 | v;
        have += 6;
        ++digits;
        if (have >= 8) {
            have -= 8;
            *p++ = static_cast<char>(bits >> have & 255);
        }
    }
    out = {begin, static_cast<size_t>(p - begin)};
    return digits % 4 != 1;
}

rt::Task<void> refuse_upgrade(Exchange& ex) {
    Answer a;
    a.status = 500;
    a.krakend = false;
    ex.unlogged = true;
    co_await answer(ex, a);
}

}  // namespace

bool asks_for_h2c(const Exchange& ex) {
    return ex.has(http::Token::upgrade) && lists(ex, http::Token::upgrade, "h2c") &&
           lists(ex, http::Token::connection, "http2-settings");
}

rt::Task<H2Upgrade> upgrade_to_h2c(Exchange& ex) {
    ClientConn& c = ex.c;
    uint32_t found = 0;
    std::string_view text, settings;
    for (const http::Field& f : ex.all_fields())
        if (f.token == http::Token::unknown && http::same_name(ex.name(f), "HTTP2-Settings")) {
            text = ex.value(f);
            ++found;
        }
    if (found != 1 || !decode_settings(text, ex.arena, settings)) {
        begin_exchange(ex);
        co_await refuse_upgrade(ex);
        end_exchange(ex);
        co_return H2Upgrade::refused;
    }
    std::string_view body;
    if (!ex.body.done && !body_at_hand(ex, &body) && co_await read_whole_body(ex, c.scope, body) != WholeBody::complete)
        co_return H2Upgrade::failed;
    constexpr std::string_view kSwitching =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    rt::IoResult sent = co_await c.io.write(kSwitching.data(), kSwitching.size(), c.scope);
    if (sent.wake != rt::Wake::ready || sent.error) co_return H2Upgrade::failed;
    c.scope.clear_deadline();
    c.exchange = nullptr;
    H2Connection h(c);
    // Whole settings only: the reference looks at no more.
    settings = settings.substr(0, settings.size() / 6 * 6);
    proto::H2Request request;
    request.head = ex.head;
    request.text = ex.base;
    request.fields = ex.fields;
    if (request.head.framing == http::Framing::chunked) request.head.framing = http::Framing::until_close;
    request.head.expect_continue = false;
    if (proto::H2Stream* s = h.session.upgrade(settings, request, body)) h.serve_stream(s);
    co_await h.run({c.in.data(), c.in.size()});
    co_await h.end();
    co_return H2Upgrade::served;
}

}  // namespace gladius::engine
