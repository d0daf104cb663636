#include "conf/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>

#include "conf/scalar.h"

namespace gladius::conf {

namespace {

bool digit(char c) {
    return c >= '0' && c <= '9';
}
bool alnum(char c) {
    return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool strict_char(char c) {
    return alnum(c) || c == '-' || c == '_';
}
bool wide_char(char c) {
    return strict_char(c) || c == '.' || c == ':' || c == '/';
}
bool host_char(char c) {
    return strict_char(c) || c == '.';
}

template <class Allowed>
std::vector<std::string> braces(std::string_view s, bool after_slash, Allowed allowed) {
    std::vector<std::string> out;
    for (size_t i = s.find('{'); i != std::string_view::npos; i = s.find('{', i)) {
        size_t end = i + 1;
        while (end < s.size() && allowed(s[end]))
            ++end;
        bool matches = end > i + 1 && end < s.size() && s[end] == '}' && (!after_slash || (i > 0 && s[i - 1] == '/'));
        if (matches) out.emplace_back(s.substr(i + 1, end - i - 1));
        i = end;  // no allowed character is a brace, so nothing between can begin a name
    }
    return out;
}

}  // namespace

std::string clean_path(std::string_view path) {
    if (!path.empty() && path[0] == '/') path.remove_prefix(1);
    std::string out = "/";
    out += path;
    return out;
}

bool is_illegal_endpoint(std::string_view path) {
    if (path.empty() || path[0] != '/') return !path.empty();
    for (size_t i = path.find('*'); i != std::string_view::npos; i = path.find('*', i + 1)) {
        if (i + 1 < path.size() && path[i + 1] != '\n') return true;
    }
    for (std::string_view reserved : {"/__debug", "/__echo", "/__health"}) {
        for (size_t i = path.find(reserved); i != std::string_view::npos; i = path.find(reserved, i + 1)) {
            std::string_view rest = path.substr(i + reserved.size());
            if (rest.empty() || (rest[0] == '/' && rest.find('\n') == std::string_view::npos)) return true;
        }
    }
    return false;
}

std::vector<std::string> endpoint_params(std::string_view path, bool disable_rest) {
    return disable_rest ? braces(path, false, wide_char) : braces(path, true, strict_char);
}

std::vector<std::string> backend_params(std::string_view pattern) {
    return braces(pattern, false, wide_char);
}

bool is_computed_param(std::string_view name) {
    if (name.empty()) return true;
    auto jwt = [](std::string_view s) {
        return s.size() > 4 && s.substr(0, 4) == "JWT." && std::all_of(s.begin() + 4, s.end(), wide_char);
    };
    if (jwt(name)) return true;
    if (name.substr(0, 4) != "resp") return false;
    size_t i = 4;
    while (i < name.size() && digit(name[i]))
        ++i;
    return i > 4 && i + 1 < name.size() && name[i] == '_';
}

std::string router_path(std::string_view path, const std::vector<std::string>& params) {
    std::string out(path);
    for (const std::string& p : params) {
        std::string from = "{" + p + "}";
        std::string to = ":" + p;
        size_t query = out.find('?');
        for (size_t i = out.find(from); i != std::string::npos && (query == std::string::npos || i < query);
             i = out.find(from, i)) {
            out.replace(i, from.size(), to);
            i += to.size();
            query = out.find('?');
        }
    }
    return out;
}

std::string param_key(std::string_view name) {
    std::string out(name);
    if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
    return out;
}

std::optional<CleanHost> clean_host(std::string_view s) {
    struct Match {
        size_t begin, end;
        std::string_view scheme, name, port;
    };
    auto match_at = [&](size_t at) -> std::optional<Match> {
        for (std::string_view scheme :
             {std::string_view("http://"), std::string_view("https://"), std::string_view()}) {
            if (s.substr(at, scheme.size()) != scheme) continue;
            size_t begin = at + scheme.size();
            size_t i = begin;
            while (i < s.size() && host_char(s[i]))
                ++i;
            if (i == begin) continue;
            Match m{at, i, s.substr(at, scheme.size()), s.substr(begin, i - begin), {}};
            if (i < s.size() && s[i] == ':') {
                size_t p = i + 1;
                while (p < s.size() && p - i <= 6 && digit(s[p]))
                    ++p;
                if (p - i - 1 >= 2) {
                    m.port = s.substr(i, p - i);
                    m.end = p;
                }
            }
            if (m.end < s.size() && s[m.end] == '/') ++m.end;
            return m;
        }
        return std::nullopt;
    };
    std::optional<Match> only;
    for (size_t i = 0; i < s.size();) {
        std::optional<Match> m = match_at(i);
        if (!m) {
            ++i;
            continue;
        }
        if (only) return std::nullopt;
        only = m;
        i = m->end;
    }
    if (!only) return std::nullopt;
    CleanHost out;
    out.scheme_added = only->scheme.empty();
    out.trimmed = only->begin != 0 || only->end != s.size();
    out.host = out.scheme_added ? "http://" : std::string(only->scheme);
    out.host += only->name;
    out.host += only->port;
    return out;
}

std::string host_advice(std::string_view s) {
    size_t scheme = s.find("://");
    std::string_view name = scheme == std::string_view::npos ? s : s.substr(scheme + 3);
    if (s.empty()) return "write a scheme and a name, such as \"http://users:8080\"";
    if (s.find("${") != std::string_view::npos || s.find("{{") != std::string_view::npos) {
        return "a variable or template is not replaced here; write the host itself";
    }
    if (s.find('{') != std::string_view::npos) return "a parameter in a host needs \"disable_host_sanitize\": true";
    if (s.find_first_of(" \t\r\n") != std::string_view::npos) return "remove the blank";
    if (s.find(',') != std::string_view::npos) return "write a list: [\"http://a\", \"http://b\"]";
    if (scheme != std::string_view::npos && s.substr(0, scheme) != "http" && s.substr(0, scheme) != "https") {
        return "only http:// and https:// are hosts; other schemes need a component of their own and "
               "\"disable_host_sanitize\": true";
    }
    if (name.find('@') != std::string_view::npos)
        return "a host has no user and password: send an Authorization header instead";
    if (name.find('[') != std::string_view::npos || std::count(name.begin(), name.end(), ':') > 1) {
        return "an IPv6 address is refused by the reference; use a name, or \"disable_host_sanitize\": true with "
               "http://[address]:port";
    }
    size_t slash = name.find('/');
    if (slash != std::string_view::npos && slash + 1 < name.size()) {
        return fmt::format("a host has no path: write \"{}\" and move \"{}\" to the front of url_pattern",
                           s.substr(0, s.size() - name.size() + slash), name.substr(slash));
    }
    if (name.find(':') != std::string_view::npos)
        return "the port must have two to five digits (a single digit is refused by the reference)";
    return "write it as http://name:port";
}

bool is_unix_host(std::string_view host) {
    constexpr std::string_view kScheme = "unix:";
    if (!host.starts_with(kScheme)) return false;
    std::string_view path = host.substr(kScheme.size());
    bool printable = std::all_of(path.begin(), path.end(),
                                 [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; });
    return path.size() > 1 && path[0] == '/' && path.size() < sizeof(sockaddr_un::sun_path) && printable;
}

bool is_ip(std::string_view s) {
    unsigned char out[sizeof(in6_addr)];
    std::string z(s);
    if (z.find('\0') != std::string::npos) return false;
    return inet_pton(AF_INET, z.c_str(), out) == 1 || inet_pton(AF_INET6, z.c_str(), out) == 1;
}

bool is_ip_or_cidr(std::string_view s) {
    size_t slash = s.find('/');
    if (slash == std::string_view::npos) return is_ip(s);
    auto bits = parse_integer(s.substr(slash + 1));
    std::string_view address = s.substr(0, slash);
    return is_ip(address) && bits && *bits >= 0 && *bits <= (address.find(':') == std::string_view::npos ? 32 : 128);
}

}  // namespace gladius::conf
