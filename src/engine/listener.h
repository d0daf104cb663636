// Purpose: accepts connections for one worker from one listening socket; pauses instead of spinning when descriptors
// run out. Owner: Worker. Thread: the worker's. Lifetime: until unlisten(); the descriptor belongs to the supervisor.
// Errors: EMFILE and friends pause accepting for 100 ms and are counted.
#pragma once
#include "engine/worker.h"

namespace gladius::engine {

class Listener {
  public:
    Listener(Worker& w, int fd, std::shared_ptr<const plan::ListenerPlan> plan);
    ~Listener();
    int fd() const { return fd_; }
    // A reload: what is spoken here may be something else from now on.
    void adopt(const plan::ServerPlan& server);
    // Takes what the kernel has queued, so that no connection is lost when the socket goes away.
    void accept_all();

  private:
    void accept_up_to(uint32_t n);
    void pause();
    static void on_ready(rt::Io& io, void* self);
    static void on_timer(rt::Timer& t, void* self);
    Worker& w_;
    int fd_;
    std::shared_ptr<const plan::ListenerPlan> plan_;
    rt::Io io_;
    rt::Timer timer_;
};

}  // namespace gladius::engine
