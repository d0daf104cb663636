#include "proto/h2_client.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gladius::proto {
namespace {

// The other side: nghttp2's server, with what it saw and what it is told to say.
struct Server {
    struct Seen {
        std::map<std::string, std::string> fields;
        std::vector<std::string> names;
        std::string body;
        bool ended = false;
        int reset = -1;
    };
    nghttp2_session* session = nullptr;
    std::map<int32_t, Seen> seen;
    std::string body;  // of the answer that is being sent
    size_t sent = 0;

    Server() {
        nghttp2_session_callbacks* c = nullptr;
        nghttp2_session_callbacks_new(&c);
        nghttp2_session_callbacks_set_on_header_callback(
            c, [](nghttp2_session*, const nghttp2_frame* f, const uint8_t* n, size_t nl, const uint8_t* v, size_t vl,
                  uint8_t, void* self) {
                Seen& s = static_cast<Server*>(self)->seen[f->hd.stream_id];
                std::string name(reinterpret_cast<const char*>(n), nl);
                s.fields[name] = std::string(reinterpret_cast<const char*>(v), vl);
                s.names.push_back(name);
                return 0;
            });
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
            c, [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* d, size_t n, void* self) {
                static_cast<Server*>(self)->seen[id].body.append(reinterpret_cast<const char*>(d), n);
                return 0;
            });
        nghttp2_session_callbacks_set_on_frame_recv_callback(
            c, [](nghttp2_session*, const nghttp2_frame* f, void* self) {
                Seen& s = static_cast<Server*>(self)->seen[f->hd.stream_id];
                if (f->hd.type == NGHTTP2_RST_STREAM) s.reset = static_cast<int>(f->rst_stream.error_code);
                if ((f->hd.type == NGHTTP2_DATA || f->hd.type == NGHTTP2_HEADERS) &&
                    (f->hd.flags & NGHTTP2_FLAG_END_STREAM))
                    s.ended = true;
                return 0;
            });
        nghttp2_session_server_new(&session, c, this);
        nghttp2_session_callbacks_del(c);
    }
    ~Server() { nghttp2_session_del(session); }

    void settings(std::vector<nghttp2_settings_entry> s = {}) {
        nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, s.data(), s.size());
    }
    static nghttp2_nv nv(std::string_view n, std::string_view v) {
        return {reinterpret_cast<uint8_t*>(const_cast<char*>(n.data())),
                reinterpret_cast<uint8_t*>(const_cast<char*>(v.data())), n.size(), v.size(), 0};
    }
    void head(int32_t id, std::vector<nghttp2_nv> fields, bool ends) {
        nghttp2_submit_headers(session, ends ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE, id, nullptr, fields.data(),
                               fields.size(), nullptr);
    }
    void answer(int32_t id, std::vector<nghttp2_nv> fields, std::string text) {
        body = std::move(text);
        sent = 0;
        nghttp2_data_provider p{};
        p.source.ptr = this;
        p.read_callback = [](nghttp2_session*, int32_t, uint8_t* buf, size_t n, uint32_t* flags,
                             nghttp2_data_source* from, void*) {
            auto* self = static_cast<Server*>(from->ptr);
            n = std::min(n, self->body.size() - self->sent);
            self->body.copy(reinterpret_cast<char*>(buf), n, self->sent);
            self->sent += n;
            if (self->sent == self->body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
            return static_cast<ssize_t>(n);
        };
        nghttp2_submit_response(session, id, fields.data(), fields.size(), &p);
    }
};

struct Owner final : H2ClientOwner {
    int64_t kept = 0;
    bool refuses = false;
    int closed = 0;
    void h2_output() override {}
    bool h2_take_memory(size_t n) override {
        if (refuses) return false;
        kept += static_cast<int64_t>(n);
        return true;
    }
    void h2_give_memory(size_t n) override { kept -= static_cast<int64_t>(n); }
    void h2_stream_closed() override { ++closed; }
};

struct H2ClientTest : testing::Test {
    rt::Loop loop;
    Owner owner;
    H2ClientLimits limits;
    std::unique_ptr<H2Client> client;
    Server server;
    std::vector<std::unique_ptr<rt::Io>> ios;

