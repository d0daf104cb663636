// Purpose: a bucket of tokens as the reference fills it: only when it is empty, by the whole tokens of the time since
// it was filled last, and a bucket that would overflow gives one request more. So after a pause up to twice its
// capacity and one may pass. Pure; the time is given. Owner: whoever holds the state. Thread: none of its own. Errors:
// none. Source: krakend-ratelimit 3.3.1, ledger 1 section 6.1.
#pragma once
#include <algorithm>
#include <cstdint>

namespace gladius::features::ratelimit {

struct Rate {
    uint64_t fill_ns = 1'000'000'000;  // one token
    uint64_t capacity = 1;
    uint64_t stock = 1;       // what a bucket begins with
    uint64_t generation = 0;  // of the plan; the newest rate holds
};

// `per_second` is above 0.
inline Rate rate_of(double per_second, uint64_t capacity, uint64_t generation) {
    Rate r;
    double fill = 1e9 / std::max(per_second, 1e-9);
    r.fill_ns = std::max<uint64_t>(1, static_cast<uint64_t>(fill));
    // A capacity of nothing holds one, and begins without it.
    r.capacity = std::max<uint64_t>(1, capacity);
    r.stock = capacity;
    r.generation = generation;
    return r;
}

struct Taken {
    bool ok = false;
    uint64_t left = 0;     // tokens
    uint64_t wait_ns = 0;  // until there is one, when there is none left
};

// Tokens is uint64_t, or uint32_t where many buckets are kept.
template <class Tokens>
Taken take(const Rate& rate, Tokens& tokens, uint64_t& filled_ns, uint64_t now_ns) {
    // Workers read their clocks at different times of a turn.
    uint64_t passed = now_ns > filled_ns ? now_ns - filled_ns : 0;
    if (tokens > 0) {
        --tokens;
    } else {
        uint64_t add = passed / rate.fill_ns;
        if (add == 0) return {false, 0, rate.fill_ns - passed};
        filled_ns += add * rate.fill_ns;
        passed -= add * rate.fill_ns;
        tokens = static_cast<Tokens>(add > rate.capacity ? rate.capacity : add - 1);
    }
    return {true, tokens, tokens > 0 || passed >= rate.fill_ns ? 0 : rate.fill_ns - passed};
}

// The rate changes: what was spent stays spent. Time counts at the old rate up to now.
template <class Tokens>
void settle(const Rate& old, const Rate& rate, Tokens& tokens, uint64_t& filled_ns, uint64_t now_ns) {
    uint64_t passed = now_ns > filled_ns ? now_ns - filled_ns : 0;
    uint64_t all = tokens + passed / old.fill_ns;
    tokens = static_cast<Tokens>(std::min({all, old.capacity, rate.capacity}));
    filled_ns = now_ns;
}

}  // namespace gladius::features::ratelimit
