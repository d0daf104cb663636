// Purpose: reads `flatmap_filter` of extra_config "proxy" as the reference does: what is no operation is left out, the
// others count. Owner: values. Thread: control thread. Errors: warnings with the place; nothing here keeps a
// configuration from being served. Source: ledger 1, section 5.4; lura's proxy/formatter.go.
//   b.flatmap = read_flatmap(b.extra_config.find("proxy"), where, diagnostics);
#pragma once
#include <string_view>
#include <vector>

#include "conf/diagnostic.h"
#include "conf/node.h"
#include "json/flatmap.h"

namespace gladius::conf {

std::vector<json::FlatmapOp> read_flatmap(const Node& proxy, std::string_view where, Diagnostics& diagnostics);

}  // namespace gladius::conf
