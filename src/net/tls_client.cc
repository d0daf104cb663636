#include "net/tls_client.h"

#include <openssl/err.h>

#include "net/socket.h"
#include "net/tls_context.h"
#include "net/tls_error.h"
#include "net/tls_names.h"
#include "net/tls_transport.h"

namespace gladius::net {

namespace {

int on_session(SSL* ssl, SSL_SESSION* session) {
    TlsTransport* t = TlsTransport::of(ssl);
    return t && t->keep_session(session) ? 1 : 0;
}

// One of the authorities that the server named is an issuer in the chain, or it named none.
bool is_asked_for(const SSL* ssl, const ParsedKey& key) {
    const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(ssl);
    if (!names || sk_X509_NAME_num(names) == 0) return true;
    auto issued = [&](const X509* x) {
        for (int i = 0; i < sk_X509_NAME_num(names); ++i)
            if (X509_NAME_cmp(X509_get_issuer_name(x), sk_X509_NAME_value(names, i)) == 0) return true;
        return false;
    };
    if (issued(key.certificate.get())) return true;
    for (int i = 0; i < sk_X509_num(key.chain.get()); ++i)
        if (issued(sk_X509_value(key.chain.get(), i))) return true;
    return false;
}

}  // namespace

void TlsClient::prepare() const {
    std::call_once(made_, [this] { make(); });
}

std::vector<std::string> TlsClient::problems() const {
    std::vector<std::string> out = files_.problems;
    out.insert(out.end(), problems_.begin(), problems_.end());
    return out;
}

void TlsClient::make() const {
    SslCtxPtr made(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* ctx = made.get();
    if (!ctx) return ERR_clear_error();
    if (Result<void> ok = apply_tls_spec(spec_, ctx); !ok) {
        problems_.push_back(ok.error().message);
        return;
    }
    for (const TlsFiles::Pair& p : files_.keys) {
        Result<ParsedKey> key = parse_key(p, nullptr);
        if (key)
            keys_.push_back(std::move(*key));
        else
            problems_.push_back("Cannot load client certificate " + p.names.certificate + ", " + p.names.key + ": " +
                                key.error().message);
    }
    if (!keys_.empty()) SSL_CTX_set_cert_cb(ctx, &on_certificate, const_cast<TlsClient*>(this));
    SSL_CTX_set_verify(ctx, spec_.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (spec_.verify) {
        X509StorePtr store(X509_STORE_new());
        X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
        if (spec_.system_cas) add_system_authorities(store.get(), nullptr);
        add_authorities(store.get(), files_.authorities, nullptr);
        SSL_CTX_set1_verify_cert_store(ctx, store.get());
        SSL_CTX_set_cert_verify_callback(ctx, &on_verify, nullptr);
    }
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, &on_session);
    context_ = std::move(made);
}

SslPtr TlsClient::connection(const std::string& host, const TlsSession& session) const {
    prepare();
    SslPtr ssl(context_ ? SSL_new(context_.get()) : nullptr);
    if (!ssl) return ERR_clear_error(), nullptr;
    SSL_set_connect_state(ssl.get());
    Address literal;
    std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
    if (!parse_ip(name.substr(0, name.find('%')), 0, literal)) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    if (session.session && SSL_SESSION_is_resumable(session.session.get()))
        SSL_set_session(ssl.get(), session.session.get());
    return ssl;
}

int TlsClient::on_verify(X509_STORE_CTX* chain, void*) {
    const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
    TlsTransport* t = TlsTransport::of(ssl);
    const X509* certificate = X509_STORE_CTX_get0_cert(chain);
    std::string said = "x509: no certificate";
    if (t && certificate) {
        // In the order in which Go looks, so that the same of several faults is named.
        said = x509_time_words(certificate);
        if (said.empty()) said = check_host(certificate, t->host());
        if (said.empty() && X509_verify_cert(chain) != 1)
            said = x509_words(X509_STORE_CTX_get_error(chain), X509_STORE_CTX_get_current_cert(chain));
    }
    ERR_clear_error();
    if (said.empty()) return 1;
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
    if (t) t->refused_certificate("tls: failed to verify certificate: " + said);
    return 0;
}

int TlsClient::on_certificate(SSL* ssl, void* self) {
    for (const ParsedKey& key : static_cast<const TlsClient*>(self)->keys_) {
        if (!is_asked_for(ssl, key)) continue;
        (void)SSL_use_cert_and_key(ssl, key.certificate.get(), key.key.get(), key.chain.get(), 1);
        ERR_clear_error();
        break;
    }
    return 1;
}

}  // namespace gladius::net
