#include "engine/open.h"

#include "engine/references.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "engine/inflate.h"
#include "engine/respond.h"

namespace gladius::engine {

using upstream::Call;
using upstream::Failure;

namespace {

constexpr int kMaxRedirects = 10;

bool idempotent(http::Method m) {
    return m == http::Method::get || m == http::Method::head || m == http::Method::put || m == http::Method::del ||
           m == http::Method::options || m == http::Method::trace;
}

const plan::HostRef& choose(Exchange& ex, const plan::BackendPlan& b) {
    size_t n = b.hosts.size();
    if (n == 1) return b.hosts[0];
    return b.hosts[ex.w.random() % n];
}

struct Url {
    bool https = false;
    std::string_view host;  // without port and brackets
    uint16_t port = 0;
    std::string_view authority;
    std::string_view target;  // path and query, begins with '/'
    bool ok = false;
};

Url split_url(std::string_view u, Arena& arena) {
    Url out;
    if (u.starts_with("http://")) {
        u.remove_prefix(7);
    } else if (u.starts_with("https://")) {
        u.remove_prefix(8);
        out.https = true;
    } else {
        return out;
    }
    size_t end = u.find_first_of("/?");
    out.authority = u.substr(0, end);
    std::string_view rest = end == std::string_view::npos ? std::string_view() : u.substr(end);
    out.target = rest.empty() ? std::string_view("/") : rest[0] == '?' ? arena.concat("/", rest) : rest;
    if (size_t at = out.authority.rfind('@'); at != std::string_view::npos) out.authority.remove_prefix(at + 1);
    out.host = out.authority;
    out.port = out.https ? 443 : 80;
    size_t colon = out.authority.rfind(':');
    if (colon != std::string_view::npos && out.authority.find(']', colon) == std::string_view::npos) {
        out.host = out.authority.substr(0, colon);
        std::string_view p = out.authority.substr(colon + 1);
        if (!p.empty()) {
            auto r = std::from_chars(p.data(), p.data() + p.size(), out.port);
            if (r.ec != std::errc() || r.ptr != p.data() + p.size()) return out;
        }
    }
    if (out.host.size() > 1 && out.host.front() == '[' && out.host.back() == ']')
        out.host = out.host.substr(1, out.host.size() - 2);
    out.ok = !out.host.empty();
    return out;
}

const plan::Proxy* proxy_of(Worker& w, const plan::BackendPlan& b, const Url& to) {
    if (b.proxy) return &*b.proxy;
    return w.snapshot().proxy.for_host(to.host, to.port, to.https);
}

// A place that is not in the plan.
upstream::Peer& peer_of(Worker& w, const plan::BackendPlan& b, const Url& to) {
    const plan::Proxy* p = proxy_of(w, b, to);
    return w.find_peer(w.key_of(to.host, to.port, to.https, p ? *p : plan::Proxy(), *b.tls));
}

// RFC 3986 5.2 for what a Location can be, base = the URL that was asked for.
std::string_view resolve(std::string_view location, const Url& base, Arena& arena) {
    location = location.substr(0, location.find('#'));
    if (location.starts_with("http://") || location.starts_with("https://")) return location;
    std::string_view scheme = base.https ? "https:" : "http:";
    if (location.starts_with("//")) {
        size_t end = std::min(location.find_first_of("/?", 2), location.size());
        if (end > 2) return arena.concat(scheme, location);
        location.remove_prefix(2);  // without a host it is the same one
    }
    std::string_view origin = arena.concat(scheme, "//", base.authority);
    if (location.starts_with("/")) return arena.concat(origin, location);
    std::string_view path = base.target.substr(0, base.target.find('?'));
    if (location.empty()) return arena.concat(origin, base.target);
    if (location[0] == '?') return arena.concat(origin, path, location);
    if (size_t c = location.find(':'); c != std::string_view::npos && location.find('/') > c)
        return location;  // another scheme
    std::string_view dir = path.substr(0, path.rfind('/') + 1);
    return arena.concat(
        origin, http::clean_path(arena.concat(dir, location.substr(0, location.find('?'))), arena),
        location.find('?') == std::string_view::npos ? std::string_view() : location.substr(location.find('?')));
}

}  // namespace

BackendCall::~BackendCall() {
    call_.reset();
    if (peer_) peer_->unref();
}

void BackendCall::end_now() {
    if (call_) call_->finish();
}

rt::Task<void> BackendCall::end() {
    if (!call_) co_return;
    if (call_->uploading()) co_await call_->end_upload();
    call_->finish();
}

bool BackendCall::no_memory() {
    error.kind = Failure::too_large;
    error.text = "the memory budget of the gateway is used up; try again later";
    if (!ex_.body.done) ex_.close = true;
    return false;
}

std::string_view BackendCall::url() {
    if (!url_.empty() || !host_) return url_;
    return ex_.arena.concat(host_->host->url, head.target);
}

bool BackendCall::prepare(const plan::BackendPlan& b, const std::string_view* whole_body) {
    backend_ = &b;
    method = b.method_name;
    if (b.hosts.empty()) {
        error.kind = Failure::no_hosts;
        error.text = "no hosts available";
        return false;
    }
    host_ = &choose(ex_, b);
    if (whole_body) body_ = *whole_body;
    if (whole_body || body_at_hand(ex_, &body_)) {
        bool may_be_empty =
            !b.send_body_on_redirect && (ex_.plan->copies_body || ex_.head.framing == http::Framing::chunked);
        how_ = body_.empty() && !may_be_empty ? BodyPlan::none : BodyPlan::whole;
    } else {
        how_ = BodyPlan::stream;
    }
    if (reads_body_first()) return true;  // the head depends on the body
    return compose();
}

// The head of the first request.
bool BackendCall::compose() {
    const plan::BackendPlan& b = *backend_;
    if (!b.stages.empty() || (b.call && b.call->edits_request())) {
        if (!run_request_stages()) return false;
        if (draft_->skips_backend) return true;
    }
    // The request is composed in one piece: a copy of the body for each backend.
    if (!ex_.charge(body_.size() + ex_.head.head_len)) return no_memory();
    if (draft_)
        build_from_draft(ex_, b, proxy_of(ex_.w, b, split_url(url_, ex_.arena)), *draft_, how_, head);
    else
        build_head(ex_, b, *host_->host, how_, body_, head);
    if (!head.error.empty()) {
        error.kind = head.target.empty() ? Failure::bad_url : Failure::bad_answer;
        error.text = head.error;
        return false;
    }
    return true;
}

bool BackendCall::refused_by_stage() {
    error.kind = Failure::refused;
    error.text = std::string(draft_->error);
    return false;
}

bool BackendCall::run_request_stages() {
    draft_ = make_draft(ex_, *backend_, *host_->host, how_, body_, head);
    if (!draft_) {
        error.kind = Failure::bad_url;
        error.text = head.error;
        return false;
    }
    if (backend_->call) edit_request(ex_, *backend_->call, *draft_);
    if (draft_->failed) return refused_by_stage();
    for (const plan::BackendStage& stage : backend_->stages) {
        if (stage.on_request) stage.on_request(stage.config.get(), *draft_);
        if (draft_->failed) return refused_by_stage();
    }
    method = draft_->method;
    url_ = draft_->url.text(ex_.arena);
    if (draft_->body_replaced) {
        body_ = draft_->body;
        how_ = BodyPlan::whole;
    }
    if (draft_->skips_backend) return true;
    if (draft_->url.scheme != "http" && draft_->url.scheme != "https") {
        error.kind = Failure::bad_answer;
        error.text = "unsupported protocol scheme \"" + std::string(draft_->url.scheme) + "\"";
    } else if (draft_->url.host != host_->host->header && !split_url(url_, ex_.arena).ok && !draft_->url.host.empty()) {
        error.kind = Failure::bad_answer;
        error.text = "dial tcp: lookup " + std::string(draft_->url.host) + ": no such host";
    }
    return error.kind == Failure::none;
}

upstream::Peer& BackendCall::chosen_peer() {
    const plan::HostPlan& host = *host_->host;
    if (!draft_ || (draft_->url.host == host.header && (draft_->url.scheme == "https") == host.https))
        return ex_.w.peer(*ex_.plan, *host_);
    return peer_of(ex_.w, *backend_, split_url(url_, ex_.arena));
}

namespace {
rt::Task<bool> without_a_call() {
    co_return true;
}
}  // namespace

rt::Task<bool> BackendCall::start(rt::Scope& scope) {
    if (reads_body_first()) [[unlikely]]
        return start_with_whole_body(scope);
    if (draft_ && draft_->skips_backend) return without_a_call();
    feed_.set_chunked(head.chunked);
    return start_on(chosen_peer(), draft_ ? http::method_of(method) : backend_->method, scope);
}

rt::Task<bool> BackendCall::start_on(upstream::Peer& peer, http::Method m, rt::Scope& scope) {
    peer.ref();
    if (peer_) peer_->unref();
    peer_ = &peer;
    call_.emplace(ex_.w, scope);
    bool streaming = how_ == BodyPlan::stream;
    request_.bytes = head.bytes;
    request_.method = m;
    request_.feed = streaming ? &feed_ : nullptr;
    // What the client does not take has to be kept; a usual head is less than the least.
    size_t most = ex_.c.behind && !ex_.c.is_stream ? kSmallPiece : Worker::kReceive;
    request_.receive = std::clamp(ex_.c.io.room(), size_t{4096}, most);
    request_.repeatable = !streaming && idempotent(m);
    request_.upgrade = ex_.plan->tunnel != nullptr;
    return call_->start(peer, request_);
}

// A body that may have to be sent twice is read first (bounded by max_request_body and the memory budget).
rt::Task<bool> BackendCall::start_with_whole_body(rt::Scope& scope) {
    WholeBody read = co_await read_whole_body(ex_, scope, body_);
    if (read == WholeBody::no_memory) co_return no_memory();
    if (!ex_.body.done || ex_.body.failed) {
        error.kind = scope.ended() && scope.why() == rt::Wake::timeout ? Failure::timeout : Failure::cancelled;
        co_return false;
    }
    how_ = body_.empty() ? BodyPlan::none : BodyPlan::whole;
    if (!compose()) co_return false;
    if (draft_ && draft_->skips_backend) co_return true;
    co_return co_await start_on(chosen_peer(), http::method_of(method), scope);
}

bool BackendCall::inflates() {
    return head.asked_gzip && (call_->head.mask & http::bit(http::Token::content_encoding)) &&
           ex_.head.method != http::Method::head && call_->may_have_body() && is_gzip(*call_);
}

AnswerDraft& BackendCall::answer_draft() {
    Arena& arena = ex_.arena;
    auto* a = arena.make<AnswerDraft>(arena, *draft_);
    a->max_body = ex_.w.snapshot().server.max_backend_body;
    a->charge = [](void* from, uint64_t n) { return static_cast<Exchange*>(from)->charge(n); };
    a->charge_from = &ex_;
    if (call_) {
        const http::ResponseHead& h = call_->head;
        const char* base = arena.copy({call_->base, h.head_len}).data();
        bool unpacked = inflates();
        a->status = h.status;
        a->headers.reserve(h.field_count + 8u);
        a->framing.length = h.framing == http::Framing::length ? static_cast<int64_t>(h.content_length)
                            : h.framing == http::Framing::none ? 0
                                                               : -1;
        a->framing.coded = h.framing == http::Framing::chunked;
        a->framing.coding = a->framing.coded ? "chunked" : "";
        for (uint32_t i = 0; i < h.field_count; ++i) {
            const http::Field& f = call_->fields()[i];
            bool length = f.token == http::Token::content_length;
            if (http::is_hop_by_hop(f.token) || ((f.flags & http::Field::kNominated) && !length)) continue;
            if (unpacked && (length || f.token == http::Token::content_encoding)) continue;
            std::string_view name = http::name_of(base, f);
            if (!(f.flags & http::Field::kCanonical)) {
                char* spelt = arena.chars(name.size());
                http::canonicalise(name, spelt);
                name = {spelt, name.size()};
            }
            a->headers.add(name, http::value_of(base, f));
        }
        if (unpacked) a->framing.length = -1;
    }
    const auto& stages = backend_->stages;
    for (auto stage = stages.rbegin(); stage != stages.rend() && !a->failed; ++stage)
        if (stage->on_answer) stage->on_answer(stage->config.get(), *a);
    return *a;
}

rt::Task<bool> BackendCall::open(const plan::BackendPlan& b, rt::Scope& scope, const std::string_view* whole_body) {
    if (!prepare(b, whole_body)) co_return false;
    bool ok = co_await start(scope);
    if (ok && redirected()) ok = co_await follow(scope);
    if (!ok) take_call_error();
    co_return ok;
}

rt::Task<bool> BackendCall::follow(rt::Scope& scope) {
    const plan::BackendPlan& b = *backend_;
    url_ = url();
    std::string_view first_host = split_url(url_, ex_.arena).host;
    bool same_host = true;
    bool own_host = draft_ && !draft_->host.empty() && draft_->host != draft_->url.host;  // of the Host header
    for (int hops = 0;; ++hops) {
        int status = call_->head.status;
        if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) co_return true;
        std::string_view location;
        const http::ResponseHead& h = call_->head;
        for (uint32_t i = 0; i < h.field_count; ++i)
            if (call_->fields()[i].token == http::Token::location) {
                location = http::value_of(call_->base, call_->fields()[i]);
                break;
            }
        bool keep = status == 307 || status == 308;
        bool has_body = how_ != BodyPlan::none;
        // A body that went by cannot be sent again: the answer is taken as it is.
        if (location.empty() || (keep && has_body && !b.send_body_on_redirect)) co_return true;
        Url base = split_url(url_, ex_.arena);
        own_host = own_host && location.find("://") == std::string_view::npos;
        // Everything that is needed of this answer is copied before the next wait.
        std::string_view told = ex_.arena.copy(location);
        std::string_view next_url = ex_.arena.copy(resolve(location, base, ex_.arena));
        if (hops == kMaxRedirects - 1) {
            upstream::BodyRun rest = call_->first();
            (void)rest;
            co_await end();
            error.kind = Failure::bad_answer;
            error.text = "stopped after 10 redirects";
            url_ = told;  // the reference shows the Location as it came
            co_return false;
        }
        Url to = split_url(next_url, ex_.arena);
        upstream::BodyRun rest = call_->first();
        if (!rest.done && !rest.failed && h.framing == http::Framing::length && h.content_length < 2048)
            (void)co_await call_->next();
        co_await end();
        if (size_t bracket = to.authority.find('[');
            bracket != std::string_view::npos && to.authority.find(']', bracket) == std::string_view::npos) {
            error.kind = Failure::bad_answer;
            error.text = "failed to parse Location header \"" + std::string(told) + "\": parse \"" + std::string(told) +
                         "\": missing ']' in host";
            co_return false;
        }
        if (!to.ok) {
            error.kind = Failure::bad_answer;
            error.text = "unsupported protocol scheme \"" + std::string(next_url.substr(0, next_url.find(':'))) + "\"";
            url_ = next_url;
            co_return false;
        }
        if (!keep && method != "GET" && method != "HEAD") method = "GET";
        Redirect r;
        r.method = method;
        r.target = to.target;
        r.host_header = r.authority = to.authority;
        r.https = to.https;
        r.proxy = proxy_of(ex_.w, b, to);
        if (own_host) r.host_header = draft_->host;
        if (!base.https || to.https) r.referer = url_;  // not from a secret place to one that is none
        // Once a foreign host was asked, they stay behind, also when that one redirects to itself.
        same_host = same_host && http::is_same_or_below(to.host, first_host);
        r.same_host = same_host;
        r.with_body = keep && has_body;
        head = BackendHead();
        build_redirect(ex_, b, r, body_, draft_, head);
        if (!head.error.empty()) {
            error.kind = Failure::bad_answer;
            error.text = head.error;
            co_return false;
        }
        if (!r.with_body) how_ = BodyPlan::none;
        url_ = ex_.arena.concat(to.https ? "https://" : "http://", to.authority,
                                head.target);  // as it was asked for, with its escapes
        if (draft_) draft_->url = DraftUrl::parse(url_, ex_.arena);
        // A backend behind a unix socket knows itself by the name that it is asked with.
        const plan::HostPlan& own = *host_->host;
        bool stays = own.is_unix() && to.authority == own.header;
        upstream::Peer& next = stays ? ex_.w.peer(*ex_.plan, *host_) : peer_of(ex_.w, b, to);
        if (!co_await start_on(next, http::method_of(method), scope)) {
            error = std::move(call_->error);
            co_return false;
        }
    }
}

}  // namespace gladius::engine
