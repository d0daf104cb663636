// Purpose: a configuration with a meaning: typed structs whose members carry the names of the keys (ledger 1,
// sections 2.1, 3.1-3.5, 4.1, 5.1). load.h fills them; after normalise() every default and inherited value is in place,
// so that later stages never ask "and if it is not set?". Owner: the caller of load(). Thread: control thread.
// Lifetime: a Service owns its Document; every Node in it lives as long. Errors: none here. `node` of a struct is the
// object it was read from: node.find("host").place() is where to complain.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/fields.h"
#include "conf/node.h"
#include "json/flatmap.h"
#include "net/tls_spec.h"

namespace gladius::conf {

using Duration = std::chrono::nanoseconds;

// The components of a service, endpoint or backend, by their canonical short names, in the order of the file. Comments,
// unknown names and names that do nothing here are not in it.
struct ExtraConfig {
    struct Entry {
        std::string_view name;  // "qos/ratelimit/router"
        Node value;
    };
    Node node;
    std::vector<Entry> entries;

    Node find(std::string_view name) const {
        for (const Entry& e : entries) {
            if (e.name == name) return e.value;
        }
        return {};
    }
    bool has(std::string_view name) const { return static_cast<bool>(find(name)); }
};

struct KeyPair {
    std::string public_key;
    std::string private_key;
    std::string ocsp_response;
};

struct ClientCert {
    std::string certificate;
    std::string private_key;
};

struct Tls {  // root "tls"
    Node node;
    bool disabled = false;
    std::vector<KeyPair> keys;
    std::string public_key;
    std::string private_key;
    std::string min_version;
    std::string max_version;
    Node curve_preferences;  // numbers or names
    bool prefer_server_cipher_suites = false;
    Node cipher_suites;  // numbers or names
    bool enable_mtls = false;
    bool disable_system_ca_pool = false;
    std::vector<std::string> ca_certs;
    net::TlsServerSpec spec;  // what all of it means (conf/tls.h)
};

struct ClientTls {  // root "client_tls"
    Node node;
    bool allow_insecure_connections = false;
    std::vector<std::string> ca_certs;
    bool disable_system_ca_pool = false;
    std::string min_version;
    std::string max_version;
    Node curve_preferences;
    Node cipher_suites;
    std::vector<ClientCert> client_certs;
    net::TlsClientSpec spec;  // what all of it means
};

struct Plugin {
    std::string folder;
    std::string pattern;
};

// extra_config "router" of the service.
struct RouterOptions {
    bool return_error_msg = false;
    bool hide_version_header = false;
    Node error_body;      // {"404": any, "405": any}
    Node error_body_404;  // set when an object has been given
    Node error_body_405;
    bool disable_redirect_trailing_slash = false;
    bool disable_redirect_fixed_path = false;
    bool disable_handle_method_not_allowed = false;
    bool remove_extra_slash = false;
    bool disable_path_decoding = false;
    bool auto_options = false;
    bool disable_health = false;
    std::string health_path = "/__health";
    bool disable_access_log = false;
    std::vector<std::string> logger_skip_paths;
    bool forwarded_by_client_ip = true;  // the schema says false, the reference does true
    std::vector<std::string> remote_ip_headers = {"X-Forwarded-For", "X-Real-Ip"};
    std::vector<std::string> trusted_proxies = {"0.0.0.0/0", "::/0"};
    bool app_engine = false;
    int64_t max_multipart_memory = 32 << 20;
    bool use_h2c = false;
    int64_t max_payload = 0;  // Enterprise, not built
};

// extra_config "telemetry/logging" of the service. Absent: DEBUG, stdout, the plain format of ledger 2, section 23.
struct LoggingOptions {
    Node node;
    std::string level;
    std::string prefix;
    bool stdout_ = false;  // key "stdout"
    bool syslog = false;
    std::string syslog_facility = "local3";
    std::string format = "default";
    std::string custom_format;
};

// extra_config "gladius/limits" of the service; 0 is no limit, or what the machine has.
struct LimitsOptions {
    int64_t max_request_body = 0;
    int64_t max_backend_body = 0;
    int64_t max_connections = 0;
    int64_t max_memory = 0;
};

// extra_config "gladius/listeners" of the service (docs/listeners.md).
struct ListenerOptions {
    Node node;
    std::string name;
    std::string address;  // empty: every address
    int64_t port = 0;
    std::string path;  // of a unix socket, instead of address and port
    std::string mode = "0660";
    std::optional<bool> tls;  // unset: as the main listener
    bool proxy_protocol = false;
    std::vector<std::string> trusted;
};
struct ListenersOptions {
    struct Main {
        Node node;
        bool disabled = false;
        bool proxy_protocol = false;
        std::vector<std::string> trusted;
    };
    Main main;
    std::vector<ListenerOptions> more;
};

// extra_config "gladius/compression" of the service or an endpoint (docs/compression.md).
struct CompressionOptions {
    Node node;  // unset: nothing is packed
    std::vector<std::string> algorithms = {"br", "gzip"};
    std::vector<std::string> types = {"application/json",
                                      "application/problem+json",
                                      "application/xml",
                                      "application/yaml",
                                      "application/javascript",
                                      "application/rss+xml",
                                      "application/atom+xml",
                                      "text/html",
                                      "text/plain",
                                      "text/css",
                                      "text/csv",
                                      "text/xml",
                                      "text/javascript",
                                      "image/svg+xml"};
    int64_t min_size = 1024;
    int64_t gzip_level = 5;
    int64_t br_level = 4;
};

// extra_config "gladius/reload" of the service.
struct ReloadOptions {
    Duration grace = std::chrono::seconds(30);  // how long requests of removed endpoints may go on
};

// extra_config "gladius/stream" of an endpoint (ours; docs/streaming.md).
struct StreamOptions {
    Duration idle_timeout{0};  // 0: the endpoint's timeout covers the whole stream, as in the reference
};

// extra_config "gladius/http2" of a backend (ours; docs/http2-backends.md).
struct Http2Options {
    Node node;  // unset: HTTP/1.1, as the reference
    int64_t max_streams = 100;
    Duration ping_interval = std::chrono::seconds(30);
};

// extra_config "backend/http" of a backend (ledger 1, section 5.9).
struct BackendHttp {
    std::string return_error_details;
    bool return_error_code = false;
};

// extra_config "backend/http/client" of a backend (section 5.8).
struct BackendHttpClient {
    bool send_body_on_redirect = false;
    bool no_redirect = false;
    std::string proxy_address;
    std::optional<ClientTls> client_tls;  // takes the place of the service's
};

// "static" of extra_config "proxy" (section 4.9).
struct StaticOptions {
    Node node;  // unset: nothing is added
    Node data;
    std::string strategy = "always";
};

// extra_config "proxy" of an endpoint or a backend (sections 4.8, 4.9, 5.14).
struct ProxyOptions {
    bool sequential = false;
    std::vector<std::string> sequential_propagated_params;
    StaticOptions static_data;  // key "static"
    bool shadow = false;
    Duration shadow_timeout{0};  // 0: the backend's
};

// extra_config "gladius/call" of a backend (ours; docs/flow.md).
struct CallCondition {
    Node node;  // unset: no condition
    std::string value;
    std::optional<std::string> equals;
    std::optional<std::string> not_equals;
    std::vector<std::string> in;
    std::optional<bool> exists;
};
struct CallForeach {
    Node node;  // unset: one call
    std::string array;
    std::string into;
    int64_t parallel = 8;
    int64_t max = 100;
};
struct CallOptions {
    Node node;  // unset: nothing of it
    std::optional<bool> required;
    Node fallback;
    CallCondition condition;  // key "if"
    TextMap headers;
    TextMap query;
    Node body;
    CallForeach foreach;
};

// extra_config "gladius/arrays" of a backend.
struct ArraysOptions {
    bool walk = false;
};

struct Backend {
    Node node;
    std::vector<std::string> host;
    std::string method;
    std::string url_pattern;  // with one leading slash, parameters as written: /b/{id}
    std::string encoding;
    bool is_collection = false;
    std::string target;
    std::vector<std::string> allow;
    std::vector<std::string> deny;
    TextMap mapping;
    std::string group;
    std::vector<std::string> input_headers;
    std::vector<std::string> input_query_strings;
    bool disable_host_sanitize = false;
    std::string sd;
    std::string sd_scheme;
    ExtraConfig extra_config;

