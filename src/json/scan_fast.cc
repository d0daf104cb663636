#include "json/scan_fast.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "json/scan.h"
#include "json/scan_ref.h"
#include "json/text.h"
#include "simd/json_index.h"

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

// A key as far as the order of members is concerned.
struct Key {
    const char* p;
    uint32_t size;
};

// The first eight bytes as a number that sorts as they do. Keys hold no NUL, so padding with zeros changes nothing.
uint64_t prefix_of(Key k, const char* end) {
    uint64_t v = 0;
    if (end - k.p >= 8) [[likely]] {
        std::memcpy(&v, k.p, 8);
        v = __builtin_bswap64(v);
        return k.size >= 8 ? v : v & ~(~uint64_t{0} >> (8 * k.size));
    }
    std::memcpy(&v, k.p, std::min<size_t>(k.size, static_cast<size_t>(end - k.p)));
    return __builtin_bswap64(v);
}

bool before(Key a, Key b, const char* end) {
    uint64_t x = prefix_of(a, end), y = prefix_of(b, end);
    if (x != y) [[likely]]
        return x < y;
    return std::string_view(a.p, a.size) < std::string_view(b.p, b.size);
}

constexpr uint32_t kNone = UINT32_MAX;

class FastScanner {
  public:
    FastScanner(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection, Level level)
        : text_(text.data()),
          size_(static_cast<uint32_t>(text.size())),
          level_(level),
          arena_(arena),
          keep_depth_(keep_depth),
          selection_(selection),
          index_(text, level) {}

    // False: something is unusual, and nothing is known.
    bool run(Document* doc);

  private:
    // Reads the places of the index. A local of each function that reads, so that it stays in registers: `stand` is
    // where it is kept while another one reads.
    class Places {
      public:
        explicit Places(FastScanner& s) : s_(s), cur_(s.stand_.first), last_(s.stand_.last) {}
        [[gnu::always_inline]] bool take(uint32_t* at) {
            if (cur_ == last_) [[unlikely]] {
                if (!s_.index_.fill()) return false;
                cur_ = s_.index_.at;
                last_ = cur_ + s_.index_.count;
            }
            *at = *cur_++;
            return true;
        }
        [[gnu::always_inline]] void leave() { s_.stand_ = {cur_, last_}; }
        [[gnu::always_inline]] void come_back() {
            cur_ = s_.stand_.first;
            last_ = s_.stand_.last;
        }
        // The place of the closing quote; kNone: unusual. The opening one was taken. *lost are the flags (canonical,
        // plain) that the string does not have.
        [[gnu::always_inline]] uint32_t string(uint32_t* lost) {
            uint32_t at;
            if (!take(&at)) return kNone;
            if (s_.text_[at] == '"') [[likely]]
                return at;
            leave();
            at = s_.string_rest(at, lost);
            come_back();
            return at;
        }

      private:
        FastScanner& s_;
        const uint32_t* cur_;
        const uint32_t* last_;
    };

    const char* end() const { return text_ + size_; }

    // `at` is a place inside a string.
    [[gnu::noinline]] uint32_t string_rest(uint32_t at, uint32_t* lost) {
        Places places(*this);
        for (;;) {
            auto c = static_cast<unsigned char>(text_[at]);
            if (c == '"') {
                places.leave();
                return at;
            }
            uint32_t behind = at + 1;
            if (c == '\\') {
                *lost |= Node::plain;
                behind = escape(at, lost);
            } else if (c >= 0x80) {
                behind = not_ascii(at, lost);
            } else if (c >= 0x20) {
                *lost |= Node::canonical;  // < > &
            } else {
                return kNone;
            }
            if (behind == kNone) return kNone;
            do {
                if (!places.take(&at)) return kNone;
            } while (at < behind);
        }
    }

