#include "plan/compile.h"

#include <gtest/gtest.h>

#include "conf/load.h"

namespace gladius::plan {
namespace {

std::shared_ptr<Snapshot> compiled(const std::string& text, conf::Diagnostics& d, CompileOptions options = {},
                                   std::span<const conf::NamespaceInfo> rows = {}) {
    conf::LoadOptions o;
    o.namespaces = rows;
    conf::LoadResult r = conf::load_text("test.json", text, o);
    EXPECT_TRUE(r.ok()) << r.diagnostics.text();
    if (!r.ok()) return nullptr;
    return compile(*r.service, options, d);
}

TEST(Compile, OneNoOpBackendIsRelayedAndTheRestIsGathered) {
    conf::Diagnostics d;
    auto s = compiled(R"({"version":3,"host":["http://b.test"],"endpoints":[
        {"endpoint":"/n","output_encoding":"no-op","backend":[{"url_pattern":"/x"}]},
        {"endpoint":"/j","backend":[{"url_pattern":"/x"}]}]})",
                      d);
    ASSERT_TRUE(s);
    EXPECT_EQ(s->endpoints[0]->executor, Executor::relay);
    EXPECT_EQ(s->endpoints[1]->executor, Executor::gather);
}

TEST(Compile, HostsAreInternedAndKeepTheirPorts) {
    conf::Diagnostics d;
    auto s = compiled(R"({"version":3,"endpoints":[
        {"endpoint":"/a","backend":[{"url_pattern":"/x","host":["http://b.test:8080"]}]},
        {"endpoint":"/b","backend":[{"url_pattern":"/y","host":["http://b.test:8080","http://c.test"]}]}]})",
                      d);
    ASSERT_TRUE(s);
    ASSERT_EQ(s->hosts.size(), 2u);
    EXPECT_EQ(s->hosts[0]->host, "b.test");
    EXPECT_EQ(s->hosts[0]->port, 8080);
    EXPECT_EQ(s->hosts[0]->header, "b.test:8080");
    EXPECT_EQ(s->hosts[1]->port, 80);
    EXPECT_EQ(s->endpoints[1]->backends[0].hosts[0].index, 0u);
}

TEST(Compile, ParametersBecomePiecesOfTheUrl) {
    conf::Diagnostics d;
    auto s = compiled(R"({"version":3,"host":["http://b.test"],"endpoints":[
        {"endpoint":"/a/{id}/{name}","backend":[{"url_pattern":"/x/{name}/y?i={id}"}]}]})",
                      d);
    ASSERT_TRUE(s);
    const Template& t = s->endpoints[0]->backends[0].url;
    ASSERT_EQ(t.pieces.size(), 2u);
    EXPECT_EQ(t.pieces[0].literal, "/x/");
    EXPECT_EQ(t.pieces[0].param, 1);
    EXPECT_EQ(t.pieces[1].literal, "/y?i=");
    EXPECT_EQ(t.pieces[1].param, 0);
}

TEST(Compile, TimesOfSeveralBackendsAreSharesOfTheEndpoints) {
    conf::Diagnostics d;
    auto s = compiled(R"({"version":3,"host":["http://b.test"],"timeout":"400ms","cache_ttl":"90s","endpoints":[
        {"endpoint":"/a","backend":[{"url_pattern":"/x"},{"url_pattern":"/y"}]}]})",
                      d);
    ASSERT_TRUE(s);
    EXPECT_EQ(s->endpoints[0]->timeout_ms, 400u);
    EXPECT_EQ(s->endpoints[0]->merge_timeout_ms, 340u);
    EXPECT_EQ(s->endpoints[0]->concurrent_timeout_ms, 300u);
    EXPECT_EQ(s->endpoints[0]->cache_control, "Cache-Control: public, max-age=90\r\n");
}

TEST(Compile, WithoutAListOnlyTheContentTypePasses) {
    conf::Diagnostics d;
    auto s = compiled(R"({"version":3,"host":["http://b.test"],"endpoints":[
        {"endpoint":"/a","backend":[{"url_pattern":"/x"}]},
        {"endpoint":"/b","input_headers":["x-own","Accept"],"backend":[{"url_pattern":"/x"}]}]})",
                      d);
    ASSERT_TRUE(s);
    const NameRule& none = s->endpoints[0]->backends[0].headers;
    EXPECT_TRUE(none.passes(http::Token::content_type, "Content-Type"));
    EXPECT_FALSE(none.passes(http::Token::accept, "Accept"));
    const NameRule& list = s->endpoints[1]->backends[0].headers;
    EXPECT_FALSE(list.passes(http::Token::content_type, "Content-Type"));
    EXPECT_TRUE(list.passes(http::Token::unknown, "X-OWN"));
    EXPECT_FALSE(list.passes(http::Token::unknown, "X-Owns"));
}

