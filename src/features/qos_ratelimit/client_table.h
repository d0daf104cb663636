// Purpose: a bucket for each client, whatever number of clients there is: 32 bytes each, known by a keyed hash of what
// tells them apart, in 64 shards with a short lock each. Those that were not seen for long are forgotten, and beyond
// kMaxClients (or the memory budget) those that were not seen for longest among a few. Owner: plan/state.h keeps it
// from one plan to the next. Thread: any. Lifetime: of the plans that have it. Errors: without memory for one more,
// another is forgotten; without any, nobody passes. Source: ledger 1 section 4.13 (when the reference forgets).
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/keyed_hash.h"
#include "base/spin.h"
#include "engine/budget.h"
#include "features/qos_ratelimit/bucket.h"

namespace gladius::features::ratelimit {

class ClientTable {
  public:
    static constexpr size_t kShards = 64;
    static constexpr size_t kMaxSlots = 32 * 1024;  // of a shard: 64 MiB in all
    static constexpr size_t kMaxClients = kShards * (kMaxSlots / 8 * 7);

    struct Patience {
        uint64_t idle_ns = 600'000'000'000;  // then a client is forgotten
        uint64_t sweep_ns = 60'000'000'000;  // how often somebody looks
    };

    ClientTable();
    ~ClientTable();
    ClientTable(const ClientTable&) = delete;

    // Memory counts against `budget`, which outlives the table.
    Taken take(std::string_view client, const Rate& rate, const Patience& patience, uint64_t now_ns,
               engine::Budget& budget);

    size_t clients() const;
    size_t bytes() const;

  private:
    struct Slot {
        Hash128 who;
        uint64_t filled_ns;
        uint32_t tokens;
        uint32_t seen_s;  // 0: free
    };
    static_assert(sizeof(Slot) == 32);

    struct alignas(64) Shard {
        mutable SpinLock lock;
        std::unique_ptr<Slot[]> slots;
        uint32_t size = 0;  // a power of two, or 0
        uint32_t used = 0;
        uint64_t swept_ns = 0;
        Rate rate;
    };

    static Slot* find(Shard& s, const Hash128& who);
    static void erase(Shard& s, size_t at);
    static void sweep(Shard& s, const Patience& patience, uint64_t now_ns);
    static void forget_one(Shard& s, const Hash128& who);
    bool resize(Shard& s, size_t size);
    // nullptr: there is no memory, not even for the first.
    Slot* insert(Shard& s, const Hash128& who, const Patience& patience, uint64_t now_ns);
    void adopt(Shard& s, const Rate& rate, uint64_t now_ns);

    HashKey key_;
    std::atomic<engine::Budget*> budget_{nullptr};
    std::array<Shard, kShards> shards_;
};

}  // namespace gladius::features::ratelimit
