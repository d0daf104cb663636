#include "proto/h2_common.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/assert.h"
#include "base/pool.h"

namespace gladius::proto {

namespace {

// nghttp2 does not say how large the memory is that it gives back.
struct alignas(16) Sized {
    size_t n;
};

void* take(size_t n, void*) {
    auto* p = static_cast<Sized*>(pool_allocate(n + sizeof(Sized)));
    p->n = n + sizeof(Sized);
    return p + 1;
}
void give(void* p, void*) {
    if (!p) return;
    Sized* s = static_cast<Sized*>(p) - 1;
    pool_free(s, s->n);
}
void* take_zeroed(size_t count, size_t size, void*) {
    void* p = take(count * size, nullptr);
    std::memset(p, 0, count * size);
    return p;
}
void* resize(void* p, size_t n, void*) {
    if (!p) return take(n, nullptr);
    Sized* s = static_cast<Sized*>(p) - 1;
    size_t have = s->n - sizeof(Sized);
    if (n <= have) return p;
    void* bigger = take(n, nullptr);
    std::memcpy(bigger, p, have);
    give(p, nullptr);
    return bigger;
}

char* lower(char* out, std::string_view name) {
    for (char c : name)
        *out++ = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    return out;
}

uint8_t* bytes(std::string_view s) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(s.data()));
}

}  // namespace

nghttp2_mem h2_memory() {
    return nghttp2_mem{nullptr, &take, &give, &take_zeroed, &resize};
}

H2OptionPtr h2_options(uint32_t max_head_bytes) {
    nghttp2_option* o = nullptr;
    GL_CHECK(nghttp2_option_new(&o) == 0);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_deflate_dynamic_table_size(o, 4096);
    nghttp2_option_set_max_outbound_ack(o, 1000);
    nghttp2_option_set_max_settings(o, 32);
    // As Go's: blanks around a value are no part of it.
    nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(o, 1);
    nghttp2_option_set_max_continuations(o, std::max<size_t>(8, max_head_bytes / kH2FramePayload + 2));
    // Heads that we write are bounded where they are made.
    nghttp2_option_set_max_send_header_block_length(o, 1024 * 1024);
    return H2OptionPtr(o);
}

FieldList::~FieldList() {
    if (fields_ != inline_) pool_free(fields_, cap_ * sizeof(nghttp2_nv));
    if (names_ != inline_names_) pool_free(names_, names_cap_);
}

void FieldList::add(std::string_view lower_name, std::string_view value) {
    GL_ASSERT(count_ < cap_);
    fields_[count_++] = nghttp2_nv{bytes(lower_name), bytes(value), lower_name.size(), value.size(),
                                   NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

bool FieldList::make_room(size_t fields, size_t name_bytes) {
    if (fields > kMost) return false;
    if (count_ + fields > cap_) {
        size_t want = count_ + fields;
        auto* bigger = static_cast<nghttp2_nv*>(pool_allocate(want * sizeof(nghttp2_nv)));
        std::memcpy(bigger, fields_, count_ * sizeof(nghttp2_nv));
        if (fields_ != inline_) pool_free(fields_, cap_ * sizeof(nghttp2_nv));
        fields_ = bigger;
        cap_ = want;
    }
    if (name_bytes > names_cap_) {
        GL_ASSERT(names_ == inline_names_);
        names_ = static_cast<char*>(pool_allocate(name_bytes));
        names_cap_ = name_bytes;
    }
    return true;
}

bool FieldList::add_lines(std::string_view lines, Facts& facts) {
    // No line is shorter than four bytes; only long heads are worth counting.
    size_t count = lines.size() / 4;
    if (count > cap_ - count_) count = static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n'));
    if (!make_room(count, lines.size())) return false;
    char* out = names_;
    for (;;) {
        size_t end = lines.find("\r\n");
        if (end == std::string_view::npos) return false;
        if (end == 0) return true;
        std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end + 2);
        size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) return false;
        std::string_view name = line.substr(0, colon), value = line.substr(colon + 1);
        while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
            value.remove_prefix(1);
        while (!value.empty() && (value.back() == ' ' || value.back() == '\t'))
            value.remove_suffix(1);
        http::Token token = http::find_token(name);
        facts.chunked |= token == http::Token::transfer_encoding;
        if (facts.is_request && token == http::Token::host) continue;
        // Te is a field of the connection, and yet the one of them that may say "trailers".
        if (http::is_hop_by_hop(token) && token != http::Token::te && token != http::Token::proxy_authenticate &&
            token != http::Token::proxy_authorization)
            continue;
        if (token == http::Token::content_length) {
            auto r = std::from_chars(value.data(), value.data() + value.size(), facts.length);
            if (r.ec != std::errc() || r.ptr != value.data() + value.size()) return false;
            facts.has_length = true;
        }
        char* begin = out;
        out = lower(out, name);
        add({begin, name.size()}, value);
    }
}

size_t h1_head_size(std::string_view data) {
    size_t end = data.find("\r\n\r\n");
    return end == std::string_view::npos ? 0 : end + 4;
}

}  // namespace gladius::proto
