#include "net/tls_library.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <cstring>

#include "base/assert.h"

namespace gladius::net {

std::shared_ptr<const TicketKeys> TicketKeys::rotate(const TicketKeys* old) {
    auto out = std::make_shared<TicketKeys>();
    if (old) {
        for (size_t i = 0; i < old->count && i + 1 < kMax; ++i)
            out->keys[i + 1] = old->keys[i];
        out->count = std::min(old->count, kMax - 1);
    }
    auto& fresh = out->keys[0];
    GL_CHECK(RAND_bytes(fresh.name, sizeof fresh.name) == 1 &&
             RAND_priv_bytes(fresh.cipher, sizeof fresh.cipher) == 1 &&
             RAND_priv_bytes(fresh.mac, sizeof fresh.mac) == 1);
    ++out->count;
    return out;
}

TlsLibrary::TlsLibrary() : library_(OSSL_LIB_CTX_new()) {
    GL_CHECK(library_);
    cipher_ = EVP_CIPHER_fetch(library_, "AES-256-CBC", nullptr);
    GL_CHECK(cipher_);
}

TlsLibrary::~TlsLibrary() {
    EVP_CIPHER_free(cipher_);
    OSSL_LIB_CTX_free(library_);
}

int TlsLibrary::on_ticket(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                          bool make) const {
    if (!tickets || tickets->count == 0) return 0;
    size_t i = 0;
    if (make) {
        std::memcpy(name, tickets->keys[0].name, sizeof tickets->keys[0].name);
        if (RAND_bytes_ex(library_, iv, static_cast<size_t>(EVP_CIPHER_get_iv_length(cipher_)), 0) != 1) return -1;
    } else {
        while (i < tickets->count && std::memcmp(name, tickets->keys[i].name, sizeof tickets->keys[i].name) != 0)
            ++i;
        if (i == tickets->count) return 0;
    }
    const TicketKeys::Key& key = tickets->keys[i];
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<uint8_t*>(key.mac), sizeof key.mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    bool ok = EVP_MAC_CTX_set_params(mac, params) == 1 &&
              EVP_CipherInit_ex2(cipher, cipher_, key.cipher, iv, make ? 1 : 0, nullptr) == 1;
    if (!ok) return -1;
    return make || i == 0 ? 1 : 2;  // 2: good, but give a newer one
}

}  // namespace gladius::net
