#include "encodings/feed_pull.h"

#include <algorithm>
#include <string>

#include "encodings/feed_text.h"
#include "json/order.h"
#include "json/text.h"

namespace gladius::encodings {
namespace {

using json::Growing;
using json::Output;
using json::SortKey;
using Token = XmlReader::Token;

struct Canonical {
    std::string_view space;
    std::string_view prefix;
};

// Namespaces whose prefix is this one, whatever a feed calls them. Source: gofeed, after feedparser.
constexpr Canonical kCanonical[] = {
    {"http://webns.net/mvcb/", "admin"},
    {"http://purl.org/rss/1.0/modules/aggregation/", "ag"},
    {"http://purl.org/rss/1.0/modules/annotate/", "annotate"},
    {"http://media.tangent.org/rss/1.0/", "audio"},
    {"http://backend.userland.com/blogChannelModule", "blogChannel"},
    {"http://creativecommons.org/ns#license", "cc"},
    {"http://web.resource.org/cc/", "cc"},
    {"http://cyber.law.harvard.edu/rss/creativeCommonsRssModule.html", "creativeCommons"},
    {"http://backend.userland.com/creativeCommonsRssModule", "creativeCommons"},
    {"http://purl.org/rss/1.0/modules/company", "co"},
    {"http://purl.org/rss/1.0/modules/content/", "content"},
    {"http://my.theinfo.org/changed/1.0/rss/", "cp"},
    {"http://purl.org/dc/elements/1.1/", "dc"},
    {"http://purl.org/dc/terms/", "dcterms"},
    {"http://purl.org/rss/1.0/modules/email/", "email"},
    {"http://purl.org/rss/1.0/modules/event/", "ev"},
    {"http://rssnamespace.org/feedburner/ext/1.0", "feedburner"},
    {"http://freshmeat.net/rss/fm/", "fm"},
    {"http://xmlns.com/foaf/0.1/", "foaf"},
    {"http://www.w3.org/2003/01/geo/wgs84_pos#", "geo"},
    {"http://www.georss.org/georss", "georss"},
    {"http://www.opengis.net/gml", "gml"},
    {"http://postneo.com/icbm/", "icbm"},
    {"http://purl.org/rss/1.0/modules/image/", "image"},
    {"http://www.itunes.com/DTDs/PodCast-1.0.dtd", "itunes"},
    {"http://example.com/DTDs/PodCast-1.0.dtd", "itunes"},
    {"http://purl.org/rss/1.0/modules/link/", "l"},
    {"http://search.yahoo.com/mrss", "media"},
    {"http://search.yahoo.com/mrss/", "media"},
    {"http://madskills.com/public/xml/rss/module/pingback/", "pingback"},
    {"http://prismstandard.org/namespaces/1.2/basic/", "prism"},
    {"http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf"},
    {"http://www.w3.org/2000/01/rdf-schema#", "rdfs"},
    {"http://purl.org/rss/1.0/modules/reference/", "ref"},
    {"http://purl.org/rss/1.0/modules/richequiv/", "reqv"},
    {"http://purl.org/rss/1.0/modules/search/", "search"},
    {"http://purl.org/rss/1.0/modules/slash/", "slash"},
    {"http://schemas.xmlsoap.org/soap/envelope/", "soap"},
    {"http://purl.org/rss/1.0/modules/servicestatus/", "ss"},
    {"http://hacks.benhammersley.com/rss/streaming/", "str"},
    {"http://purl.org/rss/1.0/modules/subscription/", "sub"},
    {"http://purl.org/rss/1.0/modules/syndication/", "sy"},
    {"http://schemas.pocketsoap.com/rss/myDescModule/", "szf"},
    {"http://purl.org/rss/1.0/modules/taxonomy/", "taxo"},
    {"http://purl.org/rss/1.0/modules/threading/", "thr"},
    {"http://purl.org/rss/1.0/modules/textinput/", "ti"},
    {"http://madskills.com/public/xml/rss/module/trackback/", "trackback"},
    {"http://wellformedweb.org/commentAPI/", "wfw"},
    {"http://purl.org/rss/1.0/modules/wiki/", "wiki"},
    {"http://www.w3.org/1999/xhtml", "xhtml"},
    {"http://www.w3.org/1999/xlink", "xlink"},
    {"http://www.w3.org/XML/1998/namespace", "xml"},
    {"http://podlove.org/simple-chapters", "psc"},
};

std::string_view lower_copy(std::string_view s, Arena& arena) {
    char* w = arena.chars(s.size());
    std::transform(s.begin(), s.end(), w, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return {w, s.size()};
}

}  // namespace

std::string_view Extension::attribute(std::string_view wanted) const {
    std::string_view found;
    for (const XmlAttribute& a : attributes) {
        if (a.name.local == wanted) found = a.value;
    }
    return found;
}

FeedPull::FeedPull(std::string_view text, Arena& arena)
    : arena_(arena), in_(text, arena, XmlReader::Mode::forgiving), outer_(arena, 16) {}

bool FeedPull::fail(std::string_view what) {
    if (error_.empty()) error_ = arena_.copy(what);
    return false;
}

bool FeedPull::unexpected(std::string_view wanted, Event got) {
    std::string text = "Expected Space:* Name:";
    text += wanted;
    text += " Event:EndTag but got Space:";
    text += space_;
    text += " Name:";
    text += name_;
    text += got == Event::start ? " Event:StartTag at offset: " : " Event:EndTag at offset: ";
    text += std::to_string(in_.offset());
    return fail(text);
}

bool FeedPull::know(std::string_view space, std::string_view prefix) {
    space = trim_space(space);
    std::string_view now;
    if (prefix_of(space, &now) && now == prefix) return true;
    uint32_t count = known_ != nullptr ? known_->count + 1 : 1;
    if (count > XmlReader::kMaxNamespaces) return fail("more than 128 namespaces");
    auto* k = arena_.make<Known>();
    *k = {space, prefix, known_, count};
    known_ = k;
    return true;
}

bool FeedPull::prefix_of(std::string_view space, std::string_view* prefix) const {
    for (const Known* k = known_; k != nullptr; k = k->outer) {
        if (k->space != space) continue;
        *prefix = k->prefix;
        return true;
    }
    return false;
}

bool FeedPull::enter() {
    for (const XmlAttribute& a : attributes_) {
        if (a.name.space == "xmlns") {
            if (!know(a.value, trim_space(lower_copy(a.name.local, arena_)))) return false;
        } else if (a.name.local == "xmlns") {
            if (!know(a.value, {})) return false;
        }
    }
    outer_.push(known_);
    return true;
}

// goxpp forgets an element's namespaces at the end of some other element, when the inside of an element was read at
// once: they are a stack of which the last one is taken off.
void FeedPull::leave() {
    if (!outer_.empty()) outer_.pop();
    known_ = outer_.empty() ? nullptr : outer_.back();
}

FeedPull::Event FeedPull::next() {
    if (!error_.empty()) return Event::failed;
    attributes_ = {};
    name_ = space_ = text_ = {};
    for (;;) {
        switch (in_.next()) {
            case Token::other:
                continue;
            case Token::failed:
                fail(in_.error());
                return Event::failed;
            case Token::done:
                return Event::document_end;
            case Token::text:
                text_ = in_.text();
                return Event::text;
            case Token::start:
                attributes_ = in_.attributes();
                name_ = in_.name().local;
                space_ = in_.name().space;
                return enter() ? Event::start : Event::failed;
            case Token::end:
                leave();
                name_ = in_.name().local;
                return Event::end;
        }
    }
}

FeedPull::Event FeedPull::next_tag() {
    for (;;) {
        Event e = next();
        if (e == Event::document_end) {
            fail("Failed to find NextTag before reaching the end of the document.");
            return Event::failed;
        }
        if (e != Event::text) return e;
    }
}

bool FeedPull::skip() {
    for (uint32_t depth = 1; depth > 0;) {
        Event e = next();
        if (e == Event::failed || e == Event::document_end) return false;
        if (e == Event::start) ++depth;
        if (e == Event::end) --depth;
    }
    return true;
}

bool FeedPull::inside(std::string_view* inner) {
    const char* begin = in_.position();
    std::string_view name = name_;
    for (uint32_t depth = 1;;) {
        const char* before = in_.position();
        Token t = in_.next();
        if (t == Token::failed) return fail(in_.error());
        if (t == Token::start) ++depth;
        if (t != Token::end || --depth > 0) continue;
        *inner = XmlReader::between(begin, before);
        attributes_ = {};
        space_ = text_ = {};
        name_ = name;
        return true;
    }
}

bool FeedPull::text_of(std::string_view* out) {
    std::string_view inner;
    if (!inside(&inner)) return false;
    *out = feed_text(inner, arena_);
    return true;
}

bool FeedPull::is_extension() const {
    std::string_view prefix;
    if (prefix_of(trim_space(space_), &prefix))
        return !(prefix.empty() || prefix == "rss" || prefix == "rdf" || prefix == "content");
    return !space_.empty();
}

bool FeedPull::named(std::string_view lower) const {
    return name_.size() == lower.size() && std::equal(name_.begin(), name_.end(), lower.begin(), [](char a, char b) {
               return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
           });
}

std::string_view FeedPull::attribute(std::string_view wanted) const {
    for (const XmlAttribute& a : attributes_) {
        if (a.name.local == wanted) return a.value;
    }
    return {};
}

std::string_view FeedPull::last_attribute(std::string_view wanted) const {
    std::string_view found;
    for (const XmlAttribute& a : attributes_) {
        if (a.name.local == wanted) found = a.value;
    }
    return found;
}

bool FeedPull::extension(Extensions& list) {
    std::string_view prefix = space_;
    auto canonical = std::find_if(std::begin(kCanonical), std::end(kCanonical),
                                  [&](const Canonical& c) { return c.space == space_; });
    if (canonical != std::end(kCanonical))
        prefix = canonical->prefix;
    else
        prefix_of(space_, &prefix);
    // An element's text may come in pieces.
    struct Piece {
        std::string_view text;
        const Piece* before;
    };
    struct Open {
        uint32_t item;
        const Piece* last;
        size_t size;
    };
    Growing<Open> open(arena_, 8);
    auto begin = [&] {
        auto* copy = arena_.array<XmlAttribute>(attributes_.size());
        std::copy(attributes_.begin(), attributes_.end(), copy);
        open.push({static_cast<uint32_t>(list.size()), nullptr, 0});
        list.push({{}, name_, {}, {copy, attributes_.size()}, 0});
    };
    begin();
    list.back().prefix = prefix;
    while (!open.empty()) {
        Event e = next();
        Open& o = open.back();
        if (e == Event::failed || e == Event::document_end) return false;
        if (e == Event::text) {
            auto* piece = arena_.make<Piece>();
            *piece = {text_, o.last};
            o.last = piece;
            o.size += text_.size();
        } else if (e == Event::start) {
            begin();
        } else {
            Extension& x = list[o.item];
            x.next = static_cast<uint32_t>(list.size());
            if (o.last != nullptr && o.last->before == nullptr) {
                x.value = trim_space(o.last->text);
            } else if (o.last != nullptr) {
                char* text = arena_.chars(o.size);
                char* w = text + o.size;
                for (const Piece* p = o.last; p != nullptr; p = p->before) {
                    w -= p->text.size();
                    std::copy(p->text.begin(), p->text.end(), w);
                }
                x.value = trim_space({text, o.size});
            }
            open.pop();
        }
    }
    return true;
}

namespace {

// Elements by name, each name with an array of them, without recursion.
class ExtensionWriter {
  public:
    ExtensionWriter(Extensions& list, Arena& arena, Output& out)
        : list_(list), out_(out), frames_(arena, 8), names_(arena, 16) {}

