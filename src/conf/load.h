// Purpose: the front door: a configuration file becomes a Service, or sentences.
// Owner: the caller owns the result. Thread: control thread; several loads at a time are fine. Lifetime: the Service
// owns all it needs; drop it when the plan is compiled. Errors: as diagnostics, all of one run; nothing throws across
// this API.
//   LoadOptions o; o.environment = environ_pairs();
//   LoadResult r = load_file("krakend.json", o);
//   std::fputs(r.diagnostics.text().c_str(), stderr);
//   if (!r.ok()) return 1;
//   compile(*r.service);
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/config.h"
#include "conf/diagnostic.h"
#include "conf/namespaces.h"
#include "conf/parse.h"

namespace gladius::conf {

struct LoadOptions {
    // KRAKEND_<NAME> overrides root keys; FC_ENABLE asks for flexible configuration.
    std::span<const std::pair<std::string, std::string>> environment;
    int port = 0;                    // run -p; 0 leaves the port of file and environment
    bool debug = false;              // run -d: debug_endpoint
    bool allow_unsupported = false;  // protections that are not built are a warning
    // Rows that replace or extend the table of namespaces.cc: what features are built into the program.
    std::span<const NamespaceInfo> namespaces;
    ParseLimits limits;
};

struct LoadResult {
    std::shared_ptr<Service>
        service;  // null when the text could not be read at all; there may be errors although it is set
    Diagnostics diagnostics;

    bool ok() const { return service && !diagnostics.has_errors(); }
};

LoadResult load_file(const std::string& path, const LoadOptions& options = {});
// `file` names it in diagnostics, and its ending decides the format.
LoadResult load_text(std::string file, std::string text, const LoadOptions& options = {});

}  // namespace gladius::conf
