// Purpose: the operations of `flatmap_filter` (ledger 5.4): move, append and del on a tree whose parts are named by
// paths with wildcards, compiled once when the configuration is loaded.
// A document is opened only as far as the paths lead; what no operation touched is printed from the document's bytes.
// Owner: the snapshot. Thread: apply() on any, it changes nothing here. Lifetime: data that apply() gave point into the
// program (names of moved things), so they must not outlive it. Errors: problem() names what is wrong with an
// operation; such a one does nothing. Time is linear in the data, per operation; recursion goes as deep as a path has
// wildcards.
//   FlatmapProgram f = FlatmapProgram::compile({{"move", {"items.*.id", "items.*.key"}}, {"del", {"debug"}}});
//   Value data = f.apply(decoded.data, arena);
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "json/node.h"

namespace gladius::json {

// As it stands in the configuration.
struct FlatmapOp {
    std::string type;
    std::vector<std::string> args;
};

class FlatmapProgram {
  public:
    static FlatmapProgram compile(std::span<const FlatmapOp> ops);

    // Of gladius/arrays: the path of a member and its new name. Arrays on the way are passed through, element by
    // element.
    static FlatmapProgram renaming(std::span<const std::pair<std::string, std::string>> mapping);

    // What keeps an operation from doing anything, as the end of a sentence about it; empty: nothing.
    static std::string problem(const FlatmapOp& op);

    // How deep the data should be kept when they are scanned (see scan.h); less is scanned again where it matters.
    uint32_t keep_depth() const { return keep_depth_; }

    // An object, or null when nothing of it is left or `data` was null. Paths of renaming() begin below the member
    // `below`, when it is not empty.
    Value apply(const Value& data, Arena& arena, std::string_view below = {}) const;

  private:
    class Tree;
    enum class Type : uint8_t { move, append, del, rename };
    struct Segment {
        std::string text;
        uint32_t number;  // the text as an index of an array, or kNoNode
        bool any;         // "*", which is a name like any other at some places
    };
    using Path = std::vector<Segment>;
    struct Op {
        Type type;
        std::vector<Path> paths;
    };

    static Path path_of(std::string_view text);

    std::vector<Op> ops_;
    uint32_t keep_depth_ = 0;
};

}  // namespace gladius::json
