// Purpose: Task<T>, the coroutine type of everything that waits. Lazy: it runs when awaited, and hands control back by
// symmetric transfer. Frames come from a pool of the thread, so a request that suspends costs no malloc. Owner: the
// Task owns its frame; a Task that was started is only destroyed after it finished (see Scope: a suspended coroutine is
// resumed with Wake::cancelled, never destroyed from outside).
// Thread: one worker; a frame is freed on the thread that made it. Errors: no exceptions; results say what happened.
// g++ 12.2 destroys aggregate and lambda temporaries passed by value inside a co_await expression twice (GCC PR 95599,
// docs/adr/0002-coroutines.md): the coroutine_traits below refuses such parameters at compile time.
//   Task<int> answer(Scope& scope);      int n = co_await answer(scope);
#pragma once
#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/assert.h"

namespace gladius::rt {

// Pool of coroutine frames by size, one per thread. GL_POOLS=off in the environment (or a sanitizer build) uses malloc
// instead.
void* frame_allocate(size_t n);
void frame_free(void* p, size_t n) noexcept;

namespace detail {

struct PromiseBase {
    std::coroutine_handle<> continuation;

    static void* operator new(size_t n) { return frame_allocate(n); }
    static void operator delete(void* p, size_t n) noexcept { frame_free(p, n); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
        bool await_ready() noexcept { return false; }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) noexcept {
            auto c = h.promise().continuation;
            return c ? c : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { std::terminate(); }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
  public:
    struct promise_type : detail::PromiseBase {
        std::optional<T> value;
        Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
        void return_value(T v) { value.emplace(std::move(v)); }
    };
    Task(Task&& o) noexcept : h_(std::exchange(o.h_, {})) {}
    Task(const Task&) = delete;
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (h_) h_.destroy();
    }
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> c) noexcept {
        h_.promise().continuation = c;
        return h_;
    }
    T await_resume() { return std::move(*h_.promise().value); }

  private:
    explicit Task(std::coroutine_handle<promise_type> h) : h_(h) {}
    std::coroutine_handle<promise_type> h_;
};

template <>
class [[nodiscard]] Task<void> {
  public:
    struct promise_type : detail::PromiseBase {
        Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
        void return_void() {}
    };
    Task(Task&& o) noexcept : h_(std::exchange(o.h_, {})) {}
    Task(const Task&) = delete;
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (h_) h_.destroy();
    }
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> c) noexcept {
        h_.promise().continuation = c;
        return h_;
    }
    void await_resume() {}

  private:
    explicit Task(std::coroutine_handle<promise_type> h) : h_(h) {}
    std::coroutine_handle<promise_type> h_;
};

// A coroutine that nobody awaits: it starts at once and frees its frame at its end. For connections and background
// work; whoever starts one sees to it that it ends (a Scope it waits in, a counter that it lowers).
struct Detached {
    struct promise_type {
        static void* operator new(size_t n) { return frame_allocate(n); }
        static void operator delete(void* p, size_t n) noexcept { frame_free(p, n); }
        Detached get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

// What may be a parameter of a coroutine: references, scalars, and classes that are no aggregates.
template <class A>
concept SafeArgument = std::is_reference_v<A> || std::is_scalar_v<A> || (std::is_class_v<A> && !std::is_aggregate_v<A>);

}  // namespace gladius::rt

template <class T, class... A>
struct std::coroutine_traits<gladius::rt::Task<T>, A...> {
    static_assert((gladius::rt::SafeArgument<A> && ...), "pass aggregates to coroutines by reference (GCC PR 95599)");
    using promise_type = typename gladius::rt::Task<T>::promise_type;
};
template <class... A>
struct std::coroutine_traits<gladius::rt::Detached, A...> {
    static_assert((gladius::rt::SafeArgument<A> && ...), "pass aggregates to coroutines by reference (GCC PR 95599)");
    using promise_type = gladius::rt::Detached::promise_type;
};
