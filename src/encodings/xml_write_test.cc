#include "encodings/xml_write.h"

#include <gtest/gtest.h>

#include <string>

#include "json/emit.h"
#include "json/scan.h"

namespace gladius::encodings {
namespace {

std::string written(std::string_view json) {
    Arena arena;
    json::ArenaOutput text(arena, 64), out(arena, 64);
    json::emit(json::Value::of(json::scan(json, arena), 0), arena, text);
    if (!write_xml(*json::scan(text.view(), arena), arena, out)) return "nothing";
    return std::string(out.view());
}

// encodings/xml-output, and what the reference's renderer does besides.
TEST(XmlWrite, Elements) {
    EXPECT_EQ(
        written(R"({"user":{"name":"Ana & <b>","age":30,"tags":["x","y"],"ok":true,"none":null}})"),
        "<user><age>30</age><name>Ana &amp; &lt;b&gt;</name><none/><ok>true</ok><tags>x</tags><tags>y</tags></user>");
    EXPECT_EQ(written(R"({"b":1,"a":"","c":[],"d":{}})"), "<doc><a/><b>1</b><c/><d/></doc>");
    EXPECT_EQ(written(R"({"a":[[1,[2,"x"]],[]]})"), "<doc><a>1</a><a>2</a><a>x</a><a/></doc>");
    EXPECT_EQ(written(R"({"q":"\"'"})"), "<q>&quot;&apos;</q>");
    EXPECT_EQ(written("{}"), "<doc/>");
    EXPECT_EQ(written("null"), "<doc/>");
    EXPECT_EQ(written(R"({"f":1.50,"e":1E10})"), "<doc><e>1E10</e><f>1.50</f></doc>");
}

TEST(XmlWrite, TheRoot) {
    EXPECT_EQ(written(R"({"a":[{"b":1},{"b":2}]})"), "<a><b>1</b></a><a><b>2</b></a>");
    EXPECT_EQ(written(R"({"a":[{"b":1},2]})"), "<doc><a><b>1</b></a><a>2</a></doc>");
    EXPECT_EQ(written(R"({"a":[]})"), "<a/>");
    EXPECT_EQ(written(R"({"-a":1})"), "<-a>1</-a>");
    EXPECT_EQ(written(R"({"-a":1,"b":2})"), R"(<doc a="1"><b>2</b></doc>)");
}

TEST(XmlWrite, AttributesAndText) {
    EXPECT_EQ(written(R"({"el":{"-id":"7<","#text":"bo&dy","sub":1}})"),
              R"(<el id="7&lt;">bo&amp;dy<sub>1</sub></el>)");
    EXPECT_EQ(written(R"({"el":{"-b":true,"-a":1}})"), R"(<el a="1" b="true"/>)");
    EXPECT_EQ(written(R"({"el":{"-":"x"}})"), "<el><->x</-></el>");
    EXPECT_EQ(written(R"({"el":{"#text":null}})"), "<el><nil></el>");
    EXPECT_EQ(written(R"({"el":{"#text":{"b":[1,"<"],"-a":null},"c":1}})"), "<el>map[-a:<nil> b:[1 <]]<c>1</c></el>");
}

TEST(XmlWrite, AnAttributeWithoutTextWritesNothing) {
    EXPECT_EQ(written(R"({"el":{"-a":null}})"), "nothing");
    EXPECT_EQ(written(R"({"x":[{"y":{"-a":[1]}}]})"), "nothing");
    EXPECT_EQ(written(R"({"-a":{},"b":1})"), "nothing");
}

TEST(XmlWrite, DepthCostsNoStack) {
    std::string deep, close;
    for (int i = 0; i < 9999; ++i) {
        deep += R"({"a":)";
        close += '}';
    }
    std::string xml = written(deep + "1" + close);
    EXPECT_EQ(xml.size(), 9999 * 7 + 1U);
}

}  // namespace
}  // namespace gladius::encodings
