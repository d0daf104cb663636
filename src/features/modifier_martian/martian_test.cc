#include "features/modifier_martian/martian.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "conf/parse.h"
#include "features/modifier_martian/build.h"
#include "features/modifier_martian/files.h"

namespace gladius::features::martian {
namespace {

using engine::AnswerDraft;
using engine::RequestDraft;

// A configuration and the drafts that it works on.
class MartianTest : public testing::Test {
  protected:
    Built build(const std::string& text) {
        conf::Diagnostics d;
        documents_.push_back(conf::parse_json("f.json", "{\"m\": " + text + "}", d));
        EXPECT_TRUE(documents_.back()) << d.text();
        return martian::build(documents_.back()->root().find("m"));
    }
    std::string refused(const std::string& text) {
        Built b = build(text);
        EXPECT_FALSE(b.program) << text;
        return b.program || b.remarks.empty() ? std::string() : b.remarks[0].message;
    }
    std::shared_ptr<const Program> good(const std::string& text) {
        Built b = build(text);
        EXPECT_TRUE(b.program) << text << (b.remarks.empty() ? "" : b.remarks[0].message);
        return b.program ? b.program : std::make_shared<Program>();
    }

    MartianTest() : request(arena), answer(arena, request) {
        request.method = "GET";
        request.url = engine::DraftUrl::parse("http://b.test:8080/a/b?x=1", arena);
        request.host = "b.test:8080";
        request.headers.add("X-Env", "prod");
        answer.charge = [](void*, uint64_t n) { return n < 1u << 20; };
    }
    void on_request(const std::string& text) {
        programs_.push_back(good(text));
        run(*programs_.back(), request);
    }
    void on_answer(const std::string& text) {
        programs_.push_back(good(text));
        run(*programs_.back(), answer);
    }

    Arena arena;
    RequestDraft request;
    AnswerDraft answer;

