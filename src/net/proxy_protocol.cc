#include "net/proxy_protocol.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace gladius::net {

namespace {

constexpr std::string_view kName = "PROXY ";
constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr size_t kMaxLine = 107;  // with CRLF, as the specification counts it
constexpr size_t kFixed = 16;     // of version 2

bool begins_like(std::string_view data, std::string_view what) {
    size_t n = std::min(data.size(), what.size());
    return data.substr(0, n) == what.substr(0, n);
}

// The next word of a line; blanks are single.
bool take_word(std::string_view& line, std::string_view& word) {
    size_t end = line.find(' ');
    word = line.substr(0, end);
    line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
    return !word.empty();
}

bool parse_port(std::string_view text, uint16_t& out) {
    if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return false;
    uint32_t v = 0;
    for (char c : text) {
        if (c < '0' || c > '9') return false;
        v = v * 10 + static_cast<uint32_t>(c - '0');
    }
    if (v > 65535) return false;
    out = static_cast<uint16_t>(v);
    return true;
}

ProxyVerdict parse_line(std::string_view data, ProxyHeader& out) {
    size_t end = data.substr(0, kMaxLine).find("\r\n");
    if (end == std::string_view::npos) return data.size() < kMaxLine ? ProxyVerdict::need_more : ProxyVerdict::bad;
    std::string_view line = data.substr(kName.size(), end - kName.size());
    out.length = end + 2;
    std::string_view kind, from, to, from_port, to_port;
    if (!take_word(line, kind)) return ProxyVerdict::bad;
    if (kind == "UNKNOWN") return ProxyVerdict::done;  // what follows is to be ignored
    int family = kind == "TCP4" ? AF_INET : kind == "TCP6" ? AF_INET6 : AF_UNSPEC;
    if (family == AF_UNSPEC) return ProxyVerdict::bad;
    if (!take_word(line, from) || !take_word(line, to) || !take_word(line, from_port)) return ProxyVerdict::bad;
    to_port = line;
    uint16_t port = 0, other_port = 0;
    Address other;
    if (!parse_port(from_port, port) || !parse_port(to_port, other_port)) return ProxyVerdict::bad;
    if (!parse_ip(from, port, out.source) || out.source.family() != family) return ProxyVerdict::bad;
    if (!parse_ip(to, other_port, other) || other.family() != family) return ProxyVerdict::bad;
    out.has_source = true;
    return ProxyVerdict::done;
}

uint16_t big_endian(const char* p) {
    return static_cast<uint16_t>(static_cast<uint8_t>(p[0]) << 8 | static_cast<uint8_t>(p[1]));
}

// What follows the addresses: type, length, value, to the last byte.
bool has_whole_fields(std::string_view rest) {
    while (!rest.empty()) {
        if (rest.size() < 3) return false;
        size_t n = 3 + size_t{big_endian(rest.data() + 1)};
        if (rest.size() < n) return false;
        rest.remove_prefix(n);
    }
    return true;
}

ProxyVerdict parse_binary(std::string_view data, ProxyHeader& out) {
    if (data.size() > 12) {
        auto b = static_cast<uint8_t>(data[12]);
        if ((b >> 4) != 2 || (b & 15) > 1) return ProxyVerdict::bad;
    }
    if (data.size() > 13) {
        auto b = static_cast<uint8_t>(data[13]);
        if ((b >> 4) > 3 || (b & 15) > 2) return ProxyVerdict::bad;
    }
    if (data.size() < kFixed) return ProxyVerdict::need_more;
    size_t body = big_endian(data.data() + 14);
    out.length = kFixed + body;
    if (out.length > kMaxProxyHeader) return ProxyVerdict::bad;
    size_t addresses = 0;
    auto kind = static_cast<uint8_t>(data[13]);
    switch (kind >> 4) {
        case 1:
            addresses = 12;
            break;
        case 2:
            addresses = 36;
            break;
        case 3:
            addresses = 216;
            break;
        default:
            break;
    }
    if (body < addresses) return ProxyVerdict::bad;
    if (data.size() < out.length) return ProxyVerdict::need_more;
    bool local = (static_cast<uint8_t>(data[12]) & 15) == 0;
    // Without a family the rest means nothing to us; a check of the balancer's (LOCAL) may hold anything.
    if (local || addresses == 0) return ProxyVerdict::done;
    const char* p = data.data() + kFixed;
    if (!has_whole_fields({p + addresses, body - addresses})) return ProxyVerdict::bad;
    if (kind == 0x11) {
        auto* a = reinterpret_cast<sockaddr_in*>(&out.source.storage);
        a->sin_family = AF_INET;
        std::memcpy(&a->sin_addr, p, 4);
        std::memcpy(&a->sin_port, p + 8, 2);
        out.source.length = sizeof *a;
        out.has_source = true;
    } else if (kind == 0x21) {
        auto* a = reinterpret_cast<sockaddr_in6*>(&out.source.storage);
        a->sin6_family = AF_INET6;
        std::memcpy(&a->sin6_addr, p, 16);
        std::memcpy(&a->sin6_port, p + 32, 2);
        out.source.length = sizeof *a;
        out.has_source = true;
    }
    return ProxyVerdict::done;
}

}  // namespace

ProxyVerdict parse_proxy_header(const char* bytes, size_t n, ProxyHeader& out) {
    out = ProxyHeader{};
    std::string_view data{bytes, n};
    if (n == 0) return ProxyVerdict::need_more;
    if (begins_like(data, kName)) return n <= kName.size() ? ProxyVerdict::need_more : parse_line(data, out);
    if (begins_like(data, kSignature))
        return n <= kSignature.size() ? ProxyVerdict::need_more : parse_binary(data, out);
    return ProxyVerdict::bad;
}

}  // namespace gladius::net
