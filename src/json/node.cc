#include "json/node.h"

#include "json/text.h"

namespace gladius::json {

std::string_view Document::key(uint32_t i, Arena& arena) const {
    const Node& n = nodes[i];
    return n.has(Node::key_plain) ? key_source(n) : unescape(key_source(n), arena);
}

std::string_view Document::string(uint32_t i, Arena& arena) const {
    const Node& n = nodes[i];
    return n.has(Node::plain) ? string_source(n) : unescape(string_source(n), arena);
}

uint32_t Document::find(uint32_t object, std::string_view name) const {
    uint32_t found = kNoNode;
    if (nodes[object].has(Node::collapsed) && nodes[object].end - nodes[object].begin != 2)
        GL_BUG("json: looked into a collapsed object");
    for (uint32_t c = object + 1; c < nodes[object].next; c = nodes[c].next) {
        const Node& n = nodes[c];
        if (!n.live()) continue;
        if (n.has(Node::key_plain) ? key_source(n) == name : unescapes_to(key_source(n), name)) found = c;
    }
    return found;
}

bool find_member(const Value& object, std::string_view name, Value* out) {
    if (!object.is_object()) return false;
    if (object.kind == Value::Kind::node) {
        uint32_t c = object.document->find(object.n, name);
        if (c == kNoNode) return false;
        *out = Value::of(object.document, c);
        return true;
    }
    for (uint32_t i = 0; i < object.n; ++i) {
        if (object.members[i].key != name) continue;
        *out = object.members[i].value;
        return true;
    }
    return false;
}

bool empty(const Value& object) {
    if (object.kind == Value::Kind::members) return object.n == 0;
    if (object.kind == Value::Kind::raw) return object.n <= 2;
    if (!object.is_object()) return true;
    const Node* nodes = object.document->nodes;
    if (nodes[object.n].has(Node::collapsed)) return nodes[object.n].end - nodes[object.n].begin == 2;
    for (uint32_t c = object.n + 1; c < nodes[object.n].next; c = nodes[c].next) {
        if (nodes[c].live()) return false;
    }
    return true;
}

bool text_of(const Value& v, Arena& arena, std::string_view* out) {
    if (v.kind == Value::Kind::text) {
        *out = v.view();
        return true;
    }
    if (v.kind != Value::Kind::node || v.node().kind != Kind::string) return false;
    *out = v.document->string(v.n, arena);
    return true;
}

}  // namespace gladius::json
