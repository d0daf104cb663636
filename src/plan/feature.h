// Purpose: the extension contract: what a folder below src/features gives to the program. The engine and this library
// know no feature by name; app/registry.cc lists them, one line each, and hands the list to conf (names, fields,
// posture) and to compile() (stages). Owner: each feature has one constant Feature. Thread: compile functions run on
// the control thread, stages on workers. Lifetime: as the program. Errors: a compile function adds diagnostics; an
// error keeps the configuration from being used.
//   const Feature auth_basic = {.info = {.name = "auth/basic", .levels = Level::endpoint, .posture =
//   Posture::protective, .built = true, .fields = &kTable},
//                               .compile_endpoint = &compile};
#pragma once
#include <span>
#include <string>
#include <vector>

#include "conf/config.h"
#include "conf/diagnostic.h"
#include "conf/namespaces.h"
#include "plan/plan.h"

namespace gladius::plan {

// What a compile function works on: the endpoint as it is written, and its plan.
struct EndpointBuilder {
    const conf::Endpoint& endpoint;
    EndpointPlan& plan;
    conf::Diagnostics& diagnostics;

    // Adds a stage; stages run in the order of their phases, and within one in the order of the registry.
    void add(Phase phase, Stage stage) {
        stage.phase = phase;
        auto at = plan.pre.begin();
        while (at != plan.pre.end() && at->phase <= phase)
            ++at;
        plan.pre.insert(at, std::move(stage));
    }
    void error(const conf::Node& where, std::string message, std::string advice = {}) {
        diagnostics.add(conf::Severity::error, where.place(), std::move(message), std::move(advice));
    }
};

// The same for one backend.
struct BackendBuilder {
    const conf::Endpoint& endpoint;
    const conf::Backend& backend;
    BackendPlan& plan;
    conf::Diagnostics& diagnostics;
    std::vector<std::string> other_hosts = {};  // see also_calls()

    // A place, "http://name:port", where a stage may send the request: its connections are kept like those of `host`.
    void also_calls(std::string url) { other_hosts.push_back(std::move(url)); }
    void add(BackendStage stage) {
        plan.reads_body |= stage.reads_body;
        plan.stages.push_back(std::move(stage));
    }
    // For what the reference leaves out and goes on: said at start, and an error of `check --lint`.
    void left_out(const conf::Node& where, std::string message, std::string advice = {}) {
        diagnostics.add(conf::Severity::warning, where.place(), std::move(message), std::move(advice));
    }
};

struct Feature {
    conf::NamespaceInfo info;
    // `config` is the value of the namespace at an endpoint. nullptr: it does nothing there.
    void (*compile_endpoint)(const conf::Node& config, EndpointBuilder& builder) = nullptr;
    // The same at a backend.
    void (*compile_backend)(const conf::Node& config, BackendBuilder& builder) = nullptr;
};

using Features = std::span<const Feature* const>;

}  // namespace gladius::plan
