#include "app/demo.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/list.h"
#include "http/date.h"
#include "http/h1.h"
#include "http/url.h"
#include "net/socket.h"
#include "telemetry/escape.h"

namespace gladius::app {
namespace {

constexpr http::Limits kLimits{64 * 1024, 128};
constexpr uint64_t kMaxBodyBytes = 16 * 1024 * 1024;
constexpr uint32_t kMaxConnections = 10000;
constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kFlushBytes = 256 * 1024;  // answers of pipelined requests are sent together, up to here
constexpr size_t kKeepBytes = 16 * 1024;    // an idle connection keeps no larger buffer
constexpr int kRequestsPerTurn = 64;
constexpr uint64_t kIdleMs = 120000, kRequestMs = 60000, kWriteMs = 60000, kAcceptAgainMs = 100, kLingerMs = 1000;
constexpr size_t kLingerBytes = 1024 * 1024;
constexpr uint64_t kMaxDelayMs = 60000, kMaxBytes = uint64_t{1} << 30, kMaxEvents = 10000, kEventEveryMs = 100;

// --- what the routes answer

struct Request {
    std::string_view method, path, query, body;
    const char* base = nullptr;  // of the head
    const http::Field* fields = nullptr;
    uint32_t field_count = 0;
};

struct Reply {
    int status = 200;
    std::string body;
    std::string_view type = "application/json";
    std::string_view encoding;
};

std::string quoted(std::string_view text) {
    std::string out = "\"";
    telemetry::append_json(out, text);
    return out += '"';
}

std::string member(std::string_view name, std::string_view value) {
    return quoted(name) + ":" + quoted(value);
}
std::string member(std::string_view name, uint64_t value) {
    return quoted(name) + ":" + std::to_string(value);
}

std::optional<uint64_t> number(std::string_view text) {
    uint64_t n = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return n;
}

constexpr std::string_view kNames[] = {"Ada",    "Grace",    "Alan",   "Edsger",  "Barbara",
                                       "Donald", "Margaret", "Dennis", "Frances", "Ken"};
constexpr std::string_view kCities[] = {"London", "New York", "Wilmslow", "Rotterdam", "Los Angeles"};
constexpr std::string_view kGoods[] = {"gladius", "scutum", "pilum", "galea", "caliga", "lorica"};
constexpr uint64_t kUsers = 100, kPosts = 200, kOrders = 1000;

std::string user(uint64_t id) {
    std::string_view name = kNames[(id - 1) % std::size(kNames)];
    std::string number_text = std::to_string(id);
    return "{" + member("id", id) + "," + member("name", name) + "," +
           member("email", "user" + number_text + "@example.com") + ",\"address\":{" +
           member("city", kCities[(id - 1) % std::size(kCities)]) + "," + member("street", number_text + " Via Appia") +
           "}," + member("role", id % 10 == 1 ? "admin" : "member") + "}";
}

std::string post(uint64_t id) {
    uint64_t author = (id - 1) / 2 % kUsers + 1;
    return "{" + member("id", id) + "," + member("user_id", author) + "," +
           member("title", "Post number " + std::to_string(id)) + "," +
           member("body", "What " + std::string(kNames[(author - 1) % std::size(kNames)]) + " wanted to say.") +
           ",\"tags\":[" + quoted(kGoods[id % std::size(kGoods)]) + "," + quoted("rome") + "]}";
}

std::string order(uint64_t id) {
    std::string items;
    uint64_t total_cents = 0;
    for (uint64_t i = 0; i < id % 3 + 1; ++i) {
        uint64_t quantity = (id + i) % 4 + 1, cents = 250 * ((id + i) % 7 + 1);
        total_cents += quantity * cents;
        items += (i ? ",{" : "{") + member("product", kGoods[(id + i) % std::size(kGoods)]) + "," +
                 member("quantity", quantity) + "," + member("price_cents", cents) + "}";
    }
    return "{" + member("id", id) + "," + member("user_id", (id - 1) % kUsers + 1) + ",\"items\":[" + items + "]," +
           member("total_cents", total_cents) + "," + member("status", id % 2 ? "shipped" : "paid") + "}";
}

// The first ten, or those that `?user_id=` names.
std::string list(std::string (*one)(uint64_t), uint64_t count, std::string_view query) {
    uint64_t from = 1, to = std::min<uint64_t>(10, count);
    if (query.starts_with("user_id=")) {
        uint64_t id = number(query.substr(8)).value_or(0);
        from = id == 0 || id > kUsers ? 1 : 2 * id - 1;
        to = id == 0 || id > kUsers ? 0 : from + 1;
    }
    std::string out = "[";
    for (uint64_t id = from; id <= to; ++id)
        out += (id > from ? "," : "") + one(id);
    return out + "]";
}

// An object of the header fields; values of one name are joined as RFC 9110 5.3 does.
std::string headers_json(const Request& r) {
    std::vector<std::pair<std::string, std::string>> all;
    for (uint32_t i = 0; i < r.field_count; ++i) {
        std::string_view raw = http::name_of(r.base, r.fields[i]);
        std::string name(raw.size(), 0);
        http::canonicalise(raw, name.data());
        std::string_view value = http::value_of(r.base, r.fields[i]);
        auto it = std::find_if(all.begin(), all.end(), [&](auto& p) { return p.first == name; });
        if (it == all.end())
            all.emplace_back(std::move(name), value);
        else
            it->second.append(", ").append(value);
    }
    std::string out = "{";
    for (auto& [name, value] : all)
        out += (out.size() > 1 ? "," : "") + member(name, value);
    return out + "}";
}

std::string gzip(std::string_view text) {
    z_stream z{};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
    std::string out(deflateBound(&z, text.size()), 0);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

constexpr std::string_view kIndex =
    "The demo backend of gladius\n\n"
    "/users  /users/{id}       made-up users, 1 to 100\n"
    "/posts  /posts/{id}       made-up posts, 1 to 200; /posts?user_id={id}\n"
    "/orders/{id}              made-up orders, 1 to 1000\n"
    "/echo                     the request as JSON: method, path, query, headers, body\n"
    "/headers                  the header fields of the request\n"
    "/status/{code}            answers with that status, 200 to 599\n"
    "/delay/{ms}               answers after a while, at most 60000\n"
    "/bytes/{n}                n bytes, at most 1 GiB\n"
    "/stream/{n}               n server-sent events, one every 100 ms\n"
    "/gzip                     a compressed answer\n";

Reply problem(int status, std::string_view text) {
    return Reply{status, "{" + member("error", text) + "}", "application/json", {}};
}

Reply item(std::string (*one)(uint64_t), uint64_t count, std::string_view id) {
    auto n = number(id);
    if (!n || *n == 0 || *n > count) return problem(404, "not found");
    return Reply{200, one(*n), "application/json", {}};
}

// "/users/7" for "/users/" is "7".
std::optional<std::string_view> behind(std::string_view path, std::string_view prefix) {
    if (!path.starts_with(prefix) || path.size() == prefix.size()) return std::nullopt;
    return path.substr(prefix.size());
}

// Everything that can be answered at once.
Reply answer(const Request& r) {
    if (r.path == "/") return Reply{200, std::string(kIndex), "text/plain; charset=utf-8", {}};
    if (r.path == "/users") return Reply{200, list(&user, kUsers, {}), "application/json", {}};
    if (r.path == "/posts") return Reply{200, list(&post, kPosts, r.query), "application/json", {}};
    if (auto id = behind(r.path, "/users/")) return item(&user, kUsers, *id);
    if (auto id = behind(r.path, "/posts/")) return item(&post, kPosts, *id);
    if (auto id = behind(r.path, "/orders/")) return item(&order, kOrders, *id);
    if (r.path == "/headers") return Reply{200, headers_json(r), "application/json", {}};
    if (r.path == "/echo") {
        return Reply{200,
                     "{" + member("method", r.method) + "," + member("path", r.path) + "," + member("query", r.query) +
                         ",\"headers\":" + headers_json(r) + "," + member("body", r.body) + "}",
                     "application/json",
                     {}};
    }
    if (r.path == "/gzip")
        return Reply{200, gzip("{\"compressed\":true,\"users\":" + list(&user, kUsers, {}) + "}"), "application/json",
                     "gzip"};
    if (auto text = behind(r.path, "/status/")) {
        auto code = number(*text);
        if (!code || *code < 200 || *code > 599) return problem(400, "a status is a number from 200 to 599");
        return Reply{static_cast<int>(*code), "{" + member("status", *code) + "}", "application/json", {}};
    }
    return problem(404, "not found");
}

// --- connections

struct Conn : ListHook {
    rt::Io io;
    rt::Scope scope;
    std::string in;  // what was received and not answered yet; the current request begins at `at`
    size_t at = 0;
    std::string out;   // answers that are not sent yet
    std::string body;  // of the current request, when it came in chunks
    http::RequestHead head;
    bool close_after = false;
    bool refused = false;
    bool asked_100 = false;
    explicit Conn(rt::Loop& loop, rt::Scope* parent) : scope(loop, parent) {}
};

void append_head(Conn& c, int status, std::string_view type, std::string_view encoding, std::optional<uint64_t> length,
                 int64_t unix_s) {
    std::string& out = c.out;
    std::string_view reason = http::reason_of(status);
    out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason).append("\r\nDate: ");
    char date[http::kDateLen];
    http::write_date(unix_s, date);
    out.append(date, sizeof date);
    bool bodiless = status == 204 || status == 304;
    if (!bodiless && !type.empty()) out.append("\r\nContent-Type: ").append(type);
    if (!bodiless && !encoding.empty()) out.append("\r\nContent-Encoding: ").append(encoding);
    if (!bodiless && length) out.append("\r\nContent-Length: ").append(std::to_string(*length));
    if (c.close_after)
        out.append("\r\nConnection: close");
    else if (c.head.minor_version == 0)
        out.append("\r\nConnection: keep-alive");
    out.append("\r\n");
}

void append_reply(Conn& c, const Reply& r, int64_t unix_s) {
    append_head(c, r.status, r.type, r.encoding, r.body.size(), unix_s);
    c.out.append("\r\n");
    if (c.head.method != http::Method::head && r.status != 204 && r.status != 304) c.out.append(r.body);
}

// The last answer of a connection; always false, as what its callers return.
bool refuse(Conn& c, int status, std::string_view why, int64_t unix_s) {
    c.close_after = c.refused = true;
    c.head.method = http::Method::get;
    append_reply(c, problem(status, why), unix_s);
    return false;
}

}  // namespace

struct DemoServer::Impl {
    explicit Impl(rt::Loop& l) : loop(l), scope(l) {}
    ~Impl() {
        close_listener();
        GL_CHECK(open == 0);
    }

