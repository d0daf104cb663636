// Purpose: from the TLS settings of a snapshot to what workers speak TLS with: reads the files, makes a context for
// each worker, looks whether the files changed and swaps without a reload, rotates the keys of session tickets.
// Owner: Supervisor. Thread: control. Lifetime: the process. Errors: at a start or reload as diagnostics; later in the
// log, and what was good goes on being used.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "conf/diagnostic.h"
#include "engine/worker.h"
#include "net/tls_client.h"
#include "net/tls_server.h"
#include "plan/plan.h"

namespace gladius::app {

class TlsKeeper {
  public:
    // Before anything else.
    void set_workers(size_t n) { libraries_.resize(n); }

    // What a snapshot needs, or nothing when its files are no good. Nothing changes until adopt().
    struct Loaded {
        struct Server {
            net::TlsServerSpec spec;
            net::TlsFiles files;
            std::vector<std::shared_ptr<const net::TlsServer>> of_worker;
        };
        std::shared_ptr<const Server> server;                        // none: plain HTTP
        std::vector<std::shared_ptr<const net::TlsClient>> clients;  // as Snapshot::client_tls
        std::vector<std::string> paths;
        std::vector<std::string> remarks;   // certificates that have expired
        std::vector<std::string> problems;  // files that are done without
        engine::TlsParts parts(size_t worker) const;
    };
    std::shared_ptr<const Loaded> load(const plan::Snapshot& snapshot, conf::Diagnostics& diagnostics);
    void adopt(std::shared_ptr<const Loaded> loaded);
    const Loaded& current() const { return *current_; }
    bool watches() const { return !current_->paths.empty(); }

    // Looks at the files once: what they hold now, when that is new and good. Called every half second; a change counts
    // when two looks see the same, for who writes may need a while.
    std::shared_ptr<const Loaded> look(std::string& complaint);

    // New keys for tickets; the ones of the last times stay good.
    std::shared_ptr<const net::TicketKeys> rotate();

  private:
    struct FileState {
        uint64_t device = 0, inode = 0, size = 0;
        int64_t changed_ns = 0;
        bool operator==(const FileState&) const = default;
    };
    std::vector<FileState> states(const std::vector<std::string>& paths) const;
    Result<std::shared_ptr<const Loaded::Server>> make_server(const net::TlsServerSpec& spec);
    std::shared_ptr<const net::TlsClient> make_client(const net::TlsClientSpec& spec);

    std::vector<std::shared_ptr<net::TlsLibrary>> libraries_;  // made when TLS is asked for
    std::shared_ptr<const net::TicketKeys> tickets_;
    std::shared_ptr<const Loaded> current_ = std::make_shared<Loaded>();
    std::vector<FileState> loaded_states_, seen_states_;
};

}  // namespace gladius::app
