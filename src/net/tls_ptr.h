// Purpose: owning pointers to the library's objects. Owner: whoever holds one. Thread: as the object. Errors: none.
#pragma once
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace gladius::net {

template <auto Free>
struct TlsFree {
    template <class T>
    void operator()(T* p) const {
        Free(p);
    }
};

inline void free_certificates(STACK_OF(X509) * list) {
    sk_X509_pop_free(list, X509_free);
}

using X509Ptr = std::unique_ptr<X509, TlsFree<&X509_free>>;
using X509StorePtr = std::unique_ptr<X509_STORE, TlsFree<&X509_STORE_free>>;
using CertificatesPtr = std::unique_ptr<STACK_OF(X509), TlsFree<&free_certificates>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, TlsFree<&EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, TlsFree<&BIO_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, TlsFree<&SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, TlsFree<&SSL_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, TlsFree<&SSL_SESSION_free>>;

}  // namespace gladius::net
