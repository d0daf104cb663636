#include "json/flatmap.h"

#include <algorithm>
#include <charconv>

#include "json/growing.h"
#include "json/order.h"
#include "json/scan.h"

namespace gladius::json {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// The index that a text stands for as an element's name: decimal, as Go would write it.
uint32_t index_of(std::string_view s) {
    constexpr size_t kDigits = 9;  // more elements than that have no room in a document
    if (s.empty() || s.size() > kDigits || (s[0] == '0' && s.size() > 1)) return kNone;
    uint32_t n = 0;
    for (char c : s) {
        if (c < '0' || c > '9') return kNone;
        n = n * 10 + static_cast<uint32_t>(c - '0');
    }
    return n;
}

// The name of an edge. Elements have their number only, members both when they look like one.
struct Label {
    const char* text = nullptr;
    uint32_t size = 0;
    uint32_t number = kNone;

    static Label of(std::string_view s) { return {s.data(), static_cast<uint32_t>(s.size()), index_of(s)}; }
    static Label of(uint32_t element) { return {nullptr, 0, element}; }
    std::string_view view() const { return {text, size}; }
    bool operator==(const Label& o) const { return number == o.number && (number != kNone || view() == o.view()); }
    bool operator<(const Label& o) const {
        return number != o.number ? number < o.number : number == kNone && view() < o.view();
    }
    // As a member's name.
    std::string_view written(Arena& arena) const {
        if (text != nullptr || number == kNone) return view();
        char digits[12];
        auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
        return arena.copy({digits, static_cast<size_t>(end - digits)});
    }
};

bool is_array(const Value& v) {
    return v.kind == Value::Kind::elements || (v.kind == Value::Kind::node && v.node().kind == Kind::array);
}

bool same(const Value& a, const Value& b) {
    return a.kind == b.kind && a.n == b.n && a.document == b.document;
}

uint32_t first_live(const Document& doc, uint32_t i, uint32_t end) {
    while (i < end && !doc.nodes[i].live())
        i = doc.nodes[i].next;
    return i;
}

bool has_children(const Value& v) {
    if (v.kind == Value::Kind::members || v.kind == Value::Kind::elements) return v.n != 0;
    if (v.kind != Value::Kind::node || !v.node().container()) return false;
    const Node& n = v.node();
    if (n.has(Node::collapsed)) return n.end - n.begin != 2;
    return first_live(*v.document, v.n + 1, n.next) < n.next;
}

std::string_view name_of(const Member& m) {
    return m.key;
}

// Keeps the last of those with the same name, in their order. Returns how many are left.
template <class T>
uint32_t last_of_equal(T* list, uint32_t n, Arena& arena) {
    auto* names = static_cast<SortKey*>(arena.allocate(sizeof(SortKey) * n, alignof(SortKey)));
    for (uint32_t i = 0; i < n; ++i)
        names[i] = SortKey::of(name_of(list[i]), i);
    auto kept = static_cast<uint32_t>(sort_names(names, n));
    if (kept == n) return n;
    std::sort(names, names + kept, [](const SortKey& x, const SortKey& y) { return x.ref < y.ref; });
    for (uint32_t i = 0; i < kept; ++i)
        list[i] = list[names[i].ref];
    return kept;
}

}  // namespace

// The data of one apply() as nodes with named edges, like the reference's: an element's name is the index that it had
// at first, a name may stand twice (the first is found, the last is printed), a node without edges is what it was
// before it had some. An edge becomes a node only when a path leads into it.
class FlatmapProgram::Tree {
  public:
    Tree(const Value& data, Arena& arena)
        : arena_(arena), lists_{{arena, 16}, {arena, 16}}, frames_(arena, 16), merges_(arena, 16) {
        Edge e;
        e.value = data;
        root_ = open(e);
    }

    void move(const Path& from, const Path& to);
    void append(const Path& from, const Path& to);
    void del(const Path& path);
    void rename_inside(const Path& path, const Path& to, std::string_view below);
    Value value() { return expand(root_); }

