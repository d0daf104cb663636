#include "features/plugin_ip_filter/ip_filter.h"

#include <gtest/gtest.h>

#include "conf/load.h"
#include "plan/compile.h"

namespace gladius::features {
namespace {

class IpFilterTest : public testing::Test {
  protected:
    // The stages before routing; SIZE_MAX: it does not start.
    size_t stages(const std::string& service, const std::string& endpoint = "{}") {
        static const plan::Feature* list[] = {&plugin_ip_filter};
        conf::LoadOptions o;
        o.namespaces = {&plugin_ip_filter.info, 1};
        conf::LoadResult r = conf::load_text("k.json",
                                             R"({"version":3,"host":["http://b.test"],"extra_config":)" + service +
                                                 R"(,"endpoints":[{"endpoint":"/a","extra_config":)" + endpoint +
                                                 R"(,"backend":[{"url_pattern":"/x"}]}]})",
                                             o);
        diagnostics = r.diagnostics;
        if (!r.ok()) return SIZE_MAX;
        plan::CompileOptions c;
        c.features = list;
        auto s = plan::compile(*r.service, c, diagnostics);
        return diagnostics.has_errors() ? SIZE_MAX : s->service->before_routing.size();
    }
    bool says(std::string_view text) { return diagnostics.text().find(text) != std::string::npos; }
    static std::string plugin(const std::string& value) { return R"({"plugin/http-server":)" + value + "}"; }

    conf::Diagnostics diagnostics;
};

constexpr const char* kGood = R"({"name":["ip-filter"],"ip-filter":{"CIDR":["10.0.0.0/8"],"allow":true}})";

TEST_F(IpFilterTest, IsThereWhenItIsNamedAndDescribed) {
    EXPECT_EQ(stages(plugin(kGood)), 1u) << diagnostics.text();
    EXPECT_TRUE(says("without \"trusted_proxies\""));
    EXPECT_EQ(stages(plugin(R"({"name":["url-rewrite"],"url-rewrite":{}})")), 0u);
    EXPECT_TRUE(says("the plugin \"url-rewrite\""));
}

TEST_F(IpFilterTest, WhatWouldFilterNothingIsRefused) {
    for (const char* bad : {R"({"name":["url-rewrite"],"ip-filter":{"CIDR":["10.0.0.0/8"],"allow":true}})",
                            R"({"name":["ip-filter"]})", R"({"name":["ip-filter"],"ip-filter":{"allow":true}})",
                            R"({"name":["ip-filter"],"ip-filter":{"CIDR":["10.0.0.0/99"],"allow":true}})",
                            R"({"name":["ip-filter"],"ip-filter":{"CIDR":["a"],"allow":true}})",
                            R"({"name":["ip-filter"],"ip-filter":{"CIDR":"10.0.0.1","allow":true}})",
                            R"({"name":["ip-filter"],"ip-filter":{"CIDR":["10.0.0.1"],"allow":"yes"}})",
                            R"({"name":["ip-filter"],"ip-filter":{"CIDR":["10.0.0.1"],"allow":true,"trusted":[]}})",
                            R"({"name":["ip-filter","geoip"],"ip-filter":{"CIDR":["10.0.0.1"],"allow":true}})"})
        EXPECT_EQ(stages(plugin(bad)), SIZE_MAX) << bad;
}

TEST_F(IpFilterTest, WhereNothingReadsItItIsRefused) {
    EXPECT_EQ(stages("{}", plugin(kGood)), SIZE_MAX);
    EXPECT_EQ(stages(R"({"plugin/http_server":)" + std::string(kGood) + "}"), SIZE_MAX);
    EXPECT_TRUE(says("is not read here"));
}

}  // namespace
}  // namespace gladius::features
