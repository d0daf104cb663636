#include "encodings/feed_text.h"

#include <gtest/gtest.h>

#include <string>

#include "encodings/html_text.h"

namespace gladius::encodings {
namespace {

std::string html(std::string_view s) {
    Arena arena;
    json::ArenaOutput out(arena, 4);
    unescape_html(s, out);
    return std::string(out.view());
}

std::string text(std::string_view s) {
    Arena arena;
    return std::string(feed_text(s, arena));
}

std::string person(std::string_view s) {
    Person p = name_and_address(s);
    return std::string(p.name) + "|" + std::string(p.email);
}

std::string div(std::string_view s) {
    Arena arena;
    return std::string(strip_wrapping_div(s, arena));
}

TEST(HtmlText, References) {
    EXPECT_EQ(html("&eacute;&amp;&hellip;&nbsp;&Afr;"), "\xC3\xA9&\xE2\x80\xA6\xC2\xA0\xF0\x9D\x94\x84");
    EXPECT_EQ(html("&copyx; &notit; &copy &foo; &; &"), "\xC2\xA9x; \xC2\xACit; \xC2\xA9 &foo; &; &");
    EXPECT_EQ(html("&#65;&#x41;&#X41&#128;&#0;&#xD800;&#1114112;"),
              "AAA\xE2\x82\xAC\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(html("&#;&#x;&#1"), "&#;\xEF\xBF\xBD&#1");
}

TEST(FeedText, EntitiesAndCdata) {
    EXPECT_EQ(text(" a &amp; b &lt;p&gt; "), "a & b <p>");
    EXPECT_EQ(text("AT&T &amp; x; &amp;"), "AT&T &amp; x; &amp;") << "a blank before the semicolon ends it";
    EXPECT_EQ(text("<![CDATA[a &amp; <b>]]>"), "a &amp; <b>");
    EXPECT_EQ(text("x<![CDATA[a]]>b<![CDATA[c]]>"), "ac");
    EXPECT_EQ(text("\xC2\xA0 x \xE3\x80\x80"), "x");
}

TEST(FeedText, People) {
    EXPECT_EQ(person("ana@n.test (Ana)"), "Ana|ana@n.test");
    EXPECT_EQ(person("Ana  B  (x@y)"), "Ana  B |x@y");
    EXPECT_EQ(person("Ana"), "Ana|");
    EXPECT_EQ(person("ana@n.test"), "|ana@n.test");
    for (std::string_view s : {"", "a (b)", "a@b@c", "(x@y)", "A (x@y) z"})
        EXPECT_EQ(person(s), "|") << s;
}

TEST(FeedText, Base64) {
    Arena arena;
    std::string_view out;
    EXPECT_TRUE(decode_base64("aGVs\r\nbG8=", arena, &out));
    EXPECT_EQ(out, "hello");
    for (std::string_view s : {"aGVsbG8", "a", "!!!", "YQ=", "YQ===", "YQ==YQ=="})
        EXPECT_FALSE(decode_base64(s, arena, &out)) << s;
}

TEST(FeedText, WrappingDiv) {
    EXPECT_EQ(div("<div xmlns='x'><P CLASS=\"y\">a &amp; 'b'<br></P></div>"),
              "<p class=\"y\">a &amp; &#39;b&#39;<br/></p>");
    EXPECT_EQ(div("text <div>in</div> out"), "in");
    EXPECT_EQ(div("<div>x</div><div>y</div>"), "<div>x</div><div>y</div>");
    EXPECT_EQ(div("<p><div>x</div></p>"), "<p><div>x</div></p>");
    EXPECT_EQ(div("no element"), "no element");
}

}  // namespace
}  // namespace gladius::encodings
