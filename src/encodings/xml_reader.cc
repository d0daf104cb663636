#include "encodings/xml_reader.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "encodings/charset.h"
#include "encodings/go_quote.h"
#include "encodings/utf8.h"
#include "encodings/xml_names.h"

namespace gladius::encodings {
namespace {

constexpr std::string_view kXmlSpace = "http://www.w3.org/XML/1998/namespace";
constexpr std::string_view kEof = "unexpected EOF";

bool name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':' ||
           c == '.' || c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

bool digit_of(char c, unsigned base, unsigned* d) {
    if (c >= '0' && c <= '9') {
        *d = static_cast<unsigned>(c - '0');
        return true;
    }
    char l = static_cast<char>(c | 0x20);
    if (base != 16 || l < 'a' || l > 'f') return false;
    *d = static_cast<unsigned>(l - 'a') + 10;
    return true;
}

bool same_letters(std::string_view a, std::string_view lower) {
    return a.size() == lower.size() && std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) {
               return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y;
           });
}

// The value of param="..." in the text of an instruction, as Go looks for it.
std::string_view parameter(std::string_view with_equals, std::string_view s) {
    size_t i = 0;
    char quote = 0;
    while (i < s.size()) {
        size_t k = s.find(with_equals, i);
        if (k == std::string_view::npos || k + with_equals.size() >= s.size()) return {};
        i = k + with_equals.size() + 1;
        char c = s[i - 1];
        if (c == '\'' || c == '"') {
            quote = c;
            break;
        }
    }
    if (quote == 0) return {};
    size_t j = s.find(quote, i);
    return j == std::string_view::npos ? std::string_view() : s.substr(i, j - i);
}

void append_hex(std::string& out, uint32_t v) {
    char digits[8];
    int n = 0;
    for (; v != 0 || n < 4; v >>= 4)
        digits[n++] = "0123456789ABCDEF"[v & 15];
    while (n > 0)
        out += digits[--n];
}

}  // namespace

XmlReader::XmlReader(std::string_view text, Arena& arena, Mode mode)
    : arena_(arena),
      begin_(text.data()),
      p_(text.data()),
      end_(text.data() + text.size()),
      strict_(mode == Mode::strict),
      attrs_(arena, 8),
      open_(arena, 16),
      spaces_(arena, 8) {}

XmlReader::Token XmlReader::plain_error(std::string_view what) {
    if (!failed_) error_ = arena_.copy(what);
    failed_ = true;
    return Token::failed;
}

std::string_view XmlReader::quoted(std::string_view s) {
    json::ArenaOutput out(arena_, s.size() + 2);
    go_quote(s, out);
    return out.view();
}

XmlReader::Token XmlReader::syntax(std::string_view what) {
    if (failed_) return Token::failed;
    auto line = line_ + static_cast<uint32_t>(std::count(begin_, p_, '\n'));
    std::string text = "XML syntax error on line " + std::to_string(line) + ": ";
    text += what;
    return plain_error(text);
}

XmlReader::Token XmlReader::next() {
    Token t = raw();
    if (t == Token::start) {
        XmlName as_written = name_;
        if (!strict_) {
            for (size_t i = 0; i < attrs_.size(); ++i) {
                const XmlAttribute& a = attrs_[i];
                bool set = true;
                if (a.name.space == "xmlns") set = set_namespace(a.name.local, a.value);
                if (a.name.space.empty() && a.name.local == "xmlns") set = set_namespace({}, a.value);
                if (!set) return Token::failed;
            }
            translate(name_, true);
            for (size_t i = 0; i < attrs_.size(); ++i)
                translate(attrs_[i].name, false);
        }
        return open(as_written) ? t : Token::failed;
    }
    if (t == Token::end) return close() ? t : Token::failed;
    if (t == Token::done && open_.size() != 0) return syntax(kEof);
    return t;
}

bool XmlReader::open(const XmlName& as_written) {
    if (++depth_ > kMaxDepth) return bad("more than 10000 elements inside each other");
    open_.push({as_written, true, false});
    return true;
}

