// Golden tests: tests/explain/NAME.json is explained as a whole (NAME.txt, NAME.plan.json), and so is every line
// "METHOD TARGET" of NAME.requests (NAME.requests.txt). GLADIUS_UPDATE_GOLDEN=1 writes the expected files anew.
#include "app/explain.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/explain_item.h"
#include "conf/load.h"
#include "conf/parse.h"
#include "plan/compile.h"

using namespace gladius;
using namespace gladius::app;
namespace fs = std::filesystem;

namespace {

fs::path folder() {
    return fs::path(GLADIUS_SOURCE_DIR) / "tests" / "explain";
}

std::string read(const fs::path& p) {
    std::ifstream f(p);
    std::ostringstream s;
    s << f.rdbuf();
    return s.str();
}

void compare(const fs::path& golden, const std::string& got) {
    const char* update = std::getenv("GLADIUS_UPDATE_GOLDEN");
    if (update && *update) {
        std::ofstream(golden) << got;
        return;
    }
    EXPECT_EQ(read(golden), got) << golden << "; GLADIUS_UPDATE_GOLDEN=1 writes it anew";
}

struct Plan {
    std::shared_ptr<conf::Service> service;
    std::shared_ptr<plan::Snapshot> snapshot;
};

Plan compiled(const std::string& name, const std::string& text) {
    conf::LoadResult r = conf::load_text(name, text);
    EXPECT_TRUE(r.ok()) << r.diagnostics.text();
    plan::CompileOptions o;
    o.routes_are_errors = false;
    o.http_proxy = "http://proxy.test:3128";
    o.no_proxy = "*.test";
    Plan p{r.service, plan::compile(*r.service, o, r.diagnostics)};
    EXPECT_FALSE(r.diagnostics.has_errors()) << r.diagnostics.text();
    return p;
}

}  // namespace

TEST(Explain, Golden) {
    size_t files = 0;
    for (const auto& entry : fs::directory_iterator(folder())) {
        fs::path p = entry.path();
        if (p.extension() != ".json" || p.stem().extension() == ".plan") continue;
        ++files;
        std::string name = p.filename().string();
        Plan plan = compiled(name, read(p));
        Explained all = explain_all(*plan.service, *plan.snapshot, name);
        EXPECT_TRUE(all.answered);
        fs::path base = p.parent_path() / p.stem();
        compare(base.string() + ".txt", all.text);
        compare(base.string() + ".plan.json", all.json);
        conf::Diagnostics d;
        EXPECT_TRUE(conf::parse_json("plan.json", all.json, d)) << d.text();
        std::istringstream requests(read(base.string() + ".requests"));
        std::string method, target, said;
        while (requests >> method >> target) {
            Explained e = explain_request(*plan.service, *plan.snapshot, name, method, target);
            // The plan of the endpoint is in the file above.
            size_t plan_at = e.text.find("\n\n");
            said += (plan_at == std::string::npos ? e.text : e.text.substr(0, plan_at + 1)) +
                    (e.answered ? "" : "  (exit status 1)\n");
            EXPECT_TRUE(conf::parse_json("request.json", e.json, d)) << e.json << d.text();
        }
        compare(base.string() + ".requests.txt", said);
    }
    EXPECT_GE(files, 2u);
}

TEST(Explain, ARequestShowsThePlanOfItsEndpoint) {
    Plan plan = compiled("a.json", read(folder() / "service.json"));
    Explained all = explain_all(*plan.service, *plan.snapshot, "a.json");
    Explained one = explain_request(*plan.service, *plan.snapshot, "a.json", "GET", "/users/7");
    std::string endpoint = one.text.substr(one.text.find("\n\n"));
    EXPECT_NE(all.text.find(endpoint), std::string::npos) << endpoint;
}

TEST(Explain, NamesOfTheFileMakeNoLines) {
    Item i = said("k", "a\nb", "c\x1b[31m\nd");
    EXPECT_EQ(as_text(i).find('\x1b'), std::string::npos);
    EXPECT_EQ(as_text(i), "a b               c [31m d\n");
    Item g = group({}, {}, {});
    g.children.push_back(said("a\"b\n", {}, "\xff"));
    EXPECT_EQ(as_json(g), "{\n  \"a\\\"b\\n\": \"\\ufffd\"\n}\n");
}