  private:
    std::vector<std::shared_ptr<conf::Document>> documents_;
    std::vector<std::shared_ptr<const Program>> programs_;  // drafts point into them, as they do into a plan
};

TEST_F(MartianTest, ANameThatIsNotRegisteredIsNoModifier) {
    EXPECT_NE(refused(R"({"bogus.Modifier": {}})").find("\"bogus.Modifier\" is no modifier"), std::string::npos);
    // Known to google/martian, but not to the reference.
    for (const char* name : {"method.Filter", "skip.RoundTrip", "log.Logger", "failure.Verifier", "header.modifier"})
        EXPECT_NE(refused(std::string("{\"") + name + "\": {}}").find("is no modifier"), std::string::npos) << name;
}

TEST_F(MartianTest, OneModifierIsExpected) {
    EXPECT_NE(refused("{}").find("is empty"), std::string::npos);
    EXPECT_NE(refused("null").find("not a modifier"), std::string::npos);
    EXPECT_NE(refused("[]").find("not a modifier"), std::string::npos);
    EXPECT_NE(refused("5").find("not a modifier"), std::string::npos);
    EXPECT_NE(refused(R"({"header.Modifier": {}, "header.Append": {}})").find("has 2 keys"), std::string::npos);
    Built b = build(R"({"@comment": "x", "header.Modifier": {}})");
    ASSERT_FALSE(b.program);
    EXPECT_NE(b.remarks[0].advice.find("move the comment"), std::string::npos);
}

TEST_F(MartianTest, ScopesAreThoseThatTheModifierHas) {
    EXPECT_NE(refused(R"({"url.Modifier": {"scope": ["response"]}})").find("cannot work on a response"),
              std::string::npos);
    EXPECT_NE(refused(R"({"status.Modifier": {"scope": ["request", "response"]}})").find("cannot work on a request"),
              std::string::npos);
    EXPECT_NE(refused(R"({"header.Modifier": {"scope": ["Request"]}})").find("is no scope"), std::string::npos);
    EXPECT_NE(refused(R"({"header.Modifier": {"scope": [null]}})").find("\"\" is no scope"), std::string::npos);
    EXPECT_NE(refused(R"({"header.Modifier": {"scope": "request"}})").find("not a list"), std::string::npos);
    EXPECT_NE(refused(R"({"stash.Modifier": {"scope": ["response"]}})").find("answers alone"), std::string::npos);
    auto both = good(R"({"header.Modifier": {"scope": null, "name": "A"}})");
    EXPECT_EQ(both->request.size(), 1u);
    EXPECT_EQ(both->answer.size(), 1u);
    auto none = good(R"({"header.Modifier": {"scope": [], "name": "A"}})");
    EXPECT_TRUE(none->request.empty());
    EXPECT_TRUE(none->answer.empty());
    EXPECT_TRUE(good(R"({"header.Id": {}})")->answer.empty());
}

TEST_F(MartianTest, ValuesAreReadAsGoReadsThem) {
    EXPECT_NE(refused(R"({"header.Modifier": {"name": 5}})").find("is a number, not a text"), std::string::npos);
    EXPECT_NE(refused(R"({"header.Blacklist": {"names": "A"}})").find("not a list"), std::string::npos);
    EXPECT_NE(refused(R"({"status.Modifier": {"statusCode": "200"}})").find("not a whole number"), std::string::npos);
    EXPECT_NE(refused(R"({"status.Modifier": {"statusCode": 200.5}})").find("no whole number"), std::string::npos);
    EXPECT_NE(refused(R"({"status.Modifier": {"statusCode": 1e30}})").find("no whole number"), std::string::npos);
    EXPECT_NE(refused(R"({"header.Modifier": []})").find("not an object"), std::string::npos);
    EXPECT_NE(refused(R"({"body.Modifier": {"body": "YQ"}})").find("base64"), std::string::npos);
    EXPECT_NE(refused(R"({"body.Modifier": {"body": "YQ=="  , "Body": "!"}})").find("base64"), std::string::npos);
    EXPECT_NE(refused(R"({"cookie.Modifier": {"expires": "tomorrow"}})").find("is no time"), std::string::npos);
    EXPECT_NE(refused(R"({"fifo.Group": {"modifiers": [null]}})").find("not a modifier"), std::string::npos);
    EXPECT_NE(refused(R"({"priority.Group": {"modifiers": [{"priority": 1}]}})").find("has no \"modifier\""),
              std::string::npos);
    EXPECT_NE(refused(R"({"header.Filter": {"name": "A"}})").find("has no \"modifier\""), std::string::npos);
    EXPECT_NE(refused(R"({"header.Filter": {"modifier": {"header.Id": {}}, "else": null}})").find("not a modifier"),
              std::string::npos);
    EXPECT_NE(refused(R"({"port.Modifier": {}})").find("needs one of"), std::string::npos);
    EXPECT_NE(refused(R"({"port.Modifier": {"port": 1, "remove": true}})").find("needs one of"), std::string::npos);
    EXPECT_NE(refused(R"({"url.RegexFilter": {"regex": "(", "modifier": {"header.Id": {}}}})").find("pattern"),
              std::string::npos);
    EXPECT_NE(refused(R"({"url.RegexFilter": {"regex": "\\C", "modifier": {"header.Id": {}}}})").find("pattern"),
              std::string::npos);
    good(R"({"url.RegexFilter": {"regex": "\\Q\\C\\E\\\\C", "modifier": {"header.Id": {}}}})");
    good(R"({"status.Modifier": {"statusCode": 2.0e2}})");
    good(R"({"header.Modifier": null})");
    good(R"({"fifo.Group": {"modifiers": null}})");
    good(R"({"body.Modifier": {"body": [104, 105], "contentType": null}})");
}

TEST_F(MartianTest, KeysInAnyCaseAndTheLastOfThem) {
    on_request("{\"header.Modifier\": {\"NAME\": \"X-A\", \"name\": \"X-B\", \"Value\": \"1\"}}");
    EXPECT_EQ(request.headers.get("X-B"), "1");
    EXPECT_FALSE(request.headers.has("X-A"));
    Built b = build(R"({"header.Modifier": {"name": "A", "vlaue": "1", "@note": "x"}})");
    EXPECT_TRUE(b.program);
    ASSERT_EQ(b.remarks.size(), 1u);
    EXPECT_NE(b.remarks[0].message.find("\"vlaue\" has no meaning"), std::string::npos);
}

TEST_F(MartianTest, HeadersHaveThreeSpecialNames) {
    on_request(R"({"fifo.Group": {"modifiers": [
        {"header.Copy": {"scope": ["request"], "from": "host", "to": "x-was"}},
        {"header.Modifier": {"scope": ["request"], "name": "HOST", "value": "other"}},
        {"header.Append": {"scope": ["request"], "name": "x-env", "value": "two"}},
        {"header.Blacklist": {"scope": ["request"], "names": ["x-none", "X-Was-Not"]}}]}})");
    EXPECT_FALSE(request.failed);
    EXPECT_EQ(request.host, "other");
    EXPECT_EQ(request.headers.get("X-Was"), "b.test:8080");
    EXPECT_EQ(request.headers.all().size(), 3u);
    EXPECT_FALSE(request.headers.has("Host"));
    on_request(R"({"header.Append": {"scope": ["request"], "name": "Host", "value": "x"}})");
    EXPECT_TRUE(request.failed);
    EXPECT_EQ(request.error, "proxyutil: illegal header multiple: Host");
}

