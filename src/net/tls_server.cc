#include "net/tls_server.h"

#include <openssl/err.h>
#include <openssl/sha.h>

#include <cstring>

#include "net/tls_context.h"
#include "net/tls_error.h"
#include "net/tls_names.h"
#include "net/tls_transport.h"

namespace gladius::net {

namespace {

// A ticket is good for as long as its key may be there.
constexpr long kTicketSeconds = 24 * 3600;

const TlsServer* server_of(const SSL* ssl) {
    return static_cast<const TlsServer*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

int on_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                  int make) {
    return server_of(ssl)->library().on_ticket(name, iv, cipher, mac, make != 0);
}

// A session that began with a certificate ends with it: the certificate is not looked at again when it is resumed.
SSL_TICKET_RETURN on_ticket_read(SSL*, SSL_SESSION* session, const unsigned char*, size_t, SSL_TICKET_STATUS status,
                                 void*) {
    if (status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW) {
        const X509* certificate = SSL_SESSION_get0_peer(session);
        if (certificate && !x509_time_words(certificate).empty()) return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    switch (status) {
        case SSL_TICKET_SUCCESS:
            return SSL_TICKET_RETURN_USE;
        case SSL_TICKET_SUCCESS_RENEW:
            return SSL_TICKET_RETURN_USE_RENEW;
        case SSL_TICKET_EMPTY:
        case SSL_TICKET_NO_DECRYPT:
            return SSL_TICKET_RETURN_IGNORE_RENEW;
        default:
            return SSL_TICKET_RETURN_ABORT;
    }
}

}  // namespace

TlsServer::TlsServer(std::shared_ptr<TlsLibrary> library, const TlsServerSpec& spec)
    : library_(std::move(library)), spec_(spec) {}

Result<std::shared_ptr<const TlsServer>> TlsServer::make(std::shared_ptr<TlsLibrary> library, const TlsServerSpec& spec,
                                                         const TlsFiles& files) {
    auto out = std::make_shared<TlsServer>(std::move(library), spec);
    out->staples_.reserve(files.keys.size());  // callbacks point into it
    for (const TlsFiles::Pair& p : files.keys)
        if (Result<void> ok = out->add(p); !ok) return ok.error();
    if (out->contexts_.empty()) return fail("public key not defined");
    if (spec.client_certificates)
        if (Result<void> ok = out->demand_certificates(spec, files); !ok) return ok.error();
    if (out->contexts_.size() > 1) SSL_CTX_set_cert_cb(out->contexts_[0].get(), &on_certificate, out.get());
    return std::shared_ptr<const TlsServer>(std::move(out));
}

Result<void> TlsServer::add(const TlsFiles::Pair& pair) {
    Result<ParsedKey> key = parse_key(pair, library_->get());
    if (!key) return key.error();
    SslCtxPtr ctx(SSL_CTX_new_ex(library_->get(), nullptr, TLS_server_method()));
    if (!ctx) return ERR_clear_error(), fail("the TLS library could not be started");
    if (Result<void> ok = apply_tls_spec(spec_, ctx.get()); !ok) return ok;
    if (!use_key(ctx.get(), *key))
        return fail("the key pair " + pair.names.certificate + ", " + pair.names.key + " cannot be used for TLS");
    SSL_CTX_set_app_data(ctx.get(), this);
    SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx.get(), 1);  // as the reference; more are of use to browsers only
    SSL_CTX_set_timeout(ctx.get(), kTicketSeconds);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx.get(), &on_ticket_key);
    SSL_CTX_set_session_ticket_cb(ctx.get(), nullptr, &on_ticket_read, nullptr);
    SSL_CTX_set_alpn_select_cb(ctx.get(), &on_alpn, this);
    if (!pair.ocsp.empty()) {
        staples_.push_back(pair.ocsp);
        SSL_CTX_set_tlsext_status_cb(ctx.get(), &on_status);
        SSL_CTX_set_tlsext_status_arg(ctx.get(), &staples_.back());
    }
    if (std::string said = key_remark(pair, *key); !said.empty()) remarks_.push_back(std::move(said));
    auto index = static_cast<uint32_t>(contexts_.size());
    for (const std::string& name : names_of(key->certificate.get()).dns) {
        auto& list = by_name_[name];
        if (list.empty() || list.back() != index) list.push_back(index);
    }
    contexts_.push_back(std::move(ctx));
    keys_.push_back(std::move(*key));
    return {};
}

