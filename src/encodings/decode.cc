#include "encodings/decode.h"

#include "encodings/feed.h"
#include "encodings/xml_read.h"
#include "json/scan.h"

namespace gladius::encodings {
namespace {

using json::Document;
using json::Kind;
using json::Member;
using json::Value;

constexpr std::string_view kCollection = "collection";
constexpr std::string_view kContent = "content";

struct Row {
    std::string_view name;
    Decoder decoder;
};

constexpr Row kDecoders[] = {
    {"json", Decoder::json}, {"safejson", Decoder::safejson}, {"string", Decoder::string},
    {"xml", Decoder::xml},   {"rss", Decoder::rss},           {"no-op", Decoder::no_op},
};

bool same_letters(std::string_view name, std::string_view lower) {
    if (name.size() != lower.size()) return false;
    for (size_t i = 0; i < name.size(); ++i) {
        char c = name[i];
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
        if (c != lower[i]) return false;
    }
    return true;
}

// Go's names of the kinds in "cannot unmarshal".
std::string_view kind_name(Kind k) {
    switch (k) {
        case Kind::null:
            return "null";
        case Kind::boolean:
            return "bool";
        case Kind::number:
            return "number";
        case Kind::string:
            return "string";
        case Kind::array:
            return "array";
        case Kind::object:
            return "object";
    }
    return {};
}

Decoded mismatch(Kind found, std::string_view wanted, Arena& arena) {
    std::string_view head = arena.concat("json: cannot unmarshal ", kind_name(found), " into Go value of type ");
    return {Value{}, arena.concat(head, wanted)};
}

Decoded wrapped(std::string_view key, const Value& v, Arena& arena) {
    auto* m = arena.make<Member>();
    m->key = key;
    m->value = v;
    return {Value::of(m, 1), {}};
}

}  // namespace

Decoder find_decoder(std::string_view encoding, bool is_collection) {
    Decoder d = Decoder::json;
    for (const Row& row : kDecoders) {
        if (same_letters(encoding, row.name)) d = row.decoder;
    }
    if (!is_collection) return d;
    return d == Decoder::json ? Decoder::json_collection : d == Decoder::xml ? Decoder::xml_collection : d;
}

Decoded decode(Decoder decoder, std::string_view body, Arena& arena, uint32_t keep_depth,
               const json::Selection* selection, const json::Permit& permit) {
    if (decoder == Decoder::no_op) return {Value::of(static_cast<Member*>(nullptr), 0), {}};
    if (decoder == Decoder::string) {
        if (body.size() >= UINT32_MAX) return {Value{}, "the text is too long"};
        return wrapped(kContent, Value::of_text(body), arena);
    }
    if (decoder == Decoder::rss) {
        Decoded d;
        d.data = feed_to_data(body, arena, &d.error);
        return d;
    }
    if (decoder == Decoder::xml || decoder == Decoder::xml_collection) {
        std::string_view error;
        body = xml_to_json(body, arena, &error);
        if (!error.empty()) return {Value{}, error};
    }
    // The names of a filter are those of the wrapper then.
    if (decoder == Decoder::xml_collection || decoder == Decoder::json_collection) selection = nullptr;
    // Merging and rendering always look at the members at the top.
    Document* doc = json::scan(body, arena, keep_depth > 1 ? keep_depth : 1, selection, permit);
    if (!doc->ok()) return {Value{}, doc->error};
    Kind kind = doc->nodes[0].kind;
    Value root = kind == Kind::null ? Value{} : Value::of(doc, 0);
    switch (decoder) {
        case Decoder::json:
            if (kind != Kind::object && kind != Kind::null) return mismatch(kind, "map[string]interface {}", arena);
            return {root, {}};
        case Decoder::json_collection:
            if (kind != Kind::array && kind != Kind::null) return mismatch(kind, "[]interface {}", arena);
            return wrapped(kCollection, root, arena);
        case Decoder::xml:
            return {root, {}};
        case Decoder::xml_collection:
            return wrapped(kCollection, root, arena);
        default:
            if (kind == Kind::object) return {root, {}};
            return wrapped(kind == Kind::array ? kCollection : kContent, root, arena);
    }
}

}  // namespace gladius::encodings
