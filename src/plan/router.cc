#include "plan/router.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gladius::plan {
namespace {

using http::Method;

constexpr std::string_view kNames[kMethodCount] = {"GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                                   "DELETE", "OPTIONS", "CONNECT", "TRACE"};
constexpr Method kSorted[kMethodCount] = {Method::connect, Method::del,  Method::get, Method::head, Method::options,
                                          Method::patch,   Method::post, Method::put, Method::trace};
constexpr uint32_t kAutoTarget = UINT32_MAX;  // marks a leaf that auto_options gave its OPTIONS
constexpr uint32_t kInlineFrames = 48;
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

// Position of a method's target among those of a set.
uint32_t rank(MethodSet set, MethodSet one) {
    return static_cast<uint32_t>(std::popcount(static_cast<unsigned>(set & (one - 1))));
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

// Depth first, the alternatives of a node in this order: fixed child, fixed child in the other case (fold_case),
// parameter, wildcard. A frame is a node with alternatives left.
template <Router::Mode mode>
bool Router::walk_with(Walk& w, Frame* frames) const {
    enum : uint32_t { kFixed, kOtherCase, kParam, kWild };
    const Node* const nodes = nodes_.data();
    const char* const text = text_.data();
    const char* const path = w.path.data();
    const auto size = static_cast<uint32_t>(w.path.size());
    uint32_t segment_end[kKnownSegments];
    uint64_t segment_known = 0;
    uint32_t at = 0, pos = 0, params = 0, step = kFixed;
    Frame* top = frames;

    // Matches the label of `at`; false: dead end. Of a fixed child the first `known` bytes are known to fit.
    auto enter = [&](uint32_t known) {
        const Node& n = nodes[at];
        if (size - pos < n.text_len) return false;
        if constexpr (mode == Mode::fold_case) {
            static_cast<void>(known);
            if (!same_folded(text + n.text, path + pos, n.text_len)) return false;
            std::memcpy(w.spelt + pos, text + n.text, n.text_len);
        } else {
            if (n.text_len > known && !same(text + n.text + known, path + pos + known, n.text_len - known))
                return false;
        }
        pos += n.text_len;
        step = kFixed;
        return true;
    };
    auto hit = [&](MethodSet methods, bool wild) {  // true: the walk is over
        if constexpr (mode == Mode::collect) {
            w.seen |= methods & w.want;
            w.want &= static_cast<MethodSet>(~methods);
            return w.want == 0;
        } else {
            if (!(methods & w.want)) return false;
            w.node = at;
            w.by_wild = wild;
            if (wild) {
                if constexpr (mode == Mode::exact) w.spans[params] = {pos - 1, size - pos + 1};
                if constexpr (mode == Mode::fold_case) std::memcpy(w.spelt + pos, path + pos, size - pos);
                ++params;
            }
            w.param_count = params;
            return true;
        }
    };

    bool alive = enter(0);
    for (;;) {
        if (!alive) {
            if (top == frames) return mode == Mode::collect && w.seen != 0;
            --top;
            at = top->node;
            pos = top->pos;
            params = top->params;
            step = top->next;
        }
        alive = false;
        const Node& n = nodes[at];
        if (pos == size) {
            if (n.leaf && hit(n.leaf, false)) return true;
            if (n.wild && hit(n.wild, true)) return true;
            continue;
        }
        const bool param = n.param != 0 && (nodes[n.param].below & w.want);
        const bool wild = (n.wild & w.want) != 0;
        auto keep = [&](uint32_t next) { *top++ = {at, pos, params, next}; };
        if (step <= kOtherCase) {
            auto c = static_cast<unsigned char>(path[pos]);
            uint32_t child = 0;
            bool other_left = false;
            if constexpr (mode == Mode::fold_case) {
                unsigned char low = static_cast<unsigned char>(fold(path[pos]));
                unsigned char high = low >= 'a' && low <= 'z' ? low & 0xdf : low;
                if (step == kFixed) child = fixed_child(n, low);
                uint32_t other = high == low ? 0 : fixed_child(n, high);
                if (child == 0) {
                    child = other;
                } else {
                    other_left = other != 0;
                }
            } else {
                child = fixed_child(n, c);
            }
            if (child != 0 && (nodes[child].below & w.want)) {
                if (other_left) {
                    keep(kOtherCase);
                } else if (param) {
                    keep(kParam);
                } else if (wild) {
                    keep(kWild);
                }
                at = child;
                alive = enter(1);
                continue;
            }
            if (other_left) {  // the lower-case child has no route of this method
                step = kOtherCase;
                alive = true;
                continue;
            }
        }
        if (step <= kParam && param) {
            uint32_t end;
            if (n.segment < kKnownSegments && (segment_known >> n.segment & 1)) {
                end = segment_end[n.segment];
            } else {
                end = pos;
                while (end < size && path[end] != '/')
                    ++end;
                if (n.segment < kKnownSegments) {
                    segment_end[n.segment] = end;
                    segment_known |= uint64_t{1} << n.segment;
                }
            }
            if (wild) keep(kWild);
            if constexpr (mode == Mode::exact) w.spans[params] = {pos, end - pos};
            if constexpr (mode == Mode::fold_case) std::memcpy(w.spelt + pos, path + pos, end - pos);
            ++params;
            pos = end;
            at = n.param;
            alive = enter(0);
            continue;
        }
        if (wild && hit(n.wild, true)) return true;
    }
}

template <Router::Mode mode>
bool Router::walk(Walk& w, Arena& arena) const {
    if (nodes_.empty() || !(nodes_[0].below & w.want)) return false;
    if (max_depth_ <= kInlineFrames) {
        Frame frames[kInlineFrames];
        return walk_with<mode>(w, frames);
    }
    return walk_with<mode>(w, static_cast<Frame*>(arena.allocate(sizeof(Frame) * max_depth_, alignof(Frame))));
}

bool Router::exists(MethodSet method, std::string_view path, Arena& arena) const {
    Walk w{.path = path, .want = method, .spans = nullptr};
    return walk<Mode::collect>(w, arena);
}

bool Router::respell(MethodSet method, std::string_view path, Arena& arena, RouteMatch& out) const {
    Walk w{.path = path, .want = method, .spans = nullptr, .spelt = arena.chars(path.size())};
    if (!walk<Mode::fold_case>(w, arena)) return false;
    out.kind = RouteMatch::redirect;
    out.redirect_path = {w.spelt, path.size()};
    return true;
}

// `given` is what the client sent, `path` what was looked up (they differ with remove_extra_slash). gin makes the first
// kind of Location from what was sent, and Go's http.Redirect then cleans it; the second kind is made from the cleaned
// path.
bool Router::redirect(MethodSet method, std::string_view given, std::string_view path, Arena& arena,
                      RouteMatch& out) const {
    const bool drop = path.size() > 1 && path.back() == '/';
    if (!options_.disable_redirect_trailing_slash && (drop || slash_ended_) &&
        exists(method, toggled(path, arena), arena)) {
        out.kind = RouteMatch::redirect;
        out.by_slash = true;
        out.redirect_path = cleaned(toggled(given, arena), false, arena);
        return true;
    }
    if (options_.disable_redirect_fixed_path) return false;
    std::string_view clean = cleaned(given, true, arena);
    if (respell(method, clean, arena, out)) return true;
    if (clean.size() <= 1 || !(clean.back() == '/' || slash_ended_)) return false;
    return respell(method, toggled(clean, arena), arena, out);
}

void Router::find(Method method, std::string_view decoded_path, Arena& arena, RouteMatch& out) const {
    out.kind = RouteMatch::not_found;
    out.by_slash = false;
    out.allowed = 0;
    out.param_count = 0;
    out.redirect_path = {};
    out.path = decoded_path;
    if (decoded_path.size() > kMaxPathBytes || nodes_.empty()) return;
    if (options_.remove_extra_slash) out.path = cleaned(decoded_path, true, arena);

    const MethodSet want = bit(method);
    Walk w{.path = out.path, .want = want, .spans = out.spans};
    if (walk<Mode::exact>(w, arena)) {
        const Node& n = nodes_[w.node];
        out.target =
            targets_[n.targets + (w.by_wild ? static_cast<uint32_t>(std::popcount(static_cast<unsigned>(n.leaf))) +
                                                  rank(n.wild, want)
                                            : rank(n.leaf, want))];
        out.param_count = w.param_count;
        out.kind = RouteMatch::found;
        if (out.target == kAutoTarget) {
            out.kind = RouteMatch::auto_options;
            out.allowed = (w.by_wild ? n.wild : n.leaf) & static_cast<MethodSet>(~want);
        }
        return;
    }
    const bool may_redirect = (nodes_[0].below & want) && method != Method::connect && out.path != "/" &&
                              decoded_path.size() <= kMaxRedirectBytes;
    if (may_redirect && redirect(want, decoded_path, out.path, arena, out)) return;
    if (options_.disable_handle_method_not_allowed) return;
    Walk others{.path = out.path, .want = static_cast<MethodSet>(nodes_[0].below & ~want), .spans = nullptr};
    if (walk<Mode::collect>(others, arena)) {
        out.kind = RouteMatch::not_allowed;
        out.allowed = others.seen;
    }
}

std::string_view Router::allow(MethodSet methods, Arena& arena) const {
    return join(order_, order_count_, methods, arena);
}

std::string_view Router::allow_sorted(MethodSet methods, Arena& arena) {
    return join(kSorted, kMethodCount, methods, arena);
}

size_t Router::memory_bytes() const {
    return sizeof(*this) + nodes_.capacity() * sizeof(Node) + first_.capacity() + text_.capacity() +
           targets_.capacity() * sizeof(uint32_t);
}

// ---- building

RouterBuilder::RouterBuilder() : nodes_(1) {}

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

Result<void> RouterBuilder::add(Method method, std::string_view pattern, uint32_t target) {
    const std::string full(pattern);
    const std::string in_path = " in path '" + full + "'";
    if (method == Method::other) return fail("unsupported method for path '" + full + "'");
    if (target == kAutoTarget) return fail("target out of range for path '" + full + "'");
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
    std::vector<std::pair<uint32_t, std::string_view>> new_names;
    uint32_t at = 0;
    for (size_t i = 0; i < pattern.size();) {
        size_t special = std::min(pattern.find_first_of(":*", i), pattern.size());
        at = descend(at, pattern.substr(i, special - i));
        if (special == pattern.size()) break;
        size_t end = std::min(pattern.find('/', special), pattern.size());
        std::string_view name = pattern.substr(special, end - special);
        const bool wild = name[0] == '*';
        auto& names = wild ? nodes_[at].wild_names : nodes_[at].names;
        auto known = std::find_if(names.begin(), names.end(), [&](const Name& n) { return n.method == method; });
        if (known == names.end()) {
            new_names.emplace_back(at, name);
        } else if (known->text != name) {
            return fail("'" + std::string(name) + "' in new path '" + full + "' conflicts with existing wildcard '" +
                        known->text + "' in existing prefix '" + full.substr(0, full.find(name)) + known->text + "'");
        }
        if (!wild && nodes_[at].param == 0) {
            auto made = static_cast<uint32_t>(nodes_.size());
            nodes_.emplace_back();
            nodes_[at].param = made;
        }
        if (!wild) at = nodes_[at].param;
        i = end;
    }
    const bool wild = params > 0 && pattern.rfind('*') != std::string_view::npos;
    auto& targets = wild ? nodes_[at].wild : nodes_[at].leaf;
    for (const Target& t : targets)
        if (t.method == method) return fail("handlers are already registered for path '" + full + "'");
    targets.push_back({method, target});
    for (auto& [node, name] : new_names)
        (name[0] == '*' ? nodes_[node].wild_names : nodes_[node].names).push_back({method, std::string(name)});
    if (std::find(order_, order_ + order_count_, method) == order_ + order_count_) order_[order_count_++] = method;
    return {};
}

std::vector<uint32_t> RouterBuilder::top_down() const {
    std::vector<uint32_t> order{0};
    for (size_t i = 0; i < order.size(); ++i) {
        const Node& n = nodes_[order[i]];
        order.insert(order.end(), n.children.begin(), n.children.end());
        if (n.param) order.push_back(n.param);
    }
    return order;
}

// Every path answers OPTIONS; a route that asks for OPTIONS itself keeps it.
void RouterBuilder::claim_options() {
    bool any = false;
    for (Node& n : nodes_) {
        for (auto* targets : {&n.leaf, &n.wild}) {
            auto is_options = [](const Target& t) { return t.method == Method::options; };
            if (targets->empty() || std::any_of(targets->begin(), targets->end(), is_options)) continue;
            targets->push_back({Method::options, kAutoTarget});
            any = true;
        }
    }
    if (any && std::find(order_, order_ + order_count_, Method::options) == order_ + order_count_)
        order_[order_count_++] = Method::options;
}

// A node that only leads to one other takes its place and both labels: what follows a parameter is its "/..." as a
// rule.
void RouterBuilder::merge_chain(Node& n) {
    while (n.leaf.empty() && n.wild.empty() && n.param == 0 && n.children.size() == 1) {
        Node below = std::move(nodes_[n.children[0]]);
        below.label.insert(0, n.label);
        n = std::move(below);
    }
}

Router RouterBuilder::build(RouterOptions options) && {
    Router r;
    r.options_ = options;
    if (options.auto_options) claim_options();
    std::copy(order_, order_ + order_count_, r.order_);
    r.order_count_ = order_count_;

    std::vector<uint32_t> order = top_down();
    for (size_t i = order.size(); i-- > 0;) {
        Node& n = nodes_[order[i]];
        for (auto* targets : {&n.leaf, &n.wild}) {
            std::sort(targets->begin(), targets->end(),
                      [](const Target& a, const Target& b) { return a.method < b.method; });
            for (const Target& t : *targets)
                n.below |= bit(t.method);
        }
        for (uint32_t c : n.children)
            n.below |= nodes_[c].below;
        if (n.param) n.below |= nodes_[n.param].below;
    }
    if (nodes_[0].below == 0) return r;

    // Children of a node lie side by side, so a node is placed when its parent is written, and written when its turn
    // comes.
    struct Place {
        uint32_t from;  // in nodes_
        uint32_t depth;
        uint32_t segment;
    };
    std::vector<Place> places{{0, 1, 0}};
    for (size_t i = 0; i < places.size(); ++i) {
        const Place place = places[i];
        Node& n = nodes_[place.from];
        merge_chain(n);
        Router::Node out{};
        out.text = static_cast<uint32_t>(r.text_.size());
        out.text_len = static_cast<uint16_t>(n.label.size());
        r.text_.insert(r.text_.end(), n.label.begin(), n.label.end());
        auto segment = place.segment + static_cast<uint32_t>(std::count(n.label.begin(), n.label.end(), '/'));
        out.segment = static_cast<uint16_t>(segment);
        out.targets = static_cast<uint32_t>(r.targets_.size());
        for (const Target& t : n.leaf) {
            out.leaf |= bit(t.method);
            r.targets_.push_back(t.value);
        }
        for (const Target& t : n.wild) {
            out.wild |= bit(t.method);
            r.targets_.push_back(t.value);
        }
        out.below = n.below;
        out.child = static_cast<uint32_t>(places.size());
        out.child_count = static_cast<uint16_t>(n.children.size());
        out.run = true;
        for (size_t k = 0; k < n.children.size(); ++k) {
            auto first = static_cast<unsigned char>(nodes_[n.children[k]].label[0]);
            if (k == 0) out.low = first;
            out.run = out.run && first == out.low + k;
        }
        for (uint32_t c : n.children)
            places.push_back({c, place.depth + 1, segment});
        if (n.param) {
            out.param = static_cast<uint32_t>(places.size());
            places.push_back({n.param, place.depth + 1, segment});
        }
        r.slash_ended_ |= !n.wild.empty() || (!n.leaf.empty() && !n.label.empty() && n.label.back() == '/');
        r.max_depth_ = std::max(r.max_depth_, place.depth);
        r.first_.push_back(n.label.empty() ? 0 : static_cast<unsigned char>(n.label[0]));
        r.nodes_.push_back(out);
    }
    r.nodes_.shrink_to_fit();
    r.first_.shrink_to_fit();
    r.text_.shrink_to_fit();
    r.targets_.shrink_to_fit();
    return r;
}

}  // namespace gladius::plan
