#include "engine/request.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gladius::engine {

using http::Token;

namespace {

// What a request line and the framing are made of; the rest comes from the plan and the client's head, or from a draft.
struct Spec {
    std::string_view method;
    http::Method method_id;
    std::string_view target;
    std::string_view host;
    std::string_view referer;
    bool drop_sensitive = false;
    BodyPlan how;
    std::string_view body;
    bool again = false;  // after a redirect
    const RequestDraft* draft = nullptr;
    const plan::Proxy* proxy = nullptr;
};

class Out {
  public:
    explicit Out(char* p) : begin_(p), p_(p) {}
    void raw(std::string_view s) {
        if (s.empty()) return;
        __builtin_memcpy(p_, s.data(), s.size());
        p_ += s.size();
    }
    void field(std::string_view name, std::string_view value) {
        raw(name);
        raw(": ");
        raw(value);
        raw("\r\n");
    }
    void number(uint64_t n) { p_ = std::to_chars(p_, p_ + 20, n).ptr; }
    char* at() { return p_; }
    void advance(size_t n) { p_ += n; }
    std::string_view bytes() const { return {begin_, static_cast<size_t>(p_ - begin_)}; }

  private:
    char* begin_;
    char* p_;
};

constexpr uint64_t kNeverPassed = http::bit(Token::host) | http::bit(Token::content_length) | http::bit(Token::expect) |
                                  http::bit(Token::x_forwarded_for) | http::bit(Token::x_forwarded_host) |
                                  http::bit(Token::user_agent);
// What the reference's client leaves behind when a redirect leads to another host.
constexpr uint64_t kSensitive = http::bit(Token::authorization) | http::bit(Token::www_authenticate) |
                                http::bit(Token::cookie) | http::bit(Token::proxy_authorization) |
                                http::bit(Token::proxy_authenticate);

bool filter_passes(const plan::BackendPlan& b, Token t, std::string_view name) {
    return !b.filters_headers || b.header_filter.passes(t, name);
}

// A field of a backend request.
struct Passed {
    Token token;
    bool canonical;  // the name is spelt as Go spells it
    std::string_view name;
    std::string_view value;
};

// The one place that says which fields a backend gets: those of the client that pass go to `put`, the gateway's own and
// User-Agent to `own` (their names are constants, which a writer copies without a loop). The result says whether the
// client's Content-Length passes; it is never put.
template <class Put, class Own>
bool each_field(const Exchange& ex, const plan::BackendPlan& b, Put&& put, Own&& own) {
    const plan::RouterPlan& service = *ex.plan->service;
    const plan::TunnelPlan* tunnel = ex.plan->tunnel.get();
    bool client_agent = false, length_passes = false;
    std::string_view agent;
    for (const http::Field& f : ex.all_fields()) {
        if (http::is_hop_by_hop(f.token) || (f.flags & http::Field::kNominated)) continue;
        std::string_view name = ex.name(f), value = ex.value(f);
        uint64_t token = f.token == Token::unknown ? 0 : http::bit(f.token);
        if (token & kNeverPassed) {
            if (f.token == Token::user_agent && !client_agent && b.headers.passes(f.token, name)) {
                client_agent = true;
                agent = value;
            } else if (f.token == Token::content_length) {
                length_passes = b.headers.passes(f.token, name) && filter_passes(b, f.token, name);
            }
            continue;
        }
        if (!b.headers.passes(f.token, name) || !filter_passes(b, f.token, name)) continue;
        if (tunnel && tunnel->of_handshake(name)) continue;  // put_handshake()
        if (f.token == Token::x_forwarded_via && ex.has(Token::user_agent) &&
            b.headers.passes(Token::user_agent, "User-Agent"))
            continue;
        put(Passed{f.token, (f.flags & http::Field::kCanonical) != 0, name, value});
    }
    if (client_agent) {
        if (filter_passes(b, Token::user_agent, "User-Agent")) own(Token::user_agent, "User-Agent", agent);
        if (filter_passes(b, Token::x_forwarded_via, "X-Forwarded-Via"))
            own(Token::x_forwarded_via, "X-Forwarded-Via", service.user_agent);
    } else if (b.sends_user_agent) {
        own(Token::user_agent, "User-Agent", service.user_agent);
    }
    if (b.sends_forwarded_for) own(Token::x_forwarded_for, "X-Forwarded-For", ex.client_ip);
    if (b.sends_forwarded_host) {
        own(Token::x_forwarded_host, "X-Forwarded-Host", ex.host());
    }
    return length_passes;
}

// The fields by which the client asks for an upgrade.
void put_handshake(const Exchange& ex, const plan::BackendPlan& b, const plan::TunnelPlan& tunnel, Out& o) {
    o.field("Upgrade", tunnel.protocol);
    o.raw("Connection: Upgrade\r\n");
    for (const std::string& header : tunnel.headers) {
        bool listed = header == tunnel.offers_header;
        if (listed && tunnel.offers.empty() &&
            !(b.headers.passes(Token::unknown, header) && filter_passes(b, Token::unknown, header)))
            continue;
        for (const http::Field& f : ex.all_fields()) {
            if (f.token != Token::unknown || !http::same_name(ex.name(f), header)) continue;
            if (!listed || tunnel.offers.empty()) {
                o.field(header, ex.value(f));
                continue;
            }
            bool any = false;
            http::each_listed(ex.value(f), [&](std::string_view offer) {
                if (std::find(tunnel.offers.begin(), tunnel.offers.end(), offer) == tunnel.offers.end()) return;
                o.raw(any ? std::string_view(", ") : std::string_view(header));
                if (!any) o.raw(": ");
                o.raw(offer);
                any = true;
            });
            if (any) o.raw("\r\n");
        }
    }
}

bool usually_lacks_body(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "DELETE" || method == "OPTIONS" || method == "PROPFIND" ||
           method == "SEARCH";
}

// How the body of a draft is framed, as Go's client decides it.
struct Framing {
    enum class How : uint8_t { none, length, chunked } how = How::none;
    uint64_t length = 0;
};
Framing framing_of(const Exchange& ex, const RequestDraft& d, const Spec& spec, BackendHead& out) {
    Framing f;
    if (!spec.again && d.framing.coded && d.framing.coding == "chunked") {
        f.how = Framing::How::chunked;
        return f;
    }
    bool streams = spec.how == BodyPlan::stream;
    if (spec.how == BodyPlan::none) return f;
    if (d.framing.length > 0) {
        auto want = static_cast<uint64_t>(d.framing.length);
        bool sized = !streams || ex.head.framing == http::Framing::length;
        uint64_t have = streams ? ex.head.content_length : spec.body.size();
        // A length that is not the body's would make two requests of one.
        if (sized && want != have)
            out.error = "http: ContentLength=" + std::to_string(want) + " with Body length " + std::to_string(have);
        f.how = sized ? Framing::How::length : Framing::How::chunked;
        f.length = want;
        return f;
    }
    bool empty = !streams && spec.body.empty();
    if (!(empty && usually_lacks_body(spec.method))) f.how = Framing::How::chunked;
    return f;
}

void write_head(Exchange& ex, const plan::BackendPlan& b, const Spec& spec, BackendHead& out) {
    const plan::RouterPlan& service = *ex.plan->service;
    size_t bound = spec.method.size() + spec.target.size() + spec.host.size() + spec.referer.size() +
                   (spec.draft ? spec.draft->headers.bytes() : ex.head.head_len + 4 * ex.head.field_count) +
                   service.user_agent.size() * 2 + ex.client_ip.size() + spec.body.size() +
                   (spec.proxy ? spec.proxy->authorization.size() + 32 : 0) + 320 +
                   (ex.plan->tunnel ? ex.head.head_len + 4 * ex.head.field_count : 0);
    // The bound is several times what most requests take, and the arena keeps it as long as the client likes.
    bool usual = bound <= 4096;
    Out o(usual ? ex.w.tx() : ex.arena.chars(bound));
    o.raw(spec.method);
    o.raw(" ");
    o.raw(spec.target);
    o.raw(" HTTP/1.1\r\nHost: ");
    o.raw(spec.host);
    o.raw("\r\n");

    bool agent = false, referer = false;
    // Of several fields with one name, Go looks at the first.
    enum class First : uint8_t { none, empty, filled };
    First encoding = First::none, range = First::none;
    auto own = [&](Token t, std::string_view name, std::string_view value) __attribute__((always_inline)) {
        bool is_agent = t == Token::user_agent;  // an empty one means none
        agent |= is_agent;
        if (!(is_agent && value.empty())) o.field(name, value);
    };
    auto put = [&](const Passed& f) {
        if (f.token != Token::unknown) {
            if (spec.drop_sensitive && (http::bit(f.token) & kSensitive)) return;
            if (f.token == Token::referer && !spec.referer.empty()) {
                if (f.value.empty()) return;
                referer = true;  // one that was there before the redirect stays
            }
            First first = f.value.empty() ? First::empty : First::filled;
            if (f.token == Token::accept_encoding && encoding == First::none) encoding = first;
            if (f.token == Token::range && range == First::none) range = first;
        }
        if (f.canonical) {
            o.raw(f.name);
        } else {
            http::canonicalise(f.name, o.at());
            o.advance(f.name.size());
        }
        o.raw(": ");
        o.raw(f.value);
        o.raw("\r\n");
    };
    bool length_passes = false;
    if (spec.draft) {
        for (const DraftField& f : spec.draft->headers.all()) {
            Token t = http::find_token(f.name);
            // What the request line, the framing or the reference's client says itself.
            if (t == Token::host || t == Token::content_length || t == Token::transfer_encoding || t == Token::trailer)
                continue;
            std::string_view value = trimmed_value(f.value);
            if (t != Token::user_agent)
                put(Passed{t, true, f.name, value});
            else if (!agent)  // the first counts
                own(t, f.name, value);
        }
    } else {
        length_passes = each_field(ex, b, put, own);
    }
    if (!agent) o.field("User-Agent", "Go-http-client/1.1");
    if (!spec.referer.empty() && !referer) o.field("Referer", spec.referer);
    if (const plan::TunnelPlan* tunnel = ex.plan->tunnel.get()) [[unlikely]]
        put_handshake(ex, b, *tunnel, o);
    if (encoding != First::filled && range != First::filled && spec.method_id != http::Method::head &&
        !ex.w.settings->disable_compression && !ex.plan->tunnel) {
        o.raw("Accept-Encoding: gzip\r\n");
        out.asked_gzip = true;
    }
    if (ex.w.settings->disable_keep_alives && !ex.plan->tunnel) o.raw("Connection: close\r\n");
    if (spec.proxy && !spec.proxy->authorization.empty()) o.field("Proxy-Authorization", spec.proxy->authorization);

    Framing framing;
    if (spec.draft) {
        framing = framing_of(ex, *spec.draft, spec, out);
    } else if (spec.how == BodyPlan::whole && spec.body.empty()) {
        // One that may be there and turns out to be empty.
        if (!usually_lacks_body(spec.method)) framing.how = Framing::How::chunked;
    } else if (spec.how != BodyPlan::none) {
        framing.how = Framing::How::chunked;
        if ((length_passes && ex.head.framing == http::Framing::length) ||
            (spec.how == BodyPlan::whole && b.send_body_on_redirect)) {
            framing.how = Framing::How::length;
            framing.length = spec.how == BodyPlan::whole ? spec.body.size() : ex.head.content_length;
        }
    }
    switch (framing.how) {
        case Framing::How::none:
            if (spec.method_id == http::Method::post || spec.method_id == http::Method::put ||
                spec.method_id == http::Method::patch)
                o.raw("Content-Length: 0\r\n");
            break;
        case Framing::How::length:
            o.raw("Content-Length: ");
            o.number(framing.length);
            o.raw("\r\n");
            break;
        case Framing::How::chunked:
            o.raw("Transfer-Encoding: chunked\r\n");
            out.chunked = true;
            break;
    }
    out.has_body = framing.how != Framing::How::none;
    o.raw("\r\n");
    if (out.has_body && spec.how != BodyPlan::stream) {
        if (!out.chunked) {
            o.raw(spec.body);
        } else {
            if (!spec.body.empty()) {
                char line[20];
                size_t n = http::write_chunk_head(line + sizeof line, spec.body.size());
                o.raw({line + sizeof line - n, n});
                o.raw(spec.body);
                o.raw("\r\n");
            }
            o.raw("0\r\n\r\n");
        }
    }
    out.bytes = usual ? ex.arena.copy(o.bytes()) : o.bytes();
}

// A proxy is asked for the whole URL; with https it only leads to the host (upstream/peer.cc).
void through_proxy(Exchange& ex, const plan::Proxy& proxy, std::string_view authority, Spec& spec) {
    spec.proxy = &proxy;
    spec.target = ex.arena.concat(ex.arena.concat("http://", authority), spec.target);
}

bool needs_no_escape(std::string_view s) {
    for (unsigned char c : s) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (!plain) return false;
    }
    return true;
}

