#include "net/resolver.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

namespace gladius::net {
namespace {

// A name server on a port of this machine; what it answers can be changed while it runs.
class DnsServer {
  public:
    struct Record {
        std::vector<std::string> v4, v6;
        uint32_t ttl = 60;
        int rcode = 0;        // 3: no such name, 2: server failure
        bool silent = false;  // takes the question and never answers
        std::string alias;    // a CNAME in front, with alias_ttl
        uint32_t alias_ttl = 0;
        bool stray_first = false;  // a datagram of somebody else comes before the answer
    };

    DnsServer() {
        fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        stray_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(0, ::bind(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a));
        thread_ = std::thread([this] { serve(); });
    }
    ~DnsServer() {
        stop_ = true;
        thread_.join();
        ::close(fd_);
        ::close(stray_);
    }
    std::string text() const { return "127.0.0.1:" + std::to_string(local_port(fd_)); }
    void set(const std::string& name, Record r) {
        std::lock_guard lock(mutex_);
        records_[name] = std::move(r);
    }
    int asked(const std::string& name, uint16_t type = 1) {
        std::lock_guard lock(mutex_);
        return asked_[{name, type}];
    }

  private:
    static void u16(std::string& s, unsigned v) {
        s += static_cast<char>(v >> 8);
        s += static_cast<char>(v);
    }
    static void u32(std::string& s, uint32_t v) {
        u16(s, v >> 16);
        u16(s, v & 0xffff);
    }
    static std::string labels(const std::string& name) {
        std::string s;
        size_t at = 0;
        while (at < name.size()) {
            size_t dot = std::min(name.find('.', at), name.size());
            s += static_cast<char>(dot - at);
            s += name.substr(at, dot - at);
            at = dot + 1;
        }
        return s + '\0';
    }
    static void record(std::string& s, const std::string& owner, uint16_t type, uint32_t ttl, const std::string& data) {
        s += owner;
        u16(s, type);
        u16(s, 1);
        u32(s, ttl);
        u16(s, static_cast<unsigned>(data.size()));
        s += data;
    }
    std::string answer(const std::string& question, bool& silent, bool& stray) {
        std::string name;
        size_t at = 12;
        while (at < question.size() && question[at] != 0) {
            size_t n = static_cast<unsigned char>(question[at]);
            if (!name.empty()) name += '.';
            name += question.substr(at + 1, n);
            at += n + 1;
        }
        uint16_t type = static_cast<uint16_t>(static_cast<unsigned char>(question.at(at + 1)) << 8 |
                                              static_cast<unsigned char>(question.at(at + 2)));
        std::string asked_part = question.substr(12, at + 5 - 12);
        std::lock_guard lock(mutex_);
        ++asked_[{name, type}];
        auto it = records_.find(name);
        Record r;
        r.rcode = 3;
        if (it != records_.end()) r = it->second;
        silent = r.silent;
        stray = r.stray_first;
        std::string body;
        unsigned count = 0;
        if (r.rcode == 0) {
            std::string owner = "\xc0\x0c";
            if (!r.alias.empty()) {
                record(body, owner, 5, r.alias_ttl, labels(r.alias));
                owner = labels(r.alias);
                ++count;
            }
            for (const std::string& ip : type == 1 ? r.v4 : r.v6) {
                char raw[16];
                inet_pton(type == 1 ? AF_INET : AF_INET6, ip.c_str(), raw);
                record(body, owner, type, r.ttl, std::string(raw, type == 1 ? 4 : 16));
                ++count;
            }
        }
        std::string out = question.substr(0, 2);
        u16(out, 0x8180u | static_cast<unsigned>(r.rcode));
        u16(out, 1);
        u16(out, count);
        u16(out, 0);
        u16(out, 0);
        return out + asked_part + body;
    }
    void serve() {
        while (!stop_) {
            pollfd p{fd_, POLLIN, 0};
            if (::poll(&p, 1, 10) <= 0) continue;
            char buf[1500];
            sockaddr_in from{};
            socklen_t n_from = sizeof from;
            ssize_t n = ::recvfrom(fd_, buf, sizeof buf, 0, reinterpret_cast<sockaddr*>(&from), &n_from);
            if (n < 17) continue;
            bool silent = false, stray = false;
            std::string reply = answer(std::string(buf, static_cast<size_t>(n)), silent, stray);
            if (silent) continue;
            if (stray) ::sendto(stray_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), n_from);
            ::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), n_from);
        }
    }

    int fd_ = -1, stray_ = -1;
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::map<std::string, Record> records_;
    std::map<std::pair<std::string, uint16_t>, int> asked_;
    std::thread thread_;
};

