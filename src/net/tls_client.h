// Purpose: how TLS is spoken to backends: which authorities are trusted, which certificates are shown, with sessions
// that are resumed. Owner: shared by peers and connections; a change of its files makes another object, and with it
// another peer. Thread: made by control; connection() by every worker. Errors: read_tls_files() says what could not be
// read. Source: ledger 1 section 3.3; verification is that of Go's crypto/tls.
#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "net/tls_files.h"
#include "net/tls_spec.h"

namespace gladius::net {

// The youngest session with one peer, for its next connection.
struct TlsSession {
    SessionPtr session;
};

class TlsClient {
  public:
    static Result<std::shared_ptr<const TlsClient>> make(const TlsClientSpec& spec, const TlsFiles& files);
    explicit TlsClient(const TlsClientSpec& spec) : spec_(spec) {}
    // A new connection to this host, which is verified to be the one; resumes the session that is there.
    SslPtr connection(const std::string& host, const TlsSession& session) const;
    const std::vector<std::string>& problems() const { return problems_; }
    const TlsClientSpec& spec() const { return spec_; }

  private:
    void load_authorities() const;
    static int on_verify(X509_STORE_CTX* chain, void* self);
    static int on_certificate(SSL* ssl, void* self);

    const TlsClientSpec spec_;
    SslCtxPtr context_;
    std::vector<ParsedKey> keys_;
    std::string authorities_;  // PEM
    std::vector<std::string> problems_;
    // Reading the system's authorities takes a while: done when a connection needs them.
    mutable std::once_flag loaded_;
};

}  // namespace gladius::net