    // Set by normalise().
    std::string path_template;        // url_pattern with {{.Id}} for {id}, as the reference shows it
    std::vector<std::string> params;  // the keys in it: "Id", "Resp0_user", "JWT.sub", sorted, each once
    Duration timeout{0};              // of the endpoint
    int64_t concurrent_calls = 1;     // of the endpoint
    BackendHttp http;
    BackendHttpClient http_client;
    std::vector<json::FlatmapOp> flatmap;  // takes the place of allow, deny and mapping
    ArraysOptions arrays;
    ProxyOptions proxy;
    CallOptions call;
    Http2Options http2;
};

struct Endpoint {
    Node node;
    std::string endpoint;  // with one leading slash, parameters as written: /a/{id}
    std::string method;
    std::vector<Backend> backend;
    std::vector<std::string> input_headers;
    std::vector<std::string> input_query_strings;
    std::string output_encoding;
    Duration timeout{0};
    Duration cache_ttl{0};
    int64_t concurrent_calls = 0;
    ExtraConfig extra_config;

    // Set by normalise().
    std::string path;                      // for the router: /a/:id
    std::vector<std::string> params;       // "id", in the order of the path; a name may stand twice
    bool is_wildcard = false;              // ends in /*; ours
    bool is_catch_all = false;             // is /__catchall; ours
    bool is_routed = true;                 // false: the method cannot be routed, the reference leaves it out
    std::vector<json::FlatmapOp> flatmap;  // on the data of several backends
    CompressionOptions compression;        // its own; without it the service's
    ProxyOptions proxy;
    StreamOptions stream;
};

struct AsyncAgent {
    struct Connection {
        int64_t max_retries = 0;
        std::string backoff_strategy;
        Duration health_interval{0};
    };
    struct Consumer {
        std::string topic;
        int64_t workers = 0;
        Duration timeout{0};
        double max_rate = 0;
    };
    Node node;
    std::string name;
    Connection connection;
    Consumer consumer;
    std::string encoding;
    std::vector<Backend> backend;
    ExtraConfig extra_config;
};

struct Service {
    Node node;
    std::shared_ptr<Document> document;

