// Purpose: what comes from outside the file: environment variables, and how logging is configured. Thread: control.
// Errors: none.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "conf/config.h"
#include "telemetry/log_format.h"

#define GLADIUS_VERSION "0.1.0"

namespace gladius::app {

using Environment = std::vector<std::pair<std::string, std::string>>;
Environment environment_pairs();
std::string http_proxy_of(const Environment& env);
std::string https_proxy_of(const Environment& env);
std::string no_proxy_of(const Environment& env);
telemetry::LogOptions logging_options(const conf::Service& s);

}  // namespace gladius::app
