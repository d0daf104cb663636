// Purpose: bytes that wait: frames for a socket, a request's body that its reader has not asked for yet. Empty costs
// nothing. Owner: a connection or a stream. Thread: one worker. Lifetime: what data() shows stays until the next
// append(), consume() or clear(). Errors: none; whoever appends bounds what it keeps.
#pragma once
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/pool.h"

namespace gladius::proto {

class ByteQueue {
  public:
    ByteQueue() = default;
    ~ByteQueue() { clear(); }
    ByteQueue(const ByteQueue&) = delete;
    ByteQueue& operator=(const ByteQueue&) = delete;

    const char* data() const { return p_ + pos_; }
    char* data() { return p_ + pos_; }
    size_t size() const { return len_ - pos_; }
    bool empty() const { return len_ == pos_; }
    size_t capacity() const { return cap_; }
    std::string_view view() const { return {data(), size()}; }

    void append(const void* d, size_t n) {
        if (n == 0) return;
        std::memcpy(grow(n), d, n);
        len_ += n;
    }
    void append(std::string_view s) { append(s.data(), s.size()); }
    // Room for n bytes behind what is there; commit() says how many were written.
    char* grow(size_t n) {
        if (len_ + n > cap_) make_room(n);
        return p_ + len_;
    }
    void commit(size_t n) { len_ += n; }
    void consume(size_t n) {
        pos_ += n;
        if (pos_ == len_) clear();
    }
    void clear() {
        pool_free(p_, cap_);
        p_ = nullptr;
        cap_ = pos_ = len_ = 0;
    }
    void swap(ByteQueue& o) {
        std::swap(p_, o.p_);
        std::swap(cap_, o.cap_);
        std::swap(pos_, o.pos_);
        std::swap(len_, o.len_);
    }

  private:
    void make_room(size_t n) {
        if (pos_ > 0 && pos_ >= len_ - pos_) {
            std::memmove(p_, p_ + pos_, len_ - pos_);
            len_ -= pos_;
            pos_ = 0;
            if (len_ + n <= cap_) return;
        }
        size_t want = cap_ ? cap_ * 2 : 512;
        while (want < len_ - pos_ + n)
            want *= 2;
        want = pool_round(want);
        char* bigger = static_cast<char*>(pool_allocate(want));
        if (len_ > pos_) std::memcpy(bigger, p_ + pos_, len_ - pos_);
        size_t kept = len_ - pos_;
        pool_free(p_, cap_);
        p_ = bigger;
        cap_ = want;
        pos_ = 0;
        len_ = kept;
    }

    char* p_ = nullptr;
    size_t cap_ = 0, pos_ = 0, len_ = 0;
};

}  // namespace gladius::proto
