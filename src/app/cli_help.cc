#include "app/cli_help.h"

#include <algorithm>

#include "conf/scalar.h"

namespace gladius::app {

namespace {

constexpr CommandInfo kCommands[] = {
    {Command::run, "run", "", "starts the gateway", "-c FILE [options]",
     "Serves until SIGTERM or SIGINT, then lets running requests finish (max_shutdown_wait_time); a second signal "
     "ends\n"
     "at once. SIGHUP reads the file again, without losing a request; a file that is not good is refused, and the old\n"
     "one goes on serving. Environment variables KRAKEND_<KEY> override keys of the root (KRAKEND_PORT=8080).",
     "% run -c krakend.json\n"
     "% run -c krakend.json --upgrade-socket /run/gladius/upgrade.sock\n"
     "                                           again for a new binary; SIGUSR2 does it, too\n"
     "% run -c krakend.json -p 9090 --watch     another port; reloads when the file changes\n"
     "% run -dc krakend.json                    with the endpoint /__debug/\n",
     "0  ended by a signal\n"
     "1  the file is not good, or the port cannot be used; why is on stderr\n"
     "2  wrong usage\n"},
    {Command::check, "check", "validate", "says what is wrong with a configuration file", "-c FILE [options]",
     "Finds everything that `run` would refuse, all in one go, each with file:line:column, the place in the document "
     "and\n"
     "what to write instead. Warnings say what works otherwise than it reads. Nothing is started. Output goes to "
     "stderr.",
     "% check -c krakend.json\n"
     "% check -tc krakend.json                  routes that exclude each other are errors, as for run\n"
     "% check -ddc krakend.json                 and print it as it was understood\n",
     "0  the file is good (Syntax OK!); there may be warnings\n"
     "1  it is not\n"
     "2  wrong usage\n"},
    {Command::explain, "explain", "", "prints the compiled plan, or which endpoint a request hits",
     "-c FILE [options] [[METHOD] PATH]",
     "Without a PATH: the listener and the plan of every endpoint: how it is executed, what is passed to each "
     "backend,\n"
     "what is done with the answers. With a PATH: what the router does with such a request (parameters, redirect, 404\n"
     "or 405 and why), what is sent to each backend, and the plan of that endpoint. METHOD is GET when it is left out.",
     "% explain -c krakend.json\n"
     "% explain -c krakend.json GET '/users/7?fields=name'\n"
     "% explain -c krakend.json --json | jq '.endpoints[].timeout_ms'\n",
     "0  the file is good; with a PATH: something answers it, or redirects\n"
     "1  the file is not good; with a PATH: the answer is 400, 404 or 405\n"
     "2  wrong usage\n"},
    {Command::reload, "reload", "", "makes a running gateway read its file again", "-c FILE | --pid N",
     "Finds the gateway of the same user that was started with this FILE, checks the file with that gateway's options "
     "and\n"
     "environment, and sends SIGHUP only when it is good.",
     "% reload -c krakend.json\n"
     "% reload --pid 4711\n",
     "0  the file is good and the signal was sent\n"
     "1  the file is not good, or there is no such gateway, or more than one; nothing was sent\n"
     "2  wrong usage\n"},
    {Command::demo, "demo", "", "starts a small backend to play with", "[-p PORT]",
     "Made-up users, posts and orders on 127.0.0.1; GET / lists what there is.", "% demo -p 8081\n",
     "0  ended by a signal\n"
     "1  the port cannot be used\n"
     "2  wrong usage\n"},
    {Command::version, "version", "", "prints versions", "", "", "% version\n", "0  always\n"},
    {Command::audit, "audit", "", "security recommendations for a file (not built yet)", "-c FILE", "", "",
     "1  always: this command is not built yet\n"
     "2  wrong usage\n"},
    {Command::check_plugin, "check-plugin", "", "dependencies of a Go plugin (not built)", "", "", "",
     "1  always: Gladius loads no Go plugins\n"},
    {Command::test_plugin, "test-plugin", "", "loads a Go plugin (not built)", "", "", "",
     "1  always: Gladius loads no Go plugins\n"},
};

void append_lines(std::string& out, std::string_view text, std::string_view program) {
    while (!text.empty()) {
        size_t end = text.find('\n');
        out += "  ";
        for (char c : text.substr(0, end)) {
            if (c == '%')
                out += program;
            else
                out += c;
        }
        out += '\n';
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
}

void append_row(std::string& out, std::string_view left, std::string_view right, size_t width) {
    out += "  ";
    out += left;
    if (left.size() + 2 > width)
        out += "\n  " + std::string(width, ' ');
    else
        out += std::string(width - left.size(), ' ');
    // Further lines of an explanation stand below the first.
    for (char c : right) {
        out += c;
        if (c == '\n') out += "  " + std::string(width, ' ');
    }
    out += '\n';
}

}  // namespace

std::span<const CommandInfo> commands() {
    return kCommands;
}

const CommandInfo* find_command(std::string_view name) {
    for (const CommandInfo& c : kCommands)
        if (name == c.name || (!c.alias.empty() && name == c.alias)) return &c;
    return nullptr;
}

std::string overview(std::string_view program) {
    std::string out = "Gladius: an API gateway that runs KrakenD version 3 configurations.\n\nUsage: ";
    out += program;
    out += " COMMAND [options]\n\nCommands:\n";
    for (const CommandInfo& c : kCommands) {
        std::string name(c.name);
        if (!c.alias.empty()) name += ", " + std::string(c.alias);
        append_row(out, name, c.purpose, 18);
    }
    append_row(out, "help [COMMAND]", "explains a command", 18);
    out += "\nExamples:\n";
    append_lines(out, "% check -c krakend.json\n% run -c krakend.json\n% explain -c krakend.json GET /users/7\n",
                 program);
    out += "\nOptions, examples and exit statuses of a command: ";
    out += program;
    out += " COMMAND --help\n";
    return out;
}

std::string command_help(const CommandInfo& c, std::string_view program, const std::vector<OptionHelp>& options) {
    std::string out;
    out += program;
    out += ' ';
    out += c.name;
    out += ": ";
    out += c.purpose;
    out += "\n\nUsage: ";
    out += program;
    out += ' ';
    out += c.name;
    if (!c.usage.empty()) {
        out += ' ';
        out += c.usage;
    }
    out += '\n';
    if (!c.alias.empty()) out += "Also called: " + std::string(program) + " " + std::string(c.alias) + "\n";
    if (!c.about.empty()) {
        out += '\n';
        out += c.about;
        out += '\n';
    }
    if (!options.empty()) {
        out += "\nOptions:\n";
        size_t width = 0;
        for (const OptionHelp& o : options)
            width = std::max(width, o.names.size() + 2);
        for (const OptionHelp& o : options)
            append_row(out, o.names, o.about, std::min<size_t>(width, 30));
    }
    if (!c.examples.empty()) {
        out += "\nExamples:\n";
        append_lines(out, c.examples, program);
    }
    out += "\nExit status:\n";
    append_lines(out, c.statuses, program);
    return out;
}

std::string_view nearest(std::string_view written, std::span<const std::string> names) {
    if (written.size() > 64) return {};
    std::string_view best;
    size_t limit = written.size() <= 3 ? 1 : written.size() <= 5 ? 2 : 3;
    size_t least = limit + 1;
    for (const std::string& n : names) {
        size_t d = conf::edit_distance(written, n, limit);
        // Who writes the beginning of a name means that name.
        if (written.size() >= 2 && n.size() > written.size() && n.compare(0, written.size(), written) == 0) d = 0;
        if (d < least) {
            least = d;
            best = n;
        }
    }
    return best;
}

}  // namespace gladius::app