DnsServer::Record v4(std::vector<std::string> addresses, uint32_t ttl = 60) {
    DnsServer::Record r;
    r.v4 = std::move(addresses);
    r.ttl = ttl;
    return r;
}

DnsServer::Record broken(int rcode) {
    DnsServer::Record r;
    r.rcode = rcode;
    return r;
}

DnsServer::Record mute() {
    DnsServer::Record r;
    r.silent = true;
    return r;
}

rt::Detached ask(Resolver& resolver, const std::string& name, rt::Scope& scope, Resolver::Answer& out, int& done) {
    out = co_await resolver.resolve(name, scope);
    ++done;
}

class ResolverTest : public testing::Test {
  protected:
    ResolverTest() {
        write(resolv_, "nameserver 127.0.0.1\n");
        write(hosts_, "10.9.8.7 inhosts.test other\nfd00::7 six.test\n");
        resolver_ = fresh();
        resolver_->set_servers(dns_.text());
    }
    ~ResolverTest() override {
        resolver_.reset();
        loop_.turn(0);
        ::unlink(resolv_.c_str());
        ::unlink(hosts_.c_str());
    }
    std::unique_ptr<Resolver> fresh() {
        auto r = std::make_unique<Resolver>(loop_);
        r->set_files(resolv_, hosts_);
        r->set_attempts(2000, 3);
        return r;
    }
    static void write(const std::string& path, const std::string& text) {
        // By renaming, as an editor or a container runtime does.
        std::string next = path + ".new";
        FILE* f = std::fopen(next.c_str(), "w");
        ASSERT_NE(nullptr, f);
        std::fputs(text.c_str(), f);
        std::fclose(f);
        ASSERT_EQ(0, std::rename(next.c_str(), path.c_str()));
    }
    void run_until(const int& counter, int want) {
        while (counter < want)
            loop_.turn(1000);
    }
    void pass(uint64_t ms) {
        uint64_t end = loop_.now_ms() + ms;
        rt::Timer wake;
        wake.fire = [](rt::Timer&, void*) {};
        loop_.wheel().arm(wake, end);
        while (loop_.now_ms() < end)
            loop_.turn(1000);
    }
    Resolver::Answer get(const std::string& name) {
        rt::Scope scope(loop_);
        Resolver::Answer a;
        int done = 0;
        ask(*resolver_, name, scope, a, done);
        run_until(done, 1);
        return a;
    }
    static std::vector<std::string> texts(const Resolver::Answer& a) {
        std::vector<std::string> out;
        for (const Address& x : a.addresses) {
            char buf[64];
            out.emplace_back(buf, format_ip(x, buf));
        }
        return out;
    }
    static std::string temporary(const char* what) {
        return testing::TempDir() + "gladius-resolver-" + std::to_string(::getpid()) + what;
    }
    using Texts = std::vector<std::string>;

    rt::Loop loop_;
    std::string resolv_ = temporary(".resolv"), hosts_ = temporary(".hosts");
    DnsServer dns_;
    std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, AnswersFromDnsAndKeepsForTheTtl) {
    dns_.set("a.test", v4({"10.0.0.1", "10.0.0.2"}, 7));
    Resolver::Answer a = get("a.test");
    EXPECT_EQ("", a.error);
    EXPECT_EQ(2u, a.addresses.size());
    EXPECT_EQ(0, a.addresses.at(0).port());
    uint64_t left = a.valid_until_ms - loop_.now_ms();
    EXPECT_LE(left, 7000u);
    EXPECT_GT(left, 1000u);
    dns_.set("a.test", v4({"10.0.0.3"}));
    EXPECT_EQ(2u, get("a.test").addresses.size());
    EXPECT_EQ(1, dns_.asked("a.test"));
    EXPECT_EQ(1u, resolver_->lookups_started());
}

