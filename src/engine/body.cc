#include "engine/body.h"

#include <errno.h>

#include <cstring>

#include "engine/handle.h"
#include "engine/splice.h"
#include "engine/stream_watch.h"

namespace gladius::engine {

using upstream::BodyRun;

void begin_body(Exchange& ex) {
    RequestBody& b = ex.body;
    b.framing = ex.head.framing;
    b.remaining = ex.head.framing == http::Framing::length ? ex.head.content_length : 0;
    b.done = b.framing == http::Framing::none || (b.framing == http::Framing::length && b.remaining == 0);
    b.continue_due = !b.done && ex.head.expect_continue && ex.c.in.empty();
    uint64_t limit = ex.w.snapshot().server.max_request_body;
    if (limit && b.remaining > limit) b.failed = b.too_large = true;
}

namespace {

constexpr uint64_t kDrainBytes = 256 * 1024;

// Decodes n bytes that stand at data; body bytes are moved together in place. `used` is how many bytes belong to this
// request.
BodyRun decode(Exchange& ex, char* data, size_t n, size_t& used) {
    RequestBody& b = ex.body;
    BodyRun run{data, 0, false, false};
    if (b.framing == http::Framing::length) {
        used = n < b.remaining ? n : static_cast<size_t>(b.remaining);
        b.remaining -= used;
        run.n = used;
        b.done = b.remaining == 0;
    } else if (b.framing == http::Framing::until_close) {
        used = run.n = n;
    } else {
        size_t in = 0, out = 0;
        while (in < n && !b.done) {
            auto step = b.chunked.next(data + in, n - in);
            if (!step.data.empty()) {
                if (data + out != step.data.data()) std::memmove(data + out, step.data.data(), step.data.size());
                out += step.data.size();
            }
            in += step.consumed;
            if (step.state == http::ChunkedDecoder::State::error) {
                b.failed = run.failed = true;
                ex.close = true;
                break;
            }
            if (step.state == http::ChunkedDecoder::State::done) b.done = true;
            if (step.consumed == 0) break;
        }
        run.n = out;
        used = in;
    }
    b.seen += run.n;
    uint64_t limit = ex.w.snapshot().server.max_request_body;
    if (limit && b.seen > limit) {
        b.failed = b.too_large = run.failed = true;
        b.done = false;  // also when its end was seen: nobody shall take it for a whole one
        ex.close = true;
    }
    run.done = b.done;
    return run;
}

}  // namespace

bool body_at_hand(Exchange& ex, std::string_view* out) {
    RequestBody& b = ex.body;
    if (b.done) {
        if (out) *out = b.whole;
        return true;
    }
    InputBuffer& in = ex.c.in;
    if (in.empty() || b.failed) return false;
    if (b.framing == http::Framing::length) {
        if (in.size() < b.remaining) return false;
        auto n = static_cast<size_t>(b.remaining);
        if (out) *out = b.whole = ex.arena.copy({in.data(), n});
        in.consume(n);
        b.seen = n;
        b.remaining = 0;
        b.done = true;
        return true;
    }
    if (b.framing != http::Framing::chunked) return false;
    // Only when its end is there too. A trial on a copy, since the bytes stay when it is not.
    if (in.size() > Worker::kReceive) return false;
    http::ChunkedDecoder trial;
    size_t at = 0;
    bool whole = false;
    while (at < in.size()) {
        auto step = trial.next(in.data() + at, in.size() - at);
        at += step.consumed;
        if (step.state == http::ChunkedDecoder::State::done) whole = true;
        if (step.state != http::ChunkedDecoder::State::more || step.consumed == 0) break;
    }
    if (!whole) return false;
    size_t used = 0;
    BodyRun run = decode(ex, in.data(), in.size(), used);
    if (out) *out = b.whole = ex.arena.copy({run.data, run.n});
    in.consume(used);
    return !run.failed;
}

bool NextBody::at_hand() {
    RequestBody& b = ex.body;
    if (b.failed || b.done) {
        run.failed = b.failed;
        run.done = b.done;
        return true;
    }
    if (b.continue_due) {
        b.continue_due = false;
        static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        // Without waiting: the backend's answer may be written at the same time. A client that took so little of former
        // answers that these bytes do not fit is given up.
        if (ex.c.io.write_now(kContinue.data(), kContinue.size()) != static_cast<ssize_t>(kContinue.size())) {
            b.failed = run.failed = ex.gone = ex.close = true;
            return true;
        }
    }
    InputBuffer& in = ex.c.in;
    if (in.empty()) return false;
    char* rx = ex.w.rx();
    size_t n = in.size() < Worker::kReceive ? in.size() : Worker::kReceive;
    size_t used = 0;
    std::memcpy(rx, in.data(), n);
    run = decode(ex, rx, n, used);
    in.consume(used);
    return true;
}

BodyRun NextBody::take(rt::IoResult r) {
    RequestBody& b = ex.body;
    if (b.framing == http::Framing::until_close && r.wake == rt::Wake::ready && r.n == 0) {
        // A stream of HTTP/2 has an end of its own.
        b.done = run.done = true;
        return run;
    }
    if (!r.ok()) {
        run.failed = true;
        ex.close = true;
        // Closed in the middle of its body; otherwise nobody waits for it any more, which is not the client's fault.
        if (r.wake == rt::Wake::ready) b.failed = ex.gone = true;
        return run;
    }
    char* rx = ex.w.rx();
    auto n = static_cast<size_t>(r.n);
    size_t used = 0;
    if (!ex.c.is_stream) ex.w.counters.add(telemetry::Counter::client_bytes_received, n);
    run = decode(ex, rx, n, used);
    if (used < n && !run.failed && !ex.c.in.append(rx + used, n - used)) ex.close = true;  // the next request
    if (b.done && ex.c.io.peer_closed()) client_hung_up(ex.c);  // it came in one event with the last bytes
    return run;
}

rt::Task<WholeBody> read_whole_body(Exchange& ex, rt::Scope& scope, std::string_view& out) {
    constexpr size_t kFirstPiece = 1024;  // a body may come slowly, or never
    char* body = nullptr;
    size_t n = 0, cap = 0;
    while (!ex.body.done) {
        BodyRun run = co_await next_body(ex, scope);
        if (run.failed) co_return WholeBody::failed;
        if (n + run.n > cap) {
            size_t want = cap ? cap * 2 : kFirstPiece;
            while (want < n + run.n)
                want *= 2;
            if (!ex.charge(want)) co_return WholeBody::no_memory;
            char* bigger = ex.arena.chars(want);
            if (n) std::memcpy(bigger, body, n);
            body = bigger;
            cap = want;
        }
        if (run.n) std::memcpy(body + n, run.data, run.n);
        n += run.n;
    }
    out = ex.body.whole = {body, n};
    co_return WholeBody::complete;
}

bool worth_draining(const Exchange& ex) {
    return ex.body.done || !(ex.body.continue_due || ex.body.failed || ex.body.remaining > kDrainBytes);
}

rt::Task<bool> drain_body(Exchange& ex) {
    constexpr uint64_t kDrainMs = 5000;  // who takes longer for so little is not worth waiting for
    rt::Scope scope(ex.w.loop, &ex.c.scope);
    scope.deadline_in(kDrainMs);
    uint64_t drained = 0;
    while (!ex.body.done) {
        if (ex.body.failed || ex.close || drained > kDrainBytes) co_return false;
        BodyRun run = co_await next_body(ex, scope);
        if (run.failed) co_return false;
        drained += run.n;
    }
    co_return true;
}

void ClientBodyFeed::skip(uint64_t left) {
    RequestBody& b = ex_.body;
    uint64_t n = b.remaining - left;
    b.seen += n;
    b.remaining = left;
    b.done = left == 0;
    ex_.w.counters.add(telemetry::Counter::client_bytes_received, n);
    ex_.w.counters.add(telemetry::Counter::backend_bytes_sent, n);
    if (b.done && ex_.c.io.peer_closed()) client_hung_up(ex_.c);  // it came in one event with the last bytes
}

rt::Task<bool> ClientBodyFeed::send_to(rt::Io& io, rt::Scope& scope) {
    if (ex_.stream) ex_.stream->upload_begins(io);
    bool sent = co_await send_all(io, scope);
    if (ex_.stream) ex_.stream->upload_ended();
    co_return sent;
}

rt::Task<bool> ClientBodyFeed::send_all(rt::Io& io, rt::Scope& scope) {
    constexpr size_t kFairBytes = 512 * 1024;  // then the other connections have their turn
    size_t moved = 0;
    bool slow = false;
    for (;;) {
        BodyRun run = co_await next_body(ex_, scope);
        if (run.failed) {
            // The backend must see that this is no whole request: its connection is closed by the call. When the upload
            // itself was stopped, somebody has an answer already, and goes on.
            if (!scope.ended()) ex_.scope.cancel(rt::Wake::cancelled);
            co_return false;
        }
        char* begin = run.data;
        size_t n = run.n;
        if (chunked_ && n > 0) {
            size_t k = http::write_chunk_head(begin, n);
            begin -= k;
            std::memcpy(run.data + n, "\r\n", 2);
            n += k + 2;
        }
        if (chunked_ && run.done) {
            if (!begin) begin = ex_.w.rx();
            std::memcpy(begin + n, "0\r\n\r\n", 5);
            n += 5;
        }
        if (n > 0) {
            ssize_t sent = io.write_now(begin, n);
            if (sent < 0 && errno != EAGAIN) co_return false;
            size_t done = sent > 0 ? static_cast<size_t>(sent) : 0;
            if (done < n && !co_await upstream::write_rest(io, begin + done, n - done, scope)) co_return false;
            ex_.w.counters.add(telemetry::Counter::backend_bytes_sent, n);
        }
        if (ex_.stream) ex_.stream->moved();
        if (run.done) co_return true;
        if (run.n == Worker::kReceive && !slow && ex_.body.remaining >= kLeastSpliced && can_splice(ex_.c.io, io)) {
            SpliceRun rest(ex_.body.remaining);
            rest.chunked = chunked_;
            bool sent = co_await splice_body(ex_, ex_.c.io, io, rest, scope);
            slow = rest.slow;
            skip(rest.left);
            if (!sent) co_return false;
            continue;
        }
        moved += run.n;
        if (moved > kFairBytes) {
            moved = 0;
            co_await ex_.w.loop.yield();
        }
    }
}

}  // namespace gladius::engine
