// Purpose: what explain says, as a tree that is printed as text and as JSON, so that both say the same.
// Owner: explain.cc. Thread: any; plain values. Errors: none.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gladius::app {

struct Item {
    std::string key;    // the member's name in JSON; empty: not in JSON (and, in a list, an element)
    std::string label;  // what stands left in the text; empty: not in the text
    std::string text;   // what stands right of it
    std::string json;   // the value as JSON; unused when there are children
    bool list = false;  // the children are the elements of an array
    bool object = false;
    bool gap = false;  // an empty line before it
    std::vector<Item> children;
};

std::string json_string(std::string_view s);
std::string json_list(const std::vector<std::string>& names);

// A value that is the same text in both.
Item said(std::string_view key, std::string_view label, std::string text);
Item number(std::string_view key, std::string_view label, uint64_t value, std::string text);
Item truth(std::string_view key, std::string_view label, bool value, std::string text);
Item names(std::string_view key, std::string_view label, const std::vector<std::string>& list, std::string text);
// Children below a line of text.
Item group(std::string_view key, std::string_view label, std::string text);
Item list(std::string_view key);

std::string as_text(const Item& root);
std::string as_json(const Item& root);

}  // namespace gladius::app