    void SetUp() override {
        limits.max_header_bytes = 30'000;
        client = std::make_unique<H2Client>(owner, limits, false);
    }
    void TearDown() override {
        for (auto& io : ios)
            io->close();
        client->fail();
        EXPECT_EQ(0u, client->streams());
        EXPECT_EQ(0, owner.kept);
    }
    // Until neither side has anything to say; `most` bytes at a time.
    void exchange(size_t most = SIZE_MAX) {
        for (bool moved = true; moved;) {
            moved = false;
            while (!client->output().empty()) {
                std::string out(client->output().view().substr(0, most));
                client->output().consume(out.size());
                client->sent();
                EXPECT_EQ(
                    static_cast<ssize_t>(out.size()),
                    nghttp2_session_mem_recv(server.session, reinterpret_cast<const uint8_t*>(out.data()), out.size()));
                moved = true;
            }
            const uint8_t* data = nullptr;
            ssize_t n;
            while ((n = nghttp2_session_mem_send(server.session, &data)) > 0) {
                std::string in(reinterpret_cast<const char*>(data), static_cast<size_t>(n));
                for (size_t at = 0; at < in.size(); at += std::min(most, in.size()))
                    client->receive(in.data() + at, std::min(most, in.size() - at));
                moved = true;
            }
        }
        loop.turn(0);
    }
    H2ClientStream* open() {
        H2ClientStream* s = client->open();
        if (!s) return nullptr;
        ios.push_back(std::make_unique<rt::Io>());
        ios.back()->open(loop, *s);
        s->attach(*ios.back());
        return s;
    }
    // The whole request, as often as it takes.
    void say(H2ClientStream& s, std::string_view text, size_t most = SIZE_MAX) {
        for (int i = 0; !text.empty() && i < 100000; ++i) {
            ssize_t n = s.send(text.data(), std::min(most, text.size()));
            if (n < 0) {
                ASSERT_EQ(EAGAIN, errno);
                exchange();
                continue;
            }
            text.remove_prefix(static_cast<size_t>(n));
        }
        EXPECT_TRUE(text.empty());
        exchange();
    }
    static std::string hear(H2ClientStream& s, ssize_t& end) {
        std::string out;
        char buf[1000];
        while ((end = s.recv(buf, sizeof buf)) > 0)
            out.append(buf, static_cast<size_t>(end));
        if (end < 0) end = -errno;
        return out;
    }
};

TEST_F(H2ClientTest, HeadsGoThereAndBack) {
    server.settings();
    H2ClientStream* s = open();
    say(*s, "GET /a?b=c HTTP/1.1\r\nHost: b.test:81\r\nX-One: 1\r\nAccept-Encoding: gzip\r\nKeep-Alive: 1\r\n\r\n");
    auto& seen = server.seen[1];
    EXPECT_TRUE(seen.ended);
    EXPECT_EQ((std::vector<std::string>{":method", ":scheme", ":authority", ":path", "x-one", "accept-encoding"}),
              seen.names);
    EXPECT_EQ("b.test:81", seen.fields[":authority"]);
    EXPECT_EQ("/a?b=c", seen.fields[":path"]);
    EXPECT_EQ("http", seen.fields[":scheme"]);
    server.head(1, {Server::nv(":status", "103"), Server::nv("link", "x")}, false);
    server.answer(1, {Server::nv(":status", "404"), Server::nv("x-some-thing", "1"), Server::nv("etag", "2")}, "body");
    exchange();
    ssize_t end;
    EXPECT_EQ("HTTP/1.1 404 Not Found\r\nX-Some-Thing: 1\r\nEtag: 2\r\n\r\nbody", hear(*s, end));
    EXPECT_EQ(0, end);
}

