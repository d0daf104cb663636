#include "proto/h2_server.h"

#include <errno.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/arena.h"
#include "http/url.h"

namespace gladius::proto {

using http::Token;

namespace {

constexpr uint32_t kMaxFields = 256;

// A client whose window is below kNarrowWindow may have so many answers that wait for it, and so many requests that
// wait for those; more are refused (RST_STREAM REFUSED_STREAM: the client may ask again).
constexpr int32_t kLeastShare = 4096;
constexpr int32_t kNarrowWindow = 4096;
constexpr uint32_t kNarrowRunning = 2, kNarrowWaiting = 4;

// Frames that bring nothing forward: so many at once, and so many a second. Work that was done buys some back.
constexpr uint32_t kNoiseBurst = 1024, kNoisePerSecond = 128;
constexpr uint32_t kCostLight = 1;   // PING, PRIORITY, WINDOW_UPDATE, empty DATA, unknown frames
constexpr uint32_t kCostHeavy = 4;   // SETTINGS, RST_STREAM, GOAWAY, a refused or broken request
constexpr uint32_t kCostGross = 16;  // empty CONTINUATION, a field block beyond the limit
constexpr uint32_t kCreditAnswer = 4, kCreditData = 3;
constexpr size_t kRealData = 256;    // so many bytes of an answer buy kCreditData back
constexpr size_t kMostRealData = 4;  // times that, in one frame

// Go's server: its count has 32 bytes a field that HTTP/1's has not, for ten fields.
constexpr uint32_t kHeadSlack = 320;
constexpr size_t kUncounted = 16 * 1024;  // as in the engine: smaller buffers are not counted

std::string_view view(nghttp2_rcbuf* b) {
    if (!b) return {};
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);
    return {reinterpret_cast<const char*>(v.base), v.len};
}
void hold(nghttp2_rcbuf*& slot, nghttp2_rcbuf* b) {
    nghttp2_rcbuf_incref(b);
    if (slot) nghttp2_rcbuf_decref(slot);
    slot = b;
}
void drop(nghttp2_rcbuf*& slot) {
    if (slot) nghttp2_rcbuf_decref(slot);
    slot = nullptr;
}

}  // namespace

