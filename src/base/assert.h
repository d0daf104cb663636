// Purpose: the three levels of "this cannot happen".
//   GL_ASSERT(x)  debug builds only; documents an invariant.
//   GL_CHECK(x)   always; guards memory safety, ends the process with file and line.
//   GL_BUG(text)  counts and logs once per place, then the caller falls back to something safe.
// Thread: any. Errors: none.
#pragma once
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace gladius {

[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
    std::fprintf(stderr, "gladius: check failed: %s at %s:%d\n", what, file, line);
    std::abort();
}

// Number of GL_BUG places reached since the start; exported with the counters.
inline std::atomic<unsigned long> g_bug_count{0};

inline void bug(const char* what, const char* file, int line, std::atomic<bool>& said) {
    g_bug_count.fetch_add(1, std::memory_order_relaxed);
    if (!said.exchange(true)) std::fprintf(stderr, "gladius: BUG: %s at %s:%d (please report)\n", what, file, line);
}

}  // namespace gladius

#define GL_CHECK(x) ((x) ? (void)0 : ::gladius::check_failed(#x, __FILE__, __LINE__))
#ifdef GLADIUS_DEBUG
#define GL_ASSERT(x) GL_CHECK(x)
#else
#define GL_ASSERT(x) ((void)0)
#endif
#define GL_BUG(text)                                         \
    do {                                                     \
        static std::atomic<bool> gl_said{false};             \
        ::gladius::bug((text), __FILE__, __LINE__, gl_said); \
    } while (0)
