// Purpose: one place where clients connect, and what is spoken there: first the PROXY header, then TLS, then HTTP.
// Owner: shared by the snapshot and the workers' listeners: connections that were accepted before a reload took a
// listener away still want to know. Thread: const. Lifetime: as its holders. Errors: none; it has been checked
// (conf/listeners.h).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "plan/proxy.h"

namespace gladius::plan {

struct ListenerPlan {
    std::string name;  // "main", or as the configuration says
    std::string ip;    // empty: every address
    uint16_t port = 0;
    std::string path;  // of a unix socket; then there is no ip and no port
    uint32_t mode = 0660;
    bool tls = false;
    bool proxy_protocol = false;
    std::vector<Cidr> trusted;  // who sends the PROXY header; with a path: everybody who may connect

    bool is_unix() const { return !path.empty(); }
    // What tells two places apart, and names one in a manifest of descriptors: "tcp 127.0.0.1:80", "tcp [::1]:80",
    // "tcp *:80", "unix /run/a.sock".
    std::string key() const;
};

}  // namespace gladius::plan
