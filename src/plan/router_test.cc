#include "plan/router.h"

#include <gtest/gtest.h>

#include <random>

#include "plan/router_oracle.h"

namespace gladius::plan {
namespace {

using http::Method;

struct Table {
    RouterBuilder builder;
    std::vector<std::string> patterns;
    Router router;
    Arena arena;
    RouteMatch match;

    Table& add(Method m, const char* pattern) {
        auto r = builder.add(m, pattern, static_cast<uint32_t>(patterns.size()));
        EXPECT_TRUE(r) << r.error().message;
        patterns.emplace_back(pattern);
        return *this;
    }
    Table& get(const char* pattern) { return add(Method::get, pattern); }
    Table& build(RouterOptions o = {}) {
        router = std::move(builder).build(o);
        return *this;
    }
    std::string error(Method m, const char* pattern) {
        auto r = builder.add(m, pattern, 9999);
        return r ? "" : r.error().message;
    }
    // One line that says everything: "/u/:id [5]", "-> /docs", "405 GET, PUT", "404".
    std::string ask(Method m, std::string_view path) {
        router.find(m, path, arena, match);
        std::string out;
        switch (match.kind) {
            case RouteMatch::found:
                out = patterns[match.target];
                for (uint32_t i = 0; i < match.param_count; ++i)
                    out += " [" + std::string(match.param(i)) + "]";
                return out;
            case RouteMatch::auto_options:
                return "200 " + std::string(Router::allow_sorted(match.allowed, arena));
            case RouteMatch::redirect:
                return (match.by_slash ? "-> " : "=> ") + std::string(match.redirect_path);
            case RouteMatch::not_allowed:
                return "405 " + std::string(router.allow(match.allowed, arena));
            case RouteMatch::not_found:
                return "404";
        }
        return "?";
    }
    std::string ask(std::string_view path) { return ask(Method::get, path); }
};

TEST(Router, FixedBeatsParameterAndComesBack) {
    Table t;
    t.get("/users/me").get("/users/:id").get("/users/:id/posts").get("/users/me/posts/:n").get("/users").build();
    EXPECT_EQ(t.ask("/users/me"), "/users/me");
    EXPECT_EQ(t.ask("/users/mexico"), "/users/:id [mexico]");
    EXPECT_EQ(t.ask("/users/m"), "/users/:id [m]");
    EXPECT_EQ(t.ask("/users/me/posts"), "/users/:id/posts [me]");
    EXPECT_EQ(t.ask("/users/me/posts/7"), "/users/me/posts/:n [7]");
    EXPECT_EQ(t.ask("/users/you/posts"), "/users/:id/posts [you]");
    EXPECT_EQ(t.ask("/users/you/posts/7"), "404");
    EXPECT_EQ(t.ask("/users"), "/users");
    EXPECT_EQ(t.ask("/users/ME"), "/users/:id [ME]");
}

// What clients of the reference see of gin's walk, found by tests/differential.
TEST(Router, GivesUpWhereGinDoes) {
    Table t;
    t.get("/x-y").add(Method::del, "/a,b/:p1/x-y").get("/:p0").build();
    EXPECT_EQ(t.ask(Method::patch, "/x-y"), "405 GET, DELETE") << "GET's place before \":p0\" is gone back to";
    EXPECT_EQ(t.ask(Method::put, "/x-z"), "405 GET");
    Table dead;  // a parameter that leads nowhere is not gone back from, but the search for another spelling does
    dead.get("/a/:q").get("/:p/:q/b").build();
    EXPECT_EQ(dead.ask("/a/x/b"), "=> /a/x/b");
    EXPECT_EQ(dead.ask("/c/x/b"), "/:p/:q/b [c] [x]");
    Table nowhere;  // redirects to where nothing is
    nowhere.get("/:p0/:p1/:p2").build();
    EXPECT_EQ(nowhere.ask("/x/a b/"), "-> /x/a b");
    Table twice;
    twice.get("/:p0/:p1/a;b").get("/:p0").build();
    EXPECT_EQ(twice.ask("/=//"), "-> /=/");
}

// A 404 or 405 knows what the walk had bound: an escape in it makes a 400 (handle() looks).
TEST(Router, MissesKeepTheirParameters) {
    Table t;
    t.add(Method::put, "/:p0/a,b").get("/:p0").build();
    EXPECT_EQ(t.ask("/%20/a,b"), "405 PUT");
    ASSERT_EQ(t.match.param_count, 1u);
    EXPECT_EQ(t.match.param(0), "%20");
    EXPECT_EQ(t.ask(Method::head, "/%20/a,b"), "405 PUT");
    EXPECT_EQ(t.match.param_count, 0u) << "no tree, no walk";
}

TEST(Router, ComesBackOverSeveralSegments) {
    Table t;
    t.get("/a/b/c/d").get("/a/:x/c/e").get("/:w/b/c/f").get("/:w/:x/:y/g").build();
    EXPECT_EQ(t.ask("/a/b/c/d"), "/a/b/c/d");
    EXPECT_EQ(t.ask("/a/b/c/e"), "/a/:x/c/e [b]");
    EXPECT_EQ(t.ask("/a/b/c/f"), "/:w/b/c/f [a]");
    EXPECT_EQ(t.ask("/a/b/c/g"), "/:w/:x/:y/g [a] [b] [c]");
    EXPECT_EQ(t.ask("/a/b/c/h"), "404");
}

TEST(Router, ParameterInsideASegment) {
    Table t;
    t.get("/img:id")
        .get("/v:major/x")
        .get("/file/v:x")
        .get("/q/:a.b/z")
        .get("/p/pre:id")
        .get("/p/prefix")
        .get("/p/:all")
        .build();
    EXPECT_EQ(t.ask("/img42.png"), "/img:id [42.png]");
    EXPECT_EQ(t.ask("/img"), "404");
    EXPECT_EQ(t.ask("/img/42"), "404");
    EXPECT_EQ(t.ask("/v2/x"), "/v:major/x [2]");
    EXPECT_EQ(t.ask("/v/x"), "/v:major/x []");
    EXPECT_EQ(t.ask("/file/v7"), "/file/v:x [7]");
    EXPECT_EQ(t.ask("/file/v"), "404");
    EXPECT_EQ(t.ask("/file/w7"), "404");
    EXPECT_EQ(t.ask("/q/3/z"), "/q/:a.b/z [3]");
    EXPECT_EQ(t.ask("/p/prefix"), "/p/prefix");
    EXPECT_EQ(t.ask("/p/prefi"), "/p/pre:id [fi]");
    EXPECT_EQ(t.ask("/p/pr"), "/p/:all [pr]");
    EXPECT_EQ(t.ask("/p/pre"), "/p/:all [pre]");
}

TEST(Router, WildcardBesideOtherRoutes) {
    Table t;
    t.get("/foo/*rest")
        .get("/foo/bar")
        .get("/foo/:id/x")
        .get("/foo/:id/deep/*more")
        .get("/foobar")
        .get("/foo/bar/")
        .build();
    EXPECT_EQ(t.ask("/foo/"), "/foo/*rest [/]");
    EXPECT_EQ(t.ask("/foo"), "-> /foo/");
    EXPECT_EQ(t.ask("/foobar"), "/foobar");
    EXPECT_EQ(t.ask("/foo/bar"), "/foo/bar");
    EXPECT_EQ(t.ask("/foo/bar/"), "/foo/bar/");
    EXPECT_EQ(t.ask("/foo/bar/baz"), "/foo/*rest [/bar/baz]");
    EXPECT_EQ(t.ask("/foo/1/x"), "/foo/:id/x [1]");
    EXPECT_EQ(t.ask("/foo/1/y"), "/foo/*rest [/1/y]");
    EXPECT_EQ(t.ask("/foo/1/deep/a//b"), "/foo/:id/deep/*more [1] [/a//b]");
    EXPECT_EQ(t.ask("/foo/1/deep"), "/foo/*rest [/1/deep]");
    EXPECT_EQ(t.ask(Method::post, "/foo/1/y"), "405 GET");
}

TEST(Router, RootWildcardTakesWhatIsLeft) {
    Table t;
    t.get("/*all").get("/a").add(Method::post, "/p").build();
    EXPECT_EQ(t.ask("/"), "/*all [/]");
    EXPECT_EQ(t.ask("/a"), "/a");
    EXPECT_EQ(t.ask("/p"), "/*all [/p]");
    EXPECT_EQ(t.ask("//x"), "/*all [//x]");
    EXPECT_EQ(t.ask(Method::post, "/x"), "405 GET");
}

TEST(Router, DebugEndpoint) {
    Table t;
    for (Method m : {Method::get, Method::post, Method::put, Method::patch, Method::head, Method::options, Method::del,
                     Method::connect, Method::trace})
        t.add(m, "/__debug/*any");
    t.get("/a").build();
    EXPECT_EQ(t.ask("/__debug/"), "/__debug/*any [/]");
    EXPECT_EQ(t.ask("/__debug/any/thing"), "/__debug/*any [/any/thing]");
    EXPECT_EQ(t.ask(Method::options, "/__debug/x"), "/__debug/*any [/x]");
    EXPECT_EQ(t.ask("/__debug"), "-> /__debug/");
    EXPECT_EQ(t.ask("/__echo/x"), "404");
    EXPECT_EQ(t.ask(Method::other, "/__debug/x"), "405 GET, POST, PUT, PATCH, HEAD, OPTIONS, DELETE, CONNECT, TRACE");
    EXPECT_EQ(t.ask(Method::connect, "/__debug"), "404") << "CONNECT is never redirected";
}

TEST(Router, MethodsHaveTheirOwnRoutes) {
    Table t;
    t.get("/users/me").add(Method::put, "/users/:id").add(Method::del, "/users/:name/x").build();
    EXPECT_EQ(t.ask(Method::put, "/users/me"), "/users/:id [me]");
    EXPECT_EQ(t.ask(Method::del, "/users/me/x"), "/users/:name/x [me]");
    EXPECT_EQ(t.ask(Method::post, "/users/me"), "405 GET, PUT");
    EXPECT_EQ(t.ask(Method::post, "/users/you"), "405 PUT");
}

TEST(Router, NotAllowedListsMethodsInConfigurationOrder) {
    Table t;
    t.get("/thing/:id")
        .add(Method::put, "/thing/:id")
        .add(Method::del, "/thing/:id")
        .add(Method::post, "/only-post")
        .build();
    for (Method m : {Method::patch, Method::post, Method::head, Method::options, Method::other})
        EXPECT_EQ(t.ask(m, "/thing/1"), "405 GET, PUT, DELETE");
    EXPECT_EQ(t.ask("/only-post"), "405 POST");
    EXPECT_EQ(t.ask(Method::post, "/nothing/here"), "404");
    Table o;
    o.add(Method::put, "/a").add(Method::del, "/b").get("/b").add(Method::put, "/b").build();
    EXPECT_EQ(o.ask(Method::post, "/b"), "405 PUT, DELETE, GET");
    Table off;
    off.get("/a").build({.disable_handle_method_not_allowed = true});
    EXPECT_EQ(off.ask(Method::put, "/a"), "404");
}

TEST(Router, AutoOptions) {
    Table t;
    t.get("/a/:id")
        .add(Method::put, "/a/:id")
        .add(Method::del, "/a/:id")
        .add(Method::post, "/b")
        .get("/w/*r")
        .build({.auto_options = true});
    EXPECT_EQ(t.ask(Method::options, "/a/1"), "200 DELETE, GET, PUT");
    EXPECT_EQ(t.ask(Method::options, "/b"), "200 POST");
    EXPECT_EQ(t.ask(Method::options, "/w/x"), "200 GET");
    EXPECT_EQ(t.ask(Method::options, "/c"), "404");
    EXPECT_EQ(t.ask(Method::del, "/b"), "405 POST, OPTIONS");
    EXPECT_EQ(t.ask("/a/1"), "/a/:id [1]");
    Table own;
    own.get("/x").add(Method::options, "/x").build({.auto_options = true});
    EXPECT_EQ(own.ask(Method::options, "/x"), "/x");
}

TEST(Router, Redirects) {
    Table t;
    t.get("/docs").get("/docs/:id").get("/folder/").add(Method::post, "/docs").get("/__health").build();
    EXPECT_EQ(t.ask("/docs/"), "-> /docs");
    EXPECT_EQ(t.ask(Method::post, "/docs/"), "-> /docs");
    EXPECT_EQ(t.ask("/folder"), "-> /folder/");
    EXPECT_EQ(t.ask("/docs/9/"), "-> /docs/9");
    EXPECT_EQ(t.ask("/DOCS"), "=> /docs");
    EXPECT_EQ(t.ask("/DOCS/"), "=> /docs");
    EXPECT_EQ(t.ask("/Folder"), "=> /folder/");
    EXPECT_EQ(t.ask("/Docs/AbC"), "=> /docs/AbC");
    EXPECT_EQ(t.ask("//docs"), "=> /docs");
    EXPECT_EQ(t.ask("/docs/../docs"), "=> /docs");
    EXPECT_EQ(t.ask("/docs//9"), "=> /docs/9");
    EXPECT_EQ(t.ask("/docs/."), "/docs/:id [.]");
    EXPECT_EQ(t.ask(Method::post, "/DOCS"), "=> /docs");
    EXPECT_EQ(t.ask("/__HEALTH"), "=> /__health");
    EXPECT_EQ(t.ask("/__health/"), "-> /__health");
    EXPECT_EQ(t.ask(Method::put, "/docs/"), "404") << "no route of that method anywhere: no redirect";
    EXPECT_EQ(t.ask("/"), "404");
    EXPECT_EQ(t.ask(""), "404");
}

TEST(Router, RedirectsTurnedOff) {
    Table t;
    t.get("/docs").get("/docs/:id").get("/folder/").add(Method::put, "/w");
    t.build({.disable_redirect_trailing_slash = true, .disable_redirect_fixed_path = true});
    for (auto p : {"/docs/", "/folder", "/DOCS", "//docs", "/docs/9/"})
        EXPECT_EQ(t.ask(p), "404") << p;
    EXPECT_EQ(t.ask("/folder/"), "/folder/");
    EXPECT_EQ(t.ask(Method::put, "/w/"), "404");
    Table half;
    half.get("/docs").build({.disable_redirect_trailing_slash = true});
    EXPECT_EQ(half.ask("/docs/"), "=> /docs") << "the fixed path covers the slash, as in gin";
    Table other;
    other.get("/docs").build({.disable_redirect_fixed_path = true});
    EXPECT_EQ(other.ask("/docs/"), "-> /docs");
    EXPECT_EQ(other.ask("/DOCS"), "404");
}

TEST(Router, RemoveExtraSlash) {
    Table t;
    t.get("/docs").get("/x/:id/y").build({.remove_extra_slash = true});
    EXPECT_EQ(t.ask("//docs"), "/docs");
    EXPECT_EQ(t.ask("/x//9///y"), "/x/:id/y [9]");
    EXPECT_EQ(t.ask("/docs//"), "-> /docs/");
    EXPECT_EQ(t.ask("/x/../docs"), "/docs");
}

TEST(Router, NoRedirectToAnotherHost) {
    Table t;
    t.get("/:a/:b").get("/x/:a/:b/").build();
    EXPECT_EQ(t.ask("//evil.test/"), "-> /evil.test");
    EXPECT_EQ(t.ask("/x//evil.test"), "-> /x/evil.test/");
}

TEST(Router, CleansAsGin) {
    struct {
        const char *path, *clean;
    } table[] = {{"", "/"},
                 {"/", "/"},
                 {"a", "/a"},
                 {"//", "/"},
                 {"/a//b", "/a/b"},
                 {"/a/.", "/a/"},
                 {"/a/./b/", "/a/b/"},
                 {"/a/..", "/"},
                 {"/a/../", "/"},
                 {"/../../a", "/a"},
                 {"/a/b/..", "/a"},
                 {"/a/b/../", "/a/"},
                 {"/.a/..b/c.", "/.a/..b/c."},
                 {"/a/b/../../..//c", "/c"},
                 {"..", "/"},
                 {"/...", "/..."},
                 {"/a/...", "/a/..."}};
    Arena arena;
    for (auto& row : table) {
        EXPECT_EQ(clean_route_path(row.path, arena), row.clean) << row.path;
        EXPECT_EQ(oracle::clean(row.path), row.clean) << row.path;
    }
    std::string_view same = "/already/clean/";
    EXPECT_EQ(clean_route_path(same, arena).data(), same.data()) << "no copy";
}

TEST(Router, RefusesWithGinsTexts) {
    Table t;
    t.get("/a").get("/u/:a").get("/w/*any");
    EXPECT_EQ(t.error(Method::get, "/a"), "handlers are already registered for path '/a'");
    EXPECT_EQ(t.error(Method::get, "/u/:b/c"),
              "':b' in new path '/u/:b/c' conflicts with existing wildcard ':a' in existing prefix '/u/:a'");
    EXPECT_EQ(t.error(Method::get, "/u/:ab"),
              "':ab' in new path '/u/:ab' conflicts with existing wildcard ':a' in existing prefix '/u/:a'");
    EXPECT_EQ(t.error(Method::get, "/w/*other"),
              "'*other' in new path '/w/*other' conflicts with existing wildcard '*any' in existing prefix '/w/*any'");
    EXPECT_EQ(t.error(Method::get, "/w/*any"), "handlers are already registered for path '/w/*any'");
    EXPECT_EQ(t.error(Method::get, "/a/*"), "wildcards must be named with a non-empty name in path '/a/*'");
    EXPECT_EQ(t.error(Method::get, "/a/:"), "wildcards must be named with a non-empty name in path '/a/:'");
    EXPECT_EQ(t.error(Method::get, "/a/:/b"), "wildcards must be named with a non-empty name in path '/a/:/b'");
    EXPECT_EQ(t.error(Method::get, "/x/:a.:b"),
              "only one wildcard per path segment is allowed, has: ':a.:b' in path '/x/:a.:b'");
    EXPECT_EQ(t.error(Method::get, "/x/*a/b"),
              "catch-all routes are only allowed at the end of the path in path '/x/*a/b'");
    EXPECT_EQ(t.error(Method::get, "/x/a*b"), "no / before catch-all in path '/x/a*b'");
    EXPECT_EQ(t.error(Method::get, "a"), "path must begin with '/'");
    EXPECT_EQ(t.error(Method::get, ""), "path must begin with '/'");
    EXPECT_NE(t.error(Method::other, "/z"), "");
    EXPECT_NE(t.error(Method::get, ("/" + std::string(kMaxPatternBytes, 'a')).c_str()), "");
    EXPECT_EQ(t.error(Method::post, "/u/:b"), "") << "another method may use another name";
    std::string many;
    for (uint32_t i = 0; i < kMaxParams; ++i)
        many += "/:p";
    EXPECT_EQ(t.error(Method::get, many.c_str()), "") << "the same name twice is fine";
    EXPECT_NE(t.error(Method::get, (many + "/:p").c_str()), "");
}

TEST(Router, ARefusedRouteLeavesNoTrace) {
    Table t;
    t.get("/a/:x/b");
    EXPECT_NE(t.error(Method::get, "/a/:x/:one/:one/*"), "");
    EXPECT_NE(t.error(Method::get, "/new/:n/x/*a/b"), "");
    EXPECT_NE(t.error(Method::get, "/a/:y/c/d/e/f"), "");
    t.get("/new/:other").get("/a/:x/:two").get("/a/:x/b/long/way").build();
    EXPECT_EQ(t.ask("/new/1"), "/new/:other [1]");
    EXPECT_EQ(t.ask("/a/1/2"), "/a/:x/:two [1] [2]");
    EXPECT_EQ(t.ask("/a/1/c/d/e/f"), "404");
    Table same;
    same.get("/a/:x/b").get("/new/:other").get("/a/:x/:two").get("/a/:x/b/long/way").build();
    EXPECT_EQ(t.router.node_count(), same.router.node_count());
    Table half;  // refused only after its first parameter was walked past
    half.get("/a/b/:x");
    EXPECT_NE(half.error(Method::get, "/a/b/:y"), "");
    half.get("/a/:p").build();
    EXPECT_EQ(half.ask("/a/q"), "/a/:p [q]");
    EXPECT_EQ(half.ask("/a/b/q"), "/a/b/:x [q]");
}

TEST(Router, EncodedParams) {
    struct {
        const char *value, *error;
    } table[] = {{"a b", ""},
                 {"caf\xc3\xa9", ""},
                 {"x\"y<z+", ""},
                 {"a?b", "error: encoded url params"},
                 {"a#b", "error: encoded url params"},
                 {"a%41", "error: encoded url params"},
                 {"%2f", "error: encoded url params"},
                 {"100%", "error: invalid URL escape \"%\""},
                 {"%4", "error: invalid URL escape \"%4\""},
                 {"%zzz", "error: invalid URL escape \"%zz\""},
                 {"?%41%", "error: invalid URL escape \"%\""},
                 {"%\"\n", "error: invalid URL escape \"%\\\"\\n\""},
                 {"%\xff\x01", "error: invalid URL escape \"%\\xff\\x01\""}};
    Table t;
    t.get("/f/:first/:name").build();
    for (auto& row : table) {
        std::string path = std::string("/f/ok/") + row.value;
        t.router.find(Method::get, path, t.arena, t.match);
        ASSERT_EQ(t.match.kind, RouteMatch::found) << path;
        EXPECT_EQ(encoded_params_error(t.match, t.arena), row.error) << path;
    }
}

TEST(Router, EmptyAndOdd) {
    Table none;
    none.build();
    EXPECT_EQ(none.ask("/"), "404");
    Router fresh;
    RouteMatch m;
    fresh.find(Method::get, "/", none.arena, m);
    EXPECT_EQ(m.kind, RouteMatch::not_found);
    Table t;
    t.get("/").get("/a").build();
    EXPECT_EQ(t.ask("/"), "/");
    EXPECT_EQ(t.ask(""), "-> /") << "an absolute-form target without a path";
    EXPECT_EQ(t.ask("*"), "404");
    EXPECT_EQ(t.ask(std::string_view("/a\0", 3)), "404");
    EXPECT_EQ(t.ask("/:x"), "404");
}

TEST(Router, ManyBytesAtOneFork) {
    Table t;
    std::vector<std::string> paths;
    for (int c = 1; c < 256; ++c)
        if (c != ':' && c != '*' && c != '/') paths.push_back(std::string("/k") + static_cast<char>(c) + "z");
    for (auto& p : paths)
        t.get(p.c_str());
    t.build();
    for (auto& p : paths)
        EXPECT_EQ(t.ask(p), p);
    EXPECT_EQ(t.ask("/k"), "404");
}

// Each level offers a fixed segment and a parameter, and only the very last pattern fits: a search that forgets where
// it has been would take 2^n steps. Here the tree itself is small, because each pair of alternatives costs the operator
// a route.
TEST(Router, LongPathsAndDeepTreesEnd) {
    Table t;
    std::vector<std::string> patterns;
    for (int level = 0; level < 30; ++level) {
        std::string p;
        for (int i = 0; i < 30; ++i)
            p += i == level ? "/:p" : "/a";
        patterns.push_back(p + "/end");
    }
    for (auto& p : patterns)
        t.get(p.c_str());
    std::string deep(8000, 'x');  // one node per byte, each with an alternative
    for (size_t i = 1; i < deep.size(); i += 40)
        patterns.push_back("/" + deep.substr(0, i) + ":p/tail" + std::to_string(i));
    for (size_t i = 30; i < patterns.size(); ++i)
        t.get(patterns[i].c_str());
    t.build();
    std::string path;
    for (int i = 0; i < 30; ++i)
        path += "/a";
    EXPECT_EQ(t.ask(path + "/none"), "404");
    EXPECT_EQ(t.ask(path + "/end").substr(0, 10), "/a/a/a/a/a");
    std::string mib = "/" + std::string(1 << 20, 'x');
    for (int i = 0; i < 200; ++i)
        EXPECT_EQ(t.ask(mib + "/no"), "404");
    EXPECT_EQ(t.ask(mib + "/tail1").substr(0, 12), "/x:p/tail1 [");
    EXPECT_EQ(t.ask(std::string(1 << 20, '/')), "404");
    std::string dots;
    for (int i = 0; i < 300000; ++i)
        dots += "/..";
    EXPECT_EQ(t.ask(dots), "404");
}

TEST(Router, TenThousandRoutesAreSmall) {
    RouterBuilder b;
    for (uint32_t i = 0; i < 10000; ++i) {
        auto r = b.add(i % 3 ? Method::get : Method::post,
                       "/api/v1/service" + std::to_string(i / 10) + "/thing" + std::to_string(i) + "/:id/detail", i);
        ASSERT_TRUE(r);
    }
    Router router = std::move(b).build({});
    EXPECT_LT(router.memory_bytes(), 2u << 20);
    Arena arena;
    RouteMatch m;
    for (uint32_t i = 0; i < 10000; ++i) {
        std::string path = "/api/v1/service" + std::to_string(i / 10) + "/thing" + std::to_string(i) + "/x" +
                           std::to_string(i) + "/detail";
        router.find(i % 3 ? Method::get : Method::post, path, arena, m);
        ASSERT_EQ(m.kind, RouteMatch::found) << path;
        ASSERT_EQ(m.target, i);
        ASSERT_EQ(m.param(0), "x" + std::to_string(i));
        char* next = arena.chars(0);
        ASSERT_EQ(reinterpret_cast<const char*>(m.spans + 1), next) << "a hit takes room for its parameters only";
        arena.reset();
    }
}

TEST(Router, AgreesWithTheNaiveMatcher) {
    std::mt19937 random(20240607);
    std::vector<uint8_t> bytes;
    for (int round = 0; round < 4000; ++round) {
        bytes.resize(100 + random() % 500);
        for (auto& b : bytes)
            b = static_cast<uint8_t>(random());
        ASSERT_EQ(oracle::run({bytes.data(), bytes.size()}), "") << "round " << round;
    }
}

}  // namespace
}  // namespace gladius::plan