TEST_F(H2ClientTest, AnAnswerWithoutABodySaysSo) {
    server.settings();
    for (auto [request, status, want] : {std::tuple{"GET", "200", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
                                         std::tuple{"HEAD", "200", "HTTP/1.1 200 OK\r\n\r\n"},
                                         std::tuple{"GET", "204", "HTTP/1.1 204 No Content\r\n\r\n"}}) {
        H2ClientStream* s = open();
        say(*s, std::string(request) + " / HTTP/1.1\r\nHost: b\r\n\r\n");
        server.head(server.seen.rbegin()->first, {Server::nv(":status", status)}, true);
        exchange();
        ssize_t end;
        EXPECT_EQ(want, hear(*s, end));
        EXPECT_EQ(0, end);
    }
}

TEST_F(H2ClientTest, BodiesOfRequestsAreUnframed) {
    server.settings();
    std::string body(200000, 'x');
    for (size_t i = 0; i < body.size(); ++i)
        body[i] = static_cast<char>('a' + i % 26);
    std::string chunked = "POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (size_t at = 0, k = 1; at < body.size(); at += k, k = k * 7 % 70001 + 1) {
        k = std::min(k, body.size() - at);
        char size[32];
        std::snprintf(size, sizeof size, "%zx;e=1\r\n", k);
        chunked += size + body.substr(at, k) + "\r\n";
    }
    chunked += "0\r\nX-T: 1\r\n\r\n";
    std::string length =
        "POST / HTTP/1.1\r\nHost: b\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    for (const std::string& request : {chunked, length}) {
        // The head comes in one piece, the rest as it likes.
        size_t head = request.find("\r\n\r\n") + 4;
        for (size_t most : {SIZE_MAX, size_t{1000}, size_t{7}}) {
            H2ClientStream* s = open();
            say(*s, request.substr(0, most == SIZE_MAX ? request.size() : head));
            if (most != SIZE_MAX) say(*s, std::string_view(request).substr(head), most);
            auto& seen = server.seen.rbegin()->second;
            EXPECT_TRUE(seen.ended);
            EXPECT_EQ(body, seen.body);
            EXPECT_EQ(0u, seen.fields.count("transfer-encoding"));
            server.head(server.seen.rbegin()->first, {Server::nv(":status", "200")}, true);
            exchange();
        }
    }
}

TEST_F(H2ClientTest, WritersWaitForTheirWindowAndReadersOpenOurs) {
    server.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10}});
    exchange();
    H2ClientStream* s = open();
    std::string request = "POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 30\r\n\r\n";
    size_t head = request.size();
    request += std::string(30, 'y');
    EXPECT_EQ(static_cast<ssize_t>(head + 10), s->send(request.data(), request.size()));
    EXPECT_EQ(-1, s->send("yyyy", 4));
    EXPECT_EQ(EAGAIN, errno);
    exchange();  // the server takes it, and opens its window by half
    std::string answer(limits.stream_window + 100'000, 'z');
    server.answer(1, {Server::nv(":status", "200")}, answer);
    exchange();
    EXPECT_EQ(limits.stream_window, server.sent);
    EXPECT_GE(owner.kept, int64_t{limits.stream_window});
    ssize_t end;
    std::string got = hear(*s, end);
    EXPECT_EQ(-EAGAIN, end);
    EXPECT_EQ(0, owner.kept);
    exchange();
    got += hear(*s, end);
    exchange();
    got += hear(*s, end);
    EXPECT_EQ(0, end);
    EXPECT_EQ("HTTP/1.1 200 OK\r\n\r\n" + answer, got);
}

