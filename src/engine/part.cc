#include "engine/part.h"

#include <cstring>

#include "encodings/decode.h"
#include "engine/gates.h"
#include "engine/handle.h"
#include "engine/open.h"
#include "engine/unpack.h"
#include "json/merge.h"
#include "json/scan.h"

namespace gladius::engine {

using upstream::BodyRun;
using upstream::Failure;

namespace {

void set_error(Exchange& ex, Part& p, std::string_view text) {
    p.error = ex.arena.copy(text);
}

void no_memory(Exchange& ex, Part& p) {
    p.status = 503;
    p.unjudged = true;
    set_error(ex, p, "the memory budget of the gateway is used up; try again later");
}

// Reads a whole body into one piece. When all of it came with the head and `borrow` says that nothing will be awaited
// before it is used, it stays in the receive buffer.
rt::Task<bool> read_all(Exchange& ex, BackendCall& backend, bool borrow, Part& p, std::string_view& out) {
    upstream::Call& call = backend.call();
    uint64_t limit = ex.w.snapshot().server.max_backend_body;
    auto over = [&](uint64_t n) {
        if (!limit || n <= limit) return false;
        set_error(ex, p, "the backend's body is larger than gladius/limits.max_backend_body");
        return true;
    };
    bool known = call.head.framing == http::Framing::length;
    uint64_t length = call.head.content_length;
    if (known && over(length)) co_return false;
    BodyRun run = call.first();
    if (run.done && borrow && !run.failed) {
        if (over(run.n)) co_return false;
        out = {run.data, run.n};
        co_return true;
    }
    char* body = nullptr;
    size_t n = 0, cap = 0;
    for (;;) {
        if (n + run.n > cap || (known && !body)) {
            size_t want = known ? static_cast<size_t>(length) : cap ? cap * 2 : 8 * 1024;
            while (want < n + run.n)
                want *= 2;
            if (!ex.charge(want)) {
                no_memory(ex, p);
                co_return false;
            }
            char* bigger = ex.arena.chars(want);
            if (n) std::memcpy(bigger, body, n);
            if (cap) ex.arena.give_back(body, cap, 1);
            body = bigger;
            cap = want;
        }
        if (run.n) std::memcpy(body + n, run.data, run.n);
        n += run.n;
        if (over(n)) co_return false;
        if (run.failed) {
            set_error(ex, p,
                      call.error.kind == Failure::timeout     ? "context deadline exceeded"
                      : call.error.kind == Failure::cancelled ? "context canceled"
                                                              : std::string_view(call.error.text));
            p.cancelled = call.error.kind == Failure::cancelled;
            out = {body, n};
            co_return false;
        }
        if (run.done) break;
        run = co_await call.next();
    }
    out = {body, n};
    co_return true;
}

// Whether the end of the value is known without the end of the body.
bool ends_by_itself(encodings::Decoder d, std::string_view body) {
    using encodings::Decoder;
    size_t at = body.find_first_not_of(" \t\r\n");
    bool markup = d == Decoder::xml || d == Decoder::xml_collection || d == Decoder::rss;
    if (markup) return at != std::string_view::npos;
    return (d == Decoder::json || d == Decoder::json_collection || d == Decoder::safejson) &&
           at != std::string_view::npos && (body[at] == '{' || body[at] == '[');
}

std::string_view content_type_of(Exchange& ex, const upstream::Call& call) {
    for (uint32_t i = 0; i < call.head.field_count; ++i)
        if (call.fields()[i].token == http::Token::content_type)
            return ex.arena.copy(http::value_of(call.base, call.fields()[i]));
    return {};
}

// For later calls that refer to them; the names in canonical spelling.
std::span<const DraftField> copied_fields(Exchange& ex, const upstream::Call& call) {
    auto* out = ex.arena.array<DraftField>(call.head.field_count);
    for (uint32_t i = 0; i < call.head.field_count; ++i) {
        std::string_view name = http::name_of(call.base, call.fields()[i]);
        char* canonical = ex.arena.chars(name.size());
        http::canonicalise(name, canonical);
        out[i] = {{canonical, name.size()}, ex.arena.copy(http::value_of(call.base, call.fields()[i]))};
    }
    return {out, call.head.field_count};
}

Coding coding_of(const upstream::Call& call) {
    if (!(call.head.mask & http::bit(http::Token::content_encoding))) return Coding::none;
    for (uint32_t i = 0; i < call.head.field_count; ++i) {
        if (call.fields()[i].token == http::Token::content_encoding)
            return coding_named(http::value_of(call.base, call.fields()[i]));
    }
    return Coding::none;
}

// Codings that the reference does not know are unpacked where it would fail with the packed bytes. What then turns out
// not to be packed at all is read as it is, as the reference does.
Unpacked unpack_ours(Exchange& ex, Coding coding, std::string_view body) {
    Unpacked u = unpack(ex, coding, body);
    if (!u.ok() && !u.no_memory && !u.too_large) return {body, {}, false, false};
    return u;
}

rt::Task<void> call_one(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view* whole,
                        bool alone, Part& p) {
    BackendCall backend(ex);
    if (!co_await backend.open(b, scope, whole)) {
        p.cancelled = backend.error.kind == Failure::cancelled;
        p.unjudged = end_of(ex, backend.error.kind) == plan::CallEnd::unjudged;
        if (backend.error.kind == Failure::too_large) p.status = 503;
        if (ex.body.failed && !ex.gone) p.status = ex.body.too_large ? 413 : 400;
        set_error(ex, p, failure_text(backend.error, b.method_name, backend.url()));
        co_return;
    }
    AnswerDraft* draft = backend.staged() ? &backend.answer_draft() : nullptr;
    if (draft && draft->failed) {
        set_error(ex, p, draft->error);
        co_await backend.end();
        co_return;
    }
    // A stage may have brought the body, or have answered in the backend's place.
    bool brought = draft && (draft->body_replaced || !backend.called());
    int status = draft ? draft->status : backend.call().head.status;
    if (b.keeps_head) {
        p.answer_status = status;
        p.answer_fields = draft ? draft->headers.all() : copied_fields(ex, backend.call());
    }
    bool good = status == 200 || status == 201 || b.decoder == encodings::Decoder::no_op;  // which judges nothing
    bool wants_body =
        good ? b.decoder != encodings::Decoder::no_op : b.return_error_code || !b.return_error_details.empty();
    std::string_view type;
    if (!good) type = draft ? draft->headers.get("Content-Type") : content_type_of(ex, backend.call());
    std::string_view url = good ? std::string_view() : backend.url();
    Coding coding = draft ? coding_named(draft->headers.get("Content-Encoding")) : coding_of(backend.call());
    bool packed = coding == Coding::gzip;
    bool ours = coding > Coding::gzip && good && b.decoder != encodings::Decoder::string && !brought;
    bool unpack_first = draft && !brought && backend.inflates();
    std::string_view body;
    bool cut = false;
    if (wants_body) {
        bool read = true;
        // Borrowing is for the only backend: with several, the others use the same receive buffer while this one waits.
        if (brought)
            body = draft->body;
        else
            read = co_await read_all(ex, backend, alone, p, body);
        // The reference reads no further than the end of an object, array or root element: what breaks off behind it is
        // not seen. Of an error's body it reads all, or says nothing.
        if (!read && !brought && !packed && !unpack_first) {
            Failure why = backend.call().error.kind;
            cut = why != Failure::none && why != Failure::cancelled && (!good || ends_by_itself(b.decoder, body));
            if (cut && !good) body = {};
        }
        auto take = [&](const Unpacked& u) {
            if (u.no_memory) no_memory(ex, p);
            if (!u.error.empty()) set_error(ex, p, u.error);
            read = u.ok();
            body = u.body;
        };
        auto gunzip = [&] {
            if (read && status != 204 && !(body.empty() && !good)) take(unpack(ex, Coding::gzip, body));
        };
        if (unpack_first) gunzip();
        if (packed) gunzip();
        if (read && ours) take(unpack_ours(ex, coding, body));
        if (!read && !cut) {
            co_await backend.end();
            co_return;
        }
    }
    // What is not wanted is not waited for: the connection is kept when all of it came with the head.
    if (backend.called() && (!wants_body || brought)) (void)backend.call().first();
    if (backend.called() && backend.call().uploading()) {
        if (alone && !body.empty()) body = ex.arena.copy(body);
        co_await backend.end();
    } else {
        backend.end_now();
    }
    if (good) {
        if (b.decoder == encodings::Decoder::no_op) {
            p.ok = p.complete = true;
            p.data = json::Value::of(static_cast<json::Member*>(nullptr), 0);
            co_return;
        }
        uint64_t reserved = ex.arena.reserved(), charged = ex.charged;
        json::Permit permit{[](void* from, size_t n) { return static_cast<Exchange*>(from)->charge(n); }, &ex};
        encodings::Decoded d =
            encodings::decode(b.decoder, body, ex.arena, b.filter.keep_depth(), b.filter.selection(), permit);
        if (d.error == json::kNoMemory) {
            no_memory(ex, p);
            co_return;
        }
        if (!d.ok()) {
            if (!cut) set_error(ex, p, d.error);
            co_return;
        }
        // What else taking it apart needed is known only now.
        uint64_t taken = ex.arena.reserved() - reserved, asked = ex.charged - charged;
        if (taken > asked && !ex.charge(taken - asked)) {
            no_memory(ex, p);
            co_return;
        }
        p.error = {};
        p.data = b.filter.apply(d.data, ex.arena);
        p.ok = p.complete = true;
        co_return;
    }
    p.error = {};
    if (!b.return_error_details.empty()) {
        // The details are an answer, but not a complete one.
        p.data =
            json::error_details(b.return_error_details, status, alone ? ex.arena.copy(body) : body, type, ex.arena);
        p.ok = true;
        co_return;
    }
    if (b.return_error_code) {
        // Only a stage can make one that no answer can have; what is no status leaves the client's as it is.
        p.status = status <= 0 ? 200 : status < 200 || status > 999 ? 500 : status;
        p.error = ex.arena.copy(body);
        p.content_type = type;
        p.has_body = true;
        co_return;
    }
    std::string text = "invalid status code " + std::to_string(status) + " [" + b.method_name + " " + b.pattern +
                       "]: " + std::string(url);
    set_error(ex, p, text);
}

rt::Task<void> call_through_gates(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope,
                                  const std::string_view* whole, bool alone, Part& p) {
    Gates gates(ex, b);
    if (std::string_view refused = gates.enter(); !refused.empty()) {
        set_error(ex, p, refused);
        co_return;
    }
    co_await call_one(ex, b, scope, whole, alone, p);
    gates.leave(p.ok                        ? plan::CallEnd::good
                : p.cancelled || p.unjudged ? plan::CallEnd::unjudged
                                            : plan::CallEnd::failed);
}

}  // namespace

rt::Task<void> run_backend(Exchange& ex, const plan::BackendPlan& b, rt::Scope& scope, const std::string_view* whole,
                           bool alone, Part& p) {
    return b.gates.empty() ? call_one(ex, b, scope, whole, alone, p)
                           : call_through_gates(ex, b, scope, whole, alone, p);
}

}  // namespace gladius::engine
