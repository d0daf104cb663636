// Input: the XML of a backend. Reading any bytes must end well; what is accepted must be JSON that reads and prints the
// same, and every renderer must get along with it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "encodings/decode.h"
#include "encodings/render.h"
#include "json/emit.h"
#include "json/scan.h"

namespace gladius::encodings {
namespace {

void try_all(std::string_view body) {
    Arena arena;
    Decoded d = decode(Decoder::xml, body, arena);
    if (!d.ok()) return;
    json::ArenaOutput once(arena, 64), again(arena, 64);
    json::emit(d.data, arena, once);
    json::Document* doc = json::scan(once.view(), arena);
    if (!doc->ok()) std::abort();
    json::emit(json::Value::of(doc, 0), arena, again, json::Canonical::print);
    if (once.view() != again.view()) {
        std::fprintf(stderr, "%s\n%s\n", std::string(once.view()).c_str(), std::string(again.view()).c_str());
        std::abort();
    }
    for (Renderer r : {Renderer::xml, Renderer::yaml}) {
        json::ArenaOutput out(arena, 64);
        render(r, &d.data, arena, out);
    }
}

}  // namespace
}  // namespace gladius::encodings

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // A copy, so that reading one byte too many is seen.
    std::string body(reinterpret_cast<const char*>(data), size);
    gladius::encodings::try_all(body);
    return 0;
}
