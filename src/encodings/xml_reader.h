// Purpose: reads XML token by token, with the rules, the error texts and the line numbers of Go's encoding/xml:
// strictly, as the xml decoder wants it, or forgiving (unknown entities stay, attributes need no quotes, a missing end
// is invented), as feeds are read. There is no entity to expand but the five that XML has, a document type is skipped,
// and nothing outside of the text is ever fetched. Owner: what tokens show lives in the text or in the arena. Thread:
// any. Lifetime: name, attributes and text of a token are good until the next one; their bytes as long as text and
// arena. Errors: Token::failed and error(). No recursion; time is linear, memory in proportion to the text; more than
// kMaxDepth open elements, more than kMaxNamespaces namespaces in force, and a second or late change of the character
// set are errors of ours.
//   XmlReader in(body, arena, XmlReader::Mode::strict);
//   while ((token = in.next()) != XmlReader::Token::done) ...
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "json/growing.h"

namespace gladius::encodings {

struct XmlName {
    std::string_view
        space;  // the prefix as written; of a start token in forgiving mode the namespace, where it is known
    std::string_view local;
};

struct XmlAttribute {
    XmlName name;
    std::string_view value;
};

class XmlReader {
  public:
    static constexpr uint32_t kMaxDepth = 10000;
    static constexpr uint32_t kMaxNamespaces = 128;

    enum class Mode : uint8_t { strict, forgiving };
    enum class Token : uint8_t { start, end, text, other, done, failed };

    XmlReader(std::string_view text, Arena& arena, Mode mode);
    XmlReader(const XmlReader&) = delete;
    XmlReader& operator=(const XmlReader&) = delete;

    Token next();

    const XmlName& name() const { return name_; }                                    // start, end
    std::span<XmlAttribute> attributes() { return {attrs_.data(), attrs_.size()}; }  // start
    std::string_view text() const { return text_; }                                  // text
    std::string_view error() const { return error_; }                                // failed
    const char* position() const { return p_; }
    // How many bytes were taken.
    size_t offset() const { return before_ + static_cast<size_t>(p_ - begin_); }
    // The bytes between two positions, as they stand (after a change of the character set: converted).
    static std::string_view between(const char* a, const char* b) { return {a, static_cast<size_t>(b - a)}; }

  private:
    // What is open: elements, and the namespaces that they changed, each with what it was before.
    struct Open {
        XmlName name;  // of a namespace: local is the prefix, space the namespace before
        bool element;
        bool known;  // namespace: there was one before
    };
    struct Namespace {
        std::string_view prefix;
        std::string_view url;
    };

    Token raw();
    Token start();
    Token end_tag();
    Token instruction();
    Token comment_or_other();
    Token directive(char c);
    bool must(char* c);
    void space();
    bool read_name(std::string_view* name);
    bool name(std::string_view* name);
    bool qualified(XmlName* name);
    bool value(std::string_view* out);
    bool run(int quote, bool cdata, std::string_view* out);
    bool entity(char*& w);
    bool allowed(std::string_view s);
    bool change_charset(std::string_view label);
    bool open(const XmlName& raw_name);
    bool close();
    Namespace* find(std::string_view prefix);
    bool set_namespace(std::string_view prefix, std::string_view url);
    void translate(XmlName& name, bool element);
    std::string_view quoted(std::string_view s);
    Token syntax(std::string_view what);
    bool bad(std::string_view what) {
        syntax(what);
        return false;
    }
    Token plain_error(std::string_view what);

    Arena& arena_;
    const char* begin_;  // where lines are counted from
    const char* p_;
    const char* end_;
    uint32_t line_ = 1;  // at begin_
    size_t before_ = 0;  // bytes before it
    bool strict_;
    bool converted_ = false;
    bool failed_ = false;
    bool close_due_ = false;  // an end that is due before more is read
    XmlName close_name_;
    XmlName name_;
    std::string_view text_;
    std::string_view error_;
    uint32_t depth_ = 0;
    json::Growing<XmlAttribute> attrs_;
    json::Growing<Open> open_;
    json::Growing<Namespace> spaces_;
};

}  // namespace gladius::encodings
