#include "json/lookup.h"

#include "json/emit.h"
#include "json/growing.h"
#include "json/scan.h"
#include "json/text.h"

namespace gladius::json {

Value opened(const Value& v, Arena& arena) {
    if (v.kind != Value::Kind::node || !v.node().has(Node::collapsed)) return v;
    // A collapsed subtree has no removed members: its bytes are its value.
    return Value::of(scan(v.document->slice(v.node()), arena, 1), 0);
}

std::span<Value> elements_of(const Value& given, Arena& arena) {
    Value v = opened(given, arena);
    if (v.kind == Value::Kind::elements) return {v.elements, v.n};
    if (v.kind != Value::Kind::node || v.node().kind != Kind::array) return {};
    Growing<Value> out(arena, 16);
    const Node* nodes = v.document->nodes;
    for (uint32_t c = v.n + 1; c < nodes[v.n].next; c = nodes[c].next) {
        if (!nodes[c].live()) continue;
        out.push(nodes[c].kind == Kind::null ? Value{} : Value::of(v.document, c));
    }
    return {out.data(), out.size()};
}

bool find_kept_or_not(const Value& object, std::string_view name, Arena& arena, Value* out) {
    return find_member(opened(object, arena), name, out);
}

bool find_path(const Value& root, std::span<const std::string> path, Arena& arena, Value* out) {
    if (path.empty()) return false;
    Value at = root;
    for (size_t i = 0; i + 1 < path.size(); ++i) {
        Value next;
        if (!find_kept_or_not(at, path[i], arena, &next) || !next.is_object()) break;
        at = next;
    }
    return find_kept_or_not(at, path.back(), arena, out);
}

std::string_view text_in_url(const Value& v, Arena& arena) {
    std::string_view text;
    if (v.is_null()) return "<nil>";
    if (text_of(v, arena, &text)) return text;
    // The value as JSON has sorted and unique names already; only the punctuation is another.
    ArenaOutput source(arena, estimate(v));
    emit(v, arena, source);
    std::string_view s = source.view();
    bool list = s[0] == '[';
    if (list) s = s.substr(1, s.size() - 2);
    ArenaOutput out(arena, s.size() + 16);
    size_t depth = 0;
    for (size_t i = 0; i < s.size();) {
        char c = s[i];
        if (c == '"') {
            size_t end = i + 1;
            while (s[end] != '"')
                end += s[end] == '\\' ? 2 : 1;
            out.append(unescape(s.substr(i + 1, end - i - 1), arena));
            i = end + 1;
            continue;
        }
        ++i;
        if (c == '{' || c == '[') {
            ++depth;
            out.append(c == '{' ? "map[" : "[");
        } else if (c == '}' || c == ']') {
            --depth;
            out.put(']');
        } else if (c == ',') {
            out.put(list && depth == 0 ? ',' : ' ');
        } else if (c == 'n') {
            out.append("<nil>");
            i += 3;
        } else {
            out.put(c);
        }
    }
    return out.view();
}

}  // namespace gladius::json
