#include "conf/node.h"

#include <fmt/format.h>

#include <algorithm>

namespace gladius::conf {

std::string_view name_of(Kind k) {
    switch (k) {
        case Kind::null:
            return "null";
        case Kind::boolean:
            return "a boolean";
        case Kind::number:
            return "a number";
        case Kind::string:
            return "a text";
        case Kind::array:
            return "a list";
        case Kind::object:
            return "an object";
    }
    return "a value";
}

const RawNode& Node::raw() const {
    return doc_->nodes_[index_];
}

Kind Node::kind() const {
    return doc_ ? raw().kind : Kind::null;
}

std::string_view Node::text() const {
    if (!doc_ || (raw().kind != Kind::string && raw().kind != Kind::number)) return {};
    return {raw().text, raw().size};
}

bool Node::boolean() const {
    return is(Kind::boolean) && raw().flag;
}

uint32_t Node::size() const {
    return is(Kind::array) || is(Kind::object) ? raw().size : 0;
}

Node Node::find(std::string_view key) const {
    for (Member m : members()) {
        if (m.key == key) return m.value;
    }
    return {};
}

bool Node::from_outside() const {
    return doc_ && raw().offset > doc_->text_.size();
}

Place Node::place() const {
    return doc_ ? doc_->place_of(*this) : Place{};
}

std::string Node::path() const {
    return doc_ ? doc_->path_of(index_) : std::string();
}

Node::ElementRange Node::elements() const {
    if (!is(Kind::array)) return {doc_, 0, 0};
    return {doc_, index_ + 1, raw().next};
}

Node::MemberRange Node::members() const {
    if (!is(Kind::object)) return {doc_, 0, 0, false};
    return {doc_, index_ + 1, raw().next, false};
}

Node::MemberRange Node::all_members() const {
    if (!is(Kind::object)) return {doc_, 0, 0, true};
    return {doc_, index_ + 1, raw().next, true};
}

Node::ElementRange::Iterator& Node::ElementRange::Iterator::operator++() {
    i_ = Node(doc_, i_).raw().next;
    return *this;
}

Member Node::MemberRange::Iterator::operator*() const {
    Node key(doc_, i_);
    return {key.text(), key, Node(doc_, i_ + 1), key.raw().flag};
}

Node::MemberRange::Iterator& Node::MemberRange::Iterator::operator++() {
    i_ = Node(doc_, i_ + 1).raw().next;
    skip();
    return *this;
}

void Node::MemberRange::Iterator::skip() {
    while (!all_ && i_ != end_ && Node(doc_, i_).raw().flag)
        i_ = Node(doc_, i_ + 1).raw().next;
}

Node Document::add_outside(std::string origin, std::string_view value) {
    std::string_view kept = arena_.copy(value);
    auto index = static_cast<uint32_t>(nodes_.size());
    auto offset = static_cast<uint32_t>(text_.size() + 1 + origins_.size());
    origins_.push_back(std::move(origin));
    nodes_.push_back({kept.data(), static_cast<uint32_t>(kept.size()), offset, index + 1, Kind::string, false});
    return {this, index};
}

Place Document::place(uint32_t offset) const {
    Place p;
    p.file = file_;
    if (offset > text_.size()) return p;
    if (line_starts_.empty()) {
        line_starts_.push_back(0);
        for (size_t i = text_.find('\n'); i != std::string::npos; i = text_.find('\n', i + 1)) {
            line_starts_.push_back(static_cast<uint32_t>(i + 1));
        }
    }
    auto it = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset) - 1;
    p.line = static_cast<uint32_t>(it - line_starts_.begin() + 1);
    // Columns count characters, not bytes: editors do. In a line of megabytes nobody counts, and neither do we.
    uint32_t column = 1;
    if (offset - *it > 65536) {
        column = offset - *it + 1;
    } else {
        for (uint32_t i = *it; i < offset; ++i) {
            if ((static_cast<unsigned char>(text_[i]) & 0xC0) != 0x80) ++column;
        }
    }
    p.column = column;
    return p;
}

Place Document::place_of(Node n) const {
    const RawNode& raw = nodes_[n.index()];
    if (raw.offset > text_.size()) {
        Place p;
        p.path = origins_[raw.offset - text_.size() - 1];
        return p;
    }
    Place p = place(raw.offset);
    p.path = path_of(n.index());
    return p;
}

std::string Document::path_of(uint32_t index) const {
    if (index >= nodes_.size()) return {};
    if (nodes_[index].offset > text_.size()) return origins_[nodes_[index].offset - text_.size() - 1];
    std::string path = "$";
    auto append_key = [&](std::string_view key) {
        bool plain = !key.empty() && key.size() <= 100 && std::all_of(key.begin(), key.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        });
        if (plain) {
            path += '.';
            path += key;
        } else {
            path += fmt::format("[\"{}\"]", key.substr(0, 200));
        }
    };
    uint32_t at = 0;
    while (at != index) {
        const RawNode& raw = nodes_[at];
        uint32_t i = at + 1;
        if (raw.kind == Kind::array) {
            size_t n = 0;
            while (nodes_[i].next <= index) {
                i = nodes_[i].next;
                ++n;
            }
            path += fmt::format("[{}]", n);
            at = i;
        } else if (raw.kind == Kind::object) {
            while (nodes_[i + 1].next <= index)
                i = nodes_[i + 1].next;
            append_key({nodes_[i].text, nodes_[i].size});
            if (i == index) break;  // the key itself: the path of its member
            at = i + 1;
        } else {
            break;
        }
    }
    return path;
}

size_t Document::bytes() const {
    return text_.capacity() + nodes_.capacity() * sizeof(RawNode) + arena_.reserved() + line_starts_.capacity() * 4;
}

}  // namespace gladius::conf
