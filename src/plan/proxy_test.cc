#include "plan/proxy.h"

#include <gtest/gtest.h>

using namespace gladius::plan;

TEST(Proxy, TheAddressOfTheProxyInAllItsForms) {
    struct {
        const char* text;
        const char* host;
        uint16_t port;
        const char* authorization;
    } cases[] = {
        {"http://proxy.test:3128", "proxy.test", 3128, ""},
        {"proxy.test:3128", "proxy.test", 3128, ""},
        {"HTTP://proxy.test/", "proxy.test", 80, ""},
        {"http://[::1]:8080/x", "::1", 8080, ""},
        {"http://u:p%40@proxy.test", "proxy.test", 80, "Basic dTpwQA=="},
    };
    for (const auto& c : cases) {
        ProxyRules r(c.text, "", "");
        EXPECT_EQ(r.error(), "") << c.text;
        const Proxy* p = r.for_host("b.test", 80, false);
        ASSERT_TRUE(p) << c.text;
        EXPECT_EQ(p->host, c.host) << c.text;
        EXPECT_EQ(p->port, c.port) << c.text;
        EXPECT_EQ(p->authorization, c.authorization) << c.text;
    }
    for (const char* text : {"socks5://p.test:1", "https://p.test", "http://", "http://p.test:x", "http://p.test:0",
                             "http://p.test:99999", "::bad::"})
        EXPECT_NE(ProxyRules(text, "", "").error(), "") << text;
    EXPECT_FALSE(ProxyRules("", "", "").for_host("b.test", 80, false));
    EXPECT_EQ(ProxyRules("", "", "").error(), "");
    ProxyRules both("one.test:1", "two.test:2", "");
    EXPECT_EQ(both.for_host("b.test", 80, false)->host, "one.test");
    EXPECT_EQ(both.for_host("b.test", 443, true)->host, "two.test");
    EXPECT_FALSE(ProxyRules("one.test:1", "", "").for_host("b.test", 443, true));
    EXPECT_EQ(ProxyRules("", "ftp://x", "").error(), "HTTPS_PROXY: only http:// proxies are built, not ftp://");
}

TEST(Proxy, WhatIsAskedDirectly) {
    auto direct = [](const char* no_proxy, const char* host, uint16_t port = 80) {
        return ProxyRules("http://p.test", "", no_proxy).for_host(host, port, false) == nullptr;
    };
    for (const char* host : {"localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1"})
        EXPECT_TRUE(direct("", host)) << host;
    for (const char* host : {"b.test", "128.0.0.1", "::2", "localhost.test", "127.example"})
        EXPECT_FALSE(direct("", host)) << host;
    EXPECT_TRUE(direct("*", "b.test"));
    EXPECT_TRUE(direct(" other.test , B.test", "b.TEST"));
    EXPECT_TRUE(direct("b.test", "x.b.test"));
    EXPECT_FALSE(direct("b.test", "xb.test"));
    EXPECT_TRUE(direct(".b.test", "x.b.test"));
    EXPECT_FALSE(direct(".b.test", "b.test"));
    EXPECT_TRUE(direct("*.b.test", "x.b.test"));
    EXPECT_FALSE(direct("*.b.test", "b.test"));
    EXPECT_TRUE(direct("10.0.0.0/8,192.168.0.0/16", "10.1.2.3"));
    EXPECT_FALSE(direct("10.0.0.0/8", "11.1.2.3"));
    EXPECT_FALSE(direct("10.0.0.0/99", "10.1.2.3"));
    EXPECT_TRUE(direct("fd00::/8", "fd12::1"));
    EXPECT_TRUE(direct("10.1.2.3", "10.1.2.3"));
    EXPECT_FALSE(direct("10.1.2.3", "10.1.2.30"));
    EXPECT_TRUE(direct("b.test:8080", "b.test", 8080));
    EXPECT_FALSE(direct("b.test:8080", "b.test", 80));
    EXPECT_TRUE(direct("10.1.2.3:81", "10.1.2.3", 81));
    EXPECT_FALSE(direct("10.1.2.3:81", "10.1.2.3", 82));
    EXPECT_FALSE(direct(",, ,:80,b.test:x", "b.test"));
}

TEST(Proxy, Ranges) {
    Cidr c{};
    EXPECT_TRUE(parse_cidr("0.0.0.0/0", c));
    EXPECT_EQ(c.bits, 96);
    EXPECT_TRUE(parse_cidr("::/0", c));
    EXPECT_EQ(c.bits, 0);
    for (const char* text :
         {"", "x", "1.2.3", "1.2.3.4/33", "::1/129", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/8x", "[::1]"})
        EXPECT_FALSE(parse_cidr(text, c)) << text;
}
