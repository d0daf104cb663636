// Purpose: 128 bits that stand for a text of any length: with a secret key nobody can find two texts that meet.
// Owner: none. Thread: any. Errors: none. Source: SipHash-2-4 with 128 bits (Aumasson, Bernstein).
#pragma once
#include <cstdint>
#include <string_view>

namespace gladius {

struct Hash128 {
    uint64_t low = 0, high = 0;
    friend bool operator==(const Hash128&, const Hash128&) = default;
};

struct HashKey {
    uint64_t low = 0, high = 0;
    static HashKey random();
};

Hash128 keyed_hash(const HashKey& key, std::string_view text);

}  // namespace gladius
