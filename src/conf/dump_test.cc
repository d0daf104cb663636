#include "conf/dump.h"

#include <gtest/gtest.h>

#include "conf/schema.h"
#include "conf/test_support.h"

using namespace gladius::conf;

namespace {
const char* kConfig =
    R"({"version":3,"name":"my gateway","port":28506,"cache_ttl":"1m","extra_config":{"telemetry/logging":{"level":"ERROR","stdout":true}},
    "endpoints":[{"endpoint":"/a/{id}","extra_config":{"qos/ratelimit/router":{"max_rate":5}},"input_query_strings":["q"],"timeout":"700ms",
    "backend":[{"url_pattern":"/x/{id}","host":["http://backend.test:8081"],"group":"g"},{"url_pattern":"/y","host":["http://backend.test:8081"],"method":"POST"}]}]})";

std::string dumped(const char* config, int level, std::string_view indent = "\t") {
    LoadResult r = load(config);
    return r.service ? dump(*r.service, level, indent) : "";
}
bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}
}  // namespace

TEST(Dump, LevelOneIsThatOfTheReference) {
    EXPECT_EQ(dumped(kConfig, 1),
              "Global settings\n\tName: my gateway\n\tVersion: 3\n\tAddress: \n\tPort: 28506\n1 global component "
              "configuration(s):\n- telemetry/logging\n"
              "1 API endpoint(s):\n\t- GET /a/:id\n\tTimeout: 700ms\n\tQueryString: [q]\n\t1 endpoint component "
              "configuration(s):\n\t- qos/ratelimit/router\n"
              "\tConnecting to 2 backend(s):\n\t\t[+] GET /x/{{.Id}}\n\t\tTimeout: 700ms\n\t\tHosts: "
              "[http://backend.test:8081]\n\n"
              "\t\t[+] POST /y\n\t\tTimeout: 700ms\n\t\tHosts: [http://backend.test:8081]\n\n0 async agent(s):\n");
    EXPECT_TRUE(has(dumped(kConfig, 1, ">>"), ">>>>[+] GET /x/{{.Id}}\n>>>>Timeout: 700ms\n"));
    EXPECT_EQ(dumped(kConfig, 0), "");
}

TEST(Dump, LevelTwoAddsDefaultsAndComponents) {
    std::string text = dumped(kConfig, 2);
    EXPECT_TRUE(has(text,
                    "\tDefault cache TTL: 1m0s\n\tDefault timeout: 2s\n\tDefault backend hosts: []\n\tNo TLS section "
                    "defined\n\tNo Plugin section defined\n"
                    "1 global component configuration(s):\n- telemetry/logging\n\tlevel: ERROR\n\tstdout: true\n"));
    EXPECT_TRUE(has(text,
                    "\tTimeout: 700ms\n\tQueryString: [q]\n\tCacheTTL: 1m0s\n\tHeaders to pass: []\n\tOutputEncoding: "
                    "json\n\tConcurrent calls: 1\n\t1 endpoint component"));
    EXPECT_EQ(dumped("{\"version\":3,\"timeout\":\"2s\"}", 2),
              "Global settings\n\tName: \n\tVersion: 3\n\tAddress: \n\tPort: 8080\n\tDefault cache TTL: 0s\n\tDefault "
              "timeout: 2s\n\tDefault backend hosts: []\n"
              "\tNo TLS section defined\n\tNo Plugin section defined\n0 global component configuration(s):\n0 API "
              "endpoint(s):\n0 async agent(s):\n");
}

TEST(Dump, LevelThreeAddsTheTransport) {
    EXPECT_TRUE(has(dumped(kConfig, 3), "\tMax idle connections per host: 250\n"));
}

TEST(Dump, ShowsAsyncAgents) {
    std::string text = dumped(
        R"({"version":3,"async_agent":[{"name":"agent one","connection":{"max_retries":2,"backoff_strategy":"linear"},
        "consumer":{"topic":"t.*","workers":1,"timeout":"200ms","max_rate":0.5},"backend":[{"url_pattern":"/x/{none}","host":["http://backend.test"]}],
        "extra_config":{"async/amqp":{"name":"q"}}}]})",
        2);
    EXPECT_TRUE(
        has(text,
            "1 async agent(s):\n\t- agent one\n\tEncoding: \n\tConsumer Timeout: 200ms\n\tConsumer Workers: "
            "1\n\tConsumer Topic: t.*\n"
            "\tConsumer Max Rate: 0.500000\n\tConnection Max Retries: 2\n\tConnection Backoff Strategy: linear\n"));
    EXPECT_TRUE(has(text, "\t\t[+] GET /x/{none}\n\t\tTimeout: 200ms\n"));
}

TEST(Schema, IsJsonAndKnowsEveryField) {
    Diagnostics d;
    auto doc = parse_json("schema.json", json_schema(), d);
    ASSERT_TRUE(doc) << d.text();
    EXPECT_EQ(d.all().size(), 0u) << d.text();  // no key twice: no two tables of one name
    Node root = doc->root();
    for (const Field& f : kServiceTable.fields)
        EXPECT_TRUE(root.find("properties").find(f.name)) << f.name;
    Node defs = root.find("$defs");
    for (const Field& f : kEndpointTable.fields)
        EXPECT_TRUE(defs.find("endpoint").find("properties").find(f.name)) << f.name;
    EXPECT_EQ(root.find("properties").find("port").find("maximum").text(), "65535");
    EXPECT_TRUE(root.find("properties").find("extra_config").find("properties").find("security/cors"));
    EXPECT_FALSE(root.find("properties").find("extra_config").find("properties").find("backend/lambda"));
    EXPECT_EQ(root.find("properties").find("extra_config").find("properties").find("router").find("$ref").text(),
              "#/$defs/router");
    EXPECT_TRUE(defs.find("router"));
}

TEST(Schema, MarkdownHasEveryTable) {
    std::string text = markdown_reference();
    EXPECT_TRUE(has(text, "## the configuration"));
    EXPECT_TRUE(has(text, "| `port` | a whole number | `8080` | 0.1 | Port that is listened on. |"));
    EXPECT_TRUE(has(text, "## `router`"));
    EXPECT_TRUE(has(text,
                    "| `auth/validator` | `github.com/devopsfaith/krakend-jose/validator` | service, endpoint | "
                    "protective | no |"));
}
