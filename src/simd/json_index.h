// Purpose: where the tokens of a JSON text are: the first of the two steps of the fast scanner, a block of 64 bytes at
// a time and without a branch for each byte. Places, ascending:
//   outside of strings: { } [ ] : , and the first byte of every run of other bytes that are no white space
//   both quotes of a string, and inside it whatever is not copied as it stands: the backslash of an escape, < > &,
//   controls, and the first byte of a run that is not ASCII
// so what lies between two places is white space or the rest of a number, a literal or a plain string. Nothing is
// judged here: a wrong text gives some places too.
// Owner: a local of the scanner (4 KiB). Thread: any. Lifetime: of the text. Errors: none.
//   JsonIndex index(text, level);
//   while (index.fill()) for (uint32_t i = 0; i < index.count; ++i) use(index.at[i]);
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "simd/level.h"

namespace gladius::simd {

class JsonIndex {
  public:
    static constexpr size_t kBlock = 64;
    static constexpr size_t kWindow = 1024;  // bytes of text for one fill()

    // The level is at least sse42 and not above this processor's; the text is smaller than 4 GiB.
    JsonIndex(std::string_view text, Level level) : text_(text), level_(level) {}

    // The places of the next window that has any; false: the text is at its end.
    bool fill();

    uint32_t count = 0;
    uint32_t at[kWindow + 8];

  private:
    template <class K>
    friend void fill_window(JsonIndex& index);

    std::string_view text_;
    size_t next_ = 0;  // the first byte that was not looked at
    Level level_;
    uint64_t escaped_ = 0;    // 1: the first byte of the next block is escaped
    uint64_t in_string_ = 0;  // all bits: the next block begins inside a string
    uint64_t run_ = 0;        // 1: the block before ended within a run outside of strings
    uint64_t wide_ = 0;       // 1: ... within a run that is not ASCII
};

// Goes over text inside a string from a byte that begins a character to the first quote, backslash or control, and
// maybe stops earlier at the beginning of a character. *odd tells whether there was < > & U+2028 or U+2029. Null: not
// UTF-8, and nothing is known. The level as above.
const char* utf8_run(const char* p, const char* end, Level level, bool* odd);

}  // namespace gladius::simd
