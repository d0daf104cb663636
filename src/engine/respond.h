// Purpose: answers to clients: heads of the gateway's own answers, and writing in general. All bytes to a client go
// through here, so that the status, the length and the state of the connection are known in one place. Owner: none;
// functions on an Exchange. Thread: one worker. Errors: false when the client is gone or too slow for its scope.
// Source: ledger 1 section 4.3 (envelope), RFC 9112 (framing).
#pragma once
#include <errno.h>

#include <string_view>

#include "engine/exchange.h"

namespace gladius::engine {

// Composes a head into memory that is large enough (the worker's tx buffer, kTransmit bytes).
class HeadWriter {
  public:
    explicit HeadWriter(char* out) : begin_(out), p_(out) {}
    void status_line(int status);
    void raw(std::string_view bytes) {
        if (bytes.empty()) return;
        __builtin_memcpy(p_, bytes.data(), bytes.size());
        p_ += bytes.size();
    }
    void field(std::string_view name, std::string_view value) {
        raw(name);
        raw(": ");
        raw(value);
        raw("\r\n");
    }
    void number(uint64_t n);
    // A text that may hold line ends: they become blanks, as in the reference.
    void value(std::string_view text);
    void canonical_name(std::string_view name);
    // Date, Connection and the empty line.
    void finish(Exchange& ex, bool has_date);
    std::string_view bytes() const { return {begin_, static_cast<size_t>(p_ - begin_)}; }
    size_t size() const { return static_cast<size_t>(p_ - begin_); }

  private:
    char* begin_;
    char* p_;
};

// An answer that the gateway makes itself.
struct Answer {
    int status = 200;
    std::string_view content_type;
    std::string_view body;
    std::string_view extra;  // whole lines, "Name: value\r\n"
    bool has_date = false;   // in extra
    bool krakend = true;     // X-Krakend
    int completed = -1;      // X-Krakend-Completed: -1 none, 0 false, 1 true
    bool close = false;
    Answer() {}
};
rt::Task<void> answer(Exchange& ex, const Answer& a);

// For stages: this is the answer. It is written when the stage has returned; its texts are in the arena, or constants.
plan::Verdict reply(Exchange& ex, const Answer& a);
// The same without a body: what a refused request gets.
plan::Verdict refuse_request(Exchange& ex, int status);

// A redirect as Go's http.Redirect writes it.
Answer redirect_answer(Exchange& ex, int status, std::string_view location);

// The lines that stages put into the answer.
void write_stage_headers(const Exchange& ex, HeadWriter& h);

// Writes bytes that may be in the receive or transmit buffer; counts them. False when the kernel did not take all of
// them: write_slow() then waits for the rest, data + done.
inline bool write_fast(Exchange& ex, const char* data, size_t n, size_t& done) {
    ssize_t k = ex.c.io.write_now(data, n);
    done = k > 0 ? static_cast<size_t>(k) : 0;
    ex.sent_bytes += done;
    return k == static_cast<ssize_t>(n);
}
// How much to read of a backend for this client: what it does not take at once is copied and waits, and many slow ones
// must not have much each.
constexpr size_t kSmallPiece = 16 * 1024;
size_t worth_reading(Exchange& ex);
// Copies the rest and waits until it is taken; false when the client is gone, or the scope ended first.
rt::Task<bool> write_slow(Exchange& ex, const char* data, size_t n, rt::Scope& scope);

}  // namespace gladius::engine
