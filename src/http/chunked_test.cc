#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "http/h1.h"

namespace gladius::http {
namespace {

using State = ChunkedDecoder::State;

struct Decoded {
    std::string body;
    State state = State::more;
    size_t consumed = 0;
};

// Decodes the pieces one after the other; each is copied into memory of its own size.
Decoded decode(const std::vector<std::string_view>& pieces, uint32_t max_trailer = 16 * 1024) {
    Decoded out;
    ChunkedDecoder decoder(max_trailer);
    for (std::string_view piece : pieces) {
        std::vector<char> copy(piece.begin(), piece.end());
        size_t i = 0;
        while (i < copy.size() && out.state == State::more) {
            auto step = decoder.next(copy.data() + i, copy.size() - i);
            EXPECT_TRUE(step.consumed > 0 || step.state == State::error);
            i += step.consumed;
            out.body += step.data;
            out.state = step.state;
            out.consumed += step.consumed;
        }
    }
    EXPECT_EQ(decoder.done(), out.state == State::done);
    return out;
}

void expect_at_every_split(std::string_view text) {
    Decoded whole = decode({text});
    for (size_t a = 0; a <= text.size(); ++a) {
        for (size_t b = a; b <= text.size(); ++b) {
            Decoded parts = decode({text.substr(0, a), text.substr(a, b - a), text.substr(b)});
            ASSERT_EQ(parts.body, whole.body) << text << " cut at " << a << " and " << b;
            ASSERT_EQ(parts.state, whole.state) << text << " cut at " << a << " and " << b;
            ASSERT_EQ(parts.consumed, whole.consumed) << text << " cut at " << a << " and " << b;
        }
    }
}

TEST(Chunked, GoodBodiesAtEverySplit) {
    struct {
        std::string_view text, body;
    } cases[] = {
        {"0\r\n\r\n", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
        {"00005;name=value;flag;q=\"a;b\"\r\nhello\r\n000\r\n\r\n", "hello"},
        {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"},
        {"2 \t;a\r\nab\r\n0 ;x\r\n\r\n", "ab"},
        {"1\r\nx\r\n0\r\nX-Sum: 1\r\nB:\r\nC: \xc3\xa9\r\n\r\n", "x"},
        {"4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"},
    };
    for (const auto& c : cases) {
        Decoded d = decode({c.text});
        EXPECT_EQ(d.body, c.body) << c.text;
        EXPECT_EQ(d.state, State::done) << c.text;
        EXPECT_EQ(d.consumed, c.text.size()) << c.text;
        expect_at_every_split(c.text);
    }
}

TEST(Chunked, StopsAtItsEnd) {
    Decoded d = decode({"1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n"});
    EXPECT_EQ(d.state, State::done);
    EXPECT_EQ(d.consumed, 11u);
    ChunkedDecoder decoder;
    EXPECT_EQ(decoder.next("0\r\n\r\n", 5).state, State::done);
    auto more = decoder.next("abc", 3);
    EXPECT_EQ(more.state, State::done);
    EXPECT_EQ(more.consumed, 0u);
}

TEST(Chunked, BadBodiesAtEverySplit) {
    using namespace std::string_view_literals;
    for (std::string_view text : {
             "\r\n"sv,
             ";a\r\n"sv,
             " 5\r\nhello\r\n"sv,
             "+5\r\nhello\r\n"sv,
             "-1\r\n"sv,
             "0x5\r\nhello\r\n"sv,
             "g\r\n"sv,
             "5\nhello\r\n"sv,
             "5\r\nhello\n0\r\n\r\n"sv,
             "5\r\nhellox\r\n0\r\n\r\n"sv,
             "5\r\nhello0\r\n\r\n"sv,
             "5\r\nhello\rx0\r\n\r\n"sv,
             "5\rXhello\r\n"sv,
             "5 5\r\nhello\r\n"sv,
             "5 \r\nhello\r\n"sv,
             "0\t\r\n\r\n"sv,
             "5,\r\n"sv,
             "5;a\nb\r\n"sv,
             "5;a\rb\r\n"sv,
             "5;a\0\r\n"sv,
             "5\0\r\n"sv,
             "11111111111111111\r\n"sv,
             "1000000000000001\r\n"sv,
             "ffffffffffffffff\r\n"sv,
             "00000000000000005\r\nhello"sv,
             "0\r\nA b: c\r\n\r\n"sv,
             "0\r\n: c\r\n\r\n"sv,
             "0\r\n c\r\n\r\n"sv,
             "0\r\nA: b\r\n c\r\n\r\n"sv,
             "0\r\nA: b\n\r\n"sv,
             "0\r\nA\r\n\r\n"sv,
             "0\r\nA: \0\r\n\r\n"sv,
             "0\r\n\n"sv,
             "0\r\n\rx"sv,
             "0\r\nA: b\rc\r\n\r\n"sv,
         }) {
        EXPECT_EQ(decode({text}).state, State::error) << text;
        expect_at_every_split(text);
    }
}

TEST(Chunked, PaddedSizesAreTakenOnlyWhenAskedFor) {
    std::string_view text = "2 \t\r\nab\r\n0 \r\n\r\n";
    EXPECT_EQ(decode({text}).state, State::error);
    ChunkedDecoder decoder(1024, true);
    auto step = decoder.next(text.data(), text.size());
    EXPECT_EQ(step.data, "ab");
    EXPECT_EQ(decoder.next(text.data() + step.consumed, text.size() - step.consumed).state, State::done);
}

TEST(Chunked, LargestChunkIsCountedNotRead) {
    ChunkedDecoder decoder;
    auto step = decoder.next("1000000000000000\r\nab", 20);
    EXPECT_EQ(step.state, State::more);
    EXPECT_EQ(step.data, "ab");
    EXPECT_EQ(decoder.remaining(), (uint64_t{1} << 60) - 2);
}

TEST(Chunked, RemainingIsZeroBetweenChunks) {
    ChunkedDecoder decoder;
    decoder.next("ff", 2);
    EXPECT_EQ(decoder.remaining(), 0u);
    decoder.next("\r\n", 2);
    EXPECT_EQ(decoder.remaining(), 255u);
    std::string body(255, 'x');
    decoder.next(body.data(), body.size());
    EXPECT_EQ(decoder.remaining(), 0u);
}

TEST(Chunked, OneRunACall) {
    std::string_view text = "1\r\na\r\n1\r\nb\r\n0\r\n\r\n";
    ChunkedDecoder decoder;
    auto first = decoder.next(text.data(), text.size());
    EXPECT_EQ(first.data, "a");
    EXPECT_EQ(first.state, State::more);
    text.remove_prefix(first.consumed);
    auto second = decoder.next(text.data(), text.size());
    EXPECT_EQ(second.data, "b");
    EXPECT_EQ(second.state, State::done);
    EXPECT_EQ(second.consumed, text.size());
}

TEST(Chunked, DataBeforeAnErrorIsYielded) {
    Decoded d = decode({"2\r\nab\r\nx"});
    EXPECT_EQ(d.body, "ab");
    EXPECT_EQ(d.state, State::error);
}

TEST(Chunked, ExtensionsAreBounded) {
    EXPECT_EQ(decode({"1;" + std::string(4000, 'a') + "\r\nx\r\n0\r\n\r\n"}).state, State::done);
    EXPECT_EQ(decode({"1;" + std::string(4200, 'a') + "\r\nx\r\n0\r\n\r\n"}).state, State::error);
    EXPECT_EQ(decode({"1" + std::string(4200, ' ') + ";a\r\nx\r\n0\r\n\r\n"}).state, State::error);
    EXPECT_EQ(decode({"1" + std::string(3000, ' ') + ";" + std::string(3000, 'a') + "\r\nx\r\n0\r\n\r\n"}).state,
              State::error);
}

TEST(Chunked, TrailersAreBounded) {
    EXPECT_EQ(decode({"0\r\nA: b\r\n\r\n"}, 6).state, State::done);
    EXPECT_EQ(decode({"0\r\nA: b\r\n\r\n"}, 5).state, State::error);
    EXPECT_EQ(decode({"0\r\nA: b\r\nC: d\r\n\r\n"}, 11).state, State::error);
    EXPECT_EQ(decode({"0\r\n\r\n"}, 0).state, State::done);
}

TEST(Chunked, WriteHead) {
    char buffer[18];
    auto written = [&](uint64_t size) {
        size_t n = write_chunk_head(buffer + sizeof buffer, size);
        return std::string(buffer + sizeof buffer - n, n);
    };
    EXPECT_EQ(written(0), "0\r\n");
    EXPECT_EQ(written(10), "a\r\n");
    EXPECT_EQ(written(4096), "1000\r\n");
    EXPECT_EQ(written(UINT64_MAX), "ffffffffffffffff\r\n");
}

}  // namespace
}  // namespace gladius::http
