#include "conf/fields.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "conf/scalar.h"

namespace gladius::conf {

namespace {

// A value as people wrote it, cut where it gets long.
std::string shown(const Node& n) {
    switch (n.kind()) {
        case Kind::null:
            return "null";
        case Kind::boolean:
            return n.boolean() ? "true" : "false";
        case Kind::number:
            return std::string(n.text().substr(0, 60));
        case Kind::string:
            return fmt::format("\"{}\"{}", n.text().substr(0, 60), n.text().size() > 60 ? "..." : "");
        default:
            return std::string(name_of(n.kind()));
    }
}

bool is_off(const Node& n) {
    switch (n.kind()) {
        case Kind::null:
            return true;
        case Kind::boolean:
            return !n.boolean();
        case Kind::number:
            return n.text() == "0";
        case Kind::string:
            return n.text().empty();
        default:
            return n.size() == 0;
    }
}

// The number of a JSON literal; integers exactly, all else through a double as Go's decoder does.
double number_of(std::string_view literal) {
    return parse_number(literal).value_or(literal[0] == '-' ? -HUGE_VAL : HUGE_VAL);
}

std::optional<int64_t> integer_of(std::string_view literal) {
    int64_t v = 0;
    auto [end, ec] = std::from_chars(literal.data(), literal.data() + literal.size(), v);
    if (ec == std::errc() && end == literal.data() + literal.size()) return v;
    double d = number_of(literal);
    if (!(d > -9.2e18 && d < 9.2e18)) return std::nullopt;
    return static_cast<int64_t>(d);
}

std::string number_text(std::string_view literal) {
    if (literal.find_first_of(".eE") == std::string_view::npos) return std::string(literal);
    return fmt::format("{}", number_of(literal));
}

const Field* find_field(const FieldTable& table, std::string_view key) {
    for (const Field& f : table.fields) {
        if (f.name == key) return &f;
    }
    return nullptr;
}

}  // namespace

std::string_view name_of(FieldType t) {
    switch (t) {
        case FieldType::boolean:
            return "true or false";
        case FieldType::integer:
            return "a whole number";
        case FieldType::number:
            return "a number";
        case FieldType::text:
            return "a text";
        case FieldType::duration:
            return "a duration such as \"2s\"";
        case FieldType::bytes:
            return "a number of bytes, or a text such as \"16MiB\"";
        case FieldType::text_list:
            return "a list of texts";
        case FieldType::integer_list:
            return "a list of whole numbers";
        case FieldType::text_map:
            return "an object of texts";
        case FieldType::object:
            return "an object";
        case FieldType::object_list:
            return "a list of objects";
        case FieldType::any:
            return "any value";
    }
    return "a value";
}

std::string_view nearest_field(const FieldTable& table, std::string_view key) {
    std::string wanted = to_lower(key);
    std::erase_if(wanted, [](char c) { return c == '_' || c == '-' || c == ' '; });
    std::string_view best;
    size_t least = wanted.size() < 5 ? 1 : wanted.size() < 10 ? 2 : 3;
    for (const Field& f : table.fields) {
        std::string name(f.name);
        std::erase(name, '_');
        size_t d = edit_distance(wanted, name, least);
        if (d <= least && (best.empty() || d < least)) {
            best = f.name;
            least = d;
        }
    }
    return best;
}

void Reader::error(const Node& at, std::string message, std::string advice) {
    Severity s = lenient_ ? Severity::warning : Severity::error;
    failed_ = true;
    if (diagnostics_.full(s)) return diagnostics_.count_only(s);
    diagnostics_.add(s, at.place(), context_ + message, std::move(advice));
}

void Reader::warn(const Node& at, std::string message, std::string advice) {
    if (diagnostics_.full(Severity::warning)) return diagnostics_.count_only(Severity::warning);
    diagnostics_.add(Severity::warning, at.place(), context_ + message, std::move(advice));
}

bool Reader::read(const Node& node, const FieldTable& table, void* target) {
    return read(node, table, target, {});
}

bool Reader::read(const Node& node, const FieldTable& table, void* target,
                  std::span<const std::pair<std::string, Node>> over) {
    Reading outer_reading = std::exchange(reading_, table.reading);
    bool outer_failed = std::exchange(failed_, false);
    uint64_t seen = 0;
    if (!node.is(Kind::object)) {
        std::string message = fmt::format("expected a map or struct, got {}", shown(node));
        std::string advice = fmt::format("write an object {{ ... }} for {}", table.name);
        if (reading_ == Reading::exact) {
            warn(node, message + ", which is ignored", std::move(advice));
        } else {
            error(node, std::move(message), std::move(advice));
        }
    }
    auto take = [&](const Field& f, const Node& value) {
        seen |= uint64_t{1} << (static_cast<size_t>(&f - table.fields.data()) & 63);
        if (!f.note.empty() && !is_off(value)) warn(value, fmt::format("\"{}\" {}", f.name, f.note));
        if (value.is(Kind::null)) return;  // as absent
        if (f.store) f.store(*this, value, f, target);
    };
    for (Member m : node.members()) {
        if (const Field* f = find_field(table, m.key)) {
            bool replaced = false;
            for (const auto& [name, value] : over)
                replaced = replaced || name == f->name;
            if (!replaced) take(*f, m.value);
            continue;
        }
        if (is_comment_key(m.key)) continue;
        if (weak() || table.fold_case) {
            const Field* folded = nullptr;
            for (const Field& f : table.fields) {
                if (equal_fold(f.name, m.key)) folded = &f;
            }
            if (folded && node.find(folded->name)) {
                warn(m.key_node, fmt::format("\"{}\" is ignored because \"{}\" is there too", m.key, folded->name),
                     "remove one of the two");
                continue;
            }
            if (folded) {
                warn(m.key_node, fmt::format("\"{}\" is read as \"{}\"", m.key, folded->name),
                     fmt::format("write \"{}\"", folded->name));
                take(*folded, m.value);
                continue;
            }
        }
        unknown_key(m, table);
    }
    for (const auto& [name, value] : over) {
        if (const Field* f = find_field(table, name)) take(*f, value);
    }
    for (size_t i = 0; i < table.fields.size(); ++i) {
        const Field& f = table.fields[i];
        if (!f.is_required || weak() || (i < 64 && (seen >> i & 1) && !node.find(f.name).is(Kind::null))) continue;
        std::string message = fmt::format("\"{}\" is missing", f.name);
        std::string advice = fmt::format("add \"{}\": {}", f.name, name_of(f.type));
        if (reading_ == Reading::strict) {
            error(node, std::move(message), std::move(advice));
        } else {
            warn(node, std::move(message), std::move(advice));
        }
    }
    bool ok = !failed_;
    reading_ = outer_reading;
    failed_ = outer_failed || failed_;
    return ok;
}

void Reader::unknown_key(const Member& m, const FieldTable& table) {
    if (table.unknown == Unknown::allow) return;
    bool fatal = reading_ == Reading::strict && table.unknown == Unknown::by_reading;
    if (!fatal && diagnostics_.full(Severity::warning)) return diagnostics_.count_only(Severity::warning);
    std::string_view near = nearest_field(table, m.key);
    std::string message =
        fmt::format("unknown key \"{}\" in {}{}", m.key.substr(0, 100), table.name, fatal ? "" : ", which is ignored");
    std::string advice;
    if (!near.empty()) {
        advice = fmt::format("did you mean \"{}\"?", near);
    } else if (table.name == "endpoint" && (m.key == "headers_to_pass" || m.key == "querystring_params")) {
        advice = fmt::format("version 3 calls it \"{}\"",
                             m.key == "headers_to_pass" ? "input_headers" : "input_query_strings");
    } else if (table.name == "backend" && (m.key == "whitelist" || m.key == "blacklist")) {
        advice = fmt::format("version 3 calls it \"{}\"", m.key == "whitelist" ? "allow" : "deny");
    } else {
        advice = "remove it, or begin its name with @ if it is a comment";
    }
    if (fatal) {
        error(m.key_node, std::move(message), std::move(advice));
    } else {
        warn(m.key_node, std::move(message), std::move(advice));
    }
}

bool Reader::mismatch(const Node& n, const Field& f, std::string_view reference_text) {
    std::string message = fmt::format("\"{}\" is {}{}{}, expected {}", f.name, shown(n),
                                      reference_text.empty() ? "" : ": ", reference_text, name_of(f.type));
    std::string advice;
    if (!f.default_value.empty()) advice = fmt::format("the default is {}", f.default_value);
    if (reading_ == Reading::exact) {
        warn(n, message + "; it is ignored", std::move(advice));
    } else {
        error(n, std::move(message), std::move(advice));
    }
    return false;
}

void Reader::loose(const Node& n, const Field& f, std::string message, std::string advice) {
    // What comes from the environment can only be a text.
    if (n.from_outside()) return;
    warn(n, fmt::format("\"{}\" {}", f.name, message), std::move(advice));
}

bool Reader::check_range(const Node& n, const Field& f, int64_t v) {
    if (v >= f.min && v <= f.max) return true;
    std::string limits =
        f.max == INT64_MAX ? fmt::format("at least {}", f.min) : fmt::format("from {} to {}", f.min, f.max);
    error(n, fmt::format("\"{}\" is {}, allowed is {}", f.name, v, limits));
    return false;
}

void Reader::check_words(const Node& n, const Field& f, std::string_view text) {
    if (f.words.empty() || f.words_quiet || text.empty()) return;
    auto each = [&](auto&& use) {
        std::string_view rest = f.words;
        while (!rest.empty()) {
            size_t bar = std::min(rest.find('|'), rest.size());
            if (use(rest.substr(0, bar))) return true;
            rest.remove_prefix(std::min(bar + 1, rest.size()));
        }
        return false;
    };
    if (each([&](std::string_view word) { return word == text || (f.any_case && equal_fold(word, text)); })) return;
    std::string_view near;
    size_t least = 3;
    each([&](std::string_view word) {
        size_t d = equal_fold(word, text) ? 0 : edit_distance(to_lower(word), to_lower(text), least - 1);
        if (d < least && d < word.size()) {
            near = word;
            least = d ? d : 1;
        }
        return d == 0;
    });
    std::string all(f.words);
    for (size_t i = all.find('|'); i != std::string::npos; i = all.find('|', i))
        all.replace(i, 1, ", ");
    std::string message = fmt::format("\"{}\" is \"{}\", known values are {}", f.name, text.substr(0, 60), all);
    std::string advice = near.empty() ? std::string() : fmt::format("did you mean \"{}\"?", near);
    if (reading_ == Reading::strict) {
        error(n, std::move(message), std::move(advice));
    } else {
        warn(n, std::move(message), std::move(advice));
    }
}

bool Reader::value(const Node& n, const Field& f, bool& out) {
    if (n.is(Kind::boolean)) {
        out = n.boolean();
        return true;
    }
    if (!weak()) return mismatch(n, f);
    if (n.is(Kind::string)) {
        if (n.text().empty()) {
            out = false;
        } else if (auto b = parse_bool(n.text())) {
            out = *b;
        } else {
            return mismatch(n, f, fmt::format("'{}' cannot parse value as 'bool'", f.name));
        }
    } else if (n.is(Kind::number)) {
        out = number_of(n.text()) != 0;
    } else {
        return mismatch(n, f);
    }
    loose(n, f, fmt::format("is {}, read as {}", shown(n), out), fmt::format("write {} without quotes", out));
    return true;
}

bool Reader::value(const Node& n, const Field& f, int64_t& out) {
    int64_t v = 0;
    if (f.type == FieldType::bytes) {
        std::optional<int64_t> bytes;
        if (n.is(Kind::string)) bytes = parse_bytes(n.text());
        if (n.is(Kind::number)) bytes = integer_of(n.text());
        if (!bytes) return mismatch(n, f);
        v = *bytes;
    } else if (n.is(Kind::number)) {
        auto i = integer_of(n.text());
        if (!i) return mismatch(n, f);
        v = *i;
        double d = number_of(n.text());
        if (d != std::trunc(d)) {
            if (!weak()) return mismatch(n, f);
            loose(n, f, fmt::format("is {}, read as {}", n.text(), v), "write a whole number");
        }
    } else if (weak() && n.is(Kind::string)) {
        auto i = n.text().empty() ? std::optional<int64_t>(0) : parse_integer(n.text());
        if (!i) {
            if (n.from_outside() && n.text().substr(0, 6) == "tcp://") {
                error(n,
                      fmt::format(
                          "'{}' cannot parse value as 'int': \"{}\" is set by Kubernetes for a service named krakend",
                          f.name, n.text()),
                      "set enableServiceLinks: false in the pod, or rename the service");
                return false;
            }
            return mismatch(n, f,
                            fmt::format("'{}' cannot parse value as 'int': strconv.ParseInt: invalid syntax", f.name));
        }
        v = *i;
        loose(n, f, fmt::format("is the text {}, read as the number {}", shown(n), v),
              fmt::format("write {} without quotes", v));
    } else if (weak() && n.is(Kind::boolean)) {
        v = n.boolean() ? 1 : 0;
        loose(n, f, fmt::format("is {}, read as the number {}", shown(n), v), fmt::format("write {}", v));
    } else {
        return mismatch(n, f);
    }
    if (!check_range(n, f, v)) return false;
    out = v;
    return true;
}

bool Reader::value(const Node& n, const Field& f, double& out) {
    if (n.is(Kind::number)) {
        auto d = parse_number(n.text());
        if (!d) return mismatch(n, f);
        out = *d;
        return true;
    }
    if (weak() && n.is(Kind::string)) {
        auto d = n.text().empty() ? std::optional<double>(0) : parse_number(n.text());
        if (!d) return mismatch(n, f, fmt::format("'{}' cannot parse value as 'float64'", f.name));
        out = *d;
    } else if (weak() && n.is(Kind::boolean)) {
        out = n.boolean() ? 1 : 0;
    } else {
        return mismatch(n, f);
    }
    loose(n, f, fmt::format("is {}, read as the number {}", shown(n), out), "write a number");
    return true;
}

bool Reader::value(const Node& n, const Field& f, std::string& out) {
    if (n.is(Kind::string)) {
        out = n.text();
    } else if (weak() && n.is(Kind::number)) {
        out = number_text(n.text());
        loose(n, f, fmt::format("is the number {}, read as the text \"{}\"", n.text(), out),
              fmt::format("write \"{}\"", out));
    } else if (weak() && n.is(Kind::boolean)) {
        out = n.boolean() ? "1" : "0";
        loose(n, f, fmt::format("is {}, read as the text \"{}\"", shown(n), out), "write a text");
    } else {
        return mismatch(n, f);
    }
    check_words(n, f, out);
    return true;
}

bool Reader::value(const Node& n, const Field& f, std::chrono::nanoseconds& out) {
    if (n.is(Kind::string)) {
        auto d = parse_duration(n.text());
        if (!d) {
            std::string message = fmt::format("'{}' time: invalid duration {}", f.name, shown(n));
            auto bare = parse_integer(n.text());
            std::string advice =
                bare ? fmt::format("a unit is missing: \"{0}s\" or \"{0}ms\"?", n.text())
                     : std::string("write a number and ns, us, ms, s, m or h, such as \"500ms\", \"2s\" or \"1h30m\"");
            if (reading_ == Reading::exact) {
                warn(n, message + "; it is ignored", std::move(advice));
            } else {
                error(n, std::move(message), std::move(advice));
            }
            return false;
        }
        out = *d;
        return true;
    }
    std::optional<int64_t> ns;
    if (weak() && n.is(Kind::number)) ns = integer_of(n.text());
    if (weak() && n.is(Kind::boolean)) ns = n.boolean() ? 1 : 0;
    if (!ns) return mismatch(n, f);
    out = std::chrono::nanoseconds(*ns);
    if (*ns != 0) {
        // Small numbers are seconds in people's minds, larger ones milliseconds.
        std::string_view unit = *ns > 0 && *ns < 100 ? "s" : "ms";
        warn(n,
             fmt::format("{}: {} is {} nanoseconds ({}), as a bare number is read", f.name, shown(n), *ns,
                         format_duration(out)),
             fmt::format("did you mean \"{}{}\"?", *ns, unit));
    }
    return true;
}

bool Reader::value(const Node& n, const Field& f, std::vector<std::string>& out) {
    Field item = f;
    item.type = FieldType::text;
    if (n.is(Kind::array)) {
        if (!weak()) {
            for (Node e : n.elements()) {
                if (!e.is(Kind::string)) return mismatch(e, item);
            }
        }
        std::vector<std::string> list;
        list.reserve(n.size());
        bool ok = true;
        for (Node e : n.elements()) {
            list.emplace_back();
            if (e.is(Kind::null)) continue;
            ok = value(e, item, list.back()) && ok;
        }
        if (ok) out = std::move(list);
        return ok;
    }
    if (!weak()) return mismatch(n, f);
    if (n.is(Kind::object)) {
        if (n.size()) return mismatch(n, f);
        out.clear();
        return true;
    }
    std::string one;
    if (!value(n, item, one)) return false;
    loose(n, f, fmt::format("is {}, read as a list with this one entry", shown(n)),
          fmt::format("write [\"{}\"]", one.substr(0, 60)));
    out.assign(1, std::move(one));
    return true;
}

bool Reader::value(const Node& n, const Field& f, std::vector<int64_t>& out) {
    Field item = f;
    item.type = FieldType::integer;
    if (!n.is(Kind::array)) {
        int64_t one = 0;
        if (!weak() || n.is(Kind::object)) return mismatch(n, f);
        if (!value(n, item, one)) return false;
        out.assign(1, one);
        return true;
    }
    std::vector<int64_t> list;
    list.reserve(n.size());
    bool ok = true;
    for (Node e : n.elements()) {
        list.push_back(0);
        if (!e.is(Kind::null)) ok = value(e, item, list.back()) && ok;
    }
    if (ok) out = std::move(list);
    return ok;
}

bool Reader::value(const Node& n, const Field& f, TextMap& out) {
    bool ok = true;
    if (weak() && n.is(Kind::array)) {  // of objects, which are laid on top of each other
        for (Node e : n.elements()) {
            TextMap one;
            ok = value(e, f, one) && ok;
            for (auto& [key, text] : one) {
                std::erase_if(out, [&name = key](const auto& pair) { return pair.first == name; });
                out.emplace_back(std::move(key), std::move(text));
            }
        }
        return ok;
    }
    if (!n.is(Kind::object)) return mismatch(n, f);
    Field item = f;
    item.type = FieldType::text;
    for (Member m : n.members()) {
        std::string text;
        if (!m.value.is(Kind::null)) ok = value(m.value, item, text) && ok;
        out.emplace_back(std::string(m.key), std::move(text));
    }
    return ok;
}

bool Reader::object(const Node& n, const Field& f, void* out) {
    if (!n.is(Kind::object)) {
        if (weak() && n.is(Kind::array) && n.size() == 0) return true;
        return mismatch(n, f, fmt::format("'{}' expected a map or struct", f.name));
    }
    return !f.table || read(n, *f.table, out);
}

Node Reader::list_of_objects(const Node& n, const Field& f) {
    if (n.is(Kind::array)) return n;
    if (!weak()) {
        mismatch(n, f);
        return {};
    }
    if (n.is(Kind::object)) {
        if (n.size()) loose(n, f, "is one object, read as a list with this one entry", "write it in [ ]");
        return n;
    }
    mismatch(n, f, fmt::format("'{}[0]' expected a map or struct", f.name));
    return {};
}

}  // namespace gladius::conf
