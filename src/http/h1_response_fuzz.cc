// Any bytes as a response head: as h1_request_fuzz. The first byte chooses the request's method and the limits.
#include <cstring>
#include <memory>

#include "base/assert.h"
#include "http/h1.h"

using namespace gladius::http;

namespace {

constexpr size_t kCapacity = 40;

struct Parsed {
    Status status;
    ResponseHead head;
    Field fields[kCapacity];
};

void parse(const char* data, size_t n, const Limits& limits, Method method, Parsed& out) {
    std::unique_ptr<char[]> copy(new char[n]);
    if (n != 0) std::memcpy(copy.get(), data, n);
    out.status = parse_response(copy.get(), n, limits, method, out.fields, kCapacity, out.head);
    Parsed scalar;
    scalar.status = parse_response_scalar(copy.get(), n, limits, method, scalar.fields, kCapacity, scalar.head);
    GL_CHECK(out.status == scalar.status);
    GL_CHECK(out.head.error == scalar.head.error && out.head.error_off == scalar.head.error_off);
    GL_CHECK(out.head.head_len == scalar.head.head_len && out.head.mask == scalar.head.mask);
    GL_CHECK(out.head.framing == scalar.head.framing && out.head.status == scalar.head.status);
    GL_CHECK(out.head.field_count == scalar.head.field_count);
    GL_CHECK(std::memcmp(out.fields, scalar.fields, out.head.field_count * sizeof(Field)) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    if (size == 0) return 0;
    Limits limits;
    if (bytes[0] & 0x80) limits.max_head_bytes = 200;
    auto method = static_cast<Method>((bytes[0] & 0x7f) % 10);
    const char* data = reinterpret_cast<const char*>(bytes + 1);
    size_t n = size - 1;

    Parsed whole;
    parse(data, n, limits, method, whole);
    const ResponseHead& h = whole.head;
    if (whole.status == Status::complete) {
        GL_CHECK(h.head_len <= n && h.status >= 100 && h.status <= 999);
        GL_CHECK(h.reason_off + h.reason_len <= h.head_len - 4);
        GL_CHECK(h.framing != Framing::until_close || !h.keep_alive);
        GL_CHECK(method != Method::head || h.framing == Framing::none);
        for (uint32_t i = 0; i < h.field_count; ++i)
            GL_CHECK(whole.fields[i].value_off + whole.fields[i].value_len <= h.head_len - 4);
    }
    size_t step = n / 64 + 1;
    bool decided = false;
    for (size_t k = 0; k < n; k += step) {
        Parsed part;
        parse(data, k, limits, method, part);
        if (part.status == Status::need_more) {
            GL_CHECK(!decided);
            continue;
        }
        decided = true;
        GL_CHECK(part.status == whole.status && part.head.error == h.error && part.head.head_len == h.head_len);
    }
    return 0;
}
