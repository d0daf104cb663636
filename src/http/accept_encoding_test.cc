#include "http/accept_encoding.h"

#include <gtest/gtest.h>

namespace gladius::http {
namespace {

struct Case {
    std::string_view value;
    int gzip, br;
};

TEST(AcceptEncoding, Weights) {
    const Case cases[] = {
        {"", 0, 0},
        {"gzip", 1000, 0},
        {"gzip, deflate, br", 1000, 1000},
        {"GZIP;Q=0.5,BR", 500, 1000},
        {"gzip;q=0.001", 1, 0},
        {"gzip ; q=0.25 , br ;q=1.000", 250, 1000},
        {"gzip;q=0", 0, 0},
        {"*", 1000, 1000},
        {"*;q=0.3, br;q=0", 300, 0},
        {"br;q=0, *;q=0.3", 300, 0},
        {"identity", 0, 0},
        {"identity;q=0, *;q=0", 0, 0},
        {"x-gzip", 1000, 0},
        {"gzip, gzip;q=0", 1000, 0},
        // What is no weight is not taken.
        {"gzip;q=1.001", 0, 0},
        {"gzip;q=2", 0, 0},
        {"gzip;q=-1", 0, 0},
        {"gzip;q=", 0, 0},
        {"gzip;q=0.1234", 0, 0},
        {"gzip;q=.5", 0, 0},
        {"gzip;level=9", 0, 0},
        {"gzip;q=1;q=0", 0, 0},
        {", ,gzip,,", 1000, 0},
        {"gzipped, abrb", 0, 0},
    };
    for (const Case& c : cases) {
        AcceptedCodings a;
        a.add(c.value);
        EXPECT_EQ(c.gzip, a.gzip()) << c.value;
        EXPECT_EQ(c.br, a.br()) << c.value;
    }
}

TEST(AcceptEncoding, SeveralFieldsAreOneList) {
    AcceptedCodings a;
    a.add("gzip;q=0.2");
    a.add("br");
    a.add("gzip");
    EXPECT_EQ(200, a.gzip());
    EXPECT_EQ(1000, a.br());
}

}  // namespace
}  // namespace gladius::http
