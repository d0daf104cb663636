#include "proto/websocket.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gladius::proto::ws {
namespace {

constexpr uint32_t kMask = 0x78563412;

std::string frame(Opcode opcode, std::string payload, bool fin = true, Role from = Role::client, uint8_t rsv = 0) {
    char head[kMaxHead];
    size_t k = write_head(head, opcode, payload.size(), from, kMask, fin);
    EXPECT_EQ(k, head_size(payload.size(), from));
    if (from == Role::client) apply_mask(payload.data(), payload.size(), kMask, 0);
    head[0] = static_cast<char>(head[0] | rsv << 4);
    return std::string(head, k) + payload;
}

// What a reader makes of the bytes, given in pieces of `piece`.
std::string read(Reader& r, std::string bytes, size_t piece) {
    std::string out;
    for (size_t at = 0; at < bytes.size(); at += piece) {
        char* p = bytes.data() + at;
        size_t n = std::min(piece, bytes.size() - at);
        while (n > 0) {
            Step s = r.next(p, n);
            EXPECT_LE(s.consumed, n);
            p += s.consumed;
            n -= s.consumed;
            std::string_view data(s.data, s.n);
            switch (s.event) {
                case Step::Event::none:
                    break;
                case Step::Event::data:
                    if (s.first) out += s.opcode == Opcode::text ? "T(" : "B(";
                    out += data;
                    if (s.last) out += ")";
                    break;
                case Step::Event::ping:
                    out += "ping(" + std::string(data) + ")";
                    break;
                case Step::Event::pong:
                    out += "pong(" + std::string(data) + ")";
                    break;
                case Step::Event::close:
                    out += "close(" + std::to_string(s.code) + " " + std::string(data) + ")";
                    break;
                case Step::Event::failed:
                    out += "failed(" + std::to_string(s.code) + ")";
                    break;
            }
            if (s.event == Step::Event::none && s.consumed == 0) break;
        }
    }
    return out;
}

// The same for every way to cut the bytes.
void expect(const std::string& bytes, const std::string& want, uint64_t max_message = 1 << 20,
            Role role = Role::server) {
    for (size_t piece : {bytes.size() + 1, size_t{1}, size_t{2}, size_t{3}, size_t{7}}) {
        Reader r(role, max_message);
        EXPECT_EQ(read(r, bytes, piece), want) << "in pieces of " << piece;
    }
}

TEST(WebsocketCodec, MessagesOfEveryLengthForm) {
    for (size_t n : {0, 1, 125, 126, 127, 128, 65535, 65536, 70000}) {
        std::string body(n, 'x');
        expect(frame(Opcode::text, body), "T(" + body + ")");
        expect(frame(Opcode::binary, body, true, Role::server), "B(" + body + ")", 1 << 20, Role::client);
    }
}

TEST(WebsocketCodec, FragmentsWithControlFramesBetween) {
    expect(frame(Opcode::text, "a", false) + frame(Opcode::ping, "p") + frame(Opcode::continuation, "", false) +
               frame(Opcode::pong, "q") + frame(Opcode::continuation, "b") + frame(Opcode::binary, "c"),
           "T(aping(p)pong(q)b)B(c)");
}

TEST(WebsocketCodec, WhatIsWrongIsFoundAtItsFirstByte) {
    const std::string wrong[] = {
        frame(Opcode::text, "x", true, Role::client, 4),
        frame(Opcode::ping, "x", true, Role::client, 1),
        frame(static_cast<Opcode>(3), ""),
        frame(static_cast<Opcode>(11), ""),
        frame(Opcode::ping, "x", false),
        frame(Opcode::ping, std::string(126, 'x')),
        frame(Opcode::continuation, "x"),
        frame(Opcode::text, "x", true, Role::server),
    };
    for (const std::string& bytes : wrong) {
        expect(bytes, "failed(1002)");
        Reader r(Role::server, 100);
        std::string start = bytes.substr(0, 2);
        EXPECT_EQ(read(r, start, 2), "failed(1002)") << "two bytes are enough";
    }
    expect(frame(Opcode::text, "a", false) + frame(Opcode::text, "b"), "T(afailed(1002)");
    expect(std::string("\x81\xfe\x00\x05\0\0\0\0hello", 13), "failed(1002)");
    expect(std::string("\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", 14), "failed(1002)");
    expect(std::string("\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 14), "failed(1002)");
    expect(frame(Opcode::text, "x"), "failed(1002)", 100, Role::client);
}

TEST(WebsocketCodec, ALargeMessageIsRefusedBeforeItComes) {
    std::string head = frame(Opcode::binary, std::string(101, 'x')).substr(0, 6);
    expect(head, "failed(1009)", 100);
    expect(frame(Opcode::binary, std::string(60, 'x'), false) + frame(Opcode::continuation, std::string(41, 'y')),
           "B(" + std::string(60, 'x') + "failed(1009)", 100);
    expect(frame(Opcode::binary, std::string(100, 'x')), "B(" + std::string(100, 'x') + ")", 100);
    expect(frame(Opcode::binary, std::string(100, 'x')) + frame(Opcode::binary, "y"),
           "B(" + std::string(100, 'x') + ")B(y)", 100);
}

TEST(WebsocketCodec, TextIsUtf8OverAllItsFragments) {
    expect(frame(Opcode::text, "\xF0\x9F", false) + frame(Opcode::ping, "") + frame(Opcode::continuation, "\x98\x80"),
           "T(\xF0\x9Fping()\x98\x80)");
    expect(frame(Opcode::binary, "\xFF"), "B(\xFF)");
    Reader whole(Role::server, 1000);
    EXPECT_EQ(read(whole, frame(Opcode::text, "ok\xC0\xAF"), 100), "failed(1007)");
    Reader cut(Role::server, 1000);
    EXPECT_EQ(read(cut, frame(Opcode::text, "\xF0\x9F"), 100), "failed(1007)");
    Reader early(Role::server, 1000);
    EXPECT_EQ(read(early, frame(Opcode::text, "\xED\xA0\x80 and much more").substr(0, 8), 100), "failed(1007)")
        << "not only at its end";
}

TEST(WebsocketCodec, CloseCodes) {
    auto close = [](uint16_t code, std::string_view reason) {
        char payload[kMaxControl];
        size_t n = write_close(payload, code, reason);
        return frame(Opcode::close, std::string(payload, n));
    };
    expect(frame(Opcode::close, ""), "close(1005 )");
    expect(close(1000, "going"), "close(1000 going)");
    for (int code : {1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999})
        expect(close(static_cast<uint16_t>(code), ""), "close(" + std::to_string(code) + " )");
    for (int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535})
        expect(close(static_cast<uint16_t>(code), ""), "failed(1002)");
    expect(frame(Opcode::close, "\x03"), "failed(1002)");
    expect(close(1000, "\xFF"), "failed(1007)");
    expect(close(1000, "") + frame(Opcode::text, "ignored"), "close(1000 )");
    char payload[kMaxControl];
    EXPECT_EQ(write_close(payload, 1000, std::string(122, 'x') + "\xC3\xA4"), 124u) << "no half of a character";
}

TEST(WebsocketCodec, MasksFromEveryPosition) {
    std::string plain;
    for (int i = 0; i < 300; ++i)
        plain += static_cast<char>(i * 7);
    for (size_t at = 0; at < 9; ++at)
        for (size_t n : {0, 1, 3, 4, 15, 16, 17, 100, 291}) {
            std::string fast = plain.substr(0, n), slow = fast;
            apply_mask(fast.data(), n, kMask, at);
            for (size_t i = 0; i < n; ++i)
                slow[i] = static_cast<char>(slow[i] ^ static_cast<char>(kMask >> 8 * ((at + i) & 3)));
            ASSERT_EQ(fast, slow) << at << ' ' << n;
        }
}

TEST(WebsocketCodec, TheAnswerToAKey) {
    char out[kAcceptSize];
    accept_of("dGhlIHNhbXBsZSBub25jZQ==", out);
    EXPECT_EQ(std::string(out, sizeof out), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455 1.3
    EXPECT_TRUE(is_key("dGhlIHNhbXBsZSBub25jZQ=="));
    for (std::string bad : {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZS!ub25jZQ=="})
        EXPECT_FALSE(is_key(bad)) << bad;
}

}  // namespace
}  // namespace gladius::proto::ws
