// Purpose: what the gateway counts about itself. Every worker has a shard it alone writes, without atomic
// read-modify-write; anybody may read, and the sum over the shards is the value.
// Owner: main owns Counters, a worker is handed its shard. Thread: a shard is written by one thread; reading from any.
// Lifetime: the process. Errors: none. A gauge may be raised in one shard and lowered in another: values wrap, their
// sum does not. Sums are taken counter by counter, so two of them may be a moment apart.
//   Counters counters(workers);  CounterShard& c = counters.shard(worker);
//   c.add(Counter::requests);  c.sub(Counter::connections_open);  puts(counters.dump_json().c_str());
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"

namespace gladius::telemetry {

enum class Counter : uint8_t {
    connections_accepted,
    connections_open,
    connections_closed,
    requests,
    responses_1xx,
    responses_2xx,
    responses_3xx,
    responses_4xx,
    responses_5xx,
    exchanges_in_flight,
    backend_connections_opened,
    backend_connections_reused,
    backend_connections_open,
    backend_connections_idle,
    retries,
    client_bytes_received,
    client_bytes_sent,
    backend_bytes_received,
    backend_bytes_sent,
    log_lines_dropped,
    accept_pauses,  // no descriptor was left (EMFILE, ENFILE)
    memory_bytes,   // of the budget, in use
    memory_refused,
    proxy_headers_refused,  // connections closed for want of one
    shadows,                // requests to shadow backends
    shadows_left_out,       // there was no room for them
    upgrades,               // clients that became WebSockets
    upgrades_open,
    messages_left_out,  // of a backend, for a WebSocket client that does not take them
    tls_handshakes,     // of clients, that ended well
    tls_resumed,        // of these, with a session of before
    tls_failures,
};
inline constexpr size_t kCounters = static_cast<size_t>(Counter::tls_failures) + 1;

inline constexpr std::array<std::string_view, kCounters> kCounterNames = {
    "connections_accepted",
    "connections_open",
    "connections_closed",
    "requests",
    "responses_1xx",
    "responses_2xx",
    "responses_3xx",
    "responses_4xx",
    "responses_5xx",
    "exchanges_in_flight",
    "backend_connections_opened",
    "backend_connections_reused",
    "backend_connections_open",
    "backend_connections_idle",
    "retries",
    "client_bytes_received",
    "client_bytes_sent",
    "backend_bytes_received",
    "backend_bytes_sent",
    "log_lines_dropped",
    "accept_pauses",
    "memory_bytes",
    "memory_refused",
    "proxy_headers_refused",
    "shadows",
    "shadows_left_out",
    "upgrades",
    "upgrades_open",
    "messages_left_out",
    "tls_handshakes",
    "tls_resumed",
    "tls_failures",
};

class alignas(64) CounterShard {
  public:
    void add(Counter c, uint64_t n = 1) { set(c, get(c) + n); }
    void sub(Counter c, uint64_t n = 1) { set(c, get(c) - n); }
    void set(Counter c, uint64_t n) { values_[static_cast<size_t>(c)].store(n, std::memory_order_relaxed); }
    uint64_t get(Counter c) const { return values_[static_cast<size_t>(c)].load(std::memory_order_relaxed); }
    void add_response(int status) {
        if (status < 100 || status > 599) return;
        add(static_cast<Counter>(static_cast<int>(Counter::responses_1xx) + status / 100 - 1));
    }

  private:
    std::array<std::atomic<uint64_t>, kCounters> values_{};
};

class Counters {
  public:
    explicit Counters(size_t shards) : n_(shards), shards_(new CounterShard[shards]) {}

    size_t shards() const { return n_; }
    CounterShard& shard(size_t i) {
        GL_CHECK(i < n_);
        return shards_[i];
    }
    uint64_t sum(Counter c) const {
        uint64_t v = 0;
        for (size_t i = 0; i < n_; ++i)
            v += shards_[i].get(c);
        return v;
    }
    // All sums as one JSON object on one line; a gauge caught between two shards may be below zero for a moment.
    std::string dump_json() const {
        std::string out = "{\"shards\":" + std::to_string(n_);
        for (size_t i = 0; i < kCounters; ++i) {
            out.append(",\"").append(kCounterNames[i]).append("\":");
            out += std::to_string(static_cast<int64_t>(sum(static_cast<Counter>(i))));
        }
        out.append(",\"bugs\":").append(std::to_string(g_bug_count.load(std::memory_order_relaxed))).append("}");
        return out;
    }

  private:
    size_t n_;
    std::unique_ptr<CounterShard[]> shards_;
};

}  // namespace gladius::telemetry
