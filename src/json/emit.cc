#include "json/emit.h"

#include <cstring>

#include "json/growing.h"
#include "json/order.h"
#include "json/scan.h"
#include "json/text.h"

namespace gladius::json {
namespace {

// Memory is checked once for each child: before it there is room for everything of it but what is longer than kWide and
// what is printed anew. A comma is written behind each child, and the end of a container replaces the last one.
//
// What is printed may be anywhere as far as the compiler knows, so the loops keep in locals what they look at.
class Emitter {
  public:
    Emitter(Arena& arena, Output& out, bool copy)
        : arena_(arena),
          out_(out),
          copied_(Node::canonical | (copy ? 0 : kNever)),
          frames_(arena, 16),
          order_(arena, 64) {
        at(out.reserve(kRoom));
    }

    void run(const Value& v) {
        value(v);
        out_.commit(w_);
    }

  private:
    // A container that is being written; [at, end) is what is left of it.
    struct Frame {
        enum class Kind : uint8_t { array, elements, ordered, sorted, members };
        Kind kind;
        uint32_t at;  // array, ordered: node index; elements: index; sorted, members: index into order_
        uint32_t end;
        uint32_t order;  // where order_ ended before it
        union {
            const Document* doc;
            const Member* members;
            const Value* elements;
        };
        bool is_array() const { return kind <= Kind::elements; }
    };

    // Most pieces are short, and a copy of fixed size is much cheaper than one that has to look how many bytes there
    // are.
    static constexpr uint32_t kWide = 32;
    // A key, a value and what stands around them.
    static constexpr size_t kRoom = 2 * kWide + 8;
    // A flag that no node has.
    static constexpr uint16_t kNever = 1U << 15;

    static void copy_wide(char* to, const char* from) { std::memcpy(to, from, kWide); }

    void at(char* w) {
        w_ = w;
        full_ = out_.end() - kRoom;
    }
    void room() {
        if (w_ <= full_) [[likely]]
            return;
        out_.commit(w_);
        at(out_.reserve(kRoom));
    }
    [[gnu::noinline]] void append(const char* p, size_t n) {
        out_.commit(w_);
        out_.append(p, n);
        at(out_.reserve(kRoom));
    }
    void append(std::string_view s) { append(s.data(), s.size()); }
    [[gnu::noinline]] void print(std::string_view text) {
        out_.commit(w_);
        quote(text, out_);
        at(out_.reserve(kRoom));
    }
    [[gnu::noinline]] void print_anew(const Document& doc, std::string_view source) {
        out_.commit(w_);
        requote(source, doc.text + doc.text_size, out_);
        at(out_.reserve(kRoom));
    }
    // Bytes of the source.
    void copy(const Document& doc, uint32_t from, uint32_t to) {
        uint32_t n = to - from;
        if (n <= kWide && doc.text_size - from >= kWide) [[likely]] {
            copy_wide(w_, doc.text + from);
            w_ += n;
        } else {
            append(doc.text + from, n);
        }
    }

    // These are true when it was a container that now is open, and frames_ has to be gone on with.
    bool value(const Value& v) {
        switch (v.kind) {
            case Value::Kind::null:
                append("null");
                return false;
            case Value::Kind::node:
                return node(*v.document, v.n);
            case Value::Kind::members:
                return container(open_members(v));
            case Value::Kind::elements:
                return container(open_elements(v));
            case Value::Kind::raw:
                append(v.view());
                return false;
            case Value::Kind::text:
                print(v.view());
                return false;
        }
        return false;
    }

    [[gnu::noinline]] bool node(const Document& doc, uint32_t i) {
        const Node& n = doc.nodes[i];
        bool whole = (n.flags & copied_) == copied_ || (n.has(Node::canonical) && n.has(Node::collapsed));
        if (whole || n.kind < Kind::string) {
            copy(doc, n.begin, n.end);
            return false;
        }
        if (n.kind == Kind::string) {
            print_anew(doc, doc.string_source(n));
            return false;
        }
        if (n.has(Node::collapsed)) {
            // Skipped, and yet it is printed: taken apart now. All of it is kept, so this is not met again inside.
            const Document* all = scan(doc.slice(n), arena_);
            return all->ok() && node(*all, 0);
        }
        return container(open(doc, i));
    }

    // The outer levels are written by calls, whose returns the processor foresees; deeper ones by a loop.
    bool container(Frame f) {
        constexpr uint32_t kNested = 8;
        if (level_ < kNested) {
            ++level_;
            children(f);
            close(f);
            --level_;
            return false;
        }
        frames_.push(f);
        if (looping_) return true;
        looping_ = true;
        while (!frames_.empty()) {
            Frame& last = frames_.back();
            if (children(last)) continue;
            close(last);
            frames_.pop();
            if (!frames_.empty()) *w_++ = ',';
        }
        looping_ = false;
        return false;
    }

    Frame open(const Document& doc, uint32_t i) {
        const Node& n = doc.nodes[i];
        Frame f;
        f.doc = &doc;
        bool object = n.kind == Kind::object;
        if (object && !n.has(Node::ordered)) {
            f.kind = Frame::Kind::sorted;
            f.order = f.at = static_cast<uint32_t>(order_.size());
            sorted_members(doc, i, arena_, order_);
            f.end = static_cast<uint32_t>(order_.size());
        } else {
            f.kind = object ? Frame::Kind::ordered : Frame::Kind::array;
            f.order = static_cast<uint32_t>(order_.size());
            f.at = i + 1;
            f.end = n.next;
        }
        *w_++ = object ? '{' : '[';
        return f;
    }

