// Purpose: who may: the rules of one `security/cors` block on origins, methods and headers, and the lines that it
// always answers with. Pure. Owner: the stage's config. Thread: read-only after compiling. Errors: none.
// Source: rs/cors 1.11.1.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gladius::features::cors {

// What is configured; names as in the configuration.
struct Options {
    std::vector<std::string> allow_origins, allow_methods, allow_headers, expose_headers;
    bool allow_credentials = false;
    bool allow_private_network = false;
    bool options_passthrough = false;
    int64_t options_success_status = 0;
    int64_t max_age_seconds = 0;
    bool debug = false;
};

class Policy {
  public:
    explicit Policy(const Options& o);

    bool every_origin() const { return every_origin_; }
    // Case does not count.
    bool allows_origin(std::string_view origin) const;
    // Case does count; OPTIONS is always allowed.
    bool allows_method(std::string_view method) const;
    // The values of all Access-Control-Request-Headers: small letters, sorted, each name once, as browsers send them.
    bool allows_headers(std::span<const std::string_view> values) const;

    std::string_view preflight_vary() const {
        return allow_private_network ? "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
                                       "Access-Control-Request-Private-Network"
                                     : "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
    }

    std::string exposed;  // value of Access-Control-Expose-Headers; empty: none
    std::string max_age;  // empty: none
    int success_status = 204;
    bool allow_credentials = false;
    bool allow_private_network = false;
    bool options_passthrough = false;
    bool debug = false;

  private:
    bool every_origin_ = false, every_header_ = false;
    std::vector<std::string> origins_, methods_;
    std::vector<std::pair<std::string, std::string>> wildcards_;  // what stands before and behind the star
    std::vector<std::string> headers_;                            // small letters, sorted, each once
    size_t longest_header_ = 0;
};

}  // namespace gladius::features::cors
