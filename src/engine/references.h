// Purpose: what a call knows of the request and of earlier answers ({resp0_user.id}, {input_headers.X-Tenant}, {each}),
// and the requests, conditions and lists that "gladius/call" makes of it (docs/flow.md). Owner: functions on an
// Exchange; values live in its arena. Thread: one worker. Lifetime: of the exchange. Errors: a value that cannot stand
// in a head makes the draft fail; a missing value is an empty text, null in a body. Source: ours; the URLs' part is
// ledger 1 section 4.8.
#pragma once
#include <span>
#include <string_view>

#include "engine/draft.h"
#include "engine/exchange.h"
#include "engine/part.h"
#include "json/merge.h"

namespace gladius::engine {

// Makes room for the values of an endpoint that has some, and fills in what the client said.
void begin_references(Exchange& ex);

// What earlier answers say to step `step`. merged_into: the part that the answers are merged into (`merge`), whose
// later members show through it as in the reference; UINT32_MAX: none yet.
void refer_to_answers(Exchange& ex, std::span<const Part> parts, json::Merge& merge, uint32_t merged_into,
                      uint32_t step);
// {each} and {each.field} of every later compose().
void refer_to_element(Exchange& ex, const json::Value& element);

bool holds(Exchange& ex, const plan::CallPlan::Condition& condition);
void edit_request(Exchange& ex, const plan::CallPlan& call, RequestDraft& draft);

// The array that "foreach" walks; empty when there is none.
std::span<json::Value> elements_to_walk(Exchange& ex, const plan::CallPlan::Foreach& foreach);
// The element with what its call said.
json::Value joined(Exchange& ex, const json::Value& element, const json::Value& answer, std::string_view into);
// The answer it came from, with another array in its place.
json::Value with_array(Exchange& ex, const plan::CallPlan::Foreach& foreach, std::span<const Part> parts,
                       json::Merge& merge, uint32_t merged_into, std::span<json::Value> array);

}  // namespace gladius::engine
