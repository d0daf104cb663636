#include "json/scan_fast.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "json/order.h"
#include "json/scan.h"
#include "json/scan_ref.h"
#include "json/text.h"
#include "simd/json_strings.h"
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

// true, false and null by two bits in which their first letters differ; the last one is none.
struct Word {
    uint64_t letters, mask;
    uint32_t size;
    Kind kind;
};
constexpr uint64_t letters(std::string_view w) {
    uint64_t v = 0;
    for (size_t i = 0; i < w.size(); ++i)
        v |= uint64_t{static_cast<unsigned char>(w[i])} << (8 * i);
    return v;
}
constexpr Word word(std::string_view w, Kind kind) {
    return {letters(w), (uint64_t{1} << (8 * w.size())) - 1, static_cast<uint32_t>(w.size()), kind};
}
constexpr Word kWords[4] = {
    word("false", Kind::boolean), word("null", Kind::null), word("true", Kind::boolean), {1, 0, 0, Kind::null}};
constexpr const Word& word_at(char c) {
    return kWords[static_cast<unsigned char>(c) >> 3 & 3];
}
static_assert(word_at('f').size == 5 && word_at('n').kind == Kind::null && word_at('t').letters == letters("true"));

// All bits or none: for what must not become a branch, because it is hard to foresee.
uint32_t mask(bool b) {
    return 0U - static_cast<uint32_t>(b);
}

constexpr size_t kBlock = 16;

// A constant that is loaded: the compiler would make it anew each time.
template <char kByte>
__m128i all() {
    alignas(kBlock) static constexpr char kBytes[kBlock] = {kByte, kByte, kByte, kByte, kByte, kByte, kByte, kByte,
                                                            kByte, kByte, kByte, kByte, kByte, kByte, kByte, kByte};
    return _mm_load_si128(reinterpret_cast<const __m128i*>(kBytes));
}
__m128i block(const char* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
// Bits for bytes of a block, and for what is behind it.
uint32_t no_digits(const char* p) {
    __m128i x = _mm_sub_epi8(block(p), all<'0'>());
    return ~static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_min_epu8(x, all<9>()))));
}
uint32_t no_blanks(const char* p) {
    __m128i x = block(p);
    auto is = [&](char c) { return _mm_cmpeq_epi8(x, _mm_set1_epi8(c)); };
    __m128i blank = _mm_or_si128(_mm_or_si128(is(' '), is('\n')), _mm_or_si128(is('\r'), is('\t')));
    return ~static_cast<uint32_t>(_mm_movemask_epi8(blank));
}

// Places are offsets in the text; where something ends is never 0.
constexpr uint32_t kUnusual = 0;

class FastScanner {
  public:
    FastScanner(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection,
                const Permit& permit, Level level)
        : text_(text.data()),
          size_(static_cast<uint32_t>(text.size())),
          level_(level),
          arena_(arena),
          keep_depth_(keep_depth),
          selection_(selection),
          permit_(permit),
          strings_(text, level) {}

    bool refused() const { return refused_; }
    bool selects() const { return selection_ != nullptr && !selection_->names.empty(); }
    // False: something is unusual and nothing is known, or there was no memory.
    template <bool kSelect>
    bool run(Document* doc);

  private:
    // What is left of the places of strings_.
    struct Places {
        const uint32_t* first = nullptr;
        const uint32_t* last = nullptr;
    };

    // Where a loop stands in the text. Single bytes and short things are read without looking at the end: near it the
    // loop is led into a copy with zeros behind it, and zeros are good for nothing but to stop. So the place is checked
    // behind each string and at each element and end of a container; what may come from there to the next check is
    // shorter than kAhead. A local of each loop, so that it stays in registers.
    static constexpr uint32_t kAhead = 128;
    class Stand {
      public:
        explicit Stand(FastScanner& s)
            : s_(s), base_(reinterpret_cast<uintptr_t>(s.text_)), limit_(s.size_ > kAhead ? s.size_ - kAhead : 0) {
            come_back();
        }

        [[gnu::always_inline]] void leave() { s_.left_ = left_; }
        [[gnu::always_inline]] void come_back() { left_ = s_.left_; }

        [[gnu::always_inline]] uint32_t place() const { return static_cast<uint32_t>(at_); }
        [[gnu::always_inline]] void go(size_t place) {
            at_ = place;
            check();
        }
        [[gnu::always_inline]] const char* here() const { return reinterpret_cast<const char*>(base_ + at_); }
        [[gnu::always_inline]] char c() const { return *here(); }
        [[gnu::always_inline]] void step() { ++at_; }
        [[gnu::always_inline]] void check() {
            if (at_ >= limit_) [[unlikely]] {
                base_ = s_.tail();
                limit_ = SIZE_MAX;
            }
        }

