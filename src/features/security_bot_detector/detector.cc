#include "features/security_bot_detector/detector.h"

#include <algorithm>

namespace gladius::features::bots {

bool Detector::is_bot(std::string_view user_agent, Arena& arena) const {
    if (user_agent.empty()) return empty_is_bot;
    if (std::binary_search(allow.begin(), allow.end(), user_agent, std::less<>())) return false;
    if (std::binary_search(deny.begin(), deny.end(), user_agent, std::less<>())) return true;
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const regex::Pattern& p) { return p.found_in(user_agent, arena); });
}

}  // namespace gladius::features::bots
