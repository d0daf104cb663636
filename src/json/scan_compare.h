// Purpose: for scan_fast_test and json_fuzz only: says whether two documents of one text are the same in everything a
// user can see. Owner: values. Thread: any. Errors: the difference in words, empty when there is none.
#pragma once
#include <string>

#include "json/node.h"

namespace gladius::json {

inline std::string difference(const Document& a, const Document& b) {
    auto differ = [](const char* what, uint64_t x, uint64_t y) {
        return std::string(what) + " " + std::to_string(x) + " and " + std::to_string(y);
    };
    if (a.error != b.error) return "errors '" + std::string(a.error) + "' and '" + std::string(b.error) + "'";
    if (a.error_offset != b.error_offset) return differ("error offsets", a.error_offset, b.error_offset);
    if (a.consumed != b.consumed) return differ("consumed", a.consumed, b.consumed);
    if (a.keep_depth != b.keep_depth) return differ("depths", a.keep_depth, b.keep_depth);
    if (a.text != b.text || a.text_size != b.text_size) return "texts";
    if (a.node_count != b.node_count) return differ("counts", a.node_count, b.node_count);
    for (uint32_t i = 0; i < a.node_count; ++i) {
        const Node& x = a.nodes[i];
        const Node& y = b.nodes[i];
        std::string at = " of node " + std::to_string(i);
        if (x.key_begin != y.key_begin) return differ("key_begin", x.key_begin, y.key_begin) + at;
        if (x.key_size != y.key_size) return differ("key_size", x.key_size, y.key_size) + at;
        if (x.begin != y.begin) return differ("begin", x.begin, y.begin) + at;
        if (x.end != y.end) return differ("end", x.end, y.end) + at;
        if (x.next != y.next) return differ("next", x.next, y.next) + at;
        if (x.kind != y.kind) return differ("kind", static_cast<uint64_t>(x.kind), static_cast<uint64_t>(y.kind)) + at;
        if (x.flags != y.flags) return differ("flags", x.flags, y.flags) + at;
    }
    return {};
}

}  // namespace gladius::json
