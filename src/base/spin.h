// Purpose: a lock for a few instructions: what workers share (limits, breakers) is touched for nanoseconds, and no
// system call is worth that. Owner: the object it guards. Thread: any. Lifetime: of its owner. Errors: none. Never held
// over anything that waits.
#pragma once
#include <sched.h>

#include <atomic>

namespace gladius {

class SpinLock {
  public:
    void lock() {
        for (unsigned n = 0; taken_.exchange(true, std::memory_order_acquire); ++n) {
            while (taken_.load(std::memory_order_relaxed)) {
                // Whoever holds it may have lost its core.
                if (++n % 64 == 0) sched_yield();
            }
        }
    }
    void unlock() { taken_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> taken_{false};
};

}  // namespace gladius
