// Purpose: a connection to a backend that speaks HTTP/2, shared by many calls: each gets a stream as the BackendConn
// that a connection of its own would be (proto/h2_client.h). Reads and writes by callbacks of its Io, so that nothing
// waits in it: a peer can end it at any moment. Owner: the Peer's list; one that is over frees itself with its last
// stream. Thread: one worker. Lifetime: streams hold their peer, and it holds the session; after the peer only streams
// are left that nobody reads. Errors: a broken connection breaks its streams; which of them may be repeated is known by
// each.
#pragma once
#include "proto/h2_client.h"
#include "upstream/peer.h"

namespace gladius::upstream {

class H2Session final : public ListHook, public proto::H2ClientOwner {
  public:
    // Takes the connection, which was just dialed.
    static H2Session* begin(Context& ctx, Peer& peer, BackendConn* conn);

    // A stream for one call; nullptr when no more may be opened.
    BackendConn* open_stream();
    // No more calls; ends with the last one, at once when there is none.
    void retire();
    // Ends now, in whatever state.
    void end();
    // Nobody uses it since then; 0: somebody does.
    uint64_t idle_since_ms() const { return idle_ ? idle_since_ms_ : 0; }

    void h2_output() override;
    bool h2_take_memory(size_t n) override { return ctx_.take_memory(n); }
    void h2_give_memory(size_t n) override { ctx_.give_memory(n); }
    void h2_stream_closed() override;

  private:
    H2Session(Context& ctx, Peer& peer, BackendConn* conn);
    ~H2Session() = default;
    void on_readable();
    void on_writable();
    void on_time();
    void listen_for_silence(uint64_t ms);
    void set_idle(bool idle);

    Context& ctx_;
    BackendConn* conn_;
    Peer& peer_;
    rt::Timer silence_;
    uint64_t ping_ms_;
    uint64_t heard_ms_ = 0, idle_since_ms_ = 0;
    bool pinged_ = false, idle_ = false, ended_ = false, freed_ = false;
    proto::H2Client h2_;
};

// A stream to the peer: of a session that is there, or of a new one. Several calls wait for one connection.
rt::Task<BackendConn*> open_h2_stream(Context& ctx, Peer& peer, rt::Scope& scope, CallError& error);

}  // namespace gladius::upstream
