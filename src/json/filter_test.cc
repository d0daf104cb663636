#include "json/filter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "encodings/decode.h"
#include "json/emit.h"
#include "json/filter_reference.h"
#include "json/scan.h"

namespace gladius::json {
namespace {

using encodings::decode;
using encodings::Decoded;
using encodings::Decoder;

using Names = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// The document of the recorded cases.
constexpr std::string_view kDoc =
    R"({"id":7,"name":"Ana","tags":["x","y"],"addr":{"city":"Vic","geo":{"lat":1.0,"lon":2.0},)"
    R"("lines":[{"n":1,"t":"a"},{"n":2,"t":"b"}]},"empty":{},"nil":null,"list":[]})";

struct Program {
    std::string target = {};
    Names allow = {};
    Names deny = {};
    Pairs mapping = {};
    std::string group = {};
};

struct Outcome {
    std::string body;
    bool empty;
};

Outcome run(const Program& s, std::string_view body, Decoder decoder = Decoder::json) {
    FilterProgram f = FilterProgram::compile({s.target, s.allow, s.deny, s.mapping, s.group});
    std::string first;
    bool nothing = false;
    // However deep the document was kept, and whatever was skipped, the answer is the same.
    for (uint32_t depth : {f.keep_depth(), uint32_t{0}, kKeepAll}) {
        for (const Selection* selection : {static_cast<const Selection*>(nullptr), f.selection()}) {
            Arena arena;
            Decoded d = decode(decoder, body, arena, depth, selection);
            EXPECT_TRUE(d.ok());
            Value v = f.apply(d.data, arena);
            ArenaOutput out(arena, 16);
            emit(v, arena, out);
            if (depth == f.keep_depth() && selection == nullptr) first = out.view();
            EXPECT_EQ(out.view(), first) << depth;
            nothing = empty(v);
        }
    }
    return {first, nothing};
}

std::string result(const Program& s, std::string_view body = kDoc, Decoder decoder = Decoder::json) {
    return run(s, body, decoder).body;
}

const std::string kAddr = R"({"city":"Vic","geo":{"lat":1.0,"lon":2.0},"lines":[{"n":1,"t":"a"},{"n":2,"t":"b"}]})";
const std::string kAll =
    R"({"addr":)" + kAddr + R"(,"empty":{},"id":7,"list":[],"name":"Ana","nil":null,"tags":["x","y"]})";

TEST(Filter, Allow) {
    EXPECT_EQ(result({.allow = {"id", "tags", "nope"}}), R"({"id":7,"tags":["x","y"]})");
    EXPECT_EQ(result({.allow = {"addr.geo.lat", "name"}}), R"({"addr":{"geo":{"lat":1.0}},"name":"Ana"})");
    EXPECT_EQ(result({.allow = {"addr", "addr.city"}}), R"({"addr":{"city":"Vic"}})");
    EXPECT_EQ(result({.allow = {"addr.city", "addr"}}), R"({"addr":)" + kAddr + "}");
    EXPECT_EQ(result({.allow = {"addr.lines.n", "id"}}), R"({"id":7})");
    EXPECT_EQ(result({.allow = {"zzz"}}), "{}");
    EXPECT_TRUE(run({.allow = {"zzz"}}, kDoc).empty);
    EXPECT_EQ(result({.allow = {"id.x", "name"}}), R"({"name":"Ana"})");
    EXPECT_EQ(result({.allow = {"nil", "empty", "list"}}), R"({"empty":{},"list":[],"nil":null})");
    EXPECT_EQ(result({.allow = {"empty.x", "nil.y"}}), "{}");
    EXPECT_TRUE(run({.allow = {"empty.x", "nil.y"}}, kDoc).empty);
}

TEST(Filter, AllowPrunesEmptiedParents) {
    const std::string_view body = R"({"a":{"b":{"c":{"d":1}}},"z":1})";
    EXPECT_EQ(result({.allow = {"a.b.c.x", "z"}}, body), R"({"z":1})");
    EXPECT_EQ(result({.allow = {"a.b.c.d"}}, body), R"({"a":{"b":{"c":{"d":1}}}})");
    EXPECT_EQ(result({.allow = {"a.b.c.x"}}, body), "{}");
}

TEST(Filter, OddNames) {
    const std::string_view body = R"({"":{"":1,"b":2},"a.b":3,"a":{"b":4},"\u00e9":5,"q\"":6})";
    EXPECT_EQ(result({.allow = {"."}}, body), R"({"":{"":1}})");
    EXPECT_EQ(result({.allow = {""}}, body), R"({"":{"":1,"b":2}})");
    EXPECT_EQ(result({.allow = {"a.b"}}, body), R"({"a":{"b":4}})");
    EXPECT_EQ(result({.allow = {"\xC3\xA9", "q\""}}, body), "{\"q\\\"\":6,\"\xC3\xA9\":5}");
    EXPECT_EQ(result({.deny = {"", "a.b", "\xC3\xA9"}}, body), R"({"a":{},"a.b":3,"q\"":6})");
}

