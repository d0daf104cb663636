#include "json/flatmap.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "json/filter.h"
#include "json/flatmap_reference.h"
#include "json/merge.h"

namespace gladius::json {
namespace {

// The document of the recorded cases.
constexpr std::string_view kDoc =
    R"({"a":{"b":{"c":1,"d":2},"e":[1,2]},"items":[{"id":1,"p":{"x":"X1","y":"Y1"},"t":["q"]},)"
    R"({"id":2,"p":{"x":"X2","y":"Y2"},"t":[]}],"list1":[1,2],"list2":[3],"s":"text","n":null,"o":{}})";

using Ops = std::vector<FlatmapOp>;

std::string applied(const Ops& ops, std::string_view body, uint32_t depth = kKeepAll) {
    Arena arena;
    FlatmapProgram program = FlatmapProgram::compile(ops);
    Document* doc = scan(body, arena, depth);
    EXPECT_TRUE(doc->ok());
    return flatmap_reference::printed(program.apply(Value::of(doc, 0), arena));
}

std::string referred(const Ops& ops, std::string_view body) {
    Arena arena;
    return flatmap_reference::apply(ops, *scan(body, arena), 0);
}

struct Case {
    Ops ops;
    std::string_view body;
    std::string_view wanted;
};

void check(const Case& c) {
    std::string shown;
    for (const FlatmapOp& op : c.ops) {
        shown += op.type;
        for (const std::string& a : op.args)
            shown += " " + a;
        shown += "; ";
    }
    EXPECT_EQ(applied(c.ops, c.body), c.wanted) << shown;
    EXPECT_EQ(applied(c.ops, c.body, 0), c.wanted) << shown;
    EXPECT_EQ(referred(c.ops, c.body), c.wanted) << shown;
}

// What the module of the reference gave for the same input.
TEST(FlatmapProgram, Move) {
    const Case cases[] = {
        {{{"move", {"s", "text"}}}, R"({"s":1})", R"({"text":1})"},
        // As long as the source: only the last name changes, whatever the others say.
        {{{"move", {"a.b", "x.y"}}}, R"({"a":{"b":1}})", R"({"a":{"y":1}})"},
        {{{"move", {"a.0", "a.7"}}}, R"({"a":[1,2]})", R"({"a":[1,2]})"},
        {{{"move", {"a.0", "a.1"}}, {"del", {"a.1"}}}, R"({"a":[1,2]})", R"({"a":[2]})"},
        // Longer: below the parent of the source, what is missing is made.
        {{{"move", {"s", "x.y.s"}}}, R"({"s":1,"x":{"z":2}})", R"({"x":{"y":{"s":1},"z":2}})"},
        {{{"move", {"s", "a.b"}}}, R"({"s":1,"a":"text"})", R"({"a":{"b":1}})"},
        {{{"move", {"s", "a.b"}}}, R"({"s":1,"a":[]})", R"({"a":[1]})"},
        {{{"move", {"s", "a.b"}}}, R"({"s":1,"a":[5]})", R"({"a":[5,1]})"},
        {{{"move", {"a", "a.b"}}}, R"({"a":1})", R"({"a":{"b":1}})"},
        {{{"move", {"i.*.id", "i.*.m.id"}}},
         R"({"i":[{"id":1},2,{"id":3,"m":{}}]})",
         R"({"i":[{"m":{"id":1}},2,{"m":{"id":3}}]})"},
        // Shorter: as far to the destination as there is a way.
        {{{"move", {"a.b.c", "c"}}}, R"({"a":{"b":{"c":1}}})", R"({"a":{"b":null},"c":1})"},
        {{{"move", {"a.b.c", "x.y"}}}, R"({"a":{"b":{"c":1}}})", R"({"a":{"b":null},"y":1})"},
        {{{"move", {"a.b.c", "x.y"}}}, R"({"a":{"b":{"c":1}},"x":7})", R"({"a":{"b":null},"x":{"y":1}})"},
        {{{"move", {"a.b.c", "x.y"}}}, R"({"a":{"b":{"c":1}},"x":[7]})", R"({"a":{"b":null},"x":[7,1]})"},
        {{{"move", {"i.*.p.x", "i.*.x"}}},
         R"({"i":[{"p":{"x":1}},{"p":{"x":2,"y":3}}]})",
         R"({"i":[{"p":null,"x":1},{"p":{"y":3},"x":2}]})"},
        {{{"move", {"i.*.x", "x"}}}, R"({"i":[{"x":1},{"x":2}]})", R"({"i":[null,null],"x":2})"},
        {{{"move", {"*.x", "x"}}}, R"({"a":{"x":1},"b":5})", R"({"a":null,"b":5,"x":1})"},
        // The last name of a source is a name.
        {{{"move", {"a.*", "b"}}}, R"({"a":{"x":1}})", R"({"a":{"x":1}})"},
        {{{"move", {"a.*", "b"}}}, R"({"a":{"x":1,"*":2}})", R"({"a":{"x":1},"b":2})"},
        // What is there already is lost.
        {{{"move", {"a.b", "c"}}}, R"({"a":{"b":1},"c":2})", R"({"a":null,"c":1})"},
        {{{"move", {"a", "b"}}}, R"({"a":1,"b":2})", R"({"b":1})"},
        {{{"move", {"b", "a"}}}, R"({"a":1,"b":2})", R"({"a":2})"},
        // A dot in a name is no way to it; an empty name is one.
        {{{"move", {"a.b", "c"}}}, R"({"a.b":1})", R"({"a.b":1})"},
        {{{"move", {"", "c"}}}, R"({"":1})", R"({"c":1})"},
        {{{"move", {"\xC3\xA9", "c"}}}, R"({"\u00e9":1})", R"({"c":1})"},
        {{{"move", {"01", "c"}}}, R"({"1":1,"01":2})", R"({"1":1,"c":2})"},
        {{{"move", {"x", "<"}}}, R"({"x":1.50})", R"({"\u003c":1.50})"},
    };
    for (const Case& c : cases)
        check(c);
}

// Go's lists of names share their memory from the fourth level on: everything moves to the last one.
TEST(FlatmapProgram, MoveFromFarDown) {
    check({{{"move", {"a.b.c.*.d.e", "a.b.c.*.e"}}},
           R"({"a":{"b":{"c":[{"d":{"e":1}},{"d":{"e":2}}]}}})",
           R"({"a":{"b":{"c":[{"d":null},{"d":null,"e":2}]}}})"});
    check({{{"move", {"a.b.*.c.d", "a.b.*.d"}}},
           R"({"a":{"b":[{"c":{"d":1}},{"c":{"d":2}}]}})",
           R"({"a":{"b":[{"c":null,"d":1},{"c":null,"d":2}]}})"});
}

TEST(FlatmapProgram, Del) {
    const Case cases[] = {
        {{{"del", {"a", "b.c", "zzz", "a.b"}}}, R"({"a":1,"b":{"c":1,"d":2}})", R"({"b":{"d":2}})"},
        // Emptied is null, empty stays empty.
        {{{"del", {"a.b", "c.0"}}}, R"({"a":{"b":1},"c":[1],"d":{},"e":[]})", R"({"a":null,"c":null,"d":{},"e":[]})"},
        {{{"del", {"*"}}}, R"({"a":1})", "null"},
        {{{"del", {"*"}}}, R"({})", "{}"},
        {{{"del", {"*.*.x"}}}, R"({"a":[{"x":1,"y":2},3],"b":{"c":{"x":1}}})", R"({"a":[{"y":2},3],"b":{"c":null}})"},
        // Elements keep their numbers until the end.
        {{{"del", {"a.0", "a.1"}}}, R"({"a":[1,2,3]})", R"({"a":[3]})"},
        {{{"del", {"a.0"}}, {"del", {"a.0"}}}, R"({"a":[1,2,3]})", R"({"a":[2,3]})"},
        {{{"del", {"a.00", "a.-1", "a.3", "a.4294967295"}}}, R"({"a":[1,2,3]})", R"({"a":[1,2,3]})"},
        {{{"del", {"a"}}}, R"({"a":1,"b":2,"a":3})", R"({"b":2})"},
        {{{"del", {}}}, R"({"a":1})", R"({"a":1})"},
    };
    for (const Case& c : cases)
        check(c);
}

TEST(FlatmapProgram, Append) {
    const Case cases[] = {
        {{{"append", {"a", "b"}}}, R"({"a":[1],"b":[2,3]})", R"({"b":[2,3,1]})"},
        {{{"append", {"a", "a"}}}, R"({"a":[1]})", "null"},
        {{{"append", {"a", "b"}}}, R"({"a":[],"b":[]})", R"({"b":[]})"},
        {{{"append", {"a", "b"}}}, R"({"a":{},"b":[1]})", R"({"a":{},"b":[1]})"},
        {{{"append", {"a", "b"}}}, R"({"a":[1],"b":{}})", R"({"a":[1],"b":{}})"},
        {{{"append", {"a", "b"}}}, R"({"a":[1]})", R"({"a":[1]})"},
        // Emptied is no array any more.
        {{{"del", {"a.0"}}, {"append", {"a", "b"}}}, R"({"a":[1],"b":[2]})", R"({"a":null,"b":[2]})"},
        // A source with a wildcard is a list of what it finds.
        {{{"append", {"i.*.t", "l"}}},
         R"({"i":[{"t":[1]},{"t":2},{}],"l":[0]})",
         R"({"i":[null,null,{}],"l":[0,[1],2,null]})"},
        // A destination with one is read, but written to the name.
        {{{"append", {"a", "b.*"}}}, R"({"a":[1],"b":{"c":2}})", R"({"b":{"*":[2,1],"c":2}})"},
        // Names of elements that are no positions any more.
        {{{"del", {"b.0"}}, {"append", {"a", "b"}}}, R"({"a":[1],"b":[7,8,9]})", R"({"b":[9,1,8]})"},
        {{{"del", {"b.0"}}, {"append", {"a", "b"}}},
         R"({"a":[1],"b":[7,{"x":1},{"y":{}},[9]]})",
         R"({"b":[{"x":1,"y":{}},[{},9],{"0":9},{"x":1}]})"},
    };
    for (const Case& c : cases)
        check(c);
}

TEST(FlatmapProgram, OneAfterTheOther) {
    check({{{"move", {"a.b", "b"}}, {"move", {"b.c", "c"}}, {"move", {"c", "seen"}}, {"del", {"a", "items", "s"}}},
           kDoc,
           R"({"b":{"d":2},"list1":[1,2],"list2":[3],"n":null,"o":{},"seen":1})"});
}

TEST(FlatmapProgram, WhatIsNotTouchedIsTheSourceStill) {
    Arena arena;
    FlatmapProgram p = FlatmapProgram::compile(Ops{{"del", {"i.*.none", "none"}}, {"move", {"x.*.y.z", "q"}}});
    std::string body = R"({"i":[{"a":1},{"b":[2]}],"x":{"k":{"y":{}}}})";
    Document* doc = scan(body, arena, p.keep_depth());
    Value v = p.apply(Value::of(doc, 0), arena);
    EXPECT_EQ(v.kind, Value::Kind::node);
    EXPECT_EQ(v.document, doc);
    EXPECT_EQ(v.n, 0u);
}

TEST(FlatmapProgram, DataOfSeveralKinds) {
    Arena arena;
    FlatmapProgram p = FlatmapProgram::compile(Ops{{"del", {"drop", "c.0", "t.x", "r.x"}}, {"move", {"c.0", "first"}}});
    EXPECT_TRUE(p.apply(Value{}, arena).is_null());
    Document* doc = scan(R"([1,2])", arena);
    Member members[] = {{"c", Value::of(doc, 0)},
                        {"t", Value::of_text("t")},
                        {"r", Value::of_raw("{}")},
                        {"drop", Value{}},
                        {"null", Value{}}};
    Value v = p.apply(Value::of(members, 5), arena);
    EXPECT_EQ(flatmap_reference::printed(v), R"({"c":[2],"null":null,"r":{},"t":"t"})");
    v = p.apply(Value::of(static_cast<Member*>(nullptr), 0), arena);
    EXPECT_EQ(flatmap_reference::printed(v), "{}");
}

// At an endpoint the data of the backends went through their filters.
TEST(FlatmapProgram, DoesNotSeeWhatWasRemoved) {
    Arena arena;
    const std::vector<std::string> deny = {"a.x", "b.y"};
    FilterProgram filter = FilterProgram::compile({.deny = deny});
    Document* doc = scan(R"({"a":{"x":1},"b":{"y":1,"z":[1]}})", arena);
    Merge merge(arena, 2);
    merge.add(filter.apply(Value::of(doc, 0), arena), true);
    merge.add(Value::of(scan(R"({"c":[5]})", arena, 1), 0), true);
    FlatmapProgram p =
        FlatmapProgram::compile(Ops{{"move", {"b.y", "y"}}, {"move", {"a.x", "x"}}, {"append", {"c", "b.z"}}});
    EXPECT_EQ(flatmap_reference::printed(p.apply(merge.finish().data, arena)), R"({"a":{},"b":{"z":[1,5]}})");
}

TEST(FlatmapProgram, InAFilterItIsBetweenTargetAndGroup) {
    Arena arena;
    const std::vector<std::string> deny = {"x"};
    const std::vector<std::pair<std::string, std::string>> mapping = {{"y", "z"}};
    const Ops ops = {{"del", {"q"}}};
    FilterProgram filter = FilterProgram::compile(
        {.target = "data", .deny = deny, .mapping = mapping, .group = "g", .flatmap = ops, .keep_depth = 1});
    Document* doc = scan(R"({"data":{"x":1,"y":2,"q":3}})", arena, filter.keep_depth());
    EXPECT_EQ(flatmap_reference::printed(filter.apply(Value::of(doc, 0), arena)), R"({"g":{"x":1,"y":2}})");
    const Ops all = {{"del", {"*"}}};
    filter = FilterProgram::compile({.group = "g", .flatmap = all});
    EXPECT_EQ(flatmap_reference::printed(filter.apply(Value::of(doc, 0), arena)), R"({"g":null})");
}

TEST(FlatmapProgram, ProblemsAreNamed) {
    EXPECT_EQ(FlatmapProgram::problem({"move", {"a", "b"}}), "");
    EXPECT_EQ(FlatmapProgram::problem({"append", {"a.*", "b"}}), "");
    EXPECT_EQ(FlatmapProgram::problem({"del", {"a"}}), "");
    EXPECT_NE(FlatmapProgram::problem({"Move", {"a", "b"}}), "");
    EXPECT_NE(FlatmapProgram::problem({"move", {"a"}}), "");
    EXPECT_NE(FlatmapProgram::problem({"append", {}}), "");
    EXPECT_NE(FlatmapProgram::problem({"move", {"a.*", "b"}}), "");
    EXPECT_NE(FlatmapProgram::problem({"del", {}}), "");
    EXPECT_EQ(applied({{"Move", {"a", "b"}}, {"move", {"a"}}, {"append", {}}, {"del", {}}}, R"({"a":1})"),
              R"({"a":1})");
}

// As deep as a document may be, with things merged on the way down.
TEST(FlatmapProgram, Deep) {
    std::string body = R"({"a":[0)";
    for (int part = 0; part < 2; ++part) {
        body += ",";
        for (int i = 0; i < 4000; ++i)
            body += R"({"a":)";
        body += std::to_string(part) + std::string(4000, '}');
    }
    body += R"(],"b":[]})";
    std::string once = body.substr(body.find(',') + 1);
    once = once.substr(0, once.find(','));
    // The second replaces the first, member by member down to the number, and stands behind it again.
    std::string second = once;
    second[second.find('0')] = '1';
    EXPECT_EQ(applied({{"del", {"a.0"}}, {"append", {"b", "a"}}}, body),
              R"({"a":[)" + second + "," + second + "," + once + "]}");
}

class Generator {
  public:
    explicit Generator(unsigned seed) : random_(seed) {}
    std::string value(int depth) {
        switch (pick(depth > 0 ? 6 : 3)) {
            case 0:
                return std::to_string(pick(100));
            case 1:
                return one_of({"null", "true", "{}", "[]", "\"<\""});
            case 2:
                return "\"t\"";
            case 3:
                return list("[", "]", depth, false);
            default:
                return object(depth);
        }
    }
    std::string object(int depth) { return list("{", "}", depth, true); }
    Ops ops() {
        Ops list;
        for (unsigned i = 0, n = 1 + pick(4); i < n; ++i) {
            std::string type = one_of({"move", "move", "append", "del"});
            std::string from = path();
            list.push_back({type, {from, pick(3) == 0 ? from + "." + name() : path()}});
        }
        return list;
    }

