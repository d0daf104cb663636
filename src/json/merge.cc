#include "json/merge.h"

#include <charconv>

#include "json/lookup.h"
#include "json/output.h"
#include "json/text.h"

namespace gladius::json {

void Merge::add(const Value& data, bool complete) {
    ++parts_;
    complete_ = complete_ && complete && !data.is_null();
    if (data.is_null()) return;
    // The only part with data stays as it is: its bytes may be copied in one go.
    if (++with_data_ == 1) {
        first_ = data;
        return;
    }
    if (with_data_ == 2) append_members(first_, arena_, members_);
    append_members(data, arena_, members_);
}

bool Merge::find(std::string_view name, Arena& arena, Value* out) {
    if (with_data_ == 1) return find_kept_or_not(first_, name, arena, out);
    for (size_t i = members_.size(); i-- > 0;) {
        if (members_[i].key != name) continue;
        *out = members_[i].value;
        return true;
    }
    return false;
}

Merged Merge::finish() {
    Merged m;
    m.complete = complete_ && parts_ == total_;
    if (with_data_ == 0 && parts_ == 1) {
        m.data = Value();  // nothing was combined: a lone null stays one
    } else if (with_data_ == 0) {
        m.data = Value::of(static_cast<Member*>(nullptr), 0);
    } else if (with_data_ == 1) {
        m.data = first_;
    } else {
        m.data = unique_members(members_, arena_);
    }
    return m;
}

Value error_details(std::string_view alias, int status, std::string_view body, std::string_view content_type,
                    Arena& arena) {
    ArenaOutput out(arena, body.size() + body.size() / 8 + content_type.size() + 96);
    char digits[16];
    auto end = std::to_chars(digits, digits + sizeof(digits), status).ptr;
    out.append("{\"http_status_code\":");
    out.append(digits, static_cast<size_t>(end - digits));
    if (!body.empty()) {
        out.append(",\"http_body\":");
        quote(body, out);
    }
    if (!content_type.empty()) {
        out.append(",\"http_body_encoding\":");
        quote(content_type, out);
    }
    out.put('}');
    auto* m = arena.make<Member>();
    m->key = arena.concat("error_", alias);
    m->value = Value::of_raw(out.view());
    return Value::of(m, 1);
}

}  // namespace gladius::json
