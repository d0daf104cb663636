#include "json/scan_fast.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "json/scan.h"
#include "json/scan_ref.h"
#include "json/text.h"
#include "simd/json_bytes.h"
#include "simd/utf8.h"

namespace gladius::json {

#if defined(__x86_64__)
namespace {

using Level = simd::Level;

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
bool is_digit(char c) {
    return static_cast<unsigned char>(c - '0') < 10;
}
bool is_hex(char c) {
    return is_digit(c) || static_cast<unsigned char>((c | 0x20) - 'a') < 6;
}

// Where a piece of text ends. Places are offsets in the text; where something begins or ends is never 0.
constexpr size_t kUnusual = 0;

// Beside the flags that a string does not have: it was not read by the loop.
constexpr uint32_t kByRest = 1U << 16;

// What the loop calls when a string, a number or white space is not the short and simple one. Works on the text itself
// and looks at its end, and is the same code for each kind of processor K, see the end of this file.
class Rest {
  public:
    Rest(std::string_view text, Level level) : text_(text.data()), size_(text.size()), level_(level) {}

    struct Text {
        uint32_t end;   // the place of the closing quote; kUnusual: none
        uint32_t lost;  // the flags (canonical, plain) that the string does not have
    };

    // `at` is a place inside a string.
    template <class K>
    Text string(size_t at) const {
        uint32_t lost = 0;
        if (at >= size_) return {kUnusual, 0};
        for (;;) {
            if (size_ - at >= K::kWidth) [[likely]] {
                uint32_t found = K::specials(text_ + at);
                if (found == 0) {
                    at += K::kWidth;
                    continue;
                }
                at += static_cast<size_t>(std::countr_zero(found));
            } else {
                at = static_cast<size_t>(skip_ordinary(text_ + at, text_ + size_) - text_);
                if (at == size_) return {kUnusual, 0};
            }
            auto c = static_cast<unsigned char>(text_[at]);
            if (c == '"') return {static_cast<uint32_t>(at), lost};
            if (c == '\\') {
                lost |= Node::plain;
                at = escape(at, &lost);
                if (at == kUnusual) return {kUnusual, 0};
            } else if (c >= 0x80) {
                at = not_ascii(at, &lost);
            } else if (c >= 0x20) {
                lost |= Node::canonical;  // < > &
                ++at;
            } else {
                return {kUnusual, 0};
            }
        }
    }

    // The first place from `at` on that is no white space.
    template <class K>
    size_t blanks(size_t at) const {
        if (at >= size_) return size_;
        while (size_ - at >= K::kWidth) {
            uint32_t other = K::no_blanks(text_ + at);
            if (other != 0) return at + static_cast<size_t>(std::countr_zero(other));
            at += K::kWidth;
        }
        while (at != size_ && is_space(text_[at]))
            ++at;
        return at;
    }

    // Behind the number at `at`.
    size_t number(size_t at) const {
        if (at >= size_) return kUnusual;
        const char* p = text_ + at;
        const char* end = text_ + size_;
        if (*p == '-') {
            ++p;
            if (p == end || !is_digit(*p)) return kUnusual;
        }
        p = *p == '0' ? p + 1 : digits(p);
        if (p != end && *p == '.') {
            const char* fraction = p + 1;
            p = digits(fraction);
            if (p == fraction) return kUnusual;
        }
        if (p != end && (*p | 0x20) == 'e') {
            ++p;
            if (p != end && (*p == '+' || *p == '-')) ++p;
            const char* exponent = p;
            p = digits(exponent);
            if (p == exponent) return kUnusual;
        }
        return static_cast<size_t>(p - text_);
    }

  private:
    size_t escape(size_t at, uint32_t* lost) const {
        if (size_ - at < 2) return kUnusual;
        const char* p = text_ + at;
        switch (p[1]) {
            case '"':
            case '\\':
            case 'b':
            case 'f':
            case 'n':
            case 'r':
            case 't':
                return at + 2;
            case '/':
                *lost |= Node::canonical;
                return at + 2;
            case 'u':
                if (size_ - at < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5])) return kUnusual;
                if (!escape_is_canonical(p + 2)) *lost |= Node::canonical;
                return at + 6;
            default:
                return kUnusual;
        }
    }

