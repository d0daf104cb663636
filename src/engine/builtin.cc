// Answers of the gateway's own routes: health, debug, echo, OPTIONS, redirects, 404 and 405. Source: ledger 1
// sections 3.5-3.8.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/body.h"
#include "engine/handle.h"
#include "engine/respond.h"
#include "json/output.h"
#include "json/text.h"

namespace gladius::engine {

namespace {

constexpr std::string_view kJson = "application/json; charset=utf-8";

// Set while the program starts, before the first request asks.
const uint64_t kProcessStartNs = rt::Loop::clock_now_ns();

// Go's time.Time.String() of now: "2026-11-23 01:38:01.66 +0000 UTC m=+37.12".
std::string go_now(const Worker& w) {
    timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    tm parts;
    localtime_r(&t.tv_sec, &parts);
    char head[64], frac[16] = "", zone[64], mono[48];
    strftime(head, sizeof head, "%Y-%m-%d %H:%M:%S", &parts);
    if (t.tv_nsec) {
        std::snprintf(frac, sizeof frac, ".%09ld", t.tv_nsec);
        for (size_t n = std::string_view(frac).size(); n > 1 && frac[n - 1] == '0'; --n)
            frac[n - 1] = 0;
    }
    strftime(zone, sizeof zone, " %z %Z", &parts);
    uint64_t up = w.loop.now_ns() - std::min(w.loop.now_ns(), kProcessStartNs);
    std::snprintf(mono, sizeof mono, " m=+%llu.%09llu", static_cast<unsigned long long>(up / 1000000000),
                  static_cast<unsigned long long>(up % 1000000000));
    return std::string(head) + frac + zone + mono;
}

void append_quoted(Arena& arena, std::string& out, std::string_view s) {
    json::ArenaOutput o(arena, s.size() + s.size() / 4 + 16);
    json::quote(s, o);
    out += o.view();
}

// The body that is echoed or logged: counted with the copies that rendering makes of it. False: it was answered
// already, or there is nobody to answer.
rt::Task<bool> read_shown_body(Exchange& ex, std::string_view& body) {
    constexpr size_t kCopies = 8;
    WholeBody read = WholeBody::complete;
    if (!body_at_hand(ex, &body)) read = co_await read_whole_body(ex, ex.scope, body);
    if (read == WholeBody::no_memory || !ex.charge(body.size() * kCopies)) {
        ex.close = true;
        co_await answer_failure(ex, 503, "the memory budget of the gateway is used up; try again later");
        co_return false;
    }
    if (read == WholeBody::complete) co_return true;
    if (!ex.body.failed)
        ex.gone = true;
    else if (!ex.gone)
        co_await answer_failure(ex, ex.body.too_large ? 413 : 400, "the request's body could not be read");
    co_return false;
}

std::string canonical(std::string_view name) {
    std::string out(name.size(), 0);
    http::canonicalise(name, out.data());
    return out;
}

struct Header {
    std::string name;
    std::vector<std::string_view> values;
};

std::vector<Header> sorted_headers(Exchange& ex) {
    std::vector<Header> out;
    for (const http::Field& f : ex.all_fields()) {
        if (f.token == http::Token::host || f.token == http::Token::transfer_encoding) continue;
        std::string name = canonical(ex.name(f));
        auto it = std::find_if(out.begin(), out.end(), [&](const Header& h) { return h.name == name; });
        if (it == out.end()) {
            out.push_back(Header{std::move(name), {}});
            it = out.end() - 1;
        }
        it->values.push_back(ex.value(f));
    }
    std::sort(out.begin(), out.end(), [](const Header& a, const Header& b) { return a.name < b.name; });
    return out;
}

std::string echo_body(Exchange& ex, std::string_view body) {
    std::string o = "{\"req_uri\":";
    append_quoted(ex.arena, o, {ex.base + ex.head.target_off, ex.head.target_len});
    o += ",\"req_uri_details\":{\"fragment\":\"\",\"host\":";
    append_quoted(ex.arena, o, ex.host());
    o += ",\"path\":";
    append_quoted(ex.arena, o, ex.target.path);
    o += ",\"query\":";
    append_quoted(ex.arena, o, http::encode_query(ex.target.query, nullptr, ex.arena));
    o += ",\"user\":\"\"},\"req_method\":";
    append_quoted(ex.arena, o, ex.method());
    o += ",\"req_querystring\":{";
    std::vector<http::Pair> pairs;
    http::for_each_pair(ex.target.query, ex.arena, [&](const http::Pair& p) { pairs.push_back(p); });
    std::stable_sort(pairs.begin(), pairs.end(),
                     [](const http::Pair& a, const http::Pair& b) { return a.name < b.name; });
    for (size_t i = 0; i < pairs.size(); ++i) {
        bool same = i > 0 && pairs[i].name == pairs[i - 1].name;
        if (!same) {
            if (i > 0) o += "],";
            append_quoted(ex.arena, o, pairs[i].name);
            o += ":[";
        } else {
            o += ',';
        }
        append_quoted(ex.arena, o, pairs[i].value);
    }
    if (!pairs.empty()) o += ']';
    o += "},\"req_body\":";
    append_quoted(ex.arena, o, body);
    o += ",\"req_headers\":{";
    bool first = true;
    for (const Header& h : sorted_headers(ex)) {
        if (!first) o += ',';
        first = false;
        append_quoted(ex.arena, o, h.name);
        o += ":[";
        for (size_t i = 0; i < h.values.size(); ++i) {
            if (i) o += ',';
            append_quoted(ex.arena, o, h.values[i]);
        }
        o += ']';
    }
    o += "}}";
    return o;
}

void log_debug(Exchange& ex, std::string_view body) {
    telemetry::LogWriter* log = ex.w.log();
    if (!log || !log->enabled(telemetry::Level::debug)) return;
    auto line = [&](std::string_view what, std::string_view value) {
        log->write(telemetry::Level::debug, "[ENDPOINT: /__debug/*]", std::string(what) + " " + std::string(value));
    };
    line("Method:", ex.method());
    line("URL:", {ex.base + ex.head.target_off, ex.head.target_len});
    line("Query:", ex.target.query);
    std::string params = "[";
    for (uint32_t i = 0; i < ex.match.param_count; ++i)
        params += "{param " + std::string(ex.match.param(i)) + "}";
    line("Params:", params + "]");
    std::string headers = "map[";
    for (const Header& h : sorted_headers(ex)) {
        if (headers.size() > 4) headers += ' ';
        headers += h.name + ":[";
        for (size_t i = 0; i < h.values.size(); ++i)
            headers += (i ? " " : "") + std::string(h.values[i]);
        headers += ']';
    }
    line("Headers:", headers + "]");
    line("Body:", body);
}

}  // namespace

rt::Task<void> answer_builtin(Exchange& ex, plan::Builtin what) {
    Answer a;
    a.content_type = kJson;
    a.krakend = false;
    switch (what) {
        case plan::Builtin::health: {
            std::string body = "{\"agents\":{},\"now\":";
            append_quoted(ex.arena, body, go_now(ex.w));
            body += ",\"status\":\"ok\"}";
            a.body = ex.arena.copy(body);
            break;
        }
        case plan::Builtin::debug: {
            std::string_view body;
            if (!co_await read_shown_body(ex, body)) co_return;
            log_debug(ex, body);
            a.body = "{\"message\":\"pong\"}";
            break;
        }
        case plan::Builtin::echo: {
            std::string_view body;
            if (!co_await read_shown_body(ex, body)) co_return;
            a.body = ex.arena.copy(echo_body(ex, body));
            break;
        }
        case plan::Builtin::options:
            a.content_type = {};
            a.krakend = true;
            a.extra = ex.arena.concat("Allow: ", plan::Router::allow_sorted(ex.match.allowed, ex.arena), "\r\n");
            break;
        case plan::Builtin::none:
            GL_BUG("a route without an answer");
            a.status = 500;
            break;
    }
    co_await answer(ex, a);
}

rt::Task<void> answer_not_found(Exchange& ex) {
    const plan::RouterPlan& s = ex.w.service();
    Answer a;
    a.status = 404;
    a.completed = 0;
    a.content_type = s.not_found_body.empty() ? "text/plain" : kJson;
    a.body = s.not_found_body.empty() ? std::string_view("404 page not found") : std::string_view(s.not_found_body);
    a.body = ex.arena.copy(a.body);  // a reload may come while it is written
    co_await answer(ex, a);
}

std::string_view allow_line(Exchange& ex) {
    return ex.arena.concat("Allow: ", ex.w.snapshot().router->allow(ex.match.allowed, ex.arena), "\r\n");
}

rt::Task<void> answer_not_allowed(Exchange& ex) {
    const plan::RouterPlan& s = ex.w.service();
    Answer a;
    a.status = 405;
    a.completed = 0;
    a.content_type = s.not_allowed_body.empty() ? "text/plain" : kJson;
    a.body =
        s.not_allowed_body.empty() ? std::string_view("405 method not allowed") : std::string_view(s.not_allowed_body);
    a.body = ex.arena.copy(a.body);
    a.extra = allow_line(ex);
    co_await answer(ex, a);
}

namespace {

// X-Forwarded-Prefix, which gin puts before a path whose last slash it corrects: what it leaves of the value, cleaned,
// without a slash at the end. One that does not begin with a slash is left out.
std::string_view forwarded_prefix(Exchange& ex) {
    for (const http::Field& f : ex.all_fields()) {
        if (canonical(ex.name(f)) != "X-Forwarded-Prefix") continue;
        std::string_view value = ex.value(f);
        if (value.empty() || value[0] != '/') return {};
        std::string_view path = plan::clean_route_path(value, ex.arena);
        std::string kept;
        for (char c : path) {
            bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
            if (plain || (c == '/' && !kept.ends_with('/'))) kept += c;
        }
        while (kept.ends_with('/'))
            kept.pop_back();
        return ex.arena.copy(kept);
    }
    return {};
}

}  // namespace

rt::Task<void> answer_redirect(Exchange& ex) {
    bool get = ex.head.method == http::Method::get;
    std::string_view path = ex.match.redirect_path;
    if (ex.match.by_slash) {
        std::string_view prefix = forwarded_prefix(ex);
        if (!prefix.empty()) path = ex.arena.concat(prefix, path);
    }
    // A path that did not change keeps its escapes, as in Go's URL.
    auto as_sent =
        path == ex.target.path ? http::escape_url_path_like_go_parse(ex.target.raw_path, ex.arena) : std::nullopt;
    std::string_view location = as_sent ? *as_sent : http::escape_path(path, ex.arena);
    if (ex.target.has_query) location = ex.arena.concat(location, "?", ex.target.query);
    co_await answer(ex, redirect_answer(ex, get ? 301 : 307, location));
}

}  // namespace gladius::engine
