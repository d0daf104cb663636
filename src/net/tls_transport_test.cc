#include "net/tls_transport.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/pool.h"
#include "net/tls_error.h"
#include "net/tls_test_support.h"

using namespace gladius;
using namespace gladius::net;

namespace {

TlsFiles::Pair pair_of(const TestKey& k, const std::string& name = "k") {
    return {{name + ".pem", name + ".key", ""}, k.certificate_pem, k.key_pem, ""};
}

std::vector<uint16_t> usual_suites() {
    std::vector<uint16_t> out;
    for (const TlsName& t : kTlsSuites)
        if (t.usual) out.push_back(t.id);
    return out;
}

// Both ends in one loop over a socket pair: the gateway as the server, and as the client of a backend.
struct Tls : testing::Test {
    rt::Loop loop;
    TlsScratch scratch;
    TestKey authority = make_key("authority", "", nullptr, true);
    TestKey key = make_key("server", "DNS:a.test,IP:127.0.0.1", &authority);
    TlsServerSpec server_spec;
    TlsClientSpec client_spec;
    TlsFiles server_files, client_files;
    std::shared_ptr<TlsLibrary> library = std::make_shared<TlsLibrary>();
    std::shared_ptr<const TlsServer> server;
    std::shared_ptr<const TlsClient> client;
    std::shared_ptr<TlsSession> session = std::make_shared<TlsSession>();
    rt::Io near, far;
    TlsTransport *n = nullptr, *f = nullptr;
    int fds[2] = {-1, -1};
    std::unique_ptr<rt::Scope> all = std::make_unique<rt::Scope>(loop);

    Tls() {
        server_files.keys.push_back(pair_of(key));
        client_files.authorities = authority.certificate_pem;
        client_spec.system_cas = false;
        client_spec.min_version = TlsSpec::kTls12;
        client_spec.suites = server_spec.suites = usual_suites();
        library->tickets = TicketKeys::rotate(nullptr);
    }
    void make() {
        auto s = TlsServer::make(library, server_spec, server_files);
        ASSERT_TRUE(s) << s.error().message;
        server = *s;
        client = std::make_shared<TlsClient>(client_spec, client_files);
    }
    void connect(const std::string& host = "a.test") {
        if (!server) make();
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        ASSERT_TRUE(near.open(loop, fds[0]) && far.open(loop, fds[1]));
        n = TlsTransport::accept(near, scratch, server);
        near.attach(*n);
        f = TlsTransport::connect(far, scratch, client, host, session);
        ASSERT_TRUE(f);
        far.attach(*f);
    }
    struct Ends {
        rt::IoResult near, far;
        int done = 0;
        std::string near_error, far_error;
    };
    rt::Detached shake(rt::Io& io, TlsTransport& t, rt::IoResult& out, std::string& error, int& done) {
        rt::Scope scope(loop, all.get());
        rt::IoResult r = co_await io.handshake(scope);
        out = r;
        error = t.error();
        ++done;
    }
    Ends handshake() {
        Ends e;
        shake(far, *f, e.far, e.far_error, e.done);
        shake(near, *n, e.near, e.near_error, e.done);
        // The last words of the client's handshake go with its first bytes.
        bool sent = false, said = false;
        std::string got;
        rt::IoResult last;
        for (int i = 0; i < 20 && (e.done < 2 || got.empty()); ++i) {
            loop.turn(0);
            if (e.far.ok() && !std::exchange(said, true)) put(far, "!", sent);
            if (e.near.ok() && said && got.empty() && i > 0 && !reading_) {
                reading_ = true;
                get(near, 1, got, last);
            }
        }
        reading_ = false;
        end_waits();
        return e;
    }
    bool reading_ = false;
    void end_waits() {
        all->cancel(rt::Wake::cancelled);
        loop.turn(0);
        all = std::make_unique<rt::Scope>(loop);
    }
    void close() {
        end_waits();
        near.close();
        far.close();
        loop.turn(0);
    }
    ~Tls() override { close(); }

    rt::Detached put(rt::Io& io, std::string text, bool& done) {
        rt::Scope scope(loop, all.get());
        rt::IoResult r = co_await io.write(text.data(), text.size(), scope);
        done = r.ok();
    }
    rt::Detached get(rt::Io& io, size_t wanted, std::string& out, rt::IoResult& last) {
        rt::Scope scope(loop, all.get());
        std::string buf(64 * 1024, 0);
        while (out.size() < wanted) {
            rt::IoResult r = co_await io.read(buf.data(), buf.size(), scope);
            last = r;
            if (!r.ok()) break;
            out.append(buf, 0, static_cast<size_t>(r.n));
        }
    }
    void exchange(rt::Io& from, rt::Io& to, size_t size) {
        std::string text(size, 0);
        for (size_t i = 0; i < size; ++i)
            text[i] = static_cast<char>('a' + i * 7 % 26);
        bool sent = false;
        std::string got;
        rt::IoResult last;
        get(to, size, got, last);
        put(from, text, sent);
        for (int i = 0; i < 2000 && got.size() < size; ++i)
            loop.turn(0);
        EXPECT_TRUE(sent);
        EXPECT_EQ(got, text);
    }
};

}  // namespace

