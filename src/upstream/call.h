// Purpose: one request to one backend and its answer: take a connection or dial, send, read the head, decode the
// framing of the body, give the connection back. There is one way to call a backend; all executors use it. Owner: a
// local of the coroutine that makes the call. Thread: one worker. Lifetime: after start() the head and the first body
// bytes are in the receive buffer: use them before the next co_await. Errors: error says what failed and in the
// reference's words; nothing is thrown. Retry (issue 3 item 6): once, on a new connection, when a kept-alive connection
// was closed before a byte of the answer and the request is safe to repeat (idempotent method, all of it at hand).
//   Call call(ctx, scope);
//   if (!co_await call.start(peer, request)) return failed(call.error);
//   for (BodyRun r = call.first(); ; r = co_await call.next()) { use(r.data, r.n); if (r.done || r.failed) break; }
//   call.finish();
#pragma once
#include <string_view>

#include "http/h1.h"
#include "rt/loop.h"
#include "upstream/peer.h"

namespace gladius::upstream {

// A request body that is still on its way from the client.
class BodyFeed {
  public:
    virtual ~BodyFeed() = default;
    // Sends all of it, framed, to the backend. False when either side broke.
    virtual rt::Task<bool> send_to(rt::Io& io, rt::Scope& scope) = 0;
};

struct BackendRequest {
    std::string_view bytes;  // the head, and the body when it is at hand
    http::Method method = http::Method::get;
    BodyFeed* feed = nullptr;
    size_t receive = Context::kReceive;  // the first read of the answer takes no more
    bool repeatable = true;              // may be sent again when nothing was answered
    bool upgrade = false;                // asks for another protocol: 101 is an answer
};

struct BodyRun {
    char* data = nullptr;
    size_t n = 0;
    bool done = false;    // the body is complete
    bool failed = false;  // it never will be
};

class Call {
  public:
    Call(Context& ctx, rt::Scope& scope) : ctx_(ctx), scope_(scope) {}
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    rt::Task<bool> start(Peer& peer, const BackendRequest& request);

    // The answer's head; offsets count from base.
    http::ResponseHead head;
    const char* base = nullptr;
    const http::Field* fields() const { return ctx_.fields; }
    CallError error;

    // The backend took the upgrade: what follows the head is no HTTP. The connection is then the caller's, who closes
    // it by its peer; `early` are bytes that came with the head, in the receive buffer.
    bool switched() const { return head.status == 101; }
    BackendConn* take_switched(std::string_view& early);

    // False when the head alone says that there is no body.
    bool may_have_body() const { return !complete_; }
    // The body bytes that came with the head. Once a call: it consumes them.
    BodyRun first();
    // Decodes framing of n bytes that were read into data; body bytes are moved together in place.
    BodyRun decode(char* data, size_t n);
    struct NextAwait;
    NextAwait next(size_t max = Context::kReceive);

    // A body with a length may go past us, from io() to somewhere else: what is left of it, and what has gone.
    uint64_t remaining() const { return remaining_; }
    rt::Io& io() { return conn_->io; }
    bool skip(uint64_t n);  // true: that was the rest of it

    bool uploading() const { return upload_.open() > 0; }
    // Stops a body that is still being sent; needed before finish() when uploading().
    rt::Task<void> end_upload();
    // Gives the connection back for reuse when the answer was read to its end, else closes it. Idempotent.
    void finish();

    struct NextAwait {
        Call& call;
        rt::Io::ReadAwait read;
        bool await_ready() { return read.await_ready(); }
        void await_suspend(std::coroutine_handle<> h) { read.await_suspend(h); }
        BodyRun await_resume() { return call.on_read(read.await_resume()); }
    };

  private:
    enum class HeadState : uint8_t { complete, more, bad };
    HeadState take_head(char* rx, size_t n, http::Method method);
    rt::Task<HeadState> read_rest_of_head(http::Method method, rt::Scope& scope);
    void set_read_error(const rt::IoResult& r);
    rt::Detached upload(BodyFeed& feed);
    std::string read_words(int error) const;
    BodyRun on_read(rt::IoResult r);
    BodyRun fail(rt::IoResult r);
    void close();

    Context& ctx_;
    rt::Scope& scope_;
    BackendConn* conn_ = nullptr;
    rt::Join upload_;
    rt::Scope* upload_scope_ = nullptr;
    http::ChunkedDecoder chunked_{16 * 1024, true};
    uint64_t remaining_ = 0;
    size_t first_n_ = 0;
    size_t part_at_ = 0, part_n_ = 0;  // an incomplete head: where it stands in the receive buffer, and its bytes
    size_t interim_n_ = 0;             // bytes of 1xx answers so far
    bool got_bytes_ = false;
    bool complete_ = false;  // the body was read to its end
    bool excess_ = false;    // bytes after it: not reusable
    bool upload_failed_ = false;
    bool may_switch_ = false;
};

inline Call::NextAwait Call::next(size_t max) {
    return NextAwait{*this, conn_->io.read(ctx_.rx(), max, scope_)};
}

}  // namespace gladius::upstream
