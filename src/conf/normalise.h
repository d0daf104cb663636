// Purpose: what the reference does to a configuration between reading and running: defaults, inheritance, clean paths
// and hosts, parameters, and every reason to refuse it (ledger 1, sections 2.2 and 4.1). Unlike the reference it goes
// on after a fault: all of them are said in one run, each with the reference's text in it where it has one. Thread:
// control thread. Errors: as diagnostics; what was refused keeps a harmless value.
#pragma once
#include <span>

#include "conf/config.h"
#include "conf/diagnostic.h"
#include "conf/namespaces.h"

namespace gladius::conf {

struct NormaliseOptions {
    bool allow_unsupported = false;
    std::span<const NamespaceInfo> namespaces;
};

void normalise(Service& service, const NormaliseOptions& options, Diagnostics& diagnostics);

}  // namespace gladius::conf
