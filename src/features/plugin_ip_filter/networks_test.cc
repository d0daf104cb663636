#include "features/plugin_ip_filter/networks.h"

#include <gtest/gtest.h>

#include <string>

namespace gladius::features::ip_filter {
namespace {

Networks networks(std::vector<const char*> list) {
    Networks n;
    for (const char* c : list)
        EXPECT_TRUE(n.add(c)) << c;
    n.sort();
    return n;
}
bool holds(const Networks& n, const char* address) {
    Bytes b;
    EXPECT_TRUE(parse(address, b)) << address;
    return n.holds(b);
}

TEST(Networks, HoldWhatTheirBitsSay) {
    Networks n = networks({"10.0.0.0/8", "192.0.2.17/30", "2001:db8::/33", "::1", "198.51.100.7"});
    for (const char* in :
         {"10.0.0.0", "10.255.255.255", "192.0.2.16", "192.0.2.19", "2001:db8:7fff::1", "::1", "198.51.100.7"})
        EXPECT_TRUE(holds(n, in)) << in;
    for (const char* out : {"9.255.255.255", "11.0.0.0", "192.0.2.15", "192.0.2.20", "2001:db8:8000::", "::2",
                            "::", "198.51.100.6", "198.51.100.8"})
        EXPECT_FALSE(holds(n, out)) << out;
    EXPECT_TRUE(holds(n, "::ffff:10.1.2.3"));  // the same address
}

TEST(Networks, MayOverlapAndHoldEverything) {
    Networks n = networks({"10.0.0.0/16", "10.0.0.0/8", "10.1.0.0/16", "10.200.0.0/16"});
    EXPECT_TRUE(holds(n, "10.99.0.1"));
    EXPECT_FALSE(holds(n, "11.0.0.1"));
    Networks all = networks({"0.0.0.0/0"});
    EXPECT_TRUE(holds(all, "255.255.255.255"));
    EXPECT_FALSE(holds(all, "2001:db8::1"));
    EXPECT_TRUE(holds(networks({"::/0"}), "1.2.3.4"));
    EXPECT_FALSE(holds(Networks(), "1.2.3.4"));
}

TEST(Networks, WhatIsNoNetworkIsNone) {
    for (const char* bad : {"", "10.0.0.0/33", "10.0.0/8", "a", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0.1/8x"})
        EXPECT_FALSE(Networks().add(bad)) << bad;
}

TEST(Networks, ManyAreFoundAsFew) {
    Networks n;
    for (int i = 0; i < 60000; i += 2)
        n.add(std::to_string(1 + i / 65536) + "." + std::to_string(i / 256 % 256) + "." + std::to_string(i % 256) +
              ".0/24");
    n.sort();
    EXPECT_TRUE(holds(n, "1.1.4.200"));
    EXPECT_FALSE(holds(n, "1.1.5.200"));
}

TEST(Hops, OnlyWhatATrustedProxySaysIsBelieved) {
    Hops h;
    h.trusted = networks({"10.0.0.0/8"});
    Bytes peer, who, want;
    ASSERT_TRUE(parse("10.1.1.1", peer));
    EXPECT_TRUE(h.trusts(peer));
    ASSERT_TRUE(parse("203.0.113.9", want));
    EXPECT_TRUE(h.walk("6.6.6.6, 203.0.113.9 , 10.2.2.2", who));
    EXPECT_EQ(who, want);
    EXPECT_TRUE(h.walk("203.0.113.9,10.3.3.3", who));
    EXPECT_EQ(who, want);
    ASSERT_TRUE(parse("10.9.9.9", want));
    EXPECT_TRUE(h.walk("10.9.9.9, 10.3.3.3", who));
    EXPECT_EQ(who, want);
    EXPECT_FALSE(h.walk("203.0.113.9, unknown", who));
    EXPECT_FALSE(h.walk("", who));
    EXPECT_FALSE(h.walk(",", who));
}

}  // namespace
}  // namespace gladius::features::ip_filter
