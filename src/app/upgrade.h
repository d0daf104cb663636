// Purpose: one process takes over from another without losing a connection (ADR 0008, docs/upgrade.md). The new one
// connects to the old one's unix socket, gets its listening sockets (net/fd_manifest.h), gets itself ready, and says
// so; only then the old one lets go. Whatever goes wrong before leaves the old one as it was. Owner: Supervisor.
// Thread: control. Lifetime: UpgradeServer as the run, Predecessor during the start. Errors: as sentences; a session
// that fails, stalls or is of another user ends, and the server waits for the next.
//
//   new                                     old
//   gladius-upgrade 1 / version / pid  -->
//                                      <--  gladius-upgrade 1 / version / pid, manifest, end      (or: no / sentence)
//   ready / places that it serves      -->
//                                      <--  yours                                                 from here on it
//                                      drains
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/fd_manifest.h"
#include "net/socket.h"
#include "rt/loop.h"

namespace gladius::app {

class UpgradeServer {
  public:
    struct Owner {
        virtual net::FdManifest manifest() = 0;  // the descriptors stay the owner's
        virtual void hand_over(int pid, const std::vector<std::string>& taken) = 0;
        virtual void upgrade_said(const std::string& text, bool failed) = 0;

      protected:
        ~Owner() = default;
    };

    UpgradeServer(rt::Loop& loop, Owner& owner, uint64_t ready_ms) : loop_(loop), owner_(owner), ready_ms_(ready_ms) {}
    ~UpgradeServer() { close(); }
    // Listens at path, in the place of whoever did before.
    Result<void> open(const std::string& path);
    void close();
    // A successor is getting ready: what it was given must stay true.
    bool busy() const { return session_.is_open(); }

  private:
    enum class Phase : uint8_t { hello, ready };
    void on_connection();
    void on_message();
    void begin(int fd);
    void end(const std::string& why);
    void refuse(int fd, const std::string& why);

    rt::Loop& loop_;
    Owner& owner_;
    uint64_t ready_ms_;
    std::string path_;
    net::FileIdentity file_;
    rt::Io listener_, session_;
    rt::Timer deadline_;
    Phase phase_ = Phase::hello;
    int pid_ = 0;
    std::string who_;
};

class Predecessor {
  public:
    ~Predecessor();
    // A null pointer: nobody listens at path, which is how the first one starts.
    static Result<std::unique_ptr<Predecessor>> find(const std::string& path);

    net::FdManifest manifest;
    std::string version;
    int pid = 0;

    // Says that these places are served from now on; when it returns the old process has let go of them.
    Result<void> take_over(const std::vector<std::string>& places);

  private:
    int fd_ = -1;
};

}  // namespace gladius::app
