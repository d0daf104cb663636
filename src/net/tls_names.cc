#include "net/tls_names.h"

#include <openssl/x509v3.h>

#include "net/socket.h"

namespace gladius::net {

namespace {

std::string_view bytes_of(const ASN1_STRING* s) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<size_t>(ASN1_STRING_length(s))};
}

char low(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool equal_fold(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i)
        if (low(a[i]) != low(b[i])) return false;
    return true;
}

// Letters, digits, '-' (not first) and '_' in labels that are not empty; in a pattern the first label may be '*'.
bool is_host(std::string_view s, bool pattern) {
    if (s.empty() || s == "*") return false;
    bool first_label = true;
    while (true) {
        size_t dot = s.find('.');
        std::string_view label = s.substr(0, dot);
        if (label.empty()) return false;
        if (!(pattern && first_label && label == "*")) {
            for (size_t i = 0; i < label.size(); ++i) {
                char c = low(label[i]);
                bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c == '-' && i > 0);
                if (!ok) return false;
            }
        }
        if (dot == std::string_view::npos) return true;
        s.remove_prefix(dot + 1);
        first_label = false;
    }
}

}  // namespace

std::string lower_host(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    std::string out(host);
    for (char& c : out)
        c = low(c);
    return out;
}

CertificateNames names_of(const X509* certificate) {
    CertificateNames out;
    auto* list = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(const_cast<X509*>(certificate), NID_subject_alt_name, nullptr, nullptr));
    if (!list) return out;
    for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
        const GENERAL_NAME* n = sk_GENERAL_NAME_value(list, i);
        if (n->type == GEN_DNS) {
            std::string_view name = bytes_of(n->d.dNSName);
            if (name.find('\0') == std::string_view::npos) out.dns.push_back(lower_host(name));
        } else if (n->type == GEN_IPADD) {
            std::string_view ip = bytes_of(n->d.iPAddress);
            if (ip.size() == 4 || ip.size() == 16) out.ips.emplace_back(ip);
        }
    }
    GENERAL_NAMES_free(list);
    return out;
}

bool host_matches(std::string_view pattern, std::string_view host) {
    if (pattern.ends_with('.')) pattern.remove_suffix(1);
    if (host.ends_with('.')) host.remove_suffix(1);
    if (!is_host(pattern, true) || !is_host(host, false)) return false;
    if (!pattern.starts_with("*.")) return equal_fold(pattern, host);
    size_t dot = host.find('.');
    return dot != std::string_view::npos && equal_fold(pattern.substr(1), host.substr(dot));
}

std::string check_host(const X509* certificate, std::string_view host) {
    CertificateNames names = names_of(certificate);
    std::string valid;
    auto add = [&](std::string_view name) {
        if (!valid.empty()) valid += ", ";
        valid += name;
    };
    Address a;
    std::string_view plain = host.substr(0, host.find('%'));
    if (parse_ip(plain, 0, a)) {
        std::string bytes =
            a.family() == AF_INET
                ? std::string(reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in&>(a.storage).sin_addr),
                              4)
                : std::string(
                      reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in6&>(a.storage).sin6_addr), 16);
        for (const std::string& ip : names.ips) {
            if (ip == bytes) return {};
            Address shown;
            shown.storage.ss_family = ip.size() == 4 ? AF_INET : AF_INET6;
            void* to = ip.size() == 4 ? static_cast<void*>(&reinterpret_cast<sockaddr_in&>(shown.storage).sin_addr)
                                      : static_cast<void*>(&reinterpret_cast<sockaddr_in6&>(shown.storage).sin6_addr);
            ip.copy(static_cast<char*>(to), ip.size());
            char text[46];
            add({text, format_ip(shown, text)});
        }
        if (names.ips.empty())
            return "x509: cannot validate certificate for " + std::string(host) +
                   " because it doesn't contain any IP SANs";
        return "x509: certificate is valid for " + valid + ", not " + std::string(host);
    }
    for (const std::string& pattern : names.dns) {
        if (host_matches(pattern, host)) return {};
        add(pattern);
    }
    if (names.dns.empty() && names.ips.empty()) {
        char common_name[256];
        int n = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common_name,
                                          sizeof common_name);
        if (n > 0 && is_host({common_name, static_cast<size_t>(n)}, true))
            return "x509: certificate relies on legacy Common Name field, use SANs instead";
    }
    if (names.dns.empty())
        return "x509: certificate is not valid for any names, but wanted to match " + std::string(host);
    return "x509: certificate is valid for " + valid + ", not " + std::string(host);
}

}  // namespace gladius::net