// What nghttp2 calls. Nothing is sent, and no stream's reader or writer is resumed, inside of these.
struct H2Callbacks {
    static H2Server& of(void* user) { return *static_cast<H2Server*>(user); }
    static H2Stream* stream(nghttp2_session* s, int32_t id) {
        return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(s, id));
    }

    static int begin_headers(nghttp2_session* s, const nghttp2_frame* f, void* user) {
        H2Server& h = of(user);
        h.building_ = nullptr;
        if (f->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
        int32_t id = f->hd.stream_id;
        if (h.live_ >= h.limits_.max_streams) {
            // The exchanges of streams that were reset count until they have ended.
            nghttp2_submit_rst_stream(s, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
            return h.noise(kCostHeavy) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
        }
        auto* stream = new (pool_allocate(sizeof(H2Stream))) H2Stream(h, id);
        ++h.live_;
        h.others_.push_back(*stream);
        nghttp2_session_set_stream_user_data(s, id, stream);
        h.build_begin(*stream);
        return 0;
    }

    static int header(nghttp2_session*, const nghttp2_frame* f, nghttp2_rcbuf* name, nghttp2_rcbuf* value, uint8_t,
                      void* user) {
        H2Server& h = of(user);
        if (!h.building_ || h.building_->id_ != f->hd.stream_id) return 0;
        H2Server::Build& b = h.build_;
        std::string_view n = view(name), v = view(value);
        b.size += n.size() + v.size() + 32;
        if (b.size > h.limits_.max_header_bytes + kHeadSlack) b.too_large = true;
        if (b.too_large) {
            // Go's server reads on too, but not for ever.
            bool far = b.size > 2 * uint64_t{h.limits_.max_header_bytes};
            return far && !h.noise(kNoiseBurst + 1) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
        }
        if (n == ":method")
            hold(b.method, value);
        else if (n == ":path")
            hold(b.path, value);
        else if (n == ":authority")
            hold(b.authority, value);
        else if (n == ":scheme")
            b.http_scheme = v == "http" || v == "https";
        else
            h.build_field(n, v);
        return 0;
    }

    // What nghttp2 would only leave out is no request at all.
    static int invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*, nghttp2_rcbuf*, uint8_t, void*) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }

    static int invalid_frame(nghttp2_session*, const nghttp2_frame*, int, void* user) {
        return of(user).noise(kCostHeavy) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
    }

    static int frame(nghttp2_session* s, const nghttp2_frame* f, void* user) {
        H2Server& h = of(user);
        bool ends = (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        switch (f->hd.type) {
            case NGHTTP2_HEADERS: {
                H2Stream* stream = H2Callbacks::stream(s, f->hd.stream_id);
                if (!stream) break;
                if (stream == h.building_)
                    h.build_end(*stream, ends);
                else if (ends)  // the trailers of a request are not passed on (the reference drops them too)
                    end_of(*stream);
                break;
            }
            case NGHTTP2_DATA:
                if (ends)
                    if (H2Stream* stream = H2Callbacks::stream(s, f->hd.stream_id)) end_of(*stream);
                break;
            case NGHTTP2_SETTINGS:
                if (f->hd.flags & NGHTTP2_FLAG_ACK) break;
                h.greeted_ = true;
                for (H2Stream* x = h.others_.front(); x; x = h.others_.next(*x))
                    unstall(*x);
                break;
            case NGHTTP2_WINDOW_UPDATE:
                if (f->hd.stream_id == 0)
                    h.wake_one();
                else if (H2Stream* stream = H2Callbacks::stream(s, f->hd.stream_id))
                    unstall(*stream);
                break;
            case NGHTTP2_PING:
                if ((f->hd.flags & NGHTTP2_FLAG_ACK) && h.shutting_down_) h.shutdown_now();
                break;
            default:
                break;
        }
        return h.flooded_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
    }
    static void end_of(H2Stream& stream) {
        stream.remote_ended_ = true;
        stream.signal(rt::Io::kReadable);
    }
    static void unstall(H2Stream& stream) {
        if (!stream.stalled_) return;
        stream.stalled_ = false;
        stream.signal(rt::Io::kWritable);
    }

    static int data_chunk(nghttp2_session* s, uint8_t, int32_t id, const uint8_t* data, size_t n, void* user) {
        H2Server& h = of(user);
        H2Stream* stream = H2Callbacks::stream(s, id);
        if (!stream || stream->finished_ || !h.keep_body(*stream, reinterpret_cast<const char*>(data), n))
            nghttp2_session_consume_connection(s, n);
        return 0;
    }

    static int stream_close(nghttp2_session* s, int32_t id, uint32_t error, void* user) {
        if (H2Stream* stream = H2Callbacks::stream(s, id)) of(user).closed(*stream, error);
        return 0;
    }

    static ssize_t read_answer(nghttp2_session*, int32_t, uint8_t*, size_t length, uint32_t* flags,
                               nghttp2_data_source* source, void* user) {
        auto& stream = *static_cast<H2Stream*>(source->ptr);
        size_t n = std::min({length, stream.offer_n_, of(user).output_.room()});
        if (n == 0) {
            if (!stream.finished_) return NGHTTP2_ERR_DEFERRED;
            *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_COPY;
            return 0;
        }
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
        if (stream.has_length_ && n == stream.left_) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(n);
    }

    static int send_data(nghttp2_session*, [[maybe_unused]] nghttp2_frame* f, const uint8_t* head, size_t n,
                         nghttp2_data_source* source, void* user) {
        H2Server& h = of(user);
        auto& stream = *static_cast<H2Stream*>(source->ptr);
        h.output_.bytes().append(head, kH2FrameHead);
        GL_ASSERT(f->data.padlen == 0 && n <= stream.offer_n_);
        h.output_.bytes().append(stream.offer_, n);
        stream.offer_ += n;
        stream.offer_n_ -= n;
        stream.left_ -= stream.has_length_ ? n : 0;
        int32_t window = nghttp2_session_get_stream_remote_window_size(h.session_.get(), stream.id_);
        h.credit_data(n, window - static_cast<int64_t>(n) >= static_cast<int64_t>(kRealData));
        return 0;
    }

    static int frame_sent(nghttp2_session* s, const nghttp2_frame* f, void* user) {
        if (f->hd.type == NGHTTP2_RST_STREAM) of(user).remember_reset(f->hd.stream_id);
        if ((f->hd.type != NGHTTP2_DATA && f->hd.type != NGHTTP2_HEADERS) || !(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
            return 0;
        H2Stream* stream = H2Callbacks::stream(s, f->hd.stream_id);
        if (!stream) return 0;
        stream->answered_ = true;
        of(user).credit(kCreditAnswer);
        return 0;
    }

    static H2CallbacksPtr all() {
        nghttp2_session_callbacks* c = nullptr;
        GL_CHECK(nghttp2_session_callbacks_new(&c) == 0);
        nghttp2_session_callbacks_set_on_begin_headers_callback(c, &begin_headers);
        nghttp2_session_callbacks_set_on_header_callback2(c, &header);
        nghttp2_session_callbacks_set_on_invalid_header_callback2(c, &invalid_header);
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, &invalid_frame);
        nghttp2_session_callbacks_set_on_frame_recv_callback(c, &frame);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, &data_chunk);
        nghttp2_session_callbacks_set_on_stream_close_callback(c, &stream_close);
        nghttp2_session_callbacks_set_send_data_callback(c, &send_data);
        nghttp2_session_callbacks_set_on_frame_send_callback(c, &frame_sent);
        return H2CallbacksPtr(c);
    }
};

