// Purpose: what a backend does to its data before they are merged: target, then allow or deny, then mapping, then group
// (ledger 5.2), compiled once when the configuration is loaded. A flatmap stands in for what is between target and
// group.
// allow and deny only mark nodes of the document; mapping and group make small lists of members that point to nodes.
// Owner: the snapshot. Thread: apply() on any, it changes nothing here. Lifetime: data that apply() gave points into
// the program (names of mapping and group), so it must not outlive it. Errors: none.
//   FilterProgram f = FilterProgram::compile({.allow = allow, .group = "user"});
//   Value data = f.apply(decoded.data, arena);     // decoded with f.keep_depth()
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "json/flatmap.h"
#include "json/node.h"
#include "json/selection.h"

namespace gladius::json {

// As it stands in the configuration of a backend.
struct FilterSpec {
    std::string_view target = {};
    std::span<const std::string> allow = {};
    std::span<const std::string> deny = {};                             // not looked at when there is an allow
    std::span<const std::pair<std::string, std::string>> mapping = {};  // old name, new name; applied in this order
    std::string_view group = {};
    std::span<const FlatmapOp> flatmap = {};  // with one, allow, deny and mapping are not looked at
    uint32_t keep_depth = 0;                  // of the result, for who looks into it later
    bool walk = false;  // gladius/arrays: names lead through arrays into every element, mapping has paths
};

class FilterProgram {
  public:
    FilterProgram() = default;
    static FilterProgram compile(const FilterSpec& spec);

    // How deep the data should be kept when they are scanned (see scan.h); less is scanned again, 0: it looks at
    // nothing.
    uint32_t keep_depth() const { return keep_depth_; }

    // What it is sure to drop from a document that is an object, for the scanner; nullptr: it may look at anything.
    const Selection* selection() const { return selection_.names.empty() ? nullptr : &selection_; }

    // `data` as decode() gave it. It is marked: a document passes one program once.
    Value apply(const Value& data, Arena& arena) const;

  private:
    // A name on a path of allow or deny. The rules are sorted by depth, then by parent, then by name; rule 0 is the
    // root.
    struct Rule {
        std::string name;
        uint32_t parent = 0;
        uint32_t first = 0;  // children: [first, first + count)
        uint32_t count = 0;  // none: the path ends here
    };
    enum class Mode : uint8_t { all, allow, deny };
    class Marks;
    class Walk;
    class Builder;

    uint32_t match(uint32_t parent, std::string_view name) const;
    Value select(Value data) const;
    Value mark(const Value& data, Arena& arena) const;
    Value rename(const Value& data, Arena& arena) const;
    void select_for_scan();
    Value grouped(const Value& data, Arena& arena) const;
    // filter_walk.cc
    Value walk(const Value& decoded, Arena& arena) const;
    Value select_inside(const Value& data, Arena& arena) const;
    Value mark_inside(const Value& data, bool list, Arena& arena) const;

    std::vector<std::string> target_;
    std::vector<Rule> rules_;
    std::vector<std::pair<std::string, std::string>> mapping_;
    std::string group_;
    FlatmapProgram flatmap_;
    Selection selection_;
    FlatmapProgram renames_;
    bool walk_ = false;
    Mode mode_ = Mode::all;
    uint32_t keep_depth_ = 0;
};

}  // namespace gladius::json
