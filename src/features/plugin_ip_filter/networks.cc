#include "features/plugin_ip_filter/networks.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "net/socket.h"
#include "plan/proxy.h"

namespace gladius::features::ip_filter {

bool parse(std::string_view text, Bytes& out) {
    net::Address a;
    if (!net::parse_ip(text, 0, a)) return false;
    out = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (a.family() == AF_INET6)
        std::memcpy(out.data(), &reinterpret_cast<const sockaddr_in6*>(&a.storage)->sin6_addr, 16);
    else
        std::memcpy(out.data() + 12, &reinterpret_cast<const sockaddr_in*>(&a.storage)->sin_addr, 4);
    return true;
}

bool Networks::add(std::string_view cidr) {
    plan::Cidr c;
    if (!plan::parse_cidr(cidr, c)) return false;
    Range r;
    for (unsigned i = 0; i < 16; ++i) {
        unsigned fixed = c.bits >= 8 * (i + 1) ? 8 : c.bits <= 8 * i ? 0 : c.bits - 8 * i;
        auto free = static_cast<uint8_t>(0xff >> fixed);
        r.first[i] = static_cast<uint8_t>(c.bytes[i] & ~free);
        r.last[i] = static_cast<uint8_t>(c.bytes[i] | free);
    }
    ranges_.push_back(r);
    return true;
}

void Networks::sort() {
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    size_t kept = 0;
    for (const Range& r : ranges_) {
        if (kept > 0 && r.first <= ranges_[kept - 1].last)
            ranges_[kept - 1].last = std::max(ranges_[kept - 1].last, r.last);
        else
            ranges_[kept++] = r;
    }
    ranges_.resize(kept);
}

bool Networks::holds(const Bytes& address) const {
    auto behind = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                   [](const Bytes& a, const Range& r) { return a < r.first; });
    return behind != ranges_.begin() && address <= (behind - 1)->last;
}

bool Hops::walk(std::string_view list, Bytes& out) const {
    for (;;) {
        size_t comma = list.rfind(',');
        std::string_view item = comma == std::string_view::npos ? list : list.substr(comma + 1);
        while (!item.empty() && (item.front() == ' ' || item.front() == '\t'))
            item.remove_prefix(1);
        while (!item.empty() && (item.back() == ' ' || item.back() == '\t'))
            item.remove_suffix(1);
        if (!parse(item, out)) return false;
        if (comma == std::string_view::npos || !trusted.holds(out)) return true;
        list = list.substr(0, comma);
    }
}

}  // namespace gladius::features::ip_filter
