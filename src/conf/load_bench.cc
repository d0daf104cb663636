// What a start and a reload pay for reading: 10,000 endpoints as people write them.
#include <benchmark/benchmark.h>

#include <string>

#include "conf/load.h"
#include "conf/routes.h"

using namespace gladius::conf;

namespace {

std::string endpoints(int n) {
    std::string text = "{\"version\":3,\"timeout\":\"3s\",\"endpoints\":[\n";
    for (int i = 0; i < n; ++i) {
        std::string id = std::to_string(i);
        text += std::string(i ? "," : "") + "  {\"endpoint\": \"/v1/service" + id +
                "/{id}/items\", \"method\": \"GET\", \"output_encoding\": \"no-op\",\n" +
                "   \"input_headers\": [\"Authorization\", \"x-request-id\"], \"input_query_strings\": [\"page\", "
                "\"limit\"],\n" +
                "   \"backend\": [{\"url_pattern\": \"/api/" + id +
                "/{id}\", \"method\": \"GET\", \"host\": [\"http://service" + id +
                ":8080\"],\n     \"extra_config\": {\"backend/http\": {\"return_error_code\": true}}}]}\n";
    }
    return text + "]}";
}

void parse_only(benchmark::State& state) {
    std::string text = endpoints(static_cast<int>(state.range(0)));
    for (auto _ : state) {
        Diagnostics d;
        auto doc = parse_json("f.json", text, d);
        benchmark::DoNotOptimize(doc.get());
        state.counters["tree_bytes"] = static_cast<double>(doc->bytes());
    }
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
BENCHMARK(parse_only)->Arg(10000)->Unit(benchmark::kMillisecond);

void load_all(benchmark::State& state) {
    std::string text = endpoints(static_cast<int>(state.range(0)));
    for (auto _ : state) {
        LoadResult r = load_text("f.json", text);
        benchmark::DoNotOptimize(find_route_conflicts(*r.service, Severity::warning).all().size());
        if (!r.ok()) state.SkipWithError("the configuration is refused");
    }
}
BENCHMARK(load_all)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