    // From a byte that is not ASCII to somewhere behind it.
    size_t not_ascii(size_t at, uint32_t* lost) const {
        bool odd = false;
        const char* p = text_ + at;
        const char* end = text_ + size_;
        const char* run = simd::utf8_run(p, end, level_, &odd);
        if (run != nullptr && run != p) {
            if (odd) *lost |= Node::canonical;
            p = run;
        }
        // What was no UTF-8, or too near to the end.
        while (p != end && static_cast<unsigned char>(*p) >= 0x80) {
            size_t n = utf8_sequence(p, end);
            if (n == 0) {
                *lost |= Node::canonical | Node::plain;
                n = 1;
            } else if (n == 3 && p[0] == '\xE2' && p[1] == '\x80' && (p[2] == '\xA8' || p[2] == '\xA9')) {
                *lost |= Node::canonical;  // the line separators
            }
            p += n;
        }
        return static_cast<size_t>(p - text_);
    }

    const char* digits(const char* p) const {
        while (p != text_ + size_ && is_digit(*p))
            ++p;
        return p;
    }

    const char* text_;
    size_t size_;
    Level level_;
};

struct Sse42 : simd::JsonSse42 {
    static Rest::Text string(const Rest& rest, size_t at);
    static size_t blanks(const Rest& rest, size_t at);
};
struct Avx2 : simd::JsonAvx2 {
    static Rest::Text string(const Rest& rest, size_t at);
    static size_t blanks(const Rest& rest, size_t at);
};

class FastScanner {
  public:
    FastScanner(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection, Level level)
        : text_(text.data()),
          size_(static_cast<uint32_t>(text.size())),
          rest_(text, level),
          arena_(arena),
          keep_depth_(keep_depth),
          selection_(selection) {}

    bool selects() const { return selection_ != nullptr && !selection_->names.empty(); }
    // False: something is unusual, and nothing is known.
    template <class K, bool kSelect>
    bool run(Document* doc);

  private:
    // Where a loop stands in the text. The loops look at no end: near the end of the text they are led into a copy with
    // zeros behind it, and zeros are good for nothing but to stop. So a member with its value is checked once: it is
    // less than kAhead unless Rest was asked, which leads back. A local of each loop, so that it stays in registers.
    static constexpr size_t kAhead = 128;
    template <class K>
    class Stand {
      public:
        explicit Stand(FastScanner& s)
            : s_(s),
              p_(s.text_),
              origin_(reinterpret_cast<uintptr_t>(s.text_)),
              limit_(reinterpret_cast<uintptr_t>(s.text_ + (s.size_ > kAhead ? s.size_ - kAhead : 0))) {}

        [[gnu::always_inline]] size_t place() const { return reinterpret_cast<uintptr_t>(p_) - origin_; }
        [[gnu::always_inline]] void go(size_t place) {
            p_ = reinterpret_cast<const char*>(origin_ + place);
            check();
        }
        [[gnu::always_inline]] const char* here() const { return p_; }
        [[gnu::always_inline]] char c() const { return *p_; }
        [[gnu::always_inline]] void step(size_t n = 1) { p_ += n; }

        // Before kAhead bytes are read.
        [[gnu::always_inline]] void check() {
            if (reinterpret_cast<uintptr_t>(p_) >= limit_) [[unlikely]] {
                size_t at = place();
                origin_ = s_.tail();
                limit_ = UINTPTR_MAX;
                p_ = reinterpret_cast<const char*>(origin_ + at);
            }
        }

        // From the opening quote of a string to the closing one. *lost is left as it is by the usual one.
        [[gnu::always_inline]] bool string(uint32_t* lost) {
            ++p_;
            uint32_t found = K::specials(p_);
            if (found != 0) [[likely]] {
                p_ += std::countr_zero(found);
                if (*p_ == '"') [[likely]]
                    return true;
            } else {
                p_ += K::kWidth;
            }
            Rest::Text t = K::string(s_.rest_, place());
            *lost = t.lost | kByRest;
            if (t.end == kUnusual) return false;
            go(t.end);
            return true;
        }

        // Over white space, when the byte may be some.
        [[gnu::always_inline]] void blanks() {
            if (*p_ == ' ' && static_cast<unsigned char>(p_[1]) > ' ') [[likely]]
                ++p_;
            else
                go(K::blanks(s_.rest_, place()));
        }

