#include "features/websocket/session.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

#include "engine/handle.h"
#include "engine/request.h"
#include "engine/respond.h"
#include "engine/tunnel.h"
#include "features/websocket/envelope.h"

namespace gladius::features::ws {

namespace pws = proto::ws;
using pws::Opcode;
using telemetry::Counter;

namespace {

constexpr std::string_view kRefusal = "Sec-Websocket-Version: 13\r\nX-Content-Type-Options: nosniff\r\n";
constexpr size_t kMaxControls = 16;       // pongs and the like, beside the messages that may wait
constexpr size_t kLingerBytes = 1 << 20;  // that a client may still send after the goodbye
constexpr uint64_t kLingerMs = 1000;

// Version 4: random, as nobody may guess whom he speaks to.
std::string new_uuid() {
    unsigned char b[16] = {};
    (void)!getrandom(b, sizeof b, 0);
    b[6] = static_cast<unsigned char>((b[6] & 0x0F) | 0x40);
    b[8] = static_cast<unsigned char>((b[8] & 0x3F) | 0x80);
    constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        out += kHex[b[i] >> 4];
        out += kHex[b[i] & 15];
    }
    return out;
}

std::string_view header_of(const engine::Exchange& ex, std::string_view name) {
    for (const http::Field& f : ex.all_fields())
        if (f.token == http::Token::unknown && http::same_name(ex.name(f), name)) return ex.value(f);
    return {};
}

// The first of ours that the client offers.
std::string_view chosen_subprotocol(const engine::Exchange& ex, const Settings& settings) {
    for (const std::string& ours : settings.subprotocols) {
        bool offered = false;
        for (const http::Field& f : ex.all_fields())
            if (f.token == http::Token::unknown && http::same_name(ex.name(f), "Sec-WebSocket-Protocol"))
                http::each_listed(ex.value(f), [&](std::string_view theirs) { offered |= theirs == ours; });
        if (offered) return ours;
    }
    return {};
}

}  // namespace