TEST_F(MartianTest, ALengthThatIsNoNumberIsAnError) {
    on_request(R"({"header.Modifier": {"scope": ["request"], "name": "Content-Length", "value": "a\"b"}})");
    EXPECT_EQ(request.error, R"(strconv.ParseInt: parsing "a\"b": invalid syntax)");
    request.failed = false;
    on_request(
        R"({"header.Modifier": {"scope": ["request"], "name": "Content-Length", "value": "99999999999999999999"}})");
    EXPECT_EQ(request.error, R"(strconv.ParseInt: parsing "99999999999999999999": value out of range)");
}

TEST_F(MartianTest, AGroupThatAggregatesGoesOnAndFailsAtItsEnd) {
    on_request(R"({"fifo.Group": {"aggregateErrors": true, "modifiers": [
        {"header.Modifier": {"scope": ["request"], "name": "Content-Length", "value": "a"}},
        {"fifo.Group": {"modifiers": [
            {"header.Append": {"scope": ["request"], "name": "Host", "value": "x"}},
            {"header.Modifier": {"scope": ["request"], "name": "X-Never", "value": "1"}}]}},
        {"header.Filter": {"name": "X-Env", "value": "prod",
            "modifier": {"header.Modifier": {"scope": ["request"], "name": "X-After", "value": "1"}}}}]}})");
    EXPECT_TRUE(request.failed);
    EXPECT_EQ(request.error,
              "strconv.ParseInt: parsing \"a\": invalid syntax\nproxyutil: illegal header multiple: Host");
    EXPECT_TRUE(request.headers.has("X-After"));
    EXPECT_FALSE(request.headers.has("X-Never"));
}

TEST_F(MartianTest, ErrorsOfAnInnerGroupReachTheOuterOneOnce) {
    on_request(R"({"fifo.Group": {"aggregateErrors": true, "modifiers": [
        {"fifo.Group": {"aggregateErrors": true, "modifiers": [
            {"header.Append": {"scope": ["request"], "name": "Host", "value": "x"}}]}},
        {"fifo.Group": {"aggregateErrors": true, "modifiers": []}},
        {"header.Modifier": {"scope": ["request"], "name": "X-After", "value": "1"}}]}})");
    EXPECT_EQ(request.error, "proxyutil: illegal header multiple: Host");
    EXPECT_TRUE(request.headers.has("X-After"));
}