        [[gnu::always_inline]] bool word(const char (&w)[5], size_t ahead = 0) {
            uint32_t a, b;
            std::memcpy(&a, p_ + ahead, 4);
            std::memcpy(&b, w, 4);
            p_ += 4 + ahead;
            return a == b;
        }

        // What follows is looked at by the caller, so nothing can be stuck to it.
        [[gnu::always_inline]] bool number() {
            const char* p = p_ + (*p_ == '-' ? 1 : 0);
            uint32_t others = K::no_digits(p);
            if (others != 0) [[likely]] {
                auto n = static_cast<unsigned>(std::countr_zero(others));
                if (n != 1 && (n == 0 || *p == '0')) return false;
                p += n;
                if (*p == '.') {
                    // In two steps: n may be the last bit.
                    others = others >> n >> 1;
                    if (others == 0) return long_number();
                    n = static_cast<unsigned>(std::countr_zero(others));
                    if (n == 0) return false;
                    p += 1 + n;
                }
                if ((*p | 0x20) != 'e') [[likely]] {
                    p_ = p;
                    return true;
                }
            }
            return long_number();
        }

      private:
        [[gnu::always_inline]] bool long_number() {
            size_t behind = s_.long_number(place());
            go(behind);
            return behind != kUnusual;
        }

        FastScanner& s_;
        const char* p_;
        uintptr_t
            origin_;  // the address that the first byte of the text would have; read through from the copy on only
        uintptr_t limit_;
    };

    const char* end() const { return text_ + size_; }

    [[gnu::noinline]] uintptr_t tail() {
        size_t n = std::min<size_t>(size_, kAhead);
        std::memcpy(tail_, end() - n, n);
        std::memset(tail_ + n, 0, sizeof(tail_) - n);
        return reinterpret_cast<uintptr_t>(tail_) - (size_ - n);
    }
    [[gnu::noinline]] size_t long_number(size_t at) const { return rest_.number(at); }

    // The first eight bytes of a key as a number that sorts as they do. Keys hold no NUL, so padding with zeros changes
    // nothing.
    [[gnu::always_inline]] static uint64_t prefix(const char* p, size_t size) {
        uint64_t v;
        std::memcpy(&v, p, 8);
        v = __builtin_bswap64(v);
        return size < 8 ? v & ~(~uint64_t{0} >> (8 * size)) : v;
    }
    // Of a node, which may stand at the end of the text.
    [[gnu::noinline]] uint64_t prefix_of(const Node& n) const {
        char bytes[8] = {};
        std::memcpy(bytes, text_ + n.key_begin, std::min<size_t>(size_ - n.key_begin, 8));
        return prefix(bytes, n.key_size);
    }
    [[gnu::noinline]] bool before(const Node& a, const Node& b) const {
        return std::string_view(text_ + a.key_begin, a.key_size) < std::string_view(text_ + b.key_begin, b.key_size);
    }

    static Kind kind_at(char c) {
        switch (c) {
            case '{':
                return Kind::object;
            case '[':
                return Kind::array;
            case '"':
                return Kind::string;
            case 't':
            case 'f':
                return Kind::boolean;
            case 'n':
                return Kind::null;
            default:
                return Kind::number;
        }
    }

    template <class K>
    size_t skip_value(size_t at, uint32_t depth);

    [[gnu::noinline]] Node* grow(Node* nodes, uint32_t count, uint32_t* capacity) {
        uint32_t twice = std::min(*capacity * 2, kMaxNodes);
        auto* bigger = static_cast<Node*>(arena_.allocate(sizeof(Node) * twice, alignof(Node)));
        std::memcpy(static_cast<void*>(bigger), nodes, sizeof(Node) * count);
        arena_.give_back(nodes, sizeof(Node) * *capacity, alignof(Node));
        *capacity = twice;
        return bigger;
    }

    const char* text_;
    uint32_t size_;
    Rest rest_;
    Arena& arena_;
    uint32_t keep_depth_;
    const Selection* selection_;
    char tail_[2 * kAhead];
};

