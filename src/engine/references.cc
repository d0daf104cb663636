#include "engine/references.h"

#include <charconv>

#include "http/url.h"
#include "json/emit.h"
#include "json/lookup.h"
#include "json/text.h"

namespace gladius::engine {

using conf::Reference;
using json::Value;

namespace {

void know(Exchange& ex, uint32_t index, const Value& value) {
    StepText& t = ex.steps[index];
    t.value = value;
    t.text = json::text_in_url(value, ex.arena);
    t.known = true;
}

bool says_null(const Value& v) {
    return v.is_null() || (v.kind == Value::Kind::node && v.node().kind == json::Kind::null);
}

bool client_header(Exchange& ex, std::string_view name, std::string_view* out) {
    for (const http::Field& f : ex.all_fields()) {
        std::string_view n = ex.name(f);
        char canonical[256];
        if (n.size() != name.size() || n.size() > sizeof canonical) continue;
        http::canonicalise(n, canonical);
        if (std::string_view(canonical, n.size()) != name) continue;
        *out = ex.value(f);
        return true;
    }
    return false;
}

bool client_query(Exchange& ex, std::string_view name, std::string_view* out) {
    std::string_view rest = ex.target.query;
    while (!rest.empty()) {
        size_t end = rest.find('&');
        std::string_view pair = rest.substr(0, end);
        rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
        size_t eq = pair.find('=');
        auto key = http::unescape_query(pair.substr(0, eq), ex.arena);
        if (!key || *key != name) continue;
        auto value = http::unescape_query(eq == pair.npos ? std::string_view() : pair.substr(eq + 1), ex.arena);
        if (!value) continue;
        *out = *value;
        return true;
    }
    return false;
}

// One level of the data of an earlier answer.
bool top_member(Exchange& ex, uint32_t backend, std::string_view name, std::span<const Part> parts, json::Merge& merge,
                uint32_t merged_into, Value* out) {
    if (backend == merged_into) return merge.find(name, ex.arena, out);
    return json::find_kept_or_not(parts[backend].data, name, ex.arena, out);
}

bool field(Exchange& ex, const plan::StepValue& v, std::span<const Part> parts, json::Merge& merge,
           uint32_t merged_into, Value* out) {
    std::span<const std::string> path = v.path;
    if (path.empty()) return false;
    if (v.backend != merged_into) return json::find_path(parts[v.backend].data, path, ex.arena, out);
    // The reference merges into the first answer that has data, and sees there what came later.
    Value first;
    if (path.size() > 1 && merge.find(path[0], ex.arena, &first) && first.is_object())
        return json::find_path(first, path.subspan(1), ex.arena, out);
    return merge.find(path.back(), ex.arena, out);
}

std::string_view text_of(Exchange& ex, const plan::Template& t) {
    if (t.fixed()) return t.pieces.empty() ? std::string_view() : std::string_view(t.pieces[0].literal);
    std::string_view out;
    for (const plan::Template::Piece& p : t.pieces) {
        std::string_view value;
        if (p.param >= 0) value = ex.match.param(static_cast<uint32_t>(p.param));
        if (p.step >= 0) value = ex.steps[p.step].text;
        out = t.pieces.size() == 1 ? ex.arena.concat(p.literal, value) : ex.arena.concat(out, p.literal, value);
    }
    return out;
}

// name=value over what the query says of the name.
std::string_view set_query(std::string_view query, std::string_view name, std::string_view value, Arena& arena) {
    std::string_view out;
    while (!query.empty()) {
        size_t end = query.find('&');
        std::string_view pair = query.substr(0, end);
        query = end == query.npos ? std::string_view() : query.substr(end + 1);
        auto key = http::unescape_query(pair.substr(0, pair.find('=')), arena);
        if (key && *key == name) continue;
        out = out.empty() ? pair : arena.concat(out, "&", pair);
    }
    std::string_view set = arena.concat(http::escape_query(name, arena), "=", http::escape_query(value, arena));
    return out.empty() ? set : arena.concat(out, "&", set);
}

Value object_with(Exchange& ex, const Value& object, std::string_view name, const Value& value) {
    json::Merge merge(ex.arena, 2);
    if (object.is_object()) merge.add(json::opened(object, ex.arena), true);
    auto* m = ex.arena.make<json::Member>();
    m->key = name;
    m->value = value;
    merge.add(Value::of(m, 1), true);
    return merge.finish().data;
}

}  // namespace

void begin_references(Exchange& ex) {
    const auto& values = ex.plan->step_values;
    if (values.empty()) return;
    ex.steps = ex.arena.array<StepText>(values.size());
    for (uint32_t i = 0; i < values.size(); ++i) {
        std::string_view text;
        bool found = false;
        if (values[i].kind == Reference::Kind::client_header) found = client_header(ex, values[i].name, &text);
        if (values[i].kind == Reference::Kind::client_query) found = client_query(ex, values[i].name, &text);
        if (found) know(ex, i, Value::of_text(text));
    }
}

void refer_to_answers(Exchange& ex, std::span<const Part> parts, json::Merge& merge, uint32_t merged_into,
                      uint32_t step) {
    for (uint32_t index : ex.plan->step_lookups[step]) {
        const plan::StepValue& v = ex.plan->step_values[index];
        // A value that was found once stays; an empty one is looked up again, as in the reference.
        if (!ex.steps[index].text.empty()) continue;
        Value value;
        switch (v.kind) {
            case Reference::Kind::field:
                if (field(ex, v, parts, merge, merged_into, &value)) know(ex, index, value);
                break;
            case Reference::Kind::status: {
                if (parts[v.backend].answer_status == 0) break;
                char digits[8];
                char* end = std::to_chars(digits, digits + 8, parts[v.backend].answer_status).ptr;
                know(ex, index, Value::of_raw(ex.arena.copy({digits, static_cast<size_t>(end - digits)})));
                break;
            }
            case Reference::Kind::header:
                for (const DraftField& f : parts[v.backend].answer_fields)
                    if (f.name == v.name && !ex.steps[index].known) know(ex, index, Value::of_text(f.value));
                break;
            default:
                break;
        }
    }
}

void refer_to_element(Exchange& ex, const Value& element) {
    const auto& values = ex.plan->step_values;
    for (uint32_t i = 0; i < values.size(); ++i) {
        if (values[i].kind != Reference::Kind::each) continue;
        ex.steps[i] = StepText();
        Value value;
        if (values[i].path.empty())
            know(ex, i, element);
        else if (element.is_object() && json::find_path(element, values[i].path, ex.arena, &value))
            know(ex, i, value);
    }
}

bool holds(Exchange& ex, const plan::CallPlan::Condition& c) {
    if (!c.present) return true;
    if (c.exists) {
        bool all = true;
        for (const plan::Template::Piece& p : c.value.pieces)
            all = all && (p.step < 0 || (ex.steps[p.step].known && !says_null(ex.steps[p.step].value)));
        if (all != *c.exists) return false;
    }
    std::string_view text = text_of(ex, c.value);
    if (c.equals && text != *c.equals) return false;
    if (c.not_equals && text == *c.not_equals) return false;
    if (c.in.empty()) return true;
    for (const std::string& s : c.in)
        if (text == s) return true;
    return false;
}

void edit_request(Exchange& ex, const plan::CallPlan& call, RequestDraft& draft) {
    for (const auto& [name, value] : call.headers) {
        std::string_view text = trimmed_value(text_of(ex, value));
        if (!valid_header_value(text)) return draft.fail(ex.arena.concat("gladius/call: invalid value for ", name));
        if (name == "Host")
            draft.host = text;
        else
            draft.headers.set(name, text);
    }
    for (const auto& [name, value] : call.query)
        draft.url.query = set_query(draft.url.query, name, text_of(ex, value), ex.arena);
    if (call.body.empty()) return;
    json::ArenaOutput out(ex.arena, 256);
    for (const plan::CallPlan::BodyPiece& p : call.body) {
        out.append(p.literal);
        if (p.whole >= 0)
            json::emit(ex.steps[p.whole].value, ex.arena, out);
        else if (!p.text.pieces.empty())
            json::quote(text_of(ex, p.text), out);
    }
    draft.replace_body(out.view());
    draft.headers.set("Content-Type", "application/json");
}

std::span<Value> elements_to_walk(Exchange& ex, const plan::CallPlan::Foreach& foreach) {
    const StepText& t = ex.steps[foreach.array];
    return t.known ? json::elements_of(t.value, ex.arena) : std::span<Value>();
}

Value joined(Exchange& ex, const Value& element, const Value& answer, std::string_view into) {
    if (!into.empty())
        return object_with(ex, element.is_object() ? element : object_with(ex, Value{}, "value", element), into,
                           answer);
    if (!element.is_object() || !answer.is_object()) return answer;
    json::Merge merge(ex.arena, 2);
    merge.add(json::opened(element, ex.arena), true);
    merge.add(json::opened(answer, ex.arena), true);
    return merge.finish().data;
}

Value with_array(Exchange& ex, const plan::CallPlan::Foreach& foreach, std::span<const Part> parts, json::Merge& merge,
                 uint32_t merged_into, std::span<Value> array) {
    const plan::StepValue& v = ex.plan->step_values[static_cast<size_t>(foreach.array)];
    size_t depth = v.path.size();
    // on_way[i] holds path[i + 1].
    auto* on_way = ex.arena.array<Value>(depth);
    Value at;
    bool found = top_member(ex, v.backend, v.path[0], parts, merge, merged_into, &at);
    for (size_t i = 0; found && i + 1 < depth; ++i) {
        on_way[i] = at;
        found = json::find_kept_or_not(at, v.path[i + 1], ex.arena, &at);
    }
    Value out = Value::of(array.data(), static_cast<uint32_t>(array.size()));
    for (size_t i = depth; i-- > 1;)
        out = object_with(ex, on_way[i - 1], v.path[i], out);
    return object_with(ex, Value{}, v.path[0], out);
}

}  // namespace gladius::engine
