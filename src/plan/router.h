// Purpose: METHOD and decoded path -> what answers. One radix tree for all methods, compiled once into flat arrays.
//   RouterBuilder b;
//   if (auto r = b.add(http::Method::get, "/users/:id", 7); !r) return r.error();
//   Router router = std::move(b).build({});
//   RouteMatch m;  router.find(http::Method::get, path, arena, m);   // m.kind, m.target, m.param(0)
// Rules (those of gin, which the reference uses; ledger 1 sections 2.2, 3.5, 4.1, 7.2): a fixed byte beats a parameter
// beats a wildcard, decided at the first byte that differs, with full backtracking. A parameter stands at the end of
// its segment ("/v:x/y" is allowed), takes everything up to the next '/', and may be empty only when something follows
// it. "/*name" takes the rest with its leading '/', and may stand beside other routes (an extension: gin refuses that).
// Differences from gin, on purpose: a redirect is sent only where its target exists; a Location never begins with "//"
// (gin's would lead to another host); letters are folded in ASCII only; paths over 64 KiB are not redirected.
// Cost: a walk looks at each node of the tree no more than once, since parameters end at fixed places, and looks for
// the end of each of the first 64 segments once. So it is linear in the path plus the part of the tree whose patterns
// the path fits so far, never exponential. find() makes one walk for a hit and at most five for a miss.
// Owner: the snapshot. Thread: find() is const and may run on any number of workers.
// Lifetime: results point into the given path, into the arena, or at constants.
// Errors: add() only, with gin's texts; a failed add() leaves the builder as it was.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "http/h1.h"

namespace gladius::plan {

constexpr uint32_t kMaxParams = 32;
constexpr size_t kMaxPatternBytes = 16 * 1024;

// A set of methods; Method::other is never in it.
using MethodSet = uint16_t;
constexpr unsigned kMethodCount = static_cast<unsigned>(http::Method::other);
constexpr MethodSet bit(http::Method m) {
    return m == http::Method::other ? MethodSet{0} : static_cast<MethodSet>(1u << static_cast<unsigned>(m));
}

struct RouteMatch {
    enum Kind : uint8_t {
        found,
        auto_options,  // OPTIONS that no route claims, with RouterOptions::auto_options: 200 and allow_sorted(allowed)
        redirect,      // to redirect_path, still decoded: 301 for GET, 307 for the rest
        not_allowed,   // 405 with allow(allowed)
        not_found
    };
    struct Span {
        uint32_t offset;
        uint32_t length;
    };

    Kind kind = not_found;
    bool by_slash = false;  // redirect: only the trailing slash differs (gin then honours X-Forwarded-Prefix)
    MethodSet allowed = 0;
    uint32_t target = 0;       // what was given to add()
    uint32_t param_count = 0;  // in the order of appearance in the pattern; a wildcard is the last one
    std::string_view redirect_path;
    std::string_view path;  // what the spans count in: the path given to find(), or its cleaned form
    Span spans[kMaxParams];

    RouteMatch() {}  // leaves the spans unwritten: find() writes those that count
    std::string_view param(uint32_t i) const {
        GL_ASSERT(i < param_count);
        return {path.data() + spans[i].offset, spans[i].length};
    }
};

struct RouterOptions {  // extra_config.router, ledger 1 section 3.5
    bool disable_redirect_trailing_slash = false;
    bool disable_redirect_fixed_path = false;
    bool disable_handle_method_not_allowed = false;
    bool remove_extra_slash = false;
    bool auto_options = false;
};

// The body of the reference's 400 when a parameter still holds an escape after decoding, or a '?' or '#'; empty when
// all are fine. Not to be asked when `disable_path_decoding` is on. Ledger 1 section 3.5, "Encoded params".
std::string_view encoded_params_error(const RouteMatch& match, Arena& arena);

// The path as gin cleans it: one slash at a time, "." and ".." resolved, a last "." or slash kept as a slash. Returns
// its argument when there is nothing to do.
std::string_view clean_route_path(std::string_view path, Arena& arena);

class Router {
  public:
    Router() = default;  // knows no route
    void find(http::Method method, std::string_view decoded_path, Arena& arena, RouteMatch& out) const;

