#include "features/qos_ratelimit/ratelimit.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "conf/scalar.h"
#include "engine/exchange.h"
#include "engine/handle.h"
#include "engine/respond.h"
#include "features/qos_ratelimit/client_table.h"
#include "features/qos_ratelimit/shared_bucket.h"
#include "net/socket.h"

namespace gladius::features {

namespace {

using engine::Exchange;
using plan::Verdict;
using ratelimit::ClientTable;
using ratelimit::Rate;
using ratelimit::SharedBucket;
using ratelimit::Taken;

constexpr std::string_view kRefused = "rate limit exceded";  // as the reference spells it

// --- requests
// ----------------------------------------------------------------------------------------------------------------------

struct AllLimit {
    std::shared_ptr<SharedBucket> bucket;
    Rate rate;
    bool shown = false;  // in the answer's head
};

enum class Strategy : uint8_t { ip, header, param };

struct ClientLimit {
    std::shared_ptr<ClientTable> table;
    Rate rate;
    ClientTable::Patience patience;
    Strategy strategy = Strategy::ip;
    std::string key;     // a header, in canonical spelling; empty: none
    int32_t param = -1;  // its index in the path; -1: there is none
    bool shown = false;
};

uint64_t whole_seconds(uint64_t ns) {
    return (ns + 999'999'999) / 1'000'000'000;
}

// Of several limits the one that has least left is shown.
void show(Exchange& ex, const Rate& rate, const Taken& taken) {
    engine::DraftHeaders& out = ex.answer_headers();
    std::string_view before = out.get("Ratelimit-Remaining");
    uint64_t left = UINT64_MAX;
    std::from_chars(before.data(), before.data() + before.size(), left);
    if (taken.ok && left <= taken.left) return;
    auto number = [&](uint64_t n) { return ex.arena.copy(std::to_string(n)); };
    out.set("Ratelimit-Limit", number(rate.capacity));
    out.set("Ratelimit-Remaining", number(taken.left));
    out.set("Ratelimit-Reset", number(whole_seconds(taken.wait_ns)));
    if (!taken.ok) out.set("Retry-After", number(whole_seconds(taken.wait_ns)));
}

Verdict decide(Exchange& ex, const Taken& taken, const Rate& rate, bool shown, int status) {
    if (shown) show(ex, rate, taken);
    if (taken.ok) return Verdict::next;
    ex.add_error(kRefused);
    return engine::refuse_request(ex, status);
}

Verdict run_all(const void* config, Exchange& ex) {
    const auto& limit = *static_cast<const AllLimit*>(config);
    return decide(ex, limit.bucket->take(limit.rate, ex.w.loop.now_ns()), limit.rate, limit.shown, 503);
}

// The first address of a list, without a port; empty when it is none (an IPv6 address never is: its colons look like a
// port).
std::string_view first_address(std::string_view list) {
    std::string_view first = list.substr(0, list.find(','));
    while (!first.empty() && (first.front() == ' ' || first.front() == '\t'))
        first.remove_prefix(1);
    while (!first.empty() && (first.back() == ' ' || first.back() == '\t'))
        first.remove_suffix(1);
    first = first.substr(0, first.find(':'));
    net::Address parsed;
    return net::parse_ip(first, 0, parsed) ? first : std::string_view();
}

std::string_view client_of(const ClientLimit& limit, Exchange& ex) {
    switch (limit.strategy) {
        case Strategy::header:
            return limit.key.empty() ? std::string_view() : ex.header(limit.key);
        case Strategy::param:
            return limit.param < 0 ? std::string_view() : ex.match.param(static_cast<uint32_t>(limit.param));
        case Strategy::ip:
            break;
    }
    if (!limit.key.empty()) {
        if (std::string_view said = first_address(ex.header(limit.key)); !said.empty()) return said;
    }
    if (ex.client_ip.empty()) ex.client_ip = engine::find_client_ip(ex);
    return ex.client_ip;
}

Verdict run_client(const void* config, Exchange& ex) {
    const auto& limit = *static_cast<const ClientLimit*>(config);
    std::string_view client = client_of(limit, ex);
    if (client.empty()) {  // nobody: it has no tokens at all
        ex.add_error(kRefused);
        return engine::refuse_request(ex, 429);
    }
    Taken taken = limit.table->take(client, limit.rate, limit.patience, ex.w.loop.now_ns(), ex.w.budget());
    return decide(ex, taken, limit.rate, limit.shown, 429);
}

// Plans of clients: the first that fits has the limits.
struct Tier {
    std::string value;  // of the header
    bool fits_all = false;
    std::shared_ptr<const ClientLimit> client;
    std::shared_ptr<const AllLimit> all;
};

struct Tiers {
    std::string header;  // in canonical spelling
    std::vector<Tier> list;
};

Verdict run_tiers(const void* config, Exchange& ex) {
    const auto& tiers = *static_cast<const Tiers*>(config);
    std::string_view value = ex.header(tiers.header);
    for (const Tier& t : tiers.list) {
        if (!t.fits_all && t.value != value) continue;
        Verdict v = t.client ? run_client(t.client.get(), ex) : Verdict::next;
        return v == Verdict::next && t.all ? run_all(t.all.get(), ex) : v;
    }
    return Verdict::next;
}

// --- what is written
// ----------------------------------------------------------------------------------------------------------------------

struct LimitOptions {
    conf::Node node;
    double max_rate = 0, client_max_rate = 0;
    double capacity = 0, client_capacity = 0;
    conf::Node every, cleanup_period;
    std::string strategy, key;
    double num_shards = 0, cleanup_threads = 0;
};

constexpr conf::Field duration_field(conf::Field f) {
    return f.with([](conf::Field& copy) { copy.type = conf::FieldType::duration; });
}

constexpr conf::Field kFields[] = {
    conf::field<&LimitOptions::max_rate>("max_rate", "0",
                                         "Requests of all together in the time of `every`; 0: no limit."),
    conf::field<&LimitOptions::capacity>(
        "capacity", "", "How many at once; by default as many as may come in a second, and at least one."),
    conf::field<&LimitOptions::client_max_rate>("client_max_rate", "0",
                                                "Requests of each client in the time of `every`; 0: no limit."),
    conf::field<&LimitOptions::client_capacity>(
        "client_capacity", "",
        "How many at once; by default one, or as many as may come in a second when "
        "`max_rate` allows one a second at least."),
    duration_field(
        conf::field<&LimitOptions::every>("every", "1s", "The time that the rates are for; a second at least.")),
    conf::field<&LimitOptions::strategy>("strategy", "", "What tells clients apart.")
        .one_of("ip|header|param")
        .in_any_case()
        .judged_later(),
    conf::field<&LimitOptions::key>("key", "",
                                    "The header or path parameter; with `ip` a header whose first address counts."),
    conf::field<&LimitOptions::num_shards>("num_shards", "2048", "Read, and without a meaning here."),
    duration_field(conf::field<&LimitOptions::cleanup_period>("cleanup_period", "1m",
                                                              "How often clients that are gone are looked for.")),
    conf::field<&LimitOptions::cleanup_threads>("cleanup_threads", "1", "Read, and without a meaning here."),
};
constexpr conf::FieldTable kRouterTable{"qos/ratelimit/router", kFields, conf::Reading::strict};
constexpr conf::FieldTable kServiceTable{"qos/ratelimit/service", kFields, conf::Reading::strict};

std::optional<conf::Duration> duration_of(const conf::Node& n) {
    return n.is(conf::Kind::string) ? conf::parse_duration(n.text()) : std::nullopt;
}

// "every" as the router's and the service's limits read it.
conf::Duration period_of(const conf::Node& every, plan::Builder& builder) {
    constexpr conf::Duration kSecond = std::chrono::seconds(1);
    if (!every) return kSecond;
    std::optional<conf::Duration> d = duration_of(every);
    if (d && *d >= kSecond) return *d;
    builder.left_out(
        every, d ? "\"every\" below a second counts as a second" : "\"every\" is no duration and counts as a second",
        "write it with a unit, such as \"10s\" or \"1h\"");
    return kSecond;
}

// Rounded as the reference does: 98 in 49 seconds are a little less than 2, which the default capacity shows.
double per_second_of(double rate, conf::Duration every) {
    return rate * (1e9 / static_cast<double>(every.count()));
}

uint64_t tokens(double n) {
    return n >= 1e18 ? 1'000'000'000'000'000'000 : static_cast<uint64_t>(n);
}

// What fits in at once when nothing is said of it.
uint64_t default_capacity(double per_second) {
    return per_second < 1 ? 1 : tokens(per_second);
}

bool reads_numbers(const LimitOptions& o, const conf::Node& config, plan::Builder& builder) {
    bool ok = true;
    for (auto [name, value] : {std::pair("capacity", o.capacity), std::pair("client_capacity", o.client_capacity)}) {
        if (value >= 0 && std::isfinite(value)) continue;
        builder.refuse(config.find(name), fmt::format("\"{}\" cannot be below 0", name),
                       "write how many may come at once");
        ok = false;
    }
    return ok;
}

std::optional<Strategy> strategy_of(const std::string& text) {
    std::string small = conf::to_lower(text);
    if (small == "ip") return Strategy::ip;
    if (small == "header") return Strategy::header;
    if (small == "param") return Strategy::param;
    return std::nullopt;
}

bool shows(const conf::ExtraConfig& config) {
    conf::Node headers = config.find("gladius/ratelimit").find("headers");
    return headers.is(conf::Kind::boolean) && headers.boolean();
}

// --- compiling
// ----------------------------------------------------------------------------------------------------------------------

struct Compiled {
    std::shared_ptr<ClientLimit> client;  // asked first
    std::shared_ptr<AllLimit> all;
};

// Slow rates are not what people mean by them.
void say_capacity(const conf::Node& config, plan::Builder& builder, std::string_view what, double rate,
                  uint64_t capacity, std::string_view key) {
    if (capacity > 1 || rate < 2) return;
    builder.note(config, fmt::format("\"{}\" is {:g}, but only one may come at once, as in the reference", what, rate),
                 fmt::format("write \"{}\" to say how many may", key));
}

void compile_all(const LimitOptions& o, const conf::Node& config, conf::Duration every, const std::string& name,
                 bool shown, plan::Builder& builder, Compiled& out) {
    double per_second = per_second_of(o.max_rate, every);
    if (!(per_second > 0)) return;
    out.all = std::make_shared<AllLimit>();
    uint64_t capacity = o.capacity >= 1 ? tokens(o.capacity) : default_capacity(per_second);
    if (o.capacity < 1) say_capacity(config, builder, "max_rate", o.max_rate, capacity, "capacity");
    out.all->rate = ratelimit::rate_of(per_second, capacity, builder.generation);
    out.all->bucket = builder.state<SharedBucket>(name + " all");
    out.all->bucket->start(out.all->rate, rt::Loop::clock_now_ns());
    out.all->shown = shown;
}

void compile_client(const LimitOptions& o, const conf::Node& config, conf::Duration every, const std::string& name,
                    bool shown, const std::vector<std::string>& params, plan::Builder& builder, Compiled& out) {
    double per_second = per_second_of(o.client_max_rate, every);
    if (!(per_second > 0)) return;
    std::optional<Strategy> strategy = strategy_of(o.strategy);
    if (!strategy) {
        return builder.refuse(
            config.find("strategy") ? config.find("strategy") : config,
            o.strategy.empty()
                ? std::string("client_max_rate without \"strategy\" limits nobody")
                : fmt::format("the strategy \"{}\" is unknown, so the reference limits nobody", o.strategy),
            "write \"ip\", \"header\" or \"param\"");
    }
    auto limit = std::make_shared<ClientLimit>();
    limit->strategy = *strategy;
    uint64_t capacity = o.client_capacity >= 1                 ? tokens(o.client_capacity)
                        : per_second_of(o.max_rate, every) < 1 ? 1
                                                               : tokens(per_second);
    if (o.client_capacity < 1)
        say_capacity(config, builder, "client_max_rate", o.client_max_rate, capacity, "client_capacity");
    limit->rate = ratelimit::rate_of(per_second, capacity, builder.generation);
    if (*strategy == Strategy::param) {
        auto at = std::find(params.begin(), params.end(), o.key);
        if (at != params.end()) limit->param = static_cast<int32_t>(at - params.begin());
    } else if (!http::same_name(o.key, "Host")) {  // which is no header for the reference
        limit->key = conf::canonical_header(o.key);
    }
    bool nobody = *strategy == Strategy::param ? limit->param < 0 : *strategy == Strategy::header && limit->key.empty();
    if (nobody)
        builder.left_out(config,
                         fmt::format("no request has the {} \"{}\", so all are refused",
                                     *strategy == Strategy::param ? "path parameter" : "header", o.key),
                         "write what tells clients apart into \"key\"");
    if (*strategy == Strategy::ip && builder.router.trust_all && builder.router.forwarded_by_client_ip)
        builder.note_once(
            config, "clients are told apart by X-Forwarded-For and X-Real-Ip, which every client can write as it likes",
            "name the proxies in front in router.trusted_proxies");
    constexpr conf::Duration kTenMinutes = std::chrono::minutes(10);
    conf::Duration idle = every > kTenMinutes ? every + every / 4 : kTenMinutes;
    limit->patience.idle_ns = static_cast<uint64_t>(idle.count());
    if (std::optional<conf::Duration> d = duration_of(o.cleanup_period))
        limit->patience.sweep_ns =
            std::max<uint64_t>(1'000'000'000, static_cast<uint64_t>(std::max<int64_t>(0, d->count())));
    limit->table = builder.state<ClientTable>(fmt::format("{} client {} {}", name, static_cast<int>(*strategy), o.key));
    limit->shown = shown;
    out.client = std::move(limit);
}

LimitOptions read(const conf::Node& config, const conf::FieldTable& table) {
    LimitOptions o;
    conf::Diagnostics said_while_loading;
    conf::Reader(said_while_loading).read(config, table, &o);
    o.node = config;
    return o;
}

Compiled build(const LimitOptions& o, const std::string& name, bool shown, const std::vector<std::string>& params,
               plan::Builder& builder) {
    const conf::Node& config = o.node;
    Compiled out;
    if (!reads_numbers(o, config, builder)) return out;
    conf::Duration every = period_of(o.every, builder);
    compile_client(o, config, every, name, shown, params, builder, out);
    compile_all(o, config, every, name, shown, builder, out);
    return out;
}

// --- tiers
// ----------------------------------------------------------------------------------------------------------------------

struct TierOptions {
    conf::Node node;
    std::string tier_value, tier_value_as = "literal";
    std::optional<LimitOptions> ratelimit;
    conf::Node ratelimit_redis;
};

struct TieredOptions {
    std::string tier_key;
    std::vector<TierOptions> tiers;
};

constexpr conf::FieldTable kLimitOfTier{"ratelimit", kFields, conf::Reading::strict};
constexpr conf::Field kTierFields[] = {
    conf::field<&TierOptions::tier_value>("tier_value", "", "What the header says in this tier."),
    conf::field<&TierOptions::tier_value_as>("tier_value_as", "literal",
                                             "`literal`: exactly that; `*`: whatever it says; `policy` is not built.")
        .one_of("literal|policy|*"),
    conf::field<&TierOptions::ratelimit>("ratelimit", "", "The limits, as in qos/ratelimit/router.").of(kLimitOfTier),
    conf::field<&TierOptions::ratelimit_redis>("ratelimit_redis", "", "Limits kept in Redis: not built."),
};
constexpr conf::FieldTable kTierTable{"tier", kTierFields, conf::Reading::strict};
constexpr conf::Field kTieredFields[] = {
    conf::field<&TieredOptions::tier_key>("tier_key", "", "The header that says in which tier a client is.").required(),
    conf::field<&TieredOptions::tiers>("tiers", "", "In their order: the first that fits has the limits.")
        .of(kTierTable)
        .required(),
};
constexpr conf::FieldTable kTieredTable{"qos/ratelimit/tiered", kTieredFields, conf::Reading::strict};

bool is_built(const TierOptions& t, plan::Builder& builder) {
    if (t.tier_value_as == "policy")
        builder.refuse(t.node, "a tier chosen by a policy is not built yet, and its clients would not be limited",
                       "write its values as literals");
    else if (t.ratelimit_redis)
        builder.refuse(t.ratelimit_redis, "limits in Redis are not built yet, and these clients would not be limited",
                       "write them into \"ratelimit\"");
    else if (!t.ratelimit)
        builder.refuse(t.node, "a tier without \"ratelimit\" limits nobody", "write its limits into \"ratelimit\"");
    else
        return true;
    return false;
}

std::shared_ptr<const Tiers> build_tiers(const conf::Node& config, const std::string& name, bool shown,
                                         const std::vector<std::string>& params, plan::Builder& builder) {
    TieredOptions o;
    conf::Diagnostics said_while_loading;
    conf::Reader(said_while_loading).read(config, kTieredTable, &o);
    auto out = std::make_shared<Tiers>();
    out->header = conf::canonical_header(o.tier_key);
    for (const TierOptions& t : o.tiers) {
        if (!out->list.empty() && out->list.back().fits_all) {
            builder.left_out(t.node, "behind a tier that fits everybody no other is looked at",
                             "put the one with \"*\" last");
            break;
        }
        if (!is_built(t, builder)) continue;
        Tier tier;
        tier.value = t.tier_value;
        tier.fits_all = t.tier_value_as == "*";
        // By what chooses it: tiers may change their places.
        std::string own = name + " tier " + out->header + (tier.fits_all ? " *" : " = " + tier.value);
        Compiled c = build(*t.ratelimit, own, shown, params, builder);
        tier.client = std::move(c.client);
        tier.all = std::move(c.all);
        out->list.push_back(std::move(tier));
    }
    return out;
}

void compile_tiers_of_service(const conf::Node& config, plan::ServiceBuilder& builder) {
    builder.add(
        plan::Phase::service_limit,
        {.run = &run_tiers, .config = build_tiers(config, "", shows(builder.service.extra_config), {}, builder)});
}

void compile_tiers_of_endpoint(const conf::Node& config, plan::EndpointBuilder& builder) {
    const conf::Endpoint& e = builder.endpoint;
    bool shown = shows(e.extra_config) || shows(builder.service.service.extra_config);
    builder.add(plan::Phase::client_limit,
                {.run = &run_tiers,
                 .config = build_tiers(config, builder.plan.method + " " + e.endpoint, shown, e.params, builder)});
}

void compile_service(const conf::Node& config, plan::ServiceBuilder& builder) {
    Compiled c = build(read(config, kServiceTable), "", shows(builder.service.extra_config), {}, builder);
    if (c.client) builder.add(plan::Phase::service_limit, {.run = &run_client, .config = std::move(c.client)});
    if (c.all) builder.add(plan::Phase::service_limit, {.run = &run_all, .config = std::move(c.all)});
}

void compile_endpoint(const conf::Node& config, plan::EndpointBuilder& builder) {
    const conf::Endpoint& e = builder.endpoint;
    bool shown = shows(e.extra_config) || shows(builder.service.service.extra_config);
    Compiled c = build(read(config, kRouterTable), builder.plan.method + " " + e.endpoint, shown, e.params, builder);
    if (c.client) builder.add(plan::Phase::client_limit, {.run = &run_client, .config = std::move(c.client)});
    if (c.all) builder.add(plan::Phase::endpoint_limit, {.run = &run_all, .config = std::move(c.all)});
}

// --- at a backend
// ----------------------------------------------------------------------------------------------------------------------

struct BackendOptions {
    double max_rate = 0, capacity = 0;
    conf::Node every;
};

constexpr conf::Field kBackendFields[] = {
    conf::field<&BackendOptions::max_rate>("max_rate", "0", "Calls in the time of `every`; 0: no limit."),
    conf::field<&BackendOptions::capacity>("capacity", "",
                                           "How many at once; by default as many as may come in a second, and at least "
                                           "one."),
    duration_field(conf::field<&BackendOptions::every>("every", "1s", "The time that the rate is for.")),
};
constexpr conf::FieldTable kBackendTable{"qos/ratelimit/proxy", kBackendFields, conf::Reading::strict};

std::string_view enter(const void* config, Exchange& ex, uint64_t&) {
    const auto& limit = *static_cast<const AllLimit*>(config);
    return limit.bucket->take(limit.rate, ex.w.loop.now_ns()).ok ? std::string_view() : kRefused;
}

void compile_backend(const conf::Node& config, plan::BackendBuilder& builder) {
    BackendOptions o;
    conf::Diagnostics said_while_loading;
    conf::Reader(said_while_loading).read(config, kBackendTable, &o);
    conf::Duration every = std::chrono::seconds(1);
    if (o.every) {
        std::optional<conf::Duration> d = duration_of(o.every);
        if (!d)
            builder.left_out(o.every, "\"every\" is no duration and counts as a second",
                             "write it with a unit, such as \"10s\" or \"1h\"");
        else if (d->count() <= 0)
            return builder.refuse(o.every, "\"every\" must be longer than nothing, or nothing is limited",
                                  "write it with a unit, such as \"10s\" or \"1h\"");
        else
            every = *d;
    }
    if (!(o.capacity >= 0) || !std::isfinite(o.capacity))
        return builder.refuse(config.find("capacity"), "\"capacity\" cannot be below 0",
                              "write how many calls may be made at once");
    double per_second = per_second_of(o.max_rate, every);
    if (!(per_second > 0)) return;
    auto limit = std::make_shared<AllLimit>();
    uint64_t capacity = o.capacity >= 1 ? tokens(o.capacity) : default_capacity(per_second);
    if (o.capacity < 1) say_capacity(config, builder, "max_rate", o.max_rate, capacity, "capacity");
    limit->rate = ratelimit::rate_of(per_second, capacity, builder.generation);
    limit->bucket = builder.state<SharedBucket>(builder.identity);
    limit->bucket->start(limit->rate, rt::Loop::clock_now_ns());
    builder.add(plan::BackendGate{.config = std::move(limit), .enter = &enter});
}

struct Shown {
    bool headers = false;
};
constexpr conf::Field kShownFields[] = {
    conf::field<&Shown::headers>("headers", "false",
                                 "Answers have RateLimit-Limit, -Remaining and -Reset, refusals Retry-After too."),
};
constexpr conf::FieldTable kShownTable{"gladius/ratelimit", kShownFields, conf::Reading::strict};

}  // namespace

const plan::Feature qos_ratelimit_router = {
    .info = {.name = "qos/ratelimit/router",
             .levels = static_cast<uint8_t>(conf::Level::endpoint),
             .posture = conf::Posture::protective,
             .built = true,
             .fields = &kRouterTable},
    .compile_endpoint = &compile_endpoint,
};

const plan::Feature qos_ratelimit_service = {
    .info = {.name = "qos/ratelimit/service",
             .levels = static_cast<uint8_t>(conf::Level::service),
             .posture = conf::Posture::protective,
             .built = true,
             .fields = &kServiceTable},
    .compile_service = &compile_service,
};

const plan::Feature qos_ratelimit_tiered = {
    .info = {.name = "qos/ratelimit/tiered",
             .levels = conf::Level::service | conf::Level::endpoint,
             .posture = conf::Posture::protective,
             .built = true,
             .fields = &kTieredTable},
    .compile_service = &compile_tiers_of_service,
    .compile_endpoint = &compile_tiers_of_endpoint,
};

const plan::Feature qos_ratelimit_proxy = {
    .info = {.name = "qos/ratelimit/proxy",
             .levels = static_cast<uint8_t>(conf::Level::backend),
             .posture = conf::Posture::protective,
             .built = true,
             .fields = &kBackendTable},
    .compile_backend = &compile_backend,
};

const plan::Feature gladius_ratelimit = {
    .info = {.name = "gladius/ratelimit",
             .levels = conf::Level::service | conf::Level::endpoint,
             .posture = conf::Posture::shaping,
             .built = true,
             .fields = &kShownTable},
};

}  // namespace gladius::features
