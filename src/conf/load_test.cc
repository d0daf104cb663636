#include "conf/load.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "conf/test_support.h"

using namespace gladius::conf;
using namespace std::chrono_literals;

namespace {
constexpr Severity kError = Severity::error;
constexpr Severity kWarning = Severity::warning;
using Env = std::vector<std::pair<std::string, std::string>>;
}  // namespace

TEST(Load, FillsDefaultsAndInheritance) {
    LoadResult r = load(R"({"version":3,"timeout":"3s","cache_ttl":"1m","host":["http://root.test/"],"endpoints":[
        {"endpoint":"/a/{id}","input_headers":["x-a","*"],"backend":[{"url_pattern":"b/{id}"},
            {"url_pattern":"/c","host":["http://own.test:8080"],"method":"post","group":"g","mapping":{"a":"b"},"allow":["x","y.z"]}]},
        {"endpoint":"n","method":"put","timeout":"700ms","output_encoding":"no-op","concurrent_calls":2,
         "backend":[{"url_pattern":"/z","input_headers":["authorization"]}]}]})");
    ASSERT_TRUE(r.ok()) << text_of(r);
    const Service& s = *r.service;
    EXPECT_EQ(s.port, 8080);
    EXPECT_EQ(s.max_idle_connections_per_host, 250);
    EXPECT_EQ(s.host, std::vector<std::string>{"http://root.test"});
    EXPECT_EQ(s.output_encoding, "json");
    EXPECT_EQ(s.max_header_bytes, 1 << 20);
    ASSERT_EQ(s.endpoints.size(), 2u);
    const Endpoint& a = s.endpoints[0];
    EXPECT_EQ(a.endpoint, "/a/{id}");
    EXPECT_EQ(a.path, "/a/:id");
    EXPECT_EQ(a.params, std::vector<std::string>{"id"});
    EXPECT_EQ(a.method, "GET");
    EXPECT_EQ(a.timeout, 3s);
    EXPECT_EQ(a.cache_ttl, 1min);
    EXPECT_EQ(a.concurrent_calls, 1);
    EXPECT_EQ(a.output_encoding, "json");
    EXPECT_EQ(a.input_headers, (std::vector<std::string>{"X-A", "*"}));
    ASSERT_EQ(a.backend.size(), 2u);
    EXPECT_EQ(a.backend[0].url_pattern, "/b/{id}");
    EXPECT_EQ(a.backend[0].path_template, "/b/{{.Id}}");
    EXPECT_EQ(a.backend[0].params, std::vector<std::string>{"Id"});
    EXPECT_EQ(a.backend[0].host, s.host);
    EXPECT_EQ(a.backend[0].method, "GET");
    EXPECT_EQ(a.backend[0].encoding, "json");
    EXPECT_EQ(a.backend[0].timeout, 3s);
    EXPECT_EQ(a.backend[0].sd, "static");
    EXPECT_EQ(a.backend[1].method, "POST");
    EXPECT_EQ(a.backend[1].host, std::vector<std::string>{"http://own.test:8080"});
    EXPECT_EQ(a.backend[1].mapping, (TextMap{{"a", "b"}}));
    EXPECT_EQ(a.backend[1].allow, (std::vector<std::string>{"x", "y.z"}));
    const Endpoint& n = s.endpoints[1];
    EXPECT_EQ(n.endpoint, "/n");
    EXPECT_EQ(n.method, "PUT");
    EXPECT_EQ(n.timeout, 700ms);
    EXPECT_EQ(n.backend[0].encoding, "no-op");
    EXPECT_EQ(n.backend[0].method, "PUT");
    EXPECT_EQ(n.backend[0].concurrent_calls, 2);
    EXPECT_EQ(n.backend[0].input_headers, std::vector<std::string>{"Authorization"});
    EXPECT_EQ(n.node.find("timeout").place().line, 4u);
}

