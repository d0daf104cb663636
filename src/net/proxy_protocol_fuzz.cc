// The verdict on a header does not depend on how it arrives, and none reads beyond what is there.
#include "net/proxy_protocol.h"

#include <cstdlib>
#include <memory>

using namespace gladius::net;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size > 2 * kMaxProxyHeader) return 0;
    ProxyHeader whole;
    auto p = reinterpret_cast<const char*>(data);
    ProxyVerdict verdict = parse_proxy_header(p, size, whole);
    if (verdict == ProxyVerdict::done && (whole.length > size || whole.length > kMaxProxyHeader)) std::abort();
    if (verdict == ProxyVerdict::done && whole.has_source && format(whole.source).size() < 6) std::abort();
    for (size_t n = 0; n < size; n += 1 + n / 16) {
        // A copy of its own, so that reading too far is seen.
        std::unique_ptr<char[]> part(new char[n]);
        if (n) __builtin_memcpy(part.get(), p, n);
        ProxyHeader h;
        ProxyVerdict v = parse_proxy_header(part.get(), n, h);
        if (v == ProxyVerdict::done && (verdict != v || h.length != whole.length || h.has_source != whole.has_source))
            std::abort();
        if (v == ProxyVerdict::bad && verdict != v) std::abort();
    }
    return 0;
}
