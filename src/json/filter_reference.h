// Purpose: for filter_test and filter_fuzz only: a second, slow and simple way to do what a FilterProgram does, on a
// tree of maps. Owner: values. Thread: any. Errors: none.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "json/emit.h"
#include "json/filter.h"
#include "json/scan.h"
#include "json/text.h"

namespace gladius::json::reference {

struct Tree;
using Object = std::map<std::string, std::shared_ptr<Tree>>;

// An object, or anything else as its printed text.
struct Tree {
    bool object = false;
    Object members;
    std::string text;
};

inline std::string printed(const Value& v) {
    Arena arena;
    ArenaOutput out(arena, 64);
    emit(v, arena, out);
    return std::string(out.view());
}

inline Tree tree_of(Document& doc, uint32_t i) {
    Tree t;
    const Node& n = doc.nodes[i];
    if (n.kind != Kind::object) {
        t.text = printed(Value::of(&doc, i));
        return t;
    }
    t.object = true;
    Arena arena;
    for (uint32_t c = i + 1; c < n.next; c = doc.nodes[c].next) {
        t.members[std::string(doc.key(c, arena))] = std::make_shared<Tree>(tree_of(doc, c));
    }
    return t;
}

inline std::string print(const Tree& t) {
    if (!t.object) return t.text;
    std::string s = "{";
    for (const auto& [key, value] : t.members) {
        Arena arena;
        ArenaOutput out(arena, 16);
        quote(key, out);
        s += (s.size() > 1 ? "," : "") + std::string(out.view()) + ":" + print(*value);
    }
    return s + "}";
}

inline std::vector<std::string> parts(std::string_view path) {
    std::vector<std::string> r(1);
    for (char c : path) {
        if (c == '.') {
            r.emplace_back();
        } else {
            r.back() += c;
        }
    }
    return r;
}

// Takes the named thing out; parents stay.
inline void remove(Object& o, const std::vector<std::string>& path, size_t at) {
    auto it = o.find(path[at]);
    if (it == o.end()) return;
    if (at + 1 == path.size()) {
        o.erase(it);
    } else if (it->second->object) {
        remove(it->second->members, path, at + 1);
    }
}

// Copies what the path names; true when there was something.
inline bool copy(const Object& from, Object& to, const std::vector<std::string>& path, size_t at) {
    auto it = from.find(path[at]);
    if (it == from.end()) return false;
    if (at + 1 == path.size()) {
        to[path[at]] = it->second;
        return true;
    }
    if (!it->second->object) return false;
    auto found = to.find(path[at]);
    auto sub = found != to.end() ? found->second : std::make_shared<Tree>();
    sub->object = true;
    if (!copy(it->second->members, sub->members, path, at + 1)) return false;
    to[path[at]] = sub;
    return true;
}

inline bool begins(const std::vector<std::string>& path, const std::vector<std::string>& with) {
    return path.size() >= with.size() && std::equal(with.begin(), with.end(), path.begin());
}

inline std::string apply(const FilterSpec& spec, Tree t) {
    if (!spec.target.empty()) {
        for (const std::string& name : parts(spec.target)) {
            auto it = t.members.find(name);
            Tree next;
            next.object = true;
            bool leads_on = it != t.members.end() && it->second->object;
            if (leads_on) next = *it->second;
            t = next;
            if (!leads_on) break;
        }
    }
    if (!spec.allow.empty()) {
        // A later path replaces earlier ones that lead to the same place or through it.
        std::vector<std::vector<std::string>> paths;
        for (const std::string& a : spec.allow) {
            auto p = parts(a);
            std::erase_if(paths, [&](const auto& q) { return begins(q, p) || begins(p, q); });
            paths.push_back(p);
        }
        Object kept;
        for (const auto& p : paths)
            copy(t.members, kept, p, 0);
        t.members = kept;
    } else {
        for (const std::string& d : spec.deny)
            remove(t.members, parts(d), 0);
    }
    for (const auto& [from, to] : spec.mapping) {
        auto it = t.members.find(from);
        if (it == t.members.end()) continue;
        auto value = it->second;
        t.members[parts(to)[0]] = value;
        t.members.erase(from);
    }
    if (spec.group.empty()) return print(t);
    Tree outer;
    outer.object = true;
    outer.members[std::string(spec.group)] = std::make_shared<Tree>(t);
    return print(outer);
}

}  // namespace gladius::json::reference
