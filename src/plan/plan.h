// Purpose: what a configuration becomes: flat, const data that workers read without looking anything up by name.
// Owner: a Snapshot owns its router and its tables; EndpointPlans are shared, because an exchange holds its own plan
// and not the snapshot: a long download must not keep a whole generation alive. Thread: written by the control thread
// while compiling, read-only afterwards. Lifetime: see engine/worker.h. Errors: none at run time. Source: ledger 1,
// sections 1 (order), 4 (endpoints), 5 (backends).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "conf/diagnostic.h"
#include "conf/reference.h"
#include "encodings/decode.h"
#include "encodings/render.h"
#include "http/h1.h"
#include "json/filter.h"
#include "net/tls_spec.h"
#include "plan/listener.h"
#include "plan/proxy.h"
#include "plan/router.h"
#include "plan/stage.h"
#include "upstream/settings.h"

namespace gladius::plan {

// One place where backends live. Shared by plans of several generations.
struct HostPlan {
    std::string host;  // name or address, without brackets; "unix:/path" for a unix socket
    uint16_t port = 80;
    bool https = false;
    bool websocket = false;                         // written ws:// or wss://: only an endpoint that upgrades calls it
    std::string url;                                // "http://name:port" as errors and Referer show it
    std::string base;                               // what every path begins with; of hosts that are not sanitized
    std::string header;                             // value of Host
    Proxy proxy;                                    // from the environment, or the backend's own
    std::shared_ptr<const net::TlsClientSpec> tls;  // how https is spoken
    upstream::Http2 http2;
    bool is_unix() const { return host.starts_with("unix:"); }
};

// A host of a backend: the plan itself, and its index in the snapshot that the backend belongs to (a worker finds the
// peer by it without hashing, as long as that snapshot is the current one).
struct HostRef {
    std::shared_ptr<const HostPlan> host;
    uint32_t index = 0;
};

// A text with parameters, cut at compile time.
struct Template {
    struct Piece {
        std::string literal;  // comes first
        int32_t param = -1;   // then the value of this path parameter; -1: none
        int32_t step = -1;    // or this value of an earlier step (EndpointPlan::step_values)
    };
    std::vector<Piece> pieces;
    bool plain = true;  // the literals hold nothing that parsing the whole as a URL would change
    bool fixed() const { return pieces.empty() || (pieces.size() == 1 && pieces[0].param < 0 && pieces[0].step < 0); }
};

// What a call can know of the request and of earlier answers, by a reference in its URL or in "gladius/call"
// (conf/reference.h): {resp0_user.name}.
struct StepValue {
    conf::Reference::Kind kind = conf::Reference::Kind::field;
    uint32_t backend = 0;           // whose answer
    std::vector<std::string> path;  // field and each: "user", "name"
    std::string name;               // of a header or a query string
    std::string placeholder;        // what stands in the URL when there is none: "{{.Resp0_user.name}}"
};

// Fixed members that are put over those of an answer (ledger 1 section 4.9).
struct StaticData {
    enum class When : uint8_t { always, success, complete, errored, incomplete };
    When when = When::always;
    std::string text;
    Arena arena;       // of the document
    json::Value data;  // the document: an object, never marked by a filter
    bool on_success() const { return when == When::always || when == When::success || when == When::complete; }
    bool on_failure() const { return when == When::always || when == When::errored || when == When::incomplete; }
};

// Which names of the client pass.
struct NameRule {
    bool all = false;
    uint64_t tokens = 0;             // well-known ones, as bits
    std::vector<std::string> names;  // the others, canonical spelling
    bool passes(http::Token t, std::string_view name) const;
    static NameRule of(const std::vector<std::string>& names);  // canonical spelling; "*" is every name
};

struct QueryRule {
    bool all = false;
    std::vector<std::string_view> names;  // into `text`
    std::vector<std::string> text;
    bool none() const { return !all && names.empty(); }
};

// "gladius/call" of a backend (docs/flow.md).
struct CallPlan {
    enum class Need : uint8_t {
        part,      // as the reference: the answer is incomplete without it
        required,  // there is no answer without it
        optional,  // the answer is complete without it
    };
    Need need = Need::part;
    std::shared_ptr<const StaticData> fallback;

    struct Condition {
        bool present = false;
        Template value;
        std::optional<std::string> equals, not_equals;
        std::vector<std::string> in;
        std::optional<bool> exists;
    };
    Condition condition;

