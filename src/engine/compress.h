// Purpose: answers packed for clients that take it ("gladius/compression", docs/compression.md): whether an answer is
// packed and how its head changes, and the packing itself, piece by piece. Owner: the coroutine that answers. Thread:
// one worker. Lifetime: a Compressor as long as one answer; its memory is counted against the budget. Errors: without
// memory the answer goes as it is. Source: RFC 9110 8.4, 8.8.3, 12.5.3, 12.5.5; RFC 9111 5.2.2.6 (no-transform).
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/exchange.h"

namespace gladius::engine {

using plan::Coding;

struct CodingChoice {
    Coding coding = Coding::none;
    bool varies = false;  // others may get another form of it: Vary
};
// By the head that was composed for the client (HTTP/1 text). `kept` says that a coding of the backend's passes to the
// client because the client takes it.
CodingChoice choose_coding(const Exchange& ex, const plan::CompressionPlan& plan, std::string_view head, bool kept);

// Whether the backend's gzip can go to this client as it is.
bool takes_gzip(const Exchange& ex, const plan::CompressionPlan& plan);

// The head after that, in the arena: Content-Encoding, Vary, a weak ETag, no Accept-Ranges, and the length that is
// known, or `framing` (whole lines) in the place of the old one.
std::string_view coded_head(Exchange& ex, std::string_view head, const CodingChoice& choice,
                            std::optional<uint64_t> length, std::string_view framing);

class Compressor {
  public:
    explicit Compressor(Budget& budget) : budget_(budget) {}
    ~Compressor();
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;

    // False: there is no memory.
    bool open(Coding coding, const plan::CompressionPlan& plan);
    enum class How : uint8_t { more, flush, finish };
    // Takes from the front of `in`, writes up to cap bytes. Call it until `in` is empty and it writes nothing more
    // (drained).
    bool run(std::string_view& in, How how, char* out, size_t cap, size_t& produced, bool& drained);

  private:
    Budget& budget_;
    Coding coding_ = Coding::none;
    void* state_ = nullptr;
    uint64_t charged_ = 0;
};

// Sends an answer of the gateway's own, packed when the client takes it.
rt::Task<void> answer_coded(Exchange& ex, std::string_view head, std::string_view body);

}  // namespace gladius::engine