        // From the opening quote of a string to the closing one. *lost are the flags (canonical, plain) that the string
        // does not have. Most keys are plain; of other strings that is hard to foresee.
        template <bool kKey>
        [[gnu::always_inline]] bool string(uint32_t* lost) {
            if (left_.first == left_.last) [[unlikely]] {
                if (!s_.strings_.fill()) return false;
                left_ = s_.more_places();
            }
            size_t at = *left_.first++;
            const simd::JsonStrings::Flags& f = s_.strings_.flags(at);
            static_assert(Node::canonical == 1 && Node::plain == 2);
            auto flag = [at](uint64_t bits) { return static_cast<uint32_t>(bits >> at % 64 & 1); };
            *lost = 0;
            if (!kKey || flag(f.any) != 0) {
                *lost = flag(f.html) | flag(f.escape) << 1;
                if (flag(f.look) != 0) [[unlikely]] {
                    if (!s_.look(place() + 1, static_cast<uint32_t>(at), lost)) return false;
                }
            }
            go(at);
            return true;
        }

        // Over white space, when the byte may be some.
        [[gnu::always_inline]] void blanks() {
            if (c() == ' ' && static_cast<unsigned char>(here()[1]) > ' ') [[likely]]
                ++at_;
            else
                go(s_.blanks_end(place()));
        }

        [[gnu::always_inline]] bool word(Kind* kind) {
            const Word& w = word_at(c());
            uint64_t v;
            std::memcpy(&v, here(), 8);
            *kind = w.kind;
            at_ += w.size;
            return (v & w.mask) == w.letters;
        }

        // What follows is looked at by the caller, so nothing can be stuck to it.
        [[gnu::always_inline]] bool number() {
            const char* p = here();
            p += *p == '-' ? 1 : 0;
            uint32_t others = no_digits(p);
            auto n = static_cast<unsigned>(std::countr_zero(others));
            // Without a branch: numbers with and without a fraction come in any order.
            uint32_t wrong = mask(n == 0) | (mask(n != 1) & mask(*p == '0'));
            p += n;
            uint32_t point = mask(*p == '.');
            auto fraction = static_cast<uint32_t>(std::countr_zero(others >> n >> 1));
            wrong |= point & mask(fraction == 0);
            p += point & (fraction + 1);
            if (wrong != 0) return false;
            // The block ended, or there is an exponent.
            if (is_digit(*p) || (*p | 0x20) == 'e') [[unlikely]] {
                uint32_t behind = s_.number_end(place());
                go(behind);
                return behind != kUnusual;
            }
            at_ = reinterpret_cast<uintptr_t>(p) - base_;
            return true;
        }

      private:
        FastScanner& s_;
        size_t at_ = 0;
        uintptr_t base_;  // the address that the first byte of the text would have
        size_t limit_;
        Places left_;
    };

    const char* end() const { return text_ + size_; }

    [[gnu::noinline]] uintptr_t tail() {
        uint32_t n = std::min(size_, kAhead);
        std::memcpy(tail_, end() - n, n);
        std::memset(tail_ + n, 0, sizeof(tail_) - n);
        return reinterpret_cast<uintptr_t>(tail_) - (size_ - n);
    }
    Places more_places() const { return {strings_.at, strings_.at + strings_.count}; }

    // What the loops call when something is not the short and simple one; these look at the end of the text.

    // The same for a string whose closing quote is at `end`, a byte at a time where needed.
    [[gnu::noinline]] bool look(uint32_t at, uint32_t end, uint32_t* lost) const {
        *lost = 0;
        for (;;) {
            at = static_cast<uint32_t>(skip_ordinary(text_ + at, text_ + end) - text_);
            if (at >= end) return at == end;
            auto c = static_cast<unsigned char>(text_[at]);
            if (c == '\\') {
                *lost |= Node::plain;
                at = escape(at, lost);
                if (at == kUnusual) return false;
            } else if (c >= 0x80) {
                at = not_ascii(at, lost);
            } else if (c >= 0x20 && c != '"') {
                *lost |= Node::canonical;  // < > &
                ++at;
            } else {
                return false;
            }
        }
    }