  private:
    struct Branch;
    struct Edge {
        Label label;
        Value value;  // not looked at when there is a branch
        Branch* branch = nullptr;
    };
    friend std::string_view name_of(const Edge& e) { return e.label.view(); }
    struct Branch {
        Value leaf;    // what it is without edges
        Value source;  // what it was made from, when that had children
        Edge* edges = nullptr;
        uint32_t count = 0;
        uint32_t capacity = 0;
        uint32_t unordered = 0;  // edges at the front that the reference has in the order of a Go map
        bool collection = false;
        bool numbered = true;  // the label of each edge is its position
        bool changed = false;  // not source any more, or never was
        bool repeats = false;  // a label may stand twice
        uint8_t searches = 0;  // that had no index
        // Positions of edges by label, of equal ones the first. Made for a branch that is searched often.
        uint32_t* index = nullptr;
        uint32_t index_size = 0;
        uint32_t index_capacity = 0;
    };
    // A branch that the beginning of a path led to. `names`: the labels on the way.
    struct Place {
        Branch* branch;
        Label* names;
        uint32_t names_capacity;
    };
    struct Frame {
        Branch* branch;
        uint32_t at;
        bool clean;
    };
    struct Merge {
        Branch* branch;
        Value value;
    };
    struct Moved {
        Place from;
        Edge edge;
    };

    static Label label(const Segment& s) { return {s.text.data(), static_cast<uint32_t>(s.text.size()), s.number}; }

    Branch* open(Edge& e);
    void fill(const Value& v, Branch& b);
    void fill_object(Document& doc, uint32_t object, Branch& b);
    uint32_t find(Branch& b, const Label& l);
    uint32_t find_by_index(Branch& b, const Label& l);
    uint32_t* index_place(Branch& b, const Label& l);
    void build_index(Branch& b);
    void append_edge(Branch& b, const Edge& e);
    void add(Branch& b, const Edge& e);
    Branch* add_child(Branch& b, const Label& l);
    static void remove(Branch& b, uint32_t i);
    void rename(Branch& b, uint32_t i, const Label& l);
    bool leads_on(const Edge& e) const { return e.branch ? e.branch->count != 0 : has_children(e.value); }

    void collect(const Path& path, size_t n, bool with_names);
    void enter_arrays();
    void enter(const Label& l);
    Place with_name(Place from, uint32_t depth, const Label& l);
    void promote(const Place& from, Edge e, const Path& to);
    void embed(Branch* parent, Edge e, std::span<const Segment> to);

    Value get(Edge& e, std::span<const Segment> path);
    Value get(Branch& b, std::span<const Segment> path);
    Value expand(Branch* top);
    Value made_of(Branch& b);
    void merge(Branch* b, const Value& v);
    void merge_one(Branch& b, const Value& v);

    Arena& arena_;
    Branch* root_;
    Growing<Place> lists_[2];
    Growing<Place>* places_ = &lists_[0];  // what collect() found
    Growing<Place>* next_ = &lists_[1];
    Growing<Frame> frames_;
    Growing<Merge> merges_;
};

FlatmapProgram::Tree::Branch* FlatmapProgram::Tree::open(Edge& e) {
    if (e.branch != nullptr) return e.branch;
    auto* b = arena_.make<Branch>();
    b->collection = is_array(e.value);
    if (has_children(e.value)) {
        b->source = e.value;
        fill(e.value, *b);
    } else {
        b->leaf = e.value;
    }
    e.branch = b;
    return b;
}

// The children of a value that has some, as edges.
void FlatmapProgram::Tree::fill(const Value& v, Branch& b) {
    if (v.kind == Value::Kind::members) {
        b.edges = arena_.array<Edge>(v.n);
        for (uint32_t i = 0; i < v.n; ++i)
            b.edges[i] = {Label::of(v.members[i].key), v.members[i].value};
        b.count = b.capacity = b.unordered = v.n;
        b.numbered = false;
        return;
    }
    if (v.kind == Value::Kind::elements) {
        b.edges = arena_.array<Edge>(v.n);
        for (uint32_t i = 0; i < v.n; ++i)
            b.edges[i] = {Label::of(i), v.elements[i]};
        b.count = b.capacity = v.n;
        return;
    }
    Document* doc = v.document;
    uint32_t at = v.n;
    if (doc->nodes[at].has(Node::collapsed)) {
        doc = scan(doc->slice(doc->nodes[at]), arena_);
        at = 0;
    }
    const Node* nodes = doc->nodes;
    uint32_t end = nodes[at].next;
    uint32_t n = 0;
    for (uint32_t c = first_live(*doc, at + 1, end); c < end; c = first_live(*doc, nodes[c].next, end))
        ++n;
    b.edges = arena_.array<Edge>(n);
    b.capacity = n;
    if (nodes[at].kind == Kind::object) return fill_object(*doc, at, b);
    for (uint32_t c = first_live(*doc, at + 1, end); c < end; c = first_live(*doc, nodes[c].next, end)) {
        b.edges[b.count] = {Label::of(b.count), Value::of(doc, c)};
        ++b.count;
    }
}

