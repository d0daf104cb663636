#include "app/explain_item.h"

#include "base/arena.h"
#include "json/output.h"
#include "json/text.h"

namespace gladius::app {

namespace {

constexpr size_t kColumn = 18;

void text_of(const Item& item, size_t depth, std::string& out) {
    size_t below = depth;
    if (!item.label.empty()) {
        if (item.gap) out += '\n';
        std::string line(depth * 2, ' ');
        line += item.label;
        if (!item.text.empty()) {
            size_t column = depth * 2 + kColumn;
            line += line.size() + 2 > column ? std::string("  ") : std::string(column - line.size(), ' ');
            line += item.text;
        }
        // A name from the file does not make lines, and no colours.
        for (char& c : line)
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
        out += line + '\n';
        below = depth + 1;
    }
    for (const Item& c : item.children)
        text_of(c, below, out);
}

void json_of(const Item& item, size_t depth, std::string& out) {
    if (!item.list && !item.object) {
        out += item.json;
        return;
    }
    std::string margin(depth * 2, ' ');
    out += item.list ? '[' : '{';
    bool first = true;
    for (const Item& c : item.children) {
        if (!item.list && c.key.empty()) continue;
        out += first ? "\n" : ",\n";
        first = false;
        out += margin + "  ";
        if (!item.list) out += json_string(c.key) + ": ";
        json_of(c, depth + 1, out);
    }
    if (!first) out += '\n' + margin;
    out += item.list ? ']' : '}';
}

Item plain(std::string_view key, std::string_view label, std::string json, std::string text) {
    Item i;
    i.key = key;
    i.label = label;
    i.json = std::move(json);
    i.text = std::move(text);
    return i;
}

}  // namespace

std::string json_string(std::string_view s) {
    Arena arena;
    json::ArenaOutput o(arena, s.size() + 16);
    json::quote(s, o);
    return std::string(o.view());
}

std::string json_list(const std::vector<std::string>& names) {
    std::string out = "[";
    for (const std::string& n : names) {
        if (out.size() > 1) out += ", ";
        out += json_string(n);
    }
    return out + "]";
}

Item said(std::string_view key, std::string_view label, std::string text) {
    std::string json = json_string(text);
    return plain(key, label, std::move(json), std::move(text));
}

Item number(std::string_view key, std::string_view label, uint64_t value, std::string text) {
    return plain(key, label, std::to_string(value), std::move(text));
}

Item truth(std::string_view key, std::string_view label, bool value, std::string text) {
    return plain(key, label, value ? "true" : "false", std::move(text));
}

Item names(std::string_view key, std::string_view label, const std::vector<std::string>& list, std::string text) {
    return plain(key, label, json_list(list), std::move(text));
}

Item group(std::string_view key, std::string_view label, std::string text) {
    Item i = plain(key, label, {}, std::move(text));
    i.object = true;
    return i;
}

Item list(std::string_view key) {
    Item i = plain(key, {}, {}, {});
    i.list = true;
    return i;
}

std::string as_text(const Item& root) {
    std::string out;
    text_of(root, 0, out);
    return out;
}

std::string as_json(const Item& root) {
    std::string out;
    json_of(root, 0, out);
    out += '\n';
    return out;
}

}  // namespace gladius::app