    uint32_t escape(uint32_t at, uint32_t* lost) const {
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
    uint32_t not_ascii(uint32_t at, uint32_t* lost) const {
        bool odd = false;
        const char* p = text_ + at;
        const char* run = simd::utf8_run(p, end(), level_, &odd);
        if (run != nullptr && run != p) {
            if (odd) *lost |= Node::canonical;
            p = run;
        }
        // What was no UTF-8, or too near to the end.
        while (p != end() && static_cast<unsigned char>(*p) >= 0x80) {
            size_t n = utf8_sequence(p, end());
            if (n == 0) {
                *lost |= Node::canonical | Node::plain;
                n = 1;
            } else if (n == 3 && p[0] == '\xE2' && p[1] == '\x80' && (p[2] == '\xA8' || p[2] == '\xA9')) {
                *lost |= Node::canonical;  // the line separators
            }
            p += n;
        }
        return static_cast<uint32_t>(p - text_);
    }

    // The first place from `at` on that is no white space.
    [[gnu::noinline]] uint32_t blanks_end(uint32_t at) const {
        if (at >= size_) return size_;
        while (size_ - at >= kBlock) {
            auto n = static_cast<uint32_t>(std::countr_zero(no_blanks(text_ + at)));
            at += n;
            if (n != kBlock) return at;
        }
        while (at != size_ && is_space(text_[at]))
            ++at;
        return at;
    }

    // Behind the number at `at`.
    [[gnu::noinline]] uint32_t number_end(uint32_t at) const {
        const char* p = text_ + at;
        auto digits = [&] {
            const char* from = p;
            while (p != end() && is_digit(*p))
                ++p;
            return p != from;
        };
        if (*p == '-') ++p;
        if (p != end() && *p == '0')
            ++p;
        else if (!digits())
            return kUnusual;
        if (p != end() && *p == '.') {
            ++p;
            if (!digits()) return kUnusual;
        }
        if (p != end() && (*p | 0x20) == 'e') {
            ++p;
            if (p != end() && (*p == '+' || *p == '-')) ++p;
            if (!digits()) return kUnusual;
        }
        return static_cast<uint32_t>(p - text_);
    }

    // Of a node, which may stand at the end of the text.
    [[gnu::always_inline]] uint64_t prefix_of(const Node& n) const {
        if (size_ - n.key_begin >= 8) [[likely]]
            return SortKey::padded_prefix(text_ + n.key_begin, n.key_size);
        char bytes[8] = {};
        std::memcpy(bytes, text_ + n.key_begin, size_ - n.key_begin);
        return SortKey::padded_prefix(bytes, n.key_size);
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

    uint32_t skip_value(uint32_t at, uint32_t depth);

    // Null: not allowed.
    [[gnu::noinline]] Node* grow(Node* nodes, uint32_t count, uint32_t* capacity) {
        uint32_t twice = std::min(*capacity * 2, permit_.max_nodes);
        if (!permit_.allows(sizeof(Node) * (twice - *capacity))) {
            refused_ = true;
            return nullptr;
        }
        auto* bigger = static_cast<Node*>(arena_.allocate(sizeof(Node) * twice, alignof(Node)));
        std::memcpy(static_cast<void*>(bigger), nodes, sizeof(Node) * count);
        arena_.give_back(nodes, sizeof(Node) * *capacity, alignof(Node));
        *capacity = twice;
        return bigger;
    }

    const char* text_;
    uint32_t size_;
    Level level_;
    Arena& arena_;
    uint32_t keep_depth_;
    const Selection* selection_;
    const Permit& permit_;
    bool refused_ = false;
    Places left_;  // kept here while a loop has called another one
    char tail_[2 * kAhead];
    simd::JsonStrings strings_;
};

// The grammar and nothing else, for what nobody looks at: `at` is the first place of a value, the result is behind it.
// Longer than 80 lines because the state is the place in the code.
uint32_t FastScanner::skip_value(uint32_t at, uint32_t depth) {
    uint64_t objects[kMaxDepth / 64 + 1];  // a bit for each open container
    uint32_t open = 0;
    bool object = false;
    uint32_t ignored;
    Kind kind;
    Stand t(*this);
    auto blanks = [&]() __attribute__((always_inline)) {
        if (static_cast<unsigned char>(t.c()) <= ' ') t.blanks();
    };
    t.go(at);
value:
    t.check();
    if (t.c() == '"') {
        if (!t.string<false>(&ignored)) return kUnusual;
        t.step();
    } else if ((t.c() | 0x20) == '{') {
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
    } else if (!(t.c() <= '9' ? t.number() : t.word(&kind))) {
        return kUnusual;
    }
after:
    if (open == 0) {
        t.leave();
        return t.place();
    }
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
    if (t.c() != '"' || !t.string<true>(&ignored)) return kUnusual;
    t.step();
    blanks();
    if (t.c() != ':') return kUnusual;
    t.step();
    blanks();
    goto value;
}

// Longer than 80 lines because the state is the place in the code, and what every token needs stays in registers.
template <bool kSelect>
bool FastScanner::run(Document* doc) {
    // Enough for short values without white space.
    auto capacity = std::min(std::clamp<uint32_t>(size_ / 8, 8, 1024), permit_.max_nodes);
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
    Stand t(*this);

    auto lose = [&](uint32_t f) __attribute__((always_inline)) { open->flags &= static_cast<uint16_t>(~f); };
    // White space in the open container.
    auto blanks = [&]() __attribute__((always_inline)) {
        if (static_cast<unsigned char>(t.c()) > ' ') return;
        lose(Node::canonical);
        t.blanks();
    };
    auto room = [&]() __attribute__((always_inline)) {
        if (count == capacity) [[unlikely]] {
            if (count == permit_.max_nodes) return false;
            nodes = grow(nodes, count, &capacity);
            if (nodes == nullptr) return false;
            w = nodes + count;
            open = nodes + opened;
        }
        return true;
    };
    auto finish = [&](Kind kind, uint32_t flags) __attribute__((always_inline)) {
        w->end = t.place();
        w->next = ++count;
        w->kind = kind;
        w->flags |= static_cast<uint16_t>(flags);
        ++w;
    };
    enum class Met { nothing, scalar, container };
    auto value = [&]() __attribute__((always_inline)) {
        w->begin = t.place();
        // Not a switch: what comes next is hard to foresee, and branches are foreseen better than where a jump leads.
        const char c = t.c();
        if (c == '"') {
            uint32_t lost;
            if (!t.string<false>(&lost)) return Met::nothing;
            t.step();
            lose(lost & Node::canonical);
            finish(Kind::string, (Node::canonical | Node::plain) & ~lost);
            return Met::scalar;
        }
        if ((c | 0x20) == '{') return Met::container;
        Kind kind = Kind::number;
        if (!(c <= '9' ? t.number() : t.word(&kind))) return Met::nothing;
        finish(kind, Node::canonical);
        return Met::scalar;
    };

    t.check();
    if (static_cast<unsigned char>(t.c()) <= ' ') t.blanks();
    t.check();
    if ((t.c() | 0x20) != '{') return false;  // a scalar at the top is read by the reference
    *w = Node();
    w->begin = t.place();

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
    if (!room()) return false;
    const char* key = t.here() + 1;
    uint32_t lost = 0;
    w->key_begin = t.place() + 1;
    if (!t.string<true>(&lost)) return false;
    w->key_size = t.place() - w->key_begin;
    w->flags = Node::key_canonical | Node::key_plain;
    if (lost != 0) [[unlikely]] {
        static_assert(Node::key_canonical == Node::canonical << 2 && Node::key_plain == Node::plain << 2);
        w->flags &= static_cast<uint16_t>(~(lost << 2));
        lose((lost & Node::plain) != 0 ? Node::ordered | Node::canonical : Node::canonical);
    }
    // Without a branch: whether keys ascend is hard to foresee.
    uint64_t now = SortKey::padded_prefix(key, w->key_size);
    uint32_t disorder = mask(now < previous) & (Node::ordered | Node::canonical);
    if (now == previous) [[unlikely]] {
        if (open->has(Node::ordered) && previous_at != kNoNode && !before(nodes[previous_at], *w))
            disorder = Node::ordered | Node::canonical;
    }
    lose(disorder);
    previous = now;
    previous_at = count;
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
                uint32_t at = t.place();
                if (at >= size_) return false;
                w->begin = static_cast<uint32_t>(at);
                Kind kind = kind_at(t.c());
                t.leave();
                at = skip_value(at, depth);
                t.come_back();
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
    closed->end = t.place();
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
    previous = prefix_of(*closed);
    previous_at = index;
    goto after_member;
}

done:
    doc->text = text_;
    doc->text_size = size_;
    doc->consumed = t.place();
    doc->nodes = nodes;
    doc->node_count = count;
    return true;
}

bool run(FastScanner& s, Document* doc) {
    return s.selects() ? s.run<true>(doc) : s.run<false>(doc);
}
// The same with what processors with AVX2 have.
[[gnu::flatten, gnu::target("avx2,bmi,bmi2")]] bool run_avx2(FastScanner& s, Document* doc) {
    return s.selects() ? s.run<true>(doc) : s.run<false>(doc);
}

}  // namespace
#endif

Document* scan_fast(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection,
                    const Permit& permit, simd::Level level) {
#if defined(__x86_64__)
    if (text.size() < UINT32_MAX && level != Level::baseline) {
        auto* doc = arena.make<Document>();
        doc->keep_depth = keep_depth;
        FastScanner scanner(text, arena, keep_depth, selection, permit, level);
        if (level == Level::avx2 ? run_avx2(scanner, doc) : run(scanner, doc)) return doc;
        if (scanner.refused()) {
            doc->error = kNoMemory;
            return doc;
        }
    }
#endif
    return scan_ref(text, arena, keep_depth, selection, permit);
}

}  // namespace gladius::json
