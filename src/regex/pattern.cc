#include "regex/pattern.h"

#include <re2/re2.h>

#include "encodings/utf8.h"

namespace gladius::regex {

namespace {

// The text as RE2 writes it: "(?<name>" is "(?P<name>". `any_byte`: it has \C, which Go does not know.
std::string translated(std::string_view s, bool* any_byte) {
    std::string out;
    *any_byte = false;
    for (size_t i = 0; i < s.size();) {
        size_t n = 1;  // bytes that are copied as they are
        if (s[i] == '\\' && i + 1 < s.size()) {
            n = 2;
            *any_byte |= s[i + 1] == 'C';
            if (s[i + 1] == 'Q') {
                size_t end = s.find("\\E", i + 2);
                n = end == std::string_view::npos ? s.size() - i : end + 2 - i;
            }
        } else if (s[i] == '[') {
            // To the end of the class: a bracket that comes first stands for itself, and so do escaped ones.
            size_t j = i + 1;
            if (j < s.size() && s[j] == '^') ++j;
            if (j < s.size() && s[j] == ']') ++j;
            while (j < s.size() && s[j] != ']') {
                size_t end = s.substr(j, 2) == "[:" ? s.find(":]", j + 2) : std::string_view::npos;
                if (end != std::string_view::npos)
                    j = end + 2;
                else
                    j += s[j] == '\\' ? 2 : 1;
            }
            n = std::min(j + 1, s.size()) - i;
        } else if (s.substr(i).starts_with("(?<")) {
            out += "(?P<";
            i += 3;
            continue;
        }
        out += s.substr(i, n);
        i += n;
    }
    return out;
}

// What is no UTF-8 as Go sees it; the text itself when there is nothing.
std::string_view with_runes(std::string_view text, Arena& arena) {
    const char* p = text.data();
    const char* end = p + text.size();
    size_t bad = 0;
    for (uint32_t r = 0; p < end;)
        bad += !encodings::read_rune(p, end, &r);
    if (bad == 0) return text;
    char* out = arena.chars(text.size() + 2 * bad);
    char* w = out;
    p = text.data();
    for (uint32_t r = 0; p < end;)
        w = encodings::write_rune(encodings::read_rune(p, end, &r) ? r : 0xFFFD, w);
    return {out, static_cast<size_t>(w - out)};
}

}  // namespace

Result<Pattern> Pattern::compile(std::string_view text) {
    bool any_byte = false;
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto r = std::make_shared<re2::RE2>(translated(text, &any_byte), options);
    if (!r->ok()) return Error{r->error()};
    if (any_byte) return Error{"invalid escape sequence: \\C"};
    return Pattern(std::move(r));
}

bool Pattern::found_in(std::string_view text, Arena& arena) const {
    text = with_runes(text, arena);
    return re2_->Match({text.data(), text.size()}, 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

}  // namespace gladius::regex