// The grammar and nothing else, for what nobody looks at: `at` is the first place of a value, the result is behind it.
// Longer than 80 lines because the state is the place in the code.
template <class K>
size_t FastScanner::skip_value(size_t at, uint32_t depth) {
    uint64_t objects[kMaxDepth / 64 + 1];  // a bit for each open container
    uint32_t open = 0;
    bool object = false;
    uint32_t ignored;
    Stand<K> t(*this);
    auto blanks = [&]() __attribute__((always_inline)) {
        if (static_cast<unsigned char>(t.c()) <= ' ') t.blanks();
    };
    t.go(at);
value:
    t.check();
    switch (t.c()) {
        case '{':
        case '[': {
            if (depth + open == kMaxDepth) return kUnusual;
            object = t.c() == '{';
            uint64_t& bits = objects[open / 64];
            uint64_t below = (uint64_t{1} << open % 64) - 1;
            bits = (open % 64 == 0 ? 0 : bits & below) | uint64_t{object} << open % 64;
            ++open;
            t.step();
            blanks();
            if (t.c() == (object ? '}' : ']')) goto close;
            if (object) goto key;
            goto value;
        }
        case '"':
            if (!t.string(&ignored)) return kUnusual;
            t.step();
            break;
        case 't':
            if (!t.word("true")) return kUnusual;
            break;
        case 'f':
            if (!t.word("alse", 1)) return kUnusual;
            break;
        case 'n':
            if (!t.word("null")) return kUnusual;
            break;
        default:
            if ((t.c() != '-' && !is_digit(t.c())) || !t.number()) return kUnusual;
            break;
    }
after:
    if (open == 0) return t.place();
    blanks();
    if (t.c() == ',') {
        t.step();
        blanks();
        if (object) goto key;
        goto value;
    }
    if (t.c() != (object ? '}' : ']')) return kUnusual;
close:
    t.step();
    t.check();
    --open;
    if (open != 0) object = (objects[(open - 1) / 64] >> (open - 1) % 64 & 1) != 0;
    goto after;
key:
    t.check();
    if (t.c() != '"' || !t.string(&ignored)) return kUnusual;
    t.step();
    blanks();
    if (t.c() != ':') return kUnusual;
    t.step();
    blanks();
    goto value;
}

