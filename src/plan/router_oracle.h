// Purpose: the slow, obviously right matcher that the router is tested against: naive search over the list of patterns,
// no tree, no shared code. Also turns bytes (of a fuzzer or a random generator) into route sets and paths, and compares
// both matchers. Owner: tests and the fuzzer. Thread: any. Lifetime: by value. Errors: check() returns a sentence,
// empty when both agree.
#pragma once
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plan/router.h"

namespace gladius::plan::oracle {

struct Route {
    http::Method method;
    std::string pattern;
    uint32_t target;
};

struct Answer {
    const Route* route = nullptr;
    std::vector<std::string> params;
};

// A pattern without its names: what decides which of two matching patterns wins.
inline std::string shape(const std::string& pattern) {
    std::string out;
    for (size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == ':') {
            out += '\xfe';  // after every byte that patterns of this file hold, before the wildcard
            while (i + 1 < pattern.size() && pattern[i + 1] != '/')
                ++i;
        } else if (pattern[i] == '*') {
            return out + '\xff';
        } else {
            out += pattern[i];
        }
    }
    return out;
}

inline bool fits(const std::string& pattern, std::string_view path, bool any_case, std::vector<std::string>& params) {
    size_t j = 0;
    for (size_t i = 0; i < pattern.size();) {
        if (pattern[i] == '*') {
            params.emplace_back(path.substr(j - 1));
            return true;
        }
        if (j == path.size()) return false;
        if (pattern[i] == ':') {
            size_t from = j;
            while (j < path.size() && path[j] != '/')
                ++j;
            params.emplace_back(path.substr(from, j - from));
            while (i < pattern.size() && pattern[i] != '/')
                ++i;
            continue;
        }
        auto a = static_cast<unsigned char>(pattern[i++]), b = static_cast<unsigned char>(path[j++]);
        if (any_case ? std::tolower(a) != std::tolower(b) : a != b) return false;
    }
    return j == path.size();
}

inline Answer match(const std::vector<Route>& routes, http::Method method, std::string_view path,
                    bool any_case = false) {
    Answer best;
    std::string best_shape;
    for (const Route& r : routes) {
        std::vector<std::string> params;
        if (r.method != method || !fits(r.pattern, path, any_case, params)) continue;
        std::string s = shape(r.pattern);
        if (best.route &&
            !std::lexicographical_compare(s.begin(), s.end(), best_shape.begin(), best_shape.end(), [](char a, char b) {
                return static_cast<unsigned char>(a) < static_cast<unsigned char>(b);
            }))
            continue;
        best = {&r, std::move(params)};
        best_shape = s;
    }
    return best;
}

// Segment by segment; the naive twin of clean_route_path().
inline std::string clean(const std::string& path) {
    std::vector<std::string> kept;
    std::string segment;
    bool slash = !path.empty() && path.back() == '/';
    for (size_t i = 0; i <= path.size(); ++i) {
        if (i < path.size() && path[i] != '/') {
            segment += path[i];
            continue;
        }
        if (segment == ".." && !kept.empty()) kept.pop_back();
        if (segment == "." && i == path.size()) slash = true;
        if (!segment.empty() && segment != "." && segment != "..") kept.push_back(segment);
        segment.clear();
    }
    std::string out;
    for (const auto& k : kept)
        out += "/" + k;
    return out.empty() || slash ? out + "/" : out;
}

inline std::string toggle(std::string p) {
    if (p.size() > 1 && p.back() == '/') {
        p.pop_back();
    } else {
        p += '/';
    }
    return p;
}

