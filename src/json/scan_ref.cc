#include "json/scan_ref.h"

#include <algorithm>

#include "json/growing.h"
#include "json/scan.h"
#include "json/text.h"

namespace gladius::json {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// A byte as Go's error texts show it: 'x', '\n', '\x00'; a byte above 0x7F is taken for the character of that number.
std::string_view shown(unsigned char c, Arena& arena) {
    constexpr char kHex[] = "0123456789abcdef";
    char* b = arena.chars(10);
    char* w = b;
    *w++ = '\'';
    constexpr std::string_view kShort = "\a\b\f\n\r\t\v\\'";
    constexpr std::string_view kLetter = "abfnrtv\\'";
    if (size_t i = kShort.find(static_cast<char>(c)); i != std::string_view::npos) {
        *w++ = '\\';
        *w++ = kLetter[i];
    } else if (c < 0x20 || c == 0x7F) {
        *w++ = '\\';
        *w++ = 'x';
        *w++ = kHex[c >> 4];
        *w++ = kHex[c & 15];
    } else if (c < 0x7F) {
        *w++ = static_cast<char>(c);
    } else if (c <= 0xA0 || c == 0xAD) {
        // The controls, the no-break space and the soft hyphen are not printable for Go.
        std::memcpy(w, "\\u00", 4);
        w[4] = kHex[c >> 4];
        w[5] = kHex[c & 15];
        w += 6;
    } else {
        *w++ = static_cast<char>(0xC0 | c >> 6);
        *w++ = static_cast<char>(0x80 | (c & 0x3F));
    }
    *w++ = '\'';
    return {b, static_cast<size_t>(w - b)};
}

class Scanner {
  public:
    Scanner(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection, const Permit& permit)
        : begin_(text.data()),
          p_(text.data()),
          end_(text.data() + text.size()),
          arena_(arena),
          keep_depth_(keep_depth),
          nodes_(arena, std::clamp<size_t>(text.size() / 16, 8, 1024)),
          selection_(selection != nullptr && !selection->names.empty() ? selection : nullptr),
          permit_(permit) {}

    void run(Document* doc) {
        doc->text = begin_;
        doc->text_size = offset(end_);
        if (!value_tree()) {
            doc->error = error_;
            doc->error_offset = offset(p_);
            return;
        }
        doc->consumed = offset(p_);
        doc->nodes = nodes_.data();
        doc->node_count = static_cast<uint32_t>(nodes_.size());
    }

  private:
    enum class State : uint8_t { value, value_or_end, key, key_or_end, after_value };

    uint32_t offset(const char* p) const { return static_cast<uint32_t>(p - begin_); }
    uint32_t here() const { return offset(p_); }

    // The text ends too early, or the byte at p_ may not stand here.
    bool wrong(std::string_view context) {
        if (p_ == end_) {
            bool blank = std::all_of(begin_, end_, is_space);
            error_ = blank ? "EOF" : "unexpected EOF";
            return false;
        }
        std::string_view head =
            arena_.concat("invalid character ", shown(static_cast<unsigned char>(*p_), arena_), " ");
        error_ = arena_.concat(head, context);
        return false;
    }

    // White space inside a container is nothing that Go would print.
    void skip_space() {
        if (p_ == end_ || !is_space(*p_)) [[likely]]
            return;
        while (p_ != end_ && is_space(*p_))
            ++p_;
        if (open_ != kNoNode) nodes_[open_].flags &= ~Node::canonical;
    }

    bool value_tree() {
        State state = State::value;
        for (;;) {
            skip_space();
            switch (state) {
                case State::value_or_end:
                    if (p_ != end_ && *p_ == ']') {
                        if (close()) return true;
                        state = State::after_value;
                        break;
                    }
                    [[fallthrough]];
                case State::value:
                    if (p_ != end_ && (*p_ == '{' || *p_ == '[')) {
                        state = *p_ == '{' ? State::key_or_end : State::value_or_end;
                        if (!open()) return false;
                        break;
                    }
                    if (!scalar()) return false;
                    if (open_ == kNoNode) return true;
                    state = State::after_value;
                    break;
                case State::key_or_end:
                    if (p_ != end_ && *p_ == '}') {
                        if (close()) return true;
                        state = State::after_value;
                        break;
                    }
                    [[fallthrough]];
                case State::key:
                    if (!key()) return false;
                    state = State::value;
                    break;
                case State::after_value:
                    bool object = nodes_[open_].kind == Kind::object;
                    if (p_ != end_ && *p_ == ',') {
                        ++p_;
                        state = object ? State::key : State::value;
                    } else if (p_ != end_ && *p_ == (object ? '}' : ']')) {
                        if (close()) return true;
                    } else {
                        return wrong(object ? "after object key:value pair" : "after array element");
                    }
                    break;
            }
        }
    }