TEST_F(Tls, BytesOfAllSizesPassBothWays) {
    connect();
    Ends e = handshake();
    ASSERT_TRUE(e.near.ok() && e.far.ok()) << e.near_error << " / " << e.far_error;
    EXPECT_STREQ("", n->error().c_str());
    for (size_t size : {size_t{1}, size_t{100}, size_t{16384}, size_t{16385}, size_t{65536}, size_t{1000000}}) {
        exchange(near, far, size);
        exchange(far, near, size);
    }
}

TEST_F(Tls, EveryByteOfAHandshakeMayComeAlone) {
    make();
    int a[2], b[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a), 0);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b), 0);
    ASSERT_TRUE(near.open(loop, a[0]) && far.open(loop, b[0]));
    n = TlsTransport::accept(near, scratch, server);
    near.attach(*n);
    f = TlsTransport::connect(far, scratch, client, "a.test", session);
    far.attach(*f);
    Ends e;
    shake(far, *f, e.far, e.far_error, e.done);
    shake(near, *n, e.near, e.near_error, e.done);
    auto one = [](int from, int to) {
        char c;
        if (::recv(from, &c, 1, 0) == 1) {
            EXPECT_EQ(::send(to, &c, 1, 0), 1);
        }
    };
    bool sent = false;
    for (int i = 0; i < 6000 && e.done < 2; ++i) {
        one(a[1], b[1]);
        one(b[1], a[1]);
        loop.turn(0);
        // The last words of the client's handshake go with its first bytes.
        if (e.far.ok() && !sent) put(far, "x", sent);
    }
    EXPECT_TRUE(e.near.ok() && e.far.ok()) << e.near_error << " / " << e.far_error;
    close();
    ::close(a[1]);
    ::close(b[1]);
}

TEST_F(Tls, ASideThatReadsNothingStopsTheOther) {
    connect();
    ASSERT_TRUE(handshake().far.ok());
    std::string text(4 * 1024 * 1024, 'x');
    bool sent = false;
    put(near, text, sent);
    long before = pool_live_bytes();
    for (int i = 0; i < 50; ++i)
        loop.turn(0);
    EXPECT_FALSE(sent);
    EXPECT_LT(pool_live_bytes() - before, 128 * 1024);
    std::string got;
    rt::IoResult last;
    get(far, text.size(), got, last);
    for (int i = 0; i < 3000 && got.size() < text.size(); ++i)
        loop.turn(0);
    EXPECT_TRUE(sent);
    EXPECT_TRUE(got == text);
}

TEST_F(Tls, AGoodbyeIsTheEndAndACutIsSeen) {
    connect();
    ASSERT_TRUE(handshake().far.ok());
    exchange(far, near, 10);
    exchange(near, far, 10);
    std::string got;
    rt::IoResult last{-2, 0};
    get(far, 1, got, last);
    near.close();
    for (int i = 0; i < 5; ++i)
        loop.turn(0);
    EXPECT_EQ(last.n, 0);
    EXPECT_FALSE(f->truncated());
    close();
    connect();
    ASSERT_TRUE(handshake().far.ok());
    exchange(far, near, 10);
    exchange(near, far, 10);
    last.n = -2;
    get(far, 1, got, last);
    ::shutdown(fds[0], SHUT_RDWR);
    for (int i = 0; i < 5; ++i)
        loop.turn(0);
    EXPECT_EQ(last.n, 0);
    EXPECT_TRUE(f->truncated());
}

TEST_F(Tls, AGoodbyeIsSeenByALook) {
    connect();
    ASSERT_TRUE(handshake().far.ok());
    exchange(far, near, 10);
    exchange(near, far, 10);
    EXPECT_EQ(near.peek(), -1);
    bool sent = false;
    put(far, "hello", sent);
    loop.turn(0);
    EXPECT_EQ(near.peek(), 1);
    EXPECT_TRUE(near.readable());
    std::string got;
    rt::IoResult last;
    get(near, 5, got, last);
    loop.turn(0);
    EXPECT_EQ(got, "hello");
    far.shutdown_write();
    loop.turn(0);
    EXPECT_EQ(near.peek(), 0);
}

