#include "json/filter.h"

#include <algorithm>
#include <map>

#include "json/growing.h"
#include "json/order.h"
#include "json/scan.h"

namespace gladius::json {
namespace {

// As Go splits: one part more than there are dots, parts may be empty.
std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> parts;
    for (;;) {
        size_t dot = path.find('.');
        parts.emplace_back(path.substr(0, dot));
        if (dot == std::string_view::npos) return parts;
        path.remove_prefix(dot + 1);
    }
}

Value no_members() {
    return Value::of(static_cast<Member*>(nullptr), 0);
}

}  // namespace

// The paths of allow or deny as a tree, before it is laid flat.
class FilterProgram::Builder {
  public:
    Builder() : nodes_(1) {}

    // The later path wins: a path through an earlier end opens it again, an end forgets what was known below it.
    void allow(std::string_view path) {
        uint32_t at = 0;
        for (const std::string& name : split(path)) {
            nodes_[at].ends = false;
            at = child(at, name);
        }
        end_at(at);
    }

    // The shorter path wins: what is removed as a whole stays so.
    void deny(std::string_view path) {
        uint32_t at = 0;
        for (const std::string& name : split(path)) {
            if (nodes_[at].ends) return;
            at = child(at, name);
        }
        end_at(at);
    }

    // Breadth first, so that children stand together and behind their parent. Returns the depth of the tree.
    uint32_t flatten(std::vector<Rule>* rules) const {
        struct Item {
            uint32_t node;
            uint32_t depth;
        };
        std::vector<Item> order{{0, 0}};
        rules->assign(1, Rule{});
        uint32_t depth = 0;
        for (uint32_t i = 0; i < order.size(); ++i) {
            auto [node, at] = order[i];
            depth = std::max(depth, at);
            (*rules)[i].first = static_cast<uint32_t>(rules->size());
            (*rules)[i].count = static_cast<uint32_t>(nodes_[node].children.size());
            for (const auto& [name, next] : nodes_[node].children) {
                rules->push_back({name, i, 0, 0});
                order.push_back({next, at + 1});
            }
        }
        return depth;
    }

  private:
    struct Node {
        std::map<std::string, uint32_t, std::less<>> children;
        bool ends = false;
    };

    uint32_t child(uint32_t at, const std::string& name) {
        auto next = static_cast<uint32_t>(nodes_.size());
        auto [it, added] = nodes_[at].children.try_emplace(name, next);
        uint32_t found = it->second;
        if (added) nodes_.emplace_back();
        return found;
    }

    void end_at(uint32_t at) {
        nodes_[at].ends = true;
        nodes_[at].children.clear();
    }

    std::vector<Node> nodes_;
};

FilterProgram FilterProgram::compile(const FilterSpec& spec) {
    FilterProgram p;
    if (!spec.target.empty()) p.target_ = split(spec.target);
    p.group_ = spec.group;
    p.walk_ = spec.walk;
    if (!spec.flatmap.empty()) {
        p.flatmap_ = FlatmapProgram::compile(spec.flatmap);
        p.keep_depth_ = static_cast<uint32_t>(p.target_.size()) + std::max(spec.keep_depth, p.flatmap_.keep_depth());
        if (p.walk_ && !p.target_.empty()) p.keep_depth_ = kKeepAll;
        return p;
    }
    Builder tree;
    if (!spec.allow.empty()) {
        p.mode_ = Mode::allow;
        for (const std::string& path : spec.allow)
            tree.allow(path);
    } else if (!spec.deny.empty()) {
        p.mode_ = Mode::deny;
        for (const std::string& path : spec.deny)
            tree.deny(path);
    }
    uint32_t depth = p.mode_ == Mode::all ? 0 : tree.flatten(&p.rules_);
    if (p.walk_) {
        // Nobody knows how many arrays are on the way.
        p.renames_ = FlatmapProgram::renaming(spec.mapping);
        bool looks = depth != 0 || !p.target_.empty() || !spec.mapping.empty();
        p.keep_depth_ = looks ? kKeepAll : spec.keep_depth;
        return p;
    }
    for (const auto& [from, to] : spec.mapping)
        p.mapping_.emplace_back(from, to.substr(0, to.find('.')));
    depth = std::max({depth, p.mapping_.empty() ? 0U : 1U, spec.keep_depth});
    p.keep_depth_ = static_cast<uint32_t>(p.target_.size()) + depth;
    p.select_for_scan();
    return p;
}

