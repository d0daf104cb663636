#include "features/qos_ratelimit/ratelimit.h"

#include <gtest/gtest.h>

#include "conf/load.h"
#include "plan/compile.h"

namespace gladius::features {
namespace {

// What a file compiles to, with the features of this folder.
class RateLimitTest : public testing::Test {
  protected:
    std::shared_ptr<plan::Snapshot> compile(const std::string& limit, const std::string& at_backend = "",
                                            const char* name = "qos/ratelimit/router") {
        static const plan::Feature* list[] = {&qos_ratelimit_service, &qos_ratelimit_tiered, &qos_ratelimit_router,
                                              &gladius_ratelimit, &qos_ratelimit_proxy};
        static const conf::NamespaceInfo rows[] = {list[0]->info, list[1]->info, list[2]->info, list[3]->info,
                                                   list[4]->info};
        conf::LoadOptions o;
        o.namespaces = rows;
        auto extra = [](const char* key, const std::string& value) {
            return value.empty() ? std::string() : R"("extra_config":{")" + std::string(key) + "\":" + value + "},";
        };
        conf::LoadResult r = conf::load_text(
            "k.json",
            R"({"version":3,"host":["http://b.test"],"endpoints":[{"endpoint":"/a/{id}",)" + extra(name, limit) +
                R"("backend":[{)" + extra("qos/ratelimit/proxy", at_backend) + R"("url_pattern":"/x"}]}]})",
            o);
        diagnostics = r.diagnostics;
        if (!r.ok()) return nullptr;
        plan::CompileOptions c;
        c.features = list;
        c.states = &states;
        c.generation = ++generation;
        auto s = plan::compile(*r.service, c, diagnostics);
        return diagnostics.has_errors() ? nullptr : s;
    }
    size_t stages(const std::string& limit) {
        auto s = compile(limit);
        return s ? s->endpoints[0]->pre.size() : SIZE_MAX;
    }
    bool says(std::string_view text) { return diagnostics.text().find(text) != std::string::npos; }

    plan::StateStore states;
    conf::Diagnostics diagnostics;
    uint64_t generation = 0;
};

TEST_F(RateLimitTest, OnlyLimitsThatLimitAreThere) {
    EXPECT_EQ(stages(R"({"max_rate": 0, "client_max_rate": -1})"), 0u);
    EXPECT_EQ(stages(R"({"max_rate": 0.5})"), 1u);
    EXPECT_EQ(stages(R"({"max_rate": 5, "client_max_rate": 2, "strategy": "IP"})"), 2u);
    EXPECT_EQ(stages(R"({"max_rate": 5, "strategy": "cookie"})"), 1u);
}

TEST_F(RateLimitTest, AClientLimitKnowsItsClients) {
    EXPECT_EQ(stages(R"({"client_max_rate": 2, "strategy": "cookie"})"), SIZE_MAX);
    EXPECT_TRUE(says("endpoint GET /a/{id}: \"qos/ratelimit/router\": the strategy \"cookie\" is unknown"));
    EXPECT_EQ(stages(R"({"client_max_rate": 2})"), SIZE_MAX);
    EXPECT_EQ(stages(R"({"client_max_rate": 2, "strategy": "param", "key": "other"})"), 1u);
    EXPECT_TRUE(says("no request has the path parameter \"other\""));
    EXPECT_EQ(stages(R"({"client_max_rate": 2, "strategy": "param", "key": "id"})"), 1u);
    EXPECT_FALSE(says("no request has"));
}

TEST_F(RateLimitTest, WhatCannotBeReadRefuses) {
    for (const char* bad : {R"({"max_rate": "5"})", R"({"max_rate": 5, "capacity": -1})", R"({"maxrate": 5})",
                            R"({"max_rate": true})", R"([1])"})
        EXPECT_EQ(stages(bad), SIZE_MAX) << bad;
    for (const char* bad : {R"({"max_rate": 5, "every": "0s"})", R"({"max_rate": 5, "capacity": -2})"})
        EXPECT_FALSE(compile("", bad)) << bad;
    EXPECT_EQ(stages(R"({"max_rate": 5, "every": "soon"})"), 1u);
    EXPECT_TRUE(says("counts as a second"));
    EXPECT_EQ(stages(R"({"max_rate": 5, "every": 10})"), 1u);
    EXPECT_TRUE(says("counts as a second"));
}

TEST_F(RateLimitTest, BucketsLiveOnWhileSomePlanHasThem) {
    auto first = compile(R"({"max_rate": 5, "client_max_rate": 1, "strategy": "ip"})", R"({"max_rate": 1})");
    ASSERT_TRUE(first);
    EXPECT_EQ(states.size(), 3u);
    // Another rate, the same buckets; another key, other clients.
    auto second =
        compile(R"({"max_rate": 9, "client_max_rate": 1, "strategy": "header", "key": "X"})", R"({"max_rate": 2})");
    ASSERT_TRUE(second);
    EXPECT_EQ(states.size(), 4u);
    first.reset();
    states.sweep();
    EXPECT_EQ(states.size(), 3u);
    second.reset();
    states.sweep();
    EXPECT_EQ(states.size(), 0u);
}

TEST_F(RateLimitTest, BackendsHaveGates) {
    auto s = compile("", R"({"max_rate": 2, "every": "500ms"})");
    ASSERT_TRUE(s);
    EXPECT_EQ(s->endpoints[0]->backends[0].gates.size(), 1u);
    EXPECT_TRUE(compile("", R"({"max_rate": 0})")->endpoints[0]->backends[0].gates.empty());
}

TEST_F(RateLimitTest, TiersAreOneStage) {
    auto tiers = [&](const std::string& list) {
        return compile(R"({"tier_key": "x-plan", "tiers": )" + list + "}", "", "qos/ratelimit/tiered");
    };
    auto s = tiers(R"([{"tier_value": "gold", "ratelimit": {"max_rate": 9, "client_max_rate": 5, "strategy": "ip"}},
                       {"tier_value_as": "*", "ratelimit": {"client_max_rate": 1, "strategy": "ip"}}])");
    ASSERT_TRUE(s) << diagnostics.text();
    EXPECT_EQ(s->endpoints[0]->pre.size(), 1u);
    EXPECT_EQ(states.size(), 3u);
    for (const char* bad : {R"([{"tier_value": "a", "tier_value_as": "policy", "ratelimit": {"max_rate": 1}}])",
                            R"([{"tier_value": "a", "ratelimit_redis": {}}])", R"([{"tier_value": "a"}])",
                            R"([{"tier_value": "a", "ratelimit": {"client_max_rate": 1}}])",
                            R"([{"tier_value": "a", "ratelimit": {"max_rate": "1"}}])", R"("none")"})
        EXPECT_FALSE(tiers(bad)) << bad;
    EXPECT_TRUE(tiers(R"([{"tier_value_as": "*", "ratelimit": {"max_rate": 1}},
                          {"tier_value": "a", "ratelimit": {"max_rate": 1}}])"));
    EXPECT_TRUE(says("behind a tier that fits everybody"));
}

TEST_F(RateLimitTest, SlowRatesAreExplained) {
    ASSERT_TRUE(compile(R"({"max_rate": 50, "every": "10m"})"));
    EXPECT_TRUE(says("only one may come at once"));
    ASSERT_TRUE(compile(R"({"max_rate": 50, "every": "10m", "capacity": 50})"));
    EXPECT_FALSE(says("only one may come at once"));
}

}  // namespace
}  // namespace gladius::features
