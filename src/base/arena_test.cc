#include "base/arena.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace gladius {
namespace {

TEST(Arena, PiecesDoNotOverlapAndAreAligned) {
    std::mt19937 random(3);
    alignas(16) char inline_memory[512];
    for (bool with_inline : {false, true}) {
        Arena a = with_inline ? Arena(inline_memory, sizeof inline_memory) : Arena();
        std::vector<std::pair<unsigned char*, size_t>> pieces;
        for (int i = 0; i < 2000; ++i) {
            size_t n = random() % 20 == 0 ? random() % 40000 : random() % 200;
            size_t align = size_t{1} << (random() % 7);
            auto* p = static_cast<unsigned char*>(a.allocate(n, align));
            ASSERT_EQ(0u, reinterpret_cast<uintptr_t>(p) % align);
            if (n) std::memset(p, i & 255, n);
            pieces.emplace_back(p, n);
        }
        for (size_t i = 0; i < pieces.size(); ++i)
            for (size_t k = 0; k < pieces[i].second; ++k)
                ASSERT_EQ(i & 255, pieces[i].first[k]);
    }
}

TEST(Arena, InlineMemoryComesFirst) {
    alignas(16) char memory[256];
    Arena a(memory, sizeof memory);
    EXPECT_EQ(memory, a.chars(200));
    EXPECT_EQ(0u, a.reserved());
    EXPECT_EQ(memory + 200, a.chars(56));
    EXPECT_EQ(0u, a.reserved());
    a.chars(1);
    EXPECT_EQ(Arena::kFirstBlockBytes, a.reserved());
    a.reset();
    EXPECT_EQ(0u, a.reserved());
    EXPECT_EQ(memory, a.chars(10));
}

TEST(Arena, BlocksGrowFromSmallToUsual) {
    Arena a;
    size_t sum = 0, block = Arena::kFirstBlockBytes;
    for (int i = 0; i < 6; ++i) {
        size_t before = a.reserved();
        while (a.reserved() == before)
            a.chars(100);
        EXPECT_EQ(block, a.reserved() - before);
        sum += block;
        block = std::min(block * 4, Arena::kBlockBytes);
    }
    EXPECT_EQ(sum, a.reserved());
    a.reset();
    a.chars(1);
    EXPECT_EQ(Arena::kFirstBlockBytes, a.reserved());
    // A piece that does not fit into the next block takes a larger one.
    a.chars(5000);
    EXPECT_EQ(Arena::kFirstBlockBytes + 8192, a.reserved());
}

TEST(Arena, ALargePieceDoesNotCostTheRestOfTheBlock) {
    Arena a;
    char* first = a.chars(100);
    size_t before = a.reserved();
    a.chars(100000);
    EXPECT_GE(a.reserved(), before + 100000);
    EXPECT_LT(a.reserved(), before + 101000);
    EXPECT_EQ(first + 100, a.chars(100));
}

TEST(Arena, WhatGrewIsGivenBack) {
    Arena a;
    a.chars(100);
    a.chars(1000);
    a.chars(3000);
    char* first = a.chars(7000);  // in a block of the usual size
    size_t before = a.reserved();
    char* large = a.chars(20000);
    char* larger = a.chars(40000);
    a.give_back(large, 20000, 1);
    EXPECT_GE(a.reserved(), before + 40000);
    EXPECT_LT(a.reserved(), before + 41000);
    a.give_back(larger, 40000, 1);
    EXPECT_EQ(a.reserved(), before);
    // In a block with others it stays.
    a.give_back(first, 7000, 1);
    char* shared = a.chars(8200);
    EXPECT_EQ(shared, first + 7000);
    a.give_back(shared, 8200, 1);
    EXPECT_EQ(a.reserved(), before);
    EXPECT_EQ(first + 15200, a.chars(1));
}

TEST(Arena, TextAndObjects) {
    Arena a;
    std::string text = "some text";
    std::string_view s = a.copy(text);
    text[0] = 'X';
    EXPECT_EQ("some text", s);
    EXPECT_EQ("", a.copy(""));
    EXPECT_EQ("abc", a.concat("a", "b", "c"));
    EXPECT_EQ("ac", a.concat("a", "", "c"));
    EXPECT_EQ("ab", a.concat("a", "b"));
    struct Node {
        int n = 5;
        double d = 0.5;
    };
    Node* node = a.make<Node>();
    EXPECT_EQ(5, node->n);
    Node* nodes = a.array<Node>(100);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(5, nodes[i].n);
}

}  // namespace
}  // namespace gladius
