#include "plan/router.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

namespace gladius::plan {
namespace {

using http::Method;

constexpr std::string_view kNames[kMethodCount] = {"GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                                   "DELETE", "OPTIONS", "CONNECT", "TRACE"};
constexpr Method kSorted[kMethodCount] = {Method::connect, Method::del,  Method::get, Method::head, Method::options,
                                          Method::patch,   Method::post, Method::put, Method::trace};
constexpr uint32_t kAutoTarget = UINT32_MAX - 1;  // marks a leaf that auto_options gave its OPTIONS
constexpr uint32_t kInlineFrames = 64;
constexpr uint32_t kKnownSegments = 64;
constexpr size_t kMaxPathBytes = size_t{1} << 30;  // spans are 32 bits wide; heads are far smaller
// A longer path is never redirected: no client follows such a Location, and looking for one costs copies of the path.
constexpr size_t kMaxRedirectBytes = 64 * 1024;

char fold(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Labels are mostly a few bytes long: this is cheaper than a call of memcmp.
bool same(const char* a, const char* b, size_t n) {
    auto load = [](const char* p) {
        uint64_t v;
        std::memcpy(&v, p, 8);
        return v;
    };
    if (n >= 8) {
        size_t i = 0;
        for (; i + 8 <= n; i += 8)
            if (load(a + i) != load(b + i)) return false;
        return load(a + n - 8) == load(b + n - 8);
    }
    for (size_t i = 0; i < n; ++i)
        if (a[i] != b[i]) return false;
    return true;
}

bool same_folded(const char* a, const char* b, size_t n) {
    for (size_t i = 0; i < n; ++i)
        if (fold(a[i]) != fold(b[i])) return false;
    return true;
}

bool is_clean(std::string_view p) {
    if (p.empty() || p[0] != '/') return false;
    for (size_t i = 0; (i = p.find('/', i)) != std::string_view::npos; ++i) {
        if (i + 1 == p.size()) return true;
        char c = p[i + 1];
        if (c == '/') return false;
        if (c != '.') continue;
        std::string_view rest = p.substr(i + 2);
        if (rest.empty() || rest[0] == '/') return false;
        if (rest[0] == '.' && (rest.size() == 1 || rest[1] == '/')) return false;
    }
    return true;
}

// A last "." counts as a trailing slash for gin's cleanPath, but not for the cleaning in Go's http.Redirect.
std::string_view cleaned(std::string_view p, bool dot_is_slash, Arena& arena) {
    if (is_clean(p)) return p;
    char* out = arena.chars(p.size() + 2);
    size_t w = 0;
    bool trailing = p.size() > 1 && p.back() == '/';
    for (size_t i = 0; i < p.size();) {
        if (p[i] == '/') {
            ++i;
            continue;
        }
        size_t end = std::min(p.find('/', i), p.size());
        std::string_view segment = p.substr(i, end - i);
        if (segment == ".") {
            if (end == p.size() && dot_is_slash) trailing = true;
        } else if (segment == "..") {
            while (w > 0 && out[--w] != '/') {
            }
        } else {
            out[w++] = '/';
            std::memcpy(out + w, segment.data(), segment.size());
            w += segment.size();
        }
        i = end;
    }
    if (w == 0 || trailing) out[w++] = '/';
    return {out, w};
}

// The path with its trailing slash taken away, or with one more.
std::string_view toggled(std::string_view p, Arena& arena) {
    if (p.size() > 1 && p.back() == '/') return p.substr(0, p.size() - 1);
    return arena.concat(p, "/");
}

std::string_view join(const Method* order, size_t count, MethodSet methods, Arena& arena) {
    size_t size = 0;
    for (size_t i = 0; i < count; ++i)
        if (methods & bit(order[i])) size += kNames[static_cast<unsigned>(order[i])].size() + 2;
    if (size == 0) return {};
    char* out = arena.chars(size);
    size_t w = 0;
    for (size_t i = 0; i < count; ++i) {
        if (!(methods & bit(order[i]))) continue;
        std::string_view name = kNames[static_cast<unsigned>(order[i])];
        std::memcpy(out + w, name.data(), name.size());
        std::memcpy(out + w + name.size(), ", ", 2);
        w += name.size() + 2;
    }
    return {out, w - 2};
}

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (fold(c) >= 'a' && fold(c) <= 'f');
}

// What Go says of a bad escape: the at most three bytes from its '%', quoted as strconv.Quote does (bytes above ASCII
// by number).
std::string_view bad_escape_text(std::string_view bytes, Arena& arena) {
    static constexpr std::string_view kHead = "error: invalid URL escape \"";
    static constexpr char kHex[] = "0123456789abcdef";
    char* out = arena.chars(kHead.size() + bytes.size() * 4 + 1);
    std::memcpy(out, kHead.data(), kHead.size());
    size_t w = kHead.size();
    for (char c : bytes) {
        static constexpr std::string_view kShort = "\a\b\f\n\r\t\v\"\\";
        static constexpr std::string_view kLetter = "abfnrtv\"\\";
        auto u = static_cast<unsigned char>(c);
        if (size_t at = kShort.find(c); at != std::string_view::npos) {
            out[w++] = '\\';
            out[w++] = kLetter[at];
        } else if (u < 0x20 || u >= 0x7f) {
            out[w++] = '\\';
            out[w++] = 'x';
            out[w++] = kHex[u >> 4];
            out[w++] = kHex[u & 15];
        } else {
            out[w++] = c;
        }
    }
    out[w++] = '"';
    return {out, w};
}

}  // namespace

std::string_view clean_route_path(std::string_view path, Arena& arena) {
    return cleaned(path, true, arena);
}

std::string_view encoded_params_error(const RouteMatch& match, Arena& arena) {
    for (uint32_t i = 0; i < match.param_count; ++i) {
        std::string_view v = match.param(i);
        bool refused = v.find_first_of("?#") != std::string_view::npos;
        for (size_t at = 0; (at = v.find('%', at)) != std::string_view::npos; at += 3) {
            if (at + 2 >= v.size() || !is_hex(v[at + 1]) || !is_hex(v[at + 2]))
                return bad_escape_text(v.substr(at, 3), arena);
            refused = true;
        }
        if (refused) return "error: encoded url params";
    }
    return {};
}

// ---- lookup

uint32_t Router::fixed_child(const Node& n, unsigned char first) const {
    // Where many children meet, their first bytes are often a run (digits, letters): then the place is known.
    uint32_t guess = uint32_t{first} - n.low;
    if (n.run) return guess < n.child_count ? n.child + guess : 0;
    const unsigned char* from = first_.data() + n.child;
    if (n.child_count <= 4) {
        for (uint32_t i = 0; i < n.child_count; ++i)
            if (from[i] == first) return n.child + i;
        return 0;
    }
    const void* at = std::memchr(from, first, n.child_count);
    return at ? n.child + static_cast<uint32_t>(static_cast<const unsigned char*>(at) - from) : 0;
}

bool Router::fits(const Node& n, std::string_view path, uint32_t pos, uint32_t known) const {
    return n.text_len <= known || same(text_.data() + n.text + known, path.data() + pos + known, n.text_len - known);
}

// Where segments end: parameters that begin at several places of a long segment share its end.
class Router::SegmentEnds {
  public:
    explicit SegmentEnds(std::string_view path) : path_(path) {}
    uint32_t of(const Node& n, uint32_t pos) {
        if (n.segment < kKnownSegments && (known_ >> n.segment & 1)) return ends_[n.segment];
        auto size = static_cast<uint32_t>(path_.size());
        uint32_t end = pos;
        while (end < size && path_[end] != '/')
            ++end;
        if (n.segment < kKnownSegments) {
            ends_[n.segment] = end;
            known_ |= uint64_t{1} << n.segment;
        }
        return end;
    }