    int64_t version = 0;
    std::string name;
    int64_t port = 0;
    std::string listen_ip;
    std::vector<std::string> host;
    Duration timeout{0};
    Duration cache_ttl{0};
    std::string output_encoding;
    std::vector<Endpoint> endpoints;
    std::vector<AsyncAgent> async_agent;
    ExtraConfig extra_config;
    bool debug_endpoint = false;
    bool echo_endpoint = false;
    bool sequential_start = false;
    bool disable_rest = false;
    std::optional<Plugin> plugin;
    Duration dns_cache_ttl{0};
    Duration read_timeout{0};
    Duration write_timeout{0};
    Duration idle_timeout{0};
    Duration read_header_timeout{0};
    int64_t max_header_bytes = 0;
    Duration max_shutdown_wait_time{0};
    bool use_h2c = false;
    std::optional<Tls> tls;
    net::TlsClientSpec backend_tls;  // what client_tls and allow_insecure_connections mean
    std::optional<ClientTls> client_tls;
    Duration dialer_timeout{0};
    Duration dialer_keep_alive{0};
    Duration dialer_fallback_delay{0};
    bool disable_compression = false;
    bool disable_keep_alives = false;
    int64_t max_idle_connections = 0;
    int64_t max_idle_connections_per_host = 0;
    Duration idle_connection_timeout{0};
    Duration response_header_timeout{0};
    Duration expect_continue_timeout{0};
    bool allow_insecure_connections = false;

    // Set by normalise() from extra_config.
    bool has_router = false;
    RouterOptions router;
    bool has_logging = false;
    LoggingOptions logging;
    LimitsOptions limits;
    ListenersOptions listeners;
    CompressionOptions compression;
    ReloadOptions reload;
};

// The field tables of the core objects; schema.h exports them.
extern const FieldTable kServiceTable;
extern const FieldTable kEndpointTable;
extern const FieldTable kBackendTable;
extern const FieldTable kAsyncAgentTable;
extern const FieldTable kTlsTable;
extern const FieldTable kClientTlsTable;
// ... and of the namespaces that the core reads itself.
extern const FieldTable kRouterTable;
extern const FieldTable kLoggingTable;
extern const FieldTable kLimitsTable;
extern const FieldTable kListenersTable;
extern const FieldTable kCompressionTable;
extern const FieldTable kReloadTable;
extern const FieldTable kStreamTable;
extern const FieldTable kHttp2Table;
extern const FieldTable kArraysTable;
extern const FieldTable kBackendHttpTable;
extern const FieldTable kBackendHttpClientTable;
extern const FieldTable kProxyTable;
extern const FieldTable kCallTable;
extern const FieldTable kStaticTable;

}  // namespace gladius::conf
