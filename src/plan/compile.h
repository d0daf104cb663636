// Purpose: a typed configuration becomes a Snapshot: routes, plans, settings; nothing is left to decide while serving.
// Owner: the caller owns the snapshot. Thread: control thread. Lifetime: the Service may go afterwards.
// Errors: as diagnostics (route conflicts, hosts that cannot be used).
#pragma once
#include <memory>

#include "conf/config.h"
#include "conf/diagnostic.h"
#include "plan/feature.h"
#include "plan/plan.h"

namespace gladius::plan {

struct CompileOptions {
    uint64_t generation = 1;
    bool routes_are_errors = true;  // two routes that exclude each other: error in run and check -t, warning in check
    std::string http_proxy, https_proxy, no_proxy;  // from the environment
    Features features;                              // what is built in, in the order of app/registry.cc
    bool allow_unsupported = false;                 // protections that cannot be built are a warning
    StateStore* states = nullptr;                   // what outlives a generation; null: nothing does
};

std::shared_ptr<Snapshot> compile(const conf::Service& service, const CompileOptions& options,
                                  conf::Diagnostics& diagnostics);

}  // namespace gladius::plan
