// Purpose: when the process crashes, the last line names the request that ran: method and path of each worker's running
// exchange. Owner: supervisor. Thread: the crashing one; only async-signal-safe calls. Errors: none.
#pragma once
#include <vector>

#include "engine/worker.h"

namespace gladius::app {
void install_crash_handler(std::vector<engine::Worker*> workers);
}
