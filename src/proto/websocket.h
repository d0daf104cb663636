// Purpose: RFC 6455 without any I/O: frames to messages and back, the checks that an end must make, and the answer to a
// handshake's key. Strict: reserved bits (no extension is negotiated), unknown opcodes, lengths that are not the
// shortest, fragmented or long control frames, a mask where none belongs or none where one does, text that is no UTF-8,
// and codes that may not be sent are errors, found at the first byte that is wrong. Owner: the caller owns all bytes; a
// Reader keeps no more than one control frame. Thread: any. Errors: Step::Event::failed with the code to close with.
// Source: RFC 6455 sections 5, 7 and 8.1.
//   while (n) { Step s = reader.next(p, n); p += s.consumed; n -= s.consumed; switch (s.event) ... }
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "simd/utf8_stream.h"

namespace gladius::proto::ws {

enum class Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// Codes of section 7.4.1 that we send or look for.
enum Code : uint16_t {
    kNormal = 1000,
    kGoingAway = 1001,
    kProtocolError = 1002,
    kNoCode = 1005,  // never on the wire: a close without one
    kNotUtf8 = 1007,
    kTooBig = 1009,
    kServerError = 1011,
};

inline constexpr size_t kMaxControl = 125;
inline constexpr size_t kMaxHead = 14;

// Who we are: a server reads masked frames and writes plain ones.
enum class Role : uint8_t { server, client };

// The head of a frame whose payload has n bytes; returns its length. `mask` is written when the role has to mask.
size_t write_head(char* out, Opcode opcode, uint64_t n, Role role, uint32_t mask, bool fin = true);
// The length of that head.
size_t head_size(uint64_t n, Role role);
// A close frame's payload into out (kMaxControl bytes): the code, and as much of the reason as fits.
size_t write_close(char* out, uint16_t code, std::string_view reason);

// XORs n bytes with the mask, whose bytes repeat from payload position `at` on. The mask is as it lies in memory.
void apply_mask(char* data, size_t n, uint32_t mask, uint64_t at);

// The value of Sec-WebSocket-Accept for a key: 28 characters.
inline constexpr size_t kAcceptSize = 28;
void accept_of(std::string_view key, char* out);
// Sixteen bytes as base64: a key that a client may send (RFC 6455 4.1).
bool is_key(std::string_view key);

struct Step {
    enum class Event : uint8_t {
        none,    // the input is used up, and nothing is complete
        data,    // a run of a message: data, n; perhaps empty; `last` when the message is complete
        ping,    // data, n: the payload, valid until the next call
        pong,    // the same
        close,   // code (kNoCode: none was said), data, n: the reason. Nothing is read after it
        failed,  // code, what. Nothing is read after it
    };
    Event event = Event::none;
    size_t consumed = 0;
    char* data = nullptr;
    size_t n = 0;
    Opcode opcode = Opcode::text;  // of the message
    bool first = false, last = false;
    uint16_t code = 0;
    const char* what = "";
};

class Reader {
  public:
    // max_message: bytes of a whole message.
    Reader(Role role, uint64_t max_message) : max_message_(max_message), role_(role) {}
    // Takes bytes from the front of the n at `data`; payload is unmasked where it lies.
    Step next(char* data, size_t n);
    // Between two messages: nothing of a frame or a message was read yet.
    bool idle() const { return state_ == State::head && have_ == 0 && !in_message_; }

  private:
    enum class State : uint8_t { head, payload, control, ended };
    Step fail(Step s, uint16_t code, const char* what);
    bool take_head(Step& s);
    Step control_step(Step s);

    uint64_t max_message_;
    uint64_t length_ = 0;   // of the frame
    uint64_t at_ = 0;       // in its payload
    uint64_t message_ = 0;  // bytes of the message, with those that this frame announces
    uint32_t mask_ = 0;
    Role role_;
    State state_ = State::head;
    Opcode opcode_ = Opcode::text;  // of the message
    uint8_t control_ = 0;           // opcode of the control frame that is being read
    bool fin_ = false;
    bool in_message_ = false;
    bool begun_ = false;  // a run of the message was given out
    uint8_t have_ = 0;    // bytes of buf_
    simd::Utf8Stream utf8_;
    char buf_[kMaxControl + 1];  // the head, or a control frame's payload
};

}  // namespace gladius::proto::ws
