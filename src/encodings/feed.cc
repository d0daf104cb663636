#include "encodings/feed.h"

#include <algorithm>

#include "encodings/feed_date.h"
#include "encodings/feed_pull.h"
#include "encodings/feed_text.h"
#include "json/order.h"
#include "json/scan.h"
#include "json/text.h"

namespace gladius::encodings {
namespace {

using json::ArenaOutput;
using json::Document;
using json::Growing;
using json::Kind;
using json::Output;
using json::Value;
using Event = FeedPull::Event;
using Texts = Growing<std::string_view>;

constexpr std::string_view kUnknown = "Failed to detect feed type";

struct Enclosure {
    std::string_view url;
    std::string_view length;
    std::string_view type;
};

struct Custom {
    std::string_view name;
    std::string_view text;
};

// An item, in the order in which it is written.
struct Item {
    explicit Item(Arena& a)
        : links(a, 2), authors(a, 1), categories(a, 2), enclosures(a, 1), extensions(a, 2), custom(a, 2) {}
    std::string_view title, description, content, link;
    Texts links;
    std::string_view updated, updated_parsed, published, published_parsed;
    bool has_author = false;
    Person author;
    Growing<Person> authors;
    std::string_view guid, image;
    Texts categories;
    Growing<Enclosure> enclosures;
    Extensions extensions;
    Growing<Custom> custom;

    // Empty again, so that one item's memory does for all.
    void clear() {
        title = description = content = link = updated = updated_parsed = published = published_parsed = guid =
            image = {};
        has_author = false;
        links.set_size(0);
        authors.set_size(0);
        categories.set_size(0);
        enclosures.set_size(0);
        extensions.set_size(0);
        custom.set_size(0);
    }
    void written_by(const Person& p) {
        if (!has_author) author = p;
        has_author = true;
        authors.push(p);
    }
};

// Items as JSON, one behind the other.
struct Items {
    explicit Items(Arena& a) : out(a, 1024) {}
    ArenaOutput out;
    uint32_t count = 0;
    size_t begin = 0;  // what is before this belonged to a channel that another one replaced

    std::string_view view() const { return out.view().substr(begin); }
    void restart() {
        begin = out.size();
        count = 0;
    }
};

// A feed, as far as it is shown.
struct Feed {
    explicit Feed(Arena& a) : categories(a, 4), extensions(a, 4), items(a) {}
    std::string_view title, description, language, copyright, published, updated, image;
    bool has_image = false, has_author = false;
    Person author;
    Texts categories;
    Extensions extensions;
    Items items;

    void clear() {
        title = description = language = copyright = published = updated = image = {};
        has_image = has_author = false;
        author = {};
        categories.set_size(0);
        extensions.set_size(0);
        items.restart();
    }
};

// Writes the fields of an object that are not empty.
class Fields {
  public:
    explicit Fields(Output& out) : out_(out) { out_.put('{'); }
    void name(std::string_view name) {
        if (!first_) out_.put(',');
        first_ = false;
        out_.put('"');
        out_.append(name);
        out_.append("\":");
    }
    void text(std::string_view key, std::string_view value) {
        if (value.empty()) return;
        name(key);
        json::quote(value, out_);
    }
    void texts(std::string_view key, Texts& list) {
        if (list.empty()) return;
        name(key);
        write(list, out_);
    }
    void end() { out_.put('}'); }
    static void write(Texts& list, Output& out) {
        out.put('[');
        for (size_t i = 0; i < list.size(); ++i) {
            if (i > 0) out.put(',');
            json::quote(list[i], out);
        }
        out.put(']');
    }

