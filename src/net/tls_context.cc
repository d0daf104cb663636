#include "net/tls_context.h"

#include <openssl/err.h>

namespace gladius::net {

namespace {

template <size_t N>
void append(std::string& list, const TlsName (&table)[N], uint16_t id) {
    for (const TlsName& t : table) {
        if (t.id != id) continue;
        if (!list.empty()) list += ':';
        list += t.library;
    }
}

}  // namespace

Result<void> apply_tls_spec(const TlsSpec& spec, SSL_CTX* ctx) {
    // Memory of a connection that waits goes back; bytes are moved by the transport, one record at a time; a record
    // without data comes back to it, so that it can count them.
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_SSLv3);
    // What Go accepts: keys of 1024 bits; and signatures with SHA-1 only where they are unavoidable.
    SSL_CTX_set_security_level(ctx, spec.min_version < TlsSpec::kTls12 ? 0 : 1);
    std::string suites, groups;
    for (uint16_t id : spec.suites)
        append(suites, kTlsSuites, id);
    uint16_t oldest = spec.min_version;
    if (suites.empty())
        oldest = TlsSpec::kTls13;
    else if (SSL_CTX_set_cipher_list(ctx, suites.c_str()) != 1)
        return ERR_clear_error(), fail("the library has none of the cipher suites " + suites);
    (void)SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    if (spec.groups.empty())
        for (const TlsName& t : kTlsGroups)
            append(groups, kTlsGroups, t.id);
    for (uint16_t id : spec.groups)
        append(groups, kTlsGroups, id);
    if (SSL_CTX_set1_groups_list(ctx, groups.c_str()) != 1)
        return ERR_clear_error(), fail("the library does not know the curves " + groups);
    if (SSL_CTX_set_min_proto_version(ctx, oldest) != 1 || SSL_CTX_set_max_proto_version(ctx, spec.max_version) != 1)
        return ERR_clear_error(), fail("the library does not speak the versions that are asked for");
    return {};
}

bool use_key(SSL_CTX* ctx, const ParsedKey& key) {
    bool ok = SSL_CTX_use_cert_and_key(ctx, key.certificate.get(), key.key.get(), key.chain.get(), 1) == 1;
    ERR_clear_error();
    return ok;
}

}  // namespace gladius::net
