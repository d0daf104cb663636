#include "net/tls_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "net/tls_error.h"

namespace gladius::net {

namespace {

// Far more than any bundle of authorities.
constexpr size_t kMaxFile = 16 * 1024 * 1024;

std::string words_of(int error) {
    switch (error) {
        case ENOENT:
            return "no such file or directory";
        case EACCES:
            return "permission denied";
        case EISDIR:
            return "is a directory";
        default:
            return std::strerror(error);
    }
}

Result<std::string> read_file(const std::string& path) {
    auto no = [&](int e) { return fail("open " + path + ": " + words_of(e)); };
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return no(errno);
    std::string out;
    char buf[16384];
    ssize_t n;
    while ((n = ::read(fd, buf, sizeof buf)) > 0 && out.size() < kMaxFile)
        out.append(buf, static_cast<size_t>(n));
    int e = errno;
    ::close(fd);
    if (n < 0) return no(e);
    if (n > 0) return fail("open " + path + ": file too large");
    return out;
}

// A key with a passphrase is refused instead of asking at a terminal that nobody looks at.
int no_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return 0;
}

BioPtr bio_of(std::string_view text) {
    return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

X509Ptr read_certificate(BIO* bio, OSSL_LIB_CTX* library) {
    X509* x = X509_new_ex(library, nullptr);
    if (x && !PEM_read_bio_X509(bio, &x, nullptr, nullptr)) {
        X509_free(x);
        x = nullptr;
    }
    return X509Ptr(x);
}

void read_authorities(const TlsSpec& spec, TlsFiles& out) {
    for (const std::string& path : spec.ca_files) {
        Result<std::string> text = read_file(path);
        if (text) {
            out.authorities += *text + "\n";
        } else {
            out.problems.push_back("Cannot load certificate CA " + path + ": " + text.error().message);
            out.unreadable.push_back(path);
        }
    }
}

Result<TlsFiles::Pair> read_pair(const TlsKeyFiles& names) {
    TlsFiles::Pair p;
    p.names = names;
    for (auto [path, to] : {std::pair{&names.certificate, &p.certificate}, std::pair{&names.key, &p.key},
                            std::pair{&names.ocsp, &p.ocsp}}) {
        if (path->empty()) continue;
        Result<std::string> text = read_file(*path);
        if (!text) return text.error();
        *to = std::move(*text);
    }
    return p;
}

}  // namespace

Result<TlsFiles> read_tls_files(const TlsServerSpec& spec) {
    TlsFiles out;
    if (spec.keys.empty()) return fail("public key not defined");
    for (const TlsKeyFiles& names : spec.keys) {
        if (names.certificate.empty()) return fail("public key not defined");
        if (names.key.empty()) return fail("private key not defined");
        Result<TlsFiles::Pair> p = read_pair(names);
        if (!p) return p.error();
        out.keys.push_back(std::move(*p));
    }
    if (spec.client_certificates) read_authorities(spec, out);
    return out;
}

TlsFiles read_tls_files(const TlsClientSpec& spec) {
    TlsFiles out;
    for (const TlsKeyFiles& names : spec.keys) {
        Result<TlsFiles::Pair> p = read_pair(names);
        if (p)
            out.keys.push_back(std::move(*p));
        else
            out.problems.push_back("Cannot load client certificate " + names.certificate + ", " + names.key + ": " +
                                   p.error().message);
    }
    read_authorities(spec, out);
    return out;
}

Result<ParsedKey> parse_key(const TlsFiles::Pair& pair, OSSL_LIB_CTX* library) {
    ParsedKey out;
    BioPtr bio = bio_of(pair.certificate);
    out.certificate = read_certificate(bio.get(), library);
    ERR_clear_error();
    if (!out.certificate)
        return fail(pair.names.certificate + " holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")");
    out.chain.reset(sk_X509_new_null());
    while (X509Ptr next = read_certificate(bio.get(), library))
        sk_X509_push(out.chain.get(), next.release());
    ERR_clear_error();
    bio = bio_of(pair.key);
    bool encrypted = false;
    out.key.reset(PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, &no_passphrase, &encrypted, library, nullptr));
    ERR_clear_error();
    if (!out.key) {
        if (encrypted)
            return fail(pair.names.key +
                        " is protected by a passphrase: store the key without one, readable by the gateway only");
        return fail(pair.names.key + " holds no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")");
    }
    if (X509_check_private_key(out.certificate.get(), out.key.get()) != 1) {
        ERR_clear_error();
        return fail("tls: private key does not match public key: " + pair.names.certificate + ", " + pair.names.key);
    }
    return out;
}

std::string key_remark(const TlsFiles::Pair& pair, const ParsedKey& key) {
    std::string said = x509_time_words(key.certificate.get());
    return said.empty() ? said : pair.names.certificate + ": " + said + "; clients will refuse it";
}

int add_authorities(X509_STORE* store, std::string_view pem, OSSL_LIB_CTX* library) {
    BioPtr bio = bio_of(pem);
    int n = 0;
    while (true) {
        X509Ptr x = read_certificate(bio.get(), library);
        if (!x) {
            // Something else between the certificates is passed over, as in the reference.
            unsigned long e = ERR_peek_last_error();
            bool end = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
            ERR_clear_error();
            if (end || BIO_pending(bio.get()) == 0) return n;
            continue;
        }
        if (X509_STORE_add_cert(store, x.get()) == 1) ++n;
    }
}

int add_system_authorities(X509_STORE* store, OSSL_LIB_CTX* library) {
    static constexpr const char* kFiles[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };
    static constexpr const char* kFolders = "/etc/ssl/certs:/etc/pki/tls/certs";
    int n = 0;
    const char* file = std::getenv("SSL_CERT_FILE");
    if (file && *file) {
        if (Result<std::string> text = read_file(file)) n += add_authorities(store, *text, library);
    } else {
        for (const char* path : kFiles) {
            Result<std::string> text = read_file(path);
            if (!text) continue;
            n += add_authorities(store, *text, library);
            break;
        }
    }
    const char* folders = std::getenv("SSL_CERT_DIR");
    bool own = folders && *folders;
    // The usual folders hold the certificates of the usual file once more.
    if (!own && n > 0) return n;
    std::string_view left = own ? folders : kFolders;
    while (!left.empty()) {
        std::string folder(left.substr(0, left.find(':')));
        left.remove_prefix(std::min(folder.size() + 1, left.size()));
        DIR* d = ::opendir(folder.c_str());
        if (!d) continue;
        while (const dirent* e = ::readdir(d)) {
            if (e->d_name[0] == '.') continue;
            if (Result<std::string> text = read_file(folder + "/" + e->d_name))
                n += add_authorities(store, *text, library);
        }
        ::closedir(d);
    }
    return n;
}

}  // namespace gladius::net
