// Purpose: for flatmap_test and flatmap_fuzz only: a second, slow and simple way to do what a FlatmapProgram does, with
// names as texts, lists that are searched from the beginning, and recursion. Owner: values. Thread: any. Errors: none.
#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "json/emit.h"
#include "json/flatmap.h"
#include "json/scan.h"
#include "json/text.h"

namespace gladius::json::flatmap_reference {

// A value that nothing changes. A leaf is its printed text.
struct Part;
struct Fixed {
    enum class Kind : uint8_t { leaf, array, object };
    Kind kind = Kind::leaf;
    std::string text = "null";
    std::vector<Part> parts;
};
struct Part {
    std::string name;
    Fixed value;
};

struct Tree;
struct Edge {
    std::string name;
    std::shared_ptr<Tree> tree;
};

struct Tree {
    Fixed leaf;
    bool collection = false;
    std::vector<Edge> edges;
    size_t unordered = 0;

    Tree* find(const std::string& name) {
        for (Edge& e : edges) {
            if (e.name == name) return e.tree.get();
        }
        return nullptr;
    }
    size_t index(const std::string& name) {
        size_t i = 0;
        while (i < edges.size() && edges[i].name != name)
            ++i;
        return i;
    }
    Edge take(size_t i) {
        Edge e = edges[i];
        edges.erase(edges.begin() + static_cast<ptrdiff_t>(i));
        if (i < unordered) --unordered;
        return e;
    }
    Tree* child(const std::string& name) {
        if (Tree* t = find(name)) return t;
        edges.push_back({name, std::make_shared<Tree>()});
        return edges.back().tree.get();
    }
};

using Path = std::vector<std::string>;
// The names on the way to a tree, in a list that grows as one of Go does: brothers share it while it has room.
struct Names {
    std::shared_ptr<Path> list;
    size_t size = 0;

