#include "app/cli_parse.h"

#include <gtest/gtest.h>

#include "app/cli_help.h"

using namespace gladius::app;

namespace {

Parsed parse(std::vector<std::string> words) {
    words.insert(words.begin(), "/usr/bin/gladius");
    return parse_command_line(words);
}

Invocation good(std::vector<std::string> words) {
    Parsed p = parse(std::move(words));
    EXPECT_TRUE(p.invocation) << p.err;
    return p.invocation.value_or(Invocation{});
}

std::string wrong(std::vector<std::string> words) {
    Parsed p = parse(std::move(words));
    EXPECT_FALSE(p.invocation);
    EXPECT_EQ(p.status, kWrongUsage);
    EXPECT_EQ(p.out, "");
    return p.err.substr(0, p.err.find('\n'));
}

}  // namespace

TEST(CliParse, EverySpellingOfTheFile) {
    using Words = std::vector<std::string>;
    for (const Words& w :
         {Words{"-c", "f.json"}, {"-cf.json"}, {"-c=f.json"}, {"--config", "f.json"}, {"--config=f.json"}}) {
        Words run{"run"}, check{"check", "-t"};
        run.insert(run.end(), w.begin(), w.end());
        check.insert(check.end(), w.begin(), w.end());
        EXPECT_EQ(good(run).config, "f.json") << w[0];
        EXPECT_EQ(good(check).config, "f.json") << w[0];
    }
    for (const Words& w : {Words{"-dc", "f.json"}, {"-dcf.json"}, {"-dc=f.json"}}) {
        Words check{"check"};
        check.insert(check.end(), w.begin(), w.end());
        EXPECT_EQ(good(check).config, "f.json") << w[0];
        EXPECT_EQ(good(check).debug, 1) << w[0];
    }
    // Only one sign belongs to the option.
    EXPECT_EQ(good({"run", "-c==f"}).config, "=f");
    EXPECT_EQ(good({"run", "-c", "=f"}).config, "=f");
    EXPECT_EQ(good({"run", "-c", "a", "-c", "b"}).config, "b");
    // As the reference: what follows an option is its value, whatever it looks like.
    EXPECT_EQ(good({"check", "-c", "-t"}).config, "-t");
}

TEST(CliParse, OptionsOfRun) {
    Invocation in = good({"run", "-c", "f", "-d", "-p", "9090", "--watch", "--workers", "3", "--allow-unsupported"});
    EXPECT_EQ(in.command, Command::run);
    EXPECT_EQ(in.debug, 1);
    EXPECT_EQ(in.port, 9090);
    EXPECT_TRUE(in.watch);
    EXPECT_EQ(in.workers, 3u);
    EXPECT_TRUE(in.allow_unsupported);
    in = good({"run", "-c", "f"});
    EXPECT_EQ(in.debug, 0);
    EXPECT_EQ(in.port, 0);
    EXPECT_FALSE(in.watch);
    EXPECT_EQ(in.workers, 0u);
    EXPECT_FALSE(in.allow_unsupported);
    EXPECT_EQ(good({"run", "-p=81", "-c", "f"}).port, 81);
}

TEST(CliParse, OptionsOfCheck) {
    Invocation in = good({"check", "-tddi", ">>", "-c", "f"});
    EXPECT_EQ(in.command, Command::check);
    EXPECT_TRUE(in.test_routes);
    EXPECT_EQ(in.debug, 2);
    EXPECT_EQ(in.indent, ">>");
    EXPECT_EQ(good({"check", "-c", "f"}).indent, "\t");
    EXPECT_EQ(good({"check", "-ddd", "-c", "f"}).debug, 3);
    EXPECT_EQ(good({"check", "-d", "-d", "-c", "f"}).debug, 2);
    EXPECT_EQ(good({"validate", "-c", "f"}).command, Command::check);
    EXPECT_EQ(good({"check", "-l", "-c", "f"}).lint, Lint::online);
    EXPECT_EQ(good({"check", "-n", "-c", "f"}).lint, Lint::embedded);
    EXPECT_EQ(good({"check", "-s", "x.json", "-c", "f"}).lint, Lint::schema);
    EXPECT_EQ(wrong({"check", "-l", "-n", "-c", "f"}),
              "gladius check: of --lint, --lint-no-network and --lint-schema only one can be given");
}

TEST(CliParse, ExplainTakesAMethodAndAPath) {
    Invocation in = good({"explain", "-c", "f", "POST", "/a?b=1"});
    EXPECT_EQ(in.method, "POST");
    EXPECT_EQ(in.target, "/a?b=1");
    in = good({"explain", "/a", "-c", "f"});
    EXPECT_EQ(in.method, "GET");
    EXPECT_EQ(in.target, "/a");
    EXPECT_EQ(good({"explain", "-c", "f"}).target, "");
    EXPECT_EQ(wrong({"explain", "-c", "f", "POST"}),
              "gladius explain: 'POST' is no path: write METHOD PATH, such as GET /users/7");
    EXPECT_EQ(wrong({"explain", "-c", "f", "GET", "a"}), "gladius explain: 'a' is no path: it begins with a slash");
    EXPECT_EQ(wrong({"explain", "-c", "f", "GET", "/a", "/b"}), "gladius explain: unexpected word '/b'");
}

