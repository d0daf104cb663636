// Any bytes to both kinds of readers, whole and in pieces that the input decides. Properties: the pieces make no
// difference to what is said (but where within a text its wrong byte is noticed); a step takes no more than it was
// given, and something as long as the reader has not ended; no message is larger than allowed, every text is UTF-8;
// what a reader took as a message is the same message when it is written and read again.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/assert.h"
#include "proto/websocket.h"

using namespace gladius::proto::ws;

namespace {

constexpr uint64_t kMost = 3000;

struct Said {
    std::vector<std::string> messages;  // with the opcode in front
    std::string controls;
    uint16_t end = 0;  // code of a close or a failure
    bool failed = false;
};

Said read(Role role, const uint8_t* bytes, size_t size, size_t piece) {
    Said said;
    Reader reader(role, kMost);
    std::string message;
    for (size_t at = 0; at < size && !said.end; at += piece) {
        size_t n = piece < size - at ? piece : size - at;
        std::unique_ptr<char[]> copy(new char[n]);
        std::memcpy(copy.get(), bytes + at, n);
        char* p = copy.get();
        while (n > 0 && !said.end) {
            Step s = reader.next(p, n);
            GL_CHECK(s.consumed <= n);
            GL_CHECK(s.consumed > 0 || s.event == Step::Event::failed);
            p += s.consumed;
            n -= s.consumed;
            switch (s.event) {
                case Step::Event::none:
                    break;
                case Step::Event::data:
                    GL_CHECK(s.first == message.empty());
                    if (s.first) message += static_cast<char>(s.opcode);
                    message.append(s.data, s.n);
                    GL_CHECK(message.size() <= kMost + 1);
                    if (!s.last) break;
                    said.messages.push_back(std::move(message));
                    message.clear();
                    break;
                case Step::Event::ping:
                case Step::Event::pong:
                    GL_CHECK(s.n <= kMaxControl);
                    said.controls.append(s.data, s.n).append(s.event == Step::Event::ping ? "<" : ">");
                    break;
                case Step::Event::close:
                    said.end = s.code;
                    said.controls.append(s.data, s.n);
                    break;
                case Step::Event::failed:
                    said.end = s.code;
                    said.failed = true;
                    break;
            }
        }
    }
    return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    if (size < 2) return 0;
    size_t piece = bytes[0] % 64 + 1u;
    Role role = bytes[1] & 1 ? Role::client : Role::server;
    bytes += 2;
    size -= 2;
    Said whole = read(role, bytes, size, size + 1), cut = read(role, bytes, size, piece);
    GL_CHECK(whole.messages == cut.messages);
    GL_CHECK(whole.controls == cut.controls);
    GL_CHECK(whole.end == cut.end && whole.failed == cut.failed);
    Role other = role == Role::server ? Role::client : Role::server;
    for (const std::string& m : whole.messages) {
        gladius::simd::Utf8Stream check;
        GL_CHECK(m[0] != 1 || (check.feed(m.data() + 1, m.size() - 1) && check.complete()));
        std::string wire(kMaxHead, '\0'), body = m.substr(1);
        size_t k = write_head(wire.data(), static_cast<Opcode>(m[0]), body.size(), other, 0x01020304);
        wire.resize(k);
        if (other == Role::client) apply_mask(body.data(), body.size(), 0x01020304, 0);
        wire += body;
        Said again = read(role, reinterpret_cast<const uint8_t*>(wire.data()), wire.size(), wire.size());
        GL_CHECK(again.messages.size() == 1 && again.messages[0] == m && !again.failed);
    }
    return 0;
}
