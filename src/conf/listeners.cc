#include "conf/listeners.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <unordered_map>

#include "conf/url.h"

namespace gladius::conf {

namespace {

constexpr size_t kMaxListeners = 64;
constexpr std::string_view kWho = "gladius/listeners: ";

class Checker {
  public:
    Checker(Service& service, Diagnostics& diagnostics) : s_(service), diagnostics_(diagnostics) {}

    void run() {
        ListenersOptions& o = s_.listeners;
        tls_ = s_.tls && !s_.tls->disabled;
        if (!o.main.disabled) {
            names_.emplace("main", 0);
            places_.emplace(place_of(s_.listen_ip, s_.port), "the main listener");
        }
        proxy("the main listener", o.main.node, o.main.proxy_protocol, o.main.trusted, false);
        if (o.more.size() > kMaxListeners) {
            error(o.more[kMaxListeners].node, fmt::format("{} listeners, {} are allowed", o.more.size(), kMaxListeners),
                  "an address without one listens on all addresses of the machine");
            o.more.resize(kMaxListeners);
        }
        if (o.main.disabled && o.more.empty())
            error(o.main.node, "\"main\" is disabled and \"more\" is empty: nobody could connect",
                  "add a listener to \"more\"");
        for (ListenerOptions& l : o.more)
            listener(l);
    }

  private:
    static std::string place_of(std::string_view ip, int64_t port) {
        bool any = ip.empty() || ip == "0.0.0.0" || ip == "::";
        return fmt::format("{}:{}", any ? "*" : ip, port);
    }
    static Node at(const Node& object, std::string_view key) {
        Node n = object.find(key);
        return n ? n : object;
    }
    void error(const Node& at, std::string_view message, std::string advice) {
        diagnostics_.add(Severity::error, at ? at.place() : Place{}, std::string(kWho) + std::string(message),
                         std::move(advice));
    }

    void proxy(std::string_view who, const Node& node, bool on, const std::vector<std::string>& trusted, bool local) {
        if (!on && !trusted.empty())
            error(at(node, "trusted"), fmt::format("{}: \"trusted\" has a meaning only with proxy_protocol", who),
                  "add \"proxy_protocol\": true, or take it away (whose X-Forwarded-For is believed is said by "
                  "trusted_proxies of \"router\")");
        if (on && trusted.empty() && !local)
            error(at(node, "proxy_protocol"),
                  fmt::format("{}: proxy_protocol without \"trusted\": anybody could claim any address", who),
                  "name the load balancers: \"trusted\": [\"10.0.0.0/8\"]");
        if (local && !trusted.empty())
            error(at(node, "trusted"), fmt::format("{}: peers of a unix socket have no address", who),
                  "leave it out: the permissions of the socket say who may connect");
        for (const std::string& t : trusted)
            if (!is_ip_or_cidr(t))
                error(at(node, "trusted"), fmt::format("{}: \"{}\" in trusted is no address and no network", who, t),
                      "write an address such as 10.0.0.1 or a network such as 10.0.0.0/8");
    }

    void listener(ListenerOptions& l) {
        bool local = !l.path.empty();
        std::string place = local ? "unix:" + l.path : place_of(l.address, l.port);
        if (local)
            unix_socket(l);
        else
            tcp(l);
        if (auto [it, fresh] = places_.emplace(place, "another listener"); !fresh)
            error(l.node, fmt::format("{} is listened on by {} already", place, it->second),
                  "give it a place of its own");
        if (l.name.empty()) {
            l.name = local ? l.path : (l.address.empty() ? "" : l.address) + ":" + std::to_string(l.port);
        } else {
            bool fits = l.name.size() <= 64 && std::all_of(l.name.begin(), l.name.end(), [](char c) {
                            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                   c == '_' || c == '-' || c == '.';
                        });
            if (!fits)
                error(at(l.node, "name"), "a name is made of 1 to 64 letters, digits, '.', '_' and '-'",
                      "such as \"internal\"");
            if (!names_.emplace(l.name, 0).second || l.name == "main")
                error(at(l.node, "name"), fmt::format("there is a listener \"{}\" already", l.name),
                      "give it a name of its own");
        }
        proxy(fmt::format("listener {}", l.name), l.node, l.proxy_protocol, l.trusted, local);
        if (!l.tls) l.tls = tls_;
        if (*l.tls && !tls_)
            error(at(l.node, "tls"), fmt::format("listener {}: \"tls\" without keys", l.name),
                  "give certificates in the root's \"tls\"");
        if (!*l.tls && tls_ && s_.tls->enable_mtls)
            diagnostics_.add(Severity::warning, at(l.node, "tls").place(),
                             fmt::format("{}listener {} is served without the client certificates that tls.enable_mtls "
                                         "asks for",
                                         kWho, l.name),
                             "take \"tls\": false away, unless everybody who reaches it may use every endpoint");
    }

    void tcp(ListenerOptions& l) {
        if (!l.address.empty() && !is_ip(l.address))
            error(at(l.node, "address"), fmt::format("invalid ip address {}", l.address),
                  "write an address such as 127.0.0.1, or leave it out to listen on all");
        if (l.port == 0)
            error(l.node, "a listener needs a \"port\", or the \"path\" of a unix socket",
                  "such as \"port\": 9090, or \"path\": \"/run/gladius/http.sock\"");
        if (l.node.find("mode"))
            error(at(l.node, "mode"), "\"mode\" is for unix sockets", "take it away, or give a \"path\"");
    }

    void unix_socket(ListenerOptions& l) {
        if (l.port || !l.address.empty())
            error(at(l.node, "path"), "a listener has a \"path\", or an address and a port",
                  "make two listeners of it");
        if (l.path[0] != '/' || l.path.size() >= sizeof(sockaddr_un::sun_path) ||
            l.path.find('\0') != std::string::npos)
            error(at(l.node, "path"),
                  fmt::format("the path of a unix socket begins with a slash and has at most {} bytes",
                              sizeof(sockaddr_un::sun_path) - 1),
                  "such as /run/gladius/http.sock");
        if (!parse_mode(l.mode))
            error(at(l.node, "mode"), fmt::format("\"{}\" are no permissions", l.mode.substr(0, 20)),
                  "write them in octal: \"0660\" is for the owner and the group");
    }

    Service& s_;
    Diagnostics& diagnostics_;
    bool tls_ = false;
    std::unordered_map<std::string, int> names_;
    std::unordered_map<std::string, std::string> places_;
};

}  // namespace

void check_listeners(Service& service, Diagnostics& diagnostics) {
    Checker(service, diagnostics).run();
}

std::optional<uint32_t> parse_mode(std::string_view text) {
    if (text.size() < 3 || text.size() > 4) return {};
    uint32_t mode = 0;
    for (char c : text) {
        if (c < '0' || c > '7') return {};
        mode = mode * 8 + static_cast<uint32_t>(c - '0');
    }
    if (mode > 0777) return {};
    return mode;
}

}  // namespace gladius::conf