  private:
    std::string list(const char* open, const char* close, int depth, bool keys) {
        std::string s = open;
        unsigned n = pick(20) == 0 ? 30 : pick(5);
        for (unsigned i = 0; i < n; ++i) {
            if (i != 0) s += ",";
            if (keys) s += "\"" + name() + "\":";
            s += value(depth - 1);
        }
        return s + close;
    }
    std::string path() {
        std::string s = part();
        for (unsigned i = 0, n = pick(6); i < n; ++i)
            s += "." + part();
        return s;
    }
    std::string part() { return pick(3) == 0 ? "*" : name(); }
    std::string name() { return one_of({"a", "b", "c", "a", "b", "0", "1", "2", "17", "*", "", "a.b"}); }
    unsigned pick(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
    std::string one_of(std::initializer_list<const char*> list) {
        return list.begin()[pick(static_cast<unsigned>(list.size()))];
    }
    std::mt19937 random_;
};

TEST(FlatmapProgram, EqualsTheReference) {
    for (unsigned seed = 0; seed < 2500; ++seed) {
        Generator g(seed);
        std::string body = g.object(5);
        Ops ops = g.ops();
        std::string wanted = referred(ops, body);
        for (uint32_t depth : {0U, 2U, kKeepAll})
            ASSERT_EQ(applied(ops, body, depth), wanted) << seed << " " << body;
    }
}

}  // namespace
}  // namespace gladius::json
