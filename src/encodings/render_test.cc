#include "encodings/render.h"

#include <gtest/gtest.h>

#include <string>

#include "encodings/decode.h"
#include "json/emit.h"
#include "json/scan.h"

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
    EXPECT_EQ(find_renderer("xml", "json"), Renderer::xml);
    EXPECT_EQ(find_renderer("bogus", "xml"), Renderer::xml);
    EXPECT_EQ(find_renderer("fast-json", "yaml"), Renderer::yaml);
    EXPECT_EQ(find_renderer("XML", "json"), Renderer::json);
    EXPECT_EQ(find_renderer("negotiate", "json"), Renderer::negotiate);
}

TEST(Render, ContentTypes) {
    EXPECT_EQ(content_type(Renderer::json), "application/json; charset=utf-8");
    EXPECT_EQ(content_type(Renderer::json_collection), "application/json; charset=utf-8");
    EXPECT_EQ(content_type(Renderer::string), "text/plain; charset=utf-8");
    EXPECT_EQ(content_type(Renderer::xml), "application/xml");
    EXPECT_EQ(content_type(Renderer::yaml), "application/yaml; charset=utf-8");
    EXPECT_EQ(content_type(Renderer::no_op), "");
}

// encodings/negotiate
TEST(Render, Negotiated) {
    for (std::string_view accept : {"", "application/json", "*/*", "application/*", "text/xml", "application/yaml",
                                    "image/png", ", ;q=1 ,", "application", "application/jso", "application/xmlx"})
        EXPECT_EQ(negotiated(accept), Renderer::json) << accept;
    for (std::string_view accept : {"application/xml", "text/html, application/xml;q=0.9, */*;q=0.8",
                                    "application/xml;q=0.1, application/json", " application/x ,*/*"})
        EXPECT_EQ(negotiated(accept), Renderer::xml) << accept;
    for (std::string_view accept : {"text/plain", "application/x-yaml; charset=utf-8", "text/*", "image/png,text"})
        EXPECT_EQ(negotiated(accept), Renderer::yaml) << accept;
    EXPECT_EQ(negotiated("application/json*"), Renderer::json);
    EXPECT_EQ(negotiated("application/json*,text/plain"), Renderer::yaml);
}

// Whatever filters and merging left is written: nodes, members, texts.
TEST(Render, AnyValue) {
    Arena arena;
    json::Document* doc = json::scan(R"({"y":[1,"<"],"x":{}})", arena, 1);
    json::Member members[] = {{"b", json::Value::of(doc, 0)}, {"a", json::Value::of_text("t: u")}, {"n", {}}};
    json::Value v = json::Value::of(members, 3);
    json::ArenaOutput xml(arena, 8), yaml(arena, 8);
    EXPECT_TRUE(render(Renderer::xml, &v, arena, xml));
    EXPECT_EQ(xml.view(), "<doc><a>t: u</a><b><x/><y>1</y><y>&lt;</y></b><n/></doc>");
    EXPECT_TRUE(render(Renderer::yaml, &v, arena, yaml));
    EXPECT_EQ(yaml.view(), "a: \"t: u\"\nb:\n  x: {}\n  \"y\":\n  - \"1\"\n  - <\n\"n\": null\n");
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
    EXPECT_EQ(nothing(Renderer::xml), "");
    EXPECT_EQ(nothing(Renderer::yaml), "{}\n");
    EXPECT_EQ(nothing(Renderer::no_op), "");
}

}  // namespace
}  // namespace gladius::encodings
