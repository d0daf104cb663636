#include "proto/websocket.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gladius::proto::ws {

namespace {

constexpr uint8_t kFin = 0x80, kReserved = 0x70, kMasked = 0x80;

bool is_control(uint8_t opcode) {
    return opcode >= 8;
}

bool is_known(uint8_t opcode) {
    return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

// What may stand in a close frame (section 7.4; 1012 to 1014 are registered with IANA).
bool may_be_sent(uint16_t code) {
    if (code >= 3000 && code <= 4999) return true;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

uint64_t big_endian(const char* p, size_t n) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; ++i)
        v = v << 8 | static_cast<uint8_t>(p[i]);
    return v;
}

void put_big_endian(char* p, size_t n, uint64_t v) {
    for (size_t i = n; i-- > 0; v >>= 8)
        p[i] = static_cast<char>(v);
}

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

size_t head_size(uint64_t n, Role role) {
    return (n < 126 ? 2u : n < 65536 ? 4u : 10u) + (role == Role::client ? 4u : 0u);
}

size_t write_head(char* out, Opcode opcode, uint64_t n, Role role, uint32_t mask, bool fin) {
    char* p = out;
    *p++ = static_cast<char>((fin ? kFin : 0) | static_cast<uint8_t>(opcode));
    char bit = static_cast<char>(role == Role::client ? kMasked : 0);
    if (n < 126) {
        *p++ = static_cast<char>(bit | static_cast<char>(n));
    } else if (n < 65536) {
        *p++ = static_cast<char>(bit | 126);
        put_big_endian(p, 2, n);
        p += 2;
    } else {
        *p++ = static_cast<char>(bit | 127);
        put_big_endian(p, 8, n);
        p += 8;
    }
    if (role == Role::client) {
        std::memcpy(p, &mask, 4);
        p += 4;
    }
    return static_cast<size_t>(p - out);
}

size_t write_close(char* out, uint16_t code, std::string_view reason) {
    put_big_endian(out, 2, code);
    size_t n = std::min(reason.size(), kMaxControl - 2);
    while (n < reason.size() && n > 0 && (static_cast<uint8_t>(reason[n]) & 0xC0) == 0x80)
        --n;  // not inside of a character
    if (n) std::memcpy(out + 2, reason.data(), n);
    return n + 2;
}

void apply_mask(char* data, size_t n, uint32_t mask, uint64_t at) {
    // From here on the mask begins with the byte that is due.
    unsigned turn = static_cast<unsigned>(at & 3) * 8;
    if (turn) mask = mask >> turn | mask << (32 - turn);
    char* end = data + n;
#if defined(__SSE2__)
    __m128i wide = _mm_set1_epi32(static_cast<int>(mask));
    for (; end - data >= 16; data += 16) {
        auto* p = reinterpret_cast<__m128i*>(data);
        _mm_storeu_si128(p, _mm_xor_si128(_mm_loadu_si128(p), wide));
    }
#endif
    for (; end - data >= 4; data += 4) {
        uint32_t word;
        std::memcpy(&word, data, 4);
        word ^= mask;
        std::memcpy(data, &word, 4);
    }
    for (; data != end; ++data, mask >>= 8)
        *data = static_cast<char>(*data ^ static_cast<char>(mask & 0xFF));
}

void accept_of(std::string_view key, char* out) {
    constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[64 + kGuid.size()];
    size_t n = std::min<size_t>(key.size(), 64);
    std::memcpy(text, key.data(), n);
    std::memcpy(text + n, kGuid.data(), kGuid.size());
    unsigned char d[SHA_DIGEST_LENGTH + 1] = {};
    SHA1(reinterpret_cast<unsigned char*>(text), n + kGuid.size(), d);
    for (size_t i = 0; i < SHA_DIGEST_LENGTH + 1; i += 3, out += 4) {
        uint32_t v = static_cast<uint32_t>(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
        for (int k = 0; k < 4; ++k)
            out[k] = kBase64[v >> (18 - 6 * k) & 63];
    }
    out[-1] = '=';
}

bool is_key(std::string_view key) {
    if (key.size() != 24 || key.substr(22) != "==") return false;
    return std::all_of(key.begin(), key.begin() + 22, [](char c) {
        return c != '\0' && std::string_view(kBase64, 64).find(c) != std::string_view::npos;
    });
}

// --- reading
// ------------------------------------------------------------------------------------------------------------------

Step Reader::fail(Step s, uint16_t code, const char* what) {
    state_ = State::ended;
    s.event = Step::Event::failed;
    s.code = code;
    s.what = what;
    return s;
}

// The whole head is in buf_. False: s says what is wrong.
bool Reader::take_head(Step& s) {
    auto b0 = static_cast<uint8_t>(buf_[0]), b1 = static_cast<uint8_t>(buf_[1]);
    uint8_t small = b1 & 0x7F;
    const char* p = buf_ + 2;
    length_ = small;
    if (small == 126) {
        length_ = big_endian(p, 2);
        p += 2;
    } else if (small == 127) {
        length_ = big_endian(p, 8);
        p += 8;
    }
    mask_ = 0;
    if (b1 & kMasked) std::memcpy(&mask_, p, 4);
    at_ = 0;
    have_ = 0;
    fin_ = b0 & kFin;
    if ((small == 126 && length_ < 126) || (small == 127 && length_ < 65536)) {
        s = fail(s, kProtocolError, "a length is not written in its shortest form");
        return false;
    }
    if (small == 127 && length_ >> 63) {
        s = fail(s, kProtocolError, "a length has its first bit set");
        return false;
    }
    if (is_control(b0 & 15)) {
        control_ = b0 & 15;
        state_ = State::control;
        return true;
    }
    if ((b0 & 15) != 0) {
        opcode_ = static_cast<Opcode>(b0 & 15);
        in_message_ = true;
        begun_ = false;
        message_ = 0;
        utf8_.reset();
    }
    if (length_ > max_message_ - message_) {
        s = fail(s, kTooBig, "a message is larger than max_message_size");
        return false;
    }
    message_ += length_;
    state_ = State::payload;
    return true;
}

namespace {

// What is wrong is known by the first two bytes; nothing is waited for.
const char* wrong_start(uint8_t b0, uint8_t b1, Role role, bool in_message) {
    uint8_t opcode = b0 & 15;
    if (b0 & kReserved) return "a reserved bit is set";
    if (!is_known(opcode)) return "an opcode is unknown";
    if (((b1 & kMasked) != 0) != (role == Role::server))
        return role == Role::server ? "a frame of a client is not masked" : "a frame of a server is masked";
    if (is_control(opcode)) {
        if (!(b0 & kFin)) return "a control frame is fragmented";
        if ((b1 & 0x7F) > kMaxControl) return "a control frame is larger than 125 bytes";
        return nullptr;
    }
    if (opcode == 0 && !in_message) return "a continuation of nothing";
    if (opcode != 0 && in_message) return "a new message inside of another one";
    return nullptr;
}

}  // namespace

Step Reader::control_step(Step s) {
    state_ = State::head;
    s.data = buf_;
    s.n = have_;
    have_ = 0;
    switch (static_cast<Opcode>(control_)) {
        case Opcode::ping:
            s.event = Step::Event::ping;
            return s;
        case Opcode::pong:
            s.event = Step::Event::pong;
            return s;
        default:
            break;
    }
    if (s.n == 1) return fail(s, kProtocolError, "a close code has two bytes");
    s.code = kNoCode;
    if (s.n >= 2) {
        s.code = static_cast<uint16_t>(big_endian(buf_, 2));
        if (!may_be_sent(s.code)) return fail(s, kProtocolError, "a close code that may not be sent");
        s.data += 2;
        s.n -= 2;
        simd::Utf8Stream reason;
        if (!reason.feed(s.data, s.n) || !reason.complete())
            return fail(s, kNotUtf8, "the reason of a close is not UTF-8");
    }
    state_ = State::ended;
    s.event = Step::Event::close;
    return s;
}

Step Reader::next(char* data, size_t n) {
    Step s;
    if (state_ == State::ended) {
        s.consumed = n;
        return s;
    }
    if (state_ == State::head) {
        for (;;) {
            size_t want = 2;
            if (have_ >= 2) {
                auto b1 = static_cast<uint8_t>(buf_[1]);
                if (const char* wrong = wrong_start(static_cast<uint8_t>(buf_[0]), b1, role_, in_message_))
                    return fail(s, kProtocolError, wrong);
                want += (b1 & 0x7F) == 126 ? 2u : (b1 & 0x7F) == 127 ? 8u : 0u;
                if (b1 & kMasked) want += 4;
                if (have_ == want) break;
            }
            size_t take = std::min(want - have_, n - s.consumed);
            if (take == 0) return s;
            std::memcpy(buf_ + have_, data + s.consumed, take);
            have_ = static_cast<uint8_t>(have_ + take);
            s.consumed += take;
        }
        if (!take_head(s)) return s;
    }
    size_t take = static_cast<size_t>(std::min<uint64_t>(length_ - at_, n - s.consumed));
    char* payload = data + s.consumed;
    if (role_ == Role::server) apply_mask(payload, take, mask_, at_);
    at_ += take;
    s.consumed += take;
    bool whole = at_ == length_;
    if (state_ == State::control) {
        if (take) std::memcpy(buf_ + have_, payload, take);
        have_ = static_cast<uint8_t>(have_ + take);
        return whole ? control_step(s) : s;
    }
    if (take == 0 && !whole) return s;
    s.event = Step::Event::data;
    s.data = payload;
    s.n = take;
    s.opcode = opcode_;
    s.first = !begun_;
    begun_ = true;
    if (opcode_ == Opcode::text && !utf8_.feed(payload, take)) return fail(s, kNotUtf8, "a text is not UTF-8");
    if (!whole) return s;
    state_ = State::head;
    if (!fin_) return s;
    in_message_ = false;
    s.last = true;
    if (opcode_ == Opcode::text && !utf8_.complete()) return fail(s, kNotUtf8, "a text ends inside of a character");
    return s;
}

}  // namespace gladius::proto::ws
