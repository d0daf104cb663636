// Any text of a backend, and any text as parts of an envelope of ours. Properties: what is taken as an envelope lies
// within its text's size; what we write is an envelope that means what it was made of.
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "features/websocket/envelope.h"
#include "simd/utf8_stream.h"

using namespace gladius::features::ws;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    std::string text(reinterpret_cast<const char*>(bytes), size);
    gladius::Arena arena;
    Parsed p = parse_envelope(text, arena);
    if (p.enveloped) {
        GL_CHECK(p.body.size() <= text.size() / 4 * 3 + 3);
        GL_CHECK(p.session.size() <= 64);
    }
    std::string url = text.substr(0, size / 3), value = text.substr(size / 3, size / 3),
                body = text.substr(size / 3 * 2);
    std::vector<std::pair<std::string, std::string>> session = {{"uuid", value}};
    std::string fixed = fixed_part(url, session);
    std::string out(envelope_size("connected", fixed, body.size()), '\0');
    write_envelope("connected", fixed, body, out.data());
    Parsed again = parse_envelope(out, arena);
    GL_CHECK(again.enveloped && again.body == body && again.session.size() == 1);
    gladius::simd::Utf8Stream check;
    if (check.feed(text.data(), text.size()) && check.complete())
        GL_CHECK(url.size() != text.size() || again.url == url);
    return 0;
}