  private:
    Output& out_;
    bool first_ = true;
};

void write_person(const Person& p, Output& out) {
    Fields f(out);
    f.text("name", p.name);
    f.text("email", p.email);
    f.end();
}

// The extensions of one prefix.
class Group {
  public:
    Group(Extensions& list, std::string_view prefix) : list_(list), prefix_(prefix) {
        for (uint32_t i = 0; i < list.size() && !any_; i = list[i].next)
            any_ = list[i].prefix == prefix;
    }
    bool any() const { return any_; }
    const Extension* first(std::string_view name) const {
        for (uint32_t i = 0; any_ && i < list_.size(); i = list_[i].next) {
            if (list_[i].prefix == prefix_ && list_[i].name == name) return &list_[i];
        }
        return nullptr;
    }
    std::string_view text(std::string_view name) const {
        const Extension* x = first(name);
        return x != nullptr ? x->value : std::string_view();
    }
    std::string_view image() const {
        const Extension* x = first("image");
        return x != nullptr ? x->attribute("href") : std::string_view();
    }
    void all(std::string_view name, Texts& out) const {
        for (uint32_t i = 0; any_ && i < list_.size(); i = list_[i].next) {
            if (list_[i].prefix == prefix_ && list_[i].name == name) out.push(list_[i].value);
        }
    }

  private:
    Extensions& list_;
    std::string_view prefix_;
    bool any_ = false;
};

void write_universal(Item& item, Arena& arena, Fields& f, Output& out) {
    if (Group dc(item.extensions, "dc"); dc.any()) {
        f.name("dcExt");
        Fields fields(out);
        for (std::string_view name :
             {"title", "creator", "author", "subject", "description", "publisher", "contributor", "date", "type",
              "format", "identifier", "source", "language", "relation", "coverage", "rights"}) {
            Texts values(arena, 2);
            dc.all(name, values);
            fields.texts(name, values);
        }
        fields.end();
    }
    if (Group itunes(item.extensions, "itunes"); itunes.any()) {
        f.name("itunesExt");
        Fields fields(out);
        for (std::string_view name : {"author", "block", "duration", "explicit", "keywords", "subtitle", "summary",
                                      "image", "isClosedCaptioned", "episode", "season", "order", "episodeType"})
            fields.text(name, name == "image" ? itunes.image() : itunes.text(name));
        fields.end();
    }
}

// dcExt and itunesExt are told apart in RSS only.
void write_item(Item& item, bool universal, Arena& arena, Items& items) {
    ArenaOutput& out = items.out;
    if (items.count++ > 0) out.put(',');
    Fields f(out);
    f.text("title", item.title);
    f.text("description", item.description);
    f.text("content", item.content);
    f.text("link", item.link);
    f.texts("links", item.links);
    f.text("updated", item.updated);
    f.text("updatedParsed", item.updated_parsed);
    f.text("published", item.published);
    f.text("publishedParsed", item.published_parsed);
    if (item.has_author) {
        f.name("author");
        write_person(item.author, out);
    }
    if (!item.authors.empty()) {
        f.name("authors");
        for (size_t i = 0; i < item.authors.size(); ++i) {
            out.put(i == 0 ? '[' : ',');
            write_person(item.authors[i], out);
        }
        out.put(']');
    }
    f.text("guid", item.guid);
    if (!item.image.empty()) {
        f.name("image");
        Fields image(out);
        image.text("url", item.image);
        image.end();
    }
    f.texts("categories", item.categories);
    if (!item.enclosures.empty()) {
        f.name("enclosures");
        for (size_t i = 0; i < item.enclosures.size(); ++i) {
            out.put(i == 0 ? '[' : ',');
            Fields e(out);
            e.text("url", item.enclosures[i].url);
            e.text("length", item.enclosures[i].length);
            e.text("type", item.enclosures[i].type);
            e.end();
        }
        out.put(']');
    }
    if (universal) write_universal(item, arena, f, out);
    if (!item.extensions.empty()) {
        f.name("extensions");
        write_extensions(item.extensions, arena, out);
    }
    if (!item.custom.empty()) {
        f.name("custom");
        Growing<json::SortKey> names(arena, item.custom.size());
        for (size_t i = 0; i < item.custom.size(); ++i)
            names.push(json::SortKey::of(item.custom[i].name, static_cast<uint32_t>(i)));
        size_t n = json::sort_names(names.data(), names.size());
        for (size_t i = 0; i < n; ++i) {
            out.put(i == 0 ? '{' : ',');
            json::quote(names[i].view(), out);
            out.put(':');
            json::quote(item.custom[names[i].ref].text, out);
        }
        out.put('}');
    }
    f.end();
}

// An element whose text is a field.
struct TextField {
    std::string_view element;
    std::string_view* to;
};

class Rss {
  public:
    Rss(FeedPull& in, Arena& arena) : in_(in), arena_(arena), item_(arena) {}