TEST(Load, VersionsOtherThanThreeAreRefused) {
    LoadResult two = load(R"({"version":2,"endpoints":[{"endpoint":"/__debug","headers_to_pass":["a"]}]})");
    EXPECT_FALSE(two.ok());
    EXPECT_TRUE(
        said(two, kError,
             "krakend.json:1:12: error: $.version: unsupported version: 2 (want: 3); this is a file for KrakenD 1.x"));
    EXPECT_EQ(two.diagnostics.count(kError), 1u);
    EXPECT_TRUE(said(load("{\"endpoints\":[]}"), kError, "unsupported version: 0 (want: 3); add \"version\": 3"));
    EXPECT_TRUE(said(load("{\"version\":4}"), kError, "unsupported version: 4 (want: 3)"));
    EXPECT_TRUE(load("{\"version\":3.0}").ok());
    LoadResult text = load("{\"version\":\"3\"}");
    EXPECT_TRUE(text.ok());
    EXPECT_TRUE(said(text, kWarning, "\"version\" is the text \"3\", read as the number 3; write 3 without quotes"));
}

TEST(Load, AllErrorsComeInOneRun) {
    LoadResult r = load(R"({"version":3,"listen_ip":"300.1.1.1","port":70000,"timeout":"fast","endpoints":[
        {"endpoint":"/__debug/x","backend":[{"url_pattern":"/","host":["http://h"]}]},
        {"endpoint":"/nob","backend":[]},
        {"endpoint":"/two","output_encoding":"no-op","backend":[{"url_pattern":"/","host":["http://h"]},{"url_pattern":"/","host":["ftp://h"]}]}]})");
    EXPECT_FALSE(r.ok());
    EXPECT_TRUE(said(r, kError, "invalid ip address 300.1.1.1"));
    EXPECT_TRUE(said(r, kError, "\"port\" is 70000, allowed is from 0 to 65535"));
    EXPECT_TRUE(said(r, kError, "'timeout' time: invalid duration \"fast\""));
    EXPECT_TRUE(said(r, kError, "ignoring the ' /__debug/x' endpoint, since it is invalid!!!"));
    EXPECT_TRUE(said(r, kError, "ignoring the ' /nob' endpoint, since it has 0 backends defined!"));
    EXPECT_TRUE(
        said(r, kError, "can not use NoOp encoding with more than one backends connected to the same endpoint"));
    EXPECT_TRUE(said(r, kError, "host ftp://h not valid: invalid host"));
    EXPECT_EQ(r.diagnostics.count(kError), 7u) << text_of(r);
}

