#include "features/modifier_martian/build.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>

#include "base/arena.h"
#include "conf/scalar.h"
#include "features/modifier_martian/cookies.h"
#include "features/modifier_martian/files.h"
#include "http/h1.h"

namespace gladius::features::martian {

namespace {

struct Name {
    std::string_view name;
    Kind kind;
    bool on_request, on_answer;  // what it can do at all
};
// What krakend-martian registers: nothing else has a meaning.
constexpr Name kNames[] = {
    {"body.Modifier", Kind::body_modifier, true, true},
    {"cookie.Filter", Kind::cookie_filter, true, true},
    {"cookie.Modifier", Kind::cookie_modifier, true, true},
    {"fifo.Group", Kind::fifo_group, true, true},
    {"header.Append", Kind::header_append, true, true},
    {"header.Blacklist", Kind::header_blacklist, true, true},
    {"header.Copy", Kind::header_copy, true, true},
    {"header.Filter", Kind::header_filter, true, true},
    {"header.Id", Kind::header_id, true, false},
    {"header.Modifier", Kind::header_modifier, true, true},
    {"header.RegexFilter", Kind::header_regex_filter, true, true},
    {"header.Verifier", Kind::header_verifier, true, true},
    {"port.Filter", Kind::port_filter, true, true},
    {"port.Modifier", Kind::port_modifier, true, false},
    {"priority.Group", Kind::priority_group, true, true},
    {"querystring.Filter", Kind::querystring_filter, true, true},
    {"querystring.Modifier", Kind::querystring_modifier, true, false},
    {"querystring.Verifier", Kind::querystring_verifier, true, false},
    {"stash.Modifier", Kind::stash_modifier, true, true},
    {"static.Modifier", Kind::static_modifier, true, true},
    {"status.Modifier", Kind::status_modifier, false, true},
    {"status.Verifier", Kind::status_verifier, false, true},
    {"url.Filter", Kind::url_filter, true, true},
    {"url.Modifier", Kind::url_modifier, true, false},
    {"url.RegexFilter", Kind::url_regex_filter, true, true},
    {"url.Verifier", Kind::url_verifier, true, false},
};

// The first thing that is wrong; only ever thrown inside build().
struct Wrong {
    conf::Node at;
    std::string message;
    std::string advice;
};

std::string_view kind_name(const conf::Node& n) {
    return conf::name_of(n.kind());
}

// Go's folding of names: letters of ASCII in any case, and the two letters outside that fold to one of them.
std::string folded(std::string_view s) {
    std::string out;
    for (size_t i = 0; i < s.size(); ++i) {
        if (s.substr(i).starts_with("\xc5\xbf")) {  // long s
            out += 's';
            i += 1;
        } else if (s.substr(i).starts_with("\xe2\x84\xaa")) {  // Kelvin sign
            out += 'k';
            i += 2;
        } else {
            out += s[i] >= 'A' && s[i] <= 'Z' ? static_cast<char>(s[i] | 0x20) : s[i];
        }
    }
    return out;
}

using Texts = std::vector<std::string>;
using Nodes = std::vector<conf::Node>;

// The fields of one struct of the reference.
class Fields {
  public:
    void text(std::string_view name, std::string& to) {
        add(name, [&to](const conf::Node& n) {
            if (n.is(conf::Kind::null)) return;
            need(n, conf::Kind::string, "a text");
            to = n.text();
        });
    }
    void boolean(std::string_view name, bool& to) {
        add(name, [&to](const conf::Node& n) {
            if (n.is(conf::Kind::null)) return;
            need(n, conf::Kind::boolean, "true or false");
            to = n.boolean();
        });
    }
    void integer(std::string_view name, int64_t& to) {
        add(name, [&to](const conf::Node& n) {
            if (!n.is(conf::Kind::null)) to = integer_of(n);
        });
    }
    void node(std::string_view name, conf::Node& to) {
        add(name, [&to](const conf::Node& n) { to = n; });
    }
    void nodes(std::string_view name, Nodes& to) {
        add(name, [&to](const conf::Node& n) {
            to.clear();
            if (n.is(conf::Kind::null)) return;
            need(n, conf::Kind::array, "a list");
            for (conf::Node e : n.elements())
                to.push_back(e);
        });
    }
    void texts(std::string_view name, std::optional<Texts>& to) {
        add(name, [&to](const conf::Node& n) {
            to.reset();
            if (n.is(conf::Kind::null)) return;
            need(n, conf::Kind::array, "a list of texts");
            to.emplace();
            for (conf::Node e : n.elements()) {
                if (!e.is(conf::Kind::null)) need(e, conf::Kind::string, "a text");
                to->emplace_back(e.text());
            }
        });
    }
    void bytes(std::string_view name, std::string& to) {
        add(name, [&to](const conf::Node& n) { to = bytes_of(n); });
    }
    void time(std::string_view name, std::optional<int64_t>& to) {
        add(name, [&to](const conf::Node& n) {
            if (n.is(conf::Kind::null)) return;
            need(n, conf::Kind::string, "a time");
            std::optional<int64_t> t = parse_rfc3339(n.text());
            if (!t) throw Wrong{n, "is no time", "write it as 2030-01-02T03:04:05Z"};
            to = t;
        });
    }
    void text_map(std::string_view name, std::vector<std::pair<std::string, std::string>>& to) {
        add(name, [&to](const conf::Node& n) {
            if (n.is(conf::Kind::null)) return to.clear();
            need(n, conf::Kind::object, "an object of texts");
            for (conf::Member m : n.members()) {
                if (!m.value.is(conf::Kind::null)) need(m.value, conf::Kind::string, "a text");
                std::erase_if(to, [&](const auto& pair) { return pair.first == m.key; });
                to.emplace_back(m.key, m.value.text());
            }
        });
    }