    void accept_all();
    void close_listener();
    rt::Detached serve(Conn& c);
    rt::Task<bool> next_request(Conn& c);
    bool begin(Conn& c);
    bool take_chunks(Conn& c, http::ChunkedDecoder& decoder);
    rt::Task<bool> respond(Conn& c);
    rt::Task<bool> flush(Conn& c);
    rt::Task<> linger(Conn& c);
    rt::Task<bool> send_bytes(Conn& c, uint64_t n);
    rt::Task<bool> send_events(Conn& c, uint64_t n);

    rt::Loop& loop;
    rt::Scope scope;
    rt::Io listener;
    rt::Timer accept_again;
    uint32_t open = 0;
    std::vector<char> rx = std::vector<char>(kReadBytes);  // filled and emptied between two waits
    http::Field fields[128];
};

void DemoServer::Impl::close_listener() {
    accept_again.disarm();
    listener.close();
}

void DemoServer::Impl::accept_all() {
    while (listener.is_open()) {
        int fd = ::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno == EAGAIN) return;
            // Out of descriptors: the queue stays full, and the loop tells changes only.
            accept_again.arg = this;
            accept_again.fire = [](rt::Timer&, void* self) { static_cast<Impl*>(self)->accept_all(); };
            loop.wheel().arm(accept_again, loop.now_ms() + kAcceptAgainMs);
            return;
        }
        if (open >= kMaxConnections) {
            ::close(fd);
            continue;
        }
        net::tune(fd, 0, 0);
        auto* c = new Conn(loop, &scope);
        if (!c->io.open(loop, fd)) {
            ::close(fd);
            delete c;
            continue;
        }
        ++open;
        serve(*c);
    }
}

