// Purpose: names in the order in which Go prints a map: ascending by bytes, of equal names the last one only.
// Owner: the caller's list. Thread: any. Errors: none. Time n log n, in place.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "json/growing.h"
#include "json/node.h"

namespace gladius::json {

struct SortKey {
    uint64_t prefix;  // the first eight bytes, so that most comparisons touch nothing else
    const char* name;
    uint32_t size;
    uint32_t ref;  // what is sorted; of equal names the greatest ref is kept

    static SortKey of(std::string_view key, uint32_t ref) {
        uint64_t prefix = 0;
        std::memcpy(&prefix, key.data(), key.size() < 8 ? key.size() : 8);
        if constexpr (std::endian::native == std::endian::little) prefix = __builtin_bswap64(prefix);
        return {prefix, key.data(), static_cast<uint32_t>(key.size()), ref};
    }
    // The prefix, quicker, when eight bytes can be read there however short the name is.
    static uint64_t padded_prefix(const char* name, uint32_t size) {
        uint64_t prefix;
        std::memcpy(&prefix, name, 8);
        if constexpr (std::endian::native == std::endian::little) prefix = __builtin_bswap64(prefix);
        return prefix & kKept[size < 8 ? size : 8];
    }
    std::string_view view() const { return {name, size}; }

  private:
    // Of a prefix, by the size of the name.
    static constexpr uint64_t kKept[9] = {0,
                                          uint64_t{0xFF} << 56,
                                          uint64_t{0xFFFF} << 48,
                                          uint64_t{0xFFFFFF} << 40,
                                          uint64_t{0xFFFFFFFF} << 32,
                                          ~uint64_t{0xFFFFFF},
                                          ~uint64_t{0xFFFF},
                                          ~uint64_t{0xFF},
                                          ~uint64_t{0}};
};

// Sorts the refs by their names and drops all but the last of equal names; the number that is left. Only the refs are
// good afterwards.
size_t sort_names(SortKey* keys, size_t n);

// Appends the indexes of the live members of an object node, sorted and unique. Returns how many.
size_t sorted_members(const Document& doc, uint32_t object, Arena& arena, Growing<uint32_t>& out);

// Appends the live members of an object, in no special order and perhaps with equal names.
void append_members(const Value& object, Arena& arena, Growing<Member>& out);

// The list as an object: sorted, of equal names the last one.
Value unique_members(Growing<Member>& list, Arena& arena);

}  // namespace gladius::json
