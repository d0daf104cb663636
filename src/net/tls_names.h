// Purpose: which names a certificate is for, and whether a host is one of them: RFC 6125 as Go's crypto/x509 has it
// (subject alternative names only, a wildcard is the whole first label). Owner: none. Thread: any. Errors: none.
#pragma once
#include <openssl/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace gladius::net {

struct CertificateNames {
    std::vector<std::string> dns;  // lower case
    std::vector<std::string> ips;  // 4 or 16 bytes
};

CertificateNames names_of(const X509* certificate);

// pattern: a name of a certificate, perhaps with a wildcard. host: without port; both in any case.
bool host_matches(std::string_view pattern, std::string_view host);

// Empty when the certificate is for this host (a name, or an address without brackets), else why not, in Go's words.
std::string check_host(const X509* certificate, std::string_view host);

// "foo.test." and "FOO.test" as certificates and SNI have them: "foo.test".
std::string lower_host(std::string_view host);

}  // namespace gladius::net
