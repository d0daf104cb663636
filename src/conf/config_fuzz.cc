// The whole way from bytes to a Service, with what follows it: no crash, bounded output, and what is said stays
// printable. The first byte picks options, so that --allow-unsupported, the environment and the formats are walked too.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "conf/dump.h"
#include "conf/load.h"
#include "conf/routes.h"

using namespace gladius::conf;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    uint8_t pick = data[0];
    std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
    LoadOptions options;
    std::vector<std::pair<std::string, std::string>> env;
    if (pick & 1) options.allow_unsupported = true;
    if (pick & 2) env.emplace_back("KRAKEND_TIMEOUT", text.substr(0, 20));
    if (pick & 4) env.emplace_back("KRAKEND_HOST", text.substr(0, 40));
    options.environment = env;
    LoadResult r = load_text(pick & 8 ? "f.yaml" : "f.json", text, options);
    GL_CHECK(r.diagnostics.all().size() <= 3 * Diagnostics::kMaxKept);
    std::string said = r.diagnostics.text();
    for (const Diagnostic& d : r.diagnostics.all())
        GL_CHECK(format(d).find('\n') == std::string::npos);
    if (!r.service) {
        GL_CHECK(r.diagnostics.has_errors());
        return 0;
    }
    find_route_conflicts(*r.service, Severity::warning);
    if (size < 4096) dump(*r.service, 3);
    return 0;
}
