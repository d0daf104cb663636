#include "engine/compress.h"

#include <brotli/decode.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

namespace gladius::engine {
namespace {

std::string unpack(Coding coding, const std::string& packed, size_t most) {
    std::string out(most, 0);
    size_t n = most;
    if (coding == Coding::br) {
        auto r = BrotliDecoderDecompress(packed.size(), reinterpret_cast<const uint8_t*>(packed.data()), &n,
                                         reinterpret_cast<uint8_t*>(out.data()));
        if (r != BROTLI_DECODER_RESULT_SUCCESS) return "bad";
    } else {
        z_stream z{};
        inflateInit2(&z, 15 + 16);
        z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
        z.avail_in = static_cast<uInt>(packed.size());
        z.next_out = reinterpret_cast<Bytef*>(out.data());
        z.avail_out = static_cast<uInt>(most);
        int r = inflate(&z, Z_FINISH);
        n = most - z.avail_out;
        inflateEnd(&z);
        if (r != Z_STREAM_END || z.avail_in) return "bad";
    }
    out.resize(n);
    return out;
}

// Every size of pieces and of room gives the same text back.
TEST(Compressor, GoesAndComesBack) {
    std::string text;
    for (int i = 0; i < 3000; ++i)
        text += "line " + std::to_string(i * 7919 % 1000) + "\n";
    plan::CompressionPlan plan;
    for (Coding coding : {Coding::gzip, Coding::br}) {
        for (size_t piece : {size_t{1}, size_t{100}, size_t{5000}, text.size()}) {
            for (size_t room : {size_t{16}, size_t{4096}}) {
                Budget budget;
                budget.set_limit(64 << 20);
                std::string body = piece == 1 ? text.substr(0, 500) : text, packed;
                {
                    Compressor z(budget);
                    ASSERT_TRUE(z.open(coding, plan));
                    EXPECT_GT(budget.used(), 0u);
                    std::vector<char> out(room);
                    for (size_t at = 0; at < body.size();) {
                        std::string_view in = std::string_view(body).substr(at, piece);
                        at += in.size();
                        bool drained = false;
                        auto how = at == body.size()  ? Compressor::How::finish
                                   : at % (2 * piece) ? Compressor::How::flush
                                                      : Compressor::How::more;
                        while (!drained) {
                            size_t n = 0;
                            ASSERT_TRUE(z.run(in, how, out.data(), room, n, drained));
                            packed.append(out.data(), n);
                        }
                        EXPECT_TRUE(in.empty());
                    }
                }
                EXPECT_EQ(body, unpack(coding, packed, body.size() + 1)) << piece << " " << room;
                EXPECT_EQ(0u, budget.used());
            }
        }
    }
}

TEST(Compressor, TakesNoMemoryThatIsNotThere) {
    Budget budget;
    budget.set_limit(100 * 1024);
    Compressor gzip(budget), br(budget);
    plan::CompressionPlan plan;
    EXPECT_FALSE(gzip.open(Coding::gzip, plan));
    EXPECT_FALSE(br.open(Coding::br, plan));
    EXPECT_EQ(0u, budget.used());
}

}  // namespace
}  // namespace gladius::engine
