// Purpose: regular expressions as Go's regexp reads them, matched in linear time. RE2 has the same syntax but for a few
// words, and does not look at bytes that are no UTF-8, where Go sees U+FFFD: both are evened out here, because a text
// that no pattern sees would be a way around them. Owner: whoever compiled it. Thread: compiled anywhere; any number
// of threads search in one. Lifetime: its own. Errors: compile() says what cannot be read. Source: Go regexp/syntax,
// RE2 syntax.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/result.h"

namespace re2 {
class RE2;
}

namespace gladius::regex {

class Pattern {
  public:
    static Result<Pattern> compile(std::string_view text);
    // Anywhere in `text`, unless the pattern says otherwise. The arena is used for texts that are no UTF-8.
    bool found_in(std::string_view text, Arena& arena) const;

  private:
    explicit Pattern(std::shared_ptr<const re2::RE2> r) : re2_(std::move(r)) {}
    std::shared_ptr<const re2::RE2> re2_;
};

}  // namespace gladius::regex
