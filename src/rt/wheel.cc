#include "rt/wheel.h"

#include <algorithm>
#include <bit>

namespace gladius::rt {

void Timer::disarm() {
    if (!linked()) return;
    unlink();
    --wheel->count_;
    if (wheel->slots_[level][slot].empty()) wheel->occupied_[level] &= ~(uint64_t{1} << slot);
}

void Wheel::arm(Timer& t, uint64_t expires_ms) {
    t.disarm();
    t.wheel = this;
    t.expires_ms = expires_ms > now_ ? expires_ms : now_ + 1;
    place(t);
    ++count_;
}

void Wheel::place(Timer& t) {
    uint64_t delta = t.expires_ms - now_;
    int level = 0;
    while (level < kLevels - 1 && delta >= (uint64_t{1} << (6 * (level + 1))))
        ++level;
    // Beyond the last level (about 12 days) it waits in the farthest slot and is placed again from there.
    constexpr uint64_t kMax = (uint64_t{1} << (6 * kLevels)) - 1;
    uint64_t at = delta > kMax ? now_ + kMax : t.expires_ms;
    auto slot = static_cast<uint8_t>((at >> (6 * level)) & 63);
    t.level = static_cast<uint8_t>(level);
    t.slot = slot;
    slots_[level][slot].push_back(t);
    occupied_[level] |= uint64_t{1} << slot;
}

void Wheel::cascade(int level) {
    auto slot = (now_ >> (6 * level)) & 63;
    List<Timer> moved;
    slots_[level][slot].splice_to(moved);
    occupied_[level] &= ~(uint64_t{1} << slot);
    while (Timer* t = moved.pop_front())
        place(*t);
}

uint64_t Wheel::step() const {
    // Level 0 fires in the tick of an occupied slot; a higher level cascades when its slot begins. Nothing happens
    // between.
    uint64_t best = UINT64_MAX;
    for (int level = 0; level < kLevels; ++level) {
        if (!occupied_[level]) continue;
        uint64_t pos = now_ >> (6 * level);
        // Slot pos itself comes last: what it holds is one whole round away.
        uint64_t ahead = std::rotr(occupied_[level], static_cast<int>((pos + 1) & 63));
        uint64_t at = (pos + 1 + static_cast<uint64_t>(std::countr_zero(ahead))) << (6 * level);
        best = std::min(best, at - now_);
    }
    return best;
}

void Wheel::advance(uint64_t now_ms) {
    while (now_ < now_ms) {
        uint64_t ahead = step();
        if (ahead > now_ms - now_) {
            now_ = now_ms;
            return;
        }
        now_ += ahead;
        for (int level = 1; level < kLevels && (now_ & ((uint64_t{1} << (6 * level)) - 1)) == 0; ++level)
            cascade(level);
        List<Timer> due;
        auto slot = now_ & 63;
        slots_[0][slot].splice_to(due);
        occupied_[0] &= ~(uint64_t{1} << slot);
        while (Timer* t = due.pop_front()) {
            GL_ASSERT(t->expires_ms == now_);
            --count_;
            t->fire(*t, t->arg);
        }
    }
}

uint64_t Wheel::next_in() const {
    return step();
}

}  // namespace gladius::rt
