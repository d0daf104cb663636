#include "conf/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "conf/config.h"

namespace gladius::conf {

namespace {

std::string json_text(std::string_view s) {
    std::string out = "\"";
    for (char c : s) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::vector<std::string_view> split(std::string_view words) {
    std::vector<std::string_view> out;
    while (!words.empty()) {
        size_t bar = std::min(words.find('|'), words.size());
        out.push_back(words.substr(0, bar));
        words.remove_prefix(std::min(bar + 1, words.size()));
    }
    return out;
}

// All rows, those of the caller first and instead of ours.
std::vector<const NamespaceInfo*> rows(std::span<const NamespaceInfo> overrides) {
    std::vector<const NamespaceInfo*> out;
    for (const NamespaceInfo& o : overrides)
        out.push_back(&o);
    for (const NamespaceInfo& row : known_namespaces()) {
        bool replaced =
            std::any_of(overrides.begin(), overrides.end(), [&](const NamespaceInfo& o) { return o.name == row.name; });
        if (!replaced) out.push_back(&row);
    }
    std::sort(out.begin(), out.end(), [](const NamespaceInfo* a, const NamespaceInfo* b) { return a->name < b->name; });
    return out;
}

// Every table that can be reached from `root`, once.
void collect(const FieldTable& root, std::vector<const FieldTable*>& out) {
    if (std::find(out.begin(), out.end(), &root) != out.end()) return;
    out.push_back(&root);
    for (const Field& f : root.fields) {
        if (f.table) collect(*f.table, out);
    }
}

std::string definition_name(const FieldTable& t) {
    std::string out(t.name);
    std::replace(out.begin(), out.end(), '/', '.');
    std::replace(out.begin(), out.end(), ' ', '-');
    return out;
}

std::string reference(const FieldTable& t) {
    return fmt::format("{{\"$ref\":\"#/$defs/{}\"}}", definition_name(t));
}

constexpr std::string_view kDurationSchema =
    "\"type\":\"string\",\"pattern\":\"^[-+]?(0|([0-9]+(\\\\.[0-9]*)?|\\\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$\"";

std::string type_schema(const Field& f) {
    switch (f.type) {
        case FieldType::boolean:
            return "\"type\":\"boolean\"";
        case FieldType::integer:
            return "\"type\":\"integer\"";
        case FieldType::number:
            return "\"type\":\"number\"";
        case FieldType::text:
            return "\"type\":\"string\"";
        case FieldType::duration:
            return std::string(kDurationSchema);
        case FieldType::bytes:
            return "\"type\":[\"integer\",\"string\"]";
        case FieldType::text_list:
            return "\"type\":\"array\",\"items\":{\"type\":\"string\"}";
        case FieldType::integer_list:
            return "\"type\":\"array\",\"items\":{\"type\":\"integer\"}";
        case FieldType::text_map:
            return "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}";
        case FieldType::object:
            return f.table ? fmt::format("\"allOf\":[{}]", reference(*f.table)) : std::string("\"type\":\"object\"");
        case FieldType::object_list:
            return fmt::format("\"type\":\"array\",\"items\":{}",
                               f.table ? reference(*f.table) : "{\"type\":\"object\"}");
        case FieldType::any:
            return {};
    }
    return {};
}

std::string field_schema(const Field& f) {
    std::string out = type_schema(f);
    auto add = [&](const std::string& more) { out += (out.empty() ? "" : ",") + more; };
    if (!f.words.empty()) {
        std::string list;
        for (std::string_view w : split(f.words))
            list += (list.empty() ? "" : ",") + json_text(w);
        add("\"enum\":[" + list + "]");
    }
    if (f.min != INT64_MIN) add(fmt::format("\"minimum\":{}", f.min));
    if (f.max != INT64_MAX) add(fmt::format("\"maximum\":{}", f.max));
    std::string doc(f.doc);
    if (!f.default_value.empty()) doc += fmt::format(" Default: {}.", f.default_value);
    add("\"description\":" + json_text(doc));
    return "{" + out + "}";
}

// extra_config: the namespaces of a level; other names are allowed, as they are at run time.
std::string extra_config_schema(Level level, const std::vector<const NamespaceInfo*>& all) {
    std::string props;
    for (const NamespaceInfo* row : all) {
        if (!(row->levels & static_cast<uint8_t>(level))) continue;
        props += fmt::format("{}{}:{}", props.empty() ? "" : ",", json_text(row->name),
                             row->fields ? reference(*row->fields) : "{}");
    }
    return "{\"type\":\"object\",\"properties\":{" + props + "}}";
}

std::string table_schema(const FieldTable& t, const std::vector<const NamespaceInfo*>& all) {
    std::string props;
    std::string required;
    for (const Field& f : t.fields) {
        std::string value;
        if (f.name == "extra_config") {
            Level level = &t == &kServiceTable    ? Level::service
                          : &t == &kEndpointTable ? Level::endpoint
                          : &t == &kBackendTable  ? Level::backend
                                                  : Level::async_agent;
            value = extra_config_schema(level, all);
        } else {
            value = field_schema(f);
        }
        props += fmt::format("{}{}:{}", props.empty() ? "" : ",", json_text(f.name), value);
        if (f.is_required) required += (required.empty() ? "" : ",") + json_text(f.name);
    }
    std::string out = "{\"type\":\"object\",\"properties\":{" + props + "},\"patternProperties\":{\"^[@$_#]\":true}";
    if (t.unknown == Unknown::by_reading) out += ",\"additionalProperties\":false";
    if (!required.empty()) out += ",\"required\":[" + required + "]";
    return out + "}";
}

std::vector<const FieldTable*> all_tables(const std::vector<const NamespaceInfo*>& all) {
    std::vector<const FieldTable*> tables;
    collect(kServiceTable, tables);
    for (const NamespaceInfo* row : all) {
        if (row->fields) collect(*row->fields, tables);
    }
    return tables;
}

std::string cell(std::string_view s) {
    std::string out;
    for (char c : s)
        out += c == '|' ? "\\|" : std::string(1, c);
    return out;
}

std::string_view posture_name(Posture p) {
    switch (p) {
        case Posture::protective:
            return "protective";
        case Posture::shaping:
            return "shaping";
        case Posture::observing:
            return "observing";
        case Posture::describing:
            return "describing";
    }
    return "shaping";
}

std::string levels_of(uint8_t levels) {
    std::string out;
    for (Level l : {Level::service, Level::endpoint, Level::backend, Level::async_agent}) {
        if (levels & static_cast<uint8_t>(l)) out += fmt::format("{}{}", out.empty() ? "" : ", ", to_string(l));
    }
    return out;
}

}  // namespace

std::string json_schema(std::span<const NamespaceInfo> namespaces) {
    std::vector<const NamespaceInfo*> all = rows(namespaces);
    std::string defs;
    for (const FieldTable* t : all_tables(all)) {
        if (t == &kServiceTable) continue;
        defs += fmt::format("{}{}:{}", defs.empty() ? "" : ",", json_text(definition_name(*t)), table_schema(*t, all));
    }
    std::string root = table_schema(kServiceTable, all);
    root.pop_back();
    return "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"Gladius configuration\"," +
           root.substr(1) + ",\"$defs\":{" + defs + "}}\n";
}

std::string markdown_reference(std::span<const NamespaceInfo> namespaces) {
    std::vector<const NamespaceInfo*> all = rows(namespaces);
    std::string out = "# Configuration reference\n\nGenerated from the field tables; do not edit.\n";
    for (const FieldTable* t : all_tables(all)) {
        bool is_namespace =
            std::any_of(all.begin(), all.end(), [&](const NamespaceInfo* row) { return row->fields == t; });
        out += fmt::format("\n## {}\n\n| Key | Type | Default | Since | What it does |\n|---|---|---|---|---|\n",
                           is_namespace ? "`" + std::string(t->name) + "`" : std::string(t->name));
        for (const Field& f : t->fields) {
            std::string doc = cell(f.doc);
            if (!f.words.empty()) {
                std::string list;
                for (std::string_view w : split(f.words))
                    list += fmt::format("{}`{}`", list.empty() ? "" : ", ", w);
                doc += " One of " + list + ".";
            }
            if (!f.note.empty()) doc += fmt::format(" *It {}.*", cell(f.note));
            out += fmt::format(
                "| `{}`{} | {} | {} | {} | {} |\n", f.name, f.is_required ? " (required)" : "", cell(name_of(f.type)),
                f.default_value.empty() ? std::string() : "`" + cell(f.default_value) + "`", f.since, doc);
        }
    }
    out += "\n## Namespaces\n\n| Namespace | Old name | Levels | Posture | Built |\n|---|---|---|---|---|\n";
    for (const NamespaceInfo* row : all) {
        out += fmt::format("| `{}` | {} | {} | {} | {} |\n", row->name,
                           row->alias.empty() ? std::string() : fmt::format("`{}`", row->alias), levels_of(row->levels),
                           posture_name(row->posture), row->built ? "yes" : "no");
    }
    return out;
}

}  // namespace gladius::conf
