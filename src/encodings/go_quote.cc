#include "encodings/go_quote.h"

#include "base/printable.h"
#include "encodings/utf8.h"

namespace gladius::encodings {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void hex(uint32_t v, int digits, json::Output& out) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        out.put(kHex[v >> shift & 15]);
}

}  // namespace

void go_quote(std::string_view text, json::Output& out) {
    out.put('"');
    const char* p = text.data();
    const char* end = p + text.size();
    while (p < end) {
        const char* from = p;
        uint32_t r = 0;
        if (!read_rune(p, end, &r)) {
            out.append("\\x");
            hex(static_cast<unsigned char>(*from), 2, out);
            continue;
        }
        if (r == '"' || r == '\\') {
            out.put('\\');
            out.put(static_cast<char>(r));
            continue;
        }
        if (printable(r)) {
            out.append(from, static_cast<size_t>(p - from));
            continue;
        }
        constexpr std::string_view kShort = "abtnvfr";  // 7 to 13
        out.put('\\');
        if (r >= 7 && r <= 13) {
            out.put(kShort[r - 7]);
        } else if (r < ' ' || r == 0x7F) {
            out.put('x');
            hex(r, 2, out);
        } else if (r < 0x10000) {
            out.put('u');
            hex(r, 4, out);
        } else {
            out.put('U');
            hex(r, 8, out);
        }
    }
    out.put('"');
}

}  // namespace gladius::encodings
