// Every operation of flatmap_filter, and gladius/arrays, on arrays of up to 100,000 elements, scanned and printed: the
// time must grow as the array does. The last lines of each group are the factor and the deviation from a line.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "json/emit.h"
#include "json/filter.h"
#include "json/scan.h"

namespace gladius::json {
namespace {

std::string list_of(int64_t n) {
    std::string s = "{\"total\":1,\"items\":[";
    for (int64_t i = 0; i < n; ++i) {
        std::string id = std::to_string(i);
        s += (i ? ",{\"id\":" : "{\"id\":") + id + ",\"p\":{\"y\":\"Y\",\"x\":\"X" + id + "\"},\"t\":[1,2]}";
    }
    return s + "],\"more\":[1,2,3]}";
}

void run(benchmark::State& state, const FilterSpec& spec) {
    std::string body = list_of(state.range(0));
    FilterProgram program = FilterProgram::compile(spec);
    // Taken beforehand: page faults are no part of it.
    std::vector<char> memory(body.size() * 64);
    for (auto _ : state) {
        Arena arena(memory.data(), memory.size());
        Document* doc = scan(body, arena, program.keep_depth());
        Value v = program.apply(Value::of(doc, 0), arena);
        ArenaOutput out(arena, estimate(v));
        emit(v, arena, out);
        benchmark::DoNotOptimize(out.view());
    }
    state.SetComplexityN(state.range(0));
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(body.size()));
}

void BM_Flatmap(benchmark::State& state, const std::vector<FlatmapOp>& ops) {
    run(state, {.flatmap = ops});
}

void BM_FilterWalk(benchmark::State& state, FilterSpec spec) {
    spec.walk = true;
    run(state, spec);
}

void sizes(benchmark::internal::Benchmark* b) {
    b->RangeMultiplier(10)->Range(100, 100000)->Complexity(benchmark::oN);
}

using Ops = std::vector<FlatmapOp>;
BENCHMARK_CAPTURE(BM_Flatmap, nothing, Ops{})->Apply(sizes);
BENCHMARK_CAPTURE(BM_Flatmap, del, Ops{{"del", {"items.*.p.x", "items.*.t"}}})->Apply(sizes);
BENCHMARK_CAPTURE(BM_Flatmap, rename, Ops{{"move", {"items.*.id", "items.*.key"}}})->Apply(sizes);
BENCHMARK_CAPTURE(BM_Flatmap, promote, Ops{{"move", {"items.*.p.x", "items.*.x"}}})->Apply(sizes);
BENCHMARK_CAPTURE(BM_Flatmap, embed, Ops{{"move", {"items.*.id", "items.*.meta.id"}}})->Apply(sizes);
BENCHMARK_CAPTURE(BM_Flatmap, append, Ops{{"append", {"items", "more"}}})->Apply(sizes);
BENCHMARK_CAPTURE(BM_Flatmap, append_behind, Ops{{"append", {"more", "items"}}})->Apply(sizes);
BENCHMARK_CAPTURE(BM_Flatmap, append_lists, Ops{{"append", {"items.*.t", "more"}}})->Apply(sizes);
// The names of the elements are no longer their positions.
BENCHMARK_CAPTURE(BM_Flatmap, promote_loose, Ops{{"del", {"items.0"}}, {"move", {"items.*.p.x", "items.*.x"}}})
    ->Apply(sizes);
BENCHMARK_CAPTURE(BM_Flatmap, append_loose, Ops{{"del", {"items.0"}}, {"append", {"more", "items"}}})->Apply(sizes);

const std::vector<std::string> kPaths = {"items.id", "items.p.x"};
const std::vector<std::pair<std::string, std::string>> kMapping = {{"items.id", "key"}};
BENCHMARK_CAPTURE(BM_FilterWalk, allow, FilterSpec{.allow = kPaths})->Apply(sizes);
BENCHMARK_CAPTURE(BM_FilterWalk, deny, FilterSpec{.deny = kPaths})->Apply(sizes);
BENCHMARK_CAPTURE(BM_FilterWalk, mapping, FilterSpec{.mapping = kMapping})->Apply(sizes);
BENCHMARK_CAPTURE(BM_FilterWalk, target, FilterSpec{.target = "items.p"})->Apply(sizes);

}  // namespace
}  // namespace gladius::json
