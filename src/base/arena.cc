#include "base/arena.h"

namespace gladius {

void* Arena::grow(size_t n, size_t align) {
    size_t want = n + align + sizeof(Block);
    // A large request gets a block of its own, so that the rest of the current one is not lost.
    bool own = want > kBlockBytes / 2;
    size_t size = own ? want : kBlockBytes;
    auto* b = static_cast<Block*>(::operator new(size));
    b->size = size;
    b->next = blocks_;
    blocks_ = b;
    reserved_ += size;
    auto p = (reinterpret_cast<uintptr_t>(b + 1) + (align - 1)) & ~(uintptr_t{align} - 1);
    if (!own || cur_ == nullptr) {
        cur_ = reinterpret_cast<char*>(p + n);
        end_ = reinterpret_cast<char*>(b) + size;
    }
    return reinterpret_cast<void*>(p);
}

void Arena::release() {
    while (blocks_) {
        Block* next = blocks_->next;
        ::operator delete(blocks_);
        blocks_ = next;
    }
    reserved_ = 0;
}

}  // namespace gladius
