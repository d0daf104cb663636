#include "proto/h2_client.h"

#include <errno.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gladius::proto {

namespace {

constexpr size_t kUncounted = 16 * 1024;  // as in the engine: smaller buffers are not counted
constexpr size_t kInterimBytes = 64 * 1024;
// Streams that a backend does not end although it has said all: so many are waited for.
constexpr uint32_t kMostLingering = 32;
// Until the backend has said how many it allows.
constexpr uint32_t kFirstStreams = 100;

std::string_view view(nghttp2_rcbuf* b) {
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);
    return {reinterpret_cast<const char*>(v.base), v.len};
}

bool is_host(std::string_view line) {
    return line.size() > 5 && line[4] == ':' && http::same_name(line.substr(0, 4), "Host");
}

// The value of Host in the lines of a head. Ours stands first, as a rule.
std::string_view host_of(std::string_view lines) {
    while (!lines.empty()) {
        size_t end = std::min(lines.find("\r\n"), lines.size());
        std::string_view line = lines.substr(0, end);
        lines.remove_prefix(std::min(end + 2, lines.size()));
        if (!is_host(line)) continue;
        line.remove_prefix(5);
        while (!line.empty() && line.front() == ' ')
            line.remove_prefix(1);
        return line;
    }
    return {};
}

}  // namespace

// What nghttp2 calls. Nothing is sent, and no stream's reader or writer is resumed, inside of these.
struct H2ClientCallbacks {
    static H2Client& of(void* user) { return *static_cast<H2Client*>(user); }
    static H2ClientStream* stream(nghttp2_session* s, int32_t id) {
        return static_cast<H2ClientStream*>(nghttp2_session_get_stream_user_data(s, id));
    }

    static int begin_headers(nghttp2_session* s, const nghttp2_frame* f, void* user) {
        H2Client& h = of(user);
        h.building_ = nullptr;
        // Fields behind the body are trailers: they end here, as in the reference.
        H2ClientStream* stream = H2ClientCallbacks::stream(s, f->hd.stream_id);
        if (stream && !stream->has_answer_) h.begin_head(*stream);
        return 0;
    }

    static int header(nghttp2_session*, const nghttp2_frame* f, nghttp2_rcbuf* name, nghttp2_rcbuf* value, uint8_t,
                      void* user) {
        H2Client& h = of(user);
        if (h.building_ && h.building_->id_ == f->hd.stream_id) h.add_field(view(name), view(value));
        return 0;
    }

