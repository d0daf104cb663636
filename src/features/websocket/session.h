// Purpose: one client of a hub: we are its WebSocket server. Its messages go to the backend in envelopes, what the
// backend says to it comes from its desk; pings, closing and all the checks of RFC 6455 are ours. Owner: the exchange
// of the upgrade, for as long as the socket is open. Thread: one worker. Lifetime: until either side closes, the client
// is silent for pong_wait or takes nothing for write_wait, the endpoint is removed or the process drains (1001).
// Memory: at most message_buffer_size frames wait for a client (they are shared by all clients that get them), and at
// most kMaxInFlight bytes of its own messages for the backend: then it is not read. Source: ledger 2 section 44, RFC
// 6455.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "engine/exchange.h"
#include "features/websocket/hub.h"
#include "rt/event.h"

namespace gladius::features::ws {

// The executor: config is a Settings.
rt::Task<void> run_session(const void* config, engine::Exchange& ex);

class Session : public engine::Held {
  public:
    static constexpr size_t kMaxInFlight = 64 * 1024;

    Session(engine::Exchange& ex, std::shared_ptr<const Settings> settings, std::string target);
    ~Session();
    // From the 101 on. What is pushed before waits for it.
    rt::Task<void> run();

    const std::string& target() const { return target_; }
    const std::string& url() const { return url_; }
    bool has(std::string_view name, std::string_view value) const;
    // A frame of the backend; left out when too many wait.
    void push(const BytesRef& frame);
    // What became of a message of ours.
    void settled(const Outbound& out);
    // Says goodbye, and ends when the client has said it too (or does not in time).
    void close(uint16_t code, std::string_view reason);

  private:
    rt::Detached write_frames();
    void write_what_fits();
    // False: nothing more is read.
    bool handle(char* data, size_t n);
    void on_message(std::string_view body);
    void tell(Outbound::Kind kind, std::string_view event);
    void answer_with(proto::ws::Opcode opcode, std::string_view payload);
    void answer_close(uint16_t code, std::string_view reason);
    void error_to_client(std::string_view why);
    rt::Task<void> say_goodbye();
    void leave();

    engine::Exchange& ex_;
    engine::Worker& w_;
    std::shared_ptr<const Settings> settings_;
    Desk& desk_;
    std::string target_, url_, uuid_, fixed_;
    std::vector<std::pair<std::string, std::string>> values_;
    uint64_t id_ = 0;
    rt::Scope scope_, reading_;
    rt::Join join_;
    rt::Event more_, room_;
    rt::Timer ping_;
    proto::ws::Reader reader_;
    engine::InputBuffer part_;
    std::vector<BytesRef> waiting_, batch_;
    size_t in_flight_ = 0, in_flight_bytes_ = 0;
    bool closing_ = false;  // our close frame is written or waits
    bool ending_ = false;   // the writer ends when nothing waits
    bool flushed_ = false;
    bool writing_ = false;  // the writer is at it, or has not begun
};

}  // namespace gladius::features::ws