// Does the router say what can be said without its tree? A hit must be one; among fixed routes, and where a wildcard
// makes the search a full one, it must be the best. gin's walk gives up early between parameters, so there a miss is no
// fault. Empty: yes.
inline std::string check(const Router& router, const std::vector<Route>& routes, const RouterOptions& options,
                         http::Method method, const std::string& given) {
    Arena arena;
    RouteMatch m;
    router.find(method, given, arena, m);
    const std::string path = options.remove_extra_slash ? clean(given) : given;
    auto exact = [&](http::Method of) {
        bool params = false, beside = false;
        for (const Route& r : routes) {
            params |= r.method == of && r.pattern.find(':') != std::string::npos;
            beside |= r.method == of && r.pattern.find('*') != std::string::npos;
        }
        return !params || beside;
    };
    const Answer want = match(routes, method, path);
    if (m.kind == RouteMatch::found) {
        const Route& got =
            routes[0].target == m.target
                ? routes[0]
                : *std::find_if(routes.begin(), routes.end(), [&](const Route& r) { return r.target == m.target; });
        std::vector<std::string> params;
        if (got.method != method || !fits(got.pattern, path, false, params)) return "does not fit: " + got.pattern;
        if (exact(method) && &got != want.route) return "another target than " + want.route->pattern;
        if (m.param_count != params.size()) return "number of parameters";
        for (uint32_t i = 0; i < m.param_count; ++i)
            if (m.param(i) != params[i]) return "parameter " + std::to_string(i) + ": " + std::string(m.param(i));
        return {};
    }
    if (want.route && exact(method)) return "not found: " + want.route->pattern;
    for (uint32_t i = 0; i < m.param_count; ++i)
        if (path.find(m.param(i)) == std::string::npos) return "a parameter from elsewhere";
    if (m.kind == RouteMatch::redirect) {
        std::string to(m.redirect_path);
        if (to.empty() || to[0] != '/' || to.starts_with("//")) return "a Location that leads elsewhere: " + to;
        if (method == http::Method::connect || path == "/") return "a redirect that gin does not make: " + to;
        return {};
    }
    MethodSet some = 0, all = 0;
    for (const Route& r : routes) {
        all |= bit(r.method);
        if (r.method != method && exact(r.method) && match(routes, r.method, path).route) some |= bit(r.method);
    }
    if (options.disable_handle_method_not_allowed) return m.kind == RouteMatch::not_found ? "" : "a 405";
    if ((m.allowed & some) != some || (m.allowed & ~all) || (m.allowed & bit(method)))
        return "allowed: " + std::string(router.allow(m.allowed, arena));
    return {};
}

// Bytes to routes and paths from a small alphabet, so that they meet.
class Bytes {
  public:
    Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
    bool done() const { return at_ >= size_; }
    uint32_t next(uint32_t n) { return done() ? 0 : data_[at_++] % n; }
    http::Method method() {
        static constexpr http::Method kSome[] = {http::Method::get, http::Method::post, http::Method::put,
                                                 http::Method::connect};
        return kSome[next(4)];
    }
    std::string literal() {
        static constexpr std::string_view kPieces[] = {"a",  "b", "ab", "A", "aa",       "x",
                                                       "aB", ".", "..", "",  "\xc3\xa9", "abcdefghij"};
        return std::string(kPieces[next(12)]);
    }
    std::string pattern() {
        std::string p;
        for (uint32_t i = 0, n = 1 + next(5); i < n; ++i) {
            p += '/';
            uint32_t kind = next(8);
            if (kind == 7) return p + "*r";
            if (kind < 5) p += literal();
            if (kind >= 4) p += next(16) == 0 ? ":q" : ":p";
        }
        return next(6) == 0 ? p + "/" : p;
    }
    std::string path() {
        std::string p;
        for (uint32_t i = 0, n = 1 + next(6); i < n; ++i) {
            p += '/';
            for (uint32_t k = next(3); k-- > 0;)
                p += literal();
        }
        return next(5) == 0 ? p + "/" : p;
    }

  private:
    const uint8_t* data_;
    size_t size_;
    size_t at_ = 0;
};

// One route set and some paths out of `bytes`; returns the first difference.
inline std::string run(Bytes bytes) {
    RouterOptions options;
    uint32_t bits = bytes.next(64);
    if (bits < 16) {
        options.disable_redirect_trailing_slash = bits & 1;
        options.disable_redirect_fixed_path = bits & 2;
        options.disable_handle_method_not_allowed = bits & 4;
        options.remove_extra_slash = bits & 8;
    }
    std::vector<Route> routes;
    RouterBuilder builder;
    for (uint32_t i = 0, n = 1 + bytes.next(24); i < n; ++i) {
        Route r{bytes.method(), bytes.pattern(), i};
        if (builder.add(r.method, r.pattern, r.target)) routes.push_back(r);
    }
    Router router = std::move(builder).build(options);
    for (int i = 0; i < 24 && (i == 0 || !bytes.done()); ++i) {
        http::Method method = bytes.method();
        std::string path = bytes.path();
        std::string wrong = check(router, routes, options, method, path);
        if (wrong.empty()) continue;
        wrong += "\npath " + path + " method " + std::to_string(static_cast<int>(method)) + " options " +
                 std::to_string(bits) + "\nroutes";
        for (const Route& r : routes)
            wrong += "\n  " + std::to_string(static_cast<int>(r.method)) + " " + r.pattern;
        return wrong;
    }
    return {};
}

}  // namespace gladius::plan::oracle
