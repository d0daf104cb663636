#include "upstream/peer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/pool.h"

using namespace gladius;
using namespace gladius::upstream;

namespace {

net::Address address(const char* ip) {
    net::Address a;
    EXPECT_TRUE(net::parse_ip(ip, 0, a));
    return a;
}

struct PeerTest : testing::Test {
    rt::Loop loop;
    telemetry::Counters counters{1};
    Settings settings;
    Context ctx{loop, counters.shard(0)};
    PeerTable table{ctx};
    Peer* peer = nullptr;

    void SetUp() override {
        settings.max_idle_per_host = 4;
        ctx.settings = &settings;
        peer = &table.find_or_add(PeerKey{"name.test", 80, false, "", 0, {}, "", nullptr});
        peer->ref();
    }
    void TearDown() override {
        peer->unref();
        loop.turn(0);
    }
    // A connection that was used and is given back.
    void warm() {
        int fds[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        auto* c = new (pool_allocate(sizeof(BackendConn))) BackendConn;
        c->peer = peer;
        c->epoch = peer->epoch();
        ctx.counters.add(telemetry::Counter::backend_connections_open);
        ASSERT_TRUE(c->io.open(loop, fds[0]));
        other_ends.push_back(fds[1]);
        peer->give_back(c);
    }
    std::vector<int> other_ends;
    ~PeerTest() override {
        for (int fd : other_ends)
            ::close(fd);
    }
};

}  // namespace

TEST_F(PeerTest, TheSameAddressesInAnotherOrderKeepWarmConnections) {
    peer->take_addresses({address("10.0.0.1"), address("10.0.0.2"), address("10.0.0.3")}, 1000);
    uint32_t epoch = peer->epoch();
    warm();
    ASSERT_EQ(peer->idle_count(), 1u);
    peer->take_addresses({address("10.0.0.3"), address("10.0.0.1"), address("10.0.0.2")}, 2000);
    EXPECT_EQ(peer->idle_count(), 1u);
    EXPECT_EQ(peer->epoch(), epoch);
    EXPECT_EQ(net::format(peer->addresses.front()), "10.0.0.3:80");  // whose turn it is now
    EXPECT_EQ(peer->addresses_until_ms, 2000u);
}

TEST_F(PeerTest, OtherAddressesRetireThem) {
    peer->take_addresses({address("10.0.0.1"), address("10.0.0.2")}, 1000);
    warm();
    uint32_t epoch = peer->epoch();
    peer->take_addresses({address("10.0.0.1"), address("10.0.0.4")}, 2000);
    EXPECT_EQ(peer->idle_count(), 0u);
    EXPECT_NE(peer->epoch(), epoch);
    warm();
    peer->take_addresses({address("10.0.0.1")}, 3000);
    EXPECT_EQ(peer->idle_count(), 0u);
}
