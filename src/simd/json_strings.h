// Purpose: where the strings of a JSON text end and what they hold: the first of the two steps of the fast scanner, a
// block of 64 bytes at a time and without a branch for each byte. For each closing quote, ascending, its place and
// three flags that are true when the string has
//   html    < > or &
//   escape  a backslash
//   look    what has to be looked at: a byte that is a control or not ASCII, or an escape that is none of
//           \" \\ \b \f \n \r \t
// Nothing is judged here: a wrong text gives some places too, but up to where it is wrong they are right.
// Owner: a local of the scanner (4.5 KiB). Thread: any. Lifetime: of the text. Errors: none.
//   JsonStrings strings(text, level);
//   while (strings.fill()) for (uint32_t i = 0; i < strings.count; ++i) use(strings.at[i],
//   strings.flags(strings.at[i]));
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "simd/level.h"

namespace gladius::simd {

class JsonStrings {
  public:
    static constexpr size_t kBlock = 64;
    static constexpr size_t kWindow = 1024;  // bytes of text for one fill()

    // The level is at least sse42 and not above this processor's; the text is smaller than 4 GiB.
    JsonStrings(std::string_view text, Level level) : text_(text), level_(level) {}

    // The places of the next window that has any; false: the text is at its end.
    bool fill();

    // Bit i is of the closing quote at byte i of a block; what the others are means nothing. any: one of the others.
    struct Flags {
        uint64_t html, escape, look, any;
    };
    // Of a place of the last fill().
    const Flags& flags(size_t place) const { return flags_[place / kBlock % kBlocks]; }

    static constexpr size_t kAtOnce = 10;  // places that are written without looking how many there are
    uint32_t count = 0;
    uint32_t at[kWindow / 2 + kAtOnce];  // a string has two quotes

  private:
    template <class K>
    friend void fill_window(JsonStrings& strings);

    std::string_view text_;
    size_t next_ = 0;  // the first byte that was not looked at
    Level level_;
    uint64_t escaped_ = 0;    // 1: the first byte of the next block is escaped
    uint64_t in_string_ = 0;  // all bits: the next block begins inside a string
    // 1: the string that goes on has it already.
    unsigned char html_ = 0, escape_ = 0, look_ = 0;
    static constexpr size_t kBlocks = kWindow / kBlock;
    Flags flags_[kBlocks];
};

}  // namespace gladius::simd
