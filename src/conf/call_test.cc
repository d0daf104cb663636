// "gladius/call": a reference that leads nowhere, or a rule that cannot work, refuses to start and names the place.
#include <gtest/gtest.h>

#include "conf/test_support.h"

using namespace gladius::conf;

namespace {

constexpr Severity kError = Severity::error, kWarning = Severity::warning;

LoadResult with_call(std::string_view call, std::string_view endpoint = {}, std::string_view pattern = "/b") {
    std::string text =
        R"({"version":3,"host":["http://h"],"endpoints":[{"endpoint":"/a/{id}","input_headers":["X-In"],)";
    text += R"("input_query_strings":["q"],"extra_config":{"proxy":{"sequential":true}},)";
    text += std::string(endpoint) + R"("backend":[{"url_pattern":"/first"},{"url_pattern":")" + std::string(pattern);
    text += R"(","extra_config":{"gladius/call":)" + std::string(call) + "}}]}]}";
    return load(text);
}

}  // namespace

TEST(CallOptions, GoodOnes) {
    for (std::string_view call :
         {R"({"required":true})", R"({"required":false})", R"({"fallback":{"a":1}})",
          R"({"if":{"value":"{resp0_a}{id}","exists":true}})",
          R"({"headers":{"X-A":"{resp0.header.X-B} {resp0.status}"},"query":{"a":"{input_query_strings.q}"}})",
          R"({"body":{"a":["{resp0_a.b}",{"b":"{input_headers.x-in}"}]}})",
          R"({"foreach":{"array":"resp0_list","into":"x"},"headers":{"X-A":"{each.id}"}})"}) {
        LoadResult r = with_call(call);
        EXPECT_TRUE(r.ok()) << call << r.diagnostics.text();
        EXPECT_EQ(r.diagnostics.count(kWarning), 0u) << r.diagnostics.text();
    }
    EXPECT_TRUE(with_call(R"({"foreach":{"array":"resp0_list"}})", {}, "/b/{each.id}/{resp0.status}/{id}").ok());
}

TEST(CallOptions, BadOnes) {
    struct {
        std::string_view call, said;
    } cases[] = {
        {R"({"requird":true})", "did you mean \"required\"?"},
        {R"({"required":"yes"})", "required"},
        {R"({"fallback":[1]})", "\"fallback\" is no object"},
        {R"({"required":true,"fallback":{}})", "has no use for a \"fallback\""},
        {R"({"if":{"value":"x"}})", "compares \"value\" with nothing"},
        {R"({"if":{"equals":"x"}})", "value"},
        {R"({"headers":{"X-A":"{resp1_a}"}})", "{resp1_a} is not known when this backend is called"},
        {R"({"headers":{"X-A":"{resp0.size}"}})", "{resp0.size} is no reference"},
        {R"({"headers":{"X-A":"{name}"}})", "has no parameter {name}"},
        {R"({"headers":{"X-A":"{input_headers.X-Other}"}})", "the header X-Other does not pass this endpoint"},
        {R"({"query":{"a":"{input_query_strings.p}"}})", "the query string p does not pass this endpoint"},
        {R"({"body":{"a":[{"b":"{each.id}"}]}})", "{each.id} means something with \"foreach\" only"},
        {R"({"foreach":{"array":"resp1_list"}})", "\"resp1_list\" is no array that is known here"},
        {R"({"foreach":{"array":"list"}})", "\"list\" is no array that is known here"},
        {R"({"foreach":{"array":"resp0_list","parallel":100}})", "parallel"},
    };
    for (const auto& c : cases) {
        LoadResult r = with_call(c.call);
        EXPECT_FALSE(r.ok()) << c.call;
        EXPECT_TRUE(said(r, kError, c.said)) << c.call << "\n" << r.diagnostics.text();
    }
    EXPECT_FALSE(with_call("{}", {}, "/b/{each.id}").ok());
    EXPECT_FALSE(
        load(R"({"version":3,"host":["http://h"],"endpoints":[{"endpoint":"/a","output_encoding":"no-op","backend":[
        {"url_pattern":"/b","extra_config":{"gladius/call":{"fallback":{}}}}]}]})")
            .ok());
}
