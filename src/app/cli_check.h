// Purpose: `check`: loads and compiles a file as `run` would, without starting anything, and says what is wrong with
// it. explain and reload take the same first step. Owner: cli.cc. Thread: control. Errors: as diagnostics in what is
// printed. Source: ledger 1 sections 2.5 (order and prefixes of the lines) and 2.6; cases cli/check-*.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "app/cli_parse.h"
#include "app/environment.h"
#include "conf/diagnostic.h"
#include "conf/load.h"
#include "plan/compile.h"

namespace gladius::app {

struct CheckedFile {
    std::shared_ptr<conf::Service> service;    // null when the text could not be read at all
    std::shared_ptr<plan::Snapshot> snapshot;  // null when there are errors before compiling
    conf::Diagnostics diagnostics;
    bool loaded = false;  // no error before compiling

    bool ok() const { return snapshot && !diagnostics.has_errors(); }
};

// port and debug as the options of run; routes_are_errors as plan::CompileOptions has it.
CheckedFile check_file(const Invocation& in, const Environment& env, bool routes_are_errors);

// Each diagnostic on a line; with colours when asked for.
std::string diagnostics_text(const conf::Diagnostics& diagnostics, bool colour);

// What `check` prints on stderr goes to `said`; returns the exit status.
int run_check(const Invocation& in, const Environment& env, bool colour, std::string& said);

}  // namespace gladius::app
