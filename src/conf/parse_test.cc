#include "conf/parse.h"

#include <gtest/gtest.h>

#include <memory>

using namespace gladius::conf;

namespace {

struct Parsed {
    std::shared_ptr<Document> doc;
    Diagnostics diagnostics;
};

Parsed parse(std::string text, const ParseLimits& limits = {}) {
    Parsed p;
    p.doc = parse_json("f.json", std::move(text), p.diagnostics, limits);
    return p;
}

std::string fault(std::string text, const ParseLimits& limits = {}) {
    Parsed p = parse(std::move(text), limits);
    EXPECT_EQ(p.doc, nullptr);
    return p.diagnostics.text();
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST(Parse, GivesAllKindsWithTheirPlaces) {
    Parsed p = parse("{\n  \"a\": [1, -2.5e3, true, false, null, \"x\"],\n  \"b/c\": {\"d\": \"y\"}\n}");
    ASSERT_TRUE(p.doc);
    Node root = p.doc->root();
    EXPECT_EQ(root.size(), 2u);
    Node a = root.find("a");
    ASSERT_TRUE(a.is(Kind::array));
    EXPECT_EQ(a.size(), 6u);
    std::string kinds;
    for (Node e : a.elements())
        kinds += std::to_string(static_cast<int>(e.kind()));
    EXPECT_EQ(kinds, "221103");
    Node d = root.find("b/c").find("d");
    EXPECT_EQ(d.text(), "y");
    Place place = d.place();
    EXPECT_EQ(place.line, 3u);
    EXPECT_EQ(place.column, 16u);
    EXPECT_EQ(place.path, "$[\"b/c\"].d");
    EXPECT_EQ((*++a.elements().begin()).path(), "$.a[1]");
    EXPECT_FALSE(root.find("c"));
}

TEST(Parse, DecodesEscapes) {
    Parsed p = parse("{\"a\":\"\\u00e9\\n\\\"\\/\\ud83d\\ude00\\ud800x\"}");
    ASSERT_TRUE(p.doc);
    EXPECT_EQ(p.doc->root().find("a").text(), "\xC3\xA9\n\"/\xF0\x9F\x98\x80\xEF\xBF\xBDx");
}

TEST(Parse, RepeatedKeysCountOnce) {
    Parsed p = parse("{\"a\":1,\n\"a\":{\"x\":2},\n\"a\":3,\"b\":4}");
    ASSERT_TRUE(p.doc);
    EXPECT_EQ(p.doc->root().find("a").text(), "3");
    size_t n = 0;
    for (Member m : p.doc->root().members())
        n += m.key == "a";
    EXPECT_EQ(n, 1u);
    EXPECT_EQ(p.diagnostics.count(Severity::warning), 2u);
    EXPECT_TRUE(has(p.diagnostics.text(),
                    "f.json:2:1: warning: $.a: the key \"a\" stands twice in this object (first in line 1)"));
    std::string big = "{";
    for (int i = 0; i < 200; ++i)
        big += "\"k" + std::to_string(i % 199) + "\":" + std::to_string(i) + ",";
    big += "\"z\":0}";
    Parsed q = parse(big);
    ASSERT_TRUE(q.doc);
    EXPECT_EQ(q.doc->root().find("k0").text(), "199");
    EXPECT_EQ(q.diagnostics.count(Severity::warning), 1u);
}

TEST(Parse, HalfWrittenFilesNameWhatIsOpen) {
    EXPECT_TRUE(has(fault("{\"version\": 3, \"endpoints\": ["),
                    "unexpected end of JSON input; the file ends in the middle: the list opened at 1:29"));
    for (const char* s : {"{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":[", "{\"a\":tr",
                          "{\"a\":-", "{\"a\":1.", "{\"a\":1e", "{\"a\":\"\\", "{\"a\":\"\\u12"}) {
        EXPECT_TRUE(has(fault(s), "unexpected end of JSON input")) << s;
    }
}

TEST(Parse, EmptyFilesGetASentence) {
    EXPECT_TRUE(has(fault(""), "unexpected end of JSON input; the file is empty"));
    EXPECT_TRUE(has(fault(" \n\t"), "the file is empty"));
}

TEST(Parse, SyntaxErrorsSayTheReferencesWordsAndWhatIsMeant) {
    EXPECT_TRUE(
        has(fault("{\"version\": 3,}"),
            "invalid character '}' looking for beginning of object key string; remove the comma before this '}'"));
    EXPECT_TRUE(
        has(fault("{\"a\": [1, 2,]}"), "invalid character ']' looking for beginning of value; remove the comma"));
    EXPECT_TRUE(
        has(fault("{'version': 3}"),
            "invalid character '\\'' looking for beginning of object key string; texts stand in double quotes"));
    EXPECT_TRUE(has(fault("{\"version\": 3 /* x */}"),
                    "invalid character '/' after object key:value pair; JSON has no comments"));
    EXPECT_TRUE(has(fault("# c\n{\"version\": 3}"), "JSON has no comments; remove the line that begins with #"));
    EXPECT_TRUE(has(fault("{\n// c\n\"version\": 3}"),
                    "f.json:2:1: error: $: invalid character '/' looking for beginning of object key string; JSON has "
                    "no comments"));
    EXPECT_TRUE(has(fault("{\"port\": ${PORT}}"), "a variable such as ${NAME} is not replaced"));
    EXPECT_TRUE(has(fault("{ \"version\": 3, \"port\": {{ .p }} }"),
                    "invalid character '{' looking for beginning of object key string; this is a template of the "
                    "flexible configuration"));
    EXPECT_TRUE(has(
        fault("version: 3\nendpoints: []\n"),
        "invalid character 'v' looking for beginning of value; this does not begin like JSON but like YAML or TOML"));
    EXPECT_TRUE(has(fault("--- \nversion: 3"), "YAML"));
    EXPECT_TRUE(
        has(fault("{\"a\": 1 \"b\": 2}"), "invalid character '\"' after object key:value pair; a comma is missing"));
    EXPECT_TRUE(has(fault("{\"a\": \"x\ny\"}"), "invalid character '\\n' in string literal"));
    EXPECT_TRUE(has(fault("{\"a\": \"\\d\"}"), "invalid character 'd' in string escape code"));
    EXPECT_TRUE(has(fault("{\"a\": \"\\u12g4\"}"), "invalid character 'g' in \\u hexadecimal character escape"));
    EXPECT_TRUE(has(fault("{} {}"), "invalid character '{' after top-level value"));
    EXPECT_TRUE(has(fault("{\"a\": True}"), "lower case"));
    EXPECT_TRUE(has(fault("{\"a\": nul}"), "invalid character '}' in literal null (expecting 'l')"));
    EXPECT_TRUE(has(fault("{\"a\": 01}"), "invalid character '1' after object key:value pair"));
    EXPECT_TRUE(has(fault("{\"a\": 1.x}"), "invalid character 'x' after decimal point in numeric literal"));
    EXPECT_TRUE(has(fault("{\"a\" 1}"), "invalid character '1' after object key"));
}

TEST(Parse, ARootThatIsNoObjectIsRefused) {
    EXPECT_TRUE(has(fault("[]"), "json: cannot unmarshal array into Go value of type map[string]interface {}"));
    EXPECT_TRUE(has(fault("3"), "json: cannot unmarshal number"));
}

TEST(Parse, NamesThePathOfAFaultInsideOpenObjects) {
    EXPECT_TRUE(has(fault("{\"a\": {\"b\": [1, {\"c\": x}]}}"), "$.a.b[1]: invalid character 'x'"));
    EXPECT_TRUE(has(fault("{\"z\": [[]], \"a\": [[], [1, x]]}"), "$.a[1]: invalid character 'x'"));
}

TEST(Parse, DepthSizeAndNumberOfValuesAreBounded) {
    std::string deep = "{\"a\":" + std::string(511, '[') + std::string(511, ']') + "}";
    EXPECT_TRUE(parse(deep).doc);
    std::string deeper = "{\"a\":" + std::string(512, '[') + std::string(512, ']') + "}";
    EXPECT_TRUE(has(fault(deeper), "nested deeper than 512 levels"));
    EXPECT_TRUE(has(fault(std::string(2'000'000, '[')), "nested deeper than 512 levels"));
    ParseLimits small;
    small.max_bytes = 10;
    EXPECT_TRUE(has(fault("{\"a\": 12345}", small), "the file has 12 bytes, more than the 10"));
    ParseLimits few;
    few.max_nodes = 5;
    EXPECT_TRUE(has(fault("{\"a\": [1,2,3,4]}", few), "more than 5 values"));
}

TEST(Parse, EncodingsOtherThanUtf8GetASentence) {
    EXPECT_TRUE(has(fault(std::string("\xFF\xFE{\0}\0", 6)), "no UTF-8 text"));
    EXPECT_TRUE(has(fault(std::string("{\0\"\0", 4)), "no UTF-8 text"));
    Parsed bom = parse("\xEF\xBB\xBF{\"a\":1}");
    EXPECT_TRUE(bom.doc);
    EXPECT_TRUE(has(bom.diagnostics.text(), "warning: the file begins with a byte order mark"));
    Parsed latin = parse("{\"a\":\"caf\xE9\"}");
    ASSERT_TRUE(latin.doc);
    EXPECT_EQ(latin.doc->root().find("a").text(), "caf\xEF\xBF\xBD");
    EXPECT_TRUE(has(latin.diagnostics.text(), "f.json:1:10: warning: 1 byte in texts that is not UTF-8"));
    EXPECT_TRUE(has(fault("{\xE9}"), "invalid character '\xC3\xA9' looking for beginning of object key string"));
}

TEST(Parse, ColumnsCountCharacters) {
    Parsed p = parse("{\"é\": \"ü\", \"x\": 1}");
    ASSERT_TRUE(p.doc);
    EXPECT_EQ(p.doc->root().find("x").place().column, 17u);
}

TEST(Diagnostics, AreOneLineEach) {
    EXPECT_EQ(format({Severity::error, {"f.json", 3, 7, "$.port"}, "is\nno number", "write 8080"}),
              "f.json:3:7: error: $.port: is no number; write 8080");
    EXPECT_EQ(format({Severity::warning, {"f.json", 0, 0, ""}, "m", ""}), "f.json: warning: m");
}

TEST(Diagnostics, AreCountedBeyondTheirBound) {
    Diagnostics d;
    for (size_t i = 0; i < Diagnostics::kMaxKept + 5; ++i)
        d.add(Severity::error, {}, "m");
    EXPECT_EQ(d.all().size(), Diagnostics::kMaxKept);
    EXPECT_EQ(d.count(Severity::error), Diagnostics::kMaxKept + 5);
    EXPECT_TRUE(has(d.text(), "and 5 more"));
    EXPECT_EQ(d.summary("f"), "f: 505 errors");
}
