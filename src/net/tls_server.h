// Purpose: the certificates and rules of a TLS listener, for one worker: which certificate a client gets, which clients
// are let in. Owner: shared by the worker and the connections that were made with it: a swap of certificates replaces
// the object, connections keep theirs. Thread: made by control, then one worker's. Errors: make() says which file is
// not good. Source: ledger 1 section 3.2; the choice of a certificate and the check of clients are those of Go's
// crypto/tls (getCertificate, RequireAndVerifyClientCert).
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/tls_files.h"
#include "net/tls_library.h"
#include "net/tls_spec.h"

namespace gladius::net {

class TlsServer {
  public:
    static Result<std::shared_ptr<const TlsServer>> make(std::shared_ptr<TlsLibrary> library, const TlsServerSpec& spec,
                                                         const TlsFiles& files);
    // What is worth a warning about the certificates.
    const std::vector<std::string>& remarks() const { return remarks_; }
    TlsLibrary& library() const { return *library_; }
    SslPtr connection() const { return SslPtr(SSL_new(contexts_[0].get())); }
    // Which certificates have this name, in the order of the file.
    const std::vector<uint32_t>* named(std::string_view host) const;

    TlsServer(std::shared_ptr<TlsLibrary> library, const TlsServerSpec& spec);

  private:
    Result<void> add(const TlsFiles::Pair& pair);
    Result<void> demand_certificates(const TlsServerSpec& spec, const TlsFiles& files);
    static int on_certificate(SSL* ssl, void* self);
    static int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_len, const unsigned char* in,
                       unsigned in_len, void* self);
    static int on_status(SSL* ssl, void* staple);
    static int on_verify(X509_STORE_CTX* chain, void* self);

    std::shared_ptr<TlsLibrary> library_;
    const TlsServerSpec spec_;
    std::vector<SslCtxPtr> contexts_;  // one for each key pair
    std::vector<ParsedKey> keys_;
    std::vector<std::string> staples_;
    std::unordered_map<std::string, std::vector<uint32_t>> by_name_;
    std::vector<std::string> remarks_;
    X509StorePtr authorities_;
};

}  // namespace gladius::net
