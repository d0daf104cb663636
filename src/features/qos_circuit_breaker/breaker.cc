#include "features/qos_circuit_breaker/breaker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/exchange.h"
#include "features/qos_circuit_breaker/circuit.h"

namespace gladius::features {

namespace {

using breaker::Change;
using breaker::Circuit;
using breaker::Rules;
using breaker::State;
using engine::Exchange;

struct Config {
    std::shared_ptr<Circuit> circuit;
    Rules rules;
    std::string name;
    bool logs = false;
};

std::string_view name_of(State s) {
    return s == State::closed ? "closed" : s == State::open ? "open" : "half-open";
}

void tell(const Config& c, const Change& change, Exchange& ex) {
    if (!c.logs || !change.happened()) return;
    ex.w.log()->write(telemetry::Level::warning, "[CB]",
                      fmt::format("Circuit breaker named '{}' went from '{}' to '{}'", c.name, name_of(change.from),
                                  name_of(change.to)));
}

std::string_view enter(const void* config, Exchange& ex, uint64_t& ticket) {
    const auto& c = *static_cast<const Config*>(config);
    Change change;
    Circuit::Answer answer = c.circuit->enter(c.rules, ex.w.loop.now_ns(), ticket, change);
    tell(c, change, ex);
    switch (answer) {
        case Circuit::Answer::open:
            return "circuit breaker is open";
        case Circuit::Answer::too_many:
            return "too many requests";
        case Circuit::Answer::pass:
            break;
    }
    return {};
}

void leave(const void* config, Exchange& ex, uint64_t ticket, plan::CallEnd end) {
    const auto& c = *static_cast<const Config*>(config);
    Change change;
    uint64_t now = ex.w.loop.now_ns();
    switch (end) {
        case plan::CallEnd::good:
            c.circuit->succeeded(c.rules, now, ticket, change);
            break;
        case plan::CallEnd::failed:
            c.circuit->failed(c.rules, now, ticket, change);
            break;
        case plan::CallEnd::unjudged:
            c.circuit->unjudged(c.rules, now, ticket, change);
            break;
    }
    tell(c, change, ex);
}

struct BreakerOptions {
    double interval = 0, timeout = 0, max_errors = 0;
    std::string name;
    bool log_status_change = false;
};

constexpr conf::Field kFields[] = {
    conf::field<&BreakerOptions::interval>(
        "interval", "0", "Seconds after which failures are forgotten; 0: only a success forgets them."),
    conf::field<&BreakerOptions::timeout>("timeout", "60", "Seconds that it stays open; 0 is 60."),
    conf::field<&BreakerOptions::max_errors>("max_errors", "0", "Failures in a row that it forgives."),
    conf::field<&BreakerOptions::name>("name", "", "Its name in the log."),
    conf::field<&BreakerOptions::log_status_change>("log_status_change", "false", "Logs when it opens and closes."),
};
constexpr conf::FieldTable kTable{"qos/circuit-breaker", kFields, conf::Reading::exact};

uint64_t nanoseconds(double seconds) {
    return static_cast<uint64_t>(std::trunc(std::clamp(seconds, 0.0, 9e9))) * 1'000'000'000;
}

void compile(const conf::Node& config, plan::BackendBuilder& builder) {
    BreakerOptions o;
    conf::Diagnostics said_while_loading;
    conf::Reader(said_while_loading).read(config, kTable, &o);
    double interval = std::trunc(o.interval), timeout = std::trunc(o.timeout), max_errors = std::trunc(o.max_errors);
    if (interval == 0 && timeout == 0 && max_errors == 0 && o.name.empty() && !o.log_status_change)
        return builder.left_out(config, "without a value it does nothing",
                                "write \"interval\", \"timeout\" and \"max_errors\"");
    if (max_errors < 0)
        builder.left_out(config.find("max_errors"), "below 0 it never opens, as in the reference",
                         "write how many failures in a row are forgiven");
    auto c = std::make_shared<Config>();
    c->rules.interval_ns = nanoseconds(interval);
    if (timeout > 0) c->rules.timeout_ns = nanoseconds(timeout);
    c->rules.max_errors = max_errors < 0 || max_errors >= 4294967295.0 ? UINT32_MAX : static_cast<uint32_t>(max_errors);
    c->name = o.name;
    c->logs = o.log_status_change;
    c->circuit = builder.state<Circuit>(
        fmt::format("{} {} {} {}", builder.identity, c->rules.interval_ns, c->rules.timeout_ns, c->rules.max_errors));
    builder.add(plan::BackendGate{.config = std::move(c), .enter = &enter, .leave = &leave});
}

}  // namespace

const plan::Feature qos_circuit_breaker = {
    .info = {.name = "qos/circuit-breaker",
             .alias = "github.com/devopsfaith/krakend-circuitbreaker/gobreaker",
             .levels = static_cast<uint8_t>(conf::Level::backend),
             .posture = conf::Posture::shaping,
             .built = true,
             .fields = &kTable},
    .compile_backend = &compile,
};

}  // namespace gladius::features
