#include "net/tls_transport.h"

#include <errno.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/pool.h"
#include "net/tls_error.h"

namespace gladius::net {

namespace {

constexpr size_t kHead = 5;
constexpr size_t kPlain = 16 * 1024;    // of one record
constexpr size_t kSendMax = 64 * 1024;  // of one call; a side that is slow is given one record at a time
// New handshakes of a worker in one turn: each is as long as a hundred requests, which have their turn in between.
constexpr unsigned kHandshakesPerTurn = 8;
// So many records without data may come in a row (session tickets, key updates); Go allows 16, a server may send more
// tickets than that at once.
constexpr unsigned kUseless = 32;

constexpr std::string_view kNoTls = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

bool is_record_head(const char* p) {
    auto b = reinterpret_cast<const unsigned char*>(p);
    size_t n = size_t{b[3]} << 8 | b[4];
    return b[0] >= 20 && b[0] <= 24 && b[1] == 3 && n <= TlsScratch::kRecord - kHead;
}

size_t record_size(const char* p) {
    auto b = reinterpret_cast<const unsigned char*>(p);
    return kHead + (size_t{b[3]} << 8 | b[4]);
}

// The beginnings that Go takes for a request in plain text.
bool looks_like_http(std::string_view head) {
    return head == "GET /" || head == "HEAD " || head == "POST " || head == "PUT /" || head == "OPTIO";
}

}  // namespace

// The library's side of the transport: a BIO that holds nothing and never waits.
struct TlsBio {
    static int read(BIO* bio, char* buf, int n) {
        auto& t = *static_cast<TlsTransport*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        size_t k = std::min(static_cast<size_t>(n), t.limit_ - t.at_);
        if (k == 0) {
            BIO_set_retry_read(bio);
            return -1;
        }
        std::memcpy(buf, t.scratch_.in_ + t.at_, k);
        t.at_ += k;
        return static_cast<int>(k);
    }
    static int write(BIO* bio, const char* data, int n) {
        auto& t = *static_cast<TlsTransport*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        auto k = static_cast<size_t>(n);
        TlsScratch& s = t.scratch_;
        if (k > TlsScratch::kOut - s.out_n_) {  // a long flight of a handshake
            t.out_.add(s.out_, s.out_n_);
            s.out_n_ = 0;
            if (k > TlsScratch::kOut) {
                t.out_.add(data, k);
                return n;
            }
        }
        std::memcpy(s.out_ + s.out_n_, data, k);
        s.out_n_ += k;
        return n;
    }
    static long ctrl(BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1 : 0; }

