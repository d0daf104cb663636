#include "encodings/feed_text.h"

#include <algorithm>
#include <iterator>

#include "encodings/html_text.h"
#include "encodings/utf8.h"
#include "json/growing.h"
#include "json/output.h"

namespace gladius::encodings {
namespace {

using json::ArenaOutput;
using json::Output;

constexpr size_t npos = std::string_view::npos;

bool is_space(uint32_t r) {
    return (r >= 9 && r <= 13) || r == ' ' || r == 0x85 || r == 0xA0 || r == 0x1680 || (r >= 0x2000 && r <= 0x200A) ||
           r == 0x2028 || r == 0x2029 || r == 0x202F || r == 0x205F || r == 0x3000;
}

bool blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

void decode_entities(std::string_view s, Output& out) {
    while (!s.empty()) {
        size_t amp = s.find('&');
        out.append(s.substr(0, amp));
        if (amp == npos) return;
        s.remove_prefix(amp);
        size_t end = s.find(';');
        if (end == npos || s.substr(1, end - 1).find(' ') != npos) return out.append(s);
        unescape_html(s.substr(0, end + 1), out);
        s.remove_prefix(end + 1);
    }
}

}  // namespace

std::string_view trim_space(std::string_view s) {
    const char* p = s.data();
    const char* end = p + s.size();
    while (p < end) {
        const char* at = p;
        uint32_t r = 0;
        if (!read_rune(p, end, &r) || !is_space(r)) {
            p = at;
            break;
        }
    }
    while (end > p) {
        const char* at = end - 1;
        while (at > p && (static_cast<unsigned char>(*at) & 0xC0) == 0x80)
            --at;
        const char* begin = at;
        uint32_t r = 0;
        if (!read_rune(at, end, &r) || at != end || !is_space(r)) break;
        end = begin;
    }
    return {p, static_cast<size_t>(end - p)};
}

std::string_view decode_entities(std::string_view s, Arena& arena) {
    if (s.find('&') == npos) return s;
    ArenaOutput out(arena, s.size() + 8);
    decode_entities(s, out);
    return out.view();
}

std::string_view strip_cdata(std::string_view s, Arena& arena) {
    constexpr std::string_view kBegin = "<![CDATA[";
    constexpr std::string_view kEnd = "]]>";
    ArenaOutput out(arena, s.size() + 8);
    size_t at = 0;
    while (at < s.size()) {
        size_t begin = s.find(kBegin, at);
        size_t end = begin == npos ? npos : s.find(kEnd, begin);
        if (end == npos) {
            decode_entities(s.substr(at), out);
            break;
        }
        out.append(s.substr(begin + kBegin.size(), end - begin - kBegin.size()));
        at += end + kEnd.size();  // gofeed adds where it should set: what this jumps over is lost
    }
    return out.view();
}

std::string_view feed_text(std::string_view inner, Arena& arena) {
    inner = trim_space(inner);
    return inner.find("<![CDATA[") != npos ? strip_cdata(inner, arena) : decode_entities(inner, arena);
}

Person name_and_address(std::string_view s) {
    size_t at = s.find('@');
    if (at == npos) {
        if (s.find_first_of("()") == npos) return {s, {}};
        return {};
    }
    if (at > 0 && s.back() == ')') {
        // ana@x.test (Ana)
        size_t end = at + 1;
        while (end < s.size() && !blank(s[end]))
            ++end;
        size_t open = end;
        while (open < s.size() && blank(s[open]))
            ++open;
        if (end > at + 1 && open > end && open + 2 < s.size() && s[open] == '(') {
            std::string_view name = s.substr(open + 1, s.size() - open - 2);
            if (name.find('@') == npos) return {name, s.substr(0, end)};
        }
        // Ana (ana@x.test)
        std::string_view host = s.substr(at + 1, s.size() - at - 2);
        if (at + 2 < s.size() && host.find(')') == npos) {
            for (size_t i = at - 1; i >= 2 && i != npos; --i) {
                if (s[i] == '(' && blank(s[i - 1]) && i + 1 < at)
                    return {s.substr(0, i - 1), s.substr(i + 1, s.size() - i - 2)};
            }
        }
    }
    bool only = at > 0 && at + 1 < s.size() && s.find_first_of("()") == npos && s.find('@', at + 1) == npos;
    return only ? Person{{}, s} : Person{};
}

bool decode_base64(std::string_view s, Arena& arena, std::string_view* out) {
    char* begin = arena.chars(s.size() / 4 * 3 + 3);
    char* w = begin;
    uint32_t bits = 0;
    int count = 0;
    size_t i = 0;
    for (; i < s.size(); ++i) {
        char c = s[i];
        int v = c >= 'A' && c <= 'Z'   ? c - 'A'
                : c >= 'a' && c <= 'z' ? c - 'a' + 26
                : c >= '0' && c <= '9' ? c - '0' + 52
                : c == '+'             ? 62
                : c == '/'             ? 63
                                       : -1;
        if (c == '\r' || c == '\n') continue;
        if (c == '=') break;
        if (v < 0) return false;
        bits = bits << 6 | static_cast<uint32_t>(v);
        if (++count == 4) {
            *w++ = static_cast<char>(bits >> 16);
            *w++ = static_cast<char>(bits >> 8);
            *w++ = static_cast<char>(bits);
            count = 0;
        }
    }
    int padding = 0;
    for (; i < s.size(); ++i) {
        if (s[i] == '\r' || s[i] == '\n') continue;
        if (s[i] != '=') return false;
        ++padding;
    }
    if (count == 1 || padding != (count == 0 ? 0 : 4 - count)) return false;
    if (count >= 2) *w++ = static_cast<char>(bits >> (count == 2 ? 4 : 10));
    if (count == 3) *w++ = static_cast<char>(bits >> 2);
    *out = {begin, static_cast<size_t>(w - begin)};
    return true;
}

namespace {

constexpr std::string_view kVoid[] = {"area",   "base", "br",   "col",   "embed",  "hr",    "img", "input",
                                      "keygen", "link", "meta", "param", "source", "track", "wbr"};

bool is_void(std::string_view name) {
    return std::find(std::begin(kVoid), std::end(kVoid), name) != std::end(kVoid);
}

void escape_html(std::string_view s, Output& out) {
    for (char c : s) {
        switch (c) {
            case '&':
                out.append("&amp;");
                break;
            case '\'':
                out.append("&#39;");
                break;
            case '<':
                out.append("&lt;");
                break;
            case '>':
                out.append("&gt;");
                break;
            case '"':
                out.append("&#34;");
                break;
            case '\r':
                out.append("&#13;");
                break;
            default:
                out.put(c);
        }
    }
}

// Prints one well-nested piece of HTML anew.
class Fragment {
  public:
    Fragment(std::string_view s, Arena& arena) : s_(s), arena_(arena), open_(arena, 16) {}

