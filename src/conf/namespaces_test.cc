#include "conf/namespaces.h"

#include <gtest/gtest.h>

#include "conf/test_support.h"

using namespace gladius::conf;

namespace {
constexpr Severity kError = Severity::error;
constexpr Severity kWarning = Severity::warning;
using How = Resolved::How;

LoadResult guarded(const std::string& ns, const std::string& value = "{}", const LoadOptions& o = {}) {
    return load(
        with_endpoint("\"endpoint\":\"/guarded\",\"extra_config\":{\"" + ns + "\":" + value + "}," + kGoodBackend), o);
}
LoadResult at_service(const std::string& ns, const std::string& value = "{}") {
    return load("{\"version\":3,\"extra_config\":{\"" + ns + "\":" + value + "}}");
}
}  // namespace

TEST(Namespaces, ResolveShortLongAndMisspeltNames) {
    EXPECT_EQ(resolve_namespace("auth/validator").how, How::exact);
    Resolved alias = resolve_namespace("github.com/devopsfaith/krakend-jose/validator");
    EXPECT_EQ(alias.how, How::exact);
    EXPECT_EQ(alias.info->name, "auth/validator");
    EXPECT_EQ(resolve_namespace("github_com/devopsfaith/krakend-cors").info->name, "security/cors");
    for (const char* s :
         {"github_com/devopsfaith/krakend-jose/validator", "Auth/Validator", "auth-validator", "auth/validater",
          "auth.validator", "auth/validator/", " auth/validator", "auth_validator", "authvalidator"}) {
        Resolved r = resolve_namespace(s);
        EXPECT_EQ(r.how, How::misspelt) << s;
        ASSERT_TRUE(r.info) << s;
        EXPECT_EQ(r.info->name, "auth/validator") << s;
        EXPECT_TRUE(r.protective) << s;
    }
    Resolved dead = resolve_namespace("github.com/devopsfaith/krakend-ratelimit/juju/router");
    EXPECT_EQ(dead.how, How::misspelt);
    EXPECT_EQ(dead.info->name, "qos/ratelimit/router");
    EXPECT_EQ(resolve_namespace("qos/rate-limit/router").info->name, "qos/ratelimit/router");
    EXPECT_EQ(resolve_namespace("@auth/validator").how, How::comment);
}

TEST(Namespaces, UnknownNamesOfProtectiveFamiliesAreProtective) {
    for (const char* s : {"auth/authorization",
                          "security/jwt",
                          "security/authorization",
                          "validation/xml",
                          "qos/ratelimit/other",
                          "governance/x",
                          "modifier/lua",
                          "Auth/Whatever",
                          "autth/authorization",
                          "github.com/devopsfaith/krakend-jose/other",
                          "GitHub_com/devopsfaith/krakend-cel/x",
                          "github.com/krakend/krakend-jose/validator",
                          "github.com/krakendio/krakend-ratelimit/v3/router",
                          "qos/router/ratelimit",
                          "qos/limit",
                          "qos/quota",
                          "ratelimit/router",
                          "rate-limit/proxy",
                          "plugin/ip-filter",
                          "plugin/geoip",
                          "plugin/basic_auth",
                          "Plugin/IP-Filter"}) {
        Resolved r = resolve_namespace(s);
        EXPECT_NE(r.how, How::exact) << s;
        EXPECT_TRUE(r.protective) << s;
    }
    for (const char* s : {"my/own", "other/thing", "empty", "telemetry/nothing", "router/health-check",
                          "documentation/x", "server/logger", "votechain/thing", "plugin/logger",
                          "github.com/someone/thing", "github.com", "github.com/", "ratelimit", "qos/other"}) {
        EXPECT_FALSE(resolve_namespace(s).protective) << s;
    }
}

TEST(Namespaces, EveryNameAndAliasIsItself) {
    for (const NamespaceInfo& row : known_namespaces()) {
        EXPECT_EQ(resolve_namespace(row.name).info, &row) << row.name;
        EXPECT_EQ(resolve_namespace(row.name).how, How::exact) << row.name;
        if (!row.alias.empty()) {
            EXPECT_EQ(resolve_namespace(row.alias).info, &row) << row.alias;
        }
        EXPECT_NE(row.levels, 0) << row.name;
    }
}

