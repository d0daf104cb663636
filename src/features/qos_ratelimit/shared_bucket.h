// Purpose: one bucket for all workers. Owner: plan/state.h keeps it from one plan to the next. Thread: any; a short
// lock. Lifetime: of the plans that have it. Errors: none.
#pragma once
#include <mutex>

#include "base/spin.h"
#include "features/qos_ratelimit/bucket.h"

namespace gladius::features::ratelimit {

class alignas(64) SharedBucket {
  public:
    // The first plan that has it begins with a full one; later ones are noticed when they take.
    void start(const Rate& rate, uint64_t now_ns) {
        std::lock_guard lock(lock_);
        if (rate_.generation != 0) return;
        rate_ = rate;
        tokens_ = rate.stock;
        filled_ns_ = now_ns;
    }
    Taken take(const Rate& rate, uint64_t now_ns) {
        std::lock_guard lock(lock_);
        if (rate.generation > rate_.generation) [[unlikely]] {
            if (rate.fill_ns != rate_.fill_ns || rate.capacity != rate_.capacity)
                settle(rate_, rate, tokens_, filled_ns_, now_ns);
            rate_ = rate;
        }
        return ratelimit::take(rate_, tokens_, filled_ns_, now_ns);
    }

  private:
    SpinLock lock_;
    uint64_t tokens_ = 0;
    uint64_t filled_ns_ = 0;
    Rate rate_;
};

}  // namespace gladius::features::ratelimit
