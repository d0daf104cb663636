#include "app/cli_reload.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "app/cli_check.h"

extern "C" {  // the header of glibc 2.36 forgets to say so
#include <sys/pidfd.h>
}

namespace gladius::app {

namespace {

std::string read_all(const std::string& path) {
    std::ifstream f(path, std::ios::binary);
    std::ostringstream text;
    text << f.rdbuf();
    return std::move(text).str();
}

std::string link_of(const std::string& path) {
    char to[PATH_MAX];
    ssize_t n = ::readlink(path.c_str(), to, sizeof to);
    if (n <= 0 || n == sizeof to) return {};
    std::string out(to, static_cast<size_t>(n));
    // What an upgrade in place leaves behind.
    constexpr std::string_view kDeleted = " (deleted)";
    if (out.size() > kDeleted.size() && out.ends_with(kDeleted)) out.resize(out.size() - kDeleted.size());
    return out;
}

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::vector<std::string> split_at_nul(const std::string& text) {
    std::vector<std::string> out;
    for (size_t i = 0; i < text.size();) {
        size_t end = std::min(text.find('\0', i), text.size());
        out.push_back(text.substr(i, end - i));
        i = end + 1;
    }
    return out;
}

// The file behind a path, whatever links lead to it; the path itself when there is none.
std::string resolved(const std::string& path, const std::string& folder) {
    std::string whole = path.empty() || path[0] == '/' ? path : folder + "/" + path;
    char real[PATH_MAX];
    return ::realpath(whole.c_str(), real) ? std::string(real) : whole;
}

// Whether a process holds SIGHUP back or handles it: the masks of its status are in hexadecimal, bit 0 is signal 1.
bool takes_sighup(const std::string& status) {
    for (std::string_view name : {"\nSigBlk:", "\nSigCgt:"}) {
        size_t at = status.find(name);
        if (at == std::string::npos) continue;
        if (std::strtoull(status.c_str() + at + name.size(), nullptr, 16) & (1u << (SIGHUP - 1))) return true;
    }
    return false;
}

bool belongs_to(const std::string& status, uid_t user) {
    size_t at = status.find("\nUid:");
    return at != std::string::npos && std::strtoul(status.c_str() + at + 5, nullptr, 10) == user;
}

std::string described(const RunningGateway& g) {
    return "process " + std::to_string(g.pid) + " (" + g.config_path + ")";
}

std::string list_of(const std::vector<RunningGateway>& all) {
    std::string out;
    for (const RunningGateway& g : all)
        out += "  --pid " + std::to_string(g.pid) + "   " + g.config_path + "\n";
    return out;
}

}  // namespace

std::vector<RunningGateway> find_gateways(const std::string& proc, const std::string& self_exe, uid_t user) {
    std::vector<RunningGateway> out;
    DIR* dir = ::opendir(proc.c_str());
    if (!dir) return out;
    while (dirent* e = ::readdir(dir)) {
        int pid = 0;
        const char* end = e->d_name + std::strlen(e->d_name);
        auto r = std::from_chars(e->d_name, end, pid);
        if (r.ec != std::errc() || r.ptr != end || pid == ::getpid()) continue;
        std::string at = proc + "/" + e->d_name;
        std::string exe = link_of(at + "/exe");
        if (exe.empty() || base_name(exe) != base_name(self_exe)) continue;
        std::string status = read_all(at + "/status");
        if (!belongs_to(status, user)) continue;
        Parsed p = parse_command_line(split_at_nul(read_all(at + "/cmdline")));
        if (!p.invocation || p.invocation->command != Command::run) continue;
        RunningGateway g;
        g.pid = pid;
        g.run = std::move(*p.invocation);
        g.config_path = resolved(g.run.config, link_of(at + "/cwd"));
        g.takes_sighup = takes_sighup(status);
        out.push_back(std::move(g));
    }
    ::closedir(dir);
    std::sort(out.begin(), out.end(), [](const RunningGateway& a, const RunningGateway& b) { return a.pid < b.pid; });
    return out;
}

Environment environment_of(const std::string& proc, int pid) {
    Environment out;
    for (const std::string& pair : split_at_nul(read_all(proc + "/" + std::to_string(pid) + "/environ"))) {
        size_t eq = pair.find('=');
        if (eq != std::string::npos && eq > 0) out.emplace_back(pair.substr(0, eq), pair.substr(eq + 1));
    }
    return out;
}

int run_reload(const Invocation& in, const std::string& proc, std::string& out, std::string& err) {
    std::vector<RunningGateway> all = find_gateways(proc, link_of("/proc/self/exe"), ::geteuid());
    char cwd[PATH_MAX];
    std::string wanted = in.config.empty() ? std::string() : resolved(in.config, ::getcwd(cwd, sizeof cwd) ? cwd : ".");
    std::vector<RunningGateway> found;
    for (const RunningGateway& g : all) {
        if ((in.pid == 0 || g.pid == in.pid) && (in.pid != 0 || g.config_path == wanted)) found.push_back(g);
    }
    if (found.empty()) {
        err = in.pid ? "reload: process " + std::to_string(in.pid) + " is no running gateway of this user\n"
                     : "reload: no running gateway of this user was started with " + wanted + "\n";
        if (!all.empty()) err += "Running gateways:\n" + list_of(all);
        return kFailed;
    }
    // One that handed over to another, and only ends its requests.
    if (found.size() > 1 && std::any_of(found.begin(), found.end(), [](const auto& g) { return g.takes_sighup; }))
        std::erase_if(found, [](const auto& g) { return !g.takes_sighup; });
    if (found.size() > 1) {
        err = "reload: several gateways run with " + wanted + "; choose one of them:\n" + list_of(found);
        return kFailed;
    }
    RunningGateway& g = found[0];
    if (!wanted.empty() && wanted != g.config_path) {
        err = "reload: " + described(g) + " was started with another file than " + wanted +
              "; a reload reads its own file again\n";
        return kFailed;
    }
    // Held before the signal is sent, so that it cannot reach another process that got the same number meanwhile.
    int fd = ::pidfd_open(g.pid, 0);
    if (fd < 0) {
        err = "reload: " + described(g) + ": " + std::strerror(errno) + "\n";
        return kFailed;
    }
    std::string name = g.run.config;
    g.run.config = g.config_path;
    CheckedFile file = check_file(g.run, environment_of(proc, g.pid), true);
    err = diagnostics_text(file.diagnostics, false);
    int status = kFailed;
    if (!file.ok()) {
        err +=
            "reload: nothing was sent, the gateway goes on with what it has: " + file.diagnostics.summary(name) + "\n";
    } else if (!g.takes_sighup) {
        err += "reload: " + described(g) + " does not take SIGHUP yet: it is still starting\n";
    } else if (::pidfd_send_signal(fd, SIGHUP, nullptr, 0) != 0) {
        err += "reload: " + described(g) + ": " + std::strerror(errno) + "\n";
    } else {
        // It reads the file at once; a process that ends of it would end in this time.
        pollfd p{fd, POLLIN, 0};
        if (::poll(&p, 1, 100) > 0) {
            err += "reload: " + described(g) + " ended; its log says why\n";
        } else {
            out = "reload: " + described(g) +
                  " reads its file again: " + std::to_string(file.snapshot->endpoints.size()) +
                  " endpoints; its log says when it is done\n";
            status = kFine;
        }
    }
    ::close(fd);
    return status;
}

}  // namespace gladius::app
