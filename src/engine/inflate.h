// Purpose: gzip of backends, unpacked as it comes. Owner: the coroutine that relays. Thread: one worker.
// Lifetime: zlib's state (about 40 KiB) lives until destruction. Errors: State::bad; output is bounded by the caller's
// buffer, so a bomb costs time in proportion to what the client takes.
#pragma once
#include <zlib.h>

#include <string_view>

#include "upstream/call.h"

namespace gladius::engine {

class Inflater {
  public:
    static constexpr size_t kBytes = 48 * 1024;
    enum class State : uint8_t { more, bad };
    Inflater();
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    // Takes from the front of `in`, writes up to cap bytes. Several gzip members in a row are one stream (RFC
    // 1952 2.2); complete() says that the input so far ends with a member: it is whole when nothing follows. No input
    // at all is whole, and empty.
    State run(std::string_view& in, char* out, size_t cap, size_t& produced);
    // What was taken so far is a whole stream: it may end here.
    bool complete() const { return between_; }

  private:
    z_stream z_{};
    bool ok_ = false;
    bool between_ = true;  // before the first member, or one ended: another may follow
};

// Content-Encoding of the answer is gzip, alone.
bool is_gzip(const upstream::Call& call);

}  // namespace gladius::engine
