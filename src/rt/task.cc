#include "rt/task.h"

#include "base/pool.h"

namespace gladius::rt {
// A frame above 4 KiB is a local array that should live in an arena instead.
void* frame_allocate(size_t n) {
    GL_ASSERT(n <= 4096);
    return pool_allocate(n);
}
void frame_free(void* p, size_t n) noexcept {
    pool_free(p, n);
}
}  // namespace gladius::rt
