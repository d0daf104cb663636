#include "features/websocket/hub.h"

#include <errno.h>

#include <algorithm>
#include <cstring>

#include "base/pool.h"
#include "features/websocket/link.h"
#include "features/websocket/session.h"

namespace gladius::features::ws {

namespace pws = proto::ws;

// --- bytes
// -------------------------------------------------------------------------------------------------------------------

Bytes* Bytes::make(engine::Budget& budget, size_t n, size_t room) {
    size_t all = sizeof(Bytes) + room + n;
    if (!budget.take(all)) return nullptr;
    return new (pool_allocate(all)) Bytes(budget, all, n, room);
}

void Bytes::unref() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    size_t all = all_;
    budget_.give(all);
    this->~Bytes();
    pool_free(this, all);
}

BytesRef frame_for_client(engine::Budget& budget, pws::Opcode opcode, std::string_view payload) {
    BytesRef out(Bytes::make(budget, payload.size(), pws::kMaxHead));
    if (!out) return out;
    if (!payload.empty()) std::memcpy(out->data(), payload.data(), payload.size());
    size_t k = pws::head_size(payload.size(), pws::Role::server);
    pws::write_head(out->prepend(k), opcode, payload.size(), pws::Role::server, 0);
    return out;
}

rt::Task<bool> write_batch(engine::Worker& w, rt::Io& io, const std::vector<BytesRef>& frames, rt::Scope& scope) {
    for (size_t i = 0; i < frames.size();) {
        size_t n = frames[i]->size();
        if (i + 1 == frames.size() || n + frames[i + 1]->size() > engine::Worker::kTransmit) {
            rt::IoResult r = co_await io.write(frames[i]->data(), n, scope);
            if (r.wake != rt::Wake::ready || r.error) co_return false;
            ++i;
            continue;
        }
        n = 0;
        for (; i < frames.size() && n + frames[i]->size() <= engine::Worker::kTransmit; ++i) {
            std::memcpy(w.tx() + n, frames[i]->data(), frames[i]->size());
            n += frames[i]->size();
        }
        ssize_t k = io.write_now(w.tx(), n);
        if (k == static_cast<ssize_t>(n)) continue;
        if (k < 0 && errno != EAGAIN) co_return false;
        size_t done = k < 0 ? 0 : static_cast<size_t>(k);
        if (!co_await upstream::write_rest(io, w.tx() + done, n - done, scope)) co_return false;
    }
    co_return true;
}

// --- settings
// ----------------------------------------------------------------------------------------------------------------

uint64_t Settings::pause_ms(uint32_t n, uint64_t random) const {
    constexpr uint64_t kSecond = 1000, kMost = 60'000;
    uint64_t base = kSecond;
    if (backoff == Backoff::linear || backoff == Backoff::linear_jitter) base = kSecond * std::max(1u, n);
    if (backoff == Backoff::exponential || backoff == Backoff::exponential_jitter)
        base = kSecond << std::min(std::max(1u, n) - 1, 10u);
    base = std::min(base, kMost);
    bool jitter = backoff == Backoff::linear_jitter || backoff == Backoff::exponential_jitter;
    return jitter ? base / 2 + random % (base / 2 + 1) : base;
}

// --- a worker's clients
// --------------------------------------------------------------------------------------------------------------------

void Desk::deliver(const Inbound& in) {
    auto fits = [&](const Session& s) {
        if (!in.target.empty() && in.target != s.target()) return false;
        if (!in.url.empty() && in.url != s.url()) return false;
        return std::all_of(in.session.begin(), in.session.end(),
                           [&](const auto& pair) { return s.has(pair.first, pair.second); });
    };
    auto uuid = std::find_if(in.session.begin(), in.session.end(), [](const auto& p) { return p.first == "uuid"; });
    if (uuid != in.session.end()) {
        auto found = by_uuid.find(uuid->second);
        if (found != by_uuid.end() && fits(*found->second)) found->second->push(in.frame);
        return;
    }
    for (auto& [id, s] : by_id)
        if (fits(*s)) s->push(in.frame);
}

