// Purpose: which members of a document anyone will look at, told to the scanner before it begins: what a filter is sure
// to drop is checked, but not taken apart. The members stay in the document as single nodes (Node::skipped).
// Owner: whoever compiled it (a FilterProgram). Thread: any, it is const. Lifetime: the scan. Errors: none.
//   Document* doc = scan(text, arena, filter.keep_depth(), filter.selection());
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gladius::json {

struct Selection {
    enum class Fate : uint8_t {
        keep,  // all of it is looked at
        skip,  // nobody looks at it
        look,  // if it is an object, its members have fates of their own; else as keep
    };
    struct Name {
        std::string name;
        Fate fate = Fate::keep;
        Fate others = Fate::keep;  // look: of members that have no name here
        uint32_t first = 0;        // look: the names of its members are [first, first + count), ascending by bytes
        uint32_t count = 0;
    };
    // names[0] is the document itself; without names everything is kept.
    std::vector<Name> names;

    // Objects below this depth are kept as a whole.
    static constexpr uint32_t kLevels = 8;

    // The fate of a member of names[parent], and where its own members are.
    Fate fate(uint32_t parent, std::string_view member, uint32_t* child) const {
        const Name& p = names[parent];
        const Name* first = names.data() + p.first;
        const Name* last = first + p.count;
        constexpr uint32_t kFew = 8;
        if (p.count > kFew)
            first = std::lower_bound(first, last, member, [](const Name& n, std::string_view m) { return n.name < m; });
        for (; first != last; ++first) {
            if (first->name == member) {
                *child = static_cast<uint32_t>(first - names.data());
                return first->fate;
            }
            if (p.count > kFew) break;
        }
        return p.others;
    }
};

}  // namespace gladius::json
