// Purpose: what "gladius/listeners" must be beyond its field table: one place per listener, nobody's word for a
// client's address without `trusted`, TLS only where there are keys (docs/listeners.md). Owner: normalise().
// Thread: control. Errors: as diagnostics.
#pragma once
#include "conf/config.h"
#include "conf/diagnostic.h"

namespace gladius::conf {

// After the defaults of the service are in place. Fills in each listener's name.
void check_listeners(Service& service, Diagnostics& diagnostics);

// "0660" and the like; nothing when it is no octal number of permissions.
std::optional<uint32_t> parse_mode(std::string_view text);

}  // namespace gladius::conf
