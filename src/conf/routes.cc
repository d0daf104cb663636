#include "conf/routes.h"

#include <fmt/format.h>

#include <unordered_map>

namespace gladius::conf {

namespace {

struct Seen {
    std::string_view name;
    const Endpoint* first;
};

class RouteCheck {
  public:
    RouteCheck(const Service& service, Severity severity) : service_(service), severity_(severity) {}

    Diagnostics run() {
        for (const Endpoint& e : service_.endpoints) {
            if (e.is_routed) endpoint(e);
        }
        return std::move(out_);
    }

  private:
    void say(const Endpoint& e, std::string message, std::string advice) {
        if (out_.full(severity_)) return out_.count_only(severity_);
        Node n = e.node.find("endpoint");
        out_.add(severity_, (n ? n : e.node).place(), std::move(message), std::move(advice));
    }

    static std::string line_of(const Endpoint& e) { return fmt::format("line {}", e.node.place().line); }

    void endpoint(const Endpoint& e) {
        if (e.method == "GET" && !service_.router.disable_health && e.path == service_.router.health_path) {
            say(e, fmt::format("handlers are already registered for path '{}': it is the health endpoint", e.path),
                "use another path, or set router.health_path");
            return;
        }
        // Wildcards of a path, front to back: what stands before each decides whether two of them meet.
        std::string_view path = e.path;
        bool wild = false;
        for (size_t i = 0; i < path.size(); ++i) {
            if (path[i] == '/') {
                wild = false;
                continue;
            }
            if (path[i] != ':') continue;
            size_t end = std::min(path.find('/', i), path.size());
            std::string_view name = path.substr(i, end - i);
            if (wild || name.find(':', 1) != std::string_view::npos) {
                say(e,
                    fmt::format("only one wildcard per path segment is allowed, has: '{}' in path '{}'",
                                path.substr(i, end - i), path),
                    "put each parameter into a segment of its own");
                return;
            }
            if (name.size() == 1) {
                say(e, fmt::format("wildcards must be named with a non-empty name in path '{}'", path),
                    "write a parameter as {name}");
                return;
            }
            wild = true;
            std::string key = fmt::format("{} {}", e.method, path.substr(0, i));
            auto [it, fresh] = wildcards_.try_emplace(std::move(key), Seen{name, &e});
            if (!fresh && it->second.name != name) {
                say(e,
                    fmt::format(
                        "'{}' in new path '{}' conflicts with existing wildcard '{}' in existing prefix '{}{}' ({})",
                        name, path, it->second.name, path.substr(0, i), it->second.name, line_of(*it->second.first)),
                    fmt::format("one position has one name: write {{{}}} in both", it->second.name.substr(1)));
                return;
            }
        }
        auto [it, fresh] = paths_.try_emplace(fmt::format("{} {}", e.method, path), &e);
        if (!fresh) {
            say(e,
                fmt::format("handlers are already registered for path '{}': {} {} stands in {} too", path, e.method,
                            e.endpoint, line_of(*it->second)),
                "remove one of the two endpoints");
        }
    }

    const Service& service_;
    Severity severity_;
    Diagnostics out_;
    std::unordered_map<std::string, const Endpoint*> paths_;
    std::unordered_map<std::string, Seen> wildcards_;
};

}  // namespace

Diagnostics find_route_conflicts(const Service& service, Severity severity) {
    return RouteCheck(service, severity).run();
}

}  // namespace gladius::conf
