// Purpose: paths, parameters and hosts of a configuration, read exactly as the reference's expressions read them.
// Thread: any (pure). Errors: as values. Source: ledger 1, section 2.2.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gladius::conf {

// One leading slash, whatever was there: "a" and "/a" give "/a", "//a" stays "//a".
std::string clean_path(std::string_view path);

// True for `^[^/]|\*.|/__(debug|echo|health)(/.*)?$` searched in the cleaned path.
bool is_illegal_endpoint(std::string_view path);

// Names in `/{name}` ([a-zA-Z0-9_-]+), or with disable_rest in `{name}` anywhere (also . : /), in order.
std::vector<std::string> endpoint_params(std::string_view path, bool disable_rest);
// Names in `{name}` of a url_pattern, in order.
std::vector<std::string> backend_params(std::string_view pattern);
// True for `^(resp[0-9]+_.+)?(JWT\.[\w\-.:/]+)?$`: values of earlier steps and claims, which need no endpoint
// parameter.
bool is_computed_param(std::string_view name);
// "/a/{id}" -> "/a/:id" for each name, in front of a '?'.
std::string router_path(std::string_view path, const std::vector<std::string>& params);
// First letter upper case: id_user -> Id_user.
std::string param_key(std::string_view name);

struct CleanHost {
    std::string host;  // http://name:port
    bool scheme_added = false;
    bool trimmed = false;  // characters around it were dropped, as the reference does without a word
};
// What `(https?://)?[a-zA-Z0-9._-]+(:[0-9]{2,6})?/?` makes of it when it matches exactly once.
std::optional<CleanHost> clean_host(std::string_view host);
// Why clean_host() refused it, and what to write instead.
std::string host_advice(std::string_view host);

// "unix:/run/app.sock": a unix socket that can be asked.
bool is_unix_host(std::string_view host);

bool is_ip(std::string_view s);
bool is_ip_or_cidr(std::string_view s);

}  // namespace gladius::conf
