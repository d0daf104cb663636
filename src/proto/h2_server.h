// Purpose: one HTTP/2 connection of a client, sans I/O: bytes of the client in, requests and bytes for the client out.
// A request's stream is an rt::Transport: its reader gets the body of the request, its writer gives an HTTP/1 head and
// then the body as it is (ADR 0015). Owner: engine/serve_h2.cc. Thread: one worker. Lifetime: a stream lives until the
// protocol is done with it and its Transport was closed; the server goes after the last Transport. Errors: a client
// that breaks the protocol gets RST_STREAM or GOAWAY from nghttp2; floods are counted here and end the connection with
// ENHANCE_YOUR_CALM, after which no frame is looked at. Source: RFC 9113; the limits are those of Go's server where it
// has them. Memory: a stream holds its head until it is started and at most its receive window of body; what the client
// does not take is not buffered at all, the writer waits.
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

class H2Server;

// A request's head as the HTTP/1 codec would have found it: text that can be moved as a whole, and the index of its
// fields.
struct H2Request {
    http::RequestHead head;
    const char* text = nullptr;
    const http::Field* fields = nullptr;
    bool too_large = false;  // nothing of it was kept: answer 431
};

struct H2StreamHook : ListHook {};
struct H2WriterHook : ListHook {};

class H2Stream final : public rt::Transport, public H2StreamHook, public H2WriterHook {
  public:
    const H2Request& request() const { return request_; }
    int32_t id() const { return id_; }
    // Drops the head; its views are gone.
    void release_request();
    // The Io on top, which is told about readiness from now on.
    void attach(rt::Io& io);
    // No more of the answer comes. Not whole: the client sees a reset, never the end of an answer.
    void finish(bool whole);
    // Answered before all of the request was there: see H2Server::end_lingering().
    bool lingers() const { return finished_ && !remote_ended_ && !closed_; }

    ssize_t recv(char* buf, size_t n) override;
    ssize_t send(const char* data, size_t n) override;
    ssize_t peek() override;
    bool has_more() const override { return !in_.empty() || remote_ended_; }
    size_t room() override;
    void shutdown_write() override {}
    void close() override;

  private:
    friend class H2Server;
    friend struct H2Callbacks;
    explicit H2Stream(H2Server& server, int32_t id) : server_(server), id_(id) {}
    void signal(uint32_t what);
    void offer(std::string_view body);
    size_t taken();
    ssize_t wait_for_room();

    H2Server& server_;
    int32_t id_;
    rt::Io* io_ = nullptr;
    H2Request request_;
    void* request_memory_ = nullptr;
    size_t request_bytes_ = 0;
    ByteQueue in_;                 // of the body
    const char* offer_ = nullptr;  // what send() was given; only inside that call
    size_t offer_n_ = 0, offered_ = 0;
    uint64_t left_ = 0;          // of an answer that said its length
    bool held_ = false;          // started: the engine has it
    bool closed_ = false;        // the protocol is done with it
    bool remote_ended_ = false;  // END_STREAM came
    bool reset_ = false;         // closed before the end of either side
    bool head_sent_ = false, has_length_ = false, answered_ = false, finished_ = false;
    bool narrow_ = false, stalled_ = false;  // stalled: its own window is empty, and somebody waits
    bool is_head_ = false;
    uint8_t lingers_ = 0;
};

struct H2ServerLimits {
    uint32_t max_streams = 250;  // as Go's server
    uint32_t max_header_bytes = 1024 * 1024;
    uint32_t stream_window = 64 * 1024;
    uint32_t connection_window = 256 * 1024;
};

class H2Server {
  public:
    H2Server(H2Owner& owner, const H2ServerLimits& limits);
    ~H2Server();
    H2Server(const H2Server&) = delete;
    H2Server& operator=(const H2Server&) = delete;

    // The request that asked for the upgrade becomes stream 1. `settings` is the decoded HTTP2-Settings field. Null
    // when it is none; the connection is then over. The request's views stay the caller's.
    H2Stream* upgrade(std::string_view settings, const H2Request& request, std::string_view body);

    // Bytes of the client. False: the connection is over; output() has the last frames.
    bool receive(const char* data, size_t n, uint64_t now_ms);
    // A request whose head is complete, in the order of arrival; its stream is then held until Transport::close().
    // Null: none, or the client takes so little of the answers it has that it may not have more of them now.
    H2Stream* next_request();