    bool full() {
        if (nodes_.size() == permit_.max_nodes) {
            error_ = "the text has too many values";
            return true;
        }
        if (nodes_.size() != nodes_.capacity() || permit_.allows(sizeof(Node) * nodes_.capacity())) return false;
        error_ = kNoMemory;
        return true;
    }

    Node& add(Kind kind, uint32_t begin, uint32_t end, uint16_t flags) {
        Node n;
        n.key_begin = key_begin_;
        n.key_size = key_size_;
        n.begin = begin;
        n.end = end;
        n.next = static_cast<uint32_t>(nodes_.size() + 1);
        n.kind = kind;
        n.flags = flags | key_flags_;
        key_begin_ = key_size_ = 0;
        key_flags_ = 0;
        return nodes_.push(n);
    }

    // While a container is open its `next` is the index of the container around it: the stack needs no memory.
    bool open() {
        if (depth_ == kMaxDepth) return wrong("exceeded max depth");
        if (full()) return false;
        bool object = *p_ == '{';
        // An object has fates for its members when the one around it said `look`, up to the root.
        if (object && selecting_ == depth_ && names_ != kNoNode && selecting_ < Selection::kLevels)
            names_at_[selecting_++] = names_;
        ++depth_;
        uint16_t flags = Node::canonical | (object ? Node::ordered : 0);
        add(object ? Kind::object : Kind::array, here(), 0, flags).next = open_;
        open_ = static_cast<uint32_t>(nodes_.size() - 1);
        previous_ = kNoNode;
        ++p_;
        return true;
    }

    // True when the root is complete.
    bool close() {
        ++p_;
        uint32_t i = open_;
        Node& n = nodes_[i];
        open_ = n.next;
        --depth_;
        selecting_ = std::min(selecting_, depth_);
        n.end = here();
        if (n.has(Node::canonical) && depth_ >= keep_depth_) {
            n.flags |= Node::collapsed;
            nodes_.set_size(i + 1);
        }
        n.next = static_cast<uint32_t>(nodes_.size());
        if (open_ == kNoNode) return true;
        complete(i);
        return false;
    }

    // A value inside a container is finished.
    void complete(uint32_t i) {
        Node& n = nodes_[i];
        if (n.has(Node::skipped)) {
            n.flags &= ~(Node::canonical | Node::plain | Node::ordered);
            if (n.container()) n.flags |= Node::collapsed;
            n.next = i + 1;
            nodes_.set_size(i + 1);
        }
        nodes_[open_].flags &= ~(Node::canonical & ~nodes_[i].flags);
        previous_ = i;
    }

    bool scalar() {
        uint32_t begin = here();
        uint16_t flags = Node::canonical;
        Kind kind = Kind::number;
        char c = p_ == end_ ? '\0' : *p_;
        if (c == '"') {
            kind = Kind::string;
            if (!string(&flags)) return false;
        } else if (c == '-' || is_digit(c)) {
            if (!number()) return false;
        } else if (c == 't') {
            kind = Kind::boolean;
            if (!literal("true",
                         "in literal true (expecting 'r')\0in literal true (expecting 'u')\0"
                         "in literal true (expecting 'e')"))
                return false;
        } else if (c == 'f') {
            kind = Kind::boolean;
            if (!literal("false",
                         "in literal false (expecting 'a')\0in literal false (expecting 'l')\0"
                         "in literal false (expecting 's')\0in literal false (expecting 'e')"))
                return false;
        } else if (c == 'n') {
            kind = Kind::null;
            if (!literal("null",
                         "in literal null (expecting 'u')\0in literal null (expecting 'l')\0"
                         "in literal null (expecting 'l')"))
                return false;
        } else {
            return wrong("looking for beginning of value");
        }
        if (full()) return false;
        add(kind, begin, here(), flags);
        if (open_ != kNoNode) complete(static_cast<uint32_t>(nodes_.size() - 1));
        return true;
    }

    // `contexts`: one per letter behind the first, each ended by a NUL.
    bool literal(std::string_view word, const char* contexts) {
        ++p_;
        for (char expected : word.substr(1)) {
            if (p_ == end_ || *p_ != expected) return wrong(contexts);
            contexts += std::string_view(contexts).size() + 1;
            ++p_;
        }
        return true;
    }

    void digits() {
        while (p_ != end_ && is_digit(*p_))
            ++p_;
    }

    bool number() {
        if (*p_ == '-') {
            ++p_;
            if (p_ == end_ || !is_digit(*p_)) return wrong("in numeric literal");
        }
        if (*p_ == '0') {
            ++p_;
        } else {
            digits();
        }
        if (p_ != end_ && *p_ == '.') {
            ++p_;
            if (p_ == end_ || !is_digit(*p_)) return wrong("after decimal point in numeric literal");
            digits();
        }
        if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
            ++p_;
            if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
            if (p_ == end_ || !is_digit(*p_)) return wrong("in exponent of numeric literal");
            digits();
        }
        return true;
    }