    // In the order of the keys' bytes, because the reference writes the object anew before it reads it; keys that
    // no field has are told.
    void read(const conf::Node& n, std::vector<Remark>& remarks) {
        if (!n || n.is(conf::Kind::null)) return;
        need(n, conf::Kind::object, "an object");
        std::vector<conf::Member> members;
        for (conf::Member m : n.members())
            members.push_back(m);
        std::sort(members.begin(), members.end(),
                  [](const conf::Member& a, const conf::Member& b) { return a.key < b.key; });
        for (const conf::Member& m : members) {
            const Field* field = find(m.key);
            if (field) {
                field->read(m.value);
            } else if (!conf::is_comment_key(m.key)) {
                remarks.push_back({m.key_node,
                                   fmt::format("\"{}\" has no meaning here and is ignored", m.key.substr(0, 60)),
                                   fmt::format("the keys here are {}", known())});
            }
        }
    }

    static void need(const conf::Node& n, conf::Kind kind, std::string_view what) {
        if (!n.is(kind))
            throw Wrong{n, fmt::format("is {}, not {}", kind_name(n), what), fmt::format("write {}", what)};
    }

    // The reference has read the number as a float and written it again.
    static int64_t integer_of(const conf::Node& n) {
        need(n, conf::Kind::number, "a whole number");
        std::optional<double> d = conf::parse_number(n.text());
        if (!d || std::trunc(*d) != *d || std::abs(*d) >= 9223372036854774784.0)
            throw Wrong{n, fmt::format("{} is no whole number", n.text()), "write a whole number"};
        return static_cast<int64_t>(*d);
    }

  private:
    struct Field {
        std::string_view name;
        std::function<void(const conf::Node&)> read;
    };

    void add(std::string_view name, std::function<void(const conf::Node&)> read) {
        fields_.push_back({name, std::move(read)});
    }

    const Field* find(std::string_view key) const {
        for (const Field& f : fields_)
            if (f.name == key) return &f;
        std::string fold = folded(key);
        for (const Field& f : fields_)
            if (folded(f.name) == fold) return &f;
        return nullptr;
    }

    std::string known() const {
        std::string out;
        for (const Field& f : fields_)
            out += (out.empty() ? "" : ", ") + std::string(f.name);
        return out;
    }