rt::Detached DemoServer::Impl::serve(Conn& c) {
    for (int n = 1;; ++n) {
        bool more = co_await next_request(c);
        if (!more) break;
        more = co_await respond(c);
        if (!more || c.close_after) break;
        if (n % kRequestsPerTurn == 0) co_await loop.yield();
    }
    bool sent = co_await flush(c);
    if (sent && c.refused) co_await linger(c);
    c.io.close();
    --open;
    loop.retire([](void* p) { delete static_cast<Conn*>(p); }, &c);
}

rt::Task<bool> DemoServer::Impl::flush(Conn& c) {
    if (c.out.empty()) co_return !c.scope.ended();
    rt::Scope wait(loop, &c.scope);
    wait.deadline_in(kWriteMs);
    rt::IoResult r = co_await c.io.write(c.out.data(), c.out.size(), wait);
    c.out.clear();
    if (c.out.capacity() > kKeepBytes) c.out.shrink_to_fit();
    co_return r.ok();
}

// A client that is still sending would lose the answer to the reset that a close sends now (RFC 9112 9.6).
rt::Task<> DemoServer::Impl::linger(Conn& c) {
    ::shutdown(c.io.fd(), SHUT_WR);
    rt::Scope wait(loop, &c.scope);
    wait.deadline_in(kLingerMs);
    for (size_t left = kLingerBytes; left > 0;) {
        rt::IoResult r = co_await c.io.read(rx.data(), std::min(rx.size(), left), wait);
        if (!r.ok()) break;
        left -= static_cast<size_t>(r.n);
    }
}

