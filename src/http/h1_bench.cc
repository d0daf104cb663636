// Heads as they come from a browser and from a backend, parsed by the fast and by the scalar parser.
#include <benchmark/benchmark.h>

#include <string>

#include "http/date.h"
#include "http/h1.h"
#include "http/url.h"

namespace gladius::http {
namespace {

// 929 bytes, 10 fields.
const std::string& browser_request() {
    static const std::string text = [] {
        std::string s =
            "GET /api/v2/catalogue/products/4711/reviews?page=2&limit=50&sort=newest HTTP/1.1\r\n"
            "Host: shop.example.org\r\n"
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
            "Safari/537.36\r\n"
            "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
            "Accept-Language: de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7\r\n"
            "Accept-Encoding: gzip, deflate, br, zstd\r\n"
            "Connection: keep-alive\r\n"
            "Upgrade-Insecure-Requests: 1\r\n"
            "Referer: https://shop.example.org/catalogue/products/4711\r\n"
            "Cache-Control: max-age=0\r\n"
            "Cookie: session=";
        while (s.size() < 929 - 4)
            s += static_cast<char>('a' + s.size() % 26);
        return s + "\r\n\r\n";
    }();
    return text;
}

const std::string& backend_response() {
    static const std::string text =
        "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        "Content-Type: application/json; charset=utf-8\r\nContent-Length: 2735\r\nConnection: keep-alive\r\n"
        "Cache-Control: public, max-age=60\r\nETag: \"5f3c-5e0d4b1f\"\r\nVary: Accept-Encoding\r\n\r\n";
    return text;
}

using ParseRequest = Status (*)(const char*, size_t, const Limits&, Field*, size_t, RequestHead&);
template <ParseRequest parse>
void request_head(benchmark::State& state) {
    const std::string& text = browser_request();
    Field fields[64];
    RequestHead head;
    for (auto _ : state) {
        benchmark::DoNotOptimize(parse(text.data(), text.size(), {}, fields, 64, head));
        benchmark::ClobberMemory();
    }
    if (head.head_len != text.size() || head.field_count != 10) state.SkipWithError("the head was not parsed");
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
BENCHMARK(request_head<parse_request_scalar>)->Name("request_head/scalar");
BENCHMARK(request_head<parse_request>)->Name("request_head/simd");

using ParseResponse = Status (*)(const char*, size_t, const Limits&, Method, Field*, size_t, ResponseHead&);
template <ParseResponse parse>
void response_head(benchmark::State& state) {
    const std::string& text = backend_response();
    Field fields[64];
    ResponseHead head;
    for (auto _ : state) {
        benchmark::DoNotOptimize(parse(text.data(), text.size(), {}, Method::get, fields, 64, head));
        benchmark::ClobberMemory();
    }
    if (head.head_len != text.size()) state.SkipWithError("the head was not parsed");
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
BENCHMARK(response_head<parse_response_scalar>)->Name("response_head/scalar");
BENCHMARK(response_head<parse_response>)->Name("response_head/simd");

void target(benchmark::State& state) {
    char memory[4096];
    for (auto _ : state) {
        Arena arena(memory, sizeof memory);
        benchmark::DoNotOptimize(
            parse_target("/api/v2/catalogue/products/4711/reviews?page=2&limit=50&sort=newest", arena));
    }
}
BENCHMARK(target);

void query(benchmark::State& state) {
    char memory[4096];
    for (auto _ : state) {
        Arena arena(memory, sizeof memory);
        benchmark::DoNotOptimize(encode_query("page=2&limit=50&sort=newest&q=a%20b", nullptr, arena));
    }
}
BENCHMARK(query);

void chunked(benchmark::State& state) {
    std::string text;
    for (int i = 0; i < 4; ++i)
        text += "400\r\n" + std::string(1024, 'x') + "\r\n";
    text += "0\r\n\r\n";
    for (auto _ : state) {
        ChunkedDecoder decoder;
        const char* p = text.data();
        const char* end = p + text.size();
        while (p != end) {
            auto step = decoder.next(p, static_cast<size_t>(end - p));
            p += step.consumed;
            benchmark::DoNotOptimize(step.data.data());
            if (step.state != ChunkedDecoder::State::more) break;
        }
    }
}
BENCHMARK(chunked);

void date(benchmark::State& state) {
    char out[kDateLen];
    int64_t now = 1767225600;
    for (auto _ : state) {
        write_date(now++, out);
        benchmark::ClobberMemory();
    }
}
BENCHMARK(date);

}  // namespace
}  // namespace gladius::http
