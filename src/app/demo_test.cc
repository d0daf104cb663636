#include "app/demo.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <string>

#include "base/pool.h"
#include "http/h1.h"
#include "net/socket.h"

namespace gladius::app {
namespace {

// A client on the same loop: sends, then turns the loop until what it waits for is there.
class DemoTest : public testing::Test {
  protected:
    DemoTest() {
        Result<void> r = server_.listen("127.0.0.1", 0);
        EXPECT_TRUE(bool(r)) << r.error().message;
    }
    ~DemoTest() override {
        for (int fd : open_)
            ::close(fd);
        server_.stop();
        while (server_.connections() > 0)
            loop_.turn(0);
    }
    int connect() {
        net::Address a;
        net::parse_ip("127.0.0.1", server_.port(), a);
        int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(0, ::connect(fd, a.sa(), a.length));
        open_.push_back(fd);
        return fd;
    }
    void send(int fd, std::string_view text) {
        while (!text.empty()) {
            ssize_t n = ::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n > 0) text.remove_prefix(static_cast<size_t>(n));
            if (n < 0 && errno != EAGAIN) return;
            loop_.turn(0);
        }
    }
    // Until `enough` says so, or the server closed.
    template <class F>
    std::string receive(int fd, F enough) {
        std::string all;
        while (!enough(all)) {
            char buf[65536];
            ssize_t n = ::recv(fd, buf, sizeof buf, MSG_DONTWAIT);
            if (n > 0) {
                all.append(buf, static_cast<size_t>(n));
                continue;
            }
            if (n == 0 || errno != EAGAIN) break;
            loop_.turn(1);
        }
        return all;
    }
    std::string until_close(int fd) {
        return receive(fd, [](const std::string&) { return false; });
    }
    std::string ask(std::string_view request) {
        int fd = connect();
        send(fd, request);
        return until_close(fd);
    }
    std::string get(const std::string& target) {
        return ask("GET " + target + " HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n");
    }
    static std::string body(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }
    static int status(const std::string& answer) { return std::atoi(answer.substr(9, 3).c_str()); }
    static size_t count(const std::string& text, const std::string& what) {
        size_t n = 0;
        for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
            ++n;
        return n;
    }

