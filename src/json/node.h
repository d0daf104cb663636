// Purpose: how a JSON text looks after scanning: a flat array of nodes over the unchanged source text, and the value
// that executors hand around (a node, a list of members, or text that is no node).
// Layout: nodes stand in source order, a container directly before its children; `next` is the index behind the last
// node of the subtree, so a subtree can be skipped in one step and dropped by forgetting what follows it.
//   for (uint32_t c = i + 1; c < doc.nodes[i].next; c = doc.nodes[c].next) ...   // children of container i
// Owner: the arena given to scan(); the source text must live as long. Thread: one worker; a filter marks nodes, so a
// document belongs to one call. Errors: none here. Source: RFC 8259, ledger 4.5 and 5.3.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/arena.h"

namespace gladius::json {

enum class Kind : uint8_t { null, boolean, number, string, array, object };

inline constexpr uint32_t kNoNode = UINT32_MAX;

struct Node {
    // Set of flags; all are facts found while scanning, but `removed`, which filters set.
    enum : uint16_t {
        canonical = 1,      // the bytes [begin, end) are what Go would print
        plain = 2,          // string: the bytes between the quotes are the text (no escape, valid UTF-8)
        key_canonical = 4,  // the same two for the key
        key_plain = 8,
        ordered = 16,    // object: keys are plain, ascending by bytes and unique
        collapsed = 32,  // container whose children were not kept: canonical, or skipped
        removed = 64,    // not part of the value any more; implies that the parent is not canonical
        skipped = 128,   // nobody looks at it (Selection): nothing is known of the value but its kind
    };
    uint32_t key_begin = 0;  // offset of the first byte behind the opening quote; 0 for elements and the root
    uint32_t key_size = 0;   // bytes between the quotes, escapes as they are written
    uint32_t begin = 0;      // offset of the value
    uint32_t end = 0;        // offset behind the value
    uint32_t next = 0;       // index behind the subtree
    Kind kind = Kind::null;
    uint16_t flags = 0;

    bool has(uint16_t f) const { return (flags & f) != 0; }
    bool live() const { return !has(removed); }
    bool container() const { return kind >= Kind::array; }
};
static_assert(sizeof(Node) == 24);

struct Document {
    const char* text = nullptr;
    uint32_t text_size = 0;
    uint32_t consumed = 0;  // offset behind the first value; what follows was not looked at
    Node* nodes = nullptr;  // nodes[0] is the root; none when error is not empty
    uint32_t node_count = 0;
    uint32_t keep_depth = 0;  // as given to scan()
    uint32_t error_offset = 0;
    std::string_view error;  // as Go's encoding/json says it; empty when the text is good

    bool ok() const { return error.empty(); }
    std::string_view slice(const Node& n) const { return {text + n.begin, n.end - n.begin}; }
    // Between the quotes of a string node.
    std::string_view string_source(const Node& n) const { return {text + n.begin + 1, n.end - n.begin - 2}; }
    std::string_view key_source(const Node& n) const { return {text + n.key_begin, n.key_size}; }
    // Decoded; a view of the source when it is plain, else a copy in the arena.
    std::string_view key(uint32_t i, Arena& arena) const;
    std::string_view string(uint32_t i, Arena& arena) const;
    // The member of an object with this name (the last one, as Go keeps it), or kNoNode. The object must have been
    // kept.
    uint32_t find(uint32_t object, std::string_view name) const;
    bool true_value(const Node& n) const { return text[n.begin] == 't'; }
};

struct Member;

// What a backend gave or the client gets. Data of an answer is a value of kind null ("no data"), a node that is an
// object, or members.
struct Value {
    enum class Kind : uint8_t {
        null,      // null; as data: the backend answered `null`, Go's nil map
        node,      // document->nodes[n]
        members,   // n members, in any order, names unique
        elements,  // n values of an array
        raw,       // n bytes that are JSON as Go prints it, opaque to filters
        text,      // n bytes of text, not escaped, perhaps not UTF-8: what the string decoder made
    };
    Kind kind = Kind::null;
    uint32_t n = 0;
    union {
        Document* document = nullptr;
        Member* members;
        Value* elements;
        const char* bytes;
    };

    static Value of(Document* d, uint32_t index) {
        Value v;
        v.kind = Kind::node;
        v.n = index;
        v.document = d;
        return v;
    }
    static Value of(Member* list, uint32_t count) {
        Value v;
        v.kind = Kind::members;
        v.n = count;
        v.members = list;
        return v;
    }
    static Value of(Value* list, uint32_t count) {
        Value v;
        v.kind = Kind::elements;
        v.n = count;
        v.elements = list;
        return v;
    }
    static Value of_raw(std::string_view s) { return of_bytes(Kind::raw, s); }
    static Value of_text(std::string_view s) { return of_bytes(Kind::text, s); }

    bool is_null() const { return kind == Kind::null; }
    std::string_view view() const { return {bytes, n}; }
    const Node& node() const { return document->nodes[n]; }
    // An object with names that can be looked up.
    bool is_object() const {
        return kind == Kind::members || (kind == Kind::node && node().kind == json::Kind::object);
    }

  private:
    static Value of_bytes(Kind k, std::string_view s) {
        Value v;
        v.kind = k;
        v.n = static_cast<uint32_t>(s.size());
        v.bytes = s.data();
        return v;
    }
};

struct Member {
    std::string_view key;  // decoded
    Value value;
};

// The member `name` of an object, false when there is none or `object` is none.
bool find_member(const Value& object, std::string_view name, Value* out);

// True when an object has no member left; a client sees X-Krakend-Completed: false then (ledger 4.3).
bool empty(const Value& object);

// The text when the value is a string, else false. Decoded text lives in the source or in the arena.
bool text_of(const Value& v, Arena& arena, std::string_view* out);

}  // namespace gladius::json