// --- the head of a request
// -------------------------------------------------------------------------------------------------------------

void H2Server::build_begin(H2Stream& s) {
    drop_build();
    building_ = &s;
    build_.field_cap = 32;
    build_.fields = static_cast<http::Field*>(pool_allocate(build_.field_cap * sizeof(http::Field)));
}

void H2Server::drop_build() {
    Build& b = build_;
    building_ = nullptr;
    drop(b.method);
    drop(b.path);
    drop(b.authority);
    pool_free(b.fields, b.field_cap * sizeof(http::Field));
    b.fields = nullptr;
    b.field_cap = 0;
    b.text.clear();
    b.cookie.clear();
    b.head = {};
    b.size = 0;
    b.line_written = b.bad = b.too_large = b.has_host = b.http_scheme = b.has_length = false;
}

// Before the first field, when all pseudo-fields have come: nghttp2 lets none follow.
void H2Server::write_request_line() {
    Build& b = build_;
    b.line_written = true;
    std::string_view method = view(b.method), authority = view(b.authority);
    std::string_view target = b.path ? view(b.path) : authority;  // CONNECT has no path
    b.text.append(method);
    b.text.append(" ", 1);
    b.text.append(target);
    b.text.append(" HTTP/1.1\r\n");
    b.head.method = http::method_of(method);
    b.head.method_len = static_cast<uint32_t>(method.size());
    b.head.target_off = static_cast<uint32_t>(method.size()) + 1;
    b.head.target_len = static_cast<uint32_t>(target.size());
    // Go's server takes the Host field only where :authority is missing.
    if (!authority.empty()) {
        b.has_host = true;
        b.head.host_field = b.head.field_count;
        add_field("Host", authority);
    }
}

void H2Server::add_field(std::string_view name, std::string_view value) {
    Build& b = build_;
    if (b.head.field_count == b.field_cap) {
        if (b.field_cap == kMaxFields) {
            b.too_large = true;
            return;
        }
        auto* bigger = static_cast<http::Field*>(pool_allocate(2 * b.field_cap * sizeof(http::Field)));
        std::memcpy(bigger, b.fields, b.field_cap * sizeof(http::Field));
        pool_free(b.fields, b.field_cap * sizeof(http::Field));
        b.fields = bigger;
        b.field_cap *= 2;
    }
    // As HTTP/1 has it: blanks around a value are no part of it, wherever they come from.
    auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!value.empty() && blank(value.front()))
        value.remove_prefix(1);
    while (!value.empty() && blank(value.back()))
        value.remove_suffix(1);
    http::Field& f = b.fields[b.head.field_count++];
    size_t at = b.text.size();
    char* p = b.text.grow(name.size() + value.size() + 4);
    http::canonicalise(name, p);
    f.token = http::find_token({p, name.size()});
    f.flags = http::Field::kCanonical;
    f.name_off = static_cast<uint32_t>(at);
    f.name_len = static_cast<uint16_t>(name.size());
    f.value_off = static_cast<uint32_t>(at + name.size() + 2);
    f.value_len = static_cast<uint32_t>(value.size());
    p += name.size();
    *p++ = ':';
    *p++ = ' ';
    if (!value.empty()) std::memcpy(p, value.data(), value.size());
    p += value.size();
    *p++ = '\r';
    *p++ = '\n';
    b.text.commit(name.size() + value.size() + 4);
    if (f.token != Token::unknown) b.head.mask |= http::bit(f.token);
}

