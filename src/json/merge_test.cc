#include "json/merge.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "encodings/decode.h"
#include "encodings/render.h"
#include "json/emit.h"
#include "json/filter.h"

namespace gladius::json {
namespace {

using encodings::decode;
using encodings::Decoder;
using encodings::render;
using encodings::Renderer;

struct Part {
    std::string body;
    bool complete = true;
};

struct Outcome {
    std::string body;
    bool complete;
};

Outcome merged(const std::vector<Part>& parts, size_t total) {
    Arena arena;
    Merge merge(arena, total);
    for (const Part& p : parts)
        merge.add(decode(Decoder::json, p.body, arena).data, p.complete);
    Merged m = merge.finish();
    ArenaOutput out(arena, estimate(m.data));
    render(Renderer::json, &m.data, arena, out);
    return {std::string(out.view()), m.complete};
}

TEST(Merge, TheLaterWinsWhole) {
    Outcome o = merged({{R"({"a":{"x":1,"y":2},"b":1})"}, {R"({"c":3,"a":{"x":9}})"}}, 2);
    EXPECT_EQ(o.body, R"({"a":{"x":9},"b":1,"c":3})");
    EXPECT_TRUE(o.complete);
    o = merged({{R"({"c":3,"a":{"x":9}})"}, {R"({"a":{"x":1,"y":2},"b":1})"}}, 2);
    EXPECT_EQ(o.body, R"({"a":{"x":1,"y":2},"b":1,"c":3})");
}

// What a target leads to is kept only as deep as the filter of its backend looks: here not at all.
TEST(Merge, TargetsThatAreCopiedWhole) {
    Arena arena;
    Merge merge(arena, 2);
    FilterProgram program = FilterProgram::compile({.target = "a"});
    std::string one = R"({"a":{"b":"x","c":{}}})", two = R"({"d":1})";
    merge.add(program.apply(decode(Decoder::json, one, arena, program.keep_depth()).data, arena), true);
    merge.add(decode(Decoder::json, two, arena, 0).data, true);
    Merged m = merge.finish();
    ArenaOutput out(arena, estimate(m.data));
    render(Renderer::json, &m.data, arena, out);
    EXPECT_EQ(out.view(), R"({"b":"x","c":{},"d":1})");
}

TEST(Merge, ThreePartsAndEqualKeysInside) {
    Outcome o = merged({{R"({"a":1,"a":2})"}, {R"({"\u0062":1,"a":3})"}, {R"({"b":[1,2 ]})"}}, 3);
    EXPECT_EQ(o.body, R"({"a":3,"b":[1,2]})");
    EXPECT_TRUE(o.complete);
}

TEST(Merge, WhatIsMissingMakesItIncomplete) {
    Outcome o = merged({{R"({"a":1})"}}, 2);
    EXPECT_EQ(o.body, R"({"a":1})");
    EXPECT_FALSE(o.complete);
    EXPECT_FALSE(merged({{R"({"a":1})"}, {R"({"b":1})", false}}, 2).complete);
    EXPECT_FALSE(merged({{R"({"a":1})", false}, {R"({"b":1})"}}, 2).complete);
    // A part without data.
    o = merged({{"null"}, {R"({"b":1})"}}, 2);
    EXPECT_EQ(o.body, R"({"b":1})");
    EXPECT_FALSE(o.complete);
    // An empty object is data.
    o = merged({{"{}"}, {R"({"b":1})"}}, 2);
    EXPECT_EQ(o.body, R"({"b":1})");
    EXPECT_TRUE(o.complete);
}

TEST(Merge, NothingAtAll) {
    Outcome o = merged({}, 2);
    EXPECT_EQ(o.body, "{}");
    EXPECT_FALSE(o.complete);
    EXPECT_EQ(merged({{"null"}, {"null"}}, 2).body, "{}");
    EXPECT_EQ(merged({{"null"}}, 2).body, "null");  // the other backend failed: there was nothing to combine
}

std::string details(int status, std::string_view body, std::string_view type) {
    Arena arena;
    Value v = error_details("api", status, body, type, arena);
    ArenaOutput out(arena, estimate(v));
    emit(v, arena, out);
    return std::string(out.view());
}

// failures/error-details
TEST(Merge, ErrorDetails) {
    EXPECT_EQ(details(404, R"({"why":"<none>"})", "application/json; charset=utf-8"),
              R"({"error_api":{"http_status_code":404,"http_body":"{\"why\":\"\u003cnone\u003e\"}",)"
              R"("http_body_encoding":"application/json; charset=utf-8"}})");
    EXPECT_EQ(
        details(500, "plain\n\"text\"", "text/plain"),
        R"({"error_api":{"http_status_code":500,"http_body":"plain\n\"text\"","http_body_encoding":"text/plain"}})");
    EXPECT_EQ(details(204, "", "x/y"), R"({"error_api":{"http_status_code":204,"http_body_encoding":"x/y"}})");
    EXPECT_EQ(details(500, "", ""), R"({"error_api":{"http_status_code":500}})");
    EXPECT_EQ(details(500, "\xff", ""), R"({"error_api":{"http_status_code":500,"http_body":"\ufffd"}})");
}

TEST(Merge, ErrorDetailsBesideData) {
    Arena arena;
    Merge merge(arena, 2);
    merge.add(error_details("one", 404, "", "", arena), false);
    merge.add(decode(Decoder::json, R"({"c":1})", arena).data, true);
    Merged m = merge.finish();
    EXPECT_FALSE(m.complete);
    ArenaOutput out(arena, estimate(m.data));
    render(Renderer::json, &m.data, arena, out);
    EXPECT_EQ(out.view(), R"({"c":1,"error_one":{"http_status_code":404}})");
}

}  // namespace
}  // namespace gladius::json
