#include "encodings/decode.h"

#include <gtest/gtest.h>

#include <string>

#include "json/emit.h"

namespace gladius::encodings {
namespace {

using json::empty;
using json::find_member;
using json::Value;

std::string decoded(Decoder decoder, std::string_view body) {
    Arena arena;
    Decoded d = decode(decoder, body, arena);
    if (!d.ok()) return "error: " + std::string(d.error);
    json::ArenaOutput out(arena, estimate(d.data));
    emit(d.data, arena, out);
    return std::string(out.view());
}

TEST(Decode, Names) {
    EXPECT_EQ(find_decoder("json", false), Decoder::json);
    EXPECT_EQ(find_decoder("JSON", true), Decoder::json_collection);
    EXPECT_EQ(find_decoder("SafeJSON", true), Decoder::safejson);
    EXPECT_EQ(find_decoder("String", true), Decoder::string);
    EXPECT_EQ(find_decoder("no-op", false), Decoder::no_op);
    EXPECT_EQ(find_decoder("XML", false), Decoder::xml);
    EXPECT_EQ(find_decoder("xml", true), Decoder::xml_collection);
    EXPECT_EQ(find_decoder("", false), Decoder::json);
    EXPECT_EQ(find_decoder("fast-json", false), Decoder::json);
    EXPECT_EQ(find_decoder("fast-json", true), Decoder::json_collection);
    EXPECT_EQ(find_decoder("bogus", false), Decoder::json);
    EXPECT_EQ(find_decoder("jso", false), Decoder::json);
}

// encodings/json-kinds
TEST(Decode, JsonWantsAnObject) {
    const std::string_view obj = R"({"b":1,"a":[1,{"z":1,"y":2}]})";
    EXPECT_EQ(decoded(Decoder::json, obj), R"({"a":[1,{"y":2,"z":1}],"b":1})");
    const std::string what = "error: json: cannot unmarshal ";
    const std::string map = " into Go value of type map[string]interface {}";
    EXPECT_EQ(decoded(Decoder::json, "[1]"), what + "array" + map);
    EXPECT_EQ(decoded(Decoder::json, "42"), what + "number" + map);
    EXPECT_EQ(decoded(Decoder::json, "\"text\""), what + "string" + map);
    EXPECT_EQ(decoded(Decoder::json, "true"), what + "bool" + map);
    EXPECT_EQ(decoded(Decoder::json, "null"), "null");
    EXPECT_EQ(decoded(Decoder::json, ""), "error: EOF");
    // The syntax is looked at first.
    EXPECT_EQ(decoded(Decoder::json, "[1"), "error: unexpected EOF");
}

TEST(Decode, CollectionWantsAnArray) {
    EXPECT_EQ(decoded(Decoder::json_collection, R"([1,"two",{"three":3}])"), R"({"collection":[1,"two",{"three":3}]})");
    EXPECT_EQ(decoded(Decoder::json_collection, "[]"), R"({"collection":[]})");
    EXPECT_EQ(decoded(Decoder::json_collection, "null"), R"({"collection":null})");
    const std::string what = "error: json: cannot unmarshal ";
    EXPECT_EQ(decoded(Decoder::json_collection, "{}"), what + "object into Go value of type []interface {}");
    EXPECT_EQ(decoded(Decoder::json_collection, "42"), what + "number into Go value of type []interface {}");
}

// encodings/safejson
TEST(Decode, SafeJsonTakesEverything) {
    EXPECT_EQ(decoded(Decoder::safejson, R"({"b":1,"a":{"x":null}})"), R"({"a":{"x":null},"b":1})");
    EXPECT_EQ(decoded(Decoder::safejson, R"([1,"two"])"), R"({"collection":[1,"two"]})");
    EXPECT_EQ(decoded(Decoder::safejson, "4.20"), R"({"content":4.20})");
    EXPECT_EQ(decoded(Decoder::safejson, R"("te<x>t")"), R"({"content":"te\u003cx\u003et"})");
    EXPECT_EQ(decoded(Decoder::safejson, "null"), R"({"content":null})");
    EXPECT_EQ(decoded(Decoder::safejson, R"({"a":)"), "error: unexpected EOF");
}

// encodings/string
TEST(Decode, StringTakesTheBody) {
    EXPECT_EQ(decoded(Decoder::string, "line <1> & \"q\"\n\t\xC3\xB1\n"),
              "{\"content\":\"line \\u003c1\\u003e \\u0026 \\\"q\\\"\\n\\t\xC3\xB1\\n\"}");
    EXPECT_EQ(decoded(Decoder::string, ""), R"({"content":""})");
    EXPECT_EQ(decoded(Decoder::string, "\xff"), R"({"content":"\ufffd"})");
}

TEST(Decode, Xml) {
    EXPECT_EQ(decoded(Decoder::xml, "<a><b>1</b></a>"), R"({"a":{"b":"1"}})");
    EXPECT_EQ(decoded(Decoder::xml_collection, "<a><b>1</b></a>"), R"({"collection":{"a":{"b":"1"}}})");
    EXPECT_EQ(decoded(Decoder::xml, ""), "error: EOF");
}

TEST(Decode, NoOpIsEmpty) {
    Arena arena;
    Decoded d = decode(Decoder::no_op, "whatever {", arena);
    EXPECT_TRUE(d.ok());
    EXPECT_FALSE(d.data.is_null());
    EXPECT_TRUE(empty(d.data));
    EXPECT_EQ(decoded(Decoder::no_op, "x"), "{}");
}

TEST(Decode, EmptyDecidesAboutCompleted) {
    Arena arena;
    EXPECT_TRUE(empty(decode(Decoder::json, "{}", arena).data));
    EXPECT_TRUE(empty(decode(Decoder::json, "null", arena).data));
    EXPECT_FALSE(empty(decode(Decoder::json, R"({"a":null})", arena).data));
    EXPECT_FALSE(empty(decode(Decoder::json_collection, "null", arena).data));
    EXPECT_FALSE(empty(decode(Decoder::string, "", arena).data));
}

TEST(Decode, MembersAtTheTopAreAlwaysKept) {
    Arena arena;
    Value v;
    EXPECT_TRUE(find_member(decode(Decoder::json, R"({"a":1,"b":2})", arena, 0).data, "b", &v));
    EXPECT_FALSE(find_member(decode(Decoder::json, "null", arena, 0).data, "b", &v));
    EXPECT_FALSE(find_member(decode(Decoder::json, "{}", arena, 0).data, "b", &v));
}

}  // namespace
}  // namespace gladius::encodings
