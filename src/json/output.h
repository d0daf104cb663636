// Purpose: where rendered bytes go: one growing buffer that the caller supplies, filled without a check per byte.
// Owner: the caller; the memory belongs to whoever the Grow function takes it from. Thread: one worker. Lifetime: as
// its memory. Errors: none; the function must give what was asked for.
//   ArenaOutput out(arena, estimate(data));  emit(data, arena, out);  send(out.view());
#pragma once
#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/arena.h"

namespace gladius::json {

class Output {
  public:
    // Gives memory of at least `want` bytes, beginning with the `used` bytes at `old`, which is given
    // up; *capacity is that of the old memory and becomes that of the new one.
    using Grow = char* (*)(void* context, char* old, size_t used, size_t want, size_t* capacity);

    Output(char* memory, size_t capacity, Grow take, void* context)
        : begin_(memory), cur_(memory), end_(memory + capacity), take_(take), context_(context) {}
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    // A place for n bytes; commit() says how far it was used.
    [[gnu::always_inline]] char* reserve(size_t n) {
        if (static_cast<size_t>(end_ - cur_) < n) [[unlikely]]
            grow(n);
        return cur_;
    }
    void commit(char* to) {
        GL_ASSERT(to >= cur_ && to <= end_);
        cur_ = to;
    }
    [[gnu::always_inline]] void put(char c) {
        *reserve(1) = c;
        ++cur_;
    }
    // Not inlined: it is called from many places, and the hot ones reserve and copy a fixed size.
    [[gnu::noinline]] void append(const char* p, size_t n) {
        if (n == 0) return;
        if (room() < n) [[unlikely]]
            grow(n);
        std::memcpy(cur_, p, n);
        cur_ += n;
    }
    void append(std::string_view s) { append(s.data(), s.size()); }
    // What may be written before memory has to grow.
    size_t room() const { return static_cast<size_t>(end_ - cur_); }
    std::string_view view() const { return {begin_, size()}; }
    size_t size() const { return static_cast<size_t>(cur_ - begin_); }
    // Of the memory there is now.
    char* end() const { return end_; }

  private:
    void grow(size_t n) {
        size_t used = size();
        auto capacity = static_cast<size_t>(end_ - begin_);
        size_t twice = 2 * capacity;
        begin_ = take_(context_, begin_, used, used + n > twice ? used + n : twice, &capacity);
        GL_CHECK(capacity >= used + n);
        cur_ = begin_ + used;
        end_ = begin_ + capacity;
    }

    char* begin_;
    char* cur_;
    char* end_;
    Grow take_;
    void* context_;
};

// An Output whose memory is an arena's.
class ArenaOutput : public Output {
  public:
    ArenaOutput(Arena& arena, size_t capacity) : Output(arena.chars(capacity), capacity, &from_arena, &arena) {}

  private:
    static char* from_arena(void* context, char* old, size_t used, size_t want, size_t* capacity) {
        auto* arena = static_cast<Arena*>(context);
        char* p = arena->chars(want);
        if (used != 0) std::memcpy(p, old, used);
        arena->give_back(old, *capacity, 1);
        *capacity = want;
        return p;
    }
};

}  // namespace gladius::json