// A head is complete: what it asks for before its body. False when it was refused.
bool DemoServer::Impl::begin(Conn& c) {
    c.close_after = !c.head.keep_alive;
    if (c.head.bad_expect) return refuse(c, 417, "unknown expectation", loop.unix_seconds());
    if (c.head.framing == http::Framing::length && c.head.content_length > kMaxBodyBytes)
        return refuse(c, 413, "the body is too large", loop.unix_seconds());
    c.asked_100 = c.head.expect_continue && c.head.framing != http::Framing::none;
    return true;
}

// Moves what has come of a chunked body from `in` to `body`. False when it was refused.
bool DemoServer::Impl::take_chunks(Conn& c, http::ChunkedDecoder& decoder) {
    size_t start = c.at + c.head.head_len, p = start;
    while (p < c.in.size() && !decoder.done()) {
        auto step = decoder.next(c.in.data() + p, c.in.size() - p);
        p += step.consumed;
        c.body.append(step.data);
        if (step.state == http::ChunkedDecoder::State::error)
            return refuse(c, 400, "bad chunked body", loop.unix_seconds());
        if (c.body.size() > kMaxBodyBytes) return refuse(c, 413, "the body is too large", loop.unix_seconds());
        if (step.consumed == 0) break;
    }
    c.in.erase(start, p - start);
    return true;
}

