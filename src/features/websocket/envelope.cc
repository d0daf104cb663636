#include "features/websocket/envelope.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "http/h1.h"
#include "json/scan.h"
#include "json/text.h"

namespace gladius::features::ws {

namespace {

constexpr std::string_view kEvent = "{\"event\":\"", kAfterEvent = "\"", kBody = ",\"body\":\"", kEnd = "\"}";
constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint32_t kMaxMembers = 64;  // of a session; more are no envelope

constexpr std::array<uint8_t, 256> kValues = [] {
    std::array<uint8_t, 256> t{};
    t.fill(0xFF);
    for (uint8_t i = 0; i < 64; ++i)
        t[static_cast<uint8_t>(kDigits[i])] = i;
    return t;
}();

size_t base64_size(size_t n) {
    return (n + 2) / 3 * 4;
}

char* write_base64(std::string_view s, char* out) {
    auto at = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(s[i])); };
    size_t i = 0;
    for (; i + 3 <= s.size(); i += 3, out += 4) {
        uint32_t v = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
        out[0] = kDigits[v >> 18];
        out[1] = kDigits[v >> 12 & 63];
        out[2] = kDigits[v >> 6 & 63];
        out[3] = kDigits[v & 63];
    }
    if (i == s.size()) return out;
    uint32_t v = at(i) << 16 | (i + 1 < s.size() ? at(i + 1) << 8 : 0);
    out[0] = kDigits[v >> 18];
    out[1] = kDigits[v >> 12 & 63];
    out[2] = i + 1 < s.size() ? kDigits[v >> 6 & 63] : '=';
    out[3] = '=';
    return out + 4;
}

// As Go's StdEncoding: padding is needed, line ends are passed over. False: it is none.
bool read_base64(std::string_view s, Arena& arena, std::string_view* out) {
    char* begin = arena.chars(s.size() / 4 * 3 + 3);
    char* p = begin;
    uint32_t group = 0;
    unsigned have = 0, padding = 0;
    bool ended = false;
    for (char c : s) {
        if (c == '\n' || c == '\r') continue;
        uint8_t d = kValues[static_cast<uint8_t>(c)];
        bool pads = c == '=';
        if (ended || (pads ? have < 2 : d == 0xFF || padding > 0)) return false;
        padding += pads;
        group = group << 6 | (pads ? 0u : d);
        if (++have < 4) continue;
        for (unsigned i = 0; i < 3 - padding; ++i)
            *p++ = static_cast<char>(group >> (16 - 8 * i));
        ended = padding > 0;
        group = have = padding = 0;
    }
    if (have) return false;
    *out = {begin, static_cast<size_t>(p - begin)};
    return true;
}

void append_quoted(std::string& out, std::string_view s) {
    Arena arena;
    json::ArenaOutput o(arena, s.size() + 16);
    json::quote(s, o);
    out += o.view();
}

// The text of a string, or of null the empty one.
bool text_or_null(const json::Document& d, uint32_t i, Arena& arena, std::string_view* out) {
    const json::Node& n = d.nodes[i];
    if (n.kind == json::Kind::string) *out = d.string(i, arena);
    return n.kind == json::Kind::string || n.kind == json::Kind::null;
}

}  // namespace

std::string fixed_part(std::string_view url, Pairs session) {
    std::vector<std::pair<std::string_view, std::string_view>> sorted(session.begin(), session.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string out = ",\"url\":";
    append_quoted(out, url);
    out += ",\"session\":{";
    for (size_t i = 0; i < sorted.size(); ++i) {
        if (i) out += ',';
        append_quoted(out, sorted[i].first);
        out += ':';
        append_quoted(out, sorted[i].second);
    }
    return out + "}";
}

size_t envelope_size(std::string_view event, std::string_view fixed, size_t body) {
    return kEvent.size() + event.size() + kAfterEvent.size() + fixed.size() + kBody.size() + base64_size(body) +
           kEnd.size();
}

void write_envelope(std::string_view event, std::string_view fixed, std::string_view body, char* out) {
    auto put = [&](std::string_view s) {
        if (!s.empty()) std::memcpy(out, s.data(), s.size());
        out += s.size();
    };
    put(kEvent);
    put(event);
    put(kAfterEvent);
    put(fixed);
    put(kBody);
    out = write_base64(body, out);
    put(kEnd);
}

Parsed parse_envelope(std::string_view text, Arena& arena) {
    Parsed none;
    json::Document* d = json::scan(text, arena, 2);
    if (!d->ok() || d->nodes[0].kind != json::Kind::object) return none;
    std::string_view rest = text.substr(d->consumed);
    if (rest.find_first_not_of(" \t\r\n") != rest.npos) return none;
    Parsed out;
    bool body = false;
    for (uint32_t i = 1; i < d->nodes[0].next; i = d->nodes[i].next) {
        std::string_view key = d->key(i, arena);
        if (http::same_name(key, "url")) {
            if (!text_or_null(*d, i, arena, &out.url)) return none;
        } else if (http::same_name(key, "body")) {
            std::string_view packed;
            if (!text_or_null(*d, i, arena, &packed) || !read_base64(packed, arena, &out.body)) return none;
            body = true;
        } else if (http::same_name(key, "session")) {
            const json::Node& n = d->nodes[i];
            out.session = {};
            if (n.kind == json::Kind::null) continue;
            if (n.kind != json::Kind::object) return none;
            uint32_t count = 0;
            for (uint32_t k = i + 1; k < n.next; k = d->nodes[k].next)
                if (++count > kMaxMembers) return none;
            auto* pairs = static_cast<std::pair<std::string_view, std::string_view>*>(
                arena.allocate(sizeof(std::pair<std::string_view, std::string_view>) * (count + 1)));
            count = 0;
            for (uint32_t k = i + 1; k < n.next; k = d->nodes[k].next) {
                auto* p = new (&pairs[count++]) std::pair<std::string_view, std::string_view>(d->key(k, arena), {});
                if (!text_or_null(*d, k, arena, &p->second)) return none;
            }
            out.session = {pairs, count};
        }
    }
    out.enveloped = body;
    return body ? out : none;
}

}  // namespace gladius::features::ws