TEST_F(ResolverTest, TtlIsClampedAndAnExpiredAnswerIsAskedAgain) {
    dns_.set("zero.test", v4({"10.0.0.1"}, 0));
    dns_.set("long.test", v4({"10.0.0.1"}, 86400));
    DnsServer::Record alias = v4({"10.0.0.4"}, 3600);
    alias.alias = "real.test";
    alias.alias_ttl = 3;
    dns_.set("alias.test", alias);
    resolver_->set_max_ttl(5000);
    Resolver::Answer a = get("zero.test");
    EXPECT_GT(a.valid_until_ms, loop_.now_ms() + 500);
    EXPECT_LE(a.valid_until_ms, loop_.now_ms() + 1000);
    Resolver::Answer b = get("long.test");
    EXPECT_GT(b.valid_until_ms, loop_.now_ms() + 4000);
    EXPECT_LE(b.valid_until_ms, loop_.now_ms() + 5000);
    Resolver::Answer c = get("alias.test");
    EXPECT_EQ(Texts{"10.0.0.4"}, texts(c));
    EXPECT_LE(c.valid_until_ms, loop_.now_ms() + 3000);
    dns_.set("zero.test", v4({"10.0.0.9"}, 0));
    pass(1001);
    EXPECT_EQ(Texts{"10.0.0.9"}, texts(get("zero.test")));
}

TEST_F(ResolverTest, BothFamiliesAreAsked) {
    DnsServer::Record r = v4({"127.0.0.1"});
    r.v6 = {"2001:db8::1"};
    dns_.set("both.test", r);
    DnsServer::Record six;
    six.v6 = {"2001:db8::6"};
    dns_.set("six-only.test", six);
    Resolver::Answer a = get("both.test");
    ASSERT_EQ(2u, a.addresses.size());
    EXPECT_EQ(1, dns_.asked("both.test", 28));
    // The order is getaddrinfo's: what has no route comes last.
    int fd = ::socket(AF_INET6, SOCK_DGRAM, 0);
    Address far;
    ASSERT_TRUE(parse_ip("2001:db8::1", 53, far));
    bool routable = fd >= 0 && ::connect(fd, far.sa(), far.length) == 0;
    if (fd >= 0) ::close(fd);
    if (!routable) {
        EXPECT_EQ("127.0.0.1", texts(a).front());
    }
    EXPECT_EQ(Texts{"2001:db8::6"}, texts(get("six-only.test")));
}

TEST_F(ResolverTest, OneQueryForManyWaiters) {
    dns_.set("shared.test", v4({"10.0.0.1"}));
    rt::Scope scope(loop_);
    const std::string name = "shared.test";
    Resolver::Answer a[20];
    int done = 0;
    for (Resolver::Answer& x : a)
        ask(*resolver_, name, scope, x, done);
    run_until(done, 20);
    for (Resolver::Answer& x : a)
        EXPECT_EQ(Texts{"10.0.0.1"}, texts(x));
    EXPECT_EQ(1u, resolver_->lookups_started());
    EXPECT_EQ(1, dns_.asked("shared.test"));
}

