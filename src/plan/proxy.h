// Purpose: HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment: which proxy a backend is asked through. Owner:
// Snapshot. Thread: made by control, read by workers. Lifetime: as the snapshot. Errors: error() says why HTTP_PROXY
// cannot be used; for_host() is then not to be asked. Source: ledger 1 section 3.4; the rules are those of Go's
// httpproxy.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gladius::plan {

struct Cidr {
    uint8_t bytes[16];
    uint8_t bits;  // of 128; IPv4 is mapped
    bool holds(const uint8_t (&address)[16]) const;
};
bool any_holds(const std::vector<Cidr>& list, const uint8_t (&address)[16]);
// "10.0.0.0/8", "::1", "10.0.0.1"
bool parse_cidr(std::string_view text, Cidr& out);

struct Proxy {
    std::string host;  // without brackets; empty: none
    uint16_t port = 0;
    std::string authorization;  // value of Proxy-Authorization, or empty
};

// "http://user:password@name:3128"
Result<Proxy> parse_proxy(std::string_view text);

class ProxyRules {
  public:
    ProxyRules() = default;
    ProxyRules(std::string_view http_proxy, std::string_view https_proxy, std::string_view no_proxy);
    const std::string& error() const { return error_; }
    // For requests to this host (a name, or an address without brackets); nullptr: it is asked directly.
    const Proxy* for_host(std::string_view host, uint16_t port, bool https) const;

  private:
    struct Exception {
        std::string suffix;   // ".name": everything below name; empty: the address range
        bool itself = false;  // and name itself
        Cidr range{};
        uint16_t port = 0;  // 0: any
    };
    void except(std::string_view item);

    bool never_ = false;  // NO_PROXY=*
    Proxy http_, https_;
    std::vector<Exception> exceptions_;
    std::string error_;
};

}  // namespace gladius::plan
