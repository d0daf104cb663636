// Purpose: single values out of an answer, as text: what `{resp0_user.name}` means in the URL of a later step (ledger 1
// section 4.8). Owner: texts live in the source or in the arena. Thread: one worker. Lifetime: as the value. Errors:
// find_path() says false; a value always has a text.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "json/node.h"

namespace gladius::json {

// The same value with members or elements that can be walked, also when they were not kept when it was scanned.
Value opened(const Value& v, Arena& arena);

// The elements of an array; nothing for any other value.
std::span<Value> elements_of(const Value& v, Arena& arena);

// The member of an object, also of one whose members were not kept when it was scanned.
bool find_kept_or_not(const Value& object, std::string_view name, Arena& arena, Value* out);

// Follows the names from `root`. As the reference does it: a name on the way that is missing or no object is passed
// over together with the rest of the way, and the last name is looked up in the deepest object that was reached.
bool find_path(const Value& root, std::span<const std::string> path, Arena& arena, Value* out);

// As the reference puts a value into a URL: a text as it is, a number as it came, elements of an array joined with
// commas, everything inside as Go's %v prints it: [a b], map[k:v], <nil>.
std::string_view text_in_url(const Value& v, Arena& arena);

}  // namespace gladius::json