    bool read(Feed& feed) {
        // Items beside the channel come behind those in it.
        Items beside(arena_);
        std::string_view image;
        bool has_image = false;
        for (;;) {
            Event e = in_.next_tag();
            if (e == Event::failed) return false;
            if (e == Event::end) break;
            if (in_.is_extension()) {
                in_.skip();
            } else if (in_.named("channel")) {
                feed.clear();
                if (!channel(feed)) return false;
            } else if (in_.named("item")) {
                if (!item(beside)) return false;
            } else if (in_.named("textinput")) {
                if (!fields_only()) return false;
            } else if (in_.named("image")) {
                if (!image_url(&image)) return false;
                has_image = true;
            } else {
                in_.skip();
            }
        }
        if (beside.count > 0) {
            if (feed.items.count > 0) feed.items.out.put(',');
            feed.items.out.append(beside.view());
        }
        if (has_image) {
            feed.has_image = true;
            feed.image = image;
        }
        return true;
    }

  private:
    // The text of the element, when its name is one of these.
    template <size_t N>
    bool text_field(const TextField (&fields)[N], bool* taken) {
        *taken = true;
        for (const TextField& f : fields) {
            if (in_.named(f.element)) return in_.text_of(f.to);
        }
        *taken = false;
        return true;
    }

    bool channel(Feed& feed) {
        std::string_view editor, master, ignored;
        const TextField fields[] = {{"title", &feed.title},
                                    {"description", &feed.description},
                                    {"link", &ignored},
                                    {"language", &feed.language},
                                    {"copyright", &feed.copyright},
                                    {"managingeditor", &editor},
                                    {"webmaster", &master},
                                    {"pubdate", &feed.published},
                                    {"lastbuilddate", &feed.updated},
                                    {"generator", &ignored},
                                    {"docs", &ignored},
                                    {"ttl", &ignored},
                                    {"rating", &ignored}};
        for (;;) {
            Event e = in_.next_tag();
            if (e == Event::failed) return false;
            if (e == Event::end) break;
            bool taken = false;
            if (in_.is_extension()) {
                if (!in_.extension(feed.extensions)) return false;
                continue;
            }
            if (!text_field(fields, &taken)) return false;
            if (taken) continue;
            if (in_.named("skiphours") || in_.named("skipdays") || in_.named("textinput")) {
                if (!fields_only()) return false;
            } else if (in_.named("item")) {
                if (!item(feed.items)) return false;
            } else if (in_.named("cloud")) {
                if (!cloud()) return false;
            } else if (in_.named("category")) {
                std::string_view text;
                if (!in_.text_of(&text)) return false;
                feed.categories.push(text);
            } else if (in_.named("image")) {
                feed.has_image = true;
                if (!image_url(&feed.image)) return false;
            } else {
                in_.skip();
            }
        }
        finish(feed, editor, master);
        return true;
    }

