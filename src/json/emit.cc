#include "json/emit.h"

#include <cstring>

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

    // Copies bytes of the source. Most pieces are short, and a copy of fixed size is much cheaper than one that has to
    // look how many bytes there are.
    void copy(const Document& doc, uint32_t from, uint32_t to) {
        constexpr uint32_t kWide = 32;
        const char* p = doc.text + from;
        uint32_t n = to - from;
        if (n <= kWide && doc.text_size - from >= kWide && out_.room() >= kWide) [[likely]] {
            char* w = out_.reserve(kWide);
            std::memcpy(w, p, kWide);
            out_.commit(w + n);
        } else {
            out_.append(p, n);
        }
    }

    // True when it was a container that now is open; then references to frames are good no more.
    bool node(const Document& doc, uint32_t i) {
        const Node& n = doc.nodes[i];
        bool whole = n.has(Node::canonical) && (copy_ || n.has(Node::collapsed));
        if (whole || n.kind < Kind::string) {
            copy(doc, n.begin, n.end);
            return false;
        }
        if (n.kind == Kind::string) {
            requote(doc.string_source(n), out_);
            return false;
        }
        if (n.has(Node::collapsed)) {
            // Skipped, and yet it is printed: taken apart now. All of it is kept, so this is not met again inside.
            const Document* all = scan(doc.slice(n), arena_);
            return all->ok() && node(*all, 0);
        }
        open(doc, i);
        return true;
    }

    // Where the bytes begin that are copied for a child as a whole, with its key in an object; kNoNode: it is not.
    uint32_t whole(const Node& n, bool object) const {
        if (!copy_ || !n.has(Node::canonical) || n.has(Node::removed)) return kNoNode;
        if (!object) return n.begin;
        bool together = n.has(Node::key_canonical) && n.begin == n.key_begin + n.key_size + 2;
        return together ? n.key_begin - 1 : kNoNode;
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
            copy(doc, n.key_begin - 1, n.key_begin + n.key_size + 1);
        } else {
            requote(doc.key_source(n), out_);
        }
        out_.put(':');
    }

    // Writes children of the innermost container up to the first one that has to be opened, or ends it.
    void step() {
        Frame& f = frames_.back();
        switch (f.kind) {
            case Frame::Kind::array:
            case Frame::Kind::ordered:
                if (as_they_stand(f)) return;
                break;
            case Frame::Kind::sorted:
                if (sorted(f)) return;
                break;
            case Frame::Kind::members:
                if (f.at == f.end) break;
                member(f);
                return;
            case Frame::Kind::elements:
                if (f.at == f.end) break;
                separate(f);
                value(f.elements[f.at++]);
                return;
        }
        close();
    }

    void member(Frame& f) {
        const Member& m = f.members[names_[f.at++].ref];
        separate(f);
        quote(m.key, out_);
        out_.put(':');
        value(m.value);
    }

    bool as_they_stand(Frame& f) {
        const Document& doc = *f.doc;
        bool object = f.kind == Frame::Kind::ordered;
        while (f.at < f.end) {
            uint32_t i = f.at;
            const Node& n = doc.nodes[i];
            f.at = n.next;
            if (!n.live()) continue;
            separate(f);
            uint32_t from = whole(n, object);
            if (from != kNoNode) {
                // With the ones that follow, as long as only the comma is between them.
                uint32_t to = n.end;
                while (f.at < f.end && whole(doc.nodes[f.at], object) == to + 1) {
                    to = doc.nodes[f.at].end;
                    f.at = doc.nodes[f.at].next;
                }
                copy(doc, from, to);
                continue;
            }
            if (object) key(doc, i);
            if (node(doc, i)) return true;
        }
        return false;
    }

    bool sorted(Frame& f) {
        const Document& doc = *f.doc;
        while (f.at != f.end) {
            uint32_t i = names_[f.at++].ref;
            if (short_member(f, doc, doc.nodes[i])) continue;
            separate(f);
            uint32_t from = whole(doc.nodes[i], true);
            if (from != kNoNode) {
                copy(doc, from, doc.nodes[i].end);
                continue;
            }
            key(doc, i);
            if (node(doc, i)) return true;
        }
        return false;
    }

    // The usual member, with its comma, in two copies of fixed size; false: it is another one, nothing was written.
    bool short_member(Frame& f, const Document& doc, const Node& n) {
        constexpr uint32_t kWide = 32;
        uint32_t key = n.key_size + 2, value = n.end - n.begin;
        bool usual = copy_ && n.has(Node::canonical) && n.has(Node::key_canonical) && key <= kWide && value <= kWide &&
                     doc.text_size - n.begin >= kWide && out_.room() >= 2 * kWide + 2;
        if (!usual) return false;
        char* w = out_.reserve(2 * kWide + 2);
        *w = ',';
        w += f.first ? 0 : 1;
        f.first = false;
        // The key is before the value, so there is as much to read behind it.
        std::memcpy(w, doc.text + n.key_begin - 1, kWide);
        w += key;
        *w++ = ':';
        std::memcpy(w, doc.text + n.begin, kWide);
        out_.commit(w + value);
        return true;
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
