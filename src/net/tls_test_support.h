// Purpose: certificates for unit tests, made when they are needed. Owner: the test. Errors: the test fails.
#pragma once
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string>

#include "base/assert.h"
#include "net/tls_ptr.h"

namespace gladius::net {

struct TestKey {
    KeyPtr key;
    X509Ptr certificate;
    std::string certificate_pem, key_pem;
};

inline std::string pem_text(BIO* bio) {
    char* data = nullptr;
    long n = BIO_get_mem_data(bio, &data);
    return {data, static_cast<size_t>(n)};
}

// An elliptic key and a certificate with these alternative names ("DNS:a.test,IP:127.0.0.1"), signed by itself or by
// `issuer`; good from and until so many seconds from now.
inline TestKey make_key(const std::string& common_name, const std::string& names, const TestKey* issuer = nullptr,
                        bool authority = false, long from = -60, long until = 3600, const char* usage = nullptr) {
    TestKey out;
    out.key.reset(EVP_EC_gen("P-256"));
    GL_CHECK(out.key);
    out.certificate.reset(X509_new());
    X509* x = out.certificate.get();
    X509_set_version(x, 2);
    BIGNUM* serial = BN_new();
    BN_rand(serial, 64, -1, 0);
    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x));
    BN_free(serial);
    X509_gmtime_adj(X509_getm_notBefore(x), from);
    X509_gmtime_adj(X509_getm_notAfter(x), until);
    X509_set_pubkey(x, out.key.get());
    X509_NAME* name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.c_str()),
                               -1, -1, 0);
    const X509* signer = issuer ? issuer->certificate.get() : x;
    X509_set_issuer_name(x, X509_get_subject_name(signer));
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, const_cast<X509*>(signer), x, nullptr, nullptr, 0);
    auto add = [&](int nid, const std::string& value) {
        if (value.empty()) return;
        X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, &ctx, nid, value.c_str());
        GL_CHECK(e);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    };
    add(NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
    add(NID_subject_alt_name, names);
    if (usage) add(NID_ext_key_usage, usage);
    GL_CHECK(X509_sign(x, issuer ? issuer->key.get() : out.key.get(), EVP_sha256()) > 0);
    BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), x);
    out.certificate_pem = pem_text(bio.get());
    bio.reset(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(bio.get(), out.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    out.key_pem = pem_text(bio.get());
    return out;
}

}  // namespace gladius::net