    // What nghttp2 would only leave out makes the whole answer worthless.
    static int invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*, nghttp2_rcbuf*, uint8_t, void*) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }

    static int frame(nghttp2_session* s, const nghttp2_frame* f, void* user) {
        H2Client& h = of(user);
        bool ends = (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        H2ClientStream* stream = f->hd.stream_id ? H2ClientCallbacks::stream(s, f->hd.stream_id) : nullptr;
        switch (f->hd.type) {
            case NGHTTP2_HEADERS:
                if (!stream) break;
                if (stream == h.building_)
                    h.end_head(*stream, ends);
                else if (ends)
                    h.answered(*stream);
                break;
            case NGHTTP2_DATA:
                if (stream && ends) h.answered(*stream);
                break;
            case NGHTTP2_SETTINGS:
                h.greeted_ = true;
                for (H2ClientStream* x = h.streams_.front(); x; x = h.streams_.next(*x))
                    unstall(*x);
                break;
            case NGHTTP2_WINDOW_UPDATE:
                if (f->hd.stream_id == 0)
                    h.wake_one();
                else if (stream)
                    unstall(*stream);
                break;
            case NGHTTP2_GOAWAY:
                h.going_away_ = true;
                break;
            default:
                break;
        }
        return 0;
    }
    static void unstall(H2ClientStream& stream) {
        if (!stream.stalled_) return;
        stream.stalled_ = false;
        stream.signal(rt::Io::kWritable);
    }

    static int data_chunk(nghttp2_session* s, uint8_t, int32_t id, const uint8_t* data, size_t n, void* user) {
        // The connection's window is open again at once: see the header.
        nghttp2_session_consume_connection(s, n);
        H2ClientStream* stream = H2ClientCallbacks::stream(s, id);
        if (stream) of(user).keep(*stream, reinterpret_cast<const char*>(data), n);
        return 0;
    }

    static int stream_close(nghttp2_session* s, int32_t id, uint32_t error, void* user) {
        if (H2ClientStream* stream = H2ClientCallbacks::stream(s, id)) of(user).closed(*stream, error);
        return 0;
    }

    static ssize_t read_request(nghttp2_session*, int32_t, uint8_t*, size_t length, uint32_t* flags,
                                nghttp2_data_source* source, void*) {
        auto& stream = *static_cast<H2ClientStream*>(source->ptr);
        size_t n = std::min(length, stream.offer_n_);  // no more is offered than there is room for
        if (n == 0 && !(stream.whole_ && stream.offer_n_ == 0)) return NGHTTP2_ERR_DEFERRED;
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
        if (stream.whole_ && n == stream.offer_n_) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(n);
    }

    static int send_data(nghttp2_session*, nghttp2_frame* f, const uint8_t* head, size_t n, nghttp2_data_source* source,
                         void* user) {
        H2Client& h = of(user);
        auto& stream = *static_cast<H2ClientStream*>(source->ptr);
        h.output_.bytes().append(head, kH2FrameHead);
        GL_ASSERT(f->data.padlen == 0 && n <= stream.offer_n_);
        h.output_.bytes().append(stream.offer_, n);
        stream.offer_ += n;
        stream.offer_n_ -= n;
        return 0;
    }

    static H2CallbacksPtr all() {
        nghttp2_session_callbacks* c = nullptr;
        GL_CHECK(nghttp2_session_callbacks_new(&c) == 0);
        nghttp2_session_callbacks_set_on_begin_headers_callback(c, &begin_headers);
        nghttp2_session_callbacks_set_on_header_callback2(c, &header);
        nghttp2_session_callbacks_set_on_invalid_header_callback2(c, &invalid_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(c, &frame);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, &data_chunk);
        nghttp2_session_callbacks_set_on_stream_close_callback(c, &stream_close);
        nghttp2_session_callbacks_set_send_data_callback(c, &send_data);
        return H2CallbacksPtr(c);
    }
};

// --- the head of an answer
// -------------------------------------------------------------------------------------------------------------

void H2Client::begin_head(H2ClientStream& s) {
    building_ = &s;
    build_.text.clear();
    build_.status = 0;
    build_.bad = build_.has_length = false;
    s.has_length_ = false;
}

bool H2Client::add_field(std::string_view name, std::string_view value) {
    Build& b = build_;
    if (b.bad) return false;
    if (b.text.size() + name.size() + value.size() > limits_.max_header_bytes) {
        b.bad = true;
        return false;
    }
    if (name == ":status") {
        auto r = std::from_chars(value.data(), value.data() + value.size(), b.status);
        b.bad = r.ec != std::errc() || r.ptr != value.data() + value.size() || value.size() != 3;
        b.text.append("HTTP/1.1 ");
        b.text.append(value);
        b.text.append(" ");
        b.text.append(http::reason_of(b.status));
        b.text.append("\r\n");
        return !b.bad;
    }
    char* p = b.text.grow(name.size() + value.size() + 4);
    http::canonicalise(name, p);
    if (http::find_token({p, name.size()}) == http::Token::content_length) {
        auto r = std::from_chars(value.data(), value.data() + value.size(), building_->answer_left_);
        if (r.ec != std::errc() || r.ptr != value.data() + value.size()) b.bad = true;
        b.has_length = building_->has_length_ = true;
    }
    p += name.size();
    *p++ = ':';
    *p++ = ' ';
    if (!value.empty()) std::memcpy(p, value.data(), value.size());
    p += value.size();
    *p++ = '\r';
    *p++ = '\n';
    b.text.commit(name.size() + value.size() + 4);
    return true;
}