    // What is taken from extensions where the channel says nothing.
    void finish(Feed& feed, std::string_view editor, std::string_view master) {
        Group dc(feed.extensions, "dc"), itunes(feed.extensions, "itunes");
        if (feed.title.empty()) feed.title = dc.text("title");
        if (feed.updated.empty()) feed.updated = dc.text("date");
        if (feed.language.empty()) feed.language = dc.text("language");
        if (feed.copyright.empty()) feed.copyright = dc.text("rights");
        std::string_view author;
        feed.has_author = author_of(editor.empty() ? master : editor, dc, itunes, &author);
        if (feed.has_author) feed.author = name_and_address(author);
        if (!feed.has_image && !itunes.image().empty()) {
            feed.has_image = true;
            feed.image = itunes.image();
        }
        keywords(itunes, feed.categories);
        for (uint32_t i = 0; i < feed.extensions.size(); i = feed.extensions[i].next) {
            const Extension& x = feed.extensions[i];
            if (x.prefix != "itunes" || x.name != "category") continue;
            feed.categories.push(x.attribute("text"));
            for (uint32_t c = i + 1; c < x.next; c = feed.extensions[c].next) {
                if (feed.extensions[c].name != "category") continue;
                feed.categories.push(feed.extensions[c].attribute("text"));
                break;
            }
        }
        dc.all("subject", feed.categories);
    }

    bool author_of(std::string_view own, const Group& dc, const Group& itunes, std::string_view* author) {
        *author = own;
        if (!own.empty()) return true;
        for (std::string_view name : {"author", "creator"}) {
            const Extension* x = dc.first(name);
            if (x == nullptr) continue;
            *author = x->value;
            return true;
        }
        *author = itunes.text("author");
        return !author->empty();
    }

    static void keywords(const Group& itunes, Texts& categories) {
        std::string_view words = itunes.text("keywords");
        if (words.empty()) return;
        for (;;) {
            size_t comma = words.find(',');
            categories.push(words.substr(0, comma));
            if (comma == std::string_view::npos) return;
            words.remove_prefix(comma + 1);
        }
    }

    bool item(Items& items) {
        Item& item = item_;
        item.clear();
        std::string_view author, ignored;
        const TextField fields[] = {{"title", &item.title}, {"description", &item.description},
                                    {"author", &author},    {"comments", &ignored},
                                    {"source", &ignored},   {"guid", &item.guid}};
        for (;;) {
            Event e = in_.next_tag();
            if (e == Event::failed) return false;
            if (e == Event::end) break;
            bool taken = false;
            if (in_.is_extension()) {
                if (!in_.extension(item.extensions)) return false;
                continue;
            }
            if (!text_field(fields, &taken)) return false;
            if (taken) continue;
            std::string_view text;
            if (in_.named("pubdate")) {
                if (!in_.text_of(&item.published)) return false;
                feed_date(item.published, true, arena_, &item.published_parsed);
            } else if (in_.named("encoded")) {
                std::string_view prefix;
                if (in_.prefix_of(trim_space(in_.space()), &prefix) && prefix == "content") {
                    if (!in_.text_of(&item.content)) return false;
                }
            } else if (in_.named("link")) {
                std::string_view href = in_.attribute("href");
                if (!in_.text_of(&text)) return false;
                item.link = text.empty() ? href : text;
                item.links.push(item.link);
            } else if (in_.named("enclosure")) {
                item.enclosures.push({in_.attribute("url"), in_.attribute("length"), in_.attribute("type")});
                if (!only_text()) return false;
            } else if (in_.named("category")) {
                if (!in_.text_of(&text)) return false;
                item.categories.push(text);
            } else {
                std::string_view name = in_.name();
                if (in_.text_of(&text)) item.custom.push({name, text});
            }
        }
        if (!in_.named("item")) return in_.unexpected("item", Event::end);
        Group dc(item.extensions, "dc"), itunes(item.extensions, "itunes");
        if (item.title.empty()) item.title = dc.text("title");
        if (item.description.empty()) item.description = dc.text("description");
        std::string_view date = dc.text("date");
        if (item.published_parsed.empty()) feed_date(date, false, arena_, &item.published_parsed);
        if (item.published.empty()) item.published = date;
        if (author_of(author, dc, itunes, &author)) item.written_by(name_and_address(author));
        item.image = itunes.image();
        keywords(itunes, item.categories);
        dc.all("subject", item.categories);
        write_item(item, true, arena_, items);
        return true;
    }

