// The Relay executor: one backend, no-op. The answer's head is rewritten right in front of the body bytes that came
// with it, so a usual answer is one recv and one send, and its body is never copied.
#include <errno.h>
#include <zlib.h>

#include <cstring>

#include "base/pool.h"
#include "engine/handle.h"
#include "engine/inflate.h"
#include "engine/open.h"
#include "engine/respond.h"

namespace gladius::engine {

using http::Framing;
using http::Token;
using upstream::BodyRun;

namespace {

constexpr size_t kFairBytes = 512 * 1024;  // then the other connections have their turn

struct ClientFraming {
    bool chunked = false;
    bool bodiless = false;
};

// Writes the head for the client from the backend's: kept fields are copied in runs, as they came.
void compose_head(Exchange& ex, upstream::Call& call, bool inflating, std::string_view first, HeadWriter& h,
                  ClientFraming& f) {
    const http::ResponseHead& in = call.head;
    const http::Field* fields = call.fields();
    h.status_line(in.status);
    f.bodiless = ex.head.method == http::Method::head || in.status == 204 || in.status == 304;
    uint64_t drop = inflating ? http::bit(Token::content_encoding) | http::bit(Token::content_length) : 0;
    // RFC 9110 15.4.5 and 15.3.5, as the reference's server does it.
    if (in.status == 204) drop |= http::bit(Token::content_length);
    if (in.status == 304) drop |= http::bit(Token::content_length) | http::bit(Token::content_type);
    bool length = (in.mask & http::bit(Token::content_length)) && !(drop & http::bit(Token::content_length)) &&
                  in.framing != Framing::chunked;
    const char* run = nullptr;
    bool seen_length = false;
    auto line_end = [&](uint32_t i) {
        return call.base + (i + 1 < in.field_count ? fields[i + 1].name_off : in.head_len - 2);
    };
    for (uint32_t i = 0; i < in.field_count; ++i) {
        const http::Field& x = fields[i];
        bool nominated = (x.flags & http::Field::kNominated) && x.token != Token::content_length;
        bool keep =
            !(http::is_hop_by_hop(x.token) || nominated || (x.token != Token::unknown && (http::bit(x.token) & drop)));
        if (x.token == Token::content_length) {
            keep = keep && length && !seen_length;
            seen_length = true;
        }
        const char* begin = call.base + x.name_off;
        if (keep && (x.flags & http::Field::kCanonical)) {
            if (!run) run = begin;
            continue;
        }
        if (run) {
            h.raw({run, static_cast<size_t>(begin - run)});
            run = nullptr;
        }
        if (!keep) continue;
        h.canonical_name(http::name_of(call.base, x));
        begin += x.name_len;
        h.raw({begin, static_cast<size_t>(line_end(i) - begin)});
    }
    if (run) h.raw({run, static_cast<size_t>(line_end(in.field_count - 1) - run)});
    if (!(in.mask & http::bit(Token::content_type)) && !f.bodiless && !first.empty() &&
        !(in.mask & http::bit(Token::content_encoding)))
        h.field("Content-Type", sniff_content_type(first));
    h.field("X-Krakend", ex.plan->service->krakend_header);
    // Static data has no place in a body that passes as it is; the reference shows it in the head only.
    bool completed = ex.plan->static_data && ex.plan->static_data->on_success();
    h.raw(completed ? "X-Krakend-Completed: true\r\n" : "X-Krakend-Completed: false\r\n");
    if (completed) h.raw(ex.plan->cache_control);
    if (!f.bodiless && !length) {
        if (ex.head.minor_version == 1) {
            f.chunked = true;
            h.raw("Transfer-Encoding: chunked\r\n");
        } else {
            ex.close = true;
        }
    }
    h.finish(ex, in.mask & http::bit(Token::date));
}

// Sends one run of body bytes that lie in a buffer with room on both sides; `lead` goes in front of them.
// Returns false when the client is gone.
struct RunBytes {
    char* begin;
    size_t n;
};
RunBytes frame(char* data, size_t n, bool last, bool chunked, std::string_view lead) {
    char* begin = data;
    size_t total = n;
    if (chunked) {
        if (n > 0) {
            size_t k = http::write_chunk_head(begin, n);
            begin -= k;
            std::memcpy(data + n, "\r\n", 2);
            total += k + 2;
        }
        if (last) {
            std::memcpy(begin + total, "0\r\n\r\n", 5);
            total += 5;
        }
    }
    if (!lead.empty()) {
        begin -= lead.size();
        std::memcpy(begin, lead.data(), lead.size());
        total += lead.size();
    }
    return {begin, total};
}

rt::Task<void> relay_inflated(Exchange& ex, BackendCall& backend, BodyRun& run, HeadWriter& h, const ClientFraming& f);

}  // namespace

rt::Task<void> relay(Exchange& ex) {
    BackendCall backend(ex);
    const plan::BackendPlan& b = ex.plan->backends[0];
    bool opened = backend.prepare(b, nullptr) && co_await backend.start(ex.scope);
    if (opened && backend.redirected()) opened = co_await backend.follow(ex.scope);
    if (!opened) {
        backend.take_call_error();
        if (backend.error.kind == upstream::Failure::cancelled && !ex.body.failed) {
            ex.gone = true;
            co_return;
        }
        if (ex.plan->static_data && ex.plan->static_data->on_failure() && !ex.body.failed) {
            ex.add_error(failure_text(backend.error, backend.method, backend.url()));
            Answer empty;
            empty.completed = 0;
            co_await answer(ex, empty);
            co_return;
        }
        int status = ex.body.failed                                       ? (ex.body.too_large ? 413 : 400)
                     : backend.error.kind == upstream::Failure::too_large ? 503
                                                                          : 500;
        co_await answer_failure(ex, status, failure_text(backend.error, backend.method, backend.url()));
        co_return;
    }
    upstream::Call& call = backend.call();
    ex.status = call.head.status;
    if (ex.w.draining()) ex.close = true;
    // The backend answered before it had all of the request: the rest of the body is not worth reading.
    if (call.uploading() || !ex.body.done) ex.close = true;

    bool inflating = backend.head.asked_gzip && (call.head.mask & http::bit(Token::content_encoding)) &&
                     ex.head.method != http::Method::head && call.may_have_body() && is_gzip(call);
    BodyRun run = call.first();
    HeadWriter h(ex.w.tx());
    ClientFraming f;
    compose_head(ex, call, inflating, {run.data, run.n}, h, f);
    if (inflating) {
        co_await relay_inflated(ex, backend, run, h, f);
        co_return;
    }
    if (f.bodiless) {
        run.n = 0;
        run.done = true;
    }
    std::string_view lead = h.bytes();
    size_t moved = 0;
    size_t piece = Worker::kReceive;
    for (;;) {
        RunBytes out = frame(run.data, run.n, run.done, f.chunked, lead);
        lead = {};
        size_t done = 0;
        if (out.n > 0 && !write_fast(ex, out.begin, out.n, done)) {
            // A slow receiver: what waits for it is copied, so take smaller pieces from now on.
            piece = 16 * 1024;
            if (!co_await write_slow(ex, out.begin + done, out.n - done, ex.scope)) break;
        }
        if (run.done || run.failed) break;
        moved += run.n;
        if (moved > kFairBytes) {
            moved = 0;
            co_await ex.w.loop.yield();
        }
        run = co_await call.next(piece);
        if (run.data == nullptr) run.data = ex.w.rx();
        if (run.failed && run.n == 0) break;
    }
    if (run.failed || ex.gone) {
        // Cut short: no last chunk, and the connection ends, so that the client sees it.
        ex.close = true;
        ex.gone = true;
        if (run.failed && !call.error.text.empty()) ex.add_error(call.error.text);
    }
    if (call.uploading()) {
        co_await backend.end();
    } else {
        backend.end_now();
    }
}

namespace {

// Gzip that the gateway asked for itself is unpacked on the way (the reference's transport does it, no-op or not): 32
// KiB window, output as it comes, flushed with every piece of input.
rt::Task<void> relay_inflated(Exchange& ex, BackendCall& backend, BodyRun& run, HeadWriter& h, const ClientFraming& f) {
    upstream::Call& call = backend.call();
    constexpr size_t kIn = 16 * 1024, kOut = 32 * 1024, kRoom = 64;
    uint64_t cost = kIn + kOut + Inflater::kBytes;
    if (!ex.w.budget().take(cost)) {
        ex.status = 0;
        Answer a;
        a.status = 503;
        a.content_type = "text/plain; charset=utf-8";
        a.body = "the memory budget of the gateway is used up; try again later";
        a.completed = 0;
        co_await answer(ex, a);
        co_await backend.end();
        co_return;
    }
    char* in = static_cast<char*>(pool_allocate(kIn));
    char* out = static_cast<char*>(pool_allocate(kOut));
    Inflater z;
    std::string_view head = ex.arena.copy(h.bytes());
    bool broken = false, whole = false;
    size_t moved = 0;
    // Writing waits, and the receive buffer does not: input stands in a buffer of our own.
    size_t first_n = run.n;
    char* first = static_cast<char*>(pool_allocate(first_n));
    if (first_n) std::memcpy(first, run.data, first_n);
    std::string_view rest{first, first_n};
    for (;;) {
        bool stalled = false;  // no more output from this input
        while (!stalled) {
            size_t produced = 0;
            char* o = out + kRoom;
            if (z.run(rest, o, kOut - 2 * kRoom, produced) == Inflater::State::bad) {
                broken = true;
                break;
            }
            stalled = produced == 0 && rest.empty();
            whole = stalled && run.done && z.complete();
            if (!head.empty()) {
                size_t done = 0;
                if (!write_fast(ex, head.data(), head.size(), done) &&
                    !co_await write_slow(ex, head.data() + done, head.size() - done, ex.scope))
                    break;
                head = {};
            }
            RunBytes bytes = frame(o, produced, whole, f.chunked, {});
            size_t done = 0;
            if (bytes.n > 0 && !write_fast(ex, bytes.begin, bytes.n, done) &&
                !co_await write_slow(ex, bytes.begin + done, bytes.n - done, ex.scope))
                break;
            moved += produced;
            if (moved > kFairBytes) {
                moved = 0;
                co_await ex.w.loop.yield();
            }
        }
        if (whole || broken || ex.gone) break;
        broken = run.done || run.failed;  // the packed stream ends before its end
        if (broken) break;
        run = co_await call.next(kIn);
        if (run.n > 0) std::memcpy(in, run.data, run.n);
        rest = {in, run.n};
    }
    if (!whole) {
        ex.close = true;
        if (broken)
            ex.add_error(call.error.text.empty() ? std::string_view("gzip: invalid or cut answer of the backend")
                                                 : call.error.text);
        if (broken && !head.empty()) {
            // Not a byte was said yet.
            ex.status = 0;
            co_await answer_failure(ex, 500, "gzip: invalid header");
        } else {
            // Cut short: no last chunk, and the connection ends, so that the client sees it.
            ex.gone = true;
        }
    }
    pool_free(first, first_n);
    pool_free(in, kIn);
    pool_free(out, kOut);
    ex.w.budget().give(cost);
    co_await backend.end();
}

}  // namespace

}  // namespace gladius::engine