    static BIO_METHOD* method() {
        static BIO_METHOD* m = [] {
            BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
            GL_CHECK(made);
            BIO_meth_set_read(made, &TlsBio::read);
            BIO_meth_set_write(made, &TlsBio::write);
            BIO_meth_set_ctrl(made, &TlsBio::ctrl);
            BIO_meth_set_create(made, [](BIO* b) {
                BIO_set_init(b, 1);
                return 1;
            });
            return made;
        }();
        return m;
    }
};

TlsScratch::~TlsScratch() {
    std::free(in_);
    std::free(out_);
}

void TlsScratch::prepare() {
    if (in_) return;
    in_ = static_cast<char*>(std::malloc(kIn));
    out_ = static_cast<char*>(std::malloc(kOut));
    GL_CHECK(in_ && out_);
}

bool TlsScratch::may_begin(uint64_t turn) {
    if (std::exchange(turn_, turn) != turn) begun_ = 0;
    return begun_++ < kHandshakesPerTurn;
}

// --- what is kept between two calls

void TlsTransport::Kept::clear() {
    if (p) pool_free(p, cap);
    p = nullptr;
    n = cap = 0;
}

void TlsTransport::Kept::set(const char* data, size_t size) {
    clear();
    add(data, size);
}

void TlsTransport::Kept::add(const char* data, size_t size) {
    if (size == 0) return;
    if (n + size > cap) {
        size_t larger = pool_round(n + size);
        char* to = static_cast<char*>(pool_allocate(larger));
        if (n) std::memcpy(to, p, n);
        if (p) pool_free(p, cap);
        p = to;
        cap = larger;
    }
    std::memcpy(p + n, data, size);
    n += size;
}

void TlsTransport::Kept::drop(size_t size) {
    n -= size;
    if (n == 0) return clear();
    std::memmove(p, p + size, n);
}

// --- made and ended

TlsTransport* TlsTransport::accept(rt::Io& io, TlsScratch& scratch, std::shared_ptr<const TlsServer> server) {
    scratch.prepare();
    auto* t = new (pool_allocate(sizeof(TlsTransport))) TlsTransport(io, scratch);
    t->server_ = std::move(server);
    return t;
}

TlsTransport* TlsTransport::connect(rt::Io& io, TlsScratch& scratch, std::shared_ptr<const TlsClient> client,
                                    std::string host, std::shared_ptr<TlsSession> session, bool http2) {
    scratch.prepare();
    auto* t = new (pool_allocate(sizeof(TlsTransport))) TlsTransport(io, scratch);
    t->client_ = std::move(client);
    t->session_ = std::move(session);
    t->host_ = std::move(host);
    t->ssl_ = t->client_->connection(t->host_, *t->session_);
    static constexpr unsigned char kOffered[] = "\x02h2\x08http/1.1";
    if (http2 && t->ssl_) SSL_set_alpn_protos(t->ssl_.get(), kOffered, sizeof kOffered - 1);
    if (t->ssl_ && t->begin_library()) return t;
    t->close();
    return nullptr;
}

bool TlsTransport::begin_library() {
    if (!ssl_) return false;
    BIO* bio = BIO_new(TlsBio::method());
    if (!bio) return false;
    BIO_set_data(bio, this);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
    return true;
}

TlsTransport* TlsTransport::of(const SSL* ssl) {
    return ssl ? static_cast<TlsTransport*>(SSL_get_app_data(ssl)) : nullptr;
}

bool TlsTransport::keep_session(SSL_SESSION* s) {
    if (!session_) return false;
    session_->session.reset(s);
    return true;
}

void TlsTransport::shutdown_write() {
    if (!established_ || failed_ || std::exchange(said_goodbye_, true)) return;
    scratch_.out_n_ = 0;
    (void)SSL_shutdown(ssl_.get());
    ERR_clear_error();
    (void)flush();
}

void TlsTransport::close() {
    // A side that cut the stream, or does not take what it was sent, hears nothing more.
    if (!io_.broken() && !truncated_ && !slow_) shutdown_write();
    this->~TlsTransport();
    pool_free(this, sizeof(TlsTransport));
}

std::string_view TlsTransport::alpn() const {
    const unsigned char* name = nullptr;
    unsigned n = 0;
    if (ssl_) SSL_get0_alpn_selected(ssl_.get(), &name, &n);
    return {reinterpret_cast<const char*>(name), n};
}

bool TlsTransport::resumed() const {
    return ssl_ && SSL_session_reused(ssl_.get());
}

int TlsTransport::fail(std::string why) {
    failed_ = true;
    if (error_.empty()) error_ = std::move(why);
    errno = EPROTO;
    return -1;
}

// --- in

void TlsTransport::load() {
    n_ = at_ = limit_ = 0;
    scratch_.out_n_ = 0;
    if (in_.n == 0) return;
    std::memcpy(scratch_.in_, in_.p, in_.n);
    n_ = in_.n;
    in_.clear();
    find_records();
}

void TlsTransport::store() {
    whole_ = has_record();
    if (n_ > at_) in_.set(scratch_.in_ + at_, n_ - at_);
    n_ = at_ = limit_ = 0;
}

void TlsTransport::find_records() {
    while (n_ - limit_ >= kHead) {
        const char* p = scratch_.in_ + limit_;
        if (!is_record_head(p)) {  // the library says what is wrong with it
            limit_ = n_;
            return;
        }
        size_t size = record_size(p);
        if (n_ - limit_ < size) return;
        limit_ += size;
    }
}

// One recv: its bytes, 0 at the end, -1 with errno.
ssize_t TlsTransport::fill() {
    if (!io_.socket_readable()) {
        errno = EAGAIN;
        return -1;
    }
    if (at_ > 0) {
        std::memmove(scratch_.in_, scratch_.in_ + at_, n_ - at_);
        n_ -= at_;
        limit_ -= at_;
        at_ = 0;
    }
    size_t room = std::min(TlsScratch::kIn - n_, TlsScratch::kReceive);
    for (;;) {
        ssize_t k = rt::socket_recv(io_.fd(), scratch_.in_ + n_, room);
        if (k > 0) {
            n_ += static_cast<size_t>(k);
            more_ = static_cast<size_t>(k) == room;
            if (!more_ && !io_.peer_closed()) io_.mark_drained();
            find_records();
            return k;
        }
        if (k < 0 && errno == EINTR) continue;
        more_ = false;
        if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) io_.mark_drained();
        return k;
    }
}