    // "GET, PUT": in the order in which the methods were first added.
    std::string_view allow(MethodSet methods, Arena& arena) const;
    // The same, sorted by name, for auto_options.
    static std::string_view allow_sorted(MethodSet methods, Arena& arena);

    size_t node_count() const { return nodes_.size(); }
    size_t memory_bytes() const;

  private:
    friend class RouterBuilder;
    enum class Mode : uint8_t { exact, fold_case, collect };
    struct Node {
        uint32_t text;     // the label: what must follow in the path, in text_
        uint32_t child;    // fixed children are nodes_[child .. child + child_count), sorted by first byte
        uint32_t param;    // the node behind a parameter; 0: none
        uint32_t targets;  // one per method of `leaf`, then one per method of `wild`, in the order of the bits
        uint16_t text_len;
        uint16_t child_count;
        MethodSet leaf;    // methods whose pattern ends here
        MethodSet wild;    // methods whose wildcard begins here (behind its '/')
        MethodSet below;   // methods of all patterns through this node: where a walk need not go
        uint16_t segment;  // number of '/' up to the end of the label
        uint8_t low;       // first byte of the first fixed child
        bool run;          // the first bytes of the fixed children follow each other without a gap
    };
    struct Frame {
        uint32_t node;
        uint32_t pos;
        uint32_t params;
        uint32_t next;  // the alternative to try when the walk comes back
    };
    struct Walk {
        std::string_view path;
        MethodSet want;           // the one method, or (collect) those not seen yet
        RouteMatch::Span* spans;  // exact only
        char* spelt = nullptr;    // fold_case only: as long as the path, the route's spelling
        uint32_t param_count = 0;
        uint32_t node = 0;
        bool by_wild = false;
        MethodSet seen = 0;
    };
    template <Mode mode>
    bool walk(Walk& w, Arena& arena) const;
    template <Mode mode>
    bool walk_with(Walk& w, Frame* frames) const;
    uint32_t fixed_child(const Node& n, unsigned char first) const;
    bool redirect(MethodSet method, std::string_view given, std::string_view path, Arena& arena, RouteMatch& out) const;
    bool exists(MethodSet method, std::string_view path, Arena& arena) const;
    bool respell(MethodSet method, std::string_view path, Arena& arena, RouteMatch& out) const;

    std::vector<Node> nodes_;
    std::vector<unsigned char> first_;  // first_[i]: first byte of the label of nodes_[i]
    std::vector<char> text_;
    std::vector<uint32_t> targets_;
    http::Method order_[kMethodCount] = {};
    uint8_t order_count_ = 0;
    RouterOptions options_;
    uint32_t max_depth_ = 0;    // nodes on the longest way down: bounds the frames of a walk
    bool slash_ended_ = false;  // some pattern ends in '/' or a wildcard, so that adding a slash can help
};

class RouterBuilder {
  public:
    RouterBuilder();
    // `pattern` is in gin's spelling: "/a/:id", "/a/pre:id", "/a/*rest".
    Result<void> add(http::Method method, std::string_view pattern, uint32_t target);
    Router build(RouterOptions options) &&;

  private:
    struct Name {
        http::Method method;
        std::string text;  // ":id", "*rest"
    };
    struct Target {
        http::Method method;
        uint32_t value;
    };
    struct Node {
        std::string label;
        std::vector<uint32_t> children;
        uint32_t param = 0;
        std::vector<Name> names;       // of the parameter behind this node, one per method
        std::vector<Name> wild_names;  // of the wildcard
        std::vector<Target> leaf;
        std::vector<Target> wild;
        MethodSet below = 0;
    };
    uint32_t descend(uint32_t node, std::string_view literal);
    std::vector<uint32_t> top_down() const;
    void claim_options();
    void merge_chain(Node& n);

    std::vector<Node> nodes_;
    http::Method order_[kMethodCount] = {};
    uint8_t order_count_ = 0;
};

}  // namespace gladius::plan