// The same tree of names, with the way of the target before it.
void FilterProgram::select_for_scan() {
    using Fate = Selection::Fate;
    if (target_.empty() && mode_ == Mode::all) return;
    std::vector<Selection::Name>& names = selection_.names;
    std::string name;  // of the object that comes next
    for (const std::string& part : target_) {
        names.push_back({name, Fate::look, Fate::skip, static_cast<uint32_t>(names.size() + 1), 1});
        name = part;
    }
    auto first = static_cast<uint32_t>(names.size());
    if (mode_ == Mode::all) {
        names.push_back({name, Fate::keep, Fate::keep, 0, 0});
        return;
    }
    bool allow = mode_ == Mode::allow;
    for (const Rule& r : rules_) {
        bool ends = r.count == 0;
        Fate fate = !ends ? Fate::look : allow ? Fate::keep : Fate::skip;
        names.push_back({r.name, fate, allow ? Fate::skip : Fate::keep, first + r.first, r.count});
    }
    names[first].name = name;
}

Value FilterProgram::apply(const Value& data, Arena& arena) const {
    if (walk_) return walk(data, arena);
    if (data.kind == Value::Kind::node && data.n == 0) deepen(*data.document, keep_depth_, arena);
    Value v = flatmap_.apply(select(data), arena);
    // Each step but the last does nothing to data without members.
    if (mode_ != Mode::all) v = mark(v, arena);
    if (!mapping_.empty()) v = rename(v, arena);
    return grouped(v, arena);
}

Value FilterProgram::grouped(const Value& data, Arena& arena) const {
    if (group_.empty()) return data;
    auto* m = arena.make<Member>();
    m->key = group_;
    m->value = data;
    return Value::of(m, 1);
}

Value FilterProgram::select(Value data) const {
    for (const std::string& name : target_) {
        Value next;
        if (!find_member(data, name, &next) || !next.is_object()) return no_members();
        data = next;
    }
    return data;
}

uint32_t FilterProgram::match(uint32_t parent, std::string_view name) const {
    const Rule* first = rules_.data() + rules_[parent].first;
    const Rule* last = first + rules_[parent].count;
    constexpr ptrdiff_t kFew = 8;
    if (last - first <= kFew) {
        while (first != last && first->name != name)
            ++first;
    } else {
        first = std::lower_bound(first, last, name, [](const Rule& r, std::string_view n) { return r.name < n; });
        if (first != last && first->name != name) first = last;
    }
    return first == last ? kNoNode : static_cast<uint32_t>(first - rules_.data());
}

// Marks one document. Every rule is one path, so it meets at most one node (of equal keys the last): `met_` says which.
// Rules stand behind their parents, so one pass forward finds the nodes and one backward decides about the parents.
class FilterProgram::Marks {
  public:
    Marks(const FilterProgram& program, Document& doc, Arena& arena)
        : rules_(program.rules_.data()),
          rule_count_(static_cast<uint32_t>(program.rules_.size())),
          program_(program),
          allow_(program.mode_ == Mode::allow),
          doc_(doc),
          arena_(arena),
          met_(arena.array<Met>(rule_count_)) {}

    // False when an allow left nothing of the object.
    bool run(uint32_t object, uint32_t rule) {
        met_[rule].node = object;
        for (uint32_t r = rule; r < rule_count_; ++r) {
            if (met_[r].node != kNoNode && rules_[r].count != 0) forward(r);
        }
        for (uint32_t r = rule_count_ - 1; r > rule; --r) {
            if (met_[r].node != kNoNode) backward(r);
        }
        return !allow_ || met_[rule].kept != 0;
    }

