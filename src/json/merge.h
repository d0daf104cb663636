// Purpose: joins the data of several backends: shallow, name by name at the top, the later arrival wins whole; and the
// member that a backend with return_error_details adds (ledger 4.4, 5.9).
// Owner: the arena. Thread: one worker. Lifetime: of the parts' bodies. Errors: none.
//   Merge merge(arena, plan.backends.size());
//   for (each call in order of arrival) call.failed ? void() : merge.add(call.data, call.complete);
//   Merged m = merge.finish();
#pragma once
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "json/growing.h"
#include "json/node.h"
#include "json/order.h"

namespace gladius::json {

struct Merged {
    Value data;
    bool complete = false;
};

class Merge {
  public:
    // `total`: how many parts a complete answer has.
    Merge(Arena& arena, size_t total) : arena_(arena), members_(arena, 16), total_(total) {}

    // A part that arrived. Without data (null) it adds nothing and the answer is not complete.
    void add(const Value& data, bool complete);

    // A member of what was merged so far.
    bool find(std::string_view name, Arena& arena, Value* out);

    // With no part at all the data is an empty object.
    Merged finish();

  private:
    Arena& arena_;
    Growing<Member> members_;
    Value first_;
    size_t total_;
    size_t parts_ = 0;  // added, with data or not
    size_t with_data_ = 0;
    bool complete_ = true;
};

// {"error_<alias>": {"http_status_code": .., "http_body": "..", "http_body_encoding": ".."}}, empty texts left out. It
// is data that is not complete, and no filter is applied to it.
Value error_details(std::string_view alias, int status, std::string_view body, std::string_view content_type,
                    Arena& arena);

}  // namespace gladius::json
