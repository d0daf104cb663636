// Purpose: reads the first JSON value of a text into a Document, with the rules and the error texts of Go's
// encoding/json.Decoder with UseNumber (ledger 5.3): white space only may come before (a byte order mark is an error),
// what follows the value is not looked at, the last of equal keys wins, number text is kept, bytes that are no UTF-8
// and half surrogate pairs mean U+FFFD, more than 10000 levels are an error. scan_ref.h is the readable specification
// of it, scan_fast.h what runs. Owner: nodes and the error text are the arena's; the text must outlive the document.
// Thread: any. Errors: Document::error and error_offset. Time is linear, no recursion; memory is at most 24 bytes per
// node, doubled while the array grows, and far less when canonical subtrees below keep_depth are collapsed.
//   Document* doc = scan(body, arena);
//   if (!doc->ok()) return fail(doc->error);
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "json/node.h"
#include "json/selection.h"

namespace gladius::json {

inline constexpr uint32_t kMaxDepth = 10000;
// Of what is kept; more are an error of ours (384 MiB of nodes).
inline constexpr uint32_t kMaxNodes = 1U << 24;
inline constexpr uint32_t kKeepAll = UINT32_MAX;

// What a scan may take. take is asked before the nodes of a large document take more memory, for a budget; false: the
// scan ends with kNoMemory.
struct Permit {
    bool (*take)(void* from, size_t bytes) = nullptr;
    void* from = nullptr;
    uint32_t max_nodes = kMaxNodes;
    bool allows(size_t bytes) const { return take == nullptr || take(from, bytes); }
};
inline constexpr std::string_view kNoMemory = "there is no memory for the nodes of the text";

// Nodes are kept down to keep_depth (the root is at depth 0, its members at 1); a container at that depth or below
// whose bytes are canonical becomes a single collapsed node. Who looks into the document says how deep; kKeepAll keeps
// all. What the selection skips is one node without facts, at any depth.
Document* scan(std::string_view text, Arena& arena, uint32_t keep_depth = kKeepAll,
               const Selection* selection = nullptr, const Permit& permit = {});

// For one who looks deeper than the document was kept: scans the text again. Marks of filters are lost and indexes but
// the root's change, so this comes before anything else is done with the document.
void deepen(Document& doc, uint32_t keep_depth, Arena& arena);

}  // namespace gladius::json
