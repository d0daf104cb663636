// Purpose: the connection to the backend that clients of a hub share: it says hello, is made again when it breaks, and
// carries envelopes both ways. Owner: Links of the hub's owner; a Link that is stopped lives on until its coroutines
// have ended. Thread: the owner's worker. Lifetime: Links from the first snapshot that wants the hub to the last; the
// one Link of a URL without parameters as long, others while they have clients. Errors: in the log, with the
// reference's levels; messages that cannot be sent are settled as failed. Source: ledger 2 section 44.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "engine/exchange.h"
#include "features/websocket/hub.h"
#include "rt/event.h"
#include "upstream/call.h"

namespace gladius::features::ws {

class Link : public std::enable_shared_from_this<Link> {
  public:
    Link(engine::Worker& w, std::shared_ptr<const Settings> settings, std::string target);
    void start();
    void stop();
    void drain();
    void take(std::unique_ptr<Outbound> out);
    uint32_t clients = 0;
    bool ended() const { return ended_; }
    const Settings& settings() const { return *settings_; }

  private:
    struct Item {
        BytesRef frame;
        std::unique_ptr<Outbound> from;  // none: of ours
    };
    rt::Detached run(std::shared_ptr<Link> self);
    rt::Task<bool> connect(rt::Scope& scope);
    rt::Task<bool> ask(upstream::Peer& peer, const plan::HostPlan& host, rt::Scope& scope);
    rt::Detached write_frames(rt::Scope& scope);
    // False: the connection is over.
    bool handle(char* data, size_t n);
    bool on_message(std::string_view text);
    void deliver(std::string_view body, std::string url, std::span<std::pair<std::string_view, std::string_view>> who);
    bool push(proto::ws::Opcode opcode, BytesRef payload, std::unique_ptr<Outbound> from);
    bool push_text(proto::ws::Opcode opcode, std::string_view payload);
    void write_what_waits();
    void disconnect();
    void fail_waiting(const char* why);
    void say(telemetry::Level level, const std::string& text);
    std::string error_;  // of the last attempt

    engine::Worker& w_;
    std::shared_ptr<const Settings> settings_;
    std::string target_;
    rt::Scope scope_;
    rt::Join join_;
    rt::Event more_;
    upstream::BackendConn* conn_ = nullptr;
    upstream::Peer* peer_ = nullptr;
    proto::ws::Reader reader_;
    engine::InputBuffer part_;
    std::deque<Item> waiting_;
    std::deque<std::unique_ptr<Outbound>> early_;  // while the first attempt to connect is being made
    std::vector<BytesRef> batch_;
    std::vector<std::unique_ptr<Outbound>> batch_from_;
    uint32_t turn_ = 0;  // of the hosts
    uint32_t pongs_ = 0;
    bool first_ = true;  // the first attempt
    bool greeted_ = false, up_ = false, stopping_ = false, ended_ = false, writing_ = false;
};

class Links {
  public:
    Links(engine::Worker& w, std::shared_ptr<const Settings> settings);
    void update(std::shared_ptr<const Settings> settings);
    void stop();
    void drain();
    void take(std::unique_ptr<Outbound> out);
    const Settings& settings() const { return *settings_; }

  private:
    Link& link_of(const std::string& target);
    engine::Worker& w_;
    std::shared_ptr<const Settings> settings_;
    std::unordered_map<std::string, std::shared_ptr<Link>> links_;
};

}  // namespace gladius::features::ws
