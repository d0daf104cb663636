#include "conf/flatmap.h"

#include <gtest/gtest.h>

#include "conf/test_support.h"

namespace gladius::conf {
namespace {

LoadResult with_filter(const std::string& filter, const std::string& more = {}) {
    return load(with_backend("\"host\":[\"http://h.test\"],\"url_pattern\":\"/x\"" + more +
                             ",\"extra_config\":{\"proxy\":{\"flatmap_filter\":" + filter + "}}"));
}

std::string shown(const std::vector<json::FlatmapOp>& ops) {
    std::string s;
    for (const json::FlatmapOp& op : ops) {
        s += op.type + "(";
        for (const std::string& a : op.args)
            s += a + ",";
        s += ")";
    }
    return s;
}

std::string read(const std::string& filter) {
    LoadResult r = with_filter(filter);
    EXPECT_TRUE(r.service) << text_of(r);
    return r.service ? shown(r.service->endpoints[0].backend[0].flatmap) : "";
}

TEST(Flatmap, ReadsOperations) {
    LoadResult r = with_filter(R"([{"type":"move","args":["a.b","c"]},{"type":"del","args":["x","y.*.z"]}])");
    EXPECT_EQ(shown(r.service->endpoints[0].backend[0].flatmap), "move(a.b,c,)del(x,y.*.z,)");
    EXPECT_EQ(text_of(r).find("flatmap"), std::string::npos) << text_of(r);
}

TEST(Flatmap, WhatIsNoOperationIsLeftOut) {
    EXPECT_EQ(read(R"([1,{"args":["a"]},{"type":7},{"type":"del","args":["a"]}])"), "del(a,)");
    EXPECT_EQ(read(R"({"type":"del","args":["a"]})"), "");
    EXPECT_EQ(read("null"), "");
    EXPECT_EQ(read("[]"), "");
    // The reference would fail every request.
    EXPECT_EQ(read(R"([{"type":"move","args":["a"]},{"type":"append"},{"type":"move","args":[1,"b"]}])"), "");
    LoadResult r = with_filter(R"([{"type":"move","args":["a"]}])");
    EXPECT_TRUE(said(r, Severity::warning, "needs two args")) << text_of(r);
}

TEST(Flatmap, WhatDoesNothingIsSaid) {
    // It still takes the place of allow, deny and mapping.
    EXPECT_EQ(read(R"([{"type":"delete","args":["a"]}])"), "delete(a,)");
    EXPECT_EQ(read(R"([{"type":"del","args":[1,"a",null]}])"), "del(a,)");
    EXPECT_EQ(read(R"([{"type":"append","args":[1,"a"]}])"), "append()");
    LoadResult r = with_filter(R"([{"type":"delete","args":["a"]}])");
    EXPECT_TRUE(said(r, Severity::warning, "\"delete\", which is none of move, append and del")) << text_of(r);
    r = with_filter(R"([{"type":"move","args":["a.*","b"]}])");
    EXPECT_TRUE(said(r, Severity::warning, "ends in *")) << text_of(r);
    r = with_filter(R"([{"type":"del"}])");
    EXPECT_TRUE(said(r, Severity::warning, "nothing to delete")) << text_of(r);
}

TEST(Flatmap, TakesThePlaceOfOtherRules) {
    LoadResult r = with_filter(R"([{"type":"del","args":["a"]}])", R"(,"deny":["b"])");
    EXPECT_TRUE(said(r, Severity::warning, "\"deny\" is ignored")) << text_of(r);
    r = with_filter("[]", R"(,"deny":["b"])");
    EXPECT_FALSE(said(r, Severity::warning, "\"deny\" is ignored")) << text_of(r);
}

TEST(Flatmap, OfAnEndpointNeedsTwoBackends) {
    std::string filter = R"("extra_config":{"proxy":{"flatmap_filter":[{"type":"del","args":["a"]}]}},)";
    LoadResult r = load(with_endpoint("\"endpoint\":\"/a\"," + filter + kGoodBackend));
    EXPECT_TRUE(said(r, Severity::warning, "two or more backends")) << text_of(r);
    EXPECT_TRUE(r.service->endpoints[0].flatmap.empty());
    std::string two = R"("backend":[{"host":["http://h.test"]},{"host":["http://i.test"]}])";
    r = load(with_endpoint("\"endpoint\":\"/a\"," + filter + two));
    EXPECT_FALSE(said(r, Severity::warning, "two or more backends")) << text_of(r);
    EXPECT_EQ(shown(r.service->endpoints[0].flatmap), "del(a,)");
    // A shadow does not answer.
    two =
        R"("backend":[{"host":["http://h.test"]},{"host":["http://i.test"],"extra_config":{"proxy":{"shadow":true}}}])";
    r = load(with_endpoint("\"endpoint\":\"/a\"," + filter + two));
    EXPECT_TRUE(said(r, Severity::warning, "two or more backends")) << text_of(r);
}

TEST(Arrays, AreReadStrictly) {
    auto arrays = [](const std::string& block, const std::string& more) {
        return load(with_backend(R"("host":["http://h.test"],"url_pattern":"/x",)" + more +
                                 R"("extra_config":{"gladius/arrays":)" + block + "}"));
    };
    const std::string deny = R"("deny":["a.b"],)";
    LoadResult r = arrays(R"({"walk":true})", deny);
    ASSERT_TRUE(r.service) << text_of(r);
    EXPECT_TRUE(r.service->endpoints[0].backend[0].arrays.walk);
    EXPECT_EQ(text_of(r).find("arrays"), std::string::npos) << text_of(r);
    r = arrays(R"({"walk":false})", deny);
    EXPECT_FALSE(r.service->endpoints[0].backend[0].arrays.walk);
    // A rule that hides something would not be applied.
    for (const char* bad : {"{}", R"({"walk":"true"})", R"({"walk":true,"wlak":true})", "true"}) {
        r = arrays(bad, deny);
        EXPECT_TRUE(said(r, Severity::error, "gladius/arrays")) << bad << text_of(r);
    }
    r = arrays(R"({"walk":true})", "");
    EXPECT_TRUE(said(r, Severity::warning, "nothing to do")) << text_of(r);
    r = load(with_endpoint(std::string(R"("endpoint":"/a","extra_config":{"gladius/arrays":{"walk":true}},)") +
                           kGoodBackend));
    EXPECT_TRUE(said(r, Severity::error, "does nothing at endpoint level")) << text_of(r);
}

}  // namespace
}  // namespace gladius::conf