  private:
    struct Met {
        uint32_t node = kNoNode;
        uint32_t kept = 0;  // allow: children that stay
    };

    Node& node(uint32_t i) { return doc_.nodes[i]; }

    void remove(uint32_t i, uint32_t parent) {
        node(i).flags |= Node::removed;
        node(parent).flags &= ~Node::canonical;
    }

    void forward(uint32_t r) {
        uint32_t object = met_[r].node;
        for (uint32_t c = object + 1; c < node(object).next; c = node(c).next) {
            if (!node(c).live()) continue;
            uint32_t hit = program_.match(r, doc_.key(c, arena_));
            if (hit == kNoNode) {
                if (allow_) remove(c, object);
                continue;
            }
            // An earlier one of the same name never was a member.
            if (met_[hit].node != kNoNode) remove(met_[hit].node, object);
            met_[hit].node = c;
        }
        for (uint32_t h = rules_[r].first; h < rules_[r].first + rules_[r].count; ++h) {
            uint32_t c = met_[h].node;
            if (c == kNoNode) continue;
            bool ends = rules_[h].count == 0;
            bool leads_on = !ends && node(c).kind == Kind::object;
            if (ends ? !allow_ : allow_ && !leads_on) remove(c, object);
            // What stays as a whole is counted in backward(); everything else that leads nowhere is forgotten.
            if (!leads_on && !(ends && allow_)) met_[h].node = kNoNode;
        }
    }

    void backward(uint32_t r) {
        uint32_t up = rules_[r].parent;
        uint32_t i = met_[r].node;
        if (allow_) {
            if (rules_[r].count != 0 && met_[r].kept == 0) {
                remove(i, met_[up].node);
            } else {
                ++met_[up].kept;
            }
        }
        if (!node(i).has(Node::canonical)) node(met_[up].node).flags &= ~Node::canonical;
    }

    const Rule* rules_;
    uint32_t rule_count_;
    const FilterProgram& program_;
    bool allow_;
    Document& doc_;
    Arena& arena_;
    Met* met_;
};

Value FilterProgram::mark(const Value& data, Arena& arena) const {
    if (!data.is_object()) return data;
    if (data.kind == Value::Kind::node) {
        Marks(*this, *data.document, arena).run(data.n, 0);
        return data;
    }
    // Members of a wrapper: {"collection": ...}, {"content": ...}.
    auto* kept = arena.array<Member>(data.n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < data.n; ++i) {
        const Member& m = data.members[i];
        uint32_t r = match(0, m.key);
        bool ends = r != kNoNode && rules_[r].count == 0;
        bool keep = mode_ == Mode::allow ? ends : !ends;
        if (r != kNoNode && !ends && m.value.kind == Value::Kind::node && m.value.is_object()) {
            keep = Marks(*this, *m.value.document, arena).run(m.value.n, r);
        }
        if (keep) kept[n++] = m;
    }
    return Value::of(kept, n);
}

Value FilterProgram::rename(const Value& data, Arena& arena) const {
    Value ignored;
    bool any = std::any_of(mapping_.begin(), mapping_.end(),
                           [&](const auto& m) { return find_member(data, m.first, &ignored); });
    if (!any) return data;
    Growing<Member> list(arena, 16);
    append_members(data, arena, list);
    Value object = unique_members(list, arena);
    auto find = [&](std::string_view name) {
        return std::find_if(object.members, object.members + object.n, [&](const Member& m) { return m.key == name; });
    };
    auto erase = [&](Member* m) { *m = object.members[--object.n]; };
    for (const auto& [from, to] : mapping_) {
        Member* end = object.members + object.n;
        Member* old = find(from);
        if (old == end) continue;
        if (from == to) {
            // KrakenD writes the new name and then takes the old one away.
            erase(old);
            continue;
        }
        Member* same = find(to);
        if (same != end) {
            same->value = old->value;
            erase(old);
        } else {
            old->key = to;
        }
    }
    return object;
}

}  // namespace gladius::json
