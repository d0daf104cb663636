// A chunked body in one piece, byte by byte and in pieces whose sizes come from the input: the same data, verdict and
// number of bytes consumed. The first byte seeds the cuts.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "base/assert.h"
#include "http/h1.h"

using namespace gladius::http;

namespace {

struct Decoded {
    std::string body;
    ChunkedDecoder::State state = ChunkedDecoder::State::more;
    size_t consumed = 0;
    bool operator==(const Decoded&) const = default;
};

template <class PieceSize>
Decoded decode(const char* data, size_t n, PieceSize&& piece_size) {
    Decoded out;
    ChunkedDecoder decoder(64);
    for (size_t at = 0; at < n && out.state == ChunkedDecoder::State::more;) {
        size_t piece = std::min(std::max<size_t>(piece_size(), 1), n - at);
        std::unique_ptr<char[]> copy(new char[piece]);
        std::memcpy(copy.get(), data + at, piece);
        size_t i = 0;
        while (i < piece && out.state == ChunkedDecoder::State::more) {
            auto step = decoder.next(copy.get() + i, piece - i);
            GL_CHECK(step.consumed > 0 || step.state == ChunkedDecoder::State::error);
            GL_CHECK(step.consumed <= piece - i);
            GL_CHECK(step.data.empty() ||
                     (step.data.data() >= copy.get() + i && step.data.data() + step.data.size() <= copy.get() + piece));
            i += step.consumed;
            out.body += step.data;
            out.state = step.state;
            out.consumed += step.consumed;
        }
        at += piece;
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    if (size == 0) return 0;
    uint32_t seed = bytes[0];
    const char* data = reinterpret_cast<const char*>(bytes + 1);
    size_t n = size - 1;
    Decoded whole = decode(data, n, [n] { return n; });
    GL_CHECK(whole == decode(data, n, [] { return size_t{1}; }));
    GL_CHECK(whole == decode(data, n, [&seed] {
                 seed = seed * 1664525 + 1013904223;
                 return size_t{seed >> 28};
             }));
    return 0;
}
