#include "app/cli.h"

#include <gnu/libc-version.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "app/cli_check.h"
#include "app/cli_parse.h"
#include "app/cli_reload.h"
#include "app/demo.h"
#include "app/environment.h"
#include "app/explain.h"
#include "app/supervisor.h"

namespace gladius::app {

namespace {

void print(std::FILE* to, const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), to);
    std::fflush(to);
}

// Colours are for people: a terminal that shows them, and nobody who asked for none (no-color.org).
bool colours(std::FILE* to) {
    const char* no = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    return ::isatty(::fileno(to)) == 1 && !(no && *no) && term && std::string_view(term) != "dumb";
}

std::string versions() {
    std::string out = "KrakenD Version: 2.13.8\nGladius Version: " GLADIUS_VERSION "\nCompiler: ";
#if defined(__clang__)
    out += "clang " __clang_version__;
#else
    out += "g++ " __VERSION__;
#endif
    return out + "\nGlibc Version: GLIBC-" + gnu_get_libc_version() + "\n";
}

int explain(const Invocation& in, const Environment& env) {
    CheckedFile file = check_file(in, env, false);
    print(stderr, diagnostics_text(file.diagnostics, colours(stderr)));
    if (!file.ok()) {
        print(stderr, "ERROR parsing the configuration file:\t" + file.diagnostics.summary(in.config) + "\n");
        return kFailed;
    }
    Explained e = in.target.empty() ? explain_all(*file.service, *file.snapshot, in.config)
                                    : explain_request(*file.service, *file.snapshot, in.config, in.method, in.target);
    print(stdout, in.json ? e.json : e.text);
    return e.answered ? kFine : kFailed;
}

int run(const Invocation& in, std::vector<std::string> command) {
    RunOptions o;
    o.config = in.config;
    o.port = in.port;
    o.debug = in.debug > 0;
    o.watch = in.watch;
    o.allow_unsupported = in.allow_unsupported;
    o.workers = in.workers;
    o.upgrade_socket = in.upgrade_socket;
    o.upgrade_seconds = in.upgrade_seconds;
    o.command = command;
    return Supervisor(std::move(o)).run();
}

int not_built(const std::string& sentence) {
    print(stderr, sentence + "\n");
    return kFailed;
}

}  // namespace

int run_cli(int argc, char** argv) {
    Parsed p = parse_command_line(std::vector<std::string>(argv, argv + argc));
    if (!p.invocation) {
        print(stdout, p.out);
        print(stderr, p.err);
        return p.status;
    }
    const Invocation& in = *p.invocation;
    switch (in.command) {
        case Command::run:
            return run(in, std::vector<std::string>(argv, argv + argc));
        case Command::check: {
            std::string said;
            int status = run_check(in, environment_pairs(), colours(stderr), said);
            print(stderr, said);
            return status;
        }
        case Command::explain:
            return explain(in, environment_pairs());
        case Command::reload: {
            std::string out, err;
            int status = run_reload(in, "/proc", out, err);
            print(stdout, out);
            print(stderr, err);
            return status;
        }
        case Command::demo:
            return run_demo(static_cast<uint16_t>(in.port), "127.0.0.1");
        case Command::version:
            print(stdout, versions());
            return kFine;
        case Command::audit:
            return not_built(
                "audit is not built yet; check finds what is wrong with a file, but gives no recommendations");
        case Command::check_plugin:
        case Command::test_plugin:
            return not_built("Gladius loads no Go plugins, so there is none to check or to test");
    }
    return kWrongUsage;
}

}  // namespace gladius::app
