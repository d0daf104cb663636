#include "encodings/feed.h"

#include <gtest/gtest.h>

#include <string>

#include "json/emit.h"

namespace gladius::encodings {
namespace {

std::string read(std::string_view body) {
    Arena arena;
    std::string_view error;
    json::Value v = feed_to_data(body, arena, &error);
    if (!error.empty()) return "error: " + std::string(error);
    json::ArenaOutput out(arena, 64);
    json::emit(v, arena, out);
    return std::string(out.view());
}

// The items only: what stands between "items":[ and ],"language".
std::string items(std::string_view body) {
    std::string all = read(body);
    size_t begin = all.find("\"items\":[");
    size_t end = all.find("],\"language\"");
    if (begin == std::string::npos || end == std::string::npos) return all;
    return all.substr(begin + 9, end - begin - 9);
}

// Every answer here is the reference's decoder's.
TEST(Feed, Rss) {
    EXPECT_EQ(
        read(R"(<rss version="2.0"><channel><title>News &amp; more</title><description><![CDATA[<b>x</b>]]>)"
             R"(</description><category>one</category><image><url>http://i/</url></image><managingEditor>ana@x.test )"
             R"((Ana)</managingEditor><item><title>A</title><link>http://n/1</link><pubDate>Sun, 01 Jan 2023 )"
             R"(10:00:00 GMT</pubDate><guid>g</guid><category>a</category><foo>bar</foo></item></channel></rss>)"),
        R"({"author":{"name":"Ana","email":"ana@x.test"},"categories":["one"],"copyright":"","custom":null,)"
        R"("description":"\u003cb\u003ex\u003c/b\u003e","img_url":"http://i/","items":[{"title":"A",)"
        R"("link":"http://n/1","links":["http://n/1"],"published":"Sun, 01 Jan 2023 10:00:00 GMT",)"
        R"("publishedParsed":"2023-01-01T10:00:00Z","guid":"g","categories":["a"],"custom":{"foo":"bar"}}],)"
        R"("language":"","published":"","title":"News \u0026 more","type":"rss","updated":""})");
    EXPECT_EQ(read("<rss/>"),
              R"({"author":null,"categories":null,"copyright":"","custom":null,"description":"","items":[],)"
              R"("language":"","published":"","title":"","type":"rss","updated":""})");
}

TEST(Feed, RssOneHasItsItemsBesideTheChannel) {
    EXPECT_EQ(
        items(R"(<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" )"
              R"(xmlns:d="http://purl.org/dc/elements/1.1/"><channel><title>T</title></channel><item><title>I)"
              R"(</title><d:creator>Ana</d:creator><d:date>2023-01-02T15:04:05+02:00</d:date></item></rdf:RDF>)"),
        R"({"title":"I","published":"2023-01-02T15:04:05+02:00","publishedParsed":"2023-01-02T15:04:05+02:00",)"
        R"("author":{"name":"Ana"},"authors":[{"name":"Ana"}],"dcExt":{"creator":["Ana"],)"
        R"("date":["2023-01-02T15:04:05+02:00"]},"extensions":{"dc":{"creator":[{"name":"creator","value":"Ana",)"
        R"("attrs":{},"children":{}}],"date":[{"name":"date","value":"2023-01-02T15:04:05+02:00","attrs":{},)"
        R"("children":{}}]}}})");
}

TEST(Feed, Atom) {
    EXPECT_EQ(
        read(R"(<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title type="html">a &amp;amp; b</title>)"
             R"(<subtitle>S</subtitle><updated>2023-01-02T15:04:05+01:00</updated><logo>http://l/</logo><author>)"
             R"(<name>Ana</name></author><entry><title>E</title><id>1</id><link href="http://e/"/><link )"
             R"(rel="enclosure" href="http://f" type="t" length="5"/><updated>2023-01-02T15:04:05.5Z</updated>)"
             R"(<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>it's <BR/></p></div></content>)"
             R"(</entry></feed>)"),
        R"({"author":{"name":"Ana"},"categories":null,"copyright":"","custom":null,"description":"S",)"
        R"("img_url":"http://l/","items":[{"title":"E","content":"\u003cp\u003eit\u0026#39;s \u003cbr/\u003e\u003c/p)"
        R"(\u003e","link":"http://e/","links":["http://e/"],"updated":"2023-01-02T15:04:05.5Z",)"
        R"("updatedParsed":"2023-01-02T15:04:05.5Z","published":"2023-01-02T15:04:05.5Z",)"
        R"("publishedParsed":"2023-01-02T15:04:05.5Z","guid":"1","enclosures":[{"url":"http://f","length":"5",)"
        R"("type":"t"}]}],"language":"en","published":"","title":"a \u0026amp; b","type":"atom",)"
        R"("updated":"2023-01-02T15:04:05+01:00"})");
}

