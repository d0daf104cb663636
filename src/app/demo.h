// Purpose: the backend of `gladius demo`: a small HTTP/1.1 server with made-up users, posts and orders and a few
// routes for tests, so that the quickstart needs nothing else installed. GET / lists the routes.
// Owner: run_demo(), or a test. Thread: one, the loop's.
// Lifetime: the loop outlives the server; stop() ends every connection, and the server may go when connections() is 0.
// Errors: whatever is no HTTP is answered with 400, 413, 417 or 431 and the connection closed.
// Limits: head 64 KiB, body 16 MiB, 10,000 connections, 60 s for a request to arrive, 120 s idle.
//   rt::Loop loop;  DemoServer server(loop);  auto r = server.listen("127.0.0.1", 8000);  loop.run();
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "rt/loop.h"

namespace gladius::app {

class DemoServer {
  public:
    explicit DemoServer(rt::Loop& loop);
    ~DemoServer();
    // An empty ip is every address; port 0 takes a free one.
    Result<void> listen(std::string_view ip, uint16_t port);
    uint16_t port() const;
    void stop();
    uint32_t connections() const;

    struct Impl;

  private:
    std::unique_ptr<Impl> impl_;
};

// Serves until SIGTERM or SIGINT; returns the exit code of the process.
int run_demo(uint16_t port, std::string_view ip);

}  // namespace gladius::app