TEST_F(MartianTest, PrioritiesRunFromHighToLowAndTheLastOfEqualsFirst) {
    on_answer(R"({"priority.Group": {"modifiers": [
        {"priority": 1, "modifier": {"header.Append": {"name": "X-O", "value": "a"}}},
        {"priority": 2, "modifier": {"header.Append": {"name": "X-O", "value": "b"}}},
        {"priority": 1, "modifier": {"header.Append": {"name": "X-O", "value": "c"}}},
        {"modifier": {"header.Append": {"name": "X-O", "value": "d"}}}]}})");
    std::string order;
    for (const auto& f : answer.headers.all())
        order += f.value;
    EXPECT_EQ(order, "bcad");
}

TEST_F(MartianTest, UrlsAreChangedAndShownAsGoDoes) {
    request.url = engine::DraftUrl::parse("http://b.test:8080/a%2Fb/c?x=1", arena);
    EXPECT_EQ(request.url.path, "/a/b/c");
    EXPECT_EQ(request.url.target(arena), "/a%2Fb/c?x=1");
    on_request(R"({"fifo.Group": {"modifiers": [
        {"stash.Modifier": {"headerName": "x-was"}},
        {"url.Modifier": {"scope": ["request"], "host": "n.test", "path": "/a b", "query": "q=%20"}}]}})");
    EXPECT_EQ(request.headers.get("X-Was"), "http://b.test:8080/a%2Fb/c?x=1");
    EXPECT_EQ(request.url.text(arena), "http://n.test/a%20b?q=%20");
    EXPECT_EQ(request.host, "b.test:8080");
    on_request(R"({"querystring.Modifier": {"name": "b&", "value": "c d"}})");
    EXPECT_EQ(request.url.query, "b%26=c+d&q=+");
    on_request(R"({"querystring.Modifier": {"name": "q", "value": ""}})");
    EXPECT_EQ(request.url.query, "b%26=c+d&q=");
}

TEST_F(MartianTest, PortsOfTheUrl) {
    on_request(R"({"port.Modifier": {"port": 90}})");
    EXPECT_EQ(request.url.host, "b.test:90");
    on_request(R"({"port.Modifier": {"remove": true}})");
    EXPECT_EQ(request.url.host, "b.test");
    on_request(R"({"port.Modifier": {"defaultForScheme": true}})");
    EXPECT_EQ(request.url.host, "b.test:80");
    request.url.host = "[::1]:1";
    on_request(R"({"port.Modifier": {"port": 2}})");
    EXPECT_EQ(request.url.host, "[::1]:2");
    request.url.host = "a:b:c";
    on_request(R"({"port.Modifier": {"port": 2}})");
    EXPECT_EQ(request.error, "address a:b:c: too many colons in address");
}

