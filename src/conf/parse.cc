#include "conf/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace gladius::conf {

namespace {

// A byte as Go's decoder quotes it in its messages.
std::string quoted(unsigned char c) {
    if (c == '\'') return "'\\''";
    if (c == '"') return "'\"'";
    if (c == '\n') return "'\\n'";
    if (c == '\r') return "'\\r'";
    if (c == '\t') return "'\\t'";
    if (c == '\\') return "'\\\\'";
    if (c < 0x20 || c == 0x7f) return fmt::format("'\\x{:02x}'", c);
    if (c < 0x80) return fmt::format("'{}'", static_cast<char>(c));
    return fmt::format("'{}{}'", static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F)));
}

// Length of the UTF-8 sequence at s, 0 when it is none (RFC 3629: no overlong forms, no surrogates).
size_t utf8_length(const unsigned char* s, size_t n) {
    unsigned char c = s[0];
    if (c < 0x80) return 1;
    auto cont = [&](size_t i) { return i < n && (s[i] & 0xC0) == 0x80; };
    if (c >= 0xC2 && c <= 0xDF) return cont(1) ? 2 : 0;
    if (c >= 0xE0 && c <= 0xEF) {
        if (!cont(1) || !cont(2)) return 0;
        if (c == 0xE0 && s[1] < 0xA0) return 0;
        if (c == 0xED && s[1] > 0x9F) return 0;
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        if (!cont(1) || !cont(2) || !cont(3)) return 0;
        if (c == 0xF0 && s[1] < 0x90) return 0;
        if (c == 0xF4 && s[1] > 0x8F) return 0;
        return 4;
    }
    return 0;
}

