#include "features/websocket/websocket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/test_support.h"
#include "engine/exchange.h"
#include "engine/respond.h"
#include "net/socket.h"
#include "plan/compile.h"

namespace gladius::features {
namespace {

const plan::Feature* const kWebsocket[] = {&websocket};

std::shared_ptr<plan::Snapshot> compiled(const std::string& text, conf::Diagnostics& d, plan::Features features) {
    std::vector<conf::NamespaceInfo> rows;
    for (const plan::Feature* f : features)
        rows.push_back(f->info);
    conf::LoadOptions o;
    o.namespaces = rows;
    conf::LoadResult r = conf::load(text, o);
    d.append(r.diagnostics);
    if (!r.ok()) return nullptr;
    plan::CompileOptions c;
    c.features = features;
    return plan::compile(*r.service, c, d);
}

std::string endpoint(const std::string& block, const std::string& host = "ws://b.test:81",
                     const std::string& more = {}) {
    return conf::with_backend("\"url_pattern\":\"/x\",\"disable_host_sanitize\":true,\"host\":[\"" + host + "\"]",
                              "\"endpoint\":\"/a\"," + more + "\"extra_config\":{\"websocket\":" + block + "}");
}

TEST(Websocket, DirectCommunicationIsATunnel) {
    conf::Diagnostics d;
    auto s = compiled(endpoint(R"({"enable_direct_communication":true,"input_headers":["x-one","cookie"],
                                   "subprotocols":["a"],"timeout":"90s"})",
                               "wss://b.test"),
                      d, kWebsocket);
    ASSERT_TRUE(s) << d.text();
    EXPECT_FALSE(d.has_errors()) << d.text();
    const plan::EndpointPlan& e = *s->endpoints[0];
    EXPECT_EQ(e.executor, plan::Executor::tunnel);
    ASSERT_TRUE(e.tunnel);
    EXPECT_EQ(e.tunnel->idle_timeout_ms, 90'000u);
    EXPECT_TRUE(e.tunnel->of_handshake("SEC-websocket-key"));
    EXPECT_FALSE(e.tunnel->of_handshake("Cookie"));
    const plan::BackendPlan& b = e.backends[0];
    EXPECT_TRUE(b.headers.passes(http::Token::cookie, "Cookie"));
    EXPECT_TRUE(b.headers.passes(http::Token::unknown, "X-One"));
    EXPECT_FALSE(b.headers.passes(http::Token::content_type, "Content-Type"));
    EXPECT_TRUE(b.hosts[0].host->https);
    EXPECT_EQ(b.hosts[0].host->port, 443);
}

TEST(Websocket, WhatCanNeverWorkIsAnError) {
    struct Wrong {
        std::string text, said;
    };
    const std::string direct = R"({"enable_direct_communication":true})";
    const Wrong wrongs[] = {
        {endpoint(direct, "ws://b.test", "\"method\":\"POST\","), "a WebSocket begins with GET"},
        {conf::with_endpoint("\"endpoint\":\"/a\",\"extra_config\":{\"websocket\":" + direct +
                             "},\"backend\":[{\"url_pattern\":\"/x\",\"disable_host_sanitize\":true,\"host\":[\"ws://"
                             "a\"]},{\"url_pattern\":\"/y\",\"disable_host_sanitize\":true,\"host\":[\"ws://a\"]}]"),
         "exactly one backend"},
        {endpoint("true"), "must be an object"},
    };
    for (const Wrong& w : wrongs) {
        conf::Diagnostics d;
        compiled(w.text, d, kWebsocket);
        EXPECT_TRUE(d.has_errors()) << w.text;
        EXPECT_NE(d.text().find(w.said), std::string::npos) << d.text();
    }
}

TEST(Websocket, WhatIsReadOtherwiseIsAWarning) {
    conf::Diagnostics d;
    auto s = compiled(endpoint(R"({"enable_direct_communication":true,"timeout":"10s"})", "ws://b.test",
                               "\"input_headers\":[\"Cookie\"],"),
                      d, kWebsocket);
    ASSERT_TRUE(s);
    EXPECT_NE(d.text().find("below 1m"), std::string::npos) << d.text();
    EXPECT_NE(d.text().find("do not count here"), std::string::npos) << d.text();
    EXPECT_EQ(s->endpoints[0]->tunnel->idle_timeout_ms, 60'000u);
}

// Files that the Community edition starts with, which does not know the namespace.
TEST(Websocket, HostsOfHttpAreSpokenToAllTheSame) {
    conf::Diagnostics d;
    auto s = compiled(endpoint(R"({"enable_direct_communication":true})", "http://b.test"), d, kWebsocket);
    ASSERT_TRUE(s) << d.text();
    EXPECT_NE(d.text().find("http:// is read as ws://"), std::string::npos) << d.text();
    EXPECT_TRUE(s->endpoints[0]->tunnel);
    EXPECT_EQ(s->endpoints[0]->backends[0].hosts.size(), 1u);
}

TEST(Websocket, ItsHostsMeanNothingElsewhere) {
    conf::Diagnostics d;
    auto s = compiled(conf::with_backend(R"("url_pattern":"/x","disable_host_sanitize":true,"host":["ws://b.test"])"),
                      d, kWebsocket);
    ASSERT_TRUE(s);
    EXPECT_TRUE(s->endpoints[0]->backends[0].hosts.empty());
    EXPECT_NE(d.text().find("ws://b.test is nothing that can be called over HTTP"), std::string::npos) << d.text();
}

// --- stages in front of a tunnel
// -------------------------------------------------------------------------------------------

// "yes" may go on at once, "later yes" after a turn, nobody else.
rt::Task<plan::Verdict> decide_later(const void*, engine::Exchange& ex) {
    co_await ex.w.loop.yield();
    const http::Field* f = ex.find(http::Token::authorization);
    if (f && ex.value(*f) == "later yes") co_return plan::Verdict::next;
    engine::Answer a;
    a.status = 403;
    co_await engine::answer(ex, a);
    co_return plan::Verdict::reply;
}
plan::Verdict decide(const void*, engine::Exchange& ex) {
    const http::Field* f = ex.find(http::Token::authorization);
    return f && ex.value(*f) == "yes" ? plan::Verdict::next : plan::Verdict::suspend;
}
const plan::Feature kGuard = {
    .info = {.name = "test/guard",
             .alias = "",
             .levels = static_cast<uint8_t>(conf::Level::endpoint),
             .posture = conf::Posture::protective,
             .built = true},
    .compile_endpoint =
        [](const conf::Node&, plan::EndpointBuilder& b) {
            plan::Stage stage;
            stage.run = &decide;
            stage.run_async = &decide_later;
            b.add(plan::Phase::authentication, std::move(stage));
        },
};
// The guard is listed last: the order of the registry must not matter to it.
const plan::Feature* const kGuarded[] = {&websocket, &kGuard};

struct Guarded : ::testing::Test {
    rt::Loop loop;
    engine::Budget budget;
    telemetry::Counters counters{1};
    telemetry::Log log{telemetry::LogOptions{}};
    std::unique_ptr<engine::Worker> worker;
    int listener = -1, backend = -1, client = -1;

    void SetUp() override {
        auto fd = net::listen_tcp("127.0.0.1", 0);
        ASSERT_TRUE(fd);
        listener = *fd;
        worker = std::make_unique<engine::Worker>(loop, 0, 1, budget, counters.shard(0), log.add_writer(), false);
        conf::Diagnostics d;
        std::string host = "ws://127.0.0.1:" + std::to_string(net::local_port(listener));
        auto s = compiled(
            conf::with_backend("\"url_pattern\":\"/x\",\"disable_host_sanitize\":true,\"host\":[\"" + host + "\"]",
                               R"("endpoint":"/a","timeout":"1h","extra_config":{"test/guard":{},"websocket":
                                  {"enable_direct_communication":true,"input_headers":["Authorization"]}})"),
            d, kGuarded);
        ASSERT_TRUE(s) << d.text();
        worker->adopt(s);
        int pair[2];
        ASSERT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
        client = pair[1];
        worker->accept(pair[0], net::Address{});
    }
    void TearDown() override {
        if (worker) worker->cut_all();
        for (int fd : {client, backend, listener})
            if (fd >= 0) ::close(fd);
        turns();
    }
    void turns() {
        for (int i = 0; i < 20; ++i)
            loop.turn(1);
    }
    void upgrade(const std::string& authorization) {
        send(client,
             "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n" +
                 (authorization.empty() ? "" : "Authorization: " + authorization + "\r\n") + "\r\n");
        turns();
        backend = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        turns();
    }
    static void send(int fd, const std::string& text) {
        ASSERT_EQ(static_cast<ssize_t>(text.size()), ::send(fd, text.data(), text.size(), MSG_NOSIGNAL));
    }
    static std::string received(int fd) {
        char buf[4096];
        ssize_t n = ::recv(fd, buf, sizeof buf, 0);
        return n < 0 ? std::string("-") : std::string(buf, static_cast<size_t>(n));
    }
};

TEST_F(Guarded, AStageThatRefusesKeepsTheBackendUnasked) {
    upgrade("");
    EXPECT_LT(backend, 0) << "the backend was called";
    EXPECT_TRUE(received(client).starts_with("HTTP/1.1 403 "));
    send(client, "\x81\x80junk");  // no tunnel: the next bytes are a request, and a bad one
    turns();
    EXPECT_TRUE(received(client).starts_with("HTTP/1.1 400 "));
}

TEST_F(Guarded, AStageThatLetsGoOnIsFollowedByTheTunnel) {
    for (std::string authorization : {"yes", "later yes"}) {
        upgrade(authorization);
        ASSERT_GE(backend, 0) << authorization;
        std::string asked = received(backend);
        EXPECT_TRUE(asked.starts_with("GET /x HTTP/1.1\r\n")) << asked;
        EXPECT_NE(asked.find("Authorization: " + authorization + "\r\n"), std::string::npos) << asked;
        send(backend, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\nhello");
        turns();
        std::string got = received(client);
        EXPECT_TRUE(got.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << got;
        EXPECT_TRUE(got.ends_with("\r\n\r\nhello")) << got;
        EXPECT_EQ(counters.sum(telemetry::Counter::upgrades_open), 1u);
        send(client, "up");
        turns();
        EXPECT_EQ(received(backend), "up");
        ::shutdown(backend, SHUT_RDWR);
        turns();
        EXPECT_EQ(received(client), "");
        ::shutdown(client, SHUT_RDWR);
        turns();
        EXPECT_EQ(counters.sum(telemetry::Counter::upgrades_open), 0u);
        ::close(client);
        ::close(backend);
        backend = -1;
        int pair[2];
        ASSERT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
        client = pair[1];
        worker->accept(pair[0], net::Address{});
    }
}

TEST_F(Guarded, AReloadEndsItOnlyWithItsEndpoint) {
    upgrade("yes");
    ASSERT_GE(backend, 0);
    received(backend);
    send(backend, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    turns();
    received(client);
    conf::Diagnostics d;
    auto same = compiled(endpoint(R"({"enable_direct_communication":true})"), d, kGuarded);
    worker->adopt(same);
    turns();
    EXPECT_EQ(received(client), "-") << "still open, and silent";
    std::string other = endpoint(R"({"enable_direct_communication":true})");
    other.replace(other.find("\"/a\""), 4, "\"/b\"");
    worker->adopt(compiled(other, d, kGuarded));
    turns();
    EXPECT_EQ(received(client), "");
    EXPECT_EQ(received(backend), "");
}

}  // namespace
}  // namespace gladius::features