TEST_F(ResolverTest, AWaiterLeavesAtOnceAndTheLookupGoesOn) {
    dns_.set("slow.test", mute());
    resolver_ = fresh();
    resolver_->set_servers(dns_.text());
    resolver_->set_attempts(100, 20);
    const std::string name = "slow.test";
    Resolver::Answer a, b, c;
    int done_a = 0, done_b = 0, done_c = 0;
    rt::Scope sa(loop_), sb(loop_), sc(loop_);
    ask(*resolver_, name, sa, a, done_a);
    ask(*resolver_, name, sb, b, done_b);
    ask(*resolver_, name, sc, c, done_c);
    sa.cancel(rt::Wake::cancelled);
    loop_.turn(0);
    EXPECT_EQ(1, done_a);
    EXPECT_EQ("operation was canceled", a.error);
    EXPECT_EQ(0, done_b);
    sb.deadline_in(5);
    run_until(done_b, 1);
    EXPECT_EQ("i/o timeout", b.error);
    EXPECT_EQ(0, done_c);
    dns_.set("slow.test", v4({"10.0.0.5"}));
    run_until(done_c, 1);
    EXPECT_EQ(Texts{"10.0.0.5"}, texts(c));
    EXPECT_EQ(1u, resolver_->lookups_started());
    // A scope that has ended waits for nothing, but a cached answer costs no wait.
    Resolver::Answer d, e;
    int done = 0;
    const std::string unknown = "unknown.test";
    ask(*resolver_, name, sa, d, done);
    ask(*resolver_, unknown, sa, e, done);
    EXPECT_EQ(2, done);
    EXPECT_EQ(Texts{"10.0.0.5"}, texts(d));
    EXPECT_EQ("operation was canceled", e.error);
}

TEST_F(ResolverTest, ErrorsInTheWordsOfTheReference) {
    EXPECT_EQ("no such host", get("missing.test").error);
    dns_.set("empty.test", DnsServer::Record{});
    EXPECT_EQ("no such host", get("empty.test").error);
    dns_.set("failing.test", broken(2));
    EXPECT_EQ("server misbehaving", get("failing.test").error);
    EXPECT_EQ("no such host", get("").error);
    EXPECT_EQ("no such host", get(std::string("a\0b", 3)).error);
    EXPECT_EQ("no such host", get("white space.test").error);
    EXPECT_EQ("no such host", get(std::string(300, 'a')).error);
    EXPECT_EQ("no such host", get(std::string(80, 'a') + ".test").error);
    EXPECT_EQ("no such host", get("a..test").error);
    resolver_ = fresh();
    resolver_->set_servers(dns_.text());
    resolver_->set_attempts(50, 1);
    dns_.set("mute.test", mute());
    EXPECT_EQ("i/o timeout", get("mute.test").error);
}

TEST_F(ResolverTest, AFailureIsCachedShortly) {
    Resolver::Answer a = get("later.test");
    EXPECT_EQ("no such host", a.error);
    EXPECT_LE(a.valid_until_ms, loop_.now_ms() + 1000);
    int asked = dns_.asked("later.test");
    dns_.set("later.test", v4({"10.0.0.8"}));
    EXPECT_EQ("no such host", get("later.test").error);
    EXPECT_EQ(asked, dns_.asked("later.test"));
    pass(1001);
    EXPECT_EQ(Texts{"10.0.0.8"}, texts(get("later.test")));
}

TEST_F(ResolverTest, AFailedRefreshKeepsTheLastGoodAnswer) {
    dns_.set("good.test", v4({"10.0.0.1"}, 1));
    EXPECT_EQ(Texts{"10.0.0.1"}, texts(get("good.test")));
    dns_.set("good.test", broken(2));
    pass(1001);
    Resolver::Answer a = get("good.test");
    EXPECT_EQ(Texts{"10.0.0.1"}, texts(a));
    EXPECT_EQ("", a.error);
    EXPECT_GT(a.valid_until_ms, loop_.now_ms());
    EXPECT_LE(a.valid_until_ms, loop_.now_ms() + 1000);
    EXPECT_EQ(2u, resolver_->lookups_started());
    get("good.test");
    EXPECT_EQ(2u, resolver_->lookups_started());
    pass(1001);
    a = get("good.test");  // the second failure in a row: twice the wait
    EXPECT_EQ(3u, resolver_->lookups_started());
    EXPECT_GT(a.valid_until_ms, loop_.now_ms() + 1000);
    EXPECT_LE(a.valid_until_ms, loop_.now_ms() + 2000);
    dns_.set("good.test", v4({"10.0.0.2"}, 1));
    pass(2001);
    EXPECT_EQ(Texts{"10.0.0.2"}, texts(get("good.test")));
}

