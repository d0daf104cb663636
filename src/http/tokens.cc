// The table of well-known header names and the look-up in it. Spelling is Go's canonical form ("Etag", "Te").
#include <algorithm>
#include <array>
#include <cstring>

#include "http/h1.h"
#include "simd/bytes.h"

namespace gladius::http {
namespace {

constexpr size_t kTokens = static_cast<size_t>(Token::count);
constexpr size_t kLongest = 24;  // three 8-byte words; checked below

struct Entry {
    Token token;
    std::string_view name;
    bool hop_by_hop = false;
};

constexpr std::array<Entry, kTokens> kEntries{{
    {Token::unknown, ""},
    {Token::accept, "Accept"},
    {Token::accept_charset, "Accept-Charset"},
    {Token::accept_encoding, "Accept-Encoding"},
    {Token::accept_language, "Accept-Language"},
    {Token::age, "Age"},
    {Token::allow, "Allow"},
    {Token::authorization, "Authorization"},
    {Token::cache_control, "Cache-Control"},
    {Token::connection, "Connection", true},
    {Token::content_encoding, "Content-Encoding"},
    {Token::content_language, "Content-Language"},
    {Token::content_length, "Content-Length"},
    {Token::content_location, "Content-Location"},
    {Token::content_range, "Content-Range"},
    {Token::content_type, "Content-Type"},
    {Token::cookie, "Cookie"},
    {Token::date, "Date"},
    {Token::etag, "Etag"},
    {Token::expect, "Expect"},
    {Token::expires, "Expires"},
    {Token::from, "From"},
    {Token::host, "Host"},
    {Token::if_match, "If-Match"},
    {Token::if_modified_since, "If-Modified-Since"},
    {Token::if_none_match, "If-None-Match"},
    {Token::if_range, "If-Range"},
    {Token::if_unmodified_since, "If-Unmodified-Since"},
    {Token::keep_alive, "Keep-Alive", true},
    {Token::last_modified, "Last-Modified"},
    {Token::location, "Location"},
    {Token::origin, "Origin"},
    {Token::pragma, "Pragma"},
    {Token::proxy_authenticate, "Proxy-Authenticate", true},
    {Token::proxy_authorization, "Proxy-Authorization", true},
    {Token::proxy_connection, "Proxy-Connection", true},
    {Token::range, "Range"},
    {Token::referer, "Referer"},
    {Token::retry_after, "Retry-After"},
    {Token::server, "Server"},
    {Token::set_cookie, "Set-Cookie"},
    {Token::te, "Te", true},
    {Token::trailer, "Trailer", true},
    {Token::transfer_encoding, "Transfer-Encoding", true},
    {Token::upgrade, "Upgrade", true},
    {Token::user_agent, "User-Agent"},
    {Token::vary, "Vary"},
    {Token::via, "Via"},
    {Token::www_authenticate, "Www-Authenticate"},
    {Token::x_forwarded_for, "X-Forwarded-For"},
    {Token::x_forwarded_host, "X-Forwarded-Host"},
    {Token::x_forwarded_proto, "X-Forwarded-Proto"},
    {Token::x_forwarded_via, "X-Forwarded-Via"},
    {Token::x_real_ip, "X-Real-Ip"},
    {Token::x_krakend, "X-Krakend"},
    {Token::x_krakend_completed, "X-Krakend-Completed"},
    {Token::x_request_id, "X-Request-Id"},
}};
static_assert(kTokens <= 64, "a mask is one word");

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// A name in up to three words that may overlap, so that none reaches past either end: the first eight bytes, the last
// eight and those from the ninth on; a name of less than eight bytes is one word. (text | fold) == lower compares
// exactly without regard to case, since fold has bits for letters only.
struct Words {
    uint64_t lower[3] = {};
    uint64_t fold[3] = {};
    uint64_t canonical[3] = {};
    uint8_t size = 0;
};

constexpr std::array<Words, kTokens> make_words() {
    std::array<Words, kTokens> all{};
    for (size_t t = 0; t < kTokens; ++t) {
        std::string_view name = kEntries[t].name;
        size_t n = name.size();
        all[t].size = static_cast<uint8_t>(n);
        size_t starts[3] = {0, n > 8 ? n - 8 : 0, n > 16 ? size_t{8} : 0};
        for (size_t word = 0; word < 3; ++word) {
            for (size_t i = 0; i < 8 && starts[word] + i < n; ++i) {
                char spelt = name[starts[word] + i];
                uint64_t c = static_cast<uint8_t>(lower(spelt));
                all[t].canonical[word] |= static_cast<uint64_t>(static_cast<uint8_t>(spelt)) << (8 * i);
                all[t].lower[word] |= c << (8 * i);
                if (c >= 'a' && c <= 'z') all[t].fold[word] |= uint64_t{0x20} << (8 * i);
            }
        }
    }
    return all;
}
constexpr std::array<Words, kTokens> kWords = make_words();

constexpr bool table_is_sound() {
    for (size_t t = 0; t < kTokens; ++t) {
        if (kEntries[t].token != static_cast<Token>(t)) return false;
        if (kEntries[t].name.size() > kLongest) return false;
    }
    return true;
}
static_assert(table_is_sound(), "one entry per token, in the order of the enum");

constexpr uint32_t mix(size_t size, char first, char middle, char last, uint32_t seed) {
    uint32_t key = static_cast<uint32_t>(size) | static_cast<uint32_t>(first | 0x20) << 8 |
                   static_cast<uint32_t>(middle | 0x20) << 16 | static_cast<uint32_t>(last | 0x20) << 24;
    return (key * seed) >> 23;  // 512 slots
}
constexpr uint32_t mix(std::string_view s, uint32_t seed) {
    return mix(s.size(), s.front(), s[s.size() / 2], s.back(), seed);
}

struct Slots {
    uint32_t seed = 0;
    std::array<uint8_t, 512> token{};
};

// A multiplier under which no two names share a slot, found while compiling.
constexpr Slots make_slots() {
    for (uint32_t seed = 0x9e3779b1; seed != 0; seed += 2) {
        Slots s;
        s.seed = seed;
        bool free = true;
        for (size_t t = 1; t < kTokens && free; ++t) {
            uint8_t& slot = s.token[mix(kEntries[t].name, seed)];
            free = slot == 0;
            slot = static_cast<uint8_t>(t);
        }
        if (free) return s;
    }
    return {};
}
constexpr Slots kSlots = make_slots();
static_assert(kSlots.seed != 0);

inline uint64_t load8(const char* p) {
    uint64_t w;
    std::memcpy(&w, p, 8);
    return w;
}

// Loads fewer than eight bytes without touching what lies around them.
inline uint64_t load_short(const char* p, size_t n) {
    if (n >= 4) {
        uint32_t head, tail;
        std::memcpy(&head, p, 4);
        std::memcpy(&tail, p + n - 4, 4);
        return head | static_cast<uint64_t>(tail) << (8 * (n - 4));
    }
    uint64_t w = 0;
    for (size_t i = 0; i < n; ++i)
        w |= static_cast<uint64_t>(static_cast<uint8_t>(p[i])) << (8 * i);
    return w;
}

bool spelt_canonically(std::string_view name) {
    bool upper = true, canonical = true;
    for (char c : name) {
        if (!simd::is(c, simd::kTokenByte)) return true;  // canonicalise() leaves the whole name alone
        if (upper ? (c >= 'a' && c <= 'z') : (c >= 'A' && c <= 'Z')) canonical = false;
        upper = c == '-';
    }
    return canonical;
}

}  // namespace

bool is_hop_by_hop(Token t) {
    return t < Token::count && kEntries[static_cast<size_t>(t)].hop_by_hop;
}

std::string_view canonical_name(Token t) {
    return t < Token::count ? kEntries[static_cast<size_t>(t)].name : std::string_view{};
}

Token find_token(std::string_view name, bool& canonical) {
    size_t n = name.size();
    if (n == 0 || n > kLongest) {
        canonical = spelt_canonically(name);
        return Token::unknown;
    }
    size_t t = kSlots.token[mix(name, kSlots.seed)];
    const Words& w = kWords[t];
    uint64_t other_spelling = 0, other_letters = 1;  // zero when the same
    if (w.size == n) {
        const char* p = name.data();
        uint64_t a = n >= 8 ? load8(p) : load_short(p, n);
        other_spelling = a ^ w.canonical[0];
        other_letters = (a | w.fold[0]) ^ w.lower[0];
        if (n > 8) {
            uint64_t b = load8(p + n - 8);
            other_spelling |= b ^ w.canonical[1];
            other_letters |= (b | w.fold[1]) ^ w.lower[1];
        }
        if (n > 16) {
            uint64_t c = load8(p + 8);
            other_spelling |= c ^ w.canonical[2];
            other_letters |= (c | w.fold[2]) ^ w.lower[2];
        }
    }
    if (other_letters != 0) {
        canonical = spelt_canonically(name);
        return Token::unknown;
    }
    canonical = other_spelling == 0;
    return static_cast<Token>(t);
}

bool has_item(std::string_view list, std::string_view item) {
    auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!list.empty()) {
        size_t comma = std::min(list.find(','), list.size());
        std::string_view one = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        while (!one.empty() && blank(one.front()))
            one.remove_prefix(1);
        while (!one.empty() && blank(one.back()))
            one.remove_suffix(1);
        if (same_name(one, item)) return true;
    }
    return false;
}

Token find_token(std::string_view name) {
    bool canonical;
    return find_token(name, canonical);
}

void canonicalise(std::string_view name, char* out) {
    for (char c : name) {
        if (simd::is(c, simd::kTokenByte)) continue;
        std::memcpy(out, name.data(), name.size());
        return;
    }
    bool upper = true;
    for (size_t i = 0; i < name.size(); ++i) {
        char c = name[i];
        if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
        if (!upper) c = lower(c);
        out[i] = c;
        upper = c == '-';
    }
}

}  // namespace gladius::http
