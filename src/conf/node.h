// Purpose: the raw tree of a configuration: every value with its place in the file, before anything has a meaning.
// Owner: Document owns text, nodes and unescaped strings; Node is a handle of two words that points into it.
// Thread: control thread. Lifetime: a Node and every text it gives live as long as its Document; a Service keeps its
// Document alive and drops it with itself, after the plan was compiled.
// Layout: 24 bytes per value in one array in document order (a subtree is a range), no map per object; a member is a
// key node followed by its value. 10,000 endpoints need about 8 MB for the time of loading. Errors: none; asking the
// wrong kind gives an empty answer.
//   for (Member m : node.members()) use(m.key, m.value);      for (Node e : list.elements()) use(e.text());
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "conf/diagnostic.h"

namespace gladius::conf {

enum class Kind : uint8_t { null, boolean, number, string, array, object };

// The word for people: "a text", "a number", ...
std::string_view name_of(Kind k);

struct RawNode {
    const char* text;  // contents of a string, literal of a number
    uint32_t size;     // length of text; number of elements or members
    uint32_t offset;   // where it begins in the file; above the file's size: comes from outside (environment, option)
    uint32_t next;     // one past its subtree
    Kind kind;
    bool flag;  // value of a boolean; a key: an equal key follows, so this one does not count
};

class Document;
struct Member;

class Node {
  public:
    Node() = default;
    Node(const Document* doc, uint32_t index) : doc_(doc), index_(index) {}
    explicit operator bool() const { return doc_ != nullptr; }

    Kind kind() const;
    bool is(Kind k) const { return doc_ && kind() == k; }
    std::string_view text() const;  // string: its contents; number: as written; else empty
    bool boolean() const;
    uint32_t size() const;                  // elements or members, repeated keys counted
    Node find(std::string_view key) const;  // exact; of repeated keys the last; not there: an empty Node
    Place place() const;
    std::string path() const;
    bool from_outside() const;  // set by the environment or an option, not by the file
    const Document* document() const { return doc_; }
    uint32_t index() const { return index_; }

    class ElementRange;
    class MemberRange;
    ElementRange elements() const;
    MemberRange members() const;
    MemberRange all_members() const;  // with those whose key is repeated later

  private:
    friend class Document;
    const RawNode& raw() const;
    const Document* doc_ = nullptr;
    uint32_t index_ = 0;
};

struct Member {
    std::string_view key;
    Node key_node;
    Node value;
    bool repeated = false;  // an equal key follows: this one does not count
};

class Document {
  public:
    Document(std::string file, std::string text) : file_(std::move(file)), text_(std::move(text)) {}
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;

    const std::string& file() const { return file_; }
    std::string_view text() const { return text_; }
    Node root() const { return nodes_.empty() ? Node() : Node(this, 0); }
    // A text from outside the file, to be read like a value of it: KRAKEND_PORT=8081.
    Node add_outside(std::string origin, std::string_view value);

    void reserve(size_t nodes) { nodes_.reserve(nodes); }
    Place place(uint32_t offset) const;
    Place place_of(Node n) const;
    std::string path_of(uint32_t index) const;
    size_t bytes() const;

  private:
    friend class Node;
    friend class Parser;
    std::string file_;
    std::string text_;
    std::vector<RawNode> nodes_;
    std::vector<std::string> origins_;
    Arena arena_;
    mutable std::vector<uint32_t> line_starts_;
};

class Node::ElementRange {
  public:
    class Iterator {
      public:
        Iterator(const Document* d, uint32_t i) : doc_(d), i_(i) {}
        Node operator*() const { return {doc_, i_}; }
        Iterator& operator++();
        bool operator!=(const Iterator& o) const { return i_ != o.i_; }

      private:
        const Document* doc_;
        uint32_t i_;
    };
    ElementRange(const Document* d, uint32_t b, uint32_t e) : doc_(d), begin_(b), end_(e) {}
    Iterator begin() const { return {doc_, begin_}; }
    Iterator end() const { return {doc_, end_}; }

  private:
    const Document* doc_;
    uint32_t begin_;
    uint32_t end_;
};

// Members in the order of the file; of repeated keys only the last, as the reference reads them.
class Node::MemberRange {
  public:
    class Iterator {
      public:
        Iterator(const Document* d, uint32_t i, uint32_t e, bool all) : doc_(d), i_(i), end_(e), all_(all) { skip(); }
        Member operator*() const;
        Iterator& operator++();
        bool operator!=(const Iterator& o) const { return i_ != o.i_; }

      private:
        void skip();
        const Document* doc_;
        uint32_t i_;
        uint32_t end_;
        bool all_;
    };
    MemberRange(const Document* d, uint32_t b, uint32_t e, bool all) : doc_(d), begin_(b), end_(e), all_(all) {}
    Iterator begin() const { return {doc_, begin_, end_, all_}; }
    Iterator end() const { return {doc_, end_, end_, all_}; }

  private:
    const Document* doc_;
    uint32_t begin_;
    uint32_t end_;
    bool all_;
};

// Keys that begin with @ $ _ or # are comments, wherever they stand.
inline bool is_comment_key(std::string_view key) {
    return !key.empty() && (key[0] == '@' || key[0] == '$' || key[0] == '_' || key[0] == '#');
}

}  // namespace gladius::conf
