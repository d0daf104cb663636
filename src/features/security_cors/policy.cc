#include "features/security_cors/policy.h"

#include <algorithm>

#include "conf/scalar.h"
#include "http/h1.h"

namespace gladius::features::cors {

namespace {

using http::same_name;

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

// One blank at each end is taken; more is no list that a browser sends. False: there are more.
bool trim_one_blank(std::string_view& s) {
    for (bool back : {true, false}) {
        for (int n = 0; !s.empty(); ++n) {
            if (n > 1) return false;
            if (!is_blank(back ? s.back() : s.front())) break;
            if (back)
                s.remove_suffix(1);
            else
                s.remove_prefix(1);
        }
    }
    return true;
}

constexpr int kMaxEmptyElements = 16;

}  // namespace

Policy::Policy(const Options& o)
    : success_status(o.options_success_status ? static_cast<int>(o.options_success_status) : 204),
      allow_credentials(o.allow_credentials),
      allow_private_network(o.allow_private_network),
      options_passthrough(o.options_passthrough),
      debug(o.debug),
      every_origin_(o.allow_origins.empty()),
      every_header_(o.allow_headers.empty()) {
    for (const std::string& origin : o.allow_origins) {
        every_origin_ |= origin == "*";
        size_t star = origin.find('*');
        if (star == std::string::npos)
            origins_.push_back(origin);
        else
            wildcards_.emplace_back(origin.substr(0, star), origin.substr(star + 1));
    }
    methods_ = o.allow_methods;
    if (methods_.empty()) methods_ = {"GET", "POST", "HEAD"};
    for (const std::string& name : o.allow_headers) {
        every_header_ |= name == "*";
        headers_.push_back(conf::to_lower(name));
        longest_header_ = std::max(longest_header_, name.size());
    }
    std::sort(headers_.begin(), headers_.end());
    headers_.erase(std::unique(headers_.begin(), headers_.end()), headers_.end());
    for (const std::string& name : o.expose_headers) {
        if (!exposed.empty()) exposed += ", ";
        exposed += conf::canonical_header(name);
    }
    if (o.max_age_seconds != 0) max_age = std::to_string(std::max<int64_t>(0, o.max_age_seconds));
}

bool Policy::allows_origin(std::string_view origin) const {
    if (every_origin_) return true;
    for (const std::string& o : origins_)
        if (same_name(o, origin)) return true;
    for (const auto& [before, behind] : wildcards_) {
        if (origin.size() >= before.size() + behind.size() && same_name(origin.substr(0, before.size()), before) &&
            same_name(origin.substr(origin.size() - behind.size()), behind))
            return true;
    }
    return false;
}

bool Policy::allows_method(std::string_view method) const {
    return method == "OPTIONS" || std::find(methods_.begin(), methods_.end(), method) != methods_.end();
}

bool Policy::allows_headers(std::span<const std::string_view> values) const {
    if (every_header_) return true;
    auto last = headers_.begin();  // the next name must stand here or behind
    int empty_elements = 0;
    for (std::string_view rest : values) {
        for (bool more = true; more;) {
            // Nothing longer than an allowed name is looked at.
            size_t comma = rest.substr(0, longest_header_ + 3).find(',');
            more = comma != std::string_view::npos;
            std::string_view name = rest.substr(0, comma);
            rest = more ? rest.substr(comma + 1) : std::string_view();
            if (!trim_one_blank(name)) return false;
            if (name.empty()) {
                if (++empty_elements > kMaxEmptyElements) return false;
                continue;
            }
            auto at = std::lower_bound(last, headers_.end(), name);
            if (at == headers_.end() || *at != name) return false;
            last = at + 1;
        }
    }
    return true;
}

}  // namespace gladius::features::cors
