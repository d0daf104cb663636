// Purpose: the request's body as it comes from the client: framing is decoded, limits are kept, 100 Continue is said
// when somebody begins to read. Owner: functions on an Exchange. Thread: one worker. Errors: BodyRun.failed; ex.body
// says why.
#pragma once
#include "engine/exchange.h"

namespace gladius::engine {

// Sets ex.body up from the head.
void begin_body(Exchange& ex);
// Takes body bytes out of what was already read. Returns true when the body is complete after that: `out` (if not null)
// then holds all of it, in the arena.
bool body_at_hand(Exchange& ex, std::string_view* out);
// Next piece, in the receive buffer (use it before the next co_await). No coroutine: bodies that never end wait here.
struct NextBody {
    Exchange& ex;
    rt::Io::ReadAwait read;
    upstream::BodyRun run;
    bool known = false;
    NextBody(Exchange& e, rt::Scope& scope) : ex(e), read(ex.c.io, scope, ex.w.rx(), Worker::kReceive) {}
    bool await_ready() {
        known = at_hand();
        return known || read.await_ready();
    }
    void await_suspend(std::coroutine_handle<> h) { read.await_suspend(h); }
    upstream::BodyRun await_resume() { return known ? run : take(read.await_resume()); }

  private:
    bool at_hand();  // what needs no reading: an end, or bytes that came earlier
    upstream::BodyRun take(rt::IoResult r);
};
inline NextBody next_body(Exchange& ex, rt::Scope& scope) {
    return NextBody(ex, scope);
}
// Reads all that is left into one piece in the arena, counted against the memory budget.
enum class WholeBody : uint8_t { complete, failed, no_memory };
rt::Task<WholeBody> read_whole_body(Exchange& ex, rt::Scope& scope, std::string_view& out);
// Whether what is left of the body is worth reading before the next request, as far as one can tell when the answer's
// head is written: small, good so far, and on its way without a 100 Continue.
bool worth_draining(const Exchange& ex);
// Reads what is left of a body that nobody wanted, so that the next request can be found. False: give the connection
// up.
rt::Task<bool> drain_body(Exchange& ex);

// Sends the body to a backend while it comes.
class ClientBodyFeed : public upstream::BodyFeed {
  public:
    explicit ClientBodyFeed(Exchange& ex) : ex_(ex) {}
    // chunked: frame it; else Content-Length was sent and the bytes go as they are.
    void set_chunked(bool chunked) { chunked_ = chunked; }
    rt::Task<bool> send_to(rt::Io& io, rt::Scope& scope) override;

  private:
    rt::Task<bool> send_all(rt::Io& io, rt::Scope& scope);
    void skip(uint64_t left);
    Exchange& ex_;
    bool chunked_ = false;
};

}  // namespace gladius::engine
