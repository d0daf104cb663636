// Purpose: walks through the XML of a feed element by element, as mmcdole/goxpp does for gofeed: names with their
// namespaces, which prefix a namespace has, the raw inside of an element, extensions (elements of other namespaces) as
// trees. Owner: the arena. Thread: any. Lifetime: what an event shows, until the next one; its bytes, as long as text
// and arena. Errors: Event::failed and error(), for good. No recursion; limits as XmlReader has them.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "encodings/xml_reader.h"
#include "json/growing.h"
#include "json/output.h"

namespace gladius::encodings {

// An element of another namespace; they stand in a list, an element before what is inside of it.
struct Extension {
    std::string_view prefix;  // at the top only
    std::string_view name;
    std::string_view value;
    std::span<const XmlAttribute> attributes;
    uint32_t next = 0;  // behind the last one inside

    std::string_view attribute(std::string_view wanted) const;
};

using Extensions = json::Growing<Extension>;

class FeedPull {
  public:
    enum class Event : uint8_t { start, end, text, document_end, failed };

    FeedPull(std::string_view text, Arena& arena);

    Event next();
    // The next start or end; the end of the document is an error.
    Event next_tag();
    // At a start: to its end.
    bool skip();
    // At a start: to its end, with what stood between as it stands.
    bool inside(std::string_view* inner);
    // At a start: to its end, with the text in it as feeds mean it.
    bool text_of(std::string_view* out);
    // At a start of another namespace: to its end; appended to the list.
    bool extension(Extensions& list);

    bool is_extension() const;
    // What the feed calls the namespace; false: nothing.
    bool prefix_of(std::string_view space, std::string_view* prefix) const;
    std::string_view name() const { return name_; }
    bool named(std::string_view lower) const;  // letters of either case
    std::string_view space() const { return space_; }
    std::string_view text() const { return text_; }
    // The first with this name, whatever its namespace.
    std::string_view attribute(std::string_view wanted) const;
    // The last one, as encoding/xml fills a struct.
    std::string_view last_attribute(std::string_view wanted) const;
    bool fail(std::string_view what);
    // The end of this element was expected, and something else came.
    bool unexpected(std::string_view wanted, Event got);
    std::string_view error() const { return error_; }

  private:
    // Namespaces and prefixes that are known here: a list from the innermost outwards.
    struct Known {
        std::string_view space;
        std::string_view prefix;
        const Known* outer;
        uint32_t count;
    };

    bool know(std::string_view space, std::string_view prefix);
    bool enter();
    void leave();

    Arena& arena_;
    XmlReader in_;
    std::span<XmlAttribute> attributes_;
    std::string_view name_;
    std::string_view space_;
    std::string_view text_;
    std::string_view error_;
    const Known* known_ = nullptr;
    json::Growing<const Known*> outer_;
};

// As JSON: {"prefix":{"name":[{"name":...,"value":...,"attrs":{...},"children":{...}}]}}
void write_extensions(Extensions& list, Arena& arena, json::Output& out);

}  // namespace gladius::encodings
