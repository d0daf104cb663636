#include "base/pool.h"

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace gladius {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

constexpr size_t kSmallStep = 32, kSmallMax = 2048, kLargeMax = 256 * 1024;
constexpr int kSmallClasses = kSmallMax / kSmallStep;  // 64
constexpr int kClasses = kSmallClasses + 7;            // 4 KiB ... 256 KiB
constexpr size_t kKeepBytes = 1024 * 1024;             // per class; above it memory goes back to the system

struct FreeNode {
    FreeNode* next;
};
struct FreeList {
    FreeNode* head;
    size_t count;
};
struct Lists {
    FreeList list[kClasses];
    long live;
};
// Zero-initialised and without a destructor: an access is one instruction. Threads that end leave their lists behind;
// the program's live as long as it.
constinit thread_local Lists t_lists{};

// Off: nothing ever enters a list, so nothing is ever taken from one.
const bool g_pools_on = [] {
    const char* e = std::getenv("GL_POOLS");
    return !kSanitized && !(e && std::strcmp(e, "off") == 0);
}();

int class_of(size_t n) {
    if (n <= kSmallMax) return n == 0 ? 0 : static_cast<int>((n - 1) / kSmallStep);
    if (n > kLargeMax) return -1;
    return kSmallClasses + (std::bit_width(n - 1) - 12);
}

size_t size_of(int c) {
    return c < kSmallClasses ? static_cast<size_t>(c + 1) * kSmallStep : size_t{4096} << (c - kSmallClasses);
}

void* take(size_t n) {
    void* p = std::malloc(n);
    if (!p) std::abort();
    return p;
}

}  // namespace

size_t pool_round(size_t n) {
    int c = class_of(n);
    return c < 0 ? n : size_of(c);
}

void* pool_allocate(size_t n) {
    int c = class_of(n);
    Lists& t = t_lists;
    size_t size = c < 0 ? n : size_of(c);
    t.live += static_cast<long>(size);
    if (c >= 0 && t.list[c].head) {
        FreeNode* p = t.list[c].head;
        t.list[c].head = p->next;
        --t.list[c].count;
        return p;
    }
    return take(size);
}

void pool_free(void* p, size_t n) noexcept {
    if (!p) return;
    int c = class_of(n);
    Lists& t = t_lists;
    size_t size = c < 0 ? n : size_of(c);
    t.live -= static_cast<long>(size);
    if (c < 0 || !g_pools_on || (t.list[c].count + 1) * size > kKeepBytes) {
        std::free(p);
        return;
    }
    auto* f = static_cast<FreeNode*>(p);
    f->next = t.list[c].head;
    t.list[c].head = f;
    ++t.list[c].count;
}

size_t pool_idle_bytes() {
    size_t sum = 0;
    for (int c = 0; c < kClasses; ++c)
        sum += t_lists.list[c].count * size_of(c);
    return sum;
}

long pool_live_bytes() {
    return t_lists.live;
}

}  // namespace gladius