bool TlsTransport::has_more() const {
    return (ssl_ && SSL_pending(ssl_.get()) > 0) || whole_ || more_;
}

ssize_t TlsTransport::peek() {
    char byte;
    return read(&byte, 1, true);
}

ssize_t TlsTransport::read(char* buf, size_t n, bool peek) {
    if (ended_) return 0;
    if (failed_) return fail({});
    load();
    size_t total = 0;
    ssize_t last = -1;
    int error = EAGAIN;
    while (total < n) {
        if (has_record() || SSL_pending(ssl_.get()) > 0) {
            int want = static_cast<int>(std::min<size_t>(n - total, 1 << 30));
            int r = peek ? SSL_peek(ssl_.get(), buf, want) : SSL_read(ssl_.get(), buf + total, want);
            if (r > 0) {
                total += static_cast<size_t>(r);
                useless_ = 0;
                if (peek) break;
                continue;
            }
            int e = SSL_get_error(ssl_.get(), r);
            if (e == SSL_ERROR_ZERO_RETURN) {
                ended_ = true;
                break;
            }
            if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
                std::string why = take_tls_error();
                error = (fail(why.empty() ? "unexpected EOF" : std::move(why)), EPROTO);
                break;
            }
            if (++useless_ > kUseless) {
                error = (fail("tls: too many non-advancing records"), EPROTO);
                break;
            }
            continue;
        }
        if (total > 0) break;
        last = fill();
        if (last > 0) continue;
        error = errno;
        if (last == 0) {
            // At the end of a record the reference takes it for the end of the stream; who must know asks truncated().
            truncated_ = true;
            if (n_ > at_)
                error = (fail("unexpected EOF"), EPROTO);
            else
                ended_ = true;
        }
        break;
    }
    store();
    if (scratch_.out_n_ > 0) (void)flush();  // an alert, or the answer to a key update
    if (total > 0) return peek ? 1 : static_cast<ssize_t>(total);
    if (ended_) return 0;
    errno = error;
    return -1;
}

// --- out

ssize_t TlsTransport::push(const char* data, size_t n) {
    for (;;) {
        ssize_t k = rt::socket_send(io_.fd(), data, n);
        if (k >= 0 || errno != EINTR) return k;
    }
}

bool TlsTransport::flush() {
    size_t out = std::exchange(scratch_.out_n_, 0);
    if (out_.n > 0) {
        out_.add(scratch_.out_, out);
        ssize_t k = push(out_.p, out_.n);
        int error = k < 0 ? errno : EAGAIN;
        if (k > 0) out_.drop(static_cast<size_t>(k));
        slow_ = out_.n > 0;
        errno = error;
        return !slow_;
    }
    ssize_t k = out ? push(scratch_.out_, out) : 0;
    int error = k < 0 ? errno : EAGAIN;
    size_t sent = k > 0 ? static_cast<size_t>(k) : 0;
    slow_ = sent < out;
    if (slow_) out_.set(scratch_.out_ + sent, out - sent);
    errno = error;
    return !slow_;
}