TEST(Load, ParametersAreChecked) {
    auto with = [](const char* endpoint, const char* pattern) {
        return load(with_backend(std::string("\"host\":[\"http://h\"],\"url_pattern\":\"") + pattern + "\"",
                                 std::string("\"endpoint\":\"") + endpoint + "\""));
    };
    EXPECT_TRUE(said(with("/a/{x}", "/{yy}"), kError,
                     "undefined output param 'yy'! endpoint: GET /a/:x, backend: 0. input: [x], output: [yy]"));
    EXPECT_TRUE(said(with("/a/{x}", "/{x}/{zz}"), kError,
                     "undefined output param 'zz'! endpoint: GET /a/:x, backend: 0. input: [x], output: [x zz]"));
    EXPECT_TRUE(said(with("/a/{Id}", "/{id}"), kError, "undefined output param 'id'!"));
    EXPECT_TRUE(said(with("/a/{Id}", "/{id}"), kError, "did you mean {Id}?"));
    EXPECT_TRUE(said(with("/a", "/{y}/{z}"), kError,
                     "input and output params do not match. endpoint: GET /a, backend: 0. input: [], output: [y z]"));
    EXPECT_TRUE(with("/a/{x}", "/b").ok());
    EXPECT_TRUE(with("/a/{x}", "/{x}/{resp0_id}/{JWT.sub}").ok());
    LoadResult seq = with("/a/{id_user}", "/{resp0_x}/{id_user}");
    ASSERT_TRUE(seq.ok());
    EXPECT_EQ(seq.service->endpoints[0].backend[0].path_template, "/{{.Resp0_x}}/{{.Id_user}}");
    EXPECT_TRUE(said(with("/a/v{x}", "/b"), kWarning, "the braces are no parameter"));
    LoadResult rest = load(
        R"({"version":3,"disable_rest":true,"endpoints":[{"endpoint":"/file/v{x}","backend":[{"url_pattern":"/b/{x}","host":["http://h"]}]}]})");
    ASSERT_TRUE(rest.ok());
    EXPECT_EQ(rest.service->endpoints[0].path, "/file/v:x");
}

TEST(Load, WildcardsAndCatchAllAreAccepted) {
    LoadResult r = load(std::string("{\"version\":3,\"endpoints\":[{\"endpoint\":\"/st/*\",") + kGoodBackend +
                        "},{\"endpoint\":\"/__catchall\"," + kGoodBackend + "}]}");
    ASSERT_TRUE(r.ok());
    EXPECT_TRUE(r.service->endpoints[0].is_wildcard);
    EXPECT_TRUE(r.service->endpoints[1].is_catch_all);
    EXPECT_FALSE(r.service->endpoints[1].is_wildcard);
}

TEST(Load, UnknownMethodsLoseTheRoute) {
    LoadResult r = load(with_endpoint(std::string("\"endpoint\":\"/m\",\"method\":\"FETCH\",") + kGoodBackend));
    EXPECT_TRUE(r.ok());
    EXPECT_FALSE(r.service->endpoints[0].is_routed);
    EXPECT_TRUE(said(r, kWarning, "[ENDPOINT: /m ] Unsupported method FETCH"));
    EXPECT_EQ(r.diagnostics.count(kWarning), 1u) << text_of(r);
}

TEST(Load, HostsAreCleanedOrExplained) {
    auto host = [](const char* h, const char* more = "") {
        return load(with_backend(std::string("\"url_pattern\":\"/\",\"host\":[\"") + h + "\"]" + more));
    };
    LoadResult bare = host("h.test");
    EXPECT_TRUE(bare.ok());
    EXPECT_TRUE(said(bare, kWarning, "host \"h.test\" has no scheme: http://h.test is used; write \"http://h.test\""));
    EXPECT_EQ(bare.service->endpoints[0].backend[0].host[0], "http://h.test");
    EXPECT_TRUE(said(host("http://h.test/api"), kError,
                     "host http://h.test/api not valid: invalid host; a host has no path: write \"http://h.test\" and "
                     "move \"/api\" to the front of url_pattern"));
    EXPECT_TRUE(said(host("http://u:p@h.test"), kError, "user and password"));
    EXPECT_TRUE(said(host(""), kError, "host  not valid: invalid host"));
    EXPECT_TRUE(host("amqp://u:p@h.test/vh", ",\"disable_host_sanitize\":true").ok());
    EXPECT_TRUE(said(host("h.test", ",\"disable_host_sanitize\":true"), kWarning, "has no scheme and is not cleaned"));
    EXPECT_TRUE(said(host("http://h.test:99999"), kWarning, "no usable port"));
    EXPECT_TRUE(said(host("http://300.1.1.1"), kWarning, "no address and no name"));
    LoadResult none = load(with_backend("\"url_pattern\":\"/x\""));
    EXPECT_TRUE(none.ok());
    EXPECT_TRUE(said(none, kWarning, "no hosts available"));
    EXPECT_TRUE(said(load(R"({"version":3,"host":["http://h.test/x/y"]})"), kError,
                     "$.host[0]: host http://h.test/x/y not valid"));
}

TEST(Load, LooseTypesAreReadWithAWarning) {
    LoadResult r =
        load(R"({"Version":3,"port":"8099","debug_endpoint":"true","host":"http://x","timeout":3000,"cache_ttl":5,
        "name":7,"endpoints":{"endpoint":"/a","concurrent_calls":true,"backend":[{"url_pattern":"/x"}]}})");
    ASSERT_TRUE(r.ok()) << text_of(r);
    const Service& s = *r.service;
    EXPECT_EQ(s.port, 8099);
    EXPECT_TRUE(s.debug_endpoint);
    EXPECT_EQ(s.host, std::vector<std::string>{"http://x"});
    EXPECT_EQ(s.timeout, 3000ns);
    EXPECT_EQ(s.name, "7");
    ASSERT_EQ(s.endpoints.size(), 1u);
    EXPECT_EQ(s.endpoints[0].concurrent_calls, 1);
    EXPECT_TRUE(said(r, kWarning, "\"Version\" is read as \"version\""));
    EXPECT_TRUE(said(r, kWarning, "\"port\" is the text \"8099\", read as the number 8099"));
    EXPECT_TRUE(said(r, kWarning, "\"debug_endpoint\" is \"true\", read as true"));
    EXPECT_TRUE(
        said(r, kWarning, "\"host\" is \"http://x\", read as a list with this one entry; write [\"http://x\"]"));
    EXPECT_TRUE(said(r, kWarning,
                     "timeout: 3000 is 3000 nanoseconds (3µs), as a bare number is read; did you mean \"3000ms\"?"));
    EXPECT_TRUE(said(r, kWarning, "did you mean \"5s\"?"));
    EXPECT_TRUE(said(r, kWarning, "\"endpoints\" is one object"));
}

TEST(Load, ValuesThatCannotBeReadAreErrors) {
    EXPECT_TRUE(said(load(R"({"version":3,"port":"abc"})"), kError, "'port' cannot parse value as 'int'"));
    EXPECT_TRUE(said(load(R"({"version":3,"timeout":{}})"), kError, "\"timeout\" is an object, expected a duration"));
    EXPECT_TRUE(said(load(R"({"version":3,"timeout":"3000"})"), kError, "a unit is missing"));
    EXPECT_TRUE(said(load(R"({"version":3,"endpoints":"x"})"), kError, "'endpoints[0]' expected a map or struct"));
    EXPECT_TRUE(said(load(R"({"version":3,"extra_config":[1]})"), kError, "$.extra_config"));
    EXPECT_TRUE(said(load(R"({"version":3,"endpoints":["x"]})"), kError, "$.endpoints[0]"));
    EXPECT_TRUE(said(load(R"({"version":3,"async_agent":[{"consumer":{"workers":"x"}}]})"), kError,
                     "'workers' cannot parse value as 'int'"));
}

TEST(Load, UnknownKeysWarnWithTheNearestOne) {
    LoadResult r = load(R"({"version":3,"timeot":"2s","@comment":"x","$schema":"y","_n":1,"#o":2,"endpoints":[
        {"endpoint":"/a","headers_to_pass":["a"],"backend":[{"url_pattern":"/x","host":["http://h"],"isCollection":true,"whitelist":["a"],"timeout":"3s"}]}]})");
    EXPECT_TRUE(r.ok());
    EXPECT_TRUE(
        said(r, kWarning,
             "$.timeot: unknown key \"timeot\" in the configuration, which is ignored; did you mean \"timeout\"?"));
    EXPECT_TRUE(said(r, kWarning, "version 3 calls it \"input_headers\""));
    EXPECT_TRUE(said(r, kWarning, "did you mean \"is_collection\"?"));
    EXPECT_TRUE(said(r, kWarning, "version 3 calls it \"allow\""));
    EXPECT_TRUE(said(r, kWarning, "\"timeout\" of a backend is ignored"));
    EXPECT_EQ(r.diagnostics.count(kWarning), 5u) << text_of(r);
}

