// Purpose: what may stand between an Io and its bytes: TLS on top of a socket, or a stream of an HTTP/2 connection
// (without a descriptor). Everything above reads and writes the same Io whatever lies below (ADR 0011).
// Owner: the Io that it was given to; close() is its last call, and gives it back to who made it. Thread: the loop's.
// Lifetime: from Io::attach() or Io::open() to close(). Errors: as the system calls have them: -1 and errno, where
// EAGAIN means that the Io is told when to try again (by its socket, or by Io::signal).
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace gladius::rt {

class Transport {
  public:
    // Up to n bytes; 0: the end of the stream.
    virtual ssize_t recv(char* buf, size_t n) = 0;
    // Takes a part of it or all. After EAGAIN it is called again with the same bytes, though perhaps at another place.
    virtual ssize_t send(const char* data, size_t n) = 0;
    // As recv, but takes nothing: 1 when there are bytes.
    virtual ssize_t peek() = 0;
    // A recv would find something although no readiness will be reported for it.
    virtual bool has_more() const = 0;
    // Bytes that send would take now; 0 also asks to be told (Io::signal) when that changes.
    virtual size_t room() { return SIZE_MAX; }
    // Agrees with the other side before the first byte, where that is needed: 1 when done.
    virtual ssize_t handshake() { return 1; }
    // No more bytes of ours: tells the other side, without waiting.
    virtual void shutdown_write() = 0;
    // The Io closes: says goodbye as far as that takes no waiting, and is not used again. The socket, where there is
    // one, is still open.
    virtual void close() = 0;

  protected:
    ~Transport() = default;
};

}  // namespace gladius::rt
