// Purpose: answers from bytes that the gateway has itself (body.Modifier, static.Modifier): the whole, or what a Range
// header of the request asks for. Owner: none; the answer's arena. Thread: a worker. Errors: through AnswerDraft.fail
// and its status. Source: google/martian's body and static modifiers; docs/differences.md for what is bounded here.
#pragma once
#include <string_view>

#include "engine/draft.h"

namespace gladius::features::martian {

// Replaces the answer's body with `bytes`, or with the ranges of it. Content-Type has been set to `type`.
void answer_with(engine::AnswerDraft& answer, std::string_view bytes, std::string_view type, std::string_view boundary);

// Go's words of a text that is no number.
std::string_view not_a_number(std::string_view function, std::string_view text, bool out_of_range, Arena& arena);
// strconv's decimal integers: digits with a sign.
enum class Number : uint8_t { good, bad, out_of_range };
Number parse_number(std::string_view s, int64_t& out);

}  // namespace gladius::features::martian
