// Purpose: memory that grows with traffic is counted against one number for the process (gladius/limits.max_memory;
// default 75 % of the cgroup's or the machine's memory): buffered bodies, inflaters, bytes that wait for a slow
// receiver. Owner: the supervisor. Thread: any (relaxed atomics; touched once per large buffer, not per byte). Errors:
// take() says no above 80 %: the caller answers 503 and says why.
#pragma once
#include <atomic>
#include <cstdint>

namespace gladius::engine {

class Budget {
  public:
    void set_limit(uint64_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }
    uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
    uint64_t used() const { return static_cast<uint64_t>(used_.load(std::memory_order_relaxed)); }
    bool take(uint64_t n) { return take_below(n, 80); }
    // For what cannot be refused politely: then the caller cuts.
    bool take_last(uint64_t n) { return take_below(n, 95); }
    void give(uint64_t n) { used_.fetch_sub(static_cast<int64_t>(n), std::memory_order_relaxed); }
    uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

  private:
    bool take_below(uint64_t n, uint64_t percent) {
        uint64_t limit = limit_.load(std::memory_order_relaxed);
        auto before = used_.fetch_add(static_cast<int64_t>(n), std::memory_order_relaxed);
        if (limit && static_cast<uint64_t>(before) + n > limit / 100 * percent) {
            used_.fetch_sub(static_cast<int64_t>(n), std::memory_order_relaxed);
            refused_.fetch_add(1, std::memory_order_relaxed);
            return false;
        }
        return true;
    }

    std::atomic<uint64_t> limit_{0};
    std::atomic<int64_t> used_{0};
    std::atomic<uint64_t> refused_{0};
};

}  // namespace gladius::engine
