// Configurations that people really run, when a folder of them is given: GLADIUS_REAL_CONFIGS holds *.json and an
// index.json that says what the reference's `check` says. Files that use only what is built must get the same verdict
// here, and those with made-up protections must be refused; without the folder nothing is there to compare.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

#include "conf/load.h"
#include "conf/namespaces.h"

using namespace gladius::conf;

namespace {

// 20, 49 and 72 protect themselves with names that nobody knows.
bool must_be_refused(std::string_view file) {
    std::string_view number = file.substr(0, 3);
    return number == "20-" || number == "49-" || number == "72-";
}

bool uses_only_what_is_built(const Node& entry) {
    for (Member m : entry.find("namespaces").members()) {
        Resolved r = resolve_namespace(m.key);
        if (r.how == Resolved::How::comment) continue;
        if (r.info && !r.info->built && r.info->posture == Posture::protective) return false;
        if (r.how == Resolved::How::misspelt && r.protective) return false;
    }
    return true;
}

}  // namespace

TEST(RealConfigs, GetTheVerdictOfTheReference) {
    const char* folder = std::getenv("GLADIUS_REAL_CONFIGS");
    if (!folder) return;
    std::string dir = std::string(folder) + "/";
    std::string text;
    std::FILE* f = std::fopen((dir + "index.json").c_str(), "rb");
    ASSERT_TRUE(f);
    char block[65536];
    for (size_t n = 0; (n = std::fread(block, 1, sizeof block, f)) > 0;)
        text.append(block, n);
    std::fclose(f);
    Diagnostics d;
    auto index = parse_json("index.json", text, d);
    ASSERT_TRUE(index) << d.text();
    size_t compared = 0;
    size_t loaded = 0;
    for (Node entry : index->root().find("files").elements()) {
        std::string file(entry.find("file").text());
        if (file.find(".json") == std::string::npos) continue;
        LoadResult r = load_file(dir + file);
        ++loaded;
        if (must_be_refused(file)) {
            EXPECT_FALSE(r.ok()) << file;
            continue;
        }
        bool ok_there = entry.find("check").find("verdict").text() == "ok";
        if (!ok_there) {
            EXPECT_FALSE(r.ok()) << file;
            continue;
        }
        ASSERT_TRUE(r.service) << file << r.diagnostics.text();
        EXPECT_EQ(std::to_string(r.service->endpoints.size()), entry.find("endpoints").text()) << file;
        bool tls = r.service->tls && !r.service->tls->disabled;
        if (!uses_only_what_is_built(entry) || tls) continue;
        // What is left to refuse is a protective plugin.
        bool plugin = r.service->extra_config.has("plugin/http-server");
        if (plugin) continue;
        EXPECT_TRUE(r.ok()) << file << "\n" << r.diagnostics.text();
        ++compared;
    }
    EXPECT_GT(loaded, 60u);
    EXPECT_GT(compared, 10u);
}
