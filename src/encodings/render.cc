#include "encodings/render.h"

#include "json/emit.h"

namespace gladius::encodings {
namespace {

using json::Value;

struct Row {
    std::string_view name;
    std::string_view content_type;
};

constexpr Row kRenderers[] = {
    {"json", "application/json; charset=utf-8"},
    {"json-collection", "application/json; charset=utf-8"},
    {"string", "text/plain; charset=utf-8"},
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

}  // namespace

Renderer find_renderer(std::string_view output_encoding, std::string_view only_backend_encoding) {
    Renderer r = Renderer::json;
    if (!by_name(output_encoding, &r)) by_name(only_backend_encoding, &r);
    return r;
}

std::string_view content_type(Renderer r) {
    return kRenderers[static_cast<size_t>(r)].content_type;
}

void render(Renderer r, const Value* data, Arena& arena, json::Output& out) {
    Value v;
    switch (r) {
        case Renderer::json:
            if (data == nullptr) return out.append("{}");
            return json::emit(*data, arena, out);
        case Renderer::json_collection:
            if (data == nullptr || !json::find_member(*data, "collection", &v)) return out.append("[]");
            return json::emit(v, arena, out);
        case Renderer::string:
            if (data != nullptr && json::find_member(*data, "content", &v)) write_text(v, arena, out);
            return;
        case Renderer::no_op:
            return;
    }
}

}  // namespace gladius::encodings