bool H2Server::build_field(std::string_view name, std::string_view value) {
    Build& b = build_;
    if (!b.line_written) write_request_line();
    if (name.size() > UINT16_MAX) {
        b.too_large = true;
        return false;
    }
    switch (http::find_token(name)) {
        case Token::host:
            if (b.has_host) return true;
            b.has_host = true;
            b.head.host_field = b.head.field_count;
            break;
        case Token::cookie:
            // RFC 9113 8.2.3: crumbs of one field.
            if (!b.cookie.empty()) b.cookie.append("; ");
            b.cookie.append(value);
            return true;
        case Token::content_length: {
            auto r = std::from_chars(value.data(), value.data() + value.size(), b.head.content_length);
            if (r.ec != std::errc() || r.ptr != value.data() + value.size()) b.bad = true;
            b.has_length = true;
            break;
        }
        case Token::expect:
            // Go's server takes it out, and knows no other expectation.
            if (http::has_item(value, "100-continue")) {
                b.head.expect_continue = true;
                return true;
            }
            break;
        case Token::trailer:
            return true;
        default:
            break;
    }
    add_field(name, value);
    return true;
}

void H2Server::build_end(H2Stream& s, bool ends) {
    Build& b = build_;
    if (!b.line_written) write_request_line();
    if (!b.cookie.empty()) add_field("Cookie", b.cookie.view());
    b.text.append("\r\n");
    bool connect = b.head.method == http::Method::connect;
    // Go's server: only these two schemes, no user in the authority, a path that can be decoded.
    b.bad = b.bad || (!connect && !b.http_scheme) || view(b.authority).find('@') != std::string_view::npos;
    if (!b.bad && view(b.path).find('%') != std::string_view::npos) {
        char memory[1024];
        Arena arena(memory, sizeof memory);
        b.bad = !http::parse_target(view(b.path), arena);
    }
    if (b.bad) {
        drop_build();
        reset(s, NGHTTP2_PROTOCOL_ERROR);
        noise(kCostHeavy);
        return;
    }
    s.is_head_ = b.head.method == http::Method::head;
    if (b.head.content_length > 0 || !ends)
        b.head.framing = ends ? http::Framing::none : b.has_length ? http::Framing::length : http::Framing::until_close;
    b.head.head_len = static_cast<uint32_t>(b.text.size());
    s.request_.head = b.head;
    s.request_.too_large = b.too_large;
    if (b.too_large) {
        noise(kCostGross);
    } else {
        // One block for both; a request that waits to be started holds no more than it is.
        size_t index = b.head.field_count * sizeof(http::Field);
        s.request_bytes_ = index + b.text.size();
        s.request_memory_ = pool_allocate(s.request_bytes_);
        auto* text = static_cast<char*>(s.request_memory_) + index;
        std::memcpy(s.request_memory_, b.fields, index);
        std::memcpy(text, b.text.data(), b.text.size());
        s.request_.fields = static_cast<const http::Field*>(s.request_memory_);
        s.request_.text = text;
    }
    drop_build();
    s.remote_ended_ = ends;
    s.narrow_ = is_narrow(s);
    if (s.narrow_) {
        uint32_t before = narrow_running_;
        for (H2Stream* x = fresh_.front(); x; x = fresh_.next(*x))
            before += x->narrow_;
        if (before >= kNarrowRunning + kNarrowWaiting) {
            reset(s, NGHTTP2_REFUSED_STREAM);
            noise(kCostHeavy);
            return;
        }
    }
    s.H2StreamHook::unlink();
    fresh_.push_back(s);
}

bool H2Server::is_narrow(const H2Stream& s) const {
    return nghttp2_session_get_stream_remote_window_size(session_.get(), s.id_) < kNarrowWindow;
}

// --- what nghttp2 lets pass
// -------------------------------------------------------------------------------------------------------------

namespace {

uint32_t cost_of(uint8_t type, uint8_t flags, size_t length) {
    switch (type) {
        case NGHTTP2_DATA:
            return length == 0 && !(flags & NGHTTP2_FLAG_END_STREAM) ? kCostLight : 0;
        case NGHTTP2_HEADERS:
            return 0;
        case NGHTTP2_SETTINGS:
            return flags & NGHTTP2_FLAG_ACK ? kCostLight : kCostHeavy;
        case NGHTTP2_RST_STREAM:
        case NGHTTP2_GOAWAY:
            return kCostHeavy;
        case NGHTTP2_CONTINUATION:
            return length == 0 ? kCostGross : kCostLight;
        default:
            return kCostLight;
    }
}

}  // namespace

bool H2Server::fail(uint32_t error) {
    nghttp2_session_terminate_session(session_.get(), error);
    over_ = true;
    return false;
}

