#include "conf/routes.h"

#include <gtest/gtest.h>

#include "conf/test_support.h"

using namespace gladius::conf;

namespace {

// "METHOD path" each.
std::string conflicts(std::initializer_list<const char*> routes, const std::string& root = {}) {
    std::string text = "{\"version\":3," + root + "\"endpoints\":[";
    bool first = true;
    for (std::string r : routes) {
        size_t blank = r.find(' ');
        text += std::string(first ? "" : ",") + "{\"method\":\"" + r.substr(0, blank) + "\",\"endpoint\":\"" +
                r.substr(blank + 1) + "\"," + kGoodBackend + "}";
        first = false;
    }
    LoadResult l = load(text + "]}");
    EXPECT_TRUE(l.service);
    return find_route_conflicts(*l.service, Severity::error).text();
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST(Routes, DuplicatesConflict) {
    EXPECT_TRUE(has(conflicts({"GET /d", "GET /d"}),
                    "error: $.endpoints[1].endpoint: handlers are already registered for path '/d'"));
    EXPECT_TRUE(has(conflicts({"GET /d", "get /d"}), "handlers are already registered for path '/d'"));
    EXPECT_TRUE(has(conflicts({"GET /a/{x}", "GET /a/{x}"}), "path '/a/:x'"));
    EXPECT_TRUE(has(conflicts({"GET /st/*", "GET /st/*"}), "path '/st/*'"));
}

TEST(Routes, TwoNamesForOneParameterConflict) {
    EXPECT_TRUE(has(conflicts({"GET /a/{x}", "GET /a/{y}/b"}),
                    "':y' in new path '/a/:y/b' conflicts with existing wildcard ':x' in existing prefix '/a/:x'"));
    EXPECT_TRUE(has(conflicts({"GET /a/{x}", "GET /a/{xy}"}), "conflicts with existing wildcard ':x'"));
    EXPECT_TRUE(has(conflicts({"GET /a/{x}/b/{y}", "GET /a/{x}/b/{z}"}), "':z' in new path"));
}

TEST(Routes, WhatTheRouterServesIsNoConflict) {
    EXPECT_EQ(conflicts({"GET /d", "POST /d"}), "");
    EXPECT_EQ(conflicts({"GET /d", "GET /d/"}), "");
    EXPECT_EQ(conflicts({"GET /a/{x}", "GET /a/word"}), "");
    EXPECT_EQ(conflicts({"GET /a/{x}", "POST /a/{y}"}), "");
    EXPECT_EQ(conflicts({"GET /a/{x}/{x}"}), "");
    EXPECT_EQ(conflicts({"GET /a/{x}", "GET /b/{y}"}), "");
    EXPECT_EQ(conflicts({"GET /a/*", "GET /a/{x}", "GET /*", "GET /__catchall"}), "");
    EXPECT_EQ(conflicts({"FETCH /a", "FETCH /a"}), "");
    EXPECT_EQ(conflicts({"GET /f/v{x}", "GET /f/{y}"}, "\"disable_rest\":true,"), "");
}

TEST(Routes, TwoParametersInOneSegmentAndTheHealthPathConflict) {
    EXPECT_TRUE(
        has(conflicts({"GET /a/{x}-{y}"}, "\"disable_rest\":true,"), "only one wildcard per path segment is allowed"));
    EXPECT_TRUE(
        has(conflicts({"GET /up"}, "\"extra_config\":{\"router\":{\"health_path\":\"/up\"}},"), "health endpoint"));
    EXPECT_EQ(
        conflicts({"GET /up"}, "\"extra_config\":{\"router\":{\"health_path\":\"/up\",\"disable_health\":true}},"), "");
}