    uint32_t escape(uint32_t at, uint32_t* lost) {
        if (size_ - at < 2) return kNone;
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
                if (size_ - at < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5])) return kNone;
                if (!escape_is_canonical(p + 2)) *lost |= Node::canonical;
                return at + 6;
            default:
                return kNone;
        }
    }

    // From a byte that is not ASCII to somewhere behind it.
    uint32_t not_ascii(uint32_t at, uint32_t* lost) {
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

    const char* digits(const char* p) const {
        while (end() - p >= 8) {
            uint64_t v;
            std::memcpy(&v, p, 8);
            // The high bit of each byte that is no digit.
            constexpr uint64_t kOnes = 0x0101010101010101;
            v ^= kOnes * '0';
            uint64_t other = (((v & kOnes * 0x7F) + kOnes * (0x80 - 10)) | v) & kOnes * 0x80;
            if (other != 0) return p + std::countr_zero(other) / 8;
            p += 8;
        }
        while (p != end() && is_digit(*p))
            ++p;
        return p;
    }

    // p stands on '-' or a digit.
    const char* number(const char* p) const {
        if (*p == '-') {
            ++p;
            if (p == end() || !is_digit(*p)) return nullptr;
        }
        p = *p == '0' ? p + 1 : digits(p);
        if (p == end()) return nullptr;
        if (*p == '.') {
            const char* fraction = p + 1;
            p = digits(fraction);
            if (p == fraction || p == end()) return nullptr;
        }
        if ((*p | 0x20) == 'e') {
            ++p;
            if (p != end() && (*p == '+' || *p == '-')) ++p;
            const char* exponent = p;
            p = digits(exponent);
            if (p == exponent) return nullptr;
        }
        return p;
    }

    template <size_t N>
    const char* word(const char* p, const char (&w)[N]) const {
        return static_cast<size_t>(end() - p) >= N - 1 && std::memcmp(p, w, N - 1) == 0 ? p + N - 1 : nullptr;
    }

    // The place behind a number or a literal; kNone: it is none, or something else is stuck to it.
    uint32_t scalar(uint32_t at) const {
        const char* p = text_ + at;
        switch (*p) {
            case 't':
                p = word(p, "true");
                break;
            case 'f':
                p = word(p, "false");
                break;
            case 'n':
                p = word(p, "null");
                break;
            default:
                p = *p == '-' || is_digit(*p) ? number(p) : nullptr;
                break;
        }
        // Inside a container something has to follow.
        if (p == nullptr || p == end() || !ends_scalar(*p)) return kNone;
        return static_cast<uint32_t>(p - text_);
    }
    static bool ends_scalar(char c) { return c == ',' || c == '}' || c == ']' || is_space(c); }

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
    Level level_;
    Arena& arena_;
    uint32_t keep_depth_;
    const Selection* selection_;
    struct {
        const uint32_t* first = nullptr;
        const uint32_t* last = nullptr;
    } stand_;
    simd::JsonIndex index_;
};

// The grammar and nothing else, for what nobody looks at: `at` is the first place of a value, the result is behind it.
// Longer than 80 lines because the state is the place in the code.
uint32_t FastScanner::skip_value(uint32_t at, uint32_t depth) {
    uint64_t objects[kMaxDepth / 64 + 1];  // a bit for each open container
    uint32_t open = 0;
    uint32_t behind;
    uint32_t ignored = 0;
    bool object = false;
    Places places(*this);
value:
    switch (text_[at]) {
        case '"':
            behind = places.string(&ignored);
            if (behind == kNone) return kNone;
            ++behind;
            break;
        case '{':
        case '[': {
            if (depth + open == kMaxDepth) return kNone;
            object = text_[at] == '{';
            uint64_t& bits = objects[open / 64];
            uint64_t below = (uint64_t{1} << open % 64) - 1;
            bits = (open % 64 == 0 ? 0 : bits & below) | uint64_t{object} << open % 64;
            ++open;
            if (!places.take(&at)) return kNone;
            if (text_[at] == (object ? '}' : ']')) goto close;
            if (object) goto key;
            goto value;
        }
        default:
            behind = scalar(at);
            if (behind == kNone) return kNone;
            break;
    }
after:
    if (open == 0) {
        places.leave();
        return behind;
    }
    if (!places.take(&at)) return kNone;
    if (text_[at] == ',') {
        if (!places.take(&at)) return kNone;
        if (object) goto key;
        goto value;
    }
    if (text_[at] != (object ? '}' : ']')) return kNone;
close:
    behind = at + 1;
    --open;
    if (open != 0) object = (objects[(open - 1) / 64] >> (open - 1) % 64 & 1) != 0;
    goto after;
key:
    if (text_[at] != '"' || places.string(&ignored) == kNone) return kNone;
    if (!places.take(&at) || text_[at] != ':' || !places.take(&at)) return kNone;
    goto value;
}