    void run() {
        auto end = static_cast<uint32_t>(list_.size());
        for (uint32_t i = 0; i < end; i = list_[i].next)
            names_.push(SortKey::of(list_[i].name, i));
        SortKey* all = names_.data();
        auto prefix = [this](const SortKey& k) { return list_[k.ref].prefix; };
        std::sort(all, all + names_.size(), [&](const SortKey& a, const SortKey& b) {
            if (int c = prefix(a).compare(prefix(b)); c != 0) return c < 0;
            return by_name(a, b);
        });
        auto count = static_cast<uint32_t>(names_.size());
        out_.put('{');
        for (uint32_t from = 0; from < count;) {
            uint32_t to = from + 1;
            while (to < count && prefix(names_[to]) == prefix(names_[from]))
                ++to;
            if (from > 0) out_.put(',');
            json::quote(prefix(names_[from]), out_);
            out_.append(":{");
            frames_.push({from, to, from, 0, true, false});
            while (!frames_.empty())
                step();
            from = to;
        }
        out_.put('}');
    }

  private:
    struct Frame {
        uint32_t at;
        uint32_t end;
        uint32_t begin;  // where its names began; they go with it, but at the top
        uint32_t list;   // names_ up to here are in the array that is open; 0: none is
        bool first;
        bool inner;
    };