    Names with(const std::string& name) const {
        Names n = *this;
        if (!n.list || n.size == n.list->size()) {
            auto bigger = std::make_shared<Path>(n.size == 0 ? 1 : 2 * n.size);
            if (n.list) std::copy(n.list->begin(), n.list->end(), bigger->begin());
            n.list = bigger;
        }
        (*n.list)[n.size++] = name;
        return n;
    }
};

inline std::string printed(const Value& v) {
    Arena arena;
    ArenaOutput out(arena, 64);
    emit(v, arena, out);
    return std::string(out.view());
}

inline Path parts_of(const std::string& path) {
    Path r(1);
    for (char c : path) {
        if (c == '.') {
            r.emplace_back();
        } else {
            r.back() += c;
        }
    }
    return r;
}

inline void drop_all_but_last(std::vector<Part>& parts) {
    for (size_t i = 0; i < parts.size();) {
        bool again = std::any_of(parts.begin() + static_cast<ptrdiff_t>(i) + 1, parts.end(),
                                 [&](const auto& p) { return p.name == parts[i].name; });
        if (again) {
            parts.erase(parts.begin() + static_cast<ptrdiff_t>(i));
        } else {
            ++i;
        }
    }
}

inline Fixed fixed_of(Document& doc, uint32_t i) {
    Fixed f;
    const Node& n = doc.nodes[i];
    if (!n.container()) {
        f.text = printed(Value::of(&doc, i));
        return f;
    }
    f.kind = n.kind == Kind::array ? Fixed::Kind::array : Fixed::Kind::object;
    Arena arena;
    for (uint32_t c = i + 1; c < n.next; c = doc.nodes[c].next) {
        std::string name = n.kind == Kind::array ? std::to_string(f.parts.size()) : std::string(doc.key(c, arena));
        f.parts.push_back({std::move(name), fixed_of(doc, c)});
    }
    if (n.kind == Kind::object) drop_all_but_last(f.parts);
    return f;
}

inline Fixed fixed_of(const Tree& t) {
    if (t.edges.empty()) return t.leaf;
    Fixed f;
    f.kind = t.collection ? Fixed::Kind::array : Fixed::Kind::object;
    for (const Edge& e : t.edges) {
        std::string name = t.collection ? std::to_string(f.parts.size()) : e.name;
        f.parts.push_back({std::move(name), fixed_of(*e.tree)});
    }
    if (!t.collection) drop_all_but_last(f.parts);
    return f;
}

inline void put(Tree& t, const Fixed& f) {
    t.collection = f.kind == Fixed::Kind::array;
    if (f.parts.empty()) {
        t.leaf = f;
        return;
    }
    for (const auto& [name, part] : f.parts) {
        bool is_new = t.find(name) == nullptr;
        Tree* c = t.child(name);
        put(*c, part);
        if (is_new && !c->collection) c->unordered = c->edges.size();
    }
}

inline std::string print(const Fixed& f) {
    if (f.kind == Fixed::Kind::leaf) return f.text;
    auto parts = f.parts;
    bool object = f.kind == Fixed::Kind::object;
    if (object) std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    std::string s = object ? "{" : "[";
    for (const auto& [name, part] : parts) {
        if (s.size() > 1) s += ',';
        if (object) {
            Arena arena;
            ArenaOutput out(arena, 16);
            quote(name, out);
            s += std::string(out.view()) + ":";
        }
        s += print(part);
    }
    return s + (object ? "}" : "]");
}

inline Fixed get(const Tree& t, const Path& path, size_t at) {
    if (at == path.size()) return fixed_of(t);
    Fixed f;
    if (t.edges.empty()) return f;
    if (path[at] == "*") {
        f.kind = Fixed::Kind::array;
        for (const Edge& e : t.edges)
            f.parts.push_back({std::to_string(f.parts.size()), get(*e.tree, path, at + 1)});
        return f;
    }
    for (const Edge& e : t.edges) {
        if (e.name == path[at]) return get(*e.tree, path, at + 1);
    }
    return f;
}

inline void del(Tree& t, const Path& path, size_t at) {
    bool last = at + 1 == path.size();
    if (path[at] == "*") {
        for (Edge& e : t.edges) {
            if (!last) del(*e.tree, path, at + 1);
        }
        if (last) t.edges.clear();
        if (last) t.unordered = 0;
        return;
    }
    size_t i = t.index(path[at]);
    if (i == t.edges.size()) return;
    if (last) {
        t.take(i);
    } else {
        del(*t.edges[i].tree, path, at + 1);
    }
}

inline void append(Tree& root, const Path& from, const Path& to) {
    Fixed source = get(root, from, 0);
    Fixed list = get(root, to, 0);
    if (source.kind != Fixed::Kind::array || list.kind != Fixed::Kind::array) return;
    for (const auto& part : source.parts)
        list.parts.push_back({std::to_string(list.parts.size()), part.value});
    Tree* t = &root;
    for (const std::string& name : to)
        t = t->child(name);
    put(*t, list);
    del(root, from, 0);
}

inline void move(Tree& root, const Path& from, const Path& to) {
    struct Place {
        Tree* tree;
        Names names;
    };
    std::vector<Place> places{{&root, {}}};
    for (size_t at = 0; at + 1 < from.size(); ++at) {
        std::vector<Place> next;
        for (const Place& p : places) {
            for (Edge& e : p.tree->edges) {
                if (from[at] != "*" && from[at] != e.name) continue;
                next.push_back({e.tree.get(), p.names.with(e.name)});
                if (from[at] != "*") break;
            }
        }
        places = next;
    }
    std::vector<std::pair<Place, Edge>> moved;
    for (const Place& p : places) {
        Tree& t = *p.tree;
        size_t i = t.index(from.back());
        if (i == t.edges.size()) continue;
        if (from.size() != to.size()) {
            moved.emplace_back(p, t.take(i));
            continue;
        }
        if (to.back() == from.back()) continue;
        bool collides = t.find(to.back()) != nullptr;
        t.edges[i].name = to.back();
        auto begin = t.edges.begin() + static_cast<ptrdiff_t>(i);
        if (collides && i < t.unordered)
            std::rotate(begin, begin + 1, t.edges.begin() + static_cast<ptrdiff_t>(t.unordered));
    }
    for (auto& [place, edge] : moved) {
        Tree* t = from.size() > to.size() ? &root : place.tree;
        for (size_t i = from.size() > to.size() ? 0 : from.size() - 1; i + 1 < to.size(); ++i) {
            if (from.size() < to.size()) {
                t = t->child(to[i]);
                continue;
            }
            Tree* next = t->find(to[i] == "*" ? (*place.names.list)[i] : to[i]);
            if (next == nullptr) break;
            t = next;
        }
        t->edges.push_back({to.back(), edge.tree});
    }
}

// `object`: a node of a document that was kept whole.
inline std::string apply(const std::vector<FlatmapOp>& ops, Document& doc, uint32_t object) {
    Tree root;
    put(root, fixed_of(doc, object));
    root.unordered = root.edges.size();
    for (const FlatmapOp& op : ops) {
        if (op.type == "del") {
            for (const std::string& path : op.args)
                del(root, parts_of(path), 0);
        } else if (op.args.size() >= 2 && op.type == "move") {
            move(root, parts_of(op.args[0]), parts_of(op.args[1]));
        } else if (op.args.size() >= 2 && op.type == "append") {
            append(root, parts_of(op.args[0]), parts_of(op.args[1]));
        }
    }
    return print(fixed_of(root));
}

}  // namespace gladius::json::flatmap_reference