// Longer than 80 lines because the state is the place in the code, and what every token needs stays in registers.
template <class K, bool kSelect>
bool FastScanner::run(Document* doc) {
    // Enough for short values without white space.
    auto capacity = std::clamp<uint32_t>(size_ / 8, 8, 1024);
    auto* nodes = static_cast<Node*>(arena_.allocate(sizeof(Node) * capacity, alignof(Node)));
    uint32_t count = 0;
    Node* w = nodes;       // nodes + count: the node of the value that comes next, with its key
    Node* open = nullptr;  // innermost container that is not finished; its `next` is the index of the one around it
    uint32_t opened = kNoNode;  // its index
    uint32_t depth = 0;
    uint64_t previous = 0;           // of the last member of the open object while that is ordered: its prefix
    uint32_t previous_at = kNoNode;  // ... and index; kNoNode: there is none
    // Objects with names in the selection, from the root: names_at[i] is what the i-th of them is there.
    uint32_t names_at[Selection::kLevels];
    uint32_t selecting = 0;
    uint32_t next_names = 0;  // of the value that comes next; kNoNode: it is kept
    bool may_select = kSelect;
    Stand<K> t(*this);

    auto lose = [&](uint32_t f) __attribute__((always_inline)) { open->flags &= static_cast<uint16_t>(~f); };
    // White space in the open container.
    auto blanks = [&]() __attribute__((always_inline)) {
        if (static_cast<unsigned char>(t.c()) > ' ') return;
        lose(Node::canonical);
        t.blanks();
    };
    auto room = [&]() __attribute__((always_inline)) {
        if (count == capacity) [[unlikely]] {
            if (count == kMaxNodes) return false;
            nodes = grow(nodes, count, &capacity);
            w = nodes + count;
            open = nodes + opened;
        }
        return true;
    };
    auto finish = [&](Kind kind, uint32_t flags) __attribute__((always_inline)) {
        w->end = static_cast<uint32_t>(t.place());
        w->next = ++count;
        w->kind = kind;
        w->flags |= static_cast<uint16_t>(flags);
        ++w;
    };
    enum class Met { nothing, scalar, container };
    auto value = [&]() __attribute__((always_inline)) {
        w->begin = static_cast<uint32_t>(t.place());
        switch (t.c()) {
            case '{':
            case '[':
                return Met::container;
            case '"': {
                uint32_t lost = 0;
                if (!t.string(&lost)) return Met::nothing;
                t.step();
                if (lost != 0) lose(lost & Node::canonical);
                finish(Kind::string, (Node::canonical | Node::plain) & ~lost);
                return Met::scalar;
            }
            case 't':
                if (!t.word("true")) return Met::nothing;
                finish(Kind::boolean, Node::canonical);
                return Met::scalar;
            case 'f':
                if (!t.word("alse", 1)) return Met::nothing;
                finish(Kind::boolean, Node::canonical);
                return Met::scalar;
            case 'n':
                if (!t.word("null")) return Met::nothing;
                finish(Kind::null, Node::canonical);
                return Met::scalar;
            case '-':
            case '0':
            case '1':
            case '2':
            case '3':
            case '4':
            case '5':
            case '6':
            case '7':
            case '8':
            case '9':
                if (!t.number()) return Met::nothing;
                finish(Kind::number, Node::canonical);
                return Met::scalar;
            default:
                return Met::nothing;
        }
    };

    t.check();
    if (static_cast<unsigned char>(t.c()) <= ' ') t.blanks();
    t.check();
    if (t.c() != '{' && t.c() != '[') return false;  // a scalar at the top is read by the reference
    *w = Node();
    w->begin = static_cast<uint32_t>(t.place());

open: {
    bool object = t.c() == '{';
    if (depth == kMaxDepth) return false;
    w->end = 0;
    w->next = opened;
    w->kind = object ? Kind::object : Kind::array;
    w->flags |= static_cast<uint16_t>(Node::canonical | (object ? Node::ordered : 0));
    open = w++;
    opened = count++;
    if constexpr (kSelect) {
        if (may_select) {
            if (object && next_names != kNoNode && selecting < Selection::kLevels) names_at[selecting++] = next_names;
            may_select = selecting == depth + 1;
        }
    }
    ++depth;
    t.step();
    blanks();
    if (object) {
        previous = 0;
        previous_at = kNoNode;
        if (t.c() == '}') goto close;
        goto member;
    }
    if (t.c() == ']') goto close;
    goto element;
}

after_element:
    if (t.c() != ',') {
        blanks();
        if (t.c() == ']') goto close;
        if (t.c() != ',') return false;
    }
    t.step();
    blanks();
element:
    t.check();
    if (!room()) return false;
    w->key_begin = w->key_size = 0;
    w->flags = 0;
    switch (value()) {
        case Met::scalar:
            goto after_element;
        case Met::container:
            goto open;
        case Met::nothing:
            return false;
    }

after_member:
    if (t.c() != ',') {
        blanks();
        if (t.c() == '}') goto close;
        if (t.c() != ',') return false;
    }
    t.step();
member: {
    if (t.c() != '"') {
        blanks();
        if (t.c() != '"') return false;
    }
    t.check();
    if (!room()) return false;
    const char* key = t.here() + 1;
    uint32_t lost = 0;
    w->key_begin = static_cast<uint32_t>(t.place() + 1);
    if (!t.string(&lost)) return false;
    w->flags = Node::key_canonical | Node::key_plain;
    if (lost != 0) [[unlikely]] {
        w->flags = static_cast<uint16_t>(((lost & Node::canonical) != 0 ? 0 : Node::key_canonical) |
                                         ((lost & Node::plain) != 0 ? 0 : Node::key_plain));
        lose(lost & Node::canonical);
        w->key_size = static_cast<uint32_t>(t.place()) - w->key_begin;
    } else {
        w->key_size = static_cast<uint32_t>(t.here() - key);
    }
    if (open->has(Node::ordered)) {
        bool ascending = w->has(Node::key_plain);
        if (ascending) {
            uint64_t now = lost == 0 ? prefix(key, w->key_size) : prefix_of(*w);
            if (now <= previous)
                ascending = previous_at == kNoNode || (now == previous && before(nodes[previous_at], *w));
            previous = now;
            previous_at = count;
        }
        if (!ascending) lose(Node::ordered | Node::canonical);
    }
    t.step();
    if (t.c() != ':') [[unlikely]] {
        blanks();
        if (t.c() != ':') return false;
    }
    t.step();
    blanks();
    if constexpr (kSelect) {
        if (may_select) {
            next_names = kNoNode;
            Selection::Fate fate = Selection::Fate::keep;
            uint32_t child = kNoNode;
            if (w->has(Node::key_plain))
                fate = selection_->fate(names_at[selecting - 1], {text_ + w->key_begin, w->key_size}, &child);
            if (fate == Selection::Fate::look) next_names = child;
            if (fate == Selection::Fate::skip) {
                size_t at = t.place();
                if (at >= size_) return false;
                w->begin = static_cast<uint32_t>(at);
                Kind kind = kind_at(t.c());
                at = skip_value<K>(at, depth);
                if (at == kUnusual) return false;
                t.go(at);
                finish(kind, Node::skipped | (kind >= Kind::array ? Node::collapsed : 0));
                lose(Node::canonical);
                goto after_member;
            }
        }
    }
    switch (value()) {
        case Met::scalar:
            goto after_member;
        case Met::container:
            goto open;
        case Met::nothing:
            return false;
    }
}

close: {
    t.step();
    t.check();
    Node* closed = open;
    --depth;
    closed->end = static_cast<uint32_t>(t.place());
    uint32_t around = closed->next;
    if (closed->has(Node::canonical) && depth >= keep_depth_) {
        closed->flags |= Node::collapsed;
        count = opened + 1;
        w = closed + 1;
    }
    closed->next = count;
    if (around == kNoNode) goto done;
    uint32_t index = opened;
    opened = around;
    open = nodes + around;
    if (!closed->has(Node::canonical)) lose(Node::canonical);
    if constexpr (kSelect) {
        if (selecting > depth) selecting = depth;
        may_select = selecting != 0 && selecting == depth;
    }
    if (open->kind == Kind::array) goto after_element;
    if (open->has(Node::ordered)) {
        previous = prefix_of(*closed);
        previous_at = index;
    }
    goto after_member;
}

done:
    doc->text = text_;
    doc->text_size = size_;
    doc->consumed = static_cast<uint32_t>(t.place());
    doc->nodes = nodes;
    doc->node_count = count;
    return true;
}

