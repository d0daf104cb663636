#include "plan/listener.h"

#include <gtest/gtest.h>

namespace gladius::plan {
namespace {

TEST(ListenerPlan, KeysNameOnePlace) {
    ListenerPlan l;
    l.port = 80;
    EXPECT_EQ(l.key(), "tcp *:80");
    l.ip = "0.0.0.0";
    EXPECT_EQ(l.key(), "tcp *:80");
    l.ip = "::";
    EXPECT_EQ(l.key(), "tcp *:80");
    l.ip = "::1";
    EXPECT_EQ(l.key(), "tcp [::1]:80");
    l.ip = "127.0.0.1";
    EXPECT_EQ(l.key(), "tcp 127.0.0.1:80");
    l.path = "/run/a.sock";
    EXPECT_EQ(l.key(), "unix /run/a.sock");
}

}  // namespace
}  // namespace gladius::plan