TEST(Feed, JsonFeed) {
    EXPECT_EQ(
        read(R"({"version":"https://jsonfeed.org/version/1","title":"T","icon":"http://i/","author":{"name":"Ana"},)"
             R"("items":[{"id":"1","url":"http://n/","content_text":"c","date_published":"2019-10-12T07:20:50.52Z",)"
             R"("tags":["a"],"attachments":[{"url":"u","mime_type":"m","duration_in_seconds":7}]}]} )"),
        R"({"author":{"name":"Ana"},"categories":null,"copyright":"","custom":null,"description":"",)"
        R"("img_url":"http://i/","items":[{"content":"c","link":"http://n/","links":["http://n/"],)"
        R"("published":"2019-10-12T07:20:50.52Z","publishedParsed":"2019-10-12T07:20:50.52Z","guid":"1",)"
        R"("categories":["a"],"enclosures":[{"url":"u","length":"7","type":"m"}]}],"language":"",)"
        R"("published":"2019-10-12T07:20:50.52Z","title":"T","type":"json","updated":""})");
    EXPECT_TRUE(read(R"({"items":[{"id":5}]})").starts_with("error"));
    EXPECT_TRUE(read(R"({"items":[null]})").starts_with("error"));
    EXPECT_TRUE(read(R"({"items":[]} x)").starts_with("error"));
}

TEST(Feed, Extensions) {
    EXPECT_EQ(
        items(
            R"(<rss xmlns:x="urn:x"><channel><item><x:a k="v">t<x:b/><x:b>1</x:b></x:a><x:a/></item></channel></rss>)"),
        R"({"extensions":{"x":{"a":[{"name":"a","value":"t","attrs":{"k":"v"},"children":{"b":[{"name":"b",)"
        R"("value":"","attrs":{},"children":{}},{"name":"b","value":"1","attrs":{},"children":{}}]}},{"name":"a",)"
        R"("value":"","attrs":{},"children":{}}]}}})");
}

TEST(Feed, Forgiving) {
    EXPECT_EQ(items("<rss><channel><item><title>a & b &nbsp; c<br/></title><link href=http></link></item></channel>"),
              "error: XML syntax error on line 1: unexpected EOF");
    EXPECT_EQ(items("<rss><channel><item><title>a & b &nbsp;</title><link href=http></link></item></channel></rss>"),
              R"({"title":"a \u0026 b \u0026nbsp;","link":"http","links":["http"]})");
    EXPECT_NE(read("<rss><channel><title>a</rss>").find(R"("title":"a")"), std::string::npos);
}

TEST(Feed, Errors) {
    EXPECT_EQ(read("<html/>"), "error: Failed to detect feed type");
    EXPECT_EQ(read(""), "error: Failed to detect feed type");
    EXPECT_EQ(read("nothing"), "error: Failed to detect feed type");
    EXPECT_EQ(read("<feed><title>x"), "error: XML syntax error on line 1: unexpected EOF");
    EXPECT_EQ(read("<rss><channel><item><encoded>x</encoded></item></channel></rss>"),
              "error: Expected Space:* Name:item Event:EndTag but got Space: Name:encoded Event:EndTag at offset: 40");
    EXPECT_EQ(read("<rss><channel><cloud><x/></cloud></channel></rss>"),
              "error: Expected Space:* Name:cloud Event:EndTag but got Space: Name:x Event:StartTag at offset: 25");
    EXPECT_EQ(read("<rss><channel><item><enclosure><x/></enclosure></item></channel></rss>"),
              "error: Parser must be on EndTag or Text to read text");
}

TEST(Feed, DepthAndNamespacesAreBounded) {
    std::string deep = "<rss><channel>";
    for (int i = 0; i < 20000; ++i)
        deep += "<x:a>";
    EXPECT_EQ(read(deep), "error: XML syntax error on line 1: more than 10000 elements inside each other");
    std::string many = "<rss";
    for (int i = 0; i < 200; ++i)
        many += " xmlns:n" + std::to_string(i) + "='u" + std::to_string(i) + "'";
    EXPECT_EQ(read(many + "/>"), "error: Failed to detect feed type");
    std::string inner = "<rss><channel" + many.substr(4) + "/></rss>";
    EXPECT_EQ(read(inner), "error: XML syntax error on line 1: more than 128 namespaces");
}

TEST(Feed, MemoryIsInProportion) {
    std::string many = "<rss><channel>";
    for (int i = 0; i < 20000; ++i)
        many += "<item/>";
    Arena arena;
    std::string_view error;
    feed_to_data(many + "</channel></rss>", arena, &error);
    EXPECT_EQ(error, "");
    EXPECT_LT(arena.reserved(), 8 * many.size());
}

}  // namespace
}  // namespace gladius::encodings