TEST(Filter, EqualKeysTheLastCounts) {
    EXPECT_EQ(result({.allow = {"a.x"}}, R"({"a":{"x":1},"a":5})"), "{}");
    EXPECT_EQ(result({.allow = {"a.x"}}, R"({"a":5,"a":{"x":1,"y":2}})"), R"({"a":{"x":1}})");
    // The earlier one does not come back when the later is removed.
    EXPECT_EQ(result({.deny = {"a"}}, R"({"a":1,"a":2,"b":3})"), R"({"b":3})");
    EXPECT_EQ(result({.deny = {"a.x"}}, R"({"a":{"x":1,"z":0},"a":{"x":2,"y":3}})"), R"({"a":{"y":3}})");
    EXPECT_EQ(result({.mapping = {{"a", "b"}}}, R"({"a":1,"a":2})"), R"({"b":2})");
    EXPECT_EQ(result({.target = "a"}, R"({"a":{"x":1},"a":{"y":1}})"), R"({"y":1})");
}

TEST(Filter, Deny) {
    EXPECT_EQ(result({.deny = {"id", "tags", "nope"}}),
              R"({"addr":)" + kAddr + R"(,"empty":{},"list":[],"name":"Ana","nil":null})");
    EXPECT_EQ(result({.deny = {"addr.geo.lat", "name"}}),
              R"({"addr":{"city":"Vic","geo":{"lon":2.0},"lines":[{"n":1,"t":"a"},{"n":2,"t":"b"}]},"empty":{},"id":7,)"
              R"("list":[],"nil":null,"tags":["x","y"]})");
    const std::string without = R"({"empty":{},"id":7,"list":[],"name":"Ana","nil":null,"tags":["x","y"]})";
    EXPECT_EQ(result({.deny = {"addr", "addr.city"}}), without);
    EXPECT_EQ(result({.deny = {"addr.city", "addr"}}), without);
    EXPECT_EQ(result({.deny = {"addr.lines.n"}}), kAll);
    Outcome o = run({.deny = {"id", "name", "tags", "addr", "empty", "nil", "list"}}, kDoc);
    EXPECT_EQ(o.body, "{}");
    EXPECT_TRUE(o.empty);
    EXPECT_EQ(result({.deny = {"addr.geo.lat", "addr.geo.lon"}}),
              R"({"addr":{"city":"Vic","geo":{},"lines":[{"n":1,"t":"a"},{"n":2,"t":"b"}]},"empty":{},"id":7,)"
              R"("list":[],"name":"Ana","nil":null,"tags":["x","y"]})");
    EXPECT_EQ(result({.allow = {"id", "name"}, .deny = {"id"}}), R"({"id":7,"name":"Ana"})");
}

