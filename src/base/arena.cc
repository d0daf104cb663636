#include "base/arena.h"

#include <algorithm>
#include <bit>

#include "base/pool.h"

namespace gladius {

void* Arena::grow(size_t n, size_t align) {
    bool own = has_own_block(n, align);
    // Behind the head of a block everything is aligned already, unless someone wants more than that.
    size_t size = n + sizeof(Block) + (align > alignof(Block) ? align : 0);
    if (!own) {
        size = std::max(std::bit_ceil(size), next_block_);
        next_block_ = std::min(size * 4, kBlockBytes);
    }
    auto* b = static_cast<Block*>(pool_allocate(size));
    b->size = size;
    b->next = blocks_;
    blocks_ = b;
    reserved_ += size;
    auto p = (reinterpret_cast<uintptr_t>(b + 1) + (align - 1)) & ~(uintptr_t{align} - 1);
    if (!own) {
        cur_ = reinterpret_cast<char*>(p + n);
        end_ = reinterpret_cast<char*>(b) + size;
    }
    return reinterpret_cast<void*>(p);
}

void Arena::give_back(void* p, size_t n, size_t align) {
    GL_ASSERT(align <= alignof(Block));
    if (!has_own_block(n, align)) return;
    // A large piece may stand in a shared block that had the room. Only one that is alone stands directly behind a
    // head.
    for (Block** at = &blocks_; *at; at = &(*at)->next) {
        Block* b = *at;
        if (static_cast<void*>(b + 1) != p) continue;
        *at = b->next;
        reserved_ -= b->size;
        pool_free(b, b->size);
        return;
    }
}

void Arena::release() {
    while (blocks_) {
        Block* next = blocks_->next;
        pool_free(blocks_, blocks_->size);
        blocks_ = next;
    }
    reserved_ = 0;
    next_block_ = kFirstBlockBytes;
}

}  // namespace gladius
