#include "app/registry.h"

#include <vector>

#include "features/modifier_martian/martian.h"
#include "features/security_bot_detector/bots.h"
#include "features/security_cors/cors.h"
#include "features/security_http/secure.h"
#include "features/websocket/websocket.h"

namespace gladius::app {

namespace {

// The order within one phase is the order here. The core reads router, telemetry/logging, backend/http and gladius/*
// itself.
const std::vector<const plan::Feature*>& list() {
    static const std::vector<const plan::Feature*> all = {
        &features::security_cors,    &features::security_http, &features::security_bot_detector,
        &features::modifier_martian, &features::websocket,
    };
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
