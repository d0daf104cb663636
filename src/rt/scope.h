// Purpose: structured waiting. Every leaf wait (a socket, a timer, shared work) registers in the Scope it was given;
// the Scope can end all of them at once, because its deadline passed or because somebody cancelled it. A suspended
// coroutine is never destroyed from outside: it is resumed and told why (Wake), cleans up and returns. Owner: a Scope
// is a local of the coroutine (or a member of the exchange) whose waits it bounds; it must outlive them. Thread: one
// worker. Lifetime: a child scope is cancelled with its parent and must be destroyed before it. Errors: Wake says
// ready, timeout (deadline of this scope or of a parent) or cancelled (client gone, drain).
//   Scope s(loop, &parent);  s.deadline_in(200);  IoResult r = co_await io.read(buf, n, s);
#pragma once
#include <coroutine>
#include <cstdint>

#include "base/list.h"
#include "rt/wheel.h"

namespace gladius::rt {

class Loop;
class Scope;

enum class Wake : uint8_t { ready, timeout, cancelled };

// One suspended leaf. Lives in the awaiter, hence in the coroutine frame.
struct Wait : ListHook {
    std::coroutine_handle<> handle;
    Wake result = Wake::ready;
    void (*detach)(Wait&) = nullptr;  // takes it away from what it waits for; called before a cancelled wait is resumed
};

class Scope : public ListHook {
  public:
    explicit Scope(Loop& loop, Scope* parent = nullptr);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    // Sets the deadline, from now; 0 means none. The last call wins.
    void deadline_in(uint64_t ms);
    void clear_deadline() { timer_.disarm(); }
    // Ends every wait in this scope and in its children; later waits end at once. The first reason stays.
    void cancel(Wake why);
    bool ended() const { return why_ != Wake::ready; }
    Wake why() const { return why_; }
    Loop& loop() const { return loop_; }

    void enter(Wait& w) { waits_.push_back(w); }
    // Whose waits these are; asked by the crash handler, which walks up to the first scope that has one.
    void set_owner(const void* owner) { owner_ = owner; }
    const void* owner() const {
        for (const Scope* s = this; s; s = s->parent_)
            if (s->owner_) return s->owner_;
        return nullptr;
    }
    // Called once, in the turn of the first cancel() of this scope, before its waits are resumed.
    void on_cancel(void (*fn)(void*), void* arg) {
        on_cancel_ = fn;
        on_cancel_arg_ = arg;
    }

  private:
    Loop& loop_;
    Scope* parent_;
    List<Wait> waits_;
    List<Scope> children_;
    Timer timer_;
    void (*on_cancel_)(void*) = nullptr;
    void* on_cancel_arg_ = nullptr;
    const void* owner_ = nullptr;
    Wake why_ = Wake::ready;
};

// Children of a coroutine: start each with join.add() / join.done() around its body, and co_await join before leaving.
// Not cancellable itself: cancel the children's scope, they end in the same turn.
class Join {
  public:
    void add(uint32_t n = 1) { open_ += n; }
    void done();
    uint32_t open() const { return open_; }
    // Resumes when one more child is done than at the last await, or at once when none is open.
    auto any() {
        struct A {
            Join& j;
            bool await_ready() const { return j.finished_ > 0 || j.open_ == 0; }
            void await_suspend(std::coroutine_handle<> h) {
                j.waiter_ = h;
                j.want_all_ = false;
            }
            void await_resume() {
                if (j.finished_ > 0) --j.finished_;
            }
        };
        return A{*this};
    }
    auto all() {
        struct A {
            Join& j;
            bool await_ready() const { return j.open_ == 0; }
            void await_suspend(std::coroutine_handle<> h) {
                j.waiter_ = h;
                j.want_all_ = true;
            }
            void await_resume() { j.finished_ = 0; }
        };
        return A{*this};
    }

  private:
    uint32_t open_ = 0;
    uint32_t finished_ = 0;
    bool want_all_ = false;
    std::coroutine_handle<> waiter_;
};

}  // namespace gladius::rt
