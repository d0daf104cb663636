// Purpose: the endpoint whose clients share one connection to the backend. A Hub is one for the process and outlives
// reloads. One worker owns its Links (the connection to the backend; one for each URL when the url_pattern has
// parameters); every worker has a Desk with the sessions of its own clients. What a client says goes to the owner as an
// Outbound, what the backend says goes to every desk that has clients as an Inbound; both travel through the workers'
// mailboxes, and what they hold is counted against the memory budget. Owner: plans and messages share the hub; a desk
// belongs to its worker. Thread: as each class says. Lifetime: until the last plan, session and message is gone.
// Errors: a message that cannot be sent is given back to its session as failed. Source: ledger 2 section 44.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/worker.h"
#include "proto/websocket.h"

namespace gladius::features::ws {

// Bytes that go out as they are: a whole frame, shared by all clients that get it.
class Bytes {
  public:
    // `room` bytes are free in front of the n. nullptr: the budget is used up.
    static Bytes* make(engine::Budget& budget, size_t n, size_t room = 0);
    char* data() { return memory() + room_; }
    size_t size() const { return n_; }
    std::string_view view() { return {data(), n_}; }
    // Puts k bytes in front.
    char* prepend(size_t k) {
        GL_ASSERT(k <= room_);
        room_ -= static_cast<uint32_t>(k);
        n_ += k;
        return data();
    }
    void ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
    void unref();

  private:
    Bytes(engine::Budget& b, size_t all, size_t n, size_t room)
        : budget_(b), all_(all), n_(n), room_(static_cast<uint32_t>(room)) {}
    char* memory() { return reinterpret_cast<char*>(this + 1); }
    engine::Budget& budget_;
    size_t all_, n_;
    uint32_t room_;
    std::atomic<uint32_t> refs_{1};
};

class BytesRef {
  public:
    BytesRef() = default;
    explicit BytesRef(Bytes* b) : b_(b) {}  // takes over the reference
    BytesRef(const BytesRef& o) : b_(o.b_) {
        if (b_) b_->ref();
    }
    BytesRef(BytesRef&& o) noexcept : b_(std::exchange(o.b_, nullptr)) {}
    BytesRef& operator=(BytesRef o) noexcept {
        std::swap(b_, o.b_);
        return *this;
    }
    ~BytesRef() {
        if (b_) b_->unref();
    }
    Bytes* operator->() const { return b_; }
    void reset() { *this = BytesRef(); }
    explicit operator bool() const { return b_ != nullptr; }

  private:
    Bytes* b_ = nullptr;
};

// A frame of ours to a client. Empty: no memory.
BytesRef frame_for_client(engine::Budget& budget, proto::ws::Opcode opcode, std::string_view payload);

// Writes them, small ones together. False: not all of it, or not in time.
rt::Task<bool> write_batch(engine::Worker& w, rt::Io& io, const std::vector<BytesRef>& frames, rt::Scope& scope);

class Hub;

// What a configuration says, in the form in which it is used. Const, shared by all workers.
struct Settings {
    std::shared_ptr<Hub> hub;
    std::string name;                 // of the hub: "GET /chat/:room"
    std::string endpoint;             // for logs
    std::vector<std::string> params;  // of the path, as a session shows them
    bool one_link = true;             // the backend's URL has no parameters
    std::vector<std::shared_ptr<const plan::HostPlan>> hosts;
    std::string target;  // of the one link
    std::string user_agent;
    std::vector<std::string> subprotocols;  // in the order in which we prefer them
    bool connect_event = false, disconnect_event = false, error_details = false;
    size_t read_bytes = 1024, write_bytes = 1024, max_message = 512;
    uint32_t max_waiting = 256;
    uint64_t write_wait_ms = 10'000, pong_wait_ms = 60'000, ping_period_ms = 54'000, handshake_ms = 2000;
    uint32_t max_retries = 0;  // 0: without end
    enum class Backoff : uint8_t { fallback, linear, linear_jitter, exponential, exponential_jitter };
    Backoff backoff = Backoff::fallback;
    // Milliseconds before attempt n (counted from 1); `random` for the jitter.
    uint64_t pause_ms(uint32_t n, uint64_t random) const;
};

// A message of a client, or that it came or went.
struct Outbound : rt::Remote {
    enum class Kind : uint8_t { attach, message, detach };
    std::shared_ptr<const Settings> settings;
    Kind kind = Kind::message;
    std::string target;
    BytesRef text;                   // the envelope, with room for a frame's head; none: nothing is to be sent
    engine::Worker* from = nullptr;  // where the session is
    engine::Worker* at = nullptr;    // whose mailbox it is in
    uint64_t session = 0;            // 0: nobody wants to know what became of it
    size_t bytes = 0;
    bool sent = false;
    const char* error = "";
};

// A message of the backend.
struct Inbound {
    BytesRef frame;
    std::string target, url;
    std::vector<std::pair<std::string, std::string>> session;  // all must fit
};

class Session;

// The sessions of one hub at one worker. Thread: that worker's.
struct Desk {
    explicit Desk(engine::Worker& worker) : w(worker) {}
    engine::Worker& w;
    std::unordered_map<uint64_t, Session*> by_id;
    std::unordered_map<std::string, Session*> by_uuid;
    uint64_t last_id = 0;
    std::atomic<uint32_t> sessions{0};  // as others may see it
    void deliver(const Inbound& in);
    // 1001 to all (of this target; empty: of all), or another code.
    void close_all(std::string_view target, uint16_t code, std::string_view reason);
};

class Links;

class Hub {
  public:
    static constexpr size_t kMaxWorkers = 512;
    Hub();
    ~Hub();

    // Thread: w's.
    Desk& desk(engine::Worker& w);
    // The backend was given up for good; new clients get 502.
    bool given_up() const { return given_up_.load(std::memory_order_relaxed); }
    void set_given_up(bool on) { given_up_.store(on, std::memory_order_relaxed); }
    // To the owner.
    static void send(engine::Worker& from, std::unique_ptr<Outbound> out);

    // Thread: the owner's.
    void start(const std::shared_ptr<const Settings>& settings, engine::Worker& owner);
    void stop(engine::Worker& owner);
    void drain();
    // To every desk that has clients.
    void deliver(engine::Worker& owner, std::shared_ptr<const Inbound> in);
    void close_all(engine::Worker& owner, const std::string& target, uint16_t code, const std::string& reason);
    // Tells its session what became of a message.
    static void settle(engine::Worker& owner, std::unique_ptr<Outbound> out);

  private:
    void arrive(engine::Worker& owner, std::unique_ptr<Outbound> out);
    static void settled(std::unique_ptr<Outbound> out);
    template <class Fn>
    void at_desks(engine::Worker& owner, Fn fn);
    std::array<std::atomic<Desk*>, kMaxWorkers> desks_{};
    std::atomic<bool> given_up_{false};
    std::unique_ptr<Links> links_;  // the owner's
};

}  // namespace gladius::features::ws
