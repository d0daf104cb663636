#include "encodings/xml_read.h"

#include <algorithm>

#include "encodings/xml_reader.h"
#include "json/order.h"
#include "json/output.h"
#include "json/text.h"

namespace gladius::encodings {
namespace {

using json::ArenaOutput;
using json::Growing;
using json::SortKey;
using Token = XmlReader::Token;

// An element or an attribute; they stand in the order of the document, an element before what is inside of it.
struct Item {
    std::string_view name;
    std::string_view text;
    uint32_t next = 0;  // behind the last one inside
    bool attribute = false;
    bool object = false;  // has attributes or elements
};

// What is known of an element before its end.
struct Open {
    uint32_t item;
    bool inside;              // has attributes or elements
    std::string_view before;  // its last text without anything inside yet
    std::string_view beside;  // its last text after that
};

std::string_view trimmed(std::string_view s) {
    constexpr std::string_view kBlank = "\t\r\b\n ";
    size_t first = s.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return s.substr(first, s.find_last_not_of(kBlank) + 1 - first);
}

bool read(XmlReader& in, Growing<Item>& items, Arena& arena, std::string_view* error) {
    Growing<Open> open(arena, 16);
    for (;;) {
        switch (in.next()) {
            case Token::other:
                break;
            case Token::failed:
                *error = arena.concat("xml.Decoder.Token() - ", in.error());
                return false;
            case Token::done:
                *error = "EOF";
                return false;
            case Token::start: {
                if (!open.empty()) open.back().inside = true;
                auto at = static_cast<uint32_t>(items.size());
                items.push({in.name().local, {}, 0, false, false});
                for (const XmlAttribute& a : in.attributes())
                    items.push({a.name.local, a.value, 0, true, false});
                open.push({at, !in.attributes().empty(), {}, {}});
                break;
            }
            case Token::text: {
                std::string_view text = trimmed(in.text());
                if (text.empty() || open.empty()) break;
                (open.back().inside ? open.back().beside : open.back().before) = text;
                break;
            }
            case Token::end: {
                Open& o = open.back();
                Item& item = items[o.item];
                item.object = o.inside;
                item.text = o.before.empty() ? o.beside : o.before;
                item.next = static_cast<uint32_t>(items.size());
                open.pop();
                if (open.empty()) return true;
                break;
            }
        }
    }
}

bool in_order(const SortKey& a, const SortKey& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    int c = a.view().compare(b.view());
    return c != 0 ? c < 0 : a.ref < b.ref;
}

class Writer {
  public:
    Writer(Growing<Item>& items, Arena& arena, ArenaOutput& out)
        : items_(items), out_(out), frames_(arena, 16), names_(arena, 64) {}

    void run() {
        out_.put('{');
        json::quote(items_[0].name, out_);
        out_.put(':');
        value(0);
        while (!frames_.empty())
            step();
        out_.put('}');
    }

  private:
    // An element whose elements are being written: names_[at, end) is what is left, up to `list` they are one array.
    struct Frame {
        uint32_t at;
        uint32_t end;
        uint32_t begin;
        uint32_t list;
        bool first;
    };

    void value(uint32_t i) {
        const Item& item = items_[i];
        if (!item.object) return json::quote(item.text, out_);
        Frame f{};
        f.first = true;
        f.begin = f.at = static_cast<uint32_t>(names_.size());
        out_.put('{');
        if (!item.text.empty()) {
            out_.append("\"#text\":");
            json::quote(item.text, out_);
            f.first = false;
        }
        uint32_t c = i + 1;
        for (; c < item.next && items_[c].attribute; ++c)
            names_.push(SortKey::of(items_[c].name, c));
        if (c > i + 1) {
            size_t n = json::sort_names(names_.data() + f.begin, c - i - 1);
            for (size_t k = 0; k < n; ++k) {
                const Item& a = items_[names_[f.begin + k].ref];
                separate(f);
                write_attribute_name(a.name);
                json::quote(a.text, out_);
            }
            names_.set_size(f.begin);
        }
        for (; c < item.next; c = items_[c].next)
            names_.push(SortKey::of(items_[c].name, c));
        f.end = static_cast<uint32_t>(names_.size());
        std::sort(names_.data() + f.begin, names_.data() + f.end, in_order);
        frames_.push(f);
    }

    void write_attribute_name(std::string_view name) {
        // A name needs no escape in JSON.
        out_.append("\"-");
        out_.append(name);
        out_.append("\":");
    }

    void separate(Frame& f) {
        if (!f.first) out_.put(',');
        f.first = false;
    }

    // Writes one element, or what ends an array or the object. value() may push: `f` is not used after it.
    void step() {
        Frame& f = frames_.back();
        if (f.list != 0 && f.at == f.list) {
            out_.put(']');
            f.list = 0;
        }
        if (f.at == f.end) {
            out_.put('}');
            names_.set_size(f.begin);
            frames_.pop();
            return;
        }
        const SortKey& k = names_[f.at];
        if (f.list != 0) {
            out_.put(',');
        } else {
            separate(f);
            json::quote(k.view(), out_);
            out_.put(':');
            uint32_t to = f.at + 1;
            while (to < f.end && names_[to].view() == k.view())
                ++to;
            if (to > f.at + 1) {
                out_.put('[');
                f.list = to;
            }
        }
        ++f.at;
        value(k.ref);
    }

    Growing<Item>& items_;
    ArenaOutput& out_;
    Growing<Frame> frames_;
    Growing<SortKey> names_;
};

}  // namespace

std::string_view xml_to_json(std::string_view body, Arena& arena, std::string_view* error) {
    XmlReader in(body, arena, XmlReader::Mode::strict);
    Growing<Item> items(arena, 32);
    if (!read(in, items, arena, error)) return {};
    ArenaOutput out(arena, body.size() + 64);
    Writer(items, arena, out).run();
    return out.view();
}

}  // namespace gladius::encodings
