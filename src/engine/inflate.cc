#include "engine/inflate.h"

#include <strings.h>

namespace gladius::engine {

Inflater::Inflater() {
    ok_ = inflateInit2(&z_, 15 + 16) == Z_OK;
}
Inflater::~Inflater() {
    inflateEnd(&z_);
}

Inflater::State Inflater::run(std::string_view& in, char* out, size_t cap, size_t& produced) {
    produced = 0;
    if (!ok_) return State::bad;
    if (between_) {
        if (in.empty()) return State::more;
        if (inflateReset(&z_) != Z_OK) return State::bad;
        between_ = false;
    }
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    z_.avail_in = static_cast<uInt>(in.size());
    z_.next_out = reinterpret_cast<Bytef*>(out);
    z_.avail_out = static_cast<uInt>(cap);
    int r = inflate(&z_, Z_SYNC_FLUSH);
    in.remove_prefix(in.size() - z_.avail_in);
    produced = cap - z_.avail_out;
    if (r == Z_STREAM_END) {
        between_ = true;
        return State::more;
    }
    if (r != Z_OK && r != Z_BUF_ERROR) return State::bad;
    return State::more;
}

bool is_gzip(const upstream::Call& call) {
    for (uint32_t i = 0; i < call.head.field_count; ++i) {
        const http::Field& f = call.fields()[i];
        if (f.token != http::Token::content_encoding) continue;
        std::string_view v = http::value_of(call.base, f);
        return v.size() == 4 && strncasecmp(v.data(), "gzip", 4) == 0;
    }
    return false;
}

}  // namespace gladius::engine