// Longer than 80 lines because the state is the place in the code, and what every token needs stays in registers.
bool FastScanner::run(Document* doc) {
    const char* const text = text_;
    auto capacity = std::clamp<uint32_t>(size_ / 16, 8, 1024);
    auto* nodes = static_cast<Node*>(arena_.allocate(sizeof(Node) * capacity, alignof(Node)));
    uint32_t count = 0;
    uint32_t open = kNoNode;  // innermost container that is not finished; its flags are kept in `flags`
    uint32_t flags = 0;
    uint32_t depth = 0;
    uint32_t at;          // the place that was taken last
    uint32_t behind = 0;  // where the token before it ended
    uint32_t gaps = 0;    // not 0: there was white space in the open container
    uint32_t key_at = 0;  // of the value that comes next; 0: an element
    uint32_t key_size = 0;
    uint32_t key_flags = 0;
    Key previous{nullptr, 0};  // of the last member of the open object
    // Objects with names in the selection, from the root: names_at[i] is what the i-th of them is there.
    uint32_t names_at[Selection::kLevels];
    uint32_t selecting = 0;
    uint32_t next_names = 0;  // of the value that comes next; kNoNode: it is kept
    bool may_select = selection_ != nullptr && !selection_->names.empty();

    Places places(*this);

    auto add = [&](Kind kind, uint32_t end, uint32_t f, uint32_t next) __attribute__((always_inline)) {
        if (count == capacity) [[unlikely]] {
            if (count == kMaxNodes) return false;
            nodes = grow(nodes, count, &capacity);
        }
        Node& n = nodes[count++];
        n.key_begin = key_at;
        n.key_size = key_size;
        n.begin = at;
        n.end = end;
        n.next = next;
        n.kind = kind;
        n.flags = static_cast<uint16_t>(f | key_flags);
        return true;
    };
    auto lose = [&](uint32_t f) { flags &= ~f; };

    // A scalar at the top is read by the reference.
    if (!places.take(&at) || (text[at] != '{' && text[at] != '[')) return false;
    behind = at;

value:
    gaps |= at ^ behind;
    switch (text[at]) {
        case '"': {
            uint32_t lost = 0;
            uint32_t end = places.string(&lost);
            if (end == kNone) return false;
            behind = end + 1;
            if (!add(Kind::string, behind, (Node::canonical | Node::plain) & ~lost, count + 1)) return false;
            lose(lost & Node::canonical);
            break;
        }
        case '{':
        case '[': {
            if (depth == kMaxDepth) return false;
            if (gaps != 0) lose(Node::canonical);
            gaps = 0;
            if (open != kNoNode) nodes[open].flags = static_cast<uint16_t>(flags);
            bool object = text[at] == '{';
            if (!add(object ? Kind::object : Kind::array, 0, Node::canonical | (object ? Node::ordered : 0), open))
                return false;
            open = count - 1;
            flags = nodes[open].flags;
            if (may_select) {
                if (object && next_names != kNoNode && selecting < Selection::kLevels)
                    names_at[selecting++] = next_names;
                may_select = selecting == depth + 1;
            }
            ++depth;
            key_at = key_size = key_flags = 0;
            previous = {nullptr, 0};
            behind = at + 1;
            if (!places.take(&at)) return false;
            if (text[at] == (object ? '}' : ']')) goto close;
            if (object) goto key;
            goto value;
        }
        default: {
            behind = scalar(at);
            if (behind == kNone) return false;
            if (!add(kind_at(text[at]), behind, Node::canonical, count + 1)) return false;
            break;
        }
    }
    if (key_at == 0) goto after_element;

after_member:
    previous = {text + key_at, key_size};
    if (!places.take(&at)) return false;
    if (text[at] == ',') {
        gaps |= at ^ behind;
        behind = at + 1;
        if (!places.take(&at)) return false;
        goto key;
    }
    if (text[at] == '}') goto close;
    return false;

after_element:
    if (!places.take(&at)) return false;
    if (text[at] == ',') {
        gaps |= at ^ behind;
        behind = at + 1;
        if (!places.take(&at)) return false;
        goto value;
    }
    if (text[at] == ']') goto close;
    return false;

key: {
    if (text[at] != '"') return false;
    gaps |= at ^ behind;
    key_at = at + 1;
    uint32_t lost = 0;
    uint32_t end = places.string(&lost);
    if (end == kNone) return false;
    key_size = end - key_at;
    key_flags = Node::key_canonical | Node::key_plain;
    if (lost != 0) [[unlikely]] {
        if ((lost & Node::canonical) != 0) key_flags &= ~uint32_t{Node::key_canonical};
        if ((lost & Node::plain) != 0) key_flags &= ~uint32_t{Node::key_plain};
        lose(lost & Node::canonical);
    }
    if ((flags & Node::ordered) != 0) {
        Key key{text + key_at, key_size};
        bool ascending = (lost & Node::plain) == 0 && (previous.p == nullptr || before(previous, key, this->end()));
        if (!ascending) lose(Node::ordered | Node::canonical);
    }
    if (!places.take(&at) || text[at] != ':') return false;
    gaps |= at ^ (end + 1);
    behind = at + 1;
    if (!places.take(&at)) return false;
    if (!may_select) goto value;
    next_names = kNoNode;
    if ((lost & Node::plain) != 0) goto value;
    uint32_t child = kNoNode;
    switch (selection_->fate(names_at[selecting - 1], {text + key_at, key_size}, &child)) {
        case Selection::Fate::look:
            next_names = child;
            goto value;
        case Selection::Fate::keep:
            goto value;
        case Selection::Fate::skip:
            break;
    }
    places.leave();
    behind = skip_value(at, depth);
    places.come_back();
    if (behind == kNone) return false;
    Kind kind = kind_at(text[at]);
    if (!add(kind, behind, Node::skipped | (kind >= Kind::array ? Node::collapsed : 0), count + 1)) return false;
    lose(Node::canonical);
    goto after_member;
}

close: {
    if ((gaps | (at ^ behind)) != 0) lose(Node::canonical);
    gaps = 0;
    behind = at + 1;
    Node& n = nodes[open];
    uint32_t index = open;
    open = n.next;
    --depth;
    n.end = behind;
    if ((flags & Node::canonical) != 0 && depth >= keep_depth_) {
        flags |= Node::collapsed;
        count = index + 1;
    }
    n.flags = static_cast<uint16_t>(flags);
    n.next = count;
    if (open == kNoNode) goto done;
    uint32_t lost = ~flags & Node::canonical;
    flags = nodes[open].flags & ~lost;
    if (selecting > depth) selecting = depth;
    may_select = selecting != 0 && selecting == depth;
    if (nodes[open].kind == Kind::array) {
        key_at = key_size = key_flags = 0;
        goto after_element;
    }
    key_at = n.key_begin;
    key_size = n.key_size;
    goto after_member;
}

done:
    doc->text = text;
    doc->text_size = size_;
    doc->consumed = behind;
    doc->nodes = nodes;
    doc->node_count = count;
    return true;
}

}  // namespace
#endif

Document* scan_fast(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection,
                    simd::Level level) {
#if defined(__x86_64__)
    if (text.size() < UINT32_MAX && level != Level::baseline) {
        auto* doc = arena.make<Document>();
        doc->keep_depth = keep_depth;
        if (FastScanner(text, arena, keep_depth, selection, level).run(doc)) return doc;
    }
#endif
    return scan_ref(text, arena, keep_depth, selection);
}

}  // namespace gladius::json
