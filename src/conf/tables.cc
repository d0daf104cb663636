// The field tables of the core objects (ledger 1, sections 2.1, 3.2, 3.3, 3.5, 4.1, 5.1, 5.8, 5.9; ledger 2, sections
// 23, 33).
#include "conf/config.h"

namespace gladius::conf {

namespace {

constexpr std::string_view kOutputEncodings = "json|json-collection|yaml|fast-json|xml|negotiate|string|no-op";
constexpr std::string_view kEncodings = "json|safejson|fast-json|xml|rss|string|yaml|no-op";
constexpr std::string_view kTlsVersions = "SSL3.0|TLS10|TLS11|TLS12|TLS13";

// ---- tls, client_tls, plugin ----
constexpr Field kKeyPairFields[] = {
    field<&KeyPair::public_key>("public_key", "", "Path of the certificate (PEM)."),
    field<&KeyPair::private_key>("private_key", "", "Path of its private key (PEM)."),
    field<&KeyPair::ocsp_response>("ocsp_response", "", "Path of an OCSP answer (DER) that is sent along."),
};
constexpr FieldTable kKeyPairTable{"tls key", kKeyPairFields, Reading::weak};

constexpr Field kClientCertFields[] = {
    field<&ClientCert::certificate>("certificate", "", "Path of the certificate (PEM)."),
    field<&ClientCert::private_key>("private_key", "", "Path of its private key (PEM)."),
};
constexpr FieldTable kClientCertTable{"client certificate", kClientCertFields, Reading::weak};

constexpr Field ids(Field f) {
    return f.with([](Field& copy) { copy.type = FieldType::integer_list; });
}
constexpr std::string_view kCurves = "IANA numbers or names of the curves, in order.";
constexpr std::string_view kSuites = "IANA numbers or names of the suites of TLS 1.2 and below.";
constexpr std::string_view kAllCurves = "[29, 23, 24, 25]";
constexpr std::string_view kUsualSuites = "[49195, 49199, 49196, 49200, 52393, 52392]";

constexpr Field kTlsFields[] = {
    field<&Tls::disabled>("disabled", "false", "Serve plain HTTP although this object is here."),
    field<&Tls::keys>("keys", "", "Certificates with their keys; SNI picks one.").of(kKeyPairTable),
    field<&Tls::public_key>("public_key", "", "Old place of one certificate, appended to `keys`."),
    field<&Tls::private_key>("private_key", "", "Old place of its key."),
    field<&Tls::min_version>("min_version", "TLS13", "Oldest version that is accepted.").one_of(kTlsVersions),
    field<&Tls::max_version>("max_version", "TLS13", "Newest version that is accepted.").one_of(kTlsVersions),
    ids(field<&Tls::curve_preferences>("curve_preferences", kAllCurves, kCurves)),
    field<&Tls::prefer_server_cipher_suites>("prefer_server_cipher_suites", "false", "Read, without effect."),
    ids(field<&Tls::cipher_suites>("cipher_suites", kUsualSuites, kSuites)),
    field<&Tls::enable_mtls>("enable_mtls", "false", "Every client must show a certificate."),
    field<&Tls::disable_system_ca_pool>("disable_system_ca_pool", "false", "Trust only `ca_certs`."),
    field<&Tls::ca_certs>("ca_certs", "[]", "Paths of more authorities to trust."),
};

constexpr Field kClientTlsFields[] = {
    field<&ClientTls::allow_insecure_connections>("allow_insecure_connections", "false", "Do not verify backends."),
    field<&ClientTls::ca_certs>("ca_certs", "[]", "Paths of more authorities to trust."),
    field<&ClientTls::disable_system_ca_pool>("disable_system_ca_pool", "false", "Trust only `ca_certs`."),
    field<&ClientTls::min_version>("min_version", "TLS13", "Oldest version that is spoken.").one_of(kTlsVersions),
    field<&ClientTls::max_version>("max_version", "TLS13", "Newest version that is spoken.").one_of(kTlsVersions),
    ids(field<&ClientTls::curve_preferences>("curve_preferences", kAllCurves, kCurves)),
    ids(field<&ClientTls::cipher_suites>("cipher_suites", kUsualSuites, kSuites)),
    field<&ClientTls::client_certs>("client_certs", "[]", "Certificates for backends that ask for one.")
        .of(kClientCertTable),
};

constexpr Field kPluginFields[] = {
    field<&Plugin::folder>("folder", "", "Folder of Go plugins."),
    field<&Plugin::pattern>("pattern", "", "Part of their file names."),
};
constexpr FieldTable kPluginTable{"plugin", kPluginFields, Reading::weak};

// ---- backend ----
constexpr std::string_view kOfEndpoint = "of a backend is ignored: the endpoint's counts";

constexpr Field kBackendFields[] = {
    field<&Backend::url_pattern>("url_pattern", "/",
                                 "Path at the backend; {param} stands for a parameter of the endpoint."),
    field<&Backend::host>("host", "",
                          "Hosts that share the load, such as \"http://users:8080\"; absent: those of the service."),
    field<&Backend::method>("method", "the endpoint's", "HTTP method of the request to the backend.")
        .one_of("GET|POST|PUT|PATCH|DELETE|OPTIONS|HEAD|CONNECT|TRACE")
        .in_any_case(),
    field<&Backend::encoding>("encoding", "json", "How the backend's answer is decoded.")
        .one_of(kEncodings)
        .in_any_case(),
    field<&Backend::is_collection>("is_collection", "false",
                                   "The answer is a list, which goes under the key `collection`."),
    field<&Backend::target>("target", "", "Path of the object that becomes the answer."),
    field<&Backend::allow>("allow", "[]", "The only fields that are kept; wins over `deny`."),
    field<&Backend::deny>("deny", "[]", "Fields that are dropped."),
    field<&Backend::mapping>("mapping", "{}", "New names of top-level fields."),
    field<&Backend::group>("group", "", "Key under which the whole answer goes."),
    field<&Backend::input_headers>("input_headers", "[]", "Second filter of request headers; [] is none."),
    field<&Backend::input_query_strings>("input_query_strings", "[]", "Second filter of query strings; [] is none."),
    field<&Backend::disable_host_sanitize>("disable_host_sanitize", "false", "Take the hosts as they are written."),
    field<&Backend::sd>("sd", "static", "Where hosts come from.").one_of("static|dns|dns-shared"),
    field<&Backend::sd_scheme>("sd_scheme", "http", "Scheme in front of hosts that DNS gives."),
    field<&Backend::extra_config>("extra_config", "{}", "Components of this backend."),
    checked<std::chrono::nanoseconds>("timeout", "", "Ignored: the endpoint's timeout counts.").says(kOfEndpoint),
    known("concurrent_calls", FieldType::integer, "", "Ignored: the endpoint's number counts.").says(kOfEndpoint),
};

// ---- endpoint ----
constexpr Field kEndpointFields[] = {
    field<&Endpoint::endpoint>("endpoint", "",
                               "Path that clients ask for; {name} is a parameter, a last /* takes everything below.")
        .required(),
    field<&Endpoint::method>("method", "GET", "HTTP method; one endpoint per method.")
        .one_of("GET|POST|PUT|PATCH|DELETE")
        .judged_later(),
    field<&Endpoint::backend>("backend", "", "Backends whose answers make this endpoint's.")
        .of(kBackendTable)
        .required(),
    field<&Endpoint::input_headers>("input_headers", "[]", "Request headers that pass; [\"*\"] is all."),
    field<&Endpoint::input_query_strings>("input_query_strings", "[]", "Query strings that pass; [\"*\"] is all."),
    field<&Endpoint::output_encoding>("output_encoding", "the service's, or json", "How the answer is written.")
        .one_of(kOutputEncodings),
    field<&Endpoint::timeout>("timeout", "the service's", "Time for the whole request."),
    field<&Endpoint::cache_ttl>("cache_ttl", "the service's", "max-age of the answer."),
    field<&Endpoint::concurrent_calls>("concurrent_calls", "1",
                                       "Copies of every backend request; the first good answer wins."),
    field<&Endpoint::extra_config>("extra_config", "{}", "Components of this endpoint."),
};

// ---- async agent ----
constexpr Field kConnectionFields[] = {
    field<&AsyncAgent::Connection::max_retries>("max_retries", "0", "0 is endless."),
    field<&AsyncAgent::Connection::backoff_strategy>("backoff_strategy", "fallback", "How long to wait between them.")
        .one_of("linear|linear-jitter|exponential|exponential-jitter|fallback"),
    field<&AsyncAgent::Connection::health_interval>("health_interval", "1s", "Time between two signs of life."),
};
constexpr FieldTable kConnectionTable{"connection", kConnectionFields, Reading::weak};

constexpr Field kConsumerFields[] = {
    field<&AsyncAgent::Consumer::topic>("topic", "", "What is listened to."),
    field<&AsyncAgent::Consumer::workers>("workers", "1", "Messages at a time."),
    field<&AsyncAgent::Consumer::timeout>("timeout", "the service's", "Time for one message."),
    field<&AsyncAgent::Consumer::max_rate>("max_rate", "0", "Messages per second; 0 is no limit."),
};
constexpr FieldTable kConsumerTable{"consumer", kConsumerFields, Reading::weak};

constexpr Field kAsyncAgentFields[] = {
    field<&AsyncAgent::name>("name", "AsyncAgent-NN", "Its name in logs and health."),
    field<&AsyncAgent::connection>("connection", "", "The connection to the broker.").of(kConnectionTable),
    field<&AsyncAgent::consumer>("consumer", "", "What is taken from it.").of(kConsumerTable),
    field<&AsyncAgent::encoding>("encoding", "json", "How backends' answers are decoded.").one_of(kEncodings),
    field<&AsyncAgent::backend>("backend", "", "Backends that get the message.").of(kBackendTable),
    field<&AsyncAgent::extra_config>("extra_config", "{}", "The driver and other components."),
};

// ---- service ----
constexpr Field kServiceFields[] = {
    field<&Service::version>("version", "3", "Version of the configuration's syntax."),
    field<&Service::name>("name", "", "Name of this gateway, for telemetry."),
    field<&Service::port>("port", "8080", "Port that is listened on.").range(0, 65535),
    field<&Service::listen_ip>("listen_ip", "all addresses", "Address that is listened on."),
    field<&Service::host>("host", "[]", "Hosts of backends that name none."),
    field<&Service::timeout>("timeout", "2s", "Time for a request, where the endpoint says nothing."),
    field<&Service::cache_ttl>("cache_ttl", "0s", "max-age of answers, where the endpoint says nothing."),
    field<&Service::output_encoding>("output_encoding", "json", "Encoding, where the endpoint says nothing.")
        .one_of(kOutputEncodings),
    field<&Service::endpoints>("endpoints", "[]", "What clients can ask for.").of(kEndpointTable),
    field<&Service::async_agent>("async_agent", "[]", "Consumers of message brokers.").of(kAsyncAgentTable).not_built(),
    field<&Service::extra_config>("extra_config", "{}", "Components of the service."),
    field<&Service::debug_endpoint>("debug_endpoint", "false", "Serve /__debug/."),
    field<&Service::echo_endpoint>("echo_endpoint", "false", "Serve /__echo/."),
    field<&Service::sequential_start>("sequential_start", "false", "Start async agents one after the other.")
        .not_built(),
    field<&Service::disable_rest>("disable_rest", "false", "Allow {name} inside a path segment."),
    field<&Service::plugin>("plugin", "", "Go plugins.")
        .of(kPluginTable)
        .says("names Go plugins, which a C++ gateway cannot load"),
    field<&Service::dns_cache_ttl>("dns_cache_ttl", "30s", "How long an SRV answer is used."),
    field<&Service::read_timeout>("read_timeout", "0s", "Time to read a whole request."),
    field<&Service::write_timeout>("write_timeout", "0s", "Time to write an answer."),
    field<&Service::idle_timeout>("idle_timeout", "0s", "Time that an idle connection is kept."),
    field<&Service::read_header_timeout>("read_header_timeout", "0s", "Time to read a request head."),
    field<&Service::max_header_bytes>("max_header_bytes", "1048576", "Bytes of request line and headers."),
    field<&Service::max_shutdown_wait_time>("max_shutdown_wait_time", "0s",
                                            "Time for running requests at the end; 0 is no limit."),
    field<&Service::use_h2c>("use_h2c", "false", "HTTP/2 without TLS."),
    field<&Service::tls>("tls", "", "HTTPS for clients.").of(kTlsTable),
    field<&Service::client_tls>("client_tls", "", "HTTPS to backends.").of(kClientTlsTable),
    field<&Service::dialer_timeout>("dialer_timeout", "0s", "Time to connect to a backend."),
    field<&Service::dialer_keep_alive>("dialer_keep_alive", "15s", "Interval of TCP keep-alive; negative is off."),
    field<&Service::dialer_fallback_delay>("dialer_fallback_delay", "300ms",
                                           "Head start of IPv6 before IPv4 is tried."),
    field<&Service::disable_compression>("disable_compression", "false", "Do not ask backends for gzip."),
    field<&Service::disable_keep_alives>("disable_keep_alives", "false", "A new connection for every backend request."),
    field<&Service::max_idle_connections>("max_idle_connections", "0",
                                          "Idle connections to all backends; 0 is no limit."),
    field<&Service::max_idle_connections_per_host>("max_idle_connections_per_host", "250",
                                                   "Idle connections to one host."),
    field<&Service::idle_connection_timeout>("idle_connection_timeout", "0s",
                                             "Time that an idle backend connection is kept."),
    field<&Service::response_header_timeout>("response_header_timeout", "0s",
                                             "Time that a backend has to begin its answer."),
    field<&Service::expect_continue_timeout>("expect_continue_timeout", "0s",
                                             "Time that a backend has to answer Expect: 100-continue."),
    field<&Service::allow_insecure_connections>("allow_insecure_connections", "false",
                                                "Old name of client_tls.allow_insecure_connections."),
};

// ---- namespaces that the core reads ----
constexpr std::string_view kEnterpriseRouter =
    "is a field of the Enterprise edition and is not built yet: it has no effect";

constexpr Field kRouterFields[] = {
    field<&RouterOptions::return_error_msg>("return_error_msg", "false",
                                            "Write the gateway's error text into the body."),
    field<&RouterOptions::hide_version_header>("hide_version_header", "false", "X-Krakend says \"Version undefined\"."),
    field<&RouterOptions::error_body>("error_body", "", "JSON bodies for \"404\" and \"405\"."),
    field<&RouterOptions::disable_redirect_trailing_slash>("disable_redirect_trailing_slash", "false",
                                                           "No redirect from /a/ to /a."),
    field<&RouterOptions::disable_redirect_fixed_path>("disable_redirect_fixed_path", "false",
                                                       "No redirect to a path in other case."),
    field<&RouterOptions::disable_handle_method_not_allowed>("disable_handle_method_not_allowed", "false",
                                                             "404 instead of 405."),
    field<&RouterOptions::remove_extra_slash>("remove_extra_slash", "false", "Match // as /."),
    field<&RouterOptions::disable_path_decoding>("disable_path_decoding", "false",
                                                 "Do not refuse parameters that are encoded twice."),
    field<&RouterOptions::auto_options>("auto_options", "false", "Answer OPTIONS for every path."),
    field<&RouterOptions::disable_health>("disable_health", "false", "Do not serve the health endpoint."),
    field<&RouterOptions::health_path>("health_path", "/__health", "Path of the health endpoint."),
    field<&RouterOptions::disable_access_log>("disable_access_log", "false", "No access log."),
    field<&RouterOptions::logger_skip_paths>("logger_skip_paths", "[]",
                                             "Request paths that are not in the access log."),
    field<&RouterOptions::forwarded_by_client_ip>("forwarded_by_client_ip", "true",
                                                  "Take the client's address from headers."),
    field<&RouterOptions::remote_ip_headers>("remote_ip_headers", "[\"X-Forwarded-For\", \"X-Real-IP\"]",
                                             "Those headers, in order."),
    field<&RouterOptions::trusted_proxies>("trusted_proxies", "[\"0.0.0.0/0\", \"::/0\"]",
                                           "Peers whose headers are believed."),
    field<&RouterOptions::app_engine>("app_engine", "false", "Trust X-Appengine-Remote-Addr."),
    field<&RouterOptions::max_multipart_memory>("max_multipart_memory", "33554432", "Read, without effect."),
    field<&RouterOptions::use_h2c>("use_h2c", "false", "Old place of the root key."),
    field<&RouterOptions::max_payload>("max_payload", "0", "Bytes of a request body.")
        .enterprise()
        .says(kEnterpriseRouter),
    known("decompress_gzip", FieldType::boolean, "false", "Inflate request bodies.")
        .enterprise()
        .says(kEnterpriseRouter),
    known("disable_gzip", FieldType::boolean, "false", "Do not compress answers.").enterprise().says(kEnterpriseRouter),
};

constexpr std::string_view kEnterpriseLog =
    "is a field of the Enterprise edition and is not built yet: it has no effect";

constexpr Field kLoggingFields[] = {
    field<&LoggingOptions::level>("level", "", "Least level that is logged.")
        .one_of("DEBUG|INFO|WARNING|ERROR|CRITICAL")
        .in_any_case()
        .required(),
    field<&LoggingOptions::prefix>("prefix", "", "Text in front of every line."),
    field<&LoggingOptions::stdout_>("stdout", "false", "Log to standard output."),
    field<&LoggingOptions::syslog>("syslog", "false", "Log to syslog."),
    field<&LoggingOptions::syslog_facility>("syslog_facility", "local3", "Facility of syslog.")
        .one_of("local0|local1|local2|local3|local4|local5|local6|local7"),
    field<&LoggingOptions::format>("format", "default", "Shape of a line.").one_of("default|logstash|custom"),
    field<&LoggingOptions::custom_format>("custom_format", "", "Pattern for the format \"custom\"."),
    known("access_log_format", FieldType::text, "", "Shape of the access log.").enterprise().says(kEnterpriseLog),
    known("access_log_custom_format", FieldType::text, "", "Pattern of the access log.")
        .enterprise()
        .says(kEnterpriseLog),
    known("access_log_missing_key_marker", FieldType::text, "-", "What stands for an absent value.")
        .enterprise()
        .says(kEnterpriseLog),
    known("backend", FieldType::object, "", "Log of backend requests.").enterprise().says(kEnterpriseLog),
};

constexpr Field kLimitsFields[] = {
    field<&LimitsOptions::max_request_body>("max_request_body", "0", "Bytes of a request body; 0 is no limit.")
        .in_bytes()
        .range(0, INT64_MAX),
    field<&LimitsOptions::max_backend_body>("max_backend_body", "0",
                                            "Bytes of a decoded backend answer; 0 is no limit.")
        .in_bytes()
        .range(0, INT64_MAX),
    field<&LimitsOptions::max_connections>("max_connections", "0",
                                           "Client connections; 0 is what file descriptors allow.")
        .range(0, INT64_MAX),
    field<&LimitsOptions::max_memory>("max_memory", "0", "Bytes for buffers; 0 is 75 % of the machine or cgroup.")
        .in_bytes()
        .range(0, INT64_MAX),
};

constexpr std::string_view kTrustedDoc =
    "Addresses and networks that send the PROXY header; connections of others are closed.";

constexpr Field kMainListenerFields[] = {
    field<&ListenersOptions::Main::disabled>("disabled", "false", "Do not listen on `port`: only on those of `more`."),
    field<&ListenersOptions::Main::proxy_protocol>("proxy_protocol", "false",
                                                   "Connections begin with a PROXY header (version 1 or 2)."),
    field<&ListenersOptions::Main::trusted>("trusted", "[]", kTrustedDoc),
};
constexpr FieldTable kMainListenerTable{"main", kMainListenerFields, Reading::strict};

constexpr Field kListenerFields[] = {
    field<&ListenerOptions::name>("name", "its address", "Name in logs, and for systemd's FileDescriptorName."),
    field<&ListenerOptions::address>("address", "all addresses", "IP address that is listened on."),
    field<&ListenerOptions::port>("port", "", "Port that is listened on.").range(1, 65535),
    field<&ListenerOptions::path>("path", "", "Path of a unix socket, instead of address and port."),
    field<&ListenerOptions::mode>("mode", "0660", "Permissions of the unix socket, octal."),
    field<&ListenerOptions::tls>("tls", "as the main port", "HTTPS with the keys of the root's `tls`."),
    field<&ListenerOptions::proxy_protocol>("proxy_protocol", "false",
                                            "Connections begin with a PROXY header (version 1 or 2)."),
    field<&ListenerOptions::trusted>("trusted", "[]", kTrustedDoc),
};
constexpr FieldTable kListenerTable{"listener", kListenerFields, Reading::strict};

constexpr Field kListenersFields[] = {
    field<&ListenersOptions::main>("main", "", "The listener on the root's `listen_ip` and `port`.")
        .of(kMainListenerTable),
    field<&ListenersOptions::more>("more", "[]", "Further places where clients connect.").of(kListenerTable),
};

constexpr Field kCompressionFields[] = {
    field<&CompressionOptions::algorithms>("algorithms", "[\"br\", \"gzip\"]",
                                           "Codings that are offered, the preferred one first; [] is none.")
        .one_of("br|gzip"),
    field<&CompressionOptions::types>("types", "JSON, XML, YAML, text, scripts, SVG",
                                      "Content types that are packed; \"text/*\" is all of a kind."),
    field<&CompressionOptions::min_size>("min_size", "1024", "Bytes below which an answer goes as it is.")
        .in_bytes()
        .range(0, INT64_MAX),
    field<&CompressionOptions::gzip_level>("gzip_level", "5", "Effort of gzip.").range(1, 9),
    field<&CompressionOptions::br_level>("br_level", "4", "Effort of br.").range(0, 9),
};

constexpr Field kReloadFields[] = {
    field<&ReloadOptions::grace>("grace", "30s", "How long streams of removed endpoints go on after a reload."),
};

constexpr Field kStreamFields[] = {
    field<&StreamOptions::idle_timeout>("idle_timeout", "",
                                        "The longest time without a byte in either direction; `timeout` then covers "
                                        "only the wait for the answer's head.")
        .required(),
};

constexpr Field kHttp2Fields[] = {
    field<&Http2Options::max_streams>("max_streams", "100",
                                      "Calls at the same time on one connection, if the backend allows so many.")
        .range(1, 10000),
    field<&Http2Options::ping_interval>("ping_interval", "30s",
                                        "After so long a silence the backend is asked whether it is there; 0s: never."),
};

constexpr Field kBackendHttpFields[] = {
    field<&BackendHttp::return_error_details>("return_error_details", "", "Put a failed answer under error_<this>."),
    field<&BackendHttp::return_error_code>("return_error_code", "false", "Give the backend's status to the client."),
};

constexpr Field kBackendHttpClientFields[] = {
    field<&BackendHttpClient::send_body_on_redirect>("send_body_on_redirect", "false",
                                                     "Keep the body, to send it again after a 307 or 308."),
    field<&BackendHttpClient::client_tls>("client_tls", "", "HTTPS to this backend, instead of the service's.")
        .of(kClientTlsTable)
        .enterprise(),
    field<&BackendHttpClient::no_redirect>("no_redirect", "false", "Do not follow redirects.").enterprise(),
    field<&BackendHttpClient::proxy_address>("proxy_address", "", "Proxy for requests to this backend.").enterprise(),
};

constexpr Field kArraysFields[] = {
    field<&ArraysOptions::walk>("walk", "false",
                                "Names of target, allow, deny and mapping lead through arrays into every element.")
        .required(),
};

constexpr Field kFlatmapFields[] = {
    known("type", FieldType::text, "", "What is done.").one_of("move|append|del").required(),
    known("args", FieldType::text_list, "", "Paths: from and to, or all that is deleted.").required(),
};
constexpr FieldTable kFlatmapTable{"flatmap_filter", kFlatmapFields, Reading::exact};

constexpr Field kConditionFields[] = {
    field<&CallCondition::value>("value", "", "What is looked at: text with {references}.").required(),
    field<&CallCondition::equals>("equals", "", "Call when it is this."),
    field<&CallCondition::not_equals>("not_equals", "", "Call when it is anything but this."),
    field<&CallCondition::in>("in", "[]", "Call when it is one of these."),
    field<&CallCondition::exists>("exists", "", "Call when every reference has (true) or lacks (false) a value."),
};
constexpr FieldTable kConditionTable{"if", kConditionFields, Reading::strict};

constexpr Field kForeachFields[] = {
    field<&CallForeach::array>("array", "", "An array of an earlier step: \"resp0_items\".").required(),
    field<&CallForeach::into>("into", "", "Member of the element that gets the answer; none: its members are merged."),
    field<&CallForeach::parallel>("parallel", "8", "Calls at the same time.").range(1, 64),
    field<&CallForeach::max>("max", "100", "Elements that are called for; the answer is incomplete beyond.")
        .range(1, 10000),
};
constexpr FieldTable kForeachTable{"foreach", kForeachFields, Reading::strict};

constexpr Field kCallFields[] = {
    field<&CallOptions::required>("required", "",
                                  "true: without it there is no answer. false: without it the answer is complete."),
    field<&CallOptions::fallback>("fallback", "", "An object that stands in when the call fails."),
    field<&CallOptions::condition>("if", "", "Call only when this holds.").of(kConditionTable),
    field<&CallOptions::headers>("headers", "", "Headers that are set, values with {references}."),
    field<&CallOptions::query>("query", "", "Query strings that are set, values with {references}."),
    field<&CallOptions::body>("body", "", "JSON that is sent; a text that is one {reference} becomes its value."),
    field<&CallOptions::foreach>("foreach", "", "One call for each element of an earlier array.").of(kForeachTable),
};

constexpr Field kStaticFields[] = {
    field<&StaticOptions::data>("data", "", "An object; its members are put over those of the answer.").required(),
    field<&StaticOptions::strategy>("strategy", "always", "When they are.")
        .one_of("always|success|complete|errored|incomplete"),
};

constexpr Field kProxyFields[] = {
    field<&ProxyOptions::sequential>("sequential", "false", "Call backends one after the other."),
    field<&ProxyOptions::sequential_propagated_params>("sequential_propagated_params", "[]",
                                                       "Values of earlier steps for later ones: \"resp0_name\"."),
    field<&ProxyOptions::static_data>("static", "", "Data that is put into the answer.").of(kStaticTable),
    known("flatmap_filter", FieldType::object_list, "[]", "Moves, appends and deletes fields, in this order.")
        .of(kFlatmapTable),
    field<&ProxyOptions::shadow>("shadow", "false", "A backend whose answer nobody waits for."),
    field<&ProxyOptions::shadow_timeout>("shadow_timeout", "", "Time for it; the endpoint's by default."),
    known("combiner", FieldType::text, "", "Name of the merger; there is only the default."),
    known("strategy", FieldType::text, "", "parallel or sequential.").not_built(),
    known("force_sandboxed_request", FieldType::boolean, "false",
          "Every backend gets its own copy, as it always does here."),
    known("max_payload", FieldType::integer, "0", "Bytes of a request body.").enterprise().not_built(),
    known("decompress_gzip", FieldType::boolean, "false", "Inflate request bodies.").enterprise().not_built(),
};

}  // namespace

const FieldTable kTlsTable{"tls", kTlsFields, Reading::weak};
const FieldTable kClientTlsTable{"client_tls", kClientTlsFields, Reading::weak};
const FieldTable kBackendTable{"backend", kBackendFields, Reading::weak};
const FieldTable kEndpointTable{"endpoint", kEndpointFields, Reading::weak};
const FieldTable kAsyncAgentTable{"async_agent", kAsyncAgentFields, Reading::weak};
const FieldTable kServiceTable{"the configuration", kServiceFields, Reading::weak};

const FieldTable kRouterTable{"router", kRouterFields, Reading::exact, Unknown::warn, true};
const FieldTable kLoggingTable{"telemetry/logging", kLoggingFields, Reading::exact};
const FieldTable kLimitsTable{"gladius/limits", kLimitsFields, Reading::strict};
const FieldTable kArraysTable{"gladius/arrays", kArraysFields, Reading::strict};
const FieldTable kListenersTable{"gladius/listeners", kListenersFields, Reading::strict};
const FieldTable kCompressionTable{"gladius/compression", kCompressionFields, Reading::strict};
const FieldTable kReloadTable{"gladius/reload", kReloadFields, Reading::strict};
const FieldTable kStreamTable{"gladius/stream", kStreamFields, Reading::strict};
const FieldTable kHttp2Table{"gladius/http2", kHttp2Fields, Reading::strict};
const FieldTable kBackendHttpTable{"backend/http", kBackendHttpFields, Reading::exact};
const FieldTable kBackendHttpClientTable{"backend/http/client", kBackendHttpClientFields, Reading::exact};
const FieldTable kCallTable{"gladius/call", kCallFields, Reading::strict};
const FieldTable kStaticTable{"static", kStaticFields, Reading::exact};
const FieldTable kProxyTable{"proxy", kProxyFields, Reading::exact};

}  // namespace gladius::conf
