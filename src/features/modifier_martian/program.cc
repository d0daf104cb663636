#include "features/modifier_martian/program.h"

#include <sys/random.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "features/modifier_martian/cookies.h"
#include "features/modifier_martian/files.h"
#include "features/modifier_martian/ranges.h"
#include "http/url.h"

namespace gladius::features::martian {

using engine::AnswerDraft;
using engine::DraftField;
using engine::RequestDraft;

namespace {

// A modifier's error; nothing: it went well.
using Fault = std::optional<std::string_view>;

std::string_view number_text(int64_t n, Arena& arena) {
    char* p = arena.chars(21);
    return {p, static_cast<size_t>(std::to_chars(p, p + 21, n).ptr - p)};
}

// --- headers, with the three that Go keeps beside them ---------------------------------------------------------------

enum class Special : uint8_t { none, host, length, coding };

Special special(std::string_view name) {
    if (name == "Host") return Special::host;
    if (name == "Content-Length") return Special::length;
    if (name == "Transfer-Encoding") return Special::coding;
    return Special::none;
}

std::string_view host_of(const RequestDraft& d) {
    return d.host;
}
std::string_view host_of(const AnswerDraft&) {
    return {};
}
void set_host(RequestDraft& d, std::string_view host) {
    d.host = host;
}
void set_host(AnswerDraft&, std::string_view) {}

template <class D>
std::string_view get_header(const D& d, std::string_view name) {
    switch (special(name)) {
        case Special::host:
            return host_of(d);
        case Special::length:
            return d.framing.length < 0 ? std::string_view() : number_text(d.framing.length, d.arena);
        case Special::coding:
            return d.framing.coding;
        case Special::none:
            break;
    }
    return d.headers.get(name);
}

template <class D>
Fault set_header(D& d, std::string_view name, std::string_view value) {
    switch (special(name)) {
        case Special::host:
            set_host(d, value);
            return {};
        case Special::length: {
            int64_t n = 0;
            Number what = parse_number(value, n);
            if (what != Number::good)
                return not_a_number("strconv.ParseInt", value, what == Number::out_of_range, d.arena);
            d.framing.length = n;
            return {};
        }
        case Special::coding:
            d.framing.coded = true;
            d.framing.coding = value;
            return {};
        case Special::none:
            break;
    }
    d.headers.set(name, value);
    return {};
}

template <class D>
Fault add_header(D& d, std::string_view name, std::string_view value) {
    switch (special(name)) {
        case Special::host:
            if (!host_of(d).empty()) return "proxyutil: illegal header multiple: Host";
            return set_header(d, name, value);
        case Special::length:
            if (d.framing.length > 0) return "proxyutil: illegal header multiple: Content-Length";
            return set_header(d, name, value);
        case Special::coding:
            if (!d.framing.coded) return set_header(d, name, value);
            return {};  // the first element is what counts
        case Special::none:
            break;
    }
    d.headers.add(name, value);
    return {};
}

template <class D>
void remove_header(D& d, std::string_view name) {
    switch (special(name)) {
        case Special::host:
            return set_host(d, {});
        case Special::length:
            d.framing.length = -1;
            return;
        case Special::coding:
            d.framing.coded = false;
            d.framing.coding = {};
            return;
        case Special::none:
            break;
    }
    d.headers.remove(name);
}

template <class D>
bool has_header_value(const D& d, std::string_view name, std::string_view value) {
    switch (special(name)) {
        case Special::host:
            return !host_of(d).empty() && host_of(d) == value;
        case Special::length:
            return d.framing.length > 0 && number_text(d.framing.length, d.arena) == value;
        case Special::coding:
            return d.framing.coded && d.framing.coding == value;
        case Special::none:
            break;
    }
    auto all = d.headers.all();
    return std::any_of(all.begin(), all.end(), [&](const DraftField& f) { return f.name == name && f.value == value; });
}

// --- URLs ------------------------------------------------------------------------------------------------------------

struct HostPort {
    std::string_view host, port;
};
// Go's net.SplitHostPort.
Fault split_host_port(std::string_view s, HostPort& out, Arena& arena) {
    auto wrong = [&](std::string_view why) -> Fault {
        return arena.concat(s.empty() ? "" : "address ", s, arena.concat(s.empty() ? "" : ": ", why));
    };
    size_t colon = s.rfind(':');
    if (colon == std::string_view::npos) return wrong("missing port in address");
    size_t opened = 0, closed = 0;  // where brackets may not stand any more
    if (s[0] == '[') {
        size_t end = s.find(']');
        if (end == std::string_view::npos) return wrong("missing ']' in address");
        if (end + 1 == s.size()) return wrong("missing port in address");
        if (end + 1 != colon)
            return wrong(s[end + 1] == ':' ? "too many colons in address" : "missing port in address");
        out.host = s.substr(1, end - 1);
        opened = 1;
        closed = end + 1;
    } else {
        out.host = s.substr(0, colon);
        if (out.host.find(':') != std::string_view::npos) return wrong("too many colons in address");
    }
    if (s.find('[', opened) != std::string_view::npos) return wrong("unexpected '[' in address");
    if (s.find(']', closed) != std::string_view::npos) return wrong("unexpected ']' in address");
    out.port = s.substr(colon + 1);
    return {};
}

std::string_view join_host_port(std::string_view host, std::string_view port, Arena& arena) {
    bool bare_v6 = host.find(':') != std::string_view::npos;
    return arena.concat(bare_v6 ? arena.concat("[", host, "]") : host, ":", port);
}

int64_t default_port(std::string_view scheme) {
    return scheme == "http" ? 80 : scheme == "https" ? 443 : 0;
}

// The reference's wildcards: '*' stands for what is between two dots. From the end to the front.
bool host_matches(std::string_view host, std::string_view match) {
    if (host.empty()) return false;
    if (host == match) return true;
    size_t h = host.size() - 1;
    for (size_t m = match.size(); m-- > 0;) {
        if (match[m] == '*') {
            while (h > 0 && host[h] != '.')
                --h;
            if (m == 0 && h == 0) return true;
            continue;
        }
        if (host[h] != match[m]) return false;
        if (h == 0) return m == 0;
        --h;
    }
    return false;
}

bool url_matches(const Modifier& m, const RequestDraft& r) {
    return (m.scheme.empty() || m.scheme == r.url.scheme) && (m.host.empty() || host_matches(r.url.host, m.host)) &&
           (m.path.empty() || m.path == r.url.path) && (m.query.empty() || m.query == r.url.query);
}

bool query_has(const Modifier& m, const RequestDraft& r) {
    bool found = false;
    http::for_each_pair(r.url.query, r.arena, [&](const http::Pair& p) {
        found |= p.name == m.name && (m.value.empty() || p.value == m.value);
    });
    return found;
}

// The query as a whole is written anew, sorted by name.
void set_query(const Modifier& m, RequestDraft& r) {
    Arena& arena = r.arena;
    size_t room = http::escape_query(m.name, arena).size() + http::escape_query(m.value, arena).size() + 2;
    http::for_each_pair(r.url.query, arena, [&](const http::Pair& p) {
        if (p.name != m.name) room += 3 * (p.name.size() + p.value.size()) + 2;
    });
    char* out = arena.chars(room);
    char* w = out;
    auto put = [&](std::string_view s) { w = std::copy(s.begin(), s.end(), w); };
    put(http::escape_query(m.name, arena));
    put("=");
    put(http::escape_query(m.value, arena));
    http::for_each_pair(r.url.query, arena, [&](const http::Pair& p) {
        if (p.name == m.name) return;
        put("&");
        put(http::escape_query(p.name, arena));
        put("=");
        put(http::escape_query(p.value, arena));
    });
    r.url.query = http::encode_query({out, static_cast<size_t>(w - out)}, nullptr, arena);
}

Fault change_port(const Modifier& m, RequestDraft& r) {
    Arena& arena = r.arena;
    HostPort at{r.url.host, {}};
    if (r.url.host.find(':') != std::string_view::npos)
        if (Fault f = split_host_port(r.url.host, at, arena)) return f;
    std::string_view host = at.host;
    switch (m.port) {
        case PortChange::remove:
            break;
        case PortChange::of_scheme:
            if (!default_port(r.url.scheme)) return {};
            host = join_host_port(host, number_text(default_port(r.url.scheme), arena), arena);
            break;
        case PortChange::fixed:
            host = join_host_port(host, number_text(m.number, arena), arena);
            break;
    }
    r.url.host = host;
    r.headers.set("Host", host);  // which the reference never sends: its client takes the other Host
    return {};
}

// --- identifiers -----------------------------------------------------------------------------------------------------

// UUID version 4 (RFC 9562).
std::string_view new_uuid(Arena& arena) {
    unsigned char b[16];
    if (::getrandom(b, sizeof b, 0) != static_cast<ssize_t>(sizeof b)) return {};
    b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40);
    b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
    constexpr char kHex[] = "0123456789abcdef";
    char* out = arena.chars(36);
    char* w = out;
    for (int i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *w++ = '-';
        *w++ = kHex[b[i] >> 4];
        *w++ = kHex[b[i] & 15];
    }
    return {out, 36};
}

// --- one modifier ----------------------------------------------------------------------------------------------------

template <class D>
Fault apply_to_headers(const Modifier& m, D& d) {
    switch (m.kind) {
        case Kind::header_modifier:
            return set_header(d, m.name, m.value);
        case Kind::header_append:
            return add_header(d, m.name, m.value);
        case Kind::header_copy:
            return set_header(d, m.value, get_header(d, m.name));
        case Kind::header_blacklist:
            for (const std::string& name : m.names)
                remove_header(d, name);
            return {};
        default:
            return {};
    }
}

// In the reference these look for a session that a gateway does not have, and end the request.
constexpr std::string_view kNoSession = "martian: there is no session to verify";

Fault apply(const Modifier& m, RequestDraft& r) {
    switch (m.kind) {
        case Kind::header_id:
            if (r.headers.get(m.name).empty()) {
                std::string_view id = new_uuid(r.arena);
                if (id.empty()) return "martian: no random bytes";
                r.headers.set(m.name, id);
            }
            return {};
        case Kind::body_modifier:
            r.headers.set("Content-Type", m.content_type);
            r.headers.remove("Content-Encoding");
            r.replace_body(m.body);
            return {};
        case Kind::cookie_modifier: {
            std::string_view there = r.headers.get("Cookie");
            r.headers.set("Cookie", there.empty() ? std::string_view(m.value) : r.arena.concat(there, "; ", m.value));
            return {};
        }
        case Kind::url_modifier:
            if (!m.scheme.empty()) r.url.scheme = m.scheme;
            if (!m.host.empty()) r.url.host = m.host;
            if (!m.path.empty()) r.url.path = m.path;
            if (!m.query.empty()) r.url.query = m.query;
            return {};
        case Kind::querystring_modifier:
            set_query(m, r);
            return {};
        case Kind::port_modifier:
            return change_port(m, r);
        case Kind::stash_modifier:
            r.headers.set(m.name, r.url.text(r.arena));
            return {};
        case Kind::static_modifier:
            r.skips_backend = true;
            if (r.url.scheme == "https") r.url.scheme = "http";
            return {};
        case Kind::url_verifier:
        case Kind::querystring_verifier:
            return kNoSession;
        default:
            return apply_to_headers(m, r);
    }
}

Fault apply(const Modifier& m, AnswerDraft& a) {
    switch (m.kind) {
        case Kind::body_modifier:
            a.headers.set("Content-Type", m.content_type);
            a.headers.remove("Content-Encoding");
            answer_with(a, m.body, m.content_type, m.boundary);
            break;
        case Kind::cookie_modifier:
            a.headers.add("Set-Cookie", m.body);
            return {};
        case Kind::stash_modifier:
            a.headers.set(m.name, a.request.headers.get(m.name));
            return {};
        case Kind::status_modifier:
            a.status = static_cast<int>(std::clamp<int64_t>(m.number, -1, 100000));
            return {};
        case Kind::static_modifier:
            answer_with_file(m, a);
            break;
        case Kind::status_verifier:
            return kNoSession;
        default:
            return apply_to_headers(m, a);
    }
    if (!a.failed) return {};
    // The run decides what an error means: a group may go on after it.
    a.failed = false;
    return a.error;
}

// --- conditions ------------------------------------------------------------------------------------------------------

const RequestDraft& request_of(const RequestDraft& r) {
    return r;
}
const RequestDraft& request_of(const AnswerDraft& a) {
    return a.request;
}

bool cookies_match(const Modifier& m, const RequestDraft& r) {
    auto all = r.headers.all();
    return std::any_of(all.begin(), all.end(), [&](const DraftField& f) {
        return f.name == "Cookie" && cookie_header_has(f.value, m.name, m.value);
    });
}
bool cookies_match(const Modifier& m, const AnswerDraft& a) {
    auto all = a.headers.all();
    return std::any_of(all.begin(), all.end(), [&](const DraftField& f) {
        return f.name == "Set-Cookie" && set_cookie_is(f.value, m.name, m.value);
    });
}

Fault port_matches(const Modifier& m, const RequestDraft& r, bool& yes) {
    if (r.url.host.find(':') == std::string_view::npos && m.number == default_port(r.url.scheme)) {
        yes = true;
        return {};
    }
    HostPort at;
    if (Fault f = split_host_port(r.url.host, at, r.arena)) return f;
    int64_t port = 0;
    Number n = parse_number(at.port, port);
    if (n != Number::good) return not_a_number("strconv.Atoi", at.port, n == Number::out_of_range, r.arena);
    yes = port == m.number;
    return {};
}

template <class D>
Fault matches(const Modifier& m, const D& d, bool& yes) {
    const RequestDraft& r = request_of(d);
    switch (m.kind) {
        case Kind::header_filter:
            yes = has_header_value(d, m.name, m.value);
            return {};
        case Kind::header_regex_filter: {  // of the request, also for an answer
            std::string_view value = r.headers.get(m.name);
            yes = !value.empty() && m.regex->found_in(value, r.arena);
            return {};
        }
        case Kind::cookie_filter:
            yes = cookies_match(m, d);
            return {};
        case Kind::url_filter:
            yes = url_matches(m, r);
            return {};
        case Kind::url_regex_filter:
            yes = m.regex->found_in(r.url.text(r.arena), r.arena);
            return {};
        case Kind::querystring_filter:
            yes = query_has(m, r);
            return {};
        case Kind::port_filter:
            // Without a port, a request's filter that does not match is no error; an answer's is.
            if constexpr (std::is_same_v<D, RequestDraft>) {
                if (r.url.host.find(':') == std::string_view::npos && m.number != default_port(r.url.scheme)) return {};
            }
            return port_matches(m, r, yes);
        default:
            return {};
    }
}

// --- a run -----------------------------------------------------------------------------------------------------------

template <class D>
void run_steps(const std::vector<Step>& steps, uint32_t groups, D& d) {
    uint32_t* errors_before = groups ? d.arena.template array<uint32_t>(groups) : nullptr;
    uint32_t errors = 0;
    std::string_view collected;
    for (size_t i = 0; i < steps.size();) {
        const Step& s = steps[i];
        Fault fault;
        bool fresh = true;  // not in `collected` yet
        size_t next = i + 1;
        switch (s.what) {
            case Step::Do::apply:
                fault = apply(*s.modifier, d);
                break;
            case Step::Do::unless: {
                bool yes = false;
                fault = matches(*s.modifier, d, yes);
                if (!yes) next = s.to;
                break;
            }
            case Step::Do::jump:
                next = s.to;
                break;
            case Step::Do::begin_group:
                errors_before[s.to] = errors;
                break;
            case Step::Do::end_group:
                if (errors > errors_before[s.to]) {
                    fault = collected;
                    fresh = false;
                }
                break;
        }
        if (fault) {
            if (s.on_error == Step::kNone) return d.fail(*fault);
            if (fresh) {
                collected = errors ? d.arena.concat(collected, "\n", *fault) : *fault;
                ++errors;
            }
            next = s.on_error;
        }
        i = next;
    }
}

// --- from the tree to steps ------------------------------------------------------------------------------------------

bool is_filter(Kind k) {
    return k == Kind::header_filter || k == Kind::header_regex_filter || k == Kind::cookie_filter ||
           k == Kind::url_filter || k == Kind::url_regex_filter || k == Kind::querystring_filter ||
           k == Kind::port_filter;
}

// As deep as the configuration is nested, which the parser of the configuration bounds.
void flatten(const Modifier& m, bool request, std::vector<Step>& out, uint32_t& groups) {
    if (!(request ? m.on_request : m.on_answer)) return;
    auto here = [&] { return static_cast<uint32_t>(out.size()); };
    if (is_filter(m.kind)) {
        size_t condition = out.size();
        out.push_back({.what = Step::Do::unless, .modifier = &m});
        flatten(m.children[0], request, out, groups);
        if (m.children.size() > 1) {
            size_t past = out.size();
            out.push_back({.what = Step::Do::jump});
            out[condition].to = here();
            flatten(m.children[1], request, out, groups);
            out[past].to = here();
        } else {
            out[condition].to = here();
        }
        return;
    }
    if (m.kind != Kind::fifo_group && m.kind != Kind::priority_group) {
        if (m.kind != Kind::header_verifier) out.push_back({.what = Step::Do::apply, .modifier = &m});
        return;
    }
    uint32_t group = 0;
    if (m.aggregates) {
        group = groups++;
        out.push_back({.what = Step::Do::begin_group, .to = group});
    }
    for (const Modifier& child : m.children) {
        size_t begin = out.size();
        flatten(child, request, out, groups);
        if (!m.aggregates) continue;
        for (size_t i = begin; i < out.size(); ++i)
            if (out[i].on_error == Step::kNone) out[i].on_error = here();
    }
    if (m.aggregates) out.push_back({.what = Step::Do::end_group, .to = group});
}

}  // namespace

void Program::flatten() {
    martian::flatten(root, true, request, groups);
    martian::flatten(root, false, answer, groups);
}

void run(const Program& program, RequestDraft& request) {
    run_steps(program.request, program.groups, request);
}

void run(const Program& program, AnswerDraft& answer) {
    run_steps(program.answer, program.groups, answer);
}

}  // namespace gladius::features::martian