bool is_control(unsigned char c) {
    return c < 0x20 || c == 0x7f;
}
bool has_control(std::string_view s) {
    return std::any_of(s.begin(), s.end(), is_control);
}

// A blank would end the target of a request line.
std::string_view blanks_escaped(std::string_view s, Arena& arena) {
    auto wrong = [](char c) { return c == ' ' || is_control(static_cast<unsigned char>(c)); };
    auto n = static_cast<size_t>(std::count_if(s.begin(), s.end(), wrong));
    if (!n) return s;
    Out o(arena.chars(s.size() + 2 * n));
    for (char c : s) {
        if (wrong(c)) {
            constexpr char kHex[] = "0123456789ABCDEF";
            char escaped[3] = {'%', kHex[static_cast<unsigned char>(c) >> 4], kHex[c & 15]};
            o.raw({escaped, 3});
        } else {
            o.raw({&c, 1});
        }
    }
    return o.bytes();
}

// As strconv.Quote writes it, without the quotes.
std::string quoted(std::string_view s) {
    std::string out;
    for (char c : s) {
        constexpr std::string_view kShort = "\a\b\f\n\r\t\v\"\\", kLetter = "abfnrtv\"\\";
        constexpr char kHex[] = "0123456789abcdef";
        if (size_t at = kShort.find(c); at != std::string_view::npos) {
            out += {'\\', kLetter[at]};
        } else if (is_control(static_cast<unsigned char>(c))) {
            out += {'\\', 'x', kHex[c >> 4], kHex[c & 15]};
        } else {
            out += c;
        }
    }
    return out;
}