// Members in their order; of equal names the last.
void FlatmapProgram::Tree::fill_object(Document& doc, uint32_t object, Branch& b) {
    b.numbered = false;
    const Node* nodes = doc.nodes;
    uint32_t end = nodes[object].next;
    for (uint32_t c = first_live(doc, object + 1, end); c < end; c = first_live(doc, nodes[c].next, end))
        b.edges[b.count++] = {Label::of(doc.key(c, arena_)), Value::of(&doc, c)};
    b.unordered = b.count;
    if (nodes[object].has(Node::ordered)) return;
    b.count = b.unordered = last_of_equal(b.edges, b.count, arena_);
}

uint32_t FlatmapProgram::Tree::find(Branch& b, const Label& l) {
    if (b.numbered) return l.number < b.count ? l.number : kNone;
    constexpr uint32_t kSmall = 16;
    constexpr uint8_t kPatience = 4;
    if (b.count > kSmall) {
        if (b.index == nullptr && b.searches == kPatience) build_index(b);
        if (b.index != nullptr) return find_by_index(b, l);
        ++b.searches;
    }
    for (uint32_t i = 0; i < b.count; ++i) {
        if (b.edges[i].label == l) return i;
    }
    return kNone;
}

uint32_t* FlatmapProgram::Tree::index_place(Branch& b, const Label& l) {
    return std::lower_bound(b.index, b.index + b.index_size, l,
                            [&](uint32_t i, const Label& wanted) { return b.edges[i].label < wanted; });
}

uint32_t FlatmapProgram::Tree::find_by_index(Branch& b, const Label& l) {
    const uint32_t* p = index_place(b, l);
    return p != b.index + b.index_size && b.edges[*p].label == l ? *p : kNone;
}

void FlatmapProgram::Tree::build_index(Branch& b) {
    b.index_capacity = b.count + b.count / 2;
    b.index = static_cast<uint32_t*>(arena_.allocate(sizeof(uint32_t) * b.index_capacity, alignof(uint32_t)));
    uint32_t* end = b.index;
    for (uint32_t i = 0; i < b.count; ++i)
        *end++ = i;
    std::sort(b.index, end, [&](uint32_t x, uint32_t y) {
        const Label& l = b.edges[x].label;
        const Label& r = b.edges[y].label;
        return l < r || (l == r && x < y);
    });
    end = std::unique(b.index, end, [&](uint32_t x, uint32_t y) { return b.edges[x].label == b.edges[y].label; });
    b.index_size = static_cast<uint32_t>(end - b.index);
}

// Says nothing to the index.
void FlatmapProgram::Tree::append_edge(Branch& b, const Edge& e) {
    if (b.count == b.capacity) {
        constexpr uint32_t kFirst = 4;
        b.capacity = std::max(kFirst, 2 * b.capacity);
        auto* edges = arena_.array<Edge>(b.capacity);
        std::copy(b.edges, b.edges + b.count, edges);
        b.edges = edges;
    }
    b.numbered = b.numbered && e.label.number == b.count;
    b.edges[b.count++] = e;
    b.changed = true;
}

void FlatmapProgram::Tree::add(Branch& b, const Edge& e) {
    bool known = find(b, e.label) != kNone;
    b.repeats = b.repeats || known;
    append_edge(b, e);
    if (b.index == nullptr || known) return;
    if (b.index_size == b.index_capacity) {
        b.index = nullptr;
        return;
    }
    // Rare: all that one operation adds to a branch has the same label.
    uint32_t* p = index_place(b, e.label);
    std::copy_backward(p, b.index + b.index_size, b.index + b.index_size + 1);
    *p = b.count - 1;
    ++b.index_size;
}

FlatmapProgram::Tree::Branch* FlatmapProgram::Tree::add_child(Branch& b, const Label& l) {
    auto* child = arena_.make<Branch>();
    child->changed = true;
    add(b, {l, Value{}, child});
    return child;
}

void FlatmapProgram::Tree::remove(Branch& b, uint32_t i) {
    std::copy(b.edges + i + 1, b.edges + b.count, b.edges + i);
    --b.count;
    if (i < b.unordered) --b.unordered;
    b.numbered = b.numbered && i == b.count;
    b.changed = true;
    b.index = nullptr;
    b.searches = 0;
}

