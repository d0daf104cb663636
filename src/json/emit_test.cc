#include "json/emit.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "json/scan.h"

namespace gladius::json {
namespace {

std::string printed(std::string_view text, Canonical canonical = Canonical::copy, uint32_t depth = kKeepAll) {
    Arena arena;
    Document* doc = scan(text, arena, depth);
    if (!doc->ok()) return "error: " + std::string(doc->error);
    ArenaOutput out(arena, 1);
    emit(Value::of(doc, 0), arena, out, canonical);
    return std::string(out.view());
}

struct Case {
    std::string text;
    std::string wanted;
};

// The recorded cases of the folder json.
TEST(Emit, AsRecorded) {
    const Case cases[] = {
        {"{\"b\":1,\"a\":2,\"B\":3,\"A\":4,\"1\":5,\"_\":6,\"\xC3\xA9\":7,\"\":8,\"aa\":9,\"a \":10,\"a.b\":11}",
         "{\"\":8,\"1\":5,\"A\":4,\"B\":3,\"_\":6,\"a\":2,\"a \":10,\"a.b\":11,\"aa\":9,\"b\":1,\"\xC3\xA9\":7}"},
        {R"({"a":1,"b":2,"a":3})", R"({"a":3,"b":2})"},
        {R"({"a":[1,2,3],"a":[9]})", R"({"a":[9]})"},
        {R"({"z":{"d":1,"c":{"b":1,"a":2}},"y":[{"q":1,"p":2}]})",
         R"({"y":[{"p":2,"q":1}],"z":{"c":{"a":2,"b":1},"d":1}})"},
        {R"({"10":1,"9":2,"100":3,"-1":4})", R"({"-1":4,"10":1,"100":3,"9":2})"},
        {" \r\n\t{\"a\" : 1 , \"b\":[ ] }\n\n", R"({"a":1,"b":[]})"},
        {R"({"a":{},"b":[],"c":[{}],"d":[[]],"e":"","f":null,"g":{"h":{"i":{}}}})",
         R"({"a":{},"b":[],"c":[{}],"d":[[]],"e":"","f":null,"g":{"h":{"i":{}}}})"},
        {R"({"a":12345678901234567890,"b":9007199254740993,"c":-9223372036854775809})",
         R"({"a":12345678901234567890,"b":9007199254740993,"c":-9223372036854775809})"},
        {R"({"a":1.0,"b":1.50,"d":-0.0,"e":-0,"f":100.000,"g":3.14159265358979323846264338327950288})",
         R"({"a":1.0,"b":1.50,"d":-0.0,"e":-0,"f":100.000,"g":3.14159265358979323846264338327950288})"},
        {R"({"a":1e5,"b":1E5,"c":1e+5,"d":1E-05,"e":1.5e300,"f":1e400,"g":0e0,"h":-1.2E+3})",
         R"({"a":1e5,"b":1E5,"c":1e+5,"d":1E-05,"e":1.5e300,"f":1e400,"g":0e0,"h":-1.2E+3})"},
        {R"({"l":[1,1.0,10e-1,[0.10,[2e0]]]})", R"({"l":[1,1.0,10e-1,[0.10,[2e0]]]})"},
        {R"({"a":"<a href='x'>&amp;</a>","<k>":"&"})",
         R"({"\u003ck\u003e":"\u0026","a":"\u003ca href='x'\u003e\u0026amp;\u003c/a\u003e"})"},
        {R"({"a":"\u00e9\u20ac\ud83d\ude00"})", "{\"a\":\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"}"},
        {R"({"a":"\u0000\u0001\b\f\n\r\t\u001f\u007f"})", "{\"a\":\"\\u0000\\u0001\\b\\f\\n\\r\\t\\u001f\x7f\"}"},
        {R"({"a":"http:\/\/x\/y","b":"\\ \""})", R"({"a":"http://x/y","b":"\\ \""})"},
        {"{\"a\":\"\\u2028\\u2029\",\"b\":\"\xE2\x80\xA8\"}", R"({"a":"\u2028\u2029","b":"\u2028"})"},
        {R"({"a":"\ud83d","b":"\ude00x","c":"\ud83d\ud83d\ude00"})",
         "{\"a\":\"\xEF\xBF\xBD\",\"b\":\"\xEF\xBF\xBDx\",\"c\":\"\xEF\xBF\xBD\xF0\x9F\x98\x80\"}"},
        {"{\"\\u0061\\n\":\"1\",\"\xC3\xA9\":\"2\",\"\\\"q\\\"\":\"3\"}",
         "{\"\\\"q\\\"\":\"3\",\"a\\n\":\"1\",\"\xC3\xA9\":\"2\"}"},
        {R"({"a":"\u00E9\u003C"})", "{\"a\":\"\xC3\xA9\\u003c\"}"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(printed(c.text), c.wanted);
        EXPECT_EQ(printed(c.text, Canonical::print), c.wanted);
        EXPECT_EQ(printed(c.text, Canonical::copy, 1), c.wanted);
    }
}

TEST(Emit, KeysOfEqualBeginningsAndManyKeys) {
    EXPECT_EQ(printed(R"({"abcdefghi":1,"abcdefgh":2,"abcdefg":3,"abcdefghh":4})"),
              R"({"abcdefg":3,"abcdefgh":2,"abcdefghh":4,"abcdefghi":1})");
    EXPECT_EQ(printed(R"({"a\u0000":1,"a":2,"a\u0000\u0000":3})"), R"({"a":2,"a\u0000":1,"a\u0000\u0000":3})");
    std::string text;
    std::string wanted;
    for (int i = 999; i >= 100; --i) {
        std::string key = "\"common-prefix-" + std::to_string(i) + "\":";
        text += (text.empty() ? "{" : ",") + key + "0";
        text += "," + key + std::to_string(i);
        wanted = key + std::to_string(i) + (wanted.empty() ? "" : ",") + wanted;
    }
    EXPECT_EQ(printed(text + "}"), "{" + wanted + "}");
}

TEST(Emit, MembersAreSortedAndNested) {
    Arena arena;
    Document* doc = scan(R"({"y":1,"x":"<"})", arena);
    Member inner[] = {{"k<", Value::of(doc, 0)}, {"a", Value::of_text("t\n")}};
    Member outer[] = {{"z", Value{}}, {"b", Value::of(inner, 2)}, {"raw", Value::of_raw("[1 , 2]")}};
    ArenaOutput out(arena, 4);
    emit(Value::of(outer, 3), arena, out);
    EXPECT_EQ(out.view(), R"({"b":{"a":"t\n","k\u003c":{"x":"\u003c","y":1}},"raw":[1 , 2],"z":null})");
}

TEST(Emit, ElementsKeepTheirOrder) {
    Arena arena;
    Document* doc = scan(R"({"y":[2,1],"x":"<"})", arena);
    Member inner[] = {{"a", Value::of_text("t")}};
    Value list[] = {Value::of(inner, 1), Value{}, Value::of(doc, 0), Value::of(static_cast<Value*>(nullptr), 0)};
    Member outer[] = {{"list", Value::of(list, 4)}};
    ArenaOutput out(arena, 4);
    emit(Value::of(outer, 1), arena, out);
    EXPECT_EQ(out.view(), R"({"list":[{"a":"t"},null,{"x":"\u003c","y":[2,1]},[]]})");
}

TEST(Emit, EstimateDoesNotFollowEveryLevel) {
    // As deep as a stack would not be.
    constexpr size_t kDepth = 200000;
    Arena arena;
    Value v;
    for (size_t i = 0; i < kDepth; ++i) {
        auto* one = arena.make<Value>(v);
        v = Value::of(one, 1);
    }
    ArenaOutput out(arena, estimate(v));
    emit(v, arena, out);
    EXPECT_EQ(out.size(), 2 * kDepth + 4);
}

TEST(Emit, EstimateIsEnoughForOrdinaryDocuments) {
    Arena arena;
    std::string body = R"({"people":[{"name":"Ana","tags":["a","b"],"id":7}],"total":1,"next":"/p?a=1&b=2"})";
    Value v = Value::of(scan(body, arena, 1), 0);
    size_t reserved = estimate(v);
    ArenaOutput out(arena, reserved);
    emit(v, arena, out);
    EXPECT_LE(out.size(), reserved);
    EXPECT_LE(reserved, 2 * out.size());
}

// A small generator of texts: mostly good, sometimes broken.
class Generator {
  public:
    explicit Generator(unsigned seed) : random_(seed) {}
    std::string value(int depth) {
        switch (pick(depth > 0 ? 7 : 4)) {
            case 0:
                return one_of({"0", "-0", "1.50", "1E5", "123456789012345678901234567890"});
            case 1:
                return one_of({"true", "false", "null"});
            case 2:
            case 3:
                return string();
            case 4:
                return list('[', ']', depth, false);
            default:
                return list('{', '}', depth, true);
        }
    }
    unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  private:
    std::string one_of(std::initializer_list<const char*> l) {
        return *(l.begin() + pick(static_cast<unsigned>(l.size())));
    }
    std::string string() {
        std::string s = "\"";
        for (unsigned n = pick(6); n > 0; --n) {
            s += one_of({"a", "b", "abcdefgh", "\\n", "\\/", "\\u0061", "\\ud83d", "\\ude00", "<", "&", "\xC3\xA9",
                         "\xE2\x80\xA8", "\xff", "\xE2\x82", "\\\"", "\\u003c", "\\u003C", "\x7f", "0123456789abcdef"});
        }
        return s + "\"";
    }
    std::string list(char open, char close, int depth, bool keys) {
        std::string s(1, open);
        for (unsigned i = 0, n = pick(6); i < n; ++i) {
            if (i != 0) s += ',';
            if (pick(16) == 0) s += ' ';
            if (keys) s += (pick(2) != 0 ? one_of({"\"a\"", "\"b\"", "\"c\"", "\"\""}) : string()) + ":";
            s += value(depth - 1);
        }
        return s + close;
    }
    std::mt19937 random_;
};

TEST(Emit, PrintedTextsAreStableAndCopyEqualsPrint) {
    Generator generate(20240607);
    for (int i = 0; i < 4000; ++i) {
        std::string text = generate.value(5);
        std::string once = printed(text);
        ASSERT_FALSE(once.starts_with("error")) << text;
        ASSERT_EQ(printed(text, Canonical::print), once) << text;
        ASSERT_EQ(printed(text, Canonical::copy, generate.pick(4)), once) << text;
        ASSERT_EQ(printed(once), once) << text;
        ASSERT_EQ(printed(once, Canonical::print), once) << text;
    }
}

// A skipped member that is printed all the same (nobody should) is taken apart then.
TEST(Emit, WhatWasSkippedCanBePrinted) {
    Selection s;
    s.names.push_back({"", Selection::Fate::look, Selection::Fate::skip, 1, 1});
    s.names.push_back({"a", Selection::Fate::keep, Selection::Fate::keep, 0, 0});
    Arena arena;
    Document* doc = scan(R"({"c":{"z": 1,"y":[2, "<"]},"b":"\/","a":1})", arena, 1, &s);
    ASSERT_TRUE(doc->ok());
    EXPECT_TRUE(doc->nodes[1].has(Node::skipped));
    ArenaOutput out(arena, 8);
    emit(Value::of(doc, 0), arena, out);
    EXPECT_EQ(out.view(), R"({"a":1,"b":"/","c":{"y":[2,"\u003c"],"z":1}})");
}

}  // namespace
}  // namespace gladius::json
