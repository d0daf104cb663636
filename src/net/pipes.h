// Purpose: the pipes of one worker through which large bodies go from socket to socket inside the kernel (splice).
// Owner: engine::Worker. Thread: one worker. Lifetime: a pipe is taken for one body and given back empty; one that is
// not empty is closed. Errors: take() gives nullptr when there are enough, or no descriptors: the body is copied then.
// Size: the kernel moves a mebibyte with half of the CPU that copying takes, and a quarter of it with none saved
// (docs/performance.md); more than a mebibyte needs privileges.
#pragma once
#include <cstddef>
#include <vector>

namespace gladius::net {

struct Pipe {
    static constexpr size_t kBytes = 1024 * 1024;
    int read_end = -1;
    int write_end = -1;
    size_t filled = 0;
};

class Pipes {
  public:
    static constexpr size_t kMost = 32;
    Pipes() = default;
    ~Pipes();
    Pipes(const Pipes&) = delete;

    Pipe* take();
    void give_back(Pipe* p);
    // Descriptors of pipes that nobody uses are closed; called now and then.
    void trim();

  private:
    std::vector<Pipe*> idle_;
    size_t taken_ = 0;
};

}  // namespace gladius::net
