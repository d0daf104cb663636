// Purpose: whether a text that comes in pieces is UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF). ASCII, which is most text, is passed sixteen bytes at a time. Owner: whoever reads the text; three bytes
// of state. Thread: any. Errors: feed() says false at the first byte with which no text can go on, so that a wrong text
// is known before its end.
//   Utf8Stream check;  if (!check.feed(p, n)) refuse();  ...  if (!check.complete()) refuse();
#pragma once
#include <cstddef>
#include <cstdint>

namespace gladius::simd {

class Utf8Stream {
  public:
    bool feed(const char* p, size_t n);
    // The text may end here: not inside of a character.
    bool complete() const { return need_ == 0; }
    void reset() { *this = Utf8Stream(); }

  private:
    uint8_t need_ = 0;                  // bytes that the character still wants
    uint8_t low_ = 0x80, high_ = 0xBF;  // what the next one of them may be
};

}  // namespace gladius::simd
