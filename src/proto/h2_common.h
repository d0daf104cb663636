// Purpose: what both sides of HTTP/2 need of nghttp2: memory from the pool, options and limits, and the fields of an
// HTTP/1 head as a field block. Owner: none. Thread: any; the memory of a session belongs to its worker's thread.
// Lifetime: a FieldList points into the head and into itself: both live until its frame was written. Errors: false when
// a head is none. Source: RFC 9113 section 8.2 (no upper case, no fields of the connection), RFC 7541.
#pragma once
#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "http/h1.h"

namespace gladius::proto {

constexpr std::string_view kH2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr uint32_t kH2FrameHead = 9;
constexpr uint32_t kH2UsualWindow = 65535;
// The largest frame that either side sends; RFC 9113 lets nobody refuse it.
constexpr uint32_t kH2FramePayload = 16384;
constexpr uint16_t kH2NoRfc7540Priorities = 9;  // RFC 9218 section 2.1

struct H2Deleter {
    void operator()(nghttp2_session* s) const { nghttp2_session_del(s); }
    void operator()(nghttp2_session_callbacks* c) const { nghttp2_session_callbacks_del(c); }
    void operator()(nghttp2_option* o) const { nghttp2_option_del(o); }
};
using H2SessionPtr = std::unique_ptr<nghttp2_session, H2Deleter>;
using H2CallbacksPtr = std::unique_ptr<nghttp2_session_callbacks, H2Deleter>;
using H2OptionPtr = std::unique_ptr<nghttp2_option, H2Deleter>;

// Memory of sessions comes from the pool of the thread.
nghttp2_mem h2_memory();

// What is the same for servers and clients: windows are opened by hand, as bodies are taken; closed streams are
// forgotten; limits on what the other side may make us queue. `max_head_bytes` bounds the CONTINUATION frames of a
// field block.
H2OptionPtr h2_options(uint32_t max_head_bytes);

// The fields of one HEADERS frame. Names are written in small letters into memory of the list.
class FieldList {
  public:
    FieldList() = default;
    ~FieldList();
    FieldList(const FieldList&) = delete;
    FieldList& operator=(const FieldList&) = delete;

    void add(std::string_view lower_name, std::string_view value);
    struct Facts {
        bool has_length = false;
        uint64_t length = 0;
        bool is_request = false;  // Host is said elsewhere
        bool chunked = false;     // Transfer-Encoding was there
    };
    // Adds the fields of an HTTP/1 head, `lines` being what follows its first line up to and with the empty line.
    // Fields of the connection are left out. False: no head, or more fields than anybody sends.
    bool add_lines(std::string_view lines, Facts& facts);
    const nghttp2_nv* data() const { return fields_; }
    size_t size() const { return count_; }

  private:
    static constexpr size_t kInline = 64, kNames = 2048, kMost = 2048;
    bool make_room(size_t fields, size_t name_bytes);

    nghttp2_nv inline_[kInline];
    char inline_names_[kNames];
    nghttp2_nv* fields_ = inline_;
    char* names_ = inline_names_;
    size_t count_ = 0, cap_ = kInline, names_cap_ = kNames;
};

// The length of the HTTP/1 head that data begins with, up to and with its empty line; 0 when its end is not there.
size_t h1_head_size(std::string_view data);

}  // namespace gladius::proto