    // Texts and nothing else up to the end of the element.
    bool only_text() {
        Event e = in_.next();
        if (e == Event::start) return in_.fail("Parser must be on EndTag or Text to read text");
        while (e == Event::text)
            e = in_.next();
        if (e == Event::start)
            return in_.fail("Event Text must be immediately followed by EndTag or Text but got StartTag");
        return e == Event::end;
    }

    bool cloud() {
        Event e = in_.next_tag();
        if (e == Event::start) return in_.unexpected("cloud", e);
        return e == Event::end;
    }

    bool image_url(std::string_view* url) {
        *url = {};
        for (;;) {
            Event e = in_.next_tag();
            if (e == Event::failed) return false;
            if (e == Event::end) return true;
            if (in_.named("url")) {
                if (!in_.text_of(url)) return false;
            } else {
                in_.skip();
            }
        }
    }

    // An element whose elements are read but not shown.
    bool fields_only() {
        for (;;) {
            Event e = in_.next_tag();
            if (e == Event::failed) return false;
            if (e == Event::end) return true;
            in_.skip();
        }
    }

    FeedPull& in_;
    Arena& arena_;
    Item item_;
};

class Atom {
  public:
    Atom(FeedPull& in, Arena& arena) : in_(in), arena_(arena), item_(arena) {}

    bool read(Feed& feed) {
        feed.language = in_.attribute("lang");
        for (;;) {
            Event e = in_.next_tag();
            if (e == Event::failed) return false;
            if (e == Event::end) break;
            bool good = true;
            if (in_.is_extension()) {
                good = in_.extension(feed.extensions);
            } else if (in_.named("title")) {
                good = text(&feed.title);
            } else if (in_.named("updated") || in_.named("modified")) {
                good = text(&feed.updated);
            } else if (in_.named("subtitle") || in_.named("tagline")) {
                good = text(&feed.description);
            } else if (in_.named("logo")) {
                good = text(&feed.image);
            } else if (in_.named("rights") || in_.named("copyright")) {
                good = text(&feed.copyright);
            } else if (in_.named("author")) {
                Person p;
                good = person(&p);
                if (!feed.has_author) feed.author = p;
                feed.has_author = true;
            } else if (in_.named("category")) {
                feed.categories.push(in_.attribute("term"));
                good = in_.skip();
            } else if (in_.named("entry")) {
                good = entry(feed);
            } else if (in_.named("id") || in_.named("generator") || in_.named("icon")) {
                std::string_view ignored;
                good = text(&ignored);
            } else {
                good = in_.skip();
            }
            if (!good) return false;
        }
        feed.has_image = !feed.image.empty();
        return true;
    }

  private:
    bool entry(Feed& feed) {
        Item& item = item_;
        item.clear();
        bool has_link = false;
        for (;;) {
            Event e = in_.next_tag();
            if (e == Event::failed) return false;
            if (e == Event::end) break;
            bool good = true;
            if (in_.is_extension()) {
                good = in_.extension(item.extensions);
            } else if (in_.named("title")) {
                good = text(&item.title);
            } else if (in_.named("id")) {
                good = text(&item.guid);
            } else if (in_.named("summary")) {
                good = text(&item.description);
            } else if (in_.named("updated") || in_.named("modified")) {
                good = text(&item.updated);
                feed_date(item.updated, true, arena_, &item.updated_parsed);
            } else if (in_.named("published") || in_.named("issued")) {
                good = text(&item.published);
                feed_date(item.published, true, arena_, &item.published_parsed);
            } else if (in_.named("content")) {
                good = text(&item.content);
            } else if (in_.named("author")) {
                Person p;
                good = person(&p);
                item.written_by(p);
            } else if (in_.named("category")) {
                item.categories.push(in_.attribute("term"));
                good = in_.skip();
            } else if (in_.named("link")) {
                link(item, &has_link);
                good = in_.skip();
            } else if (in_.named("rights") || in_.named("copyright")) {
                std::string_view ignored;
                good = text(&ignored);
            } else {
                good = in_.skip();
            }
            if (!good) return false;
        }
        if (item.published.empty()) item.published = item.updated;
        if (item.published_parsed.empty()) item.published_parsed = item.updated_parsed;
        write_item(item, false, arena_, feed.items);
        return true;
    }

