// Purpose: names to addresses for one worker: c-ares on the worker's loop, with a cache that obeys TTLs.
// Owner: a worker. Thread: one worker.
// Lifetime: waiters may go away while a lookup runs; the lookup goes on and fills the cache. Every resolve() has
// returned before the Resolver is destroyed. Nothing but this small object exists until the first name is asked for.
// Errors: Answer.error, as the reference's resolver words it ("no such host", "i/o timeout", "server misbehaving",
// "operation was canceled"), or "too many lookups" when kMaxNames run at once.
// Freshness: an answer is used for its TTL (at least 1 s, at most max_ttl_ms); when a refresh fails or is slow the
// last good answer is kept (ledger 1 section 5.13). The hosts file comes first, then DNS; a change of the hosts file
// or of resolv.conf is seen within seconds.
//   Resolver::Answer a = co_await resolver.resolve(name, scope);   if (a.addresses.empty()) fail(a.error);
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "net/socket.h"
#include "rt/loop.h"

namespace gladius::net {

class Resolver {
  public:
    static constexpr size_t kMaxNames = 1000;  // cached names; the one that was not used for longest goes first

    struct Answer {
        std::vector<Address> addresses;  // port 0; in the order in which they are to be tried (RFC 6724)
        uint64_t valid_until_ms = 0;     // loop time
        std::string error;               // when there is no address
        Answer() {}
    };
    explicit Resolver(rt::Loop& loop);
    ~Resolver();
    void set_max_ttl(uint64_t ms);  // 30 s unless told
    // `name` must live until the answer is there. An IP address is its own answer.
    rt::Task<Answer> resolve(const std::string& name, rt::Scope& scope);

    // Before the first resolve(), for tests and unusual set-ups: servers as "127.0.0.1:5353,[::1]:53" instead of those
    // of resolv.conf; how long a server has at the first of how many attempts; another resolv.conf; another hosts file.
    void set_servers(std::string servers);
    void set_attempts(int first_timeout_ms, int attempts);
    void set_files(std::string resolv_conf, std::string hosts);

    size_t cached_names() const;
    uint64_t lookups_started() const;

    struct Impl;

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace gladius::net
