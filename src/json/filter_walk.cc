// FilterProgram with gladius/arrays: names mean the same inside the elements of an array as they mean in an object.
#include "json/filter.h"
#include "json/growing.h"
#include "json/scan.h"

namespace gladius::json {
namespace {

constexpr std::string_view kCollection = "collection";

// What decoders and targets make of an array: {"collection": [...]}.
bool is_list(const Value& v) {
    if (v.kind != Value::Kind::members || v.n != 1 || v.members[0].key != kCollection) return false;
    const Value& list = v.members[0].value;
    return list.kind == Value::Kind::elements || (list.kind == Value::Kind::node && list.node().kind == Kind::array);
}

Value list_of(const Value& array, Arena& arena) {
    auto* m = arena.make<Member>();
    m->key = kCollection;
    m->value = array;
    return Value::of(m, 1);
}

Value list_of(Growing<Value>& elements, Arena& arena) {
    return list_of(Value::of(elements.data(), static_cast<uint32_t>(elements.size())), arena);
}

// Appends what is in an array, and in the arrays in it, one after the other. False when `v` is no array.
bool append_inside(const Value& v, Growing<Value>& out) {
    if (v.kind != Value::Kind::node || v.node().kind != Kind::array) return false;
    const Node* nodes = v.document->nodes;
    // Nodes stand in source order: the first one inside an array is the next one.
    for (uint32_t c = v.n + 1; c < nodes[v.n].next;) {
        bool array = nodes[c].kind == Kind::array;
        if (!array) out.push(Value::of(v.document, c));
        c = array ? c + 1 : nodes[c].next;
    }
    return true;
}

// Some decoders give parts as text that is printed already, such as the items of a feed. Names lead into them, too.
Value readable(const Value& data, Arena& arena) {
    if (data.kind != Value::Kind::members) return data;
    auto* members = arena.array<Member>(data.n);
    for (uint32_t i = 0; i < data.n; ++i) {
        members[i] = data.members[i];
        if (members[i].value.kind != Value::Kind::raw) continue;
        Document* doc = scan(members[i].value.view(), arena);
        if (doc->ok()) members[i].value = Value::of(doc, 0);
    }
    return Value::of(members, data.n);
}

}  // namespace

// Marks a document. Unlike in Marks a rule may meet many nodes.
class FilterProgram::Walk {
  public:
    Walk(const FilterProgram& program, Arena& arena)
        : program_(program),
          allow_(program.mode_ == Mode::allow),
          arena_(arena),
          frames_(arena, 16),
          met_(arena.array<Met>(program.rules_.size())) {}

    // Marks what is below a rule in a value that is a document's. False when an allow leaves nothing of it.
    bool run(const Value& v, uint32_t rule) {
        if (v.kind != Value::Kind::node || !v.node().container()) return !allow_;
        doc_ = v.document;
        push(v.n, rule);
        for (;;) {
            Frame& f = frames_.back();
            if (f.at < node(f.node).next) {
                uint32_t c = f.at;
                f.at = node(c).next;
                if (node(c).live()) child(f, c);
                continue;
            }
            Frame done = f;
            frames_.pop();
            if (frames_.empty()) return !allow_ || done.kept != 0;
            settle(frames_.back(), done.node, !allow_ || done.kept != 0);
        }
    }

  private:
    struct Frame {
        uint32_t node;
        uint32_t rule;
        uint32_t at;
        uint32_t kept;
    };
    struct Met {
        uint32_t object = kNoNode;
        uint32_t node = kNoNode;
    };

    Node& node(uint32_t i) { return doc_->nodes[i]; }
    uint32_t rule_of(uint32_t parent, uint32_t i) { return program_.match(parent, doc_->key(i, arena_)); }

    void push(uint32_t i, uint32_t rule) {
        const Node& n = node(i);
        if (n.kind == Kind::object && !n.has(Node::ordered)) drop_earlier(i, rule);
        frames_.push({i, rule, i + 1, 0});
    }

    // Of members with the same name the last one counts.
    void drop_earlier(uint32_t object, uint32_t rule) {
        for (uint32_t c = object + 1; c < node(object).next; c = node(c).next) {
            uint32_t hit = node(c).live() ? rule_of(rule, c) : kNoNode;
            if (hit == kNoNode) continue;
            if (met_[hit].object == object) node(met_[hit].node).flags |= Node::removed;
            met_[hit] = {object, c};
        }
    }

