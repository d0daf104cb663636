// Purpose: `reload`: finds the running gateway of a configuration file, checks the file as that gateway will read it
// (its options, its environment), and sends SIGHUP only when it is good. A process counts as a gateway when its
// executable is ours (or has the name of it: upgraded in place), its command line is `run`, and it holds SIGHUP back to
// read it itself: to any other process a SIGHUP may be its death. Owner: cli.cc. Thread: control. Errors: sentences in
// `err`, and nothing is sent.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "app/cli_parse.h"
#include "app/environment.h"

namespace gladius::app {

struct RunningGateway {
    int pid = 0;
    Invocation run;           // its command line
    std::string config_path;  // where its file is now, resolved from its working directory
    bool takes_sighup = false;
};

// Gateways of this user, by process number. `proc` is "/proc", or what a test made; `self_exe` a path or a bare name.
std::vector<RunningGateway> find_gateways(const std::string& proc, const std::string& self_exe, uid_t user);
// The environment a process was started with; empty when it cannot be read.
Environment environment_of(const std::string& proc, int pid);

int run_reload(const Invocation& in, const std::string& proc, std::string& out, std::string& err);

}  // namespace gladius::app
