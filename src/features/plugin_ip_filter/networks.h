// Purpose: a set of networks, IPv4 and IPv6, asked whether an address is in it: sorted ranges, so that long lists cost
// a few comparisons. Pure. Owner: the stage's config. Thread: read-only after the last add(). Errors: add() says what
// is no network.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gladius::features::ip_filter {

using Bytes = std::array<uint8_t, 16>;  // IPv4 is mapped

// False: it is no address.
bool parse(std::string_view text, Bytes& out);

class Networks {
  public:
    // "10.0.0.0/8", "2001:db8::/32", "192.0.2.1".
    bool add(std::string_view cidr);
    // After the last add().
    void sort();
    bool holds(const Bytes& address) const;
    bool empty() const { return ranges_.empty(); }

  private:
    struct Range {
        Bytes first, last;
    };
    std::vector<Range> ranges_;  // sorted and apart
};

// Who asks: the address of the connection, unless that is a trusted proxy's. Then of the first header that has an
// address: from its end, the first address that is no trusted proxy's, or the one at its front.
struct Hops {
    Networks trusted;

    bool trusts(const Bytes& peer) const { return trusted.holds(peer); }
    // False: something in the list is no address.
    bool walk(std::string_view list, Bytes& out) const;
};

}  // namespace gladius::features::ip_filter
