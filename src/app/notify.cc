#include "app/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <time.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace gladius::app {

void notify_service_manager(std::string_view state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    if (!path || !*path) return;
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    size_t n = std::strlen(path);
    if (n >= sizeof a.sun_path) return;
    std::memcpy(a.sun_path, path, n);
    if (a.sun_path[0] == '@') a.sun_path[0] = 0;  // abstract name
    int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&a),
             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + n));
    ::close(fd);
}

void notify_reloading() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    unsigned long long us =
        static_cast<unsigned long long>(t.tv_sec) * 1000000 + static_cast<unsigned long long>(t.tv_nsec) / 1000;
    char text[64];
    int n = std::snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%llu", us);
    notify_service_manager({text, static_cast<size_t>(n)});
}

}  // namespace gladius::app
