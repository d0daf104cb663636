// Purpose: descriptors with names, passed from one process to the next: over a SOCK_SEQPACKET unix socket (a binary
// upgrade, docs/upgrade.md), or by the service manager at start (LISTEN_FDS). Both fill the same manifest.
// Owner: the caller owns the descriptors in it, close() gives back what nobody took. Thread: control. Errors: as
// sentences; a message that is cut, or larger than it may be, is one, and its descriptors are closed.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace gladius::net {

struct FdManifest {
    struct Entry {
        std::string key;    // the place: plan::ListenerPlan::key()
        std::string name;   // systemd's FileDescriptorName; empty: none
        bool kept = false;  // by the service manager, for the start after this one
        std::vector<int> fds;
    };
    std::vector<Entry> entries;
    // What else a successor needs, in bytes: keys of TLS tickets.
    std::vector<std::pair<std::string, std::string>> data;

    void close();
};

constexpr size_t kMaxManifestEntries = 256;
constexpr size_t kMaxManifestFds = 16384;
constexpr size_t kMaxManifestData = 16 * 1024;  // of one

struct FdMessage {
    std::string text;  // empty: the other side closed
    std::vector<int> fds;
};
constexpr size_t kMaxFdMessage = 32 * 1024;
constexpr size_t kFdsPerMessage = 128;  // the system takes 253

// One message. Sending waits for room, for two seconds at most; receiving waits as the socket does (EAGAIN is an
// error).
Result<void> send_message(int socket, std::string_view text, const std::vector<int>& fds = {});
Result<FdMessage> receive_message(int socket);

// All of a manifest, and its end.
Result<void> send_manifest(int socket, const FdManifest& m);
Result<FdManifest> receive_manifest(int socket);

// What the service manager passed to this process (sd_listen_fds): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES; the
// variables are unset. A descriptor that is no listening stream socket is an error.
Result<FdManifest> take_activation_manifest();

// The place that a listening socket is bound to, as a listener's key; empty when it is none.
std::string key_of_listener(int fd);

}  // namespace gladius::net
