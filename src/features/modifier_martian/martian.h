// Purpose: `modifier/martian` at a backend: small edits of its request and its answer, written as a tree of modifiers
// (headers, body, cookies, URL, query, port, status, files; groups; filters). build.h makes a Program of the
// configuration, program.h runs it on the drafts of engine/draft.h. Owner: the plan. Thread: compiled on the control
// thread, run on workers. Lifetime: of the plan. Errors: a tree with one modifier that cannot be built is left out as a
// whole, with a warning, as the reference leaves it out. Source: google/martian as krakend-martian registers it; ledger
// 1 section 5.12; cases martian/*; docs/features/modifier-martian.md.
#pragma once
#include "plan/feature.h"

namespace gladius::features {

extern const plan::Feature modifier_martian;

}  // namespace gladius::features