    void child(Frame& f, uint32_t c) {
        uint32_t rule = f.rule;
        if (node(f.node).kind == Kind::object) {
            rule = rule_of(f.rule, c);
            bool ends = rule != kNoNode && program_.rules_[rule].count == 0;
            if (rule == kNoNode || ends) return settle(f, c, ends == allow_);
        }
        bool open = node(c).container() && !node(c).has(Node::collapsed);
        if (open) return push(c, rule);
        // Nothing inside that could be named. What was not kept for looking into it must not pass unseen.
        bool empty = node(c).end - node(c).begin == 2;
        settle(f, c, !allow_ && (!node(c).container() || empty));
    }

    void settle(Frame& f, uint32_t c, bool keep) {
        if (!keep) node(c).flags |= Node::removed;
        if (keep) ++f.kept;
        if (!keep || !node(c).has(Node::canonical)) node(f.node).flags &= ~Node::canonical;
    }

    const FilterProgram& program_;
    bool allow_;
    Arena& arena_;
    Document* doc_ = nullptr;
    Growing<Frame> frames_;
    Met* met_;  // by rule
};

Value FilterProgram::walk(const Value& decoded, Arena& arena) const {
    Value data = keep_depth_ == kKeepAll ? readable(decoded, arena) : decoded;
    const Value* root = is_list(data) ? &data.members[0].value : &data;
    if (root->kind == Value::Kind::node && root->n == 0) deepen(*root->document, keep_depth_, arena);
    Value v = flatmap_.apply(target_.empty() ? data : select_inside(data, arena), arena);
    bool list = is_list(v);
    if (mode_ != Mode::all) v = mark_inside(v, list, arena);
    v = renames_.apply(v, arena, list ? kCollection : std::string_view());
    return list && !group_.empty() ? grouped(v.members[0].value, arena) : grouped(v, arena);
}

// What the target names, also inside of elements. Where an array is on the way or at the end it is a list.
Value FilterProgram::select_inside(const Value& data, Arena& arena) const {
    Growing<Value> now(arena, 16);
    Growing<Value> next(arena, 16);
    bool list = is_list(data);
    now.push(list ? data.members[0].value : data);
    Growing<Value>* from = &now;
    Growing<Value>* to = &next;
    auto enter_arrays = [&] {
        to->set_size(0);
        for (size_t i = 0; i < from->size(); ++i) {
            if (append_inside((*from)[i], *to)) {
                list = true;
            } else {
                to->push((*from)[i]);
            }
        }
        std::swap(from, to);
    };
    for (const std::string& name : target_) {
        enter_arrays();
        to->set_size(0);
        for (size_t i = 0; i < from->size(); ++i) {
            Value found;
            if (find_member((*from)[i], name, &found)) to->push(found);
        }
        std::swap(from, to);
    }
    enter_arrays();
    if (list) return list_of(*from, arena);
    if (!from->empty() && (*from)[0].is_object()) return (*from)[0];
    return Value::of(static_cast<Member*>(nullptr), 0);
}

Value FilterProgram::mark_inside(const Value& data, bool list, Arena& arena) const {
    Walk walk(*this, arena);
    if (data.kind == Value::Kind::node) walk.run(data, 0);
    if (data.kind != Value::Kind::members) return data;
    if (!list) {
        auto* kept = arena.array<Member>(data.n);
        uint32_t n = 0;
        for (uint32_t i = 0; i < data.n; ++i) {
            const Member& m = data.members[i];
            uint32_t rule = match(0, m.key);
            bool ends = rule != kNoNode && rules_[rule].count == 0;
            bool keep = rule == kNoNode || ends ? ends == (mode_ == Mode::allow) : walk.run(m.value, rule);
            if (keep) kept[n++] = m;
        }
        return Value::of(kept, n);
    }
    const Value& array = data.members[0].value;
    if (array.kind == Value::Kind::node) {
        walk.run(array, 0);
        return data;
    }
    // The elements that a target found.
    Growing<Value> kept(arena, array.n + 1);
    for (uint32_t i = 0; i < array.n; ++i) {
        if (walk.run(array.elements[i], 0)) kept.push(array.elements[i]);
    }
    return list_of(kept, arena);
}

}  // namespace gladius::json
