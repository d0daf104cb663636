#include "app/cli_check.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

using namespace gladius::app;

namespace {

class File {
  public:
    explicit File(const std::string& text)
        : path_(testing::TempDir() + "gladius-check-" + std::to_string(::getpid()) + ".json") {
        std::ofstream(path_) << text;
    }
    ~File() { ::unlink(path_.c_str()); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

struct Said {
    int status;
    std::string text;
};

Said check(const std::string& config, Invocation in = {}, bool colour = false) {
    File f(config);
    in.command = Command::check;
    in.config = f.path();
    Said s;
    s.status = run_check(in, {}, colour, s.text);
    for (size_t at; (at = s.text.find(f.path())) != std::string::npos;)
        s.text.replace(at, f.path().size(), "FILE");
    return s;
}

constexpr const char* kTwice = R"({"version": 3, "endpoints": [
 {"endpoint": "/d", "backend": [{"url_pattern": "/x", "host": ["http://h.test"]}]},
 {"endpoint": "/d", "backend": [{"url_pattern": "/x", "host": ["http://h.test"]}]}]})";

}  // namespace

TEST(CliCheck, AGoodFile) {
    Said s = check(R"({"version": 3})");
    EXPECT_EQ(s.status, kFine);
    EXPECT_EQ(s.text, "Parsing configuration file: FILE\nSyntax OK!\n");
}

TEST(CliCheck, EveryErrorIsSaid) {
    Said s =
        check("{\"version\": 3,\n \"port\": \"x\",\n \"timeout\": \"2\", \"endpoints\": [{\"endpoint\": \"/nob\"}]}");
    EXPECT_EQ(s.status, kFailed);
    EXPECT_EQ(s.text.find("Parsing configuration file: FILE\nFILE:2:"), 0u) << s.text;
    EXPECT_NE(s.text.find("FILE:3:"), std::string::npos) << s.text;
    EXPECT_NE(s.text.find("/nob"), std::string::npos) << s.text;
    EXPECT_NE(s.text.find("ERROR parsing the configuration file:\tFILE: 3 errors"), std::string::npos) << s.text;
    EXPECT_EQ(s.text.find("Syntax OK!"), std::string::npos);
}

TEST(CliCheck, RoutesThatExcludeEachOther) {
    Said s = check(kTwice);
    EXPECT_EQ(s.status, kFine);
    EXPECT_NE(s.text.find("FILE:3:2: warning: "), std::string::npos) << s.text;
    EXPECT_NE(s.text.find("Syntax OK!"), std::string::npos);
    Invocation in;
    in.test_routes = true;
    s = check(kTwice, in);
    EXPECT_EQ(s.status, kFailed);
    EXPECT_NE(s.text.find("FILE:3:2: error: "), std::string::npos) << s.text;
    EXPECT_NE(s.text.find("ERROR testing the configuration file:\tFILE: 1 error\n"), std::string::npos) << s.text;
}

TEST(CliCheck, TheDumpComesBeforeTheVerdict) {
    Invocation in;
    in.debug = 7;
    in.indent = ">>";
    Said s = check(R"({"version": 3, "name": "my gateway"})", in);
    EXPECT_EQ(s.status, kFine);
    EXPECT_NE(s.text.find("Global settings\n>>Name: my gateway\n"), std::string::npos) << s.text;
    EXPECT_NE(s.text.find("Max idle connections"), std::string::npos) << s.text;
    EXPECT_EQ(s.text.substr(s.text.size() - 11), "Syntax OK!\n");
}

TEST(CliCheck, LintAgainstASchemaIsNotPretended) {
    Invocation in;
    in.lint = Lint::schema;
    Said s = check(R"({"version": 3})", in);
    EXPECT_EQ(s.status, kFailed);
    EXPECT_NE(s.text.find("is not built yet"), std::string::npos) << s.text;
    EXPECT_EQ(s.text.find("Syntax OK!"), std::string::npos);
}

TEST(CliCheck, LintForgivesNoWarning) {
    for (Lint lint : {Lint::online, Lint::embedded}) {
        Invocation in;
        in.lint = lint;
        Said s = check(R"({"version": 3, "naem": "x"})", in);
        EXPECT_EQ(s.status, kFailed);
        EXPECT_NE(s.text.find("FILE:1:16: error: "), std::string::npos) << s.text;
        EXPECT_NE(s.text.find("ERROR linting the configuration file:\tFILE: 1 error\n"), std::string::npos) << s.text;
        EXPECT_EQ(check(R"({"version": 3, "naem": "x"})").status, kFine);
        EXPECT_EQ(check(R"({"version": 3, "name": "x"})", in).status, kFine);
    }
}

TEST(CliCheck, AModifierThatCannotBeBuiltIsAWarningAndNoLint) {
    const char* config = R"({"version": 3, "endpoints": [{"endpoint": "/a", "backend": [{"url_pattern": "/",
"host": ["http://h"], "extra_config": {"modifier/martian": {"header.Modifer": {"name": "X-A", "value": "1"}}}}]}]})";
    Said s = check(config);
    EXPECT_EQ(s.status, kFine);
    EXPECT_NE(s.text.find("FILE:2:61: warning: "), std::string::npos) << s.text;
    EXPECT_NE(s.text.find("modifier/martian is left out as a whole: \"header.Modifer\" is no modifier; "
                          "did you mean \"header.Modifier\"?"),
              std::string::npos)
        << s.text;
    Invocation in;
    in.lint = Lint::embedded;
    EXPECT_EQ(check(config, in).status, kFailed);
}

TEST(CliCheck, ProtectionThatIsUnknownRefuses) {
    const char* config = R"({"version": 3, "extra_config": {"security/jwt": {}}})";
    Said s = check(config);
    EXPECT_EQ(s.status, kFailed);
    Invocation in;
    in.allow_unsupported = true;
    s = check(config, in);
    EXPECT_EQ(s.status, kFine);
    EXPECT_NE(s.text.find("warning: $.extra_config[\"security/jwt\"]"), std::string::npos) << s.text;
}

TEST(CliCheck, ColoursMarkTheSeverityAndNothingElse) {
    Said s = check(R"({"version": 3, "host": ["http://a: warning: b"]})", {}, true);
    EXPECT_NE(s.text.find(": warning: b"), std::string::npos) << s.text;
    EXPECT_NE(s.text.find(": \x1b[31merror\x1b[0m: "), std::string::npos) << s.text;
    EXPECT_EQ(s.text.find("\x1b[33m"), std::string::npos) << s.text;
    EXPECT_NE(check(kTwice, {}, true).text.find(": \x1b[33mwarning\x1b[0m: "), std::string::npos);
    EXPECT_NE(check(kTwice, {}, true).text.find("\x1b[32mSyntax OK!\x1b[0m\n"), std::string::npos);
}

TEST(CliCheck, OptionsOfRunCountForAGatewayThatRuns) {
    File f(R"({"version": 3, "port": 1234})");
    Invocation in;
    in.command = Command::run;
    in.config = f.path();
    in.port = 4321;
    CheckedFile c = check_file(in, {{"KRAKEND_PORT", "99"}}, true);
    ASSERT_TRUE(c.ok()) << c.diagnostics.text();
    EXPECT_EQ(c.snapshot->server.listeners[0]->port, 4321);
    in.port = 0;
    EXPECT_EQ(check_file(in, {{"KRAKEND_PORT", "99"}}, true).snapshot->server.listeners[0]->port, 99);
}
