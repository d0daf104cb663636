#include "json/lookup.h"

#include <gtest/gtest.h>

#include <vector>

#include "json/merge.h"
#include "json/scan.h"

using namespace gladius;
using namespace gladius::json;

namespace {

Arena arena;

Value parsed(std::string_view text, uint32_t keep_depth = kKeepAll) {
    Document* doc = scan(arena.copy(text), arena, keep_depth);
    EXPECT_TRUE(doc->ok()) << doc->error;
    return doc->nodes[0].kind == Kind::null ? Value{} : Value::of(doc, 0);
}

std::string found(const Value& root, std::vector<std::string> path) {
    Value v;
    return find_path(root, path, arena, &v) ? std::string(text_in_url(v, arena)) : "(none)";
}

}  // namespace

TEST(Lookup, PathsGoThroughObjects) {
    for (uint32_t keep : {1u, 2u, kKeepAll}) {
        Value v = parsed(R"({"a":{"b":{"c":1.50}},"c":"root","x":"text"})", keep);
        EXPECT_EQ(found(v, {"a", "b", "c"}), "1.50");
        EXPECT_EQ(found(v, {"c"}), "root");
        EXPECT_EQ(found(v, {"nope"}), "(none)");
        // The reference looks the last name up where the way ended.
        EXPECT_EQ(found(v, {"x", "c"}), "root");
        EXPECT_EQ(found(v, {"nope", "b", "c"}), "root");
        EXPECT_EQ(found(v, {"a", "nope", "c"}), "(none)");
        EXPECT_EQ(found(v, {"a", "nope", "b"}), "map[c:1.50]");
    }
    EXPECT_EQ(found(Value{}, {"a"}), "(none)");
    EXPECT_EQ(found(parsed("{}"), {"a"}), "(none)");
}

TEST(Lookup, TextsAreThoseOfGo) {
    auto text = [](std::string_view json) { return std::string(text_in_url(parsed(json, 0), arena)); };
    EXPECT_EQ(text("42"), "42");
    EXPECT_EQ(text("12345678901234567890"), "12345678901234567890");
    EXPECT_EQ(text("1E+3"), "1E+3");
    EXPECT_EQ(text("true"), "true");
    EXPECT_EQ(text("null"), "<nil>");
    EXPECT_EQ(text(R"("a \"b\" \u00e9\n<")"), "a \"b\" \xc3\xa9\n<");
    EXPECT_EQ(text("[]"), "");
    EXPECT_EQ(text("{}"), "map[]");
    EXPECT_EQ(text(R"([1,"two",3.0])"), "1,two,3.0");
    EXPECT_EQ(text(R"([[1,2],{"b":2,"a":null},[]])"), "[1 2],map[a:<nil> b:2],[]");
    EXPECT_EQ(text(R"({"b":[1,"x, y",{"z":1,"a":[1,2]}],"a":null,"a":"n"})"), "map[a:n b:[1 x, y map[a:[1 2] z:1]]]");
    EXPECT_EQ(text(R"(["",null])"), ",<nil>");
    EXPECT_EQ(std::string(text_in_url(Value::of_text("a\"b"), arena)), "a\"b");
}

TEST(Lookup, DepthCostsNoStack) {
    std::string deep(9000, '[');
    deep += std::string(9000, ']');
    EXPECT_EQ(text_in_url(parsed(deep), arena).size(), 2 * 9000u - 2);
}

// The first answer with data and what was merged so far are one map in the reference.
TEST(Lookup, MergedSoFar) {
    Merge merge(arena, 3);
    Value v;
    EXPECT_FALSE(merge.find("id", arena, &v));
    merge.add(parsed(R"({"id":1,"a":{"k":2}})", 1), true);
    ASSERT_TRUE(merge.find("id", arena, &v));
    EXPECT_EQ(text_in_url(v, arena), "1");
    merge.add(parsed(R"({"id":2,"b":"x"})", 1), true);
    ASSERT_TRUE(merge.find("id", arena, &v));
    EXPECT_EQ(text_in_url(v, arena), "2");
    ASSERT_TRUE(merge.find("a", arena, &v));
    EXPECT_EQ(text_in_url(v, arena), "map[k:2]");
    merge.add(parsed(R"({"b":"y"})", 1), true);
    ASSERT_TRUE(merge.find("b", arena, &v));
    EXPECT_EQ(text_in_url(v, arena), "y");
    EXPECT_FALSE(merge.find("c", arena, &v));
}