// The versions for each kind of processor.
[[gnu::flatten, gnu::noinline, gnu::target("sse4.2")]] Rest::Text Sse42::string(const Rest& rest, size_t at) {
    return rest.string<Sse42>(at);
}
[[gnu::flatten, gnu::noinline, gnu::target("sse4.2")]] size_t Sse42::blanks(const Rest& rest, size_t at) {
    return rest.blanks<Sse42>(at);
}
[[gnu::flatten, gnu::noinline, gnu::target("sse4.2")]] bool run_sse42(FastScanner& s, Document* doc) {
    return s.selects() ? s.run<Sse42, true>(doc) : s.run<Sse42, false>(doc);
}
[[gnu::flatten, gnu::noinline, gnu::target("avx2,bmi,bmi2")]] Rest::Text Avx2::string(const Rest& rest, size_t at) {
    return rest.string<Avx2>(at);
}
[[gnu::flatten, gnu::noinline, gnu::target("avx2,bmi,bmi2")]] size_t Avx2::blanks(const Rest& rest, size_t at) {
    return rest.blanks<Avx2>(at);
}
[[gnu::flatten, gnu::noinline, gnu::target("avx2,bmi,bmi2")]] bool run_avx2(FastScanner& s, Document* doc) {
    return s.selects() ? s.run<Avx2, true>(doc) : s.run<Avx2, false>(doc);
}

}  // namespace
#endif

Document* scan_fast(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection,
                    simd::Level level) {
#if defined(__x86_64__)
    if (text.size() < UINT32_MAX && level != Level::baseline) {
        auto* doc = arena.make<Document>();
        doc->keep_depth = keep_depth;
        FastScanner scanner(text, arena, keep_depth, selection, level);
        if (level == Level::avx2 ? run_avx2(scanner, doc) : run_sse42(scanner, doc)) return doc;
    }
#endif
    return scan_ref(text, arena, keep_depth, selection);
}

}  // namespace gladius::json