    void link(Item& item, bool* has_link) {
        std::string_view rel = in_.attribute("rel"), href = in_.attribute("href");
        if (rel.empty()) rel = "alternate";
        if (rel == "alternate" && !*has_link) {
            item.link = href;
            *has_link = true;
        }
        if (rel == "alternate" || rel == "self") item.links.push(href);
        if (rel == "enclosure") item.enclosures.push({href, in_.attribute("length"), in_.attribute("type")});
    }

    bool person(Person* p) {
        for (;;) {
            Event e = in_.next_tag();
            if (e == Event::failed) return false;
            if (e == Event::end) return true;
            bool good = true;
            if (in_.named("name"))
                good = text(&p->name);
            else if (in_.named("email"))
                good = text(&p->email);
            else
                good = in_.skip();
            if (!good) return false;
        }
    }

    bool text(std::string_view* out) {
        std::string_view type = lower(in_.last_attribute("type")), mode = lower(in_.last_attribute("mode")), inner;
        if (!in_.inside(&inner)) return false;
        inner = trim_space(inner);
        bool xhtml = type.find("xhtml") != std::string_view::npos;
        if (inner.find("<![CDATA[") != std::string_view::npos) {
            *out = strip_cdata(inner, arena_);
        } else if (type == "text" || type.starts_with("text/") || (type.empty() && mode.empty())) {
            *out = decode_entities(inner, arena_);
        } else if (xhtml) {
            *out = strip_wrapping_div(inner, arena_);
        } else if (type == "html") {
            *out = decode_entities(strip_wrapping_div(inner, arena_), arena_);
        } else if (!decode_base64(inner, arena_, out)) {
            *out = inner;
        }
        return true;
    }

    std::string_view lower(std::string_view s) {
        char* w = arena_.chars(s.size());
        std::transform(s.begin(), s.end(), w,
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        return {w, s.size()};
    }

    FeedPull& in_;
    Arena& arena_;
    Item item_;
};

// What a field of a JSON feed must be; null is nothing everywhere.
enum class Type : uint8_t { text, flag, integer, texts, person, people, items, attachments };

struct Field {
    std::string_view name;
    Type type;
};

constexpr Field kFeedFields[] = {{"version", Type::text},   {"title", Type::text},       {"home_page_url", Type::text},
                                 {"feed_url", Type::text},  {"description", Type::text}, {"user_comment", Type::text},
                                 {"next_url", Type::text},  {"icon", Type::text},        {"favicon", Type::text},
                                 {"author", Type::person},  {"expired", Type::flag},     {"items", Type::items},
                                 {"authors", Type::people}, {"language", Type::text}};
constexpr Field kItemFields[] = {{"id", Type::text},
                                 {"url", Type::text},
                                 {"external_url", Type::text},
                                 {"title", Type::text},
                                 {"content_html", Type::text},
                                 {"content_text", Type::text},
                                 {"summary", Type::text},
                                 {"image", Type::text},
                                 {"banner_image", Type::text},
                                 {"date_published", Type::text},
                                 {"date_modified", Type::text},
                                 {"author", Type::person},
                                 {"tags", Type::texts},
                                 {"attachments", Type::attachments},
                                 {"authors", Type::people},
                                 {"language", Type::text}};
constexpr Field kPersonFields[] = {{"name", Type::text}, {"url", Type::text}, {"avatar", Type::text}};
constexpr Field kAttachmentFields[] = {{"url", Type::text},
                                       {"mime_type", Type::text},
                                       {"title", Type::text},
                                       {"size_in_bytes", Type::integer},
                                       {"duration_in_seconds", Type::integer}};

class JsonFeed {
  public:
    JsonFeed(Document& doc, Arena& arena) : doc_(doc), arena_(arena), item_(arena) {}

