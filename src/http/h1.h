// Purpose: HTTP/1.x heads and chunked bodies, sans I/O: bytes in, offsets out. Strict by RFC 9112: whatever makes the
// framing ambiguous is an error (CL+TE, differing or signed lengths, obs-fold, bare CR or LF, space before the colon,
// bad chunk syntax, NUL); see docs/adr/0003-h1-strictness.md.
// Owner: the caller owns the bytes and the field array. All positions are offsets from the first byte of the head, so a
// head that is moved as a whole (from the worker's receive buffer into an exchange's arena) needs no second parse.
// Thread: any; pure functions. Errors: Status::error with a HeadError that says which rule and where.
// Cost: about 200 ns for a 929-byte browser request (h1_bench.cc); no allocation.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gladius::http {

enum class Method : uint8_t { get, head, post, put, patch, del, options, connect, trace, other };

// Well-known header names. The bit (1 << token) in a head's mask says "present", so that the usual question costs one
// AND. Order is free; at most 63 entries; `unknown` stays first. The table with canonical spelling and facts is in
// tokens.cc.
enum class Token : uint8_t {
    unknown,
    accept,
    accept_charset,
    accept_encoding,
    accept_language,
    age,
    allow,
    authorization,
    cache_control,
    connection,
    content_encoding,
    content_language,
    content_length,
    content_location,
    content_range,
    content_type,
    cookie,
    date,
    etag,
    expect,
    expires,
    from,
    host,
    if_match,
    if_modified_since,
    if_none_match,
    if_range,
    if_unmodified_since,
    keep_alive,
    last_modified,
    location,
    origin,
    pragma,
    proxy_authenticate,
    proxy_authorization,
    proxy_connection,
    range,
    referer,
    retry_after,
    server,
    set_cookie,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    user_agent,
    vary,
    via,
    www_authenticate,
    x_forwarded_for,
    x_forwarded_host,
    x_forwarded_proto,
    x_forwarded_via,
    x_real_ip,
    x_krakend,
    x_krakend_completed,
    x_request_id,
    count
};
constexpr uint64_t bit(Token t) {
    return uint64_t{1} << static_cast<unsigned>(t);
}

// Facts of a token, in one table (tokens.cc).
bool is_hop_by_hop(Token t);  // never crosses the gateway: RFC 9110 7.6.1, plus Proxy-Connection and Keep-Alive
std::string_view canonical_name(Token t);  // "Content-Type"
// Looks a name up without regard to case; `unknown` when it is not in the table.
Token find_token(std::string_view name);
// The same, and says whether the name is spelt as canonicalise() would spell it (known or not).
Token find_token(std::string_view name, bool& canonical);
// Writes the name as Go's textproto.CanonicalMIMEHeaderKey spells it ("x-a" -> "X-A"); names with bytes that are no
// token characters are copied unchanged. `out` must hold name.size() bytes.
void canonicalise(std::string_view name, char* out);
// Two names of one header, in any case.
inline bool same_name(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; };
    for (size_t i = 0; i < a.size(); ++i)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}

// An item of a list of tokens ("a, b"), in any case.
bool has_item(std::string_view list, std::string_view item);

struct Field {  // 16 bytes
    uint32_t name_off;
    uint32_t value_off;
    uint32_t value_len;
    uint16_t name_len;
    Token token;
    uint8_t flags;  // kCanonical: the name is already spelt as canonicalise() would spell it
    static constexpr uint8_t kCanonical = 1;
    static constexpr uint8_t kNominated = 2;  // listed in Connection: hop-by-hop for this message
};
static_assert(sizeof(Field) == 16);

enum class Framing : uint8_t { none, length, chunked, until_close };

struct Limits {
    uint32_t max_head_bytes = 1024 * 1024 + 4096;
    uint32_t max_fields = 256;
};

enum class HeadError : uint8_t {
    none,
    bad_request_line,
    bad_method,
    bad_target,
    bad_version,
    bad_status_line,
    bad_field_name,
    bad_field_value,
    obs_fold,
    bare_cr,
    bare_lf,
    nul_byte,
    too_many_fields,
    head_too_large,
    length_and_chunked,
    bad_content_length,
    bad_transfer_encoding,
    missing_host,
    several_hosts,
    bad_host
};
const char* text(HeadError e);  // a few words for logs: "Content-Length and Transfer-Encoding together"

enum class Status : uint8_t { complete, need_more, error };

struct RequestHead {
    Method method = Method::other;
    uint8_t minor_version = 1;  // HTTP/1.minor; only 0 and 1 are accepted
    Framing framing = Framing::none;
    bool keep_alive = true;        // after Connection and the version
    bool expect_continue = false;  // Expect: 100-continue (any other Expect value: see `bad_expect`)
    bool bad_expect = false;       // an Expect that nobody knows: 417
    bool upgrade = false;          // Connection: upgrade and an Upgrade field
    uint32_t method_len = 0;       // the method's text is at offset 0
    uint32_t target_off = 0, target_len = 0;
    uint32_t head_len = 0;  // up to and with the empty line
    uint64_t content_length = 0;
    uint64_t mask = 0;  // bit(token) of the fields that are present
    uint32_t field_count = 0;
    uint32_t host_field = UINT32_MAX;  // index into fields, UINT32_MAX when absent (HTTP/1.0)
    HeadError error = HeadError::none;
    uint32_t error_off = 0;
};

