// Purpose: the few socket operations of the gateway, with errors as sentences.
// Ownership: descriptors are returned to the caller, close-on-exec and non-blocking. Thread: any. Errors: Result or
// -errno.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gladius::net {

// An IPv4 or IPv6 address with a port, or the path of a unix socket.
struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
    const sockaddr* sa() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* sa() { return reinterpret_cast<sockaddr*>(&storage); }
    int family() const { return storage.ss_family; }
    uint16_t port() const;
    void set_port(uint16_t port);
    bool operator==(const Address& o) const;
};

// "127.0.0.1" or "::1"; false when the text is no address.
bool parse_ip(std::string_view text, uint16_t port, Address& out);
// Writes the address without its port ("127.0.0.1"; IPv4-mapped IPv6 as IPv4); returns the length, at most 45.
size_t format_ip(const Address& a, char* out);
// The address as IPv6; IPv4 is mapped (::ffff:a.b.c.d). Zeros for a unix socket.
void write_mapped(const Address& a, uint8_t (&out)[16]);
std::string format(const Address& a);  // "127.0.0.1:80", "[::1]:80", "/run/a.sock"
// A unix socket's address; false when the path is empty or longer than the system's 107 bytes.
bool unix_address(std::string_view path, Address& out);

// An errno as the reference words it: "connection refused".
std::string error_words(int error);

// As in Go, listening on the unspecified address of either kind is listening on both.
bool is_any(std::string_view ip);
// A listening socket with SO_REUSEPORT, so that every worker has a queue of its own. An empty ip means every address,
// IPv6 included.
Result<int> listen_tcp(std::string_view ip, uint16_t port, int backlog = 4096);
// An error when somebody else listens there. SO_REUSEPORT alone would share the port with another process of the same
// user without a word.
Result<void> port_is_free(std::string_view ip, uint16_t port);
uint16_t local_port(int fd);
// From now on nobody new gets in: the kernel drops the first packet of a handshake, so that a client tries again (and
// is refused when the socket is closed by then). Handshakes that had begun go on and end up in the queue. Without it,
// closing the socket would reset whoever came between the last accept() and the close().
void stop_new_connections(int fd);

// A listening unix socket with these permissions (whatever the umask says). A socket file that nobody listens on any
// more is replaced; one that somebody listens on, or a file that is no socket, is an error.
Result<int> listen_unix(const std::string& path, uint32_t mode, int backlog = 4096, int type = SOCK_STREAM);
// Removes the socket file, when it is still ours: a successor may have made its own. To be asked while our socket is
// open: until then nobody else's file can have the same identity.
struct FileIdentity {
    uint64_t device = 0, inode = 0;
    bool operator==(const FileIdentity&) const = default;
};
FileIdentity identity_of(const std::string& path);  // zeros: there is none
void remove_socket_file(const std::string& path, const FileIdentity& ours);

// TCP_NODELAY and keepalive probes. user_timeout_ms bounds how long sent bytes may stay unacknowledged; 0 leaves it.
void tune(int fd, int keep_alive_s, int user_timeout_ms);

// close() then resets the connection, and what was not sent yet is lost: the other side sees that something broke.
void reset_on_close(int fd);

// Starts a connection; returns the descriptor (in progress or connected), or -errno.
int connect_start(const Address& to);

// Raises RLIMIT_NOFILE to its hard limit; returns what it is now.
uint64_t raise_descriptor_limit();

}  // namespace gladius::net
