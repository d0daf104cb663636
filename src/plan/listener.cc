#include "plan/listener.h"

namespace gladius::plan {

std::string ListenerPlan::key() const {
    if (is_unix()) return "unix " + path;
    // As in the reference, an unspecified address of either kind is every address of both kinds.
    std::string host = ip.empty() || ip == "0.0.0.0" || ip == "::" ? "*"
                       : ip.find(':') != std::string::npos         ? "[" + ip + "]"
                                                                   : ip;
    return "tcp " + host + ":" + std::to_string(port);
}

}  // namespace gladius::plan