TEST_F(ResolverTest, ASlowRefreshGivesTheLastGoodAnswer) {
    dns_.set("good.test", v4({"10.0.0.1"}, 1));
    EXPECT_EQ(Texts{"10.0.0.1"}, texts(get("good.test")));
    dns_.set("good.test", mute());
    pass(1001);
    Resolver::Answer a = get("good.test");  // waits a little, the lookup goes on
    EXPECT_EQ(Texts{"10.0.0.1"}, texts(a));
    EXPECT_GT(a.valid_until_ms, loop_.now_ms());
    rt::Scope scope(loop_);
    Resolver::Answer b;
    int done = 0;
    const std::string name = "good.test";
    ask(*resolver_, name, scope, b, done);
    EXPECT_EQ(1, done);  // nobody waits twice for the same slow lookup
    EXPECT_EQ(2u, resolver_->lookups_started());
}

TEST_F(ResolverTest, FilesComeFirst) {
    dns_.set("inhosts.test", v4({"10.0.0.1"}));
    EXPECT_EQ(Texts{"10.9.8.7"}, texts(get("inhosts.test")));
    EXPECT_EQ(Texts{"10.9.8.7"}, texts(get("other")));
    EXPECT_EQ(Texts{"fd00::7"}, texts(get("six.test")));
    EXPECT_EQ(0, dns_.asked("inhosts.test"));
}

TEST_F(ResolverTest, AChangedHostsFileIsSeen) {
    dns_.set("moving.test", v4({"10.0.0.1"}, 3600));
    resolver_->set_max_ttl(3600 * 1000);
    EXPECT_EQ(Texts{"10.9.8.7"}, texts(get("inhosts.test")));
    EXPECT_EQ(Texts{"10.0.0.1"}, texts(get("moving.test")));
    write(hosts_, "10.1.1.1 inhosts.test\n10.1.1.2 moving.test\n");
    pass(2001);
    EXPECT_EQ(Texts{"10.1.1.1"}, texts(get("inhosts.test")));
    EXPECT_EQ(Texts{"10.1.1.2"}, texts(get("moving.test")));
}

TEST_F(ResolverTest, LocalhostNeedsNoDns) {
    resolver_ = fresh();
    resolver_->set_servers("127.0.0.1:1");
    write(hosts_, "");
    for (const char* name : {"localhost", "LocalHost", "localhost.", "web.localhost"})
        EXPECT_EQ((Texts{"127.0.0.1", "::1"}), texts(get(name))) << name;
    write(hosts_,
          "# 127.0.0.9 localhost\n127.0.0.2 first LOCALHOST # localhost.x\n::2 localhost\nx localhost\n127.0.0.2 "
          "localhost\n");
    resolver_ = fresh();
    EXPECT_EQ((Texts{"127.0.0.2", "::2"}), texts(get("localhost")));
    EXPECT_EQ((Texts{"127.0.0.1", "::1"}), texts(get("web.localhost")));
}

TEST_F(ResolverTest, AChangedResolvConfIsSeen) {
    // Servers of resolv.conf cannot have a port here, so the change shows in the search list.
    write(resolv_, "nameserver 127.0.0.1\nsearch one.test\n");
    resolver_ = fresh();
    resolver_->set_servers(dns_.text());
    dns_.set("web.one.test", v4({"10.0.0.1"}, 3600));
    dns_.set("web.two.test", v4({"10.0.0.2"}, 3600));
    dns_.set("stuck.two.test", v4({"10.0.0.3"}, 3600));
    dns_.set("stuck.one.test", mute());
    EXPECT_EQ(Texts{"10.0.0.1"}, texts(get("web")));
    rt::Scope scope(loop_);
    Resolver::Answer stuck;
    int done = 0;
    const std::string name = "stuck";
    ask(*resolver_, name, scope, stuck, done);
    write(resolv_, "nameserver 127.0.0.1\nsearch two.test\n");
    pass(2001);
    EXPECT_EQ(0, done);
    EXPECT_EQ(Texts{"10.0.0.2"}, texts(get("web")));
    run_until(done, 1);  // what was under way was asked again
    EXPECT_EQ(Texts{"10.0.0.3"}, texts(stuck));
}