TEST_F(MartianTest, FiltersDecide) {
    auto decided = [&](const std::string& filter, const std::string& fields) {
        request.headers.remove("X-Is");
        on_request("{\"" + filter + "\": {" + fields +
                   R"(, "modifier": {"header.Modifier": {"scope": ["request"], "name": "X-Is", "value": "yes"}}}})");
        EXPECT_FALSE(request.failed) << request.error;
        return request.headers.has("X-Is");
    };
    EXPECT_TRUE(decided("header.Filter", R"("name": "x-env", "value": "prod")"));
    EXPECT_FALSE(decided("header.Filter", R"("name": "X-Env")"));  // an empty value, not any
    EXPECT_TRUE(decided("header.RegexFilter", R"("header": "X-Env", "regex": "^p")"));
    EXPECT_FALSE(decided("header.RegexFilter", R"("header": "X-None", "regex": "")"));
    EXPECT_TRUE(decided("querystring.Filter", R"("name": "x")"));
    EXPECT_FALSE(decided("querystring.Filter", R"("name": "x", "value": "2")"));
    EXPECT_TRUE(decided("url.Filter", R"("path": "/a/b", "host": "*.test:8080")"));
    EXPECT_FALSE(decided("url.Filter", R"("host": "*.x.test:8080")"));
    EXPECT_FALSE(decided("url.Filter", R"("host": "")"
                                       ", \"scheme\": \"https\""));
    EXPECT_TRUE(decided("url.RegexFilter", R"("regex": "^http://b\\.test:8080/a/b\\?x=1$")"));
    EXPECT_TRUE(decided("port.Filter", R"("port": 8080)"));
    EXPECT_FALSE(decided("port.Filter", R"("port": 80)"));
    request.url.host = "b.test";
    EXPECT_TRUE(decided("port.Filter", R"("port": 80)"));
    EXPECT_FALSE(decided("port.Filter", R"("port": 81)"));
    // On answers it looks for a port that must be there.
    on_answer(R"({"port.Filter": {"port": 81, "modifier": {"header.Id": {}}}})");
    EXPECT_EQ(answer.error, "address b.test: missing port in address");
}

TEST_F(MartianTest, TheElseOfAFilter) {
    on_request(R"({"cookie.Filter": {"name": "sid", "modifier": {"header.Modifier": {"name": "X-Is", "value": "yes"}},
        "else": {"header.Modifier": {"name": "X-Is", "value": "no"}}}})");
    EXPECT_EQ(request.headers.get("X-Is"), "no");
    answer.headers.add("Set-Cookie", "sid=1; Path=/");
    on_answer(R"({"cookie.Filter": {"name": "sid", "modifier": {"header.Modifier": {"name": "X-Is", "value": "yes"}},
        "else": {"header.Modifier": {"name": "X-Is", "value": "no"}}}})");
    EXPECT_EQ(answer.headers.get("X-Is"), "yes");
}

TEST_F(MartianTest, IdentifiersAreNewAndStay) {
    on_request(R"({"header.Id": {}})");
    std::string first(request.headers.get("X-Krakend-Id"));
    EXPECT_EQ(first.size(), 36u);
    EXPECT_EQ(first[14], '4');
    on_request(R"({"header.Id": {}})");
    EXPECT_EQ(request.headers.get("X-Krakend-Id"), first);
    request.headers.remove("X-Krakend-Id");
    on_request(R"({"header.Id": {}})");
    EXPECT_NE(request.headers.get("X-Krakend-Id"), first);
}

TEST_F(MartianTest, RangesOfAnOwnBody) {
    const char* config =
        R"({"body.Modifier": {"scope": ["response"], "contentType": "t/x", "body": "MDEyMzQ1Njc4OQ=="}})";
    auto asked = [&](std::string_view range) {
        answer.status = 200;
        answer.failed = false;
        request.headers.set("Range", range);
        on_answer(config);
        return answer.status;
    };
    EXPECT_EQ(asked("bytes=2-4"), 206);
    EXPECT_EQ(answer.body, "234");
    EXPECT_EQ(answer.headers.get("Content-Range"), "bytes 2-4/10");
    EXPECT_EQ(asked("bytes=7-"), 206);
    EXPECT_EQ(answer.body, "789");
    EXPECT_EQ(asked("bytes=4-2"), 416);
    EXPECT_EQ(asked("bytes=5"), 416);
    EXPECT_EQ(asked("bytes=0-10"), 416);  // the reference falls over
    EXPECT_EQ(asked("bytes=0-99999999999"), 416);
    EXPECT_EQ(asked("bytes=0-0,2-3"), 206);
    EXPECT_TRUE(answer.headers.get("Content-Type").starts_with("multipart/byteranges; boundary="));
    EXPECT_NE(answer.body.find("\r\nContent-Range: bytes 2-3/10\r\nContent-Type: t/x\r\n\r\n23\r\n--"),
              std::string_view::npos);
    std::string many = "bytes=0-9";
    for (int i = 0; i < 40; ++i)
        many += ",0-9";
    EXPECT_EQ(asked(many), 416);
    asked("bytes=-5");
    EXPECT_EQ(answer.error, "strconv.Atoi: parsing \"\": invalid syntax");
    EXPECT_EQ(asked(""), 200);
    EXPECT_EQ(answer.body, "0123456789");
}

