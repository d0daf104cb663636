// Purpose: every extra_config namespace of the reference, both editions, in one table: its names, where it does
// something, what it means when it is missing (posture), and whether this program has it. From it comes the rule that a
// file which says "protected" is never served open (issue 3, item 4; cases failclosed). Owner: the table is a constant;
// features override rows by giving their own at load (LoadOptions::features), so that this library knows no feature.
// Thread: any. Errors: as diagnostics. Source: ledger 2, sections A and B; ledger 1, section 2.10; spelling per level:
// real-configs notes.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "conf/config.h"
#include "conf/fields.h"

namespace gladius::conf {

enum class Posture : uint8_t {
    protective,  // keeps somebody or something out: never ignored in silence
    shaping,     // changes requests or answers
    observing,   // logs, counts, traces
    describing,  // documentation only: nothing happens at run time
};

enum class Level : uint8_t { service = 1, endpoint = 2, backend = 4, async_agent = 8 };

constexpr uint8_t operator|(Level a, Level b) {
    return static_cast<uint8_t>(a) | static_cast<uint8_t>(b);
}
constexpr uint8_t operator|(uint8_t a, Level b) {
    return static_cast<uint8_t>(a | static_cast<uint8_t>(b));
}
std::string_view to_string(Level l);

struct NamespaceInfo {
    std::string_view name;
    // Its 1.x name in the one spelling that the reference reads (github.com or github_com); empty: it has none.
    std::string_view alias = {};
    uint8_t levels = 0;
    Posture posture = Posture::shaping;
    bool built = false;
    const FieldTable* fields =
        nullptr;  // checked while loading when it is there and `built`; null: the feature reads it itself
    std::span<const std::string_view> plugins = {};  // of a plugin/*: the names that are built
};

// The table of the program, without overrides.
std::span<const NamespaceInfo> known_namespaces();

// What one written name is.
struct Resolved {
    enum class How : uint8_t {
        comment,   // begins with @ $ _ #
        exact,     // short name, or the 1.x name in the right spelling
        misspelt,  // the other 1.x spelling, another case, another separator, a typo: the reference ignores it
        unknown,   // nothing we know
    };
    How how = How::unknown;
    const NamespaceInfo* info = nullptr;  // exact, misspelt
    bool protective = false;              // of info, or what the unknown name sounds like
};

Resolved resolve_namespace(std::string_view written, std::span<const NamespaceInfo> overrides = {});

// Checks the components of one object, fills config.entries and reads those whose struct is given by `sinks`.
struct NamespaceSink {
    std::string_view name;
    void* target;
};

struct NamespaceContext {
    Level level = Level::service;
    std::string where;  // "endpoint GET /guarded", "backend GET /b of endpoint GET /guarded"; empty at the service
    std::span<const NamespaceInfo> overrides;
    bool allow_unsupported = false;
};

// Protections that nobody would read: beside extra_config instead of in it, in an "extra-config" or "extra_confg", or
// in the first of two extra_config. `object` is a service, endpoint or backend, `table` its field table.
void check_misplaced(const Node& object, const FieldTable& table, const NamespaceContext& context,
                     Diagnostics& diagnostics);

void check_namespaces(ExtraConfig& config, const NamespaceContext& context, std::span<const NamespaceSink> sinks,
                      Diagnostics& diagnostics);

}  // namespace gladius::conf
