// Purpose: TLS between an Io and its socket. The library never touches the socket: it is fed whole records and its
// records are collected, so that one recv and one send carry a message, a short recv is known to have drained the
// socket, and a slow client costs what it sent and no 16 KiB buffer of the library.
// Owner: itself, from make to close(), which Io::close() calls. Thread: one worker. Lifetime: as the open Io. Errors:
// -1 with errno; EPROTO: error() says what, in the reference's words. Memory: about 10 KiB a connection that waits, and
// at most one record in (what of it has come), 64 KiB out (what the other side does not take).
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "net/tls_client.h"
#include "net/tls_server.h"
#include "rt/loop.h"

namespace gladius::net {

// Room of one worker for what is being received and sent; empty between two calls.
class TlsScratch {
  public:
    static constexpr size_t kReceive = 64 * 1024;
    static constexpr size_t kRecord = 5 + 16 * 1024 + 2048;  // the largest (RFC 5246 6.2.3)
    static constexpr size_t kIn = kReceive + kRecord;
    static constexpr size_t kOut = 64 * 1024 + 8 * 1024;
    ~TlsScratch();

  private:
    friend class TlsTransport;
    friend struct TlsBio;
    void prepare();
    bool may_begin(uint64_t turn);  // one more handshake
    uint64_t turn_ = 0;
    unsigned begun_ = 0;
    char* in_ = nullptr;
    char* out_ = nullptr;
    size_t out_n_ = 0;
};

class TlsTransport final : public rt::Transport {
  public:
    // A client that was accepted. The library's part is made when its first record is there.
    static TlsTransport* accept(rt::Io& io, TlsScratch& scratch, std::shared_ptr<const TlsServer> server);
    // A backend that was connected to; nullptr without memory. A session that comes is kept in `session`.
    // http2: offered by ALPN, before HTTP/1.1.
    static TlsTransport* connect(rt::Io& io, TlsScratch& scratch, std::shared_ptr<const TlsClient> client,
                                 std::string host, std::shared_ptr<TlsSession> session, bool http2 = false);

    ssize_t recv(char* buf, size_t n) override { return read(buf, n, false); }
    ssize_t send(const char* data, size_t n) override;
    ssize_t peek() override;
    bool has_more() const override;
    ssize_t handshake() override;
    void shutdown_write() override;
    void close() override;

    bool established() const { return established_; }
    // What was agreed on by ALPN: "h2", "http/1.1", or nothing.
    std::string_view alpn() const;
    bool resumed() const;
    const std::string& error() const { return error_; }
    // The stream ended without a goodbye: somebody may have cut it.
    bool truncated() const { return truncated_; }
    // The client began to speak plain HTTP, and was told so.
    bool spoke_http() const { return spoke_http_; }

    // For callbacks of the library.
    static TlsTransport* of(const SSL* ssl);
    const std::string& host() const { return host_; }
    void refused_certificate(std::string why) { error_ = std::move(why); }
    bool keep_session(SSL_SESSION* s);  // takes it

  private:
    friend struct TlsBio;
    TlsTransport(rt::Io& io, TlsScratch& scratch) : io_(io), scratch_(scratch) {}
    ~TlsTransport() = default;

    // A buffer that is there only when it holds something.
    struct Kept {
        char* p = nullptr;
        size_t n = 0, cap = 0;
        void set(const char* data, size_t size);
        void add(const char* data, size_t size);
        void drop(size_t size);
        void clear();
        ~Kept() { clear(); }
    };

    ssize_t read(char* buf, size_t n, bool peek);
    bool begin_library();
    ssize_t first_record();
    // The input of this call: what was kept, then what the socket gives.
    void load();
    void store();
    ssize_t fill();
    void find_records();
    bool has_record() const { return limit_ > at_; }
    // The output of this call: all of it goes (true), or the rest is kept; errno says why.
    bool flush();
    ssize_t push(const char* data, size_t n);
    int fail(std::string why);

    rt::Io& io_;
    TlsScratch& scratch_;
    std::shared_ptr<const TlsServer> server_;
    std::shared_ptr<const TlsClient> client_;
    std::shared_ptr<TlsSession> session_;
    std::string host_;
    SslPtr ssl_;
    Kept in_, out_;
    std::string error_;
    // Of the call that runs: bytes in scratch_.in_, how many of them the library has taken, and where the last whole
    // record ends.
    size_t n_ = 0, at_ = 0, limit_ = 0;
    size_t unsent_ = 0;  // bytes of the caller that are in out_
    unsigned useless_ = 0;
    bool established_ = false, failed_ = false, ended_ = false, truncated_ = false, spoke_http_ = false;
    bool more_ = false;   // the last recv filled its room
    bool whole_ = false;  // in_ holds a whole record
    bool slow_ = false;   // the socket did not take all the last time
    bool said_goodbye_ = false;
};

}  // namespace gladius::net
