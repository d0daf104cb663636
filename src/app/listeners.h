// Purpose: the listening sockets of the process: opens what a configuration wants and is not open yet, hands each
// worker its share, and closes what no configuration wants any more. Sockets outlive configurations; a place that stays
// keeps its sockets, so nothing that waits in them is lost. Owner: Supervisor. Thread: control. Lifetime: the run.
// Errors: as sentences; when prepare() fails nothing has changed.
// A TCP place has a SO_REUSEPORT socket for each worker; a unix socket, and what a service manager passed, may be
// fewer: then workers share them.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/fd_manifest.h"
#include "net/socket.h"
#include "plan/plan.h"

namespace gladius::app {

using WantedListeners = std::vector<std::shared_ptr<const plan::ListenerPlan>>;

struct OpenListener {
    std::shared_ptr<const plan::ListenerPlan> plan;
    std::vector<int> fds;
    net::FileIdentity file;  // of a unix socket that we made
    bool kept = false;       // others have it too (the service manager, a successor): it is never shut down
    std::string name;        // the service manager's

    // The descriptors that worker `index` of `workers` accepts from; none is left out.
    std::vector<int> of_worker(unsigned index, unsigned workers) const;
    void close();
};

class ListenerSet {
  public:
    struct Change {
        std::vector<OpenListener> added, removed;
    };

    explicit ListenerSet(unsigned workers) : workers_(workers) {}
    ~ListenerSet();
    ListenerSet(const ListenerSet&) = delete;
    ListenerSet& operator=(const ListenerSet&) = delete;

    // Sockets of a predecessor or of the service manager: prepare() takes them for the places that they are bound to
    // (or, from the service manager, that have their name) instead of opening new ones.
    void inherit(net::FdManifest manifest) { inherited_ = std::move(manifest); }
    // What nobody took is closed (what the service manager keeps is left alone), and said.
    std::vector<std::string> close_inherited();
    // Opens the sockets that a predecessor with fewer workers did not have. Only when it has let go: what has a
    // listening socket has a share of the connections.
    Result<void> grow();
    net::FdManifest manifest() const;  // the descriptors stay the set's

    // Another process serves these places from now on: this one only lets go of them.
    void pass_on(const std::vector<std::string>& places);
    // What others accept from when this process has ended.
    std::vector<int> kept_descriptors() const;

    Result<Change> prepare(const WantedListeners& wanted);
    // Takes the change over. What was removed lets nobody new in from now on, and is kept until close_removed(), so
    // that workers can take those who are in its queue or on their way into it.
    void commit(const Change& change, const WantedListeners& wanted);
    const std::vector<OpenListener>& removed() const { return removed_; }
    void close_removed();
    const std::vector<OpenListener>& all() const { return open_; }
    unsigned workers() const { return workers_; }
    void close_all();

  private:
    const OpenListener* find(const std::string& key) const;
    Result<void> open(const plan::ListenerPlan& plan, OpenListener& out);
    bool take_inherited(const plan::ListenerPlan& plan, OpenListener& out);
    bool is_our_port(uint16_t port) const;

    unsigned workers_;
    std::vector<OpenListener> open_, removed_;
    net::FdManifest inherited_;
};

}  // namespace gladius::app