// The first escape that is none, at most three bytes.
std::string_view bad_escape(std::string_view s) {
    auto hex = [](char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f'); };
    for (size_t i = s.find('%'); i != std::string_view::npos; i = s.find('%', i + 3))
        if (i + 2 >= s.size() || !hex(s[i + 1]) || !hex(s[i + 2])) return s.substr(i, 3);
    return {};
}

// What follows the literal of a piece.
std::string_view value_of(const Exchange& ex, const plan::Template::Piece& piece) {
    if (piece.param >= 0) return ex.match.param(static_cast<uint32_t>(piece.param));
    if (piece.step < 0) return {};
    auto i = static_cast<uint32_t>(piece.step);
    // As the reference: a value that is not there leaves its name.
    return ex.steps[i].known ? ex.steps[i].text : std::string_view(ex.plan->step_values[i].placeholder);
}

// The target of the backend request: the pattern with the parameters put in, then the query strings that pass.
std::string_view build_target(Exchange& ex, const plan::BackendPlan& b, const plan::HostPlan& host, BackendHead& out) {
    Arena& arena = ex.arena;
    std::string_view path;
    if (b.url.fixed() && b.url.plain && !b.append_rest) {
        path = b.url.pieces.empty() ? std::string_view("/") : std::string_view(b.url.pieces[0].literal);
        if (!host.base.empty()) path = arena.concat(host.base, path);
    } else {
        size_t n = host.base.size();
        for (const auto& piece : b.url.pieces) {
            n += piece.literal.size();
            n += value_of(ex, piece).size();
        }
        // /__catchall matches no route, so there are no parameters: its rest is the whole path.
        std::string_view rest;
        if (b.append_rest)
            rest = b.rest_param < 0 ? ex.target.path : ex.match.param(static_cast<uint32_t>(b.rest_param));
        Out o(arena.chars(n + rest.size() + 1));
        o.raw(host.base);
        bool plain = b.url.plain;
        for (const auto& piece : b.url.pieces) {
            o.raw(piece.literal);
            std::string_view v = value_of(ex, piece);
            plain = plain && needs_no_escape(v);
            o.raw(v);
        }
        if (b.append_rest) {
            plain = plain && needs_no_escape(rest);
            o.raw(rest);
        }
        path = o.bytes();
        if (!plain) {
            // As the reference: the whole is parsed as a URL after the values were put in.
            auto parse_error = [&](std::string_view why) {
                out.error = "parse \"" + quoted(host.url) + quoted(path) + "\": " + std::string(why);
                return std::string_view();
            };
            if (has_control(path)) return parse_error("net/url: invalid control character in URL");
            path = path.substr(0, path.find('#'));
            size_t q = path.find('?');
            auto escaped = http::escape_url_path_like_go_parse(path.substr(0, q), arena);
            if (!escaped) return parse_error("invalid URL escape \"" + quoted(bad_escape(path.substr(0, q))) + "\"");
            path =
                q == std::string_view::npos ? *escaped : arena.concat(*escaped, blanks_escaped(path.substr(q), arena));
        }
        if (path.empty()) path = "/";
    }
    if (b.query.none() || !ex.target.has_query || ex.target.query.empty()) return path;
    std::string_view query;
    if (b.query.all) {
        query = http::encode_query(ex.target.query, nullptr, arena);
    } else {
        http::NameSet names{b.query.names.data(), static_cast<uint32_t>(b.query.names.size())};
        query = http::encode_query(ex.target.query, &names, arena);
    }
    if (b.filters_query && !query.empty()) {
        http::NameSet names{b.query_filter.names.data(), static_cast<uint32_t>(b.query_filter.names.size())};
        query = http::encode_query(query, &names, arena);
    }
    if (query.empty()) return path;
    if (path.back() == '?') return arena.concat(path, query);
    return arena.concat(path, path.find('?') == std::string_view::npos ? "?" : "&", query);
}

}  // namespace

