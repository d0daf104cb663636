#include "encodings/render.h"

#include "encodings/xml_write.h"
#include "encodings/yaml.h"
#include "json/emit.h"
#include "json/scan.h"

namespace gladius::encodings {
namespace {

using json::Value;

constexpr std::string_view kCollection = "collection";
constexpr std::string_view kContent = "content";

struct Row {
    std::string_view name;
    std::string_view content_type;
};

constexpr Row kRenderers[] = {
    {"json", "application/json; charset=utf-8"},
    {"json-collection", "application/json; charset=utf-8"},
    {"string", "text/plain; charset=utf-8"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml; charset=utf-8"},
    {"negotiate", "application/json; charset=utf-8"},
    {"no-op", ""},
};
static_assert(std::size(kRenderers) == static_cast<size_t>(Renderer::no_op) + 1);

bool by_name(std::string_view name, Renderer* out) {
    for (size_t i = 0; i < std::size(kRenderers); ++i) {
        if (kRenderers[i].name != name) continue;
        *out = static_cast<Renderer>(i);
        return true;
    }
    return false;
}

void write_text(const Value& v, Arena& arena, json::Output& out) {
    std::string_view text;
    if (json::text_of(v, arena, &text)) out.append(text);
}

// The data as a document that was kept whole, its names ascending and unique, whatever filters and merging left: it is
// printed and read again.
const json::Document* printed(const Value& data, Arena& arena) {
    json::ArenaOutput text(arena, json::estimate(data));
    json::emit(data, arena, text);
    return json::scan(text.view(), arena);
}

std::string_view trimmed(std::string_view s) {
    constexpr std::string_view kBlank = " \t\r\n\v\f";
    size_t first = s.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return s.substr(first, s.find_last_not_of(kBlank) + 1 - first);
}

}  // namespace

Renderer find_renderer(std::string_view output_encoding, std::string_view only_backend_encoding) {
    Renderer r = Renderer::json;
    if (!by_name(output_encoding, &r)) by_name(only_backend_encoding, &r);
    return r;
}

std::string_view content_type(Renderer r) {
    return kRenderers[static_cast<size_t>(r)].content_type;
}

Renderer negotiated(std::string_view accept) {
    constexpr struct {
        std::string_view type;
        Renderer renderer;
    } kOffers[] = {{"application/json", Renderer::json},
                   {"text/plain", Renderer::yaml},
                   {"application/xml", Renderer::xml},
                   {"application/x-yaml", Renderer::yaml}};
    while (!accept.empty()) {
        size_t comma = accept.find(',');
        std::string_view one = accept.substr(0, comma);
        accept.remove_prefix(comma == std::string_view::npos ? accept.size() : comma + 1);
        if (size_t semicolon = one.find(';'); semicolon != 0) one = one.substr(0, semicolon);
        one = trimmed(one);
        if (one.empty()) continue;
        for (const auto& offer : kOffers) {
            // As gin compares: up to a star, and the beginning of a type is enough.
            size_t n = one.find('*');
            if ((n == std::string_view::npos || n < offer.type.size()) && offer.type.starts_with(one.substr(0, n)))
                return offer.renderer;
        }
    }
    return Renderer::json;
}

bool render(Renderer r, const Value* data, Arena& arena, json::Output& out) {
    Value v;
    switch (r) {
        case Renderer::json:
        case Renderer::negotiate:
            if (data == nullptr) return out.append("{}"), true;
            json::emit(*data, arena, out);
            return true;
        case Renderer::json_collection:
            if (data == nullptr || !json::find_member(*data, kCollection, &v)) return out.append("[]"), true;
            json::emit(v, arena, out);
            return true;
        case Renderer::string:
            if (data != nullptr && json::find_member(*data, kContent, &v)) write_text(v, arena, out);
            return true;
        case Renderer::xml:
            if (data == nullptr) return true;
            if (const json::Document* doc = printed(*data, arena); doc->ok()) write_xml(*doc, arena, out);
            return true;
        case Renderer::yaml: {
            if (data == nullptr) return out.append("{}\n"), true;
            const json::Document* doc = printed(*data, arena);
            return doc->ok() && write_yaml(*doc, arena, kYamlGrowth * (size_t{doc->text_size} + 64), out);
        }
        case Renderer::no_op:
            return true;
    }
    return true;
}

}  // namespace gladius::encodings