TEST(Load, TheEnvironmentSetsRootKeys) {
    LoadOptions o;
    Env env = {{"KRAKEND_PORT", "9123"},       {"KRAKEND_TIMEOUT", "3s"},       {"KRAKEND_HOST", "http://e.test"},
               {"KRAKEND_ECHO_ENDPOINT", "1"}, {"KRAKEND_ENDPOINTS_NONE", "x"}, {"PATH", "/bin"}};
    o.environment = env;
    LoadResult r = load(R"({"version":3,"timeout":"1ms","host":["http://f.test"]})", o);
    ASSERT_TRUE(r.ok()) << text_of(r);
    EXPECT_EQ(r.service->port, 9123);
    EXPECT_EQ(r.service->timeout, 3s);
    EXPECT_EQ(r.service->host, std::vector<std::string>{"http://e.test"});
    EXPECT_TRUE(r.service->echo_endpoint);
    EXPECT_EQ(r.diagnostics.count(kWarning), 0u) << text_of(r);
    o.port = 7000;
    EXPECT_EQ(load("{\"version\":3,\"port\":1}", o).service->port, 7000);
    Env bad = {{"KRAKEND_PORT", "tcp://10.0.0.1:8080"}};
    LoadOptions p;
    p.environment = bad;
    LoadResult k = load("{\"version\":3}", p);
    EXPECT_TRUE(said(k, kError, "environment variable KRAKEND_PORT: 'port' cannot parse value as 'int'"));
    EXPECT_TRUE(said(k, kError, "enableServiceLinks"));
}

TEST(Load, DebugOptionServesTheDebugEndpoint) {
    LoadOptions o;
    o.debug = true;
    EXPECT_TRUE(load("{\"version\":3}", o).service->debug_endpoint);
}

TEST(Load, TheEndingOfTheNameDecidesTheFormat) {
    EXPECT_TRUE(said(load_text("c.yaml", "version: 3\n"), kError, "YAML is not supported yet"));
    EXPECT_TRUE(said(load_text("c.toml", "version = 3\n"), kError, "TOML is not supported yet"));
    EXPECT_TRUE(load_text("c.yaml", " {\"version\": 3}").ok());  // JSON is YAML
    EXPECT_TRUE(load_text("c.conf", "{\"version\": 3}").ok());
    EXPECT_TRUE(load_text("conf", "{\"version\": 3}").ok());
}

TEST(Load, FlexibleConfigurationIsNamed) {
    LoadOptions o;
    Env env = {{"FC_ENABLE", "1"}};
    o.environment = env;
    EXPECT_TRUE(said(load("{\"version\": {{ .v }}}", o), kError, "FC_ENABLE asks for flexible configuration"));
    EXPECT_TRUE(load("{\"version\": 3}", o).ok());  // nothing to render
}

TEST(Load, FilesThatCannotBeOpenedGetASentence) {
    LoadResult none = load_file("/nonexistent/none.json");
    EXPECT_FALSE(none.ok());
    EXPECT_EQ(none.service, nullptr);
    EXPECT_TRUE(
        said(none, kError, "/nonexistent/none.json: error: open /nonexistent/none.json: no such file or directory"));
    EXPECT_TRUE(said(load_file("/"), kError, "read /: is a directory"));
}

TEST(Load, ReadsAFile) {
    std::string path = testing::TempDir() + "/gladius_conf_load_test.json";
    std::FILE* f = std::fopen(path.c_str(), "wb");
    ASSERT_TRUE(f);
    std::fputs("{\"version\": 3, \"port\": 8088}", f);
    std::fclose(f);
    LoadResult r = load_file(path);
    std::remove(path.c_str());
    ASSERT_TRUE(r.ok());
    EXPECT_EQ(r.service->port, 8088);
}

TEST(Load, ValuesOfIgnoredKeysAreCheckedAsInTheReference) {
    auto backend = [](const char* members) {
        return load(fmt::format(R"({{"version":3,"endpoints":[{{"endpoint":"/a","backend":[{{"url_pattern":"/x",)"
                                R"("host":["http://h.test"],{}}}]}}]}})",
                                members));
    };
    EXPECT_TRUE(said(backend(R"("timeout":["x"])"), kError, "\"timeout\" is a list, expected a duration"));
    EXPECT_TRUE(said(backend(R"("timeout":"x")"), kError, "invalid duration"));
    EXPECT_TRUE(backend(R"("timeout":"3s","concurrent_calls":"x")").ok());  // not decoded there either
}

// mapstructure lays a list of objects on top of each other where one is expected, and takes {} for no element.
TEST(Load, ListsWhereOneObjectIsExpected) {
    LoadResult r = load(R"({"version":3,"endpoints":[{"endpoint":"/a","backend":[{"url_pattern":"/x",
        "host":["http://h.test"],"mapping":[{"a":"b","c":"d"},{"a":"e"}]}]}]})");
    ASSERT_TRUE(r.ok());
    TextMap merged = r.service->endpoints.at(0).backend.at(0).mapping;
    std::sort(merged.begin(), merged.end());
    EXPECT_EQ(merged, (TextMap{{"a", "e"}, {"c", "d"}}));
    r = load(R"({"version":3,"endpoints":{}})");
    ASSERT_TRUE(r.ok());
    EXPECT_TRUE(r.service->endpoints.empty());
}

