// One request over HTTP/2 through the session, without the engine: decode, head, answer of 300 bytes; and what of it is
// the reading of the answer's head.
#include <benchmark/benchmark.h>

#include <string>

#include "proto/h2_test_support.h"

namespace gladius::proto {
namespace {

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nX-Krakend: Version 2.13.8\r\nX-Krakend-Completed: false\r\nServer: backend/1.0\r\n"
    "Content-Type: application/json\r\nCache-Control: public, max-age=60\r\nDate: Tue, 24 Nov 2026 23:42:05 GMT\r\n"
    "Content-Length: 300\r\n\r\n";

void request(benchmark::State& state) {
    H2TestOwner owner;
    H2Server server(owner, {});
    std::string hello = std::string(kH2Preface) + h2_frame(NGHTTP2_SETTINGS, 0, 0, "") +
                        h2_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, h2_number(0x7fffffff - 65535));
    server.receive(hello.data(), hello.size(), 1);
    std::string block = h2_block({{":method", "GET"},
                                  {":scheme", "https"},
                                  {":path", "/api/v1/users/42"},
                                  {":authority", "gateway.example"},
                                  {"user-agent", "bench/1.0"},
                                  {"accept", "application/json"},
                                  {"accept-encoding", "gzip"}});
    std::string answer = std::string(kHead) + std::string(300, 'x');
    uint32_t id = 1;
    for (auto _ : state) {
        std::string in = h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, id, block);
        server.receive(in.data(), in.size(), id);
        H2Stream* s = server.next_request();
        s->release_request();
        benchmark::DoNotOptimize(s->send(answer.data(), answer.size()));
        s->finish(true);
        s->close();
        server.output().clear();
        server.sent();
        id += 2;
    }
}
BENCHMARK(request);

void read_head_again(benchmark::State& state) {
    std::string_view lines = kHead.substr(kHead.find("\r\n") + 2);
    for (auto _ : state) {
        FieldList fields;
        FieldList::Facts facts;
        benchmark::DoNotOptimize(h1_head_size(kHead));
        benchmark::DoNotOptimize(fields.add_lines(lines, facts));
        benchmark::DoNotOptimize(fields.data());
    }
}
BENCHMARK(read_head_again);

}  // namespace
}  // namespace gladius::proto
