// Purpose: field tables: one declarative row per key of a configuration object. From a table come parsing into a
// struct, validation (unknown and misspelt keys, ranges, allowed words), the JSON Schema and the Markdown reference
// (schema.h). Owner: tables are constants of the program. Thread: any; a Reader: control thread. Lifetime: static.
// Errors: as diagnostics with the place of the value; what cannot be read leaves the member at its default.
//
// A feature describes its namespace so (nothing else is needed to have it parsed, checked and documented):
//
//   struct RateLimit { double max_rate = 0; std::chrono::nanoseconds every = std::chrono::seconds(1); std::string
//   strategy; }; constexpr Field kFields[] = {
//       field<&RateLimit::max_rate>("max_rate", "0", "Requests per `every`; 0 is no limit."),
//       field<&RateLimit::every>("every", "1s", "The time that `max_rate` counts."),
//       field<&RateLimit::strategy>("strategy", "", "How clients are told apart.").one_of("ip|header|param"),
//   };
//   constexpr FieldTable kTable{"qos/ratelimit/router", kFields, Reading::strict};
//
//   RateLimit r;
//   Reader(document, diagnostics).read(node, kTable, &r);
//
// The member's default in the struct is the default of the field; the text beside it is for the documentation.
// The struct has a name that no other has in its namespace, in an anonymous one too: g++ 12 gives
// field<&Options::allow> of two files one address (weak symbols for members of anonymous types).
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "conf/diagnostic.h"
#include "conf/node.h"

namespace gladius::conf {

enum class FieldType : uint8_t {
    boolean,
    integer,
    number,
    text,
    duration,
    bytes,
    text_list,
    integer_list,
    text_map,
    object,
    object_list,
    any
};

std::string_view name_of(FieldType t);

// How the values of an object are read.
enum class Reading : uint8_t {
    weak,   // core objects, as the reference's mapstructure: keys in any case, texts for numbers, one value for a list;
            // with a warning. What cannot be read is an error.
    exact,  // namespaces, as the reference's components: a value of another type is ignored, with a warning
    strict,  // protective namespaces: an unknown key, a missing required key or a value of another type is an error
};

enum class Unknown : uint8_t { by_reading, warn, allow };

class Reader;
struct FieldTable;

struct Field {
    std::string_view name;
    FieldType type = FieldType::any;
    std::string_view default_value;  // for the documentation, as one would write it
    std::string_view doc;
    std::string_view since = "0.1";
    std::string_view words;  // allowed values, separated by '|'; others are a warning (strict: an error)
    std::string_view
        note;  // said whenever the field is set: not built, ignored, deprecated; ends the sentence `"x" ...`
    const FieldTable* table = nullptr;  // of the object, or of each object of the list
    int64_t min = INT64_MIN;
    int64_t max = INT64_MAX;
    bool is_required = false;
    bool is_enterprise = false;
    bool any_case = false;     // `words` match in any case
    bool words_quiet = false;  // `words` are only documented: somebody else judges the value
    void (*store)(Reader&, const Node&, const Field&, void*) = nullptr;  // none: the key is only known and checked

    // A copy with a change; the functions below read as sentences: field<...>(...).range(0, 65535).required().
    template <class F>
    constexpr Field with(F f) const {
        Field copy = *this;
        f(copy);
        return copy;
    }
    constexpr Field one_of(std::string_view allowed) const {
        return with([&](Field& f) { f.words = allowed; });
    }
    constexpr Field in_any_case() const {
        return with([](Field& f) { f.any_case = true; });
    }
    constexpr Field judged_later() const {
        return with([](Field& f) { f.words_quiet = true; });
    }
    constexpr Field range(int64_t lo, int64_t hi) const {
        return with([&](Field& f) {
            f.min = lo;
            f.max = hi;
        });
    }
    constexpr Field required() const {
        return with([](Field& f) { f.is_required = true; });
    }
    constexpr Field enterprise() const {
        return with([](Field& f) { f.is_enterprise = true; });
    }
    constexpr Field of(const FieldTable& t) const {
        return with([&](Field& f) { f.table = &t; });
    }
    constexpr Field in_bytes() const {
        return with([](Field& f) { f.type = FieldType::bytes; });
    }
    constexpr Field says(std::string_view text) const {
        return with([&](Field& f) { f.note = text; });
    }
    constexpr Field not_built() const { return says("is not built yet and has no effect"); }
    constexpr Field from(std::string_view version) const {
        return with([&](Field& f) { f.since = version; });
    }
};

struct FieldTable {
    std::string_view name;  // "endpoint", "qos/ratelimit/router"
    std::span<const Field> fields;
    Reading reading = Reading::exact;
    Unknown unknown = Unknown::by_reading;
    bool fold_case = false;  // keys in any case although exact (the reference decodes it with encoding/json)
};

using TextMap = std::vector<std::pair<std::string, std::string>>;

// Reads objects into structs. A struct that has a member `Node node` gets the place it was read from.
class Reader {
  public:
    explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    // False when `node` is no object or something in it was an error. Without a target the values are only checked.
    bool read(const Node& node, const FieldTable& table, void* target);
    // The same with members that are not in the node: name and value (the environment). They win.
    bool read(const Node& node, const FieldTable& table, void* target,
              std::span<const std::pair<std::string, Node>> over);

    // Text in front of every message ("endpoint /guarded: qos/ratelimit/router: "); empty for core objects.
    void set_context(std::string context) { context_ = std::move(context); }
    // Turns errors into warnings (--allow-unsupported).
    void set_lenient(bool on) { lenient_ = on; }