// Gives nghttp2 what was looked at.
bool H2Server::feed(const char* data, size_t n) {
    if (over_ || n == 0) return !over_;
    receiving_ = true;
    ssize_t used = nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const uint8_t*>(data), n);
    receiving_ = false;
    if (used >= 0) return true;
    if (used == NGHTTP2_ERR_FLOODED) {
        flooded_ = true;
        return fail(NGHTTP2_ENHANCE_YOUR_CALM);
    }
    over_ = true;
    return flooded_ || used == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? false : fail(NGHTTP2_PROTOCOL_ERROR);
}

// A frame begins; `data` are n bytes before it that nghttp2 has not seen, and gets when the answer depends on them.
// Streams that are closed: where this side closed one the client may not know yet, and nothing is wrong.
bool H2Server::judge(const char*& data, size_t n) {
    uint8_t type = frame_[3], flags = frame_[4];
    size_t length = size_t{frame_[0]} << 16 | size_t{frame_[1]} << 8 | frame_[2];
    int32_t id = (frame_[5] & 0x7f) << 24 | frame_[6] << 16 | frame_[7] << 8 | frame_[8];
    uint32_t cost = cost_of(type, flags, length);
    if (cost && !noise(cost)) return false;
    if (type == NGHTTP2_PRIORITY && id == 0) return fail(NGHTTP2_PROTOCOL_ERROR);
    if ((type != NGHTTP2_HEADERS && type != NGHTTP2_DATA) || id % 2 == 0) return true;
    if (id > last_id_) {
        if (type == NGHTTP2_HEADERS) last_id_ = id;
        return true;
    }
    if (!feed(data, n)) return false;
    data += n;
    if (final_goaway_ || H2Callbacks::stream(session_.get(), id) || was_reset(id)) return true;
    if (type == NGHTTP2_HEADERS) return fail(NGHTTP2_STREAM_CLOSED);
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_STREAM_CLOSED);
    return noise(kCostHeavy);
}

bool H2Server::receive(const char* data, size_t n, uint64_t now_ms) {
    now_ms_ = now_ms;
    const char *p = data, *end = data + n;
    while (p < end && !over_) {
        if (skip_ > 0) {
            size_t k = std::min(static_cast<size_t>(end - p), skip_);
            skip_ -= k;
            p += k;
            continue;
        }
        size_t want = frame_n_ < kH2FrameHead ? kH2FrameHead : sizeof frame_;
        size_t k = std::min(static_cast<size_t>(end - p), want - frame_n_);
        std::memcpy(frame_ + frame_n_, p, k);
        frame_n_ = static_cast<uint8_t>(frame_n_ + k);
        p += k;
        if (frame_n_ < want) break;
        if (want == kH2FrameHead) {
            size_t before = static_cast<size_t>(p - data);
            if (!judge(data, before > kH2FrameHead ? before - kH2FrameHead : 0)) over_ = true;
            size_t length = size_t{frame_[0]} << 16 | size_t{frame_[1]} << 8 | frame_[2];
            if (frame_[3] == NGHTTP2_PRIORITY && length == 5) continue;
            skip_ = length;
        } else if ((frame_[5] & 0x7f) == (frame_[9] & 0x7f) && std::memcmp(frame_ + 6, frame_ + 10, 3) == 0) {
            // PRIORITY is ignored, and nghttp2 looks at none of it: a stream that depends on itself is an error all the
            // same (RFC 7540 section 5.3.1).
            fail(NGHTTP2_PROTOCOL_ERROR);
        }
        frame_n_ = 0;
    }
    feed(data, static_cast<size_t>(end - data));
    pull();
    return !over_ && !finished();
}

void H2Server::remember_reset(int32_t id) {
    if (!resets_) {
        resets_ = static_cast<int32_t*>(pool_allocate(kResets * sizeof(int32_t)));
        std::memset(resets_, 0, kResets * sizeof(int32_t));
    }
    resets_[next_reset_++ % kResets] = id;
}

bool H2Server::was_reset(int32_t id) const {
    return resets_ && std::find(resets_, resets_ + kResets, id) != resets_ + kResets;
}

// --- the connection
// -------------------------------------------------------------------------------------------------------------