ssize_t TlsTransport::send(const char* data, size_t n) {
    if (failed_) return fail({});
    if (said_goodbye_) {
        errno = EPIPE;
        return -1;
    }
    scratch_.out_n_ = 0;
    bool was_slow = slow_;
    if (out_.n > 0) {
        if (!slow_ && out_.n <= TlsScratch::kOut - kSendMax - 1024) {
            // What waited for company: the end of a handshake.
            std::memcpy(scratch_.out_, out_.p, out_.n);
            scratch_.out_n_ = out_.n;
            out_.clear();
        } else if (!flush()) {
            return -1;  // errno of the system call
        }
    }
    if (unsent_ > 0) {
        size_t k = std::min(unsent_, n);
        unsent_ = 0;
        return static_cast<ssize_t>(k);
    }
    n = std::min(n, was_slow ? kPlain : kSendMax);
    struct {
        size_t wire, plain;
    } ends[kSendMax / kPlain];
    size_t records = 0, done = 0;
    while (done < n) {
        int want = static_cast<int>(std::min(n - done, kPlain));
        int r = SSL_write(ssl_.get(), data + done, want);
        if (r <= 0) {
            std::string why = take_tls_error();
            fail(why.empty() ? "tls: protocol is shutdown" : std::move(why));
            (void)flush();
            return fail({});
        }
        done += static_cast<size_t>(r);
        ends[records++] = {scratch_.out_n_, done};
    }
    size_t out = std::exchange(scratch_.out_n_, 0);
    ssize_t k = push(scratch_.out_, out);
    size_t sent = k > 0 ? static_cast<size_t>(k) : 0;
    slow_ = sent < out;
    if (!slow_) return static_cast<ssize_t>(done);
    int error = k < 0 ? errno : EAGAIN;
    if (error != EAGAIN && error != EWOULDBLOCK) {
        errno = error;
        return -1;
    }
    out_.set(scratch_.out_ + sent, out - sent);
    size_t taken = 0;
    for (size_t i = 0; i < records && ends[i].wire <= sent; ++i)
        taken = ends[i].plain;
    unsent_ = done - taken;
    if (taken > 0) return static_cast<ssize_t>(taken);
    errno = EAGAIN;
    return -1;
}

// --- handshake

// Looks at what a client begins with: 1 when it is TLS.
ssize_t TlsTransport::first_record() {
    if (n_ - at_ < kHead) return 0;
    const char* p = scratch_.in_ + at_;
    if (is_record_head(p)) {
        if (!has_record() || !scratch_.may_begin(io_.loop().turns())) return 0;
        ssl_ = server_->connection();
        if (!begin_library()) return fail("tls: out of memory");
        SSL_set_accept_state(ssl_.get());
        return 1;
    }
    if (looks_like_http({p, kHead})) {
        spoke_http_ = true;
        (void)push(kNoTls.data(), kNoTls.size());
        return fail("client sent an HTTP request to an HTTPS server");
    }
    return fail("tls: first record does not look like a TLS handshake");
}

ssize_t TlsTransport::handshake() {
    if (failed_) return fail({});
    if (established_ && !slow_) return 1;
    load();
    if (slow_ && !flush()) {
        int e = errno;
        store();
        errno = e;
        return -1;
    }
    ssize_t result = -1;
    int error = EAGAIN;
    bool begin = client_ && SSL_in_before(ssl_.get());
    while (!established_) {
        if (!ssl_ && n_ > at_) {
            ssize_t k = first_record();
            if (k < 0) {
                error = EPROTO;
                break;
            }
        }
        if (client_ && n_ - at_ >= kHead && !is_record_head(scratch_.in_ + at_)) {
            bool http = std::string_view(scratch_.in_ + at_, kHead) == "HTTP/";
            error = (fail(http ? "http: server gave HTTP response to HTTPS client"
                               : "tls: first record does not look like a TLS handshake"),
                     EPROTO);
            break;
        }
        if (ssl_ && (has_record() || begin)) {
            begin = false;
            int r = SSL_do_handshake(ssl_.get());
            if (r == 1) {
                established_ = true;
                break;
            }
            int e = SSL_get_error(ssl_.get(), r);
            if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
                std::string why = take_tls_error();
                error = (fail(why.empty() ? "EOF" : std::move(why)), EPROTO);
                break;
            }
            if (has_record()) continue;
            if (scratch_.out_n_ > 0 && !flush()) {
                error = errno;
                break;
            }
        }
        if (!ssl_ && has_record()) {  // not in this turn
            io_.signal(rt::Io::kWritable);
            break;
        }
        ssize_t k = fill();
        if (k > 0) continue;
        error = errno;
        if (k == 0) error = (fail(n_ > at_ ? "unexpected EOF" : "EOF"), truncated_ = true, EPROTO);
        break;
    }
    store();
    if (established_) {
        // The last words of a handshake go with the first of what follows, where nobody waits for them: a ticket of
        // TLS 1.3 to the client, and what we say last to a backend.
        bool can_wait = client_ || SSL_version(ssl_.get()) >= TLS1_3_VERSION;
        if (can_wait) {
            out_.add(scratch_.out_, std::exchange(scratch_.out_n_, 0));
            result = 1;
        } else if (flush()) {
            result = 1;
        } else {
            error = EAGAIN;
        }
    } else if (scratch_.out_n_ > 0) {
        (void)flush();
    }
    errno = error;
    return result;
}

}  // namespace gladius::net
