// Purpose: what the reference does with request targets and query strings, byte for byte (Go net/url), as pure
// functions. Ownership: results point into the input or into the arena. Thread: any. Errors: nullopt where Go answers
// 400. Source: RFC 3986; Go net/url parse/escape rules; ledger 1 sections 3.5, 4.2; conformance cases
// routing/encoded-paths and forwarding/query-*.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"

namespace gladius::http {

// A request target taken apart. Accepts origin-form ("/a?b"), absolute-form ("http://h/a?b") and "*". Nothing is cut at
// a '#': a request target has no fragment, so it belongs to the path or the query as for Go's ParseRequestURI.
struct Target {
    std::string_view raw_path;   // as it came, still escaped
    std::string_view path;       // decoded once; equal to raw_path when nothing was escaped (no copy then)
    std::string_view query;      // without '?', as it came
    std::string_view authority;  // host and port of absolute-form without user info; it wins over the Host field
    bool has_query = false;      // there was a '?'
};
std::optional<Target> parse_target(std::string_view target, Arena& arena);

// Decodes %XX (and '+' as space in queries). nullopt on a bad escape.
std::optional<std::string_view> unescape_path(std::string_view s, Arena& arena);
std::optional<std::string_view> unescape_query(std::string_view s, Arena& arena);

// Go's URL.EscapedPath for a decoded path (what a backend sees): escapes what Go escapes in encodePath mode, nothing
// else.
std::string_view escape_path(std::string_view s, Arena& arena);
std::string_view escape_query(std::string_view s, Arena& arena);  // url.QueryEscape: space -> '+'

// The path of a URL as Go sends it after url.Parse: what RequestURI() makes of the text between the authority and '?'.
// The gateway writes parameter values as they are into a backend's url_pattern and parses the whole, so the text may be
// escaped in part:
//   - only bytes that may stand in an escaped path, and good escapes: sent as it is, whatever it escapes without need
//     ("/a%2Fb", "/%61", "/a!b" stay);
//   - any byte that may not ("/a b%2Fc", '"', '{', non-ASCII): decoded once and escaped anew as a whole, so that
//   escapes which are
//     not needed are lost too ("/a b%2Fc" -> "/a%20b/c");
//   - a bad escape or a control byte: nullopt, where url.Parse fails.
// The caller has cut off '#' and what follows, then '?' and what follows (neither may be in `raw`; the query is sent as
// it is), and sends "/" where the result is empty.
std::optional<std::string_view> escape_url_path_like_go_parse(std::string_view raw, Arena& arena);

// One pair of a query string, decoded.
struct Pair {
    std::string_view name;
    std::string_view value;
};
// Calls fn(Pair) for every pair that Go's url.ParseQuery keeps: pairs with a bad escape or with ';' are dropped.
// A query with more than kMaxPairs pairs has none, as in Go.
constexpr size_t kMaxPairs = 10000;
namespace detail {
bool within_pair_limit(std::string_view query);
// Takes the next good pair off the front of `rest`; false when there is none.
bool next_pair(std::string_view& rest, Arena& arena, Pair& out);
}  // namespace detail
template <class F>
void for_each_pair(std::string_view query, Arena& arena, F&& fn) {
    if (!detail::within_pair_limit(query)) return;
    Pair pair;
    while (detail::next_pair(query, arena, pair))
        fn(pair);
}
// Writes the pairs of `query` whose names pass `keep` (nullptr: all) as url.Values.Encode does: sorted by name, values
// in their order, "name=value" with both escaped. Returns the text in the arena, empty when nothing is left.
struct NameSet {  // names in any order; small
    const std::string_view* names;
    uint32_t count;
    bool contains(std::string_view n) const {
        for (uint32_t i = 0; i < count; ++i)
            if (names[i] == n) return true;
        return false;
    }
};
std::string_view encode_query(std::string_view query, const NameSet* keep, Arena& arena);

// Whether a name is `parent` or lies below it ("a.b.test" below "b.test"): secrets of a request go along with a
// redirect to there (Go net/http). Addresses have nothing below them.
bool is_same_or_below(std::string_view host, std::string_view parent);

// The reference's cleaned path (gin's cleanPath): "/a/../b//c/" -> "/b/c/". Used for redirects.
std::string_view clean_path(std::string_view path, Arena& arena);

}  // namespace gladius::http