// Of members with the same name the last one wins. Where the order is that of a Go map, what is renamed comes last: the
// ledger says so, the reference does so sometimes.
void FlatmapProgram::Tree::rename(Branch& b, uint32_t i, const Label& l) {
    if (b.edges[i].label == l) return;
    bool known = find(b, l) != kNone;
    b.edges[i].label = l;
    if (known && i < b.unordered) std::rotate(b.edges + i, b.edges + i + 1, b.edges + b.unordered);
    b.repeats = b.repeats || known;
    b.numbered = false;
    b.changed = true;
    b.index = nullptr;
    b.searches = 0;
}

// Go's append() writes into the array of `from` while it has room, and so do the brothers of this place: at depth 3, 5,
// 6, 7, 9... all of them end up with the name of the last. The reference moves accordingly, and so do we.
FlatmapProgram::Tree::Place FlatmapProgram::Tree::with_name(Place from, uint32_t depth, const Label& l) {
    if (depth == from.names_capacity) {
        from.names_capacity = std::max(1U, 2 * depth);
        auto* names = arena_.array<Label>(from.names_capacity);
        std::copy(from.names, from.names + depth, names);
        from.names = names;
    }
    from.names[depth] = l;
    return from;
}

// The branches that the first n segments lead to, into places_.
void FlatmapProgram::Tree::collect(const Path& path, size_t n, bool with_names) {
    places_->set_size(0);
    places_->push({root_, nullptr, 0});
    for (uint32_t depth = 0; depth < n; ++depth) {
        next_->set_size(0);
        for (size_t p = 0; p < places_->size(); ++p) {
            const Place& from = (*places_)[p];
            Branch& b = *from.branch;
            uint32_t i = path[depth].any ? 0 : find(b, label(path[depth]));
            if (i == kNone) continue;
            for (uint32_t end = path[depth].any ? b.count : i + 1; i < end; ++i) {
                Edge& e = b.edges[i];
                Place to = with_names ? with_name(from, depth, e.label) : Place{};
                if (!leads_on(e)) continue;
                to.branch = open(e);
                next_->push(to);
            }
        }
        std::swap(places_, next_);
    }
}

void FlatmapProgram::Tree::del(const Path& path) {
    collect(path, path.size() - 1, false);
    for (size_t p = 0; p < places_->size(); ++p) {
        Branch& b = *(*places_)[p].branch;
        if (!path.back().any) {
            uint32_t i = find(b, label(path.back()));
            if (i != kNone) remove(b, i);
        } else {
            b.changed = b.changed || b.count != 0;
            b.count = b.unordered = 0;
            b.numbered = true;
            b.repeats = false;
            b.index = nullptr;
        }
    }
}

void FlatmapProgram::Tree::move(const Path& from, const Path& to) {
    size_t depth = from.size() - 1;
    bool up = from.size() > to.size();
    bool with_names = up && std::any_of(to.begin(), to.end() - 1, [](const Segment& s) { return s.any; });
    collect(from, depth, with_names);
    Growing<Moved> moved(arena_, 16);
    for (size_t p = 0; p < places_->size(); ++p) {
        Branch& b = *(*places_)[p].branch;
        uint32_t i = find(b, label(from.back()));
        if (i == kNone) continue;
        if (from.size() == to.size()) {
            rename(b, i, label(to.back()));
            continue;
        }
        moved.push({(*places_)[p], b.edges[i]});
        remove(b, i);
    }
    for (size_t m = 0; m < moved.size(); ++m) {
        if (up) {
            promote(moved[m].from, moved[m].edge, to);
        } else {
            embed(moved[m].from.branch, moved[m].edge, std::span(to).subspan(depth));
        }
    }
}

// Replaces the arrays in places_ by what is inside them.
void FlatmapProgram::Tree::enter_arrays() {
    next_->set_size(0);
    // Arrays in arrays are put behind, and looked at in their turn.
    for (size_t p = 0; p < places_->size(); ++p) {
        Branch& b = *(*places_)[p].branch;
        if (!b.collection) {
            next_->push({&b, nullptr, 0});
            continue;
        }
        for (uint32_t i = 0; i < b.count; ++i) {
            if (leads_on(b.edges[i])) places_->push({open(b.edges[i]), nullptr, 0});
        }
    }
    std::swap(places_, next_);
}

void FlatmapProgram::Tree::enter(const Label& l) {
    enter_arrays();
    next_->set_size(0);
    for (size_t p = 0; p < places_->size(); ++p) {
        Branch& b = *(*places_)[p].branch;
        uint32_t i = find(b, l);
        if (i != kNone && leads_on(b.edges[i])) next_->push({open(b.edges[i]), nullptr, 0});
    }
    std::swap(places_, next_);
}

