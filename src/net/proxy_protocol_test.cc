#include "net/proxy_protocol.h"

#include <gtest/gtest.h>

namespace gladius::net {
namespace {

ProxyVerdict parse(const std::string& s, ProxyHeader& h) {
    return parse_proxy_header(s.data(), s.size(), h);
}

std::string v2(uint8_t command, uint8_t kind, const std::string& body) {
    std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
    out += static_cast<char>(command);
    out += static_cast<char>(kind);
    out += static_cast<char>(body.size() >> 8);
    out += static_cast<char>(body.size() & 255);
    return out + body;
}
const std::string kFour("\x0a\x01\x02\x03\x7f\x00\x00\x01\x30\x39\x00\x50", 12);

// Every beginning wants more, and what follows the header does not matter.
void expect_address(const std::string& header, const std::string& address) {
    ProxyHeader h;
    for (size_t i = 0; i < header.size(); ++i)
        EXPECT_EQ(ProxyVerdict::need_more, parse(header.substr(0, i), h)) << i;
    for (std::string rest : {"", "GET / HTTP/1.1\r\n\r\n", "\r\n", "PROXY UNKNOWN\r\n"}) {
        ASSERT_EQ(ProxyVerdict::done, parse(header + rest, h)) << header;
        EXPECT_EQ(header.size(), h.length);
        EXPECT_EQ(!address.empty(), h.has_source);
        EXPECT_EQ(address, h.has_source ? format(h.source) : "");
    }
}

TEST(ProxyProtocol, Lines) {
    expect_address("PROXY TCP4 10.1.2.3 127.0.0.1 12345 80\r\n", "10.1.2.3:12345");
    expect_address("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535");
    expect_address("PROXY TCP6 2001:db8::1 ::1 1 0\r\n", "[2001:db8::1]:1");
    expect_address("PROXY UNKNOWN\r\n", "");
    expect_address("PROXY UNKNOWN ffff::1 what ever\r\n", "");
    std::string longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    expect_address("PROXY TCP6 " + longest + " " + longest + " 65535 65535\r\n", "[" + longest + "]:65535");
}

TEST(ProxyProtocol, BadLines) {
    for (std::string bad :
         {"GET / HTTP/1.1\r\n", "PROXY\r\n", "PROXY  TCP4 10.1.2.3 127.0.0.1 1 2\r\n",
          "PROXY TCP5 10.1.2.3 127.0.0.1 1 2\r\n", "PROXY TCP4 10.1.2.3 127.0.0.1 1\r\n",
          "PROXY TCP4 10.1.2.3 127.0.0.1 1 2 \r\n", "PROXY TCP4 10.1.2.3 127.0.0.1 1 2 3\r\n",
          "PROXY TCP4 10.1.2 127.0.0.1 1 2\r\n", "PROXY TCP4 010.1.2.3 127.0.0.1 1 2\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
          "PROXY TCP6 10.1.2.3 127.0.0.1 1 2\r\n", "PROXY TCP4 10.1.2.3 127.0.0.1 65536 2\r\n",
          "PROXY TCP4 10.1.2.3 127.0.0.1 01 2\r\n", "PROXY TCP4 10.1.2.3 127.0.0.1 -1 2\r\n",
          "PROXY TCP4 10.1.2.3 127.0.0.1 1 2\n\r\n", "proxy TCP4 10.1.2.3 127.0.0.1 1 2\r\n",
          "PROXY tcp4 10.1.2.3 127.0.0.1 1 2\r\n", "\r\nPROXY UNKNOWN\r\n", "PROXZ"}) {
        ProxyHeader h;
        EXPECT_EQ(ProxyVerdict::bad, parse(bad, h)) << bad;
    }
    ProxyHeader h;
    EXPECT_EQ(ProxyVerdict::need_more, parse("PROXY UNKNOWN " + std::string(92, 'a'), h));
    EXPECT_EQ(ProxyVerdict::bad, parse("PROXY UNKNOWN " + std::string(93, 'a'), h));
    EXPECT_EQ(ProxyVerdict::bad, parse("PROXY UNKNOWN " + std::string(92, 'a') + "\r\n", h));
    EXPECT_EQ(ProxyVerdict::done, parse("PROXY UNKNOWN " + std::string(91, 'a') + "\r\n", h));
    EXPECT_EQ(107u, h.length);
}

TEST(ProxyProtocol, Binary) {
    expect_address(v2(0x21, 0x11, kFour), "10.1.2.3:12345");
    std::string six("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    six += six + std::string("\x00\x01\x00\x02", 4);
    expect_address(v2(0x21, 0x21, six), "[2001:db8::1]:1");
    expect_address(v2(0x20, 0x00, ""), "");
    expect_address(v2(0x20, 0x11, kFour), "");  // the balancer's own connection
    expect_address(v2(0x21, 0x00, "whatever"), "");
    expect_address(v2(0x21, 0x12, kFour), "");  // datagrams
    expect_address(v2(0x21, 0x31, std::string(216, 'a')), "");
    std::string fields("\x04\x00\x02zz\x02\x00\x00", 8);
    expect_address(v2(0x21, 0x11, kFour + fields), "10.1.2.3:12345");
}

TEST(ProxyProtocol, BadBinary) {
    std::string fields("\x04\x00\x03zz", 5);
    for (std::string bad :
         {v2(0x11, 0x11, kFour), v2(0x31, 0x11, kFour), v2(0x22, 0x11, kFour), v2(0x21, 0x41, kFour),
          v2(0x21, 0x13, kFour), v2(0x21, 0x11, kFour.substr(1)), v2(0x21, 0x21, kFour), v2(0x21, 0x31, kFour),
          v2(0x21, 0x11, kFour + fields), v2(0x21, 0x11, kFour + "a"), v2(0x21, 0x00, std::string(4096, 'a'))}) {
        ProxyHeader h;
        EXPECT_EQ(ProxyVerdict::bad, parse(bad, h));
    }
    ProxyHeader h;
    EXPECT_EQ(ProxyVerdict::bad, parse(std::string("\r\n\r\n\0\r\nQUIT\r", 12), h));
    EXPECT_EQ(ProxyVerdict::bad, parse(v2(0x21, 0x11, "").substr(0, 12) + "\x10", h)) << "said with its first byte";
}

}  // namespace
}  // namespace gladius::net