TEST_F(H2ClientTest, WithoutMemoryForItAnAnswerIsCut) {
    server.settings();
    H2ClientStream* s = open();
    say(*s, "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    owner.refuses = true;
    server.answer(1, {Server::nv(":status", "200")}, std::string(100'000, 'z'));
    exchange();
    ssize_t end;
    hear(*s, end);
    EXPECT_EQ(-ECONNRESET, end);
    EXPECT_EQ(NGHTTP2_ENHANCE_YOUR_CALM, static_cast<uint32_t>(server.seen[1].reset));
}

TEST_F(H2ClientTest, ResetsAreSeenBehindWhatCame) {
    server.settings();
    H2ClientStream* s = open();
    say(*s, "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    server.head(1, {Server::nv(":status", "200")}, false);
    exchange();
    nghttp2_submit_rst_stream(server.session, NGHTTP2_FLAG_NONE, 1, NGHTTP2_INTERNAL_ERROR);
    exchange();
    ssize_t end;
    EXPECT_EQ("HTTP/1.1 200 OK\r\n\r\n", hear(*s, end));
    EXPECT_EQ(-ECONNRESET, end);
    EXPECT_FALSE(s->unprocessed());
    EXPECT_EQ(-1, s->send("x", 1));
    EXPECT_EQ(EPIPE, errno);
}

TEST_F(H2ClientTest, WhatWasNotLookedAtSaysSo) {
    server.settings();
    H2ClientStream* a = open();
    H2ClientStream* b = open();
    H2ClientStream* c = open();
    H2ClientStream* late = open();
    for (H2ClientStream* s : {a, b, c})
        say(*s, "POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 1\r\n\r\nx");
    nghttp2_submit_rst_stream(server.session, NGHTTP2_FLAG_NONE, 1, NGHTTP2_REFUSED_STREAM);
    nghttp2_submit_goaway(server.session, NGHTTP2_FLAG_NONE, 3, NGHTTP2_NO_ERROR, nullptr, 0);
    exchange();
    EXPECT_TRUE(a->unprocessed());
    EXPECT_FALSE(b->unprocessed());
    EXPECT_TRUE(c->unprocessed());
    EXPECT_FALSE(client->can_open());
    EXPECT_EQ(nullptr, client->open());
    EXPECT_EQ(-1, late->send("GET / HTTP/1.1\r\nHost: b\r\n\r\n", 27));
    EXPECT_TRUE(late->unprocessed());
    // The one that was looked at goes on.
    server.answer(3, {Server::nv(":status", "200")}, "ok");
    exchange();
    ssize_t end;
    EXPECT_EQ("HTTP/1.1 200 OK\r\n\r\nok", hear(*b, end));
    EXPECT_EQ(0, end);
}

TEST_F(H2ClientTest, ABrokenConnectionBreaksEveryStream) {
    server.settings();
    H2ClientStream* s = open();
    say(*s, "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    client->fail();
    ssize_t end;
    hear(*s, end);
    EXPECT_EQ(-ECONNRESET, end);
    EXPECT_FALSE(s->unprocessed());
}

TEST_F(H2ClientTest, WhoLeavesEarlyResetsAndWhoHasAllDoesNot) {
    server.settings();
    H2ClientStream* s = open();
    say(*s, "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    ios[0]->close();
    exchange();
    EXPECT_EQ(NGHTTP2_CANCEL, static_cast<uint32_t>(server.seen[1].reset));
    EXPECT_EQ(0u, client->streams());
    EXPECT_EQ(1, owner.closed);

    s = open();
    say(*s, "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    // All that was announced, but not yet the end.
    server.head(3, {Server::nv(":status", "200"), Server::nv("content-length", "0")}, false);
    exchange();
    ios[1]->close();
    exchange();
    EXPECT_EQ(-1, server.seen[3].reset);
    EXPECT_EQ(1u, client->streams());
    server.head(3, {Server::nv("x-trailer", "1")}, true);
    exchange();
    EXPECT_EQ(0u, client->streams());
}

TEST_F(H2ClientTest, TheBackendSaysHowManyStreams) {
    server.settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}});
    exchange();
    H2ClientStream* s = open();
    ASSERT_NE(nullptr, open());
    EXPECT_FALSE(client->can_open());
    say(*s, "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    server.head(1, {Server::nv(":status", "200")}, true);
    exchange();
    ios[0]->close();
    EXPECT_TRUE(client->can_open());
    client->retire();
    EXPECT_FALSE(client->can_open());
}

TEST_F(H2ClientTest, HeadsThatAreNoneAreRefused) {
    server.settings();
    struct Case {
        std::vector<nghttp2_nv> fields;
    } cases[] = {
        {{Server::nv(":status", "99x")}},
        {{Server::nv(":status", "101")}},
        {{Server::nv(":status", "200"), Server::nv("x-long", "")}},
    };
    std::string large(40'000, 'l');
    cases[2].fields[1] = Server::nv("x-long", large);
    for (Case& c : cases) {
        H2ClientStream* s = open();
        ASSERT_NE(nullptr, s);
        say(*s, "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
        server.head(server.seen.rbegin()->first, c.fields, true);
        exchange();
        ssize_t end;
        EXPECT_EQ("", hear(*s, end));
        EXPECT_EQ(-ECONNRESET, end);
    }
}

TEST_F(H2ClientTest, ByteByByte) {
    server.settings();
    H2ClientStream* s = open();
    say(*s, "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    server.answer(1, {Server::nv(":status", "200"), Server::nv("content-length", "5")}, "hello");
    exchange(1);
    ssize_t end;
    EXPECT_EQ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", hear(*s, end));
    EXPECT_EQ(0, end);
}

}  // namespace
}  // namespace gladius::proto
