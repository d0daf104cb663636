// Purpose: certificates, keys and authorities from files to the library's objects, with errors that name the file.
// Owner: the caller. Thread: control (reading), any (parsing). Errors: sentences for people, without anything of a key.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "net/tls_ptr.h"
#include "net/tls_spec.h"

namespace gladius::net {

// What the files of a spec hold. Compared to see whether they changed.
struct TlsFiles {
    struct Pair {
        TlsKeyFiles names;
        std::string certificate, key, ocsp;
        bool operator==(const Pair&) const = default;
    };
    std::vector<Pair> keys;
    std::string authorities;              // PEM of all ca_files
    std::vector<std::string> problems;    // of what can be done without; said once
    std::vector<std::string> unreadable;  // their names
    bool operator==(const TlsFiles&) const = default;
};

// An error is a key or certificate that cannot be read. An authority that cannot be read is a problem (as in the
// reference): there is less to trust, not more.
Result<TlsFiles> read_tls_files(const TlsServerSpec& spec);
// Client certificates that cannot be read are problems too.
TlsFiles read_tls_files(const TlsClientSpec& spec);

struct ParsedKey {
    X509Ptr certificate;
    CertificatesPtr chain;
    KeyPtr key;
};
// In this library context; nullptr is the usual one. An error when they do not belong together.
Result<ParsedKey> parse_key(const TlsFiles::Pair& pair, OSSL_LIB_CTX* library);
// What is worth a warning: "certificate x.pem expired on ..."; empty: nothing.
std::string key_remark(const TlsFiles::Pair& pair, const ParsedKey& key);

// Adds the certificates of a PEM text; returns how many.
int add_authorities(X509_STORE* store, std::string_view pem, OSSL_LIB_CTX* library);
// Those of the system, from where Go looks: SSL_CERT_FILE, SSL_CERT_DIR or the usual places.
int add_system_authorities(X509_STORE* store, OSSL_LIB_CTX* library);

}  // namespace gladius::net
