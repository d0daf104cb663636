#include <cstdio>
#include <cstdlib>

#include "plan/router_oracle.h"

// A route set and paths from the input; the router and the naive matcher must agree. A second pass feeds the raw bytes
// as pattern and path.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace gladius;
    using namespace gladius::plan;
    std::string wrong = oracle::run({data, size});
    if (!wrong.empty()) {
        std::fprintf(stderr, "%s\n", wrong.c_str());
        std::abort();
    }
    std::string_view text(reinterpret_cast<const char*>(data), size);
    RouterBuilder builder;
    uint32_t lines = 0;
    std::string_view last;
    for (; !text.empty() && lines < 64; ++lines) {
        last = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), last.size() + 1));
        (void)builder.add(static_cast<http::Method>(last.size() % 10), last, lines);
    }
    Router router = std::move(builder).build({.remove_extra_slash = lines % 2 == 1, .auto_options = lines % 3 == 1});
    Arena arena;
    RouteMatch match;
    for (int m = 0; m < 10; ++m) {
        router.find(static_cast<http::Method>(m), last, arena, match);
        (void)encoded_params_error(match, arena);
        (void)router.allow(match.allowed, arena);
        if (match.kind == RouteMatch::redirect &&
            (match.redirect_path.empty() || match.redirect_path.starts_with("//")))
            std::abort();
    }
    return 0;
}
