// Purpose: what everything of one worker shares on the way to backends: its loop, its receive buffer, its settings and
// figures. Owner: engine::Worker. Thread: one worker. Lifetime: as the worker. The receive buffer rule: rx is filled in
// the turn in which a read ends and is read before the next co_await. Bytes that must outlive a suspension are copied
// first (write_all does it for what a slow receiver leaves over).
#pragma once
#include <cstdint>

#include "http/h1.h"
#include "rt/loop.h"
#include "telemetry/counters.h"
#include "upstream/settings.h"

namespace gladius::net {
class Resolver;
class TlsScratch;
}  // namespace gladius::net

namespace gladius::upstream {

struct Context {
    // Room in front of what is received, so that a new head can be written right before a body without moving the body.
    static constexpr size_t kHeadroom = 16 * 1024;
    static constexpr size_t kReceive = 64 * 1024;
    static constexpr size_t kMaxFields = 256;

    rt::Loop& loop;
    net::Resolver* resolver = nullptr;
    net::TlsScratch* tls_scratch = nullptr;
    char* rx_memory = nullptr;           // kHeadroom + kReceive + slack
    http::Field* fields = nullptr;       // kMaxFields, for the head that is being read
    const Settings* settings = nullptr;  // of the current snapshot
    telemetry::CounterShard& counters;

    char* rx() { return rx_memory + kHeadroom; }
    // What others make us keep is counted; false: there is no memory for it.
    virtual bool take_memory(uint64_t) { return true; }
    virtual void give_memory(uint64_t) {}
    Context(rt::Loop& l, telemetry::CounterShard& c) : loop(l), counters(c) {}
    virtual ~Context() = default;
};

// Writes all bytes, which may be in the receive buffer: what is not taken at once is copied before waiting.
// False when the connection broke or the scope ended.
rt::Task<bool> write_rest(rt::Io& io, const char* data, size_t n, rt::Scope& scope);

}  // namespace gladius::upstream
