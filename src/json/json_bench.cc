// Scanning, printing and filtering of documents as HTTP interfaces send them: 1 and 2.7 KiB, keys not sorted; the same
// one as Go would print it (copied) and with white space (printed anew).
#include <benchmark/benchmark.h>

#include <string>

#include <simdjson.h>

#include "encodings/decode.h"
#include "encodings/render.h"
#include "json/emit.h"
#include "json/filter.h"
#include "json/merge.h"
#include "json/scan.h"

namespace gladius::json {
namespace {

using encodings::decode;
using encodings::Decoded;
using encodings::Decoder;
using encodings::render;
using encodings::Renderer;

std::string person(int i, const char* space) {
    std::string n = std::to_string(i);
    std::string s = space;
    return "{" + s + "\"id\":" + s + n + "," + s + "\"name\":" + s + "\"Person Number " + n + "\"," + s +
           "\"email\":" + s + "\"person" + n + "@example.com\"," + s + "\"active\":" + s + "true," + s +
           "\"balance\":" + s + "1203.50," + s + "\"address\":" + s + "{" + s + "\"street\":" + s +
           "\"12 Some Street\"," + s + "\"city\":" + s + "\"Vic\"," + s + "\"geo\":" + s +
           "{\"lat\":41.930,\"lng\":2.2545}}," + s + "\"tags\":" + s + "[\"alpha\",\"beta\",\"gamma\"]," + s +
           "\"note\":" + s + "\"a longer text that says something about the person, with \\\"quotes\\\"\"}";
}

std::string document(int people, const char* space) {
    std::string s = "{\"total\":7,\"page\":1,\"next\":\"/people?page=2\",\"people\":[";
    for (int i = 0; i < people; ++i)
        s += (i ? "," : "") + person(i, space);
    return s + "],\"meta\":{\"took\":12,\"cached\":false}}";
}

std::string sorted(const std::string& body) {
    Arena arena;
    ArenaOutput out(arena, body.size());
    emit(Value::of(scan(body, arena), 0), arena, out);
    return std::string(out.view());
}

std::string body_of(int64_t shape) {
    switch (shape) {
        case 0:
            return document(3, "");
        case 1:
            return document(9, "");
        case 2:
            return document(8, " ");
        default:
            return sorted(document(9, ""));
    }
}

constexpr const char* kShapes[] = {"1KiB", "2.7KiB", "2.7KiB-spaces", "2.7KiB-canonical"};

void finish(benchmark::State& state, const std::string& body) {
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
    state.SetLabel(std::string(kShapes[state.range(0)]) + " " + std::to_string(body.size()));
}

void BM_JsonScan(benchmark::State& state) {
    std::string body = body_of(state.range(0));
    char memory[64 * 1024];
    for (auto _ : state) {
        Arena arena(memory, sizeof(memory));
        benchmark::DoNotOptimize(scan(body, arena, 1));
    }
    finish(state, body);
}
BENCHMARK(BM_JsonScan)->DenseRange(0, 3);

void BM_JsonScanEmit(benchmark::State& state) {
    std::string body = body_of(state.range(0));
    char memory[64 * 1024];
    for (auto _ : state) {
        Arena arena(memory, sizeof(memory));
        Decoded d = decode(Decoder::json, body, arena);
        ArenaOutput out(arena, estimate(d.data));
        render(Renderer::json, &d.data, arena, out);
        benchmark::DoNotOptimize(out.view());
    }
    finish(state, body);
}
BENCHMARK(BM_JsonScanEmit)->DenseRange(0, 3);

void BM_JsonFilter(benchmark::State& state) {
    std::string body = body_of(state.range(0));
    std::vector<std::string> allow = {"total", "people", "meta.took", "next", "nothing"};
    std::vector<std::pair<std::string, std::string>> mapping = {{"people", "items"}};
    FilterProgram filter = FilterProgram::compile({.allow = allow, .mapping = mapping, .group = "data"});
    char memory[64 * 1024];
    for (auto _ : state) {
        Arena arena(memory, sizeof(memory));
        Decoded d = decode(Decoder::json, body, arena, filter.keep_depth(), filter.selection());
        Value v = filter.apply(d.data, arena);
        ArenaOutput out(arena, estimate(v));
        render(Renderer::json, &v, arena, out);
        benchmark::DoNotOptimize(out.view());
    }
    finish(state, body);
}
BENCHMARK(BM_JsonFilter)->DenseRange(0, 3);

void BM_JsonMerge(benchmark::State& state) {
    std::string body = body_of(state.range(0));
    std::string other = R"({"user":{"id":7,"name":"Ana"},"orders":[1,2,3]})";
    char memory[64 * 1024];
    for (auto _ : state) {
        Arena arena(memory, sizeof(memory));
        Merge merge(arena, 2);
        for (const std::string* b : {&body, &other})
            merge.add(decode(Decoder::json, *b, arena).data, true);
        Merged m = merge.finish();
        ArenaOutput out(arena, estimate(m.data));
        render(Renderer::json, &m.data, arena, out);
        benchmark::DoNotOptimize(out.view());
    }
    finish(state, body);
}
BENCHMARK(BM_JsonMerge)->DenseRange(0, 3);

// 1 MiB of which three fields are wanted, beside simdjson's parse of the same bytes: the bar is twice its time
// (bench/json_ratio.py).
std::string large_document() {
    std::string s = "{\"total\":7,\"people\":[";
    for (int i = 0; s.size() < size_t{1} << 20; ++i)
        s += (i ? "," : "") + person(i, "");
    return s + "],\"page\":1,\"meta\":{\"took\":12,\"cached\":false}}";
}

void BM_LargeFilter(benchmark::State& state) {
    std::string body = large_document();
    std::vector<std::string> allow = {"total", "page", "meta.took"};
    FilterProgram filter = FilterProgram::compile({.allow = allow});
    char memory[4 * 1024];
    for (auto _ : state) {
        Arena arena(memory, sizeof(memory));
        Decoded d = decode(Decoder::json, body, arena, filter.keep_depth(), filter.selection());
        Value v = filter.apply(d.data, arena);
        ArenaOutput out(arena, estimate(v));
        render(Renderer::json, &v, arena, out);
        benchmark::DoNotOptimize(out.view());
    }
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
}
BENCHMARK(BM_LargeFilter);

void BM_LargeSimdjson(benchmark::State& state) {
    simdjson::padded_string body(large_document());
    simdjson::dom::parser parser;
    for (auto _ : state) {
        auto doc = parser.parse(body);
        if (doc.error()) state.SkipWithError("not parsed");
        benchmark::DoNotOptimize(doc);
    }
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
}
BENCHMARK(BM_LargeSimdjson);

}  // namespace
}  // namespace gladius::json