rt::Task<void> run_session(const void* config, engine::Exchange& ex) {
    const auto& settings = *static_cast<const Settings*>(config);
    std::string_view key = header_of(ex, "Sec-WebSocket-Key");
    if (!engine::asks_for_upgrade(ex, "websocket") || header_of(ex, "Sec-WebSocket-Version") != "13" ||
        !pws::is_key(key)) {
        co_await engine::refuse_upgrade(ex, kRefusal);
        co_return;
    }
    if (settings.hub->given_up()) {
        co_await engine::answer_failure(ex, 502, "the backend is gone");
        co_return;
    }
    std::string target = settings.target;
    if (!settings.one_link) {
        engine::BackendHead head;
        plan::HostPlan any;  // the link chooses one
        any.url = settings.hosts[0]->url;
        target = std::string(engine::backend_target(ex, ex.plan->backends[0], any, head));
        if (target.empty()) {
            co_await engine::answer_failure(ex, 500, head.error);
            co_return;
        }
    }
    char accept[pws::kAcceptSize];
    pws::accept_of(key, accept);
    engine::HeadWriter h(ex.w.tx());
    h.status_line(101);
    h.raw("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
    h.raw({accept, sizeof accept});
    h.raw("\r\n");
    std::string_view subprotocol = chosen_subprotocol(ex, settings);
    if (!subprotocol.empty()) h.field("Sec-WebSocket-Protocol", subprotocol);
    h.raw("\r\n");
    ex.status = 101;
    // The timeouts of the server and of the endpoint are for the handshake.
    ex.scope.clear_deadline();
    ex.c.scope.clear_deadline();
    {
        // It is there before the client knows: whoever sees the 101 gets what is said from then on.
        Session s(ex, std::static_pointer_cast<const Settings>(ex.plan->feature.config), std::move(target));
        size_t done;
        if (engine::write_fast(ex, ex.w.tx(), h.size(), done) ||
            co_await engine::write_slow(ex, ex.w.tx() + done, h.size() - done, ex.scope))
            co_await s.run();
    }
    ex.close = true;
    ex.gone = true;
}

Session::Session(engine::Exchange& ex, std::shared_ptr<const Settings> settings, std::string target)
    : Held(
          *ex.plan, [](Held& h) { static_cast<Session&>(h).close(pws::kGoingAway, "the endpoint is gone"); },
          [](Held& h) { static_cast<Session&>(h).close(pws::kGoingAway, "the gateway ends"); }),
      ex_(ex),
      w_(ex.w),
      settings_(std::move(settings)),
      desk_(settings_->hub->desk(ex.w)),
      target_(std::move(target)),
      url_(ex.target.path),
      uuid_(new_uuid()),
      scope_(ex.w.loop, &ex.scope),
      reading_(ex.w.loop, &scope_),
      more_(ex.w.loop),
      room_(ex.w.loop),
      reader_(pws::Role::server, settings_->max_message),
      part_(ex.w.budget()) {
    for (uint32_t i = 0; i < settings_->params.size() && i < ex.match.param_count; ++i)
        values_.emplace_back(settings_->params[i], ex.match.param(i));
    values_.emplace_back("uuid", uuid_);
    fixed_ = fixed_part(url_, values_);
    writing_ = true;
    id_ = ++desk_.last_id;
    desk_.by_id.emplace(id_, this);
    desk_.by_uuid.emplace(uuid_, this);
    desk_.sessions.fetch_add(1, std::memory_order_relaxed);
    w_.hold(*this);
    w_.counters.add(Counter::upgrades);
    w_.counters.add(Counter::upgrades_open);
}

Session::~Session() {
    leave();
}

// Nothing comes any more.
void Session::leave() {
    if (!linked()) return;
    unlink();
    desk_.by_id.erase(id_);
    desk_.by_uuid.erase(uuid_);
    desk_.sessions.fetch_sub(1, std::memory_order_relaxed);
    w_.counters.sub(Counter::upgrades_open);
}

bool Session::has(std::string_view name, std::string_view value) const {
    return std::any_of(values_.begin(), values_.end(),
                       [&](const auto& v) { return v.first == name && v.second == value; });
}

rt::Task<void> Session::run() {
    tell(Outbound::Kind::attach, settings_->connect_event ? "connected" : "");
    write_frames();
    ping_.arg = this;
    ping_.fire = [](rt::Timer& t, void* self) {
        auto* s = static_cast<Session*>(self);
        if (!s->closing_) s->answer_with(Opcode::ping, {});
        s->w_.loop.wheel().arm(t, s->w_.loop.now_ms() + s->settings_->ping_period_ms);
    };
    w_.loop.wheel().arm(ping_, w_.loop.now_ms() + settings_->ping_period_ms);
    if (w_.draining()) close(pws::kGoingAway, "the gateway ends");

    engine::InputBuffer& early = ex_.c.in;
    bool open = early.empty() || handle(early.data(), early.size());
    early.clear();
    bool gone = false;
    while (open) {
        if (in_flight_ >= settings_->max_waiting || in_flight_bytes_ >= kMaxInFlight) {
            if (!closing_) reading_.clear_deadline();
            if (co_await room_.wait(reading_) != rt::Wake::ready) break;
            continue;
        }
        if (!closing_) reading_.deadline_in(settings_->pong_wait_ms);
        rt::IoResult r = co_await ex_.c.io.read(w_.rx(), settings_->read_bytes, reading_);
        if (!r.ok()) {
            gone = r.wake != rt::Wake::timeout || closing_;
            break;
        }
        w_.counters.add(Counter::client_bytes_received, static_cast<uint64_t>(r.n));
        open = handle(w_.rx(), static_cast<size_t>(r.n));
    }
    ping_.disarm();
    leave();
    tell(Outbound::Kind::detach, settings_->disconnect_event ? "disconnected" : "");
    if (gone) scope_.cancel(rt::Wake::cancelled);
    ending_ = true;
    more_.set();
    scope_.deadline_in(settings_->write_wait_ms);
    co_await join_.all();
    if (flushed_ && closing_) co_await say_goodbye();
}

// A close with bytes unread would destroy the last frames on their way.
rt::Task<void> Session::say_goodbye() {
    rt::Scope scope(w_.loop, &ex_.scope);
    scope.deadline_in(kLingerMs);
    ex_.c.io.shutdown_write();
    for (size_t eaten = 0; eaten < kLingerBytes;) {
        rt::IoResult r = co_await ex_.c.io.read(w_.rx(), engine::Worker::kReceive, scope);
        if (!r.ok()) break;
        eaten += static_cast<size_t>(r.n);
    }
}

// --- what the client says
// ---------------------------------------------------------------------------------------------------------------

bool Session::handle(char* data, size_t n) {
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
                    on_message({s.data, s.n});
                    break;
                }
                if (!part_.append(s.data, s.n)) {
                    answer_close(pws::kServerError, "no memory");
                    return false;
                }
                if (s.last) {
                    on_message({part_.data(), part_.size()});
                    part_.clear();
                }
                break;
            case pws::Step::Event::ping:
                answer_with(Opcode::pong, {s.data, s.n});
                break;
            case pws::Step::Event::close:
                if (!closing_) answer_close(s.code, {});
                return false;
            case pws::Step::Event::failed:
                if (!closing_) answer_close(s.code, s.what);
                return false;
        }
    }
    return true;
}

