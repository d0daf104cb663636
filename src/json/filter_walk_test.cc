#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>

#include "encodings/decode.h"
#include "json/filter.h"
#include "json/flatmap_reference.h"

namespace gladius::json {
namespace {

using Names = std::vector<std::string>;
using flatmap_reference::Fixed;
using flatmap_reference::printed;

struct Rules {
    std::string target = {};
    Names allow = {};
    Names deny = {};
    std::vector<std::pair<std::string, std::string>> mapping = {};
    std::string group = {};

    FilterSpec spec() const {
        return {.target = target, .allow = allow, .deny = deny, .mapping = mapping, .group = group, .walk = true};
    }
};

std::string walked(const Rules& rules, std::string_view body, bool collection = false, uint32_t depth = kKeepAll) {
    Arena arena;
    FilterProgram program = FilterProgram::compile(rules.spec());
    auto decoder = encodings::find_decoder("json", collection);
    auto d = encodings::decode(decoder, body, arena, std::min(depth, program.keep_depth()));
    EXPECT_TRUE(d.ok()) << body;
    return printed(program.apply(d.data, arena));
}

constexpr std::string_view kOrders =
    R"({"orders":[{"id":1,"pin":"x","lines":[{"sku":"a","cost":1},{"sku":"b","cost":2}]},)"
    R"({"id":2,"pin":"y","lines":[]},7,null],"total":2})";

TEST(FilterWalk, Deny) {
    EXPECT_EQ(walked({.deny = {"orders.pin", "orders.lines.cost"}}, kOrders),
              R"({"orders":[{"id":1,"lines":[{"sku":"a"},{"sku":"b"}]},{"id":2,"lines":[]},7,null],"total":2})");
    EXPECT_EQ(walked({.deny = {"orders"}}, kOrders), R"({"total":2})");
    EXPECT_EQ(walked({.deny = {"a.b"}}, R"({"a":[[{"b":1,"c":2}],[],[[{"b":1}]]]})"), R"({"a":[[{"c":2}],[],[[{}]]]})");
}

TEST(FilterWalk, Allow) {
    EXPECT_EQ(walked({.allow = {"orders.id", "orders.lines.sku"}}, kOrders),
              R"({"orders":[{"id":1,"lines":[{"sku":"a"},{"sku":"b"}]},{"id":2}]})");
    // What nothing is left of goes, an element as a member.
    EXPECT_EQ(walked({.allow = {"orders.lines.sku"}}, kOrders), R"({"orders":[{"lines":[{"sku":"a"},{"sku":"b"}]}]})");
    EXPECT_EQ(walked({.allow = {"orders.none", "none"}}, kOrders), "{}");
    EXPECT_EQ(walked({.allow = {"orders"}}, kOrders),
              R"({"orders":[{"id":1,"lines":[{"cost":1,"sku":"a"},{"cost":2,"sku":"b"}],"pin":"x"},)"
              R"({"id":2,"lines":[],"pin":"y"},7,null]})");
}

TEST(FilterWalk, EqualNames) {
    // The last one counts, also when nothing of it is left.
    EXPECT_EQ(walked({.allow = {"a.x"}}, R"({"a":[{"x":1}],"a":[{"y":1}],"b":1})"), "{}");
    EXPECT_EQ(walked({.deny = {"a.x"}}, R"({"b":1,"a":{"y":1},"a":[{"x":1}]})"), R"({"a":[{}],"b":1})");
}

TEST(FilterWalk, Mapping) {
    EXPECT_EQ(walked({.mapping = {{"orders.id", "key"}, {"orders.lines.sku", "code.x"}, {"total", "n"}}},
                     R"({"orders":[{"id":1,"lines":[{"sku":"a"}]},{"id":2,"key":3}],"total":2})"),
              R"({"n":2,"orders":[{"key":1,"lines":[{"code":"a"}]},{"key":2}]})");
    EXPECT_EQ(walked({.mapping = {{"orders", "list"}, {"list.id", "key"}}}, R"({"orders":[{"id":1}]})"),
              R"({"list":[{"key":1}]})");
    // After allow, with the old names.
    EXPECT_EQ(walked({.allow = {"o.a"}, .mapping = {{"o.a", "b"}}}, R"({"o":[{"a":1,"c":2},{"c":3}]})"),
              R"({"o":[{"b":1}]})");
}

TEST(FilterWalk, RootArray) {
    constexpr std::string_view body = R"([{"id":1,"pin":"x"},{"id":2,"pin":"y"},5])";
    EXPECT_EQ(walked({.allow = {"id"}}, body, true), R"({"collection":[{"id":1},{"id":2}]})");
    EXPECT_EQ(walked({.deny = {"pin"}}, body, true), R"({"collection":[{"id":1},{"id":2},5]})");
    EXPECT_EQ(walked({.allow = {"none"}}, body, true), R"({"collection":[]})");
    EXPECT_EQ(walked({.allow = {"id"}, .mapping = {{"id", "key"}}, .group = "users"}, body, true),
              R"({"users":[{"key":1},{"key":2}]})");
    EXPECT_EQ(walked({.group = "users"}, "[]", true), R"({"users":[]})");
    EXPECT_EQ(walked({.deny = {"pin"}}, "null", true), R"({"collection":null})");
    // Under its wrapper's name there is nothing.
    EXPECT_EQ(walked({.deny = {"collection.pin"}}, R"([{"pin":1}])", true), R"({"collection":[{"pin":1}]})");
}

TEST(FilterWalk, Target) {
    EXPECT_EQ(walked({.target = "orders"}, kOrders),
              R"({"collection":[{"id":1,"lines":[{"cost":1,"sku":"a"},{"cost":2,"sku":"b"}],"pin":"x"},)"
              R"({"id":2,"lines":[],"pin":"y"},7,null]})");
    EXPECT_EQ(walked({.target = "orders.lines", .allow = {"sku"}}, kOrders),
              R"({"collection":[{"sku":"a"},{"sku":"b"}]})");
    EXPECT_EQ(walked({.target = "orders.id", .group = "ids"}, kOrders), R"({"ids":[1,2]})");
    EXPECT_EQ(walked({.target = "a.b", .deny = {"c"}}, R"({"a":{"b":{"c":1,"d":[2]}}})"), R"({"d":[2]})");
    EXPECT_EQ(walked({.target = "none.b"}, kOrders), "{}");
    EXPECT_EQ(walked({.target = "total"}, kOrders), "{}");
    EXPECT_EQ(walked({.target = "orders.none"}, kOrders), R"({"collection":[]})");
    EXPECT_EQ(walked({.target = "a", .mapping = {{"x", "y"}}}, R"([{"a":{"x":1}},{"a":[{"x":2}]}])", true),
              R"({"collection":[{"y":1},{"y":2}]})");
}

TEST(FilterWalk, WithFlatmap) {
    Arena arena;
    const std::vector<FlatmapOp> ops = {{"del", {"collection.*.pin"}}};
    const Names deny = {"id"};
    FilterProgram p =
        FilterProgram::compile({.target = "orders", .deny = deny, .group = "o", .flatmap = ops, .walk = true});
    auto d = encodings::decode(encodings::find_decoder("json", false), R"({"orders":[{"id":1,"pin":2}]})", arena,
                               p.keep_depth());
    EXPECT_EQ(printed(p.apply(d.data, arena)), R"({"o":[{"id":1}]})");
}

TEST(FilterWalk, PrintedParts) {
    Arena arena;
    const Names deny = {"items.link"};
    FilterProgram p = FilterProgram::compile({.deny = deny, .walk = true});
    Member members[] = {{"items", Value::of_raw(R"([{"title":"t","link":"l"}])")}, {"title", Value::of_text("T")}};
    EXPECT_EQ(printed(p.apply(Value::of(members, 2), arena)), R"({"items":[{"title":"t"}],"title":"T"})");
}

TEST(FilterWalk, OffChangesNothing) {
    Arena arena;
    const Names deny = {"a.b"};
    FilterProgram p = FilterProgram::compile({.deny = deny});
    auto d = encodings::decode(encodings::find_decoder("json", false), R"({"a":[{"b":1}]})", arena, p.keep_depth());
    EXPECT_EQ(printed(p.apply(d.data, arena)), R"({"a":[{"b":1}]})");
}

// As deep as a document may be.
TEST(FilterWalk, Deep) {
    constexpr size_t kDepth = 9990;
    std::string body = "{\"a\":" + std::string(kDepth, '[') + R"({"b":1,"c":2})" + std::string(kDepth, ']') + "}";
    std::string wanted = body;
    wanted.replace(wanted.find(R"("b":1,)"), 6, "");
    EXPECT_EQ(walked({.deny = {"a.b"}}, body), wanted);
    EXPECT_EQ(walked({.allow = {"a.b"}, .mapping = {{"a.b", "x"}}}, body).size(), body.size() - 6);
    EXPECT_EQ(walked({.allow = {"a.x"}}, body), "{}");
    EXPECT_EQ(walked({.target = "a.b"}, body), R"({"collection":[1]})");
}

// The same by recursion: true when something of an allow is left.
using Path = std::vector<std::string>;

void deny(Fixed& f, const Path& path, size_t at) {
    if (f.kind == Fixed::Kind::array) {
        for (auto& p : f.parts)
            deny(p.value, path, at);
        return;
    }
    for (size_t i = 0; i < f.parts.size(); ++i) {
        if (f.parts[i].name != path[at]) continue;
        if (at + 1 < path.size()) {
            deny(f.parts[i].value, path, at + 1);
        } else {
            f.parts.erase(f.parts.begin() + static_cast<ptrdiff_t>(i));
        }
        return;
    }
}

bool allow(Fixed& f, const std::vector<Path>& paths, size_t at) {
    std::vector<flatmap_reference::Part> kept;
    for (auto& p : f.parts) {
        std::vector<Path> on;
        bool whole = false;
        if (f.kind == Fixed::Kind::array) {
            on = paths;
        } else {
            for (const Path& path : paths) {
                if (path[at] != p.name) continue;
                whole = at + 1 == path.size();
                on.push_back(path);
            }
        }
        size_t next = f.kind == Fixed::Kind::array ? at : at + 1;
        if (whole || (!on.empty() && allow(p.value, on, next))) kept.push_back(p);
    }
    f.parts = kept;
    return !kept.empty();
}

TEST(FilterWalk, EqualsTheReference) {
    std::mt19937 random(7);
    auto pick = [&](unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random); };
    const char* names[] = {"a", "b", "c"};
    auto path = [&] {
        std::string s = names[pick(3)];
        for (unsigned i = 0, n = pick(4); i < n; ++i)
            s += std::string(".") + names[pick(3)];
        return s;
    };
    std::function<std::string(int)> value = [&](int depth) {
        unsigned kind = pick(depth > 0 ? 5 : 2);
        if (kind == 0) return std::to_string(pick(9));
        if (kind == 1) return std::string(pick(2) ? "{}" : "[]");
        std::string s = kind == 2 ? "[" : "{";
        for (unsigned i = 0, n = pick(4); i < n; ++i) {
            if (i != 0) s += ",";
            if (kind != 2) s += std::string("\"") + names[pick(3)] + "\":";
            s += value(depth - 1);
        }
        return s + (kind == 2 ? "]" : "}");
    };
    for (int round = 0; round < 3000; ++round) {
        bool root = pick(3) == 0;
        std::string body =
            root ? "[" + value(4) + "," + value(4) + "]" : R"({"a":)" + value(5) + R"(,"b":)" + value(5) + "}";
        Rules rules;
        Names& list = pick(2) ? rules.allow : rules.deny;
        for (unsigned i = 0; i < 1 + pick(2); ++i)
            list.push_back(path());
        Arena arena;
        Document* doc = scan(body, arena);
        Fixed f = flatmap_reference::fixed_of(*doc, 0);
        if (!rules.deny.empty()) {
            for (const std::string& d : rules.deny)
                deny(f, flatmap_reference::parts_of(d), 0);
        } else {
            // Of two paths one of which leads through the other the later counts.
            std::vector<Path> paths;
            for (const std::string& a : rules.allow) {
                Path p = flatmap_reference::parts_of(a);
                std::erase_if(paths, [&](const Path& q) {
                    size_t n = std::min(p.size(), q.size());
                    return std::equal(p.begin(), p.begin() + static_cast<ptrdiff_t>(n), q.begin());
                });
                paths.push_back(p);
            }
            allow(f, paths, 0);
        }
        std::string wanted = flatmap_reference::print(f);
        if (root) wanted = R"({"collection":)" + wanted + "}";
        for (uint32_t depth : {1U, kKeepAll})
            ASSERT_EQ(walked(rules, body, root, depth), wanted) << body << " " << list[0];
    }
}

}  // namespace
}  // namespace gladius::json
