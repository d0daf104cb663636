// Input: a JSON body. Whatever it holds can be written as XML and as YAML, without reading or writing beyond its
// memory.
#include <cstdint>
#include <string>

#include "encodings/decode.h"
#include "encodings/render.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace gladius;
    using encodings::Renderer;
    std::string body(reinterpret_cast<const char*>(data), size);
    Arena arena;
    encodings::Decoded d = encodings::decode(encodings::Decoder::json, body, arena);
    if (!d.ok()) return 0;
    for (Renderer r : {Renderer::xml, Renderer::yaml, Renderer::string, Renderer::json_collection}) {
        json::ArenaOutput out(arena, 64);
        encodings::render(r, &d.data, arena, out);
    }
    return 0;
}
