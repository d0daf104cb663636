#include "features/modifier_martian/martian.h"

#include "features/modifier_martian/build.h"

namespace gladius::features {

namespace {

// As deep as the configuration, whose parser bounds that.
void name_hosts(const martian::Modifier& m, plan::BackendBuilder& builder) {
    if (m.kind == martian::Kind::url_modifier && !m.host.empty()) builder.also_calls("http://" + m.host);
    for (const martian::Modifier& child : m.children)
        name_hosts(child, builder);
}

void compile(const conf::Node& config, plan::BackendBuilder& builder) {
    martian::Built built = martian::build(config);
    for (martian::Remark& r : built.remarks)
        builder.left_out(r.at, std::move(r.message), std::move(r.advice));
    if (!built.program) return;
    plan::BackendStage stage;
    if (!built.program->request.empty())
        stage.on_request = [](const void* p, engine::RequestDraft& d) {
            martian::run(*static_cast<const martian::Program*>(p), d);
        };
    if (!built.program->answer.empty())
        stage.on_answer = [](const void* p, engine::AnswerDraft& d) {
            martian::run(*static_cast<const martian::Program*>(p), d);
        };
    if (!stage.on_request && !stage.on_answer) return;
    name_hosts(built.program->root, builder);
    stage.config = std::move(built.program);
    builder.add(std::move(stage));
}

}  // namespace

const plan::Feature modifier_martian = {
    .info = {.name = "modifier/martian",
             .alias = "github.com/devopsfaith/krakend-martian",
             .levels = static_cast<uint8_t>(conf::Level::backend),
             .posture = conf::Posture::shaping,
             .built = true},
    .compile_backend = &compile,
};

}  // namespace gladius::features
