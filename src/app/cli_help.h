// Purpose: what --help says: one table row per command, and the layout of a page. The options of a command come from
// its parser (cli_parse.cc), so that a page cannot forget one. Owner: constants. Thread: any. Errors: none.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli_parse.h"

namespace gladius::app {

struct CommandInfo {
    Command command;
    std::string_view name;
    std::string_view alias;     // another name, or empty
    std::string_view purpose;   // one line
    std::string_view usage;     // what follows "Usage: gladius NAME"
    std::string_view about;     // a paragraph or two, or empty
    std::string_view examples;  // lines; % stands for the name of the program
    std::string_view statuses;  // lines "0  what it means"
};

std::span<const CommandInfo> commands();
const CommandInfo* find_command(std::string_view name);

struct OptionHelp {
    std::string names;  // "-c, --config FILE"
    std::string about;
};

std::string overview(std::string_view program);
std::string command_help(const CommandInfo& command, std::string_view program, const std::vector<OptionHelp>& options);

// The name of the list that is nearest to what was written; empty when none is near enough to be meant.
std::string_view nearest(std::string_view written, std::span<const std::string> names);

}  // namespace gladius::app
