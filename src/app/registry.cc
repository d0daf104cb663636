#include "app/registry.h"

#include <vector>

#include "features/modifier_martian/martian.h"
#include "features/plugin_ip_filter/ip_filter.h"
#include "features/qos_circuit_breaker/breaker.h"
#include "features/qos_ratelimit/ratelimit.h"
#include "features/security_bot_detector/bots.h"
#include "features/security_cors/cors.h"
#include "features/security_http/secure.h"
#include "features/websocket/websocket.h"

namespace gladius::app {

namespace {

// The order within one phase is the order here. The core reads router, telemetry/logging, backend/http and gladius/*
// itself.
const std::vector<const plan::Feature*>& list() {
    // clang-format off
    static const std::vector<const plan::Feature*> all = {
        &features::security_cors,
        &features::plugin_ip_filter,
        &features::security_http,
        &features::security_bot_detector,
        &features::qos_ratelimit_service,
        &features::qos_ratelimit_tiered,
        &features::qos_ratelimit_router,
        &features::gladius_ratelimit,
        &features::qos_circuit_breaker,  // counts what the limit of its backend refuses, as in the reference
        &features::qos_ratelimit_proxy,
        &features::modifier_martian,
        &features::websocket,
    };
    // clang-format on
    return all;
}

}  // namespace

plan::Features features() {
    return list();
}

std::span<const conf::NamespaceInfo> feature_namespaces() {
    static const std::vector<conf::NamespaceInfo> rows = [] {
        std::vector<conf::NamespaceInfo> out;
        for (const plan::Feature* f : list())
            out.push_back(f->info);
        return out;
    }();
    return rows;
}

}  // namespace gladius::app
