// Purpose: who is a bot, by its User-Agent: names of one list pass, names of another do not, and neither does what one
// of the patterns finds something in. Pure. Owner: the stage's config. Thread: read-only after compiling. Errors: none.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "regex/pattern.h"

namespace gladius::features::bots {

struct Detector {
    std::vector<std::string> allow, deny;  // sorted; whole names
    std::vector<regex::Pattern> patterns;
    bool empty_is_bot = false;

    bool is_bot(std::string_view user_agent, Arena& arena) const;
};

}  // namespace gladius::features::bots
