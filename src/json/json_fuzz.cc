// Input: a body. Scanning any bytes must end well; what is accepted, printed and scanned again must print the same, by
// copying and the slow way and at any depth; every decoder and renderer must get along with it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "encodings/decode.h"
#include "encodings/render.h"
#include "json/emit.h"
#include "json/scan.h"
#include "json/text.h"

namespace gladius::json {
namespace {

using encodings::decode;
using encodings::Decoded;
using encodings::Decoder;
using encodings::render;
using encodings::Renderer;

std::string printed(std::string_view text, uint32_t depth, Canonical canonical, bool* ok) {
    Arena arena;
    Document* doc = scan(text, arena, depth);
    *ok = doc->ok();
    if (!doc->ok()) return std::string(doc->error);
    ArenaOutput out(arena, 0);
    emit(Value::of(doc, 0), arena, out, canonical);
    return std::string(out.view());
}

void same(const std::string& a, const std::string& b) {
    if (a == b) return;
    std::fprintf(stderr, "%s\n%s\n", a.c_str(), b.c_str());
    std::abort();
}

void decode_and_render(std::string_view body) {
    for (Decoder d : {Decoder::json, Decoder::json_collection, Decoder::safejson, Decoder::string, Decoder::no_op}) {
        Arena arena;
        Decoded decoded = decode(d, body, arena);
        if (!decoded.ok()) continue;
        for (Renderer r : {Renderer::json, Renderer::json_collection, Renderer::string}) {
            ArenaOutput out(arena, estimate(decoded.data));
            render(r, &decoded.data, arena, out);
            // A raw text that is no UTF-8 is written as the escape \ufffd, which means a character when it is read.
            if (r != Renderer::json || d == Decoder::string) continue;
            bool ok = false;
            std::string again = printed(out.view(), kKeepAll, Canonical::copy, &ok);
            // A wrapper around an array can be the one level too many.
            if (ok || body.size() < kMaxDepth) same(again, std::string(out.view()));
        }
    }
}

void run(std::string_view body) {
    bool ok = false;
    std::string once = printed(body, kKeepAll, Canonical::copy, &ok);
    bool again = false;
    for (uint32_t depth : {0U, 1U, 2U})
        same(printed(body, depth, Canonical::copy, &again), once);
    if (ok) {
        same(printed(body, kKeepAll, Canonical::print, &again), once);
        same(printed(once, kKeepAll, Canonical::copy, &again), once);
        GL_CHECK(again);
        same(printed(once, kKeepAll, Canonical::print, &again), once);
    }
    decode_and_render(body);
    // Any text, quoted, is a good JSON string.
    Arena arena;
    ArenaOutput out(arena, 0);
    quote(body, out);
    Document* doc = scan(out.view(), arena);
    GL_CHECK(doc->ok() && doc->consumed == out.size());
}

}  // namespace
}  // namespace gladius::json

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // A heap copy of the exact size, so that a read past the end is seen.
    std::string body(reinterpret_cast<const char*>(data), size);
    gladius::json::run(body);
    return 0;
}
