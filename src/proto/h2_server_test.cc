#include "proto/h2_server.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "proto/h2_test_support.h"

namespace gladius::proto {
namespace {

constexpr uint8_t kEnd = NGHTTP2_FLAG_END_STREAM, kHeadEnd = NGHTTP2_FLAG_END_HEADERS;

H2Fields get(std::string path = "/a") {
    return {{":method", "GET"}, {":scheme", "http"}, {":path", std::move(path)}, {":authority", "gw"}};
}
H2Fields post(H2Fields more = {}) {
    H2Fields f{{":method", "POST"}, {":scheme", "http"}, {":path", "/a"}, {":authority", "gw"}};
    f.insert(f.end(), more.begin(), more.end());
    return f;
}

struct Connection {
    H2TestOwner owner;
    H2Server server;
    uint64_t now = 1000;
    explicit Connection(const std::string& settings = "", const H2ServerLimits& limits = {}) : server(owner, limits) {
        EXPECT_TRUE(give(std::string(kH2Preface) + h2_frame(NGHTTP2_SETTINGS, 0, 0, settings) +
                         h2_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "")));
        out();
    }
    bool give(std::string_view data) { return server.receive(data.data(), data.size(), now); }
    // Frames since the last call.
    std::vector<H2Frame> out() {
        std::string_view rest;
        auto frames = h2_frames(server.output().view(), &rest);
        EXPECT_TRUE(rest.empty());
        server.output().clear();
        server.sent();
        return frames;
    }
    std::string head(uint32_t id, const H2Fields& f, uint8_t flags = kEnd) {
        return h2_frame(NGHTTP2_HEADERS, static_cast<uint8_t>(flags | kHeadEnd), id, h2_block(f));
    }
    H2Stream* ask(uint32_t id, const H2Fields& f = get(), uint8_t flags = kEnd) {
        EXPECT_TRUE(give(head(id, f, flags)));
        return server.next_request();
    }
};

std::string text_of(const H2Request& r) {
    return {r.text, r.head.head_len};
}

uint32_t error_of(const std::vector<H2Frame>& frames, uint8_t type) {
    for (const H2Frame& f : frames)
        if (f.type == type) return f.number(type == NGHTTP2_GOAWAY ? 4 : 0);
    return UINT32_MAX;
}

ssize_t send(H2Stream& s, std::string_view text) {
    return s.send(text.data(), text.size());
}

TEST(H2Server, HeadIsThatOfHttp1) {
    Connection c;
    H2Fields f = post({{"x-one", " 1 "},
                       {"cookie", "a=1"},
                       {"content-length", "3"},
                       {"cookie", "b"},
                       {"expect", "100-continue"},
                       {"trailer", "x"}});
    H2Stream* s = c.ask(1, f, 0);
    ASSERT_TRUE(s);
    const H2Request& r = s->request();
    EXPECT_EQ("POST /a HTTP/1.1\r\nHost: gw\r\nX-One: 1\r\nContent-Length: 3\r\nCookie: a=1; b\r\n\r\n", text_of(r));
    // The HTTP/1 parser finds the same.
    http::RequestHead parsed;
    http::Field fields[16];
    ASSERT_EQ(http::Status::complete, http::parse_request(r.text, r.head.head_len, {}, fields, 16, parsed));
    EXPECT_EQ(parsed.field_count, r.head.field_count);
    EXPECT_EQ(parsed.mask, r.head.mask);
    EXPECT_EQ(parsed.host_field, r.head.host_field);
    EXPECT_EQ(parsed.method, r.head.method);
    EXPECT_EQ(parsed.target_off, r.head.target_off);
    EXPECT_EQ(parsed.target_len, r.head.target_len);
    EXPECT_EQ(parsed.content_length, r.head.content_length);
    EXPECT_EQ(parsed.framing, r.head.framing);
    for (uint32_t i = 0; i < parsed.field_count; ++i)
        EXPECT_EQ(0, memcmp(&fields[i], &r.fields[i], sizeof(http::Field))) << i;
    EXPECT_TRUE(r.head.expect_continue);
    s->close();
}

TEST(H2Server, FramingOfBodies) {
    Connection c;
    H2Stream* none = c.ask(1);
    EXPECT_EQ(http::Framing::none, none->request().head.framing);
    H2Stream* open = c.ask(3, post(), 0);
    EXPECT_EQ(http::Framing::until_close, open->request().head.framing);
    H2Stream* length = c.ask(5, post({{"content-length", "2"}}), 0);
    EXPECT_EQ(http::Framing::length, length->request().head.framing);
    for (H2Stream* s : {none, open, length})
        s->close();
}

TEST(H2Server, AnswerWithALengthEndsWithItsLastByte) {
    Connection c;
    H2Stream* s = c.ask(1);
    std::string_view head = "HTTP/1.1 200 OK\r\nX-A: b\r\nConnection: close\r\nContent-Length: 4\r\n\r\n";
    EXPECT_EQ(static_cast<ssize_t>(head.size()), send(*s, head));
    auto frames = c.out();
    ASSERT_EQ(1u, frames.size());
    EXPECT_EQ(NGHTTP2_HEADERS, frames[0].type);
    EXPECT_EQ(kHeadEnd, frames[0].flags);
    EXPECT_EQ(2, send(*s, "ab"));
    EXPECT_EQ(2, send(*s, "cd"));
    frames = c.out();
    ASSERT_EQ(2u, frames.size());
    EXPECT_EQ("cd", frames[1].payload);
    EXPECT_EQ(kEnd, frames[1].flags);
    s->finish(true);
    s->close();
    EXPECT_TRUE(c.out().empty());
    EXPECT_EQ(0u, c.server.streams());
}

TEST(H2Server, HeadAndBodyInOneCall) {
    Connection c;
    H2Stream* s = c.ask(1);
    std::string all = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore than was promised";
    EXPECT_EQ(static_cast<ssize_t>(all.size()), send(*s, all));
    auto frames = c.out();
    ASSERT_EQ(2u, frames.size());
    EXPECT_EQ("ok", frames[1].payload);
    EXPECT_EQ(kEnd, frames[1].flags);
    s->finish(true);
    s->close();
}

TEST(H2Server, WithoutALengthTheEndIsAFrameOfItsOwn) {
    Connection c;
    H2Stream* s = c.ask(1);
    send(*s, "HTTP/1.1 200 OK\r\n\r\nbody");
    EXPECT_EQ(0, c.out().back().flags);
    s->finish(true);
    auto frames = c.out();
    ASSERT_EQ(1u, frames.size());
    EXPECT_EQ(kEnd, frames[0].flags);
    EXPECT_TRUE(frames[0].payload.empty());
    s->close();
}

TEST(H2Server, CutAnswersAreReset) {
    for (const char* said : {"", "HTTP/1.1 200 OK\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"}) {
        for (bool whole : {false, true}) {
            Connection c;
            H2Stream* s = c.ask(1);
            if (*said) send(*s, said);
            c.out();
            s->finish(whole);
            auto frames = c.out();
            bool ends = whole && std::string_view(said).find("Length") == std::string_view::npos && *said;
            EXPECT_EQ(ends ? UINT32_MAX : uint32_t{NGHTTP2_INTERNAL_ERROR}, error_of(frames, NGHTTP2_RST_STREAM))
                << said << whole;
            for (const H2Frame& f : frames)
                EXPECT_EQ(ends, f.type == NGHTTP2_DATA && f.flags == kEnd);
            s->close();
            EXPECT_EQ(0u, c.server.streams());
        }
    }
}

TEST(H2Server, BodilessAnswersEndWithTheirHead) {
    for (const char* said :
         {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
        Connection c;
        H2Stream* s = c.ask(1);
        send(*s, said);
        auto frames = c.out();
        ASSERT_EQ(1u, frames.size()) << said;
        EXPECT_EQ(kEnd | kHeadEnd, frames[0].flags);
        s->finish(true);
        s->close();
        EXPECT_TRUE(c.out().empty());
    }
    Connection c;
    H2Fields f = get();
    f[0].second = "HEAD";
    H2Stream* s = c.ask(1, f);
    send(*s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(kEnd | kHeadEnd, c.out()[0].flags);
    s->finish(true);
    s->close();
}

TEST(H2Server, InterimAnswersComeFirst) {
    Connection c;
    H2Stream* s = c.ask(1, post({{"expect", "100-continue"}}), 0);
    send(*s, "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(kHeadEnd, c.out()[0].flags);
    send(*s, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    auto frames = c.out();
    ASSERT_EQ(3u, frames.size());
    EXPECT_EQ("x", frames[2].payload);
    s->finish(true);
    s->close();
}

TEST(H2Server, WindowsOfTheClientStopWriters) {
    Connection c;
    H2Stream* a = c.ask(1);
    H2Stream* b = c.ask(3);
    std::string head = "HTTP/1.1 200 OK\r\n\r\n", body(50000, 'x');
    EXPECT_EQ(static_cast<ssize_t>(head.size() + body.size()), send(*a, head + body));
    c.out();
    EXPECT_EQ(static_cast<ssize_t>(head.size() + 15535), send(*b, head + body));
    EXPECT_EQ(-1, send(*b, body));
    EXPECT_EQ(EAGAIN, errno);
    EXPECT_EQ(0u, b->room());
    c.out();
    c.give(h2_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, h2_number(100)));
    EXPECT_EQ(100, send(*b, body));
    size_t sent = 0;
    for (const H2Frame& f : c.out())
        sent += f.type == NGHTTP2_DATA ? f.payload.size() : 0;
    EXPECT_EQ(100u, sent);
    a->close();
    b->close();
}

TEST(H2Server, AFullSocketStopsWriters) {
    Connection c(h2_frame(0, 0, 0, "").substr(0, 0) + std::string("\0\4\x7f\xff\xff\xff", 6));
    c.give(h2_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, h2_number(0x7fff0000 - 65535)));
    H2Stream* s = c.ask(1);
    std::string body(200000, 'x');
    send(*s, "HTTP/1.1 200 OK\r\n\r\n");
    ssize_t n = send(*s, body);
    EXPECT_GT(n, 32 * 1024);
    EXPECT_LE(n, 64 * 1024);
    EXPECT_EQ(-1, send(*s, body));
    EXPECT_LT(c.server.output().size(), 70000u);
    c.out();
    c.server.set_blocked(true);
    EXPECT_EQ(-1, send(*s, body));
    c.server.sent();
    EXPECT_GT(send(*s, body), 0);
    s->close();
}

TEST(H2Server, WindowsOpenAsTheBodyIsRead) {
    Connection c;
    H2Stream* s = c.ask(1, post(), 0);
    std::string data(16384, 'y');
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(c.give(h2_frame(NGHTTP2_DATA, 0, 1, data)));
    EXPECT_TRUE(c.out().empty());
    EXPECT_GT(c.owner.memory, 0u);
    std::string buf(65536, 0);
    EXPECT_EQ(65536, s->recv(buf.data(), buf.size()));
    EXPECT_EQ(0u, c.owner.memory);
    uint32_t given = 0;
    for (const H2Frame& f : c.out())
        if (f.type == NGHTTP2_WINDOW_UPDATE && f.stream == 1) given += f.number();
    EXPECT_EQ(65536u, given);
    EXPECT_EQ(-1, s->recv(buf.data(), 1));
    EXPECT_EQ(EAGAIN, errno);
    c.give(h2_frame(NGHTTP2_DATA, kEnd, 1, "end"));
    EXPECT_EQ(3, s->recv(buf.data(), 10));
    EXPECT_EQ(0, s->recv(buf.data(), 10));
    s->close();
}

TEST(H2Server, MoreThanTheWindowIsAnError) {
    Connection c;
    H2Stream* s = c.ask(1, post(), 0);
    std::string data(16384, 'y');
    for (int i = 0; i < 4; ++i)
        c.give(h2_frame(NGHTTP2_DATA, 0, 1, data));
    c.give(h2_frame(NGHTTP2_DATA, 0, 1, "x"));
    auto frames = c.out();
    EXPECT_EQ(NGHTTP2_FLOW_CONTROL_ERROR,
              std::min(error_of(frames, NGHTTP2_GOAWAY), error_of(frames, NGHTTP2_RST_STREAM)));
    s->close();
}

TEST(H2Server, NoMemoryForABodyIsAReset) {
    Connection c;
    c.owner.most = 20000;
    H2Stream* s = c.ask(1, post(), 0);
    std::string data(16384, 'y');
    c.give(h2_frame(NGHTTP2_DATA, 0, 1, data));
    c.give(h2_frame(NGHTTP2_DATA, 0, 1, data));
    EXPECT_EQ(NGHTTP2_ENHANCE_YOUR_CALM, error_of(c.out(), NGHTTP2_RST_STREAM));
    EXPECT_EQ(0u, c.owner.memory);
    char byte;
    EXPECT_EQ(-1, s->recv(&byte, 1));
    EXPECT_EQ(ECONNRESET, errno);
    s->close();
}

TEST(H2Server, BrokenBodiesFailTheReader) {
    Connection c;
    H2Stream* s = c.ask(1, post({{"content-length", "5"}}), 0);
    c.give(h2_frame(NGHTTP2_DATA, kEnd, 1, "abc"));
    EXPECT_EQ(NGHTTP2_PROTOCOL_ERROR, error_of(c.out(), NGHTTP2_RST_STREAM));
    char buf[8];
    EXPECT_EQ(3, s->recv(buf, 8));
    EXPECT_EQ(-1, s->recv(buf, 8));
    EXPECT_EQ(ECONNRESET, errno);
    s->close();
    EXPECT_EQ(0u, c.server.streams());
}

TEST(H2Server, ResetBeforeItWasStarted) {
    Connection c;
    c.give(c.head(1, get()) + h2_frame(NGHTTP2_RST_STREAM, 0, 1, h2_number(NGHTTP2_CANCEL)) + c.head(3, get()));
    H2Stream* s = c.server.next_request();
    ASSERT_TRUE(s);
    EXPECT_EQ(3, s->id());
    EXPECT_FALSE(c.server.next_request());
    s->close();
}

TEST(H2Server, StreamsThatRunCountAfterTheirReset) {
    H2ServerLimits limits;
    limits.max_streams = 2;
    Connection c("", limits);
    H2Stream* a = c.ask(1);
    H2Stream* b = c.ask(3);
    c.give(h2_frame(NGHTTP2_RST_STREAM, 0, 1, h2_number(NGHTTP2_CANCEL)));
    c.out();
    EXPECT_FALSE(c.ask(5));
    EXPECT_EQ(NGHTTP2_REFUSED_STREAM, error_of(c.out(), NGHTTP2_RST_STREAM));
    a->close();
    H2Stream* d = c.ask(7);
    ASSERT_TRUE(d);
    b->close();
    d->close();
}

TEST(H2Server, LittleIsStartedForAClientWithoutAWindow) {
    Connection c(std::string("\0\4\0\0\0\0", 6));
    std::vector<H2Stream*> started;
    for (uint32_t id = 1; id < 40; id += 2) {
        c.give(c.head(id, get()));
        while (H2Stream* s = c.server.next_request())
            started.push_back(s);
    }
    EXPECT_EQ(2u, started.size());
    EXPECT_LT(c.server.streams(), 8u);
    // One ends, one follows; then the window opens, and all that waited may run.
    started[0]->close();
    started[0] = c.server.next_request();
    ASSERT_TRUE(started[0]);
    EXPECT_FALSE(c.server.next_request());
    c.give(h2_frame(NGHTTP2_SETTINGS, 0, 0, std::string("\0\4\0\0\xff\xff", 6)));
    while (H2Stream* s = c.server.next_request())
        started.push_back(s);
    EXPECT_EQ(5u, started.size());
    for (H2Stream* s : started)
        s->close();
}

TEST(H2Server, AnsweredEarlyAndStillSending) {
    Connection c;
    H2Stream* s = c.ask(1, post(), 0);
    send(*s, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    s->finish(true);
    EXPECT_TRUE(s->lingers());
    s->close();
    c.out();
    c.give(h2_frame(NGHTTP2_DATA, 0, 1, "late"));
    EXPECT_TRUE(c.server.end_lingering());
    EXPECT_TRUE(c.out().empty());
    EXPECT_FALSE(c.server.end_lingering());
    EXPECT_EQ(NGHTTP2_NO_ERROR, error_of(c.out(), NGHTTP2_RST_STREAM));
    EXPECT_EQ(0u, c.server.streams());
    // It may not know yet.
    EXPECT_TRUE(c.give(h2_frame(NGHTTP2_DATA, 0, 1, "later") +
                       h2_frame(NGHTTP2_HEADERS, kEnd | kHeadEnd, 1, h2_block({{"x", "y"}}))));
    EXPECT_TRUE(c.out().empty());
}

TEST(H2Server, Floods) {
    struct Flood {
        const char* name;
        std::string frame;
        bool open;
    };
    std::string ping = h2_frame(NGHTTP2_PING, 0, 0, "12345678");
    const Flood floods[] = {
        {"ping", ping, false},
        {"settings", h2_frame(NGHTTP2_SETTINGS, 0, 0, ""), false},
        {"priority", h2_frame(NGHTTP2_PRIORITY, 0, 9, h2_number(3) + "\x10"), false},
        {"window", h2_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, h2_number(1)), false},
        {"unknown", h2_frame(77, 0, 0, ""), false},
        {"data", h2_frame(NGHTTP2_DATA, 0, 1, ""), true},
        {"goaway", h2_frame(NGHTTP2_GOAWAY, 0, 0, h2_number(0) + h2_number(0)), false},
    };
    for (const Flood& f : floods) {
        Connection c;
        H2Stream* s = f.open ? c.ask(1, post(), 0) : nullptr;
        std::string all;
        for (int i = 0; i < 3000; ++i)
            all += f.frame;
        all += c.head(101, get());
        EXPECT_FALSE(c.give(all)) << f.name;
        EXPECT_TRUE(c.server.flooded()) << f.name;
        EXPECT_EQ(NGHTTP2_ENHANCE_YOUR_CALM, error_of(c.out(), NGHTTP2_GOAWAY)) << f.name;
        EXPECT_FALSE(c.server.next_request()) << f.name;
        EXPECT_FALSE(c.give(ping));
        EXPECT_TRUE(c.out().empty()) << f.name;
        if (s) s->close();
    }
}

TEST(H2Server, NoiseIsForgottenWithTimeAndWork) {
    Connection c;
    std::string pings;
    for (int i = 0; i < 100; ++i)
        pings += h2_frame(NGHTTP2_PING, 0, 0, "12345678");
    for (int second = 0; second < 60; ++second) {
        c.now += 1000;
        ASSERT_TRUE(c.give(pings)) << second;
        c.out();
    }
    // As many resets as answers are nobody's flood.
    for (uint32_t id = 1; id < 4000; id += 4) {
        H2Stream* s = c.ask(id);
        ASSERT_TRUE(s) << id;
        send(*s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
        s->finish(true);
        s->close();
        H2Stream* t = c.ask(id + 2);
        ASSERT_TRUE(c.give(h2_frame(NGHTTP2_RST_STREAM, 0, id + 2, h2_number(NGHTTP2_CANCEL))));
        t->close();
        c.out();
    }
}

// A client that opens both windows for every DATA frame, as its answer comes in pieces of these sizes.
bool survives(uint32_t window, std::initializer_list<size_t> pieces) {
    std::string settings("\0\4", 2);
    Connection c(settings + h2_number(window));
    H2Stream* s = c.ask(1);
    send(*s, "HTTP/1.1 200 OK\r\n\r\n");
    c.out();
    std::string data(1000, 'x');
    for (int i = 0; i < 3000 && !c.server.flooded(); ++i) {
        for (size_t n : pieces)
            send(*s, std::string_view(data).substr(0, n));
        for (const H2Frame& f : c.out()) {
            if (f.type != NGHTTP2_DATA || f.payload.empty()) continue;
            std::string more = h2_number(static_cast<uint32_t>(f.payload.size()));
            c.give(h2_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, more) + h2_frame(NGHTTP2_WINDOW_UPDATE, 0, 1, more));
        }
    }
    bool well = !c.server.flooded();
    s->close();
    return well;
}

TEST(H2Server, SmallFramesAreNoFloodUnlessTheWindowMadeThem) {
    EXPECT_TRUE(survives(1000, {1000}));
    EXPECT_TRUE(survives(1000, {100, 900}));
    EXPECT_TRUE(survives(65535, {50}));
    EXPECT_FALSE(survives(1, {1}));
    EXPECT_FALSE(survives(20, {20}));
}

TEST(H2Server, RapidReset) {
    Connection c;
    std::string all;
    for (uint32_t id = 1; id < 2000; id += 2)
        all += c.head(id, get()) + h2_frame(NGHTTP2_RST_STREAM, 0, id, h2_number(NGHTTP2_CANCEL));
    EXPECT_FALSE(c.give(all));
    EXPECT_EQ(NGHTTP2_ENHANCE_YOUR_CALM, error_of(c.out(), NGHTTP2_GOAWAY));
    EXPECT_FALSE(c.server.next_request());
}

TEST(H2Server, HeadsBeyondTheLimit) {
    H2ServerLimits limits;
    limits.max_header_bytes = 2000;
    Connection c("", limits);
    H2Fields f = get();
    for (int i = 0; i < 25; ++i)
        f.push_back({"x-" + std::to_string(i), std::string(100, 'y')});
    H2Stream* s = c.ask(1, f);
    ASSERT_TRUE(s);
    EXPECT_TRUE(s->request().too_large);
    EXPECT_EQ(nullptr, s->request().text);
    s->close();
    // Far beyond: the end.
    for (int i = 0; i < 60; ++i)
        f.push_back({"z-" + std::to_string(i), std::string(100, 'y')});
    EXPECT_FALSE(c.give(c.head(3, f)));
    EXPECT_EQ(NGHTTP2_ENHANCE_YOUR_CALM, error_of(c.out(), NGHTTP2_GOAWAY));
}

TEST(H2Server, TooManyFields) {
    Connection c;
    H2Fields f = get();
    for (int i = 0; i < 300; ++i)
        f.push_back({"a", ""});
    H2Stream* s = c.ask(1, f);
    ASSERT_TRUE(s);
    EXPECT_TRUE(s->request().too_large);
    s->close();
}

TEST(H2Server, MalformedRequests) {
    std::vector<H2Fields> bad;
    auto with = [&](std::pair<std::string, std::string> more) {
        bad.push_back(get());
        bad.back().push_back(std::move(more));
    };
    with({"X", "1"});
    with({"connection", "close"});
    with({"transfer-encoding", "chunked"});
    with({"te", "gzip"});
    with({"x", std::string("a\0b", 3)});
    with({"x", "a\r\nb"});
    with({":path", "/b"});
    with({"content-length", "3"});
    with({"content-length", "x"});
    auto without = [&](int i, const char* value) {
        bad.push_back(get());
        if (value)
            bad.back()[static_cast<size_t>(i)].second = value;
        else
            bad.back().erase(bad.back().begin() + i);
    };
    for (int i = 0; i < 4; ++i)
        without(i, nullptr);
    without(1, "ftp");
    without(2, "");
    without(2, "a");
    without(2, "/%zz");
    without(3, "me@gw");
    Connection c;
    uint32_t id = 1;
    for (const H2Fields& f : bad) {
        EXPECT_FALSE(c.ask(id, f)) << id;
        EXPECT_EQ(NGHTTP2_PROTOCOL_ERROR, error_of(c.out(), NGHTTP2_RST_STREAM)) << id;
        id += 2;
    }
    EXPECT_EQ(0u, c.server.streams());
}

TEST(H2Server, FramesOnClosedStreams) {
    auto closed = [](Connection& c) {
        H2Stream* s = c.ask(1);
        send(*s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        s->finish(true);
        s->close();
        c.out();
    };
    {
        Connection c;
        closed(c);
        EXPECT_TRUE(c.give(h2_frame(NGHTTP2_DATA, 0, 1, "x")));
        EXPECT_EQ(NGHTTP2_STREAM_CLOSED, error_of(c.out(), NGHTTP2_RST_STREAM));
    }
    {
        Connection c;
        closed(c);
        EXPECT_FALSE(c.give(c.head(1, get())));
        EXPECT_EQ(NGHTTP2_STREAM_CLOSED, error_of(c.out(), NGHTTP2_GOAWAY));
    }
    {
        Connection c;
        EXPECT_FALSE(c.give(h2_frame(NGHTTP2_PRIORITY, 0, 3, h2_number(3) + "\x10")));
        EXPECT_EQ(NGHTTP2_PROTOCOL_ERROR, error_of(c.out(), NGHTTP2_GOAWAY));
    }
}

TEST(H2Server, ShutdownInTwoSteps) {
    Connection c;
    H2Stream* s = c.ask(1);
    c.server.shutdown();
    auto frames = c.out();
    ASSERT_EQ(2u, frames.size());
    EXPECT_TRUE(std::any_of(frames.begin(), frames.end(),
                            [](const H2Frame& f) { return f.type == NGHTTP2_GOAWAY && f.number() == 0x7fffffff; }));
    // What was on its way is taken.
    H2Stream* t = c.ask(3);
    ASSERT_TRUE(t);
    EXPECT_TRUE(c.give(h2_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string(8, '\0'))));
    frames = c.out();
    ASSERT_EQ(1u, frames.size());
    EXPECT_EQ(3u, frames[0].number());
    EXPECT_FALSE(c.ask(5));
    for (H2Stream* x : {s, t}) {
        EXPECT_FALSE(c.server.finished());
        send(*x, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        x->finish(true);
        x->close();
    }
    c.out();
    EXPECT_TRUE(c.server.finished());
}

TEST(H2Server, Upgrade) {
    H2TestOwner owner;
    H2Server server(owner, {});
    H2Request r;
    r.head.method = http::Method::post;
    H2Stream* s = server.upgrade(std::string_view("\0\3\0\0\0\x64", 6), r, "body");
    ASSERT_TRUE(s);
    char buf[8];
    EXPECT_EQ(4, s->recv(buf, 8));
    EXPECT_EQ(0, s->recv(buf, 8));
    std::string hello = std::string(kH2Preface) + h2_frame(NGHTTP2_SETTINGS, 0, 0, "");
    EXPECT_TRUE(server.receive(hello.data(), hello.size(), 1));
    send(*s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    s->finish(true);
    s->close();
    H2Server refused(owner, {});
    EXPECT_FALSE(refused.upgrade(std::string_view("\0\2\0\0\0\x64", 6), r, ""));  // ENABLE_PUSH of 100
    EXPECT_EQ(0u, refused.streams());
}

TEST(H2Server, ByteByByteIsTheSame) {
    std::string all = std::string(kH2Preface) + h2_frame(NGHTTP2_SETTINGS, 0, 0, "") +
                      h2_frame(NGHTTP2_PRIORITY, 0, 3, h2_number(1) + "\x10") +
                      h2_frame(NGHTTP2_HEADERS, kHeadEnd, 1, h2_block(post({{"content-length", "5"}}))) +
                      h2_frame(NGHTTP2_DATA, 0, 1, "he") + h2_frame(NGHTTP2_DATA, kEnd, 1, "llo") +
                      h2_frame(NGHTTP2_HEADERS, kEnd | kHeadEnd, 3, h2_block(get("/b")));
    for (size_t piece : {size_t{1}, size_t{2}, size_t{7}, all.size()}) {
        H2TestOwner owner;
        H2Server server(owner, {});
        for (size_t i = 0; i < all.size(); i += piece)
            EXPECT_TRUE(server.receive(all.data() + i, std::min(piece, all.size() - i), 1));
        H2Stream* a = server.next_request();
        H2Stream* b = server.next_request();
        ASSERT_TRUE(a && b);
        char buf[8];
        EXPECT_EQ(5, a->recv(buf, 8));
        EXPECT_EQ("GET /b HTTP/1.1\r\nHost: gw\r\n\r\n", text_of(b->request()));
        a->close();
        b->close();
    }
}

}  // namespace
}  // namespace gladius::proto
