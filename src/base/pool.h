// Purpose: fixed-size objects and power-of-two buffers that are taken and given back without malloc: one set of free
// lists per thread. Owner: the thread; memory goes back to the list of the thread that frees it. Thread: each thread
// sees its own lists only. Lifetime: what a list keeps beyond its cap goes back to the system, so memory after a burst
// falls again. Errors: none; the process ends when the system is out of memory. In sanitizer builds, and with
// GL_POOLS=off in the environment, every call is a malloc and a free, so that use after free is seen.
#pragma once
#include <cstddef>

namespace gladius {

// Sizes are rounded up to a class: multiples of 32 bytes up to 2 KiB, then powers of two up to 256 KiB; larger ones go
// to malloc.
void* pool_allocate(size_t n);
void pool_free(void* p, size_t n) noexcept;
// The size that pool_allocate(n) really gives.
size_t pool_round(size_t n);
// Bytes that this thread's lists keep for later.
size_t pool_idle_bytes();
// Bytes taken by this thread and not given back (for the memory budget and leak checks).
long pool_live_bytes();

}  // namespace gladius
