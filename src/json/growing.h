// Purpose: a stack or list of plain things that grows inside an arena: at most four times what is needed while it
// grows (the old memory and the new one, both up to half empty). Owner: the arena. Thread: one worker. Lifetime: the
// arena's. Errors: none.
#pragma once
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "base/arena.h"

namespace gladius::json {

template <class T>
class Growing {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    Growing(Arena& arena, size_t capacity) : arena_(arena), capacity_(capacity) { data_ = take(capacity); }

    [[gnu::always_inline]] T& push(const T& t) {
        if (size_ == capacity_) [[unlikely]]
            grow(size_ + 1);
        data_[size_] = t;
        return data_[size_++];
    }
    // Makes room for n more and returns the first; set_size() says how many became real.
    T* room(size_t n) {
        if (capacity_ - size_ < n) [[unlikely]]
            grow(size_ + n);
        return data_ + size_;
    }
    void set_size(size_t n) {
        GL_ASSERT(n <= capacity_);
        size_ = n;
    }
    T& operator[](size_t i) { return data_[i]; }
    T& back() { return data_[size_ - 1]; }
    void pop() { --size_; }
    T* data() { return data_; }
    size_t size() const { return size_; }
    size_t capacity() const { return capacity_; }
    bool empty() const { return size_ == 0; }

  private:
    T* take(size_t n) { return static_cast<T*>(arena_.allocate(sizeof(T) * n, alignof(T))); }
    [[gnu::noinline]] void grow(size_t at_least) {
        size_t n = capacity_ * 2 > at_least ? capacity_ * 2 : at_least;
        T* p = take(n);
        if (size_ != 0) std::memcpy(static_cast<void*>(p), data_, sizeof(T) * size_);
        arena_.give_back(data_, sizeof(T) * capacity_, alignof(T));
        data_ = p;
        capacity_ = n;
    }

    Arena& arena_;
    T* data_;
    size_t size_ = 0;
    size_t capacity_;
};

}  // namespace gladius::json