std::string_view backend_target(Exchange& ex, const plan::BackendPlan& b, const plan::HostPlan& host,
                                BackendHead& out) {
    return build_target(ex, b, host, out);
}

void build_head(Exchange& ex, const plan::BackendPlan& b, const plan::HostPlan& host, BodyPlan how,
                std::string_view body, BackendHead& out) {
    out.target = build_target(ex, b, host, out);
    if (out.target.empty()) return;
    Spec spec;
    spec.method = b.method_name;
    spec.method_id = b.method;
    spec.target = out.target;
    spec.host = host.header;
    spec.how = how;
    spec.body = body;
    if (!host.proxy.host.empty() && !host.https) through_proxy(ex, host.proxy, host.url.substr(7), spec);
    write_head(ex, b, spec, out);
}

void build_redirect(Exchange& ex, const plan::BackendPlan& b, const Redirect& to, std::string_view body,
                    const RequestDraft* draft, BackendHead& out) {
    size_t q = to.target.find('?');
    auto path = http::escape_url_path_like_go_parse(to.target.substr(0, q), ex.arena);
    if (!path) {
        out.error = "failed to parse Location header \"" + std::string(to.target) + "\": invalid URL escape";
        return;
    }
    out.target =
        q == std::string_view::npos ? *path : ex.arena.concat(*path, blanks_escaped(to.target.substr(q), ex.arena));
    Spec spec;
    spec.method = to.method;
    spec.method_id = http::method_of(to.method);
    spec.target = out.target;
    spec.host = to.host_header;
    spec.referer = to.referer;
    spec.drop_sensitive = !to.same_host;
    spec.how = to.with_body ? BodyPlan::whole : BodyPlan::none;
    spec.body = body;
    spec.again = true;
    if (to.proxy && !to.https) through_proxy(ex, *to.proxy, to.authority, spec);
    spec.draft = draft;
    write_head(ex, b, spec, out);
}

