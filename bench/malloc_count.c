// Counts heap allocations of the process it is preloaded into. The counters live in the file named by MALLOC_COUNT_FILE
// (two 64-bit numbers: allocations, frees), so that another process reads them at any moment.
//   gcc -O2 -shared -fPIC -o malloc_count.so malloc_count.c -ldl
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

static _Atomic uint64_t early[2];
static _Atomic uint64_t* counters = early;

__attribute__((constructor)) static void open_counters(void) {
    const char* name = getenv("MALLOC_COUNT_FILE");
    int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void* p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p != MAP_FAILED) counters = p;
}

static void count(int which) { atomic_fetch_add_explicit(&counters[which], 1, memory_order_relaxed); }

void* malloc(size_t n) {
    count(0);
    return __libc_malloc(n);
}
void* calloc(size_t n, size_t size) {
    count(0);
    return __libc_calloc(n, size);
}
void* realloc(void* p, size_t n) {
    count(0);
    return __libc_realloc(p, n);
}
void* memalign(size_t align, size_t n) {
    count(0);
    return __libc_memalign(align, n);
}
void* aligned_alloc(size_t align, size_t n) { return memalign(align, n); }
int posix_memalign(void** out, size_t align, size_t n) {
    void* p = memalign(align, n);
    if (!p) return ENOMEM;
    *out = p;
    return 0;
}
void free(void* p) {
    if (p) count(1);
    __libc_free(p);
}
