#include "json/order.h"

#include <algorithm>

#include "json/lookup.h"

namespace gladius::json {
namespace {

bool before(const SortKey& a, const SortKey& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    int c = a.view().compare(b.view());
    return c != 0 ? c < 0 : a.ref < b.ref;
}

// Objects of interfaces are small: how many names are before each one is counted by comparing all with all, which takes
// no branch. The number is known when this is compiled, so that all of it stays in registers. False when two begin
// alike.
template <size_t N>
bool sort_exactly(const uint64_t* prefix, const uint32_t* ref, uint32_t* to) {
    uint64_t mine[N];
    uint32_t rank[N];
#pragma GCC unroll 8
    for (size_t i = 0; i < N; ++i) {
        mine[i] = prefix[i];
        rank[i] = 0;
#pragma GCC unroll 8
        for (size_t j = 0; j < i; ++j) {
            bool less = mine[j] < mine[i];
            rank[i] += less;
            rank[j] += !less;
        }
    }
    uint64_t in_order[N];
#pragma GCC unroll 8
    for (size_t i = 0; i < N; ++i) {
        in_order[rank[i]] = mine[i];
        to[rank[i]] = ref[i];
    }
    bool alike = false;
#pragma GCC unroll 8
    for (size_t i = 1; i < N; ++i)
        alike |= in_order[i - 1] == in_order[i];
    return !alike;
}

constexpr size_t kFew = 8;

bool sort_few(const uint64_t* prefix, const uint32_t* ref, size_t n, uint32_t* to) {
    switch (n) {
        case 0:
            return true;
        case 1:
            *to = *ref;
            return true;
        case 2:
            return sort_exactly<2>(prefix, ref, to);
        case 3:
            return sort_exactly<3>(prefix, ref, to);
        case 4:
            return sort_exactly<4>(prefix, ref, to);
        case 5:
            return sort_exactly<5>(prefix, ref, to);
        case 6:
            return sort_exactly<6>(prefix, ref, to);
        case 7:
            return sort_exactly<7>(prefix, ref, to);
        case kFew:
            return sort_exactly<kFew>(prefix, ref, to);
        default:
            return false;
    }
}

// The same for any object.
size_t sorted_many(const Document& doc, uint32_t object, Arena& arena, Growing<uint32_t>& out) {
    const Node* nodes = doc.nodes;
    Growing<SortKey> keys(arena, 2 * kFew);
    for (uint32_t c = object + 1; c < nodes[object].next; c = nodes[c].next) {
        if (nodes[c].live()) keys.push(SortKey::of(doc.key(c, arena), c));
    }
    size_t n = sort_names(keys.data(), keys.size());
    for (size_t i = 0; i < n; ++i)
        out.push(keys[i].ref);
    return n;
}

}  // namespace

size_t sort_names(SortKey* keys, size_t n) {
    if (n <= kFew) {
        uint64_t prefix[kFew];
        uint32_t ref[kFew], in_order[kFew];
        for (size_t i = 0; i < n; ++i) {
            prefix[i] = keys[i].prefix;
            ref[i] = keys[i].ref;
        }
        if (sort_few(prefix, ref, n, in_order)) {
            for (size_t i = 0; i < n; ++i)
                keys[i].ref = in_order[i];
            return n;
        }
    }
    std::sort(keys, keys + n, before);
    size_t kept = 0;
    for (size_t i = 0; i < n; ++i) {
        bool last = i + 1 == n || keys[i].prefix != keys[i + 1].prefix || keys[i].view() != keys[i + 1].view();
        if (last) keys[kept++] = keys[i];
    }
    return kept;
}

size_t sorted_members(const Document& doc, uint32_t object, Arena& arena, Growing<uint32_t>& out) {
    const Node* nodes = doc.nodes;
    const char* text = doc.text;
    uint32_t end = nodes[object].next;
    uint64_t prefix[kFew];
    uint32_t ref[kFew];
    size_t n = 0;
    for (uint32_t c = object + 1; c < end; c = nodes[c].next) {
        const Node& m = nodes[c];
        if (!m.live()) continue;
        bool simple = n < kFew && m.has(Node::key_plain) && doc.text_size - m.key_begin >= 8;
        if (!simple) [[unlikely]]
            return sorted_many(doc, object, arena, out);
        prefix[n] = SortKey::padded_prefix(text + m.key_begin, m.key_size);
        ref[n++] = c;
    }
    if (!sort_few(prefix, ref, n, out.room(kFew))) [[unlikely]]
        return sorted_many(doc, object, arena, out);
    out.set_size(out.size() + n);
    return n;
}

void append_members(const Value& given, Arena& arena, Growing<Member>& out) {
    Value object = opened(given, arena);  // a target is kept only as deep as the backend's own rules need
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
