#include "simd/bytes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

namespace gladius::simd {
namespace {

// Every kernel at every length and with every byte at every place must stop where the scalar loop stops. The text is in
// memory of its own size, so that a sanitizer sees a read past its end.
TEST(Bytes, EveryKernelAgreesWithTheScalarOne) {
    for (size_t n = 0; n <= 200; n = n < 40 ? n + 1 : n + 13) {
        std::unique_ptr<char[]> text(new char[n]);
        const char* p = text.get();
        std::memset(text.get(), 'a', n);
        EXPECT_EQ(Best::token_end(p, p + n), p + n);
        EXPECT_EQ(Best::value_end(p, p + n), p + n);
        EXPECT_EQ(Best::target_end(p, p + n), p + n);
        for (size_t i = 0; i < n; ++i) {
            for (unsigned c = 0; c < 256; ++c) {
                text[i] = static_cast<char>(c);
                ASSERT_EQ(Best::token_end(p, p + n), Scalar::token_end(p, p + n)) << n << ' ' << i << ' ' << c;
                ASSERT_EQ(Best::value_end(p, p + n), Scalar::value_end(p, p + n)) << n << ' ' << i << ' ' << c;
                ASSERT_EQ(Best::target_end(p, p + n), Scalar::target_end(p, p + n)) << n << ' ' << i << ' ' << c;
            }
            text[i] = 'a';
        }
    }
}

TEST(Bytes, TheFirstOfSeveralStopsIsFound) {
    std::string text = std::string(150, 'x') + "\x01" + std::string(20, 'y') + "\n\r\x7f" + std::string(40, 'z');
    const char* p = text.data();
    EXPECT_EQ(Best::value_end(p, p + text.size()), p + 150);
    EXPECT_EQ(Best::target_end(p, p + text.size()), p + 150);
    EXPECT_EQ(Best::token_end(p, p + text.size()), p + 150);
    EXPECT_EQ(Best::value_end(p, p + 100), p + 100);
}

TEST(Bytes, Classes) {
    EXPECT_TRUE(is('~', kTokenByte));
    EXPECT_FALSE(is(':', kTokenByte));
    EXPECT_FALSE(is('\xe9', kTokenByte));
    EXPECT_TRUE(is('\t', kValueByte));
    EXPECT_TRUE(is('\xe9', kValueByte));
    EXPECT_FALSE(is('\x7f', kValueByte));
    EXPECT_FALSE(is(' ', kTargetByte));
    EXPECT_TRUE(is('\xe9', kTargetByte));
    EXPECT_FALSE(is('@', kHostByte));
    EXPECT_TRUE(is('[', kHostByte));
    EXPECT_TRUE(is('F', kHexByte));
    EXPECT_FALSE(is('g', kHexByte));
}

}  // namespace
}  // namespace gladius::simd
