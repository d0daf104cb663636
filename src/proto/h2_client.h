// Purpose: one HTTP/2 connection to a backend, sans I/O: bytes of the backend in, answers and bytes for it out. A
// stream is an rt::Transport that speaks HTTP/1 at this boundary: its writer gives a request as it would go over a
// socket (a head, then the body, in chunks when the head says so: one kind of request is composed, whatever speaks
// below), its reader gets an HTTP/1 head and then the body as it is, and the end of the stream as the end of the body
// (ADR 0011). Owner: upstream/h2_session. Thread: one worker. Lifetime: a stream lives until its Transport is closed;
// the client goes after the last of them. Errors: a backend that breaks the protocol loses its stream or, as nghttp2
// has it, the connection: every reader gets ECONNRESET. Requests that the backend certainly has not looked at
// (REFUSED_STREAM, or behind the last stream of its GOAWAY) say so: they may be sent again. Source: RFC 9113. Memory: a
// stream keeps at most its receive window of an answer, counted by the owner; the window of the connection is opened as
// bytes come, so that a client that does not read holds up nobody else; of a request nothing is kept, the writer waits.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/list.h"
#include "http/h1.h"
#include "proto/byte_queue.h"
#include "proto/h2_common.h"
#include "proto/h2_output.h"
#include "rt/loop.h"

namespace gladius::proto {

class H2Client;

struct H2CallHook : ListHook {};
struct H2CallWriterHook : ListHook {};

class H2ClientStream final : public rt::Transport, public H2CallHook, public H2CallWriterHook {
  public:
    // The Io on top, which is told about readiness from now on.
    void attach(rt::Io& io) { io_ = &io; }
    // The backend has not looked at this request, and never will.
    bool unprocessed() const { return unprocessed_; }

    ssize_t recv(char* buf, size_t n) override;
    ssize_t send(const char* data, size_t n) override;
    ssize_t peek() override;
    bool has_more() const override { return !in_.empty() || answered_; }
    void shutdown_write() override {}
    void close() override;

  private:
    friend class H2Client;
    friend struct H2ClientCallbacks;
    explicit H2ClientStream(H2Client& client) : client_(client) {}
    void signal(uint32_t what);
    ssize_t end_of_input();
    size_t room_now() const;
    ssize_t wait_for_room();
    bool submit(std::string_view head);
    ssize_t send_body(const char* data, size_t n);
    bool offer(std::string_view body);

    H2Client& client_;
    int32_t id_ = -1;  // none yet
    rt::Io* io_ = nullptr;
    ByteQueue in_;                 // the answer's head as text, then of its body
    size_t in_head_ = 0;           // so much of it belongs to the head
    size_t interim_ = 0;           // bytes of 1xx answers, which are not passed on
    const char* offer_ = nullptr;  // what send() was given; only inside that call
    size_t offer_n_ = 0;
    http::ChunkedDecoder chunks_;
    uint64_t left_ = 0;  // of a request that said its length
    bool sent_head_ = false;
    bool chunked_ = false;
    bool whole_ = false;       // all of the request was given
    bool has_length_ = false;  // of the answer
    uint64_t answer_left_ = 0;
    bool is_head_ = false;     // of method HEAD
    bool has_answer_ = false;  // its head is final
    bool answered_ = false;    // END_STREAM came
    bool closed_ = false;      // the protocol is done with it
    bool lingers_ = false;     // its reader has all, only the end was not said yet
    bool broken_ = false;      // before it was answered
    bool unprocessed_ = false;
    bool lost_ = false;     // there was no memory for what came
    bool stalled_ = false;  // its own window is empty, and somebody waits
};

class H2ClientOwner : public H2Owner {
  public:
    // A stream is gone: there may be room for another, or the last one was it.
    virtual void h2_stream_closed() = 0;

  protected:
    ~H2ClientOwner() = default;
};

struct H2ClientLimits {
    uint32_t max_streams = 100;  // at the same time, if the backend allows so many
    uint32_t max_header_bytes = 64 * 1024;
    uint32_t stream_window = 256 * 1024;
    uint32_t connection_window = 4 * 1024 * 1024;
};

class H2Client {
  public:
    H2Client(H2ClientOwner& owner, const H2ClientLimits& limits, bool https);
    ~H2Client();
    H2Client(const H2Client&) = delete;

    // What the backend sent. False: the connection is over; what is in output() may still be said.
    bool receive(const char* data, size_t n);
    // Bytes for the backend: whoever writes consumes them, and then calls sent().
    ByteQueue& output() { return output_.bytes(); }
    void sent();
    void set_blocked(bool blocked) { output_.set_blocked(blocked); }
    // The connection broke: every stream ends.
    void fail();

    // One more request may be made now.
    bool can_open() const;
    // nullptr when not.
    H2ClientStream* open();
    uint32_t streams() const { return live_; }
    // No more requests: those that run end as usual.
    void retire() { retired_ = true; }
    bool retired() const { return retired_ || going_away_ || over_; }
    // The backend answers it, or is gone.
    void ping();
    // Said before the connection is closed in peace.
    void goodbye();

  private:
    friend class H2ClientStream;
    friend struct H2ClientCallbacks;
    void begin_head(H2ClientStream& s);
    bool add_field(std::string_view name, std::string_view value);
    void end_head(H2ClientStream& s, bool ends);
    void answered(H2ClientStream& s);
    void closed(H2ClientStream& s, uint32_t error);
    void keep(H2ClientStream& s, const char* data, size_t n);
    void append(H2ClientStream& s, const char* data, size_t n);
    void forget(H2ClientStream& s);
    void reset(H2ClientStream& s, uint32_t error);
    void release(H2ClientStream& s);
    void consumed(H2ClientStream& s, size_t n);
    void pull();
    void wake_one();
    uint32_t allowed_streams() const;

    H2ClientOwner& owner_;
    H2ClientLimits limits_;
    const bool https_;
    H2SessionPtr session_;
    H2Output output_;
    List<H2ClientStream, H2CallHook> streams_;
    List<H2ClientStream, H2CallWriterHook> waiting_;  // for the connection's window, or for room in the output

    // The head that is being read: one at a time (RFC 9113 section 4.3).
    struct Build {
        ByteQueue text;
        int status = 0;
        bool bad = false, has_length = false;
    } build_;
    H2ClientStream* building_ = nullptr;

    uint32_t live_ = 0, lingering_ = 0;
    bool greeted_ = false, retired_ = false, going_away_ = false, over_ = false, receiving_ = false;
};

}  // namespace gladius::proto