RequestDraft* make_draft(Exchange& ex, const plan::BackendPlan& b, const plan::HostPlan& host, BodyPlan how,
                         std::string_view body, BackendHead& out) {
    out.target = build_target(ex, b, host, out);
    if (out.target.empty()) return nullptr;
    auto* d = ex.arena.make<RequestDraft>(ex.arena);
    d->method = b.method_name;
    d->url = DraftUrl::parse(host.url, ex.arena);
    d->url.set_target(out.target, ex.arena);
    d->host = host.header;
    d->headers.reserve(ex.head.field_count + 8);
    auto put = [&](const Passed& f) {
        std::string_view name = f.name;
        if (!f.canonical) {
            char* spelt = ex.arena.chars(name.size());
            http::canonicalise(name, spelt);
            name = {spelt, name.size()};
        }
        d->headers.add(name, f.value);
    };
    auto own = [&](Token, std::string_view name, std::string_view value) { d->headers.add(name, value); };
    bool length_passes = each_field(ex, b, put, own);
    d->has_body = how != BodyPlan::none;
    d->body = body;
    const http::Field* length = ex.find(Token::content_length);
    if (length_passes && length) {
        d->headers.add("Content-Length", ex.value(*length));
        if (d->has_body) d->framing.length = static_cast<int64_t>(ex.head.content_length);
    }
    if (how == BodyPlan::whole && b.send_body_on_redirect) d->framing.length = static_cast<int64_t>(body.size());
    return d;
}

