// Purpose: what `check -d`, `-dd` and `-ddd` print: the configuration as it was understood (ledger 1, section 2.6).
// Thread: control thread. Errors: none. Values are those after normalise(): defaults and inherited ones are in place.
#pragma once
#include <string>
#include <string_view>

#include "conf/config.h"

namespace gladius::conf {

// level 1 to 3; 0 gives nothing. `indent` stands for one step to the right (check -i).
std::string dump(const Service& service, int level, std::string_view indent = "\t");

}  // namespace gladius::conf
