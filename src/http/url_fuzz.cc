// Any bytes as a request target, a query and a path. Properties: what is escaped decodes to what it was; a query that
// was encoded once encodes to itself; a cleaned path is absolute, has no empty or dot elements and is clean; what is
// sent to a backend holds no byte that could end its place in the request line.
#include <cstring>
#include <memory>
#include <string_view>

#include "base/assert.h"
#include "http/url.h"

using namespace gladius::http;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    gladius::Arena arena;
    std::unique_ptr<char[]> copy(new char[size]);
    if (size != 0) std::memcpy(copy.get(), bytes, size);
    std::string_view s{copy.get(), size};

    if (auto t = parse_target(s, arena)) {
        GL_CHECK(t->path.size() <= t->raw_path.size());
        GL_CHECK(t->raw_path.find('?') == s.npos);
        GL_CHECK(t->has_query || t->query.empty());
        GL_CHECK(*unescape_path(t->raw_path, arena) == t->path);
    }

    GL_CHECK(*unescape_path(escape_path(s, arena), arena) == s || s == "*");
    GL_CHECK(*unescape_query(escape_query(s, arena), arena) == s);

    if (auto sent = escape_url_path_like_go_parse(s, arena)) {
        for (char c : *sent)
            GL_CHECK(static_cast<uint8_t>(c) > 0x20 && static_cast<uint8_t>(c) < 0x7f);
        GL_CHECK(*unescape_path(*sent, arena) == *unescape_path(s, arena));
        GL_CHECK(*escape_url_path_like_go_parse(*sent, arena) == *sent);
    }

    std::string_view query = encode_query(s, nullptr, arena);
    GL_CHECK(encode_query(query, nullptr, arena) == query);
    size_t pairs = 0;
    for_each_pair(s, arena, [&](const Pair&) { ++pairs; });
    size_t again = 0;
    std::string_view last;
    for_each_pair(query, arena, [&](const Pair& p) {
        GL_CHECK(again == 0 || !(p.name < last));
        last = p.name;
        ++again;
    });
    GL_CHECK(pairs == again);

    std::string_view clean = clean_path(s, arena);
    GL_CHECK(clean.starts_with('/') && clean.size() <= s.size() + 1);
    GL_CHECK(clean.find("//") == clean.npos && clean.find("/./") == clean.npos && clean.find("/../") == clean.npos);
    GL_CHECK(!clean.ends_with("/.") && !clean.ends_with("/.."));
    GL_CHECK(clean_path(clean, arena) == clean);
    return 0;
}