Result<void> TlsServer::demand_certificates(const TlsServerSpec& spec, const TlsFiles& files) {
    authorities_.reset(X509_STORE_new());
    // As in the reference, whatever is in the pool is trusted, be it an authority in the middle or no authority at all.
    X509_STORE_set_flags(authorities_.get(), X509_V_FLAG_PARTIAL_CHAIN);
    if (spec.system_cas) add_system_authorities(authorities_.get(), library_->get());
    add_authorities(authorities_.get(), files.authorities, library_->get());
    for (const TlsFiles::Pair& p : files.keys)
        add_authorities(authorities_.get(), p.certificate, library_->get());
    // A session is resumed only where the same authorities are trusted.
    unsigned char trusted[SHA256_DIGEST_LENGTH];
    std::string all = files.authorities;
    for (const TlsFiles::Pair& p : files.keys)
        all += p.certificate;
    all += spec.system_cas ? "system" : "";
    SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), trusted);
    for (const SslCtxPtr& ctx : contexts_) {
        SSL_CTX_set1_verify_cert_store(ctx.get(), authorities_.get());
        SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        SSL_CTX_set_cert_verify_callback(ctx.get(), &on_verify, this);
        if (SSL_CTX_set_session_id_context(ctx.get(), trusted, sizeof trusted) != 1)
            return fail("the TLS library refuses the id of its sessions");
    }
    // Clients that have several certificates choose by these names. With those of the system the list would be long,
    // and one that is not complete would mislead.
    if (!spec.system_cas) {
        BioPtr bio(BIO_new_mem_buf(files.authorities.data(), static_cast<int>(files.authorities.size())));
        STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(authorities_.get());
        for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
            X509* x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
            if (!x) continue;
            for (const SslCtxPtr& ctx : contexts_)
                SSL_CTX_add_client_CA(ctx.get(), x);
        }
    }
    return {};
}

const std::vector<uint32_t>* TlsServer::named(std::string_view host) const {
    std::string name = lower_host(host);
    auto it = by_name_.find(name);
    if (it != by_name_.end()) return &it->second;
    size_t dot = name.find('.');
    if (dot == std::string::npos || dot == 0) return nullptr;
    it = by_name_.find("*" + name.substr(dot));
    return it == by_name_.end() ? nullptr : &it->second;
}

// Of those with the name, the first one whose kind the client can check; without any, the first of all.
int TlsServer::on_certificate(SSL* ssl, void* self) {
    const auto& s = *static_cast<const TlsServer*>(self);
    const char* host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const std::vector<uint32_t>* named = host && *host ? s.named(host) : nullptr;
    size_t n = named ? named->size() : host && *host ? 0 : s.contexts_.size();
    uint32_t chosen = named ? (*named)[0] : 0;
    for (size_t i = 0; n > 1 && i < n; ++i) {
        uint32_t at = named ? (*named)[i] : static_cast<uint32_t>(i);
        const ParsedKey& k = s.keys_[at];
        int fits = SSL_check_chain(ssl, k.certificate.get(), k.key.get(), k.chain.get());
        ERR_clear_error();
        if (!(fits & CERT_PKEY_SIGN)) continue;
        chosen = at;
        break;
    }
    if (chosen != 0 && SSL_set_SSL_CTX(ssl, s.contexts_[chosen].get()) == nullptr) return 0;
    return 1;
}

int TlsServer::on_alpn(SSL*, const unsigned char** out, unsigned char* out_len, const unsigned char* in,
                       unsigned in_len, void* self) {
    static constexpr unsigned char kBoth[] = "\x02h2\x08http/1.1";
    bool h2 = static_cast<const TlsServer*>(self)->spec_.http2;
    const unsigned char* ours = h2 ? kBoth : kBoth + 3;
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, out_len, ours, h2 ? 12 : 9, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}

int TlsServer::on_status(SSL* ssl, void* staple) {
    const auto& der = *static_cast<const std::string*>(staple);
    void* copy = OPENSSL_memdup(der.data(), der.size());
    if (!copy) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(der.size()));
    return SSL_TLSEXT_ERR_OK;
}

int TlsServer::on_verify(X509_STORE_CTX* chain, void*) {
    // Its time is looked at first, as in Go: what has expired is said to have, whoever signed it.
    const X509* certificate = X509_STORE_CTX_get0_cert(chain);
    bool in_time = !certificate || x509_time_words(certificate).empty();
    if (in_time && X509_verify_cert(chain) == 1) return 1;
    int error = in_time ? X509_STORE_CTX_get_error(chain) : X509_V_ERR_CERT_HAS_EXPIRED;
    const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
    std::string said = x509_words(error, in_time ? X509_STORE_CTX_get_current_cert(chain) : certificate);
    // The alerts that the reference sends: unknown authority, expired, and "bad certificate" for all else.
    if (said.find("unknown authority") != std::string::npos)
        X509_STORE_CTX_set_error(chain, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    else
        X509_STORE_CTX_set_error(chain, error == X509_V_ERR_CERT_HAS_EXPIRED ? error : X509_V_ERR_CERT_REJECTED);
    if (TlsTransport* t = TlsTransport::of(ssl)) t->refused_certificate("tls: failed to verify certificate: " + said);
    ERR_clear_error();
    return 0;
}

}  // namespace gladius::net
