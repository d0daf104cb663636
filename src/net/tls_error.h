// Purpose: what went wrong in TLS, in the words of the reference (Go's crypto/tls and crypto/x509). Owner: none.
// Thread: any; the library's error queue is the thread's own. Errors: none.
#pragma once
#include <openssl/types.h>

#include <string>
#include <string_view>

namespace gladius::net {

// "bad certificate" for 42.
std::string_view tls_alert_words(int alert);
// Of the errors in the thread's queue, which is empty afterwards; empty when there was none.
std::string take_tls_error();
// Of a chain that was refused: "x509: certificate signed by unknown authority".
std::string x509_words(int verify_error, const X509* certificate);
// "x509: certificate has expired or is not yet valid: current time ... is after ..."; empty: it is valid now.
std::string x509_time_words(const X509* certificate);

}  // namespace gladius::net
