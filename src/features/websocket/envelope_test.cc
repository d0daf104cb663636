#include "features/websocket/envelope.h"

#include <gtest/gtest.h>

namespace gladius::features::ws {
namespace {

std::string envelope(std::string_view event, std::string_view url,
                     std::vector<std::pair<std::string, std::string>> session, std::string_view body) {
    std::string fixed = fixed_part(url, session);
    std::string out(envelope_size(event, fixed, body.size()), '!');
    write_envelope(event, fixed, body, out.data());
    return out;
}

TEST(Envelope, WhatTheBackendIsSent) {
    EXPECT_EQ(
        envelope("", "/chat/krakend", {{"uuid", "0b25-1"}, {"Room", "krakend"}}, "Hello World!"),
        R"({"event":"","url":"/chat/krakend","session":{"Room":"krakend","uuid":"0b25-1"},"body":"SGVsbG8gV29ybGQh"})");
    EXPECT_EQ(envelope("connected", "/a\"<", {}, ""),
              R"({"event":"connected","url":"/a\"\u003c","session":{},"body":""})");
}

TEST(Envelope, BodiesOfEveryLength) {
    for (size_t n = 0; n < 70; ++n) {
        std::string body;
        for (size_t i = 0; i < n; ++i)
            body += static_cast<char>(i * 37 + n);
        Arena arena;
        std::string text = envelope("", "/u", {{"uuid", "x"}}, body);
        Parsed p = parse_envelope(text, arena);
        ASSERT_TRUE(p.enveloped) << n;
        EXPECT_EQ(p.body, body);
        EXPECT_EQ(p.url, "/u");
        ASSERT_EQ(p.session.size(), 1u);
        EXPECT_EQ(p.session[0].second, "x");
    }
}

TEST(Envelope, WhatTheBackendMaySay) {
    Arena arena;
    Parsed p = parse_envelope(
        R"( {"Body":"aGk=","session":{"uuid":"\u0061","Room":null},"other":[1,{"x":2}],"url":null} )", arena);
    ASSERT_TRUE(p.enveloped);
    EXPECT_EQ(p.body, "hi");
    EXPECT_EQ(p.url, "");
    ASSERT_EQ(p.session.size(), 2u);
    EXPECT_EQ(p.session[0].second, "a");
    EXPECT_EQ(p.session[1].second, "");
    EXPECT_TRUE(parse_envelope(R"({"body":null})", arena).enveloped);
    EXPECT_TRUE(parse_envelope("{\"body\":\"aG\\nk=\\r\\n\"}", arena).enveloped) << "line ends are passed over";
}

TEST(Envelope, WhatIsNoneGoesToEverybody) {
    for (std::string_view text :
         {"", "hello", "[]", "null", "{}", R"({"url":"/a"})", R"({"body":"aGk"})", R"({"body":"aGk=="})",
          R"({"body":"aG=k"})", R"({"body":"a==="})", R"({"body":"===="})", R"({"body":"aGk=aGk="})",
          R"({"body":"aG k="})", R"({"body":1})", R"({"body":"","url":1})", R"({"body":"","session":[]})",
          R"({"body":"","session":{"a":1}})", R"({"body":""} x)", R"({"body":"")"}) {
        Arena arena;
        EXPECT_FALSE(parse_envelope(text, arena).enveloped) << text;
    }
    std::string many = "{\"body\":\"\",\"session\":{";
    for (int i = 0; i < 65; ++i)
        many += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":\"v\"";
    Arena arena;
    EXPECT_FALSE(parse_envelope(many + "}}", arena).enveloped);
}

}  // namespace
}  // namespace gladius::features::ws
