#include "json/scan.h"

#include <gtest/gtest.h>

#include <string>

#include "json/emit.h"

namespace gladius::json {
namespace {

using std::string_literals::operator""s;

std::string printed(std::string_view text, uint32_t keep_depth = kKeepAll, Canonical canonical = Canonical::copy) {
    Arena arena;
    Document* doc = scan(text, arena, keep_depth);
    if (!doc->ok()) return "error: " + std::string(doc->error);
    ArenaOutput out(arena, 8);
    emit(Value::of(doc, 0), arena, out, canonical);
    return std::string(out.view());
}

std::string times(std::string_view s, size_t n) {
    std::string r;
    r.reserve(s.size() * n);
    for (size_t i = 0; i < n; ++i)
        r += s;
    return r;
}

struct Case {
    std::string text;
    std::string wanted;
};

// The verdict table: what RFC 8259 calls valid is printed in canonical form.
TEST(Scan, Valid) {
    const Case cases[] = {
        {"{}", "{}"},
        {"[]", "[]"},
        {"[ ]", "[]"},
        {"\t\r\n [1]", "[1]"},
        {"\"\"", "\"\""},
        {"null", "null"},
        {"true", "true"},
        {"false", "false"},
        {"0", "0"},
        {"-0", "-0"},
        {"-1", "-1"},
        {"1.0", "1.0"},
        {"0.10", "0.10"},
        {"1e5", "1e5"},
        {"1E+05", "1E+05"},
        {"-1.20e-300", "-1.20e-300"},
        {"12345678901234567890123456789012345678901234567890", "12345678901234567890123456789012345678901234567890"},
        {"[1e9999]", "[1e9999]"},
        {"[[[[]]]]", "[[[[]]]]"},
        {"[null,true,false,0,\"\",{},[]]", "[null,true,false,0,\"\",{},[]]"},
        {"{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}"},
        {"{\"\":0}", "{\"\":0}"},
        {"[\"\x7f\"]", "[\"\x7f\"]"},
        {"[\"\\u0000\"]", "[\"\\u0000\"]"},
        {"[\"\xF4\x8F\xBF\xBF\"]", "[\"\xF4\x8F\xBF\xBF\"]"},
        {"[\"\\uDBFF\\uDFFF\"]", "[\"\xF4\x8F\xBF\xBF\"]"},
        {"[\"\xEF\xBB\xBF\"]", "[\"\xEF\xBB\xBF\"]"},  // a byte order mark is a character inside
        {"[\"\\\\u0041\"]", "[\"\\\\u0041\"]"},
    };
    for (const Case& c : cases)
        EXPECT_EQ(printed(c.text), c.wanted) << c.text;
}

TEST(Scan, InvalidAndTheErrorsOfGo) {
    const Case cases[] = {
        {"", "EOF"},
        {" \n\t\r", "EOF"},
        {"{", "unexpected EOF"},
        {"[", "unexpected EOF"},
        {"[1,", "unexpected EOF"},
        {"{\"a\"", "unexpected EOF"},
        {"{\"a\":", "unexpected EOF"},
        {"{\"a\":1,", "unexpected EOF"},
        {"\"abc", "unexpected EOF"},
        {"\"abc\\", "unexpected EOF"},
        {"\"abc\\u00", "unexpected EOF"},
        {"-", "unexpected EOF"},
        {"1.", "unexpected EOF"},
        {"1e", "unexpected EOF"},
        {"1e+", "unexpected EOF"},
        {"tru", "unexpected EOF"},
        {"[1,]", "invalid character ']' looking for beginning of value"},
        {"[,1]", "invalid character ',' looking for beginning of value"},
        {"[1 2]", "invalid character '2' after array element"},
        {"[1}", "invalid character '}' after array element"},
        {"{\"a\":1]", "invalid character ']' after object key:value pair"},
        {"{\"a\":1 \"b\"", "invalid character '\"' after object key:value pair"},
        {"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"},
        {"{,}", "invalid character ',' looking for beginning of object key string"},
        {"{1:1}", "invalid character '1' looking for beginning of object key string"},
        {"{a:1}", "invalid character 'a' looking for beginning of object key string"},
        {"{'a':1}", "invalid character '\\'' looking for beginning of object key string"},
        {"{\"a\" 1}", "invalid character '1' after object key"},
        {"{\"a\",1}", "invalid character ',' after object key"},
        {"{\"a\"::1}", "invalid character ':' looking for beginning of value"},
        {"<html>", "invalid character '<' looking for beginning of value"},
        {"[True]", "invalid character 'T' looking for beginning of value"},
        {"[nan]", "invalid character 'a' in literal null (expecting 'u')"},
        {"[truth]", "invalid character 't' in literal true (expecting 'e')"},
        {"[trUe]", "invalid character 'U' in literal true (expecting 'u')"},
        {"[fAlse]", "invalid character 'A' in literal false (expecting 'a')"},
        {"[falsy]", "invalid character 'y' in literal false (expecting 'e')"},
        {"[nulL]", "invalid character 'L' in literal null (expecting 'l')"},
        {"[Infinity]", "invalid character 'I' looking for beginning of value"},
        {"[+1]", "invalid character '+' looking for beginning of value"},
        {"[.5]", "invalid character '.' looking for beginning of value"},
        {"[-]", "invalid character ']' in numeric literal"},
        {"[-a]", "invalid character 'a' in numeric literal"},
        {"[01]", "invalid character '1' after array element"},
        {"[-01]", "invalid character '1' after array element"},
        {"[1.]", "invalid character ']' after decimal point in numeric literal"},
        {"[1.e1]", "invalid character 'e' after decimal point in numeric literal"},
        {"[1e]", "invalid character ']' in exponent of numeric literal"},
        {"[1e+]", "invalid character ']' in exponent of numeric literal"},
        {"[1.2.3]", "invalid character '.' after array element"},
        {"[0x1]", "invalid character 'x' after array element"},
        {"[\"\n\"]", "invalid character '\\n' in string literal"},
        {"[\"\0\"]"s, "invalid character '\\x00' in string literal"},
        {"[\"\x1f\"]", "invalid character '\\x1f' in string literal"},
        {"[\"\\x\"]", "invalid character 'x' in string escape code"},
        {"[\"\\'\"]", "invalid character '\\'' in string escape code"},
        {"[\"\\u00g0\"]", "invalid character 'g' in \\u hexadecimal character escape"},
        {"[\"\\u12\"]", "invalid character '\"' in \\u hexadecimal character escape"},
        {"{\"a\":1/*x*/}", "invalid character '/' after object key:value pair"},
        {"\f{}", "invalid character '\\f' looking for beginning of value"},
        {"\v{}", "invalid character '\\v' looking for beginning of value"},
        {"\\", "invalid character '\\\\' looking for beginning of value"},
        {"\xEF\xBB\xBF{}", "invalid character '\xC3\xAF' looking for beginning of value"},  // a byte order mark
        {"\xC2\xA0{}", "invalid character '\xC3\x82' looking for beginning of value"},      // no-break space
        {"\xA0", "invalid character '\\u00a0' looking for beginning of value"},
        {"\xAD", "invalid character '\\u00ad' looking for beginning of value"},
        {"\x7f", "invalid character '\\x7f' looking for beginning of value"},
    };
    for (const Case& c : cases)
        EXPECT_EQ(printed(c.text), "error: " + c.wanted) << c.text;
}

TEST(Scan, ErrorOffset) {
    Arena arena;
    EXPECT_EQ(scan("{\"a\":1,}", arena)->error_offset, 7U);
    EXPECT_EQ(scan("[1,2", arena)->error_offset, 4U);
}

// What RFC 8259 leaves to the implementation, as Go decides it.
TEST(Scan, ImplementationDefined) {
    const Case cases[] = {
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
        {"{\"a\":{\"x\":1,\"y\":2},\"a\":{\"x\":3}}", "{\"a\":{\"x\":3}}"},
        {"{\"a\":1,\"\\u0061\":2}", "{\"a\":2}"},
        {"{\"\\u0061\":1,\"a\":2}", "{\"a\":2}"},
        {"[\"\xff\"]", "[\"\xEF\xBF\xBD\"]"},
        {"[\"\xE2\x82\"]", "[\"\xEF\xBF\xBD\xEF\xBF\xBD\"]"},                  // cut off
        {"[\"\xC0\x80\"]", "[\"\xEF\xBF\xBD\xEF\xBF\xBD\"]"},                  // overlong
        {"[\"\xED\xA0\x80\"]", "[\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"]"},  // a surrogate
        {"[\"\xF4\x90\x80\x80x\"]", "[\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDx\"]"},
        {"[\"\xE2\x82\xACx\xE2\"]", "[\"\xE2\x82\xACx\xEF\xBF\xBD\"]"},
        {"[\"\\ud83d\"]", "[\"\xEF\xBF\xBD\"]"},
        {"[\"\\ude00x\"]", "[\"\xEF\xBF\xBDx\"]"},
        {"[\"\\ud83d\\ud83d\\ude00\"]", "[\"\xEF\xBF\xBD\xF0\x9F\x98\x80\"]"},
        {"[\"\\ud83d\\n\"]", "[\"\xEF\xBF\xBD\\n\"]"},
        {"[\"\\ud83dx\"]", "[\"\xEF\xBF\xBDx\"]"},
    };
    for (const Case& c : cases)
        EXPECT_EQ(printed(c.text), c.wanted) << c.text;
}

TEST(Scan, StopsBehindTheFirstValue) {
    const Case cases[] = {
        {"{\"a\":1} trailing", "{\"a\":1}"},
        {"{\"a\":1}{\"b\":2}", "{\"a\":1}"},
        {"{\"a\":1}}", "{\"a\":1}"},
        {"{\"a\":1}\0"s, "{\"a\":1}"},
        {"42x", "42"},
        {"01", "0"},
        {"truex", "true"},
        {"\"a\"b", "\"a\""},
        {"1 2", "1"},
    };
    for (const Case& c : cases)
        EXPECT_EQ(printed(c.text), c.wanted) << c.text;
    Arena arena;
    EXPECT_EQ(scan(" {\"a\":1} x", arena)->consumed, 8U);
}

TEST(Scan, DepthLimit) {
    EXPECT_EQ(printed(times("[", 10000) + times("]", 10000)).size(), 20000U);
    EXPECT_EQ(printed(times("[", 10001) + times("]", 10001)), "error: invalid character '[' exceeded max depth");
    EXPECT_EQ(printed(times("{\"k\":", 9999) + "1" + times("}", 9999)).size(), 59995U);
    EXPECT_EQ(printed(times("{\"k\":", 11000) + "1" + times("}", 11000)),
              "error: invalid character '{' exceeded max depth");
    // Not canonical, and printed the slow way at every level.
    EXPECT_EQ(printed(times("[ ", 10000) + times("]", 10000)), times("[", 10000) + times("]", 10000));
    EXPECT_EQ(printed(times("{\"b\":0,\"a\":", 9999) + "1" + times("}", 9999)),
              times("{\"a\":", 9999) + "1" + times(",\"b\":0}", 9999));
}

TEST(Scan, AMillionLevelsCostLittle) {
    std::string text = times("[", 1000000);
    Arena arena;
    EXPECT_FALSE(scan(text, arena)->ok());
    EXPECT_LT(arena.reserved(), size_t{1} << 20);
}

TEST(Scan, ManyLevelsBesideEachOther) {
    std::string one = times("[", 9000) + times("]", 9000);
    std::string text = "[" + one + times("," + one, 20) + "]";
    EXPECT_EQ(printed(text), text);
    EXPECT_EQ(printed(text, kKeepAll, Canonical::print), text);
}

TEST(Scan, HugeString) {
    std::string plain = "\"" + std::string(5000000, 'x') + "\"";
    EXPECT_EQ(printed(plain), plain);
    EXPECT_EQ(printed("\"" + std::string(1000000, '<') + "\""), "\"" + times("\\u003c", 1000000) + "\"");
    EXPECT_EQ(printed("\"" + std::string(1000000, '\xff') + "\""), "\"" + times("\xEF\xBF\xBD", 1000000) + "\"");
}

// Every place inside a 16 byte block sees every byte that matters.
TEST(Scan, SpecialBytesAtEveryOffset) {
    for (size_t n = 0; n < 40; ++n) {
        std::string a(n, 'a');
        std::string z(40 - n, 'z');
        auto check = [&](const std::string& in, const std::string& out) {
            EXPECT_EQ(printed("\"" + a + in + z + "\""), "\"" + a + out + z + "\"");
        };
        check("<", "\\u003c");
        check(">", "\\u003e");
        check("&", "\\u0026");
        check("\\\"", "\\\"");
        check("\\/", "/");
        check("\xE2\x80\xA8", "\\u2028");
        check("\xC3\xA9", "\xC3\xA9");
        check("\x80", "\xEF\xBF\xBD");
        check("\x7f", "\x7f");
        EXPECT_EQ(printed("\"" + a + "\x01" + z + "\""), "error: invalid character '\\x01' in string literal");
        EXPECT_EQ(printed("\"" + a), "error: unexpected EOF");
    }
}

bool canonical(std::string_view text) {
    Arena arena;
    Document* doc = scan(text, arena);
    EXPECT_TRUE(doc->ok()) << text;
    return doc->nodes[0].has(Node::canonical);
}

TEST(Scan, CanonicalMeansGoWouldPrintTheSame) {
    for (const char* text : {"1.50", "\"a\"", "{\"a\":1,\"b\":[1,{}]}", "[]", "\"\\n\\t\\\\\\\"\\b\\f\\r\"",
                             "\"\\u0000\\u001f\"", "\"\\u003c\\u003e\\u0026\\u2028\\u2029\"", "\"\x7f\"",
                             "\"\xEF\xBF\xBD\"", "{\"\":0,\"A\":1,\"a\":2,\"aa\":3}"}) {
        EXPECT_TRUE(canonical(text)) << text;
        EXPECT_EQ(printed(text, kKeepAll, Canonical::print), text);
    }
    for (const char* text :
         {"[ ]", "{\"b\":1,\"a\":2}", "{\"a\":1,\"a\":2}", "{\"a\" :1}", "{\"a\": 1}", "\"<\"", "\"\\u003C\"",
          "\"\\/\"", "\"\\u0041\"", "\"\\u0008\"", "\"\\u000a\"", "\"\\u007f\"", "\"\\ud83d\\ude00\"",
          "\"\xE2\x80\xA8\"", "\"\xff\"", "[[[ 1]]]", "{\"a\":{\"b\":[\"&\"]}}", "{\"<\":1}", "{\"b\":0,\"a\\n\":1}"}) {
        EXPECT_FALSE(canonical(text)) << text;
    }
}

TEST(Scan, CollapsesBelowTheDepth) {
    const std::string_view text = R"({"a":{"b":{"c":[1,2,3]}},"d":[ 1,[2,3]],"e":{"z":1,"y":2}})";
    const std::string wanted = R"({"a":{"b":{"c":[1,2,3]}},"d":[1,[2,3]],"e":{"y":2,"z":1}})";
    Arena arena;
    size_t last = 0;
    for (uint32_t depth : {0U, 1U, 2U, 3U, 4U, kKeepAll}) {
        EXPECT_EQ(printed(text, depth), wanted);
        size_t count = scan(text, arena, depth)->node_count;
        EXPECT_GE(count, last);
        last = count;
    }
    EXPECT_EQ(scan(text, arena, 0)->node_count, 8U);
    EXPECT_EQ(scan(text, arena)->node_count, 15U);
    EXPECT_EQ(scan(R"({"a":[1,2,3],"b":{}})", arena, 0)->node_count, 1U);
}

TEST(Scan, DeepenScansAgain) {
    Arena arena;
    Document* doc = scan(R"({"a":{"b":1}})", arena, 0);
    EXPECT_EQ(doc->node_count, 1U);
    deepen(*doc, 2, arena);
    EXPECT_EQ(doc->node_count, 3U);
    EXPECT_EQ(doc->find(1, "b"), 2U);
    const Node* before = doc->nodes;
    deepen(*doc, 1, arena);
    EXPECT_EQ(doc->nodes, before);
}

// What a configuration parser needs: where keys and values stand.
TEST(Scan, Positions) {
    const std::string_view text = "{ \"port\" : 8080,\n \"hosts\":[\"a\", true ] }";
    Arena arena;
    Document* doc = scan(text, arena);
    ASSERT_TRUE(doc->ok());
    ASSERT_EQ(doc->node_count, 5U);
    const Node* n = doc->nodes;
    EXPECT_EQ(n[1].key_begin, text.find("port"));
    EXPECT_EQ(doc->key_source(n[1]), "port");
    EXPECT_EQ(n[1].begin, text.find("8080"));
    EXPECT_EQ(doc->slice(n[1]), "8080");
    EXPECT_EQ(n[2].begin, text.find('['));
    EXPECT_EQ(doc->slice(n[2]), "[\"a\", true ]");
    EXPECT_EQ(n[2].next, 5U);
    EXPECT_EQ(doc->string_source(n[3]), "a");
    EXPECT_TRUE(doc->true_value(n[4]));
    EXPECT_EQ(doc->slice(n[0]), text);
}

TEST(Scan, FindTakesTheLastAndDecodesKeys) {
    Arena arena;
    Document* doc = scan(R"({"a":1,"b":2,"a":3,"\u0062":4,"\"":5,"x\ud83d":6})", arena);
    auto value = [&](std::string_view name) -> std::string {
        uint32_t i = doc->find(0, name);
        return i == kNoNode ? "-" : std::string(doc->slice(doc->nodes[i]));
    };
    EXPECT_EQ(value("a"), "3");
    EXPECT_EQ(value("b"), "4");
    EXPECT_EQ(value("\""), "5");
    EXPECT_EQ(value("x\xEF\xBF\xBD"), "6");
    EXPECT_EQ(value("x"), "-");
    EXPECT_EQ(value(""), "-");
}

}  // namespace
}  // namespace gladius::json
