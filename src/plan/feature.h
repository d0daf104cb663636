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

#include "base/assert.h"
#include "conf/config.h"
#include "conf/diagnostic.h"
#include "conf/namespaces.h"
#include "plan/plan.h"
#include "plan/state.h"

namespace gladius::plan {

// What every compile function has: its feature, where it stands, what to say, and what it remembers.
struct Builder {
    const conf::NamespaceInfo& feature;
    std::string where;  // "endpoint GET /guarded: "; empty at the service
    conf::Diagnostics& diagnostics;
    const RouterPlan& router;
    bool allow_unsupported = false;
    StateStore* states = nullptr;  // null: nothing outlives this plan
    uint64_t generation = 1;       // of the plan

    // A protection that cannot be built: it is not served without, unless the operator asked for that.
    void refuse(const conf::Node& at, const std::string& message, std::string advice) {
        if (allow_unsupported)
            say(conf::Severity::warning, at, message + " (--allow-unsupported: it is served without)",
                std::move(advice));
        else
            say(conf::Severity::error, at, message, std::move(advice));
    }
    // What can never work, protection or not.
    void error(const conf::Node& at, const std::string& message, std::string advice) {
        say(conf::Severity::error, at, message, std::move(advice));
    }
    // For what the reference leaves out and goes on: said at start, and an error of `check --lint`.
    void left_out(const conf::Node& at, const std::string& message, std::string advice = {}) {
        say(conf::Severity::warning, at, message, std::move(advice));
    }
    // For what works as the reference does, where better is one setting away.
    void note(const conf::Node& at, const std::string& message, std::string advice) {
        say(conf::Severity::note, at, message, std::move(advice));
    }
    // The same where one is enough, however many places there are.
    void note_once(const conf::Node& at, const std::string& message, std::string advice) {
        for (const conf::Diagnostic& d : diagnostics.all())
            if (d.message == message) return;
        diagnostics.add(conf::Severity::note, at.place(), message, std::move(advice));
    }
    // State that outlives the plan: what another generation made under this name, or a new one.
    template <class T>
    std::shared_ptr<T> state(const std::string& name) {
        return states ? states->get<T>(std::string(feature.name) + " " + name) : std::make_shared<T>();
    }

  private:
    void say(conf::Severity severity, const conf::Node& at, const std::string& message, std::string advice) {
        diagnostics.add(severity, at.place(), where + "\"" + std::string(feature.name) + "\": " + message,
                        std::move(advice));
    }
};

inline void add_stage(std::vector<Stage>& list, Phase phase, Stage stage, const conf::NamespaceInfo& feature) {
    stage.phase = phase;
    stage.name = feature.name;
    auto at = list.begin();
    while (at != list.end() && at->phase <= phase)
        ++at;
    list.insert(at, std::move(stage));
}

// What works for every request: what the service says, and what an endpoint needs from there.
struct ServiceBuilder : Builder {
    const conf::Service& service;
    RouterPlan& plan;

    // Adds a stage; stages run in the order of their phases, and within one in the order of the registry.
    void add(Phase phase, Stage stage) {
        GL_ASSERT(phase < Phase::endpoint_origin);
        add_stage(phase <= Phase::server_plugins ? plan.before_routing : plan.after_routing, phase, std::move(stage),
                  feature);
    }
};

// What a compile function works on: the endpoint as it is written, and its plan.
struct EndpointBuilder : Builder {
    const conf::Endpoint& endpoint;
    EndpointPlan& plan;
    ServiceBuilder& service;

    void add(Phase phase, Stage stage) {
        GL_ASSERT(phase >= Phase::endpoint_origin);
        add_stage(plan.pre, phase, std::move(stage), feature);
    }
};

// The same for one backend.
struct BackendBuilder : Builder {
    const conf::Endpoint& endpoint;
    const conf::Backend& backend;
    BackendPlan& plan;
    std::string identity;                       // names this backend among those of all plans, for its state
    std::vector<std::string> other_hosts = {};  // see also_calls()

    // A place, "http://name:port", where a stage may send the request: its connections are kept like those of `host`.
    void also_calls(std::string url) { other_hosts.push_back(std::move(url)); }
    void add(BackendStage stage) {
        plan.reads_body |= stage.reads_body;
        plan.stages.push_back(std::move(stage));
    }
    void add(BackendGate gate) { plan.gates.push_back(std::move(gate)); }
};

struct Feature {
    conf::NamespaceInfo info;
    // `config` is the value of the namespace at the service. nullptr: it does nothing there.
    void (*compile_service)(const conf::Node& config, ServiceBuilder& builder) = nullptr;
    // The same at an endpoint, after the service.
    void (*compile_endpoint)(const conf::Node& config, EndpointBuilder& builder) = nullptr;
    // The same at a backend.
    void (*compile_backend)(const conf::Node& config, BackendBuilder& builder) = nullptr;
};

using Features = std::span<const Feature* const>;

}  // namespace gladius::plan