TEST_F(MartianTest, VerifiersEndTheRequestAsInTheReference) {
    Built b = build(R"({"url.Verifier": {}})");
    ASSERT_TRUE(b.program);
    EXPECT_EQ(b.remarks.size(), 1u);
    run(*b.program, request);
    EXPECT_TRUE(request.failed);
    EXPECT_NE(refused(R"({"querystring.Verifier": {}})").find("has no \"name\""), std::string::npos);
    EXPECT_TRUE(good(R"({"header.Verifier": {"name": "A"}})")->request.empty());
}

TEST_F(MartianTest, FilesAreServedFromBelowTheRootOnly) {
    namespace fs = std::filesystem;
    fs::path root = fs::temp_directory_path() / ("martian_test." + std::to_string(getpid()));
    fs::create_directories(root / "www/docs");
    std::ofstream(root / "www/docs/a.json") << "{\"a\":1}";
    std::ofstream(root / "secret.txt") << "no";
    std::string config = R"({"static.Modifier": {"rootPath": ")" + (root / "www/").string() +
                         R"(", "explicitPaths": {"/x": "docs/a.json"}}})";
    auto served = [&](std::string_view path) {
        answer.status = 200;
        answer.failed = answer.body_replaced = false;
        answer.body = {};
        request.url.path = path;
        on_answer(config);
        return answer.status;
    };
    on_request(config);
    EXPECT_TRUE(request.skips_backend);
    EXPECT_EQ(served("/docs/a.json"), 200);
    EXPECT_EQ(answer.body, "{\"a\":1}");
    EXPECT_EQ(answer.headers.get("Content-Type"), "application/json");
    EXPECT_EQ(served("/x"), 200);
    EXPECT_EQ(answer.body, "{\"a\":1}");
    EXPECT_EQ(served("/docs/none"), 404);
    EXPECT_FALSE(answer.body_replaced);
    for (std::string_view path : {"/../secret.txt", "/docs/../../secret.txt", "//..//secret.txt"}) {
        EXPECT_EQ(served(path), 404) << path;
        EXPECT_EQ(answer.body, "") << path;
    }
    served("/docs");
    EXPECT_TRUE(answer.error.ends_with(": is a directory")) << answer.error;
    served("/docs/a.json/b");
    EXPECT_TRUE(answer.error.ends_with(": not a directory")) << answer.error;
    served(std::string_view("/docs/a\0b", 9));
    EXPECT_TRUE(answer.failed);
    answer.max_body = 3;
    served("/docs/a.json");
    EXPECT_NE(answer.error.find("max_backend_body"), std::string_view::npos);
    fs::remove_all(root);
}

TEST(MartianFiles, PathsAreCleanedAsGoDoes) {
    Arena arena;
    for (auto [from, to] :
         std::initializer_list<std::pair<std::string_view, std::string_view>>{{"", "."},
                                                                              {"/", "/"},
                                                                              {"a/b/../c", "a/c"},
                                                                              {"/../a", "/a"},
                                                                              {"../../a", "../../a"},
                                                                              {"a/../../b", "../b"},
                                                                              {"/a//b/./c/", "/a/b/c"},
                                                                              {"a/..", "."},
                                                                              {"/a/../..", "/"},
                                                                              {"../a/../b", "../b"},
                                                                              {"./", "."}})
        EXPECT_EQ(clean(from, arena), to) << from;
    EXPECT_EQ(type_of("/a/b.JSON"), "application/json");
    EXPECT_EQ(type_of("/a.json/b"), "");
    EXPECT_EQ(type_of("/a/b.unknown-ending-of-a-file"), "");
}

}  // namespace
}  // namespace gladius::features::martian