    // p_ stands on the opening quote. Sets canonical and plain.
    bool string(uint16_t* flags) {
        uint16_t lost = 0;
        ++p_;
        for (;;) {
            p_ = skip_ordinary(p_, end_);
            if (p_ == end_) return wrong("");
            auto c = static_cast<unsigned char>(*p_);
            if (c == '"') break;
            if (c == '\\') {
                lost |= Node::plain;
                if (!escape(&lost)) return false;
            } else if (c < 0x20) {
                return wrong("in string literal");
            } else if (c < 0x80) {
                lost |= Node::canonical;  // < > &
                ++p_;
            } else {
                not_ascii(&lost);
            }
        }
        ++p_;
        *flags = (Node::canonical | Node::plain) & ~lost;
        return true;
    }

    void not_ascii(uint16_t* lost) {
        while (p_ != end_ && static_cast<unsigned char>(*p_) >= 0x80) {
            size_t n = utf8_sequence(p_, end_);
            if (n == 0) {
                *lost |= Node::canonical | Node::plain;
                n = 1;
            } else if (n == 3 && p_[0] == '\xE2' && p_[1] == '\x80' && (p_[2] == '\xA8' || p_[2] == '\xA9')) {
                *lost |= Node::canonical;  // the line separators
            }
            p_ += n;
        }
    }

    bool escape(uint16_t* lost) {
        ++p_;
        if (p_ == end_) return wrong("");
        switch (*p_) {
            case '/':
                *lost |= Node::canonical;
                break;
            case 'b':
            case 'f':
            case 'n':
            case 'r':
            case 't':
            case '\\':
            case '"':
                break;
            case 'u':
                for (int i = 0; i < 4; ++i) {
                    ++p_;
                    if (p_ == end_ || !is_hex(*p_)) return wrong("in \\u hexadecimal character escape");
                }
                if (!escape_is_canonical(p_ - 3)) *lost |= Node::canonical;
                break;
            default:
                return wrong("in string escape code");
        }
        ++p_;
        return true;
    }

    bool key() {
        if (p_ == end_ || *p_ != '"') return wrong("looking for beginning of object key string");
        uint32_t begin = here() + 1;
        uint16_t flags = 0;
        if (!string(&flags)) return false;
        key_begin_ = begin;
        key_size_ = here() - 1 - begin;
        key_flags_ = (flags & Node::canonical ? Node::key_canonical : 0) | (flags & Node::plain ? Node::key_plain : 0);
        skip_space();
        if (p_ == end_ || *p_ != ':') return wrong("after object key");
        ++p_;
        note_order();
        choose_fate();
        return true;
    }

    // Of the member whose key was read. A key with escapes is kept: the filter will look what it means.
    void choose_fate() {
        names_ = kNoNode;
        if (selection_ == nullptr || selecting_ != depth_ || (key_flags_ & Node::key_plain) == 0) return;
        uint32_t child = kNoNode;
        switch (selection_->fate(names_at_[depth_ - 1], {begin_ + key_begin_, key_size_}, &child)) {
            case Selection::Fate::skip:
                key_flags_ |= Node::skipped;
                break;
            case Selection::Fate::look:
                names_ = child;
                break;
            case Selection::Fate::keep:
                break;
        }
    }

    // Keys with escapes are not compared here: such an object is sorted when it is printed.
    void note_order() {
        Node& object = nodes_[open_];
        bool plain = (key_flags_ & Node::key_plain) != 0;
        bool ascending = plain;
        if (plain && previous_ != kNoNode) {
            const Node& before = nodes_[previous_];
            std::string_view a(begin_ + before.key_begin, before.key_size);
            ascending = a < std::string_view(begin_ + key_begin_, key_size_);
        }
        if (!ascending) object.flags &= ~(Node::ordered | Node::canonical);
        if ((key_flags_ & Node::key_canonical) == 0) object.flags &= ~Node::canonical;
    }

    const char* begin_;
    const char* p_;
    const char* end_;
    Arena& arena_;
    uint32_t keep_depth_;
    Growing<Node> nodes_;
    uint32_t open_ = kNoNode;      // innermost container that is not finished
    uint32_t previous_ = kNoNode;  // last finished child of it
    uint32_t depth_ = 0;
    uint32_t key_begin_ = 0;  // the key read for the value that comes next
    uint32_t key_size_ = 0;
    uint16_t key_flags_ = 0;
    const Selection* selection_;
    const Permit& permit_;
    uint32_t names_at_[Selection::kLevels];
    uint32_t selecting_ = 0;  // how many objects from the root on have names in the selection
    uint32_t names_ = 0;      // those of the value that comes next
    std::string_view error_;
};

}  // namespace

Document* scan_ref(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection,
                   const Permit& permit) {
    auto* doc = arena.make<Document>();
    if (text.size() >= UINT32_MAX) {
        doc->error = "the text is too long";
        return doc;
    }
    doc->keep_depth = keep_depth;
    Scanner(text, arena, keep_depth, selection, permit).run(doc);
    return doc;
}

}  // namespace gladius::json