void FlatmapProgram::Tree::rename_inside(const Path& path, const Path& to, std::string_view below) {
    places_->set_size(0);
    places_->push({root_, nullptr, 0});
    if (!below.empty()) enter(Label::of(below));
    for (const Segment& s : std::span(path).first(path.size() - 1))
        enter(label(s));
    enter_arrays();
    for (size_t p = 0; p < places_->size(); ++p) {
        Branch& b = *(*places_)[p].branch;
        uint32_t i = find(b, label(path.back()));
        if (i != kNone) rename(b, i, label(to.front()));
    }
}

// To a place nearer to the root, or as far on the way to it as there is one.
void FlatmapProgram::Tree::promote(const Place& from, Edge e, const Path& to) {
    Branch* parent = root_;
    for (size_t i = 0; i + 1 < to.size(); ++i) {
        uint32_t at = find(*parent, to[i].any ? from.names[i] : label(to[i]));
        if (at == kNone) break;
        parent = open(parent->edges[at]);
    }
    e.label = label(to.back());
    add(*parent, e);
}

// To a place below its parent; what is not there is made.
void FlatmapProgram::Tree::embed(Branch* parent, Edge e, std::span<const Segment> to) {
    for (const Segment& s : to.first(to.size() - 1)) {
        uint32_t at = find(*parent, label(s));
        parent = at == kNone ? add_child(*parent, label(s)) : open(parent->edges[at]);
    }
    e.label = label(to.back());
    add(*parent, e);
}

// What a path names; with wildcards a list, in it lists and null for what is not there.
Value FlatmapProgram::Tree::get(Edge& e, std::span<const Segment> path) {
    if (!path.empty()) return leads_on(e) ? get(*open(e), path) : Value{};
    return e.branch != nullptr ? expand(e.branch) : e.value;
}

Value FlatmapProgram::Tree::get(Branch& b, std::span<const Segment> path) {
    if (b.count == 0) return {};
    if (!path[0].any) {
        uint32_t i = find(b, label(path[0]));
        return i == kNone ? Value{} : get(b.edges[i], path.subspan(1));
    }
    auto* list = arena_.array<Value>(b.count);
    for (uint32_t i = 0; i < b.count; ++i)
        list[i] = get(b.edges[i], path.subspan(1));
    return Value::of(list, b.count);
}

void FlatmapProgram::Tree::append(const Path& from, const Path& to) {
    Value parts[] = {get(*root_, to), get(*root_, from)};
    Growing<Value> list(arena_, 16);
    for (const Value& v : parts) {
        if (!is_array(v)) return;
        if (!has_children(v)) continue;
        Branch b;
        fill(v, b);
        for (uint32_t i = 0; i < b.count; ++i)
            list.push(b.edges[i].value);
    }
    // Wildcards were good for reading. Here one is a name.
    Branch* at = root_;
    for (const Segment& s : to) {
        uint32_t i = find(*at, label(s));
        at = i == kNone ? add_child(*at, label(s)) : open(at->edges[i]);
    }
    merge(at, Value::of(list.data(), static_cast<uint32_t>(list.size())));
    del(from);
}

// Puts a value over what is there, as the reference does: edges stay when the value has no such ones. It matters where
// names of elements are no longer their positions.
void FlatmapProgram::Tree::merge(Branch* b, const Value& v) {
    merges_.push({b, v});
    while (!merges_.empty()) {
        Merge m = merges_.back();
        merges_.pop();
        merge_one(*m.branch, m.value);
    }
}

void FlatmapProgram::Tree::merge_one(Branch& b, const Value& v) {
    bool collection = is_array(v);
    if (b.collection != collection) b.changed = true;
    b.collection = collection;
    if (!has_children(v)) {
        if (!same(b.leaf, v)) b.changed = true;
        b.leaf = v;
        return;
    }
    Branch in;
    fill(v, in);
    uint32_t before = b.count;
    for (uint32_t i = 0; i < in.count; ++i) {
        // Labels of `in` are unique, so it does not matter that the index knows nothing of new ones.
        uint32_t at = find(b, in.edges[i].label);
        if (at == kNone) {
            append_edge(b, in.edges[i]);
        } else if (Edge& e = b.edges[at]; e.branch != nullptr || !same(e.value, in.edges[i].value)) {
            merges_.push({open(e), in.edges[i].value});
        }
    }
    if (b.count != before) b.index = nullptr;
}

