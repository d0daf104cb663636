#include "engine/draft.h"

#include <algorithm>
#include <cstring>

#include "http/url.h"
#include "simd/bytes.h"

namespace gladius::engine {

void DraftHeaders::reserve(size_t n) {
    if (n <= cap_) return;
    auto* bigger = arena_.array<DraftField>(n);
    std::copy(fields_, fields_ + n_, bigger);
    fields_ = bigger;
    cap_ = n;
}

std::string_view DraftHeaders::get(std::string_view name) const {
    for (const DraftField& f : all())
        if (f.name == name) return f.value;
    return {};
}

bool DraftHeaders::has(std::string_view name) const {
    return std::any_of(fields_, fields_ + n_, [&](const DraftField& f) { return f.name == name; });
}

void DraftHeaders::add(std::string_view name, std::string_view value) {
    if (n_ == cap_) reserve(cap_ ? cap_ * 2 : 16);
    fields_[n_++] = {name, value};
}

void DraftHeaders::set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
}

void DraftHeaders::remove(std::string_view name) {
    DraftField* end = std::remove_if(fields_, fields_ + n_, [&](const DraftField& f) { return f.name == name; });
    n_ = static_cast<size_t>(end - fields_);
}

size_t DraftHeaders::bytes() const {
    size_t n = 0;
    for (const DraftField& f : all())
        n += f.name.size() + f.value.size() + 4;
    return n;
}

DraftUrl DraftUrl::parse(std::string_view url, Arena& arena) {
    DraftUrl out;
    if (size_t at = url.find("://"); at != std::string_view::npos) {
        out.scheme = url.substr(0, at);
        url.remove_prefix(at + 3);
        size_t end = std::min(url.find_first_of("/?#"), url.size());
        out.host = url.substr(0, end);
        if (size_t user = out.host.rfind('@'); user != std::string_view::npos) out.host.remove_prefix(user + 1);
        url.remove_prefix(end);
    }
    out.set_target(url.substr(0, url.find('#')), arena);
    return out;
}

void DraftUrl::set_target(std::string_view t, Arena& arena) {
    size_t q = t.find('?');
    query = q == std::string_view::npos ? std::string_view() : t.substr(q + 1);
    force_query = q != std::string_view::npos && query.empty();
    raw_path = t.substr(0, q);
    path = http::unescape_path(raw_path, arena).value_or(raw_path);
}

std::string_view DraftUrl::escaped_path(Arena& arena) const {
    if (!raw_path.empty()) {
        auto meant = http::unescape_path(raw_path, arena);
        if (meant && *meant == path) return raw_path;
    }
    return http::escape_path(path, arena);
}

std::string_view DraftUrl::target(Arena& arena) const {
    std::string_view p = escaped_path(arena);
    if (p.empty()) p = "/";
    return force_query || !query.empty() ? arena.concat(p, "?", query) : p;
}

std::string_view DraftUrl::text(Arena& arena) const {
    std::string_view p = escaped_path(arena);
    std::string_view slash = !p.empty() && p[0] != '/' && !host.empty() ? "/" : "";
    std::string_view front = arena.concat(scheme, "://", host);
    std::string_view back = force_query || !query.empty() ? arena.concat(p, "?", query) : p;
    return arena.concat(front, slash, back);
}

bool valid_header_name(std::string_view name) {
    return !name.empty() && simd::Best::token_end(name.data(), name.data() + name.size()) == name.data() + name.size();
}

bool valid_header_value(std::string_view value) {
    return simd::Best::value_end(value.data(), value.data() + value.size()) == value.data() + value.size();
}

bool valid_host_header(std::string_view host) {
    auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c != 0 && std::strchr("!$%&()*+,-.:;=[]'_~", c) != nullptr);
    };
    return std::all_of(host.begin(), host.end(), fits);
}

std::string_view trimmed_value(std::string_view v) {
    auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!v.empty() && blank(v.front()))
        v.remove_prefix(1);
    while (!v.empty() && blank(v.back()))
        v.remove_suffix(1);
    return v;
}

}  // namespace gladius::engine