    Frame open_members(const Value& v) {
        Frame f;
        f.kind = Frame::Kind::members;
        f.members = v.members;
        f.order = f.at = static_cast<uint32_t>(order_.size());
        Growing<SortKey> names(arena_, v.n);
        for (uint32_t i = 0; i < v.n; ++i)
            names.push(SortKey::of(v.members[i].key, i));
        size_t n = sort_names(names.data(), v.n);
        for (size_t i = 0; i < n; ++i)
            order_.push(names[i].ref);
        f.end = static_cast<uint32_t>(order_.size());
        *w_++ = '{';
        return f;
    }

    Frame open_elements(const Value& v) {
        Frame f;
        f.kind = Frame::Kind::elements;
        f.elements = v.elements;
        f.order = static_cast<uint32_t>(order_.size());
        f.at = 0;
        f.end = v.n;
        *w_++ = '[';
        return f;
    }

    // Writes what is left, up to the first child that is opened: true.
    bool children(Frame& f) {
        room();
        if (f.kind == Frame::Kind::sorted) return object<true>(f);
        if (f.kind == Frame::Kind::array) return array(f);
        if (f.kind == Frame::Kind::ordered) return object<false>(f);
        return f.kind == Frame::Kind::members ? members(f) : elements(f);
    }

    bool members(Frame& f) {
        while (f.at != f.end) {
            const Member& m = f.members[order_[f.at++]];
            print(m.key);
            *w_++ = ':';
            if (value(m.value)) return true;
            *w_++ = ',';
            room();
        }
        return false;
    }

    bool elements(Frame& f) {
        while (f.at != f.end) {
            if (value(f.elements[f.at++])) return true;
            *w_++ = ',';
            room();
        }
        return false;
    }

    [[gnu::noinline]] bool array(Frame& f) {
        const Document& doc = *f.doc;
        const Node* nodes = doc.nodes;
        const uint16_t copied = copied_;
        uint32_t at = f.at, end = f.end;
        while (at < end) {
            uint32_t i = at;
            const Node& n = nodes[i];
            at = n.next;
            if (!n.live()) continue;
            if ((n.flags & copied) == copied) {
                // With the ones that follow, as long as only the comma is between them.
                uint32_t to = n.end;
                while (at < end) {
                    const Node& next = nodes[at];
                    if (next.begin != to + 1 || (next.flags & (copied | Node::removed)) != copied) break;
                    to = next.end;
                    at = next.next;
                }
                copy(doc, n.begin, to);
            } else {
                f.at = at;
                if (node(doc, i)) return true;
            }
            *w_++ = ',';
            room();
        }
        return false;
    }

    template <bool kSorted>
    [[gnu::noinline]] bool object(Frame& f) {
        const Document& doc = *f.doc;
        const Node* nodes = doc.nodes;
        const char* text = doc.text;
        // The last place from which kWide bytes can be read; no key is at 0.
        const uint32_t last = doc.text_size >= kWide ? doc.text_size - kWide : 0;
        const uint32_t usual = uint32_t{copied_} | Node::key_canonical;
        const uint32_t* order = order_.data();
        uint32_t at = f.at;
        const uint32_t end = f.end;
        char* w = w_;
        const char* full = full_;
        while (at < end) {
            uint32_t i = kSorted ? order[at] : at;
            const Node& n = nodes[i];
            at = kSorted ? at + 1 : n.next;
            if (!kSorted && !n.live()) continue;
            const uint32_t key = n.key_begin - 1, begin = n.begin;
            const uint32_t key_size = n.key_size + 2, size = n.end - begin;
            // The key is before the value, so there is as much to read behind it.
            if ((n.flags & usual) == usual && key_size <= kWide && size <= kWide && begin <= last) [[likely]] {
                copy_wide(w, text + key);
                w += key_size;
                *w++ = ':';
                copy_wide(w, text + begin);
                w += size;
            } else {
                w_ = w;
                f.at = at;
                if (slow_member(doc, i)) return true;
                w = w_;
                full = full_;
                order = order_.data();
            }
            *w++ = ',';
            if (w > full) [[unlikely]] {
                w_ = w;
                room();
                w = w_;
                full = full_;
            }
        }
        w_ = w;
        return false;
    }

    [[gnu::noinline]] bool slow_member(const Document& doc, uint32_t i) {
        const Node& n = doc.nodes[i];
        if (n.has(Node::key_canonical)) {
            copy(doc, n.key_begin - 1, n.key_begin + n.key_size + 1);
        } else {
            print_anew(doc, doc.key_source(n));
        }
        *w_++ = ':';
        return node(doc, i);
    }

    void close(const Frame& f) {
        char* w = w_;
        if (w[-1] == ',') --w;
        *w++ = f.is_array() ? ']' : '}';
        order_.set_size(f.order);
        w_ = w;
    }

    Arena& arena_;
    Output& out_;
    uint16_t copied_;     // flags of what is copied
    char* w_;             // where the next byte goes
    char* full_;          // behind this there is not enough room
    uint32_t level_ = 0;  // of calls
    bool looping_ = false;
    Growing<Frame> frames_;    // of the levels below those
    Growing<uint32_t> order_;  // of the open objects that had to be sorted, the innermost last
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