TEST(Namespaces, ProtectiveOnesThatAreNotBuiltRefuse) {
    LoadResult r = guarded("auth/validator", "{\"alg\":\"RS256\"}");
    EXPECT_FALSE(r.ok());
    EXPECT_TRUE(said(r, kError,
                     "endpoint GET /guarded: \"auth/validator\" is not built yet, and what it protects would be open"));
    EXPECT_TRUE(said(r, kError, "--allow-unsupported"));
    LoadResult wrong = guarded("github_com/devopsfaith/krakend-jose/validator");
    EXPECT_TRUE(said(wrong, kError, "/guarded"));
    EXPECT_TRUE(
        said(wrong, kError,
             "\"github_com/devopsfaith/krakend-jose/validator\" is not how \"auth/validator\" is written here"));
    EXPECT_TRUE(said(guarded("auth/authorization"), kError,
                     "/guarded: \"auth/authorization\" is no namespace of the reference"));
    EXPECT_FALSE(guarded("auth/validator", "null").ok());
    EXPECT_FALSE(at_service("security/cors").ok());
    EXPECT_FALSE(at_service("github.com/devopsfaith/krakend-cors").ok());
    EXPECT_FALSE(
        load(with_backend(R"("url_pattern":"/","host":["http://h"],"extra_config":{"qos/ratelimit/proxy":{}})")).ok());
}

TEST(Namespaces, AtALevelWhereItDoesNothingAProtectionRefuses) {
    LoadResult r = guarded("qos/ratelimit/proxy");
    EXPECT_TRUE(said(r, kError,
                     "endpoint GET /guarded: \"qos/ratelimit/proxy\" does nothing at endpoint level, so what it "
                     "protects would be open; write it at backend level"));
    EXPECT_TRUE(said(at_service("gladius/limits"), kWarning, "") || at_service("gladius/limits").ok());
    EXPECT_FALSE(guarded("gladius/limits").ok());
    EXPECT_TRUE(
        said(guarded("router"), kWarning, "\"router\" does nothing at endpoint level; write it at service level"));
}

TEST(Namespaces, AllowUnsupportedTurnsRefusalsIntoWarnings) {
    LoadOptions o;
    o.allow_unsupported = true;
    for (const char* ns : {"auth/validator", "auth/authorization", "Auth/Validator", "qos/ratelimit/proxy"}) {
        LoadResult r = guarded(ns, "{}", o);
        EXPECT_TRUE(r.ok()) << ns << text_of(r);
        EXPECT_TRUE(said(r, kWarning, "/guarded")) << ns;
    }
}

TEST(Namespaces, ShapingAndForeignOnesWarnOrNote) {
    LoadResult martian =
        load(with_backend(R"("url_pattern":"/","host":["http://h"],"extra_config":{"modifier/martian":{}})"));
    EXPECT_TRUE(martian.ok());
    EXPECT_TRUE(said(martian, kWarning, "\"modifier/martian\" is not built yet and has no effect"));
    LoadResult own = guarded("my/own", "[1,2]");
    EXPECT_TRUE(own.ok());
    EXPECT_TRUE(said(own, Severity::note, "\"my/own\" is no namespace"));
    EXPECT_EQ(own.diagnostics.count(kWarning), 0u);
    EXPECT_EQ(guarded("documentation/openapi").diagnostics.count(kWarning), 0u);
    EXPECT_TRUE(said(guarded("votechain/auth"), kWarning, "votechain/auth"));
    EXPECT_EQ(guarded("@auth/validator").diagnostics.all().size(), 0u);
}

TEST(Namespaces, ProxyFieldsAreReadAsTheReferenceReadsThem) {
    LoadResult r = guarded("proxy", R"({"sequential":"yes","static":{"data":[],"strategy":"seldom"},"sequental":1})");
    EXPECT_TRUE(r.ok());
    EXPECT_FALSE(r.service->endpoints[0].proxy.sequential);
    EXPECT_FALSE(r.service->endpoints[0].proxy.static_data.data);
    EXPECT_TRUE(said(r, kWarning, "did you mean \"sequential\"?"));
    EXPECT_TRUE(said(r, kWarning, "has no \"data\" that is an object"));
    EXPECT_TRUE(said(guarded("proxy", R"({"sequential":true})"), kWarning, "fewer than two backends"));
    EXPECT_TRUE(said(guarded("proxy", R"({"shadow":true})"), kWarning, "does nothing at an endpoint"));
    EXPECT_EQ(guarded("proxy", R"({"sequential":false})").diagnostics.count(kWarning), 0u);
    LoadResult shadow =
        load(with_backend(R"("url_pattern":"/","host":["http://h"],"extra_config":{"proxy":{"shadow":true}})"));
    EXPECT_TRUE(said(shadow, kWarning, "has only shadow backends"));
}

TEST(Namespaces, ProtectivePluginsRefuseOthersWarn) {
    auto plugin = [](const std::string& value) {
        return load("{\"version\":3,\"extra_config\":{\"plugin/http-server\":" + value + "}}");
    };
    EXPECT_TRUE(said(plugin(R"({"name":["ip-filter"],"ip-filter":{"CIDR":[]}})"), kError, "the plugin \"ip-filter\""));
    EXPECT_EQ(plugin(R"({"name":["ip-filter"],"ip-filter":{"CIDR":[]}})").diagnostics.count(kError), 1u);
    EXPECT_FALSE(plugin(R"({"name":"basic-auth"})").ok());
    EXPECT_FALSE(plugin(R"({"name":["geoip","jwk-aggregator"]})").ok());
    EXPECT_FALSE(plugin(R"({"name":["redis-rate-limit"]})").ok());
    EXPECT_TRUE(plugin(R"({"name":["static-filesystem","url-rewrite"]})").ok());
    EXPECT_FALSE(load("{\"version\":3,\"extra_config\":{\"github_com/devopsfaith/krakend/transport/http/server/"
                      "handler\":{\"name\":[\"geoip\"]}}}")
                     .ok());
}

TEST(Namespaces, ProtectivePluginsRefuseWhereNothingReadsThem) {
    const std::string value = R"({"name":["ip-filter"],"ip-filter":{}})";
    EXPECT_TRUE(said(guarded("plugin/http-server", value), kError, "/guarded: the plugin \"ip-filter\""));
    EXPECT_FALSE(at_service("plugin/http_server", value).ok());
    EXPECT_FALSE(at_service("Plugin/Http-Server", value).ok());
    EXPECT_FALSE(at_service("plugin/req-resp-modifier", R"({"name":["jwt-check"]})").ok());
    EXPECT_FALSE(at_service("plugin/http-server", R"({"Name":["geoip"]})").ok());
    EXPECT_FALSE(at_service("plugin/http-server", R"({"name":["geoip"],"name":["url-rewrite"]})").ok());
    EXPECT_TRUE(guarded("plugin/http-server", R"({"name":["url-rewrite"]})").ok());
}

TEST(Namespaces, AProtectionUnderTwoNamesRefuses) {
    LoadOptions o;
    const NamespaceInfo built[] = {{"auth/validator", "github.com/devopsfaith/krakend-jose/validator",
                                    static_cast<uint8_t>(Level::endpoint), Posture::protective, true, nullptr}};
    o.namespaces = built;
    LoadResult r = load(with_endpoint(R"("endpoint":"/guarded","extra_config":{"auth/validator":{},)"
                                      R"("github.com/devopsfaith/krakend-jose/validator":{}},)" +
                                      std::string(kGoodBackend)),
                        o);
    EXPECT_TRUE(said(r, kError, "stands here twice, under its short and its old name"));
}

TEST(Namespaces, TheSameUnderTwoNamesCountsOnce) {
    LoadResult r = load(
        R"({"version":3,"extra_config":{"router":{"auto_options":true},"github_com/luraproject/lura/router/gin":{"auto_options":false}}})");
    EXPECT_TRUE(r.ok());
    EXPECT_TRUE(said(r, kWarning, "stands here twice"));
    EXPECT_TRUE(r.service->router.auto_options);
    ASSERT_EQ(r.service->extra_config.entries.size(), 1u);
    EXPECT_EQ(r.service->extra_config.entries[0].name, "router");
}

TEST(Namespaces, AProtectionThatNobodyReadsRefuses) {
    auto endpoint = [](const std::string& members) {
        return load(with_endpoint("\"endpoint\":\"/guarded\"," + members + "," + kGoodBackend));
    };
    EXPECT_TRUE(said(endpoint(R"("auth/validator":{"alg":"RS256"})"), kError,
                     "endpoint GET /guarded: \"auth/validator\" stands outside of extra_config"));
    EXPECT_TRUE(said(endpoint(R"("extra_confg":{"auth/validator":{}})"), kError,
                     "\"auth/validator\" stands in an \"extra_confg\" that nothing reads"));
    EXPECT_TRUE(said(endpoint(R"("extraConfig":{"security/jwt":{}})"), kError,
                     "\"security/jwt\" stands in an \"extraConfig\""));
    EXPECT_TRUE(said(endpoint(R"("extra_config":{"auth/validator":{}},"extra_config":{})"), kError,
                     "because another one follows"));
    EXPECT_TRUE(
        said(endpoint(R"("Extra_Config":{"auth/validator":{}},"extra_config":{})"), kError, "that nothing reads"));
    EXPECT_TRUE(said(endpoint(R"("Extra_Config":{"auth/validator":{}})"), kError, "is not built yet"));
    EXPECT_TRUE(endpoint(R"("extra_confg":{"my/own":{}},"@auth/validator":{},"other/thing":{})").ok());
    EXPECT_FALSE(load(R"({"version":3,"security/cors":{}})").ok());
}

// What a feature of a later issue does: its own row, its own field table.
namespace {
struct Limit {
    double max_rate = 0;
    std::chrono::nanoseconds every = std::chrono::seconds(1);
    std::string strategy;
};
constexpr Field kLimitFields[] = {
    field<&Limit::max_rate>("max_rate", "0", "Requests per `every`.").required(),
    field<&Limit::every>("every", "1s", "What `max_rate` counts."),
    field<&Limit::strategy>("strategy", "", "How clients are told apart.").one_of("ip|header|param"),
};
constexpr FieldTable kLimitTable{"qos/ratelimit/router", kLimitFields, Reading::strict};
const NamespaceInfo kFeatures[] = {
    {"qos/ratelimit/router", "", static_cast<uint8_t>(Level::endpoint), Posture::protective, true, &kLimitTable}};
}  // namespace

TEST(Namespaces, AFeatureFlipsItsRowToBuilt) {
    LoadOptions o;
    o.namespaces = kFeatures;
    LoadResult good = guarded("qos/ratelimit/router", R"({"max_rate":5,"every":"1m","strategy":"ip","@note":"x"})", o);
    EXPECT_TRUE(good.ok()) << text_of(good);
    Limit limit;
    Diagnostics d;
    EXPECT_TRUE(
        Reader(d).read(good.service->endpoints[0].extra_config.find("qos/ratelimit/router"), kLimitTable, &limit));
    EXPECT_EQ(limit.max_rate, 5);
    EXPECT_EQ(limit.every, std::chrono::minutes(1));
    EXPECT_TRUE(said(guarded("qos/ratelimit/router", R"({"maxRate":5})", o), kError,
                     "unknown key \"maxRate\" in qos/ratelimit/router; did you mean \"max_rate\"?"));
    EXPECT_TRUE(said(guarded("qos/ratelimit/router", R"({"every":"1s"})", o), kError,
                     "endpoint GET /guarded: \"qos/ratelimit/router\": \"max_rate\" is missing"));
    EXPECT_TRUE(said(guarded("qos/ratelimit/router", R"({"max_rate":1,"strategy":"cookie"})", o), kError,
                     "\"strategy\" is \"cookie\", known values are ip, header, param"));
    LoadResult text = guarded("qos/ratelimit/router", R"({"max_rate":"5"})", o);
    EXPECT_TRUE(said(text, kError, "expected a number")) << text_of(text);
    EXPECT_FALSE(guarded("qos/ratelimit/router", "null", o).ok());
}