void H2Client::end_head(H2ClientStream& s, bool ends) {
    Build& b = build_;
    building_ = nullptr;
    bool interim = b.status >= 100 && b.status < 200;
    if (interim) s.interim_ += b.text.size();
    if (b.bad || b.status < 100 || b.status == 101 || s.interim_ > kInterimBytes) {
        b.text.clear();
        reset(s, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    if (interim) {
        b.text.clear();
        return;
    }
    s.has_answer_ = true;
    if (!b.has_length) s.answer_left_ = 0;
    // The end of the stream says so; HTTP/1 has to.
    bool bodiless = s.is_head_ || b.status == 204 || b.status == 304;
    if (ends && !bodiless && !b.has_length) b.text.append("Content-Length: 0\r\n");
    if (bodiless) s.answer_left_ = 0;
    b.text.append("\r\n");
    s.in_head_ = b.text.size();
    append(s, b.text.data(), b.text.size());
    b.text.clear();
    if (ends) answered(s);
}

void H2Client::answered(H2ClientStream& s) {
    s.answered_ = true;
    s.signal(rt::Io::kReadable);
}

// --- the connection
// -------------------------------------------------------------------------------------------------------------

H2Client::H2Client(H2ClientOwner& owner, const H2ClientLimits& limits, bool https)
    : owner_(owner), limits_(limits), https_(https) {
    nghttp2_mem memory = h2_memory();
    H2OptionPtr options = h2_options(limits.max_header_bytes);
    nghttp2_option_set_peer_max_concurrent_streams(options.get(), kFirstStreams);
    nghttp2_session* s = nullptr;
    GL_CHECK(nghttp2_session_client_new3(&s, H2ClientCallbacks::all().get(), this, options.get(), &memory) == 0);
    session_.reset(s);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.max_header_bytes},
    };
    GL_CHECK(nghttp2_submit_settings(s, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
    nghttp2_session_set_local_window_size(s, NGHTTP2_FLAG_NONE, 0, static_cast<int32_t>(limits.connection_window));
    pull();
}

H2Client::~H2Client() {
    GL_ASSERT(live_ == 0);
}

bool H2Client::receive(const char* data, size_t n) {
    if (over_) return false;
    receiving_ = true;
    ssize_t used = nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const uint8_t*>(data), n);
    receiving_ = false;
    if (used < 0) nghttp2_session_terminate_session(session_.get(), NGHTTP2_PROTOCOL_ERROR);
    pull();
    if (used >= 0 && (nghttp2_session_want_read(session_.get()) || nghttp2_session_want_write(session_.get())))
        return true;
    over_ = true;
    return false;
}

void H2Client::fail() {
    over_ = true;
    for (H2ClientStream *s = streams_.front(), *next = nullptr; s; s = next) {
        next = streams_.next(*s);
        if (!s->closed_) closed(*s, NGHTTP2_INTERNAL_ERROR);
    }
}

void H2Client::pull() {
    if (receiving_) return;  // receive() comes here at its end
    if (!output_.pull(session_.get(), owner_)) over_ = true;
}

void H2Client::sent() {
    output_.set_blocked(false);
    wake_one();
}

// One at a time, in turn: who was woken wakes the next when it has written, or ended.
void H2Client::wake_one() {
    if (output_.room() == 0 || nghttp2_session_get_remote_window_size(session_.get()) <= 0) return;
    if (H2ClientStream* s = waiting_.pop_front()) s->signal(rt::Io::kWritable);
}

bool H2Client::can_open() const {
    return !retired() && nghttp2_session_check_request_allowed(session_.get()) && live_ < allowed_streams();
}

uint32_t H2Client::allowed_streams() const {
    if (!greeted_) return std::min(kFirstStreams, limits_.max_streams);
    return std::min(limits_.max_streams,
                    nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
}

H2ClientStream* H2Client::open() {
    if (!can_open()) return nullptr;
    auto* s = new (pool_allocate(sizeof(H2ClientStream))) H2ClientStream(*this);
    streams_.push_back(*s);
    ++live_;
    return s;
}

void H2Client::ping() {
    if (over_) return;
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
    pull();
}

void H2Client::goodbye() {
    if (over_) return;
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
    pull();
    over_ = true;
}

void H2Client::reset(H2ClientStream& s, uint32_t error) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, s.id_, error);
    pull();
}

void H2Client::keep(H2ClientStream& s, const char* data, size_t n) {
    if (s.has_length_) s.answer_left_ -= std::min<uint64_t>(n, s.answer_left_);
    if (s.io_) append(s, data, n);  // else its reader has what was announced, and went
}

