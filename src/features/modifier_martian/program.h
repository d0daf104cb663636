// Purpose: a tree of modifiers, flattened into two lists of steps: one for the request, one for the answer. Steps jump
// forward only, so a run is linear in the size of the configuration and needs no stack. Owner: the plan holds a
// Program; steps point into its tree. Thread: run() on workers, on a const Program. Lifetime: what run() puts into a
// draft is in the Program or in the draft's arena. Errors: a modifier that fails ends the run, and the call with it,
// with the reference's words; in a group that aggregates errors the run goes on and fails at the group's end. Source:
// google/martian; Go net/http, net and strconv for texts.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/draft.h"
#include "regex/pattern.h"

namespace gladius::features::martian {

enum class Kind : uint8_t {
    header_modifier,
    header_append,
    header_copy,
    header_blacklist,
    header_id,
    header_filter,
    header_regex_filter,
    header_verifier,
    body_modifier,
    cookie_modifier,
    cookie_filter,
    url_modifier,
    url_filter,
    url_regex_filter,
    url_verifier,
    querystring_modifier,
    querystring_filter,
    querystring_verifier,
    port_modifier,
    port_filter,
    stash_modifier,
    status_modifier,
    status_verifier,
    static_modifier,
    fifo_group,
    priority_group,
};

enum class PortChange : uint8_t { fixed, of_scheme, remove };

// One modifier as it was configured; each kind uses the members that it names in build.cc.
struct Modifier {
    Kind kind = Kind::fifo_group;
    bool on_request = false, on_answer = false;  // its scope
    std::string name, value;                     // names of headers are canonical
    std::string scheme, host, path, query;
    std::string body, content_type, boundary;
    std::vector<std::string> names;
    std::vector<std::pair<std::string, std::string>> paths;
    int64_t number = 0;
    PortChange port = PortChange::fixed;
    bool aggregates = false;
    std::optional<regex::Pattern> regex;
    std::vector<Modifier> children;  // of a group, in the order of running; of a filter: then, and else
};

struct Step {
    enum class Do : uint8_t { apply, unless, jump, begin_group, end_group };
    static constexpr uint32_t kNone = UINT32_MAX;
    Do what = Do::apply;
    const Modifier* modifier = nullptr;
    uint32_t to = 0;            // where a condition that is false, or a jump, goes on; the number of a group
    uint32_t on_error = kNone;  // where to go on when it fails
};

struct Program {
    Modifier root;
    std::vector<Step> request, answer;
    uint32_t groups = 0;  // that aggregate errors
    // Fills the lists from the tree, which is not touched afterwards.
    void flatten();
};

void run(const Program& program, engine::RequestDraft& request);
void run(const Program& program, engine::AnswerDraft& answer);

}  // namespace gladius::features::martian
