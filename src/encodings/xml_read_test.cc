#include "encodings/xml_read.h"

#include <gtest/gtest.h>

#include <string>

namespace gladius::encodings {
namespace {

std::string read(std::string_view body) {
    Arena arena;
    std::string_view error;
    std::string_view json = xml_to_json(body, arena, &error);
    return error.empty() ? std::string(json) : "error: " + std::string(error);
}

std::string syntax(std::string_view what, int line = 1) {
    return "error: xml.Decoder.Token() - XML syntax error on line " + std::to_string(line) + ": " + std::string(what);
}

// Every answer here is the reference's decoder's.
TEST(XmlRead, ElementsAttributesTexts) {
    EXPECT_EQ(read("<a>1</a>"), R"({"a":"1"})");
    EXPECT_EQ(read("<a/>"), R"({"a":""})");
    EXPECT_EQ(read("<a> \n\t</a>"), R"({"a":""})");
    EXPECT_EQ(read("<a b='1'/>"), R"({"a":{"-b":"1"}})");
    EXPECT_EQ(read("<a b='1' >x</a>"), R"({"a":{"#text":"x","-b":"1"}})");
    EXPECT_EQ(read("<a z='1' b='2' b='3'><c/><d> x </d></a>"), R"({"a":{"-b":"3","-z":"1","c":"","d":"x"}})");
    EXPECT_EQ(read("<a><d/><c>1</c><d x='y'/><b/><c>2</c><c><e/></c></a>"),
              R"({"a":{"b":"","c":["1","2",{"e":""}],"d":["",{"-x":"y"}]}})");
    EXPECT_EQ(read("<s:E xmlns:s='u' xmlns='v'><s:B a:q='1'>t</s:B><B/></s:E>"),
              R"({"E":{"-s":"u","-xmlns":"v","B":[{"#text":"t","-q":"1"},""]}})");
}

TEST(XmlRead, OnePieceOfMixedTextIsKept) {
    EXPECT_EQ(read("<p>one <b>two</b> three</p>"), R"({"p":{"#text":"one","b":"two"}})");
    EXPECT_EQ(read("<p><b/>two<c/>three</p>"), R"({"p":{"#text":"three","b":"","c":""}})");
    EXPECT_EQ(read("<p>one<!-- c -->two</p>"), R"({"p":"two"})");
    EXPECT_EQ(read("<p>a<![CDATA[<b>]]></p>"), R"({"p":"\u003cb\u003e"})");
    EXPECT_EQ(read("<p x='1'>one<?pi ?>two</p>"), R"({"p":{"#text":"two","-x":"1"}})");
}

TEST(XmlRead, ReferencesAndLineEnds) {
    EXPECT_EQ(read("<a b='&quot;&apos;&#65;&#x41;'>&lt;&amp;&gt;</a>"),
              R"({"a":{"#text":"\u003c\u0026\u003e","-b":"\"'AA"}})");
    EXPECT_EQ(read("<a>x\r\ny\rz&#13;</a>"), R"({"a":"x\ny\nz"})");
    EXPECT_EQ(read("<a b='x\r\ny'/>"), R"({"a":{"-b":"x\ny"}})");
    EXPECT_EQ(read("<a>&#xD800;</a>"), "{\"a\":\"\xEF\xBF\xBD\"}");
    EXPECT_EQ(read("<a>&foo;</a>"), syntax("invalid character entity &foo;"));
    EXPECT_EQ(read("<a>& b</a>"), syntax("invalid character entity & (no semicolon)"));
    EXPECT_EQ(read("<a>&#x110000;</a>"), syntax("invalid character entity &#x110000;"));
    EXPECT_EQ(read("<a>&#0;</a>"), syntax("illegal character code U+0000"));
}

TEST(XmlRead, AroundTheRoot) {
    EXPECT_EQ(
        read("\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY x \"y>\"> <!-- > -->]> text <a/> rest <<"),
        R"({"a":""})");
    EXPECT_EQ(read(""), "error: EOF");
    EXPECT_EQ(read("<?xml version='1.0'?> nothing"), "error: EOF");
    EXPECT_EQ(read("<?xml version='1.1'?><a/>"),
              "error: xml.Decoder.Token() - xml: unsupported version \"1.1\"; only version 1.0 is supported");
}

TEST(XmlRead, NoEntityIsEverExpanded) {
    EXPECT_EQ(read("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), syntax("invalid character entity &b;"));
}

TEST(XmlRead, Charsets) {
    EXPECT_EQ(read("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9\x80</a>"), "{\"a\":\"\xC3\xA9\xE2\x82\xAC\"}");
    EXPECT_EQ(read("<?xml version='1.0' encoding='windows-1251'?><a>\xEF</a>"), "{\"a\":\"\xD0\xBF\"}");
    EXPECT_EQ(read("<?xml version='1.0' encoding='utf8'?><a>\xff</a>"), "{\"a\":\"\xEF\xBF\xBD\"}");
    EXPECT_EQ(read("<a>\xE9</a>"), syntax("invalid UTF-8"));
    EXPECT_EQ(read("<?xml encoding='bogus'?><a/>"),
              "error: xml.Decoder.Token() - xml: opening charset \"bogus\": unsupported charset: \"bogus\"");
}

TEST(XmlRead, BadDocuments) {
    EXPECT_EQ(read("<a>\n<b>"), syntax("unexpected EOF", 2));
    EXPECT_EQ(read("<a><b></a>"), syntax("element <b> closed by </a>"));
    EXPECT_EQ(read("<x:a></y:a>"), syntax("element <a> in space x closed by </a> in space y"));
    EXPECT_EQ(read("</a>"), syntax("unexpected end element </a>"));
    EXPECT_EQ(read("<a b=c/>"), syntax("unquoted or missing attribute value in element"));
    EXPECT_EQ(read("<a b/>"), syntax("attribute name without = in element"));
    EXPECT_EQ(read("<1/>"), syntax("invalid XML name: 1"));
    EXPECT_EQ(read("<a:b:c/>"), syntax("expected element name after <"));
    EXPECT_EQ(read("<a>]]></a>"), syntax("unescaped ]]> not in CDATA section"));
    EXPECT_EQ(read("<a><!-- a -- b --></a>"), syntax("invalid sequence \"--\" not allowed in comments"));
    EXPECT_EQ(read("{\"a\":1}"), "error: EOF");
}

TEST(XmlRead, DepthIsBounded) {
    std::string deep;
    for (int i = 0; i < 100000; ++i)
        deep += "<a>";
    EXPECT_EQ(read(deep), syntax("more than 10000 elements inside each other"));
    deep.clear();
    for (int i = 0; i < 10000; ++i)
        deep += "<a>";
    for (int i = 0; i < 10000; ++i)
        deep += "</a>";
    EXPECT_EQ(read(deep).substr(0, 12), R"({"a":{"a":{")");
}

}  // namespace
}  // namespace gladius::encodings
