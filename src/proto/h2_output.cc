#include "proto/h2_output.h"

namespace gladius::proto {

bool H2Output::pull(nghttp2_session* session, H2Owner& owner) {
    if (pulling_) return true;  // who is inside comes here at its end
    pulling_ = true;
    bool was_empty = bytes_.empty();
    ssize_t n = 0;
    for (;;) {
        const uint8_t* data = nullptr;
        n = nghttp2_session_mem_send(session, &data);
        if (n <= 0) break;
        bytes_.append(data, static_cast<size_t>(n));
    }
    pulling_ = false;
    if (was_empty && !bytes_.empty()) owner.h2_output();
    return n == 0;
}

}  // namespace gladius::proto
