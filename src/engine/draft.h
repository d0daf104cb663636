// Purpose: a backend's request and answer as its stages see and change them (plan/stage.h, BackendStage): what Go's
// http.Request and http.Response are for the reference's modifiers. Made only for backends that have stages; the others
// go from head to head. Owner: BackendCall (open.h). Thread: one worker. Lifetime: of the exchange; texts are in its
// arena, in the client's head or in the plan. Errors: a stage that fails calls fail(): the call ends with its text.
// Source: Go net/http and net/url, which the reference hands to its modifiers; ledger 1 section 5.12.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/arena.h"

namespace gladius::engine {

// Names are canonical (http::canonicalise); the order is that of adding.
struct DraftField {
    std::string_view name;
    std::string_view value;
};

class DraftHeaders {
  public:
    explicit DraftHeaders(Arena& arena) : arena_(arena) {}
    void reserve(size_t n);
    // The first value; empty when there is none.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;
    void set(std::string_view name, std::string_view value);
    void add(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    std::span<const DraftField> all() const { return {fields_, n_}; }
    size_t bytes() const;  // of all lines, with ": " and line ends

  private:
    Arena& arena_;
    DraftField* fields_ = nullptr;
    size_t n_ = 0, cap_ = 0;
};

// Go's url.URL, as far as it can be changed.
struct DraftUrl {
    std::string_view scheme;
    std::string_view host;      // with the port
    std::string_view path;      // decoded
    std::string_view raw_path;  // as it was written; counts only while it still means `path`
    std::string_view query;     // without '?'
    bool force_query = false;   // "/a?"

    // Takes "http://host:port/path?query" or, with scheme and host set before, "/path?query".
    static DraftUrl parse(std::string_view url, Arena& arena);
    void set_target(std::string_view target, Arena& arena);
    std::string_view escaped_path(Arena& arena) const;
    std::string_view target(Arena& arena) const;  // RequestURI()
    std::string_view text(Arena& arena) const;    // String()
};

// The message's length and coding, apart from its headers (as proxyutil.Header of the reference's modifiers has them).
struct DraftFraming {
    int64_t length = 0;  // -1: not known. A request with a body and 0: not known either
    bool coded = false;  // there is a Transfer-Encoding, and this is its first element
    std::string_view coding;
};

struct RequestDraft {
    explicit RequestDraft(Arena& a) : arena(a), headers(a) {}
    Arena& arena;
    std::string_view method;
    DraftUrl url;
    std::string_view host;  // of the Host header; empty: url.host
    DraftHeaders headers;
    DraftFraming framing;
    bool has_body = false;  // the client's, unless it was replaced
    bool body_replaced = false;
    std::string_view body;       // all of it, when a stage of the backend reads it or brought it
    bool skips_backend = false;  // the answer begins as an empty 200, without a call
    bool failed = false;
    std::string_view error;

    void replace_body(std::string_view bytes) {
        body = bytes;
        has_body = body_replaced = true;
        framing.length = static_cast<int64_t>(bytes.size());
    }
    void fail(std::string_view text) {
        failed = true;
        error = text;
    }
};

struct AnswerDraft {
    AnswerDraft(Arena& a, const RequestDraft& r) : arena(a), request(r), headers(a) {}
    Arena& arena;
    const RequestDraft& request;  // as it was sent; after a redirect with the last URL
    int status = 200;
    DraftHeaders headers;
    DraftFraming framing;
    bool body_replaced = false;
    std::string_view body;
    bool failed = false;
    std::string_view error;
    uint64_t max_body = 0;  // of what a stage brings; 0: no limit
    // Asks for memory that grows with what others send; false: refused.
    bool (*charge)(void* from, uint64_t bytes) = nullptr;
    void* charge_from = nullptr;

    void replace_body(std::string_view bytes) {
        body = bytes;
        body_replaced = true;
        framing.length = static_cast<int64_t>(bytes.size());
    }
    void fail(std::string_view text) {
        failed = true;
        error = text;
    }
};

// Go's rules for what may stand in a head (httpguts).
bool valid_header_name(std::string_view name);
bool valid_header_value(std::string_view value);
bool valid_host_header(std::string_view host);
std::string_view trimmed_value(std::string_view value);

}  // namespace gladius::engine
