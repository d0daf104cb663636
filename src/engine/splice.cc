#include "engine/splice.h"

#include <errno.h>

#include <algorithm>
#include <cstring>

#include "engine/stream_watch.h"
#include "net/pipes.h"

namespace gladius::engine {

namespace {

constexpr uint64_t kSlowMs = 200;

// Empties the pipe into the receiver.
rt::Task<bool> pour(Exchange& ex, net::Pipe& pipe, rt::Io& to, SpliceRun& run, rt::Scope& scope) {
    while (pipe.filled > 0) {
        ssize_t n = to.splice_from_pipe(pipe.read_end, pipe.filled);
        if (n > 0) {
            pipe.filled -= static_cast<size_t>(n);
            if (ex.stream) ex.stream->moved();
            continue;
        }
        if (n == 0 || errno != EAGAIN) co_return false;
        uint64_t before = ex.w.loop.now_ms();
        rt::IoResult r = co_await to.writable(scope);
        if (r.wake != rt::Wake::ready || r.error) co_return false;
        if (ex.w.loop.now_ms() - before > kSlowMs) run.slow = true;
    }
    co_return true;
}

rt::Task<bool> write_text(rt::Io& to, const char* text, size_t n, rt::Scope& scope) {
    rt::IoResult r = co_await to.write(text, n, scope);
    co_return r.wake == rt::Wake::ready && !r.error;
}

rt::Task<bool> splice_through(Exchange& ex, net::Pipe& pipe, rt::Io& from, rt::Io& to, SpliceRun& run,
                              rt::Scope& scope) {
    char line[32] = "\r\n";  // the end of a chunk, and the head of the next one
    bool framed = false;
    while (run.left > 0 && !run.slow && !scope.ended()) {
        ssize_t n = from.splice_to_pipe(pipe.write_end, std::min<uint64_t>(run.left, net::Pipe::kBytes));
        if (n <= 0) break;
        pipe.filled = static_cast<size_t>(n);
        run.left -= pipe.filled;
        if (run.chunked) {
            char head[24];
            size_t k = http::write_chunk_head(head + sizeof head, pipe.filled);
            std::memcpy(line + 2, head + sizeof head - k, k);
            size_t skip = framed ? 0 : 2;
            if (!co_await write_text(to, line + skip, k + 2 - skip, scope)) co_return false;
            framed = true;
        }
        if (!co_await pour(ex, pipe, to, run, scope)) co_return false;
        co_await ex.w.loop.yield();  // a pipe holds more than a fair share of a turn
    }
    if (!framed) co_return true;
    co_return co_await write_text(to, line, 2, scope);
}

}  // namespace

rt::Task<bool> splice_body(Exchange& ex, rt::Io& from, rt::Io& to, SpliceRun& run, rt::Scope& scope) {
    if (!ex.w.budget().take(net::Pipe::kBytes)) co_return true;
    net::Pipe* pipe = ex.w.pipes().take();
    bool ok = true;
    if (pipe) {
        ok = co_await splice_through(ex, *pipe, from, to, run, scope);
        ex.w.pipes().give_back(pipe);
    }
    ex.w.budget().give(net::Pipe::kBytes);
    co_return ok;
}

}  // namespace gladius::engine
