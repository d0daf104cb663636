#include "plan/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <tuple>

namespace gladius::plan {

namespace {

bool parse_address(std::string_view text, uint8_t (&out)[16], bool& v4) {
    std::string s(text);
    in_addr a4{};
    v4 = inet_pton(AF_INET, s.c_str(), &a4) == 1;
    if (v4) {
        constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        std::memcpy(out, kMapped, 12);
        std::memcpy(out + 12, &a4, 4);
        return true;
    }
    return inet_pton(AF_INET6, s.c_str(), out) == 1;
}

template <class N>
bool parse_number(std::string_view s, N& out) {
    auto r = std::from_chars(s.data(), s.data() + s.size(), out);
    return r.ec == std::errc() && r.ptr == s.data() + s.size();
}

std::string trimmed_lower(std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t'))
        s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t'))
        s.remove_suffix(1);
    std::string out(s);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 32);
    return out;
}

// "name:80", "[::1]:80", "::1"; the port stays 0 when there is none. False: no port where one has to be.
bool split_port(std::string_view s, std::string_view& host, uint16_t& port) {
    host = s;
    size_t colon = s.rfind(':');
    bool bracketed = s.starts_with('[');
    bool has_port =
        colon != std::string_view::npos && (bracketed ? colon > 0 && s[colon - 1] == ']' : s.find(':') == colon);
    if (has_port) {
        host = s.substr(0, colon);
        if (!parse_number(s.substr(colon + 1), port)) return false;
    }
    if (bracketed && host.size() > 2 && host.back() == ']') host = host.substr(1, host.size() - 2);
    return true;
}

std::string base64(std::string_view in) {
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (size_t i = 0; i < in.size(); i += 3) {
        size_t n = std::min<size_t>(3, in.size() - i);
        uint32_t v = 0;
        for (size_t k = 0; k < 3; ++k)
            v = v << 8 | (k < n ? static_cast<unsigned char>(in[i + k]) : 0);
        for (size_t k = 0; k < 4; ++k)
            out += k <= n ? kDigits[v >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

std::string unescaped(std::string_view s) {
    std::string out;
    for (size_t i = 0; i < s.size(); ++i) {
        uint8_t byte = 0;
        if (s[i] == '%' && i + 2 < s.size() &&
            std::from_chars(s.data() + i + 1, s.data() + i + 3, byte, 16).ptr == s.data() + i + 3) {
            out += static_cast<char>(byte);
            i += 2;
        } else {
            out += s[i];
        }
    }
    return out;
}

}  // namespace

bool Cidr::holds(const uint8_t (&address)[16]) const {
    // As in Go, a network of IPv6 addresses holds no IPv4 address, not even ::/0.
    constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (bits < 96 && std::memcmp(address, kMapped, sizeof kMapped) == 0) return false;
    int left = bits;
    bool same = true;
    for (int i = 0; i < 16 && left > 0 && same; ++i, left -= 8) {
        auto mask = static_cast<uint8_t>(left >= 8 ? 0xff : 0xff << (8 - left));
        same = (bytes[i] & mask) == (address[i] & mask);
    }
    return same;
}

bool any_holds(const std::vector<Cidr>& list, const uint8_t (&address)[16]) {
    for (const Cidr& c : list)
        if (c.holds(address)) return true;
    return false;
}

bool parse_cidr(std::string_view text, Cidr& out) {
    size_t slash = text.find('/');
    bool v4 = false;
    if (!parse_address(text.substr(0, slash), out.bytes, v4)) return false;
    unsigned bits = v4 ? 32 : 128;
    if (slash != std::string_view::npos) {
        unsigned n = 0;
        if (!parse_number(text.substr(slash + 1), n) || n > bits) return false;
        bits = n;
    }
    out.bits = static_cast<uint8_t>(v4 ? bits + 96 : bits);
    return true;
}

Result<Proxy> parse_proxy(std::string_view text) {
    Proxy out;
    std::string_view p = text;
    if (size_t at = p.find("://"); at != std::string_view::npos) {
        if (trimmed_lower(p.substr(0, at)) != "http")
            return fail("only http:// proxies are built, not " + std::string(p.substr(0, at + 3)));
        p.remove_prefix(at + 3);
    }
    p = p.substr(0, p.find_first_of("/?#"));
    if (size_t at = p.rfind('@'); at != std::string_view::npos) {
        out.authorization = "Basic " + base64(unescaped(p.substr(0, at)));
        p.remove_prefix(at + 1);
    }
    std::string_view host;
    out.port = 80;
    bool ok = split_port(p, host, out.port) && !host.empty() && out.port != 0;
    if (!ok || (host.find(':') != std::string_view::npos && !p.starts_with('['))) return fail("invalid proxy address");
    out.host = std::string(host);
    return out;
}

ProxyRules::ProxyRules(std::string_view http_proxy, std::string_view https_proxy, std::string_view no_proxy) {
    for (auto [name, text, to] :
         {std::tuple{"HTTP_PROXY", http_proxy, &http_}, {"HTTPS_PROXY", https_proxy, &https_}}) {
        if (text.empty()) continue;
        Result<Proxy> p = parse_proxy(text);
        if (!p) {
            error_ = std::string(name) + ": " + p.error().message;
            return;
        }
        *to = std::move(*p);
    }
    while (!no_proxy.empty()) {
        size_t comma = std::min(no_proxy.find(','), no_proxy.size());
        except(no_proxy.substr(0, comma));
        no_proxy.remove_prefix(std::min(comma + 1, no_proxy.size()));
    }
}

void ProxyRules::except(std::string_view written) {
    std::string item = trimmed_lower(written);
    if (item.empty()) return;
    if (item == "*") {
        never_ = true;
        return;
    }
    Exception e;
    std::string_view host;
    if (item.find('/') != std::string::npos) {
        if (!parse_cidr(item, e.range)) return;
    } else if (!split_port(item, host, e.port) || host.empty()) {
        return;
    } else if (!parse_cidr(host, e.range)) {
        if (host.starts_with("*.")) host.remove_prefix(1);
        e.itself = host.front() != '.';
        e.suffix = (e.itself ? "." : "") + std::string(host);
    }
    exceptions_.push_back(std::move(e));
}

const Proxy* ProxyRules::for_host(std::string_view written, uint16_t port, bool https) const {
    const Proxy& proxy = https ? https_ : http_;
    if (proxy.host.empty() || never_) return nullptr;
    std::string host = trimmed_lower(written);
    if (host == "localhost") return nullptr;
    uint8_t address[16];
    bool v4 = false;
    bool is_address = parse_address(host, address, v4);
    if (is_address) {
        constexpr uint8_t kLoopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        if (v4 ? address[12] == 127 : std::memcmp(address, kLoopback, 16) == 0) return nullptr;
    }
    for (const Exception& e : exceptions_) {
        if (e.port && e.port != port) continue;
        bool fits = e.suffix.empty()
                        ? is_address && e.range.holds(address)
                        : host.ends_with(e.suffix) || (e.itself && host == std::string_view(e.suffix).substr(1));
        if (fits) return nullptr;
    }
    return &proxy;
}

}  // namespace gladius::plan
