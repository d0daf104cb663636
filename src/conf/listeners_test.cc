#include "conf/listeners.h"

#include <gtest/gtest.h>

#include "conf/test_support.h"

using namespace gladius::conf;

namespace {

LoadResult with_listeners(std::string_view value, std::string_view root = {}) {
    return load(R"({"version":3,)" + std::string(root) + R"("extra_config":{"gladius/listeners":)" +
                std::string(value) + "}}");
}

}  // namespace

TEST(Listeners, GoodOnes) {
    for (std::string_view value :
         {R"({})", R"({"more":[{"port":9000}]})", R"({"more":[{"address":"::1","port":9000,"tls":false}]})",
          R"({"main":{"disabled":true},"more":[{"path":"/run/a.sock","mode":"0600"}]})",
          R"({"main":{"proxy_protocol":true,"trusted":["10.0.0.0/8","::1"]}})",
          R"({"more":[{"path":"/run/a.sock","proxy_protocol":true}]})",
          R"({"more":[{"name":"a.b-c_1","address":"127.0.0.1","port":8080}]})"}) {
        LoadResult r = with_listeners(value);
        EXPECT_TRUE(r.ok()) << value << r.diagnostics.text();
        EXPECT_EQ(r.diagnostics.count(Severity::warning), 0u) << r.diagnostics.text();
    }
}

TEST(Listeners, BadOnesAreRefusedWithTheirPlace) {
    struct {
        std::string_view value, said;
    } cases[] = {
        {R"({"more":[{}]})", "needs a \"port\""},
        {R"({"more":[{"port":70000}]})", "70000"},
        {R"({"more":[{"port":8080}]})", "*:8080 is listened on by the main listener already"},
        {R"({"more":[{"port":8080,"address":"0.0.0.0"}]})", "already"},
        {R"({"more":[{"port":1,"address":"localhost"}]})", "invalid ip address localhost"},
        {R"({"more":[{"port":9000,"path":"/a"}]})", "or an address and a port"},
        {R"({"more":[{"path":"a"}]})", "begins with a slash"},
        {R"({"more":[{"path":"/a","mode":"rw"}]})", "are no permissions"},
        {R"({"more":[{"path":"/a","mode":"1777"}]})", "are no permissions"},
        {R"({"more":[{"port":9000,"mode":"0600"}]})", "is for unix sockets"},
        {R"({"more":[{"path":"/a"},{"path":"/a"}]})", "unix:/a is listened on by another listener already"},
        {R"({"more":[{"port":9000,"name":"a"},{"port":9001,"name":"a"}]})", "there is a listener \"a\" already"},
        {R"({"more":[{"port":9000,"name":"main"}]})", "there is a listener \"main\" already"},
        {R"({"more":[{"port":9000,"name":"a b"}]})", "letters, digits"},
        {R"({"more":[{"port":9000,"tls":true}]})", "\"tls\" without keys"},
        {R"({"more":[{"port":9000,"proxy_protocol":true}]})", "anybody could claim any address"},
        {R"({"main":{"proxy_protocol":true}})", "anybody could claim any address"},
        {R"({"main":{"trusted":["10.0.0.1"]}})", "has a meaning only with proxy_protocol"},
        {R"({"main":{"proxy_protocol":true,"trusted":["lb"]}})", "\"lb\" in trusted is no address"},
        {R"({"more":[{"path":"/a","proxy_protocol":true,"trusted":["::1"]}]})", "have no address"},
        {R"({"main":{"disabled":true}})", "nobody could connect"},
        {R"({"mein":{}})", "mein"},
    };
    for (const auto& c : cases) {
        LoadResult r = with_listeners(c.value);
        EXPECT_FALSE(r.ok()) << c.value;
        EXPECT_TRUE(said(r, Severity::error, c.said)) << c.value << r.diagnostics.text();
    }
}

TEST(Listeners, TheirNumberIsBounded) {
    std::string more = "[";
    for (int i = 0; i < 65; ++i)
        more += (i ? "," : "") + ("{\"port\":" + std::to_string(9000 + i) + "}");
    LoadResult r = with_listeners("{\"more\":" + more + "]}");
    EXPECT_TRUE(said(r, Severity::error, "65 listeners, 64 are allowed")) << r.diagnostics.text();
}

TEST(Listeners, WithoutClientCertificatesIsSaid) {
    LoadOptions lenient;
    lenient.allow_unsupported = true;
    std::string tls = R"("tls":{"keys":[{"public_key":"a","private_key":"b"}],"enable_mtls":true},)";
    std::string text = R"({"version":3,)" + tls +
                       R"("extra_config":{"gladius/listeners":{"more":[{"port":9000,"tls":false},{"port":9001}]}}})";
    LoadResult r = load(text, lenient);
    ASSERT_TRUE(r.service);
    EXPECT_TRUE(said(r, Severity::warning, "listener :9000 is served without the client certificates"));
    EXPECT_FALSE(said(r, Severity::warning, "listener :9001"));
    EXPECT_EQ(r.service->listeners.more[1].tls, true);
}

TEST(Listeners, Modes) {
    EXPECT_EQ(parse_mode("0660"), 0660u);
    EXPECT_EQ(parse_mode("777"), 0777u);
    for (const char* bad : {"", "7", "0888", "10660", "-600"})
        EXPECT_FALSE(parse_mode(bad)) << bad;
}
