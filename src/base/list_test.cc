#include "base/list.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace gladius {
namespace {

struct Item : ListHook {
    int n;
    explicit Item(int v) : n(v) {}
};

std::vector<int> values(List<Item>& l) {
    std::vector<int> out;
    for (Item* i = l.front(); i; i = l.next(*i))
        out.push_back(i->n);
    return out;
}

using Values = std::vector<int>;

TEST(List, BothEnds) {
    List<Item> l;
    EXPECT_TRUE(l.empty());
    EXPECT_EQ(nullptr, l.front());
    EXPECT_EQ(nullptr, l.back());
    EXPECT_EQ(nullptr, l.pop_front());
    EXPECT_EQ(nullptr, l.pop_back());
    Item a(1), b(2), c(3);
    l.push_back(b);
    l.push_back(c);
    l.push_front(a);
    EXPECT_EQ((Values{1, 2, 3}), values(l));
    EXPECT_EQ(&a, l.pop_front());
    EXPECT_FALSE(a.linked());
    EXPECT_EQ(&c, l.pop_back());
    EXPECT_EQ(&b, l.front());
    EXPECT_EQ(&b, l.back());
}

TEST(List, AnElementLeavesByItselfAndWhenDestroyed) {
    List<Item> l;
    Item a(1), c(3);
    l.push_back(a);
    {
        Item b(2);
        l.push_back(b);
        l.push_back(c);
        EXPECT_EQ((Values{1, 2, 3}), values(l));
    }
    EXPECT_EQ((Values{1, 3}), values(l));
    a.unlink();
    a.unlink();
    EXPECT_EQ((Values{3}), values(l));
    l.push_back(a);
    EXPECT_EQ((Values{3, 1}), values(l));
}

TEST(List, ADestroyedListLetsItsElementsGo) {
    Item a(1), b(2);
    {
        List<Item> l;
        l.push_back(a);
        l.push_back(b);
    }
    EXPECT_FALSE(a.linked());
    EXPECT_FALSE(b.linked());
    List<Item> other;
    other.push_back(a);
    other.clear();
    EXPECT_TRUE(other.empty());
    EXPECT_FALSE(a.linked());
}

TEST(List, Splice) {
    List<Item> from, to;
    from.splice_to(to);
    EXPECT_TRUE(to.empty());
    Item a(1), b(2);
    from.push_back(a);
    from.push_back(b);
    from.splice_to(to);
    EXPECT_TRUE(from.empty());
    EXPECT_EQ((Values{1, 2}), values(to));
    Item c(3);
    from.push_back(c);
    to.push_back(*from.pop_front());
    EXPECT_EQ((Values{1, 2, 3}), values(to));
}

struct HookA : ListHook {};
struct HookB : ListHook {};
struct Both : HookA, HookB {
    int n = 0;
};

TEST(List, OneObjectInTwoLists) {
    List<Both, HookA> la;
    List<Both, HookB> lb;
    auto x = std::make_unique<Both>(), y = std::make_unique<Both>();
    la.push_back(*x);
    la.push_back(*y);
    lb.push_back(*y);
    lb.push_back(*x);
    EXPECT_EQ(x.get(), la.front());
    EXPECT_EQ(y.get(), lb.front());
    EXPECT_EQ(y.get(), la.next(*x));
    x.reset();
    EXPECT_EQ(y.get(), la.front());
    EXPECT_EQ(y.get(), lb.back());
    y.reset();
    EXPECT_TRUE(la.empty());
    EXPECT_TRUE(lb.empty());
}

}  // namespace
}  // namespace gladius