    bool read(Feed& feed) {
        if (!fits(0, kFeedFields)) return false;
        feed.title = text(0, "title");
        feed.description = text(0, "description");
        feed.language = text(0, "language");
        feed.image = text(0, "icon");
        feed.has_image = !feed.image.empty();
        if (uint32_t a = member(0, "author"); a != json::kNoNode) {
            feed.has_author = true;
            feed.author = name_and_address(text(a, "name"));
        }
        uint32_t items = member(0, "items");
        if (items == json::kNoNode) return true;
        for (uint32_t i = items + 1; i < doc_.nodes[items].next; i = doc_.nodes[i].next) {
            if (i == items + 1) {
                feed.updated = text(i, "date_modified");
                feed.published = text(i, "date_published");
            }
            item(i, feed);
        }
        return true;
    }

  private:
    uint32_t member(uint32_t object, std::string_view name) {
        uint32_t i = doc_.find(object, name);
        return i != json::kNoNode && doc_.nodes[i].kind == Kind::null ? json::kNoNode : i;
    }
    std::string_view text(uint32_t object, std::string_view name) {
        uint32_t i = member(object, name);
        return i == json::kNoNode ? std::string_view() : doc_.string(i, arena_);
    }

    template <size_t N>
    bool fits(uint32_t object, const Field (&fields)[N]) {
        if (doc_.nodes[object].kind != Kind::object) return false;
        for (const Field& f : fields) {
            uint32_t i = member(object, f.name);
            if (i != json::kNoNode && !fits(i, f.type)) return false;
        }
        return true;
    }

    // Two levels at most: the types of a feed are not recursive.
    bool fits(uint32_t i, Type type) {
        const json::Node& n = doc_.nodes[i];
        auto each = [&](auto&& check) {
            if (n.kind != Kind::array) return false;
            for (uint32_t c = i + 1; c < n.next; c = doc_.nodes[c].next) {
                if (!check(c)) return false;
            }
            return true;
        };
        auto null = [&](uint32_t c) { return doc_.nodes[c].kind == Kind::null; };
        switch (type) {
            case Type::text:
                return n.kind == Kind::string;
            case Type::flag:
                return n.kind == Kind::boolean;
            case Type::integer:
                return n.kind == Kind::number && n.end - n.begin <= 18 &&
                       doc_.slice(n).find_first_of(".eE") == std::string_view::npos;
            case Type::texts:
                return each([&](uint32_t c) { return null(c) || doc_.nodes[c].kind == Kind::string; });
            case Type::person:
                return fits(i, kPersonFields);
            case Type::people:
                return each([&](uint32_t c) { return fits(c, kPersonFields); });
            case Type::items:
                return each([&](uint32_t c) { return fits(c, kItemFields); });
            case Type::attachments:
                return each([&](uint32_t c) { return null(c) || fits(c, kAttachmentFields); });
        }
        return false;
    }

    void item(uint32_t i, Feed& feed) {
        Item& item = item_;
        item.clear();
        item.title = text(i, "title");
        item.description = text(i, "summary");
        item.content = text(i, "content_html");
        if (item.content.empty()) item.content = text(i, "content_text");
        item.link = text(i, "url");
        for (std::string_view link : {item.link, text(i, "external_url")})
            if (!link.empty()) item.links.push(link);
        item.updated = text(i, "date_modified");
        feed_date(item.updated, false, arena_, &item.updated_parsed);
        item.published = text(i, "date_published");
        feed_date(item.published, false, arena_, &item.published_parsed);
        authors(i, item);
        item.guid = text(i, "id");
        item.image = text(i, "image");
        if (item.image.empty()) item.image = text(i, "banner_image");
        if (uint32_t tags = member(i, "tags"); tags != json::kNoNode) {
            for (uint32_t c = tags + 1; c < doc_.nodes[tags].next; c = doc_.nodes[c].next)
                item.categories.push(doc_.nodes[c].kind == Kind::string ? doc_.string(c, arena_) : std::string_view());
        }
        if (uint32_t list = member(i, "attachments"); list != json::kNoNode) {
            for (uint32_t c = list + 1; c < doc_.nodes[list].next; c = doc_.nodes[c].next) {
                bool null = doc_.nodes[c].kind == Kind::null;
                uint32_t seconds = null ? json::kNoNode : member(c, "duration_in_seconds");
                std::string_view length = seconds == json::kNoNode ? "0" : doc_.slice(doc_.nodes[seconds]);
                item.enclosures.push(
                    {null ? "" : text(c, "url"), length == "-0" ? "0" : length, null ? "" : text(c, "mime_type")});
            }
        }
        write_item(item, false, arena_, feed.items);
    }

