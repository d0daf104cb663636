#include "json/order.h"

#include <algorithm>

namespace gladius::json {
namespace {

bool before(const SortKey& a, const SortKey& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    int c = a.view().compare(b.view());
    return c != 0 ? c < 0 : a.ref < b.ref;
}

// Objects of interfaces are small: how many names are before each one is counted by comparing all with all, which takes
// no branch. The number is known when this is compiled, so that all of it stays in registers. False when two begin
// alike: nothing was done.
template <size_t N>
bool sort_exactly(SortKey* keys) {
    uint64_t prefix[N];
    uint32_t ref[N];
    uint32_t rank[N];
    bool alike = false;
#pragma GCC unroll 8
    for (size_t i = 0; i < N; ++i) {
        prefix[i] = keys[i].prefix;
        ref[i] = keys[i].ref;
        uint32_t before_i = 0;
#pragma GCC unroll 8
        for (size_t j = 0; j < i; ++j) {
            bool less = prefix[j] < prefix[i];
            alike |= prefix[j] == prefix[i];
            before_i += less;
            rank[j] += !less;
        }
        rank[i] = before_i;
    }
    if (alike) return false;
#pragma GCC unroll 8
    for (size_t i = 0; i < N; ++i)
        keys[rank[i]].ref = ref[i];
    return true;
}

bool sort_few(SortKey* keys, size_t n) {
    switch (n) {
        case 0:
        case 1:
            return true;
        case 2:
            return sort_exactly<2>(keys);
        case 3:
            return sort_exactly<3>(keys);
        case 4:
            return sort_exactly<4>(keys);
        case 5:
            return sort_exactly<5>(keys);
        case 6:
            return sort_exactly<6>(keys);
        case 7:
            return sort_exactly<7>(keys);
        case 8:
            return sort_exactly<8>(keys);
        default:
            return false;
    }
}

}  // namespace

size_t sort_names(SortKey* keys, size_t n) {
    if (sort_few(keys, n)) return n;
    std::sort(keys, keys + n, before);
    size_t kept = 0;
    for (size_t i = 0; i < n; ++i) {
        bool last = i + 1 == n || keys[i].prefix != keys[i + 1].prefix || keys[i].view() != keys[i + 1].view();
        if (last) keys[kept++] = keys[i];
    }
    return kept;
}

size_t sorted_members(const Document& doc, uint32_t object, Arena& arena, Growing<SortKey>& out) {
    const Node* nodes = doc.nodes;
    size_t from = out.size();
    for (uint32_t c = object + 1; c < nodes[object].next; c = nodes[c].next) {
        const Node& n = nodes[c];
        if (!n.live()) continue;
        if (n.has(Node::key_plain) && doc.text_size - n.key_begin >= 8) [[likely]] {
            out.push(SortKey::of_padded(doc.key_source(n), c));
        } else {
            out.push(SortKey::of(doc.key(c, arena), c));
        }
    }
    size_t n = out.size() - from;
    if (!nodes[object].has(Node::ordered)) {
        n = sort_names(out.data() + from, n);
        out.set_size(from + n);
    }
    return n;
}

void append_members(const Value& object, Arena& arena, Growing<Member>& out) {
    if (object.kind == Value::Kind::members) {
        for (uint32_t i = 0; i < object.n; ++i)
            out.push(object.members[i]);
        return;
    }
    Document* doc = object.document;
    for (uint32_t c = object.n + 1; c < doc->nodes[object.n].next; c = doc->nodes[c].next) {
        if (doc->nodes[c].live()) out.push({doc->key(c, arena), Value::of(doc, c)});
    }
}

Value unique_members(Growing<Member>& list, Arena& arena) {
    Growing<SortKey> names(arena, list.size() + 1);
    for (uint32_t i = 0; i < list.size(); ++i)
        names.push(SortKey::of(list[i].key, i));
    size_t n = sort_names(names.data(), names.size());
    auto* members = arena.array<Member>(n);
    for (size_t i = 0; i < n; ++i)
        members[i] = list[names[i].ref];
    return Value::of(members, static_cast<uint32_t>(n));
}

}  // namespace gladius::json