H2Server::H2Server(H2Owner& owner, const H2ServerLimits& limits) : owner_(owner), limits_(limits) {
    nghttp2_mem memory = h2_memory();
    H2OptionPtr options = h2_options(limits.max_header_bytes);
    nghttp2_session* s = nullptr;
    GL_CHECK(nghttp2_session_server_new3(&s, H2Callbacks::all().get(), this, options.get(), &memory) == 0);
    session_.reset(s);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.max_streams},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.max_header_bytes + kHeadSlack},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
        {kH2NoRfc7540Priorities, 1},
    };
    GL_CHECK(nghttp2_submit_settings(s, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
    nghttp2_session_set_local_window_size(s, NGHTTP2_FLAG_NONE, 0, static_cast<int32_t>(limits.connection_window));
    pull();
}

H2Server::~H2Server() {
    GL_ASSERT(running_ == 0);
    for (auto* list : {&fresh_, &others_})
        while (H2Stream* s = list->pop_front()) {
            s->closed_ = true;
            release(*s);
        }
    drop_build();
    pool_free(resets_, kResets * sizeof(int32_t));
    GL_ASSERT(live_ == 0);
}

H2Stream* H2Server::upgrade(std::string_view settings, const H2Request& request, std::string_view body) {
    auto* s = new (pool_allocate(sizeof(H2Stream))) H2Stream(*this, 1);
    ++live_;
    others_.push_back(*s);
    s->is_head_ = request.head.method == http::Method::head;
    int wrong = nghttp2_session_upgrade2(session_.get(), reinterpret_cast<const uint8_t*>(settings.data()),
                                         settings.size(), s->is_head_, nullptr);
    pull();
    // Settings that may not be are answered by GOAWAY, not by the result.
    if (wrong || !nghttp2_session_want_read(session_.get())) {
        s->closed_ = true;
        release(*s);
        stop(NGHTTP2_PROTOCOL_ERROR);
        return nullptr;
    }
    nghttp2_session_set_stream_user_data(session_.get(), 1, s);
    s->request_ = request;
    s->remote_ended_ = true;
    keep_body(*s, body.data(), body.size());
    s->held_ = true;
    ++running_;
    pull();
    return s;
}

// A bucket that runs empty with time and with work done.
bool H2Server::noise(uint32_t cost) {
    if (flooded_) return false;
    uint64_t ms = now_ms_ - noise_at_ms_;
    if (ms >= 8) {
        credit(static_cast<uint32_t>(std::min<uint64_t>(ms * kNoisePerSecond / 1000, kNoiseBurst)));
        noise_at_ms_ = now_ms_;
    }
    noise_ += cost;
    if (noise_ <= kNoiseBurst) return true;
    flooded_ = true;
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_ENHANCE_YOUR_CALM);
    return false;
}

// Bytes pay for the WINDOW_UPDATEs that they bring, however they were cut into frames; a small frame pays too when the
// client's window had room for more. A window that is opened a few bytes at a time pays for next to nothing.
void H2Server::credit_data(size_t n, bool had_room) {
    uncredited_ += n;
    size_t times = std::min(uncredited_ / kRealData, kMostRealData);
    uncredited_ %= kRealData;
    if (times == 0 && had_room) times = 1;
    credit(static_cast<uint32_t>(times) * kCreditData);
}

bool H2Server::finished() const {
    return !nghttp2_session_want_read(session_.get()) && !nghttp2_session_want_write(session_.get());
}

H2Stream* H2Server::next_request() {
    H2Stream* s = fresh_.front();
    if (!s || over_) return nullptr;
    if (s->narrow_) {
        s->narrow_ = is_narrow(*s);
        if (s->narrow_ && narrow_running_ >= kNarrowRunning) return nullptr;
    }
    s->H2StreamHook::unlink();
    others_.push_back(*s);
    s->held_ = true;
    ++running_;
    narrow_running_ += s->narrow_;
    return s;
}

void H2Server::pull() {
    if (receiving_) return;  // receive() comes here at its end
    if (!output_.pull(session_.get(), owner_)) over_ = true;
}

void H2Server::sent() {
    output_.set_blocked(false);
    wake_one();
}

// One at a time, in turn: who was woken wakes the next when it has written, or ended.
void H2Server::wake_one() {
    if (output_.room() == 0 || nghttp2_session_get_remote_window_size(session_.get()) <= 0) return;
    if (H2Stream* s = waiting_.pop_front()) s->signal(rt::Io::kWritable);
}

void H2Server::shutdown() {
    if (shutting_down_ || over_) return;
    shutting_down_ = true;
    nghttp2_submit_shutdown_notice(session_.get());
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
    pull();
}

void H2Server::shutdown_now() {
    if (final_goaway_ || over_) return;
    shutting_down_ = final_goaway_ = true;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()),
                          NGHTTP2_NO_ERROR, nullptr, 0);
    pull();
}

void H2Server::stop(uint32_t error) {
    if (over_) return;
    nghttp2_session_terminate_session(session_.get(), error);
    pull();
    over_ = true;
}

