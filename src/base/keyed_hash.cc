#include "base/keyed_hash.h"

#include <sys/random.h>

#include <bit>
#include <cstring>

#include "base/assert.h"

namespace gladius {

namespace {

struct State {
    uint64_t a, b, c, d;
    void rounds(int n) {
        for (; n > 0; --n) {
            a += b;
            c += d;
            b = std::rotl(b, 13) ^ a;
            d = std::rotl(d, 16) ^ c;
            a = std::rotl(a, 32);
            c += b;
            a += d;
            b = std::rotl(b, 17) ^ c;
            d = std::rotl(d, 21) ^ a;
            c = std::rotl(c, 32);
        }
    }
    void take(uint64_t word) {
        d ^= word;
        rounds(2);
        a ^= word;
    }
    uint64_t folded() const { return a ^ b ^ c ^ d; }
};

}  // namespace

static_assert(std::endian::native == std::endian::little);

HashKey HashKey::random() {
    HashKey k;
    GL_CHECK(getrandom(&k, sizeof k, 0) == sizeof k);
    return k;
}

Hash128 keyed_hash(const HashKey& key, std::string_view text) {
    State s{key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d ^ 0xee, key.low ^ 0x6c7967656e657261,
            key.high ^ 0x7465646279746573};
    size_t n = text.size();
    const char* p = text.data();
    uint64_t word;
    for (; n >= 8; n -= 8, p += 8) {
        std::memcpy(&word, p, 8);
        s.take(word);
    }
    word = static_cast<uint64_t>(text.size()) << 56;
    for (size_t i = 0; i < n; ++i)
        word |= static_cast<uint64_t>(static_cast<unsigned char>(p[i])) << 8 * i;
    s.take(word);
    s.c ^= 0xee;
    s.rounds(4);
    Hash128 out;
    out.low = s.folded();
    s.b ^= 0xdd;
    s.rounds(4);
    out.high = s.folded();
    return out;
}

}  // namespace gladius
