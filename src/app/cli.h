// Purpose: the command line: run, check, explain, reload, demo, version, help. Source: ledger 1 section 2.5;
// docs/cli.md. Owner: main. Thread: control. Errors: exit status 0 fine, 1 a fault that was said on stderr, 2 wrong
// usage.
#pragma once
namespace gladius::app {
int run_cli(int argc, char** argv);
}