    // Frames for the client. Whoever sends them calls sent() afterwards, which wakes writers that wait for room.
    ByteQueue& output() { return output_.bytes(); }
    void sent();
    // While a socket takes nothing, nothing is added but what the protocol must say.
    void set_blocked(bool blocked) { output_.set_blocked(blocked); }

    // GOAWAY: first without a last stream, then, when the client has seen that (or after a while: shutdown_now()),
    // with it. Requests that are running end as usual.
    void shutdown();
    void shutdown_now();
    void stop(uint32_t error);  // GOAWAY at once, whatever runs

    // To be called every tenth of a second while a finished stream lingers(): what the client still sends of its
    // request is read away (and judged), but not for ever: at the second call it is told to stop. False: none is left.
    bool end_lingering();

    bool greeted() const { return greeted_; }   // the preface and the first SETTINGS came
    bool finished() const;                      // nothing more is to be read or written
    uint32_t streams() const { return live_; }  // whose exchange runs, or that are open
    uint32_t running() const { return running_; }
    bool flooded() const { return flooded_; }

  private:
    friend class H2Stream;
    friend struct H2Callbacks;
    void build_begin(H2Stream& s);
    bool build_field(std::string_view name, std::string_view value);
    void build_end(H2Stream& s, bool ends);
    void write_request_line();
    void add_field(std::string_view name, std::string_view value);
    void drop_build();
    bool noise(uint32_t cost);
    bool fail(uint32_t error);
    bool feed(const char* data, size_t n);
    bool judge(const char*& data, size_t n);
    void remember_reset(int32_t id);
    bool was_reset(int32_t id) const;
    void credit_data(size_t n, bool had_room);
    void credit(uint32_t n) { noise_ = noise_ > n ? noise_ - n : 0; }
    void pull();
    void wake_one();
    void reset(H2Stream& s, uint32_t error);
    void closed(H2Stream& s, uint32_t error);
    void forget(H2Stream& s);
    void release(H2Stream& s);
    bool keep_body(H2Stream& s, const char* data, size_t n);
    bool is_narrow(const H2Stream& s) const;
    bool submit_head(H2Stream& s, std::string_view head, std::string_view body);
    void consumed(H2Stream& s, size_t n);

    H2Owner& owner_;
    H2ServerLimits limits_;
    H2SessionPtr session_;
    H2Output output_;
    List<H2Stream, H2StreamHook> fresh_;    // complete heads that were not started
    List<H2Stream, H2StreamHook> others_;   // all other streams
    List<H2Stream, H2WriterHook> waiting_;  // writers that wait for the connection's window, or for room in the output

    // The head that is being read. One at a time: nothing may come between HEADERS and its CONTINUATIONs.
    struct Build {
        ByteQueue text;
        ByteQueue cookie;
        http::Field* fields = nullptr;
        uint32_t field_cap = 0;
        nghttp2_rcbuf* method = nullptr;
        nghttp2_rcbuf* path = nullptr;
        nghttp2_rcbuf* authority = nullptr;
        http::RequestHead head;
        uint64_t size = 0;
        bool line_written = false, bad = false, too_large = false, has_host = false, http_scheme = false;
        bool has_length = false;
    } build_;
    H2Stream* building_ = nullptr;

    uint64_t now_ms_ = 0, noise_at_ms_ = 0;
    uint32_t noise_ = 0;
    size_t uncredited_ = 0;  // bytes of answers that have bought nothing back yet
    uint32_t live_ = 0, running_ = 0, narrow_running_ = 0;
    size_t charged_ = 0;
    // The last streams that this side reset: as many as may be on their way.
    static constexpr uint32_t kResets = 256;
    int32_t* resets_ = nullptr;
    uint32_t next_reset_ = 0;
    int32_t last_id_ = 0;
    size_t skip_ = kH2Preface.size();  // of the input, before the next frame
    uint8_t frame_[kH2FrameHead + 5];
    uint8_t frame_n_ = 0;
    bool greeted_ = false, flooded_ = false, over_ = false, receiving_ = false;
    bool shutting_down_ = false, final_goaway_ = false;
};

}  // namespace gladius::proto
