// Purpose: the side of an HTTP/2 session that goes out, the same for servers and clients: frames that wait for the
// socket, and how many more may. Owner: H2Server, H2Client. Thread: one worker. Lifetime: of its session. Errors:
// pull() is false when the session cannot go on.
#pragma once
#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <string_view>

#include "proto/byte_queue.h"

namespace gladius::proto {

// Whom a session tells that its output is no longer empty, and asks before it keeps much.
class H2Owner {
  public:
    virtual void h2_output() = 0;
    virtual bool h2_take_memory(size_t n) = 0;
    virtual void h2_give_memory(size_t n) = 0;

  protected:
    ~H2Owner() = default;
};

class H2Output {
  public:
    // Writers stop there; what the protocol must say itself is bounded by nghttp2.
    static constexpr size_t kMost = 64 * 1024;

    ByteQueue& bytes() { return bytes_; }
    // While a socket takes nothing, nothing is added but what the protocol must say.
    void set_blocked(bool blocked) { blocked_ = blocked; }
    size_t room() const { return blocked_ || bytes_.size() >= kMost ? 0 : kMost - bytes_.size(); }
    // Takes what the session has to say now. It is not entered twice: nghttp2 calls back from inside.
    [[nodiscard]] bool pull(nghttp2_session* session, H2Owner& owner);

  private:
    ByteQueue bytes_;
    bool blocked_ = false, pulling_ = false;
};

}  // namespace gladius::proto
