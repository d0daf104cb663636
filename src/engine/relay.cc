// The Relay executor: one backend, no-op. The answer's head is rewritten right in front of the body bytes that came
// with it, so a usual answer is one recv and one send, and its body is never copied.
#include <errno.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "base/pool.h"
#include "engine/body.h"
#include "engine/compress.h"
#include "engine/gates.h"
#include "engine/handle.h"
#include "engine/inflate.h"
#include "engine/open.h"
#include "engine/respond.h"
#include "engine/splice.h"
#include "engine/stream_watch.h"
#include "engine/tunnel.h"
#include "net/socket.h"

namespace gladius::engine {

using http::Framing;
using http::Token;
using upstream::BodyRun;

namespace {

constexpr size_t kFairBytes = 512 * 1024;  // then the other connections have their turn

struct ClientFraming {
    bool chunked = false;
    bool bodiless = false;
    bool untyped = false;  // the head lacks a type, and there was no byte of the body yet to guess it from
    bool until_close = false;
};

// The body ends before its end: no last chunk, or fewer bytes than announced, and the connection ends. Where its end is
// the only sign (HTTP/1.0), it is reset, so that this client sees it too.
void cut_short(Exchange& ex, const ClientFraming& f) {
    ex.close = ex.gone = true;
    if (f.until_close) net::reset_on_close(ex.c.io.fd());
}

constexpr std::string_view kIdle = "gladius/stream: not a byte within idle_timeout";

// What of the backend's answer does not go to the client, apart from fields of the connection.
struct Rules {
    uint64_t drop = 0;
    bool bodiless = false;
    bool length = false;  // the body comes with the length that the backend said
};
Rules rules_of(const Exchange& ex, const http::ResponseHead& in, int status, bool asked_for_head, bool inflating) {
    Rules r;
    r.bodiless = ex.head.method == http::Method::head || status == 204 || status == 304;
    r.drop = inflating ? http::bit(Token::content_encoding) | http::bit(Token::content_length) : 0;
    // RFC 9110 15.4.5 and 15.3.5, as the reference's server does it.
    if (status == 204) r.drop |= http::bit(Token::content_length);
    if (status == 304) r.drop |= http::bit(Token::content_length) | http::bit(Token::content_type);
    // HEAD of the backend's: the length is that of a body that does not come.
    if (asked_for_head && !r.bodiless) r.drop |= http::bit(Token::content_length);
    r.length = (in.mask & http::bit(Token::content_length)) && !(r.drop & http::bit(Token::content_length)) &&
               in.framing != Framing::chunked;
    return r;
}

// Kept fields are copied in runs, as they came.
void copy_fields(const upstream::Call& call, const Rules& rules, HeadWriter& h) {
    const http::ResponseHead& in = call.head;
    const http::Field* fields = call.fields();
    const char* run = nullptr;
    bool seen_length = false;
    auto line_end = [&](uint32_t i) {
        return call.base + (i + 1 < in.field_count ? fields[i + 1].name_off : in.head_len - 2);
    };
    for (uint32_t i = 0; i < in.field_count; ++i) {
        const http::Field& x = fields[i];
        bool nominated = (x.flags & http::Field::kNominated) && x.token != Token::content_length;
        bool keep = !(http::is_hop_by_hop(x.token) || nominated ||
                      (x.token != Token::unknown && (http::bit(x.token) & rules.drop)));
        if (x.token == Token::content_length) {
            keep = keep && rules.length && !seen_length;
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
}

// The same of an answer that went through stages. Where the backend's length still holds, it is the backend's.
void copy_fields(const AnswerDraft& draft, const Rules& rules, uint64_t length, HeadWriter& h) {
    for (const DraftField& f : draft.headers.all()) {
        Token t = http::find_token(f.name);
        if (http::is_hop_by_hop(t) || t == Token::content_length || !valid_header_name(f.name)) continue;
        // A coding that is here now came after the unpacking.
        if (t != Token::unknown && t != Token::content_encoding && (http::bit(t) & rules.drop)) continue;
        h.raw(f.name);
        h.raw(": ");
        h.value(trimmed_value(f.value));
        h.raw("\r\n");
    }
    if (!rules.length) return;
    h.raw("Content-Length: ");
    h.number(length);
    h.raw("\r\n");
}

// Static data has no place in a body that passes as it is; the reference shows it in the head only.
bool completed_by_static(const Exchange& ex) {
    const plan::StaticData* fixed = ex.plan->static_data.get();
    return fixed && fixed->on_success() && fixed->text != "{}";
}

// How the end of a body is told whose length nobody knows, as lines of the head.
std::string_view unknown_length(Exchange& ex, ClientFraming& f) {
    if (ex.c.is_stream) return {};  // ends with the stream
    f.chunked = ex.head.minor_version == 1;
    if (f.chunked) return "Transfer-Encoding: chunked\r\n";
    ex.close = f.until_close = true;
    return {};
}

// Writes the head for the client from the backend's.
void compose_head(Exchange& ex, BackendCall& backend, const AnswerDraft* draft, bool inflating, std::string_view first,
                  HeadWriter& h, ClientFraming& f) {
    const upstream::Call& call = backend.call();
    const http::ResponseHead& in = call.head;
    int status = draft ? draft->status : in.status;
    Rules rules = rules_of(ex, in, status, backend.method == "HEAD", inflating);
    f.bodiless = rules.bodiless;
    h.status_line(status);
    // Ours come before what the backend says under these names.
    h.field("X-Krakend", ex.plan->service->krakend_header);
    bool completed = completed_by_static(ex);
    h.raw(completed ? "X-Krakend-Completed: true\r\n" : "X-Krakend-Completed: false\r\n");
    if (completed) h.raw(ex.plan->cache_control);
    write_stage_headers(ex, h);
    bool typed, coded, dated;
    if (draft) {
        copy_fields(*draft, rules, in.content_length, h);
        typed = draft->headers.has("Content-Type");
        coded = !draft->headers.get("Content-Encoding").empty();
        dated = draft->headers.has("Date");
    } else {
        copy_fields(call, rules, h);
        typed = in.mask & http::bit(Token::content_type);
        coded = !inflating && (in.mask & http::bit(Token::content_encoding));
        dated = in.mask & http::bit(Token::date);
    }
    f.untyped = !typed && !f.bodiless && !coded;
    if (f.untyped && !first.empty()) {
        h.field("Content-Type", sniff_content_type(first));
        f.untyped = false;
    }
    if (!f.bodiless && !rules.length) h.raw(unknown_length(ex, f));
    h.finish(ex, dated);
}

std::string_view add_type(Exchange& ex, std::string_view head, std::string_view body) {
    head.remove_suffix(2);
    return ex.arena.concat(head, ex.arena.concat("Content-Type: ", sniff_content_type(body), "\r\n"), "\r\n");
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

rt::Task<void> relay_inflated(Exchange& ex, BackendCall& backend, BodyRun& run, std::string_view head,
                              const ClientFraming& f);
rt::Task<void> relay_packed(Exchange& ex, BackendCall& backend, BodyRun& run, std::string_view head,
                            const ClientFraming& f, Compressor& z, StreamWatch& watch);

// The body is in the draft: nothing of the backend's goes through.
rt::Task<void> answer_from(Exchange& ex, BackendCall& backend, const AnswerDraft& draft);

// Apart from relay(), as are the next ones: its frame waits as long as a client likes, and each wait in it makes it
// larger.
rt::Task<void> read_first(upstream::Call& call, BodyRun& run) {
    while (run.n == 0 && !run.done && !run.failed)
        run = co_await call.next();
}

rt::Task<void> wait_for_room(Exchange& ex) {
    while (ex.c.io.room() == 0 && !ex.gone) {
        rt::IoResult r = co_await ex.c.io.writable(ex.scope);
        ex.gone = r.wake != rt::Wake::ready || r.error != 0;
    }
}

// No answer of the backend's.
rt::Task<void> answer_unopened(Exchange& ex, BackendCall& backend) {
    const plan::BackendPlan& b = ex.plan->backends[0];
    if (backend.error.kind == upstream::Failure::cancelled && !ex.body.failed) {
        ex.gone = true;
        co_return;
    }
    if (ex.plan->static_data && ex.plan->static_data->on_failure() && !ex.body.failed) {
        ex.add_error(failure_text(backend.error, b.method_name, backend.url()));
        Answer empty;
        empty.completed = 0;
        co_await answer(ex, empty);
        co_return;
    }
    int status = ex.body.failed                                       ? (ex.body.too_large ? 413 : 400)
                 : backend.error.kind == upstream::Failure::too_large ? 503
                 : ex.plan->tunnel                                    ? 502
                                                                      : 500;
    co_await answer_failure(ex, status, failure_text(backend.error, b.method_name, backend.url()));
}

}  // namespace

rt::Task<void> relay(Exchange& ex) {
    StreamWatch watch(ex);
    BackendCall backend(ex);
    const plan::BackendPlan& b = ex.plan->backends[0];
    Gates gates(ex, b);
    bool opened = false;
    if (std::string_view refused = gates.enter(); !refused.empty())
        backend.error = {upstream::Failure::refused, std::string(refused)};
    else
        opened = backend.prepare(b, nullptr) && co_await backend.start(ex.scope);
    if (opened && backend.redirected()) opened = co_await backend.follow(ex.scope);
    if (!opened) {
        watch.stop();
        if (watch.timed_out()) ex.add_error(kIdle);
        backend.take_call_error();
        gates.leave(watch.timed_out() ? plan::CallEnd::failed : end_of(ex, backend.error.kind));
        co_await answer_unopened(ex, backend);
        co_return;
    }
    if (ex.plan->tunnel && backend.called() && backend.call().switched()) {
        watch.stop();
        gates.leave(plan::CallEnd::good);
        co_await run_tunnel(ex, backend);
        co_return;
    }
    AnswerDraft* draft = backend.staged() ? &backend.answer_draft() : nullptr;
    if (draft) [[unlikely]] {
        // What is no status leaves the client's at 200, as in the reference.
        if (draft->status <= 0) draft->status = 200;
        if (!draft->failed && (draft->status < 200 || draft->status > 999)) draft->fail("invalid status code");
        if (draft->failed) gates.leave(plan::CallEnd::failed);
        if (draft->failed || draft->body_replaced || !backend.called()) {
            watch.stop();
            gates.leave(plan::CallEnd::good);
            co_await answer_from(ex, backend, *draft);
            co_return;
        }
    }
    gates.leave(plan::CallEnd::good);  // bodies are no longer the reference's concern, nor statuses
    upstream::Call& call = backend.call();
    watch.answer_begins();
    ex.status = static_cast<uint16_t>(draft ? draft->status : call.head.status);
    if (ex.w.draining()) ex.close = true;
    // The backend answered before it had all of the request: the rest of the body is not worth reading.
    if (call.uploading() || (!ex.body.done && !backend.body_replaced()) || !worth_draining(ex)) ex.close = true;

    bool inflating = backend.inflates();
    const plan::CompressionPlan* packing = ex.plan->compression.get();
    // What the backend packed for us, the client may unpack.
    bool passes = inflating && packing && !draft && takes_gzip(ex, *packing);
    if (passes) inflating = false;
    BodyRun run = call.first();
    // Stages can make a head larger than the room that the worker's buffers have for one.
    size_t lines = (draft ? draft->headers.bytes() : 0) + ex.stage_header_bytes();
    bool large = lines > upstream::Context::kHeadroom / 2;
    if (large && !draft) lines += call.head.head_len;
    HeadWriter h(large ? ex.arena.chars(lines + 1024) : ex.w.tx());
    ClientFraming f;
    compose_head(ex, backend, draft, inflating, inflating ? std::string_view() : std::string_view(run.data, run.n), h,
                 f);
    std::string_view lead = h.bytes();
    if (inflating && packing && choose_coding(ex, *packing, lead, false).varies)
        lead = coded_head(ex, lead, {plan::Coding::none, true}, {}, {});
    if (inflating) {
        co_await relay_inflated(ex, backend, run, lead, f);
        co_return;
    }
    if (f.bodiless) {
        run.n = 0;
        run.done = true;
    }
    if (f.untyped && !run.done && !run.failed) {
        // The reference's server guesses the type from the first bytes, so it says nothing before they are there.
        lead = ex.arena.copy(lead);
        co_await read_first(call, run);
        if (run.n > 0) lead = add_type(ex, lead, {run.data, run.n});
    }
    Compressor z(ex.w.budget());
    if (packing) [[unlikely]] {
        CodingChoice choice = choose_coding(ex, *packing, lead, passes);
        bool packed = choice.coding != plan::Coding::none && !f.bodiless && z.open(choice.coding, *packing);
        if (!packed) choice.coding = plan::Coding::none;
        lead = coded_head(ex, lead, choice, {}, packed ? unknown_length(ex, f) : std::string_view());
        if (packed) {
            co_await relay_packed(ex, backend, run, lead, f, z, watch);
            co_return;
        }
    }
    if (large) {
        char* moved = ex.arena.chars(lines + run.n + 2048) + lines + 1024;
        if (run.n) std::memcpy(moved, run.data, run.n);
        run.data = moved;
    }
    if (run.data == nullptr) run.data = ex.w.rx();
    size_t moved = 0, since_look = 0;
    size_t piece = Worker::kReceive;
    bool may_splice = call.remaining() >= kLeastSpliced && can_splice(call.io(), ex.c.io);
    for (;;) {
        RunBytes out = frame(run.data, run.n, run.done, f.chunked, lead);
        lead = {};
        size_t done = 0;
        if (out.n > 0 && !write_fast(ex, out.begin, out.n, done) &&
            !co_await write_slow(ex, out.begin + done, out.n - done, ex.scope))
            break;
        if (run.done || run.failed) break;
        since_look += out.n;
        if (may_splice && run.n == piece && call.remaining() >= kLeastSpliced) {
            // The source fills our buffer: it can fill a pipe.
            SpliceRun rest(call.remaining());
            rest.chunked = f.chunked;
            bool taken = co_await splice_body(ex, call.io(), ex.c.io, rest, ex.scope);
            may_splice = !rest.slow;
            ex.sent_bytes += call.remaining() - rest.left;
            bool whole = call.skip(call.remaining() - rest.left);
            if (!taken) {
                ex.gone = true;
                break;
            }
            run = BodyRun{ex.w.rx(), 0, whole, false};
            if (whole) continue;
        }
        watch.moved();
        moved += run.n;
        if (moved > kFairBytes) {
            moved = 0;
            co_await ex.w.loop.yield();
        }
        if (ex.c.is_stream) {
            // What the client does not take now stays with the backend.
            if (ex.c.io.room() == 0) co_await wait_for_room(ex);
            if (ex.gone) break;
            piece = std::clamp<size_t>(ex.c.io.room(), 1, Worker::kReceive);
        } else if (since_look >= kSmallPiece && (call.remaining() == 0 || call.remaining() > kSmallPiece)) {
            since_look = 0;
            piece = worth_reading(ex);
        }
        run = co_await call.next(piece);
        if (run.data == nullptr) run.data = ex.w.rx();
        if (run.failed && run.n == 0) break;
    }
    if (run.failed || ex.gone) {
        cut_short(ex, f);
        if (ex.scope.why() == rt::Wake::timeout)
            ex.add_error(watch.timed_out() ? kIdle : std::string_view("context deadline exceeded"));
        if (run.failed && !call.error.text.empty()) ex.add_error(call.error.text);
    }
    if (call.uploading()) {
        co_await backend.end();
    } else {
        backend.end_now();
    }
}

namespace {

rt::Task<void> answer_from(Exchange& ex, BackendCall& backend, const AnswerDraft& draft) {
    if (backend.called()) {
        if (!draft.failed) (void)backend.call().first();  // the connection is kept when all of it came with the head
        co_await backend.end();
    }
    if (draft.failed) {
        co_await answer_failure(ex, 500, draft.error);
        co_return;
    }
    http::ResponseHead none;
    Rules rules = rules_of(ex, none, draft.status, false, false);
    HeadWriter fields(ex.arena.chars(draft.headers.bytes() + ex.plan->cache_control.size() + 128));
    copy_fields(draft, rules, 0, fields);
    if (completed_by_static(ex)) fields.raw(ex.plan->cache_control);
    if (!draft.headers.has("Content-Type") && draft.headers.get("Content-Encoding").empty() && !rules.bodiless &&
        !draft.body.empty())
        fields.field("Content-Type", sniff_content_type(draft.body));
    Answer a;
    a.status = draft.status;
    a.extra = fields.bytes();
    a.has_date = draft.headers.has("Date");
    a.completed = completed_by_static(ex) ? 1 : 0;
    a.body = draft.body;
    co_await answer(ex, a);
}

// Gzip that the gateway asked for itself is unpacked on the way (the reference's transport does it, no-op or not): 32
// KiB window, output as it comes, flushed with every piece of input.
rt::Task<void> relay_inflated(Exchange& ex, BackendCall& backend, BodyRun& run, std::string_view composed,
                              const ClientFraming& f) {
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
    std::string_view head = ex.arena.copy(composed);
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
            if (!head.empty() && f.untyped) {
                if (produced == 0 && !whole) continue;
                if (produced > 0) head = add_type(ex, head, {o, produced});
            }
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
            if (ex.stream) ex.stream->moved();
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
            cut_short(ex, f);
            if (ex.stream && ex.stream->timed_out()) ex.add_error(kIdle);
        }
    }
    pool_free(first, first_n);
    pool_free(in, kIn);
    pool_free(out, kOut);
    ex.w.budget().give(cost);
    co_await backend.end();
}

// Packed on the way, and flushed with every piece: what the backend has said, the client can read.
rt::Task<void> relay_packed(Exchange& ex, BackendCall& backend, BodyRun& run, std::string_view head,
                            const ClientFraming& f, Compressor& z, StreamWatch& watch) {
    upstream::Call& call = backend.call();
    constexpr size_t kIn = 16 * 1024, kOut = 32 * 1024, kRoom = 64;
    if (!ex.w.budget().take_last(kIn + kOut + run.n)) {
        ex.gone = true;
        co_await backend.end();
        co_return;
    }
    uint64_t cost = kIn + kOut + run.n;
    char* in = static_cast<char*>(pool_allocate(kIn));
    char* out = static_cast<char*>(pool_allocate(kOut));
    // Writing waits, and the receive buffer does not: input stands in a buffer of our own.
    size_t first_n = run.n;
    char* first = static_cast<char*>(pool_allocate(first_n));
    if (first_n) std::memcpy(first, run.data, first_n);
    std::string_view rest{first, first_n};
    size_t moved = 0, sent = 0;
    bool broken = false;
    if (!write_fast(ex, head.data(), head.size(), sent))
        co_await write_slow(ex, head.data() + sent, head.size() - sent, ex.scope);
    while (!ex.gone) {
        bool last = run.done && !run.failed, drained = rest.empty() && !last;
        while (!drained && !ex.gone) {
            size_t produced = 0, done = 0;
            char* o = out + kRoom;
            auto how = last ? Compressor::How::finish : Compressor::How::flush;
            broken = !z.run(rest, how, o, kOut - 2 * kRoom, produced, drained);
            if (broken) break;
            RunBytes bytes = frame(o, produced, last && drained, f.chunked, {});
            if (bytes.n > 0 && !write_fast(ex, bytes.begin, bytes.n, done) &&
                !co_await write_slow(ex, bytes.begin + done, bytes.n - done, ex.scope))
                break;
            moved += produced;
            if (moved > kFairBytes) {
                moved = 0;
                co_await ex.w.loop.yield();
            }
        }
        if (broken || ex.gone || run.done || run.failed) break;
        watch.moved();
        run = co_await call.next(kIn);
        if (run.n > 0) std::memcpy(in, run.data, run.n);
        rest = {in, run.n};
    }
    if (run.failed || broken || ex.gone) {
        ex.gone = true;
        cut_short(ex, f);
        if (ex.scope.why() == rt::Wake::timeout)
            ex.add_error(watch.timed_out() ? kIdle : std::string_view("context deadline exceeded"));
        if (run.failed && !call.error.text.empty()) ex.add_error(call.error.text);
    }
    pool_free(first, first_n);
    pool_free(in, kIn);
    pool_free(out, kOut);
    ex.w.budget().give(cost);
    co_await backend.end();
}

}  // namespace

}  // namespace gladius::engine