TEST_F(ResolverTest, AddressesAreTheirOwnAnswer) {
    EXPECT_EQ(Texts{"10.1.2.3"}, texts(get("10.1.2.3")));
    Resolver::Answer a = get("::1");
    EXPECT_EQ(Texts{"::1"}, texts(a));
    EXPECT_EQ(UINT64_MAX, a.valid_until_ms);
    EXPECT_EQ(0u, resolver_->cached_names());
}

TEST_F(ResolverTest, TheCacheIsBounded) {
    write(hosts_, "10.0.0.1 first.test\n");
    dns_.set("first.test", v4({"10.0.0.1"}, 3600));
    get("first.test");
    uint64_t before = resolver_->lookups_started();
    rt::Scope scope(loop_);
    std::vector<std::string> names;
    for (size_t i = 0; i < Resolver::kMaxNames + 50; ++i)
        names.push_back("n" + std::to_string(i) + ".test");
    for (size_t i = 0; i < names.size(); i += 50) {
        Resolver::Answer a[50];
        int done = 0;
        for (size_t k = 0; k < 50; ++k)
            ask(*resolver_, names[i + k], scope, a[k], done);
        run_until(done, 50);
        if (i == 500) get("first.test");  // used now and then: stays
    }
    EXPECT_EQ(Resolver::kMaxNames, resolver_->cached_names());
    EXPECT_EQ(before + names.size(), resolver_->lookups_started());
    get("n0.test");
    EXPECT_EQ(before + names.size() + 1, resolver_->lookups_started());
}

TEST_F(ResolverTest, LookupsBeyondTheBoundAreRefused) {
    resolver_ = fresh();
    resolver_->set_servers("127.0.0.1:9");
    resolver_->set_attempts(60000, 1);
    DnsServer silent;
    resolver_->set_servers(silent.text());
    rt::Scope scope(loop_);
    std::vector<std::string> names;
    for (size_t i = 0; i <= Resolver::kMaxNames; ++i) {
        names.push_back("q" + std::to_string(i) + ".test");
        silent.set(names.back(), mute());
    }
    std::vector<Resolver::Answer> answers(names.size());
    int done = 0;
    for (size_t i = 0; i < names.size(); ++i)
        ask(*resolver_, names[i], scope, answers[i], done);
    EXPECT_EQ(1, done);
    EXPECT_EQ("too many lookups", answers.back().error);
    scope.cancel(rt::Wake::cancelled);
    loop_.turn(0);
    EXPECT_EQ(static_cast<int>(names.size()), done);
}

TEST_F(ResolverTest, AStrayDatagramDoesNotHideTheAnswer) {
    DnsServer::Record r = v4({"10.0.0.1"});
    r.stray_first = true;
    dns_.set("stray.test", r);
    resolver_ = fresh();
    resolver_->set_servers(dns_.text());
    resolver_->set_attempts(60000, 1);  // a lost event would take a minute
    EXPECT_EQ(Texts{"10.0.0.1"}, texts(get("stray.test")));
}

TEST_F(ResolverTest, AServerThatIsNotThere) {
    resolver_ = fresh();
    resolver_->set_servers("127.0.0.1:1");
    resolver_->set_attempts(50, 1);
    // c-ares loses one of the two refusals when the second question meets the refusal of the first; then a timeout ends
    // it.
    Resolver::Answer a = get("a.test");
    EXPECT_TRUE(a.error == "server misbehaving" || a.error == "i/o timeout") << a.error;
    EXPECT_TRUE(a.addresses.empty());
}

}  // namespace
}  // namespace gladius::net