  private:
    std::string_view path_;
    uint32_t ends_[kKnownSegments];
    uint64_t known_ = 0;
};

// The walk of gin, with a wildcard as one more alternative. The names of what a frame offers next:
namespace {
enum : uint32_t { kParam, kWild };
enum : uint32_t { kLower, kUpper, kRest, kLast };
}  // namespace

bool Router::walk(const Tree& tree, Walk& w) const {
    const Node* const nodes = nodes_.data();
    const char* const path = w.path.data();
    const auto size = static_cast<uint32_t>(w.path.size());
    SegmentEnds ends(w.path);
    Frame* const base = w.top;
    uint32_t at = tree.root, pos = 0, params = 0, known = 0, next = kParam;
    bool enter = true;
    w.slash = false;

    // Goes back to the last place left behind, dropping those that lie behind `from`. A tree with a wildcard beside
    // other routes is searched in full, and for itself.
    auto come_back = [&](uint32_t from) {
        Frame* const bottom = tree.mixed ? base : w.frames;
        while (w.top > bottom) {
            --w.top;
            if (w.top->pos > from) continue;
            at = w.top->node;
            pos = w.top->pos + nodes[at].text_len;
            params = w.top->params;
            next = w.top->next;
            enter = false;
            return true;
        }
        return false;
    };
    auto found = [&](uint32_t node, bool wild) {
        w.node = node;
        w.by_wild = wild;
        if (wild) {
            if (w.spans) w.spans[params] = {pos - 1, size - pos + 1};
            ++params;
        }
        w.param_count = params;
        return true;
    };

    for (;;) {
        const Node& n = nodes[at];
        if (enter) {
            const uint32_t rest = size - pos;
            const bool only_slash = rest == 1 && path[pos] == '/';
            if (rest < n.text_len || !fits(n, w.path, pos, known)) {
                const char* label = text_.data() + n.text;
                w.slash = only_slash || (n.leaf != kNone && n.text_len == rest + 1 && label[rest] == '/' &&
                                         same(label, path + pos, rest));
                if (!w.slash && come_back(pos)) continue;
            } else if (rest == n.text_len) {
                if (n.leaf != kNone) return found(at, false);
                if (n.wild != kNone) {
                    pos = size;
                    return found(at, true);
                }
                if (!only_slash && come_back(pos)) continue;
                uint32_t slash = fixed_child(n, '/');
                w.slash = only_slash || (slash != 0 && nodes[slash].text_len == 1 &&
                                         (nodes[slash].leaf != kNone || nodes[slash].wild != kNone));
            } else {
                pos += n.text_len;
                const bool other = n.param != 0 || n.wild != kNone;
                if (uint32_t child = fixed_child(n, static_cast<unsigned char>(path[pos])); child != 0) {
                    if (other) *w.top++ = {at, pos - n.text_len, params, kParam};
                    at = child;
                    known = 1;
                    continue;
                }
                if (other) {
                    next = kParam;
                    enter = false;
                    continue;
                }
                const bool slash_left = size - pos == 1 && path[pos] == '/';
                if (!slash_left && come_back(pos)) continue;
                w.slash = slash_left && n.leaf != kNone;
            }
        } else if (next == kParam && n.param != 0) {
            if (n.wild != kNone) *w.top++ = {at, pos - n.text_len, params, kWild};
            const uint32_t end = ends.of(n, pos);
            if (w.spans) w.spans[params] = {pos, end - pos};
            ++params;
            const Node& p = nodes[n.param];
            if (end < size) {
                if (p.child_count != 0) {
                    at = p.child;
                    pos = end;
                    known = 1;
                    enter = true;
                    continue;
                }
                w.slash = end + 1 == size;
            } else if (p.leaf != kNone) {
                return found(n.param, false);
            } else {
                const Node& c = nodes[p.child];
                w.slash = p.child_count != 0 && c.text_len == 1 && (c.leaf != kNone || c.wild != kNone);
            }
        } else {
            return found(at, true);
        }
        // A dead end. gin gives up here; only the search in full goes on.
        if (!tree.mixed || !come_back(size)) {
            w.param_count = params;
            return false;
        }
    }
}

// The labels of the tree have the letters of the route; matched parts of a path are as long as their labels, so the
// spelling grows in step with the path.
std::string_view Router::respell(const Tree& tree, std::string_view path, Frame* const frames, Arena& arena) const {
    const auto size = static_cast<uint32_t>(path.size());
    char* out = arena.chars(path.size() + 1);
    SegmentEnds ends(path);
    Frame* top = frames;
    uint32_t at = tree.root, pos = 0, step = kLower;
    bool enter = true;
    for (;;) {
        const Node& n = nodes_[at];
        if (enter) {
            const uint32_t rest = size - pos;
            const char* label = text_.data() + n.text;
            auto folded = [&](uint32_t count) {
                return count <= 1 || same_folded(label + 1, path.data() + pos + 1, count - 1);
            };
            if (rest >= n.text_len && folded(n.text_len)) {
                std::memcpy(out + pos, label, n.text_len);
                pos += n.text_len;
                step = kLower;
                enter = false;
                if (pos < size) continue;
                if (n.leaf != kNone || n.wild != kNone) return {out, size};
                uint32_t slash = fixed_child(n, '/');
                if (slash != 0 && nodes_[slash].text_len == 1 &&
                    (nodes_[slash].leaf != kNone || nodes_[slash].wild != kNone)) {
                    out[size] = '/';
                    return {out, size + 1};
                }
            } else {
                if (rest == 1 && path[pos] == '/') return {out, pos};
                if (rest + 1 == n.text_len && label[rest] == '/' && n.leaf != kNone && folded(rest)) {
                    std::memcpy(out + pos, label, n.text_len);
                    return {out, pos + n.text_len};
                }
            }
        } else if (step <= kUpper) {
            const char low = fold(path[pos]);
            const char high = low >= 'a' && low <= 'z' ? static_cast<char>(low & ~0x20) : low;
            uint32_t child = step == kLower || high != low
                                 ? fixed_child(n, static_cast<unsigned char>(step == kLower ? low : high))
                                 : 0;
            ++step;
            if (child == 0) continue;
            if (step == kUpper || n.param != 0 || n.wild != kNone) *top++ = {at, pos, 0, step};
            at = child;
            enter = true;
            continue;
        } else if (step == kRest && n.param != 0) {
            if (n.wild != kNone) *top++ = {at, pos, 0, kLast};
            const uint32_t end = ends.of(n, pos);
            std::memcpy(out + pos, path.data() + pos, end - pos);
            const Node& p = nodes_[n.param];
            if (end < size) {
                if (p.child_count != 0) {
                    at = p.child;
                    pos = end;
                    enter = true;
                    continue;
                }
                if (end + 1 == size) return {out, end};
            } else {
                if (p.leaf != kNone) return {out, size};
                if (p.child_count != 0 && nodes_[p.child].text_len == 1 && nodes_[p.child].leaf != kNone) {
                    out[size] = '/';
                    return {out, size + 1};
                }
            }
        } else if (n.wild != kNone) {
            std::memcpy(out + pos, path.data() + pos, size - pos);
            return {out, size};
        } else if (size - pos == 1 && path[pos] == '/' && n.leaf != kNone) {
            return {out, pos};
        }
        if (top == frames) return {};
        --top;
        at = top->node;
        pos = top->pos;
        step = top->next;
        enter = false;
    }
}

// `given` is what the client sent; what was looked up differs from it with remove_extra_slash. gin makes the first kind
// of Location from what was sent, and Go's http.Redirect then cleans it; the second kind is made from the cleaned path.
bool Router::redirect(const Tree& tree, std::string_view given, const Walk& w, Arena& arena, RouteMatch& out) const {
    if (w.slash && !options_.disable_redirect_trailing_slash) {
        out.kind = RouteMatch::redirect;
        out.by_slash = true;
        out.redirect_path = cleaned(toggled(given, arena), false, arena);
        return true;
    }
    if (options_.disable_redirect_fixed_path) return false;
    std::string_view spelt = respell(tree, cleaned(given, true, arena), w.frames, arena);
    if (!spelt.data()) return false;
    out.kind = RouteMatch::redirect;
    out.redirect_path = cleaned(spelt, false, arena);
    return true;
}

const Router::Tree* Router::tree_of(Method method) const {
    for (const Tree& t : trees_)
        if (t.method == method) return &t;
    return nullptr;
}

void Router::find(Method method, std::string_view decoded_path, Arena& arena, RouteMatch& out) const {
    out.kind = RouteMatch::not_found;
    out.by_slash = false;
    out.allowed = 0;
    out.param_count = 0;
    out.redirect_path = {};
    out.path = decoded_path;
    if (decoded_path.size() > kMaxPathBytes) return;
    if (options_.remove_extra_slash) out.path = cleaned(decoded_path, true, arena);

    Frame few[kInlineFrames];
    Frame* frames = few;
    if (max_frames_ > kInlineFrames)
        frames = static_cast<Frame*>(arena.allocate(sizeof(Frame) * max_frames_, alignof(Frame)));
    RouteMatch::Span spans[kMaxParams];
    Walk w{.path = out.path, .frames = frames, .top = frames, .spans = spans};
    auto keep_params = [&] {
        out.param_count = w.param_count;
        if (w.param_count) out.spans = arena.copy_array(std::span<const RouteMatch::Span>(spans, w.param_count)).data();
    };
    if (const Tree* tree = tree_of(method)) {
        if (walk(*tree, w)) {
            const Node& n = nodes_[w.node];
            out.target = w.by_wild ? n.wild : n.leaf;
            keep_params();
            out.kind = RouteMatch::found;
            if (out.target == kAutoTarget) {
                out.kind = RouteMatch::auto_options;
                out.allowed = static_cast<MethodSet>(n.allowed);
            }
            return;
        }
        keep_params();
        if (method != Method::connect && out.path != "/" && decoded_path.size() <= kMaxRedirectBytes) {
            Walk again = w;
            again.frames = w.top;  // what is left there counts for Allow
            if (redirect(*tree, decoded_path, again, arena, out)) return;
        }
    }
    if (options_.disable_handle_method_not_allowed) return;
    w.spans = nullptr;
    for (const Tree& tree : trees_)
        if (tree.method != method && walk(tree, w)) out.allowed |= bit(tree.method);
    if (out.allowed) out.kind = RouteMatch::not_allowed;
}

std::string_view Router::allow(MethodSet methods, Arena& arena) const {
    Method order[kMethodCount];
    size_t count = 0;
    for (const Tree& t : trees_)
        order[count++] = t.method;
    return join(order, count, methods, arena);
}

std::string_view Router::allow_sorted(MethodSet methods, Arena& arena) {
    return join(kSorted, kMethodCount, methods, arena);
}

size_t Router::memory_bytes() const {
    return sizeof(*this) + nodes_.capacity() * sizeof(Node) + first_.capacity() + text_.capacity() +
           trees_.capacity() * sizeof(Tree);
}

// ---- building

// Walks down by `literal`, splitting and adding nodes; returns the node whose way from the root ends with it.
uint32_t RouterBuilder::descend(uint32_t at, std::string_view literal) {
    while (!literal.empty()) {
        auto& children = nodes_[at].children;
        auto it = std::lower_bound(children.begin(), children.end(), literal[0], [&](uint32_t c, char first) {
            return static_cast<unsigned char>(nodes_[c].label[0]) < static_cast<unsigned char>(first);
        });
        if (it == children.end() || nodes_[*it].label[0] != literal[0]) {
            auto made = static_cast<uint32_t>(nodes_.size());
            children.insert(it, made);
            nodes_.emplace_back().label = literal;
            return made;
        }
        at = *it;
        const std::string& label = nodes_[at].label;
        size_t n = 0;
        while (n < label.size() && n < literal.size() && label[n] == literal[n])
            ++n;
        if (n < label.size()) {
            auto tail = static_cast<uint32_t>(nodes_.size());
            Node upper;
            upper.label = label.substr(0, n);
            upper.children.push_back(tail);
            Node lower = std::move(nodes_[at]);
            lower.label.erase(0, n);
            nodes_[at] = std::move(upper);
            nodes_.push_back(std::move(lower));
        }
        literal.remove_prefix(n);
    }
    return at;
}

Result<void> RouterBuilder::add(Method method, std::string_view pattern, uint32_t target, bool listed) {
    auto placed = place(method, pattern, target);
    if (!placed) return placed.error();
    if (listed) listed_.push_back({std::string(pattern), method});
    return {};
}

Result<uint32_t> RouterBuilder::place(Method method, std::string_view pattern, uint32_t target) {
    const std::string full(pattern);
    const std::string in_path = " in path '" + full + "'";
    if (method == Method::other) return fail("unsupported method for path '" + full + "'");
    if (target > kAutoTarget) return fail("target out of range for path '" + full + "'");
    if (pattern.empty() || pattern[0] != '/') return fail("path must begin with '/'");
    if (pattern.size() > kMaxPatternBytes)
        return fail("path is longer than " + std::to_string(kMaxPatternBytes) + " bytes");
    uint32_t params = 0;
    for (size_t i = pattern.find_first_of(":*"); i < pattern.size(); i = pattern.find_first_of(":*", i + 1)) {
        size_t end = std::min(pattern.find('/', i), pattern.size());
        std::string_view wildcard = pattern.substr(i, end - i);
        if (wildcard.find_first_of(":*", 1) != std::string_view::npos)
            return fail("only one wildcard per path segment is allowed, has: '" + std::string(wildcard) + "'" +
                        in_path);
        if (wildcard.size() < 2) return fail("wildcards must be named with a non-empty name" + in_path);
        if (wildcard[0] == '*' && end != pattern.size())
            return fail("catch-all routes are only allowed at the end of the path" + in_path);
        if (wildcard[0] == '*' && pattern[i - 1] != '/') return fail("no / before catch-all" + in_path);
        if (++params > kMaxParams) return fail("more than " + std::to_string(kMaxParams) + " parameters" + in_path);
        i = end - 1;
    }

    // Names are noted only when the whole pattern is accepted. A pattern can be refused from here on only at a node
    // that an accepted one made, so it leaves no nodes behind either.
    auto tree = std::find_if(trees_.begin(), trees_.end(), [&](const Tree& t) { return t.method == method; });
    uint32_t at = tree == trees_.end() ? static_cast<uint32_t>(nodes_.size()) : tree->root;
    if (tree == trees_.end()) {
        trees_.push_back({method, at});
        nodes_.emplace_back();
    }
    std::vector<std::pair<uint32_t, std::string_view>> new_names;
    bool wild = false;
    for (size_t i = 0; i < pattern.size();) {
        size_t special = std::min(pattern.find_first_of(":*", i), pattern.size());
        wild = special < pattern.size() && pattern[special] == '*';
        // The '/' of a wildcard is a node of its own, as in gin: whether the walk comes back depends on it.
        at = descend(at, pattern.substr(i, special - i - (wild ? 1 : 0)));
        if (wild) at = descend(at, "/");
        if (special == pattern.size()) break;
        size_t end = std::min(pattern.find('/', special), pattern.size());
        std::string_view name = pattern.substr(special, end - special);
        const std::string& known = wild ? nodes_[at].wild_name : nodes_[at].name;
        if (known.empty()) {
            new_names.emplace_back(at, name);
        } else if (known != name && target != kAutoTarget) {
            return fail("'" + std::string(name) + "' in new path '" + full + "' conflicts with existing wildcard '" +
                        known + "' in existing prefix '" + full.substr(0, full.find(name)) + known + "'");
        }
        if (wild) break;
        if (nodes_[at].param == 0) {
            auto made = static_cast<uint32_t>(nodes_.size());
            nodes_.emplace_back();
            nodes_[at].param = made;
        }
        at = nodes_[at].param;
        i = end;
    }
    uint32_t& taken = wild ? nodes_[at].wild : nodes_[at].leaf;
    if (taken != UINT32_MAX) return fail("handlers are already registered for path '" + full + "'");
    taken = target;
    for (auto& [node, name] : new_names)
        (name[0] == '*' ? nodes_[node].wild_name : nodes_[node].name) = name;
    return at;
}

Router RouterBuilder::build(RouterOptions options) && {
    Router r;
    r.options_ = options;
    // Every path of the configuration answers OPTIONS; a route that asks for OPTIONS itself keeps it.
    if (options.auto_options) {
        std::map<std::string, MethodSet> paths;
        for (const Listed& l : listed_)
            if (l.method != Method::options) paths[l.pattern] |= bit(l.method);
        for (const auto& [pattern, methods] : paths)
            if (auto at = place(Method::options, pattern, kAutoTarget)) nodes_[*at].allowed = methods;
    }

    // Children of a node lie side by side, so a node is placed when its parent is written, and written when its turn
    // comes.
    struct Place {
        uint32_t from;  // in nodes_
        uint32_t depth;
        uint32_t tree;
        uint32_t segment;
    };
    std::vector<Place> places;
    for (uint32_t t = 0; t < trees_.size(); ++t) {
        const std::vector<uint32_t>& top = nodes_[trees_[t].root].children;  // all patterns begin with '/'
        if (top.empty()) continue;
        r.trees_.push_back({trees_[t].method, static_cast<uint32_t>(places.size()), false});
        places.push_back({top[0], 1, static_cast<uint32_t>(r.trees_.size() - 1), 0});
    }
    std::vector<uint32_t> depth(r.trees_.size());
    for (size_t i = 0; i < places.size(); ++i) {
        const Place place = places[i];
        const Node& n = nodes_[place.from];
        Router::Node out{};
        out.text = static_cast<uint32_t>(r.text_.size());
        out.text_len = static_cast<uint16_t>(n.label.size());
        r.text_.insert(r.text_.end(), n.label.begin(), n.label.end());
        const uint32_t segment = place.segment + static_cast<uint32_t>(std::count(n.label.begin(), n.label.end(), '/'));
        out.segment = static_cast<uint16_t>(segment);
        out.leaf = n.leaf;
        out.wild = n.wild;
        out.allowed = n.allowed;
        out.child = static_cast<uint32_t>(places.size());
        out.child_count = static_cast<uint16_t>(n.children.size());
        out.run = true;
        for (size_t k = 0; k < n.children.size(); ++k) {
            auto first = static_cast<unsigned char>(nodes_[n.children[k]].label[0]);
            if (k == 0) out.low = first;
            out.run = out.run && first == out.low + k;
        }
        for (uint32_t c : n.children)
            places.push_back({c, place.depth + 1, place.tree, segment});
        if (n.param) {
            out.param = static_cast<uint32_t>(places.size());
            places.push_back({n.param, place.depth + 1, place.tree, segment});
        }
        depth[place.tree] = std::max(depth[place.tree], place.depth);
        r.first_.push_back(n.label.empty() ? 0 : static_cast<unsigned char>(n.label[0]));
        r.nodes_.push_back(out);
    }
    for (const Listed& l : listed_)
        for (Router::Tree& t : r.trees_)
            if (l.pattern.find('*') != std::string::npos && (t.method == l.method || options.auto_options))
                t.mixed |= t.method == l.method || t.method == Method::options;
    for (uint32_t d : depth)
        r.max_frames_ += d + 1;
    // What one walk leaves behind is there when the path is spelt anew.
    r.max_frames_ *= 2;
    r.nodes_.shrink_to_fit();
    r.first_.shrink_to_fit();
    r.text_.shrink_to_fit();
    return r;
}

}  // namespace gladius::plan
