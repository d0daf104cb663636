#include "encodings/yaml.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "encodings/go_quote.h"
#include "json/growing.h"

namespace gladius::encodings {
namespace {

using json::Document;
using json::Growing;
using json::Kind;
using json::Node;
using json::Output;

// Sorted. What YAML 1.1 or 1.2 reads as null or as a truth value.
constexpr std::string_view kReserved[] = {"FALSE", "False", "N",    "NO",   "NULL", "No",  "Null", "OFF",   "ON",
                                          "Off",   "On",    "TRUE", "True", "Y",    "YES", "Yes",  "false", "n",
                                          "no",    "null",  "off",  "on",   "true", "y",   "yes",  "~"};

bool digit(char c) {
    return c >= '0' && c <= '9';
}

bool digit_below(char c, unsigned base) {
    if (digit(c)) return static_cast<unsigned>(c - '0') < base;
    char l = static_cast<char>(c | 0x20);
    return base == 16 && l >= 'a' && l <= 'f';
}

bool hex_float(std::string_view s) {
    bool digits = false, dot = false;
    size_t i = 0;
    for (; i < s.size() && (s[i] == '.' || digit_below(s[i], 16)); ++i) {
        if (s[i] == '.' && dot) return false;
        (s[i] == '.' ? dot : digits) = true;
    }
    if (!digits || i == s.size() || (s[i] | 0x20) != 'p') return false;
    if (++i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
    if (i == s.size()) return false;
    return std::all_of(s.begin() + static_cast<ptrdiff_t>(i), s.end(), digit);
}

// strconv.ParseFloat takes it; too large is a number too.
bool is_float(std::string_view s) {
    if (!s.empty() && (s[0] == '+' || s[0] == '-')) s.remove_prefix(1);
    if (s.size() > 2 && s[0] == '0' && (s[1] | 0x20) == 'x') return hex_float(s.substr(2));
    size_t i = 0, digits = 0;
    for (; i < s.size() && digit(s[i]); ++i)
        ++digits;
    if (i < s.size() && s[i] == '.') {
        for (++i; i < s.size() && digit(s[i]); ++i)
            ++digits;
    }
    if (digits == 0) return false;
    if (i == s.size()) return true;
    if ((s[i] | 0x20) != 'e') return false;
    if (++i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
    if (i == s.size()) return false;
    return std::all_of(s.begin() + static_cast<ptrdiff_t>(i), s.end(), digit);
}

// Numbers as YAML knows them: 1, -1_000, 0x1F, 0o17, 017, 0b1, 1.5, .5, 1.5e3. Not 1e3.
bool is_number(std::string_view value) {
    constexpr size_t kLongest = 512;  // Longer ones are looked at without a copy only when they have no underscore.
    if (value[0] == '_') return false;
    auto dots = std::count(value.begin(), value.end(), '.');
    if (dots > 1) return false;
    bool negative = value[0] == '-';
    std::string_view s = value;
    if (s[0] == '+') s.remove_prefix(1);
    if (!s.empty() && s[0] == '-') s.remove_prefix(1);
    char copy[kLongest];
    if (s.find('_') != std::string_view::npos) {
        size_t n = 0;
        for (char c : s) {
            if (c == '_') continue;
            if (n == sizeof(copy)) return false;
            copy[n++] = c;
        }
        s = {copy, n};
    }
    unsigned base = 10;
    if (s.starts_with("0x") || s.starts_with("0o") || s.starts_with("0b")) {
        base = s[1] == 'x' ? 16 : s[1] == 'o' ? 8 : 2;
        s.remove_prefix(2);
    } else if (s.starts_with('0') && s.size() > 1 && dots == 0) {
        base = 8;
    } else if (dots == 1) {
        // The sign is put back before it is read, so there is no second one.
        if (negative && !s.empty() && (s[0] == '+' || s[0] == '-')) return false;
        return is_float(s);
    }
    return !s.empty() && std::all_of(s.begin(), s.end(), [base](char c) { return digit_below(c, base); });
}

// Reads exactly n digits.
bool digits(std::string_view& s, size_t n, int* out) {
    if (s.size() < n) return false;
    int v = 0;
    for (size_t i = 0; i < n; ++i) {
        if (!digit(s[i])) return false;
        v = v * 10 + (s[i] - '0');
    }
    s.remove_prefix(n);
    *out = v;
    return true;
}

bool take(std::string_view& s, char c) {
    if (s.empty() || s[0] != c) return false;
    s.remove_prefix(1);
    return true;
}

// One or two digits below `limit`.
bool short_number(std::string_view& s, int limit, int* out) {
    if (s.empty() || !digit(s[0])) return false;
    size_t n = s.size() > 1 && digit(s[1]) ? 2 : 1;
    return digits(s, n, out) && *out < limit;
}

bool fraction(std::string_view& s) {
    if (s.size() < 2 || (s[0] != '.' && s[0] != ',') || !digit(s[1])) return true;
    size_t n = 1;
    while (n < s.size() && digit(s[n]))
        ++n;
    s.remove_prefix(n);
    return true;
}

bool zone(std::string_view s) {
    if (s == "Z") return true;
    int h = 0, m = 0;
    if (!take(s, '+') && !take(s, '-')) return false;
    return digits(s, 2, &h) && take(s, ':') && digits(s, 2, &m) && s.empty() && h <= 24 && m <= 60;
}

// The moments that go-yaml knows: a date, date and time, RFC 3339, hours and minutes.
bool is_timestamp(std::string_view s) {
    int year = 0, month = 0, day = 0, h = 0, m = 0, sec = 0;
    std::string_view clock = s;
    if (short_number(clock, 24, &h) && take(clock, ':') && short_number(clock, 60, &m) && clock.empty()) return true;
    if (!digits(s, 4, &year) || !take(s, '-') || !digits(s, 2, &month) || !take(s, '-') || !digits(s, 2, &day))
        return false;
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > kDays[month - 1] + (month == 2 && leap ? 1 : 0)) return false;
    if (s.empty()) return true;
    char between = s[0];
    if (between != 'T' && between != 't' && between != ' ') return false;
    s.remove_prefix(1);
    if (!short_number(s, 24, &h) || !take(s, ':') || !digits(s, 2, &m) || m > 59 || !take(s, ':') ||
        !digits(s, 2, &sec) || sec > 59 || !fraction(s))
        return false;
    return between == ' ' ? s.empty() : zone(s);
}

// The line end that a text is cut at.
std::string_view line_end(std::string_view s) {
    size_t n = 0, r = 0, both = 0;
    for (size_t i = 0; i < s.size(); ++i) {
        n += s[i] == '\n';
        r += s[i] == '\r';
        both += s[i] == '\r' && i + 1 < s.size() && s[i + 1] == '\n';
    }
    if (n == both && r == both) return "\r\n";
    return r > n ? "\r" : "\n";
}

class Writer {
  public:
    Writer(const Document& doc, Arena& arena, size_t limit, Output& out)
        : doc_(doc), arena_(arena), limit_(limit), out_(out), frames_(arena, 16) {}

    bool run() {
        if (doc_.nodes[0].kind == Kind::null) return out_.append("{}\n"), true;
        value(0, Place{0, 0, true});
        while (!frames_.empty()) {
            if (out_.size() > limit_) return false;
            step();
        }
        out_.put('\n');
        return true;
    }

  private:
    // Where a container or text stands: `indent` is what its lines really begin with, `column` what they would begin
    // with if lists did not count, which is what go-yaml trims by.
    struct Place {
        uint32_t indent;
        uint32_t column;
        bool below_list;  // directly inside of a list
    };
    struct Frame {
        bool list;
        bool first;  // the first line continues the line of the "- " before it
        uint32_t at;
        uint32_t end;
        Place place;
    };

    void spaces(size_t n) {
        for (; n > 0; --n)
            out_.put(' ');
    }

    // The value of a key or an element of a list; the place is that of the key or of the dash.
    void value(uint32_t i, Place p) {
        const Node& n = doc_.nodes[i];
        if (n.container() && n.next == i + 1) return out_.append(n.kind == Kind::array ? "[]" : "{}");
        if (n.container()) return frames_.push({n.kind == Kind::array, true, i + 1, n.next, p}), void();
        if (n.kind == Kind::string)
            text(doc_.string(i, arena_), p);
        else if (n.kind == Kind::number)
            text(doc_.slice(n), p);
        else
            out_.append(doc_.slice(n));
    }

    void text(std::string_view s, Place p) {
        if (yaml_needs_quotes(s)) return go_quote(s, out_);
        std::string_view end = line_end(s);
        if (s.find(end) == std::string_view::npos) return out_.append(s);
        block(s, end, p);
    }

    // A literal block. go-yaml builds it with the indentation of the column and then cuts trailing white space of that
    // width, which can hit the text itself.
    void block(std::string_view s, std::string_view end, Place p) {
        std::string_view body = s;
        bool closed = body.ends_with(end);
        if (closed) body.remove_suffix(end.size());
        out_.append(!closed ? "|-" : body.ends_with(end) ? "|+" : "|");
        size_t width = p.column + 2;
        size_t cut = 0;
        if (closed) {
            size_t last = body.rfind(end);
            std::string_view tail = last == std::string_view::npos ? body : body.substr(last + end.size());
            size_t letters = tail.find_last_not_of(' ');
            size_t blanks = letters == std::string_view::npos ? tail.size() + width : tail.size() - letters - 1;
            if (blanks >= width) cut = width;
        }
        for (;;) {
            size_t at = body.find(end);
            std::string_view line = body.substr(0, at);
            bool last = at == std::string_view::npos;
            out_.append(end);
            size_t lead = end == "\r" ? width : p.indent + 2;
            bool nothing = line.empty() && (last ? cut > 0 || p.below_list : p.below_list && end == "\n");
            if (last && cut > 0) {
                bool blank = line.find_first_not_of(' ') == std::string_view::npos;
                if (!blank || line.size() >= cut)
                    line.remove_suffix(cut);
                else if (!p.below_list)
                    lead -= std::min(lead, cut - line.size()), line = {};
            }
            if (!nothing) {
                spaces(lead);
                out_.append(line);
            }
            if (last) return;
            body.remove_prefix(at + end.size());
        }
    }

    // Writes one child of the innermost container, or ends it. Writing may push: `f` is not used after that.
    void step() {
        Frame& f = frames_.back();
        if (f.at == f.end) return frames_.pop();
        uint32_t i = f.at;
        Place p = f.place;
        const Node& n = doc_.nodes[i];
        if (!f.first) {
            out_.put('\n');
            spaces(p.indent);
        }
        f.first = false;
        f.at = n.next;
        bool nested = n.container() && n.next > i + 1;
        if (f.list) {
            out_.append("- ");
            if (nested) p.indent += 2;
            p.below_list = true;
            return value(i, p);
        }
        p.below_list = false;
        text(doc_.key(i, arena_), p);
        out_.put(':');
        if (!nested) {
            out_.put(' ');
            return value(i, p);
        }
        if (n.kind == Kind::object) {
            p.indent += 2;
            p.column += 2;
        }
        out_.put('\n');
        spaces(p.indent);
        value(i, p);
    }

    const Document& doc_;
    Arena& arena_;
    size_t limit_;
    Output& out_;
    Growing<Frame> frames_;
};

}  // namespace

bool yaml_needs_quotes(std::string_view s) {
    if (s.empty() || std::binary_search(std::begin(kReserved), std::end(kReserved), s)) return true;
    constexpr std::string_view kFirst = "*&[{}],!|>%'\"@ `";
    if (is_number(s) || s == "-" || kFirst.find(s[0]) != std::string_view::npos) return true;
    if (s.back() == ':' || s.back() == ' ' || is_timestamp(s)) return true;
    for (size_t i = 0; i < s.size(); ++i) {
        if (s[i] == '#' || s[i] == '\\') return true;
        if ((s[i] == ':' || s[i] == '-') && i + 1 < s.size() && s[i + 1] == ' ') return true;
    }
    return false;
}

bool write_yaml(const Document& doc, Arena& arena, size_t limit, Output& out) {
    return Writer(doc, arena, limit, out).run();
}

}  // namespace gladius::encodings