    rt::Loop loop_;
    DemoServer server_{loop_};
    std::vector<int> open_;
};

TEST_F(DemoTest, UsersPostsAndOrders) {
    EXPECT_EQ(
        "{\"id\":1,\"name\":\"Ada\",\"email\":\"user1@example.com\",\"address\":{\"city\":\"London\",\"street\":\"1 "
        "Via Appia\"},"
        "\"role\":\"admin\"}",
        body(get("/users/1")));
    EXPECT_EQ(10u, count(body(get("/users")), "\"email\""));
    EXPECT_EQ(10u, count(body(get("/posts")), "\"title\""));
    EXPECT_EQ(2u, count(body(get("/posts?user_id=7")), "\"user_id\":7"));
    EXPECT_EQ("[]", body(get("/posts?user_id=x")));
    EXPECT_EQ(1u, count(body(get("/posts/13")), "\"user_id\":7"));
    EXPECT_EQ(1u, count(body(get("/orders/3")), "\"total_cents\""));
    for (const char* path : {"/users/0", "/users/101", "/users/", "/users/x", "/users/1/2", "/users/-1", "/nothing",
                             "/users/99999999999999999999999"})
        EXPECT_EQ(404, status(get(path))) << path;
    std::string index = get("/");
    EXPECT_EQ(200, status(index));
    EXPECT_NE(std::string::npos, index.find("/orders/{id}"));
}

TEST_F(DemoTest, EchoShowsTheRequest) {
    std::string answer = ask("PUT /echo/ HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(404, status(answer));
    answer =
        ask("PUT /ech%6f?a=1&b=%20 HTTP/1.1\r\nHost: demo\r\nx-one: 1\r\nX-ONE: \"2\"\r\nContent-Length: "
            "7\r\nConnection: close\r\n\r\n"
            "{\"a\":1}");
    EXPECT_EQ(
        "{\"method\":\"PUT\",\"path\":\"/echo\",\"query\":\"a=1&b=%20\",\"headers\":{\"Host\":\"demo\",\"X-One\":\"1, "
        "\\\"2\\\"\","
        "\"Content-Length\":\"7\",\"Connection\":\"close\"},\"body\":\"{\\\"a\\\":1}\"}",
        body(answer));
    EXPECT_EQ("{\"Host\":\"demo\",\"Connection\":\"close\"}", body(get("/headers")));
}

TEST_F(DemoTest, ChunkedBodyInEveryCut) {
    std::string request =
        "POST /echo HTTP/1.1\r\nHost: demo\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: v\r\n\r\n";
    for (size_t cut = 1; cut < request.size(); ++cut) {
        int fd = connect();
        send(fd, request.substr(0, cut));
        loop_.turn(0);
        send(fd, request.substr(cut));
        EXPECT_NE(std::string::npos, until_close(fd).find("\"body\":\"hello world\"")) << cut;
    }
}

TEST_F(DemoTest, KeepAliveAndPipelining) {
    int fd = connect();
    std::string many;
    for (int i = 1; i <= 100; ++i)
        many += "GET /users/" + std::to_string(i) + " HTTP/1.1\r\nHost: demo\r\n\r\n";
    send(fd, many);
    std::string all = receive(fd, [](const std::string& s) { return count(s, "\"email\"") == 100; });
    EXPECT_EQ(100u, count(all, "HTTP/1.1 200 OK"));
    EXPECT_LT(all.find("user99@"), all.find("user100@"));
    // Bodies between requests belong to their request, whatever the route makes of them.
    send(fd,
         "POST /users/1 HTTP/1.1\r\nHost: demo\r\nContent-Length: 18\r\n\r\nGET /x HTTP/1.1\r\n\r\nGET /users/2 "
         "HTTP/1.1\r\nHost: d\r\n\r\n");
    all = receive(fd, [](const std::string& s) { return count(s, "user2@") == 1; });
    EXPECT_EQ(1u, count(all, "user1@"));
    EXPECT_EQ(1u, server_.connections());
}

TEST_F(DemoTest, Http10) {
    std::string answer = ask("GET /users/1 HTTP/1.0\r\n\r\n");
    EXPECT_EQ(200, status(answer));
    EXPECT_NE(std::string::npos, answer.find("Connection: close"));
    int fd = connect();
    send(fd, "GET /users/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    answer = receive(fd, [](const std::string& s) { return count(s, "\"role\"") == 1; });
    EXPECT_NE(std::string::npos, answer.find("Connection: keep-alive"));
}