TEST(Filter, Mapping) {
    EXPECT_EQ(result({.allow = {"id", "name"}, .mapping = {{"id", "key"}}}), R"({"key":7,"name":"Ana"})");
    EXPECT_EQ(result({.mapping = {{"id", "key"}, {"name", "who"}, {"addr", "where"}}}),
              R"({"empty":{},"key":7,"list":[],"nil":null,"tags":["x","y"],"where":)" + kAddr + R"(,"who":"Ana"})");
    EXPECT_EQ(result({.mapping = {{"nope", "x"}}}), kAll);
    EXPECT_EQ(result({.mapping = {{"addr.city", "town"}}}), kAll);
    EXPECT_EQ(result({.allow = {"id"}, .mapping = {{"id", "a.b"}}}), R"({"a":7})");
    EXPECT_EQ(result({.allow = {"id", "name"}, .mapping = {{"id", "name"}}}), R"({"name":7})");
    EXPECT_EQ(result({.allow = {"id"}, .mapping = {{"id", "key"}}}), R"({"key":7})");
    EXPECT_EQ(result({.allow = {"key"}, .mapping = {{"id", "key"}}}), "{}");
    EXPECT_EQ(result({.allow = {"nil", "list"}, .mapping = {{"nil", "none"}, {"list", "items"}}}),
              R"({"items":[],"none":null})");
    // Onto itself: written, then taken away.
    EXPECT_EQ(result({.allow = {"id", "name"}, .mapping = {{"id", "id"}}}), R"({"name":"Ana"})");
    EXPECT_EQ(result({.allow = {"id", "name"}, .mapping = {{"id", "id.x"}}}), R"({"name":"Ana"})");
    EXPECT_EQ(result({.allow = {"id", "name"}, .mapping = {{"id", ""}}}), R"({"":7,"name":"Ana"})");
}

TEST(Filter, Target) {
    EXPECT_EQ(result({.target = "addr"}), kAddr);
    EXPECT_EQ(result({.target = "addr.geo"}), R"({"lat":1.0,"lon":2.0})");
    for (const char* t : {"nope", "addr.nope.x", "tags", "id", "nil", "empty"}) {
        Outcome o = run({.target = t}, kDoc);
        EXPECT_EQ(o.body, "{}") << t;
        EXPECT_TRUE(o.empty) << t;
    }
    EXPECT_EQ(result({.target = "addr", .allow = {"geo.lat", "city"}, .mapping = {{"city", "town"}}, .group = "g"}),
              R"({"g":{"geo":{"lat":1.0},"town":"Vic"}})");
    EXPECT_EQ(result({.target = "addr", .deny = {"lines", "geo.lon"}}), R"({"city":"Vic","geo":{"lat":1.0}})");
}

TEST(Filter, Group) {
    EXPECT_EQ(result({.allow = {"id"}, .group = "data"}), R"({"data":{"id":7}})");
    EXPECT_EQ(result({.allow = {"id"}, .group = "a.b"}), R"({"a.b":{"id":7}})");
    EXPECT_EQ(result({.allow = {"zzz"}, .group = "g"}), R"({"g":{}})");
    EXPECT_EQ(result({.group = "rows"}, "[1,2]", Decoder::json_collection), R"({"rows":{"collection":[1,2]}})");
    EXPECT_EQ(result({.group = "t"}, "te\"xt", Decoder::string), R"({"t":{"content":"te\"xt"}})");
    EXPECT_FALSE(run({.allow = {"zzz"}, .group = "g"}, kDoc).empty);
}

TEST(Filter, Collections) {
    const std::string_view body = R"([{"id":1,"x":"a"},{"id":2}])";
    const Decoder c = Decoder::json_collection;
    EXPECT_EQ(result({.mapping = {{"collection", "items"}}}, body, c), R"({"items":[{"id":1,"x":"a"},{"id":2}]})");
    EXPECT_EQ(result({.mapping = {{"collection", "items"}}, .group = "all"}, body, c),
              R"({"all":{"items":[{"id":1,"x":"a"},{"id":2}]}})");
    EXPECT_EQ(result({.allow = {"id"}}, body, c), "{}");
    EXPECT_EQ(result({.allow = {"collection.id"}}, body, c), "{}");
    EXPECT_EQ(result({.allow = {"collection"}}, body, c), R"({"collection":[{"id":1,"x":"a"},{"id":2}]})");
    EXPECT_EQ(result({.deny = {"collection.id"}}, body, c), R"({"collection":[{"id":1,"x":"a"},{"id":2}]})");
    EXPECT_EQ(result({.deny = {"collection"}}, body, c), "{}");
    EXPECT_EQ(result({.target = "collection"}, body, c), "{}");
    EXPECT_EQ(result({.mapping = {{"content", "body"}}}, "text", Decoder::string), R"({"body":"text"})");
}

