// Purpose: METHOD and decoded path -> what answers. One radix tree for each method, compiled once into flat arrays.
//   RouterBuilder b;
//   if (auto r = b.add(http::Method::get, "/users/:id", 7); !r) return r.error();
//   Router router = std::move(b).build({});
//   RouteMatch m;  router.find(http::Method::get, path, arena, m);   // m.kind, m.target, m.param(0)
// Rules (those of gin, which the reference uses; ledger 1 sections 2.2, 3.5, 4.1, 7.2): a fixed byte beats a parameter,
// decided at the first byte that differs. A parameter stands at the end of its segment ("/v:x/y" is allowed), takes
// everything up to the next '/', and may be empty only when something follows it. The walk comes back to a parameter it
// has passed by when the fixed bytes lead nowhere, but not when a parameter did. Where to redirect is what that walk
// saw at its end, so a Location may lead to a 404; what it bound is checked for escapes although nothing was found; and
// when the other methods are tried for the Allow of a 405, places left by an earlier tree are gone back to as well, so
// that Allow may name a method too many. All that is visible to clients, and the same here.
// "/*name" takes the rest with its leading '/', and may stand beside other routes (an extension: gin refuses that; a
// tree with such a listed route is searched in full).
// Differences from gin, on purpose: a Location never begins with "//" (gin's would lead to another host); letters are
// folded in ASCII only; paths over 64 KiB are not redirected.
// Cost: parameters end at fixed places, so a walk looks at each node of a tree no more than once, and for the end of
// each of the first 64 segments once: it is linear in the path plus the part of the tree that fits so far, never
// exponential. find() makes one walk for a hit and two and one for each further method for a miss. Owner: the snapshot.
// Thread: find() is const and may run on any number of workers. Lifetime: results point into the given path, into the
// arena, or at constants. Errors: add() only, with gin's texts; a failed add() leaves the builder as it was.
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
    uint32_t param_count = 0;  // in the order of appearance in the pattern; a wildcard is the last one. When nothing
                               // was found: what the walk had bound at its end
    std::string_view redirect_path;
    std::string_view path;        // what the spans count in: the path given to find(), or its cleaned form
    const Span* spans = nullptr;  // in the arena

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
    struct Node {
        uint32_t text;     // the label: what must follow in the path, in text_
        uint32_t child;    // fixed children are nodes_[child .. child + child_count), sorted by first byte
        uint32_t param;    // the node behind a parameter; 0: none. Its label is empty
        uint32_t leaf;     // target of the pattern that ends here, or kNone
        uint32_t wild;     // target of the wildcard that begins here (behind its '/'), or kNone
        uint32_t allowed;  // leaf or wild of auto_options: the methods to name
        uint16_t text_len;
        uint16_t child_count;
        uint16_t segment;  // number of '/' up to the end of the label
        uint8_t low;       // first byte of the first fixed child
        bool run;          // the first bytes of the fixed children follow each other without a gap
    };
    // A place to come back to: `pos` is where the label of the node begins.
    struct Frame {
        uint32_t node;
        uint32_t pos;
        uint32_t params;
        uint32_t next;
    };
    struct Walk {
        std::string_view path;
        Frame* frames;
        Frame* top;
        RouteMatch::Span* spans;  // nullptr: not wanted
        uint32_t param_count = 0;
        uint32_t node = 0;
        bool by_wild = false;
        bool slash = false;  // a slash more or less would help
    };
    struct Tree {
        http::Method method;
        uint32_t root;
        bool mixed;  // has a wildcard of the configuration
    };
    class SegmentEnds;
    bool walk(const Tree& tree, Walk& w) const;
    uint32_t fixed_child(const Node& n, unsigned char first) const;
    bool fits(const Node& n, std::string_view path, uint32_t pos, uint32_t known) const;
    // The route's spelling of a path, or of it with a slash more or less; empty: none.
    std::string_view respell(const Tree& tree, std::string_view path, Frame* frames, Arena& arena) const;
    bool redirect(const Tree& tree, std::string_view given, const Walk& w, Arena& arena, RouteMatch& out) const;
    const Tree* tree_of(http::Method method) const;

    static constexpr uint32_t kNone = UINT32_MAX;
    std::vector<Node> nodes_;
    std::vector<unsigned char> first_;  // first_[i]: first byte of the label of nodes_[i]
    std::vector<char> text_;
    std::vector<Tree> trees_;  // in the order in which the methods were first added
    RouterOptions options_;
    uint32_t max_frames_ = 0;  // bounds what walks of one find() leave behind
};

class RouterBuilder {
  public:
    // `pattern` is in gin's spelling: "/a/:id", "/a/pre:id", "/a/*rest". Only the listed ones get OPTIONS of
    // auto_options: the gateway's own routes do not.
    Result<void> add(http::Method method, std::string_view pattern, uint32_t target, bool listed = true);
    Router build(RouterOptions options) &&;

  private:
    struct Node {
        std::string label;
        std::vector<uint32_t> children;
        uint32_t param = 0;
        std::string name;       // of the parameter behind this node: ":id"
        std::string wild_name;  // of the wildcard: "*rest"
        uint32_t leaf = UINT32_MAX;
        uint32_t wild = UINT32_MAX;
        uint32_t allowed = 0;
    };
    struct Tree {
        http::Method method;
        uint32_t root;
    };
    // For auto_options: what add() was told to list.
    struct Listed {
        std::string pattern;
        http::Method method;
    };
    uint32_t descend(uint32_t node, std::string_view literal);
    Result<uint32_t> place(http::Method method, std::string_view pattern, uint32_t target);

    std::vector<Node> nodes_;
    std::vector<Tree> trees_;
    std::vector<Listed> listed_;
};

}  // namespace gladius::plan
