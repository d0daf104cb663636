#include "base/keyed_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace gladius {
namespace {

// The key of the authors' test vectors.
constexpr HashKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::string text_of(size_t n) {
    std::string s;
    for (size_t i = 0; i < n; ++i)
        s += static_cast<char>(i);
    return s;
}

TEST(KeyedHash, IsSipHash) {
    Hash128 empty = keyed_hash(kKey, "");
    EXPECT_EQ(empty.low, 0xe6a825ba047f81a3u);
    EXPECT_EQ(empty.high, 0x930255c71472f66du);
    Hash128 one = keyed_hash(kKey, text_of(1));
    EXPECT_EQ(one.low, 0x44af996bd8c187dau);
    EXPECT_EQ(one.high, 0x45fc229b11597634u);
}

TEST(KeyedHash, EveryByteAndTheKeyCount) {
    for (size_t n = 1; n < 20; ++n) {
        std::string s = text_of(n);
        Hash128 h = keyed_hash(kKey, s);
        EXPECT_NE(h, keyed_hash(HashKey{kKey.low + 1, kKey.high}, s));
        EXPECT_NE(h, keyed_hash(kKey, s + '\0'));
        for (size_t i = 0; i < n; ++i) {
            std::string other = s;
            other[i] = static_cast<char>(other[i] ^ 1);
            EXPECT_NE(h, keyed_hash(kKey, other)) << n << " " << i;
        }
    }
    EXPECT_NE(HashKey::random().low, HashKey::random().low);
}

}  // namespace
}  // namespace gladius
