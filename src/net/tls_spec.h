// Purpose: how TLS is to be spoken, as plain data: what a configuration becomes and what contexts are made of
// (tls_server.h, tls_client.h). Here too: the numbers that the reference's configuration uses for versions, suites and
// groups. Owner: a snapshot. Thread: any. Lifetime: as its owner. Errors: none. Source: the IANA registry of TLS; which
// suites there are, and in which order they are preferred whatever the file says: Go's crypto/tls.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gladius::net {

struct TlsKeyFiles {
    std::string certificate;  // PEM, with its chain
    std::string key;          // PEM
    std::string ocsp;         // DER, stapled; empty: none
    bool operator==(const TlsKeyFiles&) const = default;
};

// What both sides have.
struct TlsSpec {
    static constexpr uint16_t kTls10 = 0x0301, kTls12 = 0x0303, kTls13 = 0x0304;
    uint16_t min_version = kTls13, max_version = kTls13;
    std::vector<uint16_t> suites;  // of TLS 1.2 and below, in the order of kTlsSuites; empty: none
    std::vector<uint16_t> groups;  // in order; empty: kTlsGroups
    std::vector<std::string> ca_files;
    bool system_cas = true;
    bool operator==(const TlsSpec&) const = default;
};

struct TlsServerSpec : TlsSpec {
    std::vector<TlsKeyFiles> keys;  // the first one is for clients whose name nobody has
    bool client_certificates = false;
    bool http2 = false;  // offered by ALPN
    bool operator==(const TlsServerSpec&) const = default;
};

struct TlsClientSpec : TlsSpec {
    bool verify = true;
    std::vector<TlsKeyFiles> keys;  // for backends that ask
    bool operator==(const TlsClientSpec&) const = default;
};

struct TlsName {
    uint16_t id;
    std::string_view name;     // as IANA has it
    std::string_view library;  // as OpenSSL has it; empty: Debian's does not have it
    bool usual = false;        // without a list
};

inline constexpr TlsName kTlsSuites[] = {
    {49195, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", true},
    {49199, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", true},
    {49196, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", true},
    {49200, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", true},
    {52393, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", true},
    {52392, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", true},
    {49161, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {49171, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {49162, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {49172, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {156, "TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"},
    {157, "TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"},
    {47, "TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"},
    {53, "TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"},
    {49170, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", ""},
    {10, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", ""},
    {49187, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"},
    {49191, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"},
    {60, "TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"},
    {49159, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", ""},
    {49169, "TLS_ECDHE_RSA_WITH_RC4_128_SHA", ""},
    {5, "TLS_RSA_WITH_RC4_128_SHA", ""},
};

// Those of TLS 1.3 are always on, as in the reference; a list may name them.
inline constexpr TlsName kTls13Suites[] = {
    {4865, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
    {4866, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"},
    {4867, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"},
};

// In the order in which they are offered when the file says nothing: the one that modern clients begin with, then by
// cost. (The reference refuses X25519 unless it is asked for, and begins with P-521.)
inline constexpr TlsName kTlsGroups[] = {
    {29, "X25519", "X25519", true},
    {23, "P-256", "P-256", true},
    {24, "P-384", "P-384", true},
    {25, "P-521", "P-521", true},
};

}  // namespace gladius::net