TEST(CliParse, WrongUsageSaysWhatIsNear) {
    EXPECT_EQ(wrong({"chekc"}), "gladius: unknown command 'chekc'; did you mean check?");
    EXPECT_EQ(wrong({"relaod"}), "gladius: unknown command 'relaod'; did you mean reload?");
    EXPECT_EQ(wrong({"walk"}), "gladius: unknown command 'walk'");
    EXPECT_EQ(wrong({"krakend.json"}),
              "gladius: unknown command 'krakend.json'; did you mean gladius run -c krakend.json?");
    EXPECT_EQ(wrong({""}), "gladius: unknown command ''''");
    EXPECT_EQ(wrong({"-c", "f", "run"}),
              "gladius: unknown option -c in front of the command; options follow it: gladius run -c ...");
    EXPECT_EQ(wrong({"run", "--prot", "1", "-c", "f"}), "gladius run: unknown option --prot; did you mean --port?");
    EXPECT_EQ(wrong({"run", "--allow=1", "-c", "f"}),
              "gladius run: unknown option --allow; did you mean --allow-unsupported?");
    EXPECT_EQ(wrong({"run", "-x", "-c", "f"}), "gladius run: unknown option -x");
    EXPECT_EQ(wrong({"run", "krakend.json"}),
              "gladius run: unexpected word 'krakend.json'; did you mean -c krakend.json?");
    EXPECT_EQ(wrong({"run", "-c", "f", "-p", "65536"}),
              "gladius run: option --port needs a number from 0 to 65535, not '65536'");
    EXPECT_EQ(wrong({"run", "-c", "f", "-p", "80x"}),
              "gladius run: option --port needs a number from 0 to 65535, not '80x'");
    EXPECT_EQ(wrong({"run", "-c", "f", "--workers=-1"}),
              "gladius run: option --workers needs a number from 0 to 1024, not '-1'");
    EXPECT_EQ(wrong({"check", "-c"}), "gladius check: option --config needs a value (FILE)");
    EXPECT_EQ(wrong({"reload"}), "gladius reload: say which gateway: -c FILE or --pid N");
    EXPECT_EQ(wrong({"demo", "-p", "0"}), "gladius demo: option --port needs a number from 1 to 65535, not '0'");
}

TEST(CliParse, WithoutAFileTheLineOfTheReference) {
    for (const char* command : {"run", "check", "validate", "explain", "audit"}) {
        EXPECT_EQ(
            wrong({command}),
            "Please, provide the path to the configuration file with --config or see all the options with --help");
    }
}

TEST(CliParse, TheNameOfTheProgramIsShown) {
    EXPECT_EQ(parse_command_line({"/bin/krakend", "check", "-x"}).err,
              "krakend check: unknown option -x\nSee 'krakend check --help'.\n");
    EXPECT_NE(parse_command_line({"krakend"}).out.find("Usage: krakend COMMAND"), std::string::npos);
    EXPECT_NE(parse_command_line({}).out.find("Usage: gladius COMMAND"), std::string::npos);
}

TEST(CliHelp, EveryCommandHasAPageWithItsOptionsAndStatuses) {
    for (const CommandInfo& c : commands()) {
        Parsed asked = parse({std::string(c.name), "--help"});
        EXPECT_EQ(asked.status, kFine);
        EXPECT_FALSE(asked.invocation);
        EXPECT_EQ(asked.out, parse({"help", std::string(c.name)}).out);
        EXPECT_EQ(asked.out, parse({std::string(c.name), "-h", "--nonsense"}).out);
        EXPECT_NE(asked.out.find("-h, --help"), std::string::npos) << c.name;
        EXPECT_NE(asked.out.find("\nExit status:\n  "), std::string::npos) << c.name;
        EXPECT_EQ(asked.out.find('%'), std::string::npos) << c.name;
        EXPECT_NE(parse({"help"}).out.find("\n  " + std::string(c.name)), std::string::npos);
        // Lines fit a terminal of 120 columns.
        for (size_t i = 0; i < asked.out.size();) {
            size_t end = asked.out.find('\n', i);
            EXPECT_LE(end - i, 120u) << asked.out.substr(i, end - i);
            i = end + 1;
        }
    }
    EXPECT_EQ(parse({}).out, parse({"--help"}).out);
    EXPECT_EQ(wrong({"help", "chekc"}), "gladius: unknown command 'chekc'; did you mean check?");
}

TEST(CliHelp, Nearest) {
    std::vector<std::string> names{"run", "check", "reload", "test-gin-routes"};
    EXPECT_EQ(nearest("rn", names), "run");
    EXPECT_EQ(nearest("rleoad", names), "reload");
    EXPECT_EQ(nearest("test", names), "test-gin-routes");
    EXPECT_EQ(nearest("x", names), "");
    EXPECT_EQ(nearest("", names), "");
    EXPECT_EQ(nearest(std::string(100000, 'a'), names), "");
}