TEST(Load, TlsBecomesASpec) {
    LoadResult r = load(R"({"version":3,"tls":{"keys":[{"public_key":"a","private_key":"b","ocsp_response":"o"}],
        "public_key":"c","private_key":"d"}})");
    ASSERT_TRUE(r.ok()) << text_of(r);
    gladius::net::TlsServerSpec s = r.service->tls->spec;
    EXPECT_EQ(s.keys, (std::vector<gladius::net::TlsKeyFiles>{{"a", "b", "o"}, {"c", "d", ""}}));
    EXPECT_EQ(s.min_version, gladius::net::TlsSpec::kTls13);
    EXPECT_EQ(s.max_version, gladius::net::TlsSpec::kTls13);
    EXPECT_EQ(s.suites, (std::vector<uint16_t>{49195, 49199, 49196, 49200, 52393, 52392}));
    EXPECT_TRUE(s.groups.empty());
    EXPECT_TRUE(s.system_cas);
    EXPECT_FALSE(s.client_certificates);

    // Numbers, names and texts of numbers; the order of suites is not the file's.
    r = load(R"({"version":3,"tls":{"keys":[{"public_key":"a","private_key":"b"}],"min_version":"TLS12",
        "cipher_suites":["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",49199,"49195",4865,10,7],"curve_preferences":[24,"x25519",99],
        "enable_mtls":true,"ca_certs":"one.pem","disable_system_ca_pool":true}})");
    ASSERT_TRUE(r.ok()) << text_of(r);
    s = r.service->tls->spec;
    EXPECT_EQ(s.min_version, gladius::net::TlsSpec::kTls12);
    EXPECT_EQ(s.suites, (std::vector<uint16_t>{49195, 49199, 49171}));
    EXPECT_EQ(s.groups, (std::vector<uint16_t>{24, 29}));
    EXPECT_EQ(s.ca_files, std::vector<std::string>{"one.pem"});
    EXPECT_FALSE(s.system_cas);
    EXPECT_TRUE(s.client_certificates);
    EXPECT_TRUE(said(r, kWarning, "the cipher suite 10 is not safe any more and is left out"));
    EXPECT_TRUE(said(r, kWarning, "the cipher suite 7 is not known and is left out"));
    EXPECT_TRUE(said(r, kWarning, "the curve 99 is not known and is left out"));

    r = load(R"({"version":3,"tls":{"max_version":"TLS12","curve_preferences":[99]}})");
    EXPECT_TRUE(said(r, kWarning, "no handshake succeeds"));
    EXPECT_TRUE(said(r, kError, "none of the curves of \"curve_preferences\" is known"));
    EXPECT_TRUE(load(R"({"version":3,"tls":{"disabled":true,"keys":[]}})").ok());
    EXPECT_TRUE(load(R"({"version":3,"tls":{"disabled":"true"}})").ok());
}

