#include "features/websocket/link.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

#include "engine/handle.h"
#include "features/websocket/envelope.h"

namespace gladius::features::ws {

namespace pws = proto::ws;
using telemetry::Counter;
using telemetry::Level;

namespace {

constexpr std::string_view kHello = "{\"msg\":\"KrakenD WS proxy starting\"}", kAnswer = "OK";
constexpr size_t kEnvelope = 64 * 1024;  // of an envelope, beside the body
constexpr uint32_t kMaxPongs = 16;       // that wait for the backend to take them

uint32_t random_mask() {
    uint32_t m = 0;
    if (getrandom(&m, sizeof m, 0) != sizeof m) m = 0x9D2C5680;
    return m;
}

std::string random_key() {
    unsigned char bytes[16] = {};
    (void)!getrandom(bytes, sizeof bytes, 0);
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (int i = 0; i < 15; i += 3) {
        uint32_t v = static_cast<uint32_t>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
        for (int k = 0; k < 4; ++k)
            out += kDigits[v >> (18 - 6 * k) & 63];
    }
    out += kDigits[bytes[15] >> 2];
    out += kDigits[bytes[15] << 4 & 63];
    return out + "==";
}

// Body bytes of an envelope of the largest message.
uint64_t largest(const Settings& s) {
    return s.max_message / 3 * 4 + 4 + kEnvelope;
}

std::string_view header_of(const upstream::Call& call, std::string_view name) {
    for (uint32_t i = 0; i < call.head.field_count; ++i) {
        const http::Field& f = call.fields()[i];
        if (http::same_name(http::name_of(call.base, f), name)) return http::value_of(call.base, f);
    }
    return {};
}

}  // namespace

// --- one connection
// -------------------------------------------------------------------------------------------------------------------

Link::Link(engine::Worker& w, std::shared_ptr<const Settings> settings, std::string target)
    : w_(w),
      settings_(std::move(settings)),
      target_(std::move(target)),
      scope_(w.loop),
      more_(w.loop),
      reader_(pws::Role::client, largest(*settings_)),
      part_(w.budget()) {}

void Link::say(Level level, const std::string& text) {
    w_.log()->write(level, "[ENDPOINT: " + settings_->endpoint + "][WebSocket]", text);
}

void Link::start() {
    run(shared_from_this());
}

void Link::stop() {
    if (stopping_) return;
    stopping_ = true;
    // Said when nothing is half written; nobody waits for it.
    if (up_ && !writing_) {
        write_what_waits();
        char payload[pws::kMaxControl], frame[pws::kMaxHead + pws::kMaxControl];
        size_t n = pws::write_close(payload, pws::kGoingAway, "");
        uint32_t mask = random_mask();
        size_t k = pws::write_head(frame, pws::Opcode::close, n, pws::Role::client, mask);
        pws::apply_mask(payload, n, mask, 0);
        std::memcpy(frame + k, payload, n);
        (void)conn_->io.write_now(frame, k + n);
    }
    scope_.cancel(rt::Wake::cancelled);
}

// The last client's going is still told.
void Link::drain() {
    if (clients == 0) stop();
}

void Link::fail_waiting(const char* why) {
    auto fail = [&](std::unique_ptr<Outbound> out) {
        if (!out) return;
        out->error = why;
        Hub::settle(w_, std::move(out));
    };
    while (!waiting_.empty()) {
        Item item = std::move(waiting_.front());
        waiting_.pop_front();
        fail(std::move(item.from));
    }
    while (!early_.empty()) {
        std::unique_ptr<Outbound> out = std::move(early_.front());
        early_.pop_front();
        fail(std::move(out));
    }
}

// A goodbye, mostly: what the kernel takes now, while nobody else writes.
void Link::write_what_waits() {
    while (conn_ && !writing_ && !waiting_.empty()) {
        Item item = std::move(waiting_.front());
        waiting_.pop_front();
        auto n = static_cast<ssize_t>(item.frame->size());
        bool ok = conn_->io.write_now(item.frame->data(), static_cast<size_t>(n)) == n;
        if (item.from) {
            item.from->sent = ok;
            item.from->error = ok ? "" : "the connection to the backend is lost";
            Hub::settle(w_, std::move(item.from));
        }
        if (!ok) return;
    }
}

void Link::disconnect() {
    up_ = false;
    fail_waiting("the connection to the backend is lost");
    if (conn_) conn_->peer->close(std::exchange(conn_, nullptr));
    if (peer_) std::exchange(peer_, nullptr)->unref();
    part_.clear();
    pongs_ = 0;
}

rt::Detached Link::run([[maybe_unused]] std::shared_ptr<Link> self) {
    Hub& hub = *settings_->hub;
    uint32_t failures = 0;
    while (!scope_.ended()) {
        bool was_up = false;
        {
            rt::Scope scope(w_.loop, &scope_);
            if (co_await connect(scope)) {
                was_up = up_ = true;
                failures = 0;
                while (!early_.empty()) {
                    std::unique_ptr<Outbound> out = std::move(early_.front());
                    early_.pop_front();
                    take(std::move(out));
                }
                if (settings_->one_link) hub.set_given_up(false);
                say(Level::info, "connected to the backend");
                while (!scope.ended()) {
                    rt::IoResult r = co_await conn_->io.read(w_.rx(), engine::Worker::kReceive, scope);
                    if (!r.ok()) {
                        if (r.wake == rt::Wake::ready)
                            error_ = r.n == 0 ? "closed by the backend" : net::error_words(r.error);
                        break;
                    }
                    w_.counters.add(Counter::backend_bytes_received, static_cast<uint64_t>(r.n));
                    if (!handle(w_.rx(), static_cast<size_t>(r.n))) break;
                }
            }
            if (!scope.ended()) write_what_waits();
            scope.cancel(rt::Wake::cancelled);
            co_await join_.all();
            first_ = false;
            disconnect();
        }
        if (scope_.ended()) break;
        ++failures;
        say(was_up ? Level::warning : Level::error,
            was_up ? "the connection to the backend is lost: " + error_ : "no connection to the backend: " + error_);
        if (settings_->max_retries && failures > settings_->max_retries) {
            say(Level::critical,
                "the backend is given up after " + std::to_string(settings_->max_retries) + " retries");
            if (settings_->one_link) hub.set_given_up(true);
            hub.close_all(w_, target_, pws::kServerError, "the backend is gone");
            break;
        }
        co_await w_.loop.sleep(settings_->pause_ms(failures, w_.random()), scope_);
    }
    ended_ = true;
    fail_waiting("the connection to the backend is lost");
}

rt::Task<bool> Link::connect(rt::Scope& scope) {
    const plan::HostPlan& host = *settings_->hosts[turn_++ % settings_->hosts.size()];
    rt::Scope patience(w_.loop, &scope);
    patience.deadline_in(settings_->handshake_ms);
    peer_ = &w_.find_peer(w_.key_of(host.host, host.port, host.https, host.proxy, *host.tls));
    peer_->ref();
    reader_ = pws::Reader(pws::Role::client, largest(*settings_));
    greeted_ = false;
    error_ = "no answer in time";
    if (!co_await ask(*peer_, host, patience)) co_return false;
    // What is said to a backend is written by one coroutine, the hello too.
    write_frames(scope);
    push_text(pws::Opcode::text, kHello);
    while (!greeted_) {
        rt::IoResult r = co_await conn_->io.read(w_.rx(), engine::Worker::kReceive, patience);
        if (!r.ok()) {
            if (r.wake == rt::Wake::ready) error_ = "closed by the backend before it said OK";
            co_return false;
        }
        if (!handle(w_.rx(), static_cast<size_t>(r.n))) co_return false;
    }
    co_return true;
}

rt::Task<bool> Link::ask(upstream::Peer& peer, const plan::HostPlan& host, rt::Scope& scope) {
    std::string key = random_key();
    std::string request = "GET " + host.base + target_ + " HTTP/1.1\r\nHost: " + host.header +
                          "\r\nUser-Agent: " + settings_->user_agent +
                          "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key +
                          "\r\nSec-WebSocket-Version: 13\r\n\r\n";
    upstream::Call call(w_, scope);
    upstream::BackendRequest ask;
    ask.bytes = request;
    ask.upgrade = true;
    if (!co_await call.start(peer, ask)) {
        if (scope.why() != rt::Wake::timeout) error_ = call.error.text;
        co_return false;
    }
    if (!call.switched()) {
        error_ = "the backend answered " + std::to_string(call.head.status);
        co_return false;
    }
    char accept[pws::kAcceptSize];
    pws::accept_of(key, accept);
    bool right = http::same_name(header_of(call, "Upgrade"), "websocket") &&
                 header_of(call, "Sec-WebSocket-Accept") == std::string_view(accept, sizeof accept);
    std::string_view early;
    conn_ = call.take_switched(early);
    if (!right) {
        error_ = "the backend's handshake is not one of RFC 6455";
        co_return false;
    }
    if (!early.empty() && !handle(const_cast<char*>(early.data()), early.size())) co_return false;
    co_return true;
}

// --- writing
// ------------------------------------------------------------------------------------------------------------------

void Link::take(std::unique_ptr<Outbound> out) {
    if (!out->text) return;
    if (first_ && !up_ && !stopping_) {
        early_.push_back(std::move(out));
        return;
    }
    if (!up_ || stopping_) {
        out->error = "the backend is not connected";
        return Hub::settle(w_, std::move(out));
    }
    BytesRef text = std::move(out->text);
    push(pws::Opcode::text, std::move(text), std::move(out));
}

// The payload has room for the head in front.
bool Link::push(pws::Opcode opcode, BytesRef payload, std::unique_ptr<Outbound> from) {
    size_t n = payload->size();
    uint32_t mask = random_mask();
    pws::apply_mask(payload->data(), n, mask, 0);
    pws::write_head(payload->prepend(pws::head_size(n, pws::Role::client)), opcode, n, pws::Role::client, mask);
    waiting_.push_back(Item{std::move(payload), std::move(from)});
    more_.set();
    return true;
}

bool Link::push_text(pws::Opcode opcode, std::string_view payload) {
    BytesRef b(Bytes::make(w_.budget(), payload.size(), pws::kMaxHead));
    if (!b) return false;
    if (!payload.empty()) std::memcpy(b->data(), payload.data(), payload.size());
    return push(opcode, std::move(b), nullptr);
}

rt::Detached Link::write_frames(rt::Scope& scope) {
    join_.add();
    while (!scope.ended()) {
        if (waiting_.empty()) {
            if (co_await more_.wait(scope) != rt::Wake::ready) break;
            continue;
        }
        size_t bytes = 0;
        while (!waiting_.empty() &&
               (batch_.empty() || bytes + waiting_.front().frame->size() <= engine::Worker::kTransmit)) {
            bytes += waiting_.front().frame->size();
            batch_.push_back(std::move(waiting_.front().frame));
            batch_from_.push_back(std::move(waiting_.front().from));
            waiting_.pop_front();
        }
        bool ok;
        {
            rt::Scope patience(w_.loop, &scope);
            patience.deadline_in(settings_->write_wait_ms);
            writing_ = true;
            ok = co_await write_batch(w_, conn_->io, batch_, patience);
            writing_ = false;
            if (!ok && patience.why() == rt::Wake::timeout) error_ = "the backend takes nothing";
        }
        w_.counters.add(Counter::backend_bytes_sent, bytes);
        pongs_ = 0;
        batch_.clear();
        for (std::unique_ptr<Outbound>& from : batch_from_) {
            if (!from) continue;
            from->sent = ok;
            from->error = ok ? "" : "the connection to the backend is lost";
            Hub::settle(w_, std::move(from));
        }
        batch_from_.clear();
        if (!ok) scope.cancel(rt::Wake::cancelled);
    }
    join_.done();
}

// --- reading
// ------------------------------------------------------------------------------------------------------------------

bool Link::handle(char* data, size_t n) {
    while (n > 0) {
        pws::Step s = reader_.next(data, n);
        data += s.consumed;
        n -= s.consumed;
        switch (s.event) {
            case pws::Step::Event::none:
            case pws::Step::Event::pong:
                break;
            case pws::Step::Event::data:
                if (s.first && s.last) {
                    if (!on_message({s.data, s.n})) return false;
                    break;
                }
                if (!part_.append(s.data, s.n)) {
                    error_ = "no memory for its message";
                    return false;
                }
                if (s.last) {
                    bool ok = on_message({part_.data(), part_.size()});
                    part_.clear();
                    if (!ok) return false;
                }
                break;
            case pws::Step::Event::ping:
                if (++pongs_ <= kMaxPongs) push_text(pws::Opcode::pong, {s.data, s.n});
                break;
            case pws::Step::Event::close: {
                char payload[pws::kMaxControl];
                size_t k = s.code == pws::kNoCode ? 0 : pws::write_close(payload, s.code, {});
                push_text(pws::Opcode::close, {payload, k});
                error_ = "closed by the backend with " + std::to_string(s.code);
                return false;
            }
            case pws::Step::Event::failed: {
                char payload[pws::kMaxControl];
                push_text(pws::Opcode::close, {payload, pws::write_close(payload, s.code, s.what)});
                error_ = s.what;
                return false;
            }
        }
    }
    return true;
}

bool Link::on_message(std::string_view text) {
    if (!greeted_) {
        greeted_ = text == kAnswer;
        if (!greeted_) error_ = "the backend did not say OK";
        return greeted_;
    }
    Arena arena;
    Parsed p = parse_envelope(text, arena);
    if (p.enveloped)
        deliver(p.body, std::string(p.url), p.session);
    else
        deliver(text, {}, {});
    return true;
}

void Link::deliver(std::string_view body, std::string url,
                   std::span<std::pair<std::string_view, std::string_view>> who) {
    if (body.size() > settings_->max_message) {
        say(Level::warning, "a message of the backend is larger than max_message_size and is left out");
        return;
    }
    // A text, as browsers like it best, when it is one.
    simd::Utf8Stream check;
    bool text = check.feed(body.data(), body.size()) && check.complete();
    auto in = std::make_shared<Inbound>();
    in->frame = frame_for_client(w_.budget(), text ? pws::Opcode::text : pws::Opcode::binary, body);
    if (!in->frame) {
        say(Level::warning, "a message of the backend is left out: the memory budget is used up");
        return;
    }
    if (!settings_->one_link) in->target = target_;
    in->url = std::move(url);
    for (const auto& [name, value] : who)
        in->session.emplace_back(name, value);
    settings_->hub->deliver(w_, std::move(in));
}

// --- all of them
// -----------------------------------------------------------------------------------------------------------------------

Links::Links(engine::Worker& w, std::shared_ptr<const Settings> settings) : w_(w), settings_(std::move(settings)) {
    if (settings_->one_link) link_of(settings_->target);
}

Link& Links::link_of(const std::string& target) {
    std::shared_ptr<Link>& link = links_[target];
    if (!link || link->ended()) {
        uint32_t clients = link ? link->clients : 0;
        link = std::make_shared<Link>(w_, settings_, target);
        link->clients = clients;
        link->start();
    }
    return *link;
}

void Links::update(std::shared_ptr<const Settings> settings) {
    std::shared_ptr<const Settings> old = std::exchange(settings_, std::move(settings));
    auto same_host = [](const auto& a, const auto& b) { return a->url == b->url && a->base == b->base; };
    bool same =
        old->one_link == settings_->one_link && old->target == settings_->target &&
        old->max_message == settings_->max_message && old->max_retries == settings_->max_retries &&
        old->backoff == settings_->backoff && old->write_wait_ms == settings_->write_wait_ms &&
        std::equal(old->hosts.begin(), old->hosts.end(), settings_->hosts.begin(), settings_->hosts.end(), same_host);
    if (!same) {
        // Clients stay; the connection to the backend is made anew.
        std::unordered_map<std::string, uint32_t> clients;
        for (auto& [target, link] : links_) {
            link->stop();
            if (link->clients) clients[settings_->one_link ? settings_->target : target] += link->clients;
        }
        links_.clear();
        for (auto& [target, n] : clients)
            link_of(target).clients = n;
    }
    if (settings_->one_link) {
        settings_->hub->set_given_up(false);
        link_of(settings_->target);
    }
}

void Links::stop() {
    for (auto& [target, link] : links_)
        link->stop();
    links_.clear();
}

void Links::drain() {
    for (auto& [target, link] : links_)
        link->drain();
}

void Links::take(std::unique_ptr<Outbound> out) {
    bool attach = out->kind == Outbound::Kind::attach, detach = out->kind == Outbound::Kind::detach;
    const std::string target = settings_->one_link ? settings_->target : out->target;
    auto found = links_.find(target);
    bool given_up = settings_->one_link && settings_->hub->given_up();
    if (found == links_.end() && !attach) {
        out->error = "the backend is not connected";
        return Hub::settle(w_, std::move(out));
    }
    Link& link = found != links_.end() && (given_up || !attach) ? *found->second : link_of(target);
    if (attach) ++link.clients;
    if (detach && link.clients > 0) --link.clients;
    link.take(std::move(out));
    if (!detach) return;
    if (w_.draining()) link.drain();
    if (settings_->one_link || link.clients > 0) return;
    link.stop();
    links_.erase(target);
}

}  // namespace gladius::features::ws
