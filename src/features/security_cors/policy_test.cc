#include "features/security_cors/policy.h"

#include <gtest/gtest.h>

namespace gladius::features::cors {
namespace {

Options with_origins(std::vector<std::string> origins) {
    Options o;
    o.allow_origins = std::move(origins);
    return o;
}
Options with_headers(std::vector<std::string> headers) {
    Options o;
    o.allow_headers = std::move(headers);
    return o;
}
bool allows(const Policy& p, std::vector<std::string_view> values) {
    return p.allows_headers(values);
}

TEST(CorsPolicy, NothingConfiguredAllowsEveryOriginAndSimpleMethods) {
    Policy p{Options{}};
    EXPECT_TRUE(p.every_origin());
    EXPECT_TRUE(p.allows_origin("null"));
    EXPECT_TRUE(allows(p, {"X-Anything, y"}));
    for (const char* m : {"GET", "HEAD", "POST", "OPTIONS"})
        EXPECT_TRUE(p.allows_method(m)) << m;
    EXPECT_FALSE(p.allows_method("PUT"));
    EXPECT_FALSE(p.allows_method("get"));
    EXPECT_EQ(p.success_status, 204);
    EXPECT_EQ(p.max_age, "");
}

TEST(CorsPolicy, OriginsAreWholeAndCaseDoesNotCount) {
    Policy p{with_origins({"https://App.test"})};
    EXPECT_FALSE(p.every_origin());
    EXPECT_TRUE(p.allows_origin("https://app.TEST"));
    for (const char* o :
         {"https://app.test.evil.test", "https://app.tes", "http://app.test", "https://app.test:443", ""})
        EXPECT_FALSE(p.allows_origin(o)) << o;
}

TEST(CorsPolicy, OneStarStandsForAnythingAlsoForNothing) {
    Policy p{with_origins({"http://*.dev.test", "app://*", "x*y*z"})};
    EXPECT_TRUE(p.allows_origin("http://a.b.dev.test"));
    EXPECT_TRUE(p.allows_origin("http://.dev.test"));
    EXPECT_TRUE(p.allows_origin("app://"));
    EXPECT_FALSE(p.allows_origin("http://dev.test"));
    EXPECT_FALSE(p.allows_origin("http://.dev.tes"));
    EXPECT_TRUE(
        p.allows_origin("xa"
                        "y*z"));  // a second star is a star
    EXPECT_FALSE(p.allows_origin("xaybz"));
    // The two ends must not share what is there once.
    EXPECT_FALSE(Policy{with_origins({"aba*ba"})}.allows_origin("aba"));
    EXPECT_TRUE(Policy{with_origins({"https://a.test", "*"})}.every_origin());
}

TEST(CorsPolicy, RequestedHeadersAreSmallSortedAndOnce) {
    Policy p{with_headers({"X-One", "content-type", "x-two", "X-ONE"})};
    EXPECT_TRUE(allows(p, {"content-type,x-one,x-two"}));
    EXPECT_TRUE(allows(p, {"content-type, x-one ,\tx-two"}));
    EXPECT_TRUE(allows(p, {"content-type", "x-one"}));
    EXPECT_TRUE(allows(p, {""}));
    EXPECT_TRUE(allows(p, {}));
    EXPECT_FALSE(allows(p, {"X-One"}));
    EXPECT_FALSE(allows(p, {"x-one,content-type"}));
    EXPECT_FALSE(allows(p, {"x-one,x-one"}));
    EXPECT_FALSE(allows(p, {"x-two", "x-one"}));
    EXPECT_FALSE(allows(p, {"x-three"}));
    EXPECT_FALSE(allows(p, {"x-one  ,x-two"}));
    EXPECT_FALSE(allows(p, {std::string_view("x-one,   ,x-two")}));
    EXPECT_TRUE(allows(p, {std::string_view("x-one,  ,x-two")}));
}

TEST(CorsPolicy, EmptyElementsAreTakenSixteenTimes) {
    Policy p{with_headers({"x-one"})};
    EXPECT_TRUE(allows(p, {std::string(15, ',')}));
    EXPECT_FALSE(allows(p, {std::string(16, ',')}));
    EXPECT_FALSE(allows(p, {std::string(100000, ',')}));
    EXPECT_FALSE(allows(p, {std::string(100000, 'x')}));
}

TEST(CorsPolicy, FixedValuesAreMadeOnce) {
    Options o;
    o.expose_headers = {"x-out", "etag"};
    o.max_age_seconds = -3;
    o.allow_private_network = true;
    o.options_success_status = 202;
    Policy p{o};
    EXPECT_EQ(p.exposed, "X-Out, Etag");
    EXPECT_EQ(p.max_age, "0");
    EXPECT_EQ(p.success_status, 202);
    EXPECT_TRUE(p.preflight_vary().ends_with("Access-Control-Request-Private-Network"));
    o.max_age_seconds = 43200;
    EXPECT_EQ(Policy{o}.max_age, "43200");
}

}  // namespace
}  // namespace gladius::features::cors