// Receives until a whole request stands at c.at. False when the connection is to be closed.
rt::Task<bool> DemoServer::Impl::next_request(Conn& c) {
    rt::Scope wait(loop, &c.scope);
    wait.deadline_in(kIdleMs);
    http::ChunkedDecoder decoder;
    http::HeadResume resume;
    bool partial = false, head_done = false;
    c.body.clear();
    for (;;) {
        if (!head_done) {
            size_t blank = http::skip_empty_lines(c.in.data() + c.at, c.in.size() - c.at);
            if (blank) partial = false;
            c.at += blank;
            const char* data = c.in.data() + c.at;
            size_t n = c.in.size() - c.at;
            if (n > 0 && (!partial || resume.worth_parsing(data, n, kLimits))) {
                http::Status s = http::parse_request(data, n, kLimits, fields, std::size(fields), c.head);
                if (s == http::Status::error) {
                    bool large = c.head.error == http::HeadError::head_too_large ||
                                 c.head.error == http::HeadError::too_many_fields;
                    co_return refuse(c, large ? 431 : 400, http::text(c.head.error), loop.unix_seconds());
                }
                if (s == http::Status::complete) {
                    head_done = true;
                    if (!begin(c)) co_return false;
                } else {
                    resume.parsed(n);
                    if (!partial) wait.deadline_in(kRequestMs);
                    partial = true;
                }
            }
        }
        if (head_done) {
            if (c.head.framing == http::Framing::none) co_return true;
            if (c.head.framing == http::Framing::length &&
                c.in.size() - c.at - c.head.head_len >= c.head.content_length)
                co_return true;
            if (c.head.framing == http::Framing::chunked) {
                if (!take_chunks(c, decoder)) co_return false;
                if (decoder.done()) co_return true;
            }
            if (c.asked_100) c.out.append("HTTP/1.1 100 Continue\r\n\r\n");
            c.asked_100 = false;
            if (!partial) wait.deadline_in(kRequestMs);
            partial = true;
        }
        bool sent = co_await flush(c);
        if (!sent) co_return false;
        c.in.erase(0, c.at);
        c.at = 0;
        if (c.in.empty() && c.in.capacity() > kKeepBytes) c.in.shrink_to_fit();
        if (c.body.empty() && c.body.capacity() > kKeepBytes) c.body.shrink_to_fit();
        rt::IoResult r = co_await c.io.read(rx.data(), rx.size(), wait);
        if (!r.ok()) co_return false;
        c.in.append(rx.data(), static_cast<size_t>(r.n));
    }
}

// Answers the request at c.at and steps over it. False when the connection broke.
rt::Task<bool> DemoServer::Impl::respond(Conn& c) {
    const char* base = c.in.data() + c.at;
    // Other connections used the field array while the body came.
    http::parse_request(base, c.in.size() - c.at, kLimits, fields, std::size(fields), c.head);
    bool by_length = c.head.framing == http::Framing::length;
    size_t end = c.at + c.head.head_len + (by_length ? static_cast<size_t>(c.head.content_length) : 0);
    uint64_t delay_ms = 0;
    Reply reply;
    {
        Arena arena;
        auto target = http::parse_target({base + c.head.target_off, c.head.target_len}, arena);
        if (!target) {
            reply = problem(400, "bad request target");
        } else {
            Request r;
            r.method = {base, c.head.method_len};
            r.path = target->path;
            r.query = target->query;
            r.body =
                by_length ? std::string_view(base + c.head.head_len, c.head.content_length) : std::string_view(c.body);
            r.base = base;
            r.fields = fields;
            r.field_count = c.head.field_count;
            auto bytes = behind(r.path, "/bytes/"), events = behind(r.path, "/stream/"),
                 delay = behind(r.path, "/delay/");
            auto n = bytes ? number(*bytes) : events ? number(*events) : delay ? number(*delay) : std::nullopt;
            uint64_t most = bytes ? kMaxBytes : events ? kMaxEvents : kMaxDelayMs;
            if ((bytes || events || delay) && (!n || *n > most)) {
                reply = problem(400, "the number must be between 0 and " + std::to_string(most));
            } else if (bytes || events) {
                uint64_t count = *n;
                bool streams = events.has_value();
                c.at = end;
                bool good = false;
                if (streams)
                    good = co_await send_events(c, count);
                else
                    good = co_await send_bytes(c, count);
                co_return good;
            } else if (delay) {
                delay_ms = *n;
                reply = Reply{200, "{" + member("delayed_ms", delay_ms) + "}", "application/json", {}};
            } else {
                reply = answer(r);
            }
        }
    }
    c.at = end;
    if (delay_ms > 0) {
        bool good = co_await flush(c);
        if (!good) co_return false;
        rt::Wake wake = co_await loop.sleep(delay_ms, c.scope);
        if (wake != rt::Wake::ready) co_return false;
    }
    append_reply(c, reply, loop.unix_seconds());
    if (c.out.size() >= kFlushBytes) {
        bool good = co_await flush(c);
        co_return good;
    }
    co_return true;
}

