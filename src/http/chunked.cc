// The chunked transfer coding (RFC 9112 7.1). Blanks after the size are taken (bad whitespace, 7.1.1, and old servers
// that pad the size); every line ends in CR LF and nothing else.
#include <algorithm>

#include "http/h1.h"
#include "simd/bytes.h"

namespace gladius::http {
namespace {

constexpr uint64_t kMaxChunk = uint64_t{1} << 60;
constexpr uint8_t kMaxDigits = 16;
constexpr uint32_t kMaxExtension = 4096;

uint64_t hex_value(char c) {
    return c <= '9' ? static_cast<uint64_t>(c - '0') : static_cast<uint64_t>((c | 0x20) - 'a' + 10);
}

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::next(const char* data, size_t n) {
    Step step;
    const char* p = data;
    const char* const end = data + n;
    auto stop = [&](State s) {
        step.consumed = static_cast<size_t>(p - data);
        step.state = s;
        return step;
    };
    auto wrong = [&] {
        state_ = kError;
        return stop(State::error);
    };
    if (state_ == kDone) return stop(State::done);
    if (state_ == kError) return stop(State::error);
    while (p != end) {
        char c = *p;
        switch (state_) {
            case kSize:
                if (simd::is(c, simd::kHexByte)) {
                    if (++digits_ > kMaxDigits) return wrong();
                    size_ = size_ << 4 | hex_value(c);
                    if (size_ > kMaxChunk) return wrong();
                } else if (digits_ == 0) {
                    return wrong();
                } else if (c == '\r') {
                    state_ = kSizeLf;
                } else if (c == ';') {
                    state_ = kSizeExt;
                } else if (c == ' ' || c == '\t') {
                    state_ = kSizeBlank;
                    seen_ = 1;
                } else {
                    return wrong();
                }
                ++p;
                break;
            case kSizeBlank:
                if (c == '\r' && padded_sizes_) {
                    state_ = kSizeLf;
                } else if (c == ';') {
                    state_ = kSizeExt;
                } else if ((c != ' ' && c != '\t') || ++seen_ > kMaxExtension) {
                    return wrong();
                }
                ++p;
                break;
            case kSizeExt:
                if (c == '\r') {
                    state_ = kSizeLf;
                } else if (!simd::is(c, simd::kValueByte) || ++seen_ > kMaxExtension) {
                    return wrong();
                }
                ++p;
                break;
            case kSizeLf:
                if (c != '\n') return wrong();
                ++p;
                remaining_ = size_;
                size_ = 0;
                digits_ = 0;
                seen_ = 0;
                state_ = remaining_ == 0 ? kTrailerStart : kData;
                break;
            case kData: {
                if (step.data.data() != nullptr) return stop(State::more);  // one run a call
                size_t run = static_cast<size_t>(std::min<uint64_t>(remaining_, static_cast<uint64_t>(end - p)));
                step.data = {p, run};
                p += run;
                remaining_ -= run;
                if (remaining_ == 0) state_ = kDataCr;
                break;
            }
            case kDataCr:
                if (c != '\r') return wrong();
                ++p;
                state_ = kDataLf;
                break;
            case kDataLf:
                if (c != '\n') return wrong();
                ++p;
                state_ = kSize;
                break;
            case kTrailerStart:
                if (c == '\r') {
                    ++p;
                    state_ = kEndLf;
                    break;
                }
                if (!simd::is(c, simd::kTokenByte)) return wrong();
                state_ = kTrailerName;
                [[fallthrough]];
            case kTrailerName:
                if (++seen_ > max_trailer_) return wrong();
                if (c == ':') {
                    state_ = kTrailerValue;
                } else if (!simd::is(c, simd::kTokenByte)) {
                    return wrong();
                }
                ++p;
                break;
            case kTrailerValue:
                if (++seen_ > max_trailer_) return wrong();
                if (c == '\r') {
                    state_ = kTrailerLf;
                } else if (!simd::is(c, simd::kValueByte)) {
                    return wrong();
                }
                ++p;
                break;
            case kTrailerLf:
                if (c != '\n' || ++seen_ > max_trailer_) return wrong();
                ++p;
                state_ = kTrailerStart;
                break;
            case kEndLf:
                if (c != '\n') return wrong();
                ++p;
                state_ = kDone;
                return stop(State::done);
            default:
                return wrong();
        }
    }
    return stop(State::more);
}

size_t write_chunk_head(char* end, uint64_t size) {
    char* p = end;
    *--p = '\n';
    *--p = '\r';
    do {
        *--p = "0123456789abcdef"[size & 15];
        size >>= 4;
    } while (size != 0);
    return static_cast<size_t>(end - p);
}

}  // namespace gladius::http
