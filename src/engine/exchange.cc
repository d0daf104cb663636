#include "engine/exchange.h"

#include <cstring>
#include <new>

#include "base/pool.h"

namespace gladius::engine {

namespace {
constexpr size_t kUncounted = 16 * 1024;
}

bool InputBuffer::append(const char* d, size_t n) {
    if (n == 0) return true;
    if (len_ + n > cap_) {
        if (pos_ > 0) {
            std::memmove(p_, p_ + pos_, len_ - pos_);
            len_ -= pos_;
            pos_ = 0;
        }
        if (len_ + n > cap_) {
            size_t want = cap_ ? cap_ : 512;
            while (want < len_ + n)
                want *= 2;
            want = pool_round(want);
            if (want > kUncounted && !budget_.take(want)) return false;
            char* bigger = static_cast<char*>(pool_allocate(want));
            if (len_) std::memcpy(bigger, p_, len_);
            pool_free(p_, cap_);
            if (cap_ > kUncounted) budget_.give(cap_);
            p_ = bigger;
            cap_ = want;
        }
    }
    std::memcpy(p_ + len_, d, n);
    len_ += n;
    return true;
}

void InputBuffer::clear() {
    pool_free(p_, cap_);
    if (cap_ > kUncounted) budget_.give(cap_);
    p_ = nullptr;
    cap_ = pos_ = len_ = 0;
}

ClientConn::ClientConn(Worker& worker, const net::Address& from) : w(worker), scope(worker.loop), in(worker.budget()) {
    set_address(from);
}

void ClientConn::set_address(const net::Address& from) {
    is_local = from.family() == AF_UNIX;
    if (is_local) {
        constexpr std::string_view kHere = "127.0.0.1";
        std::memcpy(ip, kHere.data(), kHere.size());
        ip_len = kHere.size();
        return;
    }
    ip_len = static_cast<uint8_t>(net::format_ip(from, ip));
}

ClientConn::ClientConn(ClientConn& connection, rt::Scope& parent)
    : w(connection.w),
      scope(w.loop, &parent),
      in(w.budget()),
      over_tls(connection.over_tls),
      is_local(connection.is_local),
      is_stream(true),
      ip_len(connection.ip_len) {
    std::memcpy(ip, connection.ip, ip_len);
}

Exchange::Exchange(ClientConn& conn)
    : w(conn.w),
      c(conn),
      scope(conn.w.loop, &conn.scope),
      start_ns(conn.w.loop.now_ns()),
      arena(reinterpret_cast<char*>(this) + sizeof(Exchange), kSize - sizeof(Exchange)) {
    scope.set_owner(this);
    static_assert(sizeof(Exchange) <= kSize - 768, "leave room for a small head");
}

const http::Field* Exchange::find(http::Token t) const {
    if (!has(t)) return nullptr;
    for (const http::Field& f : all_fields())
        if (f.token == t) return &f;
    return nullptr;
}

std::string_view Exchange::header(std::string_view name) const {
    http::Token token = http::find_token(name);
    if (token != http::Token::unknown) {
        const http::Field* f = find(token);
        return f ? value(*f) : std::string_view();
    }
    for (const http::Field& f : all_fields())
        if (f.token == http::Token::unknown && http::same_name(this->name(f), name)) return value(f);
    return {};
}

Exchange* new_exchange(ClientConn& c) {
    auto* ex = new (pool_allocate(Exchange::kSize)) Exchange(c);
    c.exchange = ex;
    return ex;
}

void free_exchange(Exchange* ex) {
    ex->c.exchange = nullptr;
    if (ex->charged) ex->w.budget().give(ex->charged);
    ex->~Exchange();
    pool_free(ex, Exchange::kSize);
}

}  // namespace gladius::engine
