#include "features/security_bot_detector/bots.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/exchange.h"
#include "engine/respond.h"
#include "features/security_bot_detector/detector.h"

namespace gladius::features {

namespace {

using bots::Detector;
using engine::Exchange;
using plan::Verdict;

Verdict run(const void* config, Exchange& ex) {
    const http::Field* agent = ex.find(http::Token::user_agent);
    if (!static_cast<const Detector*>(config)->is_bot(agent ? ex.value(*agent) : std::string_view(), ex.arena))
        return Verdict::next;
    ex.w.log()->write(telemetry::Level::error, "[SERVICE: Gin][Botdetector]", "bot rejected");
    return engine::refuse_request(ex, 403);
}

struct BotOptions {
    std::vector<std::string> allow, deny, patterns;
    bool empty_user_agent_is_bot = false;
    int64_t cache_size = 0;
};

constexpr conf::Field kFields[] = {
    conf::field<&BotOptions::allow>("allow", "[]",
                                    "User agents that pass, whatever else is said; whole and as written."),
    conf::field<&BotOptions::deny>("deny", "[]", "User agents that do not; whole and as written."),
    conf::field<&BotOptions::patterns>("patterns", "[]",
                                       "Regular expressions (RE2); whoever has a match anywhere is a bot."),
    conf::field<&BotOptions::empty_user_agent_is_bot>("empty_user_agent_is_bot", "false",
                                                      "Requests without a User-Agent are a bot's."),
    conf::field<&BotOptions::cache_size>("cache_size", "0",
                                         "Decisions that the reference remembers; here there is nothing to remember.")
        .range(0, INT64_MAX),
};
constexpr conf::FieldTable kTable{"security/bot-detector", kFields, conf::Reading::strict, conf::Unknown::by_reading,
                                  true};

std::shared_ptr<const Detector> build(const conf::Node& config, plan::Builder& builder) {
    BotOptions o;
    conf::Diagnostics said_while_loading;
    conf::Reader(said_while_loading).read(config, kTable, &o);
    auto d = std::make_shared<Detector>();
    d->allow = std::move(o.allow);
    d->deny = std::move(o.deny);
    d->empty_is_bot = o.empty_user_agent_is_bot;
    std::sort(d->allow.begin(), d->allow.end());
    std::sort(d->deny.begin(), d->deny.end());
    for (const std::string& text : o.patterns) {
        Result<regex::Pattern> p = regex::Pattern::compile(text);
        if (p)
            d->patterns.push_back(std::move(*p));
        else
            builder.refuse(config.find("patterns"),
                           fmt::format("the pattern \"{}\" cannot be read ({}), so the reference lets every bot pass",
                                       text, p.error().message),
                           "write it in the syntax of RE2");
    }
    return d;
}

void compile_service(const conf::Node& config, plan::ServiceBuilder& builder) {
    builder.add(plan::Phase::service_bots, {.run = &run, .config = build(config, builder)});
}

void compile_endpoint(const conf::Node& config, plan::EndpointBuilder& builder) {
    builder.add(plan::Phase::bot_detection, {.run = &run, .config = build(config, builder)});
}

}  // namespace

const plan::Feature security_bot_detector = {
    .info = {.name = "security/bot-detector",
             .alias = "github_com/devopsfaith/krakend-botdetector",
             .levels = conf::Level::service | conf::Level::endpoint,
             .posture = conf::Posture::protective,
             .built = true,
             .fields = &kTable},
    .compile_service = &compile_service,
    .compile_endpoint = &compile_endpoint,
};

}  // namespace gladius::features