TEST(Filter, NoData) {
    EXPECT_EQ(result({.allow = {"a"}, .mapping = {{"a", "b"}}}, "null"), "null");
    EXPECT_EQ(result({.deny = {"a"}}, "null"), "null");
    EXPECT_EQ(result({.target = "a"}, "null"), "{}");
    EXPECT_EQ(result({.group = "g"}, "null"), R"({"g":null})");
}

TEST(Filter, KeepDepth) {
    auto depth = [](const Program& s) {
        return FilterProgram::compile({s.target, s.allow, s.deny, s.mapping, s.group}).keep_depth();
    };
    EXPECT_EQ(depth({}), 0U);
    EXPECT_EQ(depth({.group = "g"}), 0U);
    EXPECT_EQ(depth({.mapping = {{"a", "b"}}}), 1U);
    EXPECT_EQ(depth({.allow = {"a.b.c", "d"}}), 3U);
    EXPECT_EQ(depth({.target = "a.b", .deny = {"c.d"}}), 4U);
}

TEST(Filter, ManyRulesAndManyMembers) {
    Names allow;
    std::string body = "{";
    std::string wanted = "{";
    for (int i = 1000; i < 3000; ++i) {
        std::string key = "\"k" + std::to_string(i) + "\":" + std::to_string(i);
        body += (i > 1000 ? "," : "") + key;
        if (i % 7 != 0) continue;
        allow.push_back("k" + std::to_string(i));
        wanted += (wanted.size() > 1 ? "," : "") + key;
    }
    EXPECT_EQ(result({.allow = allow}, body + "}"), wanted + "}");
}

TEST(Filter, DeepPathOnDeepDocument) {
    std::string path = "k";
    std::string body;
    for (int i = 0; i < 9000; ++i)
        body += "{\"k\":";
    std::string wanted = body;
    for (int i = 1; i < 9000; ++i)
        path += ".k";
    body += "1";
    wanted += "1";
    for (int i = 0; i < 9000; ++i) {
        body += ",\"x\":0}";
        wanted += "}";
    }
    EXPECT_EQ(result({.allow = {path}}, body), wanted);
}

TEST(Filter, EqualsTheReferenceOnRandomPrograms) {
    std::mt19937 random(7);
    auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    const char* names[] = {"a", "b", "c", "\\u0061", "", "dd"};
    auto value = [&](auto& self, int depth) -> std::string {
        if (depth == 0 || pick(4) == 0) return pick(3) == 0 ? "[1,{\"a\":2}]" : std::to_string(pick(10));
        std::string s = "{";
        for (unsigned i = 0, n = pick(5); i < n; ++i) {
            s += (i != 0 ? "," : "") + ("\"" + std::string(names[pick(6)]) + "\":") + self(self, depth - 1);
        }
        return s + "}";
    };
    auto path = [&] {
        std::string p;
        for (unsigned i = 0, n = 1 + pick(3); i < n; ++i)
            p += (i != 0 ? "." : "") + std::string(1, "abcd"[pick(4)]);
        return p;
    };
    for (int i = 0; i < 6000; ++i) {
        Program s;
        if (pick(3) == 0) s.target = path();
        for (unsigned n = pick(4); n > 0; --n)
            s.allow.push_back(path());
        for (unsigned n = pick(4); n > 0; --n)
            s.deny.push_back(path());
        if (pick(2) == 0) s.mapping.emplace_back("a", path());
        if (pick(2) == 0) s.mapping.emplace_back("b", path());
        if (pick(3) == 0) s.group = "g";
        std::string body = value(value, 4);
        if (body[0] != '{') body = "{\"a\":" + body + "}";
        FilterSpec spec{s.target, s.allow, s.deny, s.mapping, s.group};
        Arena arena;
        Document* doc = scan(body, arena);
        ASSERT_TRUE(doc->ok()) << body;
        std::string wanted = reference::apply(spec, reference::tree_of(*doc, 0));
        ASSERT_EQ(result(s, body), wanted)
            << body << " target " << s.target << " allow " << testing::PrintToString(s.allow) << " deny "
            << testing::PrintToString(s.deny);
    }
}

}  // namespace
}  // namespace gladius::json
