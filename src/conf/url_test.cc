#include "conf/url.h"

#include <gtest/gtest.h>

using namespace gladius::conf;

namespace {
std::string cleaned(std::string_view host) {
    auto h = clean_host(host);
    return h ? h->host : "invalid";
}
}  // namespace

TEST(CleanHost, FollowsTheExpressionOfTheReference) {
    EXPECT_EQ(cleaned("https://h.test:8443"), "https://h.test:8443");
    EXPECT_EQ(cleaned("h.test"), "http://h.test");
    EXPECT_EQ(cleaned("http://h.test/"), "http://h.test");
    EXPECT_EQ(cleaned("http://h_1.test"), "http://h_1.test");
    EXPECT_EQ(cleaned("127.0.0.1:80/"), "http://127.0.0.1:80");
    EXPECT_EQ(cleaned("http"), "http://http");
    EXPECT_EQ(cleaned("$HOST"), "http://HOST");         // characters around it are dropped
    EXPECT_EQ(cleaned("h:123456"), "http://h:123456");  // six digits are allowed
    for (std::string_view s :
         {"", "http://h.test/api", "http://a b", "http://u:p@h.test", "http://h.test:1", "http://a.test,http://b.test",
          "ftp://h.test", "redis://r/1", "http://[::1]:80", "h:1234567", "://", "/"}) {
        EXPECT_EQ(cleaned(s), "invalid") << s;
    }
}

TEST(CleanHost, AdviceNamesTheFault) {
    EXPECT_NE(host_advice("http://h.test/api").find("move \"/api\" to the front of url_pattern"), std::string::npos);
    EXPECT_NE(host_advice("ftp://h").find("disable_host_sanitize"), std::string::npos);
    EXPECT_NE(host_advice("http://u:p@h").find("user"), std::string::npos);
    EXPECT_NE(host_advice("http://a,http://b").find("list"), std::string::npos);
    EXPECT_NE(host_advice("http://[::1]:80").find("IPv6"), std::string::npos);
    EXPECT_NE(host_advice("http://h:1").find("port"), std::string::npos);
}

TEST(Paths, AreCleaned) {
    EXPECT_EQ(clean_path("a"), "/a");
    EXPECT_EQ(clean_path("/a"), "/a");
    EXPECT_EQ(clean_path("//x//y"), "//x//y");
    EXPECT_EQ(clean_path(""), "/");
}

TEST(Paths, IllegalOnesAreThoseOfTheReference) {
    for (std::string_view s :
         {"/__debug", "/__debug/x", "/__health", "/__echo/", "/foo/__health", "/st/*b", "/a/*/b", "/**"}) {
        EXPECT_TRUE(is_illegal_endpoint(s)) << s;
    }
    for (std::string_view s : {"/st/*", "/*", "/__debugger", "/__catchall", "/", "/a*"})
        EXPECT_FALSE(is_illegal_endpoint(s)) << s;
}

TEST(Params, StrictOnesFillASegment) {
    using V = std::vector<std::string>;
    EXPECT_EQ(endpoint_params("/a/{id}/b/{x-y_1}", false), (V{"id", "x-y_1"}));
    EXPECT_EQ(endpoint_params("/a/v{id}", false), V{});
    EXPECT_EQ(endpoint_params("/a/v{id}", true), V{"id"});
    EXPECT_EQ(endpoint_params("/q/{a.b}/z", false), V{});
    EXPECT_EQ(endpoint_params("/q/{a.b}/z", true), V{"a.b"});
    EXPECT_EQ(endpoint_params("/{}/{{x}}", true), V{"x"});
    EXPECT_EQ(backend_params("/b/{id}?q={resp0_a.b}&t={JWT.sub}"), (V{"id", "resp0_a.b", "JWT.sub"}));
    EXPECT_EQ(router_path("/a/{id}/{id}", {"id", "id"}), "/a/:id/:id");
    EXPECT_EQ(router_path("/a/{id}?x={id}", {"id"}), "/a/:id?x={id}");
}

TEST(Params, ComputedOnesNeedNoEndpoint) {
    for (std::string_view s : {"resp0_a", "resp12_a.b", "JWT.sub", "JWT.a.b", "resp0_xJWT.sub"})
        EXPECT_TRUE(is_computed_param(s)) << s;
    for (std::string_view s : {"resp_a", "resp0_", "respx_a", "JWT.", "JWT", "id", "Resp0_a"})
        EXPECT_FALSE(is_computed_param(s)) << s;
}
