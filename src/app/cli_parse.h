// Purpose: the words of a command line become an Invocation, or a text to print (help, or what is wrong and what is
// near). Owner: cli.cc. Thread: control; pure, reads nothing but its arguments. Errors: as Parsed::err with status
// kWrongUsage. Options may be spelt as the reference takes them: -c FILE, -cFILE, -c=FILE, --config FILE,
// --config=FILE, -dc FILE. Source: ledger 1 section 2.5; cases cli/commands.
//   Parsed p = parse_command_line({"gladius", "run", "-c", "krakend.json"});
//   if (!p.invocation) print p.out and p.err, exit with p.status;
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gladius::app {

constexpr int kFine = 0;
constexpr int kFailed = 1;      // something was said on stderr
constexpr int kWrongUsage = 2;  // the command line itself is wrong

enum class Command : uint8_t { run, check, explain, reload, demo, version, audit, check_plugin, test_plugin };

enum class Lint : uint8_t { none, online, embedded, schema };

struct Invocation {
    Command command = Command::run;
    std::string config;
    int debug = 0;  // how often -d was given
    int port = 0;   // run: 0 leaves the port of the file; demo: 8081
    bool watch = false;
    unsigned workers = 0;           // 0: one per usable core
    std::string upgrade_socket;     // run
    unsigned upgrade_seconds = 60;  // run
    bool allow_unsupported = false;
    bool test_routes = false;
    std::string indent = "\t";
    Lint lint = Lint::none;
    std::string lint_schema;
    bool json = false;
    std::string method, target;  // explain METHOD PATH; empty: the whole plan
    int pid = 0;                 // reload
};

struct Parsed {
    std::optional<Invocation> invocation;
    int status = kFine;
    std::string out;  // for stdout
    std::string err;  // for stderr
};

// words[0] is the name of the program.
Parsed parse_command_line(const std::vector<std::string>& words);

}  // namespace gladius::app
