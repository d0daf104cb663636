// Input: the feed of a backend. Reading any bytes must end well; what is accepted must be JSON, in memory that is in
// proportion to the feed.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "encodings/decode.h"
#include "json/emit.h"
#include "json/scan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace gladius;
    std::string body(reinterpret_cast<const char*>(data), size);
    Arena arena;
    encodings::Decoded d = encodings::decode(encodings::Decoder::rss, body, arena);
    if (arena.reserved() > 256 * size + 512 * 1024) std::abort();
    if (!d.ok()) return 0;
    json::ArenaOutput out(arena, 64);
    json::emit(d.data, arena, out);
    json::Document* doc = json::scan(out.view(), arena);
    // Extensions inside each other can be deeper than JSON may be read.
    if (!doc->ok() && doc->error.find("depth") == std::string_view::npos) std::abort();
    return 0;
}
