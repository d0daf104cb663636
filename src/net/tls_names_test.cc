#include "net/tls_names.h"

#include <gtest/gtest.h>

#include "net/tls_test_support.h"

using namespace gladius::net;

TEST(TlsNames, AWildcardIsTheWholeFirstLabel) {
    EXPECT_TRUE(host_matches("a.test", "A.Test"));
    EXPECT_TRUE(host_matches("a.test", "a.test."));
    EXPECT_TRUE(host_matches("*.a.test", "b.a.test"));
    EXPECT_FALSE(host_matches("*.a.test", "a.test"));
    EXPECT_FALSE(host_matches("*.a.test", "c.b.a.test"));
    EXPECT_FALSE(host_matches("b*.a.test", "bb.a.test"));
    EXPECT_FALSE(host_matches("a.*.test", "a.b.test"));
    EXPECT_FALSE(host_matches("*", "test"));
    EXPECT_FALSE(host_matches("*.a.test", ".a.test"));
    EXPECT_FALSE(host_matches("", ""));
    EXPECT_FALSE(host_matches("a.test", "a.test.evil"));
    EXPECT_FALSE(host_matches("a..test", "a..test"));
    EXPECT_FALSE(host_matches("*.a.test", "b/.a.test"));
}

TEST(TlsNames, HostsAreCheckedAgainstAlternativeNamesOnly) {
    TestKey k = make_key("common.test", "DNS:a.test,DNS:*.b.test,IP:127.0.0.1,IP:::1");
    const X509* x = k.certificate.get();
    EXPECT_EQ(check_host(x, "a.test"), "");
    EXPECT_EQ(check_host(x, "X.b.test"), "");
    EXPECT_EQ(check_host(x, "127.0.0.1"), "");
    EXPECT_EQ(check_host(x, "::1"), "");
    EXPECT_EQ(check_host(x, "common.test"), "x509: certificate is valid for a.test, *.b.test, not common.test");
    EXPECT_EQ(check_host(x, "127.0.0.2"), "x509: certificate is valid for 127.0.0.1, ::1, not 127.0.0.2");
}

TEST(TlsNames, WhatHasNoNamesIsForNobody) {
    TestKey k = make_key("common.test", "");
    EXPECT_EQ(check_host(k.certificate.get(), "common.test"),
              "x509: certificate relies on legacy Common Name field, use SANs instead");
    EXPECT_EQ(check_host(k.certificate.get(), "10.0.0.1"),
              "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs");
}

TEST(TlsNames, NamesComeInLowerCaseWithoutTheLastDot) {
    TestKey k = make_key("c", "DNS:A.Test,DNS:b.test,IP:10.0.0.1");
    CertificateNames n = names_of(k.certificate.get());
    EXPECT_EQ(n.dns, (std::vector<std::string>{"a.test", "b.test"}));
    ASSERT_EQ(n.ips.size(), 1u);
    EXPECT_EQ(n.ips[0], std::string("\x0a\0\0\1", 4));
    EXPECT_EQ(lower_host("ExAmple.COM."), "example.com");
}