TEST_F(Tls, SessionsAreResumedAtEveryWorkerAndAfterARotation) {
    connect();
    ASSERT_TRUE(handshake().far.ok());
    exchange(far, near, 10);
    exchange(near, far, 10);
    EXPECT_FALSE(n->resumed());
    ASSERT_TRUE(session->session);
    close();
    // Another worker: a library of its own, the same keys, one more in front.
    auto other = std::make_shared<TlsLibrary>();
    other->tickets = TicketKeys::rotate(library->tickets.get());
    library = other;
    make();
    connect();
    ASSERT_TRUE(handshake().far.ok());
    exchange(far, near, 10);
    EXPECT_TRUE(n->resumed());
    EXPECT_TRUE(f->resumed());
    exchange(near, far, 10);
    close();
    for (int i = 0; i < 4; ++i)
        library->tickets = TicketKeys::rotate(library->tickets.get());
    connect();
    ASSERT_TRUE(handshake().far.ok());
    exchange(far, near, 10);
    EXPECT_FALSE(n->resumed());
}

TEST_F(Tls, WhoIsNotTheHostIsRefusedInTheReferencesWords) {
    connect("b.test");
    Ends e = handshake();
    EXPECT_FALSE(e.far.ok());
    EXPECT_EQ(e.far_error, "tls: failed to verify certificate: x509: certificate is valid for a.test, not b.test");
    EXPECT_EQ(e.near_error, "remote error: tls: bad certificate");
}

TEST_F(Tls, AnUnknownAuthorityIsRefused) {
    client_files.authorities = make_key("other", "", nullptr, true).certificate_pem;
    connect();
    EXPECT_EQ(handshake().far_error,
              "tls: failed to verify certificate: x509: certificate signed by unknown authority");
}