bool H2Server::end_lingering() {
    bool more = false;
    for (H2Stream *x = others_.front(), *next = nullptr; x; x = next) {
        next = others_.next(*x);
        if (!x->finished_ || x->remote_ended_ || x->closed_) continue;
        if (x->answered_ && x->lingers_++ > 0)
            nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, x->id_, NGHTTP2_NO_ERROR);
        else
            more = true;
    }
    pull();
    return more;
}

void H2Server::reset(H2Stream& s, uint32_t error) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, s.id_, error);
    pull();
}

bool H2Server::keep_body(H2Stream& s, const char* data, size_t n) {
    size_t before = s.in_.capacity();
    s.in_.append(data, n);
    size_t after = s.in_.capacity();
    if (after > before && after > kUncounted) {
        size_t more = after - (before > kUncounted ? before : 0);
        if (!owner_.h2_take_memory(more)) {
            s.in_.clear();
            if (before > kUncounted) {
                owner_.h2_give_memory(before);
                charged_ -= before;
            }
            reset(s, NGHTTP2_ENHANCE_YOUR_CALM);
            return false;
        }
        charged_ += more;
    }
    s.signal(rt::Io::kReadable);
    return true;
}

// The reader has taken n bytes: the client may send as many again.
void H2Server::consumed(H2Stream& s, size_t n) {
    if (s.closed_ || s.remote_ended_)
        nghttp2_session_consume_connection(session_.get(), n);
    else
        nghttp2_session_consume(session_.get(), s.id_, n);
    pull();
}

// From nghttp2: nothing more comes for this stream, and nothing can be said in it.
void H2Server::closed(H2Stream& s, uint32_t error) {
    s.closed_ = true;
    if (building_ == &s) drop_build();
    if (!s.answered_ || !s.remote_ended_ || error != NGHTTP2_NO_ERROR) {
        s.reset_ = true;
        s.signal(rt::Io::kBroken);
    }
    s.H2WriterHook::unlink();
    if (!s.held_) release(s);
}

void H2Server::release(H2Stream& s) {
    GL_ASSERT(s.closed_ && !s.held_);
    s.release_request();
    if (!s.in_.empty()) {
        if (!over_) nghttp2_session_consume_connection(session_.get(), s.in_.size());
        forget(s);
    }
    --live_;
    s.~H2Stream();
    pool_free(&s, sizeof(H2Stream));
}

// Gives the memory of its body back.
void H2Server::forget(H2Stream& s) {
    size_t n = s.in_.capacity();
    s.in_.clear();
    if (n > kUncounted) {
        charged_ -= n;
        owner_.h2_give_memory(n);
    }
}

// --- a stream
// -------------------------------------------------------------------------------------------------------------

void H2Stream::release_request() {
    pool_free(request_memory_, request_bytes_);
    request_memory_ = nullptr;
    request_bytes_ = 0;
    request_.text = nullptr;
    request_.fields = nullptr;
}

void H2Stream::attach(rt::Io& io) {
    io_ = &io;
    uint32_t what = rt::Io::kWritable;
    if (!in_.empty() || remote_ended_) what |= rt::Io::kReadable;
    if (reset_) what |= rt::Io::kBroken;
    io.signal(what);
}

void H2Stream::signal(uint32_t what) {
    if (io_) io_->signal(what);
}

ssize_t H2Stream::recv(char* buf, size_t n) {
    if (!in_.empty()) {
        size_t k = std::min(n, in_.size());
        std::memcpy(buf, in_.data(), k);
        if (k == in_.size())
            server_.forget(*this);
        else
            in_.consume(k);
        server_.consumed(*this, k);
        return static_cast<ssize_t>(k);
    }
    if (remote_ended_) return 0;
    errno = reset_ || closed_ ? ECONNRESET : EAGAIN;
    return -1;
}

ssize_t H2Stream::peek() {
    if (!in_.empty()) return 1;
    if (remote_ended_) return 0;
    errno = reset_ || closed_ ? ECONNRESET : EAGAIN;
    return -1;
}