struct ResponseHead {
    uint16_t status = 0;
    uint8_t minor_version = 1;
    Framing framing = Framing::none;
    bool keep_alive = true;  // the connection can be used again, once the body has been read to its end
    uint32_t reason_off = 0, reason_len = 0;
    uint32_t head_len = 0;
    uint64_t content_length = 0;
    uint64_t mask = 0;
    uint32_t field_count = 0;
    HeadError error = HeadError::none;
    uint32_t error_off = 0;
};

// Parses the head that begins at data. Reads no byte past data + n. `fields` has room for `capacity` entries; a head
// with more fields than min(capacity, limits.max_fields) is too_many_fields. Empty lines before a request line (RFC
// 9112 2.2) are the caller's to skip with skip_empty_lines().
Status parse_request(const char* data, size_t n, const Limits& limits, Field* fields, size_t capacity,
                     RequestHead& out);

// The same parser one byte at a time: what the fuzzers and benchmarks hold the fast one against.
Status parse_request_scalar(const char* data, size_t n, const Limits& limits, Field* fields, size_t capacity,
                            RequestHead& out);

// `request_method` decides the framing (HEAD has no body; 1xx, 204 and 304 neither). Backends are read a little more
// leniently than clients where it cannot hurt: an empty reason phrase without its space. Framing stays as strict.
Status parse_response(const char* data, size_t n, const Limits& limits, Method request_method, Field* fields,
                      size_t capacity, ResponseHead& out);
Status parse_response_scalar(const char* data, size_t n, const Limits& limits, Method request_method, Field* fields,
                             size_t capacity, ResponseHead& out);

// For a head that comes in pieces: says whether parsing again is worth it, so that a peer which sends byte by byte
// costs linear time and yet every certain error is found at the end of its line at the latest. Make one per head, after
// the first need_more; `data` is the whole head so far.
//   if (status == need_more) { resume.parsed(n); ... more bytes ...; if (resume.worth_parsing(data, n, limits)) parse
//   again }
class HeadResume {
  public:
    void parsed(size_t n) { parsed_ = scanned_ = n; }
    bool worth_parsing(const char* data, size_t n, const Limits& limits);

  private:
    size_t parsed_ = 0;   // bytes the parser has seen
    size_t scanned_ = 0;  // bytes known to hold nothing of interest behind parsed_
};

// Number of bytes of CRLF pairs before a request line (at most 4 are skipped).
size_t skip_empty_lines(const char* data, size_t n);

// The members of a list with commas, without the blanks around them; empty ones are left out.
template <class Fn>
void each_listed(std::string_view list, Fn&& fn) {
    while (!list.empty()) {
        size_t comma = list.find(',');
        std::string_view item = list.substr(0, comma);
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
        while (!item.empty() && (item.front() == ' ' || item.front() == '\t'))
            item.remove_prefix(1);
        while (!item.empty() && (item.back() == ' ' || item.back() == '\t'))
            item.remove_suffix(1);
        if (!item.empty()) fn(item);
    }
}

Method method_of(std::string_view text);  // case-sensitive, as RFC 9110 9.1 has it
std::string_view method_name(Method m);   // "GET"; empty for other
std::string_view reason_of(int status);   // "Not Found"; empty when unknown

inline std::string_view name_of(const char* base, const Field& f) {
    return {base + f.name_off, f.name_len};
}
inline std::string_view value_of(const char* base, const Field& f) {
    return {base + f.value_off, f.value_len};
}

// Incremental decoder of a chunked body with trailers. Feed it what was read; each call consumes a prefix and yields at
// most one run of body bytes, which points into the input.
//   while (in < end) { auto r = dec.next(in, end - in); in += r.consumed; use(r.data); if (r.state != more) break; }
class ChunkedDecoder {
  public:
    enum class State : uint8_t { more, done, error };
    struct Step {
        size_t consumed = 0;
        std::string_view data;
        State state = State::more;
    };
    // Bounds: chunk size at most 2^60, extensions at most 4 KiB a chunk, trailers at most `max_trailer_bytes` in all.
    // `padded_sizes`: blanks between a size and its CR LF are taken, as some backends write them; without, a blank must
    // belong to an extension (RFC 9112 7.1.1).
    explicit ChunkedDecoder(uint32_t max_trailer_bytes = 16 * 1024, bool padded_sizes = false)
        : max_trailer_(max_trailer_bytes), padded_sizes_(padded_sizes) {}
    Step next(const char* data, size_t n);
    bool done() const { return state_ == kDone; }
    // Bytes of the current chunk that are still to come; 0 between chunks. Lets a relay know how far it may move bytes
    // blindly.
    uint64_t remaining() const { return remaining_; }

  private:
    enum : uint8_t {
        kSize,
        kSizeBlank,
        kSizeExt,
        kSizeLf,
        kData,
        kDataCr,
        kDataLf,
        kTrailerStart,
        kTrailerName,
        kTrailerValue,
        kTrailerLf,
        kEndLf,
        kDone,
        kError
    };
    uint64_t remaining_ = 0;
    uint64_t size_ = 0;  // of the chunk whose size line is being read
    uint32_t max_trailer_;
    uint32_t seen_ = 0;  // bytes of the current extension or of all trailers
    bool padded_sizes_;
    uint8_t digits_ = 0;
    uint8_t state_ = kSize;
};

// Writes "<hex size>\r\n" right-aligned so that it ends at `end`; returns its length (at most 18).
size_t write_chunk_head(char* end, uint64_t size);

}  // namespace gladius::http
