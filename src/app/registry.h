// Purpose: the list of what is built into this program, one line a feature (registry.cc). Explicit, so that the order
// is visible and nothing registers itself. Thread: any; constant. Errors: none.
#pragma once
#include <span>

#include "plan/feature.h"

namespace gladius::app {

plan::Features features();
// Their names and fields, for conf::LoadOptions::namespaces.
std::span<const conf::NamespaceInfo> feature_namespaces();

}  // namespace gladius::app
