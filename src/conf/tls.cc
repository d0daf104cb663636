#include "conf/tls.h"

#include <fmt/format.h>

#include <algorithm>

#include "conf/scalar.h"

namespace gladius::conf {

using net::TlsName;
using net::TlsSpec;

namespace {

// Unknown names and none mean 1.3, as in the reference. What is older than 1.0 is not spoken by anybody.
uint16_t version_of(std::string_view name) {
    if (name == "TLS12") return TlsSpec::kTls12;
    if (name == "TLS11") return 0x0302;
    if (name == "TLS10" || name == "SSL3.0") return TlsSpec::kTls10;
    return TlsSpec::kTls13;
}

bool equal_fold(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
        return low(x) == low(y);
    });
}

template <size_t N>
const TlsName* find(const TlsName (&table)[N], const Node& n) {
    auto id = parse_integer(n.text());
    for (const TlsName& t : table)
        if (id ? t.id == *id : equal_fold(t.name, n.text()) || equal_fold(t.library, n.text())) return &t;
    return nullptr;
}

struct Builder {
    std::string_view where;
    Diagnostics& diagnostics;

    void warn(const Node& n, std::string message, std::string advice) {
        diagnostics.add(Severity::warning, n.place(), fmt::format("{}: {}", where, message), std::move(advice));
    }

    // One value stands for a list of one, as everywhere.
    template <class F>
    void each(const Node& list, F f) {
        if (list.is(Kind::array)) {
            for (Node n : list.elements())
                f(n);
        } else if (list) {
            f(list);
        }
    }

    void suites(const Node& list, TlsSpec& out) {
        if (list.size() == 0 && !(list && !list.is(Kind::array))) {
            for (const TlsName& t : net::kTlsSuites)
                if (t.usual) out.suites.push_back(t.id);
            return;
        }
        std::vector<uint16_t> asked;
        each(list, [&](const Node& n) {
            if (find(net::kTls13Suites, n)) return;
            const TlsName* t = find(net::kTlsSuites, n);
            if (t && !t->library.empty())
                asked.push_back(t->id);
            else
                warn(n,
                     fmt::format("the cipher suite {} is {} and is left out", n.text(),
                                 t ? "not safe any more" : "not known"),
                     "use the numbers of docs/tls.md, such as 49199");
        });
        // The order is not the file's: as in the reference, it says which suites, not which one first.
        for (const TlsName& t : net::kTlsSuites)
            if (std::find(asked.begin(), asked.end(), t.id) != asked.end()) out.suites.push_back(t.id);
        if (out.suites.empty() && out.min_version < TlsSpec::kTls13)
            warn(list, "none of the cipher suites is of TLS 1.2: only TLS 1.3 is spoken",
                 "add suites such as 49195 and 49199, or leave \"cipher_suites\" out");
    }

    void groups(const Node& list, TlsSpec& out) {
        each(list, [&](const Node& n) {
            if (const TlsName* t = find(net::kTlsGroups, n))
                out.groups.push_back(t->id);
            else
                warn(n, fmt::format("the curve {} is not known and is left out", n.text()),
                     "use 29 (X25519), 23 (P-256), 24 (P-384) or 25 (P-521)");
        });
        if (out.groups.empty() && list.size() > 0)
            diagnostics.add(Severity::error, list.place(),
                            fmt::format("{}: none of the curves of \"curve_preferences\" is known", where),
                            "use 29 (X25519), 23 (P-256), 24 (P-384) or 25 (P-521)");
    }

    template <class T>
    void common(const T& tls, TlsSpec& out) {
        out.min_version = version_of(tls.min_version);
        out.max_version = version_of(tls.max_version);
        if (out.min_version > out.max_version)
            warn(tls.node,
                 "\"max_version\" is older than \"min_version\" (TLS13 unless it is set): no handshake succeeds",
                 "set \"min_version\" too");
        suites(tls.cipher_suites, out);
        groups(tls.curve_preferences, out);
        out.ca_files = tls.ca_certs;
        out.system_cas = !tls.disable_system_ca_pool;
    }
};

}  // namespace

net::TlsServerSpec tls_server_spec(const Tls& tls, Diagnostics& diagnostics) {
    net::TlsServerSpec out;
    Builder b{"tls", diagnostics};
    b.common(tls, out);
    out.client_certificates = tls.enable_mtls;
    for (const KeyPair& k : tls.keys)
        out.keys.push_back({k.public_key, k.private_key, k.ocsp_response});
    if (!tls.public_key.empty() || !tls.private_key.empty()) out.keys.push_back({tls.public_key, tls.private_key, {}});
    return out;
}

net::TlsClientSpec tls_client_spec(const ClientTls& tls, std::string_view where, Diagnostics& diagnostics) {
    net::TlsClientSpec out;
    Builder b{where, diagnostics};
    b.common(tls, out);
    out.verify = !tls.allow_insecure_connections;
    for (const ClientCert& c : tls.client_certs)
        out.keys.push_back({c.certificate, c.private_key, {}});
    return out;
}

net::TlsClientSpec default_tls_client_spec() {
    net::TlsClientSpec out;
    out.min_version = TlsSpec::kTls12;
    for (const TlsName& t : net::kTlsSuites)
        if (t.usual) out.suites.push_back(t.id);
    return out;
}

}  // namespace gladius::conf