    // Base64, or a list of bytes.
    static std::string bytes_of(const conf::Node& n) {
        std::string out;
        if (n.is(conf::Kind::null)) return out;
        if (n.is(conf::Kind::array)) {
            for (conf::Node e : n.elements()) {
                int64_t byte = e.is(conf::Kind::null) ? 0 : integer_of(e);
                if (byte < 0 || byte > 255) throw Wrong{e, "is no byte", "write the body in base64"};
                out += static_cast<char>(byte);
            }
            return out;
        }
        need(n, conf::Kind::string, "a text in base64");
        uint32_t bits = 0;
        int count = 0, padding = 0;
        Wrong bad{n, "is not written in base64", "encode the body: printf '%s' BODY | base64 -w0"};
        for (char c : n.text()) {
            if (c == '\r' || c == '\n') continue;
            if (c == '=') {
                ++padding;
                continue;
            }
            int v = c >= 'A' && c <= 'Z'   ? c - 'A'
                    : c >= 'a' && c <= 'z' ? c - 'a' + 26
                    : c >= '0' && c <= '9' ? c - '0' + 52
                    : c == '+'             ? 62
                    : c == '/'             ? 63
                                           : -1;
            if (v < 0 || padding) throw bad;
            bits = (bits << 6) | static_cast<uint32_t>(v);
            if (++count % 4 == 0) {
                for (int shift : {16, 8, 0})
                    out += static_cast<char>(bits >> shift);
                bits = 0;
            }
        }
        int rest = count % 4;
        if (rest == 1 || padding != (4 - rest) % 4) throw bad;
        if (rest == 2) out += static_cast<char>(bits >> 4);
        if (rest == 3) {
            out += static_cast<char>(bits >> 10);
            out += static_cast<char>(bits >> 2);
        }
        return out;
    }

    std::vector<Field> fields_;
};

std::string canonical(std::string_view name) {
    std::string out(name.size(), '\0');
    http::canonicalise(name, out.data());
    return out;
}

std::string random_boundary() {
    std::array<unsigned char, 30> bytes{};
    std::string out;
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return "gladius";
    for (unsigned char b : bytes)
        out += fmt::format("{:02x}", b);
    return out;
}

class Builder {
  public:
    explicit Builder(std::vector<Remark>& remarks) : remarks_(remarks) {}

    // `n` is a whole modifier: an object with one key. As deep as the configuration, whose parser bounds that.
    Modifier modifier(const conf::Node& n, const conf::Node& parent) {
        if (!n) throw Wrong{parent, "has no \"modifier\"", "write the modifier that it decides about"};
        std::string advice = "write an object with one modifier, such as {\"header.Modifier\": {...}}";
        if (!n.is(conf::Kind::object)) throw Wrong{n, fmt::format("is {}, not a modifier", kind_name(n)), advice};
        std::vector<conf::Member> members;
        std::string names;
        bool comment = false;
        for (conf::Member m : n.members()) {
            comment |= conf::is_comment_key(m.key);
            names += (members.empty() ? "" : ", ") + std::string(m.key.substr(0, 40));
            members.push_back(m);
        }
        if (members.empty()) throw Wrong{n, "is empty", advice};
        if (members.size() > 1)
            throw Wrong{n, fmt::format("has {} keys ({}) where one modifier is expected", members.size(), names),
                        comment ? "move the comment to another place: here the reference takes it for a modifier"
                                : "put several modifiers into a fifo.Group"};
        const conf::Member& m = members[0];
        for (const Name& name : kNames)
            if (name.name == m.key) return body(name, m.value ? m.value : m.key_node);
        throw Wrong{m.key_node, fmt::format("\"{}\" is no modifier", m.key.substr(0, 60)), nearest(m.key)};
    }

  private:
    static std::string nearest(std::string_view key) {
        const Name* best = nullptr;
        size_t least = 4;
        for (const Name& n : kNames) {
            size_t d = key.size() > 40 ? least : conf::edit_distance(folded(n.name), folded(key), least);
            if (d < least) {
                least = d;
                best = &n;
            }
        }
        return best ? fmt::format("did you mean \"{}\"?", best->name) : "docs/features/modifier-martian.md lists them";
    }

