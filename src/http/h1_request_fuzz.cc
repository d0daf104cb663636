// Any bytes as a request head. Properties: nothing is read past the end (the copy is exact), the fast and the scalar
// parser agree, a shorter prefix says need_more or the same verdict, and every offset of a complete head lies inside
// it. The first byte chooses the limits.
#include <cstring>
#include <memory>

#include "base/assert.h"
#include "http/h1.h"

using namespace gladius::http;

namespace {

constexpr size_t kCapacity = 40;

struct Parsed {
    Status status;
    RequestHead head;
    Field fields[kCapacity];
};

void parse(const char* data, size_t n, const Limits& limits, Parsed& out) {
    std::unique_ptr<char[]> copy(new char[n]);
    if (n != 0) std::memcpy(copy.get(), data, n);
    out.status = parse_request(copy.get(), n, limits, out.fields, kCapacity, out.head);
    Parsed scalar;
    scalar.status = parse_request_scalar(copy.get(), n, limits, scalar.fields, kCapacity, scalar.head);
    GL_CHECK(out.status == scalar.status);
    GL_CHECK(out.head.error == scalar.head.error && out.head.error_off == scalar.head.error_off);
    GL_CHECK(out.head.head_len == scalar.head.head_len && out.head.mask == scalar.head.mask);
    GL_CHECK(out.head.framing == scalar.head.framing && out.head.content_length == scalar.head.content_length);
    GL_CHECK(out.head.field_count == scalar.head.field_count);
    GL_CHECK(std::memcmp(out.fields, scalar.fields, out.head.field_count * sizeof(Field)) == 0);
    GL_CHECK((out.status == Status::error) == (out.head.error != HeadError::none));
    GL_CHECK(out.head.error_off <= n);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    if (size == 0) return 0;
    Limits limits;
    if (bytes[0] & 1) limits.max_head_bytes = 64 + bytes[0];
    if (bytes[0] & 2) limits.max_fields = bytes[0] >> 4;
    const char* data = reinterpret_cast<const char*>(bytes + 1);
    size_t n = size - 1;

    Parsed whole;
    parse(data, n, limits, whole);
    const RequestHead& h = whole.head;
    if (whole.status == Status::complete) {
        GL_CHECK(h.head_len <= n && std::memcmp(data + h.head_len - 4, "\r\n\r\n", 4) == 0);
        GL_CHECK(h.target_len > 0 && h.target_off + h.target_len < h.head_len);
        GL_CHECK(h.framing != Framing::until_close);
        uint64_t framing_fields = bit(Token::content_length) | bit(Token::transfer_encoding);
        GL_CHECK((h.mask & framing_fields) != framing_fields);
        GL_CHECK((h.framing == Framing::none) == !(h.mask & framing_fields));
        uint32_t at = h.target_off + h.target_len;
        for (uint32_t i = 0; i < h.field_count; ++i) {
            const Field& f = whole.fields[i];
            GL_CHECK(f.name_len > 0 && f.name_off > at && f.value_off > f.name_off + f.name_len);
            GL_CHECK(f.value_off + f.value_len <= h.head_len - 4);
            at = f.value_off + f.value_len;
            std::string_view v = value_of(data, f);
            GL_CHECK(v.find_first_of(std::string_view("\0\r\n", 3)) == v.npos);
            GL_CHECK(v.empty() || (v.front() != ' ' && v.front() != '\t' && v.back() != ' ' && v.back() != '\t'));
            GL_CHECK(find_token(name_of(data, f)) == f.token);
        }
    }
    // Prefixes: all of a short input, some of a long one.
    size_t step = n / 64 + 1;
    bool decided = false;
    HeadResume resume;
    for (size_t k = 0; k < n; k += step) {
        Parsed part;
        parse(data, k, limits, part);
        if (part.status == Status::need_more) {
            GL_CHECK(!decided);
            resume.parsed(k);
            GL_CHECK(resume.worth_parsing(data, n, limits) || whole.status != Status::complete);
            continue;
        }
        decided = true;
        GL_CHECK(part.status == whole.status && part.head.error == h.error && part.head.head_len == h.head_len);
    }
    return 0;
}
