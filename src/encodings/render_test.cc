#include "encodings/render.h"

#include <gtest/gtest.h>

#include <string>

#include "encodings/decode.h"
#include "json/emit.h"

namespace gladius::encodings {
namespace {

std::string rendered(Renderer r, Decoder decoder, std::string_view body) {
    Arena arena;
    Decoded d = decode(decoder, body, arena);
    EXPECT_TRUE(d.ok());
    json::ArenaOutput out(arena, json::estimate(d.data));
    render(r, &d.data, arena, out);
    return std::string(out.view());
}

TEST(Render, FindsByName) {
    EXPECT_EQ(find_renderer("json", "string"), Renderer::json);
    EXPECT_EQ(find_renderer("json-collection", ""), Renderer::json_collection);
    EXPECT_EQ(find_renderer("no-op", "no-op"), Renderer::no_op);
    // encodings/unknown-encodings
    EXPECT_EQ(find_renderer("fast-json", "json"), Renderer::json);
    EXPECT_EQ(find_renderer("bogus", "string"), Renderer::string);
    EXPECT_EQ(find_renderer("fast-json", "no-op"), Renderer::no_op);
    EXPECT_EQ(find_renderer("JSON", "json"), Renderer::json);
    EXPECT_EQ(find_renderer("STRING", "String"), Renderer::json);
    EXPECT_EQ(find_renderer("bogus", ""), Renderer::json);
    EXPECT_EQ(find_renderer("", "safejson"), Renderer::json);
}

TEST(Render, ContentTypes) {
    EXPECT_EQ(content_type(Renderer::json), "application/json; charset=utf-8");
    EXPECT_EQ(content_type(Renderer::json_collection), "application/json; charset=utf-8");
    EXPECT_EQ(content_type(Renderer::string), "text/plain; charset=utf-8");
    EXPECT_EQ(content_type(Renderer::no_op), "");
}

// encodings/json-collection
TEST(Render, JsonCollection) {
    const Renderer r = Renderer::json_collection;
    EXPECT_EQ(rendered(r, Decoder::json_collection, R"([{"b":1,"a":2},null,"x",1.0])"),
              R"([{"a":2,"b":1},null,"x",1.0])");
    EXPECT_EQ(rendered(r, Decoder::json, R"({"x":1})"), "[]");
    EXPECT_EQ(rendered(r, Decoder::json, R"({"collection":[3,2,1],"other":1})"), "[3,2,1]");
    EXPECT_EQ(rendered(r, Decoder::json, R"({"collection":{"not":"an array"}})"), R"({"not":"an array"})");
    EXPECT_EQ(rendered(r, Decoder::json, "null"), "[]");
    EXPECT_EQ(rendered(r, Decoder::json_collection, "null"), "null");
    EXPECT_EQ(rendered(r, Decoder::safejson, R"([1,"two"])"), R"([1,"two"])");
    EXPECT_EQ(rendered(r, Decoder::safejson, R"({"b":1})"), "[]");
}

// encodings/string
TEST(Render, String) {
    const Renderer r = Renderer::string;
    const std::string text = "line <1> & \"q\"\n\t\xC3\xB1\xff\n";
    EXPECT_EQ(rendered(r, Decoder::string, text), text);
    EXPECT_EQ(rendered(r, Decoder::json, R"({"content":"from <json>\n\u00e9","x":1})"), "from <json>\n\xC3\xA9");
    EXPECT_EQ(rendered(r, Decoder::json, R"({"x": 1 })"), "");
    EXPECT_EQ(rendered(r, Decoder::json, R"({"content":5})"), "");
    EXPECT_EQ(rendered(r, Decoder::json, "null"), "");
    EXPECT_EQ(rendered(r, Decoder::safejson, R"("te<x>t")"), "te<x>t");
    EXPECT_EQ(rendered(r, Decoder::safejson, "4.20"), "");
}

TEST(Render, NoResponse) {
    Arena arena;
    auto nothing = [&](Renderer r) {
        json::ArenaOutput out(arena, 0);
        render(r, nullptr, arena, out);
        return std::string(out.view());
    };
    EXPECT_EQ(nothing(Renderer::json), "{}");
    EXPECT_EQ(nothing(Renderer::json_collection), "[]");
    EXPECT_EQ(nothing(Renderer::string), "");
    EXPECT_EQ(nothing(Renderer::no_op), "");
}

}  // namespace
}  // namespace gladius::encodings