TEST(Load, RouterOptionsAreRead) {
    LoadResult r = load(
        R"({"version":3,"extra_config":{"router":{"return_error_msg":true,"error_body":{"404":{"e":"no"}},"health_path":"/up",
        "trusted_proxies":["10.0.0.0/8","nonsense"],"remote_ip_headers":["x-real-ip"],"Auto_Options":true,"max_payload":5,"hide_version_header":"true","odd":1}}})");
    ASSERT_TRUE(r.ok()) << text_of(r);
    const RouterOptions& o = r.service->router;
    EXPECT_TRUE(r.service->has_router);
    EXPECT_TRUE(o.return_error_msg);
    EXPECT_TRUE(o.auto_options);
    EXPECT_FALSE(o.hide_version_header);  // a text is no bool here: ignored as the reference does
    EXPECT_TRUE(o.forwarded_by_client_ip);
    EXPECT_EQ(o.health_path, "/up");
    EXPECT_EQ(o.remote_ip_headers, std::vector<std::string>{"X-Real-Ip"});
    EXPECT_EQ(o.error_body_404.find("e").text(), "no");
    EXPECT_FALSE(o.error_body_405);
    EXPECT_TRUE(said(r, kWarning, "\"hide_version_header\" is \"true\", expected true or false; it is ignored"));
    EXPECT_TRUE(said(r, kWarning, "\"nonsense\" in trusted_proxies is no address"));
    EXPECT_TRUE(said(r, kWarning, "\"max_payload\" is a field of the Enterprise edition"));
    EXPECT_TRUE(said(r, kWarning, "unknown key \"odd\" in router"));
}

