#include "encodings/xml_write.h"

#include "json/growing.h"

namespace gladius::encodings {
namespace {

using json::Document;
using json::Growing;
using json::Kind;
using json::Node;
using json::Output;

constexpr std::string_view kText = "#text";
constexpr std::string_view kRoot = "doc";

bool is_attribute(std::string_view key) {
    return key.size() > 1 && key[0] == '-';
}

void escape(std::string_view text, Output& out) {
    size_t done = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        std::string_view with;
        switch (text[i]) {
            case '&':
                with = "&amp;";
                break;
            case '<':
                with = "&lt;";
                break;
            case '>':
                with = "&gt;";
                break;
            case '"':
                with = "&quot;";
                break;
            case '\'':
                with = "&apos;";
                break;
            default:
                continue;
        }
        out.append(text.substr(done, i - done));
        out.append(with);
        done = i + 1;
    }
    out.append(text.substr(done));
}

class Writer {
  public:
    Writer(const Document& doc, Arena& arena, Output& out) : doc_(doc), arena_(arena), out_(out), frames_(arena, 16) {}

    void run(bool wrapped) {
        if (wrapped)
            value(kRoot, 0);
        else
            value(doc_.key(1, arena_), 1);
        while (!frames_.empty())
            step();
    }

  private:
    // A container that is being written; [at, end) is what is left of it.
    struct Frame {
        // element: its elements; list: elements of one name; map, slice: as Go's fmt prints them, which is what becomes
        // of a "#text" that is no text.
        enum class Kind : uint8_t { element, list, map, slice };
        Kind kind;
        bool first;
        uint32_t at;
        uint32_t end;
        std::string_view name;
    };

    void open(Frame::Kind kind, std::string_view name, uint32_t i) {
        frames_.push({kind, true, i + 1, doc_.nodes[i].next, name});
    }

    // The text of a node that is no container.
    void scalar(uint32_t i, bool escaped) {
        const Node& n = doc_.nodes[i];
        if (n.kind != Kind::string) return out_.append(doc_.slice(n));
        std::string_view text = doc_.string(i, arena_);
        if (escaped)
            escape(text, out_);
        else
            out_.append(text);
    }

    void begin(std::string_view name) {
        out_.put('<');
        out_.append(name);
    }

    void finish(std::string_view name) {
        out_.append("</");
        out_.append(name);
        out_.put('>');
    }

    void value(std::string_view name, uint32_t i) {
        const Node& n = doc_.nodes[i];
        if (n.kind == Kind::array && n.next > i + 1) return open(Frame::Kind::list, name, i);
        if (n.kind == Kind::object) return element(name, i);
        begin(name);
        bool nothing =
            n.kind == Kind::null || n.kind == Kind::array || (n.kind == Kind::string && n.end - n.begin == 2);
        if (nothing) return out_.append("/>");
        out_.put('>');
        scalar(i, true);
        finish(name);
    }

    void element(std::string_view name, uint32_t i) {
        begin(name);
        uint32_t others = 0, text = json::kNoNode;
        for (uint32_t c = i + 1; c < doc_.nodes[i].next; c = doc_.nodes[c].next) {
            std::string_view key = doc_.key(c, arena_);
            if (is_attribute(key)) {
                out_.put(' ');
                out_.append(key.substr(1));
                out_.append("=\"");
                scalar(c, true);
                out_.put('"');
                continue;
            }
            ++others;
            if (key == kText) text = c;
        }
        if (others == 0) return out_.append("/>");
        out_.put('>');
        open(Frame::Kind::element, name, i);
        if (text != json::kNoNode) print(text, true);
    }

    // As fmt.Sprintf("%v"): only a text that stands alone is escaped.
    void print(uint32_t i, bool escaped) {
        const Node& n = doc_.nodes[i];
        if (n.kind == Kind::null) {
            out_.append("<nil>");
        } else if (!n.container()) {
            scalar(i, escaped);
        } else if (n.kind == Kind::object) {
            out_.append("map[");
            open(Frame::Kind::map, {}, i);
        } else {
            out_.put('[');
            open(Frame::Kind::slice, {}, i);
        }
    }

    // Writes one child of the innermost container, or ends it. Writing may push: `f` is not used after that.
    void step() {
        Frame& f = frames_.back();
        if (f.at == f.end) {
            std::string_view name = f.name;
            Frame::Kind kind = f.kind;
            frames_.pop();
            if (kind == Frame::Kind::element)
                finish(name);
            else if (kind >= Frame::Kind::map)
                out_.put(']');
            return;
        }
        uint32_t i = f.at;
        f.at = doc_.nodes[i].next;
        if (f.kind == Frame::Kind::list) return value(f.name, i);
        if (f.kind == Frame::Kind::element) {
            std::string_view key = doc_.key(i, arena_);
            if (!is_attribute(key) && key != kText) value(key, i);
            return;
        }
        if (!f.first) out_.put(' ');
        f.first = false;
        if (f.kind == Frame::Kind::map) {
            out_.append(doc_.key(i, arena_));
            out_.put(':');
        }
        print(i, false);
    }

    const Document& doc_;
    Arena& arena_;
    Output& out_;
    Growing<Frame> frames_;
};

// One key at the top is the root, unless it holds a list with something else than objects.
bool needs_root(const Document& doc) {
    const Node* nodes = doc.nodes;
    if (nodes[0].next == 1 || nodes[1].next != nodes[0].next) return true;
    if (nodes[1].kind != Kind::array) return false;
    for (uint32_t c = 2; c < nodes[1].next; c = nodes[c].next) {
        if (nodes[c].kind != Kind::object) return true;
    }
    return false;
}

// Every attribute has a value that can be one. What is inside of a "#text" is printed, not written.
bool attributes_are_simple(const Document& doc, bool wrapped, Arena& arena) {
    for (uint32_t i = wrapped ? 1 : 2; i < doc.nodes[0].next;) {
        const Node& n = doc.nodes[i];
        uint32_t next = i + 1;
        // Elements of arrays have no key; an empty key is neither.
        if (n.key_size > 0) {
            std::string_view key = doc.key(i, arena);
            if (is_attribute(key) && (n.kind == Kind::null || n.container())) return false;
            if (key == kText) next = n.next;
        }
        i = next;
    }
    return true;
}

}  // namespace

bool write_xml(const Document& doc, Arena& arena, Output& out) {
    bool wrapped = needs_root(doc);
    if (!attributes_are_simple(doc, wrapped, arena)) return false;
    Writer(doc, arena, out).run(wrapped);
    return true;
}

}  // namespace gladius::encodings
