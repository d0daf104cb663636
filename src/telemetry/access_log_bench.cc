#include "telemetry/access_log.h"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

namespace gladius::telemetry {
namespace {

// Time per line in the worker. The ring is emptied outside the measurement, so that no line is dropped.
void access_line(benchmark::State& state, bool color, std::string_view path) {
    constexpr int kLines = 500;
    int fd = open("/dev/null", O_WRONLY);
    Log log({}, fd);
    AccessLog access(*log.add_writer(), color);
    AccessRecord r{200, 44'151'234, 1'700'000'000, "127.0.0.1", "GET", path, "page=3&sort=name"};
    while (state.KeepRunningBatch(kLines)) {
        for (int i = 0; i < kLines; ++i) {
            r.latency_ns += 10'000;
            access.write(r);
        }
        state.PauseTiming();
        log.flush();
        state.ResumeTiming();
    }
    log.stop();
    state.counters["dropped"] = static_cast<double>(log.dropped());
    close(fd);
}
BENCHMARK_CAPTURE(access_line, plain, false, "/api/v1/products/42");
BENCHMARK_CAPTURE(access_line, color, true, "/api/v1/products/42");
BENCHMARK_CAPTURE(access_line, escapes, false, "/caf\xC3\xA9/\"a\"\n\x1b[31m/x");

}  // namespace
}  // namespace gladius::telemetry
