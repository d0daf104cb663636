#include "app/crash.h"

#include <signal.h>
#include <unistd.h>

#include <cstring>

#include "engine/exchange.h"

namespace gladius::app {
namespace {

std::vector<engine::Worker*>* g_workers;

void say(const char* s, size_t n) {
    [[maybe_unused]] ssize_t r = ::write(2, s, n);
}
void say(const char* s) {
    say(s, std::strlen(s));
}

void on_crash(int sig) {
    say("gladius: crashed with ");
    say(sig == SIGSEGV  ? "SIGSEGV"
        : sig == SIGBUS ? "SIGBUS"
        : sig == SIGFPE ? "SIGFPE"
        : sig == SIGILL ? "SIGILL"
                        : "SIGABRT");
    say("; requests that ran:\n");
    if (g_workers)
        for (engine::Worker* w : *g_workers) {
            const engine::Exchange* ex = w->running();
            if (!ex || !ex->base) continue;
            say("  ");
            size_t n = ex->head.target_off + ex->head.target_len;
            // The query may hold secrets.
            const void* q = std::memchr(ex->base, '?', n);
            say(ex->base, q ? static_cast<size_t>(static_cast<const char*>(q) - ex->base) : n < 2048 ? n : 2048);
            say("\n");
        }
    ::signal(sig, SIG_DFL);
    ::raise(sig);
}

}  // namespace

void install_crash_handler(std::vector<engine::Worker*> workers) {
    g_workers = new std::vector<engine::Worker*>(std::move(workers));  // lives as long as the process
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    constexpr bool kSanitizerReports = true;
#else
    constexpr bool kSanitizerReports = false;
#endif
    if (kSanitizerReports) return;
    struct sigaction a{};
    a.sa_handler = &on_crash;
    a.sa_flags = SA_RESETHAND | SA_NODEFER;
    for (int sig : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
        sigaction(sig, &a, nullptr);
}

}  // namespace gladius::app
