// Purpose: the PROXY header (versions 1 and 2) with which a load balancer says whose connection it passes on. Pure:
// bytes in, verdict out; call it again with more bytes until it decides. Owner: the caller. Thread: any. Errors: `bad`
// for everything that is no such header; there is no way back to "a connection without one", since then anybody could
// choose. Source: HAProxy's proxy-protocol.txt, sections 2.1 and 2.2.
//   ProxyHeader h;
//   switch (parse_proxy_header(data, n, h)) { case ProxyVerdict::done: skip h.length bytes; ... }
#pragma once
#include <cstddef>
#include <cstdint>

#include "net/socket.h"

namespace gladius::net {

enum class ProxyVerdict : uint8_t { need_more, done, bad };

struct ProxyHeader {
    size_t length = 0;        // bytes of the header
    bool has_source = false;  // false (LOCAL, UNKNOWN, an unknown kind of address): the connection's own address counts
    Address source;           // TCP over IPv4 or IPv6
};

// Version 2 may carry more than addresses; what is larger than this is refused.
constexpr size_t kMaxProxyHeader = 4096;

ProxyVerdict parse_proxy_header(const char* data, size_t n, ProxyHeader& out);

}  // namespace gladius::net