TEST_F(Tls, WhatHasExpiredIsRefused) {
    server_files.keys = {pair_of(make_key("server", "DNS:a.test", &authority, false, -7200, -3600))};
    make();
    ASSERT_EQ(server->remarks().size(), 1u);
    EXPECT_NE(server->remarks()[0].find("k.pem: x509: certificate has expired"), std::string::npos);
    connect();
    EXPECT_EQ(
        handshake().far_error.find(
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time "),
        0u);
}

TEST_F(Tls, NothingIsVerifiedOnlyWhenAskedFor) {
    client_spec.verify = false;
    connect("b.test");
    EXPECT_TRUE(handshake().far.ok());
}

TEST_F(Tls, AClientWithoutACertificateIsRefused) {
    server_spec.client_certificates = true;
    server_spec.system_cas = false;
    server_files.authorities = authority.certificate_pem;
    connect();
    Ends e = handshake();
    EXPECT_FALSE(e.near.ok());
    EXPECT_EQ(e.near_error, "tls: client didn't provide a certificate");
}

TEST_F(Tls, AClientWithACertificateOfAnAuthorityIsLetIn) {
    server_spec.client_certificates = true;
    server_spec.system_cas = false;
    server_files.authorities = authority.certificate_pem;
    TestKey mine = make_key("client", "", &authority, false, -60, 3600, "clientAuth");
    // The first is of an authority that the server does not name.
    TestKey other = make_key("other", "");
    client_files.keys = {pair_of(other), pair_of(mine)};
    connect();
    Ends e = handshake();
    EXPECT_TRUE(e.near.ok()) << e.near_error;
}

TEST_F(Tls, ACertificateForServersIsNoClientsCertificate) {
    server_spec.client_certificates = true;
    server_spec.system_cas = false;
    server_files.authorities = authority.certificate_pem;
    client_files.keys = {pair_of(make_key("client", "", &authority, false, -60, 3600, "serverAuth"))};
    connect();
    EXPECT_EQ(handshake().near_error,
              "tls: failed to verify certificate: x509: certificate specifies an incompatible key usage");
}

TEST_F(Tls, TheNameThatIsAskedForChoosesTheCertificate) {
    server_files.keys = {pair_of(make_key("one", "DNS:one.test", &authority)),
                         pair_of(make_key("two", "DNS:two.test,DNS:*.two.test", &authority))};
    for (std::string host : {"one.test", "two.test", "x.two.test"}) {
        connect(host);
        Ends e = handshake();
        EXPECT_TRUE(e.far.ok()) << host << ": " << e.far_error;
        close();
    }
    connect("other.test");
    EXPECT_EQ(handshake().far_error,
              "tls: failed to verify certificate: x509: certificate is valid for one.test, not other.test");
}

TEST_F(Tls, PlainHttpIsToldSo) {
    make();
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    ASSERT_TRUE(near.open(loop, fds[0]));
    n = TlsTransport::accept(near, scratch, server);
    near.attach(*n);
    Ends e;
    ASSERT_EQ(::send(fds[1], "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
    shake(near, *n, e.near, e.near_error, e.done);
    loop.turn(0);
    EXPECT_EQ(e.near_error, "client sent an HTTP request to an HTTPS server");
    char buf[200];
    ssize_t k = ::recv(fds[1], buf, sizeof buf, 0);
    EXPECT_EQ(std::string(buf, static_cast<size_t>(k)),
              "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
    ::close(fds[1]);
}

TEST_F(Tls, RubbishIsNoHandshake) {
    make();
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    ASSERT_TRUE(near.open(loop, fds[0]));
    n = TlsTransport::accept(near, scratch, server);
    near.attach(*n);
    Ends e;
    ASSERT_EQ(::send(fds[1], "\x80\x2e\x01\x03\x01rubbish", 12, 0), 12);
    shake(near, *n, e.near, e.near_error, e.done);
    loop.turn(0);
    EXPECT_EQ(e.near_error, "tls: first record does not look like a TLS handshake");
    ::close(fds[1]);
}

TEST_F(Tls, EightHandshakesInATurn) {
    make();
    struct Client {
        rt::Io near, far;
        TlsTransport *n, *f;
        Ends e;
        std::shared_ptr<TlsSession> session = std::make_shared<TlsSession>();
    };
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 20; ++i) {
        auto c = std::make_unique<Client>();
        int pair[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        ASSERT_TRUE(c->near.open(loop, pair[0]) && c->far.open(loop, pair[1]));
        c->n = TlsTransport::accept(c->near, scratch, server);
        c->near.attach(*c->n);
        c->f = TlsTransport::connect(c->far, scratch, client, "a.test", c->session);
        c->far.attach(*c->f);
        clients.push_back(std::move(c));
    }
    for (auto& c : clients) {
        shake(c->near, *c->n, c->e.near, c->e.near_error, c->e.done);
        shake(c->far, *c->f, c->e.far, c->e.far_error, c->e.done);
    }
    loop.turn(0);
    auto begun = [&] {
        int count = 0;
        for (auto& c : clients) {
            char byte;
            count += c->e.far.ok() || ::recv(c->far.fd(), &byte, 1, MSG_PEEK) == 1;
        }
        return count;
    };
    EXPECT_EQ(begun(), 8);
    for (int i = 0; i < 10; ++i)
        loop.turn(0);
    end_waits();
    for (auto& c : clients) {
        EXPECT_TRUE(c->e.far.ok());
        c->near.close();
        c->far.close();
    }
    loop.turn(0);
}

TEST_F(Tls, OldVersionsAreSpokenWhenAskedFor) {
    server_spec.min_version = server_spec.max_version = TlsSpec::kTls12;
    connect();
    Ends e = handshake();
    ASSERT_TRUE(e.near.ok() && e.far.ok()) << e.near_error << " / " << e.far_error;
    exchange(near, far, 100000);
    exchange(far, near, 100000);
    close();
    server = nullptr;
    client_spec.min_version = TlsSpec::kTls13;
    connect();
    EXPECT_FALSE(handshake().far.ok());
}

TEST(TlsFilesTest, WhatDoesNotBelongTogetherIsRefused) {
    TestKey a = make_key("a", "DNS:a.test"), b = make_key("b", "DNS:b.test");
    TlsFiles::Pair p = pair_of(a);
    EXPECT_TRUE(parse_key(p, nullptr));
    p.key = b.key_pem;
    EXPECT_EQ(parse_key(p, nullptr).error().message, "tls: private key does not match public key: k.pem, k.key");
    p.key = "nothing";
    EXPECT_EQ(parse_key(p, nullptr).error().message,
              "k.key holds no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")");
    p = pair_of(a);
    p.certificate = a.key_pem;
    EXPECT_EQ(parse_key(p, nullptr).error().message,
              "k.pem holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")");
    TlsServerSpec spec;
    EXPECT_EQ(read_tls_files(spec).error().message, "public key not defined");
    spec.keys = {{"/no/such/file.pem", "/no/such/file.key", ""}};
    EXPECT_EQ(read_tls_files(spec).error().message, "open /no/such/file.pem: no such file or directory");
    spec.keys[0].key.clear();
    EXPECT_EQ(read_tls_files(spec).error().message, "private key not defined");
}

TEST(TlsFilesTest, AuthoritiesAreReadOneAfterTheOther) {
    X509StorePtr store(X509_STORE_new());
    std::string pem = make_key("a", "", nullptr, true).certificate_pem + "some text\n" +
                      make_key("b", "", nullptr, true).certificate_pem + make_key("c", "").key_pem;
    EXPECT_EQ(add_authorities(store.get(), pem, nullptr), 2);
    EXPECT_EQ(add_authorities(store.get(), "", nullptr), 0);
    EXPECT_EQ(add_authorities(store.get(), "-----BEGIN CERTIFICATE-----\nrubbish", nullptr), 0);
}

TEST(TlsErrors, AlertsHaveGosNames) {
    EXPECT_EQ(tls_alert_words(42), "bad certificate");
    EXPECT_EQ(tls_alert_words(116), "certificate required");
    EXPECT_EQ(tls_alert_words(200), "");
}