rt::Task<bool> DemoServer::Impl::send_bytes(Conn& c, uint64_t n) {
    append_head(c, 200, "application/octet-stream", {}, n, loop.unix_seconds());
    c.out.append("\r\n");
    if (c.head.method == http::Method::head) co_return true;
    constexpr std::string_view kLine = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n";  // 64 bytes
    uint64_t sent = 0;
    while (sent < n) {
        while (sent < n && c.out.size() < kFlushBytes) {
            size_t some = static_cast<size_t>(std::min<uint64_t>(n - sent, kLine.size()));
            c.out.append(kLine.data(), some);
            sent += some;
        }
        if (sent == n) break;
        bool good = co_await flush(c);
        if (!good) co_return false;
        co_await loop.yield();
    }
    co_return true;
}

rt::Task<bool> DemoServer::Impl::send_events(Conn& c, uint64_t n) {
    bool chunked = c.head.minor_version > 0;
    if (!chunked) c.close_after = true;
    append_head(c, 200, "text/event-stream", {}, std::nullopt, loop.unix_seconds());
    c.out.append("Cache-Control: no-cache\r\n").append(chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    if (c.head.method == http::Method::head) co_return true;
    for (uint64_t i = 1; i <= n; ++i) {
        std::string event = "id: " + std::to_string(i) + "\ndata: {" + member("event", i) + "}\n\n";
        if (chunked) {
            char size[18];
            size_t len = http::write_chunk_head(size + sizeof size, event.size());
            c.out.append(size + sizeof size - len, len).append(event).append("\r\n");
        } else {
            c.out.append(event);
        }
        bool good = co_await flush(c);
        if (!good) co_return false;
        if (i == n) break;
        rt::Wake wake = co_await loop.sleep(kEventEveryMs, c.scope);
        if (wake != rt::Wake::ready) co_return false;
    }
    if (chunked) c.out.append("0\r\n\r\n");
    co_return true;
}

// --- the face

DemoServer::DemoServer(rt::Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}
DemoServer::~DemoServer() = default;

Result<void> DemoServer::listen(std::string_view ip, uint16_t port) {
    Result<int> fd = net::listen_tcp(ip, port);
    if (!fd) return fail(fd.error());
    if (!impl_->listener.open(impl_->loop, *fd)) {
        ::close(*fd);
        return fail("cannot watch the listening socket");
    }
    impl_->listener.on_readable([](rt::Io&, void* self) { static_cast<Impl*>(self)->accept_all(); }, impl_.get());
    return {};
}

uint16_t DemoServer::port() const {
    return net::local_port(impl_->listener.fd());
}
uint32_t DemoServer::connections() const {
    return impl_->open;
}

void DemoServer::stop() {
    impl_->close_listener();
    impl_->scope.cancel(rt::Wake::cancelled);
}

int run_demo(uint16_t port, std::string_view ip) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    net::raise_descriptor_limit();
    rt::Loop loop;
    DemoServer server(loop);
    Result<void> listening = server.listen(ip, port);
    if (!listening) {
        std::fprintf(stderr, "gladius demo: %s\n", listening.error().message.c_str());
        return 1;
    }
    rt::Io signals;
    int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    GL_CHECK(fd >= 0 && signals.open(loop, fd));
    signals.on_readable([](rt::Io&, void* l) { static_cast<rt::Loop*>(l)->stop(); }, &loop);
    std::printf("gladius demo: backend on http://%s:%u/\n", ip.empty() ? "localhost" : std::string(ip).c_str(),
                server.port());
    std::fflush(stdout);
    loop.run();
    signals.close();
    server.stop();
    while (server.connections() > 0)
        loop.turn(0);
    return 0;
}

}  // namespace gladius::app