    // "author" is the one, "authors" are all, and each can be there alone.
    void authors(uint32_t i, Item& item) {
        uint32_t one = member(i, "author"), all = member(i, "authors");
        if (one != json::kNoNode) item.written_by(name_and_address(text(one, "name")));
        if (all == json::kNoNode) return;
        item.authors.set_size(0);
        for (uint32_t c = all + 1; c < doc_.nodes[all].next; c = doc_.nodes[c].next)
            item.authors.push(name_and_address(text(c, "name")));
    }

    Document& doc_;
    Arena& arena_;
    Item item_;
};

Value to_data(Feed& feed, std::string_view type, Arena& arena) {
    auto raw = [&](auto&& write) {
        ArenaOutput out(arena, 64);
        write(out);
        return Value::of_raw(out.view());
    };
    Value items = raw([&](Output& out) {
        out.put('[');
        out.append(feed.items.view());
        out.put(']');
    });
    Value author, categories;
    if (feed.has_author) author = raw([&](Output& out) { write_person(feed.author, out); });
    if (!feed.categories.empty()) categories = raw([&](Output& out) { Fields::write(feed.categories, out); });
    const json::Member members[] = {{"author", author},
                                    {"categories", categories},
                                    {"copyright", Value::of_text(feed.copyright)},
                                    {"custom", {}},
                                    {"description", Value::of_text(feed.description)},
                                    {"items", items},
                                    {"language", Value::of_text(feed.language)},
                                    {"published", Value::of_text(feed.published)},
                                    {"title", Value::of_text(feed.title)},
                                    {"type", Value::of_text(type)},
                                    {"updated", Value::of_text(feed.updated)},
                                    {"img_url", Value::of_text(feed.image)}};
    uint32_t n = std::size(members) - (feed.has_image ? 0 : 1);
    auto* copy = arena.array<json::Member>(n);
    std::copy(members, members + n, copy);
    return Value::of(copy, n);
}

}  // namespace

Value feed_to_data(std::string_view body, Arena& arena, std::string_view* error) {
    Feed feed(arena);
    // White space and byte order marks may come first.
    size_t first = body.find_first_not_of(std::string_view(" \r\n\t\xFE\xFF\0\xEF\xBB\xBF", 10));
    *error = kUnknown;
    if (first == std::string_view::npos) return {};
    if (body[first] == '{') {
        Document* doc = json::scan(body.substr(first), arena);
        std::string_view rest = doc->ok() ? body.substr(first + doc->consumed) : "?";
        if (rest.find_first_not_of(" \r\n\t") != std::string_view::npos) return {};
        if (first > 0 && body.substr(0, first).find_first_not_of(" \r\n\t") != std::string_view::npos) return {};
        *error = "json: the feed has a field of another type than JSON Feed says";
        if (!JsonFeed(*doc, arena).read(feed)) return {};
        *error = {};
        return to_data(feed, "json", arena);
    }
    if (body[first] != '<') return {};
    FeedPull in(body, arena);
    Event e = Event::text;
    while (e == Event::text || e == Event::end)
        e = in.next();
    if (e != Event::start) return {};
    bool rss = in.named("rss") || in.named("rdf");
    if (!rss && !in.named("feed")) return {};
    if (!(rss ? Rss(in, arena).read(feed) : Atom(in, arena).read(feed))) {
        *error = in.error();
        return {};
    }
    *error = {};
    return to_data(feed, rss ? "rss" : "atom", arena);
}

}  // namespace gladius::encodings