    // What is inside of the only element, a <div>; false: it is none, or there is more.
    bool inner(Output& out) {
        bool seen = false;
        while (!s_.empty()) {
            size_t lt = s_.find('<');
            if (!open_.empty()) text(s_.substr(0, lt), out);
            if (lt == npos) break;
            s_.remove_prefix(lt);
            if (s_.starts_with("<!--")) {
                size_t end = s_.find("-->", 4);
                if (end == npos) return false;
                if (!open_.empty()) out.append(s_.substr(0, end + 3));
                s_.remove_prefix(end + 3);
                continue;
            }
            if (s_.size() > 1 && s_[1] == '/') {
                if (!close(out)) return false;
                continue;
            }
            if (open_.empty()) {
                if (seen) return false;
                seen = true;
            }
            if (!start(out)) return false;
        }
        return seen && open_.empty();
    }

  private:
    void text(std::string_view t, Output& out) {
        ArenaOutput plain(arena_, t.size() + 8);
        unescape_html(t, plain);
        escape_html(plain.view(), out);
    }

    std::string_view name() {
        size_t n = 0;
        while (n < s_.size() && !blank(s_[n]) && s_[n] != '/' && s_[n] != '>' && s_[n] != '=')
            ++n;
        char* w = arena_.chars(n);
        std::transform(s_.begin(), s_.begin() + static_cast<ptrdiff_t>(n), w,
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        s_.remove_prefix(n);
        return {w, n};
    }

    void blanks() {
        while (!s_.empty() && (blank(s_[0]) || s_[0] == '/'))
            s_.remove_prefix(1);
    }

    bool close(Output& out) {
        s_.remove_prefix(2);
        std::string_view n = name();
        size_t gt = s_.find('>');
        if (gt == npos || open_.empty() || open_.back() != n) return false;
        s_.remove_prefix(gt + 1);
        open_.pop();
        if (open_.empty()) return true;
        out.append("</");
        out.append(n);
        out.put('>');
        return true;
    }

    bool start(Output& out) {
        s_.remove_prefix(1);
        std::string_view n = name();
        bool top = open_.empty();
        if (n.empty() || (top && n != "div")) return false;
        if (!top) {
            out.put('<');
            out.append(n);
        }
        for (;;) {
            blanks();
            if (s_.empty()) return false;
            if (s_[0] == '>') break;
            std::string_view key = name();
            if (key.empty()) return false;
            std::string_view value;
            while (!s_.empty() && blank(s_[0]))
                s_.remove_prefix(1);
            if (!s_.empty() && s_[0] == '=') {
                s_.remove_prefix(1);
                while (!s_.empty() && blank(s_[0]))
                    s_.remove_prefix(1);
                if (s_.empty() || (s_[0] != '"' && s_[0] != '\'')) return false;
                size_t end = s_.find(s_[0], 1);
                if (end == npos) return false;
                value = s_.substr(1, end - 1);
                s_.remove_prefix(end + 1);
            }
            if (top) continue;
            out.put(' ');
            out.append(key);
            out.append("=\"");
            text(value, out);
            out.put('"');
        }
        s_.remove_prefix(1);
        if (is_void(n)) {
            if (!top) out.append("/>");
            return true;
        }
        if (!top) out.put('>');
        open_.push(n);
        return true;
    }

    std::string_view s_;
    Arena& arena_;
    json::Growing<std::string_view> open_;
};

}  // namespace

std::string_view strip_wrapping_div(std::string_view s, Arena& arena) {
    if (s.find("<div") == npos && s.find("<DIV") == npos) return s;
    ArenaOutput out(arena, s.size() + 16);
    return Fragment(s, arena).inner(out) ? out.view() : s;
}

}  // namespace gladius::encodings