    Modifier body(const Name& name, const conf::Node& n) {
        Modifier m;
        m.kind = name.kind;
        std::optional<Texts> scope;
        Fields f;
        f.texts("scope", scope);
        fill(m, n, f);
        set_scope(name, n, scope, m);
        if (m.kind == Kind::stash_modifier && m.on_answer && !m.on_request)
            throw Wrong{n, "stash.Modifier cannot work on answers alone", "give it the scope of both"};
        if (m.kind == Kind::querystring_verifier && m.name.empty())
            throw Wrong{n, "querystring.Verifier has no \"name\"", {}};
        if (m.kind == Kind::url_verifier || m.kind == Kind::querystring_verifier || m.kind == Kind::status_verifier)
            remarks_.push_back({n, fmt::format("{} ends every request with an error, as in the reference", name.name),
                                "verifiers are for tests with a Martian proxy: remove it"});
        return m;
    }

    static void set_scope(const Name& name, const conf::Node& n, const std::optional<Texts>& scope, Modifier& m) {
        if (!scope) {
            m.on_request = name.on_request;
            m.on_answer = name.on_answer;
            return;
        }
        for (const std::string& s : *scope) {
            bool request = s == "request";
            if (!request && s != "response")
                throw Wrong{n, fmt::format("\"{}\" is no scope", s.substr(0, 40)),
                            "write \"request\", \"response\" or both"};
            if (!(request ? name.on_request : name.on_answer))
                throw Wrong{n, fmt::format("{} cannot work on a {}", name.name, s),
                            fmt::format("write \"scope\": [\"{}\"]", request ? "response" : "request")};
            (request ? m.on_request : m.on_answer) = true;
        }
    }

    void fill(Modifier& m, const conf::Node& n, Fields& f) {
        switch (m.kind) {
            case Kind::header_modifier:
            case Kind::header_append:
                f.text("name", m.name);
                f.text("value", m.value);
                f.read(n, remarks_);
                m.name = canonical(m.name);
                break;
            case Kind::header_verifier:
            case Kind::querystring_modifier:
            case Kind::querystring_verifier:
                f.text("name", m.name);
                f.text("value", m.value);
                f.read(n, remarks_);
                break;
            case Kind::header_copy:
                f.text("from", m.name);
                f.text("to", m.value);
                f.read(n, remarks_);
                m.name = canonical(m.name);
                m.value = canonical(m.value);
                break;
            case Kind::header_blacklist: {
                std::optional<Texts> names;
                f.texts("names", names);
                f.read(n, remarks_);
                for (const std::string& s : names.value_or(Texts()))
                    m.names.push_back(canonical(s));
                break;
            }
            case Kind::header_id:
                f.text("header", m.name);
                f.read(n, remarks_);
                m.name = m.name.empty() ? "X-Krakend-Id" : canonical(m.name);
                break;
            case Kind::body_modifier:
                f.text("contentType", m.content_type);
                f.bytes("body", m.body);
                f.read(n, remarks_);
                m.boundary = random_boundary();
                break;
            case Kind::cookie_modifier:
                cookie(m, n, f);
                break;
            case Kind::url_modifier:
            case Kind::url_verifier:
                url_fields(m, f);
                f.read(n, remarks_);
                break;
            case Kind::port_modifier:
                port(m, n, f);
                break;
            case Kind::stash_modifier:
                f.text("headerName", m.name);
                f.read(n, remarks_);
                m.name = canonical(m.name);
                break;
            case Kind::status_modifier:
            case Kind::status_verifier:
                f.integer("statusCode", m.number);
                f.read(n, remarks_);
                break;
            case Kind::static_modifier: {
                std::string root;
                f.text("rootPath", root);
                f.text_map("explicitPaths", m.paths);
                f.read(n, remarks_);
                Arena arena;
                m.path = clean(root, arena);
                m.boundary = random_boundary();
                break;
            }
            case Kind::fifo_group: {
                Nodes modifiers;
                f.nodes("modifiers", modifiers);
                f.boolean("aggregateErrors", m.aggregates);
                f.read(n, remarks_);
                for (const conf::Node& e : modifiers)
                    m.children.push_back(modifier(e, n));
                break;
            }
            case Kind::priority_group:
                by_priority(m, n, f);
                break;
            case Kind::header_filter:
            case Kind::cookie_filter:
            case Kind::querystring_filter:
                f.text("name", m.name);
                f.text("value", m.value);
                filter(m, n, f, true);
                if (m.kind == Kind::header_filter) m.name = canonical(m.name);
                break;
            case Kind::url_filter:
                url_fields(m, f);
                filter(m, n, f, true);
                break;
            case Kind::port_filter:
                f.integer("port", m.number);
                filter(m, n, f, false);
                break;
            case Kind::url_regex_filter:
                regex_filter(m, n, f, true);
                break;
            case Kind::header_regex_filter:
                f.text("header", m.name);
                regex_filter(m, n, f, false);
                m.name = canonical(m.name);
                break;
        }
    }

