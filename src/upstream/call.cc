#include "upstream/call.h"

#include <errno.h>
#include <algorithm>

#include <cctype>
#include <cstring>
#include <utility>

#include "base/pool.h"
#include "upstream/h2_session.h"

namespace gladius::upstream {

using telemetry::Counter;

namespace {

Failure failure_of(rt::Wake w) {
    return w == rt::Wake::timeout ? Failure::timeout : Failure::cancelled;
}

// A pooled connection may have been closed by the backend in this very turn. Worth a system call only for a request
// that cannot be repeated.
bool looks_alive(rt::Io& io) {
    return io.peek() < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

// What the reference says of a status line that is none.
std::string malformed(std::string_view line) {
    auto said = [](std::string_view what, std::string_view value) {
        return "malformed HTTP " + std::string(what) + " \"" + std::string(value) + "\"";
    };
    size_t space = line.find(' ');
    if (space == std::string_view::npos) return said("response", line);
    std::string_view code = line.substr(std::min(line.find_first_not_of(' ', space), line.size()));
    code = code.substr(0, code.find(' '));
    auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (code.size() != 3 || !std::all_of(code.begin(), code.end(), digit)) return said("status code", code);
    std::string_view version = line.substr(0, space);
    if (version.size() != 8 || !version.starts_with("HTTP/") || !digit(version[5]) || version[6] != '.' ||
        !digit(version[7]))
        return said("version", version);
    return said("response", line);
}

rt::Task<BackendConn*> connect(Context& ctx, Peer& peer, rt::Scope& scope, CallError& error) {
    return peer.key().http2.on ? open_h2_stream(ctx, peer, scope, error) : dial(ctx, peer, scope, error);
}

}  // namespace

Call::~Call() {
    GL_ASSERT(upload_.open() == 0);
    close();
}

void Call::close() {
    if (!conn_) return;
    conn_->peer->close(conn_);
    conn_ = nullptr;
}

rt::Detached Call::upload(BodyFeed& feed) {
    upload_.add();
    {
        rt::Scope scope(ctx_.loop, &scope_);
        upload_scope_ = &scope;
        if (!co_await feed.send_to(conn_->io, scope)) upload_failed_ = true;
        upload_scope_ = nullptr;
    }
    upload_.done();  // resumes who waits for the end: afterwards the call and the parent of the scope may be gone
}

rt::Task<void> Call::end_upload() {
    // An answer before the end of the request: the connection cannot be used again.
    if (upload_.open() > 0) {
        upload_failed_ = true;
        if (upload_scope_) upload_scope_->cancel(rt::Wake::cancelled);
        co_await upload_.all();
    }
}

// What was read makes a head, or not yet, or never.
Call::HeadState Call::take_head(char* rx, size_t n, http::Method method) {
    http::Limits limits;
    limits.max_head_bytes = Context::kReceive;
    http::Status st;
    size_t at = 0;
    for (;;) {
        st = http::parse_response(rx + at, n - at, limits, method, ctx_.fields, Context::kMaxFields, head);
        if (st != http::Status::complete || head.status >= 200 || head.status == 101) break;
        // Interim answers are not passed on (the reference drops them too).
        at += head.head_len;
        interim_n_ += head.head_len;
        if (at == n || interim_n_ > Context::kReceive) {
            st = http::Status::need_more;
            break;
        }
    }
    rx += at;
    n -= at;
    part_at_ = at;
    part_n_ = n;
    if (st == http::Status::complete) {
        base = rx;
        first_n_ = n - head.head_len;
        remaining_ = head.framing == http::Framing::length ? head.content_length : 0;
        complete_ = head.framing == http::Framing::none || (head.framing == http::Framing::length && remaining_ == 0);
        if (head.status != 101 || may_switch_) return HeadState::complete;
        error.kind = Failure::bad_answer;  // nobody asked for an upgrade
        error.text = "net/http: unexpected 101 Switching Protocols";
        return HeadState::bad;
    }
    error.kind = Failure::bad_answer;
    if (interim_n_ > Context::kReceive) {
        error.text = "net/http: too many 1xx informational responses";
        return HeadState::bad;
    }
    if (st == http::Status::need_more && n < Context::kReceive) {
        error.kind = Failure::none;
        return HeadState::more;
    }
    size_t line = 0;
    while (line < n && line < 80 && rx[line] != '\r' && rx[line] != '\n')
        ++line;
    error.text = "net/http: HTTP/1.x transport connection broken: " + malformed({rx, line});
    return HeadState::bad;
}

void Call::set_read_error(const rt::IoResult& r) {
    if (r.wake != rt::Wake::ready) {
        error.kind = failure_of(r.wake);
        if (scope_.ended()) return;
        error.kind = Failure::io;
        error.text = "net/http: timeout awaiting response headers";
    } else if (r.n == 0) {
        error.kind = got_bytes_ ? Failure::io : Failure::closed;
        error.text = got_bytes_ ? "unexpected EOF" : "EOF";
    } else {
        error.kind = Failure::io;
        error.text = read_words(r.error);
    }
}

// Of the system, or of TLS.
std::string Call::read_words(int e) const {
    if (e == EPROTO && conn_->tls && !conn_->tls->error().empty()) return conn_->tls->error();
    return "read tcp: read: " + net::error_words(e);
}

// A head that comes in pieces is collected in a buffer of its own, and moved to the receive buffer when it is worth
// parsing: a backend that sends byte by byte costs linear time.
rt::Task<Call::HeadState> Call::read_rest_of_head(http::Method method, rt::Scope& scope) {
    char* part = static_cast<char*>(pool_allocate(Context::kReceive));
    std::memcpy(part, ctx_.rx() + part_at_, part_n_);
    http::Limits limits;
    limits.max_head_bytes = Context::kReceive;
    http::HeadResume resume;
    resume.parsed(part_n_);
    HeadState state = HeadState::more;
    while (state == HeadState::more) {
        rt::IoResult r = co_await conn_->io.read(part + part_n_, Context::kReceive - part_n_, scope);
        if (!r.ok()) {
            set_read_error(r);
            state = HeadState::bad;
            break;
        }
        got_bytes_ = true;
        ctx_.counters.add(Counter::backend_bytes_received, static_cast<uint64_t>(r.n));
        part_n_ += static_cast<size_t>(r.n);
        if (!resume.worth_parsing(part, part_n_, limits)) continue;
        std::memcpy(ctx_.rx(), part, part_n_);
        state = take_head(ctx_.rx(), part_n_, method);
        if (part_at_ > 0) {  // interim answers were taken out
            std::memmove(part, part + part_at_, part_n_);
            resume = http::HeadResume();
        }
        resume.parsed(part_n_);
    }
    pool_free(part, Context::kReceive);
    co_return state;
}

rt::Task<bool> Call::start(Peer& peer, const BackendRequest& request) {
    may_switch_ = request.upgrade;
    for (int attempt = 0;; ++attempt) {
        peer.refresh_if_due();
        conn_ = attempt == 0 ? peer.take_idle() : nullptr;
        while (conn_ && !request.repeatable && !looks_alive(conn_->io)) {
            close();
            conn_ = peer.take_idle();
        }
        bool reused = conn_ != nullptr;
        if (!conn_) {
            conn_ = co_await connect(ctx_, peer, scope_, error);
            if (!conn_) co_return false;
        }
        ++conn_->uses;
        got_bytes_ = false;
        part_at_ = part_n_ = interim_n_ = 0;
        bool sent = true;
        int write_error = 0;
        ssize_t n = conn_->io.write_now(request.bytes.data(), request.bytes.size());
        if (n != static_cast<ssize_t>(request.bytes.size())) [[unlikely]] {
            if (n >= 0 || errno == EAGAIN) {
                size_t done = n < 0 ? 0 : static_cast<size_t>(n);
                // The request's bytes live in the exchange: no copy.
                rt::IoResult r =
                    co_await conn_->io.write(request.bytes.data() + done, request.bytes.size() - done, scope_);
                sent = r.wake == rt::Wake::ready && r.error == 0;
                write_error = r.error;
                if (r.wake != rt::Wake::ready) {
                    error.kind = failure_of(r.wake);
                    close();
                    co_return false;
                }
            } else {
                sent = false;
                write_error = errno;
            }
        }
        ctx_.counters.add(Counter::backend_bytes_sent, request.bytes.size());
        if (sent && request.feed) upload(*request.feed);
        // Even when sending failed: the backend may have answered before it stopped reading.
        error.kind = Failure::none;
        HeadState state = HeadState::bad;
        if (!ctx_.settings->response_header_timeout_ms) [[likely]] {
            rt::IoResult r = co_await conn_->io.read(ctx_.rx(), request.receive, scope_);
            if (r.ok()) {
                got_bytes_ = true;
                ctx_.counters.add(Counter::backend_bytes_received, static_cast<uint64_t>(r.n));
                state = take_head(ctx_.rx(), static_cast<size_t>(r.n), request.method);
                if (state == HeadState::more) state = co_await read_rest_of_head(request.method, scope_);
            } else {
                set_read_error(r);
            }
        } else {
            rt::Scope scope(ctx_.loop, &scope_);
            scope.deadline_in(ctx_.settings->response_header_timeout_ms);
            state = co_await read_rest_of_head(request.method, scope);
        }
        if (state == HeadState::complete) co_return true;
        if (request.feed) co_await end_upload();
        bool broke = !got_bytes_ && (error.kind == Failure::closed || error.kind == Failure::io);
        // HTTP/2 can say that a request was not looked at: then even one that must not be done twice may be repeated.
        bool untouched = conn_->stream && conn_->stream->unprocessed() && !request.feed;
        bool again = broke && attempt == 0 && ((reused && request.repeatable) || untouched);
        if (!again && !sent && write_error) {
            error.kind = Failure::io;
            error.text =
                write_error == EPROTO ? read_words(write_error) : "write tcp: " + net::error_words(write_error);
        }
        close();
        if (!again) co_return false;
        ctx_.counters.add(Counter::retries);
    }
}

BackendConn* Call::take_switched(std::string_view& early) {
    GL_ASSERT(switched() && upload_.open() == 0);
    early = {base + head.head_len, first_n_};
    return std::exchange(conn_, nullptr);
}

BodyRun Call::first() {
    char* data = const_cast<char*>(base) + head.head_len;
    if (complete_) {
        excess_ = first_n_ > 0;
        return BodyRun{data, 0, true, false};
    }
    if (first_n_ == 0) return BodyRun{data, 0, false, false};
    return decode(data, first_n_);
}

BodyRun Call::decode(char* data, size_t n) {
    switch (head.framing) {
        case http::Framing::length: {
            size_t k = n < remaining_ ? n : static_cast<size_t>(remaining_);
            remaining_ -= k;
            excess_ = k < n;
            complete_ = remaining_ == 0;
            return BodyRun{data, k, complete_, false};
        }
        case http::Framing::chunked: {
            size_t in = 0, out = 0;
            while (in < n) {
                auto step = chunked_.next(data + in, n - in);
                if (!step.data.empty()) {
                    if (data + out != step.data.data()) std::memmove(data + out, step.data.data(), step.data.size());
                    out += step.data.size();
                }
                in += step.consumed;
                if (step.state == http::ChunkedDecoder::State::error) {
                    error.kind = Failure::bad_answer;
                    error.text = "invalid byte in chunk length";
                    return BodyRun{data, out, false, true};
                }
                if (step.state == http::ChunkedDecoder::State::done) {
                    complete_ = true;
                    excess_ = in < n;
                    break;
                }
                if (step.consumed == 0) break;
            }
            return BodyRun{data, out, complete_, false};
        }
        case http::Framing::until_close:
            return BodyRun{data, n, false, false};
        case http::Framing::none:
            break;
    }
    complete_ = true;
    excess_ = n > 0;
    return BodyRun{data, 0, true, false};
}

bool Call::skip(uint64_t n) {
    ctx_.counters.add(Counter::backend_bytes_received, n);
    remaining_ -= n;
    complete_ = remaining_ == 0;
    return complete_;
}

BodyRun Call::fail(rt::IoResult r) {
    if (r.wake != rt::Wake::ready) {
        error.kind = failure_of(r.wake);
    } else if (r.n == 0) {
        error.kind = Failure::io;
        error.text = "unexpected EOF";
    } else {
        error.kind = Failure::io;
        error.text = read_words(r.error);
    }
    return BodyRun{nullptr, 0, false, true};
}

BodyRun Call::on_read(rt::IoResult r) {
    if (!r.ok()) {
        // With TLS the end must be said: what only stops may have been cut by somebody in between.
        bool cut = conn_->tls && conn_->tls->truncated();
        if (r.wake == rt::Wake::ready && r.n == 0 && head.framing == http::Framing::until_close && !cut) {
            complete_ = true;
            excess_ = true;  // closed: nothing to reuse
            return BodyRun{ctx_.rx(), 0, true, false};
        }
        return fail(r);
    }
    ctx_.counters.add(Counter::backend_bytes_received, static_cast<uint64_t>(r.n));
    return decode(ctx_.rx(), static_cast<size_t>(r.n));
}

void Call::finish() {
    if (!conn_) return;
    GL_ASSERT(upload_.open() == 0);
    if (complete_ && !excess_ && !upload_failed_ && head.keep_alive && head.framing != http::Framing::until_close) {
        conn_->peer->give_back(conn_);
        conn_ = nullptr;
        return;
    }
    close();
}

}  // namespace gladius::upstream