    std::vector<std::pair<std::string, Template>> headers, query;

    // JSON, cut where a reference stands: `literal`, then the value of `whole` as JSON, or `text` as a JSON string.
    struct BodyPiece {
        std::string literal;
        int32_t whole = -1;  // step value
        Template text;
    };
    std::vector<BodyPiece> body;  // empty: the body stays

    struct Foreach {
        int32_t array = -1;  // step value; -1: one call
        std::string into;
        uint32_t parallel = 8;
        uint32_t max = 100;
    };
    Foreach foreach;

    bool edits_request() const { return !headers.empty() || !query.empty() || !body.empty(); }
};

struct BackendPlan {
    std::vector<HostRef> hosts;  // in the order of the file; more than one: balanced
    std::string pattern;         // url_pattern as written, for messages
    http::Method method = http::Method::get;
    std::string method_name;

    Template url;              // path (and fixed query) with parameters
    bool append_rest = false;  // a wildcard endpoint: what the wildcard matched follows the pattern
    int32_t rest_param = -1;

    QueryRule query;  // of the endpoint, and then of the backend
    QueryRule query_filter;
    bool filters_query = false;
    NameRule headers;        // of the endpoint
    NameRule header_filter;  // of the backend, when filters_headers
    bool filters_headers = false;
    bool sends_user_agent = true;  // ours, when the client's does not pass
    bool sends_forwarded_for = true;
    bool sends_forwarded_host = true;

    encodings::Decoder decoder = encodings::Decoder::json;
    json::FilterProgram filter;
    bool no_op = false;  // encoding no-op
    bool return_error_code = false;
    std::string return_error_details;  // alias; empty: off
    bool send_body_on_redirect = false;
    bool no_redirect = false;
    std::shared_ptr<const net::TlsClientSpec> tls;  // also of places that a redirect leads to
    std::optional<Proxy> proxy;                     // for all of them, whatever the environment says