void Session::on_message(std::string_view body) {
    if (closing_) return;
    auto out = std::make_unique<Outbound>();
    size_t n = envelope_size({}, fixed_, body.size());
    out->text = BytesRef(Bytes::make(w_.budget(), n, pws::kMaxHead));
    if (!out->text) return error_to_client("the memory budget of the gateway is used up");
    write_envelope({}, fixed_, body, out->text->data());
    out->settings = settings_;
    out->target = target_;
    out->session = id_;
    ++in_flight_;
    in_flight_bytes_ += n;
    out->bytes = n;
    Hub::send(w_, std::move(out));
}

void Session::settled(const Outbound& out) {
    --in_flight_;
    in_flight_bytes_ -= out.bytes;
    room_.set();
    if (!out.sent) error_to_client(out.error);
}

void Session::error_to_client(std::string_view why) {
    if (!settings_->error_details || closing_) return;
    std::string text = "{\"error\":\"" + std::string(why) + "\"}";
    answer_with(Opcode::text, text);
}

// That it came or went; the backend hears of it when there is an event.
void Session::tell(Outbound::Kind kind, std::string_view event) {
    auto out = std::make_unique<Outbound>();
    out->kind = kind;
    out->settings = settings_;
    out->target = target_;
    if (!event.empty()) {
        size_t n = envelope_size(event, fixed_, 0);
        out->text = BytesRef(Bytes::make(w_.budget(), n, pws::kMaxHead));
        if (out->text) write_envelope(event, fixed_, {}, out->text->data());
    }
    Hub::send(w_, std::move(out));
}

// --- what it is told
// ----------------------------------------------------------------------------------------------------------------

void Session::push(const BytesRef& frame) {
    if (closing_) return;
    // Many at once are no sign of a slow client.
    if (waiting_.size() >= settings_->max_waiting && !writing_) write_what_fits();
    if (waiting_.size() >= settings_->max_waiting) {
        w_.counters.add(Counter::messages_left_out);
        return;
    }
    waiting_.push_back(frame);
    more_.set();
}

void Session::answer_with(Opcode opcode, std::string_view payload) {
    // Whoever sends pings and takes no pongs does not need them all.
    if (waiting_.size() >= settings_->max_waiting + kMaxControls) return;
    BytesRef frame = frame_for_client(w_.budget(), opcode, payload);
    if (!frame) return;
    waiting_.push_back(std::move(frame));
    more_.set();
}

void Session::answer_close(uint16_t code, std::string_view reason) {
    char payload[pws::kMaxControl];
    size_t n = code == pws::kNoCode ? 0 : pws::write_close(payload, code, reason);
    BytesRef frame = frame_for_client(w_.budget(), Opcode::close, {payload, n});
    closing_ = true;
    if (!frame) return;
    waiting_.push_back(std::move(frame));
    more_.set();
}

void Session::close(uint16_t code, std::string_view reason) {
    if (closing_) return;
    answer_close(code, reason);
    reading_.deadline_in(settings_->write_wait_ms);
}

// What the kernel takes now; what is left of a frame stays in front.
void Session::write_what_fits() {
    size_t done = 0;
    while (done < waiting_.size()) {
        BytesRef& frame = waiting_[done];
        ssize_t k = ex_.c.io.write_now(frame->data(), frame->size());
        if (k <= 0) break;
        w_.counters.add(Counter::client_bytes_sent, static_cast<uint64_t>(k));
        if (k == static_cast<ssize_t>(frame->size())) {
            ++done;
            continue;
        }
        std::string_view left = frame->view().substr(static_cast<size_t>(k));
        BytesRef rest(Bytes::make(w_.budget(), left.size()));
        if (!rest) {  // half a frame cannot be left at that
            waiting_.clear();
            return scope_.cancel(rt::Wake::cancelled);
        }
        std::memcpy(rest->data(), left.data(), left.size());
        frame = std::move(rest);
        break;
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(done));
}

rt::Detached Session::write_frames() {
    join_.add();
    writing_ = false;
    while (!scope_.ended()) {
        if (waiting_.empty()) {
            if (ending_) {
                flushed_ = true;
                break;
            }
            if (co_await more_.wait(scope_) != rt::Wake::ready) break;
            continue;
        }
        size_t bytes = 0, most = std::min(settings_->write_bytes, engine::Worker::kTransmit), taken = 0;
        for (; taken < waiting_.size() && (taken == 0 || bytes + waiting_[taken]->size() <= most); ++taken) {
            bytes += waiting_[taken]->size();
            batch_.push_back(std::move(waiting_[taken]));
        }
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(taken));
        bool ok;
        {
            rt::Scope patience(w_.loop, &scope_);
            patience.deadline_in(settings_->write_wait_ms);
            writing_ = true;
            ok = co_await write_batch(w_, ex_.c.io, batch_, patience);
            writing_ = false;
        }
        batch_.clear();
        w_.counters.add(Counter::client_bytes_sent, bytes);
        if (!ok) {
            scope_.cancel(rt::Wake::cancelled);
            break;
        }
    }
    join_.done();
}

}  // namespace gladius::features::ws
