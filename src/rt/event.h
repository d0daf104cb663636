// Purpose: a wait for something that another coroutine or a callback of the same worker makes happen. Owner: whoever
// sets it; it outlives the wait. Thread: one worker. Lifetime: reusable; one waiter at a time. Errors: Wake says
// timeout or cancelled of the scope. A set() that nobody waited for is kept, several count as one.
//   Event more;  Wake w = co_await more.wait(scope);      // elsewhere: more.set();
#pragma once
#include <coroutine>

#include "rt/loop.h"

namespace gladius::rt {

class Event {
  public:
    explicit Event(Loop& loop) : loop_(loop) {}
    ~Event() { GL_ASSERT(!waiter_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    // Who waits goes on later in this turn.
    void set() {
        Wait* w = waiter_;
        if (!w) {
            set_ = true;
            return;
        }
        waiter_ = nullptr;
        w->unlink();
        w->result = Wake::ready;
        loop_.ready(*w);
    }

    struct Await : Wait {
        Event& event;
        Scope& scope;
        Await(Event& e, Scope& s) : event(e), scope(s) {}
        bool await_ready() {
            if (scope.ended()) {
                result = scope.why();
                return true;
            }
            return std::exchange(event.set_, false);
        }
        void await_suspend(std::coroutine_handle<> h) {
            GL_ASSERT(!event.waiter_);
            handle = h;
            detach = [](Wait& w) { static_cast<Await&>(w).event.waiter_ = nullptr; };
            event.waiter_ = this;
            scope.enter(*this);
        }
        Wake await_resume() { return result; }
    };
    Await wait(Scope& scope) { return Await(*this, scope); }

  private:
    Loop& loop_;
    Wait* waiter_ = nullptr;
    bool set_ = false;
};

}  // namespace gladius::rt