    void error(const Node& at, std::string message, std::string advice = {});
    void warn(const Node& at, std::string message, std::string advice = {});
    Diagnostics& diagnostics() { return diagnostics_; }

    // One value; false leaves `out` as it is, and has been reported.
    bool value(const Node& n, const Field& f, bool& out);
    bool value(const Node& n, const Field& f, int64_t& out);
    bool value(const Node& n, const Field& f, double& out);
    bool value(const Node& n, const Field& f, std::string& out);
    bool value(const Node& n, const Field& f, std::chrono::nanoseconds& out);
    bool value(const Node& n, const Field& f, std::vector<std::string>& out);
    bool value(const Node& n, const Field& f, std::vector<int64_t>& out);
    bool value(const Node& n, const Field& f, TextMap& out);
    bool value(const Node& n, const Field&, Node& out) {
        out = n;
        return true;
    }
    template <class T>
    bool value(const Node& n, const Field& f, std::optional<T>& out) {
        T t{};
        if (!value(n, f, t)) return false;
        out = std::move(t);
        return true;
    }
    template <class T>
    bool value(const Node& n, const Field& f, std::vector<T>& out) {
        Node list = list_of_objects(n, f);
        if (!list) return false;
        bool ok = true;
        if (list.is(Kind::object)) {
            if (list.size() == 0) return true;
            out.emplace_back();
            return value(list, f, out.back());
        }
        out.reserve(list.size());
        for (Node e : list.elements()) {
            out.emplace_back();
            ok = value(e, f, out.back()) && ok;
        }
        return ok;
    }
    template <class T>
    bool value(const Node& n, const Field& f, T& out) {
        static_assert(std::is_class_v<T>);
        if constexpr (requires { out.node = n; }) out.node = n;
        return object(n, f, &out);
    }

  private:
    bool object(const Node& n, const Field& f, void* out);
    Node list_of_objects(const Node& n, const Field& f);
    bool mismatch(const Node& n, const Field& f, std::string_view reference_text = {});
    bool weak() const { return reading_ == Reading::weak; }
    void unknown_key(const Member& m, const FieldTable& table);
    bool check_range(const Node& n, const Field& f, int64_t v);
    void check_words(const Node& n, const Field& f, std::string_view text);
    void loose(const Node& n, const Field& f, std::string message, std::string advice);

    Diagnostics& diagnostics_;
    std::string context_;
    Reading reading_ = Reading::weak;
    bool lenient_ = false;
    bool failed_ = false;
};

// ---- what field<> needs
// -----------------------------------------------------------------------------------------------
namespace detail {

template <class M>
struct MemberOf;
template <class C, class T>
struct MemberOf<T C::*> {
    using Class = C;
    using Type = T;
};

template <class T>
constexpr FieldType type_of() {
    if constexpr (std::is_same_v<T, bool>)
        return FieldType::boolean;
    else if constexpr (std::is_same_v<T, int64_t>)
        return FieldType::integer;
    else if constexpr (std::is_same_v<T, double>)
        return FieldType::number;
    else if constexpr (std::is_same_v<T, std::string>)
        return FieldType::text;
    else if constexpr (std::is_same_v<T, std::chrono::nanoseconds>)
        return FieldType::duration;
    else if constexpr (std::is_same_v<T, std::vector<std::string>>)
        return FieldType::text_list;
    else if constexpr (std::is_same_v<T, std::vector<int64_t>>)
        return FieldType::integer_list;
    else if constexpr (std::is_same_v<T, TextMap>)
        return FieldType::text_map;
    else if constexpr (std::is_same_v<T, Node>)
        return FieldType::any;
    else if constexpr (requires(T t) { t.emplace_back(); })
        return FieldType::object_list;
    else if constexpr (requires(T t) { t.has_value(); })
        return type_of<typename T::value_type>();
    else
        return FieldType::object;
}

template <auto Member>
void store(Reader& r, const Node& n, const Field& f, void* target) {
    using Class = typename MemberOf<decltype(Member)>::Class;
    if (target) {
        r.value(n, f, static_cast<Class*>(target)->*Member);
    } else {
        typename MemberOf<decltype(Member)>::Type checked{};
        r.value(n, f, checked);
    }
}

}  // namespace detail

// A row bound to a member.
template <auto Member>
constexpr Field field(std::string_view name, std::string_view default_value, std::string_view doc) {
    Field f;
    f.name = name;
    f.type = detail::type_of<typename detail::MemberOf<decltype(Member)>::Type>();
    f.default_value = default_value;
    f.doc = doc;
    f.store = &detail::store<Member>;
    return f;
}

// A row whose values are checked as those of T, and read by nobody.
template <class T>
constexpr Field checked(std::string_view name, std::string_view default_value, std::string_view doc) {
    Field f;
    f.name = name;
    f.type = detail::type_of<T>();
    f.default_value = default_value;
    f.doc = doc;
    f.store = [](Reader& r, const Node& n, const Field& field, void*) {
        T unused{};
        r.value(n, field, unused);
    };
    return f;
}

// A row that is only known and documented.
constexpr Field known(std::string_view name, FieldType type, std::string_view default_value, std::string_view doc) {
    Field f;
    f.name = name;
    f.type = type;
    f.default_value = default_value;
    f.doc = doc;
    return f;
}

// The nearest of the table's keys, for "did you mean"; empty when none is near.
std::string_view nearest_field(const FieldTable& table, std::string_view key);

}  // namespace gladius::conf
