// Input: a line of allowed headers, a line of allowed origins, a line with an origin, and lines that are the values of
// Access-Control-Request-Headers. What is allowed must be made of allowed names, sorted and once, and an allowed origin
// must begin and end as one of the list.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/assert.h"
#include "features/security_cors/policy.h"

namespace gladius::features::cors {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> out;
    for (;;) {
        size_t end = text.find(at);
        out.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return out;
        text.remove_prefix(end + 1);
    }
}

std::string small(std::string_view s) {
    std::string out(s);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 32);
    return out;
}

void check_headers(const Options& o, const std::vector<std::string_view>& values) {
    std::string last;
    for (std::string_view value : values) {
        for (std::string_view name : split(value, ',')) {
            while (!name.empty() && (name.front() == ' ' || name.front() == '\t'))
                name.remove_prefix(1);
            while (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
                name.remove_suffix(1);
            if (name.empty()) continue;
            bool known = false;
            for (const std::string& allowed : o.allow_headers)
                known |= small(allowed) == name;
            GL_CHECK(known && last < name);
            last = name;
        }
    }
}

void run(std::string_view input) {
    std::vector<std::string_view> lines = split(input, '\n');
    if (lines.size() < 3) return;
    Options o;
    for (std::string_view name : split(lines[0], ','))
        o.allow_headers.emplace_back(name);
    for (std::string_view origin : split(lines[1], ','))
        o.allow_origins.emplace_back(origin);
    Policy p(o);
    std::vector<std::string_view> values(lines.begin() + 3, lines.end());
    bool every = false;
    for (const std::string& name : o.allow_headers)
        every |= name == "*";
    if (p.allows_headers(values) && !every) check_headers(o, values);
    if (!p.allows_origin(lines[2]) || p.every_origin()) return;
    bool fits = false;
    std::string origin = small(lines[2]);
    for (const std::string& allowed : o.allow_origins) {
        std::string a = small(allowed);
        size_t star = a.find('*');
        fits |= star == std::string::npos
                    ? a == origin
                    : origin.starts_with(a.substr(0, star)) && origin.ends_with(a.substr(star + 1));
    }
    GL_CHECK(fits);
}

}  // namespace
}  // namespace gladius::features::cors

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    gladius::features::cors::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