void Desk::close_all(std::string_view target, uint16_t code, std::string_view reason) {
    for (auto& [id, s] : by_id)
        if (target.empty() || s->target() == target) s->close(code, reason);
}

// --- the hub
// -----------------------------------------------------------------------------------------------------------------

Hub::Hub() = default;

Hub::~Hub() {
    for (auto& desk : desks_)
        delete desk.load(std::memory_order_relaxed);
}

Desk& Hub::desk(engine::Worker& w) {
    GL_CHECK(w.index() < kMaxWorkers);
    std::atomic<Desk*>& place = desks_[w.index()];
    Desk* d = place.load(std::memory_order_relaxed);
    if (!d) {
        d = new Desk(w);
        place.store(d, std::memory_order_release);
    }
    return *d;
}

void Hub::send(engine::Worker& from, std::unique_ptr<Outbound> out) {
    engine::Worker& owner = from.home_of(out->settings->name);
    out->from = &from;
    if (&owner == &from) return out->settings->hub->arrive(owner, std::move(out));
    out->at = &owner;
    out->run = [](rt::Remote* r) {
        std::unique_ptr<Outbound> o(static_cast<Outbound*>(r));
        std::shared_ptr<Hub> hub = o->settings->hub;
        engine::Worker& here = *o->at;
        hub->arrive(here, std::move(o));
    };
    owner.loop.post_remote(out.release());
}

void Hub::arrive(engine::Worker& owner, std::unique_ptr<Outbound> out) {
    if (links_) return links_->take(std::move(out));
    out->error = "the endpoint is gone";
    settle(owner, std::move(out));
}

void Hub::settle(engine::Worker& owner, std::unique_ptr<Outbound> out) {
    out->text.reset();
    if (!out->session) return;
    engine::Worker& to = *out->from;
    if (&to == &owner) return settled(std::move(out));
    out->run = [](rt::Remote* r) { settled(std::unique_ptr<Outbound>(static_cast<Outbound*>(r))); };
    to.loop.post_remote(out.release());
}

void Hub::settled(std::unique_ptr<Outbound> out) {
    Desk& desk = out->settings->hub->desk(*out->from);
    auto found = desk.by_id.find(out->session);
    if (found != desk.by_id.end()) found->second->settled(*out);
}

// fn is copied into each worker's mailbox.
template <class Fn>
void Hub::at_desks(engine::Worker& owner, Fn fn) {
    struct Post : rt::Remote {
        Fn fn;
        Desk& desk;
        Post(const Fn& f, Desk& d) : fn(f), desk(d) {}
    };
    for (auto& place : desks_) {
        Desk* d = place.load(std::memory_order_acquire);
        if (!d || d->sessions.load(std::memory_order_relaxed) == 0) continue;
        if (&d->w == &owner) {
            fn(*d);
            continue;
        }
        auto* p = new Post(fn, *d);
        p->run = [](rt::Remote* r) {
            std::unique_ptr<Post> post(static_cast<Post*>(r));
            post->fn(post->desk);
        };
        d->w.loop.post_remote(p);
    }
}

void Hub::deliver(engine::Worker& owner, std::shared_ptr<const Inbound> in) {
    std::shared_ptr<Hub> self = links_->settings().hub;
    at_desks(owner, [self, in](Desk& d) { d.deliver(*in); });
}

void Hub::close_all(engine::Worker& owner, const std::string& target, uint16_t code, const std::string& reason) {
    if (!links_) return;
    std::shared_ptr<Hub> self = links_->settings().hub;
    at_desks(owner, [self, target, code, reason](Desk& d) { d.close_all(target, code, reason); });
}

void Hub::start(const std::shared_ptr<const Settings>& settings, engine::Worker& owner) {
    if (links_)
        links_->update(settings);
    else
        links_ = std::make_unique<Links>(owner, settings);
}

void Hub::stop(engine::Worker& owner) {
    if (!links_) return;
    std::shared_ptr<Hub> self = links_->settings().hub;
    close_all(owner, {}, pws::kGoingAway, "the endpoint is gone");
    links_->stop();
    links_.reset();
}

void Hub::drain() {
    if (links_) links_->drain();
}

}  // namespace gladius::features::ws
