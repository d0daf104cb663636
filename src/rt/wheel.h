// Purpose: timers of one worker: hierarchical wheel, 5 levels of 64 slots, 1 ms ticks; arm, disarm and "when is the
// next" are O(1). Owner: Loop; a Timer is a member of whoever waits and disarms itself when destroyed. Thread: one
// worker. Errors: none. Expiry is never early; it may be late by the length of a loop turn. Time comes from the caller,
// so tests need no clock.
#pragma once
#include <cstdint>

#include "base/list.h"

namespace gladius::rt {

class Wheel;

struct Timer : ListHook {
    using Fire = void (*)(Timer&, void*);
    uint64_t expires_ms = 0;
    Fire fire = nullptr;
    void* arg = nullptr;
    Wheel* wheel = nullptr;
    uint8_t level = 0, slot = 0;
    bool armed() const { return linked(); }
    void disarm();
    ~Timer() { disarm(); }
};

class Wheel {
  public:
    static constexpr int kLevels = 5, kSlots = 64;
    explicit Wheel(uint64_t now_ms) : now_(now_ms) {}
    // (Re-)arms t. A time that has passed fires on the next advance().
    void arm(Timer& t, uint64_t expires_ms);
    // Fires everything that is due at now_ms. Timers armed by a firing one that are due too fire in the next call.
    void advance(uint64_t now_ms);
    // Milliseconds from now until something may be due; UINT64_MAX when nothing is armed. May be early, never late.
    uint64_t next_in() const;
    uint64_t now() const { return now_; }
    uint64_t armed() const { return count_; }

  private:
    friend struct Timer;
    void place(Timer& t);
    void cascade(int level);
    uint64_t step() const;  // ticks until something fires or moves down a level
    uint64_t now_;
    uint64_t count_ = 0;
    uint64_t occupied_[kLevels] = {};
    List<Timer> slots_[kLevels][kSlots];
};

}  // namespace gladius::rt
