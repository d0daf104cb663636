#include "json/emit.h"

#include "json/growing.h"
#include "json/order.h"
#include "json/scan.h"
#include "json/text.h"

namespace gladius::json {
namespace {

class Emitter {
  public:
    Emitter(Arena& arena, Output& out, bool copy)
        : arena_(arena), out_(out), copy_(copy), frames_(arena, 16), names_(arena, 64) {}

    void run(const Value& v) {
        value(v);
        while (!frames_.empty())
            step();
    }

  private:
    // A container that is being written; [at, end) is what is left of it.
    struct Frame {
        enum class Kind : uint8_t { array, elements, ordered, sorted, members };
        Kind kind;
        bool first;
        uint32_t at;  // array, ordered: node index; elements: index; sorted, members: index into names_
        uint32_t end;
        uint32_t names;  // sorted, members: where names_ began
        union {
            const Document* doc;
            const Member* members;
            const Value* elements;
        };
        bool is_array() const { return kind <= Kind::elements; }
    };

    void value(const Value& v) {
        switch (v.kind) {
            case Value::Kind::null:
                out_.append("null");
                return;
            case Value::Kind::node:
                node(*v.document, v.n);
                return;
            case Value::Kind::members:
                open_members(v);
                return;
            case Value::Kind::elements:
                open_elements(v);
                return;
            case Value::Kind::raw:
                out_.append(v.view());
                return;
            case Value::Kind::text:
                quote(v.view(), out_);
                return;
        }
    }

    void node(const Document& doc, uint32_t i) {
        const Node& n = doc.nodes[i];
        bool copy = n.has(Node::canonical) && (copy_ || n.has(Node::collapsed));
        if (copy || n.kind < Kind::string) {
            out_.append(doc.slice(n));
        } else if (n.has(Node::collapsed)) {
            // Skipped, and yet it is printed: taken apart now. All of it is kept, so this is not met again inside.
            const Document* all = scan(doc.slice(n), arena_);
            if (all->ok()) node(*all, 0);
        } else if (n.kind == Kind::string) {
            requote(doc.string_source(n), out_);
        } else {
            open(doc, i);
        }
    }

    void open(const Document& doc, uint32_t i) {
        const Node& n = doc.nodes[i];
        Frame f{};
        f.first = true;
        f.doc = &doc;
        if (n.kind == Kind::array || n.has(Node::ordered)) {
            f.kind = n.kind == Kind::array ? Frame::Kind::array : Frame::Kind::ordered;
            f.at = i + 1;
            f.end = n.next;
        } else {
            f.kind = Frame::Kind::sorted;
            f.names = f.at = static_cast<uint32_t>(names_.size());
            sorted_members(doc, i, arena_, names_);
            f.end = static_cast<uint32_t>(names_.size());
        }
        out_.put(n.kind == Kind::array ? '[' : '{');
        frames_.push(f);
    }

    void open_members(const Value& v) {
        Frame f{};
        f.kind = Frame::Kind::members;
        f.first = true;
        f.members = v.members;
        f.names = f.at = static_cast<uint32_t>(names_.size());
        for (uint32_t i = 0; i < v.n; ++i)
            names_.push(SortKey::of(v.members[i].key, i));
        names_.set_size(f.at + sort_names(names_.data() + f.at, v.n));
        f.end = static_cast<uint32_t>(names_.size());
        out_.put('{');
        frames_.push(f);
    }

    void open_elements(const Value& v) {
        Frame f{};
        f.kind = Frame::Kind::elements;
        f.first = true;
        f.elements = v.elements;
        f.end = v.n;
        out_.put('[');
        frames_.push(f);
    }

    void separate(Frame& f) {
        if (!f.first) out_.put(',');
        f.first = false;
    }

    void key(const Document& doc, uint32_t i) {
        const Node& n = doc.nodes[i];
        if (n.has(Node::key_canonical)) {
            // With both quotes.
            out_.append(doc.text + n.key_begin - 1, n.key_size + size_t{2});
        } else {
            requote(doc.key_source(n), out_);
        }
        out_.put(':');
    }

    // Writes one child of the innermost container, or ends it. Writing a child may push: `f` is not used after that.
    void step() {
        Frame& f = frames_.back();
        if (f.kind == Frame::Kind::sorted) {
            if (f.at == f.end) return close();
            uint32_t i = names_[f.at++].ref;
            separate(f);
            const Document& doc = *f.doc;
            key(doc, i);
            node(doc, i);
            return;
        }
        if (f.kind == Frame::Kind::members) {
            if (f.at == f.end) return close();
            const Member& m = f.members[names_[f.at++].ref];
            separate(f);
            quote(m.key, out_);
            out_.put(':');
            value(m.value);
            return;
        }
        if (f.kind == Frame::Kind::elements) {
            if (f.at == f.end) return close();
            separate(f);
            value(f.elements[f.at++]);
            return;
        }
        const Document& doc = *f.doc;
        while (f.at < f.end && !doc.nodes[f.at].live())
            f.at = doc.nodes[f.at].next;
        if (f.at >= f.end) return close();
        uint32_t i = f.at;
        f.at = doc.nodes[i].next;
        separate(f);
        if (f.kind == Frame::Kind::ordered) key(doc, i);
        node(doc, i);
    }

    void close() {
        Frame& f = frames_.back();
        out_.put(f.is_array() ? ']' : '}');
        if (f.kind >= Frame::Kind::sorted) names_.set_size(f.names);
        frames_.pop();
    }

    Arena& arena_;
    Output& out_;
    bool copy_;
    Growing<Frame> frames_;
    Growing<SortKey> names_;  // of the open objects that had to be sorted, the innermost last
};

}  // namespace

void emit(const Value& v, Arena& arena, Output& out, Canonical canonical) {
    Emitter(arena, out, canonical == Canonical::copy).run(v);
}

namespace {

constexpr size_t kSmall = 16;

// Deeper members and elements are taken for small: this must not recurse as far as the data go.
size_t estimate_to(const Value& v, int levels) {
    if (levels == 0) return kSmall;
    switch (v.kind) {
        case Value::Kind::null:
            return kSmall;
        case Value::Kind::node: {
            const Node* nodes = v.document->nodes;
            size_t n = nodes[v.n].end - nodes[v.n].begin;
            if (nodes[v.n].kind == Kind::object && !nodes[v.n].has(Node::canonical)) {
                // What a filter removed at the top does not count.
                n = 0;
                for (uint32_t c = v.n + 1; c < nodes[v.n].next; c = nodes[c].next) {
                    if (nodes[c].live()) n += nodes[c].key_size + (nodes[c].end - nodes[c].begin) + 4;
                }
            }
            return n + n / 16 + kSmall;
        }
        case Value::Kind::raw:
        case Value::Kind::text:
            return size_t{v.n} + v.n / 8 + kSmall;
        case Value::Kind::members: {
            size_t sum = kSmall;
            for (uint32_t i = 0; i < v.n; ++i)
                sum += v.members[i].key.size() + kSmall + estimate_to(v.members[i].value, levels - 1);
            return sum;
        }
        case Value::Kind::elements:
            break;
    }
    size_t sum = kSmall;
    for (uint32_t i = 0; i < v.n; ++i)
        sum += estimate_to(v.elements[i], levels - 1);
    return sum;
}

}  // namespace

size_t estimate(const Value& v) {
    constexpr int kLevels = 8;
    return estimate_to(v, kLevels);
}

}  // namespace gladius::json
