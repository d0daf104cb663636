#include "engine/unpack.h"

#include <brotli/decode.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <cstring>

#include "engine/inflate.h"

namespace gladius::engine {
namespace {

constexpr int kZstdWindowLog = 23;  // 8 MiB: what RFC 8878 lets an HTTP sender count on
constexpr size_t kZstdState = 256 * 1024;

struct Name {
    std::string_view name;
    Coding coding;
};

constexpr Name kNames[] = {
    {"gzip", Coding::gzip}, {"deflate", Coding::deflate}, {"br", Coding::br}, {"zstd", Coding::zstd}};

// Takes from the front of `in`, writes up to cap bytes. False: the bytes are bad, or there is no memory.
class Source {
  public:
    virtual ~Source() = default;
    virtual bool run(std::string_view& in, char* out, size_t cap, size_t& produced) = 0;
    // What was taken so far may be all.
    virtual bool complete() const = 0;
};

class Gzip final : public Source {
  public:
    bool run(std::string_view& in, char* out, size_t cap, size_t& produced) override {
        return z_.run(in, out, cap, produced) == Inflater::State::more;
    }
    bool complete() const override { return z_.complete(); }

  private:
    Inflater z_;
};

// RFC 9110 8.4.1.2: with the zlib wrapper; many leave it away, so both are read.
class Deflate final : public Source {
  public:
    explicit Deflate(std::string_view body) {
        auto byte = [&](size_t i) { return i < body.size() ? static_cast<unsigned char>(body[i]) : 0U; };
        bool wrapped = (byte(0) & 15) == 8 && (byte(0) << 8 | byte(1)) % 31 == 0;
        ok_ = inflateInit2(&z_, wrapped ? 15 : -15) == Z_OK;
    }
    ~Deflate() override { inflateEnd(&z_); }
    bool run(std::string_view& in, char* out, size_t cap, size_t& produced) override {
        if (!ok_ || (ended_ && !in.empty())) return false;
        z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
        z_.avail_in = static_cast<uInt>(in.size());
        z_.next_out = reinterpret_cast<Bytef*>(out);
        z_.avail_out = static_cast<uInt>(cap);
        int r = inflate(&z_, Z_SYNC_FLUSH);
        in.remove_prefix(in.size() - z_.avail_in);
        produced = cap - z_.avail_out;
        ended_ = r == Z_STREAM_END;
        return r == Z_OK || r == Z_BUF_ERROR || ended_;
    }
    bool complete() const override { return ended_; }

  private:
    z_stream z_{};
    bool ok_ = false;
    bool ended_ = false;
};

// Its window, up to 16 MiB, is counted as it is taken.
class Brotli final : public Source {
  public:
    explicit Brotli(Exchange& ex) : s_(BrotliDecoderCreateInstance(&take, &give, &ex)) {}
    ~Brotli() override {
        if (s_) BrotliDecoderDestroyInstance(s_);
    }
    bool run(std::string_view& in, char* out, size_t cap, size_t& produced) override {
        if (!s_ || (ended_ && !in.empty())) return false;
        size_t left = in.size(), room = cap;
        const auto* next = reinterpret_cast<const uint8_t*>(in.data());
        auto* w = reinterpret_cast<uint8_t*>(out);
        BrotliDecoderResult r = BrotliDecoderDecompressStream(s_, &left, &next, &room, &w, nullptr);
        in.remove_prefix(in.size() - left);
        produced = cap - room;
        ended_ = r == BROTLI_DECODER_RESULT_SUCCESS;
        return r != BROTLI_DECODER_RESULT_ERROR;
    }
    bool complete() const override { return ended_; }

  private:
    static void* take(void* ex, size_t n) { return static_cast<Exchange*>(ex)->charge(n) ? std::malloc(n) : nullptr; }
    static void give(void*, void* p) { std::free(p); }
    BrotliDecoderState* s_;
    bool ended_ = false;
};

class Zstd final : public Source {
  public:
    Zstd(Exchange& ex, std::string_view body) {
        unsigned long long size = ZSTD_getFrameContentSize(body.data(), body.size());
        size_t window = size_t{1} << kZstdWindowLog;
        if (size < window) window = static_cast<size_t>(size);  // unknown and error are the largest numbers
        if (!ex.charge(window + kZstdState)) return;
        d_ = ZSTD_createDCtx();
        if (d_) ZSTD_DCtx_setParameter(d_, ZSTD_d_windowLogMax, kZstdWindowLog);
    }
    ~Zstd() override { ZSTD_freeDCtx(d_); }
    bool run(std::string_view& in, char* out, size_t cap, size_t& produced) override {
        if (!d_) return false;
        ZSTD_inBuffer from{in.data(), in.size(), 0};
        ZSTD_outBuffer to{out, cap, 0};
        size_t r = ZSTD_decompressStream(d_, &to, &from);
        in.remove_prefix(from.pos);
        produced = to.pos;
        ended_ = r == 0;
        return !ZSTD_isError(r);
    }
    bool complete() const override { return ended_; }

  private:
    ZSTD_DCtx* d_ = nullptr;
    bool ended_ = false;
};

Unpacked run(Exchange& ex, Source& source, std::string_view packed, std::string_view bad) {
    Unpacked u;
    uint64_t limit = ex.w.snapshot().server.max_backend_body;
    size_t cap = packed.size() * 4 + 1024, n = 0;
    if (!ex.charge(cap)) return u.no_memory = true, u;
    char* body = ex.arena.chars(cap);
    for (;;) {
        size_t produced = 0;
        bool good = source.run(packed, body + n, cap - n, produced);
        n += produced;
        if (limit && n > limit) {
            u.too_large = true;
            u.error = "the backend's body is larger than gladius/limits.max_backend_body";
            return u;
        }
        if (!good) return u.error = bad, u;
        if (packed.empty() && source.complete()) break;
        if (produced == 0 && packed.empty()) return u.error = "unexpected EOF", u;
        if (n == cap) {
            if (!ex.charge(cap * 2)) return u.no_memory = true, u;
            char* bigger = ex.arena.chars(cap * 2);
            std::memcpy(bigger, body, n);
            ex.arena.give_back(body, cap, 1);
            body = bigger;
            cap *= 2;
        }
    }
    u.body = {body, n};
    return u;
}

}  // namespace

Coding coding_named(std::string_view name) {
    for (const Name& n : kNames)
        if (name.size() == n.name.size() && strncasecmp(name.data(), n.name.data(), name.size()) == 0) return n.coding;
    return Coding::none;
}

Unpacked unpack(Exchange& ex, Coding coding, std::string_view packed) {
    switch (coding) {
        case Coding::none:
            break;
        case Coding::gzip: {
            Gzip source;
            return run(ex, source, packed, "gzip: invalid header");
        }
        case Coding::deflate: {
            Deflate source(packed);
            return run(ex, source, packed, "the body is not what its Content-Encoding says");
        }
        case Coding::br: {
            Brotli source(ex);
            return run(ex, source, packed, "the body is not what its Content-Encoding says");
        }
        case Coding::zstd: {
            Zstd source(ex, packed);
            return run(ex, source, packed, "the body is not what its Content-Encoding says");
        }
    }
    return {packed, {}, false, false};
}

}  // namespace gladius::engine
