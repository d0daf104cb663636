#include "conf/reference.h"

#include <gtest/gtest.h>

using namespace gladius::conf;
using Kind = Reference::Kind;

TEST(Reference, Kinds) {
    struct {
        std::string_view name;
        Kind kind;
        uint32_t backend;
        std::string_view path;
    } cases[] = {
        {"resp0_id", Kind::field, 0, "id"},
        {"resp12_user.name", Kind::field, 12, "user.name"},
        {"resp1.status", Kind::status, 1, ""},
        {"resp1.header.X-Total", Kind::header, 1, "X-Total"},
        {"input_headers.X-Tenant", Kind::client_header, 0, "X-Tenant"},
        {"input_query_strings.q", Kind::client_query, 0, "q"},
        {"each", Kind::each, 0, ""},
        {"each.a.b", Kind::each, 0, "a.b"},
        {"id", Kind::param, 0, "id"},
        {"response", Kind::param, 0, "response"},
        {"resp0", Kind::param, 0, "resp0"},
        {"resp0.size", Kind::none, 0, "resp0.size"},
        {"resp0_", Kind::none, 0, ""},
        {"resp99999999999_a", Kind::param, 0, "resp99999999999_a"},
        {"each.", Kind::none, 0, ""},
        {"a..b", Kind::none, 0, ""},
        {"a b", Kind::none, 0, ""},
        {"", Kind::none, 0, ""},
    };
    for (const auto& c : cases) {
        Reference r = parse_reference(c.name);
        EXPECT_EQ(static_cast<int>(r.kind), static_cast<int>(c.kind)) << c.name;
        if (r.kind == Kind::none) continue;
        EXPECT_EQ(r.backend, c.backend) << c.name;
        EXPECT_EQ(r.path, c.path) << c.name;
    }
}