    std::shared_ptr<const CallPlan> call;  // null: as the reference
    bool keeps_head = false;               // a later call refers to its status or headers
    std::vector<BackendStage> stages;      // empty: from head to head, without a draft
    std::vector<BackendGate> gates;
    bool reads_body = false;  // one of them does
};

// "gladius/compression" (docs/compression.md).
enum class Coding : uint8_t { none, gzip, br };
struct CompressionPlan {
    std::vector<Coding> order;  // offered, the preferred one first
    std::vector<std::string> types;
    uint64_t min_size = 0;
    int gzip_level = 5, br_level = 4;
};

// Settings of the router and of every answer; shared by the endpoints of one generation.
struct RouterPlan {
    bool return_error_msg = false;  // texts of errors reach the client
    bool disable_path_decoding = false;
    bool auto_options = false;
    bool disable_access_log = false;
    std::vector<std::string> skip_log_paths;
    bool forwarded_by_client_ip = true;
    std::vector<std::string> remote_ip_headers;
    bool trust_all = true;
    std::vector<Cidr> trusted;
    bool usual_ip_headers = true;  // remote_ip_headers are X-Forwarded-For and X-Real-Ip
    bool app_engine = false;
    std::shared_ptr<const CompressionPlan> compression;  // of endpoints that say nothing
    std::string not_found_body, not_allowed_body;        // rendered; empty: the text of the reference
    std::string krakend_header;                          // value of X-Krakend
    std::string user_agent;                              // "KrakenD Version 2.13.8"
    std::vector<Stage> before_routing;                   // see Phase
    std::vector<Stage> after_routing;
};

enum class Executor : uint8_t {
    relay,
    gather,
    tunnel,   // one backend is asked for an upgrade; see TunnelPlan
    feature,  // a feature answers by itself; see FeatureExecutor
    none,     // only shadow backends: nobody answers, as in the reference
};

// An endpoint that serves upgrades: what the client and its backend say to each other after the 101 goes through as
// bytes (engine/tunnel.h).
struct TunnelPlan {
    std::string protocol;              // the one token of Upgrade that is served, lower case
    std::string refusal;               // header lines of the 400 for every other request
    std::vector<std::string> headers;  // of the handshake: they pass whatever the rules for headers say
    // The header that lists what the client offers, and what of it may pass. No values: the rules for headers decide.
    std::string offers_header;
    std::vector<std::string> offers;
    uint64_t idle_timeout_ms = 0;  // of the backend's silence, and of a side that takes nothing; 0: none
    bool of_handshake(std::string_view name) const;
};

// A feature that answers instead of the engine's executors (ADR 0012). The stages have run; the endpoint's timeout is
// the exchange's deadline, which the feature may lift.
struct FeatureExecutor {
    rt::Task<void> (*run)(const void* config, engine::Exchange& ex) = nullptr;
    std::shared_ptr<const void> config;
    std::string text;  // for `explain`: what it does
};

// Something that runs in one worker beside requests for as long as snapshots want it: a connection that all clients of
// an endpoint share, say. All functions run on that worker's thread.
struct Resident {
    std::string name;  // with the same name in the next snapshot it goes on, and is told its new config
    std::shared_ptr<const void> config;
    void (*start)(const std::shared_ptr<const void>& config, engine::Worker& w) = nullptr;
    void (*stop)(const void* config, engine::Worker& w) = nullptr;
    void (*drain)(const void* config, engine::Worker& w) = nullptr;  // the process ends soon
};

struct EndpointPlan {
    std::string path;     // as in the configuration, for logs
    std::string pattern;  // as the router has it
    std::string method;
    Executor executor = Executor::gather;
    uint64_t timeout_ms = 2000;
    uint64_t stream_idle_ms = 0;            // "gladius/stream"; 0: timeout_ms covers the whole stream
    uint64_t merge_timeout_ms = 1700;       // 85 %
    uint64_t concurrent_timeout_ms = 1500;  // 75 %
    uint32_t concurrent_calls = 1;
    encodings::Renderer renderer = encodings::Renderer::json;
    json::FlatmapProgram flatmap;  // on what was merged, when no backend failed
    std::string cache_control;     // the whole line, or empty
    std::vector<Stage> pre;        // before the executor, in the order of plan/stage.h
    std::vector<BackendPlan> backends;
    bool sequential = false;  // one after the other
    // The request is copied for a backend, and the reference's copy has a body of unknown length, be it empty.
    bool copies_body = false;
    std::vector<StepValue> step_values;
    std::vector<std::vector<uint32_t>> step_lookups;  // [i]: which values are looked up before step i, in this order
    std::shared_ptr<const StaticData> static_data;
    std::shared_ptr<const TunnelPlan> tunnel;
    FeatureExecutor feature;
    std::optional<Resident> resident;            // goes into the snapshot with the endpoint
    std::shared_ptr<const EndpointPlan> shadow;  // shadow backends: an endpoint of their own that answers nobody
    std::shared_ptr<const CompressionPlan> compression;  // null: answers go as they are
    std::shared_ptr<const RouterPlan> service;
    uint64_t generation = 0;
};

// Settings of listeners and of client connections.
struct ServerPlan {
    std::vector<std::shared_ptr<const ListenerPlan>> listeners;  // "main" first, unless it is disabled
    uint64_t read_timeout_ms = 0, read_header_timeout_ms = 0, write_timeout_ms = 0, idle_timeout_ms = 0;
    uint32_t max_header_bytes = 1024 * 1024;
    uint64_t max_shutdown_wait_ms = 0;
    bool use_h2c = false;           // HTTP/2 without TLS
    uint64_t max_connections = 0;   // 0: what the descriptors allow
    uint64_t max_request_body = 0;  // 0: no limit
    uint64_t max_backend_body = 0;
    uint64_t max_memory = 0;                // 0: 75 % of the machine's
    std::optional<net::TlsServerSpec> tls;  // none: plain HTTP
    conf::Place tls_place;
};

// What a route leads to.
enum class Builtin : uint8_t { none, health, debug, echo, options };
struct Route {
    Builtin builtin = Builtin::none;
    uint32_t endpoint = UINT32_MAX;
};

struct Snapshot {
    uint64_t generation = 0;
    ServerPlan server;
    upstream::Settings transport;
    ProxyRules proxy;
    std::vector<std::shared_ptr<const net::TlsClientSpec>> client_tls;  // each once; the first is the service's
    std::shared_ptr<const RouterPlan> service;
    std::vector<std::shared_ptr<const HostPlan>> hosts;
    std::vector<Route> routes;          // a router target is an index here
    Route catch_all[kMethodCount + 1];  // /__catchall, by method
    std::vector<std::shared_ptr<const EndpointPlan>> endpoints;
    std::unique_ptr<Router> router;
    std::vector<Resident> residents;
};

}  // namespace gladius::plan