// As a value: a copy that later operations do not change.
Value FlatmapProgram::Tree::expand(Branch* top) {
    frames_.push({top, 0, !top->changed});
    for (;;) {
        Frame& f = frames_.back();
        Branch& b = *f.branch;
        while (f.at < b.count && b.edges[f.at].branch == nullptr)
            ++f.at;
        if (f.at < b.count) {
            Branch* child = b.edges[f.at].branch;
            frames_.push({child, 0, !child->changed});
            continue;
        }
        bool clean = f.clean;
        Value v = clean && b.count != 0 ? b.source : made_of(b);
        frames_.pop();
        if (frames_.empty()) return v;
        Frame& outer = frames_.back();
        outer.branch->edges[outer.at++].value = v;
        outer.clean = outer.clean && clean;
    }
}

// When the values of its edges are up to date.
Value FlatmapProgram::Tree::made_of(Branch& b) {
    if (b.count == 0) return b.leaf;
    if (b.collection) {
        auto* list = arena_.array<Value>(b.count);
        for (uint32_t i = 0; i < b.count; ++i)
            list[i] = b.edges[i].value;
        return Value::of(list, b.count);
    }
    auto* members = arena_.array<Member>(b.count);
    uint32_t n = 0;
    for (uint32_t i = 0; i < b.count; ++i)
        members[n++] = {b.edges[i].label.written(arena_), b.edges[i].value};
    if (b.repeats) n = last_of_equal(members, n, arena_);
    return Value::of(members, n);
}

FlatmapProgram::Path FlatmapProgram::path_of(std::string_view text) {
    Path path;
    for (;;) {
        size_t dot = text.find('.');
        std::string_view part = text.substr(0, dot);
        path.push_back({std::string(part), index_of(part), part == "*"});
        if (dot == std::string_view::npos) return path;
        text.remove_prefix(dot + 1);
    }
}

std::string FlatmapProgram::problem(const FlatmapOp& op) {
    bool del = op.type == "del";
    if (!del && op.type != "move" && op.type != "append")
        return "has the type \"" + op.type.substr(0, 60) + "\", which is none of move, append and del";
    if (!del && op.args.size() < 2) return "needs two args, what is moved and where it goes";
    if (op.args.empty()) return "has no args, so there is nothing to delete";
    if (op.type == "move" && (op.args[0] == "*" || op.args[0].ends_with(".*")))
        return "moves something that ends in *, which stands for a field of this name there";
    return {};
}

FlatmapProgram FlatmapProgram::compile(std::span<const FlatmapOp> ops) {
    FlatmapProgram p;
    for (const FlatmapOp& op : ops) {
        Op out;
        size_t args = op.args.size();
        if (op.type == "del") {
            out.type = Type::del;
        } else if ((op.type == "move" || op.type == "append") && args >= 2) {
            out.type = op.type == "move" ? Type::move : Type::append;
            args = 2;
        } else {
            continue;
        }
        // append looks at the elements of the arrays.
        size_t deeper = out.type == Type::append ? 1 : 0;
        for (size_t i = 0; i < args; ++i) {
            out.paths.push_back(path_of(op.args[i]));
            p.keep_depth_ = std::max(p.keep_depth_, static_cast<uint32_t>(out.paths.back().size() + deeper));
        }
        p.ops_.push_back(std::move(out));
    }
    return p;
}

FlatmapProgram FlatmapProgram::renaming(std::span<const std::pair<std::string, std::string>> mapping) {
    FlatmapProgram p;
    for (const auto& [from, to] : mapping)
        p.ops_.push_back({Type::rename, {path_of(from), path_of(to)}});
    p.keep_depth_ = p.ops_.empty() ? 0 : kKeepAll;
    return p;
}

Value FlatmapProgram::apply(const Value& data, Arena& arena, std::string_view below) const {
    if (ops_.empty() || !data.is_object()) return data;
    Tree tree(data, arena);
    for (const Op& op : ops_) {
        switch (op.type) {
            case Type::move:
                tree.move(op.paths[0], op.paths[1]);
                break;
            case Type::append:
                tree.append(op.paths[0], op.paths[1]);
                break;
            case Type::del:
                for (const Path& path : op.paths)
                    tree.del(path);
                break;
            case Type::rename:
                tree.rename_inside(op.paths[0], op.paths[1], below);
                break;
        }
    }
    return tree.value();
}

}  // namespace gladius::json
