#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>

#include "plan/router.h"

namespace gladius::plan {
namespace {

// Four segments, the last a parameter; every lookup another route, in random order.
struct Set {
    Router router;
    std::vector<std::string> paths;

    Set(uint32_t count, const char* tail) {
        RouterBuilder b;
        for (uint32_t i = 0; i < count; ++i) {
            std::string p = "/api/service" + std::to_string(i % 97) + "/resource" + std::to_string(i);
            if (!b.add(http::Method::get, p + "/:id", i)) std::abort();
            paths.push_back(p + tail);
        }
        router = std::move(b).build({});
        std::shuffle(paths.begin(), paths.end(), std::mt19937(1));
        paths.resize(std::min<size_t>(paths.size(), 512));
    }
};

void lookup(benchmark::State& state, const char* tail) {
    Set set(static_cast<uint32_t>(state.range(0)), tail);
    char memory[4096];
    Arena arena(memory, sizeof memory);
    RouteMatch m;
    size_t i = 0;
    for (auto _ : state) {
        set.router.find(http::Method::get, set.paths[i], arena, m);
        benchmark::DoNotOptimize(m.target);
        arena.reset();
        if (++i == set.paths.size()) i = 0;
    }
    state.counters["bytes"] = static_cast<double>(set.router.memory_bytes());
    state.counters["nodes"] = static_cast<double>(set.router.node_count());
}
void BM_RouterHit(benchmark::State& s) {
    lookup(s, "/12345");
}
void BM_RouterMiss(benchmark::State& s) {
    lookup(s, "/12345/none");
}
BENCHMARK(BM_RouterHit)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK(BM_RouterMiss)->Arg(10)->Arg(1000)->Arg(10000);

void BM_RouterBuild(benchmark::State& state) {
    for (auto _ : state) {
        Set set(static_cast<uint32_t>(state.range(0)), "");
        benchmark::DoNotOptimize(set.router.node_count());
    }
}
BENCHMARK(BM_RouterBuild)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gladius::plan