void append_utf8(std::string& out, uint32_t cp) {
    if (cp < 0x80) {
        out += static_cast<char>(cp);
    } else if (cp < 0x800) {
        out += static_cast<char>(0xC0 | (cp >> 6));
        out += static_cast<char>(0x80 | (cp & 0x3F));
    } else if (cp < 0x10000) {
        out += static_cast<char>(0xE0 | (cp >> 12));
        out += static_cast<char>(0x80 | ((cp >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (cp & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | (cp >> 18));
        out += static_cast<char>(0x80 | ((cp >> 12) & 0x3F));
        out += static_cast<char>(0x80 | ((cp >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (cp & 0x3F));
    }
}

}  // namespace

// One pass over the text with a stack of open containers; fails at the first fault, with its place.
class Parser {
  public:
    Parser(Document& doc, Diagnostics& diagnostics, const ParseLimits& limits)
        : doc_(doc), diagnostics_(diagnostics), limits_(limits), s_(doc.text_) {}

    bool run(size_t from);

  private:
    struct Open {
        uint32_t index;
        uint32_t count;
    };
    enum class Want : uint8_t { value, value_or_end, key_or_end, key, colon, comma_or_end, nothing };

    bool fault(size_t at, std::string message, std::string advice = {});
    bool unexpected(size_t at, std::string_view where);
    std::string explain(size_t at, std::string_view where) const;
    bool ended();
    bool push(Kind kind, const char* text, size_t size, size_t offset, bool flag = false);
    bool scan_string(const char*& text, size_t& size);
    bool scan_number();
    bool scan_word(std::string_view word, Kind kind, bool flag);
    bool open(Kind kind);
    void close();
    void mark_repeated(uint32_t object);
    bool value();

    Document& doc_;
    Diagnostics& diagnostics_;
    const ParseLimits& limits_;
    std::string_view s_;
    size_t i_ = 0;
    std::vector<Open> stack_;
    Want want_ = Want::value;
    size_t bad_utf8_ = 0;
    size_t first_bad_utf8_ = 0;
    std::string scratch_;
};

bool Parser::fault(size_t at, std::string message, std::string advice) {
    Place p = doc_.place(static_cast<uint32_t>(std::min(at, s_.size())));
    // The container in which it happened helps more than the bare line.
    if (!stack_.empty()) p.path = doc_.path_of(stack_.back().index);
    diagnostics_.add(Severity::error, std::move(p), std::move(message), std::move(advice));
    return false;
}

std::string Parser::explain(size_t at, std::string_view where) const {
    char c = s_[at];
    std::string_view rest = s_.substr(at);
    size_t line_begin = s_.rfind('\n', at) == std::string_view::npos ? 0 : s_.rfind('\n', at) + 1;
    size_t line_end = std::min(s_.find('\n', at), s_.size());
    std::string_view line = s_.substr(line_begin, std::min<size_t>(line_end - line_begin, 4096));
    // Templates first: what is in them looks like every other fault.
    if (rest.substr(0, 2) == "{{" || (c == '{' && at > 0 && s_[at - 1] == '{') ||
        line.find("{{") != std::string_view::npos) {
        return "this is a template of the flexible configuration ({{ ... }}), which is not supported yet; render it "
               "with "
               "the reference (FC_OUT=out.json krakend check -c this file) and use the result";
    }
    if (rest.substr(0, 2) == "${" || (c == '$' && where == "looking for beginning of value")) {
        return "a variable such as ${NAME} is not replaced in a configuration; write the value itself, or run the file "
               "through envsubst before";
    }
    if (c == '#')
        return "JSON has no comments; remove the line that begins with #, or use a member such as \"@comment\": "
               "\"...\"";
    if (rest.substr(0, 2) == "//" || rest.substr(0, 2) == "/*") {
        return "JSON has no comments; remove it, or use a member such as \"@comment\": \"...\"";
    }
    if (c == '\'') return "texts stand in double quotes in JSON; write \" instead of '";
    if ((c == '}' || c == ']') &&
        (where == "looking for beginning of object key string" || where == "looking for beginning of value")) {
        size_t j = at;
        while (j > 0 && std::strchr(" \t\r\n", s_[j - 1]))
            --j;
        if (j > 0 && s_[j - 1] == ',') return fmt::format("remove the comma before this {}", quoted(c));
        if (where == "looking for beginning of value" && c == '}') return "a value is missing here";
    }
    if (c == '"' && where != "after top-level value") return "a comma is missing before this text";
    if ((c == '{' || c == '[') && where.substr(0, 5) == "after" && where != "after top-level value") {
        return "a comma or colon is missing before this";
    }
    if (where == "in string literal")
        return "a text ends in the line in which it began: close it with \", or write \\n for a line break";
    if (where == "in string escape code")
        return "after a backslash only \" \\ / b f n r t u may stand; write \\\\ for a backslash";
    if (where == "after top-level value")
        return "the configuration ended before this; remove what follows, or look for a brace too many";
    if (doc_.nodes_.empty() && (std::isalpha(static_cast<unsigned char>(c)) || c == '-' || c == '%')) {
        return "this does not begin like JSON but like YAML or TOML; what a file is decides its name (.yml, .yaml, "
               ".toml, all "
               "else is JSON), and YAML and TOML are not supported yet: convert it to JSON";
    }
    if (c == 'T' || c == 'F' || c == 'N') return "JSON writes true, false and null in lower case";
    if (std::isalpha(static_cast<unsigned char>(c))) return "a text needs double quotes";
    return {};
}

bool Parser::unexpected(size_t at, std::string_view where) {
    if (at >= s_.size()) return ended();
    return fault(at, fmt::format("invalid character {} {}", quoted(static_cast<unsigned char>(s_[at])), where),
                 explain(at, where));
}

bool Parser::ended() {
    std::string what = "the file ends in the middle";
    if (!stack_.empty()) {
        Place p = doc_.place(doc_.nodes_[stack_.back().index].offset);
        what += fmt::format(": the {} opened at {}:{} is never closed (half written, or a brace is missing)",
                            doc_.nodes_[stack_.back().index].kind == Kind::array ? "list" : "object", p.line, p.column);
    }
    return fault(s_.size(), "unexpected end of JSON input", what);
}

bool Parser::push(Kind kind, const char* text, size_t size, size_t offset, bool flag) {
    if (doc_.nodes_.size() >= limits_.max_nodes) {
        return fault(offset, fmt::format("more than {} values in one configuration", limits_.max_nodes),
                     "this is no gateway configuration, or it must be split");
    }
    auto index = static_cast<uint32_t>(doc_.nodes_.size());
    doc_.nodes_.push_back({text, static_cast<uint32_t>(size), static_cast<uint32_t>(offset), index + 1, kind, flag});
    return true;
}

bool Parser::scan_string(const char*& text, size_t& size) {
    size_t begin = ++i_;
    // The common text has nothing to decode and stays where it is.
    while (i_ < s_.size()) {
        auto c = static_cast<unsigned char>(s_[i_]);
        if (c == '"') {
            text = s_.data() + begin;
            size = i_ - begin;
            ++i_;
            return true;
        }
        if (c == '\\' || c < 0x20 || c >= 0x80) break;
        ++i_;
    }
    scratch_.assign(s_.substr(begin, i_ - begin));
    while (i_ < s_.size()) {
        auto c = static_cast<unsigned char>(s_[i_]);
        if (c == '"') {
            std::string_view kept = doc_.arena_.copy(scratch_);
            text = kept.data();
            size = kept.size();
            ++i_;
            return true;
        }
        if (c < 0x20) return unexpected(i_, "in string literal");
        if (c >= 0x80) {
            size_t n = utf8_length(reinterpret_cast<const unsigned char*>(s_.data()) + i_, s_.size() - i_);
            if (n == 0) {
                if (bad_utf8_++ == 0) first_bad_utf8_ = i_;
                append_utf8(scratch_, 0xFFFD);
                ++i_;
            } else {
                scratch_.append(s_.substr(i_, n));
                i_ += n;
            }
            continue;
        }
        if (c != '\\') {
            scratch_ += static_cast<char>(c);
            ++i_;
            continue;
        }
        if (++i_ >= s_.size()) return ended();
        char e = s_[i_];
        static constexpr std::string_view kFrom = "\"\\/bfnrt";
        static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
        size_t at = kFrom.find(e);
        if (at != std::string_view::npos) {
            scratch_ += kTo[at];
            ++i_;
            continue;
        }
        if (e != 'u') return unexpected(i_, "in string escape code");
        auto hex4 = [&](size_t from, uint32_t& out) -> size_t {  // position of the first digit that is none
            out = 0;
            for (size_t j = from; j < from + 4; ++j) {
                if (j >= s_.size()) return j;
                char h = s_[j];
                uint32_t v = h >= '0' && h <= '9'   ? static_cast<uint32_t>(h - '0')
                             : h >= 'a' && h <= 'f' ? static_cast<uint32_t>(h - 'a' + 10)
                             : h >= 'A' && h <= 'F' ? static_cast<uint32_t>(h - 'A' + 10)
                                                    : 16;
                if (v > 15) return j;
                out = out * 16 + v;
            }
            return from + 4;
        };
        uint32_t cp = 0;
        size_t stop = hex4(i_ + 1, cp);
        if (stop != i_ + 5) return unexpected(stop, "in \\u hexadecimal character escape");
        i_ += 5;
        if (cp >= 0xD800 && cp < 0xE000) {
            uint32_t low = 0;
            if (cp < 0xDC00 && s_.substr(i_, 2) == "\\u" && hex4(i_ + 2, low) == i_ + 6 && low >= 0xDC00 &&
                low < 0xE000) {
                cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
                i_ += 6;
            } else {
                cp = 0xFFFD;
            }
        }
        append_utf8(scratch_, cp);
    }
    return ended();
}

bool Parser::scan_number() {
    size_t begin = i_;
    auto digit = [&] { return i_ < s_.size() && s_[i_] >= '0' && s_[i_] <= '9'; };
    if (s_[i_] == '-') ++i_;
    if (!digit()) return unexpected(i_, "in numeric literal");
    if (s_[i_] == '0') {
        ++i_;
    } else {
        while (digit())
            ++i_;
    }
    if (i_ < s_.size() && s_[i_] == '.') {
        ++i_;
        if (!digit()) return unexpected(i_, "after decimal point in numeric literal");
        while (digit())
            ++i_;
    }
    if (i_ < s_.size() && (s_[i_] == 'e' || s_[i_] == 'E')) {
        ++i_;
        if (i_ < s_.size() && (s_[i_] == '+' || s_[i_] == '-')) ++i_;
        if (!digit()) return unexpected(i_, "in exponent of numeric literal");
        while (digit())
            ++i_;
    }
    return push(Kind::number, s_.data() + begin, i_ - begin, begin);
}

bool Parser::scan_word(std::string_view word, Kind kind, bool flag) {
    size_t begin = i_;
    for (size_t j = 0; j < word.size(); ++j, ++i_) {
        if (i_ >= s_.size()) return ended();
        if (s_[i_] != word[j]) return unexpected(i_, fmt::format("in literal {} (expecting '{}')", word, word[j]));
    }
    return push(kind, nullptr, 0, begin, flag);
}

bool Parser::open(Kind kind) {
    if (stack_.size() >= limits_.max_depth) {
        return fault(i_, fmt::format("nested deeper than {} levels", limits_.max_depth), "no configuration needs that");
    }
    auto index = static_cast<uint32_t>(doc_.nodes_.size());
    if (!push(kind, nullptr, 0, i_)) return false;
    doc_.nodes_[index].next = UINT32_MAX;  // open: whatever follows is inside
    stack_.push_back({index, 0});
    ++i_;
    want_ = kind == Kind::array ? Want::value_or_end : Want::key_or_end;
    return true;
}

void Parser::close() {
    Open o = stack_.back();
    RawNode& raw = doc_.nodes_[o.index];
    raw.size = o.count;
    raw.next = static_cast<uint32_t>(doc_.nodes_.size());
    if (raw.kind == Kind::object && o.count > 1) mark_repeated(o.index);
    stack_.pop_back();
    ++i_;
    want_ = stack_.empty() ? Want::nothing : Want::comma_or_end;
}

void Parser::mark_repeated(uint32_t object) {
    const uint32_t end = doc_.nodes_[object].next;
    auto key = [&](uint32_t i) { return std::string_view(doc_.nodes_[i].text, doc_.nodes_[i].size); };
    auto repeated = [&](uint32_t first, uint32_t again) {
        doc_.nodes_[first].flag = true;
        if (diagnostics_.full(Severity::warning)) return diagnostics_.count_only(Severity::warning);
        Place p = doc_.place(doc_.nodes_[again].offset);
        uint32_t line = doc_.place(doc_.nodes_[first].offset).line;
        p.path = doc_.path_of(again);
        diagnostics_.add(
            Severity::warning, std::move(p),
            fmt::format("the key \"{}\" stands twice in this object (first in line {}); only the last one counts",
                        key(again).substr(0, 100), line),
            "remove one of the two");
    };
    if (doc_.nodes_[object].size <= 24) {
        for (uint32_t i = object + 1; i < end; i = doc_.nodes_[i + 1].next) {
            for (uint32_t j = object + 1; j < i; j = doc_.nodes_[j + 1].next) {
                if (!doc_.nodes_[j].flag && doc_.nodes_[j].size == doc_.nodes_[i].size && key(j) == key(i))
                    repeated(j, i);
            }
        }
        return;
    }
    std::unordered_map<std::string_view, uint32_t> seen;
    for (uint32_t i = object + 1; i < end; i = doc_.nodes_[i + 1].next) {
        auto [it, fresh] = seen.try_emplace(key(i), i);
        if (fresh) continue;
        repeated(it->second, i);
        it->second = i;
    }
}

bool Parser::value() {
    char c = s_[i_];
    if (!stack_.empty() && doc_.nodes_[stack_.back().index].kind == Kind::array) ++stack_.back().count;
    want_ = stack_.empty() ? Want::nothing : Want::comma_or_end;
    switch (c) {
        case '{':
            return open(Kind::object);
        case '[':
            return open(Kind::array);
        case '"': {
            size_t begin = i_;
            const char* text = nullptr;
            size_t size = 0;
            return scan_string(text, size) && push(Kind::string, text, size, begin);
        }
        case 't':
            return scan_word("true", Kind::boolean, true);
        case 'f':
            return scan_word("false", Kind::boolean, false);
        case 'n':
            return scan_word("null", Kind::null, false);
        default:
            if (c == '-' || (c >= '0' && c <= '9')) {
                if (c == '-' && doc_.nodes_.empty() && s_.substr(i_, 3) == "---")
                    return unexpected(i_, "looking for beginning of value");
                return scan_number();
            }
            return unexpected(i_, "looking for beginning of value");
    }
}

bool Parser::run(size_t from) {
    i_ = from;
    while (true) {
        while (i_ < s_.size() && (s_[i_] == ' ' || s_[i_] == '\t' || s_[i_] == '\n' || s_[i_] == '\r'))
            ++i_;
        if (i_ >= s_.size()) {
            if (want_ == Want::nothing) break;
            return ended();
        }
        char c = s_[i_];
        bool ok = true;
        switch (want_) {
            case Want::nothing:
                return unexpected(i_, "after top-level value");
            case Want::value_or_end:
                if (c == ']') {
                    close();
                    break;
                }
                [[fallthrough]];
            case Want::value:
                ok = value();
                break;
            case Want::key_or_end:
                if (c == '}') {
                    close();
                    break;
                }
                [[fallthrough]];
            case Want::key: {
                if (c != '"') return unexpected(i_, "looking for beginning of object key string");
                size_t begin = i_;
                const char* text = nullptr;
                size_t size = 0;
                ok = scan_string(text, size) && push(Kind::string, text, size, begin);
                ++stack_.back().count;
                want_ = Want::colon;
                break;
            }
            case Want::colon:
                if (c != ':') return unexpected(i_, "after object key");
                ++i_;
                want_ = Want::value;
                break;
            case Want::comma_or_end: {
                bool array = doc_.nodes_[stack_.back().index].kind == Kind::array;
                if (c == ',') {
                    ++i_;
                    want_ = array ? Want::value : Want::key;
                } else if (c == (array ? ']' : '}')) {
                    close();
                } else {
                    return unexpected(i_, array ? "after array element" : "after object key:value pair");
                }
                break;
            }
        }
        if (!ok) return false;
    }
    if (bad_utf8_) {
        Place p = doc_.place(static_cast<uint32_t>(first_bad_utf8_));
        diagnostics_.add(Severity::warning, std::move(p),
                         fmt::format("{} byte{} in texts that {} not UTF-8 (Latin-1?), read as U+FFFD", bad_utf8_,
                                     bad_utf8_ == 1 ? "" : "s", bad_utf8_ == 1 ? "is" : "are"),
                         "save the file as UTF-8");
    }
    return true;
}

std::shared_ptr<Document> parse_json(std::string file, std::string text, Diagnostics& diagnostics,
                                     const ParseLimits& limits) {
    auto refuse = [&](std::string message, std::string advice) {
        diagnostics.add(Severity::error, Place{file, 1, 1, {}}, std::move(message), std::move(advice));
        return nullptr;
    };
    if (text.size() > limits.max_bytes) {
        return refuse(fmt::format("the file has {} bytes, more than the {} a configuration may have", text.size(),
                                  limits.max_bytes),
                      "this is no gateway configuration, or it must be split");
    }
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
        return refuse("unexpected end of JSON input",
                      "the file is empty: a configuration begins with { \"version\": 3, ...");
    }
    std::string_view head(text);
    if (head.substr(0, 2) == "\xFF\xFE" || head.substr(0, 2) == "\xFE\xFF" ||
        head.substr(0, 64).find('\0') != std::string_view::npos) {
        return refuse("this is no UTF-8 text (UTF-16, or a binary file)", "save the file as UTF-8");
    }
    size_t from = 0;
    if (head.substr(0, 3) == "\xEF\xBB\xBF") {
        from = 3;
        diagnostics.add(Severity::warning, Place{file, 1, 1, {}},
                        "the file begins with a byte order mark, which is skipped (the reference refuses such a file)",
                        "save it as UTF-8 without BOM");
    }
    auto doc = std::make_shared<Document>(std::move(file), std::move(text));
    // Enough for a value every 14 bytes, so that the array hardly ever moves; what is not touched costs nothing.
    doc->reserve(std::min<size_t>(limits.max_nodes, doc->text().size() / 14 + 16));
    if (!Parser(*doc, diagnostics, limits).run(from)) return nullptr;
    if (!doc->root().is(Kind::object)) {
        static constexpr std::string_view kGoNames[] = {"null", "bool", "number", "string", "array", "object"};
        diagnostics.add(Severity::error, doc->root().place(),
                        fmt::format("json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                                    kGoNames[static_cast<size_t>(doc->root().kind())]),
                        fmt::format("a configuration is an object ({{ \"version\": 3, ... }}), this is {}",
                                    name_of(doc->root().kind())));
        return nullptr;
    }
    return doc;
}

}  // namespace gladius::conf
