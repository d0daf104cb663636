// Purpose: how TLS is spoken to backends: which authorities are trusted, which certificates are shown, with sessions
// that are resumed. Owner: shared by peers and connections; a change of its files makes another object, and with it
// another peer. Thread: made by control; used by every worker. Errors: problems() says what is done without, in the
// words of the reference. Source: ledger 1 section 3.3; verification is that of Go's crypto/tls.
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
    TlsClient(const TlsClientSpec& spec, TlsFiles files) : spec_(spec), files_(std::move(files)) {}
    // Makes the context and reads the authorities, which takes a while; else the first connection does.
    void prepare() const;
    // A new connection to this host, which is verified to be the one; resumes the session that is there.
    SslPtr connection(const std::string& host, const TlsSession& session) const;
    // What could not be read, after prepare().
    std::vector<std::string> problems() const;
    const TlsClientSpec& spec() const { return spec_; }
    const TlsFiles& files() const { return files_; }

  private:
    void make() const;
    static int on_verify(X509_STORE_CTX* chain, void* self);
    static int on_certificate(SSL* ssl, void* self);

    const TlsClientSpec spec_;
    const TlsFiles files_;
    mutable std::once_flag made_;
    mutable SslCtxPtr context_;
    mutable std::vector<ParsedKey> keys_;
    mutable std::vector<std::string> problems_;  // of what files_ hold
};

}  // namespace gladius::net
