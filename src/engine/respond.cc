#include "engine/respond.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "engine/body.h"
#include "engine/compress.h"
#include "simd/bytes.h"

namespace gladius::engine {

namespace {

std::string html_escape(std::string_view s) {
    std::string out;
    for (char c : s) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&#34;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

// As Go's http.Redirect writes a Location: bytes above ASCII are escaped, in small letters.
std::string_view ascii_location(std::string_view s, Arena& arena) {
    auto high = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
    auto n = static_cast<size_t>(std::count_if(s.begin(), s.end(), high));
    if (n == 0) return s;
    char* out = arena.chars(s.size() + 2 * n);
    size_t w = 0;
    for (char c : s) {
        if (!high(c)) {
            out[w++] = c;
            continue;
        }
        constexpr char kHex[] = "0123456789abcdef";
        out[w++] = '%';
        out[w++] = kHex[static_cast<unsigned char>(c) >> 4];
        out[w++] = kHex[c & 15];
    }
    return {out, w};
}

}  // namespace

size_t worth_reading(Exchange& ex) {
    if (!ex.c.io.has_room(Worker::kReceive)) return kSmallPiece;
    ex.c.behind = false;
    return Worker::kReceive;
}

void HeadWriter::number(uint64_t n) {
    auto r = std::to_chars(p_, p_ + 20, n);
    p_ = r.ptr;
}

void HeadWriter::value(std::string_view text) {
    char* begin = p_;
    raw(text);
    if (simd::Best::value_end(text.data(), text.data() + text.size()) == text.data() + text.size()) return;
    std::replace_if(begin, p_, [](char c) { return c == '\r' || c == '\n'; }, ' ');
}

void HeadWriter::status_line(int status) {
    if (status == 200) {
        raw("HTTP/1.1 200 OK\r\n");
        return;
    }
    raw("HTTP/1.1 ");
    number(static_cast<uint64_t>(status));
    raw(" ");
    std::string_view reason = http::reason_of(status);
    if (reason.empty()) {
        raw("status code ");
        number(static_cast<uint64_t>(status));
    } else {
        raw(reason);
    }
    raw("\r\n");
}

void HeadWriter::canonical_name(std::string_view name) {
    http::canonicalise(name, p_);
    p_ += name.size();
}

void HeadWriter::finish(Exchange& ex, bool has_date) {
    if (!has_date) raw(ex.w.date_line());
    if (ex.c.is_stream) {
        // Connections of HTTP/2 have their own way to say it.
    } else if (ex.close)
        raw("Connection: close\r\n");
    else if (ex.head.minor_version == 0)
        raw("Connection: keep-alive\r\n");
    raw("\r\n");
}

rt::Task<bool> write_slow(Exchange& ex, const char* data, size_t n, rt::Scope& scope) {
    if (ex.gone) co_return false;
    // Bytes that wait for a slow receiver are memory like any other.
    if (!ex.w.budget().take_last(n)) {
        ex.gone = true;
        co_return false;
    }
    ex.c.behind = true;
    bool ok = co_await upstream::write_rest(ex.c.io, data, n, scope);
    ex.w.budget().give(n);
    if (ok)
        ex.sent_bytes += n;
    else
        ex.gone = true;
    co_return ok;
}

Answer redirect_answer(Exchange& ex, int status, std::string_view location) {
    Answer a;
    a.status = status;
    a.krakend = false;
    bool get = ex.head.method == http::Method::get;
    if (get || ex.head.method == http::Method::head) a.content_type = "text/html; charset=utf-8";
    if (get)
        a.body = ex.arena.copy("<a href=\"" + html_escape(location) + "\">" + std::string(http::reason_of(status)) +
                               "</a>.\n\n");
    a.extra = ex.arena.concat("Location: ", ascii_location(location, ex.arena), "\r\n");
    return a;
}

void write_stage_headers(const Exchange& ex, HeadWriter& h) {
    if (!ex.stage_headers) return;
    for (const DraftField& f : ex.stage_headers->all()) {
        h.raw(f.name);
        h.raw(": ");
        h.value(f.value);
        h.raw("\r\n");
    }
}

plan::Verdict reply(Exchange& ex, const Answer& a) {
    ex.stage_answer = ex.arena.make<Answer>(a);
    return plan::Verdict::reply;
}

plan::Verdict refuse_request(Exchange& ex, int status) {
    Answer a;
    a.status = status;
    a.krakend = false;
    return reply(ex, a);
}

rt::Task<void> answer(Exchange& ex, const Answer& a) {
    if (ex.gone || ex.status) co_return;
    ex.status = static_cast<uint16_t>(a.status);
    if (a.close || ex.w.draining() || ex.c.scope.ended()) ex.close = true;
    // A body that was not read stays in the connection: small ones are read away later, with others the connection
    // ends.
    if (!worth_draining(ex)) ex.close = true;
    size_t lines = a.extra.size() + ex.stage_header_bytes();
    bool large = lines > Worker::kTransmit / 2;  // more than the worker's buffer is for
    char* out = large ? ex.arena.chars(lines + Worker::kTransmit / 2) : ex.w.tx();
    HeadWriter h(out);
    h.status_line(a.status);
    if (!a.content_type.empty()) h.field("Content-Type", a.content_type);
    if (a.krakend) h.field("X-Krakend", ex.w.service().krakend_header);
    if (a.completed >= 0) h.field("X-Krakend-Completed", a.completed ? "true" : "false");
    write_stage_headers(ex, h);
    h.raw(a.extra);
    bool bodiless = a.status == 204 || a.status == 304;
    if (!bodiless) {
        h.raw("Content-Length: ");
        h.number(a.body.size());
        h.raw("\r\n");
    }
    h.finish(ex, a.has_date);
    bool with_body = !bodiless && ex.head.method != http::Method::head && !a.body.empty();
    if (ex.plan && ex.plan->compression && !bodiless) [[unlikely]] {
        co_await answer_coded(ex, h.bytes(), with_body ? a.body : std::string_view());
        co_return;
    }
    size_t done;
    // Where a stream takes less, the body stays where it is while it waits.
    size_t room = ex.c.is_stream ? std::min(ex.c.io.room(), Worker::kTransmit) : Worker::kTransmit;
    if (!with_body || (!large && h.size() + a.body.size() <= room)) {
        size_t n = h.size();
        if (with_body) {
            std::memcpy(out + n, a.body.data(), a.body.size());
            n += a.body.size();
        }
        if (!write_fast(ex, out, n, done)) co_await write_slow(ex, out + done, n - done, ex.c.scope);
        co_return;
    }
    size_t n = h.size();
    if (!write_fast(ex, out, n, done) && !co_await write_slow(ex, out + done, n - done, ex.c.scope)) co_return;
    // The body is in the exchange's arena or in a constant: it stays while it is written.
    rt::IoResult r = co_await ex.c.io.write(a.body.data(), a.body.size(), ex.c.scope);
    if (r.wake != rt::Wake::ready || r.error)
        ex.gone = true;
    else
        ex.sent_bytes += a.body.size();
}

}  // namespace gladius::engine
