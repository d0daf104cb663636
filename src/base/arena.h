// Purpose: memory that is given back all at once: one arena per exchange, everything of a request lives in it.
// Owner: the Exchange (or a test). Thread: one worker. Lifetime: what is allocated lives until reset() or destruction;
// nothing is destroyed one by one, so only trivially destructible things belong here.
// Errors: none; the process ends when the system is out of memory. bytes() is what the memory budget counts.
//   Arena a;  char* p = a.bytes(n);  std::string_view s = a.copy(text);  auto* node = a.make<Node>();
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/assert.h"

namespace gladius {

class Arena {
  public:
    // Blocks grow fourfold up to the usual size: a small request takes little, a large one few blocks.
    static constexpr size_t kFirstBlockBytes = 512, kBlockBytes = 16 * 1024;

    Arena() = default;
    // Begins in memory that someone else owns (the inline part of an Exchange); blocks are taken only when it is full.
    Arena(char* inline_memory, size_t n)
        : cur_(inline_memory), end_(inline_memory + n), inline_(inline_memory), inline_n_(n) {}
    ~Arena() { release(); }
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    void* allocate(size_t n, size_t align = alignof(std::max_align_t)) {
        auto p = (reinterpret_cast<uintptr_t>(cur_) + (align - 1)) & ~(uintptr_t{align} - 1);
        if (p + n <= reinterpret_cast<uintptr_t>(end_) && cur_ != nullptr) [[likely]] {
            cur_ = reinterpret_cast<char*>(p + n);
            return reinterpret_cast<void*>(p);
        }
        return grow(n, align);
    }

    char* chars(size_t n) { return static_cast<char*>(allocate(n, 1)); }

    template <class T, class... A>
    T* make(A&&... args) {
        static_assert(std::is_trivially_destructible_v<T>, "an arena destroys nothing");
        return new (allocate(sizeof(T), alignof(T))) T(std::forward<A>(args)...);
    }

    template <class T>
    T* array(size_t n) {
        static_assert(std::is_trivially_destructible_v<T>);
        T* p = static_cast<T*>(allocate(sizeof(T) * n, alignof(T)));
        for (size_t i = 0; i < n; ++i)
            new (p + i) T();
        return p;
    }

    std::string_view copy(std::string_view s) {
        char* p = chars(s.size());
        if (!s.empty()) std::memcpy(p, s.data(), s.size());
        return {p, s.size()};
    }

    template <class T>
    std::span<T> copy_array(std::span<const T> from) {
        static_assert(std::is_trivially_copyable_v<T>);
        T* p = static_cast<T*>(allocate(from.size_bytes(), alignof(T)));
        if (!from.empty()) std::memcpy(static_cast<void*>(p), from.data(), from.size_bytes());
        return {p, from.size()};
    }

    std::string_view concat(std::string_view a, std::string_view b, std::string_view c = {}) {
        char* p = chars(a.size() + b.size() + c.size());
        char* w = p;
        for (std::string_view s : {a, b, c}) {
            if (!s.empty()) std::memcpy(w, s.data(), s.size());
            w += s.size();
        }
        return {p, static_cast<size_t>(w - p)};
    }

    // Gives a large piece back before the others, for those who grow by taking a larger one; when it shares a block
    // with others nothing happens. n and align are those of allocate().
    void give_back(void* p, size_t n, size_t align);

    // Bytes taken from the system, for the memory budget.
    size_t reserved() const { return reserved_; }

    // Gives every block back; the inline part is used again.
    void reset() {
        release();
        cur_ = inline_;
        end_ = inline_ ? inline_ + inline_n_ : nullptr;
    }

  private:
    struct alignas(16) Block {
        Block* next;
        size_t size;
    };
    // A large piece gets a block of its own, so that the rest of the current one is not lost.
    static bool has_own_block(size_t n, size_t align) { return n + align + sizeof(Block) > kBlockBytes / 2; }
    void* grow(size_t n, size_t align);
    void release();

    char* cur_ = nullptr;
    char* end_ = nullptr;
    Block* blocks_ = nullptr;
    size_t reserved_ = 0;
    size_t next_block_ = kFirstBlockBytes;
    char* inline_ = nullptr;
    size_t inline_n_ = 0;
};

}  // namespace gladius