TEST(Load, BuiltNamespacesOfBackendsAreRead) {
    LoadResult r = load(with_backend(
        R"("url_pattern":"/","host":["http://h"],"extra_config":{"backend/http":{"return_error_code":true,"return_error_details":"b"},
        "backend/http/client":{"send_body_on_redirect":true,"no_redirect":true}})"));
    ASSERT_TRUE(r.ok()) << text_of(r);
    const Backend& b = r.service->endpoints[0].backend[0];
    EXPECT_TRUE(b.http.return_error_code);
    EXPECT_EQ(b.http.return_error_details, "b");
    EXPECT_TRUE(b.http_client.send_body_on_redirect);
    EXPECT_TRUE(b.http_client.no_redirect);
}

TEST(Load, OwnNamespacesAreStrict) {
    LoadResult r = load(
        R"({"version":3,"extra_config":{"gladius/limits":{"max_request_body":"16MiB","max_memory":1048576},"gladius/reload":{"grace":"5s"}}})");
    ASSERT_TRUE(r.ok()) << text_of(r);
    EXPECT_EQ(r.service->limits.max_request_body, 16 << 20);
    EXPECT_EQ(r.service->limits.max_memory, 1048576);
    EXPECT_EQ(r.service->reload.grace, 5s);
    EXPECT_TRUE(said(load(R"({"version":3,"extra_config":{"gladius/limits":{"max_body":1}}})"), kError,
                     "unknown key \"max_body\" in gladius/limits"));
    EXPECT_TRUE(said(load(R"({"version":3,"extra_config":{"gladius/limits":{"max_request_body":"lots"}}})"), kError,
                     "expected a number of bytes"));
}

TEST(Load, AStreamHasGapsAndNeedsNoOp) {
    auto stream = [](std::string block, const char* encoding = "no-op") {
        return load(with_endpoint(R"("endpoint":"/a","output_encoding":")" + std::string(encoding) +
                                  R"(","extra_config":{"gladius/stream":)" + std::move(block) + "}," + kGoodBackend));
    };
    LoadResult r = stream(R"({"idle_timeout":"30s"})");
    ASSERT_TRUE(r.ok()) << text_of(r);
    EXPECT_EQ(r.service->endpoints[0].stream.idle_timeout, 30s);
    EXPECT_TRUE(said(stream("{}"), kError, "idle_timeout"));
    EXPECT_TRUE(said(stream(R"({"idle_timeout":"0s"})"), kError, "longer than nothing"));
    EXPECT_TRUE(said(stream(R"({"idle_timeout":"-1s"})"), kError, "longer than nothing"));
    EXPECT_TRUE(said(stream(R"({"idle_timeout":"30s","idle":1})"), kError, "unknown key \"idle\""));
    EXPECT_TRUE(said(stream(R"({"idle_timeout":"30s"})", "json"), kError, "only no-op passes a body on"));
}

TEST(Load, NoFileOfTheUserChangesAWholeRun) {
    // Ten thousand endpoints, each with a fault: bounded output, bounded time.
    std::string text = "{\"version\":3,\"endpoints\":[";
    for (int i = 0; i < 10000; ++i)
        text += std::string(i ? "," : "") + "{\"endpoint\":\"/e" + std::to_string(i) + "\",\"bakend\":[]}";
    text += "]}";
    LoadResult r = load(text);
    EXPECT_FALSE(r.ok());
    EXPECT_EQ(r.diagnostics.all().size(), 2 * Diagnostics::kMaxKept);  // errors, and warnings for the unknown key
    EXPECT_EQ(r.diagnostics.count(kError), 10000u);
}