// A head as the engine writes it. 1xx are followed by another.
bool H2Server::submit_head(H2Stream& s, std::string_view head, std::string_view body) {
    size_t line = head.find("\r\n");
    // "HTTP/1.1 200 OK"
    if (line < 12 || !head.starts_with("HTTP/1.")) return false;
    std::string_view status = head.substr(9, 3);
    FieldList fields;
    fields.add(":status", status);
    FieldList::Facts facts;
    if (!fields.add_lines(head.substr(line + 2), facts)) return false;
    if (status[0] == '1') {
        bool sent = nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, s.id_, nullptr, fields.data(),
                                           fields.size(), nullptr) == 0;
        pull();
        return sent;
    }
    s.head_sent_ = true;
    s.has_length_ = facts.has_length;
    s.left_ = facts.length;
    bool bodiless = s.is_head_ || status == "204" || status == "304" || (facts.has_length && facts.length == 0);
    nghttp2_data_provider provider{};
    provider.source.ptr = &s;
    provider.read_callback = &H2Callbacks::read_answer;
    if (bodiless) {
        s.has_length_ = true;
        s.left_ = 0;
    } else {
        s.offer(body);
    }
    bool ok = nghttp2_submit_response(session_.get(), s.id_, fields.data(), fields.size(),
                                      bodiless ? nullptr : &provider) == 0;
    // The fields lie in the writer's memory and in the list: they must be in the output before both go.
    pull();
    return ok;
}

ssize_t H2Stream::send(const char* data, size_t n) {
    if (closed_ || server_.over_) {
        errno = EPIPE;
        return -1;
    }
    size_t used = 0;
    while (!head_sent_) {
        if (used == n) return static_cast<ssize_t>(used);
        if (server_.output_.room() == 0) return used ? static_cast<ssize_t>(used) : wait_for_room();
        std::string_view rest{data + used, n - used};
        size_t head = h1_head_size(rest);
        if (head == 0 || !server_.submit_head(*this, rest.substr(0, head), rest.substr(head))) {
            server_.reset(*this, NGHTTP2_INTERNAL_ERROR);
            errno = EPIPE;
            return -1;
        }
        used += head;
        if (head_sent_) {
            used += taken();
            // More than the head promised goes nowhere.
            bool all = used == n || (has_length_ && left_ == 0);
            if (all) server_.wake_one();
            return static_cast<ssize_t>(all ? n : used);
        }
    }
    if (n == 0 || (has_length_ && left_ == 0)) return static_cast<ssize_t>(n);
    offer({data, n});
    nghttp2_session_resume_data(server_.session_.get(), id_);
    server_.pull();
    used = taken();
    if (closed_ && !answered_) {
        errno = EPIPE;
        return -1;
    }
    if (used == 0) return wait_for_room();
    if (has_length_ && left_ == 0) used = n;
    if (used == n) server_.wake_one();
    return static_cast<ssize_t>(used);
}

void H2Stream::offer(std::string_view body) {
    offer_ = body.data();
    offer_n_ = offered_ = body.size();
    if (has_length_ && offer_n_ > left_) offer_n_ = offered_ = static_cast<size_t>(left_);
}

// What of the offer went out; it ends with the call that made it.
size_t H2Stream::taken() {
    size_t n = offered_ - offer_n_;
    offer_ = nullptr;
    offer_n_ = offered_ = 0;
    return n;
}

ssize_t H2Stream::wait_for_room() {
    if (head_sent_ && nghttp2_session_get_stream_remote_window_size(server_.session_.get(), id_) <= 0)
        stalled_ = true;
    else if (!H2WriterHook::linked())
        server_.waiting_.push_back(*this);
    errno = EAGAIN;
    return -1;
}

size_t H2Stream::room() {
    if (closed_ || server_.over_) return SIZE_MAX;  // a send says so at once
    int32_t own = nghttp2_session_get_stream_remote_window_size(server_.session_.get(), id_);
    int32_t all = nghttp2_session_get_remote_window_size(server_.session_.get());
    // A fair share of what the connection lets flow, so that many streams do not all prepare for all of it.
    int32_t share = std::max(kLeastShare, all / static_cast<int32_t>(std::max(1u, server_.running_)));
    int32_t window = std::min({own, all, share});
    size_t room = window <= 0 ? 0 : std::min(static_cast<size_t>(window), server_.output_.room());
    if (room == 0) wait_for_room();
    return room;
}

void H2Stream::finish(bool whole) {
    if (finished_) return;
    finished_ = true;
    server_.forget(*this);
    if (closed_ || server_.over_) return;
    if (!whole || !head_sent_ || (has_length_ && left_ > 0)) {
        server_.reset(*this, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    if (answered_) return;
    nghttp2_session_resume_data(server_.session_.get(), id_);
    server_.pull();
}

void H2Stream::close() {
    io_ = nullptr;
    H2Server& server = server_;
    finish(false);
    H2WriterHook::unlink();
    held_ = false;
    --server.running_;
    server.narrow_running_ -= narrow_;
    if (closed_) server.release(*this);
    server.wake_one();
}

}  // namespace gladius::proto