void H2Client::append(H2ClientStream& s, const char* data, size_t n) {
    size_t before = s.in_.capacity();
    s.in_.append(data, n);
    size_t after = s.in_.capacity();
    if (after > before && after > kUncounted && !owner_.h2_take_memory(after - (before > kUncounted ? before : 0))) {
        if (before > kUncounted) owner_.h2_give_memory(before);
        s.in_.clear();
        s.in_head_ = 0;
        s.lost_ = true;
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, s.id_, NGHTTP2_ENHANCE_YOUR_CALM);
        return;
    }
    s.signal(rt::Io::kReadable);
}

// The reader has taken n bytes of the body: the backend may send as many again.
void H2Client::consumed(H2ClientStream& s, size_t n) {
    if (n == 0 || s.closed_ || s.answered_ || over_) return;
    nghttp2_session_consume_stream(session_.get(), s.id_, n);
    pull();
}

// From nghttp2: nothing more comes for this stream, and nothing can be said in it.
void H2Client::closed(H2ClientStream& s, uint32_t error) {
    s.closed_ = true;
    if (building_ == &s) building_ = nullptr;
    if (!s.answered_) {
        s.broken_ = true;
        s.unprocessed_ = error == NGHTTP2_REFUSED_STREAM;
    }
    s.H2CallWriterHook::unlink();
    if (!s.io_) {
        release(s);
        return;
    }
    s.signal(s.broken_ ? rt::Io::kBroken : rt::Io::kReadable | rt::Io::kWritable);
}

void H2Client::forget(H2ClientStream& s) {
    size_t n = s.in_.capacity();
    s.in_.clear();
    if (n > kUncounted) owner_.h2_give_memory(n);
}

void H2Client::release(H2ClientStream& s) {
    if (!s.closed_ && s.id_ > 0) nghttp2_session_set_stream_user_data(session_.get(), s.id_, nullptr);
    if (building_ == &s) building_ = nullptr;
    forget(s);
    --live_;
    lingering_ -= s.lingers_;
    s.~H2ClientStream();
    pool_free(&s, sizeof(H2ClientStream));
    owner_.h2_stream_closed();
}

// --- a stream
// -------------------------------------------------------------------------------------------------------------

void H2ClientStream::signal(uint32_t what) {
    if (io_) io_->signal(what);
}

ssize_t H2ClientStream::end_of_input() {
    if (answered_ && !lost_) return 0;
    errno = broken_ || closed_ || lost_ ? ECONNRESET : EAGAIN;
    return -1;
}

ssize_t H2ClientStream::recv(char* buf, size_t n) {
    if (in_.empty()) return end_of_input();
    size_t k = std::min(n, in_.size());
    std::memcpy(buf, in_.data(), k);
    size_t of_head = std::min(k, in_head_);
    in_head_ -= of_head;
    if (k == in_.size())
        client_.forget(*this);
    else
        in_.consume(k);
    client_.consumed(*this, k - of_head);
    return static_cast<ssize_t>(k);
}

ssize_t H2ClientStream::peek() {
    return in_.empty() ? end_of_input() : 1;
}

bool H2ClientStream::submit(std::string_view head) {
    size_t line = head.find("\r\n");
    size_t method = head.find(' ');
    if (method == std::string_view::npos || method > line) return false;
    size_t target = head.find(' ', method + 1);
    if (target == std::string_view::npos || target > line) return false;
    std::string_view lines = head.substr(line + 2), host = host_of(lines);
    FieldList fields;
    fields.add(":method", head.substr(0, method));
    fields.add(":scheme", client_.https_ ? "https" : "http");
    if (!host.empty()) fields.add(":authority", host);
    fields.add(":path", head.substr(method + 1, target - method - 1));
    FieldList::Facts facts;
    facts.is_request = true;
    if (!fields.add_lines(lines, facts)) return false;
    is_head_ = head.starts_with("HEAD ");
    chunked_ = facts.chunked;
    left_ = facts.length;
    whole_ = !chunked_ && left_ == 0;
    nghttp2_data_provider provider{};
    provider.source.ptr = this;
    provider.read_callback = &H2ClientCallbacks::read_request;
    id_ = nghttp2_submit_request(client_.session_.get(), nullptr, fields.data(), fields.size(),
                                 whole_ ? nullptr : &provider, this);
    // The fields lie in the writer's memory and in the list: they must be in the output before both go.
    if (id_ > 0) client_.pull();
    return id_ > 0;
}

