// Purpose: the field tables for others: a JSON Schema (editors, `check --lint`) and Markdown (docs/configuration.md).
// Thread: any. Errors: none. What they say is what the loader does, because both read the same tables.
#pragma once
#include <span>
#include <string>

#include "conf/namespaces.h"

namespace gladius::conf {

// Draft 2020-12, of the whole configuration; `namespaces` as in LoadOptions.
std::string json_schema(std::span<const NamespaceInfo> namespaces = {});
// One section with a table per object, then one per namespace with a field table, then the list of all namespaces.
std::string markdown_reference(std::span<const NamespaceInfo> namespaces = {});

}  // namespace gladius::conf