TEST_F(DemoTest, HeadHasNoBody) {
    for (const char* path : {"/users/1", "/bytes/100", "/stream/3", "/delay/1", "/gzip"}) {
        std::string answer = ask("HEAD " + std::string(path) + " HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(200, status(answer)) << path;
        EXPECT_EQ("", body(answer)) << path;
    }
}

TEST_F(DemoTest, StatusDelayBytesAndEvents) {
    EXPECT_EQ(503, status(get("/status/503")));
    std::string none = get("/status/204");
    EXPECT_EQ(204, status(none));
    EXPECT_EQ("", body(none));
    EXPECT_EQ(std::string::npos, none.find("Content-Length"));
    EXPECT_EQ(400, status(get("/status/99")));
    uint64_t start = loop_.now_ms();
    EXPECT_EQ("{\"delayed_ms\":30}", body(get("/delay/30")));
    EXPECT_GE(loop_.now_ms() - start, 30u);
    EXPECT_EQ(400, status(get("/delay/60001")));
    EXPECT_EQ(1000003u, body(get("/bytes/1000003")).size());
    EXPECT_EQ("", body(get("/bytes/0")));
    EXPECT_EQ(400, status(get("/bytes/x")));
    std::string events = get("/stream/2");
    EXPECT_NE(std::string::npos, events.find("text/event-stream"));
    EXPECT_EQ(2u, count(events, "\ndata: {\"event\":"));
    EXPECT_TRUE(events.ends_with("0\r\n\r\n"));
}

TEST_F(DemoTest, GzipUnpacks) {
    std::string packed = body(get("/gzip"));
    std::string plain(65536, 0);
    z_stream z{};
    ASSERT_EQ(Z_OK, inflateInit2(&z, 15 + 16));
    z.next_in = reinterpret_cast<Bytef*>(packed.data());
    z.avail_in = static_cast<uInt>(packed.size());
    z.next_out = reinterpret_cast<Bytef*>(plain.data());
    z.avail_out = static_cast<uInt>(plain.size());
    EXPECT_EQ(Z_STREAM_END, inflate(&z, Z_FINISH));
    plain.resize(z.total_out);
    inflateEnd(&z);
    EXPECT_TRUE(plain.starts_with("{\"compressed\":true,\"users\":[{\"id\":1,"));
}

TEST_F(DemoTest, LimitsAndBadRequests) {
    EXPECT_EQ(400, status(ask("GET / HTTP/1.1\r\n\r\n")));
    EXPECT_EQ(400, status(ask("what?\r\n\r\n")));
    EXPECT_EQ(
        400,
        status(
            ask("POST /echo HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")));
    EXPECT_EQ(400, status(ask("POST /echo HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")));
    EXPECT_EQ(400, status(ask("GET /%zz HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")));
    EXPECT_EQ(413, status(ask("POST /echo HTTP/1.1\r\nHost: d\r\nContent-Length: 16777217\r\n\r\n")));
    EXPECT_EQ(431, status(ask("GET / HTTP/1.1\r\nHost: d\r\nX: " + std::string(70000, 'a') + "\r\n\r\n")));
    EXPECT_EQ(417, status(ask("POST /echo HTTP/1.1\r\nHost: d\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\na")));
    std::string fields;
    for (int i = 0; i < 200; ++i)
        fields += "X: y\r\n";
    EXPECT_EQ(431, status(ask("GET / HTTP/1.1\r\nHost: d\r\n" + fields + "\r\n")));
    std::string large =
        "POST /echo HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n1000001\r\n" + std::string(0x1000001, 'a');
    EXPECT_EQ(413, status(ask(large)));
}

TEST_F(DemoTest, ExpectContinue) {
    int fd = connect();
    send(fd,
         "POST /echo HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
    EXPECT_EQ("HTTP/1.1 100 Continue\r\n\r\n",
              receive(fd, [](const std::string& s) { return s.ends_with("\r\n\r\n"); }));
    send(fd, "ok");
    EXPECT_NE(std::string::npos, until_close(fd).find("\"body\":\"ok\""));
}

TEST_F(DemoTest, ClientsThatGoAwayLeaveNothingBehind) {
    for (const char* request :
         {"GET /delay/50 HTTP/1.1\r\nHost: d\r\n\r\n", "GET /bytes/50000000 HTTP/1.1\r\nHost: d\r\n\r\n",
          "GET /stream/3 HTTP/1.1\r\nHost: d\r\n\r\n", "POST /echo HTTP/1.1\r\nHost: d\r\nContent-Length: 9\r\n\r\na",
          "GE", ""}) {
        int fd = connect();
        send(fd, request);
        while (server_.connections() == 0)
            loop_.turn(1);
        loop_.turn(0);
        open_.pop_back();
        ::close(fd);
        while (server_.connections() > 0)
            loop_.turn(100);
    }
}

TEST_F(DemoTest, StopEndsEveryConnection) {
    long before = pool_live_bytes();
    int idle = connect(), waiting = connect(), streaming = connect(), blocked = connect();
    send(waiting, "GET /delay/60000 HTTP/1.1\r\nHost: d\r\n\r\n");
    send(streaming, "GET /stream/10000 HTTP/1.1\r\nHost: d\r\n\r\n");
    send(blocked, "GET /bytes/100000000 HTTP/1.1\r\nHost: d\r\n\r\n");
    while (server_.connections() < 4)
        loop_.turn(1);
    for (int i = 0; i < 5; ++i)
        loop_.turn(0);
    server_.stop();
    for (int i = 0; i < 5; ++i)
        loop_.turn(0);
    EXPECT_EQ(0u, server_.connections());
    EXPECT_EQ(before, pool_live_bytes());
    until_close(idle);
}

}  // namespace
}  // namespace gladius::app