ssize_t H2ClientStream::send(const char* data, size_t n) {
    size_t head = 0;
    if (!sent_head_ && !closed_) {
        if (client_.over_ || client_.going_away_ || client_.live_ > client_.allowed_streams()) {
            // It was let in before the backend said so: nothing of it was sent.
            broken_ = closed_ = unprocessed_ = true;
            signal(rt::Io::kBroken);
        } else {
            if (client_.output_.room() == 0) return wait_for_room();
            head = h1_head_size({data, n});
            sent_head_ = true;
            if (head == 0 || !submit({data, head})) {
                broken_ = closed_ = true;
                signal(rt::Io::kBroken);
            }
        }
    }
    if (closed_ || client_.over_) {
        errno = EPIPE;
        return -1;
    }
    ssize_t body = n > head ? send_body(data + head, n - head) : 0;
    if (body < 0 && head == 0) return -1;
    return static_cast<ssize_t>(head) + std::max<ssize_t>(body, 0);
}

// Bytes that a DATA frame may carry now.
size_t H2ClientStream::room_now() const {
    nghttp2_session* s = client_.session_.get();
    int32_t window =
        std::min(nghttp2_session_get_stream_remote_window_size(s, id_), nghttp2_session_get_remote_window_size(s));
    return window <= 0 ? 0 : std::min(static_cast<size_t>(window), client_.output_.room());
}

ssize_t H2ClientStream::wait_for_room() {
    if (sent_head_ && nghttp2_session_get_stream_remote_window_size(client_.session_.get(), id_) <= 0)
        stalled_ = true;
    else if (!H2CallWriterHook::linked())
        client_.waiting_.push_back(*this);
    errno = EAGAIN;
    return -1;
}

bool H2ClientStream::offer(std::string_view body) {
    offer_ = body.data();
    offer_n_ = body.size();
    nghttp2_session_resume_data(client_.session_.get(), id_);
    client_.pull();
    // There was room for all of it.
    bool all = offer_n_ == 0;
    offer_ = nullptr;
    offer_n_ = 0;
    if (!all && !closed_) client_.reset(*this, NGHTTP2_INTERNAL_ERROR);
    return all && !closed_;
}

ssize_t H2ClientStream::send_body(const char* data, size_t n) {
    size_t used = 0;
    while (used < n && !whole_) {
        size_t most = room_now();
        if (most == 0) break;
        std::string_view piece{data + used, std::min(n - used, most)};
        if (chunked_) {
            auto step = chunks_.next(piece.data(), piece.size());
            used += step.consumed;
            if (step.state == http::ChunkedDecoder::State::error || step.consumed == 0) {
                errno = EPIPE;
                return -1;
            }
            piece = step.data;
            // The end often stands right behind the last piece: then it is the end of that frame.
            if (step.state == http::ChunkedDecoder::State::more && chunks_.remaining() == 0 && n - used == 7 &&
                std::memcmp(data + used, "\r\n0\r\n\r\n", 7) == 0) {
                used = n;
                whole_ = true;
            }
            if (step.state == http::ChunkedDecoder::State::done) whole_ = true;
            if (piece.empty() && !whole_) continue;
        } else {
            if (piece.size() > left_) piece = piece.substr(0, static_cast<size_t>(left_));
            left_ -= piece.size();
            used += piece.size();
            whole_ = left_ == 0;
        }
        if (!offer(piece)) {
            errno = EPIPE;
            return -1;
        }
    }
    if (whole_) used = n;  // more than the head promised goes nowhere
    if (used == 0) return wait_for_room();
    if (used == n) client_.wake_one();
    return static_cast<ssize_t>(used);
}

void H2ClientStream::close() {
    io_ = nullptr;
    H2CallWriterHook::unlink();
    H2Client& client = client_;
    if (!closed_ && id_ > 0 && !client.over_) {
        // Its reader has all that was announced; the backend still has to say that this was the end.
        bool has_all = whole_ && has_answer_ && (answered_ || (has_length_ && answer_left_ == 0));
        if (has_all && client.lingering_ < kMostLingering) {
            lingers_ = true;
            ++client.lingering_;
            return;
        }
        nghttp2_submit_rst_stream(client.session_.get(), NGHTTP2_FLAG_NONE, id_, NGHTTP2_CANCEL);
        client.release(*this);
        client.pull();
    } else {
        client.release(*this);
    }
    client.wake_one();
}

}  // namespace gladius::proto