bool XmlReader::close() {
    if (open_.empty() || !open_.back().element) {
        if (!open_.empty()) open_.pop();
        return bad(arena_.concat("unexpected end element </", name_.local, ">"));
    }
    Open top = open_.back();
    open_.pop();
    --depth_;
    if (top.name.local != name_.local) {
        if (strict_) {
            std::string_view head = arena_.concat("element <", top.name.local, "> closed by </");
            return bad(arena_.concat(head, name_.local, ">"));
        }
        close_due_ = true;
        close_name_ = name_;
        name_ = top.name;
        return true;
    }
    if (top.name.space != name_.space) {
        std::string text = "element <";
        text += top.name.local;
        text += "> in space ";
        text += top.name.space;
        text += " closed by </";
        text += name_.local;
        text += "> in space ";
        text += name_.space.empty() ? std::string_view("\"\"") : name_.space;
        return bad(text);
    }
    while (!open_.empty() && !open_.back().element) {
        const Open& o = open_.back();
        Namespace* n = find(o.name.local);
        if (o.known) {
            n->url = o.name.space;
        } else {
            *n = spaces_.back();
            spaces_.pop();
        }
        open_.pop();
    }
    return true;
}

XmlReader::Namespace* XmlReader::find(std::string_view prefix) {
    for (size_t i = 0; i < spaces_.size(); ++i) {
        if (spaces_[i].prefix == prefix) return &spaces_[i];
    }
    return nullptr;
}

bool XmlReader::set_namespace(std::string_view prefix, std::string_view url) {
    Namespace* n = find(prefix);
    open_.push({{n != nullptr ? n->url : std::string_view(), prefix}, false, n != nullptr});
    if (n != nullptr) {
        n->url = url;
        return true;
    }
    if (spaces_.size() >= kMaxNamespaces) return bad("more than 128 namespaces");
    spaces_.push({prefix, url});
    return true;
}

void XmlReader::translate(XmlName& n, bool element) {
    if (n.space == "xmlns" || (n.space.empty() && (!element || n.local == "xmlns"))) return;
    if (n.space == "xml") n.space = kXmlSpace;
    if (const Namespace* found = find(n.space)) n.space = found->url;
}

XmlReader::Token XmlReader::raw() {
    if (failed_) return Token::failed;
    if (close_due_) {
        close_due_ = false;
        name_ = close_name_;
        return Token::end;
    }
    if (p_ == end_) return Token::done;
    if (*p_ != '<') return run(-1, false, &text_) ? Token::text : Token::failed;
    ++p_;
    char c = 0;
    if (!must(&c)) return Token::failed;
    switch (c) {
        case '/':
            return end_tag();
        case '?':
            return instruction();
        case '!':
            return comment_or_other();
        default:
            --p_;
            return start();
    }
}

bool XmlReader::must(char* c) {
    if (p_ == end_) return bad(kEof);
    *c = *p_++;
    return true;
}

void XmlReader::space() {
    while (p_ < end_ && (*p_ == ' ' || *p_ == '\r' || *p_ == '\n' || *p_ == '\t'))
        ++p_;
}

// The bytes that could be a name. False: there are none, or the text ends with them, which is an error.
bool XmlReader::read_name(std::string_view* out) {
    const char* begin = p_;
    while (p_ < end_ && name_byte(*p_))
        ++p_;
    if (p_ == end_) return bad(kEof);
    *out = between(begin, p_);
    return p_ != begin;
}

bool XmlReader::name(std::string_view* out) {
    if (!read_name(out)) return false;
    if (!is_xml_name(*out)) return bad(arena_.concat("invalid XML name: ", *out));
    return true;
}

bool XmlReader::qualified(XmlName* out) {
    std::string_view s;
    if (!name(&s)) return false;
    size_t colon = s.find(':');
    if (colon != std::string_view::npos && s.find(':', colon + 1) != std::string_view::npos) return false;
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == s.size())
        *out = {{}, s};
    else
        *out = {s.substr(0, colon), s.substr(colon + 1)};
    return true;
}

XmlReader::Token XmlReader::end_tag() {
    if (!qualified(&name_)) return syntax("expected element name after </");
    space();
    char c = 0;
    if (!must(&c)) return Token::failed;
    if (c != '>') return syntax(arena_.concat("invalid characters between </", name_.local, " and >"));
    return Token::end;
}

XmlReader::Token XmlReader::instruction() {
    std::string_view target;
    if (!name(&target)) return syntax("expected target name after <?");
    space();
    std::string_view rest = between(p_, end_);
    size_t end = rest.find("?>");
    if (end == std::string_view::npos) {
        p_ = end_;
        return syntax(kEof);
    }
    std::string_view content = rest.substr(0, end);
    p_ += end + 2;
    if (target != "xml") return Token::other;
    std::string_view version = parameter("version=", content);
    if (!version.empty() && version != "1.0") {
        return plain_error(
            arena_.concat("xml: unsupported version ", quoted(version), "; only version 1.0 is supported"));
    }
    std::string_view encoding = parameter("encoding=", content);
    if (!encoding.empty() && !same_letters(encoding, "utf-8") && !change_charset(encoding)) return Token::failed;
    return Token::other;
}