void build_from_draft(Exchange& ex, const plan::BackendPlan& b, const plan::Proxy* proxy, const RequestDraft& d,
                      BodyPlan how, BackendHead& out) {
    for (const DraftField& f : d.headers.all()) {
        if (!valid_header_name(f.name)) {
            out.error = "net/http: invalid header field name \"" + std::string(f.name) + "\"";
            return;
        }
        if (!valid_header_value(f.value)) {
            out.error = "net/http: invalid header field value for \"" + std::string(f.name) + "\"";
            return;
        }
    }
    if (d.url.host.empty()) {
        out.error = "http: no Host in request URL";
        return;
    }
    std::string_view target = d.url.target(ex.arena);
    if (has_control(target)) {
        out.error = "net/http: can't write control character in Request.URL";
        return;
    }
    out.target = blanks_escaped(target, ex.arena);
    Spec spec;
    spec.method = d.method;
    spec.method_id = http::method_of(d.method);
    spec.host = d.host.empty() ? d.url.host : d.host;
    if (!valid_host_header(spec.host)) spec.host = {};
    spec.target = out.target;
    if (proxy && d.url.scheme == "http") through_proxy(ex, *proxy, d.url.host, spec);
    spec.how = how;
    spec.body = d.body;
    spec.draft = &d;
    write_head(ex, b, spec, out);
}

}  // namespace gladius::engine

namespace gladius::plan {

bool NameRule::passes(http::Token t, std::string_view name) const {
    if (all) return true;
    if (t != http::Token::unknown) return tokens & http::bit(t);
    for (const std::string& n : names)
        if (http::same_name(n, name)) return true;
    return false;
}

}  // namespace gladius::plan
