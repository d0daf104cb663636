// Purpose: what the TLS of one worker shares: a library context of its own (the process-wide one of OpenSSL 3.0 takes
// locks with every handshake), and the keys of session tickets. Owner: shared by the contexts made in it. Thread: made
// by control, then one worker's. Lifetime: as the last context. Errors: the process ends when there is no memory.
#pragma once
#include <array>
#include <cstdint>
#include <memory>

#include "net/tls_ptr.h"

namespace gladius::net {

// Keys of session tickets, the newest first. All workers have the same ones, so that a ticket is good at each of them;
// control replaces them by a set with one more.
struct TicketKeys {
    static constexpr size_t kMax = 4;
    struct Key {
        uint8_t name[16];
        uint8_t cipher[32];
        uint8_t mac[32];
    };
    std::array<Key, kMax> keys;
    size_t count = 0;

    // A new key in front of those of `old`, of which the oldest goes.
    static std::shared_ptr<const TicketKeys> rotate(const TicketKeys* old);
};

class TlsLibrary {
  public:
    TlsLibrary();
    ~TlsLibrary();
    TlsLibrary(const TlsLibrary&) = delete;
    TlsLibrary& operator=(const TlsLibrary&) = delete;
    OSSL_LIB_CTX* get() const { return library_; }

    std::shared_ptr<const TicketKeys> tickets;
    // For SSL_CTX_set_tlsext_ticket_key_evp_cb, with the keys of the moment.
    int on_ticket(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool make) const;

  private:
    OSSL_LIB_CTX* library_;
    EVP_CIPHER* cipher_;
};

}  // namespace gladius::net