    static bool by_name(const SortKey& a, const SortKey& b) {
        if (int c = a.view().compare(b.view()); c != 0) return c < 0;
        return a.ref < b.ref;
    }

    void attributes(const Extension& x) {
        size_t begin = names_.size();
        for (size_t i = 0; i < x.attributes.size(); ++i)
            names_.push(SortKey::of(x.attributes[i].name.local, static_cast<uint32_t>(i)));
        size_t n = json::sort_names(names_.data() + begin, x.attributes.size());
        out_.append(",\"attrs\":{");
        for (size_t i = 0; i < n; ++i) {
            if (i > 0) out_.put(',');
            const XmlAttribute& a = x.attributes[names_[begin + i].ref];
            json::quote(a.name.local, out_);
            out_.put(':');
            json::quote(a.value, out_);
        }
        names_.set_size(begin);
        out_.put('}');
    }

    void element(uint32_t i) {
        const Extension& x = list_[i];
        out_.append("{\"name\":");
        json::quote(x.name, out_);
        out_.append(",\"value\":");
        json::quote(x.value, out_);
        attributes(x);
        out_.append(",\"children\":{");
        auto begin = static_cast<uint32_t>(names_.size());
        for (uint32_t c = i + 1; c < x.next; c = list_[c].next)
            names_.push(SortKey::of(list_[c].name, c));
        auto end = static_cast<uint32_t>(names_.size());
        std::sort(names_.data() + begin, names_.data() + end, by_name);
        frames_.push({begin, end, begin, 0, true, true});
    }

    // Writes one element or what ends an array or object. element() may push: `f` is not used after it.
    void step() {
        Frame& f = frames_.back();
        if (f.list != 0 && f.at == f.list) {
            out_.put(']');
            f.list = 0;
        }
        if (f.at == f.end) {
            out_.append(f.inner ? "}}" : "}");
            if (f.inner) names_.set_size(f.begin);
            frames_.pop();
            return;
        }
        const SortKey k = names_[f.at];
        if (f.list != 0) {
            out_.put(',');
        } else {
            if (!f.first) out_.put(',');
            f.first = false;
            json::quote(k.view(), out_);
            out_.append(":[");
            f.list = f.at + 1;
            while (f.list < f.end && names_[f.list].view() == k.view())
                ++f.list;
        }
        ++f.at;
        element(k.ref);
    }

    Extensions& list_;
    Output& out_;
    Growing<Frame> frames_;
    Growing<SortKey> names_;
};

}  // namespace

void write_extensions(Extensions& list, Arena& arena, Output& out) {
    ExtensionWriter(list, arena, out).run();
}

}  // namespace gladius::encodings
