#include "net/pipes.h"

#include <fcntl.h>
#include <unistd.h>

namespace gladius::net {

namespace {

void destroy(Pipe* p) {
    ::close(p->read_end);
    ::close(p->write_end);
    delete p;
}

}  // namespace

Pipes::~Pipes() {
    trim();
}

Pipe* Pipes::take() {
    if (taken_ == kMost) return nullptr;
    if (!idle_.empty()) {
        ++taken_;
        Pipe* p = idle_.back();
        idle_.pop_back();
        return p;
    }
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
    auto* p = new Pipe{ends[0], ends[1]};
    // Who may not have a large one is better off copying.
    if (::fcntl(p->write_end, F_SETPIPE_SZ, Pipe::kBytes) < static_cast<int>(Pipe::kBytes)) {
        destroy(p);
        return nullptr;
    }
    ++taken_;
    return p;
}

void Pipes::give_back(Pipe* p) {
    --taken_;
    if (p->filled > 0)
        destroy(p);
    else
        idle_.push_back(p);
}

void Pipes::trim() {
    for (Pipe* p : idle_)
        destroy(p);
    idle_.clear();
}

}  // namespace gladius::net