TEST(Compile, TwoRoutesThatExcludeEachOtherAreAnError) {
    conf::Diagnostics d;
    compiled(R"({"version":3,"host":["http://b.test"],"endpoints":[
        {"endpoint":"/a","backend":[{"url_pattern":"/x"}]},{"endpoint":"/a","backend":[{"url_pattern":"/y"}]}]})",
             d);
    ASSERT_TRUE(d.has_errors());
    EXPECT_NE(d.text().find("handlers are already registered for path '/a'"), std::string::npos) << d.text();
}

TEST(Compile, TheEnvironmentsProxyIsUsedButNotForLoopback) {
    conf::Diagnostics d;
    CompileOptions o;
    o.http_proxy = "http://proxy.test:3128";
    o.no_proxy = ".inner.test,other.test";
    auto s = compiled(R"({"version":3,"endpoints":[{"endpoint":"/a","backend":[{"url_pattern":"/x","host":[
        "http://b.test","http://127.0.0.1:81","http://x.inner.test","http://other.test"]}]}]})",
                      d, o);
    ASSERT_TRUE(s);
    EXPECT_EQ(s->hosts[0]->proxy.host, "proxy.test");
    EXPECT_EQ(s->hosts[0]->proxy.port, 3128);
    EXPECT_EQ(s->hosts[1]->proxy.host, "");
    EXPECT_EQ(s->hosts[2]->proxy.host, "");
    EXPECT_EQ(s->hosts[3]->proxy.host, "");
}

TEST(Compile, ErrorBodiesAreRenderedAsTheReferenceRendersThem) {
    conf::Diagnostics d;
    auto s = compiled(
        R"({"version":3,"host":["http://b.test"],"endpoints":[{"endpoint":"/a","backend":[{"url_pattern":"/x"}]}],
        "extra_config":{"router":{"error_body":{"404":{"z":1,"a":"<b>"}}}}})",
        d);
    ASSERT_TRUE(s);
    EXPECT_EQ(s->service->not_found_body, "{\"a\":\"\\u003cb\\u003e\",\"z\":1}");
    EXPECT_EQ(s->service->not_allowed_body, "");
}

// --- the extension contract
// -------------------------------------------------------------------------------------------------------------------

Verdict pass(const void*, engine::Exchange&) {
    return Verdict::next;
}
Verdict refuse(const void*, engine::Exchange&) {
    return Verdict::reply;
}

const Feature kLate = {.info = {.name = "test/late",
                                .alias = {},
                                .levels = static_cast<uint8_t>(conf::Level::endpoint),
                                .posture = conf::Posture::shaping,
                                .built = true,
                                .fields = nullptr},
                       .compile_endpoint = [](const conf::Node&, EndpointBuilder& b) {
                           b.add(Phase::validation, Stage{&pass, nullptr, nullptr});
                       }};
const Feature kEarly = {.info = {.name = "test/early",
                                 .alias = {},
                                 .levels = static_cast<uint8_t>(conf::Level::endpoint),
                                 .posture = conf::Posture::shaping,
                                 .built = true,
                                 .fields = nullptr},
                        .compile_endpoint = [](const conf::Node& config, EndpointBuilder& b) {
                            if (config.find("bad")) b.refuse(config, "bad is bad", "be good");
                            b.add(Phase::authentication, Stage{&refuse, nullptr, nullptr});
                        }};

TEST(Feature, StagesStandInTheOrderOfTheirPhases) {
    const Feature* list[] = {&kLate, &kEarly};
    conf::NamespaceInfo rows[] = {kLate.info, kEarly.info};
    conf::Diagnostics d;
    CompileOptions o;
    o.features = list;
    auto s = compiled(R"({"version":3,"host":["http://b.test"],"endpoints":[
        {"endpoint":"/a","extra_config":{"test/late":{},"test/early":{}},"backend":[{"url_pattern":"/x"}]},
        {"endpoint":"/b","backend":[{"url_pattern":"/x"}]}]})",
                      d, o, rows);
    ASSERT_TRUE(s);
    ASSERT_EQ(s->endpoints[0]->pre.size(), 2u);
    EXPECT_EQ(s->endpoints[0]->pre[0].run, &refuse);
    EXPECT_EQ(s->endpoints[0]->pre[1].run, &pass);
    EXPECT_TRUE(s->endpoints[1]->pre.empty());
}