bool XmlReader::change_charset(std::string_view label) {
    Charset charset;
    if (converted_ || !open_.empty() || !find_charset(label, &charset)) {
        std::string_view name = quoted(label);
        std::string_view head = arena_.concat("xml: opening charset ", name, ": unsupported charset: ");
        plain_error(arena_.concat(head, name));
        return false;
    }
    converted_ = true;
    before_ = offset();
    line_ += static_cast<uint32_t>(std::count(begin_, p_, '\n'));
    std::string_view rest = to_utf8(charset, between(p_, end_), arena_);
    begin_ = p_ = rest.data();
    end_ = p_ + rest.size();
    return true;
}

XmlReader::Token XmlReader::comment_or_other() {
    char c = 0;
    if (!must(&c)) return Token::failed;
    if (c == '-') {
        if (!must(&c)) return Token::failed;
        if (c != '-') return syntax("invalid sequence <!- not part of <!--");
        size_t end = between(p_, end_).find("--");
        if (end == std::string_view::npos || end + 2 >= static_cast<size_t>(end_ - p_)) {
            p_ = end_;
            return syntax(kEof);
        }
        p_ += end + 3;
        if (p_[-1] != '>') return syntax("invalid sequence \"--\" not allowed in comments");
        return Token::other;
    }
    if (c == '[') {
        for (char wanted : std::string_view("CDATA[")) {
            if (!must(&c)) return Token::failed;
            if (c != wanted) return syntax("invalid <![ sequence");
        }
        return run(-1, true, &text_) ? Token::text : Token::failed;
    }
    return directive(c);
}

// <!DOCTYPE ...> and its like: skipped, with what is nested in it.
XmlReader::Token XmlReader::directive(char c) {
    char quote = 0;
    int64_t depth = 0;
    for (;;) {
        if (!must(&c)) return Token::failed;
        if (quote == 0 && c == '>' && depth == 0) return Token::other;
        for (bool again = true; again;) {
            again = false;
            if (c == quote) {
                quote = 0;
            } else if (quote != 0) {
                // what is quoted does not nest
            } else if (c == '\'' || c == '"') {
                quote = c;
            } else if (c == '>') {
                --depth;
            } else if (c == '<') {
                int matched = 0;
                while (matched < 3) {
                    if (!must(&c)) return Token::failed;
                    if (c != "!--"[matched]) break;
                    ++matched;
                }
                if (matched < 3) {
                    ++depth;
                    again = true;  // the character that was none of a comment counts for itself
                    continue;
                }
                size_t end = between(p_, end_).find("-->");
                if (end == std::string_view::npos) {
                    p_ = end_;
                    return syntax(kEof);
                }
                p_ += end + 3;
            }
        }
    }
}

XmlReader::Token XmlReader::start() {
    if (!qualified(&name_)) return syntax("expected element name after <");
    attrs_.set_size(0);
    for (;;) {
        space();
        char c = 0;
        if (!must(&c)) return Token::failed;
        if (c == '/') {
            if (!must(&c)) return Token::failed;
            if (c != '>') return syntax("expected /> in element");
            close_due_ = true;
            close_name_ = name_;
            return Token::start;
        }
        if (c == '>') return Token::start;
        --p_;
        XmlAttribute a;
        if (!qualified(&a.name)) return syntax("expected attribute name in element");
        space();
        if (!must(&c)) return Token::failed;
        if (c != '=') {
            if (strict_) return syntax("attribute name without = in element");
            --p_;
            a.value = a.name.local;
        } else {
            space();
            if (!value(&a.value)) return Token::failed;
        }
        attrs_.push(a);
    }
}

bool XmlReader::value(std::string_view* out) {
    char c = 0;
    if (!must(&c)) return false;
    if (c == '"' || c == '\'') return run(c, false, out);
    if (strict_) return bad("unquoted or missing attribute value in element");
    const char* begin = --p_;
    while (p_ < end_ && name_byte(*p_) && *p_ != '.' && static_cast<unsigned char>(*p_) < 0x80)
        ++p_;
    if (p_ == end_) return bad(kEof);
    *out = between(begin, p_);
    return true;
}

