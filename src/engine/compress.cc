#include "engine/compress.h"

#include <brotli/encode.h>
#include <strings.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>

#include "base/pool.h"
#include "engine/respond.h"
#include "http/accept_encoding.h"

namespace gladius::engine {

namespace {

// What zlib takes with these settings (measured), and an upper estimate for brotli with a window of 256 KiB.
constexpr uint64_t kGzipBytes = 288 * 1024;
constexpr uint64_t kBrotliBytes = 3 * 1024 * 1024;
constexpr int kBrotliWindow = 18;
// A body is packed in steps of this size, so that others have their turn.
constexpr size_t kStep = 64 * 1024;
constexpr size_t kTogether = 16 * 1024;  // smaller bodies go with their head

bool is_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Lines of a head after the first; without the empty one.
template <class Fn>
void for_each_line(std::string_view head, const Fn& fn) {
    size_t at = head.find("\r\n");
    while (at != std::string_view::npos) {
        at += 2;
        size_t end = head.find("\r\n", at);
        if (end == std::string_view::npos || end == at) return;
        std::string_view line = head.substr(at, end - at);
        size_t colon = line.find(':');
        std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
        while (!value.empty() && value.front() == ' ')
            value.remove_prefix(1);
        fn(line.substr(0, colon), value, line);
        at = end;
    }
}

bool list_holds(std::string_view list, std::string_view item) {
    while (!list.empty()) {
        size_t comma = list.find(',');
        std::string_view one = list.substr(0, comma);
        while (!one.empty() && (one.front() == ' ' || one.front() == '\t'))
            one.remove_prefix(1);
        while (!one.empty() && (one.back() == ' ' || one.back() == '\t'))
            one.remove_suffix(1);
        if (is_name(one, item)) return true;
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    return false;
}

bool fits_type(const plan::CompressionPlan& plan, std::string_view type) {
    type = type.substr(0, type.find(';'));
    while (!type.empty() && type.back() == ' ')
        type.remove_suffix(1);
    for (const std::string& t : plan.types) {
        if (is_name(t, type)) return true;
        if (t.ends_with("/*") && type.size() > t.size() - 1 &&
            is_name(type.substr(0, t.size() - 1), t.substr(0, t.size() - 1)))
            return true;
    }
    return false;
}

http::AcceptedCodings accepted(const Exchange& ex) {
    http::AcceptedCodings out;
    if (!ex.has(http::Token::accept_encoding)) return out;
    for (const http::Field& f : ex.all_fields())
        if (f.token == http::Token::accept_encoding) out.add(ex.value(f));
    return out;
}

// The whole body, in the arena; empty: it goes as it is (no memory, or nothing saved).
rt::Task<std::string_view> compressed(Exchange& ex, Coding coding, std::string_view body) {
    // What does not get smaller goes as it is.
    size_t cap = body.size();
    if (!ex.charge(cap)) co_return {};
    Compressor z(ex.w.budget());
    if (!z.open(coding, *ex.plan->compression)) co_return {};
    char* out = ex.arena.chars(cap);
    size_t n = 0;
    for (size_t at = 0; at < body.size();) {
        std::string_view piece = body.substr(at, kStep);
        at += piece.size();
        bool drained = false;
        while (!drained) {
            size_t produced = 0;
            auto how = at == body.size() ? Compressor::How::finish : Compressor::How::more;
            if (n == cap || !z.run(piece, how, out + n, cap - n, produced, drained)) co_return {};
            n += produced;
        }
        if (at < body.size()) co_await ex.w.loop.yield();
        if (ex.gone || ex.c.scope.ended()) co_return {};
    }
    co_return std::string_view{out, n};
}

}  // namespace

bool takes_gzip(const Exchange& ex, const plan::CompressionPlan& plan) {
    bool offered = std::find(plan.order.begin(), plan.order.end(), Coding::gzip) != plan.order.end();
    return offered && accepted(ex).gzip() > 0;
}

CodingChoice choose_coding(const Exchange& ex, const plan::CompressionPlan& plan, std::string_view head, bool kept) {
    CodingChoice out;
    int status = 0;
    if (head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, status);
    if (status < 200 || status == 204 || status == 206 || status == 304) return out;
    bool fits = false, forbidden = false;
    std::optional<uint64_t> length;
    for_each_line(head, [&](std::string_view name, std::string_view value, std::string_view) {
        if (is_name(name, "Content-Type"))
            fits = fits_type(plan, value);
        else if (is_name(name, "Content-Encoding"))
            forbidden = forbidden || !value.empty();
        else if (is_name(name, "Content-Range"))
            forbidden = true;
        else if (is_name(name, "Cache-Control"))
            forbidden = forbidden || list_holds(value, "no-transform");
        else if (is_name(name, "Content-Length")) {
            uint64_t n = 0;
            std::from_chars(value.data(), value.data() + value.size(), n);
            length = n;
        }
    });
    out.varies = kept;
    if (!fits || forbidden || (length && *length < plan.min_size)) return out;
    out.varies = true;
    if (ex.head.method == http::Method::head) return out;
    http::AcceptedCodings takes = accepted(ex);
    uint16_t best = 0;
    for (Coding c : plan.order) {
        uint16_t q = c == Coding::gzip ? takes.gzip() : takes.br();
        if (q <= best) continue;
        best = q;
        out.coding = c;
    }
    return out;
}

std::string_view coded_head(Exchange& ex, std::string_view head, const CodingChoice& choice,
                            std::optional<uint64_t> length, std::string_view framing) {
    char* begin = ex.arena.chars(head.size() + framing.size() + 128);
    HeadWriter h(begin);
    bool coded = choice.coding != Coding::none;
    bool has_vary = false;
    h.raw(head.substr(0, head.find("\r\n") + 2));
    for_each_line(head, [&](std::string_view name, std::string_view value, std::string_view line) {
        if (is_name(name, "Vary"))
            has_vary = has_vary || list_holds(value, "*") || list_holds(value, "Accept-Encoding");
        if (coded &&
            (is_name(name, "Content-Length") || is_name(name, "Transfer-Encoding") || is_name(name, "Accept-Ranges")))
            return;
        if (coded && is_name(name, "ETag") && value.starts_with('"')) {
            h.raw("ETag: W/");
            h.raw(value);
        } else {
            h.raw(line);
        }
        h.raw("\r\n");
    });
    if (coded) h.raw(choice.coding == Coding::gzip ? "Content-Encoding: gzip\r\n" : "Content-Encoding: br\r\n");
    if (choice.varies && !has_vary) h.raw("Vary: Accept-Encoding\r\n");
    if (coded && length) {
        h.raw("Content-Length: ");
        h.number(*length);
        h.raw("\r\n");
    }
    if (coded) h.raw(framing);
    h.raw("\r\n");
    return h.bytes();
}

Compressor::~Compressor() {
    if (coding_ == Coding::gzip) {
        auto* z = static_cast<z_stream*>(state_);
        deflateEnd(z);
        z->~z_stream();
        pool_free(z, sizeof(z_stream));
    } else if (coding_ == Coding::br) {
        BrotliEncoderDestroyInstance(static_cast<BrotliEncoderState*>(state_));
    }
    if (charged_) budget_.give(charged_);
}

bool Compressor::open(Coding coding, const plan::CompressionPlan& plan) {
    uint64_t cost = coding == Coding::gzip ? kGzipBytes : kBrotliBytes;
    if (!budget_.take(cost)) return false;
    charged_ = cost;
    if (coding == Coding::gzip) {
        auto* z = new (pool_allocate(sizeof(z_stream))) z_stream{};
        if (deflateInit2(z, plan.gzip_level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
            pool_free(z, sizeof(z_stream));
            return false;
        }
        state_ = z;
    } else {
        BrotliEncoderState* s = BrotliEncoderCreateInstance(nullptr, nullptr, nullptr);
        if (!s) return false;
        BrotliEncoderSetParameter(s, BROTLI_PARAM_QUALITY, static_cast<uint32_t>(plan.br_level));
        BrotliEncoderSetParameter(s, BROTLI_PARAM_LGWIN, kBrotliWindow);
        state_ = s;
    }
    coding_ = coding;
    return true;
}

bool Compressor::run(std::string_view& in, How how, char* out, size_t cap, size_t& produced, bool& drained) {
    if (coding_ == Coding::gzip) {
        auto* z = static_cast<z_stream*>(state_);
        z->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
        z->avail_in = static_cast<uInt>(in.size());
        z->next_out = reinterpret_cast<Bytef*>(out);
        z->avail_out = static_cast<uInt>(cap);
        int flush = how == How::finish ? Z_FINISH : how == How::flush ? Z_SYNC_FLUSH : Z_NO_FLUSH;
        int r = deflate(z, flush);
        in.remove_prefix(in.size() - z->avail_in);
        produced = cap - z->avail_out;
        drained = how == How::finish ? r == Z_STREAM_END : in.empty() && z->avail_out > 0;
        return r != Z_STREAM_ERROR;
    }
    auto* s = static_cast<BrotliEncoderState*>(state_);
    size_t left_in = in.size(), left_out = cap;
    auto* next_in = reinterpret_cast<const uint8_t*>(in.data());
    auto* next_out = reinterpret_cast<uint8_t*>(out);
    auto op = how == How::finish  ? BROTLI_OPERATION_FINISH
              : how == How::flush ? BROTLI_OPERATION_FLUSH
                                  : BROTLI_OPERATION_PROCESS;
    bool ok = BrotliEncoderCompressStream(s, op, &left_in, &next_in, &left_out, &next_out, nullptr);
    in.remove_prefix(in.size() - left_in);
    produced = cap - left_out;
    drained = how == How::finish ? BrotliEncoderIsFinished(s) : in.empty() && !BrotliEncoderHasMoreOutput(s);
    return ok;
}

rt::Task<void> answer_coded(Exchange& ex, std::string_view head, std::string_view body) {
    CodingChoice choice = choose_coding(ex, *ex.plan->compression, head, false);
    head = ex.arena.copy(head);  // packing may wait
    std::string_view packed;
    if (choice.coding != Coding::none) packed = co_await compressed(ex, choice.coding, body);
    if (packed.empty())
        choice.coding = Coding::none;
    else
        body = packed;
    head = coded_head(ex, head, choice, body.size(), {});
    if (body.size() < kTogether) {
        head = ex.arena.concat(head, body);
        body = {};
    }
    for (std::string_view part : {head, body}) {
        size_t done = 0;
        if (part.empty() || ex.gone || write_fast(ex, part.data(), part.size(), done)) continue;
        // It is in the arena, or a constant: it stays while it is written.
        rt::IoResult r = co_await ex.c.io.write(part.data() + done, part.size() - done, ex.c.scope);
        if (r.wake != rt::Wake::ready || r.error)
            ex.gone = true;
        else
            ex.sent_bytes += part.size() - done;
    }
}

}  // namespace gladius::engine
