#include "features/qos_ratelimit/client_table.h"

#include <algorithm>
#include <mutex>

namespace gladius::features::ratelimit {

namespace {

constexpr size_t kMinSlots = 32;
constexpr size_t kLooked = 16;  // slots that are compared before somebody is forgotten

uint32_t seconds(uint64_t ns) {
    return static_cast<uint32_t>(ns / 1'000'000'000) + 1;
}

}  // namespace

ClientTable::ClientTable() : key_(HashKey::random()) {}

ClientTable::~ClientTable() {
    if (engine::Budget* b = budget_.load()) b->give(bytes());
}

ClientTable::Slot* ClientTable::find(Shard& s, const Hash128& who) {
    if (s.size == 0) return nullptr;
    for (size_t i = who.low & (s.size - 1); s.slots[i].seen_s; i = (i + 1) & (s.size - 1))
        if (s.slots[i].who == who) return &s.slots[i];
    return nullptr;
}

// Those behind move up, so that no search ends before them.
void ClientTable::erase(Shard& s, size_t at) {
    size_t mask = s.size - 1, hole = at;
    for (size_t i = (at + 1) & mask; s.slots[i].seen_s; i = (i + 1) & mask) {
        size_t home = s.slots[i].who.low & mask;
        if (((i - home) & mask) < ((i - hole) & mask)) continue;
        s.slots[hole] = s.slots[i];
        hole = i;
    }
    s.slots[hole].seen_s = 0;
    --s.used;
}

void ClientTable::sweep(Shard& s, const Patience& patience, uint64_t now_ns) {
    s.swept_ns = now_ns;
    uint64_t idle_s = patience.idle_ns / 1'000'000'000, now_s = seconds(now_ns);
    for (size_t i = 0; i < s.size;) {
        const Slot& slot = s.slots[i];
        if (slot.seen_s && slot.seen_s + idle_s < now_s)
            erase(s, i);  // another may stand here now
        else
            ++i;
    }
}

void ClientTable::forget_one(Shard& s, const Hash128& who) {
    size_t mask = s.size - 1, oldest = s.size;
    size_t looked = 0;
    for (size_t i = who.low & mask; looked < kLooked; i = (i + 1) & mask) {
        if (!s.slots[i].seen_s) continue;
        ++looked;
        if (oldest == s.size || s.slots[i].seen_s < s.slots[oldest].seen_s) oldest = i;
    }
    erase(s, oldest);
}

bool ClientTable::resize(Shard& s, size_t size) {
    engine::Budget& budget = *budget_.load(std::memory_order_relaxed);
    if (size > kMaxSlots || !budget.take(size * sizeof(Slot))) return false;
    auto old = std::move(s.slots);
    size_t old_size = s.size;
    s.slots = std::make_unique<Slot[]>(size);
    s.size = static_cast<uint32_t>(size);
    for (size_t i = 0; i < old_size; ++i) {
        if (!old[i].seen_s) continue;
        size_t at = old[i].who.low & (size - 1);
        while (s.slots[at].seen_s)
            at = (at + 1) & (size - 1);
        s.slots[at] = old[i];
    }
    budget.give(old_size * sizeof(Slot));
    return true;
}

ClientTable::Slot* ClientTable::insert(Shard& s, const Hash128& who, const Patience& patience, uint64_t now_ns) {
    if (s.size == 0 || s.used >= s.size / 8 * 7) {
        // Not for each of a flood of clients.
        if (now_ns > s.swept_ns && now_ns - s.swept_ns > 1'000'000'000) sweep(s, patience, now_ns);
        bool roomy = s.size && s.used < s.size / 2;
        if (!roomy && !resize(s, s.size ? s.size * 2 : kMinSlots)) {
            if (s.size == 0) return nullptr;
            if (s.used >= s.size / 8 * 7) forget_one(s, who);
        }
    }
    size_t at = who.low & (s.size - 1);
    while (s.slots[at].seen_s)
        at = (at + 1) & (s.size - 1);
    ++s.used;
    Slot& slot = s.slots[at];
    slot = {who, now_ns, static_cast<uint32_t>(s.rate.stock), 0};
    return &slot;
}

void ClientTable::adopt(Shard& s, const Rate& rate, uint64_t now_ns) {
    Rate fresh = rate;
    fresh.capacity = std::min<uint64_t>(fresh.capacity, UINT32_MAX);
    fresh.stock = std::min(fresh.stock, fresh.capacity);
    bool changed = s.rate.generation && (fresh.fill_ns != s.rate.fill_ns || fresh.capacity != s.rate.capacity);
    for (size_t i = 0; changed && i < s.size; ++i)
        if (Slot& slot = s.slots[i]; slot.seen_s) settle(s.rate, fresh, slot.tokens, slot.filled_ns, now_ns);
    s.rate = fresh;
}

Taken ClientTable::take(std::string_view client, const Rate& rate, const Patience& patience, uint64_t now_ns,
                        engine::Budget& budget) {
    if (budget_.load(std::memory_order_relaxed) != &budget) budget_.store(&budget, std::memory_order_relaxed);
    Hash128 who = keyed_hash(key_, client);
    Shard& s = shards_[who.high % kShards];
    std::lock_guard lock(s.lock);
    if (rate.generation > s.rate.generation) [[unlikely]]
        adopt(s, rate, now_ns);
    if (now_ns - s.swept_ns > patience.sweep_ns && now_ns > s.swept_ns) [[unlikely]] {
        sweep(s, patience, now_ns);
        // What a storm needed is given back.
        while (s.size > kMinSlots && s.used < s.size / 8)
            if (!resize(s, s.size / 2)) break;
    }
    Slot* slot = find(s, who);
    if (!slot) slot = insert(s, who, patience, now_ns);
    if (!slot) return {false, 0, s.rate.fill_ns};
    slot->seen_s = seconds(now_ns);
    return ratelimit::take(s.rate, slot->tokens, slot->filled_ns, now_ns);
}

size_t ClientTable::clients() const {
    size_t n = 0;
    for (const Shard& s : shards_) {
        std::lock_guard lock(s.lock);
        n += s.used;
    }
    return n;
}

size_t ClientTable::bytes() const {
    size_t n = 0;
    for (const Shard& s : shards_) {
        std::lock_guard lock(s.lock);
        n += s.size * sizeof(Slot);
    }
    return n;
}

}  // namespace gladius::features::ratelimit
