#include "net/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <time.h>

#include <cctype>

namespace gladius::net {

std::string_view tls_alert_words(int alert) {
    switch (alert) {
        case 0:
            return "close notify";
        case 10:
            return "unexpected message";
        case 20:
            return "bad record MAC";
        case 21:
            return "decryption failed";
        case 22:
            return "record overflow";
        case 30:
            return "decompression failure";
        case 40:
            return "handshake failure";
        case 42:
            return "bad certificate";
        case 43:
            return "unsupported certificate";
        case 44:
            return "revoked certificate";
        case 45:
            return "expired certificate";
        case 46:
            return "unknown certificate";
        case 47:
            return "illegal parameter";
        case 48:
            return "unknown certificate authority";
        case 49:
            return "access denied";
        case 50:
            return "error decoding message";
        case 51:
            return "error decrypting message";
        case 60:
            return "export restriction";
        case 70:
            return "protocol version not supported";
        case 71:
            return "insufficient security level";
        case 80:
            return "internal error";
        case 86:
            return "inappropriate fallback";
        case 90:
            return "user canceled";
        case 100:
            return "no renegotiation";
        case 109:
            return "missing extension";
        case 110:
            return "unsupported extension";
        case 111:
            return "certificate unobtainable";
        case 112:
            return "unrecognized name";
        case 113:
            return "bad certificate status response";
        case 114:
            return "bad certificate hash value";
        case 115:
            return "unknown PSK identity";
        case 116:
            return "certificate required";
        case 120:
            return "no application protocol";
        default:
            return "";
    }
}

std::string take_tls_error() {
    unsigned long e = ERR_peek_error();
    std::string out;
    if (e != 0) {
        int reason = ERR_GET_REASON(e);
        if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET) {
            int alert = reason - SSL_AD_REASON_OFFSET;
            std::string_view words = tls_alert_words(alert);
            out = "remote error: tls: " + (words.empty() ? "alert(" + std::to_string(alert) + ")" : std::string(words));
        } else if (ERR_GET_LIB(e) == ERR_LIB_SSL) {
            switch (reason) {
                case SSL_R_NO_SHARED_CIPHER:
                    out = "tls: no cipher suite supported by both client and server";
                    break;
                case SSL_R_NO_SUITABLE_KEY_SHARE:
                case SSL_R_NO_SHARED_GROUPS:
                    out = "tls: no ECDHE curve supported by both client and server";
                    break;
                case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
                    out = "tls: client didn't provide a certificate";
                    break;
                case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
                    out = "local error: tls: bad record MAC";
                    break;
                case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
                    out = "tls: peer doesn't support any of the certificate's signature algorithms";
                    break;
                case SSL_R_NO_APPLICATION_PROTOCOL:
                    out = "tls: client requested unsupported application protocols";
                    break;
                case SSL_R_UNEXPECTED_EOF_WHILE_READING:
                    out = "unexpected EOF";
                    break;
                default:
                    break;
            }
        }
        if (out.empty()) {
            const char* words = ERR_reason_error_string(e);
            out = "tls: " + std::string(words ? words : "error " + std::to_string(e));
        }
    }
    ERR_clear_error();
    return out;
}

namespace {
std::string rfc3339(const tm& t) {
    char text[32];
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &t);
    return text;
}
}  // namespace

std::string x509_time_words(const X509* certificate) {
    time_t now = time(nullptr);
    const ASN1_TIME* after = X509_get0_notAfter(certificate);
    const ASN1_TIME* before = X509_get0_notBefore(certificate);
    tm current{}, limit{};
    gmtime_r(&now, &current);
    std::string begin = "x509: certificate has expired or is not yet valid: current time " + rfc3339(current);
    if (X509_cmp_time(before, &now) > 0)
        return ASN1_TIME_to_tm(before, &limit) ? begin + " is before " + rfc3339(limit) : begin;
    if (X509_cmp_time(after, &now) < 0)
        return ASN1_TIME_to_tm(after, &limit) ? begin + " is after " + rfc3339(limit) : begin;
    return {};
}

std::string x509_words(int verify_error, const X509* certificate) {
    switch (verify_error) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_CERT_UNTRUSTED:
        case X509_V_ERR_CERT_REJECTED:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        case X509_V_ERR_AKID_SKID_MISMATCH:
        case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
        case X509_V_ERR_SUBJECT_ISSUER_MISMATCH:
            return "x509: certificate signed by unknown authority";
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID: {
            std::string said = certificate ? x509_time_words(certificate) : std::string();
            return said.empty() ? "x509: certificate has expired or is not yet valid" : said;
        }
        case X509_V_ERR_INVALID_PURPOSE:
            return "x509: certificate specifies an incompatible key usage";
        case X509_V_ERR_INVALID_CA:
        case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
            return "x509: certificate is not authorized to sign other certificates";
        case X509_V_ERR_PATH_LENGTH_EXCEEDED:
            return "x509: too many intermediates for path length constraint";
        case X509_V_ERR_PERMITTED_VIOLATION:
        case X509_V_ERR_EXCLUDED_VIOLATION:
            return "x509: a root or intermediate certificate is not authorized to sign for this name";
        case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
            return "x509: unhandled critical extension";
        default:
            return "x509: " + std::string(X509_verify_cert_error_string(verify_error));
    }
}

}  // namespace gladius::net