    static void url_fields(Modifier& m, Fields& f) {
        f.text("scheme", m.scheme);
        f.text("host", m.host);
        f.text("path", m.path);
        f.text("query", m.query);
    }

    void cookie(Modifier& m, const conf::Node& n, Fields& f) {
        Cookie c;
        f.text("name", c.name);
        f.text("value", c.value);
        f.text("path", c.path);
        f.text("domain", c.domain);
        f.time("expires", c.expires);
        f.boolean("secure", c.secure);
        f.boolean("httpOnly", c.http_only);
        f.integer("maxAge", c.max_age);
        f.read(n, remarks_);
        m.value = request_cookie(c);
        m.body = set_cookie(c);
    }

    void port(Modifier& m, const conf::Node& n, Fields& f) {
        bool of_scheme = false, remove = false;
        f.integer("port", m.number);
        f.boolean("defaultForScheme", of_scheme);
        f.boolean("remove", remove);
        f.read(n, remarks_);
        if ((m.number != 0) + of_scheme + remove != 1)
            throw Wrong{n, "port.Modifier needs one of \"port\", \"defaultForScheme\" and \"remove\"",
                        "write exactly one of them"};
        m.port = of_scheme ? PortChange::of_scheme : remove ? PortChange::remove : PortChange::fixed;
    }

    // The highest first; of equals the last that was written first.
    void by_priority(Modifier& m, const conf::Node& n, Fields& f) {
        Nodes entries;
        f.nodes("modifiers", entries);
        f.read(n, remarks_);
        struct Entry {
            int64_t priority;
            Modifier modifier;
        };
        std::vector<Entry> sorted;
        for (const conf::Node& e : entries) {
            int64_t priority = 0;
            conf::Node inner;
            Fields one;
            one.integer("priority", priority);
            one.node("modifier", inner);
            one.read(e, remarks_);
            sorted.push_back({priority, modifier(inner, e)});
        }
        std::reverse(sorted.begin(), sorted.end());
        std::stable_sort(sorted.begin(), sorted.end(),
                         [](const Entry& a, const Entry& b) { return a.priority > b.priority; });
        for (Entry& e : sorted)
            m.children.push_back(std::move(e.modifier));
    }

    void filter(Modifier& m, const conf::Node& n, Fields& f, bool may_have_else) {
        conf::Node then, otherwise;
        f.node("modifier", then);
        if (may_have_else) f.node("else", otherwise);
        f.read(n, remarks_);
        m.children.push_back(modifier(then, n));
        if (otherwise) m.children.push_back(modifier(otherwise, n));
    }

    void regex_filter(Modifier& m, const conf::Node& n, Fields& f, bool may_have_else) {
        f.text("regex", m.value);
        filter(m, n, f, may_have_else);
        Result<regex::Pattern> regex = regex::Pattern::compile(m.value);
        if (!regex)
            throw Wrong{n, fmt::format("the pattern cannot be read: {}", regex.error().message),
                        "write it in the syntax of RE2"};
        m.regex = std::move(*regex);
    }

    std::vector<Remark>& remarks_;
};

}  // namespace

Built build(const conf::Node& config) {
    Built out;
    try {
        auto program = std::make_shared<Program>();
        program->root = Builder(out.remarks).modifier(config, config);
        program->flatten();
        out.program = std::move(program);
    } catch (Wrong& w) {
        out.remarks.clear();
        out.remarks.push_back({w.at, "modifier/martian is left out as a whole: " + w.message, std::move(w.advice)});
    }
    return out;
}

}  // namespace gladius::features::martian