// Text up to a '<' (not taken), to the quote, or to the end of a CDATA section. It is a view of the source unless it
// has a reference or a carriage return.
bool XmlReader::run(int quote, bool cdata, std::string_view* out) {
    const char* begin = p_;
    char* copy = nullptr;
    char* w = nullptr;
    const char* kept = p_;  // from here on not copied yet
    auto flush = [&](const char* to) {
        if (copy == nullptr) {
            // A reference is never shorter than what it stands for, so the text cannot grow. Room for as much as there
            // is up to the next mark-up, not for the whole document: texts are many.
            const char* stop = to;
            if (cdata) {
                size_t n = between(to, end_).find("]]>");
                stop = n == std::string_view::npos ? end_ : to + n + 2;
            } else {
                stop =
                    static_cast<const char*>(std::memchr(to, quote < 0 ? '<' : quote, static_cast<size_t>(end_ - to)));
                if (stop == nullptr) stop = end_;
            }
            w = copy = arena_.chars(static_cast<size_t>(stop - begin) + kRuneBytes);
        }
        std::memcpy(w, kept, static_cast<size_t>(to - kept));
        w += to - kept;
        kept = to;
    };
    char b0 = 0, b1 = 0;
    const char* stop = nullptr;
    while (p_ < end_) {
        char c = *p_;
        if (quote < 0 && c == '>' && b0 == ']' && b1 == ']') {
            if (!cdata) {
                ++p_;
                return bad("unescaped ]]> not in CDATA section");
            }
            stop = p_ - 2;
            ++p_;
            break;
        }
        if (c == '<' && !cdata) {
            if (quote >= 0) {
                ++p_;
                return bad("unescaped < inside quoted string");
            }
            stop = p_;
            break;
        }
        if (quote >= 0 && c == static_cast<char>(quote)) {
            stop = p_++;
            break;
        }
        if (c == '&' && !cdata) {
            flush(p_);
            if (!entity(w)) return false;
            kept = p_;
            b0 = b1 = 0;
            continue;
        }
        if (c == '\r') {
            flush(p_);
            *w++ = '\n';
            kept = p_ + 1;
        } else if (c == '\n' && b1 == '\r') {
            flush(p_);
            kept = p_ + 1;
        }
        ++p_;
        b0 = b1;
        b1 = c;
    }
    if (stop == nullptr) {
        if (cdata) return bad("unexpected EOF in CDATA section");
        stop = p_;
    }
    if (copy == nullptr) {
        *out = between(begin, stop);
    } else {
        flush(stop);
        *out = between(copy, w);
    }
    return allowed(*out);
}

// A reference at p_, its meaning written to w. What is none is an error, or stays as it is.
bool XmlReader::entity(char*& w) {
    const char* begin = p_++;
    char c = 0;
    if (!must(&c)) return false;
    bool known = false;
    uint32_t rune = 0;
    if (c == '#') {
        if (!must(&c)) return false;
        unsigned base = 10;
        if (c == 'x') {
            base = 16;
            if (!must(&c)) return false;
        }
        uint64_t n = 0;
        bool any = false;
        for (unsigned d = 0; digit_of(c, base, &d);) {
            any = true;
            if (n <= 0x10FFFF) n = n * base + d;
            if (!must(&c)) return false;
        }
        if (c != ';') {
            --p_;
        } else {
            known = any && n <= 0x10FFFF;
            rune = static_cast<uint32_t>(n);
        }
    } else {
        --p_;
        std::string_view n;
        if (!read_name(&n) && failed_) return false;
        if (!must(&c)) return false;
        if (c != ';') {
            --p_;
        } else {
            constexpr struct {
                std::string_view name;
                char means;
            } kNamed[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"apos", '\''}, {"quot", '"'}};
            for (const auto& e : kNamed) {
                if (n != e.name) continue;
                known = true;
                rune = static_cast<unsigned char>(e.means);
            }
        }
    }
    if (known) {
        w = write_rune(rune, w);
        return true;
    }
    std::string_view as_is = between(begin, p_);
    if (!strict_) {
        std::memcpy(w, as_is.data(), as_is.size());
        w += as_is.size();
        return true;
    }
    return bad(arena_.concat("invalid character entity ", as_is, as_is.back() == ';' ? "" : " (no semicolon)"));
}

bool XmlReader::allowed(std::string_view s) {
    const char* p = s.data();
    const char* end = p + s.size();
    while (p < end) {
        auto c = static_cast<unsigned char>(*p);
        if (c >= 0x20 && c < 0x80) {
            ++p;
            continue;
        }
        uint32_t r = 0;
        if (!read_rune(p, end, &r)) return bad("invalid UTF-8");
        if (r == '\t' || r == '\n' || r == '\r' || (r >= 0x20 && r != 0xFFFE && r != 0xFFFF)) continue;
        std::string text = "illegal character code U+";
        append_hex(text, r);
        return bad(text);
    }
    return true;
}

}  // namespace gladius::encodings