TEST(Feature, AFeatureThatCannotReadItsConfigurationStopsTheStart) {
    const Feature* list[] = {&kEarly};
    conf::NamespaceInfo rows[] = {kEarly.info};
    conf::Diagnostics d;
    CompileOptions o;
    o.features = list;
    compiled(R"({"version":3,"host":["http://b.test"],"endpoints":[
        {"endpoint":"/a","extra_config":{"test/early":{"bad":1}},"backend":[{"url_pattern":"/x"}]}]})",
             d, o, rows);
    EXPECT_TRUE(d.has_errors());
}

const Feature kService = {.info = {.name = "test/service",
                                   .alias = {},
                                   .levels = conf::Level::service | conf::Level::endpoint,
                                   .posture = conf::Posture::protective,
                                   .built = true,
                                   .fields = nullptr},
                          .compile_service =
                              [](const conf::Node&, ServiceBuilder& b) {
                                  b.add(Phase::service_limit, Stage{.run = &pass, .config = b.state<int>("n")});
                                  b.add(Phase::service_bots, Stage{.run = &refuse});
                                  b.add(Phase::cross_origin, Stage{.run = &pass});
                              },
                          .compile_endpoint =
                              [](const conf::Node& config, EndpointBuilder& b) {
                                  b.refuse(config, "is bad", "be good");
                                  b.service.add(Phase::cross_origin, Stage{.run = &refuse});
                              }};

constexpr const char* kServiceText = R"({"version":3,"host":["http://b.test"],"extra_config":{"test/service":{}},
    "endpoints":[{"endpoint":"/a","extra_config":{"test/service":{}},"backend":[{"url_pattern":"/x"}]}]})";

TEST(Feature, StagesOfTheServiceStandBeforeAndAfterRouting) {
    const Feature* list[] = {&kService};
    conf::NamespaceInfo rows[] = {kService.info};
    conf::Diagnostics d;
    CompileOptions o;
    o.features = list;
    o.allow_unsupported = true;
    auto s = compiled(kServiceText, d, o, rows);
    ASSERT_TRUE(s);
    EXPECT_FALSE(d.has_errors());
    EXPECT_NE(d.text().find("endpoint GET /a: \"test/service\": is bad"), std::string::npos) << d.text();
    ASSERT_EQ(s->service->before_routing.size(), 2u);
    EXPECT_EQ(s->service->before_routing[0].run, &pass);
    EXPECT_EQ(s->service->before_routing[1].run, &refuse);
    ASSERT_EQ(s->service->after_routing.size(), 2u);
    EXPECT_EQ(s->service->after_routing[0].run, &refuse);
    EXPECT_EQ(s->service->after_routing[1].name, "test/service");
}

TEST(Feature, WhatAProtectionCannotReadIsRefused) {
    const Feature* list[] = {&kService};
    conf::NamespaceInfo rows[] = {kService.info};
    conf::Diagnostics d;
    CompileOptions o;
    o.features = list;
    compiled(kServiceText, d, o, rows);
    EXPECT_TRUE(d.has_errors());
}

TEST(Feature, StateOutlivesAPlanThatHasIt) {
    const Feature* list[] = {&kService};
    conf::NamespaceInfo rows[] = {kService.info};
    conf::Diagnostics d;
    StateStore states;
    CompileOptions o;
    o.features = list;
    o.allow_unsupported = true;
    o.states = &states;
    auto first = compiled(kServiceText, d, o, rows);
    auto second = compiled(kServiceText, d, o, rows);
    EXPECT_EQ(first->service->after_routing[1].config, second->service->after_routing[1].config);
    const void* old = first->service->after_routing[1].config.get();
    first.reset();
    auto third = compiled(kServiceText, d, o, rows);
    EXPECT_EQ(third->service->after_routing[1].config.get(), old);
    second.reset();
    third.reset();
    states.sweep();
    EXPECT_EQ(states.size(), 0u);
}

}  // namespace
}  // namespace gladius::plan
